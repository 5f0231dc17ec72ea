// No kernel reads or writes a byte outside of its regions: calls of random shapes on the checked form of the release build (scripts/checked.mjs), whose
// every load and store asks, and on the release build itself on a memory of the same size and bytes, where one of the buffers ends with the memory, so
// that a read beyond it traps, and guards lie round all. Both must leave the same bytes.
//
//   ROSENBLATT_CALLS=1000000 npx vitest run test/kernels/checked.test.ts      the long form; npm run checked

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { CHECKED_PAGES, checked, DATA_BYTES, FAULT, READ, WRITE } from "../../scripts/checked.mjs";
import { writeResult } from "../../scripts/results.mjs";
import { calledKernels, randomCall } from "./calls.js";
import type { Call, Region } from "./calls.js";
import { randomNumbers } from "./stage.js";
import type { KernelName, Kernels } from "./stage.js";

const CALLS = Number(process.env.ROSENBLATT_CALLS ?? 30_000);
const SEED = Number(process.env.ROSENBLATT_SEED ?? 1);
const GUARD_BYTES = 64;
const GUARD = 0xfe;

const binary = readFileSync(new URL("../../build/release.wasm", import.meta.url));
const { bytes: checkedBinary, counts } = checked(binary);

function instantiate(bytes: Uint8Array, pages: number): { kernels: Kernels; bytes: Buffer } {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes as Uint8Array<ArrayBuffer>), { env: { memory } });
  return { kernels: exports as unknown as Kernels, bytes: Buffer.from(memory.buffer) };
}

const lengthOf = ({ rows, bytes, stride }: Region): number => (rows === 0 ? 0 : (rows - 1) * stride + bytes);

class Trial {
  private readonly release = instantiate(binary, DATA_BYTES / 65536);
  private readonly asking = instantiate(checkedBinary, CHECKED_PAGES);
  private readonly floats = new Float32Array(this.asking.bytes.buffer, 0, DATA_BYTES / 4);
  private readonly words = new Uint32Array(this.asking.bytes.buffer, 0, DATA_BYTES / 4);
  private readonly next: () => number;
  private lowest = 0;

  constructor(seed: number) {
    this.next = randomNumbers(seed);
  }

  readonly below = (n: number): number => Math.floor(this.next() * n);

  /** Marks a region, and undoes it. */
  private mark(region: Region, at: number, value: number): void {
    const { asking: { bytes } } = this;
    for (let row = 0; row < region.rows; row++) {
      const begin = at + row * region.stride;
      bytes.fill(value, READ + begin, READ + begin + region.bytes);
      if (region.writes) bytes.fill(value, WRITE + begin + region.from, WRITE + begin + region.from + region.count);
    }
  }

