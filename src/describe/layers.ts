// Layers as the user describes them, and the options of Network.create: names, defaults and checks, without a byte of
// layout. What dense() returns is checked again by create, since any object may be put in its place.

import { at, checkBoolean, checkFinite, checkInteger, checkKeys, checkName, isArray, isPlainObject, refusal, wrongKind, wrongValue } from "../check.js";
import { resolveActivation } from "./activations.js";
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

/** One layer of a network, as dense() returns it; told apart by `kind`. */
export type LayerSpec = DenseSpec;

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

/** The options of Network.create. */
export interface NetworkOptions {
  /** The numbers in one sample, 1 to 2^24. */
  inputs: number;
  /** 1 to 1,000 layers, from the first to the output. */
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

const layerKinds: readonly LayerSpec["kind"][] = ["dense"];
const denseKeys = ["activation", "bias", "weightInit", "biasInit", "l1", "l2", "trainable"];

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

/** A layer spec checked anew, whoever made it. */
function checkLayer(subject: string, value: unknown): LayerSpec {
  if (!isPlainObject(value)) throw wrongKind(subject, "a layer made by dense()", value);
  const { kind, units, ...options } = checkKeys(subject, value, ["kind", "units", ...denseKeys]);
  checkName(at(subject, "kind"), kind, layerKinds);
  return makeDense(subject, units, options);
}

/** Two custom activations of one network have two names: a file knows them by those. */
function checkCustomNames(specs: readonly LayerSpec[]): void {
  const named = new Map<string, CustomActivation>();
  for (const [i, { activation }] of specs.entries()) {
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
  checkCustomNames(specs);
  specs.forEach(({ activation }, i) => {
    if (activation.name !== "softmax" || i === count - 1) return;
    const advice = `softmax is for the output layer only, here layers[${count - 1}]`;
    throw wrongValue(`layers[${i}].activation`, "an activation for a hidden layer", activation.name, advice);
  });
  return Object.freeze({
    inputs: checkedInputs,
    layers: Object.freeze(specs),
    seed: checkInteger("seed", seed, 0, Number.MAX_SAFE_INTEGER),
    simd: checkName("simd", simd, ["deterministic", "relaxed"]),
  });
}
