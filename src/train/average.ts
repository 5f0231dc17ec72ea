// The exponential average of the weights, averageWeights: after each step of a fit, for every parameter that training changes,
//
//   average ← decay·average + (1 − decay)·parameter        the first step of the fit: average ← parameter
//
// which is PyTorch's torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn(decay): begun with the weights after the first step,
// it needs no correction of a bias. The core computes it (assembly/optimizers.ts); here is what it does not touch. What training does
// not change by a gradient, frozen layers and running statistics, is not averaged but copied, as it is at the moment.
//
// The network's own weights, which callbacks and other turns of the event loop see, are those of training until the fit ends.
// Validation, and the best weights that are kept, are of the average.

import type { Model } from "../model.js";

/** Copies one block of parameters over another. */
export function copyBlock({ layout, core }: Model, from: number, to: number): void {
  core.u8.copyWithin(to, from, from + layout.block);
}

/** Copies what is not averaged into the average. */
export function settleAverage({ topology, layout, core }: Model): void {
  let begin = 0;
  for (const run of [...topology.runs, { begin: topology.length, length: 0 }]) {
    core.u8.copyWithin(layout.average + 4 * begin, layout.parameters + 4 * begin, layout.parameters + 4 * run.begin);
    begin = run.begin + run.length;
  }
}
