/// <reference lib="esnext.disposable" preserve="true" />
// Network: the one class that users hold. It checks its arguments, delegates, and computes nothing itself.

import { at, checkBoolean, checkInteger, checkKeys, typedArrayName, wrongKind } from "./check.js";
import type { Diagnosis } from "./describe/diagnosis.js";
import type { FitOptions, History } from "./describe/fit.js";
import { checkCustomList, formatActivation } from "./describe/activations.js";
import type { CustomActivation } from "./describe/customActivation.js";
import { activationOf, checkNetwork } from "./describe/layers.js";
import type { LayerKind, NetworkOptions } from "./describe/layers.js";
import { checkLossFits, decisionRule, isClassifierLoss, resolveLoss } from "./describe/losses.js";
import type { Loss, LossName } from "./describe/losses.js";
import { resolveMetrics } from "./describe/metrics.js";
import type { Metric } from "./describe/metrics.js";
import { readyFor } from "./engine/core.js";
import { availableThreads } from "./engine/pool.js";
import { checkPreparation, checkSavable, loadModel, saveModel } from "./files/model.js";
import { moduleSource } from "./files/module.js";
import { PORTABLE, portableLayer } from "./files/portable.js";
import type { Portable } from "./files/portable.js";
import { diagnoseRows, diagnosisSource } from "./inspect/diagnosis.js";
import { evaluateRows, gradientRows, predictInto, readerSource, targetRows, traceRows } from "./inspect/inference.js";
import type { LayerGradients, LayerTrace } from "./inspect/inference.js";
import { explainNeuron } from "./inspect/neuron.js";
import type { Neuron } from "./inspect/neuron.js";
import { initialise } from "./initialise.js";
import { formatSummary } from "./inspect/summary.js";
import { Model, checkPlan } from "./model.js";
import type { LayerShape, Run } from "./plan/layout.js";
import { finish } from "./pieces.js";
import { checkSamples, openSamples } from "./samples.js";
import type { Samples, Targets } from "./samples.js";
import { trainBatch } from "./train/batch.js";
import type { BatchOptions } from "./train/batch.js";
import { fit } from "./train/fit.js";
import type { ChunkSource } from "./train/source.js";
import { evaluateMetrics } from "./train/metrics.js";
import { checkData, outputActivation } from "./train/prepare.js";
import { freshProgress } from "./progress.js";

/** What `evaluate` returns. */
export interface Evaluation {
  readonly loss: number;
  readonly metrics: Record<string, number>;
}

/** One layer of a network. Its arrays are live views: writing into one changes the network. A view held over a `fit` may have to be taken again. */
export interface Layer {
  readonly kind: LayerKind;
  readonly inputs: number;
  readonly units: number;
  /** The name of the activation; "linear" for a layer that is not dense. */
  readonly activation: string;
  /** Dense: units × inputs, row-major: row j is neuron j. Empty for other layers. */
  readonly weights: Float32Array;
  /** Dense: `units` numbers. Empty for a layer without biases. */
  readonly biases: Float32Array;
  /** PReLU: a slope for each unit, or one where it is shared. */
  readonly slopes?: Float32Array;
  /** A normalisation: `units` numbers each. */
  readonly gain?: Float32Array;
  readonly shift?: Float32Array;
  /** batchNorm: what it normalises by outside training, `units` numbers each. */
  readonly runningMean?: Float32Array;
  readonly runningVariance?: Float32Array;
  /** Dense layers only. Neuron j, from 0: live views of its own weights, its bias, and what it makes of a sample. */
  neuron(j: number): Neuron;
}

const construct = Symbol("construct");

/**
 * A multilayer perceptron: dense layers, each activation(W·x + b), trained by gradient descent in WebAssembly.
 *
 * @example
 * const network = await Network.create({ inputs: 2, layers: [dense(4, "tanh"), dense(1, "sigmoid")], seed: 1 });
 * await network.fit([[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0], { epochs: 500, batchSize: 4, optimizer: adam({ learningRate: 0.05 }) });
 * network.classify([[0, 1], [1, 1]]); // Uint32Array [1, 0]
 */
export class Network {
  private state: Model | undefined;
  private readonly layerViews: readonly LayerView[];

