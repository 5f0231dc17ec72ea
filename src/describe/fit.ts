// The options of fit, and what fit reports: types, defaults and every check that needs no data. Lengths that depend on the
// data are checked where the data is.

import { at, checkBoolean, checkFinite, checkFunction, checkInteger, checkKeys, checkName, isArray, refusal, wrongKind, wrongValue } from "../check.js";
import { checkWeights } from "../samples.js";
import type { NumericArray, Samples, Targets } from "../samples.js";
import type { Diagnosis } from "./diagnosis.js";
import { resolveLoss } from "./losses.js";
import type { Loss, LossName } from "./losses.js";
import { metricNames, resolveMetrics } from "./metrics.js";
import type { Metric } from "./metrics.js";
import { resolveOptimizer } from "./optimizers.js";
import type { Optimizer, OptimizerName } from "./optimizers.js";

/** One step. */
export interface BatchReport {
  /** Counts from 1 in each fit. */
  readonly epoch: number;
  /** Counts from 1 in the epoch. */
  readonly step: number;
  /** Before the step, with the penalty. */
  readonly loss: number;
  readonly learningRate: number;
}

/** One epoch. */
export interface EpochReport {
  /** Counts from 1 in each fit. */
  readonly epoch: number;
  /** The mean of the batches' losses, each by its sum of weights. */
  readonly loss: number;
  readonly metrics: Record<string, number>;
  readonly validation?: { readonly loss: number; readonly metrics: Record<string, number> };
  readonly learningRate: number;
  readonly samplesPerSecond: number;
  /** Where `monitor` is true. */
  readonly diagnosis?: Diagnosis;
}

/** A finished fit. */
export interface History {
  readonly epochs: EpochReport[];
  /** By the monitored measure; 0 if no epoch ended. */
  readonly bestEpoch: number;
  readonly stopped: "completed" | "early" | "callback";
}

/** The options of fit. */
export interface FitOptions {
  /** Passes over the samples, from 1; 1. */
  epochs?: number;
  /** Samples a step, from 1; 32. The last batch of an epoch may be smaller. */
  batchSize?: number;
  /** That of the last fit, else adam(). The same kind with other numbers goes on with its slots and step count. */
  optimizer?: Optimizer | OptimizerName;
  /** That of the last fit, else what suits the output. */
  loss?: Loss | LossName;
  /** Each epoch in a new seeded order (true), or in the order given. */
  shuffle?: boolean;
  /** The share of samples held back for validation, from 0 to below 1, drawn by the seed alone; 0. Not with `validationData`. */
  validationSplit?: number;
  validationData?: readonly [inputs: Samples, targets: Targets];
  /** ["accuracy"] for classifiers, else none. */
  metrics?: readonly Metric[];
  /**
   * Stops `patience` epochs (from 0) after the best; better is by more than `minDelta` (≥ 0; 0) of `monitor` ("loss");
   * `restoreBest` (true) ends with the best weights.
   */
  earlyStopping?: { patience: number; minDelta?: number; monitor?: "loss" | Metric; restoreBest?: boolean };
  /** A weight ≥ 0 for each class, or "balanced": inverse to the class's share. */
  classWeights?: readonly number[] | "balanced";
  /** A weight ≥ 0 for each sample. */
  sampleWeights?: readonly number[] | NumericArray;
  /** The largest norm of all gradients together, or the largest magnitude of each; above 0. */
  gradientClip?: { norm: number; value?: undefined } | { value: number; norm?: undefined };
  /**
   * An exponential average of the weights after each step, average ← decay·average + (1 − decay)·weights, `decay` from 0 to below 1, begun
   * with the weights after the first step: used for validation and as the best weights, replaces the weights at the end. Callbacks see
   * the weights of training; frozen layers are not averaged.
   */
  averageWeights?: { decay: number };
  /** Threads, the caller's among them: 1 to 256 (each costs a worker of some 8 MB), or as many as help ("auto"). One where no more can be had. */
  threads?: number | "auto";
  /** A diagnosis in every EpochReport; false. */
  monitor?: boolean;
  /** Finish the fit that was interrupted; false. */
  resume?: boolean;
  /** False stops. */
  onEpoch?(report: EpochReport): void | false | Promise<void | false>;
  onBatch?(report: BatchReport): void;
  /** Rejects with the signal's reason, after the step in hand. */
  signal?: AbortSignal;
}

