// Where the steps of an epoch find their batches: the data window of a call whose samples lie in memory (window.ts), or the chunks of
// a source as they come (stream.ts). Samples have positions in the epoch, from 0 in the order in which they are trained; a batch is
// `batch` positions from a multiple of it on, the last one of an epoch the rest.

import type { RowSource } from "../inspect/inference.js";
import type { Pieces } from "../pieces.js";
import type { TargetReader } from "../targets.js";

/** The rows that validate, and their targets. */
export interface ValidationRows {
  readonly source: RowSource;
  readonly targets: TargetReader;
}

export interface Feed {
  /** Samples of the epoch; with a source 0 until it has ended. */
  readonly total: number;
  /** Copies what is here already, in pieces; the memory is planned. */
  fill(): Pieces<void>;
  /**
   * Begins an epoch; `done` of its samples have been trained already, in an earlier call.
   * @param order the epoch's number over all fits, which gives its order
   * @param epoch its number in the fit, from 1
   */
  begin(order: number, done: number, epoch: number): Promise<void>;
  /** Rows of the batch from that position on, 0 where the epoch is over, undefined where they are not here yet. */
  rowsAt(first: number): number | undefined;
  /** Awaits what `rowsAt` does not know yet. */
  wait(first: number): Promise<void>;
  /** Positions from `first` on that can be gathered without overwriting what lies ready. */
  available(first: number): number;
  /** Makes sure that positions [first, first + count) can be gathered; returns the place to gather from. */
  load(first: number, count: number): number;
  /** The sum of the weights of positions [first, first + count): their number if they have none. */
  weightOf(first: number, count: number): number;
  /** When the epoch is over: how many of its last positions, at most `most`, can still be gathered. */
  held(most: number): number;
  validation(): ValidationRows | undefined;
  /** The fit ends before the epoch does. */
  close(): Promise<void>;
}
