// The cases that the gradient tests run: every pair of activation and loss that the contract allows, once with the activation
// at the output and once in a hidden layer, and a seeded network with data for each.
// Every number is a multiple of 2^-10 and so exact in f32. Data is drawn until outputs lie where the loss is defined and
// nothing lies nearer to a kink than asked.

import { ELEMENTWISE_NAMES, elementwise, type OracleActivation, type OracleActivationName } from "./activations.js";
import { DEFAULT_HUBER_DELTA, isFused, type OracleLoss, type OracleLossName } from "./losses.js";
import { createNetwork, forward, type OracleNetwork } from "./network.js";

/** 17 elementwise activations, 4 variants by parameter, and softmax. */
export const ACTIVATIONS: readonly OracleActivation[] = [
  ...ELEMENTWISE_NAMES.map((name) => ({ name })),
  { name: "leakyRelu", slope: 0.25 },
  { name: "prelu", initialSlope: 0.125, shared: true },
  { name: "elu", alpha: 0.75 },
  { name: "gelu", approximate: "tanh" },
  { name: "softmax" },
];

/** 9 losses and 2 variants by parameter. */
export const LOSSES: readonly OracleLoss[] = [
  { name: "meanSquaredError" }, { name: "meanAbsoluteError" }, { name: "huber" }, { name: "huber", delta: 0.5 }, { name: "logCosh" },
  { name: "binaryCrossEntropy" }, { name: "crossEntropy" }, { name: "crossEntropy", labelSmoothing: 0.125 }, { name: "hinge" },
  { name: "poisson" }, { name: "klDivergence" },
];

export interface PairCase {
  title: string;
  hidden: OracleActivation;
  output: OracleActivation;
  loss: OracleLoss;
}

/** softmax takes all 11 losses, each of the other 21 outputs all but the 2 cross-entropies: 200. */
export const OUTPUT_PAIR_COUNT = 11 + 21 * 9;
/** 21 hidden activations with 11 losses: 231. */
export const HIDDEN_PAIR_COUNT = 21 * 11;

/** The output that a loss is paired with while hidden activations vary. */
const OUTPUT_OF_LOSS: Record<OracleLossName, OracleActivationName> = {
  meanSquaredError: "linear", meanAbsoluteError: "linear", huber: "linear", logCosh: "linear", binaryCrossEntropy: "sigmoid",
  crossEntropy: "softmax", hinge: "linear", poisson: "softplus", klDivergence: "softmax",
};

/** The name with the parameters that were given. */
export function titleOf(thing: OracleActivation | OracleLoss): string {
  const { name, ...parameters } = thing;
  return Object.keys(parameters).length === 0 ? name : `${name}(${JSON.stringify(parameters).slice(1, -1).replaceAll('"', "")})`;
}

export const OUTPUT_PAIRS: readonly PairCase[] = ACTIVATIONS.flatMap((output) => LOSSES
  .filter((loss) => loss.name !== "crossEntropy" || output.name === "softmax")
  .map((loss) => ({ title: `output ${titleOf(output)}, ${titleOf(loss)}`, hidden: { name: "tanh" }, output, loss })));

export const HIDDEN_PAIRS: readonly PairCase[] = ACTIVATIONS.filter(({ name }) => name !== "softmax").flatMap((hidden) => LOSSES
  .map((loss) => ({ title: `hidden ${titleOf(hidden)}, ${titleOf(loss)}`, hidden, output: { name: OUTPUT_OF_LOSS[loss.name] }, loss })));

