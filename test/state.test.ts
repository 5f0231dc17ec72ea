// The state that calls leave behind: what a failed call puts back, what equal calls have equal, and data that lies in the
// network's own memory.

import { describe, expect, test } from "vitest";
import { Network, adam, dense, klDivergence, poisson, reduceOnPlateau, sgd } from "../src/index.js";
import type { ActivationName, FitOptions } from "../src/index.js";

const inputs = Array.from({ length: 24 }, (_, i) => [Math.sin(i), Math.cos(2 * i), i / 24]);
const rows = inputs.map(([a, b, c]) => [a * b, b - c]);

async function trained(): Promise<Network> {
  const network = await Network.create({ inputs: 3, layers: [dense(5, "tanh"), dense(2)], seed: 3 });
  await network.fit(inputs, rows, { epochs: 2, optimizer: adam({ learningRate: 0.01 }) });
  return network;
}

async function failure(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error("the call did not fail");
}

describe("a call with another kind of optimizer that fails before a step of it stays", () => {
  const steps: [string, (network: Network) => unknown][] = [
    ["abort before the first step", (network) => {
      const controller = new AbortController();
      const fit = network.fit(Array.from({ length: 200_000 }, () => [1, 2, 3]), new Float32Array(400_000), { optimizer: "sgd", signal: controller.signal });
      setImmediate(() => controller.abort(new Error("aborted")));
      return fit;
    }],
    ["divergence in the first epoch", (network) => network.fit(inputs, rows, { optimizer: sgd({ learningRate: 1e38 }), batchSize: 6 })],
    ["divergence of trainBatch", (network) => network.trainBatch(inputs, inputs.map(() => [1e38, -1e38]), { optimizer: sgd({ learningRate: 1e30 }) })],
  ];

  test.each(steps)("%s leaves the old optimizer's slots, counters and numbers", async (_, call) => {
    const [network, same] = [await trained(), await trained()];
    const weights = network.layers.map((layer) => layer.weights.slice());
    expect(await failure(() => call(network))).toBeInstanceOf(Error);
    expect(network.layers.map((layer) => layer.weights)).toEqual(weights);
    // an aborted fit leaves a record and has drawn an order; steps that need neither show the rest of the state
    expect(network.trainBatch(inputs, rows)).toBe(same.trainBatch(inputs, rows));
    for (const layer of [0, 1]) expect(network.layers[layer].weights).toEqual(same.layers[layer].weights);
  });

  test("a batch whose weights are all 0 changes nothing at all", async () => {
    const network = await trained();
    const before = network.save();
    expect(network.trainBatch(inputs, rows, { optimizer: "sgd", loss: "huber", sampleWeights: inputs.map(() => 0) })).toBe(0);
    expect(network.save()).toEqual(before);
  });
});

test("trainBatch leaves the file of a fit with that one batch and shuffle false", async () => {
  const [one, other] = [await trained(), await trained()];
  one.trainBatch(inputs, rows, { optimizer: "nadam" });
  await other.fit(inputs, rows, { optimizer: "nadam", shuffle: false, batchSize: 24 });
  expect(one.save()).toEqual(other.save());
});

test("another schedule starts with its own rate after a plateau", async () => {
  const network = await trained();
  const rates: number[] = [];
  const onEpoch = ({ learningRate }: { learningRate: number }): void => void rates.push(learningRate);
  const flat = { epochs: 3, shuffle: false, onEpoch } satisfies FitOptions;
  const still = inputs.map(() => [0, 0, 0]);
  await network.fit(still, rows, { ...flat, optimizer: sgd({ learningRate: reduceOnPlateau({ initial: 1e-30, patience: 0 }) }) });
  await network.fit(still, rows, { ...flat, optimizer: sgd({ learningRate: reduceOnPlateau({ initial: 0.5, patience: 100 }) }) });
  expect(rates[2]).toBeLessThan(1e-30);
  expect(rates.slice(3)).toEqual([0.5, 0.5, 0.5]);
});

