// A batch out of the data window: rows through an order, class indices as rows of 0 and 1, smoothed targets. Copies are exact,
// and so is a row's padding left as it was.

import { describe, expect, it } from "vitest";
import { bitsOf, LARGEST, paddedStride, randomFloats, randomNumbers, sizePairs, Stage } from "./stage.js";

const WINDOW = 90;
const stage = new Stage();
const next = randomNumbers(31);
/** Places in the window, some more than once, the first and the last among them. */
const order = Uint32Array.from({ length: 160 }, (_, i) => (i % 40 === 3 ? 0 : i % 40 === 7 ? WINDOW - 1 : Math.floor(WINDOW * next())));

function placeOrder(): number {
  const at = stage.reserve(4 * order.length, 4);
  stage.u32.set(order, at / 4);
  return at;
}

describe("gatherRows", () => {
  it("copies rows [begin, end) through the order, for all pairs of sizes up to 67", { timeout: 60_000 }, () => {
    let ran = 0;
    for (let width = 0; width <= LARGEST; width++) {
      const window = randomFloats(width, WINDOW * width);
      const bits = bitsOf(window);
      for (let rows = 0; rows <= LARGEST; rows++) {
        const first = ran % 11 === 0 ? 160 - rows : ran % 80;
        const begin = ran % 3 === 0 ? rows % 5 === 0 ? Math.floor(rows / 2) : 0 : Math.min(rows, ran % 4);
        stage.clear();
        const stride = paddedStride(width, ran);
        const windowAt = stage.place(window, 4 * (ran % 4));
        const orderAt = placeOrder();
        const batch = stage.unwritten(rows * stride);
        stage.run((kernels) => kernels.gatherRows(windowAt, orderAt, first, batch, begin, rows, width, 4 * stride), [
          { at: batch + 4 * begin * stride, bytes: 4 * width, rows: rows - begin, stride: 4 * stride },
        ]);
        for (let row = begin; row < rows; row++) stage.expectBits(batch + 4 * row * stride, bits, order[first + row] * width, width, `${rows} × ${width}, row ${row}`);
        ran++;
      }
    }
    expect(ran).toBe(68 * 68);
  });

  it("copies long rows", () => {
    let ran = 0;
    for (const width of [124, 127, 128, 129, 131, 300, 784]) {
      const window = randomFloats(width, WINDOW * width);
      const bits = bitsOf(window);
      for (const rows of [0, 1, 9]) {
        stage.clear();
        const stride = paddedStride(width, ran);
        const windowAt = stage.place(window, 4 * (ran % 4));
        const orderAt = placeOrder();
        const batch = stage.unwritten(rows * stride);
        stage.run((kernels) => kernels.gatherRows(windowAt, orderAt, 7, batch, 0, rows, width, 4 * stride), [{ at: batch, bytes: 4 * width, rows, stride: 4 * stride }]);
        for (let row = 0; row < rows; row++) stage.expectBits(batch + 4 * row * stride, bits, order[7 + row] * width, width, `${rows} × ${width}, row ${row}`);
        ran++;
      }
    }
    expect(ran).toBe(7 * 3);
  });
});

describe("gatherClasses", () => {
  it("writes 1 at the class and 0 elsewhere, for all pairs of sizes up to 67", { timeout: 60_000 }, () => {
    let ran = 0;
    for (const [rows, outputs] of sizePairs(0, 1)) {
      const first = ran % 90;
      const begin = Math.min(rows, ran % 3);
      const classes = Float32Array.from({ length: WINDOW }, (_, i) => (i * 7 + ran) % outputs);
      stage.clear();
      const stride = paddedStride(outputs, ran);
      const windowAt = stage.place(classes, 4);
      const orderAt = placeOrder();
      const batch = stage.unwritten(rows * stride);
      stage.run((kernels) => kernels.gatherClasses(windowAt, orderAt, first, batch, begin, rows, outputs, 4 * stride), [
        { at: batch + 4 * begin * stride, bytes: 4 * outputs, rows: rows - begin, stride: 4 * stride },
      ]);
      for (let row = begin; row < rows; row++) {
        for (let j = 0; j < outputs; j++) {
          const expected = j === classes[order[first + row]] ? 1 : 0;
          if (stage.f32[batch / 4 + row * stride + j] !== expected) throw new Error(`${rows} × ${outputs}, row ${row}, output ${j}`);
        }
      }
      ran++;
    }
    expect(ran).toBe(68 * 67);
  });
});

describe("smoothRows", () => {
  it("is (1 − s)·t + s/outputs, for all pairs of sizes up to 67", { timeout: 60_000 }, () => {
    let ran = 0;
    for (const [rows, outputs] of sizePairs(0, 1)) {
      const smoothing = [0.1, 0.25, 1, 0.003][ran % 4];
      const begin = Math.min(rows, ran % 3);
      const targets = randomFloats(ran, rows * outputs, 0, 1);
      stage.clear();
      const stride = paddedStride(outputs, ran);
      const batch = stage.placeRows(targets, outputs, rows, outputs, stride);
      stage.run((kernels) => kernels.smoothRows(batch, begin, rows, outputs, 4 * stride, smoothing), [
        { at: batch + 4 * begin * stride, bytes: 4 * outputs, rows: rows - begin, stride: 4 * stride },
      ]);
      const s = Math.fround(smoothing);
      for (let row = begin; row < rows; row++) {
        for (let j = 0; j < outputs; j++) {
          const exact = (1 - s) * targets[row * outputs + j] + s / outputs;
          // 1 − s, the product, the share and the sum: four roundings
          if (!(Math.abs(stage.f32[batch / 4 + row * stride + j] - exact) <= 4 * 2 ** -24 * exact)) throw new Error(`${rows} × ${outputs}, row ${row}, output ${j}`);
        }
      }
      ran++;
    }
    expect(ran).toBe(68 * 67);
  });
});

describe("finiteRows", () => {
  it("finds a NaN or an infinity in any place, and looks at no padding", { timeout: 60_000 }, () => {
    const values = [NaN, Infinity, -Infinity, 3.4e38, -1e-45, 0];
    let ran = 0;
    for (const [rows, width] of sizePairs(1, 1)) {
      stage.clear();
      const stride = paddedStride(width, ran) + 4;
      const matrix = randomFloats(ran, rows * width, -3e38, 3e38);
      const value = values[ran % values.length];
      matrix[(ran * 7919) % matrix.length] = value;
      const at = stage.placeRows(matrix, width, rows, width, stride, 4 * (ran % 4));
      for (let row = 0; row < rows; row++) stage.f32.fill(NaN, at / 4 + row * stride + width, at / 4 + (row + 1) * stride);
      const finite = stage.run((kernels) => kernels.finiteRows(at, rows, width, 4 * stride), []);
      expect(finite, `${rows} × ${width}, ${value}`).toBe(Number.isFinite(value) ? 1 : 0);
      ran++;
    }
    expect(ran).toBe(67 * 67);
  });
});
