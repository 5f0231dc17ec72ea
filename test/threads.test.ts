// Threads: the bytes of one for any number of them, whatever is trained and wherever it is interrupted; workers that fail; a
// script that ends by itself; a memory that is what the plan says.
//
// Delays come from the test: workers of a factory that the test gives run the library's own script after a wait of its own,
// and more threads than the machine has cores put each other aside at any point.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { Control, INSTRUCTION_WORDS, JOB_SHARES, STEP_WORDS } from "../assembly/codes.js";
import { workerScript } from "../build/core-facts.js";
import { configure, crossEntropy, dense, huber, nadam, Network, prelu, rmsprop, sgd } from "../src/index.js";
import type { EpochReport, FitOptions, LayerSpec } from "../src/index.js";

const execute = promisify(execFile);

/** The library and what a worker runs, bundled as the build does it, in a folder of their own. */
let folder = "";
const source = (path: string): string => fileURLToPath(new URL(`../${path}`, import.meta.url));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rosenblatt-threads-"));
  const options = { bundle: true, format: "esm", platform: "neutral", logLevel: "silent" } as const;
  await build({ ...options, entryPoints: { index: source("src/index.ts"), worker: source("src/engine/worker.ts") }, outdir: folder, outExtension: { ".js": ".mjs" } });
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

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

afterEach(() => {
  configure({});
  vi.useRealTimers();
});

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
  }, 120_000);
});

/** A worker that runs the library's script with other code around it. */
const worker = (before: string, workerData?: unknown): Worker => new Worker(`${before}\n${workerScript}`, { eval: true, workerData });

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

/**
 * A worker's code that joins by hand and then does that. What it may use: `take()` waits until it has claimed share 1 of some group in
 * a job that it has not claimed in before, `share()` computes that share and reports it, `untilTold()` sleeps until the test says `tell`.
 */
const memberThat = (acts: string): string => `
  const whole = WebAssembly.Instance;
  WebAssembly.Instance = function (module, imports) {
    const { exports } = new whole(module, imports);
    const serve = (control, engagement) => {
      const words = new Int32Array(imports.env.memory.buffer);
      const load = (index) => Atomics.load(words, index);
      const at = (offset) => load((control + offset) / 4);
      if (Atomics.add(words, (control + ${Control.members}) / 4, 1) !== engagement) throw new Error("the test expects one worker");
      const [tape, count, steps, line] = [${Control.tape}, ${Control.count}, ${Control.steps}, ${Control.shares}].map(at);
      const op = (place) => words[tape / 4 + (place % count) * ${INSTRUCTION_WORDS}];
      const ends = (place, length) => place + 1 === length * count || !exports.follows(op(place + 1), op(place));
      let job = 0, length = 0, groups = 0, base, position;
      const take = () => {
        for (let last = job; ; ) {
          job = at(${Control.job});
          base = at(${Control.position});
          position = load(line / 4 + 17);
          const steps = at(${Control.lastStep});
          // the numbers belong to the job if it is still the one that is open; a position within it comes but once
          if (job === last || (job & ${JOB_SHARES}) !== 2 || at(${Control.job}) !== job) continue;
          if (steps !== length) {
            length = steps;
            groups = 0;
            for (let place = 0; place < length * count; place++) groups += ends(place, length) ? 1 : 0;
          }
          if (position - base < 0 || position - base >= groups) continue;
          if (Atomics.compareExchange(words, line / 4 + 16, position, position + 1) === position) return;
        }
      };
      const share = () => {
        // all shares of the group before must be done
        while (load(line / 4 + 1) - position < 0);
        for (let place = 0, group = 0; group <= position - base; place++) {
          if (group === position - base) exports.execute(tape + (place % count) * ${4 * INSTRUCTION_WORDS}, steps + Math.floor(place / count) * ${8 * STEP_WORDS}, 1, 2, at(${Control.panel}) + at(${Control.panelBytes}));
          if (ends(place, length)) group++;
        }
        Atomics.store(words, line / 4 + 17, position + 1);
        Atomics.notify(words, line / 4 + 17);
      };
      const told = require("node:worker_threads").workerData;
      const untilTold = () => {
        const times = Atomics.add(told, 1, 1) + 1;
        while (Atomics.load(told, 0) < times) if (Atomics.wait(told, 0, times - 1, 5000) === "timed-out") throw new Error("nobody has said anything");
      };
      ${acts}
    };
    return { exports: { ...exports, serve } };
  };
`;

