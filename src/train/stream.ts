// The feed of a fit whose samples come in chunks: rows are checked and copied from the chunk in hand to a window of bounded size, from
// which the core gathers its batches. Batches run across the borders of chunks, so that without shuffling chunks of any sizes train
// the bytes of all samples in one array; `shuffle` permutes each chunk, by the seed, the epoch and the chunk's number.
//
//   positions of the epoch   … [ trained | ready in the window ) rest of the chunk …     slot = position − from
//
// A chunk is asked for when less than a batch is ready, so that what is wrong with it is found when all batches before it are trained.

import { at, describeValue, firstNonFinite, refusal } from "../check.js";
import { readerSource } from "../inspect/inference.js";
import type { Model } from "../model.js";
import { PIECE, inPieces } from "../pieces.js";
import type { Pieces } from "../pieces.js";
import type { Demand } from "../plan/layout.js";
import { permutationInPieces } from "../random.js";
import { checkWeights } from "../samples.js";
import type { Feed, ValidationRows } from "./feed.js";
import { apart, checkFinite, dataInPieces, prepareOptions } from "./prepare.js";
import { noClasses } from "./prepare.js";
import type { LabelledData, PreparedFit } from "./prepare.js";
import { checkFitOptions } from "../describe/fit.js";
import { unmeasured } from "./running.js";
import type { Slices } from "./slices.js";
import { ChunkReader, isEmpty, openChunk } from "./source.js";
import type { ChunkSource } from "./source.js";
import { checkSignal } from "./steps.js";
import { WINDOW_BYTES } from "./window.js";

/** A chunk, checked. */
export interface CheckedChunk extends LabelledData {
  readonly weights: Float32Array | undefined;
}

/** A call of fit whose samples come from a source, before the source is asked for anything. */
export interface StreamOptions extends PreparedFit {
  readonly reader: ChunkReader;
}

/** The same with its first chunk that is not empty, which says what the targets are. */
export interface PreparedStream extends StreamOptions {
  readonly first: CheckedChunk;
  /** How many chunks came before it. */
  readonly firstNumber: number;
}

/** Checks a call of fit with a source, but for what the source gives, in pieces. */
export function* prepareStream(model: Model, source: ChunkSource, given: unknown): Pieces<StreamOptions> {
  const options = checkFitOptions(given);
  const refuse = (key: string, expected: string, advice: string): never => {
    throw new RangeError(refusal(at("fit", key), expected, "a source of chunks", advice));
  };
  if (options.validationSplit > 0) refuse("validationSplit", "samples that lie in memory", "Give validationData");
  if (options.sampleWeights !== undefined) refuse("sampleWeights", "samples that lie in memory", "Give each chunk its sampleWeights");
  if (options.classWeights === "balanced") refuse("classWeights", "a weight for each class", "'balanced' needs all samples at once; give the weights as an array");
  const common = yield* prepareOptions(model, options);
  const classWeights = options.classWeights as readonly number[] | undefined;
  if (classWeights !== undefined) {
    if (!common.hasClasses) throw noClasses();
    checkWeights("fit: classWeights", classWeights, Math.max(2, model.topology.outputs));
  }
  const lacking = unmeasured(common.metrics, model.topology.outputs);
  if (lacking !== undefined && (lacking !== "auc" || common.validation === undefined)) {
    const expected = lacking === "auc" ? "metrics that can be counted as samples come" : "a network of at most 2,000 outputs for metrics by output of a source";
    throw new RangeError(refusal("fit: metrics", expected, `'${lacking}'`, "Give validationData, of which all is measured, or leave it out"));
  }
  const reader = new ChunkReader(source, options.epochs, options.signal);
  return { ...common, reader, batch: options.batchSize, count: 0, stepsPerEpoch: Infinity };
}

/** Opens the chunks of the epoch with which the call begins, up to the first with samples. */
export async function openStream(model: Model, call: StreamOptions, epoch: number, slices: Slices): Promise<PreparedStream> {
  const { reader, options } = call;
  await reader.open(epoch);
  for (let firstNumber = 0; ; firstNumber++) {
    const value = await reader.next();
    if (value === undefined) throw new RangeError(refusal("fit: source", "at least one sample", "none"));
    const first = await slices.run(chunkInPieces(model, firstNumber, value, call, undefined), options.signal);
    if (first === undefined) continue;
    checkFinite(model, "fit");
    return { ...call, first, firstNumber };
  }
}

