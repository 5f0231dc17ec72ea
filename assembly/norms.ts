// Normalisations: y = gain·x̂ + shift with x̂ = (x − mean)/√(variance + epsilon), forward and backward side by side.
//
//   batchNorm   mean and biased variance of a column over the batch, or the running ones (Ioffe and Szegedy 2015, arXiv:1502.03167)
//   layerNorm   mean and biased variance of a row over its columns (Ba, Kiros and Hinton 2016, arXiv:1607.06450)
//
//   dShift = Σ dy,   dGain = Σ dy·x̂     over the rows
//   dx = (h − mean(h) − x̂·mean(h·x̂)) / √(variance + epsilon),   h = gain·dy     means over what was normalised;
//                                                                               without them where the statistics are the running ones
//
// Sums run in f64, over rows in their order, over columns by lanes; so neither shares nor the size of a row's neighbours matter.
// A mean is kept as an f32 and the rest that f32 leaves out of it, so that x − mean loses nothing where the mean is large beside
// the deviation: x̂ = (x − mean)/deviation − rest/deviation. The variance is Σ(x − mean)²/n − rest².

import { NORM_ROWS } from "./codes";
import { demotePairs, laneMask, loadColumns, loadPartial, multiplyAdd, promoteHigh, storeColumns, storePartial } from "./simd";

/** sum + the lanes 0 and 1, or 2 and 3, of v as f64. */
@inline
function addLow(sum: v128, v: v128): v128 {
  return f64x2.add(sum, f64x2.promote_low_f32x4(v));
}

@inline
function addHigh(sum: v128, v: v128): v128 {
  return f64x2.add(sum, promoteHigh(v));
}

/** What f32 leaves out of a mean: a pair of f64 less its rounding. */
@inline
function restOf(mean: v128): v128 {
  return f64x2.sub(mean, f64x2.promote_low_f32x4(f32x4.demote_f64x2_zero(mean)));
}

/** Σ(x − mean)²/n − rest², not below 0. */
@inline
function varianceOf(squares: v128, n: v128, rest: v128): v128 {
  return f64x2.max(f64x2.sub(f64x2.div(squares, n), f64x2.mul(rest, rest)), f64x2.splat(0));
}

@inline
function inverseRoot(variance: v128, epsilon: v128): v128 {
  return f64x2.div(f64x2.splat(1), f64x2.sqrt(f64x2.add(variance, epsilon)));
}

/** Statistics of four columns of the batch, written to four rows `pitch` bytes apart: from sums of x and, behind them, of squares. */
@inline
function writeBatchStatistics(at: usize, pitch: usize, low: v128, high: v128, squaresLow: v128, squaresHigh: v128, n: v128, epsilon: v128): void {
  const restLow = restOf(f64x2.div(low, n)), restHigh = restOf(f64x2.div(high, n));
  const varianceLow = varianceOf(squaresLow, n, restLow), varianceHigh = varianceOf(squaresHigh, n, restHigh);
  v128.store(at + pitch, demotePairs(restLow, restHigh));
  v128.store(at + 2 * pitch, demotePairs(inverseRoot(varianceLow, epsilon), inverseRoot(varianceHigh, epsilon)));
  v128.store(at + 3 * pitch, demotePairs(varianceLow, varianceHigh));
}

/** Mean and variance of columns [column, column + 4) or, where `wide`, 8 over the rows. */
@inline
function measureColumns(wide: bool, rows: i32, x: usize, xStride: usize, at: usize, pitch: usize, epsilon: v128): void {
  const zero = f64x2.splat(0);
  const n = f64x2.splat(<f64>rows);
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  const last = x + <usize>rows * xStride;
  for (let from = x; from < last; from += xStride) {
    const v = v128.load(from);
    s0 = addLow(s0, v);
    s1 = addHigh(s1, v);
    if (wide) {
      const w = v128.load(from, 16);
      s2 = addLow(s2, w);
      s3 = addHigh(s3, w);
    }
  }
  const mean0 = demotePairs(f64x2.div(s0, n), f64x2.div(s1, n));
  const mean1 = demotePairs(f64x2.div(s2, n), f64x2.div(s3, n));
  let q0 = zero, q1 = zero, q2 = zero, q3 = zero;
  for (let from = x; from < last; from += xStride) {
    let v = f32x4.sub(v128.load(from), mean0);
    v = f32x4.mul(v, v);
    q0 = addLow(q0, v);
    q1 = addHigh(q1, v);
    if (wide) {
      let w = f32x4.sub(v128.load(from, 16), mean1);
      w = f32x4.mul(w, w);
      q2 = addLow(q2, w);
      q3 = addHigh(q3, w);
    }
  }
  v128.store(at, mean0);
  writeBatchStatistics(at, pitch, s0, s1, q0, q1, n, epsilon);
  if (wide) {
    v128.store(at, mean1, 16);
    writeBatchStatistics(at + 16, pitch, s2, s3, q2, q3, n, epsilon);
  }
}

