// activate and activationDerivative: every activation on plain arrays. Values at kinks, limits and in the subnormal range are
// those that the contract states; everywhere else they keep the error bounds against the f64 oracle. `activations` says of
// each what is measured of it.

import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { beforeAll, describe, expect, test } from "vitest";
import { bitsAt, errorInUlp, PLACES, placeOf } from "../scripts/ulp/ulp.mjs";
import { activate, activationDerivative, activations, dense, elu, gelu, leakyRelu, Network, prelu, ready } from "../src/index.js";
import type { ActivationName } from "../src/index.js";
import { elementwise, ELEMENTWISE_NAMES, softmax, type OracleActivation } from "./oracle/activations.js";
import { ACTIVATIONS, titleOf } from "./oracle/cases.js";
import { libraryActivation } from "./oracle/library.js";

beforeAll(() => ready());

const array = (...values: number[]): Float32Array => Float32Array.from(values);
const values = (activation: Parameters<typeof activate>[0], ...z: number[]): number[] => [...activate(activation, array(...z))];
const slopes = (activation: Parameters<typeof activate>[0], ...z: number[]): number[] => [...activationDerivative(activation, array(...z))];

/** All elementwise activations of the oracle, their parameters as f32 has them. */
const CASES = ACTIVATIONS.filter(({ name }) => name !== "softmax").map((activation) => {
  const rounded = Object.fromEntries(Object.entries(activation).map(([key, value]) => [key, typeof value === "number" ? Math.fround(value) : value]));
  if (activation.name === "leakyRelu") rounded.slope ??= Math.fround(0.01);
  return { title: titleOf(activation), activation: rounded as unknown as OracleActivation };
});

/** Every `stride`-th float in numeric order from −∞ to +∞, and all about the places where formulas change. */
function floats(stride: number): Float32Array {
  const bits: number[] = [];
  for (let place = 0; place < PLACES; place += stride) bits.push(bitsAt(place));
  for (const edge of [0, 0.5, 1, 1.278, 3, 6, 8.5, 13, 16.7, 20, 88.7, 104]) {
    for (const sign of [1, -1]) for (let k = -200; k <= 200; k++) bits.push(bitsAt(placeOf(sign * edge) + k));
  }
  return new Float32Array(Uint32Array.from(bits).buffer);
}

describe("accuracy over all floats", () => {
  const sweep = floats(40_009);

  /** ulp, or where a second figure stands an absolute error, whichever is kept. */
  const bounds: Record<(typeof ELEMENTWISE_NAMES)[number], readonly [value: readonly number[], derivative: readonly number[]]> = {
    linear: [[0], [0]], relu: [[0], [0]], relu6: [[0], [0]], hardTanh: [[0], [0]],
    leakyRelu: [[0.5], [0]], prelu: [[0.5], [0]],
    sigmoid: [[1.5], [4, 1e-7]], tanh: [[1.5], [4, 1e-7]], exponential: [[1.5], [1.5]],
    elu: [[3], [3]], selu: [[3], [3]],
    hardSigmoid: [[1, 1e-7], [0.5]],
    gelu: [[3, 1e-7], [4, 1e-7]], silu: [[3, 1e-7], [4, 1e-7]], mish: [[3, 1e-7], [4, 1e-7]], softplus: [[3, 1e-7], [1.5]], softsign: [[3], [4]],
  };

  test.each(CASES)("$title", ({ activation }) => {
    expect(sweep.length).toBeGreaterThan(110_000);
    const { value, derivative } = elementwise(activation);
    const slope = Math.fround(activation.initialSlope ?? 0.25);
    const spec = libraryActivation(activation);
    for (const [exact, computed, [ulp, absolute = 0]] of [
      [value, activate(spec, sweep), bounds[activation.name as keyof typeof bounds][0]],
      [derivative, activationDerivative(spec, sweep), bounds[activation.name as keyof typeof bounds][1]],
    ] as const) {
      let worst = 0;
      let at = NaN;
      for (let i = 0; i < sweep.length; i++) {
        const wanted = exact(sweep[i], slope);
        if (Math.abs(computed[i] - wanted) <= absolute) continue;
        const error = errorInUlp(computed[i], wanted);
        if (!(error <= worst)) [worst, at] = [error, sweep[i]];
      }
      expect(worst, `${exact.name} at ${at}: ${computed[sweep.indexOf(at)]} for ${exact(at, slope)}`).toBeLessThanOrEqual(ulp);
    }
  });
});

