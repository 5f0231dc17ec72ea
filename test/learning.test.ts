// What training is for: problems that are known to be learnable are learned, from every seed; and what the contract says of
// the bytes of trained networks holds. Times are those of seconds, so the networks are small and the floors are rough; the
// floors lie well below what these seeds reach.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { adam, cosineDecay, dense, huber, Network, prelu, sgd } from "../src/index.js";
import type { ActivationName, BatchReport, FitOptions, LayerSpec } from "../src/index.js";

const XOR_INPUTS = [[0, 0], [0, 1], [1, 0], [1, 1]];
const XOR_TARGETS = [0, 1, 1, 0];
const SEEDS = Array.from({ length: 20 }, (_, seed) => seed);

/** Numbers that look random and are the same everywhere: Park and Miller's generator, in (−1, 1). */
function numbers(count: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  });
}

interface Table {
  inputs: number[][];
  classes: number[];
}

/** A CSV of numbers whose last column is the class, each column standardised. */
function readTable(name: string): Table {
  const [, ...lines] = readFileSync(new URL(`../examples/data/${name}.csv`, import.meta.url), "utf8").trim().split("\n");
  const cells = lines.map((line) => line.trim().split(","));
  const labels = [...new Set(cells.map((row) => row.at(-1)!))].sort();
  const inputs = cells.map((row) => row.slice(0, -1).map(Number));
  for (let column = 0; column < inputs[0].length; column++) {
    const mean = inputs.reduce((sum, row) => sum + row[column], 0) / inputs.length;
    const deviation = Math.sqrt(inputs.reduce((sum, row) => sum + (row[column] - mean) ** 2, 0) / inputs.length) || 1;
    for (const row of inputs) row[column] = (row[column] - mean) / deviation;
  }
  return { inputs, classes: cells.map((row) => labels.indexOf(row.at(-1)!)) };
}

/** A regression and a classification of some shape that fills no vector exactly, with a PReLU and a penalty. */
const data = { inputs: numbers(45 * 5, 1), rows: numbers(45 * 3, 2), classes: Array.from(numbers(45, 3), (x) => Math.floor((x + 1) * 1.5)) };
const layers = (last: ActivationName): LayerSpec[] => [dense(9, "gelu"), dense(7, { activation: prelu(), l2: 1e-3 }), dense(3, last)];
const create = (last: ActivationName, seed = 5): Promise<Network> => Network.create({ inputs: 5, layers: layers(last), seed });

/** All parameters, layer after layer. */
function parametersOf(network: Network): Float32Array[] {
  return network.layers.flatMap(({ weights, biases, slopes }) => [weights, biases, ...(slopes ? [slopes] : [])].map((view) => view.slice()));
}

describe("XOR with 2-4-1", () => {
  const options: FitOptions = { epochs: 1000, batchSize: 4, optimizer: adam({ learningRate: 0.05 }) };
  const learn = async (hidden: ActivationName, seed: number) => {
    const network = await Network.create({ inputs: 2, layers: [dense(4, hidden), dense(1, "sigmoid")], seed });
    await network.fit(XOR_INPUTS, XOR_TARGETS, options);
    return network;
  };

  test.each(SEEDS)("is learned with tanh from seed %i", async (seed) => {
    const network = await learn("tanh", seed);
    expect([...network.classify(XOR_INPUTS)]).toEqual(XOR_TARGETS);
    expect(network.evaluate(XOR_INPUTS, XOR_TARGETS).loss).toBeLessThan(0.05);
  });

  // Which is why there are activations: layers without one make a line, and no line parts the four points.
  test.each(SEEDS)("is not learned with linear from seed %i", async (seed) => {
    const network = await learn("linear", seed);
    expect([...network.classify(XOR_INPUTS)]).not.toEqual(XOR_TARGETS);
    // The best line gives each point 1/2: ln 2.
    expect(network.evaluate(XOR_INPUTS, XOR_TARGETS).loss).toBeGreaterThan(0.69);
  });
});

