// How far an f32 implementation may be from the f64 oracle: a running error bound, carried beside every quantity of the
// forward and the backward pass (Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., chapters 3 and 4).
//
// With u = 2^-24, the unit roundoff of f32, and γ_n = n·u / (1 − n·u):
//   dot product   any order of summation, with or without fused multiply-add, of n products of x ± δx and y ± δy:
//                 γ_n Σ (|x| + δx)(|y| + δy)  +  Σ [δx (|y| + δy) + |x| δy];   a bias is one more term
//   function      f(z ± δz): (|f′(z)| + v)·δz + kernel, v = the most that f′ changes within δz: |f″|'s maximum times δz, and
//                 the jump of f′ at every kink within δz
//   derivative    f′(z ± δz): v + kernel
// `kernel` is what the library grants its own approximations: 1.5 ulp (3u) for exp, sigmoid, tanh, expm1, log; 3 ulp (6u) plus
// 1e-7 absolute for gelu, silu, mish, softplus; one u for each other operation of the formula. Underflow adds 2^-149 an operation.

import {
  DEFAULT_ELU_ALPHA, DEFAULT_LEAKY_SLOPE, elementwise, logSumExp, SELU_ALPHA, SELU_SCALE, type OracleActivation, type OracleActivationName,
} from "./activations.js";
import { DEFAULT_HUBER_DELTA, isFused, outputGradient, outputScale, smoothedTargets, type OracleLoss } from "./losses.js";
import { backward, forward, meanLoss, sampleShares, slopeOf, type OracleLayer, type OracleNetwork, type OracleTrace } from "./network.js";

/** Unit roundoff of f32. */
export const U = 2 ** -24;
/** The smallest positive f32, which bounds the absolute error of an operation that underflows. */
export const UNDERFLOW = 2 ** -149;

export function gamma(n: number): number {
  return (n * U) / (1 - n * U);
}

/** Points between −10 and 10, all kinks among them, on which the tests hold `smoothness` against the derivatives. */
export const CURVATURE_SWEEP: readonly number[] = Array.from({ length: 2561 }, (_, k) => (k - 1280) / 128);

/** Largest |f″| away from kinks, and the jumps of f′ at kinks. */
function smoothnessOf(activation: OracleActivation, slope: number): { curvature: number; jumps: readonly (readonly [number, number])[] } {
  switch (activation.name) {
    case "linear": return { curvature: 0, jumps: [] };
    case "sigmoid": return { curvature: 0.0963, jumps: [] }; // 1 / (6√3)
    case "tanh": return { curvature: 0.7699, jumps: [] }; // 4 / (3√3)
    case "relu": return { curvature: 0, jumps: [[0, 1]] };
    case "leakyRelu": return { curvature: 0, jumps: [[0, Math.abs(1 - (activation.slope ?? DEFAULT_LEAKY_SLOPE))]] };
    case "prelu": return { curvature: 0, jumps: [[0, Math.abs(1 - slope)]] };
    case "elu": {
      const alpha = activation.alpha ?? DEFAULT_ELU_ALPHA;
      return { curvature: alpha, jumps: [[0, Math.abs(1 - alpha)]] };
    }
    case "selu": return { curvature: SELU_SCALE * SELU_ALPHA, jumps: [[0, SELU_SCALE * (SELU_ALPHA - 1)]] };
    case "gelu": return { curvature: 0.8, jumps: [] }; // √(2/π) at 0; the tanh form has the same there
    case "silu": return { curvature: 0.5, jumps: [] }; // at 0
    case "mish": return { curvature: 0.65, jumps: [] }; // near −0.3
    case "softplus": return { curvature: 0.25, jumps: [] }; // at 0
    case "softsign": return { curvature: 2, jumps: [] }; // at 0
    case "relu6": return { curvature: 0, jumps: [[0, 1], [6, 1]] };
    case "hardSigmoid": return { curvature: 0, jumps: [[-3, 1 / 6], [3, 1 / 6]] };
    case "hardTanh": return { curvature: 0, jumps: [[-1, 1], [1, 1]] };
    case "exponential":
    case "softmax": throw new TypeError(`${activation.name}: has no curvature that holds everywhere`);
  }
}

