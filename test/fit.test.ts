// fit by the contract's section 8: what an epoch reports, what is held out, what stops it, what weights, clipping and
// schedules do, how it shares the event loop, and in what state each kind of end leaves the network.

import { afterEach, describe, expect, test, vi } from "vitest";
import {
  adam, adamw, cosineDecay, crossEntropy, dense, DivergenceError, exponentialDecay, Network, oneCycle, prelu, reduceOnPlateau, rmsprop, sgd, stepDecay,
} from "../src/index.js";
import type { BatchReport, EpochReport, FitOptions, LayerSpec, Optimizer } from "../src/index.js";
import { Model } from "../src/model.js";

afterEach(() => void vi.restoreAllMocks());

/** Numbers that look random and are the same everywhere: Park and Miller's generator, in (−1, 1). */
function numbers(count: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  });
}

const SAMPLES = 26;
const inputs = numbers(SAMPLES * 3, 1);
const rows = numbers(SAMPLES * 2, 2);
/** Unequal classes: 13 of class 0, 8 of class 1, 5 of class 2. */
const classes = Array.from({ length: SAMPLES }, (_, i) => (i % 2 === 0 ? 0 : i < 16 ? 1 : 2));

const regression = (layers: LayerSpec[] = [dense(5, "tanh"), dense(2)], seed = 4): Promise<Network> => Network.create({ inputs: 3, layers, seed });
const classifier = (seed = 4): Promise<Network> => Network.create({ inputs: 3, layers: [dense(5, prelu()), dense(3, "softmax")], seed });

/** Reports without the one figure that time makes. */
const timeless = (reports: readonly EpochReport[]) => reports.map(({ samplesPerSecond, ...report }) => report);

/** A fit that keeps what it reports. */
async function recorded(network: Network, targets: Float32Array | number[], options: FitOptions) {
  const batches: BatchReport[] = [];
  const history = await network.fit(inputs, targets, { ...options, onBatch: (report) => void batches.push(report) });
  return { batches, ...history };
}

/** −ln p of each sample's class. */
const crossEntropies = (network: Network): number[] => {
  const p = network.predict(inputs);
  return classes.map((k, i) => -Math.log(p[3 * i + k]));
};
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe("an epoch's report", () => {
  test("has the mean of the batches' losses by their numbers of samples, the last batch being smaller", async () => {
    const { batches, epochs } = await recorded(await regression(), rows, { batchSize: 8, shuffle: false });
    expect(batches.map(({ epoch, step }) => [epoch, step])).toEqual([[1, 1], [1, 2], [1, 3], [1, 4]]);
    expect(epochs[0].loss).toBe(sum(batches.map(({ loss }, i) => loss * [8, 8, 8, 2][i])) / SAMPLES);

    const stepped = await regression();
    const losses = [[0, 8], [8, 16], [16, 24], [24, 26]].map(([a, b]) => stepped.trainBatch(inputs.subarray(3 * a, 3 * b), rows.subarray(2 * a, 2 * b)));
    expect(batches.map(({ loss }) => loss)).toEqual(losses);
  });

  test("has losses taken before each step, with the penalty, by hand", async () => {
    const network = await regression([dense(5, { activation: "tanh", l1: 0.01 }), dense(2, { l2: 0.02 })]);
    const penalty = 0.01 * sum([...network.layers[0].weights].map(Math.abs)) + 0.02 * sum([...network.layers[1].weights].map((w) => w * w));
    const p = network.predict(inputs);
    const squares = [...p].map((x, i) => (x - rows[i]) ** 2);
    const { epochs } = await network.fit(inputs, rows, { batchSize: 100 });
    expect(epochs[0].loss).toBeCloseTo(sum(squares) / squares.length + penalty, 6);
    expect(network.evaluate(inputs, rows).loss).toBeLessThan(sum(squares) / squares.length + penalty);
  });

  test("counts epochs from 1 in each fit, steps from 1 in each epoch", async () => {
    const network = await regression();
    for (let run = 0; run < 2; run++) {
      const { batches, epochs } = await recorded(network, rows, { epochs: 2, batchSize: 13 });
      expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
      expect(batches.map(({ epoch, step }) => [epoch, step])).toEqual([[1, 1], [1, 2], [2, 1], [2, 2]]);
    }
  });

  test("has the accuracy of classifiers and no metric of others, unless asked", async () => {
    const keys = async (network: Network, targets: Float32Array | number[], options: FitOptions = {}) => {
      const { epochs: [report] } = await network.fit(inputs, targets, { ...options, validationSplit: 0.2 });
      expect(Object.keys(report.validation!.metrics)).toEqual(Object.keys(report.metrics));
      return Object.keys(report.metrics);
    };
    expect(await keys(await classifier(), classes)).toEqual(["accuracy"]);
    expect(await keys(await classifier(), classes, { metrics: [] })).toEqual([]);
    expect(await keys(await regression(), rows)).toEqual([]);
    expect(await keys(await regression(), rows.map(Math.sign), { loss: "hinge" })).toEqual(["accuracy"]);
    expect(await keys(await regression([dense(2, "sigmoid")]), rows.map(Math.abs))).toEqual(["accuracy"]);
    expect(await keys(await regression(), rows, { metrics: ["r2", "meanAbsoluteError", "r2"] })).toEqual(["r2", "meanAbsoluteError"]);
    expect(await keys(await classifier(), classes, { earlyStopping: { patience: 3, monitor: "f1" } })).toEqual(["accuracy", "f1"]);
  });

  test("r2 of targets far from 0 is as exact as that of others", async () => {
    // f32 has steps of 8 there: squares and sums of the targets themselves would leave nothing of their deviation
    const targets = Float32Array.from({ length: 100 }, (_, i) => 1e8 + 8 * (i % 3));
    const network = await Network.create({ inputs: 1, layers: [dense(1, { weightInit: "zeros" })] });
    const { epochs: [{ metrics }] } = await network.fit(Float32Array.from({ length: 100 }, () => 1), targets, { metrics: ["r2"], batchSize: 7, optimizer: sgd({ learningRate: 1e-30 }) });
    const mean = targets.reduce((sum, value) => sum + value, 0) / 100;
    const wanted = 1 - targets.reduce((sum, value) => sum + value ** 2, 0) / targets.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    expect(metrics.r2 / wanted).toBeCloseTo(1, 9);
  });

  test("has metrics of the same forward passes as the loss", async () => {
    const network = await classifier();
    const before = network.evaluate(inputs, classes, { metrics: ["accuracy", "f1", "auc", "r2"] });
    const { epochs } = await network.fit(inputs, classes, { epochs: 2, batchSize: 100, metrics: ["accuracy", "f1", "auc", "r2"] });
    for (const [name, value] of Object.entries(before.metrics)) expect(epochs[0].metrics[name], name).toBeCloseTo(value, 6);
    expect(epochs[1].metrics.r2).not.toBe(epochs[0].metrics.r2);
  });

  test("has the same accuracy whether it is counted alone or made with others", async () => {
    for (const [make, targets] of [[classifier, classes], [() => regression([dense(2, "sigmoid")]), rows.map(Math.abs).map(Math.round)]] as const) {
      const options: FitOptions = { epochs: 3, batchSize: 7, loss: make === classifier ? "crossEntropy" : "binaryCrossEntropy" };
      const alone = await (await make()).fit(inputs, targets, { ...options, metrics: ["accuracy"] });
      const together = await (await make()).fit(inputs, targets, { ...options, metrics: ["accuracy", "precision"] });
      expect(together.epochs.map(({ metrics }) => metrics.accuracy)).toEqual(alone.epochs.map(({ metrics }) => metrics.accuracy));
    }
  });

  test("has the rate of the last step and a speed", async () => {
    const { epochs, batches } = await recorded(await regression(), rows, { epochs: 2, batchSize: 10, optimizer: sgd({ learningRate: stepDecay({ initial: 0.1, every: 4 }) }) });
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual([batches[2].learningRate, batches[5].learningRate]);
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual([0.1, expect.closeTo(0.01, 12)]);
    for (const { samplesPerSecond } of epochs) expect(samplesPerSecond).toBeGreaterThan(0);
  });
});

