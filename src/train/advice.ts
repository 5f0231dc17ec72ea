// What a page is told when training holds up its frames: a step cannot be divided, so where one takes longer than a frame on the
// page's main thread, only a worker or smaller batches help. Once a network, by console.warn; never in Node or in a worker.

import { onPage } from "../engine/platform.js";

/** A step that is longer than this misses frames: one at 60 a second, less what the page needs itself. */
const FRAME_MS = 16;
/**
 * The advice comes after so many long steps in a row, and so long a time of them: not for a hiccup of the machine, nor for the first
 * steps, which engines run in baseline code (3 times as long, for less than 0.3 s in Chromium and Firefox).
 */
const STEPS = 3;
const TOTAL_MS = 400;

/** Networks whose page has been told. */
const told = new WeakSet<object>();

/** Watches how long the steps of a fit take. */
export class StepAdvice {
  private steps = 0;
  private totalMs = 0;
  /** The fastest of them: what others do on the machine only adds. */
  private leastMs = Infinity;

  /** Undefined where nothing is to be watched. */
  static of(network: object, batch: number): StepAdvice | undefined {
    return onPage() && !told.has(network) ? new StepAdvice(network, batch) : undefined;
  }

  private constructor(private readonly network: object, private readonly batch: number) {}

  /** `count` steps in a row took so long each. */
  took(stepMs: number, count: number): void {
    if (stepMs <= FRAME_MS) {
      this.steps = this.totalMs = 0;
      this.leastMs = Infinity;
      return;
    }
    this.steps += count;
    this.totalMs += count * stepMs;
    this.leastMs = Math.min(this.leastMs, stepMs);
    if (this.steps < STEPS || this.totalMs < TOTAL_MS || told.has(this.network)) return;
    told.add(this.network);
    const ms = Number(this.leastMs.toPrecision(3));
    console.warn(
      `rosenblatt: fit: expected steps of at most ${FRAME_MS} ms on a page's main thread, got ${ms} ms a step. The page stutters meanwhile: ` +
      `call fit in a Worker${this.batch > 1 ? `, or use a smaller batchSize (${this.batch})` : ""}`,
    );
  }
}
