// Schedules and class weights in training repeat PyTorch and scikit-learn (test/golden/schedules.py, in float64): every rate that is
// reported, every loss and every final tensor, trained by fit without shuffling.
//
// Tolerance of losses and tensors, 2e-5, as in trajectories.test.ts; of rates, which are f64 on both sides, 1e-12.

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cosineDecay, crossEntropy, dense, exponentialDecay, Network, oneCycle, reduceOnPlateau, stepDecay } from "../src/index.js";
import type { Schedule } from "../src/index.js";
import { relativeDifference } from "./oracle/golden.js";
import { libraryOptimizer } from "./oracle/library.js";
import type { OracleOptimizer } from "./oracle/optimizers.js";

const TOLERANCE = 2e-5;

interface Golden {
  name: string;
  optimizer: OracleOptimizer;
  schedule?: { name: string };
  classWeights?: number[] | "balanced";
  labelSmoothing?: number;
  batchSize: number;
  epochs: number;
  inputs: number[];
  targets: number[];
  sampleWeights?: number[];
  initial: { weights: number[]; biases: number[] }[];
  losses: number[];
  rates: number[];
  final: { weights: number[]; biases: number[] }[];
}

const { cases } = JSON.parse(readFileSync(new URL("golden/schedules.json", import.meta.url), "utf8")) as { cases: Golden[] };
/** 8 schedules with 3 optimizers, 2 on a plateau with 1; 2 optimizers with 2 kinds of class weights, 3 ways each. */
const CASE_COUNT = 8 * 3 + 2 + 2 * 2 * 3;

function scheduleOf({ name, ...options }: { name: string }): Schedule {
  const make = { stepDecay, exponentialDecay, cosineDecay, oneCycle, reduceOnPlateau }[name] as (options: object) => Schedule;
  return make(options);
}

let ran = 0;

describe("fit repeats PyTorch", () => {
  it.each(cases)("$name", async (golden) => {
    const network = await Network.create({ inputs: 5, layers: [dense(7, "tanh"), dense(3, "softmax")] });
    golden.initial.forEach(({ weights, biases }, l) => {
      network.layers[l].weights.set(weights);
      network.layers[l].biases.set(biases);
    });
    const optimizer = libraryOptimizer(golden.schedule === undefined ? golden.optimizer : ({ ...golden.optimizer, learningRate: scheduleOf(golden.schedule) } as unknown as OracleOptimizer));
    const losses: number[] = [];
    const rates: number[] = [];
    await network.fit(golden.inputs, golden.targets, {
      epochs: golden.epochs, batchSize: golden.batchSize, shuffle: false, optimizer, classWeights: golden.classWeights, sampleWeights: golden.sampleWeights,
      loss: crossEntropy({ labelSmoothing: golden.labelSmoothing ?? 0 }),
      onBatch: ({ loss, learningRate }) => {
        losses.push(loss);
        rates.push(learningRate);
      },
    });
    expect(losses.length).toBe(golden.losses.length);
    golden.losses.forEach((loss, step) => {
      expect(Math.abs(rates[step] - golden.rates[step]), `rate of step ${step}`).toBeLessThanOrEqual(1e-12 * golden.rates[step]);
      expect(Math.abs(losses[step] - loss), `loss of step ${step}`).toBeLessThanOrEqual(TOLERANCE * Math.abs(loss));
    });
    golden.final.forEach(({ weights, biases }, l) => {
      expect(relativeDifference(network.layers[l].weights, weights), `layers[${l}].weights`).toBeLessThanOrEqual(TOLERANCE);
      expect(relativeDifference(network.layers[l].biases, biases), `layers[${l}].biases`).toBeLessThanOrEqual(TOLERANCE);
    });
    ran++;
  });
});

it("every case ran", () => {
  expect(cases.length).toBe(CASE_COUNT);
  expect(ran).toBe(CASE_COUNT);
});
