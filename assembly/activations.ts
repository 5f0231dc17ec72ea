// Activation functions, forward a = f(z) and backward dZ = dA · f'(z), side by side, on a region of a matrix:
// `rows` rows of `columns` floats, rows `stride` bytes apart, every pointer at the region's first element. Columns are
// taken in whole vectors, so a region that ends in the middle of one needs padding behind it (the matrices have it).
//
// Derivatives are taken from a where that is exact (relu, relu6, hardTanh, leakyRelu with slope ≥ 0, exponential), and
// from z elsewhere; z and a may be the same matrix for those that need only a. Sigmoid and tanh use a·(1 − a) and 1 − a²
// and go back to z for lanes in saturation, where these would lose their digits.
// At a kink the derivative is PyTorch's. Special values: f(NaN) is NaN, f(±∞) the limit.

import { ActivationCode, NARROW } from "./codes";
import { LANES, columnOf, demotePairs, highHalves, laneMask, loadPartial, lowHalves, maxLanes, promoteHigh, splatLane, storePartial } from "./simd";
import {
  exp4, expm14, tanh4, sigmoid4, softplus4, gelu4, geluTanh4, silu4, mish4, softsign4, sigmoidDerivative4, tanhDerivative4,
  geluDerivative4, geluTanhDerivative4, siluDerivative4, mishDerivative4, softsignDerivative4,
} from "./vmath";

/** SELU's constants, Klambauer et al. 2017 (arXiv:1706.02515), appendix: the fixed point of mean 0, variance 1. */
const SELU_SCALE: f32 = 1.0507009873554805;
const SELU_ALPHA: f32 = 1.6732632423543772;
const SELU_SCALE_ALPHA: f32 = 1.7580993408473766;

/** f(z) of one vector. `code` is constant wherever this is called, so that the chain folds to one arm. */
@inline
function forwardVector(code: i32, z: v128, parameter: v128): v128 {
  const zero = f32x4.splat(0);
  if (code == ActivationCode.sigmoid) return sigmoid4(z);
  if (code == ActivationCode.tanh) return tanh4(z);
  if (code == ActivationCode.relu) return f32x4.pmax(z, zero);
  if (code == ActivationCode.leakyRelu) return v128.bitselect(z, f32x4.mul(parameter, z), f32x4.gt(z, zero));
  if (code == ActivationCode.elu) return v128.bitselect(z, f32x4.mul(parameter, expm14(z)), f32x4.gt(z, zero));
  if (code == ActivationCode.selu) {
    return v128.bitselect(f32x4.mul(f32x4.splat(SELU_SCALE), z), f32x4.mul(f32x4.splat(SELU_SCALE_ALPHA), expm14(z)), f32x4.gt(z, zero));
  }
  if (code == ActivationCode.gelu) return gelu4(z);
  if (code == ActivationCode.geluTanh) return geluTanh4(z);
  if (code == ActivationCode.silu) return silu4(z);
  if (code == ActivationCode.mish) return mish4(z);
  if (code == ActivationCode.softplus) return softplus4(z);
  if (code == ActivationCode.softsign) return softsign4(z);
  if (code == ActivationCode.relu6) return f32x4.pmin(f32x4.pmax(z, zero), f32x4.splat(6));
  if (code == ActivationCode.hardSigmoid) {
    const line = f32x4.add(f32x4.div(z, f32x4.splat(6)), f32x4.splat(0.5));
    return f32x4.pmin(f32x4.pmax(line, zero), f32x4.splat(1));
  }
  if (code == ActivationCode.hardTanh) return f32x4.pmin(f32x4.pmax(z, f32x4.splat(-1)), f32x4.splat(1));
  if (code == ActivationCode.exponential) return exp4(z);
  return z;
}

/** Lanes where 1 − |a| is below 1/8 take `accurate`: the cheap form has lost three bits or more there. */
@inline
function saturated(a: v128): v128 {
  return f32x4.gt(f32x4.abs(a), f32x4.splat(0.875));
}

