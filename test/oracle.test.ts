// The f64 oracle is right: its activations and gradients agree with central differences, and it repeats PyTorch's
// training trajectories (test/golden) to 1e-9. The other tests hold the library against this oracle.
//
// Central differences are five-point, f′(x) ≈ (f(x − 2h) − 8 f(x − h) + 8 f(x + h) − f(x + 2h)) / 12h, with an error of
// h⁴|f⁽⁵⁾|/30 + 1.5·ε|f|/h: about 1e-12 at h = 1e-3. No point of the stencil may cross a kink, so all keep a distance.

import { describe, expect, it } from "vitest";
import { elementwise, erfc, SELU_ALPHA, SELU_SCALE, softmax, type OracleActivation } from "./oracle/activations.js";
import {
  ACTIVATIONS, buildPair, HIDDEN_PAIR_COUNT, HIDDEN_PAIRS, LOSSES, OUTPUT_PAIR_COUNT, OUTPUT_PAIRS, titleOf, type PairCase,
} from "./oracle/cases.js";
import { CURVATURE_SWEEP, smoothness } from "./oracle/bounds.js";
import { GOLDEN_CASE_COUNT, goldenCases, oracleNetwork, oracleTargets, relativeDifference, stepBatches } from "./oracle/golden.js";
import { oneHot, sampleLoss, weightedSumGradient } from "./oracle/losses.js";
import { createNetwork, gradients, meanLoss, penalty, type OracleNetwork } from "./oracle/network.js";
import { clipGradients, createOptimizer, trainStep } from "./oracle/optimizers.js";

const STEP = 1e-3;
const GRADIENT_TOLERANCE = 1e-7;
/** Gradients below this share of the network's largest are compared with that share, for the difference quotient's noise. */
const GRADIENT_FLOOR = 1e-4;
const KINK_MARGIN = 0.02;

function centralDifference(f: (x: number) => number, x: number, h = STEP): number {
  return (f(x - 2 * h) - 8 * f(x - h) + 8 * f(x + h) - f(x + 2 * h)) / (12 * h);
}

/** The derivative of `f` by one entry of `values`. */
function partialDifference(f: () => number, values: Float64Array, k: number): number {
  const kept = values[k];
  const difference = centralDifference((x) => { values[k] = x; return f(); }, kept);
  values[k] = kept;
  return difference;
}

