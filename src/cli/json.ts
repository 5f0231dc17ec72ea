// JSON → rows: objects one after the other, as in JSON lines (https://jsonlines.org), or in one array. An object may have any
// number of lines. The text is cut at the braces outside of strings, and each object is parsed by itself, so that a stream of
// any length needs the memory of one object. Line numbers are those of the file, from 1.

import { describeValue, refusal } from "../check.js";
import type { Row } from "../tabular/columns.js";
import { textsOf } from "../tabular/csv.js";
import type { CSVStream } from "../tabular/csv.js";
import type { TableBatch } from "./table.js";

/** The longest object: what is longer has most likely lost a brace. */
const LONGEST_OBJECT = 1 << 24;
/** How much of a wrong text a message shows. */
const SHOWN = 20;

/** The rows of a stream of JSON; `names` are the keys so far, all of them in the last batch, which may be empty. */
export async function* readJSON(source: CSVStream, name: string): AsyncGenerator<TableBatch> {
  const reader = new Reader(name);
  for await (const text of textsOf(source, name)) {
    const batch = reader.push(text);
    if (batch.rows.length > 0) yield batch;
  }
  yield reader.end();
}

/** What may come next outside of an object: the first character of all, an object of a sequence; in an array an object or its end, a comma or the end, an object; nothing. */
type State = "start" | "sequence" | "first" | "comma" | "next" | "done";

class Reader {
  private text = "";
  private state: State = "start";
  private line = 1;
  /** Of the object in hand: where it begins in `text` (-1: none is), its line, open braces and brackets, and whether a string is open. */
  private begin = -1;
  private beginLine = 1;
  private depth = 0;
  private quoted = false;
  private scanned = 0;
  private readonly names = new Set<string>();

  constructor(private readonly name: string) {}

  push(chunk: string): TableBatch {
    this.text += chunk;
    const rows: Row[] = [];
    const lines: number[] = [];
    const { text } = this;
    let at = this.scanned;
    for (; at < text.length; at++) {
      const c = text[at];
      if (c === "\n") this.line++;
      if (this.begin < 0) {
        this.outside(c, at);
      } else if (this.quoted) {
        if (c === "\\" && at + 1 === text.length) break;
        if (c === "\\") at++;
        else if (c === '"') this.quoted = false;
        else if (c === "\n") throw this.error(this.line - 1, "a closing quote", "the end of the line", "Write a line break in a string as \\n");
      } else if (c === '"') {
        this.quoted = true;
      } else if (c === "{" || c === "[") {
        this.depth++;
      } else if ((c === "}" || c === "]") && --this.depth === 0) {
        rows.push(this.parse(text.slice(this.begin, at + 1)));
        lines.push(this.beginLine);
        this.begin = -1;
      }
    }
    const kept = this.begin < 0 ? text.length : this.begin;
    this.text = text.slice(kept);
    this.scanned = Math.max(0, at - kept);
    if (this.begin >= 0) this.begin = 0;
    if (this.text.length > LONGEST_OBJECT) {
      throw this.error(this.beginLine, `objects of at most ${LONGEST_OBJECT} characters`, "a longer one", "Is a brace left open?");
    }
    return { names: [...this.names], final: false, unit: "line", rows, lines };
  }

  end(): TableBatch {
    if (this.begin >= 0) throw this.error(this.beginLine, "a closing brace", "the end of the file");
    if (this.state === "start") throw new Error(refusal(this.name, "JSON objects, one a line or in an array", "nothing"));
    if (this.state !== "sequence" && this.state !== "done") throw this.error(this.line, "a closing bracket", "the end of the file");
    return { names: [...this.names], final: false, unit: "line", rows: [], lines: [] };
  }

  private outside(c: string, at: number): void {
    if (c === " " || c === "\n" || c === "\r" || c === "\t" || (c === "\ufeff" && this.state === "start")) return;
    if (c === "{" && this.state !== "comma" && this.state !== "done") {
      if (this.state === "start") this.state = "sequence";
      if (this.state === "first" || this.state === "next") this.state = "comma";
      this.begin = at;
      this.beginLine = this.line;
      this.depth = 1;
    } else if (c === "[" && this.state === "start") this.state = "first";
    else if (c === "," && this.state === "comma") this.state = "next";
    else if (c === "]" && (this.state === "comma" || this.state === "first")) this.state = "done";
    else throw this.error(this.line, this.expected(), describeValue(/^[^\n\r]*/.exec(this.text.slice(at, at + SHOWN))![0]));
  }

  private expected(): string {
    if (this.state === "comma") return "a comma or a closing bracket after an object";
    return this.state === "done" ? "nothing after the array" : "an object with the cells by the names of their columns";
  }

  private parse(text: string): Row {
    let row: Row;
    try {
      row = JSON.parse(text);
    } catch (cause) {
      throw this.error(this.beginLine, "JSON", `an object that is none: ${describeValue(text)}`);
    }
    for (const name of Object.keys(row)) this.names.add(name);
    return row;
  }

  private error(line: number, expected: string, got: string, advice = ""): Error {
    return new Error(refusal(`${this.name} line ${line}`, expected, got, advice));
  }
}
