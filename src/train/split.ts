// Which samples go where: a part held out for validation or testing, and the folds of a cross-validation.
//
// Pure functions of the sizes, the classes and a permutation of 0 … count − 1 that the core has drawn from the seed. All counting is in integers, so
// the same arguments give the same parts in every engine. Parts are lists of indices in ascending order.

import { checkFinite, checkInteger, refusal } from "../check.js";
import { PIECE, finish, inPieces } from "../pieces.js";
import type { Pieces } from "../pieces.js";

export interface Split {
  readonly training: Uint32Array;
  readonly validation: Uint32Array;
}

/**
 * Holds out `fraction` of the samples: round(fraction · count), halves upwards, but at least one; none for a fraction of 0. Without `classes` they are
 * the first of the permutation. With `classes` (one number a sample, equal for the same class) each class with n samples gives its share v·n/count of
 * the v held out, rounded by largest remainder: down first, then one more for the classes that lost most, of equal losses the lower class first. So
 * each share is within 1 of exact, and no class gives a sample that a class with a larger remainder does not. A class's samples are taken in the order of
 * the permutation.
 *
 * @throws {RangeError} if nothing would be left for training, or the permutation or the classes do not fit `count`.
 */
export function splitSamples(count: number, fraction: number, classes: ArrayLike<number> | undefined, permutation: Uint32Array): Split {
  return finish(splitInPieces(count, fraction, classes, permutation));
}

/** How many of `count` samples a fraction above 0 holds out. */
export function heldOutCount(count: number, fraction: number): number {
  return fraction === 0 ? 0 : Math.max(1, Math.floor(fraction * count + 0.5));
}

/** `splitSamples` in pieces. */
export function* splitInPieces(count: number, fraction: number, classes: ArrayLike<number> | undefined, permutation: Uint32Array): Pieces<Split> {
  checkArguments(count, classes, permutation);
  checkFinite("split: fraction", fraction, { min: 0, below: 1 });
  const size = heldOutCount(count, fraction);
  if (size >= count) {
    throw new RangeError(refusal("split", "a sample for training at least", `${size} of ${count} held out`, `Lower the fraction (${fraction}) or add samples.`));
  }
  yield;
  const heldOut = new Uint8Array(count);
  if (classes === undefined) {
    for (let p = 0; p < size; p++) heldOut[permutation[p]] = 1;
  } else {
    const left = shares(yield* classSizes(classes), size, count);
    yield* inPieces(count, PIECE, (begin, end) => {
      for (let p = begin; p < end; p++) {
        const index = permutation[p];
        const wanted = left.get(classes[index])!;
        if (wanted === 0) continue;
        heldOut[index] = 1;
        left.set(classes[index], wanted - 1);
      }
    });
  }
  yield;
  return { training: indicesWhere(heldOut, 0, count - size), validation: indicesWhere(heldOut, 1, size) };
}

/**
 * Deals the samples into `folds` disjoint parts whose sizes differ by at most one. With `classes` the samples are dealt class after class, the lower
 * first, in one go, each class in the order of the permutation: so of a class with n samples every fold has ⌊n/folds⌋ or ⌈n/folds⌉. A fold is the
 * validation part of its turn, the others together train.
 *
 * @throws {RangeError} unless 2 ≤ folds ≤ count, or if the permutation or the classes do not fit `count`.
 */
export function stratifiedFolds(count: number, folds: number, classes: ArrayLike<number> | undefined, permutation: Uint32Array): Uint32Array[] {
  checkArguments(count, classes, permutation);
  if (count < 2) throw new RangeError(refusal("folds", "two samples at least", `${count}`));
  checkInteger("folds", folds, 2, count);
  const foldOf = new Uint32Array(count);
  if (classes === undefined) {
    for (let p = 0; p < count; p++) foldOf[permutation[p]] = p % folds;
  } else {
    const places = new Map<number, number>();
    let place = 0;
    for (const [value, size] of finish(classSizes(classes))) {
      places.set(value, place);
      place += size;
    }
    for (const index of permutation) {
      const p = places.get(classes[index])!;
      foldOf[index] = p % folds;
      places.set(classes[index], p + 1);
    }
  }
  const parts = Array.from({ length: folds }, (_, fold) => new Uint32Array(Math.floor((count - fold - 1) / folds) + 1));
  const filled = new Uint32Array(folds);
  for (let index = 0; index < count; index++) {
    const fold = foldOf[index];
    parts[fold][filled[fold]++] = index;
  }
  return parts;
}

/** Samples of each class, in ascending order of the class. */
function* classSizes(classes: ArrayLike<number>): Pieces<ReadonlyMap<number, number>> {
  const sizes = new Map<number, number>();
  yield* inPieces(classes.length, PIECE, (begin, end) => {
    for (let i = begin; i < end; i++) sizes.set(classes[i], (sizes.get(classes[i]) ?? 0) + 1);
  });
  return new Map([...sizes].sort(([a], [b]) => a - b));
}

/** How many of `size` each class gives. The products reach 2^64, hence BigInt. */
function shares(sizes: ReadonlyMap<number, number>, size: number, count: number): Map<number, number> {
  const given = new Map<number, number>();
  const remainders: { value: number; remainder: number }[] = [];
  let missing = size;
  for (const [value, n] of sizes) {
    const exact = BigInt(size) * BigInt(n);
    const whole = Number(exact / BigInt(count));
    given.set(value, whole);
    missing -= whole;
    remainders.push({ value, remainder: Number(exact % BigInt(count)) });
  }
  remainders.sort((a, b) => b.remainder - a.remainder || a.value - b.value);
  for (const { value } of remainders.slice(0, missing)) given.set(value, given.get(value)! + 1);
  return given;
}

function indicesWhere(marks: Uint8Array, mark: number, size: number): Uint32Array {
  const indices = new Uint32Array(size);
  let next = 0;
  for (let i = 0; i < marks.length; i++) {
    if (marks[i] === mark) indices[next++] = i;
  }
  return indices;
}

function checkArguments(count: number, classes: ArrayLike<number> | undefined, permutation: Uint32Array): void {
  checkInteger("split: count", count, 1, 2 ** 32 - 1);
  if (permutation.length !== count) throw new RangeError(refusal("split: permutation", `${count} indices`, `${permutation.length}`));
  const seen = new Uint8Array(count);
  for (let p = 0; p < count; p++) {
    const index = permutation[p];
    if (index >= count || seen[index] === 1) throw new RangeError(refusal("split: permutation", `each of 0 … ${count - 1} once`, `${index} again or beyond`));
    seen[index] = 1;
  }
  if (classes === undefined) return;
  if (classes.length !== count) throw new RangeError(refusal("split: classes", `${count} numbers`, `${classes.length}`));
  for (let i = 0; i < count; i++) if (!Number.isFinite(classes[i])) checkFinite(`split: classes[${i}]`, classes[i]);
}
