// The measures against scikit-learn's values (golden-metrics/generate.py), against plain definitions, and at the edges where a quotient is 0/0.

import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { confusionMatrix, evaluateMetrics, rocCurve } from "../src/train/metrics.js";
import type { OutputKind } from "../src/train/metrics.js";
import type { Metric } from "../src/describe/metrics.js";

interface Case extends OutputKind {
  name: string; samples: number; outputCount: number;
  outputs: number[]; targets: number[]; expected: Record<string, number>;
  confusion?: number[][]; actual?: number[]; predicted?: number[];
}
interface Curve {
  name: string; scores: number[]; labels: number[]; falsePositiveRates: number[]; truePositiveRates: number[]; thresholdsAfterFirst: number[];
}
const golden: { cases: Case[]; curves: Curve[] } = JSON.parse(readFileSync(new URL("./golden-metrics/metrics.json", import.meta.url), "utf8"));

const SCORES: Metric[] = ["accuracy", "precision", "recall", "f1", "auc"];
const ERRORS: Metric[] = ["meanAbsoluteError", "meanSquaredError", "rootMeanSquaredError", "r2"];
const SIGMOID: OutputKind = { loss: "binaryCrossEntropy", activation: "sigmoid" };
const SOFTMAX: OutputKind = { loss: "crossEntropy", activation: "softmax" };
const LINEAR: OutputKind = { loss: "meanSquaredError", activation: "linear" };
const HINGE: OutputKind = { loss: "hinge", activation: "linear" };

const f32 = (values: readonly number[]) => new Float32Array(values);

/** Two sums of at most 120 terms in another order, then a quotient: 120 terms × 2^-53 × 2, relative. */
const TOLERANCE = 120 * 2 ** -52;

function expectClose(got: number, expected: number): void {
  expect(Math.abs(got - expected)).toBeLessThanOrEqual(TOLERANCE * Math.max(1, Math.abs(expected)));
}

describe("the measures are scikit-learn's", () => {
  test("the fixture holds 8 cases and 2 curves", () => {
    expect(golden.cases.length).toBe(8);
    expect(golden.curves.length).toBe(2);
  });

  test.each(golden.cases)("$name", ({ outputs, targets, samples, outputCount, loss, activation, expected }) => {
    const names = Object.keys(expected) as Metric[];
    expect(names.length).toBeGreaterThanOrEqual(4);
    const got = evaluateMetrics(names, f32(outputs), f32(targets), samples, outputCount, { loss, activation });
    expect(Object.keys(got)).toEqual(names);
    for (const name of names) expectClose(got[name], expected[name]);
  });

  test.each(golden.cases.filter((c) => c.confusion !== undefined))("confusion matrix of $name", ({ predicted, actual, confusion, outputCount }) => {
    expect(confusionMatrix(predicted!, actual!, outputCount)).toEqual(confusion);
  });

  test.each(golden.curves)("ROC curve with $name", ({ scores, labels, falsePositiveRates, truePositiveRates, thresholdsAfterFirst }) => {
    const got = rocCurve(scores, labels);
    expect(got.thresholds).toEqual([Infinity, ...thresholdsAfterFirst]);
    expect(got.falsePositiveRates).toEqual(falsePositiveRates);
    expect(got.truePositiveRates).toEqual(truePositiveRates);
  });
});

