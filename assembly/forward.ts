// Z = X·Wᵀ + b, A = f(Z): the product of a dense layer's forward, f32. The weights are read where they lie, once for eight samples;
// the samples alone are packed:
//
//   X   panels of 8 samples    k=0: x0 x1 … x7 | k=1: x0 … x7 | …      all panels of a block of rows: second-level cache
//   W   5 (6) rows as they lie                                          first-level cache, for all panels in turn
//
// A tile is 5 (6) units × 8 samples: it holds Zᵀ, and is turned as it is stored. Each element is summed over k in ascending
// order by one chain of multiply and add from its bias, as in gemm.ts, so its bits depend on the shapes alone.
//
// Beside a product that packs both operands by tiles of 5 rows this saves the copy of the weights at each step, and up to four samples
// take a half tile. Measured with 784 inputs and 128 units (Zen 5, Node 20): 1.04 times as fast for 64 rows, 1.13 for 32, 1.37 for 16,
// 1.46 for 8, 1.38 for 2 and 4, and 0.85 to 0.93 for 5 and 10, which tiles of 5 fit. Registers of the tile as in gemm.ts, whose words on
// V8 hold here too: one loop, not unrolled, in a function of its own. The rows' pointers are counted on one by one: V8 forms
// their sum with a common index anew for each load, which costs a tenth.

import { activationForward } from "./activations";
import { FORWARD_KC, NR, SPARE_BYTES } from "./codes";
import { ROWS, blockRows, packPanelsOfRows } from "./gemm";
import { loadColumns, multiplyAdd, storeColumns, storeTransposed } from "./simd";

/** Units computed before the activation runs over them: some tiles, so that they are still in the nearest cache. */
const GROUP: i32 = 8 * ROWS;

/** Bytes of one k in a panel, and of a unit's samples in a tile. */
const PANEL_ROW: usize = NR << 2;

/** Places in a thread's scratch: a tile, the biases of a partial one, the panels of X. */
const BIAS: usize = <usize>ROWS * PANEL_ROW;

/**
 * tile[ROWS × 8] = start + w[ROWS × k] · panel[k × 8], or its first four columns where `half`. start and half: constants.
 * w: the first row of weights, d1…d5: the bytes from it to the others (d5 in the relaxed build alone), read. bias: ROWS floats, read unless `again`, where the tile goes on from what it holds.
 */
@inline
function unitTile(again: bool, half: bool, k: i32, w: usize, d1: usize, d2: usize, d3: usize, d4: usize, d5: usize, panel: usize, tile: usize, bias: usize): void {
  let s0l: v128, s0h: v128, s1l: v128, s1h: v128, s2l: v128, s2h: v128, s3l: v128, s3h: v128, s4l: v128, s4h: v128, s5l = f32x4.splat(0), s5h = s5l;
  if (again) {
    s0l = v128.load(tile); s0h = v128.load(tile, 16);
    s1l = v128.load(tile, 32); s1h = v128.load(tile, 48);
    s2l = v128.load(tile, 64); s2h = v128.load(tile, 80);
    s3l = v128.load(tile, 96); s3h = v128.load(tile, 112);
    s4l = v128.load(tile, 128); s4h = v128.load(tile, 144);
    if (ROWS == 6) { s5l = v128.load(tile, 160); s5h = v128.load(tile, 176); }
  } else {
    s0l = v128.load32_splat(bias); s0h = s0l;
    s1l = v128.load32_splat(bias, 4); s1h = s1l;
    s2l = v128.load32_splat(bias, 8); s2h = s2l;
    s3l = v128.load32_splat(bias, 12); s3h = s3l;
    s4l = v128.load32_splat(bias, 16); s4h = s4l;
    if (ROWS == 6) { s5l = v128.load32_splat(bias, 20); s5h = s5l; }
  }
  // sums that are made here: V8 extends what is handed in to 64 bits again for each load, five moves in each turn of the loop
  let w1 = w + d1, w2 = w + d2, w3 = w + d3, w4 = w + d4, w5 = w + d5;
  const end = panel + (<usize>k << 5);
  while (panel < end) {
    const bl = v128.load(panel), bh = half ? bl : v128.load(panel, 16);
    let x = v128.load32_splat(w);
    s0l = multiplyAdd(s0l, x, bl);
    if (!half) s0h = multiplyAdd(s0h, x, bh);
    x = v128.load32_splat(w1);
    s1l = multiplyAdd(s1l, x, bl);
    if (!half) s1h = multiplyAdd(s1h, x, bh);
    x = v128.load32_splat(w2);
    s2l = multiplyAdd(s2l, x, bl);
    if (!half) s2h = multiplyAdd(s2h, x, bh);
    x = v128.load32_splat(w3);
    s3l = multiplyAdd(s3l, x, bl);
    if (!half) s3h = multiplyAdd(s3h, x, bh);
    x = v128.load32_splat(w4);
    s4l = multiplyAdd(s4l, x, bl);
    if (!half) s4h = multiplyAdd(s4h, x, bh);
    if (ROWS == 6) {
      x = v128.load32_splat(w5);
      s5l = multiplyAdd(s5l, x, bl);
      if (!half) s5h = multiplyAdd(s5h, x, bh);
      w5 += 4;
    }
    w += 4; w1 += 4; w2 += 4; w3 += 4; w4 += 4;
    panel += PANEL_ROW;
  }
  v128.store(tile, s0l); if (!half) v128.store(tile, s0h, 16);
  v128.store(tile, s1l, 32); if (!half) v128.store(tile, s1h, 48);
  v128.store(tile, s2l, 64); if (!half) v128.store(tile, s2h, 80);
  v128.store(tile, s3l, 96); if (!half) v128.store(tile, s3h, 112);
  v128.store(tile, s4l, 128); if (!half) v128.store(tile, s4h, 144);
  if (ROWS == 6) { v128.store(tile, s5l, 160); if (!half) v128.store(tile, s5h, 176); }
}

