// Dropout and the normalisations as kernels, against plain loops in f64 and Philox in integers. Every buffer lies between guards;
// the regions are written and nothing beside them (Stage), in the release and the debug build with the same bytes.
//
// Tolerance: sums run in f64 and each result is a handful of f32 operations away from them: x̂ within 4ε·(|x̂| + |x|·ε/deviation) of
// exact, what is made of it by 3 more operations within 8ε of the sum of its terms' magnitudes; ε = 2⁻²⁴.

import { describe, expect, it } from "vitest";
import { NORM_ROWS } from "../../assembly/codes.js";
import { dropoutMask } from "../oracle/layers.js";
import { paddedStride, randomFloats, Stage } from "./stage.js";

const EPSILON = 2 ** -24;
const ROWS = [1, 2, 3, 4, 5, 17, 64];
const WIDTHS = [1, 2, 3, 4, 5, 7, 8, 9, 12, 13, 16, 17, 31, 67];
const stage = new Stage();

/** Whole vectors of a row of which `columns` exist. */
const padded = (columns: number): number => 4 * Math.ceil(columns / 4);

/** A matrix of floats, rows × units; the first column is constant, the second lies far from 0 beside its deviation. */
function matrix(seed: number, rows: number, units: number): Float32Array {
  const values = randomFloats(seed, rows * units, -2, 2);
  for (let r = 0; r < rows; r++) {
    values[r * units] = 0.75;
    if (units > 1) values[r * units + 1] = 1000 + values[r * units + 1];
  }
  return values;
}

function expectNear(got: number, exact: number, bound: number, what: string): void {
  if (!(Math.abs(got - exact) <= bound)) throw new Error(`${what}: got ${got}, exact ${exact}, allowed ${bound}`);
}

interface Exact {
  readonly mean: number;
  readonly variance: number;
  readonly inverse: number;
}

function exactOf(values: readonly number[], epsilon: number): Exact {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  return { mean, variance, inverse: 1 / Math.sqrt(variance + Math.fround(epsilon)) };
}

