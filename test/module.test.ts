// toModule: the source is one module that needs nothing, is small beside its weights, and predicts what the network does.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { activations, batchNorm, customActivation, dense, dropout, elu, gelu, layerNorm, leakyRelu, Network, prelu } from "../src/index.js";
import type { ActivationName, ActivationSpec, LayerSpec } from "../src/index.js";

const names = (Object.keys(activations) as ActivationName[]).filter((name) => name !== "softmax");
const special: ActivationSpec[] = [gelu({ approximate: "tanh" }), prelu({ shared: true, initialSlope: -0.3 }), leakyRelu({ slope: -0.2 }), elu({ alpha: -1.5 })];

/** Numbers that look random and are the same everywhere: Park and Miller's generator, in (−1, 1). */
function numbers(count: number, seed: number, scale = 1): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return ((2 * state) / 2147483647 - 1) * scale;
  });
}

type Predict = (input: ArrayLike<number>) => Float32Array;
const importSource = async (source: string): Promise<{ predict: Predict }> => import(`data:text/javascript,${encodeURIComponent(source)}`);
const weightsOf = (source: string): string => /atob\("([^"]*)"\)/.exec(source)![1];

/** Gives every parameter a value that is none of its starting ones. */
function scatter(network: Network, seed: number): void {
  network.layers.forEach((layer, i) => {
    const { biases, slopes, gain, shift, runningMean, runningVariance } = layer as unknown as Record<string, Float32Array | undefined>;
    [biases, slopes, gain, shift, runningMean].forEach((view, k) => view?.set(numbers(view.length, seed + 10 * i + k, 0.5)));
    runningVariance?.set(numbers(runningVariance.length, seed + i).map((value) => 0.5 + Math.abs(value)));
  });
}

function expectNear(actual: Float32Array, wanted: Float32Array, what: string): void {
  expect(actual.length, what).toBe(wanted.length);
  wanted.forEach((value, i) => expect(Math.abs(actual[i] - value) / Math.max(1, Math.abs(value)), `${what} [${i}]`).toBeLessThanOrEqual(1e-6));
}

async function expectEqual(network: Network, samples: Float32Array, what: string): Promise<void> {
  const { predict } = await importSource(network.toModule());
  expectNear(predict(samples), network.predict(samples), `${what}, several`);
  const one = samples.slice(0, network.inputs);
  expectNear(predict(one), network.predict(one), `${what}, one`);
  expectNear(predict([...one]), network.predict(one), `${what}, an array`);
}

