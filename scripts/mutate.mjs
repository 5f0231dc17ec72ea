// Mutation testing of src/: changes one condition, bound, operator, return value or call at a time, and runs the test files that reach the
// change. A mutant that no test notices has survived.
//
//   node scripts/mutate.mjs [--sample 600] [--seed 1] [--minutes 600] [--below folder of src] [--retry] [--tests file,file]
//
// --sample: so many mutants, drawn by the seed in the proportion of the files; 0 for all. They are run in a random order: when the minutes
// are over, those that ran are the sample. --retry: only those that survived the last run of the same sample; what is noticed now counts.
// --tests: of these test files alone. Writes build/reliability/mutation.json, with every survivor.
//
// All chosen mutants are put into one copy of the tree, which is built, package and command too, so that a test by the command or a
// worker sees them (scripts/mutants.mjs). A first run without a mutant records which test file reaches which. Then each mutant runs its
// files, quick ones first, until one fails. A run that does not end in four times its time and 60 s counts as noticed; how many
// did so is told. Not run: tests in
// browsers (no environment there to switch a mutant by), those of texts and sizes (the copy's are others), and the random long ones.

import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { drawSample, interval, mutantsOf, shuffle, withMutants } from "./mutants.mjs";
import { folder, writeResult } from "./results.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const COPIED = ["assembly", "bench", "build", "examples", "scripts", "src", "test", "package.json", "asconfig.json", "tsconfig.json", "tsconfig.build.json", "vitest.config.ts", "README.md", "LICENSE", "CHANGELOG.md"];
const LEFT_OUT = [
  "test/browser/", "test/playground.test.ts", "test/lessons.test.ts", "test/environments.test.ts", "test/csp.test.ts",
  "test/package.test.ts", "test/host-math.test.ts", "test/core-binary.test.ts", "test/stream-script.test.ts",
  "test/fuzz.test.ts", "test/memory.test.ts", "test/worker-kills.test.ts", "test/reproduce.test.ts", "test/kernels/gemm.test.ts",
];
const AT_ONCE = 2;
const GOAL = 85;

const { values: { sample, seed, minutes, below, tests, retry } } = parseArgs({
  options: { sample: { type: "string", default: "600" }, seed: { type: "string", default: "1" }, minutes: { type: "string", default: "600" },
    below: { type: "string", default: "" }, tests: { type: "string", default: "" }, retry: { type: "boolean", default: false } },
});

function chooseMutants() {
  const files = readdirSync(join(root, "src"), { recursive: true }).filter((name) => /(?<!\.d)\.ts$/.test(name)).map((name) => `src/${name}`);
  const all = files.filter((name) => name.startsWith(`src/${below}`)).sort().flatMap((file) => mutantsOf(file, readFileSync(join(root, file), "utf8")));
  return { all, chosen: drawSample(all, Number(sample), Number(seed)).map((mutant, id) => ({ ...mutant, id })) };
}

/** What a mutant is called: stays when lines above it come or go. */
const nameOf = ({ file, line, kind }, texts) => `${file}:${line} ${kind}   ${texts(file).split("\n")[line - 1].trim()}`;

function copyTree(chosen) {
  const copy = mkdtempSync(join(tmpdir(), "rosenblatt-mutants-"));
  for (const name of COPIED) if (existsSync(join(root, name))) cpSync(join(root, name), join(copy, name), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"), "junction");
  for (const file of new Set(chosen.map((mutant) => mutant.file))) {
    const text = readFileSync(join(root, file), "utf8");
    writeFileSync(join(copy, file), withMutants(file, text, chosen.filter((mutant) => mutant.file === file)));
  }
  const reached = join(copy, "reached");
  mkdirSync(reached);
  writeFileSync(join(copy, "reached.ts"), `const file = (globalThis as any).__vitest_worker__.filepath as string;
process.env["ROSENBLATT_REACHED"] = ${JSON.stringify(`${reached}/`)} + file.slice(${JSON.stringify(copy)}.length + 1).replaceAll("/", "+");\n`);
  const { status } = spawnSync(process.execPath, ["scripts/build.mjs", "--all", "--no-check"], { cwd: copy, stdio: "inherit" });
  if (status !== 0) throw new Error("mutate: expected a tree that builds with the mutants in it. See above");
  return copy;
}

/** Runs test files; resolves to "passed", "failed" or, over the limit, "late". */
function runTests(copy, files, parameters, env, limit) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "node_modules/vitest/vitest.mjs"), "run", ...files, ...parameters], {
      cwd: copy, detached: true, stdio: "ignore", env: { ...process.env, ...env },
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      process.kill(-child.pid, "SIGKILL");
    }, limit);
    child.on("exit", (code) => {
      clearTimeout(timer);
      try {
        process.kill(-child.pid, "SIGKILL");                           // what a test left running
      } catch {
        // nothing did
      }
      resolve(late ? "late" : code === 0 ? "passed" : "failed");
    });
  });
}