describe("activations of the oracle", () => {
  const elementwiseCases = ACTIVATIONS.filter(({ name }) => name !== "softmax").map((activation) => ({ title: titleOf(activation), activation }));

  it("covers 21 elementwise activations", () => {
    expect(elementwiseCases.length).toBe(21);
  });

  it.each(elementwiseCases)("derivative of $title agrees with central differences", ({ activation }) => {
    const { value, derivative, kinks } = elementwise(activation);
    let points = 0;
    for (let k = -800; k <= 800; k++) {
      const z = k / 80 + 1 / 512;
      if (kinks.some((kink) => Math.abs(z - kink) < 3 * STEP)) continue;
      const expected = centralDifference((x) => value(x, 0.25), z);
      const scale = Math.max(1, Math.abs(value(z, 0.25)));
      expect(Math.abs(derivative(z, 0.25) - expected), `z = ${z}`).toBeLessThanOrEqual(1e-10 * scale);
      points++;
    }
    expect(points).toBeGreaterThan(1580);
  });

  it.each<[OracleActivation, number, number]>([
    [{ name: "relu" }, 0, 0],
    [{ name: "leakyRelu" }, 0, 0.01],
    [{ name: "prelu" }, 0, 0.25],
    [{ name: "elu", alpha: 0.75 }, 0, 0.75],
    [{ name: "selu" }, 0, SELU_SCALE * SELU_ALPHA],
    [{ name: "softsign" }, 0, 1],
    [{ name: "relu6" }, 0, 0],
    [{ name: "relu6" }, 6, 0],
    [{ name: "hardSigmoid" }, -3, 0],
    [{ name: "hardSigmoid" }, 3, 0],
    [{ name: "hardTanh" }, -1, 0],
    [{ name: "hardTanh" }, 1, 0],
  ])("has PyTorch's derivative at the kink: %o at %d is %d", (activation, z, expected) => {
    expect(elementwise(activation).derivative(z, 0.25)).toBe(expected);
  });

  it.each<[OracleActivation, number, number]>([
    [{ name: "sigmoid" }, 0, 1], [{ name: "tanh" }, -1, 1], [{ name: "relu" }, 0, Infinity], [{ name: "elu", alpha: 0.75 }, -0.75, Infinity],
    [{ name: "gelu" }, 0, Infinity], [{ name: "gelu", approximate: "tanh" }, 0, Infinity], [{ name: "silu" }, 0, Infinity],
    [{ name: "mish" }, 0, Infinity], [{ name: "softplus" }, 0, Infinity], [{ name: "softsign" }, -1, 1], [{ name: "relu6" }, 0, 6],
    [{ name: "hardSigmoid" }, 0, 1], [{ name: "hardTanh" }, -1, 1], [{ name: "exponential" }, 0, Infinity],
  ])("has its limits at ±∞ and keeps NaN: %o, %d, %d", (activation, low, high) => {
    const { value } = elementwise(activation);
    expect(value(-Infinity, 0.25)).toBeCloseTo(low, 15);
    expect(value(Infinity, 0.25)).toBe(high);
    expect(value(NaN, 0.25)).toBeNaN();
  });

  it("computes erfc to f64 accuracy", () => {
    // Values of the C library's erfc.
    const table: [number, number][] = [
      [0, 1], [0.5, 0.4795001221869535], [1, 0.15729920705028513], [1.5, 0.033894853524689274], [2, 0.0046777349810472658],
      [3, 2.2090496998585441e-5], [5, 1.5374597944280349e-12], [-1, 1.8427007929497148],
    ];
    for (const [x, expected] of table) expect(Math.abs(erfc(x) / expected - 1), `x = ${x}`).toBeLessThan(1e-13);
  });

  it("softmax sums to 1 and survives weighted sums of any size", () => {
    const p = softmax(Float64Array.of(1e30, -1e30, 0));
    expect([...p]).toEqual([1, 0, 0]);
    expect(softmax(Float64Array.of(1, 2, 3, 4)).reduce((sum, x) => sum + x, 0)).toBeCloseTo(1, 15);
  });

  it.each(elementwiseCases)("the smoothness that error bounds rely on holds for $title", ({ activation }) => {
    const { derivative } = elementwise(activation);
    let worst = 0;
    for (let k = 1; k < CURVATURE_SWEEP.length; k++) {
      const [z0, z1] = [CURVATURE_SWEEP[k - 1], CURVATURE_SWEEP[k]];
      const change = Math.abs(derivative(z1, 0.25) - derivative(z0, 0.25));
      const excess = change - smoothness(activation, 0.25, z0, z1 - z0);
      worst = Math.max(worst, excess / Math.max(1, Math.abs(derivative(z1, 0.25))));
    }
    expect(worst).toBeLessThanOrEqual(1e-15);
  });
});

function largestGradientError(pair: PairCase): number {
  const { loss } = pair;
  const { network, inputs, targets } = buildPair(pair, [4, 5, 3], 3, KINK_MARGIN);
  const { layers } = gradients(network, inputs, targets, loss);
  const computed: number[] = [];
  const expected: number[] = [];
  network.layers.forEach((layer, l) => {
    for (const key of ["weights", "biases", "slopes"] as const) {
      layer[key]?.forEach((_, k) => {
        computed.push((layers[l][key] as Float64Array)[k]);
        expected.push(partialDifference(() => meanLoss(network, inputs, targets, loss), layer[key] as Float64Array, k));
      });
    }
  });
  expect(computed.length).toBeGreaterThanOrEqual(4 * 5 + 5 + 5 * 3 + 3);
  const largest = Math.max(...computed.map(Math.abs));
  expect(largest, "some gradient is not zero").toBeGreaterThan(1e-3);
  return Math.max(...computed.map((g, k) => Math.abs(g - expected[k]) / Math.max(Math.abs(g), GRADIENT_FLOOR * largest)));
}

