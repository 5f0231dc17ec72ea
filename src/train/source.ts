// Where a fit reads chunks of samples from: an async iterable, a ReadableStream, or a function that is called once an epoch and returns one
// (or a plain iterable, such as an array of chunks). What is asked of it comes one chunk at a time, each when the samples of the one before
// are used up, and it is closed as `for await` would when the fit ends early.

import { checkKeys, describeValue, isArray, isPlainObject, refusal, typedArrayName, wrongKind } from "../check.js";
import type { NumericArray, Samples, Targets } from "../samples.js";

/** A piece of the samples, with their targets; as `fit` takes them. */
export interface Chunk {
  readonly inputs: Samples;
  readonly targets: Targets;
  /** A weight ≥ 0 for each sample of the chunk. */
  readonly sampleWeights?: readonly number[] | NumericArray;
}

/** Chunks of one epoch. */
export type Chunks = AsyncIterable<Chunk> | Iterable<Chunk> | ReadableStream<Chunk>;

/** What `fit` streams from: the chunks of the only epoch, or a function that gives those of epoch 1, 2, … of the fit. */
export type ChunkSource = AsyncIterable<Chunk> | ReadableStream<Chunk> | ((epoch: number) => Chunks | Promise<Chunks>);

/** What is used of an iterator of either kind. */
interface ChunkIterator {
  next(): Promise<IteratorResult<unknown>> | IteratorResult<unknown>;
  return?(): unknown;
}

/** Whether a value has that method; a revoked proxy has none. */
function has(value: unknown, key: PropertyKey): boolean {
  try {
    return (typeof value === "object" || typeof value === "function") && value !== null && typeof (value as Record<PropertyKey, unknown>)[key] === "function";
  } catch {
    return false;
  }
}

/** Whether the first argument of fit is a source in place of samples. */
export function isSource(value: unknown): value is ChunkSource {
  if (typeof value === "function") return true;
  if (isArray(value)) return isPlainObject(value[0]) && Object.hasOwn(value[0], "inputs");
  return typedArrayName(value) === undefined && typeof value !== "string" && (has(value, Symbol.asyncIterator) || has(value, Symbol.iterator) || has(value, "getReader"));
}

/** A ReadableStream where it is not async iterable (Safari). */
function streamIterator(stream: ReadableStream<unknown>): ChunkIterator {
  const reader = stream.getReader();
  return {
    next: () => reader.read() as Promise<IteratorResult<unknown>>,
    return: () => reader.cancel(),
  };
}

function iteratorOf(chunks: unknown, subject: string): ChunkIterator {
  if (has(chunks, Symbol.asyncIterator)) return (chunks as AsyncIterable<unknown>)[Symbol.asyncIterator]() as ChunkIterator;
  if (has(chunks, "getReader")) return streamIterator(chunks as ReadableStream<unknown>);
  if (typeof chunks !== "string" && typedArrayName(chunks) === undefined && has(chunks, Symbol.iterator)) return (chunks as Iterable<unknown>)[Symbol.iterator]() as ChunkIterator;
  throw wrongKind(subject, "an async iterable of { inputs, targets }", chunks);
}

/** The chunks of a source, epoch after epoch. */
export class ChunkReader {
  private iterator: ChunkIterator | undefined;
  /** Whether a chunk was asked for that has not come. */
  private waiting = false;

  /** @throws {RangeError} for what can be read once, where there are more epochs */
  constructor(private readonly source: ChunkSource, epochs: number, private readonly signal: AbortSignal | undefined) {
    const once = typeof source !== "function" && (has(source, "next") || has(source, "getReader") || has(source, "pipe"));
    if (!once || epochs === 1) return;
    const expected = `a function that gives the chunks of each of ${epochs} epochs`;
    throw new RangeError(refusal("fit: source", expected, `${describeValue(source)} that can be read once`, "Write fit(() => …, options), or epochs: 1"));
  }

  /** Opens the chunks of an epoch, from 1. What the source throws comes out. */
  async open(epoch: number): Promise<void> {
    const { source } = this;
    if (typeof source !== "function") this.iterator = iteratorOf(source, "fit: source");
    else this.iterator = iteratorOf(await this.unlessAborted(source(epoch)), "fit: source(): the value returned");
  }

  /** The next chunk, or undefined at the epoch's end. @throws what the source throws; the signal's reason, once it is aborted */
  async next(): Promise<unknown> {
    const { iterator } = this;
    if (iterator === undefined) return undefined;
    this.waiting = true;
    let result: IteratorResult<unknown>;
    try {
      result = await this.unlessAborted(iterator.next());
    } catch (error) {
      // an iterator that has thrown is over; one that is still asked may be closed
      if (!this.signal?.aborted) this.iterator = undefined;
      throw error;
    }
    this.waiting = false;
    if (typeof result !== "object" || result === null) throw wrongKind("fit: source: next()", "an object with done and value", result);
    if (!result.done) return result.value ?? null;
    this.iterator = undefined;
    return undefined;
  }

  /** Closes what is open. An error of closing is not told: there is another reason why the fit ends. */
  async close(): Promise<void> {
    const { iterator, waiting } = this;
    this.iterator = undefined;
    if (iterator?.return === undefined) return;
    try {
      const closed = Promise.resolve(iterator.return());
      // a generator that waits for its own data returns when that has come, perhaps never
      if (waiting) closed.catch(() => undefined);
      else await closed;
    } catch {
      // see above
    }
  }

  private unlessAborted<T>(value: T | PromiseLike<T>): Promise<T> {
    const { signal } = this;
    if (signal === undefined) return Promise.resolve(value);
    return new Promise<T>((resolve, reject) => {
      const abort = (): void => reject(signal.reason);
      const settle = (): void => signal.removeEventListener("abort", abort);
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort);
      Promise.resolve(value).then(resolve, reject).finally(settle);
    });
  }
}

/** The values of a chunk. @throws {TypeError} for what is none */
export function openChunk(subject: string, chunk: unknown): Record<string, unknown> {
  if (!isPlainObject(chunk)) throw wrongKind(subject, "{ inputs, targets }", chunk);
  const values = checkKeys(subject, chunk, ["inputs", "targets", "sampleWeights"]);
  for (const key of ["inputs", "targets"]) {
    if (values[key] === undefined) throw new TypeError(refusal(subject, "{ inputs, targets }", `no ${key}`));
  }
  return values;
}

/** Whether a chunk holds no sample: a reader may have nothing to give for once. */
export function isEmpty({ inputs, targets }: Record<string, unknown>): boolean {
  const empty = (data: unknown): boolean => (isArray(data) || typedArrayName(data) !== undefined) && (data as readonly unknown[]).length === 0;
  return empty(inputs) && empty(targets);
}
