// Interrupted at any step, saved, loaded and resumed, training ends in the bytes of the uninterrupted run, and the reports of
// the interrupted epoch and those after it are the same.

import { describe, expect, test } from "vitest";
import { adam, cosineDecay, dense, lion, nadam, Network, prelu, reduceOnPlateau, rmsprop, sgd } from "../src/index.js";
import type { BatchReport, EpochReport, FitOptions, History } from "../src/index.js";

/** Numbers that look random and are the same everywhere: Park and Miller's generator, in (−1, 1). */
function numbers(count: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  });
}

const SAMPLES = 23;
const inputs = numbers(SAMPLES * 3, 1);
const classes = Array.from(numbers(SAMPLES, 2), (x) => Math.floor((x + 1) * 1.5));
const validationData: [Float32Array, number[]] = [numbers(9 * 3, 3), Array.from(numbers(9, 4), (x) => Math.floor((x + 1) * 1.5))];
const sampleWeights = Float32Array.from({ length: SAMPLES }, (_, i) => (i < 5 ? 0 : (i % 3) + 0.5));

const create = (): Promise<Network> => Network.create({
  inputs: 3, layers: [dense(5, prelu()), dense(4, { activation: "tanh", l2: 0.01 }), dense(3, "softmax")], seed: 9,
});

type Resumable = Omit<FitOptions, "onBatch" | "onEpoch" | "signal">;
const cases: { name: string; options: Resumable; steps: number }[] = [
  { name: "adam, shuffled, with a validation split", options: { epochs: 3, batchSize: 5, validationSplit: 0.2, optimizer: adam({ learningRate: 0.02 }) }, steps: 12 },
  {
    name: "nadam, with early stopping that restores the best",
    options: { epochs: 8, batchSize: 6, validationData, optimizer: nadam({ learningRate: 0.1 }), earlyStopping: { patience: 2 } }, steps: 0,
  },
  {
    name: "sgd with momentum on a plateau, with label metrics",
    options: { epochs: 5, batchSize: 7, shuffle: false, optimizer: sgd({ momentum: 0.9, nesterov: true, learningRate: reduceOnPlateau({ initial: 0.8, patience: 0 }) }), metrics: ["f1", "auc", "accuracy"] }, steps: 20,
  },
  {
    name: "rmsprop with momentum, weights of samples and classes, clipped",
    options: { epochs: 3, batchSize: 5, sampleWeights, classWeights: "balanced", optimizer: rmsprop({ momentum: 0.5, learningRate: 0.01 }), gradientClip: { norm: 0.3 } }, steps: 15,
  },
  {
    name: "lion on a cosine with warm-up, a batch without weight, metrics of all outputs",
    options: {
      epochs: 3, batchSize: 5, shuffle: false, sampleWeights, metrics: ["auc", "accuracy"],
      optimizer: lion({ learningRate: cosineDecay({ initial: 0.01, steps: 11, warmupSteps: 4 }) }), earlyStopping: { patience: 1, monitor: "auc", restoreBest: false },
    },
    steps: 0,
  },
  {
    name: "averaged weights, the best of them restored, a frozen layer",
    options: { epochs: 9, batchSize: 6, validationData, averageWeights: { decay: 0.7 }, optimizer: adam({ learningRate: 0.1 }), earlyStopping: { patience: 2 } }, steps: 0,
  },
  { name: "averaged weights, with a batch without weight first", options: { epochs: 3, batchSize: 5, shuffle: false, sampleWeights, averageWeights: { decay: 0.9 } }, steps: 0 },
];

const timeless = ({ epochs, ...history }: History) => ({ ...history, epochs: epochs.map(({ samplesPerSecond, ...report }) => report) });

/** Runs to its end, with what it reports. */
async function whole(options: Resumable) {
  const network = await create();
  const batches: BatchReport[] = [];
  const history = await network.fit(inputs, classes, { ...options, onBatch: (report) => void batches.push(report) });
  return { bytes: network.save(), history: timeless(history), batches };
}

