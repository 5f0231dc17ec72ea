// Losses by row: value of each sample in f64, gradient d in place of the output layer's dA (or dZ where fused), and
// whether the prediction was right. A row has `columns` outputs; outputs, weighted sums, targets and d share one stride.
//
//   elementwise   l = Σ_j l(a_j, t_j),        d_j = l'(a_j, t_j)·scale
//   fused         sigmoid + binary cross-entropy and softmax + cross-entropy, Kullback-Leibler divergence, binary
//                 cross-entropy: from the weighted sums z, so that they are finite for any finite z;  d = dZ
//
// `scale` carries the mean: sample weight / sum of weights, and / outputs for the losses that average over outputs.
// Row values are the plain sums; the caller weights and averages them in f64.

import { HitMode, LossCode, NARROW } from "./codes";
import { exp64, log64 } from "./double";
import { LANES, columnOf, demotePairs, laneMask, promoteHigh, splatLane, storePartial } from "./simd";
import { exp4, expm14, log4, log1p4, tanh4 } from "./vmath";

const LN2: f32 = 0.6931471805599453;
/** The largest finite f32: what t/a is bounded by where a is so small that the quotient overflows. Times f'(z), itself that small, it is near the truth again. */
const LARGEST: f32 = 3.4028234663852886e38;

/** ln cosh e. Near 0, where |e| + ln(1 + e^(−2|e|)) − ln 2 loses its digits, ½·ln(1 + sinh² e). */
@inline
function logCosh4(e: v128): v128 {
  const size = f32x4.abs(e);
  const u = expm14(f32x4.pmin(size, f32x4.splat(2)));
  const sinh = f32x4.mul(f32x4.splat(0.5), f32x4.add(u, f32x4.div(u, f32x4.add(u, f32x4.splat(1)))));
  const near = f32x4.mul(f32x4.splat(0.5), log1p4(f32x4.mul(sinh, sinh)));
  const tail = log1p4(exp4(f32x4.mul(f32x4.splat(-2), size)));
  const far = f32x4.add(f32x4.sub(size, f32x4.splat(LN2)), tail);
  return v128.bitselect(near, far, f32x4.lt(size, f32x4.splat(1)));
}

/** l(a, t) of one vector; z is read by the fused sigmoid form alone. `code` is constant wherever this is called. */
@inline
function valueVector(code: i32, z: v128, a: v128, t: v128, parameter: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  if (code == LossCode.meanSquaredError) {
    const e = f32x4.sub(a, t);
    return f32x4.mul(e, e);
  }
  if (code == LossCode.meanAbsoluteError) return f32x4.abs(f32x4.sub(a, t));
  if (code == LossCode.huber) {
    const e = f32x4.sub(a, t);
    const size = f32x4.abs(e);
    const half = f32x4.splat(0.5);
    const outside = f32x4.mul(parameter, f32x4.sub(size, f32x4.mul(half, parameter)));
    return v128.bitselect(f32x4.mul(half, f32x4.mul(e, e)), outside, f32x4.le(size, parameter));
  }
  if (code == LossCode.logCosh) return logCosh4(f32x4.sub(a, t));
  if (code == LossCode.binaryCrossEntropy) {
    // logarithms no less than −100, as PyTorch's BCELoss has it, so that a hard 0 or 1 stays finite
    const floor = f32x4.splat(-100);
    const ofOne = f32x4.mul(t, f32x4.max(log4(a), floor));
    const ofZero = f32x4.mul(f32x4.sub(one, t), f32x4.max(log1p4(f32x4.neg(a)), floor));
    return f32x4.neg(f32x4.add(ofOne, ofZero));
  }
  if (code == LossCode.sigmoidCrossEntropy) {
    const linear = f32x4.sub(f32x4.pmax(z, zero), f32x4.mul(z, t));
    return f32x4.add(linear, log1p4(exp4(f32x4.neg(f32x4.abs(z)))));
  }
  if (code == LossCode.hinge) return f32x4.max(f32x4.sub(one, f32x4.mul(t, a)), zero);
  if (code == LossCode.poisson) return f32x4.sub(a, v128.andnot(f32x4.mul(t, log4(a)), f32x4.eq(t, zero)));
  // klDivergence; where t/a overflows though neither is at its end, the difference of the logarithms
  const ratio = f32x4.div(t, a);
  const far = f32x4.sub(log4(t), log4(a));
  return v128.andnot(f32x4.mul(t, v128.bitselect(far, log4(ratio), f32x4.eq(ratio, f32x4.splat(Infinity)))), f32x4.eq(t, zero));
}

