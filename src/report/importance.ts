// Which columns a model goes by: how much worse it does on rows in which one column's cells have changed places (permutation
// importance; Breiman 2001, https://doi.org/10.1023/A:1010933404324). The orders are drawn from the seed.

import type { Network } from "../index.js";
import { permutation } from "../random.js";
import { columnWidth } from "../tabular/columns.js";
import type { Preparation } from "../tabular/preparation.js";

export interface Importance {
  readonly name: string;
  /** By how much the measure (accuracy, R²) falls, in the mean over the repeats. */
  readonly value: number;
  /** Over the repeats. */
  readonly deviation: number;
}

export interface ImportanceOptions {
  readonly seed: number;
  /** Accuracy of class indices, or R² of standardised numbers: the more the better. */
  score(outputs: Float32Array): number;
}

const REPEATS = 5;
/** Rows predicted for all columns together, at most; more columns have fewer rows. */
const MOST_PREDICTIONS = 4e6;
/** A fall below this is that of sums in another order. */
const ROUNDING = 1e-12;
/** Of the generator's stream "split": 0 and 1 draw the parts. */
const FIRST_ORDER = 2;

/** The rows on which importance is taken: all, or so many of the first that it does not take long. */
export function importanceRows(columns: number, rows: number): number {
  return Math.min(rows, Math.max(50, Math.floor(MOST_PREDICTIONS / (columns * REPEATS))));
}

/** The columns, the most important first. `inputs` are the rows as the network takes them. */
export async function importanceOf(network: Network, { columns }: Preparation, inputs: Float32Array, { seed, score }: ImportanceOptions): Promise<Importance[]> {
  const width = network.inputs;
  const rows = inputs.length / width;
  const whole = score(network.predict(inputs));
  const changed = inputs.slice();
  const result: Importance[] = [];
  let begin = 0;
  for (const [index, column] of columns.entries()) {
    const end = begin + columnWidth(column);
    const falls: number[] = [];
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      const order = await permutation(rows, seed, "split", FIRST_ORDER + index * REPEATS + repeat);
      for (let row = 0; row < rows; row++) {
        for (let input = begin; input < end; input++) changed[row * width + input] = inputs[order[row] * width + input];
      }
      falls.push(whole - score(network.predict(changed)));
    }
    for (let row = 0; row < rows; row++) {
      for (let input = begin; input < end; input++) changed[row * width + input] = inputs[row * width + input];
    }
    const value = falls.reduce((sum, fall) => sum + fall, 0) / REPEATS;
    const deviation = Math.sqrt(falls.reduce((sum, fall) => sum + (fall - value) * (fall - value), 0) / REPEATS);
    const isRounding = Math.abs(value) < ROUNDING;
    result.push({ name: column.name, value: isRounding ? 0 : value, deviation });
    begin = end;
  }
  return result.sort((a, b) => b.value - a.value || (a.name < b.name ? -1 : 1));
}
