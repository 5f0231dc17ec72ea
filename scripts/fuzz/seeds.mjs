// The files that the fuzz loop starts from: small ones that between them hold all that a file may.

const inputs = [[0.1, -0.4], [0.9, 0.2], [-0.6, 0.5], [0.3, -0.8]];
const classes = [0, 1, 1, 0];

const PREPARATION = {
  version: 1, task: "classification", target: "t", classes: ["a", "b"], columns: [{ name: "x", kind: "numeric", mean: 0, deviation: 1, indicator: true }], notes: [],
};

/** @returns {Promise<Uint8Array[]>} */
export async function seedFiles(library) {
  const { Network, dense, dropout, batchNorm, layerNorm } = library;
  const make = (layers, seed = 1) => Network.create({ inputs: 2, layers, seed });
  const files = [];

  files.push((await make([dense(1)])).save());
  const plain = await make([dense(3, library.prelu()), dense(2, "softmax")]);
  plain.trainBatch(inputs, classes);
  plain.tabular = JSON.stringify(PREPARATION);
  files.push(plain.save(), plain.save({ optimizer: false }));
  const norms = [dropout?.(0.5), batchNorm?.(), layerNorm?.()].filter((layer) => layer !== undefined);
  if (norms.length > 0) files.push((await make([dense(3, "tanh"), ...norms, dense(2, "softmax")])).save());

  const rich = await make([
    dense(2, { activation: library.leakyRelu({ slope: 0.1 }), weightInit: library.normal(0, 0.5), biasInit: library.uniform(-1, 1), l1: 0.1, l2: 0.2 }),
    dense(2, { activation: library.elu({ alpha: 0.5 }), bias: false, trainable: false, weightInit: library.constant(0.5) }), dense(1, "sigmoid"),
  ]);
  const optimizers = [
    library.nadam(), library.rmsprop({ momentum: 0.5 }), library.sgd({ learningRate: library.reduceOnPlateau({ initial: 0.1, patience: 0 }), momentum: 0.5, nesterov: true }),
    library.adamw({ learningRate: library.oneCycle({ max: 0.1, steps: 9 }) }), library.lion({ learningRate: library.cosineDecay({ initial: 0.1, steps: 9, warmupSteps: 2 }) }),
    library.adagrad({ learningRate: library.stepDecay({ initial: 0.1, every: 2 }) }),
  ];
  for (const optimizer of optimizers) {
    let steps = 0;
    const onBatch = () => { if (++steps === 5) throw new Error("stop"); };
    const options = { epochs: 9, batchSize: 2, optimizer, metrics: ["f1"], earlyStopping: { patience: 9 }, loss: optimizer.name === "lion" ? "meanSquaredError" : undefined };
    await rich.fit(inputs, classes, { ...options, onBatch }).catch((error) => { if (error.message !== "stop") throw error; });
    files.push(rich.save());
  }
  return files;
}
