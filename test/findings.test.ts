// For every kind of finding, and every advice that it may give, a network and data where it appears; with the advice taken, and nothing else changed, it
// is gone. And none in healthy networks that a seed chose.

import { describe, expect, it } from "vitest";
import { adam, constant, dense, leakyRelu, Network, normal, sgd } from "../src/index.js";
import type { Diagnosis, Finding, FitOptions, LayerSpec } from "../src/index.js";
import { healthy } from "./healthy.js";
import { randomFloats, randomNumbers } from "./kernels/stage.js";

interface Case {
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
  readonly layers: LayerSpec[];
  readonly fit?: FitOptions;
}

const ROWS = 240;
const WIDTH = 4;

/** Smooth targets of standardised inputs. */
function regression(seed = 3): { inputs: Float32Array; targets: Float32Array } {
  const inputs = randomFloats(seed, ROWS * WIDTH, -1.7, 1.7);
  return { inputs, targets: Float32Array.from({ length: ROWS }, (_, r) => Math.sin(inputs[WIDTH * r]) + inputs[WIDTH * r + 1] * inputs[WIDTH * r + 2]) };
}

/** The case trained, or as it starts, and diagnosed. */
async function diagnosed({ inputs, targets, layers, fit }: Case): Promise<Diagnosis> {
  const network = await Network.create({ inputs: inputs.length / targets.length, layers, seed: 4 });
  if (fit !== undefined) await network.fit(inputs, targets, { threads: 1, ...fit });
  return network.diagnose(inputs, targets);
}

function find({ findings }: Diagnosis, kind: Finding["kind"]): Finding[] {
  return findings.filter((finding) => finding.kind === kind);
}

/** The first finding of that kind, whose advice has these words; and with it taken none of that kind. */
async function expectMended(kind: Finding["kind"], words: RegExp, sick: Case, mended: Partial<Case>): Promise<Finding> {
  const [finding] = find(await diagnosed(sick), kind);
  expect(finding?.kind).toBe(kind);
  expect(finding.advice).toMatch(words);
  expect(find(await diagnosed({ ...sick, ...mended }), kind)).toEqual([]);
  return finding;
}

/** Columns with mean 0 and deviation 1. */
function standardised(values: Float32Array, width: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let c = 0; c < width; c++) {
    const column = Array.from({ length: values.length / width }, (_, r) => values[r * width + c]);
    const mean = column.reduce((sum, value) => sum + value, 0) / column.length;
    const deviation = Math.sqrt(column.reduce((sum, value) => sum + (value - mean) ** 2, 0) / column.length);
    column.forEach((value, r) => (result[r * width + c] = (value - mean) / deviation));
  }
  return result;
}

const stack = (count: number, layer: () => LayerSpec): LayerSpec[] => [...Array.from({ length: count }, layer), dense(1)];

describe("deadUnits", () => {
  it("of a learning rate that was too high, mended by leakyRelu", async () => {
    const fit = { epochs: 5, optimizer: adam({ learningRate: 2 }) };
    const finding = await expectMended("deadUnits", /leakyRelu/, { ...regression(), layers: [dense(24, "relu"), dense(24, "relu"), dense(1)], fit }, {
      layers: [dense(24, "leakyRelu"), dense(24, "leakyRelu"), dense(1)],
    });
    expect(finding.value).toBeGreaterThanOrEqual(0.5);
    expect(finding.message).toMatch(/^Layer \d \(relu, 24 units\): \d+ of 24 units \(.* %\) are 0 on all 240 samples/);
  });

  it("of biases that start low", async () => {
    const layers = [dense(16, { activation: "relu", biasInit: constant(-20) }), dense(1)];
    await expectMended("deadUnits", /leakyRelu/, { ...regression(), layers }, { layers: [dense(16, { activation: "leakyRelu", biasInit: constant(-20) }), dense(1)] });
    const { findings } = await diagnosed({ ...regression(), layers });
    expect(findings.map(({ kind, value }) => ({ kind, value }))).toEqual([{ kind: "deadUnits", value: 1 }]);
  });
});