describe("at the kinks", () => {
  test.each<[string, Parameters<typeof activate>[0], number[], number[]]>([
    ["relu is 0 at 0", "relu", [-1, -0, 0, 1e-45, 1], [0, 0, 0, 1, 1]],
    ["leakyRelu is its slope at 0", leakyRelu({ slope: 0.5 }), [-1, -0, 0, 1e-45], [0.5, 0.5, 0.5, 1]],
    ["prelu is its initial slope at 0", prelu(), [-1, -0, 0, 1e-45], [0.25, 0.25, 0.25, 1]],
    ["prelu of a negative slope", prelu({ initialSlope: -2 }), [-1, 0, 1], [-2, -2, 1]],
    ["relu6 is 0 at and beyond both bounds", "relu6", [-1, 0, 3, 6, 7], [0, 0, 1, 0, 0]],
    ["hardTanh is 0 at and beyond both bounds", "hardTanh", [-2, -1, 0.5, 1, 2], [0, 0, 1, 0, 0]],
    ["hardSigmoid is 0 at and beyond both bounds", "hardSigmoid", [-4, -3, 0, 3, 4], [0, 0, Math.fround(1 / 6), 0, 0]],
    ["elu is alpha at 0", elu({ alpha: 0.5 }), [0, 1e-45], [0.5, 1]],
    ["softsign is 1 at 0", "softsign", [0], [1]],
  ])("the derivative of %s", (_, activation, z, expected) => {
    expect(slopes(activation, ...z)).toEqual(expected);
  });

  test("the functions are continuous", () => {
    for (const { activation } of CASES) {
      const spec = libraryActivation(activation);
      for (const z of [-3, -1, 0, 1, 3, 6]) {
        const [below, at, above] = activate(spec, new Float32Array(Uint32Array.of(...[-1, 0, 1].map((k) => bitsAt(placeOf(z) + k))).buffer));
        expect(Math.max(Math.abs(at - below), Math.abs(above - at)), `${activation.name} at ${z}`).toBeLessThan(2e-6 * Math.max(1, Math.abs(at)));
      }
    }
  });
});

describe("NaN, limits and subnormals", () => {
  test.each(ELEMENTWISE_NAMES)("%s of NaN is NaN", (name) => {
    expect(values(name, NaN, 1, NaN, 2, NaN)).toEqual([NaN, expect.any(Number), NaN, expect.any(Number), NaN]);
    expect(values(name, 1, 2).some(Number.isNaN)).toBe(false);
  });

  const limits: Record<(typeof ELEMENTWISE_NAMES)[number], readonly [below: number, above: number]> = {
    linear: [-Infinity, Infinity], sigmoid: [0, 1], tanh: [-1, 1], relu: [0, Infinity], leakyRelu: [-Infinity, Infinity], prelu: [-Infinity, Infinity],
    elu: [-1, Infinity], selu: [-1.7580993408473766, Infinity], gelu: [0, Infinity], silu: [0, Infinity], mish: [0, Infinity], softplus: [0, Infinity],
    softsign: [-1, 1], relu6: [0, 6], hardSigmoid: [0, 1], hardTanh: [-1, 1], exponential: [0, Infinity],
  };
  test.each(Object.entries(limits))("%s of −∞ and ∞ is %s", (name, [below, above]) => {
    const [low, high] = values(name as ActivationName, -Infinity, Infinity);
    expect(low + 0).toBe(Math.fround(below) + 0);
    expect(high).toBe(above);
  });

  test("parameters of 0 and below have their limits too", () => {
    for (const activation of [leakyRelu({ slope: 0 }), prelu({ initialSlope: 0 }), elu({ alpha: 0 })]) {
      expect(values(activation, -Infinity, -1, Infinity).map((x) => x + 0)).toEqual([0, 0, Infinity]);
    }
    expect(values(leakyRelu({ slope: -1 }), -Infinity)).toEqual([Infinity]);
    expect(values(elu({ alpha: -2 }), -Infinity)).toEqual([2]);
    expect(values(gelu({ approximate: "tanh" }), -Infinity, Infinity).map((x) => x + 0)).toEqual([0, Infinity]);
  });

  test("derivatives at ±∞ are their limits", () => {
    for (const [name, below, above] of [
      ["linear", 1, 1], ["sigmoid", 0, 0], ["tanh", 0, 0], ["relu", 0, 1], ["elu", 0, 1], ["gelu", 0, 1], ["silu", 0, 1], ["mish", 0, 1], ["softplus", 0, 1],
      ["softsign", 0, 0], ["relu6", 0, 0], ["hardSigmoid", 0, 0], ["hardTanh", 0, 0], ["exponential", 0, Infinity],
    ] as const) expect(slopes(name, -Infinity, Infinity).map((x) => x + 0), name).toEqual([below, above]);
  });

  test("subnormal results are computed", () => {
    // e^−100 = 3.7200759760208361e-44, between the 26th and 27th subnormal of 1.4e-45.
    for (const name of ["sigmoid", "exponential"] as const) {
      const [result] = values(name, -100);
      expect(result).toBeGreaterThan(0);
      expect(Math.abs(result - 3.7200759760208361e-44)).toBeLessThanOrEqual(1.5 * 2 ** -149);
    }
    expect(values("linear", 1e-45, -1e-45)).toEqual([2 ** -149, -(2 ** -149)]);
    expect(values("relu", 1e-45)).toEqual([2 ** -149]);
    expect(values("leakyRelu", -1e-40)[0]).toBeLessThan(0);
    expect(values("softplus", -95)[0]).toBeGreaterThan(0);
    expect(values("tanh", 1e-40)).toEqual([Math.fround(1e-40)]);
    expect(values("softmax", 0, -100)[1]).toBeGreaterThan(0);
  });
});

