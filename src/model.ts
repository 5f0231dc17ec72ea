// The state of a network behind the class that users hold: description, memory and its plan, tapes, and what training
// carries from one fit to the next. Network, fit, inference and files work on it; it computes nothing itself.

import { INSTRUCTION_WORDS, STEP_WORDS, Step } from "../assembly/codes.js";
import { describeValue, firstNonFinite } from "./check.js";
import type { NetworkDescription } from "./describe/layers.js";
import { outputActivationOf } from "./describe/layers.js";
import { defaultLoss } from "./describe/losses.js";
import type { Loss } from "./describe/losses.js";
import type { Optimizer } from "./describe/optimizers.js";
import { slotNames } from "./describe/optimizers.js";
import { Core, MOST_PAGES } from "./engine/core.js";
import { scanInCore } from "./engine/scan.js";
import { INFERENCE, LONE_STEP, planLayout, planTopology, tensorsOf } from "./plan/layout.js";
import type { Demand, Layout, Run, TapeName, Topology } from "./plan/layout.js";
import type { Callback, Tape } from "./plan/tape.js";
import { freshProgress } from "./progress.js";
import type { OptimizerProgress, UnfinishedFit } from "./progress.js";
import { longScan } from "./samples.js";

longScan.by = scanInCore;

/** The most bytes that a plan may take: the address space of 32 bits, less a page. */
export const MOST_BYTES = (MOST_PAGES - 1) * 65536;

