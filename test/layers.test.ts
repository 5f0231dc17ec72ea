// Dropout, batchNorm and layerNorm as layers of a network: gradients against the f64 oracle and differences, training against
// PyTorch (test/golden/layers.py), inference against training, and all that a fit promises: the same bytes for every number of
// threads, resumed, saved, cloned and restored.
//
// Tolerance of the trajectories, 2e-5, as in trajectories.test.ts: a dozen steps, each of which rounds a parameter once and moves it by a
// gradient that is off by some 1e-6 of its size. Tolerance of single gradients, 1e-5 of the largest: sums of at most 20 products in f32.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { adam, adamw, batchNorm, dense, DivergenceError, dropout, layerNorm, ModelFormatError, Network, sgd } from "../src/index.js";
import type { FitOptions, LayerSpec } from "../src/index.js";
import { checkPlan } from "../src/model.js";
import { relativeDifference } from "./oracle/golden.js";
import { backwardLayers, dropoutMask, forwardLayers, squaredError } from "./oracle/layers.js";
import type { LayerOracle } from "./oracle/layers.js";
import { libraryLayer, libraryLoss, libraryOptimizer } from "./oracle/library.js";
import type { OracleLayerSpec } from "./oracle/network.js";
import type { OracleLoss } from "./oracle/losses.js";
import type { OracleClip, OracleOptimizer } from "./oracle/optimizers.js";
import { randomNumbers } from "./kernels/stage.js";

const TENSORS = ["weights", "biases", "slopes", "gain", "shift", "runningMean", "runningVariance"] as const;

/** Numbers in (−1, 1). */
function numbers(count: number, seed: number): Float32Array {
  const next = randomNumbers(seed);
  return Float32Array.from({ length: count }, () => 2 * next() - 1);
}

/** All tensors by place, as copies. */
function tensorsOf(network: Network): Record<string, Float32Array> {
  return Object.fromEntries(network.layers.flatMap((layer, l) => TENSORS.flatMap((key) => {
    const values = layer[key];
    return values === undefined || values.length === 0 ? [] : [[`layers[${l}].${key}`, values.slice()] as const];
  })));
}

const ran = { golden: 0, oracle: 0 };

// ---- PyTorch

type GoldenLayer = (OracleLayerSpec & { kind: "dense" }) | { kind: "dropout"; rate: number } | { kind: "batchNorm"; momentum?: number; epsilon?: number } | { kind: "layerNorm"; epsilon?: number };

interface Golden {
  name: string;
  inputCount: number;
  layers: GoldenLayer[];
  loss: OracleLoss;
  optimizer: OracleOptimizer;
  gradientClip?: OracleClip;
  batchSize: number;
  epochs: number;
  seed: number;
  inputs: number[];
  targets: number[];
  sampleWeights?: number[];
  initial: Record<string, number[]>[];
  losses: number[];
  final: Record<string, number[]>[];
}

const { cases } = JSON.parse(readFileSync(new URL("golden/layers.json", import.meta.url), "utf8")) as { cases: Golden[] };
/** 8 networks with 8 optimizers and 3 of them with weights or clipping. */
const GOLDEN_COUNT = 8 * 11;
const TOLERANCE = 2e-5;

function specOf(layer: GoldenLayer): LayerSpec {
  if (layer.kind === "dense") {
    const { kind, ...spec } = layer;
    return libraryLayer(spec);
  }
  if (layer.kind === "dropout") return dropout(layer.rate);
  const { kind, ...options } = layer;
  return kind === "batchNorm" ? batchNorm(options) : layerNorm(options);
}

describe("fit without shuffling repeats PyTorch", () => {
  it.each(cases)("$name", async (golden) => {
    const network = await Network.create({ inputs: golden.inputCount, layers: golden.layers.map(specOf), seed: golden.seed });
    golden.initial.forEach((tensors, l) => {
      for (const [key, values] of Object.entries(tensors)) network.layers[l][key as (typeof TENSORS)[number]]!.set(values);
    });
    const losses: number[] = [];
    await network.fit(golden.inputs, golden.targets, {
      epochs: golden.epochs, batchSize: golden.batchSize, shuffle: false, loss: libraryLoss(golden.loss), optimizer: libraryOptimizer(golden.optimizer),
      sampleWeights: golden.sampleWeights, gradientClip: golden.gradientClip, onBatch: ({ loss }) => void losses.push(loss),
    });
    expect(losses.length).toBe(golden.losses.length);
    losses.forEach((loss, step) => expect(Math.abs(loss - golden.losses[step]), `loss of step ${step}`).toBeLessThanOrEqual(TOLERANCE * Math.abs(golden.losses[step])));
    const tensors = tensorsOf(network);
    const expected = Object.fromEntries(golden.final.flatMap((final, l) => Object.entries(final).map(([key, values]) => [`layers[${l}].${key}`, values])));
    expect(Object.keys(tensors).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, values] of Object.entries(expected)) expect(relativeDifference(tensors[name], values), name).toBeLessThanOrEqual(TOLERANCE);
    ran.golden++;
  });
});

// ---- the oracle

const SEED = 2 ** 45 + 77;

