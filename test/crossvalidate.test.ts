// crossValidate: each sample is held out once, what is held out is never trained on, and the figures are those of the folds.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crossValidate, dense, Network, reduceOnPlateau, sgd } from "../src/index.js";
import type { CrossValidationOptions } from "../src/index.js";
import { crossEntropy, meanSquaredError } from "../src/describe/losses.js";
import { linear, softmax } from "../src/describe/activations.js";
import { dealFolds, meanAndDeviation } from "../src/train/folds.js";

const SAMPLES = 47;
const inputs = Array.from({ length: SAMPLES }, (_, i) => [i, (i * 7) % 11 / 5 - 1, (i * 5) % 13 / 6 - 1]);
const classes = inputs.map(([i]) => (i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2));
const values = inputs.map(([, a, b]) => a * b);
const scaled = inputs.map(([i, a, b]) => [i / 47, a, b]);
const classifier = (): Promise<Network> => Network.create({ inputs: 3, layers: [dense(5, "tanh"), dense(3, "softmax")], seed: 2 });
const regression = (): Promise<Network> => Network.create({ inputs: 3, layers: [dense(5, "tanh"), dense(1)], seed: 2 });
const shape = { inputs: 3, outputs: 3, activation: softmax(), loss: crossEntropy() };

describe("folds", () => {
  test("hold each sample out once, with its own target, and share the classes", async () => {
    await fc.assert(fc.asyncProperty(fc.integer({ min: 2, max: SAMPLES }), fc.nat(1e6), fc.boolean(), async (count, seed, stratified) => {
      const folds = await dealFolds("test", { inputs, targets: classes, folds: count, seed, stratified, sampleWeights: inputs.map(([i]) => i) }, shape);
      expect(folds.count).toBe(count);
      const held: number[] = [];
      for (let k = 0; k < count; k++) {
        const { training, validation } = folds.fold(k);
        held.push(...validation.indices);
        expect([...training.indices, ...validation.indices].sort((a, b) => a - b)).toEqual(inputs.map((_, i) => i));
        for (const part of [training, validation]) {
          expect([...part.targets]).toEqual(Array.from(part.indices, (i) => classes[i]));
          expect([...part.sampleWeights!]).toEqual([...part.indices]);
          part.indices.forEach((index, row) => expect([...part.inputs.subarray(3 * row, 3 * row + 3)]).toEqual(inputs[index].map(Math.fround)));
        }
        if (!stratified) continue;
        for (const c of [0, 1, 2]) {
          const all = classes.filter((each) => each === c).length;
          const here = [...validation.targets].filter((each) => each === c).length;
          expect(here).toBeGreaterThanOrEqual(Math.floor(all / count));
          expect(here).toBeLessThanOrEqual(Math.ceil(all / count));
        }
      }
      expect(held.sort((a, b) => a - b)).toEqual(inputs.map((_, i) => i));
    }), { numRuns: 30 });
  });

  test("are those of the seed", async () => {
    const of = async (seed: number): Promise<number[][]> => {
      const folds = await dealFolds("test", { inputs, targets: classes, seed }, shape);
      return Array.from({ length: folds.count }, (_, k) => [...folds.fold(k).validation.indices]);
    };
    expect(await of(1)).toEqual(await of(1));
    expect(await of(1)).not.toEqual(await of(2));
    expect((await of(0)).length).toBe(5);
  });

  test("of numbers are not stratified", async () => {
    const folds = await dealFolds("test", { inputs, targets: values, folds: 4 }, { inputs: 3, outputs: 1, activation: linear(), loss: meanSquaredError() });
    expect([0, 1, 2, 3].map((k) => folds.fold(k).validation.indices.length)).toEqual([12, 12, 12, 11]);
  });

  test("mean and deviation are those of a population", () => {
    expect(meanAndDeviation([2, 4, 4, 4, 5, 5, 7, 9])).toEqual({ mean: 5, deviation: 2 });
    expect(meanAndDeviation([3])).toEqual({ mean: 3, deviation: 0 });
  });
});