/** The running statistics of four columns, of which `columns` exist, in the place of the batch's. */
@inline
function takeRunning(at: usize, pitch: usize, mean: usize, variance: usize, columns: i32, epsilon: v128): void {
  const v = loadColumns(variance, columns);
  v128.store(at, loadColumns(mean, columns));
  v128.store(at + pitch, f32x4.splat(0));
  v128.store(at + 2 * pitch, demotePairs(inverseRoot(f64x2.promote_low_f32x4(v), epsilon), inverseRoot(promoteHigh(v), epsilon)));
  v128.store(at + 3 * pitch, v);
}

/** Bytes between the rows of a batch normalisation's statistics. */
@inline
function pitchOf(units: i32): usize {
  return <usize>(units + 7 & ~7) << 2;
}

/** Whether the batch's own statistics normalise: it has some while training, with more than one row. */
@inline
export function measures(training: bool, rows: i32): bool {
  return training && rows > 1;
}

/**
 * Columns [begin, end) of Y[rows × units] from X, and their statistics.
 * x: rows `xStride` bytes apart, read. y: rows `stride` bytes apart, written in whole vectors; not x. gain, shift, runningMean,
 * runningVariance: units floats, read. statistics: NORM_ROWS rows of `units` floats rounded up to 8, written. begin: a multiple of 8.
 */
export function batchNormForward(rows: i32, begin: i32, end: i32, units: i32, x: usize, xStride: usize, y: usize, stride: usize, gain: usize, shift: usize,
                                 statistics: usize, runningMean: usize, runningVariance: usize, epsilon: f32, training: bool): void {
  const pitch = pitchOf(units);
  const e = f64x2.splat(<f64>epsilon);
  for (let column = begin; column < end; column += 8) {
    const skip = <usize>column << 2;
    const columns = end - column;
    const wide = columns > 4;
    const at = statistics + skip;
    if (measures(training, rows)) {
      if (wide) measureColumns(true, rows, x + skip, xStride, at, pitch, e);
      else measureColumns(false, rows, x + skip, xStride, at, pitch, e);
    } else {
      takeRunning(at, pitch, runningMean + skip, runningVariance + skip, columns, e);
      if (wide) takeRunning(at + 16, pitch, runningMean + skip + 16, runningVariance + skip + 16, columns - 4, e);
    }
    const mean0 = v128.load(at);
    const factor0 = f32x4.mul(loadColumns(gain + skip, columns), v128.load(at + 2 * pitch));
    const start0 = f32x4.sub(loadColumns(shift + skip, columns), f32x4.mul(v128.load(at + pitch), factor0));
    let from = x + skip, to = y + skip;
    if (!wide) {
      for (let row = 0; row < rows; ++row, from += xStride, to += stride) {
        v128.store(to, multiplyAdd(start0, f32x4.sub(v128.load(from), mean0), factor0));
      }
      continue;
    }
    const mean1 = v128.load(at, 16);
    const factor1 = f32x4.mul(loadColumns(gain + skip + 16, columns - 4), v128.load(at + 2 * pitch, 16));
    const start1 = f32x4.sub(loadColumns(shift + skip + 16, columns - 4), f32x4.mul(v128.load(at + pitch, 16), factor1));
    for (let row = 0; row < rows; ++row, from += xStride, to += stride) {
      v128.store(to, multiplyAdd(start0, f32x4.sub(v128.load(from), mean0), factor0));
      v128.store(to, multiplyAdd(start1, f32x4.sub(v128.load(from, 16), mean1), factor1), 16);
    }
  }
}

