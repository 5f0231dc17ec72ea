// Losses by row and right predictions by row. Each loss is held against f64 within a bound made of its terms, for rows of
// every length from 0 to 67; then a row has to have the bits that it has there, whatever rows are around it, and a row's
// padding in the gradient is 0.

import { describe, expect, it } from "vitest";
import { HitMode, LossCode } from "../../assembly/codes.js";
import { logSumExp, sigmoid, softmax } from "../oracle/activations.js";
import { outputGradient, sampleLoss, smoothedTargets, weightedSumGradient, type OracleLoss } from "../oracle/losses.js";
import { LARGEST, paddedStride, randomNumbers, Stage, THIRD, UNWRITTEN_BITS } from "./stage.js";

const U = 2 ** -24;
/** Of f64, with n terms and functions within an ulp of it: for what the core computes in f64. */
const U64 = 2 ** -50;
const DELTA = Math.fround(0.7);

/** The numbers of one row: weighted sums, outputs, targets. */
interface Row {
  readonly z: Float32Array;
  readonly a: Float32Array;
  readonly t: Float32Array;
}

interface Tried {
  readonly code: LossCode;
  readonly title: string;
  readonly oracle: OracleLoss;
  readonly output: "linear" | "sigmoid" | "softmax";
  /** One output and target from two numbers in [0, 1). */
  element(x: number, y: number): readonly [number, number];
  /** How far the row's value may be off, and each gradient, before the scale. */
  bounds(row: Row, gradient: Float64Array): { readonly value: number; readonly gradient: (j: number) => number };
}

const signed = (x: number): number => 6 * (x - 0.5);
const share = (x: number): number => (x < 0.1 ? 0 : x > 0.9 ? 1 : x);

/** Bounds of a loss that adds its outputs' losses: terms rounded so often, and the gradient's so often beyond its own size `rest`. */
function elementwiseBounds(terms: (a: number, t: number) => number, rest: (a: number, t: number) => number) {
  return ({ a, t }: Row, gradient: Float64Array) => ({
    value: a.reduce((sum, p, j) => sum + terms(p, t[j]), 0),
    gradient: (j: number) => 6 * U * (Math.abs(gradient[j]) + rest(a[j], t[j])),
  });
}

/** ln S = ln(1 + s), s the sum of all but the greatest: each of its terms is off by u·|z − m| + 3u, s by a rounding more, log1p by 3u. */
function logSumBound(z: Float32Array): number {
  const m = z.reduce((a, b) => Math.max(a, b), -Infinity);
  let rest = -1;
  let error = 0;
  for (const x of z) {
    const e = Math.exp(x - m);
    rest += e;
    if (e > 0) error += e * U * (m - x + 3);
  }
  return (error + U * rest) / (1 + rest) + 3 * U * Math.log1p(rest) + 2 ** -149;
}

function crossEntropyBounds(row: Row): ReturnType<Tried["bounds"]> {
  const { z, t } = row;
  if (z.length === 0) return { value: 0, gradient: () => 0 };
  const p = softmax(Float64Array.from(z));
  const total = t.reduce((sum, x) => sum + x, 0);
  const reach = t.reduce((sum, x, j) => sum + x * (1 + Math.abs(z[j])) + Math.abs(x * Math.log(Math.max(x, 1e-40))), 0);
  const greatest = z.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return {
    value: total * logSumBound(z) + U64 * z.length * (reach + total * greatest),
    // the output, Σt, their product and the difference are rounded
    gradient: (j) => 4 * U * p[j] * total + U * t[j],
  };
}

