// rosenblatt/predict: a trained network from its file, for who only predicts: no training, no options, a core of forward passes
// alone (assembly/predict.ts). Its predictions have the bytes of those of the whole library, for a lone sample and for many.
//
//   memory   scratch of the products · parameters, layer by layer · two matrices of ROWS rows, input and output of a layer in turn

import { predictCore } from "../build/embedded-predict.js";
import { typedArrayName, wrongKind } from "./check.js";
import { activationCode, activationParameter } from "./describe/activations.js";
import type { ActivationSpec } from "./describe/activations.js";
import { decisionRule } from "./describe/losses.js";
import { unpack } from "./engine/embedded.js";
import { notCompiled } from "./engine/refused.js";
import { readLayers } from "./files/weights.js";
import { productScratch, rowStride } from "./plan/layout.js";
import { openSamples } from "./samples.js";
import type { Samples } from "./samples.js";

export type { NumericArray, Samples } from "./samples.js";

/** Samples that go through the layers at a time: the packed weights are used for so many. */
const ROWS = 128;

interface PredictCore {
  readonly memory: WebAssembly.Memory;
  forward(
    rows: number, inputs: number, units: number, x: number, xStride: number, weights: number, biases: number, z: number, stride: number,
    activation: number, parameter: number, slopes: number, sharedSlope: boolean, scratch: number,
  ): void;
  single(inputs: number, units: number, x: number, weights: number, biases: number, y: number, activation: number, parameter: number, slopes: number, sharedSlope: boolean): void;
  softmaxForward(z: number, a: number, rows: number, columns: number, stride: number): void;
}

/** A layer and its place in memory, in bytes; 0 where it has no biases or slopes. */
interface PlacedLayer {
  readonly inputs: number;
  readonly units: number;
  readonly activation: ActivationSpec;
  readonly weights: number;
  readonly biases: number;
  readonly slopes: number;
}

const construct = Symbol("construct");

/** A network that predicts. */
export class Predictor {
  /** Numbers in one sample. */
  readonly inputs: number;
  /** Numbers in one prediction. */
  readonly outputs: number;

  /** Not for users: `await load(bytes)`. */
  constructor(
    key: symbol, private readonly core: PredictCore, private readonly layers: readonly PlacedLayer[], private readonly matrices: readonly [number, number], private readonly f32: Float32Array,
  ) {
    if (key !== construct) throw new Error("new Predictor(): expected load, got new. Write `await load(bytes)`");
    this.inputs = layers[0].inputs;
    this.outputs = layers[layers.length - 1].units;
  }

  /**
   * The outputs for samples, flat: samples × outputs.
   * @param inputs rows of `inputs` numbers, or all of them flat, row-major
   * @param output filled in place of a new array; its length must be exactly that
   * @throws {TypeError | RangeError} for samples that are not allowed, naming the place
   */
  predict(inputs: Samples, output?: Float32Array): Float32Array {
    const samples = openSamples("inputs", inputs, this.inputs);
    const { count } = samples;
    const { outputs, f32 } = this;
    const length = count * outputs;
    if (output !== undefined && typedArrayName(output) !== "Float32Array") throw wrongKind("predict: output", "a Float32Array", output);
    if (output !== undefined && output.length !== length) {
      throw new RangeError(`predict: output: expected a length of ${length} (${count} × ${outputs}), got ${output.length}`);
    }
    samples.check(0, count);
    const results = output ?? new Float32Array(length);
    const [first] = this.matrices;
    const stride = rowStride(this.inputs);
    for (let begin = 0; begin < count; begin += ROWS) {
      const rows = Math.min(ROWS, count - begin);
      for (let row = 0; row < rows; row++) samples.readRow(begin + row, f32, first / 4 + row * stride);
      const { at, step } = count === 1 ? this.runSingle() : this.run(rows);
      for (let row = 0; row < rows; row++) results.set(f32.subarray(at + row * step, at + row * step + outputs), (begin + row) * outputs);
    }
    return results;
  }

  /** The class of each sample: the greatest output, the first of equals; with one output 1 where it is above 0.5 (above 0 without a sigmoid). */
  classify(inputs: Samples): Uint32Array {
    const { outputs, layers } = this;
    const scores = this.predict(inputs);
    const { outputThreshold } = decisionRule("meanSquaredError", layers[layers.length - 1].activation.name, outputs);
    return Uint32Array.from({ length: scores.length / outputs }, (_, i) => {
      if (outputs === 1) return scores[i] > outputThreshold ? 1 : 0;
      const row = scores.subarray(i * outputs, (i + 1) * outputs);
      return row.indexOf(row.reduce((best, score) => (score > best ? score : best)));
    });
  }

