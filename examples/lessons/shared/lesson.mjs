// What the lessons have in common: a notebook that keeps what a lesson prints and the figures in it by name, how numbers are written, and what happens when
// a lesson is run by itself.

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Collects the lines that a lesson prints. A figure that the text of the lesson uses is printed through `figure`, which gives it a name. */
export function notebook() {
  const figures = {};
  const lines = [];
  return {
    figures,
    print(...more) {
      lines.push(...more);
    },
    figure(name, text) {
      if (name in figures) throw new Error(`figure '${name}': expected a new name, got one that is taken`);
      return (figures[name] = text);
    },
    output() {
      return lines.map((line) => line.trimEnd()).join("\n");
    },
  };
}

/** A number with so many digits behind the point; never "-0.00". */
export function fixed(value, digits = 2) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** A number of any size with so many digits in all: 12.3, 0.0123, 1.23e-9. */
export function digits(value, count = 3) {
  const size = Math.abs(value);
  return value !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(count - 1) : String(Number(value.toPrecision(count)));
}

export function percent(share, places = 0) {
  return `${fixed(100 * share, places)} %`;
}

/** Rows of cells, the first column to the left, the others to the right. */
export function table(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join("  "));
}

/** Prints the lesson where its file is what Node was started with. */
export async function runIfMain(url, lesson) {
  if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(url))) console.log((await lesson()).output);
}