/** ∂l/∂a of one vector, or ∂l/∂z for the fused sigmoid form. */
@inline
function slopeVector(code: i32, a: v128, t: v128, parameter: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  const e = f32x4.sub(a, t);
  if (code == LossCode.meanSquaredError) return f32x4.add(e, e);
  if (code == LossCode.meanAbsoluteError) {
    return f32x4.sub(v128.and(one, f32x4.gt(e, zero)), v128.and(one, f32x4.lt(e, zero)));
  }
  if (code == LossCode.huber) return f32x4.max(f32x4.min(e, parameter), f32x4.neg(parameter));
  if (code == LossCode.logCosh) return tanh4(e);
  if (code == LossCode.binaryCrossEntropy) {
    return f32x4.div(e, f32x4.max(f32x4.mul(a, f32x4.sub(one, a)), f32x4.splat(1e-12)));
  }
  if (code == LossCode.sigmoidCrossEntropy) return e;
  if (code == LossCode.hinge) return v128.and(f32x4.neg(t), f32x4.gt(f32x4.sub(one, f32x4.mul(t, a)), zero));
  const quotient = v128.andnot(f32x4.pmin(f32x4.div(t, a), f32x4.splat(LARGEST)), f32x4.eq(t, zero));
  if (code == LossCode.poisson) return f32x4.sub(one, quotient);
  return f32x4.neg(quotient); // klDivergence
}

/** One row of an elementwise loss; d = 0 computes the value alone. */
@inline
function elementwiseRow(code: i32, z: usize, a: usize, t: usize, d: usize, columns: i32, scale: v128, parameter: v128): f64 {
  let low = f64x2.splat(0), high = low;
  for (let column = 0; column < columns; column += 4) {
    const at = <usize>column << 2;
    const mask = laneMask(columns - column);
    const av = v128.load(a + at);
    const tv = v128.load(t + at);
    const l = v128.and(valueVector(code, v128.load(z + at), av, tv, parameter), mask);
    low = f64x2.add(low, f64x2.promote_low_f32x4(l));
    high = f64x2.add(high, promoteHigh(l));
    if (d) {
      let gradient = f32x4.mul(slopeVector(code, av, tv, parameter), scale);
      if (code == LossCode.poisson || code == LossCode.klDivergence) gradient = f32x4.pmax(gradient, f32x4.splat(-LARGEST));
      v128.store(d + at, v128.and(gradient, mask));
    }
  }
  const total = f64x2.add(low, high);
  return f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1);
}

/**
 * Softmax with cross-entropy: l = Σ_j t_j·(m − z_j + ln S), S = Σ_k e^(z_k − m), m the greatest z. The sum counts the
 * greatest apart (S = 1 + s), so that ln S = log1p(s) keeps its digits when the prediction is nearly certain.
 * `divergence` adds Σ t·ln t: the Kullback-Leibler divergence, whose gradient is the same: dZ = a·Σt − t.
 */
