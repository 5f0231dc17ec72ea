// rosenblatt/predict: what it predicts has the bytes of the whole library's predictions, for every activation, for lone samples and
// batches, small and wide layers; and a file that it cannot use is one clear error.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { activationNames } from "../src/describe/activations.js";
import { Network, adam, batchNorm, dense, dropout, elu, gelu, layerNorm, leakyRelu, prelu } from "../src/index.js";
import type { ActivationName, ActivationSpec, LayerSpec } from "../src/index.js";
import { load, Predictor } from "../src/predict.js";

/** Numbers in (−2, 2) that depend on the seed alone. */
function numbers(count: number, seed: number): Float32Array {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 30 - 2;
  });
}

async function both(inputs: number, layers: LayerSpec[]): Promise<[Network, Predictor]> {
  const network = await Network.create({ inputs, layers, seed: 3 });
  return [network, await load(network.save())];
}

function expectSame([network, predictor]: [Network, Predictor], counts: number[]): void {
  for (const count of counts) {
    const samples = numbers(count * network.inputs, count + 1);
    const bits = (values: Float32Array): Uint32Array => new Uint32Array(values.buffer);
    expect(bits(predictor.predict(samples)), `${count} samples`).toEqual(bits(network.predict(samples)));
    expect(predictor.classify(samples)).toEqual(network.classify(samples));
  }
}

describe("predictions have the bytes of the whole library's", () => {
  const specs: (ActivationName | ActivationSpec)[] = [
    ...activationNames.filter((name) => name !== "softmax"), gelu({ approximate: "tanh" }), leakyRelu({ slope: -0.5 }), elu({ alpha: 2 }), prelu({ shared: true }),
  ];
  test.each(specs.map((spec) => [typeof spec === "string" ? spec : JSON.stringify(spec), spec] as const))("hidden and output layers of %s", async (_name, spec) => {
    expectSame(await both(5, [dense(7, spec), dense(1, spec), dense(3, spec)]), [1, 2, 5]);
  });

  test.each([[1, 1, 1], [3, 9, 2], [64, 64, 10], [130, 67, 3], [600, 33, 17], [784, 128, 10]])("%i inputs, %i units, %i classes", async (inputs, units, classes) => {
    expectSame(await both(inputs, [dense(units, "relu"), dense(classes, "softmax")]), [1, 2, 127, 128, 129, 300]);
  });

  test("layers without biases, one output of a sigmoid and of none", async () => {
    expectSame(await both(4, [dense(6, { activation: "tanh", bias: false }), dense(1, "sigmoid")]), [1, 40]);
    expectSame(await both(4, [dense(1, { bias: false })]), [1, 40]);
  });

  test("after training, whatever training left in the file", async () => {
    const network = await Network.create({ inputs: 4, layers: [dense(8, prelu()), dense(3, "softmax")], seed: 1 });
    await network.fit(numbers(120, 9), Array.from({ length: 30 }, (_, i) => i % 3), { epochs: 3, optimizer: adam() });
    expectSame([network, await load(network.save())], [1, 50]);
    expectSame([network, await load(network.save({ optimizer: false }).slice().buffer)], [1, 50]);
  });

  test.each([4, 13, 70])("normalisations of %i units and dropout, after training, anywhere in the network", async (units) => {
    const layers = [layerNorm(), dense(units, "tanh"), batchNorm({ epsilon: 1e-3 }), dropout(0.2), dense(units, prelu()), layerNorm(), dense(1, "sigmoid"), dropout(0.1)];
    const network = await Network.create({ inputs: 5, layers, seed: 2 });
    await network.fit(numbers(300, 4), Array.from({ length: 60 }, (_, i) => i % 2), { epochs: 2, batchSize: 20, loss: "meanSquaredError" });
    expectSame([network, await load(network.save())], [1, 2, 130]);
    expectSame(await both(3, [dense(units, "relu"), batchNorm()]), [1, 9]);
  });

  test("of rows, into an array that is given", async () => {
    const [network, predictor] = await both(2, [dense(3, "tanh")]);
    const output = new Float32Array(6);
    expect(predictor.predict([[1, 2], [3, 4]], output)).toBe(output);
    expect(output).toEqual(network.predict([[1, 2], [3, 4]]));
    expect(predictor.inputs).toBe(2);
    expect(predictor.outputs).toBe(3);
  });
});

