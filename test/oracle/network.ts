// A multilayer perceptron in f64 loops: forward pass, loss, penalty and backpropagation.
//   z_l = a_{l−1} W_lᵀ + b_l,   a_l = f_l(z_l),   W_l: units × inputs, row-major;   all matrices flat, samples × units.
// The loss is Σ_s w_s·l_s / Σ_s w_s; the penalty Σ_l (l1·Σ|w| + l2·Σw²) counts weights only, those of frozen layers too.

import { DEFAULT_PRELU_SLOPE, elementwise, softmax, type OracleActivation } from "./activations.js";
import { isFused, outputGradient, sampleLoss, weightedSumGradient, type OracleLoss } from "./losses.js";

export interface OracleLayer {
  inputs: number;
  units: number;
  activation: OracleActivation;
  /** units × inputs */
  weights: Float64Array;
  /** units, or null without bias */
  biases: Float64Array | null;
  /** prelu: units, or 1 if shared; else null */
  slopes: Float64Array | null;
  l1: number;
  l2: number;
  trainable: boolean;
}

export interface OracleNetwork {
  inputs: number;
  outputs: number;
  layers: OracleLayer[];
}

export interface OracleLayerSpec {
  units: number;
  activation: OracleActivation;
  bias?: boolean;
  l1?: number;
  l2?: number;
  trainable?: boolean;
}

export interface OracleTrace {
  /** samples × units */
  weightedSums: Float64Array;
  /** samples × units */
  activations: Float64Array;
}

export interface OracleLayerGradients {
  weights: Float64Array;
  biases: Float64Array | null;
  slopes: Float64Array | null;
}

/** A network with weights and biases 0 and slopes at their start. */
export function createNetwork(inputs: number, specs: readonly OracleLayerSpec[]): OracleNetwork {
  let fanIn = inputs;
  const layers = specs.map(({ units, activation, bias = true, l1 = 0, l2 = 0, trainable = true }) => {
    const layer: OracleLayer = {
      inputs: fanIn,
      units,
      activation,
      weights: new Float64Array(units * fanIn),
      biases: bias ? new Float64Array(units) : null,
      slopes: null,
      l1,
      l2,
      trainable,
    };
    if (activation.name === "prelu") {
      layer.slopes = new Float64Array(activation.shared ? 1 : units).fill(activation.initialSlope ?? DEFAULT_PRELU_SLOPE);
    }
    fanIn = units;
    return layer;
  });
  return { inputs, outputs: fanIn, layers };
}

/** The learned slope of unit j, or NaN where there is none. */
export function slopeOf(layer: OracleLayer, j: number): number {
  return layer.slopes === null ? NaN : layer.slopes[layer.slopes.length === 1 ? 0 : j];
}

/** Weighted sums and activations of every layer. */
export function forward(network: OracleNetwork, inputs: Float64Array): OracleTrace[] {
  const samples = inputs.length / network.inputs;
  const traces: OracleTrace[] = [];
  let previous = inputs;
  for (const layer of network.layers) {
    const weightedSums = new Float64Array(samples * layer.units);
    const activations = new Float64Array(samples * layer.units);
    for (let s = 0; s < samples; s++) {
      for (let j = 0; j < layer.units; j++) {
        let sum = layer.biases === null ? 0 : layer.biases[j];
        for (let i = 0; i < layer.inputs; i++) sum += layer.weights[j * layer.inputs + i] * previous[s * layer.inputs + i];
        weightedSums[s * layer.units + j] = sum;
      }
      const row = weightedSums.subarray(s * layer.units, (s + 1) * layer.units);
      const activated = layer.activation.name === "softmax"
        ? softmax(row)
        : row.map((z, j) => elementwise(layer.activation).value(z, slopeOf(layer, j)));
      activations.set(activated, s * layer.units);
    }
    traces.push({ weightedSums, activations });
    previous = activations;
  }
  return traces;
}

/** w_s / Σ w for each sample; all 0 where the weights are all 0. */
export function sampleShares(samples: number, sampleWeights?: ArrayLike<number>): Float64Array {
  const shares = new Float64Array(samples).fill(1);
  if (sampleWeights !== undefined) shares.set(sampleWeights);
  const total = shares.reduce((sum, w) => sum + w, 0);
  return total === 0 ? shares : shares.map((w) => w / total);
}

/** The weighted mean of the samples' losses, without penalty. Targets are rows of `outputs` numbers. */
export function meanLoss(
  network: OracleNetwork, inputs: Float64Array, targets: Float64Array, loss: OracleLoss, sampleWeights?: ArrayLike<number>,
): number {
  const { weightedSums, activations } = forward(network, inputs)[network.layers.length - 1];
  const n = network.outputs;
  const output = network.layers[network.layers.length - 1].activation.name;
  const shares = sampleShares(inputs.length / network.inputs, sampleWeights);
  return shares.reduce((sum, share, s) => {
    const [z, p, t] = [weightedSums, activations, targets].map((rows) => rows.subarray(s * n, (s + 1) * n));
    return sum + share * sampleLoss(loss, output, z, p, t);
  }, 0);
}