function softmaxCrossEntropyRow(z: usize, a: usize, t: usize, d: usize, columns: i32, scale: v128, divergence: bool): f64 {
  const end = <usize>columns << 2;
  let m = load<f32>(z);
  let top: usize = 0;
  for (let at: usize = 4; at < end; at += 4) {
    const value = load<f32>(z + at);
    if (value > m) {
      m = value;
      top = at;
    }
  }
  let rest: f64 = 0;
  for (let column = 0; column < columns; column += 4) {
    const at = <usize>column << 2;
    const e = v128.and(exp4(f32x4.sub(v128.load(z + at), f32x4.splat(m))), laneMask(columns - column));
    const others = v128.andnot(e, i32x4.eq(i32x4(0, 4, 8, 12), i32x4.splat(<i32>top - <i32>at)));
    rest += <f64>f32x4.extract_lane(others, 0);
    rest += <f64>f32x4.extract_lane(others, 1);
    rest += <f64>f32x4.extract_lane(others, 2);
    rest += <f64>f32x4.extract_lane(others, 3);
  }
  const logSum = <f64>f32x4.extract_lane(log1p4(f32x4.splat(<f32>rest)), 0);
  let value: f64 = 0;
  let sum: f64 = 0;
  for (let at: usize = 0; at < end; at += 4) {
    const target = <f64>load<f32>(t + at);
    if (target != 0) {
      value += target * (<f64>m - <f64>load<f32>(z + at) + logSum);
      if (divergence) value += target * log64(target);
      sum += target;
    }
  }
  if (d) {
    const total = f32x4.splat(<f32>sum);
    for (let column = 0; column < columns; column += 4) {
      const at = <usize>column << 2;
      const dz = f32x4.mul(f32x4.sub(f32x4.mul(v128.load(a + at), total), v128.load(t + at)), scale);
      v128.store(d + at, v128.and(dz, laneMask(columns - column)));
    }
  }
  return value;
}

/** t·((m − z) + logSum) of two rows in f64, 0 where t is 0. */
@inline
function crossTerm(t: v128, m: v128, z: v128, logSum: v128): v128 {
  return v128.andnot(f64x2.mul(t, f64x2.add(f64x2.sub(m, z), logSum)), f64x2.eq(t, f64x2.splat(0)));
}

@inline
function first(v: v128): v128 {
  return f64x2.promote_low_f32x4(v);
}

/** Column `k` (constant, 0 to 3) of four rows from `ptr` at these distances. */
@inline
function column(ptr: usize, at: usize, at1: usize, at2: usize, at3: usize, k: i32): v128 {
  return columnOf(v128.load(ptr + at), v128.load(ptr + at1), v128.load(ptr + at2), v128.load(ptr + at3), k);
}

/**
 * `softmaxCrossEntropyRow` for rows [begin, end) of at most NARROW columns, four rows side by side: lane i of a vector belongs to
 * row i. Term by term, and in the order of its sums, the same, and so are the bits.
 */
