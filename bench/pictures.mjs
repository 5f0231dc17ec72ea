// bench/pictures/*.svg from results.json and peers/results.json: bars by network, drawn anew whenever these are written.
//
//   node bench/pictures.mjs

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { barChart } from "./chart.mjs";
import * as goals from "./goals.mjs";
import { shapeOf, networks as known } from "./networks.mjs";
import { three } from "./stats.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const read = (path) => (existsSync(at(path)) ? JSON.parse(readFileSync(at(path), "utf8")) : undefined);

/** Ours first; the order of the bars in all pictures. */
const ORDER = [
  "rosenblatt", "rosenblatt, 2 threads", "tfjs-wasm", "onnxruntime-web", "onnxruntime-node", "pytorch", "pytorch, 2 threads",
  "brain.js", "brain.js, plain descent", "synaptic", "convnetjs",
];
const NATIVE = ["onnxruntime-node", "pytorch", "pytorch, 2 threads"];
const colourOf = (name) => (name.startsWith("rosenblatt") ? "ours" : NATIVE.includes(name) ? "native" : "other");
const PICTURES = {
  training: { task: "train", title: "Training", unit: "samples/s, logarithmic; longer is better" },
  single: { task: "single", title: "One prediction", unit: "µs, median, logarithmic; shorter is better" },
  batch: { task: "batch", title: "Batches of 1,024 predictions", unit: "samples/s, logarithmic; longer is better" },
};

/** In two lines: the processor and its cores; runtime, commit, day. */
function machineLines({ cpu, cores, runtime, commit, date }) {
  return [`${cpu}, ${cores} cores, ${runtime.replace(/-node.*\)/, ")")}`, `commit ${commit}, ${date}`];
}

const titleOf = (key) => `${key}  ${shapeOf(known.find((network) => network.key === key))}`;

function drawPeers({ machine, quiet, networks }) {
  const disturbed = quiet.disturbed ? ["other work disturbed this run"] : [];
  for (const [file, { task, title, unit }] of Object.entries(PICTURES)) {
    const groups = networks.map(({ key, rows }) => ({
      title: titleOf(key),
      bars: ORDER.flatMap((name) => {
        const row = rows.find((one) => one.task === task && one.name === name);
        return row === undefined ? [] : [{ label: name, value: row.figure, text: three(row.figure), colour: colourOf(name) }];
      }),
    }));
    const legend = [["ours", "rosenblatt"], ["other", "JavaScript and WebAssembly"], ["native", "native code"]];
    const notes = [...machineLines(machine), ...disturbed];
    writeFileSync(at(`pictures/${file}.svg`), barChart({ title: `${title} beside others`, unit, groups, legend, logarithmic: true, notes }));
  }
}

/** Speed-up by threads with the share of the peak on one, beside the goal for two threads. */
function drawThreads({ machine, quiet, training }) {
  const groups = training.map(({ key, threads }) => ({
    title: titleOf(key),
    bars: threads.map(({ threads: count, gain, samplesPerSecond, share }) => ({
      label: count === 1 ? "1 thread" : `${count} threads`, value: gain, colour: count === 1 ? "one" : "ours",
      text: `${gain.toFixed(2)}×  ${three(samplesPerSecond)}/s${count === 1 ? `, ${share.toFixed(2)} of peak` : ""}`,
      ...(count === 2 ? { mark: goals.twoThreads[key] } : {}),
    })),
  }));
  const disturbed = quiet.disturbed ? ["other work disturbed this run"] : [];
  const notes = [...machineLines(machine), `peak: ${quiet.probe.toFixed(0)} GFLOP/s of 128-bit SIMD, one core`, ...disturbed];
  const marked = training[0].threads.length > 1;
  writeFileSync(at("pictures/threads.svg"), barChart({
    title: "Training by threads", unit: "times one thread; samples/s", groups, logarithmic: false, most: 2.6, notes,
    legend: [["one", "one thread"], ["ours", marked ? "more threads, | goal of two" : "more threads"]],
  }));
}

/** Draws all pictures that there are results for. */
export function drawPictures() {
  mkdirSync(at("pictures"), { recursive: true });
  const own = read("results.json");
  const peers = read("peers/results.json");
  if (own?.training?.[0]?.threads !== undefined) drawThreads(own);
  if (peers !== undefined) drawPeers(peers);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) drawPictures();
