// What diagnose says of every layer and unit, against a recount from trace() and gradients() in f64: plain loops over the very numbers of the network,
// with the derivative of each activation by the kernels that activationDerivative runs.

import { describe, expect, it } from "vitest";
import {
  activationDerivative, crossEntropy, dense, elu, gelu, leakyRelu, Network, prelu, ready,
} from "../src/index.js";
import type { ActivationName, ActivationSpec, Histogram, LayerGradients, LayerSpec } from "../src/index.js";
import { randomFloats } from "./kernels/stage.js";

const hidden: readonly (ActivationName | ActivationSpec)[] = [
  "linear", "sigmoid", "tanh", "relu", leakyRelu(), leakyRelu({ slope: 0.001 }), leakyRelu({ slope: -0.3 }), leakyRelu({ slope: 200 }), leakyRelu({ slope: 0 }), elu(),
  elu({ alpha: 3 }), elu({ alpha: 0 }), elu({ alpha: 0.005 }), elu({ alpha: 500 }), "selu", gelu(), gelu({ approximate: "tanh" }), "silu", "mish", "softplus", "softsign", "relu6",
  "hardSigmoid", "hardTanh", "exponential", prelu(), prelu({ initialSlope: 0.001 }), prelu({ initialSlope: 0, shared: true }), prelu({ initialSlope: 300 }),
];

/** The greatest magnitude of the derivative. */
const steepest: Readonly<Partial<Record<ActivationName, number>>> = {
  sigmoid: 0.25, silu: 1.0998393201288669, mish: 1.0884981612517279, selu: 1.7580993408473766, hardSigmoid: 1 / 6, exponential: Infinity,
};

function specOf(activation: ActivationName | ActivationSpec): ActivationSpec {
  return typeof activation === "string" ? ({ name: activation } as ActivationSpec) : activation;
}

/** |f'(z)| of each, the slope of a unit where it has one. */
function derivatives(spec: ActivationSpec, z: Float32Array, slopes: Float32Array | undefined, units: number): Float32Array {
  if (slopes === undefined) return activationDerivative(spec, z);
  return z.map((value, i) => (value > 0 ? 1 : slopes[slopes.length === 1 ? 0 : i % units]));
}

function greatest(spec: ActivationSpec, slope = 0): number {
  if (spec.name === "leakyRelu") return Math.max(1, Math.abs(spec.slope));
  if (spec.name === "prelu") return Math.max(1, Math.abs(slope));
  if (spec.name === "elu") return Math.max(1, Math.abs(spec.alpha));
  if (spec.name === "gelu" && spec.approximate === "tanh") return 1.1289930686587718;
  if (spec.name === "gelu") return 1.1289041451851548;
  return steepest[spec.name as ActivationName] ?? 1;
}

function column(values: Float32Array, units: number, j: number): number[] {
  return Array.from(values.filter((_, i) => i % units === j));
}

function moments(values: readonly number[]): { mean: number; deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}

function near(value: number, expected: number, tolerance: number, what: string): void {
  if (Object.is(value, expected) || Math.abs(value - expected) <= tolerance) return;
  throw new Error(`${what}: expected ${expected}, got ${value}`);
}

/** A histogram recounted: its bins hold what lies in them, and its width is the least power of two for which 64 bins are enough. */
function checkHistogram({ edges, counts }: Histogram, values: Float32Array, what: string): void {
  expect(edges.length, what).toBe(counts.length + 1);
  expect(counts.length, what).toBeLessThanOrEqual(64);
  const recounted = counts.map(() => 0);
  for (const value of values) {
    const bin = edges.findIndex((edge, i) => value >= edge && (value < edges[i + 1] || (i === counts.length - 1 && value <= edges[i + 1])));
    recounted[bin]++;
  }
  expect(recounted, what).toEqual(counts);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (least === most) return;
  const width = edges[1] - edges[0];
  expect(Number.isInteger(Math.log2(width)), what).toBe(true);
  const half = width / 2;
  const floor = 2 ** (Math.floor(Math.log2(Math.max(Math.abs(least), Math.abs(most)))) - 23);
  if (half >= floor / 2) expect(Math.floor(most / half) - Math.floor(least / half) >= 64 || half < floor, what).toBe(true);
}

