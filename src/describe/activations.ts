// Activation functions as the user names them: names, parameters with defaults, checks, and the record of what is known of
// each. A parameterless one is given by its name ("relu") or a call (relu()), one with parameters by a call (prelu({ … })).
// The kernels are in assembly/activations.ts; a new activation is a kernel pair there and a record here.

import { ActivationCode } from "../../assembly/codes.js";
import { at, checkBoolean, checkFinite, checkKeys, checkName, isArray, isPlainObject, splitSpec, wrongKind, wrongValue } from "../check.js";
import { checkCustom } from "./customActivation.js";
import type { CustomActivation, CustomSpec } from "./customActivation.js";
import { activationFacts } from "./facts.js";
import type { ActivationFacts } from "./facts.js";

/** The activations without parameters. */
type PlainActivationName =
  | "linear" | "sigmoid" | "tanh" | "relu" | "softmax" | "selu" | "silu" | "mish"
  | "softplus" | "softsign" | "relu6" | "hardSigmoid" | "hardTanh" | "exponential";

type PlainActivationSpec = { readonly [N in PlainActivationName]: { readonly name: N } }[PlainActivationName];

/** An activation with all its parameters. Frozen. */
export type ActivationSpec =
  | PlainActivationSpec
  | { readonly name: "leakyRelu"; readonly slope: number }
  | { readonly name: "prelu"; readonly initialSlope: number; readonly shared: boolean }
  | { readonly name: "elu"; readonly alpha: number }
  | { readonly name: "gelu"; readonly approximate: "none" | "tanh" }
  | CustomSpec;

/** The name of an activation. */
export type ActivationName = Exclude<ActivationSpec["name"], "custom">;

type Spec<N extends ActivationName> = Extract<ActivationSpec, { readonly name: N }>;
type NoOptions = Record<string, never>;

/** The names in the order of the contract and of the core's codes. */
export const activationNames: readonly ActivationName[] = Object.freeze([
  "linear", "sigmoid", "tanh", "relu", "leakyRelu", "prelu", "softmax", "elu", "selu", "gelu", "silu", "mish",
  "softplus", "softsign", "relu6", "hardSigmoid", "hardTanh", "exponential",
] as const);

/** From checked or unchecked options to the frozen spec, one function for each name. */
const makers: { readonly [N in ActivationName]: (subject: string, options: unknown) => Spec<N> } = {
  linear: plain("linear"),
  sigmoid: plain("sigmoid"),
  tanh: plain("tanh"),
  relu: plain("relu"),
  leakyRelu(subject, options) {
    const { slope = 0.01 } = checkKeys(subject, options, ["slope"]);
    return Object.freeze({ name: "leakyRelu", slope: checkFinite(at(subject, "slope"), slope) });
  },
  prelu(subject, options) {
    const { initialSlope = 0.25, shared = false } = checkKeys(subject, options, ["initialSlope", "shared"]);
    return Object.freeze({
      name: "prelu",
      initialSlope: checkFinite(at(subject, "initialSlope"), initialSlope),
      shared: checkBoolean(at(subject, "shared"), shared),
    });
  },
  softmax: plain("softmax"),
  elu(subject, options) {
    const { alpha = 1 } = checkKeys(subject, options, ["alpha"]);
    return Object.freeze({ name: "elu", alpha: checkFinite(at(subject, "alpha"), alpha) });
  },
  selu: plain("selu"),
  gelu(subject, options) {
    const { approximate = "none" } = checkKeys(subject, options, ["approximate"]);
    return Object.freeze({ name: "gelu", approximate: checkName(at(subject, "approximate"), approximate, ["none", "tanh"]) });
  },
  silu: plain("silu"),
  mish: plain("mish"),
  softplus: plain("softplus"),
  softsign: plain("softsign"),
  relu6: plain("relu6"),
  hardSigmoid: plain("hardSigmoid"),
  hardTanh: plain("hardTanh"),
  exponential: plain("exponential"),
};

function plain<N extends PlainActivationName>(name: N): (subject: string, options: unknown) => Spec<N> {
  return (subject, options) => {
    checkKeys(subject, options, []);
    return Object.freeze({ name }) as Spec<N>;
  };
}

/** f(z) = z. */
export function linear(options: NoOptions = {}): Spec<"linear"> {
  return makers.linear("linear", options);
}