/** Every order of kinds that matters: each of them first, last, next to itself and to each other. */
const orders: Record<string, LayerSpec[]> = {
  "dropout between": [dense(9, "tanh"), dropout(0.25), dense(3)],
  "dropout first and last": [dropout(0.5), dense(10, "tanh"), dense(5), dropout(0.25)],
  "two dropouts, one of rate 0": [dense(9, "tanh"), dropout(0.5), dropout(0), dropout(0.25), dense(2)],
  "batchNorm between": [dense(9), batchNorm({ epsilon: 0.01 }), dense(4, "tanh")],
  "batchNorm first and last": [batchNorm(), dense(17, "tanh"), dense(4), batchNorm()],
  "several in a row": [dense(6, "tanh"), batchNorm(), batchNorm(), layerNorm({ epsilon: 0.1 }), layerNorm(), dropout(0.25), batchNorm(), dense(2)],
  "layerNorm first and last": [layerNorm(), dense(9, "tanh"), dense(6), layerNorm()],
  "of one unit": [dense(1, "tanh"), layerNorm(), batchNorm(), dense(3, "tanh"), layerNorm(), dense(1)],
  "all": [dropout(0.125), batchNorm(), dense(11, "tanh"), layerNorm(), dropout(0.5), dense(7, "tanh"), batchNorm(), dropout(0.25), dense(3), layerNorm()],
};
const INPUTS = 7;
const ROW_COUNTS = [1, 2, 5, 16];

async function create(layers: LayerSpec[], seed = SEED): Promise<Network> {
  const network = await Network.create({ inputs: INPUTS, layers, seed });
  network.layers.forEach(({ gain, shift, runningMean, runningVariance, biases }, l) => {
    biases.set(numbers(biases.length, l).map((x) => x / 4));
    gain?.set(numbers(gain.length, l + 1).map((x) => 1 + x / 2));
    shift?.set(numbers(shift.length, l + 2));
    runningMean?.set(numbers(runningMean.length, l + 3).map((x) => x / 4));
    runningVariance?.set(numbers(runningVariance.length, l + 4).map((x) => 1 + x / 2));
  });
  return network;
}

/** The same network in f64, with the masks of a step. */
function oracleOf(network: Network, specs: readonly LayerSpec[], rows: number, epoch: number, step: number): LayerOracle[] {
  return network.layers.map(({ kind, inputs, units, weights, biases, gain, shift, runningMean, runningVariance }, layer): LayerOracle => {
    const spec = specs[layer];
    if (spec.kind === "dense") return { kind: "dense", inputs, units, activation: spec.activation.name as "tanh", weights: Float64Array.from(weights), biases: Float64Array.from(biases) };
    if (spec.kind === "dropout") return { kind: "dropout", rate: spec.rate, mask: dropoutMask({ seed: SEED, epoch, step, layer }, rows, units, spec.rate) };
    return {
      kind: kind as "batchNorm", epsilon: spec.epsilon, gain: Float64Array.from(gain!), shift: Float64Array.from(shift!),
      runningMean: Float64Array.from(runningMean ?? []), runningVariance: Float64Array.from(runningVariance ?? []),
    };
  });
}

