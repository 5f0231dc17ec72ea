// plotActivation: an SVG of an activation and its derivative, by the very functions that networks use. It is one file with no script and no font of its own,
// light or dark as the reader has it, and scales to the width that it is given.
//
//   data    z from −RANGE to RANGE; a curve that leaves the picture is cut at its edge, exactly where it leaves
//   kinks   where the derivative jumps the curve is broken: an open dot on the side that does not hold, a full one on PyTorch's value

import { activate, activationDerivative } from "../activate.js";
import { activations, resolveActivation } from "../describe/activations.js";
import type { ActivationName, ActivationSpec } from "../describe/activations.js";
import { escape, pixel } from "../markup.js";

/** The picture, its margins, and the weighted sums that it shows; pixels of the view box. */
const WIDTH = 480;
const HEIGHT = 320;
const MARGIN = { left: 48, right: 16, top: 48, bottom: 40 } as const;
const RANGE = 6;
/** Points of a curve between two kinks. */
const POINTS = 361;

/** What a curve is made of: pieces without a jump. */
type Piece = readonly (readonly [z: number, value: number])[];

/** Where the derivative jumps, or f has a corner. */
function kinks(spec: ActivationSpec): readonly number[] {
  switch (spec.name) {
    case "relu": case "leakyRelu": case "prelu": case "selu": return [0];
    case "elu": return spec.alpha === 1 ? [] : [0];
    case "relu6": return [0, 6];
    case "hardSigmoid": return [-3, 3];
    case "hardTanh": return [-1, 1];
    default: return [];
  }
}

/**
 * A picture of f(z) and f′(z) as the source of an SVG; of softmax that of one of two units, the other's weighted sum 0. `await ready()` first.
 * @param activation a name, or what a function of that name returns; prelu is shown with its initial slope
 * @throws {TypeError | RangeError} for an unknown activation
 * @throws {Error} before `ready`
 * @example await writeFile("gelu.svg", plotActivation("gelu"));
 */
export function plotActivation(activation: ActivationName | ActivationSpec): string {
  const spec = resolveActivation(activation, "plotActivation");
  // of two units, one at z and one at 0, softmax is the sigmoid of z
  const shown: ActivationName | ActivationSpec = spec.name === "softmax" ? "sigmoid" : spec;
  const values = pieces(spec, (z) => activate(shown, z));
  const slopes = pieces(spec, (z) => activationDerivative(shown, z));
  const [low, high] = bounds([...values, ...slopes].flat().map(([, value]) => value));
  const x = (z: number): number => MARGIN.left + ((z + RANGE) / (2 * RANGE)) * (WIDTH - MARGIN.left - MARGIN.right);
  const y = (value: number): number => MARGIN.top + ((high - value) / (high - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  const path = (piece: Piece): string => clipped(piece, low, high).map((run) => `M${run.map(([z, value]) => `${pixel(x(z))} ${pixel(y(value))}`).join("L")}`).join("");
  const jumps = dots(slopes, shown).filter(({ value }) => value >= low && value <= high);
  const title = spec.name === "custom" ? spec.custom.name : `${spec.name}${parameterText(spec)}`;
  const text = (at: string, words: string, more = ""): string => `<text ${at}${more}>${escape(words)}</text>`;
  const yTicks = ticks(low, high);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escape(`${title}: f(z)${spec.name === "custom" ? "" : ` = ${activations[spec.name].formula}`}, and its derivative`)}">`,
    "<style>",
    "svg{color:#1b1f24;background:#fff;font:13px system-ui,sans-serif}",
    ".grid{stroke:currentColor;stroke-opacity:.14}.axis{stroke:currentColor;stroke-opacity:.55}text{fill:currentColor}.tick{font-size:12px;fill-opacity:.75}",
    ".f{stroke:#0b62c4}.d{stroke:#c2410c;stroke-dasharray:7 4}.f,.d{fill:none;stroke-width:2.25;stroke-linejoin:round}.full{fill:#c2410c}.open{fill:#fff;stroke:#c2410c;stroke-width:1.5}",
    "@media(prefers-color-scheme:dark){svg{color:#e6e9ee;background:#14171c}.f{stroke:#6cb2ff}.d{stroke:#ffa05c}.full{fill:#ffa05c}.open{fill:#14171c;stroke:#ffa05c}}",
    "</style>",
    text(`x="${MARGIN.left}" y="20" font-weight="600" font-size="15"`, title),
    `<path class="f" d="M${WIDTH - 186} 15h26"/>${text(`x="${WIDTH - 154}" y="20"`, "f(z)")}`,
    `<path class="d" d="M${WIDTH - 104} 15h26"/>${text(`x="${WIDTH - 72}" y="20"`, "f′(z)")}`,
    ...ticks(-RANGE, RANGE).map((z) => `<path class="${z === 0 ? "axis" : "grid"}" d="M${pixel(x(z))} ${MARGIN.top}V${HEIGHT - MARGIN.bottom}"/>${text(`class="tick" text-anchor="middle" x="${pixel(x(z))}" y="${HEIGHT - MARGIN.bottom + 17}"`, label(z))}`),
    ...yTicks.map((value) => `<path class="${value === 0 ? "axis" : "grid"}" d="M${MARGIN.left} ${pixel(y(value))}H${WIDTH - MARGIN.right}"/>${text(`class="tick" text-anchor="end" x="${MARGIN.left - 6}" y="${pixel(y(value) + 4)}"`, label(value))}`),
    text(`x="${pixel(x(0))}" y="${HEIGHT - 6}" text-anchor="middle"`, spec.name === "softmax" ? "z of one unit; the other's is 0" : "z, the weighted sum"),
    `<path class="f" d="${values.map(path).join("")}"/>`,
    // dashes above the line, so that both show where they are one (the exponential's)
    `<path class="d" d="${slopes.map(path).join("")}"/>`,
    ...jumps.map(({ z, value, holds }) => `<circle class="${holds ? "full" : "open"}" cx="${pixel(x(z))}" cy="${pixel(y(value))}" r="3.5"/>`),
    "</svg>",
    "",
  ].join("\n");
}

