// Ours beside the peers as Markdown: figures, ratios with goals, and a sentence wherever a peer wins.

import * as goals from "../goals.mjs";
import { describeQuiet, machineLine } from "../machine.mjs";
import { geometricMean, table, three } from "../stats.mjs";

const OURS = "rosenblatt";
const titles = { train: "Training, samples/s", single: "One prediction, p50 in µs", batch: "Batches of 1,024 predictions, samples/s" };
const goalsOf = { train: goals.training, single: goals.single, batch: goals.batch };
const rowOf = (network, task, name) => network.rows.find((row) => row.task === task && row.name === name);

/** A ratio of any size: 0.36×, 12.3×, 1,230×. */
export const times = (ratio) => `${ratio < 0.1 ? ratio.toFixed(3) : ratio < 1 ? ratio.toFixed(2) : three(ratio)}×`;

/** Names in the order of the first network that has them. */
function namesOf({ networks }, task) {
  return [...new Set(networks.flatMap(({ rows }) => rows.filter((row) => row.task === task).map(({ name }) => name)))];
}

function figureTable(results, task) {
  const { networks } = results;
  const rows = namesOf(results, task).map((name) => [
    name, ...networks.map((network) => {
      const row = rowOf(network, task, name);
      if (row === undefined) return "–";
      return `${three(row.figure)}${task === "single" ? ` (${three(row.p99)})` : ""} ±${row.spread.toFixed(0)}%`;
    }),
  ]);
  return table([["library", ...networks.map(({ key }) => key)], ...rows]);
}

function ratioTable(results, task) {
  const { networks } = results;
  const rows = namesOf(results, task).filter((name) => !name.startsWith(OURS)).map((name) => [
    name, ...networks.map((network) => {
      const row = rowOf(network, task, name);
      if (row?.ratio === undefined) return "–";
      const goal = goalsOf[task][name]?.[network.key];
      const text = row.ratio < 1 ? `**${times(row.ratio)}**` : times(row.ratio);
      return goal === undefined ? text : `${text} of ${times(goal)}`;
    }),
  ]);
  return table([["ours over", ...networks.map(({ key }) => key)], ...rows]);
}

/** Geometric mean of training over tfjs-wasm on T2 to T6, or undefined where not all were measured. */
function trainingMean({ networks }) {
  const ratios = networks.filter(({ key }) => key !== "T1").map((network) => rowOf(network, "train", "tfjs-wasm")?.ratio);
  return ratios.length === 5 && ratios.every((ratio) => ratio !== undefined) ? geometricMean(ratios) : undefined;
}

const verbs = { train: "trains", single: "answers one prediction of", batch: "predicts batches of" };

/** "pytorch trains T4 1.52 times as fast as we do, …": one sentence a peer and task. */
function wins(results) {
  const sentences = [];
  for (const task of Object.keys(titles)) {
    for (const name of namesOf(results, task)) {
      const lost = results.networks.filter((network) => rowOf(network, task, name)?.ratio < 1);
      if (name.startsWith(OURS) || lost.length === 0) continue;
      const parts = lost.map((network) => `${network.key} ${(1 / rowOf(network, task, name).ratio).toFixed(2)} times`);
      const threads = rowOf(lost[0], task, name).threads === 2 ? "two threads" : "one thread";
      sentences.push(`- ${name} ${verbs[task]} ${parts.join(", ")} as fast as we do on ${threads}.`);
    }
  }
  return sentences;
}

/** What could not be measured and why, with the networks that it holds for. */
function problems({ networks }) {
  const keys = new Map();
  for (const { key, problems: failed } of networks) {
    for (const [name, why] of Object.entries(failed)) keys.set(`${name}: ${why}`, [...(keys.get(`${name}: ${why}`) ?? []), key]);
  }
  return [...keys].map(([what, where]) => `- ${where.join(", ")}, ${what}.`);
}

