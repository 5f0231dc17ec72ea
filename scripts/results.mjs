// Where the commands that measure reliability keep what they found. scripts/reliability.mjs makes the table of RELIABILITY.md from it.
//
//   reliability/<name>.json           the figure of the table, in the repository: that of the longest run
//   build/reliability/<name>.json     that of the last run, whatever its length
//
// A run replaces the kept figure if it did at least as much, or if the kept one is of something else (`of`): what a short run found, also a
// failure, is told by its exit code and by the file in build/.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Where figures are kept. */
export const folder = fileURLToPath(new URL("../reliability/", import.meta.url));
/** Where those of the last runs are. */
export const lastFolder = fileURLToPath(new URL("../build/reliability/", import.meta.url));

/** Whether a result takes the place of the kept one. */
export function replaces(fresh, kept) {
  return kept === undefined || fresh.of !== kept.of || fresh.size >= kept.size;
}

/** What is kept of a name, or undefined. */
export function keptResult(name, from = folder) {
  const path = `${from}${name}.json`;
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

/**
 * Writes the result of a command.
 * @param name of its row in scripts/reliability.mjs
 * @param result `figure`, one line for the table; `passed`, whether it is as promised; `size`, how much was done, in whatever the command counts, the
 *   same for each of its runs (1 unless given); `of`, what was measured, if figures of another are not to be compared; `seconds` (those of the process
 *   unless given); and whatever else is worth keeping
 */
export function writeResult(name, result, places = [lastFolder, folder]) {
  const whole = { date: new Date().toISOString().slice(0, 10), node: process.version, seconds: Math.round(process.uptime()), size: 1, ...result };
  for (const [i, place] of places.entries()) {
    if (i > 0 && !replaces(whole, keptResult(name, place))) continue;
    mkdirSync(place, { recursive: true });
    writeFileSync(`${place}${name}.json`, `${JSON.stringify(whole, undefined, 1)}\n`);
  }
}
