// Constants of an ONNX graph: tensors of the file, and operators on constants alone. What is computed is counted first, since a small file may ask for much.
// Tensors: onnx/onnx, onnx.proto; operators: docs/Operators.md.

import { describeValue } from "../check.js";
import { refuse } from "./assemble.js";
import { axesOf, unknown } from "./node.js";
import type { Node } from "./node.js";
import { power } from "./power.js";
import { DataType } from "./proto.js";
import type { TensorMessage } from "./proto.js";
import type { Constant, Value } from "./values.js";

export const MOST_DIMENSIONS = 8;
/** What a number costs whose place is worked out axis by axis. */
const PLACE_COST = 4;

/** Counts numbers that are computed or copied; throws when they are too many for the file. */
export type Spend = (count: number) => void;

const constantOf = (dims: readonly number[], data: Float64Array): Constant => ({ kind: "constant", dims, data });

/** A tensor of the file. */
export function tensorOf(message: TensorMessage, place: string, spend: Spend): Constant {
  const { dims = [], dataType = 0, rawData } = message;
  if (message.externalData || message.dataLocation === 1) throw refuse(place, "its numbers in this file", "external data", "externalData");
  if (dims.length > MOST_DIMENSIONS || message.segment) throw refuse(place, `at most ${MOST_DIMENSIONS} dimensions and no segments`, `${dims.length}`, "badTensor");
  let length = 1;
  for (const size of dims) {
    if (!Number.isInteger(size) || size < 0) throw refuse(place, "dimensions from 0 up", `${size}`, "badTensor");
    length *= size;
  }
  const text = dataType === DataType.string;
  if (text) return constantOf([0], new Float64Array(0));   // the names of classes
  const values = rawData === undefined || rawData.length === 0 ? listedNumbers(message) : rawNumbers(rawData, dataType);
  if (values === undefined) throw refuse(place, "f32, f64 or integers", `data type ${dataType}`, "badTensor");
  if (values.length !== length) throw refuse(place, `${length} numbers for [${dims.join(", ")}]`, `${values.length}`, "badTensor");
  spend(length);
  return constantOf(dims, values instanceof Float64Array ? values : Float64Array.from(values));
}

/** What a node of the kind Constant holds. */
export function constantOfNode(node: Node, spend: Spend): Constant {
  const tensor = node.attribute("value")?.t;
  if (tensor !== undefined) return tensorOf(tensor, node.place, spend);
  const one = node.attribute("value_float")?.f ?? node.attribute("value_int")?.i;
  if (one !== undefined) return constantOf([], Float64Array.of(one));
  const list = node.attribute("value_floats")?.floats ?? node.attribute("value_ints")?.ints;
  if (list === undefined) throw refuse(node.place, "a constant of numbers", "another");
  spend(list.length);
  return constantOf([list.length], Float64Array.from(list));
}

/** The dimensions of a value; NaN is the batch. */
export function shapeOf({ place }: Node, value: Value): Constant {
  if (value.kind === "constant") return constantOf([value.dims.length], Float64Array.from(value.dims));
  if (value.kind !== "batch" || value.transposed) throw refuse(place, "a value of the batch", "another");
  return constantOf([value.shape.length + 1], Float64Array.of(NaN, ...value.shape));
}

