// What data is taken, what is refused and with which words, and that a reader gives the numbers that were checked, or says so.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checkSamples, checkWeights } from "../src/samples.js";
import { checkTargetValues, checkTargets } from "../src/targets.js";
import type { SampleReader } from "../src/samples.js";
import { resolveLoss } from "../src/describe/losses.js";

/** The error that a call throws; fails if it throws none. */
function errorOf(call: () => unknown): Error {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(Error);
    return error as Error;
  }
  throw new Error("expected an error, none was thrown");
}

function expectError(call: () => unknown, kind: new (message: string) => Error, message: string): void {
  const error = errorOf(call);
  expect(error.message).toBe(message);
  expect(error.constructor).toBe(kind);
}

function readAll(reader: SampleReader): number[] {
  const target = new Float32Array(reader.count * reader.width);
  reader.read(0, reader.count, target, 0);
  return Array.from(target);
}

const typedArrays = [
  Float32Array, Float64Array, Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array,
];

describe("samples", () => {
  test("are rows, typed rows, a flat array or a flat typed array, and read as the same numbers", () => {
    const flat = [1, 2, 3, 4, 5, 6];
    const forms: unknown[] = [[[1, 2], [3, 4], [5, 6]], flat, [new Float64Array([1, 2]), [3, 4], new Uint8Array([5, 6])]];
    for (const Typed of typedArrays) {
      forms.push(Typed.from(flat), [Typed.of(1, 2), Typed.of(3, 4), Typed.of(5, 6)]);
    }
    forms.push(new Float32Array(new SharedArrayBuffer(24)).map((_, i) => i + 1), Object.freeze(flat.slice()));
    expect(forms.length).toBe(23);
    for (const data of forms) {
      const reader = checkSamples("inputs", data, 2);
      expect([reader.count, reader.width]).toEqual([3, 2]);
      expect(readAll(reader)).toEqual(flat);
      const target = new Float32Array(6).fill(9);
      reader.readRow(1, target, 3);
      expect(Array.from(target)).toEqual([9, 9, 9, 3, 4, 9]);
      reader.read(2, 3, target, 0);
      expect(Array.from(target)).toEqual([5, 6, 9, 3, 4, 9]);
    }
  });

  test("may be one sample, flat", () => {
    const reader = checkSamples("inputs", [5.5, 3.5, 1.25, 0.25], 4);
    expect(reader.count).toBe(1);
    expect(readAll(reader)).toEqual([5.5, 3.5, 1.25, 0.25]);
  });

  test("name the place as the data has it", () => {
    expect(checkSamples("inputs", [[1, 2], [3, 4]], 2).place(1, 0)).toBe("inputs[1][0]");
    expect(checkSamples("inputs", [1, 2, 3, 4], 2).place(1, 0)).toBe("inputs[2]");
  });

  const huge = "3.4028235677973366e+38";
  const holed = [[1, 2], , [3, 4]];
  const refused: [data: unknown, kind: new (message: string) => Error, message: string][] = [
    [undefined, TypeError, "inputs: expected an array of rows or a flat array of numbers, got undefined"],
    [null, TypeError, "inputs: expected an array of rows or a flat array of numbers, got null"],
    [5, TypeError, "inputs: expected an array of rows or a flat array of numbers, got 5"],
    ["1,2", TypeError, "inputs: expected an array of rows or a flat array of numbers, got '1,2'"],
    [{ length: 2, 0: 1, 1: 2 }, TypeError, "inputs: expected an array of rows or a flat array of numbers, got an object"],
    [new Set([1, 2]), TypeError, "inputs: expected an array of rows or a flat array of numbers, got a Set"],
    [new ArrayBuffer(8), TypeError,
      "inputs: expected an array of rows or a flat array of numbers, got an ArrayBuffer. Make a typed array of it, such as new Float32Array(buffer)"],
    [new DataView(new ArrayBuffer(8)), TypeError,
      "inputs: expected an array of rows or a flat array of numbers, got a DataView. Make a typed array of it, such as new Float32Array(buffer)"],
    [new BigInt64Array(2), TypeError,
      "inputs: expected an array of rows or a flat array of numbers, got a BigInt64Array of 2. Convert each BigInt by Number()"],
    [[], RangeError, "inputs: expected at least one sample of 2 numbers, got 0 samples"],
    [new Float32Array(0), RangeError, "inputs: expected at least one sample of 2 numbers, got 0 samples"],
    [[[]], RangeError, "inputs[0]: expected 2 numbers, got 0"],
    [[1, 2, 3], RangeError, "inputs: expected a multiple of 2 numbers, got 3"],
    [new Float32Array(3), RangeError, "inputs: expected a multiple of 2 numbers, got 3"],
    [[[1, 2], [3]], RangeError, "inputs[1]: expected 2 numbers, got 1"],
    [[[1, 2, 3], [4, 5, 6]], RangeError, "inputs[0]: expected 2 numbers, got 3"],
    [[[1, 2], 3], TypeError, "inputs[1]: expected a row of 2 numbers, got 3"],
    [[1, [2]], TypeError, "inputs[1]: expected a finite number, got an array of 1"],
    [holed, TypeError, "inputs[1]: expected a row of 2 numbers, got undefined"],
    [new Array(4), TypeError, "inputs[0]: expected a number or a row of numbers, got undefined"],
    [[1, , 3, 4], TypeError, "inputs[1]: expected a finite number, got undefined"],
    [[[1, 2], [, 3]], TypeError, "inputs[1][0]: expected a finite number, got undefined"],
    [[true, false], TypeError, "inputs[0]: expected a number or a row of numbers, got true"],
    [[1, false], TypeError, "inputs[1]: expected a finite number, got false"],
    [["1", "2"], TypeError, "inputs[0]: expected a number or a row of numbers, got '1'"],
    [[[1, "2"]], TypeError, "inputs[0][1]: expected a finite number, got '2'"],
    [[1, 2n], TypeError, "inputs[1]: expected a finite number, got 2n"],
    [[[1, null]], TypeError, "inputs[0][1]: expected a finite number, got null"],
    [[[1, new Number(2)]], TypeError, "inputs[0][1]: expected a finite number, got an object"],
    [[[[1, 2]]], RangeError, "inputs[0]: expected 2 numbers, got 1"],
    [[new BigInt64Array(2)], TypeError, "inputs[0]: expected a row of 2 numbers, got a BigInt64Array of 2"],
    [[new DataView(new ArrayBuffer(8))], TypeError, "inputs[0]: expected a number or a row of numbers, got a DataView"],
    [[1, NaN], RangeError, "inputs[1]: expected a finite number, got NaN"],
    [[[1, 2], [Infinity, 3]], RangeError, "inputs[1][0]: expected a finite number, got Infinity"],
    [new Float32Array([1, 2, 3, 4, 5, -Infinity]), RangeError, "inputs[5]: expected a finite number, got -Infinity"],
    [new Float64Array([1, NaN]), RangeError, "inputs[1]: expected a finite number, got NaN"],
    [[1, 1e39], RangeError, "inputs[1]: expected a number that is finite in f32, got 1e+39"],
    [[1, -(2 ** 128 - 2 ** 103)], RangeError, `inputs[1]: expected a number that is finite in f32, got -${huge}`],
    [new Float64Array([1, -1e300]), RangeError, "inputs[1]: expected a number that is finite in f32, got -1e+300"],
    [[new Float64Array([1, 1e39])], RangeError, "inputs[0][1]: expected a number that is finite in f32, got 1e+39"],
  ];

  test.each(refused.map(([data, kind, message]) => ({ data, kind, message })))("$message", ({ data, kind, message }) => {
    expectError(() => checkSamples("inputs", data, 2), kind, message);
  });

  test("a revoked proxy is refused by us, not by the engine", () => {
    const { proxy, revoke } = Proxy.revocable([1, 2], {});
    revoke();
    expectError(() => checkSamples("inputs", proxy, 2), TypeError, "inputs: expected an array of rows or a flat array of numbers, got an object");
  });

  test("the largest number whose f32 rounding is finite is taken, its neighbour is not", () => {
    const overflow = 2 ** 128 - 2 ** 103;
    const below = overflow - 2 ** 75;
    expect(Math.fround(below)).toBeLessThan(Infinity);
    expect(Math.fround(overflow)).toBe(Infinity);
    expect(readAll(checkSamples("inputs", [below, -below], 1))).toEqual([Math.fround(below), -Math.fround(below)]);
    expect(errorOf(() => checkSamples("inputs", [overflow], 1))).toBeInstanceOf(RangeError);
  });

  test("the first bad number is found wherever it stands, in every kind of array", () => {
    for (let length = 1; length <= 13; length++) {
      for (let bad = 0; bad < length; bad++) {
        for (const value of [NaN, Infinity, -Infinity]) {
          const numbers = Array.from({ length }, (_, i) => (i >= bad ? value : i % 2 === 0 ? 3.4e38 : -3.4e38));
          for (const data of [numbers, Float32Array.from(numbers), Float64Array.from(numbers)]) {
            expect(errorOf(() => checkSamples("inputs", data, 1)).message).toBe(`inputs[${bad}]: expected a finite number, got ${value}`);
          }
        }
      }
    }
  });

  const someNumbers = fc.array(fc.double({ min: -3.4e38, max: 3.4e38, noNaN: true }), { minLength: 1, maxLength: 60 });

  test("flat and nested forms of the same numbers read the same, as f32", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), someNumbers, (width, numbers) => {
        const count = Math.max(1, Math.floor(numbers.length / width));
        const flat = Array.from({ length: count * width }, (_, i) => numbers[i % numbers.length]);
        const rows = Array.from({ length: count }, (_, i) => flat.slice(i * width, i * width + width));
        const expected = flat.map(Math.fround);
        for (const data of [flat, rows, Float64Array.from(flat), Float32Array.from(flat), rows.map((row) => Float64Array.from(row))]) {
          expect(readAll(checkSamples("inputs", data, width))).toEqual(expected);
        }
      }),
    );
  });

  test("a change since the check that makes the data invalid is a TypeError that names the place", () => {
    const changed = "The data has changed since it was checked";
    const target = new Float32Array(4);
    const rows: unknown[][] = [[1, 2], [3, 4]];
    const rowReader = checkSamples("inputs", rows, 2);
    rows[1][1] = "4";
    expectError(() => rowReader.read(0, 2, target, 0), TypeError, `inputs[1][1]: expected a finite number, got '4'. ${changed}`);
    rows[1].pop();
    expectError(() => rowReader.readRow(1, target, 0), TypeError, `inputs[1]: expected 2 numbers, got 1. ${changed}`);
    rows.pop();
    expectError(() => rowReader.readRow(1, target, 0), TypeError, "inputs[1]: expected a row of 2 numbers, got undefined");
    rowReader.readRow(0, target, 0);

    for (const data of [[1, 2, 3, 4], new Float32Array(4), new Float64Array(4)]) {
      const reader = checkSamples("inputs", data, 2);
      data[3] = NaN;
      expectError(() => reader.read(0, 2, target, 0), TypeError, `inputs[3]: expected a finite number, got NaN. ${changed}`);
    }
    for (const data of [new Float32Array(4), new Uint8Array(4)]) {
      const reader = checkSamples("inputs", data, 2);
      structuredClone(data.buffer, { transfer: [data.buffer] });
      expectError(() => reader.readRow(1, target, 0), TypeError, `inputs[2]: expected a finite number, got undefined. ${changed}`);
    }
  });
});