/** The most that f′ changes between z and any point within δ of it. */
export function smoothness(activation: OracleActivation, slope: number, z: number, delta: number): number {
  if (activation.name === "exponential") return Math.exp(z) * Math.expm1(delta);
  const { curvature, jumps } = smoothnessOf(activation, slope);
  return curvature * delta + jumps.reduce((sum, [kink, jump]) => sum + (Math.abs(z - kink) <= delta ? jump : 0), 0);
}

/** What the value kernel may be off by, in f32 with an exact argument. */
function valueKernel(activation: OracleActivation, z: number, a: number): number {
  switch (activation.name) {
    case "linear": case "relu": case "relu6": case "hardTanh": return 0;
    case "leakyRelu": case "prelu": case "softsign": return 2 * U * Math.abs(a);
    case "sigmoid": case "tanh": case "exponential": return 3 * U * Math.abs(a);
    case "elu": case "selu": return 6 * U * Math.abs(a);
    case "hardSigmoid": return 3 * U * (Math.abs(z) / 6 + 0.5);
    default: return 6 * U * Math.abs(a) + 1e-7;
  }
}

/** What the derivative kernel may be off by: a sum of products of such values, none larger than 1 + |z| (or than f itself). */
function derivativeKernel(activation: OracleActivation, z: number, a: number): number {
  switch (activation.name) {
    case "linear": case "relu": case "relu6": case "hardTanh": return 0;
    case "leakyRelu": case "prelu": case "hardSigmoid": return U;
    case "exponential": return 3 * U * a;
    default: return 16 * U * (1 + Math.abs(z)) + 2e-7;
  }
}

/** The largest error of a softmax row whose weighted sums are off by at most `spread`, relative to each probability. */
function softmaxRelativeErrors(z: Float64Array, p: Float64Array, spread: number): Float64Array {
  const largest = Math.max(...z);
  // z − max is rounded (u·|z − max| in the exponent), exp is off by 3u, the sum by γ_n, the quotient by u.
  const ofSum = z.reduce((sum, x, k) => sum + p[k] * (largest - x), 0);
  return z.map((x) => Math.expm1(2 * spread) * (1 + 16 * U) + U * (largest - x + ofSum + 8) + gamma(z.length));
}

export interface TraceBounds {
  weightedSums: Float64Array;
  activations: Float64Array;
}

/** For each layer, how far f32 weighted sums and activations may be from `forward`'s. */
export function traceBounds(network: OracleNetwork, inputs: Float64Array): TraceBounds[] {
  const samples = inputs.length / network.inputs;
  const traces = forward(network, inputs);
  const bounds: TraceBounds[] = [];
  network.layers.forEach((layer, l) => {
    const before = l === 0 ? inputs : traces[l - 1].activations;
    const dBefore = l === 0 ? new Float64Array(inputs.length) : bounds[l - 1].activations;
    const weightedSums = new Float64Array(samples * layer.units);
    const activations = new Float64Array(samples * layer.units);
    const n = layer.inputs + 1;
    for (let s = 0; s < samples; s++) {
      for (let j = 0; j < layer.units; j++) {
        let magnitude = layer.biases === null ? 0 : Math.abs(layer.biases[j]);
        let propagated = 0;
        for (let i = 0; i < layer.inputs; i++) {
          const w = Math.abs(layer.weights[j * layer.inputs + i]);
          const at = s * layer.inputs + i;
          magnitude += w * (Math.abs(before[at]) + dBefore[at]);
          propagated += w * dBefore[at];
        }
        weightedSums[s * layer.units + j] = gamma(n) * magnitude + propagated + n * UNDERFLOW;
      }
      const row = [s * layer.units, (s + 1) * layer.units] as const;
      activations.set(activationErrors(layer, traces[l], weightedSums, row), row[0]);
    }
    bounds.push({ weightedSums, activations });
  });
  return bounds;
}

function activationErrors(layer: OracleLayer, trace: OracleTrace, errors: Float64Array, [from, to]: readonly [number, number]): Float64Array {
  const z = trace.weightedSums.subarray(from, to);
  const a = trace.activations.subarray(from, to);
  const dz = errors.subarray(from, to);
  if (layer.activation.name === "softmax") {
    return softmaxRelativeErrors(z, a, Math.max(...dz)).map((relative, j) => relative * a[j] + UNDERFLOW);
  }
  const { derivative } = elementwise(layer.activation);
  return z.map((x, j) => {
    const slope = slopeOf(layer, j);
    const steepest = Math.abs(derivative(x, slope)) + smoothness(layer.activation, slope, x, dz[j]);
    const propagated = steepest * dz[j];
    // The kernel's share is relative to what it computes, which is off by the propagated error already.
    return propagated + valueKernel(layer.activation, Math.abs(x) + dz[j], Math.abs(a[j]) + propagated) + UNDERFLOW;
  });
}

