// What the guard measures: products of a dense layer and whole training steps, against the yardstick and the probe, in turn.
//
// The best rate of many short blocks is taken, by the time that the processor spent on them: what disturbs only adds. A ratio is the
// rate of operations over that of the yardstick or of the probe, so that a faster machine leaves it as it is.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as library from "../dist/index.js";
import { createTraining } from "./library.mjs";
import { networks, trainingOperations } from "./networks.mjs";
import { compile, createProbe, instantiate } from "./probe.mjs";
import { createProducts } from "./products.mjs";

const SHAPES = [[64, 784, 128], [32, 64, 64], [128, 512, 512]];
/** Networks whose steps are measured, and steps of an epoch: few, so that a block is short enough to fall between what disturbs. */
const STEPS = { T2: 64, T3: 32, T4: 8, T5: 2 };
const WARM_UP_MS = 100;
/** The processor's time serves if it moves in steps shorter than this. */
const COARSEST_MS = 0.05;
/** The yardstick's product, m × n × k, and its places in bytes. */
const [M, N, K] = [64, 128, 784];
const [A, B, C, PANEL] = [8 << 20, 16 << 20, 24 << 20, 1 << 20];

/** Time of the processor that this process has used, in ms: what others use in between does not count. */
function processorTime() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** The clock of the guard: the processor's time where it is counted finely, else that of the wall. */
function chooseClock() {
  const first = processorTime();
  let next = first;
  const started = performance.now();
  while (next === first && performance.now() - started < 50) next = processorTime();
  return next - first > 0 && next - first < COARSEST_MS ? processorTime : () => performance.now();
}
const clock = chooseClock();

/** A contender's `rate(ms)` from `work` that takes so many operations: operations a ms over a block of about that length. */
function rated(work, operations) {
  let callMs = 1;
  return {
    rate(milliseconds) {
      const calls = Math.max(1, Math.round(milliseconds / callMs));
      const started = clock();
      for (let i = 0; i < calls; i++) work();
      callMs = (clock() - started) / calls;
      return operations / callMs;
    },
  };
}

/** The yardstick ready to run, its result checked. */
async function createYardstick() {
  const { exports, f32 } = await instantiate(await compile("yardstick"));
  for (let i = 0; i < M * K; i++) f32[A / 4 + i] = (i % 7) - 3;
  for (let i = 0; i < N * K; i++) f32[B / 4 + i] = (i % 5) - 2;
  const work = () => exports.product(M, N, K, A, B, C, PANEL);
  work();
  for (let i = 0; i < M; i++) {
    for (let j = 0; j < N; j++) {
      let sum = 0;
      for (let p = 0; p < K; p++) sum += f32[A / 4 + i * K + p] * f32[B / 4 + j * K + p];
      if (f32[C / 4 + i * N + j] !== sum) throw new Error(`yardstick: expected ${sum} at ${i}, ${j}, got ${f32[C / 4 + i * N + j]}`);
    }
  }
  return rated(work, 2 * M * N * K);
}

/** The products of a core's binary: { rate } by name. */
export async function createProductContenders(bytes) {
  const contenders = {};
  for (const shape of SHAPES) {
    // a core each: the products of one shape share their memory
    const core = await instantiate(bytes);
    for (const [name, { m, n, k, run }] of Object.entries(createProducts(core, shape))) {
      contenders[`${name} ${shape.join("×")}`] = rated(run, 2 * m * n * k);
    }
  }
  return contenders;
}

/** Products and training steps of the library as it is built: build/release.wasm and dist/. */
export async function createContenders() {
  const contenders = await createProductContenders(readFileSync(fileURLToPath(new URL("../build/release.wasm", import.meta.url))));
  for (const network of networks.filter(({ key }) => key in STEPS)) {
    const { block } = await createTraining(library, { ...network, batches: STEPS[network.key] }, WARM_UP_MS);
    const operations = trainingOperations(network);
    contenders[`step ${network.key}`] = {
      async rate(milliseconds) {
        const started = clock();
        const { samples } = await block(milliseconds);
        return (samples * operations) / (clock() - started);
      },
    };
  }
  return contenders;
}

/** A measurement that goes on: each `await round()` gives every contender one block more, `ratios()` is what is known by then. */
export async function createMeasurement(contenders, milliseconds) {
  const probe = await createProbe();
  const all = { peak: rated(probe.work, probe.operations), yardstick: await createYardstick(), ...contenders };
  const best = Object.fromEntries(Object.keys(all).map((name) => [name, 0]));
  for (const { rate } of Object.values(all)) for (let i = 0; i < 3; i++) await rate(2 * milliseconds);
  return {
    async round() {
      for (const [name, { rate }] of Object.entries(all)) best[name] = Math.max(best[name], await rate(milliseconds));
    },
    /** { name: { yardstick, peak } } */
    ratios() {
      const { peak, yardstick, ...rest } = best;
      return Object.fromEntries(Object.entries(rest).map(([name, rate]) => [name, { yardstick: rate / yardstick, peak: rate / peak }]));
    },
  };
}
