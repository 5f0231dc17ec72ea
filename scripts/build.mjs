// Builds the package: assembly/ → build/*.wasm → build/embedded*.ts → dist/ (ES modules, the command, core.wasm, declarations).
//
//   node scripts/build.mjs [--all] [--wasm-only] [--no-check]
//
// The package needs the targets release and relaxed; --all compiles the debug one too, which the tests read. --wasm-only stops after build/embedded*.ts, which src/ needs to compile and to run in tests; --no-check emits declarations
// without checking types, for a caller who has checked them. The same sources give the same bytes, whenever they are built.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deflateSync } from "node:zlib";
import { build } from "esbuild";
import { globals, hasData, memoryFlagOffset, relaxedOpcodes, unshared } from "./wasm.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const inRoot = (...parts) => join(root, ...parts);

/** The targets of asconfig.json, that of the package first. */
const targets = ["release", "debug", "relaxed"];

/** Those that the package holds. */
const packaged = targets.filter((target) => target !== "debug");

/** The one relaxed instruction that kernels use, f32x4.relaxed_madd. */
const RELAXED_MADD = "fd:261";

/** dist/<key>.js and its source. */
const entries = { index: "src/index.ts", tabular: "src/tabular/index.ts", node: "src/node.ts", cli: "src/cli/index.ts", worker: "src/engine/worker.ts", relaxed: "src/relaxed.ts", onnx: "src/onnx/index.ts", "compat-brain": "src/compat/brain.ts", "compat-tfjs": "src/compat/tfjs.ts" };

/** The entries that may import node: modules; all others run in browsers too. */
const nodeEntries = ["node", "cli"];

/** Packages without a licence file of their own, and the package of the same project whose file holds for them. */
const licenceOf = { "@assemblyscript/loader": "assemblyscript" };

/** Packages whose tarball has no licence file: a package with the text of the same licence, and a file whose head has the notice of another. */
const noticesOf = { "@bufbuild/protobuf": { licence: "typescript", notice: "dist/esm/wire/varint.js" } };

const SHEBANG = "#!/usr/bin/env node\n";

class BuildError extends Error {}

/** Runs a script of an installed package; what it prints is shown. */
function run(script, ...parameters) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [inRoot("node_modules", script), ...parameters], { cwd: root, stdio: "inherit" });
    child.on("error", reject);
    child.on("exit", (code) => (code === 0 ? resolve() : reject(new BuildError(`${script} ${parameters.join(" ")}: exit code ${code}`))));
  });
}

const sha256 = (...chunks) => chunks.reduce((hash, chunk) => hash.update(chunk), createHash("sha256")).digest("hex");

/** One hash over all that decides the binaries: the sources with their names, the configuration, the compiler's version. */
async function hashOfInputs() {
  const names = (await readdir(inRoot("assembly"), { recursive: true })).filter((name) => name.endsWith(".ts")).sort();
  const files = [...names.map((name) => join("assembly", name)), "asconfig.json", join("node_modules", "assemblyscript", "package.json")];
  const parts = await Promise.all(files.map(async (file) => `${file} ${sha256(await readFile(inRoot(file)))}\n`));
  return sha256(...parts);
}

async function hashOfOutput(target) {
  const file = inRoot("build", `${target}.wasm`);
  return existsSync(file) ? sha256(await readFile(file)) : "absent";
}

/** What build/stamp.json tells: for each target the hash of the sources it came from, and its own. */
async function readStamp(file) {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch {
    return {};
  }
}

/** Compiles the targets, but those of which build/stamp.json says that this very binary came from these very sources. */
async function compileCore(wanted) {
  const file = inRoot("build", "stamp.json");
  const inputs = await hashOfInputs();
  const stamp = await readStamp(file);
  const isCurrent = async (target) => stamp[target]?.inputs === inputs && stamp[target].output === (await hashOfOutput(target));
  const current = await Promise.all(wanted.map(isCurrent));
  const stale = wanted.filter((_, i) => !current[i]);
  if (stale.length === 0) return;
  await rm(file, { force: true });
  await Promise.all(stale.map((target) => run("assemblyscript/bin/asc.js", "--config", "asconfig.json", "--target", target)));
  for (const target of stale) stamp[target] = { inputs, output: await hashOfOutput(target) };
  const known = targets.filter((target) => stamp[target] !== undefined);
  await writeFile(file, JSON.stringify(Object.fromEntries(known.map((target) => [target, stamp[target]])), null, 2) + "\n");
}

