// A network as the bytes of a file and back: safetensors with the description in its metadata.
//
//   layers.0.weight [units, inputs] · layers.0.bias [units] · layers.0.slope [units] or [1]
//   layers.1.gain [units] · layers.1.shift · layers.1.runningMean · layers.1.runningVariance
//   optimizer.m.layers.0.weight …    one of each parameter for every slot
//   best.layers.0.weight …           of an unfinished fit that restores the best weights
//   average.layers.0.weight …        of an unfinished fit that averages the weights
//   unfinished.outputs [rows, outputs]   of an unfinished fit whose metrics need all outputs of an epoch
//
// `load` takes exactly the tensors that the description calls for, with exactly their shapes, and makes the network last.

import { ModelFormatError, describeValue, typedArrayName, wrongKind } from "../check.js";
import { slotNames } from "../describe/optimizers.js";
import type { CustomActivation } from "../describe/customActivation.js";
import type { NetworkDescription } from "../describe/layers.js";
import type { Optimizer } from "../describe/optimizers.js";
import { ready } from "../engine/core.js";
import { MOST_BYTES, Model, formatBytes } from "../model.js";
import { INFERENCE, planLayout, planTopology, tensorsOf } from "../plan/layout.js";
import type { Demand, Layout, Run, Topology } from "../plan/layout.js";
import { readDescription, writeDescription } from "./description.js";
import type { Description } from "./description.js";
import { parseJSON } from "./json.js";
import { describeList, readSafetensorsHeader, readTensors, safetensorsHeader, writeSafetensors } from "./safetensors.js";
import type { NamedTensor } from "./safetensors.js";

const DESCRIPTION_KEY = "rosenblatt";
const TABULAR_KEY = "rosenblatt.tabular";

/** A tensor of one block of parameters: its name, its shape and its run. */
interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  readonly run: Run;
}

/** The tensors of a block whose names begin with `prefix`; an optimizer's slots have none for running statistics. */
function placesOf({ layers }: Topology, prefix: string): Place[] {
  const withStatistics = !prefix.startsWith("optimizer.");
  return layers.flatMap((shape) => tensorsOf(shape)
    .filter(({ statistic }) => withStatistics || !statistic)
    .map(({ name, ...place }) => ({ name: `${prefix}layers.${shape.index}.${name}`, ...place })));
}

/** All blocks that a file holds, in its order, with where they lie in the layout. */
function blocksOf(layout: Layout, optimizer: Optimizer | undefined, hasBest: boolean, averaged: boolean): { readonly prefix: string; readonly offset: number }[] {
  return [
    { prefix: "", offset: layout.parameters },
    ...(optimizer === undefined ? [] : slotNames(optimizer).map((slot, i) => ({ prefix: `optimizer.${slot}.`, offset: layout.slots[i] }))),
    ...(hasBest ? [{ prefix: "best.", offset: layout.best }] : []),
    ...(averaged ? [{ prefix: "average.", offset: layout.average }] : []),
  ];
}

/** The bytes of a model file. @throws {Error} naming the tensor, where a value is not finite */
export function saveModel(model: Model, withOptimizer: boolean): Uint8Array {
  const { topology, layout } = model;
  const unfinished = withOptimizer ? model.unfinished : undefined;
  const optimizer = withOptimizer ? model.optimizer : undefined;
  const hasBest = unfinished?.best.saved ?? false;
  const rows = unfinished?.outputs === undefined ? undefined : unfinished.outputs.length / topology.outputs;
  const description: Description = {
    network: model.description,
    loss: model.lastLoss,
    epochs: model.epochs,
    optimizer,
    progress: optimizer === undefined ? undefined : model.progress,
    unfinished,
    outputRows: rows,
    hasBest,
  };
  const tensors: NamedTensor[] = [];
  for (const { prefix, offset } of blocksOf(layout, optimizer, hasBest, unfinished?.averaged ?? false)) {
    for (const { name, shape, run } of placesOf(topology, prefix)) {
      const data = model.floats(run, offset);
      const index = firstNegative(name, data);
      if (index >= 0) throw new Error(`save: ${name}[${index}]: expected a variance of 0 or more, got ${data[index]}. Write such numbers into the layer's view`);
      tensors.push({ name, shape, data });
    }
  }
  if (rows !== undefined) {
    tensors.push({ name: "unfinished.outputs", shape: [rows, topology.outputs], data: unfinished!.outputs! });
  }
  return writeSafetensors(tensors, metadataOf(writeDescription(description), model.tabular));
}

