// ONNX Runtime, native (onnxruntime-node) or as WebAssembly (onnxruntime-web), one thread, on the model that the parent wrote.
// Predictions make their input tensor from a typed array, as a program would.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dataOf } from "../networks.mjs";
import { batch, single } from "./work.mjs";

async function open(name, model) {
  if (name === "onnxruntime-node") {
    const { default: ort } = await import("onnxruntime-node");
    const options = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: "sequential", graphOptimizationLevel: "all" };
    return { ort, session: await ort.InferenceSession.create(model, options) };
  }
  const ort = await import("onnxruntime-web");
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.proxy = false;
  return { ort, session: await ort.InferenceSession.create(model, { executionProviders: ["wasm"], graphOptimizationLevel: "all" }) };
}

export async function create({ name, network, folder }) {
  const { ort, session } = await open(name, new Uint8Array(readFileSync(join(folder, "model.onnx"))));
  const { samples } = dataOf(network, 1024);
  const one = samples.slice(0, network.inputs);
  const run = async (data, rows) => (await session.run({ input: new ort.Tensor("float32", data, [rows, network.inputs]) })).output.data;
  return {
    single: single({ call: () => run(one, 1), folder, asynchronous: true }),
    batch: batch({ call: () => run(samples, 1024), folder }),
  };
}
