// What the compiled core may contain. A second instance on one memory must change nothing, so a binary has no data and no state
// of its own; it takes nothing from the host but the memory; and the release computes with deterministic SIMD alone. Engines without
// relaxed SIMD refuse the relaxed build as a whole; those that have it, if behind a flag, are tried with it.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { coreMemoryFlag } from "../build/core-facts.js";
import { embedded } from "../build/embedded.js";
import { embeddedPredict } from "../build/embedded-predict.js";
import { embeddedRelaxed, relaxedMemoryFlag } from "../build/embedded-relaxed.js";
import { globals, hasData, imports, memoryFlagOffset, opcodes, relaxedOpcodes, sections, unshared, vectorOpcodes } from "../scripts/wasm.mjs";
import { unpack } from "../src/engine/embedded.js";
import { enableRelaxed } from "./engine.js";

const binary = (target: string) => new Uint8Array(readFileSync(new URL(`../build/${target}.wasm`, import.meta.url)));
const release = binary("release");
const debug = binary("debug");
const relaxed = binary("relaxed");
const targets: [string, Uint8Array<ArrayBuffer>][] = [["release", release], ["debug", debug], ["relaxed", relaxed]];

const PAGE = 65536;
const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];

/** A module with one function () → () of the given code, and the given sections after its code. */
function moduleOf(code: number[], ...more: number[]): Uint8Array<ArrayBuffer> {
  const body = [0x00, ...code, 0x0b];
  return Uint8Array.from([
    ...HEADER,
    ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
    ...[0x03, 0x02, 0x01, 0x00],
    ...[0x0a, body.length + 2, 0x01, body.length, ...body],
    ...more,
  ]);
}

const V128_ZERO = [0xfd, 0x0c, ...new Array<number>(16).fill(0)];
const DROP = 0x1a;

describe("the reader of binaries", () => {
  test("tells relaxed SIMD from fixed-width SIMD", () => {
    const multiplyAdd = moduleOf([...V128_ZERO, ...V128_ZERO, ...V128_ZERO, 0xfd, 0x85, 0x02, DROP]);
    expect(relaxedOpcodes(multiplyAdd)).toEqual(["fd:261"]);
    expect(vectorOpcodes(multiplyAdd)).toEqual(["fd:12"]);
    const product = moduleOf([...V128_ZERO, ...V128_ZERO, 0xfd, 0xe6, 0x01, DROP]);
    expect(WebAssembly.validate(product)).toBe(true);
    expect(relaxedOpcodes(product)).toEqual([]);
    expect([...opcodes(product)]).toEqual([["fd:12", 2], ["fd:230", 1], ["26", 1], ["11", 1]]);
  });

  test("sees data and mutable globals", () => {
    expect(hasData(moduleOf([]))).toBe(false);
    expect(hasData(moduleOf([], 0x0b, 0x01, 0x00))).toBe(true);
    const withGlobals = Uint8Array.from([...HEADER, 0x06, 0x0b, 0x02, 0x7f, 0x01, 0x41, 0x00, 0x0b, 0x7f, 0x00, 0x41, 0x07, 0x0b]);
    expect(WebAssembly.validate(withGlobals)).toBe(true);
    expect(globals(withGlobals)).toEqual([{ mutable: true }, { mutable: false }]);
  });

  test("refuses what it cannot read", () => {
    expect(() => sections(Uint8Array.of(0, 1, 2, 3))).toThrow(TypeError);
    expect(() => sections(release.subarray(0, -1))).toThrow(RangeError);
    expect(() => opcodes(moduleOf([0xff]))).toThrow(RangeError);
    expect(() => memoryFlagOffset(moduleOf([]))).toThrow("expected env.memory as the only import, got none");
    expect(() => memoryFlagOffset(unshared(release))).toThrow("expected limits flag 3");
  });
});

