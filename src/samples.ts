// User data → Float32. What a user may give as samples and weights (targets: targets.ts) is checked once as a whole, without a copy, and
// read later, batch by batch, into memory of the core; what is read is checked again, since nothing keeps a user from
// changing it meanwhile.
//
// Samples are rows, [[1, 2], [3, 4]], or one flat array, [1, 2, 3, 4], row-major. The loops come in three, for Float32Array,
// for the other typed arrays and for arrays, because V8 compiles a loop for the kinds of array that it has seen.

import { F32_OVERFLOW, describeValue, isArray, refusal, typedArrayName, wrongKind, wrongValue } from "./check.js";
import { PIECE, inPieces } from "./pieces.js";
import type { Pieces } from "./pieces.js";

/** A typed array of numbers: any but those of BigInt. */
export type NumericArray =
  | Float32Array | Float64Array | Int8Array | Uint8Array | Uint8ClampedArray | Int16Array | Uint16Array | Int32Array | Uint32Array;

/** Samples: rows of numbers, or one flat array of them, row-major. */
export type Samples = readonly (readonly number[] | NumericArray)[] | readonly number[] | NumericArray;

/** Targets: rows of `outputs` numbers, nested or flat, or one class index a sample. */
export type Targets = Samples;

/** Checked samples. A read that meets a value that is no longer valid is a TypeError that names its place. */
export interface SampleReader {
  readonly count: number;
  /** The numbers of one sample. */
  readonly width: number;
  /** Writes sample `index` to target[offset …]. */
  readRow(index: number, target: Float32Array, offset: number): void;
  /** Writes the samples [begin, end) to target[offset …], row-major. */
  read(begin: number, end: number, target: Float32Array, offset: number): void;
  /** The samples as they lie, row-major, where they are one Float32Array: for who copies them whole and looks for what is not finite there. */
  readonly floats?: Float32Array | undefined;
  /** Throws the error that the first number of samples [begin, end) that is not finite deserves. */
  check(begin: number, end: number): void;
  /** What messages call one number: `inputs[17][2]`, or `inputs[70]` where it lies flat. */
  place(index: number, column: number): string;
}

/** What holds numbers by index. */
export type Numbers = readonly number[] | NumericArray;
/**
 * The loop for one kind of array: copies data[begin, end) to target[offset …] if there is a target, stops at the first number
 * that is not finite in f32 and returns its index, or −1 if all are.
 */
type Scan = (data: Numbers, begin: number, end: number, target: Float32Array | null, offset: number) => number;

/**
 * The core's look for what is not finite, for long runs of floats, once something has set it: `by` goes on from `begin` as far as all
 * are finite, copies them, and returns where it stopped. rosenblatt/predict has no such core.
 */
export const longScan: { by?: (data: Float32Array, begin: number, end: number, target: Float32Array | null, offset: number) => number } = {};

/** Floats from which it is asked. */
const LONG_SCAN = 512;

function scanFloat32(data: Float32Array, begin: number, end: number, target: Float32Array | null, offset: number): number {
  let i = end - begin >= LONG_SCAN ? (longScan.by?.(data, begin, end, target, offset) ?? begin) : begin;
  let to = offset + i - begin;
  for (; i < end; i++, to++) {
    const value = data[i];
    if (!(Math.abs(value) < F32_OVERFLOW)) return i;
    if (target !== null) target[to] = value;
  }
  return -1;
}

function scanTyped(data: NumericArray, begin: number, end: number, target: Float32Array | null, offset: number): number {
  if (target === null && !typedArrayName(data)!.startsWith("Float")) return -1; // integers are finite
  for (let i = begin, to = offset; i < end; i++, to++) {
    const value = data[i];
    if (!(Math.abs(value) < F32_OVERFLOW)) return i;
    if (target !== null) target[to] = value;
  }
  return -1;
}

function scanArray(data: readonly number[], begin: number, end: number, target: Float32Array | null, offset: number): number {
  for (let i = begin, to = offset; i < end; i++, to++) {
    const value = data[i];
    if (typeof value !== "number" || !(Math.abs(value) < F32_OVERFLOW)) return i;
    if (target !== null) target[to] = value;
  }
  return -1;
}

/** The loop for what holds numbers by index, or undefined if it does not. */
export function scanOf(data: unknown): Scan | undefined {
  if (isArray(data)) return scanArray as Scan;
  const typed = typedArrayName(data);
  if (typed === undefined || typed.startsWith("Big")) return undefined;
  return (typed === "Float32Array" ? scanFloat32 : scanTyped) as Scan;
}

/** The error for a number that cannot be used: of the wrong kind, not finite, or, `meanwhile`, not what it was when it was checked. */
function badNumber(place: string, value: unknown, meanwhile: boolean): Error {
  if (meanwhile) return wrongKind(place, "a finite number", value, "The data has changed since it was checked");
  if (typeof value !== "number") return wrongKind(place, "a finite number", value);
  return wrongValue(place, Number.isFinite(value) ? "a number that is finite in f32" : "a finite number", value);
}

/** What a check and a read of data have in common. `meanwhile` tells an error of reading from one of the first check. */
export abstract class DataReader implements SampleReader {
  constructor(
    readonly subject: string,
    readonly count: number,
    readonly width: number,
  ) {}

  abstract visit(begin: number, end: number, target: Float32Array | null, offset: number, meanwhile: boolean): void;
  /** The place of one number below the subject, such as `[17][2]`. */
  abstract where(index: number, column: number): string;

  place(index: number, column: number): string {
    return this.subject + this.where(index, column);
  }

  check(begin: number, end: number): void {
    this.visit(begin, end, null, 0, false);
  }

  readRow(index: number, target: Float32Array, offset: number): void {
    this.visit(index, index + 1, target, offset, true);
  }

