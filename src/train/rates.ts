// The numbers of one optimizer step that change from step to step, in f64 from + − × ÷, √ and the core's own functions:
// the scheduled learning rate, corrections for the start of moments, NAdam's momentum. Formulas in assembly/optimizers.ts.

import { Step } from "../../assembly/codes.js";
import type { Optimizer } from "../describe/optimizers.js";
import { scheduledRate } from "../describe/schedules.js";
import type { ScheduleMath } from "../describe/schedules.js";
import type { OptimizerProgress } from "../progress.js";

/** base^n for an integer n ≥ 0 by squaring: the same bits everywhere, unlike Math.pow. */
export function integerPower(base: number, n: number): number {
  let result = 1;
  let square = base;
  let rest = n;
  for (; rest >= 2 ** 31; rest = Math.floor(rest / 2), square *= square) if (rest % 2 === 1) result *= square;
  for (let bits = rest | 0; bits > 0; bits >>= 1, square *= square) if ((bits & 1) === 1) result *= square;
  return result;
}

/** NAdam's μ_t = β1·(1 − ½·0.96^(t·momentumDecay)), t from 1. */
function nadamMomentum(beta1: number, t: number, momentumDecay: number, math: ScheduleMath): number {
  return beta1 * (1 - 0.5 * math.pow(0.96, t * momentumDecay));
}

/**
 * Writes the rates of the next step to a step record and counts the step.
 * @param record words of f64, `at` the record's first
 * @returns the learning rate of the step
 */
export function writeRates(record: Float64Array, at: number, optimizer: Optimizer, progress: OptimizerProgress, math: ScheduleMath): number {
  const rate = scheduledRate(optimizer.learningRate, progress.steps, progress.plateauScale, math);
  const t = ++progress.steps;
  let r0 = rate;
  let r1 = 0;
  let r2 = 0;
  switch (optimizer.name) {
    case "adam":
    case "adamw": {
      r0 = rate / (1 - integerPower(optimizer.beta1, t));
      r1 = 1 / Math.sqrt(1 - integerPower(optimizer.beta2, t));
      if (optimizer.name === "adamw") r2 = 1 - rate * optimizer.weightDecay;
      break;
    }
    case "nadam": {
      const mu = nadamMomentum(optimizer.beta1, t, optimizer.momentumDecay, math);
      const next = nadamMomentum(optimizer.beta1, t + 1, optimizer.momentumDecay, math);
      progress.muProduct *= mu;
      r0 = (rate * next) / (1 - progress.muProduct * next);
      r1 = 1 / Math.sqrt(1 - integerPower(optimizer.beta2, t));
      r2 = (rate * (1 - mu)) / (1 - progress.muProduct);
      break;
    }
    case "lion":
      r2 = 1 - rate * optimizer.weightDecay;
      break;
  }
  record[at + Step.rate0] = r0;
  record[at + Step.rate1] = r1;
  record[at + Step.rate2] = r2;
  return rate;
}