/** f(z) = 1 / (1 + e^−z), between 0 and 1. */
export function sigmoid(options: NoOptions = {}): Spec<"sigmoid"> {
  return makers.sigmoid("sigmoid", options);
}

/** f(z) = tanh z, between −1 and 1. */
export function tanh(options: NoOptions = {}): Spec<"tanh"> {
  return makers.tanh("tanh", options);
}

/** f(z) = max(0, z). The derivative at 0 is 0. */
export function relu(options: NoOptions = {}): Spec<"relu"> {
  return makers.relu("relu", options);
}

/**
 * f(z) = z > 0 ? z : slope·z, with a fixed `slope` (any finite number, 0.01). The derivative at 0 is `slope`.
 * @throws {TypeError | RangeError} for an unknown option, or a slope that is no finite number
 * @example dense(16, leakyRelu({ slope: 0.1 }))
 */
export function leakyRelu(options: { slope?: number } = {}): Spec<"leakyRelu"> {
  return makers.leakyRelu("leakyRelu", options);
}

/**
 * f(z) = z > 0 ? z : slope·z, where the slope is learned (He et al. 2015, https://arxiv.org/abs/1502.01852).
 * `initialSlope` is any finite number (0.25); `shared` (false) makes it one slope for the layer in place of one a unit
 * (PyTorch's PReLU shares by default). The derivative at 0 is the slope.
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example dense(16, prelu({ initialSlope: 0.1, shared: true }))
 */
export function prelu(options: { initialSlope?: number; shared?: boolean } = {}): Spec<"prelu"> {
  return makers.prelu("prelu", options);
}

/** f(z)_j = e^z_j / Σ e^z_k over the layer. For the output layer only. */
export function softmax(options: NoOptions = {}): Spec<"softmax"> {
  return makers.softmax("softmax", options);
}

/**
 * f(z) = z > 0 ? z : alpha·(e^z − 1), `alpha` any finite number (1). Clevert et al. 2015, https://arxiv.org/abs/1511.07289.
 * @throws {TypeError | RangeError} for an unknown option, or an alpha that is no finite number
 * @example dense(16, elu({ alpha: 0.5 }))
 */
export function elu(options: { alpha?: number } = {}): Spec<"elu"> {
  return makers.elu("elu", options);
}

/** ELU scaled so that mean 0 and variance 1 are a fixed point. Klambauer et al. 2017, https://arxiv.org/abs/1706.02515. */
export function selu(options: NoOptions = {}): Spec<"selu"> {
  return makers.selu("selu", options);
}

/**
 * f(z) = z·Φ(z), Φ the normal distribution function, exact (`approximate: "none"`, the default) or by the formula with
 * tanh (`"tanh"`). Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415.
 * @throws {TypeError | RangeError} for an unknown option or another name
 * @example dense(16, gelu({ approximate: "tanh" }))
 */
export function gelu(options: { approximate?: "none" | "tanh" } = {}): Spec<"gelu"> {
  return makers.gelu("gelu", options);
}

/** f(z) = z·sigmoid(z), also called swish. */
export function silu(options: NoOptions = {}): Spec<"silu"> {
  return makers.silu("silu", options);
}

/** f(z) = z·tanh(ln(1 + e^z)). Misra 2019, https://arxiv.org/abs/1908.08681. */
export function mish(options: NoOptions = {}): Spec<"mish"> {
  return makers.mish("mish", options);
}

/** f(z) = ln(1 + e^z). */
export function softplus(options: NoOptions = {}): Spec<"softplus"> {
  return makers.softplus("softplus", options);
}

/** f(z) = z / (1 + |z|), between −1 and 1. */
export function softsign(options: NoOptions = {}): Spec<"softsign"> {
  return makers.softsign("softsign", options);
}

/** f(z) = min(max(0, z), 6). The derivative is 0 at and beyond both bounds. */
export function relu6(options: NoOptions = {}): Spec<"relu6"> {
  return makers.relu6("relu6", options);
}

/** f(z) = clamp(z/6 + 1/2, 0, 1). The derivative is 0 at and beyond both bounds. */
export function hardSigmoid(options: NoOptions = {}): Spec<"hardSigmoid"> {
  return makers.hardSigmoid("hardSigmoid", options);
}

