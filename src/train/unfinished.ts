// The record of a fit that has not ended: all that `resume` needs beside the tensors, small enough to be saved with the
// network. Best weights, averages and collected outputs are tensors; their places are in the plan.

/** What early stopping carries from epoch to epoch. */
export interface BestSoFar {
  /** The best measure of the monitored quantity, undefined before the first epoch. */
  measure: number | undefined;
  /** Its epoch, 0 before the first. */
  epoch: number;
}

/** A fit between two steps. */
export interface UnfinishedFit {
  /** Of the options and of what the data looks like; `resume` compares it. */
  readonly hash: string;
  /** Samples of the call, before any split. */
  readonly samples: number;
  /** The epoch in hand, from 1 in the fit. */
  readonly epoch: number;
  /** Its number over all fits: which order it has. */
  readonly order: number;
  /** Steps of it that are done. All of them: the epoch has ended. */
  readonly steps: number;
  readonly ended: boolean;
  /** Sums over those steps: Σ W·L, Σ W, right predictions. */
  readonly lossSum: number;
  readonly weightSum: number;
  readonly hits: number;
  readonly best: BestSoFar;
  /** Outputs of the epoch's steps so far, where metrics need them all; flat. */
  readonly outputs: Float32Array | undefined;
}