/** Bytes as a person reads them. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ["kB", "MB", "GB", "TB", "PB", "EB"];
  let value = bytes / 1024;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0)} ${units[unit]}`;
}

export class Model {
  readonly topology: Topology;
  readonly core: Core;
  layout: Layout;
  /** Of the last fit or trainBatch. */
  optimizer: Optimizer | undefined;
  lastLoss: Loss | undefined;
  progress: OptimizerProgress = freshProgress();
  /** Epochs started over all fits: each has its own order. */
  epochs = 0;
  unfinished: UnfinishedFit | undefined;
  /** The call that is running and must end first, if any. */
  busy: string | undefined;
  /** Whether a step is in hand while the event loop turns, because it waits for another thread: nothing may be computed then. */
  stalled = false;
  /** The custom activation that is being computed: neither may anything else be then. */
  calling: string | undefined;
  /** Whether JavaScript computes a part of the network. */
  readonly custom: boolean;
  /** Why the network's memory cannot be shared with other threads, once that was tried. */
  refusal: string | undefined;
  /** The preparation of a table's columns, as JSON; kept and saved, not understood. */
  tabular: string | undefined;
  /** The tapes in their places. An object and not a map: a lone prediction would notice the look-up. */
  private played: { [name in TapeName]?: { readonly key: string; readonly count: number; readonly callbacks: readonly Callback[] } } = {};

  /**
   * @param subject names the call in messages
   * @throws {RangeError} with the figure, if the plan needs more than 4 GB; nothing is allocated then
   */
  constructor(readonly description: NetworkDescription, subject: string, demand: Demand = INFERENCE) {
    this.topology = planTopology(description.inputs, description.layers);
    this.layout = planLayout(this.topology, demand);
    checkSize(subject, this.layout);
    this.core = new Core(this.layout.byteLength, description.simd);
    const index = description.layers.findIndex((layer) => "activation" in layer && layer.activation.name === "custom");
    this.custom = index >= 0;
    if (this.custom) this.refusal = `layer ${index} has a custom activation, which is computed by the caller's thread`;
  }

  /** The loss where none is given. */
  get loss(): Loss {
    return this.lastLoss ?? defaultLoss(outputActivationOf(this.description.layers));
  }

  /** A copy that shares nothing, in the same state; an unfinished fit is copied too. */
  copy(): Model {
    const copy = new Model(this.description, "clone", { ...this.layout.demand, batch: 0, windowRows: 0, orderLength: 0, targetWidth: 0, weighted: false, threads: 1 });
    const { layout } = this;
    copy.core.u8.set(this.core.u8.subarray(layout.parameters, layout.panel), layout.parameters);
    copy.optimizer = this.optimizer;
    copy.lastLoss = this.lastLoss;
    copy.progress = { ...this.progress };
    copy.epochs = this.epochs;
    copy.unfinished = this.unfinished && { ...this.unfinished, outputs: this.unfinished.outputs?.slice(), running: this.unfinished.running?.slice() };
    copy.tabular = this.tabular;
    return copy;
  }

  /** A view of a run in the block of parameters that begins at `block`: parameters by default. */
  floats(run: Run, block = this.layout.parameters): Float32Array {
    return new Float32Array(this.core.buffer, block + 4 * run.begin, run.length);
  }

  /** A view of a whole block. */
  block(block: number): Float32Array {
    return this.floats({ begin: 0, length: this.topology.length }, block);
  }

  /** Whether a plan for that demand fits the address space, and the engine grants it. Parameters and slots stay; the rest of the memory is rearranged. */
  tryPlan(demand: Demand): boolean {
    const layout = planLayout(this.topology, demand);
    if (layout.byteLength > MOST_BYTES || !this.core.grow(layout.byteLength)) return false;
    this.layout = layout;
    this.played = {};
    return true;
  }

  /** `tryPlan` that must succeed. */
  plan(subject: string, demand: Demand): void {
    checkSize(subject, planLayout(this.topology, demand));
    if (this.tryPlan(demand)) return;
    const { byteLength } = planLayout(this.topology, demand);
    const advice = "Use a smaller batchSize, or dispose of networks that are no longer used";
    throw new RangeError(`${subject}: expected ${formatBytes(byteLength)} of memory, the engine has no more to give. ${advice}`);
  }

  /** Makes `optimizer` the current one: its slots and counters go on if it is of the same kind, and start from zero if not. */
  adopt(optimizer: Optimizer): void {
    const kept = this.optimizer?.name === optimizer.name ? slotNames(this.optimizer).length : 0;
    if (this.optimizer?.name !== optimizer.name) this.progress = freshProgress();
    else if (JSON.stringify(this.optimizer.learningRate) !== JSON.stringify(optimizer.learningRate)) {
      // another schedule has not been on a plateau yet
      const { steps, muProduct } = this.progress;
      this.progress = { ...freshProgress(), steps, muProduct };
    }
    for (const slot of this.layout.slots.slice(kept)) this.core.u8.fill(0, slot, slot + this.layout.block);
    this.optimizer = optimizer;
  }

  /** Puts a tape in its place unless the one of that key is there. */
  place(name: TapeName, key: string, build: () => Tape): number {
    const there = this.played[name];
    if (there?.key === key) return there.count;
    const tape = build();
    this.core.i32.set(tape.code, this.layout.tapes[name] / 4);
    this.played[name] = { key, count: tape.count, callbacks: tape.callbacks };
    return tape.count;
  }

  /** Plays a placed tape once for `rows` rows of the batch, outside the step records of a fit. Returns the loss, where the tape has one. */
  playOnce(name: TapeName, count: number, rows: number, inverseWeight = 0, first = 0): number {
    const { core, layout } = this;
    const record = LONE_STEP / 8;
    core.f64[record + Step.first] = first;
    core.f64[record + Step.rows] = rows;
    core.f64[record + Step.inverseWeight] = inverseWeight;
    if (this.custom) this.play(name, 0, count, LONE_STEP, 1);
    else core.exports.play(layout.tapes[name], count, LONE_STEP, 0, 1, layout.panel);
    return core.f64[record + Step.loss];
  }

  /** Plays part of a placed tape: instructions from `begin` on. */
  playFrom(name: TapeName, begin: number, count: number): number {
    return this.play(name, begin, count, LONE_STEP, 1);
  }

  /**
   * Plays instructions [begin, count) of a placed tape on this thread, for the first `last` of the step records at that place.
   * Returns how many were finished. What a custom activation throws comes out, in the middle of a step.
   */
  play(name: TapeName, begin: number, count: number, records: number, last: number): number {
    const { core: { exports, f64 }, layout } = this;
    const callbacks = this.played[name]?.callbacks ?? [];
    const tape = layout.tapes[name];
    const part = (from: number, to: number, first: number, end: number): number =>
      exports.play(tape + 4 * INSTRUCTION_WORDS * from, to - from, records, first, end, layout.panel);
    if (callbacks.length === 0) return part(begin, count, 0, last);
    for (let step = 0; step < last; step++) {
      let from = begin;
      for (const callback of callbacks) {
        const { before } = callback;
        if (before > from && part(from, before, step, step + 1) === 0) return step;
        from = Math.max(from, before);
        this.call(callback, f64[records / 8 + step * STEP_WORDS + Step.rows]);
      }
      if (part(from, count, step, step + 1) === 0) return step;
    }
    return last;
  }

  /** Calls a custom activation: at once where rows lie without padding, else row by row. What it does not write is NaN. */
  private call({ custom, sums, activations, gradient, units, stride }: Callback, rows: number): void {
    const { core: { f32 } } = this;
    const [length, count] = stride === units ? [rows * units, 1] : [units, rows];
    const derivatives = gradient === undefined ? undefined : new Float32Array(length);
    this.calling = custom.name;
    try {
      for (let i = 0; i < count; i++) {
        const slice = (offset: number): Float32Array => f32.subarray(offset / 4 + i * stride, offset / 4 + i * stride + length);
        if (derivatives === undefined) {
          custom.forward(slice(sums), slice(activations).fill(NaN));
          continue;
        }
        custom.derivative(slice(sums), slice(activations), derivatives.fill(NaN));
        const gradients = slice(gradient!);
        for (let k = 0; k < length; k++) gradients[k] *= derivatives[k];
      }
    } finally {
      this.calling = undefined;
    }
  }

  /** The first layer with a value in that block, of parameters or of a slot, that is not finite, and its tensor, or undefined. */
  findNonFinite(block = this.layout.parameters): { readonly layer: number; readonly tensor: string; readonly value: number } | undefined {
    // a look by the core first, a tenth of the time
    if (this.core.exports.finiteRows(block, 1, this.topology.length, 0) !== 0) return undefined;
    const slot = this.layout.slots.indexOf(block);
    const prefix = block === this.layout.average ? "average." : slot < 0 ? "" : `optimizer.${slotNames(this.optimizer!)[slot]}.`;
    for (const shape of this.topology.layers) {
      for (const { name, run } of tensorsOf(shape)) {
        const index = firstNonFinite(this.floats(run, block));
        if (index >= 0) return { layer: shape.index, tensor: `${prefix}layers.${shape.index}.${name}`, value: this.floats(run, block)[index] };
      }
    }
    return undefined;
  }
}

/**
 * Refuses a network whose plan would need more than 4 GB, before anything is allocated.
 * @throws {RangeError} with the figure
 */
export function checkPlan({ inputs, layers }: NetworkDescription, subject: string): void {
  checkSize(subject, planLayout(planTopology(inputs, layers), INFERENCE));
}

function checkSize(subject: string, { byteLength, demand }: Layout): void {
  if (byteLength <= MOST_BYTES) return;
  const advice = demand.batch > 0 ? "Use fewer units or a smaller batchSize" : "Use fewer units";
  throw new RangeError(`${subject}: expected a plan of at most 4 GB, got ${Number.isFinite(byteLength) ? formatBytes(byteLength) : describeValue(byteLength)}. ${advice}`);
}