/** f(z) = clamp(z, −1, 1). The derivative is 0 at and beyond both bounds. */
export function hardTanh(options: NoOptions = {}): Spec<"hardTanh"> {
  return makers.hardTanh("hardTanh", options);
}

/** f(z) = e^z. */
export function exponential(options: NoOptions = {}): Spec<"exponential"> {
  return makers.exponential("exponential", options);
}

/** The spec that a name or a spec stands for, checked anew and with all parameters. Where softmax may stand is not checked here. */
export function resolveActivation(value: unknown, subject: string): ActivationSpec {
  if (isPlainObject(value)) {
    // a record of `activations` has a derivative too, in words
    if (Object.hasOwn(value, "forward") || typeof value.derivative === "function") return Object.freeze({ name: "custom", custom: checkCustom(subject, value, activationNames) });
    if (value.name === "custom") return Object.freeze({ name: "custom", custom: checkCustom(subject, checkKeys(subject, value, ["name", "custom"]).custom, activationNames) });
  }
  const { name, options } = splitSpec(subject, value, activationNames);
  return makers[name](subject, options);
}

/**
 * An activation of your own. `forward(z, a)` writes a = f(z) and `derivative(z, a, d)` writes d = f'(z), element by element, for arrays
 * of any length; what they throw comes out of the call. A network with one runs on one thread, slower than with an activation of
 * the library, promises no same bytes across engines, cannot be exported, and is loaded by `Network.load(bytes, { activations: [it] })`.
 * @throws {TypeError | RangeError} for an option that is missing or of the wrong kind, or the name of an activation of the library
 * @example
 * const square = customActivation({
 *   name: "square",
 *   forward(z, a) { for (let i = 0; i < z.length; i++) a[i] = z[i] * z[i]; },
 *   derivative(z, a, d) { for (let i = 0; i < z.length; i++) d[i] = 2 * z[i]; },
 * });
 * dense(16, square);
 */
export function customActivation(options: CustomActivation): CustomActivation {
  return checkCustom("customActivation", options, activationNames);
}

/** A list of custom activations, each of its own name. */
export function checkCustomList(subject: string, value: unknown): ReadonlyMap<string, CustomActivation> {
  const byName = new Map<string, CustomActivation>();
  if (value === undefined) return byName;
  if (!isArray(value)) throw wrongKind(subject, "an array of custom activations", value);
  value.forEach((each, i) => {
    const custom = checkCustom(`${subject}[${i}]`, each, activationNames);
    if (byName.has(custom.name)) throw wrongValue(`${subject}[${i}].name`, "a name of its own for each", custom.name);
    byName.set(custom.name, custom);
  });
  return byName;
}

/** What messages and `Layer.activation` call it: its name. */
export function formatActivation(spec: ActivationSpec): string {
  return spec.name === "custom" ? spec.custom.name : spec.name;
}

/** The core's code; a custom activation is computed between pieces of the tape, for the core it is linear. */
export function activationCode(spec: ActivationSpec): ActivationCode {
  if (spec.name === "custom") return ActivationCode.linear;
  return spec.name === "gelu" && spec.approximate === "tanh" ? ActivationCode.geluTanh : ActivationCode[spec.name];
}

/** The one number that the core's kernel takes besides z: the slope or alpha, 0 where there is none. */
export function activationParameter(spec: ActivationSpec): number {
  switch (spec.name) {
    case "leakyRelu":
      return spec.slope;
    case "prelu":
      return spec.initialSlope;
    case "elu":
      return spec.alpha;
    default:
      return 0;
  }
}

/** What an activation puts training at risk of: gradients that fade on both or one side, units stuck at 0, outputs that grow without bound. */
export type ActivationRisk = "vanishingGradient" | "deadUnits" | "unboundedOutput";

/** What is known of an activation, for its default parameters. */
export interface ActivationRecord extends ActivationFacts {
  readonly name: ActivationName;
  /** f(z), plain; `latex` is the same. */
  readonly formula: string;
  /** Greatest lower and least upper bound of f over finite z. */
  readonly range: readonly [min: number, max: number];
  /** Both bounds are finite. */
  readonly bounded: boolean;
  /** f(−z) = −f(z): inputs that lie symmetric about 0 give outputs that do. */
  readonly zeroCentered: boolean;
  /** f never falls where z rises. */
  readonly monotonic: boolean;
  /** May stand in the output layer only. */
  readonly outputOnly: boolean;
  readonly risks: readonly ActivationRisk[];
}