describe.each(Object.entries(orders))("%s", (_, specs) => {
  it.each(ROW_COUNTS)("the oracle's gradients are those of central differences, in training and outside of it, of %i rows", async (rows) => {
    const network = await create(specs);
    const inputs = Float64Array.from(numbers(rows * INPUTS, 11));
    const targets = Float64Array.from(numbers(rows * network.outputs, 12));
    for (const training of [true, false]) {
      const layers = oracleOf(network, specs, rows, 1, 0);
      const gradients = backwardLayers(layers, inputs, targets, rows, training);
      layers.forEach((layer, l) => {
        for (const [key, values] of Object.entries(gradients[l])) {
          const tensor = (layer as unknown as Record<string, Float64Array>)[key];
          for (let i = 0; i < tensor.length; i += Math.max(1, Math.floor(tensor.length / 7))) {
            const before = tensor[i];
            const h = 1e-5;
            const [up, down] = [h, -h].map((change) => {
              tensor[i] = before + change;
              return squaredError(layers, inputs, targets, rows, training);
            });
            tensor[i] = before;
            // third derivatives are large where few rows or columns of small variance are normalised
            expect(Math.abs((up - down) / (2 * h) - values[i]), `${key} ${i} of layer ${l}`).toBeLessThanOrEqual(1e-6 * (1 + Math.abs(values[i])));
          }
        }
      });
    }
  });

  it.each(ROW_COUNTS)("trace, predictions and gradients are the oracle's outside training, of %i rows", async (rows) => {
    const network = await create(specs);
    const inputs = numbers(rows * INPUTS, 21);
    const targets = numbers(rows * network.outputs, 22);
    const before = network.save();
    const layers = oracleOf(network, specs, rows, 1, 0);
    const values = forwardLayers(layers, Float64Array.from(inputs), rows, false);
    const trace = network.trace(inputs);
    expect(trace.length).toBe(specs.length);
    trace.forEach(({ activations, weightedSums }, l) => {
      expect(relativeDifference(activations, values[l + 1]), `layer ${l}`).toBeLessThanOrEqual(1e-5);
      expect(weightedSums === undefined).toBe(specs[l].kind !== "dense");
    });
    expect(relativeDifference(network.predict(inputs), values[specs.length])).toBeLessThanOrEqual(1e-5);
    const exact = backwardLayers(layers, Float64Array.from(inputs), Float64Array.from(targets), rows, false);
    const computed = network.gradients(inputs, targets);
    expect(computed.loss).toBeCloseTo(squaredError(layers, Float64Array.from(inputs), Float64Array.from(targets), rows, false), 5);
    const largest = Math.max(...exact.flatMap((tensors) => Object.values(tensors).flatMap((tensor) => Array.from(tensor, Math.abs))));
    exact.forEach((tensors, l) => {
      expect(Object.keys(computed.layers[l]).sort()).toEqual(Object.keys(tensors).sort());
      for (const [key, tensor] of Object.entries(tensors)) {
        const got = computed.layers[l][key as "gain"]!;
        tensor.forEach((g, i) => expect(Math.abs(got[i] - g), `${key} ${i} of layer ${l}`).toBeLessThanOrEqual(1e-5 * largest));
      }
    });
    expect(network.save()).toEqual(before);
    ran.oracle++;
  });

  it.each(ROW_COUNTS)("a step moves every parameter by the oracle's gradient of training, of %i rows", async (rows) => {
    const network = await create(specs);
    const inputs = numbers(rows * INPUTS, 31);
    const targets = numbers(rows * network.outputs, 32);
    const layers = oracleOf(network, specs, rows, 1, 0);
    const exact = backwardLayers(layers, Float64Array.from(inputs), Float64Array.from(targets), rows, true);
    const before = tensorsOf(network);
    const loss = network.trainBatch(inputs, targets, { optimizer: sgd({ learningRate: 1 }) });
    expect(loss).toBeCloseTo(squaredError(layers, Float64Array.from(inputs), Float64Array.from(targets), rows, true), 4);
    const after = tensorsOf(network);
    const largest = Math.max(...exact.flatMap((tensors) => Object.values(tensors).flatMap((tensor) => Array.from(tensor, Math.abs))));
    exact.forEach((tensors, l) => {
      for (const [key, tensor] of Object.entries(tensors)) {
        const place = `layers[${l}].${key}`;
        tensor.forEach((g, i) => expect(Math.abs(before[place][i] - after[place][i] - g), `${place}[${i}]`).toBeLessThanOrEqual(1e-5 * Math.max(1, largest)));
      }
    });
    const values = forwardLayers(layers, Float64Array.from(inputs), rows, true);
    specs.forEach((spec, l) => {
      if (spec.kind !== "batchNorm") return;
      const units = network.layers[l].units;
      for (let j = 0; j < units; j++) {
        const column = Array.from({ length: rows }, (__, r) => values[l][r * units + j]);
        const mean = column.reduce((sum, x) => sum + x, 0) / rows;
        const variance = column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / (rows - 1);
        const share = rows === 1 ? 0 : spec.momentum;
        const follow = (old: number, now: number): number => (share === 0 ? old : (1 - share) * old + share * now);
        expect(after[`layers[${l}].runningMean`][j]).toBeCloseTo(follow(before[`layers[${l}].runningMean`][j], mean), 5);
        expect(after[`layers[${l}].runningVariance`][j]).toBeCloseTo(follow(before[`layers[${l}].runningVariance`][j], variance), 5);
      }
    });
  });
});

// ---- what a fit promises

const everything: LayerSpec[] = [
  dropout(0.1), batchNorm(), dense(19, "relu"), batchNorm({ momentum: 0.3 }), dropout(0.4), dense(13, { activation: "gelu", l2: 0.001 }), layerNorm(), dropout(0.25), dense(3, "softmax"),
];
const SAMPLES = 41;
const inputs = numbers(SAMPLES * INPUTS, 51);
const classes = Array.from(numbers(SAMPLES, 52), (x) => Math.floor((x + 1) * 1.5));
/** 41 rows less a split of 8 in batches of 8: the last has one row. */
const options: FitOptions = { epochs: 4, batchSize: 8, validationSplit: 0.2, optimizer: adamw({ learningRate: 0.01 }), earlyStopping: { patience: 3 }, gradientClip: { norm: 1 } };

