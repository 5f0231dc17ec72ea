// What an epoch reports beside its loss: metrics of the training's own forward passes, and loss and metrics of the validation data.

import type { EpochReport } from "../describe/fit.js";
import { decisionRule } from "../describe/losses.js";
import { copyOutputs, evaluateChunks, targetRows } from "../inspect/inference.js";
import type { Feed, ValidationRows } from "./feed.js";
import { metricsInPieces } from "./metrics.js";
import type { PreparedData, PreparedFit } from "./prepare.js";
import { outputActivation } from "./prepare.js";
import { needsOutputs } from "./resume.js";
import type { Course } from "./steps.js";
import type { DataWindow } from "./window.js";

/** Metrics of an epoch's steps. */
export interface TrainingMetrics {
  /** Where the outputs of the steps are kept, if they are needed all. */
  readonly outputs: Float32Array | undefined;
  /** Sums over the steps, where they are made of those. */
  readonly running: Float64Array | undefined;
  /** Whether it must see the batch's matrices after each step. */
  readonly everyStep: boolean;
  /** Another epoch begins. */
  begin(): void;
  /** Sees a finished step, of that many rows from that position of the epoch on. */
  collect(first: number, rows: number): void;
  /** @param hits right predictions, as the core counted them */
  measure(hits: number): Promise<Record<string, number>>;
}

/** Those of a call whose samples lie in memory: its outputs are kept where the metrics need them all. */
export class DataMetrics implements TrainingMetrics {
  readonly outputs: Float32Array | undefined;
  readonly running: undefined;
  readonly everyStep: boolean;

  constructor(private readonly course: Course, private readonly call: PreparedData, private readonly window: DataWindow) {
    this.everyStep = needsOutputs(call.metrics);
    if (this.everyStep) this.outputs = new Float32Array(call.training.length * course.model.topology.outputs);
  }

  begin(): void {}

  collect(first: number, rows: number): void {
    const { outputs, course: { model } } = this;
    if (outputs !== undefined) copyOutputs(model, rows, outputs, first * model.topology.outputs, true);
  }

  async measure(hits: number): Promise<Record<string, number>> {
    const { course, call: { targets, options } } = this;
    const { indices, outputs } = this.seen();
    if (outputs === undefined) return countedMetrics(course, hits, indices.length);
    return measureOutputs(course, outputs, await course.slices.run(targetRows(course.model, targets, indices), options.signal));
  }

  /** What the epoch's steps have seen, in its order: without the batches whose weights are all 0, which made no step. */
  private seen(): { readonly indices: Uint32Array; readonly outputs: Float32Array | undefined } {
    const { outputs, window, window: { order }, call: { weights, batch }, course: { model: { topology } } } = this;
    if (weights === undefined) return { indices: order, outputs };
    const indices = new Uint32Array(order.length);
    const rows = outputs && new Float32Array(outputs.length);
    let count = 0;
    for (let first = 0; first < order.length; first += batch) {
      const end = Math.min(first + batch, order.length);
      if (window.weightOf(first, end - first) === 0) continue;
      indices.set(order.subarray(first, end), count);
      rows?.set(outputs!.subarray(first * topology.outputs, end * topology.outputs), count * topology.outputs);
      count += end - first;
    }
    return { indices: indices.subarray(0, count), outputs: rows?.subarray(0, count * topology.outputs) };
  }
}

/** The validation of each epoch. */
export class Validation {
  private readonly rows: ValidationRows | undefined;
  private readonly outputs: Float32Array | undefined;
  private targets: Float32Array | undefined;

  constructor(private readonly course: Course, feed: Feed) {
    this.rows = feed.validation();
    if (this.rows !== undefined && needsOutputs(course.call.metrics)) {
      this.outputs = new Float32Array(this.rows.source.count * course.model.topology.outputs);
    }
  }

  async measure(): Promise<EpochReport["validation"]> {
    const { course, course: { model, slices, call: { loss, metrics, options } }, rows, outputs } = this;
    if (rows === undefined) return undefined;
    const demand = {
      outputs, hits: outputs === undefined && metrics.includes("accuracy"), parameters: options.averageWeights === undefined ? undefined : model.layout.average,
    };
    const value = await slices.run(evaluateChunks(model, rows.source, loss, demand), options.signal);
    if (outputs === undefined) return { loss: value.loss, metrics: countedMetrics(course, value.hits, rows.source.count) };
    this.targets ??= await slices.run(targetRows(model, rows.targets, undefined), options.signal);
    return { loss: value.loss, metrics: await measureOutputs(course, outputs, this.targets) };
  }
}

function measureOutputs({ model, slices, call }: Course, outputs: Float32Array, targets: Float32Array): Promise<Record<string, number>> {
  const { metrics, loss, options }: PreparedFit = call;
  const { outputs: width } = model.topology;
  const kind = { loss: loss.name, activation: outputActivation(model).name };
  return slices.run(metricsInPieces(metrics, outputs, targets, outputs.length / width, width, kind), options.signal);
}

/** Accuracy from the core's count, where it is all that is measured. */
export function countedMetrics({ model, call: { loss, metrics } }: Course, hits: number, samples: number): Record<string, number> {
  const { argMax } = decisionRule(loss.name, outputActivation(model).name, model.topology.outputs);
  return metrics.includes("accuracy") ? { accuracy: samples === 0 ? 0 : hits / (samples * (argMax ? 1 : model.topology.outputs)) } : {};
}
