// The page of a comparison: one HTML file without scripts, light or dark as the reader has it: the table, a learning curve for each activation, the norm of the
// gradient by layer, and with one or two inputs what the networks have learned.

import type { DetailedComparison } from "../compare/compare.js";
import { gridOf } from "../compare/job.js";
import { escape, pixel } from "../markup.js";
import { tableOf } from "./comparison-table.js";
import { figure } from "./terminal.js";

export interface PageTitle {
  readonly target: string;
  readonly task: string;
  readonly rows: number;
  readonly columns: number;
  readonly hidden: readonly number[];
  readonly folds: number;
  readonly epochs: number;
  readonly seed: number;
  readonly columnNames: readonly string[];
}

/** Colours that are told apart without red and green (Okabe and Ito 2008), then again with dashes. */
const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a8a"];
const colour = (i: number): string => COLOURS[i % COLOURS.length];
const dashes = (i: number): string => (i < COLOURS.length ? "" : ` stroke-dasharray="${i < 2 * COLOURS.length ? "6 3" : "2 3"}"`);

const WIDTH = 640;
const HEIGHT = 300;
const MARGIN = { left: 64, right: 12, top: 12, bottom: 40 } as const;

export function comparisonPage(title: PageTitle, comparison: DetailedComparison, scale: { readonly classification: boolean }): string {
  const { rows, results } = comparison;
  const legend = `<p class="legend">${rows.map(({ activation }, i) => `<span><svg viewBox="0 0 24 8"><path d="M0 4h24" stroke="${colour(i)}" stroke-width="3"${dashes(i)}/></svg>${escape(activation)}</span>`).join("")}</p>`;
  const curves = results.map((folds) => {
    const longest = Math.max(...folds.map(({ validation, training }) => Math.max(validation.length, training.length)), 0);
    return Array.from({ length: longest }, (_, epoch): readonly [number, number] => {
      const values = folds.map(({ validation, training }) => (Number.isFinite(validation[epoch]) ? validation : training)[epoch]).filter(Number.isFinite);
      return [epoch + 1, values.reduce((sum, value) => sum + value, 0) / values.length];
    });
  });
  const gradients = results.map((folds) => folds[0].gradientNorms.map((_, layer): readonly [number, number] => [
    layer, folds.reduce((sum, { gradientNorms }) => sum + gradientNorms[layer], 0) / folds.length,
  ]));
  const [head, ...body] = tableOf(comparison);
  const findings = rows.flatMap(({ activation, findings: found }) => found.map(({ message, advice }) => `<li><b>${escape(activation)}</b>: ${escape(message)} ${escape(advice)}</li>`));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${escape(title.target)}: activations compared</title>
<style>
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:76rem;margin:0 auto;padding:1rem;color:#1b1f24;background:#fff}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
.scroll{overflow-x:auto}table{border-collapse:collapse;font-size:.85rem;white-space:nowrap}th,td{padding:.3rem .5rem;text-align:right;border-bottom:1px solid #8884}th:first-child,td:first-child{text-align:left}
svg text{fill:currentColor;font-size:13px}svg{max-width:100%;height:auto}.grid{stroke:currentColor;stroke-opacity:.15}.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem}.legend svg{width:24px;height:8px;margin-right:.4rem}
.maps{display:flex;flex-wrap:wrap;gap:1rem}.maps figure{margin:0;width:19rem;max-width:100%}figcaption{font-size:.9rem}
@media(prefers-color-scheme:dark){body{color:#e6e9ee;background:#14171c}}
</style></head><body>
<h1>Activations compared on ${escape(title.target)}</h1>
<p>A ${escape(title.task)} from ${title.columns} columns and ${title.rows} rows: the same network with hidden layers of ${title.hidden.join(", ")} units on the same ${title.folds} folds, ${title.epochs} epochs each, seed ${title.seed}.</p>
<div class="scroll" tabindex="0"><table><thead><tr>${head.map((cell) => `<th>${escape(cell)}</th>`).join("")}</tr></thead><tbody>${body.map((row) => `<tr>${row.map((cell) => `<td>${escape(cell)}</td>`).join("")}</tr>`).join("")}</tbody></table></div>
<p>A figure is the mean over the folds that were held out ± its deviation. A row differs where its loss is above the best by more than chance: corrected resampled t-test, level 0.05, all rows together (Holm).</p>
<h2>Learning curves</h2><p>The loss of the held-out part after each epoch, the mean of the folds; logarithmic.</p>${legend}${chart(curves, "epoch", "loss")}
<h2>Gradient by layer</h2><p>The norm of the loss's gradient by the parameters of each layer after training, the mean of the folds; logarithmic. Where it falls towards the first layer, that layer learns slowly.</p>${legend}${chart(gradients, "layer", "gradient norm", true)}
${pictures(title, comparison, scale.classification, legend)}${findings.length > 0 ? `<h2>Findings</h2><ul>${findings.join("")}</ul>` : ""}
</body></html>
`;
}

type Point = readonly [x: number, y: number];

/** Lines over a logarithmic scale; values that are not above 0 are left out. `marked`: with a dot at each point, whole numbers below. */
function chart(series: readonly (readonly Point[])[], xLabel: string, yLabel: string, marked = false): string {
  const shown = series.map((points) => points.filter(([, y]) => y > 0 && Number.isFinite(y)));
  const all = shown.flat();
  if (all.length === 0) return "<p>Nothing to show.</p>";
  const [x0, x1] = [Math.min(...all.map(([x]) => x)), Math.max(...all.map(([x]) => x))];
  const logs = all.map(([, y]) => Math.log10(y));
  const low = Math.min(...logs) - 0.05;
  const high = Math.max(...logs) + 0.05;
  const x = (value: number): number => MARGIN.left + ((value - x0) / Math.max(1, x1 - x0)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (log: number): number => MARGIN.top + ((high - log) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  return frame(xTicks(x0, x1).map((value) => [x(value), String(value)] as const), logTicks(low, high).map((value) => [y(Math.log10(value)), figure(value)] as const), xLabel, yLabel,
    shown.map((points, i) => `<path fill="none" stroke="${colour(i)}" stroke-width="2"${dashes(i)} d="M${points.map(([a, b]) => `${pixel(x(a))} ${pixel(y(Math.log10(b)))}`).join("L")}"/>${
      marked ? points.map(([a, b]) => `<circle r="3.5" fill="${colour(i)}" cx="${pixel(x(a))}" cy="${pixel(y(Math.log10(b)))}"/>`).join("") : ""}`).join(""));
}

function frame(xs: readonly (readonly [number, string])[], ys: readonly (readonly [number, string])[], xLabel: string, yLabel: string, content: string): string {
  const bottom = HEIGHT - MARGIN.bottom;
  return `<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" role="img" aria-label="${escape(`${yLabel} by ${xLabel}`)}">${
    ys.map(([at, text]) => `<path class="grid" d="M${MARGIN.left} ${pixel(at)}H${WIDTH - MARGIN.right}"/><text text-anchor="end" x="${MARGIN.left - 6}" y="${pixel(at + 4)}">${escape(text)}</text>`).join("")}${
    xs.map(([at, text]) => `<path class="grid" d="M${pixel(at)} ${MARGIN.top}V${bottom}"/><text text-anchor="middle" x="${pixel(at)}" y="${bottom + 17}">${escape(text)}</text>`).join("")}${content}<text text-anchor="middle" x="${(WIDTH + MARGIN.left) / 2}" y="${HEIGHT - 4}">${escape(xLabel)}</text></svg>`;
}

/** At most ten whole numbers. */
function xTicks(low: number, high: number): number[] {
  const step = Math.max(1, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000].find((size) => (high - low) / size <= 9) ?? Math.ceil((high - low) / 9));
  const first = Math.ceil(low / step) * step;
  return Array.from({ length: Math.floor((high - first) / step) + 1 }, (_, i) => first + i * step);
}

/** Powers of ten; with 2 and 5 between where they are few. */
function logTicks(low: number, high: number): number[] {
  const steps = high - low > 3 ? [1] : high - low > 0.8 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
  const every = Math.max(1, Math.ceil((high - low) / 8));
  const values: number[] = [];
  for (let power = Math.floor(low / every) * every; power <= high; power += every) values.push(...steps.map((step) => Number(`${step}e${power}`)));
  return values.filter((value) => Math.log10(value) >= low && Math.log10(value) <= high);
}

/** What the first fold's networks have learned, over the data's range: a curve of one input, the decision or the value over two. */
function pictures(title: PageTitle, { task, rows, results }: DetailedComparison, classification: boolean, legend: string): string {
  const grid = gridOf(task);
  if (grid === undefined) return "";
  const { low, high, across, points } = grid;
  if (task.width === 1) {
    const outputs = classification ? task.outputs - 1 : 0;
    const series = results.map(([{ picture }]) => Array.from({ length: across }, (_, i): Point => [points[i], picture![i * task.outputs + outputs]]));
    const samples = Array.from(task.inputs, (value, i): Point => [value, classification ? (task.targets[i] === outputs ? 1 : 0) : task.targets[i]]);
    return `<h2>${classification ? "Probability of the last class" : "Fitted curves"}</h2><p>The networks of the first fold and the data; standardised.</p>${legend}${curveChart(series, samples, low[0], high[0], `${title.columnNames[0]}, standardised`)}`;
  }
  const map = (i: number): string => {
    const picture = results[i][0].picture!;
    const least = picture.reduce((a, b) => Math.min(a, b), Infinity);
    const most = picture.reduce((a, b) => Math.max(a, b), -Infinity);
    const cells = Array.from({ length: across * across }, (_, cell) => {
      const own = picture.subarray(cell * task.outputs, (cell + 1) * task.outputs);
      const best = own.indexOf(own.reduce((a, b) => Math.max(a, b), -Infinity));
      const fill = classification ? colour(best) : `hsl(${pixel(220 - (180 * (own[0] - least)) / Math.max(1e-30, most - least))} 70% 60%)`;
      const strength = classification ? 0.15 + 0.5 * own[best] : 0.8;
      return `<rect x="${cell % across}" y="${across - 1 - Math.floor(cell / across)}" width="1.02" height="1.02" fill="${fill}" fill-opacity="${pixel(strength)}"/>`;
    });
    const step = Math.ceil(task.targets.length / 400);
    const dots = Array.from({ length: Math.floor(task.targets.length / step) }, (_, k) => k * step).map((r) => {
      const at = (c: number): number => ((task.inputs[2 * r + c] - low[c]) / Math.max(1e-30, high[c] - low[c])) * across;
      return `<circle cx="${pixel(at(0))}" cy="${pixel(across - at(1))}" r=".55" stroke="#000" stroke-width=".12" fill="${classification ? colour(task.targets[r]) : "#fff"}"/>`;
    });
    return `<figure><svg viewBox="0 0 ${across} ${across}" role="img" aria-label="${escape(rows[i].activation)}">${cells.join("")}${dots.join("")}</svg><figcaption>${escape(rows[i].activation)}</figcaption></figure>`;
  };
  return `<h2>${classification ? "Decision boundaries" : "Fitted surfaces"}</h2><p>The networks of the first fold over ${escape(title.columnNames.join(" (across) and "))} (upwards), with the data.</p><div class="maps">${rows.map((_, i) => map(i)).join("")}</div>`;
}

function curveChart(series: readonly (readonly Point[])[], samples: readonly Point[], x0: number, x1: number, xLabel: string): string {
  const values = [...series.flat(), ...samples].map(([, y]) => y).filter(Number.isFinite);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (value: number): number => MARGIN.left + ((value - x0) / Math.max(1e-30, x1 - x0)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number): number => MARGIN.top + ((high - value) / Math.max(1e-30, high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const even = (a: number, b: number): number[] => Array.from({ length: 6 }, (_, i) => a + ((b - a) * i) / 5);
  return frame(even(x0, x1).map((value) => [x(value), figure(Number(value.toPrecision(2)))] as const), even(low, high).map((value) => [y(value), figure(Number(value.toPrecision(2)))] as const), xLabel, "output",
    samples.map(([a, b]) => `<circle r="2" fill="currentColor" fill-opacity=".25" cx="${pixel(x(a))}" cy="${pixel(y(b))}"/>`).join("")
    + series.map((points, i) => `<path fill="none" stroke="${colour(i)}" stroke-width="2"${dashes(i)} d="M${points.map(([a, b]) => `${pixel(x(a))} ${pixel(y(b))}`).join("L")}"/>`).join(""));
}