  /** Not for users: `await Network.create(…)`. */
  constructor(key: symbol, model: Model);
  constructor(key?: symbol, model?: Model) {
    if (key !== construct || model === undefined) throw new Error("new Network(): expected Network.create, got new. Write `await Network.create({ inputs, layers })`");
    this.state = model;
    this.layerViews = Object.freeze(model.topology.layers.map((_, index) => new LayerView(() => this.model("layers"), index)));
  }

  /**
   * Makes a network with weights drawn from the seed.
   * @throws {TypeError | RangeError} for options that are not allowed, naming the place, such as `layers[2].units`
   * @throws {RangeError} if the plan would need more than 4 GB, with the figure
   */
  static async create(options: NetworkOptions): Promise<Network> {
    const description = checkNetwork(options);
    checkPlan(description, "create");
    checkSavable(description);
    const simd = await readyFor(description.simd);
    const model = new Model({ ...description, simd }, "create");
    initialise(model);
    return networkOf(model);
  }

  /**
   * The network that `save` wrote.
   * @param options activations: the custom activations of the network, which its file knows by name
   * @throws {TypeError} for what is not bytes
   * @throws {ModelFormatError} for any other file
   */
  static async load(bytes: Uint8Array | ArrayBuffer, options: { activations?: readonly CustomActivation[] } = {}): Promise<Network> {
    const { activations } = checkKeys("load", options, ["activations"]);
    return networkOf(await loadModel(bytes, checkCustomList("load: activations", activations)));
  }

  /** Numbers in one sample. */
  get inputs(): number {
    return this.model("inputs").topology.inputs;
  }

  /** Numbers in one prediction. */
  get outputs(): number {
    return this.model("outputs").topology.outputs;
  }

  /** 0 … 2^53 − 1: what weights, orders and splits are drawn from. */
  get seed(): number {
    return this.model("seed").description.seed;
  }

  /** Trainable parameters. */
  get parameterCount(): number {
    return this.model("parameterCount").topology.trainable;
  }

  /** The layers, one for each of those given to `create`. */
  get layers(): readonly Layer[] {
    this.model("layers");
    return this.layerViews;
  }

  /** Which arithmetic runs: "relaxed" where that was asked for, rosenblatt/relaxed imported and the engine has it. */
  get simd(): "deterministic" | "relaxed" {
    return this.model("simd").description.simd;
  }

  /** How many threads may play, and why only one. */
  get threads(): { available: number; reason?: string } {
    const { refusal } = this.model("threads");
    return refusal === undefined ? { ...availableThreads() } : { available: 1, reason: refusal };
  }

  /**
   * Trains the network on chunks `{ inputs, targets, sampleWeights? }` as they come, in memory of bounded size. Batches run across the
   * borders of chunks; `shuffle` permutes within each. A chunk that is refused leaves what the samples before it have trained.
   * @param source an async iterable of chunks, or for several epochs a function that is given the epoch, from 1, and returns one
   * @example await network.fit(async function* () { for await (const rows of readRows()) yield toChunk(rows); }, { epochs: 3 });
   */
  async fit(source: ChunkSource, options?: FitOptions): Promise<History>;
  /**
   * Trains the network: `epochs` passes over the samples in batches.
   * @param inputs rows of `inputs` numbers, or all of them flat, row-major
   * @param targets rows of `outputs` numbers, nested or flat; one class index a sample with a softmax output and crossEntropy
   * @throws {TypeError | RangeError} for arguments that are not allowed; nothing has changed then
   * @throws {DivergenceError} when a loss or a parameter is no longer finite; the network is then as it was at the last good epoch
   */
  async fit(inputs: Samples, targets: Targets, options?: FitOptions): Promise<History>;
  async fit(inputs: Samples | ChunkSource, targets?: Targets | FitOptions, options?: FitOptions): Promise<History> {
    return fit(this.idle("fit"), inputs, targets, options);
  }

  /** One training step on one batch, at once. Returns the loss before it. The same bytes as `fit` with that one batch and `shuffle: false`. */
  trainBatch(inputs: Samples, targets: Targets, options: BatchOptions = {}): number {
    return trainBatch(this.idle("trainBatch"), inputs, targets, options);
  }

