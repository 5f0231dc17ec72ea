// What `npm run reproduce` trains wherever JavaScript runs: eight networks, described as data, and the SHA-256 of what each has learned.
//
//   digest = SHA-256(tensors of every layer, in the order of TENSORS, as f32 ‖ loss and validation loss of every epoch, as f64)
//
// Every kind of layer, every optimizer and every way to weigh, split, order and average samples occurs; sizes that the kernels' tile of 4 × 8
// divides, and sizes that it does not. Samples are multiples of 2⁻¹⁰ from a generator of integers, so no host function makes a number here.

export const TENSORS = ["weights", "biases", "slopes", "gain", "shift", "runningMean", "runningVariance"];
export const EPOCHS = 50;

/** Integers of Park and Miller's generator, all products below 2^53; as multiples of 2⁻¹⁰ in [−1, 1]. */
function numbers(count, seed) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return ((state % 2049) - 1024) / 1024;
  });
}

/** A class for each row by which band the sum of its first numbers falls in. */
function classes(inputs, width, count) {
  return Array.from({ length: inputs.length / width }, (_, i) => {
    const sum = inputs[i * width] + inputs[i * width + 1] * inputs[i * width + 2] + 0.5 * inputs[i * width + 3];
    return Math.min(count - 1, Math.max(0, Math.floor(((sum + 1.5) / 3) * count)));
  });
}

/** Rows of numbers that depend on the inputs. */
function values(inputs, width, outputs) {
  return Float32Array.from({ length: (inputs.length / width) * outputs }, (_, k) => {
    const row = Math.floor(k / outputs) * width;
    const j = k % outputs;
    return inputs[row + j] * inputs[row + j + 1] - 0.5 * inputs[row + j + 2];
  });
}

/** Weights of 0.5, 1, 1.5 and, seldom, 0. */
const weights = (count) => Float32Array.from({ length: count }, (_, i) => (i % 17 === 3 ? 0 : 0.5 + 0.5 * (i % 3)));

const data = (samples, width, seed, targets) => {
  const inputs = numbers(samples * width, seed);
  return { inputs, targets: targets(inputs, width) };
};
const classesOf = (count) => (inputs, width) => classes(inputs, width, count);
const valuesOf = (outputs) => (inputs, width) => values(inputs, width, outputs);

const dense = (units, activation, options = {}) => ({ kind: "dense", units, activation: typeof activation === "string" ? { name: activation } : activation, ...options });
const dropout = (rate) => ({ kind: "dropout", rate });
const batchNorm = (options = {}) => ({ kind: "batchNorm", ...options });
const layerNorm = (options = {}) => ({ kind: "layerNorm", ...options });

/** Each: its layers, its data, and the options of its fit in names and numbers. */
export const networks = {
  "tiles": {
    says: "16-32-16-8, divided by the tile, Adam, shuffled",
    inputs: 16, seed: 7, layers: [dense(32, "relu"), dense(16, "tanh"), dense(8, "softmax")],
    data: () => data(96, 16, 11, classesOf(8)),
    options: { batchSize: 16, optimizer: { name: "adam", learningRate: 0.01 } },
  },
  "ragged": {
    says: "13-37-11-3, not divided, dropout, AdamW, stratified split, balanced class weights, smoothed labels",
    inputs: 13, seed: 2 ** 45 + 77, layers: [dense(37, { name: "prelu" }), dropout(0.25), dense(11, { name: "gelu", approximate: "tanh" }, { l2: 0.001 }), dense(3, "softmax")],
    data: () => data(101, 13, 12, classesOf(3)),
    options: { batchSize: 17, optimizer: { name: "adamw", learningRate: 0.005 }, loss: { name: "crossEntropy", labelSmoothing: 0.125 }, validationSplit: 0.2, classWeights: "balanced" },
  },
  "norms": {
    says: "9-24-19-2, batchNorm, layerNorm and dropout, NAdam, Huber loss, clipped by norm",
    inputs: 9, seed: 3, layers: [dense(24, "linear", { bias: false }), batchNorm(), dropout(0.125), dense(19, "silu"), layerNorm(), dense(2, "linear")],
    data: () => data(90, 9, 13, valuesOf(2)),
    options: { batchSize: 16, optimizer: { name: "nadam", learningRate: 0.005 }, loss: { name: "huber", delta: 0.5 }, gradientClip: { norm: 0.25 } },
  },
  "averages": {
    says: "6-21-10-1, averaged weights, RMSprop with momentum, sample weights, split, penalties",
    inputs: 6, seed: 9007199254740991, layers: [dense(21, "mish", { l2: 0.0625 }), dense(10, "softplus", { l1: 0.001953125 }), dense(1, "sigmoid")],
    data: () => { const { inputs, targets } = data(84, 6, 14, classesOf(2)); return { inputs, targets, sampleWeights: weights(84) }; },
    options: { batchSize: 8, optimizer: { name: "rmsprop", learningRate: 0.002, momentum: 0.5 }, averageWeights: { decay: 0.9375 }, validationSplit: 0.25, classWeights: [1, 2.5] },
  },
  "lion": {
    says: "7-33-5-3, Lion on a cosine with warm-up, log-cosh loss",
    inputs: 7, seed: 5, layers: [dense(33, "elu"), dense(5, "softsign"), dense(3, "linear")],
    data: () => data(61, 7, 15, valuesOf(3)),
    options: { batchSize: 12, optimizer: { name: "lion", learningRate: { name: "cosineDecay", initial: 0.002, steps: 280, warmupSteps: 10 }, weightDecay: 0.125 }, loss: { name: "logCosh" } },
  },
  "in order": {
    says: "8-16-12-4, SGD with Nesterov's momentum on one cycle, not shuffled, clipped by value",
    inputs: 8, seed: 0, layers: [dense(16, "selu"), dense(12, "sigmoid"), dense(4, "linear")],
    data: () => data(64, 8, 16, valuesOf(4)),
    options: { batchSize: 16, shuffle: false, optimizer: { name: "sgd", learningRate: { name: "oneCycle", max: 0.25, steps: 200 }, momentum: 0.875, nesterov: true }, gradientClip: { value: 0.03125 } },
  },
  "wide": {
    says: "130-65-4, more inputs and units than a panel, Adagrad on an exponential decay, a frozen layer",
    inputs: 130, seed: 21, layers: [dense(65, { name: "leakyRelu", slope: 0.125 }), dense(12, "hardTanh", { trainable: false }), dense(4, "softmax")],
    data: () => data(65, 130, 17, classesOf(4)),
    options: { batchSize: 16, optimizer: { name: "adagrad", epsilon: 0.0009765625, learningRate: { name: "exponentialDecay", initial: 0.02, rate: 0.875, every: 10 } } },
  },
  "plateau": {
    says: "5-14-9-2, batchNorm, a plateau, early stopping that restores the best, averaged, split",
    inputs: 5, seed: 1, layers: [dense(14, "gelu", { bias: false }), batchNorm({ momentum: 0.25 }), dense(9, { name: "prelu", shared: true, initialSlope: 0.125 }), dense(2, "linear")],
    data: () => data(75, 5, 18, valuesOf(2)),
    options: {
      batchSize: 10, optimizer: { name: "adam", learningRate: { name: "reduceOnPlateau", initial: 0.05, factor: 0.5, patience: 1 } }, loss: { name: "meanSquaredError" },
      validationSplit: 0.2, averageWeights: { decay: 0.75 }, earlyStopping: { patience: 40 },
    },
  },
};

