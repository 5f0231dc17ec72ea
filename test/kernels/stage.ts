// Where a kernel is tried: the debug and the release build, each on a memory of its own with the same bytes. Buffers lie
// between guards; a call must give the same bytes in both builds and change nothing but the outputs that it names.
//
//   | guard | x | guard | w | guard | y: NaN until it is written | guard |      guard bytes 0xFE: as f32 −1.7e38, as u32 4.3e9
//
// A read beyond an input therefore shows as an absurd number, a write beyond an output as a changed byte, and an element
// of an output that was left out as the NaN that no kernel makes.

import { readFileSync } from "node:fs";

type Kernel = (...parameters: number[]) => number;

export type KernelName =
  | "columnForward" | "smallForward" | "smallInputGradient" | "smallSingle" | "smallWeightGradient"
  | "execute" | "follows" | "play" | "gemm" | "denseForward" | "denseSingle" | "inputGradient" | "weightGradient" | "activationBackward" | "activationForward"
  | "softmaxBackward" | "softmaxForward" | "hitRows" | "lossRows" | "clampRun" | "penaltyRun" | "scaleRun" | "sumSquares" | "updateParameters"
  | "dropoutBackward" | "dropoutForward" | "batchNormBackward" | "batchNormForward" | "followStatistics" | "layerNormBackward" | "layerNormForward" | "layerNormSums"
  | "addHistogram" | "columnFigures" | "finiteRows" | "gatherClasses" | "gatherRows" | "smoothRows" | "fillRandom" | "philox" | "shuffle" | "normalQuantile64";

export type Kernels = Readonly<Record<KernelName, Kernel>>;

/** Bytes that a call may change: `rows` runs of `bytes`, `stride` bytes apart. */
export interface Output {
  readonly at: number;
  readonly bytes: number;
  readonly rows?: number;
  readonly stride?: number;
}

const PAGE = 65536;
const FIRST = 1024;
const GUARD_BYTES = 64;
const GUARD = 0xfe;
/** A quiet NaN with a payload that arithmetic does not make. */
export const UNWRITTEN_BITS = 0x7fc0_0abc;

export type Build = "debug" | "release" | "relaxed";

const modules = new Map<Build, WebAssembly.Module>();

/** The module of a build, compiled once. */
function moduleOf(build: Build): WebAssembly.Module {
  const compiled = modules.get(build) ?? new WebAssembly.Module(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)));
  modules.set(build, compiled);
  return compiled;
}

