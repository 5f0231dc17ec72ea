// TensorFlow.js in a page, on its WebAssembly and its WebGL backend. Bundled by run.mjs for the page, with what it needs of bench/peers.

import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { getThreadsCount, setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm";
import "@tensorflow/tfjs-backend-webgl";
import { predictor, trainer, variablesOf } from "../peers/tfnetwork.mjs";

export const version = version_wasm;
/** Threads of the WebAssembly backend, once it has started: its own choice; asked for two here, it still takes one. */
export { getThreadsCount };

/** Starts a backend; its files are at `path`, with a slash at the end. @throws {Error} where there is none */
export async function start(backend, path) {
  if (backend === "wasm") setWasmPaths(path);
  if (!(await tf.setBackend(backend))) throw new Error(`the ${backend} backend did not start`);
  await tf.ready();
}

/** A network on a backend that has been started; layers as tfnetwork.mjs has them. Call `use` before anything else of it. */
export function create(backend, network, layers) {
  const use = () => tf.setBackend(backend);
  const fixed = variablesOf(tf, layers);
  const variables = variablesOf(tf, layers);
  const training = trainer(tf, network, variables);
  return { use, training, sync: () => variables[0].b.dataSync(), predict: predictor(tf, network, fixed) };
}

/** Lets go of all tensors of the backend in use. */
export const clear = () => tf.disposeVariables();
