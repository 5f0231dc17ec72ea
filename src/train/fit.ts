// The training loop: epochs, what follows each of them, and the record of a fit that is not finished. The steps of an epoch are in
// steps.ts, reports in reports.ts, what watches them in watch.ts; numbers are made by the core and by the files beside this one.
//
// State between two steps is complete: whenever user code can run (a callback, or another turn of the event loop), the
// network is at the end of a step and `model.unfinished` says how to go on.

import { wrongKind } from "../check.js";
import type { EpochReport, History } from "../describe/fit.js";
import { slotNames } from "../describe/optimizers.js";
import type { Model } from "../model.js";
import type { Demand } from "../plan/layout.js";
import type { UnfinishedFit } from "../progress.js";
import { copyBlock, settleAverage } from "./average.js";
import { Before } from "./before.js";
import { assemble } from "./crew.js";
import type { Crew } from "./crew.js";
import type { Feed } from "./feed.js";
import { Monitor } from "./monitor.js";
import { checkFinite, fitHash, prepareFit } from "./prepare.js";
import type { PreparedFit } from "./prepare.js";
import { DataMetrics, Validation } from "./reports.js";
import type { TrainingMetrics } from "./reports.js";
import { needsOutputs, recordToResume } from "./resume.js";
import type { Kept } from "./resume.js";
import { StreamMetrics, runningLength } from "./running.js";
import { Slices } from "./slices.js";
import { isSource } from "./source.js";
import type { ChunkSource } from "./source.js";
import { Snapshot, parametersDiverged, placeTraining } from "./step.js";
import { Steps, checkSignal } from "./steps.js";
import type { Course } from "./steps.js";
import { StreamWindow, openStream, prepareStream } from "./stream.js";
import { Watch } from "./watch.js";
import { DataWindow } from "./window.js";

/** Trains the network. Arguments are checked before anything changes; see api.md, section 8. */
export async function fit(model: Model, inputs: unknown, targets: unknown, given: unknown): Promise<History> {
  model.busy = "fit";
  try {
    return await (isSource(inputs) ? fitStream(model, inputs, targets, given) : fitData(model, inputs, targets, given));
  } finally {
    model.busy = undefined;
  }
}

/** On samples that lie in memory. */
async function fitData(model: Model, inputs: unknown, targets: unknown, given: unknown): Promise<History> {
  const slices = new Slices();
  const call = await slices.run(prepareFit(model, inputs, targets, given));
  checkSignal(call.options.signal);
  checkFinite(model, "fit");
  const kept = {
    outputs: needsOutputs(call.metrics) ? call.training.length * model.topology.outputs : undefined, running: undefined,
    training: { samples: call.training.length, weighted: call.weights !== undefined },
  };
  const { hash, resumed } = await recordOf(model, call, slices, kept);
  const feed = (base: WindowDemand): DataWindow => new DataWindow(model, call, slices, base);
  const tape = { weighted: call.weights !== undefined, classes: call.targets.kind === "classes" };
  return train(model, call, slices, { hash, resumed, tape, feed, metrics: (course) => new DataMetrics(course, call, course.feed as DataWindow) });
}

/** On the chunks of a source; its options are the second argument. */
async function fitStream(model: Model, source: ChunkSource, given: unknown, more: unknown): Promise<History> {
  if (more !== undefined) throw wrongKind("fit", "a source of chunks and options", more, "With a source the second argument is the options, and targets are in the chunks");
  const slices = new Slices();
  const outline = await slices.run(prepareStream(model, source, given));
  checkSignal(outline.options.signal);
  checkFinite(model, "fit");
  const kept = { outputs: undefined, running: runningLength(outline.metrics, model.topology.outputs) };
  const { hash, resumed } = await recordOf(model, outline, slices, kept);
  const epoch = resumed === undefined ? 1 : Math.min(outline.options.epochs, resumed.epoch + (resumed.ended ? 1 : 0));
  try {
    const call = await openStream(model, outline, epoch, slices);
    const feed = (base: WindowDemand): StreamWindow => new StreamWindow(model, call, slices, base);
    const tape = { weighted: true, classes: call.first.targets.kind === "classes" };
    return await train(model, call, slices, { hash, resumed, tape, feed, metrics: (course) => new StreamMetrics(course) });
  } finally {
    await outline.reader.close();
  }
}

