// Update rules as flat loops over a run of parameters p, their gradient g and the optimizer's slots; all of one length.
// Term by term those that PyTorch documents (torch.optim); Lion after Chen et al. 2023 (arXiv:2302.06675), algorithm 2.
// What changes from step to step comes in r0…r3, computed in f64 by the caller; constants in c0…c5, rounded to f32.
//
//   sgd      v ← c0·v + g;  p ← p − r0·(c1 ? g + c0·v : v)                      c0 momentum, c1 nesterov; r0 rate
//   rmsprop  s ← c0·s + c1·g²;  u = g/(√s + c2);  v ← c3·v + u;  p ← p − r0·v   c0 decay, c1 1 − decay, c2 epsilon, c3 momentum
//   adagrad  s ← s + g²;  p ← p − r0·g/(√s + c2)
//   adam     m ← c0·m + c1·g;  v ← c2·v + c3·g²;  p ← p − r0·m/(√v·r1 + c4)     r0 rate/(1 − β1ᵗ), r1 1/√(1 − β2ᵗ)
//   adamw    p ← p·r2 first                                                     r2 1 − rate·weightDecay
//   nadam    as adam, with p ← p − r2·g/D − r0·m/D, D = √v·r1 + c4               r2 rate·(1 − μ_t)/(1 − Πμ), r0 rate·μ_(t+1)/(1 − Πμ·μ_(t+1))
//   lion     p ← p·r2 − r0·sign(c0·m + c1·g);  m ← c2·m + c3·g
//
// Moments that decay are set to 0 once they are tiny: a moment left alone would otherwise crawl through subnormals, which
// round back to themselves for ever and run at a fifth of the speed or less. A first moment or velocity ends below 2⁻¹⁰⁰,
// since its product with a learning rate is subnormal long before it is itself (a parameter that it could move would have to
// be below 1e-20); Lion, which takes its sign, and means of squares end below 2⁻¹²⁶, the smallest normal f32. A gradient
// below 2⁻⁵⁸, whose square would be subnormal after its factor, counts 0 in a mean of squares. The rules depend on the
// values alone, so they are the same on every machine.

import { OptimizerCode } from "./codes";
import { loadPartial, promoteHigh, storePartial } from "./simd";

/** 2⁻¹²⁶, 2⁻¹⁰⁰ and 2⁻⁵⁸: what is below becomes 0, see above. */
const TINY: f32 = 1.17549435e-38;
const TINY_MOMENT: f32 = 7.88860905e-31;
const TINY_GRADIENT: f32 = 3.46944695e-18;

/**
 * `value` with lanes below `least` in magnitude set to 0; NaN stays. The magnitude by a mask, which stays in a register: V8
 * makes it anew for each f32x4.abs, and the update takes a tenth longer.
 */
@inline
function flush(value: v128, least: f32): v128 {
  return v128.andnot(value, f32x4.lt(v128.and(value, i32x4.splat(0x7fffffff)), f32x4.splat(least)));
}

/** `flush` for what is never negative, such as a mean of squares: one operation less. */
@inline
function flushSquares(value: v128): v128 {
  return v128.andnot(value, f32x4.lt(value, f32x4.splat(TINY)));
}

/** c·g², 0 where |g| is below TINY_GRADIENT. */
@inline
function weightedSquare(c: v128, gradient: v128): v128 {
  const g = flush(gradient, TINY_GRADIENT);
  return f32x4.mul(f32x4.mul(c, g), g);
}

@inline
function loadLanes(ptr: usize, offset: usize, n: i32): v128 {
  return n < 4 ? loadPartial(ptr, n) : offset ? v128.load(ptr, 16) : v128.load(ptr);
}

@inline
function storeLanes(ptr: usize, offset: usize, value: v128, n: i32): void {
  if (n < 4) storePartial(ptr, value, n);
  else if (offset) v128.store(ptr, value, 16);
  else v128.store(ptr, value);
}

