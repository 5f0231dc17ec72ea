// Bytes of linear memory after a fit, beside what the plan allows: parameters × (1 + gradient 1 + Adam's slots 2 + snapshot 3),
// the matrices of one batch (inputs, targets, weighted sums and activations of each layer, two gradients), the window of data,
// two pages for packed panels, tapes and step records. A second, longer fit must not add a byte.

import { createNetwork } from "./library.mjs";
import { dataOf, parameterCount } from "./networks.mjs";

/** Copies of the parameters in a fit with Adam. */
const COPIES = 1 + 1 + 2 + 3;
/** Rows whose activations a chunk of predictions may use where the batch is smaller: see src/plan/layout.ts. */
const CHUNK_ROWS = 256;

/** Panels, tapes, step records, and what the last page of 64 KB leaves free. */
const FIXED_BYTES = 2 * 65536;

/** Bytes by that sum, without the padding of rows. */
function allowedBytes(network, count) {
  const { inputs, layers, outputs, batch, loss } = network;
  const rows = Math.max(batch, CHUNK_ROWS);
  const units = layers.map(([width]) => width);
  const matrices = inputs + outputs + 2 * units.reduce((sum, width) => sum + width, 0) + 2 * Math.max(inputs, ...units);
  const window = count * (inputs + (loss === "crossEntropy" ? 1 : outputs) + 1);
  return FIXED_BYTES + 4 * (COPIES * parameterCount(network) + rows * matrices + window);
}

/** { key, allowed, used, grown } in bytes; grown: what the second fit added. */
export async function measureMemory(library, network) {
  const model = await createNetwork(library, network);
  const count = network.batch * network.batches;
  const { samples, targets } = dataOf(network, count);
  const options = { batchSize: network.batch, optimizer: library.adam(), loss: network.loss, metrics: [], threads: 1 };
  const bytes = () => model.layers[0].weights.buffer.byteLength;
  await model.fit(samples, targets, { ...options, epochs: 1 });
  const used = bytes();
  await model.fit(samples, targets, { ...options, epochs: network.key < "T4" ? 50 : 2 });
  const result = { key: network.key, allowed: allowedBytes(network, count), used, grown: bytes() - used };
  model.dispose();
  return result;
}
