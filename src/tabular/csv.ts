// CSV → rows: a header line, then one object a record with its cells as texts.
//
//   chunks ─decode─▶ text, \r\n and \r as \n ─cut after a newline outside of quotes─▶ pieces of whole records ─records.ts─▶ rows
//
// A newline lies outside of quotes where the number of quotes before it is even, which holds for every well-formed file
// (RFC 4180, https://www.rfc-editor.org/rfc/rfc4180: quotes within a quoted field are doubled). So a stream of any length
// needs the memory of one piece. The separator is the one of , ; tab | under which the first records agree best, or the one that
// a first line tells, as spreadsheets write it: sep=; (that line is no header then). Blank
// lines are skipped, but below the header of a single column each is a row with an empty cell, unless only blank lines follow.
// Spaces round a field are dropped. Line numbers in errors are those of the file, from 1.

import { describeValue, refusal, wrongKind } from "../check.js";
import { newlinesBefore, RecordError, splitRecords } from "./records.js";

/** A row of a CSV file: its cells as texts by the names of the columns. */
export type TextRow = Record<string, string>;

/** What readCSV reads as a stream: a ReadableStream, a Node stream or any async iterable of texts or UTF-8 bytes. */
export type CSVStream = AsyncIterable<string | Uint8Array> | ReadableStream<string | Uint8Array>;

/** Rows that were read together, with the line in which each begins. */
export interface Batch {
  readonly names: readonly string[];
  readonly rows: TextRow[];
  readonly lines: number[];
}

/** UTF-16 units that are parsed at once. */
const PIECE_LENGTH = 1 << 16;
/** The longest record: what is longer has most likely lost a quote. */
const LONGEST_RECORD = 1 << 24;
const SEPARATORS = [",", ";", "\t", "|"];
/** A first line that tells the separator. */
const SEPARATOR_LINE = /^"?sep=([,;\t|])"?[ \t]*(?:\n|$)/i;
/** Records that are looked at to find the separator. */
const SAMPLE_RECORDS = 10;

/**
 * Reads CSV with a header line. A text with a line break, or in Node the path of a file, gives a promise of all rows; a
 * stream gives an async iterable of rows that holds a piece of the file at a time. Every row is an object with the texts of
 * its cells by the names of the columns.
 *
 * @throws {Error} for a file that cannot be read, has no header, or names a column twice or not at all; for a record with
 * more or fewer fields than the header, a stray quote, or bytes that are not UTF-8: `iris.csv line 17: expected 5 fields, got 4`
 * @example const rows = await readCSV("iris.csv");
 * @example for await (const row of readCSV(process.stdin)) console.log(row.species);
 */
export function readCSV(source: string): Promise<TextRow[]>;
export function readCSV(source: CSVStream): AsyncIterable<TextRow>;
export function readCSV(source: string | CSVStream, ...more: unknown[]): Promise<TextRow[]> | AsyncIterable<TextRow> {
  // a number is what paths.map(readCSV) gives beside a path
  if (more[0] !== undefined && typeof more[0] !== "number") {
    throw wrongKind("readCSV", "a text, the path of a file, or a stream alone", more[0], "It has no options: the separator is found out, and files are UTF-8");
  }
  if (typeof source === "string") {
    return /[\n\r]/.test(source) || source.trim() === "" ? collect(readBatches([source], "CSV")) : readFile(source);
  }
  if (!isStream(source)) throw wrongKind("readCSV", "a text, the path of a file, or a stream", source);
  return flatten(readBatches(source, "CSV"));
}

async function readFile(path: string): Promise<TextRow[]> {
  return collect(readBatches(await openFile(path), baseName(path)));
}

/** The chunks of a file. Node only: the module is named by a variable, so that no bundler for browsers looks for it. */
export async function openFile(path: string): Promise<AsyncIterable<Uint8Array>> {
  const advice = "In a browser give readCSV the text or a stream";
  if (typeof process === "undefined" || process.versions?.node === undefined) {
    throw wrongKind("readCSV", "a text of several lines", path, advice);
  }
  const moduleName = "node:fs/promises";
  const { open } = (await import(/* @vite-ignore */ /* webpackIgnore: true */ moduleName)) as typeof import("node:fs/promises");
  try {
    const handle = await open(path);
    if ((await handle.stat()).isDirectory()) {
      await handle.close();
      throw new Error(refusal(baseName(path), "a file", "a folder"));
    }
    return handle.createReadStream();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === undefined) throw cause;
    throw new Error(`${describeValue(path)}: expected a file that can be read, got ${code === "ENOENT" ? "no such file" : code}`, { cause });
  }
}

