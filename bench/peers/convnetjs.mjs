// ConvNetJS: batches sample by sample in f64, descent with momentum (its release has no Adam). Its layer for regression has no activation.

import convnetjs from "convnetjs";
import { dataOf } from "../networks.mjs";
import { batch, single, training } from "./work.mjs";

const hidden = { relu: "relu", tanh: "tanh" };

export async function create({ network }) {
  const { inputs, outputs, layers, loss, batch: size, key } = network;
  const classes = loss === "crossEntropy";
  const net = new convnetjs.Net();
  net.makeLayers([
    { type: "input", out_sx: 1, out_sy: 1, out_depth: inputs },
    ...layers.slice(0, -1).map(([units, activation]) => ({ type: "fc", num_neurons: units, activation: hidden[activation] })),
    classes ? { type: "softmax", num_classes: outputs } : { type: "regression", num_neurons: outputs },
  ]);
  const trainer = new convnetjs.Trainer(net, { method: "sgd", learning_rate: key < "T4" ? 0.05 : 0.005, momentum: 0.9, batch_size: size, l2_decay: 0 });
  const count = key < "T4" ? 1024 : Math.min(size, 128);
  const { samples, targets } = dataOf(network, count);
  const rows = Array.from({ length: count }, (_, i) => {
    const vol = new convnetjs.Vol(1, 1, inputs);
    vol.w.set(samples.subarray(i * inputs, (i + 1) * inputs));
    return vol;
  });
  const wanted = targets.map((target) => (classes ? target : [target]));
  // a chunk of a batch at a time where a batch takes seconds: the update comes after `batch_size` samples all the same
  const chunk = key === "T6" ? 32 : Math.min(count, Math.max(size, 64));
  let at = 0;
  const unit = () => {
    for (let i = 0; i < chunk; i++) trainer.train(rows[(at + i) % count], wanted[(at + i) % count]);
    at = (at + chunk) % count;
  };
  const lossOf = () => {
    let sum = 0;
    for (let i = 0; i < Math.min(count, 64); i++) {
      const { w } = net.forward(rows[i]);
      sum += classes ? -Math.log(w[wanted[i]]) : (w[0] - wanted[i][0]) ** 2;
    }
    return sum;
  };
  return {
    train: training({ unit, samples: chunk, loss: lossOf, units: Math.ceil((2 * size) / chunk) * (key < "T4" ? 50 : key < "T6" ? 3 : 1) }),
    single: single({ call: () => net.forward(rows[0]).w }),
    batch: batch({ call: () => { for (let i = 0; i < chunk; i++) net.forward(rows[i]); }, samples: chunk }),
  };
}
