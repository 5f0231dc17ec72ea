// Writes networks.json: networks of brain.js 1 and 2 and of TensorFlow.js as those packages save them, with inputs and their own outputs.
//
//   cd test/golden-compat && npm install --ignore-scripts && node generate.mjs
//
// brain.js 1.6.1 and 2.0.0-beta.24, @tensorflow/tfjs 4.22.0. The weights are drawn anew each time.

import { createRequire } from "node:module";
import { writeFileSync } from "node:fs";

const require = createRequire(import.meta.url);
const tf = require("@tensorflow/tfjs");
const entries = { brain: [], trained: [], tfjs: [] };

const xor = [{ input: [0, 0], output: [0] }, { input: [0, 1], output: [1] }, { input: [1, 0], output: [1] }, { input: [1, 1], output: [0] }];
const colours = [
  { input: { r: 0.03, g: 0.7, b: 0.5 }, output: { black: 1 } }, { input: { r: 0.16, g: 0.09, b: 0.2 }, output: { white: 1 } },
  { input: { r: 0.5, b: 1 }, output: { white: 1, blue: 0.5 } },
];
const two = [{ input: [0.1, 0.9, -0.4], output: [0.3, 0.8] }, { input: [0.7, -0.2, 0.5], output: [0.9, 0.1] }, { input: [-0.6, 0.3, 0.8], output: [0.2, 0.4] }];
const json = (net) => JSON.parse(JSON.stringify(net.toJSON()));

for (const [version, brain] of [[1, require("brain1")], [2, require("brain.js")]]) {
  for (const activation of ["sigmoid", "relu", "leaky-relu", "tanh"]) {
    for (const [name, data, hiddenLayers] of [["rows", xor, [3]], ["objects", colours, [4, 3]], ["two", two, undefined], ["numbers and names", colours.map(({ input, output }) => ({ input: Object.values(input).length === 3 ? Object.values(input) : [0.5, 0, 1], output })), [2]]]) {
      const net = new brain.NeuralNetwork({ activation, ...(hiddenLayers === undefined ? {} : { hiddenLayers }), leakyReluAlpha: 0.05 });
      net.train(data, { iterations: 25, errorThresh: 1e-9 });
      entries.brain.push({ version, activation, name, network: json(net), inputs: data.map(({ input }) => input), outputs: data.map(({ input }) => {
        const output = net.run(input);
        return ArrayBuffer.isView(output) || Array.isArray(output) ? [...output] : output;
      }) });
    }
  }
}

// Training from the same weights, all but without momentum (which brain.js has for weights and not for biases): before, and after 1, 20 and 200 rounds.
{
  const brain = require("brain.js");
  for (const [activation, data] of [["sigmoid", xor], ["tanh", two], ["leaky-relu", two]]) {
    const net = new brain.NeuralNetwork({ hiddenLayers: [4, 3], activation, leakyReluAlpha: 0.05 });
    net.train(data, { iterations: 1, errorThresh: 1e-9, learningRate: 1e-9, momentum: 1e-9 });
    const before = json(net);
    const steps = [];
    for (const iterations of [1, 20, 200]) {
      const copy = new brain.NeuralNetwork({ hiddenLayers: [4, 3], activation, leakyReluAlpha: 0.05 });
      copy.fromJSON(before);
      const { error } = copy.train(data, { iterations, errorThresh: 1e-9, learningRate: 0.2, momentum: 1e-9 });
      steps.push({ iterations, error, outputs: data.map(({ input }) => [...copy.run(input)]) });
    }
    entries.trained.push({ activation, data, before, learningRate: 0.2, momentum: 1e-9, steps });
  }
}

const layered = (name, layers) => ({ name, layers });
const { layers: L } = tf;
const activations = ["linear", "sigmoid", "tanh", "relu", "relu6", "elu", "selu", "softplus", "softsign", "hardSigmoid", "swish", "mish", "gelu", "gelu_new"];
const models = [
  ...activations.map((activation) => layered(activation, [L.dense({ units: 5, activation, inputShape: [4] }), L.dense({ units: 2, activation })])),
  layered("softmax", [L.dense({ units: 6, activation: "relu", inputShape: [4] }), L.dropout({ rate: 0.3 }), L.dense({ units: 3, activation: "softmax" })]),
  layered("batchNormalization", [L.dense({ units: 6, activation: "tanh", inputShape: [4] }), L.batchNormalization({}), L.dense({ units: 3 })]),
  layered("batchNormalization before activation", [L.dense({ units: 6, inputShape: [4] }), L.batchNormalization({ epsilon: 0.01, momentum: 0.9 }), L.activation({ activation: "relu" }), L.dense({ units: 3 })]),
  layered("batchNormalization without scale", [L.dense({ units: 6, activation: "relu", useBias: false, inputShape: [4] }), L.batchNormalization({ scale: false, center: false }), L.dense({ units: 1 })]),
  layered("leakyReLU and its kind", [L.dense({ units: 6, inputShape: [4] }), L.leakyReLU({ alpha: 0.2 }), L.dense({ units: 5 }), L.prelu({}), L.dense({ units: 4 }), L.elu({}), L.dense({ units: 4 }), L.reLU({ maxValue: 6 }), L.dense({ units: 2 }), L.softmax({})]),
  layered("inputLayer and flatten", [L.inputLayer({ inputShape: [2, 3] }), L.flatten({}), L.dense({ units: 3, activation: "relu" }), L.layerNormalization ? L.layerNormalization({}) : L.dropout({ rate: 0 }), L.dense({ units: 1, activation: "sigmoid" })]),
];
for (const { name, layers } of models) {
  let model;
  try {
    model = tf.sequential({ layers });
  } catch (error) {
    console.error(`left out: ${name}: ${error.message}`);
    continue;
  }
  model.setWeights(model.getWeights().map((weight, i) => {
    const values = tf.randomNormal(weight.shape, 0, 0.6);
    return /variance/.test(model.weights[i].name) ? tf.add(tf.abs(values), 0.3) : values;
  }));
  let artifacts;
  await model.save(tf.io.withSaveHandler(async (given) => {
    artifacts = given;
    return { modelArtifactsInfo: tf.io.getModelArtifactsInfoForJSON(given) };
  }));
  const shape = model.inputs[0].shape.slice(1);
  const input = tf.randomNormal([5, ...shape]);
  const weights = Buffer.from(tf.io.CompositeArrayBuffer ? tf.io.CompositeArrayBuffer.join(artifacts.weightData) : artifacts.weightData);
  // two shards, cut where no weight ends
  const cut = Math.floor(weights.length / 2) + 1;
  entries.tfjs.push({
    name,
    model: {
      format: "layers-model", generatedBy: `TensorFlow.js tfjs-layers v${tf.version["tfjs-layers"]}`, convertedBy: null, modelTopology: artifacts.modelTopology,
      weightsManifest: [{ paths: ["group1-shard1of2.bin", "group1-shard2of2.bin"], weights: artifacts.weightSpecs }],
    },
    shards: [weights.subarray(0, cut), weights.subarray(cut)].map((shard) => shard.toString("base64")),
    inputs: await input.array(),
    outputs: await model.predict(input).array(),
  });
}
const lines = Object.entries(entries).map(([key, list]) => `${JSON.stringify(key)}:[\n${list.map((entry) => JSON.stringify(entry)).join(",\n")}\n]`);
writeFileSync(new URL("networks.json", import.meta.url), `{\n${lines.join(",\n")}\n}\n`);
console.log(Object.entries(entries).map(([key, list]) => `${list.length} ${key}`).join(", "));
