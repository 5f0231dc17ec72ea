// The training loop: epochs of steps, reports, validation, early stopping, yielding, failures, and the record of what is not
// finished. Numbers are made by the core and by the files beside this one; here is when they are made.
//
// State between two steps is complete: whenever user code can run (a callback, or another turn of the event loop), the
// network is at the end of a step and `model.unfinished` says how to go on.

import { STEP_WORDS, Step } from "../../assembly/codes.js";
import { Team } from "../engine/team.js";
import type { EpochReport, History } from "../describe/fit.js";
import { decisionRule } from "../describe/losses.js";
import { higherIsBetter } from "../describe/metrics.js";
import { slotNames } from "../describe/optimizers.js";
import type { Optimizer } from "../describe/optimizers.js";
import { scheduledRate } from "../describe/schedules.js";
import { copyOutputs, evaluateChunks, targetRows } from "../inspect/inference.js";
import type { Model } from "../model.js";
import type { BestSoFar } from "../progress.js";
import { CONTROL, STEPS } from "../plan/layout.js";
import { stepOperations } from "../plan/threads.js";
import { Before } from "./before.js";
import { assemble } from "./crew.js";
import type { Crew } from "./crew.js";
import { metricsInPieces } from "./metrics.js";
import { checkFinite, fitHash, outputActivation, prepareFit } from "./prepare.js";
import type { PreparedFit } from "./prepare.js";
import { StepRates } from "./rates.js";
import { needsOutputs, recordToResume } from "./resume.js";
import { Slices } from "./slices.js";
import { Snapshot, coreMath, lossDiverged, parametersDiverged, placeTraining } from "./step.js";
import { DataWindow } from "./window.js";

/** How long one call of the core may take, as far as it is longer than a step. */
const CHUNK_MS = 4;

/** Trains the network. Arguments are checked before anything changes; see api.md, section 8. */
export async function fit(model: Model, inputs: unknown, targets: unknown, given: unknown): Promise<History> {
  model.busy = "fit";
  try {
    return await start(model, inputs, targets, given);
  } finally {
    model.busy = undefined;
  }
}

async function start(model: Model, inputs: unknown, targets: unknown, given: unknown): Promise<History> {
  const slices = new Slices();
  const call = await slices.run(prepareFit(model, inputs, targets, given));
  const { signal } = call.options;
  if (signal?.aborted) throw signal.reason;
  checkFinite(model, "fit");
  const hash = await slices.run(fitHash(call), signal);
  const resumed = call.options.resume ? recordToResume(model, call, hash) : undefined;
  const before = new Before(model, call.optimizer);
  const crew = await assemble(model, call);
  const window = new DataWindow(model, call, {
    // what the last fit left stays where it is until the first step: the network may be saved before
    slots: Math.max(slotNames(call.optimizer).length, model.optimizer === undefined ? 0 : slotNames(model.optimizer).length),
    snapshot: true,
    best: (call.options.earlyStopping?.restoreBest ?? false) || before.best !== undefined,
    average: false,
    batch: Math.min(call.options.batchSize, call.training.length),
    threads: crew?.threads ?? 1,
  });
  before.carryBest();
  try {
    await slices.run(window.fill(), signal);
    checkFinite(model, "fit");
  } catch (error) {
    before.putBack();
    throw error;
  }
  model.adopt(call.optimizer);
  model.lastLoss = call.loss;
  model.unfinished = resumed;
  const run = new Fit(model, call, window, hash, slices, before);
  try {
    if (crew !== undefined) await run.engage(crew);
    return await run.run();
  } catch (error) {
    // first of all nobody else plays on the memory
    await run.dismiss();
    run.interrupted();
    throw error;
  } finally {
    await run.dismiss();
  }
}

