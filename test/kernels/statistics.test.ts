// The kernels of a diagnosis: the same bytes in both builds, in any number of shares, over any chunks; nothing written beyond their outputs. What they compute
// is held against recounts in test/diagnosis.test.ts.

import { describe, expect, it } from "vitest";
import { BINS, BOTH_FIGURE_WORDS, HISTOGRAM_BYTES } from "../../assembly/codes.js";
import { Stage, paddedStride, randomFloats } from "./stage.js";

const SCRATCH = 16 * BINS;

describe("columnFigures", () => {
  it("gives the same bytes for any shares and chunks of rows", () => {
    const stage = new Stage();
    for (const units of [1, 3, 4, 8, 13, 31]) {
      stage.clear();
      const rows = 21;
      const stride = paddedStride(units, units);
      const [z, a] = [1, 2].map((seed) => stage.placeRows(randomFloats(seed, rows * stride, -3, 3), stride, rows, stride, stride));
      const bytes = 16 * Math.ceil(units / 4) * BOTH_FIGURE_WORDS;
      const [whole, shared, chunked] = [0, 0, 0].map(() => stage.unwritten(bytes / 4));
      const call = (from: number, count: number, begin: number, end: number, to: number) => stage.run((kernels) => kernels.columnFigures(
        count, begin, end, units, z + 4 * stride * from, a + 4 * stride * from, z + 4 * stride * from, 4 * stride, to, from === 0 ? 1 : 0, -1, 0.1, 0.2, 2, Infinity, 0, 0,
      ), [{ at: to, bytes }]);
      call(0, rows, 0, units, whole);
      for (let begin = 0; begin < units; begin += 8) call(0, rows, begin, Math.min(begin + 8, units), shared);
      for (const [from, count] of [[0, 5], [5, 1], [6, 15]]) call(from, count, 0, units, chunked);
      const bits = (at: number): Uint32Array => stage.u32.slice(at / 4, (at + bytes) / 4);
      expect(bits(shared)).toEqual(bits(whole));
      expect(bits(chunked)).toEqual(bits(whole));
    }
    expect(stage.calls).toBeGreaterThan(30);
  });
});

describe("addHistogram", () => {
  it("counts each value where it lies, however the range grows from chunk to chunk", () => {
    const stage = new Stage();
    for (const spread of [1e-30, 1e-3, 1, 100, 1e30]) {
      stage.clear();
      const [rows, units] = [12, 7];
      // each row wider than the one before, around a centre that is not 0
      const values = randomFloats(7, rows * units).map((value, i) => spread * (value * 3 ** Math.floor(i / units) + 2));
      const v = stage.placeRows(values, units, rows, units, 8);
      const [least, greatest] = [stage.unwritten(8), stage.unwritten(8)];
      const histogram = stage.unwritten(HISTOGRAM_BYTES / 4);
      const scratch = stage.unwritten(SCRATCH / 4);
      for (let row = 0; row < rows; row += 3) {
        const seen = values.subarray(0, (row + 3) * units);
        for (let j = 0; j < units; j++) {
          const column = seen.filter((_, i) => i % units === j);
          stage.f32[least / 4 + j] = Math.min(...column);
          stage.f32[greatest / 4 + j] = Math.max(...column);
        }
        stage.run((kernels) => kernels.addHistogram(3, units, v + 32 * row, 32, least, greatest, histogram, row === 0 ? 1 : 0, scratch), [
          { at: histogram, bytes: HISTOGRAM_BYTES }, { at: scratch, bytes: SCRATCH },
        ]);
      }
      const width = stage.f32[histogram / 4 + 1];
      const base = stage.u32[histogram / 4 + 2] | 0;
      const expected = new Array<number>(BINS).fill(0);
      for (const value of values) expected[Math.floor(value / width) - base]++;
      expect(Array.from({ length: BINS }, (_, bin) => stage.u32[histogram / 4 + 4 + 2 * bin])).toEqual(expected);
    }
  });
});
