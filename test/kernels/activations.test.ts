// The activations of a region: f(z), dA·f′(z), the sums of its columns; and softmax by rows.
//
// First each function is held against f64 over a sweep of z, in ulp or by the absolute bound that is promised
// (scripts/ulp). Then an element of a region has to have the bits that it has alone, whatever the size of the region, its
// stride, the lane and the build; and a column's sum those of its terms added in order of rows.

import { describe, expect, it } from "vitest";
import { ActivationCode } from "../../assembly/codes.js";
import { errorInUlp, promises } from "../../scripts/ulp/ulp.mjs";
import { elementwise, type OracleActivation } from "../oracle/activations.js";
import { bitsOf, LARGEST, paddedStride, randomFloats, sizePairs, Stage } from "./stage.js";

const U = 2 ** -24;

interface Tried {
  readonly code: ActivationCode;
  readonly title: string;
  readonly oracle: OracleActivation;
  readonly parameter: number;
  /** Bounds of f and of f′: so many ulp, or so much absolutely. */
  readonly value: Bound;
  readonly derivative: Bound;
  readonly shared?: boolean;
}

interface Bound {
  readonly ulp: number;
  readonly absolute?: number;
}

const EXACT: Bound = { ulp: 0 };
/** One rounding. */
const ROUNDED: Bound = { ulp: 0.5000001 };

/** The promise of the function of four lanes, and so many roundings after it. */
function promised(name: string, roundings = 0): Bound {
  const { ulp, absolute } = promises[name];
  return { ulp: ulp + roundings, ...(absolute === undefined ? {} : { absolute: absolute * (1 + roundings * U) }) };
}

// a·(1 − a) with a off by 1.5 ulp, 3u relative, and a ≤ 7/8: 3u + (3u·7/8)/(1/8) + u for a, the difference and the product, 25u
// or 25 ulp at most; likewise (1 − a)(1 + a). Beyond 7/8 the functions of z, promised better.
const FROM_OUTPUT: Bound = { ulp: 25 };