/** Checks a chunk, in pieces; undefined where it is empty. `kind` is that of the targets before it. */
export function* chunkInPieces(
  model: Model, number: number, value: unknown, { loss, options }: Pick<PreparedFit, "loss" | "options">, kind: "rows" | "classes" | undefined,
): Pieces<CheckedChunk | undefined> {
  const subject = `chunks[${number}]`;
  const chunk = openChunk(subject, value);
  if (isEmpty(chunk)) return undefined;
  const data = yield* dataInPieces(model, chunk.inputs, chunk.targets, loss, [`${subject}.inputs`, `${subject}.targets`]);
  const { targets, samples: { count } } = data;
  if (kind !== undefined && targets.kind !== kind) {
    const [expected, got] = kind === "rows" ? ["rows", "class indices"] : ["class indices", "rows"];
    throw new TypeError(refusal(`${subject}.targets`, `${expected}, as in the chunks before`, got));
  }
  const classWeights = options.classWeights as readonly number[] | undefined;
  if (chunk.sampleWeights === undefined && classWeights === undefined) return { ...data, weights: undefined };
  const weights = new Float32Array(count).fill(1);
  if (chunk.sampleWeights !== undefined) weights.set(checkWeights(`${subject}.sampleWeights`, apart(model, chunk.sampleWeights), count));
  if (classWeights === undefined) return { ...data, weights };
  yield* inPieces(count, PIECE, (begin, end) => {
    for (let i = begin; i < end; i++) weights[i] *= classWeights[targets.classAt(i)];
  });
  const bad = firstNonFinite(weights);
  if (bad < 0) return { ...data, weights };
  const got = `${describeValue(weights[bad])} for sample ${bad} of chunk ${number}`;
  throw new RangeError(`${at("fit", "classWeights")}: expected products with sampleWeights that are finite in f32, got ${got}. Use smaller weights`);
}

export class StreamWindow implements Feed {
  /** Rows of the window. */
  private readonly capacity: number;
  /** Positions that lie in it, and their weights by slot. */
  private from = 0;
  private to = 0;
  private readonly weights: Float32Array;
  /** The chunk in hand: its number in the epoch, its order, and how many of its rows have been taken. */
  private chunk: CheckedChunk | undefined;
  private chunkNumber = -1;
  private chunkOrder: Uint32Array | undefined;
  private taken = 0;
  private ended = false;
  /** The first epoch of the call is open already. */
  private prefetched = true;
  private epoch = 0;

  /** Plans the memory of the fit. @throws {RangeError} if even the smallest window does not fit */
  constructor(
    private readonly model: Model, private readonly call: PreparedStream, private readonly slices: Slices,
    base: Omit<Demand, "windowRows" | "orderLength" | "targetWidth" | "weighted">,
  ) {
    const { samples, targets } = call.first;
    const demand = (rows: number): Demand => ({ ...base, targetWidth: targets.width, weighted: true, windowRows: rows, orderLength: rows });
    let capacity = Math.max(base.batch, Math.floor(WINDOW_BYTES / (4 * (samples.width + targets.width))));
    while (capacity > base.batch && !model.tryPlan(demand(capacity))) capacity = Math.max(base.batch, Math.floor(capacity / 2));
    if (capacity === base.batch) model.plan("fit", demand(capacity));
    this.capacity = capacity;
    this.weights = new Float32Array(capacity);
  }

  *fill(): Pieces<void> {
    const { model: { layout, core: { u32 } }, capacity } = this;
    for (let i = 0; i < capacity; i++) u32[layout.order / 4 + i] = i;
  }

  get total(): number {
    return this.to;
  }

  async begin(order: number, done: number, epoch: number): Promise<void> {
    const { call, call: { reader } } = this;
    this.from = this.to = done;
    this.ended = false;
    this.epoch = order;
    if (this.prefetched) {
      this.chunkNumber = call.firstNumber;
      await this.take(call.first);
      this.prefetched = false;
    } else {
      this.chunk = undefined;
      this.chunkNumber = -1;
      await reader.open(epoch);
    }
    // what an earlier call has trained of the epoch, whose last batch may have been a smaller one
    for (let left = done; left > 0 && !this.ended; ) {
      if (this.left === 0) await this.pull();
      const skipped = Math.min(left, this.left);
      this.taken += skipped;
      left -= skipped;
      if (!this.ended) continue;
      this.from = this.to = done - left;
      if (left < call.batch) continue;
      throw new Error(refusal("fit: resume", `more than the ${done - call.batch} samples of the epoch that were trained before`, `${done - left}`, "Give the same data"));
    }
  }

