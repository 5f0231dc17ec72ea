// The epoch in hand: its steps, played by the core in chunks of records, alone or with a team of workers, and the sums over them.

import { STEP_WORDS, Step } from "../../assembly/codes.js";
import { Team } from "../engine/team.js";
import { scheduledRate } from "../describe/schedules.js";
import type { Model } from "../model.js";
import { CONTROL, STEPS } from "../plan/layout.js";
import { stepOperations } from "../plan/threads.js";
import type { OptimizerProgress } from "../progress.js";
import { StepAdvice } from "./advice.js";
import type { Crew } from "./crew.js";
import type { Feed } from "./feed.js";
import type { PreparedFit } from "./prepare.js";
import type { TrainingMetrics } from "./reports.js";
import { StepRates } from "./rates.js";
import type { Slices } from "./slices.js";
import { coreMath, lossDiverged } from "./step.js";

/** How long one call of the core may take, as far as it is longer than a step. */
const CHUNK_MS = 4;

/** What a fit has beside its steps. */
export interface Course {
  readonly model: Model;
  readonly call: PreparedFit;
  readonly feed: Feed;
  readonly slices: Slices;
  /** Writes down where the fit is: before user code may run. */
  keepRecord(): void;
}

export class Steps {
  /** From 1 in the fit; and what is done of it. */
  epoch = 1;
  step = 0;
  lossSum = 0;
  weightSum = 0;
  hits = 0;
  /** The learning rate of the last step, or before any that of the first. */
  rate: number;
  /** Whether the fit ends for an error of its own, for which it goes back to the last snapshot. */
  failed = false;
  /** Whether a step was finished in this call. */
  stepped = false;
  /** Whether a step of the fit has been averaged. */
  averaged = false;
  /** Called before a step that may be the epoch's last; such a step is played alone then. */
  beforeLast: (() => void) | undefined;
  /** What the optimizer's steps need, and of the records in hand the sums of weights. */
  private readonly rates: StepRates;
  private readonly recordWeights = new Float64Array(STEPS);
  private skipped = 0;
  private stepMs = CHUNK_MS;
  /** A long time for a step, before one has been measured: at 20 operations a nanosecond. */
  private readonly expectedMs: number;
  private readonly advice: StepAdvice | undefined;
  /** The workers that play with the caller. */
  private team: Team | undefined;

  /**
   * @param instructions those of the training tape
   * @param metrics what sees each step
   */
  constructor(private readonly course: Course, private readonly instructions: number, private readonly metrics: TrainingMetrics) {
    const { model, call: { batch, optimizer } } = course;
    this.expectedMs = stepOperations(model.topology, batch) / 2e7;
    this.advice = StepAdvice.of(model, batch);
    this.rates = new StepRates(optimizer, coreMath);
    this.rate = scheduledRate(optimizer.learningRate, Math.max(0, model.progress.steps - 1), model.progress.plateauScale, coreMath);
  }

  /** Starts to count another epoch. */
  begin(epoch: number): void {
    this.epoch = epoch;
    this.step = this.lossSum = this.weightSum = this.hits = 0;
    this.metrics.begin();
  }

  /** The steps of the epoch that are left, in chunks that one call of the core plays. */
  async run(): Promise<void> {
    const { course: { model, call: { batch, options }, feed, slices } } = this;
    const alone = options.onBatch !== undefined || this.metrics.everyStep || model.custom;
    for (;;) {
      const rows = feed.rowsAt(this.step * batch);
      if (rows === 0) return;
      if (rows === undefined) {
        this.course.keepRecord();
        await feed.wait(this.step * batch);
        this.check();
        continue;
      }
      // what a custom activation throws takes back the step that it interrupts
      const progress = model.custom ? { ...model.progress } : undefined;
      const count = this.fillRecords(alone ? 1 : Math.max(1, Math.min(STEPS, Math.floor(CHUNK_MS / Math.max(this.stepMs, 1e-4)))));
      if (count > 0) {
        if (this.mayEndAt(this.step + count)) this.beforeLast?.();
        const finished = this.play(count, progress);
        this.takeRecords(count, finished >= 0 ? finished : await this.playOn(finished));
      } else this.step += this.skipped;
      if (!slices.due) continue;
      this.course.keepRecord();
      await slices.turn();
      this.check();
    }
  }

