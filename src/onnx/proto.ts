// The part of ONNX's protobuf that a multilayer perceptron needs, as tables of field numbers (github.com/onnx/onnx, onnx/onnx.proto), read and
// written on @bufbuild/protobuf's wire reader and writer.
//
//   Model  7 graph ─▶ Graph  1 node ─▶ Node  5 attribute ─▶ Attribute  5 t ─▶ Tensor
//                            5 initializer ─▶ Tensor         11 input, 12 output ─▶ ValueInfo ─▶ Type ─▶ TensorType ─▶ Shape ─▶ Dimension
//
// The reader takes bytes of anyone: messages nest as deep as the tables do and no deeper, fields that are not listed are skipped, numbers are
// copied into arrays as long as their bytes, and the count of messages and of listed values is bounded. Tensors' bytes are views of the file.

import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ModelFormatError } from "../check.js";

/** Elements of repeated fields in one file: a network of 1,000 layers has some 30,000. */
const MOST_VALUES = 2 ** 20;

type Scalar = "string" | "bytes" | "int" | "float" | "double";
type Kind = Scalar | Table;
/** Field number → name, kind, and whether it is a list; `present` notes that an unread field is there. */
type Field = readonly [name: string, kind: Kind | "present", repeated?: "repeated"];
interface Table {
  readonly [field: number]: Field;
}

const entry: Table = { 1: ["key", "string"], 2: ["value", "string"] };
const tensor: Table = {
  1: ["dims", "int", "repeated"], 2: ["dataType", "int"], 3: ["segment", "present"], 4: ["floatData", "float", "repeated"], 5: ["int32Data", "int", "repeated"],
  6: ["stringData", "present"], 7: ["int64Data", "int", "repeated"], 8: ["name", "string"], 9: ["rawData", "bytes"], 10: ["doubleData", "double", "repeated"],
  13: ["externalData", "present"], 14: ["dataLocation", "int"],
};
const attribute: Table = {
  1: ["name", "string"], 2: ["f", "float"], 3: ["i", "int"], 4: ["s", "bytes"], 5: ["t", tensor], 6: ["g", "present"], 7: ["floats", "float", "repeated"],
  8: ["ints", "int", "repeated"], 9: ["strings", "present"], 20: ["type", "int"], 21: ["reference", "present"],
};
const node: Table = {
  1: ["input", "string", "repeated"], 2: ["output", "string", "repeated"], 3: ["name", "string"], 4: ["opType", "string"], 5: ["attribute", attribute, "repeated"], 7: ["domain", "string"],
};
const dimension: Table = { 1: ["size", "int"], 2: ["parameter", "string"] };
const shape: Table = { 1: ["dim", dimension, "repeated"] };
const tensorType: Table = { 1: ["elementType", "int"], 2: ["shape", shape] };
const type: Table = { 1: ["tensor", tensorType] };
const valueInfo: Table = { 1: ["name", "string"], 2: ["type", type] };
const graph: Table = {
  1: ["node", node, "repeated"], 2: ["name", "string"], 5: ["initializer", tensor, "repeated"], 11: ["input", valueInfo, "repeated"], 12: ["output", valueInfo, "repeated"],
  15: ["sparseInitializer", "present"],
};
const opset: Table = { 1: ["domain", "string"], 2: ["version", "int"] };
const model: Table = {
  1: ["irVersion", "int"], 2: ["producerName", "string"], 3: ["producerVersion", "string"], 7: ["graph", graph], 8: ["opsetImport", opset, "repeated"], 14: ["metadata", entry, "repeated"],
  25: ["functions", "present"],
};

export interface TensorMessage {
  readonly dims?: readonly number[];
  readonly dataType?: number;
  readonly segment?: true;
  readonly floatData?: ArrayLike<number>;
  readonly int32Data?: ArrayLike<number>;
  readonly int64Data?: ArrayLike<number>;
  readonly doubleData?: ArrayLike<number>;
  readonly stringData?: true;
  readonly name?: string;
  readonly rawData?: Uint8Array;
  readonly externalData?: true;
  readonly dataLocation?: number;
}

export interface AttributeMessage {
  readonly name?: string;
  readonly f?: number;
  readonly i?: number;
  readonly s?: Uint8Array;
  readonly t?: TensorMessage;
  readonly g?: true;
  readonly floats?: ArrayLike<number>;
  readonly ints?: ArrayLike<number>;
  readonly strings?: true;
  readonly type?: number;
  readonly reference?: true;
}

export interface NodeMessage {
  readonly input?: readonly string[];
  readonly output?: readonly string[];
  readonly name?: string;
  readonly opType?: string;
  readonly attribute?: readonly AttributeMessage[];
  readonly domain?: string;
}

export interface ValueInfoMessage {
  readonly name?: string;
  readonly type?: { readonly tensor?: { readonly elementType?: number; readonly shape?: { readonly dim?: readonly { readonly size?: number; readonly parameter?: string }[] } } };
}

export interface GraphMessage {
  readonly node?: readonly NodeMessage[];
  readonly name?: string;
  readonly initializer?: readonly TensorMessage[];
  readonly input?: readonly ValueInfoMessage[];
  readonly output?: readonly ValueInfoMessage[];
  readonly sparseInitializer?: true;
}

export interface ModelMessage {
  readonly irVersion?: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly graph?: GraphMessage;
  readonly opsetImport?: readonly { readonly domain?: string; readonly version?: number }[];
  readonly metadata?: readonly { readonly key?: string; readonly value?: string }[];
  readonly functions?: true;
}

