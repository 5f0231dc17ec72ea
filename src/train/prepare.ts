// The arguments of fit and trainBatch, checked against the network and the data: all of it before anything changes.

import { at, describeValue } from "../check.js";
import { checkFitOptions } from "../describe/fit.js";
import type { CheckedFitOptions } from "../describe/fit.js";
import { checkLossFits, decisionRule, isClassifierLoss } from "../describe/losses.js";
import type { Loss } from "../describe/losses.js";
import type { Metric } from "../describe/metrics.js";
import { adam } from "../describe/optimizers.js";
import type { Optimizer } from "../describe/optimizers.js";
import { firstNonFinite } from "../model.js";
import type { Model } from "../model.js";
import { permute } from "../random.js";
import { checkSamples, checkTargets, checkTargetValues, checkWeights } from "../samples.js";
import type { SampleReader, TargetReader } from "../samples.js";
import { splitSamples } from "./split.js";

/** Samples with their targets. */
export interface LabelledData {
  readonly samples: SampleReader;
  readonly targets: TargetReader;
}

/** A call of fit, checked. */
export interface PreparedFit extends LabelledData {
  readonly options: CheckedFitOptions;
  readonly optimizer: Optimizer;
  readonly loss: Loss;
  /** What is reported; and what is measured: with the monitored metric. */
  readonly metrics: readonly Metric[];
  /** Indices of the samples that train, ascending, and of those that validationSplit held out. */
  readonly training: Uint32Array<ArrayBuffer>;
  readonly heldOut: Uint32Array<ArrayBuffer>;
  readonly validation: LabelledData | undefined;
  /** Class weight × sample weight of each sample, or undefined for all 1. */
  readonly weights: Float32Array | undefined;
}

/** The activation of a network's output. */
export function outputActivation(model: Model) {
  return model.description.layers[model.description.layers.length - 1].activation;
}

/** Samples and targets of one call. `prefix` stands before their names in messages. */
export function checkData(model: Model, inputs: unknown, targets: unknown, loss: Loss, names: readonly [inputs: string, targets: string] = ["inputs", "targets"]): LabelledData {
  const { topology } = model;
  const samples = checkSamples(names[0], inputs, topology.inputs);
  const classIndices = loss.name === "crossEntropy";
  const reader = checkTargets(names[1], targets, samples.count, topology.outputs, { classIndices });
  checkTargetValues(names[1], reader, loss);
  return { samples, targets: reader };
}

/** What is not there yet is refused by name, so that nobody believes it was used. */
function refuseUnsupported(options: CheckedFitOptions): void {
  if (options.averageWeights !== undefined) throw new Error("fit: averageWeights: this version does not average weights. Leave it out");
  if (options.monitor) throw new Error("fit: monitor: this version does not diagnose. Leave it out");
}

/** Checks a call of fit. */
export function prepareFit(model: Model, inputs: unknown, targets: unknown, given: unknown): PreparedFit {
  const options = checkFitOptions(given);
  refuseUnsupported(options);
  const { topology } = model;
  const optimizer = options.optimizer ?? model.optimizer ?? adam();
  const loss = options.loss ?? model.loss;
  checkLossFits(loss, outputActivation(model), "fit: loss");
  const data = checkData(model, inputs, targets, loss);
  const { samples, targets: reader } = data;
  const classifier = isClassifierLoss(loss);

  const metrics = [...(options.metrics ?? (classifier ? (["accuracy"] as const) : []))];
  const monitor = options.earlyStopping?.monitor ?? "loss";
  if (monitor !== "loss" && !metrics.includes(monitor)) metrics.push(monitor);

  const rule = decisionRule(loss.name, outputActivation(model).name, topology.outputs);
  const hasClasses = classifier && (topology.outputs === 1 || rule.argMax);
  const [training, heldOut] = split(model, options.validationSplit, samples.count, hasClasses ? reader : undefined);
  const validation = options.validationData === undefined
    ? undefined
    : checkData(model, options.validationData[0], options.validationData[1], loss, ["fit: validationData[0]", "fit: validationData[1]"]);

  const weights = sampleWeights(options, topology.outputs, samples.count, training, hasClasses ? reader : undefined);
  return { ...data, options, optimizer, loss, metrics, training, heldOut, validation, weights };
}

