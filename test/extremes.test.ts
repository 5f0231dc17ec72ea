// Softmax and the cross-entropies on weighted sums of any finite f32, up to ±3.4e38: properties against f64, by the public calls. The weights are the
// identity, so that the inputs are the weighted sums to the bit. The kernels alone are tested in kernels/activations.test.ts and kernels/losses.test.ts.

import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { activate, dense, Network, ready } from "../src/index.js";

const RUNS = Number(process.env.ROSENBLATT_RUNS ?? 300);
const U = 2 ** -24;
const LARGEST = 3.4028234663852886e38;

/** Weighted sums: of ordinary size, anything finite, or the very largest; equal ones too. */
const sum = fc.oneof(
  fc.float({ min: -20, max: 20, noNaN: true }), fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom(0, -0, 1e-45, -1e-45, 3e38, -3e38, LARGEST, -LARGEST, 88.8, -88.8, 104, -104, 1e30, -1e30),
).map(Math.fround);
const sums = fc.integer({ min: 1, max: 70 }).chain((n) => fc.array(sum, { minLength: n, maxLength: n }));

const networks = new Map<string, Network>();
async function identity(units: number, activation: "softmax" | "sigmoid"): Promise<Network> {
  const key = `${activation} ${units}`;
  const made = networks.get(key);
  if (made !== undefined) return made;
  const network = await Network.create({ inputs: units, layers: [dense(units, { activation, weightInit: "zeros" })] });
  for (let i = 0; i < units; i++) network.layers[0].weights[i * units + i] = 1;
  networks.set(key, network);
  return network;
}

/** e^(z − max) and their sum, in f64. */
function exact(z: readonly number[]): { probabilities: number[]; logSum: number; most: number } {
  const most = Math.max(...z);
  const powers = z.map((value) => Math.exp(value - most));
  const first = z.indexOf(most);
  const others = powers.reduce((total, power, i) => (i === first ? total : total + power), 0);
  return { probabilities: powers.map((power) => power / (1 + others)), logSum: Math.log1p(others), most };
}

const property = <T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => Promise<void> | void): Promise<void> =>
  fc.assert(fc.asyncProperty(arbitrary, async (value) => void (await check(value))), { numRuns: RUNS });

beforeAll(() => ready());
afterAll(() => networks.clear());

describe("softmax", () => {
  const check = (z: readonly number[], a: Float32Array): void => {
    const { probabilities } = exact(z);
    let total = 0;
    a.forEach((value, j) => {
      expect(value).toBeGreaterThanOrEqual(0);
      expect(value).toBeLessThanOrEqual(1);
      // the difference z − max is rounded to f32 and then raised: its error, at most |z − max|·U, is one of the exponent; below e^−104 all is 0
      const difference = Math.min(Math.abs(z[j] - Math.max(...z)), 104);
      expect(Math.abs(value - probabilities[j])).toBeLessThanOrEqual(probabilities[j] * U * (8 + 2 * difference) + 1.5e-45);
      total += value;
    });
    expect(Math.abs(total - 1)).toBeLessThanOrEqual(4 * 2 * U * z.length);
  };

  test("of any finite sums is within its bound of f64, and adds up to 1 within 4·ε·n", async () => {
    await property(sums, (z) => check(z, activate("softmax", Float32Array.from(z))));
  });

  test("as a network's output too, of one sample and in a batch", async () => {
    await property(fc.tuple(sums, fc.integer({ min: 1, max: 7 })), async ([z, rows]) => {
      const network = await identity(z.length, "softmax");
      const batch = network.predict(Float32Array.from({ length: rows * z.length }, (_, i) => z[i % z.length]));
      for (let row = 0; row < rows; row++) check(z, batch.subarray(row * z.length, (row + 1) * z.length));
      check(z, network.predict(Float32Array.from(z)));
    });
  });

  test("does not change when all sums grow by as much, where that is exact", async () => {
    await property(fc.tuple(fc.array(fc.integer({ min: -900, max: 900 }), { minLength: 1, maxLength: 40 }), fc.integer({ min: -1000, max: 1000 })), ([whole, shift]) => {
      const z = whole.map((value) => value / 16);
      expect(activate("softmax", Float32Array.from(z, (value) => value + shift))).toEqual(activate("softmax", Float32Array.from(z)));
    });
  });
});