/** The place of the first negative number of a tensor of variances, −1 if there is none or it is another tensor. */
function firstNegative(name: string, data: Float32Array): number {
  return name.endsWith(".runningVariance") ? data.findIndex((value) => value < 0) : -1;
}

function metadataOf(description: string, tabular: string | undefined): Map<string, string> {
  const metadata = new Map([[DESCRIPTION_KEY, description]]);
  if (tabular !== undefined) metadata.set(TABULAR_KEY, tabular);
  return metadata;
}

/**
 * Refuses a network whose file could not be read again because its header would be too long: with an optimizer of two slots
 * and best weights beside the parameters.
 * @throws {RangeError}
 */
export function checkSavable(network: NetworkDescription): void {
  const topology = planTopology(network.inputs, network.layers);
  const prefixes = ["", "optimizer.squares.", "optimizer.velocity.", "best.", "average."];
  const text = writeDescription({
    network, loss: undefined, epochs: 0, optimizer: undefined, progress: undefined, unfinished: undefined, outputRows: undefined, hasBest: false,
  });
  const reserve = " ".repeat(2000);
  try {
    safetensorsHeader(prefixes.flatMap((prefix) => placesOf(topology, prefix)), metadataOf(text + reserve, undefined));
  } catch (cause) {
    const got = `${network.layers.length} layers with more`;
    throw new RangeError(`layers: expected a network whose description fits the 1 MB header of a model file, got ${got}. Use fewer layers`, { cause });
  }
}

/** What a file was proven to hold; nothing of it is a network yet. */
export interface ModelFile {
  readonly description: Description;
  readonly topology: Topology;
  readonly demand: Demand;
  readonly tensors: ReadonlyMap<string, { readonly data: Float32Array }>;
  readonly tabular: string | undefined;
}

/**
 * The network of a file.
 * @param activations custom ones, by the names that files know them by
 * @throws {TypeError} for what is not bytes
 * @throws {ModelFormatError} for a file that `saveModel` cannot have written
 */
export async function loadModel(given: unknown, activations: ReadonlyMap<string, CustomActivation> = new Map()): Promise<Model> {
  const { description, topology, demand, tensors, tabular } = readModel(given, activations);
  await ready();
  const { network, optimizer, hasBest, unfinished } = description;
  const model = new Model(network, "load", demand);
  for (const { prefix, offset } of blocksOf(model.layout, optimizer, hasBest, unfinished?.averaged ?? false)) {
    for (const { name, run } of placesOf(topology, prefix)) model.floats(run, offset).set(tensors.get(name)!.data);
  }
  model.optimizer = optimizer;
  if (description.progress !== undefined) model.progress = description.progress;
  model.lastLoss = description.loss;
  model.epochs = description.epochs;
  model.unfinished = unfinished === undefined ? undefined : { ...unfinished, outputs: tensors.get("unfinished.outputs")?.data.slice() };
  model.tabular = tabular;
  return model;
}

/**
 * Proves a file sound: all that `load` can refuse is refused here, first what the header says and then what the data is. Allocates a copy of the
 * header and, once all else is sound, one of the data.
 * @throws as `loadModel` does
 */
export function readModel(given: unknown, activations: ReadonlyMap<string, CustomActivation> = new Map()): ModelFile {
  const bytes = asBytes(given);
  const header = readSafetensorsHeader(bytes);
  const { metadata } = header;
  for (const key of metadata.keys()) {
    if (key === DESCRIPTION_KEY || key === TABULAR_KEY || (key === "format" && metadata.get(key) === "pt")) continue;
    throw new ModelFormatError("unknownMetadata", `load: metadata: expected '${DESCRIPTION_KEY}' and '${TABULAR_KEY}' alone, got ${describeValue(key)}`);
  }
  const text = metadata.get(DESCRIPTION_KEY);
  if (text === undefined) {
    throw new ModelFormatError("noDescription", `load: metadata: expected '${DESCRIPTION_KEY}', got none. The file is not a network of this library`);
  }
  const description = readDescription(text, activations);
  const tabular = metadata.get(TABULAR_KEY);
  if (tabular !== undefined) checkPreparation(`load: metadata '${TABULAR_KEY}'`, tabular);
  const { network, optimizer, hasBest, unfinished } = description;
  const topology = planTopology(network.inputs, network.layers);
  checkTensors(header.entries, topology, description);
  const slots = optimizer === undefined ? 0 : slotNames(optimizer).length;
  const demand: Demand = { ...INFERENCE, slots, snapshot: unfinished !== undefined, best: hasBest, average: unfinished?.averaged ?? false };
  checkAddressable(topology, demand);
  const tensors = readTensors(bytes, header);
  for (const [name, { data }] of tensors) {
    const index = firstNegative(name, data);
    if (index >= 0) throw new ModelFormatError("negativeVariance", `load: tensor ${describeValue(name)}: expected variances of 0 or more, got ${data[index]} at ${index}`);
  }
  return { description, topology, demand, tensors, tabular };
}

