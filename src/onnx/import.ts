// An ONNX model → a network: the nodes are taken in their order, each to a value (values.ts) by constants.ts and operators.ts; what the chosen output came to is a chain of
// atoms, from which the layers are made (assemble.ts). Known are the forms that PyTorch, skl2onnx and tf2onnx give a multilayer perceptron.
//
// The file is anyone's: nothing in it is followed to another file, constants are computed within a budget that grows with the file's length, and
// a node that is not understood becomes an error that names it, thrown if the output needs it. Operators: onnx/onnx, docs/Operators.md.

import { ModelFormatError, describeValue, typedArrayName, wrongKind } from "../check.js";
import { ready } from "../index.js";
import type { Network } from "../index.js";
import { assemble, refuse } from "./assemble.js";
import { constantOfNode, fold, MOST_DIMENSIONS, shapeOf, tensorOf } from "./constants.js";
import { Node, placeOf, unknown } from "./node.js";
import { Operators } from "./operators.js";
import { DataType, readModel } from "./proto.js";
import type { ModelMessage, NodeMessage, ValueInfoMessage } from "./proto.js";
import type { Batch, Constant, Value } from "./values.js";

/** Versions of the operators: before 7 they broadcast by attributes; later ones than these are not known yet. */
const OLDEST_OPSET = 7;
const NEWEST_OPSET = 27;

const LARGEST_WIDTH = 2 ** 24;

/** Numbers that may be computed or copied: so many for each byte of the file, and so many besides for layers of the identity. */
const BUDGET_PER_BYTE = 8;
const BUDGET_BESIDES = 2 ** 25;

/** @throws {TypeError} for what is not bytes @throws {ModelFormatError} for anything but a multilayer perceptron */
export async function readONNX(given: unknown): Promise<Network> {
  const bytes = asBytes(given);
  const model = readModel(bytes);
  await ready();
  return new GraphReader(model, bytes.length).network();
}

function asBytes(value: unknown): Uint8Array {
  if (typedArrayName(value) === "Uint8Array") {
    const { buffer, byteOffset, byteLength } = value as Uint8Array;
    return byteLength === 0 ? new Uint8Array(0) : new Uint8Array(buffer, byteOffset, byteLength);
  }
  if (Object.prototype.toString.call(value) === "[object ArrayBuffer]") return new Uint8Array(value as ArrayBuffer);
  throw wrongKind("fromONNX: bytes", "a Uint8Array or an ArrayBuffer", value, "Give the bytes of an ONNX file");
}

class GraphReader {
  private readonly values = new Map<string, Value>();
  private budget: number;
  private inputName = "";
  private readonly spend = (count: number): void => {
    this.budget -= count;
    if (this.budget < 0) throw new ModelFormatError("tooLarge", "fromONNX: expected constants and layers in proportion to the file, got more. It uses its numbers over and over");
  };
  private readonly operators = new Operators(this.spend);

  constructor(private readonly model: ModelMessage, length: number) {
    this.budget = BUDGET_PER_BYTE * length + BUDGET_BESIDES;
  }

  async network(): Promise<Network> {
    const { graph, opsetImport = [], functions } = this.model;
    if (graph === undefined) throw new ModelFormatError("notONNX", "fromONNX: expected an ONNX model, got bytes without a graph");
    const version = opsetImport.find(({ domain = "" }) => domain === "" || domain === "ai.onnx")?.version ?? 0;
    if (version < OLDEST_OPSET || version > NEWEST_OPSET) {
      throw new ModelFormatError("unsupportedVersion", `fromONNX: expected opset ${OLDEST_OPSET} to ${NEWEST_OPSET}, got ${version}. Export the model again with opset_version=17`);
    }
    if (functions) throw refuse("fromONNX: the model", "no functions of its own", "some", "unsupportedOperator");
    if (graph.sparseInitializer) throw refuse("fromONNX: the graph", "no sparse initializers", "some", "unsupportedOperator");
    for (const initializer of graph.initializer ?? []) this.define(initializer.name ?? "", tensorOf(initializer, `fromONNX: initializer ${describeValue(initializer.name ?? "")}`, this.spend), "initializer");
    this.takeInput(graph.input ?? []);
    for (const message of graph.node ?? []) this.take(message);
    const output = this.output(graph.output ?? []);
    if (this.operators.inputWidth === 0) throw refuse(`fromONNX: input ${describeValue(this.inputName)}`, "a fixed number of columns", "none");
    return assemble(output, this.operators.inputWidth, this.spend, "fromONNX");
  }

  private define(name: string, value: Value, what: string): void {
    if (name === "") return;
    if (this.values.has(name)) throw new ModelFormatError("duplicateName", `fromONNX: ${what} ${describeValue(name)}: expected a name that is used once, got it again`);
    this.values.set(name, value);
  }