function softmaxCrossEntropyNarrow(z: usize, a: usize, t: usize, d: usize, begin: i32, end: i32, columns: i32, stride: usize,
                                   weights: usize, inverse: f64, values: usize): void {
  for (let row = begin; row < end; row += 4) {
    // rows that are missing repeat the last
    const row1 = min(row + 1, end - 1), row2 = min(row + 2, end - 1), row3 = min(row + 3, end - 1);
    const at = <usize>row * stride, at1 = <usize>row1 * stride, at2 = <usize>row2 * stride, at3 = <usize>row3 * stride;
    // the greatest, the first of equals, and where it is
    let m = column(z, at, at1, at2, at3, 0);
    let top = i32x4.splat(0);
    for (let k = 0; k < columns; k += 4) {
      const from = z + (<usize>k << 2);
      const r0 = v128.load(from + at), r1 = v128.load(from + at1), r2 = v128.load(from + at2), r3 = v128.load(from + at3);
      const z0 = columnOf(r0, r1, r2, r3, 0), z1 = columnOf(r0, r1, r2, r3, 1), z2 = columnOf(r0, r1, r2, r3, 2), z3 = columnOf(r0, r1, r2, r3, 3);
      const exists = laneMask(columns - k);
      let more = f32x4.gt(z0, m);
      m = v128.bitselect(z0, m, more);
      top = v128.bitselect(i32x4.splat(k), top, more);
      more = v128.and(f32x4.gt(z1, m), splatLane(exists, 1));
      m = v128.bitselect(z1, m, more);
      top = v128.bitselect(i32x4.splat(k + 1), top, more);
      more = v128.and(f32x4.gt(z2, m), splatLane(exists, 2));
      m = v128.bitselect(z2, m, more);
      top = v128.bitselect(i32x4.splat(k + 2), top, more);
      more = v128.and(f32x4.gt(z3, m), splatLane(exists, 3));
      m = v128.bitselect(z3, m, more);
      top = v128.bitselect(i32x4.splat(k + 3), top, more);
    }
    // the sum of the others
    let low = f64x2.splat(0), high = low;
    for (let k = 0; k < columns; k += 4) {
      const from = z + (<usize>k << 2);
      const r0 = v128.load(from + at), r1 = v128.load(from + at1), r2 = v128.load(from + at2), r3 = v128.load(from + at3);
      const exists = laneMask(columns - k);
      const e0 = v128.andnot(exp4(f32x4.sub(columnOf(r0, r1, r2, r3, 0), m)), i32x4.eq(top, i32x4.splat(k)));
      const e1 = v128.and(exp4(f32x4.sub(columnOf(r0, r1, r2, r3, 1), m)), v128.andnot(splatLane(exists, 1), i32x4.eq(top, i32x4.splat(k + 1))));
      const e2 = v128.and(exp4(f32x4.sub(columnOf(r0, r1, r2, r3, 2), m)), v128.andnot(splatLane(exists, 2), i32x4.eq(top, i32x4.splat(k + 2))));
      const e3 = v128.and(exp4(f32x4.sub(columnOf(r0, r1, r2, r3, 3), m)), v128.andnot(splatLane(exists, 3), i32x4.eq(top, i32x4.splat(k + 3))));
      low = f64x2.add(f64x2.add(f64x2.add(f64x2.add(low, first(e0)), first(e1)), first(e2)), first(e3));
      high = f64x2.add(f64x2.add(f64x2.add(f64x2.add(high, promoteHigh(e0)), promoteHigh(e1)), promoteHigh(e2)), promoteHigh(e3));
    }
    const logSum = log1p4(demotePairs(low, high));
    // the value, and the sum of the targets
    const mLow = first(m), mHigh = promoteHigh(m), logLow = first(logSum), logHigh = promoteHigh(logSum);
    let sumLow = f64x2.splat(0), sumHigh = sumLow;
    low = high = sumLow;
    for (let k = 0; k < columns; k += 4) {
      const skip = <usize>k << 2;
      const exists = laneMask(columns - k);
      let r0 = v128.load(z + skip + at), r1 = v128.load(z + skip + at1), r2 = v128.load(z + skip + at2), r3 = v128.load(z + skip + at3);
      const z0 = columnOf(r0, r1, r2, r3, 0), z1 = columnOf(r0, r1, r2, r3, 1), z2 = columnOf(r0, r1, r2, r3, 2), z3 = columnOf(r0, r1, r2, r3, 3);
      r0 = v128.and(v128.load(t + skip + at), exists);
      r1 = v128.and(v128.load(t + skip + at1), exists);
      r2 = v128.and(v128.load(t + skip + at2), exists);
      r3 = v128.and(v128.load(t + skip + at3), exists);
      const t0 = columnOf(r0, r1, r2, r3, 0), t1 = columnOf(r0, r1, r2, r3, 1), t2 = columnOf(r0, r1, r2, r3, 2), t3 = columnOf(r0, r1, r2, r3, 3);
      low = f64x2.add(low, crossTerm(first(t0), mLow, first(z0), logLow));
      low = f64x2.add(low, crossTerm(first(t1), mLow, first(z1), logLow));
      low = f64x2.add(low, crossTerm(first(t2), mLow, first(z2), logLow));
      low = f64x2.add(low, crossTerm(first(t3), mLow, first(z3), logLow));
      high = f64x2.add(high, crossTerm(promoteHigh(t0), mHigh, promoteHigh(z0), logHigh));
      high = f64x2.add(high, crossTerm(promoteHigh(t1), mHigh, promoteHigh(z1), logHigh));
      high = f64x2.add(high, crossTerm(promoteHigh(t2), mHigh, promoteHigh(z2), logHigh));
      high = f64x2.add(high, crossTerm(promoteHigh(t3), mHigh, promoteHigh(z3), logHigh));
      sumLow = f64x2.add(f64x2.add(f64x2.add(f64x2.add(sumLow, first(t0)), first(t1)), first(t2)), first(t3));
      sumHigh = f64x2.add(f64x2.add(f64x2.add(f64x2.add(sumHigh, promoteHigh(t0)), promoteHigh(t1)), promoteHigh(t2)), promoteHigh(t3));
    }
    let weightLow = f64x2.splat(1), weightHigh = weightLow;
    if (weights) {
      weightLow = f64x2.replace_lane(f64x2.splat(<f64>load<f32>(weights + (<usize>row << 2))), 1, <f64>load<f32>(weights + (<usize>row1 << 2)));
      weightHigh = f64x2.replace_lane(f64x2.splat(<f64>load<f32>(weights + (<usize>row2 << 2))), 1, <f64>load<f32>(weights + (<usize>row3 << 2)));
    }
    low = f64x2.mul(weightLow, low);
    high = f64x2.mul(weightHigh, high);
    v128.store64_lane(values + (<usize>row << 3), low, 0);
    v128.store64_lane(values + (<usize>row1 << 3), low, 1);
    v128.store64_lane(values + (<usize>row2 << 3), high, 0);
    v128.store64_lane(values + (<usize>row3 << 3), high, 1);
    if (!d) continue;
    // dZ = (a·Σt − t)·scale
    const total = demotePairs(sumLow, sumHigh);
    const scale = demotePairs(f64x2.mul(weightLow, f64x2.splat(inverse)), f64x2.mul(weightHigh, f64x2.splat(inverse)));
    const total0 = splatLane(total, 0), total1 = splatLane(total, 1), total2 = splatLane(total, 2), total3 = splatLane(total, 3);
    const scale0 = splatLane(scale, 0), scale1 = splatLane(scale, 1), scale2 = splatLane(scale, 2), scale3 = splatLane(scale, 3);
    for (let k = 0; k < columns; k += 4) {
      const skip = <usize>k << 2;
      const exists = laneMask(columns - k);
      storeCross(a + skip + at, t + skip + at, d + skip + at, total0, scale0, exists);
      storeCross(a + skip + at1, t + skip + at1, d + skip + at1, total1, scale1, exists);
      storeCross(a + skip + at2, t + skip + at2, d + skip + at2, total2, scale2, exists);
      storeCross(a + skip + at3, t + skip + at3, d + skip + at3, total3, scale3, exists);
    }
  }
}

