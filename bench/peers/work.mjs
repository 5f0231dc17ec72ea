// What every contender does the same way: blocks of whole units of work, checks of answers, and the files that the parent wrote.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { timeCalls } from "../latency.mjs";
import { shapesOf } from "../networks.mjs";

const WARM_UP_MS = 400;
/** Largest difference from our outputs, of 1 or of the value if that is larger. */
const TOLERANCE = 1e-5;

function floats(folder, name) {
  const bytes = readFileSync(join(folder, name));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
}

/** The weights that every library starts its predictions from: for each layer { weights: units × inputs, biases }. */
export function weightsOf(network, folder) {
  const all = floats(folder, "weights.f32");
  let at = 0;
  return shapesOf(network).map(([inputs, units]) => {
    const weights = all.subarray(at, at + units * inputs);
    const biases = all.subarray(at + units * inputs, at + units * inputs + units);
    at += units * (inputs + 1);
    return { inputs, units, weights, biases };
  });
}

/** Throws unless the outputs are those that we compute for the same samples: all 1,024, or the first. */
export function checkOutputs(outputs, folder) {
  const expected = floats(folder, "expected.f32");
  for (let i = 0; i < outputs.length; i++) {
    const difference = Math.abs(outputs[i] - expected[i]);
    if (!(difference <= TOLERANCE * Math.max(1, Math.abs(expected[i])))) throw new Error(`output ${i}: expected ${expected[i]}, got ${outputs[i]}`);
  }
}

/** Units of work for about `ms`, one at least: samples a second. `unit` may return a promise. */
export async function rateOf(unit, samples, ms) {
  const started = performance.now();
  let units = 0;
  let elapsed;
  do {
    const result = unit();
    if (result instanceof Promise) await result;
    units++;
    elapsed = performance.now() - started;
  } while (elapsed < ms);
  return { samplesPerSecond: (units * samples * 1000) / elapsed };
}

/** Training: `unit` trains on `samples` samples, `loss` gives a measure that has to fall. */
export function training({ unit, samples, loss, units = 1 }) {
  return {
    async prepare() {
      const before = await loss();
      for (let i = 0; i < units; i++) await unit();
      await rateOf(unit, samples, WARM_UP_MS);
      const after = await loss();
      if (!(after < before)) throw new Error(`expected the loss to fall from ${before}, got ${after}`);
      return undefined;
    },
    time: (ms) => rateOf(unit, samples, ms),
  };
}

/** One prediction: `call` returns the outputs; compared with ours where `folder` is given, else finite. */
export function single({ call, folder, asynchronous = false }) {
  return {
    async prepare() {
      const outputs = [...(await call())];
      if (folder !== undefined) checkOutputs(outputs, folder);
      else if (!outputs.every(Number.isFinite)) throw new Error(`expected finite outputs, got ${outputs}`);
      await timeCalls(call, WARM_UP_MS, asynchronous);
    },
    time: (ms) => timeCalls(call, ms, asynchronous),
  };
}

/** Batches of 1,024: `call` returns all outputs, or, of a library that goes sample by sample, `unit` predicts `samples` of them. */
export function batch({ call, samples = 1024, folder }) {
  return {
    async prepare() {
      const outputs = await call();
      if (folder !== undefined) checkOutputs(outputs, folder);
      await rateOf(call, samples, WARM_UP_MS);
    },
    time: (ms) => rateOf(call, samples, ms),
  };
}
