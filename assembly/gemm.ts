// C = op(A)·B, f32, for the two gradients of a dense layer, with one micro-kernel of 5 rows × 8 columns, 6 × 8 in the relaxed build:
//
//   NN  dX[m × n] = dZ[m × k] · W[k × n]     gradient of the inputs
//   TN  dW[m × n] = dZ[k × m]ᵀ · X[k × n]    gradient of the weights
//
// (The forward's product, with the weights transposed, is another: forward.ts.)
//
// Both operands are packed, a block of k at a time, so that the kernel reads each front to back:
//
//   A   tiles of 5 (6) rows    k=0: a0 a1 a2 a3 a4 | k=1: a0 … a4 | …      all tiles of the block: second-level cache
//   B   panels of 8 columns    k=0: b0 b1 … b7     | k=1: b0 … b7 | …      a group of panels: first-level cache
//
// Rows and columns beyond m and n hold anything; a tile that has such goes through a whole one at `spare`, of which what
// exists is copied. Each element of C is summed over k in ascending order by one chain of multiply and add, whichever
// tile, edge, block or share it falls in, so its bits depend on the shapes alone.
//
// Registers of the tile: 10 accumulators + 2 of B + 1 of A + 1 product = 14 of 16; 12 accumulators (6×8) would spill and
// run at half the speed on x86-64; 4×8 is held back by its instructions (0.78 of the SIMD peak where 5×8 reaches 0.95).
// The relaxed build has no product: 6×8 takes 15. There it is 1.055 to 1.065 times as fast as 5×8, whose ten chains hardly hide a
// fused operation's latency of four cycles, and 1.045 to 1.075 times as fast as the release build's 5×8, on a core that multiplies and
// adds side by side (Zen 5; Node 22, 24, 26). Where the same units do both, it should be more; not measured.

import { KC, MR, NR, PACKED_FLOATS, PANEL_BYTES, PANEL_FLOATS, RELAXED_MR, SPARE_BYTES } from "./codes";
import { loadColumns, multiplyAdd, storeColumns, storeTransposed } from "./simd";

/** What C starts from: zero, or what it holds. */
export const FROM_ZERO: i32 = 0;
export const FROM_C: i32 = 1;

/** Rows of a tile in this build. */
export const ROWS: i32 = ASC_FEATURE_RELAXED_SIMD ? RELAXED_MR : MR;

/** Bytes of one k in a tile and in a panel. */
const ROW_BYTES: usize = ROWS << 2;
const COLUMN_BYTES: usize = NR << 2;

/** Places in a thread's scratch: a tile for edges, the panels of B, the tiles of A. */
const PANELS: usize = SPARE_BYTES;
const TILES: usize = PANEL_BYTES;

/**
 * C[ROWS × 8] = start + tile[ROWS × k] · panel[k × 8]. start: a constant, so that each caller is a function of its own.
 * tile, panel: packed, read. c: written, rows `ldc` bytes apart.
 *
 * One loop, not unrolled, tested at its head, and no branch after it: V8 (Node 20 to 26) keeps every value in a register
 * for this form alone. Unrolled by two it moves the second step's loads forward and spills (0.71 of the peak for 0.95),
 * as a loop within the loop over tiles, or tested at its foot, it spills all accumulators (0.43).
 *
 * The low and the high half of a row are stored one after the other: from such pairs V8's revectorizer (Node 24 and 26 with
 * --experimental-wasm-revectorize) makes vectors of 256 bits, 1.55 to 1.6 times as fast with the same bits. All low halves first, and
 * it finds no pair (1.0); without the flag that spills on Node 20 and 22 (0.4). The order of the multiplications does not matter.
 */
