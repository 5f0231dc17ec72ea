// fit from a source of chunks: the bytes of the samples in one array, whatever the chunks; bounded, closed, and resumed.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adam, crossEntropy, dense, nadam, Network, prelu, sgd } from "../src/index.js";
import type { BatchReport, Chunk, ChunkSource, FitOptions, History, Metric } from "../src/index.js";

const SAMPLES = 83;
const OUTPUTS = 3;

/** Numbers that look random and are the same everywhere: Park and Miller's generator, in (−1, 1). */
function numbers(count: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  });
}

const inputs = numbers(SAMPLES * 4, 1);
const rows = Array.from({ length: SAMPLES }, (_, i) => [...inputs.subarray(4 * i, 4 * i + 4)]);
const classes = Array.from(numbers(SAMPLES, 2), (x) => Math.floor((x + 1) * 1.5));
const targetRows = numbers(SAMPLES * OUTPUTS, 3);
const sampleWeights = Float32Array.from({ length: SAMPLES }, (_, i) => (i < 11 ? 0 : (i % 3) + 0.5));
const validationData: [Float32Array, number[]] = [numbers(9 * 4, 4), Array.from(numbers(9, 5), (x) => Math.floor((x + 1) * 1.5))];

const classifier = (): Promise<Network> => Network.create({ inputs: 4, layers: [dense(7, prelu()), dense(OUTPUTS, "softmax")], seed: 5 });
const regression = (): Promise<Network> => Network.create({ inputs: 4, layers: [dense(6, "tanh"), dense(OUTPUTS)], seed: 6 });

/** Samples [begin, end) as a chunk of class indices. */
const classChunk = (begin: number, end: number): Chunk => ({ inputs: rows.slice(begin, end), targets: classes.slice(begin, end) });

/** Cuts 0 … SAMPLES at those places. */
function cut(places: readonly number[], chunk: (begin: number, end: number) => Chunk = classChunk): Chunk[] {
  const borders = [0, ...[...places].sort((a, b) => a - b), SAMPLES];
  return borders.slice(1).map((end, i) => chunk(borders[i], end));
}

const stream = (chunks: readonly Chunk[]): (() => AsyncIterable<Chunk>) => async function* () {
  yield* chunks;
};

/** A web stream of chunks. */
function readable(chunks: readonly Chunk[]): ReadableStream<Chunk> {
  return new ReadableStream<Chunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
}

const timeless = ({ epochs, ...history }: History) => ({ ...history, epochs: epochs.map(({ samplesPerSecond, ...report }) => report) });

/** Everything but the record of the data's size, which a finished fit has not. */
async function trained(create: () => Promise<Network>, ...call: [ChunkSource, FitOptions?] | [Float32Array | number[][], Float32Array | number[], FitOptions?]) {
  const network = await create();
  const history = await (network.fit as (...parameters: unknown[]) => Promise<History>)(...call);
  return { bytes: Buffer.from(network.save()).toString("base64"), history: timeless(history) };
}

const places = fc.array(fc.integer({ min: 0, max: SAMPLES }), { maxLength: 40 });

