// Seeded permutations outside a network: the core's generator, one stream a purpose.

import { Stream } from "../assembly/codes.js";
import { Core, ready, scratchCore } from "./engine/core.js";
import { finish } from "./pieces.js";
import type { Pieces } from "./pieces.js";

/** Byte offset of what is permuted; the words below are scratch. */
const LIST = 64;

/** Low and high 32 bits of a seed below 2^53. */
export function seedWords(seed: number): readonly [low: number, high: number] {
  return [seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/** Streams below it are purposes; the bits from it on number the parts of one. */
const PART = 256;

/** Draws of a shuffle between two yields: about a millisecond. */
const PIECE_DRAWS = 2 ** 16;

/** The stream of part `part` of a purpose that draws by parts. */
function streamOf(stream: keyof typeof Stream, part: number): number {
  return (Stream[stream] + PART * part) >>> 0;
}

/** Shuffles `count` u32 at `list` in the core's memory, in pieces; nothing else may write them or `scratch` (16 bytes) meanwhile. */
export function* shuffleInPieces(
  core: Core, list: number, count: number, seed: number, stream: keyof typeof Stream, index: number, scratch: number, part = 0,
): Pieces<void> {
  let drawn = 0;
  for (let from = count; from > 1; from -= PIECE_DRAWS) {
    if (from < count) yield;
    drawn = core.exports.shufflePart(list, from, Math.max(1, from - PIECE_DRAWS), drawn, ...seedWords(seed), index, streamOf(stream, part), scratch);
  }
}

/** The numbers 0 … count − 1 in an order drawn from the seed, the stream and the index alone, in pieces. The core must be ready. */
export function* permutationInPieces(count: number, seed: number, stream: keyof typeof Stream, index: number, part = 0): Pieces<Uint32Array> {
  // a long one has a memory of its own, since others may use the shared one between its pieces
  const core = count > PIECE_DRAWS ? new Core(LIST + 4 * count) : scratchCore(LIST + 4 * count);
  const list = core.u32.subarray(LIST / 4, LIST / 4 + count);
  for (let i = 0; i < count; i++) list[i] = i;
  yield* shuffleInPieces(core, LIST, count, seed, stream, index, 16, part);
  return core.u32.slice(LIST / 4, LIST / 4 + count);
}

/** `permutationInPieces` at once. */
export function permute(count: number, seed: number, stream: keyof typeof Stream, index: number): Uint32Array {
  return finish(permutationInPieces(count, seed, stream, index));
}

/** `permute` that awaits the core. */
export async function permutation(count: number, seed: number, stream: keyof typeof Stream, index: number): Promise<Uint32Array> {
  await ready();
  return permute(count, seed, stream, index);
}
