// What npm publishes, as a user gets it: the files, no dependency, no install script, and the packed package installed into an
// empty project, where it is imported, required, and type-checks under both current ways of resolving modules.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const execute = promisify(execFile);

type Targets = string | { [condition: string]: Targets };

/** The files that an entry of `exports` may resolve to. */
const filesOf = (targets: Targets): string[] => (typeof targets === "string" ? [targets] : Object.values(targets).flatMap(filesOf));

/** Entries that are imported for what they do and export nothing: what a worker runs, and the relaxed build. */
const silent = ["./worker", "./relaxed"];

/** Entries for programs, by the name a user imports. */
const entries = Object.entries(manifest.exports as Record<string, Targets>)
  .filter(([name, targets]) => !silent.includes(name) && filesOf(targets).some((file) => file.endsWith(".js")))
  .map(([name]) => name.replace(".", manifest.name));

const output = async (folder: string, command: string, parameters: string[]): Promise<string> => {
  return (await execute(command, parameters, { cwd: folder })).stdout;
};
const npm = (folder: string, ...parameters: string[]): Promise<string> => output(folder, "npm", parameters);
const node = (folder: string, ...parameters: string[]): Promise<string> => output(folder, process.execPath, parameters);

/** Has its errors in the message, which execFile leaves in stdout. */
async function typeCheck(folder: string): Promise<string> {
  try {
    return await node(folder, join(root, "node_modules", "typescript", "bin", "tsc"), "--project", folder);
  } catch (error) {
    return (error as { stdout: string }).stdout || String(error);
  }
}

describe("package.json", () => {
  test("has no runtime dependency", () => {
    for (const kind of ["dependencies", "peerDependencies", "optionalDependencies", "bundleDependencies", "bundledDependencies"]) {
      expect(manifest, kind).not.toHaveProperty(kind);
    }
  });

  test("runs nothing when it is installed", () => {
    const scripts = ["preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"];
    for (const script of scripts) expect(manifest.scripts).not.toHaveProperty(script);
    expect(existsSync(join(root, "binding.gyp"))).toBe(false);
  });

  test("pins what it is built with", () => {
    for (const [name, version] of Object.entries(manifest.devDependencies)) expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
  });

  test("names only files that the build makes", () => {
    const files = [manifest.types, ...Object.values(manifest.exports as Record<string, Targets>).flatMap(filesOf), ...filesOf(manifest.bin)];
    expect(files.length).toBeGreaterThan(4);
    expect(files.filter((file) => !existsSync(join(root, file)))).toEqual([]);
  });

  test("has types first for every entry, and a default last", () => {
    const conditions = Object.entries(manifest.exports as Record<string, Targets>).filter(([name]) => name !== "./package.json");
    expect(conditions.length).toBeGreaterThan(8);
    for (const [name, targets] of conditions) {
      expect(Object.keys(targets)[0], name).toBe("types");
      expect(Object.keys(targets).at(-1), name).toBe("default");
    }
    expect(Object.keys(manifest.exports["."])).toEqual(["types", "workerd", "node", "browser", "default"]);
  });

  test("names every file that the build makes for users", () => {
    const named = [...Object.values(manifest.exports as Record<string, Targets>).flatMap(filesOf), ...filesOf(manifest.bin), manifest.unpkg, manifest.jsdelivr];
    const made = readdirSync(join(root, "dist")).filter((file) => /\.(js|wasm)$/.test(file) && !file.startsWith("chunk-"));
    // the thread that compareActivations starts in Node, and what rosenblatt/predict imports in workerd; nobody else has a use for them
    expect(made.filter((file) => !named.includes(`./dist/${file}`))).toEqual(["compare-worker.js", "predict.wasm"]);
  });

  test("is locked without the address of a registry", () => {
    const lock = readFileSync(join(root, "package-lock.json"), "utf8");
    expect(lock).toContain('"integrity"');
    expect(lock).not.toContain('"resolved"');
    expect(lock).not.toMatch(/https?:\/\/[^"]*registry/);
  });

  test("is locked for every platform, so that a clean install takes the lock as it is", () => {
    type Names = Record<string, string>;
    interface Locked { version: string; integrity?: string; dependencies?: Names; optionalDependencies?: Names }
    const { "": own, ...packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")).packages as Record<string, Locked>;
    expect(own.version).toBe(manifest.version);
    expect(Object.entries(packages).filter(([, { version, integrity }]) => !version || !integrity)).toEqual([]);
    const wanted = Object.values(packages).flatMap((locked) => Object.keys({ ...locked.dependencies, ...locked.optionalDependencies }));
    expect(wanted.filter((name) => !Object.keys(packages).some((place) => place.endsWith(`node_modules/${name}`)))).toEqual([]);
  });
});

describe("dist", () => {
  test("has a command that the shell can start", () => {
    expect(readFileSync(join(root, "dist", "cli.js"), "utf8").startsWith("#!/usr/bin/env node\n")).toBe(true);
  });

  test("has the release binary as core.wasm", () => {
    const [core, release] = ["dist/core.wasm", "build/release.wasm"].map((file) => readFileSync(join(root, file)));
    expect(core.equals(release)).toBe(true);
  });
});

describe("a clean build", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rosenblatt-build-"));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  test("packs the bytes of this one, in whatever folder and whenever, and no path of it", async () => {
    const parts = ["assembly", "scripts", "src", "asconfig.json", "package.json", "tsconfig.json", "tsconfig.build.json", "README.md", "LICENSE", "CHANGELOG.md"];
    for (const part of parts) await cp(join(root, part), join(folder, "elsewhere", part), { recursive: true });
    await symlink(join(root, "node_modules"), join(folder, "elsewhere", "node_modules"), "junction");
    await node(join(folder, "elsewhere"), "scripts/build.mjs", "--no-check");
    const hashes = [];
    for (const place of [join(folder, "elsewhere"), root]) {
      const [{ filename }] = JSON.parse(await npm(place, "pack", "--json", "--ignore-scripts", "--pack-destination", folder));
      hashes.push(createHash("sha256").update(readFileSync(join(folder, filename))).digest("hex"));
      await rm(join(folder, filename));
    }
    expect(hashes[1]).toBe(hashes[0]);
    const built = join(folder, "elsewhere", "dist");
    for (const file of readdirSync(built, { recursive: true, encoding: "utf8" }).filter((name) => /\.(js|wasm|ts|txt)$/.test(name))) {
      const text = readFileSync(join(built, file), "latin1");
      for (const path of [folder, root.replace(/\/$/, ""), "/node_modules/.bin"]) expect(text.includes(path), `${file}: ${path}`).toBe(false);
    }
  }, 300_000);
});

