// From the start of a process to the first prediction of T2, against a script that does nothing: medians of starts in turn.

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { median, spread } from "./stats.mjs";

function start(script) {
  const started = performance.now();
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cold start: ${stderr.trim()}`);
  return performance.now() - started;
}

/** { emptyMs, predictionMs, addedMs, spread } over `repeats` starts of each; `entry` is the library's file. */
export function measureColdStart(entry, repeats) {
  const folder = mkdtempSync(join(tmpdir(), "rosenblatt-start-"));
  try {
    const empty = join(folder, "empty.mjs");
    const predicting = join(folder, "predicting.mjs");
    writeFileSync(empty, "");
    writeFileSync(predicting, [
      `import { Network, dense } from ${JSON.stringify(pathToFileURL(entry).href)};`,
      'const network = await Network.create({ inputs: 4, layers: [dense(16, "relu"), dense(16, "relu"), dense(3, "softmax")], seed: 1 });',
      'if (!(network.predict([1, 2, 3, 4])[0] > 0)) throw new Error("expected a probability");',
    ].join("\n"));
    const times = { empty: [], predicting: [] };
    for (let i = -1; i < repeats; i++) {
      const pair = [start(empty), start(predicting)];
      if (i < 0) continue; // the first reads the files from disk
      times.empty.push(pair[0]);
      times.predicting.push(pair[1]);
    }
    const added = times.predicting.map((ms, i) => ms - times.empty[i]);
    return { emptyMs: median(times.empty), predictionMs: median(times.predicting), addedMs: median(added), spread: spread(times.predicting), starts: repeats };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
