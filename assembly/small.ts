// Products of a small dense layer, f32, without the blocks and packed panels that a wide one repays: C = op(A)·op(B) in tiles
// of 4 rows × 8 or 4 columns, with B read where it lies. Only the forward's W is turned over, 8 units at a time.
//
//   forward    Z[rows × units]   = X · Wᵀ + b      A rows of X,    B = Wᵀ in the panel, k = inputs
//   dX         dX[rows × inputs] = dZ · W          A rows of dZ,   B = W,               k = units
//   dW         dW[units × inputs] = dZᵀ · X        A columns of dZ, B = X,              k = rows
//   single     y[units] = W · x + b                four units side by side
//
// Each element is summed over k in ascending order by one chain of multiply and add from its start, as in gemm.ts, so its
// bits are the same by either way and depend on neither tile nor share. (`single` has an order of its own.) Z and dX have
// padded rows and are written in whole vectors, the padding as 0. B of dX is read in whole vectors too: up to 12 bytes behind W,
// whose values are not used. A tile of 8 columns has 8 accumulators, 2 of B, 1 of A and 1 product: 12 of 16 registers.

import { activationForward } from "./activations";
import { columnOf, laneMask, loadColumns, loadPartial, multiplyAdd, storeColumns, storeTransposed } from "./simd";

/** Floats of the largest weight matrix that is small: it stays in a first-level cache of 32 KB beside the rows of a batch. */
const MOST_WEIGHTS: i32 = 4096;
/** The longest column of the panel; it has room for a start behind it. */
const MOST_INPUTS: i32 = 512;

/** Whether a layer takes these kernels: by its shape alone, so that the same layer computes alike in every batch and share. */
@inline
export function isSmall(inputs: i32, units: i32): bool {
  return inputs <= MOST_INPUTS && inputs * units <= MOST_WEIGHTS && units <= MOST_WEIGHTS;
}

/**
 * C[m × 8] = start + A[m × k]·B[k × 8], four rows a tile; rows that are missing in the last repeat its last one.
 * a: rows `lda` bytes apart, read. b: rows `ldb` bytes apart, read. c: rows `ldc` bytes apart, written. start: what `writeStart`
 * wrote. One k a turn: with four written out V8 (Node 20) loads all of A's values first and spills the accumulators (1.7 times the time).
 */
function rowsBy8(m: i32, k: i32, a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize, start: usize): void {
  const length = <usize>k << 2;
  for (; m > 0; m -= 4) {
    const step1: usize = m > 1 ? 1 : 0;
    const step2: usize = m > 2 ? 2 : step1;
    const step3: usize = m > 3 ? 3 : step2;
    let a0 = a, a1 = a + step1 * lda, a2 = a + step2 * lda, a3 = a + step3 * lda;
    const c1 = c + step1 * ldc, c2 = c + step2 * ldc, c3 = c + step3 * ldc;
    let s0l = v128.load(start), s0h = v128.load(start, 16);
    let s1l = s0l, s2l = s0l, s3l = s0l;
    let s1h = s0h, s2h = s0h, s3h = s0h;
    let at = b;
    for (const end = a + length; a0 < end; ) {
      const bl = v128.load(at), bh = v128.load(at, 16);
      let x = v128.load32_splat(a0);
      s0l = multiplyAdd(s0l, x, bl);
      s0h = multiplyAdd(s0h, x, bh);
      x = v128.load32_splat(a1);
      s1l = multiplyAdd(s1l, x, bl);
      s1h = multiplyAdd(s1h, x, bh);
      x = v128.load32_splat(a2);
      s2l = multiplyAdd(s2l, x, bl);
      s2h = multiplyAdd(s2h, x, bh);
      x = v128.load32_splat(a3);
      s3l = multiplyAdd(s3l, x, bl);
      s3h = multiplyAdd(s3h, x, bh);
      a0 += 4; a1 += 4; a2 += 4; a3 += 4;
      at += ldb;
    }
    const mask = v128.load(start, 32);
    v128.store(c, s0l); v128.store(c, v128.and(s0h, mask), 16);
    v128.store(c1, s1l); v128.store(c1, v128.and(s1h, mask), 16);
    v128.store(c2, s2l); v128.store(c2, v128.and(s2h, mask), 16);
    v128.store(c3, s3l); v128.store(c3, v128.and(s3h, mask), 16);
    a += 4 * lda;
    c += 4 * ldc;
  }
}

