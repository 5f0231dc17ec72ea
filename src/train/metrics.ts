// Measures of finished predictions: accuracy, precision, recall, F1, area under the ROC curve, and the errors of a regression.
//
// All are pure functions, in f64, over flat rows (samples × outputs) in a fixed order of summation, with + − × ÷ and the square root alone, so that they
// are the same in every engine. Wherever a quotient would be 0/0 it is 0. Definitions as in scikit-learn with average="macro" and zero_division=0.
//
// A task is one of three, told apart by outputs, loss and activation:
//   one output        two classes: 1 where the output passes its threshold
//   several           one class a sample, the arg max of the row, the first of equals; outputs and targets alike
//   several sigmoids  one yes or no an entry: every output has its own threshold
// Precision, recall and F1 come from true and false positives of each class against the rest; their mean over all classes, also those without a sample.

import { at, checkInteger, describeValue, isArray, refusal, typedArrayName, wrongKind, wrongValue } from "../check.js";
import type { ActivationSpec } from "../describe/activations.js";
import { decisionRule } from "../describe/losses.js";
import type { LossName } from "../describe/losses.js";
import type { Metric } from "../describe/metrics.js";
import { PIECE, finish, inPieces } from "../pieces.js";
import type { Pieces } from "../pieces.js";

/** The largest number of classes of a confusion matrix: 10,000 squared are 800 MB. */
const MAX_CLASSES = 10_000;

/** What the network's outputs mean: the names of the loss and of the last layer's activation. */
export interface OutputKind {
  readonly loss: LossName;
  readonly activation: ActivationSpec["name"];
}

/** Numbers as a user may give them: an array or a typed array other than of BigInts. */
export type Numbers =
  | readonly number[] | Float32Array | Float64Array | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array;

export interface ROCCurve {
  falsePositiveRates: number[];
  truePositiveRates: number[];
  thresholds: number[];
}

/**
 * How often each class was taken for each: row = true class, column = predicted class, both from 0 to count − 1. The diagonal is what was right.
 *
 * @param predictedClasses what `classify` gave, one class index a sample
 * @param classes the true class index of each sample
 * @param count the number of classes, 1 to 10,000
 * @throws {TypeError} if an argument is not an array of numbers
 * @throws {RangeError} if the lengths differ or an index is not below `count`
 * @example
 * confusionMatrix([0, 1, 1], [0, 1, 0], 2);   // [[1, 1], [0, 1]]: one sample of class 0 was taken for class 1
 */
export function confusionMatrix(predictedClasses: Numbers, classes: Numbers, count: number): number[][] {
  const classCount = checkInteger("confusionMatrix: count", count, 1, MAX_CLASSES);
  const predicted = copyNumbers("confusionMatrix: predictedClasses", predictedClasses);
  const actual = copyNumbers("confusionMatrix: classes", classes);
  if (predicted.length !== actual.length) {
    throw new RangeError(refusal("confusionMatrix: predictedClasses", `${actual.length} class indices, as many as classes`, `${predicted.length}`));
  }
  for (const [name, indices] of [["predictedClasses", predicted], ["classes", actual]] as const) {
    for (let i = 0; i < indices.length; i++) checkInteger(`confusionMatrix: ${name}[${i}]`, indices[i], 0, classCount - 1);
  }
  const matrix = Array.from({ length: classCount }, () => new Array<number>(classCount).fill(0));
  for (let i = 0; i < actual.length; i++) matrix[actual[i]][predicted[i]]++;
  return matrix;
}

/**
 * The receiver operating characteristic: for every threshold the share of the negatives (label 0) and of the positives (label 1) whose score is at
 * least the threshold. The thresholds are Infinity, where nothing passes, and then the distinct scores in descending order; equal scores pass together.
 * This is scikit-learn's `roc_curve` with drop_intermediate=False, but a rate without any sample of its label is 0.
 *
 * @param scores one finite number a sample, larger for the positive class
 * @param labels 0 or 1 a sample
 * @throws {TypeError} if an argument is not an array of numbers
 * @throws {RangeError} if the arrays are empty, their lengths differ, a score is not finite or a label is neither 0 nor 1
 * @example
 * rocCurve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]);
 * // { falsePositiveRates: [0, 0, 0.5, 0.5, 1], truePositiveRates: [0, 0.5, 0.5, 1, 1], thresholds: [Infinity, 0.8, 0.4, 0.35, 0.1] }
 */