/** A network that no memory of this library can hold, whatever the engine grants. */
function checkAddressable(topology: Topology, demand: Demand): void {
  const { byteLength } = planLayout(topology, demand);
  if (byteLength <= MOST_BYTES) return;
  throw new ModelFormatError("tooLarge", `load: expected a network whose plan takes at most 4 GB, got ${formatBytes(byteLength)}`);
}

/**
 * Checks that a table's preparation is JSON without a repeated key: all that a network, which keeps it and does not read it, can say of it.
 * @throws {ModelFormatError} `badTabular`, `duplicateKey` or `tooDeep`
 */
export function checkPreparation(subject: string, text: string): void {
  const value = parseJSON(text, { subject, invalidCode: "badTabular", loneSurrogates: true });
  if (!(value instanceof Map)) throw new ModelFormatError("badTabular", `${subject}: expected an object, got another value`);
}

/** The `byteLength` of an ArrayBuffer, and of a SharedArrayBuffer where there is such a thing: each throws for anything else, of whatever realm. */
const byteLengths = [ArrayBuffer, globalThis.SharedArrayBuffer].flatMap((buffer) => buffer === undefined ? [] : [Object.getOwnPropertyDescriptor(buffer.prototype, "byteLength")!.get!]);

/** Whether the value is an ArrayBuffer or a SharedArrayBuffer, of whatever realm. */
function isBuffer(value: unknown): value is ArrayBufferLike {
  return byteLengths.some((byteLength) => {
    try {
      byteLength.call(value);
      return true;
    } catch {
      return false;
    }
  });
}

/** A plain Uint8Array on the bytes of a buffer or Uint8Array (a Buffer is one), shared or not; a transferred one has none. */
function asBytes(value: unknown): Uint8Array {
  if (isBuffer(value)) return value.byteLength === 0 ? new Uint8Array(0) : new Uint8Array(value);
  if (typedArrayName(value) !== "Uint8Array") throw wrongKind("load: bytes", "a Uint8Array or an ArrayBuffer", value, "Give the bytes of a file that save() wrote");
  const { buffer, byteOffset, byteLength } = value as Uint8Array;
  return byteLength === 0 ? new Uint8Array(0) : new Uint8Array(buffer, byteOffset, byteLength);
}

/** Exactly the tensors that are called for, each with its shape. */
function checkTensors(tensors: ReadonlyMap<string, { readonly shape: readonly number[] }>, topology: Topology, description: Description): void {
  const wanted = new Map<string, readonly number[]>();
  const { optimizer, hasBest, unfinished, outputRows } = description;
  const prefixes = ["", ...(optimizer === undefined ? [] : slotNames(optimizer).map((slot) => `optimizer.${slot}.`)), ...(hasBest ? ["best."] : []),
    ...(unfinished?.averaged ? ["average."] : [])];
  for (const { name, shape } of prefixes.flatMap((prefix) => placesOf(topology, prefix))) wanted.set(name, shape);
  if (outputRows !== undefined) wanted.set("unfinished.outputs", [outputRows, topology.outputs]);
  for (const [name, shape] of wanted) {
    const there = tensors.get(name);
    if (there === undefined) throw new ModelFormatError("missingTensor", `load: tensor '${name}': expected shape [${shape.join(", ")}], the file has no such tensor`);
    if (there.shape.length !== shape.length || there.shape.some((size, i) => size !== shape[i])) {
      throw new ModelFormatError("wrongShape", `load: tensor '${name}': expected shape [${shape.join(", ")}], the file has ${describeList(there.shape)}`);
    }
  }
  for (const name of tensors.keys()) {
    if (!wanted.has(name)) throw new ModelFormatError("unknownTensor", `load: tensor ${describeValue(name)}: expected only tensors that the description calls for, got one more`);
  }
}
