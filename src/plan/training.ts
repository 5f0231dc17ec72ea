// One training step as instructions; what follows the gradients: penalties, clipping, update, running statistics, average.

import { Average, ClipNorm, ClipValue, GradientSquares, Op, OptimizerCode, Penalty, RunningStatistics, Update } from "../../assembly/codes.js";
import { slotNames } from "../describe/optimizers.js";
import type { Optimizer } from "../describe/optimizers.js";
import { addForward } from "./forward.js";
import { addBackward, addFinish, addGather, addLoss } from "./gradient.js";
import type { LossPlan } from "./gradient.js";
import { blocksOf } from "./layout.js";
import type { Layout, Topology } from "./layout.js";
import { Tape } from "./tape.js";

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
