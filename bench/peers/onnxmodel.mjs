// A network as an ONNX model (opset 13): Gemm and an activation for each layer, input and output with a free batch dimension.
// The messages are those of onnx/onnx.proto that such a model needs (https://onnx.ai/onnx/repo-docs/IR.html), with its field numbers.

import protobuf from "protobufjs";
import { weightsOf } from "./work.mjs";

const PROTO = `
syntax = "proto2";
message AttributeProto { optional string name = 1; optional float f = 2; optional int64 i = 3; optional int32 type = 20; }
message NodeProto {
  repeated string input = 1; repeated string output = 2; optional string name = 3; optional string op_type = 4; repeated AttributeProto attribute = 5;
}
message TensorProto { repeated int64 dims = 1 [packed = false]; optional int32 data_type = 2; optional string name = 8; optional bytes raw_data = 9; }
message Dimension { optional int64 dim_value = 1; optional string dim_param = 2; }
message TensorShapeProto { repeated Dimension dim = 1; }
message TensorType { optional int32 elem_type = 1; optional TensorShapeProto shape = 2; }
message TypeProto { optional TensorType tensor_type = 1; }
message ValueInfoProto { optional string name = 1; optional TypeProto type = 2; }
message GraphProto {
  repeated NodeProto node = 1; optional string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
}
message OperatorSetIdProto { optional string domain = 1; optional int64 version = 2; }
message ModelProto {
  optional int64 ir_version = 1; optional string producer_name = 2; optional GraphProto graph = 7; repeated OperatorSetIdProto opset_import = 8;
}
`;
const FLOAT = 1;
const INT_ATTRIBUTE = 2;
const operators = { relu: "Relu", tanh: "Tanh", sigmoid: "Sigmoid", softmax: "Softmax" };

const bytesOf = (floats) => new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
const intAttribute = (name, i) => ({ name, i, type: INT_ATTRIBUTE });
const matrix = (name, width) => ({ name, type: { tensorType: { elemType: FLOAT, shape: { dim: [{ dimParam: "batch" }, { dimValue: width }] } } } });

/** The file's bytes; weights are read from the folder as every contender does. */
export function onnxModel(network, folder) {
  const node = [];
  const initializer = [];
  let from = "input";
  weightsOf(network, folder).forEach(({ inputs, units, weights, biases }, i) => {
    const [, activation] = network.layers[i];
    const last = i === network.layers.length - 1;
    const operator = operators[activation];
    const sums = operator === undefined && last ? "output" : `sums${i}`;
    initializer.push({ dims: [units, inputs], dataType: FLOAT, name: `weights${i}`, rawData: bytesOf(weights) });
    initializer.push({ dims: [units], dataType: FLOAT, name: `biases${i}`, rawData: bytesOf(biases) });
    node.push({ input: [from, `weights${i}`, `biases${i}`], output: [sums], name: `dense${i}`, opType: "Gemm", attribute: [intAttribute("transB", 1)] });
    from = sums;
    if (operator === undefined) return;
    from = last ? "output" : `activations${i}`;
    node.push({ input: [sums], output: [from], name: `activation${i}`, opType: operator, attribute: operator === "Softmax" ? [intAttribute("axis", 1)] : [] });
  });
  const Model = protobuf.parse(PROTO).root.lookupType("ModelProto");
  const graph = { node, name: network.key, initializer, input: [matrix("input", network.inputs)], output: [matrix("output", network.outputs)] };
  return Model.encode(Model.fromObject({ irVersion: 8, producerName: "bench", graph, opsetImport: [{ domain: "", version: 13 }] })).finish();
}