/** The last part of a path, as messages name a file, with nothing that a terminal would obey. */
export function baseName(path: string): string {
  return describeValue(path.replace(/^.*[/\\](?=.)/s, "")).replace(/^'(.*)'$/, "$1");
}

async function collect(batches: AsyncIterable<Batch>): Promise<TextRow[]> {
  const all: TextRow[] = [];
  for await (const { rows } of batches) {
    for (const row of rows) all.push(row);
  }
  return all;
}

async function* flatten(batches: AsyncIterable<Batch>): AsyncGenerator<TextRow> {
  for await (const { rows } of batches) yield* rows;
}

function isStream(value: unknown): value is CSVStream {
  return typeof value === "object" && value !== null && (Symbol.asyncIterator in value || typeof (value as ReadableStream).getReader === "function");
}

/**
 * The rows of a file in batches; the first one comes even if it has no rows, for the sake of the names.
 * @param name what errors call the file
 */
export async function* readBatches(source: CSVStream | Iterable<string>, name: string): AsyncGenerator<Batch> {
  const reader = new Reader(name);
  for await (const text of textsOf(source, name)) {
    for (let begin = 0; begin < text.length; begin += PIECE_LENGTH) {
      const batch = reader.push(text.slice(begin, begin + PIECE_LENGTH));
      if (batch !== undefined) yield batch;
    }
  }
  yield reader.end();
}

/** The chunks as text; a chunk of bytes may end within a character. */
export async function* textsOf(source: CSVStream | Iterable<string>, name: string): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decode = (bytes?: Uint8Array): string => {
    try {
      return bytes === undefined ? decoder.decode() : decoder.decode(bytes, { stream: true });
    } catch {
      throw new Error(refusal(name, "UTF-8", "bytes that are none", "Save the file as UTF-8"));
    }
  };
  const chunks = Symbol.asyncIterator in source || Symbol.iterator in source ? source : chunksOf(source);
  let bytes = false;
  for await (const chunk of chunks) {
    if (typeof chunk === "string") {
      yield chunk;
    } else if (ArrayBuffer.isView(chunk)) {
      bytes = true;
      yield decode(chunk);
    } else {
      throw wrongKind(`${name}: a chunk`, "a text or bytes", chunk);
    }
  }
  if (bytes) yield decode();
}

/** A ReadableStream where it is not async iterable (Safari). */
async function* chunksOf(stream: ReadableStream<string | Uint8Array>): AsyncGenerator<string | Uint8Array> {
  const reader = stream.getReader();
  let finished = false;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      finished = done;
      if (done) return;
      yield value;
    }
  } finally {
    if (!finished) await reader.cancel();
    reader.releaseLock();
  }
}

/** Takes text in chunks of any length and gives back the rows that are complete; the rows do not depend on where the text is cut. */
class Reader {
  private pending = "";
  /** pending[0 … scanned) has been looked at; the records in it end at `border`. */
  private scanned = 0;
  private border = 0;
  private quoted = false;
  private records = 0;
  private first = true;
  private carriageReturn = false;
  /** The line in which `pending` begins. */
  private line = 1;
  private separator: string | undefined;
  private names: readonly string[] | undefined;
  /** Of a file with a single column, the blank lines since its last row. */
  private blankLines: number[] = [];

  constructor(private readonly name: string) {}

  push(chunk: string): Batch | undefined {
    this.append(chunk);
    if (this.pending.length - this.border > LONGEST_RECORD) {
      throw this.error(this.line, `records of at most ${LONGEST_RECORD} characters`, "a longer one here or below", "Is a quote left open?");
    }
    if (this.border === 0 || this.records < SAMPLE_RECORDS) return undefined;
    const batch = this.parse(this.pending.slice(0, this.border));
    this.pending = this.pending.slice(this.border);
    this.scanned -= this.border;
    this.border = 0;
    return batch;
  }

  end(): Batch {
    if (this.carriageReturn) this.append("\n");
    const batch = this.parse(this.pending);
    if (batch !== undefined) return batch;
    throw new Error(refusal(this.name, "a header line and rows", "nothing but blank lines"));
  }

