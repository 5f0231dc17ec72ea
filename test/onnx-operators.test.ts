// fromONNX by graphs made by hand: what each operator of constants, each way to write numbers and each activation computes, against the
// definitions of ONNX in f64. The graphs are x → Gemm → z → the operator → y.

import { describe, expect, test } from "vitest";
import { fromONNX } from "../src/onnx/index.js";
import { AttributeType, DataType, writeModel } from "../src/onnx/proto.js";
import type { AttributeMessage, NodeMessage, TensorMessage } from "../src/onnx/proto.js";

const floats = (name: string, dims: number[], values: number[]): TensorMessage => ({ name, dims, dataType: DataType.float, floatData: values });
const ints = (name: string, values: number[]): TensorMessage => ({ name, dims: [values.length], dataType: DataType.int64, int64Data: values });
const f = (name: string, value: number): AttributeMessage => ({ name, f: value, type: AttributeType.float });
const i = (name: string, value: number): AttributeMessage => ({ name, i: value, type: AttributeType.int });
const list = (name: string, values: number[]): AttributeMessage => ({ name, ints: values, type: AttributeType.ints });
const text = (name: string, value: string): AttributeMessage => ({ name, s: new TextEncoder().encode(value), type: AttributeType.string });
const node = (opType: string, input: string[], output: string, attribute: AttributeMessage[] = []): NodeMessage => ({ opType, name: `n${output}`, input, output: [output], attribute });

const WEIGHTS = [[1, -2, 0.5], [0.25, 3, -1]];
const BIASES = [0.5, -0.75];
const X = [[1, 1, -1], [0.5, -2, 0.25], [-1.5, 0.125, 2], [0, 0, 0]];
const Z = X.map((row) => WEIGHTS.map((weights, unit) => weights.reduce((sum, weight, input) => sum + weight * row[input], BIASES[unit])));

const value = (name: string, size: number) => ({ name, type: { tensor: { elementType: DataType.float as number, shape: { dim: [{ parameter: "batch" }, { size }] } } } });
const gemm = node("Gemm", ["x", "w", "b"], "z", [i("transB", 1)]);

/** What the graph predicts for X, in rows. */
async function predict(nodes: NodeMessage[], more: TensorMessage[] = [], outputs = 2, own: { w?: boolean; b?: boolean } = {}): Promise<number[][]> {
  const initializer = [...(own.w ? [] : [floats("w", [2, 3], WEIGHTS.flat())]), ...(own.b ? [] : [floats("b", [2], BIASES)]), ...more];
  const bytes = writeModel({ irVersion: 8, opsetImport: [{ domain: "", version: 17 }], graph: { node: nodes, initializer, input: [value("x", 3)], output: [value("y", outputs)] } });
  const predicted = (await fromONNX(bytes)).predict(X);
  return X.map((_, row) => [...predicted.subarray(row * outputs, (row + 1) * outputs)]);
}

function expectClose(got: number[][], wanted: number[][]): void {
  expect(got.map((row) => row.length)).toEqual(wanted.map((row) => row.length));
  got.forEach((row, at) => row.forEach((number, unit) => expect(Math.abs(number - wanted[at][unit]), `[${at}][${unit}]: ${number}, ${wanted[at][unit]}`).toBeLessThanOrEqual(2e-6 * Math.max(1, Math.abs(wanted[at][unit])))));
}