describe("validation", () => {
  /** The samples that validationSplit holds out: those whose loss the report's is the mean of, found by training on the others alone. */
  async function heldOut(fraction: number, targets: number[] | Float32Array, make: () => Promise<Network>): Promise<number[]> {
    // A weight of 0 for one sample changes the training loss of the only batch, unless the sample is held out.
    const lossOf = async (weights: number[]) => {
      const network = await make();
      return (await network.fit(inputs, targets, { batchSize: 100, validationSplit: fraction, sampleWeights: weights })).epochs[0].loss;
    };
    const all = await lossOf(new Array<number>(SAMPLES).fill(1));
    const held: number[] = [];
    for (let i = 0; i < SAMPLES; i++) if (await lossOf(Array.from({ length: SAMPLES }, (_, k) => (k === i ? 0.5 : 1))) === all) held.push(i);
    return held;
  }

  test("holds out round(v · n), halves upwards, and not nothing", async () => {
    for (const [fraction, count] of [[0.1, 3], [0.25, 7], [0.001, 1], [0.5, 13], [0.48, 12]]) {
      expect((await heldOut(fraction, rows, regression)).length, String(fraction)).toBe(count);
    }
  });

  test("is drawn by the seed alone", async () => {
    const first = await heldOut(0.25, rows, regression);
    const other = await heldOut(0.25, rows, () => regression([dense(2, "relu")]));
    expect(other).toEqual(first);
    expect(await heldOut(0.25, rows, () => regression(undefined, 5))).not.toEqual(first);
  });

  test("takes each class's share", async () => {
    const held = await heldOut(0.2, classes, classifier);
    // 5 of 26: 13, 8 and 5 samples give 2.5, 1.54 and 0.96; the largest remainders are those of class 2 and 1.
    expect([0, 1, 2].map((k) => held.filter((i) => classes[i] === k).length)).toEqual([2, 2, 1]);
  });

  test("reports what evaluate gives for the samples held out, which train nothing", async () => {
    const network = await classifier();
    const held = await heldOut(0.3, classes, classifier);
    const { epochs } = await network.fit(inputs, classes, { epochs: 3, batchSize: 5, validationSplit: 0.3 });
    const part = (list: number[]) => [Float32Array.from(list.flatMap((i) => [...inputs.subarray(3 * i, 3 * i + 3)])), list.map((i) => classes[i])] as const;
    expect(epochs[2].validation).toEqual(network.evaluate(...part(held)));

    const alone = await classifier();
    const rest = Array.from({ length: SAMPLES }, (_, i) => i).filter((i) => !held.includes(i));
    const { epochs: reports } = await alone.fit(...part(rest), { epochs: 3, batchSize: 5, shuffle: false, validationData: [...part(held)] });
    const { epochs: split } = await (await classifier()).fit(inputs, classes, { epochs: 3, batchSize: 5, shuffle: false, validationSplit: 0.3 });
    expect(timeless(split)).toEqual(timeless(reports));
  });

  test("takes rows where training has class indices, and class indices where it has rows", async () => {
    const oneHot = classes.map((k) => [0, 1, 2].map((j) => (j === k ? 1 : 0)));
    const reports = [];
    for (const [training, validating] of [[classes, classes], [classes, oneHot], [oneHot, classes], [oneHot, oneHot]] as const) {
      const network = await classifier();
      const { epochs } = await network.fit(inputs, training, { epochs: 2, loss: crossEntropy({ labelSmoothing: 0.1 }), validationData: [inputs, validating], metrics: ["accuracy", "f1"] });
      expect(epochs[1].validation).toEqual(network.evaluate(inputs, classes, { metrics: ["accuracy", "f1"] }));
      reports.push(timeless(epochs));
    }
    for (const report of reports) expect(report).toEqual(reports[0]);
  });

  test("changes nothing of the training", async () => {
    const [plain, validated] = [await classifier(), await classifier()];
    await plain.fit(inputs, classes, { epochs: 3, batchSize: 4 });
    await validated.fit(inputs, classes, { epochs: 3, batchSize: 4, validationData: [numbers(300 * 3, 8), new Array(300).fill(1)], metrics: ["auc"] });
    expect(validated.save()).toEqual(plain.save());
  });
});

