// One network as the page has it: its worker, its last frame, its record for the curves and its picture.

import { Record } from "./curves.js";
import type { DataView, Frame, Order, Report } from "./protocol.js";
import { Surface } from "./surface.js";

export class Player {
  private readonly worker = new Worker("worker.js", { type: "module" });
  readonly surface = new Surface();
  readonly record = new Record();
  data: DataView | undefined;
  frame: Frame | undefined;
  /** Whether the last frame has not been drawn yet. */
  fresh = false;

  constructor(hear: (report: Report) => void) {
    this.worker.onmessage = ({ data: report }: MessageEvent<Report>) => {
      if (report.type === "data") {
        this.data = report.data;
        this.frame = undefined;
        this.record.clear();
        // a frame of the old data will not be drawn; the worker waits for it all the same
        if (this.fresh) this.tell({ type: "drawn" });
        this.fresh = false;
      }
      if (report.type === "frame") {
        // pictures and the neuron's page come with some of the frames only; the last ones stay
        const old = this.frame;
        const same = old !== undefined && old.layers.length === report.frame.layers.length;
        this.frame = {
          ...report.frame, neuron: report.frame.neuron ?? old?.neuron,
          layers: report.frame.layers.map((layer, i) => (layer.pictures.length === 0 && same && old.layers[i].units === layer.units ? { ...layer, pictures: old.layers[i].pictures } : layer)),
        };
        this.record.add(this.frame);
        this.fresh = true;
      }
      hear(report);
    };
    this.worker.onerror = (event) => hear({ type: "error", message: event.message || "worker: the browser could not start it" });
  }

  tell(order: Order, transfer: Transferable[] = []): void {
    this.worker.postMessage(order, transfer);
  }

  end(): void {
    this.worker.terminate();
    this.surface.element.remove();
  }
}
