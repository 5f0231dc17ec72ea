// Learning rates that change with t, the optimizer's step, which counts from 0 over all fits: names, parameters with
// defaults, checks, and the rate itself. The rate is computed in f64 from + − × ÷ and the four functions that the caller
// hands in, so that it is the same in every engine.

import { at, checkFinite, checkInteger, checkKeys, isPlainObject, listNames, splitSpec, wrongKind } from "../check.js";

interface Warmup {
  /** Over the first so many steps the rate is multiplied by (t + 1)/warmupSteps; 0 for none. */
  readonly warmupSteps: number;
}

/** A learning-rate schedule with all its parameters. Frozen. */
export type Schedule =
  | ({ readonly name: "stepDecay"; readonly initial: number; readonly factor: number; readonly every: number } & Warmup)
  | ({ readonly name: "exponentialDecay"; readonly initial: number; readonly rate: number; readonly every: number } & Warmup)
  | ({ readonly name: "cosineDecay"; readonly initial: number; readonly steps: number; readonly final: number } & Warmup)
  | {
      readonly name: "oneCycle"; readonly max: number; readonly steps: number;
      readonly warmupShare: number; readonly divide: number; readonly finalDivide: number;
    }
  | ({
      readonly name: "reduceOnPlateau"; readonly initial: number; readonly factor: number;
      readonly patience: number; readonly minDelta: number; readonly minimum: number;
    } & Warmup);

/** The name of a schedule. */
export type ScheduleName = Schedule["name"];

type Spec<N extends ScheduleName> = Extract<Schedule, { readonly name: N }>;
/** What the function of that name takes: parameters with a default may be left out. */
type Options<N extends ScheduleName, Required extends keyof Spec<N>> = { [K in Required]: Spec<N>[K] } & { [K in Exclude<keyof Spec<N>, "name">]?: Spec<N>[K] };

/** Functions of f64 that give the same bits in every engine. */
export interface ScheduleMath {
  exp(x: number): number;
  log(x: number): number;
  cos(x: number): number;
  pow(x: number, y: number): number;
}

/** The names in the order of the contract. */
export const scheduleNames: readonly ScheduleName[] = Object.freeze([
  "stepDecay", "exponentialDecay", "cosineDecay", "oneCycle", "reduceOnPlateau",
] as const);

const MOST_STEPS = Number.MAX_SAFE_INTEGER;
const share = { min: 0, below: 1 };

