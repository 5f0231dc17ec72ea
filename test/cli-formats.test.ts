// What the command reads: the same table as CSV, TSV, JSON and Parquet, packed or not, from a file or from stdin, is the same
// table; and what is no table is refused by one line that says what it is.

import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readJSON } from "../src/cli/json.js";
import { readTableFile, readTableStream } from "../src/cli/table.js";
import type { TableBatch } from "../src/cli/table.js";
import { readCSV } from "../src/tabular/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const tables = (name: string): string => join(root, "test", "tables", name);
const penguins = join(root, "examples", "data", "penguins.csv");
const codecs = ["uncompressed", "snappy", "gzip", "zstd", "brotli", "lz4_raw"];

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "rosenblatt-formats-"))));
afterAll(() => rm(folder, { recursive: true }));

async function gather(batches: AsyncIterable<TableBatch>): Promise<TableBatch> {
  const all: TableBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return { ...all.at(-1)!, rows: all.flatMap(({ rows }) => rows), lines: all.flatMap(({ lines }) => lines) };
}

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

const fromText = (text: string, size = 7): Promise<TableBatch> => gather(readTableStream(chunks(new TextEncoder().encode(text), size), "t"));

describe("JSON", () => {
  const rows = [{ a: 1, b: 'x "y" {[}]\\', c: true }, { a: -2.5e3, b: "ü\n", c: null }, {}];

  it("is read as lines, in an array, over any number of lines, with a byte order mark", async () => {
    const lines = rows.map((row) => JSON.stringify(row)).join("\n");
    for (const text of [lines, `${lines}\r\n\r\n`, `\ufeff${lines}`, JSON.stringify(rows), JSON.stringify(rows, undefined, 3), rows.map((row) => JSON.stringify(row, undefined, 1)).join("")]) {
      expect((await fromText(text)).rows).toEqual(rows);
    }
    expect((await fromText("[]")).rows).toEqual([]);
  });

  it("names all columns in the end, and the line in which each object begins", async () => {
    const { names, lines, final } = await fromText('{"a":1}\n\n{"b":\n2}\n  {"a":3}');
    expect({ names, lines, final }).toEqual({ names: ["a", "b"], lines: [1, 3, 5], final: false });
  });

  it("is the same wherever the text is cut", async () => {
    const text = JSON.stringify(rows, undefined, 1);
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 40 }), async (size) => {
      expect((await fromText(text, size)).rows).toEqual(rows);
    }), { numRuns: 40 });
  });

  it("makes own properties of any key", async () => {
    const { rows: [row] } = await fromText('{"__proto__":1,"constructor":2}');
    expect(Object.keys(row)).toEqual(["__proto__", "constructor"]);
  });

  it.each([
    ['{"a":1}\n[1,2]\n', "t line 2: expected an object with the cells by the names of their columns, got '[1,2]'"],
    ['{"a":1}\n5', "t line 2: expected an object with the cells by the names of their columns, got '5'"],
    ['{"a":1}\n{"a":1,}\n', "t line 2: expected JSON, got an object that is none: '{\"a\":1,}'"],
    ['{"a":1}\n{"a":"x\n"}', "t line 2: expected a closing quote, got the end of the line. Write a line break in a string as \\n"],
    ['{"a":1}\n\n{"a":{\n', "t line 3: expected a closing brace, got the end of the file"],
    ['[{"a":1}\n', "t line 2: expected a closing bracket, got the end of the file"],
    ['[{"a":1} 5]', "t line 1: expected a comma or a closing bracket after an object, got '5]'"],
    ['[{"a":1},]', "t line 1: expected an object with the cells by the names of their columns, got ']'"],
    ['[{"a":1}]\n5', "t line 2: expected nothing after the array, got '5'"],
    ['{"a":1}\n{"a":NaN}', "t line 2: expected JSON, got an object that is none: '{\"a\":NaN}'"],
  ])("refuses %j", async (text, message) => {
    await expect(fromText(text)).rejects.toThrow(new Error(message));
  });

  it("refuses an object that never ends before it fills the memory", async () => {
    async function* endless(): AsyncGenerator<string> {
      yield '{"a":"';
      for (;;) yield "x".repeat(1 << 20);
    }
    await expect(gather(readJSON(endless(), "t"))).rejects.toThrow("t line 1: expected objects of at most 16777216 characters, got a longer one. Is a brace left open?");
  });
});