describe("early stopping", () => {
  /** Validation targets far off, so that training makes the validation loss worse from some epoch on. */
  const validationData: [Float32Array, Float32Array] = [inputs, rows.map((x) => x * 0.2)];
  const options: FitOptions = { epochs: 60, batchSize: 4, optimizer: adam({ learningRate: 0.05 }), validationData };

  test("stops `patience` epochs after the best and restores its weights after the last onEpoch", async () => {
    const network = await regression();
    const weights: Float32Array[] = [];
    const onEpoch = (): void => void weights.push(network.layers[0].weights.slice());
    const { epochs, bestEpoch, stopped } = await network.fit(inputs, rows, { ...options, earlyStopping: { patience: 3 }, onEpoch });
    const losses = epochs.map(({ validation }) => validation!.loss);
    expect(stopped).toBe("early");
    expect(bestEpoch).toBe(1 + losses.indexOf(Math.min(...losses)));
    expect(epochs.length).toBe(bestEpoch + 3);
    expect(weights[bestEpoch - 1]).not.toEqual(weights.at(-1));
    expect(network.layers[0].weights).toEqual(weights[bestEpoch - 1]);
    expect(network.evaluate(...validationData).loss).toBe(Math.min(...losses));
  });

  test("keeps the last weights where restoreBest is false", async () => {
    const network = await regression();
    const { epochs } = await network.fit(inputs, rows, { ...options, earlyStopping: { patience: 3, restoreBest: false } });
    expect(network.evaluate(...validationData).loss).toBe(epochs.at(-1)!.validation!.loss);
  });

  test("restores the best weights of a fit that runs to its end or that a callback stops", async () => {
    for (const onEpoch of [undefined, ({ epoch }: EpochReport) => (epoch === 20 ? false : undefined)]) {
      const network = await regression();
      const { epochs, bestEpoch, stopped } = await network.fit(inputs, rows, { ...options, epochs: 20, earlyStopping: { patience: 100 }, onEpoch });
      expect([epochs.length, stopped]).toEqual([20, onEpoch === undefined ? "completed" : "callback"]);
      expect(bestEpoch).toBeLessThan(20);
      expect(network.evaluate(...validationData).loss).toBe(epochs[bestEpoch - 1].validation!.loss);
    }
  });

  test("takes the first of equals, and improvements above minDelta alone", async () => {
    const frozen = await regression([dense(2, { trainable: false })]);
    const equal = await frozen.fit(inputs, rows, { epochs: 9, earlyStopping: { patience: 4 } });
    expect([equal.bestEpoch, equal.epochs.length, equal.stopped]).toEqual([1, 5, "early"]);

    const slow: FitOptions = { epochs: 30, shuffle: false, batchSize: 100, optimizer: sgd({ learningRate: 1e-4 }) };
    const falling = await (await regression()).fit(inputs, rows, { ...slow, earlyStopping: { patience: 2 } });
    expect([falling.bestEpoch, falling.stopped]).toEqual([30, "completed"]);
    const tooSlow = await (await regression()).fit(inputs, rows, { ...slow, earlyStopping: { patience: 2, minDelta: 0.1 } });
    expect([tooSlow.bestEpoch, tooSlow.epochs.length, tooSlow.stopped]).toEqual([1, 3, "early"]);
  });

  test("with patience 0 stops at the first epoch that is no better", async () => {
    const { epochs, bestEpoch } = await (await regression()).fit(inputs, rows, { ...options, earlyStopping: { patience: 0 } });
    expect(epochs.length).toBe(bestEpoch + 1);
  });

  test("watches a metric, of which the greater may be the better, of training data where there is no other", async () => {
    for (const [monitor, better] of [["r2", Math.max], ["meanAbsoluteError", Math.min]] as const) {
      const { epochs, bestEpoch } = await (await regression()).fit(inputs, rows, { epochs: 12, batchSize: 5, earlyStopping: { patience: 50, monitor } });
      const values = epochs.map(({ metrics }) => metrics[monitor]);
      expect(bestEpoch).toBe(1 + values.indexOf(better(...values)));
    }
  });

  test("without it bestEpoch is by the loss, and an epoch of the last is not made", async () => {
    const { epochs, bestEpoch, stopped } = await (await regression()).fit(inputs, rows, { ...options, epochs: 12 });
    const losses = epochs.map(({ validation }) => validation!.loss);
    expect([bestEpoch, stopped, epochs.length]).toEqual([1 + losses.indexOf(Math.min(...losses)), "completed", 12]);
  });
});

describe("weights", () => {
  const sampleWeights = Float32Array.from({ length: SAMPLES }, (_, i) => (i % 5) / 2);

  test("of samples weigh the loss and its gradient", async () => {
    const network = await classifier();
    const expected = sum(crossEntropies(network).map((l, i) => l * sampleWeights[i])) / sum([...sampleWeights]);
    const { epochs } = await network.fit(inputs, classes, { batchSize: 100, sampleWeights, optimizer: sgd() });
    expect(epochs[0].loss).toBeCloseTo(expected, 6);

    // Whole weights are repetitions of the sample.
    const [weighted, repeated] = [await regression(), await regression()];
    const counts = Array.from({ length: SAMPLES }, (_, i) => i % 4);
    const list = counts.flatMap((n, i) => new Array<number>(n).fill(i));
    weighted.trainBatch(inputs, rows, { sampleWeights: counts, optimizer: sgd({ learningRate: 0.5 }) });
    repeated.trainBatch(list.map((i) => [...inputs.subarray(3 * i, 3 * i + 3)]), list.map((i) => [...rows.subarray(2 * i, 2 * i + 2)]), { optimizer: sgd({ learningRate: 0.5 }) });
    weighted.layers.forEach(({ weights }, l) => weights.forEach((w, k) => expect(w).toBeCloseTo(repeated.layers[l].weights[k], 6)));
  });

  test("of batches weigh the epoch: Σ W·L / Σ W", async () => {
    const { batches, epochs } = await recorded(await classifier(), classes, { batchSize: 8, shuffle: false, sampleWeights });
    const sums = [0, 8, 16, 24].map((first) => sum([...sampleWeights.subarray(first, first + 8)]));
    expect(epochs[0].loss).toBe(sum(batches.map(({ loss }, i) => loss * sums[i])) / sum(sums));
  });

  test("of classes weigh the loss, given or balanced, and multiply with those of samples", async () => {
    const balanced = [13, 8, 5].map((size) => SAMPLES / (3 * size));
    for (const [classWeights, byClass] of [[[1, 0.5, 3], [1, 0.5, 3]], ["balanced", balanced]] as const) {
      for (const own of [undefined, sampleWeights]) {
        const network = await classifier();
        const weights = classes.map((k, i) => byClass[k] * (own?.[i] ?? 1));
        const expected = sum(crossEntropies(network).map((l, i) => l * weights[i])) / sum(weights);
        const { epochs } = await network.fit(inputs, classes, { batchSize: 100, classWeights, sampleWeights: own });
        expect(epochs[0].loss).toBeCloseTo(expected, 6);
      }
    }
  });

  test("of classes hold for one output, at 0 and 1 or −1 and 1", async () => {
    const labels = classes.map((k) => (k === 0 ? 1 : 0));
    for (const [last, loss, targets] of [["sigmoid", "binaryCrossEntropy", labels], ["linear", "hinge", labels.map((t) => 2 * t - 1)]] as const) {
      const network = await regression([dense(1, last)]);
      const p = network.predict(inputs);
      const losses = labels.map((t, i) => (loss === "hinge" ? Math.max(0, 1 - (2 * t - 1) * p[i]) : -Math.log(t === 1 ? p[i] : 1 - p[i])));
      const weights = labels.map((t) => [0.25, 2][t]);
      const { epochs } = await network.fit(inputs, targets, { batchSize: 100, loss, classWeights: [0.25, 2] });
      expect(epochs[0].loss).toBeCloseTo(sum(losses.map((l, i) => l * weights[i])) / sum(weights), 6);
    }
  });

  test("that are all 0 in a batch count 0 and make no step", async () => {
    const some = Float32Array.from({ length: SAMPLES }, (_, i) => (i >= 8 && i < 16 ? 0 : 1));
    const [skipped, stepped] = [await classifier(), await classifier()];
    const { batches, epochs } = await recorded(skipped, classes, { batchSize: 8, shuffle: false, sampleWeights: some, metrics: ["accuracy", "meanSquaredError"] });
    const losses = [[0, 8], [16, 24], [24, 26]].map(([a, b]) => stepped.trainBatch(inputs.subarray(3 * a, 3 * b), classes.slice(a, b)));
    expect(batches.map(({ step, loss }) => [step, loss])).toEqual([[1, losses[0]], [3, losses[1]], [4, losses[2]]]);
    expect(epochs[0].loss).toBe((8 * losses[0] + 8 * losses[1] + 2 * losses[2]) / 18);
    skipped.layers.forEach(({ weights }, l) => expect(weights).toEqual(stepped.layers[l].weights));

    const before = skipped.save();
    expect(skipped.trainBatch(inputs, classes, { sampleWeights: new Float32Array(SAMPLES) })).toBe(0);
    expect(skipped.save()).toEqual(before);
    const none = await recorded(skipped, classes, { epochs: 2, sampleWeights: new Float32Array(SAMPLES) });
    expect(none.batches).toEqual([]);
    expect(none.epochs.map(({ loss, metrics }) => [loss, metrics])).toEqual([[0, { accuracy: 0 }], [0, { accuracy: 0 }]]);
  });

  test("of 0 take the batch out of the training metrics too", async () => {
    for (const metrics of [["accuracy"], ["accuracy", "meanSquaredError"]] as const) {
      const some = Float32Array.from({ length: SAMPLES }, (_, i) => (i >= 13 ? 0 : 1));
      const { epochs: [report] } = await (await classifier()).fit(inputs, classes, { batchSize: 13, shuffle: false, sampleWeights: some, metrics });
      const expected = (await classifier()).evaluate(inputs.subarray(0, 39), classes.slice(0, 13), { metrics });
      for (const name of metrics) expect(report.metrics[name]).toBeCloseTo(expected.metrics[name], 6);
    }
  });
});

