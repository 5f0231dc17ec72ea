// Reads the trajectories that PyTorch wrote (test/golden) and says them to the oracle.

import { readFileSync } from "node:fs";
import { createNetwork, type OracleLayerSpec, type OracleNetwork } from "./network.js";
import { oneHot, type OracleLoss } from "./losses.js";
import type { OracleClip, OracleOptimizer } from "./optimizers.js";

/** 43 of activations, 39 of losses, 32 of optimizers, 27 of options. */
export const GOLDEN_CASE_COUNT = 43 + 39 + 32 + 27;

export interface GoldenTensors {
  weights: number[];
  biases?: number[];
  slopes?: number[];
}

/** One training run: description, start, data in the order of use, the loss before each step and the tensors at the end. */
export interface GoldenCase {
  name: string;
  inputCount: number;
  layers: OracleLayerSpec[];
  loss: OracleLoss;
  optimizer: OracleOptimizer;
  gradientClip?: OracleClip;
  batchSize: number;
  epochs: number;
  /** samples × inputCount */
  inputs: number[];
  /** samples × outputs, or one class index a sample */
  targets: number[];
  classIndices: boolean;
  sampleWeights?: number[];
  initial: GoldenTensors[];
  losses: number[];
  final: GoldenTensors[];
}

export function goldenCases(): GoldenCase[] {
  return ["activations", "losses", "optimizers", "options"].flatMap((name) => {
    const file = JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), "utf8")) as { cases: GoldenCase[] };
    return file.cases;
  });
}

/** The network of the case with its initial tensors. */
export function oracleNetwork(golden: GoldenCase): OracleNetwork {
  const network = createNetwork(golden.inputCount, golden.layers);
  network.layers.forEach((layer, l) => {
    layer.weights.set(golden.initial[l].weights);
    layer.biases?.set(golden.initial[l].biases as number[]);
    layer.slopes?.set(golden.initial[l].slopes as number[]);
  });
  return network;
}

/** Rows of targets, class indices spelt out. */
export function oracleTargets(golden: GoldenCase): Float64Array {
  const outputs = golden.layers[golden.layers.length - 1].units;
  return golden.classIndices ? oneHot(golden.targets, outputs) : Float64Array.from(golden.targets);
}

/** First and last (exclusive) sample of every step. */
export function stepBatches({ inputs, inputCount, batchSize, epochs }: GoldenCase): [number, number][] {
  const samples = inputs.length / inputCount;
  const steps: [number, number][] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (let from = 0; from < samples; from += batchSize) steps.push([from, Math.min(from + batchSize, samples)]);
  }
  return steps;
}

/** The largest difference, relative to the largest magnitude of what is expected; Infinity if the lengths differ. */
export function relativeDifference(computed: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (computed.length !== expected.length || expected.length === 0) return Infinity;
  let difference = 0;
  let magnitude = 0;
  for (let k = 0; k < expected.length; k++) {
    const d = Math.abs(computed[k] - expected[k]);
    difference = d <= difference ? difference : d;
    magnitude = Math.max(magnitude, Math.abs(expected[k]));
  }
  return difference / magnitude;
}
