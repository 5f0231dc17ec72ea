// npm run ulp [-- --stride N] [--write] [name …]
//
// Holds each function of assembly/vmath.ts against its f64 reference over all 2³² floats (stride 1, one to four minutes a function) or every N-th, and
// prints the greatest error in ulp and where, the greatest error in ulp where the absolute error is above the promised one, and what breaks a promise:
// errors beyond the bound, descents of a monotonic function, asymmetries of an odd one, wrong specials, NaN that is lost; then the table of all, which
// --write puts into README.md. Ends with 1 if a promise is broken. build/ulp.json has what was found so far; reliability/ulp.json keeps, of each function,
// what the sweep over most floats found, as long as the binary is the same. The short form, every 2503rd float and all floats near the edges of the
// formulas, is test/vmath.test.ts.
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { keptResult, writeResult } from "../results.mjs";
import { compile, instantiate } from "./compile.mjs";
import { measure, PLACES, promises } from "./measure.mjs";
import { wrongSpecials } from "./specials.mjs";
import { table, writeTable } from "./table.mjs";

const args = process.argv.slice(2);
const write = args.includes("--write");
if (write) args.splice(args.indexOf("--write"), 1);
const at = args.indexOf("--stride");
const stride = at < 0 ? 1 : Number(args.splice(at, 2)[1]);
if (!(Number.isInteger(stride) && stride >= 1)) throw new RangeError(`--stride: expected a whole number from 1, got ${stride}`);
for (const name of args) if (!(name in promises)) throw new RangeError(`expected one of ${Object.keys(promises).join(", ")}, got ${name}`);

/** Writes what was found of each function beside what earlier runs found in the same binary. */
function keep() {
  const of = createHash("sha256").update(compile()).digest("hex").slice(0, 16);
  const earlier = keptResult("ulp");
  const all = new Map(earlier?.of === of ? earlier.rows.map((row) => [row.name, row]) : []);
  for (const row of rows) if (row.tried >= (all.get(row.name)?.tried ?? 0)) all.set(row.name, row);
  const sorted = Object.keys(promises).flatMap((name) => all.get(name) ?? []);
  const whole = sorted.filter(({ tried }) => tried === PLACES);
  const rest = sorted.filter(({ tried }) => tried !== PLACES);
  const told = (whole.length > 0 ? whole : rest).map(({ name, worst, worstOutside }) => `${name} ${(Math.ceil((promises[name].absolute ? worstOutside : worst) * 100) / 100).toFixed(2)}`);
  const passed = sorted.every(({ broken }) => broken.length === 0);
  writeResult("ulp", {
    figure: `${whole.length} of ${Object.keys(promises).length} functions and derivatives over all floats`
      + `${rest.length > 0 ? `, ${rest.length} over every ${Math.max(...rest.map((row) => row.stride))}th alone` : ""}; greatest error in ulp: ${told.join(", ")}; ${passed ? "no promise broken" : sorted.filter(({ broken }) => broken.length > 0).map(({ name }) => name).join(", ")}`,
    passed, of, seconds: Math.round(sorted.reduce((sum, { seconds }) => sum + seconds, 0)), rows: sorted,
  });
}

const core = instantiate();
let failed = 0;
const rows = [];
for (const name of args.length ? args : Object.keys(promises)) {
  const began = performance.now();
  const found = measure(core, name, stride);
  const specials = wrongSpecials(core, name, stride);
  const { ulp, absolute } = promises[name];
  const outside = `${found.worstOutside.toFixed(3)} ulp at ${found.outsideAt} where the error is above ${absolute}`;
  console.log(
    `${name.padEnd(19)} ${found.worst.toFixed(3)} ulp at ${found.at}` +
      (absolute ? `; ${outside}; absolute ${found.worstAbsolute.toExponential(2)} at ${found.absoluteAt}` : "") +
      `  (${found.tried} floats, ${((performance.now() - began) / 1000).toFixed(0)} s)`,
  );
  const broken = [
    [found.beyond, `beyond ${ulp} ulp${absolute ? ` or ${absolute}` : ""}, first at ${found.firstBeyond}`],
    [found.descents, `descents, first at ${found.firstDescent}`],
    [found.asymmetries, `asymmetries, first at ${found.firstAsymmetry}`],
    [specials.length, `wrong specials: ${specials.slice(0, 8).join("; ")}`],
  ].filter(([count]) => count > 0);
  for (const [count, what] of broken) console.log(`  BROKEN: ${count} ${what}`);
  failed += broken.length;
  rows.push({ ...found, stride, seconds: (performance.now() - began) / 1000, broken: broken.map(([count, what]) => `${count} ${what}`) });
  writeFileSync(join(dirname(fileURLToPath(import.meta.url)), "..", "..", "build", "ulp.json"), JSON.stringify(rows));
  keep();
}
console.log(`\n${table(rows)}`);
if (write) writeTable(rows);
process.exitCode = failed ? 1 : 0;
