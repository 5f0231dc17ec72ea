// A whole fit in f64, held against the library step by step: batches in the order that the seed draws, forward and backward through every kind of
// layer, penalties, clipping, the optimizer, averages, validation and the losses of epochs.
//
// Each step starts from the parameters that the library had before it, so that rounding does not add up over hundreds of steps and a bound of one
// step holds for each of them. What has memory, the optimizer's moments and the averages, is the oracle's own from the first step on.

import { Stream } from "../../assembly/codes.js";
import { splitSamples } from "../../src/train/split.js";
import type { BatchReport, EpochReport, Network } from "../../src/index.js";
import type { Described } from "../reproduce/networks.mjs";
import { DEFAULT_PRELU_SLOPE, elementwise, softmax, type OracleActivation } from "./activations.js";
import { dropoutMask, groupsOf, normalise, philoxWords, usesRunning, type NormOracle, type Normalised } from "./layers.js";
import { isFused, oneHot, outputGradient, sampleLoss, weightedSumGradient, type OracleLoss } from "./losses.js";
import { sampleShares, slopeOf, throughActivation, type OracleLayer } from "./network.js";
import { clipGradients, createOptimizer, optimizerStep, OPTIMIZER_DEFAULTS, type OracleOptimizerState } from "./optimizers.js";

export type LayerDescription =
  | { kind: "dense"; units: number; activation: OracleActivation; bias?: boolean; l1?: number; l2?: number; trainable?: boolean }
  | { kind: "dropout"; rate: number }
  | { kind: "batchNorm"; momentum?: number; epsilon?: number }
  | { kind: "layerNorm"; epsilon?: number };

type Dense = OracleLayer & { kind: "dense" };
type Dropout = { kind: "dropout"; rate: number; units: number; mask: Float64Array };
type Norm = NormOracle & { momentum: number };
type Layer = Dense | Dropout | Norm;
type Tensors = Record<string, Float64Array>;

const KEYS = ["weights", "biases", "slopes", "gain", "shift", "runningMean", "runningVariance"] as const;
const LEARNED = ["weights", "biases", "slopes", "gain", "shift"] as const;

/** What a layerNorm has of running statistics. */
const NONE = new Float64Array(0);

/** Fisher and Yates by Philox, each place drawn without bias (Lemire 2019), in bigints. */
export function permuted(list: readonly number[], seed: number, index: number, stream: number): number[] {
  const result = [...list];
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
  let drawn = 0;
  for (let i = list.length; i > 1; i--) {
    let product: bigint;
    do {
      product = BigInt(philoxWords([Math.floor(drawn / 4), 0, index, stream], key)[drawn % 4]) * BigInt(i);
      drawn++;
    } while (product % 2n ** 32n < 2n ** 32n % BigInt(i));
    const j = Number(product / 2n ** 32n);
    [result[i - 1], result[j]] = [result[j], result[i - 1]];
  }
  return result;
}

function layersOf({ inputs, layers }: Described): Layer[] {
  let width = inputs;
  return layers.map((layer): Layer => {
    if (layer.kind === "dropout") return { ...layer, units: width, mask: new Float64Array(0) };
    if (layer.kind !== "dense") {
      const of = (): Float64Array => new Float64Array(width);
      const running = layer.kind === "batchNorm" ? { runningMean: of(), runningVariance: of() } : { runningMean: NONE, runningVariance: NONE };
      return { epsilon: 1e-5, momentum: 0.1, ...layer, gain: of(), shift: of(), ...running };
    }
    const { units, activation, bias = true, l1 = 0, l2 = 0, trainable = true } = layer;
    const slopes = activation.name === "prelu" ? new Float64Array(activation.shared ? 1 : units).fill(activation.initialSlope ?? DEFAULT_PRELU_SLOPE) : null;
    const dense: Dense = { kind: "dense", inputs: width, units, activation, weights: new Float64Array(units * width), biases: bias ? new Float64Array(units) : null, slopes, l1, l2, trainable };
    width = units;
    return dense;
  });
}

