// Makes RELIABILITY.md: one table of what was measured, each figure beside the command that measures it.
//
//   node scripts/reliability.mjs
//
// Each command leaves build/reliability/<name>.json (scripts/results.mjs): `figure`, `passed`, `date`, `node`. What has not been run
// on this machine keeps the row that RELIABILITY.md has.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { folder, writeResult } from "./results.mjs";

/** Name of the result, what is claimed, and the command. */
const ROWS = [
  ["reproduce", "the same bytes on every engine, machine and number of threads", "npm run reproduce"],
  ["ulp", "errors of functions over all 2³² floats", "npm run ulp"],
  ["fuzz", "model files that are loaded or refused, nothing else", "npm run fuzz"],
  ["worker-kills", "workers killed, throwing, exiting, hanging at random moments: no hang, no wrong byte, the cause told", "npm run kills:workers"],
  ["checked", "calls of kernels whose every load and store is checked", "npm run checked"],
  ["faults", "planted faults that the tests notice", "npm run faults"],
  ["properties", "properties of the public API", "npm run properties"],
  ["mutation", "mutants of src/ that the tests notice", "npm run mutate"],
  ["coverage", "lines of src/ that the tests run", "npm run coverage"],
  ["memory", "memory of 3,000 networks, made, trained and dropped", "node scripts/memory.mjs"],
];

const file = fileURLToPath(new URL("../RELIABILITY.md", import.meta.url));
const old = existsSync(file) ? readFileSync(file, "utf8").split("\n") : [];

/** The report of the coverage command as a result of ours. */
function takeCoverage() {
  const summary = fileURLToPath(new URL("../build/coverage/coverage-summary.json", import.meta.url));
  if (!existsSync(summary)) return;
  const { lines: { pct } } = JSON.parse(readFileSync(summary, "utf8")).total;
  writeResult("coverage", { figure: `${pct} %`, passed: pct >= 95 });
}

function row([name, claim, command]) {
  const path = `${folder}${name}.json`;
  if (!existsSync(path)) return old.find((line) => line.includes(`\`${command}\``)) ?? `| ${claim} | not measured | \`${command}\` | |`;
  const { figure, passed, date, node } = JSON.parse(readFileSync(path, "utf8"));
  return `| ${claim} | ${passed ? "" : "**FAILED** "}${figure} | \`${command}\` | ${date}, Node ${node.slice(1)} |`;
}

takeCoverage();
writeFileSync(file, `# Reliability

Each figure was measured by the command beside it; \`node scripts/reliability.mjs\` makes this table from what the commands leave.

| what | figure | command | measured |
|---|---|---|---|
${ROWS.map(row).join("\n")}
`);
