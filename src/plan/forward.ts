// The forward pass as instructions: of all layers on the batch, in training or outside it; of one layer, for `trace`; of a lone sample.

import { BatchNorm, DenseForward, DenseSingle, Dropout, LayerNorm, Op, SoftmaxForward } from "../../assembly/codes.js";
import { activationCode, activationParameter } from "../describe/activations.js";
import { outputOf, passesAll } from "./layout.js";
import type { BatchNormShape, DenseShape, DropoutShape, LayerNormShape, Layout, Topology } from "./layout.js";
import { Tape } from "./tape.js";

/** How a pass is made: outside training (undefined), or with masks drawn from that seed and statistics of the batch. */
type Mode = { readonly seed: number } | undefined;

/** Z = X·Wᵀ + b, A = f(Z) of one layer. `sums` may be another place for Z than the layer's own. */
function addDenseForward(tape: Tape, topology: Topology, layout: Layout, shape: DenseShape, training: boolean, sums: number): void {
  const { index, spec: { activation } } = shape;
  const input = outputOf(topology, layout, index - 1, training);
  const { activations, stride } = layout.layers[index];
  tape.add(Op.denseForward, [
    [DenseForward.input, input.at],
    [DenseForward.inputStride, 4 * input.stride],
    [DenseForward.inputs, shape.inputs],
    [DenseForward.weights, layout.parameters + 4 * shape.weights.begin],
    [DenseForward.biases, shape.spec.bias ? layout.parameters + 4 * shape.biases.begin : 0],
    [DenseForward.sums, sums],
    [DenseForward.activations, activation.name === "softmax" || activation.name === "custom" ? sums : activations],
    [DenseForward.stride, 4 * stride],
    [DenseForward.units, shape.units],
    [DenseForward.activation, activationCode(activation)],
    [DenseForward.slopes, layout.parameters + 4 * shape.slopes.begin],
    [DenseForward.sharedSlope, activation.name === "prelu" && activation.shared ? 1 : 0],
  ]);
  tape.float([[DenseForward.parameter, activationParameter(activation)]]);
  if (activation.name === "custom") tape.call({ custom: activation.custom, layer: index, sums, activations, gradient: undefined, units: shape.units, stride });
  if (activation.name === "softmax") {
    tape.add(Op.softmaxForward, [
      [SoftmaxForward.sums, sums], [SoftmaxForward.activations, activations], [SoftmaxForward.stride, 4 * stride], [SoftmaxForward.units, shape.units],
    ]);
  }
}

/** Words below this one of the generator drop: rate·2³², which a rate below 1 in f32 keeps below 2³². */
export function dropThreshold(rate: number): number {
  return Math.round(rate * 2 ** 32) | 0;
}

function addDropoutForward(tape: Tape, topology: Topology, layout: Layout, { index, units, spec: { rate } }: DropoutShape, seed: number): void {
  const input = outputOf(topology, layout, index - 1, true);
  const { activations, stride, kept } = layout.layers[index];
  tape.add(Op.dropoutForward, [
    [Dropout.input, input.at],
    [Dropout.inputStride, 4 * input.stride],
    [Dropout.output, activations],
    [Dropout.stride, 4 * stride],
    [Dropout.units, units],
    [Dropout.mask, kept],
    [Dropout.threshold, dropThreshold(rate)],
    [Dropout.seedLow, seed | 0],
    [Dropout.seedHigh, Math.floor(seed / 2 ** 32)],
    [Dropout.layer, index],
  ]);
  tape.float([[Dropout.scale, 1 / (1 - rate)]]);
}

/** What the forward and the backward of a batch normalisation have in common. */
export function addBatchNorm(tape: Tape, op: Op, topology: Topology, layout: Layout, shape: BatchNormShape, training: boolean, fields: readonly (readonly [number, number])[]): void {
  const input = outputOf(topology, layout, shape.index - 1, training);
  const { activations, stride, kept } = layout.layers[shape.index];
  tape.add(op, [
    [BatchNorm.input, input.at],
    [BatchNorm.inputStride, 4 * input.stride],
    [BatchNorm.output, activations],
    [BatchNorm.stride, 4 * stride],
    [BatchNorm.units, shape.units],
    [BatchNorm.gain, layout.parameters + 4 * shape.gain.begin],
    [BatchNorm.shift, layout.parameters + 4 * shape.shift.begin],
    [BatchNorm.statistics, kept],
    [BatchNorm.runningMean, layout.parameters + 4 * shape.runningMean.begin],
    [BatchNorm.runningVariance, layout.parameters + 4 * shape.runningVariance.begin],
    [BatchNorm.training, training ? 1 : 0],
    ...fields,
  ]);
  tape.float([[BatchNorm.epsilon, shape.spec.epsilon]]);
}