describe("a fit with all of them", () => {
  const fitted = async (more: FitOptions = {}): Promise<{ network: Network; bytes: Uint8Array }> => {
    const network = await create(everything);
    await network.fit(inputs, classes, { ...options, ...more });
    return { network, bytes: network.save() };
  };

  it("gives the same bytes for 1, 2, 3, 4, 7 and 8 threads", async () => {
    const { bytes } = await fitted({ threads: 1 });
    for (const threads of [2, 3, 4, 7, 8]) {
      const together = await fitted({ threads });
      expect(together.network.layers[2].weights.buffer, `${threads} threads`).toBeInstanceOf(SharedArrayBuffer);
      expect(together.bytes, `${threads} threads`).toEqual(bytes);
    }
  }, 60_000);

  it("resumed after any step, loaded from its file, ends in the bytes of the uninterrupted one", async () => {
    const { bytes } = await fitted({ threads: 1 });
    let stops = 0;
    for (let k = 1; k <= 20; k += 3) {
      const network = await create(everything);
      const controller = new AbortController();
      let step = 0;
      await expect(network.fit(inputs, classes, { ...options, threads: 1, signal: controller.signal, onBatch: () => void (++step === k && controller.abort("stop")) })).rejects.toBe("stop");
      const saved = network.save();
      const loaded = await Network.load(saved);
      expect(loaded.save()).toEqual(saved);
      await loaded.fit(inputs, classes, { ...options, threads: 1, resume: true });
      expect(loaded.save(), `stopped after step ${k}`).toEqual(bytes);
      stops++;
    }
    expect(stops).toBe(7);
  });

  it("is the same in two fits as in one, and trainBatch is a fit of one batch", async () => {
    const plain: FitOptions = { batchSize: 8, optimizer: adam(), threads: 1 };
    const [once, twice, batch, fit] = await Promise.all([1, 2, 3, 4].map(() => create(everything)));
    await once.fit(inputs, classes, { ...plain, epochs: 4 });
    for (let i = 0; i < 2; i++) await twice.fit(inputs, classes, { ...plain, epochs: 2 });
    expect(twice.save()).toEqual(once.save());
    for (let i = 0; i < 3; i++) {
      batch.trainBatch(inputs, classes, { optimizer: adam() });
      await fit.fit(inputs, classes, { optimizer: adam(), batchSize: SAMPLES, shuffle: false, threads: 1 });
      expect(batch.save()).toEqual(fit.save());
    }
  });

  it("a clone goes on in the same bytes, and shares nothing", async () => {
    const { network } = await fitted();
    const clone = await network.clone();
    expect(clone.save()).toEqual(network.save());
    await clone.fit(inputs, classes, { ...options, epochs: 1 });
    expect(clone.save()).not.toEqual(network.save());
    await network.fit(inputs, classes, { ...options, epochs: 1 });
    expect(clone.save()).toEqual(network.save());
  });

  it("validates outside training, as evaluate does afterwards", async () => {
    const network = await create(everything);
    const validationData: [Float32Array, number[]] = [inputs.slice(0, 10 * INPUTS), classes.slice(0, 10)];
    const { epochs } = await network.fit(inputs, classes, {
      ...options, validationSplit: 0, earlyStopping: undefined, validationData, metrics: ["accuracy", "f1"],
      onEpoch: ({ validation }) => expect(network.evaluate(...validationData, { metrics: ["accuracy", "f1"] })).toEqual(validation),
    });
    expect(epochs.length).toBe(4);
  });

  it("restores the running statistics of the best epoch with its weights", async () => {
    const network = await create(everything);
    const states: Record<string, Float32Array>[] = [];
    const { bestEpoch, epochs } = await network.fit(inputs, classes, {
      ...options, optimizer: sgd({ learningRate: 0.5 }), gradientClip: undefined, epochs: 12, earlyStopping: { patience: 4 }, onEpoch: () => void states.push(tensorsOf(network)),
    });
    expect(bestEpoch).toBeLessThan(epochs.length);
    expect(tensorsOf(network)).toEqual(states[bestEpoch - 1]);
    expect(tensorsOf(network)).not.toEqual(states[epochs.length - 1]);
  });

  it("a divergence leaves parameters and running statistics of the last good epoch", async () => {
    const network = await Network.create({ inputs: 2, layers: [batchNorm(), dense(4, "exponential"), dense(1)], seed: 1 });
    const data = numbers(2 * 16, 5);
    let last = tensorsOf(network);
    const failure = await network.fit(data, numbers(16, 6), {
      epochs: 50, batchSize: 4, optimizer: sgd({ learningRate: 30 }), onEpoch: () => void (last = tensorsOf(network)),
    }).then(() => undefined, (error: unknown) => error);
    expect(failure).toBeInstanceOf(DivergenceError);
    expect(tensorsOf(network)).toEqual(last);
  });

  it("a loss that is not finite in trainBatch leaves the running statistics as they were", async () => {
    const network = await Network.create({ inputs: 2, layers: [batchNorm(), dense(2, "exponential")], seed: 1 });
    network.layers[1].biases.fill(3e38);
    const before = network.save();
    expect(() => network.trainBatch(numbers(8, 1), numbers(8, 2))).toThrow(DivergenceError);
    expect(network.save({ optimizer: false })).toEqual((await Network.load(before)).save({ optimizer: false }));
  });

  it("the state after a step does not depend on how the callbacks cut the play", async () => {
    const counted = await fitted({ threads: 1, onBatch: () => {} });
    expect(counted.bytes).toEqual((await fitted({ threads: 1 })).bytes);
  });

  it("predictions of a batch depend on neither its size nor a sample's place, and one alone is near them", async () => {
    const { network } = await fitted();
    const all = network.predict(inputs);
    for (let begin = 0; begin + 2 <= SAMPLES; begin += 5) {
      const part = network.predict(inputs.subarray(begin * INPUTS, (begin + 2) * INPUTS));
      expect(part).toEqual(all.slice(begin * 3, (begin + 2) * 3));
      expect(relativeDifference(network.predict(inputs.slice(begin * INPUTS, (begin + 1) * INPUTS)), all.slice(begin * 3, (begin + 1) * 3))).toBeLessThan(1e-5);
    }
    expect(network.evaluate(inputs, classes, { batchSize: 3 }).loss).toBe(network.evaluate(inputs, classes).loss);
  });
});

