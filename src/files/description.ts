// The description of a network in its file: one JSON object, what a user would write to make it again, and the counters that
// training carries. Defaults are left out, so that the header of a thousand layers stays below its limit.
//
//   { version, seed, inputs, layers: [{ kind, units, activation, … }], loss?, epochs?,
//     optimizer?, progress?: { steps, muProduct, plateauScale, plateauBest, plateauWait },
//     unfinished?: { hash, samples, epoch, order, steps, ended, lossSum, weightSum, hits, best: { measure, epoch }, averaged?, outputs, running? } }
//
// Reading checks every value by the same rules as the user's own, and takes no key that is not listed here.

import { ModelFormatError, checkBoolean, checkFinite, checkInteger, checkKeys, describeValue, isArray, isPlainObject, wrongKind, wrongValue } from "../check.js";
import { defaultWeightInit } from "../describe/initializers.js";
import type { CustomActivation, CustomSpec } from "../describe/customActivation.js";
import { batchNorm, checkNetwork, layerNorm, outputActivationOf } from "../describe/layers.js";
import type { LayerSpec, NetworkDescription } from "../describe/layers.js";
import { checkLossFits, resolveLoss } from "../describe/losses.js";
import type { Loss } from "../describe/losses.js";
import { resolveOptimizer } from "../describe/optimizers.js";
import type { Optimizer } from "../describe/optimizers.js";
import type { OptimizerProgress } from "../progress.js";
import type { UnfinishedFit } from "../progress.js";
import { parseJSON } from "./json.js";
import type { JSONValue } from "./json.js";

const VERSION = 1;
const MOST = Number.MAX_SAFE_INTEGER;
/** description → layers → layer → activation. */
const DEPTH = 4;
/** 1,000 layers have at most 4 objects and 30 values each. */
const OBJECTS = 5_000;
const VALUES = 50_000;
/** Above every finite f32: the weight of a sample stays below. */
const BEYOND_F32 = 2 ** 128;

/** All that a file says about a network beside its tensors. */
export interface Description {
  readonly network: NetworkDescription;
  readonly loss: Loss | undefined;
  readonly epochs: number;
  readonly optimizer: Optimizer | undefined;
  readonly progress: OptimizerProgress | undefined;
  /** Without its outputs; `outputRows` says how many rows of them the file holds, undefined for none. */
  readonly unfinished: UnfinishedFit | undefined;
  readonly outputRows: number | undefined;
  /** Whether the file holds best weights. */
  readonly hasBest: boolean;
}

/** What has no parameters is its name, as a user would write it. */
function brief(spec: { readonly name: string }): unknown {
  if ("custom" in spec) return { custom: (spec as CustomSpec).custom.name };
  return Object.keys(spec).length === 1 ? spec.name : spec;
}

function layerToJSON(spec: LayerSpec): unknown {
  if (spec.kind === "dropout") return spec;
  if (spec.kind !== "dense") {
    const usual: LayerSpec = spec.kind === "batchNorm" ? batchNorm() : layerNorm();
    return Object.fromEntries(Object.entries(spec).filter(([key, value]) => key === "kind" || value !== usual[key as keyof typeof usual]));
  }
  const { kind, units, activation, bias, weightInit, biasInit, l1, l2, trainable } = spec;
  const usual = JSON.stringify(defaultWeightInit(activation)) === JSON.stringify(weightInit);
  return {
    kind, units,
    activation: brief(activation),
    ...(bias ? {} : { bias }),
    ...(usual ? {} : { weightInit: brief(weightInit) }),
    ...(biasInit.name === "zeros" ? {} : { biasInit: brief(biasInit) }),
    ...(l1 === 0 ? {} : { l1 }),
    ...(l2 === 0 ? {} : { l2 }),
    ...(trainable ? {} : { trainable }),
  };
}

