// Optimizers as the user names them: names, parameters with defaults, checks, and the state ("slots") each keeps beside the
// parameters. The update rules are those that PyTorch documents, Lion's that of Chen et al. 2023; the kernels are in
// assembly/optimizers.ts.

import { at, checkBoolean, checkFinite, checkKeys, splitSpec, wrongValue } from "../check.js";
import { resolveLearningRate } from "./schedules.js";
import type { Schedule } from "./schedules.js";

interface Rate {
  /** A number above 0, or a schedule. */
  readonly learningRate: number | Schedule;
}

interface Moments extends Rate {
  readonly beta1: number;
  readonly beta2: number;
}

/** An optimizer with all its parameters. Frozen. */
export type Optimizer =
  | ({ readonly name: "sgd"; readonly momentum: number; readonly nesterov: boolean } & Rate)
  | ({ readonly name: "rmsprop"; readonly decay: number; readonly epsilon: number; readonly momentum: number } & Rate)
  | ({ readonly name: "adagrad"; readonly epsilon: number } & Rate)
  | ({ readonly name: "adam"; readonly epsilon: number } & Moments)
  | ({ readonly name: "adamw"; readonly epsilon: number; readonly weightDecay: number } & Moments)
  | ({ readonly name: "nadam"; readonly epsilon: number; readonly momentumDecay: number } & Moments)
  | ({ readonly name: "lion"; readonly weightDecay: number } & Moments);

/** The name of an optimizer. */
export type OptimizerName = Optimizer["name"];

type Spec<N extends OptimizerName> = Extract<Optimizer, { readonly name: N }>;
type Options<N extends OptimizerName> = { [K in Exclude<keyof Spec<N>, "name">]?: Spec<N>[K] };

/** The names in the order of the contract. */
export const optimizerNames: readonly OptimizerName[] = Object.freeze(["sgd", "rmsprop", "adagrad", "adam", "adamw", "nadam", "lion"] as const);

const share = { min: 0, below: 1 };
const notNegative = { min: 0 };

function checkMoments(subject: string, beta1: unknown, beta2: unknown): { readonly beta1: number; readonly beta2: number } {
  return { beta1: checkFinite(at(subject, "beta1"), beta1, share), beta2: checkFinite(at(subject, "beta2"), beta2, share) };
}

const makers: { readonly [N in OptimizerName]: (subject: string, options: unknown) => Spec<N> } = {
  sgd(subject, options) {
    const { learningRate = 0.01, momentum = 0, nesterov = false } = checkKeys(subject, options, ["learningRate", "momentum", "nesterov"]);
    const spec = {
      name: "sgd",
      learningRate: resolveLearningRate(learningRate, at(subject, "learningRate")),
      momentum: checkFinite(at(subject, "momentum"), momentum, share),
      nesterov: checkBoolean(at(subject, "nesterov"), nesterov),
    } as const;
    if (spec.nesterov && spec.momentum === 0) {
      throw wrongValue(at(subject, "momentum"), "a momentum above 0 where nesterov is true", spec.momentum, "Give momentum, such as 0.9");
    }
    return Object.freeze(spec);
  },
  rmsprop(subject, options) {
    const given = checkKeys(subject, options, ["learningRate", "decay", "epsilon", "momentum"]);
    const { learningRate = 0.001, decay = 0.99, epsilon = 1e-8, momentum = 0 } = given;
    return Object.freeze({
      name: "rmsprop",
      learningRate: resolveLearningRate(learningRate, at(subject, "learningRate")),
      decay: checkFinite(at(subject, "decay"), decay, share),
      epsilon: checkFinite(at(subject, "epsilon"), epsilon, notNegative),
      momentum: checkFinite(at(subject, "momentum"), momentum, share),
    });
  },
  adagrad(subject, options) {
    const { learningRate = 0.01, epsilon = 1e-10 } = checkKeys(subject, options, ["learningRate", "epsilon"]);
    return Object.freeze({
      name: "adagrad",
      learningRate: resolveLearningRate(learningRate, at(subject, "learningRate")),
      epsilon: checkFinite(at(subject, "epsilon"), epsilon, notNegative),
    });
  },
  adam(subject, options) {
    const given = checkKeys(subject, options, ["learningRate", "beta1", "beta2", "epsilon"]);
    const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = given;
    return Object.freeze({
      name: "adam",
      learningRate: resolveLearningRate(learningRate, at(subject, "learningRate")),
      ...checkMoments(subject, beta1, beta2),
      epsilon: checkFinite(at(subject, "epsilon"), epsilon, notNegative),
    });
  },
  adamw(subject, options) {
    const given = checkKeys(subject, options, ["learningRate", "beta1", "beta2", "epsilon", "weightDecay"]);
    const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = given;
    return Object.freeze({
      name: "adamw",
      learningRate: resolveLearningRate(learningRate, at(subject, "learningRate")),
      ...checkMoments(subject, beta1, beta2),
      epsilon: checkFinite(at(subject, "epsilon"), epsilon, notNegative),
      weightDecay: checkFinite(at(subject, "weightDecay"), weightDecay, notNegative),
    });
  },
  nadam(subject, options) {
    const given = checkKeys(subject, options, ["learningRate", "beta1", "beta2", "epsilon", "momentumDecay"]);
    const { learningRate = 0.002, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, momentumDecay = 0.004 } = given;
    return Object.freeze({
      name: "nadam",
      learningRate: resolveLearningRate(learningRate, at(subject, "learningRate")),
      ...checkMoments(subject, beta1, beta2),
      epsilon: checkFinite(at(subject, "epsilon"), epsilon, notNegative),
      momentumDecay: checkFinite(at(subject, "momentumDecay"), momentumDecay, share),
    });
  },
  lion(subject, options) {
    const given = checkKeys(subject, options, ["learningRate", "beta1", "beta2", "weightDecay"]);
    const { learningRate = 1e-4, beta1 = 0.9, beta2 = 0.99, weightDecay = 0 } = given;
    return Object.freeze({
      name: "lion",
      learningRate: resolveLearningRate(learningRate, at(subject, "learningRate")),
      ...checkMoments(subject, beta1, beta2),
      weightDecay: checkFinite(at(subject, "weightDecay"), weightDecay, notNegative),
    });
  },
};

