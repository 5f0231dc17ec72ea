// What a column of a table becomes as inputs of a network.
//
//   numeric   (x − mean) / deviation, both of the training part; a missing cell is the mean, thus 0, and where the training
//             part lacks values a second input says so with 1
//   text      one input a category, 1 for the cell's and 0 for the others; a missing cell is a category like any other; the
//             last input is "other": categories beyond the 100 most frequent, and those that training never saw
//
// Fitting looks at the kind of all rows but measures the training part alone. All of it is pure, in f64, with + − × ÷ and √.

import { describeValue, F32_OVERFLOW, refusal, wrongKind } from "../check.js";

/** One row of a table: its cells by the names of the columns. A column that a row does not have is missing there. */
export type Row = Readonly<Record<string, unknown>>;

/** A cell as it is worked on: undefined where it is missing, a text trimmed. */
export type Cell = string | number | boolean | undefined;

/** Standardised numbers: one input, and a second where `indicator` is set. A deviation of 0 makes the first always 0. */
export interface NumericColumn {
  readonly name: string;
  readonly kind: "numeric";
  readonly mean: number;
  readonly deviation: number;
  /** Whether the training part lacks values. */
  readonly indicator: boolean;
}

/** Categories, the most frequent first, null for missing cells; one input each, and one for all others. */
export interface TextColumn {
  readonly name: string;
  readonly kind: "text";
  readonly categories: readonly (string | null)[];
  /** Whether the training part has cells that are none of the categories. */
  readonly other: boolean;
}

export type Column = NumericColumn | TextColumn;

/** How messages name a cell: `rows[3].species`, or with the line of a file. */
export type Place = (row: number, column: string) => string;

/** The most categories of a text column that get an input of their own. */
export const MOST_CATEGORIES = 100;
/** A text column with more values than this, of which more than half the rows differ, names its rows and is left out. */
const MOST_DISTINCT = 20;

const MISSING: ReadonlySet<string> = new Set(["", "na", "n/a", "nan", "null", "?"]);
const LONGEST_MISSING = 4;
/** Each text matches in one way alone, so that a long one that fails at its end fails in linear time. */
const DECIMAL = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const DECIMAL_COMMA = /^[+-]?[0-9]+,[0-9]+$/;

/** Whether a trimmed text stands for no value. */
export function isMissing(text: string): boolean {
  return text.length <= LONGEST_MISSING && MISSING.has(text.toLowerCase());
}

/** The finite number that a trimmed decimal literal stands for, else NaN. No hexadecimal, no "Infinity". */
export function parseNumber(text: string): number {
  const value = DECIMAL.test(text) ? Number(text) : NaN;
  return value - value === 0 ? value + 0 : NaN;
}

/** The names of all columns, in the order in which the rows bring them. */
export function columnNames(rows: readonly Row[]): string[] {
  const names = new Set<string>();
  for (const row of rows) {
    for (const name of Object.keys(row)) names.add(name);
  }
  return [...names];
}

/**
 * The cell of a row.
 * @throws {TypeError} if it is neither a string, a finite number, a boolean nor missing
 */
export function readCell(rows: readonly Row[], index: number, name: string, place: Place): Cell {
  const row = rows[index];
  const value = Object.hasOwn(row, name) ? row[name] : undefined;
  switch (typeof value) {
    case "string": {
      const text = value.trim();
      return isMissing(text) ? undefined : text;
    }
    case "number":
      if (value - value === 0) return value + 0;
      if (value !== value) return undefined;
      break;
    case "boolean":
      return value;
    case "undefined":
      return undefined;
  }
  if (value === null) return undefined;
  throw wrongKind(place(index, name), "a text, a finite number, true, false or nothing", value);
}

/** The number of a cell, NaN if it is none (a missing cell too). */
export function numberOf(cell: Cell): number {
  return typeof cell === "number" ? cell : typeof cell === "string" ? parseNumber(cell) : NaN;
}

/**
 * Learns what each of the columns becomes: its kind from all rows, its figures from those of `training`.
 * @returns the columns that are of use, and a sentence for each that is left out or changed in a way one should know
 */