describe("targets", () => {
  const both = { classIndices: true };
  const rowsOnly = { classIndices: false };

  test("rows and class indices are told apart by the length", () => {
    const indices = checkTargets("targets", [0, 2, 1], 3, 3, both);
    expect([indices.kind, indices.count, indices.width]).toEqual(["classes", 3, 1]);
    expect(readAll(indices)).toEqual([0, 2, 1]);
    expect([0, 1, 2].map((i) => indices.classAt(i))).toEqual([0, 2, 1]);
    expect(indices.place(2, 0)).toBe("targets[2]");

    for (const data of [[1, 0, 0, 0, 0, 1], [[1, 0, 0], [0, 0, 1]], new Float32Array([1, 0, 0, 0, 0, 1])]) {
      const rows = checkTargets("targets", data, 2, 3, both);
      expect([rows.kind, rows.count, rows.width]).toEqual(["rows", 2, 3]);
      expect(readAll(rows)).toEqual([1, 0, 0, 0, 0, 1]);
      expect([rows.classAt(0), rows.classAt(1)]).toEqual([0, 2]);
    }
  });

  test("class indices may come in any array of integer-valued numbers", () => {
    let ran = 0;
    for (const Typed of typedArrays) {
      const reader = checkTargets("targets", Typed.of(0, 9, 3), 3, 10, both);
      expect(reader.kind).toBe("classes");
      expect(readAll(reader)).toEqual([0, 9, 3]);
      ran++;
    }
    expect(ran).toBe(9);
    expect(Object.is(checkTargets("targets", [-0, 1], 2, 2, both).classAt(0), 0)).toBe(true);
  });

  test("with one output there are rows only, flat or nested, whatever the loss", () => {
    for (const options of [both, rowsOnly]) {
      for (const data of [[0.5, 1, -1], [[0.5], [1], [-1]]]) {
        const reader = checkTargets("targets", data, 3, 1, options);
        expect([reader.kind, reader.width]).toEqual(["rows", 1]);
        expect(readAll(reader)).toEqual([0.5, 1, -1]);
        expect([0, 1, 2].map((i) => reader.classAt(i))).toEqual([0, 1, 0]);
      }
    }
  });

  test("the class of a row is the first of its largest values", () => {
    expect(checkTargets("targets", [[1, 3, 3]], 1, 3, rowsOnly).classAt(0)).toBe(1);
  });

  const column = Array.from({ length: 32 }, () => [0]);
  const refused: [data: unknown, samples: number, outputs: number, classIndices: boolean, kind: new (message: string) => Error, message: string][] = [
    [column, 32, 10, true, RangeError, "targets: expected 32 × 10 numbers or 32 class indices below 10, got 32 × 1"],
    [column, 32, 10, false, RangeError, "targets: expected 32 × 10 numbers, got 32 × 1"],
    [[0, 1], 3, 3, true, RangeError, "targets: expected 3 × 3 numbers or 3 class indices below 3, got 2"],
    [[0, 1, 2], 3, 3, false, RangeError, "targets: expected 3 × 3 numbers, got 3. Class indices need a softmax output and the loss crossEntropy"],
    [[], 3, 1, false, RangeError, "targets: expected 3 numbers, got 0"],
    [[], 1, 1, false, RangeError, "targets: expected 1 number, got 0"],
    [[[1], [2]], 3, 1, false, RangeError, "targets: expected 3 numbers, got 2 × 1"],
    [[[1, 2], [3]], 2, 2, false, RangeError, "targets[1]: expected 2 numbers, got 1"],
    [[[1, 2], 3], 2, 2, false, TypeError, "targets[1]: expected a row of 2 numbers, got 3"],
    [[[1, 2], [3, NaN]], 2, 2, false, RangeError, "targets[1][1]: expected a finite number, got NaN"],
    [[1, 2, 3, 1e39], 2, 2, false, RangeError, "targets[3]: expected a number that is finite in f32, got 1e+39"],
    [[0, 3, 1], 3, 3, true, RangeError, "targets[1]: expected a class index from 0 to 2, got 3"],
    [[0, -1, 1], 3, 3, true, RangeError, "targets[1]: expected a class index from 0 to 2, got -1"],
    [[0, 0.5, 1], 3, 3, true, RangeError, "targets[1]: expected a class index from 0 to 2, got 0.5"],
    [[0, NaN, 1], 3, 3, true, RangeError, "targets[1]: expected a class index from 0 to 2, got NaN"],
    [[0, "1", 1], 3, 3, true, TypeError, "targets[1]: expected a class index from 0 to 2, got '1'"],
    [["setosa", "virginica"], 2, 3, true, TypeError, "targets[0]: expected a number or a row of numbers, got 'setosa'"],
    [[true, false], 2, 1, false, TypeError, "targets[0]: expected a number or a row of numbers, got true"],
    [undefined, 2, 3, true, TypeError, "targets: expected 2 × 3 numbers or 2 class indices below 3, got undefined"],
    [new BigUint64Array(2), 2, 1, false, TypeError, "targets: expected 2 numbers, got a BigUint64Array of 2. Convert each BigInt by Number()"],
  ];
  test.each(refused.map((row) => [row[5], ...row] as const))("%s", (_, data, samples, outputs, classIndices, kind, message) => {
    expectError(() => checkTargets("targets", data, samples, outputs, { classIndices }), kind, message);
  });

  test.each([
    ["hinge", [[1], [0]], "targets[1][0]: expected -1 or 1 (the loss is hinge), got 0"],
    ["hinge", [1, 0.5], "targets[1]: expected -1 or 1 (the loss is hinge), got 0.5"],
    ["binaryCrossEntropy", [0, 1.5], "targets[1]: expected a number from 0 to 1 (the loss is binaryCrossEntropy), got 1.5"],
    ["binaryCrossEntropy", [-1, 1], "targets[0]: expected a number from 0 to 1 (the loss is binaryCrossEntropy), got -1"],
    ["crossEntropy", [0, -1], "targets[1]: expected a number from 0 up (the loss is crossEntropy), got -1"],
    ["klDivergence", [0, -1], "targets[1]: expected a number from 0 up (the loss is klDivergence), got -1"],
    ["poisson", [0, -1], "targets[1]: expected a number from 0 up (the loss is poisson), got -1"],
  ])("a target for which %s is not defined: %j", (name, data, message) => {
    const targets = checkTargets("targets", data, 2, 1, rowsOnly);
    expectError(() => checkTargetValues("targets", targets, resolveLoss(name, "loss")), RangeError, message);
  });

  test.each([
    ["hinge", [1, -1]],
    ["binaryCrossEntropy", [0, 1, 0.25]],
    ["crossEntropy", [0, 2]],
    ["poisson", [0, 7]],
    ["klDivergence", [0, 1]],
    ["meanSquaredError", [-5, 5]],
    ["huber", [-5, 5]],
  ])("targets within the domain of %s are taken: %j", (name, data) => {
    const targets = checkTargets("targets", data, data.length, 1, rowsOnly);
    checkTargetValues("targets", targets, resolveLoss(name, "loss"));
    expect(readAll(targets)).toEqual(data);
  });

  test("a change that takes a target out of the loss's domain is a TypeError", () => {
    const data = [1, -1];
    const targets = checkTargets("targets", data, 2, 1, rowsOnly);
    checkTargetValues("targets", targets, resolveLoss("hinge", "loss"));
    data[1] = 0;
    const message = "targets[1]: expected -1 or 1 (the loss is hinge), got 0. The data has changed since it was checked";
    expectError(() => readAll(targets), TypeError, message);
    expectError(() => targets.readRow(1, new Float32Array(1), 0), TypeError, message);

    const indices = [0, 1];
    const classes = checkTargets("targets", indices, 2, 2, both);
    indices[0] = 2;
    const expected = "targets[0]: expected a class index from 0 to 1, got 2. The data has changed since it was checked";
    expectError(() => readAll(classes), TypeError, expected);
    expectError(() => classes.classAt(0), TypeError, expected);
  });
});

