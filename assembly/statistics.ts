// What a layer does on the samples: figures of each column of its weighted sums and activations, and histograms over all of
// them, carried on from chunk to chunk. Sums run over the rows in order, in f64, so neither chunks nor threads show in them.
//
//   figures of `units` columns, p = units in whole vectors; offsets in words of 4p bytes, counts u32, sums f64, else f32:
//     0 min | 1 max | 2 shift | 3 zeros | 4 saturated | 5 Σ(a − shift) | 7 Σ(a − shift)²     of the activations
//     9 min | 10 max | 11 shift | 12 Σ(z − shift) | 14 Σ(z − shift)²                         of the weighted sums, where they are others
//   a shift is the first row's value: a column that never changes has squares of exactly 0, and a large mean costs no digits
//
//   histogram   | 1/width f32 | width f32 | base i32 | – | BINS counts u64 |
//   bin i holds [(base + i)·width, (base + i + 1)·width). The width is the least power of two with which BINS bins, set at its
//   multiples, hold everything so far (and at least an ulp of the largest): it depends on the least and greatest value alone.
//   When these move apart, neighbours are merged: a value stays in the bin that its width asks for, and none is read twice.

import { BINS } from "./codes";
import { LANES, promoteHigh } from "./simd";

const F32_LARGEST: f32 = 3.4028234663852886e38;

/** The least positive f32: z ≥ it means z > 0. */
const F32_LEAST: f32 = 1.401298464324817e-45;

/**
 * Figures of columns [begin, end), `begin` a multiple of 4, over `rows` rows.
 * z, a: weighted sums and activations, rows `stride` bytes apart; where z is a, only those of a are written. measured: what the bounds of saturation are
 * about, z or a. figures: as above, written anew where `fresh`. low, innerLow, innerHigh, high: an element v is saturated where v ≤ low,
 * innerLow ≤ v ≤ innerHigh or v ≥ high. A zero counts where a is 0 and z < flatBelow. slopes: those of PReLU, which
 * give low, high and flatBelow of each column, one for all where `shared`; 0 for none.
 */
export function columnFigures(rows: i32, begin: i32, end: i32, units: i32, z: usize, a: usize, measured: usize, stride: usize, figures: usize, fresh: bool,
                              low: f32, innerLow: f32, innerHigh: f32, high: f32, flatBelow: f32, slopes: usize, shared: bool): void {
  const word = <usize>(units + 3 & ~3) << 2;
  for (let column = begin; column < end; column += LANES) {
    const at = <usize>column << 2;
    let lowest = f32x4.splat(low), highest = f32x4.splat(high);
    let below = f32x4.splat(flatBelow);
    if (slopes) {
      const slope = columnSlope(slopes, column, units, shared);
      const magnitude = f32x4.abs(slope);
      lowest = v128.bitselect(f32x4.splat(0), f32x4.splat(-Infinity), f32x4.lt(magnitude, f32x4.mul(f32x4.splat(0.01), f32x4.max(magnitude, f32x4.splat(1)))));
      highest = v128.bitselect(f32x4.splat(F32_LEAST), f32x4.splat(Infinity), f32x4.gt(f32x4.mul(f32x4.splat(0.01), magnitude), f32x4.splat(1)));
      below = v128.bitselect(f32x4.splat(Infinity), f32x4.splat(-Infinity), f32x4.eq(slope, f32x4.splat(0)));
    }
    if (z == a) fourColumns(true, rows, z + at, a + at, measured + at, stride, figures, at, word, fresh, lowest, innerLow, innerHigh, highest, below);
    else fourColumns(false, rows, z + at, a + at, measured + at, stride, figures, at, word, fresh, lowest, innerLow, innerHigh, highest, below);
  }
}

/** PReLU's slopes of four columns; of the last ones those that there are. */
@inline
function columnSlope(slopes: usize, column: i32, units: i32, shared: bool): v128 {
  if (shared) return v128.load32_splat(slopes);
  let v = v128.load32_splat(slopes + (<usize>column << 2));
  if (column + 1 < units) v = v128.load32_lane(slopes + (<usize>column << 2), v, 1, 4);
  if (column + 2 < units) v = v128.load32_lane(slopes + (<usize>column << 2), v, 2, 8);
  if (column + 3 < units) v = v128.load32_lane(slopes + (<usize>column << 2), v, 3, 12);
  return v;
}