/** An operator on constants alone. */
export function fold(node: Node, inputs: readonly (Constant | undefined)[], spend: Spend): Constant {
  const { opType, place } = node;
  const [first, second] = inputs as readonly Constant[];
  const { dims, data } = first;
  spend(data.length + (second?.data.length ?? 0) + 1);
  switch (opType) {
    case "Identity":
    case "Dropout":
      return first;
    case "Cast": {
      const to = node.int("to", 0);
      const whole = to === DataType.int64 || to === DataType.int32 || to === DataType.int8 || to === DataType.uint8;
      if (!whole && to !== DataType.float && to !== DataType.double) throw refuse(place, "a cast to f32, f64 or integers", `data type ${to}`);
      return whole ? constantOf(dims, data.map(Math.trunc)) : first;
    }
    case "Slice":
      return sliced(node, first, inputs.slice(1));
    case "Transpose": {
      const order = node.ints("perm") ?? dims.map((_, i) => dims.length - 1 - i);
      if (order.join() === dims.map((_, i) => i).join()) return first;
      if (dims.length !== 2) throw refuse(place, "a matrix", `${dims.length} dimensions`);
      const [rows, columns] = dims;
      return constantOf([columns, rows], Float64Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]));
    }
    case "Reshape":
    case "Squeeze":
    case "Unsqueeze":
    case "Flatten": {
      const wanted = opType === "Reshape" ? Array.from(second.data) : opType === "Flatten" ? [dims.slice(0, node.int("axis", 1)).reduce((a, b) => a * b, 1), -1]
        : opType === "Squeeze" ? squeezed(dims, axesOf(node, second)) : unsqueezed(dims, axesOf(node, second) ?? []);
      if (wanted.length > MOST_DIMENSIONS) throw refuse(place, `at most ${MOST_DIMENSIONS} dimensions`, `${wanted.length}`);
      const sizes = wanted.map((size, i) => (size === 0 && opType === "Reshape" ? (dims[i] ?? 0) : size));
      const known = sizes.reduce((product, size) => (size === -1 ? product : product * size), 1);
      const full = sizes.map((size) => (size === -1 ? data.length / known : size));
      if (full.reduce((a, b) => a * b, 1) !== data.length) throw refuse(place, `a shape of ${data.length} numbers`, `[${wanted.join(", ")}]`);
      return constantOf(full, data);
    }
    case "Gather": {
      if (dims.length !== 1 || node.int("axis", 0) !== 0) throw refuse(place, "a list", `${dims.length} dimensions`);
      return constantOf(second.dims, second.data.map((index) => data[index < 0 ? index + data.length : index]));
    }
    case "Concat": {
      const parts = inputs.filter((part) => part !== undefined);
      if (parts.some((part) => part.dims.length !== 1)) throw refuse(place, "lists", "others");
      const all = parts.flatMap((part) => Array.from(part.data));
      spend(all.length);
      return constantOf([all.length], Float64Array.from(all));
    }
    case "Neg":
      return constantOf(dims, data.map((x) => -x));
    case "Sqrt":
      return constantOf(dims, data.map(Math.sqrt));
    case "Reciprocal":
      return constantOf(dims, data.map((x) => 1 / x));
    case "Add":
    case "Sub":
    case "Mul":
    case "Div":
    case "Pow": {
      const shape = broadcastShape(dims, second.dims);
      if (shape === undefined) throw refuse(place, "constants of shapes that go with each other", `[${dims.join(", ")}] and [${second.dims.join(", ")}]`);
      spend((repeats(first, second, shape) ? PLACE_COST : 1) * shape.reduce((a, b) => a * b, 1));
      return broadcast(first, second, shape, binary[opType]);
    }
    default:
      throw unknown(node, `${describeValue(opType).slice(1, -1)} of constants`);
  }
}

/** A part of a list, as of a shape: with its bounds as inputs, or as attributes before opset 10. */
function sliced(node: Node, { dims, data }: Constant, [starts, ends, axes, steps]: readonly (Constant | undefined)[]): Constant {
  const { place } = node;
  const one = (constant: Constant | undefined, name: string, otherwise: number): number => {
    const given = constant === undefined ? (node.ints(name) ?? [otherwise]) : Array.from(constant.data);
    return given.length === 1 ? given[0] : NaN;
  };
  const [start, end, axis, step] = [one(starts, "starts", NaN), one(ends, "ends", NaN), one(axes, "axes", 0), one(steps, "steps", 1)];
  if (dims.length !== 1 || (axis !== 0 && axis !== -1) || step !== 1 || start !== start || end !== end) throw refuse(place, "a part of a list, in its order", "another");
  const part = data.slice(start, end);
  return constantOf([part.length], part);
}

const binary = {
  Add: (x: number, y: number) => x + y, Sub: (x: number, y: number) => x - y, Mul: (x: number, y: number) => x * y, Div: (x: number, y: number) => x / y, Pow: power,
} as const;