export function fitColumns(rows: readonly Row[], training: Uint32Array, names: readonly string[], place: Place): { columns: Column[]; notes: string[] } {
  const columns: Column[] = [];
  const notes: string[] = [];
  for (const name of names) {
    const column = isNumeric(rows, name, place, notes) ? fitNumeric(rows, training, name, place, notes) : fitText(rows, training, name, place, notes);
    if (column !== undefined) columns.push(column);
  }
  return { columns, notes };
}

/** Whether every cell that is not missing is a number; where more than half are, a note names the first that is none. */
function isNumeric(rows: readonly Row[], name: string, place: Place, notes: string[]): boolean {
  let numbers = 0;
  let cells = 0;
  let firstText = -1;
  for (let i = 0; i < rows.length; i++) {
    const cell = readCell(rows, i, name, place);
    if (cell === undefined) continue;
    cells++;
    const value = numberOf(cell);
    if (value === value) numbers++;
    else if (firstText < 0) firstText = i;
  }
  if (firstText < 0) return true;
  notes.push(...noteOnText(numbers, cells, readCell(rows, firstText, name, place), place(firstText, name)));
  return false;
}

/** A note on a column that one would expect to be numeric: more than half of its cells are numbers, `text` is the first that is none. */
export function noteOnText(numbers: number, cells: number, text: Cell, place: string): string[] {
  return numbers * 2 > cells ? [`${place}: ${describeValue(text)} is no number, as ${numbers} of ${cells} values are, so the column is taken as text`] : [];
}

function fitNumeric(rows: readonly Row[], training: Uint32Array, name: string, place: Place, notes: string[]): NumericColumn | undefined {
  const values = new Float64Array(training.length);
  let count = 0;
  for (const index of training) {
    const value = numberOf(readCell(rows, index, name, place));
    if (value === value) values[count++] = value;
  }
  const missing = training.length - count;
  if (count === 0) {
    notes.push(`column ${describeValue(name)} left out: it has no values`);
    return undefined;
  }
  const { mean, deviation } = standardOf(values.subarray(0, count));
  if (deviation === 0 && missing === 0) {
    notes.push(`column ${describeValue(name)} left out: it is always ${mean}`);
    return undefined;
  }
  if (missing > 0) notes.push(`column ${describeValue(name)}: ${missing} missing of ${training.length}, taken as the mean ${Number(mean.toPrecision(4))} and marked`);
  return { name, kind: "numeric", mean, deviation, indicator: missing > 0 };
}

/** Mean and population deviation, √(Σ(x − mean)²/n), exactly 0 if all values are equal. */
export function standardOf(values: Float64Array): { mean: number; deviation: number } {
  let largest = 0;
  let equal = true;
  for (const value of values) {
    largest = Math.max(largest, Math.abs(value));
    if (value !== values[0]) equal = false;
  }
  if (equal) return { mean: values[0], deviation: 0 };
  const plain = standardScaled(values, 1);
  if (plain.deviation > 0 && plain.deviation < Infinity) return plain;
  // Squares beyond the range of f64: once more with all values between −1 and 1.
  const { mean, deviation } = standardScaled(values, largest);
  return { mean: mean * largest, deviation: deviation * largest };
}

function standardScaled(values: Float64Array, scale: number): { mean: number; deviation: number } {
  let sum = 0;
  for (const value of values) sum += value / scale;
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value / scale - mean) * (value / scale - mean);
  return { mean, deviation: Math.sqrt(squares / values.length) };
}