/** What the forward and the backward of a layer normalisation have in common. */
export function addLayerNorm(tape: Tape, op: Op, topology: Topology, layout: Layout, shape: LayerNormShape, training: boolean, fields: readonly (readonly [number, number])[]): void {
  const input = outputOf(topology, layout, shape.index - 1, training);
  const { activations, stride, kept } = layout.layers[shape.index];
  tape.add(op, [
    [LayerNorm.input, input.at],
    [LayerNorm.inputStride, 4 * input.stride],
    [LayerNorm.output, activations],
    [LayerNorm.stride, 4 * stride],
    [LayerNorm.units, shape.units],
    [LayerNorm.gain, layout.parameters + 4 * shape.gain.begin],
    [LayerNorm.shift, layout.parameters + 4 * shape.shift.begin],
    [LayerNorm.statistics, kept],
    ...fields,
  ]);
  tape.float([[LayerNorm.epsilon, shape.spec.epsilon]]);
}

/** One layer's forward; nothing for one that lets all pass. */
export function addForward(tape: Tape, topology: Topology, layout: Layout, index: number, mode?: Mode, sums = layout.layers[index].sums): void {
  const shape = topology.layers[index];
  const training = mode !== undefined;
  if (passesAll(shape, training)) return;
  switch (shape.kind) {
    case "dense": return addDenseForward(tape, topology, layout, shape, training, sums);
    case "dropout": return addDropoutForward(tape, topology, layout, shape, mode!.seed);
    case "batchNorm": return addBatchNorm(tape, Op.batchNormForward, topology, layout, shape, training, []);
    case "layerNorm": return addLayerNorm(tape, Op.layerNormForward, topology, layout, shape, training, []);
  }
}

/** The forwards of all layers, on the batch, outside training. */
export function forwardTape(topology: Topology, layout: Layout): Tape {
  const tape = new Tape();
  for (const { index } of topology.layers) addForward(tape, topology, layout, index);
  return tape;
}

/** The forward of one layer with its weighted sums written to the first gradient matrix, for `trace`. */
export function tracedLayerTape(topology: Topology, layout: Layout, index: number): Tape {
  const tape = new Tape();
  addForward(tape, topology, layout, index, undefined, layout.gradients[0]);
  return tape;
}

/** The forwards for one sample, matrix by vector, without packing: from the first row of samples through rows of the layers. */
export function singleTape(topology: Topology, layout: Layout): Tape {
  const tape = new Tape();
  for (const shape of topology.layers) {
    const { index } = shape;
    if (shape.kind !== "dense") {
      addForward(tape, topology, layout, index);
      continue;
    }
    const { spec: { activation, bias } } = shape;
    const { sums, activations, stride } = layout.layers[index];
    tape.add(Op.denseSingle, [
      [DenseSingle.input, outputOf(topology, layout, index - 1, false).at],
      [DenseSingle.inputs, shape.inputs],
      [DenseSingle.weights, layout.parameters + 4 * shape.weights.begin],
      [DenseSingle.biases, bias ? layout.parameters + 4 * shape.biases.begin : 0],
      [DenseSingle.output, activation.name === "custom" ? sums : activations],
      [DenseSingle.units, shape.units],
      [DenseSingle.activation, activationCode(activation)],
      [DenseSingle.slopes, layout.parameters + 4 * shape.slopes.begin],
      [DenseSingle.sharedSlope, activation.name === "prelu" && activation.shared ? 1 : 0],
    ]);
    tape.float([[DenseSingle.parameter, activationParameter(activation)]]);
    if (activation.name === "custom") tape.call({ custom: activation.custom, layer: index, sums, activations, gradient: undefined, units: shape.units, stride });
    if (activation.name === "softmax") {
      tape.add(Op.softmaxForward, [
        [SoftmaxForward.sums, activations], [SoftmaxForward.activations, activations], [SoftmaxForward.stride, 4 * stride], [SoftmaxForward.units, shape.units],
      ]);
    }
  }
  return tape;
}
