// rosenblatt/compat/brain: brain.js' NeuralNetwork on this library, for code that moves over.
//
//   const net = new NeuralNetwork({ hiddenLayers: [3] });
//   await net.train([{ input: [0, 1], output: [1] }, …]);      // brain.js trains at once; here training is awaited
//   net.run([0, 1]);
//
// What is the same: the options that shape a network and its training with their defaults, one activation for all layers, inputs and outputs by number
// or by name, training sample by sample in the order given until the error is small (stochastic descent with momentum on half the squared error),
// toJSON in the form of brain.js 2, and fromJSON of what brain.js 1 and 2 wrote.
// What is not: train, fromJSON and trainAsync return promises; momentum holds for biases too (there for weights alone, so that training goes exactly
// the same way only without); initial weights come from `seed` (0); praxis, recurrent networks, toFunction and the GPU are not there. brain.js 1
// computes leaky-relu as z < 0 ? 0 : alpha·z; its networks come in as what they are, relu with alpha in the weights.
// `network` is the network itself, with all that it can do. github.com/BrainJS/brain.js

import { at, checkFinite, checkFunction, checkInteger, checkKeys, checkName, describeValue, isArray, isPlainObject, ModelFormatError, refusal, typedArrayName, wrongKind } from "../check.js";
import { dense, leakyRelu, Network, sgd, uniform } from "../index.js";
import type { ActivationName, ActivationSpec } from "../index.js";

/** Numbers by place or by name. */
export type Values = readonly number[] | Float32Array | Float64Array | Readonly<Record<string, number>>;
export type BrainActivation = "sigmoid" | "relu" | "leaky-relu" | "tanh";

export interface TrainingDatum {
  readonly input: Values;
  readonly output: Values;
}

export interface NeuralNetworkOptions {
  /** Units of the hidden layers; by default one of max(3, inputs / 2). */
  hiddenLayers?: number[];
  /** Of all layers, the output among them; "sigmoid". */
  activation?: BrainActivation;
  /** Of "leaky-relu"; 0.01. */
  leakyReluAlpha?: number;
  /** Known from the data where they are left out. */
  inputSize?: number;
  outputSize?: number;
  learningRate?: number;
  momentum?: number;
  iterations?: number;
  errorThresh?: number;
  binaryThresh?: number;
  /** What initial weights are drawn from, an integer from 0; 0. */
  seed?: number;
}

export interface TrainingOptions {
  /** At most so many rounds over the data; 20000. */
  iterations?: number;
  /** Training ends when the mean squared error of a round is at most this; 0.005. */
  errorThresh?: number;
  /** 0.3. */
  learningRate?: number;
  /** 0.1. */
  momentum?: number;
  /** Milliseconds; Infinity. */
  timeout?: number;
  log?: boolean | ((status: TrainingStatus) => void);
  logPeriod?: number;
  callback?: (status: TrainingStatus) => void;
  callbackPeriod?: number;
}

export interface TrainingStatus {
  readonly error: number;
  readonly iterations: number;
}

type Lookup = ReadonlyMap<string, number>;

const activationNames = ["sigmoid", "relu", "leaky-relu", "tanh"] as const;
const trainingKeys = ["iterations", "errorThresh", "learningRate", "momentum", "timeout", "log", "logPeriod", "callback", "callbackPeriod"];
const MOST = 2 ** 31 - 1;

/** brain.js draws weights and biases evenly between these. */
const INITIAL = 0.2;

function checkTraining(subject: string, given: Record<string, unknown>) {
  const { iterations = 20000, errorThresh = 0.005, learningRate = 0.3, momentum = 0.1, timeout = Infinity, log = false, logPeriod = 10, callback, callbackPeriod = 10 } = given;
  if (typeof log !== "boolean" && typeof log !== "function") throw wrongKind(at(subject, "log"), "true, false or a function", log);
  if (timeout !== Infinity) checkFinite(at(subject, "timeout"), timeout, { above: 0 });
  return {
    iterations: checkInteger(at(subject, "iterations"), iterations, 1, MOST),
    errorThresh: checkFinite(at(subject, "errorThresh"), errorThresh, { min: 0 }),
    learningRate: checkFinite(at(subject, "learningRate"), learningRate, { above: 0 }),
    momentum: checkFinite(at(subject, "momentum"), momentum, { min: 0, below: 1 }),
    timeout: timeout as number,
    log: log === true ? (status: TrainingStatus) => console.log(`iterations: ${status.iterations}, training error: ${status.error}`) : log === false ? undefined : (log as (status: TrainingStatus) => void),
    logPeriod: checkInteger(at(subject, "logPeriod"), logPeriod, 1, MOST),
    callback: callback === undefined ? undefined : checkFunction<(status: TrainingStatus) => void>(at(subject, "callback"), callback),
    callbackPeriod: checkInteger(at(subject, "callbackPeriod"), callbackPeriod, 1, MOST),
  };
}