/** Four columns (or 8, where `wide`) of the backward. `columns`: those that exist. `batch`: whether their statistics are the batch's. */
@inline
function batchNormColumns(wide: bool, columns: i32, rows: i32, x: usize, xStride: usize, d: usize, stride: usize, gain: usize, at: usize, pitch: usize,
                          dGain: usize, dShift: usize, batch: bool, passes: bool): void {
  const zero = f64x2.splat(0);
  const mean0 = v128.load(at), deviation0 = v128.load(at + 2 * pitch);
  const rest0 = f32x4.neg(f32x4.mul(v128.load(at + pitch), deviation0));
  const mean1 = wide ? v128.load(at, 16) : zero, deviation1 = wide ? v128.load(at + 2 * pitch, 16) : zero;
  const rest1 = wide ? f32x4.neg(f32x4.mul(v128.load(at + pitch, 16), deviation1)) : zero;
  let s0 = zero, s1 = zero, s2 = zero, s3 = zero, p0 = zero, p1 = zero, p2 = zero, p3 = zero;
  const last = d + <usize>rows * stride;
  for (let from = x, to = d; to < last; from += xStride, to += stride) {
    const g = v128.load(to);
    const p = f32x4.mul(g, multiplyAdd(rest0, f32x4.sub(v128.load(from), mean0), deviation0));
    s0 = addLow(s0, g);
    s1 = addHigh(s1, g);
    p0 = addLow(p0, p);
    p1 = addHigh(p1, p);
    if (wide) {
      const h = v128.load(to, 16);
      const q = f32x4.mul(h, multiplyAdd(rest1, f32x4.sub(v128.load(from, 16), mean1), deviation1));
      s2 = addLow(s2, h);
      s3 = addHigh(s3, h);
      p2 = addLow(p2, q);
      p3 = addHigh(p3, q);
    }
  }
  storeColumns(dShift, demotePairs(s0, s1), columns);
  storeColumns(dGain, demotePairs(p0, p1), columns);
  if (wide) {
    storeColumns(dShift + 16, demotePairs(s2, s3), columns - 4);
    storeColumns(dGain + 16, demotePairs(p2, p3), columns - 4);
  }
  if (!passes) return;
  const n = f64x2.splat(<f64>rows);
  const factor0 = f32x4.mul(loadColumns(gain, columns), deviation0);
  const factor1 = wide ? f32x4.mul(loadColumns(gain + 16, columns - 4), deviation1) : zero;
  const g0 = batch ? demotePairs(f64x2.div(s0, n), f64x2.div(s1, n)) : zero;
  const g1 = batch ? demotePairs(f64x2.div(s2, n), f64x2.div(s3, n)) : zero;
  const x0 = batch ? demotePairs(f64x2.div(p0, n), f64x2.div(p1, n)) : zero;
  const x1 = batch ? demotePairs(f64x2.div(p2, n), f64x2.div(p3, n)) : zero;
  if (!batch) {
    for (let to = d; to < last; to += stride) {
      v128.store(to, f32x4.mul(v128.load(to), factor0));
      if (wide) v128.store(to, f32x4.mul(v128.load(to, 16), factor1), 16);
    }
    return;
  }
  for (let from = x, to = d; to < last; from += xStride, to += stride) {
    const normal0 = multiplyAdd(rest0, f32x4.sub(v128.load(from), mean0), deviation0);
    v128.store(to, f32x4.mul(f32x4.sub(f32x4.sub(v128.load(to), g0), f32x4.mul(normal0, x0)), factor0));
    if (wide) {
      const normal1 = multiplyAdd(rest1, f32x4.sub(v128.load(from, 16), mean1), deviation1);
      v128.store(to, f32x4.mul(f32x4.sub(f32x4.sub(v128.load(to, 16), g1), f32x4.mul(normal1, x1)), factor1), 16);
    }
  }
}

/**
 * Columns [begin, end) of dGain, dShift (units floats each, written) and, where `passes`, of dX, which takes the place of dY in d.
 * x, statistics: as the forward had and left them. d: rows `stride` bytes apart. begin: a multiple of 8.
 */