/** The most that the derivative of a loss by one output changes while p moves by δ. */
function lossSmoothness(loss: OracleLoss, p: number, t: number, delta: number): number {
  const d = Math.abs(p - t);
  switch (loss.name) {
    case "meanSquaredError": return 2 * delta;
    case "meanAbsoluteError": return d <= delta ? 2 : 0;
    case "huber": case "logCosh": return delta;
    case "hinge": return Math.abs(1 - t * p) <= Math.abs(t) * delta + 2 * U ? Math.abs(t) : 0;
    case "poisson": case "klDivergence": return t === 0 ? 0 : (t * delta) / (p * (p - delta));
    case "binaryCrossEntropy": return delta * (t / (p - delta) ** 2 + (1 - t) / (1 - p - delta) ** 2);
    case "crossEntropy": throw new TypeError("crossEntropy: expected a softmax output");
  }
}

/** Sum of the magnitudes of the terms that one output's loss is made of. */
function lossMagnitude(loss: OracleLoss, p: number, t: number): number {
  const d = Math.abs(p - t);
  switch (loss.name) {
    case "meanSquaredError": return d * d;
    case "meanAbsoluteError": return d;
    case "huber": return d * (d + (loss.delta ?? DEFAULT_HUBER_DELTA));
    case "logCosh": return d + 2 * Math.LN2;
    case "hinge": return 1 + Math.abs(t * p);
    case "poisson": return p + Math.abs(t * Math.log(p));
    case "klDivergence": return t === 0 ? 0 : Math.abs(t * Math.log(t)) + Math.abs(t * Math.log(p));
    case "binaryCrossEntropy": return Math.abs(t * Math.log(p)) + Math.abs((1 - t) * Math.log1p(-p));
    case "crossEntropy": throw new TypeError("crossEntropy: expected a softmax output");
  }
}

/** Roundings granted to a loss and its derivative beyond the functions they call: differences, products, mean, share. */
const LOSS_ROUNDINGS = 8;

/** For one sample: bounds of its loss and of dL/dz at the output of a fused pair, both before the sample's share. */
function fusedBounds(
  loss: OracleLoss, output: OracleActivationName, z: Float64Array, p: Float64Array, t: Float64Array, dz: Float64Array, dp: Float64Array,
): { loss: number; dWeightedSums: Float64Array } {
  const n = z.length;
  const scale = outputScale(loss, n);
  const spread = Math.max(...dz);
  if (output === "sigmoid") {
    const ofLoss = z.reduce((sum, x, j) => sum + Math.abs(p[j] - t[j]) * dz[j] + 0.25 * dz[j] ** 2
      + LOSS_ROUNDINGS * U * (Math.abs(x) * (1 + t[j]) + 1), 0);
    return { loss: scale * ofLoss, dWeightedSums: z.map((_, j) => scale * (dp[j] + LOSS_ROUNDINGS * U * (p[j] + t[j]))) };
  }
  const all = logSumExp(z);
  const reach = Math.max(...z.map(Math.abs)) + Math.abs(all) + n;
  if (loss.name === "binaryCrossEntropy") {
    // 1 − p may be had by subtraction: that divides errors by 1 − p.
    const certain = 1 / (1 - Math.max(...p) - Math.max(...dp));
    const relative = 2 * Math.max(...softmaxRelativeErrors(z, p, spread)) + gamma(n + LOSS_ROUNDINGS);
    const q = p.map((x, j) => ((1 - t[j]) * x) / (1 - x) + t[j]);
    const sumOfQ = q.reduce((sum, x) => sum + x, 0);
    const ofLoss = n * (2 * spread + LOSS_ROUNDINGS * U * (reach + Math.max(...z.map((_, j) => Math.abs(logSumExp(z, j)))))) * certain;
    return { loss: scale * ofLoss, dWeightedSums: q.map((x, i) => scale * relative * certain * (x + p[i] * sumOfQ)) };
  }
  const wanted = smoothedTargets(loss, t);
  const total = wanted.reduce((sum, x) => sum + x, 0);
  const entropy = loss.name === "klDivergence" ? wanted.reduce((sum, x) => sum + (x === 0 ? 0 : Math.abs(x * Math.log(x))), 0) : 0;
  const ofLoss = total * (2 * spread + LOSS_ROUNDINGS * U * reach) + LOSS_ROUNDINGS * U * entropy;
  return { loss: ofLoss, dWeightedSums: p.map((x, j) => total * dp[j] + gamma(n + LOSS_ROUNDINGS) * (x * total + wanted[j])) };
}

