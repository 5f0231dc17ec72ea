// C = op(A)·op(B), f32, for the three products of a dense layer, with one micro-kernel of 5 (or 4) rows × 8 columns:
//
//   NT  Y[m × n]  = X[m × k] · W[n × k]ᵀ     forward
//   NN  dX[m × n] = dZ[m × k] · W[k × n]     gradient of the inputs
//   TN  dW[m × n] = dZ[k × m]ᵀ · X[k × n]    gradient of the weights
//
// A is read where it lies: element (i, k) is at a + i·aRow + k·aStep (bytes), so a transposed A only swaps the two.
// B is packed, 8 columns of one block of k at a time, into a panel that stays in the first-level cache:
//
//   panel:  k=0: b0 b1 b2 b3 b4 b5 b6 b7 | k=1: b0 … b7 | …      (columns beyond n hold anything and are not stored)
//
// Each element of C is summed over k in ascending order by one chain of multiply and add, whichever tile, edge or
// share it falls in, so its bits depend on the shapes alone. Registers of the tile: 10 accumulators + 2 of B + 1 of A +
// 1 product = 14 of 16; 12 accumulators (6×8) would spill and run at half the speed on x86-64, 8 (4×8) leave it waiting
// for the add.

import { KC, NR } from "./codes";
import { loadPartial, multiplyAdd, storePartial } from "./simd";

/** What C starts from: zero, what it holds, or a bias for each column. */
export const FROM_ZERO: i32 = 0;
export const FROM_C: i32 = 1;
export const FROM_BIAS: i32 = 2;

/** How the micro-kernel finds A: rows of adjacent k; columns of adjacent rows; or any step, with rows that may repeat. */
const ROWS: i32 = 0;
const COLUMNS: i32 = 1;
const STRIDED: i32 = 2;

/** Four values of a row: a whole vector, or what is left of it in the last panel. */
@inline
function loadColumns(ptr: usize, columns: i32): v128 {
  return columns >= 4 ? v128.load(ptr) : columns > 0 ? loadPartial(ptr, columns) : f32x4.splat(0);
}

@inline
function storeColumns(ptr: usize, v: v128, columns: i32): void {
  if (columns >= 4) v128.store(ptr, v);
  else if (columns > 0) storePartial(ptr, v, columns);
}

/**
 * C[rows × 8] = start + A[rows × k] · panel[k × 8], rows = 5 where `five`, else 4.
 * form, five: constants, so that each caller is a loop of its own. a: first row of A, read; `aRow` between rows and
 * `aStep` between k, in bytes. panel: packed, read. c: written, rows `ldc` bytes apart. rows: of the STRIDED form, 1 to 4;
 * those that are missing repeat the last, whose values come out the same. k: a multiple of 4 in the ROWS form.
 *
 * One loop, and no branch after it: with a second loop or another way to store, V8 (Node 20) spills accumulators inside
 * the loop and loses a quarter of the speed (measured).
 */
