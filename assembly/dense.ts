// Dense layer: Z = X·Wᵀ + b, A = f(Z); weights [units × inputs] row-major, row j is neuron j. Its gradients over a range of
// column panels, so that threads can share the work by columns; X, Z, A and gradients have padded rows. (Forward: forward.ts.)
//
//   dW         dZᵀ·X  [units × inputs]       columns = inputs    TN
//   dX         dZ·W   [rows × inputs]        columns = inputs    NN
//
// And the forward of a lone sample (`denseSingle`): a race to read the weights once.

import { activationForward } from "./activations";
import { FROM_ZERO, gemm } from "./gemm";
import { loadPartial, multiplyAdd, storePartial, sumLanes } from "./simd";

/** Columns [begin, end) of dW[units × inputs] = dZ[rows × units]ᵀ · X[rows × inputs]; dW has no padding. */
export function weightGradient(rows: i32, begin: i32, end: i32, units: i32, inputs: i32, dz: usize, dzStride: usize, x: usize, xStride: usize, dw: usize, scratch: usize): void {
  gemm(units, begin, end, rows, dz, 4, dzStride, x, xStride, dw, <usize>inputs << 2, FROM_ZERO, scratch);
}

/** Columns [begin, end) of dX[rows × inputs] = dZ[rows × units] · W[units × inputs]. */
export function inputGradient(rows: i32, begin: i32, end: i32, units: i32, inputs: i32, dz: usize, dzStride: usize, w: usize, dx: usize, dxStride: usize, scratch: usize): void {
  gemm(rows, begin, end, units, dz, dzStride, 4, w, <usize>inputs << 2, dx, dxStride, FROM_ZERO, scratch);
}

/**
 * y0 = w0·x, y1 = w1·x, y2 = w2·x for rows of `bytes` bytes. Each is summed in two interleaved vectors, then what is left of
 * a vector, then by halves. Rows, and places with them, may be the same.
 *
 * Three rows share each load of x, and six chains hide the latency of the add: 80 GB/s of weights from the second-level
 * cache where one row at a time with four or eight chains reads 40 to 57 and four rows spill (43).
 */
function dotThree(bytes: usize, x: usize, w0: usize, w1: usize, w2: usize, y0: usize, y1: usize, y2: usize): void {
  let s0 = f32x4.splat(0), t0 = s0, s1 = s0, t1 = s0, s2 = s0, t2 = s0;
  const end = x + (bytes & ~31);
  while (x < end) {
    const low = v128.load(x), high = v128.load(x, 16);
    s0 = multiplyAdd(s0, v128.load(w0), low);
    t0 = multiplyAdd(t0, v128.load(w0, 16), high);
    s1 = multiplyAdd(s1, v128.load(w1), low);
    t1 = multiplyAdd(t1, v128.load(w1, 16), high);
    s2 = multiplyAdd(s2, v128.load(w2), low);
    t2 = multiplyAdd(t2, v128.load(w2, 16), high);
    x += 32; w0 += 32; w1 += 32; w2 += 32;
  }
  if (bytes & 16) {
    const low = v128.load(x);
    s0 = multiplyAdd(s0, v128.load(w0), low);
    s1 = multiplyAdd(s1, v128.load(w1), low);
    s2 = multiplyAdd(s2, v128.load(w2), low);
    x += 16; w0 += 16; w1 += 16; w2 += 16;
  }
  const rest = <i32>(bytes & 12) >> 2;
  if (rest) {
    const high = loadPartial(x, rest);
    t0 = multiplyAdd(t0, loadPartial(w0, rest), high);
    t1 = multiplyAdd(t1, loadPartial(w1, rest), high);
    t2 = multiplyAdd(t2, loadPartial(w2, rest), high);
  }
  store<f32>(y0, sumLanes(f32x4.add(s0, t0)));
  store<f32>(y1, sumLanes(f32x4.add(s1, t1)));
  store<f32>(y2, sumLanes(f32x4.add(s2, t2)));
}

/** Units [begin, end) of y = f(W·x + b) for one sample. x: inputs floats, read. y: written in whole vectors (padded). */
export function denseSingle(begin: i32, end: i32, inputs: i32, x: usize, w: usize, biases: usize, y: usize,
                            activation: i32, parameter: f32, slopes: usize, sharedSlope: bool): void {
  const bytes = <usize>inputs << 2;
  const first = <usize>begin << 2, last = <usize>end << 2;
  let row = w + <usize>begin * bytes;
  for (let at = first; at < last; at += 12) {
    const step1: usize = at + 4 < last ? 1 : 0, step2: usize = at + 8 < last ? 2 : step1;
    dotThree(bytes, x, row, row + step1 * bytes, row + step2 * bytes, y + at, y + at + (step1 << 2), y + at + (step2 << 2));
    row += 3 * bytes;
  }
  if (biases) addBiases(y + first, biases + first, end - begin);
  activationForward(activation, y + first, y + first, 1, end - begin, ((<usize>(end - begin) + 3) & ~3) << 2, parameter, sharedSlope ? slopes : slopes + first, sharedSlope);
}

/** y += b for `count` values, vector by vector. */
function addBiases(y: usize, b: usize, count: i32): void {
  const whole = y + (<usize>(count & ~3) << 2);
  for (; y < whole; y += 16, b += 16) v128.store(y, f32x4.add(v128.load(y), v128.load(b)));
  const rest = count & 3;
  if (rest) storePartial(y, f32x4.add(loadPartial(y, rest), loadPartial(b, rest)), rest);
}