  /** The forwards for the first `rows` samples. Where the outputs are, and from row to row, in floats. */
  private run(rows: number): { at: number; step: number } {
    const { core, layers } = this;
    let [x, z] = this.matrices;
    for (const { inputs, units, activation, weights, biases, slopes } of layers) {
      const stride = 4 * rowStride(units);
      core.forward(
        rows, inputs, units, x, 4 * rowStride(inputs), weights, biases, z, stride,
        activationCode(activation), activationParameter(activation), slopes, isShared(activation), 0,
      );
      if (activation.name === "softmax") core.softmaxForward(z, z, rows, units, stride);
      [x, z] = [z, x];
    }
    return { at: x / 4, step: rowStride(this.outputs) };
  }

  /** The same for one sample, summed in another order. */
  private runSingle(): { at: number; step: number } {
    const { core, layers } = this;
    let [x, y] = this.matrices;
    for (const { inputs, units, activation, weights, biases, slopes } of layers) {
      core.single(inputs, units, x, weights, biases, y, activationCode(activation), activationParameter(activation), slopes, isShared(activation));
      if (activation.name === "softmax") core.softmaxForward(y, y, 1, units, 4 * rowStride(units));
      [x, y] = [y, x];
    }
    return { at: x / 4, step: 0 };
  }
}

const isShared = (activation: ActivationSpec): boolean => activation.name === "prelu" && activation.shared;

let compiled: Promise<WebAssembly.Module> | undefined;

/** The core, compiled once a process. */
async function compiledCore(): Promise<WebAssembly.Module> {
  try {
    compiled ??= "compressed" in predictCore ? WebAssembly.compile(unpack(predictCore)) : Promise.resolve(predictCore);
    return await compiled;
  } catch (cause) {
    compiled = undefined;
    throw notCompiled(cause);
  }
}

/**
 * The network that `Network.save` (or a Tabular's) wrote, to predict with. What training left in the file is not read.
 * @throws {TypeError} for what is not bytes
 * @throws {ModelFormatError} for any other file
 * @example
 * const network = await load(await (await fetch("model.safetensors")).arrayBuffer());
 * network.predict([5.1, 3.5, 1.4, 0.2]);
 */
export async function load(bytes: Uint8Array | ArrayBuffer): Promise<Predictor> {
  const isBuffer = Object.prototype.toString.call(bytes) === "[object ArrayBuffer]";
  if (!isBuffer && typedArrayName(bytes) !== "Uint8Array") throw wrongKind("load: bytes", "a Uint8Array or an ArrayBuffer", bytes, "Give the bytes of a file that save() wrote");
  const layers = readLayers(isBuffer ? new Uint8Array(bytes) : (bytes as Uint8Array));
  const core = new WebAssembly.Instance(await compiledCore()).exports as unknown as PredictCore;
  let end = 64 * Math.ceil(Math.max(...layers.map(({ inputs }) => productScratch(ROWS, inputs))) / 64);
  const values: [at: number, data: Float32Array][] = [];
  const take = (floats: number): number => {
    const at = end;
    end += 64 * Math.ceil(floats / 16);
    return at;
  };
  const place = (data: Float32Array | undefined): number => {
    if (data === undefined) return 0;
    const at = take(data.length);
    values.push([at, data]);
    return at;
  };
  const size = ROWS * Math.max(...layers.flatMap(({ inputs, units }) => [rowStride(inputs), rowStride(units)]));
  const matrices = [take(size), take(size)] as const;
  const placed = layers.map(({ inputs, units, activation, weights, biases, slopes }): PlacedLayer => ({
    inputs, units, activation, weights: place(weights), biases: place(biases), slopes: place(slopes),
  }));
  try {
    core.memory.grow(Math.ceil(end / 65536));
  } catch (cause) {
    throw new RangeError(`load: expected ${end} bytes of memory, the engine has none left. Let go of networks that are no longer used`, { cause });
  }
  const f32 = new Float32Array(core.memory.buffer);
  for (const [at, data] of values) f32.set(data, at / 4);
  return new Predictor(construct, core, placed, matrices, f32);
}