describe("classes", () => {
  test("one sigmoid output is class 1 above 0.5 and not at it", () => {
    const got = evaluateMetrics(SCORES, f32([0.5, 0.51, 0.49, 0.9]), f32([0, 1, 1, 1]), 4, 1, SIGMOID);
    expect(got).toEqual({ accuracy: 0.75, precision: 1, recall: 2 / 3, f1: 0.8, auc: 2 / 3 });
  });

  test.each(["sigmoid", "hardSigmoid"] as const)("the threshold after %s is 0.5 with any loss", (activation) => {
    expect(evaluateMetrics(["accuracy"], f32([0.4, 0.6]), f32([0, 1]), 2, 1, { loss: "meanSquaredError", activation })).toEqual({ accuracy: 1 });
  });

  test("the activation alone, not the loss, decides whether one output is taken at 1/2 or at 0, as in classify", () => {
    const [outputs, targets] = [f32([0.4, 0.6]), f32([0, 1])];
    expect(evaluateMetrics(["accuracy"], outputs, targets, 2, 1, { loss: "binaryCrossEntropy", activation: "linear" })).toEqual({ accuracy: 0.5 });
    expect(evaluateMetrics(["accuracy"], outputs, targets, 2, 1, { loss: "meanSquaredError", activation: "hardSigmoid" })).toEqual({ accuracy: 1 });
  });

  test("one output without sigmoid is class 1 above 0 and not at it", () => {
    expect(evaluateMetrics(["accuracy"], f32([0, 0.1, -0.1, 0.4]), f32([0, 1, 0, 1]), 4, 1, LINEAR)).toEqual({ accuracy: 1 });
  });

  test("hinge's targets are -1 and 1", () => {
    expect(evaluateMetrics(["accuracy", "recall"], f32([-2, 0.1, -0.1, 3]), f32([-1, 1, 1, -1]), 4, 1, HINGE)).toEqual({ accuracy: 0.5, recall: 0.5 });
  });

  test("of equal outputs and equal soft targets the first is the class", () => {
    const outputs = f32([0.4, 0.4, 0.2, 0.2, 0.4, 0.4]);
    expect(evaluateMetrics(["accuracy"], outputs, f32([1, 0, 0, 0, 1, 0]), 2, 3, SOFTMAX)).toEqual({ accuracy: 1 });
    expect(evaluateMetrics(["accuracy"], outputs, f32([0.5, 0.5, 0, 0, 0.5, 0.5]), 2, 3, SOFTMAX)).toEqual({ accuracy: 1 });
  });

  test("several sigmoid outputs are right or wrong entry by entry", () => {
    expect(evaluateMetrics(["accuracy"], f32([0.9, 0.9, 0.1, 0.2]), f32([1, 0, 0, 0]), 2, 2, SIGMOID)).toEqual({ accuracy: 0.75 });
  });

  test("all wrong is 0 throughout", () => {
    const got = evaluateMetrics(SCORES, f32([0, 1, 1, 0, 0, 1]), f32([1, 0, 0, 1, 1, 0]), 3, 2, SOFTMAX);
    expect(got).toEqual({ accuracy: 0, precision: 0, recall: 0, f1: 0, auc: 0 });
  });

  test("with one class alone the others count 0, and no auc has a rest to compare with", () => {
    const got = evaluateMetrics(SCORES, f32([1, 0, 1, 0]), f32([1, 0, 1, 0]), 2, 2, SOFTMAX);
    expect(got).toEqual({ accuracy: 1, precision: 0.5, recall: 0.5, f1: 0.5, auc: 0 });
  });

  test("without samples every measure is 0", () => {
    const names = [...SCORES, ...ERRORS];
    for (const [outputCount, kind] of [[1, SIGMOID], [3, SOFTMAX], [2, LINEAR]] as const) {
      const got = evaluateMetrics(names, f32([]), f32([]), 0, outputCount, kind);
      expect(got).toEqual(Object.fromEntries(names.map((name) => [name, 0])));
    }
  });

  test("auc is the chance that a positive scores higher, ties counted half, on any scores", () => {
    const scores = fc.array(fc.record({ score: fc.integer({ min: -4, max: 4 }), label: fc.integer({ min: 0, max: 1 }) }), { minLength: 1, maxLength: 40 });
    fc.assert(fc.property(scores, (samples) => {
      let wins = 0;
      let pairs = 0;
      for (const p of samples.filter((s) => s.label === 1)) {
        for (const n of samples.filter((s) => s.label === 0)) {
          pairs++;
          wins += p.score > n.score ? 1 : p.score === n.score ? 0.5 : 0;
        }
      }
      const got = evaluateMetrics(["auc"], f32(samples.map((s) => s.score)), f32(samples.map((s) => s.label)), samples.length, 1, SIGMOID);
      expect(got.auc).toBe(pairs === 0 ? 0 : wins / pairs);
    }));
  });

  test("auc of -0 and 0 is that of equals, of a NaN score NaN", () => {
    expect(evaluateMetrics(["auc"], f32([-0, 0]), f32([0, 1]), 2, 1, SIGMOID)).toEqual({ auc: 0.5 });
    expect(evaluateMetrics(["auc"], f32([NaN, 0]), f32([0, 1]), 2, 1, SIGMOID)).toEqual({ auc: NaN });
  });

  test("auc of 200,000 samples with equal scores is linear but for the sort", () => {
    const labels = Float32Array.from({ length: 200_000 }, (_, i) => i % 2);
    expect(evaluateMetrics(["auc"], new Float32Array(200_000), labels, 200_000, 1, SIGMOID)).toEqual({ auc: 0.5 });
  });
});

