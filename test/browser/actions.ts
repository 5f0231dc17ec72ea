// What the tests have done in a page, or in a worker of it, each by its name: parameters and results are JSON. The library is the
// built ES module, as a server gives it.

import type * as Library from "../../src/index.js";
import { runAll } from "./experiments.js";
import type { Outcome } from "./experiments.js";

/** What the page tells trainer.ts to do. */
export interface Order {
  /** A key of actions. */
  readonly name: string;
  readonly parameters: unknown[];
}

/** What became of a fit whose number of threads was asked for. */
export interface Shared {
  readonly bytes: string;
  /** Whether the network is on shared memory afterwards. */
  readonly shared: boolean;
  /** Web workers that were started for it, and their addresses without what is random in those. */
  readonly started: string[];
  readonly threads: Library.Network["threads"];
}

const load = (): Promise<typeof Library> => import(/* @vite-ignore */ "/dist/index.js" as string);

async function sha256(bytes: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new Uint8Array(bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** `count` samples that look random, in [−1, 1), and a class of five for each. */
function samples(count: number, width: number): { inputs: Float32Array; classes: number[] } {
  const inputs = Float32Array.from({ length: count * width }, (_, i) => Math.fround(((i * 7919) % 2001) / 1000 - 1));
  return { inputs, classes: Array.from({ length: count }, (_, i) => i % 5) };
}

const addresses: string[] = [];

/** From now on the addresses of new workers are written down. */
function watchWorkers(): void {
  if (addresses.length > 0 || globalThis.Worker.name === "Watched") return;
  globalThis.Worker = class Watched extends globalThis.Worker {
    constructor(url: string | URL, options?: WorkerOptions) {
      super(url, options);
      addresses.push(String(url).startsWith("blob:") ? "blob" : new URL(url, location.href).pathname);
    }
  };
}

async function share(threads: number | "auto"): Promise<Shared> {
  watchWorkers();
  const before = addresses.length;
  const { dense, Network } = await load();
  const { inputs, classes } = samples(200, 20);
  const network = await Network.create({ inputs: 20, layers: [dense(67, "tanh"), dense(33, "relu"), dense(5, "softmax")], seed: 1 });
  await network.fit(inputs, classes, { epochs: 20, batchSize: 16, threads });
  const shared = !(network.layers[0].weights.buffer instanceof ArrayBuffer);
  return { bytes: await sha256(network.save()), shared, started: addresses.slice(before), threads: network.threads };
}

/** How an animation went: gaps between frames in ms, and what was trained meanwhile. */
export interface Animation {
  readonly frames: number;
  readonly milliseconds: number;
  readonly largestGap: number;
  readonly steps: number;
  readonly stepMs: number;
}

/** Counts frames until `work` resolves to the number of its steps. */
async function animate(work: () => Promise<number>): Promise<Animation> {
  const times: number[] = [];
  let going = true;
  const stopped = new Promise<void>((resolve) => {
    const frame = (): void => {
      times.push(performance.now());
      if (going) requestAnimationFrame(frame);
      else resolve();
    };
    requestAnimationFrame(frame);
  });
  await new Promise((resolve) => setTimeout(resolve, 100));
  const started = performance.now();
  const steps = await work();
  const milliseconds = performance.now() - started;
  going = false;
  await stopped;
  const gaps = times.slice(1).map((time, i) => time - times[i]);
  return { frames: times.length, milliseconds, largestGap: Math.max(...gaps), steps, stepMs: milliseconds / steps };
}

/** A fit that goes on until the page is left, or `stop` is called. */
let running: { epochs: number; outcome: Promise<unknown>; readonly stop: AbortController } | undefined;

async function freshNetwork(): Promise<Library.Network> {
  const { dense, Network } = await load();
  return Network.create({ inputs: 20, layers: [dense(24, "gelu"), dense(5, "softmax")], seed: 5 });
}

async function trainedNetwork(options: Library.FitOptions = {}): Promise<Library.Network> {
  const network = await freshNetwork();
  const { inputs, classes } = samples(200, 20);
  await network.fit(inputs, classes, { epochs: 6, batchSize: 16, threads: 1, ...options });
  return network;
}

export const actions = {
  /** All trainings of experiments.ts. */
  async bytes(threads?: number): Promise<Outcome[]> {
    const response = await fetch("/examples/data/iris.csv");
    return runAll(await load(), await response.text(), threads);
  },

  share,

  /** The same action in a worker of the page, which has the library of its own. */
  async inWorker(name: string, ...parameters: unknown[]): Promise<unknown> {
    const worker = new Worker("/test/browser/trainer.js", { type: "module" });
    try {
      return await new Promise((resolve, reject) => {
        worker.onmessage = ({ data: { value, error } }) => (error === undefined ? resolve(value) : reject(new Error(error)));
        worker.onerror = ({ message }) => reject(new Error(message || "the worker's script could not be loaded"));
        const bytes = parameters.filter((parameter) => parameter instanceof Uint8Array);
        worker.postMessage({ name, parameters } satisfies Order, bytes.map(({ buffer }) => buffer as ArrayBuffer));
      });
    } finally {
      worker.terminate();
    }
  },

  /** Where this runs. */
  async place(): Promise<{ isolated: boolean; hardware: number; page: boolean }> {
    return { isolated: crossOriginIsolated, hardware: navigator.hardwareConcurrency, page: typeof document === "object" };
  },

  /** A fit with a worker of a user's factory, and how many that made. */
  async byFactory(url: string, threads: number): Promise<{ made: number; outcome: Shared | string }> {
    const { configure } = await load();
    let made = 0;
    configure({
      worker: () => {
        made++;
        return new Worker(url, { type: "module" });
      },
    });
    try {
      const outcome = await share(threads).catch((error: Error) => error.message);
      return { made, outcome };
    } finally {
      configure({});
    }
  },

  /** Frames while a network trains for about `milliseconds` on this thread. */
  async train(shape: number[], options: Library.FitOptions, milliseconds: number, count = 2000, nested = false): Promise<Animation> {
    const { dense, Network } = await load();
    const [width, ...units] = shape;
    const { inputs: flat, classes } = samples(count, width);
    const inputs = nested ? Array.from({ length: count }, (_, i) => Array.from(flat.subarray(i * width, (i + 1) * width))) : flat;
    const network = await Network.create({ inputs: width, layers: [...units.map((size) => dense(size, "relu")), dense(5, "softmax")], seed: 1 });
    return animate(async () => {
      const started = performance.now();
      const { epochs } = await network.fit(inputs, classes, { epochs: 1_000_000, ...options, onEpoch: () => (performance.now() - started < milliseconds ? undefined : false) });
      return epochs.length * Math.ceil(count / (options.batchSize ?? 32));
    });
  },

  /** A fit that is interrupted, handed over as a file, finished in a worker and handed back; and the same fit without all that. */
  async handOver(): Promise<{ whole: string; handed: string; epochs: number; emptied: boolean; reason: string }> {
    const { Network } = await load();
    const stop = new AbortController();
    const whole = await sha256((await trainedNetwork()).save());
    const half = await freshNetwork();
    const { inputs, classes } = samples(200, 20);
    const onBatch = ({ epoch, step }: Library.BatchReport): void => {
      if (epoch === 3 && step === 4) stop.abort(new Error("handed over"));
    };
    const reason = await half.fit(inputs, classes, { epochs: 6, batchSize: 16, threads: 1, onBatch, signal: stop.signal }).then(() => "none", (error: Error) => error.message);
    const file = half.save();
    const { bytes, epochs } = (await actions.inWorker("finish", file)) as { bytes: Uint8Array; epochs: number };
    return { whole, handed: await sha256((await Network.load(bytes)).save()), epochs, emptied: file.byteLength === 0, reason };
  },

  /** Finishes the fit of `handOver`. */
  async finish(file: Uint8Array): Promise<{ bytes: Uint8Array; epochs: number }> {
    const network = await (await load()).Network.load(file);
    const { inputs, classes } = samples(200, 20);
    const { epochs } = await network.fit(inputs, classes, { epochs: 6, batchSize: 16, threads: 1, resume: true });
    return { bytes: network.save(), epochs: epochs.length };
  },

  /** Two networks that train at once, and a second fit of one while it trains. */
  async together(threads: number): Promise<{ alone: string; both: string[]; refused: string }> {
    const alone = await sha256((await trainedNetwork({ threads: 1, epochs: 60 })).save());
    const both = await Promise.all([trainedNetwork({ threads, epochs: 60 }), trainedNetwork({ threads, epochs: 60 })]);
    const hashes = await Promise.all(both.map((network) => sha256(network.save())));
    const { inputs, classes } = samples(200, 20);
    const first = both[0].fit(inputs, classes, { epochs: 1, threads });
    const refused = await both[0].fit(inputs, classes).then(() => "none", (error: Error) => error.message);
    await first;
    return { alone, both: hashes, refused };
  },

  /** What a network says during a fit, after its abort, and after dispose. */
  async abort(threads: number): Promise<{ during: string; aborted: string; predictions: number; again: number; after: string }> {
    const { dense, Network } = await load();
    const { inputs, classes } = samples(400, 20);
    const network = await Network.create({ inputs: 20, layers: [dense(32, "tanh"), dense(5, "softmax")], seed: 2 });
    const stop = new AbortController();
    const fit = network.fit(inputs, classes, { epochs: 1_000_000, threads, signal: stop.signal }).then(() => "none", (error: Error) => error.message);
    await new Promise((resolve) => setTimeout(resolve, 60));
    const said = (work: () => unknown): string => {
      try {
        work();
        return "none";
      } catch (error) {
        return (error as Error).message;
      }
    };
    const during = said(() => network.dispose());
    stop.abort(new Error("enough of it"));
    const aborted = await fit;
    const predictions = network.predict(inputs).length;
    const again = (await network.fit(inputs, classes, { epochs: 2, threads })).epochs.length;
    network.dispose();
    return { during, aborted, predictions, again, after: said(() => network.predict(inputs)) };
  },

  /** Begins to train and does not wait for it. */
  async begin(threads: number): Promise<boolean> {
    const { dense, Network } = await load();
    const { inputs, classes } = samples(400, 20);
    const network = await Network.create({ inputs: 20, layers: [dense(64, "relu"), dense(5, "softmax")], seed: 2 });
    const stop = new AbortController();
    const mine: NonNullable<typeof running> = { epochs: 0, stop, outcome: Promise.resolve() };
    mine.outcome = network.fit(inputs, classes, { epochs: 100_000_000, threads, signal: stop.signal, onEpoch: () => void mine.epochs++ }).catch((error: Error) => error.message);
    running = mine;
    return true;
  },

  /** Epochs of what has begun, and whether the page is seen. */
  async progress(): Promise<{ epochs: number; visibility: string }> {
    return { epochs: running?.epochs ?? 0, visibility: document.visibilityState };
  },

  async stop(): Promise<unknown> {
    running?.stop.abort(new Error("stopped"));
    return running?.outcome;
  },

  /** Two fits of one network with steps of about 2·inputs·units·6·batch operations. */
  async longSteps(units: number, batchSize: number, steps: number): Promise<boolean> {
    const { dense, Network } = await load();
    const { inputs, classes } = samples(batchSize, units);
    const network = await Network.create({ inputs: units, layers: [dense(units, "relu"), dense(units, "relu"), dense(5, "softmax")], seed: 1 });
    for (let fit = 0; fit < 2; fit++) await network.fit(inputs, classes, { epochs: steps, batchSize, threads: 1 });
    return true;
  },

  /**
   * Frames while this thread computes by itself, 12 ms of the processor's time after each frame: what a page that behaves gets here
   * and now, where others use the machine too.
   */
  async behave(milliseconds: number): Promise<Animation> {
    const compute = (rounds: number): number => {
      let sum = 1;
      for (let i = 0; i < rounds; i++) sum = sum * 0.999 + i;
      return sum;
    };
    const roundsAMs = Math.max(...Array.from({ length: 20 }, () => {
      const started = performance.now();
      if (!(compute(200_000) > 0)) throw new Error("the sum is lost");
      return 200_000 / (performance.now() - started);
    }));
    return animate(async () => {
      const started = performance.now();
      let steps = 0;
      while (performance.now() - started < milliseconds) {
        if (!(compute(12 * roundsAMs) > 0)) throw new Error("the sum is lost");
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
        steps++;
      }
      return steps;
    });
  },

  /** Frames while nothing is done, or while the page is held up for `block` ms. */
  async idle(milliseconds: number, block = 0): Promise<Animation> {
    return animate(async () => {
      await new Promise((resolve) => setTimeout(resolve, milliseconds / 2));
      const started = performance.now();
      while (performance.now() - started < block);
      await new Promise((resolve) => setTimeout(resolve, milliseconds / 2));
      return 1;
    });
  },
};