const TRIED: readonly Tried[] = [
  {
    code: LossCode.meanSquaredError, title: "meanSquaredError", oracle: { name: "meanSquaredError" }, output: "linear",
    element: (x, y) => [signed(x), signed(y)],
    bounds: elementwiseBounds((a, t) => 4 * U * (a - t) ** 2, () => 0),
  },
  {
    code: LossCode.meanAbsoluteError, title: "meanAbsoluteError", oracle: { name: "meanAbsoluteError" }, output: "linear",
    element: (x, y) => [signed(x), y < 0.1 ? signed(x) : signed(y)],
    bounds: elementwiseBounds((a, t) => 2 * U * Math.abs(a - t), () => 0),
  },
  {
    code: LossCode.huber, title: "huber", oracle: { name: "huber", delta: DELTA }, output: "linear",
    element: (x, y) => [signed(x), y < 0.1 ? signed(x) - DELTA : signed(y)],
    bounds: elementwiseBounds((a, t) => 6 * U * ((a - t) ** 2 + DELTA * Math.abs(a - t)), () => 0),
  },
  {
    code: LossCode.logCosh, title: "logCosh", oracle: { name: "logCosh" }, output: "linear",
    element: (x, y) => (y < 0.3 ? [signed(x), signed(x) + 0.01 * (y - 0.15)] : [signed(x), 4 * signed(y)]),
    // near 0 relative to the value e²/2: every factor is off by a few u; from 1 on to |e| + ln 2
    bounds: elementwiseBounds((a, t) => (Math.abs(a - t) < 1 ? 16 * U * (a - t) ** 2 : 8 * U * (Math.abs(a - t) + 1)), () => 0),
  },
  {
    code: LossCode.binaryCrossEntropy, title: "binaryCrossEntropy", oracle: { name: "binaryCrossEntropy" }, output: "linear",
    element: (x, y) => [Math.max(0.001, Math.min(0.999, x)), share(y)],
    bounds: elementwiseBounds(
      (a, t) => 8 * U * (Math.abs(t * Math.log(a)) + Math.abs((1 - t) * Math.log1p(-a))), () => 0),
  },
  {
    code: LossCode.hinge, title: "hinge", oracle: { name: "hinge" }, output: "linear",
    element: (x, y) => [y > 0.95 ? 1 : signed(x), y < 0.5 ? -1 : 1],
    bounds: elementwiseBounds((a, t) => 2 * U * (1 + Math.abs(a * t)), () => 0),
  },
  {
    code: LossCode.poisson, title: "poisson", oracle: { name: "poisson" }, output: "linear",
    element: (x, y) => [x + 1e-3, share(y) * 5],
    bounds: elementwiseBounds((a, t) => 8 * U * (a + Math.abs(t * Math.log(a))), (a, t) => 1 + t / a),
  },
  {
    code: LossCode.klDivergence, title: "klDivergence", oracle: { name: "klDivergence" }, output: "linear",
    element: (x, y) => [x + 1e-3, share(y)],
    // ln of the rounded quotient t/a: u absolutely, and 3u of the logarithm
    bounds: elementwiseBounds((a, t) => (t === 0 ? 0 : t * U * (2 + 6 * Math.abs(Math.log(t / a)))), () => 0),
  },
  {
    code: LossCode.sigmoidCrossEntropy, title: "binaryCrossEntropy after sigmoid", oracle: { name: "binaryCrossEntropy" }, output: "sigmoid",
    element: (x, y) => [x < 0.05 ? 200 * (y - 0.5) : 3 * signed(x), share(y)],
    bounds: ({ z, a, t }) => ({
      // max(z, 0) − z·t, the correction e^−|z| and their sum; the output is rounded once before
      value: z.reduce((sum, x, j) => sum + 6 * U * (Math.abs(x) * (1 + t[j]) + Math.log1p(Math.exp(-Math.abs(x)))), 0),
      gradient: (j) => U * a[j] + 3 * U * (a[j] + t[j]),
    }),
  },
  {
    code: LossCode.softmaxCrossEntropy, title: "crossEntropy after softmax", oracle: { name: "crossEntropy" }, output: "softmax",
    element: (x, y) => [3 * signed(x), share(y)], bounds: crossEntropyBounds,
  },
  {
    code: LossCode.softmaxDivergence, title: "klDivergence after softmax", oracle: { name: "klDivergence" }, output: "softmax",
    element: (x, y) => [3 * signed(x), share(y)], bounds: crossEntropyBounds,
  },
  {
    code: LossCode.softmaxBinary, title: "binaryCrossEntropy after softmax", oracle: { name: "binaryCrossEntropy" }, output: "softmax",
    element: (x, y) => [2 * signed(x), share(y)],
    // f64 throughout, rounded once at the end; a difference of ln Σ and z in an exponent is off by U64 of their size
    bounds: ({ z }, gradient) => ({
      value: U64 * z.length * z.length * 64,
      gradient: (j) => 2 * U * Math.abs(gradient[j]) + U64 * z.length * 64,
    }),
  },
];

