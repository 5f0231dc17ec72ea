// The package in every environment: from the packed tarball, installed with scripts disabled into an empty project, each trains iris
// to the bytes of test/environments/golden.json.
//
//   npm run environments [-- names…] [--readme] [--golden]
//
// Tools and their exact versions are in test/environments/<folder>/package.json, apart from the project's own dependencies. Pages run in
// Chromium (browser.mjs). --readme writes the table to README.md; --golden the bytes, as this Node has them. The exit code is 1 if one failed.
// test/environments.test.ts runs those of `short` with the project's own tools.

import { execFile, spawn } from "node:child_process";
import { createServer } from "node:http";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { browserArguments, browserPath } from "./browser.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = join(root, "test", "environments");
const execute = promisify(execFile);

/** Programs of each Node, by the package that holds nothing else. */
const nodes = { "Node 20": "20.20.2", "Node 22": "22.23.3", "Node 24": "24.19.0", "Node 26": "26.10.0" };

/** Longest that a command may take, a page needs to train, and a server to start. */
const COMMAND_MS = 300_000;
const PAGE_MS = 60_000;

const IMPORTED = 'import { Network, adam, dense } from "rosenblatt";\nimport { learn } from "./iris.mjs";\n';
const REQUIRED = `const library = require("rosenblatt");\nimport("./iris.mjs").then(({ learn }) => learn(library)).then((hash) => console.log(hash));\n`;
const printed = `${IMPORTED}console.log(await learn({ Network, adam, dense }));\n`;
/** For a page: leaves the result, or the error, in a global. */
const shown = `${IMPORTED}learn({ Network, adam, dense }).then((hash) => { globalThis.result = hash; }, (error) => { globalThis.result = String(error); });\n`;
const page = (script, head = "") => `<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>iris</title><link rel="icon" href="data:,">${head}</head>\n<body>${script}</body>\n</html>\n`;

async function command(folder, program, parameters, env = {}) {
  try {
    const { stdout } = await execute(program, parameters, { cwd: folder, env: { ...process.env, ...env }, timeout: COMMAND_MS, maxBuffer: 2 ** 26 });
    return stdout.trim();
  } catch (error) {
    const said = `${error.stdout ?? ""}\n${error.stderr ?? ""}`.trim();
    throw new Error(`${[program, ...parameters].join(" ").slice(0, 200)}: ${said.slice(-2000) || error.message}`);
  }
}

const node = (folder, ...parameters) => command(folder, process.execPath, parameters);
const tool = (folder, name, ...parameters) => command(folder, join(folder, "node_modules", ".bin", name), parameters, { NEXT_TELEMETRY_DISABLED: "1", CI: "1" });
/** The last line that a program printed. */
const lastLine = (text) => text.split("\n").at(-1);
const write = (folder, files) => Promise.all(Object.entries(files).map(async ([name, content]) => {
  await mkdir(join(folder, name, ".."), { recursive: true });
  await writeFile(join(folder, name), content);
}));

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json", ".css": "text/css" };

/** A static server of a folder on a free loopback port. */
async function serve(folder, headers = {}) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    const path = pathname.endsWith("/") ? `${pathname}index.html` : pathname;
    readFile(join(folder, decodeURIComponent(path))).then(
      (content) => response.writeHead(200, { "Content-Type": types[extname(path)] ?? "application/octet-stream", ...headers }).end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => new Promise((resolve) => server.close(resolve)) };
}

/** What a page leaves in the global `result`. */
async function visit(url) {
  const browser = await chromium.launch({ executablePath: browserPath(), args: browserArguments });
  try {
    const tab = await browser.newPage();
    const errors = [];
    tab.on("pageerror", (error) => errors.push(error.message));
    tab.on("console", (message) => message.type() === "error" && errors.push(message.text()));
    await tab.goto(url, { timeout: PAGE_MS });
    // waitForFunction evaluates text in the page, which a policy may forbid
    for (const until = Date.now() + PAGE_MS; Date.now() < until; await tab.waitForTimeout(50)) {
      const result = await tab.evaluate("globalThis.result");
      if (result !== undefined) return String(result);
    }
    throw new Error(`the page did not finish: ${errors.join("; ") || "no error"}`);
  } finally {
    await browser.close();
  }
}

async function visitFolder(folder, headers) {
  const server = await serve(folder, headers);
  try {
    return await visit(`${server.url}/`);
  } finally {
    await server.close();
  }
}

