// The data of a state, ready for fit: made by a formula (generators.js), or read from a table: the digits, or the user's own CSV, which is parsed
// here in the worker and goes nowhere. A table's text columns become one input a category and numbers are standardised, as rosenblatt/tabular does.

import { columnNames, fitColumns, inputNames, transformRows } from "../../src/tabular/columns.js";
import { readCSV } from "../../src/tabular/csv.js";
import { fitScale, readTarget } from "../../src/tabular/target.js";
import * as generators from "./generators.js";
import type { Pair, Part } from "./generators.js";
import type { State } from "./state.js";

export type Task = "binary" | "classes" | "regression";

export interface Data {
  readonly task: Task;
  readonly inputs: number;
  readonly outputs: number;
  readonly training: Part;
  readonly test: Part;
  /** Names of the inputs and the classes. */
  readonly names: readonly string[];
  readonly labels: readonly string[];
  /** What standardised the inputs: of a plane's points (x − mean) / deviation. */
  readonly means: readonly number[];
  readonly deviations: readonly number[];
  /** Rows of a table that is too long to be used whole: those used, and all. */
  readonly cut?: readonly [number, number];
}

/** A text of CSV and the column that is to be predicted. */
export interface Table {
  readonly text: string;
  readonly target: string;
}

/** What fit and evaluate take: flat, so that they are checked and copied quickly. */
export interface Samples {
  readonly count: number;
  readonly inputs: Float32Array;
  readonly targets: Float32Array;
}

/** @param rows whether classes are rows of one 1 among zeros, as all outputs but softmax want them */
export function samplesOf({ inputs, targets }: Part, outputs: number, rows: boolean, most = Infinity): Samples {
  const count = Math.min(targets.length, most);
  const width = inputs[0].length;
  const flat = new Float32Array(count * width);
  for (let i = 0; i < count; i++) flat.set(inputs[i], i * width);
  if (!rows || outputs === 1) return { count, inputs: flat, targets: Float32Array.from(targets.slice(0, count)) };
  const ones = new Float32Array(count * outputs);
  for (let i = 0; i < count; i++) ones[i * outputs + targets[i]] = 1;
  return { count, inputs: flat, targets: ones };
}

/** Rows of a table that are used at most, drawn by the data seed. */
const MOST_ROWS = 20_000;

function madeByFormula(state: State): Data {
  const name = state.data as "xor";
  const random = generators.randomFrom(state.dataSeed);
  const pairs = generators[name](state.samples, state.noise, random, state.classes);
  const task: Task = state.data === "wave" || state.data === "hills" ? "regression" : state.data === "blobs" && state.classes > 2 ? "classes" : "binary";
  const { training, test, means, deviations } = generators.split(pairs, state.split / 100, state.scale);
  const inputs = pairs[0][0].length;
  const classes = task === "classes" ? state.classes : 2;
  return {
    task, inputs, outputs: task === "classes" ? classes : 1, training, test, names: inputs === 1 ? ["x"] : ["x", "y"],
    labels: task === "regression" ? [] : Array.from({ length: classes }, (_, i) => String(i)),
    means: state.scale ? means : means.map(() => 0), deviations: state.scale ? deviations : deviations.map(() => 1),
  };
}

async function digits(state: State, text: string): Promise<Data> {
  const rows = await readCSV(text);
  const pairs: Pair[] = rows.map((row) => {
    const values = Object.values(row).map(Number);
    return [values.slice(0, 64).map((value) => value / (state.scale ? 16 : 1)), values[64]];
  });
  const { training, test } = generators.split(generators.shuffled(pairs, generators.randomFrom(state.dataSeed)), state.split / 100, false);
  const names = Array.from({ length: 64 }, (_, i) => `${Math.floor(i / 8) + 1}·${(i % 8) + 1}`);
  return { task: "classes", inputs: 64, outputs: 10, training, test, names, labels: [..."0123456789"], means: [], deviations: [] };
}

/** @throws {Error} in words of rosenblatt/tabular, for a text that is no table or a target that cannot be learned */
async function table(state: State, { text, target }: Table): Promise<Data> {
  const all = await readCSV(/[\n\r]/.test(text) ? text : `${text}\n`);
  if (all.length === 0) throw new Error("CSV: expected rows below the header line, got none");
  const rows = all.length > MOST_ROWS ? generators.shuffled(all, generators.randomFrom(state.dataSeed)).slice(0, MOST_ROWS) : all;
  const place = (row: number, column: string): string => `row ${row + 1}, column ${column}`;
  const read = readTarget(rows, target, undefined, place);
  const order = Uint32Array.from(generators.shuffled([...read.kept.keys()], generators.randomFrom(state.dataSeed)));
  const boundary = Math.max(1, Math.min(order.length - 1, Math.round((order.length * state.split) / 100)));
  const kept = order.map((i) => read.kept[i]);
  const { columns } = fitColumns(rows, kept.subarray(0, boundary), columnNames(rows).filter((name) => name !== target), place);
  const names = inputNames(columns);
  if (names.length === 0) throw new Error("CSV: expected a column of use beside the target, got none");
  const unscaled = columns.map((column) => (column.kind === "numeric" && !state.scale ? { ...column, mean: 0, deviation: 1 } : column));
  const { mean, deviation } = read.task === "regression" ? fitScale(Float64Array.from(order.subarray(0, boundary), (i) => read.values[i])) : { mean: 0, deviation: 1 };
  const part = (from: number, to: number): Part => {
    const flat = transformRows(unscaled, rows, kept.subarray(from, to), place);
    const inputs = Array.from({ length: to - from }, (_, i) => Array.from(flat.subarray(i * names.length, (i + 1) * names.length)));
    return { inputs, targets: Array.from(order.subarray(from, to), (i) => (read.values[i] - mean) / deviation) };
  };
  const labels = read.labels.map(String);
  const task: Task = read.task === "regression" ? "regression" : labels.length === 2 ? "binary" : "classes";
  return {
    task, inputs: names.length, outputs: task === "classes" ? labels.length : 1, names, labels,
    training: part(0, boundary), test: part(boundary, order.length), means: names.map(() => 0), deviations: names.map(() => 1),
    ...(all.length > rows.length ? { cut: [rows.length, all.length] as const } : {}),
  };
}

export async function makeData(state: State, source: { digits?: string; table?: Table }): Promise<Data> {
  if (state.data === "digits") return digits(state, source.digits ?? "");
  if (state.data === "table") return table(state, source.table ?? { text: "", target: "" });
  return madeByFormula(state);
}