/** Σ over layers of l1·Σ|w| + l2·Σw². */
export function penalty(network: OracleNetwork): number {
  let sum = 0;
  for (const { weights, l1, l2 } of network.layers) for (const w of weights) sum += l1 * Math.abs(w) + l2 * w * w;
  return sum;
}

/** What flows backwards through one layer. */
export interface OracleBackward {
  /** dL/da, samples × units; null at an output that is computed in one piece with its loss */
  dActivations: Float64Array | null;
  /** dL/dz, samples × units */
  dWeightedSums: Float64Array;
}

/** dL/da and dL/dz of every layer, L the weighted mean of the samples' losses. */
export function backward(
  network: OracleNetwork, traces: readonly OracleTrace[], targets: Float64Array, loss: OracleLoss, shares: Float64Array,
): OracleBackward[] {
  const backwards: OracleBackward[] = [];
  for (let l = network.layers.length - 1; l >= 0; l--) {
    const layer = network.layers[l];
    const n = layer.units;
    const isOutput = l === network.layers.length - 1;
    const fused = isOutput && isFused(loss, layer.activation.name);
    const dActivations = new Float64Array(shares.length * n);
    const dWeightedSums = new Float64Array(shares.length * n);
    for (let s = 0; s < shares.length; s++) {
      const rowOf = (rows: Float64Array) => rows.subarray(s * n, (s + 1) * n);
      const z = rowOf(traces[l].weightedSums);
      const a = rowOf(traces[l].activations);
      const dA = rowOf(dActivations);
      if (fused) {
        dWeightedSums.set(weightedSumGradient(loss, layer.activation.name, z, rowOf(targets)).map((g) => g * shares[s]), s * n);
        continue;
      }
      if (isOutput) {
        dA.set(outputGradient(loss, a, rowOf(targets)).map((g) => g * shares[s]));
      } else {
        const { units, weights } = network.layers[l + 1];
        const dNext = backwards[0].dWeightedSums;
        for (let j = 0; j < units; j++) for (let i = 0; i < n; i++) dA[i] += dNext[s * units + j] * weights[j * n + i];
      }
      dWeightedSums.set(throughActivation(layer, z, a, dA), s * n);
    }
    backwards.unshift({ dActivations: fused ? null : dActivations, dWeightedSums });
  }
  return backwards;
}

/** One sample's dL/dz from its dL/da. */
export function throughActivation(layer: OracleLayer, z: Float64Array, a: Float64Array, dActivations: Float64Array): Float64Array {
  if (layer.activation.name === "softmax") {
    const inner = a.reduce((sum, p, k) => sum + p * dActivations[k], 0);
    return a.map((p, j) => p * (dActivations[j] - inner));
  }
  const { derivative } = elementwise(layer.activation);
  return z.map((weightedSum, j) => dActivations[j] * derivative(weightedSum, slopeOf(layer, j)));
}

/**
 * The gradients of `meanLoss` with respect to every weight, bias and slope, of frozen layers too, and that loss:
 * dW = Σ_s dz aᵀ, db = Σ_s dz, dslope = Σ_s dL/da · z over z ≤ 0 (over the units too if the slope is shared).
 */
export function gradients(
  network: OracleNetwork, inputs: Float64Array, targets: Float64Array, loss: OracleLoss, sampleWeights?: ArrayLike<number>,
): { loss: number; layers: OracleLayerGradients[] } {
  const shares = sampleShares(inputs.length / network.inputs, sampleWeights);
  const traces = forward(network, inputs);
  const backwards = backward(network, traces, targets, loss, shares);
  const layers = network.layers.map((layer, l): OracleLayerGradients => {
    const before = l === 0 ? inputs : traces[l - 1].activations;
    const { dActivations, dWeightedSums } = backwards[l];
    const weights = new Float64Array(layer.weights.length);
    const biases = layer.biases && new Float64Array(layer.units);
    const slopes = layer.slopes && new Float64Array(layer.slopes.length);
    for (let s = 0; s < shares.length; s++) {
      for (let j = 0; j < layer.units; j++) {
        const at = s * layer.units + j;
        for (let i = 0; i < layer.inputs; i++) weights[j * layer.inputs + i] += dWeightedSums[at] * before[s * layer.inputs + i];
        if (biases !== null) biases[j] += dWeightedSums[at];
        if (slopes !== null && dActivations !== null && traces[l].weightedSums[at] <= 0) {
          slopes[slopes.length === 1 ? 0 : j] += dActivations[at] * traces[l].weightedSums[at];
        }
      }
    }
    return { weights, biases, slopes };
  });
  return { loss: meanLoss(network, inputs, targets, loss, sampleWeights), layers };
}
