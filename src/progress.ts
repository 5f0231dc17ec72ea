// What training carries beside tensors: the optimizer's counters, and the record of a fit that has not ended, which is all that
// `resume` needs, small enough to be saved with the network. Best weights and collected outputs are tensors; their places are
// in the plan.

/** What an optimizer carries from step to step beside its slots. Saved with them. */
export interface OptimizerProgress {
  /** Steps done, over all fits: t of the next step. */
  steps: number;
  /** NAdam's Π μ. */
  muProduct: number;
  /** reduceOnPlateau: the rate's factor so far, the best measure (undefined before the first epoch) and epochs since. */
  plateauScale: number;
  plateauBest: number | undefined;
  plateauWait: number;
}

export function freshProgress(): OptimizerProgress {
  return { steps: 0, muProduct: 1, plateauScale: 1, plateauBest: undefined, plateauWait: 0 };
}

/** What early stopping carries from epoch to epoch. */
export interface BestSoFar {
  /** The best measure of the monitored quantity, undefined before the first epoch. */
  measure: number | undefined;
  /** Its epoch, 0 before the first. */
  epoch: number;
  /** Whether its weights are kept. */
  saved: boolean;
}

/** A fit between two steps. */
export interface UnfinishedFit {
  /** Of the options and of what the data looks like; `resume` compares it. */
  readonly hash: string;
  /** Samples of the call, before any split; 0 where they come from a source. */
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
  /** Whether the weights have been averaged: over the steps of the fit so far. */
  readonly averaged: boolean;
  /** Outputs of the epoch's steps so far, where metrics need them all; flat. */
  readonly outputs: Float32Array | undefined;
  /** Sums over the epoch's steps so far, of which the metrics of a source are made. */
  readonly running: Float64Array | undefined;
}