function tensorsOf(layer: Layer, keys: readonly string[] = KEYS): Tensors {
  const tensors = layer as unknown as Partial<Record<string, Float64Array | null>>;
  return Object.fromEntries(keys.flatMap((key) => (tensors[key]?.length ? [[key, tensors[key]]] : [])));
}

/** What a layer made of its inputs, and what its gradients need of it. */
interface Passed { before: Float64Array; z: Float64Array; a: Float64Array; normalised?: Normalised }

function forward(layers: readonly Layer[], inputs: Float64Array, rows: number, training: boolean): Passed[] {
  let x = inputs;
  return layers.map((layer): Passed => {
    const before = x;
    const units = layer.kind === "dense" ? layer.units : x.length / rows;
    let z = x;
    let a: Float64Array = x;
    let normalised: Normalised | undefined;
    if (layer.kind === "dense") {
      z = Float64Array.from({ length: rows * units }, (_, at) => {
        const [row, j] = [Math.floor(at / units), at % units];
        let sum = layer.biases?.[j] ?? 0;
        for (let i = 0; i < layer.inputs; i++) sum += layer.weights[j * layer.inputs + i] * before[row * layer.inputs + i];
        return sum;
      });
      a = new Float64Array(z.length);
      for (let row = 0; row < rows; row++) {
        const sums = z.subarray(row * units, (row + 1) * units);
        a.set(layer.activation.name === "softmax" ? softmax(sums) : sums.map((value, j) => elementwise(layer.activation).value(value, slopeOf(layer, j))), row * units);
      }
    } else if (layer.kind === "dropout") a = training ? x.map((value, i) => value * layer.mask[i]) : x;
    else {
      normalised = normalise(layer, x, rows, training);
      a = normalised.normal.map((value, i) => layer.gain[i % units] * value + layer.shift[i % units]);
    }
    x = a;
    return { before, z, a, normalised };
  });
}

/** Gradients of every learned tensor from those of the outputs, or of the last weighted sums where they come in one piece with the loss. */
function backward(layers: readonly Layer[], passed: readonly Passed[], last: Float64Array, fused: boolean, rows: number): Tensors[] {
  let d = last;
  const found: Tensors[] = [];
  for (let l = layers.length - 1; l >= 0; l--) {
    const layer = layers[l];
    const { before, z, a, normalised } = passed[l];
    const units = a.length / rows;
    if (layer.kind === "dropout") {
      d = d.map((g, i) => g * layer.mask[i]);
      found.unshift({});
      continue;
    }
    if (layer.kind !== "dense") {
      const { normal, inverse } = normalised!;
      const gradients = { gain: new Float64Array(units), shift: new Float64Array(units) };
      d.forEach((g, i) => { gradients.gain[i % units] += g * normal[i]; gradients.shift[i % units] += g; });
      found.unshift(gradients);
      const h = d.map((g, i) => g * layer.gain[i % units]);
      const dx = new Float64Array(d.length);
      for (const group of groupsOf(layer.kind, rows, units)) {
        const share = usesRunning(layer, rows, true) ? 0 : 1 / group.length;
        const mean = share * group.reduce((sum, i) => sum + h[i], 0);
        const along = share * group.reduce((sum, i) => sum + h[i] * normal[i], 0);
        for (const i of group) dx[i] = (h[i] - mean - normal[i] * along) * inverse[i];
      }
      d = dx;
      continue;
    }
    const dz = new Float64Array(d.length);
    for (let row = 0; row < rows; row++) {
      const of = (values: Float64Array): Float64Array => values.subarray(row * units, (row + 1) * units);
      dz.set(fused && l === layers.length - 1 ? of(d) : throughActivation(layer, of(z), of(a), of(d)), row * units);
    }
    const gradients: Tensors = { weights: new Float64Array(layer.weights.length) };
    if (layer.biases) gradients.biases = new Float64Array(units);
    if (layer.slopes) gradients.slopes = new Float64Array(layer.slopes.length);
    const dx = new Float64Array(before.length);
    dz.forEach((g, at) => {
      const [row, j] = [Math.floor(at / units), at % units];
      if (layer.biases) gradients.biases[j] += g;
      if (layer.slopes && z[at] <= 0) gradients.slopes[layer.slopes.length === 1 ? 0 : j] += d[at] * z[at];
      for (let i = 0; i < layer.inputs; i++) {
        gradients.weights[j * layer.inputs + i] += g * before[row * layer.inputs + i];
        dx[row * layer.inputs + i] += g * layer.weights[j * layer.inputs + i];
      }
    });
    found.unshift(gradients);
    d = dx;
  }
  return found;
}