describe("errors of a regression", () => {
  test("are means over all entries", () => {
    const got = evaluateMetrics(ERRORS, f32([1, 2, 3, 4]), f32([2, 2, 1, 8]), 2, 2, LINEAR);
    expect(got).toEqual({ meanAbsoluteError: 7 / 4, meanSquaredError: 21 / 4, rootMeanSquaredError: Math.sqrt(21 / 4), r2: (1 - 5 / 0.5 + (1 - 16 / 18)) / 2 });
  });

  test("r2 is 1 for perfect outputs, 0 for the mean, and below 0 for worse", () => {
    expect(evaluateMetrics(["r2"], f32([1, 2, 3]), f32([1, 2, 3]), 3, 1, LINEAR)).toEqual({ r2: 1 });
    expect(evaluateMetrics(["r2"], f32([2, 2, 2]), f32([1, 2, 3]), 3, 1, LINEAR)).toEqual({ r2: 0 });
    expect(evaluateMetrics(["r2"], f32([3, 2, 1]), f32([1, 2, 3]), 3, 1, LINEAR)).toEqual({ r2: -3 });
  });

  test("r2 of targets that are all equal is 0, met or missed, also where their mean would round", () => {
    const targets = new Float32Array(1000).fill(0.1);
    expect(evaluateMetrics(["r2"], targets, targets, 1000, 1, LINEAR)).toEqual({ r2: 0 });
    expect(evaluateMetrics(["r2"], new Float32Array(1000), targets, 1000, 1, LINEAR)).toEqual({ r2: 0 });
  });

  test("sums are f64: a million errors of 1e-4 do not drift", () => {
    const got = evaluateMetrics(["meanAbsoluteError"], new Float32Array(1_000_000), new Float32Array(1_000_000).fill(1e-4), 1_000_000, 1, LINEAR);
    expect(Math.abs(got.meanAbsoluteError / Math.fround(1e-4) - 1)).toBeLessThan(1e-10);       // a million roundings of 2^-53
  });
});