const inUnit = (value: unknown): boolean => typeof value === "number" && value > 0 && value < 1;

/**
 * The options of training that brain.js' fromJSON takes: it has no function, writes an infinite timeout as a text, and refuses
 * a file with a rate, momentum or threshold that is not above 0 and below 1; such a one is left out, and brain.js' default is in its place.
 */
function trainOptsOf(training: Record<string, unknown>): Record<string, unknown> {
  const { timeout = Infinity, ...others } = training;
  const taken = Object.entries(others).filter(([key, value]) => {
    if (typeof value === "function") return false;
    return !["errorThresh", "learningRate", "momentum"].includes(key) || inUnit(value);
  });
  return { ...Object.fromEntries(taken), timeout: timeout === Infinity ? "Infinity" : timeout };
}

/** A feed-forward network as brain.js has it. */
export class NeuralNetwork {
  /** The network behind it, once it is trained or loaded. */
  network: Network | undefined;
  private readonly options: { hiddenLayers: number[] | undefined; activation: BrainActivation; alpha: number; inputSize: number | undefined; outputSize: number | undefined; binaryThresh: number; seed: number };
  private readonly training: Record<string, unknown>;
  private inputLookup: Lookup | undefined;
  private outputLookup: Lookup | undefined;

  /** @throws {TypeError | RangeError} for options that are not allowed */
  constructor(options: NeuralNetworkOptions = {}) {
    const given = checkKeys("NeuralNetwork", options, ["hiddenLayers", "activation", "leakyReluAlpha", "inputSize", "outputSize", "binaryThresh", "seed", ...trainingKeys]);
    const { hiddenLayers, activation = "sigmoid", leakyReluAlpha = 0.01, inputSize, outputSize, binaryThresh = 0.5, seed = 0 } = given;
    if (hiddenLayers !== undefined && !isArray(hiddenLayers)) throw wrongKind("NeuralNetwork: hiddenLayers", "an array of numbers of units", hiddenLayers);
    const size = (name: string, value: unknown): number | undefined => (value === undefined || value === 0 ? undefined : checkInteger(`NeuralNetwork: ${name}`, value, 1, 2 ** 24));
    this.options = {
      hiddenLayers: hiddenLayers?.map((units, i) => checkInteger(`NeuralNetwork: hiddenLayers[${i}]`, units, 1, 2 ** 24)),
      activation: checkName("NeuralNetwork: activation", activation, activationNames),
      alpha: checkFinite("NeuralNetwork: leakyReluAlpha", leakyReluAlpha),
      inputSize: size("inputSize", inputSize), outputSize: size("outputSize", outputSize),
      binaryThresh: checkFinite("NeuralNetwork: binaryThresh", binaryThresh),
      seed: checkInteger("NeuralNetwork: seed", seed, 0, Number.MAX_SAFE_INTEGER),
    };
    this.training = Object.fromEntries(trainingKeys.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])));
    checkTraining("NeuralNetwork", this.training);
  }

  /**
   * Trains on the samples in their order, one at a time, round after round. The first call makes the network. Unlike brain.js' it returns a promise.
   * @returns the mean squared error of the last round and the number of rounds
   * @throws {TypeError | RangeError} for samples or options that are not allowed, before anything is trained
   */
  async train(data: TrainingDatum | readonly TrainingDatum[], options: TrainingOptions = {}): Promise<TrainingStatus> {
    const { iterations, errorThresh, learningRate, momentum, timeout, log, logPeriod, callback, callbackPeriod } = checkTraining("train", { ...this.training, ...checkKeys("train", options, trainingKeys) });
    const samples = (isArray(data) ? data : [data]) as readonly TrainingDatum[];
    if (samples.length === 0) throw new RangeError(refusal("train: data", "a sample at least", "none"));
    samples.forEach((sample, i) => {
      if (!isPlainObject(sample) || sample.input === undefined || sample.output === undefined) throw wrongKind(`train: data[${i}]`, "{ input, output }", sample);
    });
    const fresh = this.network === undefined;
    const inputLookup = fresh ? lookupOf(samples.map(({ input }) => input)) : this.inputLookup;
    const outputLookup = fresh ? lookupOf(samples.map(({ output }) => output)) : this.outputLookup;
    const inputs = this.network?.inputs ?? inputLookup?.size ?? this.options.inputSize ?? lengthOf(samples[0].input);
    const outputs = this.network?.outputs ?? outputLookup?.size ?? this.options.outputSize ?? lengthOf(samples[0].output);
    const rows = samples.map(({ input }, i) => rowOf(input, inputLookup, inputs, `train: data[${i}].input`));
    const targets = samples.map(({ output }, i) => rowOf(output, outputLookup, outputs, `train: data[${i}].output`));
    const network = this.network ?? (await this.create([inputs, ...(this.options.hiddenLayers ?? [Math.max(3, Math.floor(inputs / 2))]), outputs]));
    const end = performance.now() + timeout;
    let status: TrainingStatus = { error: 1, iterations: 0 };
    [this.inputLookup, this.outputLookup] = [inputLookup, outputLookup];
    this.network = network;
    network.resetOptimizer();
    await network.fit(rows, targets, {
      // (p − t) is the gradient of half the squared error; that of the mean over outputs is 2/outputs of it
      optimizer: sgd({ learningRate: (learningRate * outputs) / 2, momentum }), loss: "meanSquaredError", batchSize: 1, shuffle: false, epochs: iterations, metrics: [],
      onEpoch: ({ epoch, loss }) => {
        status = { error: loss, iterations: epoch };
        if (epoch % logPeriod === 0) log?.(status);
        if (epoch % callbackPeriod === 0) callback?.(status);
        return loss > errorThresh && performance.now() < end ? undefined : false;
      },
    });
    return status;
  }

  /** The same as `train`. */
  trainAsync(data: TrainingDatum | readonly TrainingDatum[], options: TrainingOptions = {}): Promise<TrainingStatus> {
    return this.train(data, options);
  }

  /** The outputs for one input: a Float32Array, or an object where the outputs have names. Names that the network does not know are ignored, missing ones are 0. */
  run(input: Values): Float32Array | Record<string, number> {
    const { network } = this;
    if (network === undefined) throw new Error("run: expected a trained network, got one without weights. Await train or fromJSON first");
    const output = network.predict(rowOf(input, this.inputLookup, network.inputs, "run: input"));
    return this.outputLookup === undefined ? output : Object.fromEntries([...this.outputLookup].map(([name, i]) => [name, output[i]]));
  }

  /** The network as brain.js 2 writes it, for its fromJSON too. */
  toJSON(): Record<string, unknown> {
    const { network, options, inputLookup, outputLookup } = this;
    if (network === undefined) throw new Error("toJSON: expected a trained network, got one without weights. Await train or fromJSON first");
    const layers = network.layers.map(({ inputs, units, weights, biases }) => ({
      weights: Array.from({ length: units }, (_, j) => [...weights.subarray(j * inputs, (j + 1) * inputs)]), biases: [...biases],
    }));
    const sizes = [network.inputs, ...network.layers.map(({ units }) => units)];
    return {
      type: "NeuralNetwork", sizes, layers: [{ weights: [], biases: [] }, ...layers],
      inputLookup: inputLookup === undefined ? null : Object.fromEntries(inputLookup), inputLookupLength: inputLookup?.size ?? 0,
      outputLookup: outputLookup === undefined ? null : Object.fromEntries(outputLookup), outputLookupLength: outputLookup?.size ?? 0,
      options: { inputSize: network.inputs, outputSize: network.outputs, binaryThresh: options.binaryThresh, activation: options.activation, hiddenLayers: sizes.slice(1, -1), leakyReluAlpha: options.alpha },
      trainOpts: { ...trainOptsOf(this.training), activation: options.activation, ...(inUnit(options.alpha) ? { leakyReluAlpha: options.alpha } : {}) },
    };
  }

  /**
   * Takes over a network that brain.js 1 or 2 wrote (toJSON), and is it from then on. Where the file does not tell leakyReluAlpha (brain.js 1), it is this network's.
   * @throws {ModelFormatError} for anything else; nothing has changed then
   */
  async fromJSON(json: object): Promise<this> {
    const { sizes, layers, activation, alpha, inputLookup, outputLookup } = readJSON(json, this.options.alpha);
    this.options.activation = activation;
    this.options.alpha = alpha;
    const network = await this.create(sizes);
    network.layers.forEach((layer, i) => {
      layer.weights.set(layers[i].weights);
      layer.biases.set(layers[i].biases);
    });
    this.options.hiddenLayers = sizes.slice(1, -1);
    [this.network, this.inputLookup, this.outputLookup] = [network, inputLookup, outputLookup];
    return this;
  }

  private create([inputs, ...units]: readonly number[]): Promise<Network> {
    const { activation, alpha, seed } = this.options;
    const spec: ActivationName | ActivationSpec = activation === "leaky-relu" ? leakyRelu({ slope: alpha }) : activation;
    const init = uniform(-INITIAL, INITIAL);
    return Network.create({ inputs, layers: units.map((count) => dense(count, { activation: spec, weightInit: init, biasInit: init })), seed });
  }
}