/** Loads the bytes, finishes their fit, and expects what `whole` had from that epoch on. */
async function expectSameEnd(saved: Uint8Array, options: Resumable, { bytes, history }: Awaited<ReturnType<typeof whole>>): Promise<void> {
  const network = await Network.load(saved);
  expect(network.save()).toEqual(saved);
  const rest = await network.fit(inputs, classes, { ...options, resume: true });
  expect(network.save()).toEqual(bytes);
  const finished = history.epochs.length - rest.epochs.length;
  expect(timeless(rest)).toEqual({ ...history, epochs: history.epochs.slice(finished) });
  for (const { samplesPerSecond } of rest.epochs) expect(samplesPerSecond).toBeGreaterThanOrEqual(0);
}

/** Fits until it is aborted after the k-th step (from 1) and saves. */
async function interrupted(network: Network, options: FitOptions, k: number): Promise<Uint8Array> {
  const controller = new AbortController();
  let step = 0;
  const onBatch = (): void => void (++step === k && controller.abort("stop"));
  await expect(network.fit(inputs, classes, { ...options, onBatch, signal: controller.signal })).rejects.toBe("stop");
  return network.save();
}

describe.each(cases)("$name", ({ options, steps }) => {
  test("ends in the same bytes when it is aborted after any step", async () => {
    const run = await whole(options);
    if (steps > 0) expect(run.batches.length).toBe(steps);
    expect(run.batches.length).toBeGreaterThan(9);
    for (let k = 1; k <= run.batches.length; k++) {
      const network = await create();
      const saved = await interrupted(network, options, k);
      await expectSameEnd(saved, options, run);
      // The network itself and its clone resume too.
      for (const each of [await network.clone(), network]) {
        await each.fit(inputs, classes, { ...options, resume: true });
        expect(each.save()).toEqual(run.bytes);
      }
    }
  });

  test("ends in the same bytes from what any callback saved", async () => {
    const run = await whole(options);
    const network = await create();
    const saved: Uint8Array[] = [];
    const save = (): void => void saved.push(network.save());
    const history = await network.fit(inputs, classes, { ...options, onBatch: save, onEpoch: async () => save() });
    expect(timeless(history)).toEqual(run.history);
    expect(network.save()).toEqual(run.bytes);
    expect(saved.length).toBe(run.batches.length + run.history.epochs.length);
    for (const bytes of saved) await expectSameEnd(bytes, options, run);
  });

  test("ends in the same bytes when it is interrupted again and again", async () => {
    const run = await whole(options);
    let network = await create();
    let rounds = 0;
    for (let done = 0; done + 3 < run.batches.length; done += 3, rounds++) {
      network = await Network.load(await interrupted(network, { ...options, resume: rounds > 0 }, 3));
    }
    expect(rounds).toBeGreaterThan(2);
    const rest = await network.fit(inputs, classes, { ...options, resume: true });
    expect(network.save()).toEqual(run.bytes);
    expect(timeless(rest).epochs.at(-1)).toEqual(run.history.epochs.at(-1));
  });

  test("goes on with the batches that were left, by their numbers", async () => {
    const run = await whole(options);
    for (const k of [1, 4, run.batches.length - 1]) {
      const network = await Network.load(await interrupted(await create(), options, k));
      const batches: BatchReport[] = [];
      await network.fit(inputs, classes, { ...options, resume: true, onBatch: (report) => void batches.push(report) });
      expect(batches).toEqual(run.batches.slice(k));
    }
  });

  test("ends in the same bytes after the error of a callback", async () => {
    const run = await whole(options);
    for (const callback of ["onBatch", "onEpoch"] as const) {
      const network = await create();
      const fail = ({ epoch }: EpochReport | BatchReport): void => {
        if (epoch === 2) throw new Error("mine");
      };
      await expect(network.fit(inputs, classes, { ...options, [callback]: fail })).rejects.toThrow("mine");
      await expectSameEnd(network.save(), options, run);
    }
  });
});