describe("gradientClip", () => {
  const step = async (gradientClip?: FitOptions["gradientClip"]): Promise<number[]> => {
    const network = await regression();
    const before = network.layers.flatMap(({ weights, biases }) => [...weights, ...biases]);
    await network.fit(inputs, rows, { batchSize: 100, gradientClip, optimizer: sgd({ learningRate: 1 }) });
    return network.layers.flatMap(({ weights, biases }) => [...weights, ...biases]).map((w, i) => before[i] - w);
  };

  test("bounds the norm of all gradients together, or the magnitude of each", async () => {
    const free = await step();
    const norm = Math.hypot(...free);
    expect(Math.hypot(...await step({ norm: norm / 4 }))).toBeCloseTo(norm / 4, 5);
    (await step({ norm: norm / 4 })).forEach((g, i) => expect(g).toBeCloseTo(free[i] / 4, 6));
    (await step({ value: 0.05 })).forEach((g, i) => expect(g).toBeCloseTo(Math.min(0.05, Math.max(-0.05, free[i])), 6));
    expect(await step({ norm: 2 * norm })).toEqual(free);
    expect(await step({ value: 100 })).toEqual(free);
  });
});

describe("schedules", () => {
  /** The rates of 12 steps, in 2 fits of 2 epochs of 3 steps. */
  async function rates(learningRate: Extract<Optimizer, { name: "sgd" }>["learningRate"]): Promise<number[]> {
    const network = await regression();
    const reports = [];
    for (let run = 0; run < 2; run++) reports.push(...(await recorded(network, rows, { epochs: 2, batchSize: 10, optimizer: sgd({ learningRate }) })).batches);
    return reports.map((report) => report.learningRate);
  }
  const expectRates = (found: number[], rate: (t: number) => number): void => {
    expect(found.length).toBe(12);
    found.forEach((value, t) => expect(Math.abs(value - rate(t)), `t = ${t}: ${value}`).toBeLessThanOrEqual(1e-13));
  };

  test("run on over all fits", async () => {
    expectRates(await rates(0.125), () => 0.125);
    expectRates(await rates(stepDecay({ initial: 0.1, factor: 0.5, every: 4 })), (t) => 0.1 * 0.5 ** Math.floor(t / 4));
    expectRates(await rates(exponentialDecay({ initial: 0.1, rate: 0.9, every: 2 })), (t) => 0.1 * 0.9 ** (t / 2));
    expectRates(await rates(cosineDecay({ initial: 0.1, steps: 8, final: 0.01 })), (t) => 0.01 + 0.09 * (1 + Math.cos((Math.PI * Math.min(t, 8)) / 8)) / 2);
  });

  test("warm up by (t + 1)/warmupSteps", async () => {
    expectRates(await rates(stepDecay({ initial: 0.1, factor: 0.5, every: 4, warmupSteps: 5 })), (t) => 0.1 * 0.5 ** Math.floor(t / 4) * Math.min(1, (t + 1) / 5));
    expectRates(await rates(exponentialDecay({ initial: 0.1, rate: 0.9, warmupSteps: 3 })), (t) => 0.1 * 0.9 ** t * Math.min(1, (t + 1) / 3));
  });

  test("oneCycle rises to its peak and falls to the end, by cosines", async () => {
    const found = await rates(oneCycle({ max: 0.1, steps: 10, divide: 10, finalDivide: 100 }));
    const between = (from: number, to: number, share: number): number => to + (from - to) * (1 + Math.cos(Math.PI * share)) / 2;
    // The peak is at step 0.3 · 10 − 1 = 2, the end at step 9.
    expectRates(found, (t) => (t <= 2 ? between(0.01, 0.1, t / 2) : between(0.1, 1e-4, Math.min(1, (t - 2) / 7))));
  });

  test("reduceOnPlateau falls after more than `patience` epochs without a better measure", async () => {
    const frozen = await regression([dense(2, { trainable: false })]);
    const optimizer = adam({ learningRate: reduceOnPlateau({ initial: 0.1, factor: 0.5, patience: 2, minimum: 0.02 }) });
    const rate = async (epochs: number): Promise<number[]> => (await frozen.fit(inputs, rows, { epochs, optimizer })).epochs.map(({ learningRate }) => learningRate);
    // Epoch 1 is the best; 2, 3 and 4 are not better, so that epoch 5 has half the rate.
    expect(await rate(11)).toEqual([0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.02]);
    expect(await rate(1)).toEqual([0.02]);
  });

  test("reduceOnPlateau watches what early stopping would", async () => {
    // The training loss falls in every epoch, that of validation rises.
    const validationData: FitOptions["validationData"] = [inputs, (await regression()).predict(inputs)];
    const optimizer = sgd({ learningRate: reduceOnPlateau({ initial: 0.1, factor: 0.5, patience: 0 }) });
    const { epochs } = await (await regression()).fit(inputs, rows, { epochs: 4, batchSize: 100, optimizer, validationData });
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual([0.1, 0.1, 0.05, 0.025]);
    for (let i = 1; i < 4; i++) expect([epochs[i].loss < epochs[i - 1].loss, epochs[i].validation!.loss > epochs[i - 1].validation!.loss]).toEqual([true, true]);
    const own = await (await regression()).fit(inputs, rows, { epochs: 4, batchSize: 100, optimizer });
    expect(own.epochs.map(({ learningRate }) => learningRate)).toEqual([0.1, 0.1, 0.1, 0.1]);
  });
});

