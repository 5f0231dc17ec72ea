// The data window of a fit: where the core gathers its batches from. All samples if they fit the address space; else as many
// rows as the plan allows, refilled from the user's arrays as the order goes on. Either way a batch is the same rows in the
// same order, so the bytes of the result do not depend on it.

import { readerSource, windowSource } from "../inspect/inference.js";
import type { Model } from "../model.js";
import type { Demand } from "../plan/layout.js";
import { RANDOM_SCRATCH } from "../plan/layout.js";
import { PIECE, inPieces } from "../pieces.js";
import type { Pieces } from "../pieces.js";
import { shuffleInPieces } from "../random.js";
import type { SampleReader } from "../samples.js";
import type { TargetReader } from "../targets.js";
import type { Feed, ValidationRows } from "./feed.js";
import type { LabelledData, PreparedData } from "./prepare.js";
import type { Slices } from "./slices.js";

/** Bytes of a window that cannot hold all samples: little enough to be filled in a few milliseconds, since the event loop waits meanwhile. */
export const WINDOW_BYTES = 4 * 2 ** 20;

/** A reader's rows in another order: those that `indices` names. */
function rowsOf<R extends SampleReader>(reader: R, indices: Uint32Array): R {
  return Object.assign(Object.create(reader) as R, {
    count: indices.length,
    readRow: (index: number, target: Float32Array, offset: number) => reader.readRow(indices[index], target, offset),
    classAt: (index: number) => (reader as unknown as TargetReader).classAt(indices[index]),
  });
}

export class DataWindow implements Feed {
  /** Whether the window holds all samples. */
  private readonly resident: boolean;
  /** Rows of the window, and which positions of the order they hold where it is not resident. */
  private readonly rows: number;
  private loadedFrom = 0;
  private loadedTo = 0;
  /** The epoch's order: sample indices. The array is the same in each epoch, since a new one for each is work for the garbage collector. */
  readonly order: Uint32Array;

  /**
   * Plans the memory of the fit; `fill` follows.
   * @throws {RangeError} if even the smallest window does not fit
   */
  constructor(
    private readonly model: Model, private readonly call: PreparedData, private readonly slices: Slices,
    base: Omit<Demand, "windowRows" | "orderLength" | "targetWidth" | "weighted">,
  ) {
    const { samples, targets, training, heldOut, validation, weights } = call;
    const shared = { ...base, targetWidth: targets.width, weighted: weights !== undefined };
    const withValidation = validation !== undefined && validation.targets.kind === targets.kind;
    const validationRows = withValidation ? validation.samples.count : 0;
    const rows = samples.count + validationRows;
    this.order = training.slice();
    this.resident = model.tryPlan({ ...shared, windowRows: rows, orderLength: training.length + heldOut.length + validationRows });
    this.rows = rows;
    if (this.resident) return;
    const part = (windowRows: number): Demand => ({ ...shared, windowRows, orderLength: training.length + windowRows });
    this.rows = Math.max(base.batch, Math.min(training.length, Math.floor(WINDOW_BYTES / (4 * (samples.width + targets.width)))));
    while (this.rows > base.batch && !model.tryPlan(part(this.rows))) this.rows = Math.max(base.batch, Math.floor(this.rows / 2));
    if (this.rows === base.batch) model.plan("fit", part(this.rows));
  }

  /** Copies all samples where they fit. Yields between pieces of about a millisecond. */
  *fill(): Pieces<void> {
    const { model: { layout, core }, call: { samples, training, heldOut, validation, weights } } = this;
    const order = layout.order / 4;
    if (!this.resident) {
      for (let i = 0; i < this.rows; i++) core.u32[order + training.length + i] = i;
      return;
    }
    yield* this.copy(this.call, 0);
    const validationRows = this.rows - samples.count;
    if (validationRows > 0) yield* this.copy(validation!, samples.count);
    if (weights !== undefined) core.f32.set(weights, layout.weightWindow / 4);
    core.u32.set(heldOut, order + training.length);
    for (let i = 0; i < validationRows; i++) core.u32[order + training.length + heldOut.length + i] = samples.count + i;
  }

  private copy({ samples, targets }: LabelledData, row: number): Pieces<void> {
    const { layout, core } = this.model;
    const size = Math.max(1, Math.floor(PIECE / (samples.width + targets.width)));
    return inPieces(samples.count, size, (begin, end) => {
      samples.read(begin, end, core.f32, layout.window / 4 + (row + begin) * samples.width);
      targets.read(begin, end, core.f32, layout.targetWindow / 4 + (row + begin) * targets.width);
    });
  }

  get total(): number {
    return this.order.length;
  }

  begin(order: number): Promise<void> {
    return this.slices.run(this.arrange(order), this.call.options.signal);
  }

  rowsAt(first: number): number {
    return Math.max(0, Math.min(this.call.batch, this.order.length - first));
  }

  async wait(): Promise<void> {}

  weightOf(first: number, count: number): number {
    const { order, call: { weights } } = this;
    if (weights === undefined) return count;
    let sum = 0;
    for (let i = first; i < first + count; i++) sum += weights[order[i]];
    return sum;
  }

  async close(): Promise<void> {}

  /** Lays out the order of an epoch, in pieces: shuffled from the ascending list by the epoch's number, or as it is. */
  private *arrange(epoch: number): Pieces<void> {
    const { model: { layout, core, description }, call: { training, options } } = this;
    core.u32.set(training, layout.order / 4);
    if (options.shuffle) yield* shuffleInPieces(core, layout.order, training.length, description.seed, "shuffle", epoch, RANDOM_SCRATCH);
    this.order.set(core.u32.subarray(layout.order / 4, layout.order / 4 + training.length));
    this.loadedFrom = this.loadedTo = 0;
  }

  load(first: number, count: number): number {
    if (this.resident) return first;
    const { call: { samples, targets, weights }, model: { layout, core }, order } = this;
    if (first < this.loadedFrom || first + count > this.loadedTo) {
      this.loadedFrom = this.loadedTo = first;
      const end = Math.min(first + this.rows, order.length);
      for (let i = first; i < end; i++) {
        samples.readRow(order[i], core.f32, layout.window / 4 + (i - first) * samples.width);
        targets.readRow(order[i], core.f32, layout.targetWindow / 4 + (i - first) * targets.width);
        if (weights !== undefined) core.f32[layout.weightWindow / 4 + i - first] = weights[order[i]];
      }
      this.loadedTo = end;
    }
    return order.length + first - this.loadedFrom;
  }

  available(first: number): number {
    return this.resident ? this.order.length - first : this.loadedTo - first;
  }

  held(most: number): number {
    return Math.min(most, this.order.length, this.rows);
  }

  validation(): ValidationRows | undefined {
    const { call: { samples, targets, heldOut, training, validation, loss }, model, resident } = this;
    const smoothing = loss.name === "crossEntropy" ? loss.labelSmoothing : 0;
    if (validation !== undefined) {
      const source = resident && validation.targets.kind === targets.kind
        ? windowSource(model, training.length + heldOut.length, validation.samples.count, targets.kind === "classes", smoothing)
        : readerSource(model, validation.samples, validation.targets, loss);
      return { source, targets: validation.targets };
    }
    if (heldOut.length === 0) return undefined;
    const held = rowsOf(targets, heldOut);
    const source = resident
      ? windowSource(model, training.length, heldOut.length, targets.kind === "classes", smoothing)
      : readerSource(model, rowsOf(samples, heldOut), held, loss);
    return { source, targets: held };
  }
}