@inline
function tile(form: i32, five: bool, k: i32, a: usize, aRow: usize, aStep: usize, panel: usize, c: usize, ldc: usize, start: i32, bias: usize, rows: i32): void {
  const step1: usize = form == STRIDED && rows < 2 ? 0 : 1;
  const step2: usize = step1 + <usize>(form == STRIDED && rows < 3 ? 0 : 1);
  const step3: usize = step2 + <usize>(form == STRIDED && rows < 4 ? 0 : 1);
  const c0 = c, c1 = c + step1 * ldc, c2 = c + step2 * ldc, c3 = c + step3 * ldc, c4 = c + 4 * ldc;

  // start values
  let s0l = f32x4.splat(0), s0h = s0l, s1l = s0l, s1h = s0l, s2l = s0l, s2h = s0l, s3l = s0l, s3h = s0l, s4l = s0l, s4h = s0l;
  if (start == FROM_BIAS) {
    s0l = v128.load(bias);
    s0h = v128.load(bias, 16);
    s1l = s0l; s2l = s0l; s3l = s0l; s4l = s0l;
    s1h = s0h; s2h = s0h; s3h = s0h; s4h = s0h;
  } else if (start == FROM_C) {
    s0l = v128.load(c0); s0h = v128.load(c0, 16);
    s1l = v128.load(c1); s1h = v128.load(c1, 16);
    s2l = v128.load(c2); s2h = v128.load(c2, 16);
    s3l = v128.load(c3); s3h = v128.load(c3, 16);
    if (five) { s4l = v128.load(c4); s4h = v128.load(c4, 16); }
  }

  // k rank-1 updates, written out: a helper could not hand back ten accumulators
  if (form == ROWS) {
    let a0 = a, a1 = a + aRow, a2 = a + 2 * aRow, a3 = a + 3 * aRow, a4 = a + 4 * aRow;
    const end = panel + (<usize>k << 5);
    while (panel < end) {
      let bl = v128.load(panel), bh = v128.load(panel, 16);
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
      if (five) {
        x = v128.load32_splat(a4);
        s4l = multiplyAdd(s4l, x, bl);
        s4h = multiplyAdd(s4h, x, bh);
      }
      bl = v128.load(panel, 32); bh = v128.load(panel, 48);
      x = v128.load32_splat(a0, 4);
      s0l = multiplyAdd(s0l, x, bl);
      s0h = multiplyAdd(s0h, x, bh);
      x = v128.load32_splat(a1, 4);
      s1l = multiplyAdd(s1l, x, bl);
      s1h = multiplyAdd(s1h, x, bh);
      x = v128.load32_splat(a2, 4);
      s2l = multiplyAdd(s2l, x, bl);
      s2h = multiplyAdd(s2h, x, bh);
      x = v128.load32_splat(a3, 4);
      s3l = multiplyAdd(s3l, x, bl);
      s3h = multiplyAdd(s3h, x, bh);
      if (five) {
        x = v128.load32_splat(a4, 4);
        s4l = multiplyAdd(s4l, x, bl);
        s4h = multiplyAdd(s4h, x, bh);
      }
      bl = v128.load(panel, 64); bh = v128.load(panel, 80);
      x = v128.load32_splat(a0, 8);
      s0l = multiplyAdd(s0l, x, bl);
      s0h = multiplyAdd(s0h, x, bh);
      x = v128.load32_splat(a1, 8);
      s1l = multiplyAdd(s1l, x, bl);
      s1h = multiplyAdd(s1h, x, bh);
      x = v128.load32_splat(a2, 8);
      s2l = multiplyAdd(s2l, x, bl);
      s2h = multiplyAdd(s2h, x, bh);
      x = v128.load32_splat(a3, 8);
      s3l = multiplyAdd(s3l, x, bl);
      s3h = multiplyAdd(s3h, x, bh);
      if (five) {
        x = v128.load32_splat(a4, 8);
        s4l = multiplyAdd(s4l, x, bl);
        s4h = multiplyAdd(s4h, x, bh);
      }
      bl = v128.load(panel, 96); bh = v128.load(panel, 112);
      x = v128.load32_splat(a0, 12);
      s0l = multiplyAdd(s0l, x, bl);
      s0h = multiplyAdd(s0h, x, bh);
      x = v128.load32_splat(a1, 12);
      s1l = multiplyAdd(s1l, x, bl);
      s1h = multiplyAdd(s1h, x, bh);
      x = v128.load32_splat(a2, 12);
      s2l = multiplyAdd(s2l, x, bl);
      s2h = multiplyAdd(s2h, x, bh);
      x = v128.load32_splat(a3, 12);
      s3l = multiplyAdd(s3l, x, bl);
      s3h = multiplyAdd(s3h, x, bh);
      if (five) {
        x = v128.load32_splat(a4, 12);
        s4l = multiplyAdd(s4l, x, bl);
        s4h = multiplyAdd(s4h, x, bh);
      }
      a0 += 16; a1 += 16; a2 += 16; a3 += 16;
      if (five) a4 += 16;
      panel += 128;
    }
  } else if (form == COLUMNS) {
    const end = panel + (<usize>k << 5);
    while (panel < end) {
      let bl = v128.load(panel), bh = v128.load(panel, 16);
      let x = v128.load32_splat(a);
      s0l = multiplyAdd(s0l, x, bl);
      s0h = multiplyAdd(s0h, x, bh);
      x = v128.load32_splat(a, 4);
      s1l = multiplyAdd(s1l, x, bl);
      s1h = multiplyAdd(s1h, x, bh);
      x = v128.load32_splat(a, 8);
      s2l = multiplyAdd(s2l, x, bl);
      s2h = multiplyAdd(s2h, x, bh);
      x = v128.load32_splat(a, 12);
      s3l = multiplyAdd(s3l, x, bl);
      s3h = multiplyAdd(s3h, x, bh);
      if (five) {
        x = v128.load32_splat(a, 16);
        s4l = multiplyAdd(s4l, x, bl);
        s4h = multiplyAdd(s4h, x, bh);
      }
      a += aStep;
      panel += 32;
    }
  } else {
    let a0 = a, a1 = a + step1 * aRow, a2 = a + step2 * aRow, a3 = a + step3 * aRow;
    const end = panel + (<usize>k << 5);
    while (panel < end) {
      let bl = v128.load(panel), bh = v128.load(panel, 16);
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
      a0 += aStep; a1 += aStep; a2 += aStep; a3 += aStep;
      panel += 32;
    }
  }

  // results; a row that repeats another writes the same values
  v128.store(c0, s0l); v128.store(c0, s0h, 16);
  v128.store(c1, s1l); v128.store(c1, s1h, 16);
  v128.store(c2, s2l); v128.store(c2, s2h, 16);
  v128.store(c3, s3l); v128.store(c3, s3h, 16);
  if (five) { v128.store(c4, s4l); v128.store(c4, s4h, 16); }
}

