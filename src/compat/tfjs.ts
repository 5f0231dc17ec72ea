// rosenblatt/compat/tfjs: the sequential models of TensorFlow.js on this library, for code that moves over.
//
//   const model = sequential();
//   model.add(layers.dense({ units: 16, activation: "relu", inputShape: [4] }));
//   model.add(layers.dropout({ rate: 0.2 }));
//   model.add(layers.dense({ units: 3, activation: "softmax" }));
//   model.compile({ optimizer: train.adam(0.01), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
//   const { history } = await model.fit(xs, ys, { epochs: 10, batchSize: 32 });
//   model.predict(xs).arraySync();
//
// Data are rows, or anything with `shape` and `dataSync()`, a tensor of TensorFlow.js among them. A model gets its weights when it is built, which fit does; before
// it `await model.build()`, since that loads WebAssembly. Names and defaults are those of TensorFlow.js (batchNormalization's epsilon 1e-3 and momentum 0.99, adam's
// epsilon 1e-7); what comes out is this library's: glorotUniform unless said otherwise, masks and orders from `seed`, and adagrad's sums start at 0 (there at 0.1). Layers to add: dense, dropout,
// batchNormalization; loadLayersModel reads layers models with these, InputLayer, Flatten, Activation, ReLU, LeakyReLU, PReLU, ELU, Softmax and LayerNormalization too.
// `model.network` is the network itself. github.com/tensorflow/tfjs

import { at, checkBoolean, checkFinite, checkInteger, checkKeys, checkName, describeValue, isArray, isPlainObject, ModelFormatError, refusal, typedArrayName, wrongKind, wrongValue } from "../check.js";
import { adagrad, adam, batchNorm, dense, dropout, elu, gelu, leakyRelu, mish, Network, prelu, relu, relu6, rmsprop, selu, sgd, sigmoid, silu, softmax, softplus, softsign, tanh } from "../index.js";
import type { ActivationSpec, LayerSpec, LossName, Metric, Optimizer } from "../index.js";
import { assemble } from "../onnx/assemble.js";
import { ofAtom, widthOf } from "../onnx/values.js";
import type { Atom, Batch } from "../onnx/values.js";

/** What holds numbers with a shape; TensorFlow.js' tensors do. */
export interface TensorLike {
  readonly shape: readonly number[];
  dataSync(): ArrayLike<number>;
}

export type Data = TensorLike | readonly number[] | readonly (readonly number[])[];

/** Outputs as TensorFlow.js would hand them out. */
export class Output implements TensorLike {
  constructor(private readonly values: Float32Array, readonly shape: readonly [samples: number, outputs: number]) {}

  dataSync(): Float32Array {
    return this.values;
  }

  async data(): Promise<Float32Array> {
    return this.values;
  }

  /** One row a sample. */
  arraySync(): number[][] {
    const [samples, outputs] = this.shape;
    return Array.from({ length: samples }, (_, i) => [...this.values.subarray(i * outputs, (i + 1) * outputs)]);
  }

  async array(): Promise<number[][]> {
    return this.arraySync();
  }

  /** Nothing to do: there is nothing outside of JavaScript's memory. */
  dispose(): void {}
}

const activationSpecs: Readonly<Record<string, ActivationSpec | undefined>> = {
  sigmoid: sigmoid(), tanh: tanh(), relu: relu(), relu6: relu6(), elu: elu(), selu: selu(), softplus: softplus(), softsign: softsign(), swish: silu(), silu: silu(), mish: mish(),
  gelu: gelu(), gelu_new: gelu({ approximate: "tanh" }), softmax: softmax(),
};
const activationNames = ["linear", ...Object.keys(activationSpecs)];

interface Layer {
  readonly spec: LayerSpec;
  readonly inputs: number | undefined;
}

/** The inputs that `inputShape` or `inputDim` tell. */
function inputsOf(subject: string, shape: unknown, dim: unknown): number | undefined {
  if (dim !== undefined) return checkInteger(at(subject, "inputDim"), dim, 1, 2 ** 24);
  if (shape === undefined) return undefined;
  if (!isArray(shape) || shape.length !== 1) throw wrongKind(at(subject, "inputShape"), "[inputs]", shape, "Samples are rows of numbers");
  return checkInteger(at(subject, "inputShape"), shape[0], 1, 2 ** 24);
}