/** dA · f'(z) of one vector. */
@inline
function backwardVector(code: i32, z: v128, a: v128, d: v128, parameter: v128): v128 {
  const zero = f32x4.splat(0);
  const one = f32x4.splat(1);
  if (code == ActivationCode.sigmoid) {
    let derivative = f32x4.mul(a, f32x4.sub(one, a));
    const mask = saturated(a);
    if (v128.any_true(mask)) derivative = v128.bitselect(sigmoidDerivative4(z), derivative, mask);
    return f32x4.mul(d, derivative);
  }
  if (code == ActivationCode.tanh) {
    let derivative = f32x4.mul(f32x4.sub(one, a), f32x4.add(one, a));
    const mask = saturated(a);
    if (v128.any_true(mask)) derivative = v128.bitselect(tanhDerivative4(z), derivative, mask);
    return f32x4.mul(d, derivative);
  }
  if (code == ActivationCode.relu) return v128.and(d, f32x4.gt(a, zero));
  if (code == ActivationCode.leakyRelu) return v128.bitselect(d, f32x4.mul(parameter, d), f32x4.gt(z, zero));
  if (code == ActivationCode.elu) return v128.bitselect(d, f32x4.mul(d, f32x4.mul(parameter, exp4(z))), f32x4.gt(z, zero));
  if (code == ActivationCode.selu) {
    const derivative = v128.bitselect(f32x4.splat(SELU_SCALE), f32x4.mul(f32x4.splat(SELU_SCALE_ALPHA), exp4(z)), f32x4.gt(z, zero));
    return f32x4.mul(d, derivative);
  }
  if (code == ActivationCode.gelu) return f32x4.mul(d, geluDerivative4(z));
  if (code == ActivationCode.geluTanh) return f32x4.mul(d, geluTanhDerivative4(z));
  if (code == ActivationCode.silu) return f32x4.mul(d, siluDerivative4(z));
  if (code == ActivationCode.mish) return f32x4.mul(d, mishDerivative4(z));
  if (code == ActivationCode.softplus) return f32x4.mul(d, sigmoid4(z));
  if (code == ActivationCode.softsign) return f32x4.mul(d, softsignDerivative4(z));
  if (code == ActivationCode.relu6) return v128.and(d, v128.and(f32x4.gt(a, zero), f32x4.lt(a, f32x4.splat(6))));
  if (code == ActivationCode.hardSigmoid) return v128.and(f32x4.mul(d, f32x4.splat(1.0 / 6.0)), f32x4.lt(f32x4.abs(z), f32x4.splat(3)));
  if (code == ActivationCode.hardTanh) return v128.and(d, f32x4.lt(f32x4.abs(a), one));
  if (code == ActivationCode.exponential) return f32x4.mul(d, a);
  return d;
}

/** The loop of one activation over the region; a dense region is walked as a single long row. */
@inline
function forwardRegion(code: i32, z: usize, a: usize, rows: i32, columns: i32, stride: usize, parameter: v128): void {
  let width = (<usize>columns + 3 & ~3) << 2;
  if (width == stride) {
    width *= rows;
    rows = 1;
  }
  // two vectors a turn: V8 makes the constants of f anew in each (20 to 25 % for the long ones, measured)
  // (but in the small build, of rosenblatt/predict: one copy of f in place of three)
  const pairs = ASC_SHRINK_LEVEL < 2 ? width & ~31 : 0;
  for (let row = 0; row < rows; ++row) {
    let at: usize = 0;
    if (ASC_SHRINK_LEVEL < 2) for (; at < pairs; at += 32) {
      const first = forwardVector(code, v128.load(z + at), parameter);
      const second = forwardVector(code, v128.load(z + at, 16), parameter);
      v128.store(a + at, first);
      v128.store(a + at, second, 16);
    }
    if (ASC_SHRINK_LEVEL < 2) {
      if (at < width) v128.store(a + at, forwardVector(code, v128.load(z + at), parameter));
    } else for (; at < width; at += 16) v128.store(a + at, forwardVector(code, v128.load(z + at), parameter));
    z += stride;
    a += stride;
  }
}

/** PReLU: one slope a column, or one for all where `shared`. */
function preluForward(z: usize, a: usize, rows: i32, columns: i32, stride: usize, slopes: usize, shared: bool): void {
  for (let column = 0; column < columns; column += 4) {
    const slope = columnSlopes(slopes, column, columns, shared);
    let at = <usize>column << 2;
    for (let row = 0; row < rows; ++row) {
      v128.store(a + at, forwardVector(ActivationCode.leakyRelu, v128.load(z + at), slope));
      at += stride;
    }
  }
}