/** The description as JSON; the same state gives the same text. */
export function writeDescription(description: Description): string {
  const { network, loss, epochs, optimizer, progress, unfinished, outputRows, hasBest } = description;
  return JSON.stringify({
    version: VERSION,
    seed: network.seed,
    inputs: network.inputs,
    layers: network.layers.map(layerToJSON),
    ...(loss === undefined ? {} : { loss: brief(loss) }),
    ...(epochs === 0 ? {} : { epochs }),
    ...(optimizer === undefined ? {} : { optimizer }),
    ...(progress === undefined ? {} : { progress: { ...progress, plateauBest: progress.plateauBest ?? null } }),
    ...(unfinished === undefined ? {} : { unfinished: unfinishedToJSON(unfinished, outputRows, hasBest) }),
  });
}

function unfinishedToJSON(record: UnfinishedFit, outputRows: number | undefined, hasBest: boolean): unknown {
  const { hash, samples, epoch, order, steps, ended, lossSum, weightSum, hits, best, averaged, running } = record;
  return {
    hash, samples, epoch, order, steps, ended, lossSum, weightSum, hits,
    best: { measure: best.measure ?? null, epoch: best.epoch, saved: hasBest },
    ...(averaged ? { averaged } : {}),
    outputs: outputRows ?? null,
    ...(running === undefined ? {} : { running: [...running] }),
  };
}

/**
 * Reads a description.
 * @throws {ModelFormatError} `badDescription` for anything that the library would not have written
 */
export function readDescription(text: string, activations: ReadonlyMap<string, CustomActivation> = new Map()): Description {
  const json = parseJSON(text, { subject: "load: the description", invalidCode: "badDescription", maxDepth: DEPTH, maxValues: VALUES, maxObjects: OBJECTS, keys: KEYS, loneSurrogates: true });
  try {
    return checkDescription(giveActivations(plain(json), activations));
  } catch (cause) {
    if (cause instanceof ModelFormatError) throw cause;
    throw new ModelFormatError("badDescription", `load: the description: ${(cause as Error).message}`);
  }
}

/** Every key that a description may have at any depth. A name of the file becomes a property only if it is one of these. */
const KEYS: ReadonlySet<string> = new Set([
  "version", "seed", "inputs", "layers", "loss", "epochs", "optimizer", "progress", "unfinished",
  "kind", "units", "activation", "bias", "weightInit", "biasInit", "l1", "l2", "trainable", "name",
  "slope", "initialSlope", "shared", "alpha", "approximate", "value", "low", "high", "mean", "deviation", "delta", "labelSmoothing",
  "learningRate", "momentum", "nesterov", "decay", "epsilon", "beta1", "beta2", "weightDecay", "momentumDecay",
  "initial", "factor", "every", "rate", "steps", "final", "max", "warmupShare", "divide", "finalDivide", "patience", "minDelta", "minimum", "warmupSteps",
  "muProduct", "plateauScale", "plateauBest", "plateauWait",
  "hash", "samples", "epoch", "order", "ended", "lossSum", "weightSum", "hits", "best", "averaged", "outputs", "running", "measure", "saved", "custom",
]);

/** Maps as objects without a prototype, which is what the checks take. The keys are those of the list. */
/** Custom activations in the place of their names. */
function giveActivations(json: unknown, activations: ReadonlyMap<string, CustomActivation>): unknown {
  const layers = isPlainObject(json) ? json.layers : undefined;
  if (!isArray(layers)) return json;
  layers.forEach((layer, i) => {
    if (!isPlainObject(layer) || !isPlainObject(layer.activation)) return;
    const { activation } = layer;
    if (!Object.hasOwn(activation, "custom")) {
      // functions cannot come out of a file, so that what only looks like a custom activation is none
      if (Object.hasOwn(activation, "forward") || Object.hasOwn(activation, "derivative")) checkKeys(`layers[${i}].activation`, activation, ["name"]);
      return;
    }
    const { custom: name } = checkKeys(`layers[${i}].activation`, activation, ["custom"]);
    const custom = typeof name === "string" ? activations.get(name) : undefined;
    if (typeof name === "string" && custom === undefined) {
      const message = `load: layers[${i}].activation: expected the custom activation ${describeValue(name)} in the option activations, got none of that name. Write Network.load(bytes, { activations: [it] })`;
      throw new ModelFormatError("missingActivation", message);
    }
    if (custom === undefined) throw wrongKind(`layers[${i}].activation.custom`, "the name of a custom activation", name);
    layer.activation = custom;
  });
  return json;
}