export function batchNormBackward(rows: i32, begin: i32, end: i32, units: i32, x: usize, xStride: usize, d: usize, stride: usize, gain: usize,
                                  statistics: usize, dGain: usize, dShift: usize, training: bool, passes: bool): void {
  const pitch = pitchOf(units);
  const batch = measures(training, rows);
  for (let column = begin; column < end; column += 8) {
    const skip = <usize>column << 2;
    const columns = end - column;
    if (columns > 4) batchNormColumns(true, columns, rows, x + skip, xStride, d + skip, stride, gain + skip, statistics + skip, pitch, dGain + skip, dShift + skip, batch, passes);
    else batchNormColumns(false, columns, rows, x + skip, xStride, d + skip, stride, gain + skip, statistics + skip, pitch, dGain + skip, dShift + skip, batch, passes);
  }
}

/** running ← (1 − momentum)·running + momentum·new for units [begin, end), the new variance unbiased. A batch of one row changes nothing. */
export function followStatistics(rows: i32, begin: i32, end: i32, units: i32, statistics: usize, runningMean: usize, runningVariance: usize, momentum: f32): void {
  if (rows < 2) return;
  const pitch = pitchOf(units);
  const share = <f64>momentum, keep = 1 - share;
  const unbiased = <f64>rows / <f64>(rows - 1);
  for (let at = <usize>begin << 2, last = <usize>end << 2; at < last; at += 4) {
    const from = statistics + at;
    const mean = <f64>load<f32>(from) + <f64>load<f32>(from + pitch);
    const variance = <f64>load<f32>(from + 3 * pitch) * unbiased;
    store<f32>(runningMean + at, <f32>(keep * <f64>load<f32>(runningMean + at) + share * mean));
    store<f32>(runningVariance + at, <f32>(keep * <f64>load<f32>(runningVariance + at) + share * variance));
  }
}

@inline
function sumPairs(a: v128, b: v128): f64 {
  const pair = f64x2.add(a, b);
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}

/**
 * Rows [begin, end) of Y[rows × units] from X, and their statistics: mean, rest/deviation, 1/deviation.
 * x: rows `xStride` bytes apart, read. y: rows `stride` bytes apart, written without the padding; not x. gain, shift: units floats, read.
 * statistics: NORM_ROWS floats for each row, written.
 */
export function layerNormForward(begin: i32, end: i32, units: i32, x: usize, xStride: usize, y: usize, stride: usize, gain: usize, shift: usize,
                                 statistics: usize, epsilon: f32): void {
  const whole = <usize>(units & ~3) << 2;
  const tail = units & 3;
  const n = <f64>units;
  for (let row = begin; row < end; ++row) {
    const from = x + <usize>row * xStride, to = y + <usize>row * stride, kept = statistics + <usize>row * (NORM_ROWS << 2);
    let low = f64x2.splat(0), high = low;
    for (let at: usize = 0; at < whole; at += 16) {
      const v = v128.load(from + at);
      low = addLow(low, v);
      high = addHigh(high, v);
    }
    if (tail) {
      const v = loadPartial(from + whole, tail);
      low = addLow(low, v);
      high = addHigh(high, v);
    }
    const exact = sumPairs(low, high) / n;
    const mean = <f32>exact;
    const rest = exact - <f64>mean;
    const means = f32x4.splat(mean);
    low = high = f64x2.splat(0);
    for (let at: usize = 0; at < whole; at += 16) {
      let v = f32x4.sub(v128.load(from + at), means);
      v = f32x4.mul(v, v);
      low = addLow(low, v);
      high = addHigh(high, v);
    }
    if (tail) {
      let v = v128.and(f32x4.sub(loadPartial(from + whole, tail), means), laneMask(tail));
      v = f32x4.mul(v, v);
      low = addLow(low, v);
      high = addHigh(high, v);
    }
    const inverse = 1 / sqrt(max(sumPairs(low, high) / n - rest * rest, 0) + <f64>epsilon);
    store<f32>(kept, mean);
    store<f32>(kept, <f32>(rest * inverse), 4);
    store<f32>(kept, <f32>inverse, 8);
    const factor = v128.load32_splat(kept, 8), start = f32x4.neg(v128.load32_splat(kept, 4));
    for (let at: usize = 0; at < whole; at += 16) {
      const normal = multiplyAdd(start, f32x4.sub(v128.load(from + at), means), factor);
      v128.store(to + at, multiplyAdd(v128.load(shift + at), normal, v128.load(gain + at)));
    }
    if (tail) {
      const normal = multiplyAdd(start, f32x4.sub(loadPartial(from + whole, tail), means), factor);
      storePartial(to + whole, multiplyAdd(loadPartial(shift + whole, tail), normal, loadPartial(gain + whole, tail)), tail);
    }
  }
}

