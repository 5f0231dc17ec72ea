// npm run bench: how fast the kernels and whole training steps are, on one thread, beside the limit of this machine's SIMD
// units measured in the same process and in turn with them. Prints a table and writes bench/results.json and bench/results.md.
//
// Answers are checked before they are timed. Operations of a training step count 2·inputs·units a sample for the forward
// product, as many for the gradient of the weights, and, but for the first layer, for that of the inputs; all else is overhead.

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { Network, adam, dense } from "../dist/index.js";
import { interleave, median, seeded, spread, table } from "./stats.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const root = dirname(here);

/** A module of the bench or of the library on a memory of 64 MB. */
async function instantiate(file) {
  const memory = new WebAssembly.Memory({ initial: 1024, maximum: 65536, shared: true });
  const { instance } = await WebAssembly.instantiate(readFileSync(file), { env: { memory } });
  return { exports: instance.exports, f32: new Float32Array(memory.buffer) };
}

async function buildPeak() {
  const file = join(root, "build", "peak.wasm");
  const { error, stderr } = await asc.main([
    join(here, "peak.ts"), "-o", file, "--runtime", "stub", "--enable", "simd", "--enable", "threads", "--importMemory", "--sharedMemory",
    "--initialMemory", "1", "--maximumMemory", "65536", "--noExportMemory", "-O3", "--noAssert",
  ]);
  if (error) throw new Error(`${error.message}\n${stderr}`);
  return instantiate(file);
}

/** Floats between rows, as the planner has it: see src/plan/layout.ts. */
const stride = (width) => (width < 64 ? (width + 3) & ~3 : 16 * (Math.ceil(width / 16) | 1));

/** The three products of a dense layer on `rows` samples, checked against plain loops. */
function products(core, [rows, inputs, units]) {
  const { exports, f32 } = core;
  const [A, B, C, panel] = [8 << 20, 24 << 20, 40 << 20, 1024];
  const next = seeded(1);
  for (let i = A / 4; i < C / 4; i++) f32[i] = next() - 0.5;
  const x = stride(inputs) * 4;
  const z = stride(units) * 4;
  const forms = {
    forward: { m: rows, n: units, k: inputs, run: () => exports.gemm(rows, 0, units, inputs, A, x, 4, B, inputs * 4, 1, C, z, 0, 0, panel), at: (i, j, p) => [A / 4 + (i * x) / 4 + p, B / 4 + j * inputs + p], ldc: z / 4 },
    "weight gradient": { m: units, n: inputs, k: rows, run: () => exports.gemm(units, 0, inputs, rows, A, 4, z, B, x, 0, C, inputs * 4, 0, 0, panel), at: (i, j, p) => [A / 4 + (p * z) / 4 + i, B / 4 + (p * x) / 4 + j], ldc: inputs },
    "input gradient": { m: rows, n: inputs, k: units, run: () => exports.gemm(rows, 0, inputs, units, A, z, 4, B, inputs * 4, 0, C, x, 0, 0, panel), at: (i, j, p) => [A / 4 + (i * z) / 4 + p, B / 4 + p * inputs + j], ldc: x / 4 },
  };
  for (const [name, { m, n, k, run, at, ldc }] of Object.entries(forms)) {
    run();
    for (let trial = 0; trial < 200; trial++) {
      const [i, j] = [Math.floor(next() * m), Math.floor(next() * n)];
      let sum = 0;
      let size = 0;
      for (let p = 0; p < k; p++) {
        const [a, b] = at(i, j, p);
        sum += f32[a] * f32[b];
        size += Math.abs(f32[a] * f32[b]);
      }
      const got = f32[C / 4 + i * ldc + j];
      if (!(Math.abs(got - sum) <= (k + 1) * 2 ** -24 * size)) throw new Error(`${name} ${rows}×${inputs}×${units}: expected ${sum} at ${i}, ${j}, got ${got}`);
    }
  }
  return forms;
}

const networks = [
  { name: "2-8-1 tanh, sigmoid", inputs: 2, batch: 4, layers: () => [dense(8, "tanh"), dense(1, "sigmoid")], loss: "meanSquaredError" },
  { name: "4-16-16-3 relu, softmax", inputs: 4, batch: 16, layers: () => [dense(16, "relu"), dense(16, "relu"), dense(3, "softmax")], loss: "crossEntropy" },
  { name: "32-64-64-1 relu", inputs: 32, batch: 32, layers: () => [dense(64, "relu"), dense(64, "relu"), dense(1)], loss: "meanSquaredError" },
  { name: "784-128-10 relu, softmax", inputs: 784, batch: 64, layers: () => [dense(128, "relu"), dense(10, "softmax")], loss: "crossEntropy" },
];

/** Operations of a training step, a sample. */
function trainingOperations(inputs, layers) {
  let operations = 0;
  let width = inputs;
  layers.forEach(({ units }, i) => {
    operations += 2 * width * units * (i === 0 ? 2 : 3);
    width = units;
  });
  return operations;
}

