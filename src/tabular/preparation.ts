// Everything but the network that a table's model is made of, and its form in a model file: one JSON string under the
// metadata key "rosenblatt.tabular".
//
//   { "version": 1, "task": "classification", "target": "species", "classes": ["setosa", …], "columns": [ … ], "notes": [ … ] }
//   { "version": 1, "task": "regression", "target": "progression", "mean": 152.1, "deviation": 77, "columns": [ … ], "notes": [ … ] }
//
// A checkpoint of the command has the record of its training too: "run" (run.ts).
//
// Reading trusts nothing: every key is known and needed, every value is checked, and the counts must be those of the
// network beside it. What is read and written again is the same text.

import { describeValue, ModelFormatError, refusal } from "../check.js";
import { parseJSON } from "../files/json.js";
import type { JSONValue } from "../files/json.js";
import { inputCount, isMissing, MOST_CATEGORIES } from "./columns.js";
import type { Column } from "./columns.js";
import { readRun } from "./run.js";
import type { Run } from "./run.js";
import { areLabelsSound } from "./target.js";
import type { Label } from "./target.js";

interface CommonPreparation {
  /** The name of the target's column. */
  readonly target: string;
  /** The columns that are of use, in the order of the inputs. */
  readonly columns: readonly Column[];
  /** What was left out or changed, a sentence each. */
  readonly notes: readonly string[];
}

/** The network has an output for each class, in this order. */
export interface ClassPreparation extends CommonPreparation {
  readonly task: "classification";
  readonly classes: readonly Label[];
}

/** The network's one output times `deviation` plus `mean` is the prediction. */
export interface NumberPreparation extends CommonPreparation {
  readonly task: "regression";
  readonly mean: number;
  readonly deviation: number;
}

export type Preparation = ClassPreparation | NumberPreparation;

/** A preparation, and the record of a training that has not ended. */
export type PreparationFile = Preparation & { readonly run?: Run };

const VERSION = 1;
const SUBJECT = "load: metadata 'rosenblatt.tabular'";

/**
 * The longest JSON of a preparation, in bytes of the file's header, where it is a string in JSON again. The header holds at
 * most 1,000,000 bytes, and the description of the network, which has few layers, needs the rest.
 */
const LONGEST_JSON = 950_000;

/** The preparation as the file holds it, in a checkpoint with the record of the training. @throws {RangeError} if the file's header would not hold it */
export function writePreparation(preparation: Preparation, run?: Run): string {
  const { task, target, columns, notes } = preparation;
  const outputs = preparation.task === "classification" ? { classes: preparation.classes } : { mean: preparation.mean, deviation: preparation.deviation };
  const text = JSON.stringify({ version: VERSION, task, target, ...outputs, columns, notes, run });
  const length = new TextEncoder().encode(JSON.stringify(text)).length;
  if (length > LONGEST_JSON) {
    const advice = "Leave columns out, those of text with long or many categories first";
    throw new RangeError(refusal("train: the names and categories of all columns", `at most ${LONGEST_JSON} bytes in the model file`, `${length}`, advice));
  }
  return text;
}

/**
 * The preparation that a file holds, for a network of so many inputs and outputs with that activation of its last layer.
 * @throws {ModelFormatError} `badTabular` (or what parseJSON says) for anything that `writePreparation` would not have written
 */
export function readPreparation(text: string, network: { readonly inputs: number; readonly outputs: number; readonly outputActivation: string }): PreparationFile {
  const file = new Entry(parseJSON(text, { subject: SUBJECT, invalidCode: "badTabular", maxDepth: 4, loneSurrogates: true }), "");
  const version = file.take("version");
  if (version !== VERSION) refuse("version", `${VERSION}`, version);
  const task = file.oneOf("task", ["classification", "regression"]);
  const target = file.string("target");
  const classes = task === "classification" ? file.list("classes").map((label, i) => checkLabel(label, `classes[${i}]`)) : [];
  const scale = task === "regression" ? { mean: file.number("mean"), deviation: file.number("deviation") } : { mean: 0, deviation: 1 };
  const columns = file.list("columns").map((column, i) => readColumn(column, `columns[${i}]`));
  const notes = file.list("notes").map((note, i) => (typeof note === "string" ? note : refuse(`notes[${i}]`, "a text", note)));
  const run = file.has("run") ? { run: readRun(file.entry("run")) } : {};
  file.end();

  if (columns.length === 0) refuseText("columns", "a column at least", "none");
  const names = new Set([target]);
  for (const { name } of columns) {
    if (names.has(name)) refuseText("columns", "each name once, and not that of the target", describeValue(name));
    names.add(name);
  }
  const inputs = inputCount(columns);
  if (inputs !== network.inputs) refuseText("columns", `${network.inputs} inputs, as the network has`, `${inputs}`);
  if (task === "classification") {
    if (!areLabelsSound(classes)) refuseText("classes", "classes of one type, each once and in order", "others");
    if (classes.length < 2 || classes.length !== network.outputs || network.outputActivation !== "softmax") {
      refuseText("classes", `two at least, one for each of the network's ${network.outputs} outputs, and softmax`, `${classes.length} and ${network.outputActivation}`);
    }
    return { task, target, classes, columns, notes, ...run };
  }
  if (!(scale.deviation > 0)) refuseText("deviation", "a number above 0", `${scale.deviation}`);
  if (network.outputs !== 1 || network.outputActivation !== "linear") {
    refuseText("task", "classification, or a network with one linear output", `regression, ${network.outputs} and ${network.outputActivation}`);
  }
  return { task, target, ...scale, columns, notes, ...run };
}

