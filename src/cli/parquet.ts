// Parquet → rows, a row group at a time, by hyparquet. This file is a chunk of its own, which only a Parquet file loads.
// Codecs: snappy (in hyparquet), gzip and brotli (in Node), zstd and LZ4.

import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { decompress as decompressZstd } from "fzstd";
import { parquetMetadataAsync, parquetReadObjects, parquetSchema } from "hyparquet";
import type { AsyncBuffer, Compressors, FileMetaData } from "hyparquet";
import { parquetHeader } from "hyparquet/src/column.js";
import { decompressLz4, decompressLz4Raw } from "hyparquet-compressors/src/lz4.js";
import { describeValue, refusal } from "../check.js";
import type { Row } from "../tabular/columns.js";
import type { TableBatch } from "./table.js";

const compressors: Compressors = {
  GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  BROTLI: (input, length) => brotliDecompressSync(input, { maxOutputLength: Math.max(1, length) }),
  ZSTD: (input, length) => decompressZstd(input, new Uint8Array(length)),
  LZ4: decompressLz4,
  LZ4_RAW: decompressLz4Raw,
};

/** Most rows of a group, and bytes of a page, that are read: groups have some million rows, pages a megabyte. A few bytes of a damaged or hostile file can ask for more than there is memory. */
const MOST_ROWS = 2 ** 24;
const MOST_PAGE_BYTES = 2 ** 28;

/** Whether the pages of a group hold no more values than its columns say, and those no more than can be read: arrays of that many are made before a value is. */
async function checkPages(file: AsyncBuffer, { columns, num_rows }: FileMetaData["row_groups"][number]): Promise<void> {
  const least = (given: number | bigint | undefined, most: number, what: string): number => {
    const count = Number(given ?? 0);
    if (!(count >= 0 && count <= most)) throw new Error(`${what}: at most ${most} are read, got ${count}`);
    return count;
  };
  least(num_rows, MOST_ROWS, "rows in a row group");
  for (const { meta_data: column } of columns) {
    if (column === undefined) continue;
    const values = least(column.num_values, MOST_ROWS, "values in a column of a row group");
    const begin = Number(column.dictionary_page_offset || column.data_page_offset);
    const bytes = await file.slice(begin, begin + least(column.total_compressed_size, file.byteLength, "bytes in a column of a row group"));
    const reader = { view: new DataView(bytes), offset: 0 };
    while (reader.offset < bytes.byteLength - 1) {
      const { uncompressed_page_size, compressed_page_size, data_page_header, dictionary_page_header, data_page_header_v2 } = parquetHeader(reader);
      for (const page of [data_page_header, dictionary_page_header, data_page_header_v2]) if (page !== undefined) least(page.num_values, values, "values in a page");
      least(uncompressed_page_size, MOST_PAGE_BYTES, "bytes in a page");
      reader.offset += least(compressed_page_size, bytes.byteLength - reader.offset, "packed bytes in a page");
    }
  }
}

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
  for (const [i, length] of (groups.length === 0 ? [0] : groups).entries()) {
    if (length > 0) await sound(name, () => checkPages(file, metadata.row_groups[i]));
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
