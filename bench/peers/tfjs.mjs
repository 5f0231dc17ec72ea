// TensorFlow.js on its WebAssembly backend with SIMD; the networks are those of tfnetwork.mjs. Gradients are registered by hand.
// Bundled by run.mjs, for its gradients are ES modules in a CommonJS package.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { dataOf } from "../networks.mjs";
import { predictor, trainer, variablesOf } from "./tfnetwork.mjs";
import { batch, single, training, weightsOf } from "./work.mjs";

export async function create({ network, folder }) {
  // an absolute folder with its separator at the end
  setWasmPaths(`${process.env.TFJS_WASM_FOLDER}/`);
  if (!(await tf.setBackend("wasm"))) throw new Error("the wasm backend did not start");
  await tf.ready();
  const run = predictor(tf, network, variablesOf(tf, weightsOf(network, folder)));
  const { samples } = dataOf(network, 1024);
  const one = samples.slice(0, network.inputs);
  return {
    train: training(trainer(tf, network, variablesOf(tf, weightsOf(network, folder)))),
    single: single({ call: () => run(one, 1), folder }),
    batch: batch({ call: () => run(samples, 1024), folder }),
  };
}