async function checkNetwork(inputs: number, layers: LayerSpec[], activations: readonly (ActivationName | ActivationSpec)[], rows: number, scale: number, seed: number): Promise<void> {
  const network = await Network.create({ inputs, layers, seed });
  const data = randomFloats(seed, rows * inputs, -scale, scale);
  network.layers.forEach(({ biases }, l) => biases.set(randomFloats(seed + l, biases.length, -2, 2)));
  const { outputs } = network;
  const targets = randomFloats(seed + 1, rows * outputs, 0, 1);
  const diagnosis = network.diagnose(data, targets, { loss: "meanSquaredError" });
  const plain = network.diagnose(data);
  const gradients = network.gradients(data, targets, { loss: "meanSquaredError" }).layers;
  network.trace(data).forEach(({ activations: a, weightedSums }, l) => {
    const z = weightedSums!;
    const { units, slopes, weights } = network.layers[l];
    const spec = specOf(activations[l]);
    const layer = diagnosis.layers[l];
    const figures = layer.units!;
    const what = `${JSON.stringify(spec)}, ${rows} × ${units}`;
    const d = derivatives(spec, z, slopes, units);
    let dead = 0;
    let saturated = 0;
    for (let j = 0; j < units; j++) {
      const [zj, aj, dj] = [column(z, units, j), column(a, units, j), column(d, units, j)];
      const most = greatest(spec, slopes?.[slopes.length === 1 ? 0 : j]);
      const zeros = aj.filter((value, s) => value === 0 && dj[s] === 0).length;
      // f32 rounds the derivative: one at the very bound may be counted either way
      const clearly = dj.filter((value) => Math.abs(value) < 0.01 * most * (1 - 1e-5)).length;
      const perhaps = dj.filter((value) => Math.abs(value) < 0.01 * most * (1 + 1e-5)).length;
      const hits = Math.round(figures.saturatedFraction[j] * rows);
      expect(figures.deadFraction[j], what).toBe(zeros / rows);
      if (spec.name !== "exponential") {
        expect(hits, what).toBeGreaterThanOrEqual(spec.name === "leakyRelu" && spec.slope === 0.01 ? 0 : clearly);
        expect(hits, what).toBeLessThanOrEqual(perhaps);
      }
      dead += zeros === rows ? 1 : 0;
      saturated += hits;
      const [ofZ, ofA] = [moments(zj), moments(aj)];
      const bound = (values: number[]): number => 1e-9 * Math.max(...values.map(Math.abs), 1e-30);
      near(figures.meanWeightedSum[j], ofZ.mean, bound(zj), what);
      near(figures.weightedSumDeviation[j], ofZ.deviation, bound(zj), what);
      near(figures.meanActivation[j], ofA.mean, bound(aj), what);
      near(figures.activationDeviation[j], ofA.deviation, bound(aj), what);
      expect([figures.minWeightedSum[j], figures.maxWeightedSum[j]], what).toEqual([Math.min(...zj), Math.max(...zj)]);
      expect([figures.minActivation[j] + 0, figures.maxActivation[j] + 0], what).toEqual([Math.min(...aj) + 0, Math.max(...aj) + 0]);
    }
    expect(layer.deadFraction, what).toBe(dead / units);
    near(layer.saturatedFraction, saturated / (rows * units), 1e-12, what);
    const together = moments(Array.from(a));
    const largest = Math.max(...a.map(Math.abs), 1e-30);
    near(layer.meanActivation, together.mean, 1e-9 * largest, what);
    near(layer.activationDeviation, together.deviation, 1e-9 * largest, what);
    checkHistogram(layer.weightedSumHistogram, z, `${what}: weighted sums`);
    checkHistogram(layer.activationHistogram, a, `${what}: activations`);
    const { weights: dWeights, biases: dBiases, slopes: dSlopes } = gradients[l];
    const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    const ofLayer = norm([...dWeights!, ...dBiases!, ...(dSlopes ?? [])]);
    near(layer.gradientNorm!, ofLayer, 1e-6 * ofLayer, what);
    near(layer.weightNorm, norm([...weights]), 1e-12 * norm([...weights]), what);
    const own = norm([...dWeights!.subarray(0, dWeights!.length / units), dBiases![0], ...(dSlopes?.length === units ? [dSlopes[0]] : [])]);
    near(figures.gradientNorm![0], own, 1e-6 * ofLayer, what);
    const { gradientNorm: _, gradientRatio: __, units: ___, ...rest } = layer;
    const { gradientNorm: none, units: ____, ...same } = plain.layers[l];
    expect(none, what).toBeUndefined();
    expect(same, what).toEqual(rest);
  });
  const last = diagnosis.layers[diagnosis.layers.length - 1].gradientNorm!;
  for (const { gradientNorm, gradientRatio } of diagnosis.layers) expect(gradientRatio).toBe(last > 0 ? gradientNorm! / last : undefined);
}

