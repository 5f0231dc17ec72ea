// Forward passes outside training: predictions, evaluation, traces, gradients. Samples go through the batch matrices in
// chunks whose size depends on the network's shape alone; a sample's numbers depend on neither its chunk nor its place.
//
// Nothing here grows the memory, so live views that a user holds stay live; and between two steps of a fit the batch
// matrices are free, so all of it may be called from a callback.

import { Step } from "../../assembly/codes.js";
import { meansOverOutputs } from "../describe/losses.js";
import type { Loss } from "../describe/losses.js";
import { LONE_STEP, outputOf } from "../plan/layout.js";
import type { Layout } from "../plan/layout.js";
import { forwardTape, singleTape, tracedLayerTape } from "../plan/forward.js";
import { evaluationTape, gatherTape, gradientTape } from "../plan/gradient.js";
import type { Model } from "../model.js";
import { PIECE, finish, inPieces } from "../pieces.js";
import type { Pieces } from "../pieces.js";
import type { SampleReader } from "../samples.js";
import type { TargetReader } from "../targets.js";

/** Where the rows of a chunk come from: fills rows 0 … end − begin − 1 of the batch. */
export interface RowSource {
  readonly count: number;
  fill(begin: number, end: number): void;
  /** Fills rows 0, 1, … with those that are named; of sources whose rows can be had in any order. */
  pick?(indices: readonly number[]): void;
}

/** Rows read from the user's arrays; targets, where there are any, with the loss's label smoothing. */
export function readerSource(model: Model, samples: SampleReader, targets?: TargetReader, loss?: Loss): RowSource {
  return {
    count: samples.count,
    fill(begin, end) {
      for (let i = begin; i < end; i++) readSample(model, samples, i, i - begin);
      if (targets === undefined) return;
      const smoothing = loss?.name === "crossEntropy" ? loss.labelSmoothing : 0;
      for (let i = begin; i < end; i++) readTarget(model, targets, i, i - begin, smoothing);
    },
  };
}

/** Sample `index` into row `row` of the batch. */
export function readSample(model: Model, samples: SampleReader, index: number, row: number): void {
  const { layout, core } = model;
  samples.readRow(index, core.f32, layout.samples / 4 + row * layout.sampleStride);
}

/** The targets of sample `index` into row `row` of the batch: classes as rows of 0 and 1, smoothed as in assembly/gather.ts. */
export function readTarget(model: Model, targets: TargetReader, index: number, row: number, smoothing: number): void {
  const { layout, core: { f32 } } = model;
  const { outputs } = model.topology;
  const begin = layout.targets / 4 + row * outputStride(layout);
  if (targets.kind === "classes") {
    const chosen = targets.classAt(index);
    f32.fill(0, begin, begin + outputs);
    f32[begin + chosen] = 1;
  } else {
    targets.readRow(index, f32, begin);
  }
  if (smoothing === 0) return;
  const s = Math.fround(smoothing);
  const keep = Math.fround(1 - s);
  const share = Math.fround(s / outputs);
  for (let i = begin; i < begin + outputs; i++) f32[i] = Math.fround(keep * f32[i]) + share;
}

/** Targets as rows of `outputs` numbers, flat, of all samples or those that `indices` names in that order; in pieces. */
export function* targetRows({ topology: { outputs } }: Model, targets: TargetReader, indices: Uint32Array | undefined): Pieces<Float32Array> {
  const count = indices?.length ?? targets.count;
  const rows = new Float32Array(count * outputs);
  yield* inPieces(count, Math.max(1, Math.floor(PIECE / outputs)), (begin, end) => {
    for (let i = begin; i < end; i++) {
      const index = indices === undefined ? i : indices[i];
      if (targets.kind === "classes") rows[i * outputs + targets.classAt(index)] = 1;
      else targets.readRow(index, rows, i * outputs);
    }
  });
  return rows;
}

/** Rows of the data window, through the order from `first` on: what a fit has there. */
export function windowSource(model: Model, first: number, count: number, classes: boolean, smoothing: number): RowSource {
  const key = `${classes} ${smoothing}`;
  return {
    count,
    fill(begin, end) {
      const length = model.place("gather", key, () => gatherTape(model.topology, model.layout, classes, smoothing));
      model.playOnce("gather", length, end - begin, 0, first + begin);
    },
  };
}

function outputStride({ layers }: Layout): number {
  return layers[layers.length - 1].stride;
}

/** Rows from here on are copied by the engine, shorter ones in a loop. */
const LONG_ROW = 32;