/** The checked options of fit with their defaults. What depends on the network or its last fit is undefined where it was not given. */
export interface CheckedFitOptions {
  readonly epochs: number;
  readonly batchSize: number;
  readonly optimizer: Optimizer | undefined;
  readonly loss: Loss | undefined;
  readonly shuffle: boolean;
  readonly validationSplit: number;
  /** Not looked into yet. */
  readonly validationData: readonly [inputs: unknown, targets: unknown] | undefined;
  readonly metrics: readonly Metric[] | undefined;
  readonly earlyStopping:
    | { readonly patience: number; readonly minDelta: number; readonly monitor: "loss" | Metric; readonly restoreBest: boolean }
    | undefined;
  /** A frozen copy; the length is not checked yet. */
  readonly classWeights: readonly number[] | "balanced" | undefined;
  /** What was given; the values are checked, the length is not yet. */
  readonly sampleWeights: readonly number[] | NumericArray | undefined;
  readonly gradientClip: { readonly norm: number } | { readonly value: number } | undefined;
  readonly averageWeights: { readonly decay: number } | undefined;
  readonly threads: number | "auto";
  readonly monitor: boolean;
  readonly resume: boolean;
  readonly onEpoch: ((report: EpochReport) => void | false | Promise<void | false>) | undefined;
  readonly onBatch: ((report: BatchReport) => void) | undefined;
  readonly signal: AbortSignal | undefined;
}

/** All option keys, in the order of the contract. */
export const fitOptionNames: readonly (keyof FitOptions)[] = Object.freeze([
  "epochs", "batchSize", "optimizer", "loss", "shuffle", "validationSplit", "validationData", "metrics", "earlyStopping", "classWeights", "sampleWeights",
  "gradientClip", "averageWeights", "threads", "monitor", "resume", "onEpoch", "onBatch", "signal",
] as const);

/** The most epochs or samples a batch, and the most epochs of patience: what an i32 holds. */
const LARGEST_COUNT = 2 ** 31 - 1;
const MOST_THREADS = 256;

/**
 * Checks the options of fit, whoever takes them (`subject` names the call in messages).
 * @throws {TypeError} for an option that does not exist or is of the wrong kind
 * @throws {RangeError} for a value that is not allowed
 */
export function checkFitOptions(options: unknown = {}, subject = "fit"): CheckedFitOptions {
  const given = checkKeys(subject, options, fitOptionNames);
  const { epochs = 1, batchSize = 32, shuffle = true, validationSplit = 0, threads = "auto", monitor = false, resume = false } = given;
  const check = <T>(key: string, checkValue: (value: unknown, place: string) => T): T | undefined =>
    given[key] === undefined ? undefined : checkValue(given[key], at(subject, key));

  const checked: CheckedFitOptions = {
    epochs: checkInteger(at(subject, "epochs"), epochs, 1, LARGEST_COUNT),
    batchSize: checkInteger(at(subject, "batchSize"), batchSize, 1, LARGEST_COUNT),
    optimizer: check("optimizer", resolveOptimizer),
    loss: check("loss", resolveLoss),
    shuffle: checkBoolean(at(subject, "shuffle"), shuffle),
    validationSplit: checkFinite(at(subject, "validationSplit"), validationSplit, { min: 0, below: 1 }),
    validationData: check("validationData", checkValidationData),
    metrics: check("metrics", resolveMetrics),
    earlyStopping: check("earlyStopping", checkEarlyStopping),
    classWeights: check("classWeights", checkClassWeights),
    sampleWeights: check("sampleWeights", (value, place) => checkWeights(place, value)),
    gradientClip: check("gradientClip", checkGradientClip),
    averageWeights: check("averageWeights", checkAverageWeights),
    threads: checkThreads(threads, at(subject, "threads")),
    monitor: checkBoolean(at(subject, "monitor"), monitor),
    resume: checkBoolean(at(subject, "resume"), resume),
    onEpoch: check("onEpoch", (value, place) => checkFunction<NonNullable<CheckedFitOptions["onEpoch"]>>(place, value)),
    onBatch: check("onBatch", (value, place) => checkFunction<NonNullable<CheckedFitOptions["onBatch"]>>(place, value)),
    signal: check("signal", checkSignal),
  };
  if (checked.validationSplit > 0 && checked.validationData !== undefined) {
    const expected = "validationSplit or validationData";
    throw new RangeError(refusal(subject, expected, "both", "Leave one of them out"));
  }
  return Object.freeze(checked);
}

