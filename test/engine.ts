// What the engine that runs the tests has of relaxed SIMD. Node 22 and later, and browsers, have it; V8 of Node 20 behind a flag.

import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";

export const RELAXED_FLAG = "--experimental-wasm-relaxed-simd";

const binary = readFileSync(new URL("../build/relaxed.wasm", import.meta.url));

/** Whether the engine takes the relaxed build. */
export function hasRelaxed(): boolean {
  return WebAssembly.validate(binary);
}

/** Whether the flag is of any use: the engine has relaxed SIMD behind it. */
export const behindFlag = process.versions.v8.startsWith("11.3.") && !hasRelaxed();

/** Sets the flag in this process where it is of use. Whether the engine takes the relaxed build now. */
export function enableRelaxed(): boolean {
  if (behindFlag) setFlagsFromString(RELAXED_FLAG);
  return hasRelaxed();
}

/** Whether its multiply-add rounds once: (1 + 2⁻¹²)² − (1 + 2⁻¹¹) is 2⁻²⁴ then, else 0. */
export function fuses(): boolean {
  const memory = new WebAssembly.Memory({ initial: 2, maximum: 2, shared: true });
  const { gemm } = new WebAssembly.Instance(new WebAssembly.Module(binary), { env: { memory } }).exports as Record<string, (...parameters: number[]) => void>;
  const f32 = new Float32Array(memory.buffer);
  const [a, b, c, scratch] = [1024, 1088, 1152, 2048];
  f32[a / 4] = f32[b / 4] = 1 + 2 ** -12;
  f32[c / 4] = -(1 + 2 ** -11);
  gemm(1, 0, 1, 1, a, 4, 4, b, 4, c, 4, 1, scratch);
  return f32[c / 4] !== 0;
}
