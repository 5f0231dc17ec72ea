// Weights to PyTorch and back by the model file: what PyTorch computed of a saved network, and a file with weights from there. Made by
// golden-pytorch/generate.py; no Python here.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { batchNorm, dense, layerNorm, Network, prelu } from "../src/index.js";

const golden = JSON.parse(readFileSync(new URL("golden-pytorch/networks.json", import.meta.url), "utf8")) as {
  saved: string; inputs: number[]; outputs: number[]; back: string; backOutputs: number[];
};

/** The network that PyTorch was given. */
async function create(): Promise<Network> {
  const network = await Network.create({ inputs: 4, layers: [dense(6, prelu()), dense(6), batchNorm(), dense(5, "gelu"), layerNorm(), dense(3, "softmax")], seed: 12 });
  network.layers[2].runningMean!.set([0.1, -0.2, 0.3, 0, 0.5, -0.4]);
  network.layers[2].runningVariance!.set([1, 0.5, 2, 0.7, 1.5, 0.9]);
  return network;
}

const near = (actual: Float32Array, wanted: readonly number[]): void => {
  expect(actual.length).toBe(wanted.length);
  wanted.forEach((value, i) => expect(Math.abs(actual[i] - value)).toBeLessThanOrEqual(1e-6));
};

test("PyTorch computes the same from the tensors of the file", async () => {
  const network = await Network.load(Buffer.from(golden.saved, "base64"));
  near(network.predict(golden.inputs), golden.outputs);
  expect(Buffer.from((await create()).save()).toString("base64")).toBe(golden.saved);
});

test("a file with PyTorch's weights and the description of a saved one loads, and computes what PyTorch does", async () => {
  near((await Network.load(Buffer.from(golden.back, "base64"))).predict(golden.inputs), golden.backOutputs);
});