  /**
   * Mean loss and metrics over samples, without penalties.
   * @param options loss: that of the last fit, else what suits the output; metrics: accuracy for classifiers; batchSize: the most samples computed at a time
   */
  evaluate(inputs: Samples, targets: Targets, options: { loss?: Loss | LossName; metrics?: readonly Metric[]; batchSize?: number } = {}): Evaluation {
    const model = this.still("evaluate");
    const given = checkKeys("evaluate", options, ["loss", "metrics", "batchSize"]);
    const loss = this.lossFor(model, given.loss, "evaluate");
    const metrics = given.metrics === undefined ? (isClassifierLoss(loss) ? (["accuracy"] as const) : []) : resolveMetrics(given.metrics, "evaluate: metrics");
    const batchSize = given.batchSize === undefined ? undefined : checkInteger("evaluate: batchSize", given.batchSize, 1, 2 ** 31 - 1);
    const data = checkData(model, inputs, targets, loss);
    const { count } = data.samples;
    const outputs = metrics.length > 0 ? new Float32Array(count * model.topology.outputs) : undefined;
    const value = evaluateRows(model, readerSource(model, data.samples, data.targets, loss), loss, { outputs, most: batchSize });
    if (outputs === undefined) return { loss: value, metrics: {} };
    const kind = { loss: loss.name, activation: outputActivation(model).name };
    return { loss: value, metrics: evaluateMetrics(metrics, outputs, finish(targetRows(model, data.targets, undefined)), count, model.topology.outputs, kind) };
  }

  /**
   * The outputs for samples, flat: samples × outputs.
   * @param output filled in place of a new array; its length must be exactly that
   */
  predict(inputs: Samples, output?: Float32Array): Float32Array {
    const model = this.still("predict");
    const samples = openSamples("inputs", inputs, model.topology.inputs);
    const length = samples.count * model.topology.outputs;
    if (output === undefined) {
      const fresh = new Float32Array(length);
      predictInto(model, samples, fresh);
      return fresh;
    }
    if (typedArrayName(output) !== "Float32Array") throw wrongKind("predict: output", "a Float32Array", output);
    if (output.length !== length) throw new RangeError(`predict: output: expected a length of ${length} (${samples.count} × ${model.topology.outputs}), got ${output.length}`);
    predictInto(model, samples, output);
    return output;
  }

  /** The class of each sample: the greatest output, the first of equals; with one output 1 where it is above 0.5 (above 0 without a sigmoid). */
  classify(inputs: Samples): Uint32Array {
    const model = this.still("classify");
    const { outputs } = model.topology;
    const scores = this.predict(inputs);
    const classes = new Uint32Array(scores.length / outputs);
    if (outputs === 1) {
      const { outputThreshold } = decisionRule(model.loss.name, outputActivation(model).name, 1);
      for (let i = 0; i < classes.length; i++) classes[i] = scores[i] > outputThreshold ? 1 : 0;
      return classes;
    }
    for (let i = 0; i < classes.length; i++) {
      let best = 0;
      for (let j = 1; j < outputs; j++) if (scores[i * outputs + j] > scores[i * outputs + best]) best = j;
      classes[i] = best;
    }
    return classes;
  }

  /** Weighted sums and activations of every layer; flat, samples × units. */
  trace(inputs: Samples): LayerTrace[] {
    const model = this.still("trace");
    return traceRows(model, checkSamples("inputs", inputs, model.topology.inputs));
  }

  /** The mean loss over samples and its gradient by every parameter, without penalties; nothing changes. */
  gradients(inputs: Samples, targets: Targets, options: { loss?: Loss | LossName } = {}): { loss: number; layers: LayerGradients[] } {
    const model = this.still("gradients");
    const loss = this.lossFor(model, checkKeys("gradients", options, ["loss"]).loss, "gradients");
    const data = checkData(model, inputs, targets, loss);
    return gradientRows(model, readerSource(model, data.samples, data.targets, loss), loss);
  }

  /**
   * What every layer and unit does on the samples, and what is wrong with it: dead and saturated units, how weighted sums and activations spread, and with
   * targets the gradient of the mean loss, layer by layer. One pass over the data in inference mode; nothing changes. From 512 samples on the gradient is of
   * a part of them, `gradientSamples`, and histograms count a quarter, so that it costs about two forward passes; what is said of units is of all.
   * @param options loss: that of the last fit, else what suits the output
   * @throws {TypeError | RangeError} for samples, targets or options that are not allowed
   * @example
   * const { layers, findings } = network.diagnose(inputs, targets);
   * for (const { message, advice } of findings) console.log(`${message} ${advice}`);
   */
  diagnose(inputs: Samples, targets?: Targets, options: { loss?: Loss | LossName } = {}): Diagnosis {
    const model = this.still("diagnose");
    const given = checkKeys("diagnose", options, ["loss"]);
    const loss = this.lossFor(model, given.loss, "diagnose");
    if (targets === undefined) {
      const samples = checkSamples("inputs", inputs, model.topology.inputs);
      return diagnoseRows(model, diagnosisSource(model, samples), undefined, { units: true });
    }
    const data = checkData(model, inputs, targets, loss);
    return diagnoseRows(model, diagnosisSource(model, data.samples, data.targets, loss), loss, { units: true });
  }

