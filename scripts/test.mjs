// Runs everything that is tested: build, types, the test files, the sizes, the guard of speed; the last line is "N passed, N failed".
//
//   npm test [-- vitest arguments, such as part of a file's name; then without sizes and guard]
//
// What could not run counts as failed: a build or type error, a test file that does not load, a skipped test, an error outside of
// any test. The exit code is 0 only if nothing failed.

import { spawnSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ensureBrowsers } from "./browser.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const results = join(root, "build", "test-results.json");

/** Runs a script in Node, showing what it prints; whether it succeeded. */
function run(script, ...parameters) {
  return spawnSync(process.execPath, [join(root, script), ...parameters], { cwd: root, stdio: "inherit" }).status === 0;
}

/** Counts from the JSON report of a run that ended with success or not. */
function tally(succeeded) {
  let report;
  try {
    report = JSON.parse(readFileSync(results, "utf8"));
  } catch {
    return { passed: 0, failed: 1 };
  }
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const passed = tests.filter(({ status }) => status === "passed").length;
  const unloaded = report.testResults.filter((file) => {
    return file.status === "failed" && file.assertionResults.every(({ status }) => status === "passed");
  });
  const failed = tests.length - passed + unloaded.length;
  return { passed, failed: succeeded || failed > 0 ? failed : 1 };
}

/** The sizes, and the guard of speed on the library, and on a slower kernel, where it has to notice: one count each. */
function guardSizeAndSpeed() {
  const succeeded = [run("scripts/size.mjs"), run("bench/guard.mjs"), run("bench/guard.mjs", "--slowed")];
  const passed = succeeded.filter(Boolean).length;
  return { passed, failed: succeeded.length - passed };
}

function main(parameters) {
  const steps = [
    ["the build", () => run("scripts/build.mjs", "--all", "--no-check")],
    ["the type check", () => run("node_modules/typescript/bin/tsc", "--noEmit")],
  ];
  let failed = 0;
  for (const [name, step] of steps) {
    if (step()) continue;
    console.error(`test: ${name} failed`);
    failed++;
  }
  try {
    ensureBrowsers();
  } catch (error) {
    console.error(error.message);
    return { passed: 0, failed: failed + 1 };
  }
  rmSync(results, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${results}`];
  const counts = tally(run("node_modules/vitest/vitest.mjs", "run", ...reporters, ...parameters));
  const guards = parameters.length === 0 ? guardSizeAndSpeed() : { passed: 0, failed: 0 };
  return { passed: counts.passed + guards.passed, failed: counts.failed + failed + guards.failed };
}

const { passed, failed } = main(process.argv.slice(2));
if (failed > 0) process.exitCode = 1;
console.log(`${passed} passed, ${failed} failed`);
