// Seeded permutations outside a network: the core's generator, one stream a purpose.

import { Stream } from "../assembly/codes.js";
import { ready, scratchCore } from "./engine/core.js";

/** Byte offset of what is permuted; the words below are scratch. */
const LIST = 64;

/** Low and high 32 bits of a seed below 2^53. */
export function seedWords(seed: number): readonly [low: number, high: number] {
  return [seed >>> 0, Math.floor(seed / 2 ** 32)];
}

/** The numbers 0 … count − 1 in an order drawn from the seed, the stream and the index alone. The core must be ready. */
export function permute(count: number, seed: number, stream: keyof typeof Stream, index: number): Uint32Array {
  const core = scratchCore(LIST + 4 * count);
  const list = core.u32.subarray(LIST / 4, LIST / 4 + count);
  for (let i = 0; i < count; i++) list[i] = i;
  core.exports.shuffle(LIST, count, ...seedWords(seed), index, Stream[stream], 16);
  return list.slice();
}

/** `permute` that awaits the core. */
export async function permutation(count: number, seed: number, stream: keyof typeof Stream, index: number): Promise<Uint32Array> {
  await ready();
  return permute(count, seed, stream, index);
}