describe("data in the network's own memory", () => {
  test("trains as a copy of it does, though the memory grows and is written meanwhile", async () => {
    const create = () => Network.create({ inputs: 60, layers: [dense(60, "tanh"), dense(60)], seed: 1 });
    const [network, same] = [await create(), await create()];
    const copy = same.layers[0].weights.slice();
    await network.fit(network.layers[0].weights, network.layers[0].weights, { batchSize: 400, epochs: 2 });
    await same.fit(copy, copy, { batchSize: 400, epochs: 2 });
    expect(network.save()).toEqual(same.save());
    const view = network.layers[1].weights;
    const rowsOfView = [view.subarray(0, 60), view.subarray(60, 120)];
    const copies = rowsOfView.map((row) => row.slice());
    expect(network.trainBatch(rowsOfView, rowsOfView, { optimizer: "lion" })).toBe(same.trainBatch(copies, copies, { optimizer: "lion" }));
  });
});

describe("losses of outputs so small that their reciprocal overflows", () => {
  const cases: [ActivationName, number, typeof poisson | typeof klDivergence, number][] = [
    ["sigmoid", -89, klDivergence, 89],
    ["sigmoid", -89, poisson, 89],
    ["softplus", -90, poisson, 90],
  ];

  // The true slope is −1; the quotient is bounded by the largest f32, so that what is left of it is that times f'(z).
  test.each(cases)("%s of %s: the loss is right and the gradient finite, of the right sign and size", async (activation, z, loss, value) => {
    const network = await Network.create({ inputs: 1, layers: [dense(1, activation)] });
    network.layers[0].weights[0] = 0;
    network.layers[0].biases[0] = z;
    const { loss: got, layers } = network.gradients([[1]], [[1]], { loss: loss() });
    expect(Math.abs(got - value)).toBeLessThan(0.5);
    expect(layers[0].biases![0]).toBeLessThan(-0.2);
    expect(layers[0].biases![0]).toBeGreaterThan(-1.01);
  });
});

describe("what a user might assign", () => {
  test("a layer's array says how it is written", async () => {
    const network = await trained();
    const layer = network.layers[0] as { weights: unknown };
    expect(() => { layer.weights = [1, 2]; }).toThrow("layers[0].weights: expected numbers written into the view, got an array of 2. Write layers[0].weights.set(numbers)");
  });

  test("a neuron's bias is the layer's", async () => {
    const network = await trained();
    network.layers[0].neuron(2).bias = 0.25;
    expect(network.layers[0].biases[2]).toBe(0.25);
    expect(() => { network.layers[0].neuron(2).bias = NaN; }).toThrow(/^layers\[0\]\.neuron\(2\)\.bias: expected /);
  });

  test("a third argument of dense is not ignored", () => {
    expect(() => (dense as (...all: unknown[]) => unknown)(3, "relu", { bias: false })).toThrow(/^dense: expected units, and an activation or options/);
  });
});

test("a fit that is started while the options of another are read is refused", async () => {
  const network = await trained();
  let inner: Promise<unknown> | undefined;
  const options = { get epochs() { inner = failure(() => network.fit(inputs, rows)); return 1; } };
  await network.fit(inputs, rows, options);
  expect(String(await inner)).toMatch(/fit: a fit of this network is running/);
});

test("setting up a fit of much data leaves the event loop its turns", async () => {
  const count = 400_000;
  const network = await Network.create({ inputs: 4, layers: [dense(4, "relu"), dense(2, "softmax")], seed: 1 });
  const data = new Float32Array(4 * count).map((_, i) => Math.sin(i));
  const classes = Uint8Array.from({ length: count }, (_, i) => i % 2);
  const stretches: number[] = [];
  let running = true;
  let [last, cpu] = [performance.now(), process.cpuUsage()];
  const watch = (): void => {
    const used = process.cpuUsage(cpu);
    stretches.push(Math.min(performance.now() - last, (used.user + used.system) / 1000));
    [last, cpu] = [performance.now(), process.cpuUsage()];
    if (running) setImmediate(watch);
  };
  setImmediate(watch);
  await network.fit(data, classes, { batchSize: 1024, validationSplit: 0.1, sampleWeights: new Float32Array(count).fill(1), metrics: ["auc", "f1"], epochs: 1 });
  running = false;
  stretches.sort((a, b) => b - a);
  // a collection of garbage or a compilation may stretch a few of them; before the work was cut in pieces one took a second
  expect(stretches.length).toBeGreaterThan(20);
  expect(stretches[4]).toBeLessThan(40);
});