class Fit {
  private readonly instructions: number;
  private readonly snapshot: Snapshot;
  private readonly batch: number;
  private readonly steps: number;
  private readonly validation: ReturnType<DataWindow["validation"]>;
  private readonly validationOutputs: Float32Array | undefined;
  private validationTargets: Float32Array | undefined;
  /** Outputs of the epoch's steps so far, for metrics that need them all. */
  private readonly outputs: Float32Array | undefined;
  /** What the optimizer's steps need, and of the records in hand the sums of weights. */
  private readonly rates: StepRates;
  private readonly recordWeights = new Float64Array(STEPS);
  private skipped = 0;
  private readonly history: EpochReport[] = [];
  private readonly best: BestSoFar;
  /** The epoch in hand and what is done of it. */
  private epoch = 1;
  private step = 0;
  private ended = false;
  private lossSum = 0;
  private weightSum = 0;
  private hits = 0;
  private rate: number;
  private failed = false;
  /** Whether anything of this call stays: for an interruption a step or the end of an epoch, for a divergence the latter. */
  private stepped = false;
  private epochEnded = false;
  private stepMs = CHUNK_MS;
  /** A long time for a step, before one has been measured: at 20 operations a nanosecond. */
  private readonly expectedMs: number;
  /** The workers that play with the caller. */
  private team: Team | undefined;

  constructor(
    private readonly model: Model, private readonly call: PreparedFit, private readonly window: DataWindow, private readonly hash: string,
    private readonly slices: Slices, private readonly before: Before,
  ) {
    const { topology } = model;
    const { options, loss, metrics, optimizer, training, targets, weights } = call;
    this.batch = Math.min(options.batchSize, training.length);
    this.steps = Math.ceil(training.length / this.batch);
    this.expectedMs = stepOperations(topology, this.batch) / 2e7;
    this.instructions = placeTraining(model, {
      loss, optimizer, gradientClip: options.gradientClip, hits: metrics.includes("accuracy"), weighted: weights !== undefined, classes: targets.kind === "classes",
    });
    if (needsOutputs(metrics)) this.outputs = new Float32Array(training.length * topology.outputs);
    this.validation = window.validation();
    if (this.validation !== undefined && needsOutputs(metrics)) {
      this.validationOutputs = new Float32Array(this.validation.source.count * topology.outputs);
    }
    this.rates = new StepRates(optimizer, coreMath);
    this.rate = lastRate(model, optimizer);
    const record = model.unfinished;
    this.best = record === undefined ? { measure: undefined, epoch: 0, saved: false } : { ...record.best };
    if (record !== undefined) {
      this.epoch = record.epoch;
      this.step = record.steps;
      this.ended = record.ended;
      this.lossSum = record.lossSum;
      this.weightSum = record.weightSum;
      this.hits = record.hits;
      if (record.outputs !== undefined) this.outputs?.set(record.outputs);
    }
    this.snapshot = new Snapshot(model);
  }

  async run(): Promise<History> {
    const { model, call: { options } } = this;
    const resumed = model.unfinished;
    let stopped: History["stopped"] = "completed";
    if (resumed !== undefined && resumed.ended) {
      if (this.epoch < options.epochs && this.stopsEarly()) stopped = "early";
      else await this.beginEpoch(this.epoch + 1);
    } else if (resumed !== undefined) await this.slices.run(this.window.arrange(resumed.order), options.signal);
    else await this.beginEpoch(1);

    while (stopped === "completed" && this.epoch <= options.epochs) {
      const started = performance.now();
      const firstStep = this.step;
      await this.runSteps();
      const seconds = Math.max(performance.now() - started, 1e-3) / 1000;
      const report = await this.endEpoch(Math.max(0, this.call.training.length - firstStep * this.batch) / seconds);
      this.history.push(report);
      if (options.onEpoch !== undefined) {
        this.keepRecord();
        if ((await options.onEpoch(report)) === false) {
          stopped = "callback";
          break;
        }
        this.checkTeam();
        this.checkSignal();
      }
      if (this.epoch >= options.epochs) break;
      if (this.stopsEarly()) {
        stopped = "early";
        break;
      }
      await this.beginEpoch(this.epoch + 1);
    }
    if (options.earlyStopping?.restoreBest && this.best.epoch > 0) this.copyBlock(model.layout.best, model.layout.parameters);
    model.unfinished = undefined;
    return { epochs: this.history, bestEpoch: this.best.epoch, stopped };
  }

  private async beginEpoch(epoch: number): Promise<void> {
    this.epoch = epoch;
    if (epoch > this.call.options.epochs) return;
    this.step = this.lossSum = this.weightSum = this.hits = 0;
    this.ended = false;
    this.model.epochs++;
    this.keepRecord();
    await this.slices.run(this.window.arrange(this.model.epochs), this.call.options.signal);
  }

