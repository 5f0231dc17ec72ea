// Compiles scripts/ulp/entry.ts to build/ulp.wasm when the binary is missing or older than a source, and instantiates it.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const sources = ["assembly/vmath.ts", "assembly/double.ts", "scripts/ulp/entry.ts", "scripts/ulp/asconfig.json"].map((file) => join(root, file));
const binary = join(root, "build", "ulp.wasm");

/** @returns {Uint8Array} the bytes of build/ulp.wasm, compiled from the sources as they are now */
export function compile() {
  const age = statSync(binary, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;
  if (!sources.every((file) => statSync(file).mtimeMs < age)) {
    mkdirSync(dirname(binary), { recursive: true });
    const asc = join(dirname(createRequire(import.meta.url).resolve("assemblyscript/package.json")), "bin", "asc.js");
    const fresh = `${binary}.${process.pid}`;
    execFileSync(process.execPath, [asc, "scripts/ulp/entry.ts", "--config", "scripts/ulp/asconfig.json", "-o", fresh], { cwd: root, stdio: "pipe" });
    renameSync(fresh, binary);
  }
  return readFileSync(binary);
}

export const BLOCK = 65536;

/**
 * @returns {{ exports: Record<string, Function>, bits: Uint32Array, inputs: Float32Array, results: Float32Array, resultBits: Uint32Array,
 *   run: (name: string) => void }} the instance with a block of inputs and results; run(name) computes results from inputs
 */
export function instantiate() {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(compile()));
  const input = 65536, output = input + BLOCK * 4;
  const { buffer } = exports.memory;
  return {
    exports,
    bits: new Uint32Array(buffer, input, BLOCK),
    inputs: new Float32Array(buffer, input, BLOCK),
    results: new Float32Array(buffer, output, BLOCK),
    resultBits: new Uint32Array(buffer, output, BLOCK),
    run: (name) => exports[name](input, output, BLOCK),
  };
}
