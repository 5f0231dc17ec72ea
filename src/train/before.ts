// What a call of fit or trainBatch found, to be put back when it fails before it has made a step that stays: the optimizer with its
// slots and counters, the loss, and the record of a fit that was interrupted.

import { slotNames } from "../describe/optimizers.js";
import type { Optimizer } from "../describe/optimizers.js";
import type { Model } from "../model.js";

export class Before {
  private readonly optimizer;
  private readonly lastLoss;
  private readonly progress;
  private readonly unfinished;
  /** Copies of the slots where the call's optimizer overwrites them, and of best weights where there is a record with them. */
  private readonly slots: readonly Float32Array[] | undefined;
  readonly best: Float32Array | undefined;

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
  }

  /** Best weights of the record into a plan that has moved them. */
  carryBest(): void {
    if (this.best !== undefined) this.model.block(this.model.layout.best).set(this.best);
  }

  /** Everything but the record, which the caller has written anew. */
  putBackOptimizer(): void {
    const { model, slots } = this;
    if (slots !== undefined) {
      const { layout } = model;
      const best = layout.demand.best ? model.block(layout.best).slice() : undefined;
      model.plan("fit", { ...layout.demand, slots: slots.length, batch: 0, windowRows: 0, orderLength: 0 });
      slots.forEach((values, i) => model.block(model.layout.slots[i]).set(values));
      if (best !== undefined) model.block(model.layout.best).set(best);
    }
    model.optimizer = this.optimizer;
    model.lastLoss = this.lastLoss;
    model.progress = { ...this.progress };
  }

  /** Everything. */
  putBack(): void {
    const { model, best } = this;
    this.putBackOptimizer();
    model.unfinished = this.unfinished;
    if (best === undefined) return;
    if (!model.layout.demand.best) model.plan("fit", { ...model.layout.demand, best: true, batch: 0, windowRows: 0, orderLength: 0 });
    model.block(model.layout.best).set(best);
  }
}