const isList = (values: unknown): values is readonly number[] => isArray(values) || typedArrayName(values) !== undefined;

/** The names of all, in the order in which they come; none where values have places. */
function lookupOf(all: readonly Values[]): Lookup | undefined {
  if (all.every(isList)) return undefined;
  const lookup = new Map<string, number>();
  for (const values of all) {
    for (const name of isPlainObject(values) ? Object.keys(values) : []) if (!lookup.has(name)) lookup.set(name, lookup.size);
  }
  return lookup;
}

function lengthOf(values: Values): number {
  return isList(values) ? values.length : Object.keys(values).length;
}

function rowOf(values: Values, lookup: Lookup | undefined, width: number, subject: string): Float32Array {
  const row = new Float32Array(width);
  if (lookup === undefined) {
    if (!isList(values)) throw wrongKind(subject, `${width} numbers in a list, as in the training data`, values);
    if (values.length !== width) throw new RangeError(refusal(subject, `${width} numbers`, `${values.length}`));
    for (let i = 0; i < width; i++) row[i] = checkFinite(`${subject}[${i}]`, values[i]);
    return row;
  }
  if (!isPlainObject(values)) throw wrongKind(subject, "an object of numbers by name, as in the training data", values);
  for (const [name, i] of lookup) if (Object.hasOwn(values, name)) row[i] = checkFinite(`${subject}[${describeValue(name)}]`, values[name]);
  return row;
}

