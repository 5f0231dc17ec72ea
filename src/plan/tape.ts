// What is played: a network and its options → instructions for the core. Pure: nothing is computed here and no memory is
// touched; a tape is a list of 32-bit words that the caller writes to its place.
//
// One training step, for a network of two layers:
//
//   gather · forward 0 · forward 1 · loss · backward 1 · dW 1 · dX 1 · backward 0 · dW 0 · penalty · finish · clip · update · running statistics
//
// The other tapes are pieces of it: predictions are the forwards, evaluation adds loss and finish, gradients stop before clip.

import {
  ActivationBackward, ActivationCode, Average, BatchNorm, ClipNorm, ClipValue, ColumnFigures, DenseForward, DenseSingle, Dropout, FIGURE_WORDS, Finish, Gather, GradientSquares, Histogram, HitMode,
  INSTRUCTION_WORDS, InputGradient, LayerNorm, Loss as LossField, LossCode, Op, OptimizerCode, Penalty, RunningStatistics, SoftmaxBackward, SoftmaxForward, SumSlopes, Update, WeightGradient,
} from "../../assembly/codes.js";
import { activationCode, activationParameter } from "../describe/activations.js";
import type { ActivationSpec } from "../describe/activations.js";
import type { CustomActivation } from "../describe/customActivation.js";
import { decisionRule, meansOverOutputs } from "../describe/losses.js";
import type { Loss } from "../describe/losses.js";
import type { SaturationBounds } from "../describe/saturation.js";
import { flatBelow } from "../describe/saturation.js";
import { slotNames } from "../describe/optimizers.js";
import type { Optimizer } from "../describe/optimizers.js";
import { activationOf } from "../describe/layers.js";
import { blocksOf, outputOf, passesAll } from "./layout.js";
import type { BatchNormShape, DenseShape, DropoutShape, LayerNormShape, LayerShape, Layout, Topology } from "./layout.js";

/** What JavaScript computes before an instruction: a custom activation, forward from sums to activations, or its derivative times a gradient. */
export interface Callback {
  readonly custom: CustomActivation;
  readonly layer: number;
  /** Index of the instruction. */
  readonly before: number;
  /** Byte offsets of the matrices; the gradient is undefined forward. */
  readonly sums: number;
  readonly activations: number;
  readonly gradient: number | undefined;
  /** Floats of a row, and between rows. */
  readonly units: number;
  readonly stride: number;
}

/** Instructions in the making. */
export class Tape {
  readonly callbacks: Callback[] = [];
  private words = new Int32Array(32 * INSTRUCTION_WORDS);
  private floats = new Float32Array(this.words.buffer);
  count = 0;

  /** Adds an instruction; `fields` are pairs of a field and its word. */
  add(op: Op, fields: readonly (readonly [field: number, word: number])[]): void {
    if ((this.count + 1) * INSTRUCTION_WORDS > this.words.length) {
      const larger = new Int32Array(2 * this.words.length);
      larger.set(this.words);
      this.words = larger;
      this.floats = new Float32Array(larger.buffer);
    }
    const begin = this.count++ * INSTRUCTION_WORDS;
    this.words[begin] = op;
    for (const [field, word] of fields) this.words[begin + field] = word;
  }

  /** Adds what JavaScript computes between the instructions so far and those that follow. */
  call(callback: Omit<Callback, "before">): void {
    this.callbacks.push({ ...callback, before: this.count });
  }

  /** Sets fields of the last instruction that hold an f32. */
  float(fields: readonly (readonly [field: number, value: number])[]): void {
    const begin = (this.count - 1) * INSTRUCTION_WORDS;
    for (const [field, value] of fields) this.floats[begin + field] = value;
  }

  /** All words, to be copied to the tape's place. */
  get code(): Int32Array {
    return this.words.subarray(0, this.count * INSTRUCTION_WORDS);
  }
}

