// Where everything lies: shapes → byte offsets in the one memory of a network. Pure: the same shapes give the same
// offsets, nothing is allocated here, and this is the only place that decides.
//
//   0          scratch of the generator, one step record, the control block of a fit's threads
//   1,024      parameters      layer by layer: weights, biases, slopes, or gain, shift, without gaps; behind them the running
//                              statistics of all layers, which no optimizer moves; these are the user's live views
//   + P        gradient        the same layout, P bytes further
//   + P        slots           one block of P for each slot of the optimizer
//   + P·s      snapshot        parameters and slots as they were when all was finite (fit)
//   + P·(1+s)  best, average   P each, where asked for (fit)
//              a panel and a line of shares for each thread, steps, tapes, row values, partial sums
//              batch: samples, targets, weights; weighted sums and activations of each layer; two gradients
//              order, window   the data of a fit
//
// P is the parameters' size rounded up to 64 bytes. Offsets in bytes, lengths in floats.

import {
  ActivationCode, BLOCK, BOTH_FIGURE_WORDS, FIGURE_WORDS, FORWARD_KC, HISTOGRAM_BYTES, INSTRUCTION_WORDS, KC, MR, NORM_ROWS, NR, PACKED_FLOATS, PANEL_BYTES,
  RELAXED_MR, SPARE_BYTES, STEP_WORDS,
} from "../../assembly/codes.js";
import { activationCode } from "../describe/activations.js";
import type { ActivationSpec } from "../describe/activations.js";
import type { BatchNormSpec, DenseSpec, DropoutSpec, LayerNormSpec, LayerSpec } from "../describe/layers.js";

/** Step records that one call of the core may play. */
export const STEPS = 64;
/** Byte offsets of the generator's scratch, of the record of lone plays and of the parameters. */
export const RANDOM_SCRATCH = 64;
export const LONE_STEP = 128;
/** The control block never moves: a worker may look at it that comes when its fit is long over. */
export const CONTROL = 256;
const PARAMETERS = 1024;
/**
 * Rows of a chunk of predictions: a multiple of the product's tile, enough to make packing the weights cheap (2 % of the product),
 * few enough to be small beside the parameters. Floats that it may fill: 4 MB, so that it stays in a second- or third-level cache.
 */
const CHUNK_ROWS = 26 * MR;
const CHUNK_FLOATS = 2 ** 20;
/** The tapes that lie in memory side by side, and the most instructions that each takes for n layers: see plan/training.ts, plan/forward.ts. */
const tapeLengths = {
  forward: (n: number) => 2 * n,
  single: (n: number) => 2 * n,
  traced: () => 2,
  gather: () => 1,
  evaluation: (n: number) => 2 * n + 2,
  gradient: (n: number) => 7 * n + 2,
  training: (n: number) => 12 * n + 3,
  diagnosis: (n: number) => 10 * n + 3,
} as const;

export type TapeName = keyof typeof tapeLengths;

/** A run of floats among the parameters: `begin` counts floats from the first parameter. */
export interface Run {
  readonly begin: number;
  readonly length: number;
}

/** One layer with its place among the parameters. */
interface Shape<S extends LayerSpec> {
  readonly kind: S["kind"];
  readonly index: number;
  readonly spec: S;
  readonly inputs: number;
  readonly units: number;
}

export interface DenseShape extends Shape<DenseSpec> {
  readonly weights: Run;
  readonly biases: Run;
  readonly slopes: Run;
}

export type DropoutShape = Shape<DropoutSpec>;

export interface BatchNormShape extends Shape<BatchNormSpec> {
  readonly gain: Run;
  readonly shift: Run;
  readonly runningMean: Run;
  readonly runningVariance: Run;
}

export interface LayerNormShape extends Shape<LayerNormSpec> {
  readonly gain: Run;
  readonly shift: Run;
}

export type LayerShape = DenseShape | DropoutShape | BatchNormShape | LayerNormShape;

/** One tensor of a layer: its name in files, its shape and where it lies. A statistic is no parameter: no optimizer moves it. */
export interface TensorPlace {
  readonly name: "weight" | "bias" | "slope" | "gain" | "shift" | "runningMean" | "runningVariance";
  readonly shape: readonly number[];
  readonly run: Run;
  readonly statistic: boolean;
}

