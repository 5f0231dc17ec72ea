// Threads: the bytes of one for any number of them, whatever is trained and wherever it is interrupted; workers that fail; a
// script that ends by itself; a memory that is what the plan says.
//
// Delays come from the test: workers of a factory that the test gives run the library's own script after a wait of its own,
// and more threads than the machine has cores put each other aside at any point.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, test } from "vitest";
import { workerScript } from "../build/embedded.js";
import { configure, crossEntropy, dense, huber, nadam, Network, prelu, rmsprop, sgd } from "../src/index.js";
import type { EpochReport, FitOptions, LayerSpec } from "../src/index.js";

const execute = promisify(execFile);
const library = new URL("../dist/index.js", import.meta.url).href;

/** Numbers that look random and are the same everywhere, in (−1, 1). */
function numbers(count: number, seed = 1): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 16807) % 2147483647;
    return (state / 2147483647) * 2 - 1;
  });
}

const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const asJSON = (epochs: readonly EpochReport[]): unknown => epochs.map(({ samplesPerSecond: _, ...rest }) => rest);

afterEach(() => configure({}));

interface Trained {
  readonly title: string;
  readonly inputs: number;
  readonly samples: number;
  readonly layers: () => LayerSpec[];
  readonly classes?: boolean;
  readonly options: FitOptions;
}

const trainings: readonly Trained[] = [
  {
    title: "sizes that 8 divides, softmax, Adam",
    inputs: 32, samples: 160, layers: () => [dense(64, "relu"), dense(32, "relu"), dense(8, "softmax")], classes: true,
    options: { epochs: 3, batchSize: 32 },
  },
  {
    title: "sizes that 8 does not divide, penalties, clipping by norm, weights, validation",
    inputs: 13, samples: 171, layers: () => [dense(67, { activation: prelu(), l2: 0.01 }), dense(71, { activation: "tanh", l1: 0.001 }), dense(7, "softmax")], classes: true,
    options: {
      epochs: 4, batchSize: 19, loss: crossEntropy({ labelSmoothing: 0.1 }), gradientClip: { norm: 0.05 }, validationSplit: 0.2, classWeights: "balanced",
      sampleWeights: numbers(171, 5).map(Math.abs), metrics: ["accuracy", "f1"],
    },
  },
  {
    title: "one slope a layer after another, clipping by value, early stopping",
    inputs: 5, samples: 90, layers: () => [dense(33, { activation: prelu({ shared: true }) }), dense(9, { activation: prelu({ shared: true }), l2: 0.1 }), dense(3)],
    options: {
      epochs: 12, batchSize: 23, loss: huber({ delta: 0.5 }), optimizer: nadam({ learningRate: 0.05 }), gradientClip: { value: 0.01 },
      earlyStopping: { patience: 2 }, validationSplit: 0.3,
    },
  },
  {
    title: "frozen layers before and between, no biases, softmax before a squared error",
    inputs: 10, samples: 64, layers: () => [dense(12, { activation: "mish", trainable: false }), dense(20, { activation: "linear", bias: false }), dense(11, { activation: "gelu", trainable: false, l1: 0.1 }), dense(4, "softmax")],
    options: { epochs: 3, batchSize: 16, loss: { name: "meanSquaredError" }, optimizer: rmsprop({ momentum: 0.9 }) },
  },
  {
    title: "one of everything",
    inputs: 1, samples: 5, layers: () => [dense(1, "tanh"), dense(1)], options: { epochs: 2, batchSize: 1, optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) },
  },
  {
    title: "more inputs than a block of the product, several blocks of parameters",
    inputs: 530, samples: 70, layers: () => [dense(90, "silu"), dense(10, "sigmoid")], options: { epochs: 2, batchSize: 33, onBatch: () => undefined },
  },
];

async function train({ inputs, samples, layers, classes = false, options }: Trained, threads: number | "auto", more: FitOptions = {}) {
  const network = await Network.create({ inputs, layers: layers(), seed: 4 });
  const targets = classes ? Array.from({ length: samples }, (_, i) => (i * 7) % network.outputs) : numbers(samples * network.outputs, 3).map((x) => Math.abs(x));
  const history = await network.fit(numbers(samples * inputs), targets, { ...options, ...more, threads });
  return { network, epochs: asJSON(history.epochs), bytes: hash(network.save()) };
}

