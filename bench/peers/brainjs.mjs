// brain.js on the processor: trains sample by sample, with its Adam or, as in T1 and T2, by plain descent where that is quicker;
// mean squared error, no softmax, one activation for all layers. Plain arrays: typed ones it takes for objects.

import brain from "brain.js";
import { dataOf } from "../networks.mjs";
import { batch, single, training } from "./work.mjs";

/** Samples of one call of train: it converts its data first, which should not count. */
const SAMPLES = { T1: 256, T2: 1024, T3: 512, T4: 64, T5: 16, T6: 4 };
const ITERATIONS = { T1: 200, T2: 20, T3: 2 };

function rows(network, count) {
  const { samples, targets } = dataOf(network, count);
  const { inputs, outputs } = network;
  return Array.from({ length: count }, (_, i) => ({
    input: Array.from(samples.subarray(i * inputs, (i + 1) * inputs)),
    output: outputs === 1 ? [targets[i]] : Array.from({ length: outputs }, (_, j) => (targets[i] === j ? 1 : 0)),
  }));
}

export async function create({ network, variant }) {
  const { key, layers } = network;
  const data = rows(network, SAMPLES[key]);
  // hidden and output layers share the activation; outputs of 0 and 1 train best behind a sigmoid
  const activation = layers[0][1] === "tanh" ? "tanh" : "sigmoid";
  const net = new brain.NeuralNetwork({ hiddenLayers: layers.slice(0, -1).map(([units]) => units), activation });
  const iterations = ITERATIONS[key] ?? 1;
  const rule = variant === "descent" ? { learningRate: 0.1 } : { learningRate: 0.001, praxis: "adam" };
  const options = { iterations, errorThresh: 1e-30, log: false, errorCheckInterval: 1e9, ...rule };
  const unit = () => net.train(data, options);
  net.train(data.slice(0, 2), { ...options, iterations: 1 });
  const loss = () => data.reduce((sum, { input, output }) => sum + net.run(input).reduce((part, value, j) => part + (value - output[j]) ** 2, 0), 0);
  const samples = rows(network, key < "T4" ? 1024 : 64).map(({ input }) => input);
  const tasks = { train: training({ unit, samples: data.length * iterations, loss, units: 2 }) };
  if (variant === "descent") return tasks;
  return {
    ...tasks,
    single: single({ call: () => net.run(samples[0]) }),
    batch: batch({ call: () => { for (const sample of samples) net.run(sample); }, samples: samples.length }),
  };
}
