// Expected values of C = start + op(A)·op(B), and a call of the kernel that computes the form: `gemm`, or `denseForward` without an activation.

import { ActivationCode } from "../../assembly/codes.js";
import { forwardScratch, productScratch } from "../../src/plan/layout.js";
import { bitsOf, randomFloats } from "./stage.js";
import type { Stage } from "./stage.js";

/** What C starts from: the index into a table of sums, and of `gemm` the last argument but one. */
export const FROM_ZERO = 0;
export const FROM_C = 1;
export const FROM_BIAS = 2;

/** NT: B is [n × k], the forward. NN: B is [k × n]. TN: A is [k × m], B [k × n]. */
export const FORMS = ["NT", "NN", "TN"] as const;
export type Form = (typeof FORMS)[number];

/** What the kernel of each form can start from. */
export const STARTS: Readonly<Record<Form, readonly number[]>> = { NT: [FROM_ZERO, FROM_BIAS], NN: [FROM_ZERO, FROM_C], TN: [FROM_ZERO, FROM_C] };

/** The sums of the first k products of each element, m × n, one array for each start. */
export interface Sums {
  readonly k: number;
  /** In f32, one product after another. */
  readonly chain: readonly Float32Array[];
  readonly bits: readonly Uint32Array[];
  readonly exact: readonly Float64Array[];
  /** |start| + Σ|a||b| */
  readonly magnitude: readonly Float64Array[];
}

/** Matrices with both orders of each, and the sums for every k that was asked for. */
export interface Products {
  readonly m: number;
  readonly n: number;
  readonly longest: number;
  readonly a: Float32Array;
  readonly aTransposed: Float32Array;
  readonly b: Float32Array;
  readonly bTransposed: Float32Array;
  readonly c: Float32Array;
  readonly bias: Float32Array;
  readonly sums: ReadonlyMap<number, Sums>;
}

function transpose(matrix: Float32Array, rows: number, columns: number): Float32Array {
  return Float32Array.from(matrix, (_, i) => matrix[(i % rows) * columns + Math.floor(i / rows)]);
}

/** Random m × k by k × n products for all k of `lengths`. */
export function products(seed: number, m: number, n: number, lengths: readonly number[]): Products {
  const longest = Math.max(...lengths);
  const a = randomFloats(10 * seed, m * longest);
  const b = randomFloats(10 * seed + 1, longest * n);
  const c = randomFloats(10 * seed + 2, m * n);
  const bias = randomFloats(10 * seed + 3, n);
  const starts = [new Float32Array(m * n), c, Float32Array.from(c, (_, i) => bias[i % n])];
  const chain = starts.map((start) => start.slice());
  const exact = starts.map((start) => Float64Array.from(start));
  const magnitude = exact.map((start) => start.map(Math.abs));
  const sums = new Map<number, Sums>();
  for (let k = 0; k <= longest; k++) {
    if (lengths.includes(k)) {
      const chains = chain.map((values) => values.slice());
      sums.set(k, { k, chain: chains, bits: chains.map(bitsOf), exact: exact.map((values) => values.slice()), magnitude: magnitude.map((values) => values.slice()) });
    }
    if (k === longest) break;
    for (let i = 0; i < m; i++) {
      const x = a[i * longest + k];
      for (let j = 0; j < n; j++) {
        const product = x * b[k * n + j]; // exact in f64
        const rounded = Math.fround(product);
        const at = i * n + j;
        for (let start = 0; start < 3; start++) {
          chain[start][at] = chain[start][at] + rounded; // a sum of two f32 in f64, rounded by the store: as one rounding
          exact[start][at] += product;
          magnitude[start][at] += Math.abs(product);
        }
      }
    }
  }
  return { m, n, longest, a, aTransposed: transpose(a, m, longest), b, bTransposed: transpose(b, longest, n), c, bias, sums };
}

export interface ProductCase {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly start: number;
  /** Floats by which leading dimensions exceed the row. */
  readonly extra: number;
  /** Decides whether B, C and the bias begin on a multiple of 16 bytes. */
  readonly turn: number;
  readonly begin?: number;
  readonly end?: number;
}

/** Runs one product on both builds. Throws unless columns [begin, end) have the chain's bits and nothing else was written. */
export function runProduct(stage: Stage, table: Products, form: Form, size: ProductCase): void {
  const { m, n, k, start, begin = 0, end = n } = size;
  const { c, ldc } = callProduct(stage, table, form, size);
  const expected = table.sums.get(k)!.bits[start];
  for (let i = 0; i < m; i++) {
    stage.expectBits(c + 4 * (i * ldc + begin), expected, i * table.n + begin, end - begin, `${form} m ${m}, columns ${begin} to ${end}, k ${k}, start ${start}, row ${i}`);
  }
}

/** Runs one product on both builds: where C is, and the floats between its rows. Throws if anything but columns [begin, end) was written. */
export function callProduct(stage: Stage, table: Products, form: Form, { m, n, k, start, extra, turn, begin = 0, end = n }: ProductCase): { c: number; ldc: number } {
  stage.clear();
  const skew = 4 * (turn % 4);
  const lda = (form === "TN" ? m : k) + extra;
  const ldb = form === "NT" ? k : n + extra;
  const ldc = n + extra;
  const a = form === "TN" ? stage.placeRows(table.aTransposed, table.m, k, m, lda) : stage.placeRows(table.a, table.longest, m, k, lda);
  const b = form === "NT" ? stage.placeRows(table.bTransposed, table.longest, n, k, ldb, skew) : stage.placeRows(table.b, table.n, k, n, ldb, skew);
  const c = start === FROM_C ? stage.placeRows(table.c, table.n, m, n, ldc, skew) : stage.unwritten(m * ldc, skew);
  const bias = start === FROM_BIAS ? stage.place(table.bias.subarray(0, n), skew) : 0;
  const scratch = form === "NT" ? forwardScratch(m, k) : productScratch(m, k);
  const panel = stage.reserve(scratch);
  const [aRow, aStep] = form === "TN" ? [4, 4 * lda] : [4 * lda, 4];
  stage.run((kernels) => {
    if (form === "NT") kernels.denseForward(m, begin, end, k, a, 4 * lda, b, bias, c, c, 4 * ldc, ActivationCode.linear, 0, 0, 0, panel);
    else kernels.gemm(m, begin, end, k, a, aRow, aStep, b, 4 * ldb, c, 4 * ldc, start, panel);
  }, [
    { at: c + 4 * begin, bytes: 4 * (end - begin), rows: m, stride: 4 * ldc }, { at: panel, bytes: scratch },
  ]);
  return { c, ldc };
}
