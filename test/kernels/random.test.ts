// Random numbers: Philox against the known answers of Random123, fills against their distribution functions, shuffles as
// permutations without bias, and the initialisers of a network by their moments and bounds.

import { describe, expect, it } from "vitest";
import { InitCode, Stream } from "../../assembly/codes.js";
import {
  constant, dense, glorotNormal, glorotUniform, heNormal, heUniform, lecunNormal, lecunUniform, Network, normal, ones, orthogonal, prelu, ready, uniform, zeros,
} from "../../src/index.js";
import type { Initializer } from "../../src/index.js";
import { permute } from "../../src/random.js";
import { normalDensity, normalDistribution } from "../oracle/activations.js";
import { LARGEST, Stage } from "./stage.js";

const stage = new Stage();

function philox(counter: readonly number[], key: readonly number[]): number[] {
  stage.clear();
  const out = stage.unwritten(4);
  stage.run((kernels) => kernels.philox(counter[0], counter[1], counter[2], counter[3], key[0], key[1], out), [{ at: out, bytes: 16 }]);
  return [...stage.u32.subarray(out / 4, out / 4 + 4)];
}

/** Philox 4×32-10 in integers of any length, after the paper's formula. */
function philoxExact(counter: readonly number[], key: readonly number[]): number[] {
  const mask = 0xffffffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  for (let round = 0; round < 10; round++) {
    const left = 0xd2511f53n * c0;
    const right = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(right >> 32n) ^ c1 ^ k0, right & mask, (left >> 32n) ^ c3 ^ k1, left & mask];
    k0 = (k0 + 0x9e3779b9n) & mask;
    k1 = (k1 + 0xbb67ae85n) & mask;
  }
  return [c0, c1, c2, c3].map(Number);
}