/** Maps as objects without a prototype, which is what the checks take. */
function plain(value: JSONValue): unknown {
  if (Array.isArray(value)) return value.map(plain);
  if (!(value instanceof Map)) return value;
  const object: Record<string, unknown> = Object.create(null);
  for (const [key, member] of value) object[key] = plain(member);
  return object;
}

function checkDescription(json: unknown): Description {
  const keys = ["version", "seed", "inputs", "layers", "loss", "epochs", "optimizer", "progress", "unfinished"];
  const given = checkKeys("description", json, keys);
  if (given.version !== VERSION) {
    throw wrongValue("version", String(VERSION), given.version, "The file was written by another version of the library");
  }
  const network = checkNetwork({ inputs: given.inputs, layers: given.layers, seed: given.seed ?? null });
  const loss = given.loss === undefined ? undefined : resolveLoss(given.loss, "loss");
  if (loss !== undefined) checkLossFits(loss, outputActivationOf(network.layers), "loss");
  const epochs = given.epochs === undefined ? 0 : checkInteger("epochs", given.epochs, 0, MOST);
  const optimizer = given.optimizer === undefined ? undefined : resolveOptimizer(given.optimizer, "optimizer");
  if ((optimizer === undefined) !== (given.progress === undefined)) throw new TypeError("expected an optimizer with its progress, got one without the other");
  const progress = optimizer === undefined ? undefined : checkProgress(given.progress, optimizer);
  if (given.unfinished === undefined) return { network, loss, epochs, optimizer, progress, unfinished: undefined, outputRows: undefined, hasBest: false };
  const outputs = network.layers.reduce((width, layer) => ("units" in layer ? layer.units : width), network.inputs);
  const record = checkUnfinished(given.unfinished, epochs, outputs);
  if ((optimizer === undefined || loss === undefined) && record.unfinished?.weightSum !== 0) {
    throw new TypeError("expected an optimizer and a loss with an unfinished fit that has made steps, got none");
  }
  return { network, loss, epochs, optimizer, progress, ...record };
}

function checkProgress(value: unknown, { name, learningRate }: Optimizer): OptimizerProgress {
  const given = checkKeys("progress", value, ["steps", "muProduct", "plateauScale", "plateauBest", "plateauWait"]);
  const progress: OptimizerProgress = {
    steps: checkInteger("progress.steps", given.steps, 0, MOST),
    muProduct: checkFinite("progress.muProduct", given.muProduct, { min: 0, max: 1 }),
    plateauScale: checkFinite("progress.plateauScale", given.plateauScale, { min: 0, max: 1 }),
    plateauBest: optionalNumber("progress.plateauBest", given.plateauBest),
    plateauWait: checkInteger("progress.plateauWait", given.plateauWait, 0, MOST),
  };
  if (progress.muProduct !== 1 && (name !== "nadam" || progress.steps === 0)) {
    throw wrongValue("progress.muProduct", "1 but after steps of nadam", progress.muProduct);
  }
  const plateau = typeof learningRate !== "number" && learningRate.name === "reduceOnPlateau" ? learningRate : undefined;
  if (plateau === undefined && (progress.plateauScale !== 1 || progress.plateauBest !== undefined || progress.plateauWait !== 0)) {
    throw new RangeError("progress: expected no plateau without the schedule reduceOnPlateau, got one");
  }
  if (plateau !== undefined && progress.plateauWait > plateau.patience) {
    throw wrongValue("progress.plateauWait", `at most the schedule's patience ${plateau.patience}`, progress.plateauWait);
  }
  return progress;
}