describe("crossEntropy after softmax", () => {
  test("is log Σ e^z − z of the class, for any finite sums", async () => {
    await property(fc.tuple(sums, fc.nat()), async ([z, choice]) => {
      const target = choice % z.length;
      const { loss } = (await identity(z.length, "softmax")).evaluate(Float32Array.from(z), [target], { loss: "crossEntropy" });
      const { logSum, most } = exact(z);
      const expected = logSum + (most - z[target]);
      expect(Number.isFinite(loss)).toBe(true);
      expect(loss).toBeGreaterThanOrEqual(0);
      // each difference z − max is rounded to f32, an error of the exponent; each power too, of which the smallest step is 1.4e-45
      const rounded = z.reduce((total, value) => total + Math.exp(value - most) * Math.min(most - value, 104) * U, 0);
      expect(Math.abs(loss - expected)).toBeLessThanOrEqual(8 * U * (Math.abs(expected) + logSum) + rounded + 1.5e-45 * z.length);
    });
  });

  test("has the gradient softmax(z) − t, finite, which adds up to 0", async () => {
    await property(fc.tuple(sums, fc.nat()), async ([z, choice]) => {
      const target = choice % z.length;
      const small = z.map((value) => Math.fround(value % 50));
      const network = await identity(z.length, "softmax");
      for (const each of [z, small]) {
        const gradient = network.gradients(Float32Array.from(each), [target], { loss: "crossEntropy" }).layers[0].biases!;
        const { probabilities } = exact(each);
        let total = 0;
        gradient.forEach((value, j) => {
          expect(Math.abs(value - (probabilities[j] - (j === target ? 1 : 0)))).toBeLessThanOrEqual(U * 220);
          total += value;
        });
        expect(Math.abs(total)).toBeLessThanOrEqual(4 * 2 * U * z.length);
      }
    });
  });
});

describe("binaryCrossEntropy after a sigmoid", () => {
  test("is max(z, 0) − z·t + log(1 + e^−|z|), for any finite sums and soft targets", async () => {
    const targets = fc.oneof(fc.constantFrom(0, 1), fc.float({ min: 0, max: 1, noNaN: true }));
    await property(fc.array(fc.tuple(sum, targets), { minLength: 1, maxLength: 20 }), async (pairs) => {
      const network = await identity(pairs.length, "sigmoid");
      const { loss } = network.evaluate(Float32Array.from(pairs, ([z]) => z), [pairs.map(([, t]) => t)], { loss: "binaryCrossEntropy" });
      const terms = pairs.map(([z, t]) => [Math.max(z, 0) - z * t, Math.log1p(Math.exp(-Math.abs(z)))]);
      const expected = terms.reduce((total, [a, b]) => total + a + b, 0) / pairs.length;
      const magnitude = pairs.reduce((total, [z, t], i) => total + Math.max(z, 0) + Math.abs(z * t) + terms[i][1], 0) / pairs.length;
      expect(Number.isFinite(loss)).toBe(true);
      expect(loss).toBeGreaterThanOrEqual(0);
      expect(Math.abs(loss - expected)).toBeLessThanOrEqual(4 * U * magnitude + 1.5e-45);
    });
  });

  test("has the gradient (sigmoid(z) − t)/n, finite", async () => {
    await property(fc.array(fc.tuple(sum, fc.constantFrom(0, 1)), { minLength: 1, maxLength: 20 }), async (pairs) => {
      const network = await identity(pairs.length, "sigmoid");
      const gradient = network.gradients(Float32Array.from(pairs, ([z]) => z), [pairs.map(([, t]) => t)], { loss: "binaryCrossEntropy" }).layers[0].biases!;
      pairs.forEach(([z, t], j) => {
        const sigmoid = z < 0 ? Math.exp(z) / (1 + Math.exp(z)) : 1 / (1 + Math.exp(-z));
        expect(Math.abs(gradient[j] - (sigmoid - t) / pairs.length)).toBeLessThanOrEqual(4 * U / pairs.length);
      });
    });
  });
});