/** Throws unless a binary may be instantiated any number of times on one memory: no state of its own, nothing to write at the start. */
function assertSound(target, bytes) {
  memoryFlagOffset(bytes);
  if (hasData(bytes)) throw new BuildError(`${target}.wasm: expected no data section. Use no string, static array or memory.data in assembly/`);
  const mutable = globals(bytes).filter((global) => global.mutable).length;
  if (mutable > 0) throw new BuildError(`${target}.wasm: expected no mutable global, got ${mutable}. Use no module-level let and no allocation`);
  const relaxed = relaxedOpcodes(bytes);
  if (target === "relaxed") {
    if (String(relaxed) === RELAXED_MADD) return;
    throw new BuildError(`relaxed.wasm: expected ${RELAXED_MADD} as the only relaxed opcode, got ${relaxed.join(", ") || "none"}. Check \`enable\` in asconfig.json, and test what is new`);
  }
  if (relaxed.length > 0) throw new BuildError(`${target}.wasm: expected no relaxed SIMD, got ${relaxed.join(", ")}. Keep it to the relaxed target`);
  for (const [form, binary] of [["shared", bytes], ["unshared", unshared(bytes)]]) {
    if (!WebAssembly.validate(binary)) throw new BuildError(`${target}.wasm: the ${form} form is not a valid module`);
  }
}

const deflated = (bytes) => deflateSync(bytes, { level: 9 }).toString("base64");

/** Writes a generated module, unless it is there with that text. */
async function writeModule(name, lines) {
  const file = inRoot("build", name);
  const source = [...lines, ""].join("\n");
  if (!existsSync(file) || (await readFile(file, "utf8")) !== source) await writeFile(file, source);
}

/** Writes the binaries of the package as modules: deflated, since gzip finds little in base64. */
async function embedCore(compiled) {
  const binaries = {};
  for (const target of compiled) {
    binaries[target] = await readFile(inRoot("build", `${target}.wasm`));
    assertSound(target, binaries[target]);
  }
  const { release, relaxed } = binaries;
  const { outputFiles: [worker] } = await build({
    absWorkingDir: root, entryPoints: [entries.worker], bundle: true, format: "iife", target: "es2022", minify: true, write: false, logLevel: "warning",
  });
  await writeModule("embedded.ts", [
    "// Generated by scripts/build.mjs from build/release.wasm and src/engine/worker.ts.",
    "",
    "/** Bytes of the binary. */",
    `export const coreLength: number = ${release.length};`,
    "/** Offset of the limits flag of its memory import: 3 is shared; 1 makes the unshared form. */",
    `export const coreMemoryFlag: number = ${memoryFlagOffset(release)};`,
    "/** The binary, deflated (zlib, RFC 1950), in base64. */",
    `export const coreDeflated: string = "${deflated(release)}";`,
    "/** What a worker runs. */",
    `export const workerScript: string = ${JSON.stringify(worker.text.trim())};`,
  ]);
  if (relaxed === undefined) return;
  await writeModule("embedded-relaxed.ts", [
    "// Generated by scripts/build.mjs from build/relaxed.wasm; see build/embedded.ts.",
    "",
    `export const relaxedMemoryFlag: number = ${memoryFlagOffset(relaxed)};`,
    `export const relaxedDeflated: string = "${deflated(relaxed)}";`,
  ]);
}

/**
 * Leaves Node's own modules outside, all under node: names; and turns a bundled CommonJS package's require of one into an import,
 * so that the bundle needs no `require`.
 */
const nodeModules = {
  name: "node-modules",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[a-z]/ }, ({ kind, namespace, path }) => {
      if (!isBuiltin(path)) return undefined;
      const name = path.startsWith("node:") ? path : `node:${path}`;
      if (kind !== "require-call") return { path: name, external: true };
      return { path: name, namespace: namespace === "required" ? "imported" : "required" };
    });
    onLoad({ filter: /.*/, namespace: "required" }, ({ path }) => ({ contents: `module.exports = require("${path}").default;` }));
    onLoad({ filter: /.*/, namespace: "imported" }, ({ path }) => ({ contents: `export { default } from "${path}";` }));
  },
};

