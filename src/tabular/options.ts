// The options of Tabular.train: defaults, and every check that needs no data. What `fit` takes is checked by fit's own check.

import { at, checkFinite, checkInteger, checkKeys, checkName, F32_OVERFLOW, refusal, wrongKind } from "../check.js";
import { resolveActivation } from "../describe/activations.js";
import type { ActivationName, ActivationSpec } from "../describe/activations.js";
import { checkFitOptions, fitOptionNames } from "../describe/fit.js";
import type { CheckedFitOptions, FitOptions } from "../describe/fit.js";
import { LARGEST_WIDTH } from "../describe/layers.js";
import { adam, resolveOptimizer } from "../describe/optimizers.js";
import type { Optimizer } from "../describe/optimizers.js";
import type { Schedule } from "../describe/schedules.js";
import type { Task } from "./target.js";

/**
 * The options of Tabular.train: those of `fit`, with defaults for tables, and the description of the network. The validation
 * part is drawn by Tabular, so there is no `validationData`, and no `resume`, which is for `model.network`.
 */
export interface TabularOptions extends Omit<FitOptions, "validationData" | "resume"> {
  /** The name of the column to learn. */
  target: string;
  /** "classification" where the target is text, boolean or at most 20 distinct integers, else "regression". */
  task?: Task;
  /** The units of the hidden layers, 0 to 20 of them; [64, 32]. */
  hidden?: readonly number[];
  /** Of the hidden layers; "relu". */
  activation?: ActivationName | ActivationSpec;
  /** Of the optimizer, where that is given by its name or not at all; 0.001 for adam. Above 0. */
  learningRate?: number | Schedule;
  /**
   * Penalty l2·Σw² on all weights, ≥ 0; 1 / the number of training rows, so that it counts less the more data there is, and
   * a sixteenth of that with sigmoid and hardSigmoid.
   */
  l2?: number;
  /** Share of each hidden layer's outputs that training leaves out at random, from 0 to below 1; 0. */
  dropout?: number;
  /** Epochs without improvement after which training stops and goes back to the best; 20. Not with `earlyStopping`. */
  patience?: number;
  /** Draws the split, the weights and the order: an integer from 0 to 2^53 − 1; 1. */
  seed?: number;
}

/** The checked options with their defaults. */
export interface CheckedTabularOptions {
  readonly target: string;
  readonly task: Task | undefined;
  readonly hidden: readonly number[];
  readonly activation: ActivationSpec;
  /** Undefined for the default, which depends on the number of training rows. */
  readonly l2: number | undefined;
  readonly dropout: number;
  readonly seed: number;
  /** Of fit, its validation split and sample weights taken out. */
  readonly fit: CheckedFitOptions;
  readonly validationSplit: number;
  /** The length is not checked yet. */
  readonly sampleWeights: CheckedFitOptions["sampleWeights"];
}

/** Defaults of Tabular.train and of the command, where they differ from fit's. Measured: bench/tabular.md. */
export const tabularDefaults = Object.freeze({
  hidden: Object.freeze([64, 32]),
  activation: "relu",
  epochs: 200,
  validationSplit: 0.1,
  patience: 20,
  seed: 1,
} as const);

/** What the hidden layers' activation decides where the options leave it open. */
export interface ActivationDefaults {
  /** Their weights start within ± this times Glorot's bound √(6 / (inputs + units)). */
  readonly start: number;
  /** The default l2 times the training rows. */
  readonly penalty: number;
  readonly gradientClip?: { readonly norm: number };
}

const plainDefaults: ActivationDefaults = Object.freeze({ start: 1, penalty: 1 });
/**
 * Around 0 a sigmoid is a line of slope 1/4. So its weights start 4 times as large (Glorot and Bengio 2010,
 * https://proceedings.mlr.press/v9/glorot10a.html), and their squares, 16 times as large for the same function, count for 1/16;
 * with the penalty of the others the weights shrink to a network that always says the same.
 */
const sigmoidDefaults: ActivationDefaults = Object.freeze({ start: 4, penalty: 1 / 16 });
/** e^(e^z) leaves the range of f32 at z = 4.5: a small start, and no long steps. */
const exponentialDefaults: ActivationDefaults = Object.freeze({ start: 0.25, penalty: 1, gradientClip: Object.freeze({ norm: 0.1 }) });