  read(begin: number, end: number, target: Float32Array, offset: number): void {
    this.visit(begin, end, target, offset, true);
  }
}

export class FlatReader extends DataReader {
  constructor(
    subject: string,
    private readonly data: Numbers,
    private readonly scan: Scan,
    count: number,
    width: number,
  ) {
    super(subject, count, width);
  }

  get floats(): Float32Array | undefined {
    return this.scan === (scanFloat32 as Scan) ? (this.data as Float32Array) : undefined;
  }

  override where(index: number, column: number): string {
    return `[${index * this.width + column}]`;
  }

  override visit(begin: number, end: number, target: Float32Array | null, offset: number, meanwhile: boolean): void {
    const bad = this.scan(this.data, begin * this.width, end * this.width, target, offset);
    if (bad >= 0) throw badNumber(`${this.subject}[${bad}]`, this.data[bad], meanwhile);
  }
}

export class RowReader extends DataReader {
  constructor(
    subject: string,
    private readonly data: readonly unknown[],
    width: number,
  ) {
    super(subject, data.length, width);
  }

  override where(index: number, column: number): string {
    return `[${index}][${column}]`;
  }

  override visit(begin: number, end: number, target: Float32Array | null, offset: number, meanwhile: boolean): void {
    const width = this.width;
    for (let index = begin, to = offset; index < end; index++, to += width) {
      const row = this.data[index] as Numbers;
      const scan = scanOf(row);
      if (scan === undefined) throw this.badRow(index, row);
      if (row.length !== width) throw this.badLength(index, row.length, meanwhile);
      const bad = scan(row, 0, width, target, to);
      if (bad >= 0) throw badNumber(this.place(index, bad), row[bad], meanwhile);
    }
  }

  private badRow(index: number, row: unknown): Error {
    return wrongKind(`${this.subject}[${index}]`, `a row of ${this.width} numbers`, row);
  }

  private badLength(index: number, length: number, meanwhile: boolean): Error {
    const message = refusal(`${this.subject}[${index}]`, numbers(this.width), String(length), meanwhile ? "The data has changed since it was checked" : "");
    return meanwhile ? new TypeError(message) : new RangeError(message);
  }
}

export function numbers(count: number): string {
  return count === 1 ? "1 number" : `${count} numbers`;
}

/** Whether an array's first element makes it rows in place of flat numbers. */
export function holdsRows(data: readonly unknown[]): boolean {
  return isArray(data[0]) || typedArrayName(data[0]) !== undefined;
}

/**
 * Checks all of the samples without copying one, and hands back their reader.
 * @throws {TypeError} if something in them is no number, or they are no array
 * @throws {RangeError} for a number that is not finite in f32, rows of unequal or wrong length, or no samples
 */
export function checkSamples(subject: string, data: unknown, width: number): SampleReader {
  const reader = openSamples(subject, data, width);
  reader.check(0, reader.count);
  return reader;
}

/** `checkSamples` in pieces. */
export function* samplesInPieces(subject: string, data: unknown, width: number): Pieces<SampleReader> {
  const reader = openSamples(subject, data, width);
  yield* inPieces(reader.count, rowsOfPiece(width), (begin, end) => reader.visit(begin, end, null, 0, false));
  return reader;
}

export function rowsOfPiece(width: number): number {
  return Math.max(1, Math.floor(PIECE / width));
}

/** The reader of samples whose outer shape fits; the values are not checked yet. */
export function openSamples(subject: string, data: unknown, width: number): DataReader {
  const scan = scanOf(data);
  if (scan === undefined) throw wrongKind(subject, "an array of rows or a flat array of numbers", data, hintFor(data));
  const { length } = data as Numbers;
  if (length === 0) throw new RangeError(refusal(subject, `at least one sample of ${numbers(width)}`, "0 samples"));
  if (isArray(data) && holdsRows(data)) return new RowReader(subject, data, width);
  // The first number is looked at before the length, so that an array of anything else is told what it is.
  if (isArray(data) && typeof data[0] !== "number") throw wrongKind(`${subject}[0]`, "a number or a row of numbers", data[0]);
  if (length % width !== 0) throw new RangeError(refusal(subject, `a multiple of ${numbers(width)}`, String(length)));
  return new FlatReader(subject, data as Numbers, scan, length / width, width);
}

/** What to do with data that only looks like an array of numbers. */
export function hintFor(data: unknown): string {
  switch (describeValue(data)) {
    case "an ArrayBuffer":
    case "a SharedArrayBuffer":
    case "a DataView":
      return "Make a typed array of it, such as new Float32Array(buffer)";
    default:
      return typedArrayName(data) === undefined ? "" : "Convert each BigInt by Number()";
  }
}

/**
 * Checks weights of samples or classes: a flat array of finite numbers ≥ 0, `count` of them where that is known.
 * @throws {TypeError} if it is no array of numbers
 * @throws {RangeError} for another length, or a weight that is negative or not finite in f32
 */
export function checkWeights(subject: string, data: unknown, count?: number): readonly number[] | NumericArray {
  const scan = scanOf(data);
  if (scan === undefined) throw wrongKind(subject, "an array of numbers", data, hintFor(data));
  const weights = data as Numbers;
  const { length } = weights;
  if (count !== undefined && length !== count) throw new RangeError(refusal(subject, count === 1 ? "1 weight" : `${count} weights`, String(length)));
  const bad = scan(weights, 0, length, null, 0);
  if (bad >= 0) throw badNumber(`${subject}[${bad}]`, weights[bad], false);
  for (let i = 0; i < length; i++) if (weights[i] < 0) throw wrongValue(`${subject}[${i}]`, "a finite number from 0 up", weights[i]);
  return weights;
}
