// npm run fuzz [-- --seconds 60] [--files N] [--seed N] [--json FILE] [--missed 1]
//
// Changes model files at random and reads them: each is refused with a ModelFormatError or is sound, and nothing else. Guided by coverage: a file that
// takes a branch no other took, or takes one far more often, joins the files that are changed. One in 16 sound files, and all that join, is loaded as a
// network, saved, loaded and saved again, to the same bytes, and predicts. Ends with 1 at the first file that breaks that, which it writes to
// build/fuzz/; --missed 1 names the lines of branches that no file took. The long form of ten million
// files is `npm run fuzz -- --files 10000000`; an interrupt (Ctrl-C) ends it within some ten seconds,
// with what it came to.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeResult } from "../results.mjs";
import { instrumented } from "./instrument.mjs";
import { mutate } from "./mutate.mjs";
import { randomSource } from "./random.mjs";
import { seedFiles } from "./seeds.mjs";

const folder = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "build", "fuzz");
/** Longer files are let go: they take time and show nothing that shorter ones do not. */
const LONGEST = 20_000;
/** A file that always takes longer breaks the promise. */
const SLOW_MS = 50;
const LONGEST_MESSAGE = 500;

function options(parameters) {
  const given = { seconds: undefined, files: undefined, seed: 1, json: undefined, missed: 0 };
  for (let i = 0; i < parameters.length; i += 2) {
    const name = parameters[i].replace(/^--/, "");
    const value = name === "json" ? parameters[i + 1] : Number(parameters[i + 1]);
    if (!(name in given) || value === undefined || Number.isNaN(value)) throw new RangeError(`fuzz: expected --seconds, --files, --seed, --json or --missed with a value, got ${parameters.slice(i, i + 2).join(" ")}`);
    given[name] = value;
  }
  if (given.seconds === undefined && given.files === undefined) given.seconds = 60;
  return { ...given, seconds: given.seconds ?? Infinity, files: given.files ?? Infinity };
}

/** How often a branch was taken, as AFL has it: 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, 128 and more. */
const classOf = Uint8Array.from({ length: 256 }, (_, n) => (n === 0 ? 0 : n < 4 ? 1 << (n - 1) : n < 8 ? 8 : n < 16 ? 16 : n < 32 ? 32 : n < 128 ? 64 : 128));

class Broken extends Error {}

