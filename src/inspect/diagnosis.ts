// What a network does on samples: one pass in which the core gathers the figures of every unit, the spread of every layer and, with targets, the gradient
// (assembly/statistics.ts); here they become means, deviations, norms and shares. What is wrong with them is said in findings.ts.
//
//   deviation  √(Σ(a − s)²/n − (Σ(a − s)/n)²), s the first sample's value
//   a layer    the mean over units of their variances, plus the variance of their means
//
// Everything is computed in f64, in an order that the shapes fix, from + − × ÷ and √ alone.

import { activationOf } from "../describe/layers.js";
import { BINS } from "../../assembly/codes.js";
import type { Diagnosis, Histogram, LayerDiagnosis, UnitDiagnosis } from "../describe/diagnosis.js";
import type { Loss } from "../describe/losses.js";
import { saturationBounds } from "../describe/saturation.js";
import { scratchCore } from "../engine/core.js";
import type { Model } from "../model.js";
import { outputOf } from "../plan/layout.js";
import type { LayerShape, Topology } from "../plan/layout.js";
import { diagnosisTape, hasSums } from "../plan/diagnosis.js";
import { gradientTape } from "../plan/gradient.js";
import type { LossPlan } from "../plan/gradient.js";
import type { SampleReader } from "../samples.js";
import type { TargetReader } from "../targets.js";
import { runsOf, weightsOf } from "./figures.js";
import type { Columns, LayerFigures, NetworkFigures } from "./figures.js";
import { findings } from "./findings.js";
import { copySamples, readSample, readTarget, readerSource } from "./inference.js";
import type { RowSource } from "./inference.js";
import { redundantUnits } from "./redundancy.js";

/** Samples whose activations are kept to find units that are copies of others: at most so many, spread over all. */
const KEPT_SAMPLES = 64;

/**
 * From so many samples on a part of them tells enough: the scale of the inputs' columns and the histograms are of the first quarter of each chunk's rows (a
 * chunk has at most 130), gradients of a part of the samples (see gradientCount). What is counted, least or greatest, mean or deviation of a unit is of all.
 */
const MANY_SAMPLES = 512;
const PARTS = 4;

/** Rows of a Float32Array by the fast way: they are copied whole, and looked at by the core. */
export function diagnosisSource(model: Model, samples: SampleReader, targets?: TargetReader, loss?: Loss): RowSource {
  const { floats } = samples;
  const smoothing = loss?.name === "crossEntropy" ? loss.labelSmoothing : 0;
  const source = readerSource(model, samples, targets, loss);
  return {
    count: samples.count,
    fill(begin, end) {
      if (floats === undefined) return source.fill(begin, end);
      if (!copySamples(model, floats, begin, end)) samples.check(begin, end);
      if (targets === undefined) return;
      for (let i = begin; i < end; i++) readTarget(model, targets, i, i - begin, smoothing);
    },
    pick(indices) {
      indices.forEach((index, row) => {
        readSample(model, samples, index, row);
        if (targets !== undefined) readTarget(model, targets, index, row, smoothing);
      });
    },
  };
}

/**
 * `part` of `count` samples, in order: one in each of as many equal stretches, at a place in it that the multiples of the golden ratio choose, so that data
 * that repeats itself (class 0, 1, 2, 0, 1, 2, …) gives as much of each.
 */
export function spreadSamples(count: number, part: number): number[] {
  const chosen: number[] = [];
  for (let i = 0; i < part; i++) {
    const begin = Math.floor((i * count) / part);
    const turned = (i + 1) * 0.6180339887498949;
    chosen.push(begin + Math.floor((turned - Math.floor(turned)) * (Math.floor(((i + 1) * count) / part) - begin)));
  }
  return chosen;
}