/** Runs a server of a tool, which ends with `use`: its address is the first that it prints. */
async function withServer(folder, name, parameters, use) {
  const child = spawn(join(folder, "node_modules", ".bin", name), parameters, { cwd: folder, env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", CI: "1", NO_COLOR: "1" }, detached: true });
  let said = "";
  try {
    const url = await new Promise((resolve, reject) => {
      const hear = (chunk) => {
        said += chunk;
        const found = /http:\/\/(?:localhost|127\.0\.0\.1|\[::1\]):\d+/.exec(said);
        if (found) resolve(found[0]);
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.on("exit", (code) => reject(new Error(`${name} ended with code ${code}: ${said.slice(-1000)}`)));
      setTimeout(() => reject(new Error(`${name} did not start: ${said.slice(-1000)}`)), PAGE_MS).unref();
    });
    return await use(url);
  } finally {
    try {
      process.kill(-child.pid, "SIGKILL");
    } catch {
      // it has ended by itself
    }
  }
}

/** The program of a package that has one binary for each platform. */
const binaryOf = async (folder, names, file) => {
  const found = names.map((name) => join(folder, "node_modules", name, file));
  for (const path of found) if (await readFile(path).then(() => true, () => false)) return path;
  throw new Error(`expected one of ${found.join(", ")}, got none for this machine`);
};

const CSP = { "Content-Security-Policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'" };
const importMap = '<script type="importmap">{"imports":{"rosenblatt":"./node_modules/rosenblatt/dist/index.js"}}</script>';
const relative = (source, path = "./node_modules/rosenblatt/dist/index.js") => source.replace('"rosenblatt"', `"${path}"`);

const tsconfig = (module, moduleResolution) => JSON.stringify({
  compilerOptions: { module, moduleResolution, target: "es2022", lib: ["es2022", "dom"], strict: true, types: [], skipLibCheck: false, allowJs: true, checkJs: false, outDir: "out" },
  files: ["main.ts"],
});
const typed = `import { Network, adam, dense, type History } from "rosenblatt";
import { inputs, labels } from "./data.mjs";
import { learn } from "./iris.mjs";
const network: Network = await Network.create({ inputs: 4, layers: [dense(3, "softmax")] });
const history: History = await network.fit(inputs as number[][], labels as number[], { epochs: 1, optimizer: "adam" });
if (history.epochs.length !== 1) throw new Error("expected one epoch");
console.log(await learn({ Network, adam, dense }));
`;

async function typescript(folder, module, resolution) {
  await write(folder, { "main.ts": typed, "tsconfig.json": tsconfig(module, resolution) });
  await tool(folder, "tsc");
  return lastLine(await node(folder, "out/main.js"));
}

/** Each: the folder of its tools, if any, its row of the table, and how it trains. */
const environments = {
  ...Object.fromEntries(Object.entries(nodes).flatMap(([title, version]) => ["import", "require"].map((way) => [`${title.toLowerCase().replace(" ", "")}-${way}`, {
    title: `${title}, \`${way}\``,
    version,
    packages: [`node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}@${version}`],
    async run(folder) {
      await write(folder, { "main.mjs": printed, "main.cjs": REQUIRED });
      const program = await binaryOf(folder, [`node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`], "bin/node");
      return lastLine(await command(folder, program, [way === "import" ? "main.mjs" : "main.cjs"]));
    },
  }]))),
  import: { title: "this Node, `import`", async run(folder) {
    await write(folder, { "main.mjs": printed });
    return lastLine(await node(folder, "main.mjs"));
  } },
  require: { title: "this Node, `require`", async run(folder) {
    await write(folder, { "main.cjs": REQUIRED });
    return lastLine(await node(folder, "main.cjs"));
  } },
  nodenext: { title: "TypeScript, strict, `nodenext`", tools: "typescript", run: (folder) => typescript(folder, "nodenext", "nodenext") },
  bundler: { title: "TypeScript, strict, `bundler`", tools: "typescript", run: (folder) => typescript(folder, "esnext", "bundler") },
  "vite-dev": { title: "Vite, dev server", tools: "vite", async run(folder) {
    await write(folder, { "main.js": shown, "index.html": page('<script type="module" src="/main.js"></script>') });
    return withServer(folder, "vite", ["--host", "127.0.0.1", "--port", "0"], visit);
  } },
  "vite-build": { title: "Vite, build", tools: "vite", async run(folder) {
    await write(folder, { "main.js": shown, "index.html": page('<script type="module" src="/main.js"></script>') });
    await tool(folder, "vite", "build");
    return visitFolder(join(folder, "dist"));
  } },
  "vite-library": { title: "Vite, library mode", tools: "vite", async run(folder) {
    const config = 'export default { build: { lib: { entry: "main.js", formats: ["es"], fileName: "library" } } };\n';
    await write(folder, { "main.js": `${IMPORTED}export const result = learn({ Network, adam, dense });\n`, "vite.config.js": config });
    await tool(folder, "vite", "build");
    await write(folder, { "dist/run.mjs": 'import { result } from "./library.js";\nconsole.log(await result);\n' });
    return lastLine(await node(folder, "dist/run.mjs"));
  } },
  webpack: { title: "webpack 5", tools: "webpack", async run(folder) {
    await write(folder, { "main.js": shown });
    await tool(folder, "webpack", "--mode", "production", "--entry", "./main.js", "--output-path", join(folder, "out"));
    await write(folder, { "out/index.html": page('<script src="./main.js"></script>') });
    return visitFolder(join(folder, "out"));
  } },
  esbuild: { title: "esbuild", tools: "esbuild", async run(folder) {
    await write(folder, { "main.js": shown, "out/index.html": page('<script type="module" src="./main.js"></script>') });
    await tool(folder, "esbuild", "main.js", "--bundle", "--minify", "--format=esm", "--outdir=out");
    return visitFolder(join(folder, "out"));
  } },
  rollup: { title: "Rollup", tools: "rollup", async run(folder) {
    const config = 'import resolve from "@rollup/plugin-node-resolve";\nexport default { input: "main.js", output: { dir: "out", format: "es" }, plugins: [resolve({ browser: true })] };\n';
    await write(folder, { "main.js": shown, "rollup.config.mjs": config, "out/index.html": page('<script type="module" src="./main.js"></script>') });
    await tool(folder, "rollup", "--config", "rollup.config.mjs");
    return visitFolder(join(folder, "out"));
  } },
  "next-page": { title: "Next.js, client page", tools: "next", run: (folder) => next(folder, visit) },
  "next-route": { title: "Next.js, route handler", tools: "next", run: (folder) => next(folder, async (url) => (await fetch(`${url}/api`)).text()) },
  deno: { title: "Deno", tools: "deno", async run(folder) {
    await write(folder, { "main.mjs": printed });
    const system = { linux: "linux", darwin: "darwin" }[process.platform];
    const program = await binaryOf(folder, [`@deno/${system}-${process.arch}-glibc`, `@deno/${system}-${process.arch}`], "deno");
    return lastLine(await command(folder, program, ["run", "--allow-all", "--no-remote", "main.mjs"], { DENO_NO_UPDATE_CHECK: "1", NO_COLOR: "1" }));
  } },
  bun: { title: "Bun", tools: "bun", async run(folder) {
    await write(folder, { "main.mjs": printed });
    const program = await binaryOf(folder, [`@oven/bun-${process.platform}-${process.arch}`], "bin/bun");
    return lastLine(await command(folder, program, ["run", "main.mjs"]));
  } },
  workerd: { title: "workerd (miniflare)", tools: "workerd", async run(folder) {
    await write(folder, { "worker.js": `${IMPORTED}export default { async fetch() { return new Response(await learn({ Network, adam, dense })); } };\n` });
    await tool(folder, "esbuild", "worker.js", "--bundle", "--format=esm", "--outdir=out", "--conditions=workerd", "--loader:.wasm=copy", "--asset-names=[name]");
    await write(folder, { "run.mjs": `import { Miniflare } from "miniflare";
import { readdirSync } from "node:fs";
const modules = ["worker.js", ...readdirSync("out").filter((name) => name.endsWith(".wasm"))].map((name) => ({ type: name.endsWith(".js") ? "ESModule" : "CompiledWasm", path: "out/" + name }));
const miniflare = new Miniflare({ modules, modulesRoot: "out", compatibilityDate: "2025-06-01", cf: false });
const text = await (await miniflare.dispatchFetch("http://localhost/")).text();
await miniflare.dispose();
console.log(text);\n` });
    return lastLine(await node(folder, "run.mjs"));
  } },
  page: { title: "a plain page, import map", async run(folder) {
    await write(folder, { "main.js": shown, "index.html": page('<script type="module" src="./main.js"></script>', importMap) });
    return visitFolder(folder);
  } },
  cdn: { title: "a plain page, `rosenblatt.min.js`", async run(folder) {
    await write(folder, { "main.js": relative(shown, "./node_modules/rosenblatt/dist/rosenblatt.min.js"), "index.html": page('<script type="module" src="./main.js"></script>') });
    return visitFolder(folder);
  } },
  csp: { title: "a page under `default-src 'self'; script-src 'self' 'wasm-unsafe-eval'`", async run(folder) {
    await write(folder, { "main.js": relative(shown), "index.html": page('<script type="module" src="./main.js"></script>').replace(/<link[^>]*>/, "") });
    return visitFolder(folder, CSP);
  } },
  jest: { title: "jest", tools: "jest", async run(folder) {
    const test = `${IMPORTED}import { readFileSync, writeFileSync } from "node:fs";\ntest("iris", async () => { writeFileSync("result.txt", await learn({ Network, adam, dense })); }, 60000);\n`;
    await write(folder, { "iris.test.mjs": test, "jest.config.json": JSON.stringify({ transform: {}, testMatch: ["**/*.test.mjs"] }) });
    await command(folder, process.execPath, ["--experimental-vm-modules", "node_modules/jest/bin/jest.js", "--config", "jest.config.json"]);
    return readFile(join(folder, "result.txt"), "utf8");
  } },
  vitest: { title: "vitest", tools: "vitest", async run(folder) {
    const test = `${IMPORTED}import { writeFileSync } from "node:fs";\nimport { test } from "vitest";\ntest("iris", async () => { writeFileSync("result.txt", await learn({ Network, adam, dense })); }, 60000);\n`;
    await write(folder, { "iris.test.mjs": test });
    await tool(folder, "vitest", "run");
    return readFile(join(folder, "result.txt"), "utf8");
  } },
  publint: { title: "publint, strict", tools: "check", checks: true, async run(folder, tarball) {
    return /All good/.test(await tool(folder, "publint", "run", tarball, "--strict")) ? "clean" : "not clean";
  } },
  attw: { title: "@arethetypeswrong/cli, ESM only", tools: "check", checks: true, async run(folder, tarball) {
    await tool(folder, "attw", tarball, "--profile", "esm-only", "--format", "ascii");
    return "clean";
  } },
};

/** Those that need no tools but the project's own. */
export const short = ["import", "require", "nodenext", "bundler", "esbuild", "page", "cdn", "csp"];
const own = ["import", "require"];

/** Builds the app once for both of its rows. */
async function next(folder, use) {
  const layout = "export default function Layout({ children }) { return <html lang=\"en\"><body>{children}</body></html>; }\n";
  const client = `"use client";\nimport { useEffect } from "react";\nimport { Network, adam, dense } from "rosenblatt";\nimport { learn } from "../iris.mjs";
export default function Page() {
  useEffect(() => { learn({ Network, adam, dense }).then((hash) => { globalThis.result = hash; }, (error) => { globalThis.result = String(error); }); }, []);
  return <p>iris</p>;
}\n`;
  const route = `import { Network, adam, dense } from "rosenblatt";\nimport { learn } from "../../iris.mjs";
export const dynamic = "force-dynamic";
export async function GET() { return new Response(await learn({ Network, adam, dense })); }\n`;
  await write(folder, { "app/layout.jsx": layout, "app/page.jsx": client, "app/api/route.js": route });
  await tool(folder, "next", "build");
  return withServer(folder, "next", ["start", "--port", "0", "--hostname", "127.0.0.1"], use);
}

/** The packed tarball, in that folder. */
export async function pack(folder) {
  const [{ filename }] = JSON.parse(await command(root, "npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder]));
  return join(folder, filename);
}

/** iris as a module, from the examples. */
async function dataModule() {
  const rows = (await readFile(join(root, "examples", "data", "iris.csv"), "utf8")).trim().split(/\r?\n/).slice(1).map((line) => line.split(","));
  const species = [...new Set(rows.map((row) => row[4]))];
  const inputs = rows.map((row) => row.slice(0, 4).map(Number));
  return `export const inputs = ${JSON.stringify(inputs)};\nexport const labels = ${JSON.stringify(rows.map((row) => species.indexOf(row[4])))};\n`;
}

export const golden = async () => JSON.parse(await readFile(join(sources, "golden.json"), "utf8")).weights;

/**
 * Trains in one environment. Returns what it learned: the hash of the golden bytes, or something else; or "clean", of a check.
 * @param ownTools whether the project's own packages take the place of the pinned ones
 */
export async function runIn(name, tarball, ownTools = false) {
  const { tools, packages = [], run } = environments[name];
  const folder = await mkdtemp(join(tmpdir(), `rosenblatt-${name}-`));
  try {
    const manifest = tools === undefined || ownTools ? { private: true, type: "module" } : JSON.parse(await readFile(join(sources, tools, "package.json"), "utf8"));
    await write(folder, { "package.json": JSON.stringify(manifest), "data.mjs": await dataModule() });
    await cp(join(sources, "iris.mjs"), join(folder, "iris.mjs"));
    const online = packages.length > 0 || (tools !== undefined && !ownTools);
    await command(folder, "npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund", ...(online ? [] : ["--offline"]), tarball, ...packages]);
    if (ownTools) {
      for (const program of ["tsc", "esbuild"]) {
        await write(folder, { [`node_modules/.bin/${program}`]: "" });
        await rm(join(folder, "node_modules", ".bin", program));
        await command(folder, "ln", ["-s", join(root, "node_modules", ".bin", program), join(folder, "node_modules", ".bin", program)]);
      }
    }
    return await run(folder, tarball);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The versions of an environment's tools, as the table names them. */
async function versionsOf({ version, tools }) {
  if (version !== undefined) return version;
  if (tools === undefined) return "";
  const { dependencies } = JSON.parse(await readFile(join(sources, tools, "package.json"), "utf8"));
  return Object.entries(dependencies).filter(([name]) => !/^(@rollup|react|webpack-cli|esbuild$)/.test(name) || tools === "esbuild").map(([name, number]) => (tools === "check" || tools === "workerd" ? `${name} ${number}` : number)).join(", ");
}

async function main(parameters) {
  const options = parameters.filter((parameter) => parameter.startsWith("--"));
  const names = parameters.filter((parameter) => !parameter.startsWith("--"));
  const unknown = [...options.filter((option) => !["--readme", "--golden"].includes(option)), ...names.filter((name) => !(name in environments))];
  if (unknown.length > 0) throw new Error(`environments: expected --readme, --golden or names of ${Object.keys(environments).join(", ")}, got ${unknown.join(", ")}`);
  const folder = await mkdtemp(join(tmpdir(), "rosenblatt-tarball-"));
  const rows = [];
  try {
    const tarball = await pack(folder);
    if (options.includes("--golden")) await writeFile(join(sources, "golden.json"), `${JSON.stringify({ weights: await runIn("import", tarball) }, null, 2)}\n`);
    const expected = await golden();
    for (const name of names.length > 0 ? names : Object.keys(environments).filter((name) => !own.includes(name))) {
      const environment = environments[name];
      let outcome;
      try {
        const got = await runIn(name, tarball);
        outcome = got === (environment.checks ? "clean" : expected) ? (environment.checks ? "clean" : "same bytes") : `FAILED: ${got}`;
      } catch (error) {
        outcome = `FAILED: ${error.message}`;
      }
      rows.push({ title: environment.title, version: await versionsOf(environment), outcome });
      console.log(`${environment.title} ${rows.at(-1).version}: ${outcome}`);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  const failed = rows.filter(({ outcome }) => outcome.startsWith("FAILED"));
  if (options.includes("--readme") && names.length === 0) await writeTable(rows);
  if (failed.length > 0) process.exitCode = 1;
  console.log(`${rows.length - failed.length} of ${rows.length} environments`);
}

async function writeTable(rows) {
  const file = join(root, "README.md");
  const text = await readFile(file, "utf8");
  const lines = rows.map(({ title, version, outcome }) => `| ${title} | ${version} | ${outcome.startsWith("FAILED") ? "**failed**" : outcome} |`);
  const table = `<!-- environments -->\n| environment | version | iris trained to |\n|---|---|---|\n${lines.join("\n")}\n<!-- environments end -->`;
  const marked = /<!-- environments -->[^]*<!-- environments end -->/;
  if (!marked.test(text)) throw new Error("README.md: expected the marks <!-- environments --> and <!-- environments end -->");
  await writeFile(file, text.replace(marked, table));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await main(process.argv.slice(2)).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
