// Training repeats PyTorch: 141 small networks (test/golden, made by generate.py in float64) are trained in f32 from the same
// start on the same batches, once step by step with trainBatch and once by fit. Every loss and every final tensor agree.
//
// The tolerance, 2e-5: about 20 steps, each of which rounds a parameter once (6e-8) and moves it by a gradient that is off by
// some 1e-6 of its size; generate.py keeps every path away from points where such errors are magnified.

import { afterAll, describe, expect, it } from "vitest";
import type { Network } from "../src/index.js";
import { GOLDEN_CASE_COUNT, goldenCases, relativeDifference, stepBatches, type GoldenCase } from "./oracle/golden.js";
import { libraryLoss, libraryNetwork, libraryOptimizer } from "./oracle/library.js";

const TOLERANCE = 2e-5;

function samplesOf<T>(values: T[], perSample: number, [from, to]: [number, number]): T[] {
  return values.slice(from * perSample, to * perSample);
}

function create(golden: GoldenCase): Promise<Network> {
  return libraryNetwork(golden.inputCount, golden.layers, golden.initial);
}

/** One trainBatch a step; the losses. */
function trainInSteps(network: Network, golden: GoldenCase): number[] {
  const perTarget = golden.classIndices ? 1 : network.outputs;
  return stepBatches(golden).map((batch) => network.trainBatch(
    samplesOf(golden.inputs, golden.inputCount, batch),
    samplesOf(golden.targets, perTarget, batch),
    {
      optimizer: libraryOptimizer(golden.optimizer),
      loss: libraryLoss(golden.loss),
      ...(golden.sampleWeights && { sampleWeights: samplesOf(golden.sampleWeights, 1, batch) }),
      ...(golden.gradientClip && { gradientClip: golden.gradientClip }),
    },
  ));
}

/** Tensors by place, of the layers' live views. */
function tensorsOf(network: Network, golden: GoldenCase): Record<string, Float32Array> {
  const tensors: Record<string, Float32Array> = {};
  golden.final.forEach((final, l) => {
    const { weights, biases, slopes } = network.layers[l];
    tensors[`layers[${l}].weights`] = weights.slice();
    if (final.biases) tensors[`layers[${l}].biases`] = biases.slice();
    if (final.slopes) tensors[`layers[${l}].slopes`] = (slopes as Float32Array).slice();
  });
  return tensors;
}

function expectedTensors(golden: GoldenCase): Record<string, number[]> {
  return Object.fromEntries(golden.final.flatMap((final, l) => Object.entries(final).map(([key, values]) => [`layers[${l}].${key}`, values])));
}

function expectAgreement(losses: number[], tensors: Record<string, Float32Array>, golden: GoldenCase): void {
  expect(losses.length).toBe(golden.losses.length);
  losses.forEach((loss, step) => {
    expect(Math.abs(loss - golden.losses[step]), `loss of step ${step}`).toBeLessThanOrEqual(TOLERANCE * Math.abs(golden.losses[step]));
  });
  const expected = expectedTensors(golden);
  expect(Object.keys(tensors).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, values] of Object.entries(expected)) {
    expect(relativeDifference(tensors[name], values), name).toBeLessThanOrEqual(TOLERANCE);
  }
}

const cases = goldenCases();
const ran = { steps: 0, fits: 0 };

describe("trainBatch, step by step, repeats PyTorch", () => {
  it.each(cases)("$name", async (golden) => {
    const network = await create(golden);
    const losses = trainInSteps(network, golden);
    expectAgreement(losses, tensorsOf(network, golden), golden);
    network.dispose();
    ran.steps++;
  });
});

describe("fit without shuffling repeats PyTorch, in the bytes of trainBatch", () => {
  it.each(cases)("$name", async (golden) => {
    const network = await create(golden);
    const losses: number[] = [];
    const places: [number, number][] = [];
    const history = await network.fit(golden.inputs, golden.targets, {
      epochs: golden.epochs,
      batchSize: golden.batchSize,
      optimizer: libraryOptimizer(golden.optimizer),
      loss: libraryLoss(golden.loss),
      shuffle: false,
      ...(golden.sampleWeights && { sampleWeights: golden.sampleWeights }),
      ...(golden.gradientClip && { gradientClip: golden.gradientClip }),
      onBatch: ({ epoch, step, loss }) => {
        losses.push(loss);
        places.push([epoch, step]);
      },
    });
    expectAgreement(losses, tensorsOf(network, golden), golden);

    const batches = stepBatches(golden);
    const stepsPerEpoch = batches.length / golden.epochs;
    expect(places).toEqual(batches.map((_, k) => [1 + Math.floor(k / stepsPerEpoch), 1 + (k % stepsPerEpoch)]));

    // An epoch's loss is Σ W·L / Σ W over its batches, W the sum of a batch's weights.
    expect(history.epochs.length).toBe(golden.epochs);
    history.epochs.forEach((report, e) => {
      let sum = 0;
      let total = 0;
      for (let k = e * stepsPerEpoch; k < (e + 1) * stepsPerEpoch; k++) {
        const [from, to] = batches[k];
        const weight = golden.sampleWeights?.slice(from, to).reduce((a, b) => a + b, 0) ?? to - from;
        sum += weight * golden.losses[k];
        total += weight;
      }
      expect(Math.abs(report.loss - sum / total), `loss of epoch ${e + 1}`).toBeLessThanOrEqual(TOLERANCE * Math.abs(sum / total));
    });

    const stepwise = await create(golden);
    expect(trainInSteps(stepwise, golden)).toEqual(losses);
    expect(tensorsOf(stepwise, golden)).toEqual(tensorsOf(network, golden));
    network.dispose();
    stepwise.dispose();
    ran.fits++;
  });
});

afterAll(() => {
  expect(cases.length).toBe(GOLDEN_CASE_COUNT);
  expect(ran).toEqual({ steps: GOLDEN_CASE_COUNT, fits: GOLDEN_CASE_COUNT });
});