function rows5x8(k: i32, a: usize, aRow: usize, panel: usize, c: usize, ldc: usize, start: i32, bias: usize): void {
  tile(ROWS, true, k, a, aRow, 4, panel, c, ldc, start, bias, 5);
}

function rows4x8(k: i32, a: usize, aRow: usize, panel: usize, c: usize, ldc: usize, start: i32, bias: usize): void {
  tile(ROWS, false, k, a, aRow, 4, panel, c, ldc, start, bias, 4);
}

function columns5x8(k: i32, a: usize, aStep: usize, panel: usize, c: usize, ldc: usize, start: i32, bias: usize): void {
  tile(COLUMNS, true, k, a, 4, aStep, panel, c, ldc, start, bias, 5);
}

function columns4x8(k: i32, a: usize, aStep: usize, panel: usize, c: usize, ldc: usize, start: i32, bias: usize): void {
  tile(COLUMNS, false, k, a, 4, aStep, panel, c, ldc, start, bias, 4);
}

function edge4x8(k: i32, a: usize, aRow: usize, aStep: usize, panel: usize, c: usize, ldc: usize, start: i32, bias: usize, rows: i32): void {
  tile(STRIDED, false, k, a, aRow, aStep, panel, c, ldc, start, bias, rows);
}

/** One tile of 1 to 5 rows and 8 columns by the kernel that suits it; 5 rows only where `form` is not STRIDED. */
@inline
function anyTile(form: i32, rows: i32, k: i32, a: usize, aRow: usize, aStep: usize, panel: usize, c: usize, ldc: usize, start: i32, bias: usize): void {
  if (rows < 4 || form == STRIDED) edge4x8(k, a, aRow, aStep, panel, c, ldc, start, bias, rows);
  else if (form == COLUMNS) {
    if (rows == 5) columns5x8(k, a, aStep, panel, c, ldc, start, bias);
    else columns4x8(k, a, aStep, panel, c, ldc, start, bias);
  } else if (rows == 5) rows5x8(k, a, aRow, panel, c, ldc, start, bias);
  else rows4x8(k, a, aRow, panel, c, ldc, start, bias);
}

/** `rows` rows of `columns` (1 to 7) floats from one place to another. */
function copyTile(rows: i32, columns: i32, from: usize, ldFrom: usize, to: usize, ldTo: usize): void {
  for (let row = 0; row < rows; ++row) {
    storeColumns(to, loadColumns(from, columns), columns);
    storeColumns(to + 16, loadColumns(from + 16, columns - 4), columns - 4);
    from += ldFrom;
    to += ldTo;
  }
}

/** Packs `columns` (1 to 8) adjacent columns of k rows, `ldb` bytes apart: a copy. */
function packColumns(k: i32, b: usize, ldb: usize, columns: i32, panel: usize): void {
  if (columns == NR) {
    for (let p = 0; p < k; ++p) {
      v128.store(panel, v128.load(b));
      v128.store(panel, v128.load(b, 16), 16);
      b += ldb;
      panel += 32;
    }
  } else {
    for (let p = 0; p < k; ++p) {
      v128.store(panel, loadColumns(b, columns));
      v128.store(panel, loadColumns(b + 16, columns - 4), 16);
      b += ldb;
      panel += 32;
    }
  }
}