@inline
function storeCross(a: usize, t: usize, d: usize, total: v128, scale: v128, exists: v128): void {
  v128.store(d, v128.and(f32x4.mul(f32x4.sub(f32x4.mul(v128.load(a), total), v128.load(t)), scale), exists));
}

/**
 * Softmax with binary cross-entropy of each output, in f64, from the logarithm of the odds: with
 * r_j = ln(Σ_{k≠j} e^(z_k)) − z_j, a_j = 1/(1 + e^(r_j)), so l_j = t_j·softplus(r_j) + (1 − t_j)·softplus(−r_j) and
 * dZ_j = (a_j − t_j) − Σ_{k≠j} a_j/(1 − a_k)·(a_k − t_k). n² exponentials a row: a rare pair, written for its range.
 */
function softmaxBinaryRow(z: usize, t: usize, d: usize, columns: i32, scale: f32): f64 {
  const end = <usize>columns << 2;
  // all relative to the greatest, so that weighted sums of any size keep their differences; the greatest among the others
  let top: usize = 0;
  for (let k: usize = 4; k < end; k += 4) if (load<f32>(z + k) > load<f32>(z + top)) top = k;
  const m = <f64>load<f32>(z + top);
  let second: f64 = -Infinity;
  for (let k: usize = 0; k < end; k += 4) if (k != top) second = max(second, <f64>load<f32>(z + k) - m);
  let rest: f64 = 0, restOverSecond: f64 = 0;
  for (let k: usize = 0; k < end; k += 4) {
    if (k == top) continue;
    const zk = <f64>load<f32>(z + k) - m;
    rest += exp64(zk);
    restOverSecond += exp64(zk - second);
  }
  const logRest = columns > 1 ? second + log64(restOverSecond) : second;

  let value: f64 = 0;
  for (let j: usize = 0; j < end; j += 4) {
    const zj = <f64>load<f32>(z + j) - m;
    const tj = <f64>load<f32>(t + j);
    const odds = logOthers(j == top, zj, rest, logRest) - zj;
    if (tj != 0) value += tj * softplus64(odds);
    if (tj != 1) value += (1 - tj) * softplus64(-odds);
    if (!d) continue;
    let gradient = sigmoid64(-odds) - tj;
    for (let k: usize = 0; k < end; k += 4) {
      if (k == j) continue;
      const zk = <f64>load<f32>(z + k) - m;
      const others = logOthers(k == top, zk, rest, logRest);
      gradient -= exp64(min(zj - others, 0.0)) * (sigmoid64(zk - others) - <f64>load<f32>(t + k));
    }
    store<f32>(d + j, <f32>(gradient * <f64>scale));
  }
  return value;
}

