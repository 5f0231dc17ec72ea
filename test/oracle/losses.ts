// The loss functions in f64: the loss of one sample and its gradient, with respect to the outputs p or, where the pair of
// activation and loss is computed in one piece, with respect to the weighted sums z of the output layer.
//
//   meanSquaredError (p − t)²                      meanAbsoluteError |p − t|       huber: torch huber_loss
//   logCosh ln cosh(p − t)                         hinge max(0, 1 − t·p)           poisson p − t·ln p, p > 0
//   binaryCrossEntropy −t·ln p − (1 − t)·ln(1 − p)                                 (these: mean over the outputs)
//   crossEntropy −Σ t·ln p, t smoothed             klDivergence Σ t·ln(t / p)      (these: sum over the outputs)
//
// Where a loss has a kink its derivative there is 0. binaryCrossEntropy of an output that is neither sigmoid nor softmax is
// torch.nn.BCELoss: logarithms not below −100, gradient (p − t) / max(p(1 − p), 1e−12).

import { logSumExp, sigmoid, softmax, type OracleActivationName } from "./activations.js";

export const LOSS_NAMES = [
  "meanSquaredError", "meanAbsoluteError", "huber", "logCosh", "binaryCrossEntropy", "crossEntropy", "hinge", "poisson", "klDivergence",
] as const;

export type OracleLossName = (typeof LOSS_NAMES)[number];

/** A loss with its parameters; those left out have the contract's defaults. */
export interface OracleLoss {
  name: OracleLossName;
  /** huber: 1 */
  delta?: number;
  /** crossEntropy: 0 */
  labelSmoothing?: number;
}

export const DEFAULT_HUBER_DELTA = 1;
/** torch.nn.BCELoss clamps its logarithms and the denominator of its gradient. */
export const BCE_LOG_MINIMUM = -100;
export const BCE_DENOMINATOR_MINIMUM = 1e-12;

/** True where loss and output activation are computed in one piece, from the weighted sums. */
export function isFused(loss: OracleLoss, output: OracleActivationName): boolean {
  if (loss.name === "binaryCrossEntropy") return output === "sigmoid" || output === "softmax";
  if (loss.name === "crossEntropy" || loss.name === "klDivergence") return output === "softmax";
  return false;
}

/** Σ or mean over the outputs: the factor that a sample's sum over its outputs is multiplied by. */
export function outputScale(loss: OracleLoss, outputs: number): number {
  return loss.name === "crossEntropy" || loss.name === "klDivergence" ? 1 : 1 / outputs;
}

/** (1 − s)·t + s/outputs for crossEntropy, else the targets themselves. */
export function smoothedTargets(loss: OracleLoss, targets: Float64Array): Float64Array {
  const smoothing = loss.name === "crossEntropy" ? (loss.labelSmoothing ?? 0) : 0;
  return targets.map((t) => (1 - smoothing) * t + smoothing / targets.length);
}

/** t·ln t with its limit 0 at 0. */
function entropyTerm(t: number): number {
  return t === 0 ? 0 : t * Math.log(t);
}

/** ln cosh d = |d| + ln(1 + e^(−2|d|)) − ln 2 */
function logCosh(d: number): number {
  return Math.abs(d) + Math.log1p(Math.exp(-2 * Math.abs(d))) - Math.LN2;
}

function lossOfOutput(loss: OracleLoss, p: number, t: number): number {
  const d = p - t;
  switch (loss.name) {
    case "meanSquaredError":
      return d * d;
    case "meanAbsoluteError":
      return Math.abs(d);
    case "huber": {
      const delta = loss.delta ?? DEFAULT_HUBER_DELTA;
      return Math.abs(d) < delta ? 0.5 * d * d : delta * (Math.abs(d) - 0.5 * delta);
    }
    case "logCosh":
      return logCosh(d);
    case "binaryCrossEntropy":
      return -t * Math.max(Math.log(p), BCE_LOG_MINIMUM) - (1 - t) * Math.max(Math.log1p(-p), BCE_LOG_MINIMUM);
    case "hinge":
      return Math.max(0, 1 - t * p);
    case "poisson":
      return t === 0 ? p : p - t * Math.log(p);
    case "klDivergence":
      return t === 0 ? 0 : entropyTerm(t) - t * Math.log(p);
    case "crossEntropy":
      throw new TypeError("crossEntropy: expected a softmax output");
  }
}