/** Uniform numbers in [0, 1): mulberry32, a counter through a 32-bit mixer. */
export function uniformSource(seed: number): () => number {
  let counter = seed >>> 0;
  return () => {
    counter = (counter + 0x6d2b79f5) >>> 0;
    let x = Math.imul(counter ^ (counter >>> 15), counter | 1);
    x ^= x + Math.imul(x ^ (x >>> 7), x | 61);
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Uniform in [low, high], rounded to a multiple of 2^-10. */
function draw(uniform: () => number, low: number, high: number): number {
  return Math.round((low + (high - low) * uniform()) * 1024) / 1024;
}

const POSITIVE_EVERYWHERE: readonly OracleActivationName[] = ["sigmoid", "softmax", "softplus", "exponential", "hardSigmoid"];

/** Where the output's weighted sums are centred so that its values lie in the domain of the loss; null: anywhere will do. */
function outputCentre(output: OracleActivationName, loss: OracleLossName): number | null {
  if (loss === "binaryCrossEntropy" && output === "softplus") return -1;
  if (loss === "binaryCrossEntropy" && output === "exponential") return -1.5;
  // Where these saturate at ±1 they lie on the kink of the hinge itself.
  if (loss === "hinge" && (output === "hardTanh" || output === "hardSigmoid")) return 0;
  const bounded = loss === "binaryCrossEntropy" || loss === "poisson" || loss === "klDivergence";
  if (!bounded || (POSITIVE_EVERYWHERE.includes(output) && output !== "hardSigmoid")) return null;
  return output === "hardSigmoid" ? 0 : 0.5;
}

/** One sample's targets of the kind that the loss is for. */
function drawTargets(uniform: () => number, loss: OracleLossName, outputs: number): number[] {
  const each = (value: () => number) => Array.from({ length: outputs }, value);
  switch (loss) {
    case "hinge":
      return each(() => (uniform() < 0.5 ? -1 : 1));
    case "binaryCrossEntropy":
      return each(() => (uniform() < 0.5 ? Math.round(uniform()) : draw(uniform, 0, 1)));
    case "poisson":
      return each(() => (uniform() < 0.2 ? 0 : draw(uniform, 0, 3)));
    case "crossEntropy":
    case "klDivergence": {
      const one = Math.floor(uniform() * outputs);
      if (uniform() < 0.4) return Array.from({ length: outputs }, (_, j) => (j === one ? 1 : 0));
      // A distribution in 1024ths, the last output taking what is left.
      const shares = each(() => 0.1 + uniform());
      const total = shares.reduce((sum, share) => sum + share, 0);
      const row = shares.map((share) => Math.floor((share / total) * 1024) / 1024);
      row[outputs - 1] = 1 - row.slice(0, -1).reduce((sum, share) => sum + share, 0);
      return row;
    }
    default:
      return each(() => draw(uniform, -1.5, 1.5));
  }
}

/** How far from where the loss is undefined or not smooth the outputs and targets are. */
function lossMargin(loss: OracleLoss, output: OracleActivationName, p: number, t: number): number {
  const d = Math.abs(p - t);
  // From the weighted sums a loss is defined everywhere; but the binary one of a softmax is as ill-conditioned as 1 − p.
  if (isFused(loss, output) && !(output === "softmax" && loss.name === "binaryCrossEntropy")) return Infinity;
  switch (loss.name) {
    case "meanAbsoluteError":
      return d;
    case "huber":
      return Math.abs(d - (loss.delta ?? DEFAULT_HUBER_DELTA));
    case "hinge":
      return Math.abs(1 - t * p);
    case "poisson":
    case "klDivergence":
      return p;
    case "binaryCrossEntropy":
      return Math.min(p, 1 - p);
    default:
      return Infinity;
  }
}

/** The smallest distance of any weighted sum and any output from a kink or from the end of the loss's domain. */
export function margin(network: OracleNetwork, inputs: Float64Array, targets: Float64Array, loss: OracleLoss): number {
  const traces = forward(network, inputs);
  let smallest = Infinity;
  network.layers.forEach(({ activation }, l) => {
    if (activation.name === "softmax") return;
    for (const kink of elementwise(activation).kinks) for (const z of traces[l].weightedSums) smallest = Math.min(smallest, Math.abs(z - kink));
  });
  const output = network.layers[network.layers.length - 1].activation.name;
  traces[traces.length - 1].activations.forEach((p, k) => { smallest = Math.min(smallest, lossMargin(loss, output, p, targets[k])); });
  return smallest;
}

export interface PairData {
  network: OracleNetwork;
  inputs: Float64Array;
  targets: Float64Array;
}

/** A network of two dense layers with data for the pair, at least `minimumMargin` from every kink. */
export function buildPair(pair: PairCase, sizes: readonly [number, number, number], samples: number, minimumMargin: number, seed = 1): PairData {
  const [inputCount, hiddenUnits, outputs] = sizes;
  const centre = outputCentre(pair.output.name, pair.loss.name);
  for (let attempt = 0; attempt < 1000; attempt++) {
    const uniform = uniformSource(seed * 1000 + attempt);
    const network = createNetwork(inputCount, [
      { units: hiddenUnits, activation: pair.hidden },
      { units: outputs, activation: pair.output },
    ]);
    const fill = (values: Float64Array | null, low: number, high: number) => values?.forEach((_, k) => { values[k] = draw(uniform, low, high); });
    const [hidden, output] = network.layers;
    // e^z is kept of the size of the other activations.
    const hiddenReach = (pair.hidden.name === "exponential" ? 1 : 3) / Math.sqrt(inputCount);
    const outputReach = centre === null ? 3 / Math.sqrt(hiddenUnits) : 0.75 / hiddenUnits;
    fill(hidden.weights, -hiddenReach, hiddenReach);
    fill(hidden.biases, -0.5, 0.5);
    fill(hidden.slopes, 0.05, 0.45);
    fill(output.weights, -outputReach, outputReach);
    fill(output.biases, (centre ?? 0) - 0.125, (centre ?? 0) + 0.125);
    fill(output.slopes, 0.05, 0.45);
    const inputs = new Float64Array(samples * inputCount);
    fill(inputs, -1.5, 1.5);
    const targets = Float64Array.from(Array.from({ length: samples }, () => drawTargets(uniform, pair.loss.name, outputs)).flat());
    if (margin(network, inputs, targets, pair.loss) >= minimumMargin) return { network, inputs, targets };
  }
  throw new Error(`buildPair: no seed gives ${pair.title} a margin of ${minimumMargin}`);
}