  /** The steps of the epoch that are left, in chunks that one call of the core plays. */
  private async runSteps(): Promise<void> {
    const { call: { options } } = this;
    const alone = options.onBatch !== undefined || this.outputs !== undefined;
    while (this.step < this.steps) {
      const wanted = alone ? 1 : Math.max(1, Math.min(STEPS, Math.floor(CHUNK_MS / Math.max(this.stepMs, 1e-4))));
      const count = this.fillRecords(Math.min(wanted, this.steps - this.step));
      if (count > 0) {
        const finished = this.play(count);
        this.takeRecords(count, finished >= 0 ? finished : await this.playOn(finished));
      } else this.step += this.skipped;
      if (!this.slices.due) continue;
      this.keepRecord();
      await this.slices.turn();
      this.checkTeam();
      this.checkSignal();
    }
  }

  /**
   * Writes up to `wanted` step records and returns how many. Batches whose weights are all 0 make no step; a run of them ends the
   * chunk before it, and is `skipped` where there is none.
   */
  private fillRecords(wanted: number): number {
    const { model: { core: { f64 }, layout, progress, epochs }, window, batch, recordWeights, rates, call: { training } } = this;
    let count = 0;
    let rate = this.rate;
    this.skipped = 0;
    for (let i = 0; i < wanted; i++) {
      const first = (this.step + i) * batch;
      const rows = Math.min(batch, training.length - first);
      if (count > 0 && window.available(first) < rows) break;
      const weight = this.weightOf(first, rows);
      if (weight === 0) {
        if (count > 0) break;
        this.skipped++;
        continue;
      }
      if (this.skipped > 0) break;
      const record = layout.steps / 8 + count * STEP_WORDS;
      f64[record + Step.first] = window.load(first, rows);
      f64[record + Step.rows] = rows;
      f64[record + Step.inverseWeight] = 1 / weight;
      f64[record + Step.epoch] = epochs % 2 ** 32;
      f64[record + Step.step] = (this.step + i) % 2 ** 32;
      rate = rates.write(f64, record, progress);
      recordWeights[count++] = weight;
    }
    this.rate = rate;
    return count;
  }

  /** The sum of weights of `rows` samples from position `first` of the order on: their number if they have none. */
  private weightOf(first: number, rows: number): number {
    const { window: { order }, call: { weights } } = this;
    if (weights === undefined) return rows;
    let sum = 0;
    for (let r = first; r < first + rows; r++) sum += weights[order[r]];
    return sum;
  }

  /** Engages workers; the crew's memory must be in place. Awaits them where their number was asked for. */
  async engage({ threads, most, module, awaited }: Crew): Promise<void> {
    const { core, layout } = this.model;
    this.team = await Team.engage(core, module, {
      control: CONTROL, tape: layout.tapes.training, count: this.instructions, steps: layout.steps, shares: layout.shares, panel: layout.panel, panelBytes: layout.panelBytes,
    }, threads, most);
    if (awaited) await this.team.ready(this.call.options.signal);
    this.checkTeam();
    this.checkSignal();
  }

  /** Lets the workers go. */
  async dismiss(): Promise<void> {
    const { team } = this;
    this.team = undefined;
    await team?.dismiss();
  }

  /** Plays the first `count` records. Returns how many were finished, or why not, as `Played` has it. */
  private play(count: number): number {
    const { team, model: { core, layout } } = this;
    const started = performance.now();
    const finished = team !== undefined
      ? team.play(count, Math.max(this.stepMs, this.expectedMs))
      : core.exports.play(layout.tapes.training, this.instructions, layout.steps, 0, count, layout.panel);
    // a play that another thread holds up does not say how long a step takes
    if (finished >= 0) this.stepMs = (performance.now() - started) / count;
    return finished;
  }

  /** Goes on with a play that another thread holds up. */
  private async playOn(played: number): Promise<number> {
    this.model.stalled = true;
    try {
      played = await this.team!.resume(played, Math.max(this.stepMs, this.expectedMs));
    } finally {
      this.model.stalled = false;
    }
    this.checkTeam();
    return played;
  }