/** The core's loss for that pair, and whether its gradient is that of the weighted sums. */
export function lossCode(loss: Loss, output: ActivationSpec): { readonly code: LossCode; readonly fused: boolean } {
  if (output.name === "softmax") {
    if (loss.name === "crossEntropy") return { code: LossCode.softmaxCrossEntropy, fused: true };
    if (loss.name === "klDivergence") return { code: LossCode.softmaxDivergence, fused: true };
    if (loss.name === "binaryCrossEntropy") return { code: LossCode.softmaxBinary, fused: true };
  }
  if (output.name === "sigmoid" && loss.name === "binaryCrossEntropy") return { code: LossCode.sigmoidCrossEntropy, fused: true };
  return { code: LossCode[loss.name as keyof typeof LossCode], fused: false };
}

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
function dropThreshold(rate: number): number {
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
function addBatchNorm(tape: Tape, op: Op, topology: Topology, layout: Layout, shape: BatchNormShape, training: boolean, fields: readonly (readonly [number, number])[]): void {
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
function addLayerNorm(tape: Tape, op: Op, topology: Topology, layout: Layout, shape: LayerNormShape, training: boolean, fields: readonly (readonly [number, number])[]): void {
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
function addForward(tape: Tape, topology: Topology, layout: Layout, index: number, mode?: Mode, sums = layout.layers[index].sums): void {
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

/** The batch from the data window. */
function addGather(tape: Tape, topology: Topology, layout: Layout, classes: boolean, smoothing: number): void {
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
function addLoss(tape: Tape, topology: Topology, layout: Layout, { loss, hits, weighted }: LossPlan, gradient: boolean, training: boolean): boolean {
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
function addFinish(tape: Tape, topology: Topology, layout: Layout, { loss, hits }: LossPlan, partials: number): void {
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
function addBackward(tape: Tape, topology: Topology, layout: Layout, fused: boolean, training: boolean, wants: (shape: LayerShape) => boolean): void {
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

/** Whether a layer has weighted sums beside its activations. */
export function hasSums(shape: LayerShape): boolean {
  return activationOf(shape.spec).name !== "linear";
}

/** Where a diagnosis has a layer's weighted sums: a layer that keeps one matrix writes them to the first gradient's, which is free until the loss. */
function diagnosedSums(shape: LayerShape, { layers, gradients }: Layout): number {
  const { sums, activations } = layers[shape.index];
  return hasSums(shape) && sums === activations ? gradients[0] : sums;
}

/** What the columns of a layer do, and the spread of its sums and activations. */
function addFigures(tape: Tape, topology: Topology, layout: Layout, shape: LayerShape, { low, innerLow, innerHigh, high }: SaturationBounds, every: number): void {
  const { units, index } = shape;
  const activation = activationOf(shape.spec);
  const { at: activations, stride } = outputOf(topology, layout, index, false);
  const { figures, sumsHistogram, activationsHistogram } = layout.figures[index];
  const sums = hasSums(shape) ? diagnosedSums(shape, layout) : activations;
  const slopes = "slopes" in shape ? layout.parameters + 4 * shape.slopes.begin : 0;
  tape.add(Op.columnFigures, [
    [ColumnFigures.sums, sums],
    [ColumnFigures.activations, activations],
    [ColumnFigures.measured, activation.name === "softmax" ? activations : sums],
    [ColumnFigures.stride, 4 * stride],
    [ColumnFigures.units, units],
    [ColumnFigures.figures, figures],
    [ColumnFigures.slopes, activation.name === "prelu" ? slopes : 0],
    [ColumnFigures.sharedSlope, activation.name === "prelu" && activation.shared ? 1 : 0],
    [ColumnFigures.every, 1],
  ]);
  tape.float([[ColumnFigures.low, low], [ColumnFigures.innerLow, innerLow], [ColumnFigures.innerHigh, innerHigh], [ColumnFigures.high, high], [ColumnFigures.flatBelow, flatBelow(activation)]]);
  const word = 16 * Math.ceil(units / 4);
  const addSpread = (values: number, first: number, histogram: number): void => tape.add(Op.histogram, [
    [Histogram.values, values], [Histogram.stride, 4 * stride], [Histogram.units, units],
    [Histogram.least, figures + first * word], [Histogram.greatest, figures + (first + 1) * word], [Histogram.histogram, histogram],
    [Histogram.every, every],
  ]);
  addSpread(activations, 0, activationsHistogram);
  if (hasSums(shape)) addSpread(sums, FIGURE_WORDS, sumsHistogram);
}

/**
 * Forwards with the figures of the samples and of every layer, carried on from chunk to chunk; with a loss its gradient of all layers too.
 * @param bounds where each layer saturates
 * @param every the samples' own figures and the histograms are those of the first of so many parts of a chunk's rows
 */
export function diagnosisTape(topology: Topology, layout: Layout, bounds: readonly SaturationBounds[], plan: LossPlan | undefined, every: number): Tape {
  const tape = new Tape();
  tape.add(Op.columnFigures, [
    [ColumnFigures.sums, layout.samples], [ColumnFigures.activations, layout.samples], [ColumnFigures.measured, layout.samples],
    [ColumnFigures.stride, 4 * layout.sampleStride], [ColumnFigures.units, topology.inputs], [ColumnFigures.figures, layout.sampleFigures],
    [ColumnFigures.every, every],
  ]);
  tape.float([[ColumnFigures.low, -Infinity], [ColumnFigures.innerLow, Infinity], [ColumnFigures.innerHigh, -Infinity], [ColumnFigures.high, Infinity], [ColumnFigures.flatBelow, -Infinity]]);
  for (const shape of topology.layers) {
    addForward(tape, topology, layout, shape.index, undefined, diagnosedSums(shape, layout));
    addFigures(tape, topology, layout, shape, bounds[shape.index], every);
  }
  if (plan === undefined) return tape;
  const fused = addLoss(tape, topology, layout, plan, true, false);
  addBackward(tape, topology, layout, fused, false, ({ kind }) => kind !== "dropout");
  addFinish(tape, topology, layout, plan, 0);
  return tape;
}

/** What a training step needs to know. */
export interface TrainingPlan extends LossPlan {
  readonly optimizer: Optimizer;
  readonly gradientClip: { readonly norm: number } | { readonly value: number } | undefined;
  readonly classes: boolean;
  /** Whether the parameters are averaged over the steps. */
  readonly average?: boolean;
}

/** One training step; its first instruction is the gather, which a caller that has filled the batch itself leaves out. `seed`: what dropout draws from. */
export function trainingTape(topology: Topology, layout: Layout, plan: TrainingPlan, seed: number): Tape {
  const tape = new Tape();
  addGather(tape, topology, layout, plan.classes, plan.loss.name === "crossEntropy" ? plan.loss.labelSmoothing : 0);
  for (const { index } of topology.layers) addForward(tape, topology, layout, index, { seed });
  const fused = addLoss(tape, topology, layout, plan, true, true);
  addBackward(tape, topology, layout, fused, true, ({ kind, spec }) => (kind === "dense" ? spec.trainable : kind !== "dropout"));
  const partials = addPenalties(tape, topology, layout);
  addFinish(tape, topology, layout, plan, partials);
  addClip(tape, topology, layout, plan.gradientClip);
  addUpdate(tape, topology, layout, plan.optimizer);
  addRunningStatistics(tape, topology, layout);
  if (plan.average) addAverage(tape, topology, layout);
  return tape;
}

/** l1 and l2 of each layer that has them; a frozen layer's count in the loss and move nothing. Returns the number of partial sums. */
function addPenalties(tape: Tape, topology: Topology, layout: Layout): number {
  let partials = 0;
  for (const shape of topology.layers) {
    if (shape.kind !== "dense") continue;
    const { spec, weights } = shape;
    if (spec.l1 === 0 && spec.l2 === 0) continue;
    tape.add(Op.penalty, [
      [Penalty.weights, layout.parameters + 4 * weights.begin],
      [Penalty.dWeights, spec.trainable ? layout.gradient + 4 * weights.begin : 0],
      [Penalty.length, weights.length],
      [Penalty.partials, layout.penalties + 8 * partials],
    ]);
    tape.float([[Penalty.l1, spec.l1], [Penalty.l2, spec.l2]]);
    partials += blocksOf(weights.length);
  }
  return partials;
}

function addClip(tape: Tape, { runs }: Topology, layout: Layout, clip: TrainingPlan["gradientClip"]): void {
  if (clip === undefined) return;
  if ("value" in clip) {
    for (const { begin, length } of runs) {
      tape.add(Op.clipValue, [[ClipValue.gradient, layout.gradient + 4 * begin], [ClipValue.length, length]]);
      tape.float([[ClipValue.value, clip.value]]);
    }
    return;
  }
  let partials = 0;
  for (const { begin, length } of runs) {
    tape.add(Op.gradientSquares, [
      [GradientSquares.gradient, layout.gradient + 4 * begin], [GradientSquares.length, length], [GradientSquares.partials, layout.squares + 8 * partials],
    ]);
    partials += blocksOf(length);
  }
  for (const { begin, length } of runs) {
    tape.add(Op.clipNorm, [
      [ClipNorm.gradient, layout.gradient + 4 * begin], [ClipNorm.length, length], [ClipNorm.partials, layout.squares], [ClipNorm.partialCount, partials],
    ]);
    tape.float([[ClipNorm.norm, clip.norm]]);
  }
}

/** The running statistics follow the step's batch: behind `finish`, so that a step whose loss is not finite leaves them as they are. */
function addRunningStatistics(tape: Tape, { layers }: Topology, layout: Layout): void {
  for (const shape of layers) {
    if (shape.kind !== "batchNorm") continue;
    tape.add(Op.runningStatistics, [
      [RunningStatistics.statistics, layout.layers[shape.index].kept],
      [RunningStatistics.runningMean, layout.parameters + 4 * shape.runningMean.begin],
      [RunningStatistics.runningVariance, layout.parameters + 4 * shape.runningVariance.begin],
      [RunningStatistics.units, shape.units],
    ]);
    tape.float([[RunningStatistics.momentum, shape.spec.momentum]]);
  }
}

/** The constants c0 … c4 of the update rules, in the order of assembly/optimizers.ts. */
function updateConstants(optimizer: Optimizer): readonly number[] {
  switch (optimizer.name) {
    case "sgd":
      return [optimizer.momentum, optimizer.nesterov ? 1 : 0];
    case "rmsprop":
      return [optimizer.decay, 1 - optimizer.decay, optimizer.epsilon, optimizer.momentum];
    case "adagrad":
      return [0, 0, optimizer.epsilon];
    case "lion":
      return [optimizer.beta1, 1 - optimizer.beta1, optimizer.beta2, 1 - optimizer.beta2];
    default:
      return [optimizer.beta1, 1 - optimizer.beta1, optimizer.beta2, 1 - optimizer.beta2, optimizer.epsilon];
  }
}

function addUpdate(tape: Tape, { runs }: Topology, layout: Layout, optimizer: Optimizer): void {
  const constants = updateConstants(optimizer);
  const slots = layout.slots.slice(0, slotNames(optimizer).length);
  for (const { begin, length } of runs) {
    tape.add(Op.update, [
      [Update.code, OptimizerCode[optimizer.name]],
      [Update.parameters, layout.parameters + 4 * begin],
      [Update.gradient, layout.gradient + 4 * begin],
      [Update.firstSlot, slots.length > 0 ? slots[0] + 4 * begin : 0],
      [Update.secondSlot, slots.length > 1 ? slots[1] + 4 * begin : 0],
      [Update.length, length],
    ]);
    tape.float(constants.map((value, i) => [Update.c0 + i, value] as const));
  }
}

/** The averages of what the update has changed. */
function addAverage(tape: Tape, { runs }: Topology, layout: Layout): void {
  for (const { begin, length } of runs) {
    tape.add(Op.average, [[Average.average, layout.average + 4 * begin], [Average.parameters, layout.parameters + 4 * begin], [Average.length, length]]);
  }
}
