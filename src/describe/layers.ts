// Layers as the user describes them, and the options of Network.create: names, defaults and checks, without a byte of
// layout. What dense() returns is checked again by create, since any object may be put in its place.

import { at, checkBoolean, checkFinite, checkInteger, checkKeys, checkName, isArray, isPlainObject, refusal, wrongKind, wrongValue } from "../check.js";
import { formatActivation, resolveActivation } from "./activations.js";
import type { ActivationName, ActivationSpec } from "./activations.js";
import type { CustomActivation } from "./customActivation.js";
import { defaultWeightInit, resolveInitializer } from "./initializers.js";
import type { Initializer, InitializerName } from "./initializers.js";

/** A dense layer with all its options. Frozen. */
export interface DenseSpec {
  readonly kind: "dense";
  readonly units: number;
  readonly activation: ActivationSpec;
  readonly bias: boolean;
  readonly weightInit: Initializer;
  readonly biasInit: Initializer;
  readonly l1: number;
  readonly l2: number;
  readonly trainable: boolean;
}

/** Zeroes a share of its inputs while training. Frozen. */
export interface DropoutSpec {
  readonly kind: "dropout";
  readonly rate: number;
}

/** Normalises each of its inputs over the batch. Frozen. */
export interface BatchNormSpec {
  readonly kind: "batchNorm";
  readonly momentum: number;
  readonly epsilon: number;
}

/** Normalises each sample over its inputs. Frozen. */
export interface LayerNormSpec {
  readonly kind: "layerNorm";
  readonly epsilon: number;
}

/** One layer of a network, as dense(), dropout(), batchNorm() and layerNorm() return it; told apart by `kind`. */
export type LayerSpec = DenseSpec | DropoutSpec | BatchNormSpec | LayerNormSpec;

/** What a layer is. */
export type LayerKind = LayerSpec["kind"];

/** The options of dense(). */
export interface DenseOptions {
  /** "linear" by default. */
  activation?: ActivationName | ActivationSpec | CustomActivation;
  /** Whether the layer has biases; true. */
  bias?: boolean;
  /** By default what suits the activation, see defaultWeightInit. */
  weightInit?: InitializerName | Initializer;
  /** "zeros" by default; orthogonal is for weights only. */
  biasInit?: InitializerName | Initializer;
  /** Penalty l1·Σ|w| on the weights, ≥ 0; 0. */
  l1?: number;
  /** Penalty l2·Σw² on the weights, ≥ 0; 0. */
  l2?: number;
  /** Whether training changes the layer; true. */
  trainable?: boolean;
}

/** The options of batchNorm(). */
export interface BatchNormOptions {
  /** The weight of the new batch in the running statistics, from 0 (they stay as they are) to 1 (they are the last batch's); 0.1. */
  momentum?: number;
  /** Added to the variance, above 0; 1e-5. */
  epsilon?: number;
}

/** The options of layerNorm(). */
export interface LayerNormOptions {
  /** Added to the variance, above 0; 1e-5. */
  epsilon?: number;
}

/** The options of Network.create. */
export interface NetworkOptions {
  /** The numbers in one sample, 1 to 2^24. */
  inputs: number;
  /** 1 to 1,000 layers, from the first to the output, at least one of them dense. */
  layers: LayerSpec[];
  /** An integer from 0 to 2^53 − 1; 0. */
  seed?: number;
  /** "deterministic" by default. */
  simd?: "deterministic" | "relaxed";
}

/** The checked options of Network.create, with all defaults. */
export interface NetworkDescription {
  readonly inputs: number;
  readonly layers: readonly LayerSpec[];
  readonly seed: number;
  readonly simd: "deterministic" | "relaxed";
}

/** The most inputs or units: integers up to here are exact in f32, so that a class index is. */
export const LARGEST_WIDTH = 2 ** 24;
const MOST_LAYERS = 1000;

const denseKeys = ["activation", "bias", "weightInit", "biasInit", "l1", "l2", "trainable"];
/** The kinds of layers, and what a spec of each has beside its kind. */
const layerKeys = {
  dense: ["units", ...denseKeys],
  dropout: ["rate"],
  batchNorm: ["momentum", "epsilon"],
  layerNorm: ["epsilon"],
} as const satisfies Record<LayerKind, readonly string[]>;
const layerKinds = Object.keys(layerKeys) as LayerKind[];

function makeDense(subject: string, units: unknown, options: unknown): DenseSpec {
  const checkedUnits = checkInteger(at(subject, "units"), units, 1, LARGEST_WIDTH);
  const given = checkKeys(subject, options, denseKeys);
  const activation = resolveActivation(given.activation === undefined ? "linear" : given.activation, at(subject, "activation"));
  const { bias = true, weightInit = defaultWeightInit(activation), biasInit = "zeros", l1 = 0, l2 = 0, trainable = true } = given;
  const checkedBiasInit = resolveInitializer(biasInit, at(subject, "biasInit"));
  if (checkedBiasInit.name === "orthogonal") {
    throw wrongValue(at(subject, "biasInit"), "an initialiser for a list of biases", "orthogonal", "orthogonal is for weights only");
  }
  return Object.freeze({
    kind: "dense",
    units: checkedUnits,
    activation,
    bias: checkBoolean(at(subject, "bias"), bias),
    weightInit: resolveInitializer(weightInit, at(subject, "weightInit")),
    biasInit: checkedBiasInit,
    l1: checkFinite(at(subject, "l1"), l1, { min: 0 }),
    l2: checkFinite(at(subject, "l2"), l2, { min: 0 }),
    trainable: checkBoolean(at(subject, "trainable"), trainable),
  });
}