const initializers = { glorotUniform: "glorotUniform", glorotNormal: "glorotNormal", heUniform: "heUniform", heNormal: "heNormal", leCunNormal: "lecunNormal", leCunUniform: "lecunUniform", zeros: "zeros", ones: "ones", orthogonal: "orthogonal" } as const;
type InitializerKey = keyof typeof initializers;

/** The layers to add. */
export const layers = {
  /** activation(x·kernel + bias); kernelInitializer "glorotUniform". */
  dense(options: { units: number; activation?: string; useBias?: boolean; inputShape?: readonly number[]; inputDim?: number; kernelInitializer?: InitializerKey; biasInitializer?: "zeros" | "ones"; trainable?: boolean; name?: string }): Layer {
    const given = checkKeys("layers.dense", options, ["units", "activation", "useBias", "inputShape", "inputDim", "kernelInitializer", "biasInitializer", "trainable", "name"]);
    const { activation = "linear", useBias = true, kernelInitializer = "glorotUniform", biasInitializer = "zeros", trainable = true } = given;
    const name = checkName("layers.dense: activation", activation, activationNames);
    return {
      spec: dense(given.units as number, {
        activation: activationSpecs[name] ?? "linear", bias: checkBoolean("layers.dense: useBias", useBias), trainable: checkBoolean("layers.dense: trainable", trainable),
        weightInit: initializers[checkName("layers.dense: kernelInitializer", kernelInitializer, Object.keys(initializers) as InitializerKey[])],
        biasInit: checkName("layers.dense: biasInitializer", biasInitializer, ["zeros", "ones"]),
      }),
      inputs: inputsOf("layers.dense", given.inputShape, given.inputDim),
    };
  },
  dropout(options: { rate: number; inputShape?: readonly number[]; name?: string }): Layer {
    const { rate, inputShape } = checkKeys("layers.dropout", options, ["rate", "inputShape", "name"]);
    return { spec: dropout(rate as number), inputs: inputsOf("layers.dropout", inputShape, undefined) };
  },
  /** epsilon 1e-3; momentum 0.99, the weight of the running statistics. */
  batchNormalization(options: { momentum?: number; epsilon?: number; inputShape?: readonly number[]; name?: string } = {}): Layer {
    const { momentum = 0.99, epsilon = 1e-3, inputShape } = checkKeys("layers.batchNormalization", options, ["momentum", "epsilon", "inputShape", "name"]);
    const kept = checkFinite("layers.batchNormalization: momentum", momentum, { min: 0, max: 1 });
    return { spec: batchNorm({ momentum: complement(kept), epsilon: epsilon as number }), inputs: inputsOf("layers.batchNormalization", inputShape, undefined) };
  },
};

/** 1 − x without the digits that f64 leaves: 0.01 of 0.99. */
function complement(x: number): number {
  return Number((1 - x).toPrecision(12));
}

/** Adam's and RMSProp's epsilon in TensorFlow.js. */
const EPSILON = 1e-7;

/** The optimizers, with TensorFlow.js' defaults. */
export const train = {
  sgd: (learningRate = 0.01): Optimizer => sgd({ learningRate }),
  momentum: (learningRate = 0.01, momentum = 0.9, nesterov = false): Optimizer => sgd({ learningRate, momentum, nesterov }),
  adam: (learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = EPSILON): Optimizer => adam({ learningRate, beta1, beta2, epsilon }),
  rmsprop: (learningRate = 0.001, decay = 0.9, momentum = 0, epsilon = EPSILON): Optimizer => rmsprop({ learningRate, decay, momentum, epsilon }),
  /** Its sums of squares start at 0, which TensorFlow.js has as initialAccumulatorValue and sets to 0.1; nothing else may be given. */
  adagrad: (learningRate = 0.01, initialAccumulatorValue: 0 = 0): Optimizer => {
    if (initialAccumulatorValue !== 0) throw wrongValue("train.adagrad: initialAccumulatorValue", "0", initialAccumulatorValue, "Sums of squares start at 0 here");
    return adagrad({ learningRate });
  },
};