export interface GradientBounds {
  loss: number;
  layers: { weights: Float64Array; biases: Float64Array | null; slopes: Float64Array | null }[];
}

/** How far an f32 loss and f32 gradients may be from `gradients`'. */
export function gradientBounds(network: OracleNetwork, inputs: Float64Array, targets: Float64Array, loss: OracleLoss): GradientBounds {
  const samples = inputs.length / network.inputs;
  const shares = sampleShares(samples);
  const traces = forward(network, inputs);
  const forwards = traceBounds(network, inputs);
  const backwards = backward(network, traces, targets, loss, shares);
  const layers: GradientBounds["layers"] = [];
  let lossBound = 0;
  let fromNext: Float64Array | null = null;

  for (let l = network.layers.length - 1; l >= 0; l--) {
    const layer = network.layers[l];
    const n = layer.units;
    const dActivations = backwards[l].dActivations ?? new Float64Array(samples * n);
    const errorsOfDz = new Float64Array(samples * n);
    const errorsOfDa: Float64Array = fromNext ?? new Float64Array(samples * n);
    for (let s = 0; s < samples; s++) {
      const rowOf = (rows: Float64Array) => rows.subarray(s * n, (s + 1) * n);
      const [z, a, dz, da, t] = [traces[l].weightedSums, traces[l].activations, forwards[l].weightedSums, forwards[l].activations,
        fromNext === null ? targets : new Float64Array(0)].map(rowOf);
      if (fromNext === null && isFused(loss, layer.activation.name)) {
        const fused = fusedBounds(loss, layer.activation.name, z, a, t, dz, da);
        lossBound += shares[s] * fused.loss;
        errorsOfDz.set(fused.dWeightedSums.map((error) => error * shares[s]), s * n);
        continue;
      }
      if (fromNext === null) {
        const scale = outputScale(loss, n);
        const g = outputGradient(loss, a, t);
        for (let j = 0; j < n; j++) {
          const change = lossSmoothness(loss, a[j], t[j], da[j]);
          // poisson's derivative 1 − t/p is a difference; the others are products.
          const magnitude = Math.abs(g[j]) / scale + (loss.name === "poisson" ? 2 : 0);
          errorsOfDa[s * n + j] = shares[s] * scale * (change + LOSS_ROUNDINGS * U * (magnitude + change));
          lossBound += shares[s] * scale
            * ((Math.abs(g[j]) / scale + change) * da[j] + LOSS_ROUNDINGS * U * lossMagnitude(loss, a[j], t[j]));
        }
      }
      errorsOfDz.set(throughActivationErrors(layer, z, a, dz, da, rowOf(dActivations), rowOf(errorsOfDa)), s * n);
    }
    const before = l === 0 ? { values: inputs, errors: new Float64Array(inputs.length) }
      : { values: traces[l - 1].activations, errors: forwards[l - 1].activations };
    layers.unshift(parameterErrors(layer, samples, before, backwards[l].dWeightedSums, errorsOfDz, {
      z: traces[l].weightedSums, dz: forwards[l].weightedSums, da: dActivations, dda: errorsOfDa,
    }));
    fromNext = inputErrors(layer, samples, backwards[l].dWeightedSums, errorsOfDz);
  }
  // The mean is taken in f64; its result may be rounded to f32 once.
  return { loss: lossBound * (1 + U) + U * Math.abs(meanLoss(network, inputs, targets, loss)) + UNDERFLOW, layers };
}

