// Where the commands that measure reliability write what they found: build/reliability/<name>.json. scripts/reliability.mjs makes
// the table of RELIABILITY.md from these files.

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const folder = fileURLToPath(new URL("../build/reliability/", import.meta.url));

/**
 * Writes the result of a command.
 * @param name of its row in scripts/reliability.mjs
 * @param result `figure`, one line for the table; `passed`, whether it is as promised; and whatever else is worth keeping
 */
export function writeResult(name, result) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${folder}${name}.json`, `${JSON.stringify({ date: new Date().toISOString().slice(0, 10), node: process.version, ...result }, undefined, 1)}\n`);
}
