// Charts as SVG: lines over epochs, predicted against true values, bars. Colours are those of the page's style sheet, by class,
// so that one drawing serves light and dark; every chart has a title and a description, and the page a table of the same figures.
//
// A chart is 400 units wide: about as many pixels on a phone and in half a page, so that its text is readable on both.

import { escape } from "../markup.js";
import { figure } from "./html.js";

const WIDTH = 400;
const HEIGHT = 260;
const TOP = 14;
const RIGHT = 14;
const BOTTOM = 42;
const LEFT = 58;
/** Of labels beside bars, in characters. */
const LABEL_LENGTH = 22;
const BAR_HEIGHT = 24;
/** A generous mean for a font of 12 units. */
const CHARACTER_WIDTH = 7;

export interface Series {
  readonly name: string;
  /** Of the style sheet: a, b. */
  readonly style: "a" | "b";
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** About `count` round numbers from `low` to `high`. */
export function ticks(low: number, high: number, count: number): number[] {
  const span = high - low;
  if (!(span > 0) || !Number.isFinite(span)) return [low];
  const rough = span / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  if (!(step > 0)) return [low];
  const marks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + 1e-9 * step; i++) marks.push(i * step + 0);
  return marks;
}

interface Frame {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly svg: string;
}

/** Axes with their labels, and the places of values. */
function frame(xs: readonly [number, number], ys: readonly [number, number], xLabel: string, yLabel: string, whole: boolean): Frame {
  const scale = (low: number, high: number, from: number, to: number) => (value: number): number => {
    const share = high === low ? 0.5 : (value / 2 - low / 2) / (high / 2 - low / 2);
    return Math.round((from + share * (to - from)) * 10) / 10;
  };
  const x = scale(...xs, LEFT, WIDTH - RIGHT);
  const y = scale(...ys, HEIGHT - BOTTOM, TOP);
  const xTicks = ticks(...xs, 5).filter((value) => !whole || Number.isInteger(value));
  const lines = ticks(...ys, 5).map((value) =>
    `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(value)}" y2="${y(value)}"/><text class="tick" x="${LEFT - 6}" y="${y(value) + 4}" text-anchor="end">${figure(value)}</text>`);
  const marks = xTicks.map((value) => `<text class="tick" x="${x(value)}" y="${HEIGHT - BOTTOM + 17}" text-anchor="middle">${figure(value)}</text>`);
  const axis = `<line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${HEIGHT - BOTTOM}" y2="${HEIGHT - BOTTOM}"/>`;
  const labels = `<text class="label" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">${escape(xLabel)}</text>` +
    `<text class="label" transform="translate(12 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle">${escape(yLabel)}</text>`;
  return { x, y, svg: [...lines, ...marks, axis, labels].join("") };
}

function svg(id: string, title: string, description: string, height: number, content: string): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-labelledby="${id}-title ${id}-description"><title id="${id}-title">${escape(title)}</title>` +
    `<desc id="${id}-description">${escape(description)}</desc>${content}</svg>`;
}

function range(values: readonly number[], least = 0): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low === Infinity) return [0, 1];
  const space = high * least - low * least || (low === high ? Math.abs(low) * 0.1 || 1 : 0);
  return [Math.max(-Number.MAX_VALUE, low - space), Math.min(Number.MAX_VALUE, high + space)];
}

/** Lines over epochs, with a mark at the best one. */
export function lineChart(id: string, title: string, yLabel: string, series: readonly Series[], best: number): string {
  const drawn = series.filter(({ points }) => points.length > 0);
  const points = drawn.flatMap((each) => each.points);
  const axes = frame(range(points.map(([epoch]) => epoch)), range(points.map(([, value]) => value), 0.04), "epoch", yLabel, true);
  const lines = drawn.map(({ points, style }) => {
    const places = points.map(([x, y]) => `${axes.x(x)},${axes.y(y)}`);
    if (places.length > 1) return `<polyline class="line ${style}" points="${places.join(" ")}"/>`;
    return `<circle class="dot ${style}" r="3" cx="${axes.x(points[0][0])}" cy="${axes.y(points[0][1])}"/>`;
  });
  const inside = points.some(([epoch]) => epoch <= best) && best > 0;
  const mark = inside ? `<line class="best" x1="${axes.x(best)}" x2="${axes.x(best)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/>` : "";
  const ends = drawn.map(({ name, points }) => `${name} from ${figure(points[0][1])} to ${figure(points[points.length - 1][1])}`).join(", ");
  return svg(id, title, `${yLabel} over the epochs: ${ends}. The best epoch is ${best}.`, HEIGHT, axes.svg + mark + lines.join(""));
}

/** Predicted against true values, with the line on which they are equal. */
export function scatterChart(id: string, title: string, unit: string, points: readonly (readonly [truth: number, prediction: number])[]): string {
  const both = range(points.flat(), 0.03);
  const axes = frame(both, both, `true ${unit}`, "predicted", false);
  const dots = points.map(([truth, prediction]) => `<circle class="dot a" r="3" cx="${axes.x(truth)}" cy="${axes.y(prediction)}"/>`);
  const equal = `<line class="best" x1="${axes.x(both[0])}" y1="${axes.y(both[0])}" x2="${axes.x(both[1])}" y2="${axes.y(both[1])}"/>`;
  return svg(id, title, `${points.length} rows, true values across and predicted ones up. On the line both are equal.`, HEIGHT, axes.svg + equal + dots.join(""));
}

/** A bar for each name, with the deviation as a line at its end. */
export function barChart(id: string, title: string, bars: readonly { readonly name: string; readonly value: number; readonly deviation: number }[]): string {
  const longest = Math.min(LABEL_LENGTH, Math.max(...bars.map(({ name }) => [...name].length)));
  const left = 16 + CHARACTER_WIDTH * longest;
  const right = WIDTH - 58;
  const most = Math.max(1e-12, ...bars.map(({ value, deviation }) => value + deviation));
  const x = (value: number): number => Math.round((left + (Math.max(0, value) / most) * (right - left)) * 10) / 10;
  const content = bars.map(({ name, value, deviation }, i) => {
    const y = i * BAR_HEIGHT + 4;
    const middle = y + BAR_HEIGHT / 2 - 3;
    const characters = [...name];
    const shown = characters.length > LABEL_LENGTH ? `${characters.slice(0, LABEL_LENGTH - 1).join("")}…` : name;
    return `<g><title>${escape(`${name}: ${figure(value)} ± ${figure(deviation)}`)}</title>` +
      `<text class="name" x="${left - 8}" y="${middle + 5}" text-anchor="end">${escape(shown)}</text>` +
      `<rect class="bar" x="${left}" y="${y}" width="${Math.max(1, x(value) - left)}" height="${BAR_HEIGHT - 7}" rx="2"/>` +
      `<line class="error" x1="${x(value - deviation)}" x2="${x(value + deviation)}" y1="${middle}" y2="${middle}"/>` +
      `<text class="tick" x="${x(value + deviation) + 6}" y="${middle + 5}">${figure(Number(value.toPrecision(2)))}</text></g>`;
  });
  return svg(id, title, `The first is ${bars[0].name} with ${figure(bars[0].value)}.`, bars.length * BAR_HEIGHT + 8, content.join(""));
}