const losses = {
  meanSquaredError: "meanSquaredError", mse: "meanSquaredError", meanAbsoluteError: "meanAbsoluteError", mae: "meanAbsoluteError", binaryCrossentropy: "binaryCrossEntropy",
  categoricalCrossentropy: "crossEntropy", sparseCategoricalCrossentropy: "crossEntropy", hinge: "hinge", kullbackLeiblerDivergence: "klDivergence", poisson: "poisson", logcosh: "logCosh",
} as const satisfies Record<string, LossName>;
const metricNames = { accuracy: "accuracy", acc: "accuracy", mse: "meanSquaredError", meanSquaredError: "meanSquaredError", mae: "meanAbsoluteError", meanAbsoluteError: "meanAbsoluteError" } as const satisfies Record<string, Metric>;
type LossKey = keyof typeof losses;
type MetricKey = keyof typeof metricNames;

export interface FitArguments {
  batchSize?: number;
  epochs?: number;
  shuffle?: boolean;
  validationSplit?: number;
  validationData?: readonly [Data, Data];
  callbacks?: { onEpochEnd?(epoch: number, logs: Record<string, number>): void | Promise<void> };
  /** Taken and left alone: nothing is printed. */
  verbose?: number;
}

/** What fit resolves to: each measure by epoch. */
export interface FitHistory {
  readonly epoch: readonly number[];
  readonly history: Record<string, number[]>;
}

/** A stack of layers. Made by `sequential` or `loadLayersModel`. */
export class Sequential {
  /** The network, once the model is built. */
  network: Network | undefined;
  private readonly stack: Layer[] = [];
  private compiled: { optimizer: Optimizer | "adam"; loss: LossName; metrics: readonly MetricKey[] } | undefined;

  constructor(private readonly seed: number) {}

  add(layer: Layer): void {
    if (!isPlainObject(layer) || !isPlainObject((layer as { spec?: unknown }).spec)) throw wrongKind("add: layer", "a layer made by layers.dense, layers.dropout or layers.batchNormalization", layer);
    if (this.network !== undefined) throw new Error("add: expected a model that is not built yet. Add layers before fit or build");
    if (this.stack.length === 0 && layer.inputs === undefined) throw new TypeError(refusal("add: layer", "inputShape in the first layer", "none", "Write inputShape: [inputs]"));
    this.stack.push(layer);
  }

  /** Makes the network with fresh weights, unless it is there. */
  async build(): Promise<void> {
    if (this.network !== undefined) return;
    if (this.stack.length === 0) throw new Error("build: expected a model with layers, got none. Add one");
    this.network = await Network.create({ inputs: this.stack[0].inputs!, layers: this.stack.map(({ spec }) => spec), seed: this.seed });
  }

  compile(options: { optimizer: Optimizer | keyof typeof train; loss: LossKey; metrics?: readonly MetricKey[] | MetricKey }): void {
    const { optimizer, loss, metrics = [] } = checkKeys("compile", options, ["optimizer", "loss", "metrics"]);
    const chosen = typeof optimizer === "string" ? train[checkName("compile: optimizer", optimizer, Object.keys(train) as (keyof typeof train)[])]() : optimizer;
    if (!isPlainObject(chosen)) throw wrongKind("compile: optimizer", "an optimizer or its name", optimizer);
    const list = (isArray(metrics) ? metrics : [metrics]).map((metric, i) => checkName(`compile: metrics[${i}]`, metric, Object.keys(metricNames) as MetricKey[]));
    this.compiled = { optimizer: chosen as unknown as Optimizer, loss: losses[checkName("compile: loss", loss, Object.keys(losses) as LossKey[])], metrics: list };
  }