describe("a source gives the bytes and reports of the samples in one array", () => {
  test("for chunks of any sizes, empty ones among them, and any size of batches", async () => {
    let ran = 0;
    await fc.assert(fc.asyncProperty(places, fc.integer({ min: 1, max: 100 }), async (at, batchSize) => {
      const options: FitOptions = { epochs: 2, batchSize, shuffle: false, optimizer: adam({ learningRate: 0.02 }) };
      expect(await trained(classifier, stream(cut(at)), options)).toEqual(await trained(classifier, rows, classes, options));
      ran++;
    }), { numRuns: 40 });
    expect(ran).toBe(40);
  });

  const cases: { name: string; options: FitOptions; weighted?: boolean }[] = [
    { name: "label smoothing, class weights", options: { loss: crossEntropy({ labelSmoothing: 0.1 }), classWeights: [1, 2, 0.5] } },
    { name: "sample weights, a first batch without weight, clipping", options: { gradientClip: { norm: 0.1 } }, weighted: true },
    { name: "sample and class weights", options: { classWeights: [0.3, 1.7, 1] }, weighted: true },
    { name: "early stopping by validation data", options: { epochs: 20, validationData, earlyStopping: { patience: 2, monitor: "auc" }, metrics: ["accuracy", "f1"], optimizer: adam({ learningRate: 0.3 }) } },
    { name: "averages", options: { averageWeights: { decay: 0.8 }, validationData } },
    { name: "threads", options: { threads: 3 } },
  ];
  test.each(cases)("with $name", async ({ options: given, weighted = false }) => {
    const options: FitOptions = { epochs: 3, batchSize: 8, shuffle: false, ...given };
    const chunk = (begin: number, end: number): Chunk => ({ ...classChunk(begin, end), ...(weighted ? { sampleWeights: sampleWeights.subarray(begin, end) } : {}) });
    const streamed = await trained(classifier, stream(cut([5, 30, 31, 70], chunk)), options);
    const whole = await trained(classifier, rows, classes, { ...options, ...(weighted ? { sampleWeights } : {}) });
    // the area under the curve is measured on validation data alone
    for (const { metrics } of whole.history.epochs) delete metrics.auc;
    expect(streamed).toEqual(whole);
    expect(streamed.history.epochs.length).toBeGreaterThan(2);
  });

  test("with rows of targets, flat or nested, typed or not, chunk by chunk", async () => {
    const options: FitOptions = { epochs: 2, batchSize: 10, shuffle: false };
    let turn = 0;
    const chunk = (begin: number, end: number): Chunk => {
      const flat = targetRows.subarray(begin * OUTPUTS, end * OUTPUTS);
      turn++;
      return {
        inputs: turn % 2 === 0 ? inputs.subarray(begin * 4, end * 4) : rows.slice(begin, end),
        targets: turn % 3 === 0 ? flat : Array.from({ length: end - begin }, (_, i) => Float64Array.from(flat.subarray(i * OUTPUTS, (i + 1) * OUTPUTS))),
      };
    };
    const chunks = cut([7, 8, 20, 41, 60], chunk);
    expect(await trained(regression, stream(chunks), options)).toEqual(await trained(regression, inputs, targetRows, options));
  });

  test("with every metric that can be summed up", async () => {
    const metrics: Metric[] = ["accuracy", "precision", "recall", "f1", "meanAbsoluteError", "meanSquaredError", "rootMeanSquaredError", "r2"];
    const options: FitOptions = { epochs: 3, batchSize: 9, shuffle: false, metrics };
    for (const [create, source, data] of [
      [classifier, stream(cut([3, 50])), [rows, classes]],
      [regression, stream(cut([3, 50], (begin, end) => ({ inputs: rows.slice(begin, end), targets: targetRows.subarray(begin * 3, end * 3) }))), [rows, targetRows]],
      [() => Network.create({ inputs: 4, layers: [dense(1, "sigmoid")] }), stream(cut([60], (begin, end) => ({ inputs: rows.slice(begin, end), targets: classes.slice(begin, end).map((c) => (c > 1 ? 1 : 0)) }))), [rows, classes.map((c) => (c > 1 ? 1 : 0))]],
    ] as const) {
      const streamed = await trained(create, source, options);
      const whole = await trained(create, data[0] as number[][], data[1] as number[], options);
      whole.history.epochs.forEach((report, e) => {
        const { r2, ...others } = report.metrics;
        const { r2: summed, ...rest } = streamed.history.epochs[e].metrics;
        expect(rest).toEqual(others);
        expect(Math.abs(summed - r2)).toBeLessThan(1e-12);
        expect(Object.keys(streamed.history.epochs[e].metrics)).toEqual(metrics);
      });
      expect(streamed.bytes).toBe(whole.bytes);
    }
  });

  test("with more rows than the window holds", async () => {
    const width = 3000;
    const count = 900;
    const create = (): Promise<Network> => Network.create({ inputs: width, layers: [dense(1)] });
    const [data, targets] = [numbers(count * width, 8), numbers(count, 9)];
    const options: FitOptions = { batchSize: 32, shuffle: false };
    for (const size of [count, 500, 37]) {
      const source = function* (): Generator<Chunk> {
        for (let begin = 0; begin < count; begin += size) {
          const end = Math.min(begin + size, count);
          yield { inputs: data.subarray(begin * width, end * width), targets: targets.subarray(begin, end) };
        }
      };
      expect((await trained(create, source, options)).bytes).toBe((await trained(create, data, targets, options)).bytes);
    }
  });
});

/** As Safari has it. */
function plain(chunks: readonly Chunk[], cancelled?: () => void): ChunkSource {
  const waiting = [...chunks];
  const reader = {
    read: async () => (waiting.length > 0 ? { done: false, value: waiting.shift() } : { done: true, value: undefined }),
    cancel: async () => cancelled?.(),
  };
  return { getReader: () => reader } as unknown as ChunkSource;
}