describe("the biases as the result of an operator on constants", () => {
  test.each<[string, NodeMessage[], TensorMessage[]]>([
    ["Identity", [node("Identity", ["c"], "b")], [floats("c", [2], [0.5, -0.75])]],
    ["Cast", [node("Cast", ["c"], "b", [i("to", 1)])], [floats("c", [2], [0.5, -0.75])]],
    ["Cast to integers, which drops the rest", [node("Cast", ["c"], "k", [i("to", DataType.int64)]), node("Mul", ["k", "quarter"], "b")], [floats("c", [2], [2.75, -3.5]), floats("quarter", [], [0.25])]],
    ["Slice", [node("Slice", ["c", "from", "to"], "b")], [floats("c", [4], [9, 0.5, -0.75, 8]), ints("from", [1]), ints("to", [-1])]],
    ["Slice to the end, of axis 0", [node("Slice", ["c", "from", "to", "axis"], "b")], [floats("c", [4], [9, 8, 0.5, -0.75]), ints("from", [-2]), ints("to", [2 ** 40]), ints("axis", [0])]],
    ["Slice by attributes", [node("Slice", ["c"], "b", [list("starts", [0]), list("ends", [2])])], [floats("c", [3], [0.5, -0.75, 7])]],
    ["Neg", [node("Neg", ["c"], "b")], [floats("c", [2], [-0.5, 0.75])]],
    ["Sqrt", [node("Sqrt", ["c"], "r"), node("Sub", ["r", "d"], "b")], [floats("c", [2], [2.25, 1]), floats("d", [2], [1, 1.75])]],
    ["Reciprocal", [node("Reciprocal", ["c"], "r"), node("Add", ["r", "d"], "b")], [floats("c", [2], [4, -2]), floats("d", [2], [0.25, -0.25])]],
    ["Add of a list and a number", [node("Add", ["c", "one"], "b")], [floats("c", [2], [-0.5, -1.75]), floats("one", [], [1])]],
    ["Sub of a number and a list", [node("Sub", ["one", "c"], "b")], [floats("c", [2], [0.5, 1.75]), floats("one", [], [1])]],
    ["Sub of a list and a number", [node("Sub", ["c", "one"], "b")], [floats("c", [2], [1.5, 0.25]), floats("one", [1], [1])]],
    ["Mul of lists", [node("Mul", ["c", "d"], "b")], [floats("c", [2], [2, -3]), floats("d", [2], [0.25, 0.25])]],
    ["Div of lists", [node("Div", ["c", "d"], "b")], [floats("c", [2], [2, -3]), floats("d", [2], [4, 4])]],
    ["Div of a number and a list", [node("Div", ["three", "d"], "b")], [floats("three", [1], [3]), floats("d", [2], [6, -4])]],
    ["Pow", [node("Pow", ["c", "three"], "p"), node("Add", ["p", "d"], "b")], [floats("c", [2], [2, -1]), floats("three", [], [3]), floats("d", [2], [-7.5, 0.25])]],
    ["Gather, from the front and the end", [node("Gather", ["c", "at"], "b")], [floats("c", [4], [9, 0.5, 8, -0.75]), ints("at", [1, -1])]],
    ["Concat", [node("Concat", ["c", "d"], "b", [i("axis", 0)])], [floats("c", [1], [0.5]), floats("d", [1], [-0.75])]],
    ["Squeeze of all axes", [node("Squeeze", ["c"], "b")], [floats("c", [1, 2, 1], [0.5, -0.75])]],
    ["Squeeze of one axis from the end", [node("Squeeze", ["c"], "b", [list("axes", [-2])])], [floats("c", [1, 2], [0.5, -0.75])]],
    ["Squeeze of axes as an input", [node("Squeeze", ["c", "axes"], "b")], [floats("c", [2, 1], [0.5, -0.75]), ints("axes", [1])]],
    ["Unsqueeze and Squeeze", [node("Unsqueeze", ["c", "axes"], "u"), node("Squeeze", ["u", "axes"], "b")], [floats("c", [2], [0.5, -0.75]), ints("axes", [0, 2])]],
    ["Reshape with a size to be found", [node("Reshape", ["c", "shape"], "b")], [floats("c", [2, 1], [0.5, -0.75]), ints("shape", [-1])]],
    ["Reshape with a size that is kept", [node("Reshape", ["c", "shape"], "b")], [floats("c", [2, 1], [0.5, -0.75]), ints("shape", [0])]],
    ["Constant of floats", [node("Constant", [], "b", [{ name: "value_floats", floats: [0.5, -0.75], type: AttributeType.floats }])], []],
    ["Constant of integers, by a number", [node("Constant", [], "c", [list("value_ints", [2, -3])]), node("Constant", [], "k", [f("value_float", 0.25)]), node("Mul", ["c", "k"], "b")], []],
    ["Constant of one integer", [node("Constant", [], "k", [i("value_int", 4)]), node("Div", ["c", "k"], "b")], [floats("c", [2], [2, -3])]],
    ["Constant of a tensor", [node("Constant", [], "b", [{ name: "value", t: floats("", [2], [0.5, -0.75]), type: AttributeType.tensor }])], []],
  ])("%s", async (_, nodes, more) => {
    expectClose(await predict([...nodes, gemm, node("Identity", ["z"], "y")], more, 2, { b: true }), Z);
  });

  test.each<[string, number, (view: DataView) => void, number]>([
    ["f32", DataType.float, (view) => [0.5, -0.75].forEach((number, at) => view.setFloat32(4 * at, number, true)), 4],
    ["f64", DataType.double, (view) => [0.5, -0.75].forEach((number, at) => view.setFloat64(8 * at, number, true)), 8],
    ["i64", DataType.int64, (view) => [2n, -3n].forEach((number, at) => view.setBigInt64(8 * at, number, true)), 8],
    ["i32", DataType.int32, (view) => [2, -3].forEach((number, at) => view.setInt32(4 * at, number, true)), 4],
    ["i8", DataType.int8, (view) => [2, -3].forEach((number, at) => view.setInt8(at, number)), 1],
  ])("raw numbers of %s, at an odd place of the file", async (name, dataType, write, width) => {
    const rawData = new Uint8Array(2 * width);
    write(new DataView(rawData.buffer));
    const nodes = name.startsWith("i") ? [node("Mul", ["c", "quarter"], "b")] : [node("Identity", ["c"], "b")];
    expectClose(await predict([...nodes, gemm, node("Identity", ["z"], "y")], [{ name: "c", dims: [2], dataType, rawData }, floats("quarter", [], [0.25])], 2, { b: true }), Z);
  });

  test("raw bytes without a sign", async () => {
    const nodes = [node("Sub", ["c", "rest"], "b"), gemm, node("Identity", ["z"], "y")];
    expectClose(await predict(nodes, [{ name: "c", dims: [2], dataType: DataType.uint8, rawData: Uint8Array.of(200, 255) }, floats("rest", [2], [199.5, 255.75])], 2, { b: true }), Z);
  });

  test.each<[string, TensorMessage]>([
    ["i32", { name: "c", dims: [2], dataType: DataType.int32, int32Data: [2, -3] }],
    ["i64", { name: "c", dims: [2], dataType: DataType.int64, int64Data: [2, -3] }],
    ["f64", { name: "c", dims: [2], dataType: DataType.double, doubleData: [2, -3] }],
  ])("listed numbers of %s", async (_, c) => {
    expectClose(await predict([node("Mul", ["c", "quarter"], "b"), gemm, node("Identity", ["z"], "y")], [c, floats("quarter", [], [0.25])], 2, { b: true }), Z);
  });
});