describe("refusals", () => {
  test("evaluateMetrics names an unknown metric and lengths that do not fit", () => {
    expect(() => evaluateMetrics(["acuracy" as Metric], f32([1]), f32([1]), 1, 1, LINEAR)).toThrow(/metrics.*'acuracy'/);
    expect(() => evaluateMetrics(["accuracy"], f32([1]), f32([1, 2]), 2, 1, LINEAR)).toThrow(new RangeError("metrics: outputs: expected 2 × 1 numbers, got 1"));
    expect(() => evaluateMetrics(["accuracy"], f32([1, 2]), f32([1]), 2, 1, LINEAR)).toThrow(new RangeError("metrics: targets: expected 2 × 1 numbers, got 1"));
  });

  test.each<[string, unknown[], typeof Error, RegExp]>([
    ["a count of 0", [[], [], 0], RangeError, /count: expected an integer from 1 to 10000, got 0/],
    ["a count of 1e6", [[], [], 1e6], RangeError, /count/],
    ["no count", [[], []], TypeError, /count/],
    ["another length", [[0, 1], [0], 2], RangeError, /predictedClasses: expected 1 class indices, as many as classes, got 2/],
    ["a class beyond", [[0, 1], [0, 2], 2], RangeError, /classes\[1\]: expected an integer from 0 to 1, got 2/],
    ["a negative class", [[0, -1], [0, 1], 2], RangeError, /predictedClasses\[1\]/],
    ["half a class", [[0.5], [0], 2], RangeError, /predictedClasses\[0\]/],
    ["a string in the array", [["0"], [0], 2], TypeError, /predictedClasses\[0\]: expected a number, got '0'/],
    ["a hole in the array", [[0], new Array(1), 2], TypeError, /classes\[0\]/],
    ["BigInts", [[0], new BigInt64Array(1), 2], TypeError, /classes: expected an array of numbers/],
    ["a string", ["0", [0], 2], TypeError, /predictedClasses/],
    ["null", [null, [0], 2], TypeError, /predictedClasses/],
  ])("confusionMatrix of %s", (_, args, kind, message) => {
    const call = () => confusionMatrix(...(args as Parameters<typeof confusionMatrix>));
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });

  test.each<[string, unknown[], typeof Error, RegExp]>([
    ["nothing", [[], []], RangeError, /scores: expected one score at least, got none/],
    ["another length", [[1, 2], [1]], RangeError, /labels: expected 2 labels, as many as scores, got 1/],
    ["a NaN", [[1, NaN], [0, 1]], RangeError, /scores\[1\]: expected a finite number, got NaN/],
    ["an infinity", [[-Infinity], [0]], RangeError, /scores\[0\]/],
    ["a label of 2", [[1], [2]], RangeError, /labels\[0\]: expected 0 or 1, got 2/],
    ["booleans", [[1], [true]], TypeError, /labels\[0\]/],
    ["an object", [{}, [1]], TypeError, /scores/],
  ])("rocCurve of %s", (_, args, kind, message) => {
    const call = () => rocCurve(...(args as Parameters<typeof rocCurve>));
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });
});

describe("rocCurve", () => {
  test("is that of its docstring", () => {
    expect(rocCurve([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1])).toEqual({
      falsePositiveRates: [0, 0, 0.5, 0.5, 1], truePositiveRates: [0, 0.5, 0.5, 1, 1], thresholds: [Infinity, 0.8, 0.4, 0.35, 0.1],
    });
  });

  test("passes equal scores together, -0 and 0 among them", () => {
    expect(rocCurve([-0, 0, 0], [0, 1, 0])).toEqual({ falsePositiveRates: [0, 1], truePositiveRates: [0, 1], thresholds: [Infinity, 0] });
  });

  test("has rate 0 for a label without samples", () => {
    expect(rocCurve([1, 2], [1, 1])).toEqual({ falsePositiveRates: [0, 0, 0], truePositiveRates: [0, 0.5, 1], thresholds: [Infinity, 2, 1] });
    expect(rocCurve([1, 2], [0, 0])).toEqual({ falsePositiveRates: [0, 0.5, 1], truePositiveRates: [0, 0, 0], thresholds: [Infinity, 2, 1] });
  });

  test("leaves its arguments as they are and takes typed arrays", () => {
    const scores = new Float32Array([3, 1, 2]);
    rocCurve(scores, new Uint8Array([1, 0, 0]));
    expect([...scores]).toEqual([3, 1, 2]);
  });
});

test("confusionMatrix has rows of true and columns of predicted classes", () => {
  expect(confusionMatrix([0, 1, 1], [0, 1, 0], 2)).toEqual([[1, 1], [0, 1]]);
  expect(confusionMatrix(new Uint32Array([2]), [0], 3)).toEqual([[0, 0, 1], [0, 0, 0], [0, 0, 0]]);
  expect(confusionMatrix([], [], 2)).toEqual([[0, 0], [0, 0]]);
});
