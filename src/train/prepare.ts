// The arguments of fit and trainBatch, checked against the network and the data: all of it before anything changes.

import { at, describeValue, firstNonFinite, isArray } from "../check.js";
import { checkFitOptions } from "../describe/fit.js";
import type { CheckedFitOptions } from "../describe/fit.js";
import { outputActivationOf } from "../describe/layers.js";
import { checkLossFits, decisionRule, isClassifierLoss } from "../describe/losses.js";
import type { Loss } from "../describe/losses.js";
import type { Metric } from "../describe/metrics.js";
import { adam } from "../describe/optimizers.js";
import type { Optimizer } from "../describe/optimizers.js";
import type { Model } from "../model.js";
import { PIECE, finish, inPieces } from "../pieces.js";
import type { Pieces } from "../pieces.js";
import { permutationInPieces } from "../random.js";
import { checkWeights, samplesInPieces } from "../samples.js";
import { targetValuesInPieces, targetsInPieces } from "../targets.js";
import type { SampleReader } from "../samples.js";
import type { TargetReader } from "../targets.js";
import { heldOutCount, splitInPieces } from "./split.js";
import type { Split } from "./split.js";

/** Samples with their targets. */
export interface LabelledData {
  readonly samples: SampleReader;
  readonly targets: TargetReader;
}

/** A call of fit, checked, wherever its samples come from. */
export interface PreparedFit {
  readonly options: CheckedFitOptions;
  readonly optimizer: Optimizer;
  readonly loss: Loss;
  /** What is reported; and what is measured: with the monitored metric. */
  readonly metrics: readonly Metric[];
  readonly validation: LabelledData | undefined;
  /** Whether targets are classes, one of several or yes or no. */
  readonly hasClasses: boolean;
  /** Samples of a step. */
  readonly batch: number;
  /** Samples of the call and steps of an epoch; 0 and Infinity where nobody knows. */
  readonly count: number;
  readonly stepsPerEpoch: number;
}

/** The part of it that no data but validationData decides. */
type PreparedOptions = Omit<PreparedFit, "batch" | "count" | "stepsPerEpoch">;

/** A call of fit whose samples lie in memory. */
export interface PreparedData extends PreparedFit, LabelledData {
  /** Indices of the samples that train, ascending, and of those that validationSplit held out. */
  readonly training: Uint32Array;
  readonly heldOut: Uint32Array;
  /** Class weight × sample weight of each sample, or undefined for all 1. */
  readonly weights: Float32Array | undefined;
}

/** The activation of a network's output, linear behind a last layer that is not dense. */
export function outputActivation(model: Model) {
  return outputActivationOf(model.description.layers);
}

/** Samples and targets of one call, in pieces. `names` are what messages call them. */
export function* dataInPieces(
  model: Model, inputs: unknown, targets: unknown, loss: Loss, names: readonly [inputs: string, targets: string] = ["inputs", "targets"],
): Pieces<LabelledData> {
  const { topology } = model;
  const samples = yield* samplesInPieces(names[0], apart(model, inputs), topology.inputs);
  const reader = yield* targetsInPieces(names[1], apart(model, targets), samples.count, topology.outputs, { classIndices: loss.name === "crossEntropy" });
  yield* targetValuesInPieces(names[1], reader, loss);
  return { samples, targets: reader };
}

/** `dataInPieces` at once. */
export function checkData(model: Model, inputs: unknown, targets: unknown, loss: Loss): LabelledData {
  return finish(dataInPieces(model, inputs, targets, loss));
}

/** Data that lies in the network's own memory, such as a layer's view, as a copy: the memory may move, and training writes it. */
export function apart(model: Model, data: unknown): unknown {
  if (liesIn(model, data)) return data.slice();
  if (!isArray(data) || !ArrayBuffer.isView(data[0])) return data;
  return data.some((row) => liesIn(model, row)) ? data.map((row: unknown) => (liesIn(model, row) ? row.slice() : row)) : data;
}

