// The table of errors for README.md, from what measure() found of each function.
//
//   node scripts/ulp/table.mjs build/ulp.json [--write]     prints the table of a sweep, or puts it between the marks in README.md
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { PLACES, promises } from "./measure.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const [BEGIN, END] = ["<!-- numbers:ulp -->", "<!-- numbers:ulp end -->"];

const titles = { geluTanh: "gelu, tanh form" };
const titleOf = (name) => titles[name] ?? name.replace(/^(.*)Derivative$/, (_, of) => `${titles[of] ?? of} ′`);
/** Rounded upwards: what is printed is never below what was found. */
const upwards = (value) => (Math.ceil(value * 100) / 100).toFixed(2);

/** @param {object[]} rows what measure() found, a function each; @returns {string} Markdown */
export function table(rows) {
  const lines = rows.map(({ name, worst, at, worstOutside, worstAbsolute, descents, asymmetries }) => {
    const { ulp, absolute, odd, monotonic } = promises[name];
    const bound = `${ulp} ulp${absolute ? ` or ${absolute}` : ""}`;
    const proven = [odd && asymmetries === 0 ? "odd" : "", monotonic && descents === 0 ? "monotonic" : ""].filter(Boolean).join(", ");
    const error = absolute ? `${upwards(worstOutside)} ulp above ${absolute}, absolute ${worstAbsolute.toExponential(1)}` : `${upwards(worst)} ulp at ${Number(at.toPrecision(6))}`;
    return `| ${titleOf(name)} | ${bound} | ${error} | ${proven} |`;
  });
  return ["| function | promised | greatest error | over all floats |", "|---|---|---|---|", ...lines].join("\n");
}

/** Puts the table of what was swept over all floats into README.md. @throws {Error} unless all functions but softsign and the derivatives are among it */
export function writeTable(found) {
  const rows = found.filter(({ stride, tried }) => stride === 1 && tried === PLACES);
  const missing = Object.keys(promises).filter((name) => !/^softsign|Derivative$/.test(name) && !rows.some((row) => row.name === name));
  if (missing.length > 0) throw new Error(`ulp: expected a sweep of all floats for the table, got none of ${missing.join(", ")}. Leave --stride and names out`);
  const file = join(root, "README.md");
  const text = readFileSync(file, "utf8");
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`ulp: expected ${BEGIN} and ${END} in README.md, got none`);
  writeFileSync(file, `${text.slice(0, begin + BEGIN.length)}\n\n${table(rows)}\n\n${text.slice(end)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rows = JSON.parse(readFileSync(process.argv[2], "utf8"));
  if (process.argv.includes("--write")) writeTable(rows);
  else console.log(table(rows));
}
