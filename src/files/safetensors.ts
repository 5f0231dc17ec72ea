// Reads and writes safetensors, the format of model files (github.com/huggingface/safetensors, README "Format").
//
//   8 bytes            n, the header's length, u64 little-endian
//   n bytes            the header: {"__metadata__": {string: string}, name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, …}
//                      UTF-8 JSON from '{' to '}', padded by spaces; offsets count from the end of the header
//   to the end         the data, little-endian f32, row-major, tensor after tensor without hole or overlap
//
// Narrower than the reference in four points: F32 only, a header of at most 1 MB (100 MB there), finite values only, no other key in a tensor's entry.
// The writer is deterministic: metadata first, then the tensors in the given order, the header padded so that the data starts at a multiple of 8.
// What names and shapes mean is for the model file to check.

import { describeValue, firstNonFinite, ModelFormatError, refusal, typedArrayName, wrongKind } from "../check.js";
import { parseJSON, type JSONValue } from "./json.js";

/** The longest header that is read or written, in bytes, without the 8 of its length. */
export const MAX_HEADER_LENGTH = 1_000_000;

const METADATA_KEY = "__metadata__";
const PREFIX_LENGTH = 8;
const HEADER = "load: the header";
/** Header → entry → shape. */
const HEADER_DEPTH = 3;

export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface NamedTensor extends Tensor {
  readonly name: string;
}

export type Metadata = Readonly<Record<string, string>> | ReadonlyMap<string, string>;