  private append(chunk: string): void {
    let text = this.carriageReturn ? `\r${chunk}` : chunk;
    if (this.first && text.length > 0) {
      this.first = false;
      if (text[0] === "\ufeff") text = text.slice(1);
    }
    this.carriageReturn = text.endsWith("\r");
    if (this.carriageReturn) text = text.slice(0, -1);
    this.pending += text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
    for (; this.scanned < this.pending.length; this.scanned++) {
      const c = this.pending.charCodeAt(this.scanned);
      if (c === 0x22) this.quoted = !this.quoted;
      if (c === 0x0a && !this.quoted) {
        this.border = this.scanned + 1;
        this.records++;
      }
    }
  }

  /** The rows of whole records; undefined as long as there is no header. */
  private parse(given: string): Batch | undefined {
    let text = given;
    const told = this.separator === undefined ? SEPARATOR_LINE.exec(text) : null;
    if (told !== null) {
      text = text.slice(told[0].length);
      this.line++;
    }
    this.separator ??= told?.[1] ?? findSeparator(text);
    const rows: TextRow[] = [];
    const lines: number[] = [];
    const multiline = text.includes('"');
    const begin = this.line;
    let textLines: string[] | undefined;
    for (const fields of this.parseRecords(text)) {
      const line = this.line++;
      if (multiline) for (const field of fields) this.line += newlinesBefore(field, field.length);
      if (fields.length === 1 && fields[0] === "" && !(multiline && (textLines ??= text.split("\n"))[line - begin].includes('"'))) {
        if (this.names?.length === 1) this.blankLines.push(line);
        continue;
      }
      if (this.names === undefined) {
        this.names = this.checkNames(fields, line);
        continue;
      }
      if (fields.length !== this.names.length) throw this.error(line, plural(this.names.length, "field"), `${fields.length}`);
      for (const blank of this.blankLines) {
        rows.push(makeRow(this.names, [""]));
        lines.push(blank);
      }
      this.blankLines = [];
      rows.push(makeRow(this.names, fields));
      lines.push(line);
    }
    return this.names === undefined ? undefined : { names: this.names, rows, lines };
  }

  private parseRecords(text: string): string[][] {
    try {
      return splitRecords(text, this.separator!);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      const line = this.line + newlinesBefore(text, error.offset);
      const advice = "Put the whole field in quotes and double the quotes in it";
      if (error.kind === "openingQuote") throw this.error(line, "a field that is quoted as a whole or not at all", "a quote within a field", advice);
      if (error.kind === "closingQuote") throw this.error(line, "a separator or the end of the line after a closing quote", "more text", advice);
      throw this.error(line, "a closing quote", "the end of the file");
    }
  }

  private checkNames(fields: readonly string[], line: number): readonly string[] {
    const names = new Set<string>();
    fields.forEach((field, i) => {
      const name = field.trim();
      if (name === "") throw this.error(line, "a name for every column", `none for column ${i + 1}`, "Name it or remove the column");
      if (names.has(name)) throw this.error(line, "a name of its own for every column", `${describeValue(name)} twice`);
      names.add(name);
    });
    return [...names];
  }

  private error(line: number, expected: string, got: string, advice = ""): Error {
    return new Error(refusal(`${this.name} line ${line}`, expected, got, advice));
  }
}

/** The separator under which most of the first records have as many fields as the first of them, more than one; of equals that of more fields. */
function findSeparator(text: string): string {
  const sample = firstRecords(text);
  let best = SEPARATORS[0];
  let mostAgreeing = 0;
  let mostFields = 1;
  for (const separator of SEPARATORS) {
    let records: string[][];
    try {
      records = splitRecords(sample, separator).filter((fields) => fields.length > 1 || fields[0] !== "");
    } catch {
      continue;
    }
    const fields = records.length === 0 ? 0 : records[0].length;
    const agreeing = records.filter((record) => record.length === fields).length;
    if (fields < 2 || agreeing < mostAgreeing || (agreeing === mostAgreeing && fields <= mostFields)) continue;
    best = separator;
    mostAgreeing = agreeing;
    mostFields = fields;
  }
  return best;
}

function firstRecords(text: string): string {
  let quoted = false;
  let records = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x22) quoted = !quoted;
    if (c === 0x0a && !quoted && ++records === SAMPLE_RECORDS) return text.slice(0, i + 1);
  }
  return text;
}

/** An ordinary object; a column may be called `__proto__` and is an own property all the same. */
function makeRow(names: readonly string[], fields: readonly string[]): TextRow {
  const row: TextRow = {};
  for (let i = 0; i < names.length; i++) {
    if (names[i] === "__proto__") Object.defineProperty(row, "__proto__", { value: fields[i], enumerable: true, configurable: true, writable: true });
    else row[names[i]] = fields[i];
  }
  return row;
}

function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
