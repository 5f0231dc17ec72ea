// compareActivations: the task it reads from the data, the figures of each fold, the same result side by side as one after the other, and the test that
// tells differences from chance.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { adam, compareActivations, crossValidate, dense, leakyRelu, Network } from "../src/index.js";
import { holm, pairedTest, studentTail } from "../src/train/ttest.js";
import { randomFloats } from "./kernels/stage.js";

const ROWS = 120;
const inputs = randomFloats(4, 2 * ROWS, -1.7, 1.7);
const rows = Array.from({ length: ROWS }, (_, r) => [inputs[2 * r], inputs[2 * r + 1]]);
const quadrant = rows.map(([x, y]) => (x * y > 0 ? 1 : 0));
const fit = { epochs: 40, batchSize: 16, optimizer: adam({ learningRate: 0.02 }) };

describe("compareActivations", () => {
  it("gives each activation what crossValidate gives that network", async () => {
    const { rows: compared } = await compareActivations({ inputs: rows, targets: quadrant, hidden: [12], activations: ["tanh", leakyRelu({ slope: 0.1 })], folds: 3, seed: 7, threads: 1, ...fit });
    for (const [i, activation] of (["tanh", leakyRelu({ slope: 0.1 })] as const).entries()) {
      const expected = await crossValidate({
        create: () => Network.create({ inputs: 2, layers: [dense(12, activation), dense(2, "softmax")], seed: 7 }), inputs: rows, targets: quadrant, folds: 3, seed: 7, ...fit, threads: 1,
      });
      const { loss, metrics, epochsToBest, folds } = compared[i];
      expect({ loss, metrics, epochsToBest, folds }).toEqual({ loss: expected.loss, metrics: expected.metrics, epochsToBest: expected.epochsToBest, folds: expected.folds });
    }
    expect(compared.map(({ activation }) => activation)).toEqual(["tanh", "leakyRelu"]);
  });

  it("marks what is worse by more than chance: a linear network on quadrants", async () => {
    const { rows: compared } = await compareActivations({ inputs, targets: quadrant, activations: ["linear", "tanh", "relu"], seed: 1, threads: 1, ...fit });
    const [linear, ...others] = compared;
    expect(linear.metrics.accuracy.mean).toBeLessThan(0.7);
    expect(linear.versusBest!.differs).toBe(true);
    expect(linear.versusBest!.pValue).toBeLessThan(0.01);
    for (const { metrics, seconds } of others) {
      expect(metrics.accuracy.mean).toBeGreaterThan(0.85);
      expect(seconds).toBeGreaterThan(0);
    }
    expect(others.filter(({ versusBest }) => versusBest === undefined).length).toBe(1);
  });

  it("reads the task from the targets", async () => {
    const compare = async (options: object): Promise<string[]> => Object.keys((await compareActivations({ inputs: rows, targets: quadrant, hidden: [4], activations: ["tanh"], folds: 2, threads: 1, ...options })).rows[0].metrics);
    expect(await compare({})).toEqual(["accuracy"]);
    expect(await compare({ targets: quadrant.map((c) => [c, 1 - c]) })).toEqual(["accuracy"]);
    expect(await compare({ targets: quadrant, loss: "binaryCrossEntropy" })).toEqual(["accuracy"]);
    expect(await compare({ targets: rows.map(([x]) => Math.sin(x)) })).toEqual([]);
    expect(await compare({ targets: rows.map(([x, y]) => [x * y, x]), metrics: ["r2"] })).toEqual(["r2"]);
    expect(await compare({ inputs, targets: Float32Array.from(quadrant) })).toEqual(["accuracy"]);
  });

  it("takes a network that leaves the finite numbers as a result", async () => {
    const { rows: compared } = await compareActivations({
      inputs, targets: rows.map(([x]) => 1e18 * x), activations: ["exponential", "tanh"], folds: 2, threads: 1, epochs: 30, optimizer: { name: "sgd", learningRate: 1e3, momentum: 0, nesterov: false },
    });
    expect(compared.length).toBe(2);
  });

  it.each<[string, object, RegExp]>([
    ["softmax", { activations: ["relu", "softmax"] }, /activations\[1\]: expected an activation for hidden layers/],
    ["an unknown name", { activations: ["rleu"] }, /Did you mean 'relu'/],
    ["no activation", { activations: [] }, /at least/],
    ["the same activation twice", { activations: ["tanh", "relu", "tanh"] }, /activations\[2\]: expected each activation once, got 'tanh'. It is activations\[0\] too$/],
    ["the same with its parameters written out", { activations: ["leakyRelu", leakyRelu({ slope: 0.01 })] }, /activations\[1\]: expected each activation once/],
    ["no hidden layer", { hidden: [] }, /a hidden layer at least/],
    ["too many folds", { folds: ROWS + 1 }, /folds: expected/],
    ["other targets than samples", { targets: [1, 2, 3] }, /targets/],
    ["an option that it has not", { epoch: 3 }, /Did you mean 'epochs'/],
    ["a bad number", { inputs: [[1, 2], [3, NaN]], targets: [0, 1] }, /inputs\[1\]\[1\]/],
  ])("refuses %s", async (_, options, message) => {
    await expect(compareActivations({ inputs: rows, targets: quadrant, ...options })).rejects.toThrow(message);
  });

  it("gives the same bytes side by side as one after the other", () => {
    // the package itself, whose file of the worker lies beside it
    const script = `
      import { compareActivations, customActivation } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
      const inputs = Float32Array.from({ length: 160 }, (_, i) => Math.fround(((i * 7919) % 101) / 50 - 1));
      const targets = Array.from({ length: 80 }, (_, r) => (inputs[2 * r] * inputs[2 * r + 1] > 0 ? 1 : 0));
      const run = async (threads) => (await compareActivations({ inputs, targets, activations: ["tanh", "relu", "prelu"], folds: 3, epochs: 8, threads })).rows.map(({ seconds, ...row }) => row);
      const [one, three] = [JSON.stringify(await run(1)), JSON.stringify(await run(3))];
      const stopped = await compareActivations({ inputs, targets, epochs: 5000, threads: 2, signal: AbortSignal.timeout(300) }).catch((error) => error.name);
      const square = customActivation({ name: "square", forward: (z, a) => z.forEach((x, i) => (a[i] = x * x)), derivative: (z, _, d) => z.forEach((x, i) => (d[i] = 2 * x)) });
      const own = (await compareActivations({ inputs, targets, activations: ["tanh", square], folds: 2, epochs: 2, threads: 2 })).rows.map(({ activation }) => activation);
      console.log(JSON.stringify({ same: one === three, length: one.length, stopped, own }));`;
    const { same, length, stopped, own } = JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", cwd: fileURLToPath(new URL("..", import.meta.url)) }));
    expect({ same, stopped, own }).toEqual({ same: true, stopped: "TimeoutError", own: ["tanh", "square"] });
    expect(length).toBeGreaterThan(500);
  });
});