describe("gradients of the oracle agree with central differences", () => {
  let ran = 0;
  const check = (pair: PairCase) => {
    const error = largestGradientError(pair);
    ran++;
    expect(error).toBeLessThanOrEqual(GRADIENT_TOLERANCE);
  };
  it.each(OUTPUT_PAIRS)("$title", check);
  it.each(HIDDEN_PAIRS)("$title", check);

  it("ran every pair that the contract allows", () => {
    expect(LOSSES.length).toBe(11);
    expect(OUTPUT_PAIRS.length).toBe(OUTPUT_PAIR_COUNT);
    expect(HIDDEN_PAIRS.length).toBe(HIDDEN_PAIR_COUNT);
    expect(ran).toBe(200 + 231);
  });

  const pairOf = (loss: PairCase["loss"], output: PairCase["output"]): PairCase => ({ title: "single", hidden: { name: "tanh" }, output, loss });

  it("with sample weights, which scale each sample's share", () => {
    const loss = { name: "crossEntropy" } as const;
    const { network, inputs, targets } = buildPair(pairOf(loss, { name: "softmax" }), [4, 5, 3], 4, 0);
    const weights = [0.5, 2, 0, 1.25];
    const { weights: dWeights } = gradients(network, inputs, targets, loss, weights).layers[0];
    const single = (s: number) => meanLoss(network, inputs.slice(4 * s, 4 * s + 4), targets.slice(3 * s, 3 * s + 3), loss);
    const mean = (0.5 * single(0) + 2 * single(1) + 1.25 * single(3)) / 3.75;
    expect(meanLoss(network, inputs, targets, loss, weights)).toBeCloseTo(mean, 14);
    network.layers[0].weights.forEach((_, k) => {
      const expected = partialDifference(() => meanLoss(network, inputs, targets, loss, weights), network.layers[0].weights, k);
      expect(dWeights[k]).toBeCloseTo(expected, 10);
    });
  });

  it("of the penalty, which counts weights and no biases or slopes", () => {
    const network = createNetwork(2, [{ units: 2, activation: { name: "prelu" }, l1: 0.25, l2: 0.5 }, { units: 1, activation: { name: "linear" } }]);
    network.layers[0].weights.set([1, -2, 0.5, 0.25]);
    network.layers[0].biases?.fill(7);
    network.layers[1].weights.fill(3);
    expect(penalty(network)).toBeCloseTo(0.25 * 3.75 + 0.5 * 5.3125, 14);
    // One step of rate 1 on a loss whose gradient is 0: the change is −(l1·sign w + 2·l2·w).
    network.layers[1].weights.fill(0);
    const state = createOptimizer({ name: "sgd", learningRate: 1 });
    trainStep(network, state, Float64Array.of(1, 1), Float64Array.of(0), { loss: { name: "meanSquaredError" } });
    expect([...network.layers[0].weights]).toEqual([1 - 1.25, -2 + 2.25, 0.5 - 0.75, 0.25 - 0.5]);
    expect([...(network.layers[0].biases as Float64Array)]).toEqual([7, 7]);
  });
});

