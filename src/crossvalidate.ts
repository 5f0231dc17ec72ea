// Cross-validation: the same network is made anew for each fold, trained on the others and evaluated on the one held out. The folds are dealt in
// train/folds.ts. They are trained one after the other, each with as many threads as its options say: on few cores one fit with all of them
// is done as soon as several side by side, and its bytes do not depend on what else runs.

import { at, checkFunction, checkKeys, refusal, wrongKind } from "./check.js";
import { checkFitOptions, fitOptionNames } from "./describe/fit.js";
import type { FitOptions } from "./describe/fit.js";
import { resolveOptimizer } from "./describe/optimizers.js";
import { Network } from "./network.js";
import type { Evaluation } from "./network.js";
import type { Samples, Targets } from "./samples.js";
import { dealFolds, meanAndDeviation } from "./train/folds.js";
import type { FoldOptions, Folds } from "./train/folds.js";
import { outputActivation } from "./train/prepare.js";

/** A figure over the folds: its mean, and its deviation from it (of a population: divided by the number of folds). */
export interface Spread {
  readonly mean: number;
  readonly deviation: number;
}

/** The options of crossValidate: those of fit, `resume` apart, and what is trained on what. */
export interface CrossValidationOptions extends Omit<FitOptions, "resume"> {
  /** Makes the network of a fold; called once a fold. */
  create: () => Network | Promise<Network>;
  inputs: Samples;
  targets: Targets;
  /** 2 to the number of samples; 5. */
  folds?: number;
  /** Whether each fold gets its share of each class, where targets are classes; true. */
  stratified?: boolean;
  /** What the folds are drawn from; 0. */
  seed?: number;
}

/** What crossValidate found. */
export interface CrossValidation {
  /** Of the folds that were held out. */
  readonly loss: Spread;
  readonly metrics: Record<string, Spread>;
  /** Mean of the folds' `bestEpoch`: by the fold held out, unless early stopping, a plateau or validation of the user's own watch something else. */
  readonly epochsToBest: number;
  /** Of training and evaluation together. */
  readonly seconds: number;
  /** Fold by fold, in the order in which they were dealt. */
  readonly folds: Evaluation[];
}

const ownKeys = ["create", "inputs", "targets", "folds", "stratified", "seed"] as const;

/**
 * How well a network does on samples that it has not seen: trains it once for each of `folds` parts on the others, and evaluates it on that part.
 * The part is never trained on, nor does it decide when a fit stops.
 * @throws {TypeError | RangeError} for data or options that are not allowed, before anything is trained
 * @example
 * const { metrics } = await crossValidate({ create: () => Network.create({ inputs: 4, layers: [dense(8, "relu"), dense(3, "softmax")] }), inputs, targets, epochs: 50 });
 * metrics.accuracy; // { mean: 0.96, deviation: 0.02 }
 */
export async function crossValidate(options: CrossValidationOptions): Promise<CrossValidation> {
  const given = checkKeys("crossValidate", options, [...ownKeys, ...fitOptionNames.filter((name) => name !== "resume")]);
  const create = checkFunction<() => unknown>("crossValidate: create", given.create);
  const fitOptions: Record<string, unknown> = {};
  for (const name of fitOptionNames) if (given[name] !== undefined) fitOptions[name] = given[name];
  const checked = checkFitOptions(fitOptions, "crossValidate");
  const started = performance.now();
  const made = new Set<Network>();
  const next = async (): Promise<Network> => {
    const network = await create();
    if (!(network instanceof Network)) throw wrongKind("crossValidate: create()", "a Network", network, "Write create: () => Network.create({ … })");
    if (made.has(network)) throw new Error(refusal("crossValidate: create()", "a new network of each call", "one that another fold has trained", "Write create: () => Network.create({ … })"));
    made.add(network);
    return network;
  };

  let folds: Folds | undefined;
  const evaluations: Evaluation[] = [];
  let bestEpochs = 0;
  for (let index = 0; index < (folds?.count ?? 1); index++) {
    const network = await next();
    const { loss: own, optimizer, topology } = network["model"]("crossValidate");
    const loss = checked.loss ?? own;
    folds ??= await dealFolds("crossValidate", given as unknown as FoldOptions, { inputs: topology.inputs, outputs: topology.outputs, activation: outputActivation(network["model"]("crossValidate")), loss });
    const { training, validation } = folds.fold(index);
    const { learningRate } = given.optimizer === undefined ? optimizer ?? { learningRate: 0 } : resolveOptimizer(given.optimizer, at("crossValidate", "optimizer"));
    const watched = checked.earlyStopping !== undefined || checked.validationSplit > 0 || checked.validationData !== undefined
      || (typeof learningRate === "object" && learningRate.name === "reduceOnPlateau");
    const history = await network.fit(training.inputs, training.targets, {
      ...fitOptions,
      ...(training.sampleWeights === undefined ? {} : { sampleWeights: training.sampleWeights }),
      ...(watched ? {} : { validationData: [validation.inputs, validation.targets] as const }),
    });
    bestEpochs += history.bestEpoch;
    evaluations.push(network.evaluate(validation.inputs, validation.targets, { loss, ...(checked.metrics === undefined ? {} : { metrics: checked.metrics }) }));
  }
  const metrics: Record<string, Spread> = {};
  for (const name of Object.keys(evaluations[0].metrics)) metrics[name] = meanAndDeviation(evaluations.map((evaluation) => evaluation.metrics[name]));
  return {
    loss: meanAndDeviation(evaluations.map(({ loss }) => loss)),
    metrics,
    epochsToBest: bestEpochs / evaluations.length,
    seconds: (performance.now() - started) / 1000,
    folds: evaluations,
  };
}
