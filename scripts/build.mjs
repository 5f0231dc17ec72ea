// Builds the package: assembly/ → build/*.wasm → build/embedded*.ts → dist/ (ES modules, the command, binaries, declarations).
//
//   node scripts/build.mjs [--all] [--wasm-only] [--no-check] [--maps]
//
// The package needs the targets release and relaxed; --all compiles the debug one too, which the tests read. --wasm-only stops after build/embedded*.ts, which src/ needs to compile and to run in tests; --no-check emits declarations
// without checking types, for a caller who has checked them; --maps leaves source maps in build/coverage/maps. The same sources give the same bytes, whenever they are built.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import lzma from "lzma/src/lzma-c.js";
import { customSection, globals, hasData, memoryFlagOffset, relaxedOpcodes, unshared } from "./wasm.mjs";
import { patchedPackages } from "./patches.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const inRoot = (...parts) => join(root, ...parts);

/** The targets of asconfig.json, that of the package first. */
const targets = ["release", "debug", "relaxed"];

/** Binaries with a configuration of their own in assembly/: the core of rosenblatt/predict, and what decompresses the embedded ones. */
const parts = ["predict", "lzma"];

/** Those that the package holds. */
const packaged = [...targets.filter((target) => target !== "debug"), ...parts];

/** How the compiler is told of one. */
const configurationOf = (name) => (parts.includes(name) ? ["--config", `assembly/${name}.json`] : ["--config", "asconfig.json", "--target", name]);

/** The one relaxed instruction that kernels use, f32x4.relaxed_madd. */
const RELAXED_MADD = "fd:261";

/**
 * The entries: dist/<key>.js and its source. A line here and one in `exports` of package.json make a new one; a test compares them.
 * The forms of a neutral entry for other hosts are made from the same source, see `forms`.
 */
const entries = {
  index: "src/index.ts",
  tabular: "src/tabular/index.ts",
  node: "src/node.ts",
  cli: "src/cli/index.ts",
  worker: "src/engine/worker.ts",
  relaxed: "src/relaxed.ts",
  predict: "src/predict.ts",
  "compare-worker": "src/compare/worker.ts",
  onnx: "src/onnx/index.ts",
  "compat-brain": "src/compat/brain.ts",
  "compat-tfjs": "src/compat/tfjs.ts",
};

/** The entries that may import node: modules; all others run in browsers too. */
const nodeEntries = ["node", "cli", "compare-worker"];

/**
 * Forms of entries that have another core in place of build/embedded.ts: `names` are the files in dist, without .js, and their entries.
 * `core` and `predict` say what is there: an import of a .wasm file, for hosts that compile no bytes, or nothing, for a caller who gives it.
 */
const forms = [
  { names: { slim: "index" }, core: "undefined" },
  { names: { "index.workerd": "index", "tabular.workerd": "tabular", "predict.workerd": "predict", "onnx.workerd": "onnx", "compat-brain.workerd": "compat-brain", "compat-tfjs.workerd": "compat-tfjs" }, core: "core.unshared.wasm", predict: "predict.wasm" },
];

/** Packages without a licence file of their own, and the package of the same project whose file holds for them. */
const licenceOf = { "@assemblyscript/loader": "assemblyscript" };

/** Packages whose tarball has no licence file: a package with the text of the same licence, and a file whose head has the notice of another. */
const noticesOf = { "@bufbuild/protobuf": { licence: "typescript", notice: "dist/esm/wire/varint.js" } };

const SHEBANG = "#!/usr/bin/env node\n";