@inline
function columnSlopes(slopes: usize, column: i32, columns: i32, shared: bool): v128 {
  if (shared) return v128.load32_splat(slopes);
  const at = slopes + (<usize>column << 2);
  return columns - column >= 4 ? v128.load(at) : loadPartial(at, columns - column);
}

/**
 * a = f(z) over the region. Softmax is `softmaxForward`; here it leaves z as it is (linear).
 * z: read. a: written, may be z. parameter: slope or alpha. slopes: PReLU's, `columns` floats or one if `shared`.
 */
export function activationForward(code: i32, z: usize, a: usize, rows: i32, columns: i32, stride: usize,
                                  parameter: f32, slopes: usize, shared: bool): void {
  const p = f32x4.splat(parameter);
  switch (code) {
    case ActivationCode.sigmoid: forwardRegion(ActivationCode.sigmoid, z, a, rows, columns, stride, p); break;
    case ActivationCode.tanh: forwardRegion(ActivationCode.tanh, z, a, rows, columns, stride, p); break;
    case ActivationCode.relu: forwardRegion(ActivationCode.relu, z, a, rows, columns, stride, p); break;
    case ActivationCode.leakyRelu: forwardRegion(ActivationCode.leakyRelu, z, a, rows, columns, stride, p); break;
    case ActivationCode.prelu: preluForward(z, a, rows, columns, stride, slopes, shared); break;
    case ActivationCode.elu: forwardRegion(ActivationCode.elu, z, a, rows, columns, stride, p); break;
    case ActivationCode.selu: forwardRegion(ActivationCode.selu, z, a, rows, columns, stride, p); break;
    case ActivationCode.gelu: forwardRegion(ActivationCode.gelu, z, a, rows, columns, stride, p); break;
    case ActivationCode.geluTanh: forwardRegion(ActivationCode.geluTanh, z, a, rows, columns, stride, p); break;
    case ActivationCode.silu: forwardRegion(ActivationCode.silu, z, a, rows, columns, stride, p); break;
    case ActivationCode.mish: forwardRegion(ActivationCode.mish, z, a, rows, columns, stride, p); break;
    case ActivationCode.softplus: forwardRegion(ActivationCode.softplus, z, a, rows, columns, stride, p); break;
    case ActivationCode.softsign: forwardRegion(ActivationCode.softsign, z, a, rows, columns, stride, p); break;
    case ActivationCode.relu6: forwardRegion(ActivationCode.relu6, z, a, rows, columns, stride, p); break;
    case ActivationCode.hardSigmoid: forwardRegion(ActivationCode.hardSigmoid, z, a, rows, columns, stride, p); break;
    case ActivationCode.hardTanh: forwardRegion(ActivationCode.hardTanh, z, a, rows, columns, stride, p); break;
    case ActivationCode.exponential: forwardRegion(ActivationCode.exponential, z, a, rows, columns, stride, p); break;
    default: if (z != a) forwardRegion(ActivationCode.linear, z, a, rows, columns, stride, p);
  }
}

/** Writes the sum of a column of vectors, whole or what is left of it. */
@inline
function storeSum(ptr: usize, sum: v128, column: i32, columns: i32): void {
  const at = ptr + (<usize>column << 2);
  if (columns - column >= 4) v128.store(at, sum);
  else storePartial(at, sum, columns - column);
}