describe("an interrupted fit", () => {
  test("resumes from any turn of the event loop, in the midst of a long validation too", async () => {
    const many = 150_000;
    const options: Resumable = {
      epochs: 3, batchSize: 6, validationData: [numbers(many * 3, 5), new Array<number>(many).fill(1)], metrics: ["accuracy", "f1"],
      optimizer: adam({ learningRate: reduceOnPlateau({ initial: 0.1, patience: 0 }) }), earlyStopping: { patience: 5 },
    };
    const run = await whole(options);
    const network = await create();
    const saved = new Map<string, Uint8Array>();
    let running = true;
    const turn = (): void => {
      if (!running) return;
      const bytes = network.save();
      // What another turn has saved already need not be tried again.
      saved.set(Buffer.from(bytes).toString("base64"), bytes);
      setImmediate(turn);
    };
    const fitting = network.fit(inputs, classes, options);
    setImmediate(turn);
    await fitting;
    running = false;
    const unfinished = [...saved.values()].filter((bytes) => Buffer.from(bytes).includes('"unfinished') || Buffer.from(bytes).includes('\\"unfinished'));
    expect(unfinished.length).toBeGreaterThan(1);
    for (const bytes of unfinished) await expectSameEnd(bytes, options, run);
  });

  test("by abort in the midst of validation resumes with that validation", async () => {
    const many = 200_000;
    const options: Resumable = { epochs: 2, batchSize: 23, validationData: [numbers(many * 3, 5), new Array<number>(many).fill(1)], optimizer: sgd({ learningRate: cosineDecay({ initial: 0.1, steps: 2 }) }) };
    const run = await whole(options);
    const network = await create();
    const controller = new AbortController();
    // The only step of the epoch is over when its callback runs: the next turn lies in the validation.
    const onBatch = (): void => void setImmediate(() => controller.abort("stop"));
    await expect(network.fit(inputs, classes, { ...options, onBatch, signal: controller.signal })).rejects.toBe("stop");
    await expectSameEnd(network.save(), options, run);
  });

  test("keeps its record through calls that are refused or only look, and through a load", async () => {
    const { options } = cases[1];
    const run = await whole(options);
    const network = await create();
    const saved = await interrupted(network, options, 5);
    network.predict(inputs);
    network.evaluate(inputs, classes, { metrics: ["auc"] });
    network.trace(inputs);
    network.gradients(inputs, classes);
    network.summary();
    await expect(network.fit(inputs, classes, { epochs: 0 })).rejects.toThrow(RangeError);
    await expect(network.fit(inputs, classes, { ...options, signal: AbortSignal.abort("no") })).rejects.toBe("no");
    expect(() => network.trainBatch(inputs, [7])).toThrow(RangeError);
    expect(network.save()).toEqual(saved);
    await expectSameEnd(saved, options, run);
  });
});