  /** Ends the fit once a worker has failed. */
  private checkTeam(): void {
    if (this.team?.failure !== undefined) this.fail(this.team.failure);
  }

  /** Takes what the first `count` records report, of which so many were finished. */
  private takeRecords(count: number, finished: number): void {
    const { model, model: { core, layout }, recordWeights: weights, call: { options } } = this;
    for (let i = 0; i < finished; i++) {
      const record = layout.steps / 8 + i * STEP_WORDS;
      const loss = core.f64[record + Step.loss];
      if (this.outputs !== undefined) copyOutputs(model, core.f64[record + Step.rows], this.outputs, this.step * this.batch * model.topology.outputs, true);
      this.lossSum += weights[i] * loss;
      this.weightSum += weights[i];
      this.hits += core.f64[record + Step.hits];
      this.step++;
      this.stepped = true;
      if (options.onBatch === undefined) continue;
      this.keepRecord();
      options.onBatch({ epoch: this.epoch, step: this.step, loss, learningRate: this.rate });
      this.checkSignal();
    }
    if (finished === count) return;
    const record = layout.steps / 8 + finished * STEP_WORDS;
    const rows = core.f64[record + Step.rows];
    this.fail(lossDiverged(model, "fit", core.f64[record + Step.loss], this.epoch, this.step + 1, rows, this.rate));
  }

  /** Ends the fit for an error of its own. */
  private fail(error: Error): never {
    this.failed = true;
    throw error;
  }

  /** After an error: back to the last snapshot, if it is the training's own, or where the fit was written down. */
  interrupted(): void {
    if (this.failed) {
      this.snapshot.restore();
      if (!this.epochEnded) this.before.putBackOptimizer();
      this.model.unfinished = undefined;
      return;
    }
    this.keepRecord();
    if (!this.stepped) this.before.putBackOptimizer();
  }

  /** Closes the epoch: its report, validation, the best so far, the plateau. */
  private async endEpoch(samplesPerSecond: number): Promise<EpochReport> {
    const { model, call: { optimizer, options }, epoch } = this;
    const error = parametersDiverged(model, "fit", epoch, this.steps, this.rate);
    if (error !== undefined) this.fail(error);
    this.snapshot.take();
    this.epochEnded = true;
    this.keepRecord();
    const validation = await this.validate();
    this.checkSignal();
    const loss = this.weightSum === 0 ? 0 : this.lossSum / this.weightSum;
    const report: EpochReport = {
      epoch, loss, metrics: await this.trainingMetrics(), ...(validation === undefined ? {} : { validation }), learningRate: this.rate, samplesPerSecond,
    };
    const watched = report.validation ?? report;
    const monitor = options.earlyStopping?.monitor ?? "loss";
    const value = monitor === "loss" ? watched.loss : watched.metrics[monitor];
    const measure = monitor !== "loss" && higherIsBetter(monitor) ? -value : value;
    if (improves(measure, this.best.measure, options.earlyStopping?.minDelta ?? 0)) {
      this.best.measure = measure;
      this.best.epoch = epoch;
      this.best.saved = options.earlyStopping?.restoreBest ?? false;
      if (this.best.saved) this.copyBlock(model.layout.snapshot, model.layout.best);
    }
    this.watchPlateau(optimizer, measure);
    this.snapshot.takeProgress();
    this.ended = this.stepped = true;
    return report;
  }

  /** What the epoch's steps have seen, in its order: without the batches whose weights are all 0, which made no step. */
  private seen(): { readonly indices: Uint32Array; readonly outputs: Float32Array | undefined } {
    const { window: { order }, outputs, batch, call: { weights }, model: { topology } } = this;
    if (weights === undefined) return { indices: order, outputs };
    const indices = new Uint32Array(order.length);
    const rows = outputs && new Float32Array(outputs.length);
    let count = 0;
    for (let first = 0; first < order.length; first += batch) {
      const end = Math.min(first + batch, order.length);
      if (this.weightOf(first, end - first) === 0) continue;
      indices.set(order.subarray(first, end), count);
      rows?.set(outputs!.subarray(first * topology.outputs, end * topology.outputs), count * topology.outputs);
      count += end - first;
    }
    return { indices: indices.subarray(0, count), outputs: rows?.subarray(0, count * topology.outputs) };
  }

