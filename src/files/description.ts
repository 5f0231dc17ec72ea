// The description of a network in its file: one JSON object, what a user would write to make it again, and the counters that
// training carries. Defaults are left out, so that the header of a thousand layers stays below its limit.
//
//   { version, seed, inputs, layers: [{ kind, units, activation, … }], loss?, epochs?,
//     optimizer?, progress?: { steps, muProduct, plateauScale, plateauBest, plateauWait },
//     unfinished?: { hash, samples, epoch, order, steps, ended, lossSum, weightSum, hits, best: { measure, epoch }, outputs } }
//
// Reading checks every value by the same rules as the user's own, and takes no key that is not listed here.

import { ModelFormatError, checkBoolean, checkFinite, checkInteger, checkKeys, wrongKind, wrongValue } from "../check.js";
import { defaultWeightInit } from "../describe/initializers.js";
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
  const { hash, samples, epoch, order, steps, ended, lossSum, weightSum, hits, best } = record;
  return {
    hash, samples, epoch, order, steps, ended, lossSum, weightSum, hits,
    best: { measure: best.measure ?? null, epoch: best.epoch, saved: hasBest },
    outputs: outputRows ?? null,
  };
}

/**
 * Reads a description.
 * @throws {ModelFormatError} `badDescription` for anything that the library would not have written
 */
export function readDescription(text: string): Description {
  const json = plain(parseJSON(text, { subject: "load: the description", invalidCode: "badDescription", loneSurrogates: true }));
  try {
    return checkDescription(json);
  } catch (cause) {
    if (cause instanceof ModelFormatError) throw cause;
    throw new ModelFormatError("badDescription", `load: the description: ${(cause as Error).message}`);
  }
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
  const progress = given.progress === undefined ? undefined : checkProgress(given.progress);
  if (given.unfinished === undefined) return { network, loss, epochs, optimizer, progress, unfinished: undefined, outputRows: undefined, hasBest: false };
  const record = checkUnfinished(given.unfinished, epochs);
  if ((optimizer === undefined || loss === undefined) && record.unfinished?.weightSum !== 0) {
    throw new TypeError("expected an optimizer and a loss with an unfinished fit that has made steps, got none");
  }
  return { network, loss, epochs, optimizer, progress, ...record };
}

function checkProgress(value: unknown): OptimizerProgress {
  const given = checkKeys("progress", value, ["steps", "muProduct", "plateauScale", "plateauBest", "plateauWait"]);
  return {
    steps: checkInteger("progress.steps", given.steps, 0, MOST),
    muProduct: checkFinite("progress.muProduct", given.muProduct, { min: 0, max: 1 }),
    plateauScale: checkFinite("progress.plateauScale", given.plateauScale, { min: 0, max: 1 }),
    plateauBest: optionalNumber("progress.plateauBest", given.plateauBest),
    plateauWait: checkInteger("progress.plateauWait", given.plateauWait, 0, MOST),
  };
}

/** A finite f64 (a sum or a measure may pass f32), or null for none. */
function optionalNumber(subject: string, value: unknown): number | undefined {
  return value === null ? undefined : checkNumber(subject, value);
}

function checkNumber(subject: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isFinite(value)) throw wrongKind(subject, "a finite number", value);
  return value;
}

function checkUnfinished(value: unknown, epochs: number): Pick<Description, "unfinished" | "outputRows" | "hasBest"> {
  const keys = ["hash", "samples", "epoch", "order", "steps", "ended", "lossSum", "weightSum", "hits", "best", "outputs"];
  const given = checkKeys("unfinished", value, keys);
  const best = checkKeys("unfinished.best", given.best, ["measure", "epoch", "saved"]);
  if (typeof given.hash !== "string" || !/^[0-9a-f]{16}$/.test(given.hash)) throw wrongKind("unfinished.hash", "16 hexadecimal digits", given.hash);
  const epoch = checkInteger("unfinished.epoch", given.epoch, 1, 2 ** 31 - 1);
  const bestEpoch = checkInteger("unfinished.best.epoch", best.epoch, 0, epoch);
  const hasBest = checkBoolean("unfinished.best.saved", best.saved);
  if (hasBest && bestEpoch === 0) throw wrongValue("unfinished.best.saved", "false while no epoch has ended", best.saved);
  return {
    unfinished: {
      hash: given.hash,
      samples: checkInteger("unfinished.samples", given.samples, 1, MOST),
      epoch,
      order: checkInteger("unfinished.order", given.order, epochs, epochs),
      steps: checkInteger("unfinished.steps", given.steps, 0, MOST),
      ended: checkBoolean("unfinished.ended", given.ended),
      lossSum: checkNumber("unfinished.lossSum", given.lossSum),
      weightSum: checkNumber("unfinished.weightSum", given.weightSum),
      hits: checkInteger("unfinished.hits", given.hits, 0, MOST),
      best: { measure: optionalNumber("unfinished.best.measure", best.measure), epoch: bestEpoch, saved: hasBest },
      outputs: undefined,
    },
    outputRows: given.outputs === null ? undefined : checkInteger("unfinished.outputs", given.outputs, 0, 2 ** 31 - 1),
    hasBest,
  };
}