/** `rowsBy8` with 4 columns. */
function rowsBy4(m: i32, k: i32, a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize, start: usize): void {
  const length = <usize>k << 2;
  for (; m > 0; m -= 4) {
    const step1: usize = m > 1 ? 1 : 0;
    const step2: usize = m > 2 ? 2 : step1;
    const step3: usize = m > 3 ? 3 : step2;
    let a0 = a, a1 = a + step1 * lda, a2 = a + step2 * lda, a3 = a + step3 * lda;
    let s0 = v128.load(start), s1 = s0, s2 = s0, s3 = s0;
    let at = b;
    for (const end = a + length; a0 < end; ) {
      const bv = v128.load(at);
      s0 = multiplyAdd(s0, v128.load32_splat(a0), bv);
      s1 = multiplyAdd(s1, v128.load32_splat(a1), bv);
      s2 = multiplyAdd(s2, v128.load32_splat(a2), bv);
      s3 = multiplyAdd(s3, v128.load32_splat(a3), bv);
      a0 += 4; a1 += 4; a2 += 4; a3 += 4;
      at += ldb;
    }
    const mask = v128.load(start, 32);
    v128.store(c, v128.and(s0, mask));
    v128.store(c + step1 * ldc, v128.and(s1, mask));
    v128.store(c + step2 * ldc, v128.and(s2, mask));
    v128.store(c + step3 * ldc, v128.and(s3, mask));
    a += 4 * lda;
    c += 4 * ldc;
  }
}

/**
 * C[m × 8] = A[k × m]ᵀ·B[k × 8], four rows of C a tile: four adjacent values of a row of A. Of a last tile of fewer the
 * values beyond are read from the padding and overwritten by the row before them.
 */
function columnsBy8(m: i32, k: i32, a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize): void {
  const length = <usize>k * ldb;
  for (; m > 0; m -= 4) {
    const c1 = m > 1 ? c + ldc : c;
    const c2 = m > 2 ? c1 + ldc : c1;
    const c3 = m > 3 ? c2 + ldc : c2;
    let s0l = f32x4.splat(0), s1l = s0l, s2l = s0l, s3l = s0l;
    let s0h = s0l, s1h = s0l, s2h = s0l, s3h = s0l;
    let from = a;
    let at = b;
    for (const end = b + length; at < end; ) {
      const bl = v128.load(at), bh = v128.load(at, 16);
      let x = v128.load32_splat(from);
      s0l = multiplyAdd(s0l, x, bl);
      s0h = multiplyAdd(s0h, x, bh);
      x = v128.load32_splat(from, 4);
      s1l = multiplyAdd(s1l, x, bl);
      s1h = multiplyAdd(s1h, x, bh);
      x = v128.load32_splat(from, 8);
      s2l = multiplyAdd(s2l, x, bl);
      s2h = multiplyAdd(s2h, x, bh);
      x = v128.load32_splat(from, 12);
      s3l = multiplyAdd(s3l, x, bl);
      s3h = multiplyAdd(s3h, x, bh);
      from += lda;
      at += ldb;
    }
    v128.store(c3, s3l); v128.store(c3, s3h, 16);
    v128.store(c2, s2l); v128.store(c2, s2h, 16);
    v128.store(c1, s1l); v128.store(c1, s1h, 16);
    v128.store(c, s0l); v128.store(c, s0h, 16);
    a += 16;
    c += 4 * ldc;
  }
}

/** `columnsBy8` with 1 to 4 columns, of which no more than these are written. */
function columnsBy4(m: i32, k: i32, a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize, columns: i32): void {
  const length = <usize>k * ldb;
  for (; m > 0; m -= 4) {
    const c1 = m > 1 ? c + ldc : c;
    const c2 = m > 2 ? c1 + ldc : c1;
    const c3 = m > 3 ? c2 + ldc : c2;
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    let from = a;
    let at = b;
    for (const end = b + length; at < end; ) {
      const bv = v128.load(at);
      s0 = multiplyAdd(s0, v128.load32_splat(from), bv);
      s1 = multiplyAdd(s1, v128.load32_splat(from, 4), bv);
      s2 = multiplyAdd(s2, v128.load32_splat(from, 8), bv);
      s3 = multiplyAdd(s3, v128.load32_splat(from, 12), bv);
      from += lda;
      at += ldb;
    }
    storeColumns(c3, s3, columns);
    storeColumns(c2, s2, columns);
    storeColumns(c1, s1, columns);
    storeColumns(c, s0, columns);
    a += 16;
    c += 4 * ldc;
  }
}