/** The shape that two constants make together; undefined where they do not go with each other. */
function broadcastShape(a: readonly number[], b: readonly number[]): number[] | undefined {
  const length = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let i = 0; i < length; i++) {
    const [m, n] = [a[i - length + a.length] ?? 1, b[i - length + b.length] ?? 1];
    if (m !== n && m !== 1 && n !== 1) return undefined;
    shape.push(m === 1 ? n : m);
  }
  return shape;
}

/** Whether numbers of either are used more than once. */
function repeats(a: Constant, b: Constant, shape: readonly number[]): boolean {
  const length = shape.reduce((x, y) => x * y, 1);
  return a.data.length !== length || b.data.length !== length;
}

/** f of each pair, axes of size 1 repeated. The frequent forms, a number or two of one shape, go without places to be worked out. */
function broadcast(a: Constant, b: Constant, shape: readonly number[], f: (x: number, y: number) => number): Constant {
  if (b.data.length === 1) return constantOf(shape, a.data.map((x) => f(x, b.data[0])));
  if (a.data.length === 1) return constantOf(shape, b.data.map((y) => f(a.data[0], y)));
  if (!repeats(a, b, shape)) return constantOf(shape, a.data.map((x, k) => f(x, b.data[k])));
  const strides = ({ dims }: Constant): number[] => {
    let stride = 1;
    const result = shape.map(() => 0);
    for (let i = dims.length - 1; i >= 0; stride *= dims[i--]) if (dims[i] !== 1) result[shape.length - dims.length + i] = stride;
    return result;
  };
  const [ofA, ofB] = [strides(a), strides(b)];
  const result = new Float64Array(shape.reduce((x, y) => x * y, 1));
  for (let k = 0; k < result.length; k++) {
    let [rest, i, j] = [k, 0, 0];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const at = rest % shape[axis];
      rest = (rest - at) / shape[axis];
      i += at * ofA[axis];
      j += at * ofB[axis];
    }
    result[k] = f(a.data[i], b.data[j]);
  }
  return constantOf(shape, result);
}

export function squeezed(dims: readonly number[], axes: readonly number[] | undefined): number[] {
  const wanted = axes?.map((axis) => (axis < 0 ? axis + dims.length : axis));
  return dims.filter((size, i) => !(size === 1 && (wanted === undefined || wanted.includes(i))));
}

export function unsqueezed(dims: readonly number[], axes: readonly number[]): number[] {
  const result = [...dims];
  const length = dims.length + axes.length;
  for (const axis of axes.map((value) => (value < 0 ? value + length : value)).sort((a, b) => a - b)) result.splice(axis, 0, 1);
  return result;
}

function listedNumbers({ dataType, floatData, doubleData, int32Data, int64Data }: TensorMessage): ArrayLike<number> | undefined {
  switch (dataType) {
    case DataType.float:
      return floatData ?? [];
    case DataType.double:
      return doubleData ?? [];
    case DataType.int64:
      return int64Data ?? [];
    case DataType.int32:
    case DataType.int8:
    case DataType.uint8:
    case DataType.bool:
      return int32Data ?? [];
    default:
      return undefined;
  }
}

function rawNumbers(bytes: Uint8Array, dataType: number): Float64Array | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const read = (width: number, get: (at: number) => number): Float64Array => {
    const values = new Float64Array(Math.floor(bytes.length / width) + (bytes.length % width === 0 ? 0 : 1));
    for (let i = 0, at = 0; at + width <= bytes.length; i++, at += width) values[i] = get(at);
    return values;
  };
  switch (dataType) {
    case DataType.float:
      return read(4, (at) => view.getFloat32(at, true));
    case DataType.double:
      return read(8, (at) => view.getFloat64(at, true));
    case DataType.int64:
      return read(8, (at) => Number(view.getBigInt64(at, true)));
    case DataType.int32:
      return read(4, (at) => view.getInt32(at, true));
    case DataType.uint8:
    case DataType.bool:
      return read(1, (at) => view.getUint8(at));
    case DataType.int8:
      return read(1, (at) => view.getInt8(at));
    default:
      return undefined;
  }
}