const TRIED: readonly Tried[] = [
  { code: ActivationCode.linear, title: "linear", oracle: { name: "linear" }, parameter: 0, value: EXACT, derivative: EXACT },
  { code: ActivationCode.sigmoid, title: "sigmoid", oracle: { name: "sigmoid" }, parameter: 0, value: promised("sigmoid"), derivative: FROM_OUTPUT },
  { code: ActivationCode.tanh, title: "tanh", oracle: { name: "tanh" }, parameter: 0, value: promised("tanh"), derivative: FROM_OUTPUT },
  { code: ActivationCode.relu, title: "relu", oracle: { name: "relu" }, parameter: 0, value: EXACT, derivative: EXACT },
  { code: ActivationCode.leakyRelu, title: "leakyRelu", oracle: { name: "leakyRelu", slope: Math.fround(0.07) }, parameter: 0.07, value: ROUNDED, derivative: EXACT },
  { code: ActivationCode.leakyRelu, title: "leakyRelu, slope below 0", oracle: { name: "leakyRelu", slope: -0.5 }, parameter: -0.5, value: ROUNDED, derivative: EXACT },
  { code: ActivationCode.prelu, title: "prelu", oracle: { name: "prelu" }, parameter: 0, value: ROUNDED, derivative: EXACT },
  { code: ActivationCode.prelu, title: "prelu, one slope", oracle: { name: "prelu" }, parameter: 0, value: ROUNDED, derivative: EXACT, shared: true },
  // alpha·expm1: the promise, the constant's and the product's rounding
  { code: ActivationCode.elu, title: "elu", oracle: { name: "elu", alpha: Math.fround(1.3) }, parameter: 1.3, value: promised("expm1", 0.5), derivative: promised("exp", 0.5) },
  { code: ActivationCode.selu, title: "selu", oracle: { name: "selu" }, parameter: 0, value: promised("expm1", 1.5), derivative: promised("exp", 1.5) },
  { code: ActivationCode.gelu, title: "gelu", oracle: { name: "gelu" }, parameter: 0, value: promised("gelu"), derivative: promised("geluDerivative") },
  { code: ActivationCode.geluTanh, title: "gelu by tanh", oracle: { name: "gelu", approximate: "tanh" }, parameter: 0, value: promised("geluTanh"), derivative: promised("geluTanhDerivative") },
  { code: ActivationCode.silu, title: "silu", oracle: { name: "silu" }, parameter: 0, value: promised("silu"), derivative: promised("siluDerivative") },
  { code: ActivationCode.mish, title: "mish", oracle: { name: "mish" }, parameter: 0, value: promised("mish"), derivative: promised("mishDerivative") },
  { code: ActivationCode.softplus, title: "softplus", oracle: { name: "softplus" }, parameter: 0, value: promised("softplus"), derivative: promised("sigmoid") },
  { code: ActivationCode.softsign, title: "softsign", oracle: { name: "softsign" }, parameter: 0, value: promised("softsign"), derivative: promised("softsignDerivative") },
  { code: ActivationCode.relu6, title: "relu6", oracle: { name: "relu6" }, parameter: 0, value: EXACT, derivative: EXACT },
  // z/6 + 1/2: two roundings of numbers below 1; 1/6 is rounded
  { code: ActivationCode.hardSigmoid, title: "hardSigmoid", oracle: { name: "hardSigmoid" }, parameter: 0, value: { ulp: 0, absolute: 2 * U }, derivative: ROUNDED },
  { code: ActivationCode.hardTanh, title: "hardTanh", oracle: { name: "hardTanh" }, parameter: 0, value: EXACT, derivative: EXACT },
  { code: ActivationCode.exponential, title: "exponential", oracle: { name: "exponential" }, parameter: 0, value: promised("exp"), derivative: promised("exp") },
];

const [ROWS, COLUMNS] = [LARGEST, LARGEST];
const WIDTH = 68;
const sums = randomFloats(1, ROWS * WIDTH, -9, 9);
// the kinks, zeros of both signs and saturation, in every lane
[0, -0, 3, -3, 6, 1, -1, 40, -40, 8.5, -8.5, 1e-30, -1e-30].forEach((z, i) => { for (let k = 0; k < 4; k++) sums[i * 61 + k] = z; });
const incoming = randomFloats(2, ROWS * WIDTH, -2, 2);
const slopes = randomFloats(3, WIDTH, 0.05, 0.6);