function liesIn({ core }: Model, data: unknown): data is Float32Array {
  return ArrayBuffer.isView(data) && !(data instanceof DataView) && data.buffer === core.buffer;
}

/** Checks what the options say, in pieces. */
export function* prepareOptions(model: Model, options: CheckedFitOptions): Pieces<PreparedOptions> {
  const { topology } = model;
  const { optimizer, loss } = chosen(model, options);
  checkLossFits(loss, outputActivation(model), "fit: loss");
  const classifier = isClassifierLoss(loss);
  const metrics = [...(options.metrics ?? (classifier ? (["accuracy"] as const) : []))];
  const monitor = options.earlyStopping?.monitor ?? "loss";
  if (monitor !== "loss" && !metrics.includes(monitor)) metrics.push(monitor);

  const rule = decisionRule(loss.name, outputActivation(model).name, topology.outputs);
  const hasClasses = classifier && (topology.outputs === 1 || rule.argMax);
  const validation = options.validationData === undefined
    ? undefined
    : yield* dataInPieces(model, options.validationData[0], options.validationData[1], loss, ["fit: validationData[0]", "fit: validationData[1]"]);
  return { options, optimizer, loss, metrics, validation, hasClasses };
}

/** Optimizer and loss of a call: those given, else those of the last fit, else the defaults. */
function chosen(model: Model, options: CheckedFitOptions): Pick<PreparedFit, "optimizer" | "loss"> {
  return { optimizer: options.optimizer ?? model.optimizer ?? adam(), loss: options.loss ?? model.loss };
}

/** Checks a call of fit, in pieces. */
export function* prepareFit(model: Model, inputs: unknown, targets: unknown, given: unknown): Pieces<PreparedData> {
  const options = checkFitOptions(given);
  const { loss } = chosen(model, options);
  checkLossFits(loss, outputActivation(model), "fit: loss");
  const data = yield* dataInPieces(model, inputs, targets, loss);
  const { samples, targets: reader } = data;
  const common = yield* prepareOptions(model, options);
  const { hasClasses } = common;
  const classes = hasClasses && (options.validationSplit > 0 || options.classWeights !== undefined) ? yield* classList(reader) : undefined;
  const { training, validation: heldOut } = yield* split(model, options.validationSplit, samples.count, classes);
  const weights = yield* sampleWeights(model, options, samples.count, training, classes);
  const batch = Math.min(options.batchSize, training.length);
  return { ...common, ...data, training, heldOut, weights, batch, count: samples.count, stepsPerEpoch: Math.ceil(training.length / batch) };
}

/** The error for class weights where there are no classes. */
export function noClasses(): Error {
  return new Error(
    "fit: classWeights: expected targets that are classes (a loss crossEntropy, binaryCrossEntropy with one output, or hinge), got another loss. Use sampleWeights",
  );
}

function* classList(targets: TargetReader): Pieces<Int32Array> {
  const classes = new Int32Array(targets.count);
  yield* inPieces(targets.count, PIECE, (begin, end) => {
    for (let i = begin; i < end; i++) classes[i] = targets.classAt(i);
  });
  return classes;
}

/** Training and held-out indices, drawn by the seed alone, stratified where there are classes. */
function* split(model: Model, fraction: number, count: number, classes: Int32Array | undefined): Pieces<Split> {
  if (fraction === 0) {
    const training = new Uint32Array(count);
    for (let i = 0; i < count; i++) training[i] = i;
    return { training, validation: new Uint32Array(0) };
  }
  if (heldOutCount(count, fraction) >= count) {
    const got = `${fraction} of ${count} ${count === 1 ? "sample" : "samples"}`;
    throw new RangeError(`fit: validationSplit: expected at least one sample left for training, got ${got}. Lower it or add samples`);
  }
  const permutation = yield* permutationInPieces(count, model.description.seed, "split", 0);
  return yield* splitInPieces(count, fraction, classes, permutation);
}

