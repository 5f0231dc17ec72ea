// compareActivations: the same network with each of several activations on the same folds, side by side in worker threads where there are cores. Each network
// is a job of its own (job.ts), whose numbers depend on neither its place nor its time, so the result is that of one after the other.

import { at, checkInteger, checkKeys, isArray, refusal, typedArrayName, wrongKind, wrongValue } from "../check.js";
import { formatActivation, resolveActivation } from "../describe/activations.js";
import type { ActivationName, ActivationSpec } from "../describe/activations.js";
import type { CustomActivation } from "../describe/customActivation.js";
import type { Finding } from "../describe/diagnosis.js";
import { checkFitOptions, fitOptionNames } from "../describe/fit.js";
import type { FitOptions } from "../describe/fit.js";
import { LARGEST_WIDTH } from "../describe/layers.js";
import { defaultLoss } from "../describe/losses.js";
import { ready } from "../engine/core.js";
import { hardwareThreads, threadOf } from "../engine/platform.js";
import type { Evaluation } from "../network.js";
import { checkSamples, checkWeights, numbers } from "../samples.js";
import type { Samples, Targets } from "../samples.js";
import { meanAndDeviation } from "../train/folds.js";
import { holm, pairedTest } from "../train/ttest.js";
import { foldsOf, runJob } from "./job.js";
import type { CompareTask, JobResult } from "./job.js";

/** The options of compareActivations: those of fit, `resume` and callbacks apart, and what is compared on what. */
export interface CompareOptions extends Omit<FitOptions, "resume" | "onEpoch" | "onBatch" | "monitor"> {
  /** Rows of numbers, or all of them flat, row-major; there are as many samples as targets then. */
  inputs: Samples;
  /** Class indices 0, 1, … or rows of 0 and one 1 make a classification (softmax); other numbers, or rows of them, a regression (linear). */
  targets: Targets;
  /** Units of the hidden layers; [16, 16]. */
  hidden?: readonly number[];
  /** ["linear", "sigmoid", "tanh", "relu", "leakyRelu", "prelu"]. */
  activations?: readonly (ActivationName | ActivationSpec | CustomActivation)[];
  /** 2 to the number of samples; 5. */
  folds?: number;
  /** Of folds, weights and orders: an integer from 0 to 2^53 − 1; 0. */
  seed?: number;
  /** How many networks train side by side: as many as there are cores ("auto"), or that many; one after the other with a custom activation. The result does not depend on it. */
  threads?: number | "auto";
}

/** One activation of a comparison. */
export interface ComparedActivation {
  readonly activation: string;
  /** Over the folds that were held out; deviations are those of a population. */
  readonly loss: { readonly mean: number; readonly deviation: number };
  readonly metrics: Record<string, { readonly mean: number; readonly deviation: number }>;
  /** Mean of the epochs with the best loss of the held-out part; 0 where no epoch ended. */
  readonly epochsToBest: number;
  /** Of training and evaluation, all folds together. */
  readonly seconds: number;
  /** Of the network of the first fold, on the data that it was trained on. */
  readonly findings: readonly Finding[];
  /** Fold by fold. */
  readonly folds: readonly Evaluation[];
  /** How sure it is that the loss differs from that of the best activation; absent in the best itself. */
  readonly versusBest?: {
    /** Two-sided, by the corrected resampled t-test. */
    readonly pValue: number;
    /** Whether it is more than chance at the level 0.05, all rows looked at together (Holm). */
    readonly differs: boolean;
  };
}

/** What compareActivations found. */
export interface Comparison {
  readonly rows: ComparedActivation[];
}

/** A comparison with the curves and pictures of its report. */
export interface DetailedComparison extends Comparison {
  readonly task: CompareTask;
  readonly results: readonly (readonly JobResult[])[];
}

const ownKeys = ["inputs", "targets", "hidden", "activations", "folds", "seed"];
const refusedKeys = ["resume", "onEpoch", "onBatch", "monitor"];
const fitKeys: readonly string[] = fitOptionNames.filter((name) => !refusedKeys.includes(name));
const defaultActivations: readonly ActivationName[] = Object.freeze(["linear", "sigmoid", "tanh", "relu", "leakyRelu", "prelu"]);

/**
 * Trains the same network with each activation in its hidden layers, on the same folds, and tells how they did and whether the differences are more than chance.
 * @throws {TypeError | RangeError} for data or options that are not allowed, before anything is trained
 * @example
 * const { rows } = await compareActivations({ inputs, targets, hidden: [16], activations: ["tanh", "relu"], epochs: 50 });
 * rows[0]; // { activation: "tanh", loss: { mean: 0.21, deviation: 0.04 }, metrics: { accuracy: … }, epochsToBest: 31, seconds: 0.4, findings: [], … }
 */
export async function compareActivations(options: CompareOptions): Promise<Comparison> {
  const { rows } = await compareInDetail(options);
  return { rows };
}