describe("a source may be", () => {
  const options: FitOptions = { batchSize: 10, shuffle: false };
  const chunks = cut([20, 40]);
  const sources: Record<string, () => ChunkSource> = {
    "an async generator": () => stream(chunks)() as ChunkSource,
    "a function that returns one": () => stream(chunks),
    "a function that promises one": () => async () => stream(chunks)(),
    "a function that returns an array": () => () => chunks,
    "an array of chunks": () => chunks as unknown as ChunkSource,
    "a generator": () => chunks.values() as unknown as ChunkSource,
    "a ReadableStream": () => readable(chunks),
    "a ReadableStream that is not async iterable": () => plain(chunks),
    "an object that is iterated anew": () => ({ [Symbol.asyncIterator]: stream(chunks) as unknown as () => AsyncIterator<Chunk> }),
  };
  test.each(Object.keys(sources))("%s", async (name) => {
    expect((await trained(classifier, sources[name](), options)).bytes).toBe((await trained(classifier, rows, classes, options)).bytes);
  });

  test("a ReadableStream that is not async iterable is cancelled when fit leaves it, and not when it has ended", async () => {
    let cancelled = 0;
    await (await classifier()).fit(plain(chunks, () => cancelled++), options);
    expect(cancelled).toBe(0);
    const broken = { inputs: [[NaN, 0, 0, 0]], targets: [0] } as unknown as Chunk;
    await expect((await classifier()).fit(plain([chunks[0], broken, chunks[1]], () => cancelled++), options)).rejects.toThrow("chunks[1].inputs[0][0]: expected a finite number, got NaN");
    expect(cancelled).toBe(1);
  });

  test("read in batches that are larger than the window of 4 MB", async () => {
    const large: FitOptions = { batchSize: 150_000, shuffle: false, epochs: 2 };
    expect((await trained(classifier, () => stream(chunks)(), large)).bytes).toBe((await trained(classifier, rows, classes, large)).bytes);
  });

  test("a function that is called once an epoch, with its number", async () => {
    const called: number[] = [];
    const network = await classifier();
    await network.fit((epoch) => {
      called.push(epoch);
      return chunks;
    }, { epochs: 4 });
    expect(called).toEqual([1, 2, 3, 4]);
  });
});

describe("shuffle", () => {
  test("permutes within each chunk, in another order each epoch and chunk, by the seed", async () => {
    // one weight a sample: after a step of rate 1 from 0, the gradient says who was in the batch
    const orders = async (seed: number): Promise<number[]> => {
      const network = await Network.create({ inputs: 1, layers: [dense(1, { weightInit: "zeros", bias: false })], seed });
      const order: number[] = [];
      const chunk = (begin: number): Chunk => ({ inputs: new Float32Array(20).fill(1), targets: Float32Array.from({ length: 20 }, (_, i) => begin + i) });
      await network.fit(() => [chunk(0), chunk(20)], {
        epochs: 2, batchSize: 1, optimizer: sgd({ learningRate: 0.5 }),
        // the loss is (target − weight)², and the step sets the weight to the target
        onBatch: () => void order.push(Math.round(network.layers[0].weights[0])),
      });
      return order;
    };
    const order = await orders(1);
    const ascending = (from: number): number[] => Array.from({ length: 20 }, (_, i) => from + i);
    const parts = [0, 20, 40, 60].map((at) => order.slice(at, at + 20));
    parts.forEach((part, i) => {
      expect([...part].sort((a, b) => a - b)).toEqual(ascending(i % 2 === 0 ? 0 : 20));
      expect(part).not.toEqual(ascending(i % 2 === 0 ? 0 : 20));
    });
    const shapes = parts.map((part, i) => part.map((value) => value - (i % 2 === 0 ? 0 : 20)).join());
    expect(new Set(shapes).size).toBe(4);
    expect(await orders(1)).toEqual(order);
    expect(await orders(2)).not.toEqual(order);
  });

  test("gives the same bytes for the same chunks, with any number of threads", async () => {
    const options: FitOptions = { epochs: 3, batchSize: 8 };
    const first = await trained(classifier, stream(cut([30, 60])), options);
    expect(await trained(classifier, stream(cut([30, 60])), { ...options, threads: 3 })).toEqual(first);
    expect((await trained(classifier, stream(cut([30, 61])), options)).bytes).not.toBe(first.bytes);
  });
});

