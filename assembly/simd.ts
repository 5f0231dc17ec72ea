// Lane tricks, and the only place with them: partial loads and stores for the end of a row, masks, sums over lanes.
// A vector is four f32 lanes (v128 of 16 bytes). Addresses are bytes, `n` counts lanes. Partial forms touch only the
// bytes of the lanes they name, so no kernel reads or writes beyond its region.

/** f32 lanes in a vector. */
export const LANES: i32 = 4;

/** The first `n` (1 to 3) lanes from `ptr`; the others are 0. */
@inline
export function loadPartial(ptr: usize, n: i32): v128 {
  let v = v128.load32_zero(ptr);
  if (n == 2) v = v128.load64_zero(ptr);
  else if (n == 3) v = v128.load32_lane(ptr, v128.load64_zero(ptr), 2, 8);
  return v;
}

/** Stores the first `n` (1 to 3) lanes of `v` at `ptr`. */
@inline
export function storePartial(ptr: usize, v: v128, n: i32): void {
  if (n == 1) v128.store32_lane(ptr, v, 0);
  else {
    v128.store64_lane(ptr, v, 0);
    if (n == 3) v128.store32_lane(ptr, v, 2, 8);
  }
}

/** Four values of a row, or what is left of it: 1 to 3, or none, the other lanes 0. `columns` may be more or negative. */
@inline
export function loadColumns(ptr: usize, columns: i32): v128 {
  return columns >= 4 ? v128.load(ptr) : columns > 0 ? loadPartial(ptr, columns) : f32x4.splat(0);
}

/** Stores as many lanes as `loadColumns` loads. */
@inline
export function storeColumns(ptr: usize, v: v128, columns: i32): void {
  if (columns >= 4) v128.store(ptr, v);
  else if (columns > 0) storePartial(ptr, v, columns);
}

/** Lanes below `n` all ones, the others zero. `n` may be 4 or more. */
@inline
export function laneMask(n: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n));
}

/** sum + a·b in each lane: a multiply and an add, rounded twice; one fused operation in the relaxed build, where the engine chooses. */
@inline
export function multiplyAdd(sum: v128, a: v128, b: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, sum) : f32x4.add(sum, f32x4.mul(a, b));
}

/** The four lanes as a sum in f64, lanes in order: ((0 + 1) + 2) + 3. */
@inline
export function sumLanes64(v: v128): f64 {
  return <f64>f32x4.extract_lane(v, 0) + <f64>f32x4.extract_lane(v, 1) + <f64>f32x4.extract_lane(v, 2) + <f64>f32x4.extract_lane(v, 3);
}

/** The four lanes as a sum in f32: (0 + 2) + (1 + 3). */
@inline
export function sumLanes(v: v128): f32 {
  const pair = f32x4.add(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return f32x4.extract_lane(pair, 0) + f32x4.extract_lane(pair, 1);
}

/** The greatest of the four lanes; NaN if one is NaN. */
@inline
export function maxLanes(v: v128): f32 {
  const pair = f32x4.max(v, i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  return max(f32x4.extract_lane(pair, 0), f32x4.extract_lane(pair, 1));
}

/**
 * Column `k` (constant, 0 to 3) of the 4 × 4 block whose rows are r0…r3: lane i is r_i's lane k. Two shuffles of pairs and one of
 * halves; those of pairs that two columns share are computed once.
 */
@inline
export function columnOf(r0: v128, r1: v128, r2: v128, r3: v128, k: i32): v128 {
  if (k < 2) {
    const low01 = i8x16.shuffle(r0, r1, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    const low23 = i8x16.shuffle(r2, r3, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
    return k == 0 ? lowHalves(low01, low23) : highHalves(low01, low23);
  }
  const high01 = i8x16.shuffle(r0, r1, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  const high23 = i8x16.shuffle(r2, r3, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
  return k == 2 ? lowHalves(high01, high23) : highHalves(high01, high23);
}

/** The 4 × 4 block of rows r0…r3 as columns: four vectors at `to` and every `step` bytes on. */
@inline
export function storeTransposed(r0: v128, r1: v128, r2: v128, r3: v128, to: usize, step: usize): void {
  v128.store(to, columnOf(r0, r1, r2, r3, 0));
  v128.store(to + step, columnOf(r0, r1, r2, r3, 1));
  v128.store(to + 2 * step, columnOf(r0, r1, r2, r3, 2));
  v128.store(to + 3 * step, columnOf(r0, r1, r2, r3, 3));
}

/** Lanes 0 and 1 of a, then those of b. */
@inline
export function lowHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
}

/** Lanes 2 and 3 of a, then those of b. */
@inline
export function highHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
}

/** Lanes 2 and 3 of v as f64. */
@inline
export function promoteHigh(v: v128): v128 {
  return f64x2.promote_low_f32x4(highHalves(v, v));
}

/** Two pairs of f64 rounded to the four lanes of f32. */
@inline
export function demotePairs(low: v128, high: v128): v128 {
  return lowHalves(f32x4.demote_f64x2_zero(low), f32x4.demote_f64x2_zero(high));
}

/** All lanes that of index `lane` (constant). */
@inline
export function splatLane(v: v128, lane: i32): v128 {
  return lane == 0 ? i8x16.shuffle(v, v, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3)
    : lane == 1 ? i8x16.shuffle(v, v, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7)
    : lane == 2 ? i8x16.shuffle(v, v, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11, 8, 9, 10, 11)
    : i8x16.shuffle(v, v, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15);
}

/** First index of share `thread` of `threads` when `count` items are dealt in equal runs. */
@inline
export function shareBegin(count: i32, thread: i32, threads: i32): i32 {
  if (threads == 1) return thread ? count : 0; // without the division: two for each instruction
  return <i32>((<i64>count * thread) / threads);
}
