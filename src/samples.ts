// User data → Float32. What a user may give as samples, targets and weights is checked once as a whole, without a copy, and
// read later, batch by batch, into memory of the core; what is read is checked again, since nothing keeps a user from
// changing it meanwhile.
//
// Samples are rows, [[1, 2], [3, 4]], or one flat array, [1, 2, 3, 4], row-major. The loops come in three, for Float32Array,
// for the other typed arrays and for arrays, because V8 compiles a loop for the kinds of array that it has seen.

import { F32_OVERFLOW, describeValue, isArray, refusal, typedArrayName, wrongKind, wrongValue } from "./check.js";
import type { Loss } from "./describe/losses.js";
import { PIECE, finish, inPieces } from "./pieces.js";
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
  /** What messages call one number: `inputs[17][2]`, or `inputs[70]` where it lies flat. */
  place(index: number, column: number): string;
}

/** Checked targets: rows of `width` outputs, or class indices, each written as one number. */
export interface TargetReader extends SampleReader {
  readonly kind: "rows" | "classes";
  /** The class of a sample: its index, else the place of the row's largest value (the first of equals), or with one output 1 where it is above 0.5. */
  classAt(index: number): number;
}

type Numbers = readonly number[] | NumericArray;
/**
 * The loop for one kind of array: copies data[begin, end) to target[offset …] if there is a target, stops at the first number
 * that is not finite in f32 and returns its index, or −1 if all are.
 */
type Scan = (data: Numbers, begin: number, end: number, target: Float32Array | null, offset: number) => number;

