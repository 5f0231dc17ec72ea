// npm run bench: the library's own figures beside the limit of this machine's SIMD units, measured in the same process and in turn.
//
//   node bench/run.mjs [--quick] [--networks T1,T4] [--node BINARY]…
//
// Writes bench/results.json, bench/results.md, the table in README.md between its markers and bench/pictures/*.svg. With --node only the
// table of engines is measured anew, one row a binary, and the rest stays as it was. --quick measures less and writes nothing.

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as library from "../dist/index.js";
import { measureColdStart } from "./coldstart.mjs";
import { measureEngine } from "./engines.mjs";
import { commit, describeMachine, watch } from "./machine.mjs";
import { measureMemory } from "./memory.mjs";
import { chosen } from "./networks.mjs";
import { drawPictures } from "./pictures.mjs";
import { createProbe, instantiate } from "./probe.mjs";
import { measureProducts } from "./products.mjs";
import { formatOwn, formatReadme, replaceBetween } from "./report.mjs";
import { measurePrediction, measureTraining } from "./training.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const FULL = { rounds: 9, milliseconds: 200, starts: 25, repeats: 10, short: 20 };
const QUICK = { rounds: 3, milliseconds: 60, starts: 5, repeats: 3, short: 8 };

/** What the last full run wrote, or nothing. */
export function readResults() {
  return existsSync(at("results.json")) ? JSON.parse(readFileSync(at("results.json"), "utf8")) : undefined;
}

async function measureAll(networks, extent) {
  const machine = describeMachine();
  const quiet = watch();
  const probe = await createProbe();
  const probes = [probe.measure()];
  const say = (text) => console.error(`bench: ${text}`);
  const results = { machine, training: [], prediction: [], memory: [] };
  for (const network of networks) {
    say(`training ${network.key}`);
    results.training.push(await measureTraining(library, network, probe, probes, extent));
    results.prediction.push(await measurePrediction(library, network, probe, probes, { rounds: extent.rounds, milliseconds: extent.milliseconds / 2 }));
    results.memory.push(await measureMemory(library, network));
  }
  say("products");
  const core = await instantiate(readFileSync(at("../build/release.wasm")));
  results.products = measureProducts({ plain: core }, probe, { repeats: extent.repeats, milliseconds: extent.short });
  probes.push(...results.products.map(({ peak }) => peak));
  say("cold start");
  results.coldStart = measureColdStart(at("../dist/index.js"), extent.starts);
  const children = (results.coldStart.emptyMs + results.coldStart.predictionMs) * (extent.starts + 1) / 1000;
  results.quiet = quiet.end(probes, children);
  return results;
}

function write(results) {
  writeFileSync(at("results.json"), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(at("results.md"), formatOwn(results));
  const readme = at("../README.md");
  writeFileSync(readme, replaceBetween(readFileSync(readme, "utf8"), "speed", formatReadme(results)));
  drawPictures();
}

async function main() {
  const { values } = parseArgs({ options: { quick: { type: "boolean" }, networks: { type: "string" }, node: { type: "string", multiple: true } } });
  const extent = values.quick ? QUICK : FULL;
  if (values.node !== undefined) {
    const results = readResults();
    if (results === undefined) throw new Error("bench/results.json: expected a file, got none. Run npm run bench first");
    const options = { rounds: values.quick ? 1 : 5, milliseconds: extent.short };
    results.engines = values.node.map((binary) => ({ ...measureEngine(binary, options), commit: commit() }));
    console.log(formatOwn(results));
    if (!values.quick) write(results);
    return;
  }
  const results = await measureAll(chosen(values.networks), extent);
  results.engines = readResults()?.engines ?? [];
  console.log(formatOwn(results));
  if (!values.quick && values.networks === undefined) write(results);
}

await main();
