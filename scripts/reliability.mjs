// Makes RELIABILITY.md: one table of what was measured, each figure beside the command that measures it.
//
//   node scripts/reliability.mjs
//
// Each command keeps its figure in reliability/<name>.json (scripts/results.mjs): `figure`, `passed`, `date`, `node`, `seconds`. What was never run says so.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { keptResult, writeResult } from "./results.mjs";

/** Name of the result, what is claimed, and the command in its long form. */
export const ROWS = [
  ["reproduce", "the same bytes on every engine, machine and number of threads", "npm run reproduce"],
  ["ulp", "errors of functions over all 2³² floats", "npm run ulp"],
  ["fuzz", "changed model files: refused by a `ModelFormatError` or sound, and nothing else", "npm run fuzz -- --files 10000000"],
  ["kills", "trainings killed (SIGKILL) at random moments and resumed from their last checkpoint", "npm run kills"],
  ["worker-kills", "workers killed, throwing, exiting, hanging at random moments: no hang, no wrong byte, the cause told", "npm run kills:workers"],
  ["checked", "calls of kernels whose every load and store is checked", "npm run checked"],
  ["faults", "planted faults that the tests notice", "npm run faults"],
  ["properties", "properties of the public API", "npm run properties"],
  ["mutation", "mutants of src/ that the tests notice", "npm run mutate"],
  ["coverage", "lines of src/ that the tests run", "npm run coverage"],
  ["memory", "memory of 3,000 networks, made, trained and dropped in one process", "node scripts/memory.mjs"],
];

/** The report of the coverage command as a result of ours. */
function takeCoverage() {
  const summary = fileURLToPath(new URL("../build/coverage/coverage-summary.json", import.meta.url));
  if (!existsSync(summary)) return;
  const { lines: { pct } } = JSON.parse(readFileSync(summary, "utf8")).total;
  writeResult("coverage", { figure: `${pct} %`, passed: pct >= 95, seconds: undefined });
}

/** A time as a reader takes it in: 45 s, 12 min, 1.5 h. */
export function duration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** @param result what is kept of that name, or undefined */
export function rowOf([, claim, command], result) {
  if (result === undefined) return `| ${claim} | not measured | \`${command}\` | |`;
  const { figure, passed, date, node, seconds } = result;
  const plain = figure.replaceAll("|", "\\|").replaceAll("\n", " ");
  return `| ${claim} | ${passed ? "" : "**FAILED** "}${plain} | \`${command}\` | ${[date, `Node ${node.slice(1)}`, ...(seconds === undefined ? [] : [duration(seconds)])].join(", ")} |`;
}

/** The whole document. */
export function documentOf(results) {
  return `# Reliability

Each figure was measured by the command beside it, on a virtual machine of two cores that other work shared: the times are those of the run on the wall
clock. A command keeps the figure of its longest run in \`reliability/\`; \`node scripts/reliability.mjs\` makes this table from there. Short forms
of most of them run in \`npm test\`.

| what | figure | command | measured |
|---|---|---|---|
${ROWS.map((row) => rowOf(row, results(row[0]))).join("\n")}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  takeCoverage();
  writeFileSync(fileURLToPath(new URL("../RELIABILITY.md", import.meta.url)), documentOf(keptResult));
}
