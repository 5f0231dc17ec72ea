// The compute core on one memory: instantiates the WebAssembly module, owns and grows the linear memory, and is the only
// file that names the module's exports. It knows no layer: offsets are bytes, and what they mean is the plan's business.
//
// The binary is compiled once a process. It is built for shared memory; one byte of its memory import (limits flag 3 → 1)
// makes the unshared form, which every engine collects as ordinary garbage and which needs no cross-origin isolation.

import { instantiateSync } from "@assemblyscript/loader";
import { coreDeflated, coreMemoryFlag } from "../../build/embedded.js";
import { decodeBase64, inflate } from "./platform.js";

/** The functions of the core that the facade calls; see assembly/index.ts. */
export interface CoreExports {
  play(tape: number, count: number, steps: number, firstStep: number, lastStep: number, panel: number): number;
  execute(instruction: number, step: number, thread: number, threads: number, panel: number): void;
  activationForward(code: number, z: number, a: number, rows: number, columns: number, stride: number, parameter: number, slopes: number, shared: number): void;
  activationBackward(
    code: number, z: number, a: number, d: number, rows: number, columns: number, stride: number,
    parameter: number, slopes: number, shared: number, dBiases: number, dSlopes: number,
  ): void;
  softmaxForward(z: number, a: number, rows: number, columns: number, stride: number): void;
  fillRandom(
    code: number, ptr: number, length: number, x: number, y: number,
    seedLow: number, seedHigh: number, index: number, stream: number, scratch: number,
  ): void;
  shufflePart(ptr: number, from: number, to: number, drawn: number, seedLow: number, seedHigh: number, index: number, stream: number, scratch: number): number;
  exp64(x: number): number;
  log64(x: number): number;
  cos64(x: number): number;
  pow64(x: number, y: number): number;
}

const PAGE = 65536;
/** The whole address space of 32 bits: 4 GB. */
export const MOST_PAGES = 65536;

let compiling: Promise<WebAssembly.Module> | undefined;
let compiled: WebAssembly.Module | undefined;

async function compile(): Promise<WebAssembly.Module> {
  const bytes = await inflate(decodeBase64(coreDeflated));
  bytes[coreMemoryFlag] = 1;
  compiled = await WebAssembly.compile(bytes);
  return compiled;
}

/**
 * Resolves when the core is compiled: once a process, by the first call. `Network.create` and `Network.load` await it
 * themselves; `activate` and `activationDerivative` need it first.
 * @throws {Error} where the host has no WebAssembly SIMD or forbids compilation
 */
export async function ready(): Promise<void> {
  compiling ??= compile();
  try {
    await compiling;
  } catch (cause) {
    compiling = undefined;
    const advice = "A host with WebAssembly SIMD is needed, and under a content security policy 'wasm-unsafe-eval' in script-src";
    throw new Error(`rosenblatt: the WebAssembly core could not be compiled (${cause instanceof Error ? cause.message : String(cause)}). ${advice}`, { cause });
  }
}

/** An empty memory that may grow to the whole address space, or to as much as the engine grants. */
function newMemory(pages: number): WebAssembly.Memory {
  for (let maximum = MOST_PAGES; ; maximum = Math.max(pages, maximum / 2)) {
    try {
      return new WebAssembly.Memory({ initial: pages, maximum });
    } catch (cause) {
      if (maximum > pages) continue;
      const advice = "Dispose of networks that are no longer used, or raise the limit of virtual memory (ulimit -v)";
      throw new RangeError(`memory: expected ${pages * PAGE} bytes, the engine has none left. ${advice}`, { cause });
    }
  }
}

/** The module on a memory of its own, with views that are always those of the memory as it is now. */
export class Core {
  readonly exports: CoreExports;
  private readonly memory: WebAssembly.Memory;
  f32!: Float32Array<ArrayBuffer>;
  f64!: Float64Array<ArrayBuffer>;
  i32!: Int32Array<ArrayBuffer>;
  u32!: Uint32Array<ArrayBuffer>;
  u8!: Uint8Array<ArrayBuffer>;

  /** The core must be `ready`. */
  constructor(byteLength: number) {
    if (compiled === undefined) throw new Error("rosenblatt: the core is not compiled yet. Await ready() first");
    this.memory = newMemory(Math.max(1, Math.ceil(byteLength / PAGE)));
    this.exports = instantiateSync(compiled, { env: { memory: this.memory } }).instance.exports as unknown as CoreExports;
    this.view();
  }

  get buffer(): ArrayBuffer {
    return this.memory.buffer as ArrayBuffer;
  }

  get byteLength(): number {
    return this.memory.buffer.byteLength;
  }

  /** Grows the memory to at least `byteLength`. False if the engine refuses; nothing has changed then. */
  grow(byteLength: number): boolean {
    const missing = Math.ceil((byteLength - this.byteLength) / PAGE);
    if (missing <= 0) return true;
    try {
      this.memory.grow(missing);
    } catch {
      return false;
    }
    this.view();
    return true;
  }

  private view(): void {
    const { buffer } = this;
    this.f32 = new Float32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.u8 = new Uint8Array(buffer);
  }
}

let scratch: Core | undefined;

/** A core for what belongs to no network: plain arrays, permutations, scalar functions. Grows with what is asked of it. */
export function scratchCore(byteLength: number): Core {
  scratch ??= new Core(byteLength);
  if (!scratch.grow(byteLength)) throw new RangeError(`memory: expected ${byteLength} bytes, the engine has none left. Work on smaller pieces`);
  return scratch;
}