describe("the figures of diagnose are those of the network's own numbers", () => {
  it("for every activation, in shapes that vectors do not divide and over chunks", async () => {
    await ready();
    let seed = 1;
    for (const activation of hidden) {
      for (const [units, rows, scale] of [[7, 33, 3], [5, 301, 12]] as const) {
        seed += 3;
        await checkNetwork(3, [dense(units, activation), dense(2)], [activation, "linear"], rows, scale, seed);
      }
    }
    expect(seed).toBe(1 + 6 * hidden.length);
  });

  it("for one sample, one unit, and wide layers", async () => {
    await ready();
    await checkNetwork(1, [dense(1, "tanh"), dense(1)], ["tanh", "linear"], 1, 1, 5);
    await checkNetwork(2, [dense(1, "relu"), dense(1, "sigmoid")], ["relu", "sigmoid"], 3, 4, 6);
    await checkNetwork(71, [dense(67, "relu"), dense(130, prelu()), dense(9, gelu())], ["relu", prelu(), gelu()], 140, 2, 7);
  });
});

describe("diagnose", () => {
  it("gives the same bytes for every size of chunks", async () => {
    // 9 of 4,000 inputs leave room for few rows a chunk; the same weights beside inputs of 0 have another chunk
    const narrow = await Network.create({ inputs: 9, layers: [dense(6, "tanh"), dense(3)], seed: 1 });
    const wide = await Network.create({ inputs: 9, layers: [dense(6, "tanh"), dense(3), dense(20_000)], seed: 1 });
    wide.layers[0].weights.set(narrow.layers[0].weights);
    const data = randomFloats(3, 500 * 9, -4, 4);
    expect(wide.diagnose(data).layers[0]).toEqual(narrow.diagnose(data).layers[0]);
  });

  it("gives the same figures for rows, flat arrays and other typed arrays", async () => {
    const network = await Network.create({ inputs: 4, layers: [dense(5, "relu"), dense(3, "softmax")], seed: 2 });
    const flat = randomFloats(8, 4 * 150);
    const rows = Array.from({ length: 150 }, (_, i) => Array.from(flat.subarray(4 * i, 4 * i + 4)));
    const classes = Array.from({ length: 150 }, (_, i) => i % 3);
    const expected = network.diagnose(flat, classes);
    expect(network.diagnose(rows, classes)).toEqual(expected);
    expect(network.diagnose(Float64Array.from(flat), Uint8Array.from(classes))).toEqual(expected);
  });

  it("takes the loss that is asked for", async () => {
    const network = await Network.create({ inputs: 4, layers: [dense(5, "relu"), dense(3, "softmax")], seed: 2 });
    const flat = randomFloats(8, 4 * 50);
    const classes = Array.from({ length: 50 }, (_, i) => i % 3);
    const loss = crossEntropy({ labelSmoothing: 0.3 });
    const { layers } = network.gradients(flat, classes, { loss });
    const norm = Math.sqrt([...layers[0].weights!, ...layers[0].biases!].reduce((sum, value) => sum + value * value, 0));
    expect(network.diagnose(flat, classes, { loss }).layers[0].gradientNorm).toBeCloseTo(norm, 7);
    expect(network.diagnose(flat, classes).layers[0].gradientNorm).not.toBeCloseTo(norm, 4);
  });

  it("counts a unit at its very bound, where the derivative is PyTorch's: 0", async () => {
    for (const [activation, bound] of [["relu", 0], ["relu6", 6], ["hardTanh", -1], ["hardTanh", 1], ["hardSigmoid", 3], ["hardSigmoid", -3]] as const) {
      const network = await Network.create({ inputs: 2, layers: [dense(5, activation), dense(1)] });
      network.layers[0].weights.fill(0);
      network.layers[0].biases.fill(bound);
      const [layer] = network.diagnose([[1, 2], [3, 4]]).layers;
      expect(layer.saturatedFraction, `${activation} at ${bound}`).toBe(1);
      expect(layer.deadFraction, `${activation} at ${bound}`).toBe(activation === "relu" || bound === -3 ? 1 : 0);
    }
  });

  it("takes the gradient of all below 512 samples, and of a part spread over all of more", async () => {
    const network = await Network.create({ inputs: 20, layers: [dense(30, "tanh"), dense(30, "relu"), dense(4, "softmax")], seed: 2 });
    const norms = (layers: readonly LayerGradients[]): number[] =>
      layers.map(({ weights, biases }) => Math.sqrt([...weights!, ...biases!].reduce((sum, value) => sum + value * value, 0)));
    // classes in turn, one after another, and unequal: of each a part must have its share of every class
    for (const classOf of [(i: number) => i % 4, (i: number) => Math.floor(i / 1000), (i: number) => (i * i) % 4]) {
      const data = randomFloats(8, 20 * 4000, -1.7, 1.7);
      // what a class has in common shows in the gradient
      const shown = data.map((value, i) => (i % 20 < 4 && classOf(Math.floor(i / 20)) === i % 20 ? value + 2 : value));
      const classes = Array.from({ length: 4000 }, (_, i) => classOf(i));
      const whole = norms(network.gradients(shown, classes).layers);
      const { layers, gradientSamples } = network.diagnose(shown, classes);
      expect(gradientSamples).toBeGreaterThanOrEqual(250);
      expect(gradientSamples).toBeLessThan(2000);
      layers.forEach(({ gradientNorm, gradientRatio }, l) => {
        expect(gradientNorm! / whole[l], `layer ${l}`).toBeGreaterThan(0.8);
        expect(gradientNorm! / whole[l], `layer ${l}`).toBeLessThan(1.3);
        expect(gradientRatio).toBe(gradientNorm! / layers[2].gradientNorm!);
      });
      // all of 511, the same by every kind of array
      const few = shown.subarray(0, 20 * 511);
      const exact = norms(network.gradients(few, classes.slice(0, 511)).layers);
      const small = network.diagnose(few, classes.slice(0, 511));
      expect(small.gradientSamples).toBe(511);
      small.layers.forEach(({ gradientNorm }, l) => expect(Math.abs(gradientNorm! / exact[l] - 1)).toBeLessThan(1e-6));
      expect(network.diagnose(Float64Array.from(shown), classes)).toEqual(network.diagnose(shown, classes));
    }
  });

  it("counts in the histograms of many samples a quarter of them, whatever their order, and all units' figures of all", async () => {
    const network = await Network.create({ inputs: 2, layers: [dense(1, "linear")], seed: 2 });
    network.layers[0].weights.set([1, 0]);
    // the first column is 0, 1, 2, 3, 0, 1, 2, 3, …
    const data = Float32Array.from({ length: 2 * 1040 }, (_, i) => (i % 2 === 0 ? (i / 2) % 4 : 0));
    data[2 * 1039] = 40;
    const [layer] = network.diagnose(data).layers;
    expect(layer.activationHistogram.counts.filter((count) => count > 0).length).toBe(4);
    const counted = layer.activationHistogram.counts.reduce((sum, count) => sum + count, 0);
    expect(counted).toBe(264);
    for (const count of layer.activationHistogram.counts) if (count > 0) expect(count / counted).toBeCloseTo(0.25, 1);
    expect(layer.units!.maxActivation).toEqual([40]);
    expect(network.diagnose(data.subarray(0, 2 * 511)).layers[0].activationHistogram.counts.reduce((sum, count) => sum + count, 0)).toBe(511);
  });

  it("changes nothing", async () => {
    const network = await Network.create({ inputs: 4, layers: [dense(5, "relu"), dense(3, "softmax")], seed: 2 });
    const before = network.save();
    network.diagnose(randomFloats(8, 40), [0, 1, 2, 0, 1, 2, 0, 1, 2, 0]);
    expect(network.save()).toEqual(before);
  });

  it("survives weights that leave f32", async () => {
    const network = await Network.create({ inputs: 2, layers: [dense(4, "relu"), dense(3, "linear"), dense(2)], seed: 2 });
    network.layers[0].weights.fill(3e38);
    network.layers[1].weights.fill(-3e38);
    const { layers } = network.diagnose([[2, 2], [1, 1], [-1, 0]], [[0, 0], [0, 0], [0, 0]]);
    expect(layers.map(({ activationHistogram }) => activationHistogram.counts.reduce((sum, count) => sum + count, 0))).toEqual([12, 9, 6]);
    expect(layers[0].units!.minActivation).toEqual([0, 0, 0, 0]);
    expect(layers[0].units!.maxActivation).toEqual([Infinity, Infinity, Infinity, Infinity]);
  });

  it("refuses what evaluate refuses", async () => {
    const network = await Network.create({ inputs: 2, layers: [dense(3, "relu"), dense(2, "softmax")] });
    expect(() => network.diagnose([[1, 2, 3]])).toThrow(new RangeError("inputs[0]: expected 2 numbers, got 3"));
    expect(() => network.diagnose(Float32Array.of(1, NaN))).toThrow(RangeError);
    expect(() => network.diagnose([[1, 2]], [2])).toThrow(RangeError);
    expect(() => network.diagnose([[1, 2]], [1], { los: "crossEntropy" } as never)).toThrow("Did you mean 'loss'?");
    network.dispose();
    expect(() => network.diagnose([[1, 2]])).toThrow("disposed");
  });
});
