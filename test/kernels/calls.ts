// Calls of every kernel with random shapes: which regions it may read and write, of so many bytes a row, and its arguments. The regions are those that
// the kernels' contracts name (assembly/*.ts), to the byte: a row of samples ends with its last whole vector, weights with their last float. Rows may be
// none; a layer has a unit and a sample a number.

import {
  ActivationCode, BINS, BOTH_FIGURE_WORDS, FIGURE_WORDS, HISTOGRAM_BYTES, HitMode, InitCode, LossCode, NORM_ROWS, NR, OptimizerCode, PANEL_BYTES,
} from "../../assembly/codes.js";
import { forwardScratch, productScratch } from "../../src/plan/layout.js";
import type { KernelName } from "./stage.js";

/** Where a call may go. `indices`: u32 below that number; else floats. */
export interface Region {
  readonly rows: number;
  /** Bytes of a row, and from one to the next. */
  readonly bytes: number;
  readonly stride: number;
  readonly writes: boolean;
  /** Bytes from the row's beginning from which on it may be written, and how many; all by default. */
  readonly from: number;
  readonly count: number;
  readonly indices?: number;
}

export interface Call {
  readonly regions: readonly Region[];
  /** Arguments, a region's address in the place of its index as `{ at: index }`. */
  readonly parameters: readonly (number | { readonly at: number })[];
}

export type Below = (n: number) => number;

const codesOf = (codes: object): number[] => Object.values(codes).filter((code) => typeof code === "number");
const activationCodes = codesOf(ActivationCode);
const lossCodes = codesOf(LossCode);
const optimizerCodes = codesOf(OptimizerCode);
const hitModes = codesOf(HitMode);
const initCodes = codesOf(InitCode);

const whole = (floats: number): number => 4 * Math.ceil(floats / 4);

class Builder {
  readonly regions: Region[] = [];

  constructor(readonly below: Below) {}

  /** Mostly few, at times none, now and then more than a tile or a panel. */
  size(most = 70): number {
    const kind = this.below(8);
    return kind === 0 ? this.below(3) : kind < 5 ? 1 + this.below(Math.min(most, 12)) : this.below(most + 1);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)];
  }

  /** [begin, end) of n, begin a multiple of `step`; the whole in two of three calls. */
  range(n: number, step = 1): [number, number] {
    if (this.below(3) > 0) return [0, n];
    const begin = step * this.below(Math.floor(n / step) + 1);
    return [begin, begin + this.below(n - begin + 1)];
  }

  private add(rows: number, width: number, strideFloats: number, writes: boolean, begin = 0, end = width, indices?: number): { at: number } {
    this.regions.push({ rows, bytes: 4 * width, stride: 4 * strideFloats, writes, from: 4 * begin, count: 4 * Math.max(0, end - begin), indices });
    return { at: this.regions.length - 1 };
  }

  /** Floats that are read. */
  read(length: number): { at: number } {
    return this.add(1, length, length, false);
  }

  /** Floats that are written, or of them [begin, end). */
  write(length: number, begin = 0, end = length): { at: number } {
    return this.add(1, length, length, true, begin, end);
  }

  indices(length: number, below: number): { at: number } {
    return this.add(1, length, length, false, 0, length, below);
  }

  /** Rows of `width` floats; whether [begin, end) of each is written. */
  rows(rows: number, width: number, stride: number, writes = false, begin = 0, end = width): { at: number } {
    return this.add(rows, width, stride, writes, begin, end);
  }

  /** Floats between rows of whole vectors. */
  stride(width: number): number {
    return whole(width) + 4 * this.below(3);
  }
}

type Make = (b: Builder) => readonly (number | { readonly at: number })[];

/** Sizes of a layer that takes the kernels of assembly/small.ts. */
const small = (b: Builder): [number, number] => {
  const inputs = 1 + b.size(66);
  return [inputs, 1 + b.below(Math.min(60, Math.floor(4096 / inputs)))];
};
const longer = (b: Builder, size: number): number => (b.below(200) === 0 ? 508 + b.below(12) : size);

/** Panels of 8 units, and the floats of a mask of a byte for each row of each panel. */
const panels = (units: number): number => Math.ceil(units / 8);
const maskFloats = (rows: number, units: number): number => Math.ceil((rows * panels(units)) / 4);

