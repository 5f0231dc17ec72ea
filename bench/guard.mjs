// Has anything become slower? Compares products and training steps with the yardstick and the probe of the same process, not with times.
//
//   npm run bench:guard             fails (exit code 1) where a figure is below what bench/guard.json allows
//   node bench/guard.mjs --update   writes the ratios of this machine into bench/guard.json
//   node bench/guard.mjs --slowed   judges a product kernel made 1.5 times slower, and fails unless the guard fails on it
//
// What is judged: the geometric mean of the products, and each training step. A figure is too slow only if its ratio to the yardstick and
// that to the probe are both too low: a slower kernel lowers both, a busy core or another processor mostly one. Rounds go on until all is
// well or the last has passed, three times with pauses, so that one disturbed spell decides nothing. The bounds are for the class of
// machine that the ratios were stored on (processor, V8); another class has its own balance of loads, sums and calls, and wider ones.

import { readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { createContenders, createMeasurement, createProductContenders } from "./guard-figures.mjs";
import { describeMachine, describeQuiet, machineLine, watch } from "./machine.mjs";
import { createProbe } from "./probe.mjs";
import { compileSlowed } from "./slowed.mjs";
import { geometricMean, table } from "./stats.mjs";

const stored = fileURLToPath(new URL("guard.json", import.meta.url));
const BLOCK_MS = 3;
const ROUNDS = { least: 20, most: 150, slowed: 60 };
/** By how much a figure may be slower than stored. */
const TOLERANCE = { same: { products: 1.2, step: 1.4 }, other: { products: 1.8, step: 2.2 } };
/** How often a library that was found too slow is measured anew, after a pause: a neighbour that fills the caches slows T5 by a third. */
const ATTEMPTS = 3;
const PAUSE_MS = 4000;
/** How much longer the slower kernel has to take for its test to mean something. */
const SLOWED = { least: 1.3, most: 1.9 };
const PRODUCTS = "products, geometric mean";

const classOfMachine = () => `${cpus()[0].model.trim()}, ${process.arch}, V8 ${process.versions.v8.split(".")[0]}`;

/** Figures that are judged: the mean of the products, and each step. */
function figuresOf(ratios) {
  const names = Object.keys(ratios);
  const products = names.filter((name) => !name.startsWith("step"));
  const mean = (kind) => geometricMean(products.map((name) => ratios[name][kind]));
  const steps = Object.fromEntries(names.filter((name) => name.startsWith("step")).map((name) => [name, ratios[name]]));
  return { [PRODUCTS]: { yardstick: mean("yardstick"), peak: mean("peak") }, ...steps };
}

/** Each figure with how many times slower than expected it is (by the kinder of its two ratios) and what it may be. */
function judge(ratios, { machineClass, figures: expected }) {
  const tolerance = machineClass === classOfMachine() ? TOLERANCE.same : TOLERANCE.other;
  return Object.entries(figuresOf(ratios)).map(([name, { yardstick, peak }]) => {
    if (expected[name] === undefined) throw new Error(`bench/guard.json: expected '${name}', which is missing. Run node bench/guard.mjs --update`);
    const slower = Math.min(expected[name].yardstick / yardstick, expected[name].peak / peak);
    const allowed = name === PRODUCTS ? tolerance.products : tolerance.step;
    return { name, yardstick, peak, slower, allowed, slow: slower > allowed };
  });
}

/** Measures until nothing is too slow, for the least number of rounds at least and the most at most; prints and returns whether all is well. */
async function examine(contenders, reference, most = ROUNDS.most) {
  const measurement = await createMeasurement(contenders, BLOCK_MS);
  let verdict;
  let rounds = 0;
  do {
    await measurement.round();
    rounds++;
    verdict = judge(measurement.ratios(), reference);
  } while (rounds < ROUNDS.least || (rounds < most && verdict.some(({ slow }) => slow)));
  const rows = verdict.map(({ name, yardstick, peak, slower, allowed, slow }) => [
    name, yardstick.toFixed(3), peak.toFixed(3), `${slower.toFixed(2)}×`, `${allowed.toFixed(2)}×`, slow ? "too slow" : "well",
  ]);
  console.log(table([["figure", "to the yardstick", "to the probe", "slower than expected", "allowed", "verdict"], ...rows]));
  const slow = verdict.filter((one) => one.slow).map(({ name }) => name);
  console.log(slow.length === 0 ? `guard: nothing is slower than allowed (${rounds} rounds)` : `guard: too slow: ${slow.join("; ")} (${rounds} rounds)`);
  return slow.length === 0;
}

/** The figures of contenders over all rounds, to expect of them from now on. */
async function measureReference(contenders) {
  const measurement = await createMeasurement(contenders, BLOCK_MS);
  for (let round = 0; round < ROUNDS.most; round++) await measurement.round();
  const rounded = ({ yardstick, peak }) => ({ yardstick: Number(yardstick.toPrecision(4)), peak: Number(peak.toPrecision(4)) });
  const figures = Object.fromEntries(Object.entries(figuresOf(measurement.ratios())).map(([name, ratios]) => [name, rounded(ratios)]));
  return { machineClass: classOfMachine(), machine: machineLine(describeMachine()), figures };
}

/** Whether the guard fails on the slower kernel, and that this one is about 1.5 times slower than the library's, both in the same rounds. */
async function examineSlowed() {
  const usual = await createProductContenders(readFileSync(fileURLToPath(new URL("../build/release.wasm", import.meta.url))));
  const slower = await createProductContenders(await compileSlowed());
  const both = await createMeasurement({ ...usual, ...Object.fromEntries(Object.entries(slower).map(([name, one]) => [`slower ${name}`, one])) }, BLOCK_MS);
  for (let round = 0; round < 2 * ROUNDS.least; round++) await both.round();
  const ratios = both.ratios();
  const factor = geometricMean(Object.keys(usual).map((name) => ratios[name].peak / ratios[`slower ${name}`].peak));
  console.log(`guard: the slower kernel takes ${factor.toFixed(2)} times as long`);
  const expected = figuresOf(Object.fromEntries(Object.keys(usual).map((name) => [name, ratios[name]])));
  const passes = await examine(slower, { machineClass: classOfMachine(), figures: expected }, ROUNDS.slowed);
  const meaningful = factor >= SLOWED.least && factor <= SLOWED.most;
  if (!meaningful) console.log(`guard: expected it to take ${SLOWED.least} to ${SLOWED.most} times as long. Change what bench/slowed.mjs plants`);
  console.log(passes ? "guard: expected to fail on the slower kernel, found it well" : "guard: fails on the slower kernel, as it should");
  return meaningful && !passes;
}

async function main([option, ...rest]) {
  if (rest.length > 0 || ![undefined, "--update", "--slowed"].includes(option)) {
    throw new RangeError(`guard: expected --update or --slowed, got ${[option, ...rest].join(" ")}`);
  }
  if (option === "--update") {
    const quiet = watch();
    const probe = await createProbe();
    const probes = [probe.measure()];
    const reference = await measureReference(await createContenders());
    probes.push(probe.measure());
    writeFileSync(stored, `${JSON.stringify(reference, null, 2)}\n`);
    console.log(`guard: wrote ${Object.keys(reference.figures).length} figures of ${reference.machineClass}`);
    console.log(describeQuiet(quiet.end(probes)));
    return;
  }
  const well = option === "--slowed" ? await examineSlowed() : await examineLibrary();
  if (!well) process.exitCode = 1;
}

async function examineLibrary() {
  const reference = JSON.parse(readFileSync(stored, "utf8"));
  if (reference.machineClass !== classOfMachine()) {
    console.log(`guard: the figures are of ${reference.machineClass}; this is ${classOfMachine()}, so the bounds are wide`);
  }
  const contenders = await createContenders();
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    if (await examine(contenders, reference)) return true;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return examine(contenders, reference);
}

await main(process.argv.slice(2));
