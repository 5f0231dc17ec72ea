// Losses as the user names them: names, parameters with defaults, checks, and which loss goes with which output. Each is a
// mean over samples, and over outputs too for all but crossEntropy and klDivergence (a sum over outputs). The kernels are
// in assembly/losses.ts.

import { at, checkFinite, checkKeys, splitSpec, wrongValue } from "../check.js";
import { formatActivation } from "./activations.js";
import type { ActivationSpec } from "./activations.js";

type PlainLossName =
  | "meanSquaredError" | "meanAbsoluteError" | "logCosh" | "binaryCrossEntropy" | "hinge" | "poisson" | "klDivergence";

/** A loss with all its parameters. Frozen. */
export type Loss =
  | { readonly [N in PlainLossName]: { readonly name: N } }[PlainLossName]
  | { readonly name: "huber"; readonly delta: number }
  | { readonly name: "crossEntropy"; readonly labelSmoothing: number };

/** The name of a loss. */
export type LossName = Loss["name"];

type Spec<N extends LossName> = Extract<Loss, { readonly name: N }>;
type NoOptions = Record<string, never>;

/** The names in the order of the contract. */
export const lossNames: readonly LossName[] = Object.freeze([
  "meanSquaredError", "meanAbsoluteError", "huber", "logCosh", "binaryCrossEntropy", "crossEntropy", "hinge", "poisson", "klDivergence",
] as const);

function makePlain<N extends PlainLossName>(subject: string, name: N, options: unknown): Spec<N> {
  checkKeys(subject, options, []);
  return Object.freeze({ name }) as Spec<N>;
}

function makeHuber(subject: string, options: unknown): Spec<"huber"> {
  const { delta = 1 } = checkKeys(subject, options, ["delta"]);
  return Object.freeze({ name: "huber", delta: checkFinite(at(subject, "delta"), delta, { above: 0 }) });
}

function makeCrossEntropy(subject: string, options: unknown): Spec<"crossEntropy"> {
  const { labelSmoothing = 0 } = checkKeys(subject, options, ["labelSmoothing"]);
  return Object.freeze({ name: "crossEntropy", labelSmoothing: checkFinite(at(subject, "labelSmoothing"), labelSmoothing, { min: 0, below: 1 }) });
}

/** (p − t)². */
export function meanSquaredError(options: NoOptions = {}): Spec<"meanSquaredError"> {
  return makePlain("meanSquaredError", "meanSquaredError", options);
}

/** |p − t|. */
export function meanAbsoluteError(options: NoOptions = {}): Spec<"meanAbsoluteError"> {
  return makePlain("meanAbsoluteError", "meanAbsoluteError", options);
}

/**
 * With d = |p − t|: d²/2 up to `delta` (above 0; 1), delta·(d − delta/2) beyond, as PyTorch's huber_loss.
 * @throws {TypeError | RangeError} for an unknown option, or a delta that is not a finite number above 0
 * @example network.fit(inputs, targets, { loss: huber({ delta: 0.5 }) })
 */
export function huber(options: { delta?: number } = {}): Spec<"huber"> {
  return makeHuber("huber", options);
}

/** ln(cosh(p − t)). */
export function logCosh(options: NoOptions = {}): Spec<"logCosh"> {
  return makePlain("logCosh", "logCosh", options);
}

/** −t·ln p − (1 − t)·ln(1 − p), t from 0 to 1. */
export function binaryCrossEntropy(options: NoOptions = {}): Spec<"binaryCrossEntropy"> {
  return makePlain("binaryCrossEntropy", "binaryCrossEntropy", options);
}

/**
 * −Σ t·ln p over the outputs, after a softmax output only; targets are class indices or rows of numbers ≥ 0.
 * `labelSmoothing` s (0 to below 1; 0) turns a target t into (1 − s)·t + s/outputs; PyTorch takes 1 too, which leaves nothing of the labels.
 * @throws {TypeError | RangeError} for an unknown option, or a smoothing that is not from 0 to below 1
 * @example network.fit(inputs, labels, { loss: crossEntropy({ labelSmoothing: 0.1 }) })
 */
export function crossEntropy(options: { labelSmoothing?: number } = {}): Spec<"crossEntropy"> {
  return makeCrossEntropy("crossEntropy", options);
}

/** max(0, 1 − t·p), t = ±1. */
export function hinge(options: NoOptions = {}): Spec<"hinge"> {
  return makePlain("hinge", "hinge", options);
}

/** p − t·ln p, for p > 0 and t ≥ 0. */
export function poisson(options: NoOptions = {}): Spec<"poisson"> {
  return makePlain("poisson", "poisson", options);
}

/** Σ t·ln(t/p) over the outputs, t ≥ 0. */
export function klDivergence(options: NoOptions = {}): Spec<"klDivergence"> {
  return makePlain("klDivergence", "klDivergence", options);
}

/** The loss that a name or a spec stands for, checked anew and with all parameters. */
export function resolveLoss(value: unknown, subject: string): Loss {
  const { name, options } = splitSpec(subject, value, lossNames);
  if (name === "huber") return makeHuber(subject, options);
  if (name === "crossEntropy") return makeCrossEntropy(subject, options);
  return makePlain(subject, name, options);
}

/** The loss of an output unless the user says: crossEntropy after softmax, binaryCrossEntropy after sigmoid, else meanSquaredError. */
export function defaultLoss(outputActivation: ActivationSpec): Loss {
  switch (outputActivation.name) {
    case "softmax":
      return crossEntropy();
    case "sigmoid":
      return binaryCrossEntropy();
    default:
      return meanSquaredError();
  }
}

/** Checks that the loss can follow the output's activation. @throws {RangeError} for crossEntropy after anything but softmax */
export function checkLossFits(loss: Loss, outputActivation: ActivationSpec, subject: string): void {
  if (loss.name !== "crossEntropy" || outputActivation.name === "softmax") return;
  const activation = formatActivation(outputActivation);
  const advice = "crossEntropy needs a softmax output; 'binaryCrossEntropy' is for sigmoid outputs";
  throw wrongValue(subject, `a loss that fits the output activation '${activation}'`, loss.name, advice);
}

/** Whether a network with this loss is a classifier: a cross-entropy or hinge. */
export function isClassifierLoss(loss: Loss): boolean {
  return loss.name === "crossEntropy" || loss.name === "binaryCrossEntropy" || loss.name === "hinge";
}

/** How outputs and targets are read as classes: by their greatest, or each output by a threshold that it must exceed. */
export interface DecisionRule {
  readonly argMax: boolean;
  readonly outputThreshold: number;
  readonly targetThreshold: number;
}

/**
 * One output decides between two classes, several sigmoids answer yes or no each, and of any other outputs the greatest is
 * the class. A sigmoid (also the hard one) is taken at 1/2, anything else at 0; targets at 1/2, those of hinge (±1) at 0.
 */
export function decisionRule(loss: LossName, outputActivation: ActivationSpec["name"], outputs: number): DecisionRule {
  const bounded = outputActivation === "sigmoid" || outputActivation === "hardSigmoid";
  return { argMax: outputs > 1 && !bounded, outputThreshold: bounded ? 0.5 : 0, targetThreshold: loss === "hinge" ? 0 : 0.5 };
}

/** Whether the loss is a mean over outputs too. */
export function meansOverOutputs(loss: Loss): boolean {
  return loss.name !== "crossEntropy" && loss.name !== "klDivergence";
}