function gradientOfOutput(loss: OracleLoss, p: number, t: number): number {
  const d = p - t;
  switch (loss.name) {
    case "meanSquaredError":
      return 2 * d;
    case "meanAbsoluteError":
      return Math.sign(d);
    case "huber": {
      const delta = loss.delta ?? DEFAULT_HUBER_DELTA;
      return Math.min(Math.max(-delta, d), delta);
    }
    case "logCosh":
      return Math.tanh(d);
    case "binaryCrossEntropy":
      return d / Math.max(p * (1 - p), BCE_DENOMINATOR_MINIMUM);
    case "hinge":
      return 1 - t * p > 0 ? -t : 0;
    case "poisson":
      return t === 0 ? 1 : 1 - t / p;
    case "klDivergence":
      return t === 0 ? 0 : -t / p;
    case "crossEntropy":
      throw new TypeError("crossEntropy: expected a softmax output");
  }
}

/** The loss of one sample, from its weighted sums where the pair is fused, else from its outputs. */
export function sampleLoss(
  loss: OracleLoss, output: OracleActivationName, weightedSums: Float64Array, outputs: Float64Array, targets: Float64Array,
): number {
  const scale = outputScale(loss, outputs.length);
  const wanted = smoothedTargets(loss, targets);
  const all = logSumExp(weightedSums);
  let sum = 0;
  for (let j = 0; j < outputs.length; j++) {
    const z = weightedSums[j];
    const t = wanted[j];
    if (!isFused(loss, output)) sum += lossOfOutput(loss, outputs[j], t);
    else if (loss.name === "crossEntropy") sum += t * (all - z);
    else if (loss.name === "klDivergence") sum += entropyTerm(t) + t * (all - z);
    else if (output === "sigmoid") sum += Math.max(z, 0) - z * t + Math.log1p(Math.exp(-Math.abs(z)));
    else {
      // ln p = z − ln Σ e^z and ln(1 − p) = ln Σ_{k≠j} e^z_k − ln Σ e^z
      const others = logSumExp(weightedSums, j);
      sum += t * (all - z) + (t === 1 ? 0 : (1 - t) * (all - others));
    }
  }
  return scale * sum;
}

/** The gradient of `sampleLoss` with respect to the outputs, for pairs that are not fused. */
export function outputGradient(loss: OracleLoss, outputs: Float64Array, targets: Float64Array): Float64Array {
  const scale = outputScale(loss, outputs.length);
  return outputs.map((p, j) => scale * gradientOfOutput(loss, p, targets[j]));
}

/** The gradient of `sampleLoss` with respect to the weighted sums, for pairs that are fused. */
export function weightedSumGradient(
  loss: OracleLoss, output: OracleActivationName, weightedSums: Float64Array, targets: Float64Array,
): Float64Array {
  const scale = outputScale(loss, weightedSums.length);
  if (output === "sigmoid") return weightedSums.map((z, j) => scale * (sigmoid(z) - targets[j]));
  const p = softmax(weightedSums);
  if (loss.name === "binaryCrossEntropy") return softmaxBinaryGradient(weightedSums, p, targets).map((g) => scale * g);
  const wanted = smoothedTargets(loss, targets);
  const total = wanted.reduce((sum, t) => sum + t, 0);
  return p.map((probability, j) => probability * total - wanted[j]);
}

/**
 * Σ_j [−t_j ln p_j − (1 − t_j) ln(1 − p_j)] of a softmax p, derived by z_i:
 *   (p_i − t_i) − Σ_{j≠i} [(1 − t_j)·p_j·s_{i|j} − t_j·p_i],   s_{i|j} = e^z_i / Σ_{k≠j} e^z_k,
 * which is the Jacobian p_i (δ_ij − p_j) times (p_j − t_j) / (p_j (1 − p_j)) with every quotient that could be 0/0 removed.
 */
function softmaxBinaryGradient(weightedSums: Float64Array, p: Float64Array, targets: Float64Array): Float64Array {
  return weightedSums.map((z, i) => {
    let gradient = p[i] - targets[i];
    for (let j = 0; j < p.length; j++) {
      if (j === i) continue;
      const shareOfOthers = Math.exp(z - logSumExp(weightedSums, j));
      gradient -= (1 - targets[j]) * p[j] * shareOfOthers - targets[j] * p[i];
    }
    return gradient;
  });
}

/** Rows of 0 and 1 from class indices. */
export function oneHot(classes: ArrayLike<number>, count: number): Float64Array {
  const rows = new Float64Array(classes.length * count);
  for (let s = 0; s < classes.length; s++) rows[s * count + classes[s]] = 1;
  return rows;
}
