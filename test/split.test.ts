// The parts of a split and the folds of a cross-validation: nothing lost, nothing twice, every class in its share.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitSamples, stratifiedFolds } from "../src/train/split.js";

const natural = (count: number) => Uint32Array.from({ length: count }, (_, i) => i);

/** A count from 2, a permutation of it, and a class for each sample, classes of very different sizes among them. */
const samples = fc.integer({ min: 2, max: 120 }).chain((count) => fc.record({
  count: fc.constant(count),
  permutation: fc.shuffledSubarray([...natural(count)], { minLength: count }).map((p) => Uint32Array.from(p)),
  classes: fc.array(fc.oneof(fc.integer({ min: 0, max: 3 }), fc.constant(0), fc.integer({ min: 0, max: 50 })), { minLength: count, maxLength: count }),
}));

function sizes(classes: ArrayLike<number>, indices: Iterable<number>): Map<number, number> {
  const found = new Map<number, number>();
  for (const i of indices) found.set(classes[i], (found.get(classes[i]) ?? 0) + 1);
  return found;
}

function expectPartition(parts: readonly Uint32Array[], count: number): void {
  expect([...parts.flatMap((part) => [...part])].sort((a, b) => a - b)).toEqual([...natural(count)]);
  for (const part of parts) expect([...part]).toEqual([...part].sort((a, b) => a - b));
}

describe("splitSamples", () => {
  test("holds out the rounded fraction, at least one, in ascending order, and loses no sample", () => {
    fc.assert(fc.property(samples, fc.double({ min: 0.001, max: 0.6, noNaN: true }), fc.boolean(), ({ count, permutation, classes }, fraction, stratified) => {
      const { training, validation } = splitSamples(count, fraction, stratified ? classes : undefined, permutation);
      expect(validation.length).toBe(Math.max(1, Math.round(fraction * count)));
      expectPartition([training, validation], count);
    }));
  });

  test("gives every class its share, within 1 of exact, by largest remainder", () => {
    fc.assert(fc.property(samples, fc.double({ min: 0.001, max: 0.6, noNaN: true }), ({ count, permutation, classes }, fraction) => {
      const { validation } = splitSamples(count, fraction, classes, permutation);
      const given = sizes(classes, validation);
      const all = [...sizes(classes, natural(count))].map(([value, n]) => ({ value, n, v: given.get(value) ?? 0 }));
      // In units of 1/count, so that the comparison is exact.
      for (const { n, v } of all) expect(Math.abs(v * count - n * validation.length)).toBeLessThan(count);
      const remainder = (n: number) => (n * validation.length) % count;
      const up = all.filter(({ n, v }) => v * count > n * validation.length);
      const down = all.filter(({ n, v }) => v * count < n * validation.length);
      for (const a of up) {
        for (const b of down) {
          expect(remainder(a.n) > remainder(b.n) || (remainder(a.n) === remainder(b.n) && a.value < b.value)).toBe(true);
        }
      }
    }));
  });

  test("takes the samples in the order of the permutation", () => {
    const permutation = Uint32Array.of(5, 2, 0, 4, 1, 3);
    expect([...splitSamples(6, 0.34, undefined, permutation).validation]).toEqual([2, 5]);
    expect([...splitSamples(6, 0.34, [0, 0, 0, 1, 1, 1], permutation).validation]).toEqual([2, 5]);
    expect([...splitSamples(6, 0.34, [1, 0, 1, 0, 1, 1], permutation).validation]).toEqual([1, 5]);
    expect([...splitSamples(6, 0.34, [0, 1, 0, 1, 1, 1], permutation).validation]).toEqual([2, 5]);
  });

  test("of equal remainders the lower class gives one more", () => {
    expect([...splitSamples(4, 0.25, [1, 1, 0, 0], natural(4)).validation]).toEqual([2]);
    expect([...splitSamples(4, 0.25, [-1, -1, 1, 1], natural(4)).validation]).toEqual([0]);
  });

  test("rounds half a sample up", () => {
    expect(splitSamples(10, 0.25, undefined, natural(10)).validation.length).toBe(3);
    expect(splitSamples(10, 0.24, undefined, natural(10)).validation.length).toBe(2);
  });

  test("a fraction of 0 holds out nothing, a tiny one a sample", () => {
    expect(splitSamples(3, 0, [0, 1, 2], natural(3))).toEqual({ training: natural(3), validation: new Uint32Array(0) });
    expect(splitSamples(3, 1e-9, [0, 1, 2], natural(3)).validation.length).toBe(1);
  });

  test("never leaves training empty", () => {
    expect(() => splitSamples(1, 0.1, undefined, natural(1))).toThrow(RangeError);
    expect(() => splitSamples(10, 0.96, undefined, natural(10))).toThrow(/split: expected a sample for training at least, got 10 of 10 held out/);
    expect(splitSamples(10, 0.9, undefined, natural(10)).training.length).toBe(1);
  });

  test("is fast with 200,000 samples, each its own class", () => {
    const count = 200_000;
    const started = performance.now();
    expect(splitSamples(count, 0.1, natural(count), natural(count)).validation.length).toBe(20_000);
    expect(performance.now() - started).toBeLessThan(2000);       // 0.2 s here; a quadratic search would take minutes
  });
});