describe.each(targets)("%s.wasm", (_target, bytes) => {
  test("has no data section and no mutable global", () => {
    expect(hasData(bytes)).toBe(false);
    expect(globals(bytes).filter(({ mutable }) => mutable)).toEqual([]);
  });

  test("has no start function", () => {
    expect(sections(bytes).map(({ id }) => id)).not.toContain(8);
  });

  test("imports a shared env.memory of one page to 4 GB, and nothing else", () => {
    const flagOffset = memoryFlagOffset(bytes);
    expect(imports(bytes)).toEqual([{ module: "env", name: "memory", kind: "memory", flagOffset, shared: true, minimum: 1, maximum: 65536 }]);
  });

  test("computes with SIMD", () => {
    const counts = opcodes(bytes);
    for (const [name, opcode] of [["v128.load", "fd:0"], ["f32x4.add", "fd:228"], ["f32x4.mul", "fd:230"], ["v128.store", "fd:11"]]) {
      expect(counts.get(opcode), name).toBeGreaterThan(0);
    }
  });
});

const hasRelaxed = enableRelaxed();

test.each(targets.slice(0, 2))("%s.wasm has no relaxed opcode", (_target, bytes) => {
  expect(relaxedOpcodes(bytes)).toEqual([]);
});

test("relaxed.wasm has f32x4.relaxed_madd alone, in place of most of the release's products; engines without it refuse it", () => {
  expect(relaxedOpcodes(relaxed)).toEqual(["fd:261"]);
  const products = (bytes: Uint8Array) => opcodes(bytes).get("fd:230")!;
  expect(opcodes(relaxed).get("fd:261")!).toBeGreaterThan(3 * 12);
  expect(products(relaxed)).toBeLessThan(products(release));
  for (const form of [relaxed, unshared(relaxed)]) expect(WebAssembly.validate(form)).toBe(hasRelaxed);
});

describe.each(targets.slice(0, hasRelaxed ? 3 : 2))("%s.wasm", (_target, bytes) => {
  test("is valid, shared and unshared, and the host sees the same single import", () => {
    for (const form of [bytes, unshared(bytes)]) {
      expect(WebAssembly.validate(form)).toBe(true);
      expect(WebAssembly.Module.imports(new WebAssembly.Module(form))).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    }
  });

  test("takes each kind of memory in its own form only", () => {
    const shared = new WebAssembly.Memory({ initial: 1, maximum: 2, shared: true });
    const plain = new WebAssembly.Memory({ initial: 1, maximum: 2 });
    const instantiate = (form: Uint8Array<ArrayBuffer>, memory: WebAssembly.Memory) => () =>
      new WebAssembly.Instance(new WebAssembly.Module(form), { env: { memory } });
    expect(instantiate(bytes, shared)).not.toThrow();
    expect(instantiate(unshared(bytes), plain)).not.toThrow();
    expect(instantiate(bytes, plain)).toThrow(WebAssembly.LinkError);
    expect(instantiate(unshared(bytes), shared)).toThrow(WebAssembly.LinkError);
  });

  test("writes nothing when it is instantiated", () => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    const view = new Uint8Array(memory.buffer).fill(0xa5);
    const module = new WebAssembly.Module(bytes);
    for (let instance = 0; instance < 2; instance++) new WebAssembly.Instance(module, { env: { memory } });
    expect(view.length).toBe(PAGE);
    expect(view.every((byte) => byte === 0xa5)).toBe(true);
  });
});

test("all builds export the same functions", () => {
  const names = (bytes: Uint8Array<ArrayBuffer>) => {
    return WebAssembly.Module.exports(new WebAssembly.Module(bytes)).map(({ name, kind }) => `${kind} ${name}`);
  };
  expect(names(release).length).toBeGreaterThan(0);
  expect(names(debug).sort()).toEqual(names(release).sort());
  if (hasRelaxed) expect(names(relaxed).sort()).toEqual(names(release).sort());
  expect(names(release).every((name) => name.startsWith("function "))).toBe(true);
});

test("the embedded binaries are the release, the relaxed one and that of predictions", () => {
  for (const [name, packed] of [["release", embedded], ["relaxed", embeddedRelaxed], ["predict", embeddedPredict]] as const) {
    expect(Buffer.compare(unpack(packed), binary(name)), name).toBe(0);
  }
  expect(coreMemoryFlag).toBe(memoryFlagOffset(release));
  expect(relaxedMemoryFlag).toBe(memoryFlagOffset(relaxed));
  for (const flag of [release[coreMemoryFlag], relaxed[relaxedMemoryFlag]]) expect(flag).toBe(3);
});