/** The loop of one activation's backward: columns of vectors, rows in order, so that a bias has one sum in one order. */
@inline
function backwardRegion(code: i32, z: usize, a: usize, d: usize, rows: i32, columns: i32, stride: usize, parameter: v128, dBiases: usize): void {
  let column = 0;
  for (; column <= columns - 8; column += 8) {
    let at = <usize>column << 2;
    let sumLow = f32x4.splat(0), sumHigh = sumLow;
    for (let row = 0; row < rows; ++row) {
      const low = backwardVector(code, v128.load(z + at), v128.load(a + at), v128.load(d + at), parameter);
      const high = backwardVector(code, v128.load(z + at, 16), v128.load(a + at, 16), v128.load(d + at, 16), parameter);
      if (code != ActivationCode.linear) {
        v128.store(d + at, low);
        v128.store(d + at, high, 16);
      }
      sumLow = f32x4.add(sumLow, low);
      sumHigh = f32x4.add(sumHigh, high);
      at += stride;
    }
    if (dBiases != 0) {
      v128.store(dBiases + (<usize>column << 2), sumLow);
      v128.store(dBiases + (<usize>column << 2), sumHigh, 16);
    }
  }
  for (; column < columns; column += 4) {
    let at = <usize>column << 2;
    let sum = f32x4.splat(0);
    for (let row = 0; row < rows; ++row) {
      const dz = backwardVector(code, v128.load(z + at), v128.load(a + at), v128.load(d + at), parameter);
      if (code != ActivationCode.linear) v128.store(d + at, dz);
      sum = f32x4.add(sum, dz);
      at += stride;
    }
    if (dBiases != 0) storeSum(dBiases, sum, column, columns);
  }
}

/** PReLU: dZ = dA where z > 0, else slope·dA; dSlope_j = Σ over rows of dA·z where z ≤ 0. */
function preluBackward(z: usize, d: usize, rows: i32, columns: i32, stride: usize, slopes: usize, shared: bool, dBiases: usize, dSlopes: usize): void {
  const zero = f32x4.splat(0);
  for (let column = 0; column < columns; column += 4) {
    const slope = columnSlopes(slopes, column, columns, shared);
    let at = <usize>column << 2;
    let sum = zero, slopeSum = zero;
    for (let row = 0; row < rows; ++row) {
      const zv = v128.load(z + at);
      const dv = v128.load(d + at);
      const positive = f32x4.gt(zv, zero);
      const dz = v128.bitselect(dv, f32x4.mul(slope, dv), positive);
      v128.store(d + at, dz);
      sum = f32x4.add(sum, dz);
      slopeSum = f32x4.add(slopeSum, v128.andnot(f32x4.mul(dv, zv), positive));
      at += stride;
    }
    if (dBiases != 0) storeSum(dBiases, sum, column, columns);
    if (dSlopes != 0) storeSum(dSlopes, slopeSum, column, columns);
  }
}

/**
 * d ← d · f'(z) over the region, and its column sums: the gradient of the biases.
 * z, a: read, as the forward left them. d: read and written. dBiases: `columns` floats written, or 0 for none.
 * dSlopes: PReLU's slope gradient of each column, `columns` floats written, or 0. Softmax is `softmaxBackward`.
 */
