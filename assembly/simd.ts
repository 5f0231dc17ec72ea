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

/** First index of share `thread` of `threads` when `count` items are dealt in equal runs. */
@inline
export function shareBegin(count: i32, thread: i32, threads: i32): i32 {
  if (threads == 1) return thread ? count : 0; // without the division: two for each instruction
  return <i32>((<i64>count * thread) / threads);
}