describe("tables", () => {
  const cases = [
    { name: "iris", epochs: 60, floor: 0.9 },
    { name: "wine", epochs: 40, floor: 0.94 },
    { name: "digits", epochs: 12, floor: 0.93 },
  ];
  test.each(cases)("$name reaches $floor on data held out", async ({ name, epochs, floor }) => {
    const { inputs, classes } = readTable(name);
    const outputs = Math.max(...classes) + 1;
    const network = await Network.create({ inputs: inputs[0].length, layers: [dense(32, "relu"), dense(outputs, "softmax")], seed: 3 });
    const { epochs: reports } = await network.fit(inputs, classes, { epochs, batchSize: 16, optimizer: adam({ learningRate: 0.005 }), validationSplit: 0.25 });
    const { metrics, validation } = reports.at(-1)!;
    expect(reports.at(-1)!.loss).toBeLessThan(reports[0].loss / 3);
    expect(metrics.accuracy).toBeGreaterThan(floor);
    expect(validation!.metrics.accuracy).toBeGreaterThan(floor);
  });

  test("a sine is learned by a regression to an error of a hundredth", async () => {
    const inputs = numbers(400, 4);
    const targets = inputs.map((x) => Math.sin(3 * x));
    const network = await Network.create({ inputs: 1, layers: [dense(24, "tanh"), dense(1)], seed: 1 });
    await network.fit(inputs, targets, { epochs: 300, batchSize: 20, optimizer: adam({ learningRate: cosineDecay({ initial: 0.02, steps: 6000 }) }) });
    const { metrics } = network.evaluate(inputs, targets, { metrics: ["meanAbsoluteError", "r2"] });
    expect(metrics.meanAbsoluteError).toBeLessThan(0.01);
    expect(metrics.r2).toBeGreaterThan(0.999);
  });
});

describe("bytes", () => {
  const options: FitOptions = { batchSize: 8, optimizer: "nadam", validationSplit: 0.1 };

  test("of two fits of 2 epochs are those of one of 4", async () => {
    const [once, twice] = [await create("softmax"), await create("softmax")];
    await once.fit(data.inputs, data.classes, { ...options, epochs: 4 });
    await twice.fit(data.inputs, data.classes, { ...options, epochs: 2 });
    await twice.fit(data.inputs, data.classes, { ...options, epochs: 2 });
    expect(twice.save()).toEqual(once.save());
  });

  test("of the same seed are the same, in every report too", async () => {
    const runs = [];
    for (let run = 0; run < 2; run++) {
      const network = await create("softmax");
      const { epochs } = await network.fit(data.inputs, data.classes, { ...options, epochs: 3 });
      runs.push({ bytes: network.save(), reports: epochs.map(({ samplesPerSecond, ...report }) => report) });
    }
    expect(runs[1]).toEqual(runs[0]);
  });

  test("of another seed are others, from the start and in the order of training", async () => {
    const start = await Promise.all([5, 6].map((seed) => create("linear", seed)));
    for (const l of [0, 1, 2]) expect(start[0].layers[l].weights).not.toEqual(start[1].layers[l].weights);
    // From the same weights, the order alone.
    start[0].layers.forEach(({ weights }, l) => start[1].layers[l].weights.set(weights));
    for (const network of start) await network.fit(data.inputs, data.rows, { batchSize: 8, optimizer: sgd() });
    expect(start[0].layers[0].weights).not.toEqual(start[1].layers[0].weights);
  });

  test("of seeds that differ in their high bits alone are others", async () => {
    const [low, high] = await Promise.all([1, 1 + 2 ** 32].map((seed) => create("linear", seed)));
    expect(low.layers[0].weights).not.toEqual(high.layers[0].weights);
  });

  test("do not depend on the form in which data is given", async () => {
    const rows = Array.from({ length: 45 }, (_, i) => Array.from(data.inputs.subarray(5 * i, 5 * i + 5)));
    const oneHot = data.classes.map((k) => [0, 1, 2].map((j) => (j === k ? 1 : 0)));
    const forms: [Parameters<Network["fit"]>[0], Parameters<Network["fit"]>[1]][] = [
      [data.inputs, data.classes], [Array.from(data.inputs), Uint8Array.from(data.classes)], [rows, oneHot],
      [rows.map((row) => Float64Array.from(row)), Float32Array.from(oneHot.flat())],
    ];
    const saved = [];
    for (const [inputs, targets] of forms) {
      const network = await create("softmax");
      await network.fit(inputs, targets, { ...options, epochs: 2 });
      saved.push(network.save());
    }
    expect(saved.length).toBe(4);
    for (const bytes of saved) expect(bytes).toEqual(saved[0]);
  });

  test("do not depend on what the memory held before: a loaded network goes on as the one that was saved", async () => {
    const network = await create("linear");
    // A larger batch first, so that the matrices of later steps lie on old data.
    await network.fit(data.inputs, data.rows, { batchSize: 45, loss: "logCosh" });
    await network.fit(data.inputs.map((x) => x * 1000), data.rows, { batchSize: 13, optimizer: "rmsprop" });
    const loaded = await Network.load(network.save());
    for (const each of [network, loaded]) {
      each.trainBatch(data.inputs.subarray(0, 35), data.rows.subarray(0, 21));
      await each.fit(data.inputs, data.rows, { epochs: 2, batchSize: 7, validationSplit: 0.2 });
    }
    expect(loaded.save()).toEqual(network.save());
    expect(loaded.evaluate(data.inputs, data.rows)).toEqual(network.evaluate(data.inputs, data.rows));
  });
});

