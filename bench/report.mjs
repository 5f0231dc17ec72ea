// The library's own figures as Markdown: all of them for bench/results.md, the essence for the README.

import * as goals from "./goals.mjs";
import { describeQuiet, machineLine } from "./machine.mjs";
import { geometricMean, table, three } from "./stats.mjs";

const times = (value) => `${value.toFixed(2)}×`;
const share = (value) => value.toFixed(2);
/** "0.74 of 0.82": what was reached, and the goal where there is one. */
const against = (value, goal, format) => (goal === undefined ? format(value) : `${format(value)} of ${format(goal)}`);

/** A text with what lies between the two markers of a name replaced. */
export function replaceBetween(text, name, block) {
  const [begin, end] = [`<!-- bench:${name} -->`, `<!-- bench:${name} end -->`];
  const parts = text.split(begin);
  if (parts.length !== 2 || parts[1].split(end).length !== 2) throw new Error(`README.md: expected the markers ${begin} and ${end} once each`);
  return `${parts[0]}${begin}\n${block.trim()}\n${end}${parts[1].split(end)[1]}`;
}

function trainingTable({ training }) {
  const counts = training[0].threads.map(({ threads }) => threads);
  const head = [
    "network", "batch", ...counts.map((count) => `${count === 1 ? "1 thread" : `${count} threads`}, samples/s`), "± %", "GFLOP/s", "of the peak",
    ...counts.slice(1).map((count, i) => `${count} over ${counts[i]}`),
  ];
  const rows = training.map(({ key, shape, batch, threads }) => {
    const [one, ...more] = threads;
    const gains = more.map(({ threads: count, gain }, i) => against(gain / threads[i].gain, count === 2 ? goals.twoThreads[key] : goals.fourOverTwo, times));
    return [
      `${key} ${shape}`, String(batch), ...threads.map(({ samplesPerSecond }) => three(samplesPerSecond)), one.spread.toFixed(0), one.gflops.toFixed(1),
      against(one.share, goals.share[key], share), ...gains,
    ];
  });
  return table([head, ...rows]);
}

function predictionTable({ prediction }) {
  const rows = prediction.map(({ key, shape, p50, p99, batch }) => [
    `${key} ${shape}`, against(p50, goals.singleMicroseconds[key], three), three(p99),
    three(batch.samplesPerSecond), batch.spread.toFixed(0), batch.gflops.toFixed(1), share(batch.share),
  ]);
  return table([["network", "one prediction, µs", "p99", "batch of 1,024, samples/s", "± %", "GFLOP/s", "of the peak"], ...rows]);
}

function productTable({ products }) {
  const rows = products.map(({ name, shape, gflops, spread, peak }) => [`${name} ${shape.join(" × ")}`, gflops.toFixed(1), spread.toFixed(0), share(gflops / peak)]);
  return table([["product, rows × inputs × units", "GFLOP/s", "± %", "of the peak"], ...rows]);
}

function memoryTable({ memory }) {
  const mega = (bytes) => (bytes / 1e6).toFixed(2);
  const rows = memory.map(({ key, allowed, used, grown }) => [key, mega(used), mega(allowed), share(used / allowed), String(grown)]);
  return table([["network", "MB after fit", "MB of the sum", "used of it", "bytes that a longer fit added"], ...rows]);
}

/** Geometric mean over the shapes of one product, of one core. */
const meanOf = ({ products }, core, name) => geometricMean(products.filter((row) => row.core === core && row.name === name).map(({ gflops }) => gflops));

/** "53.1 → 70.2 (1.32×)" */
const gain = (from, to, format = (value) => value.toFixed(1)) => (to === undefined ? "–" : `${format(from)} → ${format(to)} (${times(to / from)})`);

function revectorizeTable(engines) {
  const names = ["forward", "weight gradient", "input gradient"];
  const rows = engines.map(({ node, v8, commit, plain, fused }) => [
    `Node ${node} (V8 ${v8.split("-")[0]}), ${commit}`, `${gain(plain.peak, fused?.peak)} ±${plain.peakSpread.toFixed(0)}%`,
    ...names.map((name) => gain(meanOf(plain, "plain", name), fused && meanOf(fused, "plain", name))),
    ...Object.keys(plain.training).map((key) => gain(plain.training[key], fused?.training[key], three)),
  ]);
  return table([["engine, commit", "probe", ...names, ...Object.keys(engines[0].plain.training).map((key) => `training ${key}, samples/s`)], ...rows]);
}

