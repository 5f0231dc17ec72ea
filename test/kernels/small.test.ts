// The kernels of small layers. Their products have the bits of the chain that the wide kernels are held against (gemm.test.ts), so
// that a layer computes alike by either way; a lone sample's sums are held by the bound of any order.
//
// Softmax and its loss of at most NARROW columns, and the hits of at most four, go four rows at a time: they must have the bits of the way of longer
// rows, which the same rows take when columns are added that change nothing (z = −∞, a = t = 0).

import { describe, expect, it } from "vitest";
import { ActivationCode, HitMode, LossCode, NARROW, PANEL_BYTES } from "../../assembly/codes.js";
import { FROM_BIAS, FROM_ZERO, products } from "./products.js";
import { bitsOf, paddedStride, randomFloats, randomNumbers, Stage } from "./stage.js";

/** Rows, units and inputs: all below a few tiles, then a prime and a large one. */
const SIZES = [...Array.from({ length: 21 }, (_, i) => i), 31, 64, 67];
const LENGTHS = Array.from({ length: 68 }, (_, k) => k);
const table = products(31, 67, 67, LENGTHS);

/** All triples of sizes of which one is drawn, in turn, from a few. */
function* triples(): Generator<readonly [number, number, number]> {
  const few = [1, 2, 3, 4, 5, 8, 11, 16];
  let turn = 0;
  for (const x of SIZES) {
    for (const y of SIZES) {
      const third = few[turn++ % few.length];
      yield [x, y, third];
      yield [x, third, y];
      yield [third, x, y];
    }
  }
}
const TRIPLES = 3 * SIZES.length ** 2;

/** A share of `columns`, in turn all or panels of 8 out of it. */
function share(columns: number, turn: number): readonly [number, number] {
  const begin = turn % 5 === 0 ? 8 * (turn % (1 + Math.floor(columns / 8))) : 0;
  return [begin, turn % 7 === 0 ? Math.min(columns, begin + 8 * (1 + (turn % 3))) : columns];
}

const padded = (columns: number): number => 4 * Math.ceil(columns / 4);

