// toONNX: ONNX Runtime computes what the network predicts, for every layer and activation; and the network comes back as it was.

import fc from "fast-check";
import * as runtime from "onnxruntime-web";
import { beforeAll, describe, expect, test } from "vitest";
import { activations, batchNorm, dense, dropout, elu, gelu, layerNorm, leakyRelu, Network, prelu } from "../src/index.js";
import type { ActivationName, ActivationSpec, LayerSpec } from "../src/index.js";
import { fromONNX, toONNX } from "../src/onnx/index.js";
import { readModel } from "../src/onnx/proto.js";

const names = (Object.keys(activations) as ActivationName[]).filter((name) => name !== "softmax");
const special: ActivationSpec[] = [gelu({ approximate: "tanh" }), prelu({ shared: true, initialSlope: -0.3 }), leakyRelu({ slope: -0.2 }), elu({ alpha: 2.5 })];

function numbers(count: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  });
}

beforeAll(() => {
  runtime.env.wasm.numThreads = 1;
  runtime.env.logLevel = "error";
});

/** Gives every parameter a value that is none of its starting ones. */
function scatter(network: Network, seed: number): void {
  network.layers.forEach(({ biases, slopes, gain, shift, runningMean, runningVariance }, i) => {
    [biases, slopes, gain, shift, runningMean].forEach((view, k) => view?.set(numbers(view.length, seed + 10 * i + k)));
    runningVariance?.set(numbers(runningVariance.length, seed + i).map((value) => 0.5 + Math.abs(value)));
  });
}

async function run(bytes: Uint8Array, input: Float32Array, width: number): Promise<Float32Array> {
  const session = await runtime.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  expect([session.inputNames, session.outputNames]).toEqual([["input"], ["output"]]);
  const { output } = await session.run({ input: new runtime.Tensor("float32", input, [input.length / width, width]) });
  expect(output.dims[0]).toBe(input.length / width);
  await session.release();
  return output.data as Float32Array;
}

async function expectEqual(network: Network, seed: number): Promise<void> {
  const bytes = toONNX(network);
  for (const samples of [1, 6]) {
    const input = numbers(network.inputs * samples, seed).map((value) => 2 * value);
    const wanted = network.predict(input);
    const given = await run(bytes, input, network.inputs);
    expect(given.length).toBe(wanted.length);
    wanted.forEach((value, i) => expect(Math.abs(given[i] - value)).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value))));
  }
}

const stateOf = (network: Network) => network.layers.map((layer) => {
  const { kind, units, activation, weights, biases, slopes, gain, shift, runningMean, runningVariance } = layer;
  return { kind, units, activation, arrays: [weights, biases, slopes, gain, shift, runningMean, runningVariance].map((view) => view && [...view]) };
});

describe("toONNX", () => {
  test.each([...names, ...special])("%o is what ONNX Runtime computes", async (activation) => {
    const network = await Network.create({ inputs: 5, layers: [dense(9, activation), dense(4, { activation, bias: false }), dense(3)], seed: 1 });
    scatter(network, 3);
    await expectEqual(network, 2);
    expect(stateOf(await fromONNX(toONNX(network)))).toEqual(stateOf(network));
  });

  test.each<[string, LayerSpec[]]>([
    ["softmax", [dense(6, "tanh"), dense(4, "softmax")]],
    ["batchNorm", [batchNorm({ epsilon: 0.01 }), dense(6, "relu"), batchNorm({ momentum: 0.3 }), dense(2)]],
    ["layerNorm", [dense(6, "gelu"), layerNorm({ epsilon: 1e-3 }), dense(4), layerNorm(), dense(2)]],
    ["dropout", [dropout(0.2), dense(6, "relu"), dropout(0.5), dense(2), dropout(0.1)]],
    ["a norm at the end", [dense(3, "relu"), batchNorm()]],
    ["one layer", [dense(1)]],
  ])("%s is what ONNX Runtime computes, and comes back", async (_, layers) => {
    const network = await Network.create({ inputs: 4, layers, seed: 8 });
    scatter(network, 5);
    await expectEqual(network, 7);
    const back = await fromONNX(toONNX(network));
    expect(stateOf(back)).toEqual(stateOf(network));
    expect(toONNX(back)).toEqual(toONNX(network));
  });

  test("any network", async () => {
    const layer = fc.oneof(
      { weight: 5, arbitrary: fc.record({ units: fc.integer({ min: 1, max: 40 }), activation: fc.constantFrom(...names.filter((name) => name !== "exponential"), ...special), bias: fc.boolean() }).map(({ units, ...rest }) => dense(units, rest)) },
      { weight: 2, arbitrary: fc.constantFrom<LayerSpec>(batchNorm(), layerNorm({ epsilon: 1e-4 }), dropout(0.25)) },
    );
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.array(layer, { maxLength: 6 }), fc.boolean(), fc.nat(1000), async (inputs, hidden, classes, seed) => {
      const network = await Network.create({ inputs, layers: [...hidden, dense(3, classes ? "softmax" : "linear")], seed });
      await expectEqual(network, seed);
      expect((await fromONNX(toONNX(network))).predict(numbers(inputs, seed)).length).toBe(3);
    }), { numRuns: 40, seed: 6 });
  });

  test("the same network gives the same bytes: opset 17, a free batch, the parameters as they are", async () => {
    const network = await Network.create({ inputs: 2, layers: [dense(3, "mish"), dense(1)], seed: 4 });
    expect(toONNX(network)).toEqual(toONNX(await network.clone()));
    const { opsetImport, graph, irVersion } = readModel(toONNX(network));
    expect([opsetImport, irVersion]).toEqual([[{ domain: "", version: 17 }], 8]);
    expect([graph!.input, graph!.output].map((list) => list!.map(({ name, type }) => [name, type!.tensor!.elementType, type!.tensor!.shape!.dim]))).toEqual([
      [["input", 1, [{ parameter: "batch" }, { size: 2 }]]], [["output", 1, [{ parameter: "batch" }, { size: 1 }]]],
    ]);
    const tensor = graph!.initializer!.find(({ name }) => name === "layers.0.weight")!;
    expect([[...tensor.dims!], new Float32Array(tensor.rawData!.slice().buffer)]).toEqual([[3, 2], network.layers[0].weights.slice()]);
  });

  test("training goes on beside it", async () => {
    const network = await Network.create({ inputs: 2, layers: [dense(3, "mish"), dropout(0.5), dense(1)], seed: 4 });
    const before = toONNX(network);
    await network.fit([[1, 2], [3, 4]], [1, 2]);
    expect(toONNX(network)).not.toEqual(before);
  });
});
