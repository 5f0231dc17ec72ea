// What watches the measure of each epoch, less being better: the best epoch so far, early stopping, and reduceOnPlateau.

import type { EpochReport } from "../describe/fit.js";
import { higherIsBetter } from "../describe/metrics.js";
import type { Optimizer } from "../describe/optimizers.js";
import type { BestSoFar, OptimizerProgress } from "../progress.js";
import type { PreparedFit } from "./prepare.js";

export class Watch {
  /** `recorded` is that of a fit that is resumed. */
  constructor(private readonly call: PreparedFit, readonly best: BestSoFar = { measure: undefined, epoch: 0, saved: false }) {}

  /** Looks at a finished epoch. Returns whether it is the best so far. */
  see(report: EpochReport, progress: OptimizerProgress): boolean {
    const { best, call: { optimizer, options: { earlyStopping } } } = this;
    const watched = report.validation ?? report;
    const monitor = earlyStopping?.monitor ?? "loss";
    const value = monitor === "loss" ? watched.loss : watched.metrics[monitor];
    const measure = monitor !== "loss" && higherIsBetter(monitor) ? -value : value;
    const better = improves(measure, best.measure, earlyStopping?.minDelta ?? 0);
    if (better) {
      best.measure = measure;
      best.epoch = report.epoch;
      best.saved = earlyStopping?.restoreBest ?? false;
    }
    watchPlateau(optimizer, measure, progress);
    return better;
  }

  stopsEarly(epoch: number): boolean {
    const { best, call: { options: { earlyStopping } } } = this;
    return earlyStopping !== undefined && best.epoch < epoch && epoch - best.epoch >= earlyStopping.patience;
  }
}

/** reduceOnPlateau as PyTorch's ReduceLROnPlateau counts: the rate falls after more than `patience` epochs without a better measure. */
function watchPlateau({ learningRate }: Optimizer, measure: number, progress: OptimizerProgress): void {
  if (typeof learningRate === "number" || learningRate.name !== "reduceOnPlateau") return;
  if (improves(measure, progress.plateauBest, learningRate.minDelta)) {
    progress.plateauBest = measure;
    progress.plateauWait = 0;
  } else if (++progress.plateauWait > learningRate.patience) {
    progress.plateauScale *= learningRate.factor;
    progress.plateauWait = 0;
  }
}

/** Whether a measure is better than the best by more than `minDelta`. The first is; what is not finite never is. */
function improves(measure: number, best: number | undefined, minDelta: number): boolean {
  return Number.isFinite(measure) && (best === undefined || measure < best - minDelta);
}