describe("the products of small layers", () => {
  it("smallForward is the chain of X·Wᵀ from the bias, and 0 behind the row", () => {
    const stage = new Stage();
    let ran = 0;
    for (const [rows, units, inputs] of triples()) {
      const [begin, end] = share(units, ran);
      const biased = ran % 3 !== 0;
      stage.clear();
      const xStride = inputs + (ran % 4);
      const stride = paddedStride(units, ran);
      const x = stage.placeRows(table.a, table.longest, rows, inputs, xStride);
      const w = stage.placeRows(table.bTransposed, table.longest, units, inputs, inputs, 4 * (ran % 4));
      const biases = biased ? stage.place(table.bias.subarray(0, units), 4 * (ran % 4)) : 0;
      const z = stage.unwritten(rows * stride);
      const panel = stage.reserve(PANEL_BYTES);
      const width = padded(end - begin);
      stage.run((kernels) => kernels.smallForward(rows, begin, end, inputs, x, 4 * xStride, w, biases, z, 4 * stride, panel), [
        { at: z + 4 * begin, bytes: 4 * width, rows, stride: 4 * stride }, { at: panel, bytes: PANEL_BYTES },
      ]);
      const expected = table.sums.get(inputs)!.bits[biased ? FROM_BIAS : FROM_ZERO];
      for (let row = 0; row < rows; row++) {
        const at = z + 4 * (row * stride + begin);
        const title = `${rows} rows, units ${begin} to ${end} of ${units}, ${inputs} inputs, row ${row}`;
        stage.expectBits(at, expected, row * table.n + begin, end - begin, title);
        stage.expectBits(at + 4 * (end - begin), new Uint32Array(4), 0, width - (end - begin), `padding of ${title}`);
      }
      ran++;
    }
    expect(ran).toBe(TRIPLES);
  });

  it("smallInputGradient is the chain of dZ·W, and 0 behind the row whatever lies behind W", () => {
    const stage = new Stage();
    let ran = 0;
    for (const [rows, inputs, units] of triples()) {
      const [begin, end] = share(inputs, ran);
      stage.clear();
      const dzStride = units + (ran % 4);
      const stride = paddedStride(inputs, ran);
      const dz = stage.placeRows(table.a, table.longest, rows, units, dzStride);
      const w = stage.placeRows(table.b, table.n, units, inputs, inputs, 4 * (ran % 4));
      const dx = stage.unwritten(rows * stride);
      const panel = stage.reserve(PANEL_BYTES);
      const width = padded(end - begin);
      stage.run((kernels) => kernels.smallInputGradient(rows, begin, end, units, inputs, dz, 4 * dzStride, w, dx, 4 * stride, panel), [
        { at: dx + 4 * begin, bytes: 4 * width, rows, stride: 4 * stride }, { at: panel, bytes: PANEL_BYTES },
      ]);
      const expected = table.sums.get(units)!.bits[FROM_ZERO];
      for (let row = 0; row < rows; row++) {
        const at = dx + 4 * (row * stride + begin);
        const title = `${rows} rows, columns ${begin} to ${end} of ${inputs}, ${units} units, row ${row}`;
        stage.expectBits(at, expected, row * table.n + begin, end - begin, title);
        stage.expectBits(at + 4 * (end - begin), new Uint32Array(4), 0, width - (end - begin), `padding of ${title}`);
      }
      ran++;
    }
    expect(ran).toBe(TRIPLES);
  });

  it("smallWeightGradient is the chain of dZᵀ·X, without padding between its rows", () => {
    const stage = new Stage();
    let ran = 0;
    for (const [units, inputs, rows] of triples()) {
      const [begin, end] = share(inputs, ran);
      stage.clear();
      const dzStride = paddedStride(units, ran);
      const xStride = paddedStride(inputs, ran + 1);
      const dz = stage.placeRows(table.aTransposed, table.m, rows, units, dzStride);
      const x = stage.placeRows(table.b, table.n, rows, inputs, xStride);
      const dw = stage.unwritten(units * inputs, 4 * (ran % 4));
      stage.run((kernels) => kernels.smallWeightGradient(rows, begin, end, units, inputs, dz, 4 * dzStride, x, 4 * xStride, dw), [
        { at: dw + 4 * begin, bytes: 4 * Math.max(0, end - begin), rows: units, stride: 4 * inputs },
      ]);
      const expected = table.sums.get(rows)!.bits[FROM_ZERO];
      for (let unit = 0; unit < units; unit++) {
        stage.expectBits(dw + 4 * (unit * inputs + begin), expected, unit * table.n + begin, end - begin, `${units} units, columns ${begin} to ${end} of ${inputs}, ${rows} rows`);
      }
      ran++;
    }
    expect(ran).toBe(TRIPLES);
  });

  it("give the chain for the longest column that the panel holds, and for more rows than a tile repeats", () => {
    const stage = new Stage();
    const long = products(32, 9, 9, [511, 512]);
    for (const inputs of [511, 512]) {
      stage.clear();
      const x = stage.placeRows(long.a, long.longest, 9, inputs, inputs);
      const w = stage.placeRows(long.bTransposed, long.longest, 8, inputs, inputs);
      const z = stage.unwritten(9 * 8);
      const panel = stage.reserve(PANEL_BYTES);
      stage.run((kernels) => kernels.smallForward(9, 0, 8, inputs, x, 4 * inputs, w, 0, z, 32, panel), [{ at: z, bytes: 9 * 32 }, { at: panel, bytes: PANEL_BYTES }]);
      for (let row = 0; row < 9; row++) stage.expectBits(z + 32 * row, long.sums.get(inputs)!.bits[FROM_ZERO], row * long.n, 8, `${inputs} inputs, row ${row}`);
    }
    expect(stage.calls).toBe(2);
  });
});