/** TensorProto.DataType. */
export const DataType = { float: 1, uint8: 2, int8: 3, int32: 6, int64: 7, string: 8, bool: 9, float16: 10, double: 11 } as const;
/** AttributeProto.AttributeType. */
export const AttributeType = { float: 1, int: 2, string: 3, tensor: 4, floats: 6, ints: 7 } as const;

const wireTypes: { readonly [K in Scalar]: WireType } = {
  string: WireType.LengthDelimited, bytes: WireType.LengthDelimited, int: WireType.Varint, float: WireType.Bit32, double: WireType.Bit64,
};

interface Count {
  readonly bytes: Uint8Array;
  /** Values in lists so far. */
  values: number;
}

/** @throws {ModelFormatError} for bytes that are no such message */
export function readModel(bytes: Uint8Array): ModelMessage {
  const count: Count = { bytes, values: 0 };
  try {
    return readMessage(new BinaryReader(bytes), bytes.length, model, count) as ModelMessage;
  } catch (cause) {
    if (cause instanceof ModelFormatError) throw cause;
    throw new ModelFormatError("notONNX", `fromONNX: expected an ONNX model, got bytes that are none (${(cause as Error).message})`);
  }
}

function readMessage(reader: BinaryReader, end: number, table: Table, count: Count): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  while (reader.pos < end) {
    const [number, wire] = reader.tag();
    const field = Object.hasOwn(table, number) ? table[number] : undefined;
    if (field === undefined || field[1] === "present") {
      reader.skip(wire, number);
      if (field !== undefined) message[field[0]] = true;
      continue;
    }
    const [name, kind, repeated] = field;
    if (typeof kind === "string" && repeated && kind !== "string" && kind !== "bytes" && wire === WireType.LengthDelimited) {
      message[name] = joined(message[name] as ArrayLike<number> | undefined, readPacked(reader, kind, end, count.bytes));
      continue;
    }
    if (wire !== (typeof kind === "string" ? wireTypes[kind] : WireType.LengthDelimited)) throw new Error(`field ${number} of wire type ${wire}`);
    const value = typeof kind === "string" ? readScalar(reader, kind) : readNested(reader, kind, count);
    if (reader.pos > end) throw new Error("a field runs over the end of its message");
    if (!repeated) {
      message[name] = value;
      continue;
    }
    if (++count.values > MOST_VALUES) throw new ModelFormatError("tooLarge", `fromONNX: expected at most ${MOST_VALUES} nodes, names and values in lists, got more`);
    const list = (message[name] ??= []);
    if (Array.isArray(list)) list.push(value);
    else message[name] = [...(list as Iterable<unknown>), value];
  }
  if (reader.pos !== end) throw new Error("a message runs over its end");
  return message;
}

function readNested(reader: BinaryReader, table: Table, count: Count): Record<string, unknown> {
  const end = reader.uint32() + reader.pos;
  if (end > reader.len) throw new RangeError("premature EOF");
  return readMessage(reader, end, table, count);
}

function readScalar(reader: BinaryReader, kind: Scalar): unknown {
  switch (kind) {
    case "string":
      return reader.string();
    case "bytes":
      return reader.bytes();
    case "int":
      return Number(reader.int64());
    case "float":
      return reader.float();
    case "double":
      return reader.double();
  }
}

function readPacked(reader: BinaryReader, kind: "int" | "float" | "double", end: number, bytes: Uint8Array): Float64Array {
  const length = reader.uint32();
  const last = reader.pos + length;
  if (last > end) throw new RangeError("premature EOF");
  const width = kind === "int" ? 1 : kind === "float" ? 4 : 8;
  if (length % width !== 0) throw new Error("packed numbers with a part of one");
  const values = new Float64Array(kind === "int" ? countVarints(bytes, reader.pos, last) : length / width);
  for (let i = 0; i < values.length; i++) values[i] = readScalar(reader, kind) as number;
  if (reader.pos !== last) throw new Error("packed numbers with a part of one");
  return values;
}

function countVarints(bytes: Uint8Array, begin: number, end: number): number {
  let count = 0;
  for (let i = begin; i < end; i++) if (bytes[i] < 0x80) count++;
  return count;
}

function joined(first: ArrayLike<number> | undefined, second: Float64Array): ArrayLike<number> {
  if (first === undefined || first.length === 0) return second;
  const both = new Float64Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** The bytes of a model; fields in the order of their numbers, so that the same message gives the same bytes. */
export function writeModel(message: ModelMessage): Uint8Array {
  const writer = new BinaryWriter();
  writeMessage(writer, message as Record<string, unknown>, model);
  return writer.finish();
}

function writeMessage(writer: BinaryWriter, message: Record<string, unknown>, table: Table): void {
  for (const [key, [name, kind, repeated]] of Object.entries(table as Record<string, Field>)) {
    const given = message[name];
    if (given === undefined || kind === "present") continue;
    for (const value of repeated ? Array.from(given as ArrayLike<unknown>) : [given]) {
      writer.tag(Number(key), typeof kind === "string" ? wireTypes[kind] : WireType.LengthDelimited);
      if (typeof kind !== "string") {
        writer.fork();
        writeMessage(writer, value as Record<string, unknown>, kind);
        writer.join();
      } else if (kind === "int") writer.int64(value as number);
      else if (kind === "float") writer.float(value as number);
      else if (kind === "double") writer.double(value as number);
      else if (kind === "string") writer.string(value as string);
      else writer.bytes(value as Uint8Array);
    }
  }
}
