// A network as the formats of others can hold it: its layers in order, each with its numbers and what they mean, without plan, memory or
// training. toModule and the ONNX writer read it. The arrays are the network's live views, to be read and not kept.

import { describeValue, firstNonFinite, refusal, wrongKind } from "../check.js";
import type { ActivationSpec as AnyActivation } from "../describe/activations.js";
import type { LayerSpec } from "../describe/layers.js";

/** An activation of the library's own. */
export type ActivationSpec = Exclude<AnyActivation, { readonly name: "custom" }>;

/** activation(W·x + b); weights units × inputs, row-major; biases empty where the layer has none; slopes: PReLU's. */
export interface PortableDense {
  readonly kind: "dense";
  readonly inputs: number;
  readonly units: number;
  readonly activation: ActivationSpec;
  readonly weights: Float32Array;
  readonly biases: Float32Array;
  readonly slopes: Float32Array | undefined;
}

/** Nothing outside of training. */
export interface PortableDropout {
  readonly kind: "dropout";
  readonly units: number;
  readonly rate: number;
}

/** gain·(x − runningMean) / √(runningVariance + epsilon) + shift. */
export interface PortableBatchNorm {
  readonly kind: "batchNorm";
  readonly units: number;
  readonly momentum: number;
  readonly epsilon: number;
  readonly gain: Float32Array;
  readonly shift: Float32Array;
  readonly runningMean: Float32Array;
  readonly runningVariance: Float32Array;
}

/** gain·(x − mean) / √(variance + epsilon) + shift over the sample itself, the variance biased. */
export interface PortableLayerNorm {
  readonly kind: "layerNorm";
  readonly units: number;
  readonly epsilon: number;
  readonly gain: Float32Array;
  readonly shift: Float32Array;
}

export type PortableLayer = PortableDense | PortableDropout | PortableBatchNorm | PortableLayerNorm;

/** What other formats hold of a network. */
export interface Portable {
  readonly inputs: number;
  readonly outputs: number;
  readonly layers: readonly PortableLayer[];
  /** The preparation of a table's columns, as JSON, if there is one. */
  readonly tabular: string | undefined;
}

/** The method of a network that tells it; registered, so that a form of the package for other hosts is understood too. */
export const PORTABLE: unique symbol = Symbol.for("rosenblatt.portable") as never;

/** @throws {TypeError} if it is no network */
export function portableOf(network: { [PORTABLE](subject: string): Portable }, subject: string): Portable {
  if (typeof (network as Partial<typeof network> | null | undefined)?.[PORTABLE] !== "function") {
    throw wrongKind(`${subject}: network`, "a Network", network, "Make one with Network.create or Network.load");
  }
  return network[PORTABLE](subject);
}

/** The views that a layer has, whatever its kind. */
interface LayerArrays {
  readonly inputs: number;
  readonly units: number;
  readonly weights?: Float32Array;
  readonly biases?: Float32Array;
  readonly slopes?: Float32Array;
  readonly gain?: Float32Array;
  readonly shift?: Float32Array;
  readonly runningMean?: Float32Array;
  readonly runningVariance?: Float32Array;
}

/**
 * Joins what a layer was described as with its numbers.
 * @throws {Error} if a number is not finite, or the activation is the user's own
 */
export function portableLayer(subject: string, index: number, spec: LayerSpec, layer: LayerArrays): PortableLayer {
  const { inputs, units } = layer;
  const finite = (name: keyof LayerArrays, values: Float32Array | undefined): Float32Array => {
    const bad = values === undefined ? -1 : firstNonFinite(values);
    if (bad >= 0) throw new Error(refusal(`${subject}: layers[${index}].${name}`, "finite numbers", `${values![bad]} at index ${bad}`));
    return values!;
  };
  switch (spec.kind) {
    case "dense": {
      const { activation } = spec;
      if (activation.name === "custom") {
        throw new Error(refusal(`${subject}: layers[${index}].activation`, "one of the library's own", `the custom activation ${describeValue(activation.custom.name)}`, "It has no form outside of this program"));
      }
      const slopes = activation.name === "prelu" ? finite("slopes", layer.slopes) : undefined;
      return { kind: "dense", inputs, units, activation, weights: finite("weights", layer.weights), biases: finite("biases", layer.biases), slopes };
    }
    case "dropout":
      return { kind: "dropout", units, rate: spec.rate };
    case "batchNorm":
      return {
        kind: "batchNorm", units, momentum: spec.momentum, epsilon: spec.epsilon, gain: finite("gain", layer.gain), shift: finite("shift", layer.shift),
        runningMean: finite("runningMean", layer.runningMean), runningVariance: finite("runningVariance", layer.runningVariance),
      };
    case "layerNorm":
      return { kind: "layerNorm", units, epsilon: spec.epsilon, gain: finite("gain", layer.gain), shift: finite("shift", layer.shift) };
  }
}