/** Four columns, `at` bytes from the first. `same` is constant wherever this is called. */
@inline
function fourColumns(same: bool, rows: i32, z: usize, a: usize, measured: usize, stride: usize, figures: usize, at: usize, word: usize, fresh: bool,
                     low: v128, innerLow: f32, innerHigh: f32, high: v128, below: v128): void {
  const zero = f32x4.splat(0);
  const from = f32x4.splat(innerLow), to = f32x4.splat(innerHigh);
  const narrow = figures + at;              // words of 4 bytes a column
  const wide = figures + (at << 1);         // of 8 bytes
  if (fresh) {
    v128.store(narrow + 3 * word, zero);
    v128.store(narrow + 4 * word, zero);
  }
  moments(rows, a, stride, narrow, wide, word, 0, 2, 5, fresh);
  if (!same) moments(rows, z, stride, narrow, wide, word, 9, 11, 12, fresh);
  let zeros = v128.load(narrow + 3 * word), saturated = v128.load(narrow + 4 * word);
  for (let row = 0; row < rows; ++row) {
    const av = v128.load(a), zv = same ? av : v128.load(z), m = v128.load(measured);
    const inner = v128.and(f32x4.ge(m, from), f32x4.le(m, to));
    saturated = i32x4.sub(saturated, v128.or(inner, v128.or(f32x4.le(m, low), f32x4.ge(m, high))));
    zeros = i32x4.sub(zeros, v128.and(f32x4.eq(av, zero), f32x4.lt(zv, below)));
    a += stride;
    z += stride;
    measured += stride;
  }
  v128.store(narrow + 3 * word, zeros);
  v128.store(narrow + 4 * word, saturated);
}

/**
 * Least, greatest and sums of four columns of one matrix, in words least, least + 1, shift, sums and sums + 2. A loop of its own: with those of both
 * matrices and the counts in one, more values live than there are registers.
 */
@inline
function moments(rows: i32, v: usize, stride: usize, narrow: usize, wide: usize, word: usize, least: usize, shift: usize, sums: usize, fresh: bool): void {
  if (fresh) startFigures(narrow, wide, word, least, shift, sums, v128.load(v));
  let min = v128.load(narrow + least * word), max = v128.load(narrow + least * word + word);
  const first = v128.load(narrow + shift * word);
  const firstLow = f64x2.promote_low_f32x4(first), firstHigh = promoteHigh(first);
  let sumLow = v128.load(wide + sums * word), sumHigh = v128.load(wide + sums * word, 16);
  let squaresLow = v128.load(wide + sums * word + 2 * word), squaresHigh = v128.load(wide + sums * word + 2 * word, 16);
  for (let row = 0; row < rows; ++row) {
    const value = v128.load(v);
    min = f32x4.pmin(min, value);
    max = f32x4.pmax(max, value);
    const low = f64x2.sub(f64x2.promote_low_f32x4(value), firstLow), high = f64x2.sub(promoteHigh(value), firstHigh);
    sumLow = f64x2.add(sumLow, low);
    sumHigh = f64x2.add(sumHigh, high);
    squaresLow = f64x2.add(squaresLow, f64x2.mul(low, low));
    squaresHigh = f64x2.add(squaresHigh, f64x2.mul(high, high));
    v += stride;
  }
  v128.store(narrow + least * word, min);
  v128.store(narrow + least * word + word, max);
  v128.store(wide + sums * word, sumLow);
  v128.store(wide + sums * word, sumHigh, 16);
  v128.store(wide + sums * word + 2 * word, squaresLow);
  v128.store(wide + sums * word + 2 * word, squaresHigh, 16);
}

/** Nothing seen yet: min ∞, max −∞ in words `least` and the next, the shift, sums of 0 from word `sums` on. */
@inline
function startFigures(narrow: usize, wide: usize, word: usize, least: usize, shift: usize, sums: usize, first: v128): void {
  const zero = f32x4.splat(0);
  v128.store(narrow + least * word, f32x4.splat(Infinity));
  v128.store(narrow + least * word + word, f32x4.splat(-Infinity));
  v128.store(narrow + shift * word, first);
  for (let sum = sums; sum < sums + 4; sum += 2) {
    v128.store(wide + sum * word, zero);
    v128.store(wide + sum * word, zero, 16);
  }
}

/** Counts of the lanes, so that four equal values in a row do not wait for one another; then the counts before a merge. */
const LANE_BYTES: usize = <usize>BINS << 2;

/** The exponent of a width, a power of two that is no subnormal. */
@inline
function exponentOf(width: f32): i32 {
  return reinterpret<i32>(width) >> 23;
}

/**
 * Adds `rows` rows of `units` columns at `v`, `stride` bytes apart, to a histogram, anew where `fresh`. least, greatest: of each column, with these
 * rows. What is beyond f32's range goes to the outermost bins, NaN to the first. scratch: 16·BINS bytes.
 */