describe("any stack of layers", () => {
  const layer = fc.oneof(
    fc.record({ units: fc.integer({ min: 1, max: 20 }), activation: fc.constantFrom("linear" as const, "tanh" as const, "relu" as const) }).map(({ units, activation }) => dense(units, activation)),
    fc.constantFrom(0, 0.1, 0.5, 0.9).map((rate) => dropout(rate)),
    fc.constantFrom(0, 0.1, 1).map((momentum) => batchNorm({ momentum })),
    fc.constant(layerNorm({ epsilon: 0.1 })),
  );
  const stack = fc.array(layer, { minLength: 1, maxLength: 7 }).filter((specs) => specs.some(({ kind }) => kind === "dense"));

  it("trains alike by fit and trainBatch, in the file's bytes, and predicts a sample alike in every batch", async () => {
    let checked = 0;
    await fc.assert(fc.asyncProperty(stack, fc.integer({ min: 1, max: 19 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), async (layers, rows, seed) => {
      const [fit, batch] = await Promise.all([1, 2].map(() => Network.create({ inputs: 5, layers, seed })));
      const data = numbers(rows * 5, rows);
      const targets = numbers(rows * fit.outputs, rows + 1);
      const before = fit.gradients(data, targets);
      expect(before.layers.map((tensors) => Object.keys(tensors).length > 0)).toEqual(layers.map(({ kind }) => kind !== "dropout"));
      for (let i = 0; i < 3; i++) {
        const losses: number[] = [];
        await fit.fit(data, targets, { batchSize: rows, shuffle: false, optimizer: sgd({ learningRate: 1e-3, momentum: 0.5 }), onBatch: ({ loss }) => void losses.push(loss) });
        expect([batch.trainBatch(data, targets, { optimizer: sgd({ learningRate: 1e-3, momentum: 0.5 }) })]).toEqual(losses);
      }
      const bytes = fit.save();
      expect(batch.save()).toEqual(bytes);
      const loaded = await Network.load(bytes);
      expect(loaded.save()).toEqual(bytes);
      const all = loaded.predict(data);
      expect(all.every(Number.isFinite)).toBe(true);
      if (rows > 2) expect(fit.predict(data.subarray(5))).toEqual(all.slice(fit.outputs));
      const trace = fit.trace(data);
      if (rows > 1) expect(trace[layers.length - 1].activations).toEqual(all);
      checked++;
    }), { numRuns: 60 });
    expect(checked).toBeGreaterThanOrEqual(60);
  });
});

describe("batchNorm", () => {
  it("learns to the mean and variance of the data, and a batch of one row changes no statistic", async () => {
    const network = await Network.create({ inputs: 2, layers: [batchNorm({ momentum: 1 }), dense(1)], seed: 3 });
    const data = [[1, 10], [3, 30], [5, 20], [7, 40]];
    network.trainBatch(data, [0, 1, 2, 3]);
    expect(Array.from(network.layers[0].runningMean!)).toEqual([4, 25]);
    expect(network.layers[0].runningVariance![0]).toBeCloseTo(20 / 3, 5);
    expect(network.layers[0].runningVariance![1]).toBeCloseTo(500 / 3, 4);
    const before = network.layers[0].runningVariance!.slice();
    const loss = network.trainBatch([[2, 3]], [1]);
    expect(network.layers[0].runningVariance).toEqual(before);
    expect(Number.isFinite(loss)).toBe(true);
  });

  it("with batches of one row trains what it predicts", async () => {
    const network = await Network.create({ inputs: 2, layers: [dense(6, "tanh"), batchNorm(), dense(1)], seed: 3 });
    const losses = (await network.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], { epochs: 300, batchSize: 1, optimizer: adam({ learningRate: 0.02 }) })).epochs.map(({ loss }) => loss);
    expect(losses[299]).toBeLessThan(0.01);
    expect(Array.from(network.layers[1].runningMean!)).toEqual(new Array(6).fill(0));
    expect(network.evaluate([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]).loss).toBeLessThan(0.01);
  });

  it("normalises far from 0 without losing the deviation", async () => {
    const network = await Network.create({ inputs: 1, layers: [batchNorm({ momentum: 1 }), dense(1, { weightInit: "ones" })], seed: 3 });
    const data = [1e6 - 1, 1e6 + 1, 1e6 - 1, 1e6 + 1];
    // the outputs are ±1 before the step, so the loss against them is 0
    expect(network.trainBatch(data, [-1, 1, -1, 1])).toBeLessThan(1e-9);
    expect(network.layers[0].runningVariance![0]).toBeCloseTo(4 / 3, 5);
  });

  it("of a constant column gives the shift and finite gradients", async () => {
    const network = await Network.create({ inputs: 2, layers: [batchNorm(), dense(3, "relu"), batchNorm(), dense(1)], seed: 3 });
    const data = [[7, 1], [7, 2], [7, 3]];
    for (let i = 0; i < 50; i++) expect(Number.isFinite(network.trainBatch(data, [1, 2, 3]))).toBe(true);
    expect(network.layers[0].gain![0]).toBe(1);
  });
});