describe("a fit that is interrupted before any step of it", () => {
  const zeros = { sampleWeights: new Float32Array(24), validationSplit: 0.25 };
  const stop = (): never => { throw new Error("stop"); };

  test("is saved and loaded, though the network has never had an optimizer", async () => {
    const create = () => Network.create({ inputs: 3, layers: [dense(5, "tanh"), dense(2)], seed: 3 });
    const [network, whole] = [await create(), await create()];
    await failure(() => network.fit(inputs, rows, { ...zeros, epochs: 2, onEpoch: stop }));
    const loaded = await Network.load(network.save());
    await loaded.fit(inputs, rows, { ...zeros, epochs: 2, resume: true });
    await whole.fit(inputs, rows, { ...zeros, epochs: 2 });
    expect(loaded.save()).toEqual(whole.save());
  });

  test.each(["sgd", "lion", "nadam"] as const)("after a fit with Adam, resumes with %s to the bytes of the whole, best weights too", async (optimizer) => {
    const options = { ...zeros, optimizer, epochs: 2, earlyStopping: { patience: 1 } };
    const [network, whole] = [await trained(), await trained()];
    await failure(() => network.fit(inputs, rows, { ...options, onEpoch: stop }));
    for (const one of [network, await Network.load(network.save()), await network.clone()]) {
      await one.fit(inputs, rows, { ...options, resume: true });
      expect(one.layers[0].weights).toEqual((await trained()).layers[0].weights);
    }
    await whole.fit(inputs, rows, options);
    expect(network.save()).toEqual(whole.save());
  });
});

test("a plateau that is counted between two interruptions is not lost", async () => {
  const options = { epochs: 6, batchSize: 12, optimizer: sgd({ learningRate: reduceOnPlateau({ initial: 0.05, patience: 0, minDelta: 1 }) }) };
  const [network, whole] = [await trained(), await trained()];
  await failure(() => network.fit(inputs, rows, { ...options, onBatch: ({ epoch, step }) => { if (epoch === 2 && step === 2) throw new Error("stop"); } }));
  await failure(() => network.fit(inputs, rows, { ...options, resume: true, onEpoch: () => { throw new Error("stop"); } }));
  await network.fit(inputs, rows, { ...options, resume: true });
  await whole.fit(inputs, rows, options);
  expect(network.save()).toEqual(whole.save());
});

test("while a fit with another optimizer is set up, the network is saved and cloned as it was", async () => {
  const [network, same] = [await trained(), await trained()];
  // a record with best weights, too
  const interrupted = { epochs: 3, earlyStopping: { patience: 9 } };
  for (const one of [network, same]) await failure(() => one.fit(inputs, rows, { ...interrupted, onEpoch: () => { throw new Error("stop"); } }));
  const expected = same.save();
  const many = 500_000;
  const saved: Uint8Array[] = [];
  const copies: Promise<Network>[] = [];
  let running = true;
  const look = (): void => {
    if (!running) return;
    saved.push(network.save());
    copies.push(network.clone());
    setImmediate(look);
  };
  let finished = 0;
  const done = network.fit(new Float32Array(3 * many).fill(0.5), new Float32Array(2 * many), {
    optimizer: "sgd", batchSize: many, onBatch: () => { running = false; finished++; },
  });
  look();
  await done;
  expect(finished).toBe(1);
  // until the first order is drawn nothing has changed; after it the new fit has begun, and what is saved can be loaded
  const before = saved.findIndex((bytes) => Buffer.compare(bytes, expected) !== 0);
  expect(before < 0 ? saved.length : before).toBeGreaterThan(0);
  for (const bytes of saved) expect((await Network.load(bytes)).layers[0].weights).toEqual(same.layers[0].weights);
  expect((await copies[0]).save()).toEqual(expected);
});

test("a view that is made NaN while a fit is set up is an Error that says so, and nothing was trained", async () => {
  const network = await trained();
  const many = 500_000;
  const fit = network.fit(new Float32Array(3 * many).fill(0.5), new Float32Array(2 * many), { batchSize: 1000 });
  network.layers[0].weights[0] = NaN;
  expect(String(await failure(() => fit))).toMatch(/fit: expected finite parameters, got NaN in layers\.0\.weight/);
});
