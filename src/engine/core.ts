// The compute core on one memory: instantiates the WebAssembly module, owns and grows the linear memory, and is the only
// file that names the module's exports. It knows no layer: offsets are bytes, and what they mean is the plan's business.
//
// A binary is compiled once a process: the library's own, or the one that `configure` gave (given.ts), and the relaxed one where
// src/relaxed.ts has given it. It is built for shared memory; one byte of its memory import (limits flag 3 → 1) makes the unshared
// form, which every engine collects as ordinary garbage and which needs no cross-origin isolation. A core starts on that and moves
// to a shared memory with the first fit that uses threads. A module that came compiled has the one form that it has.

import { core as builtIn } from "../../build/embedded.js";
import { instantiateSync } from "@assemblyscript/loader";
import { coreMemoryFlag } from "../../build/core-facts.js";
import { unpack } from "./embedded.js";
import type { Embedded, Given } from "./embedded.js";
import { GivenCoreError, checkModule, isModule, readGiven } from "./given.js";
import { notCompiled } from "./refused.js";

/** The functions of the core that the facade calls; see assembly/index.ts. */
export interface CoreExports {
  play(tape: number, count: number, steps: number, firstStep: number, lastStep: number, panel: number): number;
  playTogether(control: number, firstStep: number, lastStep: number, resume: number, patience: number): number;
  endTeam(control: number, state: number): void;
  execute(instruction: number, step: number, thread: number, threads: number, panel: number): void;
  activationForward(code: number, z: number, a: number, rows: number, columns: number, stride: number, parameter: number, slopes: number, shared: number): void;
  activationBackward(
    code: number, z: number, a: number, d: number, rows: number, columns: number, stride: number,
    parameter: number, slopes: number, shared: number, dBiases: number, dSlopes: number,
  ): void;
  finiteRows(at: number, rows: number, width: number, stride: number): number;
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

/** Which arithmetic computes: the same bits everywhere, or those of the engine's fused operations. */
export type Simd = "deterministic" | "relaxed";

/** One build of the core. Its forms are compiled once a process, each by the first that needs it. */
class Build {
  /** What networks start with, once it is compiled: the unshared form, or the module that was given. */
  module: WebAssembly.Module | undefined;
  /** Whether that takes shared memory alone: a module was given whose form that is. */
  sharedOnly = false;
  private compiling: Promise<void> | undefined;
  private sharing: Promise<WebAssembly.Module> | undefined;
  /** The bytes, once they are there; they are let go of with the last form that is made of them. */
  private bytes: Promise<Uint8Array<ArrayBuffer>> | undefined;

  /** @param memoryFlag offset of the limits flag in the binary */
  constructor(private source: Embedded | Given | undefined, private readonly memoryFlag: number) {}

  /** Whether it has been asked for. */
  get started(): boolean {
    return this.compiling !== undefined;
  }

  /** Whether it was given compiled, in the unshared form: then no threads can play. */
  get unsharedOnly(): boolean {
    return this.module !== undefined && isModule(this.source) && !this.sharedOnly;
  }

  /** Computes with that in place of what the bundle has. */
  replace(source: Given): void {
    this.source = source;
    this.bytes = undefined;
  }

  /** Compiles the first form. @throws what the engine does, or GivenCoreError; the next call tries again */
  async compile(): Promise<void> {
    this.compiling ??= this.compileFirst();
    try {
      await this.compiling;
    } catch (cause) {
      this.compiling = this.bytes = undefined;
      throw cause;
    }
  }

  /** Compiles the unshared form where the engine knows all its instructions. Whether it does. */
  async compileIfValid(): Promise<boolean> {
    if (this.module === undefined && !WebAssembly.validate(await this.form(1))) return false;
    await this.compile();
    return true;
  }

  /** The form for shared memory. */
  shared(): Promise<WebAssembly.Module> {
    if (this.sharedOnly) return Promise.resolve(this.module!);
    this.sharing ??= this.form(3).then((bytes) => WebAssembly.compile(bytes));
    return this.sharing;
  }

