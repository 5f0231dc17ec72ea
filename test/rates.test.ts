// The bias corrections 1 − βᵗ of the moments: the same bits whether a run gets to step t by itself or is resumed there, and those
// of the power by squaring, bit by bit from the lowest.

import { describe, expect, it } from "vitest";
import { Complements } from "../src/train/rates.js";

/** 1 − base^n by squaring, without an end to it. */
function complement(base: number, n: number): number {
  let power = 1;
  let square = base;
  for (let rest = n; rest > 0; rest = Math.floor(rest / 2), square *= square) if (rest % 2 === 1) power *= square;
  return 1 - power;
}

describe("Complements", () => {
  it("has the bits of the power by squaring at every step, before and after it has vanished", () => {
    let ones = 0;
    let compared = 0;
    for (const base of [0, 1e-9, 0.5, 0.9, 0.99, 0.999, 0.9999, 1 - 2 ** -20, 1 - 2 ** -53]) {
      const complements = new Complements(base);
      const steps = Array.from({ length: 3000 }, (_, i) => i + 1);
      for (let bit = 11; bit < 53; bit++) for (const offset of [-2, -1, 0, 1, 12345]) steps.push(2 ** bit + offset);
      for (const n of steps) {
        const expected = complement(base, n);
        if (complements.of(n) !== expected) throw new Error(`1 − ${base}^${n}: expected ${expected}, got ${complements.of(n)}`);
        if (expected === 1) ones++;
        compared++;
      }
    }
    expect(compared).toBe(9 * (3000 + 42 * 5));
    expect(ones).toBeGreaterThan(1000);
    expect(ones).toBeLessThan(compared - 1000);
  });
});