function rowsOf({ element, output }: Tried, seed: number, rows: number, columns: number): Row[] {
  const next = randomNumbers(seed);
  return Array.from({ length: rows }, () => {
    const elements = Array.from({ length: columns }, () => element(next(), next()));
    // a softmax of one output is 1, whose binary loss is infinite for any other target
    if (columns === 1 && output === "softmax") elements[0] = [elements[0][0], 1];
    return rowOf(output, Float32Array.from(elements, ([z]) => z), Float32Array.from(elements, ([, t]) => t));
  });
}

/** Outputs as the activation makes them of the weighted sums, rounded once. */
function rowOf(output: Tried["output"], z: Float32Array, t: Float32Array): Row {
  const a = output === "softmax" && z.length > 0 ? Float32Array.from(softmax(Float64Array.from(z))) : output === "sigmoid" ? z.map((x) => sigmoid(x)) : z;
  return { z, a, t };
}

/** Value and gradient of one row in f64: sums over the outputs, as the kernel has them. */
function exactOf({ oracle, output }: Tried, { z, a, t }: Row): { readonly value: number; readonly gradient: Float64Array } {
  if (z.length === 0) return { value: 0, gradient: new Float64Array(0) };
  // a softmax is the same of all sums less the greatest; f64 keeps their differences only so
  const shift = output === "softmax" ? z.reduce((greatest, x) => Math.max(greatest, x), -Infinity) : 0;
  const [sums, outputs, targets] = [Float64Array.from(z, (x) => x - shift), Float64Array.from(a), Float64Array.from(t)];
  const factor = oracle.name === "crossEntropy" || oracle.name === "klDivergence" ? 1 : z.length;
  const fused = output !== "linear";
  const gradient = fused ? weightedSumGradient(oracle, output, sums, targets) : outputGradient(oracle, outputs, targets);
  return { value: factor * sampleLoss(oracle, output, sums, outputs, targets), gradient: gradient.map((g) => factor * g) };
}

interface Placed {
  readonly stride: number;
  readonly d: number;
  readonly values: number;
}

/** Runs rows [begin, end) of `rows` and returns where the results lie. */
function run(stage: Stage, { code }: Tried, rows: readonly Row[], columns: number, begin: number, end: number, turn: number, weights: Float32Array | undefined, inverse: number, withGradient = true): Placed {
  stage.clear();
  const stride = paddedStride(columns, turn);
  const place = (key: keyof Row): number => {
    const at = stage.reserve(4 * rows.length * stride);
    rows.forEach((row, r) => stage.f32.set(row[key], at / 4 + r * stride));
    return at;
  };
  const z = place("z");
  const a = place("a");
  const t = place("t");
  const d = withGradient ? stage.unwritten(rows.length * stride) : 0;
  const weightsAt = weights === undefined ? 0 : stage.place(weights.subarray(0, rows.length));
  const values = stage.reserve(8 * rows.length);
  stage.run((kernels) => kernels.lossRows(code, DELTA, z, a, t, d, begin, end, columns, 4 * stride, weightsAt, inverse, values), [
    { at: d + 4 * begin * stride, bytes: withGradient ? 16 * Math.ceil(columns / 4) : 0, rows: end - begin, stride: 4 * stride },
    { at: values + 8 * begin, bytes: 8 * (end - begin) },
  ]);
  return { stride, d, values };
}

