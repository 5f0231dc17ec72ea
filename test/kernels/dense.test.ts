// The dense layer forward, of a batch and of one sample: Z = X·Wᵀ + b, A = f(Z). The weighted sums of a batch have the bits of
// the chain of products (gemm.test.ts); those of one sample are summed in an order of their own and held by the bound of any
// order. The activations are those that the activation kernel makes of these weighted sums (activations.test.ts).

import { describe, expect, it } from "vitest";
import { ActivationCode, FORWARD_KC, NR, PACKED_FLOATS } from "../../assembly/codes.js";
import { forwardScratch } from "../../src/plan/layout.js";
import { FROM_BIAS, FROM_ZERO, products } from "./products.js";
import { bitsOf, LARGEST, paddedStride, randomFloats, sizePairs, Stage, THIRD } from "./stage.js";

const U = 2 ** -24;
const PARAMETER = 0.2;
/** Code and whether its slope is shared. Softmax leaves the weighted sums for its own kernel. */
const ACTIVATIONS = Object.values(ActivationCode)
  .filter((code) => typeof code === "number")
  .flatMap((code): (readonly [ActivationCode, boolean])[] => (code === ActivationCode.prelu ? [[code, false], [code, true]] : [[code, false]]));
const slopes = randomFloats(9, LARGEST, 0.05, 0.5);

/** f of a matrix without padding, rows × columns, on the release build. */
function activationsOf(stage: Stage, code: ActivationCode, shared: boolean, z: Float32Array, rows: number, columns: number): Uint32Array {
  stage.clear();
  const stride = 4 * Math.ceil(columns / 4);
  const at = stage.placeRows(z, columns, rows, columns, stride);
  const slopesAt = stage.place(slopes);
  stage.run((kernels) => kernels.activationForward(code, at, at, rows, columns, 4 * stride, PARAMETER, slopesAt, shared ? 1 : 0), [
    { at, bytes: 4 * stride, rows, stride: 4 * stride },
  ]);
  const a = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++) a.set(stage.f32.subarray(at / 4 + row * stride, at / 4 + row * stride + columns), row * columns);
  return bitsOf(a);
}