describe("toModule", () => {
  test.each([...names, ...special])("predicts as the network with %o", async (activation) => {
    for (const [inputs, units, outputs] of [[1, 1, 1], [3, 5, 2], [16, 300, 4], [601, 9, 3]]) {
      const network = await Network.create({ inputs, layers: [dense(units, { activation, bias: false }), dense(units, activation), dense(outputs)], seed: 3 });
      scatter(network, 5);
      await expectEqual(network, numbers(inputs * 7, 1), `${inputs}-${units}-${outputs}`);
    }
  });

  test("softmax neither overflows nor loses its sum", async () => {
    const network = await Network.create({ inputs: 2, layers: [dense(4, "softmax")] });
    network.layers[0].weights.set([3e37, 1, 1e3, -1e3, 1, 1, 0, 0]);
    const { predict } = await importSource(network.toModule());
    expect([...predict([1, 1])]).toEqual([...network.predict([1, 1])]);
    expect([...predict([0, 0])]).toEqual([0.25, 0.25, 0.25, 0.25]);
  });

  test("normalisation is that of inference, and dropout is nothing", async () => {
    const layers = [dropout(0.4), dense(6, "gelu"), batchNorm({ epsilon: 1e-3 }), dense(5), layerNorm(), dropout(0.5), dense(4, prelu()), batchNorm()];
    const network = await Network.create({ inputs: 3, layers, seed: 2 });
    scatter(network, 9);
    await expectEqual(network, numbers(3 * 20, 4), "norms");
  });

  test("a normalised input of many columns is equal within 1e-6, of which a later normalisation makes more", async () => {
    const layers = [batchNorm(), dense(65, prelu()), layerNorm({ epsilon: 1e-3 }), dense(97, "selu"), batchNorm({ epsilon: 1e-3 }), dense(10, "tanh")];
    const network = await Network.create({ inputs: 514, layers, seed: 3 });
    network.layers.forEach((layer) => {
      const { biases, gain, shift, runningMean, runningVariance } = layer as unknown as Record<string, Float32Array | undefined>;
      biases?.forEach((_, j) => (biases[j] = 0.1 * Math.sin(j)));
      gain?.forEach((_, j) => (gain[j] = 1 + Math.cos(j) / 2));
      shift?.forEach((_, j) => (shift[j] = Math.sin(j + 1)));
      runningMean?.forEach((_, j) => (runningMean[j] = 0.3 * Math.sin(j)));
      runningVariance?.forEach((_, j) => (runningVariance[j] = 0.5 + (j % 3)));
    });
    await expectEqual(network, Float32Array.from({ length: 514 * 7 }, (_, i) => 2 * Math.sin(1.7 * i)), "wide norms");
  });

  test("any network is equal within 1e-6", async () => {
    const layer = fc.oneof(
      { weight: 6, arbitrary: fc.record({ units: fc.integer({ min: 1, max: 70 }), activation: fc.constantFrom(...names.filter((name) => name !== "exponential"), ...special), bias: fc.boolean() }).map(({ units, ...rest }) => dense(units, rest)) },
      { weight: 1, arbitrary: fc.constantFrom<LayerSpec>(batchNorm(), layerNorm(), dropout(0.2)) },
    );
    await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 40 }), fc.array(layer, { maxLength: 5 }), fc.boolean(), fc.nat(1000), async (inputs, hidden, classes, seed) => {
      const network = await Network.create({ inputs, layers: [...hidden, dense(3, classes ? "softmax" : "linear")], seed });
      await expectEqual(network, numbers(inputs * 5, seed), `seed ${seed}`);
      network.dispose();
    }), { numRuns: 60, seed: 6 });
  });

  test("the code is below 2 kB beside the weights, and needs nothing", async () => {
    const all = [...names, ...special].map((activation) => dense(3, activation));
    const usual = await Network.create({ inputs: 784, layers: [dense(64, "gelu"), batchNorm(), dense(32, prelu()), layerNorm(), dropout(0.5), dense(10, "softmax")] });
    const codeLength = (source: string): number => source.length - weightsOf(source).length;
    expect(codeLength(usual.toModule())).toBeLessThan(2048); // three kinds of layer, and the two longest activations
    const small = await Network.create({ inputs: 4, layers: [dense(16, "relu"), dense(16, prelu()), dense(3, "softmax")] });
    const source = small.toModule();
    expect(codeLength(source)).toBeLessThan(1700);
    for (const activation of [...names, ...special]) {
      const normalised = await Network.create({ inputs: 10, layers: [dense(32, activation), batchNorm(), dense(32, activation), dropout(0.1), dense(10, "softmax")] });
      expect(codeLength(normalised.toModule())).toBeLessThan(2048);
    }
    expect(atob(weightsOf(source)).length).toBe(4 * small.parameterCount);
    for (const word of [/\bimport\b/, /\brequire\b/, /WebAssembly/, /\beval\b/, /\bFunction\b/, /process|Buffer|node:/]) expect(source).not.toMatch(word);
    const every = await Network.create({ inputs: 4, layers: all });
    await expectEqual(every, numbers(20, 3), "every activation in one network");
  });

  test("the same network gives the same text, and another one another", async () => {
    const create = (seed: number) => Network.create({ inputs: 2, layers: [dense(3, "mish"), dense(1)], seed });
    const [first, again, other] = await Promise.all([create(1), create(1), create(2)]);
    expect(again.toModule()).toBe(first.toModule());
    expect(other.toModule()).not.toBe(first.toModule());
    const before = first.toModule();
    first.layers[0].weights[0] += 1;
    expect(first.toModule()).not.toBe(before);
  });

  test("wrong input is refused in words", async () => {
    const { predict } = await importSource((await Network.create({ inputs: 4, layers: [dense(1)] })).toModule());
    const refused = (input: unknown, kind: new () => Error, message: string) => {
      expect(() => predict(input as number[])).toThrow(kind);
      expect(() => predict(input as number[])).toThrow(message);
    };
    refused([1, 2, 3, 4, 5], RangeError, "predict: expected a multiple of 4 numbers, got 5");
    refused([], RangeError, "predict: expected a multiple of 4 numbers, got 0");
    refused(undefined, RangeError, "predict: expected a multiple of 4 numbers, got undefined");
    refused(7, RangeError, "predict: expected a multiple of 4 numbers, got undefined");
    refused([1, 2, 3, NaN], TypeError, "predict: expected finite numbers");
    refused([1, 2, 3, 1e39], TypeError, "predict: expected finite numbers");
    refused([[1, 2], [1, 2], [1, 2], [1, 2]], TypeError, "predict: expected finite numbers");
  });

  test("a network that has no such form is refused", async () => {
    const network = await Network.create({ inputs: 1, layers: [dense(2), dense(1)] });
    network.layers[1].weights[1] = NaN;
    expect(() => network.toModule()).toThrow("toModule: layers[1].weights: expected finite numbers, got NaN at index 1");
    const own = customActivation({ name: "square", forward: (z, a) => z.forEach((value, i) => (a[i] = value * value)), derivative: (z, _, d) => z.forEach((value, i) => (d[i] = 2 * value)) });
    const custom = await Network.create({ inputs: 1, layers: [dense(2, own), dense(1)] });
    expect(() => custom.toModule()).toThrow("toModule: layers[0].activation: expected one of the library's own, got the custom activation 'square'");
    network.dispose();
    expect(() => network.toModule()).toThrow("toModule: the network was disposed");
  });
});
