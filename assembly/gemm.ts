// C = op(A)·op(B), f32, for the three products of a dense layer, with one micro-kernel of 4 rows × 8 columns:
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
// share it falls in, so its bits depend on the shapes alone. Register count of the tile: 8 accumulators + 2 of B +
// 1 of A + 1 product = 12 of 16; 12 accumulators (6×8) would spill and run at half the speed on x86-64.

import { KC, NR } from "./codes";
import { loadPartial, storePartial } from "./simd";

/** Rows of the micro-kernel; its columns are NR. */
const MR: i32 = 4;

/** What C starts from: zero, what it holds, or a bias for each column. */
export const FROM_ZERO: i32 = 0;
export const FROM_C: i32 = 1;
export const FROM_BIAS: i32 = 2;

/** Four values of a row of C or of the bias: a whole vector, or what is left of it in the last panel. */
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
 * C[4 × columns] = start + A[4 × k] · panel[k × 8].
 * a0…a3: rows of A, read at steps of `aStep` bytes. panel: packed, read. c0…c3: rows of C, written last to first, so
 * that rows which repeat an earlier one (the bottom edge) leave its values. columns: 1 to 8. Nothing is checked.
 */
function tile4x8(k: i32, a0: usize, a1: usize, a2: usize, a3: usize, aStep: usize, panel: usize,
                 c0: usize, c1: usize, c2: usize, c3: usize, columns: i32, start: i32, bias: usize): void {
  let acc0_0123 = f32x4.splat(0), acc0_4567 = acc0_0123;
  let acc1_0123 = acc0_0123, acc1_4567 = acc0_0123;
  let acc2_0123 = acc0_0123, acc2_4567 = acc0_0123;
  let acc3_0123 = acc0_0123, acc3_4567 = acc0_0123;

  // start values
  if (start == FROM_BIAS) {
    acc0_0123 = loadColumns(bias, columns);
    acc0_4567 = loadColumns(bias + 16, columns - 4);
    acc1_0123 = acc0_0123; acc2_0123 = acc0_0123; acc3_0123 = acc0_0123;
    acc1_4567 = acc0_4567; acc2_4567 = acc0_4567; acc3_4567 = acc0_4567;
  } else if (start == FROM_C) {
    acc0_0123 = loadColumns(c0, columns); acc0_4567 = loadColumns(c0 + 16, columns - 4);
    acc1_0123 = loadColumns(c1, columns); acc1_4567 = loadColumns(c1 + 16, columns - 4);
    acc2_0123 = loadColumns(c2, columns); acc2_4567 = loadColumns(c2 + 16, columns - 4);
    acc3_0123 = loadColumns(c3, columns); acc3_4567 = loadColumns(c3 + 16, columns - 4);
  }

  // k rank-1 updates
  const panelEnd = panel + (<usize>k << 5);
  while (panel < panelEnd) {
    const b0123 = v128.load(panel);
    const b4567 = v128.load(panel, 16);
    panel += 32;
    let x = v128.load32_splat(a0);
    acc0_0123 = f32x4.add(acc0_0123, f32x4.mul(x, b0123));
    acc0_4567 = f32x4.add(acc0_4567, f32x4.mul(x, b4567));
    x = v128.load32_splat(a1);
    acc1_0123 = f32x4.add(acc1_0123, f32x4.mul(x, b0123));
    acc1_4567 = f32x4.add(acc1_4567, f32x4.mul(x, b4567));
    x = v128.load32_splat(a2);
    acc2_0123 = f32x4.add(acc2_0123, f32x4.mul(x, b0123));
    acc2_4567 = f32x4.add(acc2_4567, f32x4.mul(x, b4567));
    x = v128.load32_splat(a3);
    acc3_0123 = f32x4.add(acc3_0123, f32x4.mul(x, b0123));
    acc3_4567 = f32x4.add(acc3_4567, f32x4.mul(x, b4567));
    a0 += aStep; a1 += aStep; a2 += aStep; a3 += aStep;
  }

  if (columns == NR) {
    v128.store(c3, acc3_0123); v128.store(c3, acc3_4567, 16);
    v128.store(c2, acc2_0123); v128.store(c2, acc2_4567, 16);
    v128.store(c1, acc1_0123); v128.store(c1, acc1_4567, 16);
    v128.store(c0, acc0_0123); v128.store(c0, acc0_4567, 16);
  } else {
    storeColumns(c3, acc3_0123, columns); storeColumns(c3 + 16, acc3_4567, columns - 4);
    storeColumns(c2, acc2_0123, columns); storeColumns(c2 + 16, acc2_4567, columns - 4);
    storeColumns(c1, acc1_0123, columns); storeColumns(c1 + 16, acc1_4567, columns - 4);
    storeColumns(c0, acc0_0123, columns); storeColumns(c0 + 16, acc0_4567, columns - 4);
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

/** Four rows of B, k values each, into lanes 0…3 of the panel: transposed by 4 × 4 blocks. A missing row repeats row 0. */
@inline
function packFourRows(k: i32, b: usize, ldb: usize, rows: i32, panel: usize): void {
  const b1 = rows > 1 ? b + ldb : b;
  const b2 = rows > 2 ? b + 2 * ldb : b;
  const b3 = rows > 3 ? b + 3 * ldb : b;
  let at: usize = 0;
  const end = (<usize>k & ~3) << 2;
  for (; at < end; at += 16) {
    const r0 = v128.load(b + at), r1 = v128.load(b1 + at), r2 = v128.load(b2 + at), r3 = v128.load(b3 + at);
    const low01 = i8x16.shuffle(r0, r1, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    const high01 = i8x16.shuffle(r0, r1, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
    const low23 = i8x16.shuffle(r2, r3, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    const high23 = i8x16.shuffle(r2, r3, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
    v128.store(panel, i8x16.shuffle(low01, low23, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23));
    v128.store(panel, i8x16.shuffle(low01, low23, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 32);
    v128.store(panel, i8x16.shuffle(high01, high23, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), 64);
    v128.store(panel, i8x16.shuffle(high01, high23, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 96);
    panel += 128;
  }
  for (const last = <usize>k << 2; at < last; at += 4) {
    store<f32>(panel, load<f32>(b + at));
    store<f32>(panel, load<f32>(b1 + at), 4);
    store<f32>(panel, load<f32>(b2 + at), 8);
    store<f32>(panel, load<f32>(b3 + at), 12);
    panel += 32;
  }
}

/** Packs `columns` (1 to 8) rows of B, k values each, as the columns of the panel. */
function packRows(k: i32, b: usize, ldb: usize, columns: i32, panel: usize): void {
  packFourRows(k, b, ldb, columns, panel);
  if (columns > 4) packFourRows(k, b + 4 * ldb, ldb, columns - 4, panel + 16);
}

/**
 * Columns [begin, end) of C[m × n] = start + op(A)·op(B).
 * a: A, read; element (i, p) at a + i·aRow + p·aStep bytes. b: B, read; rows `ldb` bytes apart, [k × n], or [n × k]
 * where `transposed`. c: C, written, rows `ldc` bytes apart; not read unless start is FROM_C (k = 0 writes the start).
 * bias: n floats, read with FROM_BIAS. panel: KC × NR floats of scratch, this thread's own. begin: a multiple of NR.
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
      let row = 0;
      for (; row <= m - MR; row += MR) {
        const a0 = aBlock + <usize>row * aRow;
        const c0 = c + <usize>row * ldc + (<usize>column << 2);
        tile4x8(block, a0, a0 + aRow, a0 + 2 * aRow, a0 + 3 * aRow, aStep, panel,
                c0, c0 + ldc, c0 + 2 * ldc, c0 + 3 * ldc, columns, blockStart, biasColumn);
      }
      if (row < m) {
        // bottom edge: the rows that are missing repeat the last one
        const left = m - row;
        const a0 = aBlock + <usize>row * aRow;
        const a1 = left > 1 ? a0 + aRow : a0;
        const a2 = left > 2 ? a1 + aRow : a1;
        const c0 = c + <usize>row * ldc + (<usize>column << 2);
        const c1 = left > 1 ? c0 + ldc : c0;
        const c2 = left > 2 ? c1 + ldc : c1;
        tile4x8(block, a0, a1, a2, a2, aStep, panel, c0, c1, c2, c2, columns, blockStart, biasColumn);
      }
      first += block;
    } while (first < k);
  }
}
