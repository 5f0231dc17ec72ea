// synaptic: writes a function for the network and trains it sample by sample, plain descent, sigmoids, f64.

import synaptic from "synaptic";
import { dataOf } from "../networks.mjs";
import { batch, single, training } from "./work.mjs";

/** Rates at which its training lowers the error of each network. */
const RATES = { T1: 0.3, T2: 0.03, T3: 0.01 };

export async function create({ network }) {
  const { inputs, outputs, layers } = network;
  const net = new synaptic.Architect.Perceptron(inputs, ...layers.map(([units]) => units));
  const rate = RATES[network.key];
  const count = 256;
  const { samples, targets } = dataOf(network, count);
  const rows = Array.from({ length: count }, (_, i) => Array.from(samples.subarray(i * inputs, (i + 1) * inputs)));
  const wanted = targets.map((target) => (outputs === 1 ? [target] : Array.from({ length: outputs }, (_, j) => (j === target ? 1 : 0))));
  const unit = () => {
    for (let i = 0; i < count; i++) {
      net.activate(rows[i]);
      net.propagate(rate, wanted[i]);
    }
  };
  const loss = () => rows.reduce((sum, row, i) => sum + net.activate(row).reduce((part, value, j) => part + (value - wanted[i][j]) ** 2, 0), 0);
  return {
    train: training({ unit, samples: count, loss, units: network.key < "T3" ? 40 : 3 }),
    single: single({ call: () => net.activate(rows[0]) }),
    batch: batch({ call: () => { for (const row of rows) net.activate(row); }, samples: count }),
  };
}