describe("trainBatch", () => {
  const cases = [
    { name: "adam, cross-entropy of class indices", last: "softmax", targets: data.classes, options: {} },
    { name: "sgd with momentum, clipped by norm", last: "tanh", targets: data.rows, options: { optimizer: sgd({ momentum: 0.9, nesterov: true }), gradientClip: { norm: 0.1 } } },
    { name: "lion, clipped by value", last: "linear", targets: data.rows, options: { optimizer: "lion", loss: huber({ delta: 0.3 }), gradientClip: { value: 0.01 } } },
    { name: "adamw, sample weights", last: "linear", targets: data.rows, options: { optimizer: "adamw", sampleWeights: numbers(45, 9).map(Math.abs) } },
  ] as const;
  test.each(cases)("is fit with that one batch and shuffle false, bit for bit: $name", async ({ last, targets, options }) => {
    const [stepped, fitted] = [await create(last), await create(last)];
    for (let step = 0; step < 3; step++) {
      const loss = stepped.trainBatch(data.inputs, targets as number[], options as FitOptions);
      const losses: number[] = [];
      const onBatch = (report: BatchReport): void => void losses.push(report.loss);
      await fitted.fit(data.inputs, targets as number[], { ...options as FitOptions, batchSize: 45, shuffle: false, onBatch });
      expect(losses).toEqual([loss]);
      expect(parametersOf(stepped)).toEqual(parametersOf(fitted));
    }
    // Slots and step count are the same if the next step is.
    stepped.trainBatch(data.inputs, targets as number[]);
    fitted.trainBatch(data.inputs, targets as number[]);
    expect(parametersOf(stepped)).toEqual(parametersOf(fitted));
  });

  test("returns the loss before the step", async () => {
    const network = await create("softmax");
    const penalty = 1e-3 * network.layers[1].weights.reduce((sum, w) => sum + w * w, 0);
    const before = network.evaluate(data.inputs, data.classes).loss;
    expect(network.trainBatch(data.inputs, data.classes)).toBeCloseTo(before + penalty, 6);
    expect(network.trainBatch(data.inputs, data.classes)).toBeLessThan(before + penalty);
  });
});

describe("a sample's prediction", () => {
  const activations: ActivationName[] = ["linear", "softmax", "sigmoid", "mish"];
  test.each(activations)("in a batch depends on neither its size nor the place: %s", async (last) => {
    const network = await Network.create({ inputs: 11, layers: [dense(37, "tanh"), dense(19, prelu()), dense(6, last)], seed: 2 });
    const inputs = numbers(600 * 11, 6);
    const all = network.predict(inputs);
    let compared = 0;
    for (const size of [2, 3, 4, 5, 7, 8, 9, 31, 255, 256, 257, 511, 599]) {
      for (const first of new Set([0, 1, 2, 600 - size])) {
        expect(network.predict(inputs.subarray(11 * first, 11 * (first + size)))).toEqual(all.subarray(6 * first, 6 * (first + size)));
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(45);
  });

  test("alone is that in a batch up to rounding", async () => {
    const network = await Network.create({ inputs: 11, layers: [dense(37, "tanh"), dense(19, prelu()), dense(6)], seed: 2 });
    const inputs = numbers(50 * 11, 6);
    const all = network.predict(inputs);
    for (let i = 0; i < 50; i++) {
      const alone = network.predict(inputs.subarray(11 * i, 11 * i + 11));
      // Sums of at most 37 terms of magnitude below 1 through three layers: a few hundred roundings of 6e-8.
      alone.forEach((value, j) => expect(Math.abs(value - all[6 * i + j])).toBeLessThan(2e-6));
      expect(network.predict(inputs.subarray(11 * i, 11 * i + 11))).toEqual(alone);
    }
  });
});
