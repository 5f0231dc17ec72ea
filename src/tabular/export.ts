// A table's model for other programs: the network between its preparation, as an ES module or as an ONNX model.
//
//   numeric column ─ (x − mean) / deviation ─▶ network ─▶ probabilities, or output · deviation + mean
//
// The inputs are those of the network, in its order, with numeric columns as the table has them: a value that is missing is NaN. Indicators of
// missing values and the inputs of text columns stay inputs, 0 or 1; the metadata says which input is what, so that a caller can fill them.

import { describeValue, refusal } from "../check.js";
import { moduleSource } from "../files/module.js";
import { portableOf } from "../files/portable.js";
import { writeONNX } from "../onnx/export.js";
import type { PreparedNetwork } from "./predict.js";
import type { Preparation } from "./preparation.js";

/** What an input stands for: the number of a column; 1 where that is missing; 1 for one category (null: a missing cell) or for all others. */
export type InputMeaning =
  | { readonly column: string }
  | { readonly column: string; readonly missing: true }
  | { readonly column: string; readonly category: string | null }
  | { readonly column: string; readonly other: true };

interface Input {
  readonly meaning: InputMeaning;
  readonly scale: { readonly mean: number; readonly deviation: number } | undefined;
}

function inputsOf({ columns }: Preparation): Input[] {
  return columns.flatMap((column): Input[] => {
    const { name } = column;
    const plain = (meaning: InputMeaning): Input => ({ meaning, scale: undefined });
    if (column.kind === "text") return [...column.categories.map((category) => plain({ column: name, category })), plain({ column: name, other: true })];
    // of a deviation of 0 nothing but whether a value is missing is of use
    const scale = { mean: column.mean, deviation: column.deviation === 0 ? Infinity : column.deviation };
    return [{ meaning: { column: name }, scale }, ...(column.indicator ? [plain({ column: name, missing: true })] : [])];
  });
}

/** The source of a module: `predict(input)` of raw columns, flat, and `inputs`, `task`, `target` and `classes` beside it. Preparation and scale are in f64. */
export function tabularModule({ network, preparation }: PreparedNetwork, subject: string): string {
  const inputs = inputsOf(preparation);
  const { task, target } = preparation;
  return moduleSource(portableOf(network, subject), subject, {
    columns: inputs.map(({ scale }) => scale),
    scale: preparation.task === "regression" ? preparation : undefined,
    metadata: { task, target, ...(preparation.task === "classification" ? { classes: preparation.classes } : {}), inputs: inputs.map(({ meaning }) => meaning) },
  });
}

/**
 * The bytes of an ONNX model in f32 with the preparation as nodes; the same metadata as JSON under the keys inputs, task, target and classes.
 * @throws {RangeError} if a mean or deviation has no f32
 */
export function tabularONNX({ network, preparation }: PreparedNetwork, subject: string): Uint8Array {
  const inputs = inputsOf(preparation);
  const { task, target } = preparation;
  const finite = (place: string, value: number): number => {
    if (Number.isFinite(Math.fround(value)) && (value === 0 || Math.fround(value) !== 0)) return value;
    throw new RangeError(refusal(`${subject}: ${place}`, "a mean and a deviation that f32 can hold, as ONNX needs them", `${value}`, "Export it as a module, which computes them in f64"));
  };
  inputs.forEach(({ meaning, scale }) => {
    const place = `column ${describeValue(meaning.column)}`;
    finite(place, scale?.mean ?? 0);
    if (scale?.deviation !== Infinity) finite(place, scale?.deviation ?? 1);
  });
  if (preparation.task === "regression") [preparation.mean, preparation.deviation].forEach((value) => finite(`target ${describeValue(target)}`, value));
  return writeONNX(portableOf(network, subject), subject, {
    means: Float64Array.from(inputs, ({ scale }) => scale?.mean ?? 0),
    deviations: Float64Array.from(inputs, ({ scale }) => scale?.deviation ?? 1),
    scale: preparation.task === "regression" ? preparation : undefined,
    metadata: {
      inputs: JSON.stringify(inputs.map(({ meaning }) => meaning)), task, target: JSON.stringify(target),
      ...(preparation.task === "classification" ? { classes: JSON.stringify(preparation.classes) } : {}),
    },
  });
}