describe("denseForward", () => {
  const lengths = [...THIRD, 66, FORWARD_KC - 1, FORWARD_KC, FORWARD_KC + 1, 1030];
  const table = products(5, LARGEST, LARGEST, lengths);
  const stage = new Stage();
  const sums = new Map(lengths.map((k) => [k, [FROM_ZERO, FROM_BIAS].map((start) => table.sums.get(k)!.bits[start])]));
  const activations = new Map(lengths.map((k) => [k, ACTIVATIONS.map(([code, shared]) =>
    [FROM_ZERO, FROM_BIAS].map((start) => activationsOf(stage, code, shared, table.sums.get(k)!.chain[start], LARGEST, LARGEST)))]));

  function check(rows: number, units: number, inputs: number, turn: number, which: number): void {
    const [code, shared] = ACTIVATIONS[which];
    const biased = turn % 3 !== 0;
    const oneMatrix = turn % 2 === 0;
    const begin = turn % 5 === 0 ? NR * (turn % (1 + Math.floor(units / NR))) : 0;
    const end = turn % 7 === 0 ? Math.min(units, begin + NR * (1 + (turn % 3))) : units;
    stage.clear();
    const xStride = paddedStride(inputs, turn);
    const stride = paddedStride(units, turn + 1);
    const x = stage.placeRows(table.a, table.longest, rows, inputs, xStride);
    const w = stage.placeRows(table.bTransposed, table.longest, units, inputs, inputs, 4 * (turn % 4));
    const biases = biased ? stage.place(table.bias.subarray(0, units), 4 * (turn % 4)) : 0;
    const slopesAt = stage.place(shared ? slopes.subarray(0, 1) : slopes.subarray(0, units), 4 * (turn % 4));
    const z = stage.unwritten(rows * stride);
    const a = oneMatrix ? z : stage.unwritten(rows * stride);
    const scratch = forwardScratch(rows, inputs);
    const panel = stage.reserve(scratch);
    const region = { bytes: 4 * (end - begin), rows, stride: 4 * stride };
    stage.run(
      (kernels) => kernels.denseForward(rows, begin, end, inputs, x, 4 * xStride, w, biases, z, a, 4 * stride, code, PARAMETER, slopesAt, shared ? 1 : 0, panel),
      [{ at: z + 4 * begin, ...region }, { at: a + 4 * begin, ...region, bytes: 16 * Math.ceil((end - begin) / 4) }, { at: panel, bytes: scratch }],
    );
    const expectedSums = sums.get(inputs)![biased ? 1 : 0];
    const expectedActivations = activations.get(inputs)![which][biased ? 1 : 0];
    for (let row = 0; row < rows; row++) {
      const title = `${ActivationCode[code]}, ${rows} rows, units ${begin} to ${end} of ${units}, ${inputs} inputs, row ${row}`;
      const skip = row * stride + begin;
      if (!oneMatrix) stage.expectBits(z + 4 * skip, expectedSums, row * LARGEST + begin, end - begin, `sums of ${title}`);
      stage.expectBits(a + 4 * skip, expectedActivations, row * LARGEST + begin, end - begin, title);
    }
  }

  it("is right for all pairs of rows and units up to 67 beside some inputs, with every activation", { timeout: 60_000 }, () => {
    const seen = new Array<number>(ACTIVATIONS.length).fill(0);
    let ran = 0;
    for (const [rows, units] of sizePairs()) {
      for (const inputs of THIRD) {
        const which = (ran + rows) % ACTIVATIONS.length;
        check(rows, units, inputs, ran, which);
        seen[which]++;
        ran++;
      }
    }
    expect(ran).toBe(68 * 68 * 9);
    expect(seen.length).toBe(20);
    for (const count of seen) expect(count).toBeGreaterThan(2000);
  });

  it("is right for more inputs than a block of the product", () => {
    let ran = 0;
    for (const inputs of [66, FORWARD_KC - 1, FORWARD_KC, FORWARD_KC + 1, 1030]) {
      for (const rows of [1, 4, 7, 13]) {
        for (const units of [1, 8, 33, 67]) {
          for (let which = 0; which < ACTIVATIONS.length; which++) check(rows, units, inputs, ran++, which);
        }
      }
    }
    expect(ran).toBe(5 * 4 * 4 * 20);
  });
});

describe("denseForward of more rows than are packed at a time", () => {
  it("gives the sums of gemm and their activations", () => {
    const most = NR * Math.floor(PACKED_FLOATS / (NR * FORWARD_KC));
    const stage = new Stage(16 * 2 ** 20);
    let ran = 0;
    for (const inputs of [FORWARD_KC, FORWARD_KC + 5]) {
      const tall = products(6, 2 * most + 3, 11, [inputs]);
      for (const rows of [most, most + 1, 2 * most + 3]) {
        stage.clear();
        const x = stage.placeRows(tall.a, inputs, rows, inputs, inputs + 3);
        const w = stage.placeRows(tall.bTransposed, inputs, 11, inputs, inputs);
        const biases = stage.place(tall.bias);
        const z = stage.unwritten(rows * 12);
        const scratch = forwardScratch(rows, inputs);
        const panel = stage.reserve(scratch);
        stage.run((kernels) => kernels.denseForward(rows, 0, 11, inputs, x, 4 * (inputs + 3), w, biases, z, z, 48, ActivationCode.relu, 0, 0, 0, panel), [
          { at: z, bytes: 48, rows, stride: 48 }, { at: panel, bytes: scratch },
        ]);
        const expected = bitsOf(tall.sums.get(inputs)!.chain[FROM_BIAS].map((value) => Math.max(value, 0)));
        for (let row = 0; row < rows; row++) stage.expectBits(z + 48 * row, expected, row * 11, 11, `${rows} rows, ${inputs} inputs, row ${row}`);
        ran++;
      }
    }
    expect(ran).toBe(6);
  });
});

