// fit({ monitor: true }): a diagnosis at the end of each epoch, with the gradient of the rows that the epoch trained last and the share by which its last
// step moved each layer's weights. It looks and changes nothing: the bytes of the training are those without it.
//
//   updateRatio  ‖W after − W before the epoch's last step‖ / ‖W before‖

import type { Diagnosis } from "../describe/diagnosis.js";
import { diagnoseRows } from "../inspect/diagnosis.js";
import { weightsOf } from "../inspect/figures.js";
import { windowSource } from "../inspect/inference.js";
import type { RowSource } from "../inspect/inference.js";
import type { Course } from "./steps.js";

/**
 * Rows that a diagnosis looks at: one in so many of the epoch, at least and at most so many. A row costs as much as
 * a trained one, or two of narrow layers, so that the whole stays below a tenth of an epoch of some thousand samples.
 */
const ONE_IN = 32;
const LEAST_ROWS = 64;
const MOST_ROWS = 1024;

export class Monitor {
  private before: Float32Array | undefined;

  /** @param classes whether the window holds class indices */
  constructor(private readonly course: Course, private readonly classes: boolean) {}

  /** To be called before a step that may be the epoch's last. */
  keepWeights(): void {
    const { model } = this.course;
    const now = model.block(model.layout.parameters);
    if (this.before?.length === now.length) this.before.set(now);
    else this.before = now.slice();
  }

  /** The diagnosis of the epoch that has ended. */
  diagnose(): Diagnosis {
    const { course: { model, call: { loss } }, before } = this;
    const now = model.block(model.layout.parameters);
    const updateRatios = before && model.topology.layers.map((shape) => {
      const { begin, length } = weightsOf(shape);
      return moved(before, now, begin, begin + length);
    });
    this.before = undefined;
    return diagnoseRows(model, this.rows(loss.name === "crossEntropy" ? loss.labelSmoothing : 0), loss, { units: false, updateRatios });
  }

  /** The last rows of the epoch that the window still holds. */
  private rows(smoothing: number): RowSource {
    const { course: { model, feed }, classes } = this;
    const count = feed.held(Math.min(MOST_ROWS, Math.max(LEAST_ROWS, Math.ceil(feed.total / ONE_IN))));
    const first = feed.total - count;
    return {
      count,
      fill(begin, end) {
        windowSource(model, feed.load(first + begin, end - begin), end - begin, classes, smoothing).fill(0, end - begin);
      },
    };
  }
}

/** ‖now − before‖ / ‖before‖ over [begin, end); 0 where nothing was. */
function moved(before: Float32Array, now: Float32Array, begin: number, end: number): number {
  let squares = 0;
  let change = 0;
  for (let i = begin; i < end; i++) {
    const was = before[i];
    const step = now[i] - was;
    squares += was * was;
    change += step * step;
  }
  return squares === 0 ? 0 : Math.sqrt(change / squares);
}