/** Throws unless a row's loss, gradient and padding are as they should be. */
function expectRow(stage: Stage, tried: Tried, row: Row, placed: Placed, index: number, weight: number, inverse: number): void {
  const exact = exactOf(tried, row);
  const { value, gradient } = tried.bounds(row, exact.gradient);
  if (value > 1e-4 * (row.z.length + Math.abs(exact.value))) throw new Error(`a bound of ${value} for a loss of ${exact.value}`);
  const got = stage.f64[placed.values / 8 + index];
  if (!(Math.abs(got - weight * exact.value) <= weight * (value + U64 * row.z.length * Math.abs(exact.value)) + 2 ** -149)) {
    throw new Error(`row of ${row.z.length}: loss ${got}, exact ${weight * exact.value}, bound ${weight * value}`);
  }
  const scale = weight * inverse;
  exact.gradient.forEach((g, j) => {
    const d = stage.f32[placed.d / 4 + index * placed.stride + j];
    if (gradient(j) > 1e-4 * (1 + Math.abs(g))) throw new Error(`a bound of ${gradient(j)} for a gradient of ${g}`);
    // the scale is rounded to f32, and the product by it
    if (!(Math.abs(d - g * scale) <= scale * (gradient(j) + 2.1 * U * Math.abs(g)) + 2 ** -148)) {
      throw new Error(`row of ${row.z.length}, gradient ${j}: ${d}, exact ${g * scale}, bound ${scale * gradient(j)}`);
    }
  });
  for (let j = row.z.length; j < 4 * Math.ceil(row.z.length / 4); j++) {
    // the pair that is computed number by number leaves the padding as it is
    const expected = tried.code === LossCode.softmaxBinary ? UNWRITTEN_BITS : 0;
    if (stage.u32[placed.d / 4 + index * placed.stride + j] !== expected) throw new Error(`row of ${row.z.length}: padding ${j} is not 0`);
  }
}

it("every loss of the core is tried", () => {
  const codes = Object.values(LossCode).filter((code) => typeof code === "number");
  expect(TRIED.map(({ code }) => code).sort((a, b) => a - b)).toEqual(codes);
  expect(codes.length).toBe(12);
});