export function rocCurve(scores: Numbers, labels: Numbers): ROCCurve {
  const values = copyNumbers("rocCurve: scores", scores);
  const marks = copyNumbers("rocCurve: labels", labels);
  if (values.length === 0) throw new RangeError(refusal("rocCurve: scores", "one score at least", "none"));
  if (values.length !== marks.length) throw new RangeError(refusal("rocCurve: labels", `${values.length} labels, as many as scores`, `${marks.length}`));
  for (let i = 0; i < values.length; i++) {
    if (values[i] - values[i] !== 0) throw wrongValue(`rocCurve: scores[${i}]`, "a finite number", values[i]);
    if (marks[i] !== 0 && marks[i] !== 1) throw wrongValue(`rocCurve: labels[${i}]`, "0 or 1", marks[i]);
  }
  const negatives = withLabel(values, marks, 0).sort();
  const positives = withLabel(values, marks, 1).sort();
  const curve: ROCCurve = { falsePositiveRates: [0], truePositiveRates: [0], thresholds: [Infinity] };
  let n = negatives.length;
  let p = positives.length;
  while (n > 0 || p > 0) {
    const threshold = n === 0 ? positives[p - 1] : p === 0 ? negatives[n - 1] : Math.max(negatives[n - 1], positives[p - 1]);
    while (n > 0 && negatives[n - 1] === threshold) n--;
    while (p > 0 && positives[p - 1] === threshold) p--;
    curve.falsePositiveRates.push(quotient(negatives.length - n, negatives.length));
    curve.truePositiveRates.push(quotient(positives.length - p, positives.length));
    curve.thresholds.push(threshold + 0);             // +0 for −0: Math.max and the sort tell them apart, the comparison does not
  }
  return curve;
}

/**
 * The named measures of a network's outputs against the targets.
 *
 * - `accuracy`: the share of samples (several sigmoid outputs: of entries) whose class is right.
 * - `precision` TP/(TP + FP), `recall` TP/(TP + FN), `f1` 2·TP/(2·TP + FP + FN): mean over all classes; of class 1 with one output.
 * - `auc`: the chance that a sample of the class scores above one of the rest, equal scores counted half; the mean over all classes, where one without
 *   samples, or without a rest, counts 0; of class 1 with one output. NaN where a score is NaN.
 * - `meanAbsoluteError`, `meanSquaredError`: over all entries; `rootMeanSquaredError` is the root of the latter.
 * - `r2`: 1 − Σ(t − p)² / Σ(t − t̄)² of each output, mean over outputs; 0 for an output whose targets are all equal.
 *
 * Without samples every measure is 0.
 *
 * @param outputs samples × outputCount, as `predict` gives them
 * @param targets samples × outputCount; class indices already expanded to rows
 * @throws {RangeError} for an unknown name or lengths that do not fit
 */
export function evaluateMetrics(
  names: readonly Metric[], outputs: Float32Array, targets: Float32Array, samples: number, outputCount: number, kind: OutputKind,
): Record<string, number> {
  return finish(metricsInPieces(names, outputs, targets, samples, outputCount, kind));
}