describe("the packed package", () => {
  let folder: string;
  let packed: { filename: string; files: { path: string; mode: number }[] };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rosenblatt-package-"));
    [packed] = JSON.parse(await npm(root, "pack", "--json", "--ignore-scripts", "--pack-destination", folder));
    await writeFile(join(folder, "package.json"), JSON.stringify({ name: "consumer", version: "1.0.0", private: true, type: "module" }));
    await npm(folder, "install", "--offline", "--ignore-scripts", "--no-audit", "--no-fund", join(folder, packed.filename));
  });

  afterAll(async () => {
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  test("has dist, README, LICENSE, CHANGELOG and package.json, nothing else", async () => {
    const [dry] = JSON.parse(await npm(root, "pack", "--dry-run", "--json", "--ignore-scripts"));
    const paths: string[] = dry.files.map(({ path }: { path: string }) => path);
    expect(packed.files.map(({ path }) => path)).toEqual(paths);
    expect(paths.filter((path) => !path.startsWith("dist/")).sort()).toEqual(["CHANGELOG.md", "LICENSE", "README.md", "package.json"]);
    expect(paths.filter((path) => /\.tsx?$/.test(path) && !path.endsWith(".d.ts"))).toEqual([]);
  });

  test("installs nothing beside itself", async () => {
    const installed = JSON.parse(await npm(folder, "ls", "--all", "--json"));
    expect(Object.keys(installed.dependencies)).toEqual([manifest.name]);
    expect(installed.dependencies[manifest.name].dependencies ?? {}).toEqual({});
  });

  test.each(entries)("imports %s", async (entry) => {
    const source = `console.log(JSON.stringify(Object.keys(await import("${entry}"))))`;
    const names = JSON.parse(await node(folder, "--input-type=module", "--eval", source));
    expect(names.length).toBeGreaterThan(0);
  });

  test.each(entries)("requires %s, from Node 20.19 on", async (entry) => {
    const source = `console.log(JSON.stringify(Object.keys(require("${entry}"))))`;
    const names = JSON.parse(await node(folder, "--input-type=commonjs", "--eval", source));
    expect(names.length).toBeGreaterThan(0);
  });

  test("has rosenblatt/relaxed, which is imported or required for what it does, and which no bundler leaves out", async () => {
    const network = `
      const network = await Network.create({ inputs: 2, layers: [dense(1)], simd: "relaxed" });
      console.log(network.simd);`;
    const binary = join(root, "build", "relaxed.wasm");
    const expected = WebAssembly.validate(readFileSync(binary)) ? "relaxed\n" : "deterministic\n";
    const imported = `import "rosenblatt/relaxed";\nimport { Network, dense } from "rosenblatt";${network}`;
    expect(await node(folder, "--input-type=module", "--eval", imported)).toBe(expected);
    const required = `require("rosenblatt/relaxed"); const { Network, dense } = require("rosenblatt"); (async () => {${network}})();`;
    expect(await node(folder, "--input-type=commonjs", "--eval", required)).toBe(expected);

    const bundled = async (contents: string): Promise<string> => {
      const { outputFiles } = await build({ stdin: { contents, resolveDir: folder }, bundle: true, format: "esm", platform: "neutral", minify: true, write: false });
      return outputFiles[0].text;
    };
    const [withIt, without] = [await bundled(imported), await bundled(imported.replace(/import "[^"]+";/, ""))];
    expect(without.length).toBeGreaterThan(50_000);
    expect(withIt.length).toBeGreaterThan(without.length + 20_000);
    await writeFile(join(folder, "bundled.mjs"), withIt);
    expect(await node(folder, "bundled.mjs")).toBe(expected);
  });

  test.each([["", 1], ["/tabular", 1], ["/predict", 1]])("rosenblatt%s imports its binary in workerd, and carries none", async (entry, imported) => {
    const bundled = async (conditions: string[]): Promise<string> => {
      const contents = `export * from "rosenblatt${entry}";`;
      const options = { stdin: { contents, resolveDir: folder }, bundle: true, format: "esm" as const, platform: "neutral" as const, external: ["*.wasm"] };
      return (await build({ ...options, conditions, write: false })).outputFiles[0].text;
    };
    const [usual, workerd] = [await bundled([]), await bundled(["workerd"])];
    expect([...workerd.matchAll(/from "[^"]+\.wasm"/g)].length).toBe(imported);
    expect(workerd).not.toContain("compressed: \"");
    expect([...usual.matchAll(/compressed: "/g)].length).toBe(1);
    expect(usual).not.toContain(".wasm\"");
  });

  test("adds no more to a small program than the sources would", async () => {
    const bundled = async (entry: string): Promise<number> => {
      const contents = `import { Network, adam, dense } from "${entry}"; console.log(Network, adam, dense);`;
      const { outputFiles } = await build({ stdin: { contents, resolveDir: folder }, bundle: true, format: "esm", minify: true, write: false });
      return outputFiles[0].contents.length;
    };
    const [packed, sources] = [await bundled("rosenblatt"), await bundled(join(root, "src", "index.ts"))];
    expect(packed).toBeGreaterThan(50_000);
    expect(packed).toBeLessThanOrEqual(sources);
  });

  test("has one minified file for pages without a bundler, which says all that the entry does", async () => {
    const exported = async (file: string): Promise<string[]> => {
      const source = `console.log(JSON.stringify(Object.keys(await import("./node_modules/rosenblatt/dist/${file}")).sort()))`;
      return JSON.parse(await node(folder, "--input-type=module", "--eval", source));
    };
    const text = readFileSync(join(folder, "node_modules", "rosenblatt", "dist", "rosenblatt.min.js"), "utf8");
    expect(text).not.toMatch(/\bfrom\s*"/);
    expect(await exported("rosenblatt.min.js")).toEqual(await exported("index.js"));
  });

  test("installs the command", async () => {
    expect(await output(folder, join(folder, "node_modules", ".bin", "rosenblatt"), ["--version"])).toBe(`${manifest.version}\n`);
  });

  test("trains in a project of its own", async () => {
    const source = `
      import { Network, dense } from "rosenblatt";
      const network = await Network.create({ inputs: 2, layers: [dense(4, "tanh"), dense(1, "sigmoid")], seed: 1 });
      const history = await network.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], { epochs: 2, batchSize: 4 });
      console.log(history.epochs.length, network.predict([0, 1]).length);`;
    expect(await node(folder, "--input-type=module", "--eval", source)).toBe("2 1\n");
  });

  const resolutions = [["nodenext", "nodenext"], ["esnext", "bundler"]];
  test.each(resolutions)("has types that resolve with module %s, moduleResolution %s", async (module, moduleResolution) => {
    const project = join(folder, moduleResolution);
    await mkdir(join(project, "node_modules"), { recursive: true });
    await symlink(join(folder, "node_modules", manifest.name), join(project, "node_modules", manifest.name), "junction");
    const compilerOptions = { module, moduleResolution, target: "es2022", strict: true, noEmit: true, types: [], skipLibCheck: false };
    await writeFile(join(project, "package.json"), JSON.stringify({ type: "module" }));
    await writeFile(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["right.ts", "wrong.ts"] }));
    const create = (activation: string) => `
      import { Network, dense, type History } from "rosenblatt";
      const network: Network = await Network.create({ inputs: 4, layers: [dense(16, "${activation}"), dense(3, "softmax")], seed: 7 });
      export const history: History = await network.fit([[1, 2, 3, 4]], [0], { epochs: 1, optimizer: "adam" });
      export const outputs: Float32Array = network.predict([5.1, 3.5, 1.4, 0.2]);\n`;
    const all = [...entries.map((entry, i) => `export * as entry${i} from "${entry}";\n`), `import "${manifest.name}/relaxed";\n`];
    await writeFile(join(project, "right.ts"), create("relu") + all.join(""));
    await writeFile(join(project, "wrong.ts"), create("rleu"));
    const report = await typeCheck(project);
    const errors = report.split("\n").filter((line) => /^\S/.test(line));
    expect(errors).toEqual([expect.stringMatching(/^wrong\.ts\(3,\d+\): error/)]);
    expect(report).toContain("\"rleu\"");
  });
});
