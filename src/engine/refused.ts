// The errors of hosts that have no WebAssembly SIMD or forbid compilation, or have no room for the memory with which the core is unpacked.

export function notCompiled(cause: unknown): Error {
  const reason = cause instanceof Error ? cause.message : String(cause);
  // engines say so by a RangeError; what they refuse to compile is a CompileError
  if (cause instanceof RangeError) return new RangeError(`memory: expected room for the WebAssembly core, the engine has none (${reason}). Raise the limit of virtual memory (ulimit -v)`, { cause });
  const advice = "A host with WebAssembly SIMD is needed, and under a content security policy 'wasm-unsafe-eval' in script-src";
  return new Error(`rosenblatt: the WebAssembly core could not be compiled (${reason}). ${advice}`, { cause });
}