/** Up to four rows of W, k values each, as a column of vectors 32 bytes apart; a row that is missing repeats the first. */
function turnRows(rows: i32, k: i32, w: usize, ldw: usize, panel: usize): void {
  const w1 = rows > 1 ? w + ldw : w, w2 = rows > 2 ? w + 2 * ldw : w, w3 = rows > 3 ? w + 3 * ldw : w;
  let at: usize = 0;
  for (const whole = (<usize>k & ~3) << 2; at < whole; at += 16) {
    storeTransposed(v128.load(w + at), v128.load(w1 + at), v128.load(w2 + at), v128.load(w3 + at), panel, 32);
    panel += 128;
  }
  for (const length = <usize>k << 2; at < length; at += 4) {
    let v = v128.load32_zero(w + at);
    v = v128.load32_lane(w1 + at, v, 1);
    v = v128.load32_lane(w2 + at, v, 2);
    v128.store(panel, v128.load32_lane(w3 + at, v, 3));
    panel += 32;
  }
}

/**
 * What a tile of 8 or of up to 4 columns starts from and keeps, at `start`: eight floats of a bias (0 for none), and the lanes of its
 * last vector that exist. In memory, since as values they would be held in registers through the loop, and accumulators spilled for them.
 */
@inline
function writeStart(start: usize, bias: usize, columns: i32): void {
  const high = columns > 4;
  v128.store(start, bias ? loadColumns(bias, columns) : f32x4.splat(0));
  v128.store(start, bias && high ? loadColumns(bias + 16, columns - 4) : f32x4.splat(0), 16);
  v128.store(start, laneMask(high ? columns - 4 : columns), 32);
}

/** C[m × columns] = start + A[m × k]·B[k × columns], 1 to 8 columns, by the kernel that suits them. */
@inline
function rowsBy(columns: i32, m: i32, k: i32, a: usize, lda: usize, b: usize, ldb: usize, c: usize, ldc: usize, start: usize): void {
  if (columns <= 4) rowsBy4(m, k, a, lda, b, ldb, c, ldc, start);
  else rowsBy8(m, k, a, lda, b, ldb, c, ldc, start);
}

/**
 * Units [begin, end) of Z[rows × units] = X·Wᵀ + b.
 * x: rows `xStride` bytes apart, read. w: units × inputs, read. biases: units floats, or 0. z: rows `stride` bytes apart, written in
 * whole vectors. panel: PANEL_BYTES of scratch. begin: a multiple of 8. The layer is small.
 */
export function smallForward(rows: i32, begin: i32, end: i32, inputs: i32, x: usize, xStride: usize, w: usize, biases: usize, z: usize, stride: usize, panel: usize): void {
  const ldw = <usize>inputs << 2;
  const start = panel + (<usize>MOST_INPUTS << 5);
  for (let unit = begin; unit < end; unit += 8) {
    const columns = end - unit;
    const from = w + <usize>unit * ldw;
    turnRows(columns, inputs, from, ldw, panel);
    if (columns > 4) turnRows(columns - 4, inputs, from + 4 * ldw, ldw, panel + 16);
    writeStart(start, biases ? biases + (<usize>unit << 2) : 0, columns);
    rowsBy(columns, rows, inputs, x, xStride, panel, 32, z + (<usize>unit << 2), stride, start);
  }
}

/** Columns [begin, end) of dX[rows × inputs] = dZ[rows × units]·W[units × inputs], written in whole vectors. begin: a multiple of 8. */
export function smallInputGradient(rows: i32, begin: i32, end: i32, units: i32, inputs: i32, dz: usize, dzStride: usize, w: usize, dx: usize, dxStride: usize, panel: usize): void {
  const ldw = <usize>inputs << 2;
  for (let column = begin; column < end; column += 8) {
    const at = <usize>column << 2;
    const columns = end - column;
    writeStart(panel, 0, columns);
    rowsBy(columns, rows, units, dz, dzStride, w + at, ldw, dx + at, dxStride, panel);
  }
}