/**
 * Stochastic gradient descent: `learningRate` (0.01), `momentum` (0 to below 1; 0), `nesterov` (false; needs momentum above 0).
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example network.fit(inputs, targets, { optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }) })
 */
export function sgd(options: Options<"sgd"> = {}): Spec<"sgd"> {
  return makers.sgd("sgd", options);
}

/**
 * RMSprop: `learningRate` (0.001; PyTorch's is 0.01), `decay` of the squares (0 to below 1; 0.99, PyTorch's alpha), `epsilon`
 * (≥ 0; 1e-8), `momentum` (0 to below 1; 0).
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example network.fit(inputs, targets, { optimizer: rmsprop({ momentum: 0.9 }) })
 */
export function rmsprop(options: Options<"rmsprop"> = {}): Spec<"rmsprop"> {
  return makers.rmsprop("rmsprop", options);
}

/**
 * Adagrad: `learningRate` (0.01), `epsilon` (≥ 0; 1e-10). Duchi et al. 2011, https://jmlr.org/papers/v12/duchi11a.html.
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example network.fit(inputs, targets, { optimizer: adagrad({ learningRate: 0.1 }) })
 */
export function adagrad(options: Options<"adagrad"> = {}): Spec<"adagrad"> {
  return makers.adagrad("adagrad", options);
}

/**
 * Adam: `learningRate` (0.001), `beta1` (0 to below 1; 0.9), `beta2` (0 to below 1; 0.999), `epsilon` (≥ 0; 1e-8).
 * Kingma and Ba 2014, https://arxiv.org/abs/1412.6980.
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example network.fit(inputs, targets, { optimizer: adam({ learningRate: 0.01 }) })
 */
export function adam(options: Options<"adam"> = {}): Spec<"adam"> {
  return makers.adam("adam", options);
}

/**
 * Adam with decoupled decay of every parameter: the options of adam and `weightDecay` (≥ 0; 0.01).
 * Loshchilov and Hutter 2017, https://arxiv.org/abs/1711.05101.
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example network.fit(inputs, targets, { optimizer: adamw({ weightDecay: 0.1 }) })
 */
export function adamw(options: Options<"adamw"> = {}): Spec<"adamw"> {
  return makers.adamw("adamw", options);
}

/**
 * Adam with Nesterov's momentum: `learningRate` (0.002), `beta1` (0.9), `beta2` (0.999), `epsilon` (1e-8), `momentumDecay` (0 to
 * below 1; 0.004). Dozat 2016, https://openreview.net/forum?id=OM0jvwB8jIp57ZJjtNEZ.
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example network.fit(inputs, targets, { optimizer: nadam() })
 */
export function nadam(options: Options<"nadam"> = {}): Spec<"nadam"> {
  return makers.nadam("nadam", options);
}

/**
 * Lion: `learningRate` (1e-4), `beta1` (0 to below 1; 0.9), `beta2` (0 to below 1; 0.99), `weightDecay` (≥ 0; 0).
 * Chen et al. 2023, https://arxiv.org/abs/2302.06675.
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example network.fit(inputs, targets, { optimizer: lion({ weightDecay: 0.1 }) })
 */
export function lion(options: Options<"lion"> = {}): Spec<"lion"> {
  return makers.lion("lion", options);
}

/** The optimizer that a name or a spec stands for, checked anew and with all parameters. */
export function resolveOptimizer(value: unknown, subject: string): Optimizer {
  const { name, options } = splitSpec(subject, value, optimizerNames);
  return makers[name](subject, options);
}

const velocity: readonly string[] = Object.freeze(["velocity"]);
const squares: readonly string[] = Object.freeze(["squares"]);
const squaresAndVelocity: readonly string[] = Object.freeze(["squares", "velocity"]);
const firstMoment: readonly string[] = Object.freeze(["m"]);
const bothMoments: readonly string[] = Object.freeze(["m", "v"]);
const none: readonly string[] = Object.freeze([]);

/** The slots, each as large as the parameters, in the order in which they lie and are saved. */
export function slotNames(optimizer: Optimizer): readonly string[] {
  switch (optimizer.name) {
    case "sgd":
      return optimizer.momentum > 0 ? velocity : none;
    case "rmsprop":
      return optimizer.momentum > 0 ? squaresAndVelocity : squares;
    case "adagrad":
      return squares;
    case "lion":
      return firstMoment;
    default:
      return bothMoments;
  }
}
