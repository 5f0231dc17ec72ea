// The limit that kernels and training steps are measured against: bench/peak.ts compiled and run in the same process.

import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import asc from "assemblyscript/asc";
import { timeOnce } from "./stats.mjs";

const here = dirname(fileURLToPath(import.meta.url));
/** A round is 64 operations: 20,000 take about 20 µs. */
const ROUNDS = 20_000;
const OPERATIONS = ROUNDS * 64;

/** A module of the bench or of the library on a shared memory of 64 MB. */
export async function instantiate(bytes) {
  const memory = new WebAssembly.Memory({ initial: 1024, maximum: 65536, shared: true });
  const { instance } = await WebAssembly.instantiate(bytes, { env: { memory } });
  return { exports: instance.exports, f32: new Float32Array(memory.buffer) };
}

/** The binary of a source of the bench, compiled where it is missing or older. */
export async function compile(name) {
  const file = join(here, "..", "build", `${name}.wasm`);
  const source = join(here, `${name}.ts`);
  if (!existsSync(file) || statSync(file).mtimeMs <= statSync(source).mtimeMs) {
    mkdirSync(dirname(file), { recursive: true });
    const { error, stderr } = await asc.main([
      `${name}.ts`, "--baseDir", here, "-o", `../build/${name}.wasm`, "--runtime", "stub", "--enable", "simd", "--enable", "threads",
      "--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "65536", "--noExportMemory", "-O3", "--noAssert",
    ]);
    if (error) throw new Error(`${error.message}\n${stderr}`);
  }
  return readFileSync(file);
}

/** `work` runs the probe once, `operations` of them; `gflops(ms)` is its rate at that time a run; `measure()` the rate now, best of a few short runs. */
export async function createProbe() {
  const { exports, f32 } = await instantiate(await compile("peak"));
  f32.fill(1e-3, 256, 2048);
  let sink = 0;
  const work = () => {
    sink += exports.peak(1024, ROUNDS);
    if (!Number.isFinite(sink)) throw new Error("the peak probe lost its sum");
  };
  const gflops = (ms) => OPERATIONS / ms / 1e6;
  const measure = (runs = 3, milliseconds = 5) => gflops(Math.min(...Array.from({ length: runs }, () => timeOnce(work, milliseconds))));
  timeOnce(work, 100);
  return { work, operations: OPERATIONS, gflops, measure };
}