describe("the weights turned over", () => {
  const turned = floats("t", [3, 2], [0, 1, 2].flatMap((input) => [WEIGHTS[0][input], WEIGHTS[1][input]]));
  test.each<[string, AttributeMessage[]]>([["without perm", []], ["with perm", [list("perm", [1, 0])]]])("Transpose %s", async (_, attributes) => {
    expectClose(await predict([node("Transpose", ["t"], "w", attributes), gemm, node("Identity", ["z"], "y")], [turned], 2, { w: true }), Z);
  });
  test.each<[string, NodeMessage, TensorMessage[]]>([
    ["one factor a unit", node("Mul", ["v", "k"], "w"), [floats("v", [2, 3], [0.5, -1, 0.25, 1, 12, -4]), floats("k", [2, 1], [2, 0.25])]],
    ["one factor an input", node("Div", ["v", "k"], "w"), [floats("v", [2, 3], [2, -8, 0.25, 0.5, 12, -0.5]), floats("k", [3], [2, 4, 0.5])]],
    ["a column and a row", node("Sub", ["v", "k"], "w"), [floats("v", [2, 1], [1, 2]), floats("k", [1, 3], [0, 3, 5])]],
    ["a row of a column", node("Sub", ["k", "v"], "w"), [floats("v", [2, 1], [1, 2]), floats("k", [3], [0, 3, 5])]],
  ])("with each other as ONNX broadcasts: %s", async (name, operator, more) => {
    const outer = operator.opType === "Sub" ? [1, 2].map((v) => [0, 3, 5].map((k) => (name === "a column and a row" ? v - k : k - v))) : WEIGHTS;
    const wanted = X.map((row) => outer.map((weights, unit) => weights.reduce((sum, weight, input) => sum + weight * row[input], BIASES[unit])));
    expectClose(await predict([operator, gemm, node("Identity", ["z"], "y")], more, 2, { w: true }), wanted);
  });

  test("of a list and a single number in two dimensions a row comes", async () => {
    const nodes = [node("Mul", ["row", "one"], "w"), node("Gemm", ["x", "w"], "y", [i("transB", 1)])];
    expectClose(await predict(nodes, [floats("row", [3], WEIGHTS[0]), floats("one", [1, 1], [1])], 1, { w: true }), X.map((row) => [row[0] - 2 * row[1] + 0.5 * row[2]]));
  });

  test("Transpose that turns nothing, and Gemm without transB", async () => {
    expectClose(await predict([node("Transpose", ["t"], "w", [list("perm", [0, 1])]), node("Gemm", ["x", "w", "b"], "z"), node("Identity", ["z"], "y")], [turned], 2, { w: true }), Z);
  });
  test("Gemm with alpha and beta", async () => {
    const wanted = Z.map((row) => row.map((z, unit) => 2 * (z - BIASES[unit]) - 3 * BIASES[unit]));
    expectClose(await predict([node("Gemm", ["x", "w", "b"], "z", [i("transB", 1), f("alpha", 2), f("beta", -3)]), node("Identity", ["z"], "y")]), wanted);
  });
});

