// The page of a comparison: each mark lies where its number says, in the colour of its activation or class.

import { beforeAll, describe, expect, test } from "vitest";
import { comparisonPage } from "../src/cli/comparison-page.js";
import type { PageTitle } from "../src/cli/comparison-page.js";
import { compareInDetail } from "../src/compare/compare.js";
import type { DetailedComparison } from "../src/compare/compare.js";

const COLOURS = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8a8a8a"];
const round = (value: number): number => Math.round(value * 100) / 100;
const title: PageTitle = { target: "t", task: "classification", rows: 30, columns: 2, hidden: [4, 3], folds: 2, epochs: 3, seed: 1, columnNames: ["a", "b"] };

const noise = (i: number): number => ((i * 7919) % 1009) / 504.5 - 1;
const inputs = (width: number, count: number) => Array.from({ length: count }, (_, i) => Array.from({ length: width }, (__, c) => noise(width * i + c + 1)));
const compared = (width: number, targets: (row: readonly number[]) => number | number[], activations: string[], count = 30) => {
  const rows = inputs(width, count);
  return compareInDetail({ inputs: rows, targets: rows.map(targets) as number[], hidden: [4, 3], folds: 2, epochs: 3, seed: 1, threads: 1, activations: activations as ["tanh"] });
};

/** The attributes of all elements of a kind in a part of the page. */
function elements(part: string, name: string): Record<string, string>[] {
  return [...part.matchAll(new RegExp(`<${name} ([^>]*?)/?>`, "g"))].map(([, text]) => Object.fromEntries([...text.matchAll(/([a-z-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value])));
}
const between = (page: string, from: string, to: string): string => page.slice(page.indexOf(from), page.indexOf(to, page.indexOf(from)));
const pointsOf = (path: string): number[][] => path.slice(1).split("L").map((point) => point.split(" ").map(Number));
const linesOf = (part: string): Record<string, string>[] => elements(part, "path").filter((path) => path["stroke-width"] === "2");

describe("two inputs", () => {
  let comparison: DetailedComparison;
  let page = "";
  beforeAll(async () => {
    comparison = await compared(2, ([a, b]) => (a > 0.3 ? 2 : b > 0 ? 1 : 0), ["tanh", "relu", "prelu"]);
    page = comparisonPage(title, comparison, { classification: true });
  });

  test("each place of a map has the colour of the most probable class, as strong as it is probable", () => {
    const figures = page.split("<figure>").slice(1);
    expect(figures).toHaveLength(3);
    expect(page).toContain("<h2>Decision boundaries</h2><p>The networks of the first fold over a (across) and b (upwards), with the data.</p>");
    figures.forEach((figure, i) => {
      expect(figure).toContain(`<figcaption>${["tanh", "relu", "prelu"][i]}</figcaption>`);
      const cells = elements(figure, "rect");
      expect(cells).toHaveLength(48 * 48);
      const picture = comparison.results[i][0].picture!;
      cells.forEach(({ x, y, fill, "fill-opacity": opacity }, cell) => {
        const own = [...picture.subarray(3 * cell, 3 * cell + 3)];
        const most = Math.max(...own);
        expect([Number(x), Number(y), fill, Number(opacity)]).toEqual([cell % 48, 47 - Math.floor(cell / 48), COLOURS[own.indexOf(most)], round(0.15 + 0.5 * most)]);
      });
    });
  });

  test("samples lie in their places in the colour of their class", () => {
    const { inputs: x, targets } = comparison.task;
    const columns = [0, 1].map((c) => Array.from(x).filter((_, i) => i % 2 === c));
    const part = (c: number, value: number): number => (value - Math.min(...columns[c])) / (Math.max(...columns[c]) - Math.min(...columns[c]));
    for (const figure of page.split("<figure>").slice(1)) {
      const dots = elements(figure, "circle");
      expect(dots).toHaveLength(30);
      dots.forEach(({ cx, cy, fill }, i) => {
        expect(Number(cx)).toBeCloseTo(48 * part(0, columns[0][i]), 1);
        expect(Number(cy)).toBeCloseTo(48 * (1 - part(1, columns[1][i])), 1);
        expect(fill).toBe(COLOURS[targets[i]]);
      });
    }
  });

  test("of many samples at most 400 are drawn, evenly", async () => {
    const many = await compared(2, ([a]) => (a > 0 ? 1 : 0), ["relu"], 900);
    const dots = elements(comparisonPage(title, many, { classification: true }).split("<figure>")[1], "circle");
    expect(dots).toHaveLength(300);
    dots.forEach(({ fill }, i) => expect(fill).toBe(COLOURS[many.task.targets[3 * i]]));
  });

  test("values are from blue, the least, to orange, the most", async () => {
    const fitted = await compared(2, ([a, b]) => [a + 2.5 * b], ["tanh"]);
    const regression = comparisonPage({ ...title, task: "regression" }, fitted, { classification: false });
    expect(regression).toContain("<h2>Fitted surfaces</h2>");
    const picture = [...fitted.results[0][0].picture!];
    const [least, most] = [Math.min(...picture), Math.max(...picture)];
    elements(regression.split("<figure>")[1], "rect").forEach(({ fill, "fill-opacity": opacity }, cell) => {
      expect(Number(/^hsl\((\S+) 70% 60%\)$/.exec(fill)![1])).toBeCloseTo(220 - (180 * (picture[cell] - least)) / (most - least), 1);
      expect(opacity).toBe("0.8");
    });
    expect(elements(regression.split("<figure>")[1], "circle").every(({ fill }) => fill === "#fff")).toBe(true);
  });

  test("learning curves are the means of the folds, by epoch and on a logarithmic scale", () => {
    const part = between(page, "<h2>Learning curves", "<h2>Gradient");
    const curves = comparison.results.map((folds) => [0, 1, 2].map((epoch) => (folds[0].validation[epoch] + folds[1].validation[epoch]) / 2));
    const logs = curves.flat().map(Math.log10);
    const [low, high] = [Math.min(...logs) - 0.05, Math.max(...logs) + 0.05];
    const lines = linesOf(part);
    expect(lines.map(({ stroke }) => stroke)).toEqual(COLOURS.slice(0, 3));
    lines.forEach(({ d }, i) => {
      const points = pointsOf(d);
      expect(points.map(([x]) => x)).toEqual([64, 346, 628]);
      points.forEach(([, y], epoch) => expect(y).toBeCloseTo(12 + 248 * ((high - Math.log10(curves[i][epoch])) / (high - low)), 1));
    });
    expect(part).toContain(">1</text>");
    expect(elements(part, "circle")).toHaveLength(0);
  });

  test("gradients are the means of the folds, a dot for each layer", () => {
    const part = between(page, "<h2>Gradient by layer", "<h2>Decision");
    const norms = comparison.results.map(([one, two]) => one.gradientNorms.map((norm, layer) => (norm + two.gradientNorms[layer]) / 2));
    const logs = norms.flat().map(Math.log10);
    const [low, high] = [Math.min(...logs) - 0.05, Math.max(...logs) + 0.05];
    const dots = elements(part, "circle");
    expect(dots).toHaveLength(9);
    dots.forEach(({ cx, cy, fill }, k) => {
      const [i, layer] = [Math.floor(k / 3), k % 3];
      expect(Number(cx)).toBe(64 + 282 * layer);
      expect(Number(cy)).toBeCloseTo(12 + 248 * ((high - Math.log10(norms[i][layer])) / (high - low)), 1);
      expect(fill).toBe(COLOURS[i]);
    });
  });

  test("names are text, whatever is in them", () => {
    const hostile = comparisonPage({ ...title, target: '<b>"&\u202e', columnNames: ["<i>", "b"] }, comparison, { classification: true });
    expect(hostile).toContain("<h1>Activations compared on &#60;b&#62;&#34;&#38;\\u{202e}</h1>");
    expect(hostile).toContain("over &#60;i&#62; (across)");
    expect(hostile).not.toMatch(/<b>"|<i>|\u202e/);
  });
});

describe("one input", () => {
  test("has the fitted curves through the data's range, and the data", async () => {
    const fitted = await compared(1, ([a]) => [3 * a * a], ["tanh", "relu"]);
    const page = comparisonPage({ ...title, task: "regression", columnNames: ["speed"] }, fitted, { classification: false });
    const part = between(page, "<h2>Fitted curves", "</body>");
    expect(part).toContain("speed, standardised");
    const { inputs: x, targets } = fitted.task;
    const [left, right] = [Math.min(...x), Math.max(...x)];
    const pictures = fitted.results.map(([{ picture }]) => [...picture!]);
    const values = [...pictures.flat(), ...targets];
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const y = (value: number): number => 12 + (248 * (high - value)) / (high - low);
    linesOf(part).forEach(({ d, stroke }, i) => {
      expect(stroke).toBe(COLOURS[i]);
      const points = pointsOf(d);
      expect(points).toHaveLength(121);
      points.forEach(([px, py], k) => {
        expect(px).toBeCloseTo(64 + (564 * k) / 120, 1);
        expect(py).toBeCloseTo(y(pictures[i][k]), 1);
      });
    });
    const dots = elements(part, "circle");
    expect(dots).toHaveLength(30);
    dots.forEach(({ cx, cy }, i) => {
      expect(Number(cx)).toBeCloseTo(64 + (564 * (x[i] - left)) / (right - left), 1);
      expect(Number(cy)).toBeCloseTo(y(targets[i]), 1);
    });
  });

  test("has the probability of the last class, samples of it at 1 and others at 0", async () => {
    const classes = await compared(1, ([a]) => (a > 0.2 ? 1 : 0), ["tanh"]);
    const part = between(comparisonPage(title, classes, { classification: true }), "<h2>Probability of the last class", "</body>");
    const values = [...classes.results[0][0].picture!].filter((_, i) => i % 2 === 1);
    pointsOf(linesOf(part)[0].d).forEach(([, y], k) => expect(y).toBeCloseTo(12 + 248 * (1 - values[k]), 1));
    elements(part, "circle").forEach(({ cy }, i) => expect(Number(cy)).toBe(classes.task.targets[i] === 1 ? 12 : 260));
  });
});

test("three inputs have no picture; more activations than colours are dashed", async () => {
  const nine = ["tanh", "relu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign"];
  const page = comparisonPage({ ...title, columns: 3 }, await compared(3, ([a]) => (a > 0 ? 1 : 0), nine), { classification: true });
  expect(page).not.toMatch(/Decision|Probability|<figure>/);
  const lines = linesOf(between(page, "<h2>Learning curves", "<h2>Gradient"));
  expect(lines.map(({ stroke }) => stroke)).toEqual([...COLOURS, COLOURS[0], COLOURS[1]]);
  expect(lines.map((line) => line["stroke-dasharray"])).toEqual([...new Array<undefined>(7).fill(undefined), "6 3", "6 3"]);
});