describe("smallSingle", () => {
  it("is within the bound of f64 for all pairs of inputs and units, in whole vectors", () => {
    const stage = new Stage();
    const weights = randomFloats(41, 67 * 67);
    const x = randomFloats(42, 67);
    const biases = randomFloats(43, 67);
    let ran = 0;
    let largestBound = 0;
    for (let inputs = 0; inputs <= 67; inputs++) {
      for (let units = 0; units <= 67; units++) {
        const begin = ran % 4 === 0 ? 4 * (ran % (1 + Math.floor(units / 4))) : 0;
        const end = ran % 5 === 0 ? Math.min(units, begin + 4 * (1 + (ran % 3))) : units;
        const biased = ran % 3 !== 0;
        stage.clear();
        const xAt = stage.place(x.subarray(0, inputs));
        const w = stage.placeRows(weights, 67, units, inputs, inputs, 4 * (ran % 4));
        const biasesAt = biased ? stage.place(biases.subarray(0, units), 4 * (ran % 4)) : 0;
        const y = stage.unwritten(padded(units));
        stage.run((kernels) => kernels.smallSingle(begin, end, inputs, xAt, w, biasesAt, y), [{ at: y + 4 * begin, bytes: 4 * padded(end - begin) }]);
        const gamma = ((inputs + 2) * 2 ** -24) / (1 - (inputs + 2) * 2 ** -24);
        largestBound = Math.max(largestBound, gamma);
        for (let unit = begin; unit < end; unit++) {
          let exact = biased ? biases[unit] : 0;
          let magnitude = Math.abs(exact);
          for (let k = 0; k < inputs; k++) {
            exact += weights[unit * 67 + k] * x[k];
            magnitude += Math.abs(weights[unit * 67 + k] * x[k]);
          }
          const value = stage.f32[y / 4 + unit];
          if (!(Math.abs(value - exact) <= gamma * magnitude)) throw new Error(`unit ${unit} of ${units}, ${inputs} inputs: ${value}, exact ${exact}`);
        }
        ran++;
      }
    }
    expect(ran).toBe(68 * 68);
    expect(largestBound).toBeLessThan(1e-5);
  });
});

describe("columnForward", () => {
  it("is activationForward of each row, for every activation, in place or not, and leaves what lies beside the column", () => {
    const stage = new Stage();
    const codes = Object.values(ActivationCode).filter((code) => typeof code === "number");
    let ran = 0;
    for (const rows of [...Array.from({ length: 14 }, (_, i) => i), 4095, 4096, 4097, 8195]) {
      const values = randomFloats(50 + rows, rows, -4, 4);
      for (const code of codes) {
        stage.clear();
        const stride = paddedStride(1, ran);
        const slope = stage.place([0.3]);
        const lone = stage.place(values);
        const pad = stage.reserve(16);
        stage.run((kernels) => kernels.activationForward(code, lone, lone, 1, rows, 4 * padded(rows), 0.2, slope, 1), [{ at: lone, bytes: 4 * padded(rows) }]);
        const expected = bitsOf(stage.f32.slice(lone / 4, lone / 4 + rows));
        expect(pad).toBeGreaterThan(lone);
        const z = stage.placeRows(values, 1, rows, 1, stride);
        const a = ran % 2 === 0 ? z : stage.unwritten(rows * stride);
        const panel = stage.reserve(PANEL_BYTES);
        stage.run((kernels) => kernels.columnForward(code, z, a, rows, 4 * stride, 0.2, slope, panel), [
          { at: a, bytes: 4, rows, stride: 4 * stride }, { at: panel, bytes: PANEL_BYTES },
        ]);
        for (let row = 0; row < rows; row++) stage.expectBits(a + 4 * row * stride, expected, row, 1, `${ActivationCode[code]}, row ${row} of ${rows}`);
        ran++;
      }
    }
    expect(ran).toBe(18 * 19);
  });
});