const calls: Record<string, Make> = {
  gemm(b) {
    const m = b.size(), n = b.size(), k = longer(b, b.size());
    const [begin, end] = b.range(n, NR);
    const transposed = b.below(2) === 1;
    const lda = (transposed ? m : k) + b.below(4), ldb = n + b.below(4), ldc = n + b.below(4);
    const a = transposed ? b.rows(k, m, lda) : b.rows(m, k, lda);
    const [aRow, aStep] = transposed ? [4, 4 * lda] : [4 * lda, 4];
    return [m, begin, end, k, a, aRow, aStep, b.rows(k, n, ldb), 4 * ldb, b.rows(m, n, ldc, true, begin, end), 4 * ldc, b.below(2), b.write(productScratch(m, k) / 4)];
  },
  denseForward(b) {
    const rows = b.size(), units = b.size(), inputs = longer(b, b.size());
    const [begin, end] = b.range(units, NR);
    const xStride = b.stride(inputs), stride = b.stride(units), shared = b.below(2);
    const x = b.rows(rows, inputs, xStride);
    const w = b.read(units * inputs);
    const z = b.rows(rows, whole(units), stride, true, begin, whole(end));
    const a = b.below(2) ? z : b.rows(rows, whole(units), stride, true, begin, whole(end));
    const biases = b.below(3) ? b.read(units) : 0;
    return [rows, begin, end, inputs, x, 4 * xStride, w, biases, z, a, 4 * stride, b.pick(activationCodes), 0.2, b.read(shared ? 1 : units), shared, b.write(forwardScratch(rows, inputs) / 4)];
  },
  denseSingle(b) {
    const units = b.size(), inputs = longer(b, b.size()), shared = b.below(2);
    const [begin, end] = b.range(units, 4);
    return [begin, end, inputs, b.read(inputs), b.read(units * inputs), b.below(3) ? b.read(units) : 0, b.write(whole(units), begin, begin + whole(end - begin)), b.pick(activationCodes), 0.2, b.read(shared ? 1 : units), shared];
  },
  inputGradient(b) {
    const rows = b.size(), units = b.size(), inputs = b.size();
    const [begin, end] = b.range(inputs, NR);
    const dzStride = b.stride(units), dxStride = b.stride(inputs);
    const dz = b.rows(rows, units, dzStride), w = b.read(units * inputs), dx = b.rows(rows, inputs, dxStride, true, begin, end);
    return [rows, begin, end, units, inputs, dz, 4 * dzStride, w, dx, 4 * dxStride, b.write(productScratch(rows, units) / 4)];
  },
  weightGradient(b) {
    const rows = longer(b, b.size()), units = b.size(), inputs = b.size();
    const [begin, end] = b.range(inputs, NR);
    const dzStride = b.stride(units), xStride = b.stride(inputs);
    const dz = b.rows(rows, units, dzStride), x = b.rows(rows, inputs, xStride), dw = b.rows(units, inputs, inputs, true, begin, end);
    return [rows, begin, end, units, inputs, dz, 4 * dzStride, x, 4 * xStride, dw, b.write(productScratch(units, rows) / 4)];
  },
  smallForward(b) {
    const rows = b.size(), [inputs, units] = small(b);
    const [begin, end] = b.range(units, 8);
    const xStride = inputs + b.below(4), stride = b.stride(units);
    const x = b.rows(rows, inputs, xStride), w = b.read(units * inputs), biases = b.below(3) ? b.read(units) : 0;
    return [rows, begin, end, inputs, x, 4 * xStride, w, biases, b.rows(rows, whole(units), stride, true, begin, begin + whole(end - begin)), 4 * stride, b.write(PANEL_BYTES / 4)];
  },
  smallInputGradient(b) {
    const rows = b.size(), [inputs, units] = small(b);
    const [begin, end] = b.range(inputs, 8);
    const dzStride = units + b.below(4), stride = b.stride(inputs);
    // read in whole vectors: up to 12 bytes behind the weights, where the plan has more of its memory
    const dz = b.rows(rows, units, dzStride), w = b.read(units * inputs + 3);
    return [rows, begin, end, units, inputs, dz, 4 * dzStride, w, b.rows(rows, whole(inputs), stride, true, begin, begin + whole(end - begin)), 4 * stride, b.write(PANEL_BYTES / 4)];
  },
  smallWeightGradient(b) {
    const rows = b.size(), [inputs, units] = small(b);
    const [begin, end] = b.range(inputs, 8);
    const dzStride = b.stride(units), xStride = b.stride(inputs);
    const dz = b.rows(rows, whole(units), dzStride), x = b.rows(rows, whole(inputs), xStride);
    return [rows, begin, end, units, inputs, dz, 4 * dzStride, x, 4 * xStride, b.rows(units, inputs, inputs, true, begin, end)];
  },
  smallSingle(b) {
    const [inputs, units] = small(b);
    const [begin, end] = b.range(units, 4);
    return [begin, end, inputs, b.read(inputs), b.read(units * inputs), b.below(3) ? b.read(units) : 0, b.write(whole(units), begin, begin + whole(end - begin))];
  },
  columnForward(b) {
    const rows = b.below(300) === 0 ? 4090 + b.below(12) : b.size(), stride = b.stride(1);
    const z = b.rows(rows, 1, stride, b.below(2) === 0);
    const a = b.regions[0].writes ? z : b.rows(rows, 1, stride, true);
    return [b.pick(activationCodes), z, a, rows, 4 * stride, 0.2, b.read(1), b.write(PANEL_BYTES / 4)];
  },
  activationForward(b) {
    const rows = b.size(), columns = b.size(), stride = b.stride(columns), shared = b.below(2);
    const inPlace = b.below(2) === 0;
    const z = b.rows(rows, whole(columns), stride, inPlace);
    return [b.pick(activationCodes), z, inPlace ? z : b.rows(rows, whole(columns), stride, true), rows, columns, 4 * stride, 0.2, b.read(shared ? 1 : columns), shared];
  },
  activationBackward(b) {
    const rows = b.size(), columns = b.size(), stride = b.stride(columns), shared = b.below(2), code = b.pick(activationCodes);
    const z = b.rows(rows, whole(columns), stride), a = b.rows(rows, whole(columns), stride), d = b.rows(rows, whole(columns), stride, true);
    return [code, z, a, d, rows, columns, 4 * stride, 0.2, b.read(shared ? 1 : columns), shared, b.below(3) ? b.write(columns) : 0, code === ActivationCode.prelu && b.below(3) ? b.write(columns) : 0];
  },
  softmaxForward(b) {
    const rows = b.size(), columns = b.size(), stride = b.stride(columns), inPlace = b.below(2) === 0;
    const z = b.rows(rows, whole(columns), stride, inPlace);
    return [z, inPlace ? z : b.rows(rows, whole(columns), stride, true), rows, columns, 4 * stride];
  },
  softmaxBackward(b) {
    const rows = b.size(), columns = b.size(), stride = b.stride(columns);
    return [b.rows(rows, whole(columns), stride), b.rows(rows, whole(columns), stride, true), rows, columns, 4 * stride];
  },
  dropoutForward(b) {
    const rows = b.size(), units = 1 + b.size(), xStride = b.stride(units), stride = b.stride(units);
    const [begin, end] = b.range(units, 8);
    const x = b.rows(rows, whole(units), xStride), y = b.rows(rows, whole(units), stride, true, begin, begin + whole(end - begin));
    return [rows, begin, end, units, x, 4 * xStride, y, 4 * stride, b.write(maskFloats(rows, units)), 2 ** 30, 1.5, b.below(1e9), b.below(1e9), 1, 2, 3, b.write(20)];
  },
  dropoutBackward(b) {
    const rows = b.size(), units = 1 + b.size(), stride = b.stride(units);
    const [begin, end] = b.range(units, 8);
    return [rows, begin, end, b.rows(rows, whole(units), stride, true, begin, begin + whole(end - begin)), 4 * stride, b.read(maskFloats(rows, units)), 1.5];
  },
  batchNormForward(b) {
    const rows = 1 + b.size(), units = 1 + b.size(), xStride = b.stride(units), stride = b.stride(units);
    const [begin, end] = b.range(units, 8);
    const x = b.rows(rows, whole(units), xStride), y = b.rows(rows, whole(units), stride, true, begin, begin + whole(end - begin));
    return [rows, begin, end, units, x, 4 * xStride, y, 4 * stride, b.read(units), b.read(units), b.write(NORM_ROWS * panels(units) * 8), b.read(units), b.read(units), 1e-5, b.below(2)];
  },
  batchNormBackward(b) {
    const rows = 1 + b.size(), units = 1 + b.size(), xStride = b.stride(units), stride = b.stride(units);
    const [begin, end] = b.range(units, 8);
    const x = b.rows(rows, whole(units), xStride), d = b.rows(rows, whole(units), stride, true, begin, begin + whole(end - begin));
    return [rows, begin, end, units, x, 4 * xStride, d, 4 * stride, b.read(units), b.read(NORM_ROWS * panels(units) * 8), b.write(units, begin, end), b.write(units, begin, end), b.below(2), b.below(2)];
  },
  followStatistics(b) {
    const units = 1 + b.size(), [begin, end] = b.range(units);
    return [1 + b.size(), begin, end, units, b.read(NORM_ROWS * panels(units) * 8), b.write(units, begin, end), b.write(units, begin, end), 0.1];
  },
  layerNormForward(b) {
    const rows = b.size(), units = 1 + b.size(), xStride = b.stride(units), stride = b.stride(units);
    const [begin, end] = b.range(rows);
    return [begin, end, units, b.rows(rows, units, xStride), 4 * xStride, b.rows(rows, units, stride, true), 4 * stride, b.read(units), b.read(units), b.write(NORM_ROWS * rows, NORM_ROWS * begin, NORM_ROWS * end), 1e-5];
  },
  layerNormSums(b) {
    const rows = b.size(), units = 1 + b.size(), xStride = b.stride(units), stride = b.stride(units);
    const [begin, end] = b.range(units, 8);
    return [rows, begin, end, b.rows(rows, whole(units), xStride), 4 * xStride, b.rows(rows, whole(units), stride), 4 * stride, b.read(NORM_ROWS * rows), b.write(units, begin, end), b.write(units, begin, end)];
  },
  layerNormBackward(b) {
    const rows = b.size(), units = 1 + b.size(), xStride = b.stride(units), stride = b.stride(units);
    const [begin, end] = b.range(rows);
    return [begin, end, units, b.rows(rows, units, xStride), 4 * xStride, b.rows(rows, units, stride, true), 4 * stride, b.read(units), b.read(NORM_ROWS * rows)];
  },
  hitRows(b) {
    const rows = b.size(), columns = 1 + b.size(), stride = b.stride(columns);
    const [begin, end] = b.range(rows);
    return [b.pick(hitModes), b.rows(rows, whole(columns), stride), b.rows(rows, whole(columns), stride), begin, end, columns, 4 * stride, 0.5, 0.25, b.write(rows, begin, end)];
  },
  lossRows(b) {
    const rows = b.size(), columns = 1 + b.size(), stride = b.stride(columns);
    const [begin, end] = b.range(rows);
    const matrix = (writes = false) => b.rows(rows, whole(columns), stride, writes);
    const z = matrix(), a = matrix(), t = matrix(), d = b.below(3) ? matrix(true) : 0;
    return [b.pick(lossCodes), 0.7, z, a, t, d, begin, end, columns, 4 * stride, b.below(2) ? b.read(rows) : 0, 1 / 7, b.write(2 * rows, 2 * begin, 2 * end)];
  },
  updateParameters(b) {
    const length = b.size(), [begin, end] = b.range(length), code = b.pick(optimizerCodes);
    const run = (writes: boolean) => b.rows(1, length, length, writes, begin, end);
    const most = code === OptimizerCode.sgd || code === OptimizerCode.lion || code === OptimizerCode.adagrad ? 1 : 2;
    const least = code === OptimizerCode.sgd ? 0 : code === OptimizerCode.rmsprop ? 1 : most;
    const slots = least + b.below(most - least + 1);
    const numbers = code === OptimizerCode.rmsprop ? [0.9, 0.1, 0.01, slots > 1 ? 0.5 : 0, 0] : code === OptimizerCode.sgd ? [slots > 0 ? 0.9 : 0, slots > 0 ? b.below(2) : 0, 0, 0, 0] : [0.9, 0.1, 0.99, 0.01, 0.01];
    return [code, run(true), run(false), slots > 0 ? run(true) : 0, slots > 1 ? run(true) : 0, begin, end, ...numbers, 0.1, 0.1, 0.1];
  },
  sumSquares(b) {
    const length = b.size(), [begin, end] = b.range(length);
    return [b.read(length), begin, end];
  },
  scaleRun(b) {
    const length = b.size(), [begin, end] = b.range(length);
    return [b.write(length, begin, end), begin, end, 0.5];
  },
  clampRun(b) {
    const length = b.size(), [begin, end] = b.range(length);
    return [b.write(length, begin, end), begin, end, 0.5];
  },
  penaltyRun(b) {
    const length = b.size(), [begin, end] = b.range(length);
    return [b.read(length), b.below(3) ? b.write(length, begin, end) : 0, begin, end, 0.1, 0.2];
  },
  gatherRows(b) {
    const samples = 1 + b.size(), rows = b.size(), first = b.below(5), width = b.below(60) === 0 ? 256 + b.below(800) : b.size(), stride = b.stride(width);
    const [begin, end] = b.range(rows);
    return [b.read(samples * width), b.indices(first + rows, samples), first, b.rows(rows, width, stride, true), begin, end, width, 4 * stride];
  },
  gatherClasses(b) {
    const samples = 1 + b.size(), rows = b.size(), first = b.below(5), outputs = 1 + b.size(), stride = b.stride(outputs);
    const [begin, end] = b.range(rows);
    return [b.read(samples), b.indices(first + rows, samples), first, b.rows(rows, outputs, stride, true), begin, end, outputs, 4 * stride];
  },
  smoothRows(b) {
    const rows = b.size(), outputs = 1 + b.size(), stride = b.stride(outputs);
    const [begin, end] = b.range(rows);
    return [b.rows(rows, outputs, stride, true), begin, end, outputs, 4 * stride, 0.1];
  },
  columnFigures(b) {
    const rows = 1 + b.size(), units = 1 + b.size(), stride = b.stride(units), both = b.below(2) === 0, shared = b.below(2);
    const a = b.rows(rows, whole(units), stride);
    const z = both ? b.rows(rows, whole(units), stride) : a;
    const figures = b.write((both ? BOTH_FIGURE_WORDS : FIGURE_WORDS) * whole(units));
    const slopes = b.below(2) === 0 ? 0 : b.read(shared === 1 ? 1 : units);
    return [rows, 0, units, units, z, a, b.pick([z, a]), 4 * stride, figures, b.below(2), -1, 0.25, 0.5, 2, 0, slopes, shared];
  },
  // one row, taken so many times: the least and the greatest of each column are its own values
  addHistogram(b) {
    const units = 1 + b.size(200), v = b.read(units);
    return [b.size(), units, v, 0, v, v, b.write(HISTOGRAM_BYTES / 4), 1, b.write(4 * BINS)];
  },
  finiteRows(b) {
    const rows = b.size(), width = b.below(10) === 0 ? 200 + b.below(90) : b.size(), stride = b.stride(width);
    return [b.rows(rows, width, stride), rows, width, 4 * stride];
  },
  fillRandom(b) {
    const length = b.size();
    return [b.pick(initCodes), b.write(length), length, 0.25, 0.5, b.below(1e9), b.below(1e9), 1, 2, b.write(4)];
  },
  philox(b) {
    return [b.below(1e9), 0, 0, 0, 1, 2, b.write(4)];
  },
  shuffle(b) {
    const length = b.size();
    return [b.write(length), length, b.below(1e9), 0, 1, 1, b.write(4)];
  },
};

/** The kernels that are called. */
export const calledKernels = Object.keys(calls) as KernelName[];

/** A call of that kernel with random shapes. */
export function randomCall(kernel: KernelName, below: Below): Call {
  const builder = new Builder(below);
  const parameters = calls[kernel](builder);
  return { regions: builder.regions, parameters };
}
