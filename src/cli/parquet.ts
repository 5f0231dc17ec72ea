// Parquet → rows, a row group at a time, by hyparquet. This file is a chunk of its own, which only a Parquet file loads.
// Codecs: snappy (in hyparquet), gzip and brotli (in Node), zstd and LZ4.

import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { decompress as decompressZstd } from "fzstd";
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import type { AsyncBuffer, Compressors } from "hyparquet";
import { decompressLz4, decompressLz4Raw } from "hyparquet-compressors/src/lz4.js";
import { describeValue, refusal } from "../check.js";
import type { Row } from "../tabular/columns.js";
import type { TableBatch } from "./table.js";

const compressors: Compressors = {
  GZIP: (input) => gunzipSync(input),
  BROTLI: (input) => brotliDecompressSync(input),
  ZSTD: (input) => decompressZstd(input),
  LZ4: decompressLz4,
  LZ4_RAW: decompressLz4Raw,
};

/** The rows of a Parquet file, a row group a batch; a row's "line" is its number from 1. @throws {Error} naming the file, for one that cannot be read */
export async function* readParquet(file: AsyncBuffer, name: string): AsyncGenerator<TableBatch> {
  const { metadata, names, groups } = await sound(name, async () => {
    const metadata = await parquetMetadataAsync(file);
    return {
      metadata,
      names: parquetSchema(metadata).children.map(({ element }) => element.name),
      groups: metadata.row_groups.map(({ num_rows }) => Number(num_rows)),
    };
  });
  const twice = names.find((each, i) => names.indexOf(each) !== i);
  if (twice !== undefined) throw new Error(refusal(name, "a name of its own for every column", `${describeValue(twice)} twice`));
  let begin = 0;
  if (!groups.every((length) => Number.isSafeInteger(length) && length >= 0)) throw new Error(refusal(name, "row groups of so many rows", groups.join(", "), "The file is damaged"));
  for (const length of groups.length === 0 ? [0] : groups) {
    const range = { rowStart: begin, rowEnd: begin + length };
    const objects = length === 0 ? [] : await sound(name, () => parquetReadObjects({ file, metadata, compressors, ...range }));
    if (objects.length !== length) throw new Error(refusal(name, `${length} rows in a row group`, `${objects.length}`, "The file is damaged"));
    for (const row of objects) for (const key of names) row[key] = cellOf(row[key]);
    yield { names, final: true, unit: "row", rows: objects as Row[], lines: objects.map((_, i) => begin + i + 1) };
    begin += length;
  }
}

/** A value as a cell: integers of 64 bits as numbers where those are exact, dates as ISO text; what is none is left for the message that refuses it. */
function cellOf(value: unknown): unknown {
  if (typeof value === "bigint") return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  return value;
}

async function sound<T>(name: string, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const { code, syscall, message } = cause as NodeJS.ErrnoException;
    if (syscall !== undefined) throw cause;
    // what hyparquet says of the file is plain; an error of the engine, run into on the way, is no help
    const why = Object.getPrototypeOf(cause) === Error.prototype ? code ?? message : "it is damaged";
    throw new Error(refusal(name, "a Parquet file that can be read", `one that cannot (${why})`), { cause });
  }
}