/** Which test files reach each mutant, and how long each file takes, from a run without a mutant. */
async function reach(copy) {
  const report = join(copy, "build/first.json");
  const files = readdirSync(join(copy, "test"), { recursive: true }).filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`);
  const kept = files.filter((file) => (tests === "" ? !LEFT_OUT.some((start) => file.startsWith(start)) : tests.split(",").includes(file)));
  await runTests(copy, kept, ["--reporter=json", `--outputFile=${report}`, "--testTimeout=120000"], { ROSENBLATT_SETUP: "./reached.ts" }, 3_600_000);
  const results = JSON.parse(readFileSync(report, "utf8")).testResults;
  const bad = results.filter(({ status }) => status !== "passed");
  if (bad.length > 0) console.log(`left out, since they fail without a mutant: ${bad.map(({ name }) => relative(copy, name)).join(", ")}`);
  const durations = new Map(results.filter(({ status }) => status === "passed").map(({ name, startTime, endTime }) => [relative(copy, name), endTime - startTime]));
  const filesOf = new Map();
  for (const name of readdirSync(join(copy, "reached"))) {
    const file = name.replaceAll("+", "/");
    if (!durations.has(file)) continue;
    for (const id of new Set(readFileSync(join(copy, "reached", name), "utf8").split("\n").filter(Boolean).map(Number))) filesOf.set(id, [...(filesOf.get(id) ?? []), file]);
  }
  for (const list of filesOf.values()) list.sort((a, b) => durations.get(a) - durations.get(b));
  return { durations, filesOf };
}

/** Whether a test notices the mutant: "failed" or "late" if one does, else "passed". The four quickest files run first, then more at a time. */
async function noticed(copy, { id }, files, durations) {
  let rest = files;
  for (let first = 4; rest.length > 0; first *= 4) {
    const part = rest.slice(0, first);
    rest = rest.slice(first);
    const limit = 60_000 + 4 * part.reduce((sum, file) => sum + durations.get(file), 0);
    const parameters = ["--bail=1", "--maxWorkers=1", "--testTimeout=120000", "--hookTimeout=120000", "--reporter=dot"];
    const outcome = await runTests(copy, part, parameters, { ROSENBLATT_MUTANT: String(id) }, limit);
    if (outcome !== "passed") return outcome;
  }
  return "passed";
}

async function main() {
  const { all, chosen } = chooseMutants();
  const texts = (file) => readFileSync(join(root, file), "utf8");
  const last = join(folder, "mutation.json");
  const known = retry ? new Set(JSON.parse(readFileSync(last, "utf8")).survivors.map((name) => name.replace(/ \(not reached\)$/, ""))) : undefined;
  const toRun = known === undefined ? chosen : chosen.filter((mutant) => known.has(nameOf(mutant, texts)));
  console.log(`${toRun.length} of ${all.length} mutants`);
  const copy = copyTree(chosen);
  const survivors = [];
  let [ran, late] = [0, 0];
  try {
    const { durations, filesOf } = await reach(copy);
    const unreached = toRun.filter(({ id }) => !filesOf.has(id)).length;
    console.log(`${durations.size} test files in ${Math.round([...durations.values()].reduce((a, b) => a + b, 0) / 1000)} s; ${unreached} mutants that none reaches`);
    const queue = shuffle(toRun, Number(seed), "order");
    const end = Date.now() + 60_000 * Number(minutes);
    const work = async () => {
      while (queue.length > 0 && Date.now() < end) {
        const mutant = queue.pop();
        const files = filesOf.get(mutant.id) ?? [];
        const outcome = await noticed(copy, mutant, files, durations);
        const line = `${nameOf(mutant, texts)}${files.length === 0 ? " (not reached)" : ""}`;
        if (outcome === "passed") survivors.push(line);
        if (outcome === "late") late++;
        console.log(`${++ran}/${toRun.length} ${{ passed: "SURVIVED", failed: "noticed ", late: "LATE    " }[outcome]} ${line}`);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
  const trials = retry ? JSON.parse(readFileSync(last, "utf8")).mutants : ran;
  const caught = trials - survivors.length;
  const percent = (share) => (100 * share).toFixed(1);
  const score = (100 * caught) / trials;
  const [low, high] = interval(caught, trials).map(percent);
  const range = trials < all.length ? ` (95 % interval ${low} to ${high} %)` : "";
  const figure = `${score.toFixed(1)} %${range} of ${trials} mutants, drawn from ${all.length} by seed ${seed}`;
  console.log(`${figure}; ${late} by the time limit alone`);
  if (below === "") writeResult("mutation", { figure, passed: score >= GOAL, score, mutants: trials, late, survivors: survivors.sort() });
  process.exitCode = score >= GOAL ? 0 : 1;
}

await main();