  /** The one input that is no initializer. */
  private takeInput(inputs: readonly ValueInfoMessage[]): void {
    const free = inputs.filter(({ name = "" }) => !this.values.has(name));
    const names = free.map(({ name = "" }) => describeValue(name)).slice(0, 5).join(", ");
    if (free.length !== 1) throw refuse("fromONNX: the graph", "one input", free.length === 0 ? "none" : `${free.length}: ${names}`, "unsupportedInput");
    const [{ name = "", type }] = free;
    const place = `fromONNX: input ${describeValue(name)}`;
    const elements = type?.tensor?.elementType ?? 0;
    if (type?.tensor === undefined || elements === DataType.string || elements === DataType.bool) throw refuse(place, "a tensor of numbers", elements === DataType.string ? "text" : elements === DataType.bool ? "booleans" : "none", "unsupportedInput");
    const dims = type.tensor.shape?.dim;
    if (dims !== undefined && (dims.length < 2 || dims.length > MOST_DIMENSIONS)) throw refuse(place, `2 to ${MOST_DIMENSIONS} dimensions, the first of them the batch`, `${dims.length}`, "unsupportedInput");
    const sizes = (dims ?? [{}, {}]).slice(1).map(({ size = 0 }) => size);
    const width = sizes.reduce((product, size) => product * size, 1);
    if (!(width >= 0 && width <= LARGEST_WIDTH) || (width === 0 && sizes.length > 1)) throw refuse(place, `fixed dimensions behind the batch, ${LARGEST_WIDTH} numbers at most`, `${sizes.join(" × ")}`, "unsupportedInput");
    this.inputName = name;
    this.operators.inputWidth = width;
    this.define(name, { kind: "batch", atom: { kind: "input" }, terms: [0, 1], shape: sizes, transposed: false }, "input");
  }

  /** The output that holds numbers of the batch: labels beside it are left out. */
  private output(outputs: readonly ValueInfoMessage[]): Batch {
    const found: { readonly name: string; readonly value: Batch }[] = [];
    for (const { name = "" } of outputs) {
      const value = this.values.get(name);
      if (value === undefined) throw refuse(`fromONNX: output ${describeValue(name)}`, "the output of a node", "none");
      if (value.kind === "refused") throw value.error;
      if (value.kind === "constant") throw refuse(`fromONNX: output ${describeValue(name)}`, "what is computed from the input", "a constant");
      if (value.kind === "batch") found.push({ name, value });
    }
    const same = found.every(({ value }) => value.atom === found[0].value.atom && value.terms === found[0].value.terms);
    if (found.length === 0 || !same) throw refuse("fromONNX: the graph", "one output of numbers", found.length === 0 ? "none" : `${found.length}: ${found.map(({ name }) => describeValue(name)).slice(0, 5).join(", ")}`);
    const [{ name, value }] = found;
    if (value.transposed || value.shape.length > 1) throw refuse(`fromONNX: output ${describeValue(name)}`, "rows of the batch", value.transposed ? "columns" : `${value.shape.length + 1} dimensions`);
    return value;
  }

  private take(message: NodeMessage): void {
    let value: Value;
    const outputs = message.output ?? [];
    try {
      value = this.evaluate(new Node(message));
    } catch (error) {
      if (!(error instanceof ModelFormatError) || error.code === "tooLarge" || error.code === "externalData") throw error;
      value = { kind: "refused", error };
    }
    outputs.forEach((name, i) => this.define(name, i === 0 ? value : { kind: "refused", error: refuse(placeOf(message), "its first output alone to be used", `output ${i + 1}`) }, "value"));
  }

  private evaluate(node: Node): Value {
    const { place, opType, message } = node;
    const inputs = (message.input ?? []).map((name) => this.input(name, place));
    const refused = inputs.find((value) => value?.kind === "refused");
    if (refused !== undefined) return refused;
    const domain = message.domain ?? "";
    const learned = domain === "ai.onnx.ml";
    if (domain !== "" && domain !== "ai.onnx" && !learned) throw refuse(place, "an operator of ONNX", `one of the domain ${describeValue(domain)}`, "unsupportedOperator");
    if (inputs.some((value) => value?.kind === "label")) return { kind: "label" };
    if (learned) return this.operators.learned(node, inputs);
    if (opType === "Constant") return constantOfNode(node, this.spend);
    if (inputs.length === 0 || inputs[0] === undefined) throw unknown(node);
    if (opType === "Shape") return shapeOf(node, inputs[0]);
    if (inputs.every((value) => value === undefined || value.kind === "constant")) return fold(node, inputs as (Constant | undefined)[], this.spend);
    return this.operators.compute(node, inputs as (Constant | Batch | undefined)[]);
  }

  private input(name: string, place: string): Value | undefined {
    if (name === "") return undefined;
    const value = this.values.get(name);
    if (value === undefined) throw new ModelFormatError("missingValue", `${place}: expected its inputs before it, got none of the name ${describeValue(name)}`);
    return value;
  }
}
