// Trains from a CSV that does not fit memory: makes one of 5 million rows, and trains a network on it as rosenblatt/tabular's readCSV streams it.
//
//   npm run stream [-- --rows 5000000] [--dist FOLDER] [--json]
//
// Says the rates, in rows a second, of the parser alone, of training from it, and of training on chunks that need no parser, and the
// greatest resident size of the process, which must stay under 400 MB. The file lies in the temporary folder and is removed.

import { createReadStream, createWriteStream, mkdtempSync, rmSync, statSync } from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  options: { rows: { type: "string", default: "5000000" }, dist: { type: "string", default: fileURLToPath(new URL("../dist", import.meta.url)) }, json: { type: "boolean" } },
});
const entry = (name) => import(pathToFileURL(resolve(options.dist, name)).href);
const { Network, adam, dense } = await entry("index.js");
const { readCSV } = await entry("tabular.js");

const MOST_BYTES = 400 * 2 ** 20;
const INPUTS = 4;
const CHUNK = 1024;
const rows = Number(options.rows);
if (!Number.isInteger(rows) || rows < 1) throw new RangeError(`--rows: expected an integer from 1 up, got ${options.rows}`);

/** Park and Miller's generator: numbers in [0, 1). */
function generator(seed) {
  let state = seed;
  return () => (state = (state * 48271) % 2147483647) / 2147483647;
}

/** A row: four numbers of three digits, and whether the point lies in a ball of a bit less than half of the volume. */
function rowsOf(seed) {
  const next = generator(seed);
  return () => {
    const x = Array.from({ length: INPUTS }, () => Math.round(2000 * next() - 1000) / 1000);
    return [...x, x.reduce((sum, value) => sum + value * value, 0) < 1.25 ? 1 : 0];
  };
}

async function writeRows(path) {
  const file = createWriteStream(path);
  const row = rowsOf(1);
  file.write("a,b,c,d,inside\n");
  for (let done = 0; done < rows; ) {
    const lines = [];
    for (let i = 0; i < 5000 && done < rows; i++, done++) lines.push(row().join());
    if (!file.write(`${lines.join("\n")}\n`)) await once(file, "drain");
  }
  file.end();
  await once(file, "finish");
}

/** The rows of the file as chunks of floats. */
async function* chunksOf(path) {
  let inputs = new Float32Array(CHUNK * INPUTS);
  let targets = new Float32Array(CHUNK);
  let count = 0;
  for await (const { a, b, c, d, inside } of readCSV(createReadStream(path))) {
    inputs.set([Number(a), Number(b), Number(c), Number(d)], INPUTS * count);
    targets[count++] = Number(inside);
    if (count < CHUNK) continue;
    yield { inputs, targets };
    inputs = new Float32Array(CHUNK * INPUTS);
    targets = new Float32Array(CHUNK);
    count = 0;
  }
  if (count > 0) yield { inputs: inputs.subarray(0, INPUTS * count), targets: targets.subarray(0, count) };
}

/** As many rows from one chunk, again and again. */
function* sameChunks() {
  const row = rowsOf(2);
  const drawn = Array.from({ length: CHUNK }, row);
  const chunk = { inputs: drawn.map((values) => Float32Array.from(values.slice(0, INPUTS))), targets: drawn.map((values) => values[INPUTS]) };
  const flat = { inputs: Float32Array.from(drawn.flatMap((values) => values.slice(0, INPUTS))), targets: Float32Array.from(chunk.targets) };
  for (let left = rows; left > 0; left -= CHUNK) {
    yield left >= CHUNK ? flat : { inputs: flat.inputs.subarray(0, INPUTS * left), targets: flat.targets.subarray(0, left) };
  }
}

const create = () => Network.create({ inputs: INPUTS, layers: [dense(16, "relu"), dense(1, "sigmoid")], seed: 1 });
const fitOptions = { batchSize: 32, optimizer: adam({ learningRate: 0.002 }) };

async function seconds(work) {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

const folder = mkdtempSync(join(tmpdir(), "rosenblatt-stream-"));
const path = join(folder, "rows.csv");
try {
  await writeRows(path);
  const bytes = statSync(path).size;
  let parsed = 0;
  const parsing = await seconds(async () => {
    for await (const { targets } of chunksOf(path)) parsed += targets.length;
  });
  const network = await create();
  let history;
  const training = await seconds(async () => {
    history = await network.fit(chunksOf(path), fitOptions);
  });
  const without = await seconds(async () => (await create()).fit(sameChunks, fitOptions));
  const test = rowsOf(3);
  const held = Array.from({ length: 2000 }, test);
  const { metrics } = network.evaluate(held.map((values) => values.slice(0, INPUTS)), held.map((values) => values[INPUTS]));
  const memory = process.resourceUsage().maxRSS * 1024;
  const result = {
    rows: parsed, fileBytes: bytes, parserRowsPerSecond: Math.round(rows / parsing), trainingRowsPerSecond: Math.round(rows / training),
    trainingWithoutParserRowsPerSecond: Math.round(rows / without), loss: history.epochs[0].loss, accuracy: metrics.accuracy, residentBytes: memory, residentLimit: MOST_BYTES,
  };
  if (options.json) console.log(JSON.stringify(result));
  else {
    const per = (time) => `${Math.round(rows / time).toLocaleString("en")} rows/s`;
    console.log(`${rows.toLocaleString("en")} rows, ${(bytes / 2 ** 20).toFixed(0)} MB; network 4-16-1, batches of 32`);
    console.log(`parser alone               ${per(parsing)}`);
    console.log(`training from the parser   ${per(training)}   loss ${result.loss.toFixed(4)}, accuracy on 2,000 others ${metrics.accuracy.toFixed(3)}`);
    console.log(`training without a parser  ${per(without)}`);
    console.log(`greatest resident size     ${(memory / 2 ** 20).toFixed(0)} MB of ${MOST_BYTES / 2 ** 20}`);
  }
  if (parsed !== rows || memory > MOST_BYTES) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
