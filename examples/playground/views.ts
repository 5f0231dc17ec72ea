// What a frame shows, computed from the network in the worker: outputs over the plane in one batch prediction, every neuron's picture from one
// trace, loss and metric, and the page of one neuron.

import { activate, activationDerivative, prelu } from "../../src/index.js";
import type { ActivationName, ActivationSpec, Metric, Network } from "../../src/index.js";
import type { Data } from "./data.js";
import { samplesOf } from "./data.js";
import type { Samples } from "./data.js";
import { lossOf, outputOf, usualOutput } from "./names.js";
import type { LossName, OutputName } from "./names.js";
import { CURVE } from "./protocol.js";
import type { DataView, LayerView, Measures, NeuronView, Selection } from "./protocol.js";
import type { State } from "./state.js";
import type { Part } from "./generators.js";

/** Samples of a frame's loss, metric and histogram at most: enough for three digits. */
const MOST_SAMPLES = 1000;
const BINS = 40;
/** Samples of a diagnosis. */
const DIAGNOSED = 500;
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
    ...(data.cut === undefined ? {} : { cut: data.cut }), trainingCount: data.training.targets.length, testCount: data.test.targets.length, trainingPoints, testPoints, domain: [x[0], x[1], y[0], y[1]],
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

/** The samples of a network's fit, and those few that are looked at while it goes on. */
export class Looks {
  readonly output: OutputName;
  readonly loss: LossName;
  readonly training: Samples;
  private readonly parts: readonly Samples[];
  readonly diagnosed: Samples;

  constructor({ output }: State, private readonly data: Data) {
    const { task, outputs, training, test } = data;
    this.output = outputOf(output, task);
    this.loss = lossOf(this.output, task);
    const rows = task === "classes" && this.output !== "softmax";
    this.training = samplesOf(training, outputs, rows);
    this.parts = [training, test].map((part) => samplesOf(part, outputs, rows, MOST_SAMPLES));
    this.diagnosed = samplesOf(training, outputs, rows, DIAGNOSED);
  }

  /** Class indices; with one output the class is 1 from one half on, whatever the activation. */
  private classify(network: Network, inputs: Float32Array): ArrayLike<number> {
    return network.outputs > 1 ? network.classify(inputs) : network.predict(inputs).map((output) => Number(output > 0.5));
  }

  /** Loss and metric; and where the plane cannot show it, what the test samples were taken for. */
  measure(network: Network): Measures {
    const { task, inputs, training, test, labels } = this.data;
    const metric: Metric = task === "regression" ? "r2" : "accuracy";
    // the library tells classes apart at 0 where the output is no sigmoid, and counts several sigmoids one by one
    const own = task !== "regression" && this.output !== usualOutput[task];
    const results = [training, test].map(({ targets }, p) => {
      const samples = this.parts[p];
      const { loss, metrics } = network.evaluate(samples.inputs, samples.targets, { loss: this.loss, metrics: own ? [] : [metric] });
      if (!own) return { loss, metric: metrics[metric] };
      const classes = this.classify(network, samples.inputs);
      let right = 0;
      for (let i = 0; i < classes.length; i++) right += Number(classes[i] === targets[i]);
      return { loss, metric: right / classes.length, classes };
    });
    const [first, last] = results;
    const measures = { loss: { training: first.loss, test: last.loss }, metric: { training: first.metric, test: last.metric } };
    if (inputs <= 2) return measures;
    const samples = this.parts[1];
    if (task === "regression") {
      const predictions = network.predict(samples.inputs);
      return { ...measures, scatter: Float32Array.from({ length: samples.count * 2 }, (_, i) => (i % 2 === 0 ? samples.targets : predictions)[i >> 1]) };
    }
    const count = labels.length;
    const confusion = new Uint32Array(count * count);
    const classes = last.classes ?? this.classify(network, samples.inputs);
    for (let i = 0; i < samples.count; i++) confusion[test.targets[i] * count + classes[i]]++;
    return { ...measures, confusion };
  }

  neuron(network: Network, dense: readonly number[], selection: Selection): NeuronView | undefined {
    return viewNeuron(network, this.data, this.parts[0], dense, selection);
  }
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

function viewNeuron(network: Network, data: Data, { inputs, count }: Samples, dense: readonly number[], selection: Selection): NeuronView | undefined {
  const place = dense[selection.layer];
  const layer = place === undefined ? undefined : network.layers[place];
  if (layer === undefined || selection.unit >= layer.units) return undefined;
  const sample = data.training.inputs[Math.min(selection.sample, data.training.inputs.length - 1)];
  const explanation = layer.neuron(selection.unit).explain(sample);
  const traced = network.trace(inputs)[place].weightedSums!;
  const sums = Float32Array.from({ length: count }, (_, i) => traced[i * layer.units + selection.unit]);
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