export function addHistogram(rows: i32, units: i32, v: usize, stride: usize, least: usize, greatest: usize, histogram: usize, fresh: bool, scratch: usize): void {
  let min = Infinity as f32, max = -Infinity as f32;
  for (let at: usize = 0, end = <usize>units << 2; at < end; at += 4) {
    const low = load<f32>(least + at), high = load<f32>(greatest + at);
    if (low < min) min = low;
    if (high > max) max = high;
  }
  if (!(min <= max)) min = max = 0; // nothing but NaN
  min = inRange(min);
  max = inRange(max);
  const counts = histogram + 16;
  // an ulp of the largest magnitude at least
  const largest = exponentOf(larger(abs(min), abs(max)));
  let width = reinterpret<f32>((largest > 25 ? largest - 24 : 1) << 23);
  if (fresh) memory.fill(counts, 0, <usize>BINS << 3);
  else width = larger(width, load<f32>(histogram, 4));
  while (floor<f64>(<f64>max / <f64>width) - floor<f64>(<f64>min / <f64>width) >= <f64>BINS) width *= 2;
  const base = <i32>floor<f64>(<f64>min / <f64>width);
  if (!fresh) merge(counts, load<i32>(histogram, 8), base, min32(31, exponentOf(width) - exponentOf(load<f32>(histogram, 4))), scratch);
  const inverse: f32 = 1 / width;
  store<f32>(histogram, inverse);
  store<f32>(histogram, width, 4);
  store<i32>(histogram, base, 8);
  memory.fill(scratch, 0, 4 * LANE_BYTES);
  const scale = f32x4.splat(inverse), first = f32x4.splat(<f32>base);
  const lane = <i32>scratch, step = <i32>LANE_BYTES;
  const lanes = i32x4.sub(i32x4.add(i32x4.splat(lane), i32x4.mul(i32x4.splat(step), i32x4(0, 1, 2, 3))), i32x4.splat(MAGIC_BITS << 2));
  const whole = units & ~3;
  for (let row = 0; row < rows; ++row) {
    let column = 0;
    for (; column < whole; column += 4) {
      const at = binsOf(v128.load(v + (<usize>column << 2)), scale, first, lanes);
      count(i32x4.extract_lane(at, 0));
      count(i32x4.extract_lane(at, 1));
      count(i32x4.extract_lane(at, 2));
      count(i32x4.extract_lane(at, 3));
    }
    for (; column < units; ++column) count(i32x4.extract_lane(binsOf(v128.load32_zero(v + (<usize>column << 2)), scale, first, lanes), 0));
    v += stride;
  }
  for (let bin = 0; bin < BINS; ++bin) {
    const at = scratch + (<usize>bin << 2);
    const sum = <u64>load<u32>(at) + <u64>load<u32>(at + LANE_BYTES) + <u64>load<u32>(at + 2 * LANE_BYTES) + <u64>load<u32>(at + 3 * LANE_BYTES);
    store<u64>(counts + (<usize>bin << 3), load<u64>(counts + (<usize>bin << 3)) + sum);
  }
}

@inline
function larger(a: f32, b: f32): f32 {
  return a > b ? a : b;
}

@inline
function inRange(value: f32): f32 {
  return value > F32_LARGEST ? F32_LARGEST : value < -F32_LARGEST ? -F32_LARGEST : value;
}

@inline
function min32(a: i32, b: i32): i32 {
  return a < b ? a : b;
}

@inline
function count(at: i32): void {
  store<u32>(<usize>at, load<u32>(<usize>at) + 1);
}

/** 2^23: added to a whole number below it, the sum's last bits are that number. */
const MAGIC: f32 = 8388608;
const MAGIC_BITS: i32 = 0x4b000000;

/**
 * Where ⌊v/width⌋ − base, from 0 to BINS − 1, is counted in each lane. The product with a power of two is exact, and so is the difference of whole numbers
 * that are near; pmin and pmax let no NaN through. `lanes` undoes the bits of MAGIC.
 */
@inline
function binsOf(v: v128, scale: v128, first: v128, lanes: v128): v128 {
  const bins = f32x4.pmin(f32x4.pmax(f32x4.splat(0), f32x4.sub(f32x4.floor(f32x4.mul(v, scale)), first)), f32x4.splat(<f32>(BINS - 1)));
  return i32x4.add(i32x4.shl(f32x4.add(bins, f32x4.splat(MAGIC)), 2), lanes);
}

/** Counts of bins from `before` on become those of bins 2^doublings times as wide, from `base` on. */
function merge(counts: usize, before: i32, base: i32, doublings: i32, scratch: usize): void {
  if (before == base && doublings == 0) return;
  memory.copy(scratch, counts, <usize>BINS << 3);
  memory.fill(counts, 0, <usize>BINS << 3);
  for (let i = 0; i < BINS; ++i) {
    const held = load<u64>(scratch + (<usize>i << 3));
    if (held == 0) continue;
    const bin = min32(BINS - 1, max(0, (before + i >> doublings) - base));
    const at = counts + (<usize>bin << 3);
    store<u64>(at, load<u64>(at) + held);
  }
}