describe("resume", () => {
  const { options } = cases[1];

  test("without an interrupted fit is an Error that changes nothing", async () => {
    const network = await create();
    const refused = /^fit: resume: expected a fit that was interrupted, the network has none\./;
    await expect(network.fit(inputs, classes, { resume: true })).rejects.toThrow(refused);
    await network.fit(inputs, classes, options);
    const before = network.save();
    await expect(network.fit(inputs, classes, { ...options, resume: true })).rejects.toThrow(refused);
    expect(network.save()).toEqual(before);
    const bare = await Network.load(await interrupted(await create(), options, 3));
    await expect((await Network.load(bare.save({ optimizer: false }))).fit(inputs, classes, { ...options, resume: true })).rejects.toThrow(refused);
  });

  const others: [string, FitOptions][] = [
    ["epochs", { epochs: 9 }], ["batchSize", { batchSize: 5 }], ["optimizer", { optimizer: "adam" }], ["its numbers", { optimizer: nadam({ learningRate: 0.2 }) }],
    ["loss", { loss: { name: "crossEntropy", labelSmoothing: 0.1 } }], ["shuffle", { shuffle: false }],
    ["validation data", { validationData: undefined }], ["its size", { validationData: [inputs, classes] }], ["validationSplit", { validationData: undefined, validationSplit: 0.1 }],
    ["metrics", { metrics: ["accuracy", "recall"] }], ["early stopping", { earlyStopping: undefined }], ["its patience", { earlyStopping: { patience: 3 } }],
    ["class weights", { classWeights: [1, 2, 3] }], ["sample weights", { sampleWeights }], ["clipping", { gradientClip: { value: 1 } }],
  ];
  test.each(others)("with other options is an Error that changes nothing: %s", async (_, other) => {
    const network = await create();
    const saved = await interrupted(network, options, 4);
    const call = network.fit(inputs, classes, { ...options, ...other, resume: true });
    await expect(call).rejects.toThrow(/^fit: resume: expected the options of the interrupted fit, got others\./);
    await call.catch((error: Error) => expect(error.constructor).toBe(Error));
    expect(network.save()).toEqual(saved);
  });

  test("with another number of samples is an Error that changes nothing", async () => {
    const network = await create();
    const saved = await interrupted(network, options, 4);
    const fewer = network.fit(inputs.subarray(0, 60), classes.slice(0, 20), { ...options, resume: true });
    await expect(fewer).rejects.toThrow("fit: resume: expected the 23 samples of the interrupted fit, got 20. Give the same data");
    expect(network.save()).toEqual(saved);
  });

  test("takes other callbacks, signals, thread counts and forms of the data", async () => {
    const run = await whole(options);
    const network = await Network.load(await interrupted(await create(), options, 6));
    const nested = classes.map((_, i) => Array.from(inputs.subarray(3 * i, 3 * i + 3)));
    const seen: number[] = [];
    await network.fit(nested, Int32Array.from(classes), { ...options, resume: true, threads: 2, signal: new AbortController().signal, onEpoch: ({ epoch }) => void seen.push(epoch) });
    expect(seen).toEqual(run.history.epochs.slice(1).map(({ epoch }) => epoch));
    expect(network.save()).toEqual(run.bytes);
  });

  test("gives epochs the numbers that they had, to their total", async () => {
    const network = await create();
    // 4 steps an epoch: the sixth is the second of epoch 2.
    await interrupted(network, cases[0].options, 6);
    const { epochs } = await network.fit(inputs, classes, { ...cases[0].options, resume: true });
    expect(epochs.map(({ epoch }) => epoch)).toEqual([2, 3]);
  });

  test("after the last step of all has only the end to make", async () => {
    for (const { options: all } of cases) {
      const network = await create();
      const run = await whole(all);
      const stop = ({ epoch }: EpochReport): void => {
        if (epoch === run.history.epochs.length) throw new Error("mine");
      };
      await expect(network.fit(inputs, classes, { ...all, onEpoch: stop })).rejects.toThrow("mine");
      const { epochs, bestEpoch, stopped } = await network.fit(inputs, classes, { ...all, resume: true });
      expect([epochs, bestEpoch, stopped]).toEqual([[], run.history.bestEpoch, run.history.stopped]);
      expect(network.save()).toEqual(run.bytes);
    }
  });

  test("says 'completed' of a fit whose last epoch would have stopped it early too", async () => {
    const all: FitOptions = { ...cases[1].options, earlyStopping: { patience: 1, minDelta: 100 }, epochs: 2 };
    const { history } = await whole(all);
    expect(history.stopped).toBe("completed");
    const network = await create();
    await expect(network.fit(inputs, classes, { ...all, onEpoch: ({ epoch }) => { if (epoch === 2) throw new Error("mine"); } })).rejects.toThrow("mine");
    expect((await network.fit(inputs, classes, { ...all, resume: true })).stopped).toBe("completed");
  });

  test("false, and trainBatch, drop the record; a new fit starts a new epoch", async () => {
    const record = '\\"unfinished\\"';
    for (const next of [(network: Network) => network.fit(inputs, classes, options), (network: Network) => network.trainBatch(inputs, classes), (network: Network) => network.resetOptimizer()]) {
      const network = await create();
      expect(Buffer.from(await interrupted(network, options, 2)).includes(record)).toBe(true);
      await next(network);
      expect(Buffer.from(network.save()).includes(record)).toBe(false);
      await expect(network.fit(inputs, classes, { ...options, resume: true })).rejects.toThrow(/the network has none/);
    }
    const network = await create();
    await interrupted(network, options, 2);
    const { epochs } = await network.fit(inputs, classes, options);
    expect(epochs[0].epoch).toBe(1);
  });
});