function wholeFromBias(k: i32, w: usize, d1: usize, d2: usize, d3: usize, d4: usize, d5: usize, panel: usize, tile: usize, bias: usize): void {
  unitTile(false, false, k, w, d1, d2, d3, d4, d5, panel, tile, bias);
}

function wholeAgain(k: i32, w: usize, d1: usize, d2: usize, d3: usize, d4: usize, d5: usize, panel: usize, tile: usize): void {
  unitTile(true, false, k, w, d1, d2, d3, d4, d5, panel, tile, 0);
}

function halfFromBias(k: i32, w: usize, d1: usize, d2: usize, d3: usize, d4: usize, d5: usize, panel: usize, tile: usize, bias: usize): void {
  unitTile(false, true, k, w, d1, d2, d3, d4, d5, panel, tile, bias);
}

function halfAgain(k: i32, w: usize, d1: usize, d2: usize, d3: usize, d4: usize, d5: usize, panel: usize, tile: usize): void {
  unitTile(true, true, k, w, d1, d2, d3, d4, d5, panel, tile, 0);
}

/** Four samples of a whole tile, from `tile` on, as rows of Z: its columns, turned. */
@inline
function storeFour(tile: usize, z: usize, stride: usize): void {
  storeTransposed(v128.load(tile), v128.load(tile, 32), v128.load(tile, 64), v128.load(tile, 96), z, stride);
  const fifth = v128.load(tile, 128);
  if (ROWS == 6) {
    const sixth = v128.load(tile, 160);
    const low = i8x16.shuffle(fifth, sixth, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    const high = i8x16.shuffle(fifth, sixth, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
    v128.store64_lane(z + 16, low, 0);
    v128.store64_lane(z + stride + 16, low, 1);
    v128.store64_lane(z + 2 * stride + 16, high, 0);
    v128.store64_lane(z + 3 * stride + 16, high, 1);
  } else {
    v128.store32_lane(z + 16, fifth, 0);
    v128.store32_lane(z + stride + 16, fifth, 1);
    v128.store32_lane(z + 2 * stride + 16, fifth, 2);
    v128.store32_lane(z + 3 * stride + 16, fifth, 3);
  }
}

/** A whole tile to eight rows of Z. */
function storeTile(tile: usize, z: usize, stride: usize): void {
  storeFour(tile, z, stride);
  storeFour(tile + 16, z + 4 * stride, stride);
}

/** `units` × `samples` of a tile to as many rows of Z. */
function storePart(units: i32, samples: i32, tile: usize, z: usize, stride: usize): void {
  for (let sample = 0; sample < samples; ++sample) {
    for (let unit = 0; unit < units; ++unit) store<f32>(z + (<usize>unit << 2), load<f32>(tile + <usize>unit * PANEL_ROW));
    tile += 4;
    z += stride;
  }
}

/** `units` × `samples` of a tile from as many rows of Z. */
function loadPart(units: i32, samples: i32, tile: usize, z: usize, stride: usize): void {
  for (let sample = 0; sample < samples; ++sample) {
    for (let unit = 0; unit < units; ++unit) store<f32>(tile + <usize>unit * PANEL_ROW, load<f32>(z + (<usize>unit << 2)));
    tile += 4;
    z += stride;
  }
}

/**
 * `units` (1 to ROWS) columns of Z, all packed samples, over one block of k.
 * w: the first unit's weights of the block, rows `ldw` bytes apart. bias: of the first unit, or 0. again: Z holds the sums so far.
 */
function unitRows(units: i32, samples: i32, k: i32, w: usize, ldw: usize, panel: usize, z: usize, stride: usize, again: bool, bias: usize, scratch: usize): void {
  const last = <usize>(units - 1) * ldw;
  const d1 = min(ldw, last), d2 = min(ldw << 1, last), d3 = min(<usize>3 * ldw, last), d4 = min(ldw << 2, last), d5 = min(<usize>5 * ldw, last);
  if (!again && (bias == 0 || units < ROWS)) {
    const from = bias;
    bias = scratch + BIAS;
    v128.store(bias, from == 0 ? f32x4.splat(0) : loadColumns(from, units));
    v128.store(bias, from == 0 || units < 5 ? f32x4.splat(0) : loadColumns(from + 16, units - 4), 16);
  }
  const size = <usize>k * PANEL_ROW;
  for (; samples > 0; samples -= NR) {
    if (units == ROWS && samples >= NR) {
      if (again) {
        loadPart(ROWS, NR, scratch, z, stride);
        wholeAgain(k, w, d1, d2, d3, d4, d5, panel, scratch);
      } else wholeFromBias(k, w, d1, d2, d3, d4, d5, panel, scratch, bias);
      storeTile(scratch, z, stride);
    } else {
      const count = min(samples, NR);
      if (again) loadPart(units, count, scratch, z, stride);
      if (count > 4) {
        if (again) wholeAgain(k, w, d1, d2, d3, d4, d5, panel, scratch);
        else wholeFromBias(k, w, d1, d2, d3, d4, d5, panel, scratch, bias);
      } else if (again) halfAgain(k, w, d1, d2, d3, d4, d5, panel, scratch);
      else halfFromBias(k, w, d1, d2, d3, d4, d5, panel, scratch, bias);
      storePart(units, count, scratch, z, stride);
    }
    panel += size;
    z += <usize>NR * stride;
  }
}

/**
 * Units [begin, end) of Z = X·Wᵀ + b and A = f(Z) for all `rows`, by blocks of k and of rows; the activation after the last block of k.
 * x: rows × inputs, `xStride` bytes apart, read. w: units × inputs, read. biases: units floats, or 0. z, a: written,
 * `stride` bytes apart; may be one matrix where the activation keeps no sums. slopes: PReLU's. scratch: this thread's.
 */
export function denseForward(rows: i32, begin: i32, end: i32, inputs: i32, x: usize, xStride: usize, w: usize, biases: usize,
                             z: usize, a: usize, stride: usize, activation: i32, parameter: f32, slopes: usize, sharedSlope: bool, scratch: usize): void {
  if (begin >= end) return;
  const ldw = <usize>inputs << 2;
  const panels = scratch + SPARE_BYTES;
  let first = 0;
  do {
    const k = min(inputs - first, FORWARD_KC);
    const most = blockRows(rows, k, NR);
    const skip = <usize>first << 2;
    for (let row = 0; row < rows; row += most) {
      const count = min(rows - row, most);
      const zRow = z + <usize>row * stride, aRow = a + <usize>row * stride;
      packPanelsOfRows(count, k, x + <usize>row * xStride + skip, xStride, panels);
      for (let group = begin; group < end; group += GROUP) {
        const last = min(group + GROUP, end);
        for (let unit = group; unit < last; unit += ROWS) {
          unitRows(min(last - unit, ROWS), count, k, w + <usize>unit * ldw + skip, ldw, panels, zRow + (<usize>unit << 2), stride, first > 0,
            biases ? biases + (<usize>unit << 2) : 0, scratch);
        }
        if (first + k < inputs) continue;
        const at = <usize>group << 2;
        activationForward(activation, zRow + at, aRow + at, count, last - group, stride, parameter, sharedSlope ? slopes : slopes + at, sharedSlope);
      }
    }
    first += k;
  } while (first < inputs);
}