  /**
   * The network as the bytes of a safetensors file, from which `load` makes it again and goes on training to the same bytes.
   * @param options optimizer: whether its state and an unfinished fit are included; true
   * @throws {Error} naming the tensor, if a value is not finite
   */
  save(options: { optimizer?: boolean } = {}): Uint8Array {
    const model = this.still("save");
    const { optimizer = true } = checkKeys("save", options, ["optimizer"]);
    return saveModel(model, checkBoolean("save: optimizer", optimizer));
  }

  /** A network of its own in the same state. */
  async clone(): Promise<Network> {
    const model = this.still("clone");
    return networkOf(model.copy());
  }

  /** Forgets the optimizer's moments and counts its steps from 0; its kind and numbers stay. */
  resetOptimizer(): void {
    const model = this.idle("resetOptimizer");
    for (const slot of model.layout.slots) model.core.u8.fill(0, slot, slot + model.layout.block);
    model.progress = freshProgress();
    model.unfinished = undefined;
  }

  /**
   * The source of an ES module with the weights, without an import, WebAssembly or eval, for wherever JavaScript runs. It exports
   * `predict(input)`: one sample or several, flat, to their outputs, flat, equal to this network's to 1e-6. Dropout is not in it, nor a table's preparation.
   * @throws {Error} for a network with a custom activation, or numbers that are not finite
   * @example writeFileSync("network.mjs", network.toModule())
   */
  toModule(): string {
    return moduleSource(this[PORTABLE]("toModule"), "toModule");
  }

  /** @internal What other formats hold of the network; the arrays are its live views. */
  [PORTABLE](subject: string): Portable {
    const { description, topology, tabular } = this.still(subject);
    const layers = description.layers.map((spec, i) => portableLayer(subject, i, spec, this.layerViews[i]));
    return { inputs: topology.inputs, outputs: topology.outputs, layers, tabular };
  }

  /** The network as a table: a line a layer with its shape, activation and parameters. */
  summary(): string {
    return formatSummary(this.model("summary"));
  }

  /** Lets go of the memory at once; without it the garbage collector does. Every call after it is an error. */
  dispose(): void {
    if (this.state === undefined) return;
    this.idle("dispose");
    this.state = undefined;
    for (const view of this.layerViews) view.release();
  }

  /** `dispose`, for `using`. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** The preparation of a table's columns, as JSON, that belongs to the network; kept in its file. */
  get tabular(): string | undefined {
    return this.model("tabular").tabular;
  }

  set tabular(json: string | undefined) {
    const model = this.model("tabular");
    if (json !== undefined && typeof json !== "string") throw wrongKind("tabular", "a string", json);
    if (json !== undefined) checkPreparation("tabular", json);
    model.tabular = json;
  }

  /** Whether a fit was interrupted that `fit` with `resume` can finish. @internal */
  get interrupted(): boolean {
    return this.model("interrupted").unfinished !== undefined;
  }

  private lossFor(model: Model, given: unknown, subject: string): Loss {
    if (given === undefined) return model.loss;
    const loss = resolveLoss(given, at(subject, "loss"));
    checkLossFits(loss, outputActivation(model), at(subject, "loss"));
    return loss;
  }

  /** The state, for calls that are allowed at any time before dispose. */
  private model(subject: string): Model {
    if (this.state === undefined) throw new Error(`${subject}: the network was disposed. Create a new one or load a saved one`);
    return this.state;
  }

  /** The state, for calls that compute with it or copy it. */
  private still(subject: string): Model {
    const model = this.model(subject);
    checkStill(model, subject);
    return model;
  }

  /** The state, for calls that must not run while a fit does. */
  private idle(subject: string): Model {
    const model = this.model(subject);
    checkCalling(model, subject);
    if (model.busy !== undefined) throw new Error(`${subject}: a ${model.busy} of this network is running. Await it first, or stop it by its signal`);
    return model;
  }
}

