// fromONNX and toONNX with what they cannot take: by class and message, naming the node and its operator; hostile bytes cost little.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { dense, ModelFormatError, Network } from "../src/index.js";
import { fromONNX, toONNX } from "../src/onnx/index.js";
import { AttributeType, DataType, readModel, writeModel } from "../src/onnx/proto.js";
import type { AttributeMessage, GraphMessage, ModelMessage, NodeMessage, TensorMessage } from "../src/onnx/proto.js";

const floats = (name: string, dims: number[], values: number[]): TensorMessage => ({ name, dims, dataType: DataType.float, floatData: values });
const int = (name: string, i: number): AttributeMessage => ({ name, i, type: AttributeType.int });
const node = (opType: string, input: string[], output: string[], attribute: AttributeMessage[] = [], domain?: string): NodeMessage => ({ opType, name: `n${output[0]}`, input, output, attribute, ...(domain === undefined ? {} : { domain }) });
const value = (name: string, ...sizes: number[]) => ({ name, type: { tensor: { elementType: DataType.float as number, shape: { dim: [{ parameter: "batch" }, ...sizes.map((size) => ({ size }))] } } } });

const good: GraphMessage = {
  node: [node("Gemm", ["x", "w", "b"], ["z"], [int("transB", 1)]), node("Relu", ["z"], ["y"])],
  initializer: [floats("w", [2, 3], [1, 2, 3, 4, 5, 6]), floats("b", [2], [1, 2])], input: [value("x", 3)], output: [value("y", 2)],
};
const file = (graph: Partial<GraphMessage> = {}, model: Partial<ModelMessage> = {}): Uint8Array =>
  writeModel({ irVersion: 8, opsetImport: [{ domain: "", version: 17 }], graph: { ...good, ...graph }, ...model });
const withNode = (...nodes: NodeMessage[]): Uint8Array => file({ node: [good.node![0], ...nodes] });

async function refused(bytes: unknown, message: string, kind: new (...values: never[]) => Error = ModelFormatError): Promise<void> {
  await expect(fromONNX(bytes as Uint8Array), message).rejects.toThrow(kind);
  await expect(fromONNX(bytes as Uint8Array)).rejects.toThrow(message);
}

