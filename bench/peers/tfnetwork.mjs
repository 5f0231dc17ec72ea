// The networks of the bench in TensorFlow.js, for Node and for the browser: core operations, batches cut beforehand (tf.slice copies
// its whole source there), predictions by the fused product. `tf` is @tensorflow/tfjs-core with its gradients registered.

import { dataOf } from "../networks.mjs";

/** What the backends fuse into a product. */
const fused = ["linear", "relu", "sigmoid"];
const plain = (tf) => ({ linear: (z) => z, relu: tf.relu, tanh: tf.tanh, sigmoid: tf.sigmoid, softmax: (z) => tf.softmax(z) });

/** Variables of layers { inputs, units, weights: units × inputs, biases }. */
export function variablesOf(tf, layers) {
  return layers.map(({ inputs, units, weights, biases }) => {
    const w = tf.variable(tf.transpose(tf.tensor2d(weights, [units, inputs])));
    return { w, b: tf.variable(tf.tensor1d(biases)) };
  });
}

/** Outputs of `rows` samples, which lie flat in `data`. */
export function predictor(tf, network, variables) {
  const predict = (x) => network.layers.reduce((a, [, activation], i) => {
    const { w, b } = variables[i];
    const z = tf.fused.matMul({ a, b: w, bias: b, activation: fused.includes(activation) ? activation : "linear" });
    return fused.includes(activation) ? z : plain(tf)[activation](z);
  }, x);
  return (data, rows) => tf.tidy(() => predict(tf.tensor2d(data, [rows, network.inputs])).dataSync());
}

/** Adam at 0.001; the softmax is part of its cross-entropy: { unit, samples, loss, units }, as work.mjs has it. */
export function trainer(tf, network, variables) {
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
      return activation === "softmax" ? z : plain(tf)[activation](z);
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
  return { unit, samples: size, loss: meanLoss, units: batches };
}
