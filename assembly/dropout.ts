// Dropout while training (inverted; Srivastava et al. 2014): Y = X·mask / (1 − rate), dX = dY·mask / (1 − rate).
//
// The mask comes from Philox (random.ts), four counters side by side. An element's draw is a function of seed, epoch, step, layer
// and its place alone, so it does not matter which share computes it:
//
//   key      = (seed low 32 bits, seed high 32 bits)
//   counter  = (block, step, epoch, stream + layer·2⁸)    block = (⌊row / 2⌋·panels + ⌊column / 8⌋)·4 + column mod 4
//   word     = 2·(row mod 2) + ⌊column / 4⌋ mod 2         of the counter's four; dropped where it is below rate·2³²
//
// For the backward a byte for each row of each panel of 8 columns holds what was kept: mask[panel · rows + row].

import { Stream } from "./codes";
import { M0, M1, W0, W1 } from "./random";

/** Round keys of Philox at `keys`: 20 words, those of a round side by side. */
@inline
function writeKeys(keys: usize, seedLow: u32, seedHigh: u32): void {
  for (let round: usize = 0; round < 80; round += 8) {
    store<u32>(keys + round, seedLow);
    store<u32>(keys + round, seedHigh, 4);
    seedLow += W0;
    seedHigh += W1;
  }
}

/** The low and the high halves of four products of 64 bits. */
@inline
function lowWords(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27);
}

@inline
function highWords(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31);
}

@inline
function keepLanes(x: v128, keep: v128, scale: v128): v128 {
  return v128.and(f32x4.mul(x, scale), keep);
}

/**
 * Columns [begin, end) of Y and of the mask for all `rows`. x: rows `xStride` bytes apart, read. y: rows `stride` bytes apart, written in
 * whole vectors; not x. mask: rows bytes for each of the layer's panels. threshold: rate·2³². keys: 80 bytes of scratch of this thread.
 * begin: a multiple of 8.
 */
export function dropoutForward(rows: i32, begin: i32, end: i32, units: i32, x: usize, xStride: usize, y: usize, stride: usize, mask: usize,
                               threshold: u32, scale: f32, seedLow: u32, seedHigh: u32, layer: u32, epoch: u32, step: u32, keys: usize): void {
  writeKeys(keys, seedLow, seedHigh);
  const panels = units + 7 >> 3;
  const m0 = i32x4.splat(<i32>M0), m1 = i32x4.splat(<i32>M1);
  const bound = i32x4.splat(threshold), factor = f32x4.splat(scale);
  for (let column = begin; column < end; column += 8) {
    const wide = end - column > 4;
    let from = x + (<usize>column << 2), to = y + (<usize>column << 2);
    let bits = mask + <usize>(column >> 3) * rows;
    let block = i32x4.add(i32x4.splat((column >> 3) << 2), i32x4(0, 1, 2, 3));
    const next = i32x4.splat(panels << 2);
    for (let row = 0; row < rows; row += 2) {
      let c0 = block, c1 = i32x4.splat(step), c2 = i32x4.splat(epoch), c3 = i32x4.splat(Stream.dropout | (layer << 8));
      for (let key = keys, last = keys + 80; key < last; key += 8) {
        const p0Low = i64x2.extmul_low_i32x4_u(c0, m0), p0High = i64x2.extmul_high_i32x4_u(c0, m0);
        const p1Low = i64x2.extmul_low_i32x4_u(c2, m1), p1High = i64x2.extmul_high_i32x4_u(c2, m1);
        c0 = v128.xor(v128.xor(highWords(p1Low, p1High), c1), v128.load32_splat(key));
        c2 = v128.xor(v128.xor(highWords(p0Low, p0High), c3), v128.load32_splat(key, 4));
        c1 = lowWords(p1Low, p1High);
        c3 = lowWords(p0Low, p0High);
      }
      block = i32x4.add(block, next);
      let keep0 = i32x4.ge_u(c0, bound), keep1 = i32x4.ge_u(c1, bound);
      v128.store(to, keepLanes(v128.load(from), keep0, factor));
      if (wide) v128.store(to, keepLanes(v128.load(from, 16), keep1, factor), 16);
      store<u8>(bits, i32x4.bitmask(keep0) | i32x4.bitmask(keep1) << 4);
      if (row + 1 < rows) {
        keep0 = i32x4.ge_u(c2, bound);
        keep1 = i32x4.ge_u(c3, bound);
        v128.store(to + stride, keepLanes(v128.load(from + xStride), keep0, factor));
        if (wide) v128.store(to + stride, keepLanes(v128.load(from + xStride, 16), keep1, factor), 16);
        store<u8>(bits, i32x4.bitmask(keep0) | i32x4.bitmask(keep1) << 4, 1);
      }
      from += 2 * xStride;
      to += 2 * stride;
      bits += 2;
    }
  }
}

/** The lanes whose bits are set among the lowest four. */
@inline
function lanesOf(bits: v128): v128 {
  return i32x4.ne(v128.and(bits, i32x4(1, 2, 4, 8)), i32x4.splat(0));
}

/** Columns [begin, end) of dY, `stride` bytes between rows, become those of dX. mask: as the forward of as many rows wrote it. begin: a multiple of 8. */
export function dropoutBackward(rows: i32, begin: i32, end: i32, d: usize, stride: usize, mask: usize, scale: f32): void {
  const factor = f32x4.splat(scale);
  for (let column = begin; column < end; column += 8) {
    const wide = end - column > 4;
    let at = d + (<usize>column << 2);
    let bits = mask + <usize>(column >> 3) * rows;
    for (let row = 0; row < rows; ++row, ++bits, at += stride) {
      const kept = v128.load8_splat(bits);
      v128.store(at, keepLanes(v128.load(at), lanesOf(kept), factor));
      if (wide) v128.store(at, keepLanes(v128.load(at, 16), lanesOf(i32x4.shr_u(kept, 4)), factor), 16);
    }
  }
}
