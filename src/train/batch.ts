// trainBatch: one step on one batch, synchronous, the same tape as a step of fit without its gather.

import { Step } from "../../assembly/codes.js";
import { at, checkKeys } from "../check.js";
import { checkFitOptions } from "../describe/fit.js";
import type { FitOptions } from "../describe/fit.js";
import { checkLossFits } from "../describe/losses.js";
import { adam, slotNames } from "../describe/optimizers.js";
import { readerSource } from "../inspect/inference.js";
import type { Model } from "../model.js";
import { LONE_STEP } from "../plan/layout.js";
import { checkWeights } from "../samples.js";
import type { TrainingPlan } from "../plan/training.js";
import { Before } from "./before.js";
import { apart, checkData, checkFinite, outputActivation } from "./prepare.js";
import { writeRates } from "./rates.js";
import { Snapshot, coreMath, lossDiverged, parametersDiverged, placeTraining } from "./step.js";

/** The options of trainBatch: those of fit that a single step has. */
export type BatchOptions = Pick<FitOptions, "optimizer" | "loss" | "sampleWeights" | "gradientClip">;

const keys: readonly (keyof BatchOptions)[] = ["optimizer", "loss", "sampleWeights", "gradientClip"];

/** One step. Returns the loss before it, penalties included. */
export function trainBatch(model: Model, inputs: unknown, targets: unknown, given: unknown = {}): number {
  model.busy = "trainBatch";
  try {
    return checkedStep(model, inputs, targets, given);
  } finally {
    model.busy = undefined;
  }
}

function checkedStep(model: Model, inputs: unknown, targets: unknown, given: unknown): number {
  const options = checkFitOptions(checkKeys("trainBatch", given, keys), "trainBatch");
  const optimizer = options.optimizer ?? model.optimizer ?? adam();
  const loss = options.loss ?? model.loss;
  checkLossFits(loss, outputActivation(model), "trainBatch: loss");
  const data = checkData(model, inputs, targets, loss);
  const { count } = data.samples;
  const weights = options.sampleWeights === undefined
    ? undefined
    : Float32Array.from(checkWeights(at("trainBatch", "sampleWeights"), apart(model, options.sampleWeights), count));
  checkFinite(model, "trainBatch");
  let weightSum = count;
  if (weights !== undefined) {
    weightSum = 0;
    for (const weight of weights) weightSum += weight;
    if (weightSum === 0) return 0;
  }

  const before = new Before(model, optimizer);
  try {
    const slots = slotNames(optimizer).length;
    const { demand } = model.layout;
    if (demand.slots < slots || !demand.snapshot || model.layout.rows < count) {
      model.plan("trainBatch", { ...demand, slots, snapshot: true, best: false, average: false, batch: Math.max(demand.batch, count), windowRows: 0, orderLength: 0 });
    }
    readerSource(model, data.samples, data.targets, loss).fill(0, count);
    if (weights !== undefined) model.core.f32.set(weights, model.layout.weights / 4);
    model.unfinished = undefined;
    model.adopt(optimizer);
    model.lastLoss = loss;
    const plan = { loss, optimizer, gradientClip: options.gradientClip, hits: false, weighted: weights !== undefined, classes: false };
    return step(model, plan, count, weightSum);
  } catch (error) {
    before.putBack();
    throw error;
  }
}

/** One step on the batch's first `count` rows; it counts as an epoch of one batch, as in fit. */
function step(model: Model, plan: TrainingPlan, count: number, weightSum: number): number {
  const snapshot = new Snapshot(model);
  model.epochs++;
  const instructions = placeTraining(model, plan);
  const record = LONE_STEP / 8;
  const { f64 } = model.core;
  f64[record + Step.first] = 0;
  f64[record + Step.rows] = count;
  f64[record + Step.inverseWeight] = 1 / weightSum;
  f64[record + Step.epoch] = model.epochs >>> 0;
  f64[record + Step.step] = 0;
  const rate = writeRates(f64, record, plan.optimizer, model.progress, coreMath);
  let finished: number;
  try {
    finished = model.playFrom("training", 1, instructions);
  } catch (error) {
    snapshot.restore();
    throw error;
  }
  const value = f64[record + Step.loss];
  const error = finished === 0 ? lossDiverged(model, "trainBatch", value, 1, 1, count, rate) : parametersDiverged(model, "trainBatch", 1, 1, rate);
  if (error === undefined) return value;
  snapshot.restore();
  throw error;
}
