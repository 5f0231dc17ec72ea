// A network as an ONNX model: opset 17, one input `input` [batch, inputs] and one output `output` [batch, outputs] in f32, the batch free.
//
//   dense        Gemm with transB (weights as they lie, units × inputs), then the activation
//   dropout      Dropout, which does nothing outside of training
//   batchNorm    BatchNormalization of the running statistics        layerNorm   LayerNormalization over the last axis
//
// Every activation of the library is one operator or the small graph that PyTorch writes for it:
//
//   linear –                       sigmoid Sigmoid      tanh Tanh            relu Relu          leakyRelu LeakyRelu    prelu PRelu
//   softmax Softmax                elu Elu              selu Selu            softplus Softplus  softsign Softsign      exponential Exp
//   relu6, hardTanh Clip           hardSigmoid HardSigmoid(1/6, 1/2)         silu z·Sigmoid(z)  mish z·Tanh(Softplus(z))
//   gelu ½z·(1 + Erf(z/√2)), or ½z·(1 + Tanh(√(2/π)·(z + 0.044715·z³)))
//
// What ONNX cannot say and is left out: the seed, initialisers, penalties, `trainable`, the loss, and the optimizer's state. A custom
// activation, and numbers that are not finite, are errors. A table's preparation (ONNXPreparation) becomes nodes around the network.
// Operators: github.com/onnx/onnx, docs/Operators.md.

import { refusal } from "../check.js";
import type { ActivationSpec, Portable, PortableLayer } from "../files/portable.js";
import { AttributeType, DataType, writeModel } from "./proto.js";
import type { AttributeMessage, NodeMessage, TensorMessage, ValueInfoMessage } from "./proto.js";

const OPSET = 17;
/** The first version of the format with opset 17. */
const IR_VERSION = 8;

/** A protobuf message holds at most 2^31 − 1 bytes; some are left for nodes and names. */
const MOST_BYTES = 2 ** 31 - 2 ** 24;

/** The numbers around the network that a table's columns call for. */
export interface ONNXPreparation {
  /** For each input what is subtracted and what it is then divided by; NaN, a missing value, becomes 0 behind that. */
  readonly means: Float64Array;
  readonly deviations: Float64Array;
  /** output · deviation + mean. */
  readonly scale: { readonly mean: number; readonly deviation: number } | undefined;
  /** Further metadata of the model, by key. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Collects nodes and initializers; every value gets a name of its own, from the place in the network that it belongs to. */
class GraphWriter {
  readonly nodes: NodeMessage[] = [];
  readonly initializers: TensorMessage[] = [];
  private readonly scalars = new Map<string, string>();
  private readonly used = new Set<string>(["input", "output"]);

  /** Adds a node with one output and returns its name. */
  add(opType: string, place: string, inputs: readonly string[], attributes: readonly AttributeMessage[] = []): string {
    const base = `${place}.${opType}`;
    let name = base;
    for (let i = 2; this.used.has(name); i++) name = `${base}.${i}`;
    this.used.add(name);
    this.nodes.push({ name, opType, input: inputs, output: [name], attribute: attributes });
    return name;
  }

  tensor(name: string, dims: readonly number[], values: ArrayLike<number>): string {
    const rawData = new Uint8Array(4 * values.length);
    const view = new DataView(rawData.buffer);
    for (let i = 0; i < values.length; i++) view.setFloat32(4 * i, values[i], true);
    this.initializers.push({ name, dims, dataType: DataType.float, rawData });
    this.used.add(name);
    return name;
  }

  /** A constant without dimensions, each value once. */
  scalar(value: number): string {
    const key = `constant.${Math.fround(value)}`;
    const known = this.scalars.get(key) ?? this.tensor(key, [], [value]);
    this.scalars.set(key, known);
    return known;
  }