export interface SafetensorsFile {
  /** By name, in the header's order. The arrays share one buffer of their own, a copy of the file's data. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** What a file says before its data: sound in itself, each tensor with its place among the data. */
export interface SafetensorsHeader {
  /** By name, in the header's order. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly metadata: ReadonlyMap<string, string>;
  /** Where the data begins in the file. */
  readonly dataBegin: number;
}

/**
 * The bytes of a safetensors file. The same arguments give the same bytes; `readSafetensors` takes all that this writes.
 *
 * @throws {Error} if a value is not finite; the message names the tensor.
 * @throws {RangeError} if the header would pass 1 MB, a name occurs twice or is `__metadata__`, or a shape does not fit its data.
 * @throws {TypeError} if a metadata value is not a string.
 */
export function writeSafetensors(tensors: readonly NamedTensor[], metadata: Metadata = {}): Uint8Array {
  const header = safetensorsHeader(tensors, metadata);
  let dataLength = 0;
  for (const { name, shape, data } of tensors) {
    const subject = `save: tensor ${describeValue(name)}`;
    if (typedArrayName(data) !== "Float32Array") throw wrongKind(subject, "a Float32Array", data);
    if (product(shape) !== data.length) throw new RangeError(refusal(subject, `${product(shape)} values for shape [${shape.join(", ")}]`, `${data.length}`));
    const bad = firstNonFinite(data);
    if (bad >= 0) throw new Error(refusal(subject, "finite values", `${data[bad]} at index ${bad}`, "Nothing was written."));
    dataLength += data.byteLength;
  }
  const bytes = new Uint8Array(header.length + dataLength);
  bytes.set(header);
  let offset = header.length;
  for (const { data } of tensors) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return bytes;
}

/**
 * The first bytes of the file that `writeSafetensors` would give: length, header and padding. It needs no data, so that a network can be refused when
 * it is made if its file's header would be too long.
 *
 * @throws {RangeError} if the header would pass 1 MB, a name occurs twice or is `__metadata__`, or a shape is none.
 */
export function safetensorsHeader(tensors: readonly { readonly name: string; readonly shape: readonly number[] }[], metadata: Metadata = {}): Uint8Array {
  const members: string[] = [];
  const pairs: Iterable<[string, string]> = metadata instanceof Map ? metadata.entries() : Object.entries(metadata as Readonly<Record<string, string>>);
  const texts: string[] = [];
  for (const [key, value] of pairs) {
    if (typeof value !== "string") throw wrongKind(`save: metadata ${describeValue(key)}`, "a string", value);
    texts.push(`${jsonString(key, "metadata key")}:${jsonString(value, `metadata ${describeValue(key)}`)}`);
  }
  if (texts.length > 0) members.push(`"${METADATA_KEY}":{${texts.join(",")}}`);

  const names = new Set<string>([METADATA_KEY]);
  let begin = 0;
  for (const { name, shape } of tensors) {
    if (names.has(name)) throw new RangeError(refusal("save: tensors", `each name once and none '${METADATA_KEY}'`, describeValue(name)));
    names.add(name);
    const size = product(shape);
    const end = begin + size * 4;
    if (!shape.every(isCount) || !isCount(size) || !isCount(end)) {
      const expected = "integers from 0 with a product below 2^51 as shape";
      throw new RangeError(refusal(`save: tensor ${describeValue(name)}`, expected, `[${shape.join(", ")}]`));
    }
    members.push(`${jsonString(name, "tensor name")}:{"dtype":"F32","shape":[${shape.join(",")}],"data_offsets":[${begin},${end}]}`);
    begin = end;
  }

  const text = new TextEncoder().encode(`{${members.join(",")}}`);
  const length = Math.floor((text.length + 7) / 8) * 8;
  if (length > MAX_HEADER_LENGTH) {
    const got = `${length} for ${tensors.length} tensors`;
    throw new RangeError(refusal("save: the header", `at most ${MAX_HEADER_LENGTH} bytes`, got, "Use fewer layers or less metadata."));
  }
  const bytes = new Uint8Array(PREFIX_LENGTH + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(text, PREFIX_LENGTH);
  return bytes;
}

/**
 * The tensors and metadata of a safetensors file, after every rule above has been checked. Memory beyond the argument: one copy of the data, and the
 * parsed header (bounded by its 1 MB). The argument is not changed and not kept.
 *
 * @throws {ModelFormatError} for every file that breaks a rule, with one of the codes `truncated`, `headerTooLarge`, `headerNotUTF8`, `headerNotJSON`,
 * `duplicateKey`, `tooDeep`, `badMetadata`, `badEntry`, `unknownDtype`, `badShape`, `badOffsets`, `sizeMismatch`, `overlap`, `hole`, `trailingBytes`,
 * `nonFinite`.
 * @throws {TypeError} if the argument is not a Uint8Array.
 */
export function readSafetensors(bytes: Uint8Array): SafetensorsFile {
  const header = readSafetensorsHeader(bytes);
  return { tensors: readTensors(bytes, header), metadata: header.metadata };
}

/**
 * The first half of `readSafetensors`: all that can be refused without a look at the data, of which nothing is copied. What the names mean can be
 * checked before the second half.
 * @throws as `readSafetensors` does
 */
export function readSafetensorsHeader(bytes: Uint8Array): SafetensorsHeader {
  if (typedArrayName(bytes) !== "Uint8Array") throw wrongKind("load: bytes", "a Uint8Array", bytes);
  const dataBegin = PREFIX_LENGTH + readHeaderLength(bytes);
  const header = parseHeader(copyOf(bytes, PREFIX_LENGTH, dataBegin));
  const metadata = checkMetadata(header.get(METADATA_KEY));

  const dataLength = bytes.length - dataBegin;
  const entries = new Map<string, Entry>();
  for (const [name, value] of header) {
    if (name !== METADATA_KEY) entries.set(name, checkEntry(name, value, dataLength));
  }
  checkContiguous([...entries.values()], dataLength);
  return { entries, metadata, dataBegin };
}

/**
 * The second half of `readSafetensors`: the data, copied and then checked, so that bytes on shared memory which change meanwhile change nothing.
 * @throws {ModelFormatError} `nonFinite`
 */
export function readTensors(bytes: Uint8Array, { entries, dataBegin }: SafetensorsHeader): ReadonlyMap<string, Tensor> {
  // Contiguous from 0, each a multiple of 4 bytes: every tensor is aligned in the copy.
  const values = new Float32Array(copyOf(bytes, dataBegin, bytes.length).buffer);
  const tensors = new Map<string, Tensor>();
  for (const { name, shape, begin, end } of entries.values()) {
    const data = values.subarray(begin / 4, end / 4);
    const bad = firstNonFinite(data);
    if (bad >= 0) refuse("nonFinite", name, "finite values", `${data[bad]} at index ${bad}`);
    tensors.set(name, { shape, data });
  }
  return tensors;
}

/** A tensor's shape and the bytes that it takes up, counted from the first of the data. */
export interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function readHeaderLength(bytes: Uint8Array): number {
  if (bytes.length < PREFIX_LENGTH) refuseFile("truncated", "load", `at least ${PREFIX_LENGTH} bytes`, `${bytes.length}`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, PREFIX_LENGTH).getBigUint64(0, true);
  if (length > BigInt(MAX_HEADER_LENGTH)) {
    refuseFile("headerTooLarge", HEADER, `at most ${MAX_HEADER_LENGTH} bytes`, `${length}`, "Is this a safetensors file?");
  }
  const rest = bytes.length - PREFIX_LENGTH;
  if (Number(length) > rest) refuseFile("truncated", HEADER, `${length} bytes`, `a file with ${rest} after the first ${PREFIX_LENGTH}`);
  return Number(length);
}

function parseHeader(bytes: Uint8Array): ReadonlyMap<string, JSONValue> {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0x20) end--;
  if (end < 2 || bytes[0] !== 0x7b || bytes[end - 1] !== 0x7d) {
    refuseFile("headerNotJSON", HEADER, "'{' first, and '}' last before the padding by spaces", "something else", "Is this a safetensors file?");
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, end));
  } catch {
    return refuseFile("headerNotUTF8", HEADER, "UTF-8", "bytes that are none");
  }
  // What begins with '{' and parses is an object.
  return parseJSON(text, { subject: HEADER, invalidCode: "headerNotJSON", maxDepth: HEADER_DEPTH, countsOnly: true }) as ReadonlyMap<string, JSONValue>;
}

