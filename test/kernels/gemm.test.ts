// The matrix product in its three forms, and the two gradients of a dense layer that are such products.
//
// What each element has to be is computed once, as the kernel documents it: the start, then one product after another in
// ascending k, each product and each sum rounded to f32. That chain is held against f64 by the bound of any sum of n products,
//   |chain − exact| ≤ γ_n·(|start| + Σ|a||b|),  γ_n = n·u/(1 − n·u), u = 2⁻²⁴, n = 2k + 1 roundings,
// and then every kernel, form, size, edge and build must give its very bits.

import { describe, expect, it } from "vitest";
import { FORWARD_KC, KC, MR, NR, PACKED_FLOATS } from "../../assembly/codes.js";
import { productScratch } from "../../src/plan/layout.js";
import { FORMS, FROM_ZERO, STARTS, products, runProduct } from "./products.js";
import { LARGEST, randomFloats, sizePairs, Stage, THIRD } from "./stage.js";

const STRIDE = LARGEST + 1;
const table = products(1, LARGEST, LARGEST, Array.from({ length: LARGEST + 1 }, (_, k) => k));

describe("the chain of products that the kernels are held against", () => {
  it("is within its bound of the exact sum, and the bound far below the terms", () => {
    let compared = 0;
    for (const { chain, exact, magnitude, k } of table.sums.values()) {
      const n = 2 * k + 1;
      const gamma = (n * 2 ** -24) / (1 - n * 2 ** -24);
      expect(gamma).toBeLessThan(1e-5);
      for (let start = 0; start < 3; start++) {
        for (let i = 0; i < exact[start].length; i++) {
          if (Math.abs(chain[start][i] - exact[start][i]) > gamma * magnitude[start][i]) throw new Error(`k ${k}, start ${start}, element ${i}`);
          compared++;
        }
      }
    }
    expect(compared).toBe(3 * LARGEST * LARGEST * (LARGEST + 1));
  });
});

describe.each(FORMS)("gemm %s", (form) => {
  const starts = STARTS[form];

  it("gives the chain for all pairs of sizes up to 67 beside a third, from each start", { timeout: 120_000 }, () => {
    const stage = new Stage();
    const seen = [0, 0];
    let turn = 0;
    const check = (m: number, n: number, k: number): void => {
      const which = (turn ^ (turn >> 1) ^ (turn >> 3)) & 1;
      const start = starts[which];
      seen[which]++;
      runProduct(stage, table, form, { m, n, k, start, extra: turn % 4 === 0 ? 0 : 1 + (turn % 5), turn });
      turn++;
    };
    for (const [x, y] of sizePairs()) {
      for (const third of THIRD) {
        check(x, y, third);
        check(x, third, y);
        check(third, x, y);
      }
    }
    expect(turn).toBe(68 * 68 * 9 * 3);
    expect(stage.calls).toBe(turn);
    for (const count of seen) expect(count).toBeGreaterThan(0.49 * turn);
  });

  it("gives columns [begin, end) and leaves the others", () => {
    const stage = new Stage();
    let ran = 0;
    for (let begin = 0; begin <= LARGEST; begin += NR) {
      for (let end = begin; end <= LARGEST; end++) {
        for (const m of [0, 1, 3, 4, 6, 9]) {
          for (const k of [0, 3, 9]) {
            runProduct(stage, table, form, { m, n: Math.min(LARGEST, end + (ran % 7)), k, start: starts[ran % 2], extra: ran % 3, turn: ran, begin, end });
            ran++;
          }
        }
      }
    }
    expect(ran).toBe((68 + 60 + 52 + 44 + 36 + 28 + 20 + 12 + 4) * 6 * 3);
  });

  it("gives the chain across blocks of k", () => {
    const lengths = [KC - 1, KC, KC + 1, FORWARD_KC - 1, FORWARD_KC, FORWARD_KC + 1, 1030, 3 * KC + 5, 2 * FORWARD_KC + 3];
    const long = products(2, 17, 17, lengths);
    const stage = new Stage();
    let ran = 0;
    for (const k of lengths) {
      for (const m of [1, 2, 3, 4, 5, 8, 17]) {
        for (const n of [1, 3, 4, 5, 7, 8, 9, 16, 17]) {
          for (const start of starts) {
            runProduct(stage, long, form, { m, n, k, start, extra: ran % 3, turn: ran });
            ran++;
          }
        }
      }
    }
    expect(ran).toBe(9 * 7 * 9 * 2);
  });

  it("gives the chain across blocks of rows", () => {
    const most = MR * Math.floor(PACKED_FLOATS / (MR * KC));
    const tall = products(3, 2 * most + 6, 9, [KC, FORWARD_KC + 3]);
    const stage = new Stage(16 * 2 ** 20);
    let ran = 0;
    for (const k of [KC, FORWARD_KC + 3]) {
      for (const m of [most - 1, most, most + 1, 2 * most + 6]) {
        for (const start of starts) runProduct(stage, tall, form, { m, n: 9, k, start, extra: ran++ % 3, turn: ran });
      }
    }
    expect(ran).toBe(2 * 4 * 2);
  });

  it("does not read C unless it starts from it", () => {
    const stage = new Stage();
    // what is not written yet is NaN on the stage, and would show
    for (const k of [0, 1, 5]) for (const start of starts) runProduct(stage, table, form, { m: 5, n: 11, k, start, extra: 0, turn: 0 });
    expect(stage.calls).toBe(6);
  });
});