function readColumn(value: JSONValue, place: string): Column {
  const column = new Entry(value, `${place}.`);
  const name = column.string("name");
  const kind = column.oneOf("kind", ["numeric", "text"]);
  if (kind === "numeric") {
    const numeric: Column = { name, kind, mean: column.number("mean"), deviation: column.number("deviation"), indicator: column.boolean("indicator") };
    column.end();
    if (!(numeric.deviation >= 0)) refuseText(`${place}.deviation`, "a number from 0 up", `${numeric.deviation}`);
    if (numeric.deviation === 0 && !numeric.indicator) refuseText(`${place}.deviation`, "a number above 0 where no value is missing", "0");
    return numeric;
  }
  const categories = column.list("categories").map((category, i) => checkCategory(category, `${place}.categories[${i}]`));
  const text: Column = { name, kind, categories, other: column.boolean("other") };
  column.end();
  const { length } = categories;
  if (length < 2 || length > MOST_CATEGORIES || new Set(categories).size !== length) {
    refuseText(`${place}.categories`, `2 to ${MOST_CATEGORIES} categories, each once`, `${length}, ${new Set(categories).size} of them different`);
  }
  if (text.other && length < MOST_CATEGORIES) refuseText(`${place}.other`, `false below ${MOST_CATEGORIES} categories`, "true");
  return text;
}

function checkLabel(value: JSONValue, place: string): Label {
  if (typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "string" || value.trim() !== value || isMissing(value)) return refuse(place, "a text, a number, true or false that is not missing", value);
  return value;
}

function checkCategory(value: JSONValue, place: string): string | null {
  if (value === null) return value;
  if (typeof value !== "string" || value.trim() !== value || isMissing(value)) return refuse(place, "a trimmed text, or null for missing cells", value);
  return value;
}

/** An object of the file; every key is taken once, and `end` refuses what is left. */
export class Entry {
  private readonly values: Map<string, JSONValue>;

  constructor(value: JSONValue, private readonly prefix: string) {
    if (!(value instanceof Map)) refuse(prefix === "" ? "" : prefix.slice(0, -1), "an object", value);
    this.values = new Map(value as ReadonlyMap<string, JSONValue>);
  }

  has(key: string): boolean {
    return this.values.has(key);
  }

  /** The object at a key, to be taken apart in turn. */
  entry(key: string): Entry {
    return new Entry(this.take(key), `${this.prefix}${key}.`);
  }

  refuse(key: string, expected: string, value: JSONValue): never {
    return refuse(this.prefix + key, expected, value);
  }

  take(key: string): JSONValue {
    const value = this.values.get(key);
    if (value === undefined) return refuseText(this.prefix + key, "a value", "none");
    this.values.delete(key);
    return value;
  }

  string(key: string): string {
    const value = this.take(key);
    return typeof value === "string" ? value : refuse(this.prefix + key, "a text", value);
  }

  number(key: string): number {
    const value = this.take(key);
    return typeof value === "number" ? value : refuse(this.prefix + key, "a number", value);
  }

  boolean(key: string): boolean {
    const value = this.take(key);
    return typeof value === "boolean" ? value : refuse(this.prefix + key, "true or false", value);
  }

  list(key: string): readonly JSONValue[] {
    const value = this.take(key);
    return Array.isArray(value) ? value : refuse(this.prefix + key, "a list", value);
  }

  oneOf<T extends string>(key: string, allowed: readonly T[]): T {
    const value = this.take(key);
    return allowed.includes(value as T) ? (value as T) : refuse(this.prefix + key, allowed.map((name) => `'${name}'`).join(" or "), value);
  }

  end(): void {
    for (const key of this.values.keys()) refuseText(this.prefix + describeValue(key), "no such key", "one");
  }
}

function refuse(place: string, expected: string, value: JSONValue): never {
  return refuseText(place, expected, value instanceof Map ? "an object" : describeValue(value));
}

function refuseText(place: string, expected: string, got: string): never {
  throw new ModelFormatError("badTabular", refusal(place === "" ? SUBJECT : `${SUBJECT}: ${place}`, expected, got));
}