/** One pass over the rows; with a loss, the gradient of its mean. */
export function gatherFigures(model: Model, source: RowSource, loss: Loss | undefined): NetworkFigures {
  const { topology, layout, core } = model;
  const { count } = source;
  const log = (x: number): number => scratchCore(0).exports.log64(x);
  const bounds = topology.layers.map((shape) => saturationBounds(activationOf(shape.spec), log));
  const parts = count < MANY_SAMPLES ? 1 : PARTS;
  const plan = loss && { loss, hits: false, weighted: false };
  const apart = plan && source.pick && count >= MANY_SAMPLES;
  const length = model.place("diagnosis", JSON.stringify([loss, parts, apart]), () => diagnosisTape(topology, layout, bounds, apart ? undefined : plan, parts));
  const gradient = loss && new Float64Array(topology.length);
  const keptSamples = spreadSamples(count, Math.min(count, KEPT_SAMPLES));
  const kept = topology.layers.map(({ units }) => new Float32Array(keptSamples.length * units));
  const outputs = topology.layers.map(({ index }) => outputOf(topology, layout, index, false));
  let keeping = 0;
  let seen = 0;
  for (let begin = 0; begin < count; begin += layout.chunk) {
    const end = Math.min(begin + layout.chunk, count);
    source.fill(begin, end);
    seen += Math.ceil((end - begin) / parts);
    model.playOnce("diagnosis", length, end - begin, 1 / count, begin);
    if (gradient !== undefined && !apart) addFloats(gradient, model.block(layout.gradient));
    for (; keeping < keptSamples.length && keptSamples[keeping] < end; keeping++) {
      const row = keptSamples[keeping] - begin;
      topology.layers.forEach(({ units }, l) => copyFloats(core.f32, outputs[l].at / 4 + row * outputs[l].stride, units, kept[l], keeping * units));
    }
  }
  const gradientSamples = apart ? gradientCount(topology, count) : count;
  if (apart) addGradient(model, source, plan, spreadSamples(count, gradientSamples), gradient!);
  return {
    count, gradientSamples,
    samples: readColumns(model, layout.sampleFigures, topology.inputs, 0, seen),
    layers: topology.layers.map((shape): LayerFigures => {
      const { figures, sumsHistogram, activationsHistogram } = layout.figures[shape.index];
      const activations = readColumns(model, figures, shape.units, 0, count);
      const spread = readHistogram(model, activationsHistogram, activations);
      const sums = hasSums(shape) ? readColumns(model, figures, shape.units, 9, count) : activations;
      const word = wordOf(shape.units);
      const counts = (at: number): Uint32Array => core.u32.slice(at / 4, at / 4 + shape.units);
      return {
        shape, sums, activations, zeros: counts(figures + 3 * word), saturated: counts(figures + 4 * word),
        sumsHistogram: hasSums(shape) ? readHistogram(model, sumsHistogram, sums) : spread, activationsHistogram: spread, kept: kept[shape.index], gradient,
      };
    }),
  };
}

/** A row's cost for each unit, in products of a weight: figures (measured on 32-64-64-1), activation. And what a pass over the gradient may cost. */
const FIGURES = 37;
const ACTIVATION = 20;
const GRADIENT_BUDGET = 0.8;
/** The least share and number of samples. */
const LEAST_SHARE = 1 / 16;
const LEAST_SAMPLES = 64;

/**
 * Samples of many whose gradient is taken: so many that a diagnosis costs less than 2.5 forward passes. Beside the forward pass there are the figures,
 * and for each of these samples a pass forward, one for the weights' gradient and one, but for the first layer, for the inputs'.
 */
function gradientCount({ layers }: Topology, count: number): number {
  let products = 0;
  let units = 0;
  for (const shape of layers) {
    products += weightsOf(shape).length;
    units += shape.units;
  }
  const passes = 3 - weightsOf(layers[0]).length / products;
  const share = (GRADIENT_BUDGET - (FIGURES * units) / (products + ACTIVATION * units)) / (1.2 * passes);
  return Math.min(count, Math.max(LEAST_SAMPLES, Math.floor(count * Math.max(LEAST_SHARE, share))));
}

/** gradient += that of the mean loss of the samples named. */
function addGradient(model: Model, source: RowSource, plan: LossPlan, samples: readonly number[], gradient: Float64Array): void {
  const { topology, layout } = model;
  const length = model.place("gradient", JSON.stringify(plan.loss), () => gradientTape(topology, layout, plan));
  for (let begin = 0; begin < samples.length; begin += layout.chunk) {
    const chunk = samples.slice(begin, begin + layout.chunk);
    source.pick!(chunk);
    model.playOnce("gradient", length, chunk.length, 1 / samples.length);
    addFloats(gradient, model.block(layout.gradient));
  }
}