/** The tensors of a layer, in the order of its file. */
export function tensorsOf(shape: LayerShape): TensorPlace[] {
  const { units } = shape;
  const parameter = (name: TensorPlace["name"], run: Run, dimensions = [units]): TensorPlace => ({ name, shape: dimensions, run, statistic: false });
  switch (shape.kind) {
    case "dense":
      return [
        parameter("weight", shape.weights, [units, shape.inputs]),
        ...(shape.biases.length > 0 ? [parameter("bias", shape.biases)] : []),
        ...(shape.slopes.length > 0 ? [parameter("slope", shape.slopes, [shape.slopes.length])] : []),
      ];
    case "dropout":
      return [];
    case "batchNorm":
      return [
        parameter("gain", shape.gain),
        parameter("shift", shape.shift),
        { ...parameter("runningMean", shape.runningMean), statistic: true },
        { ...parameter("runningVariance", shape.runningVariance), statistic: true },
      ];
    case "layerNorm":
      return [parameter("gain", shape.gain), parameter("shift", shape.shift)];
  }
}

/** The shapes of a network: what its description alone says. */
export interface Topology {
  readonly inputs: number;
  readonly outputs: number;
  readonly layers: readonly LayerShape[];
  /** All parameters and running statistics, in floats. */
  readonly length: number;
  /** The running statistics alone, behind the parameters. */
  readonly statistics: number;
  /** Those that training changes. */
  readonly trainable: number;
  /** The trainable ones as runs without a frozen layer between. */
  readonly runs: readonly Run[];
}

/** Floats between the rows of a matrix of `width` columns: whole vectors; from 64 on an odd number of cache lines, so that a column does not fall into one set of the cache. */
export function rowStride(width: number): number {
  if (width < 64) return (width + 3) & ~3;
  const lines = Math.ceil(width / 16);
  return 16 * (lines + (lines % 2 === 0 ? 1 : 0));
}

/** Activations whose derivative is exact from the activation itself: their layer keeps one matrix. */
const fromActivation: readonly ActivationCode[] = [
  ActivationCode.linear, ActivationCode.relu, ActivationCode.leakyRelu, ActivationCode.relu6, ActivationCode.hardTanh, ActivationCode.exponential,
];

/** Whether a layer keeps its weighted sums beside its activations: for the gradient, or for a loss that is computed from them. */
export function savesSums(activation: ActivationSpec): boolean {
  return activation.name === "custom" || !fromActivation.includes(activationCode(activation)) || (activation.name === "leakyRelu" && activation.slope < 0);
}

/** Shapes and places of the parameters. Numbers may be too large to allocate; `planLayout` refuses those. */
export function planTopology(inputs: number, specs: readonly LayerSpec[]): Topology {
  const layers: LayerShape[] = [];
  const runs: Run[] = [];
  let begin = 0;
  let trainable = 0;
  let width = inputs;
  const take = (length: number): Run => {
    const run = { begin, length };
    begin += length;
    return run;
  };
  // where the running statistics of a layer begin, behind all parameters, whose number is known at the end
  let statistics = 0;
  const later: (() => void)[] = [];
  for (const [index, spec] of specs.entries()) {
    const first = begin;
    if (spec.kind === "dense") {
      const { units, activation } = spec;
      const weights = take(units * width);
      const biases = take(spec.bias ? units : 0);
      const slopes = take(activation.name === "prelu" ? (activation.shared ? 1 : units) : 0);
      layers.push({ kind: "dense", index, spec, inputs: width, units, weights, biases, slopes });
      width = units;
      if (!spec.trainable) continue;
    } else {
      const place = { index, inputs: width, units: width };
      if (spec.kind === "dropout") layers.push({ kind: "dropout", spec, ...place });
      else if (spec.kind === "layerNorm") layers.push({ kind: "layerNorm", spec, ...place, gain: take(width), shift: take(width) });
      else {
        const gain = take(width);
        const shift = take(width);
        const units = width;
        const at = statistics;
        statistics += 2 * units;
        later.push(() => {
          layers[index] = {
            kind: "batchNorm", spec, ...place, gain, shift, runningMean: { begin: begin + at, length: units }, runningVariance: { begin: begin + at + units, length: units },
          };
        });
        layers.length = index + 1;
      }
    }
    if (begin === first) continue;
    trainable += begin - first;
    const last = runs.at(-1);
    if (last !== undefined && last.begin + last.length === first) runs[runs.length - 1] = { begin: last.begin, length: begin - last.begin };
    else runs.push({ begin: first, length: begin - first });
  }
  for (const complete of later) complete();
  return { inputs, outputs: width, layers, length: begin + statistics, statistics, trainable, runs };
}