describe("arrays", () => {
  test.each(ELEMENTWISE_NAMES)("%s gives an element the same bits at every place in arrays of every length", (name) => {
    const z = Float32Array.from({ length: 19 }, (_, i) => Math.sin(3 * i) * 4);
    const [whole, derivative] = [activate(name, z), activationDerivative(name, z)];
    for (let length = 0; length <= 19; length++) {
      for (const begin of [0, 19 - length]) {
        expect(activate(name, z.subarray(begin, begin + length))).toEqual(whole.slice(begin, begin + length));
        expect(activationDerivative(name, z.subarray(begin, begin + length))).toEqual(derivative.slice(begin, begin + length));
      }
    }
  });

  test("of any length are taken, and neither changed nor handed out again", () => {
    const z = new Float32Array(1_000_003).fill(-0.5);
    const first = activate("relu", z);
    const second = activate("leakyRelu", z);
    expect([first.length, first[1_000_002], second[1_000_002], z[1_000_002]]).toEqual([1_000_003, 0, Math.fround(-0.5 * Math.fround(0.01)), -0.5]);
    activate("linear", array(7));
    expect([first[0], second[0]]).toEqual([0, second[1_000_002]]);
    expect(first.byteLength).toBe(first.buffer.byteLength);
  });

  test("that are empty give empty arrays", () => {
    const empty = new Float32Array(0);
    for (const name of Object.keys(activations) as ActivationName[]) expect(activate(name, empty)).toEqual(empty);
    for (const name of ELEMENTWISE_NAMES) expect(activationDerivative(name, empty)).toEqual(empty);
  });

  test("are one layer to softmax", () => {
    for (const length of [1, 2, 3, 4, 5, 8, 13, 1000]) {
      const z = Float32Array.from({ length }, (_, i) => Math.cos(5 * i) * 20);
      const exact = softmax(Float64Array.from(z));
      const computed = activate("softmax", z);
      const top = Math.max(...z);
      // z − max is rounded, and e^x magnifies that by |x|; then come exp, the sum and the quotient.
      computed.forEach((p, i) => expect(Math.abs(p - exact[i])).toBeLessThanOrEqual((top - z[i] + 8) * 2 ** -24 * exact[i] + 2 ** -149));
      expect(Math.abs(computed.reduce((sum, p) => sum + p, 0) - 1)).toBeLessThanOrEqual(4 * 2 ** -23 * length);
    }
    expect(values("softmax", 3e38, 3e38, -3e38)).toEqual([0.5, 0.5, 0]);
    expect(values("softmax", 0, NaN).every(Number.isNaN)).toBe(true);
  });

  test("are what networks compute", async () => {
    const z = [-2.5, -0.3, 0, 0.7, 3.1];
    for (const { activation } of CASES) {
      const spec = libraryActivation(activation);
      const network = await Network.create({ inputs: 1, layers: [dense(1, { activation: spec, weightInit: "ones" })] });
      expect([...network.predict(z)], activation.name).toEqual(values(spec, ...z));
    }
  });
});

