// One job of `npm run reproduce`, in whatever runs JavaScript: trains the networks once or more on a build of the core, and says what came out.

import { digests } from "./networks.mjs";
import { unshared } from "../../scripts/wasm.mjs";

/** The constant of scripts/reproduce.mjs's delayed build that each run replaces, as the five bytes that it has in the binary. */
export const SEED_BYTES = [0xa5, 0xab, 0x96, 0xed, 0x05];

/** A build with that seed for its delays: five bytes of LEB128 wherever the constant stands. */
function seeded(bytes, seed) {
  const copy = Uint8Array.from(bytes);
  let found = 0;
  for (let at = 0; at + 5 <= copy.length; at++) {
    if (SEED_BYTES.some((byte, i) => copy[at + i] !== byte)) continue;
    for (let i = 0; i < 4; i++) copy[at + i] = 128 | ((seed >>> (7 * i)) & 127);
    copy[at + 4] = (seed >>> 28) & 3;
    found++;
  }
  if (found === 0) throw new Error("reproduce: expected the seed of the delays in the binary, got none");
  return copy;
}

/**
 * @param library `import * as library from "rosenblatt"`
 * @param read gives the bytes of a file of build/
 * @param job { core?: name of the file, memory?: "shared" | "unshared", seed?, threads?: number | number[], epochs?, only?, repeats? }
 * @returns {Promise<{ digests: Record<string, string[]>, shared: boolean }>} the distinct digests of each network, and whether all runs of several threads had shared memory
 */
export async function work(library, read, { core, memory, seed, threads = 1, repeats = 1, ...training }) {
  if (core !== undefined) {
    const bytes = await read(`${core}.wasm`);
    const form = memory === "unshared" ? unshared(bytes) : bytes;
    library.configure({ wasm: await WebAssembly.compile(seed === undefined ? form : seeded(form, seed)) });
  }
  const found = {};
  let shared = true;
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const count of [threads].flat()) {
      const run = await digests(library, { ...training, threads: count });
      if (count > 1 || (core !== undefined && memory !== "unshared")) shared &&= run.shared;
      for (const [name, digest] of Object.entries(run.digests)) (found[name] ??= new Set()).add(digest);
    }
  }
  return { digests: Object.fromEntries(Object.entries(found).map(([name, set]) => [name, [...set]])), shared };
}