describe("the gradients of a dense layer", () => {
  it("weightGradient is dZᵀ·X, without padding between its rows, for all pairs of units and inputs", { timeout: 60_000 }, () => {
    const stage = new Stage();
    let ran = 0;
    for (const [units, inputs] of sizePairs()) {
      for (const rows of THIRD) {
        const begin = ran % 5 === 0 ? NR * (ran % (1 + Math.floor(inputs / NR))) : 0;
        stage.clear();
        const dzStride = units + (ran % 4);
        const xStride = inputs + (ran % 3);
        const dz = stage.placeRows(table.aTransposed, table.m, rows, units, dzStride);
        const x = stage.placeRows(table.b, table.n, rows, inputs, xStride);
        const dw = stage.unwritten(units * inputs, 4);
        const scratch = productScratch(units, rows);
        const panel = stage.reserve(scratch);
        stage.run((kernels) => kernels.weightGradient(rows, begin, inputs, units, inputs, dz, 4 * dzStride, x, 4 * xStride, dw, panel), [
          { at: dw + 4 * begin, bytes: 4 * (inputs - begin), rows: units, stride: 4 * inputs }, { at: panel, bytes: scratch },
        ]);
        const expected = table.sums.get(rows)!.bits[FROM_ZERO];
        for (let unit = 0; unit < units; unit++) {
          stage.expectBits(dw + 4 * (unit * inputs + begin), expected, unit * table.n + begin, inputs - begin, `${units} units, ${inputs} inputs, ${rows} rows`);
        }
        ran++;
      }
    }
    expect(ran).toBe(68 * 68 * 9);
  });

  it("inputGradient is dZ·W for all pairs of rows and inputs", { timeout: 60_000 }, () => {
    const stage = new Stage();
    let ran = 0;
    for (const [rows, inputs] of sizePairs()) {
      for (const units of THIRD) {
        const begin = ran % 5 === 0 ? NR * (ran % (1 + Math.floor(inputs / NR))) : 0;
        stage.clear();
        const dzStride = units + (ran % 4);
        const dxStride = inputs + (ran % 3);
        const dz = stage.placeRows(table.a, table.longest, rows, units, dzStride);
        const w = stage.placeRows(table.b, table.n, units, inputs, inputs, 4);
        const dx = stage.unwritten(rows * dxStride);
        const scratch = productScratch(rows, units);
        const panel = stage.reserve(scratch);
        stage.run((kernels) => kernels.inputGradient(rows, begin, inputs, units, inputs, dz, 4 * dzStride, w, dx, 4 * dxStride, panel), [
          { at: dx + 4 * begin, bytes: 4 * (inputs - begin), rows, stride: 4 * dxStride }, { at: panel, bytes: scratch },
        ]);
        const expected = table.sums.get(units)!.bits[FROM_ZERO];
        for (let row = 0; row < rows; row++) {
          stage.expectBits(dx + 4 * (row * dxStride + begin), expected, row * table.n + begin, inputs - begin, `${rows} rows, ${inputs} inputs, ${units} units`);
        }
        ran++;
      }
    }
    expect(ran).toBe(68 * 68 * 9);
  });

  it("let a NaN or an infinity of the gradient through, and into its own rows and columns alone", () => {
    const stage = new Stage();
    const dz = randomFloats(3, 9 * STRIDE);
    dz[2 * STRIDE + 4] = NaN;
    const w = randomFloats(4, 13 * 13);
    stage.clear();
    const dzAt = stage.placeRows(dz, STRIDE, 9, 13, 16);
    const wAt = stage.place(w);
    const dx = stage.unwritten(9 * 16);
    const scratch = productScratch(9, 13);
    const panel = stage.reserve(scratch);
    stage.run((kernels) => kernels.inputGradient(9, 0, 13, 13, 13, dzAt, 64, wAt, dx, 64, panel), [
      { at: dx, bytes: 52, rows: 9, stride: 64 }, { at: panel, bytes: scratch },
    ]);
    for (let row = 0; row < 9; row++) {
      for (let i = 0; i < 13; i++) expect(Number.isNaN(stage.f32[dx / 4 + 16 * row + i])).toBe(row === 2);
    }
  });
});