/** ln(Σ_{i≠k} e^(z_i)) relative to the greatest z, without cancellation: for the greatest the sum of the rest, for another 1 + (rest − its own). */
@inline
function logOthers(isTop: bool, zk: f64, rest: f64, logRest: f64): f64 {
  return isTop ? logRest : log64(1.0 + max(rest - exp64(zk), 0.0));
}

/** ln(1 + e^x) in f64, without overflow. */
function softplus64(x: f64): f64 {
  const e = exp64(-abs(x));
  // ln(1 + e) by the correction term of Kahan: exact to an ulp for e in [0, 1]
  const u = 1.0 + e;
  const tail = u == 1.0 ? e : (log64(u) * e) / (u - 1.0);
  return max(x, 0.0) + tail;
}

function sigmoid64(x: f64): f64 {
  const e = exp64(-abs(x));
  return x >= 0 ? 1.0 / (1.0 + e) : e / (1.0 + e);
}

/** Index of the greatest value in a row, the first of equals. */
@inline
function argMax(row: usize, columns: i32): i32 {
  let best = load<f32>(row);
  let index = 0;
  for (let column = 1; column < columns; ++column) {
    const value = load<f32>(row + (<usize>column << 2));
    if (value > best) {
      best = value;
      index = column;
    }
  }
  return index;
}

/** How many of a row's predictions agree with its targets: see HitMode. */
@inline
function countHits(mode: i32, a: usize, t: usize, columns: i32, outputThreshold: f32, targetThreshold: f32): i32 {
  if (mode == HitMode.argMax) return argMax(a, columns) == argMax(t, columns) ? 1 : 0;
  let hits = 0;
  for (let at: usize = 0, end = <usize>columns << 2; at < end; at += 4) {
    if ((load<f32>(a + at) > outputThreshold) == (load<f32>(t + at) > targetThreshold)) hits++;
  }
  return hits;
}

/** One more column, whose predecessors have the greatest m: the lanes where it is greater. */
@inline
function above(z: v128, m: v128, exists: v128): v128 {
  return v128.and(f32x4.gt(z, m), exists);
}

/** Indices of the greatest values of four rows of at most 4 columns, the first of equals. */
@inline
function argMax4(ptr: usize, at: usize, at1: usize, at2: usize, at3: usize, has1: v128, has2: v128, has3: v128): v128 {
  const r0 = v128.load(ptr + at), r1 = v128.load(ptr + at1), r2 = v128.load(ptr + at2), r3 = v128.load(ptr + at3);
  let best = columnOf(r0, r1, r2, r3, 0);
  const v1 = columnOf(r0, r1, r2, r3, 1), v2 = columnOf(r0, r1, r2, r3, 2), v3 = columnOf(r0, r1, r2, r3, 3);
  const is1 = above(v1, best, has1);
  best = v128.bitselect(v1, best, is1);
  const is2 = above(v2, best, has2);
  best = v128.bitselect(v2, best, is2);
  const is3 = above(v3, best, has3);
  let index = v128.and(i32x4.splat(1), is1);
  index = v128.bitselect(i32x4.splat(2), index, is2);
  return v128.bitselect(i32x4.splat(3), index, is3);
}

/** `hitRows` by argMax for at most 4 columns, four rows side by side. */
function argMaxHitsNarrow(a: usize, t: usize, begin: i32, end: i32, columns: i32, stride: usize, hits: usize): void {
  const has1 = i32x4.splat(columns > 1 ? -1 : 0), has2 = i32x4.splat(columns > 2 ? -1 : 0), has3 = i32x4.splat(columns > 3 ? -1 : 0);
  for (let row = begin; row < end; row += 4) {
    const at = <usize>row * stride, at1 = <usize>min(row + 1, end - 1) * stride, at2 = <usize>min(row + 2, end - 1) * stride, at3 = <usize>min(row + 3, end - 1) * stride;
    const same = i32x4.eq(argMax4(a, at, at1, at2, at3, has1, has2, has3), argMax4(t, at, at1, at2, at3, has1, has2, has3));
    const right = v128.and(same, i32x4.splat(1));
    const to = hits + (<usize>row << 2);
    if (end - row >= 4) v128.store(to, right);
    else storePartial(to, right, end - row);
  }
}

