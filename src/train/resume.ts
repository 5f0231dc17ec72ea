// Whether a call of fit may finish the fit that was interrupted: the same options, the same data as far as its size says, and all
// that the record calls for.

import type { Metric } from "../describe/metrics.js";
import type { Model } from "../model.js";
import type { UnfinishedFit } from "../progress.js";
import type { PreparedFit } from "./prepare.js";

/** How much of an epoch's steps is kept for its metrics: floats of outputs, and sums. */
export interface Kept {
  readonly outputs: number | undefined;
  readonly running: number | undefined;
  /** Samples of an epoch, and whether they have weights; of a source, which says neither, undefined. */
  readonly training?: { readonly samples: number; readonly weighted: boolean };
}

/** The record that the call finishes. */
export function recordToResume(model: Model, call: PreparedFit, hash: string, kept: Kept): UnfinishedFit {
  const record = model.unfinished;
  if (record === undefined) throw new Error("fit: resume: expected a fit that was interrupted, the network has none. Leave resume out to start a new one");
  if (record.samples !== call.count) {
    const name = (count: number): string => (count === 0 ? "a source of chunks" : `${count} samples in memory`);
    const both = record.samples > 0 && call.count > 0;
    const [expected, got] = both ? [`the ${record.samples} samples of the interrupted fit`, `${call.count}`] : [`${name(record.samples)}, as in the interrupted fit`, name(call.count)];
    throw new Error(`fit: resume: expected ${expected}, got ${got}. Give the same data`);
  }
  if (record.hash !== hash) throw new Error("fit: resume: expected the options of the interrupted fit, got others. Give the same options, or leave resume out to start a new fit");
  // Only a file that another program wrote can fail these: the hash stands for all of them.
  const { batch, options: { earlyStopping, epochs } } = call;
  if (kept.training !== undefined) {
    const { training: { samples, weighted } } = kept;
    const steps = Math.ceil(samples / batch);
    const seen = Math.min(record.steps * batch, samples);
    if (record.epoch > epochs || record.steps > steps || (record.ended && record.steps < steps) || (!weighted && record.weightSum !== seen)) {
      throw new Error("fit: resume: expected counters that agree with the data of the interrupted fit, got others. Leave resume out to start a new fit");
    }
  }
  const lacksBest = earlyStopping?.restoreBest && record.best.epoch > 0 && !record.best.saved;
  if (record.outputs?.length !== kept.outputs || record.running?.length !== kept.running || lacksBest) {
    throw new Error("fit: resume: expected the whole record of the interrupted fit, got a part of it. Leave resume out to start a new fit");
  }
  return record;
}

/** Metrics that need all outputs of an epoch; accuracy is counted by the core. */
export function needsOutputs(metrics: readonly Metric[]): boolean {
  return metrics.some((metric) => metric !== "accuracy");
}