  /**
   * Writes up to `wanted` step records and returns how many. Batches whose weights are all 0 make no step; a run of them ends the
   * chunk before it, and is `skipped` where there is none.
   */
  private fillRecords(wanted: number): number {
    const { course: { model: { core: { f64 }, layout, progress, epochs }, call: { batch, options }, feed }, recordWeights, rates } = this;
    const decay = options.averageWeights?.decay ?? 0;
    let count = 0;
    let rate = this.rate;
    this.skipped = 0;
    for (let i = 0; i < wanted; i++) {
      const first = (this.step + i) * batch;
      const rows = feed.rowsAt(first);
      if (rows === undefined || rows === 0) break;
      if (count > 0 && (feed.available(first) < rows || (this.beforeLast !== undefined && this.mayEndAt(this.step + i + 1)))) break;
      const weight = feed.weightOf(first, rows);
      if (weight === 0) {
        if (count > 0) break;
        this.skipped++;
        continue;
      }
      if (this.skipped > 0) break;
      const record = layout.steps / 8 + count * STEP_WORDS;
      f64[record + Step.first] = feed.load(first, rows);
      f64[record + Step.rows] = rows;
      f64[record + Step.inverseWeight] = 1 / weight;
      f64[record + Step.epoch] = epochs >>> 0;
      f64[record + Step.step] = (this.step + i) >>> 0;
      rate = rates.write(f64, record, progress);
      // the first step's parameters are the average of one
      const keep = this.averaged || count > 0 ? decay : 0;
      f64[record + Step.averageKeep] = keep;
      f64[record + Step.averageTake] = 1 - keep;
      recordWeights[count++] = weight;
    }
    this.rate = rate;
    return count;
  }

  /** Whether no batch is known to begin at that step of the epoch. */
  private mayEndAt(step: number): boolean {
    const { feed, call: { batch } } = this.course;
    return !(feed.rowsAt(step * batch)! > 0);
  }

  /** Engages workers; the crew's memory must be in place. Awaits them where their number was asked for. */
  async engage({ threads, most, module, awaited }: Crew): Promise<void> {
    const { model: { core, layout }, call: { options } } = this.course;
    this.team = await Team.engage(core, module, {
      control: CONTROL, tape: layout.tapes.training, count: this.instructions, steps: layout.steps, shares: layout.shares, panel: layout.panel, panelBytes: layout.panelBytes,
    }, threads, most);
    if (awaited) await this.team.ready(options.signal);
    this.check();
  }

  /** Lets the workers go. */
  async dismiss(): Promise<void> {
    const { team } = this;
    this.team = undefined;
    await team?.dismiss();
  }

  /** Plays the first `count` records. Returns how many were finished, or why not, as `Played` has it. */
  private play(count: number, progress: OptimizerProgress | undefined): number {
    const { team, course: { model, model: { layout } } } = this;
    const started = performance.now();
    let finished: number;
    try {
      finished = team !== undefined
        ? team.play(count, Math.max(this.stepMs, this.expectedMs))
        : model.play("training", 0, this.instructions, layout.steps, count);
    } catch (error) {
      if (progress !== undefined) Object.assign(model.progress, progress);
      throw error;
    }
    // a play that another thread holds up does not say how long a step takes
    if (finished >= 0) {
      this.stepMs = (performance.now() - started) / count;
      this.advice?.took(this.stepMs, count);
    }
    return finished;
  }

  /** Goes on with a play that another thread holds up. */
  private async playOn(played: number): Promise<number> {
    const { model } = this.course;
    model.stalled = true;
    try {
      played = await this.team!.resume(played, Math.max(this.stepMs, this.expectedMs));
    } finally {
      model.stalled = false;
    }
    this.checkTeam();
    return played;
  }

  /** Takes what the first `count` records report, of which so many were finished. */
  private takeRecords(count: number, finished: number): void {
    const { course: { model, model: { core, layout }, call: { batch, options } }, recordWeights: weights } = this;
    for (let i = 0; i < finished; i++) {
      const record = layout.steps / 8 + i * STEP_WORDS;
      const loss = core.f64[record + Step.loss];
      this.metrics.collect(this.step * batch, core.f64[record + Step.rows]);
      this.lossSum += weights[i] * loss;
      this.weightSum += weights[i];
      this.hits += core.f64[record + Step.hits];
      this.step++;
      this.stepped = this.averaged = true;
      if (options.onBatch === undefined) continue;
      this.course.keepRecord();
      options.onBatch({ epoch: this.epoch, step: this.step, loss, learningRate: this.rate });
      checkSignal(options.signal);
    }
    if (finished === count) return;
    const record = layout.steps / 8 + finished * STEP_WORDS;
    const rows = core.f64[record + Step.rows];
    this.fail(lossDiverged(model, "fit", core.f64[record + Step.loss], this.epoch, this.step + 1, rows, this.rate));
  }

  /** Ends the fit once a worker has failed or its signal is aborted. */
  check(): void {
    this.checkTeam();
    checkSignal(this.course.call.options.signal);
  }

  private checkTeam(): void {
    if (this.team?.failure !== undefined) this.fail(this.team.failure);
  }

  /** Ends the fit for an error of its own. */
  fail(error: Error): never {
    this.failed = true;
    throw error;
  }
}

/** @throws the signal's reason, once it is aborted */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason;
}
