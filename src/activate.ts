// Activations on plain arrays, by the kernels that networks use.

import { ActivationCode } from "../assembly/codes.js";
import { typedArrayName, wrongKind } from "./check.js";
import { activationCode, activationParameter, resolveActivation } from "./describe/activations.js";
import type { ActivationName, ActivationSpec } from "./describe/activations.js";
import type { CustomActivation } from "./describe/customActivation.js";
import { scratchCore } from "./engine/core.js";
import type { Core } from "./engine/core.js";

/** Byte offset of the first array in the scratch memory. */
const FIRST = 1024;
/** Where PReLU's slope is put. */
const SLOPE = 64;

interface Arrays {
  readonly core: Core;
  readonly code: ActivationCode;
  readonly parameter: number;
  /** Bytes of one array in whole vectors; array i begins at FIRST + i·bytes. */
  readonly bytes: number;
}

/** The custom activation that is given, if it is one, with the array checked. */
function customOf(subject: string, activation: unknown, z: unknown): CustomActivation | undefined {
  if (typeof activation === "string") return undefined;
  const spec = resolveActivation(activation, subject);
  if (spec.name !== "custom") return undefined;
  if (typedArrayName(z) !== "Float32Array") throw wrongKind(`${subject}: z`, "a Float32Array", z);
  return spec.custom;
}

/** Copies z to the first of `count` arrays in the scratch memory. */
function place(subject: string, activation: unknown, z: unknown, count: number): Arrays {
  const spec = resolveActivation(activation, subject);
  if (typedArrayName(z) !== "Float32Array") throw wrongKind(`${subject}: z`, "a Float32Array", z);
  const values = z as Float32Array;
  const bytes = 16 * Math.ceil(values.length / 4);
  const core = scratchCore(FIRST + count * bytes);
  core.f32.fill(0, FIRST / 4, (FIRST + bytes) / 4);
  core.f32.set(values, FIRST / 4);
  const parameter = activationParameter(spec);
  core.f32[SLOPE / 4] = parameter;
  const code = activationCode(spec);
  return { core, code, parameter, bytes };
}

function take({ core, bytes }: Arrays, index: number, length: number): Float32Array {
  const begin = (FIRST + index * bytes) / 4;
  return core.f32.slice(begin, begin + length);
}

/** A slope of 0 turns −∞ · 0 into NaN; relu has the limit. */
function effectiveCode({ code, parameter }: Arrays): ActivationCode {
  const sloped = code === ActivationCode.leakyRelu || code === ActivationCode.prelu;
  return sloped && parameter === 0 ? ActivationCode.relu : code;
}

/**
 * f(z) of each element. Softmax takes the array as one layer; PReLU uses its initial slope. `await ready()` first.
 * @param activation a name, or what a function of that name returns
 * @returns a new array of the same length
 * @throws {TypeError | RangeError} for an unknown activation or anything but a Float32Array
 * @throws {Error} before `ready`
 * @example activate("relu", new Float32Array([-1, 2])); // [0, 2]
 */
export function activate(activation: ActivationName | ActivationSpec | CustomActivation, z: Float32Array): Float32Array {
  const custom = customOf("activate", activation, z);
  if (custom !== undefined) {
    const a = new Float32Array(z.length).fill(NaN);
    if (z.length > 0) custom.forward(z.slice(), a);
    return a;
  }
  const arrays = place("activate", activation, z, 1);
  const { core: { exports }, code, parameter, bytes } = arrays;
  if (z.length === 0) return new Float32Array(0);
  if (code === ActivationCode.softmax) exports.softmaxForward(FIRST, FIRST, 1, z.length, bytes);
  else exports.activationForward(effectiveCode(arrays), FIRST, FIRST, 1, z.length, bytes, parameter, SLOPE, 1);
  return take(arrays, 0, z.length);
}

/**
 * f'(z) of each element. At a kink it is PyTorch's: 0 for relu at 0, the slope for leakyRelu and prelu at 0. `await ready()` first.
 * @throws {Error} for softmax, whose outputs depend on all inputs
 */
export function activationDerivative(activation: ActivationName | ActivationSpec | CustomActivation, z: Float32Array): Float32Array {
  const custom = customOf("activationDerivative", activation, z);
  if (custom !== undefined) {
    const a = activate(custom, z);
    const d = new Float32Array(z.length).fill(NaN);
    if (z.length > 0) custom.derivative(z.slice(), a, d);
    return d;
  }
  const arrays = place("activationDerivative", activation, z, 3);
  const { core: { exports, f32 }, code, parameter, bytes } = arrays;
  if (code === ActivationCode.softmax) {
    throw new Error("activationDerivative: softmax has no elementwise derivative: each output depends on every input. Use network.gradients");
  }
  if (z.length === 0) return new Float32Array(0);
  const [a, d] = [FIRST + bytes, FIRST + 2 * bytes];
  f32.fill(1, d / 4, (d + bytes) / 4);
  exports.activationForward(code, FIRST, a, 1, z.length, bytes, parameter, SLOPE, 1);
  exports.activationBackward(code, FIRST, a, d, 1, z.length, bytes, parameter, SLOPE, 1, 0, 0);
  return take(arrays, 2, z.length);
}