/** Columns [begin, end) of dGain and dShift, units floats each, written. x, statistics, d: as of layerNormBackward, read. begin: a multiple of 8. */
export function layerNormSums(rows: i32, begin: i32, end: i32, x: usize, xStride: usize, d: usize, stride: usize, statistics: usize, dGain: usize, dShift: usize): void {
  for (let column = begin; column < end; column += 4) {
    const skip = <usize>column << 2;
    let s0 = f64x2.splat(0), s1 = s0, p0 = s0, p1 = s0;
    let from = x + skip, kept = statistics;
    const first = d + skip;
    for (let at = first, last = first + <usize>rows * stride; at < last; at += stride, from += xStride, kept += NORM_ROWS << 2) {
      const g = v128.load(at);
      const normal = f32x4.sub(f32x4.mul(f32x4.sub(v128.load(from), v128.load32_splat(kept)), v128.load32_splat(kept, 8)), v128.load32_splat(kept, 4));
      const p = f32x4.mul(g, normal);
      s0 = addLow(s0, g);
      s1 = addHigh(s1, g);
      p0 = addLow(p0, p);
      p1 = addHigh(p1, p);
    }
    storeColumns(dShift + skip, demotePairs(s0, s1), end - column);
    storeColumns(dGain + skip, demotePairs(p0, p1), end - column);
  }
}

/** Rows [begin, end) of dX, which take the place of those of dY in d. x, statistics: as the forward had and left them. */
export function layerNormBackward(begin: i32, end: i32, units: i32, x: usize, xStride: usize, d: usize, stride: usize, gain: usize, statistics: usize): void {
  const whole = <usize>(units & ~3) << 2;
  const tail = units & 3;
  const n = <f64>units;
  for (let row = begin; row < end; ++row) {
    const from = x + <usize>row * xStride, to = d + <usize>row * stride, kept = statistics + <usize>row * (NORM_ROWS << 2);
    const mean = v128.load32_splat(kept), start = f32x4.neg(v128.load32_splat(kept, 4)), factor = v128.load32_splat(kept, 8);
    let s0 = f64x2.splat(0), s1 = s0, p0 = s0, p1 = s0;
    for (let at: usize = 0; at < whole; at += 16) {
      const h = f32x4.mul(v128.load(to + at), v128.load(gain + at));
      const p = f32x4.mul(h, multiplyAdd(start, f32x4.sub(v128.load(from + at), mean), factor));
      s0 = addLow(s0, h);
      s1 = addHigh(s1, h);
      p0 = addLow(p0, p);
      p1 = addHigh(p1, p);
    }
    if (tail) {
      const h = f32x4.mul(loadPartial(to + whole, tail), loadPartial(gain + whole, tail));
      const p = f32x4.mul(h, multiplyAdd(start, f32x4.sub(loadPartial(from + whole, tail), mean), factor));
      s0 = addLow(s0, h);
      s1 = addHigh(s1, h);
      p0 = addLow(p0, p);
      p1 = addHigh(p1, p);
    }
    const h0 = f32x4.splat(<f32>(sumPairs(s0, s1) / n)), x0 = f32x4.splat(<f32>(sumPairs(p0, p1) / n));
    for (let at: usize = 0; at < whole; at += 16) {
      const h = f32x4.mul(v128.load(to + at), v128.load(gain + at));
      const normal = multiplyAdd(start, f32x4.sub(v128.load(from + at), mean), factor);
      v128.store(to + at, f32x4.mul(f32x4.sub(f32x4.sub(h, h0), f32x4.mul(normal, x0)), factor));
    }
    if (tail) {
      const h = f32x4.mul(loadPartial(to + whole, tail), loadPartial(gain + whole, tail));
      const normal = multiplyAdd(start, f32x4.sub(loadPartial(from + whole, tail), mean), factor);
      storePartial(to + whole, f32x4.mul(f32x4.sub(f32x4.sub(h, h0), f32x4.mul(normal, x0)), factor), tail);
    }
  }
}