/** A source that counts: how many chunks were asked for, and whether it was closed. */
function counted(chunks: readonly unknown[]) {
  const seen = { asked: 0, closed: 0, opened: 0 };
  const source = (): AsyncIterable<Chunk> => {
    seen.opened++;
    let next = 0;
    return {
      [Symbol.asyncIterator]: () => ({
        next: async () => {
          seen.asked++;
          return next < chunks.length ? { done: false as const, value: chunks[next++] as Chunk } : { done: true as const, value: undefined };
        },
        return: async () => {
          seen.closed++;
          return { done: true as const, value: undefined };
        },
      }),
    };
  };
  return { seen, source };
}

describe("errors before the first step change nothing", () => {
  const cases: [name: string, source: unknown, options: Record<string, unknown>, kind: typeof Error, message: RegExp][] = [
    ["validationSplit", () => cut([]), { validationSplit: 0.1 }, RangeError, /^fit: validationSplit: expected samples that lie in memory, got a source of chunks\. Give validationData/],
    ["sampleWeights", () => cut([]), { sampleWeights: [1] }, RangeError, /^fit: sampleWeights: .*Give each chunk its sampleWeights/],
    ["balanced class weights", () => cut([]), { classWeights: "balanced" }, RangeError, /^fit: classWeights: .*'balanced' needs all samples/],
    ["class weights of another length", () => cut([]), { classWeights: [1] }, RangeError, /^fit: classWeights: expected 3 weights, got 1/],
    ["a one-shot generator for two epochs", stream(cut([]))(), { epochs: 2 }, RangeError, /^fit: source: expected a function that gives the chunks of each of 2 epochs, got an AsyncGenerator that can be read once/],
    ["a ReadableStream for two epochs", readable(cut([])), { epochs: 2 }, RangeError, /can be read once/],
    ["auc without validation data", () => cut([]), { metrics: ["auc"] }, RangeError, /^fit: metrics: .*got 'auc'\. Give validationData/],
    ["a monitored auc", () => cut([]), { earlyStopping: { patience: 1, monitor: "auc" } }, RangeError, /got 'auc'/],
    ["an unknown option", () => cut([]), { epoch: 2 }, TypeError, /Did you mean 'epochs'/],
    ["a function that returns nothing", () => undefined, {}, TypeError, /^fit: source\(\): the value returned: expected an async iterable of \{ inputs, targets \}, got undefined/],
    ["no chunk", () => [], {}, RangeError, /^fit: source: expected at least one sample, got none/],
    ["empty chunks alone", () => [{ inputs: [], targets: [] }], {}, RangeError, /expected at least one sample, got none/],
    ["a chunk that is an array", () => [[1, 2]], {}, TypeError, /^chunks\[0\]: expected \{ inputs, targets \}, got an array of 2/],
    ["a chunk without targets", () => [{ inputs: rows }], {}, TypeError, /^chunks\[0\]: expected \{ inputs, targets \}, got no targets/],
    ["a chunk with more", () => [{ ...classChunk(0, 3), weights: [1] }], {}, TypeError, /^chunks\[0\]: expected no options but .*got 'weights'/],
    ["a NaN in the first chunk", () => [{ inputs: [[1, 2, 3, NaN]], targets: [0] }], {}, RangeError, /^chunks\[0\]\.inputs\[0\]\[3\]: expected a finite number, got NaN/],
    ["a wrong width", () => [{ inputs: [[1, 2, 3]], targets: [0] }], {}, RangeError, /^chunks\[0\]\.inputs\[0\]: expected 4 numbers, got 3/],
    ["a class beyond", () => [{ inputs: [[1, 2, 3, 4]], targets: [3] }], {}, RangeError, /^chunks\[0\]\.targets\[0\]: expected a class index from 0 to 2, got 3/],
    ["weights of another length", () => [{ ...classChunk(0, 3), sampleWeights: [1, 2] }], {}, RangeError, /^chunks\[0\]\.sampleWeights: expected 3 weights, got 2/],
    ["a negative weight", () => [{ ...classChunk(0, 2), sampleWeights: [1, -2] }], {}, RangeError, /^chunks\[0\]\.sampleWeights\[1\]: .*got -2/],
    ["products of weights beyond f32", () => [{ ...classChunk(0, 2), sampleWeights: [1e30, 1e30] }], { classWeights: [1e30, 1e30, 1e30] }, RangeError, /^fit: classWeights: .* for sample 0 of chunk 0/],
    ["an error of the source", () => { throw new Error("mine"); }, {}, Error, /^mine$/],
    ["resume without a record", () => cut([]), { resume: true }, Error, /expected a fit that was interrupted/],
  ];
  test.each(cases)("%s", async (_, source, options, kind, message) => {
    const network = await classifier();
    const before = network.save();
    const error = await (network.fit as (...call: unknown[]) => Promise<unknown>)(source, options).then(() => undefined, (cause: unknown) => cause);
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(message);
    expect(network.save()).toEqual(before);
  });

  test("targets beside a source", async () => {
    const network = await classifier();
    await expect((network.fit as (...call: unknown[]) => Promise<unknown>)(() => cut([]), {}, {})).rejects.toThrow(/^fit: expected a source of chunks and options, got an object/);
  });

  test("a chunk that is refused closes the source", async () => {
    const { seen, source } = counted([{ inputs: [[NaN, 0, 0, 0]], targets: [0] }]);
    await expect((await classifier()).fit(source)).rejects.toThrow(/NaN/);
    expect(seen).toEqual({ asked: 1, closed: 1, opened: 1 });
  });
});