function checkMetadata(value: JSONValue | undefined): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined) return metadata;
  if (!(value instanceof Map)) refuseFile("badMetadata", `load: ${METADATA_KEY}`, "an object", kindOf(value));
  for (const [key, text] of value as ReadonlyMap<string, JSONValue>) {
    if (typeof text !== "string") refuseFile("badMetadata", `load: ${METADATA_KEY} ${describeValue(key)}`, "a string", kindOf(text));
    else metadata.set(key, text);
  }
  return metadata;
}

function checkEntry(name: string, value: JSONValue, dataLength: number): Entry {
  if (!(value instanceof Map)) refuse("badEntry", name, "an object", kindOf(value));
  const entry = value as ReadonlyMap<string, JSONValue>;
  for (const key of entry.keys()) {
    if (key !== "dtype" && key !== "shape" && key !== "data_offsets") {
      refuse("badEntry", name, "the keys 'dtype', 'shape' and 'data_offsets' alone", describeValue(key));
    }
  }
  const dtype = entry.get("dtype");
  const shape = entry.get("shape");
  const offsets = entry.get("data_offsets");
  if (dtype === undefined) refuse("badEntry", name, "a key 'dtype'", "none");
  if (shape === undefined) refuse("badEntry", name, "a key 'shape'", "none");
  if (offsets === undefined) refuse("badEntry", name, "a key 'data_offsets'", "none");
  if (dtype !== "F32") refuse("unknownDtype", name, "dtype 'F32'", typeof dtype === "string" ? describeValue(dtype) : kindOf(dtype!));
  if (!isCounts(shape!)) refuse("badShape", name, "a list of integers from 0 to 2^53 - 1 as shape", kindOf(shape!));
  const size = product(shape);
  if (!isCount(size) || !isCount(size * 4)) refuse("badShape", name, "a shape of at most 2^51 values", `${size}`);
  if (!isCounts(offsets!) || offsets.length !== 2) refuse("badOffsets", name, "two integers from 0 to 2^53 - 1 as data_offsets", kindOf(offsets!));
  const [begin, end] = offsets;
  if (begin > end) refuse("badOffsets", name, "data_offsets in ascending order", `[${begin}, ${end}]`);
  if (end - begin !== size * 4) refuse("sizeMismatch", name, `${size * 4} bytes for its shape`, `${end - begin}`);
  if (end > dataLength) refuse("truncated", name, `data up to byte ${end}`, `a file with ${dataLength} bytes of data`);
  return { name, shape, begin, end };
}

/** In the order of their bytes the tensors must begin at 0, follow each other and end with the file: no byte is shared, none is left to hide in. */
function checkContiguous(entries: readonly Entry[], dataLength: number): void {
  const inOrder = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let expected = 0;
  for (const { name, begin, end } of inOrder) {
    if (begin !== expected) refuse(begin < expected ? "overlap" : "hole", name, `data from byte ${expected}, where the one before ends`, `${begin}`);
    expected = end;
  }
  if (expected !== dataLength) refuseFile("trailingBytes", "load", "a file that ends with its last tensor", `${dataLength - expected} bytes more`);
}

function refuse(code: string, name: string, expected: string, got: string): never {
  refuseFile(code, `load: tensor ${describeValue(name)}`, expected, got);
}

function refuseFile(code: string, subject: string, expected: string, got: string, advice = ""): never {
  throw new ModelFormatError(code, refusal(subject, expected, got, advice));
}

/** Its own ArrayBuffer even if the argument is a Node Buffer (whose slice is a view) or lies on shared memory. */
function copyOf(bytes: Uint8Array, begin: number, end: number): Uint8Array<ArrayBuffer> {
  const copy = new Uint8Array(end - begin);
  copy.set(bytes.subarray(begin, end));
  return copy;
}

/** The rank-0 product is 1. A zero wins over factors that would overflow, as no order of multiplication may decide; else unsafe products stay unsafe. */
function product(shape: readonly number[]): number {
  let size = 1;
  for (const n of shape) {
    if (n === 0) return 0;
    size *= n;
  }
  return size;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0);
}

function isCounts(value: JSONValue): value is readonly number[] {
  return Array.isArray(value) && value.every(isCount);
}

function jsonString(text: string, subject: string): string {
  if (/\p{Cs}/u.test(text)) throw new RangeError(`save: ${subject}: expected well-formed text, got a lone surrogate in ${describeValue(text)}.`);
  return JSON.stringify(text);
}

/** What a message says of a value of the header, where NaN stands for a number that is no count. */
function kindOf(value: JSONValue): string {
  if (Array.isArray(value)) return value.every((item) => typeof item === "number") ? describeList(value) : "a list of other things";
  if (value instanceof Map) return "an object";
  return describeItem(value);
}

/** A shape or another list as a message shows it: its first four values. */
export function describeList(list: readonly JSONValue[]): string {
  const texts = list.slice(0, 4).map(describeItem);
  return `[${texts.join(", ")}${list.length > 4 ? ", …" : ""}]`;
}

function describeItem(value: JSONValue): string {
  return value !== value ? "a number that is none" : describeValue(value);
}
