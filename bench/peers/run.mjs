// npm run bench:peers: this library beside others, each at its best setting, in processes that are timed in turn.
//
//   node bench/peers/run.mjs [--quick] [--only tfjs-wasm,pytorch] [--networks T1,T4]
//
// Installs the packages of bench/peers.
// For each network every library checks its answers and warms up; then in each round every one times one block of each task, so that a slow
// spell of the machine hits all. Ratios are medians over rounds of ratios in the same round. A whole run writes bench/peers/results.json,
// bench/peers/results.md, the table in README.md between its markers and bench/pictures/*.svg; one with --quick, --only or --networks prints.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as library from "../../dist/index.js";
import { createNetwork } from "../library.mjs";
import { describeMachine, watch } from "../machine.mjs";
import { chosen, dataOf, shapeOf } from "../networks.mjs";
import { drawPictures } from "../pictures.mjs";
import { createProbe } from "../probe.mjs";
import { replaceBetween } from "../report.mjs";
import { median, spread } from "../stats.mjs";
import { Contender } from "./child.mjs";
import { install } from "./install.mjs";
import { formatPeers, formatReadme } from "./report.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const FULL = { rounds: 5, ms: { train: 400, single: 150, batch: 200 } };
const QUICK = { rounds: 2, ms: { train: 150, single: 60, batch: 60 } };
const TASKS = ["train", "single", "batch"];

async function bundleTfjs() {
  const { build } = await import("esbuild");
  await build({
    entryPoints: [at("tfjs.mjs")], outfile: at("../../build/peers-tfjs.cjs"), bundle: true, platform: "node", format: "cjs", mainFields: ["module", "main"], logLevel: "error",
  });
}

/** Writes what all contenders start from: our first weights, what we predict with them, and the same as an ONNX model. */
async function writeStart(network, folder) {
  const { onnxModel } = await import("./onnxmodel.mjs");
  const model = await createNetwork(library, network);
  const parts = model.layers.flatMap(({ weights, biases }) => [weights, biases]);
  const bytes = (floats) => Buffer.from(floats.buffer, floats.byteOffset, floats.byteLength);
  writeFileSync(join(folder, "weights.f32"), Buffer.concat(parts.map(bytes)));
  writeFileSync(join(folder, "expected.f32"), bytes(model.predict(dataOf(network, 1024).samples)));
  writeFileSync(join(folder, "model.onnx"), onnxModel(network, folder));
  model.dispose();
}

/** Starts the contenders of a network and prepares their tasks: { child, contender, tasks } and what went wrong, by name. */
async function prepare(network, candidates, folder, say) {
  const ready = [];
  const problems = {};
  const notes = {};
  for (const contender of candidates) {
    if (contender.networks !== undefined && !contender.networks.includes(network.key)) continue;
    if (contender.version === undefined) {
      problems[contender.name] = contender.absent;
      continue;
    }
    say(`${network.key}: preparing ${contender.name}`);
    const child = new Contender(contender, network, folder);
    const first = await child.next();
    const tasks = [];
    if (first.error !== undefined) problems[contender.name] = first.error;
    for (const task of (contender.tasks ?? TASKS).filter((one) => first.tasks?.includes(one))) {
      const { error, note } = await child.ask({ task, prepare: true });
      if (error !== undefined) problems[`${contender.name} (${task})`] = error;
      else tasks.push(task);
      if (note) notes[contender.name] = note;
    }
    if (tasks.length > 0) ready.push({ child, contender, tasks });
    else child.end();
  }
  return { ready, problems, notes };
}

/** Rounds of blocks; rows { name, task, figure, p99?, spread, ratio, threads }: ratio is ours, with so many threads, over theirs in speed, of the same round. */
async function play(ready, { rounds, ms }, probe, probes, problems) {
  const figures = new Map();
  for (let round = 0; round < rounds; round++) {
    probes.push(probe.measure());
    const order = ready.map((_, i) => ready[(i + round) % ready.length]);
    for (const task of TASKS) {
      for (const one of order) {
        if (!one.tasks.includes(task)) continue;
        const label = `${task}/${one.contender.name}`;
        const answer = await one.child.ask({ task, ms: ms[task] });
        if (answer.error === undefined) figures.set(label, [...(figures.get(label) ?? []), answer]);
        else {
          problems[`${one.contender.name} (${task})`] = answer.error;
          one.tasks = one.tasks.filter((other) => other !== task);
        }
      }
    }
  }
  const rows = [];
  for (const [label, answers] of figures) {
    if (answers.length < rounds) continue;
    const [task, name] = label.split("/");
    const same = figures.get(`${task}/rosenblatt, 2 threads`);
    const ours = name.endsWith(", 2 threads") && same?.length === rounds ? same : figures.get(`${task}/rosenblatt`);
    const values = answers.map(({ samplesPerSecond, p50 }) => samplesPerSecond ?? p50);
    const ratios = ours?.map(({ samplesPerSecond, p50 }, i) => (p50 === undefined ? samplesPerSecond / values[i] : values[i] / p50));
    const p99 = task === "single" ? { p99: median(answers.map((answer) => answer.p99)) } : {};
    rows.push({ name, task, figure: median(values), ...p99, spread: spread(values), ratio: ratios && median(ratios), threads: ours === same ? 2 : 1 });
  }
  return rows;
}

async function measureNetwork(network, candidates, extent, probe, probes, say) {
  const folder = mkdtempSync(join(tmpdir(), "rosenblatt-peers-"));
  try {
    await writeStart(network, folder);
    const { ready, problems, notes } = await prepare(network, candidates, folder, say);
    say(`${network.key}: timing ${ready.length} libraries`);
    const rows = await play(ready, extent, probe, probes, problems);
    for (const { child } of ready) child.end();
    const cpu = ready.reduce((sum, { child }) => sum + child.cpu, 0);
    return { result: { key: network.key, shape: shapeOf(network), batch: network.batch, rows, problems, notes }, cpu };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function main() {
  const { values } = parseArgs({ options: { quick: { type: "boolean" }, only: { type: "string" }, networks: { type: "string" } } });
  install();
  await bundleTfjs();
  const { contenders } = await import("./contenders.mjs");
  const { version } = JSON.parse(readFileSync(at("../../package.json"), "utf8"));
  const all = contenders(version);
  const only = values.only?.split(",");
  const unknown = only?.find((name) => !all.some((one) => one.name.startsWith(name)));
  if (unknown !== undefined) throw new RangeError(`--only: expected ${all.map(({ name }) => name).join("; ")}, got ${unknown}`);
  const candidates = all.filter(({ name }, i) => i === 0 || only === undefined || only.some((start) => name.startsWith(start)));
  const quiet = watch();
  const probe = await createProbe();
  const probes = [probe.measure()];
  let cpu = 0;
  const results = { machine: describeMachine(), versions: Object.fromEntries(candidates.map((one) => [one.name, one.version ?? null])), networks: [] };
  for (const network of chosen(values.networks)) {
    const measured = await measureNetwork(network, candidates, values.quick ? QUICK : FULL, probe, probes, (text) => console.error(`bench: ${text}`));
    results.networks.push(measured.result);
    cpu += measured.cpu;
  }
  results.quiet = quiet.end(probes, cpu);
  console.log(formatPeers(results));
  if (values.quick || values.only !== undefined || values.networks !== undefined) return;
  writeFileSync(at("results.json"), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(at("results.md"), formatPeers(results));
  const readme = at("../../README.md");
  writeFileSync(readme, replaceBetween(readFileSync(readme, "utf8"), "peers", formatReadme(results)));
  drawPictures();
}

await main();