/** `compareActivations` with all that its report shows. */
export async function compareInDetail(options: CompareOptions): Promise<DetailedComparison> {
  const given = checkKeys("compareActivations", options, [...ownKeys, ...fitKeys]);
  const { task, activations, threads, signal } = await checkTask(given);
  const jobs = activations.flatMap((activation) => Array.from({ length: task.folds }, (_, fold) => ({ activation, fold })));
  const done = await runJobs(task, jobs, threads, signal);
  const results = activations.map((_, i) => done.slice(i * task.folds, (i + 1) * task.folds));
  const losses = results.map((folds) => folds.map(({ evaluation, failure }) => (failure === undefined ? evaluation.loss : Infinity)));
  const means = losses.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
  const best = means.reduce((least, mean, i) => (mean < means[least] || Number.isNaN(means[least]) ? i : least), 0);
  const others = activations.map((_, i) => i).filter((i) => i !== best);
  const testShare = results[0].reduce((sum, result) => sum + result.testShare, 0) / task.folds;
  const values = others.map((i) => (Number.isFinite(means[i]) ? pairedTest(losses[i], losses[best], testShare) : 0));
  const differ = holm(values);
  const rows = activations.map((activation, i): ComparedActivation => {
    const folds = results[i].map(({ evaluation }) => evaluation);
    const metrics: Record<string, { mean: number; deviation: number }> = {};
    for (const name of Object.keys(folds[0].metrics)) metrics[name] = meanAndDeviation(folds.map((fold) => fold.metrics[name]));
    const place = others.indexOf(i);
    return {
      activation: nameOf(activation), loss: meanAndDeviation(folds.map(({ loss }) => loss)), metrics,
      epochsToBest: results[i].reduce((sum, { bestEpoch }) => sum + bestEpoch, 0) / task.folds,
      seconds: results[i].reduce((sum, { seconds }) => sum + seconds, 0),
      findings: [...results[i][0].findings], folds,
      ...(place >= 0 && { versusBest: { pValue: values[place], differs: differ[place] } }),
    };
  });
  return { rows, task, results };
}

function nameOf(activation: ActivationName | ActivationSpec): string {
  if (typeof activation === "string") return activation;
  return activation.name === "custom" ? activation.custom.name : activation.name;
}

async function checkTask(given: Record<string, unknown>) {
  const place = (key: string): string => at("compareActivations", key);
  const { hidden = [16, 16], activations = defaultActivations, folds = 5, seed = 0 } = given;
  if (!isArray(hidden)) throw wrongKind(place("hidden"), "an array with the units of each hidden layer", hidden);
  if (hidden.length === 0) throw new RangeError(refusal(place("hidden"), "a hidden layer at least, whose activation is compared", "none"));
  const units = Array.from(hidden, (value, i) => checkInteger(`${place("hidden")}[${i}]`, value, 1, LARGEST_WIDTH));
  if (!isArray(activations)) throw wrongKind(place("activations"), "an array of activations", activations);
  if (activations.length === 0) throw new RangeError(refusal(place("activations"), "an activation at least", "none"));
  const specs = activations.map((activation, i) => {
    const spec = resolveActivation(activation, `${place("activations")}[${i}]`);
    if (spec.name === "softmax") throw new RangeError(refusal(`${place("activations")}[${i}]`, "an activation for hidden layers", "'softmax'", "The output layer of a classification has it anyway"));
    return spec;
  });
  checkOnce(specs, place("activations"));
  const fit: Record<string, unknown> = {};
  for (const name of fitKeys) if (given[name] !== undefined) fit[name] = given[name];
  const checked = checkFitOptions(fit, "compareActivations");
  await ready();
  const shape = shapeOf(given.inputs, given.targets, checked.loss?.name);
  const reader = checkSamples("inputs", given.inputs, shape.width);
  const inputs = new Float32Array(reader.count * shape.width);
  reader.read(0, reader.count, inputs, 0);
  const weights = checked.sampleWeights === undefined ? undefined : Float32Array.from(checkWeights(place("sampleWeights"), checked.sampleWeights, reader.count));
  const { sampleWeights: _, threads = "auto", signal, loss: __, ...rest } = fit as FitOptions;
  const output: ActivationName = shape.output;
  const task: CompareTask = {
    inputs, targets: shape.targets, sampleWeights: weights, width: shape.width, outputs: shape.outputs, output,
    loss: checked.loss ?? defaultLoss({ name: output } as ActivationSpec), hidden: units, folds: checkInteger(place("folds"), folds, 2, Math.max(2, reader.count)),
    seed: checkInteger(place("seed"), seed, 0, Number.MAX_SAFE_INTEGER), fit: { ...rest, threads: 1 },
    validates: checked.validationSplit === 0 && checked.validationData === undefined && checked.earlyStopping === undefined,
  };
  // what the folds refuse is refused before anything is trained
  await foldsOf(task);
  return { task, activations: specs, threads: threads === "auto" ? hardwareThreads() : threads, signal };
}

