// What the values of an ONNX graph are while it is read: constants, and values of the batch as polynomials over atoms.
//
//   value = c0 + c1·a + c2·a² + c3·a³,   a the atom: the input, a product with weights, an activation, a normalisation, …
//
// The coefficients are numbers, or one for each unit. So every order in which an exporter writes scalings, and the x³ of GELU's tanh form,
// come out as the same polynomial, and a sub-graph such as z·sigmoid(z) is found by asking whether two values are proportional.

import { ModelFormatError } from "../check.js";
import type { ActivationSpec } from "../describe/activations.js";

/** A number, or one for each unit. */
export type Coefficient = number | Float64Array;

export interface Constant {
  readonly kind: "constant";
  readonly dims: readonly number[];
  /** NaN in a list of dimensions stands for the batch. */
  readonly data: Float64Array;
}

export interface Batch {
  readonly kind: "batch";
  readonly atom: Atom;
  readonly terms: readonly Coefficient[];
  /** The dimensions behind the batch's. */
  readonly shape: readonly number[];
  /** Whether the batch is the last dimension. */
  readonly transposed: boolean;
}

/** Labels of classes, which are not taken; and values that no network has, with the error that they deserve where they are needed. */
export type Value = Constant | Batch | { readonly kind: "label" } | { readonly kind: "refused"; readonly error: ModelFormatError };

export interface InputAtom {
  readonly kind: "input";
}

export interface DenseAtom {
  readonly kind: "dense";
  readonly place: string;
  readonly of: Batch;
  readonly inputs: number;
  readonly units: number;
  /** weights[j·rowStride + k·columnStride]·alpha is that of unit j and input k. */
  readonly data: Float64Array;
  readonly rowStride: number;
  readonly columnStride: number;
  readonly alpha: number;
  readonly bias: Coefficient | undefined;
}

export interface ActivationAtom {
  readonly kind: "activation";
  readonly place: string;
  readonly of: Batch;
  readonly spec: ActivationSpec;
  readonly slopes?: Coefficient;
}

/** min(max(low, x), high). */
export interface ClampAtom {
  readonly kind: "clamp";
  readonly place: string;
  readonly of: Batch;
  readonly low: number;
  readonly high: number;
}

export interface BatchNormAtom {
  readonly kind: "batchNorm";
  readonly place: string;
  readonly of: Batch;
  readonly epsilon: number;
  readonly momentum: number;
  readonly gain: Float64Array;
  readonly shift: Float64Array;
  readonly mean: Float64Array;
  readonly variance: Float64Array;
}

export interface LayerNormAtom {
  readonly kind: "layerNorm";
  readonly place: string;
  readonly of: Batch;
  readonly epsilon: number;
  readonly gain: Float64Array | undefined;
  readonly shift: Float64Array | undefined;
}

export interface DropoutAtom {
  readonly kind: "dropout";
  readonly place: string;
  readonly of: Batch;
  readonly rate: number;
}

/** [0, x] of a single x: what a softmax of two needs to be 1 − sigmoid(x) and sigmoid(x). */
export interface PairAtom {
  readonly kind: "pair";
  readonly place: string;
  readonly of: Batch;
}

/** Pieces of a sub-graph that mean something only together with others. */
export interface PieceAtom {
  readonly kind: "erf" | "abs" | "mean" | "centred" | "variance" | "deviation";
  readonly place: string;
  readonly of: Batch;
  /** Of a deviation: what was added to the variance. */
  readonly epsilon?: number;
}

export type Atom = InputAtom | DenseAtom | ActivationAtom | ClampAtom | BatchNormAtom | LayerNormAtom | DropoutAtom | PairAtom | PieceAtom;

/** Constants of exporters are f32: √2 and 0.044715 are right to half a unit of 24 bits. */
const TOLERANCE = 1e-6;

export function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= TOLERANCE * Math.max(Math.abs(a), Math.abs(b));
}

export function combine(a: Coefficient, b: Coefficient, f: (a: number, b: number) => number): Coefficient {
  if (typeof a === "number") return typeof b === "number" ? f(a, b) : b.map((value) => f(a, value));
  return typeof b === "number" ? a.map((value) => f(value, b)) : a.map((value, i) => f(value, b[i]));
}

/** Whether the condition holds for the pair of every unit. */
export function all(a: Coefficient, b: Coefficient, condition: (a: number, b: number) => boolean): boolean {
  if (typeof a === "number") return typeof b === "number" ? condition(a, b) : b.every((value) => condition(a, value));
  return typeof b === "number" ? a.every((value) => condition(value, b)) : a.every((value, i) => condition(value, b[i]));
}

const isZero = (c: Coefficient): boolean => (typeof c === "number" ? c === 0 : c.every((value) => value === 0));

/** The value with those coefficients, the last of which are not 0. */
export function withTerms(value: Batch, terms: readonly Coefficient[]): Batch {
  let { length } = terms;
  while (length > 2 && isZero(terms[length - 1])) length--;
  return { ...value, terms: terms.slice(0, length) };
}

export function ofAtom(like: Pick<Batch, "shape" | "transposed">, atom: Atom): Batch {
  return { kind: "batch", atom, terms: [0, 1], shape: like.shape, transposed: like.transposed };
}

/** Numbers of one sample. */
export function widthOf({ shape }: Batch): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** value = offset + scale·atom, or undefined for a higher power. */
export function affineOf({ terms }: Batch): { readonly scale: Coefficient; readonly offset: Coefficient } | undefined {
  return terms.length === 2 ? { offset: terms[0], scale: terms[1] } : undefined;
}

/** Whether the value is its atom. */
export function isBare({ terms }: Batch): boolean {
  return terms.length === 2 && terms[0] === 0 && terms[1] === 1;
}

/** a + b over the same atom. */
export function addTerms(a: Batch, b: Batch, sign: number): Batch {
  const terms: Coefficient[] = [];
  for (let i = 0; i < Math.max(a.terms.length, b.terms.length); i++) {
    terms.push(combine(a.terms[i] ?? 0, b.terms[i] ?? 0, (x, y) => x + sign * y));
  }
  return withTerms(a, terms);
}

/** a · b over the same atom, or undefined for more than a cube. */
export function multiplyTerms(a: Batch, b: Batch): Batch | undefined {
  const terms: Coefficient[] = [];
  for (let i = 0; i < a.terms.length; i++) {
    for (let j = 0; j < b.terms.length; j++) {
      terms[i + j] = combine(terms[i + j] ?? 0, combine(a.terms[i], b.terms[j], (x, y) => x * y), (x, y) => x + y);
    }
  }
  const product = withTerms(a, terms);
  return product.terms.length > 4 ? undefined : product;
}

/** k with a = k·b, or undefined if there is none. */
export function proportion(a: Batch, b: Batch): Coefficient | undefined {
  if (a.atom !== b.atom || a.terms.length !== b.terms.length || a.terms.length !== 2) return undefined;
  const k = combine(a.terms[1], b.terms[1], (x, y) => x / y);
  if (!all(k, k, (value) => Number.isFinite(value))) return undefined;
  return all(a.terms[0], combine(k, b.terms[0], (x, y) => x * y), near) ? k : undefined;
}