const makers: { readonly [N in ScheduleName]: (subject: string, options: unknown) => Spec<N> } = {
  stepDecay(subject, options) {
    const { initial, factor = 0.1, every, warmupSteps = 0 } = checkKeys(subject, options, ["initial", "factor", "every", "warmupSteps"]);
    return Object.freeze({
      name: "stepDecay",
      initial: checkFinite(at(subject, "initial"), initial, { above: 0 }),
      factor: checkFinite(at(subject, "factor"), factor, share),
      every: checkInteger(at(subject, "every"), every, 1, MOST_STEPS),
      warmupSteps: checkInteger(at(subject, "warmupSteps"), warmupSteps, 0, MOST_STEPS),
    });
  },
  exponentialDecay(subject, options) {
    const { initial, rate, every = 1, warmupSteps = 0 } = checkKeys(subject, options, ["initial", "rate", "every", "warmupSteps"]);
    return Object.freeze({
      name: "exponentialDecay",
      initial: checkFinite(at(subject, "initial"), initial, { above: 0 }),
      rate: checkFinite(at(subject, "rate"), rate, share),
      every: checkFinite(at(subject, "every"), every, { above: 0 }),
      warmupSteps: checkInteger(at(subject, "warmupSteps"), warmupSteps, 0, MOST_STEPS),
    });
  },
  cosineDecay(subject, options) {
    const { initial, steps, final = 0, warmupSteps = 0 } = checkKeys(subject, options, ["initial", "steps", "final", "warmupSteps"]);
    return Object.freeze({
      name: "cosineDecay",
      initial: checkFinite(at(subject, "initial"), initial, { above: 0 }),
      steps: checkInteger(at(subject, "steps"), steps, 1, MOST_STEPS),
      final: checkFinite(at(subject, "final"), final, { min: 0 }),
      warmupSteps: checkInteger(at(subject, "warmupSteps"), warmupSteps, 0, MOST_STEPS),
    });
  },
  oneCycle(subject, options) {
    const given = checkKeys(subject, options, ["max", "steps", "warmupShare", "divide", "finalDivide"]);
    const { max, steps, warmupShare = 0.3, divide = 25, finalDivide = 1e4 } = given;
    return Object.freeze({
      name: "oneCycle",
      max: checkFinite(at(subject, "max"), max, { above: 0 }),
      steps: checkInteger(at(subject, "steps"), steps, 1, MOST_STEPS),
      warmupShare: checkFinite(at(subject, "warmupShare"), warmupShare, { min: 0, max: 1 }),
      divide: checkFinite(at(subject, "divide"), divide, { above: 0 }),
      finalDivide: checkFinite(at(subject, "finalDivide"), finalDivide, { above: 0 }),
    });
  },
  reduceOnPlateau(subject, options) {
    const given = checkKeys(subject, options, ["initial", "factor", "patience", "minDelta", "minimum", "warmupSteps"]);
    const { initial, factor = 0.1, patience = 10, minDelta = 0, minimum = 0, warmupSteps = 0 } = given;
    const checkedInitial = checkFinite(at(subject, "initial"), initial, { above: 0 });
    return Object.freeze({
      name: "reduceOnPlateau",
      initial: checkedInitial,
      factor: checkFinite(at(subject, "factor"), factor, share),
      patience: checkInteger(at(subject, "patience"), patience, 0, MOST_STEPS),
      minDelta: checkFinite(at(subject, "minDelta"), minDelta, { min: 0 }),
      minimum: checkFinite(at(subject, "minimum"), minimum, { min: 0, max: checkedInitial }),
      warmupSteps: checkInteger(at(subject, "warmupSteps"), warmupSteps, 0, MOST_STEPS),
    });
  },
};

/**
 * initial·factor^⌊t/every⌋: `initial` above 0, `factor` from 0 to below 1 (0.1), `every` in steps (from 1); `warmupSteps` (0).
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example sgd({ learningRate: stepDecay({ initial: 0.1, every: 1000 }) })
 */
export function stepDecay(options: Options<"stepDecay", "initial" | "every">): Spec<"stepDecay"> {
  return makers.stepDecay("stepDecay", options);
}

/**
 * initial·rate^(t/every): `initial` above 0, `rate` from 0 to below 1, `every` in steps (above 0; 1); `warmupSteps` (0).
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example sgd({ learningRate: exponentialDecay({ initial: 0.1, rate: 0.96, every: 100 }) })
 */
export function exponentialDecay(options: Options<"exponentialDecay", "initial" | "rate">): Spec<"exponentialDecay"> {
  return makers.exponentialDecay("exponentialDecay", options);
}

/**
 * final + (initial − final)·(1 + cos(π·t/steps))/2, and `final` (≥ 0; 0) from step `steps` on; `warmupSteps` (0).
 * Loshchilov and Hutter 2016, https://arxiv.org/abs/1608.03983.
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example adam({ learningRate: cosineDecay({ initial: 0.001, steps: 5000 }) })
 */
export function cosineDecay(options: Options<"cosineDecay", "initial" | "steps">): Spec<"cosineDecay"> {
  return makers.cosineDecay("cosineDecay", options);
}

/**
 * Rises by a cosine from max/divide to `max` over the first `warmupShare` (0 to 1; 0.3) of `steps`, then falls by a cosine to
 * max/divide/finalDivide (25, 1e4), where it stays; the steps of the turns are those of PyTorch's OneCycleLR.
 * Smith and Topin 2017, https://arxiv.org/abs/1708.07120.
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example sgd({ learningRate: oneCycle({ max: 0.1, steps: 5000 }), momentum: 0.9 })
 */
