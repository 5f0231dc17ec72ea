// The core of rosenblatt/predict: forward passes alone, a call a layer, on a memory of its own. The kernels, and the choice between
// them, are those of the player (tape.ts), and so are the bits; the loops of the compiler's small form are slower where they are rare.

import { activationForward } from "./activations";
import { ActivationCode } from "./codes";
import { denseSingle } from "./dense";
import { denseForward } from "./forward";
import { batchNormForward, layerNormForward } from "./norms";
import { columnForward, isSmall, smallForward, smallSingle } from "./small";

export { softmaxForward } from "./activations";

/** A = f(X·Wᵀ + b) of a layer for `rows` samples; operands as of denseForward, z written and read. */
export function forward(rows: i32, inputs: i32, units: i32, x: usize, xStride: usize, w: usize, biases: usize, z: usize, stride: usize,
                        activation: i32, parameter: f32, slopes: usize, sharedSlope: bool, scratch: usize): void {
  if (!isSmall(inputs, units)) {
    return denseForward(rows, 0, units, inputs, x, xStride, w, biases, z, z, stride, activation, parameter, slopes, sharedSlope, scratch);
  }
  smallForward(rows, 0, units, inputs, x, xStride, w, biases, z, stride, scratch);
  if (units == 1 && activation != ActivationCode.linear && activation != ActivationCode.softmax) {
    return columnForward(activation, z, z, rows, stride, parameter, slopes, scratch);
  }
  activationForward(activation, z, z, rows, units, stride, parameter, slopes, sharedSlope);
}

/** y = f(W·x + b) of a layer for one sample; operands as of denseSingle. */
export function single(inputs: i32, units: i32, x: usize, w: usize, biases: usize, y: usize, activation: i32, parameter: f32, slopes: usize, sharedSlope: bool): void {
  if (!isSmall(inputs, units)) return denseSingle(0, units, inputs, x, w, biases, y, activation, parameter, slopes, sharedSlope);
  smallSingle(0, units, inputs, x, w, biases, y);
  activationForward(activation, y, y, 1, units, (<usize>units + 3 & ~3) << 2, parameter, slopes, sharedSlope);
}

/** Batch normalisation by the running statistics; operands as of batchNormForward. */
export function batchNorm(rows: i32, units: i32, x: usize, y: usize, stride: usize, gain: usize, shift: usize, statistics: usize, mean: usize, variance: usize, epsilon: f32): void {
  batchNormForward(rows, 0, units, units, x, stride, y, stride, gain, shift, statistics, mean, variance, epsilon, false);
}

/** Layer normalisation; operands as of layerNormForward. */
export function layerNorm(rows: i32, units: i32, x: usize, y: usize, stride: usize, gain: usize, shift: usize, statistics: usize, epsilon: f32): void {
  layerNormForward(0, rows, units, x, stride, y, stride, gain, shift, statistics, epsilon);
}
