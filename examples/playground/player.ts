// One network as the page has it: its worker, its last frame, its record for the curves and its picture.

import { Record } from "./curves.js";
import type { DataView, Frame, Order, Rare, Report } from "./protocol.js";
import { Surface } from "./surface.js";

/** A frame with what an earlier one brought. */
export type Whole = Frame & Rare;

export class Player {
  private readonly worker = new Worker("worker.js", { type: "module" });
  readonly surface = new Surface();
  readonly record = new Record();
  data: DataView | undefined;
  frame: Whole | undefined;
  /** Whether the last frame has not been drawn yet. */
  fresh = false;
  private unanswered = false;

  constructor(hear: (report: Report) => void) {
    this.worker.onmessage = ({ data: report }: MessageEvent<Report>) => {
      if (report.type === "data" || (report.type === "error" && report.barren)) {
        this.forget();
        if (report.type === "data") this.data = report.data;
      }
      if (report.type === "frame") this.take(report.frame);
      hear(report);
    };
    this.worker.onerror = (event) => hear({ type: "error", message: event.message || "worker: the browser could not start it" });
  }

  /** The worker makes the next frame while this one is drawn; but where nothing is drawn, in a tab behind others, it waits. */
  private take(frame: Frame): void {
    this.unanswered = true;
    if (!document.hidden) this.answer();
    const { frame: old } = this;
    const whole = { ...rareOf(old), ...frame } as Whole;
    if (this.data === undefined || (whole.loss as Rare["loss"] | undefined) === undefined) return;
    // pictures of neurons come with some of the frames only
    const same = old !== undefined && old.layers.length === frame.layers.length;
    this.frame = {
      ...whole, layers: frame.layers.map((layer, i) => (layer.pictures.length === 0 && same && old.layers[i].units === layer.units ? { ...layer, pictures: old.layers[i].pictures } : layer)),
    };
    if (frame.loss !== undefined) this.record.add(frame.steps, whole);
    this.fresh = true;
  }

  /** There are no data, or other ones. */
  forget(): void {
    this.data = this.frame = undefined;
    this.record.clear();
    this.fresh = false;
  }

  answer(): void {
    if (this.unanswered) this.tell({ type: "drawn" });
    this.unanswered = false;
  }

  tell(order: Order, transfer: Transferable[] = []): void {
    this.worker.postMessage(order, transfer);
  }

  end(): void {
    this.worker.terminate();
    this.surface.element.remove();
  }
}

function rareOf(frame: Whole | undefined): Partial<Rare> {
  if (frame === undefined) return {};
  const { loss, metric, confusion, scatter, neuron, findings } = frame;
  return { loss, metric, confusion, scatter, neuron, findings };
}