  private async compileFirst(): Promise<void> {
    if (isModule(this.source)) {
      const given = this.source as WebAssembly.Module;
      checkModule(given);
      this.sharedOnly = !takes(given, false);
      this.module = given;
      return;
    }
    this.module = await WebAssembly.compile(await this.form(1));
  }

  /** The binary with that limits flag: 1 unshared, 3 shared. */
  private async form(flag: number): Promise<Uint8Array<ArrayBuffer>> {
    const { source } = this;
    if (source === undefined || isModule(source)) throw new GivenCoreError(missing);
    this.bytes ??= "compressed" in source ? Promise.resolve(unpack(source)) : readGiven(source as Exclude<Given, WebAssembly.Module>);
    const bytes = (await this.bytes).slice();
    bytes[this.memoryFlag] = flag;
    return bytes;
  }
}

const missing = "rosenblatt/slim: expected a core from configure({ wasm }) before the first network, got none. Give the bytes of rosenblatt/core.wasm, a Response, a URL or a WebAssembly.Module";

/** Whether a module takes a memory of that kind. */
function takes(module: WebAssembly.Module, shared: boolean): boolean {
  try {
    instantiateSync(module, { env: { memory: newMemory(1, shared) } });
    return true;
  } catch {
    return false;
  }
}

const builds: { readonly deterministic: Build; relaxed?: Build } = { deterministic: /* @__PURE__ */ new Build(builtIn, coreMemoryFlag) };

/** Makes the relaxed build known, for networks that are created from now on. */
export function addRelaxed(embedded: Embedded, memoryFlag: number): void {
  builds.relaxed ??= new Build(embedded, memoryFlag);
}

/**
 * Computes with a core that the user gives.
 * @throws {Error} if one is compiled already
 */
export function replaceCore(given: Given): void {
  if (builds.deterministic.started) {
    throw new Error("configure: wasm: expected a call before the first network is created or loaded, got one after the core was compiled. Call configure first");
  }
  builds.deterministic.replace(given);
}

/** Why threads cannot play on what was given, or undefined. */
export function coreRefusal(): string | undefined {
  if (!builds.deterministic.unsharedOnly) return undefined;
  return "the core is a compiled module for unshared memory; give configure the bytes of rosenblatt/core.wasm, where the host compiles them";
}

/** The form for shared memory of what computes a network, compiled by the first fit that uses threads. */
export function sharedModule(simd: Simd): Promise<WebAssembly.Module> {
  return requireBuild(simd).shared();
}

/**
 * Resolves when the core is compiled: once a process, by the first call. `Network.create` and `Network.load` await it
 * themselves; `activate` and `activationDerivative` need it first.
 * @throws {Error} where the host has no WebAssembly SIMD or forbids compilation, or what `configure` was given is not the core of this version
 */
export async function ready(): Promise<void> {
  try {
    await builds.deterministic.compile();
  } catch (cause) {
    throw cause instanceof GivenCoreError ? cause : notCompiled(cause);
  }
}

/** Whether the core is compiled. */
export function isReady(): boolean {
  return builds.deterministic.module !== undefined;
}

/** `ready` for a network of that arithmetic. Resolves to the one that runs: deterministic where the other was not imported, or the engine does not have it. */
export async function readyFor(simd: Simd): Promise<Simd> {
  await ready();
  return simd === "relaxed" && (await builds.relaxed?.compileIfValid()) ? "relaxed" : "deterministic";
}

/** An empty memory that may grow to the whole address space, or to as much as the engine grants. */
function newMemory(pages: number, shared = false): WebAssembly.Memory {
  for (let maximum = MOST_PAGES; ; maximum = Math.max(pages, maximum / 2)) {
    try {
      return new WebAssembly.Memory({ initial: pages, maximum, shared });
    } catch (cause) {
      if (maximum > pages) continue;
      const advice = "Dispose of networks that are no longer used, or raise the limit of virtual memory (ulimit -v)";
      throw new RangeError(`memory: expected ${pages * PAGE} bytes, the engine has none left. ${advice}`, { cause });
    }
  }
}

/** The module on a memory of its own, with views that are always those of the memory as it is now. */
export class Core {
  exports!: CoreExports;
  memory!: WebAssembly.Memory;
  /** Beside a shared memory: V8 before Node 26 does not count those as pressure to collect, but does count this one, which nobody touches. */
  private pressure: WebAssembly.Memory | undefined;
  f32!: Float32Array<ArrayBufferLike>;
  f64!: Float64Array<ArrayBufferLike>;
  i32!: Int32Array<ArrayBufferLike>;
  u32!: Uint32Array<ArrayBufferLike>;
  u8!: Uint8Array<ArrayBufferLike>;

