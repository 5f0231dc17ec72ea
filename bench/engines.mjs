// Other engines: any Node binary, as it is and with V8's flag that fuses pairs of 128-bit operations to 256 bits, in turn;
// and what the relaxed build gains in the same process, where the engine has relaxed SIMD.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { spread } from "./stats.mjs";

export const REVECTORIZE = "--experimental-wasm-revectorize";
const script = fileURLToPath(new URL("engine.mjs", import.meta.url));

const run = (binary, ...parameters) => execFileSync(binary, parameters, { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

/** The best of one figure over runs: processes one after another share no quiet moment, so that their medians would compare what disturbed them. */
const over = (runs, figure) => Math.max(...runs.map(figure));

/** The figures of several runs of one Node with the same flags. */
function summarise(runs) {
  const products = runs[0].products.map(({ name, shape, core }, i) => ({ name, shape, core, gflops: over(runs, (one) => one.products[i].gflops) }));
  const training = Object.fromEntries(Object.keys(runs[0].training).map((key) => [key, over(runs, (one) => one.training[key])]));
  return { peak: over(runs, (one) => one.peak), peakSpread: spread(runs.map((one) => one.peak)), products, training };
}

/** Figures of one binary: { node, v8, relaxed, plain, fused? }; `fused` where V8 knows the flag. */
export function measureEngine(binary, { rounds, milliseconds }) {
  const knows = run(binary, "--v8-options").includes(REVECTORIZE.slice(2));
  const runs = { plain: [], fused: [] };
  for (let round = 0; round < rounds; round++) {
    runs.plain.push(JSON.parse(run(binary, script, String(milliseconds))));
    if (knows) runs.fused.push(JSON.parse(run(binary, REVECTORIZE, script, String(milliseconds))));
  }
  const { node, v8, relaxed } = runs.plain[0];
  return { node, v8, relaxed, plain: summarise(runs.plain), ...(knows ? { fused: summarise(runs.fused) } : {}) };
}
