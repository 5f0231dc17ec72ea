// Batch, loss and gradients as instructions: what evaluation, gradients and training have in common.

import {
  ActivationBackward, ActivationCode, BatchNorm, Dropout, Finish, Gather, HitMode, InputGradient, LayerNorm, Loss as LossField, LossCode, Op,
  SoftmaxBackward, SumSlopes, WeightGradient,
} from "../../assembly/codes.js";
import { activationCode, activationParameter } from "../describe/activations.js";
import type { ActivationSpec } from "../describe/activations.js";
import { activationOf } from "../describe/layers.js";
import { decisionRule, meansOverOutputs } from "../describe/losses.js";
import type { Loss } from "../describe/losses.js";
import { addBatchNorm, addLayerNorm, forwardTape } from "./forward.js";
import { outputOf, passesAll } from "./layout.js";
import type { DenseShape, LayerShape, Layout, Topology } from "./layout.js";
import { Tape } from "./tape.js";

/** The core's loss for that pair, and whether its gradient is that of the weighted sums. */
function lossCode(loss: Loss, output: ActivationSpec): { readonly code: LossCode; readonly fused: boolean } {
  if (output.name === "softmax") {
    if (loss.name === "crossEntropy") return { code: LossCode.softmaxCrossEntropy, fused: true };
    if (loss.name === "klDivergence") return { code: LossCode.softmaxDivergence, fused: true };
    if (loss.name === "binaryCrossEntropy") return { code: LossCode.softmaxBinary, fused: true };
  }
  if (output.name === "sigmoid" && loss.name === "binaryCrossEntropy") return { code: LossCode.sigmoidCrossEntropy, fused: true };
  return { code: LossCode[loss.name as keyof typeof LossCode], fused: false };
}

/** The batch from the data window. */
export function addGather(tape: Tape, topology: Topology, layout: Layout, classes: boolean, smoothing: number): void {
  const { weighted } = layout.demand;
  tape.add(Op.gather, [
    [Gather.window, layout.window],
    [Gather.samples, layout.samples],
    [Gather.sampleStride, 4 * layout.sampleStride],
    [Gather.width, topology.inputs],
    [Gather.order, layout.order],
    [Gather.targetWindow, layout.targetWindow],
    [Gather.targets, layout.targets],
    [Gather.targetStride, 4 * layout.layers[layout.layers.length - 1].stride],
    [Gather.outputs, topology.outputs],
    [Gather.classes, classes ? 1 : 0],
    [Gather.weightWindow, layout.weightWindow],
    [Gather.weights, weighted ? layout.weights : 0],
  ]);
  tape.float([[Gather.smoothing, smoothing]]);
}

/** What the loss of a tape needs to know. */
export interface LossPlan {
  readonly loss: Loss;
  /** Whether right predictions are counted. */
  readonly hits: boolean;
  /** Whether samples have weights. */
  readonly weighted: boolean;
}

/** Loss of the batch's rows, with the gradient of the output where `gradient` is true. Returns whether that is of the weighted sums. */
export function addLoss(tape: Tape, topology: Topology, layout: Layout, { loss, hits, weighted }: LossPlan, gradient: boolean, training: boolean): boolean {
  const last = topology.layers[topology.layers.length - 1];
  const output = activationOf(last.spec);
  const { at: activations, stride } = outputOf(topology, layout, last.index, training);
  const sums = last.kind === "dense" ? layout.layers[last.index].sums : activations;
  const { code, fused } = lossCode(loss, output);
  const rule = decisionRule(loss.name, output.name, topology.outputs);
  tape.add(Op.loss, [
    [LossField.code, code],
    [LossField.sums, sums],
    [LossField.activations, activations],
    [LossField.targets, layout.targets],
    [LossField.gradient, gradient ? layout.gradients[0] : 0],
    [LossField.stride, 4 * stride],
    [LossField.outputs, topology.outputs],
    [LossField.weights, weighted ? layout.weights : 0],
    [LossField.overOutputs, meansOverOutputs(loss) ? 1 : 0],
    [LossField.values, layout.values],
    [LossField.hits, layout.hits],
    [LossField.hitMode, !hits ? HitMode.none : rule.argMax ? HitMode.argMax : HitMode.threshold],
  ]);
  tape.float([
    [LossField.parameter, loss.name === "huber" ? loss.delta : 0],
    [LossField.outputThreshold, rule.outputThreshold],
    [LossField.targetThreshold, rule.targetThreshold],
  ]);
  return fused;
}