describe("optimizer and loss", () => {
  const bytes = async (...runs: FitOptions[]): Promise<Uint8Array> => {
    const network = await regression();
    for (const run of runs) await network.fit(inputs, rows, { batchSize: 10, ...run });
    return network.save();
  };

  test("are those of the last fit where none are given, and adam and the output's loss at first", async () => {
    expect(await bytes({}, {})).toEqual(await bytes({ optimizer: adam(), loss: "meanSquaredError" }, { optimizer: "adam", loss: "meanSquaredError" }));
    const given: FitOptions = { optimizer: rmsprop({ momentum: 0.5 }), loss: "logCosh" };
    expect(await bytes(given, {})).toEqual(await bytes(given, given));
    const network = await regression();
    const squared = network.evaluate(inputs, rows).loss;
    await network.fit(inputs, rows, { ...given, epochs: 1, optimizer: sgd({ learningRate: 1e-20 }) });
    expect(network.evaluate(inputs, rows)).toEqual(network.evaluate(inputs, rows, { loss: "logCosh" }));
    expect(network.evaluate(inputs, rows, { loss: "meanSquaredError" }).loss).toBe(squared);
    expect(network.gradients(inputs, rows).loss).toBeCloseTo(network.evaluate(inputs, rows, { loss: "logCosh" }).loss, 6);
  });

  test("of the same kind with other numbers go on with slots and step count", async () => {
    const network = await regression();
    const learningRate = stepDecay({ initial: 0.1, factor: 0.5, every: 3 });
    await network.fit(inputs, rows, { batchSize: 10, optimizer: adam() });
    const { batches } = await recorded(network, rows, { batchSize: 10, optimizer: adam({ learningRate }) });
    expect(batches.map((report) => report.learningRate)).toEqual([0.05, 0.05, 0.05]);
    // The moments too: another start would give another end.
    const fresh = await regression();
    await fresh.fit(inputs, rows, { batchSize: 10, optimizer: adam() });
    fresh.resetOptimizer();
    await fresh.fit(inputs, rows, { batchSize: 10, optimizer: adam({ learningRate: 0.05 }) });
    expect(fresh.layers[0].weights).not.toEqual(network.layers[0].weights);
  });

  test("of another kind start anew, and again when they come back", async () => {
    const rate = async (network: Network, optimizer: FitOptions["optimizer"]) => (await network.fit(inputs, rows, { batchSize: 10, optimizer })).epochs[0].learningRate;
    const learningRate = stepDecay({ initial: 0.5, factor: 0.5, every: 3 });
    const network = await regression();
    for (const optimizer of [adam({ learningRate }), adamw({ learningRate }), sgd({ learningRate }), sgd({ learningRate, momentum: 0.9 }), adam({ learningRate })]) {
      const expected = optimizer.name === "sgd" && optimizer.momentum > 0 ? 0.25 : 0.5;
      expect(await rate(network, optimizer), optimizer.name).toBe(expected);
    }
  });

  test("start anew after resetOptimizer, with their kind and numbers", async () => {
    const reset = await regression();
    await reset.fit(inputs, rows, { epochs: 2, optimizer: "nadam", loss: "huber" });
    reset.resetOptimizer();
    const other = await regression();
    reset.layers.forEach(({ weights, biases }, l) => {
      other.layers[l].weights.set(weights);
      other.layers[l].biases.set(biases);
    });
    reset.trainBatch(inputs, rows);
    other.trainBatch(inputs, rows, { optimizer: "nadam", loss: "huber" });
    reset.layers.forEach(({ weights, biases }, l) => expect([weights, biases]).toEqual([other.layers[l].weights, other.layers[l].biases]));
  });
});

describe("frozen layers", () => {
  test.each(["sgd", "adam", "adamw", "lion", "rmsprop", "adagrad", "nadam"] as const)("keep their bytes under %s, and so do their slots", async (name) => {
    const optimizer: Optimizer | typeof name = name === "adamw" ? adamw({ weightDecay: 0.5 }) : name;
    const make = (trainable: boolean) => regression([dense(5, { activation: prelu(), trainable, l2: 0.1 }), dense(4, "tanh"), dense(2, { trainable })]);
    const network = await make(false);
    expect(network.parameterCount).toBe(24);
    const before = network.layers.map(({ weights, biases }) => [weights.slice(), biases.slice()]);
    await network.fit(inputs, rows, { epochs: 3, batchSize: 5, optimizer, gradientClip: { norm: 0.5 } });
    const after = network.layers.map(({ weights, biases }) => [weights.slice(), biases.slice()]);
    expect([after[0], after[2]]).toEqual([before[0], before[2]]);
    expect(after[1]).not.toEqual(before[1]);
    expect([...network.layers[0].slopes!]).toEqual(new Array(5).fill(0.25));
    // What is trained is trained as it would be with the others free, but for them: one step, without a clip.
    const [frozen, free] = [await make(false), await make(true)];
    for (const each of [frozen, free]) each.trainBatch(inputs, rows, { optimizer });
    expect(frozen.layers[1].weights).toEqual(free.layers[1].weights);
    expect(frozen.layers[0].weights).not.toEqual(free.layers[0].weights);
  });

  test("may be all", async () => {
    const network = await regression([dense(5, { activation: "tanh", trainable: false }), dense(2, { trainable: false, l1: 0.5 })]);
    const weights = network.layers.map((layer) => layer.weights.slice());
    const penalty = 0.5 * sum([...network.layers[1].weights].map(Math.abs));
    const { epochs } = await network.fit(inputs, rows, { epochs: 2, batchSize: 100, optimizer: "adamw", gradientClip: { norm: 1 } });
    expect(epochs.map(({ loss }) => loss)).toEqual([expect.closeTo(network.evaluate(inputs, rows).loss + penalty, 6), epochs[0].loss]);
    expect(network.layers.map((layer) => layer.weights)).toEqual(weights);
    expect(network.parameterCount).toBe(0);
  });
});