/** Short rows in a loop: a view for each costs more. */
function copyFloats(from: Float32Array, at: number, length: number, to: Float32Array, offset: number): void {
  if (length >= 128) to.set(from.subarray(at, at + length), offset);
  else for (let i = 0; i < length; i++) to[offset + i] = from[at + i];
}

/** total += part. */
function addFloats(total: Float64Array, part: Float32Array): void {
  for (let i = 0; i < total.length; i++) total[i] += part[i];
}

/** Bytes of a word of 4 bytes a column, in whole vectors. */
function wordOf(columns: number): number {
  return 16 * Math.ceil(columns / 4);
}

/** The figures that begin at word `first`: min, max, shift, with the sums behind them (see assembly/statistics.ts). */
function readColumns({ core: { f32, f64 } }: Model, at: number, columns: number, first: 0 | 9, count: number): Columns {
  const word = wordOf(columns);
  const narrow = (index: number): number => (at + index * word) / 4;
  const wide = (index: number): number => (at + index * word) / 8;
  const [least, greatest, shift] = first === 0 ? [0, 1, 2] : [9, 10, 11];
  const [sum, squares] = first === 0 ? [5, 7] : [12, 14];
  // plain arrays: many small typed ones are a tenth of a diagnosis of narrow layers
  const min: number[] = [];
  const max: number[] = [];
  const mean: number[] = [];
  const deviation: number[] = [];
  for (let i = 0; i < columns; i++) {
    const from = f64[wide(sum) + i] / count;
    min.push(f32[narrow(least) + i]);
    max.push(f32[narrow(greatest) + i]);
    mean.push(f32[narrow(shift) + i] + from);
    const variance = f64[wide(squares) + i] / count - from * from;
    deviation.push(variance > 0 ? Math.sqrt(variance) : variance <= 0 ? 0 : NaN);
  }
  return { min, max, mean, deviation };
}

/** The bins that hold something and those between them. A lone bin that nothing spreads in gets the width that its value has room for. */
function readHistogram({ core: { f32, i32, u32 } }: Model, at: number, { min, max }: Columns): Histogram {
  const width = f32[at / 4 + 1];
  const base = i32[at / 4 + 2];
  const countOf = (bin: number): number => u32[at / 4 + 4 + 2 * bin] + 4294967296 * u32[at / 4 + 5 + 2 * bin];
  let last = BINS - 1;
  while (last > 0 && countOf(last) === 0) last--;
  let first = 0;
  while (first < last && countOf(first) === 0) first++;
  const value = min[0];
  if (first === last && min.every((low, i) => low === value && max[i] === value)) {
    const half = value === 0 ? 0.5 : Math.abs(value) / 2;
    return { edges: [value - half, value + half], counts: [countOf(first)] };
  }
  const edges: number[] = [];
  const counts: number[] = [];
  for (let bin = first; bin <= last; bin++) {
    edges.push((base + bin) * width);
    counts.push(countOf(bin));
  }
  edges.push((base + last + 1) * width);
  return { edges, counts };
}

/** The norm of all a layer's parameters in a block; undefined for a layer without any. */
function norm(values: Float64Array, shape: LayerShape): number | undefined {
  const runs = runsOf(shape);
  return runs.length === 0 ? undefined : Math.sqrt(runs.reduce((sum, { begin, length }) => sum + squares(values, begin, begin + length), 0));
}

function squares(values: Float32Array | Float64Array, begin: number, end: number): number {
  let sum = 0;
  for (let i = begin; i < end; i++) sum += values[i] * values[i];
  return sum;
}

/** Norms of each unit's own row of weights; with its biases and slopes where `all`. */
function unitNorms(values: Float32Array | Float64Array, shape: LayerShape, all: boolean): number[] {
  const [weights, ...others] = runsOf(shape);
  const norms: number[] = [];
  const length = (weights?.length ?? 0) / shape.units;
  for (let j = 0, row = weights?.begin ?? 0; j < shape.units; j++, row += length) norms.push(squares(values, row, row + length));
  for (const run of all ? others : []) {
    if (run.length === shape.units) for (let j = 0; j < shape.units; j++) norms[j] += values[run.begin + j] * values[run.begin + j];
  }
  for (let j = 0; j < shape.units; j++) norms[j] = Math.sqrt(norms[j]);
  return norms;
}

