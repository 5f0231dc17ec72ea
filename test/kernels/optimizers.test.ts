// The update rules over a run of parameters, and what is done to a gradient before them. A step of each rule is held against
// f64 within a bound made of its terms (roundings × magnitude × u); then an element has to have the bits that it has there in
// every run, lane and build. Moments that die are 0 in the end, never subnormal.

import { describe, expect, it } from "vitest";
import { OptimizerCode, Step, STEP_WORDS } from "../../assembly/codes.js";
import { adagrad, adam, adamw, lion, nadam, rmsprop, sgd } from "../../src/index.js";
import type { Optimizer } from "../../src/index.js";
import { freshProgress } from "../../src/progress.js";
import { writeRates } from "../../src/train/rates.js";
import { createOptimizer, optimizerStep, type OracleOptimizer } from "../oracle/optimizers.js";
import { bitsOf, instantiateBuild, LARGEST, randomFloats, Stage } from "./stage.js";

const U = 2 ** -24;
const LENGTH = LARGEST + 13;
const SMALLEST_NORMAL = 2 ** -126;

interface Rule {
  readonly title: string;
  readonly optimizer: Optimizer;
  readonly oracle: OracleOptimizer;
  /** c0 … c4 */
  readonly constants: readonly number[];
  /** What the slots are in the oracle. */
  readonly slots: readonly ("first" | "second")[];
}

const rules: readonly Rule[] = [
  { title: "sgd", optimizer: sgd({ learningRate: 0.1 }), oracle: { name: "sgd", learningRate: 0.1 }, constants: [0, 0], slots: [] },
  {
    title: "sgd with momentum", optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }), oracle: { name: "sgd", learningRate: 0.1, momentum: 0.9 },
    constants: [0.9, 0], slots: ["first"],
  },
  {
    title: "sgd by Nesterov", optimizer: sgd({ learningRate: 0.1, momentum: 0.7, nesterov: true }),
    oracle: { name: "sgd", learningRate: 0.1, momentum: 0.7, nesterov: true }, constants: [0.7, 1], slots: ["first"],
  },
  {
    title: "rmsprop", optimizer: rmsprop({ decay: 0.95, epsilon: 0.01 }), oracle: { name: "rmsprop", decay: 0.95, epsilon: 0.01 },
    constants: [0.95, 1 - 0.95, 0.01, 0], slots: ["second"],
  },
  {
    title: "rmsprop with momentum", optimizer: rmsprop({ decay: 0.95, epsilon: 0.01, momentum: 0.8 }),
    oracle: { name: "rmsprop", decay: 0.95, epsilon: 0.01, momentum: 0.8 }, constants: [0.95, 1 - 0.95, 0.01, 0.8], slots: ["second", "first"],
  },
  { title: "adagrad", optimizer: adagrad({ epsilon: 0.01 }), oracle: { name: "adagrad", epsilon: 0.01 }, constants: [0, 0, 0.01], slots: ["second"] },
  {
    title: "adam", optimizer: adam({ beta1: 0.8, beta2: 0.98, epsilon: 0.01 }), oracle: { name: "adam", beta1: 0.8, beta2: 0.98, epsilon: 0.01 },
    constants: [0.8, 1 - 0.8, 0.98, 1 - 0.98, 0.01], slots: ["first", "second"],
  },
  {
    title: "adamw", optimizer: adamw({ epsilon: 0.01, weightDecay: 0.2, learningRate: 0.05 }), oracle: { name: "adamw", epsilon: 0.01, weightDecay: 0.2, learningRate: 0.05 },
    constants: [0.9, 1 - 0.9, 0.999, 1 - 0.999, 0.01], slots: ["first", "second"],
  },
  {
    title: "nadam", optimizer: nadam({ epsilon: 0.01 }), oracle: { name: "nadam", epsilon: 0.01 },
    constants: [0.9, 1 - 0.9, 0.999, 1 - 0.999, 0.01], slots: ["first", "second"],
  },
  {
    title: "lion", optimizer: lion({ learningRate: 0.01, weightDecay: 0.3 }), oracle: { name: "lion", learningRate: 0.01, weightDecay: 0.3 },
    constants: [0.9, 1 - 0.9, 0.99, 1 - 0.99], slots: ["first"],
  },
];

const hostMath = { exp: Math.exp, log: Math.log, cos: Math.cos, pow: Math.pow };

