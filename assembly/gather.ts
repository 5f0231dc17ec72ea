// A batch out of the data window: sample r of the batch is row order[first + r] of the window.
//
//   window   samples × width, floats without padding        targets  samples × outputs, or one class index a sample
//   batch    rows × stride (padded), the padding is not written

import { loadPartial, storePartial } from "./simd";

/** Bytes from which the engine's own copy is faster than a loop of vectors. */
const LONG_ROW: usize = 512;

/** `gatherRows` for rows of at most 4 floats, each a loop without one inside. order: of the batch's first row. */
function gatherNarrow(window: usize, order: usize, batch: usize, begin: i32, end: i32, width: i32, stride: usize): void {
  let to = batch + <usize>begin * stride;
  let at = order + (<usize>begin << 2);
  const last = order + (<usize>end << 2);
  if (width == 1) {
    for (; at < last; at += 4, to += stride) store<u32>(to, load<u32>(window + (<usize>load<u32>(at) << 2)));
  } else if (width == 2) {
    for (; at < last; at += 4, to += stride) store<u64>(to, load<u64>(window + (<usize>load<u32>(at) << 3)));
  } else if (width == 3) {
    for (; at < last; at += 4, to += stride) {
      const from = window + <usize>load<u32>(at) * 12;
      store<u64>(to, load<u64>(from));
      store<u32>(to, load<u32>(from, 8), 8);
    }
  } else if (width == 4) {
    for (; at < last; at += 4, to += stride) v128.store(to, v128.load(window + (<usize>load<u32>(at) << 4)));
  }
}

/** Copies rows [begin, end) of the batch. `width` floats a row; `stride` bytes between rows of the batch. */
export function gatherRows(window: usize, order: usize, first: i32, batch: usize, begin: i32, end: i32, width: i32, stride: usize): void {
  const bytes = <usize>width << 2;
  if (width <= 4) return gatherNarrow(window, order + (<usize>first << 2), batch, begin, end, width, stride);
  for (let row = begin; row < end; ++row) {
    const from = window + <usize>load<u32>(order + (<usize>(first + row) << 2)) * bytes;
    const to = batch + <usize>row * stride;
    if (bytes >= LONG_ROW) {
      memory.copy(to, from, bytes);
      continue;
    }
    let at: usize = 0;
    for (const whole = bytes & ~15; at < whole; at += 16) v128.store(to + at, v128.load(from + at));
    for (; at < bytes; at += 4) store<f32>(to + at, load<f32>(from + at));
  }
}

/** 1 in that lane, if there is one, and 0 elsewhere. */
@inline
function oneAt(lane: i32): v128 {
  return v128.and(f32x4.splat(1), i32x4.eq(i32x4(0, 1, 2, 3), i32x4.splat(lane)));
}

/** Class indices of rows [begin, end) as rows of 1 at the class and 0 elsewhere. */
export function gatherClasses(window: usize, order: usize, first: i32, batch: usize, begin: i32, end: i32, outputs: i32, stride: usize): void {
  for (let row = begin; row < end; ++row) {
    const chosen = <i32>load<f32>(window + (<usize>load<u32>(order + (<usize>(first + row) << 2)) << 2));
    const to = batch + <usize>row * stride;
    let j = 0;
    for (; j <= outputs - 4; j += 4) v128.store(to + (<usize>j << 2), oneAt(chosen - j));
    if (j < outputs) storePartial(to + (<usize>j << 2), oneAt(chosen - j), outputs - j);
  }
}

/** Label smoothing of rows [begin, end): t ← (1 − s)·t + s / outputs. */
export function smoothRows(batch: usize, begin: i32, end: i32, outputs: i32, stride: usize, smoothing: f32): void {
  const keep: f32 = 1 - smoothing;
  const share: f32 = <f32>(<f64>smoothing / <f64>outputs);
  for (let row = begin; row < end; ++row) {
    const to = batch + <usize>row * stride;
    for (let at: usize = 0, bytes = <usize>outputs << 2; at < bytes; at += 4) store<f32>(to + at, keep * load<f32>(to + at) + share);
  }
}

/** Whether all of rows × width floats are finite; rows `stride` bytes apart. The padding is not looked at. */
export function finiteRows(at: usize, rows: i32, width: i32, stride: usize): bool {
  const zero = f32x4.splat(0);
  // 0·x is a zero for what is finite, else NaN, which stays in its sum; four sums hide the latency of the add
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  const bytes = <usize>width << 2;
  for (let row = 0; row < rows; ++row) {
    let from = at;
    for (const whole = at + (bytes & ~63); from < whole; from += 64) {
      s0 = f32x4.add(s0, f32x4.mul(v128.load(from), zero));
      s1 = f32x4.add(s1, f32x4.mul(v128.load(from, 16), zero));
      s2 = f32x4.add(s2, f32x4.mul(v128.load(from, 32), zero));
      s3 = f32x4.add(s3, f32x4.mul(v128.load(from, 48), zero));
    }
    for (const whole = at + (bytes & ~15); from < whole; from += 16) s0 = f32x4.add(s0, f32x4.mul(v128.load(from), zero));
    const rest = <i32>(bytes & 12) >> 2;
    if (rest) s1 = f32x4.add(s1, f32x4.mul(loadPartial(from, rest), zero));
    at += stride;
  }
  return i32x4.all_true(f32x4.eq(f32x4.add(f32x4.add(s0, s1), f32x4.add(s2, s3)), zero));
}