/** Training and held-out indices, drawn by the seed alone, stratified where there are classes. */
function split(model: Model, fraction: number, count: number, classes: TargetReader | undefined): readonly [Uint32Array<ArrayBuffer>, Uint32Array<ArrayBuffer>] {
  if (fraction === 0) return [Uint32Array.from({ length: count }, (_, i) => i), new Uint32Array(0)];
  const classList = classes === undefined ? undefined : Float64Array.from({ length: count }, (_, i) => classes.classAt(i));
  const parts = splitSamples(count, fraction, classList, permute(count, model.description.seed, "split", 0));
  return [Uint32Array.from(parts.training), Uint32Array.from(parts.validation)];
}

/** The weight of each sample: its own times that of its class. */
function sampleWeights(
  options: CheckedFitOptions, outputs: number, count: number, training: Uint32Array, classes: TargetReader | undefined,
): Float32Array | undefined {
  const { classWeights } = options;
  if (classWeights === undefined && options.sampleWeights === undefined) return undefined;
  const own = options.sampleWeights === undefined ? undefined : checkWeights("fit: sampleWeights", options.sampleWeights, count);
  const weights = Float32Array.from({ length: count }, (_, i) => own?.[i] ?? 1);
  if (classWeights === undefined) return weights;
  const subject = at("fit", "classWeights");
  if (classes === undefined) {
    throw new Error(`${subject}: expected targets that are classes (a loss crossEntropy, binaryCrossEntropy with one output, or hinge), got another loss. Use sampleWeights`);
  }
  const byClass = classWeights === "balanced" ? balancedWeights(classes, training, Math.max(2, outputs)) : classWeights;
  checkWeights(subject, byClass, Math.max(2, outputs));
  for (let i = 0; i < count; i++) weights[i] *= byClass[classes.classAt(i)];
  const bad = firstNonFinite(weights);
  if (bad >= 0) {
    const got = `${describeValue(weights[bad])} for sample ${bad}`;
    throw new RangeError(`${subject}: expected products with sampleWeights that are finite in f32, got ${got}. Use smaller weights`);
  }
  return weights;
}

/** samples / (classes · samples of the class), over the training part; 0 for a class without samples. */
function balancedWeights(classes: TargetReader, training: Uint32Array, count: number): readonly number[] {
  const sizes = new Array<number>(count).fill(0);
  for (const index of training) sizes[classes.classAt(index)]++;
  return sizes.map((size) => (size === 0 ? 0 : training.length / (count * size)));
}

/** Everything that must be the same for a fit to be resumed, as a string: options that shape the result, sizes, weights. */
export function fitHash(call: PreparedFit): string {
  const { options, optimizer, loss, metrics, samples, training, validation, weights } = call;
  const { epochs, batchSize, shuffle, validationSplit, earlyStopping, gradientClip } = options;
  const text = JSON.stringify({
    epochs, batchSize, optimizer, loss, shuffle, validationSplit, earlyStopping, gradientClip, metrics,
    samples: samples.count, training: training.length, validation: validation?.samples.count ?? null, weights: weights === undefined ? null : Array.from(weights),
  });
  return fnv1a(text);
}

/** FNV-1a of 64 bits (Fowler, Noll, Vo) over UTF-16 units, as 16 hexadecimal digits. */
function fnv1a(text: string): string {
  let low = 0x84222325;
  let high = 0xcbf29ce4;
  for (let i = 0; i < text.length; i++) {
    low = (low ^ text.charCodeAt(i)) >>> 0;
    // times 2^40 + 0x1b3, modulo 2^64
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}

/** Refuses parameters that are not finite: what cannot be saved cannot be trained either. */
export function checkFinite(model: Model, subject: string): void {
  const place = model.findNonFinite();
  if (place === undefined) return;
  throw new Error(`${subject}: expected finite parameters, got ${describeValue(place.value)} in ${place.tensor}. Write finite numbers into the layer's views`);
}
