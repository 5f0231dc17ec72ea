// The target column: whether it asks for a class or for a number, which rows have it, and what the network learns in its
// place: the index of the class, or the number standardised by mean and deviation of the training part.

import { describeValue, didYouMean, refusal, wrongKind } from "../check.js";
import { columnNames, compareText, noteOnText, numberOf, readCell, standardOf } from "./columns.js";
import type { Cell, Place, Row } from "./columns.js";

export type Task = "classification" | "regression";

/** A class as the rows give it: a text, or where all are such a number or a boolean. */
export type Label = string | number | boolean;

/** What the target column holds. */
export interface Target {
  readonly task: Task;
  /** The rows that have a target, in order. */
  readonly kept: Uint32Array;
  /** For each of them the index of its class, or the number. */
  readonly values: Float64Array;
  /** Numbers in ascending order, texts by code units, false before true; none for a regression. */
  readonly labels: readonly Label[];
  /** What one should know of it, a sentence each. */
  readonly notes: readonly string[];
}

/** The most distinct integers that are taken as classes. */
const MOST_INTEGERS = 20;

/**
 * Reads the target of all rows and decides on the task, unless it is given: classification where the target is text, boolean
 * or at most 20 distinct integers, else regression.
 * @throws {RangeError} if the column does not exist, or holds fewer than two classes or different numbers
 * @throws {TypeError} if a regression is asked for and a target is no number
 */
export function readTarget(rows: readonly Row[], name: string, task: Task | undefined, place: Place): Target {
  const cells: Cell[] = [];
  const kept: number[] = [];
  for (let i = 0; i < rows.length; i++) {
    const cell = readCell(rows, i, name, place);
    if (cell === undefined) continue;
    kept.push(i);
    cells.push(cell);
  }
  if (kept.length === 0) {
    const names = columnNames(rows);
    if (names.includes(name)) throw new RangeError(refusal(`target ${describeValue(name)}`, "a row with a value at least", "none"));
    throw new RangeError(refusal("target", "the name of a column", describeValue(name), didYouMean(name, names)));
  }
  const numbers = Float64Array.from(cells, numberOf);
  const firstText = numbers.findIndex((value) => value !== value);
  if ((task ?? decideTask(cells, numbers, firstText)) === "regression") {
    if (firstText >= 0) {
      throw wrongKind(place(kept[firstText], name), "a number, since the task is regression", cells[firstText], "Leave the task out, or set it to classification");
    }
    if (numbers.every((value) => value === numbers[0])) throw tooUniform(name, "numbers that differ", cells[0]);
    return { task: "regression", kept: Uint32Array.from(kept), values: numbers, labels: [], notes: [] };
  }
  const labels = labelsOf(cells);
  if (labels.length < 2) throw tooUniform(name, "two classes at least", cells[0]);
  const indexOf = labelIndex(labels);
  const count = numbers.filter((value) => value === value).length;
  const notes = task === undefined && firstText >= 0 ? noteOnText(count, cells.length, cells[firstText], place(kept[firstText], name)) : [];
  return { task: "classification", kept: Uint32Array.from(kept), values: Float64Array.from(cells, (cell) => indexOf(cell!)), labels, notes };
}

function tooUniform(name: string, expected: string, only: Cell): RangeError {
  return new RangeError(refusal(`target ${describeValue(name)}`, expected, `${describeValue(only)} alone`));
}

function decideTask(cells: readonly Cell[], numbers: Float64Array, firstText: number): Task {
  if (firstText >= 0 || cells.some((cell) => typeof cell === "boolean")) return "classification";
  const distinct = new Set<number>();
  for (const value of numbers) {
    if (!Number.isInteger(value)) return "regression";
    distinct.add(value);
    if (distinct.size > MOST_INTEGERS) return "regression";
  }
  return "classification";
}

/** The distinct labels in their order: numbers or booleans where all cells are, else the texts as the cells have them. */
function labelsOf(cells: readonly Cell[]): Label[] {
  const type = typeof cells[0];
  const same = cells.every((cell) => typeof cell === type);
  return sortLabels([...new Set(cells.map((cell) => (same ? cell! : String(cell))))]);
}

/** Whether all labels are numbers, or texts as numbers are written ("9", not "09" or "9.0"), so that they are ordered and compared as such. */
function areNumbers(labels: readonly Label[]): boolean {
  return labels.every((label) => String(numberOf(label)) === String(label));
}

function sortLabels(labels: Label[]): Label[] {
  return labels.sort(areNumbers(labels) ? (a, b) => numberOf(a) - numberOf(b) : (a, b) => compareText(String(a), String(b)));
}

/** The index of a cell's class among the labels, -1 if it is none of them. */
export function labelIndex(labels: readonly Label[]): (cell: Label) => number {
  const numeric = areNumbers(labels);
  const keyOf = (label: Label): string => String(numeric ? numberOf(label) : label);
  const indices = new Map(labels.map((label, i) => [keyOf(label), i]));
  return (cell) => indices.get(keyOf(cell)) ?? -1;
}

/** Whether labels are what `readTarget` may give: all of one type, each once, in order. */
export function areLabelsSound(labels: readonly Label[]): boolean {
  const sorted = sortLabels([...labels]);
  const indexOf = labelIndex(labels);
  return labels.every((label, i) => label === sorted[i] && typeof label === typeof labels[0] && indexOf(label) === i);
}

/** Mean and deviation of a regression's target in the training part; 1 for a deviation of 0. */
export function fitScale(values: Float64Array): { mean: number; deviation: number } {
  const { mean, deviation } = standardOf(values);
  return { mean, deviation: deviation === 0 ? 1 : deviation };
}