/** r0 … r2 of step t (from 1), as the plan computes them. */
function ratesOf(optimizer: Optimizer, t: number): readonly number[] {
  const progress = freshProgress();
  const record = new Float64Array(STEP_WORDS);
  for (let step = 0; step < t; step++) writeRates(record, 0, optimizer, progress, hostMath);
  return [Step.rate0, Step.rate1, Step.rate2].map((field) => record[field]);
}

interface Tensors {
  readonly p: Float32Array;
  readonly g: Float32Array;
  readonly slots: readonly Float32Array[];
}

function tensorsOf({ slots }: Rule): Tensors {
  const g = randomFloats(52, LENGTH, -2, 2);
  g[5] = g[18] = 0;
  return {
    p: randomFloats(51, LENGTH, -3, 3),
    g,
    slots: slots.map((slot, i) => {
      const values = randomFloats(53 + i, LENGTH, slot === "second" ? 0 : -1, 1);
      values[5] = 0; // without gradient and moment
      return values;
    }),
  };
}

function argumentsOf(rule: Rule, t: number): readonly number[] {
  return [...rule.constants, 0, 0, 0, 0, 0].slice(0, 5).concat(ratesOf(rule.optimizer, t));
}

/** Places the tensors, updates [begin, end) and returns where they lie. */
function run(stage: Stage, rule: Rule, { p, g, slots }: Tensors, begin: number, end: number, t: number): { readonly p: number; readonly slots: readonly number[] } {
  stage.clear();
  const skew = 4 * ((begin + end) % 4);
  const pAt = stage.place(p, skew);
  const gAt = stage.place(g, skew);
  const slotsAt = slots.map((slot) => stage.place(slot, skew));
  const numbers = argumentsOf(rule, t);
  const outputs = [pAt, ...slotsAt].map((at) => ({ at: at + 4 * begin, bytes: 4 * (end - begin) }));
  const code = OptimizerCode[rule.optimizer.name];
  stage.run((kernels) => kernels.updateParameters(code, pAt, gAt, slotsAt[0] ?? 0, slotsAt[1] ?? 0, begin, end, ...numbers), outputs);
  return { p: pAt, slots: slotsAt };
}

it("every rule of the core is tried", () => {
  const names = Object.values(OptimizerCode).filter((name) => typeof name === "string");
  expect([...new Set(rules.map(({ optimizer }) => optimizer.name))].sort()).toEqual(names.sort());
});