/** The defaults for hidden layers with that activation. Measured: bench/tabular.md. */
export function activationDefaults(name: ActivationSpec["name"]): ActivationDefaults {
  switch (name) {
    case "sigmoid":
    case "hardSigmoid":
      return sigmoidDefaults;
    case "exponential":
      return exponentialDefaults;
    default:
      return plainDefaults;
  }
}

const MOST_HIDDEN = 20;
const ownKeys = ["target", "task", "hidden", "activation", "learningRate", "l2", "dropout", "patience", "seed"];
const fitKeys: readonly string[] = fitOptionNames.filter((name) => name !== "validationData" && name !== "resume");

/**
 * Checks the options of Tabular.train.
 * @throws {TypeError | RangeError} naming the option
 */
export function checkTabularOptions(options: unknown, subject = "train"): CheckedTabularOptions {
  const given = checkKeys(subject, options, [...ownKeys, ...fitKeys]);
  const place = (key: string): string => at(subject, key);
  const { target, task, hidden = tabularDefaults.hidden, activation = tabularDefaults.activation, l2, dropout = 0, seed = tabularDefaults.seed } = given;
  if (typeof target !== "string") throw wrongKind(place("target"), "the name of a column", target);
  const checkedActivation = resolveActivation(activation, place("activation"));
  if (checkedActivation.name === "softmax") {
    throw new RangeError(refusal(place("activation"), "an activation for hidden layers", "'softmax'", "The output layer has it anyway"));
  }
  const checkedHidden = checkHidden(hidden, place("hidden"));
  const { validationSplit = tabularDefaults.validationSplit, sampleWeights, patience, ...rest } = Object.fromEntries(
    Object.entries(given).filter(([key]) => fitKeys.includes(key) || key === "patience"),
  );
  if (patience !== undefined && rest.earlyStopping !== undefined) {
    throw new RangeError(refusal(subject, "patience or earlyStopping", "both", "Leave one of them out"));
  }
  const fit = checkFitOptions({
    ...rest,
    gradientClip: rest.gradientClip ?? clipOf(checkedHidden, checkedActivation),
    epochs: rest.epochs ?? tabularDefaults.epochs,
    optimizer: chooseOptimizer(given.optimizer, given.learningRate, subject),
    earlyStopping: rest.earlyStopping ?? { patience: checkInteger(place("patience"), patience ?? tabularDefaults.patience, 0, 2 ** 31 - 1) },
    validationSplit,
    sampleWeights,
  }, subject);
  return {
    target,
    task: task === undefined ? undefined : checkName(place("task"), task, ["classification", "regression"] as const),
    hidden: checkedHidden,
    activation: checkedActivation,
    l2: l2 === undefined ? undefined : checkFinite(place("l2"), l2, { min: 0 }),
    dropout: checkFinite(place("dropout"), dropout, { min: 0, below: 1 }),
    seed: checkInteger(place("seed"), seed, 0, Number.MAX_SAFE_INTEGER),
    fit: { ...fit, validationSplit: 0, sampleWeights: undefined },
    validationSplit: fit.validationSplit,
    sampleWeights: fit.sampleWeights,
  };
}

function checkHidden(value: unknown, subject: string): readonly number[] {
  if (!Array.isArray(value)) throw wrongKind(subject, "an array with the units of each hidden layer", value);
  if (value.length > MOST_HIDDEN) throw new RangeError(refusal(subject, `at most ${MOST_HIDDEN} layers`, `${value.length}`));
  return Array.from(value, (units, i) => checkInteger(`${subject}[${i}]`, units, 1, LARGEST_WIDTH));
}

function clipOf(hidden: readonly number[], activation: ActivationSpec): { readonly norm: number } | undefined {
  return hidden.length === 0 ? undefined : activationDefaults(activation.name).gradientClip;
}

function chooseOptimizer(optimizer: unknown, learningRate: unknown, subject: string): Optimizer {
  const place = at(subject, "optimizer");
  if (learningRate === undefined) return optimizer === undefined ? adam() : resolveOptimizer(optimizer, place);
  if (optimizer !== undefined && typeof optimizer !== "string") {
    throw new RangeError(refusal(subject, "learningRate beside an optimizer's name", "an optimizer with a rate of its own", "Leave one of them out"));
  }
  if (typeof learningRate === "number") checkFinite(at(subject, "learningRate"), learningRate, { above: 0, below: F32_OVERFLOW });
  return resolveOptimizer({ name: optimizer ?? "adam", learningRate }, place);
}