export function activationBackward(code: i32, z: usize, a: usize, d: usize, rows: i32, columns: i32, stride: usize,
                                   parameter: f32, slopes: usize, shared: bool, dBiases: usize, dSlopes: usize): void {
  const p = f32x4.splat(parameter);
  switch (code) {
    case ActivationCode.sigmoid: backwardRegion(ActivationCode.sigmoid, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.tanh: backwardRegion(ActivationCode.tanh, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.relu: backwardRegion(ActivationCode.relu, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.leakyRelu: backwardRegion(ActivationCode.leakyRelu, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.prelu: preluBackward(z, d, rows, columns, stride, slopes, shared, dBiases, dSlopes); break;
    case ActivationCode.elu: backwardRegion(ActivationCode.elu, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.selu: backwardRegion(ActivationCode.selu, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.gelu: backwardRegion(ActivationCode.gelu, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.geluTanh: backwardRegion(ActivationCode.geluTanh, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.silu: backwardRegion(ActivationCode.silu, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.mish: backwardRegion(ActivationCode.mish, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.softplus: backwardRegion(ActivationCode.softplus, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.softsign: backwardRegion(ActivationCode.softsign, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.relu6: backwardRegion(ActivationCode.relu6, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.hardSigmoid: backwardRegion(ActivationCode.hardSigmoid, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.hardTanh: backwardRegion(ActivationCode.hardTanh, z, a, d, rows, columns, stride, p, dBiases); break;
    case ActivationCode.exponential: backwardRegion(ActivationCode.exponential, z, a, d, rows, columns, stride, p, dBiases); break;
    default: if (dBiases != 0) backwardRegion(ActivationCode.linear, z, a, d, rows, columns, stride, p, dBiases);
  }
}

/** Infinities as the largest finite numbers, so that a row with an infinite z has its limit; finite values and NaN stay. */
@inline
function bounded(z: v128): v128 {
  const largest = f32x4.splat(3.4028234663852886e38);
  return f32x4.pmax(f32x4.pmin(z, largest), f32x4.neg(largest));
}

/**
 * Softmax of rows of at most NARROW columns, four rows at a time. What is computed for each
 * element, and the order of the sum, are those of `softmaxForward`, and so are the bits; in a row by itself would
 * wait for its maximum, its exponentials and its sum in turn (rows of 3: a fifth of the time, rows of 10: less than a half, measured).
 */
function softmaxNarrow(z: usize, a: usize, rows: i32, columns: i32, stride: usize): void {
  const negativeInfinity = f32x4.splat(-Infinity);
  const width = <usize>columns << 2;
  for (; rows > 0; rows -= 4) {
    // rows that are missing repeat the last
    const skip1: usize = rows > 1 ? stride : 0;
    const skip2: usize = skip1 + (rows > 2 ? stride : 0);
    const skip3: usize = skip2 + (rows > 3 ? stride : 0);
    // the greatest of each row
    let m0 = negativeInfinity, m1 = m0, m2 = m0, m3 = m0;
    for (let at: usize = 0; at < width; at += 16) {
      const exists = laneMask(<i32>(width - at) >> 2);
      m0 = f32x4.max(m0, v128.bitselect(v128.load(z + at), negativeInfinity, exists));
      m1 = f32x4.max(m1, v128.bitselect(v128.load(z + skip1 + at), negativeInfinity, exists));
      m2 = f32x4.max(m2, v128.bitselect(v128.load(z + skip2 + at), negativeInfinity, exists));
      m3 = f32x4.max(m3, v128.bitselect(v128.load(z + skip3 + at), negativeInfinity, exists));
    }
    const greatest = f32x4.max(f32x4.max(columnOf(m0, m1, m2, m3, 0), columnOf(m0, m1, m2, m3, 1)), f32x4.max(columnOf(m0, m1, m2, m3, 2), columnOf(m0, m1, m2, m3, 3)));
    const top = bounded(greatest);
    // exponentials
    const top0 = splatLane(top, 0), top1 = splatLane(top, 1), top2 = splatLane(top, 2), top3 = splatLane(top, 3);
    for (let at: usize = 0; at < width; at += 16) {
      const exists = laneMask(<i32>(width - at) >> 2);
      const e0 = exp4(f32x4.sub(bounded(v128.load(z + at)), top0)), e1 = exp4(f32x4.sub(bounded(v128.load(z + skip1 + at)), top1));
      const e2 = exp4(f32x4.sub(bounded(v128.load(z + skip2 + at)), top2)), e3 = exp4(f32x4.sub(bounded(v128.load(z + skip3 + at)), top3));
      v128.store(a + at, v128.and(e0, exists));
      v128.store(a + skip1 + at, v128.and(e1, exists));
      v128.store(a + skip2 + at, v128.and(e2, exists));
      v128.store(a + skip3 + at, v128.and(e3, exists));
    }
    // their sums: of every fourth column, then (0 + 2) + (1 + 3)
    let low0 = f64x2.splat(0), low1 = low0, low2 = low0, low3 = low0, high0 = low0, high1 = low0, high2 = low0, high3 = low0;
    for (let at: usize = 0; at < width; at += 16) {
      const e0 = v128.load(a + at), e1 = v128.load(a + skip1 + at), e2 = v128.load(a + skip2 + at), e3 = v128.load(a + skip3 + at);
      low0 = f64x2.add(low0, f64x2.promote_low_f32x4(e0));
      high0 = f64x2.add(high0, promoteHigh(e0));
      low1 = f64x2.add(low1, f64x2.promote_low_f32x4(e1));
      high1 = f64x2.add(high1, promoteHigh(e1));
      low2 = f64x2.add(low2, f64x2.promote_low_f32x4(e2));
      high2 = f64x2.add(high2, promoteHigh(e2));
      low3 = f64x2.add(low3, f64x2.promote_low_f32x4(e3));
      high3 = f64x2.add(high3, promoteHigh(e3));
    }
    low0 = f64x2.add(low0, high0);
    low1 = f64x2.add(low1, high1);
    low2 = f64x2.add(low2, high2);
    low3 = f64x2.add(low3, high3);
    const sum = demotePairs(f64x2.add(lowHalves(low0, low1), highHalves(low0, low1)), f64x2.add(lowHalves(low2, low3), highHalves(low2, low3)));
    // quotients
    const sum0 = splatLane(sum, 0), sum1 = splatLane(sum, 1), sum2 = splatLane(sum, 2), sum3 = splatLane(sum, 3);
    for (let at: usize = 0; at < width; at += 16) {
      const a0 = f32x4.div(v128.load(a + at), sum0), a1 = f32x4.div(v128.load(a + skip1 + at), sum1);
      const a2 = f32x4.div(v128.load(a + skip2 + at), sum2), a3 = f32x4.div(v128.load(a + skip3 + at), sum3);
      v128.store(a + at, a0);
      v128.store(a + skip1 + at, a1);
      v128.store(a + skip2 + at, a2);
      v128.store(a + skip3 + at, a3);
    }
    z += 4 * stride;
    a += 4 * stride;
  }
}

/**
 * Rows of softmax: a_j = e^(z_j − max) / Σ_k e^(z_k − max), the greatest subtracted first so that nothing overflows.
 * The sum runs in f64, in order of k. z: read. a: written, may be z. Padding behind `columns` is left 0.
 */
export function softmaxForward(z: usize, a: usize, rows: i32, columns: i32, stride: usize): void {
  if (columns > 0 && columns <= NARROW && (rows > 1 || columns <= LANES)) return softmaxNarrow(z, a, rows, columns, stride);
  const negativeInfinity = f32x4.splat(-Infinity);
  const whole = (<usize>columns & ~3) << 2;
  const rest = columns & 3;
  for (let row = 0; row < rows; ++row) {
    // the greatest
    let greatest = negativeInfinity;
    for (let at: usize = 0; at < whole; at += 16) greatest = f32x4.max(greatest, v128.load(z + at));
    if (rest) greatest = f32x4.max(greatest, tailOf(z + whole, rest, negativeInfinity));
    const top = bounded(f32x4.splat(maxLanes(greatest)));
    // exponentials and their sum
    let low = f64x2.splat(0), high = low;
    for (let at: usize = 0; at < whole; at += 16) {
      const e = exp4(f32x4.sub(bounded(v128.load(z + at)), top));
      v128.store(a + at, e);
      low = f64x2.add(low, f64x2.promote_low_f32x4(e));
      high = f64x2.add(high, promoteHigh(e));
    }
    if (rest) {
      const e = v128.and(exp4(f32x4.sub(bounded(tailOf(z + whole, rest, negativeInfinity)), top)), laneMask(rest));
      v128.store(a + whole, e);
      low = f64x2.add(low, f64x2.promote_low_f32x4(e));
      high = f64x2.add(high, promoteHigh(e));
    }
    const total = f64x2.add(low, high);
    const sum = f32x4.splat(<f32>(f64x2.extract_lane(total, 0) + f64x2.extract_lane(total, 1)));
    // quotients
    for (let at: usize = 0; at < (whole + (rest ? 16 : 0)); at += 16) v128.store(a + at, f32x4.div(v128.load(a + at), sum));
    z += stride;
    a += stride;
  }
}

/** `n` (1 to 3) lanes from ptr, the others `fill`. */
@inline
function tailOf(ptr: usize, n: i32, fill: v128): v128 {
  return v128.bitselect(loadPartial(ptr, n), fill, i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n)));
}

/** Rows of softmax backward: dZ_j = a_j · (dA_j − Σ_k dA_k·a_k), the sum in f64 in order of k. d: read and written. */
export function softmaxBackward(a: usize, d: usize, rows: i32, columns: i32, stride: usize): void {
  for (let row = 0; row < rows; ++row) {
    let dot: f64 = 0;
    for (let at: usize = 0, end = <usize>columns << 2; at < end; at += 4) dot += <f64>load<f32>(a + at) * <f64>load<f32>(d + at);
    const shift = f32x4.splat(<f32>dot);
    for (let at: usize = 0, end = (<usize>columns + 3 & ~3) << 2; at < end; at += 16) {
      v128.store(d + at, f32x4.mul(v128.load(a + at), f32x4.sub(v128.load(d + at), shift)));
    }
    a += stride;
    d += stride;
  }
}