/** What a plan must hold beside the parameters. */
export interface Demand {
  /** Slots of the optimizer. */
  readonly slots: number;
  /** Whether there is a snapshot: parameters and slots. */
  readonly snapshot: boolean;
  readonly best: boolean;
  readonly average: boolean;
  /** Samples of the largest batch, 0 without training. */
  readonly batch: number;
  /** Rows of the data window, and of the order through which it is read. */
  readonly windowRows: number;
  readonly orderLength: number;
  /** Floats of one row of targets in the window: 1 for class indices. */
  readonly targetWidth: number;
  readonly weighted: boolean;
  /** Threads that may play; 1. */
  readonly threads?: number;
}

/**
 * Matrices of one layer in the batch. `sums` and `activations` are one where the activation needs no sums for its gradient. Those of a
 * dropout hold what it lets pass while training.
 */
export interface LayerBuffers {
  readonly sums: number;
  readonly activations: number;
  /** Floats between rows. */
  readonly stride: number;
  /** What a forward keeps for its backward: a normalisation's statistics, a dropout's mask. */
  readonly kept: number;
}

/** A matrix of the batch: its first byte, and the floats between its rows. */
export interface Matrix {
  readonly at: number;
  readonly stride: number;
}

/** Whether a layer lets all its inputs pass as they are. */
export function passesAll({ spec }: LayerShape, training: boolean): boolean {
  return spec.kind === "dropout" && (!training || spec.rate === 0);
}

/** What layer `index` hands on, while training or outside of it; −1 is the batch's samples. */
export function outputOf(topology: Topology, layout: Layout, index: number, training: boolean): Matrix {
  if (index < 0) return { at: layout.samples, stride: layout.sampleStride };
  if (passesAll(topology.layers[index], training)) return outputOf(topology, layout, index - 1, training);
  const { activations, stride } = layout.layers[index];
  return { at: activations, stride };
}

/** Where a diagnosis gathers what a matrix's columns do, and the spread of a layer's sums and activations; see assembly/statistics.ts. */
export interface FigureBuffers {
  readonly figures: number;
  readonly sumsHistogram: number;
  readonly activationsHistogram: number;
}

/** All byte offsets. */
export interface Layout {
  readonly demand: Demand;
  readonly byteLength: number;
  /** Bytes of one block of parameters: P. */
  readonly block: number;
  readonly parameters: number;
  readonly gradient: number;
  readonly slots: readonly number[];
  readonly snapshot: number;
  readonly best: number;
  readonly average: number;
  /** The first thread's scratch, the bytes from one to the next, and the first share's line. */
  readonly panel: number;
  readonly panelBytes: number;
  readonly shares: number;
  readonly steps: number;
  readonly tapes: Readonly<Record<TapeName, number>>;
  readonly values: number;
  readonly hits: number;
  readonly penalties: number;
  readonly squares: number;
  readonly unitSlopes: number;
  /** Of the samples' columns, and of each layer. */
  readonly sampleFigures: number;
  readonly figures: readonly FigureBuffers[];
  /** Rows that the batch matrices hold, and how many of them a chunk of predictions uses. */
  readonly rows: number;
  readonly chunk: number;
  readonly samples: number;
  readonly sampleStride: number;
  readonly targets: number;
  readonly weights: number;
  readonly layers: readonly LayerBuffers[];
  readonly gradients: readonly [number, number];
  readonly order: number;
  readonly window: number;
  readonly targetWindow: number;
  readonly weightWindow: number;
}

/** No training: what `create` plans. */
export const INFERENCE: Demand = {
  slots: 0, snapshot: false, best: false, average: false, batch: 0, windowRows: 0, orderLength: 0, targetWidth: 0, weighted: false,
};

/** Bytes of a block of floats of which each layer's partial sums are kept. */
export function blocksOf(length: number): number {
  return Math.ceil(length / BLOCK);
}

/**
 * Rows that the core packs at a time, of m, where a block of k is `block` long and they are taken `height` by `height`: as many as
 * PACKED_FLOATS hold.
 */
function packedRows(m: number, block: number, height: number): number {
  return height * Math.min(Math.ceil(m / height), Math.max(1, Math.floor(PACKED_FLOATS / (block * height))));
}

/** Bytes of scratch that a thread needs for a gradient's product of m rows and k: a tile, the panels of B, and the packed rows of A (assembly/gemm.ts). */
export function productScratch(m: number, k: number): number {
  const block = Math.max(1, Math.min(k, KC));
  return PANEL_BYTES + 4 * block * Math.max(packedRows(m, block, MR), packedRows(m, block, RELAXED_MR));
}

/** Bytes of scratch that a thread needs for the forward of a layer: a tile and the packed samples (assembly/forward.ts). */
export function forwardScratch(rows: number, inputs: number): number {
  const block = Math.max(1, Math.min(inputs, FORWARD_KC));
  return SPARE_BYTES + 4 * block * packedRows(rows, block, NR);
}

