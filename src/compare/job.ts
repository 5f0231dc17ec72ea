// One network of a comparison: an activation on one fold, trained, evaluated on the part held out, and diagnosed. A job depends on its description alone, so
// that it may run anywhere, in the caller's thread or in a worker, and in any order.

import type { ActivationName, ActivationSpec } from "../describe/activations.js";
import type { Finding } from "../describe/diagnosis.js";
import type { FitOptions } from "../describe/fit.js";
import { dense } from "../describe/layers.js";
import type { Loss } from "../describe/losses.js";
import { Network } from "../network.js";
import type { Evaluation } from "../network.js";
import { dealFolds } from "../train/folds.js";
import type { Folds } from "../train/folds.js";

/** What is the same for all networks of a comparison; everything in it can be posted to a worker. */
export interface CompareTask {
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
  readonly sampleWeights: Float32Array | undefined;
  readonly width: number;
  readonly outputs: number;
  readonly output: ActivationName;
  readonly loss: Loss;
  readonly hidden: readonly number[];
  readonly folds: number;
  readonly seed: number;
  readonly fit: FitOptions;
  /** Whether the held-out part is what the fit validates on. */
  readonly validates: boolean;
}

/** What came of one network. */
export interface JobResult {
  readonly evaluation: Evaluation;
  readonly bestEpoch: number;
  readonly seconds: number;
  /** Losses by epoch. */
  readonly training: readonly number[];
  readonly validation: readonly number[];
  readonly findings: readonly Finding[];
  /** By layer, of the trained network on its training part. */
  readonly gradientNorms: readonly number[];
  /** With one or two inputs, of the first fold: the outputs over the grid of `gridOf`. */
  readonly picture: Float32Array | undefined;
  /** Share of samples held out, as a multiple of those that train. */
  readonly testShare: number;
  /** Why there is no more, where training left the finite numbers. */
  readonly failure: string | undefined;
}

/** Points of a picture along each axis, with one input and with two. */
const CURVE_POINTS = 121;
const MAP_POINTS = 48;

/** The grid over the data with one input or two, row by row from below; undefined for more. */
export function gridOf({ inputs, width }: Pick<CompareTask, "inputs" | "width">): { readonly points: Float32Array; readonly low: number[]; readonly high: number[]; readonly across: number } | undefined {
  if (width > 2) return undefined;
  const low = Array.from({ length: width }, () => Infinity);
  const high = low.map((value) => -value);
  inputs.forEach((value, i) => {
    const c = i % width;
    if (value < low[c]) low[c] = value;
    if (value > high[c]) high[c] = value;
  });
  const across = width === 1 ? CURVE_POINTS : MAP_POINTS;
  const at = (c: number, i: number): number => low[c] + ((high[c] - low[c]) * i) / (across - 1);
  const points = width === 1
    ? Float32Array.from({ length: across }, (_, i) => at(0, i))
    : Float32Array.from({ length: 2 * across * across }, (_, i) => (i % 2 === 0 ? at(0, (i >> 1) % across) : at(1, Math.floor((i >> 1) / across))));
  return { points, low, high, across };
}

/** The folds of a task. */
export function foldsOf(task: CompareTask, subject = "compareActivations"): Promise<Folds> {
  const { inputs, targets, sampleWeights, folds, seed, width, outputs, output, loss } = task;
  return dealFolds(subject, { inputs, targets, ...(sampleWeights && { sampleWeights }), folds, seed }, {
    inputs: width, outputs, activation: { name: output } as ActivationSpec, loss,
  });
}

export async function runJob(task: CompareTask, activation: ActivationName | ActivationSpec, index: number, folds: Folds): Promise<JobResult> {
  const { width, outputs, output, loss, hidden, seed, fit, validates } = task;
  const started = performance.now();
  const { training, validation } = folds.fold(index);
  const network = await Network.create({ inputs: width, layers: [...hidden.map((units) => dense(units, activation)), dense(outputs, output)], seed });
  const testShare = validation.indices.length / training.indices.length;
  let failure: string | undefined;
  let bestEpoch = 0;
  const losses: { training: number[]; validation: number[] } = { training: [], validation: [] };
  try {
    const history = await network.fit(training.inputs, training.targets, {
      ...fit,
      loss,
      ...(training.sampleWeights && { sampleWeights: training.sampleWeights }),
      ...(validates && { validationData: [validation.inputs, validation.targets] as const }),
    });
    bestEpoch = history.bestEpoch;
    for (const { loss: value, validation: held } of history.epochs) {
      losses.training.push(value);
      losses.validation.push(held?.loss ?? NaN);
    }
  } catch (error) {
    // a network that leaves the finite numbers is a result of the comparison
    if ((error as Error).name !== "DivergenceError") throw error;
    failure = (error as Error).message;
  }
  const evaluation = network.evaluate(validation.inputs, validation.targets, { loss, ...(fit.metrics && { metrics: fit.metrics }) });
  const { layers, findings } = network.diagnose(training.inputs, training.targets, { loss });
  const grid = index === 0 ? gridOf(task) : undefined;
  const picture = grid && network.predict(grid.points);
  network.dispose();
  return {
    evaluation, bestEpoch, seconds: (performance.now() - started) / 1000, ...losses, findings, gradientNorms: layers.map(({ gradientNorm }) => gradientNorm!),
    picture, testShare, failure,
  };
}
