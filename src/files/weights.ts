// What forward passes need of a model file: its layers with their weights, and nothing that training left there. For
// rosenblatt/predict, which is small: JSON.parse in place of the strict reader (json.ts), and of the rules of safetensors.ts those
// alone that what is read depends on. What the file holds beside is not looked at.

import { ModelFormatError, describeValue, firstNonFinite, refusal } from "../check.js";
import { resolveActivation } from "../describe/activations.js";
import type { ActivationSpec } from "../describe/activations.js";

/** A layer of the file that does something outside of training. */
export interface FileLayer {
  readonly kind: "dense" | "batchNorm" | "layerNorm";
  readonly inputs: number;
  readonly units: number;
  /** "linear" for a normalisation. */
  readonly activation: ActivationSpec;
  /** Of a normalisation, else 0. */
  readonly epsilon: number;
  /** dense: weights (units × inputs), biases, slopes; a normalisation: gain, shift, and for batchNorm running mean and variance. */
  readonly tensors: readonly (Float32Array | undefined)[];
}

/** The layers, and the activation that the network ends with. */
export interface FileNetwork {
  readonly inputs: number;
  readonly outputs: number;
  readonly output: ActivationSpec;
  readonly layers: readonly FileLayer[];
}

/** As in describe/layers.ts and safetensors.ts: the most inputs or units, the longest header. */
const LARGEST_WIDTH = 2 ** 24;
const LONGEST_HEADER = 1_000_000;

type Members = Readonly<Record<string, unknown>>;

function fail(code: string, subject: string, expected: string, got: unknown, advice = ""): never {
  throw new ModelFormatError(code, refusal(`load: ${subject}`, expected, describeValue(got), advice));
}

/** The own member of a JSON object, which may have any key. */
function member(object: unknown, key: string): unknown {
  return typeof object === "object" && object !== null && Object.hasOwn(object, key) ? (object as Members)[key] : undefined;
}

function parse(code: string, subject: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFormatError(code, `load: ${subject}: ${(error as Error).message}`);
  }
}

/**
 * The layers of a file that `Network.save` wrote.
 * @throws {ModelFormatError} where it does not have them
 */
export function readLayers(bytes: Uint8Array): FileNetwork {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length < 8 ? -1 : Number(view.getBigUint64(0, true));
  const begin = 8 + length;
  if (length < 0 || length > LONGEST_HEADER || begin > bytes.length) fail("truncated", "the header", "the bytes of a safetensors file", bytes);
  const header = parse("headerNotJSON", "the header", new TextDecoder().decode(bytes.slice(8, begin)));
  const text = member(member(header, "__metadata__"), "rosenblatt");
  if (typeof text !== "string") fail("noDescription", "metadata", "'rosenblatt'", text, "The file is not a network of this library");
  const description = parse("badDescription", "the description", text);
  const version = member(description, "version");
  if (version !== 1) fail("badDescription", "version", "1", version, "The file was written by another version of the library");

  const tensor = (name: string, ...shape: number[]): Float32Array => {
    const entry = member(header, name);
    const subject = `tensor '${name}'`;
    const wanted = JSON.stringify(shape);
    const got = JSON.stringify(member(entry, "shape"));
    if (got !== wanted || member(entry, "dtype") !== "F32") fail("wrongShape", subject, `an F32 tensor of shape ${wanted}`, got);
    const [from, to] = (member(entry, "data_offsets") ?? []) as unknown[];
    const size = 4 * shape.reduce((product, side) => product * side, 1);
    const sound = Number.isInteger(from) && (from as number) >= 0 && to === (from as number) + size && begin + to <= bytes.length;
    if (!sound) fail("badOffsets", subject, `the offsets of ${size} bytes of the file`, `${from}, ${to}`);
    const data = new Float32Array(bytes.slice(begin + (from as number), begin + (to as number)).buffer);
    const bad = firstNonFinite(data);
    if (bad >= 0) fail("nonFinite", subject, "finite values", data[bad]);
    return data;
  };
  const width = (subject: string, value: unknown): number => {
    const allowed = Number.isInteger(value) && (value as number) >= 1 && (value as number) <= LARGEST_WIDTH;
    return allowed ? (value as number) : fail("badDescription", subject, `an integer from 1 to ${LARGEST_WIDTH}`, value);
  };
  const layers = member(description, "layers");
  if (!Array.isArray(layers) || layers.length === 0) fail("badDescription", "layers", "an array of layers", layers);
  const inputs = width("inputs", member(description, "inputs"));
  let units = inputs;
  const linear = resolveActivation("linear", "");
  let output = linear;
  const read: FileLayer[] = [];
  for (const [i, layer] of (layers as unknown[]).entries()) {
    const subject = `layers[${i}]`;
    const kind = member(layer, "kind");
    const base = { inputs: units, epsilon: 0 };
    output = linear;
    if (kind === "dropout") continue;
    if (kind === "batchNorm" || kind === "layerNorm") {
      const epsilon = member(layer, "epsilon") ?? 1e-5;
      if (typeof epsilon !== "number" || !(Math.fround(epsilon) > 0)) fail("badDescription", `${subject}.epsilon`, "a number above 0", epsilon);
      const names = kind === "batchNorm" ? ["gain", "shift", "runningMean", "runningVariance"] : ["gain", "shift"];
      const tensors = names.map((name) => tensor(`layers.${i}.${name}`, units));
      const negative = tensors[3]?.find((value) => value < 0);
      if (negative !== undefined) fail("negativeVariance", `tensor 'layers.${i}.runningVariance'`, "variances of 0 or more", negative);
      read.push({ ...base, kind, units, activation: linear, epsilon: epsilon as number, tensors });
      continue;
    }
    if (kind !== "dense") fail("badDescription", `${subject}.kind`, "'dense', 'dropout', 'batchNorm' or 'layerNorm'", kind, "Load the file by rosenblatt");
    try {
      output = resolveActivation(member(layer, "activation"), `load: ${subject}.activation`);
    } catch (error) {
      throw new ModelFormatError("badDescription", (error as Error).message);
    }
    if (output.name === "softmax" && i < (layers as unknown[]).length - 1) fail("badDescription", `${subject}.activation`, "an activation for a hidden layer", "softmax");
    units = width(`${subject}.units`, member(layer, "units"));
    const tensors = [
      tensor(`layers.${i}.weight`, units, base.inputs),
      member(layer, "bias") === false ? undefined : tensor(`layers.${i}.bias`, units),
      output.name === "prelu" ? tensor(`layers.${i}.slope`, output.shared ? 1 : units) : undefined,
    ];
    read.push({ ...base, kind: "dense", units, activation: output, tensors });
  }
  return { inputs, outputs: units, output, layers: read };
}
