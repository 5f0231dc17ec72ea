// Powers of constants in an ONNX model end in weights: the core's own function makes them (test/host-math.test.ts: none of the host's does).

import { describe, expect, test } from "vitest";
import { ready } from "../src/index.js";
import { fromONNX } from "../src/onnx/index.js";
import { power } from "../src/onnx/power.js";
import { DataType, writeModel } from "../src/onnx/proto.js";
import type { TensorMessage } from "../src/onnx/proto.js";

const floats = (name: string, dims: number[], values: number[]): TensorMessage => ({ name, dims, dataType: DataType.float, floatData: values });
const value = (name: string, size: number) => ({ name, type: { tensor: { elementType: DataType.float as number, shape: { dim: [{ parameter: "batch" }, { size }] } } } });

/** y = x · v^exponent, as of a normalisation that an exporter took apart. */
const model = (variances: number[], exponent: number): Uint8Array => writeModel({
  irVersion: 8, opsetImport: [{ domain: "", version: 17 }],
  graph: {
    node: [
      { opType: "Pow", name: "p", input: ["v", "e"], output: ["s"] }, { opType: "MatMul", name: "m", input: ["x", "w"], output: ["z"] },
      { opType: "Mul", name: "n", input: ["z", "s"], output: ["y"] },
    ],
    initializer: [floats("v", [3], variances), floats("e", [], [exponent]), floats("w", [3, 3], [1, 0, 0, 0, 1, 0, 0, 0, 1])],
    input: [value("x", 3)], output: [value("y", 3)],
  },
});

describe("a power of constants", () => {
  test.each([-0.5, 0.5, 2, 3, -1, 0.3, -1.7, 1e-3])("^%s scales the weights by the right numbers", async (exponent) => {
    const variances = [0.25, 1.7, 300].map(Math.fround);
    const expected = variances.map((v) => Math.fround(v ** Math.fround(exponent)));
    const network = await fromONNX(model(variances, exponent));
    const [weights, bare] = [network.layers[0].weights, network.predict(Float32Array.of(1, 1, 1))];
    for (const [i, scale] of expected.entries()) {
      expect(Math.abs(weights[4 * i] - scale)).toBeLessThanOrEqual(scale * 2 ** -23);
      expect(Math.abs(bare[i] - scale)).toBeLessThanOrEqual(scale * 2 ** -23);
    }
  });

  test("is within 4e-14 of the true one over signs, sizes and exponents", async () => {
    await ready();
    for (const x of [1e-300, 1e-9, 0.1, 0.7, 1, 1.3, 2, 10, 12345.678, 1e200]) {
      for (const y of [-5, -2.5, -1, -0.5, -0.1, 0, 0.1, 0.5, 1 / 3, 1, 1.5, 2, 3, 7.25]) {
        const exact = x ** y;
        if (exact === 0 || exact === Infinity || exact < 1e-300) continue;
        expect(Math.abs(power(x, y) - exact) / exact, `${x} ^ ${y}`).toBeLessThanOrEqual(4e-14);
        if (Number.isInteger(y)) expect(Math.abs(power(-x, y) - (-x) ** y) / exact, `-${x} ^ ${y}`).toBeLessThanOrEqual(4e-14);
        else expect(power(-x, y), `-${x} ^ ${y}`).toBeNaN();
      }
    }
  });

  test.each([
    [0, 3, 0], [-0, 3, -0], [0, -3, Infinity], [-0, -3, -Infinity], [0, 0, 1], [NaN, 0, 1], [NaN, 2, NaN], [2, NaN, NaN], [Infinity, 0.5, Infinity], [Infinity, -0.5, 0],
    [-Infinity, 3, -Infinity], [-2, 3, -8], [-2, 4, 16], [-1, 2 ** 53, 1], [5, 1, 5], [-0, 1, -0], [4, 0.5, 2], [4, -0.5, 0.5], [1e200, 2, Infinity],
  ])("of %s to the %s is %s", async (x, y, result) => {
    await ready();
    const got = power(x, y);
    if (Number.isInteger(result) && Math.abs(result) > 1) expect(got).toBeCloseTo(result, 12);
    else expect(got).toBe(result);
  });
});