/** How often a member has been told to go on, and how often it has asked. */
const conversation = (): Int32Array<SharedArrayBuffer> => new Int32Array(new SharedArrayBuffer(8));

/** Tells a member to go on. Whether it has waited for that. */
function tell(told: Int32Array<SharedArrayBuffer>): boolean {
  const asked = Atomics.load(told, 1);
  if (Atomics.exchange(told, 0, asked) === asked) return false;
  Atomics.notify(told, 0);
  return true;
}

describe("a worker that fails", () => {
  /** Ends when the worker fails. */
  const training: Trained = { ...trainings[1], options: { ...trainings[1].options, epochs: 10_000_000 } };
  const isAt = (state: string, bytes: string): void => expect(bytes).toBe(state);

  /** Fits with such workers: the error, after which the network is as it was at the end of an epoch, and the next fit works. */
  async function failure(factory: () => Worker, threads = 3): Promise<Error> {
    configure({ worker: factory });
    const network = await Network.create({ inputs: training.inputs, layers: training.layers(), seed: 4 });
    const targets = Array.from({ length: training.samples }, (_, i) => (i * 7) % 7);
    let state = hash(network.save({ optimizer: false }));
    const error = await network.fit(numbers(training.samples * training.inputs), targets, {
      ...training.options, threads, onEpoch: () => void (state = hash(network.save({ optimizer: false }))),
    }).then(() => undefined, (reason: Error) => reason);
    if (error === undefined) throw new Error("the fit did not fail");
    isAt(state, hash(network.save({ optimizer: false })));
    configure({});
    const alone = await Network.load(network.save());
    await alone.fit(numbers(training.samples * training.inputs), targets, { ...trainings[1].options, threads: 1 });
    await network.fit(numbers(training.samples * training.inputs), targets, { ...trainings[1].options, threads });
    expect(hash(network.save())).toBe(hash(alone.save()));
    return error;
  }

  test("when it starts rejects the fit with its message and stack", async () => {
    const error = await failure(() => worker(`throw new TypeError("no such thing");`));
    expect(error.message).toMatch(/^fit: a worker failed \(no such thing\)\. /);
    expect((error.cause as Error).name).toBe("TypeError");
    expect((error.cause as Error).stack).toContain("no such thing");
  });

  test("because the factory throws rejects the fit with what was thrown", async () => {
    const boom = new Error("none today");
    const error = await failure(() => {
      throw boom;
    });
    expect(error.message).toMatch(/^fit: a worker could not be started \(none today\)\. /);
    expect(error.cause).toBe(boom);
  });

  test("when it instantiates, or plays, rejects the fit with its message and stack", async () => {
    const instantiating = await failure(() => worker(`WebAssembly.Instance = function () { throw new RangeError("no room"); };`));
    expect(instantiating.message).toContain("no room");
    expect((instantiating.cause as Error).name).toBe("RangeError");
    // a tape that the worker alone sees as broken: its module traps in the first share
    const playing = await failure(() => worker(`
      const whole = WebAssembly.Instance;
      WebAssembly.Instance = function (module, imports) {
        const { exports } = new whole(module, imports);
        return { exports: { endTeam: exports.endTeam, serve: (control, engagement) => {
          const words = new Int32Array(imports.env.memory.buffer, control);
          Atomics.add(words, 32, 1);
          exports.execute(0, 0, 0, 1, 0);
        } } };
      };
    `));
    expect(playing.message).toMatch(/unreachable/);
    expect((playing.cause as Error).name).toBe("RuntimeError");
    expect((playing.cause as Error).stack).toMatch(/wasm/);
  });

  test("by leaving the process rejects the fit", async () => {
    // in a job that does not begin at position 0, where lines that were never set would look as if they were
    const error = await failure(() => worker(memberThat("take(); share(); take(); process.exit(7);")), 2);
    expect(error.message).toMatch(/^fit: a worker failed \(the worker exited with code 7\)\. /);
  });

  test("in the middle of a share ends the fit too, and nothing may be computed before", async () => {
    const told = conversation();
    configure({ worker: () => worker(memberThat("take(); untilTold(); process.exit(7);"), told) });
    const network = await Network.create({ inputs: training.inputs, layers: training.layers(), seed: 4 });
    const targets = Array.from({ length: training.samples }, (_, k) => (k * 7) % 7);
    const refused = new Set<string>();
    const timer = setInterval(() => {
      for (const look of [() => network.predict(numbers(13)), () => network.save(), () => network.layers[0].weights, () => network.evaluate(numbers(13), [1])]) {
        try {
          look();
        } catch (error) {
          refused.add((error as Error).message);
        }
      }
      if (refused.size > 0) tell(told);
    }, 10);
    await expect(network.fit(numbers(training.samples * training.inputs), targets, { ...training.options, threads: 2 })).rejects.toThrow("exited with code 7");
    clearInterval(timer);
    const rule = "expected a network at the end of a step, got one whose fit waits for a thread in the middle. Try again in a moment, or after the fit";
    expect([...refused].sort()).toEqual(["evaluate", "layers[0]", "predict", "save"].map((name) => `${name}: ${rule}`));
    expect(network.predict(numbers(13)).length).toBe(7);
  });

  test("no more than takes long, again and again, changes no byte", async () => {
    const told = conversation();
    const times = 6;
    configure({ worker: () => worker(memberThat(`for (let i = 0; i < ${times}; i++) { take(); untilTold(); share(); }`), told) });
    let network: Network | undefined;
    let waits = 0;
    // between two plays a network that is being trained predicts; in the middle of one it refuses
    const timer = setInterval(() => {
      try {
        network?.predict(numbers(13));
      } catch {
        if (tell(told)) waits++;
      }
    }, 10);
    const { inputs, samples, layers, options } = trainings[1];
    const targets = Array.from({ length: samples }, (_, i) => (i * 7) % 7);
    const run = async (threads: number, more: FitOptions): Promise<EpochReport[]> => {
      network = await Network.create({ inputs, layers: layers(), seed: 4 });
      return [...(await network.fit(numbers(samples * inputs), targets, { ...options, ...more, threads })).epochs];
    };
    const slow = await run(2, { epochs: 10_000_000, onEpoch: () => (waits < times ? undefined : false) });
    clearInterval(timer);
    expect(waits).toBe(times);
    const bytes = hash(network!.save());
    expect(asJSON(slow)).toEqual(asJSON(await run(1, { epochs: slow.length })));
    expect(bytes).toBe(hash(network!.save()));
  });

  test("no more than takes long, again and again, leaves the event loop its turns", async () => {
    const told = conversation();
    const times = 6;
    configure({ worker: () => worker(memberThat(`for (let i = 0; i < ${times}; i++) { take(); untilTold(); share(); }`), told) });
    // shares that take long enough for the member to claim one in each play
    const network = await Network.create({ inputs: 300, layers: [dense(256), dense(256), dense(7)], seed: 4 });
    let [waits, longest, last] = [0, 0, Infinity];
    const timer = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      try {
        network.predict(numbers(300));
      } catch {
        if (tell(told)) waits++;
      }
    }, 10);
    await network.fit(numbers(171 * 300), numbers(171 * 7), { batchSize: 64, epochs: 10_000_000, threads: 2, onEpoch: () => (waits < times ? undefined : false) });
    clearInterval(timer);
    expect(waits).toBe(times);
    // a quarter of a second each, not longer from time to time
    expect(longest).toBeLessThan(1000);
  });

  test("that is no worker, or one in use, or that talks nonsense, rejects the fit in words", async () => {
    for (const [given, what] of [
      [() => undefined, "undefined"], [() => null, "null"], [() => ({}), "an object"], [() => Promise.reject(new Error("late")), "a Promise"],
    ] as const) {
      const error = await failure(given as never, 2);
      expect(error.message).toMatch(/^fit: a worker could not be started \(configure: worker: expected a function that returns a Worker, got /);
      expect(error.cause, what).toBeInstanceOf(TypeError);
    }
    const one = worker(memberThat("share();"));
    expect((await failure(() => one, 3)).message).toContain("expected a new Worker of each call, got one that is in use");
    for (const nonsense of ["null", "7", "{}", "{ id: 1, error: null }"]) {
      const error = await failure(() => new Worker(`require("node:worker_threads").parentPort.postMessage(${nonsense}); setInterval(() => undefined, 1000)`, { eval: true }), 2);
      expect(error.message, nonsense).toContain("a worker failed (it sent a message that is not of rosenblatt/worker)");
    }
  });

  test("that does not answer does not keep an abort from being heard", async () => {
    configure({ worker: () => new Worker("setInterval(() => undefined, 1000)", { eval: true }) });
    const network = await Network.create({ inputs: training.inputs, layers: training.layers(), seed: 4 });
    const before = network.save();
    const controller = new AbortController();
    const reason = new Error("enough");
    const started = performance.now();
    setTimeout(() => controller.abort(reason), 100);
    const targets = Array.from({ length: training.samples }, (_, k) => (k * 7) % 7);
    await expect(network.fit(numbers(training.samples * training.inputs), targets, { ...training.options, threads: 2, signal: controller.signal })).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(5_000);
    expect(network.layers[0].weights).toEqual((await Network.load(before)).layers[0].weights);
  });

  test("by never answering rejects the fit after ten seconds, with advice", async () => {
    const started = performance.now();
    const error = await failure(() => new Worker("setInterval(() => undefined, 1000)", { eval: true }), 2);
    expect(error.message).toMatch(/^fit: expected an answer of each worker within 10 seconds, got none\. Correct the factory/);
    expect(performance.now() - started).toBeGreaterThan(9_000);
  }, 30_000);

  test("by answering without joining rejects the fit after ten seconds, and is not asked again", async () => {
    let made = 0;
    configure({
      worker: () => {
        if (made++ > 0) return worker("");
        const idle = worker("WebAssembly.Instance = function () { return { exports: { serve() { Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0); } } }; };");
        // ten seconds pass once the library has heard the answer
        return idle.on("message", () => setImmediate(() => vi.advanceTimersByTime(10_000)));
      },
    });
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    await expect(train(trainings[0], 2)).rejects.toThrow(/^fit: expected an answer of each worker within 10 seconds, got none\. /);
    vi.useRealTimers();
    expect((await train(trainings[0], 2)).bytes).toBe((await train(trainings[0], 1)).bytes);
    expect(made).toBe(2);
  });

  test("terminated at any moment ends the fit at once: as it ends alone, or with the cause", async () => {
    const whole = await train(trainings[1], 1, { epochs: 60 });
    let failed = 0;
    for (let i = 0; i < 50; i++) {
      const started: Worker[] = [];
      configure({
        worker: () => {
          started.push(worker(""));
          return started.at(-1)!;
        },
      });
      const network = await Network.create({ inputs: training.inputs, layers: training.layers(), seed: 4 });
      const targets = Array.from({ length: training.samples }, (_, k) => (k * 7) % 7);
      const terminate = (): void => void (started[i % 2]?.terminate() ?? setTimeout(terminate, 1));
      setTimeout(terminate, (i * 7) % 60);
      // every other fit ends in no other way
      const options = { ...training.options, epochs: i % 4 < 2 ? 60 : training.options.epochs, threads: 3 };
      try {
        await network.fit(numbers(training.samples * training.inputs), targets, options);
        expect(hash(network.save())).toBe(whole.bytes);
      } catch (error) {
        failed++;
        expect((error as Error).message).toMatch(/^fit: a worker failed \(the worker exited with code [01]\)\. /);
        expect((error as Error).cause).toBeInstanceOf(Error);
        expect(network.layers[0].weights.every(Number.isFinite)).toBe(true);
      }
    }
    expect(failed).toBeGreaterThanOrEqual(24);
  }, 60_000);

  test("when all is done does not hold the fit up", async () => {
    const started: Worker[] = [];
    configure({
      worker: () => {
        started.push(worker(""));
        return started.at(-1)!;
      },
    });
    let ended = 0;
    const { bytes } = await train(trainings[0], 3, {
      onEpoch: ({ epoch }) => {
        if (epoch < trainings[0].options.epochs!) return;
        ended = performance.now();
        void started[1].terminate();
      },
    });
    // a member may take a second to leave; that this one never will is known at once
    expect(performance.now() - ended).toBeLessThan(900);
    expect(bytes).toBe((await train(trainings[0], 1)).bytes);
  });

  test("ends its own fit alone, of two at once", async () => {
    const one = await train(trainings[0], 1, { epochs: 20 });
    const told = conversation();
    let made = 0;
    configure({ worker: () => (made++ === 0 ? worker(memberThat("untilTold(); take(); process.exit(7);"), told) : worker("")) });
    let other: Promise<{ readonly bytes: string }> | undefined;
    const timer = setInterval(() => made === 3 && tell(told), 1);
    const failing = train(training, 2, { onEpoch: () => void (other ??= train(trainings[0], 3, { epochs: 20 })) });
    await expect(failing).rejects.toThrow("exited with code 7");
    clearInterval(timer);
    expect((await other!).bytes).toBe(one.bytes);
  });
});

