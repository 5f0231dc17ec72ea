// The numbers of one optimizer step that change from step to step, in f64 from + − × ÷, √ and the core's own functions:
// the scheduled learning rate, corrections for the start of moments, NAdam's momentum. Formulas in assembly/optimizers.ts.

import { Step } from "../../assembly/codes.js";
import type { Optimizer } from "../describe/optimizers.js";
import { scheduledRate } from "../describe/schedules.js";
import type { ScheduleMath } from "../describe/schedules.js";
import type { OptimizerProgress } from "../progress.js";

/** Below it 1 − x is 1 in f64: half of the distance to the number under 1. */
const VANISHED = 2 ** -54;

/** 1 − base^n for a base from 0 to below 1, by squaring: the same bits everywhere, unlike Math.pow. The squares are computed once. */
export class Complements {
  /** base^(2^i), until one has vanished or i is the highest bit of a safe integer. */
  private readonly squares: number[];
  /** From here on 1 − base^n is 1: n has a bit whose factor has vanished, and no factor is above 1. */
  private readonly last: number;

  constructor(base: number) {
    const squares = [base];
    for (let i = 0; squares[i] >= VANISHED && i < 52; i++) squares.push(squares[i] * squares[i]);
    this.squares = squares;
    this.last = squares[squares.length - 1] < VANISHED ? squares.slice(1).reduce((bit) => 2 * bit, 1) : Infinity;
  }

  /** For an integer n ≥ 0: base^n is the product of the squares for the bits of n, from the lowest on. */
  of(n: number): number {
    if (n >= this.last) return 1;
    const { squares } = this;
    let power = 1;
    let i = 0;
    let rest = n;
    for (; rest >= 2 ** 31; rest = Math.floor(rest / 2), i++) if (rest % 2 === 1) power *= squares[i];
    for (let bits = rest | 0; bits > 0; bits >>= 1, i++) if ((bits & 1) === 1) power *= squares[i];
    return 1 - power;
  }
}

/** NAdam's μ_t = β1·(1 − ½·0.96^(t·momentumDecay)), t from 1. */
function nadamMomentum(beta1: number, t: number, momentumDecay: number, math: ScheduleMath): number {
  return beta1 * (1 - 0.5 * math.pow(0.96, t * momentumDecay));
}

/** The rates of an optimizer's steps. */
export class StepRates {
  private readonly first: Complements;
  private readonly second: Complements;

  constructor(private readonly optimizer: Optimizer, private readonly math: ScheduleMath) {
    this.first = new Complements("beta1" in optimizer ? optimizer.beta1 : 0);
    this.second = new Complements("beta2" in optimizer ? optimizer.beta2 : 0);
  }

  /**
   * Writes the rates of the next step to a step record and counts the step.
   * @param record words of f64, `at` the record's first
   * @returns the learning rate of the step
   */
  write(record: Float64Array, at: number, progress: OptimizerProgress): number {
    const { optimizer, math } = this;
    const rate = scheduledRate(optimizer.learningRate, progress.steps, progress.plateauScale, math);
    const t = ++progress.steps;
    let r0 = rate;
    let r1 = 0;
    let r2 = 0;
    switch (optimizer.name) {
      case "adam":
      case "adamw": {
        r0 = rate / this.first.of(t);
        r1 = 1 / Math.sqrt(this.second.of(t));
        if (optimizer.name === "adamw") r2 = 1 - rate * optimizer.weightDecay;
        break;
      }
      case "nadam": {
        const mu = nadamMomentum(optimizer.beta1, t, optimizer.momentumDecay, math);
        const next = nadamMomentum(optimizer.beta1, t + 1, optimizer.momentumDecay, math);
        progress.muProduct *= mu;
        r0 = (rate * next) / (1 - progress.muProduct * next);
        r1 = 1 / Math.sqrt(this.second.of(t));
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
}

/** `StepRates` for a lone step. */
export function writeRates(record: Float64Array, at: number, optimizer: Optimizer, progress: OptimizerProgress, math: ScheduleMath): number {
  return new StepRates(optimizer, math).write(record, at, progress);
}