  /** What computes must be `ready`. */
  constructor(byteLength: number, private readonly simd: Simd = "deterministic") {
    this.begin(Math.max(1, Math.ceil(byteLength / PAGE)));
  }

  get buffer(): ArrayBufferLike {
    return this.memory.buffer;
  }

  get byteLength(): number {
    return this.memory.buffer.byteLength;
  }

  /** Whether other threads may play on the memory. */
  get shared(): boolean {
    return this.pressure !== undefined;
  }

  /** Grows the memory to at least `byteLength`. False if the engine refuses; nothing has changed then. */
  grow(byteLength: number): boolean {
    const missing = Math.ceil((byteLength - this.byteLength) / PAGE);
    if (missing <= 0) return true;
    try {
      this.memory.grow(missing);
      this.view();
      this.pressure?.grow(missing);
      return true;
    } catch {
      return this.byteLength >= byteLength;
    }
  }

  /**
   * Moves the bytes to a shared memory, on which instances of `module` play. False if the engine refuses; nothing has changed then.
   * @param module as `sharedModule` gives it for the same arithmetic
   */
  share(module: WebAssembly.Module): boolean {
    const pages = this.byteLength / PAGE;
    try {
      const pressure = newMemory(pages);
      this.move(module, newMemory(pages, true));
      this.pressure = pressure;
      return true;
    } catch {
      return false;
    }
  }

  /** Moves the bytes to an unshared memory, away from threads that may still write. @throws {RangeError} if the engine refuses; nothing has changed then */
  separate(): void {
    const { u8 } = this;
    this.begin(this.byteLength / PAGE);
    this.u8.set(u8);
  }

  /** Takes a new memory of the first form. */
  private begin(pages: number): void {
    const { module, sharedOnly } = requireCompiled(this.simd);
    const pressure = sharedOnly ? newMemory(pages) : undefined;
    this.settle(module!, newMemory(pages, sharedOnly));
    this.pressure = pressure;
  }

  private move(module: WebAssembly.Module, memory: WebAssembly.Memory): void {
    new Uint8Array(memory.buffer).set(this.u8);
    this.settle(module, memory);
  }

  private settle(module: WebAssembly.Module, memory: WebAssembly.Memory): void {
    this.exports = instantiateSync(module, { env: { memory } }).instance.exports as unknown as CoreExports;
    this.memory = memory;
    this.view();
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

function requireBuild(simd: Simd): Build {
  const build = builds[simd];
  if (build === undefined) throw new Error(`rosenblatt: the ${simd} core is not there`);
  return build;
}

function requireCompiled(simd: Simd): Build {
  const build = requireBuild(simd);
  if (build.module === undefined) throw new Error("rosenblatt: the core is not compiled yet. Await ready() first");
  return build;
}

let scratch: Core | undefined;

/** A core for what belongs to no network: plain arrays, permutations, scalar functions. Grows with what is asked of it. */
export function scratchCore(byteLength: number): Core {
  scratch ??= new Core(byteLength);
  if (!scratch.grow(byteLength)) throw new RangeError(`memory: expected ${byteLength} bytes, the engine has none left. Work on smaller pieces`);
  return scratch;
}