describe("dropout", () => {
  it("of rate 0 changes no byte", async () => {
    const [without, with0] = await Promise.all([[dense(8, "relu"), dense(2)], [dropout(0), dense(8, "relu"), dropout(0), dense(2), dropout(0)]].map((layers) => Network.create({ inputs: INPUTS, layers, seed: 5 })));
    with0.layers[1].weights.set(without.layers[0].weights);
    with0.layers[3].weights.set(without.layers[1].weights);
    const targets = numbers(SAMPLES * 2, 8);
    const losses = await Promise.all([without, with0].map(async (network) => (await network.fit(inputs, targets, { epochs: 3, metrics: ["r2"] })).epochs.map(({ loss, metrics }) => [loss, metrics.r2])));
    expect(losses[0]).toEqual(losses[1]);
    expect(with0.layers[1].weights).toEqual(without.layers[0].weights);
    expect(with0.predict(inputs)).toEqual(without.predict(inputs));
  });

  it("keeps the expectation: the mean training loss of a linear unit is the one of the formula", async () => {
    // outputs 2·Σ mask·x/… with x = 1: E(p) = 1, Var(p) = rate/(1 − rate)/n for weights 1/n
    const n = 50;
    const network = await Network.create({ inputs: n, layers: [dropout(0.3), dense(1, { trainable: false })], seed: 5 });
    network.layers[1].weights.fill(1 / n);
    const { epochs } = await network.fit(new Float32Array(400 * n).fill(1), new Float32Array(400).fill(1), { epochs: 20, batchSize: 40, loss: "meanSquaredError" });
    const mean = epochs.reduce((sum, { loss }) => sum + loss, 0) / epochs.length;
    const expected = 0.3 / 0.7 / n;
    // the mean of 8,000 squares of about a normal: deviation √(2/8000) of it
    expect(Math.abs(mean / expected - 1)).toBeLessThan(5 * Math.sqrt(2 / 8000));
    expect(new Set(epochs.map(({ loss }) => loss)).size).toBe(20);
  });

  it("last: metrics of training are of what it dropped, predictions are not", async () => {
    const network = await Network.create({ inputs: 2, layers: [dense(4, { biasInit: "ones", weightInit: "zeros", trainable: false }), dropout(0.5)], seed: 5 });
    const data = numbers(2 * 64, 1);
    const { epochs } = await network.fit(data, new Float32Array(4 * 64).fill(1), { metrics: ["meanAbsoluteError"], batchSize: 16 });
    // |0 − 1| and |2 − 1|
    expect(epochs[0].metrics.meanAbsoluteError).toBe(1);
    expect(network.evaluate(data, new Float32Array(4 * 64).fill(1), { metrics: ["meanAbsoluteError"] }).metrics.meanAbsoluteError).toBe(0);
  });
});

