// npm run bench:browser: the bench page in headless Chromium and Firefox, or served for a browser of one's own.
//
//   node bench/browser/run.mjs [--quick] [--networks T1,T4] [--only chromium|firefox] [--plain] [--pictures FOLDER]
//   node bench/browser/run.mjs --serve [--plain] [--port 8080]
//
// A whole run writes bench/browser/results.json and bench/browser/results.md; one with --quick, --networks, --only or --plain prints.
// --plain serves without cross-origin isolation (one thread), --pictures keeps the page as PNG files, wide and narrow, light and dark.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build } from "esbuild";
import { browserArguments, ensureBrowsers } from "../../scripts/browser.mjs";
import { launchChromium, launchFirefox } from "../../scripts/tabs.mjs";
import { commit, describeMachine, watch } from "../machine.mjs";
import { install } from "../peers/install.mjs";
import { compile } from "../probe.mjs";
import { table } from "../stats.mjs";
import { notes, tables } from "./report.mjs";
import { serve } from "./serve.mjs";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** WebGL by the graphics processor, or by software where there is none. */
const launchers = {
  chromium: () => launchChromium([...browserArguments.filter((one) => one !== "--disable-gpu"), "--enable-unsafe-swiftshader"]),
  firefox: launchFirefox,
};

/** A load average before a browser starts that others must have made. */
const QUIET = 0.5;
const DISTURBED = "**Other work disturbed this run**: trust the ratios before the times, and repeat it on a quiet machine.";

const VIEWS = [["desktop", 1200, 900], ["phone", 360, 740]];

async function prepare() {
  install();
  await compile("peak");
  await build({
    entryPoints: [at("tfjs.mjs")], outfile: at("../../build/bench-tfjs.js"), bundle: true, platform: "browser", format: "esm", mainFields: ["module", "browser", "main"],
    nodePaths: [at("../peers/node_modules")], alias: Object.fromEntries(["fs", "path", "crypto", "os", "util", "worker_threads", "perf_hooks"].map((name) => [name, at("nothing.mjs")])),
    logLevel: "error",
  });
}

async function measureIn(launch, { quick, networks, plain, pictures }) {
  const server = await serve({ isolated: !plain });
  const browser = await launch();
  try {
    const tab = await browser.open(`${server.url}/bench/browser/index.html`);
    const quiet = watch();
    const results = await tab.evaluate(`bench.run(${JSON.stringify({ quick, networks })})`);
    const { loadBefore, loadAfter } = quiet.end([1]);
    if (pictures !== undefined) {
      mkdirSync(pictures, { recursive: true });
      for (const [view, width, height] of VIEWS) {
        for (const scheme of browser.name === "Chromium" ? ["light", "dark"] : ["light"]) {
          writeFileSync(join(pictures, `${browser.name.toLowerCase()}-${view}-${scheme}.png`), await tab.screenshot({ width, height, scheme }));
        }
      }
    }
    return { name: browser.name, version: browser.version, load: [loadBefore, loadAfter], ...results };
  } finally {
    await browser.close();
    await server.close();
  }
}

function format({ machine, browsers }) {
  const sections = browsers.flatMap((results) => [
    `## ${results.name} ${results.version}`, "",
    ...(results.load[0] === undefined ? [] : [
      `Measured in ${results.seconds} s; load average ${results.load[0]} at the start, ${results.load[1]} at the end.${results.load[0] > QUIET ? ` ${DISTURBED}` : ""}`, "",
    ]),
    ...tables(results).flatMap(({ title, rows }) => [`### ${title}`, "", table(rows), ""]),
    ...notes(results).map((note) => `- ${note}`), "",
  ]);
  return [
    "# Speed in browsers", "",
    `\`npm run bench:browser\` on ${machine.cpu}, ${machine.cores} cores, commit ${machine.commit}; ${machine.date}. Browsers without a window, this library built for release.`,
    "`npm run bench:browser -- --serve` serves the same page for a browser of your own. Compare ratios before times.", "", ...sections,
  ].join("\n");
}

async function main() {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean" }, networks: { type: "string" }, only: { type: "string" }, plain: { type: "boolean" }, pictures: { type: "string" },
      serve: { type: "boolean" }, port: { type: "string", default: "8080" },
    },
  });
  if (values.only !== undefined && launchers[values.only] === undefined) throw new RangeError(`--only: expected chromium or firefox, got ${values.only}`);
  await prepare();
  if (values.serve) {
    const { url } = await serve({ isolated: !values.plain, port: Number(values.port) });
    console.log(`The bench page is at ${url}/ until this is interrupted.`);
    return;
  }
  ensureBrowsers();
  const browsers = [];
  for (const [name, launch] of Object.entries(launchers)) {
    if (values.only !== undefined && values.only !== name) continue;
    console.error(`bench: ${name}`);
    browsers.push(await measureIn(launch, values));
  }
  const results = { machine: { ...describeMachine(), commit: commit() }, browsers };
  console.log(format(results));
  if (values.quick || values.plain || values.networks !== undefined || values.only !== undefined) return;
  writeFileSync(at("results.json"), `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(at("results.md"), format(results));
}

await main();
