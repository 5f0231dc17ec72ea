// Loss and metric over the steps, by uPlot: solid for training, dashed for test; a second network in the other colour. Old points are thinned, so that a
// long training keeps a whole picture of bounded size.

import uPlot from "uplot";
import { binaryCss, styleColour } from "./colors.js";
import type { Measures } from "./protocol.js";
import { say } from "./texts.js";

const MOST_POINTS = 500;
const HEIGHT = 150;

/** What one network has gone through: steps, losses, metrics. */
export class Record {
  steps: number[] = [];
  series: number[][] = [[], [], [], []];
  /** Of so many measures one stays; the last is there until the next one comes. */
  private every = 1;
  private count = 0;

  add(steps: number, { loss, metric }: Measures): void {
    if (this.steps.length > 0 && steps <= this.steps[this.steps.length - 1]) {
      if (steps === this.steps[this.steps.length - 1]) return;
      this.clear();
    }
    const lists = [this.steps, ...this.series];
    if (this.count > 0 && (this.count - 1) % this.every !== 0) lists.forEach((list) => list.pop());
    [steps, loss.training, loss.test, metric.training, metric.test].forEach((value, i) => lists[i].push(value));
    this.count++;
    if (this.steps.length <= MOST_POINTS) return;
    this.every *= 2;
    this.steps = this.steps.filter((_, i) => i % 2 === 0);
    this.series = this.series.map((values) => values.filter((_, i) => i % 2 === 0));
  }

  clear(): void {
    this.steps = [];
    this.series = [[], [], [], []];
    this.every = 1;
    this.count = 0;
  }
}

export class Curves {
  private charts: uPlot[] = [];
  private signature = "";

  constructor(private readonly element: HTMLElement) {
    new ResizeObserver(() => this.charts.forEach((chart) => chart.setSize({ width: this.element.clientWidth, height: HEIGHT }))).observe(element);
  }

  draw(records: readonly Record[], regression: boolean): void {
    const signature = JSON.stringify([document.documentElement.lang, document.documentElement.dataset.theme, records.length, regression]);
    if (signature !== this.signature) {
      this.signature = signature;
      this.build(records.length, regression);
    }
    const steps = [...new Set(records.flatMap((record) => record.steps))].sort((a, b) => a - b);
    this.charts.forEach((chart, c) => {
      const values = records.flatMap(({ steps: own, series }) => [0, 1].map((i) => align(steps, own, series[c * 2 + i])));
      chart.setData([steps, ...values] as uPlot.AlignedData);
    });
  }

  private build(networks: number, regression: boolean): void {
    this.charts.forEach((chart) => chart.destroy());
    const titles = [say("lossCurve"), regression ? say("r2Curve") : say("accuracyCurve")];
    this.element.replaceChildren();
    const axis: uPlot.Axis = { stroke: styleColour("--soft"), grid: { stroke: styleColour("--line"), width: 1 }, ticks: { show: false }, font: "11px system-ui, sans-serif", size: 42 };
    this.charts = titles.map((title, c) => {
      const chart = document.createElement("div");
      chart.className = "chart";
      chart.setAttribute("role", "img");
      chart.setAttribute("aria-label", title);
      const heading = document.createElement("h3");
      heading.textContent = title;
      const legend = document.createElement("ul");
      legend.className = "legend";
      const series: uPlot.Series[] = [{}];
      for (let n = 0; n < networks; n++) {
        for (const [key, dash] of [["train", []], ["test", [5, 4]]] as const) {
          const colour = binaryCss(n === 0 ? 1 : 0);
          series.push({ stroke: colour, width: 1.8, dash: [...dash], points: { show: false }, spanGaps: true });
          const entry = document.createElement("li");
          entry.innerHTML = `<i class="${dash.length > 0 ? "dashed" : ""}" style="border-color:${colour}"></i>`;
          entry.append(`${networks > 1 ? `${say(n === 0 ? "networkA" : "networkB")} ` : ""}${say(key)}`);
          legend.append(entry);
        }
      }
      const head = document.createElement("div");
      head.className = "chart-head";
      head.append(heading, legend);
      this.element.append(head, chart);
      return new uPlot({
        width: this.element.clientWidth || 300, height: HEIGHT, series, legend: { show: false }, cursor: { show: false }, padding: [8, 26, 0, 0],
        scales: { x: { time: false }, y: { range: c === 0 ? (_, low, high) => [Math.min(0, low), Math.max(high * 1.05, 0.01)] : (_, low) => [Math.max(-1, Math.min(0.5, low ?? 0)), 1.02] } },
        axes: [{ ...axis, size: 26, space: 70 }, { ...axis, space: 28 }],
      }, [[], ...series.slice(1).map(() => [])] as uPlot.AlignedData, chart);
    });
  }
}

/** Values at the steps of all networks; null where this one has none. */
function align(all: readonly number[], own: readonly number[], values: readonly number[]): (number | null)[] {
  if (all.length === own.length) return values.map((value) => (Number.isFinite(value) ? value : null));
  const byStep = new Map(own.map((step, i) => [step, values[i]]));
  return all.map((step) => byStep.get(step) ?? null);
}
