// The folds of a cross-validation: the samples of one call dealt into parts by a seed, and for each fold what trains and what is held out, as
// data that `fit` and `evaluate` take. Who compares networks on the same folds makes them once and gives the parts to each.

import { at, checkBoolean, checkInteger } from "../check.js";
import { decisionRule, isClassifierLoss } from "../describe/losses.js";
import type { Loss } from "../describe/losses.js";
import type { ActivationSpec } from "../describe/activations.js";
import { ready } from "../engine/core.js";
import { permute } from "../random.js";
import { checkSamples, checkWeights } from "../samples.js";
import { checkTargetValues, checkTargets } from "../targets.js";
import { stratifiedFolds } from "./split.js";

/** What is dealt, and how. Values as the user gave them, checked by `dealFolds`. */
export interface FoldOptions {
  readonly inputs: unknown;
  readonly targets: unknown;
  readonly sampleWeights?: unknown;
  /** 5. */
  readonly folds?: unknown;
  /** Each fold gets its share of each class, where targets are classes; true. */
  readonly stratified?: unknown;
  /** 0. */
  readonly seed?: unknown;
}

/** What the networks that are trained on the folds look like. */
export interface FoldShape {
  readonly inputs: number;
  readonly outputs: number;
  readonly activation: ActivationSpec;
  readonly loss: Loss;
}

/** Samples with their targets: flat, row-major, or one class index a sample, as the data was given. */
export interface FoldPart {
  /** Their places in the data, ascending. */
  readonly indices: Uint32Array;
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
  readonly sampleWeights: Float32Array | undefined;
}

/** A fold: what trains, and what it is held out from. */
export interface Fold {
  readonly training: FoldPart;
  readonly validation: FoldPart;
}

/** Folds of checked data; the parts of each are copied out when it is its turn. */
export interface Folds {
  readonly count: number;
  fold(index: number): Fold;
}

/**
 * Deals the samples into folds, by the seed alone: the same data, number of folds and seed give the same folds in every engine.
 * @param subject names the call in messages
 * @throws {TypeError | RangeError} for data or options that are not allowed
 */
export async function dealFolds(subject: string, options: FoldOptions, { inputs: width, outputs, activation, loss }: FoldShape): Promise<Folds> {
  const { folds = 5, stratified = true, seed = 0 } = options;
  await ready();
  const samples = checkSamples("inputs", options.inputs, width);
  const targets = checkTargets("targets", options.targets, samples.count, outputs, { classIndices: loss.name === "crossEntropy" });
  checkTargetValues("targets", targets, loss);
  const weights = options.sampleWeights === undefined ? undefined : checkWeights(at(subject, "sampleWeights"), options.sampleWeights, samples.count);
  const count = checkInteger(at(subject, "folds"), folds, 2, Math.max(2, samples.count));
  const words = checkInteger(at(subject, "seed"), seed, 0, Number.MAX_SAFE_INTEGER);
  const hasClasses = isClassifierLoss(loss) && (outputs === 1 || decisionRule(loss.name, activation.name, outputs).argMax);
  const classes = checkBoolean(at(subject, "stratified"), stratified) && hasClasses
    ? Int32Array.from({ length: samples.count }, (_, index) => targets.classAt(index))
    : undefined;
  const parts = stratifiedFolds(samples.count, count, classes, permute(samples.count, words, "split", 0));

  const part = (indices: Uint32Array): FoldPart => {
    const inputsOf = new Float32Array(indices.length * width);
    const targetsOf = new Float32Array(indices.length * targets.width);
    indices.forEach((index, row) => {
      samples.readRow(index, inputsOf, row * width);
      targets.readRow(index, targetsOf, row * targets.width);
    });
    return { indices, inputs: inputsOf, targets: targetsOf, sampleWeights: weights && Float32Array.from(indices, (index) => weights[index]) };
  };
  return {
    count,
    fold(index) {
      const held = parts[index];
      const others = new Uint32Array(samples.count - held.length);
      for (let i = 0, next = 0, skipped = 0; i < samples.count; i++) {
        if (held[skipped] === i) skipped++;
        else others[next++] = i;
      }
      return { training: part(others), validation: part(held) };
    },
  };
}

/** The mean of some figures and their deviation from it, that of a population (divided by n), as numpy's std of scores. */
export function meanAndDeviation(values: readonly number[]): { readonly mean: number; readonly deviation: number } {
  let sum = 0;
  for (const value of values) sum += value;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) * (value - mean);
  return { mean, deviation: Math.sqrt(squares / values.length) };
}