const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const elu = (z: number, alpha: number): number => (z > 0 ? z : alpha * Math.expm1(z));
const softplus = (z: number): number => Math.log1p(Math.exp(z));
/** Φ by Simpson's rule. */
function phi(z: number): number {
  const [steps, density] = [2000, (t: number) => Math.exp((-t * t) / 2) / Math.sqrt(2 * Math.PI)];
  let sum = density(0) + density(z);
  for (let at = 1; at < steps; at++) sum += (at % 2 === 0 ? 2 : 4) * density((z * at) / steps);
  return 0.5 + (sum * z) / steps / 3;
}
const tanhGelu = (z: number): number => 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3)));

describe("an operator on the weighted sums", () => {
  test.each<[string, NodeMessage[], (z: number, unit: number) => number, TensorMessage[]?]>([
    ["Neg", [node("Neg", ["z"], "y")], (z) => -z],
    ["Exp", [node("Exp", ["z"], "y")], (z) => Math.exp(z)],
    ["Sigmoid", [node("Sigmoid", ["z"], "y")], sigmoid],
    ["Softsign", [node("Softsign", ["z"], "y")], (z) => z / (1 + Math.abs(z))],
    ["Softplus", [node("Softplus", ["z"], "y")], softplus],
    ["Mish", [node("Mish", ["z"], "y")], (z) => z * Math.tanh(softplus(z))],
    ["Gelu", [node("Gelu", ["z"], "y")], (z) => z * phi(z)],
    ["Gelu by tanh", [node("Gelu", ["z"], "y", [text("approximate", "tanh")])], tanhGelu],
    ["Swish", [node("Swish", ["z"], "y")], (z) => z * sigmoid(z)],
    ["Swish with alpha", [node("Swish", ["z"], "y", [f("alpha", 1.5)])], (z) => z * sigmoid(1.5 * z)],
    ["Elu", [node("Elu", ["z"], "y", [f("alpha", 0.5)])], (z) => elu(z, 0.5)],
    ["Celu", [node("Celu", ["z"], "y", [f("alpha", 2)])], (z) => (z > 0 ? z : 2 * Math.expm1(z / 2))],
    ["Selu of other constants", [node("Selu", ["z"], "y", [f("alpha", 1.5), f("gamma", 2)])], (z) => 2 * elu(z, 1.5)],
    ["LeakyRelu", [node("LeakyRelu", ["z"], "y")], (z) => (z > 0 ? z : 0.01 * z)],
    ["HardSigmoid", [node("HardSigmoid", ["z"], "y")], (z) => Math.max(0, Math.min(1, 0.2 * z + 0.5))],
    ["HardSigmoid with alpha and beta", [node("HardSigmoid", ["z"], "y", [f("alpha", 0.5), f("beta", 0.25)])], (z) => Math.max(0, Math.min(1, 0.5 * z + 0.25))],
    ["PRelu", [node("PRelu", ["z", "s"], "y")], (z, unit) => (z > 0 ? z : [0.5, -2][unit] * z), [floats("s", [2], [0.5, -2])]],
    ["Clip", [node("Clip", ["z", "low", "high"], "y")], (z) => Math.min(6, Math.max(0, z)), [floats("low", [], [0]), floats("high", [], [6])]],
    ["Max and Min", [node("Max", ["z", "low"], "m"), node("Min", ["m", "high"], "y")], (z) => Math.min(1, Math.max(-1, z)), [floats("low", [], [-1]), floats("high", [], [1])]],
    ["Max with a part of itself", [node("Mul", ["z", "part"], "p"), node("Max", ["p", "z"], "y")], (z) => Math.max(z, 0.125 * z), [floats("part", [], [0.125])]],
    ["z / (1 + |z|)", [node("Abs", ["z"], "a"), node("Add", ["a", "one"], "d"), node("Div", ["z", "d"], "y")], (z) => z / (1 + Math.abs(z)), [floats("one", [], [1])]],
    ["z · sigmoid(z)", [node("Sigmoid", ["z"], "s"), node("Mul", ["s", "z"], "y")], (z) => z * sigmoid(z)],
    ["a number less z", [node("Sub", ["one", "z"], "y")], (z) => 1 - z, [floats("one", [], [1])]],
    ["Sum of two", [node("Sum", ["z", "d"], "y")], (z, unit) => z + [4, -0.5][unit], [floats("d", [2], [4, -0.5])]],
    ["z by a list", [node("Div", ["z", "d"], "y")], (z, unit) => z / [4, -0.5][unit], [floats("d", [2], [4, -0.5])]],
    ["twice scaled and shifted", [node("Mul", ["z", "k"], "m"), node("Add", ["m", "c"], "s"), node("Mul", ["s", "k"], "t"), node("Sub", ["t", "c"], "y")], (z, unit) => (z * [2, 3][unit] + [1, -1][unit]) * [2, 3][unit] - [1, -1][unit], [floats("k", [2], [2, 3]), floats("c", [2], [1, -1])]],
    ["scaled and shifted behind an activation", [node("Tanh", ["z"], "a"), node("Mul", ["a", "k"], "m"), node("Add", ["m", "c"], "y")], (z, unit) => Math.tanh(z) * [2, 3][unit] + [1, -1][unit], [floats("k", [2], [2, 3]), floats("c", [2], [1, -1])]],
    ["turned over and back", [node("Transpose", ["z"], "t", [list("perm", [1, 0])]), node("Transpose", ["t"], "y", [list("perm", [1, 0])])], (z) => z],
    ["Dropout", [node("Dropout", ["z"], "y")], (z) => z],
  ])("%s", async (_, nodes, wanted, more) => {
    expectClose(await predict([gemm, ...nodes], more), Z.map((row) => row.map(wanted)));
  });

  test("softmax of a row", async () => {
    const wanted = Z.map((row) => row.map((z) => Math.exp(z) / row.reduce((sum, other) => sum + Math.exp(other), 0)));
    expectClose(await predict([gemm, node("Softmax", ["z"], "y", [i("axis", 1)])]), wanted);
  });
});