/** The step's loss from the rows' values and the partial sums of penalties. */
export function addFinish(tape: Tape, topology: Topology, layout: Layout, { loss, hits }: LossPlan, partials: number): void {
  tape.add(Op.finish, [
    [Finish.values, layout.values],
    [Finish.hits, hits ? layout.hits : 0],
    [Finish.partials, layout.penalties],
    [Finish.partialCount, partials],
    [Finish.divisor, meansOverOutputs(loss) ? topology.outputs : 1],
  ]);
}

/** Evaluation of the batch: forwards, loss, finish; from the window where `gather` says how. */
export function evaluationTape(topology: Topology, layout: Layout, plan: LossPlan): Tape {
  const tape = forwardTape(topology, layout);
  addLoss(tape, topology, layout, plan, false, false);
  addFinish(tape, topology, layout, plan, 0);
  return tape;
}

/** The batch's samples and targets from the window, as a tape of its own. */
export function gatherTape(topology: Topology, layout: Layout, classes: boolean, smoothing: number): Tape {
  const tape = new Tape();
  addGather(tape, topology, layout, classes, smoothing);
  return tape;
}

/** From the gradient of the output back to the first layer that `wants` a gradient. */
export function addBackward(tape: Tape, topology: Topology, layout: Layout, fused: boolean, training: boolean, wants: (shape: LayerShape) => boolean): void {
  const { layers } = topology;
  const first = layers.findIndex(wants);
  if (first < 0) return;
  for (let index = layers.length - 1, here = 0; index >= first; index--) {
    const shape = layers[index];
    const gradient = layout.gradients[here];
    const passes = index > first;
    if (passesAll(shape, training)) continue;
    switch (shape.kind) {
      case "dense":
        addDenseBackward(tape, topology, layout, shape, { fused: fused && index === layers.length - 1, training, wanted: wants(shape), passes, here });
        here = 1 - here;
        break;
      case "dropout":
        tape.add(Op.dropoutBackward, [
          [Dropout.output, gradient], [Dropout.stride, 4 * layout.layers[index].stride], [Dropout.units, shape.units], [Dropout.mask, layout.layers[index].kept],
        ]);
        tape.float([[Dropout.scale, 1 / (1 - shape.spec.rate)]]);
        break;
      case "batchNorm":
        addBatchNorm(tape, Op.batchNormBackward, topology, layout, shape, training, [
          [BatchNorm.gradient, gradient],
          [BatchNorm.dGain, layout.gradient + 4 * shape.gain.begin],
          [BatchNorm.dShift, layout.gradient + 4 * shape.shift.begin],
          [BatchNorm.passes, passes ? 1 : 0],
        ]);
        break;
      case "layerNorm": {
        const fields = [
          [LayerNorm.gradient, gradient],
          [LayerNorm.dGain, layout.gradient + 4 * shape.gain.begin],
          [LayerNorm.dShift, layout.gradient + 4 * shape.shift.begin],
        ] as const;
        addLayerNorm(tape, Op.layerNormSums, topology, layout, shape, training, fields);
        if (passes) addLayerNorm(tape, Op.layerNormBackward, topology, layout, shape, training, fields);
      }
    }
  }
}