export const names = Object.keys(networks);

/** The library's object of a name with its numbers: a string where there is none. */
function named(library, { name, ...parameters }) {
  return Object.keys(parameters).length === 0 ? name : library[name](parameters);
}

function optimizerOf(library, { learningRate, ...rest }) {
  return named(library, { ...rest, learningRate: typeof learningRate === "object" ? named(library, learningRate) : learningRate });
}

function layerOf(library, { kind, units, activation, rate, ...options }) {
  if (kind === "dense") return library.dense(units, { activation: named(library, activation), ...options });
  return kind === "dropout" ? library.dropout(rate) : library[kind](options);
}

async function sha256(parts) {
  const bytes = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const { buffer, byteOffset, byteLength } of parts) {
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), at);
    at += byteLength;
  }
  const digest = await globalThis.crypto.subtle.digest("SHA-256", bytes);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Trains one of them.
 * @param library what `import * as library from "rosenblatt"` gives
 * @param more epochs, threads and callbacks: nothing that changes a byte of the same number of epochs
 * @returns {Promise<{ network, history, digest: string, shared: boolean }>} `shared`: whether it ended on a memory that threads share
 */
export async function train(library, name, { epochs = EPOCHS, create = (options) => library.Network.create(options), ...more } = {}) {
  const { inputs, seed, layers, data, options: { optimizer, loss, ...options } } = networks[name];
  const network = await create({ inputs, seed, layers: layers.map((layer) => layerOf(library, layer)) });
  const { inputs: samples, targets, ...weighed } = data();
  const own = Object.fromEntries(Object.entries(more).map(([key, value]) => [key, key.startsWith("on") ? (report) => value(report, network) : value]));
  const history = await network.fit(samples, targets, {
    epochs, optimizer: optimizerOf(library, optimizer), ...(loss && { loss: named(library, loss) }), ...options, ...weighed, ...own,
  });
  const tensors = network.layers.flatMap((layer) => TENSORS.flatMap((key) => (layer[key] === undefined ? [] : [layer[key]])));
  const losses = Float64Array.from(history.epochs.flatMap((report) => [report.loss, ...(report.validation ? [report.validation.loss] : [])]));
  const shared = typeof SharedArrayBuffer === "function" && tensors.some(({ buffer }) => buffer instanceof SharedArrayBuffer);
  return { network, history, digest: await sha256([...tensors, losses]), shared };
}

/** The digests of all of them, or of those named; and whether each ended on shared memory. */
export async function digests(library, { only = names, ...options } = {}) {
  const found = {};
  let shared = true;
  for (const name of only) {
    const trained = await train(library, name, options);
    found[name] = trained.digest;
    shared &&= trained.shared;
    trained.network.dispose();
  }
  return { digests: found, shared };
}