/** Rows r0…r3 of a 4 × 4 block as columns, at `panel` and every 32 bytes on. */
@inline
function storeTransposed(r0: v128, r1: v128, r2: v128, r3: v128, panel: usize, offset: usize): void {
  const low01 = i8x16.shuffle(r0, r1, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const high01 = i8x16.shuffle(r0, r1, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const low23 = i8x16.shuffle(r2, r3, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
  const high23 = i8x16.shuffle(r2, r3, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  v128.store(panel + offset, i8x16.shuffle(low01, low23, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
  v128.store(panel + offset, i8x16.shuffle(low01, low23, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 32);
  v128.store(panel + offset, i8x16.shuffle(high01, high23, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), 64);
  v128.store(panel + offset, i8x16.shuffle(high01, high23, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 96);
}

/** Packs `columns` (1 to 8) rows of B, k values each, as the columns of the panel: transposed by 4 × 4 blocks. A missing row repeats the first. */
function packRows(k: i32, b: usize, ldb: usize, columns: i32, panel: usize): void {
  const b1 = columns > 1 ? b + ldb : b, b2 = columns > 2 ? b + 2 * ldb : b, b3 = columns > 3 ? b + 3 * ldb : b;
  const b4 = columns > 4 ? b + 4 * ldb : b, b5 = columns > 5 ? b + 5 * ldb : b, b6 = columns > 6 ? b + 6 * ldb : b, b7 = columns > 7 ? b + 7 * ldb : b;
  let at: usize = 0;
  for (const end = (<usize>k & ~3) << 2; at < end; at += 16) {
    storeTransposed(v128.load(b + at), v128.load(b1 + at), v128.load(b2 + at), v128.load(b3 + at), panel, 0);
    storeTransposed(v128.load(b4 + at), v128.load(b5 + at), v128.load(b6 + at), v128.load(b7 + at), panel, 16);
    panel += 128;
  }
  for (const last = <usize>k << 2; at < last; at += 4) {
    store<f32>(panel, load<f32>(b + at));
    store<f32>(panel, load<f32>(b1 + at), 4);
    store<f32>(panel, load<f32>(b2 + at), 8);
    store<f32>(panel, load<f32>(b3 + at), 12);
    store<f32>(panel, load<f32>(b4 + at), 16);
    store<f32>(panel, load<f32>(b5 + at), 20);
    store<f32>(panel, load<f32>(b6 + at), 24);
    store<f32>(panel, load<f32>(b7 + at), 28);
    panel += 32;
  }
}

/**
 * All rows of A against one panel, in tiles of 5 and 4 rows and an edge of fewer where m is not made of these. A panel of
 * fewer than 8 columns goes through a whole tile at `spare`, of which the columns that exist are copied.
 */
function multiply(m: i32, k: i32, a: usize, aRow: usize, aStep: usize, panel: usize, c: usize, ldc: usize, columns: i32, start: i32, bias: usize, spare: usize): void {
  const form = aStep != 4 ? COLUMNS : (k & 3) == 0 ? ROWS : STRIDED;
  // m = 5·fives + 4·fours + edge, with an edge only for m of 1, 2, 3, 6, 7 and 11, or fours alone
  let fours = (5 - m % 5) % 5;
  let fives = (m - 4 * fours) / 5;
  if (m < 4 * fours || form == STRIDED) {
    fives = 0;
    fours = m >> 2;
  }
  const partial = columns < NR;
  const spareBias = spare + 5 * 32;
  if (partial && start == FROM_BIAS) copyTile(1, columns, bias, 0, spareBias, 0);
  for (let row = 0; row < m;) {
    const rows = fives > 0 ? 5 : fours > 0 ? 4 : m - row;
    if (fives > 0) --fives;
    else --fours;
    const ai = a + <usize>row * aRow, ci = c + <usize>row * ldc;
    if (partial) {
      if (start == FROM_C) copyTile(rows, columns, ci, ldc, spare, 32);
      anyTile(form, rows, k, ai, aRow, aStep, panel, spare, 32, start, spareBias);
      copyTile(rows, columns, spare, 32, ci, ldc);
    } else anyTile(form, rows, k, ai, aRow, aStep, panel, ci, ldc, start, bias);
    row += rows;
  }
}

/**
 * Columns [begin, end) of C[m × n] = start + op(A)·op(B).
 * a: A, read; element (i, p) at a + i·aRow + p·aStep bytes; one of the two steps is 4. b: B, read; rows `ldb` bytes apart, [k × n], or [n × k]
 * where `transposed`. c: C, written, rows `ldc` bytes apart; not read unless start is FROM_C (k = 0 writes the start).
 * bias: n floats, read with FROM_BIAS. panel: PANEL_BYTES of scratch, this thread's own. begin: a multiple of NR.
 * C must not overlap A, B, bias or panel. Nothing is checked.
 */
export function gemm(m: i32, begin: i32, end: i32, k: i32, a: usize, aRow: usize, aStep: usize, b: usize, ldb: usize, transposed: bool,
                     c: usize, ldc: usize, start: i32, bias: usize, panel: usize): void {
  for (let column = begin; column < end; column += NR) {
    const columns = min(end - column, NR);
    const bColumn = transposed ? b + <usize>column * ldb : b + (<usize>column << 2);
    const biasColumn = bias + (<usize>column << 2);
    let first = 0;
    do {
      // one block of k: pack, then all rows of A against the panel
      const block = min(k - first, KC);
      if (transposed) packRows(block, bColumn + (<usize>first << 2), ldb, columns, panel);
      else packColumns(block, bColumn + <usize>first * ldb, ldb, columns, panel);
      const blockStart = first == 0 ? start : FROM_C;
      const aBlock = a + <usize>first * aStep;
      multiply(m, block, aBlock, aRow, aStep, panel, c + (<usize>column << 2), ldc, columns, blockStart, biasColumn, panel + (<usize>(KC * NR) << 2));
      first += block;
    } while (first < k);
  }
}