describe.each(trainings)("$title", (training) => {
  test("gives the same bytes for 1, 2, 3, 4, 7 and 8 threads", async () => {
    const one = await train(training, 1);
    expect(one.network.layers[0].weights.buffer).toBeInstanceOf(ArrayBuffer);
    let ran = 0;
    for (const threads of [2, 3, 4, 7, 8]) {
      const { network, epochs, bytes } = await train(training, threads);
      expect(network.layers[0].weights.buffer, `${threads} threads`).toBeInstanceOf(SharedArrayBuffer);
      expect(epochs, `${threads} threads`).toEqual(one.epochs);
      expect(bytes, `${threads} threads`).toBe(one.bytes);
      ran++;
    }
    expect(ran).toBe(5);
  });
});

/** A worker that runs the library's script with other code around it. */
const worker = (before: string, after = ""): Worker => new Worker(`${before}\n${workerScript}\n${after}`, { eval: true });

/** Puts a worker's execution of shares off at random: a neighbour thread that takes its core. */
const disturbed = `
  const { Worker: Neighbour, isMainThread } = require("node:worker_threads");
  const wait = new Int32Array(new SharedArrayBuffer(4));
  const grow = WebAssembly.Instance;
  WebAssembly.Instance = function (...parameters) {
    const instance = new grow(...parameters);
    Atomics.wait(wait, 0, 0, Math.random() * 30);
    return instance;
  };
`;

describe("members that come late", () => {
  test("change no byte, whenever they join", async () => {
    const training = trainings[1];
    const one = await train(training, 1, { epochs: 30 });
    configure({ worker: () => worker(disturbed) });
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++) seen.add((await train(training, 4, { epochs: 30 })).bytes);
    expect([...seen]).toEqual([one.bytes]);
  });
});