/**
 * A layer in which each of `units` neurons (an integer from 1 to 2^24) sees every input: activation(W·x + b), W of units × inputs.
 * The second argument is the activation (by name or by a call, "linear" by default) or the options of DenseOptions.
 * @throws {TypeError | RangeError} for an option that does not exist or a value that is not allowed
 * @example dense(16, "relu")
 * @example dense(16, { activation: prelu({ shared: true }), bias: false, l2: 1e-4 })
 */
export function dense(units: number, activation?: ActivationName | ActivationSpec | CustomActivation): DenseSpec;
export function dense(units: number, options: DenseOptions): DenseSpec;
export function dense(units: number, second?: ActivationName | ActivationSpec | CustomActivation | DenseOptions, ...more: unknown[]): DenseSpec {
  if (more.length > 0) throw wrongKind("dense", "units, and an activation or options", more[0], "Write dense(units, { activation, …options })");
  if (second === undefined) return makeDense("dense", units, {});
  const isOptions = isPlainObject(second) && !Object.hasOwn(second, "name");
  return makeDense("dense", units, isOptions ? second : { activation: second });
}

function makeDropout(subject: string, rate: unknown): DropoutSpec {
  return Object.freeze({ kind: "dropout", rate: checkFinite(at(subject, "rate"), rate, { min: 0, below: 1 }) });
}

function makeBatchNorm(subject: string, options: unknown): BatchNormSpec {
  const { momentum = 0.1, epsilon = 1e-5 } = checkKeys(subject, options, layerKeys.batchNorm);
  return Object.freeze({
    kind: "batchNorm",
    momentum: checkFinite(at(subject, "momentum"), momentum, { min: 0, max: 1 }),
    epsilon: checkFinite(at(subject, "epsilon"), epsilon, { above: 0 }),
  });
}

function makeLayerNorm(subject: string, options: unknown): LayerNormSpec {
  const { epsilon = 1e-5 } = checkKeys(subject, options, layerKeys.layerNorm);
  return Object.freeze({ kind: "layerNorm", epsilon: checkFinite(at(subject, "epsilon"), epsilon, { above: 0 }) });
}

/** Refuses what stands behind the last argument of a call. */
function checkEnd(name: string, expected: string, more: readonly unknown[], advice: string): void {
  if (more.length > 0) throw wrongKind(name, expected, more[0], advice);
}

/**
 * While training, each of the layer's inputs is 0 with probability `rate` (from 0 to below 1) and else divided by 1 − rate, so that its
 * expectation stays (inverted dropout, Srivastava et al. 2014); outside training they pass as they are. What is dropped is a function of
 * the network's seed, the epoch, the step, the layer and the place in the batch: the same for every number of threads, and in a fit that is resumed.
 * @throws {TypeError | RangeError} for a rate that is not allowed
 * @example layers: [dense(64, "relu"), dropout(0.5), dense(3, "softmax")]
 */
export function dropout(rate: number): DropoutSpec;
export function dropout(rate: number, ...more: unknown[]): DropoutSpec {
  checkEnd("dropout", "a rate alone", more, "Write dropout(rate)");
  return makeDropout("dropout", rate);
}

/**
 * y = gain·(x − mean) / √(variance + epsilon) + shift for each input, with gain (1 at first) and shift (0) learned; Ioffe and Szegedy 2015.
 * While training, mean and biased variance are the batch's, and running ones follow: running ← (1 − momentum)·running + momentum·new, the
 * new variance unbiased, as in PyTorch. Outside training the running ones (mean 0 and variance 1 at first) take their place. A batch of a
 * single sample, which has no variance (PyTorch refuses it), is normalised by the running ones and leaves them as they are, so that
 * the last batch of an epoch may have one. Sample weights do not count in mean and variance.
 * @param options momentum: the weight of the new batch, from 0 to 1 as in PyTorch, where 1 leaves the last batch's alone, 0.1; epsilon: above 0, 1e-5
 * @throws {TypeError | RangeError} for an option that does not exist or a value that is not allowed
 * @example layers: [dense(64, "relu"), batchNorm(), dense(3, "softmax")]
 */
export function batchNorm(options?: BatchNormOptions): BatchNormSpec;
export function batchNorm(options: BatchNormOptions = {}, ...more: unknown[]): BatchNormSpec {
  checkEnd("batchNorm", "options alone", more, "Write batchNorm({ momentum, epsilon })");
  return makeBatchNorm("batchNorm", options);
}

