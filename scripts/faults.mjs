// Do the tests notice? Plants one fault after another in a copy of the tree and runs the tests that have to fail.
//
//   node scripts/faults.mjs [name… | 1/4]        all of scripts/faults/list.mjs, those named, or the first of four parts
//
// First the copy without a fault passes the same tests; the limits of their time are wide, since a fault is not caught by a busy machine. A fault counts as caught if it compiles and at least one test fails;
// anything else, also a pattern that does not occur exactly once, is a failure of this script: exit code 1.
// In the copy one target of the core is compiled, the debug one, and stands for the release one: what is tried here are the tests. The other binaries are
// those that `node scripts/build.mjs` left.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { faults } from "./faults/list.mjs";
import { keptResult, lastFolder, writeResult } from "./results.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const COPIED = ["assembly", "src", "test", "scripts", "examples", "package.json", "asconfig.json", "tsconfig.json", "vitest.config.ts"];
const BUILT = ["relaxed", "predict", "lzma"];
/** What the copy's build does otherwise: one target, and a compression that takes no seconds. */
const BUILD_CHANGES = [
  ['const packaged = [...targets.filter((target) => target !== "debug"), ...parts];', 'const packaged = ["release"];'],
  ["for (const target of compiled) {", `for (const target of [...compiled, ...${JSON.stringify(BUILT)}]) {`],
  ["lzma.LZMA.compress([...bytes], 9)", "lzma.LZMA.compress([...bytes], 1)"],
];
const LONGEST_RUN_MS = 240_000;
/** For all tests together, without a fault. */
const LONGEST_SOUND_MS = 1_800_000;

class Failure extends Error {}

/** A text with its one occurrence of `find` replaced. */
function replaceOnce(text, find, put, where) {
  const count = text.split(find).length - 1;
  if (count !== 1) throw new Failure(`${where}: expected the pattern once, found it ${count} times: ${find}`);
  return text.replace(find, () => put);
}

function edit(file, change) {
  writeFileSync(file, change(readFileSync(file, "utf8")));
}

/** A copy of the tree whose only target is the debug build under the release's name. */
function copyTree() {
  const copy = mkdtempSync(join(tmpdir(), "rosenblatt-faults-"));
  for (const name of COPIED) if (existsSync(join(root, name))) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
  edit(join(copy, "scripts/build.mjs"), (text) => BUILD_CHANGES.reduce((changed, [find, put]) => replaceOnce(changed, find, put, "scripts/build.mjs"), text));
  mkdirSync(join(copy, "build"));
  for (const name of BUILT) {
    for (const file of [`build/${name}.wasm`, `build/${name}.lzma.json`]) if (existsSync(join(root, file))) copyFileSync(join(root, file), join(copy, file));
  }
  edit(join(copy, "asconfig.json"), (text) => {
    const configuration = JSON.parse(text);
    configuration.targets = { release: { outFile: "build/release.wasm", debug: true } };
    return JSON.stringify(configuration);
  });
  return copy;
}

function build(copy) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["scripts/build.mjs", "--wasm-only"], { cwd: copy, encoding: "utf8" });
  if (status !== 0) throw new Failure(`does not compile: ${(stderr + stdout).trim().slice(0, 400)}`);
  copyFileSync(join(copy, "build/release.wasm"), join(copy, "build/debug.wasm"));
}

