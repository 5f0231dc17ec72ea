// How good the defaults of the command are: trains each example table once a seed, with no option but target and seed, and
// prints mean and deviation of the measure on the held-out fifth. The figures of bench/tabular.md come from here.
//
//   node bench/tabular.mjs [--seeds 100] [--data FILE --target COLUMN] [--activations all | NAME,NAME]
//
// --activations prints instead, for each activation of the hidden layers, the mean (and the worst) of the measure on every table.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { activations } from "../dist/index.js";
import { table } from "./stats.mjs";

const command = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const example = (name) => fileURLToPath(new URL(`../examples/data/${name}.csv`, import.meta.url));

/** `most` bounds the seeds of a table that takes longer; `goal` is what the mean must reach. */
const tables = [
  { data: example("iris"), target: "species", goal: 0.945 },
  { data: example("wine"), target: "cultivar", goal: 0.965 },
  { data: example("penguins"), target: "Species", goal: 0.975 },
  { data: example("diabetes"), target: "progression", goal: 0.41 },
  { data: example("digits"), target: "digit", goal: 0.965, most: 10 },
];

const text = { type: "string" };
const { values: options } = parseArgs({ options: { seeds: { ...text, default: "100" }, data: text, target: text, activations: text } });

const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;

/** Trains once a seed; what the command says of each run, and the measure of each. */
function train({ data, target, most = Infinity }, folder, ...more) {
  const seeds = Math.min(Number(options.seeds), most);
  const runs = Array.from({ length: seeds }, (_, i) => {
    const parameters = [command, "train", data, "--target", target, "--seed", String(i + 1), "--out", join(folder, "model.safetensors"), "--json", "--quiet", ...more];
    return JSON.parse(execFileSync(process.execPath, parameters, { encoding: "utf8" }));
  });
  return { runs, scores: runs.map(({ task, test: { metrics } }) => (task === "classification" ? metrics.accuracy : metrics.r2)) };
}

function measure({ data, target, goal, most }, folder) {
  const { runs, scores } = train({ data, target, most }, folder);
  const [{ task }] = runs;
  const deviation = Math.sqrt(mean(scores.map((score) => (score - mean(scores)) ** 2)));
  return [
    basename(data, ".csv"), task === "classification" ? "accuracy" : "R2", mean(scores).toFixed(4), deviation.toFixed(4), goal === undefined ? "" : goal.toFixed(3),
    String(runs.length), mean(runs.map(({ epochs }) => epochs)).toFixed(0), mean(runs.map(({ seconds }) => seconds)).toFixed(3),
  ];
}

const folder = mkdtempSync(join(tmpdir(), "rosenblatt-bench-"));
try {
  const chosen = options.data === undefined ? tables : [{ data: options.data, target: options.target }];
  if (options.activations === undefined) {
    const rows = chosen.map((each) => measure(each, folder));
    console.log(table([["table", "measure", "mean", "deviation", "goal", "seeds", "epochs", "seconds"], ...rows]));
  } else {
    const names = options.activations === "all" ? Object.keys(activations).filter((name) => name !== "softmax") : options.activations.split(",");
    const cell = ({ scores }) => `${mean(scores).toFixed(3)} (${Math.min(...scores).toFixed(2)})`;
    const rows = names.map((name) => [name, ...chosen.map((each) => cell(train(each, folder, "--activation", name)))]);
    console.log(table([["activation", ...chosen.map(({ data }) => basename(data, ".csv"))], ...rows]));
  }
} finally {
  rmSync(folder, { recursive: true });
}