/** `evaluateMetrics` in pieces: one metric, of those by class one class, and for the area under the curve one of its sorts at a time. */
export function* metricsInPieces(
  names: readonly Metric[], outputs: Float32Array, targets: Float32Array, samples: number, outputCount: number, kind: OutputKind,
): Pieces<Record<string, number>> {
  for (const [name, rows] of [["outputs", outputs], ["targets", targets]] as const) {
    if (rows.length !== samples * outputCount) {
      throw new RangeError(refusal(at("metrics", name), `${samples} × ${outputCount} numbers`, `${rows.length}`));
    }
  }
  let classes: Classes | undefined;
  const values: Record<string, number> = {};
  for (const name of names) {
    switch (name) {
      case "accuracy":
      case "precision":
      case "recall":
      case "f1":
      case "auc":
        classes ??= yield* decideClasses(outputs, targets, samples, outputCount, kind);
        yield;
        values[name] = name === "accuracy" ? quotient(classes.right, classes.decisions) : yield* meanOverClasses(name, classes, outputs, samples, outputCount);
        break;
      case "meanAbsoluteError":
        values[name] = quotient(absoluteErrors(outputs, targets), outputs.length);
        break;
      case "meanSquaredError":
        values[name] = quotient(squaredErrors(outputs, targets), outputs.length);
        break;
      case "rootMeanSquaredError":
        values[name] = Math.sqrt(quotient(squaredErrors(outputs, targets), outputs.length));
        break;
      case "r2":
        values[name] = yield* r2(outputs, targets, samples, outputCount);
        break;
      default:
        throw new RangeError(refusal("metrics", "the name of a metric", describeValue(name)));
    }
    yield;
  }
  return values;
}

/** Every sample's part in every class that is measured: `actual` and `predicted` are samples × outputs of 0 and 1. */
interface Classes {
  readonly actual: Uint8Array;
  readonly predicted: Uint8Array;
  /** Decisions taken and those of them that were right. */
  readonly decisions: number;
  readonly right: number;
}

function* decideClasses(
  outputs: Float32Array, targets: Float32Array, samples: number, outputCount: number, { loss, activation }: OutputKind,
): Pieces<Classes> {
  const actual = new Uint8Array(outputs.length);
  const predicted = new Uint8Array(outputs.length);
  const { argMax, outputThreshold, targetThreshold } = decisionRule(loss, activation, outputCount);
  let right = 0;
  if (!argMax) {
    yield* inPieces(outputs.length, PIECE, (begin, end) => {
      for (let i = begin; i < end; i++) {
        predicted[i] = outputs[i] > outputThreshold ? 1 : 0;
        actual[i] = targets[i] > targetThreshold ? 1 : 0;
        if (predicted[i] === actual[i]) right++;
      }
    });
    return { actual, predicted, decisions: outputs.length, right };
  }
  yield* inPieces(samples, Math.max(1, Math.floor(PIECE / outputCount)), (begin, end) => {
    for (let row = begin * outputCount; row < end * outputCount; row += outputCount) {
      const guess = largest(outputs, row, outputCount);
      const truth = largest(targets, row, outputCount);
      predicted[guess] = 1;
      actual[truth] = 1;
      if (guess === truth) right++;
    }
  });
  return { actual, predicted, decisions: samples, right };
}

function* meanOverClasses(
  name: "precision" | "recall" | "f1" | "auc", classes: Classes, outputs: Float32Array, samples: number, outputCount: number,
): Pieces<number> {
  const { actual, predicted } = classes;
  let sum = 0;
  for (let k = 0; k < outputCount; k++) {
    if (k > 0) yield;
    if (name === "auc") {
      sum += yield* areaUnderCurve(column(outputs, k, samples, outputCount), column(actual, k, samples, outputCount));
      continue;
    }
    let hits = 0;                                                // true positives
    let guesses = 0;                                             // true and false positives
    let truths = 0;                                              // true positives and false negatives
    for (let i = k; i < actual.length; i += outputCount) {
      hits += predicted[i] & actual[i];
      guesses += predicted[i];
      truths += actual[i];
    }
    sum += name === "precision" ? quotient(hits, guesses) : name === "recall" ? quotient(hits, truths) : quotient(2 * hits, guesses + truths);
  }
  return quotient(sum, outputCount);
}

/** The Mann-Whitney statistic U / (positives · negatives): counted in half pairs, exact up to 2^53 of them. */
function* areaUnderCurve(scores: Float64Array, labels: Float64Array): Pieces<number> {
  for (let i = 0; i < scores.length; i++) if (scores[i] !== scores[i]) return NaN;
  yield;
  const negatives = yield* sortInPieces(withLabel(scores, labels, 0));
  yield;
  const positives = yield* sortInPieces(withLabel(scores, labels, 1));
  let below = 0;
  let upTo = 0;
  let halfPairs = 0;
  for (let i = 0; i < positives.length; i++) {
    const score = positives[i];
    while (below < negatives.length && negatives[below] < score) below++;
    while (upTo < negatives.length && negatives[upTo] <= score) upTo++;
    halfPairs += below + upTo;
    if (i % PIECE === PIECE - 1) yield;
  }
  return quotient(halfPairs, 2 * positives.length * negatives.length);
}