/** Columns [begin, end) of dW[units × inputs] = dZ[rows × units]ᵀ·X[rows × inputs]; dW has no padding. begin: a multiple of 8. */
export function smallWeightGradient(rows: i32, begin: i32, end: i32, units: i32, inputs: i32, dz: usize, dzStride: usize, x: usize, xStride: usize, dw: usize): void {
  const ldw = <usize>inputs << 2;
  let column = begin;
  for (; column <= end - 8; column += 8) {
    const at = <usize>column << 2;
    columnsBy8(units, rows, dz, dzStride, x + at, xStride, dw + at, ldw);
  }
  for (; column < end; column += 4) {
    const at = <usize>column << 2;
    columnsBy4(units, rows, dz, dzStride, x + at, xStride, dw + at, ldw, min(end - column, 4));
  }
}

/**
 * Units [begin, end) of y = W·x + b for one sample, four at a time: each lane sums every fourth product in ascending order, then the
 * lanes as (0 + 1) + (2 + 3), and the bias is added last. x: inputs floats, read. y: written in whole vectors. begin: a multiple of 4.
 */
export function smallSingle(begin: i32, end: i32, inputs: i32, x: usize, w: usize, biases: usize, y: usize): void {
  const ldw = <usize>inputs << 2;
  const whole = ldw & ~15;
  const rest = inputs & 3;
  for (let unit = begin; unit < end; unit += 4) {
    const units = end - unit;
    const w0 = w + <usize>unit * ldw;
    // units that are missing repeat the last
    const w1 = units > 1 ? w0 + ldw : w0, w2 = units > 2 ? w1 + ldw : w1, w3 = units > 3 ? w2 + ldw : w2;
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    for (let at: usize = 0; at < whole; at += 16) {
      const v = v128.load(x + at);
      s0 = multiplyAdd(s0, v, v128.load(w0 + at));
      s1 = multiplyAdd(s1, v, v128.load(w1 + at));
      s2 = multiplyAdd(s2, v, v128.load(w2 + at));
      s3 = multiplyAdd(s3, v, v128.load(w3 + at));
    }
    if (rest) {
      const v = loadPartial(x + whole, rest);
      s0 = multiplyAdd(s0, v, loadPartial(w0 + whole, rest));
      s1 = multiplyAdd(s1, v, loadPartial(w1 + whole, rest));
      s2 = multiplyAdd(s2, v, loadPartial(w2 + whole, rest));
      s3 = multiplyAdd(s3, v, loadPartial(w3 + whole, rest));
    }
    let sum = f32x4.add(f32x4.add(columnOf(s0, s1, s2, s3, 0), columnOf(s0, s1, s2, s3, 1)), f32x4.add(columnOf(s0, s1, s2, s3, 2), columnOf(s0, s1, s2, s3, 3)));
    if (biases) sum = f32x4.add(sum, loadColumns(biases + (<usize>unit << 2), units));
    v128.store(y + (<usize>unit << 2), sum);
  }
}

/** Rows of a column that the panel holds at a time. */
const COLUMN_ROWS: i32 = 4096;

/**
 * a = f(z) of a layer of one unit: its column is gathered in the panel, where a vector holds four rows, instead of one and its padding.
 * z: rows `stride` bytes apart, read. a: as many, the first float of each written; may be z. parameter, slope: as of activationForward.
 */
export function columnForward(code: i32, z: usize, a: usize, rows: i32, stride: usize, parameter: f32, slope: usize, panel: usize): void {
  for (let first = 0; first < rows; first += COLUMN_ROWS) {
    const count = min(rows - first, COLUMN_ROWS);
    const end = panel + (<usize>count << 2);
    let at = panel;
    // by vectors: one that is loaded from four stores just made would wait for them
    for (const whole = panel + (<usize>(count & ~3) << 2); at < whole; at += 16, z += 4 * stride) {
      let v = v128.load32_zero(z);
      v = v128.load32_lane(z + stride, v, 1);
      v = v128.load32_lane(z + 2 * stride, v, 2);
      v128.store(at, v128.load32_lane(z + 3 * stride, v, 3));
    }
    for (; at < end; at += 4, z += stride) store<f32>(at, load<f32>(z));
    activationForward(code, panel, panel, 1, count, (<usize>count + 3 & ~3) << 2, parameter, slope, true);
    for (at = panel; at < end; at += 4, a += stride) store<f32>(a, load<f32>(at));
  }
}