@inline
function tile(start: i32, k: i32, a: usize, panel: usize, c: usize, ldc: usize): void {
  const c1 = c + ldc, c2 = c + 2 * ldc, c3 = c + 3 * ldc, c4 = c + 4 * ldc, c5 = c + 5 * ldc;
  let s0l = f32x4.splat(0), s0h = s0l, s1l = s0l, s1h = s0l, s2l = s0l, s2h = s0l, s3l = s0l, s3h = s0l, s4l = s0l, s4h = s0l, s5l = s0l, s5h = s0l;
  if (start == FROM_C) {
    s0l = v128.load(c); s0h = v128.load(c, 16);
    s1l = v128.load(c1); s1h = v128.load(c1, 16);
    s2l = v128.load(c2); s2h = v128.load(c2, 16);
    s3l = v128.load(c3); s3h = v128.load(c3, 16);
    s4l = v128.load(c4); s4h = v128.load(c4, 16);
    if (ROWS == 6) { s5l = v128.load(c5); s5h = v128.load(c5, 16); }
  }
  const end = panel + (<usize>k << 5);
  while (panel < end) {
    const bl = v128.load(panel), bh = v128.load(panel, 16);
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
    x = v128.load32_splat(a, 16);
    s4l = multiplyAdd(s4l, x, bl);
    s4h = multiplyAdd(s4h, x, bh);
    if (ROWS == 6) {
      x = v128.load32_splat(a, 20);
      s5l = multiplyAdd(s5l, x, bl);
      s5h = multiplyAdd(s5h, x, bh);
    }
    a += ROW_BYTES;
    panel += COLUMN_BYTES;
  }
  v128.store(c, s0l); v128.store(c, s0h, 16);
  v128.store(c1, s1l); v128.store(c1, s1h, 16);
  v128.store(c2, s2l); v128.store(c2, s2h, 16);
  v128.store(c3, s3l); v128.store(c3, s3h, 16);
  v128.store(c4, s4l); v128.store(c4, s4h, 16);
  if (ROWS == 6) { v128.store(c5, s5l); v128.store(c5, s5h, 16); }
}

function tileFromZero(k: i32, a: usize, panel: usize, c: usize, ldc: usize): void {
  tile(FROM_ZERO, k, a, panel, c, ldc);
}

function tileFromC(k: i32, a: usize, panel: usize, c: usize, ldc: usize): void {
  tile(FROM_C, k, a, panel, c, ldc);
}

@inline
function anyTile(start: i32, k: i32, a: usize, panel: usize, c: usize, ldc: usize): void {
  if (start == FROM_ZERO) tileFromZero(k, a, panel, c, ldc);
  else tileFromC(k, a, panel, c, ldc);
}

/** `rows` rows of `columns` (1 to 8) floats from one place to another. */
function copyTile(rows: i32, columns: i32, from: usize, ldFrom: usize, to: usize, ldTo: usize): void {
  for (let row = 0; row < rows; ++row) {
    storeColumns(to, loadColumns(from, columns), columns);
    storeColumns(to + 16, loadColumns(from + 16, columns - 4), columns - 4);
    from += ldFrom;
    to += ldTo;
  }
}

/** A tile of which only `rows` and `columns` exist, by way of the whole one at `spare`. */
function edgeTile(start: i32, rows: i32, columns: i32, k: i32, a: usize, panel: usize, c: usize, ldc: usize, spare: usize): void {
  if (start == FROM_C) copyTile(rows, columns, c, ldc, spare, COLUMN_BYTES);
  anyTile(start, k, a, panel, spare, COLUMN_BYTES);
  copyTile(rows, columns, spare, COLUMN_BYTES, c, ldc);
}