  async fit(xs: Data, ys: Data, options: FitArguments = {}): Promise<FitHistory> {
    const { optimizer, loss, metrics } = this.settings("fit");
    const { batchSize = 32, epochs = 1, shuffle = true, validationSplit, validationData, callbacks, verbose: _ } = checkKeys("fit", options, ["batchSize", "epochs", "shuffle", "validationSplit", "validationData", "callbacks", "verbose"]) as FitArguments;
    const [x, y] = [flat(xs, "fit: x"), flat(ys, "fit: y")];
    if (validationData !== undefined && (!isArray(validationData) || validationData.length !== 2)) throw wrongKind("fit: validationData", "[x, y]", validationData);
    await this.build();
    const history: Record<string, number[]> = {};
    const epoch: number[] = [];
    const onEpochEnd = callbacks?.onEpochEnd;
    await this.network!.fit(x, y, {
      epochs, batchSize, shuffle, optimizer, loss, metrics: metrics.map((name) => metricNames[name]), ...(validationSplit === undefined ? {} : { validationSplit }),
      ...(validationData === undefined ? {} : { validationData: [flat(validationData[0], "fit: validationData[0]"), flat(validationData[1], "fit: validationData[1]")] }),
      async onEpoch(report) {
        const logs: Record<string, number> = { loss: report.loss };
        for (const name of metrics) logs[logName(name)] = report.metrics[metricNames[name]];
        if (report.validation !== undefined) {
          logs.val_loss = report.validation.loss;
          for (const name of metrics) logs[`val_${logName(name)}`] = report.validation.metrics[metricNames[name]];
        }
        for (const [key, value] of Object.entries(logs)) (history[key] ??= []).push(value);
        epoch.push(report.epoch - 1);
        await onEpochEnd?.(report.epoch - 1, logs);
      },
    });
    return { epoch, history };
  }

  /** The loss, or an array of the loss and the metrics that compile named. */
  evaluate(xs: Data, ys: Data): number | number[] {
    const { loss, metrics } = this.settings("evaluate");
    const { loss: value, metrics: measured } = this.built("evaluate").evaluate(flat(xs, "evaluate: x"), flat(ys, "evaluate: y"), { loss, metrics: metrics.map((name) => metricNames[name]) });
    return metrics.length === 0 ? value : [value, ...metrics.map((name) => measured[metricNames[name]])];
  }

  predict(xs: Data): Output {
    const network = this.built("predict");
    const output = network.predict(flat(xs, "predict: x"));
    return new Output(output, [output.length / network.outputs, network.outputs]);
  }

  /** Prints the layers. */
  summary(): void {
    console.log(this.built("summary").summary());
  }

  private built(subject: string): Network {
    if (this.network === undefined) throw new Error(`${subject}: expected a model with weights, got one that is not built. Await model.build() or model.fit(…) first`);
    return this.network;
  }

  private settings(subject: string) {
    if (this.compiled === undefined) throw new Error(`${subject}: expected a compiled model. Call model.compile({ optimizer, loss }) first`);
    return this.compiled;
  }
}

const logName = (metric: MetricKey): string => (metric === "accuracy" ? "acc" : metric);

/** Rows, or the numbers of a tensor with its shape behind the samples left out of account. */
function flat(data: Data, subject: string): readonly number[] | readonly (readonly number[])[] | Float32Array {
  if (isArray(data) || typedArrayName(data) !== undefined) return data as readonly number[];
  if (typeof (data as Partial<TensorLike> | null | undefined)?.dataSync !== "function") throw wrongKind(subject, "rows of numbers, or a tensor", data);
  return Float32Array.from((data as TensorLike).dataSync());
}

/** A model of those layers, or an empty one. `seed` draws the weights. */
export function sequential(options: { layers?: readonly Layer[]; name?: string; seed?: number } = {}): Sequential {
  const { layers: given = [], seed = 0 } = checkKeys("sequential", options, ["layers", "name", "seed"]);
  if (!isArray(given)) throw wrongKind("sequential: layers", "an array of layers", given);
  const model = new Sequential(checkInteger("sequential: seed", seed, 0, Number.MAX_SAFE_INTEGER));
  for (const layer of given) model.add(layer as Layer);
  return model;
}

// ---- layers models ----

/** What TensorFlow.js' handlers load. */
export interface ModelArtifacts {
  readonly modelTopology?: unknown;
  readonly weightSpecs?: unknown;
  readonly weightData?: ArrayBuffer | readonly ArrayBuffer[];
}

type JSONObject = Readonly<Record<string, unknown>>;

function refuse(place: string, expected: string, value: unknown, code = "notLayersModel"): never {
  throw new ModelFormatError(code, refusal(`loadLayersModel: ${place}`, expected, describeValue(value)));
}

function objectAt(value: unknown, place: string): JSONObject {
  return isPlainObject(value) ? (value as JSONObject) : refuse(place, "an object", value);
}

function listAt(value: unknown, place: string): readonly unknown[] {
  return isArray(value) ? value : refuse(place, "a list", value);
}