describe("what is refused by name", () => {
  test.each<[string, NodeMessage[], TensorMessage[]?]>([
    ["node 'nc' (Transpose): expected a matrix, got 3 dimensions", [node("Transpose", ["d"], "c"), node("Add", ["z", "c"], "y")], [floats("d", [1, 1, 2], [1, 2])]],
    ["node 'nc' (Cast): expected a cast to f32, f64 or integers, got data type 9", [node("Cast", ["d"], "c", [i("to", DataType.bool)]), node("Add", ["z", "c"], "y")], [floats("d", [2], [1, 2])]],
    ["node 'nc' (Slice): expected a part of a list, in its order, got another", [node("Slice", ["d", "s", "e", "a", "k"], "c"), node("Add", ["z", "c"], "y")], [floats("d", [2], [1, 2]), ints("s", [-1]), ints("e", [-3]), ints("a", [0]), ints("k", [-1])]],
    ["node 'nc' (Sin): expected an operator of a multilayer perceptron, got Sin of constants", [node("Sin", ["d"], "c"), node("Add", ["z", "c"], "y")], [floats("d", [2], [1, 2])]],
    ["node 'nc' (Add): expected constants of shapes that go with each other, got [2] and [3]", [node("Add", ["d", "e"], "c"), node("Add", ["z", "c"], "y")], [floats("d", [2], [1, 2]), floats("e", [3], [1, 2, 3])]],
    ["node 'nc' (Reshape): expected a shape of 2 numbers, got [3]", [node("Reshape", ["d", "s"], "c"), node("Add", ["z", "c"], "y")], [floats("d", [2], [1, 2]), ints("s", [3])]],
    ["node 'nc' (Gather): expected a list, got 2 dimensions", [node("Gather", ["d", "s"], "c"), node("Add", ["z", "c"], "y")], [floats("d", [1, 2], [1, 2]), ints("s", [0])]],
    ["node 'nc' (Concat): expected lists, got others", [node("Concat", ["d", "d"], "c", [i("axis", 0)]), node("Add", ["z", "c"], "y")], [floats("d", [1, 2], [1, 2])]],
    ["node 'ny' (Max): expected a constant beside the batch, or z and slope·z, got two values of the batch", [node("Mul", ["z", "two"], "t"), node("Max", ["z", "t"], "y")], [floats("two", [], [-2])]],
    ["node 'ny' (Min): expected a constant beside the batch, or z and slope·z, got two values of the batch", [node("Tanh", ["z"], "t"), node("Min", ["z", "t"], "y")]],
    ["node 'ny' (Concat): expected 1 − p and p of a sigmoid, got others", [node("Concat", ["z", "z"], "y", [i("axis", 1)])]],
    ["node 'ny' (Add): expected an operator of a multilayer perceptron, got Add", [node("Add", ["z"], "y")]],
    ["node 'ny' (Sub): expected an operator of a multilayer perceptron, got Sub", [node("Sub", ["z"], "y")]],
    ["node 'ny' (Mul): expected an operator of a multilayer perceptron, got Mul", [node("Mul", ["z"], "y")]],
    ["node 'ny' (Div): expected an operator of a multilayer perceptron, got Div", [node("Div", ["z"], "y")]],
    ["node 'ny' (Sum): expected an operator of a multilayer perceptron, got Sum", [node("Sum", ["z"], "y")]],
    ["node 'ny' (Sum): expected an operator of a multilayer perceptron, got Sum", [node("Sum", ["z", "d", "d"], "y")], [floats("d", [2], [1, 2])]],
    ["node 'ny' (Max): expected an operator of a multilayer perceptron, got Max", [node("Max", ["z"], "y")]],
    ["node 'ny' (Min): expected an operator of a multilayer perceptron, got Min", [node("Min", ["z", "d", "d"], "y")], [floats("d", [], [1])]],
    ["output 'y': expected rows of the batch, got columns", [node("Transpose", ["z"], "y")]],
    ["output 'y': expected what is computed from the input, got a constant", [node("Identity", ["d"], "y")], [floats("d", [2], [1, 2])]],
    ["node 'ny' (Pow): expected a square or cube as a part of GELU or LayerNormalization, got the power 4", [node("Pow", ["z", "four"], "y")], [floats("four", [], [4])]],
    ["node 'ny' (Sqrt): expected the root of a variance as a part of LayerNormalization, got another", [node("Sqrt", ["z"], "y")]],
  ])("%s", async (message, nodes, more) => {
    await expect(predict([gemm, ...nodes], more)).rejects.toThrow(`fromONNX: ${message}`);
  });
});
