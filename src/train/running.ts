// Training metrics of a fit that streams: sums over the epoch's steps, of a size that depends on the outputs alone, in place of all its outputs.
//
//   running   [samples], and beside accuracy [Σ|t − p|, Σ(t − p)²], and for each output, where a metric is made by outputs,
//             [right positives, predicted positives, actual positives, first t, Σ(t − first), Σ(t − first)², Σ(t − p)²]
//
// Counts and errors are those of metrics.ts, number for number; r2 takes the variance of the targets from sums about the first one, so
// that it agrees to rounding. The area under the ROC curve needs all scores at once: it is measured on validation data only.

import { decisionRule } from "../describe/losses.js";
import type { Metric } from "../describe/metrics.js";
import { outputActivation } from "./prepare.js";
import { countedMetrics } from "./reports.js";
import type { TrainingMetrics } from "./reports.js";
import { needsOutputs } from "./resume.js";
import { outputOf } from "../plan/layout.js";
import type { Course } from "./steps.js";

const TOTALS = 3;
const BY_OUTPUT = 7;
/** Outputs up to which metrics are made by outputs: their sums lie in the header of a model file. */
const MOST_OUTPUTS = 2000;

const byOutput: readonly Metric[] = ["precision", "recall", "f1", "r2"];

/** The first metric that cannot be summed up so, or undefined. */
export function unmeasured(metrics: readonly Metric[], outputs: number): Metric | undefined {
  return metrics.find((metric) => metric === "auc" || (outputs > MOST_OUTPUTS && byOutput.includes(metric)));
}

/** How many sums there are, or undefined where nothing is measured. Right predictions are counted by the core. */
export function runningLength(metrics: readonly Metric[], outputs: number): number | undefined {
  if (!needsOutputs(metrics)) return metrics.length === 0 ? undefined : 1;
  return TOTALS + (metrics.some((metric) => byOutput.includes(metric)) && outputs <= MOST_OUTPUTS ? BY_OUTPUT * outputs : 0);
}

export class StreamMetrics implements TrainingMetrics {
  readonly outputs: undefined;
  readonly running: Float64Array | undefined;
  readonly everyStep: boolean;

  constructor(private readonly course: Course) {
    const { call: { metrics }, model: { topology } } = course;
    const length = runningLength(metrics, topology.outputs);
    this.running = length === undefined ? undefined : new Float64Array(length);
    this.everyStep = needsOutputs(metrics);
  }

  begin(): void {
    this.running?.fill(0);
  }

  collect(first: number, rows: number): void {
    if (this.everyStep) this.add(first, rows);
    else if (this.running !== undefined) this.running[0] += rows;
  }

  /** Adds the rows of the step that has just been played. */
  private add(first: number, rows: number): void {
    const { course: { feed, model, model: { layout, topology, topology: { outputs }, core: { f32 } }, call: { loss } } } = this;
    const running = this.running!;
    const { argMax, outputThreshold, targetThreshold } = decisionRule(loss.name, outputActivation(model).name, outputs);
    const { at, stride } = outputOf(topology, layout, topology.layers.length - 1, true);
    const { targetWidth } = layout.demand;
    const classes = targetWidth !== outputs;
    const slot = feed.load(first, rows);
    const detailed = running.length > TOTALS;
    for (let row = 0; row < rows; row++) {
      const p = at / 4 + row * stride;
      const t = layout.targetWindow / 4 + (slot + row) * targetWidth;
      const guess = argMax ? largest(f32, p, outputs) : -1;
      const truth = !argMax ? -1 : classes ? f32[t] : largest(f32, t, outputs);
      for (let k = 0; k < outputs; k++) {
        const target = classes ? (f32[t] === k ? 1 : 0) : f32[t + k];
        const error = target - f32[p + k];
        running[1] += Math.abs(error);
        running[2] += error * error;
        if (!detailed) continue;
        const at = TOTALS + BY_OUTPUT * k;
        const predicted = argMax ? guess === k : f32[p + k] > outputThreshold;
        const actual = argMax ? truth === k : target > targetThreshold;
        if (predicted && actual) running[at]++;
        if (predicted) running[at + 1]++;
        if (actual) running[at + 2]++;
        if (running[0] === 0) running[at + 3] = target;
        const shifted = target - running[at + 3];
        running[at + 4] += shifted;
        running[at + 5] += shifted * shifted;
        running[at + 6] += error * error;
      }
      running[0]++;
    }
  }

  async measure(hits: number): Promise<Record<string, number>> {
    const { course, course: { call: { metrics }, model: { topology: { outputs } } }, running } = this;
    if (running === undefined) return {};
    const samples = running[0];
    const values: Record<string, number> = {};
    const mean = (of: (at: number) => number): number => {
      let sum = 0;
      for (let k = 0; k < outputs; k++) sum += of(TOTALS + BY_OUTPUT * k);
      return sum / outputs;
    };
    for (const metric of metrics) {
      switch (metric) {
        case "accuracy": Object.assign(values, countedMetrics(course, hits, samples)); break;
        case "precision": values[metric] = mean((at) => quotient(running[at], running[at + 1])); break;
        case "recall": values[metric] = mean((at) => quotient(running[at], running[at + 2])); break;
        case "f1": values[metric] = mean((at) => quotient(2 * running[at], running[at + 1] + running[at + 2])); break;
        case "meanAbsoluteError": values[metric] = quotient(running[1], samples * outputs); break;
        case "meanSquaredError": values[metric] = quotient(running[2], samples * outputs); break;
        case "rootMeanSquaredError": values[metric] = Math.sqrt(quotient(running[2], samples * outputs)); break;
        case "r2": values[metric] = mean((at) => {
          const total = running[at + 5] - (running[at + 4] * running[at + 4]) / samples;
          return samples === 0 || !(total > 0) ? 0 : 1 - running[at + 6] / total;
        }); break;
      }
    }
    return values;
  }
}

/** a / b, and 0 where b is 0. */
function quotient(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}

/** Which of a row is the largest, the first of equals. */
function largest(values: Float32Array, begin: number, length: number): number {
  let best = 0;
  for (let k = 1; k < length; k++) if (values[begin + k] > values[begin + best]) best = k;
  return best;
}
