// node scripts/ulp/speed.mjs [name …]: elements per second of each function of assembly/vmath.ts in the plain loop of scripts/ulp/entry.ts,
// on 4096 floats of a normal-like spread (all in the first-level cache); median of 15 repeats.
import { instantiate } from "./compile.mjs";
import { promises } from "./measure.mjs";

const core = instantiate();
const input = core.inputs.byteOffset, output = core.results.byteOffset, count = 4096;
const names = process.argv.slice(2);
for (const name of names.length ? names : Object.keys(promises)) {
  const f = core.exports[name];
  for (let i = 0; i < count; i++) {
    const z = (Math.sin(i * 12.9898) * 43758.5453) % 4;
    core.inputs[i] = name === "log" || name === "log1p" ? Math.abs(z) + 0.01 : z;
  }
  for (let i = 0; i < 2000; i++) f(input, output, count);
  const rates = [];
  for (let k = 0; k < 15; k++) {
    const began = performance.now();
    for (let i = 0; i < 1000; i++) f(input, output, count);
    rates.push((1000 * count) / (performance.now() - began) / 1e6);
  }
  rates.sort((a, b) => a - b);
  const sum = core.results.subarray(0, count).reduce((a, b) => a + b, 0);
  console.log(`${name.padEnd(19)} ${rates[7].toFixed(2)} G elements/s (${rates[0].toFixed(2)} to ${rates[14].toFixed(2)}), sum ${sum}`);
}