/** The curve between kinks: each piece is sampled from just beyond one to just before the next. */
function pieces(spec: ActivationSpec, f: (z: Float32Array) => Float32Array): Piece[] {
  const ends = [-RANGE, ...kinks(spec).filter((z) => Math.abs(z) < RANGE), RANGE];
  return ends.slice(1).map((end, i) => {
    const begin = ends[i];
    const count = Math.max(2, Math.round((POINTS * (end - begin)) / (2 * RANGE)));
    const inside = 1e-5;
    const z = Float32Array.from({ length: count }, (_, p) => begin + inside + ((end - begin - 2 * inside) * p) / (count - 1));
    const values = f(z);
    return Array.from(z, (at, p) => [p === 0 ? begin : p === count - 1 ? end : at, values[p]] as const);
  });
}

/** The values that the picture shows: at most −4 to 6, at least −0.25 to 1.25. */
function bounds(values: readonly number[]): readonly [low: number, high: number] {
  const low = Math.max(-4, Math.min(...values) - 0.1);
  const high = Math.min(6, Math.max(...values) + 0.1);
  return [Math.min(-0.25, low), Math.max(1.25, high)];
}

/** The parts of a piece between two values, cut where the line between two points meets one. */
function clipped(piece: Piece, low: number, high: number): [number, number][][] {
  const runs: [number, number][][] = [];
  let run: [number, number][] = [];
  const inside = (value: number): boolean => value >= low && value <= high;
  piece.forEach(([z, value], i) => {
    if (i > 0 && inside(value) !== inside(piece[i - 1][1])) {
      const [z0, v0] = piece[i - 1];
      const edge = (inside(value) ? v0 : value) > high ? high : low;
      run.push([z0 + ((z - z0) * (edge - v0)) / (value - v0), edge]);
    }
    if (inside(value)) run.push([z, value]);
    else if (run.length > 0) {
      runs.push(run);
      run = [];
    }
  });
  return run.length > 0 ? [...runs, run] : runs;
}

/** What the derivative is at a jump: its limits from both sides, and which of them holds. */
function dots(slopes: readonly Piece[], shown: ActivationName | ActivationSpec): { z: number; value: number; holds: boolean }[] {
  return slopes.slice(1).flatMap((piece, i) => {
    const [z, right] = piece[0];
    const left = slopes[i][slopes[i].length - 1][1];
    if (Math.abs(right - left) < 1e-3) return [];
    const [at] = activationDerivative(shown, Float32Array.of(z));
    return [left, right].map((value) => ({ z, value, holds: Math.abs(value - at) < 1e-3 }));
  });
}

/** Round numbers at equal distances, 0 among them, at most nine. */
function ticks(low: number, high: number): number[] {
  const step = [0.25, 0.5, 1, 2].find((size) => (high - low) / size <= 8) ?? 2;
  const first = Math.ceil(low / step);
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step);
}

function label(value: number): string {
  return String(value).replace("-", "−");
}

function parameterText(spec: ActivationSpec): string {
  switch (spec.name) {
    case "leakyRelu": return `, slope ${label(spec.slope)}`;
    case "prelu": return `, initial slope ${label(spec.initialSlope)}`;
    case "elu": return `, alpha ${label(spec.alpha)}`;
    case "gelu": return spec.approximate === "tanh" ? ", by tanh" : "";
    default: return "";
  }
}