describe("batchNorm", () => {
  it.each([true, false])("forward and backward, training %s", (training) => {
    let ran = 0;
    for (const rows of ROWS) {
      for (const units of WIDTHS) {
        stage.clear();
        const batch = training && rows > 1;
        const x = matrix(rows * 100 + units, rows, units);
        const dy = randomFloats(units, rows * units);
        const gain = randomFloats(1, units, -2, 2);
        const shift = randomFloats(2, units);
        const runningMean = randomFloats(3, units);
        const runningVariance = randomFloats(4, units, 0.5, 2);
        const xStride = paddedStride(units, ran);
        const stride = paddedStride(units, ran + 1);
        const at = {
          x: stage.placeRows(x, units, rows, units, xStride), y: stage.unwritten(rows * stride), d: stage.placeRows(dy, units, rows, units, stride),
          gain: stage.place(gain, 4), shift: stage.place(shift, 8), mean: stage.place(runningMean, 4), variance: stage.place(runningVariance, 12),
          statistics: stage.unwritten(NORM_ROWS * 8 * Math.ceil(units / 8)), dGain: stage.unwritten(units, 4), dShift: stage.unwritten(units, 8),
        };
        const pitch = 8 * Math.ceil(units / 8);
        const epsilon = 1e-3;
        const begin = units > 8 && ran % 2 === 1 ? 8 : 0;
        stage.run((kernels) => kernels.batchNormForward(
          rows, begin, units, units, at.x, 4 * xStride, at.y, 4 * stride, at.gain, at.shift, at.statistics, at.mean, at.variance, epsilon, training ? 1 : 0,
        ), [
          { at: at.y + 4 * begin, bytes: 4 * (padded(units) - begin), rows, stride: 4 * stride },
          { at: at.statistics + 4 * begin, bytes: 4 * (pitch - begin), rows: NORM_ROWS, stride: 4 * pitch },
        ]);
        stage.run((kernels) => kernels.batchNormBackward(
          rows, begin, units, units, at.x, 4 * xStride, at.d, 4 * stride, at.gain, at.statistics, at.dGain, at.dShift, training ? 1 : 0, 1,
        ), [
          { at: at.d + 4 * begin, bytes: 4 * (padded(units) - begin), rows, stride: 4 * stride },
          { at: at.dGain + 4 * begin, bytes: 4 * (units - begin) }, { at: at.dShift + 4 * begin, bytes: 4 * (units - begin) },
        ]);
        for (let j = begin; j < units; j++) {
          const column = Array.from({ length: rows }, (_, r) => x[r * units + j]);
          const exact = batch
            ? exactOf(column, epsilon)
            : { mean: runningMean[j], variance: runningVariance[j], inverse: 1 / Math.sqrt(runningVariance[j] + Math.fround(epsilon)) };
          const place = `${rows} × ${units}, column ${j}`;
          if (batch) {
            // the mean to twice the digits of f32; the variance to those of its greatest square
            expectNear(stage.f32[at.statistics / 4 + j] + stage.f32[at.statistics / 4 + pitch + j], exact.mean, 2 ** -46 * Math.abs(exact.mean) + 2 ** -60, `mean, ${place}`);
            expectNear(stage.f32[at.statistics / 4 + 3 * pitch + j], exact.variance, 8 * EPSILON * exact.variance, `variance, ${place}`);
          }
          let dGain = 0;
          let dShift = 0;
          let size = 0;
          const normal = column.map((value) => (value - exact.mean) * exact.inverse);
          const slack = 4 * EPSILON * (1 + exact.inverse * EPSILON * Math.abs(exact.mean));
          for (let r = 0; r < rows; r++) {
            const y = gain[j] * normal[r] + shift[j];
            expectNear(stage.f32[at.y / 4 + r * stride + j], y, 2 * slack * (Math.abs(gain[j]) * (Math.abs(normal[r]) + EPSILON) + Math.abs(shift[j])), `y, ${place}, row ${r}`);
            dGain += dy[r * units + j] * normal[r];
            dShift += dy[r * units + j];
            size += Math.abs(dy[r * units + j]) * (1 + Math.abs(normal[r]));
          }
          expectNear(stage.f32[at.dGain / 4 + j], dGain, 4 * slack * size, `dGain, ${place}`);
          expectNear(stage.f32[at.dShift / 4 + j], dShift, 2 * EPSILON * Math.abs(dShift) + 2 ** -50, `dShift, ${place}`);
          for (let r = 0; r < rows; r++) {
            const along = batch ? (dShift + normal[r] * dGain) / rows : 0;
            const dx = gain[j] * exact.inverse * (dy[r * units + j] - along);
            const terms = Math.abs(gain[j]) * exact.inverse * (Math.abs(dy[r * units + j]) + (batch ? (Math.abs(dShift) + (1 + Math.abs(normal[r])) * size) / rows : 0));
            expectNear(stage.f32[at.d / 4 + r * stride + j], dx, 4 * slack * terms, `dX, ${place}, row ${r}`);
          }
        }
        ran++;
      }
    }
    expect(ran).toBe(ROWS.length * WIDTHS.length);
  });

  it("backward of the first layer writes no dX", () => {
    stage.clear();
    const [x, d, statistics] = [stage.place(matrix(1, 5, 8)), stage.place(randomFloats(2, 40)), stage.place(new Float32Array(32).fill(1))];
    const [gain, dGain, dShift] = [stage.place(new Float32Array(8).fill(1)), stage.unwritten(8), stage.unwritten(8)];
    stage.run((kernels) => kernels.batchNormBackward(5, 0, 8, 8, x, 32, d, 32, gain, statistics, dGain, dShift, 1, 0), [{ at: dGain, bytes: 32 }, { at: dShift, bytes: 32 }]);
    expect(stage.f32[dShift / 4 + 7]).not.toBeNaN();
  });

  it("running statistics follow by the momentum, the variance unbiased, and a batch of one row changes none", () => {
    let ran = 0;
    for (const rows of [1, 2, 17]) {
      for (const units of WIDTHS) {
        for (const momentum of [0, 0.1, 1]) {
          stage.clear();
          const pitch = 8 * Math.ceil(units / 8);
          const statistics = stage.place(randomFloats(units, NORM_ROWS * pitch, 0.5, 2));
          const before = { mean: randomFloats(7, units), variance: randomFloats(8, units, 0.5, 2) };
          const mean = stage.place(before.mean, 4);
          const variance = stage.place(before.variance, 8);
          stage.run((kernels) => kernels.followStatistics(rows, 0, units, units, statistics, mean, variance, momentum), [{ at: mean, bytes: 4 * units }, { at: variance, bytes: 4 * units }]);
          const m = Math.fround(momentum);
          for (let j = 0; j < units; j++) {
            const [batchMean, rest, , batchVariance] = [0, 1, 2, 3].map((row) => stage.f32[statistics / 4 + row * pitch + j]);
            const newMean = rows === 1 ? before.mean[j] : (1 - m) * before.mean[j] + m * (batchMean + rest);
            const newVariance = rows === 1 ? before.variance[j] : (1 - m) * before.variance[j] + m * batchVariance * (rows / (rows - 1));
            expectNear(stage.f32[mean / 4 + j], newMean, EPSILON * Math.abs(newMean), "running mean");
            expectNear(stage.f32[variance / 4 + j], newVariance, EPSILON * newVariance, "running variance");
          }
          ran++;
        }
      }
    }
    expect(ran).toBe(3 * WIDTHS.length * 3);
  });
});