/** The weight of each sample: its own times that of its class. */
function* sampleWeights(
  model: Model, options: CheckedFitOptions, count: number, training: Uint32Array, classes: Int32Array | undefined,
): Pieces<Float32Array | undefined> {
  const { classWeights } = options;
  const { outputs } = model.topology;
  if (classWeights === undefined && options.sampleWeights === undefined) return undefined;
  const own = options.sampleWeights === undefined ? undefined : checkWeights("fit: sampleWeights", apart(model, options.sampleWeights), count);
  const weights = new Float32Array(count).fill(1);
  yield;
  if (own !== undefined) {
    yield* inPieces(count, PIECE, (begin, end) => {
      for (let i = begin; i < end; i++) weights[i] = own[i];
    });
  }
  if (classWeights === undefined) return weights;
  const subject = at("fit", "classWeights");
  if (classes === undefined) throw noClasses();
  const byClass = classWeights === "balanced" ? balancedWeights(classes, training, Math.max(2, outputs)) : classWeights;
  checkWeights(subject, byClass, Math.max(2, outputs));
  yield* inPieces(count, PIECE, (begin, end) => {
    for (let i = begin; i < end; i++) weights[i] *= byClass[classes[i]];
  });
  const bad = firstNonFinite(weights);
  if (bad >= 0) {
    const got = `${describeValue(weights[bad])} for sample ${bad}`;
    throw new RangeError(`${subject}: expected products with sampleWeights that are finite in f32, got ${got}. Use smaller weights`);
  }
  return weights;
}

/** samples / (classes · samples of the class), over the training part; 0 for a class without samples. */
function balancedWeights(classes: Int32Array, training: Uint32Array, count: number): readonly number[] {
  const sizes = new Array<number>(count).fill(0);
  for (const index of training) sizes[classes[index]]++;
  return sizes.map((size) => (size === 0 ? 0 : training.length / (count * size)));
}

/** Everything that must be the same for a fit to be resumed, as 16 hexadecimal digits: options that shape the result, sizes, weights. */
export function* fitHash(call: PreparedData | PreparedFit): Pieces<string> {
  const { options, optimizer, loss, metrics, validation } = call;
  const { epochs, batchSize, shuffle, validationSplit, earlyStopping, gradientClip, averageWeights } = options;
  const weights = "weights" in call ? call.weights : undefined;
  const text = JSON.stringify({
    epochs, batchSize, optimizer, loss, shuffle, validationSplit, earlyStopping, gradientClip, averageWeights, metrics,
    ...("training" in call ? { samples: call.count, training: call.training.length } : { classWeights: options.classWeights ?? null }),
    validation: validation?.samples.count ?? null, weights: weights?.length ?? null,
  });
  const hash = new Hash();
  for (let i = 0; i < text.length; i++) hash.add(text.charCodeAt(i));
  if (weights !== undefined) {
    const bits = new Uint32Array(weights.buffer);
    yield* inPieces(bits.length, PIECE, (begin, end) => {
      for (let i = begin; i < end; i++) hash.add(bits[i]);
    });
  }
  return hash.digits();
}

/** FNV-1a of 64 bits (Fowler, Noll, Vo) over words of 32 bits. */
class Hash {
  private low = 0x84222325;
  private high = 0xcbf29ce4;

  add(word: number): void {
    const low = (this.low ^ word) >>> 0;
    // times 2^40 + 0x1b3, modulo 2^64
    const product = low * 0x1b3;
    this.high = (Math.imul(this.high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    this.low = product >>> 0;
  }

  digits(): string {
    return this.high.toString(16).padStart(8, "0") + this.low.toString(16).padStart(8, "0");
  }
}

/** Refuses parameters that are not finite: what cannot be saved cannot be trained either. */
export function checkFinite(model: Model, subject: string): void {
  const place = model.findNonFinite();
  if (place === undefined) return;
  throw new Error(`${subject}: expected finite parameters, got ${describeValue(place.value)} in ${place.tensor}. Write finite numbers into the layer's views`);
}