/** Every second float of [-12, 12] at a step of 1/128, then ever larger and smaller ones. */
const SWEEP = Float32Array.from([
  ...Array.from({ length: 3073 }, (_, i) => (i - 1536) / 128),
  ...Array.from({ length: 400 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 1.37 ** (i / 2 - 100) * 1.0001),
  ...[6, -6, 3, -3, 1, -1, 0, 5.9999995, 2.9999998, -2.9999998, 88, -88, 100, -100, 103, -103, 110, -110, 3.4e38, -3.4e38, Infinity, -Infinity],
]);

function slopeOf({ shared, parameter }: Tried, column: number): number {
  return shared ? slopes[0] : parameter === 0 ? slopes[column] : parameter;
}

function within(got: number, exact: number, { ulp, absolute = 0 }: Bound): boolean {
  if (Object.is(got, exact) || got === exact) return true;
  if (Number.isNaN(got) || Number.isNaN(exact)) return false;
  return Math.abs(got - exact) <= absolute || errorInUlp(got, exact) <= ulp;
}

/** f of a row of numbers, by the release kernel; both builds agree. */
function forwardRow(stage: Stage, { code, parameter, shared = false }: Tried, z: Float32Array): Float32Array {
  stage.clear();
  const width = 4 * Math.ceil(z.length / 4);
  const zAt = stage.place(z);
  stage.reserve(16);
  const a = stage.unwritten(width);
  const slopesAt = stage.place(shared ? slopes.subarray(0, 1) : Float32Array.from(z, (_, i) => slopes[i % WIDTH]), 4);
  stage.run((kernels) => kernels.activationForward(code, zAt, a, 1, z.length, 4 * width, parameter, slopesAt, shared ? 1 : 0), [{ at: a, bytes: 4 * width }]);
  return stage.f32.slice(a / 4, a / 4 + z.length);
}

/** d·f′ of a row of numbers. */
function backwardRow(stage: Stage, tried: Tried, z: Float32Array, d: Float32Array): Float32Array {
  const { code, parameter, shared = false } = tried;
  const a = forwardRow(stage, tried, z);
  stage.clear();
  const width = 4 * Math.ceil(z.length / 4);
  const [zAt, aAt, dAt] = [z, a, d].map((values) => {
    const at = stage.reserve(4 * width);
    stage.f32.fill(0, at / 4, at / 4 + width);
    stage.f32.set(values, at / 4);
    return at;
  });
  const slopesAt = stage.place(shared ? slopes.subarray(0, 1) : Float32Array.from(z, (_, i) => slopes[i % WIDTH]), 4);
  stage.run((kernels) => kernels.activationBackward(code, zAt, aAt, dAt, 1, z.length, 4 * width, parameter, slopesAt, shared ? 1 : 0, 0, 0), [{ at: dAt, bytes: 4 * width }]);
  return stage.f32.slice(dAt / 4, dAt / 4 + z.length);
}

it("every elementwise code of the core is tried", () => {
  const codes = Object.values(ActivationCode).filter((code) => typeof code === "number" && code !== ActivationCode.softmax);
  expect([...new Set(TRIED.map(({ code }) => code))].sort((a, b) => a - b)).toEqual(codes);
  expect(codes.length).toBe(18);
});

describe.each(TRIED)("$title", (tried) => {
  const { code, oracle, parameter, shared = false } = tried;
  const f = elementwise(oracle);
  const stage = new Stage();

  it("has f and f′ within their bounds of f64", () => {
    const ones = new Float32Array(SWEEP.length).fill(1);
    const a = forwardRow(stage, tried, SWEEP);
    const d = backwardRow(stage, tried, SWEEP, ones);
    let compared = 0;
    SWEEP.forEach((z, i) => {
      const slope = slopeOf(tried, i % WIDTH);
      expect(within(a[i], f.value(z, slope), tried.value), `f(${z}) is ${a[i]}, exact ${f.value(z, slope)}`).toBe(true);
      const exact = f.derivative(z, slope);
      if (Number.isNaN(exact)) throw new Error(`the derivative at ${z} has no limit in f64`);
      // beyond the range of f32 the exact value is infinite there
      const limited = exact > 3.4028235677973366e38 ? Infinity : exact;
      expect(within(d[i], limited, tried.derivative), `f′(${z}) is ${d[i]}, exact ${exact}`).toBe(true);
      compared++;
    });
    expect(compared).toBe(3073 + 400 + 22);
  });

  it("makes NaN of NaN in every lane and leaves the other lanes", () => {
    const plain = forwardRow(stage, tried, sums.subarray(0, 11));
    for (let lane = 0; lane < 11; lane++) {
      const z = sums.slice(0, 11);
      z[lane] = NaN;
      forwardRow(stage, tried, z).forEach((value, i) => expect(i === lane ? Number.isNaN(value) : Object.is(value, plain[i])).toBe(true));
    }
  });

  it("multiplies f′ by what comes in", () => {
    const z = sums.subarray(0, 4096);
    const d = incoming.subarray(0, 4096);
    const derivative = backwardRow(stage, tried, z, new Float32Array(4096).fill(1));
    // an own rounding of the product, and one more where the factors are multiplied in another order; at least a subnormal's
    const bound = code === ActivationCode.elu || code === ActivationCode.selu ? 4 : 2;
    backwardRow(stage, tried, z, d).forEach((value, i) => {
      const exact = d[i] * derivative[i];
      if (!(Math.abs(value - exact) <= bound * U * Math.abs(exact) + 2 ** -149)) throw new Error(`${value} is not ${d[i]} · ${derivative[i]}`);
    });
  });

  const values = new Uint32Array(ROWS * WIDTH);
  for (let row = 0; row < ROWS; row++) values.set(bitsOf(forwardRow(stage, tried, sums.subarray(row * WIDTH, row * WIDTH + COLUMNS))), row * WIDTH);
  const outputs = new Float32Array(values.buffer);

  it("forward: all pairs of sizes up to 67", { timeout: 60_000 }, () => {
    let ran = 0;
    for (const [rows, columns] of sizePairs()) {
      stage.clear();
      const stride = paddedStride(columns, ran);
      const padded = 4 * Math.ceil(columns / 4);
      const z = stage.placeRows(sums, WIDTH, rows, columns, stride);
      const inPlace = ran % 2 === 1;
      const a = inPlace ? z : stage.unwritten(rows * stride);
      const slopesAt = stage.place(slopes.subarray(0, shared ? 1 : columns), 4);
      const output = { at: a, bytes: 4 * padded, rows, stride: 4 * stride };
      stage.run((kernels) => kernels.activationForward(code, z, a, rows, columns, 4 * stride, parameter, slopesAt, shared ? 1 : 0), [output]);
      for (let row = 0; row < rows; row++) stage.expectBits(a + 4 * row * stride, values, row * WIDTH, columns, `${rows} × ${columns}, row ${row}`);
      ran++;
    }
    expect(ran).toBe(68 * 68);
  });

  it("backward with the sums of columns: all pairs of sizes up to 67", { timeout: 60_000 }, () => {
    const gradients = new Float32Array(ROWS * WIDTH);
    for (let row = 0; row < ROWS; row++) {
      const begin = row * WIDTH;
      gradients.set(backwardRow(stage, tried, sums.subarray(begin, begin + COLUMNS), incoming.subarray(begin, begin + COLUMNS)), begin);
    }
    const expected = bitsOf(gradients);
    // sums of the first `rows` rows of each column, in f32, in order
    const biasSums = new Float32Array((ROWS + 1) * WIDTH);
    const slopeSums = new Float32Array((ROWS + 1) * WIDTH);
    for (let row = 0; row < ROWS; row++) {
      for (let column = 0; column < COLUMNS; column++) {
        const at = row * WIDTH + column;
        biasSums[at + WIDTH] = biasSums[at] + gradients[at];
        slopeSums[at + WIDTH] = slopeSums[at] + (sums[at] > 0 ? 0 : Math.fround(incoming[at] * sums[at]));
      }
    }
    const [biasBits, slopeBits] = [bitsOf(biasSums), bitsOf(slopeSums)];
    const hasSlopes = code === ActivationCode.prelu;
    let ran = 0;
    for (const [rows, columns] of sizePairs()) {
      stage.clear();
      const stride = paddedStride(columns, ran);
      const padded = 4 * Math.ceil(columns / 4);
      const z = stage.placeRows(sums, WIDTH, rows, columns, stride);
      const a = stage.placeRows(outputs, WIDTH, rows, columns, stride);
      const d = stage.placeRows(incoming, WIDTH, rows, columns, stride);
      const slopesAt = stage.place(slopes.subarray(0, shared ? 1 : columns), 4);
      const dBiases = ran % 4 === 3 ? 0 : stage.unwritten(columns, 4 * (ran % 3));
      const dSlopes = ran % 4 === 2 ? 0 : stage.unwritten(columns, 4 * (ran % 3));
      stage.run(
        (kernels) => kernels.activationBackward(code, z, a, d, rows, columns, 4 * stride, parameter, slopesAt, shared ? 1 : 0, dBiases, dSlopes),
        [
          { at: d, bytes: 4 * padded, rows, stride: 4 * stride }, { at: dBiases, bytes: dBiases ? 4 * columns : 0 },
          { at: dSlopes, bytes: dSlopes && hasSlopes ? 4 * columns : 0 },
        ],
      );
      for (let row = 0; row < rows; row++) stage.expectBits(d + 4 * row * stride, expected, row * WIDTH, columns, `${rows} × ${columns}, row ${row}`);
      if (dBiases) stage.expectBits(dBiases, biasBits, rows * WIDTH, columns, `sums of ${rows} × ${columns}`);
      if (dSlopes && hasSlopes) stage.expectBits(dSlopes, slopeBits, rows * WIDTH, columns, `slope sums of ${rows} × ${columns}`);
      ran++;
    }
    expect(ran).toBe(68 * 68);
  });
});

describe("softmax", () => {
  const stage = new Stage();
  const cases: readonly (readonly [string, (row: number, columns: number) => Float32Array])[] = [
    ["random", (row, columns) => randomFloats(100 * row + columns, columns, -8, 8)],
    ["all equal", (row, columns) => new Float32Array(columns).fill([0, 3e38, -3e38, 1e-40][row % 4])],
    ["one huge gap", (row, columns) => { const z = randomFloats(row, columns); if (columns > 0) z[row % columns] = [200, 3e38, 1e10][row % 3]; return z; }],
    ["±3e38", (row, columns) => Float32Array.from({ length: columns }, (_, k) => ((k + row) % 3 === 0 ? 3e38 : -3e38))],
    ["far below 0", (row, columns) => randomFloats(row + 7, columns, -3e38, -2.9e38)],
    ["subnormal results", (row, columns) => Float32Array.from({ length: columns }, (_, k) => (k === row % Math.max(columns, 1) ? 0 : -90 - (k % 13)))],
  ];

  /**
   * e^(z_j − m)/S: z_j − m is rounded (u·|z_j − m| in the exponent), exp is promised within 1.5 ulp, 3u; S is off by the same in the mean
   * and by one rounding to f32; the quotient is one more. At least a subnormal's rounding each for exp and quotient.
   */
  function expectProbabilities(z: Float32Array, p: Float32Array): void {
    const largest = z.reduce((a, b) => Math.max(a, b), -Infinity);
    const e = Array.from(z, (x) => Math.exp(x - largest));
    const sum = e.reduce((total, x) => total + x, 0);
    const ofSum = z.reduce((total, x, k) => total + (e[k] === 0 ? 0 : (e[k] / sum) * (largest - x)), 0);
    let total = 0;
    p.forEach((value, k) => {
      const exact = e[k] / sum;
      const bound = exact === 0 ? 2 ** -149 : exact * 1.0001 * U * (largest - z[k] + ofSum + 3 + 3 + 1 + 1) + 2 ** -148;
      if (!(Math.abs(value - exact) <= bound)) throw new Error(`p[${k}] of ${z.length} is ${value}, exact ${exact}`);
      total += value;
    });
    if (p.length > 0) expect(Math.abs(total - 1)).toBeLessThanOrEqual(4 * U * p.length);
  }

  it.each(cases)("%s: is right, sums to 1, and leaves 0 behind the row, for all pairs of sizes up to 67", { timeout: 60_000 }, (_, rowOf) => {
    let ran = 0;
    for (let columns = 0; columns <= LARGEST; columns++) {
      const padded = 4 * Math.ceil(columns / 4);
      const z = new Float32Array(LARGEST * columns);
      for (let row = 0; row < LARGEST; row++) z.set(rowOf(row, columns), row * columns);
      let expected: Uint32Array = new Uint32Array(0);
      for (let rows = LARGEST; rows >= 0; rows--) {
        stage.clear();
        const stride = paddedStride(columns, ran);
        const zAt = stage.placeRows(z, columns, rows, columns, stride);
        const a = ran % 2 === 1 ? zAt : stage.unwritten(rows * stride);
        stage.run((kernels) => kernels.softmaxForward(zAt, a, rows, columns, 4 * stride), [{ at: a, bytes: 4 * padded, rows, stride: 4 * stride }]);
        if (rows === LARGEST) {
          const whole = new Float32Array(rows * padded);
          for (let row = 0; row < rows; row++) whole.set(stage.f32.subarray(a / 4 + row * stride, a / 4 + row * stride + padded), row * padded);
          for (let row = 0; row < rows; row++) {
            expectProbabilities(z.subarray(row * columns, (row + 1) * columns), whole.subarray(row * padded, row * padded + columns));
            for (let i = columns; i < padded; i++) expect(whole[row * padded + i]).toBe(0);
          }
          expected = bitsOf(whole);
        } else {
          for (let row = 0; row < rows; row++) stage.expectBits(a + 4 * row * stride, expected, row * padded, padded, `${rows} × ${columns}, row ${row}`);
        }
        ran++;
      }
    }
    expect(ran).toBe(68 * 68);
  });

  it("of a NaN is NaN in its row alone", () => {
    stage.clear();
    const z = stage.place(randomFloats(5, 3 * 8));
    stage.f32[z / 4 + 11] = NaN;
    stage.run((kernels) => kernels.softmaxForward(z, z, 3, 7, 32), [{ at: z, bytes: 32, rows: 3, stride: 32 }]);
    for (let row = 0; row < 3; row++) for (let i = 0; i < 7; i++) expect(Number.isNaN(stage.f32[z / 4 + 8 * row + i])).toBe(row === 1);
  });

  it("backward is a·(d − Σ d·a) for all pairs of sizes up to 67", { timeout: 60_000 }, () => {
    let ran = 0;
    for (let columns = 0; columns <= LARGEST; columns++) {
      const padded = 4 * Math.ceil(columns / 4);
      const a = randomFloats(columns, LARGEST * columns, 0, 1);
      const d = randomFloats(columns + 1000, LARGEST * columns, -3, 3);
      const expected = new Float32Array(LARGEST * columns);
      for (let row = 0; row < LARGEST; row++) {
        let dot = 0;
        let magnitude = 0;
        for (let k = row * columns; k < (row + 1) * columns; k++) {
          dot += a[k] * d[k];
          magnitude += Math.abs(a[k] * d[k]);
        }
        for (let k = row * columns; k < (row + 1) * columns; k++) {
          expected[k] = a[k] * Math.fround(d[k] - Math.fround(dot));
          // Σ rounded to f32, the difference, the product
          const bound = a[k] * (U * Math.abs(dot) + 2 * U * (Math.abs(d[k]) + Math.abs(dot)) + columns * 2 ** -52 * magnitude);
          if (!(Math.abs(expected[k] - a[k] * (d[k] - dot)) <= bound)) throw new Error(`row ${row}, element ${k}`);
        }
      }
      const bits = bitsOf(expected);
      for (let rows = 0; rows <= LARGEST; rows++) {
        stage.clear();
        const stride = paddedStride(columns, ran);
        const aAt = stage.placeRows(a, columns, rows, columns, stride);
        const dAt = stage.placeRows(d, columns, rows, columns, stride);
        stage.run((kernels) => kernels.softmaxBackward(aAt, dAt, rows, columns, 4 * stride), [{ at: dAt, bytes: 4 * padded, rows, stride: 4 * stride }]);
        for (let row = 0; row < rows; row++) stage.expectBits(dAt + 4 * row * stride, bits, row * columns, columns, `${rows} × ${columns}, row ${row}`);
        ran++;
      }
    }
    expect(ran).toBe(68 * 68);
  });
});