describe("what is no multilayer perceptron", () => {
  test("the model that the others are made of is one", async () => {
    const network = await fromONNX(file());
    expect([...network.predict([1, 1, -1])]).toEqual([1, 5]);
  });

  test.each<[string, unknown, (new () => Error)?]>([
    ["fromONNX: bytes: expected a Uint8Array or an ArrayBuffer, got 'model.onnx'", "model.onnx", TypeError],
    ["fromONNX: bytes: expected a Uint8Array or an ArrayBuffer, got null", null, TypeError],
    ["fromONNX: bytes: expected a Uint8Array or an ArrayBuffer, got a Float32Array of 2", new Float32Array(2), TypeError],
    ["fromONNX: expected an ONNX model, got bytes without a graph", new Uint8Array(0)],
    ["fromONNX: expected an ONNX model, got bytes that are none", new TextEncoder().encode("{\"format\":\"layers-model\"}")],
    ["fromONNX: expected an ONNX model, got bytes that are none", file().subarray(0, 60)],
    ["fromONNX: expected opset 7 to", file({}, { opsetImport: [{ domain: "", version: 6 }] })],
    ["fromONNX: expected opset 7 to", file({}, { opsetImport: [] })],
    ["got 99. Export the model again with opset_version=17", file({}, { opsetImport: [{ version: 99 }] })],
    ["fromONNX: node 'ny' (Conv): expected an operator of a multilayer perceptron, got Conv", withNode(node("Conv", ["z", "w"], ["y"]))],
    ["fromONNX: node 'ny' (LSTM): expected an operator of a multilayer perceptron, got LSTM", withNode(node("LSTM", ["z", "w", "w"], ["y"]))],
    ["fromONNX: node 'ny' (LogSoftmax): expected an operator of a multilayer perceptron", withNode(node("LogSoftmax", ["z"], ["y"]))],
    ["fromONNX: node 'ny' (Relu): expected an operator of ONNX, got one of the domain 'com.microsoft'", withNode(node("Relu", ["z"], ["y"], [], "com.microsoft"))],
    ["fromONNX: node 'ny' (If): expected no graph inside of it, got attribute 'body'", graphAttribute()],
    ["fromONNX: node 'ny' (Add): expected a sum with a constant, got one of two values of the batch", withNode(node("Tanh", ["z"], ["t"]), node("Add", ["z", "t"], ["y"]))],
    ["fromONNX: node 'ny' (Mul): expected a product with a constant, or that of GELU, SiLU or Mish", withNode(node("Tanh", ["z"], ["t"]), node("Mul", ["z", "t"], ["y"]))],
    ["fromONNX: node 'ny' (Div): expected a quotient with a constant below", withNode(node("Tanh", ["z"], ["t"]), node("Div", ["z", "t"], ["y"]))],
    ["fromONNX: node 'ny' (MatMul): expected one constant matrix and one value of the batch", withNode(node("MatMul", ["z", "z"], ["y"]))],
    ["fromONNX: node 'ny' (Gemm): expected weights for 2 inputs, got [2, 3]", withNode(node("Gemm", ["z", "w"], ["y"], [int("transB", 1)]))],
    ["fromONNX: node 'ne' (Erf): expected a sub-graph of an activation or a normalisation, got Erf by itself", withNode(node("Erf", ["z"], ["e"]), node("Identity", ["e"], ["y"]))],
    ["fromONNX: node 'nz' (Gemm): expected powers as a part of GELU or LayerNormalization alone, got others", withNode(node("Mul", ["z", "z"], ["y"]))],
    ["fromONNX: node 'ny' (Cast): expected a cast to f32 or f64, got data type 7", withNode(node("Cast", ["z"], ["y"], [int("to", 7)]))],
    ["fromONNX: node 'ny' (Flatten): expected axis 1, which keeps the batch, got 0", withNode(node("Flatten", ["z"], ["y"], [int("axis", 0)]))],
    ["fromONNX: node 'ny' (Dropout): expected a ratio from 0 to below 1, got 1.5", withNode(node("Dropout", ["z"], ["y"], [{ name: "ratio", f: 1.5 }]))],
    ["fromONNX: node 'ny' (Softmax): expected the softmax of a row, got axis 0", withNode(node("Softmax", ["z"], ["y"], [int("axis", 0)]))],
    ["fromONNX: node 'ns' (Softmax): expected softmax as the last layer, got one before others", file({ node: [good.node![0], node("Softmax", ["z"], ["s"]), node("MatMul", ["s", "square"], ["y"])], initializer: [...good.initializer!, floats("square", [2, 2], [1, 2, 3, 4])] })],
    ["fromONNX: node 'ny' (BatchNormalization): expected constants behind its input, got none", withNode(node("BatchNormalization", ["z"], ["y"]))],
    ["fromONNX: node 'ny' (BatchNormalization): expected 2 numbers, one for each unit, got 6", withNode(node("BatchNormalization", ["z", "w", "b", "b", "b"], ["y"]))],
    ["fromONNX: node 'ny' (BatchNormalization): expected inference, got training_mode", withNode(node("BatchNormalization", ["z", "b", "b", "b", "b"], ["y"], [int("training_mode", 1)]))],
    ["fromONNX: node 'ny' (Clip): expected bounds of which the first is below the second", withNode(node("Clip", ["z"], ["y"], [{ name: "min", f: 3 }, { name: "max", f: 1 }]))],
    ["fromONNX: node 'ny' (Reshape): expected a shape that keeps the batch and 2 numbers a sample, got [2, 3, 5]", file({ node: [good.node![0], node("Reshape", ["z", "shape"], ["y"])], initializer: [...good.initializer!, { name: "shape", dims: [3], dataType: DataType.int64, int64Data: [2, 3, 5] }] })],
    ["fromONNX: node 'ny' (Relu): expected its inputs before it, got none of the name 'later'", withNode(node("Relu", ["later"], ["y"]))],
    ["fromONNX: value 'z': expected a name that is used once, got it again", withNode(node("Relu", ["z"], ["z"]), node("Relu", ["z"], ["y"]))],
    ["fromONNX: initializer 'w': expected 6 numbers for [2, 3], got 5", file({ initializer: [floats("w", [2, 3], [1, 2, 3, 4, 5]), good.initializer![1]] })],
    ["fromONNX: initializer 'w': expected f32, f64 or integers, got data type 10", file({ initializer: [{ name: "w", dims: [2, 3], dataType: DataType.float16, rawData: new Uint8Array(12) }, good.initializer![1]] })],
    ["fromONNX: initializer 'w': expected dimensions from 0 up, got -2", file({ initializer: [floats("w", [-2, 3], []), good.initializer![1]] })],
    ["fromONNX: initializer 'w': expected its numbers in this file, got external data", file({ initializer: [{ ...floats("w", [2, 3], []), dataLocation: 1 }, good.initializer![1]] })],
    ["fromONNX: node 'nz' (Gemm), weights: expected numbers that are finite in f32, got NaN", file({ initializer: [floats("w", [2, 3], [1, 2, 3, NaN, 5, 6]), good.initializer![1]] })],
    ["fromONNX: node 'nz' (Gemm), biases: expected numbers that are finite in f32, got 1e+39", file({ initializer: [good.initializer![0], { name: "b", dims: [2], dataType: DataType.double, doubleData: [1, 1e39] }] })],
    ["fromONNX: the graph: expected one input, got 2: 'x', 'second'", file({ input: [value("x", 3), value("second", 3)] })],
    ["fromONNX: the graph: expected one input, got none", file({ input: [] })],
    ["fromONNX: input 'x': expected a tensor of numbers, got text", file({ input: [{ name: "x", type: { tensor: { elementType: DataType.string, shape: { dim: [{}, { size: 3 }] } } } }] })],
    ["fromONNX: input 'x': expected 2 to 8 dimensions, the first of them the batch, got 1", file({ input: [value("x")] })],
    ["fromONNX: output 'missing': expected the output of a node, got none", file({ output: [value("missing", 2)] })],
    ["fromONNX: the graph: expected one output of numbers, got 2: 'y', 'z'", file({ output: [value("y", 2), value("z", 2)] })],
    ["fromONNX: the graph: expected a dense layer (Gemm, MatMul) at least, got none", file({ node: [node("Identity", ["x"], ["y"])] })],
    ["fromONNX: the graph: expected one output of numbers, got none", withNode(node("ArgMax", ["z"], ["y"]))],
  ])("%s", async (message, bytes, kind) => {
    await refused(bytes, message, kind);
  });

  test("what the output does not need may be anything", async () => {
    const network = await fromONNX(withNode(node("Conv", ["z", "w"], ["unused"]), node("Relu", ["z"], ["y"])));
    expect(network.outputs).toBe(2);
  });
});