describe("denseSingle", () => {
  const stage = new Stage();
  const MOST = 1030;
  const x = randomFloats(21, MOST);
  const weights = randomFloats(22, LARGEST * MOST);
  const biases = randomFloats(23, LARGEST);
  let largestBound = 0;

  /** Linear sums by the kernel, held against f64; then the same units with an activation. */
  function check(inputs: number, units: number, turn: number, which: number): void {
    const biased = turn % 3 !== 0;
    const begin = turn % 4 === 0 ? 4 * (turn % (1 + Math.floor(units / 4))) : 0;
    const end = turn % 5 === 0 ? Math.min(units, begin + 4 * (1 + (turn % 3))) : units;
    const padded = 4 * Math.ceil((end - begin) / 4);
    const run = (code: ActivationCode, shared: boolean): Float32Array => {
      stage.clear();
      const xAt = stage.place(x.subarray(0, inputs));
      const w = stage.placeRows(weights, MOST, units, inputs, inputs, 4 * (turn % 4));
      const biasesAt = biased ? stage.place(biases.subarray(0, units), 4 * (turn % 4)) : 0;
      const slopesAt = stage.place(shared ? slopes.subarray(0, 1) : slopes.subarray(0, units), 4 * (turn % 4));
      const y = stage.unwritten(4 * Math.ceil(units / 4));
      stage.run((kernels) => kernels.denseSingle(begin, end, inputs, xAt, w, biasesAt, y, code, PARAMETER, slopesAt, shared ? 1 : 0), [{ at: y + 4 * begin, bytes: 4 * padded }]);
      return stage.f32.slice(y / 4 + begin, y / 4 + end);
    };
    const z = run(ActivationCode.linear, false);
    // any order of n products and a bias: at most n + 1 roundings on the way of each term
    const gamma = ((inputs + 2) * U) / (1 - (inputs + 2) * U);
    z.forEach((value, i) => {
      const unit = begin + i;
      let exact = biased ? biases[unit] : 0;
      let magnitude = Math.abs(exact);
      for (let k = 0; k < inputs; k++) {
        const product = weights[unit * MOST + k] * x[k];
        exact += product;
        magnitude += Math.abs(product);
      }
      largestBound = Math.max(largestBound, gamma);
      if (!(Math.abs(value - exact) <= gamma * magnitude)) throw new Error(`unit ${unit} of ${units}, ${inputs} inputs: ${value}, exact ${exact}`);
    });
    const [code, shared] = ACTIVATIONS[which];
    const a = bitsOf(run(code, shared));
    stage.clear();
    const zAt = stage.reserve(4 * padded);
    stage.f32.fill(0, zAt / 4, zAt / 4 + padded);
    stage.f32.set(z, zAt / 4);
    const slopesAt = stage.place(shared ? slopes.subarray(0, 1) : slopes.subarray(begin, Math.max(begin, end)));
    stage.run((kernels) => kernels.activationForward(code, zAt, zAt, 1, end - begin, 4 * padded, PARAMETER, slopesAt, shared ? 1 : 0), [{ at: zAt, bytes: 4 * padded }]);
    stage.expectBits(zAt, a, 0, end - begin, `${ActivationCode[code]} of ${units} units, ${inputs} inputs`);
  }

  it("is right for all pairs of inputs and units up to 67, with every activation", { timeout: 60_000 }, () => {
    let ran = 0;
    for (const [inputs, units] of sizePairs()) check(inputs, units, ran, (ran++ + inputs) % ACTIVATIONS.length);
    expect(ran).toBe(68 * 68);
    expect(largestBound).toBeLessThan(1e-5);
  });

  it("is right for long rows", () => {
    let ran = 0;
    for (const inputs of [95, 96, 127, 128, 129, 131, 160, 255, 256, 259, 511, 512, 513, 1030]) {
      for (const units of [1, 2, 3, 4, 5, 16, 67]) check(inputs, units, ran, ran++ % ACTIVATIONS.length);
    }
    expect(ran).toBe(14 * 7);
    expect(largestBound).toBeLessThan(1e-4);
  });
});