describe("crossValidate", () => {
  test("gives what fit and evaluate give fold by fold", async () => {
    const options = { epochs: 6, batchSize: 7, optimizer: sgd({ learningRate: 0.1 }), metrics: ["accuracy", "f1"] as const };
    const result = await crossValidate({ create: classifier, inputs: scaled, targets: classes, folds: 4, seed: 3, ...options });
    const folds = await dealFolds("test", { inputs: scaled, targets: classes, folds: 4, seed: 3 }, shape);
    const expected = [];
    let best = 0;
    for (let k = 0; k < 4; k++) {
      const { training, validation } = folds.fold(k);
      const network = await classifier();
      const { bestEpoch } = await network.fit(training.inputs, training.targets, { ...options, validationData: [validation.inputs, validation.targets] });
      best += bestEpoch / 4;
      expected.push(network.evaluate(validation.inputs, validation.targets, { metrics: options.metrics }));
    }
    expect(result.folds).toEqual(expected);
    expect(result.epochsToBest).toBe(best);
    expect(result.loss).toEqual(meanAndDeviation(expected.map(({ loss }) => loss)));
    expect(result.metrics).toEqual({
      accuracy: meanAndDeviation(expected.map(({ metrics }) => metrics.accuracy)), f1: meanAndDeviation(expected.map(({ metrics }) => metrics.f1)),
    });
    expect(result.seconds).toBeGreaterThan(0);
    const again = await crossValidate({ create: classifier, inputs: scaled, targets: classes, folds: 4, seed: 3, ...options, threads: 2 });
    expect({ ...again, seconds: 0 }).toEqual({ ...result, seconds: 0 });
  });

  test("never shows a fit what is held out where something watches", async () => {
    for (const options of [
      { earlyStopping: { patience: 1 } }, { validationSplit: 0.2 }, { validationData: [scaled, values] as [number[][], number[]] },
      { optimizer: sgd({ learningRate: reduceOnPlateau({ initial: 0.1 }) }) },
    ]) {
      const seen: boolean[] = [];
      await crossValidate({ create: regression, inputs: scaled, targets: values, folds: 3, epochs: 3, ...options, onEpoch: ({ validation }) => void seen.push(validation !== undefined) });
      expect(seen.length).toBeGreaterThan(2);
      expect(new Set(seen)).toEqual(new Set([!("earlyStopping" in options) && !("optimizer" in options)]));
    }
  });

  test("takes weights, balanced or a sample's own, and gives each fold its part", async () => {
    const result = await crossValidate({
      create: classifier, inputs: scaled, targets: classes, epochs: 2, classWeights: "balanced", sampleWeights: new Float32Array(SAMPLES).fill(1),
    });
    expect(result.folds.length).toBe(5);
    expect(Object.keys(result.metrics)).toEqual(["accuracy"]);
  });

  const call = (options: Record<string, unknown>): Promise<unknown> => crossValidate({ create: regression, inputs: scaled, targets: values, ...options } as unknown as CrossValidationOptions);
  test.each<[string, Record<string, unknown>, typeof Error, RegExp]>([
    ["one fold", { folds: 1 }, RangeError, /^crossValidate: folds: expected an integer from 2 to 47, got 1/],
    ["more folds than samples", { folds: 48 }, RangeError, /from 2 to 47, got 48/],
    ["a seed below 0", { seed: -1 }, RangeError, /^crossValidate: seed: .*got -1/],
    ["stratified that is no boolean", { stratified: "yes" }, TypeError, /^crossValidate: stratified: expected true or false, got 'yes'/],
    ["no create", { create: undefined }, TypeError, /^crossValidate: create: expected a function, got undefined/],
    ["a create that gives none", { create: () => 7 }, TypeError, /^crossValidate: create\(\): expected a Network, got 7/],
    ["resume", { resume: true }, TypeError, /^crossValidate: expected no options but .*got 'resume'/],
    ["an unknown option", { fold: 3 }, TypeError, /Did you mean 'folds'/],
    ["a wrong option of fit", { epochs: 0 }, RangeError, /^crossValidate: epochs: .*got 0/],
    ["targets of another length", { targets: [1] }, RangeError, /^targets: expected 47 numbers, got 1/],
    ["weights of another length", { sampleWeights: [1] }, RangeError, /^crossValidate: sampleWeights: expected 47 weights, got 1/],
    ["no samples", { inputs: [], targets: [] }, RangeError, /^inputs: expected at least one sample/],
  ])("refuses %s", async (_, options, kind, message) => {
    const error = await call(options).then(() => undefined, (cause: unknown) => cause);
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(message);
  });

  test("refuses a network that another fold has trained", async () => {
    const network = await regression();
    await expect(call({ create: () => network })).rejects.toThrow(/^crossValidate: create\(\): expected a new network of each call/);
  });

  test("stops when its signal is aborted, or a callback throws", async () => {
    const controller = new AbortController();
    await expect(call({ signal: controller.signal, onEpoch: () => controller.abort("enough") })).rejects.toBe("enough");
    await expect(call({ onBatch: () => { throw new Error("mine"); } })).rejects.toThrow("mine");
  });
});