// The lowest values, from the root of the derivative in 50 digits, rounded to f64: silu at z ≈ −1.27846, gelu (exact) at
// z ≈ −0.75179, mish at z ≈ −1.19243. That of selu is −scale·alpha = −1.0507009873554805 · 1.6732632423543772 in f64.
const SILU_MINIMUM = -0.2784645427610738;
const GELU_MINIMUM = -0.16997120747990366;
const MISH_MINIMUM = -0.30884341301725043;
const SELU_MINIMUM = -1.7580993408473766;

interface Traits {
  readonly zeroCentered?: boolean;
  readonly monotonic?: boolean;
  readonly outputOnly?: boolean;
}

function record(name: ActivationName, formula: string, min: number, max: number, risks: ActivationRisk[], traits: Traits = {}): Omit<ActivationRecord, keyof ActivationFacts> {
  const { zeroCentered = false, monotonic = true, outputOnly = false } = traits;
  const bounded = Number.isFinite(min) && Number.isFinite(max);
  const range = Object.freeze([min, max] as const);
  return Object.freeze({ name, formula, range, bounded, zeroCentered, monotonic, outputOnly, risks: Object.freeze(risks) });
}

const makeRecords = (): { readonly [N in ActivationName]: Omit<ActivationRecord, keyof ActivationFacts> } => ({
  linear: record("linear", "z", -Infinity, Infinity, ["unboundedOutput"], { zeroCentered: true }),
  sigmoid: record("sigmoid", "1 / (1 + e^−z)", 0, 1, ["vanishingGradient"]),
  tanh: record("tanh", "tanh z", -1, 1, ["vanishingGradient"], { zeroCentered: true }),
  relu: record("relu", "max(0, z)", 0, Infinity, ["deadUnits", "unboundedOutput"]),
  leakyRelu: record("leakyRelu", "z > 0 ? z : slope·z", -Infinity, Infinity, ["unboundedOutput"]),
  prelu: record("prelu", "z > 0 ? z : slope·z, slope learned", -Infinity, Infinity, ["unboundedOutput"]),
  softmax: record("softmax", "e^z_j / Σ e^z_k over the layer", 0, 1, ["vanishingGradient"], { outputOnly: true }),
  elu: record("elu", "z > 0 ? z : alpha·(e^z − 1)", -1, Infinity, ["unboundedOutput"]),
  selu: record("selu", "scale·(z > 0 ? z : alpha·(e^z − 1)), scale ≈ 1.0507, alpha ≈ 1.6733", SELU_MINIMUM, Infinity, ["unboundedOutput"]),
  gelu: record("gelu", "z·Φ(z)", GELU_MINIMUM, Infinity, ["unboundedOutput"], { monotonic: false }),
  silu: record("silu", "z·sigmoid(z)", SILU_MINIMUM, Infinity, ["unboundedOutput"], { monotonic: false }),
  mish: record("mish", "z·tanh(softplus z)", MISH_MINIMUM, Infinity, ["unboundedOutput"], { monotonic: false }),
  softplus: record("softplus", "ln(1 + e^z)", 0, Infinity, ["unboundedOutput"]),
  softsign: record("softsign", "z / (1 + |z|)", -1, 1, ["vanishingGradient"], { zeroCentered: true }),
  relu6: record("relu6", "min(max(0, z), 6)", 0, 6, ["vanishingGradient", "deadUnits"]),
  hardSigmoid: record("hardSigmoid", "clamp(z/6 + 1/2, 0, 1)", 0, 1, ["vanishingGradient", "deadUnits"]),
  hardTanh: record("hardTanh", "clamp(z, −1, 1)", -1, 1, ["vanishingGradient"], { zeroCentered: true }),
  exponential: record("exponential", "e^z", 0, Infinity, ["unboundedOutput"]),
});

/**
 * What is known of each activation, by name; read-only.
 * @example activations.tanh.range   // [-1, 1]
 */
export const activations: { readonly [N in ActivationName]: ActivationRecord } = /* @__PURE__ */ (() => {
  const facts = activationFacts();
  return Object.freeze(Object.fromEntries(Object.values(makeRecords()).map((each) => [each.name, Object.freeze({ ...each, ...facts[each.name] })]))) as unknown as { readonly [N in ActivationName]: ActivationRecord };
})();