describe("a script that has finished", () => {
  const script = `
    import { Network, dense } from "./index.mjs";
    const inputs = Float32Array.from({ length: 2000 * 100 }, (_, i) => Math.sin(i));
    const classes = Array.from({ length: 2000 }, (_, i) => i % 10);
    const network = await Network.create({ inputs: 100, layers: [dense(200, "relu"), dense(10, "softmax")], seed: 1 });
    let epochs = 0;
    for (const threads of [2, "auto", 4]) await network.fit(inputs, classes, { epochs: 6, threads, onEpoch: async () => { epochs++; await new Promise((resolve) => setTimeout(resolve, 3)); } });
    console.log(epochs, network.predict(inputs.subarray(0, 100)).length);
  `;

  test("exits by itself, and an awaited fit is never cut off", async () => {
    const { stdout, stderr } = await execute(process.execPath, ["--input-type=module", "--eval", script], { cwd: folder, timeout: 20_000 });
    expect(stdout).toBe("18 10\n");
    expect(stderr).toBe("");
  });

  test("exits by itself after fits whose workers fail at the start, do not start, or fall asleep for good while another ends", async () => {
    const failing = `
      import { Worker } from "node:worker_threads";
      import { Network, configure, dense } from "./index.mjs";
      const inputs = Float32Array.from({ length: 100 * 20 }, (_, i) => Math.sin(i));
      const classes = Array.from({ length: 100 }, (_, i) => i % 10);
      const joins = (then) => ${JSON.stringify(`const { parentPort } = process.getBuiltinModule("node:worker_threads");
        parentPort.on("message", ({ id, memory, control }) => {
          parentPort.postMessage({ id });
          Atomics.add(new Int32Array(memory.buffer, control), ${Control.members / 4}, 1);
          `)} + then + " });";
      const asleep = joins("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);");
      for (const codes of [["throw new Error('one');"], ["process.exit(2);"], [], [asleep, joins("setTimeout(() => process.exit(4), 100);")]]) {
        const network = await Network.create({ inputs: 20, layers: [dense(30, "relu"), dense(10, "softmax")], seed: 1 });
        configure({ worker: () => {
          if (codes.length === 0) throw new Error("three");
          return new Worker(codes.shift(), { eval: true });
        } });
        const threads = codes.length === 2 ? 3 : 2;
        await network.fit(inputs, classes, { epochs: 10_000_000, threads }).catch(({ message }) => console.log(message.split(". ")[0]));
      }
    `;
    const { stdout, stderr } = await execute(process.execPath, ["--input-type=module", "--eval", failing], { cwd: folder, timeout: 20_000 });
    const failed = ["failed (one)", "failed (the worker exited with code 2)", "could not be started (three)", "failed (the worker exited with code 4)"];
    expect(stdout.trim().split("\n")).toEqual(failed.map((how) => `fit: a worker ${how}`));
    expect(stderr).toBe("");
  });
});

describe("configure", () => {
  test("refuses what is no factory, and options that are none", () => {
    expect(() => configure({ worker: 1 } as never)).toThrow("configure: worker: expected a function that returns a Worker, got 1");
    expect(() => configure({ workers: () => undefined } as never)).toThrow(/configure: .*workers.*worker/);
  });

  test("runs the package's worker", async () => {
    let made = 0;
    configure({
      worker: () => {
        made++;
        return new Worker(join(folder, "worker.mjs"));
      },
    });
    expect((await train(trainings[0], 3)).bytes).toBe((await train(trainings[0], 1)).bytes);
    expect(made).toBe(2);
  });
});