/** A finite f64 (a sum or a measure may pass f32), or null for none. */
function optionalNumber(subject: string, value: unknown): number | undefined {
  return value === null ? undefined : checkNumber(subject, value);
}

function checkNumber(subject: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrongKind(subject, "a finite number", value);
  return value;
}

function checkNumbers(subject: string, value: unknown): Float64Array {
  if (!isArray(value)) throw wrongKind(subject, "an array of numbers", value);
  return Float64Array.from(value, (number, i) => checkNumber(`${subject}[${i}]`, number));
}

/**
 * A record of which no count contradicts another: a batch has a sample at least, a step adds its sums, an epoch that has not ended is not the best.
 * What the options of the fit decide is compared by resume. A fit on a source of chunks, whose samples nobody knows, has 0 of them.
 */
function checkUnfinished(value: unknown, epochs: number, width: number): Pick<Description, "unfinished" | "outputRows" | "hasBest"> {
  const keys = ["hash", "samples", "epoch", "order", "steps", "ended", "lossSum", "weightSum", "hits", "best", "averaged", "outputs", "running"];
  const given = checkKeys("unfinished", value, keys);
  const best = checkKeys("unfinished.best", given.best, ["measure", "epoch", "saved"]);
  if (typeof given.hash !== "string" || !/^[0-9a-f]{16}$/.test(given.hash)) throw wrongKind("unfinished.hash", "16 hexadecimal digits", given.hash);
  const samples = checkInteger("unfinished.samples", given.samples, 0, MOST);
  const most = samples === 0 ? MOST : samples;
  const order = checkInteger("unfinished.order", given.order, epochs, epochs);
  const epoch = checkInteger("unfinished.epoch", given.epoch, 1, Math.min(order, 2 ** 31 - 1));
  const ended = checkBoolean("unfinished.ended", given.ended);
  const outputRows = given.outputs === null ? undefined : checkInteger("unfinished.outputs", given.outputs, 1, Math.min(most, 2 ** 31 - 1));
  const steps = checkInteger("unfinished.steps", given.steps, ended ? 1 : 0, outputRows ?? most);
  const weightSum = checkSum("unfinished.weightSum", given.weightSum, steps, most * BEYOND_F32);
  if (weightSum < 0) throw wrongValue("unfinished.weightSum", "a number from 0 up", weightSum);
  const lossSum = checkSum("unfinished.lossSum", given.lossSum, weightSum, Infinity);
  const hits = checkInteger("unfinished.hits", given.hits, 0, weightSum === 0 ? 0 : most * width);
  const bestEpoch = checkInteger("unfinished.best.epoch", best.epoch, 0, ended ? epoch : epoch - 1);
  const measure = optionalNumber("unfinished.best.measure", best.measure);
  if ((measure === undefined) !== (bestEpoch === 0)) throw wrongValue("unfinished.best.measure", "a number from the best epoch on, and null before", best.measure);
  const saved = checkBoolean("unfinished.best.saved", best.saved);
  if (saved && bestEpoch === 0) throw wrongValue("unfinished.best.saved", "false while no epoch has ended", best.saved);
  return {
    unfinished: {
      hash: given.hash, samples, epoch, order, steps, ended, lossSum, weightSum, hits, best: { measure, epoch: bestEpoch, saved },
      averaged: given.averaged === undefined ? false : checkBoolean("unfinished.averaged", given.averaged),
      outputs: undefined,
      running: given.running === undefined ? undefined : checkNumbers("unfinished.running", given.running),
    },
    outputRows,
    hasBest: saved,
  };
}

/** A finite sum of at most that magnitude, 0 while nothing was added. */
function checkSum(subject: string, value: unknown, added: number, most: number): number {
  const sum = checkNumber(subject, value);
  if (added === 0 && sum !== 0) throw wrongValue(subject, "0 while nothing was added", sum);
  if (Math.abs(sum) > most) throw wrongValue(subject, `a magnitude of at most ${most}`, sum);
  return sum;
}
