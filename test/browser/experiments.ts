// The trainings that must give the same bytes everywhere: on iris, and wider ones for which two threads are asked. This module runs
// in the page, in a worker and in Node alike: it is given the library, and returns hashes of all that was learned, with the losses as
// numbers.

import type * as Library from "../../src/index.js";
import type { FitOptions, LayerSpec } from "../../src/index.js";

/** What one training left. */
export interface Outcome {
  readonly name: string;
  /** SHA-256, in hex, over the weights, biases and slopes of all layers in their order. */
  readonly parameters: string;
  /** SHA-256 over the predictions for all samples. */
  readonly predictions: string;
  /** Of each epoch. */
  readonly losses: number[];
  /** Of the training samples, after training. */
  readonly accuracy: number;
}

interface Experiment {
  readonly name: string;
  readonly seed: number;
  readonly layers: LayerSpec[];
  /** Rows of 0 and 1 in place of class indices. */
  readonly oneHot?: boolean;
  /** Four quadrants of a space of 20 inputs in place of iris. */
  readonly quadrants?: boolean;
  readonly options: FitOptions;
}

function experiments({ adam, dense, nadam, prelu, rmsprop, sgd }: typeof Library): Experiment[] {
  return [
    {
      name: "relu, softmax, Adam",
      seed: 7,
      layers: [dense(16, "relu"), dense(16, "relu"), dense(3, "softmax")],
      options: { epochs: 60, batchSize: 16, optimizer: adam({ learningRate: 0.01 }) },
    },
    {
      name: "tanh, sigmoid, SGD with momentum",
      seed: 1,
      layers: [dense(8, "tanh"), dense(3, "sigmoid")],
      oneHot: true,
      options: { epochs: 80, batchSize: 10, optimizer: sgd({ learningRate: 0.05, momentum: 0.9 }) },
    },
    {
      name: "prelu, one slope a unit and one a layer, greatest seed",
      seed: Number.MAX_SAFE_INTEGER,
      layers: [dense(13, prelu()), dense(7, prelu({ shared: true })), dense(3, "softmax")],
      options: { epochs: 50, batchSize: 32, optimizer: adam({ learningRate: 0.02 }) },
    },
    {
      name: "gelu, NAdam, in the order given",
      seed: 42,
      layers: [dense(12, "gelu"), dense(3, "softmax")],
      options: { epochs: 60, batchSize: 25, shuffle: false, optimizer: nadam({ learningRate: 0.01 }) },
    },
    {
      name: "two threads: tanh and relu, Adam",
      seed: 3,
      layers: [dense(67, "tanh"), dense(33, "relu"), dense(4, "softmax")],
      quadrants: true,
      options: { epochs: 12, batchSize: 32, threads: 2, optimizer: adam({ learningRate: 0.01 }) },
    },
    {
      name: "two threads: mish, RMSprop, validation, clipped",
      seed: 11,
      layers: [dense(48, "mish"), dense(4, "softmax")],
      quadrants: true,
      options: { epochs: 15, batchSize: 24, threads: 2, validationSplit: 0.2, gradientClip: { norm: 1 }, optimizer: rmsprop({ learningRate: 0.01 }) },
    },
  ];
}

/** 240 samples of 20 inputs that look random, and the quadrant of the first two. */
function quadrants(): { inputs: number[][]; labels: number[] } {
  const inputs = Array.from({ length: 240 }, (_, i) => Array.from({ length: 20 }, (_, j) => Math.fround((((20 * i + j) * 7919) % 2003) / 1001 - 1)));
  return { inputs, labels: inputs.map(([x, y]) => (x > 0 ? 1 : 0) + (y > 0 ? 2 : 0)) };
}

/** The four measures of each flower, and its species as an index. */
function readIris(csv: string): { inputs: number[][]; labels: number[] } {
  const rows = csv.trim().split(/\r?\n/).slice(1).map((line) => line.split(","));
  const species = [...new Set(rows.map((row) => row[4]))];
  return { inputs: rows.map((row) => row.slice(0, 4).map(Number)), labels: rows.map((row) => species.indexOf(row[4])) };
}

async function sha256(arrays: Float32Array[]): Promise<string> {
  const bytes = new Uint8Array(arrays.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let place = 0;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), place);
    place += byteLength;
  }
  return Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function runOne(library: typeof Library, { name, seed, layers, oneHot, quadrants: made, options }: Experiment, csv: string): Promise<Outcome> {
  const { inputs, labels } = made ? quadrants() : readIris(csv);
  const targets = oneHot ? labels.map((label) => [0, 1, 2].map((k) => (k === label ? 1 : 0))) : labels;
  const network = await library.Network.create({ inputs: inputs[0].length, layers, seed });
  const history = await network.fit(inputs, targets, options);
  const predictions = network.predict(inputs.flat());
  const hits = labels.filter((label, i) => {
    const row = predictions.subarray(network.outputs * i, network.outputs * (i + 1));
    return row[label] === Math.max(...row);
  });
  const parameters = network.layers.flatMap((layer) => [layer.weights, layer.biases, ...(layer.slopes ? [layer.slopes] : [])]);
  return {
    name,
    parameters: await sha256(parameters),
    predictions: await sha256([predictions]),
    losses: history.epochs.map(({ loss }) => loss),
    accuracy: hits.length / labels.length,
  };
}

/** All trainings, one after the other; `threads` for all of them, or what each asks for. */
export async function runAll(library: typeof Library, csv: string, threads?: number): Promise<Outcome[]> {
  const outcomes = [];
  for (const experiment of experiments(library)) {
    const options = threads === undefined ? experiment.options : { ...experiment.options, threads };
    outcomes.push(await runOne(library, { ...experiment, options }, csv));
  }
  return outcomes;
}