/** Runs tests; how many passed and failed, and the name of the first that failed. */
function runTests(copy, files, only, bail, timeout = LONGEST_RUN_MS) {
  const report = join(copy, "build/faults.json");
  rmSync(report, { force: true });
  const parameters = [join(root, "node_modules/vitest/vitest.mjs"), "run", ...files, "--reporter=json", `--outputFile=${report}`, "--testTimeout=120000", "--hookTimeout=120000"];
  if (only !== undefined) parameters.push("-t", only);
  if (bail) parameters.push("--bail", "1");
  const { error } = spawnSync(process.execPath, parameters, { cwd: copy, encoding: "utf8", timeout });
  if (error !== undefined) throw new Failure(`the tests do not end: ${error.message}`);
  const { testResults } = JSON.parse(readFileSync(report, "utf8"));
  const tests = testResults.flatMap((file) => file.assertionResults);
  const failed = tests.filter(({ status }) => status === "failed");
  const unloaded = testResults.filter((file) => file.status === "failed" && !file.assertionResults.some(({ status }) => status === "failed"));
  if (unloaded.length > 0 && failed.length === 0) throw new Failure(`does not load: ${unloaded[0].message.slice(0, 400)}`);
  return { passed: tests.filter(({ status }) => status === "passed").length, failed: failed.length, first: failed[0]?.fullName, failures: failed.map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages?.[0]?.slice(0, 300)}`) };
}

function chosen(names) {
  const part = /^(\d+)\/(\d+)$/.exec(names[0] ?? "");
  if (part !== null && names.length === 1) return faults.filter((_, i) => i % Number(part[2]) === Number(part[1]) - 1);
  for (const name of names) {
    if (!faults.some((fault) => fault.name === name)) throw new Failure(`faults: expected ${faults.map((fault) => fault.name).join(", ")}, got ${name}`);
  }
  return names.length === 0 ? faults : faults.filter(({ name }) => names.includes(name));
}

/** The tests that the faults' patterns name pass without a fault. */
function proveSound(copy, planned) {
  build(copy);
  const patterned = planned.filter(({ only }) => only !== undefined);
  const whole = planned.filter(({ only }) => only === undefined);
  const filesOf = (some) => [...new Set(some.flatMap(({ tests }) => tests))].sort();
  const runs = [[filesOf(patterned), [...new Set(patterned.map(({ only }) => only))].join("|")], [filesOf(whole), undefined]].filter(([files]) => files.length > 0);
  for (const [files, only] of runs) {
    const { passed, failed, failures } = runTests(copy, files, only, false, LONGEST_SOUND_MS);
    if (failed > 0 || passed === 0) throw new Failure(`without a fault ${failed} of ${passed + failed} tests fail:\n${failures.join("\n")}`);
    console.log(`without a fault: ${passed} tests of ${files.length} files pass`);
  }
  console.log("");
}

/** Plants a fault, runs its tests and takes it out again. The name of the first test that failed, or undefined. */
function tryFault(copy, { file, find, put, tests, only }) {
  const path = join(copy, file);
  const sound = readFileSync(path, "utf8");
  writeFileSync(path, replaceOnce(sound, find, put, file));
  try {
    if (file.startsWith("assembly/")) build(copy);
    const { passed, failed, first } = runTests(copy, tests, only, true);
    if (passed + failed === 0) throw new Failure(`no test is named like ${only}`);
    return first;
  } finally {
    writeFileSync(path, sound);
  }
}

/** One hash over what the faults are planted in, the tests, and the faults. */
function hashOfSources() {
  const hash = createHash("sha256");
  for (const folder of ["assembly", "src", "test", "scripts/faults"]) {
    const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).filter((name) => /\.(ts|mjs)$/.test(name)).sort();
    for (const name of names) hash.update(`${name}\n`).update(readFileSync(join(root, folder, name)));
  }
  return hash.digest("hex").slice(0, 16);
}

/** Keeps what became of faults, beside those of other runs on the same sources, so that parts of the list may run one after another. */
function keep(sources, done) {
  const earlier = keptResult("faults", lastFolder);
  const all = { ...(earlier?.sources === sources ? earlier.outcomes : {}), ...done };
  const outcomes = Object.fromEntries(faults.filter(({ name }) => name in all).map(({ name }) => [name, all[name]]));
  const each = Object.values(outcomes);
  const caught = each.filter(({ result }) => result.startsWith("caught")).length;
  const seconds = Math.round(each.reduce((sum, one) => sum + one.seconds, 0));
  // the size is the share of the list, which may grow shorter
  writeResult("faults", { figure: `${caught} of ${each.length} caught${each.length < faults.length ? `, of ${faults.length} in the list` : ""}`, passed: caught === each.length, size: each.length / faults.length, seconds, sources, outcomes });
}

function main(names) {
  const planned = chosen(names);
  if (new Set(faults.map(({ name }) => name)).size !== faults.length) throw new Failure("faults: expected names that differ");
  for (const { name, file, find, put } of planned) replaceOnce(readFileSync(join(root, file), "utf8"), find, put, `${name}: ${file}`);
  const copy = copyTree();
  const sources = hashOfSources();
  const done = {};
  try {
    proveSound(copy, planned);
    const width = Math.max(...planned.map(({ name }) => name.length));
    let planted = false;
    for (const fault of planned) {
      const started = performance.now();
      // the fault before this one may still be in the binary
      if (planted && !fault.file.startsWith("assembly/")) build(copy);
      planted = fault.file.startsWith("assembly/");
      let result;
      try {
        const first = tryFault(copy, fault);
        result = first === undefined ? "ESCAPED" : `caught by "${first}"`;
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        result = `FAILED: ${error.message}`;
      }
      const seconds = (performance.now() - started) / 1000;
      done[fault.name] = { result, seconds: Math.round(seconds * 10) / 10 };
      keep(sources, done);
      console.log(`${fault.name.padEnd(width)}  ${seconds.toFixed(1).padStart(5)} s  ${fault.what}: ${result}`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  const caught = Object.values(done).filter(({ result }) => result.startsWith("caught")).length;
  console.log(`\n${caught} of ${planned.length} faults caught`);
  process.exitCode = caught < planned.length ? 1 : 0;
}

try {
  main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