/** One vector (`n` of its lanes) of the update, `offset` (0 or 16) bytes from the pointers. `code`, `offset` and a whole `n` are constants where this is called. */
@inline
function updateVector(code: i32, p: usize, g: usize, s1: usize, s2: usize, offset: usize, n: i32, has1: bool, has2: bool,
                      c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, r0: v128, r1: v128, r2: v128): void {
  const gradient = loadLanes(g, offset, n);
  let parameter = loadLanes(p, offset, n);
  if (code == OptimizerCode.sgd) {
    let direction = gradient;
    if (has1) {
      const velocity = flush(f32x4.add(f32x4.mul(c0, loadLanes(s1, offset, n)), gradient), TINY_MOMENT);
      storeLanes(s1, offset, velocity, n);
      direction = v128.bitselect(f32x4.add(gradient, f32x4.mul(c0, velocity)), velocity, f32x4.ne(c1, f32x4.splat(0)));
    }
    parameter = f32x4.sub(parameter, f32x4.mul(r0, direction));
  } else if (code == OptimizerCode.rmsprop) {
    const squares = flushSquares(f32x4.add(f32x4.mul(c0, loadLanes(s1, offset, n)), weightedSquare(c1, gradient)));
    storeLanes(s1, offset, squares, n);
    let direction = f32x4.div(gradient, f32x4.add(f32x4.sqrt(squares), c2));
    if (has2) {
      direction = flush(f32x4.add(f32x4.mul(c3, loadLanes(s2, offset, n)), direction), TINY_MOMENT);
      storeLanes(s2, offset, direction, n);
    }
    parameter = f32x4.sub(parameter, f32x4.mul(r0, direction));
  } else if (code == OptimizerCode.adagrad) {
    const squares = f32x4.add(loadLanes(s1, offset, n), f32x4.mul(gradient, gradient));
    storeLanes(s1, offset, squares, n);
    parameter = f32x4.sub(parameter, f32x4.div(f32x4.mul(r0, gradient), f32x4.add(f32x4.sqrt(squares), c2)));
  } else if (code == OptimizerCode.lion) {
    const momentum = loadLanes(s1, offset, n);
    const direction = f32x4.add(f32x4.mul(c0, momentum), f32x4.mul(c1, gradient));
    const zero = f32x4.splat(0);
    const step = f32x4.sub(v128.and(r0, f32x4.gt(direction, zero)), v128.and(r0, f32x4.lt(direction, zero)));
    parameter = f32x4.sub(f32x4.mul(parameter, r2), step);
    storeLanes(s1, offset, flush(f32x4.add(f32x4.mul(c2, momentum), f32x4.mul(c3, gradient)), TINY), n);
  } else {
    // adam, adamw, nadam
    const m = flush(f32x4.add(f32x4.mul(c0, loadLanes(s1, offset, n)), f32x4.mul(c1, gradient)), TINY_MOMENT);
    const v = flushSquares(f32x4.add(f32x4.mul(c2, loadLanes(s2, offset, n)), weightedSquare(c3, gradient)));
    storeLanes(s1, offset, m, n);
    storeLanes(s2, offset, v, n);
    const root = f32x4.add(f32x4.mul(f32x4.sqrt(v), r1), c4);
    if (code == OptimizerCode.adamw) parameter = f32x4.mul(parameter, r2);
    let step = f32x4.mul(r0, m);
    if (code == OptimizerCode.nadam) step = f32x4.add(step, f32x4.mul(r2, gradient));
    parameter = f32x4.sub(parameter, f32x4.div(step, root));
  }
  storeLanes(p, offset, parameter, n);
}

/** The loop of one rule over floats [begin, end): pairs of vectors, then what is left. Without a slot its place is that of p, which is not used. */
@inline
function updateRun(code: i32, p: usize, g: usize, s1: usize, s2: usize, begin: i32, end: i32,
                   c0: v128, c1: v128, c2: v128, c3: v128, c4: v128, r0: v128, r1: v128, r2: v128): void {
  const first = p + (<usize>begin << 2);
  const toG = g - p, toS1 = s1 ? s1 - p : 0, toS2 = s2 ? s2 - p : 0;
  const has1 = s1 != 0, has2 = s2 != 0;
  const pairs = first + (<usize>(end - begin & ~7) << 2);
  const whole = first + (<usize>(end - begin & ~3) << 2);
  let at = first;
  for (; at < pairs; at += 32) {
    updateVector(code, at, at + toG, at + toS1, at + toS2, 0, 4, has1, has2, c0, c1, c2, c3, c4, r0, r1, r2);
    updateVector(code, at, at + toG, at + toS1, at + toS2, 16, 4, has1, has2, c0, c1, c2, c3, c4, r0, r1, r2);
  }
  for (; at < whole; at += 16) updateVector(code, at, at + toG, at + toS1, at + toS2, 0, 4, has1, has2, c0, c1, c2, c3, c4, r0, r1, r2);
  const rest = end - begin & 3;
  if (rest) updateVector(code, at, at + toG, at + toS1, at + toS2, 0, rest, has1, has2, c0, c1, c2, c3, c4, r0, r1, r2);
}

/**
 * One step of the optimizer over floats [begin, end) of a run.
 * p: parameters, read and written. g: gradient, read. s1, s2: slots, read and written, or 0 where the rule has none.
 * c0…c4, r0…r2: see the head of the file. The regions must not overlap.
 */
