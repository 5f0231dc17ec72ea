// The six networks that everything here is measured on, from one that fits a cache line to one that fills the second-level
// cache many times, and their data: the same numbers for every library and in every run.
//
// Targets follow from the first two inputs, so that a training that works lowers the loss, but a tenth is drawn at random: small
// networks learn clean samples to the last bit within seconds, and what is timed from then on is how saturated functions and
// subnormal numbers are computed (see bench/README.md). Operations of a training step
// count 2·inputs·units a sample for the forward product, as many for the gradient of the weights, and, but for the first
// layer, for that of the inputs; all else (activations, loss, gathering, the optimizer) is overhead.

import { seeded } from "./stats.mjs";

/** layers: [units, activation]; batch: samples a step; batches: steps an epoch of the measured training. */
export const networks = [
  { key: "T1", inputs: 2, layers: [[8, "tanh"], [1, "sigmoid"]], loss: "meanSquaredError", batch: 4, batches: 64 },
  { key: "T2", inputs: 4, layers: [[16, "relu"], [16, "relu"], [3, "softmax"]], loss: "crossEntropy", batch: 16, batches: 64 },
  { key: "T3", inputs: 32, layers: [[64, "relu"], [64, "relu"], [1, "linear"]], loss: "meanSquaredError", batch: 32, batches: 64 },
  { key: "T4", inputs: 784, layers: [[128, "relu"], [10, "softmax"]], loss: "crossEntropy", batch: 64, batches: 32 },
  { key: "T5", inputs: 784, layers: [[512, "relu"], [512, "relu"], [10, "softmax"]], loss: "crossEntropy", batch: 128, batches: 8 },
  { key: "T6", inputs: 1024, layers: [[1024, "relu"], [1024, "relu"], [1024, "relu"], [10, "softmax"]], loss: "crossEntropy", batch: 256, batches: 4 },
].map((network) => ({ ...network, outputs: network.layers.at(-1)[0] }));

/** Those whose keys are in a list such as "T1,T4", or all; throws for a key that there is not. */
export function chosen(list) {
  if (list === undefined) return networks;
  return list.split(",").map((key) => {
    const network = networks.find((candidate) => candidate.key === key.trim().toUpperCase());
    if (network === undefined) throw new RangeError(`--networks: expected ${networks.map((one) => one.key).join(", ")}, got ${key}`);
    return network;
  });
}

/** "784-128-10 relu softmax" */
export function shapeOf({ inputs, layers }) {
  const activations = [...new Set(layers.map(([, activation]) => activation))].filter((name) => name !== "linear");
  return `${[inputs, ...layers.map(([units]) => units)].join("-")} ${activations.join(" ")}`;
}

/** Inputs of each layer beside its units: [[784, 128], [128, 10]]. */
export function shapesOf({ inputs, layers }) {
  return layers.map(([units], i) => [i === 0 ? inputs : layers[i - 1][0], units]);
}

export function parameterCount(network) {
  return shapesOf(network).reduce((sum, [inputs, units]) => sum + inputs * units + units, 0);
}

/** Operations of one training step, a sample. */
export function trainingOperations(network) {
  return shapesOf(network).reduce((sum, [inputs, units], i) => sum + 2 * inputs * units * (i === 0 ? 2 : 3), 0);
}

export function predictionOperations(network) {
  return shapesOf(network).reduce((sum, [inputs, units]) => sum + 2 * inputs * units, 0);
}

/** The share of targets that are drawn at random. */
const NOISE = 0.1;

/**
 * `count` samples as flat rows, and their targets: class indices before softmax, else one number a sample.
 * Inputs lie in [−1, 1): with a mean of 1/2 the first steps of Adam raise the loss of T6, and not every library makes enough of them.
 */
export function dataOf({ inputs, outputs, key }, count) {
  const next = seeded(count * 8 + Number(key.slice(1)));
  const samples = Float32Array.from({ length: count * inputs }, () => 2 * next() - 1);
  const targets = Array.from({ length: count }, (_, row) => {
    const [first, second] = samples.subarray(row * inputs, row * inputs + 2);
    const random = next() < NOISE, drawn = Math.floor(next() * Math.max(2, outputs));
    if (random) return drawn;
    return outputs > 1 ? Math.floor(((first + 1) / 2) * outputs) : first > 0 !== second > 0 ? 1 : 0;
  });
  return { samples, targets };
}