  /** Lets the last node write to `output`. */
  finish(): void {
    const last = this.nodes[this.nodes.length - 1];
    this.nodes[this.nodes.length - 1] = { ...last, output: ["output"] };
  }
}

const float = (name: string, f: number): AttributeMessage => ({ name, f: Math.fround(f), type: AttributeType.float });
const int = (name: string, i: number): AttributeMessage => ({ name, i, type: AttributeType.int });

function writeActivation(graph: GraphWriter, place: string, z: string, spec: ActivationSpec, slopes: Float32Array | undefined): string {
  const add = (opType: string, inputs: readonly string[], attributes: readonly AttributeMessage[] = []): string => graph.add(opType, place, inputs, attributes);
  switch (spec.name) {
    case "linear":
      return z;
    case "sigmoid":
      return add("Sigmoid", [z]);
    case "tanh":
      return add("Tanh", [z]);
    case "relu":
      return add("Relu", [z]);
    case "leakyRelu":
      return add("LeakyRelu", [z], [float("alpha", spec.slope)]);
    case "prelu":
      return add("PRelu", [z, graph.tensor(`${place}.slope`, [slopes!.length], slopes!)]);
    case "softmax":
      return add("Softmax", [z], [int("axis", -1)]);
    case "elu":
      return add("Elu", [z], [float("alpha", spec.alpha)]);
    case "selu":
      return add("Selu", [z]);
    case "gelu": {
      const inner = spec.approximate === "tanh"
        ? add("Tanh", [add("Mul", [add("Add", [z, add("Mul", [add("Mul", [add("Mul", [z, z]), z]), graph.scalar(0.044715)])]), graph.scalar(Math.sqrt(2 / Math.PI))])])
        : add("Erf", [add("Div", [z, graph.scalar(Math.SQRT2)])]);
      return add("Mul", [add("Mul", [z, add("Add", [inner, graph.scalar(1)])]), graph.scalar(0.5)]);
    }
    case "silu":
      return add("Mul", [z, add("Sigmoid", [z])]);
    case "mish":
      return add("Mul", [z, add("Tanh", [add("Softplus", [z])])]);
    case "softplus":
      return add("Softplus", [z]);
    case "softsign":
      return add("Softsign", [z]);
    case "relu6":
      return add("Clip", [z, graph.scalar(0), graph.scalar(6)]);
    case "hardSigmoid":
      return add("HardSigmoid", [z], [float("alpha", 1 / 6), float("beta", 0.5)]);
    case "hardTanh":
      return add("Clip", [z, graph.scalar(-1), graph.scalar(1)]);
    case "exponential":
      return add("Exp", [z]);
  }
}

function writeLayer(graph: GraphWriter, place: string, x: string, layer: PortableLayer): string {
  switch (layer.kind) {
    case "dense": {
      const { inputs, units, weights, biases, activation, slopes } = layer;
      const operands = [x, graph.tensor(`${place}.weight`, [units, inputs], weights)];
      if (biases.length > 0) operands.push(graph.tensor(`${place}.bias`, [units], biases));
      return writeActivation(graph, place, graph.add("Gemm", place, operands, [int("transB", 1)]), activation, slopes);
    }
    case "dropout":
      return graph.add("Dropout", place, [x, graph.tensor(`${place}.rate`, [], [layer.rate])]);
    case "batchNorm": {
      const { units, momentum, epsilon } = layer;
      const names = (["gain", "shift", "runningMean", "runningVariance"] as const).map((key) => graph.tensor(`${place}.${key}`, [units], layer[key]));
      return graph.add("BatchNormalization", place, [x, ...names], [float("epsilon", epsilon), float("momentum", 1 - momentum)]);
    }
    case "layerNorm": {
      const names = (["gain", "shift"] as const).map((key) => graph.tensor(`${place}.${key}`, [layer.units], layer[key]));
      return graph.add("LayerNormalization", place, [x, ...names], [int("axis", -1), float("epsilon", layer.epsilon)]);
    }
  }
}

/** Raw columns to inputs of the network, in f32: the mean is taken off in two parts, so that the difference is as exact as in f64. */
function writePreparation(graph: GraphWriter, { means, deviations }: ONNXPreparation): string {
  const place = "preparation";
  const high = Float32Array.from(means);
  const low = means.map((mean, i) => mean - high[i]);
  const { length } = means;
  let x = graph.add("Sub", place, ["input", graph.tensor(`${place}.mean`, [length], high)]);
  if (low.some((value) => value !== 0)) x = graph.add("Sub", place, [x, graph.tensor(`${place}.meanRest`, [length], low)]);
  x = graph.add("Div", place, [x, graph.tensor(`${place}.deviation`, [length], deviations)]);
  return graph.add("Where", place, [graph.add("IsNaN", place, [x]), graph.scalar(0), x]);
}

function valueInfo(name: string, width: number): ValueInfoMessage {
  return { name, type: { tensor: { elementType: DataType.float, shape: { dim: [{ parameter: "batch" }, { size: width }] } } } };
}

/**
 * The bytes of the model. The same network gives the same bytes.
 * @throws {RangeError} if it would not fit a protobuf message
 */
export function writeONNX({ inputs, outputs, layers }: Portable, subject: string, preparation?: ONNXPreparation): Uint8Array {
  const parameters = layers.reduce((total, layer) => total + (layer.kind === "dense" ? layer.weights.length + layer.units : layer.units), 0);
  if (4 * parameters > MOST_BYTES) throw new RangeError(refusal(subject, "a network of at most 2 GB, the most that an ONNX file holds", `${parameters} parameters`, "Use save"));
  const graph = new GraphWriter();
  let x = preparation === undefined ? "input" : writePreparation(graph, preparation);
  layers.forEach((layer, i) => {
    x = writeLayer(graph, `layers.${i}`, x, layer);
  });
  const scale = preparation?.scale;
  if (scale !== undefined) graph.add("Add", "target", [graph.add("Mul", "target", [x, graph.scalar(scale.deviation)]), graph.scalar(scale.mean)]);
  graph.finish();
  return writeModel({
    irVersion: IR_VERSION,
    producerName: "rosenblatt",
    opsetImport: [{ domain: "", version: OPSET }],
    graph: { name: "network", node: graph.nodes, initializer: graph.initializers, input: [valueInfo("input", inputs)], output: [valueInfo("output", outputs)] },
    metadata: Object.entries(preparation?.metadata ?? {}).map(([key, value]) => ({ key, value })),
  });
}