/**
 * A sequential model that TensorFlow.js or its converter wrote as a layers model.
 * @param source the address of model.json, whose shards lie beside it (fetch); or model.json as it is parsed, with `shard`; or a handler with load()
 * @param shard the bytes of a shard by its path in model.json
 * @throws {ModelFormatError} for a model with other layers, or weights that do not fit
 * @example await loadLayersModel(JSON.parse(await readFile("model/model.json", "utf8")), (path) => readFile(`model/${path}`))
 */
export async function loadLayersModel(
  source: string | URL | object | { load(): Promise<ModelArtifacts> }, shard?: (path: string) => Uint8Array | ArrayBuffer | Promise<Uint8Array | ArrayBuffer>,
): Promise<Sequential> {
  if (typeof source === "string" || source instanceof URL) {
    const address = addressOf(source);
    return loadLayersModel(parsed(await (await fetched(address)).text(), address), async (path) => (await fetched(new URL(path, address))).arrayBuffer());
  }
  if (typeof source !== "object" || source === null) throw wrongKind("loadLayersModel: source", "an address, the object of model.json or a handler", source);
  if ("load" in source && typeof source.load === "function") {
    const { modelTopology, weightSpecs, weightData = [] } = await (source as { load(): Promise<ModelArtifacts> }).load();
    const parts = isArray(weightData) ? (weightData as readonly ArrayBuffer[]) : [weightData as ArrayBuffer];
    return build(modelTopology, readWeights(listAt(weightSpecs, "weightSpecs"), joined(parts.map((part) => new Uint8Array(part)))));
  }
  const { modelTopology, weightsManifest, format = "layers-model" } = objectAt(source, "model.json");
  if (format !== "layers-model") refuse("format", "'layers-model'", format);
  const weights = new Map<string, Weight>();
  for (const [i, group] of listAt(weightsManifest, "weightsManifest").entries()) {
    const { paths, weights: specs } = objectAt(group, `weightsManifest[${i}]`);
    const names = listAt(paths, `weightsManifest[${i}].paths`);
    if (shard === undefined) throw new TypeError(refusal("loadLayersModel: shard", "a function that gives the bytes of a shard", "none", 'Write (path) => readFile("folder/" + path)'));
    const parts = await Promise.all(names.map(async (path) => bytesOf(await shard(typeof path === "string" ? path : refuse(`weightsManifest[${i}].paths`, "texts", path)), String(path))));
    for (const [name, weight] of readWeights(listAt(specs, `weightsManifest[${i}].weights`), joined(parts))) weights.set(name, weight);
  }
  return build(modelTopology, weights);
}

/** @throws {TypeError} for a text that is no address */
function addressOf(source: string | URL): URL {
  try {
    return new URL(source, typeof location === "undefined" ? undefined : location.href);
  } catch {
    throw wrongKind("loadLayersModel: source", "an address", source, "Of a file give model.json as it is parsed, and a function that reads a shard");
  }
}

async function fetched(address: URL): Promise<Response> {
  const response = await fetch(address).catch((cause: unknown) => {
    throw new Error(refusal(`loadLayersModel: ${address}`, "an answer", "none"), { cause });
  });
  if (!response.ok) throw new Error(refusal(`loadLayersModel: ${address}`, "an answer", `${response.status}`));
  return response;
}

/** @throws {ModelFormatError} for what is no JSON */
function parsed(text: string, address: URL): object {
  try {
    return JSON.parse(text) as object;
  } catch {
    return refuse(`${address}`, "JSON", text, "invalidJSON");
  }
}