function relaxedTable(engines) {
  const names = ["forward", "weight gradient", "input gradient"];
  const rows = engines.map(({ node, relaxed, plain, commit }) => [
    `Node ${node}, ${commit}`,
    ...names.map((name) => (relaxed ? gain(meanOf(plain, "plain", name), meanOf(plain, "relaxed", name)) : "no relaxed SIMD here, or not built")),
  ]);
  return table([["engine, commit", ...names], ...rows]);
}

function engineSections({ engines }) {
  if (engines === undefined || engines.length === 0) return [];
  return [
    "## Other engines", "",
    "`node bench/run.mjs --node <binary>`. With V8's flag `--experimental-wasm-revectorize`, which fuses pairs of 128-bit operations to 256 bits and leaves",
    "the bits as they are; probe and products in GFLOP/s, products as geometric means over the three wide shapes, best of runs in turn (where the probe's",
    "spread is above ±10 %, other work disturbed them):", "", revectorizeTable(engines), "",
    "The relaxed build (`node scripts/build.mjs --all`) against the plain one in the same process, GFLOP/s:", "", relaxedTable(engines), "",
  ];
}

/** bench/results.md */
export function formatOwn(results) {
  const { machine, quiet, training, coldStart } = results;
  const reason = training[0].reason;
  return [
    "# Speed", "", `\`npm run bench\` on ${machineLine(machine)}; ${machine.date}.`, "", describeQuiet(quiet), "",
    "Medians of rounds, ± half the range; \"0.74 of 0.82\" is the figure beside its goal. The peak is that of multiply and add without FMA on one core, measured in turn",
    "with each row; operations count 2·inputs·units a sample for each product of a step, all else is overhead.", "",
    "## Training with Adam", "", trainingTable(results), "", ...(reason === undefined ? [] : [`One thread only: ${reason}.`, ""]),
    "## Prediction", "", "One prediction of a typed array into a typed array, p50 and p99 (below 2 µs of groups of 16 calls).", "", predictionTable(results), "",
    "## Products of a dense layer", "", "One thread, the core's own kernel.", "", productTable(results), "",
    "## Memory", "", "Linear memory after a fit with Adam, beside parameters × 7 (themselves, gradient, two slots, snapshot of three), one batch's matrices, the data",
    "window and two pages:", "", memoryTable(results), "",
    "## Cold start", "",
    `From process start to the first prediction of T2: ${coldStart.predictionMs.toFixed(1)} ms, ${coldStart.addedMs.toFixed(1)} ms more than an empty script's`,
    `${coldStart.emptyMs.toFixed(1)} ms (goal: at most ${goals.coldStartMs} ms more; median of ${coldStart.starts} starts in turn, ± ${coldStart.spread.toFixed(0)} %).`, "",
    ...engineSections(results),
  ].join("\n");
}

/** The table of the README. */
export function formatReadme({ machine, quiet, training, prediction, coldStart }) {
  const counts = training[0].threads.map(({ threads }) => threads);
  const rows = training.map(({ key, shape, batch, threads }, i) => [
    `${key} ${shape}`, String(batch), ...threads.map(({ samplesPerSecond }) => three(samplesPerSecond)), share(threads[0].share),
    three(prediction[i].p50), three(prediction[i].batch.samplesPerSecond),
  ]);
  const trained = counts.map((count) => (count === 1 ? "training, samples/s" : `${count} threads`));
  const head = ["network", "batch", ...trained, "of the peak", "one prediction, µs", "1,024 at once, samples/s"];
  return [
    `\`npm run bench\` on ${machineLine(machine)}. Training with Adam; the peak is what a probe of`,
    `this machine's 128-bit SIMD (multiply and add, no FMA) reaches in turn with it: ${quiet.probe.toFixed(1)} GFLOP/s on one core.`,
    `${quiet.disturbed ? "Other work disturbed this run. " : ""}Cold start: the first prediction of T2 comes ${coldStart.addedMs.toFixed(0)} ms after an empty script would end.`, "",
    table([head, ...rows]),
  ].join("\n");
}