// ---- the files of brain.js ----

interface Read {
  readonly sizes: readonly number[];
  readonly layers: readonly { readonly weights: Float32Array; readonly biases: Float32Array }[];
  readonly activation: BrainActivation;
  readonly alpha: number;
  readonly inputLookup: Lookup | undefined;
  readonly outputLookup: Lookup | undefined;
}

function refuse(place: string, expected: string, value: unknown): never {
  throw new ModelFormatError("notBrain", refusal(`fromJSON: ${place}`, expected, describeValue(value)));
}

type JSONObject = Readonly<Record<string, unknown>>;

function objectAt(value: unknown, place: string): JSONObject {
  return isPlainObject(value) ? (value as JSONObject) : refuse(place, "an object", value);
}

function readJSON(json: unknown, alphaGiven: number): Read {
  const file = objectAt(json, "the network");
  const { sizes, layers, type = "NeuralNetwork" } = file;
  if (type !== "NeuralNetwork" && type !== "NeuralNetworkGPU") refuse("type", "'NeuralNetwork'", type);
  if (!isArray(sizes) || sizes.length < 2 || !sizes.every((size) => Number.isInteger(size) && (size as number) >= 1)) refuse("sizes", "the units of each layer, input first", sizes);
  if (!isArray(layers) || layers.length !== sizes.length) refuse("layers", `${sizes.length} layers`, layers);
  const widths = sizes as readonly number[];
  const training = file.trainOpts === undefined ? {} : objectAt(file.trainOpts, "trainOpts");
  const options = file.options === undefined ? {} : objectAt(file.options, "options");
  const activation = (training.activation ?? options.activation ?? file.activation ?? "sigmoid") as BrainActivation;
  if (!activationNames.includes(activation)) refuse("activation", "sigmoid, relu, leaky-relu or tanh", activation);
  const alpha = training.leakyReluAlpha ?? options.leakyReluAlpha ?? alphaGiven;
  if (typeof alpha !== "number" || !Number.isFinite(alpha)) refuse("leakyReluAlpha", "a finite number", alpha);
  const second = layers.slice(1).every((layer) => isPlainObject(layer) && isArray(layer.weights));
  const read = second
    ? widths.slice(1).map((units, i) => readSecond(objectAt(layers[i + 1], `layers[${i + 1}]`), units, widths[i], `layers[${i + 1}]`))
    : widths.slice(1).map((units, i) => readFirst(objectAt(layers[i + 1], `layers[${i + 1}]`), Object.keys(objectAt(layers[i], `layers[${i}]`)), units, widths[i], `layers[${i + 1}]`));
  // what brain.js 1 calls leaky-relu is relu(alpha·z) for an alpha from 0 up
  const leaky = activation !== "leaky-relu" || second;
  if (!leaky && alpha < 0) refuse("leakyReluAlpha", "a number from 0 up", alpha);
  const scaled = leaky ? read : read.map(({ weights, biases }) => ({ weights: weights.map((weight) => weight * alpha), biases: biases.map((bias) => bias * alpha) }));
  const named = (lookup: unknown, layer: unknown, width: number, place: string): Lookup | undefined => {
    if (lookup === undefined || lookup === null || lookup === false) return undefined;
    const entries = lookup === true ? Object.keys(objectAt(layer, place)).map((name, i) => [name, i] as const) : Object.entries(objectAt(lookup, place));
    const places = new Set(entries.map(([, i]) => i));
    if (entries.length !== width || places.size !== width || ![...places].every((i) => Number.isInteger(i) && (i as number) >= 0 && (i as number) < width)) refuse(place, `${width} names with places of their own`, lookup);
    return new Map(entries as readonly (readonly [string, number])[]);
  };
  return {
    sizes: widths, layers: scaled, activation: leaky ? activation : "relu", alpha,
    inputLookup: named(file.inputLookup, layers[0], widths[0], "inputLookup"),
    outputLookup: named(file.outputLookup, layers[layers.length - 1], widths[widths.length - 1], "outputLookup"),
  };
}