  rowsAt(first: number): number | undefined {
    const { to, ended, call: { batch } } = this;
    if (to - first >= batch) return batch;
    return ended ? Math.max(0, to - first) : undefined;
  }

  async wait(first: number): Promise<void> {
    const { call: { batch, options }, slices } = this;
    this.shift(first);
    this.copyRows();
    while (this.to - first < batch && !this.ended) {
      await this.pull();
      this.copyRows();
      if (!slices.due) continue;
      await slices.turn();
      checkSignal(options.signal);
    }
    if (this.to > 0) return;
    throw new RangeError(refusal("fit: source", "at least one sample in each epoch", "none", "Give a function that opens the data anew for each epoch"));
  }

  available(first: number): number {
    return this.to - first;
  }

  load(first: number): number {
    return first - this.from;
  }

  weightOf(first: number, count: number): number {
    const { weights, from } = this;
    let sum = 0;
    for (let i = first - from; i < first - from + count; i++) sum += weights[i];
    return sum;
  }

  held(most: number): number {
    return Math.min(most, this.to - this.from);
  }

  validation(): ValidationRows | undefined {
    const { call: { validation, loss }, model } = this;
    return validation && { source: readerSource(model, validation.samples, validation.targets, loss), targets: validation.targets };
  }

  close(): Promise<void> {
    return this.call.reader.close();
  }

  /** Rows of the chunk in hand that have not been taken. */
  private get left(): number {
    return this.chunk === undefined ? 0 : this.chunk.samples.count - this.taken;
  }

  /** Asks for the next chunk that is not empty. */
  private async pull(): Promise<void> {
    const { model, call, call: { reader, first } } = this;
    this.chunk = undefined;
    for (;;) {
      const value = await reader.next();
      if (value === undefined) {
        this.ended = true;
        return;
      }
      this.chunkNumber++;
      const chunk = await this.slices.run(chunkInPieces(model, this.chunkNumber, value, call, first.targets.kind), call.options.signal);
      if (chunk !== undefined) return this.take(chunk);
    }
  }

  /** Makes it the chunk in hand. */
  private async take(chunk: CheckedChunk): Promise<void> {
    const { model: { description: { seed } }, call: { options } } = this;
    const { count } = chunk.samples;
    this.chunkOrder = options.shuffle ? await this.slices.run(permutationInPieces(count, seed, "chunks", this.epoch, this.chunkNumber), options.signal) : undefined;
    this.chunk = chunk;
    this.taken = 0;
  }

  /** Moves what is not trained to the window's first rows. */
  private shift(first: number): void {
    const { model: { layout, core: { f32 } }, weights, call: { first: { samples, targets } } } = this;
    const [begin, end] = [first - this.from, this.to - this.from];
    for (const [at, width] of [[layout.window / 4, samples.width], [layout.targetWindow / 4, targets.width], [layout.weightWindow / 4, 1]] as const) {
      f32.copyWithin(at, at + begin * width, at + end * width);
    }
    weights.copyWithin(0, begin, end);
    this.from = first;
  }

  /** Copies rows of the chunk in hand to the window, as many as there is room for. */
  private copyRows(): void {
    const { chunk, chunkOrder, weights, model: { layout, core: { f32 } } } = this;
    if (chunk === undefined) return;
    const { samples, targets } = chunk;
    const slot = this.to - this.from;
    const count = Math.min(this.left, this.capacity - slot);
    if (chunkOrder === undefined) {
      samples.read(this.taken, this.taken + count, f32, layout.window / 4 + slot * samples.width);
      targets.read(this.taken, this.taken + count, f32, layout.targetWindow / 4 + slot * targets.width);
    } else {
      for (let i = 0; i < count; i++) {
        const index = chunkOrder[this.taken + i];
        samples.readRow(index, f32, layout.window / 4 + (slot + i) * samples.width);
        targets.readRow(index, f32, layout.targetWindow / 4 + (slot + i) * targets.width);
      }
    }
    for (let i = 0; i < count; i++) weights[slot + i] = chunk.weights === undefined ? 1 : chunk.weights[chunkOrder === undefined ? this.taken + i : chunkOrder[this.taken + i]];
    f32.set(weights.subarray(slot, slot + count), layout.weightWindow / 4 + slot);
    this.taken += count;
    this.to += count;
  }
}
