// The matrix product of the relaxed build, whose tile has another row: every element is within the bound of the exact sum, whether
// the engine's multiply-add rounds once or twice, |C − exact| ≤ γ_n·(|start| + Σ|a||b|), n = 2k + 1; and nothing else is written.
// An engine that refuses the build cannot run it; that it does is what is held there.

import { describe, expect, it } from "vitest";
import { FORWARD_KC, KC, NR, PACKED_FLOATS, RELAXED_MR } from "../../assembly/codes.js";
import { enableRelaxed } from "../engine.js";
import { callProduct, FORMS, products, STARTS } from "./products.js";
import type { Form, ProductCase, Products } from "./products.js";
import { Stage } from "./stage.js";

/** Rows and columns: none, one, and around one and two tiles; k: none, and around blocks of 4. */
const ROWS = [0, 1, 4, 5, 6, 7, 11, 12, 13, 23];
const COLUMNS = [0, 1, 3, 4, 7, 8, 9, 16, 21];
const LENGTHS = [0, 1, 3, 4, 5, 8, 31];

function runWithin(stage: Stage, table: Products, form: Form, size: ProductCase): void {
  const { m, n, k, start, begin = 0, end = n } = size;
  const { c, ldc } = callProduct(stage, table, form, size);
  const { exact, magnitude } = table.sums.get(k)!;
  const rounding = (2 * k + 1) * 2 ** -24;
  const gamma = rounding / (1 - rounding);
  for (let i = 0; i < m; i++) {
    for (let j = begin; j < end; j++) {
      const at = i * table.n + j;
      const computed = stage.f32[c / 4 + i * ldc + j];
      if (Math.abs(computed - exact[start][at]) <= gamma * magnitude[start][at]) continue;
      throw new Error(`${form} m ${m}, n ${n}, k ${k}, start ${start}, element ${i}, ${j}: expected ${exact[start][at]}, got ${computed}`);
    }
  }
}

if (!enableRelaxed()) {
  it("is refused by this engine", () => {
    expect(() => new Stage(65536, ["relaxed", "relaxed"])).toThrow(WebAssembly.CompileError);
  });
} else {
  describe.each(FORMS)("gemm %s of the relaxed build", (form) => {
    const starts = STARTS[form];

    it("is within its bound for sizes around its tile, from each start", () => {
      const table = products(4, Math.max(...ROWS), Math.max(...COLUMNS), LENGTHS);
      const stage = new Stage(2 ** 20, ["relaxed", "relaxed"]);
      let ran = 0;
      for (const m of ROWS) {
        for (const n of COLUMNS) {
          for (const k of LENGTHS) for (const start of starts) runWithin(stage, table, form, { m, n, k, start, extra: ran % 4, turn: ran++ });
        }
      }
      for (let begin = 0; begin < 21; begin += NR) {
        for (const m of ROWS) runWithin(stage, table, form, { m, n: 21, k: 5, start: starts[1], extra: 1, turn: ran++, begin, end: Math.min(21, begin + 9) });
      }
      expect(ran).toBe(10 * 9 * 7 * 2 + 3 * 10);
    });

    it("is within its bound across blocks of k and of rows", () => {
      const most = RELAXED_MR * Math.floor(PACKED_FLOATS / (RELAXED_MR * KC));
      const tall = products(5, 2 * most + 7, 9, [KC, FORWARD_KC + 3]);
      const stage = new Stage(16 * 2 ** 20, ["relaxed", "relaxed"]);
      let ran = 0;
      for (const k of [KC, FORWARD_KC + 3]) {
        for (const m of [most - 1, most, most + 1, most + 2, 2 * most + 7]) {
          for (const start of starts) runWithin(stage, tall, form, { m, n: 9, k, start, extra: ran++ % 3, turn: ran });
        }
      }
      expect(ran).toBe(2 * 5 * 2);
    });
  });
}