function settings({ versions, networks }) {
  const listed = Object.entries(versions).map(([name, version]) => `${name} ${version ?? "absent"}`);
  const foreach = networks.filter(({ notes }) => notes.pytorch?.startsWith("foreach")).map(({ key }) => key);
  return [
    `Versions: ${listed.join("; ")}.`, "",
    "Settings: Adam at 0.001 in f32, one thread, batches as in bench/networks.mjs, but for libraries that have none of it: brain.js (its Adam; \"plain",
    "descent\": without) and synaptic (plain descent) train sample by sample with sigmoids (brain.js T1 with tanh) and squared error, convnetjs by descent",
    "with momentum in f64. tfjs-wasm: batches cut beforehand, fused products for predictions. PyTorch: OPENBLAS_CORETYPE unset; with 2 threads OpenBLAS",
    `alone has them; predictions by the traced, frozen module; Adam as a loop${foreach.length > 0 ? `, over lists of tensors (foreach) where that was quicker: ${foreach.join(", ")}` : ""}.`,
    "ONNX Runtime trains nothing. Predictions go from a typed array (numpy's, plain arrays for brain.js and synaptic) to one. Predictions of tfjs-wasm,",
    "PyTorch and ONNX Runtime from our weights equal ours to 1e-5, and every training has lowered its loss, before anything is timed.", "",
  ];
}

/** bench/peers/results.md */
export function formatPeers(results) {
  const { machine, quiet, networks } = results;
  const mean = trainingMean(results);
  const lost = wins(results);
  const failed = problems(results);
  return [
    "# Beside other libraries", "",
    `\`npm run bench:peers\` on ${machineLine(machine)}; ${machine.date}.`, "", describeQuiet(quiet), "",
    ...settings(results),
    networks.map(({ key, shape, batch }) => `${key} ${shape}, batches of ${batch}`).join("; ") + ".", "",
    "Medians of rounds in which every library has its turn, ± half the range. Ratios are ours over theirs in speed, round by round, those over a peer with",
    "2 threads of ours with 2 where it has them; \"of\" names the goal; bold where the peer is faster.", "",
    ...Object.entries(titles).flatMap(([task, title]) => [
      `## ${title}`, "", ...(task === "single" ? ["p99 in brackets; calls below 2 µs are timed in groups of 16.", ""] : []),
      figureTable(results, task), "", ratioTable(results, task), "",
      ...(task === "train" && mean !== undefined ? [`Geometric mean over tfjs-wasm, T2 to T6: ${times(mean)} of ${times(goals.trainingMean)}.`, ""] : []),
    ]),
    "## Where a peer wins", "", ...(lost.length > 0 ? lost : ["Nowhere."]), "",
    ...(failed.length > 0 ? ["## Not measured", "", ...failed, ""] : []),
  ].join("\n");
}

/** The ratios of the README. */
export function formatReadme(results) {
  const { machine, quiet, versions } = results;
  const shown = ["tfjs-wasm", "brain.js", "synaptic", "convnetjs", "pytorch"];
  const mean = trainingMean(results);
  const body = (task, names) => names.filter((name) => namesOf(results, task).includes(name)).map((name) => [
    `${task === "train" ? "training" : task === "single" ? "one prediction" : "1,024 predictions"} over ${name} ${versions[name]}`,
    ...results.networks.map((network) => {
      const ratio = rowOf(network, task, name)?.ratio;
      return ratio === undefined ? "–" : ratio < 1 ? `**${times(ratio)}**` : times(ratio);
    }),
  ]);
  const inference = ["tfjs-wasm", "onnxruntime-web", "onnxruntime-node"];
  return [
    `\`npm run bench:peers\`, one thread each, ${machineLine(machine)}:`,
    `how many times as fast as the peer, bold where the peer is faster${quiet.disturbed ? " (other work disturbed this run)" : ""}.`,
    "PyTorch and onnxruntime-node are native, with vectors up to four times as wide.", "",
    table([["ours", ...results.networks.map(({ key }) => key)], ...body("train", shown), ...body("single", inference), ...body("batch", inference)]), "",
    ...(mean === undefined ? [] : [`Geometric mean of training over tfjs-wasm, T2 to T6: ${times(mean)}. `]),
    "Versions, settings and all figures: [bench/peers/results.md](bench/peers/results.md).",
  ].join("\n");
}