function scanFloat32(data: Float32Array, begin: number, end: number, target: Float32Array | null, offset: number): number {
  let i = begin;
  let to = offset;
  if (target === null) {
    // A sum of four f32 is finite in f64 if and only if all are. One test for four halves the time: 47 million numbers in 25 ms
    // in place of 53 (Zen 5, Node 20).
    while (i + 4 <= end && Math.abs(data[i]) + Math.abs(data[i + 1]) + Math.abs(data[i + 2]) + Math.abs(data[i + 3]) < Infinity) i += 4;
  }
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
function scanOf(data: unknown): Scan | undefined {
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
abstract class DataReader implements SampleReader {
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

  readRow(index: number, target: Float32Array, offset: number): void {
    this.visit(index, index + 1, target, offset, true);
  }

  read(begin: number, end: number, target: Float32Array, offset: number): void {
    this.visit(begin, end, target, offset, true);
  }
}

class FlatReader extends DataReader {
  constructor(
    subject: string,
    private readonly data: Numbers,
    private readonly scan: Scan,
    count: number,
    width: number,
  ) {
    super(subject, count, width);
  }

  override where(index: number, column: number): string {
    return `[${index * this.width + column}]`;
  }

  override visit(begin: number, end: number, target: Float32Array | null, offset: number, meanwhile: boolean): void {
    const bad = this.scan(this.data, begin * this.width, end * this.width, target, offset);
    if (bad >= 0) throw badNumber(`${this.subject}[${bad}]`, this.data[bad], meanwhile);
  }
}

class RowReader extends DataReader {
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

function numbers(count: number): string {
  return count === 1 ? "1 number" : `${count} numbers`;
}

/** Whether an array's first element makes it rows in place of flat numbers. */
function holdsRows(data: readonly unknown[]): boolean {
  return isArray(data[0]) || typedArrayName(data[0]) !== undefined;
}

/**
 * Checks all of the samples without copying one, and hands back their reader.
 * @throws {TypeError} if something in them is no number, or they are no array
 * @throws {RangeError} for a number that is not finite in f32, rows of unequal or wrong length, or no samples
 */
export function checkSamples(subject: string, data: unknown, width: number): SampleReader {
  const reader = openSamples(subject, data, width);
  reader.visit(0, reader.count, null, 0, false);
  return reader;
}

/** `checkSamples` in pieces. */
export function* samplesInPieces(subject: string, data: unknown, width: number): Pieces<SampleReader> {
  const reader = openSamples(subject, data, width);
  yield* inPieces(reader.count, rowsOfPiece(width), (begin, end) => reader.visit(begin, end, null, 0, false));
  return reader;
}

function rowsOfPiece(width: number): number {
  return Math.max(1, Math.floor(PIECE / width));
}

/** The reader of samples whose outer shape fits; the values are not checked yet. */
function openSamples(subject: string, data: unknown, width: number): DataReader {
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
function hintFor(data: unknown): string {
  switch (describeValue(data)) {
    case "an ArrayBuffer":
    case "a SharedArrayBuffer":
    case "a DataView":
      return "Make a typed array of it, such as new Float32Array(buffer)";
    default:
      return typedArrayName(data) === undefined ? "" : "Convert each BigInt by Number()";
  }
}

/** A rule that a loss makes for each target: whether the number is allowed, and in words. */
interface TargetRule {
  readonly expected: string;
  allows(value: number): boolean;
}

class Rows implements TargetReader {
  readonly kind = "rows";
  readonly count: number;
  readonly width: number;
  private subject: string;
  private rule: TargetRule | undefined;
  private readonly row: Float32Array;

  constructor(private readonly data: DataReader) {
    this.subject = data.subject;
    this.count = data.count;
    this.width = data.width;
    this.row = new Float32Array(data.width);
  }

  place(index: number, column: number): string {
    return this.subject + this.data.where(index, column);
  }

  readRow(index: number, target: Float32Array, offset: number): void {
    this.read(index, index + 1, target, offset);
  }

  read(begin: number, end: number, target: Float32Array, offset: number): void {
    this.data.visit(begin, end, target, offset, true);
    if (this.rule !== undefined) this.obey(this.rule, begin, end, target, offset, true);
  }

  classAt(index: number): number {
    const { row } = this;
    this.data.visit(index, index + 1, row, 0, true);
    if (row.length === 1) return row[0] > 0.5 ? 1 : 0;
    let best = 0;
    for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i;
    return best;
  }

  /** The first check of the targets [begin, end). */
  check(begin: number, end: number): void {
    this.data.visit(begin, end, null, 0, false);
  }

  /** Checks every target against the rule, in pieces, and what is read from then on. */
  *restrict(subject: string, rule: TargetRule): Pieces<void> {
    this.subject = subject;
    yield* inPieces(this.count, rowsOfPiece(this.width), (begin, end) => {
      for (let index = begin; index < end; index++) {
        this.data.visit(index, index + 1, this.row, 0, false);
        this.obey(rule, index, index + 1, this.row, 0, false);
      }
    });
    this.rule = rule;
  }

  private obey(rule: TargetRule, begin: number, end: number, target: Float32Array, offset: number, meanwhile: boolean): void {
    const length = (end - begin) * this.width;
    for (let i = 0; i < length; i++) {
      const value = target[offset + i];
      if (rule.allows(value)) continue;
      const place = this.place(begin + Math.floor(i / this.width), i % this.width);
      throw meanwhile ? wrongKind(place, rule.expected, value, "The data has changed since it was checked") : wrongValue(place, rule.expected, value);
    }
  }
}

class Classes implements TargetReader {
  readonly kind = "classes";
  readonly width = 1;

  constructor(
    private readonly subject: string,
    private readonly data: Numbers,
    readonly count: number,
    private readonly outputs: number,
  ) {}

  /** The first check of the class indices [begin, end). */
  check(begin: number, end: number): void {
    for (let index = begin; index < end; index++) this.classIndex(index, false);
  }

  place(index: number): string {
    return `${this.subject}[${index}]`;
  }

  readRow(index: number, target: Float32Array, offset: number): void {
    target[offset] = this.classIndex(index, true);
  }

  read(begin: number, end: number, target: Float32Array, offset: number): void {
    for (let index = begin, to = offset; index < end; index++, to++) target[to] = this.classIndex(index, true);
  }

  classAt(index: number): number {
    return this.classIndex(index, true);
  }

  private classIndex(index: number, meanwhile: boolean): number {
    const value: unknown = this.data[index];
    if (typeof value === "number" && value >= 0 && value < this.outputs && Math.floor(value) === value) return value + 0;
    const expected = `a class index from 0 to ${this.outputs - 1}`;
    if (meanwhile) throw wrongKind(this.place(index), expected, value, "The data has changed since it was checked");
    throw typeof value === "number" ? wrongValue(this.place(index), expected, value) : wrongKind(this.place(index), expected, value);
  }
}

/**
 * Checks all of the targets for that number of samples and outputs, without copying one. Rows and class indices are told apart
 * by the length; with one output there are rows only. `classIndices` says whether the loss takes class indices.
 * @throws {TypeError} if something in them is no number, or they are no array
 * @throws {RangeError} for a wrong shape, a number that is not finite in f32, or an index that is no class
 */
export function checkTargets(subject: string, data: unknown, samples: number, outputs: number, options: { classIndices: boolean }): TargetReader {
  return finish(targetsInPieces(subject, data, samples, outputs, options));
}

/** `checkTargets` in pieces. */
export function* targetsInPieces(subject: string, data: unknown, samples: number, outputs: number, options: { classIndices: boolean }): Pieces<TargetReader> {
  const targets = openTargets(subject, data, samples, outputs, options);
  yield* inPieces(samples, rowsOfPiece(outputs), (begin, end) => targets.check(begin, end));
  return targets;
}

/** The reader of targets whose outer shape fits; the values are not checked yet. */
function openTargets(subject: string, data: unknown, samples: number, outputs: number, options: { classIndices: boolean }): Rows | Classes {
  const { classIndices } = options;
  const scan = scanOf(data);
  const indices = classIndices && outputs > 1 ? ` or ${samples} class indices below ${outputs}` : "";
  const shape = (outputs === 1 ? numbers(samples) : `${samples} × ${outputs} numbers`) + indices;
  if (scan === undefined) throw wrongKind(subject, shape, data, hintFor(data));
  const { length } = data as Numbers;
  if (isArray(data) && length > 0 && holdsRows(data)) {
    const firstWidth = (data[0] as Numbers).length;
    if (length !== samples || firstWidth !== outputs) throw new RangeError(refusal(subject, shape, `${length} × ${firstWidth}`));
    return new Rows(new RowReader(subject, data, outputs));
  }
  if (isArray(data) && length > 0 && typeof data[0] !== "number") throw wrongKind(`${subject}[0]`, "a number or a row of numbers", data[0]);
  if (length === samples && outputs > 1) {
    if (classIndices) return new Classes(subject, data as Numbers, samples, outputs);
    throw new RangeError(refusal(subject, shape, String(length), "Class indices need a softmax output and the loss crossEntropy"));
  }
  if (length !== samples * outputs) throw new RangeError(refusal(subject, shape, String(length)));
  return new Rows(new FlatReader(subject, data as Numbers, scan, samples, outputs));
}

const plusMinusOne: TargetRule = { expected: "-1 or 1 (the loss is hinge)", allows: (value) => value === 1 || value === -1 };
const zeroToOne: TargetRule = { expected: "a number from 0 to 1 (the loss is binaryCrossEntropy)", allows: (value) => value >= 0 && value <= 1 };

function notNegative(loss: Loss): TargetRule {
  return { expected: `a number from 0 up (the loss is ${loss.name})`, allows: (value) => value >= 0 };
}

/**
 * Checks that the loss is defined for each target, as rounded to f32: ±1 for hinge, 0 to 1 for binaryCrossEntropy, 0 or more
 * for crossEntropy, klDivergence and poisson. What `targets` reads from then on is held to the same.
 * @throws {RangeError} naming the place
 */
export function checkTargetValues(subject: string, targets: TargetReader, loss: Loss): void {
  finish(targetValuesInPieces(subject, targets, loss));
}

/** `checkTargetValues` in pieces. */
export function* targetValuesInPieces(subject: string, targets: TargetReader, loss: Loss): Pieces<void> {
  if (!(targets instanceof Rows)) return;
  switch (loss.name) {
    case "hinge":
      return yield* targets.restrict(subject, plusMinusOne);
    case "binaryCrossEntropy":
      return yield* targets.restrict(subject, zeroToOne);
    case "crossEntropy":
    case "klDivergence":
    case "poisson":
      return yield* targets.restrict(subject, notNegative(loss));
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
