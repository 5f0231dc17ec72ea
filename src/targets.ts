// Targets → Float32: rows of outputs, or class indices, with the rules that a loss makes for them. Checked once as a whole, without
// a copy, and again as they are read; the readers of rows are those of samples.ts.

import { isArray, refusal, wrongKind, wrongValue } from "./check.js";
import type { Loss } from "./describe/losses.js";
import { finish, inPieces } from "./pieces.js";
import type { Pieces } from "./pieces.js";
import { FlatReader, RowReader, hintFor, holdsRows, numbers, rowsOfPiece, scanOf } from "./samples.js";
import type { DataReader, Numbers, SampleReader } from "./samples.js";

/** Checked targets: rows of `width` outputs, or class indices, each written as one number. */
export interface TargetReader extends SampleReader {
  readonly kind: "rows" | "classes";
  /** The class of a sample: its index, else the place of the row's largest value (the first of equals), or with one output 1 where it is above 0.5. */
  classAt(index: number): number;
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