/**
 * y_j = gain_j·(x_j − mean) / √(variance + epsilon) + shift_j with mean and biased variance of one sample's inputs, in training and outside
 * of it alike, and gain (1 at first) and shift (0) learned for each input; Ba, Kiros and Hinton 2016. Of a single input nothing but the shift is left.
 * @param options epsilon: above 0, 1e-5
 * @throws {TypeError | RangeError} for an option that does not exist or a value that is not allowed
 * @example layers: [dense(64, "gelu"), layerNorm(), dense(3, "softmax")]
 */
export function layerNorm(options?: LayerNormOptions): LayerNormSpec;
export function layerNorm(options: LayerNormOptions = {}, ...more: unknown[]): LayerNormSpec {
  checkEnd("layerNorm", "options alone", more, "Write layerNorm({ epsilon })");
  return makeLayerNorm("layerNorm", options);
}

/** A layer spec checked anew, whoever made it. */
function checkLayer(subject: string, value: unknown): LayerSpec {
  if (!isPlainObject(value)) throw wrongKind(subject, "a layer made by dense(), dropout(), batchNorm() or layerNorm()", value);
  const given = checkKeys(subject, value, ["kind", ...new Set<string>(Object.values(layerKeys).flat())]);
  const kind = checkName(at(subject, "kind"), given.kind, layerKinds);
  const { kind: _, ...options } = checkKeys(subject, given, ["kind", ...layerKeys[kind]]);
  switch (kind) {
    case "dense": {
      const { units, ...rest } = options;
      return makeDense(subject, units, rest);
    }
    case "dropout": return makeDropout(subject, options.rate);
    case "batchNorm": return makeBatchNorm(subject, options);
    case "layerNorm": return makeLayerNorm(subject, options);
  }
}

const noActivation: ActivationSpec = resolveActivation("linear", "activation");

/** The activation of a layer: linear for one that is not dense. */
export function activationOf(spec: LayerSpec): ActivationSpec {
  return spec.kind === "dense" ? spec.activation : noActivation;
}

/** What a layer does, in a word: a dense one's activation, another's kind. */
export function formatLayer(spec: LayerSpec): string {
  return spec.kind === "dense" ? formatActivation(spec.activation) : spec.kind;
}

/** The activation of a network's outputs, by which losses are chosen: that of the last layer, linear if it is not dense. */
export function outputActivationOf(layers: readonly LayerSpec[]): ActivationSpec {
  return activationOf(layers[layers.length - 1]);
}

/** Two custom activations of one network have two names: a file knows them by those. */
function checkCustomNames(specs: readonly LayerSpec[]): void {
  const named = new Map<string, CustomActivation>();
  for (const [i, spec] of specs.entries()) {
    const activation = activationOf(spec);
    if (activation.name !== "custom") continue;
    const { custom, custom: { name } } = activation;
    const first = named.get(name) ?? custom;
    named.set(name, first);
    if (first.forward === custom.forward && first.derivative === custom.derivative) continue;
    throw wrongValue(`layers[${i}].activation.name`, "a name for each custom activation", name, "Another layer has other functions under it");
  }
}

/**
 * Checks the options of Network.create.
 * @throws {TypeError | RangeError} naming the place, such as `layers[2].units`
 */
export function checkNetwork(options: unknown): NetworkDescription {
  const { inputs, layers, seed = 0, simd = "deterministic" } = checkKeys("create", options, ["inputs", "layers", "seed", "simd"]);
  const checkedInputs = checkInteger("inputs", inputs, 1, LARGEST_WIDTH);
  if (!isArray(layers)) throw wrongKind("layers", "an array of layers", layers);
  const count = layers.length;
  if (count < 1 || count > MOST_LAYERS) throw new RangeError(refusal("layers", `1 to ${MOST_LAYERS} layers`, String(count)));
  const specs: LayerSpec[] = [];
  for (let i = 0; i < count; i++) specs.push(checkLayer(`layers[${i}]`, layers[i]));
  if (!specs.some(({ kind }) => kind === "dense")) {
    throw new RangeError(refusal("layers", "at least one dense layer", `${count} of other kinds`, "Add dense(units)"));
  }
  checkCustomNames(specs);
  specs.forEach((spec, i) => {
    if (activationOf(spec).name !== "softmax" || i === count - 1) return;
    const behind = specs.slice(i + 1).every(({ kind }) => kind !== "dense");
    const advice = behind
      ? `softmax is for the output layer only: with ${specs[i + 1].kind} behind it the outputs would be no distribution. Put that before this layer`
      : `softmax is for the output layer only, here layers[${count - 1}]`;
    throw wrongValue(`layers[${i}].activation`, "an activation for a hidden layer", "softmax", advice);
  });
  return Object.freeze({
    inputs: checkedInputs,
    layers: Object.freeze(specs),
    seed: checkInteger("seed", seed, 0, Number.MAX_SAFE_INTEGER),
    simd: checkName("simd", simd, ["deterministic", "relaxed"]),
  });
}
