// Dense layer: Z = X·Wᵀ + b, A = f(Z); weights [units × inputs] row-major, row j is neuron j. Forward and backward over a
// range of column panels, so that threads can share the work by columns; X, Z, A and gradients have padded rows.
//
//   forward    Z[rows × units], A            columns = units     NT
//   dW         dZᵀ·X  [units × inputs]       columns = inputs    TN
//   dX         dZ·W   [rows × inputs]        columns = inputs    NN
//
// A lone sample goes another way (`denseSingle`): without packing it is a race to read the weights once, row by row.

import { activationForward } from "./activations";
import { KC } from "./codes";
import { FROM_BIAS, FROM_C, FROM_ZERO, gemm, groupColumns, multiplyColumns, packLeft, packedRows } from "./gemm";
import { multiplyAdd, sumLanes } from "./simd";

/** Columns computed before the activation runs over them: four panels, so that they are still in the nearest cache. */
const GROUP: i32 = 32;

/**
 * Units [begin, end) of Z = X·Wᵀ + b and A = f(Z) for all `rows`: the blocks of `gemm`, the activation after the last block of k.
 * x: rows × inputs, `xStride` bytes apart, read. w: units × inputs, read. biases: units floats, or 0. z, a: written,
 * `stride` bytes apart; may be one matrix where the activation keeps no sums. slopes: PReLU's. scratch: this thread's.
 */
export function denseForward(rows: i32, begin: i32, end: i32, inputs: i32, x: usize, xStride: usize, w: usize, biases: usize,
                             z: usize, a: usize, stride: usize, activation: i32, parameter: f32, slopes: usize, sharedSlope: bool, scratch: usize): void {
  if (begin >= end) return;
  const ldw = <usize>inputs << 2;
  let first = 0;
  do {
    const block = min(inputs - first, KC);
    const most = packedRows(block);
    const columns = max(GROUP, groupColumns(block));
    const start = first > 0 ? FROM_C : biases ? FROM_BIAS : FROM_ZERO;
    const skip = <usize>first << 2;
    for (let row = 0; row < rows; row += most) {
      const count = min(rows - row, most);
      const zRow = z + <usize>row * stride, aRow = a + <usize>row * stride;
      packLeft(count, block, x + <usize>row * xStride + skip, xStride, 4, scratch);
      for (let column = begin; column < end; column += columns) {
        const last = min(column + columns, end);
        multiplyColumns(count, column, last, block, w + skip, ldw, true, zRow, stride, start, biases, scratch);
        if (first + block < inputs) continue;
        const at = <usize>column << 2;
        activationForward(activation, zRow + at, aRow + at, count, last - column, stride, parameter, sharedSlope ? slopes : slopes + at, sharedSlope);
      }
    }
    first += block;
  } while (first < inputs);
}

/** Columns [begin, end) of dW[units × inputs] = dZ[rows × units]ᵀ · X[rows × inputs]; dW has no padding. */
export function weightGradient(rows: i32, begin: i32, end: i32, units: i32, inputs: i32, dz: usize, dzStride: usize, x: usize, xStride: usize, dw: usize, scratch: usize): void {
  gemm(units, begin, end, rows, dz, 4, dzStride, x, xStride, false, dw, <usize>inputs << 2, FROM_ZERO, 0, scratch);
}

/** Columns [begin, end) of dX[rows × inputs] = dZ[rows × units] · W[units × inputs]. */
export function inputGradient(rows: i32, begin: i32, end: i32, units: i32, inputs: i32, dz: usize, dzStride: usize, w: usize, dx: usize, dxStride: usize, scratch: usize): void {
  gemm(rows, begin, end, units, dz, dzStride, 4, w, <usize>inputs << 2, false, dx, dxStride, FROM_ZERO, 0, scratch);
}

/**
 * Units [begin, end) of y = f(W·x + b) for one sample. x: inputs floats, read. y: written in whole vectors (padded).
 * A row is summed in eight interleaved vectors, then by halves: eight independent chains hide the latency of the add.
 */
export function denseSingle(begin: i32, end: i32, inputs: i32, x: usize, w: usize, biases: usize, y: usize,
                            activation: i32, parameter: f32, slopes: usize, sharedSlope: bool): void {
  const bytes = <usize>inputs << 2;
  const unrolled = bytes & ~127;
  const whole = bytes & ~15;
  for (let unit = begin; unit < end; ++unit) {
    const row = w + <usize>unit * bytes;
    let at: usize = 0;
    let s0 = f32x4.splat(0), s1 = s0, s2 = s0, s3 = s0;
    if (unrolled) {
      let s4 = s0, s5 = s0, s6 = s0, s7 = s0;
      for (; at < unrolled; at += 128) {
        const r = row + at, v = x + at;
        s0 = multiplyAdd(s0, v128.load(r), v128.load(v));
        s1 = multiplyAdd(s1, v128.load(r, 16), v128.load(v, 16));
        s2 = multiplyAdd(s2, v128.load(r, 32), v128.load(v, 32));
        s3 = multiplyAdd(s3, v128.load(r, 48), v128.load(v, 48));
        s4 = multiplyAdd(s4, v128.load(r, 64), v128.load(v, 64));
        s5 = multiplyAdd(s5, v128.load(r, 80), v128.load(v, 80));
        s6 = multiplyAdd(s6, v128.load(r, 96), v128.load(v, 96));
        s7 = multiplyAdd(s7, v128.load(r, 112), v128.load(v, 112));
      }
      s0 = f32x4.add(s0, s4);
      s1 = f32x4.add(s1, s5);
      s2 = f32x4.add(s2, s6);
      s3 = f32x4.add(s3, s7);
    }
    for (; at < whole; at += 16) s0 = multiplyAdd(s0, v128.load(row + at), v128.load(x + at));
    let sum = sumLanes(f32x4.add(f32x4.add(s0, s2), f32x4.add(s1, s3)));
    for (; at < bytes; at += 4) sum += load<f32>(row + at) * load<f32>(x + at);
    if (biases) sum += load<f32>(biases + (<usize>unit << 2));
    store<f32>(y + (<usize>unit << 2), sum);
  }
  const first = <usize>begin << 2;
  activationForward(activation, y + first, y + first, 1, end - begin, ((<usize>(end - begin) + 3) & ~3) << 2, parameter, sharedSlope ? slopes : slopes + first, sharedSlope);
}