  /** Lays the regions out in random order from the end of the memory downwards, guards between them. */
  private place({ regions }: Call): number[] {
    const order = regions.map((_, i) => i);
    for (let i = order.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    const places: number[] = [];
    let end = DATA_BYTES;
    for (const i of order) {
      places[i] = end - lengthOf(regions[i]);
      end = places[i] - GUARD_BYTES - 4 * this.below(4);
      if (end < GUARD_BYTES) throw new RangeError("checked: expected buffers that fit the memory, got more");
    }
    this.lowest = end - GUARD_BYTES;
    this.asking.bytes.fill(GUARD, this.lowest, DATA_BYTES);
    regions.forEach((region, i) => this.fill(region, places[i]));
    this.asking.bytes.copy(this.release.bytes, this.lowest, this.lowest, DATA_BYTES);
    return places;
  }

  private fill(region: Region, at: number): void {
    for (let row = 0; row < region.rows; row++) {
      const begin = (at + row * region.stride) / 4;
      // scratch is large and holds nothing
      const end = begin + Math.min(region.bytes / 4, 2048);
      if (region.indices !== undefined) for (let i = begin; i < end; i++) this.words[i] = this.below(region.indices);
      else for (let i = begin; i < end; i++) this.floats[i] = (i * 0.618033988749895) % 1 - 0.5;
    }
  }

  /** Calls a kernel in both builds. Throws with the kernel, its arguments and the address, where a byte is touched that is not its own. */
  run(kernel: KernelName, call: Call): void {
    const { asking, release } = this;
    const places = this.place(call);
    const parameters = call.parameters.map((each) => (typeof each === "number" ? each : places[each.at]));
    call.regions.forEach((region, i) => this.mark(region, places[i], 255));
    let sums: number[];
    try {
      sums = [asking, release].map(({ kernels }) => kernels[kernel](...parameters));
    } catch (error) {
      const at = asking.bytes.readUInt32LE(FAULT);
      const where = call.regions.map((region, i) => `${places[i]} to ${places[i] + lengthOf(region)}`).join(", ");
      throw new Error(`${kernel}(${parameters.join(", ")}): byte ${at} of regions ${where}`, { cause: error });
    } finally {
      call.regions.forEach((region, i) => this.mark(region, places[i], 0));
    }
    if (!Object.is(sums[0], sums[1])) throw new Error(`${kernel}(${parameters.join(", ")}): expected ${sums[0]}, got ${sums[1]}`);
    if (asking.bytes.compare(release.bytes, this.lowest, DATA_BYTES, this.lowest, DATA_BYTES) !== 0) throw new Error(`${kernel}(${parameters.join(", ")}): other bytes than in the checked build`);
  }
}

describe("the checked build", () => {
  test("asks at every load and store", () => {
    expect(counts.loads).toBeGreaterThan(500);
    expect(counts.stores).toBeGreaterThan(300);
    // a wide row of the gather, and the histogram's counts: copied once, cleared three times
    expect(counts.copies).toBe(5);
    expect(WebAssembly.validate(checkedBinary)).toBe(true);
  });

  const floats = (rows: number, width: number, writes: boolean): Region => ({ rows, bytes: 4 * width, stride: 4 * width, writes, from: 0, count: 4 * width });
  const cases: [string, KernelName, Call][] = [
    ["a read behind a buffer", "sumSquares", { regions: [floats(1, 7, false)], parameters: [{ at: 0 }, 0, 8] }],
    ["a read before a buffer", "sumSquares", { regions: [floats(1, 8, false)], parameters: [{ at: 0 }, -1, 8] }],
    ["a write behind a buffer", "scaleRun", { regions: [floats(1, 7, true), floats(1, 4, true)], parameters: [{ at: 0 }, 0, 8, 2] }],
    ["a write into what is read only", "scaleRun", { regions: [floats(1, 8, false)], parameters: [{ at: 0 }, 0, 8, 2] }],
    ["a vector that is half inside", "scaleRun", { regions: [floats(1, 6, true), floats(1, 4, true)], parameters: [{ at: 0 }, 0, 8, 2] }],
    ["a read at address 0", "sumSquares", { regions: [floats(1, 4, false)], parameters: [0, 0, 4] }],
    ["a copy of a row of which a byte is not there", "gatherRows", { regions: [floats(1, 999, false), { ...floats(1, 1, false), indices: 1 }, floats(1, 1000, true)], parameters: [{ at: 0 }, { at: 1 }, 0, { at: 2 }, 0, 1, 1000, 4000] }],
    ["a copy to a row that is too short", "gatherRows", { regions: [floats(1, 1000, false), { ...floats(1, 1, false), indices: 1 }, floats(1, 999, true)], parameters: [{ at: 0 }, { at: 1 }, 0, { at: 2 }, 0, 1, 1000, 4000] }],
  ];
  test.each(cases)("traps at %s", (_, kernel, call) => {
    const trial = new Trial(1);
    for (let turn = 0; turn < 20; turn++) expect(() => trial.run(kernel, call)).toThrow(new RegExp(`^${kernel}\\(.*\\): byte \\d+ of regions`));
  });

  test("traps where a stored padding goes into the next row", () => {
    const trial = new Trial(1);
    // softmax writes whole vectors: rows of 5 that are 20 bytes apart have no room for them
    const call: Call = { regions: [floats(3, 5, true)], parameters: [{ at: 0 }, { at: 0 }, 3, 5, 20] };
    expect(() => trial.run("softmaxForward", call)).toThrow(/of regions/);
  });
});

/** What works on no region of its own: numbers, the tape that calls the kernels, the threads' control block; and a part of `shuffle`, which is called. */
const WITHOUT_REGIONS = ["cos64", "exp64", "log64", "normalQuantile64", "pow64", "execute", "follows", "play", "playTogether", "serve", "endTeam", "shufflePart"];

test("every kernel that the core exports is called below", () => {
  const exported = WebAssembly.Module.exports(new WebAssembly.Module(binary)).map(({ name }) => name);
  expect(exported.filter((name) => !WITHOUT_REGIONS.includes(name)).sort()).toEqual([...calledKernels].sort());
});

describe(`${CALLS} calls of random shapes`, () => {
  test(`touch no byte that is not theirs (seed ${SEED})`, { timeout: 3_600_000 }, () => {
    const trial = new Trial(SEED);
    const ran = new Map<KernelName, number>();
    let hit = "";
    try {
      for (let i = 0; i < CALLS; i++) {
        const kernel = calledKernels[i % calledKernels.length];
        trial.run(kernel, randomCall(kernel, trial.below));
        ran.set(kernel, (ran.get(kernel) ?? 0) + 1);
      }
    } catch (error) {
      hit = (error as Error).message;
      throw error;
    } finally {
      const figure = hit === "" ? "none touches a byte that is not its own, all leave the bytes of the release build" : `a hit: ${hit}`;
      writeResult("checked", { figure: `${CALLS.toLocaleString("en")} calls of ${calledKernels.length} kernels: ${figure}`, passed: hit === "", size: CALLS, seed: SEED });
    }
    expect(ran.size).toBe(calledKernels.length);
    for (const count of ran.values()) expect(count).toBeGreaterThanOrEqual(Math.floor(CALLS / calledKernels.length));
  });
});