function* r2(outputs: Float32Array, targets: Float32Array, samples: number, outputCount: number): Pieces<number> {
  if (samples === 0) return 0;
  let sum = 0;
  for (let k = 0; k < outputCount; k++) {
    if (k > 0) yield;
    // Deviations from the first target: exactly 0 if all are equal, where a rounded mean would leave a remainder to divide by.
    const first = targets[k];
    let shift = 0;
    for (let i = k; i < targets.length; i += outputCount) shift += targets[i] - first;
    const mean = shift / samples;
    let residual = 0;
    let total = 0;
    for (let i = k; i < targets.length; i += outputCount) {
      const error = targets[i] - outputs[i];
      const deviation = targets[i] - first - mean;
      residual += error * error;
      total += deviation * deviation;
    }
    sum += total === 0 ? 0 : 1 - residual / total;
  }
  return sum / outputCount;
}

function absoluteErrors(outputs: Float32Array, targets: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < outputs.length; i++) sum += Math.abs(outputs[i] - targets[i]);
  return sum;
}

function squaredErrors(outputs: Float32Array, targets: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < outputs.length; i++) {
    const error = outputs[i] - targets[i];
    sum += error * error;
  }
  return sum;
}

/** a / b, and 0 where b is 0: no sample, no guess, no variation. */
function quotient(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}

/** The index of the largest of a row, the first of equals. */
function largest(values: Float32Array, begin: number, length: number): number {
  let best = begin;
  for (let i = begin + 1; i < begin + length; i++) {
    if (values[i] > values[best]) best = i;
  }
  return best;
}

function column(rows: Float32Array | Uint8Array, k: number, samples: number, outputCount: number): Float64Array {
  const values = new Float64Array(samples);
  for (let i = 0; i < samples; i++) values[i] = rows[i * outputCount + k];
  return values;
}

/** The scores with that label. */
function withLabel(scores: Float64Array, labels: Float64Array, label: number): Float64Array<ArrayBuffer> {
  let count = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === label) count++;
  const chosen = new Float64Array(count);
  let next = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === label) chosen[next++] = scores[i];
  return chosen;
}

/** Sorts in place, ascending: runs of a piece by the engine, then merges them by pairs. */
function* sortInPieces(values: Float64Array<ArrayBuffer>): Pieces<Float64Array> {
  yield* inPieces(values.length, PIECE, (begin, end) => void values.subarray(begin, end).sort());
  let from = values;
  let to = new Float64Array(values.length > PIECE ? values.length : 0);
  for (let run = PIECE; run < values.length; run *= 2) {
    for (let begin = 0; begin < values.length; begin += 2 * run) {
      const middle = Math.min(begin + run, values.length);
      const end = Math.min(begin + 2 * run, values.length);
      let left = begin;
      let right = middle;
      for (let next = begin; next < end; next += PIECE) {
        yield;
        for (let i = next; i < Math.min(next + PIECE, end); i++) {
          to[i] = right >= end || (left < middle && from[left] <= from[right]) ? from[left++] : from[right++];
        }
      }
    }
    [from, to] = [to, from];
  }
  return from;
}

function copyNumbers(subject: string, values: Numbers): Float64Array {
  const type = typedArrayName(values);
  if (type === undefined ? !isArray(values) : type.startsWith("Big")) throw wrongKind(subject, "an array of numbers", values);
  const copy = new Float64Array(values.length);
  for (let i = 0; i < copy.length; i++) {
    const value: unknown = values[i];
    if (typeof value !== "number") throw wrongKind(`${subject}[${i}]`, "a number", value);
    copy[i] = value;
  }
  return copy;
}