function bytesOf(value: unknown, path: string): Uint8Array {
  if (typedArrayName(value) === "Uint8Array") return value as Uint8Array;
  if (Object.prototype.toString.call(value) === "[object ArrayBuffer]") return new Uint8Array(value as ArrayBuffer);
  throw wrongKind(`loadLayersModel: shard ${describeValue(path)}`, "a Uint8Array or an ArrayBuffer", value);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

interface Weight {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

/** Weights follow each other without a hole, f32 alone. */
function readWeights(specs: readonly unknown[], bytes: Uint8Array): Map<string, Weight> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const weights = new Map<string, Weight>();
  let offset = 0;
  specs.forEach((given, i) => {
    const { name, shape, dtype, quantization } = objectAt(given, `weights[${i}]`);
    if (typeof name !== "string") refuse(`weights[${i}].name`, "a text", name);
    if (dtype !== "float32" || quantization !== undefined) refuse(`weight ${describeValue(name)}`, "float32 without quantization", quantization === undefined ? dtype : "quantized");
    const sizes = listAt(shape, `weight ${describeValue(name)}, shape`);
    if (!sizes.every((size) => Number.isInteger(size) && (size as number) >= 0)) refuse(`weight ${describeValue(name)}, shape`, "sizes from 0 up", shape);
    const length = (sizes as readonly number[]).reduce((a, b) => a * b, 1);
    if (offset + 4 * length > bytes.length) refuse(`weight ${describeValue(name)}`, `${4 * length} bytes in the shards`, bytes.length - offset);
    weights.set(name, { shape: sizes as readonly number[], data: Float64Array.from({ length }, (_, k) => view.getFloat32(offset + 4 * k, true)) });
    offset += 4 * length;
  });
  if (offset !== bytes.length) refuse("the shards", `${offset} bytes`, bytes.length);
  return weights;
}

/** snake_case of Keras and camelCase of TensorFlow.js name the same. */
const camel = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

async function build(topology: unknown, weights: ReadonlyMap<string, Weight>): Promise<Sequential> {
  const outer = objectAt(topology, "modelTopology");
  const model = outer.model_config === undefined ? outer : objectAt(outer.model_config, "model_config");
  if (model.class_name !== "Sequential") refuse("modelTopology", "a Sequential model", model.class_name, "unsupportedLayer");
  const list = isArray(model.config) ? model.config : listAt(objectAt(model.config, "config").layers, "config.layers");
  let value: Batch | undefined;
  let spent = 0;
  const used = new Set<string>();
  for (const [i, given] of list.entries()) {
    const { class_name: kind, config } = objectAt(given, `layers[${i}]`);
    const options = objectAt(config, `layers[${i}].config`);
    const place = `loadLayersModel: layer ${describeValue(options.name ?? i)} (${typeof kind === "string" ? kind : "?"})`;
    if (value === undefined) {
      const shape = options.batch_input_shape ?? options.batch_shape;
      const sizes = listAt(shape, `layers[${i}].config.batch_input_shape`).slice(1);
      if (sizes.length === 0 || !sizes.every((size) => Number.isInteger(size) && (size as number) > 0 && (size as number) <= 2 ** 24)) refuse(`layers[${i}].config.batch_input_shape`, "fixed sizes behind the batch", shape);
      value = { kind: "batch", atom: { kind: "input" }, terms: [0, 1], shape: sizes as readonly number[], transposed: false };
    }
    const take = (name: string, ...shape: number[]): Float64Array => {
      const key = [...weights.keys()].find((each) => each === `${options.name}/${name}` || each.endsWith(`/${options.name}/${name}`));
      const weight = key === undefined ? undefined : weights.get(key);
      if (weight === undefined) throw new ModelFormatError("missingWeight", `${place}: expected a weight '${name}', got none`);
      if (weight.shape.join() !== shape.join()) throw new ModelFormatError("wrongShape", `${place}: expected '${name}' of [${shape.join(", ")}], got [${weight.shape.join(", ")}]`);
      used.add(key!);
      return weight.data;
    };
    value = addLayer(value, String(kind), options, place, take);
    if (++spent > 4000) refuse("the layers", "at most 4000", list.length);
  }
  if (value === undefined) refuse("config.layers", "a layer at least", list);
  for (const name of weights.keys()) if (!used.has(name)) refuse(`weight ${describeValue(name)}`, "a layer that it belongs to", "none");
  let input: Batch = value;
  while (input.atom.kind !== "input") input = input.atom.of;
  const loaded = new Sequential(0);
  loaded.network = await assemble(value, widthOf(input), () => undefined, "loadLayersModel");
  return loaded;
}

function addLayer(x: Batch, kind: string, options: JSONObject, place: string, take: (name: string, ...shape: number[]) => Float64Array): Batch {
  const unsupported = (expected: string, got: string): ModelFormatError => new ModelFormatError("unsupportedLayer", `${place}: expected ${expected}, got ${got}`);
  const width = widthOf(x);
  const last = (axis: unknown): void => {
    const axes = isArray(axis) ? axis : [axis ?? -1];
    if (x.shape.length !== 1 || axes.length !== 1 || (axes[0] !== -1 && axes[0] !== 1)) throw unsupported("the last of two axes", describeValue(axis));
  };
  const number = (name: string, otherwise: number): number => {
    const value = options[name] ?? otherwise;
    if (typeof value !== "number" || !Number.isFinite(value)) throw unsupported(`a finite number as ${name}`, describeValue(value));
    return value;
  };
  const act = (of: Batch, spec: ActivationSpec): Batch => ofAtom(of, { kind: "activation", place, of, spec });
  const activate = (of: Batch, given: unknown): Batch => {
    if (typeof given !== "string") throw unsupported("the name of an activation", describeValue(given));
    const name = camel(given);
    if (name === "linear") return of;
    // Keras' hard sigmoid is clamp(0.2·z + 0.5, 0, 1): six times 0.2 in the weights makes it this library's
    if (name === "hardSigmoid") return ofAtom(of, { kind: "clamp", place, of: { ...of, terms: [0.5, 0.2] }, low: 0, high: 1 });
    const spec = activationSpecs[given] ?? activationSpecs[name];
    if (spec === undefined) throw unsupported(`one of ${activationNames.join(", ")}`, describeValue(given));
    if (spec.name === "softmax") last(-1);
    return act(of, spec);
  };
  switch (kind) {
    case "InputLayer":
      return x;
    case "Flatten":
      return { ...x, shape: [width] };
    case "Dense": {
      if (x.shape.length !== 1) throw unsupported("rows of numbers", `${x.shape.length + 1} dimensions. Flatten them`);
      const units = number("units", 0);
      const data = take("kernel", width, units);
      const bias = options.use_bias === false ? undefined : take("bias", units);
      const atom: Atom = { kind: "dense", place, of: x, inputs: width, units, data, rowStride: 1, columnStride: units, alpha: 1, bias };
      return activate(ofAtom({ shape: [units], transposed: false }, atom), options.activation ?? "linear");
    }
    case "Dropout": {
      const rate = number("rate", 0);
      if (!(rate >= 0 && rate < 1)) throw unsupported("a rate from 0 to below 1", `${rate}`);
      return ofAtom(x, { kind: "dropout", place, of: x, rate });
    }
    case "BatchNormalization": {
      last(options.axis);
      const ones = new Float64Array(width).fill(1);
      return ofAtom(x, {
        kind: "batchNorm", place, of: x, epsilon: number("epsilon", 1e-3), momentum: complement(number("momentum", 0.99)), gain: options.scale === false ? ones : take("gamma", width),
        shift: options.center === false ? new Float64Array(width) : take("beta", width), mean: take("moving_mean", width), variance: take("moving_variance", width),
      });
    }
    case "LayerNormalization":
      last(options.axis);
      return ofAtom(x, {
        kind: "layerNorm", place, of: x, epsilon: number("epsilon", 1e-3), gain: options.scale === false ? undefined : take("gamma", width), shift: options.center === false ? undefined : take("beta", width),
      });
    case "Activation":
      return activate(x, options.activation);
    case "ReLU": {
      const slope = number("negative_slope", 0);
      const bounded = options.max_value !== undefined && options.max_value !== null;
      if (number("threshold", 0) !== 0) throw unsupported("a threshold of 0", describeValue(options.threshold));
      if (bounded && slope !== 0) throw unsupported("max_value or negative_slope", "both");
      if (bounded) return ofAtom(x, { kind: "clamp", place, of: x, low: 0, high: number("max_value", 6) });
      return act(x, slope === 0 ? relu() : leakyRelu({ slope }));
    }
    case "LeakyReLU":
      // Keras 3 calls it negative_slope
      return act(x, leakyRelu({ slope: options.negative_slope === undefined ? number("alpha", 0.3) : number("negative_slope", 0.3) }));
    case "PReLU":
      return ofAtom(x, { kind: "activation", place, of: x, spec: prelu(), slopes: take("alpha", width) });
    case "ELU":
      return act(x, elu({ alpha: number("alpha", 1) }));
    case "Softmax":
      last(options.axis);
      return act(x, softmax());
    default:
      throw unsupported("Dense, Dropout, BatchNormalization, LayerNormalization, an activation, Flatten or InputLayer", describeValue(kind));
  }
}
