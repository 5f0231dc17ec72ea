// What fit and trainBatch share: placing the tape of a step, taking and restoring snapshots, and finding where training left
// the finite numbers.

import { DivergenceError, describeValue, firstNonFinite } from "../check.js";
import type { Optimizer } from "../describe/optimizers.js";
import { formatLayer } from "../describe/layers.js";
import { scratchCore } from "../engine/core.js";
import type { ScheduleMath } from "../describe/schedules.js";
import type { Model } from "../model.js";
import { passesAll } from "../plan/layout.js";
import { trainingTape } from "../plan/training.js";
import type { TrainingPlan } from "../plan/training.js";
import type { OptimizerProgress } from "../progress.js";

/** The core's own scalar functions, for schedules. */
export const coreMath: ScheduleMath = {
  exp: (x) => scratchCore(0).exports.exp64(x),
  log: (x) => scratchCore(0).exports.log64(x),
  cos: (x) => scratchCore(0).exports.cos64(x),
  pow: (x, y) => scratchCore(0).exports.pow64(x, y),
};

/** Puts the tape of a training step in its place. Returns the number of its instructions. */
export function placeTraining(model: Model, plan: TrainingPlan): number {
  return model.place("training", JSON.stringify(plan), () => trainingTape(model.topology, model.layout, plan, model.description.seed));
}

/** A state in which all is finite, in the plan's snapshot block, with the counters that belong to it. */
export class Snapshot {
  private progress!: OptimizerProgress;
  private epochs!: number;

  constructor(private readonly model: Model) {
    this.take();
  }

  take(): void {
    const { model } = this;
    const { layout, core } = model;
    core.u8.copyWithin(layout.snapshot, layout.parameters, layout.parameters + layout.block);
    layout.slots.forEach((slot, i) => core.u8.copyWithin(layout.snapshot + (i + 1) * layout.block, slot, slot + layout.block));
    this.epochs = model.epochs;
    this.takeProgress();
  }

  /** The counters anew: what is counted at an epoch's end comes after its tensors were taken. */
  takeProgress(): void {
    this.progress = { ...this.model.progress };
  }

  restore(): void {
    const { model } = this;
    const { layout, core } = model;
    core.u8.copyWithin(layout.parameters, layout.snapshot, layout.snapshot + layout.block);
    layout.slots.forEach((slot, i) => core.u8.copyWithin(slot, layout.snapshot + (i + 1) * layout.block, layout.snapshot + (i + 2) * layout.block));
    model.progress = { ...this.progress };
    model.epochs = this.epochs;
  }
}

/** The first layer whose activations of the batch are not finite, or the last one: there the loss is. */
function firstLayerAstray(model: Model, rows: number): number {
  const { layout, topology, core } = model;
  for (const { index, units } of topology.layers) {
    if (passesAll(topology.layers[index], true)) continue;
    const { activations, sums, stride } = layout.layers[index];
    for (let row = 0; row < rows; row++) {
      for (const matrix of [sums, activations]) {
        const begin = matrix / 4 + row * stride;
        if (firstNonFinite(core.f32.subarray(begin, begin + units)) >= 0) return index;
      }
    }
  }
  return topology.layers.length - 1;
}

/** The greatest magnitude among the batch's samples. */
function largestInput(model: Model, rows: number): number {
  const { layout, topology, core } = model;
  let largest = 0;
  for (let row = 0; row < rows; row++) {
    const begin = layout.samples / 4 + row * layout.sampleStride;
    for (let i = begin; i < begin + topology.inputs; i++) largest = Math.max(largest, Math.abs(core.f32[i]));
  }
  return largest;
}

function adviceFor(optimizer: Optimizer, rate: number, largest: number): string {
  const inputs = largest > 10 ? ` or scale the inputs (largest value ${Number(largest.toPrecision(4))})` : ", scale the targets or clip the gradient";
  return `Lower learningRate (${Number(rate.toPrecision(4))} of ${optimizer.name})${inputs}`;
}

/** The error for a loss that is not finite; the batch's matrices must still be those of the step. */
export function lossDiverged(model: Model, subject: string, loss: number, epoch: number, step: number, rows: number, rate: number): DivergenceError {
  const layer = firstLayerAstray(model, rows);
  const name = formatLayer(model.topology.layers[layer].spec);
  const what = `${subject}: the loss became ${describeValue(loss)} at epoch ${epoch}, step ${step}, first in layer ${layer} (${name})`;
  return new DivergenceError(what, { epoch, step, layer, advice: adviceFor(model.optimizer!, rate, largestInput(model, rows)) });
}

/** The error for parameters or slots that are not finite at the end of an epoch (or of a lone step), or undefined. */
export function parametersDiverged(model: Model, subject: string, epoch: number, step: number, rate: number): DivergenceError | undefined {
  const { parameters, slots, average, demand } = model.layout;
  let place: ReturnType<Model["findNonFinite"]>;
  for (const block of [parameters, ...slots, ...(demand.average ? [average] : [])]) if ((place = model.findNonFinite(block)) !== undefined) break;
  if (place === undefined) return undefined;
  const what = `${subject}: ${place.tensor} became ${describeValue(place.value)} in epoch ${epoch}, by step ${step}`;
  return new DivergenceError(what, { epoch, step, layer: place.layer, advice: adviceFor(model.optimizer!, rate, 0) });
}
