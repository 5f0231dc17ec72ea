// The library at work on the networks of the bench: as dist/ has it, or as another build of it has.

import { trainingOperations, dataOf } from "./networks.mjs";

/** A network as bench/networks.mjs describes it. */
export function createNetwork({ Network, dense }, { inputs, layers }) {
  return Network.create({ inputs, layers: layers.map(([units, activation]) => dense(units, activation)), seed: 1 });
}

/**
 * Training of a network with Adam, checked: `block(milliseconds, threads)` trains for about that long in one `fit` and resolves to
 * { samplesPerSecond, samples }. The first fits warm up and must lower the loss.
 */
export async function createTraining(library, network, warmUpMs = 500) {
  const model = await createNetwork(library, network);
  const count = network.batch * network.batches;
  const { samples, targets } = dataOf(network, count);
  const options = { batchSize: network.batch, optimizer: library.adam(), loss: network.loss, metrics: [] };
  const before = model.evaluate(samples, targets, { loss: network.loss }).loss;
  const run = async (epochs, threads) => {
    const started = performance.now();
    await model.fit(samples, targets, { ...options, epochs, threads });
    return performance.now() - started;
  };
  // the first guess of an epoch's time: at 20 GFLOP/s, and 2 µs a step
  let epochMs = (trainingOperations(network) * count) / 20e6 + network.batches * 0.002;
  const block = async (milliseconds, threads = 1) => {
    const epochs = Math.max(1, Math.round(milliseconds / epochMs));
    const elapsed = await run(epochs, threads);
    epochMs = elapsed / epochs;
    return { samplesPerSecond: (epochs * count * 1000) / elapsed, samples: epochs * count };
  };
  await run(Math.max(2, Math.round(40 / network.batches)), 1);
  await block(warmUpMs / 2);
  await block(warmUpMs / 2);
  const after = model.evaluate(samples, targets, { loss: network.loss }).loss;
  if (!(after < before)) throw new Error(`${network.key}: expected the loss to fall from ${before}, got ${after}`);
  return { model, block };
}

/** Predictions of a network: `single()` of one sample, `batch()` of 1,024, each into an output that is there. */
export async function createPrediction(library, network) {
  const model = await createNetwork(library, network);
  const { samples } = dataOf(network, 1024);
  const sample = samples.slice(0, network.inputs);
  const output = new Float32Array(network.outputs);
  const outputs = new Float32Array(1024 * network.outputs);
  return { model, samples, single: () => model.predict(sample, output), batch: () => model.predict(samples, outputs), output, outputs };
}