describe("what a layer says", () => {
  it("counts, views, summary and neurons", async () => {
    const network = await create(everything);
    const dense1 = 7 * 19 + 19;
    const dense2 = 19 * 13 + 13;
    expect(network.parameterCount).toBe(2 * 7 + dense1 + 2 * 19 + dense2 + 2 * 13 + 13 * 3 + 3);
    expect(network.layers.map(({ kind, inputs: width, units, activation }) => [kind, width, units, activation])).toEqual([
      ["dropout", 7, 7, "linear"], ["batchNorm", 7, 7, "linear"], ["dense", 7, 19, "relu"], ["batchNorm", 19, 19, "linear"], ["dropout", 19, 19, "linear"], ["dense", 19, 13, "gelu"],
      ["layerNorm", 13, 13, "linear"], ["dropout", 13, 13, "linear"], ["dense", 13, 3, "softmax"],
    ]);
    const fresh = await Network.create({ inputs: 2, layers: [batchNorm(), dense(1)] });
    const { gain, shift, runningMean, runningVariance, weights, biases, slopes } = fresh.layers[0];
    expect([gain, shift, runningMean, runningVariance, weights, biases].map((view) => Array.from(view!))).toEqual([[1, 1], [0, 0], [0, 0], [1, 1], [], []]);
    expect(slopes).toBeUndefined();
    expect(fresh.layers[1].gain).toBeUndefined();
    gain![0] = 3;
    runningMean![0] = 1;
    fresh.layers[1].weights.set([1, 1]);
    expect(fresh.predict([2, 5])[0]).toBeCloseTo(8, 3);
    expect(network.summary()).toContain("dropout");
    expect(network.summary()).toMatch(/ 3 +batchNorm +19 +19 +38/);
    expect(network.summary()).toContain(`${network.parameterCount} parameters`);
    expect(network.summary()).toContain("52 running statistics");
    expect(() => network.layers[1].neuron(0)).toThrow("layers[1].neuron: expected a dense layer, got batchNorm, which has no neurons");
    const explained = network.layers[2].neuron(3).explain(inputs.slice(0, INPUTS));
    expect(explained.products.length).toBe(7);
    expect(explained.weightedSum).toBeCloseTo(explained.products.reduce((sum, { product }) => sum + product, explained.bias), 4);
    expect(() => { (fresh.layers[0] as { gain: unknown }).gain = [1, 2]; }).toThrow(/^layers\[0\]\.gain: .*Write layers\[0\]\.gain\.set\(numbers\)$/);
  });

  it("the loss without a choice is that of the last layer, linear if it is not dense", async () => {
    const data = numbers(8 * 2, 1);
    const network = await Network.create({ inputs: 2, layers: [dense(1, "sigmoid"), batchNorm()], seed: 1 });
    expect(network.evaluate(data, numbers(8, 2)).metrics).toEqual({});
    expect(Array.from(network.classify(data))).toEqual(Array.from(network.predict(data), (p) => (p > 0 ? 1 : 0)));
    const sigmoid = await Network.create({ inputs: 2, layers: [batchNorm(), dense(1, "sigmoid")], seed: 1 });
    expect(Object.keys(sigmoid.evaluate(data, new Float32Array(8)).metrics)).toEqual(["accuracy"]);
  });

  it("refuses what makes no network", async () => {
    const refused = (layers: unknown[]): Promise<unknown> => Network.create({ inputs: 2, layers: layers as LayerSpec[] }).then(() => undefined, (error: unknown) => error);
    const cases: readonly (readonly [unknown[] | (() => unknown), typeof TypeError | typeof RangeError, RegExp])[] = [
      [[dropout(0.5)], RangeError, /^layers: expected at least one dense layer, got 1 of other kinds\. Add dense\(units\)$/],
      [[batchNorm(), layerNorm()], RangeError, /^layers: expected at least one dense layer, got 2/],
      [[dense(2, "softmax"), dropout(0.5)], RangeError, /^layers\[0\]\.activation: .*got 'softmax'\. softmax is for the output layer only: with dropout behind it/],
      [[dense(2, "softmax"), batchNorm(), dense(2)], RangeError, /^layers\[0\]\.activation: .*softmax is for the output layer only, here layers\[2\]$/],
      [[dense(2), { kind: "dropout" }], TypeError, /^layers\[1\]\.rate: expected a finite number from 0 and below 1, got undefined$/],
      [[dense(2), { kind: "dropout", rate: 0.5, units: 3 }], TypeError, /^layers\[1\]: expected no options but 'kind', 'rate', got 'units'$/],
      [[dense(2), { kind: "batchNorm", momentum: 2, epsilon: 1 }], RangeError, /^layers\[1\]\.momentum: expected a finite number from 0 to 1, got 2$/],
      [[dense(2), { kind: "layernorm" }], RangeError, /^layers\[1\]\.kind: .*Did you mean 'layerNorm'\?$/],
      [[dense(2), dropout], TypeError, /^layers\[1\]: expected a layer made by dense\(\), dropout\(\), batchNorm\(\) or layerNorm\(\), got a function$/],
      [() => dropout(1), RangeError, /^dropout: rate: expected .* below 1, got 1$/],
      [() => dropout(1 - 1e-12), RangeError, /^dropout: rate: expected .* below 1 \(in f32 too\)/],
      [() => dropout(-0.1), RangeError, /^dropout: rate: .*got -0\.1$/],
      [() => dropout(NaN), RangeError, /^dropout: rate: .*got NaN$/],
      [() => dropout("0.5" as never), TypeError, /^dropout: rate: .*got '0\.5'$/],
      [() => (dropout as (...values: unknown[]) => unknown)(0.5, 1), TypeError, /^dropout: expected a rate alone, got 1\. Write dropout\(rate\)$/],
      [() => batchNorm({ epsilon: 0 }), RangeError, /^batchNorm: epsilon: expected a finite number above 0, got 0$/],
      [() => batchNorm({ epsilon: 1e-60 }), RangeError, /^batchNorm: epsilon: .*in f32 too/],
      [() => batchNorm({ momentum: -0.1 }), RangeError, /^batchNorm: momentum: .*got -0\.1$/],
      [() => batchNorm({ momentun: 0.1 } as never), TypeError, /^batchNorm: .*got 'momentun'\. Did you mean 'momentum'\?$/],
      [() => batchNorm(0.1 as never), TypeError, /^batchNorm: expected an object of options, got 0\.1$/],
      [() => batchNorm(null as never), TypeError, /^batchNorm: expected an object of options, got null$/],
      [() => layerNorm({ momentum: 0.1 } as never), TypeError, /^layerNorm: .*got 'momentum'$/],
      [() => layerNorm({ epsilon: Infinity }), RangeError, /^layerNorm: epsilon: .*got Infinity$/],
    ];
    let checked = 0;
    for (const [what, kind, message] of cases) {
      const error = typeof what === "function" ? await Promise.resolve().then(what).then(() => undefined, (e: unknown) => e) : await refused(what);
      expect(error, String(message)).toBeInstanceOf(kind);
      expect((error as Error).message).toMatch(message);
      checked++;
    }
    expect(checked).toBe(23);
  });

  it("a thousand layers of all kinds plan, train and save; too many tensors for a header are refused", async () => {
    const layers = Array.from({ length: 1000 }, (_, i) => (i % 4 === 0 ? dense(2, "tanh") : i % 200 === 1 ? layerNorm() : i % 200 === 101 ? batchNorm() : dropout(0.01)));
    const network = await Network.create({ inputs: 2, layers, seed: 1 });
    const loss = network.trainBatch([[1, 2], [3, 4]], [[0, 1], [1, 0]]);
    expect(Number.isFinite(loss)).toBe(true);
    expect((await Network.load(network.save())).save()).toEqual(network.save());
    const many = Array.from({ length: 1000 }, (_, i) => (i === 0 ? dense(2) : batchNorm()));
    await expect(Network.create({ inputs: 2, layers: many })).rejects.toThrow(/^layers: expected a network whose description fits the 1 MB header/);
  });

  it("a plan beyond 4 GB is refused with its figure, which counts the matrices of these layers", () => {
    const network = (layers: LayerSpec[]) => ({ inputs: 2 ** 24, layers, seed: 0, simd: "deterministic" as const });
    const refusal = (layers: LayerSpec[]): number => {
      try {
        checkPlan(network(layers), "create");
      } catch (error) {
        return Number(/got ([\d.]+) GB/.exec((error as Error).message)?.[1]);
      }
      return 0;
    };
    const alone = refusal([dense(40)]);
    const more = refusal([batchNorm(), dense(40)]);
    // gain, shift and running statistics in parameters and gradient (2 × 4 × 64 MB), a row of samples, and a row in each of the two gradients;
    // and the 16 words that a diagnosis has for each unit (1 GB)
    expect(alone).toBeGreaterThan(4);
    expect(more - alone).toBeGreaterThan(1.5);
    expect(more - alone).toBeLessThan(2.2);
  });
});

