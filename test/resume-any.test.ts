// Interrupted at any step, saved, loaded and resumed, training ends in the bytes of the uninterrupted run: for random combinations of layers,
// optimizers, schedules, splits, weights, averages, clipping, early stopping and numbers of threads.

import fc from "fast-check";
import { expect, test } from "vitest";
import { adam, adagrad, adamw, batchNorm, cosineDecay, dense, dropout, layerNorm, lion, nadam, Network, prelu, reduceOnPlateau, rmsprop, sgd } from "../src/index.js";
import type { FitOptions, LayerSpec } from "../src/index.js";

const RUNS = Number(process.env.ROSENBLATT_RUNS ?? 60);
const SAMPLES = 29;

const numbers = (count: number, seed: number): Float32Array => Float32Array.from({ length: count }, (_, i) => ((i * 7919 + seed * 104729) % 257) / 128 - 1);
const inputs = numbers(SAMPLES * 4, 1);
const classes = Array.from({ length: SAMPLES }, (_, i) => (i * 5 + (i >> 2)) % 3);

const optimizers = [sgd, rmsprop, adagrad, adam, adamw, nadam, lion];
const rates = [0.02, cosineDecay({ initial: 0.03, steps: 9, warmupSteps: 3 }), reduceOnPlateau({ initial: 0.05, patience: 0, factor: 0.5 })];
const between: (() => LayerSpec[])[] = [() => [], () => [dropout(0.25)], () => [batchNorm()], () => [layerNorm()], () => [batchNorm(), dropout(0.5), layerNorm()]];

const combination = fc.record({
  optimizer: fc.nat(optimizers.length - 1), rate: fc.nat(rates.length - 1), layers: fc.nat(between.length - 1), seed: fc.nat(1000), batchSize: fc.integer({ min: 3, max: 12 }),
  epochs: fc.integer({ min: 1, max: 5 }), shuffle: fc.boolean(), split: fc.constantFrom(0, 0.25), weighted: fc.boolean(), average: fc.constantFrom(undefined, 0.5, 0.9),
  stopping: fc.constantFrom(undefined, true, false), clip: fc.constantFrom(undefined, { norm: 0.1 }, { value: 0.02 }), at: fc.nat(), threads: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
});

test("a fit of any kind, interrupted at any step, ends in the bytes of the whole one", async () => {
  let [interruptions, early] = [0, 0];
  await fc.assert(fc.asyncProperty(combination, async (c) => {
    const create = (): Promise<Network> => Network.create({ inputs: 4, layers: [dense(9, { activation: prelu(), l2: 0.01 }), ...between[c.layers](), dense(3, "softmax")], seed: c.seed });
    const options: FitOptions = {
      epochs: c.epochs, batchSize: c.batchSize, shuffle: c.shuffle, optimizer: optimizers[c.optimizer]({ learningRate: rates[c.rate] }), validationSplit: c.split,
      ...(c.weighted && { classWeights: "balanced" as const, sampleWeights: Float32Array.from(classes, (k, i) => k + (i % 2)) }), ...(c.average && { averageWeights: { decay: c.average } }),
      ...(c.stopping !== undefined && { earlyStopping: { patience: 1, restoreBest: c.stopping } }), ...(c.clip && { gradientClip: c.clip }),
    };
    const whole = await create();
    let steps = 0;
    const history = await whole.fit(inputs, classes, { ...options, threads: 1, onBatch: () => void steps++ });
    if (history.stopped === "early") early++;

    const network = await create();
    const controller = new AbortController();
    const last = 1 + (c.at % steps);
    let step = 0;
    const onBatch = (): void => void (++step === last && controller.abort("stop"));
    await expect(network.fit(inputs, classes, { ...options, threads: c.threads[0], signal: controller.signal, onBatch })).rejects.toBe("stop");
    const loaded = await Network.load(network.save());
    await loaded.fit(inputs, classes, { ...options, threads: c.threads[1], resume: true });
    expect(Buffer.from(loaded.save()).equals(Buffer.from(whole.save()))).toBe(true);
    for (const each of [whole, network, loaded]) each.dispose();
    interruptions++;
  }), { numRuns: RUNS, seed: 20 });
  expect(interruptions).toBeGreaterThanOrEqual(RUNS);
  expect(early).toBeGreaterThan(0);
}, 120_000);

test("a fit that is aborted while it waits for its workers can be saved, loaded and resumed", async () => {
  const options: FitOptions = { epochs: 2, batchSize: 8, threads: 2, averageWeights: { decay: 0.5 } };
  const create = async (fits: number): Promise<Network> => {
    const network = await Network.create({ inputs: 4, layers: [dense(9, "tanh"), dropout(0.2), dense(3, "softmax")], seed: 3 });
    for (let i = 0; i < fits; i++) await network.fit(inputs, classes, { threads: 1 });
    return network;
  };
  let waiting = 0;
  for (const fits of [0, 1]) {
    const whole = await create(fits);
    await whole.fit(inputs, classes, options);
    for (let turns = 0; turns < 8; turns++) {
      const network = await create(fits);
      const controller = new AbortController();
      let steps = 0;
      const interrupted = network.fit(inputs, classes, { ...options, signal: controller.signal, onBatch: () => void steps++ }).catch((reason: unknown) => reason);
      for (let i = 0; i < turns; i++) await new Promise((resolve) => void setImmediate(resolve));
      controller.abort("stop");
      // done before, or refused before anything had changed
      if ((await interrupted) !== "stop" || !network.interrupted) continue;
      if (steps === 0) waiting++;
      const loaded = await Network.load(network.save());
      for (const each of [loaded, network]) {
        await each.fit(inputs, classes, { ...options, threads: 1, resume: true });
        expect(Buffer.from(each.save()).equals(Buffer.from(whole.save()))).toBe(true);
      }
    }
  }
  expect(waiting).toBeGreaterThan(0);
});
