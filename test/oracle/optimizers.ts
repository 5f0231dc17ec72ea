// The optimizers in f64, term by term as PyTorch documents them (torch.optim), and one training step:
//   gradients of loss + penalty  →  clipping  →  update of the layers that are not frozen.
// Clipping by norm is torch.nn.utils.clip_grad_norm_: all gradients of the trainable layers times
// min(1, norm / (‖g‖₂ + 1e−6)); clipping by value clamps each to [−value, value]. Lion: Chen et al. 2023 (arXiv:2302.06675).

import type { OracleLoss } from "./losses.js";
import { gradients, penalty, type OracleNetwork } from "./network.js";

export interface OracleOptimizer {
  name: "sgd" | "rmsprop" | "adagrad" | "adam" | "adamw" | "nadam" | "lion";
  learningRate?: number;
  momentum?: number;
  nesterov?: boolean;
  decay?: number;
  epsilon?: number;
  beta1?: number;
  beta2?: number;
  weightDecay?: number;
  momentumDecay?: number;
}

export type OracleClip = { norm: number } | { value: number };

export const OPTIMIZER_DEFAULTS = {
  sgd: { learningRate: 0.01, momentum: 0, nesterov: false },
  rmsprop: { learningRate: 0.001, decay: 0.99, epsilon: 1e-8, momentum: 0 },
  adagrad: { learningRate: 0.01, epsilon: 1e-10 },
  adam: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
  adamw: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
  nadam: { learningRate: 0.002, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentumDecay: 0.004 },
  lion: { learningRate: 1e-4, beta1: 0.9, beta2: 0.99, weightDecay: 0 },
} as const;

export const CLIP_NORM_EPSILON = 1e-6;
/** NAdam's base of the momentum schedule, Dozat 2016. */
export const NADAM_BASE = 0.96;

/** What an optimizer keeps: two numbers for each parameter, the step count and NAdam's product of momenta. */
export interface OracleOptimizerState {
  optimizer: OracleOptimizer;
  step: number;
  momentumProduct: number;
  slots: Map<Float64Array, { first: Float64Array; second: Float64Array }>;
}

export function createOptimizer(optimizer: OracleOptimizer): OracleOptimizerState {
  return { optimizer, step: 0, momentumProduct: 1, slots: new Map() };
}

/** One step of the optimizer on all tensors; `tensors[i]` are parameter and gradient. */
export function optimizerStep(state: OracleOptimizerState, tensors: readonly { parameters: Float64Array; gradients: Float64Array }[]): void {
  const o = { momentum: 0, nesterov: false, decay: 0, epsilon: 0, beta1: 0, beta2: 0, weightDecay: 0, momentumDecay: 0,
    ...OPTIMIZER_DEFAULTS[state.optimizer.name], ...state.optimizer };
  const { learningRate, momentum, beta1, beta2, epsilon } = o;
  const t = (state.step += 1);
  const momentumNow = beta1 * (1 - 0.5 * NADAM_BASE ** (t * o.momentumDecay));
  const momentumNext = beta1 * (1 - 0.5 * NADAM_BASE ** ((t + 1) * o.momentumDecay));
  state.momentumProduct *= momentumNow;

  for (const { parameters, gradients: g } of tensors) {
    let slot = state.slots.get(parameters);
    if (slot === undefined) {
      slot = { first: new Float64Array(g.length), second: new Float64Array(g.length) };
      state.slots.set(parameters, slot);
    }
    const { first: m, second: v } = slot;
    for (let i = 0; i < g.length; i++) {
      switch (o.name) {
        case "sgd":
          m[i] = momentum * m[i] + g[i];
          parameters[i] -= learningRate * (o.nesterov ? g[i] + momentum * m[i] : m[i]);
          break;
        case "rmsprop":
          v[i] = o.decay * v[i] + (1 - o.decay) * g[i] * g[i];
          m[i] = momentum * m[i] + g[i] / (Math.sqrt(v[i]) + epsilon);
          parameters[i] -= learningRate * m[i];
          break;
        case "adagrad":
          v[i] += g[i] * g[i];
          parameters[i] -= (learningRate * g[i]) / (Math.sqrt(v[i]) + epsilon);
          break;
        case "adam":
        case "adamw": {
          if (o.name === "adamw") parameters[i] -= learningRate * o.weightDecay * parameters[i];
          m[i] = beta1 * m[i] + (1 - beta1) * g[i];
          v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
          const corrected = m[i] / (1 - beta1 ** t);
          parameters[i] -= (learningRate * corrected) / (Math.sqrt(v[i] / (1 - beta2 ** t)) + epsilon);
          break;
        }
        case "nadam": {
          m[i] = beta1 * m[i] + (1 - beta1) * g[i];
          v[i] = beta2 * v[i] + (1 - beta2) * g[i] * g[i];
          const corrected = (momentumNext * m[i]) / (1 - state.momentumProduct * momentumNext)
            + ((1 - momentumNow) * g[i]) / (1 - state.momentumProduct);
          parameters[i] -= (learningRate * corrected) / (Math.sqrt(v[i] / (1 - beta2 ** t)) + epsilon);
          break;
        }
        case "lion": {
          const direction = Math.sign(beta1 * m[i] + (1 - beta1) * g[i]);
          parameters[i] -= learningRate * (direction + o.weightDecay * parameters[i]);
          m[i] = beta2 * m[i] + (1 - beta2) * g[i];
          break;
        }
      }
    }
  }
}

/** Clips gradients in place. */
export function clipGradients(gradientTensors: readonly Float64Array[], clip: OracleClip): void {
  if ("value" in clip) {
    for (const g of gradientTensors) for (let i = 0; i < g.length; i++) g[i] = Math.min(Math.max(-clip.value, g[i]), clip.value);
    return;
  }
  let squares = 0;
  for (const g of gradientTensors) for (const x of g) squares += x * x;
  const scale = Math.min(1, clip.norm / (Math.sqrt(squares) + CLIP_NORM_EPSILON));
  for (const g of gradientTensors) for (let i = 0; i < g.length; i++) g[i] *= scale;
}

/** One step on one batch; the loss before it, with the penalty. A batch whose weights are all 0 counts 0 and makes no step. */
export function trainStep(
  network: OracleNetwork, state: OracleOptimizerState, inputs: Float64Array, targets: Float64Array,
  options: { loss: OracleLoss; sampleWeights?: ArrayLike<number>; gradientClip?: OracleClip },
): number {
  const { sampleWeights } = options;
  if (sampleWeights !== undefined && Array.from(sampleWeights).every((w) => w === 0)) return 0;
  const result = gradients(network, inputs, targets, options.loss, sampleWeights);
  const before = result.loss + penalty(network);

  const tensors = network.layers.flatMap((layer, l) => {
    if (!layer.trainable) return [];
    const d = result.layers[l];
    for (let i = 0; i < layer.weights.length; i++) {
      d.weights[i] += layer.l1 * Math.sign(layer.weights[i]) + 2 * layer.l2 * layer.weights[i];
    }
    const pairs = [[layer.weights, d.weights], [layer.biases, d.biases], [layer.slopes, d.slopes]] as const;
    return pairs.flatMap(([parameters, g]) => (parameters === null || g === null ? [] : [{ parameters, gradients: g }]));
  });
  if (options.gradientClip !== undefined) clipGradients(tensors.map((tensor) => tensor.gradients), options.gradientClip);
  optimizerStep(state, tensors);
  return before;
}