describe.each(TRIED)("$title", (tried) => {
  const { code, output } = tried;
  const stage = new Stage();
  const weights = Float32Array.from({ length: LARGEST }, (_, i) => (i % 9 === 4 ? 0 : 0.25 + (i % 5)));
  const columnsTried = code === LossCode.softmaxBinary ? THIRD : Array.from({ length: LARGEST + 1 }, (_, i) => i);

  it("has value and gradient within their bounds of f64, for all pairs of sizes up to 67", { timeout: 60_000 }, () => {
    const held = code === LossCode.softmaxBinary ? 3 : 9;
    let ran = 0;
    for (const columns of columnsTried) {
      const all = rowsOf(tried, 1000 + columns, LARGEST, columns);
      const inverse = 1 / 37;
      const whole = run(stage, tried, all, columns, 0, LARGEST, columns, weights, inverse);
      for (let row = 0; row < held; row++) expectRow(stage, tried, all[row], whole, row, weights[row], inverse);
      const gradients = new Uint32Array(LARGEST * columns);
      const values = stage.f64.slice(whole.values / 8, whole.values / 8 + LARGEST);
      for (let row = 0; row < LARGEST; row++) gradients.set(stage.u32.subarray(whole.d / 4 + row * whole.stride, whole.d / 4 + row * whole.stride + columns), row * columns);
      for (let rows = 0; rows <= LARGEST; rows++) {
        const begin = rows % 3 === 0 ? Math.floor(rows / 2) : 0;
        const placed = run(stage, tried, all.slice(0, rows), columns, begin, rows, ran, weights, inverse);
        for (let row = begin; row < rows; row++) {
          stage.expectBits(placed.d + 4 * row * placed.stride, gradients, row * columns, columns, `${rows} × ${columns}, row ${row}`);
          if (!Object.is(stage.f64[placed.values / 8 + row], values[row])) throw new Error(`${rows} × ${columns}, value of row ${row}`);
        }
        ran++;
      }
    }
    expect(ran).toBe(columnsTried.length * 68);
  });

  it("without weights counts each row once, and without a gradient writes none", () => {
    for (const columns of [1, 4, 7]) {
      const all = rowsOf(tried, 77 + columns, 5, columns);
      const placed = run(stage, tried, all, columns, 0, 5, columns, undefined, 0.2);
      for (let row = 0; row < 5; row++) expectRow(stage, tried, all[row], placed, row, 1, 0.2);
      const values = stage.f64.slice(placed.values / 8, placed.values / 8 + 5);
      const alone = run(stage, tried, all, columns, 0, 5, columns, undefined, 0.2, false);
      expect(stage.f64.slice(alone.values / 8, alone.values / 8 + 5)).toEqual(values);
    }
  });

  if (output === "linear") return;

  it("is finite and right for weighted sums up to ±3e38", () => {
    const sums: readonly (readonly number[])[] = [
      [3e38, -3e38, 0, 1e38], [-3e38, -3e38, -3e38, -3e38], [3e38, 3e38, 3e38, 3e38], [1e38, 0, -1e38, 5], [700, -700, 0, 1], [90, 0, -90, 88],
      [-3e38, 3e38, -3e38, -3e38, 2, -2, 0],
    ];
    let ran = 0;
    for (const z of sums) {
      for (let target = 0; target < z.length; target++) {
        for (const soft of [false, true]) {
          const t = Float32Array.from(z, (_, j) => (soft ? (j === target ? 0.7 : 0.3 / (z.length - 1)) : j === target ? 1 : 0));
          const row = rowOf(output, Float32Array.from(z), t);
          const placed = run(stage, tried, [row], z.length, 0, 1, ran, undefined, 1);
          const value = stage.f64[placed.values / 8];
          const exact = exactOf(tried, row);
          // logarithms of sums of such sizes: relative to the greatest of them
          const reach = row.z.reduce((sum, x) => sum + Math.abs(x), 1);
          if (!(Math.abs(value - exact.value) <= 8 * U * Math.max(Math.abs(exact.value), 1e-30) + (reach > 1e30 ? 1e-15 * reach : tried.bounds(row, exact.gradient).value))) {
            throw new Error(`loss of [${z}], target ${target}: ${value}, exact ${exact.value}`);
          }
          exact.gradient.forEach((g, j) => {
            const d = stage.f32[placed.d / 4 + j];
            expect(Number.isFinite(d)).toBe(true);
            expect(Math.abs(d - g)).toBeLessThanOrEqual(1e-6 * Math.max(1, Math.abs(g)));
          });
          ran++;
        }
      }
    }
    expect(ran).toBe(2 * (6 * 4 + 7));
  });
});

