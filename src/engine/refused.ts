// The one error of hosts that have no WebAssembly SIMD or forbid compilation.

export function notCompiled(cause: unknown): Error {
  const advice = "A host with WebAssembly SIMD is needed, and under a content security policy 'wasm-unsafe-eval' in script-src";
  return new Error(`rosenblatt: the WebAssembly core could not be compiled (${cause instanceof Error ? cause.message : String(cause)}). ${advice}`, { cause });
}
