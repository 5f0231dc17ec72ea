// A table from a file or from stdin, whatever format it has, in batches. The format is that of the content: Parquet and gzip
// say what they are in their first bytes; JSON begins with { or [{; all else is CSV. A file whose name ends in .csv, .tsv, .json,
// .jsonl or .ndjson is what it says.

import { createGunzip } from "node:zlib";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { pipeline, Readable } from "node:stream";
import { describeValue, refusal } from "../check.js";
import { readBatches } from "../tabular/csv.js";
import type { Row } from "../tabular/columns.js";
import { readJSON } from "./json.js";

/** Rows that were read together. */
export interface TableBatch {
  /** The columns; where `final` is not set those seen so far, all of them in the last batch. */
  readonly names: readonly string[];
  readonly final: boolean;
  readonly rows: readonly Row[];
  /** Where each row begins: the line of the file, or in a format without lines the number of the row. */
  readonly lines: readonly number[];
  readonly unit: "line" | "row";
}

type Format = "csv" | "json" | "parquet" | "gzip";
type Chunks = AsyncIterable<Uint8Array>;

/** Enough to tell the formats apart. */
const HEAD_BYTES = 1024;

const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");

/** Formats that are not read, by their first bytes. */
const refused: readonly (readonly [start: string, got: string, advice: string])[] = [
  ["PK\x03\x04", "a zip file or an Excel workbook", "Save the table as CSV"],
  ["\xd0\xcf\x11\xe0", "an Excel workbook", "Save the table as CSV"],
  ["\xff\xfe", "UTF-16", "Save the file as UTF-8"],
  ["\xfe\xff", "UTF-16", "Save the file as UTF-8"],
  ["ARROW1", "an Arrow file", "Save the table as Parquet or CSV"],
  ["SQLite format 3", "a database", "Save the table as CSV"],
  ["\x28\xb5\x2f\xfd", "a zstd file", "Unpack it first"],
  ["BZh", "a bzip2 file", "Unpack it first"],
  ["\xfd7zXZ", "an xz file", "Unpack it first"],
  ["%PDF", "a PDF", "Save the table as CSV"],
];

/** @throws {Error} for what is no table, with what it is */
function formatOf(head: Uint8Array, name: string): Format {
  const start = text(head);
  if (start.startsWith("PAR1")) return "parquet";
  if (start.startsWith("\x1f\x8b")) return "gzip";
  const expected = "a table as CSV, JSON or Parquet";
  for (const [bytes, got, advice] of refused) {
    if (start.startsWith(bytes)) throw new Error(refusal(name, expected, got, advice));
  }
  if (start.includes("\0")) throw new Error(refusal(name, expected, "a binary file"));
  if (/\.[ct]sv$/i.test(name)) return "csv";
  if (/\.(json|jsonl|ndjson)$/i.test(name)) return "json";
  return /^(\xef\xbb\xbf)?\s*(\{|\[\s*(\{|\]))/.test(start) ? "json" : "csv";
}

/** The rows of a file in batches; the first comes even without rows, for the names. */
export async function* readTableFile(path: string, name: string): AsyncGenerator<TableBatch> {
  const handle = await openFile(path, name);
  try {
    const head = new Uint8Array(HEAD_BYTES);
    const stats = await handle.stat();
    if (!stats.isFile()) {
      yield* readTableStream(handle.createReadStream({ autoClose: false }), name);
      return;
    }
    const { bytesRead } = await handle.read(head, 0, HEAD_BYTES, 0);
    if (formatOf(head.subarray(0, bytesRead), name) === "parquet") {
      const { readParquet } = await import("./parquet.js");
      yield* readParquet({ byteLength: stats.size, slice: (begin, end = stats.size) => readSlice(handle, begin, end, name) }, name);
      return;
    }
    yield* readTableStream(handle.createReadStream({ autoClose: false, start: 0 }), name);
  } finally {
    await handle.close();
  }
}

/** The rows of a stream of bytes in batches. */
export async function* readTableStream(source: Chunks, name: string): AsyncGenerator<TableBatch> {
  const { head, chunks } = await peek(source);
  switch (formatOf(head, name)) {
    case "gzip":
      yield* readTableStream(gunzip(chunks, name), name.replace(/\.gz$/i, ""));
      return;
    case "json":
      yield* readJSON(chunks, name);
      return;
    case "parquet": {
      const { readParquet } = await import("./parquet.js");
      const whole = await gather(chunks);
      yield* readParquet({ byteLength: whole.byteLength, slice: (begin, end) => whole.slice(begin, end) }, name);
      return;
    }
    default:
      for await (const batch of readBatches(chunks, name)) yield { ...batch, final: true, unit: "line" };
  }
}

/** The first bytes of a stream, and the whole of it. */
async function peek(source: Chunks): Promise<{ head: Uint8Array; chunks: Chunks }> {
  const iterator = source[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  let done = false;
  while (length < HEAD_BYTES && !done) {
    const next = await iterator.next();
    done = next.done === true;
    if (done) break;
    first.push(next.value);
    length += next.value.length;
  }
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* first;
      while (!done) {
        const next = await iterator.next();
        done = next.done === true;
        if (!done) yield next.value;
      }
    } finally {
      if (!done) await iterator.return?.();
    }
  }
  return { head: Buffer.concat(first).subarray(0, HEAD_BYTES), chunks: chunks() };
}

async function* gunzip(chunks: Chunks, name: string): AsyncGenerator<Uint8Array> {
  const unpacked = createGunzip();
  pipeline(Readable.from(chunks, { objectMode: true }), unpacked, () => undefined);
  try {
    yield* unpacked;
  } catch (cause) {
    if (!String((cause as NodeJS.ErrnoException).code).startsWith("Z_")) throw cause;
    throw new Error(refusal(name, "a whole gzip file", "one that is cut off or damaged"), { cause });
  }
}

async function gather(chunks: Chunks): Promise<ArrayBuffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  const whole = Buffer.concat(all);
  return whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.length) as ArrayBuffer;
}

async function readSlice(handle: FileHandle, begin: number, end: number, name: string): Promise<ArrayBuffer> {
  const bytes = new Uint8Array(Math.max(0, end - begin));
  for (let at = 0; at < bytes.length; ) {
    const { bytesRead } = await handle.read(bytes, at, bytes.length - at, begin + at);
    if (bytesRead === 0) throw new Error(refusal(name, "a whole Parquet file", "one that ends early"));
    at += bytesRead;
  }
  return bytes.buffer;
}

async function openFile(path: string, name: string): Promise<FileHandle> {
  try {
    const handle = await open(path);
    if (!(await handle.stat()).isDirectory()) return handle;
    await handle.close();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === undefined) throw cause;
    throw new Error(refusal(describeValue(path), "a file that can be read", code === "ENOENT" ? "no such file" : code), { cause });
  }
  throw new Error(refusal(name, "a file", "a folder"));
}