/** One tile of A from `rows` (1 to ROWS) rows of k adjacent values, `ld` bytes apart: transposed by 4 × 4 blocks. A missing row repeats the first. */
function packTileOfRows(rows: i32, k: i32, a: usize, ld: usize, to: usize): void {
  const a1 = rows > 1 ? a + ld : a, a2 = rows > 2 ? a + 2 * ld : a, a3 = rows > 3 ? a + 3 * ld : a, a4 = rows > 4 ? a + 4 * ld : a, a5 = rows > 5 ? a + 5 * ld : a;
  let at: usize = 0;
  for (const whole = (<usize>k & ~3) << 2; at < whole; at += 16) {
    // the vectors of the first four rows leave the places of the others, behind each, as they are
    storeTransposed(v128.load(a + at), v128.load(a1 + at), v128.load(a2 + at), v128.load(a3 + at), to, ROW_BYTES);
    const fifth = v128.load(a4 + at);
    if (ROWS == 6) {
      const sixth = v128.load(a5 + at);
      const low = i8x16.shuffle(fifth, sixth, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
      const high = i8x16.shuffle(fifth, sixth, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
      v128.store64_lane(to + 16, low, 0);
      v128.store64_lane(to + 40, low, 1);
      v128.store64_lane(to + 64, high, 0);
      v128.store64_lane(to + 88, high, 1);
    } else {
      v128.store32_lane(to + 16, fifth, 0);
      v128.store32_lane(to + 36, fifth, 1);
      v128.store32_lane(to + 56, fifth, 2);
      v128.store32_lane(to + 76, fifth, 3);
    }
    to += 4 * ROW_BYTES;
  }
  for (const last = <usize>k << 2; at < last; at += 4) {
    store<f32>(to, load<f32>(a + at));
    store<f32>(to, load<f32>(a1 + at), 4);
    store<f32>(to, load<f32>(a2 + at), 8);
    store<f32>(to, load<f32>(a3 + at), 12);
    store<f32>(to, load<f32>(a4 + at), 16);
    if (ROWS == 6) store<f32>(to, load<f32>(a5 + at), 20);
    to += ROW_BYTES;
  }
}

/** One tile of A from `rows` (1 to ROWS) adjacent columns of k rows, `ld` bytes apart: a copy. */
function packTileOfColumns(rows: i32, k: i32, a: usize, ld: usize, to: usize): void {
  if (rows == ROWS) {
    for (let p = 0; p < k; ++p) {
      v128.store(to, v128.load(a));
      if (ROWS == 6) store<u64>(to, load<u64>(a, 16), 16);
      else store<f32>(to, load<f32>(a, 16), 16);
      a += ld;
      to += ROW_BYTES;
    }
  } else {
    for (let p = 0; p < k; ++p) {
      storeColumns(to, loadColumns(a, rows), rows);
      if (ROWS == 6 && rows == 5) store<f32>(to, load<f32>(a, 16), 16);
      a += ld;
      to += ROW_BYTES;
    }
  }
}

/** The tiles of `rows` rows of A, k values each: element (i, p) at a + i·aRow + p·aStep bytes, one of which is 4. */
function packTiles(rows: i32, k: i32, a: usize, aRow: usize, aStep: usize, to: usize): void {
  const size = <usize>k * ROW_BYTES;
  for (; rows > 0; rows -= ROWS) {
    if (aStep == 4) packTileOfRows(min(rows, ROWS), k, a, aRow, to);
    else packTileOfColumns(min(rows, ROWS), k, a, aStep, to);
    a += <usize>ROWS * aRow;
    to += size;
  }
}

/** One panel of B from `columns` (1 to 8) adjacent columns of k rows, `ldb` bytes apart: a copy. */
function packPanelOfColumns(columns: i32, k: i32, b: usize, ldb: usize, to: usize): void {
  if (columns == NR) {
    for (let p = 0; p < k; ++p) {
      v128.store(to, v128.load(b));
      v128.store(to, v128.load(b, 16), 16);
      b += ldb;
      to += COLUMN_BYTES;
    }
  } else {
    for (let p = 0; p < k; ++p) {
      v128.store(to, loadColumns(b, columns));
      v128.store(to, loadColumns(b + 16, columns - 4), 16);
      b += ldb;
      to += COLUMN_BYTES;
    }
  }
}

/** Two panels of B from 16 adjacent columns of k rows, `ldb` bytes apart. */
function packTwoPanels(k: i32, b: usize, ldb: usize, to: usize): void {
  const second = to + (<usize>k << 5);
  let other = second;
  while (to < second) {
    v128.store(to, v128.load(b));
    v128.store(to, v128.load(b, 16), 16);
    v128.store(other, v128.load(b, 32));
    v128.store(other, v128.load(b, 48), 16);
    b += ldb;
    to += COLUMN_BYTES;
    other += COLUMN_BYTES;
  }
}

/** One panel from `columns` (1 to 8) rows of k adjacent values: transposed by 4 × 4 blocks. A missing row repeats the first. */
function packPanelOfRows(columns: i32, k: i32, b: usize, ldb: usize, to: usize): void {
  const b1 = columns > 1 ? b + ldb : b, b2 = columns > 2 ? b + 2 * ldb : b, b3 = columns > 3 ? b + 3 * ldb : b;
  const b4 = columns > 4 ? b + 4 * ldb : b, b5 = columns > 5 ? b + 5 * ldb : b, b6 = columns > 6 ? b + 6 * ldb : b, b7 = columns > 7 ? b + 7 * ldb : b;
  let at: usize = 0;
  for (const whole = (<usize>k & ~3) << 2; at < whole; at += 16) {
    storeTransposed(v128.load(b + at), v128.load(b1 + at), v128.load(b2 + at), v128.load(b3 + at), to, COLUMN_BYTES);
    storeTransposed(v128.load(b4 + at), v128.load(b5 + at), v128.load(b6 + at), v128.load(b7 + at), to + 16, COLUMN_BYTES);
    to += 4 * COLUMN_BYTES;
  }
  for (const last = <usize>k << 2; at < last; at += 4) {
    store<f32>(to, load<f32>(b + at));
    store<f32>(to, load<f32>(b1 + at), 4);
    store<f32>(to, load<f32>(b2 + at), 8);
    store<f32>(to, load<f32>(b3 + at), 12);
    store<f32>(to, load<f32>(b4 + at), 16);
    store<f32>(to, load<f32>(b5 + at), 20);
    store<f32>(to, load<f32>(b6 + at), 24);
    store<f32>(to, load<f32>(b7 + at), 28);
    to += COLUMN_BYTES;
  }
}

/** The panels of `columns` columns of B, [k × columns]. */
function packPanels(columns: i32, k: i32, b: usize, ldb: usize, to: usize): void {
  const size = <usize>k * COLUMN_BYTES;
  while (columns >= 2 * NR) {
    packTwoPanels(k, b, ldb, to);
    columns -= 2 * NR;
    b += 2 * COLUMN_BYTES;
    to += 2 * size;
  }
  while (columns > 0) {
    packPanelOfColumns(min(columns, NR), k, b, ldb, to);
    columns -= NR;
    b += COLUMN_BYTES;
    to += size;
  }
}

/** The panels of `rows` rows of k adjacent values, `ld` bytes apart: a panel has eight of them as its columns. */
export function packPanelsOfRows(rows: i32, k: i32, from: usize, ld: usize, to: usize): void {
  const size = <usize>k * COLUMN_BYTES;
  for (; rows > 0; rows -= NR) {
    packPanelOfRows(min(rows, NR), k, from, ld, to);
    from += <usize>NR * ld;
    to += size;
  }
}

/**
 * `rows` packed rows against the columns of one group of packed panels: tile by tile, so that C is written along its rows.
 * c: first row and first column of the group.
 */
function multiplyGroup(rows: i32, columns: i32, k: i32, a: usize, panels: usize, c: usize, ldc: usize, start: i32, spare: usize): void {
  const size = <usize>k * ROW_BYTES, panelSize = <usize>k * COLUMN_BYTES;
  for (; rows > 0; rows -= ROWS) {
    let panel = panels, to = c;
    for (let rest = columns; rest > 0; rest -= NR) {
      if (rows >= ROWS && rest >= NR) anyTile(start, k, a, panel, to, ldc);
      else edgeTile(start, min(rows, ROWS), min(rest, NR), k, a, panel, to, ldc, spare);
      panel += panelSize;
      to += COLUMN_BYTES;
    }
    a += size;
    c += <usize>ROWS * ldc;
  }
}

/**
 * Rows that are packed at a time, of `rows`, where a block of k is `block` long and a tile or panel has `height` of them: as many as
 * PACKED_FLOATS hold, in blocks of like size.
 */
@inline
export function blockRows(rows: i32, block: i32, height: i32): i32 {
  const most = max(PACKED_FLOATS / (max(block, 1) * height), 1) * height;
  const blocks = (rows + most - 1) / most;
  return blocks < 2 ? most : ((rows + blocks * height - 1) / (blocks * height)) * height;
}

/** Columns of the panels that are packed at a time: two at least, since a line of the cache holds the columns of both (2 % at 1024 × 1024). */
@inline
function groupColumns(block: i32): i32 {
  return max(PANEL_FLOATS / (max(block, 1) * NR), 1) * NR;
}

/**
 * Columns [begin, end) of C[m × n] = start + op(A)·B.
 * a: A, read; element (i, p) at a + i·aRow + p·aStep bytes; one of the two steps is 4. b: B [k × n], read; rows `ldb` bytes apart.
 * c: C, written, rows `ldc` bytes apart; not read unless start is FROM_C (k = 0 writes the start). scratch: this thread's own, as
 * large as src/plan/layout.ts plans it. begin: a multiple of NR. C must not overlap A, B or scratch. Nothing is checked.
 */
export function gemm(m: i32, begin: i32, end: i32, k: i32, a: usize, aRow: usize, aStep: usize, b: usize, ldb: usize, c: usize, ldc: usize, start: i32, scratch: usize): void {
  if (begin >= end) return;
  let first = 0;
  do {
    const block = min(k - first, KC);
    const most = blockRows(m, block, ROWS);
    const group = groupColumns(block);
    for (let row = 0; row < m; row += most) {
      const rows = min(m - row, most);
      packTiles(rows, block, a + <usize>row * aRow + <usize>first * aStep, aRow, aStep, scratch + TILES);
      for (let column = begin; column < end; column += group) {
        const columns = min(end - column, group);
        const at = <usize>column << 2;
        packPanels(columns, block, b + <usize>first * ldb + at, ldb, scratch + PANELS);
        multiplyGroup(rows, columns, block, scratch + TILES, scratch + PANELS, c + <usize>row * ldc + at, ldc, first == 0 ? start : FROM_C, scratch);
      }
    }
    first += block;
  } while (first < k);
}