function fitText(rows: readonly Row[], training: Uint32Array, name: string, place: Place, notes: string[]): TextColumn | undefined {
  const counts = new Map<string | null, number>();
  let commas = 0;
  for (const index of training) {
    const category = categoryOf(readCell(rows, index, name, place));
    counts.set(category, (counts.get(category) ?? 0) + 1);
    if (category !== null && DECIMAL_COMMA.test(category)) commas++;
  }
  if (commas * 2 > training.length) notes.push(`column ${describeValue(name)} is taken as text: its numbers have decimal commas, write them with points`);
  if (counts.size < 2) {
    const [only] = counts.keys();
    notes.push(`column ${describeValue(name)} left out: it ${only === null || only === undefined ? "has no values" : `is always ${describeValue(only)}`}`);
    return undefined;
  }
  if (counts.size > MOST_DISTINCT && counts.size * 2 > training.length) {
    notes.push(`column ${describeValue(name)} left out: it is text with ${counts.size} different values in ${training.length} rows`);
    return undefined;
  }
  const byCount = [...counts].sort(([a, m], [b, n]) => n - m || compareText(a ?? "", b ?? ""));
  const categories = byCount.slice(0, MOST_CATEGORIES).map(([category]) => category);
  const rest = byCount.slice(MOST_CATEGORIES).reduce((sum, [, count]) => sum + count, 0);
  if (rest > 0) {
    notes.push(`column ${describeValue(name)}: ${counts.size} categories, the ${MOST_CATEGORIES} most frequent kept, the others (${rest} rows) taken as one`);
  }
  return { name, kind: "text", categories, other: rest > 0 };
}

/** The category of a cell: its text, null where it is missing; a number and its literal are the same. */
function categoryOf(cell: Cell): string | null {
  return cell === undefined ? null : String(cell);
}

/** By UTF-16 code units, as `<` compares: the same order in every locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How many inputs the columns become. */
export function inputCount(columns: readonly Column[]): number {
  return columns.reduce((sum, column) => sum + columnWidth(column), 0);
}

/** How many inputs a column becomes. */
export function columnWidth(column: Column): number {
  return column.kind === "text" ? column.categories.length + 1 : column.indicator ? 2 : 1;
}

/** The inputs that are 0 in the whole training part, whose weights must start at 0 since no training would ever move them. */
export function unseenInputs(columns: readonly Column[]): number[] {
  const inputs: number[] = [];
  let begin = 0;
  for (const column of columns) {
    const width = columnWidth(column);
    if (column.kind === "text" && !column.other) inputs.push(begin + width - 1);
    if (column.kind === "numeric" && column.deviation === 0) inputs.push(begin);
    begin += width;
  }
  return inputs;
}

/** A name for each input: `age`, `age: missing`, `city: Rome`, `city: other`. */
export function inputNames(columns: readonly Column[]): string[] {
  return columns.flatMap((column) =>
    column.kind === "numeric"
      ? column.indicator ? [column.name, `${column.name}: missing`] : [column.name]
      : [...column.categories.map((category) => `${column.name}: ${category ?? "missing"}`), `${column.name}: other`],
  );
}

/**
 * The inputs of the rows at `indices` (of all if it is undefined), row-major.
 * @throws {TypeError} for a text in a numeric column
 * @throws {RangeError} for a number so far from the training part that it is not finite in f32
 */
export function transformRows(columns: readonly Column[], rows: readonly Row[], indices: Uint32Array | undefined, place: Place): Float32Array {
  const width = inputCount(columns);
  const count = indices === undefined ? rows.length : indices.length;
  const inputs = new Float32Array(count * width);
  let begin = 0;
  for (const column of columns) {
    const { name } = column;
    const inputOf = column.kind === "text" ? new Map(column.categories.map((category, i) => [category, i])) : undefined;
    for (let i = 0; i < count; i++) {
      const index = indices === undefined ? i : indices[i];
      const cell = readCell(rows, index, name, place);
      const at = i * width + begin;
      if (column.kind === "text") {
        inputs[at + (inputOf!.get(categoryOf(cell)) ?? column.categories.length)] = 1;
      } else if (cell === undefined) {
        if (column.indicator) inputs[at + 1] = 1;
      } else {
        const value = numberOf(cell);
        if (value !== value) throw wrongKind(place(index, name), "a number or nothing, as in the training data", cell);
        const standardised = column.deviation === 0 ? 0 : (value - column.mean) / column.deviation;
        if (!(Math.abs(standardised) < F32_OVERFLOW)) {
          const expected = `a number less than 3.4e38 deviations (${column.deviation}) from the mean (${column.mean})`;
          throw new RangeError(refusal(place(index, name), expected, describeValue(value)));
        }
        inputs[at] = standardised;
      }
    }
    begin += columnWidth(column);
  }
  return inputs;
}