/** Samples per second of fit, in turn with the peak. */
async function train({ name, inputs, batch, layers, loss }, peakOnce) {
  const network = await Network.create({ inputs, layers: layers(), seed: 1 });
  const count = batch * 64;
  const next = seeded(2);
  const samples = Float32Array.from({ length: count * inputs }, () => next());
  const classes = loss === "crossEntropy";
  const targets = classes ? Array.from({ length: count }, () => Math.floor(next() * network.outputs)) : Float32Array.from({ length: count * network.outputs }, () => next());
  const options = { batchSize: batch, optimizer: adam(), loss, metrics: [] };
  const before = network.evaluate(samples, targets).loss;
  const operations = trainingOperations(inputs, layers());
  const epochs = Math.max(8, Math.round(2e9 / (operations * count + 2e5)));
  await network.fit(samples, targets, { ...options, epochs });
  if (!(network.evaluate(samples, targets).loss < before)) throw new Error(`${name}: the loss did not fall`);
  const rates = [];
  const peaks = [];
  for (let i = 0; i < 10; i++) {
    peaks.push(peakOnce());
    const started = performance.now();
    await network.fit(samples, targets, { ...options, epochs });
    rates.push((epochs * count * 1000) / (performance.now() - started));
  }
  const sample = samples.slice(0, inputs);
  const output = new Float32Array(network.outputs);
  const { predict } = Object.fromEntries(interleave({ predict: () => network.predict(sample, output) }));
  return { name, batch, samplesPerSecond: median(rates), best: Math.max(...rates), spread: spread(rates), gflops: (median(rates) * operations) / 1e9, peak: median(peaks), predictMicroseconds: median(predict) * 1000 };
}

const peakModule = await buildPeak();
peakModule.f32.fill(1e-3, 256, 2048);
let sink = 0;
const ROUNDS = 20000;
const peakWork = () => { sink += peakModule.exports.peak(1024, ROUNDS); };
const peakGflops = (ms) => (ROUNDS * 64) / ms / 1e6;
const peakOnce = () => peakGflops(Math.min(...interleave({ peak: peakWork }, 3, 5).get("peak")));

const core = await instantiate(join(root, "build", "release.wasm"));
const gemmRows = [["product", "shape (rows × inputs × units)", "GFLOP/s", "± %", "of the peak"]];
const gemmResults = [];
for (const shape of [[64, 784, 128], [128, 784, 512], [256, 1024, 1024], [32, 64, 64], [16, 16, 16]]) {
  const forms = products(core, shape);
  const times = interleave({ peak: peakWork, ...Object.fromEntries(Object.entries(forms).map(([name, { run }]) => [name, run])) });
  const peakNow = peakGflops(median(times.get("peak")));
  for (const [name, { m, n, k }] of Object.entries(forms)) {
    const ms = times.get(name);
    const gflops = (2 * m * n * k) / median(ms) / 1e6;
    gemmResults.push({ name, shape, gflops, spread: spread(ms), peak: peakNow });
    gemmRows.push([name, shape.join(" × "), gflops.toFixed(1), spread(ms).toFixed(0), (gflops / peakNow).toFixed(2)]);
  }
}
const trainRows = [["network", "batch", "samples/s", "± %", "GFLOP/s", "of the peak", "one prediction, µs"]];
const trainResults = [];
for (const network of networks) {
  const result = await train(network, peakOnce);
  trainResults.push(result);
  trainRows.push([
    result.name, String(result.batch), Math.round(result.samplesPerSecond).toLocaleString("en"), result.spread.toFixed(0), result.gflops.toFixed(2),
    (result.gflops / result.peak).toFixed(2), result.predictMicroseconds.toFixed(2),
  ]);
}
if (!Number.isFinite(sink)) throw new Error("the peak probe lost its sum");

let commit = "unknown";
try {
  commit = execFileSync("git", ["rev-parse", "--short", "HEAD"], { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
} catch {
  // outside a checkout there is none
}
const machine = `${cpus()[0].model.trim()}, ${cpus().length} cores, Node ${process.versions.node} (V8 ${process.versions.v8}), one thread, commit ${commit}`;
const peakAll = median(trainResults.map(({ peak }) => peak));
const text = [
  "# Speed",
  "",
  `\`npm run bench\` on ${machine}. SIMD peak (multiply and add, no FMA), measured in turn with each row: ${peakAll.toFixed(1)} GFLOP/s.`,
  "",
  "Training with Adam, median of ten runs (± half the range):",
  "",
  table(trainRows),
  "",
  "Products of a dense layer:",
  "",
  table(gemmRows),
  "",
].join("\n");
console.log(text);
writeFileSync(join(here, "results.md"), text);
writeFileSync(join(here, "results.json"), `${JSON.stringify({ machine, peakGflops: peakAll, training: trainResults, products: gemmResults }, null, 2)}\n`);