describe("a fit that ends early leaves the last finished step and closes the source", () => {
  const options: FitOptions = { epochs: 2, batchSize: 8, shuffle: false, optimizer: nadam({ learningRate: 0.02 }) };

  /** The bytes after the first `steps` steps. */
  async function after(steps: number): Promise<Uint8Array> {
    const network = await classifier();
    let step = 0;
    await network.fit(rows, classes, { ...options, onBatch: () => { if (++step === steps) throw new Error("enough"); } }).catch(() => undefined);
    return network.save({ optimizer: false });
  }

  test.each<[string, unknown, RegExp]>([
    ["a NaN", { inputs: [[NaN, 0, 0, 0]], targets: [0] }, /^chunks\[2\]\.inputs\[0\]\[0\]: .*NaN/],
    ["rows after class indices", { inputs: rows.slice(40, 42), targets: [[1, 0, 0], [0, 1, 0]] }, /^chunks\[2\]\.targets: expected class indices, as in the chunks before, got rows/],
    ["no chunk", 7, /^chunks\[2\]: expected \{ inputs, targets \}, got 7/],
  ])("for %s in the third chunk", async (_, bad, message) => {
    const { seen, source } = counted([classChunk(0, 21), classChunk(21, 40), bad]);
    const network = await classifier();
    let steps = 0;
    await expect(network.fit(source, { ...options, onBatch: () => void steps++ })).rejects.toThrow(message);
    expect(steps).toBe(5);
    expect(seen).toEqual({ asked: 3, closed: 1, opened: 1 });
    expect(network.save({ optimizer: false })).toEqual(await after(5));
  });

  test("for an error of the source, which comes out unchanged", async () => {
    const mine = new Error("disk on fire");
    let closed = false;
    const network = await classifier();
    const error = await network.fit(async function* () {
      try {
        yield classChunk(0, 30);
        throw mine;
      } finally {
        closed = true;
      }
    }, options).then(() => undefined, (cause: unknown) => cause);
    expect(error).toBe(mine);
    expect(closed).toBe(true);
    expect(network.save({ optimizer: false })).toEqual(await after(3));
  });

  test("for an abort while it waits for a chunk that never comes", async () => {
    const controller = new AbortController();
    const network = await classifier();
    const started = performance.now();
    const fitted = network.fit(async function* () {
      yield classChunk(0, 30);
      setTimeout(() => controller.abort("enough"), 20);
      await new Promise(() => undefined);
    }, { ...options, signal: controller.signal });
    await expect(fitted).rejects.toBe("enough");
    expect(performance.now() - started).toBeLessThan(5000);
    expect(network.save({ optimizer: false })).toEqual(await after(3));
    await network.fit(rows, classes, options);
  });

  test("for an abort in a callback, a callback's error, divergence", async () => {
    for (const [extra, message] of [
      [{ onBatch: () => { throw new Error("mine"); } }, /mine/],
      [{ onEpoch: () => { throw new Error("mine"); } }, /mine/],
      [{ optimizer: sgd({ learningRate: 1e38 }), gradientClip: undefined }, /became/],
    ] as const) {
      const { seen, source } = counted([classChunk(0, 21), classChunk(21, 40), classChunk(40, 83)]);
      await expect((await classifier()).fit(source, { ...options, ...extra })).rejects.toThrow(message);
      expect(seen.opened === 1 && (seen.closed === 1 || seen.asked === 4)).toBe(true);
    }
    const { seen, source } = counted([classChunk(0, 21), classChunk(21, 83)]);
    const controller = new AbortController();
    await expect((await classifier()).fit(source, { ...options, signal: controller.signal, onBatch: () => controller.abort(new Error("stop")) })).rejects.toThrow("stop");
    expect(seen).toEqual({ asked: 1, closed: 1, opened: 1 });
  });

  test("for data that changes while it is in hand", async () => {
    const chunk = { inputs: inputs.slice(), targets: classes };
    const network = await Network.create({ inputs: 4, layers: [dense(OUTPUTS, "softmax")] });
    await expect(network.fit(() => [{ inputs: rows.slice(0, 4), targets: classes.slice(0, 4) }, chunk], {
      epochs: 2, batchSize: 4, shuffle: false, onBatch: ({ epoch }) => void (epoch === 1 && chunk.inputs.fill(NaN)),
    })).rejects.toThrow(/chunks\[1\]\.inputs/);
  });

  test("an epoch without samples is an error that says so", async () => {
    const once = stream(cut([]))();
    await expect((await classifier()).fit(() => once, options)).rejects.toThrow(/^fit: source: expected at least one sample in each epoch, got none\. Give a function that opens the data anew/);
  });
});

