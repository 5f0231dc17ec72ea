// What a command reads: a table (table.ts), with the place of each row for errors, and a model from a file.

import { fstatSync } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { addAbortSignal } from "node:stream";
import { describeValue, didYouMean, refusal } from "../check.js";
import { namingFile } from "../files/named.js";
import { loadFile } from "../node.js";
import { baseName } from "../tabular/csv.js";
import type { Place, Row } from "../tabular/columns.js";
import { tabularOf } from "../tabular/tabular.js";
import type { Tabular } from "../tabular/tabular.js";
import { readTableFile, readTableStream } from "./table.js";
import type { TableBatch } from "./table.js";

/** A use that no data could make right: the exit code is 2. */
export class UsageError extends Error {}

/** Why a command ends before its work is done. */
export class Interrupted extends Error {
  constructor(readonly exitCode: number, message = "interrupted") {
    super(message);
  }
}

/** How messages name the table: the last part of the path, or stdin. */
export function tableName(path: string): string {
  return path === "-" ? "stdin" : baseName(path);
}

/** The rows of a file, or of stdin for `-`, as they are read; the first batch comes even without rows, for the names. */
export async function* openTable(path: string, signal: AbortSignal): AsyncGenerator<TableBatch> {
  const name = tableName(path);
  const batches = path === "-" ? readTableStream(addAbortSignal(signal, process.stdin), name) : readTableFile(path, name);
  try {
    for await (const batch of batches) {
      signal.throwIfAborted();
      yield batch;
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const { code, syscall } = error as NodeJS.ErrnoException;
    throw syscall === undefined ? error : new Error(refusal(name, "a file that can be read", code === "EISDIR" ? "a folder" : `${code}`), { cause: error });
  }
}

/** Whether two paths lead to one file, by links of any kind too. */
export async function isSameFile(a: string, b: string): Promise<boolean> {
  if (resolve(a) === resolve(b)) return true;
  const [first, second] = await Promise.all([a, b].map((path) => stat(path, { bigint: true }).catch(() => undefined)));
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino;
}

/** The stream that writes where a path leads: to /dev/stdout, or to the very file that stdout is redirected to, and the same of stderr. */
export async function standardStream(path: string): Promise<NodeJS.WriteStream | undefined> {
  const file = await stat(path, { bigint: true }).catch(() => undefined);
  return file && [process.stdout, process.stderr].find(({ fd }) => {
    try {
      const open = fstatSync(fd, { bigint: true });
      return file.dev === open.dev && file.ino === open.ino;
    } catch {
      return false;
    }
  });
}

/** A whole table. @throws {Error} if it has no rows */
export async function readTable(path: string, signal: AbortSignal): Promise<TableBatch> {
  const rows: Row[] = [];
  const lines: number[] = [];
  let last: TableBatch | undefined;
  for await (const batch of openTable(path, signal)) {
    last = batch;
    batch.rows.forEach((row, i) => {
      rows.push(row);
      lines.push(batch.lines[i]);
    });
  }
  const { names, unit, final } = last!;
  if (rows.length === 0) throw new Error(`${tableName(path)}: expected rows${final && unit === "line" ? " below the header" : ""}, got none`);
  return { names, unit, final, rows, lines };
}

/** How errors name a cell: `iris.csv line 17: column 'sepal_length'`. */
export function cellPlace(path: string, { lines, unit }: TableBatch): Place {
  return (row, column) => `${tableName(path)} ${unit} ${lines[row]}: column ${describeValue(column)}`;
}

/** @throws {Error} naming the first column that the table does not have, and the nearest one that it has */
export function requireColumns(wanted: readonly string[], names: readonly string[], path: string): void {
  for (const name of wanted) {
    if (names.includes(name)) continue;
    const hint = didYouMean(name, names);
    throw new Error(`no column ${describeValue(name)} in ${tableName(path)}${hint === "" ? "" : `. ${hint}`}`);
  }
}

/** The model of a table in a file that `train` wrote. */
export async function loadTabular(path: string): Promise<Tabular> {
  const network = await loadFile(path);
  if (network.tabular === undefined) throw new Error(`${baseName(path)}: expected a model that 'rosenblatt train' wrote, got a network without columns`);
  return namingFile(path, () => tabularOf(network));
}