/** The types of rosenblatt/core.wasm where an import of it is a compiled module, as in workerd. */
const CORE_TYPES = `/** The core, as hosts and bundlers import it that compile it themselves: for configure({ wasm }). */
declare const core: WebAssembly.Module;
export default core;
`;

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
  const files = [...names.map((name) => join("assembly", name)), ...parts.map((name) => join("assembly", `${name}.json`)), "asconfig.json", join("node_modules", "assemblyscript", "package.json")];
  const hashes = await Promise.all(files.map(async (file) => `${file} ${sha256(await readFile(inRoot(file)))}\n`));
  return sha256(...hashes);
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
  await Promise.all(stale.map((target) => run("assemblyscript/bin/asc.js", ...configurationOf(target))));
  for (const target of stale) {
    if (targets.includes(target)) await sign(target, inputs);
    stamp[target] = { inputs, output: await hashOfOutput(target) };
  }
  const known = [...targets, ...parts].filter((target) => stamp[target] !== undefined);
  await writeFile(file, JSON.stringify(Object.fromEntries(known.map((target) => [target, stamp[target]])), null, 2) + "\n");
}

/** Which core it is: what a core that a user gives must be signed with. */
const signatureOf = (inputs) => inputs.slice(0, 16);

/** Appends the signature to a binary, as a custom section. */
async function sign(target, inputs) {
  const file = inRoot("build", `${target}.wasm`);
  await writeFile(file, Buffer.concat([await readFile(file), customSection("rosenblatt", signatureOf(inputs))]));
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

/** Text of which src/engine/embedded.ts makes the bytes again. */
function base91(bytes) {
  let text = "";
  let bits = 0;
  let count = 0;
  const digit = (value) => {
    let code = value + 32;
    for (const skipped of [34, 39, 92, 96]) if (code >= skipped) code++;
    return String.fromCharCode(code);
  };
  const put = () => {
    const value = bits & 8191;
    text += digit(value % 91) + digit(Math.floor(value / 91));
    bits >>= 13;
    count -= 13;
  };
  for (const byte of bytes) {
    bits |= byte << count;
    count += 8;
    if (count >= 13) put();
  }
  if (count > 0) put();
  return text;
}

/**
 * The binary as LZMA, without header (13 bytes: its settings, which assembly/lzma.ts knows, and the length), in base 91. That takes
 * seconds, so it is done once for each binary: build/<name>.lzma.json has the last one with its hash.
 */
async function compressed(name, bytes) {
  const file = inRoot("build", `${name}.lzma.json`);
  const hash = sha256(bytes);
  try {
    const known = JSON.parse(await readFile(file, "utf8"));
    if (known.hash === hash) return known.text;
  } catch {
    // the first time
  }
  const data = Buffer.from(lzma.LZMA.compress([...bytes], 9).map((byte) => byte & 255)).subarray(13);
  const text = base91(data);
  await writeFile(file, JSON.stringify({ hash, text }));
  return text;
}

/** Writes a generated module, unless it is there with that text. */
async function writeModule(name, lines) {
  const file = inRoot("build", name);
  const source = [...lines, ""].join("\n");
  if (!existsSync(file) || (await readFile(file, "utf8")) !== source) await writeFile(file, source);
}

/** A binary as a constant of a generated module. */
async function embedded(constant, name, bytes) {
  return `export const ${constant}: Embedded = { length: ${bytes.length}, compressed: "${await compressed(name, bytes)}" };`;
}

/** Writes the binaries of the package as modules: compressed, since gzip finds little in base64. */
async function embedCore(compiled) {
  const binaries = {};
  for (const target of compiled) {
    binaries[target] = await readFile(inRoot("build", `${target}.wasm`));
    if (targets.includes(target)) assertSound(target, binaries[target]);
  }
  const { release, relaxed, predict } = binaries;
  const { outputFiles: [worker] } = await build({
    absWorkingDir: root, entryPoints: [entries.worker], bundle: true, format: "iife", target: "es2022", minify: true, write: false, logLevel: "warning",
  });
  const type = 'import type { Embedded } from "../src/engine/embedded.js";';
  await writeModule("embedded.ts", [
    "// Generated by scripts/build.mjs from build/release.wasm. Forms of the package for other hosts have another core here.",
    "",
    'import type { Given } from "../src/engine/embedded.js";',
    type,
    "",
    await embedded("embedded", "release", release),
    "/** What this form of the package computes with, unless a caller gives another; undefined: nothing. */",
    "export const core: Embedded | Given | undefined = embedded;",
  ]);
  await writeModule("core-facts.ts", [
    "// Generated by scripts/build.mjs from build/release.wasm, build/lzma.wasm and src/engine/worker.ts.",
    "",
    "/** Offset of the limits flag of the memory import of build/release.wasm: 3 is shared; 1 makes the unshared form. */",
    `export const coreMemoryFlag: number = ${memoryFlagOffset(release)};`,
    "/** What the custom section `rosenblatt` of a core of this version says. */",
    `export const coreSignature: string = "${signatureOf(await hashOfInputs())}";`,
    "/** What decompresses the others, in base64: gzip makes more of what is not compressed there. */",
    `export const decompressor: string = "${binaries.lzma.toString("base64")}";`,
    "/** What a worker runs. */",
    `export const workerScript: string = ${JSON.stringify(worker.text.trim())};`,
  ]);
  await writeModule("embedded-predict.ts", [
    "// Generated by scripts/build.mjs from build/predict.wasm; see build/embedded.ts.",
    "",
    type,
    "",
    await embedded("embeddedPredict", "predict", predict),
    "export const predictCore: Embedded | WebAssembly.Module = embeddedPredict;",
  ]);
  await writeModule("embedded-relaxed.ts", [
    "// Generated by scripts/build.mjs from build/relaxed.wasm; see build/embedded.ts.",
    "",
    type,
    "",
    `export const relaxedMemoryFlag: number = ${memoryFlagOffset(relaxed)};`,
    await embedded("embeddedRelaxed", "relaxed", relaxed),
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
    const name = Object.keys(entries).find((key) => entries[key] === entryPoint);
    if (name === undefined || nodeEntries.includes(name)) continue;
    const reached = new Set([start]);
    for (const file of reached) {
      for (const { path, kind, external } of outputs[file].imports) {
        if (kind !== "import-statement") continue;
        if (!external) reached.add(path);
        else if (!path.endsWith(".wasm")) throw new BuildError(`${entryPoint}: expected no import of ${path}, which ${file} has. Only ${nodeEntries.join(" and ")} may`);
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

/** Leaves of the loader what a core without managed objects needs: no strings, arrays and classes (1.4 kB of 2, gzipped). */
const bareLoader = {
  name: "bare-loader",
  setup({ onLoad }) {
    onLoad({ filter: /@assemblyscript[/\\]loader[/\\]index\.js$/ }, async ({ path }) => {
      const source = await readFile(path, "utf8");
      const [, isModule] = /(function isModule\(src\) \{[^]*?\n\})/.exec(source) ?? [];
      const [, whole] = /(export function instantiateSync\([^]*?\n\})/.exec(source) ?? [];
      const bare = whole?.replace(/ *const extended = .*\n/, "").replace("postInstantiate(extended, instance)", "instance.exports");
      if (isModule === undefined || bare === undefined || /extended|Instantiate\(/.test(bare)) {
        throw new BuildError("build: expected the loader's instantiateSync as it was. Compare bareLoader with the new version");
      }
      return { contents: `${isModule}\n${bare}`, loader: "js" };
    });
  },
};

/** Puts what a form computes with in place of the embedded binaries. */
const coreOf = ({ core, predict }) => ({
  name: "core",
  setup({ onLoad, onResolve }) {
    const moduleOf = (value, constant) => (value === "undefined" ? `export const ${constant} = undefined;` : `export { default as ${constant} } from "./${value}";`);
    onResolve({ filter: /^\.\/[a-z.]+\.wasm$/ }, ({ path }) => ({ path, external: true }));
    onLoad({ filter: /[/\\]build[/\\]embedded\.ts$/ }, () => ({ contents: moduleOf(core, "core"), loader: "js" }));
    onLoad({ filter: /[/\\]build[/\\]embedded-predict\.ts$/ }, () => ({ contents: moduleOf(predict, "predictCore"), loader: "js" }));
  },
});

const common = {
  absWorkingDir: root,
  preserveSymlinks: true, // paths stand in comments: those of node_modules where it is linked, not where it lies
  outdir: "dist",
  bundle: true,
  format: "esm",
  platform: "neutral",
  target: "es2022",
  legalComments: "inline",
  charset: "utf8",
  metafile: true,
  write: false,
  logLevel: "warning",
};

/** Everything of rosenblatt in one file, for a page without a bundler. */
const CDN = "rosenblatt.min";

async function bundle(maps) {
  const present = Object.entries(entries).filter(([, source]) => existsSync(inRoot(source)));
  if (!present.some(([name]) => name === "index")) throw new BuildError(`build: expected ${entries.index}, which is missing`);
  const results = [
    await build({ ...common, sourcemap: maps ? "external" : false, entryPoints: Object.fromEntries(present), splitting: true, chunkNames: "chunk-[hash]", plugins: [nodeModules, bareLoader, patchedPackages] }),
    await build({ ...common, entryPoints: { [CDN]: entries.index }, minify: true, plugins: [nodeModules, bareLoader, patchedPackages] }),
  ];
  for (const form of forms) {
    const points = Object.entries(form.names).map(([name, entry]) => [name, entries[entry]]);
    const plugins = [nodeModules, bareLoader, patchedPackages, coreOf(form)];
    results.push(await build({ ...common, entryPoints: Object.fromEntries(points), splitting: points.length > 1, chunkNames: "chunk-[hash]", plugins }));
  }
  for (const { metafile } of results) assertNeutral(metafile.outputs);
  await rm(inRoot("dist"), { recursive: true, force: true });
  await mkdir(inRoot("dist"));
  if (maps) await mkdir(inRoot("build", "coverage", "maps"), { recursive: true });
  for (const { path, text } of results.flatMap(({ outputFiles }) => outputFiles)) {
    if (path.endsWith(".map")) {
      await writeFile(inRoot("build", "coverage", "maps", basename(path)), text);
      continue;
    }
    const command = path === inRoot("dist", "cli.js");
    await writeFile(path, command && !text.startsWith("#!") ? SHEBANG + text : text);
    if (command) await chmod(path, 0o755);
  }
  const notice = await licences(Object.assign({}, ...results.map(({ metafile }) => metafile.inputs)));
  if (notice !== "") await writeFile(inRoot("dist", "THIRD-PARTY-LICENSES.txt"), notice);
  const release = await readFile(inRoot("build", "release.wasm"));
  await writeFile(inRoot("dist", "core.wasm"), release);
  await writeFile(inRoot("dist", "core.unshared.wasm"), unshared(release));
  await copyFile(inRoot("build", "predict.wasm"), inRoot("dist", "predict.wasm"));
}

async function main(options) {
  const known = ["--all", "--wasm-only", "--no-check", "--maps"];
  const unknown = options.find((option) => !known.includes(option));
  if (unknown !== undefined) throw new BuildError(`build: expected ${known.join(", ")}, got ${unknown}`);
  await mkdir(inRoot("build"), { recursive: true });
  const wanted = options.includes("--all") ? [...targets, ...parts] : packaged;
  await compileCore(wanted);
  await embedCore(wanted);
  if (options.includes("--wasm-only")) return;
  await bundle(options.includes("--maps"));
  await mkdir(inRoot("dist", "types"), { recursive: true });
  await writeFile(inRoot("dist", "types", "core-wasm.d.ts"), CORE_TYPES);
  await run("typescript/bin/tsc", "-p", "tsconfig.build.json", ...(options.includes("--no-check") ? ["--noCheck"] : []));
}

main(process.argv.slice(2)).catch((error) => {
  const told = error instanceof BuildError || Array.isArray(error.errors);
  console.error(told ? error.message : error);
  process.exitCode = 1;
});
