// Whether a call of fit may finish the fit that was interrupted: the same options, the same data as far as its size says, and all
// that the record calls for.

import type { Metric } from "../describe/metrics.js";
import type { Model } from "../model.js";
import type { UnfinishedFit } from "../progress.js";
import type { PreparedData } from "./prepare.js";

/** The record that the call finishes. */
export function recordToResume(model: Model, call: PreparedData, hash: string): UnfinishedFit {
  const record = model.unfinished;
  if (record === undefined) throw new Error("fit: resume: expected a fit that was interrupted, the network has none. Leave resume out to start a new one");
  if (record.samples !== call.samples.count) {
    throw new Error(`fit: resume: expected the ${record.samples} samples of the interrupted fit, got ${call.samples.count}. Give the same data`);
  }
  if (record.hash !== hash) throw new Error("fit: resume: expected the options of the interrupted fit, got others. Give the same options, or leave resume out to start a new fit");
  // Only a file that another program wrote can fail these: the hash stands for all of them.
  const { training, metrics, options: { earlyStopping } } = call;
  const outputs = needsOutputs(metrics) ? training.length * model.topology.outputs : undefined;
  const lacksBest = earlyStopping?.restoreBest && record.best.epoch > 0 && !record.best.saved;
  if (record.outputs?.length !== outputs || lacksBest) {
    throw new Error("fit: resume: expected the whole record of the interrupted fit, got a part of it. Leave resume out to start a new fit");
  }
  return record;
}

/** Metrics that need all outputs of an epoch; accuracy is counted by the core. */
export function needsOutputs(metrics: readonly Metric[]): boolean {
  return metrics.some((metric) => metric !== "accuracy");
}
