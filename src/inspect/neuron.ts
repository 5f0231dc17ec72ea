// One neuron looked at: its own weights and bias, and step by step what it makes of a sample: a = f(Σ w_i·x_i + b).

import { checkFinite, isArray, refusal, typedArrayName } from "../check.js";
import { formatActivation } from "../describe/activations.js";
import type { Model } from "../model.js";
import { checkSamples, numbers } from "../samples.js";
import type { SampleReader, Samples } from "../samples.js";
import { traceRows } from "./inference.js";

/** What a neuron makes of one sample. */
export interface NeuronExplanation {
  /** w_i·x_i, the greatest magnitude first; `input` is i. */
  readonly products: readonly { readonly input: number; readonly value: number; readonly weight: number; readonly product: number }[];
  readonly bias: number;
  readonly weightedSum: number;
  readonly activation: number;
  /** The same as sentences. */
  readonly text: string;
}

/** A neuron: `weights` is a live view of its row, `bias` its bias as it is now; writing either changes the network. */
export interface Neuron {
  readonly weights: Float32Array;
  bias: number;
  /** Takes one sample of the network's inputs. */
  explain(sample: Samples): NeuronExplanation;
}

/** @param state the network's model, or an error once it is disposed */
export function explainNeuron(state: () => Model, layer: number, j: number): Neuron {
  const shape = state().topology.layers[layer];
  if (shape.kind !== "dense") throw new Error(`layers[${layer}].neuron: expected a dense layer, got ${shape.kind}, which has no neurons`);
  return {
    get weights() {
      return state().floats({ begin: shape.weights.begin + j * shape.inputs, length: shape.inputs });
    },
    get bias() {
      const biases = state().floats(shape.biases);
      return shape.spec.bias ? biases[j] : 0;
    },
    set bias(value) {
      const place = `layers[${layer}].neuron(${j}).bias`;
      if (!shape.spec.bias) throw new Error(`${place}: expected a layer with biases, got one without. Make it with { bias: true }`);
      state().floats(shape.biases)[j] = checkFinite(place, value);
    },
    explain(sample) {
      const model = state();
      const samples = checkOne(sample, model.topology.inputs);
      const trace = traceRows(model, samples);
      const inputs = layer === 0 ? new Float32Array(shape.inputs) : trace[layer - 1].activations;
      if (layer === 0) samples.readRow(0, inputs, 0);
      const products = Array.from(this.weights, (weight, input) => ({ input, value: inputs[input], weight, product: Math.fround(weight * inputs[input]) }));
      products.sort((a, b) => Math.abs(b.product) - Math.abs(a.product));
      const weightedSum = trace[layer].weightedSums![j];
      const activation = trace[layer].activations[j];
      return { products, bias: this.bias, weightedSum, activation, text: sentences(layer, j, formatActivation(shape.spec.activation), products, this.bias, weightedSum, activation) };
    },
  };
}

/** One sample: so many numbers, or one row of them. */
function checkOne(sample: Samples, inputs: number): SampleReader {
  const flat = isArray(sample) ? typeof sample[0] === "number" : typedArrayName(sample) !== undefined;
  if (flat && sample.length % inputs !== 0) throw new RangeError(refusal("sample", numbers(inputs), `${sample.length}`));
  const samples = checkSamples("sample", sample, inputs);
  if (samples.count !== 1) throw new RangeError(refusal("sample", `one sample of ${numbers(inputs)}`, `${samples.count}`));
  return samples;
}

/** Products that the text names; the rest is summed up. */
const NAMED = 5;

function sentences(
  layer: number, j: number, name: string, products: NeuronExplanation["products"], bias: number, weightedSum: number, activation: number,
): string {
  const short = (value: number): string => String(Number(value.toPrecision(4)));
  const named = products.slice(0, NAMED).map(({ input, value, weight, product }) => `input ${input}: ${short(weight)} × ${short(value)} = ${short(product)}`);
  const others = products.length - NAMED;
  const rest = products.slice(NAMED).reduce((sum, { product }) => sum + product, 0);
  const lines = others > 0 ? [...named, `${others} other inputs together: ${short(rest)}`] : named;
  return `Neuron ${j} of layer ${layer}. ${lines.join("; ")}. With the bias ${short(bias)} the weighted sum is ${short(weightedSum)}, and ${name} makes ${short(activation)} of it.`;
}