export function oneCycle(options: Options<"oneCycle", "max" | "steps">): Spec<"oneCycle"> {
  return makers.oneCycle("oneCycle", options);
}

/**
 * Starts at `initial` and is multiplied by `factor` (0 to below 1; 0.1), down to `minimum` (0 to initial; 0), after more than
 * `patience` (10) epochs without an improvement by more than `minDelta` (0) of what early stopping would watch; `warmupSteps` (0).
 * @throws {TypeError | RangeError} for an unknown option, or a value that is not allowed
 * @example adam({ learningRate: reduceOnPlateau({ initial: 0.001, patience: 5 }) })
 */
export function reduceOnPlateau(options: Options<"reduceOnPlateau", "initial">): Spec<"reduceOnPlateau"> {
  return makers.reduceOnPlateau("reduceOnPlateau", options);
}

/** A learning rate, checked anew: a number above 0 or a schedule. */
export function resolveLearningRate(value: unknown, subject: string): number | Schedule {
  if (isPlainObject(value)) return resolveSchedule(value, subject);
  if (typeof value === "number") return checkFinite(subject, value, { above: 0 });
  throw wrongKind(subject, `a number above 0 or a schedule (${scheduleNames.join(", ")})`, value);
}

/** A schedule checked anew. Its name alone is not enough, since each has parameters without a default. */
export function resolveSchedule(value: unknown, subject: string): Schedule {
  if (typeof value === "string") throw wrongKind(subject, `what a schedule's function returns (${listNames(scheduleNames)})`, value);
  const { name, options } = splitSpec(subject, value, scheduleNames);
  return makers[name](subject, options);
}

/**
 * The learning rate of step t (from 0), in f64. `plateauScale` is the product of the reductions so far, factor^k, for
 * reduceOnPlateau alone; `math` are deterministic functions. A number is its own schedule.
 */
export function scheduledRate(schedule: number | Schedule, t: number, plateauScale: number, math: ScheduleMath): number {
  if (typeof schedule === "number") return schedule;
  switch (schedule.name) {
    case "stepDecay":
      return warm(schedule, t, schedule.initial * power(schedule.factor, Math.floor(t / schedule.every), math));
    case "exponentialDecay":
      return warm(schedule, t, schedule.initial * power(schedule.rate, t / schedule.every, math));
    case "cosineDecay":
      return warm(schedule, t, cosineBetween(schedule.initial, schedule.final, Math.min(1, t / schedule.steps), math));
    case "reduceOnPlateau":
      return warm(schedule, t, Math.max(schedule.initial * plateauScale, schedule.minimum));
    case "oneCycle":
      return oneCycleRate(schedule, t, math);
  }
}

function warm({ warmupSteps }: Warmup, t: number, rate: number): number {
  return t < warmupSteps ? (rate * (t + 1)) / warmupSteps : rate;
}

/** base^exponent with both edges exact, whatever `pow` makes of ln 0. */
function power(base: number, exponent: number, math: ScheduleMath): number {
  if (exponent === 0) return 1;
  return base === 0 ? 0 : math.pow(base, exponent);
}

/** Half a cosine from `start` at progress 0 to `end` at progress 1, both exact. */
function cosineBetween(start: number, end: number, progress: number, math: ScheduleMath): number {
  if (progress <= 0) return start;
  if (progress >= 1) return end;
  return end + ((start - end) * (1 + math.cos(Math.PI * progress))) / 2;
}

/** As in PyTorch's OneCycleLR the peak is at step warmupShare·steps − 1 and the end at steps − 1. */
function oneCycleRate({ max, steps, warmupShare, divide, finalDivide }: Spec<"oneCycle">, t: number, math: ScheduleMath): number {
  const initial = max / divide;
  const peak = warmupShare * steps - 1;
  const end = steps - 1;
  const step = Math.min(t, end);
  if (step < peak) return cosineBetween(initial, max, step / peak, math);
  if (step === peak) return max;
  return cosineBetween(max, initial / finalDivide, (step - peak) / (end - peak), math);
}