/** Copies rows 0 … count − 1 of a padded matrix to `to`, which has no padding. */
function copyRows(model: Model, from: number, stride: number, width: number, count: number, to: Float32Array, offset: number): void {
  const { f32 } = model.core;
  const begin = from / 4;
  if (stride === width) {
    to.set(f32.subarray(begin, begin + count * width), offset);
    return;
  }
  for (let row = 0; row < count; row++) {
    const at = begin + row * stride;
    const target = offset + row * width;
    if (width >= LONG_ROW) to.set(f32.subarray(at, at + width), target);
    else for (let i = 0; i < width; i++) to[target + i] = f32[at + i];
  }
}

/** Outputs of the batch's first `count` rows, appended to `to` at `offset`; of a training step, where dropout is the last layer, as it left them. */
export function copyOutputs(model: Model, count: number, to: Float32Array, offset: number, training = false): void {
  const { topology, layout } = model;
  const output = outputOf(topology, layout, topology.layers.length - 1, training);
  copyRows(model, output.at, output.stride, topology.outputs, count, to, offset);
}

/**
 * Samples [begin, end) of flat data into the batch, as they are.
 * @returns whether all are finite
 */
export function copySamples({ layout, core, topology: { inputs } }: Model, data: Float32Array, begin: number, end: number): boolean {
  const { f32, exports } = core;
  const { sampleStride } = layout;
  const to = layout.samples / 4;
  const rows = end - begin;
  if (sampleStride === inputs) f32.set(data.subarray(begin * inputs, end * inputs), to);
  else if (inputs >= LONG_ROW) {
    for (let row = 0; row < rows; row++) f32.set(data.subarray((begin + row) * inputs, (begin + row + 1) * inputs), to + row * sampleStride);
  } else {
    for (let row = 0, from = begin * inputs; row < rows; row++) {
      for (let at = to + row * sampleStride, last = at + inputs; at < last; at++) f32[at] = data[from++];
    }
  }
  return exports.finiteRows(layout.samples, rows, inputs, 4 * sampleStride) !== 0;
}

/** One short sample into the batch, without a call of the core. Returns whether it is finite. */
function copyShort({ layout, core: { f32 } }: Model, sample: Float32Array): boolean {
  let at = layout.samples / 4;
  let zero = 0; // value · 0 is NaN where a value is not finite
  for (let i = 0; i < sample.length; i++) zero += (f32[at++] = sample[i]) * 0;
  return zero === 0;
}

/**
 * Predictions of samples that lie in one Float32Array and are not checked yet: each chunk is, in the core, where it was copied to.
 * A further pass over the data before, which costs a quarter of the time on 784-128-10, is saved.
 * @throws what the check of the samples throws; `output` is as it was then
 */
function predictFloats(model: Model, samples: SampleReader, data: Float32Array, output: Float32Array): void {
  const { topology: { outputs }, layout } = model;
  const { count } = samples;
  const results = count > layout.chunk ? new Float32Array(count * outputs) : output;
  const length = model.place("forward", "", () => forwardTape(model.topology, layout));
  for (let begin = 0; begin < count; begin += layout.chunk) {
    const end = Math.min(begin + layout.chunk, count);
    if (!copySamples(model, data, begin, end)) samples.check(begin, end);
    model.playOnce("forward", length, end - begin);
    copyOutputs(model, end - begin, results, begin * outputs);
  }
  if (results !== output) output.set(results);
}

/** Predictions of all samples into `output`, flat. Throws what their check throws, before anything is written. */
export function predictInto(model: Model, samples: SampleReader, output: Float32Array): void {
  const { topology, layout } = model;
  const { floats } = samples;
  if (samples.count > 1 && floats !== undefined) {
    predictFloats(model, samples, floats, output);
    return;
  }
  if (samples.count === 1 && floats !== undefined) {
    if (!(samples.width < LONG_ROW ? copyShort(model, floats) : copySamples(model, floats, 0, 1))) samples.check(0, 1);
  } else {
    samples.check(0, samples.count);
    if (samples.count === 1) readSample(model, samples, 0, 0);
  }
  if (samples.count === 1) {
    const count = model.place("single", "", () => singleTape(topology, layout));
    model.playOnce("single", count, 1);
    copyOutputs(model, 1, output, 0);
    return;
  }
  const count = model.place("forward", "", () => forwardTape(topology, layout));
  for (let begin = 0; begin < samples.count; begin += layout.chunk) {
    const end = Math.min(begin + layout.chunk, samples.count);
    for (let i = begin; i < end; i++) readSample(model, samples, i, i - begin);
    model.playOnce("forward", count, end - begin);
    copyOutputs(model, end - begin, output, begin * topology.outputs);
  }
}

/** What `evaluateChunks` is asked for beside the loss. */
export interface EvaluationDemand {
  /** Filled: samples × outputs. */
  readonly outputs?: Float32Array;
  /** Whether right predictions are counted. */
  readonly hits?: boolean;
  /** The most rows of a chunk. */
  readonly most?: number;
  /** Where the parameters lie, if not in their place: those of the average. */
  readonly parameters?: number;
}

