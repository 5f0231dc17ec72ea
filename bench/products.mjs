// The three products of a dense layer by the core's own kernel, checked against plain loops before they are timed.

import { interleave, median, seeded, spread } from "./stats.mjs";

/** rows × inputs × units */
export const shapes = [[64, 784, 128], [128, 784, 512], [256, 1024, 1024], [32, 64, 64], [16, 16, 16]];

/** Floats between rows, as the planner has it: see src/plan/layout.ts. */
const stride = (width) => (width < 64 ? (width + 3) & ~3 : 16 * (Math.ceil(width / 16) | 1));

/** Places of A, B, C and the scratch of the kernel, in bytes. */
const [A, B, C, PANEL] = [8 << 20, 24 << 20, 40 << 20, 1024];

/** For each product its sizes, `run` and the places of what element (i, j) is the sum of. `core`: of bench/probe.mjs. */
function formsOf({ exports }, [rows, inputs, units]) {
  const x = stride(inputs) * 4;
  const z = stride(units) * 4;
  const w = inputs * 4;
  return {
    forward: {
      m: rows, n: units, k: inputs, ldc: z / 4,
      run: () => exports.denseForward(rows, 0, units, inputs, A, x, B, 0, C, C, z, 0, 0, 0, 0, PANEL),
      at: (i, j, p) => [(A + i * x) / 4 + p, (B + j * w) / 4 + p],
    },
    "weight gradient": {
      m: units, n: inputs, k: rows, ldc: inputs,
      run: () => exports.gemm(units, 0, inputs, rows, A, 4, z, B, x, C, w, 0, PANEL),
      at: (i, j, p) => [(A + p * z) / 4 + i, (B + p * x) / 4 + j],
    },
    "input gradient": {
      m: rows, n: inputs, k: units, ldc: x / 4,
      run: () => exports.gemm(rows, 0, inputs, units, A, z, 4, B, w, C, x, 0, PANEL),
      at: (i, j, p) => [(A + i * z) / 4 + p, (B + p * w) / 4 + j],
    },
  };
}

/** 200 elements of each product against a sum in f64; k + 1 roundings of f32 at most. */
function check({ f32 }, shape, name, { m, n, k, run, at, ldc }, next) {
  run();
  for (let trial = 0; trial < 200; trial++) {
    const [i, j] = [Math.floor(next() * m), Math.floor(next() * n)];
    let sum = 0;
    let size = 0;
    for (let p = 0; p < k; p++) {
      const [a, b] = at(i, j, p);
      sum += f32[a] * f32[b];
      size += Math.abs(f32[a] * f32[b]);
    }
    const got = f32[C / 4 + i * ldc + j];
    if (!(Math.abs(got - sum) <= (k + 1) * 2 ** -24 * size)) throw new Error(`${name} ${shape.join("×")}: expected ${sum} at ${i}, ${j}, got ${got}`);
  }
}

/** The products of one shape, ready to run and checked. */
export function createProducts(core, shape) {
  const next = seeded(1);
  for (let i = A / 4; i < C / 4; i++) core.f32[i] = next() - 0.5;
  const forms = formsOf(core, shape);
  for (const [name, form] of Object.entries(forms)) check(core, shape, name, form, next);
  return forms;
}

/** Every product of every shape in turn with the probe, by each of the named cores: rows { name, shape, core, gflops, spread, peak, times }. */
export function measureProducts(cores, probe, { only = shapes, repeats = 10, milliseconds = 20 } = {}) {
  const rows = [];
  for (const shape of only) {
    const contenders = { peak: probe.work };
    const sizes = {};
    for (const [core, instance] of Object.entries(cores)) {
      for (const [name, { m, n, k, run }] of Object.entries(createProducts(instance, shape))) {
        contenders[`${core}/${name}`] = run;
        sizes[`${core}/${name}`] = 2 * m * n * k;
      }
    }
    const times = interleave(contenders, repeats, milliseconds);
    const peak = probe.gflops(median(times.get("peak")));
    for (const [label, operations] of Object.entries(sizes)) {
      const [core, name] = label.split("/");
      const ms = times.get(label);
      rows.push({ name, shape, core, gflops: operations / median(ms) / 1e6, spread: spread(ms), peak });
    }
  }
  return rows;
}