describe("crossEntropy after softmax", () => {
  const tried = TRIED.find(({ code }) => code === LossCode.softmaxCrossEntropy)!;

  it("takes smoothed targets", () => {
    const stage = new Stage();
    const oracle: OracleLoss = { name: "crossEntropy", labelSmoothing: 0.125 };
    for (const columns of [1, 2, 5, 9, 67]) {
      const [{ z, a }] = rowsOf(tried, columns, 1, columns);
      const oneHot = Float64Array.from({ length: columns }, (_, j) => (j === columns >> 1 ? 1 : 0));
      const row = { z, a, t: Float32Array.from(smoothedTargets(oracle, oneHot)) };
      const placed = run(stage, tried, [row], columns, 0, 1, columns, undefined, 1);
      const exact = sampleLoss(oracle, "softmax", Float64Array.from(z), Float64Array.from(a), oneHot);
      const reach = z.reduce((sum, x) => Math.max(sum, Math.abs(x)), 0);
      expect(Math.abs(stage.f64[placed.values / 8] - exact)).toBeLessThanOrEqual(U * (2 * reach + 4 * Math.abs(exact) + 2));
      weightedSumGradient(oracle, "softmax", Float64Array.from(z), oneHot).forEach((g, j) => {
        expect(Math.abs(stage.f32[placed.d / 4 + j] - g)).toBeLessThanOrEqual(6 * U);
      });
    }
  });

  it("keeps the digits of a nearly certain prediction", () => {
    const stage = new Stage();
    for (const gap of [10, 20, 40, 80]) {
      const row = rowOf("softmax", Float32Array.of(0, gap, -3), Float32Array.of(0, 1, 0));
      const placed = run(stage, tried, [row], 3, 0, 1, 0, undefined, 1);
      const exact = Math.log1p(Math.exp(-gap) + Math.exp(-gap - 3));
      expect(Math.abs(stage.f64[placed.values / 8] - exact)).toBeLessThanOrEqual(8 * U * exact);
      expect(logSumExp(Float64Array.of(0, gap, -3))).toBeGreaterThanOrEqual(gap);
    }
  });
});

describe("hitRows", () => {
  const stage = new Stage();

  function argMax(values: ArrayLike<number>): number {
    let best = 0;
    for (let j = 1; j < values.length; j++) if (values[j] > values[best]) best = j;
    return best;
  }

  it.each([["argMax", HitMode.argMax], ["threshold", HitMode.threshold]] as const)("counts by %s for all pairs of sizes up to 67", (_, mode) => {
    let ran = 0;
    const found = new Set<number>();
    for (let columns = 1; columns <= LARGEST; columns++) {
      const next = randomNumbers(columns);
      // few distinct values, so that equals and the thresholds themselves occur
      const all = Array.from({ length: LARGEST }, () => {
        const t = Float32Array.from({ length: columns }, () => Math.floor(5 * next()) / 4);
        return { t, a: t.map((x) => (next() < 0.7 ? x : Math.floor(5 * next()) / 4)) };
      });
      for (let rows = 0; rows <= LARGEST; rows++) {
        const begin = rows % 4 === 0 ? Math.floor(rows / 3) : 0;
        stage.clear();
        const stride = paddedStride(columns, ran);
        const [a, t] = (["a", "t"] as const).map((key) => {
          const at = stage.reserve(4 * rows * stride);
          for (let row = 0; row < rows; row++) stage.f32.set(all[row][key], at / 4 + row * stride);
          return at;
        });
        const hits = stage.unwritten(rows);
        stage.run((kernels) => kernels.hitRows(mode, a, t, begin, rows, columns, 4 * stride, 0.5, 0.25, hits), [{ at: hits + 4 * begin, bytes: 4 * (rows - begin) }]);
        for (let row = begin; row < rows; row++) {
          const { a: outputs, t: targets } = all[row];
          const expected = mode === HitMode.argMax ? Number(argMax(outputs) === argMax(targets))
            : outputs.reduce((sum, x, j) => sum + Number(x > 0.5 === targets[j] > 0.25), 0);
          if (stage.u32[hits / 4 + row] !== expected) throw new Error(`${rows} × ${columns}, row ${row}: ${stage.u32[hits / 4 + row]}, expected ${expected}`);
          found.add(expected);
        }
        ran++;
      }
    }
    expect(ran).toBe(67 * 68);
    expect(found.size).toBeGreaterThan(mode === HitMode.argMax ? 1 : 20);
  });
});