describe("layerNorm", () => {
  it("forward and backward", () => {
    let ran = 0;
    for (const rows of ROWS) {
      for (const units of WIDTHS) {
        stage.clear();
        const x = randomFloats(rows * 100 + units, rows * units, -2, 2);
        // a row that is constant and one far from 0
        for (let j = 0; j < units; j++) x[j] = 0.75;
        for (let j = 0; rows > 1 && j < units; j++) x[units + j] += 1000;
        const dy = randomFloats(units, rows * units);
        const gain = randomFloats(1, units, -2, 2);
        const shift = randomFloats(2, units);
        const xStride = paddedStride(units, ran);
        const stride = paddedStride(units, ran + 1);
        const at = {
          x: stage.placeRows(x, units, rows, units, xStride), y: stage.unwritten(rows * stride), d: stage.placeRows(dy, units, rows, units, stride),
          gain: stage.place(gain, 4), shift: stage.place(shift, 8), statistics: stage.unwritten(NORM_ROWS * rows), dGain: stage.unwritten(units, 4), dShift: stage.unwritten(units, 8),
        };
        const epsilon = 1e-3;
        const begin = ran % 3 === 1 ? 0 : Math.min(1, rows - 1);
        const [all, part] = [0, begin].map((from) => from * 4 * NORM_ROWS);
        stage.run((kernels) => kernels.layerNormForward(0, begin, units, at.x, 4 * xStride, at.y, 4 * stride, at.gain, at.shift, at.statistics, epsilon), [
          { at: at.y, bytes: 4 * units, rows: begin, stride: 4 * stride }, { at: at.statistics, bytes: 12, rows: begin, stride: 16 },
        ]);
        stage.run((kernels) => kernels.layerNormForward(begin, rows, units, at.x, 4 * xStride, at.y, 4 * stride, at.gain, at.shift, at.statistics + all, epsilon), [
          { at: at.y + 4 * begin * stride, bytes: 4 * units, rows: rows - begin, stride: 4 * stride }, { at: at.statistics + part, bytes: 12, rows: rows - begin, stride: 16 },
        ]);
        stage.run((kernels) => kernels.layerNormSums(rows, 0, units, at.x, 4 * xStride, at.d, 4 * stride, at.statistics, at.dGain, at.dShift), [
          { at: at.dGain, bytes: 4 * units }, { at: at.dShift, bytes: 4 * units },
        ]);
        stage.run((kernels) => kernels.layerNormBackward(0, rows, units, at.x, 4 * xStride, at.d, 4 * stride, at.gain, at.statistics), [
          { at: at.d, bytes: 4 * units, rows, stride: 4 * stride },
        ]);
        const dGain = new Float64Array(units);
        const dShift = new Float64Array(units);
        const sizes = new Float64Array(units);
        for (let r = 0; r < rows; r++) {
          const row = Array.from(x.subarray(r * units, (r + 1) * units));
          const exact = exactOf(row, epsilon);
          const slack = 4 * EPSILON * (1 + exact.inverse * EPSILON * Math.abs(exact.mean));
          const normal = row.map((value) => (value - exact.mean) * exact.inverse);
          const h = row.map((_, j) => dy[r * units + j] * gain[j]);
          const [mean, along, size] = [
            h.reduce((sum, value) => sum + value, 0) / units, h.reduce((sum, value, j) => sum + value * normal[j], 0) / units,
            h.reduce((sum, value, j) => sum + Math.abs(value) * (1 + Math.abs(normal[j])), 0) / units,
          ];
          for (let j = 0; j < units; j++) {
            const place = `${rows} × ${units}, row ${r}, column ${j}`;
            const y = gain[j] * normal[j] + shift[j];
            expectNear(stage.f32[at.y / 4 + r * stride + j], y, 2 * slack * (Math.abs(gain[j]) * (Math.abs(normal[j]) + EPSILON) + Math.abs(shift[j])), `y, ${place}`);
            const dx = exact.inverse * (h[j] - mean - normal[j] * along);
            expectNear(stage.f32[at.d / 4 + r * stride + j], dx, 4 * slack * exact.inverse * (Math.abs(h[j]) + (2 + Math.abs(normal[j])) * size), `dX, ${place}`);
            dGain[j] += dy[r * units + j] * normal[j];
            dShift[j] += dy[r * units + j];
            sizes[j] += Math.abs(dy[r * units + j]) * (1 + Math.abs(normal[j])) * slack;
          }
        }
        for (let j = 0; j < units; j++) {
          expectNear(stage.f32[at.dGain / 4 + j], dGain[j], 4 * sizes[j], `dGain, ${rows} × ${units}, column ${j}`);
          expectNear(stage.f32[at.dShift / 4 + j], dShift[j], 2 * EPSILON * Math.abs(dShift[j]) + 2 ** -50, `dShift, ${rows} × ${units}, column ${j}`);
        }
        ran++;
      }
    }
    expect(ran).toBe(ROWS.length * WIDTHS.length);
  });
});

