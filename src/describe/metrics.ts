// Metrics as the user names them. What they compute is in src/train/metrics.ts.

import { checkName, isArray, wrongKind } from "../check.js";

/** The name of a metric. */
export type Metric =
  | "accuracy" | "precision" | "recall" | "f1" | "auc" | "meanAbsoluteError" | "meanSquaredError" | "rootMeanSquaredError" | "r2";

/** The names in the order of the contract. */
export const metricNames: readonly Metric[] = Object.freeze([
  "accuracy", "precision", "recall", "f1", "auc", "meanAbsoluteError", "meanSquaredError", "rootMeanSquaredError", "r2",
] as const);

/** Whether a higher value is the better one; of the errors, the lower is. */
export function higherIsBetter(metric: Metric): boolean {
  return metric !== "meanAbsoluteError" && metric !== "meanSquaredError" && metric !== "rootMeanSquaredError";
}

/** A list of metric names, checked; each is kept once, at its first place. */
export function resolveMetrics(value: unknown, subject: string): readonly Metric[] {
  if (!isArray(value)) throw wrongKind(subject, "an array of names of metrics", value);
  const metrics = new Set<Metric>();
  for (let i = 0; i < value.length; i++) metrics.add(checkName(`${subject}[${i}]`, value[i], metricNames));
  return Object.freeze([...metrics]);
}
