// rosenblatt/node: models in files. A path holds the old bytes or the new ones and never anything between (files/atomic.ts).

import { readFile } from "node:fs/promises";
import { describeValue, refusal, wrongKind } from "./check.js";
import { writeFileAtomic } from "./files/atomic.js";
import { namingFile } from "./files/named.js";
import { Network } from "./index.js";

/**
 * Saves a network, or the model of a table, to a file: a temporary file in the same folder, synced, renamed over the path,
 * the folder synced.
 * @param options of `save`: `optimizer: false` leaves the optimizer's state out
 * @throws {TypeError} if the first is no model, or the path is no text
 * @throws {Error} if the path cannot be written; the old file is untouched then
 * @example await saveFile(network, "model.safetensors");
 */
export async function saveFile(network: { save(options?: { optimizer?: boolean }): Uint8Array }, path: string, options?: { optimizer?: boolean }): Promise<void> {
  if (typeof (network as Partial<Network> | null | undefined)?.save !== "function") throw wrongKind("saveFile", "a Network or a Tabular", network);
  checkPath("saveFile", path);
  await writeFileAtomic(path, network.save(options));
}

/**
 * The network in a file that `saveFile` wrote; a table's preparation is kept with it. `options` are those of `Network.load`.
 * @throws {TypeError} if the path is no text
 * @throws {Error} if the file cannot be read
 * @throws {ModelFormatError} if it is no model
 */
export async function loadFile(path: string, options?: Parameters<typeof Network.load>[1]): Promise<Network> {
  checkPath("loadFile", path);
  const bytes = await readBytes(path);
  return namingFile(path, () => Network.load(bytes, options));
}

function checkPath(subject: string, path: unknown): void {
  const expected = "the path of a file";
  if (typeof path !== "string") throw wrongKind(`${subject}: path`, expected, path, path instanceof URL ? "Use fileURLToPath of node:url" : "");
  if (path === "" || path.includes("\0")) throw new TypeError(refusal(`${subject}: path`, expected, describeValue(path)));
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