describe("errors", () => {
  test("of samples are those of the whole library", async () => {
    const [network, predictor] = await both(2, [dense(3)]);
    const wrong: unknown[] = [[], [1, 2, 3], [[1, 2], [3]], [[1, NaN]], [1, Infinity], "text", [[1, "2"]], null, Float32Array.of(1, NaN)];
    for (const samples of wrong) {
      const message = (call: () => unknown): string => {
        try {
          call();
        } catch (error) {
          return `${(error as Error).name}: ${(error as Error).message}`;
        }
        return "none";
      };
      const told = message(() => predictor.predict(samples as number[]));
      expect(told).toBe(message(() => network.predict(samples as number[])));
      expect(told).toMatch(/Error: inputs/);
    }
    expect(() => predictor.predict([1, 2], new Float32Array(2))).toThrow(new RangeError("predict: output: expected a length of 3 (1 × 3), got 2"));
    expect(() => predictor.predict([1, 2], [] as unknown as Float32Array)).toThrow(TypeError);
  });

  const network = Network.create({ inputs: 2, layers: [dense(3, "tanh"), dense(2, "softmax")] });
  const bytes = async (): Promise<Uint8Array> => (await network).save();
  /** The file with a part of its header replaced by something as long. */
  const changed = async (from: string, to: string): Promise<Uint8Array> => {
    const text = Buffer.from(await bytes()).toString("latin1");
    expect(text).toContain(from);
    expect(to.length).toBe(from.length);
    return Uint8Array.from(Buffer.from(text.replace(from, to), "latin1"));
  };

  test("of files say what is wrong", async () => {
    await expect(load("model" as unknown as Uint8Array)).rejects.toThrow("load: bytes: expected a Uint8Array or an ArrayBuffer, got 'model'");
    const refused: [Uint8Array, RegExp][] = [
      [new Uint8Array(0), /^load: the header: expected the bytes of a safetensors file/],
      [(await bytes()).slice(0, 40), /^load: the header: expected the bytes of a safetensors file/],
      [(await bytes()).slice(0, -1), /^load: tensor 'layers\.1\.bias': expected the offsets of 8 bytes of the file/],
      [await changed('"F32"', '"F16"'), /expected an F32 tensor of shape/],
      [await changed("[3,2]", "[2,3]"), /^load: tensor 'layers\.0\.weight': expected an F32 tensor of shape \[3,2\], got '\[2,3\]'/],
      [await changed("layers.1.bias", "layers.1.bios"), /^load: tensor 'layers\.1\.bias'/],
      [await changed("__metadata__", "__metadota__"), /expected 'rosenblatt', got undefined\. The file is not a network of this library/],
      [await changed('{"__m', '["__m'), /^load: the header: /],
      [await changed("tanh", "tanj"), /Did you mean 'tanh'/],
      [await changed('\\"dense\\"', '\\"dunse\\"'), /expected 'dense', 'dropout', 'batchNorm' or 'layerNorm', got 'dunse'\. Load the file by rosenblatt/],
      [await changed('\\"version\\":1', '\\"version\\":2'), /expected 1, got 2\. The file was written by another version/],
      [await changed('\\"inputs\\":2', '\\"inputs\\":0'), /^load: inputs: expected an integer from 1 to 16777216, got 0/],
    ];
    for (const [file, message] of refused) await expect(load(file), String(message)).rejects.toThrow(expect.objectContaining({ name: "ModelFormatError", message: expect.stringMatching(message) }));
    const last = await bytes();
    new DataView(last.buffer).setFloat32(last.length - 4, NaN, true);
    await expect(load(last)).rejects.toThrow("load: tensor 'layers.1.bias': expected finite values, got NaN");
  });

  test("of who makes one by hand", () => {
    expect(() => new (Predictor as unknown as new () => Predictor)()).toThrow("expected load, got new");
  });
});

test("the built entry has the core of predictions and no other", () => {
  const reached = new Set([new URL("../dist/predict.js", import.meta.url).href]);
  let text = "";
  for (const file of reached) {
    const content = readFileSync(new URL(file), "utf8");
    text += content;
    for (const [, path] of content.matchAll(/(?:from|import)\s*\(?"(\.\/[^"]+\.js)"/g)) reached.add(new URL(path, file).href);
  }
  expect(text).toContain("embeddedPredict");
  expect([...text.matchAll(/compressed: "/g)].length).toBe(1);
});