describe("an interrupted stream resumes to the bytes of the whole one", () => {
  const cases: { name: string; options: FitOptions }[] = [
    { name: "shuffled, with summed metrics", options: { epochs: 2, batchSize: 9, metrics: ["f1", "r2", "accuracy"] } },
    { name: "in order, averaged, stopped early", options: { epochs: 6, batchSize: 11, shuffle: false, averageWeights: { decay: 0.8 }, validationData, earlyStopping: { patience: 1 }, optimizer: adam({ learningRate: 0.3 }) } },
  ];
  test.each(cases)("$name", async ({ options }) => {
    const chunks = cut([7, 30, 31, 64]);
    const whole = await trained(classifier, stream(chunks), options);
    const batches: BatchReport[] = [];
    await (await classifier()).fit(stream(chunks), { ...options, onBatch: (report) => void batches.push(report) });
    expect(batches.length).toBeGreaterThan(15);
    for (let k = 1; k <= batches.length; k++) {
      const controller = new AbortController();
      const network = await classifier();
      let step = 0;
      await expect(network.fit(stream(chunks), { ...options, signal: controller.signal, onBatch: () => void (++step === k && controller.abort("stop")) })).rejects.toBe("stop");
      const saved = network.save();
      const loaded = await Network.load(saved);
      expect(loaded.save()).toEqual(saved);
      const opened: number[] = [];
      const rest: BatchReport[] = [];
      const history = timeless(await loaded.fit((epoch) => {
        opened.push(epoch);
        return chunks;
      }, { ...options, resume: true, onBatch: (report) => void rest.push(report) }));
      expect(Buffer.from(loaded.save()).toString("base64")).toBe(whole.bytes);
      expect(rest).toEqual(batches.slice(k));
      expect(history.epochs).toEqual(whole.history.epochs.slice(whole.history.epochs.length - history.epochs.length));
      expect(opened[0]).toBe(batches[k - 1].epoch);
    }
  });

  test("refuses fewer samples than were trained, and samples in memory", async () => {
    const options: FitOptions = { epochs: 2, batchSize: 9 };
    const network = await classifier();
    await expect(network.fit(stream(cut([40])), { ...options, onBatch: ({ step }) => { if (step === 5) throw new Error("mine"); } })).rejects.toThrow("mine");
    const before = network.save();
    await expect(network.fit(rows, classes, { ...options, resume: true })).rejects.toThrow(/expected a source of chunks, as in the interrupted fit, got 83 samples in memory/);
    expect(network.save()).toEqual(before);
    await expect(network.fit(stream([classChunk(0, 20)]), { ...options, resume: true })).rejects.toThrow(/expected more than the 36 samples of the epoch that were trained before, got 20/);
    expect(network.save()).toEqual(before);
  });
});

test("the event loop turns while a stream trains, and the network is whole then", async () => {
  const network = await Network.create({ inputs: 4, layers: [dense(64, "tanh"), dense(OUTPUTS, "softmax")] });
  const gaps: number[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    gaps.push(performance.now() - last);
    last = performance.now();
    network.predict(inputs);
    network.save();
  }, 1);
  await network.fit(function* () {
    for (let i = 0; i < 4000; i++) yield classChunk(0, SAMPLES);
  }, {});
  clearInterval(timer);
  expect(gaps.length).toBeGreaterThan(5);
});