/** Throws if an entry for browsers reaches a node: module by a static import, directly or through a chunk. */
function assertNeutral(outputs) {
  for (const [start, { entryPoint }] of Object.entries(outputs)) {
    if (!entryPoint || nodeEntries.some((name) => entries[name] === entryPoint)) continue;
    const reached = new Set([start]);
    for (const file of reached) {
      for (const { path, kind, external } of outputs[file].imports) {
        if (kind !== "import-statement") continue;
        if (!external) reached.add(path);
        else throw new BuildError(`${entryPoint}: expected no import of ${path}, which ${file} has. Only ${nodeEntries.join(" and ")} may`);
      }
    }
  }
}

/** The licences of what was bundled, in one text. */
async function licences(inputs) {
  const packages = new Set(Object.keys(inputs).flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1] ?? []));
  const texts = [];
  for (const name of [...packages].sort()) {
    const { version, license } = JSON.parse(await readFile(inRoot("node_modules", name, "package.json"), "utf8"));
    const folder = inRoot("node_modules", noticesOf[name]?.licence ?? licenceOf[name] ?? name);
    const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|notice)/i.test(file)).sort();
    if (files.length === 0) throw new BuildError(`${name}: expected a licence file, got none. Name the package that has it in licenceOf`);
    const contents = await Promise.all(files.filter((file) => !(name in noticesOf) || /^licen/i.test(file)).map((file) => readFile(join(folder, file), "utf8")));
    if (name in noticesOf) contents.push(/^(\/\/.*\n|\n)*/.exec(await readFile(inRoot("node_modules", name, noticesOf[name].notice), "utf8"))[0].replaceAll(/^\/\/ ?/gm, ""));
    texts.push(`${name} ${version} (${license})\n\n${contents.map((text) => text.replaceAll("\r\n", "\n").trim()).join("\n\n")}\n`);
  }
  return texts.length === 0 ? "" : `Parts of these packages are bundled in this folder.\n\n${texts.join(`\n${"-".repeat(80)}\n\n`)}`;
}

async function bundle() {
  const present = Object.entries(entries).filter(([, source]) => existsSync(inRoot(source)));
  if (!present.some(([name]) => name === "index")) throw new BuildError(`build: expected ${entries.index}, which is missing`);
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: Object.fromEntries(present),
    outdir: "dist",
    bundle: true,
    splitting: true,
    chunkNames: "chunk-[hash]",
    format: "esm",
    platform: "neutral",
    target: "es2022",
    plugins: [nodeModules],
    legalComments: "inline",
    charset: "utf8",
    metafile: true,
    write: false,
    logLevel: "warning",
  });
  assertNeutral(metafile.outputs);
  await rm(inRoot("dist"), { recursive: true, force: true });
  await mkdir(inRoot("dist"));
  for (const { path, text } of outputFiles) {
    const command = path === inRoot("dist", "cli.js");
    await writeFile(path, command && !text.startsWith("#!") ? SHEBANG + text : text);
    if (command) await chmod(path, 0o755);
  }
  const notice = await licences(metafile.inputs);
  if (notice !== "") await writeFile(inRoot("dist", "THIRD-PARTY-LICENSES.txt"), notice);
  await copyFile(inRoot("build", "release.wasm"), inRoot("dist", "core.wasm"));
}

async function main(options) {
  const known = ["--all", "--wasm-only", "--no-check"];
  const unknown = options.find((option) => !known.includes(option));
  if (unknown !== undefined) throw new BuildError(`build: expected ${known.join(", ")}, got ${unknown}`);
  await mkdir(inRoot("build"), { recursive: true });
  const wanted = options.includes("--all") ? targets : packaged;
  await compileCore(wanted);
  await embedCore(wanted);
  if (options.includes("--wasm-only")) return;
  await bundle();
  await run("typescript/bin/tsc", "-p", "tsconfig.build.json", ...(options.includes("--no-check") ? ["--noCheck"] : []));
}

main(process.argv.slice(2)).catch((error) => {
  const told = error instanceof BuildError || Array.isArray(error.errors);
  console.error(told ? error.message : error);
  process.exitCode = 1;
});