describe("weights", () => {
  test("are flat arrays of finite numbers from 0 up, of the count asked", () => {
    const weights = [0, 1, 2.5];
    expect(checkWeights("sampleWeights", weights, 3)).toBe(weights);
    expect(checkWeights("sampleWeights", Float32Array.of(0, 1))).toEqual(Float32Array.of(0, 1));
  });

  test.each<[unknown, number | undefined, new (message: string) => Error, string]>([
    [[1, 2], 3, RangeError, "sampleWeights: expected 3 weights, got 2"],
    [[], 1, RangeError, "sampleWeights: expected 1 weight, got 0"],
    [[1, -1], undefined, RangeError, "sampleWeights[1]: expected a finite number from 0 up, got -1"],
    [[1, NaN], undefined, RangeError, "sampleWeights[1]: expected a finite number, got NaN"],
    [[1, 1e39], undefined, RangeError, "sampleWeights[1]: expected a number that is finite in f32, got 1e+39"],
    [[1, "2"], undefined, TypeError, "sampleWeights[1]: expected a finite number, got '2'"],
    [[[1]], undefined, TypeError, "sampleWeights[0]: expected a finite number, got an array of 1"],
    ["balanced", undefined, TypeError, "sampleWeights: expected an array of numbers, got 'balanced'"],
  ])("refused: %j of %s", (data, count, kind, message) => {
    expectError(() => checkWeights("sampleWeights", data, count), kind, message);
  });
});
