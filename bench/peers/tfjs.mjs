// TensorFlow.js on its WebAssembly backend with SIMD: core operations, batches cut beforehand (tf.slice copies its whole source there),
// gradients registered by hand, predictions by the fused product. Bundled by run.mjs, for its gradients are ES modules in a CommonJS package.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { dataOf } from "../networks.mjs";
import { batch, single, training, weightsOf } from "./work.mjs";

/** What the backend fuses into a product. */
const fused = ["linear", "relu", "sigmoid"];
const plain = { linear: (z) => z, relu: tf.relu, tanh: tf.tanh, sigmoid: tf.sigmoid, softmax: (z) => tf.softmax(z) };

function variablesOf(network, folder) {
  return weightsOf(network, folder).map(({ inputs, units, weights, biases }) => {
    const w = tf.variable(tf.transpose(tf.tensor2d(weights, [units, inputs])));
    return { w, b: tf.variable(tf.tensor1d(biases)) };
  });
}

function predictor(network, variables) {
  return (x) => network.layers.reduce((a, [, activation], i) => {
    const { w, b } = variables[i];
    const z = tf.fused.matMul({ a, b: w, bias: b, activation: fused.includes(activation) ? activation : "linear" });
    return fused.includes(activation) ? z : plain[activation](z);
  }, x);
}

/** Adam at 0.001; the softmax is part of its cross-entropy. */
function trainer(network, variables) {
  const { inputs, outputs, batch: size, batches, layers, loss } = network;
  const { samples, targets } = dataOf(network, size * batches);
  const classes = loss === "crossEntropy";
  const targetsOf = (some) => (classes ? tf.cast(tf.oneHot(tf.tensor1d(some, "int32"), outputs), "float32") : tf.tensor2d(some, [size, 1]));
  const cut = Array.from({ length: batches }, (_, i) => ({
    x: tf.tensor2d(samples.slice(i * size * inputs, (i + 1) * size * inputs), [size, inputs]),
    y: targetsOf(targets.slice(i * size, (i + 1) * size)),
  }));
  const lossOf = ({ x, y }) => {
    const out = layers.reduce((a, [, activation], i) => {
      const z = tf.add(tf.matMul(a, variables[i].w), variables[i].b);
      return activation === "softmax" ? z : plain[activation](z);
    }, x);
    return classes ? tf.losses.softmaxCrossEntropy(y, out) : tf.losses.meanSquaredError(y, out);
  };
  const optimizer = tf.train.adam(0.001);
  let at = 0;
  const unit = () => {
    const one = cut[at];
    at = (at + 1) % batches;
    tf.tidy(() => optimizer.minimize(() => lossOf(one), false));
  };
  const meanLoss = () => cut.reduce((sum, one) => sum + tf.tidy(() => lossOf(one).dataSync()[0]), 0) / batches;
  return training({ unit, samples: size, loss: meanLoss, units: batches });
}

export async function create({ network, folder }) {
  // an absolute folder with its separator at the end
  setWasmPaths(`${process.env.TFJS_WASM_FOLDER}/`);
  if (!(await tf.setBackend("wasm"))) throw new Error("the wasm backend did not start");
  await tf.ready();
  const fixed = variablesOf(network, folder);
  const predict = predictor(network, fixed);
  const { samples } = dataOf(network, 1024);
  const one = samples.slice(0, network.inputs);
  const run = (data, rows) => tf.tidy(() => predict(tf.tensor2d(data, [rows, network.inputs])).dataSync());
  return {
    train: trainer(network, variablesOf(network, folder)),
    single: single({ call: () => run(one, 1), folder }),
    batch: batch({ call: () => run(samples, 1024), folder }),
  };
}