/** A build on a memory of its own, of at least so many bytes. */
export function instantiateBuild(build: Build, bytes: number): { readonly kernels: Kernels; readonly memory: WebAssembly.Memory } {
  const pages = Math.ceil(bytes / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  return { kernels: new WebAssembly.Instance(moduleOf(build), { env: { memory } }).exports as unknown as Kernels, memory };
}

function bytesOf(memory: WebAssembly.Memory): Buffer {
  return Buffer.from(memory.buffer);
}

export class Stage {
  private readonly debug: Kernels;
  private readonly release: Kernels;
  private readonly debugBytes: Buffer;
  private readonly releaseBytes: Buffer;
  private readonly before: Buffer;
  private end = FIRST;
  /** Views of the release build's memory: tests write inputs and read outputs here. */
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly u32: Uint32Array;
  /** Calls so far, each on both builds. */
  calls = 0;

  /** @param builds two that must give the same bytes */
  constructor(bytes = 4 * 2 ** 20, builds: readonly [Build, Build] = ["debug", "release"]) {
    const [debug, release] = builds.map((build) => instantiateBuild(build, bytes));
    this.debug = debug.kernels;
    this.release = release.kernels;
    this.debugBytes = bytesOf(debug.memory);
    this.releaseBytes = bytesOf(release.memory);
    this.before = Buffer.alloc(this.releaseBytes.length);
    this.f32 = new Float32Array(release.memory.buffer);
    this.f64 = new Float64Array(release.memory.buffer);
    this.u32 = new Uint32Array(release.memory.buffer);
    this.end = this.releaseBytes.length;
    this.clear();
  }

  /** Takes all buffers back and leaves guards everywhere. */
  clear(): void {
    this.releaseBytes.fill(GUARD, 0, this.end);
    this.end = FIRST;
  }

  /** A buffer of so many bytes between guards. `skew`: bytes beyond a multiple of 16 at which it begins, for what has no alignment. */
  reserve(bytes: number, skew = 0): number {
    const at = this.end + GUARD_BYTES + skew;
    this.end = 16 * Math.ceil((at + bytes + GUARD_BYTES) / 16);
    if (this.end > this.releaseBytes.length) throw new RangeError(`stage: expected at most ${this.releaseBytes.length} bytes, got ${this.end}`);
    return at;
  }

  /** Floats without gaps. */
  place(values: ArrayLike<number>, skew = 0): number {
    const at = this.reserve(4 * values.length, skew);
    this.f32.set(values, at / 4);
    return at;
  }

  /** The first `rows` × `columns` of a matrix whose rows are `from` floats apart, as rows `stride` floats apart; guards between them. */
  placeRows(matrix: Float32Array, from: number, rows: number, columns: number, stride: number, skew = 0): number {
    const at = this.reserve(4 * rows * stride, skew);
    for (let row = 0; row < rows; row++) this.f32.set(matrix.subarray(row * from, row * from + columns), at / 4 + row * stride);
    return at;
  }

  /** An output of so many floats, not yet written. */
  unwritten(length: number, skew = 0): number {
    const at = this.reserve(4 * length, skew);
    this.u32.fill(UNWRITTEN_BITS, at / 4, at / 4 + length);
    return at;
  }

  /** Makes floats unwritten again. */
  unwrite(at: number, length: number): void {
    this.u32.fill(UNWRITTEN_BITS, at / 4, at / 4 + length);
  }

  /**
   * Calls a kernel on both builds and returns what it returns.
   * @throws {Error} if the builds differ in a byte or in the result, or if a byte outside of `outputs` has changed
   */
  run(call: (kernels: Kernels) => number | void, outputs: readonly Output[]): number | void {
    const { debugBytes, releaseBytes, before, end } = this;
    releaseBytes.copy(before, 0, 0, end);
    releaseBytes.copy(debugBytes, 0, 0, end);
    const result = call(this.release);
    const ofDebug = call(this.debug);
    this.calls++;
    if (!Object.is(result, ofDebug)) throw new Error(`release gave ${result}, debug ${ofDebug}`);
    if (releaseBytes.compare(debugBytes, 0, end, 0, end) !== 0) throw new Error(`release and debug differ ${firstDifference(releaseBytes, debugBytes, end)}`);
    for (const { at, bytes, rows = 1, stride = 0 } of outputs) {
      for (let row = 0; row < rows; row++) releaseBytes.copy(before, at + row * stride, at + row * stride, at + row * stride + bytes);
    }
    if (releaseBytes.compare(before, 0, end, 0, end) !== 0) throw new Error(`written outside of the outputs ${firstDifference(releaseBytes, before, end)}`);
    return result;
  }

  /** Throws unless `count` floats from `at` have the bits of those of `expected` from `from`. */
  expectBits(at: number, expected: Uint32Array, from: number, count: number, what: string): void {
    const begin = at / 4;
    const { u32 } = this;
    for (let i = 0; i < count; i++) {
      if (u32[begin + i] !== expected[from + i]) {
        const exact = new Float32Array(expected.buffer, expected.byteOffset, expected.length)[from + i];
        throw new Error(`${what}: element ${i} of ${count}: expected ${exact}, got ${this.f32[begin + i]}`);
      }
    }
  }
}

function firstDifference(a: Buffer, b: Buffer, end: number): string {
  let at = 0;
  while (at < end && a[at] === b[at]) at++;
  return `at byte ${at}: ${a[at]}, ${b[at]}`;
}

/** Reproducible numbers in [0, 1): the minimal standard generator of Park and Miller with the multiplier 48271, its first numbers left out. */
export function randomNumbers(seed: number): () => number {
  let state = 1 + ((Math.abs(seed) * 7919 + 12345) % 2147483646);
  const next = (): number => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
  for (let i = 0; i < 5; i++) next();
  return next;
}

/** Floats between low and high. */
export function randomFloats(seed: number, length: number, low = -1, high = 1): Float32Array {
  const next = randomNumbers(seed);
  return Float32Array.from({ length }, () => low + (high - low) * next());
}

export function bitsOf(values: Float32Array): Uint32Array {
  return new Uint32Array(values.buffer, values.byteOffset, values.length);
}

/** The largest size in each dimension. */
export const LARGEST = 67;
/** Sizes of the third dimension beside each pair of the other two: none, one, a tile and a vector more or less, four panels less one, a prime. */
export const THIRD: readonly number[] = [0, 1, 3, 4, 5, 8, 9, 31, 67];

/** All pairs of sizes from 0 to LARGEST. */
export function* sizePairs(firstFrom = 0, secondFrom = 0): Generator<readonly [number, number]> {
  for (let first = firstFrom; first <= LARGEST; first++) for (let second = secondFrom; second <= LARGEST; second++) yield [first, second];
}

/** Floats between rows, at least `width` whole vectors: in turn none more than that, and one or more vectors. */
export function paddedStride(width: number, turn: number): number {
  return 4 * Math.ceil(width / 4) + 4 * (turn % 3);
}