function weightNorm(parameters: Float32Array, shape: LayerShape): number {
  const { begin, length } = weightsOf(shape);
  return Math.sqrt(squares(parameters, begin, begin + length));
}

/** What a layer's figures say, with those of its units where they are asked for. */
function describeLayer(figures: LayerFigures, count: number, parameters: Float32Array, outputNorm: number | undefined, withUnits: boolean): LayerDiagnosis {
  const { shape, sums, activations, zeros, saturated, sumsHistogram, activationsHistogram, gradient } = figures;
  const { units } = shape;
  const dead = zeros.reduce((sum, zero) => sum + (zero === count ? 1 : 0), 0);
  const together = over(activations);
  const sumsTogether = over(sums);
  const gradientNorm = gradient && norm(gradient, shape);
  const shares = (counts: Uint32Array): readonly number[] => {
    const result: number[] = [];
    for (let j = 0; j < units; j++) result.push(counts[j] / count);
    return result;
  };
  const described: UnitDiagnosis | undefined = !withUnits ? undefined : {
    deadFraction: shares(zeros), saturatedFraction: shares(saturated),
    minWeightedSum: sums.min, maxWeightedSum: sums.max, meanWeightedSum: sums.mean, weightedSumDeviation: sums.deviation,
    minActivation: activations.min, maxActivation: activations.max, meanActivation: activations.mean, activationDeviation: activations.deviation,
    ...(gradient && { gradientNorm: unitNorms(gradient, shape, true) }),
    weightNorm: unitNorms(parameters, shape, false),
  };
  return {
    deadFraction: dead / units,
    saturatedFraction: saturated.reduce((sum, hits) => sum + hits, 0) / (count * units),
    meanWeightedSum: sumsTogether.mean, weightedSumDeviation: sumsTogether.deviation,
    meanActivation: together.mean, activationDeviation: together.deviation,
    weightedSumHistogram: sumsHistogram, activationHistogram: activationsHistogram,
    ...(gradientNorm !== undefined && { gradientNorm }),
    ...(gradientNorm !== undefined && outputNorm !== undefined && outputNorm > 0 && { gradientRatio: gradientNorm / outputNorm }),
    weightNorm: weightNorm(parameters, shape),
    ...(described && { units: described }),
  };
}

/** Mean and deviation over all columns together. */
function over({ mean, deviation }: Columns): { readonly mean: number; readonly deviation: number } {
  const columns = mean.length;
  const middle = mean.reduce((sum, value) => sum + value, 0) / columns;
  const variance = mean.reduce((sum, value, i) => sum + deviation[i] * deviation[i] + (value - middle) * (value - middle), 0) / columns;
  return { mean: middle, deviation: Math.sqrt(variance) };
}

/** What is asked for beside the figures of layers. */
export interface DiagnosisDemand {
  /** Figures of each unit. */
  readonly units: boolean;
  /** How far the last step moved each layer's weights, as a share of their norm. */
  readonly updateRatios?: readonly number[];
}

/** The diagnosis of a network on the rows of a source; with a loss, of its gradient too. */
export function diagnoseRows(model: Model, source: RowSource, loss: Loss | undefined, { units, updateRatios }: DiagnosisDemand): Diagnosis {
  const figures = gatherFigures(model, source, loss);
  const parameters = model.block(model.layout.parameters);
  const last = [...figures.layers].reverse().find(({ shape }) => runsOf(shape).length > 0)!;
  const outputNorm = last.gradient && norm(last.gradient, last.shape);
  const layers = figures.layers.map((layer, i): LayerDiagnosis => ({
    ...describeLayer(layer, figures.count, parameters, outputNorm, units),
    ...(updateRatios && { updateRatio: updateRatios[i] }),
  }));
  const redundant = figures.layers.map((layer) => redundantUnits(layer, figures.count));
  return { layers, findings: findings({ model, figures, layers, redundant }), ...(loss && { gradientSamples: figures.gradientSamples }) };
}