/**
 * Right predictions of rows [begin, end), an i32 a row at `hits`. mode: argMax or threshold. a, t: outputs and targets,
 * read; rows of `columns` floats, `stride` bytes apart.
 */
export function hitRows(mode: i32, a: usize, t: usize, begin: i32, end: i32, columns: i32, stride: usize, outputThreshold: f32, targetThreshold: f32, hits: usize): void {
  if (mode == HitMode.argMax && columns > 0 && columns <= LANES) return argMaxHitsNarrow(a, t, begin, end, columns, stride, hits);
  for (let row = begin; row < end; ++row) {
    const at = <usize>row * stride;
    store<i32>(hits + (<usize>row << 2), countHits(mode, a + at, t + at, columns, outputThreshold, targetThreshold));
  }
}

/**
 * Loss of rows [begin, end).
 * z, a, t: weighted sums (fused forms), outputs, targets; read. d: gradient, written, or 0 for none. weights: one float
 * a row, or 0 for all 1. inverse: 1 / (sum of weights · outputs where the loss averages over them). values: f64 a row,
 * written: weight × loss of the row.
 */
export function lossRows(code: i32, parameter: f32, z: usize, a: usize, t: usize, d: usize, begin: i32, end: i32, columns: i32, stride: usize,
                         weights: usize, inverse: f64, values: usize): void {
  if (code == LossCode.softmaxCrossEntropy && columns > 0 && columns <= NARROW && end - begin > 1) {
    return softmaxCrossEntropyNarrow(z, a, t, d, begin, end, columns, stride, weights, inverse, values);
  }
  const p = f32x4.splat(parameter);
  for (let row = begin; row < end; ++row) {
    const at = <usize>row * stride;
    const weight: f64 = weights ? <f64>load<f32>(weights + (<usize>row << 2)) : 1;
    const scale = <f32>(weight * inverse);
    const s = f32x4.splat(scale);
    const zr = z + at, ar = a + at, tr = t + at, dr = d ? d + at : 0;
    let value: f64;
    switch (code) {
      case LossCode.meanSquaredError: value = elementwiseRow(LossCode.meanSquaredError, zr, ar, tr, dr, columns, s, p); break;
      case LossCode.meanAbsoluteError: value = elementwiseRow(LossCode.meanAbsoluteError, zr, ar, tr, dr, columns, s, p); break;
      case LossCode.huber: value = elementwiseRow(LossCode.huber, zr, ar, tr, dr, columns, s, p); break;
      case LossCode.logCosh: value = elementwiseRow(LossCode.logCosh, zr, ar, tr, dr, columns, s, p); break;
      case LossCode.binaryCrossEntropy: value = elementwiseRow(LossCode.binaryCrossEntropy, zr, ar, tr, dr, columns, s, p); break;
      case LossCode.sigmoidCrossEntropy: value = elementwiseRow(LossCode.sigmoidCrossEntropy, zr, ar, tr, dr, columns, s, p); break;
      case LossCode.hinge: value = elementwiseRow(LossCode.hinge, zr, ar, tr, dr, columns, s, p); break;
      case LossCode.poisson: value = elementwiseRow(LossCode.poisson, zr, ar, tr, dr, columns, s, p); break;
      case LossCode.klDivergence: value = elementwiseRow(LossCode.klDivergence, zr, ar, tr, dr, columns, s, p); break;
      case LossCode.softmaxCrossEntropy: value = softmaxCrossEntropyRow(zr, ar, tr, dr, columns, s, false); break;
      case LossCode.softmaxDivergence: value = softmaxCrossEntropyRow(zr, ar, tr, dr, columns, s, true); break;
      default: value = softmaxBinaryRow(zr, tr, dr, columns, scale);
    }
    store<f64>(values + (<usize>row << 3), weight * value);
  }
}