/** Rows of `columns` numbers, and the same with others behind them that stand for nothing. */
function both(values: Float32Array, rows: number, columns: number, longer: number, filler: number): Float32Array {
  const wide = new Float32Array(rows * longer).fill(filler);
  for (let row = 0; row < rows; row++) wide.set(values.subarray(row * columns, (row + 1) * columns), row * longer);
  return wide;
}

/** Weighted sums with what softmax has to stand: equal ones, large gaps, infinities, both zeros. */
function hardSums(seed: number, length: number): Float32Array {
  const next = randomNumbers(seed);
  const special = [0, -0, 3e38, -3e38, -Infinity, 100, -100, 1e-40];
  return Float32Array.from({ length }, () => (next() < 0.15 ? special[Math.floor(special.length * next())] : 8 * next() - 4));
}

describe("rows side by side", () => {
  it("softmax has the bits of longer rows", () => {
    const stage = new Stage();
    let ran = 0;
    for (let columns = 1; columns <= NARROW; columns++) {
      for (let rows = 0; rows <= 20; rows++) {
        for (const longer of [NARROW + 1, NARROW + 4]) {
          const values = hardSums(100 * columns + rows, rows * columns);
          // beside −∞ alone the added columns would count
          for (let row = 0; row < rows; row++) if (values.subarray(row * columns, (row + 1) * columns).every((z) => z === -Infinity)) values[row * columns] = 0;
          stage.clear();
          const width = padded(longer);
          const wide = stage.placeRows(both(values, rows, columns, longer, -Infinity), longer, rows, longer, width);
          const z = stage.placeRows(values, columns, rows, columns, paddedStride(columns, ran));
          const stride = 4 * paddedStride(columns, ran);
          const a = ran % 2 === 0 ? z : stage.unwritten((rows * stride) / 4);
          stage.run((kernels) => kernels.softmaxForward(wide, wide, rows, longer, 4 * width), [{ at: wide, bytes: 4 * width * rows }]);
          stage.run((kernels) => kernels.softmaxForward(z, a, rows, columns, stride), [{ at: a, bytes: 4 * padded(columns), rows, stride }]);
          for (let row = 0; row < rows; row++) {
            stage.expectBits(a + row * stride, bitsOf(stage.f32), wide / 4 + row * width, padded(columns), `${columns} columns, row ${row} of ${rows}`);
          }
          ran++;
        }
      }
    }
    expect(ran).toBe(NARROW * 21 * 2);
  });

  it("the cross-entropy of softmax and its gradient have the bits of longer rows, with weights, soft targets and shares", () => {
    const stage = new Stage();
    const diverged = new Set<number>();
    let ran = 0;
    for (let columns = 1; columns <= NARROW; columns++) {
      for (let rows = 1; rows <= 20; rows++) {
        for (const longer of [NARROW + 1, NARROW + 4]) {
          const next = randomNumbers(7 * rows + columns);
          const values = randomFloats(200 * columns + rows, rows * columns, -6, 6);
          if (rows > 3) values.fill(1.5, columns, 2 * columns); // all equal
          if (rows > 5) values[5 * columns + (rows % columns)] = NaN;
          const targets = Float32Array.from({ length: rows * columns }, (_, i) => (ran % 2 === 0 ? ((i * 7) % columns === 0 ? 1 : 0) : next() < 0.3 ? 0 : next()));
          const begin = ran % 3 === 0 ? ran % rows : 0;
          stage.clear();
          const stride = 4 * paddedStride(columns, ran);
          const width = 4 * padded(longer);
          const place = (numbers: Float32Array, filler: number): readonly [number, number] => [
            stage.placeRows(numbers, columns, rows, columns, stride / 4), stage.placeRows(both(numbers, rows, columns, longer, filler), longer, rows, longer, width / 4),
          ];
          const [z, zWide] = place(values, -Infinity);
          const [t, tWide] = place(targets, 0);
          const [a, aWide] = place(randomFloats(ran, rows * columns, 0, 1), 0);
          const d = stage.unwritten((rows * stride) / 4);
          const dWide = stage.unwritten((rows * width) / 4);
          const weights = ran % 4 === 1 ? stage.place(Float32Array.from({ length: rows }, (_, i) => (i % 5 === 0 ? 0 : 0.5 + next()))) : 0;
          const losses = stage.reserve(8 * rows);
          const lossesWide = stage.reserve(8 * rows);
          const gradient = ran % 5 !== 4;
          const code = LossCode.softmaxCrossEntropy;
          const run = (zAt: number, aAt: number, tAt: number, dAt: number, n: number, step: number, to: number): void => {
            stage.run((kernels) => kernels.lossRows(code, 0, zAt, aAt, tAt, gradient ? dAt : 0, begin, rows, n, step, weights, 1 / 7, to), [
              { at: dAt + begin * step, bytes: gradient ? 4 * padded(n) : 0, rows: rows - begin, stride: step }, { at: to + 8 * begin, bytes: 8 * (rows - begin) },
            ]);
          };
          run(z, a, t, d, columns, stride, losses);
          run(zWide, aWide, tWide, dWide, longer, width, lossesWide);
          for (let row = begin; row < rows; row++) {
            const title = `${columns} columns, row ${row} of ${rows}`;
            if (gradient) stage.expectBits(d + row * stride, bitsOf(stage.f32), dWide / 4 + row * (width / 4), padded(columns), title);
            expect(stage.f64[losses / 8 + row], title).toBe(stage.f64[lossesWide / 8 + row]);
            if (Number.isNaN(stage.f64[losses / 8 + row])) diverged.add(row);
          }
          ran++;
        }
      }
    }
    expect(ran).toBe(NARROW * 20 * 2);
    expect([...diverged]).toEqual([5]);
  });

  it("hits by the greatest have the count of longer rows, the first of equals among them", () => {
    const stage = new Stage();
    let ran = 0;
    let hit = 0;
    for (let columns = 1; columns <= 4; columns++) {
      for (let rows = 0; rows <= 20; rows++) {
        const next = randomNumbers(300 + 30 * columns + rows);
        const draw = (): Float32Array => Float32Array.from({ length: rows * columns }, () => Math.floor(3 * next()) - 1);
        const [outputs, targets] = [draw(), draw()];
        const begin = ran % 3 === 0 && rows > 0 ? ran % rows : 0;
        stage.clear();
        const stride = paddedStride(columns, ran);
        const a = stage.placeRows(outputs, columns, rows, columns, stride);
        const t = stage.placeRows(targets, columns, rows, columns, stride);
        const hits = stage.unwritten(rows);
        stage.run((kernels) => kernels.hitRows(HitMode.argMax, a, t, begin, rows, columns, 4 * stride, 0, 0, hits), [{ at: hits + 4 * begin, bytes: 4 * (rows - begin) }]);
        const aWide = stage.placeRows(both(outputs, rows, columns, 5, -Infinity), 5, rows, 5, 8);
        const tWide = stage.placeRows(both(targets, rows, columns, 5, -Infinity), 5, rows, 5, 8);
        const wide = stage.unwritten(rows);
        stage.run((kernels) => kernels.hitRows(HitMode.argMax, aWide, tWide, begin, rows, 5, 32, 0, 0, wide), [{ at: wide + 4 * begin, bytes: 4 * (rows - begin) }]);
        for (let row = begin; row < rows; row++) {
          expect(stage.u32[hits / 4 + row], `${columns} columns, row ${row} of ${rows}`).toBe(stage.u32[wide / 4 + row]);
          hit += stage.u32[hits / 4 + row];
        }
        ran++;
      }
    }
    expect(ran).toBe(4 * 21);
    expect(hit).toBeGreaterThan(100);
  });
});