describe("Parquet", () => {
  it.each(codecs)("of DuckDB with the codec %s is the table that it was made of", async (codec) => {
    const expected = (await readCSV(penguins)).map((row) => Object.fromEntries(Object.entries(row).map(([name, cell]) => [name, cell === "" ? null : Number.isNaN(Number(cell)) ? cell : Number(cell)])));
    const table = await gather(readTableFile(tables(`penguins-${codec}.parquet`), "p"));
    expect(table.rows).toEqual(expected);
    expect(table.names).toEqual(Object.keys(expected[0]));
    const bytes = await readFile(tables(`penguins-${codec}.parquet`));
    expect((await gather(readTableStream(chunks(bytes, 1000), "stdin"))).rows).toEqual(expected);
  });

  it("has numbers for integers that are exact, texts for others, dates as ISO texts, booleans, and null", async () => {
    const { rows, unit, final } = await gather(readTableFile(tables("types.parquet"), "p"));
    expect(rows).toHaveLength(40);
    expect({ unit, final }).toEqual({ unit: "row", final: true });
    expect(rows[7]).toEqual({ big: 7, huge: "9007199254741000", half: 3.5, flag: false, day: "2024-01-08T00:00:00.000Z", price: 8.75, kind: "k3" });
    expect(rows[5].kind ?? null).toBe(null);
  });

  it("is read a row group at a time, with the numbers of the rows", async () => {
    const sizes: number[] = [];
    for await (const { rows, lines } of readTableFile(tables("groups.parquet"), "p")) {
      sizes.push(rows.length);
      expect(lines[0]).toBe(sizes.slice(0, -1).reduce((sum, size) => sum + size, 0) + 1);
    }
    expect(sizes.length).toBeGreaterThan(1);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(5000);
  });

  it("is refused where it is cut off or damaged, without a word of the engine's own", async () => {
    const bytes = readFileSync(tables("penguins-snappy.parquet"));
    let refused = 0;
    for (let cut = 4; cut < bytes.length; cut += 97) {
      await expect(gather(readTableStream(chunks(bytes.subarray(0, cut), 500), "p.parquet"))).rejects.toThrow(/^p\.parquet: expected a Parquet file that can be read, got one that cannot \(.+\)$/);
      refused++;
    }
    expect(refused).toBeGreaterThan(20);
  });

  it("is refused where a run of values is longer than its page, or a page than its column", async () => {
    const bytes = readFileSync(tables("penguins-zstd.parquet"));
    for (const [at, change] of [[489, 64], [504, 127], [1046, 1]]) {
      const changed = Uint8Array.from(bytes);
      changed[at] ^= change;
      const before = process.memoryUsage().rss;
      const outcome = await gather(readTableStream(chunks(changed, 1 << 20), "p")).catch((error: Error) => error);
      if (outcome instanceof Error) expect(outcome.message).toMatch(/^p: expected /);
      expect(process.memoryUsage().rss - before).toBeLessThan(300e6);
    }
  });

  it("is refused or read, whatever byte of it is changed", async () => {
    const bytes = readFileSync(tables("penguins-zstd.parquet"));
    await fc.assert(fc.asyncProperty(fc.integer({ min: 4, max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, change) => {
      const changed = Uint8Array.from(bytes);
      changed[at] ^= change;
      const outcome = await gather(readTableStream(chunks(changed, 1 << 20), "p")).catch((error: Error) => error);
      if (outcome instanceof Error) expect(outcome.message).toMatch(/^p: expected /);
    }), { numRuns: 300 });
  });
});

describe("a packed table", () => {
  it("is unpacked, whatever it holds", async () => {
    const csv = await readFile(penguins);
    const expected = await readCSV(penguins);
    expect((await gather(readTableStream(chunks(gzipSync(csv), 100), "p.csv.gz"))).rows).toEqual(expected);
    expect((await gather(readTableStream(chunks(gzipSync(gzipSync(csv)), 100), "p"))).rows).toEqual(expected);
    const parquet = gzipSync(readFileSync(tables("groups.parquet")));
    expect((await gather(readTableStream(chunks(parquet, 100), "p"))).rows).toHaveLength(5000);
  });

  it("is refused where it is cut off or damaged", async () => {
    const packed = gzipSync(await readFile(penguins));
    const damaged = Uint8Array.from(packed);
    damaged[200] ^= 0xff;
    for (const bytes of [packed.subarray(0, packed.length - 20), damaged]) {
      await expect(gather(readTableStream(chunks(bytes, 300), "p.csv.gz"))).rejects.toThrow(/^p\.csv\.gz: expected a whole gzip file, got one that is cut off or damaged$/);
    }
  });
});

describe("what is no table", () => {
  const latin = (text: string): Uint8Array => Buffer.from(text, "latin1");
  it.each<[string, Uint8Array, string]>([
    ["an Excel workbook", latin("PK\x03\x04\x14\0\x06\0"), "a zip file or an Excel workbook. Save the table as CSV"],
    ["an old Excel workbook", latin("\xd0\xcf\x11\xe0\xa1\xb1"), "an Excel workbook. Save the table as CSV"],
    ["UTF-16", latin("\xff\xfea\0,\0"), "UTF-16. Save the file as UTF-8"],
    ["UTF-16, the other way round", latin("\xfe\xff\0a\0,"), "UTF-16. Save the file as UTF-8"],
    ["an Arrow file", latin("ARROW1\0\0"), "an Arrow file. Save the table as Parquet or CSV"],
    ["a database", latin("SQLite format 3\0"), "a database. Save the table as CSV"],
    ["a zstd file", latin("\x28\xb5\x2f\xfd\x04"), "a zstd file. Unpack it first"],
    ["a bzip2 file", latin("BZh91AY"), "a bzip2 file. Unpack it first"],
    ["an xz file", latin("\xfd7zXZ\0"), "an xz file. Unpack it first"],
    ["a PDF", latin("%PDF-1.4\n"), "a PDF. Save the table as CSV"],
    ["a picture", latin("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "a binary file"],
    ["a model", latin("\x40\0\0\0\0\0\0\0{}"), "a binary file"],
  ])("%s", async (_, bytes, got) => {
    await expect(gather(readTableStream(chunks(bytes, 3), "t"))).rejects.toThrow(new Error(`t: expected a table as CSV, JSON or Parquet, got ${got}`));
  });

  it("is brotli, which has no mark of its own, once it is no UTF-8", async () => {
    await expect(gather(readTableStream(chunks(brotliCompressSync(await readFile(penguins)), 300), "t"))).rejects.toThrow(/^t: expected (UTF-8|a table)/);
  });
});

describe("a name that ends in .csv or .tsv", () => {
  it("makes CSV of a table whose first character is a brace", async () => {
    const text = new TextEncoder().encode('{a};"b"\n1;2\n');
    expect((await gather(readTableStream(chunks(text, 5), "odd.csv"))).rows).toEqual([{ "{a}": "1", b: "2" }]);
    await expect(gather(readTableStream(chunks(text, 5), "odd"))).rejects.toThrow(/^odd line 1: expected/);
  });
});

describe("the command", () => {
  const command = join(root, "dist", "cli.js");
  const train = (data: string, out: string, input?: Uint8Array): Promise<string> => new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, "train", data, "--target", "Species", "--epochs", "5", "--quiet", "--out", join(folder, out)], { stdio: ["pipe", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.on("close", (code) => (code === 0 ? resolve(createHash("sha256").update(readFileSync(join(folder, out))).digest("hex")) : reject(new Error(stderr))));
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });

  it("writes the same model from every format, from a file and from stdin", async () => {
    const rows = await readCSV(penguins);
    const text = await readFile(penguins, "utf8");
    const lines = rows.map((row) => JSON.stringify(row)).join("\n");
    await writeFile(join(folder, "p.tsv"), text.replaceAll(",", "\t"));
    await writeFile(join(folder, "p.jsonl"), lines);
    await writeFile(join(folder, "p.json"), JSON.stringify(rows));
    await writeFile(join(folder, "p.csv.gz"), gzipSync(text));
    const expected = await train(penguins, "csv");
    for (const name of ["p.tsv", "p.jsonl", "p.json", "p.csv.gz"]) expect(await train(join(folder, name), "other"), name).toBe(expected);
    for (const codec of codecs) expect(await train(tables(`penguins-${codec}.parquet`), "other"), codec).toBe(expected);
    expect(await train("-", "other", new TextEncoder().encode(lines))).toBe(expected);
    expect(await train("-", "other", readFileSync(tables("penguins-snappy.parquet")))).toBe(expected);
  }, 60_000);

  it("names the row of a Parquet file in errors, and a column that no JSON object has", async () => {
    const failure = (...parameters: string[]): Promise<string> => new Promise((resolve) => {
      execFile(process.execPath, [command, ...parameters], { cwd: folder }, (_, __, stderr) => resolve(stderr));
    });
    expect(await failure("train", tables("list.parquet"), "--target", "y")).toBe(
      "train: list.parquet row 1: column 'list': expected a text, a finite number, true, false or nothing, got an array of 2\n".replace("train: ", ""),
    );
    await writeFile(join(folder, "half.jsonl"), '{"Island":"Dream"}\n{"Sex":"MALE"}\n');
    await train(penguins, "model");
    expect(await failure("predict", "model", "half.jsonl")).toBe("predict: no column 'Beak Length (mm)' in half.jsonl\n");
  });
});