function checkValidationData(value: unknown, subject: string): readonly [inputs: unknown, targets: unknown] {
  const expected = "[inputs, targets]";
  if (!isArray(value)) throw wrongKind(subject, expected, value);
  if (value.length !== 2) throw new RangeError(refusal(subject, expected, `an array of ${value.length}`));
  return Object.freeze([value[0], value[1]] as const);
}

function checkEarlyStopping(value: unknown, subject: string): NonNullable<CheckedFitOptions["earlyStopping"]> {
  const given = checkKeys(subject, value, ["patience", "minDelta", "monitor", "restoreBest"]);
  const { patience, minDelta = 0, monitor = "loss", restoreBest = true } = given;
  return Object.freeze({
    patience: checkInteger(at(subject, "patience"), patience, 0, LARGEST_COUNT),
    minDelta: checkFinite(at(subject, "minDelta"), minDelta, { min: 0 }),
    monitor: checkName(at(subject, "monitor"), monitor, ["loss", ...metricNames]),
    restoreBest: checkBoolean(at(subject, "restoreBest"), restoreBest),
  });
}

function checkClassWeights(value: unknown, subject: string): readonly number[] | "balanced" {
  if (value === "balanced") return value;
  if (typeof value === "string") throw wrongValue(subject, "'balanced' or an array with a weight for each class", value);
  const weights = checkWeights(subject, value);
  return Object.freeze(Array.from({ length: weights.length }, (_, i) => weights[i]));
}

function checkGradientClip(value: unknown, subject: string): { readonly norm: number } | { readonly value: number } {
  const given = checkKeys(subject, value, ["norm", "value"]);
  if ((given.norm === undefined) === (given.value === undefined)) {
    throw new RangeError(refusal(subject, "either norm or value", given.norm === undefined ? "neither" : "both"));
  }
  return given.norm !== undefined
    ? Object.freeze({ norm: checkFinite(at(subject, "norm"), given.norm, { above: 0 }) })
    : Object.freeze({ value: checkFinite(at(subject, "value"), given.value, { above: 0 }) });
}

function checkAverageWeights(value: unknown, subject: string): { readonly decay: number } {
  const { decay } = checkKeys(subject, value, ["decay"]);
  return Object.freeze({ decay: checkFinite(at(subject, "decay"), decay, { min: 0, below: 1 }) });
}

function checkThreads(value: unknown, subject: string): number | "auto" {
  if (value === "auto") return value;
  const expected = `'auto' or an integer from 1 to ${MOST_THREADS}`;
  if (typeof value !== "number" && typeof value !== "string") throw wrongKind(subject, expected, value);
  if (typeof value === "string" || !Number.isInteger(value) || value < 1 || value > MOST_THREADS) throw wrongValue(subject, expected, value);
  return value;
}

/** Anything that has what is used of an AbortSignal, of whatever realm or polyfill. */
function checkSignal(value: unknown, subject: string): AbortSignal {
  const signal = value as AbortSignal;
  const isSignal = typeof value === "object" && value !== null && typeof signal.aborted === "boolean" && typeof signal.addEventListener === "function";
  if (!isSignal) throw wrongKind(subject, "an AbortSignal", value, "Give the signal of an AbortController");
  return signal;
}
