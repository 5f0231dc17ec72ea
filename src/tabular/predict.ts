// From rows to outputs and back: predictions, probabilities and measures of a trained table. A regression's measures are
// computed on standardised values and brought to the target's unit.

import { describeValue, F32_OVERFLOW, refusal, wrongKind } from "../check.js";
import type { EpochReport, Metric, Network } from "../index.js";
import { confusionMatrix, evaluateMetrics } from "../train/metrics.js";
import { numberOf, readCell, transformRows } from "./columns.js";
import type { Place } from "./columns.js";
import type { NumberPreparation, Preparation } from "./preparation.js";
import { checkRows } from "./rows.js";
import { labelIndex } from "./target.js";
import type { Label } from "./target.js";

/** A network with what it needs to read rows. */
export interface PreparedNetwork {
  readonly network: Network;
  readonly preparation: Preparation;
}

/** How well a model does on rows with known targets. */
export interface TabularEvaluation {
  /** Of the network: a regression's is in standardised units. */
  readonly loss: number;
  /** accuracy, precision, recall, f1, auc; or r2, meanAbsoluteError, meanSquaredError, rootMeanSquaredError in the target's unit. */
  readonly metrics: Record<string, number>;
  /** Row = true class, column = predicted class, in the order of `classes`; not for a regression. */
  readonly confusionMatrix?: number[][];
}

const classMetrics: readonly Metric[] = ["accuracy", "precision", "recall", "f1", "auc"];
const numberMetrics: readonly Metric[] = ["r2", "meanAbsoluteError", "meanSquaredError", "rootMeanSquaredError"];

/** The names of cells in errors where the rows are no file. */
export function rowPlace(subject: string): Place {
  return (row, column) => `${subject}: rows[${row}][${describeValue(column)}]`;
}

/** The network's outputs for the rows, rows × outputs. */
export function outputsOf({ network, preparation }: PreparedNetwork, given: readonly object[], subject: string, place: Place): Float32Array {
  const rows = checkRows(given, `${subject}: rows`);
  if (rows.length === 0) return new Float32Array(0);
  return network.predict(transformRows(preparation.columns, rows, undefined, place));
}

/** For each row of outputs the label of the largest, the first of equals, or the number in the target's unit. */
export function predictionsOf(preparation: Preparation, outputs: Float32Array): Label[] {
  if (preparation.task === "regression") return Array.from(outputs, (output) => output * preparation.deviation + preparation.mean);
  const { classes } = preparation;
  return largestOf(outputs, classes.length).map((index) => classes[index]);
}

/** For each row of outputs the probability of every label, as own properties whatever the label is called. */
export function probabilitiesOf(preparation: Preparation, outputs: Float32Array, subject: string): Record<string, number>[] {
  if (preparation.task === "regression") {
    throw new Error(refusal(subject, "a model for classification", "one for regression", "Use predict"));
  }
  const names = preparation.classes.map(String);
  const count = outputs.length / names.length;
  return Array.from({ length: count }, (_, row) => Object.fromEntries(names.map((name, k) => [name, outputs[row * names.length + k]])));
}

function largestOf(outputs: Float32Array, width: number): number[] {
  const indices: number[] = [];
  for (let begin = 0; begin < outputs.length; begin += width) {
    let best = 0;
    for (let k = 1; k < width; k++) {
      if (outputs[begin + k] > outputs[begin + best]) best = k;
    }
    indices.push(best);
  }
  return indices;
}

/**
 * Loss and metrics over the rows that have a target.
 * @throws {RangeError} if none has one, or a target is no class of the model
 * @throws {TypeError} if a target is no number and the task is regression
 */
export function evaluateRows(model: PreparedNetwork, given: readonly object[], subject: string, place: Place): TabularEvaluation {
  const { network, preparation } = model;
  const { target, columns } = preparation;
  const rows = checkRows(given, `${subject}: rows`);
  const kept: number[] = [];
  const values: number[] = [];
  const valueOf = preparation.task === "classification" ? classReader(preparation.classes) : scaledReader(preparation);
  for (let i = 0; i < rows.length; i++) {
    const cell = readCell(rows, i, target, place);
    if (cell === undefined) continue;
    kept.push(i);
    values.push(valueOf(cell, () => place(i, target)));
  }
  if (kept.length === 0) throw new RangeError(refusal(`${subject}: rows`, `a row with a value in ${describeValue(target)}`, "none"));
  const inputs = transformRows(columns, rows, Uint32Array.from(kept), place);
  const targets = Float32Array.from(values);
  const { loss } = network.evaluate(inputs, targets);
  const outputs = network.predict(inputs);
  if (preparation.task === "regression") {
    const metrics = evaluateMetrics(numberMetrics, outputs, targets, kept.length, 1, { loss: "meanSquaredError", activation: "linear" });
    return { loss, metrics: metricsInUnit(metrics, preparation) };
  }
  const { length } = preparation.classes;
  const oneHot = new Float32Array(kept.length * length);
  for (let i = 0; i < kept.length; i++) oneHot[i * length + values[i]] = 1;
  return {
    loss,
    metrics: evaluateMetrics(classMetrics, outputs, oneHot, kept.length, length, { loss: "crossEntropy", activation: "softmax" }),
    confusionMatrix: confusionMatrix(largestOf(outputs, length), values, length),
  };
}

type ValueReader = (cell: Label, place: () => string) => number;

function classReader(classes: readonly Label[]): ValueReader {
  const indexOf = labelIndex(classes);
  return (cell, place) => {
    const index = indexOf(cell);
    if (index >= 0) return index;
    const shown = classes.slice(0, 10).map(describeValue).join(", ");
    throw new RangeError(refusal(place(), `one of the classes ${shown}${classes.length > 10 ? ", …" : ""}`, describeValue(cell)));
  };
}

function scaledReader({ mean, deviation }: NumberPreparation): ValueReader {
  return (cell, place) => {
    const value = numberOf(cell);
    if (value !== value) throw wrongKind(place(), "a number, as in the training data", cell);
    const scaled = (value - mean) / deviation;
    if (Math.abs(scaled) < F32_OVERFLOW) return scaled;
    throw new RangeError(refusal(place(), `a number less than 3.4e38 deviations (${deviation}) from the mean (${mean})`, describeValue(cell)));
  };
}

/** The factor that brings a measure of standardised values to the target's unit: 1 for the loss, which is reported as it is, and for r2. */
export function unitOf(measure: string, { deviation }: NumberPreparation): number {
  switch (measure) {
    case "meanAbsoluteError":
    case "rootMeanSquaredError":
      return deviation;
    case "meanSquaredError":
      return deviation * deviation;
    default:
      return 1;
  }
}

/** Metrics of standardised values in the unit of the target; those without a unit stay. */
function metricsInUnit(metrics: Readonly<Record<string, number>>, preparation: NumberPreparation): Record<string, number> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value * unitOf(name, preparation)]));
}

/** A report of fit with its metrics in the target's unit. */
export function reportInUnit(report: EpochReport, preparation: Preparation): EpochReport {
  if (preparation.task === "classification") return report;
  const metrics = metricsInUnit(report.metrics, preparation);
  const { validation } = report;
  return validation === undefined
    ? { ...report, metrics }
    : { ...report, metrics, validation: { ...validation, metrics: metricsInUnit(validation.metrics, preparation) } };
}