describe.each(rules)("updateParameters: $title", (rule) => {
  const stage = new Stage();
  const tensors = tensorsOf(rule);
  const { optimizer, oracle, slots: kinds, constants } = rule;

  it.each([1, 2, 7, 1000])("is PyTorch's rule at step %i", (t) => {
    const placed = run(stage, rule, tensors, 0, LENGTH, t);
    const parameters = Float64Array.from(tensors.p);
    const gradients = Float64Array.from(tensors.g);
    const state = createOptimizer(oracle);
    // counters of the oracle as they are before step t
    for (let step = 1; step < t; step++) optimizerStep(state, []);
    const slots = { first: new Float64Array(LENGTH), second: new Float64Array(LENGTH) };
    kinds.forEach((kind, i) => slots[kind].set(tensors.slots[i]));
    state.slots.set(parameters, slots);
    optimizerStep(state, [{ parameters, gradients }]);

    const [r0, r1, r2] = ratesOf(optimizer, t);
    let moved = 0;
    for (let i = 0; i < LENGTH; i++) {
      const g = tensors.g[i];
      const [s1 = 0, s2 = 0] = tensors.slots.map((slot) => slot[i]);
      // each new slot: two constants, three products, a sum; relative to its terms
      kinds.forEach((kind, k) => {
        const square = kind === "second" ? g * g : 0;
        const root = Math.sqrt(slots.second[i]) + (constants[2] ?? 0);
        const terms = Math.abs(tensors.slots[k][i]) + square + (kind === "first" ? (optimizer.name === "rmsprop" ? Math.abs(g / root) : Math.abs(g)) : 0);
        const got = stage.f32[placed.slots[k] / 4 + i];
        if (!(Math.abs(got - slots[kind][i]) <= 12 * U * terms)) throw new Error(`slot ${k}, element ${i}: ${got}, exact ${slots[kind][i]}`);
      });
      // the step: the terms of its numerator over its denominator, at most 16 roundings each, and three on the parameter
      let step: number;
      switch (optimizer.name) {
        case "sgd": step = r0 * (2 * Math.abs(g) + Math.abs(s1)); break;
        case "rmsprop": step = r0 * (Math.abs(g) / (Math.sqrt(slots.second[i]) + constants[2]) + Math.abs(s2)); break;
        case "adagrad": step = r0 * Math.abs(g) / (Math.sqrt(slots.second[i]) + constants[2]); break;
        case "lion": step = r0; break;
        default: step = (r0 * (Math.abs(s1) + Math.abs(g)) + r2 * Math.abs(g)) / (Math.sqrt(slots.second[i]) * r1 + constants[4]);
      }
      const got = stage.f32[placed.p / 4 + i];
      const bound = 16 * U * step + 3 * U * Math.abs(tensors.p[i]);
      if (!(Math.abs(got - parameters[i]) <= bound)) throw new Error(`parameter ${i}: ${got}, exact ${parameters[i]}, bound ${bound}`);
      expect(bound).toBeLessThan(1e-4 * Math.abs(tensors.p[i]) + 1e-4 * step);
      if (got !== tensors.p[i]) moved++;
    }
    const decays = optimizer.name === "adamw" || optimizer.name === "lion";
    expect(stage.f32[placed.p / 4 + 5] === tensors.p[5]).toBe(!decays);
    expect(moved).toBeGreaterThan(LENGTH - 4);
  });

  it("gives an element the same bits in every run [begin, end) of 0 to 67", () => {
    const whole = run(stage, rule, tensors, 0, LENGTH, 3);
    const expected = [whole.p, ...whole.slots].map((at) => bitsOf(stage.f32.slice(at / 4, at / 4 + LENGTH)));
    let ran = 0;
    for (let begin = 0; begin <= LARGEST; begin++) {
      for (let end = begin; end <= LARGEST; end++) {
        const placed = run(stage, rule, tensors, begin, end, 3);
        [placed.p, ...placed.slots].forEach((at, k) => stage.expectBits(at + 4 * begin, expected[k], begin, end - begin, `${k === 0 ? "parameters" : `slot ${k}`} ${begin} to ${end}`));
        ran++;
      }
    }
    expect(ran).toBe((68 * 69) / 2);
  });

  it("lets a NaN of the gradient through", () => {
    for (const at of [2, LENGTH - 1]) {
      const g = tensors.g.slice();
      g[at] = NaN;
      const placed = run(stage, rule, { ...tensors, g }, 0, LENGTH, 3);
      // lion moves by a sign, which NaN has not; its momentum keeps it
      const shown = optimizer.name === "lion" ? placed.slots[0] : placed.p;
      for (let i = 0; i < LENGTH; i++) expect(Number.isNaN(stage.f32[shown / 4 + i])).toBe(i === at);
    }
  });
});

