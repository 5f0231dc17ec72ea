// Says the oracle's descriptions to the library: the same activation, layer, loss and optimizer by its public functions,
// and the same tensors by writing into its live views.

import {
  adagrad, adam, adamw, crossEntropy, dense, elu, gelu, huber, leakyRelu, lion, nadam, Network, prelu, rmsprop, sgd,
} from "../../src/index.js";
import type { ActivationName, ActivationSpec, FitOptions, LayerSpec, Optimizer } from "../../src/index.js";
import type { OracleActivation } from "./activations.js";
import type { OracleLoss } from "./losses.js";
import type { OracleLayerSpec } from "./network.js";
import type { OracleOptimizer } from "./optimizers.js";

/** By name where there is no parameter to give, else by the function of that name. */
export function libraryActivation(activation: OracleActivation): ActivationName | ActivationSpec {
  const { name, ...options } = activation;
  if (Object.keys(options).length === 0) return name;
  switch (name) {
    case "leakyRelu": return leakyRelu(options);
    case "prelu": return prelu(options);
    case "elu": return elu(options);
    case "gelu": return gelu(options);
    default: throw new TypeError(`${name}: has no parameters`);
  }
}

export function libraryLoss(loss: OracleLoss): NonNullable<FitOptions["loss"]> {
  const { name, ...options } = loss;
  if (Object.keys(options).length === 0) return name;
  if (name === "huber") return huber(options);
  if (name === "crossEntropy") return crossEntropy(options);
  throw new TypeError(`${name}: has no parameters`);
}

export function libraryOptimizer(optimizer: OracleOptimizer): Optimizer {
  const { name, ...options } = optimizer;
  switch (name) {
    case "sgd": return sgd(options);
    case "rmsprop": return rmsprop(options);
    case "adagrad": return adagrad(options);
    case "adam": return adam(options);
    case "adamw": return adamw(options);
    case "nadam": return nadam(options);
    case "lion": return lion(options);
  }
}

export function libraryLayer({ units, activation, ...options }: OracleLayerSpec): LayerSpec {
  return dense(units, { activation: libraryActivation(activation), ...options });
}

export interface Tensors {
  weights: ArrayLike<number>;
  biases?: ArrayLike<number> | null;
  slopes?: ArrayLike<number> | null;
}

/** The library's network of that description, its parameters set to the given tensors. */
export async function libraryNetwork(
  inputs: number, layers: readonly OracleLayerSpec[], tensors: readonly Tensors[], simd: Network["simd"] = "deterministic",
): Promise<Network> {
  const network = await Network.create({ inputs, layers: layers.map(libraryLayer), simd });
  tensors.forEach(({ weights, biases, slopes }, l) => {
    const layer = network.layers[l];
    layer.weights.set(weights);
    if (biases) layer.biases.set(biases);
    if (slopes) layer.slopes?.set(slopes);
  });
  return network;
}