describe("threads: 'auto'", () => {
  test("leaves a small network alone, on a memory that is not shared", async () => {
    const { network } = await train(trainings[0], "auto");
    expect(network.layers[0].weights.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test("gives the bytes of one thread for a network that profits", async () => {
    const training: Trained = { title: "", inputs: 300, samples: 640, layers: () => [dense(256, "relu"), dense(10, "softmax")], classes: true, options: { epochs: 12, batchSize: 64 } };
    const one = await train(training, 1);
    const auto = await train(training, "auto");
    expect(auto.bytes).toBe(one.bytes);
    const { available } = auto.network.threads;
    expect(auto.network.layers[0].weights.buffer instanceof SharedArrayBuffer).toBe(available > 1);
  });
});

describe("a network on a shared memory", () => {
  test("has the length of its plan to the page, as on one that is not shared", async () => {
    const { layout, lengths } = await (async () => {
      const { planLayout, planTopology } = await import("../src/plan/layout.js");
      const lengths: number[] = [];
      const layers = () => [dense(64, "relu"), dense(32, "relu"), dense(8, "softmax")];
      const sizes: number[] = [];
      for (const threads of [1, 2, 5]) {
        const network = await Network.create({ inputs: 32, layers: layers(), seed: 4 });
        await network.fit(numbers(160 * 32), Array.from({ length: 160 }, (_, i) => i % 8), { threads, batchSize: 40 });
        lengths.push(network.layers[0].weights.buffer.byteLength);
        const plan = planLayout(planTopology(32, layers()), {
          slots: 2, snapshot: true, best: false, average: false, batch: 40, windowRows: 160, orderLength: 160, targetWidth: 1, weighted: false, threads,
        });
        sizes.push(65536 * Math.ceil(plan.byteLength / 65536));
      }
      return { layout: sizes, lengths };
    })();
    expect(lengths).toEqual(layout);
    expect(lengths[2]).toBeGreaterThan(lengths[0]);
  });

  test("saves unshared bytes, predicts into unshared arrays, is cloned unshared and loads again", async () => {
    const { network } = await train(trainings[0], 2);
    const bytes = network.save();
    expect(bytes.buffer).toBeInstanceOf(ArrayBuffer);
    const sample = numbers(3 * 32, 9);
    for (const result of [network.predict(sample), network.predict(sample.subarray(0, 32)), network.classify(sample), network.trace(sample)[0].activations]) {
      expect(result.buffer).toBeInstanceOf(ArrayBuffer);
    }
    expect(network.gradients(sample, [0, 1, 2]).layers[0].weights!.buffer).toBeInstanceOf(ArrayBuffer);
    const clone = await network.clone();
    expect(clone.layers[0].weights.buffer).toBeInstanceOf(ArrayBuffer);
    expect(clone.predict(sample)).toEqual(network.predict(sample));
    expect((await Network.load(bytes)).save()).toEqual(bytes);
    // a view is live, and a view given as data is copied
    network.layers[0].weights.fill(0);
    expect(network.trace(sample)[0].weightedSums!.every((z, i) => z === network.layers[0].biases[i % 64])).toBe(true);
    expect(network.predict(network.layers[1].weights.subarray(0, 32)).length).toBe(8);
  });

  test("trains on by one thread and by others, to the bytes of one thread", async () => {
    const run = async (numbersOfThreads: readonly number[]): Promise<string> => {
      const network = await Network.create({ inputs: 6, layers: [dense(40, "tanh"), dense(3, "softmax")], seed: 1 });
      for (const [i, threads] of numbersOfThreads.entries()) {
        await network.fit(numbers(60 * 6), Array.from({ length: 60 }, (_, k) => k % 3), { threads, batchSize: 7 + 6 * i });
        network.trainBatch(numbers(600 * 6), Array.from({ length: 600 }, (_, k) => k % 3));
      }
      return hash(network.save());
    };
    expect(await run([2, 1, 5, 2])).toBe(await run([1, 1, 1, 1]));
  });
});

describe("two fits at once", () => {
  test("each end in the bytes of one thread", async () => {
    const one = await train(trainings[0], 1, { epochs: 20 });
    const other = await train(trainings[1], 1, { epochs: 20 });
    const results = await Promise.all([train(trainings[0], 3, { epochs: 20 }), train(trainings[1], 2, { epochs: 20 }), train(trainings[0], "auto", { epochs: 20 })]);
    expect(results.map(({ bytes }) => bytes)).toEqual([one.bytes, other.bytes, one.bytes]);
  });
});

describe("interruptions", () => {
  test("by a signal leave the last finished step, and resume with another number of threads to the bytes of one", async () => {
    const training = trainings[1];
    const whole = await train(training, 1);
    for (const [first, second] of [[3, 2], [2, 1], [1, 4]]) {
      const network = await Network.create({ inputs: training.inputs, layers: training.layers(), seed: 4 });
      const targets = Array.from({ length: training.samples }, (_, i) => (i * 7) % 7);
      const controller = new AbortController();
      let steps = 0;
      const stopped = network.fit(numbers(training.samples * training.inputs), targets, {
        ...training.options, threads: first, signal: controller.signal,
        onBatch: () => {
          if (++steps === 11) controller.abort(new Error("enough"));
        },
      });
      await expect(stopped).rejects.toThrow("enough");
      const resumed = await Network.load(network.save());
      await resumed.fit(numbers(training.samples * training.inputs), targets, { ...training.options, threads: second, resume: true });
      expect(hash(resumed.save()), `${first}, then ${second} threads`).toBe(whole.bytes);
    }
  });

  test("a callback's error comes out unchanged, and the workers serve the next fit", async () => {
    const boom = new Error("boom");
    const failing = train(trainings[0], 3, { onEpoch: () => { throw boom; } });
    await expect(failing).rejects.toBe(boom);
    expect((await train(trainings[0], 3)).bytes).toBe((await train(trainings[0], 1)).bytes);
  });

  test("a loss that is not finite ends all threads at the same step, with the error and the bytes of one thread", async () => {
    const run = async (threads: number) => {
      const network = await Network.create({ inputs: 6, layers: [dense(30, "relu"), dense(30, "relu"), dense(2)], seed: 1 });
      const inputs = numbers(60 * 6).map((x) => 1e10 * x);
      const before = hash(network.save());
      const error = await network.fit(inputs, numbers(120), { threads, batchSize: 10, epochs: 5, optimizer: sgd({ learningRate: 1e10 }) }).catch((reason: Error) => reason);
      expect(hash(network.save())).toBe(before);
      return error as Error & { step: number };
    };
    const one = await run(1);
    expect(one.name).toBe("DivergenceError");
    for (const threads of [2, 3, 8]) {
      const error = await run(threads);
      expect(error.message).toBe(one.message);
      expect(error.step).toBe(one.step);
    }
  });
});