describe("moments of dead units", () => {
  const decaying = rules.filter(({ title, slots }) => slots.length > 0 && title !== "adagrad");
  /** 0.95^2000 is 3e-45; lion's 0.99 needs 8,700 steps to come below 2⁻¹²⁶. */
  const deadSteps = ({ optimizer }: Rule): number => (optimizer.name === "lion" ? 9000 : 2000);

  /** Steps with a gradient, then without; the slots after each. */
  function afterDeath(rule: Rule, gradient: Float32Array, watch: (slots: Float32Array[]) => void): Float32Array[] {
    const { kernels, memory } = instantiateBuild("release", 65536);
    const length = gradient.length;
    const views = [0, 1, 2, 3].map((k) => new Float32Array(memory.buffer, 1024 + 4096 * k, length));
    const [p, g, s1, s2] = views;
    p.fill(0.5);
    const slots = [s1, s2].slice(0, rule.slots.length);
    const code = OptimizerCode[rule.optimizer.name];
    const [pAt, gAt, s1At, s2At] = views.map((view, k) => (k < 2 + rule.slots.length ? view.byteOffset : 0));
    for (let t = 1; t <= 10 + deadSteps(rule); t++) {
      if (t <= 10) g.set(gradient);
      else g.fill(0);
      kernels.updateParameters(code, pAt, gAt, s1At, s2At, 0, length, ...argumentsOf(rule, Math.min(t, 40)));
      watch(slots);
    }
    expect(p.every((value) => Number.isFinite(value))).toBe(true);
    return slots;
  }

  const isSubnormal = (value: number): boolean => value !== 0 && Math.abs(value) < SMALLEST_NORMAL;

  it.each(decaying)("$title: no slot is ever subnormal", (rule) => {
    let looked = 0;
    const gradient = Float32Array.from({ length: 39 }, (_, i) => (i % 2 === 0 ? 1 : -1) * 10 ** (1 - i));
    afterDeath(rule, gradient, (slots) => {
      for (const slot of slots) for (const value of slot) if (isSubnormal(value)) throw new Error(`${value}`);
      looked++;
    });
    expect(looked).toBe(10 + deadSteps(rule));
  });

  it.each(decaying)("$title: first moments without a gradient end at exactly 0, of adam and its kin within 2,000 steps", (rule) => {
    const slots = afterDeath(rule, randomFloats(7, 21, -1, 1), () => {});
    rule.slots.forEach((kind, k) => {
      if (kind === "first") for (const value of slots[k]) expect(Math.abs(value)).toBe(0);
      // 0.999^2000 is 0.14: a second moment decays, but may live on
      else for (const value of slots[k]) expect(value).toBeGreaterThanOrEqual(0);
    });
  });

  it("adam: both moments of tiny gradients are exactly 0 after 2,000 steps", () => {
    const rule = rules.find(({ title }) => title === "adam")!; // beta2 0.98: 0.98^2000 is 3e-18
    const [m, v] = afterDeath(rule, new Float32Array(21).fill(1e-12), () => {});
    expect([...m, ...v]).toEqual(new Array(42).fill(0));
  });

  it("costs an update over dead moments, or gradients whose squares or moments would be subnormal, no more than one over live ones", () => {
    const { kernels, memory } = instantiateBuild("release", 4 * 2 ** 20);
    const rule = rules.find(({ title }) => title === "adam")!;
    const length = 2 ** 14;
    const kinds = { live: 0.01, dead: 0, faint: 1e-19, tiny: 1e-35 };
    const sets = Object.values(kinds).map((later, k) => {
      const at = 1024 + 4 * 4 * length * k;
      const [p, g, m, v] = [0, 1, 2, 3].map((i) => new Float32Array(memory.buffer, at + 4 * length * i, length));
      p.fill(0.5);
      g.fill(0.01);
      const step = (t: number): void => {
        kernels.updateParameters(OptimizerCode.adam, p.byteOffset, g.byteOffset, m.byteOffset, v.byteOffset, 0, length, ...argumentsOf(rule, Math.min(t, 40)));
      };
      for (let t = 1; t <= 10; t++) step(t);
      g.fill(later);
      for (let t = 11; t <= 3000; t++) step(t);
      return { step, m, milliseconds: [] as number[] };
    });
    const [live, dead, faint, tiny] = sets;
    expect(dead.m.every((value) => value === 0)).toBe(true);
    expect(live.m.every((value) => value > 0.001)).toBe(true);
    expect(faint.m.every((value) => value > 1e-20 && value < 1e-18)).toBe(true);
    expect(tiny.m.every((value) => value === 0)).toBe(true);
    const numbers = argumentsOf(rule, 40);
    expect(numbers.length).toBe(8);
    for (let repeat = 0; repeat < 41; repeat++) {
      for (const set of sets) {
        const started = performance.now();
        for (let i = 0; i < 20; i++) set.step(40);
        set.milliseconds.push(performance.now() - started);
      }
    }
    const median = ({ milliseconds }: { milliseconds: number[] }): number => [...milliseconds].sort((a, b) => a - b)[milliseconds.length >> 1];
    for (const [k, kind] of ["dead", "faint", "tiny"].entries()) {
      const ratio = median(sets[k + 1]) / median(live);
      console.info(`adam over ${kind} moments: ${ratio.toFixed(2)} of the time over live ones (${((20 * length) / median(live) / 1e6).toFixed(2)} G parameters/s live)`);
      expect(ratio, kind).toBeLessThanOrEqual(1.5);
    }
  });
});

