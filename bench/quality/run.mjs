// The command beside scikit-learn's MLP on ten real tables: both train on the same four fifths and are measured on the same fifth,
// with layers of 64 and 32 and no option but the seed. Prints the table of bench/quality.md.
//
//   npm ci --prefix bench/quality && npm run build && node bench/quality/run.mjs [--seeds 5] [--python /usr/bin/python3]
//
// --only NAME measures one table, --more="--l2 0" gives the command more options, for finding out why a figure is what it is. The last
// column is the mean over seeds of the command's score less plain's of the same seed, ± the standard error of that mean.
// The parts are drawn here, stratified by class, by a generator of its own, so that neither side has a say in them.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { table } from "../stats.mjs";
import { tables } from "./tables.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const command = join(here, "..", "..", "dist", "cli.js");
const { values: { seeds, python, only, more } } = parseArgs({
  options: { seeds: { type: "string", default: "5" }, python: { type: "string", default: "/usr/bin/python3" }, only: { type: "string" }, more: { type: "string", default: "" } },
});

/** Park and Miller's generator: enough to shuffle rows. */
function generator(seed) {
  let state = (seed * 7919 + 12345) % 2147483647;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

function shuffle(list, random) {
  const shuffled = list.slice();
  for (let i = shuffled.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
  }
  return shuffled;
}

/** A fifth of the rows of each class, or of all. */
function split({ rows, target, task }, seed) {
  const random = generator(seed);
  const classes = task === "classification" ? [...new Set(rows.map((row) => row[target]))].sort() : [undefined];
  const test = new Set();
  for (const name of classes) {
    const members = rows.filter((row) => name === undefined || row[target] === name);
    for (const row of shuffle(members, random).slice(0, Math.round(members.length / 5))) test.add(row);
  }
  return { train: shuffle(rows.filter((row) => !test.has(row)), random), test: [...test] };
}

function csv(rows) {
  const names = Object.keys(rows[0]);
  return `${[names, ...rows.map((row) => names.map((name) => row[name]))].map((cells) => cells.join(",")).join("\n")}\n`;
}

const run = (program, ...parameters) => execFileSync(program, parameters, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, OMP_NUM_THREADS: "1" } });
const standardError = (list) => Math.sqrt(mean(list.map((value) => (value - mean(list)) ** 2)) / (list.length - 1));
const spread = (list) => `${mean(list).toFixed(4)}${list.length > 1 ? ` ± ${standardError(list).toFixed(4)}` : ""}`;
const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;

const folder = mkdtempSync(join(tmpdir(), "rosenblatt-quality-"));
try {
  const breastCancer = join(folder, "breast_cancer.csv");
  run(python, join(here, "peer.py"), "data", breastCancer);
  const tasks = [];
  const ours = new Map();
  const chosen = tables(breastCancer).filter(({ name }) => only === undefined || name === only);
  for (const each of chosen) {
    for (let seed = 1; seed <= Number(seeds); seed++) {
      const parts = split(each, seed);
      const names = Object.fromEntries(Object.keys(parts).map((part) => [part, `${each.name.replaceAll(" ", "-")}-${seed}-${part}.csv`]));
      for (const [part, name] of Object.entries(names)) writeFileSync(join(folder, name), csv(parts[part]));
      tasks.push({ name: each.name, target: each.target, task: each.task, seed, ...names });
      const model = join(folder, "model.safetensors");
      run(process.execPath, command, "train", join(folder, names.train), "--target", each.target, "--task", each.task, "--seed", String(seed), "--test", "0", "--out", model, "--quiet", ...more.split(" ").filter(Boolean));
      const { metrics } = JSON.parse(run(process.execPath, command, "evaluate", model, join(folder, names.test), "--json"));
      ours.set(each.name, [...(ours.get(each.name) ?? []), each.task === "classification" ? metrics.accuracy : metrics.r2]);
    }
  }
  writeFileSync(join(folder, "tasks.json"), JSON.stringify(tasks));
  const theirs = JSON.parse(run(python, join(here, "peer.py"), "score", folder));
  const rows = chosen.map(({ name, task, rows }) => {
    const scores = (kind) => theirs.filter((each) => each.name === name).map((each) => each.scores[kind]);
    // marked is there where the training part lacks numbers; where only some seeds do, the others are plain
    const scoresOf = (kind) => scores(kind).map((score, i) => score ?? (kind === "marked" ? scores("plain")[i] : undefined));
    const cell = (kind) => (scores(kind).every((score) => score === undefined) ? "" : mean(scoresOf(kind)).toFixed(4));
    const differences = ours.get(name).map((score, i) => score - scores("plain")[i]);
    return [name, String(rows.length), task === "classification" ? "accuracy" : "R2", mean(ours.get(name)).toFixed(4), ...["plain", "marked", "stopped", "scaled", "scaled, stopped"].map(cell), spread(differences)];
  });
  console.log(table([["table", "rows", "measure", "rosenblatt", "plain", "marked", "stopped", "scaled", "scaled, stopped", "less plain"], ...rows]));
} finally {
  rmSync(folder, { recursive: true });
}
