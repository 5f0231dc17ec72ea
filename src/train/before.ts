// What a call of fit or trainBatch found, to be put back when it fails before it has made a step that stays: the optimizer with its
// slots and counters, the loss, and the record of a fit that was interrupted.

import { slotNames } from "../describe/optimizers.js";
import type { Optimizer } from "../describe/optimizers.js";
import type { Model } from "../model.js";

/** Blocks of parameters that belong to the record of an interrupted fit. */
const recorded = ["best", "average"] as const;

export class Before {
  private readonly optimizer;
  private readonly lastLoss;
  private readonly progress;
  private readonly unfinished;
  /** Copies of the slots where the call's optimizer overwrites them, and of best weights and averages where there is a record with them. */
  private readonly slots: readonly Float32Array[] | undefined;
  readonly best: Float32Array | undefined;
  readonly average: Float32Array | undefined;

  /** To be made before the plan for `next`. */
  constructor(private readonly model: Model, next: Optimizer) {
    const { optimizer, layout } = model;
    this.optimizer = optimizer;
    this.lastLoss = model.lastLoss;
    this.progress = { ...model.progress };
    this.unfinished = model.unfinished;
    const kept = optimizer === undefined || (optimizer.name === next.name && slotNames(optimizer).length <= slotNames(next).length);
    this.slots = kept ? undefined : layout.slots.map((slot) => model.block(slot).slice());
    this.best = this.unfinished?.best.saved ? model.block(layout.best).slice() : undefined;
    this.average = this.unfinished?.averaged ? model.block(layout.average).slice() : undefined;
  }

  /** Best weights and averages of the record into a plan that has moved them. */
  carry(): void {
    for (const name of recorded) if (this[name] !== undefined) this.model.block(this.model.layout[name]).set(this[name]);
  }

  /** Everything but the record, which the caller has written anew. */
  putBackOptimizer(): void {
    const { model, slots } = this;
    if (slots !== undefined) {
      const { layout } = model;
      const kept = recorded.map((name) => (layout.demand[name] ? model.block(layout[name]).slice() : undefined));
      model.plan("fit", { ...layout.demand, slots: slots.length, batch: 0, windowRows: 0, orderLength: 0 });
      slots.forEach((values, i) => model.block(model.layout.slots[i]).set(values));
      recorded.forEach((name, i) => kept[i] !== undefined && model.block(model.layout[name]).set(kept[i]));
    }
    model.optimizer = this.optimizer;
    model.lastLoss = this.lastLoss;
    model.progress = { ...this.progress };
  }

  /** Everything. */
  putBack(): void {
    const { model } = this;
    this.putBackOptimizer();
    model.unfinished = this.unfinished;
    const { demand } = model.layout;
    const missing = recorded.some((name) => this[name] !== undefined && !demand[name]);
    if (missing) {
      model.plan("fit", { ...demand, best: demand.best || this.best !== undefined, average: demand.average || this.average !== undefined, batch: 0, windowRows: 0, orderLength: 0 });
    }
    this.carry();
  }
}