/** The bytes of a model whose last node has a graph as an attribute, which the writer does not write: field 6 of the attribute, empty. */
function graphAttribute(): Uint8Array {
  const bytes = withNode(node("If", ["z"], ["y"], [{ name: "body", s: new TextEncoder().encode("") }]));
  const name = new TextEncoder().encode("body");
  const at = bytes.findIndex((_, i) => name.every((byte, k) => bytes[i + k] === byte)) + name.length;
  expect([...bytes.subarray(at, at + 2)]).toEqual([0x22, 0]); // field 4, text, empty
  const changed = bytes.slice();
  changed[at] = 0x32; // field 6
  return changed;
}

describe("hostile bytes", () => {
  test("a damaged file is refused, or is another network, and never more", async () => {
    const entries = JSON.parse(readFileSync(new URL("golden-onnx/models.json", import.meta.url), "utf8")) as { model: string }[];
    let random = 7;
    const next = (below: number): number => {
      random = (random * 48271) % 2147483647;
      return random % below;
    };
    let refusals = 0;
    for (let i = 0; i < 600; i++) {
      const bytes = new Uint8Array(Buffer.from(entries[next(entries.length)].model, "base64"));
      for (let k = next(4); k >= 0; k--) bytes[next(bytes.length)] = next(256);
      try {
        (await fromONNX(i % 5 === 0 ? bytes.subarray(0, next(bytes.length)) : bytes)).dispose();
      } catch (error) {
        expect(error).toBeInstanceOf(ModelFormatError);
        refusals++;
      }
    }
    expect(refusals).toBeGreaterThan(200);
  });

  test("constants that are used over and over cost no more than the file is worth", async () => {
    const size = 1024;
    const weights: TensorMessage = { name: "w", dims: [size, size], dataType: DataType.float, rawData: new Uint8Array(4 * size * size) };
    const nodes = Array.from({ length: 900 }, (_, i) => node("MatMul", [i === 0 ? "x" : `v${i - 1}`, "w"], [`v${i}`]));
    await refused(file({ node: nodes, initializer: [weights], input: [value("x", size)], output: [value("v899", size)] }), "expected constants and layers in proportion to the file, got more");
    const folded = Array.from({ length: 5000 }, (_, i) => node("Neg", [i === 0 ? "w" : `v${i - 1}`], [`v${i}`]));
    await refused(file({ node: [...folded, node("MatMul", ["x", "v4999"], ["y"])], initializer: [weights], input: [value("x", size)], output: [value("y", size)] }), "in proportion to the file");
  });

  test("a chain of many nodes, and lists of many values, are read without recursion", async () => {
    const nodes = Array.from({ length: 50_000 }, (_, i) => node("Identity", [i === 0 ? "z" : `v${i - 1}`], [`v${i}`]));
    expect((await fromONNX(file({ node: [good.node![0], ...nodes], output: [value("v49999", 2)] }))).outputs).toBe(2);
    const tanhs = nodes.map((each) => ({ ...each, opType: "Tanh" }));
    await refused(file({ node: [good.node![0], ...tanhs], output: [value("v49999", 2)] }), "expected at most 1000 layers, got one more");
    const many = new Uint8Array(2 * 2 ** 21 + 6);
    many.set([0x3a, 0x80, 0x80, 0x80, 0x02, 0x00]);
    for (let i = 5; i + 1 < many.length; i += 2) many.set([0x0a, 0], i); // two million empty nodes
    await refused(many.subarray(0, 5 + 2 ** 22), "fromONNX: expected at most 1048576 nodes, names and values in lists, got more");
  });
});

test("toONNX refuses what has no such form", async () => {
  const network = await Network.create({ inputs: 1, layers: [dense(2), dense(1)] });
  expect(() => toONNX(undefined as never)).toThrow("toONNX: network: expected a Network, got undefined. Make one with Network.create or Network.load");
  expect(() => toONNX(new Uint8Array(2) as never)).toThrow(TypeError);
  network.layers[1].biases[0] = Infinity;
  expect(() => toONNX(network)).toThrow("toONNX: layers[1].biases: expected finite numbers, got Infinity at index 0");
  network.dispose();
  expect(() => toONNX(network)).toThrow("toONNX: the network was disposed");
  expect(readModel(file()).graph!.node!.length).toBe(2);
});
