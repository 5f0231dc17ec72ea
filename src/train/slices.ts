// Long work beside an event loop that keeps running: pieces are done until a slice of time is used up, then others have their turn.

import { nextTurn } from "../engine/platform.js";
import type { Pieces } from "../pieces.js";

/** The event loop gets its turn when this much time has passed, so that with one more piece or chunk it waits less than 16 ms. */
const SLICE_MS = 8;

export class Slices {
  private last = performance.now();

  /** Whether the slice is used up. */
  get due(): boolean {
    return performance.now() - this.last >= SLICE_MS;
  }

  async turn(): Promise<void> {
    await nextTurn();
    this.last = performance.now();
  }

  /** Does the work, with a turn whenever one is due. @throws the signal's reason, once it is aborted */
  async run<T>(work: Pieces<T>, signal?: AbortSignal): Promise<T> {
    for (;;) {
      const { done, value } = work.next();
      if (done) return value;
      if (!this.due) continue;
      await this.turn();
      if (signal?.aborted) throw signal.reason;
    }
  }
}