/** Where the library was furthest from the oracle. */
export interface Distance {
  /** Of losses before steps, relative. */
  stepLoss: number;
  /** Of parameters after a step, relative to the largest of their tensor or the learning rate. */
  parameters: number;
  /** Of the losses of epochs and of validations, relative. */
  epochLoss: number;
  /** Of what the fit leaves. */
  end: number;
  /** Steps that were followed, entries of parameters that were, and those whose sign (Lion's) hangs on rounding. */
  steps: number;
  entries: number;
  undecided: number;
}

const relative = (got: number, wanted: number): number => Math.abs(got - wanted) / Math.abs(wanted);

/** Follows a fit of a described network by its callbacks. */
export class Follower {
  readonly distance: Distance = { stepLoss: 0, parameters: 0, epochLoss: 0, end: 0, steps: 0, entries: 0, undecided: 0 };
  private readonly layers: Layer[];
  private readonly state: OracleOptimizerState;
  private readonly loss: OracleLoss;
  private readonly inputs: Float64Array;
  private readonly targets: Float64Array;
  private readonly weights: Float64Array;
  private readonly weighted: boolean;
  private readonly training: number[];
  private readonly heldOut: number[];
  private readonly averages = new Map<Float64Array, Float64Array>();
  private readonly bests: Float64Array[][] = [];
  private order: number[] = [];
  private lossSum = 0;
  private weightSum = 0;

  constructor(private readonly described: Described, network: Network) {
    const { data, options: { optimizer, loss, validationSplit = 0, classWeights }, seed } = described;
    const { inputs, targets, sampleWeights } = data();
    this.layers = layersOf(described);
    this.state = createOptimizer({ ...optimizer });
    const output = (this.layers[this.layers.length - 1] as Dense).activation.name;
    this.loss = loss ?? { name: output === "softmax" ? "crossEntropy" : output === "sigmoid" ? "binaryCrossEntropy" : "meanSquaredError" };
    this.inputs = Float64Array.from(inputs);
    const labels = Array.isArray(targets) ? targets : undefined;
    this.targets = labels !== undefined && network.outputs > 1 ? oneHot(labels, network.outputs) : Float64Array.from(targets);
    const count = inputs.length / described.inputs;
    const all = Array.from({ length: count }, (_, i) => i);
    const split = validationSplit === 0 ? undefined : splitSamples(count, validationSplit, labels, Uint32Array.from(permuted(all, seed, 0, Stream.split)));
    this.training = split === undefined ? all : [...split.training];
    this.heldOut = split === undefined ? [] : [...split.validation];
    const classCount = Math.max(2, network.outputs);
    const byClass = classWeights === "balanced"
      ? Array.from({ length: classCount }, (_, c) => this.training.length / (classCount * this.training.filter((i) => labels![i] === c).length))
      : classWeights;
    this.weighted = byClass !== undefined || sampleWeights !== undefined;
    this.weights = Float64Array.from({ length: count }, (_, i) => (sampleWeights?.[i] ?? 1) * (byClass?.[labels![i]] ?? 1));
    this.take(network);
  }

  /** The library's parameters become the oracle's. */
  private take(network: Network): void {
    this.layers.forEach((layer, l) => {
      for (const [key, values] of Object.entries(tensorsOf(layer))) values.set(network.layers[l][key as (typeof KEYS)[number]]!);
    });
  }

