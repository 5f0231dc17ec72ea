// A core that the user gives: by bytes, Response, URL or compiled module, to the whole entry and to rosenblatt/slim, which has none.
// The core is compiled once a process, so each case has one of its own. dist must be built.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const execute = promisify(execFile);
const dist = (file: string): string => new URL(`../dist/${file}`, import.meta.url).href;
const core = readFileSync(new URL("../dist/core.wasm", import.meta.url));

let server: Server;
let address: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    if (request.url === "/core.wasm") response.writeHead(200, { "Content-Type": "application/octet-stream" }).end(core);
    else response.writeHead(404, { "Content-Type": "text/html" }).end("<!doctype html>not here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

/** What a program prints that has the library as `library`, Node's readFile, and trains with `learn`. */
async function run(entry: string, source: string): Promise<string> {
  const program = `
    import { readFile } from "node:fs/promises";
    import * as library from ${JSON.stringify(dist(entry))};
    const { Network, adam, configure, dense, ready } = library;
    const file = new URL(${JSON.stringify(dist("core.wasm"))});
    const told = async (call) => { try { await call(); return "nothing"; } catch (error) { return error.name + ": " + error.message; } };
    const learn = async (options = {}) => {
      const network = await Network.create({ inputs: 2, layers: [dense(40, "tanh"), dense(1, "sigmoid")], seed: 1 });
      await network.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], { epochs: 5, batchSize: 2, optimizer: adam(), ...options });
      return Buffer.from(network.save()).toString("hex").slice(-400) + " " + (network.threads.reason ?? "");
    };
    ${source}`;
  const { stdout } = await execute(process.execPath, ["--input-type=module", "--eval", program]);
  return stdout.trim();
}

const weights = (printed: string): string => printed.split(" ")[0];

describe("what was given computes the same bytes", () => {
  let expected: string;
  beforeAll(async () => {
    expected = weights(await run("index.js", "console.log(await learn());"));
    expect(expected).toMatch(/^[0-9a-f]{400}$/);
  });

  const ways: [string, () => string][] = [
    ["a Buffer", () => "await readFile(file)"],
    ["a Uint8Array", () => "new Uint8Array(await readFile(file))"],
    ["an ArrayBuffer", () => "new Uint8Array(await readFile(file)).buffer"],
    ["the bytes of the unshared form", () => `await readFile(new URL(${JSON.stringify(dist("core.unshared.wasm"))}))`],
    ["a file: URL", () => "file"],
    ["an http: URL", () => `new URL("${address}/core.wasm")`],
    ["a data: URL", () => `new URL("data:application/wasm;base64," + (await readFile(file)).toString("base64"))`],
    ["a Response", () => `await fetch("${address}/core.wasm")`],
    ["a Response made by hand", () => "new Response(await readFile(file))"],
    ["a WebAssembly.Module", () => "await WebAssembly.compile(await readFile(file))"],
    ["a WebAssembly.Module of the unshared form", () => `await WebAssembly.compile(await readFile(new URL(${JSON.stringify(dist("core.unshared.wasm"))})))`],
  ];

  describe.each(["slim.js", "index.js"])("%s", (entry) => {
    test.each(ways)("%s", async (_name, given) => {
      expect(weights(await run(entry, `configure({ wasm: ${given()} });\nconsole.log(await learn());`))).toBe(expected);
    });
  });

  test("by two threads as by one, where the form allows it; else network.threads says why not", async () => {
    const two = "console.log(await learn({ threads: 2 }));";
    const bytes = await run("slim.js", `configure({ wasm: file });\n${two}`);
    const shared = await run("slim.js", `configure({ wasm: await WebAssembly.compile(await readFile(file)) });\n${two}`);
    const unshared = await run("slim.js", `configure({ wasm: await WebAssembly.compile(await readFile(new URL(${JSON.stringify(dist("core.unshared.wasm"))}))) });\n${two}`);
    for (const printed of [bytes, shared, unshared]) expect(weights(printed)).toBe(expected);
    expect(bytes).not.toContain("unshared");
    expect(shared).not.toContain("unshared");
    expect(unshared).toContain("the core is a compiled module for unshared memory");
  });

  test("nothing is resolved or fetched beside it", async () => {
    const watched = `
      globalThis.fetch = () => { throw new Error("fetched"); };
      configure({ wasm: await readFile(file) });
      console.log(await learn());`;
    expect(weights(await run("slim.js", watched))).toBe(expected);
    expect(readFileSync(new URL(dist("slim.js")), "utf8")).not.toContain("compressed: ");
  });

  test("again, after one that could not be had", async () => {
    const source = `
      configure({ wasm: new URL("${address}/nowhere.wasm") });
      const first = await told(learn);
      configure({ wasm: file });
      console.log(await learn());
      console.error(first);`;
    expect(weights(await run("slim.js", source))).toBe(expected);
  });
});

describe("errors in words", () => {
  const errors: [string, string, string, () => string][] = [
    ["no core at all", "slim.js", "Error: rosenblatt/slim: expected a core from configure({ wasm }) before the first network, got none", () => "learn"],
    ["no core at all, by ready", "slim.js", "Error: rosenblatt/slim: expected a core", () => "ready"],
    ["a string", "slim.js", "TypeError: configure: wasm: expected the bytes of rosenblatt/core.wasm, a Response, a URL or a WebAssembly.Module, got './core.wasm'. Write new URL(address, import.meta.url)", () => '() => configure({ wasm: "./core.wasm" })'],
    ["a promise", "slim.js", "got a Promise. Await it first", () => '() => configure({ wasm: Promise.resolve() })'],
    ["an array", "slim.js", "got an array of 3", () => "() => configure({ wasm: [0, 1, 2] })"],
    ["null", "index.js", "got null", () => "() => configure({ wasm: null })"],
    ["bytes of something else", "slim.js", "Error: configure: wasm: expected a WebAssembly binary, got 9 bytes of something else. Give rosenblatt/core.wasm of this version", () => '() => configure({ wasm: new TextEncoder().encode("<!doctype") })'],
    ["bytes of another module", "slim.js", "expected the core of this version of rosenblatt", () => 'async () => { configure({ wasm: Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0) }); await learn(); }'],
    ["another module", "slim.js", "got another WebAssembly module. Give rosenblatt/core.wasm of this version", () => 'async () => { configure({ wasm: await WebAssembly.compile(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)) }); await learn(); }'],
    ["the core of another version", "slim.js", "got that of another version ('", () => 'async () => { const bytes = await readFile(file); bytes[bytes.length - 1] ^= 1; configure({ wasm: bytes }); await learn(); }'],
    ["its module", "slim.js", "got that of another version ('", () => 'async () => { const bytes = await readFile(file); bytes[bytes.length - 1] ^= 1; configure({ wasm: await WebAssembly.compile(bytes) }); await learn(); }'],
    ["a Response that is not ok", "slim.js", "Error: configure: wasm: expected a response with the binary, got status 404 of http://127.0.0.1", () => `async () => configure({ wasm: await fetch("${address}/nowhere.wasm") })`],
    ["a Response that has been read", "slim.js", "expected a response whose body has not been read, got one that has been", () => `async () => { const response = await fetch("${address}/core.wasm"); await response.text(); configure({ wasm: response }); }`],
    ["an http: URL of nothing", "slim.js", "expected a response with the binary, got status 404", () => `async () => { configure({ wasm: new URL("${address}/nowhere.wasm") }); await learn(); }`],
    ["a file: URL of nothing", "slim.js", "Error: configure: wasm: expected a binary that can be read, got ENOENT", () => 'async () => { configure({ wasm: new URL("file:///nowhere/core.wasm") }); await learn(); }'],
    ["a URL of text", "slim.js", "expected a WebAssembly binary, got 4 bytes of something else", () => 'async () => { configure({ wasm: new URL("data:,text") }); await learn(); }'],
    ["a second call after the first network", "index.js", "Error: configure: wasm: expected a call before the first network is created or loaded, got one after the core was compiled. Call configure first", () => "async () => { await learn(); configure({ wasm: file }); }"],
    ["an unknown option", "index.js", "Did you mean 'wasm'?", () => "() => configure({ wasn: 1 })"],
  ];
  test.each(errors)("%s", async (_name, entry, message, call) => {
    expect(await run(entry, `console.log(await told(${call()}));`)).toContain(message);
  });

  test("a host without WebAssembly is told in one sentence", async () => {
    const source = "delete globalThis.WebAssembly; console.log(await told(learn));";
    expect(await run("index.js", source)).toMatch(/^Error: rosenblatt: the WebAssembly core could not be compiled \(.*\)\. A host with WebAssembly SIMD is needed, and under a content security policy 'wasm-unsafe-eval' in script-src$/);
  });
});
