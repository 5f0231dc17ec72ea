// The activation functions in f64, with their derivatives: what the library computes, written to be read.
// Formulas are those of the contract; each is arranged so that nothing overflows or cancels for any finite z,
// and has its limit at ±∞. At a kink the derivative is PyTorch's: relu 0, leakyRelu and prelu `slope`, elu and selu the
// value of the left side, relu6, hardTanh and hardSigmoid 0 at both bounds.
// Sources: SELU constants Klambauer et al. 2017 (arXiv:1706.02515), GELU Hendrycks & Gimpel 2016 (arXiv:1606.08415),
// Mish Misra 2019 (arXiv:1908.08681), erf Abramowitz & Stegun 7.1.6 and 7.1.14.

export const ELEMENTWISE_NAMES = [
  "linear", "sigmoid", "tanh", "relu", "leakyRelu", "prelu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign",
  "relu6", "hardSigmoid", "hardTanh", "exponential",
] as const;

export type ElementwiseName = (typeof ELEMENTWISE_NAMES)[number];
export type OracleActivationName = ElementwiseName | "softmax";

/** An activation with its parameters; those left out have the contract's defaults. */
export interface OracleActivation {
  name: OracleActivationName;
  /** leakyRelu: 0.01 */
  slope?: number;
  /** prelu: 0.25 */
  initialSlope?: number;
  /** prelu: false, one slope for each unit */
  shared?: boolean;
  /** elu: 1 */
  alpha?: number;
  /** gelu: "none" */
  approximate?: "none" | "tanh";
}

export interface Elementwise {
  /** f(z). `slope` is read by prelu alone. */
  value(z: number, slope: number): number;
  /** f′(z). */
  derivative(z: number, slope: number): number;
  /** Where f or f′ is not smooth. */
  kinks: readonly number[];
}

export const SELU_SCALE = 1.0507009873554804934;
export const SELU_ALPHA = 1.6732632423543772848;
export const DEFAULT_LEAKY_SLOPE = 0.01;
export const DEFAULT_PRELU_SLOPE = 0.25;
export const DEFAULT_ELU_ALPHA = 1;

/** erf(x) for small |x|: A&S 7.1.6, a sum of terms of one sign. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** erfc(x) for x ≥ 2: the continued fraction A&S 7.1.14, evaluated from its 120th term upwards. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let k = 120; k >= 1; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}

/** 1 − erf(x) without cancellation. */
export function erfc(x: number): number {
  if (Number.isNaN(x)) return NaN;
  if (x >= 2) return erfcFraction(x);
  if (x <= -2) return 2 - erfcFraction(-x);
  return 1 - erfSeries(x);
}

/** Φ(z), the distribution function of the standard normal. */
export function normalDistribution(z: number): number {
  return 0.5 * erfc(-z / Math.SQRT2);
}

/** φ(z), its density. */
export function normalDensity(z: number): number {
  return Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
}

export function sigmoid(z: number): number {
  if (z >= 0) return 1 / (1 + Math.exp(-z));
  const e = Math.exp(z);
  return e / (1 + e);
}

/** ln(1 + e^z) */
export function softplus(z: number): number {
  return Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z)));
}

/** 1 − tanh² z */
export function squaredSech(z: number): number {
  const e = Math.exp(-2 * Math.abs(z));
  return (4 * e) / ((1 + e) * (1 + e));
}

/** z · g where g tends to 0 faster than z grows; at −∞ the limit. */
function vanishing(z: number, g: number): number {
  return g === 0 ? 0 : z * g;
}

function exponentialLinear(scale: number, alpha: number, kinks: readonly number[]): Elementwise {
  return {
    value: (z) => scale * (z > 0 ? z : alpha * Math.expm1(z)),
    derivative: (z) => scale * (z > 0 ? 1 : alpha * Math.exp(z)),
    kinks,
  };
}

const GELU_ROOT = Math.sqrt(2 / Math.PI);
const GELU_CUBIC = 0.044715;
const geluTanh: Elementwise = {
  // ½ (1 + tanh u) is sigmoid(2u).
  value: (z) => vanishing(z, sigmoid(2 * GELU_ROOT * (z + GELU_CUBIC * z * z * z))),
  derivative: (z) => {
    const twiceU = 2 * GELU_ROOT * (z + GELU_CUBIC * z * z * z);
    const slopeOfTwiceU = 2 * GELU_ROOT * (1 + 3 * GELU_CUBIC * z * z);
    return sigmoid(twiceU) + vanishing(z * slopeOfTwiceU, sigmoid(twiceU) * sigmoid(-twiceU));
  },
  kinks: [],
};