  private rowsOf(rows: readonly number[]): { inputs: Float64Array; targets: Float64Array; shares: Float64Array } {
    const [width, outputs] = [this.described.inputs, this.targets.length / this.weights.length];
    const pick = (values: Float64Array, n: number): Float64Array => Float64Array.from(rows.flatMap((i) => [...values.subarray(i * n, (i + 1) * n)]));
    return { inputs: pick(this.inputs, width), targets: pick(this.targets, outputs), shares: sampleShares(rows.length, this.weighted ? rows.map((i) => this.weights[i]) : undefined) };
  }

  private lossOf({ z, a }: Passed, targets: Float64Array, shares: Float64Array): number {
    const n = targets.length / shares.length;
    const output = (this.layers[this.layers.length - 1] as Dense).activation.name;
    return shares.reduce((sum, share, s) => {
      const [sums, outputs, wanted] = [z, a, targets].map((values) => values.subarray(s * n, (s + 1) * n));
      return sum + share * sampleLoss(this.loss, output, sums, outputs, wanted);
    }, 0);
  }

  /** After a step: the loss that it had, and the parameters that it left. */
  step({ epoch, step, loss, learningRate }: BatchReport, network: Network): void {
    const { layers, distance, described: { seed, options } } = this;
    if (step === 1) {
      this.order = options.shuffle === false ? [...this.training] : permuted(this.training, seed, epoch, Stream.shuffle);
      this.lossSum = this.weightSum = 0;
    }
    const batch = this.order.slice((step - 1) * options.batchSize!, step * options.batchSize!);
    const rows = batch.length;
    const { inputs, targets, shares } = this.rowsOf(batch);
    layers.forEach((layer, l) => { if (layer.kind === "dropout") layer.mask = dropoutMask({ seed, epoch, step: step - 1, layer: l }, rows, layer.units, layer.rate); });

    const passed = forward(layers, inputs, rows, true);
    const last = passed[passed.length - 1];
    const penalty = layers.reduce((sum, layer) => (layer.kind === "dense" ? layer.weights.reduce((all, w) => all + layer.l1 * Math.abs(w) + layer.l2 * w * w, sum) : sum), 0);
    const expected = this.lossOf(last, targets, shares) + penalty;
    distance.stepLoss = Math.max(distance.stepLoss, relative(loss, expected));
    const weight = this.weighted ? batch.reduce((sum, i) => sum + this.weights[i], 0) : rows;
    this.lossSum += weight * expected;
    this.weightSum += weight;

    const { activation: { name: output }, units } = layers[layers.length - 1] as Dense;
    const fused = isFused(this.loss, output);
    const d = new Float64Array(targets.length);
    shares.forEach((share, s) => {
      const [z, a, t] = [last.z, last.a, targets].map((values) => values.subarray(s * units, (s + 1) * units));
      d.set((fused ? weightedSumGradient(this.loss, output, z, t) : outputGradient(this.loss, a, t)).map((g) => g * share), s * units);
    });
    const gradients = backward(layers, passed, d, fused, rows);
    const updated = layers.flatMap((layer, l) => {
      if (layer.kind === "dense" && !layer.trainable) return [];
      if (layer.kind === "dense") layer.weights.forEach((w, i) => { gradients[l].weights[i] += layer.l1 * Math.sign(w) + 2 * layer.l2 * w; });
      return LEARNED.flatMap((key) => (gradients[l][key] === undefined ? [] : [{ parameters: tensorsOf(layer)[key], gradients: gradients[l][key] }]));
    });
    if (options.gradientClip !== undefined) clipGradients(updated.map((tensor) => tensor.gradients), options.gradientClip);
    const undecided = this.undecided(updated);
    this.state.optimizer = { ...this.state.optimizer, learningRate };
    optimizerStep(this.state, updated);
    layers.forEach((layer, l) => { if (layer.kind === "batchNorm") updateRunning(layer, passed[l].before, rows); });

    layers.forEach((layer, l) => {
      for (const [key, values] of Object.entries(tensorsOf(layer))) {
        const got = network.layers[l][key as (typeof KEYS)[number]]!;
        const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), learningRate);
        values.forEach((value, i) => {
          if (undecided.get(values)?.has(i)) return;
          distance.parameters = Math.max(distance.parameters, Math.abs(got[i] - value) / scale);
          distance.entries++;
        });
      }
    });
    distance.steps++;
    this.take(network);
    if (options.averageWeights !== undefined) this.average(options.averageWeights.decay);
  }

  /** Of Lion, the entries whose direction is nearer to 0 than f32 tells: 1e-5 of the largest. */
  private undecided(tensors: readonly { parameters: Float64Array; gradients: Float64Array }[]): Map<Float64Array, Set<number>> {
    const found = new Map<Float64Array, Set<number>>();
    if (this.state.optimizer.name !== "lion") return found;
    const { beta1 } = OPTIMIZER_DEFAULTS.lion;
    for (const { parameters, gradients } of tensors) {
      const moments = this.state.slots.get(parameters)?.first;
      const directions = gradients.map((g, i) => Math.abs(beta1 * (moments?.[i] ?? 0) + (1 - beta1) * g));
      const least = 1e-5 * directions.reduce((most, value) => Math.max(most, value), 0);
      const near = new Set([...directions.keys()].filter((i) => directions[i] <= least && directions[i] > 0));
      this.distance.undecided += near.size;
      found.set(parameters, near);
    }
    return found;
  }

  private average(decay: number): void {
    const averaged = this.layers.filter((layer) => layer.kind !== "dense" || layer.trainable).flatMap((layer) => Object.values(tensorsOf(layer, LEARNED)));
    for (const values of averaged) {
      const before = this.averages.get(values);
      this.averages.set(values, before === undefined ? values.slice() : before.map((run, i) => decay * run + (1 - decay) * values[i]));
    }
  }

  /** After an epoch: its loss and that of its validation. */
  epoch(report: EpochReport): void {
    const { layers, distance } = this;
    distance.epochLoss = Math.max(distance.epochLoss, relative(report.loss, this.lossSum / this.weightSum));
    const all = layers.flatMap((layer) => Object.values(tensorsOf(layer)));
    const kept = all.map((values) => values.slice());
    for (const values of all) values.set(this.averages.get(values) ?? values);
    this.bests.push(all.map((values) => values.slice()));
    if (this.heldOut.length > 0) {
      const { inputs, targets } = this.rowsOf(this.heldOut);
      const passed = forward(layers, inputs, this.heldOut.length, false);
      const expected = this.lossOf(passed[passed.length - 1], targets, sampleShares(this.heldOut.length));
      distance.epochLoss = Math.max(distance.epochLoss, relative(report.validation!.loss, expected));
    }
    all.forEach((values, i) => values.set(kept[i]));
  }

  /** After the fit: what it has left, of that epoch (from 1). */
  end(network: Network, epoch: number): void {
    const expected = this.bests[epoch - 1];
    let next = 0;
    this.layers.forEach((layer, l) => {
      for (const key of Object.keys(tensorsOf(layer))) {
        const got = network.layers[l][key as (typeof KEYS)[number]]!;
        const values = expected[next++];
        const scale = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
        values.forEach((value, i) => { if (value !== got[i]) this.distance.end = Math.max(this.distance.end, Math.abs(got[i] - value) / scale); });
      }
    });
  }
}

/** (1 − momentum)·running + momentum·batch, the variance unbiased. */
function updateRunning({ momentum, runningMean, runningVariance }: Norm, x: Float64Array, rows: number): void {
  if (rows === 1) return;
  const units = x.length / rows;
  for (let j = 0; j < units; j++) {
    const column = Array.from({ length: rows }, (_, row) => x[row * units + j]);
    const mean = column.reduce((sum, value) => sum + value, 0) / rows;
    const variance = column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (rows - 1);
    runningMean[j] = (1 - momentum) * runningMean[j] + momentum * mean;
    runningVariance[j] = (1 - momentum) * runningVariance[j] + momentum * variance;
  }
}