function numberAt(value: unknown, place: string): number {
  if (typeof value !== "number" || !Number.isFinite(Math.fround(value))) refuse(place, "a number that is finite in f32", value);
  return value;
}

/** { weights: [[…], …], biases: […] } */
function readSecond({ weights, biases }: JSONObject, units: number, inputs: number, place: string) {
  if (!isArray(weights) || weights.length !== units) refuse(`${place}.weights`, `${units} rows`, weights);
  const bias = isArray(biases) ? biases : Object.values(objectAt(biases, `${place}.biases`));
  if (bias.length !== units) refuse(`${place}.biases`, `${units} numbers`, biases);
  return {
    weights: Float32Array.from(weights.flatMap((row, j) => {
      const values = isArray(row) ? row : Object.values(objectAt(row, `${place}.weights[${j}]`));
      if (values.length !== inputs) refuse(`${place}.weights[${j}]`, `${inputs} numbers`, row);
      return values.map((value, k) => numberAt(value, `${place}.weights[${j}][${k}]`));
    })),
    biases: Float32Array.from(bias, (value, j) => numberAt(value, `${place}.biases[${j}]`)),
  };
}

/** { name: { bias, weights: { name: number, … } }, … } */
function readFirst(layer: JSONObject, before: readonly string[], units: number, inputs: number, place: string) {
  const nodes = Object.entries(layer);
  if (nodes.length !== units) refuse(place, `${units} units`, layer);
  if (before.length !== inputs) refuse(place, `${inputs} units before it`, before);
  const weights = new Float32Array(units * inputs);
  const biases = new Float32Array(units);
  nodes.forEach(([name, value], j) => {
    const node = objectAt(value, `${place}[${describeValue(name)}]`);
    const given = objectAt(node.weights, `${place}[${describeValue(name)}].weights`);
    if (Object.keys(given).length !== inputs) refuse(`${place}[${describeValue(name)}].weights`, `${inputs} numbers`, given);
    biases[j] = numberAt(node.bias, `${place}[${describeValue(name)}].bias`);
    before.forEach((source, k) => {
      weights[j * inputs + k] = numberAt(Object.hasOwn(given, source) ? given[source] : undefined, `${place}[${describeValue(name)}].weights[${describeValue(source)}]`);
    });
  });
  return { weights, biases };
}