describe("philox", () => {
  // Random123, tests/kat_vectors: philox4x32 10
  const vectors: readonly (readonly [string, number[], number[], number[]])[] = [
    ["zeros", [0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
    ["ones", [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
    ["digits of π", [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]],
  ];

  it.each(vectors)("gives the known answer for %s", (_, counter, key, answer) => {
    expect(philox(counter, key)).toEqual(answer);
    expect(philoxExact(counter, key)).toEqual(answer);
  });
});

describe("fillRandom", () => {
  const seed = [0x89abcdef, 0x1234];
  const [index, stream] = [3, Stream.weights];

  function fill(code: InitCode, length: number, x: number, y: number, words: readonly number[] = seed, which: number = index, purpose: number = stream, skew = 0): Float32Array {
    stage.clear();
    const scratch = stage.reserve(16);
    const at = stage.unwritten(length, skew);
    stage.run((kernels) => kernels.fillRandom(code, at, length, x, y, words[0], words[1], which, purpose, scratch), [
      { at, bytes: 4 * length }, { at: scratch, bytes: code === InitCode.constant || length === 0 ? 0 : 16 },
    ]);
    return stage.f32.slice(at / 4, at / 4 + length);
  }

  const draws = Array.from({ length: LARGEST }, (_, i) => philoxExact([i >> 2, 0, index, stream], seed)[i & 3]);

  it("draws value i from word i of the stream, for all lengths up to 67", () => {
    let ran = 0;
    for (let length = 0; length <= LARGEST; length++) {
      expect(fill(InitCode.constant, length, 0.1, 9, seed, index, stream, 4 * (length % 4))).toEqual(new Float32Array(length).fill(0.1));
      const uniforms = fill(InitCode.uniform, length, -0.3, 0.5, seed, index, stream, 4 * (length % 4));
      expect(uniforms).toEqual(Float32Array.from({ length }, (_, i) => -0.3 + (0.5 - -0.3) * (draws[i] / 2 ** 32)));
      fill(InitCode.normal, length, 0.25, 1.5).forEach((value, i) => {
        // Φ of the value is the draw, as far as the value is rounded
        const z = (value - 0.25) / 1.5;
        const bound = normalDensity(z) * 2 ** -24 * (Math.abs(value) / 1.5) * 1.01 + 1e-13;
        expect(Math.abs(normalDistribution(z) - (draws[i] + 0.5) / 2 ** 32)).toBeLessThanOrEqual(bound);
      });
      ran++;
    }
    expect(ran).toBe(68);
  });

  it("differs by seed, by either half of it, by index and by stream", () => {
    const fills = [
      fill(InitCode.uniform, 8, 0, 1), fill(InitCode.uniform, 8, 0, 1, [seed[0] + 1, seed[1]]), fill(InitCode.uniform, 8, 0, 1, [seed[0], seed[1] + 1]),
      fill(InitCode.uniform, 8, 0, 1, seed, 4), fill(InitCode.uniform, 8, 0, 1, seed, 3, Stream.biases),
    ];
    const values = fills.flatMap((values) => [...values]);
    expect(new Set(values).size).toBe(5 * 8);
  });
});

/** The 0.9999 quantile of χ², by Wilson and Hilferty's approximation. */
function chiSquareLimit(freedom: number, z = 3.719): number {
  return freedom * (1 - 2 / (9 * freedom) + z * Math.sqrt(2 / (9 * freedom))) ** 3;
}

function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

describe("shuffle", () => {
  function shuffled(values: Uint32Array, index: number, seed = 5, stream: number = Stream.shuffle): Uint32Array {
    stage.clear();
    const scratch = stage.reserve(16);
    const at = stage.reserve(4 * values.length, 4);
    stage.u32.set(values, at / 4);
    stage.run((kernels) => kernels.shuffle(at, values.length, seed, 0, index, stream, scratch), [
      { at, bytes: 4 * values.length }, { at: scratch, bytes: values.length > 1 ? 16 : 0 },
    ]);
    return stage.u32.slice(at / 4, at / 4 + values.length);
  }

  const ascending = (length: number): Uint32Array => Uint32Array.from({ length }, (_, i) => i);

  it("permutes every length from 0 to 67, and thousands", () => {
    let ran = 0;
    for (const length of [...ascending(LARGEST + 1), 1000, 4097]) {
      expect(shuffled(ascending(length), length).sort()).toEqual(ascending(length));
      ran++;
    }
    expect(ran).toBe(70);
    const values = Uint32Array.of(7, 7, 4e9, 0, 12);
    expect(shuffled(values, 1).sort()).toEqual(values.sort());
  });

  it("takes the places of the draws, from the last on", () => {
    const length = 41;
    const expected = [...ascending(length)];
    for (let i = length, drawn = 0; i > 1; i--, drawn++) {
      // no draw is rejected here: 2^32 mod i is below 41 in 4e9
      const word = philoxExact([drawn >> 2, 0, 9, Stream.shuffle], [5, 0])[drawn & 3];
      const j = Number((BigInt(word) * BigInt(i)) >> 32n);
      [expected[i - 1], expected[j]] = [expected[j], expected[i - 1]];
    }
    expect([...shuffled(ascending(length), 9)]).toEqual(expected);
  });

  it("differs by index, seed and stream", () => {
    const orders = [shuffled(ascending(40), 1), shuffled(ascending(40), 2), shuffled(ascending(40), 1, 6), shuffled(ascending(40), 1, 5, Stream.split)];
    expect(new Set(orders.map((order) => order.join())).size).toBe(4);
    expect(shuffled(ascending(40), 1)).toEqual(orders[0]);
  });

  it("gives each of the 24 orders of four, and each place of seven, equally often", async () => {
    await ready();
    const orders = new Map<string, number>();
    const trials = 24_000;
    for (let i = 0; i < trials; i++) {
      const key = permute(4, i % 50, "shuffle", Math.floor(i / 50)).join();
      orders.set(key, (orders.get(key) ?? 0) + 1);
    }
    expect(orders.size).toBe(24);
    const ofOrders = chiSquare([...orders.values()]);
    expect(ofOrders).toBeLessThan(chiSquareLimit(23));
    expect(ofOrders).toBeGreaterThan(chiSquareLimit(23, -3.719));
    for (let from = 0; from < 7; from++) {
      const places = new Array<number>(7).fill(0);
      for (let i = 0; i < 7000; i++) places[permute(7, 1, "shuffle", i).indexOf(from)]++;
      expect(chiSquare(places)).toBeLessThan(chiSquareLimit(6));
    }
  });
});

describe("the initialisers of a network", () => {
  const [inputs, units] = [120, 90];

  async function weightsOf(weightInit: Initializer | Initializer["name"], seed = 3): Promise<Float32Array> {
    const network = await Network.create({ inputs, layers: [dense(units, { weightInit: weightInit as Initializer })], seed });
    return network.layers[0].weights.slice();
  }

  const moments = (values: Float32Array): readonly [number, number] => {
    const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
    return [mean, Math.sqrt(values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length)];
  };

  it.each([
    ["uniform", uniform(-0.2, 0.7), -0.2, 0.7],
    ["glorotUniform", glorotUniform(), -Math.sqrt(6 / (inputs + units)), Math.sqrt(6 / (inputs + units))],
    ["heUniform", heUniform(), -Math.sqrt(6 / inputs), Math.sqrt(6 / inputs)],
    ["lecunUniform", lecunUniform(), -Math.sqrt(3 / inputs), Math.sqrt(3 / inputs)],
  ] as const)("%s fills its range evenly", async (_, init, low, high) => {
    const weights = await weightsOf(init);
    const n = weights.length;
    expect(n).toBe(10_800);
    const width = high - low;
    for (const w of weights) expect(w >= Math.fround(low) && w <= Math.fround(high)).toBe(true);
    // the outermost of n draws lies within 12/n of the bound but for e^−12
    expect(Math.min(...weights)).toBeLessThan(low + (12 / n) * width);
    expect(Math.max(...weights)).toBeGreaterThan(high - (12 / n) * width);
    const counts = new Array<number>(20).fill(0);
    for (const w of weights) counts[Math.min(19, Math.floor((20 * (w - low)) / width))]++;
    expect(chiSquare(counts)).toBeLessThan(chiSquareLimit(19));
  });

  it.each([
    ["normal", normal(0.4, 0.3), 0.4, 0.3],
    ["glorotNormal", glorotNormal(), 0, Math.sqrt(2 / (inputs + units))],
    ["heNormal", heNormal(), 0, Math.sqrt(2 / inputs)],
    ["lecunNormal", lecunNormal(), 0, Math.sqrt(1 / inputs)],
  ] as const)("%s has its mean, deviation and form", async (_, init, mean, deviation) => {
    const weights = await weightsOf(init);
    const n = weights.length;
    const [m, d] = moments(weights);
    // four deviations of the mean and of the deviation of n draws
    expect(Math.abs(m - mean)).toBeLessThan((4 * deviation) / Math.sqrt(n));
    expect(Math.abs(d - deviation)).toBeLessThan((4 * deviation) / Math.sqrt(2 * n));
    const counts = new Array<number>(20).fill(0);
    for (const w of weights) counts[Math.min(19, Math.floor(20 * normalDistribution((w - mean) / deviation)))]++;
    expect(chiSquare(counts)).toBeLessThan(chiSquareLimit(19));
    // not truncated: of 10,800 draws some lie beyond three deviations, none beyond seven
    const far = weights.filter((w) => Math.abs(w - mean) > 3 * deviation).length;
    expect(far).toBeGreaterThan(9);
    expect(far).toBeLessThan(60);
    for (const w of weights) expect(Math.abs(w - mean)).toBeLessThan(7 * deviation);
  });

  it.each([["zeros", zeros(), 0], ["ones", ones(), 1], ["constant", constant(-0.3), Math.fround(-0.3)]] as const)("%s is one number", async (_, init, value) => {
    expect((await weightsOf(init)).every((w) => w === value)).toBe(true);
  });

  it.each([[40, 12], [12, 40], [25, 25], [1, 30], [30, 1], [1, 1]])("orthogonal: %i inputs, %i units have orthonormal rows or columns", async (n, m) => {
    const network = await Network.create({ inputs: n, layers: [dense(m, { weightInit: orthogonal() })], seed: 11 });
    const w = network.layers[0].weights;
    const wide = n >= m;
    const [count, length] = wide ? [m, n] : [n, m];
    const at = (i: number, k: number): number => (wide ? w[i * n + k] : w[k * n + i]);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j <= i; j++) {
        let dot = 0;
        for (let k = 0; k < length; k++) dot += at(i, k) * at(j, k);
        expect(Math.abs(dot - (i === j ? 1 : 0))).toBeLessThan(1e-6);
      }
    }
  });

  it("orthogonal has no preferred sign or direction", async () => {
    let positive = 0;
    for (let seed = 0; seed < 200; seed++) {
      const network = await Network.create({ inputs: 3, layers: [dense(3, { weightInit: orthogonal() })], seed });
      positive += network.layers[0].weights.filter((w) => w > 0).length;
    }
    // 1,800 signs: four deviations of a fair coin are 85
    expect(Math.abs(positive - 900)).toBeLessThan(85);
  });

  const create = (seed: number): Promise<Network> => Network.create({
    inputs: 8,
    layers: [
      dense(8, { activation: "tanh", weightInit: glorotUniform(), biasInit: uniform(-1, 1) }),
      dense(8, { activation: prelu({ initialSlope: 0.125 }), weightInit: glorotUniform(), biasInit: uniform(-1, 1) }),
    ],
    seed,
  });

  it("gives the same bytes for one seed and others for another, up to the largest", async () => {
    const seeds = [0, 1, 2, 2 ** 32, 2 ** 32 + 1, 2 ** 53 - 1];
    const seen = new Set<string>();
    for (const seed of seeds) {
      const [first, second] = [await create(seed), await create(seed)];
      first.layers.forEach((layer, l) => {
        expect(layer.weights).toEqual(second.layers[l].weights);
        expect(layer.biases).toEqual(second.layers[l].biases);
      });
      seen.add(first.layers[0].weights.join());
    }
    expect(seen.size).toBe(seeds.length);
  });

  it("draws each layer, and weights and biases, from numbers of their own", async () => {
    const { layers } = await create(4);
    const unit = (values: Float32Array, bound: number): string[] => [...values.subarray(0, 8)].map((x) => (x / bound).toFixed(5));
    const bound = Math.sqrt(6 / 16);
    const groups = [unit(layers[0].weights, bound), unit(layers[1].weights, bound), unit(layers[0].biases, 1), unit(layers[1].biases, 1)];
    expect(new Set(groups.flat()).size).toBe(32);
    expect(layers[1].slopes).toEqual(new Float32Array(8).fill(0.125));
  });
});