/** A network around its state. Outside of the class, which would otherwise name itself, so that a bundler would rename it. */
function networkOf(model: Model): Network {
  return new Network(construct, model);
}

/** In the middle of a custom activation the network's matrices are in use. */
function checkCalling({ calling }: Model, subject: string): void {
  if (calling !== undefined) throw new Error(`${subject}: expected a network at the end of a step, got one that computes its custom activation '${calling}'. Call it elsewhere`);
}

/** A step may have to wait for another thread while the event loop turns: rare, and over as soon as that thread goes on or has failed. */
function checkStill(model: Model, subject: string): void {
  checkCalling(model, subject);
  if (model.stalled) throw new Error(`${subject}: expected a network at the end of a step, got one whose fit waits for a thread in the middle. Try again in a moment, or after the fit`);
}

type Views = Pick<Layer, "weights" | "biases" | "slopes" | "gain" | "shift" | "runningMean" | "runningVariance">;

/** The views of a layer's tensors, in the memory as it is now. */
function viewsOf(model: Model, shape: LayerShape): Views {
  const none = (): Float32Array => new Float32Array(0);
  const view = (run: Run): Float32Array => model.floats(run);
  switch (shape.kind) {
    case "dense": return { weights: view(shape.weights), biases: view(shape.biases), slopes: shape.slopes.length > 0 ? view(shape.slopes) : undefined };
    case "dropout": return { weights: none(), biases: none() };
    case "layerNorm": return { weights: none(), biases: none(), gain: view(shape.gain), shift: view(shape.shift) };
    case "batchNorm": {
      const { gain, shift, runningMean, runningVariance } = shape;
      return { weights: none(), biases: none(), gain: view(gain), shift: view(shift), runningMean: view(runningMean), runningVariance: view(runningVariance) };
    }
  }
}

class LayerView implements Layer {
  private buffer: ArrayBufferLike | undefined;
  private cached: Views | undefined;

  constructor(private readonly model: () => Model, private readonly index: number) {}

  get kind(): LayerKind {
    return this.model().topology.layers[this.index].kind;
  }

  get inputs(): number {
    return this.model().topology.layers[this.index].inputs;
  }

  get units(): number {
    return this.model().topology.layers[this.index].units;
  }

  get activation(): string {
    return formatActivation(activationOf(this.model().topology.layers[this.index].spec));
  }

  get weights(): Float32Array {
    return this.views().weights;
  }

  set weights(value: unknown) {
    throw this.assigned("weights", value);
  }

  get biases(): Float32Array {
    return this.views().biases;
  }

  set biases(value: unknown) {
    throw this.assigned("biases", value);
  }

  get slopes(): Float32Array | undefined {
    return this.views().slopes;
  }

  set slopes(value: unknown) {
    throw this.assigned("slopes", value);
  }

  get gain(): Float32Array | undefined {
    return this.views().gain;
  }

  set gain(value: unknown) {
    throw this.assigned("gain", value);
  }

  get shift(): Float32Array | undefined {
    return this.views().shift;
  }

  set shift(value: unknown) {
    throw this.assigned("shift", value);
  }

  get runningMean(): Float32Array | undefined {
    return this.views().runningMean;
  }

  set runningMean(value: unknown) {
    throw this.assigned("runningMean", value);
  }

  get runningVariance(): Float32Array | undefined {
    return this.views().runningVariance;
  }

  set runningVariance(value: unknown) {
    throw this.assigned("runningVariance", value);
  }

  /** The error for an assignment where a view is to be written into. */
  private assigned(name: string, value: unknown): TypeError {
    const place = `layers[${this.index}].${name}`;
    return wrongKind(place, "numbers written into the view", value, `Write ${place}.set(numbers)`);
  }

  neuron(j: number): Neuron {
    // a layer without neurons says so, whatever j is
    if (this.kind !== "dense") return explainNeuron(this.model, this.index, 0);
    return explainNeuron(this.model, this.index, checkInteger(`layers[${this.index}].neuron`, j, 0, this.units - 1));
  }

  /** Lets go of the memory. */
  release(): void {
    this.buffer = this.cached = undefined;
  }

  /** The views of the memory as it is now. */
  private views(): Views {
    const model = this.model();
    checkStill(model, `layers[${this.index}]`);
    if (this.cached === undefined || this.buffer !== model.core.buffer) {
      this.buffer = model.core.buffer;
      this.cached = viewsOf(model, model.topology.layers[this.index]);
    }
    return this.cached;
  }
}