/** The most that one of a network's products needs: forward, gradient of the weights, gradient of the inputs. */
function scratchBytes({ layers }: Topology, rows: number): number {
  const dense = layers.filter(({ kind }) => kind === "dense");
  const bytes = Math.max(...dense.flatMap(({ inputs, units }) => [forwardScratch(rows, inputs), productScratch(units, rows), productScratch(rows, units)]));
  return 64 * Math.ceil(bytes / 64);
}

/** The offsets for that demand. `byteLength` may be beyond what can be had; the caller compares it first. */
export function planLayout(topology: Topology, demand: Demand): Layout {
  const { layers, outputs } = topology;
  let at = PARAMETERS;
  const take = (bytes: number): number => {
    const offset = at;
    at += 64 * Math.ceil(bytes / 64);
    return offset;
  };
  const block = 64 * Math.ceil((topology.length * 4) / 64);
  const parameters = take(block);
  const gradient = take(block);
  const slots = Array.from({ length: demand.slots }, () => take(block));
  const snapshot = take(demand.snapshot ? block * (1 + demand.slots) : 0);
  const best = take(demand.best ? block : 0);
  const average = take(demand.average ? block : 0);

  const strides = layers.map(({ units }) => rowStride(units));
  const sampleStride = rowStride(topology.inputs);
  const floatsPerRow = sampleStride + strides.reduce((sum, stride) => sum + stride, 0);
  const fitting = Math.floor(CHUNK_FLOATS / floatsPerRow);
  const chunk = Math.min(CHUNK_ROWS, fitting < MR ? Math.max(1, fitting) : fitting - (fitting % MR));
  const rows = Math.max(demand.batch, chunk);
  const widest = Math.max(...strides);

  const threads = demand.threads ?? 1;
  const panelBytes = scratchBytes(topology, rows);
  const panel = take(threads * panelBytes);
  const shares = take(threads === 1 ? 0 : threads * 64);
  const steps = take(STEPS * STEP_WORDS * 8);
  const tapes = Object.fromEntries(
    Object.entries(tapeLengths).map(([name, length]) => [name, take(length(layers.length) * INSTRUCTION_WORDS * 4)]),
  ) as Record<TapeName, number>;
  const values = take(rows * 8);
  const hits = take(rows * 4);
  const penalties = take(layers.reduce((sum, shape) => sum + (shape.kind === "dense" ? blocksOf(shape.weights.length) : 0), 0) * 8);
  const squares = take(topology.runs.reduce((sum, { length }) => sum + blocksOf(length), 0) * 8);
  const unitSlopes = take(Math.max(...layers.map(({ units }) => units)) * 4);
  const wholeVectors = (columns: number): number => 4 * Math.ceil(columns / 4);
  const sampleFigures = take(wholeVectors(topology.inputs) * FIGURE_WORDS * 4);
  const figures = layers.map(({ units }): FigureBuffers => ({
    figures: take(wholeVectors(units) * BOTH_FIGURE_WORDS * 4), sumsHistogram: take(HISTOGRAM_BYTES), activationsHistogram: take(HISTOGRAM_BYTES),
  }));
  const samples = take(rows * sampleStride * 4);
  const targets = take(rows * rowStride(outputs) * 4);
  const weights = take(rows * 4);
  const buffers = layers.map((shape): LayerBuffers => {
    const { kind, spec, units } = shape;
    const stride = rowStride(units);
    const sums = take(passesAll(shape, true) ? 0 : rows * stride * 4);
    const activations = kind === "dense" && savesSums(spec.activation) ? take(rows * stride * 4) : sums;
    const panels = Math.ceil(units / 8);
    const kept = take(kind === "dropout" ? rows * panels : kind === "batchNorm" ? NORM_ROWS * panels * 32 : kind === "layerNorm" ? NORM_ROWS * rows * 4 : 0);
    return { sums, activations, stride, kept };
  });
  const gradients = [take(rows * widest * 4), take(rows * widest * 4)] as const;
  const order = take(demand.orderLength * 4);
  const window = take(demand.windowRows * topology.inputs * 4);
  const targetWindow = take(demand.windowRows * demand.targetWidth * 4);
  const weightWindow = take(demand.weighted ? demand.windowRows * 4 : 0);

  return {
    demand, byteLength: at, block, parameters, gradient, slots, snapshot, best, average, panel, panelBytes, shares, steps, tapes, values, hits, penalties, squares,
    unitSlopes, sampleFigures, figures, rows, chunk, samples, sampleStride, targets, weights, layers: buffers, gradients, order, window, targetWindow, weightWindow,
  };
}
