// How weights and biases start: names, parameters, checks, and the default for each activation. fanIn is the number of a
// layer's inputs, fanOut that of its units; normals are not truncated, orthogonal has gain 1. The numbers themselves are
// drawn in assembly/init.ts.

import { at, checkFinite, checkKeys, listNames, refusal, splitSpec } from "../check.js";
import type { ActivationSpec } from "./activations.js";

/** The initialisers without parameters, which their names alone may stand for. */
export type InitializerName =
  | "zeros" | "ones" | "glorotUniform" | "glorotNormal" | "heUniform" | "heNormal" | "lecunUniform" | "lecunNormal" | "orthogonal";

/** An initialiser with its parameters. Frozen. */
export type Initializer =
  | { readonly [N in InitializerName]: { readonly name: N } }[InitializerName]
  | { readonly name: "constant"; readonly value: number }
  | { readonly name: "uniform"; readonly low: number; readonly high: number }
  | { readonly name: "normal"; readonly mean: number; readonly deviation: number };

type Spec<N extends Initializer["name"]> = Extract<Initializer, { readonly name: N }>;

/** All names, those with parameters among them. */
export const initializerNames: readonly Initializer["name"][] = Object.freeze([
  "zeros", "ones", "constant", "uniform", "normal", "glorotUniform", "glorotNormal", "heUniform", "heNormal", "lecunUniform", "lecunNormal",
  "orthogonal",
] as const);

const calls = { constant: "constant(value)", uniform: "uniform(low, high)", normal: "normal(mean, deviation)" } as const;

function plain<N extends InitializerName>(name: N): Spec<N> {
  return Object.freeze({ name }) as Spec<N>;
}

function makeConstant(subject: string, value: unknown): Spec<"constant"> {
  return Object.freeze({ name: "constant", value: checkFinite(at(subject, "value"), value) });
}

function makeUniform(subject: string, low: unknown, high: unknown): Spec<"uniform"> {
  const lower = checkFinite(at(subject, "low"), low);
  const upper = checkFinite(at(subject, "high"), high, { min: lower });
  checkFinite(at(subject, "high − low"), upper - lower);
  return Object.freeze({ name: "uniform", low: lower, high: upper });
}

function makeNormal(subject: string, mean: unknown, deviation: unknown): Spec<"normal"> {
  return Object.freeze({
    name: "normal",
    mean: checkFinite(at(subject, "mean"), mean),
    deviation: checkFinite(at(subject, "deviation"), deviation, { min: 0 }),
  });
}

/** All 0. */
export function zeros(): Spec<"zeros"> {
  return plain("zeros");
}

/** All 1. */
export function ones(): Spec<"ones"> {
  return plain("ones");
}

/** All `value`, any finite number. @throws {TypeError | RangeError} if it is none */
export function constant(value: number): Spec<"constant"> {
  return makeConstant("constant", value);
}

/** Uniform from `low` to `high`, finite, low ≤ high, their distance finite in f32. @throws {TypeError | RangeError} otherwise */
export function uniform(low: number, high: number): Spec<"uniform"> {
  return makeUniform("uniform", low, high);
}

/** Normal with that mean and standard deviation (≥ 0), not truncated. @throws {TypeError | RangeError} if they are not finite numbers */
export function normal(mean: number, deviation: number): Spec<"normal"> {
  return makeNormal("normal", mean, deviation);
}

/** Uniform within ±√(6 / (fanIn + fanOut)). Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html. */
export function glorotUniform(): Spec<"glorotUniform"> {
  return plain("glorotUniform");
}

/** Normal with deviation √(2 / (fanIn + fanOut)). Glorot and Bengio 2010, https://proceedings.mlr.press/v9/glorot10a.html. */
export function glorotNormal(): Spec<"glorotNormal"> {
  return plain("glorotNormal");
}

/** Uniform within ±√(6 / fanIn). He et al. 2015, https://arxiv.org/abs/1502.01852. */
export function heUniform(): Spec<"heUniform"> {
  return plain("heUniform");
}

/** Normal with deviation √(2 / fanIn). He et al. 2015, https://arxiv.org/abs/1502.01852. */
export function heNormal(): Spec<"heNormal"> {
  return plain("heNormal");
}

/** Uniform within ±√(3 / fanIn). LeCun et al. 1998, Efficient BackProp. */
export function lecunUniform(): Spec<"lecunUniform"> {
  return plain("lecunUniform");
}

/** Normal with deviation √(1 / fanIn). LeCun et al. 1998, Efficient BackProp. */
export function lecunNormal(): Spec<"lecunNormal"> {
  return plain("lecunNormal");
}

/** Orthonormal rows, or columns where there are more rows than columns, gain 1; for weights only. Saxe et al. 2013, https://arxiv.org/abs/1312.6120. */
export function orthogonal(): Spec<"orthogonal"> {
  return plain("orthogonal");
}

/** The initialiser that a name or a spec stands for, checked anew. */
export function resolveInitializer(value: unknown, subject: string): Initializer {
  const { name, options } = splitSpec(subject, value, initializerNames);
  switch (name) {
    case "constant":
    case "uniform":
    case "normal":
      if (typeof value === "string") {
        const expected = `one of ${listNames(initializerNames.filter((other) => !(other in calls)))}`;
        throw new RangeError(refusal(subject, expected, `'${name}'`, `'${name}' has parameters: call ${calls[name]}`));
      }
  }
  switch (name) {
    case "constant":
      return makeConstant(subject, checkKeys(subject, options, ["value"]).value);
    case "uniform": {
      const { low, high } = checkKeys(subject, options, ["low", "high"]);
      return makeUniform(subject, low, high);
    }
    case "normal": {
      const { mean, deviation } = checkKeys(subject, options, ["mean", "deviation"]);
      return makeNormal(subject, mean, deviation);
    }
    default:
      checkKeys(subject, options, []);
      return plain(name);
  }
}

/** How weights start unless the user says: heNormal before the rectifiers and their smooth kin, lecunNormal before selu, else glorotUniform. */
export function defaultWeightInit(activation: ActivationSpec): Initializer {
  switch (activation.name) {
    case "relu":
    case "leakyRelu":
    case "prelu":
    case "relu6":
    case "elu":
    case "gelu":
    case "silu":
    case "mish":
      return heNormal();
    case "selu":
      return lecunNormal();
    default:
      return glorotUniform();
  }
}