describe("losses of the oracle", () => {
  it.each([["softmax", "crossEntropy"], ["softmax", "klDivergence"], ["softmax", "binaryCrossEntropy"], ["sigmoid", "binaryCrossEntropy"]] as const)(
    "%s with %s is exact at weighted sums of ±1000",
    (output, name) => {
      const z = Float64Array.of(1000, -1000, 0);
      const p = output === "softmax" ? softmax(z) : z.map((x) => elementwise({ name: output }).value(x, NaN));
      const t = oneHot([1], 3);
      // Wrong by 2000 nats at the target, and for the binary loss once more at the output that claims certainty.
      const expected = { crossEntropy: 2000, klDivergence: 2000, binaryCrossEntropy: output === "softmax" ? 3000 / 3 : (2000 + Math.LN2) / 3 }[name];
      expect(sampleLoss({ name }, output, z, p, t)).toBeCloseTo(expected, 10);
      const g = weightedSumGradient({ name }, output, z, t);
      for (const x of g) expect(Number.isFinite(x)).toBe(true);
      if (name !== "binaryCrossEntropy") expect([...g]).toEqual([1, -1, 0]);
    },
  );

  it("binaryCrossEntropy of an output that is no sigmoid clamps as torch.nn.BCELoss", () => {
    const outputs = Float64Array.of(0, 1);
    expect(sampleLoss({ name: "binaryCrossEntropy" }, "hardSigmoid", outputs, outputs, Float64Array.of(1, 0))).toBe(100);
  });

  it("a batch whose weights are all 0 counts 0 and makes no step", () => {
    const network = createNetwork(1, [{ units: 1, activation: { name: "linear" }, l2: 1 }]);
    network.layers[0].weights.fill(1);
    const state = createOptimizer({ name: "adam" });
    const before = trainStep(network, state, Float64Array.of(1), Float64Array.of(3), { loss: { name: "meanSquaredError" }, sampleWeights: [0] });
    expect(before).toBe(0);
    expect([state.step, network.layers[0].weights[0]]).toEqual([0, 1]);
  });

  it("clipping leaves small gradients alone and bounds large ones", () => {
    const g = Float64Array.of(3, -4);
    clipGradients([g], { norm: 10 });
    expect([...g]).toEqual([3, -4]);
    clipGradients([g], { norm: 1 });
    expect(Math.hypot(...g)).toBeCloseTo(1, 5);
    expect(g[0] / g[1]).toBeCloseTo(-0.75, 14);
    clipGradients([g], { value: 0.7 });
    expect([g[0] < 0.7, g[1]]).toEqual([true, -0.7]);
  });
});

describe("the oracle repeats PyTorch's trajectories", () => {
  const cases = goldenCases();
  let ran = 0;

  it.each(cases)("$name", (golden) => {
    const network: OracleNetwork = oracleNetwork(golden);
    const targets = oracleTargets(golden);
    const state = createOptimizer(golden.optimizer);
    const n = network.outputs;
    const losses = stepBatches(golden).map(([from, to]) => trainStep(
      network, state, Float64Array.from(golden.inputs.slice(from * network.inputs, to * network.inputs)), targets.slice(from * n, to * n),
      { loss: golden.loss, sampleWeights: golden.sampleWeights?.slice(from, to), gradientClip: golden.gradientClip },
    ));
    expect(losses.length).toBe(golden.losses.length);
    expect(losses.length).toBeGreaterThanOrEqual(20);
    losses.forEach((loss, step) => expect(Math.abs(loss / golden.losses[step] - 1), `step ${step}`).toBeLessThanOrEqual(1e-9));
    golden.final.forEach((final, l) => {
      for (const key of ["weights", "biases", "slopes"] as const) {
        expect(final[key] === undefined).toBe(network.layers[l][key] === null);
        if (final[key] !== undefined) {
          expect(relativeDifference(network.layers[l][key] as Float64Array, final[key]), `layers[${l}].${key}`).toBeLessThanOrEqual(1e-9);
        }
      }
    });
    ran++;
  });

  it("of every fixture", () => {
    expect(ran).toBe(cases.length);
    expect(ran).toBe(GOLDEN_CASE_COUNT);
  });
});