const BY_NAME: Record<Exclude<ElementwiseName, "leakyRelu" | "elu" | "gelu">, Elementwise> = {
  linear: { value: (z) => z, derivative: () => 1, kinks: [] },
  sigmoid: { value: sigmoid, derivative: (z) => sigmoid(z) * sigmoid(-z), kinks: [] },
  tanh: { value: Math.tanh, derivative: squaredSech, kinks: [] },
  relu: { value: (z) => Math.max(0, z), derivative: (z) => (z > 0 ? 1 : 0), kinks: [0] },
  prelu: { value: (z, slope) => (z > 0 ? z : slope * z), derivative: (z, slope) => (z > 0 ? 1 : slope), kinks: [0] },
  selu: exponentialLinear(SELU_SCALE, SELU_ALPHA, [0]),
  silu: {
    value: (z) => vanishing(z, sigmoid(z)),
    derivative: (z) => sigmoid(z) + vanishing(z, sigmoid(z) * sigmoid(-z)),
    kinks: [],
  },
  mish: {
    value: (z) => vanishing(z, Math.tanh(softplus(z))),
    derivative: (z) => Math.tanh(softplus(z)) + vanishing(z, sigmoid(z) * squaredSech(softplus(z))),
    kinks: [],
  },
  softplus: { value: softplus, derivative: sigmoid, kinks: [] },
  softsign: {
    value: (z) => (Math.abs(z) === Infinity ? Math.sign(z) : z / (1 + Math.abs(z))),
    derivative: (z) => 1 / (1 + Math.abs(z)) ** 2,
    kinks: [0],
  },
  relu6: { value: (z) => Math.min(Math.max(0, z), 6), derivative: (z) => (z > 0 && z < 6 ? 1 : 0), kinks: [0, 6] },
  hardSigmoid: {
    value: (z) => Math.min(Math.max(0, z / 6 + 0.5), 1),
    derivative: (z) => (z > -3 && z < 3 ? 1 / 6 : 0),
    kinks: [-3, 3],
  },
  hardTanh: { value: (z) => Math.min(Math.max(-1, z), 1), derivative: (z) => (z > -1 && z < 1 ? 1 : 0), kinks: [-1, 1] },
  exponential: { value: Math.exp, derivative: Math.exp, kinks: [] },
};

/** Function and derivative of an activation that acts on each weighted sum by itself: all but softmax. */
export function elementwise(activation: OracleActivation): Elementwise {
  switch (activation.name) {
    case "softmax":
      throw new TypeError("elementwise: softmax acts on a whole layer");
    case "leakyRelu": {
      const slope = activation.slope ?? DEFAULT_LEAKY_SLOPE;
      return { value: (z) => (z > 0 ? z : slope * z), derivative: (z) => (z > 0 ? 1 : slope), kinks: [0] };
    }
    case "elu":
      return exponentialLinear(1, activation.alpha ?? DEFAULT_ELU_ALPHA, [0]);
    case "gelu":
      if (activation.approximate === "tanh") return geluTanh;
      return {
        value: (z) => vanishing(z, normalDistribution(z)),
        derivative: (z) => normalDistribution(z) + vanishing(z, normalDensity(z)),
        kinks: [],
      };
    default:
      return BY_NAME[activation.name];
  }
}

/** e^z_j / Σ e^z_k, shifted by the largest z. */
export function softmax(weightedSums: Float64Array): Float64Array {
  const largest = Math.max(...weightedSums);
  const exponentials = weightedSums.map((z) => Math.exp(z - largest));
  const sum = exponentials.reduce((total, e) => total + e, 0);
  return exponentials.map((e) => e / sum);
}

/** ln Σ e^z_k over all k, or over all but one. */
export function logSumExp(weightedSums: Float64Array, except = -1): number {
  let largest = -Infinity;
  weightedSums.forEach((z, k) => { if (k !== except) largest = Math.max(largest, z); });
  if (largest === -Infinity) return -Infinity;
  let sum = 0;
  weightedSums.forEach((z, k) => { if (k !== except) sum += Math.exp(z - largest); });
  return largest + Math.log(sum);
}