/**
 * The mean loss over a source's rows, and how many predictions are right where that is asked for.
 * Row values are added in f64, in order, so that the size of the chunks does not show. Yields between chunks, where other
 * code may run and use the batch matrices.
 */
export function* evaluateChunks(
  model: Model, source: RowSource, loss: Loss, { outputs, hits = false, most = Infinity, parameters }: EvaluationDemand = {},
): Pieces<{ readonly loss: number; readonly hits: number }> {
  const { topology, core } = model;
  const plan = { loss, hits, weighted: false };
  const size = Math.min(most, model.layout.chunk);
  let sum = 0;
  let right = 0;
  for (let begin = 0; begin < source.count; begin += size) {
    if (begin > 0) yield;
    const { layout } = model;
    const end = Math.min(begin + size, source.count);
    source.fill(begin, end);
    const from = parameters ?? layout.parameters;
    const count = model.place("evaluation", `${from} ${JSON.stringify(plan)}`, () => evaluationTape(topology, { ...layout, parameters: from }, plan));
    model.playOnce("evaluation", count, end - begin, 1);
    right += core.f64[LONE_STEP / 8 + Step.hits];
    for (let i = 0; i < end - begin; i++) sum += core.f64[layout.values / 8 + i];
    if (outputs !== undefined) copyOutputs(model, end - begin, outputs, begin * topology.outputs);
  }
  return { loss: sum / source.count / (meansOverOutputs(loss) ? topology.outputs : 1), hits: right };
}

/** The loss of `evaluateChunks` in one go. */
export function evaluateRows(model: Model, source: RowSource, loss: Loss, demand: EvaluationDemand): number {
  return finish(evaluateChunks(model, source, loss, demand)).loss;
}

/** What a layer makes of each sample; flat, samples × units. A dropout lets all pass here. */
export interface LayerTrace {
  readonly activations: Float32Array;
  /** Dense layers. */
  readonly weightedSums?: Float32Array;
}

/** Forward passes with every layer's sums and activations kept. */
export function traceRows(model: Model, samples: SampleReader): LayerTrace[] {
  const { topology, layout } = model;
  const traces = topology.layers.map(({ kind, units }) => ({
    activations: new Float32Array(samples.count * units),
    ...(kind === "dense" ? { weightedSums: new Float32Array(samples.count * units) } : {}),
  }));
  for (let begin = 0; begin < samples.count; begin += layout.chunk) {
    const end = Math.min(begin + layout.chunk, samples.count);
    for (let i = begin; i < end; i++) readSample(model, samples, i, i - begin);
    for (const { index, units } of topology.layers) {
      const count = model.place("traced", String(index), () => tracedLayerTape(topology, layout, index));
      model.playOnce("traced", count, end - begin);
      const { at, stride } = outputOf(topology, layout, index, false);
      const { weightedSums, activations } = traces[index];
      if (weightedSums !== undefined) copyRows(model, layout.gradients[0], stride, units, end - begin, weightedSums, begin * units);
      copyRows(model, at, stride, units, end - begin, activations, begin * units);
    }
  }
  return traces;
}

/** The gradients of a layer: weights, biases and PReLU's slopes of a dense one, gain and shift of a normalisation, none of a dropout. */
export interface LayerGradients {
  readonly weights?: Float32Array;
  readonly biases?: Float32Array;
  readonly slopes?: Float32Array;
  readonly gain?: Float32Array;
  readonly shift?: Float32Array;
}

/** The mean loss over all samples and its gradient; chunks are added in f64, in order. */
export function gradientRows(model: Model, source: RowSource, loss: Loss): { loss: number; layers: LayerGradients[] } {
  const { topology, layout } = model;
  const total = new Float64Array(topology.length);
  const chunkGradient = model.block(layout.gradient);
  let value = 0;
  for (let begin = 0; begin < source.count; begin += layout.chunk) {
    const end = Math.min(begin + layout.chunk, source.count);
    source.fill(begin, end);
    const count = model.place("gradient", JSON.stringify(loss), () => gradientTape(topology, layout, { loss, hits: false, weighted: false }));
    value += model.playOnce("gradient", count, end - begin, 1 / source.count);
    for (let i = 0; i < total.length; i++) total[i] += chunkGradient[i];
  }
  const part = ({ begin, length }: { begin: number; length: number }): Float32Array => Float32Array.from(total.subarray(begin, begin + length));
  const layers = topology.layers.map((shape): LayerGradients => {
    switch (shape.kind) {
      case "dense": {
        const slopes = shape.spec.activation.name === "prelu" ? { slopes: part(shape.slopes) } : {};
        return { weights: part(shape.weights), biases: part(shape.biases), ...slopes };
      }
      case "dropout": return {};
      default: return { gain: part(shape.gain), shift: part(shape.shift) };
    }
  });
  return { loss: value, layers };
}

