// averageWeights: the exponential average repeats PyTorch's, is what validates, and is what the network is left with.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adam, dense, Network, prelu, sgd } from "../src/index.js";
import type { FitOptions } from "../src/index.js";
import { relativeDifference } from "./oracle/golden.js";
import { libraryNetwork, libraryOptimizer } from "./oracle/library.js";
import type { OracleOptimizer } from "./oracle/optimizers.js";

interface Golden {
  name: string;
  decay: number;
  optimizer: OracleOptimizer;
  classes: boolean;
  frozen: number[];
  epochs: number;
  batchSize: number;
  sizes: number[];
  initial: { weights: number[]; biases: number[] }[];
  inputs: number[];
  targets: number[];
  validationInputs: number[];
  validationTargets: number[];
  losses: number[];
  validation: number[];
  final: { weights: number[]; biases: number[] }[];
}

const { cases } = JSON.parse(readFileSync(new URL("golden/average.json", import.meta.url), "utf8")) as { cases: Golden[] };

/** As in trajectories.test.ts. */
const TOLERANCE = 2e-5;

describe("the average repeats PyTorch's AveragedModel", () => {
  test("all four cases are there", () => expect(cases.length).toBe(4));

  test.each(cases)("$name", async (golden) => {
    const { sizes, classes, frozen, epochs, batchSize, decay } = golden;
    const last = sizes.length - 2;
    const layers = sizes.slice(1).map((units, l) => ({
      units, activation: { name: l < last ? "tanh" as const : classes ? "softmax" as const : "linear" as const }, ...(frozen.includes(l) ? { trainable: false } : {}),
    }));
    const network = await libraryNetwork(sizes[0], layers, golden.initial);
    const losses: number[] = [];
    const { epochs: reports } = await network.fit(golden.inputs, golden.targets, {
      epochs, batchSize, shuffle: false, optimizer: libraryOptimizer(golden.optimizer), averageWeights: { decay },
      validationData: [golden.validationInputs, golden.validationTargets], onBatch: ({ loss }) => void losses.push(loss),
    });
    expect(relativeDifference(losses, golden.losses)).toBeLessThanOrEqual(TOLERANCE);
    expect(relativeDifference(reports.map(({ validation }) => validation!.loss), golden.validation)).toBeLessThanOrEqual(TOLERANCE);
    golden.final.forEach(({ weights, biases }, l) => {
      expect(relativeDifference(network.layers[l].weights, weights), `layer ${l}`).toBeLessThanOrEqual(TOLERANCE);
      expect(relativeDifference(network.layers[l].biases, biases), `layer ${l}`).toBeLessThanOrEqual(TOLERANCE);
      if (frozen.includes(l)) expect([...network.layers[l].weights]).toEqual(golden.initial[l].weights);
    });
  });
});

const numbers = (count: number, seed: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.fround(((i * 7919 + seed * 104729) % 257) / 128 - 1));
const inputs = numbers(23 * 3, 1);
const targets = numbers(23, 2);
const create = (): Promise<Network> => Network.create({ inputs: 3, layers: [dense(5, prelu()), dense(4, { activation: "tanh", trainable: false }), dense(1)], seed: 3 });
const parameters = ({ layers }: Network): Float32Array[] => layers.flatMap(({ weights, biases, slopes }) => [weights.slice(), biases.slice(), ...(slopes ? [slopes.slice()] : [])]);

/** The averages after each step, from the weights that onBatch sees, in f32 as the core computes them. */
function follow(decay: number) {
  let average: Float32Array[] | undefined;
  const [keep, take] = [Math.fround(decay), Math.fround(1 - decay)];
  return {
    step(network: Network): void {
      const now = parameters(network);
      average = average === undefined ? now : average.map((run, i) => run.map((value, k) => Math.fround(Math.fround(keep * value) + Math.fround(take * now[i][k]))));
    },
    get average() {
      return average!;
    },
  };
}

/** A frozen layer is not averaged. */
const trainable = (runs: Float32Array[]): Float32Array[] => [...runs.slice(0, 3), ...runs.slice(5)];