/** The same activation twice would be compared with itself, and its rows could not be told apart. */
function checkOnce(specs: readonly ActivationSpec[], subject: string): void {
  const key = (spec: ActivationSpec): string => (spec.name === "custom" ? spec.custom.name : JSON.stringify(spec));
  specs.forEach((spec, i) => {
    const first = specs.findIndex((other) => key(other) === key(spec));
    if (first === i) return;
    throw wrongValue(`${subject}[${i}]`, "each activation once", formatActivation(spec), `It is activations[${first}] too`);
  });
}

interface Shape {
  readonly width: number;
  readonly outputs: number;
  readonly output: ActivationName;
  readonly targets: Float32Array;
}

/** Sizes and task by the data alone. */
function shapeOf(inputs: unknown, targets: unknown, loss: string | undefined): Shape {
  const isList = (value: unknown): value is ArrayLike<unknown> => isArray(value) || typedArrayName(value) !== undefined;
  for (const [name, value] of [["inputs", inputs], ["targets", targets]] as const) {
    if (!isList(value)) throw wrongKind(name, "an array of rows or a flat array of numbers", value);
    if (value.length === 0) throw new RangeError(refusal(name, "at least one sample", "0 samples"));
  }
  const [from, to] = [inputs as ArrayLike<unknown>, targets as ArrayLike<unknown>];
  const nested = isList(from[0]);
  const rows = isList(to[0]);
  const count = nested ? from.length : to.length;
  const width = nested ? (from[0] as ArrayLike<unknown>).length : from.length / count;
  if (!Number.isInteger(width) || width === 0) {
    throw new RangeError(refusal("inputs", `a multiple of ${to.length} numbers, one sample for each target`, `${from.length}`, "Give the samples as rows"));
  }
  if (to.length % count !== 0) throw new RangeError(refusal("targets", `targets of ${numbers(count)} or rows`, `${to.length}`));
  const perSample = rows ? (to[0] as ArrayLike<unknown>).length : to.length / count;
  const reader = checkSamples("targets", targets, Math.max(1, perSample));
  if (reader.count !== count) throw new RangeError(refusal("targets", `targets of ${count} samples`, `${reader.count}`));
  const flat = new Float32Array(count * perSample);
  reader.read(0, count, flat, 0);
  if (perSample === 1) {
    if (loss === "binaryCrossEntropy") return { width, outputs: 1, output: "sigmoid", targets: flat };
    const classes = flat.reduce((most, value) => Math.max(most, value), 0) + 1;
    const distinct = new Set(flat);
    const areClasses = flat.every((value) => Number.isInteger(value) && value >= 0) && classes >= 2 && (loss === "crossEntropy" || (loss === undefined && distinct.size === classes && classes <= MOST_CLASSES));
    return areClasses ? { width, outputs: classes, output: "softmax", targets: flat } : { width, outputs: 1, output: "linear", targets: flat };
  }
  const oneHot = Array.from({ length: count }, (_, r) => flat.subarray(r * perSample, (r + 1) * perSample)).every(
    (row) => row.every((value) => value === 0 || value === 1) && row.reduce((sum, value) => sum + value, 0) === 1,
  );
  if (loss === "binaryCrossEntropy") return { width, outputs: perSample, output: "sigmoid", targets: flat };
  return { width, outputs: perSample, output: loss === "crossEntropy" || loss === "klDivergence" || (oneHot && loss === undefined) ? "softmax" : "linear", targets: flat };
}

/** Distinct integers from 0 on, up to which they are classes where no loss says so: as many as a table's target may have. */
const MOST_CLASSES = 20;

interface Job {
  readonly activation: ActivationSpec;
  readonly fold: number;
}

/** Results in the order of the jobs: in workers where there are cores and workers can be had, else one after the other. */
async function runJobs(task: CompareTask, jobs: readonly Job[], threads: number, signal: AbortSignal | undefined): Promise<JobResult[]> {
  signal?.throwIfAborted();
  // functions of the caller's own cannot be posted
  const side = jobs.some(({ activation }) => activation.name === "custom") ? 1 : Math.min(threads, jobs.length);
  const first = side > 1 ? await threadOf<CompareTask>("compare-worker.js", import.meta.url, task) : undefined;
  const results = new Array<JobResult>(jobs.length);
  if (first === undefined) {
    const folds = await foldsOf(task);
    for (const [i, { activation, fold }] of jobs.entries()) results[i] = await runJob({ ...task, fit: { ...task.fit, signal } }, activation, fold, folds);
    return results;
  }
  const others = await Promise.all(Array.from({ length: side - 1 }, () => threadOf<CompareTask>("compare-worker.js", import.meta.url, task)));
  const workers = [first, ...others.map((worker) => worker!)];
  let next = 0;
  try {
    await Promise.all(workers.map(async (worker) => {
      while (next < jobs.length) {
        const index = next++;
        const { result, error } = (await worker.ask(jobs[index], signal)) as { result?: JobResult; error?: unknown };
        if (result === undefined) throw error;
        results[index] = result;
      }
    }));
  } finally {
    await Promise.all(workers.map((worker) => worker.end()));
  }
  return results;
}