describe("stratifiedFolds", () => {
  const foldCount = fc.integer({ min: 2, max: 10 });

  test("deals every sample once, into folds whose sizes differ by at most one", () => {
    fc.assert(fc.property(samples, foldCount, fc.boolean(), ({ count, permutation, classes }, wanted, stratified) => {
      const folds = Math.min(wanted, count);
      const parts = stratifiedFolds(count, folds, stratified ? classes : undefined, permutation);
      expect(parts.length).toBe(folds);
      expectPartition(parts, count);
      const lengths = parts.map((part) => part.length);
      expect(Math.max(...lengths) - Math.min(...lengths)).toBeLessThanOrEqual(1);
    }));
  });

  test("gives every fold its share of every class, within 1", () => {
    fc.assert(fc.property(samples, foldCount, ({ count, permutation, classes }, wanted) => {
      const folds = Math.min(wanted, count);
      const parts = stratifiedFolds(count, folds, classes, permutation);
      for (const [value, n] of sizes(classes, natural(count))) {
        for (const part of parts) {
          const got = sizes(classes, part).get(value) ?? 0;
          expect(got === Math.floor(n / folds) || got === Math.ceil(n / folds)).toBe(true);
        }
      }
    }));
  });

  test("follows the permutation", () => {
    const permutation = Uint32Array.of(5, 2, 0, 4, 1, 3);
    expect(stratifiedFolds(6, 2, undefined, permutation).map((part) => [...part])).toEqual([[0, 1, 5], [2, 3, 4]]);
    expect(stratifiedFolds(6, 3, [0, 1, 0, 1, 1, 0], permutation).map((part) => [...part])).toEqual([[4, 5], [1, 2], [0, 3]]);
    expect(stratifiedFolds(3, 2, [1, 0, 0], natural(3)).map((part) => [...part])).toEqual([[0, 1], [2]]);
  });

  test.each([[5, 1], [5, 6], [5, 2.5], [1, 2]])("refuses %i samples in %d folds", (count, folds) => {
    expect(() => stratifiedFolds(count, folds, undefined, natural(count))).toThrow(RangeError);
  });
});

describe("both refuse", () => {
  const calls = [
    (count: number, classes: ArrayLike<number> | undefined, permutation: Uint32Array) => splitSamples(count, 0.5, classes, permutation),
    (count: number, classes: ArrayLike<number> | undefined, permutation: Uint32Array) => stratifiedFolds(count, 2, classes, permutation),
  ];
  test.each(calls)("arguments that do not fit", (call) => {
    expect(() => call(4, undefined, natural(3))).toThrow(/permutation: expected 4 indices, got 3/);
    expect(() => call(4, undefined, Uint32Array.of(0, 1, 1, 3))).toThrow(/permutation/);
    expect(() => call(4, undefined, Uint32Array.of(0, 1, 2, 4))).toThrow(/permutation/);
    expect(() => call(4, [0, 1, 0], natural(4))).toThrow(/classes: expected 4 numbers, got 3/);
    expect(() => call(4, [0, 1, NaN, 0], natural(4))).toThrow(/classes\[2\]/);
    expect(() => call(0, undefined, natural(0))).toThrow(RangeError);
  });

  test.each([-0.1, 1, NaN, Infinity])("a fraction of %d", (fraction) => {
    expect(() => splitSamples(10, fraction, undefined, natural(10))).toThrow(RangeError);
  });
});