describe("averageWeights", () => {
  test("is the average of the weights after each step, bit for bit, for any decay and size of batches", async () => {
    await fc.assert(fc.asyncProperty(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 23 }), fc.integer({ min: 1, max: 3 }), async (decay, batchSize, epochs) => {
      const network = await create();
      const followed = follow(decay);
      await network.fit(inputs, targets, { epochs, batchSize, averageWeights: { decay }, optimizer: adam({ learningRate: 0.05 }), onBatch: () => followed.step(network) });
      expect(trainable(parameters(network))).toEqual(trainable(followed.average));
    }), { numRuns: 25 });
  });

  test("leaves callbacks and training the weights of training: losses are those without it", async () => {
    const run = async (options: FitOptions) => {
      const network = await create();
      const seen: Float32Array[][] = [];
      const losses: number[] = [];
      await network.fit(inputs, targets, { epochs: 4, batchSize: 5, ...options, onBatch: ({ loss }) => void losses.push(loss), onEpoch: () => void seen.push(parameters(network)) });
      return { losses, seen, end: parameters(network) };
    };
    const [plain, averaged] = [await run({}), await run({ averageWeights: { decay: 0.9 } })];
    expect(averaged.losses).toEqual(plain.losses);
    expect(averaged.seen).toEqual(plain.seen);
    expect(plain.end).toEqual(plain.seen[3]);
    expect(averaged.end).not.toEqual(plain.end);
  });

  test("validates with the average, and leaves the network as it validated last", async () => {
    const network = await create();
    const validationData: [Float32Array, Float32Array] = [numbers(9 * 3, 5), numbers(9, 6)];
    const during: number[] = [];
    const { epochs } = await network.fit(inputs, targets, {
      epochs: 3, batchSize: 4, averageWeights: { decay: 0.95 }, validationData, metrics: ["meanAbsoluteError"],
      onEpoch: () => void during.push(network.evaluate(...validationData).loss),
    });
    const { loss, metrics } = network.evaluate(...validationData, { metrics: ["meanAbsoluteError"] });
    expect(epochs[2].validation).toEqual({ loss, metrics });
    expect(during[2]).not.toBe(loss);
  });

  test("keeps the best of the averages, not of the weights of training", async () => {
    const validationData: [Float32Array, Float32Array] = [numbers(9 * 3, 5), numbers(9, 6)];
    const network = await create();
    const { bestEpoch, epochs, stopped } = await network.fit(inputs, targets, {
      epochs: 60, batchSize: 4, averageWeights: { decay: 0.9 }, validationData, optimizer: adam({ learningRate: 0.05 }), earlyStopping: { patience: 2 },
    });
    expect(stopped).toBe("early");
    expect(bestEpoch).toBeLessThan(epochs.length);
    expect(network.evaluate(...validationData).loss).toBe(epochs[bestEpoch - 1].validation!.loss);
  });

  test("ends with the average when a callback stops it, and each fit begins its own", async () => {
    const network = await create();
    const first = follow(0.8);
    await network.fit(inputs, targets, { epochs: 9, batchSize: 6, averageWeights: { decay: 0.8 }, onBatch: () => first.step(network), onEpoch: ({ epoch }) => (epoch < 2 ? undefined : false) });
    expect(trainable(parameters(network))).toEqual(trainable(first.average));
    const second = follow(0.8);
    await network.fit(inputs, targets, { epochs: 2, batchSize: 6, averageWeights: { decay: 0.8 }, onBatch: () => second.step(network) });
    expect(trainable(parameters(network))).toEqual(trainable(second.average));
    expect([...network.save()]).toEqual([...(await Network.load(network.save())).save()]);
  });

  test("copies what is frozen as it is at the end", async () => {
    const network = await create();
    await network.fit(inputs, targets, { epochs: 2, averageWeights: { decay: 0.8 }, onEpoch: ({ epoch }) => void (epoch === 2 && network.layers[1].weights.fill(0.25)) });
    expect([...network.layers[1].weights]).toEqual(new Array(20).fill(0.25));
  });

  test("gives the same bytes for any number of threads", async () => {
    const hashes = new Set<string>();
    for (const threads of [1, 2, 3, 5]) {
      const network = await Network.create({ inputs: 33, layers: [dense(67, prelu()), dense(41, "tanh"), dense(3)], seed: 1 });
      await network.fit(numbers(90 * 33, 1), numbers(90 * 3, 2), { epochs: 3, batchSize: 17, threads, averageWeights: { decay: 0.9 } });
      hashes.add(Buffer.from(network.save()).toString("base64"));
    }
    expect(hashes.size).toBe(1);
  });

  test("changes nothing where every batch has no weight", async () => {
    const network = await create();
    const before = parameters(network);
    await network.fit(inputs, targets, { averageWeights: { decay: 0.8 }, sampleWeights: new Float32Array(23) });
    expect(parameters(network)).toEqual(before);
  });

  test("goes back to the weights of training at the last good epoch on divergence, and drops the record", async () => {
    const network = await create();
    let last: Float32Array[] = [];
    await expect(network.fit(inputs, targets, {
      epochs: 50, batchSize: 5, optimizer: sgd({ learningRate: 1 }), averageWeights: { decay: 0.5 },
      onEpoch: ({ epoch }) => {
        if (epoch === 2) last = parameters(network);
      },
      onBatch: ({ epoch }) => void (epoch === 3 && network.layers[0].weights.fill(3e38)),
    })).rejects.toThrow(/fit: the loss became|became/);
    expect(parameters(network)).toEqual(last);
    await expect(network.fit(inputs, targets, { resume: true })).rejects.toThrow(/expected a fit that was interrupted/);
  });

  test("is kept in the file of an interrupted fit, which needs its tensors", async () => {
    const network = await create();
    const options = { epochs: 3, batchSize: 5, averageWeights: { decay: 0.9 } };
    await expect(network.fit(inputs, targets, { ...options, onBatch: ({ epoch }) => { if (epoch === 2) throw new Error("mine"); } })).rejects.toThrow("mine");
    const bytes = network.save();
    const text = Buffer.from(bytes).toString("latin1");
    expect(text).toContain("average.layers.0.weight");
    expect(Buffer.from((await Network.load(bytes)).save()).equals(Buffer.from(bytes))).toBe(true);
    // without the averages, or with another decay, it is not that fit
    await expect((await Network.load(bytes)).fit(inputs, targets, { ...options, averageWeights: { decay: 0.8 }, resume: true })).rejects.toThrow(/options of the interrupted fit/);
    await expect((await Network.load(bytes)).fit(inputs, targets, { epochs: 3, batchSize: 5, resume: true })).rejects.toThrow(/options of the interrupted fit/);
    // a refused call leaves the record with its averages
    await expect(network.fit(inputs, [1], options)).rejects.toThrow(RangeError);
    expect(Buffer.from(network.save()).equals(Buffer.from(bytes))).toBe(true);
    const changing = inputs.slice();
    const refused = network.fit(changing, targets, { ...options, optimizer: "sgd" });
    await expect(network.fit(changing, targets)).rejects.toThrow(/is running/);
    await refused;
    expect(Buffer.from(network.save({ optimizer: false })).toString("latin1")).not.toContain("average.");
  });
});