describe("what is done to a gradient", () => {
  const stage = new Stage();
  const g = randomFloats(61, LENGTH, -4, 4);
  g[9] = -0;
  g[20] = 0;

  /** All runs [begin, end) of 0 to 67. */
  function forRuns(check: (begin: number, end: number, skew: number) => void): number {
    let ran = 0;
    for (let begin = 0; begin <= LARGEST; begin++) {
      for (let end = begin; end <= LARGEST; end++) {
        stage.clear();
        check(begin, end, 4 * (ran % 4));
        ran++;
      }
    }
    return ran;
  }

  const RUNS = (68 * 69) / 2;

  it("sumSquares is Σ g² in f64", () => {
    expect(forRuns((begin, end, skew) => {
      const at = stage.place(g, skew);
      const sum = stage.run((kernels) => kernels.sumSquares(at, begin, end), []) as number;
      const exact = g.subarray(begin, end).reduce((total, x) => total + x * x, 0);
      // squares of f32 are exact; each sum of n of them in another order
      if (!(Math.abs(sum - exact) <= 2 * (end - begin) * 2 ** -53 * exact)) throw new Error(`[${begin}, ${end}): ${sum}, exact ${exact}`);
    })).toBe(RUNS);
  });

  it("scaleRun is g·scale", () => {
    const scale = Math.fround(0.37);
    const expected = bitsOf(g.map((x) => x * scale));
    expect(forRuns((begin, end, skew) => {
      const at = stage.place(g, skew);
      stage.run((kernels) => kernels.scaleRun(at, begin, end, scale), [{ at: at + 4 * begin, bytes: 4 * (end - begin) }]);
      stage.expectBits(at + 4 * begin, expected, begin, end - begin, `[${begin}, ${end})`);
    })).toBe(RUNS);
  });

  it("clampRun bounds each element on both sides, and NaN stays", () => {
    const bound = Math.fround(1.25);
    const expected = bitsOf(g.map((x) => Math.min(Math.max(x, -bound), bound)));
    expect(forRuns((begin, end, skew) => {
      const at = stage.place(g, skew);
      stage.run((kernels) => kernels.clampRun(at, begin, end, bound), [{ at: at + 4 * begin, bytes: 4 * (end - begin) }]);
      stage.expectBits(at + 4 * begin, expected, begin, end - begin, `[${begin}, ${end})`);
    })).toBe(RUNS);
    expect([...new Float32Array(expected.buffer)].filter((x) => Math.abs(x) === bound).length).toBeGreaterThan(40);
    stage.clear();
    const at = stage.place([NaN, 1, Infinity, -Infinity, NaN, NaN]);
    stage.run((kernels) => kernels.clampRun(at, 0, 6, bound), [{ at, bytes: 24 }]);
    expect([...stage.f32.subarray(at / 4, at / 4 + 6)]).toEqual([NaN, 1, bound, -bound, NaN, NaN]);
  });

  it.each([[0.25, 0], [0, 0.5], [Math.fround(0.1), Math.fround(0.3)]])("penaltyRun adds l1 %f · sign w + 2 · l2 %f · w, and is the penalty's value", (l1, l2) => {
    const w = randomFloats(62, LENGTH, -2, 2);
    w[4] = 0;
    w[11] = -0;
    let withoutGradient = 0;
    expect(forRuns((begin, end, skew) => {
      const wAt = stage.place(w, skew);
      const withGradient = (begin + end) % 5 !== 0;
      const dAt = withGradient ? stage.place(g, skew) : 0;
      if (!withGradient) withoutGradient++;
      const value = stage.run((kernels) => kernels.penaltyRun(wAt, dAt, begin, end, l1, l2), [{ at: dAt + 4 * begin, bytes: withGradient ? 4 * (end - begin) : 0 }]) as number;
      const exact = w.subarray(begin, end).reduce((sum, x) => sum + l1 * Math.abs(x) + l2 * x * x, 0);
      if (!(Math.abs(value - exact) <= (end - begin + 4) * 2 ** -52 * exact)) throw new Error(`[${begin}, ${end}): ${value}, exact ${exact}`);
      for (let i = begin; withGradient && i < end; i++) {
        const terms = l1 * Math.abs(Math.sign(w[i])) + Math.abs(2 * l2 * w[i]);
        const got = stage.f32[dAt / 4 + i];
        const sum = g[i] + l1 * Math.sign(w[i]) + 2 * l2 * w[i];
        // the product, the sum of the two terms, and the sum with the gradient
        if (!(Math.abs(got - sum) <= 2 * U * terms + U * Math.abs(sum) + U * terms)) throw new Error(`[${begin}, ${end}), element ${i}: ${got}, exact ${sum}`);
      }
    })).toBe(RUNS);
    expect(withoutGradient).toBeGreaterThan(400);
  });
});