/** The hash of a call, and the record that it finishes. */
async function recordOf(model: Model, call: PreparedFit, slices: Slices, kept: Kept): Promise<Pick<Plan, "hash" | "resumed">> {
  const { resume, signal } = call.options;
  const hash = await slices.run(fitHash(call), signal);
  return { hash, resumed: resume ? recordToResume(model, call, hash, kept) : undefined };
}

/** What a feed does not say itself of the memory that it plans. */
type WindowDemand = Omit<Demand, "windowRows" | "orderLength" | "targetWidth" | "weighted">;

/** How a checked call is trained. */
interface Plan {
  readonly hash: string;
  readonly resumed: UnfinishedFit | undefined;
  readonly tape: { readonly weighted: boolean; readonly classes: boolean };
  feed(base: WindowDemand): Feed;
  metrics(course: Course): TrainingMetrics;
}

async function train(model: Model, call: PreparedFit, slices: Slices, plan: Plan): Promise<History> {
  const { signal } = call.options;
  const before = new Before(model, call.optimizer);
  const crew = await assemble(model, call);
  const feed = plan.feed({
    // what the last fit left stays where it is until the first step: the network may be saved before
    slots: Math.max(slotNames(call.optimizer).length, model.optimizer === undefined ? 0 : slotNames(model.optimizer).length),
    snapshot: true,
    best: (call.options.earlyStopping?.restoreBest ?? false) || before.best !== undefined,
    average: call.options.averageWeights !== undefined || before.average !== undefined,
    batch: call.batch,
    threads: crew?.threads ?? 1,
  });
  before.carry();
  try {
    await slices.run(feed.fill(), signal);
    checkFinite(model, "fit");
  } catch (error) {
    before.putBack();
    throw error;
  }
  model.adopt(call.optimizer);
  model.lastLoss = call.loss;
  model.unfinished = plan.resumed;
  const run = new Fit(model, call, feed, plan, slices, before);
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
  private readonly steps: Steps;
  private readonly metrics: TrainingMetrics;
  private readonly validation: Validation;
  private readonly watch: Watch;
  private readonly snapshot: Snapshot;
  private readonly monitor: Monitor | undefined;
  private readonly history: EpochReport[] = [];
  /** Whether the epoch in hand has ended. */
  private ended = false;
  /** Whether the end of an epoch stays of this call: after it a divergence goes back there. */
  private epochEnded = false;

  constructor(
    readonly model: Model, readonly call: PreparedFit, readonly feed: Feed, private readonly plan: Plan,
    readonly slices: Slices, private readonly before: Before,
  ) {
    const { options, loss, metrics, optimizer } = call;
    const instructions = placeTraining(model, {
      loss, optimizer, gradientClip: options.gradientClip, hits: metrics.includes("accuracy"), ...plan.tape,
      ...(options.averageWeights === undefined ? {} : { average: true }),
    });
    this.metrics = plan.metrics(this);
    this.validation = new Validation(this, feed);
    this.steps = new Steps(this, instructions, this.metrics);
    if (options.monitor) {
      const monitor = this.monitor = new Monitor(this, plan.tape.classes);
      this.steps.beforeLast = () => monitor.keepWeights();
    }
    const record = model.unfinished;
    this.watch = new Watch(call, record && { ...record.best });
    if (record !== undefined) {
      const { epoch, steps: step, lossSum, weightSum, hits } = record;
      Object.assign(this.steps, { epoch, step, lossSum, weightSum, hits });
      this.ended = record.ended;
      this.steps.averaged = record.averaged;
      if (record.outputs !== undefined) this.metrics.outputs?.set(record.outputs);
      if (record.running !== undefined) this.metrics.running?.set(record.running);
    }
    // an average that is not begun keeps nothing of its block, but what is in it must be finite
    if (options.averageWeights !== undefined && !this.steps.averaged) copyBlock(model, model.layout.parameters, model.layout.average);
    this.snapshot = new Snapshot(model);
  }

  engage(crew: Crew): Promise<void> {
    return this.steps.engage(crew);
  }

  dismiss(): Promise<void> {
    return this.steps.dismiss();
  }

  async run(): Promise<History> {
    const { model, steps, watch, call: { options, batch } } = this;
    const resumed = model.unfinished;
    let stopped: History["stopped"] = "completed";
    if (resumed !== undefined && resumed.ended) {
      if (steps.epoch < options.epochs && watch.stopsEarly(steps.epoch)) stopped = "early";
      else await this.beginEpoch(steps.epoch + 1);
    } else if (resumed !== undefined) await this.feed.begin(resumed.order, resumed.steps * batch, resumed.epoch);
    else await this.beginEpoch(1);

    while (stopped === "completed" && steps.epoch <= options.epochs) {
      const started = performance.now();
      const firstStep = steps.step;
      await steps.run();
      const seconds = Math.max(performance.now() - started, 1e-3) / 1000;
      const report = await this.endEpoch(Math.max(0, this.feed.total - firstStep * batch) / seconds);
      this.history.push(report);
      if (options.onEpoch !== undefined) {
        this.keepRecord();
        if ((await options.onEpoch(report)) === false) {
          stopped = "callback";
          break;
        }
        steps.check();
      }
      if (steps.epoch >= options.epochs) break;
      if (watch.stopsEarly(steps.epoch)) {
        stopped = "early";
        break;
      }
      await this.beginEpoch(steps.epoch + 1);
    }
    if (options.earlyStopping?.restoreBest && watch.best.epoch > 0) copyBlock(model, model.layout.best, model.layout.parameters);
    else if (options.averageWeights !== undefined) {
      settleAverage(model);
      copyBlock(model, model.layout.average, model.layout.parameters);
    }
    model.unfinished = undefined;
    return { epochs: this.history, bestEpoch: watch.best.epoch, stopped };
  }

  private async beginEpoch(epoch: number): Promise<void> {
    if (epoch > this.call.options.epochs) {
      this.steps.epoch = epoch;
      return;
    }
    this.steps.begin(epoch);
    this.ended = false;
    this.model.epochs++;
    this.keepRecord();
    await this.feed.begin(this.model.epochs, 0, epoch);
  }

  /** Closes the epoch: its report, validation, the best so far, the plateau. */
  private async endEpoch(samplesPerSecond: number): Promise<EpochReport> {
    const { model, steps, steps: { epoch, rate }, call: { options } } = this;
    const error = parametersDiverged(model, "fit", epoch, steps.step, rate);
    if (error !== undefined) steps.fail(error);
    this.snapshot.take();
    this.epochEnded = true;
    this.keepRecord();
    if (options.averageWeights !== undefined) settleAverage(model);
    const validation = await this.validation.measure();
    checkSignal(options.signal);
    const loss = steps.weightSum === 0 ? 0 : steps.lossSum / steps.weightSum;
    const report: EpochReport = {
      epoch, loss, metrics: await this.metrics.measure(steps.hits), ...(validation === undefined ? {} : { validation }), learningRate: rate, samplesPerSecond,
      ...(this.monitor && { diagnosis: this.monitor.diagnose() }),
    };
    if (this.watch.see(report, model.progress) && this.watch.best.saved) this.keepBest();
    this.snapshot.takeProgress();
    this.ended = steps.stepped = true;
    return report;
  }

  /** After an error: back to the last snapshot, if it is the training's own, or where the fit was written down. */
  interrupted(): void {
    if (this.steps.failed) {
      this.snapshot.restore();
      if (!this.epochEnded) this.before.putBackOptimizer();
      this.model.unfinished = undefined;
      return;
    }
    // aborted while workers were awaited: the fit goes on with its first epoch, which has a number of its own as any other
    if (this.model.unfinished === undefined) this.model.epochs++;
    this.keepRecord();
    if (!this.steps.stepped) this.before.putBackOptimizer();
  }

  /** The epoch's weights as the best: their average, where there is one. */
  private keepBest(): void {
    const { model, model: { layout }, call: { options } } = this;
    copyBlock(model, options.averageWeights === undefined ? layout.snapshot : layout.average, layout.best);
  }

  keepRecord(): void {
    const { model, plan: { hash }, call: { count: samples, options: { averageWeights } }, steps: { epoch, step, lossSum, weightSum, hits, averaged }, watch: { best } } = this;
    model.unfinished = {
      hash, samples, epoch, order: model.epochs, steps: step, ended: this.ended, lossSum, weightSum, hits, best: { ...best },
      averaged: averaged && averageWeights !== undefined, outputs: this.metrics.outputs, running: this.metrics.running,
    };
  }
}