describe("callbacks", () => {
  test("of an epoch that return false stop the fit there", async () => {
    const network = await regression();
    const { epochs, stopped } = await network.fit(inputs, rows, { epochs: 9, onEpoch: ({ epoch }) => (epoch === 3 ? false : undefined) });
    expect([epochs.length, stopped]).toEqual([3, "callback"]);
    const other = await regression();
    await other.fit(inputs, rows, { epochs: 3 });
    expect(network.save()).toEqual(other.save());
  });

  test("of an epoch are awaited", async () => {
    const order: string[] = [];
    const onEpoch = async ({ epoch }: EpochReport): Promise<void | false> => {
      order.push(`begin ${epoch}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(`end ${epoch}`);
      if (epoch === 2) return false;
    };
    await (await regression()).fit(inputs, rows, { epochs: 5, onBatch: ({ epoch }) => void order.push(`batch ${epoch}`), onEpoch });
    expect(order).toEqual(["batch 1", "begin 1", "end 1", "batch 2", "begin 2", "end 2"]);
  });

  test.each([
    ["onBatch", { onBatch: ({ epoch, step }: BatchReport) => { if (epoch === 2 && step === 2) throw REASON; } }, 5],
    ["onEpoch", { onEpoch: ({ epoch }: EpochReport) => { if (epoch === 2) throw REASON; } }, 6],
    ["an async onEpoch", { onEpoch: async ({ epoch }: EpochReport) => { if (epoch === 2) throw REASON; } }, 6],
  ])("that throw: the error of %s comes out unchanged and leaves the last finished step", async (_, callbacks, steps) => {
    const network = await regression();
    const stepped = await regression();
    await expect(network.fit(inputs, rows, { epochs: 4, batchSize: 10, shuffle: false, ...callbacks })).rejects.toBe(REASON);
    for (let i = 0; i < steps; i++) {
      const first = 10 * (i % 3);
      stepped.trainBatch(inputs.subarray(3 * first, 3 * first + 30), rows.subarray(2 * first, 2 * first + 20));
    }
    network.layers.forEach(({ weights, biases }, l) => expect([weights, biases]).toEqual([stepped.layers[l].weights, stepped.layers[l].biases]));
    // And the optimizer with it.
    for (const each of [network, stepped]) each.trainBatch(inputs, rows);
    expect(network.layers[0].weights).toEqual(stepped.layers[0].weights);
  });
});

const REASON = { what: "no Error, and handed out as it is" };

describe("an AbortSignal", () => {
  test("that is aborted already rejects with its reason and changes nothing", async () => {
    const network = await regression();
    const before = network.save();
    await expect(network.fit(inputs, rows, { signal: AbortSignal.abort(REASON) })).rejects.toBe(REASON);
    await expect(network.fit(inputs, rows, { signal: AbortSignal.abort() })).rejects.toThrow(/abort/i);
    expect(network.save()).toEqual(before);
    // Wrong arguments come first.
    await expect(network.fit([1], rows, { signal: AbortSignal.abort(REASON) })).rejects.toThrow(RangeError);
  });

  test("aborted in onBatch ends the fit after that step", async () => {
    const network = await regression();
    const controller = new AbortController();
    const seen: number[] = [];
    const onBatch = ({ step }: BatchReport): void => {
      seen.push(step);
      if (step === 2) controller.abort(REASON);
    };
    await expect(network.fit(inputs, rows, { batchSize: 5, onBatch, signal: controller.signal })).rejects.toBe(REASON);
    expect(seen).toEqual([1, 2]);
    expect(network.trainBatch(inputs, rows)).toBeGreaterThan(0);
  });

  test("aborted in onEpoch ends the fit after that epoch", async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const onEpoch = ({ epoch }: EpochReport): void => {
      seen.push(epoch);
      if (epoch === 2) controller.abort(REASON);
    };
    await expect((await regression()).fit(inputs, rows, { epochs: 5, onEpoch, signal: controller.signal })).rejects.toBe(REASON);
    expect(seen).toEqual([1, 2]);
  });

  test("aborted by a timer ends a fit that would run for ever, and one in a long validation", async () => {
    const large = numbers(3 * 400_000, 3);
    const cases: FitOptions[] = [{ epochs: 2 ** 31 - 1 }, { epochs: 2 ** 31 - 1, validationData: [large, large.subarray(0, 800_000)] }];
    for (const options of cases) {
      const network = await regression();
      const controller = new AbortController();
      setTimeout(() => controller.abort(REASON), 30);
      const started = performance.now();
      await expect(network.fit(inputs, rows, { ...options, signal: controller.signal })).rejects.toBe(REASON);
      expect(performance.now() - started).toBeLessThan(2000);
      expect((await network.fit(inputs, rows)).epochs.length).toBe(1);
    }
  });
});

describe("a long validation", () => {
  test("is not finished once the signal is aborted", async () => {
    const many = 100_000;
    const validationInputs = Array.from({ length: many }, (_, i) => [i / many, 0, 1]);
    const oneHot = Array.from({ length: many }, () => [1, 0, 0]);
    let reads = 0;
    let trained = false;
    const controller = new AbortController();
    // Rows where training has class indices are read as they are needed; the first that is read after training arms the abort.
    const get = (rowsOfData: number[][], key: PropertyKey, receiver: unknown): unknown => {
      if (trained && reads++ === 0) setImmediate(() => controller.abort(REASON));
      return Reflect.get(rowsOfData, key, receiver);
    };
    const counted = new Proxy(validationInputs, { get });
    const onBatch = (): void => {
      trained = true;
    };
    await expect((await classifier()).fit(inputs, classes, { batchSize: 100, validationData: [counted, oneHot], onBatch, signal: controller.signal })).rejects.toBe(REASON);
    expect(reads).toBeGreaterThan(0);
    expect(reads).toBeLessThan(many);
  });
});

describe("the event loop", () => {
  /** The longest stretches of computing between two turns while `work` runs, in ms, longest first: by the clock or by the CPU time, whichever is less, since other processes run too. */
  async function stretches(work: Promise<unknown>): Promise<number[]> {
    const found: number[] = [];
    let running = true;
    let clock = performance.now();
    let cpu = process.cpuUsage();
    const turn = (): void => {
      const used = process.cpuUsage(cpu);
      found.push(Math.min(performance.now() - clock, (used.user + used.system) / 1000));
      clock = performance.now();
      cpu = process.cpuUsage();
      if (running) setImmediate(turn);
    };
    setImmediate(turn);
    await work;
    running = false;
    return found.sort((a, b) => b - a);
  }

  const many = 60_000;
  const data = { inputs: numbers(many * 3, 5), classes: Array.from({ length: many }, (_, i) => i % 3) };
  test.each<[string, FitOptions]>([
    ["many small steps", { epochs: 4, batchSize: 8 }],
    ["few large steps", { epochs: 40, batchSize: 6000 }],
    ["a callback each step", { epochs: 6, batchSize: 8, onBatch: () => undefined }],
    ["large validation data", { epochs: 12, batchSize: 4000, validationData: [data.inputs, data.classes] }],
  ])("has its turn at least every 16 ms: %s", async (_, options) => {
    const network = await Network.create({ inputs: 3, layers: [dense(24, "tanh"), dense(3, "softmax")], seed: 1 });
    // Compiled and checked once before, so that what is measured is the loop of the fit.
    await network.fit(data.inputs, data.classes, { ...options, epochs: 1 });
    let found = await stretches(network.fit(data.inputs, data.classes, options));
    // a machine that was busy with other tests is asked again; a loop that is too long is so each time
    for (let again = 0; again < 2 && found[2] >= 16; again++) found = await stretches(network.fit(data.inputs, data.classes, options));
    expect(found.length).toBeGreaterThan(4);
    // The first of all holds the check of the arguments; a pause of the garbage collector may make one more.
    expect(found[2], `longest: ${found.slice(0, 6).map((ms) => ms.toFixed(1)).join(", ")} ms of ${found.length}`).toBeLessThan(16);
  });

  test("lets timers fire on time", async () => {
    const network = await regression();
    const controller = new AbortController();
    const late: number[] = [];
    let expected = performance.now() + 5;
    const timer = setInterval(() => {
      late.push(performance.now() - expected);
      expected = performance.now() + 5;
      if (late.length === 20) controller.abort();
    }, 5);
    await expect(network.fit(inputs, rows, { epochs: 2 ** 31 - 1, signal: controller.signal })).rejects.toThrow();
    clearInterval(timer);
    expect(late.sort((a, b) => a - b)[10]).toBeLessThan(30);
  });
});

describe("divergence", () => {
  async function failure(work: Promise<unknown>): Promise<DivergenceError> {
    const error = await work.then(() => undefined, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(DivergenceError);
    expect(error).toBeInstanceOf(Error);
    expect((error as Error).name).toBe("DivergenceError");
    return error as DivergenceError;
  }

  test("of the loss names epoch, step, layer and what to do", async () => {
    const network = await regression([dense(5, "relu"), dense(4, "relu"), dense(2)]);
    const before = network.save();
    const error = await failure(network.fit(inputs.map((x) => x * 1000), rows, { epochs: 5, batchSize: 10, shuffle: false, optimizer: sgd({ learningRate: 1e6 }) }));
    expect([error.epoch, error.step]).toEqual([1, expect.any(Number)]);
    expect(error.step).toBeGreaterThan(1);
    expect(error.layer).toBeGreaterThanOrEqual(0);
    expect(error.layer).toBeLessThan(3);
    expect(error.message).toMatch(new RegExp(`^fit: the loss became (NaN|Infinity) at epoch 1, step ${error.step}, first in layer ${error.layer} \\((relu|linear)\\)\\. `));
    expect(error.message.endsWith(error.advice)).toBe(true);
    expect(error.advice).toMatch(/^Lower learningRate \(1000000 of sgd\) or scale the inputs \(largest value 9\d\d/);
    expect((await Network.load(network.save({ optimizer: false }))).layers.map((layer) => layer.weights)).toEqual((await Network.load(before)).layers.map((layer) => layer.weights));
  });

  test.each([
    ["step count", cosineDecay({ initial: 0.05, steps: 40 })], ["plateau", reduceOnPlateau({ initial: 0.1, factor: 0.5, patience: 0, minDelta: 10 })],
  ])("restores the end of the last good epoch: weights, slots, order and %s", async (_, learningRate) => {
    const options: FitOptions = { batchSize: 10, optimizer: adam({ learningRate }) };
    const network = await regression();
    let epochs = 0;
    const onBatch = ({ epoch, step }: BatchReport): void => {
      if (epoch === 3 && step === 2) network.layers[1].weights[3] = NaN;
    };
    const error = await failure(network.fit(inputs, rows, { ...options, epochs: 5, onBatch, onEpoch: () => void epochs++ }));
    expect([error.epoch, error.step, error.layer, epochs]).toEqual([3, 3, 1, 2]);
    const good = await regression();
    await good.fit(inputs, rows, { ...options, epochs: 2 });
    expect(network.save()).toEqual(good.save());
    for (const each of [network, good]) await each.fit(inputs, rows, { epochs: 2, batchSize: 7 });
    expect(network.save()).toEqual(good.save());
  });

  test("of parameters is found at the end of the epoch", async () => {
    const network = await regression();
    const before = network.layers.map((layer) => layer.weights.slice());
    // The only step of the epoch overflows: its own loss was still finite.
    const [far, optimizer] = [rows.map((x) => x * 1000), sgd({ learningRate: 3e38 })];
    const error = await failure(network.fit(inputs, far, { batchSize: 100, optimizer }));
    expect([error.epoch, error.step]).toEqual([1, 1]);
    expect(error.message).toMatch(/^fit: layers\.\d\.(weight|bias) became (-?Infinity|NaN) in epoch 1, by step 1\. Lower learningRate/);
    expect(network.layers.map((layer) => layer.weights)).toEqual(before);
    expect(() => network.trainBatch(inputs, far, { optimizer })).toThrow(DivergenceError);
    expect(network.layers.map((layer) => layer.weights)).toEqual(before);
  });

  test("of an optimizer's moments counts too, since they could not be saved and would never move again", async () => {
    const network = await regression([dense(2)]);
    const before = network.layers[0].weights.slice();
    // Gradients of about 1e22, whose squares overflow f32; loss and weights stay finite.
    const large = inputs.map((x) => x * 1e22);
    const error = await failure(network.fit(large, rows, { loss: "meanAbsoluteError", optimizer: adam(), batchSize: 100 }));
    expect(error.message).toMatch(/^fit: optimizer\.v\.layers\.0\.weight became Infinity in epoch 1, by step 1\./);
    expect(() => network.trainBatch(large, rows, { loss: "meanAbsoluteError" })).toThrow(/^trainBatch: optimizer\.v\.layers\.0\.weight became Infinity/);
    expect(network.layers[0].weights).toEqual(before);
    expect((await Network.load(network.save())).layers[0].weights).toEqual(before);
  });

  test("of trainBatch restores what was before the step", async () => {
    const network = await regression([dense(2)]);
    network.trainBatch(inputs, rows);
    const before = network.save();
    expect(() => network.trainBatch(inputs.map((x) => x * 1e38), rows)).toThrow(DivergenceError);
    expect(network.save()).toEqual(before);
  });

  test("parameters that are not finite at the start are refused", async () => {
    const network = await regression();
    network.layers[1].biases[1] = Infinity;
    await expect(network.fit(inputs, rows)).rejects.toThrow(/^fit: expected finite parameters, got Infinity in layers\.1\.bias\./);
    expect(() => network.trainBatch(inputs, rows)).toThrow(/^trainBatch: expected finite parameters, got Infinity in layers\.1\.bias\./);
    network.layers[1].biases[1] = 0;
    expect((await network.fit(inputs, rows)).epochs.length).toBe(1);
  });
});

describe("data too large for the memory", () => {
  const many = 3000;
  const data = { inputs: numbers(many * 3, 5), rows: numbers(many * 2, 6), classes: Array.from({ length: many }, (_, i) => (i * i) % 3) };

  /** Has the plan refuse every window of more than `most` rows. */
  function bound(most: number): { refused: number } {
    const counts = { refused: 0 };
    const { tryPlan } = Model.prototype;
    vi.spyOn(Model.prototype, "tryPlan").mockImplementation(function (this: Model, demand) {
      if (demand.windowRows <= most) return tryPlan.call(this, demand);
      counts.refused++;
      return false;
    });
    return counts;
  }

  test.each<[string, boolean, FitOptions]>([
    ["class indices and a split", true, { validationSplit: 0.1, metrics: ["accuracy", "f1"] }],
    ["class indices, label smoothing and validation rows", true, { loss: crossEntropy({ labelSmoothing: 0.2 }), validationData: [data.inputs.subarray(0, 1500), data.classes.slice(0, 500)] }],
    ["rows and a split", false, { validationSplit: 0.25 }],
    ["weights", false, { sampleWeights: data.rows.subarray(0, many).map(Math.abs), shuffle: false }],
    ["weights of classes", true, { classWeights: "balanced", gradientClip: { norm: 0.1 }, validationData: [data.inputs.subarray(0, 900), data.classes.slice(0, 300)] }],
  ])("gives the bytes and reports of data that fits: %s", async (_, classify, options) => {
    const targets = classify ? data.classes : data.rows;
    const run = async () => {
      const network = await (classify ? classifier() : regression());
      const { epochs } = await network.fit(data.inputs, targets, { epochs: 2, batchSize: 33, ...options });
      return { saved: network.save(), epochs: timeless(epochs) };
    };
    const whole = await run();
    const counts = bound(100);
    const parts = await run();
    expect(counts.refused).toBeGreaterThan(2);
    expect(parts).toEqual(whole);
  });

  test("of which not even a batch fits is a RangeError that changes nothing", async () => {
    const network = await regression();
    network.trainBatch(inputs, rows, { optimizer: sgd({ momentum: 0.5 }) });
    const before = network.save();
    bound(20);
    await expect(network.fit(data.inputs, data.rows, { batchSize: 33 })).rejects.toThrow(/^fit: expected .* of memory, the engine has no more to give\. Use a smaller batchSize/);
    await expect(network.fit(data.inputs, data.rows, { batchSize: 33 })).rejects.toThrow(RangeError);
    vi.restoreAllMocks();
    expect(network.save()).toEqual(before);
  });

  test("that changes during the fit is a TypeError that leaves the last finished step", async () => {
    bound(60);
    const changing = data.inputs.slice();
    const [network, undisturbed] = [await regression(), await regression()];
    const options: FitOptions = { batchSize: 20, shuffle: false, epochs: 2 };
    let last = 0;
    const onBatch = ({ epoch, step }: BatchReport): void => {
      if (epoch === 2) last = step;
      if (epoch === 2 && step === 5) changing.fill(NaN, 3 * 200);
    };
    await expect(network.fit(changing, data.rows, { ...options, onBatch })).rejects.toThrow(/^inputs\[600\]: expected a finite number, got NaN\. The data has changed/);
    // Ten batches lie before the change; a window that reaches into it has some of them.
    expect(last).toBeGreaterThanOrEqual(7);
    expect(last).toBeLessThanOrEqual(10);
    const controller = new AbortController();
    const stop = ({ epoch, step }: BatchReport): void => void (epoch === 2 && step === last && controller.abort());
    await expect(undisturbed.fit(data.inputs, data.rows, { ...options, onBatch: stop, signal: controller.signal })).rejects.toThrow();
    network.layers.forEach(({ weights, biases }, l) => expect([weights, biases]).toEqual([undisturbed.layers[l].weights, undisturbed.layers[l].biases]));
    // It goes on from there with good data.
    for (const each of [network, undisturbed]) await each.fit(data.inputs, data.rows, { ...options, resume: true });
    expect(network.save()).toEqual(undisturbed.save());
  });

  test("that has changed between callbacks leaves a record of how far the fit has come", async () => {
    const options: FitOptions = { batchSize: 20, epochs: 2 };
    const [network, undisturbed] = [await regression(), await regression()];
    await undisturbed.fit(data.inputs, data.rows, options);
    bound(60);
    // NaN that only the second epoch meets, at the place of the last of its shuffled samples or before.
    const changing = data.inputs.slice();
    const onEpoch = (): void => void changing.fill(NaN, 3 * 2950);
    await expect(network.fit(changing, data.rows, { ...options, onEpoch })).rejects.toThrow(TypeError);
    await network.fit(data.inputs, data.rows, { ...options, resume: true });
    expect(network.save()).toEqual(undisturbed.save());
  });

  test("whose targets have changed where metrics are made of them is a TypeError from which the epoch's end can be made again", async () => {
    const options: FitOptions = {
      epochs: 3, batchSize: 10, metrics: ["r2"], optimizer: sgd({ learningRate: reduceOnPlateau({ initial: 0.1, patience: 0, factor: 0.5 }) }), earlyStopping: { patience: 5 },
    };
    const [network, undisturbed] = [await regression(), await regression()];
    const { epochs } = await undisturbed.fit(inputs, rows, options);
    const changing = rows.slice();
    const onBatch = ({ epoch, step }: BatchReport): void => void (epoch === 2 && step === 3 && (changing[4] = NaN));
    await expect(network.fit(inputs, changing, { ...options, onBatch })).rejects.toThrow(/^targets\[4\]: expected a finite number, got NaN\. The data has changed since it was checked/);
    await expect(network.clone().then((copy) => copy.fit(inputs, changing, options))).rejects.toThrow(RangeError);
    const rest = await network.fit(inputs, rows, { ...options, resume: true });
    expect(timeless(rest.epochs)).toEqual(timeless(epochs.slice(1)));
    expect(network.save()).toEqual(undisturbed.save());
  });
});