describe("vanishingGradient", () => {
  it("of 20 sigmoids, mended by relu", async () => {
    const finding = await expectMended("vanishingGradient", /relu/, { ...regression(), layers: stack(20, () => dense(32, "sigmoid")) }, {
      layers: stack(20, () => dense(32, "relu")),
    });
    expect(finding.layer).toBe(0);
    expect(finding.value).toBeLessThan(1e-8);
    expect(finding.message).toMatch(/^Layer 0 \(sigmoid, 32 units\): the gradient's norm is .*; \d+ of 21 layers/);
  });

  it("of weights that start too small, mended by their default start", async () => {
    const layers = stack(5, () => dense(32, { activation: "tanh", weightInit: normal(0, 0.01) }));
    await expectMended("vanishingGradient", /weightInit: "glorotUniform"/, { ...regression(), layers }, { layers: stack(5, () => dense(32, "tanh")) });
  });
});

describe("vanishingGradient, where nothing saturates", () => {
  it("of a start that is a little too small for so many layers, mended by the default start", async () => {
    const layers = stack(28, () => dense(32, { activation: "relu", weightInit: "glorotUniform" }));
    await expectMended("vanishingGradient", /weightInit: "heNormal"/, { ...regression(), layers }, { layers: stack(28, () => dense(32, "relu")) });
  });

  it("of an activation that passes on less each time, mended by relu", async () => {
    const layers = stack(40, () => dense(32, { activation: "silu", weightInit: "heNormal" }));
    await expectMended("vanishingGradient", /Use relu .* in place of silu/, { ...regression(), layers }, { layers: stack(40, () => dense(32, "relu")) });
  });

  it("of layers that are too narrow for so many, mended by the number advised", async () => {
    const layers = (count: number): LayerSpec[] => stack(count, () => dense(3, leakyRelu({ slope: 0.1 })));
    const { advice } = await expectMended("vanishingGradient", /Use fewer hidden layers, such as \d+: 60 are more/, { ...regression(), layers: layers(60) }, { layers: layers(3) });
    const fewer = Number(/such as (\d+):/.exec(advice)![1]);
    expect(fewer).toBeGreaterThan(0);
    expect(find(await diagnosed({ ...regression(), layers: layers(fewer) }), "vanishingGradient")).toEqual([]);
  });

  it("of weights that a penalty has made small, mended by leaving it out", async () => {
    const layers = (l2: number): LayerSpec[] => stack(4, () => dense(16, { activation: "tanh", l2 }));
    const fit = { epochs: 30, optimizer: adam({ learningRate: 0.01 }) };
    await expectMended("vanishingGradient", /without l2 \(0\.3\)/, { ...regression(), layers: layers(0.3), fit }, { layers: layers(0) });
  });
});

describe("explodingGradient", () => {
  it("of weights that start too large, mended by their default start", async () => {
    const layers = stack(6, () => dense(64, { activation: "relu", weightInit: normal(0, 1) }));
    const finding = await expectMended("explodingGradient", /weightInit: "heNormal"/, { ...regression(), layers }, { layers: stack(6, () => dense(64, "relu")) });
    expect(finding.value).toBeGreaterThan(100);
  });

  it("of targets that are not scaled, mended by standardising them", async () => {
    const { inputs, targets } = regression();
    const far = targets.map((value) => 50_000 + 20_000 * value);
    await expectMended("explodingGradient", /[Ss]tandardise the targets/, { inputs, targets: far, layers: stack(2, () => dense(16, "relu")) }, { targets: standardised(far, 1) });
  });

  it("of inputs that are not scaled, mended by standardising them", async () => {
    const { inputs, targets } = regression();
    const far = inputs.map((value) => 3000 * value);
    await expectMended("explodingGradient", /[Ss]tandardise the inputs/, { inputs: far, targets, layers: stack(2, () => dense(16, "relu")) }, { inputs: standardised(far, WIDTH) });
  });
});

describe("saturation", () => {
  it("of weights that start too large, mended by their default start", async () => {
    const layers = [dense(16, { activation: "tanh", weightInit: normal(0, 20) }), dense(1)];
    const finding = await expectMended("saturation", /weightInit: "glorotUniform"/, { ...regression(), layers }, { layers: [dense(16, "tanh"), dense(1)] });
    expect(finding).toMatchObject({ layer: 0 });
  });

  it("of inputs that are not scaled, mended by standardising them", async () => {
    const { inputs, targets } = regression();
    const far = inputs.map((value) => 300 + 200 * value);
    await expectMended("saturation", /[Ss]tandardise the inputs/, { inputs: far, targets, layers: [dense(16, "sigmoid"), dense(1)] }, { inputs: standardised(far, WIDTH) });
  });

  it("of sums that lie far from 0, mended by relu", async () => {
    const layers = [dense(16, { activation: "softsign", biasInit: constant(30) }), dense(1)];
    await expectMended("saturation", /"relu"/, { ...regression(), layers }, { layers: [dense(16, { activation: "relu", biasInit: constant(30) }), dense(1)] });
  });

  it("of a learning rate that was too high, mended by the optimizer's usual one", async () => {
    const layers = stack(2, () => dense(24, "tanh"));
    const fit = { epochs: 20, optimizer: adam({ learningRate: 1 }) };
    await expectMended("saturation", /lower learningRate, such as adam's usual 0\.001 in place of 1/, { ...regression(), layers, fit }, { fit: { ...fit, optimizer: adam() } });
  });

  it.each(["hardTanh", "hardSigmoid"] as const)("of %s with weights that start too large, mended by their default start", async (activation) => {
    const layers = [dense(24, { activation, weightInit: normal(0, 5) }), dense(1)];
    await expectMended("saturation", /weightInit: "glorotUniform"/, { ...regression(), layers }, { layers: [dense(24, activation), dense(1)] });
  });

  it("is not found in an output layer that is sure of itself", async () => {
    const { inputs } = regression();
    const targets = Float32Array.from({ length: ROWS }, (_, r) => (inputs[WIDTH * r] > 0 ? 1 : 0));
    const { layers, findings } = await diagnosed({ inputs, targets, layers: [dense(16, "relu"), dense(1, "sigmoid")], fit: { epochs: 300, optimizer: adam({ learningRate: 0.02 }) } });
    expect(layers[1].saturatedFraction).toBeGreaterThan(0.5);
    expect(findings).toEqual([]);
  });
});

describe("unusedCapacity", () => {
  const fit = { epochs: 10, optimizer: adam({ learningRate: 0.01 }) };

  it("of units that start alike and stay so, mended by random weights", async () => {
    const layers = [dense(12, { activation: "tanh", weightInit: constant(0.1) }), dense(1, { weightInit: constant(0.1) })];
    const finding = await expectMended("unusedCapacity", /weightInit: "glorotUniform"/, { ...regression(), layers, fit }, { layers: [dense(12, "tanh"), dense(1)] });
    expect(finding.value).toBeCloseTo(11 / 12, 12);
    expect(finding.message).toContain("11 of 12 units are copies of others");
  });

  it("of weights that are all 0", async () => {
    const layers = [dense(12, { activation: "sigmoid", weightInit: "zeros" }), dense(1)];
    const finding = await expectMended("unusedCapacity", /weightInit: "glorotUniform"/, { ...regression(), layers }, { layers: [dense(12, "sigmoid"), dense(1)] });
    expect(finding.message).toContain("12 of 12 units say the same on every sample");
  });

  it("of units that say the same by other weights, mended by fewer units", async () => {
    // a column that is there twice: what one unit has on the first, the next has on the second
    const { inputs, targets } = regression();
    const doubled = Float32Array.from({ length: 2 * inputs.length }, (_, i) => inputs[i >> 1]);
    const network = async (units: number): Promise<Diagnosis> => {
      const made = await Network.create({ inputs: 2 * WIDTH, layers: [dense(units, "tanh"), dense(1)], seed: 4 });
      const { weights } = made.layers[0];
      for (let j = 8; j < units; j++) for (let i = 0; i < 2 * WIDTH; i++) weights[j * 2 * WIDTH + (i ^ 1)] = weights[(j - 8) * 2 * WIDTH + i];
      return made.diagnose(doubled, targets);
    };
    const [finding] = find(await network(16), "unusedCapacity");
    expect(finding).toMatchObject({ layer: 0, value: 0.5 });
    expect(finding.advice).toBe("Use dense(8) in place of dense(16).");
    expect(find(await network(8), "unusedCapacity")).toEqual([]);
  });

  it("is not found behind a dead layer, where nothing varies", async () => {
    const { findings } = await diagnosed({ ...regression(), layers: [dense(8, { activation: "relu", biasInit: constant(-99) }), dense(8, "tanh"), dense(1)] });
    expect(findings.map(({ kind }) => kind)).toEqual(["deadUnits"]);
  });
});

describe("unscaledInputs", () => {
  const { inputs, targets } = regression();
  const layers = [dense(8, "relu"), dense(1)];

  it.each<[string, (value: number, column: number) => number, RegExp]>([
    ["large", (value, c) => (c === 2 ? 5000 + 300 * value : value), /column 2 has mean \d+ and deviation \d+,/],
    ["small", (value) => value / 1000, /column \d has mean .*more than any other/],
    ["uneven", (value, c) => (c === 1 ? value / 5000 : value), /column \d has mean .*, column 1 has mean/],
  ])("that are %s, mended by standardising them", async (_, change, message) => {
    const given = inputs.map((value, i) => change(value, i % WIDTH));
    const finding = await expectMended("unscaledInputs", /[Ss]tandardise/, { inputs: given, targets, layers }, { inputs: standardised(given, WIDTH) });
    expect(finding.message).toMatch(message);
    expect(finding.layer).toBe(0);
  });
});

describe("a healthy network", () => {
  it("has no finding: 20 that a seed chose, each of which has learned", async () => {
    let count = 0;
    for (let seed = 1; seed <= 20; seed++) {
      const { network, data, targets, classes, inputs, title } = await healthy(seed);
      const before = await Network.create({ inputs, layers: network.layers.map(({ units, activation }) => dense(units, activation as "relu")), seed });
      expect(network.evaluate(data, targets).loss, title).toBeLessThan(0.9 * before.evaluate(data, targets, classes === 0 ? { loss: "meanSquaredError" } : {}).loss);
      expect(network.diagnose(data, targets).findings, title).toEqual([]);
      expect(network.diagnose(data).findings, title).toEqual([]);
      count++;
    }
    expect(count).toBe(20);
  });

  it("has no finding before training either", async () => {
    const next = randomNumbers(5);
    for (const activation of ["relu", "tanh", "sigmoid", "gelu", "prelu", "selu"] as const) {
      const { inputs, targets } = regression(1 + Math.floor(1000 * next()));
      const { findings } = await diagnosed({ inputs, targets, layers: [dense(32, activation), dense(32, activation), dense(1)], fit: { epochs: 1, optimizer: sgd() } });
      expect(findings, activation).toEqual([]);
    }
  });
});

describe("the one advice", () => {
  /** The layers that an advice names: of layers 0 to 3 and 5. */
  const named = (advice: string): number[] => [...advice.matchAll(/of layers? ([\d, toand]+) by/g)].flatMap(([, list]) =>
    list.split(/, | and /).flatMap((part) => {
      const [first, last = first] = part.split(" to ").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    }));

  it.each<["explodingGradient" | "vanishingGradient", number, number, number]>([
    ["explodingGradient", 8, 16, 2], ["explodingGradient", 16, 32, 0.45], ["vanishingGradient", 12, 16, 0.1],
  ])("of an %s names all layers whose start is wrong (%i of %i units, deviation %d), so that it mends when followed to the letter", async (kind, depth, units, deviation) => {
    const layers = (mended: number[]): LayerSpec[] => Array.from({ length: depth }, (_, index) =>
      mended.includes(index) ? dense(units, "relu") : dense(units, { activation: "relu", weightInit: normal(0, deviation) }));
    const [{ advice }] = find(await diagnosed({ ...regression(), layers: [...layers([]), dense(1)] }), kind);
    expect(advice).toMatch(/weightInit: "heNormal"/);
    expect(find(await diagnosed({ ...regression(), layers: [...layers(named(advice)), dense(1)] }), kind)).toEqual([]);
  });

  it("of targets that are not scaled stays theirs when training has made the weights large", async () => {
    const { inputs, targets } = regression();
    const far = targets.map((value) => 500_000 + 200_000 * value);
    const layers = stack(1, () => dense(16, "relu"));
    const fit = { epochs: 300, batchSize: 8 };
    await expectMended("explodingGradient", /Standardise the targets/, { inputs, targets: far, layers, fit }, { targets: standardised(far, 1) });
  });

  it("of units that started alike and are still near each other is another start, since fewer of them would be copies too", async () => {
    const layers = [dense(16, { activation: "tanh", weightInit: constant(0.2) }), dense(1)];
    const fit = { epochs: 10 };
    await expectMended("unusedCapacity", /weightInit: "glorotUniform"/, { ...regression(), layers, fit }, { layers: [dense(16, "tanh"), dense(1)] });
  });

  it("is not fewer units where these are constant because the signal fades or saturates", async () => {
    const { inputs, targets } = regression();
    const deep = await diagnosed({ inputs, targets, layers: stack(20, () => dense(16, "sigmoid")) });
    expect(deep.findings.map(({ kind }) => kind)).toEqual(["vanishingGradient"]);
    const far = inputs.map((value) => 3000 + 500 * value);
    const flat = await diagnosed({ inputs: far, targets, layers: [dense(16, "tanh"), dense(1)] });
    expect(flat.findings.map(({ kind }) => kind)).toEqual(["unscaledInputs", "saturation", "vanishingGradient"]);
    for (const { advice } of flat.findings) expect(advice).toMatch(/^Standardise .*inputs/);
    expect((await diagnosed({ inputs: standardised(far, WIDTH), targets, layers: [dense(16, "tanh"), dense(1)] })).findings).toEqual([]);
  });
});
