// fromONNX: models as PyTorch, skl2onnx and tf2onnx export them predict what they did there.

import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { Network } from "../src/index.js";
import { fromONNX, toONNX } from "../src/onnx/index.js";

interface Entry {
  readonly source: string;
  readonly name: string;
  readonly model: string;
  readonly shape: readonly [samples: number, inputs: number, outputs: number];
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

const entries = JSON.parse(readFileSync(new URL("golden-onnx/models.json", import.meta.url), "utf8")) as Entry[];
const modelOf = (name: string): Promise<Network> => fromONNX(Buffer.from(entries.find((entry) => entry.name === name)!.model, "base64"));
const shapeOf = ({ layers }: Network): string => layers.map(({ kind, units, activation }) => (kind === "dense" ? `${units} ${activation}` : kind)).join(", ");

describe("fromONNX", () => {
  test("the models are of all three exporters", () => {
    for (const [source, count] of [["PyTorch", 35], ["skl2onnx", 12], ["tf2onnx", 12]] as const) {
      expect(entries.filter((entry) => entry.source === source).length).toBeGreaterThanOrEqual(count);
    }
  });

  test.each(entries.map((entry) => [`${entry.source}: ${entry.name}`, entry] as const))("%s", async (_, { model, shape: [samples, inputs, outputs], inputs: x, outputs: y }) => {
    const network = await fromONNX(Buffer.from(model, "base64"));
    expect([network.inputs, network.outputs]).toEqual([inputs, outputs]);
    const predicted = network.predict(Float32Array.from(x));
    expect(predicted.length).toBe(samples * outputs);
    y.forEach((value, i) => expect(Math.abs(predicted[i] - value), `output ${i}`).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value))));
    // what came in is a network like any other: it goes out, and comes in again as the same
    const again = await fromONNX(toONNX(network));
    expect(shapeOf(again)).toBe(shapeOf(network));
    expect(again.predict(Float32Array.from(x))).toEqual(predicted);
    expect((await Network.load(network.save())).predict(Float32Array.from(x))).toEqual(predicted);
  });

  test("layers and activations are found as a user would write them", async () => {
    for (const name of ["relu", "sigmoid", "tanh", "leakyRelu", "prelu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "relu6", "hardSigmoid", "hardTanh"]) {
      expect(shapeOf(await modelOf(name)), name).toBe(`7 ${name}, 3 linear`);
    }
    expect(shapeOf(await modelOf("geluTanh"))).toBe("7 gelu, 3 linear");
    expect(shapeOf(await modelOf("swish"))).toBe("7 silu, 3 softmax");
    expect(shapeOf(await modelOf("hard_sigmoid"))).toBe("7 hardSigmoid, 3 softmax");
    expect(shapeOf(await modelOf("PReLU"))).toBe("7 prelu, 3 softmax");
    expect(shapeOf(await modelOf("batchNorm"))).toBe("7 relu, 3 linear");
    expect(shapeOf(await modelOf("batchNormBehind"))).toBe("7 relu, batchNorm, 2 linear");
    expect(shapeOf(await modelOf("batchNormFirst"))).toBe("batchNorm, 4 tanh, 1 sigmoid");
    expect(shapeOf(await modelOf("layerNormBehind"))).toBe("7 silu, layerNorm, 2 linear");
    expect(shapeOf(await modelOf("opset17"))).toBe("7 linear, layerNorm, 7 gelu, 3 linear");
    expect(shapeOf(await modelOf("two classes"))).toBe("6 relu, 2 softmax");
    expect(shapeOf(await modelOf("pipeline"))).toBe("7 relu, 3 softmax");
  });

  test("a network that came in can be trained", async () => {
    const network = await modelOf("softmax");
    const x = Float32Array.from({ length: 50 }, (_, i) => Math.fround(((i * 7) % 11) / 5 - 1));
    const { epochs } = await network.fit(x, Uint8Array.from({ length: 10 }, (_, i) => i % 4), { epochs: 30, batchSize: 5 });
    expect(epochs.at(-1)!.loss).toBeLessThan(epochs[0].loss);
  });
});
