// fit({ monitor: true }): a diagnosis in every report that is that of the network at the epoch's end, and a training that does not know of it.

import { describe, expect, it } from "vitest";
import { adam, dense, leakyRelu, Network } from "../src/index.js";
import type { EpochReport, FitOptions } from "../src/index.js";
import { randomFloats } from "./kernels/stage.js";

const ROWS = 500;
const inputs = randomFloats(9, 6 * ROWS, -1.7, 1.7);
const classes = Array.from({ length: ROWS }, (_, r) => (inputs[6 * r] > 0 ? (inputs[6 * r + 1] > 0 ? 0 : 1) : 2));

function create(): Promise<Network> {
  return Network.create({ inputs: 6, layers: [dense(24, "relu"), dense(70, leakyRelu({ slope: 0.1 })), dense(3, "softmax")], seed: 3 });
}

const common: FitOptions = { epochs: 3, batchSize: 32, optimizer: adam({ learningRate: 0.01 }), validationSplit: 0.1 };

describe("a monitored fit", () => {
  it.each<[string, FitOptions]>([
    ["", { threads: 1 }],
    [" by two threads", { threads: 2 }],
    [" with class weights, an average and early stopping", { threads: 1, classWeights: "balanced", averageWeights: { decay: 0.9 }, earlyStopping: { patience: 1 } }],
    [" with metrics of all outputs", { threads: 1, metrics: ["auc", "f1"] }],
  ])("trains the same bytes%s", async (_, options) => {
    const [plain, monitored] = [await create(), await create()];
    const first = await plain.fit(inputs, classes, { ...common, ...options });
    const second = await monitored.fit(inputs, classes, { ...common, ...options, monitor: true });
    expect(monitored.save()).toEqual(plain.save());
    const figures = ({ epoch, loss, metrics, validation, learningRate }: EpochReport) => ({ epoch, loss, metrics, validation, learningRate });
    expect(second.epochs.map(figures)).toEqual(first.epochs.map(figures));
    expect(first.epochs.every(({ diagnosis }) => diagnosis === undefined)).toBe(true);
    expect(second.epochs.map(({ diagnosis }) => diagnosis!.layers.length)).toEqual(second.epochs.map(() => 3));
  });

  it("reports the network at the epoch's end on the rows that it trained last", async () => {
    const network = await create();
    const epochs: unknown[] = [];
    await network.fit(inputs, classes, {
      ...common, threads: 1, monitor: true, shuffle: false, validationSplit: 0,
      onEpoch({ diagnosis }) {
        const last = ROWS - 64;
        const { layers, findings } = network.diagnose(inputs.subarray(6 * last), classes.slice(last));
        expect(findings).toEqual(diagnosis!.findings);
        expect(diagnosis!.layers.map(({ updateRatio: _, ...layer }) => layer)).toEqual(layers.map(({ units: _, ...layer }) => layer));
        epochs.push(diagnosis);
      },
    });
    expect(epochs.length).toBe(3);
  });

  it("reports on as many of them where that is more than are computed at once", async () => {
    const many = 12_000;
    const x = randomFloats(4, 6 * many, -1.7, 1.7);
    const labels = Array.from({ length: many }, (_, r) => (x[6 * r] > 0 ? (x[6 * r + 1] > 0 ? 0 : 1) : 2));
    const network = await create();
    const counts: number[] = [];
    await network.fit(x, labels, {
      epochs: 1, batchSize: 100, threads: 1, monitor: true, shuffle: false,
      onEpoch({ diagnosis }) {
        const rows = diagnosis!.layers[0].activationHistogram!.counts.reduce((sum, count) => sum + count, 0) / 24;
        const { layers } = network.diagnose(x.subarray(6 * (many - rows)), labels.slice(many - rows));
        expect(diagnosis!.layers.map(({ updateRatio: _, ...layer }) => layer)).toEqual(layers.map(({ units: _, ...layer }) => layer));
        counts.push(rows);
      },
    });
    expect(counts).toEqual([12_000 / 32]);
  });

  it("tells how far the last step moved each layer's weights", async () => {
    const network = await create();
    let before: Float32Array[] = [];
    let ratios: number[] = [];
    const weights = (): Float32Array[] => network.layers.map((layer) => layer.weights.slice());
    let steps: Float32Array[] = [];
    const { epochs } = await network.fit(inputs, classes, {
      ...common, threads: 1, monitor: true,
      onBatch() {
        before = steps;
        steps = weights();
      },
      onEpoch() {
        const norm = (values: Float32Array): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
        ratios = steps.map((now, l) => norm(now.map((value, i) => value - before[l][i])) / norm(before[l]));
      },
    });
    const reported = epochs[2].diagnosis!.layers.map(({ updateRatio }) => updateRatio!);
    reported.forEach((ratio, l) => expect(Math.abs(ratio - ratios[l])).toBeLessThan(1e-6 * ratios[l]));
    expect(Math.min(...ratios)).toBeGreaterThan(0);
  });

  it("tells the same without onBatch, however many steps are played at once", async () => {
    const [once, one] = [await create(), await create()];
    const first = await once.fit(inputs, classes, { ...common, threads: 1, monitor: true });
    const second = await one.fit(inputs, classes, { ...common, threads: 1, monitor: true, onBatch: () => undefined });
    expect(second.epochs.map(({ diagnosis }) => diagnosis)).toEqual(first.epochs.map(({ diagnosis }) => diagnosis));
  });
});