describe("refusals", () => {
  test.each([
    ["softmax's derivative", () => activationDerivative("softmax", array(1, 2)), Error, /softmax has no elementwise derivative/],
    ["softmax's derivative of nothing", () => activationDerivative("softmax", array()), Error, /softmax has no elementwise derivative/],
    ["an unknown name", () => activate("rleu" as "relu", array(1)), RangeError, /activate: expected one of .* got 'rleu'\. Did you mean 'relu'\?/],
    ["a function that was not called", () => activate(prelu as unknown as "prelu", array(1)), TypeError, /Call it: prelu\(\)/],
    ["an array of numbers", () => activate("relu", [1] as unknown as Float32Array), TypeError, /activate: z: expected a Float32Array, got an array of 1/],
    ["a Float64Array", () => activationDerivative("relu", Float64Array.of(1) as unknown as Float32Array), TypeError, /activationDerivative: z: expected a Float32Array, got a Float64Array of 1/],
    ["a wrong parameter", () => activate({ name: "elu", alpha: NaN }, array(1)), RangeError, /activate: alpha: expected a finite number, got NaN/],
    ["an unknown parameter", () => activate({ name: "relu", slope: 1 } as unknown as "relu", array(1)), TypeError, /no options, got 'slope'/],
  ])("%s", (_, call, kind, message) => {
    let error: unknown;
    try {
      call();
    } catch (thrown) {
      error = thrown;
    }
    expect((error as Error)?.constructor).toBe(kind);
    expect((error as Error).message).toMatch(message);
    expect(values("relu", -1, 2)).toEqual([0, 2]);
  });

  test("calls before ready() say to await it, and work after it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "rosenblatt-activate-"));
    try {
      const outfile = join(folder, "index.mjs");
      await build({ entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))], outfile, bundle: true, format: "esm", platform: "node", logLevel: "silent" });
      const program = `
        import { activate, activationDerivative, ready } from "./index.mjs";
        for (const call of [activate, activationDerivative]) try { call("relu", new Float32Array(1)); } catch (error) { console.log(error.message); }
        await ready();
        console.log(activate("relu", Float32Array.of(-1, 2)).join());`;
      const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program], { cwd: folder });
      expect(stdout.split("\n")).toEqual([expect.stringMatching(/Await ready\(\) first/), expect.stringMatching(/Await ready\(\) first/), "0,2", ""]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe("activations", () => {
  const records = Object.values(activations);

  test("has a record of every activation by its name", () => {
    expect(Object.keys(activations).sort()).toEqual([...ELEMENTWISE_NAMES, "softmax"].sort());
    for (const [name, record] of Object.entries(activations)) {
      expect(Object.keys(record).sort()).toEqual([
        "bounded", "dangers", "derivative", "derivativeLatex", "formula", "latex", "monotonic", "name", "outputOnly", "range", "risks", "source", "strengths", "zeroCentered",
      ]);
      expect(record.name).toBe(name);
      expect(record.formula.length).toBeGreaterThan(0);
      expect(record.outputOnly).toBe(name === "softmax");
      for (const risk of record.risks) expect(["vanishingGradient", "deadUnits", "unboundedOutput"]).toContain(risk);
    }
  });

  test("is frozen throughout", () => {
    expect(Object.isFrozen(activations)).toBe(true);
    for (const record of records) for (const part of [record, record.range, record.risks]) expect(Object.isFrozen(part)).toBe(true);
  });

  const sweep = floats(100_003).filter((z) => Math.abs(z) < Infinity).sort();
  test.each(ELEMENTWISE_NAMES)("says the range, order and symmetry that %s is measured to have", (name) => {
    const { range: [min, max], bounded, monotonic, zeroCentered, risks } = activations[name];
    const a = activate(name, sweep);
    const derivative = activationDerivative(name, sweep);
    let [low, high] = [Infinity, -Infinity];
    let [falls, odd] = [0, true];
    const mirrored = activate(name, sweep.map((z) => -z));
    for (let i = 0; i < a.length; i++) {
      low = Math.min(low, a[i]);
      high = Math.max(high, a[i]);
      // Beyond rounding: 3 ulp or 1e-7.
      if (i > 0 && a[i] < a[i - 1] - 1e-6 * Math.max(1, Math.abs(a[i]))) falls++;
      if (Math.abs(a[i] + mirrored[i]) > 1e-6 * Math.max(1, Math.abs(a[i]))) odd = false;
    }
    const close = (value: number, bound: number): boolean => (bound - bound === 0 ? Math.abs(value - bound) < 1e-3 : Math.abs(value) > 1e36);
    expect(close(low, min) && close(high, max), `measured [${low}, ${high}], stated [${min}, ${max}]`).toBe(true);
    expect(low).toBeGreaterThanOrEqual(min - 1e-6);
    expect(high).toBeLessThanOrEqual(max);
    expect(bounded).toBe(Number.isFinite(min) && Number.isFinite(max));
    expect(monotonic).toBe(falls === 0);
    expect(zeroCentered).toBe(odd);
    expect(risks.includes("unboundedOutput")).toBe(!bounded);
    // Dead: 0 with zero derivative, on the whole side of the negative numbers.
    const dead = activate(name, array(-5, -50))[0] === 0 && activationDerivative(name, array(-5, -50)).every((d) => d === 0);
    expect(risks.includes("deadUnits")).toBe(dead);
    // Fading towards both ends.
    expect(risks.includes("vanishingGradient")).toBe(Math.abs(derivative[0]) < 1e-3 && Math.abs(derivative[derivative.length - 1]) < 1e-3);
  });
});
