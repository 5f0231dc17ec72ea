// Line coverage of src/: of the tests that import it, and of the processes and workers that they start from dist/ (the command, the
// workers of comparisons), which V8 counts by itself and source maps lead back to src/.
//
//   node scripts/coverage.mjs [test files]
//
// Writes build/reliability/coverage.json with the lines that nothing runs. Every file of src/ counts, whether a test loads it or not.
// Lines that run in browsers only, or in the workers of fits (a script embedded as text), are counted as not run: nothing can see them
// there. Left out are tests that only start browsers, package managers or endless loops, or test kernels of assembly/: they would add no line.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { writeResult } from "./results.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = join(root, "build/coverage");
const processes = join(folder, "processes");
const GOAL = 95;
const LEFT_OUT = [
  "test/browser/**", "test/playground.test.ts", "test/lessons.test.ts", "test/package.test.ts", "test/environments.test.ts", "test/fuzz.test.ts", "test/memory.test.ts",
  "test/stream-script.test.ts", "test/kernels/**", "test/vmath.test.ts", "test/core-binary.test.ts",
];

function run(parameters, env = {}) {
  return spawnSync(process.execPath, parameters, { cwd: root, stdio: "inherit", env: { ...process.env, ...env } }).status === 0;
}

const DIGITS = new Map([..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"].map((digit, value) => [digit, value]));

/** The segments of a source map: place in the generated text, and in the source. */
function* segments({ mappings, sources }) {
  const state = [0, 0, 0, 0];                                          // column there; source, line and column here
  for (const [line, group] of mappings.split(";").entries()) {
    state[0] = 0;
    for (const text of group.split(",")) {
      let [field, value, shift] = [0, 0, 0];
      for (const digit of text) {
        const bits = DIGITS.get(digit);
        value |= (bits & 31) << shift;
        shift += 5;
        if (bits & 32) continue;
        if (field < 4) state[field] += value & 1 ? -(value >> 1) : value >> 1;
        [field, value, shift] = [field + 1, 0, 0];
      }
      if (field >= 4) yield { line, column: state[0], source: sources[state[1]], sourceLine: state[2] + 1, sourceColumn: state[3] };
    }
  }
}

/** Of each file of dist/ that a process ran: a byte for each character, 1 where one of the processes ran it. */
function ranIn(dist) {
  const ran = new Map();
  for (const name of existsSync(processes) ? readdirSync(processes) : []) {
    let report;
    try {
      report = JSON.parse(readFileSync(join(processes, name), "utf8"));
    } catch {
      continue;                                                        // its process was killed while it wrote
    }
    for (const { url, functions } of report.result) {
      if (!url.startsWith(dist)) continue;
      const file = fileURLToPath(url);
      if (!existsSync(file)) continue;
      const { length } = readFileSync(file, "utf8");
      const here = new Uint8Array(length);
      const ranges = functions.flatMap((one) => one.ranges).sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
      for (const { startOffset, endOffset, count } of ranges) here.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      const all = ran.get(file) ?? new Uint8Array(length);
      for (let i = 0; i < length; i++) all[i] |= here[i];
      ran.set(file, all);
    }
  }
  return ran;
}

/** The places in src/ that processes ran: for each file and line, the columns of what has run and of what has not. */
function placesRun() {
  const places = new Map();
  for (const [file, ran] of ranIn(pathToFileURL(join(root, "dist/")).href)) {
    const map = join(folder, "maps", `${relative(join(root, "dist"), file)}.map`);
    if (!existsSync(map)) continue;
    const starts = [0];
    const text = readFileSync(file, "utf8");
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
    for (const { line, column, source, sourceLine, sourceColumn } of segments(JSON.parse(readFileSync(map, "utf8")))) {
      const key = `${join(root, "dist", source)}:${sourceLine}`;
      if (!places.has(key)) places.set(key, []);
      places.get(key).push({ column: sourceColumn, ran: ran[starts[line] + column] === 1 });
    }
  }
  return places;
}

function main(parameters) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(processes, { recursive: true });
  if (!run(["scripts/build.mjs", "--all", "--no-check", "--maps"])) throw new Error("coverage: expected a build. See above");
  const setup = join(folder, "processes.ts");
  writeFileSync(setup, `process.env["NODE_V8_COVERAGE"] = ${JSON.stringify(processes)};\n`);   // for what a test starts, not for itself
  const passed = run(["node_modules/vitest/vitest.mjs", "run", ...parameters, "--coverage.enabled", "--coverage.include=src", "--coverage.reporter=json",
    "--coverage.reportOnFailure", "--coverage.clean=false", `--coverage.reportsDirectory=${folder}`, "--testTimeout=120000",
    ...LEFT_OUT.map((pattern) => `--exclude=${pattern}`)], { ROSENBLATT_SETUP: setup });
  const places = placesRun();
  const missed = {};
  let [total, imported, ran] = [0, 0, 0];
  for (const { path, statementMap, s } of Object.values(JSON.parse(readFileSync(join(folder, "coverage-final.json"), "utf8")))) {
    const lines = new Map();
    for (const [id, { start: { line, column } }] of Object.entries(statementMap)) {
      const next = (places.get(`${path}:${line}`) ?? []).filter((place) => place.column >= column).sort((a, b) => a.column - b.column);
      const outside = next.some((place) => place.column === next[0].column && place.ran);
      const known = lines.get(line) ?? { here: false, outside: false };
      lines.set(line, { here: known.here || s[id] > 0, outside: known.outside || outside });
    }
    const none = [...lines].filter(([, line]) => !line.here && !line.outside).map(([line]) => line).sort((a, b) => a - b);
    if (none.length > 0) missed[relative(root, path)] = none.join(" ");
    total += lines.size;
    imported += [...lines.values()].filter(({ here }) => here).length;
    ran += lines.size - none.length;
  }
  const percent = (100 * ran) / total;
  for (const [file, lines] of Object.entries(missed)) console.log(`${file}: ${lines}`);
  const figure = `${percent.toFixed(1)} % of ${total} lines (${((100 * imported) / total).toFixed(1)} % without the processes that tests start)`;
  console.log(passed ? figure : `${figure}; some tests failed`);
  if (parameters.length === 0) writeResult("coverage", { figure, passed: passed && percent >= GOAL, percent, missed });
  process.exitCode = passed && percent >= GOAL ? 0 : 1;
}

main(process.argv.slice(2));