async function main() {
  const { seconds, files, seed, json, missed } = options(process.argv.slice(2));
  const { library: { library, ModelFormatError, Network, readModel, readPreparation }, hits, places } = await instrumented();
  const random = randomSource(seed);
  const corpus = (await seedFiles(library)).map((bytes) => Uint8Array.from(bytes));
  const seen = new Uint8Array(hits.length);
  const codes = new Map();
  const count = { tried: 0, sound: 0, refused: 0, loaded: 0 };
  let slowestMs = 0;

  /** Whether the last file was new. */
  const learn = () => {
    let fresh = false;
    for (let i = 0; i < hits.length; i++) {
      if (hits[i] === 0) continue;
      const bit = classOf[hits[i]];
      if ((seen[i] & bit) !== 0) continue;
      seen[i] |= bit;
      fresh = true;
    }
    return fresh;
  };

  const checkRefusal = (error) => {
    if (!(error instanceof ModelFormatError)) throw new Broken(`expected a ModelFormatError, got ${error?.stack ?? error}`);
    if (typeof error.code !== "string" || !/^[a-zA-Z0-9]+$/.test(error.code)) throw new Broken(`expected a code, got ${error.code}`);
    if (error.message.length > LONGEST_MESSAGE || /[\p{C}\p{Zl}\p{Zp}]/u.test(error.message)) throw new Broken(`expected a short message of printable characters, got ${JSON.stringify(error.message)}`);
    codes.set(error.code, (codes.get(error.code) ?? 0) + 1);
  };

  /** Reads a file. Whether it is sound. */
  const read = (bytes) => {
    let file;
    try {
      file = readModel(bytes);
    } catch (error) {
      checkRefusal(error);
      return false;
    }
    const { topology, description: { network: { layers } }, tabular } = file;
    if (tabular === undefined) return true;
    try {
      readPreparation(tabular, { inputs: topology.inputs, outputs: topology.outputs, outputActivation: layers.at(-1).activation?.name ?? "linear" });
    } catch (error) {
      checkRefusal(error);
    }
    return true;
  };

  /** Makes a network of a sound file and holds it to its promises. */
  const live = async (bytes) => {
    const network = await Network.load(bytes);
    const saved = network.save();
    const again = await Network.load(saved);
    if (Buffer.compare(again.save(), saved) !== 0) throw new Broken("expected the same bytes when saved again, got others");
    if (network.predict(new Float32Array(network.inputs)).length !== network.outputs) throw new Broken("expected a prediction of each output, got another");
    network.dispose();
    again.dispose();
    count.loaded++;
  };

  const tryFile = async (bytes, always = false) => {
    hits.fill(0);
    const began = performance.now();
    const sound = read(bytes);
    let ms = performance.now() - began;
    const fresh = learn();
    // again in time of the processor, which other processes do not take
    for (let again = 0; again < 3 && ms > SLOW_MS; again++) {
      const used = process.cpuUsage();
      read(bytes);
      const { user, system } = process.cpuUsage(used);
      ms = Math.min(ms, (user + system) / 1000);
    }
    if (!sound && ms > SLOW_MS) throw new Broken(`expected a refusal within ${SLOW_MS} ms, got ${ms.toFixed(0)}`);
    slowestMs = Math.max(slowestMs, ms);
    count[sound ? "sound" : "refused"]++;
    if (sound && (always || fresh || count.sound % 16 === 0)) await live(bytes);
    return fresh;
  };

  for (const bytes of corpus) {
    await tryFile(bytes, true);
    if (count.refused > 0) throw new Error("fuzz: expected files that load to start from, got one that is refused");
  }
  const seeds = corpus.length;
  Object.assign(count, { sound: 0, loaded: 0 });
  /** Those that are sound: three of four changes begin there, since what is no JSON any more soon shows nothing new. */
  const soundFiles = [...corpus];
  let stopped = false;
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => (stopped = true));
  const began = performance.now();
  let told = began;
  while (count.tried < files && !stopped) {
    const now = performance.now();
    if (now - began > seconds * 1000) break;
    if (now - told > 10_000) {
      told = now;
      // signals are heard of between turns of the event loop
      await new Promise((resolve) => setImmediate(resolve));
      console.error(`${count.tried} files, ${Math.round(count.tried / ((now - began) / 1000))} a second, corpus ${corpus.length}`);
    }
    let bytes = random.pick(random.below(4) > 0 ? soundFiles : corpus);
    for (let changes = 1 + random.below(random.below(4) === 0 ? 6 : 2); changes > 0; changes--) bytes = mutate(bytes, random.pick(corpus), random);
    if (bytes.length > LONGEST) continue;
    count.tried++;
    try {
      const { sound } = count;
      if (!(await tryFile(bytes))) continue;
      corpus.push(bytes);
      if (count.sound > sound) soundFiles.push(bytes);
    } catch (error) {
      mkdirSync(folder, { recursive: true });
      const name = join(folder, `broken-${createHash("sha256").update(bytes).digest("hex").slice(0, 12)}.safetensors`);
      writeFileSync(name, bytes);
      console.error(`${name}: ${error.stack ?? error}`);
      process.exitCode = 1;
      break;
    }
  }
  const elapsed = (performance.now() - began) / 1000;
  const byFile = new Map();
  places.forEach(({ name }, i) => {
    const [taken, all] = byFile.get(name) ?? [0, 0];
    byFile.set(name, [taken + (seen[i] > 0 ? 1 : 0), all + 1]);
  });
  if (missed) places.forEach(({ name, line }, i) => { if (seen[i] === 0) console.error(`${name}:${line}`); });
  const taken = seen.reduce((sum, bits) => sum + (bits > 0 ? 1 : 0), 0);
  const report = {
    seed, ...count, seconds: Math.round(elapsed), perSecond: Math.round(count.tried / elapsed), slowestMs: Math.round(slowestMs * 10) / 10, seeds, corpus: corpus.length, branches: { taken, all: places.length },
    codes: Object.fromEntries([...codes].sort()), files: Object.fromEntries([...byFile].sort().map(([place, [some, all]]) => [place, `${some} of ${all}`])), broken: process.exitCode === 1,
  };
  writeResult("fuzz", {
    figure: `${count.tried.toLocaleString("en")} files: ${count.refused.toLocaleString("en")} refused, ${count.sound.toLocaleString("en")} sound, ${report.broken ? "one" : "none"} that is neither`,
    passed: !report.broken, size: report.broken && files < Infinity ? files : count.tried, ...report,
  });
  if (json !== undefined) writeFileSync(json, JSON.stringify(report));
  console.log(JSON.stringify(report, null, 2));
}

await main();
