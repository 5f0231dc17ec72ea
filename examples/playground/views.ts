// What a frame shows, computed from the network in the worker: outputs over the plane in one batch prediction, every neuron's picture from one
// trace, loss and metric, and the page of one neuron.

import { activate, activationDerivative, prelu } from "../../src/index.js";
import type { ActivationName, ActivationSpec, Metric, Network } from "../../src/index.js";
import type { Data } from "./data.js";
import { CURVE, PLANE, SMALL } from "./protocol.js";
import type { DataView, LayerView, NeuronView, Selection } from "./protocol.js";
import type { Part } from "./generators.js";

/** Samples of a frame's loss, metric and histogram at most: enough for three digits. */
const MOST_SAMPLES = 1000;
const BINS = 40;
/** A unit is called saturated where its derivative is below this share of the greatest, on nine of ten samples. */
const FLAT = 0.01;

function points({ inputs, targets }: Part, { means, deviations }: Data): Float32Array {
  const flat = new Float32Array(targets.length * 3);
  for (let i = 0; i < targets.length; i++) {
    flat[i * 3] = inputs[i][0] * deviations[0] + means[0];
    flat[i * 3 + 1] = inputs[i].length > 1 ? inputs[i][1] * deviations[1] + means[1] : 0;
    flat[i * 3 + 2] = targets[i];
  }
  return flat;
}

export function viewData(data: Data): DataView {
  const flat = data.inputs <= 2;
  const [trainingPoints, testPoints] = flat ? [points(data.training, data), points(data.test, data)] : [new Float32Array(0), new Float32Array(0)];
  const extent = (place: number, least: number): [number, number] => {
    let [low, high] = [Infinity, -Infinity];
    for (const list of [trainingPoints, testPoints]) {
      for (let i = place; i < list.length; i += 3) [low, high] = [Math.min(low, list[i]), Math.max(high, list[i])];
    }
    const margin = (high - low || 1) * 0.06;
    return [Math.min(low - margin, -least), Math.max(high + margin, least)];
  };
  const made = data.means.some((mean) => mean !== 0) || data.names[0] === "x";
  const x = flat ? extent(0, made ? 1.05 : -Infinity) : [0, 1];
  const y = flat ? extent(data.inputs === 1 ? 2 : 1, made ? 1.05 : -Infinity) : [0, 1];
  return {
    task: data.task, inputs: data.inputs, outputs: data.outputs, names: data.names, labels: data.labels,
    trainingCount: data.training.targets.length, testCount: data.test.targets.length, trainingPoints, testPoints, domain: [x[0], x[1], y[0], y[1]],
  };
}

/** Inputs over the plane or along the line, `side` on a side. */
export function gridOf(data: Data, { domain: [x0, x1, y0, y1] }: DataView, side: number): Float32Array {
  const { means, deviations } = data;
  const at = (low: number, high: number, i: number, axis: number): number => (low + ((high - low) * i) / (side - 1) - means[axis]) / deviations[axis];
  if (data.inputs === 1) return Float32Array.from({ length: side }, (_, i) => at(x0, x1, i, 0));
  const grid = new Float32Array(side * side * 2);
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      grid[(row * side + column) * 2] = at(x0, x1, column, 0);
      grid[(row * side + column) * 2 + 1] = at(y0, y1, row, 1);
    }
  }
  return grid;
}

export const sideOf = ({ inputs }: Data): number => (inputs === 1 ? CURVE : PLANE);

function part({ inputs, targets }: Part): Part {
  return { inputs: inputs.slice(0, MOST_SAMPLES), targets: targets.slice(0, MOST_SAMPLES) };
}

export function measure(network: Network, data: Data): { loss: { training: number; test: number }; metric: { training: number; test: number } } {
  const metric: Metric = data.task === "regression" ? "r2" : "accuracy";
  const [training, test] = [data.training, data.test].map((some) => {
    const { inputs, targets } = part(some);
    return network.evaluate(inputs, targets, { metrics: [metric] });
  });
  return { loss: { training: training.loss, test: test.loss }, metric: { training: training.metrics[metric], test: test.metrics[metric] } };
}

/** What the test samples were taken for, where the plane cannot show it. */
export function judge(network: Network, data: Data): { confusion?: Uint32Array; scatter?: Float32Array } {
  const { inputs, targets } = part(data.test);
  if (data.task === "regression") {
    const predictions = network.predict(inputs);
    return { scatter: Float32Array.from({ length: targets.length * 2 }, (_, i) => (i % 2 === 0 ? targets[i >> 1] : predictions[i >> 1])) };
  }
  const count = data.labels.length;
  const confusion = new Uint32Array(count * count);
  network.classify(inputs).forEach((predicted, i) => confusion[targets[i] * count + predicted]++);
  return { confusion };
}

export function viewLayers(network: Network, dense: readonly number[], grid: Float32Array | undefined): LayerView[] {
  const trace = grid === undefined ? undefined : network.trace(grid);
  return dense.map((place) => {
    const { units, activation, weights, biases, slopes } = network.layers[place];
    return {
      units, activation, weights: weights.slice(), biases: biases.slice(), ...(slopes === undefined ? {} : { slopes: slopes.slice() }),
      pictures: trace?.[place].activations.slice() ?? new Float32Array(0),
    };
  });
}

export function viewNeuron(network: Network, data: Data, dense: readonly number[], selection: Selection): NeuronView | undefined {
  const place = dense[selection.layer];
  const layer = place === undefined ? undefined : network.layers[place];
  if (layer === undefined || selection.unit >= layer.units) return undefined;
  const { inputs } = part(data.training);
  const sample = data.training.inputs[Math.min(selection.sample, data.training.inputs.length - 1)];
  const explanation = layer.neuron(selection.unit).explain(sample);
  const traced = network.trace(inputs)[place].weightedSums!;
  const sums = Float32Array.from(inputs, (_, i) => traced[i * layer.units + selection.unit]);
  const reach = Math.max(3, Math.ceil(sums.reduce((most, value) => Math.max(most, Math.abs(value)), Math.abs(explanation.weightedSum)) * 1.05));
  const z = Float32Array.from({ length: CURVE }, (_, i) => -reach + (2 * reach * i) / (CURVE - 1));
  const histogram = new Uint32Array(BINS);
  for (const value of sums) histogram[Math.max(0, Math.min(BINS - 1, Math.floor(((value + reach) / (2 * reach)) * BINS)))]++;
  const learnedSlope = layer.slopes?.[layer.slopes.length === 1 ? 0 : selection.unit];
  const common = {
    selection, activation: layer.activation, products: explanation.products, bias: explanation.bias, weightedSum: explanation.weightedSum,
    output: explanation.activation, z, histogram, ...(learnedSlope === undefined ? {} : { learnedSlope }),
  };
  if (layer.activation === "softmax") return { ...common, f: new Float32Array(0), slope: new Float32Array(0), dead: false, saturated: 0 };
  const spec: ActivationSpec | ActivationName = learnedSlope === undefined ? (layer.activation as ActivationName) : prelu({ initialSlope: learnedSlope });
  const slope = activationDerivative(spec, z);
  const steepest = slope.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const [outputs, slopes] = [activate(spec, sums), activationDerivative(spec, sums)];
  const dead = sums.every((_, i) => outputs[i] === 0 && slopes[i] === 0);
  const flat = slopes.reduce((count, value) => count + (Math.abs(value) < FLAT * steepest ? 1 : 0), 0) / sums.length;
  return { ...common, f: activate(spec, z), slope, dead, saturated: dead ? 0 : flat };
}

export { SMALL };
