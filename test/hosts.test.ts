// Hosts that lack something: without shared memory or workers a fit runs on one thread to the same bytes, without WebAssembly or room for
// a memory there is one clear error. Each in a process of its own.

import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, expect, test } from "vitest";

const execute = promisify(execFile);
let folder = "";

/** What is taken away, by its name, before the library is imported. */
const program = `
  const refuse = () => { throw new WebAssembly.CompileError("Wasm code generation disallowed by embedder"); };
  const taken = {
    nothing() {},
    "shared memory"() { delete globalThis.SharedArrayBuffer; },
    workers() { const get = process.getBuiltinModule; process.getBuiltinModule = (name) => (name === "node:worker_threads" ? undefined : get.call(process, name)); },
    "compiling, by a policy"() { WebAssembly.Module = class { constructor() { refuse(); } }; WebAssembly.compile = WebAssembly.instantiate = async () => refuse(); },
    WebAssembly() { delete globalThis.WebAssembly; },
  };
  taken[process.argv[2]]();
  try {
    const { Network, dense } = await import("./index.mjs");
    const network = await Network.create({ inputs: 4, layers: [dense(8, "tanh"), dense(2)], seed: 1 });
    await network.fit(Float32Array.from({ length: 400 }, (_, i) => i % 7), new Float32Array(200), { epochs: 3, threads: 2 });
    console.log(JSON.stringify({ file: Buffer.from(network.save()).toString("base64"), threads: network.threads }));
  } catch ({ name, message }) {
    console.log(JSON.stringify({ name, message }));
  }
`;

interface Said { readonly file?: string; readonly threads?: { readonly available: number; readonly reason?: string }; readonly name?: string; readonly message?: string }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rosenblatt-hosts-"));
  const entry = fileURLToPath(new URL("../src/index.ts", import.meta.url));
  await build({ entryPoints: [entry], outfile: join(folder, "index.mjs"), bundle: true, format: "esm", platform: "node", logLevel: "silent" });
  await writeFile(join(folder, "program.mjs"), program);
});

afterAll(async () => rm(folder, { recursive: true, force: true }));

async function without(what: string): Promise<Said> {
  return JSON.parse((await execute(process.execPath, ["program.mjs", what], { cwd: folder })).stdout) as Said;
}

test.each(["shared memory", "workers"])("without %s two threads are one, to the same bytes, and the reason is told", async (what) => {
  const { file, threads } = await without(what);
  expect(file).toBe((await without("nothing")).file);
  expect(file!.length).toBeGreaterThan(400);
  expect(threads!.available).toBe(1);
  expect(threads!.reason).toMatch(what === "workers" ? /no worker/ : /no shared memory/);
});

test.each(["compiling, by a policy", "WebAssembly"])("without %s there is one error, with advice", async (what) => {
  const { name, message } = await without(what);
  expect(name).toBe("Error");
  expect(message).toMatch(/^rosenblatt: the WebAssembly core could not be compiled \(.+\)\. .*'wasm-unsafe-eval'/);
});

test("with too little room for addresses there is one error, with advice", async () => {
  const { stdout } = await execute("sh", ["-c", `ulimit -v 3000000; exec "${process.execPath}" program.mjs nothing`], { cwd: folder });
  const { name, message } = JSON.parse(stdout) as Said;
  expect(name).toBe("RangeError");
  expect(message).toMatch(/^memory: expected .+, the engine has none.*\. .*ulimit -v/);
});