/** What the backward of a dense layer does: `here` is the gradient matrix that holds that of its outputs. */
interface DenseBackward {
  readonly fused: boolean;
  readonly training: boolean;
  /** Whether its own gradients are wanted, and whether that of its inputs is. */
  readonly wanted: boolean;
  readonly passes: boolean;
  readonly here: number;
}

function addDenseBackward(tape: Tape, topology: Topology, layout: Layout, shape: DenseShape, { fused, training, wanted, passes, here }: DenseBackward): void {
  const { index, spec: { activation, bias } } = shape;
  const { sums, activations, stride } = layout.layers[index];
  const gradient = layout.gradients[here];
  const input = outputOf(topology, layout, index - 1, training);
  if (activation.name === "softmax" && !fused) {
    tape.add(Op.softmaxBackward, [
      [SoftmaxBackward.activations, activations], [SoftmaxBackward.gradient, gradient], [SoftmaxBackward.stride, 4 * stride], [SoftmaxBackward.units, shape.units],
    ]);
  }
  if (activation.name === "custom") tape.call({ custom: activation.custom, layer: index, sums, activations, gradient, units: shape.units, stride });
  const done = fused || activation.name === "softmax" || activation.name === "linear" || activation.name === "custom";
  const shared = activation.name === "prelu" && activation.shared;
  if (!done || (wanted && bias)) {
    const dSlopes = shared ? layout.unitSlopes : layout.gradient + 4 * shape.slopes.begin;
    tape.add(Op.activationBackward, [
      [ActivationBackward.sums, sums],
      [ActivationBackward.activations, activations],
      [ActivationBackward.gradient, gradient],
      [ActivationBackward.stride, 4 * stride],
      [ActivationBackward.units, shape.units],
      [ActivationBackward.activation, done ? ActivationCode.linear : activationCode(activation)],
      [ActivationBackward.slopes, layout.parameters + 4 * shape.slopes.begin],
      [ActivationBackward.sharedSlope, shared ? 1 : 0],
      [ActivationBackward.dBiases, wanted && bias ? layout.gradient + 4 * shape.biases.begin : 0],
      [ActivationBackward.dSlopes, wanted && activation.name === "prelu" ? dSlopes : 0],
    ]);
    tape.float([[ActivationBackward.parameter, activationParameter(activation)]]);
  }
  if (wanted) {
    if (shared) {
      tape.add(Op.sumSlopes, [
        [SumSlopes.unitSlopes, layout.unitSlopes], [SumSlopes.units, shape.units], [SumSlopes.dSlope, layout.gradient + 4 * shape.slopes.begin],
      ]);
    }
    tape.add(Op.weightGradient, [
      [WeightGradient.gradient, gradient],
      [WeightGradient.gradientStride, 4 * stride],
      [WeightGradient.units, shape.units],
      [WeightGradient.input, input.at],
      [WeightGradient.inputStride, 4 * input.stride],
      [WeightGradient.inputs, shape.inputs],
      [WeightGradient.dWeights, layout.gradient + 4 * shape.weights.begin],
    ]);
  }
  if (passes) {
    tape.add(Op.inputGradient, [
      [InputGradient.gradient, gradient],
      [InputGradient.gradientStride, 4 * stride],
      [InputGradient.units, shape.units],
      [InputGradient.weights, layout.parameters + 4 * shape.weights.begin],
      [InputGradient.inputs, shape.inputs],
      [InputGradient.dInput, layout.gradients[1 - here]],
      [InputGradient.dInputStride, 4 * input.stride],
    ]);
  }
}

/** Forwards, loss and the gradients of all layers, frozen ones too; without penalties. */
export function gradientTape(topology: Topology, layout: Layout, plan: LossPlan): Tape {
  const tape = forwardTape(topology, layout);
  const fused = addLoss(tape, topology, layout, plan, true, false);
  addBackward(tape, topology, layout, fused, false, ({ kind }) => kind !== "dropout");
  addFinish(tape, topology, layout, plan, 0);
  return tape;
}
