// rosenblatt/node: models in files. A path holds the old bytes or the new ones and never anything between (files/atomic.ts).

import { readFile } from "node:fs/promises";
import { describeValue, refusal } from "./check.js";
import { writeFileAtomic } from "./files/atomic.js";
import { Network } from "./index.js";

/**
 * Saves a network, or the model of a table, to a file: a temporary file in the same folder, synced, renamed over the path,
 * the folder synced.
 * @param options of `save`: `optimizer: false` leaves the optimizer's state out
 * @throws {Error} if the path cannot be written; the old file is untouched then
 * @example await saveFile(network, "model.safetensors");
 */
export async function saveFile(network: { save(options?: { optimizer?: boolean }): Uint8Array }, path: string, options?: { optimizer?: boolean }): Promise<void> {
  await writeFileAtomic(path, network.save(options));
}

/**
 * The network in a file that `saveFile` wrote; a table's preparation is kept with it. `options` are those of `Network.load`.
 * @throws {Error} if the file cannot be read
 * @throws {ModelFormatError} if it is no model
 */
export async function loadFile(path: string, options?: Parameters<typeof Network.load>[1]): Promise<Network> {
  return Network.load(await readBytes(path), options);
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    const got = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "a folder" : code;
    if (got === undefined) throw cause;
    throw new Error(refusal(describeValue(path), "a file that can be read", got), { cause });
  }
}