describe("files", () => {
  const header = (bytes: Uint8Array): Record<string, { shape: number[] }> & { __metadata__: Record<string, string> } =>
    JSON.parse(Buffer.from(bytes.subarray(8, 8 + Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)))).toString()) as never;

  it("hold gain, shift and running statistics, and slots of parameters alone", async () => {
    const network = await Network.create({ inputs: 3, layers: [batchNorm(), dense(2), dropout(0.5), layerNorm({ epsilon: 0.5 })], seed: 1 });
    network.trainBatch([[1, 2, 3], [4, 5, 7]], [[1, 2], [3, 4]], { optimizer: "adam" });
    const { __metadata__, ...tensors } = header(network.save());
    const parameters = ["layers.0.gain", "layers.0.shift", "layers.1.weight", "layers.1.bias", "layers.3.gain", "layers.3.shift"];
    expect(Object.keys(tensors).sort()).toEqual([
      ...parameters, "layers.0.runningMean", "layers.0.runningVariance", ...parameters.flatMap((name) => [`optimizer.m.${name}`, `optimizer.v.${name}`]),
    ].sort());
    expect(tensors["layers.0.runningVariance"].shape).toEqual([3]);
    expect(JSON.parse(__metadata__.rosenblatt).layers).toEqual([
      { kind: "batchNorm" }, { kind: "dense", units: 2, activation: "linear" }, { kind: "dropout", rate: 0.5 }, { kind: "layerNorm", epsilon: 0.5 },
    ]);
  });

  it("with a negative running variance are neither written nor read, nor with statistics that are not finite", async () => {
    const network = await Network.create({ inputs: 2, layers: [batchNorm(), dense(1)], seed: 1 });
    network.layers[0].runningVariance!.set([0, 2]);
    const bytes = network.save();
    expect((await Network.load(bytes)).save()).toEqual(bytes);
    const patched = bytes.slice();
    const view = new DataView(patched.buffer);
    // the one 2 among the tensors
    let patches = 0;
    for (let i = 8 + Number(view.getBigUint64(0, true)); i < patched.length; i += 4) {
      if (view.getFloat32(i, true) !== 2) continue;
      view.setFloat32(i, -1e-30, true);
      patches++;
    }
    expect(patches).toBe(1);
    const error = await Network.load(patched).then(() => undefined, (e: unknown) => e);
    expect(error).toBeInstanceOf(ModelFormatError);
    expect((error as ModelFormatError).code).toBe("negativeVariance");
    network.layers[0].runningVariance![1] = -1;
    expect(() => network.save()).toThrow("save: layers.0.runningVariance[1]: expected a variance of 0 or more, got -1. Write such numbers into the layer's view");
    network.layers[0].runningVariance![1] = NaN;
    expect(() => network.save()).toThrow(/layers\.0\.runningVariance/);
    await expect(network.fit([[1, 2], [3, 4]], [1, 2])).rejects.toThrow(/^fit: expected finite parameters, got NaN in layers\.0\.runningVariance/);
  });
});

it("every case ran", () => {
  expect(cases.length).toBe(GOLDEN_COUNT);
  expect(ran).toEqual({ golden: GOLDEN_COUNT, oracle: Object.keys(orders).length * ROW_COUNTS.length });
});
