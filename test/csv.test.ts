// CSV → rows: separators, quotes, line numbers, streams cut anywhere, and every error by its message.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createReadStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readCSV } from "../src/tabular/csv.js";
import type { CSVStream, TextRow } from "../src/tabular/csv.js";
import { splitRecords } from "../src/tabular/records.js";

async function gather(source: CSVStream): Promise<TextRow[]> {
  const rows: TextRow[] = [];
  for await (const row of readCSV(source)) rows.push(row);
  return rows;
}

async function* chunks<T>(...items: T[]): AsyncGenerator<T> {
  yield* items;
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rosenblatt-csv-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("readCSV", () => {
  it("reads a header and rows of texts", async () => {
    expect(await readCSV("a,b\n1,x\n2,\n")).toStrictEqual([{ a: "1", b: "x" }, { a: "2", b: "" }]);
  });

  it("takes \\r\\n, \\r and a missing last newline, skips blank lines and a byte order mark, and drops spaces round fields", async () => {
    const expected = [{ a: "1", b: "x y" }, { a: "2", b: "" }];
    for (const text of ["\ufeffa,b\r\n1,x y\r\n2,", "a , b\r1, x y \r\r2, ", "\n\na,b\n\n1,x y\r\n \n2,\n\n"]) {
      expect(await readCSV(text)).toStrictEqual(expected);
    }
  });

  it("takes quoted fields with separators, newlines and doubled quotes", async () => {
    expect(await readCSV('"a, b",c\r\n"x\r\ny","say ""hi"""\r\n "z" ,2\r\n')).toStrictEqual([{ "a, b": "x\ny", c: 'say "hi"' }, { "a, b": "z", c: "2" }]);
  });

  it.each([[",", "comma"], [";", "semicolon"], ["\t", "tab"], ["|", "bar"]])("finds the separator %j (%s)", async (separator) => {
    const others = [",", ";", "\t", "|"].filter((other) => other !== separator).join("");
    const text = `one${separator}"two${others}"${separator}three\n1${separator}"2,5"${separator}"a${separator}b"\n`;
    expect(await readCSV(text)).toStrictEqual([{ one: "1", [`two${others}`.trim()]: "2,5", three: `a${separator}b` }]);
  });

  it.each([[",", "sep=,"], [";", "SEP=;"], ["\t", "sep=\t"], ["|", '"sep=|"']])("takes the separator %j from a first line that tells it", async (separator, first) => {
    const others = [",", ";", "\t", "|"].filter((other) => other !== separator).join("x");
    for (const end of ["\n", "\r\n"]) {
      const text = [`\ufeff${first}`, `a${others}y${separator}b`, `1${others}1${separator}2`, ""].join(end);
      expect(await readCSV(text)).toStrictEqual([{ [`a${others}y`]: `1${others}1`, b: "2" }]);
      await expect(readCSV(text + "5" + end)).rejects.toThrow("CSV line 4: expected 2 fields, got 1");
    }
  });

  it("takes sep= in other places, or with another separator, as it stands", async () => {
    expect(await readCSV("a,b\nsep=;,2\n")).toStrictEqual([{ a: "sep=;", b: "2" }]);
    expect(await readCSV("sep=x,b\n1,2\n")).toStrictEqual([{ "sep=x": "1", b: "2" }]);
    await expect(readCSV("sep=;\n")).rejects.toThrow("expected a header line and rows, got nothing but blank lines");
  });

  it("keeps empty cells at the borders of tab-separated lines", async () => {
    expect(await readCSV("a\tb\tc\n\t1\t\n")).toStrictEqual([{ a: "", b: "1", c: "" }]);
  });

  it("reads one column, and a header alone as no rows", async () => {
    expect(await readCSV("a\n1\n2\n")).toStrictEqual([{ a: "1" }, { a: "2" }]);
    expect(await readCSV("a,b\n")).toStrictEqual([]);
  });

  it("takes blank lines of a single column as empty cells, but not above the header nor at the end of the file", async () => {
    const cells = async (text: string) => (await readCSV(text)).map(({ a }) => a);
    expect(await cells("\n\na\n1\n\n2\n")).toEqual(["1", "", "2"]);
    expect(await cells("a\n\n\n1\n \n\n")).toEqual(["", "", "1"]);
    expect(await cells('a\r\n1\r\n""\r\n\r\n""\r\n\r\n')).toEqual(["1", "", "", ""]);
    expect(await cells('a\n"x\n""\ny"\n\n1\n""')).toEqual(['x\n"\ny', "", "1", ""]);
    const long = `a\n${"1\n\n".repeat(50_000)}2\n\n\n`;
    expect(await gather(chunks(long))).toHaveLength(100_001);
    await expect(readCSV("a\n\n1\n\n2,3\n")).rejects.toThrow("CSV line 5: expected 1 field, got 2");
    await expect(readCSV('a,b\n1,2\n""\n')).rejects.toThrow("CSV line 3: expected 2 fields, got 1");
  });

  it("makes own properties of columns named like properties of objects", async () => {
    const [row] = await readCSV("__proto__,constructor,toString\n1,2,3\n");
    expect(Object.keys(row)).toEqual(["__proto__", "constructor", "toString"]);
    expect(Object.getOwnPropertyDescriptor(row, "__proto__")!.value).toBe("1");
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
  });

  it("reads the path of a file", async () => {
    const path = join(folder, "two.csv");
    await writeFile(path, "a,b\n1,ü\n");
    expect(await readCSV(path)).toStrictEqual([{ a: "1", b: "ü" }]);
  });

  it("reads streams: of Node, of the web, and async iterables of texts or bytes", async () => {
    const path = join(folder, "stream.csv");
    await writeFile(path, "a,b\n1,ü\n");
    const expected = [{ a: "1", b: "ü" }];
    expect(await gather(createReadStream(path, { highWaterMark: 1 }))).toStrictEqual(expected);
    expect(await gather(new Blob(["a,b\n1,ü\n"]).stream())).toStrictEqual(expected);
    expect(await gather(chunks("a,", "b\n1,ü"))).toStrictEqual(expected);
    expect(await gather(chunks(Uint8Array.of(97, 44, 98, 10, 49, 44, 0xc3), Uint8Array.of(0xbc)))).toStrictEqual(expected);
  });

  it("reads a ReadableStream that is not async iterable, and cancels it when the reader leaves", async () => {
    let cancelled = false;
    const stream = new ReadableStream<string>({
      pull(controller) {
        controller.enqueue("a,b\n" + "1,2\n".repeat(20));
      },
      cancel() {
        cancelled = true;
      },
    });
    const plain = { getReader: () => stream.getReader() } as ReadableStream<string>;
    for await (const row of readCSV(plain)) {
      expect(row).toStrictEqual({ a: "1", b: "2" });
      break;
    }
    expect(cancelled).toBe(true);
  });

  it("holds a piece of a stream at a time: the first rows come long before the end", async () => {
    let sent = 0;
    async function* endless(): AsyncGenerator<string> {
      yield "a,b\n";
      for (;;) {
        sent++;
        yield "1,2\n".repeat(100);
      }
    }
    let seen = 0;
    for await (const row of readCSV(endless())) {
      expect(row.b).toBe("2");
      if (++seen === 1000) break;
    }
    expect(sent).toBeLessThan(20);
  });

  it("reads the same rows wherever the text is cut", async () => {
    const text = '\ufeffname;"a\r\n;b"\r\n' + 'x;"1\r\n2"\r\n\r\n"say ""no""";3\r\n'.repeat(12) + "last;ü";
    const whole = await readCSV(text);
    expect(whole).toHaveLength(25);
    await fc.assert(fc.asyncProperty(fc.array(fc.nat(text.length), { maxLength: 30 }), async (cuts) => {
      const places = [0, ...cuts.sort((a, b) => a - b), text.length];
      const pieces = places.slice(1).map((end, i) => text.slice(places[i], end));
      expect(await gather(chunks(...pieces))).toStrictEqual(whole);
    }), { numRuns: 200 });
  });

  it("cuts any text into the records that csv-parse finds, or refuses it as that does", () => {
    const piece = fc.constantFrom(",", "\n", '"', '""', " ", "\t", "a", "b c", '"x"', '"y\nz"', ";");
    const outcome = (split: () => string[][]): unknown => {
      try {
        return split();
      } catch {
        return "refused";
      }
    };
    let accepted = 0;
    fc.assert(fc.property(fc.array(piece, { maxLength: 25 }), fc.constantFrom(",", ";", "\t", "|"), (pieces, separator) => {
      const text = `${pieces.join("")}\n`;
      fc.pre(!/"[ \t]+"/.test(text));                                  // a field of two quoted parts, of which csv-parse drops one
      const options = { delimiter: separator, record_delimiter: "\n", relax_column_count: true, trim: true };
      const expected = outcome(() => parse(text, options) as string[][]);
      if (expected !== "refused") accepted++;
      expect(outcome(() => splitRecords(text, separator))).toEqual(expected);
    }), { numRuns: 3000 });
    expect(accepted).toBeGreaterThan(500);
  });

  it("gives back any cells that were quoted by the rules", async () => {
    const cell = fc.string({ unit: "grapheme" }).map((text) => text.replace(/\r\n?/g, "\n"));
    await fc.assert(fc.asyncProperty(fc.array(fc.tuple(cell, cell), { minLength: 1, maxLength: 20 }), fc.constantFrom(",", ";", "\t", "|"), async (cells, separator) => {
      const quote = (text: string): string => `"${text.replaceAll('"', '""')}"`;
      const text = [["first", "second"], ...cells].map((row) => row.map(quote).join(separator)).join("\n");
      expect(await readCSV(text)).toStrictEqual(cells.map(([first, second]) => ({ first, second })));
    }), { numRuns: 200 });
  });
});

describe("errors of readCSV", () => {
  const cases: [what: string, text: string, message: string][] = [
    ["a short line", "a,b,c\n1,2,3\n1,2\n", "CSV line 3: expected 3 fields, got 2"],
    ["a long line", "a,b\n1,2,3\n", "CSV line 2: expected 2 fields, got 3"],
    ["a short line below others of several lines and blank ones", 'a,b\r\n"x\r\ny\r\nz",2\r\n\r\n1\r\n', "CSV line 6: expected 2 fields, got 1"],
    ["a record of several lines, by its first", 'a,b\n1,2\n"x\ny",2,3\n', "CSV line 3: expected 2 fields, got 3"],
    ["a column named twice", "a,b, a\n1,2,3\n", "CSV line 1: expected a name of its own for every column, got 'a' twice"],
    ["a column without a name", "\na,,c\n1,2,3\n", "CSV line 2: expected a name for every column, got none for column 2. Name it or remove the column"],
    ["nothing", "", "CSV: expected a header line and rows, got nothing but blank lines"],
    ["blank lines alone", "\r\n \n\n", "CSV: expected a header line and rows, got nothing but blank lines"],
    ["a quote within a field", 'a,b\n1,2\n3,5" disk\n', "CSV line 3: expected a field that is quoted as a whole or not at all, got a quote within a field. Put the whole field in quotes and double the quotes in it"],
    ["text after a closing quote", 'a,b\n1,"2"3\n', "CSV line 2: expected a separator or the end of the line after a closing quote, got more text. Put the whole field in quotes and double the quotes in it"],
    ["a quote left open", 'a,b\n1,2\n3,"4\n5,6\n', "CSV line 3: expected a closing quote, got the end of the file"],
    ["a name that would move the cursor", "\u001b[2J,\u001b[2J\n1,2\n", "CSV line 1: expected a name of its own for every column, got '\\u{1b}[2J' twice"],
  ];
  it.each(cases)("%s", async (_, text, message) => {
    await expect(readCSV(text)).rejects.toThrow(new Error(message));
  });

  it("name the file by the last part of its path", async () => {
    const path = join(folder, "iris.csv");
    await writeFile(path, "a,b,c,d,e\n" + "1,2,3,4,5\n".repeat(15) + "1,2,3,4\n");
    await expect(readCSV(path)).rejects.toThrow(new Error("iris.csv line 17: expected 5 fields, got 4"));
  });

  it("say that a file does not exist, or is a folder", async () => {
    expect(() => (readCSV as (...given: unknown[]) => unknown)("a;b\n1;2\n", { separator: ";" })).toThrow(
      new TypeError("readCSV: expected a text, the path of a file, or a stream alone, got an object. It has no options: the separator is found out, and files are UTF-8"),
    );
    expect((await Promise.all(["a\n1\n", "a\n2\n"].map(readCSV as (text: string, index: number) => Promise<object[]>))).flat()).toStrictEqual([{ a: "1" }, { a: "2" }]);
    await expect(readCSV("no-such.csv")).rejects.toThrow(new Error("'no-such.csv': expected a file that can be read, got no such file"));
    await expect(readCSV(folder)).rejects.toThrow(/: expected a file, got a folder$/);
  });

  it("refuse bytes that are not UTF-8, and a character cut off by the end", async () => {
    const path = join(folder, "latin1.csv");
    await writeFile(path, Uint8Array.of(97, 10, 0xe9, 10));
    await expect(readCSV(path)).rejects.toThrow(new Error("latin1.csv: expected UTF-8, got bytes that are none. Save the file as UTF-8"));
    await expect(gather(chunks(Uint8Array.of(97, 10, 49, 0xc3)))).rejects.toThrow(/expected UTF-8/);
  });

  it("refuse what is neither text nor stream, and chunks that are neither text nor bytes", async () => {
    expect(() => readCSV(5 as never)).toThrow(new TypeError("readCSV: expected a text, the path of a file, or a stream, got 5"));
    await expect(gather(chunks(5) as never)).rejects.toThrow(new TypeError("CSV: a chunk: expected a text or bytes, got 5"));
  });

  it("end a stream whose quote is left open before it fills the memory", async () => {
    async function* endless(): AsyncGenerator<string> {
      yield 'a,b\n"';
      for (;;) yield "x".repeat(1 << 20);
    }
    await expect(gather(endless())).rejects.toThrow("CSV line 1: expected records of at most 16777216 characters, got a longer one here or below. Is a quote left open?");
  });
});