describe("the test of differences", () => {
  it("has the tails of Student's distribution, as scipy 1.x gives them", () => {
    for (const [t, degrees, tail] of [
      [0.5, 1, 0.7048327646991336],
      [2.776445, 4, 0.05000000538209156],
      [-3.1, 4, 0.03622111103743912],
      [12, 9, 7.699886222985645e-07],
      [0.01, 30, 0.9920874925731777],
      [4.2, 2, 0.05228326694629916],
      [60, 4, 4.621068727635135e-07],
    ]) expect(Math.abs(studentTail(t, degrees) - tail)).toBeLessThan(1e-12 * Math.max(tail, 1e-3));
  });

  it("is the paired test with the variance of overlapping training parts", () => {
    const [a, b] = [[0.3, 0.5, 0.4, 0.6, 0.35], [0.2, 0.45, 0.41, 0.4, 0.3]];
    const d = a.map((value, i) => value - b[i]);
    const mean = d.reduce((sum, value) => sum + value) / 5;
    const variance = d.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 4;
    expect(pairedTest(a, b, 1 / 4)).toBeCloseTo(studentTail(mean / Math.sqrt((1 / 5 + 1 / 4) * variance), 4), 14);
    expect(pairedTest(a, a, 1 / 4)).toBe(1);
    expect(pairedTest(a, a.map((value) => value + 1), 1 / 4)).toBeLessThan(1e-12);
    expect(pairedTest(a, b, 1 / 4)).toBe(pairedTest(b, a, 1 / 4));
  });

  it("looks at all differences together", () => {
    expect(holm([0.01, 0.04, 0.03])).toEqual([true, false, false]);
    expect(holm([0.01, 0.02, 0.04])).toEqual([true, true, true]);
    expect(holm([])).toEqual([]);
  });
});
