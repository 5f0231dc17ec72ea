// Random numbers from a counter: Philox 4×32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011), known-answer vectors of Random123 in the tests. A number is a function of seed, stream, index and
// position alone, so it does not matter who draws it, when, or in which share.
//
//   key     = (seed low 32 bits, seed high 32 bits)
//   counter = (block, 0, index, stream)     block: position / 4; index: layer or epoch; stream: purpose (codes.ts)
//
// Dropout draws four counters side by side, by step and layer too: dropout.ts.

import { InitCode } from "./codes";
import { normalQuantile64 } from "./double";

/** Multipliers of the rounds and increments of the key (Weyl sequence: golden ratio, √3 − 1), from the paper. */
export const M0: u64 = 0xd2511f53;
export const M1: u64 = 0xcd9e8d57;
export const W0: u32 = 0x9e3779b9;
export const W1: u32 = 0xbb67ae85;

/** Ten rounds on one counter; the four words are written at `out`. */
export function philox(c0: u32, c1: u32, c2: u32, c3: u32, k0: u32, k1: u32, out: usize): void {
  for (let round = 0; round < 10; ++round) {
    const p0 = M0 * <u64>c0;
    const p1 = M1 * <u64>c2;
    c0 = <u32>(p1 >> 32) ^ c1 ^ k0;
    c1 = <u32>p1;
    c2 = <u32>(p0 >> 32) ^ c3 ^ k1;
    c3 = <u32>p0;
    k0 += W0;
    k1 += W1;
  }
  store<u32>(out, c0);
  store<u32>(out, c1, 4);
  store<u32>(out, c2, 8);
  store<u32>(out, c3, 12);
}

/**
 * Fills `length` floats at `ptr` by one rule: constant(x), uniform(x, y) or normal(mean x, deviation y).
 * Arithmetic in f64, one 32-bit draw a value, rounded to f32 at the end. scratch: 16 bytes.
 */
export function fillRandom(code: i32, ptr: usize, length: i32, x: f64, y: f64, seedLow: u32, seedHigh: u32, index: u32, stream: u32, scratch: usize): void {
  if (code == InitCode.constant) {
    for (let i = 0; i < length; ++i) store<f32>(ptr + (<usize>i << 2), <f32>x);
    return;
  }
  for (let i = 0; i < length; ++i) {
    if ((i & 3) == 0) philox(<u32>(i >> 2), 0, index, stream, seedLow, seedHigh, scratch);
    const draw = <f64>load<u32>(scratch + (<usize>(i & 3) << 2));
    let value: f64;
    if (code == InitCode.uniform) value = x + (y - x) * (draw * (1.0 / 4294967296.0));
    else value = x + y * normalQuantile64((draw + 0.5) * (1.0 / 4294967296.0));
    store<f32>(ptr + (<usize>i << 2), <f32>value);
  }
}

/**
 * Fisher-Yates shuffle of `length` u32 at `ptr`, in place. Each place is drawn without bias (Lemire 2019,
 * "Fast random integer generation in an interval": multiply, reject the short remainder). scratch: 16 bytes.
 */
export function shuffle(ptr: usize, length: u32, seedLow: u32, seedHigh: u32, index: u32, stream: u32, scratch: usize): void {
  shufflePart(ptr, length, 1, 0, seedLow, seedHigh, index, stream, scratch);
}

/**
 * The part of a shuffle that settles places from − 1 down to `to`, for one that is done in pieces: from `length` to 1 it is the
 * whole. `drawn` is how many numbers the parts before have drawn, 0 at first; returns it for the next part.
 */
export function shufflePart(ptr: usize, from: u32, to: u32, drawn: u32, seedLow: u32, seedHigh: u32, index: u32, stream: u32, scratch: usize): u32 {
  if (drawn & 3) philox(drawn >> 2, 0, index, stream, seedLow, seedHigh, scratch);
  for (let i: u32 = from; i > to; --i) {
    let product: u64;
    do {
      if ((drawn & 3) == 0) philox(drawn >> 2, 0, index, stream, seedLow, seedHigh, scratch);
      product = <u64>load<u32>(scratch + (<usize>(drawn & 3) << 2)) * <u64>i;
      drawn++;
    } while (<u32>product < i && <u32>product < (0 - i) % i);
    const j = <usize>(product >> 32) << 2;
    const last = <usize>(i - 1) << 2;
    const kept = load<u32>(ptr + last);
    store<u32>(ptr + last, load<u32>(ptr + j));
    store<u32>(ptr + j, kept);
  }
  return drawn;
}
