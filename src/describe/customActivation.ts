// An activation of the user's own: two JavaScript functions that are called between pieces of the tape, on slices of the network's memory.
// Nothing here can promise what they compute: a network with one runs on one thread, promises no same bytes across engines (Math.tanh differs
// between them), and its file holds the name alone.

import { at, checkFunction, checkKeys, wrongKind, wrongValue } from "../check.js";

/** What customActivation returns; a layer takes it as its activation, and load takes it by its name. */
export interface CustomActivation {
  readonly name: string;
  /** Writes a = f(z) element by element. */
  readonly forward: (z: Float32Array, a: Float32Array) => void;
  /** Writes d = f'(z) element by element; `a` is what forward made of z. */
  readonly derivative: (z: Float32Array, a: Float32Array, d: Float32Array) => void;
}

/** A custom activation among the specs of a layer. */
export interface CustomSpec {
  readonly name: "custom";
  readonly custom: CustomActivation;
}

/** The longest name, which stands in files and messages. */
const LONGEST_NAME = 64;

/** Names that activations of the library have; given by describe/activations.ts, which knows them. */
export function checkCustom(subject: string, value: unknown, taken: readonly string[]): CustomActivation {
  const { name, forward, derivative } = checkKeys(subject, value, ["name", "forward", "derivative"]);
  const place = at(subject, "name");
  const expected = `a name of 1 to ${LONGEST_NAME} letters, digits, spaces, - and _`;
  if (typeof name !== "string") throw wrongKind(place, expected, name);
  if (taken.includes(name) || name === "custom") throw wrongValue(place, "a name that no activation of the library has", name, "Choose another");
  if (name.length > LONGEST_NAME || !/^[\p{L}\p{N} _-]+$/u.test(name)) throw wrongValue(place, expected, name);
  return Object.freeze({
    name,
    forward: checkFunction<CustomActivation["forward"]>(at(subject, "forward"), forward),
    derivative: checkFunction<CustomActivation["derivative"]>(at(subject, "derivative"), derivative),
  });
}