export function updateParameters(code: i32, p: usize, g: usize, s1: usize, s2: usize, begin: i32, end: i32,
                                 c0: f32, c1: f32, c2: f32, c3: f32, c4: f32, r0: f32, r1: f32, r2: f32): void {
  const v0 = f32x4.splat(c0), v1 = f32x4.splat(c1), v2 = f32x4.splat(c2), v3 = f32x4.splat(c3), v4 = f32x4.splat(c4);
  const w0 = f32x4.splat(r0), w1 = f32x4.splat(r1), w2 = f32x4.splat(r2);
  switch (code) {
    case OptimizerCode.sgd: updateRun(OptimizerCode.sgd, p, g, s1, s2, begin, end, v0, v1, v2, v3, v4, w0, w1, w2); break;
    case OptimizerCode.rmsprop: updateRun(OptimizerCode.rmsprop, p, g, s1, s2, begin, end, v0, v1, v2, v3, v4, w0, w1, w2); break;
    case OptimizerCode.adagrad: updateRun(OptimizerCode.adagrad, p, g, s1, s2, begin, end, v0, v1, v2, v3, v4, w0, w1, w2); break;
    case OptimizerCode.adam: updateRun(OptimizerCode.adam, p, g, s1, s2, begin, end, v0, v1, v2, v3, v4, w0, w1, w2); break;
    case OptimizerCode.adamw: updateRun(OptimizerCode.adamw, p, g, s1, s2, begin, end, v0, v1, v2, v3, v4, w0, w1, w2); break;
    case OptimizerCode.nadam: updateRun(OptimizerCode.nadam, p, g, s1, s2, begin, end, v0, v1, v2, v3, v4, w0, w1, w2); break;
    case OptimizerCode.lion: updateRun(OptimizerCode.lion, p, g, s1, s2, begin, end, v0, v1, v2, v3, v4, w0, w1, w2); break;
  }
}

/**
 * average ← keep·average + take·p over floats [begin, end). What is below the smallest normal f32 becomes 0: an average that fades
 * would otherwise crawl through subnormals. average: read and written, p: read; they must not overlap.
 */
export function averageRun(average: usize, p: usize, begin: i32, end: i32, keep: f32, take: f32): void {
  const first = average + (<usize>begin << 2);
  const toP = p - average;
  const k = f32x4.splat(keep), t = f32x4.splat(take);
  const whole = first + (<usize>(end - begin & ~3) << 2);
  let at = first;
  for (; at < whole; at += 16) v128.store(at, flush(f32x4.add(f32x4.mul(k, v128.load(at)), f32x4.mul(t, v128.load(at + toP))), TINY));
  const rest = end - begin & 3;
  if (rest) storePartial(at, flush(f32x4.add(f32x4.mul(k, loadPartial(at, rest)), f32x4.mul(t, loadPartial(at + toP, rest))), TINY), rest);
}

/** Σ g² of floats [begin, end), in f64: the share of one block in the norm of the gradient. */
export function sumSquares(g: usize, begin: i32, end: i32): f64 {
  let low = f64x2.splat(0), high = low;
  let at = g + (<usize>begin << 2);
  const whole = at + (<usize>(end - begin & ~3) << 2);
  for (; at < whole; at += 16) {
    const v = v128.load(at);
    const first = f64x2.promote_low_f32x4(v);
    const second = promoteHigh(v);
    low = f64x2.add(low, f64x2.mul(first, first));
    high = f64x2.add(high, f64x2.mul(second, second));
  }
  const pair = f64x2.add(low, high);
  let sum = f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
  for (const last = g + (<usize>end << 2); at < last; at += 4) {
    const value = <f64>load<f32>(at);
    sum += value * value;
  }
  return sum;
}

/** g ← g·scale over floats [begin, end). */
export function scaleRun(g: usize, begin: i32, end: i32, scale: f32): void {
  let at = g + (<usize>begin << 2);
  const whole = at + (<usize>(end - begin & ~3) << 2);
  const s = f32x4.splat(scale);
  for (; at < whole; at += 16) v128.store(at, f32x4.mul(v128.load(at), s));
  const rest = end - begin & 3;
  if (rest) storePartial(at, f32x4.mul(loadPartial(at, rest), s), rest);
}

/** g ← min(max(g, −bound), bound) over floats [begin, end); NaN stays. */
export function clampRun(g: usize, begin: i32, end: i32, bound: f32): void {
  let at = g + (<usize>begin << 2);
  const whole = at + (<usize>(end - begin & ~3) << 2);
  const high = f32x4.splat(bound);
  const low = f32x4.neg(high);
  for (; at < whole; at += 16) v128.store(at, f32x4.min(f32x4.max(v128.load(at), low), high));
  const rest = end - begin & 3;
  if (rest) storePartial(at, f32x4.min(f32x4.max(loadPartial(at, rest), low), high), rest);
}

/**
 * dW ← dW + l1·sign(W) + 2·l2·W over floats [begin, end), and the value l1·Σ|W| + l2·ΣW² of that run in f64.
 * dWeights may be 0 for the value alone.
 */
export function penaltyRun(weights: usize, dWeights: usize, begin: i32, end: i32, l1: f32, l2: f32): f64 {
  let absolute: f64 = 0, squares: f64 = 0;
  const twice = l2 + l2;
  for (let at = <usize>begin << 2, last = <usize>end << 2; at < last; at += 4) {
    const w = load<f32>(weights + at);
    absolute += <f64>abs(w);
    squares += <f64>w * <f64>w;
    if (dWeights) {
      const sign: f32 = w > 0 ? l1 : w < 0 ? -l1 : 0;
      store<f32>(dWeights + at, load<f32>(dWeights + at) + (sign + twice * w));
    }
  }
  return <f64>l1 * absolute + <f64>l2 * squares;
}
