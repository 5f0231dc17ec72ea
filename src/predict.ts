// rosenblatt/predict: a trained network from its file, for who only predicts: no training, no options, a core of forward passes
// alone (assembly/predict.ts). Its predictions have the bytes of those of the whole library, for a lone sample and for many.
//
//   memory   scratch of the products · parameters, layer by layer · two matrices of ROWS rows, input and output of a layer in turn

import { NORM_ROWS } from "../assembly/codes.js";
import { predictCore } from "../build/embedded-predict.js";
import { typedArrayName, wrongKind } from "./check.js";
import { activationCode, activationParameter } from "./describe/activations.js";
import type { ActivationSpec } from "./describe/activations.js";
import { decisionRule } from "./describe/losses.js";
import { unpack } from "./engine/embedded.js";
import { notCompiled } from "./engine/refused.js";
import { readLayers } from "./files/weights.js";
import type { FileLayer, FileNetwork } from "./files/weights.js";
import { forwardScratch, productScratch, rowStride } from "./plan/layout.js";
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
  batchNorm(rows: number, units: number, x: number, y: number, stride: number, gain: number, shift: number, statistics: number, mean: number, variance: number, epsilon: number): void;
  layerNorm(rows: number, units: number, x: number, y: number, stride: number, gain: number, shift: number, statistics: number, epsilon: number): void;
  softmaxForward(z: number, a: number, rows: number, columns: number, stride: number): void;
}

/** A layer and the places of its tensors in memory, in bytes; 0 where there is none. */
interface PlacedLayer extends Omit<FileLayer, "tensors"> {
  readonly at: readonly number[];
}

/** Where a network's matrices are, and what a normalisation writes beside. */
interface Room {
  readonly matrices: readonly [number, number];
  readonly statistics: number;
  readonly f32: Float32Array;
}

const construct = Symbol("construct");

/** A network that predicts. */
export class Predictor {
  /** Numbers in one sample. */
  readonly inputs: number;
  /** Numbers in one prediction. */
  readonly outputs: number;
  private readonly output: ActivationSpec;

  /** Not for users: `await load(bytes)`. */
  constructor(
    key: symbol, private readonly core: PredictCore, network: FileNetwork, private readonly layers: readonly PlacedLayer[], private readonly room: Room,
  ) {
    if (key !== construct) throw new Error("new Predictor(): expected load, got new. Write `await load(bytes)`");
    const { inputs, outputs, output } = network;
    this.inputs = inputs;
    this.outputs = outputs;
    this.output = output;
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
    const { outputs, room: { f32, matrices } } = this;
    const length = count * outputs;
    if (output !== undefined && typedArrayName(output) !== "Float32Array") throw wrongKind("predict: output", "a Float32Array", output);
    if (output !== undefined && output.length !== length) {
      throw new RangeError(`predict: output: expected a length of ${length} (${count} × ${outputs}), got ${output.length}`);
    }
    samples.check(0, count);
    const results = output ?? new Float32Array(length);
    const [first] = matrices;
    const stride = rowStride(this.inputs);
    for (let begin = 0; begin < count; begin += ROWS) {
      const rows = Math.min(ROWS, count - begin);
      for (let row = 0; row < rows; row++) samples.readRow(begin + row, f32, first / 4 + row * stride);
      const { at, step } = this.run(rows, count === 1);
      for (let row = 0; row < rows; row++) results.set(f32.subarray(at + row * step, at + row * step + outputs), (begin + row) * outputs);
    }
    return results;
  }

  /** The class of each sample: the greatest output, the first of equals; with one output 1 where it is above 0.5 (above 0 without a sigmoid). */
  classify(inputs: Samples): Uint32Array {
    const { outputs, output } = this;
    const scores = this.predict(inputs);
    const { outputThreshold } = decisionRule("meanSquaredError", output.name, outputs);
    return Uint32Array.from({ length: scores.length / outputs }, (_, i) => {
      if (outputs === 1) return scores[i] > outputThreshold ? 1 : 0;
      const row = scores.subarray(i * outputs, (i + 1) * outputs);
      return row.indexOf(row.reduce((best, score) => (score > best ? score : best)));
    });
  }

  /** The forwards for the first `rows` samples, or for a lone one, which is summed in another order. Where the outputs are, and from row to row, in floats. */
  private run(rows: number, lone: boolean): { at: number; step: number } {
    const { core, layers, room: { matrices, statistics } } = this;
    let [x, z] = matrices;
    for (const { kind, inputs, units, activation, epsilon, at } of layers) {
      const stride = 4 * rowStride(units);
      const [first, second, third, fourth] = at;
      if (kind === "batchNorm") core.batchNorm(rows, units, x, z, stride, first, second, statistics, third, fourth, epsilon);
      else if (kind === "layerNorm") core.layerNorm(rows, units, x, z, stride, first, second, statistics, epsilon);
      else if (lone) core.single(inputs, units, x, first, second, z, activationCode(activation), activationParameter(activation), third, isShared(activation));
      else {
        core.forward(
          rows, inputs, units, x, 4 * rowStride(inputs), first, second, z, stride, activationCode(activation), activationParameter(activation), third, isShared(activation), 0,
        );
      }
      if (activation.name === "softmax") core.softmaxForward(z, z, rows, units, stride);
      [x, z] = [z, x];
    }
    return { at: x / 4, step: rowStride(this.outputs) };
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
  const network = readLayers(isBuffer ? new Uint8Array(bytes) : (bytes as Uint8Array));
  const core = new WebAssembly.Instance(await compiledCore()).exports as unknown as PredictCore;
  const { layers } = network;
  let end = 64 * Math.ceil(Math.max(productScratch(1, 1), ...layers.map(({ inputs }) => forwardScratch(ROWS, inputs))) / 64);
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
  const widest = Math.max(network.inputs, ...layers.map(({ units }) => units));
  const size = ROWS * rowStride(widest);
  const matrices = [take(size), take(size)] as const;
  const statistics = take(NORM_ROWS * Math.max(ROWS, widest + 8));
  const placed = layers.map(({ tensors, ...layer }): PlacedLayer => ({ ...layer, at: tensors.map(place) }));
  try {
    core.memory.grow(Math.ceil(end / 65536));
  } catch (cause) {
    throw new RangeError(`load: expected ${end} bytes of memory, the engine has none left. Let go of networks that are no longer used`, { cause });
  }
  const f32 = new Float32Array(core.memory.buffer);
  for (const [at, data] of values) f32.set(data, at / 4);
  return new Predictor(construct, core, network, placed, { matrices, statistics, f32 });
}