  private async trainingMetrics(): Promise<Record<string, number>> {
    const { model, call: { targets } } = this;
    const { indices, outputs } = this.seen();
    if (outputs === undefined) return this.countedMetrics(this.hits, indices.length);
    return this.measure(outputs, await this.slices.run(targetRows(model, targets, indices), this.call.options.signal));
  }

  private measure(outputs: Float32Array, targets: Float32Array): Promise<Record<string, number>> {
    const { model, model: { topology }, call: { metrics, loss, options } } = this;
    const kind = { loss: loss.name, activation: outputActivation(model).name };
    return this.slices.run(metricsInPieces(metrics, outputs, targets, outputs.length / topology.outputs, topology.outputs, kind), options.signal);
  }

  private async validate(): Promise<EpochReport["validation"]> {
    const { model, call: { loss, metrics, options }, validation, validationOutputs: outputs } = this;
    if (validation === undefined) return undefined;
    const { source } = validation;
    const demand = { outputs, hits: outputs === undefined && metrics.includes("accuracy") };
    const value = await this.slices.run(evaluateChunks(model, source, loss, demand), options.signal);
    if (outputs === undefined) return { loss: value.loss, metrics: this.countedMetrics(value.hits, source.count) };
    this.validationTargets ??= await this.slices.run(targetRows(model, validation.targets, undefined), options.signal);
    return { loss: value.loss, metrics: await this.measure(outputs, this.validationTargets) };
  }

  /** Accuracy from the core's count, where it is all that is measured. */
  private countedMetrics(hits: number, samples: number): Record<string, number> {
    const { model, call: { loss, metrics } } = this;
    const { argMax } = decisionRule(loss.name, outputActivation(model).name, model.topology.outputs);
    return metrics.includes("accuracy") ? { accuracy: samples === 0 ? 0 : hits / (samples * (argMax ? 1 : model.topology.outputs)) } : {};
  }

  /** reduceOnPlateau as PyTorch's ReduceLROnPlateau counts: the rate falls after more than `patience` epochs without a better measure. */
  private watchPlateau({ learningRate }: Optimizer, measure: number): void {
    if (typeof learningRate === "number" || learningRate.name !== "reduceOnPlateau") return;
    const { progress } = this.model;
    if (improves(measure, progress.plateauBest, learningRate.minDelta)) {
      progress.plateauBest = measure;
      progress.plateauWait = 0;
    } else if (++progress.plateauWait > learningRate.patience) {
      progress.plateauScale *= learningRate.factor;
      progress.plateauWait = 0;
    }
  }

  private stopsEarly(): boolean {
    const { earlyStopping } = this.call.options;
    return earlyStopping !== undefined && this.best.epoch < this.epoch && this.epoch - this.best.epoch >= earlyStopping.patience;
  }

  private copyBlock(from: number, to: number): void {
    const { layout, core } = this.model;
    core.u8.copyWithin(to, from, from + layout.block);
  }

  private checkSignal(): void {
    const { signal } = this.call.options;
    if (signal?.aborted) throw signal.reason;
  }

  /** Writes down where the fit is. */
  private keepRecord(): void {
    const { model, hash, call: { samples } } = this;
    model.unfinished = {
      hash,
      samples: samples.count,
      epoch: this.epoch,
      order: model.epochs,
      steps: this.step,
      ended: this.ended,
      lossSum: this.lossSum,
      weightSum: this.weightSum,
      hits: this.hits,
      best: { ...this.best },
      outputs: this.outputs,
    };
  }
}

/** Whether a measure (less is better) is better than the best by more than `minDelta`. The first is; what is not finite never is. */
function improves(measure: number, best: number | undefined, minDelta: number): boolean {
  return Number.isFinite(measure) && (best === undefined || measure < best - minDelta);
}

/** The rate of the last step, or before any that of the first. */
function lastRate({ progress }: Model, { learningRate }: Optimizer): number {
  return scheduledRate(learningRate, Math.max(0, progress.steps - 1), progress.plateauScale, coreMath);
}