/** One sample's errors of dL/dz, from those of dL/da. */
function throughActivationErrors(
  layer: OracleLayer, z: Float64Array, a: Float64Array, dz: Float64Array, da: Float64Array, g: Float64Array, dg: Float64Array,
): Float64Array {
  if (layer.activation.name === "softmax") {
    // p_j (g_j − Σ p_k g_k)
    const n = z.length;
    const inner = a.reduce((sum, p, k) => sum + p * g[k], 0);
    let magnitude = 0;
    let innerError = 0;
    for (let k = 0; k < n; k++) {
      const product = (a[k] + da[k]) * (Math.abs(g[k]) + dg[k]);
      magnitude += product;
      innerError += da[k] * Math.abs(g[k]) + (a[k] + da[k]) * dg[k] + gamma(n) * product;
    }
    return a.map((p, j) => da[j] * Math.abs(g[j] - inner) + (p + da[j]) * (dg[j] + innerError)
      + gamma(3) * (p + da[j]) * (Math.abs(g[j]) + dg[j] + magnitude) + UNDERFLOW);
  }
  const { derivative } = elementwise(layer.activation);
  return z.map((x, j) => {
    const slope = slopeOf(layer, j);
    const exact = Math.abs(derivative(x, slope));
    const error = smoothness(layer.activation, slope, x, dz[j])
      + derivativeKernel(layer.activation, Math.abs(x) + dz[j], Math.abs(a[j]) + da[j]);
    return Math.abs(g[j]) * error + dg[j] * (exact + error) + gamma(2) * (Math.abs(g[j]) + dg[j]) * (exact + error) + UNDERFLOW;
  });
}

function parameterErrors(
  layer: OracleLayer, samples: number, before: { values: Float64Array; errors: Float64Array }, dWeightedSums: Float64Array, errors: Float64Array,
  at: { z: Float64Array; dz: Float64Array; da: Float64Array; dda: Float64Array },
): GradientBounds["layers"][number] {
  const weights = new Float64Array(layer.weights.length);
  const biases = layer.biases && new Float64Array(layer.units);
  const slopes = layer.slopes && new Float64Array(layer.slopes.length);
  const g = gamma(samples);
  const ofSharedSlope = gamma(slopes?.length === 1 ? samples * layer.units : samples);
  for (let s = 0; s < samples; s++) {
    for (let j = 0; j < layer.units; j++) {
      const unit = s * layer.units + j;
      const error = errors[unit];
      const magnitude = Math.abs(dWeightedSums[unit]) + error;
      for (let i = 0; i < layer.inputs; i++) {
        const a = Math.abs(before.values[s * layer.inputs + i]);
        const da = before.errors[s * layer.inputs + i];
        weights[j * layer.inputs + i] += g * magnitude * (a + da) + error * (a + da) + Math.abs(dWeightedSums[unit]) * da + UNDERFLOW;
      }
      if (biases !== null) biases[j] += g * magnitude + error + UNDERFLOW;
      if (slopes !== null && at.z[unit] <= at.dz[unit]) {
        // dL/da · z where z ≤ 0; within δz of 0 the term may be there or not.
        const z = Math.abs(at.z[unit]);
        const da = Math.abs(at.da[unit]) + at.dda[unit];
        const certain = at.z[unit] < -at.dz[unit];
        slopes[slopes.length === 1 ? 0 : j] += ofSharedSlope * da * (z + at.dz[unit])
          + (certain ? at.dda[unit] * z + da * at.dz[unit] : da * (z + at.dz[unit])) + UNDERFLOW;
      }
    }
  }
  return { weights, biases, slopes };
}

/** Errors of dL/da of the layer before: Σ_j dz_j w_ji. */
function inputErrors(layer: OracleLayer, samples: number, dWeightedSums: Float64Array, errors: Float64Array): Float64Array {
  const result = new Float64Array(samples * layer.inputs);
  for (let s = 0; s < samples; s++) {
    for (let j = 0; j < layer.units; j++) {
      const unit = s * layer.units + j;
      for (let i = 0; i < layer.inputs; i++) {
        const w = Math.abs(layer.weights[j * layer.inputs + i]);
        result[s * layer.inputs + i] += w * (errors[unit] + gamma(layer.units) * (Math.abs(dWeightedSums[unit]) + errors[unit])) + UNDERFLOW;
      }
    }
  }
  return result;
}

/** The largest share of its bound that an error takes; above 1 is a failure. */
export function worstShare(computed: ArrayLike<number>, exact: ArrayLike<number>, bound: ArrayLike<number>): number {
  if (computed.length !== exact.length || computed.length !== bound.length) return Infinity;
  let worst = 0;
  for (let k = 0; k < computed.length; k++) {
    const difference = Math.abs(computed[k] - exact[k]);
    if (difference === 0) continue;
    const share = difference / bound[k];
    if (!(share <= worst)) worst = Number.isNaN(share) ? Infinity : Math.max(worst, share);
  }
  return worst;
}