describe("dropout", () => {
  it("drops by Philox, by place alone, forward and backward", () => {
    let ran = 0;
    for (const rows of [1, 2, 3, 5, 17]) {
      for (const units of WIDTHS) {
        stage.clear();
        const rate = [0.1, 0.5, 0.875][ran % 3];
        const place = { seed: 2 ** 52 + 12345 * ran, epoch: 2 ** 32 - 1 - ran, step: ran * 1001, layer: ran % 1000 };
        const x = randomFloats(ran, rows * units);
        const dy = randomFloats(ran + 1, rows * units);
        const xStride = paddedStride(units, ran);
        const stride = paddedStride(units, ran + 1);
        const panels = Math.ceil(units / 8);
        const at = {
          x: stage.placeRows(x, units, rows, units, xStride), y: stage.unwritten(rows * stride), d: stage.placeRows(dy, units, rows, units, stride),
          mask: stage.reserve(rows * panels), keys: stage.reserve(80),
        };
        const begin = units > 8 && ran % 2 === 1 ? 8 : 0;
        const threshold = Math.round(rate * 2 ** 32) | 0;
        const scale = Math.fround(1 / (1 - rate));
        stage.run((kernels) => kernels.dropoutForward(
          rows, begin, units, units, at.x, 4 * xStride, at.y, 4 * stride, at.mask, threshold, scale, place.seed | 0, Math.floor(place.seed / 2 ** 32), place.layer, place.epoch | 0, place.step, at.keys,
        ), [
          { at: at.y + 4 * begin, bytes: 4 * (padded(units) - begin), rows, stride: 4 * stride },
          { at: at.mask + (begin / 8) * rows, bytes: (panels - begin / 8) * rows }, { at: at.keys, bytes: 80 },
        ]);
        stage.run((kernels) => kernels.dropoutBackward(rows, begin, units, at.d, 4 * stride, at.mask, scale), [
          { at: at.d + 4 * begin, bytes: 4 * (padded(units) - begin), rows, stride: 4 * stride },
        ]);
        const mask = dropoutMask(place, rows, units, rate);
        for (let r = 0; r < rows; r++) {
          for (let j = begin; j < units; j++) {
            const kept = mask[r * units + j] !== 0;
            expect(stage.f32[at.y / 4 + r * stride + j]).toBe(kept ? Math.fround(x[r * units + j] * scale) : 0);
            expect(stage.f32[at.d / 4 + r * stride + j]).toBe(kept ? Math.fround(dy[r * units + j] * scale) : 0);
          }
        }
        ran++;
      }
    }
    expect(ran).toBe(5 * WIDTHS.length);
  });

  it("the share that is dropped is the rate, in every column and row, and neighbours, steps and layers do not agree", () => {
    const [rows, units, rate] = [256, 256, 0.3];
    const large = new Stage(8 * 2 ** 20);
    const ones = large.place(new Float32Array(rows * units).fill(1));
    const y = large.unwritten(rows * units);
    const mask = large.reserve((rows * units) / 8);
    const keys = large.reserve(80);
    const draw = (step: number, layer: number): Float32Array => {
      large.run((kernels) => kernels.dropoutForward(rows, 0, units, units, ones, 4 * units, y, 4 * units, mask, Math.round(rate * 2 ** 32), 1, 9, 0, layer, 1, step, keys), [
        { at: y, bytes: 4 * rows * units }, { at: mask, bytes: (rows * units) / 8 }, { at: keys, bytes: 80 },
      ]);
      return large.f32.slice(y / 4, y / 4 + rows * units);
    };
    const first = draw(0, 0);
    const dropped = (values: ArrayLike<number>): number => Array.from(values).filter((value) => value === 0).length;
    // five deviations of a binomial count
    const near = (count: number, n: number, p: number): void => expect(Math.abs(count - n * p)).toBeLessThan(5 * Math.sqrt(n * p * (1 - p)));
    near(dropped(first), rows * units, rate);
    for (let i = 0; i < 256; i++) {
      near(dropped(first.subarray(i * units, (i + 1) * units)), units, rate);
      near(dropped(Array.from({ length: rows }, (_, r) => first[r * units + i])), rows, rate);
    }
    const agree = rate * rate + (1 - rate) * (1 - rate);
    const same = (other: Float32Array): number => first.reduce((count, value, i) => count + (value === other[i] ? 1 : 0), 0);
    for (const other of [draw(1, 0), draw(0, 1)]) near(same(other), rows * units, agree);
    near(first.reduce((count, value, i) => count + (i > 0 && value === first[i - 1] ? 1 : 0), 0), rows * units - 1, agree);
    near(first.reduce((count, value, i) => count + (i >= units && value === first[i - units] ? 1 : 0), 0), (rows - 1) * units, agree);
  });
});
