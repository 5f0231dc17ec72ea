// Wrong input: each call is refused with the class of error and the message that the contract states, thrown by the library
// and not by the engine, and the network is afterwards what it was, weights, optimizer state and counters.

import { beforeAll, describe, expect, test } from "vitest";
import {
  activations, adam, confusionMatrix, cosineDecay, dense, elu, gelu, huber, leakyRelu, Network, oneCycle, prelu, reduceOnPlateau, relu, rocCurve, sgd, stepDecay, uniform,
} from "../src/index.js";
import type { FitOptions } from "../src/index.js";

/** Anything: what is tried here is what the types forbid. */
type Any = any;
type Call = (network: Any, data: typeof good) => unknown;
type Case = [title: string, call: Call, kind: ErrorConstructor | TypeErrorConstructor | RangeErrorConstructor, message: RegExp];

const good = { inputs: [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9], [1, 1.1, 1.2]], rows: [[1, 2], [3, 4], [5, 6], [7, 8]], classes: [0, 1, 2, 1], bits: [0, 1, 1, 0] };

let regression: Network;
let classifier: Network;
let binary: Network;

beforeAll(async () => {
  regression = await Network.create({ inputs: 3, layers: [dense(4, prelu()), dense(2)], seed: 1 });
  classifier = await Network.create({ inputs: 3, layers: [dense(4, "tanh"), dense(3, "softmax")], seed: 2 });
  binary = await Network.create({ inputs: 3, layers: [dense(1, "sigmoid")], seed: 3 });
  // Each in the midst of a fit, so that slots, counters and the record are there to be spoiled.
  for (const [network, targets] of [[regression, good.rows], [classifier, good.classes], [binary, good.bits]] as const) {
    const controller = new AbortController();
    const onBatch = ({ epoch, step }: { epoch: number; step: number }): void => void (epoch === 2 && step === 1 && controller.abort("stop"));
    const options: FitOptions = { epochs: 4, batchSize: 2, optimizer: "adam", earlyStopping: { patience: 3 }, onBatch, signal: controller.signal };
    await expect(network.fit(good.inputs, targets as number[], options)).rejects.toBe("stop");
  }
});

/** What the call throws or rejects with. */
async function thrownBy(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

async function expectRefused(call: () => unknown, kind: Case[2], message: RegExp): Promise<void> {
  const error = await thrownBy(call);
  expect((error as Error | undefined)?.constructor, String(error)).toBe(kind);
  expect((error as Error).message).toMatch(message);
  // One line, with what was expected, as far as it is not a state that is wrong.
  expect((error as Error).message).not.toContain("\n");
}

async function expectUnchanged(network: Network, call: () => unknown, kind: Case[2], message: RegExp): Promise<void> {
  const [before, predicted] = [network.save(), network.predict(good.inputs)];
  await expectRefused(call, kind, message);
  expect(network.save()).toEqual(before);
  expect(network.predict(good.inputs)).toEqual(predicted);
}

const fit = (options: Any, targets: Any = good.rows): Call => (network) => network.fit(good.inputs, targets, options);
const predict = (inputs: Any): Call => (network) => network.predict(inputs);
const sparse = [1, 2, 3];
delete sparse[1];

describe("samples", () => {
  const cases: Case[] = [
    ["ragged rows", predict([[1, 2, 3], [1, 2]]), RangeError, /^inputs\[1\]: expected 3 numbers, got 2/],
    ["rows of another width", predict([[1, 2], [1, 2]]), RangeError, /^inputs\[0\]: expected 3 numbers, got 2/],
    ["a flat array of another width", predict([1, 2, 3, 4]), RangeError, /^inputs: expected a multiple of 3 numbers, got 4/],
    ["a typed array of another width", predict(new Float32Array(5)), RangeError, /^inputs: expected a multiple of 3 numbers, got 5/],
    ["no samples", predict([]), RangeError, /^inputs: expected at least one sample of 3 numbers, got 0 samples/],
    ["no numbers", predict(new Float64Array(0)), RangeError, /at least one sample/],
    ["an empty row", predict([[]]), RangeError, /^inputs\[0\]: expected 3 numbers, got 0/],
    ["NaN", predict([[1, 2, 3], [1, NaN, 3]]), RangeError, /^inputs\[1\]\[1\]: expected a finite number, got NaN/],
    ["infinity", predict([1, 2, -Infinity]), RangeError, /^inputs\[2\]: expected a finite number, got -Infinity/],
    ["NaN in a typed array", predict(Float32Array.of(NaN, 1, 1)), RangeError, /^inputs\[0\]: expected a finite number, got NaN/],
    ["NaN in a typed row", predict([new Float32Array(3), Float64Array.of(0, 0, NaN)]), RangeError, /^inputs\[1\]\[2\]: expected a finite number, got NaN/],
    ["a number beyond f32", predict([[1e39, 0, 0]]), RangeError, /^inputs\[0\]\[0\]: expected a number that is finite in f32, got 1e\+39/],
    ["a number beyond f32 in a Float64Array", predict(Float64Array.of(0, -1e39, 0)), RangeError, /^inputs\[1\]: expected a number that is finite in f32, got -1e\+39/],
    ["a string", predict("1,2,3"), TypeError, /^inputs: expected an array of rows or a flat array of numbers, got '1,2,3'/],
    ["strings", predict([["1", "2", "3"]]), TypeError, /^inputs\[0\]\[0\]: expected a finite number, got '1'/],
    ["booleans", predict([true, false, true]), TypeError, /^inputs\[0\]: expected a number or a row of numbers, got true/],
    ["a boolean among numbers", predict([1, 2, true]), TypeError, /^inputs\[2\]: expected a finite number, got true/],
    ["null", predict(null), TypeError, /^inputs: expected .*, got null/],
    ["null in a row", predict([[1, null, 3]]), TypeError, /^inputs\[0\]\[1\]: expected a finite number, got null/],
    ["null for a row", predict([[1, 2, 3], null]), TypeError, /^inputs\[1\]: expected a row of 3 numbers, got null/],
    ["nothing", predict(undefined), TypeError, /^inputs: expected .*, got undefined/],
    ["a number", predict(3), TypeError, /^inputs: expected .*, got 3/],
    ["BigInt", predict([1n, 2n, 3n]), TypeError, /^inputs\[0\]: expected a number or a row of numbers, got 1n/],
    ["a BigInt64Array", predict(new BigInt64Array(3)), TypeError, /^inputs: .*got a BigInt64Array of 3\. Convert each BigInt by Number\(\)/],
    ["an ArrayBuffer", predict(new ArrayBuffer(12)), TypeError, /Make a typed array of it/],
    ["an object", predict({ length: 3, 0: 1, 1: 2, 2: 3 }), TypeError, /^inputs: expected .*, got an object/],
    ["a hole", predict([sparse]), TypeError, /^inputs\[0\]\[1\]: expected a finite number, got undefined/],
    ["rows in rows", predict([[[1, 2, 3]]]), RangeError, /^inputs\[0\]: expected 3 numbers, got 1/],
    ["a row, then a number", predict([[1, 2, 3], 4]), TypeError, /^inputs\[1\]: expected a row of 3 numbers, got 4/],
    ["a number, then a row", predict([1, 2, [3]]), TypeError, /^inputs\[2\]: expected a finite number, got an array of 1/],
    ["a date", predict([new Date(0), 1, 2]), TypeError, /^inputs\[0\]: expected a number or a row of numbers, got a Date/],
    ["wrong samples of classify", (network) => network.classify([1]), RangeError, /^inputs: expected a multiple of 3 numbers, got 1/],
    ["wrong samples of trace", (network) => network.trace([[1, 2, NaN]]), RangeError, /^inputs\[0\]\[2\]/],
    ["wrong samples of evaluate", (network) => network.evaluate([[1, 2, NaN]], [[1, 2]]), RangeError, /^inputs\[0\]\[2\]/],
    ["wrong samples of gradients", (network) => network.gradients([[1, 2]], [[1, 2]]), RangeError, /^inputs\[0\]: expected 3 numbers, got 2/],
    ["wrong samples of trainBatch", (network) => network.trainBatch([["a", 1, 2]], [[1, 2]]), TypeError, /^inputs\[0\]\[0\]: expected a finite number, got 'a'/],
    ["wrong samples of fit", (network) => network.fit([[1, 2, Infinity]], [[1, 2]]), RangeError, /^inputs\[0\]\[2\]/],
    ["two samples to explain", (network) => network.layers[0].neuron(0).explain([1, 2, 3, 4, 5, 6]), RangeError, /^sample: expected one sample of 3 numbers, got 2/],
    ["a number too many to explain", (network) => network.layers[0].neuron(0).explain([1, 2, 3, 4]), RangeError, /^sample: expected 3 numbers, got 4$/],
    ["too few floats to explain", (network) => network.layers[1].neuron(0).explain(new Float32Array(2)), RangeError, /^sample: expected 3 numbers, got 2$/],
    ["an output of another length", (network) => network.predict([1, 2, 3], new Float32Array(3)), RangeError, /^predict: output: expected a length of 2 \(1 × 2\), got 3/],
    ["an output of another kind", (network) => network.predict([1, 2, 3], [0, 0]), TypeError, /^predict: output: expected a Float32Array, got an array of 2/],
    ["a neuron that is not there", (network) => network.layers[0].neuron(4), RangeError, /^layers\[0\]\.neuron: expected an integer from 0 to 3, got 4/],
    ["half a neuron", (network) => network.layers[1].neuron(0.5), RangeError, /^layers\[1\]\.neuron: expected an integer from 0 to 1, got 0\.5/],
  ];
  test.each(cases)("%s", (_, call, kind, message) => expectUnchanged(regression, () => call(regression, good), kind, message));
});

describe("targets", () => {
  const of = (targets: Any, options?: Any): Call => fit(options, targets);
  const cases: Case[] = [
    ["fewer rows", of([[1, 2]]), RangeError, /^targets: expected 4 × 2 numbers, got 1 × 2/],
    ["rows of another width", of([[1], [2], [3], [4]]), RangeError, /^targets: expected 4 × 2 numbers, got 4 × 1/],
    ["a ragged row", of([[1, 2], [3], [5, 6], [7, 8]]), RangeError, /^targets\[1\]: expected 2 numbers, got 1/],
    ["a flat array of another length", of([1, 2, 3]), RangeError, /^targets: expected 4 × 2 numbers, got 3/],
    ["class indices without crossEntropy", of([0, 1, 1, 0]), RangeError, /^targets: expected 4 × 2 numbers, got 4\. Class indices need a softmax output/],
    ["no targets", (network, data) => network.fit(data.inputs), TypeError, /^targets: expected 4 × 2 numbers, got undefined/],
    ["null", of(null), TypeError, /^targets: expected 4 × 2 numbers, got null/],
    ["strings", of(["a", "b", "c", "d"]), TypeError, /^targets\[0\]: expected a number or a row of numbers, got 'a'/],
    ["NaN", of([[1, 2], [3, 4], [5, NaN], [7, 8]]), RangeError, /^targets\[2\]\[1\]: expected a finite number, got NaN/],
    ["a number beyond f32", of([1, 2, 3, 4, 5, 6, 7, 4e38]), RangeError, /^targets\[7\]: expected a number that is finite in f32, got 4e\+38/],
    ["a hinge of 0", of([[1, 1], [1, 1], [1, 0], [1, 1]], { loss: "hinge" }), RangeError, /^targets\[2\]\[1\]: expected -1 or 1 \(the loss is hinge\), got 0/],
    ["a probability of 2", of(good.rows, { loss: "binaryCrossEntropy" }), RangeError, /^targets\[0\]\[1\]: expected a number from 0 to 1 \(the loss is binaryCrossEntropy\), got 2/],
    ["a count below 0", of([[1, 2], [3, -4], [5, 6], [7, 8]], { loss: "poisson" }), RangeError, /^targets\[1\]\[1\]: expected a number from 0 up \(the loss is poisson\), got -4/],
    ["wrong targets of trainBatch", (network) => network.trainBatch(good.inputs, [1]), RangeError, /^targets: expected 4 × 2 numbers, got 1/],
    ["wrong targets of evaluate", (network) => network.evaluate(good.inputs, [[1]]), RangeError, /^targets: expected 4 × 2 numbers, got 1 × 1/],
    ["wrong targets of gradients", (network) => network.gradients(good.inputs), TypeError, /^targets: expected 4 × 2 numbers, got undefined/],
  ];
  test.each(cases)("%s", (_, call, kind, message) => expectUnchanged(regression, () => call(regression, good), kind, message));

  const ofClasses: Case[] = [
    ["a class beyond the outputs", of([0, 1, 2, 3]), RangeError, /^targets\[3\]: expected a class index from 0 to 2, got 3/],
    ["half a class", of([0, 1.5, 2, 1]), RangeError, /^targets\[1\]: expected a class index from 0 to 2, got 1\.5/],
    ["a class below 0", of([-1, 1, 2, 1]), RangeError, /^targets\[0\]: expected a class index from 0 to 2, got -1/],
    ["a class of NaN", of([0, NaN, 2, 1]), RangeError, /^targets\[1\]: expected a class index from 0 to 2, got NaN/],
    ["a class as text", of([0, "1", 2, 1]), TypeError, /^targets\[1\]: expected a class index from 0 to 2, got '1'/],
    ["a class as a BigInt", of([0, 1n, 2, 1]), TypeError, /^targets\[1\]: expected a class index from 0 to 2, got 1n/],
    ["three classes for four samples", of([0, 1, 2]), RangeError, /^targets: expected 4 × 3 numbers or 4 class indices below 3, got 3/],
    ["a probability below 0", of([[1, 0, 0], [0, 1, 0], [0, -1, 2], [1, 0, 0]]), RangeError, /^targets\[2\]\[1\]: expected a number from 0 up \(the loss is crossEntropy\), got -1/],
    ["a weight for too few classes", (network, data) => network.fit(data.inputs, data.classes, { classWeights: [1, 2] }), RangeError, /^fit: classWeights: expected 3 weights, got 2/],
    ["a wrong class of validation", (network, data) => network.fit(data.inputs, data.classes, { validationData: [[1, 2, 3], [5]] }), RangeError, /validationData\[1\]\[0\]: expected a class index from 0 to 2, got 5/],
  ];
  test.each(ofClasses)("%s", (_, call, kind, message) => expectUnchanged(classifier, () => call(classifier, good), kind, message));
});

describe("options of fit", () => {
  const cases: Case[] = [
    ["null", fit(null), TypeError, /^fit: expected an object of options, got null/],
    ["a number", fit(5), TypeError, /^fit: expected an object of options, got 5/],
    ["an array", fit([]), TypeError, /^fit: expected an object of options, got an array of 0/],
    ["an instance of a class", fit(new Map()), TypeError, /^fit: expected an object of options, got a Map/],
    ["an unknown key", fit({ epoch: 3 }), TypeError, /^fit: expected no options but .*, got 'epoch'\. Did you mean 'epochs'\?/],
    ["another unknown key", fit({ learningRate: 3 }), TypeError, /got 'learningRate'$/],
    ["an own __proto__", fit(JSON.parse('{"__proto__":{"epochs":3}}')), TypeError, /^fit: .*got '__proto__'/],
    ["a symbol", fit({ [Symbol("epochs")]: 1 }), TypeError, /got a symbol/],
    ["epochs 0", fit({ epochs: 0 }), RangeError, /^fit: epochs: expected an integer from 1 to 2147483647, got 0/],
    ["epochs 1.5", fit({ epochs: 1.5 }), RangeError, /^fit: epochs: .*got 1\.5/],
    ["epochs as text", fit({ epochs: "3" }), TypeError, /^fit: epochs: .*got '3'/],
    ["epochs null", fit({ epochs: null }), TypeError, /^fit: epochs: .*got null/],
    ["epochs infinity", fit({ epochs: Infinity }), RangeError, /^fit: epochs: .*got Infinity/],
    ["batchSize 0", fit({ batchSize: 0 }), RangeError, /^fit: batchSize: expected an integer from 1 to 2147483647, got 0/],
    ["batchSize NaN", fit({ batchSize: NaN }), RangeError, /^fit: batchSize: .*got NaN/],
    ["shuffle as a number", fit({ shuffle: 1 }), TypeError, /^fit: shuffle: expected true or false, got 1/],
    ["validationSplit 1", fit({ validationSplit: 1 }), RangeError, /^fit: validationSplit: expected a finite number from 0 and below 1, got 1/],
    ["validationSplit below 0", fit({ validationSplit: -0.1 }), RangeError, /^fit: validationSplit: .*got -0\.1/],
    ["validationSplit that leaves nothing to train", fit({ validationSplit: 0.95 }), RangeError, /^fit: validationSplit: expected at least one sample left for training, got 0\.95 of 4 samples/],
    ["both validations", fit({ validationSplit: 0.5, validationData: [[1, 2, 3], [1, 2]] }), RangeError, /^fit: expected validationSplit or validationData, got both/],
    ["validationData without targets", fit({ validationData: [[1, 2, 3]] }), RangeError, /^fit: validationData: expected \[inputs, targets\], got an array of 1/],
    ["validationData that is no array", fit({ validationData: "test" }), TypeError, /^fit: validationData: expected \[inputs, targets\], got 'test'/],
    ["validationData of another width", fit({ validationData: [[1, 2], [1, 2]] }), RangeError, /validationData\[0\]: expected a multiple of 3 numbers, got 2/],
    ["validationData that is not finite", fit({ validationData: [[[1, 2, NaN]], [1, 2]] }), RangeError, /validationData\[0\]\[0\]\[2\]: expected a finite number, got NaN/],
    ["an unknown optimizer", fit({ optimizer: "adamm" }), RangeError, /^fit: optimizer: expected one of 'sgd', .*, got 'adamm'\. Did you mean 'adam'\?/],
    ["an optimizer that was not called", fit({ optimizer: adam }), TypeError, /^fit: optimizer: .*Call it: adam\(\)/],
    ["an optimizer by hand", fit({ optimizer: { name: "adam", lr: 1 } }), TypeError, /^fit: optimizer: expected no options but 'learningRate', .*got 'lr'/],
    ["an optimizer as a number", fit({ optimizer: 0.1 }), TypeError, /^fit: optimizer: .*got 0\.1/],
    ["a learning rate of 0", fit({ optimizer: { name: "sgd", learningRate: 0 } }), RangeError, /^fit: optimizer\.learningRate: expected a finite number above 0, got 0/],
    ["an unknown loss", fit({ loss: "mse" }), RangeError, /^fit: loss: expected one of 'meanSquaredError', .*got 'mse'/],
    ["a misspelt loss", fit({ loss: "meanSquareError" }), RangeError, /Did you mean 'meanSquaredError'\?/],
    ["crossEntropy without softmax", fit({ loss: "crossEntropy" }), RangeError, /^fit: loss: expected a loss that fits the output activation 'linear', got 'crossEntropy'\. crossEntropy needs a softmax output/],
    ["an unknown metric", fit({ metrics: ["acuracy"] }), RangeError, /^fit: metrics\[0\]: .*got 'acuracy'\. Did you mean 'accuracy'\?/],
    ["metrics as text", fit({ metrics: "accuracy" }), TypeError, /^fit: metrics: expected an array of names of metrics, got 'accuracy'/],
    ["patience -1", fit({ earlyStopping: { patience: -1 } }), RangeError, /^fit: earlyStopping\.patience: expected an integer from 0 to 2147483647, got -1/],
    ["no patience", fit({ earlyStopping: {} }), TypeError, /^fit: earlyStopping\.patience: .*got undefined/],
    ["earlyStopping true", fit({ earlyStopping: true }), TypeError, /^fit: earlyStopping: expected an object of options, got true/],
    ["an unknown key of earlyStopping", fit({ earlyStopping: { patience: 1, restoreBestWeights: true } }), TypeError, /got 'restoreBestWeights'/],
    ["an unknown monitor", fit({ earlyStopping: { patience: 1, monitor: "valLoss" } }), RangeError, /^fit: earlyStopping\.monitor: .*got 'valLoss'/],
    ["minDelta below 0", fit({ earlyStopping: { patience: 1, minDelta: -1 } }), RangeError, /^fit: earlyStopping\.minDelta: .*got -1/],
    ["too few sample weights", fit({ sampleWeights: [1, 2] }), RangeError, /^fit: sampleWeights: expected 4 weights, got 2/],
    ["a sample weight below 0", fit({ sampleWeights: [1, 2, -3, 4] }), RangeError, /^fit: sampleWeights\[2\]: expected a finite number from 0 up, got -3/],
    ["a sample weight of NaN", fit({ sampleWeights: [1, 2, 3, NaN] }), RangeError, /^fit: sampleWeights\[3\]: expected a finite number, got NaN/],
    ["a sample weight as text", fit({ sampleWeights: ["1", 2, 3, 4] }), TypeError, /^fit: sampleWeights\[0\]: expected a finite number, got '1'/],
    ["class weights of a regression", fit({ classWeights: [1, 2] }), Error, /^fit: classWeights: expected targets that are classes .* Use sampleWeights/],
    ["class weights by another word", fit({ classWeights: "equal" }), RangeError, /^fit: classWeights: expected 'balanced' or an array with a weight for each class, got 'equal'/],
    ["a clip of nothing", fit({ gradientClip: {} }), RangeError, /^fit: gradientClip: expected either norm or value, got neither/],
    ["two clips", fit({ gradientClip: { norm: 1, value: 1 } }), RangeError, /^fit: gradientClip: expected either norm or value, got both/],
    ["a clip of 0", fit({ gradientClip: { norm: 0 } }), RangeError, /^fit: gradientClip\.norm: expected a finite number above 0, got 0/],
    ["no threads", fit({ threads: 0 }), RangeError, /^fit: threads: expected 'auto' or an integer from 1 to 256, got 0/],
    ["threads by another word", fit({ threads: "all" }), RangeError, /^fit: threads: .*got 'all'/],
    ["resume as text", fit({ resume: "yes" }), TypeError, /^fit: resume: expected true or false, got 'yes'/],
    ["a callback that is none", fit({ onEpoch: "log" }), TypeError, /^fit: onEpoch: expected a function, got 'log'/],
    ["another callback that is none", fit({ onBatch: 5 }), TypeError, /^fit: onBatch: expected a function, got 5/],
    ["a signal that is none", fit({ signal: {} }), TypeError, /^fit: signal: expected an AbortSignal, got an object\. Give the signal of an AbortController/],
    ["the controller for its signal", fit({ signal: new AbortController() }), TypeError, /^fit: signal: expected an AbortSignal/],
    ["an unknown option of trainBatch", (network, data) => network.trainBatch(data.inputs, data.rows, { epochs: 2 }), TypeError, /^trainBatch: expected no options but 'optimizer', 'loss', 'sampleWeights', 'gradientClip', got 'epochs'/],
    ["a wrong option of trainBatch", (network, data) => network.trainBatch(data.inputs, data.rows, { loss: "crossEntropy" }), RangeError, /^trainBatch: loss: expected a loss that fits/],
    ["sample weights of trainBatch", (network, data) => network.trainBatch(data.inputs, data.rows, { sampleWeights: [1] }), RangeError, /^trainBatch: sampleWeights: expected 4 weights, got 1/],
    ["an unknown option of evaluate", (network, data) => network.evaluate(data.inputs, data.rows, { metric: ["r2"] }), TypeError, /^evaluate: .*got 'metric'\. Did you mean 'metrics'\?/],
    ["a wrong metric of evaluate", (network, data) => network.evaluate(data.inputs, data.rows, { metrics: ["r3"] }), RangeError, /^evaluate: metrics\[0\]: .*got 'r3'/],
    ["a wrong batchSize of evaluate", (network, data) => network.evaluate(data.inputs, data.rows, { batchSize: 0 }), RangeError, /^evaluate: batchSize: .*got 0/],
    ["a wrong loss of gradients", (network, data) => network.gradients(data.inputs, data.rows, { loss: "crossEntropy" }), RangeError, /^gradients: loss: expected a loss that fits/],
    ["an unknown option of save", (network) => network.save({ optimiser: false }), TypeError, /^save: expected no options but 'optimizer', got 'optimiser'\. Did you mean 'optimizer'\?/],
    ["a wrong option of save", (network) => network.save({ optimizer: "no" }), TypeError, /^save: optimizer: expected true or false, got 'no'/],
    ["a decay of 1", fit({ averageWeights: { decay: 1 } }), RangeError, /^fit: averageWeights\.decay: expected a finite number from 0 and below 1, got 1/],
    ["averaging without a decay", fit({ averageWeights: {} }), TypeError, /^fit: averageWeights\.decay: .*got undefined/],
  ];
  test.each(cases)("%s", (_, call, kind, message) => expectUnchanged(regression, () => call(regression, good), kind, message));

  test("class and sample weights whose product is beyond f32", () => expectUnchanged(
    binary, () => binary.fit(good.inputs, good.bits, { classWeights: [1e30, 1], sampleWeights: [1e30, 1, 1, 1] }), RangeError, /^fit: classWeights: expected products .* got Infinity for sample 0/,
  ));

  test("a getter that throws comes out as it is and changes nothing", async () => {
    const before = regression.save();
    const reason = new Error("mine");
    expect(await thrownBy(() => regression.fit(good.inputs, good.rows, { get epochs(): number { throw reason; } }))).toBe(reason);
    expect(regression.save()).toEqual(before);
  });
});

describe("create and the functions of descriptions", () => {
  const create = (options: Any): Call => () => Network.create(options);
  const layers = [dense(2)];
  const cases: Case[] = [
    ["new", () => new (Network as Any)(), Error, /^new Network\(\): .*await Network\.create\(/],
    ["new with the options of create", () => new (Network as Any)({ inputs: 1, layers }), Error, /Network\.create/],
    ["nothing", create(undefined), TypeError, /^create: expected an object of options, got undefined/],
    ["an unknown key", create({ inputs: 1, layers, input: 2 }), TypeError, /^create: .*got 'input'\. Did you mean 'inputs'\?/],
    ["an own __proto__", create(JSON.parse('{"inputs":1,"__proto__":{}}')), TypeError, /got '__proto__'/],
    ["no inputs", create({ layers }), TypeError, /^inputs: expected an integer from 1 to 16777216, got undefined/],
    ["inputs 0", create({ inputs: 0, layers }), RangeError, /^inputs: .*got 0/],
    ["inputs as text", create({ inputs: "2", layers }), TypeError, /^inputs: .*got '2'/],
    ["too many inputs", create({ inputs: 2 ** 24 + 1, layers }), RangeError, /^inputs: .*got 16777217/],
    ["no layers", create({ inputs: 1, layers: [] }), RangeError, /^layers: expected 1 to 1000 layers, got 0/],
    ["too many layers", create({ inputs: 1, layers: new Array(1001).fill(dense(1)) }), RangeError, /^layers: expected 1 to 1000 layers, got 1001/],
    ["one layer without a list", create({ inputs: 1, layers: dense(1) }), TypeError, /^layers: expected an array of layers, got an object/],
    ["a layer that is a number", create({ inputs: 1, layers: [dense(1), 5] }), TypeError, /^layers\[1\]: expected a layer made by dense\(\), dropout\(\), batchNorm\(\) or layerNorm\(\), got 5/],
    ["a layer that was not called", create({ inputs: 1, layers: [dense] }), TypeError, /^layers\[0\]: expected a layer made by dense\(\), dropout\(\), batchNorm\(\) or layerNorm\(\), got a function/],
    ["softmax in a hidden layer", create({ inputs: 1, layers: [dense(3, "softmax"), dense(1)] }), RangeError, /^layers\[0\]\.activation: .*softmax is for the output layer only, here layers\[1\]/],
    ["a layer changed by hand", create({ inputs: 1, layers: [{ ...dense(3), units: 0 }] }), RangeError, /^layers\[0\]\.units: expected an integer from 1 to 16777216, got 0/],
    ["a layer of another kind", create({ inputs: 1, layers: [{ ...dense(3), kind: "densee" }] }), RangeError, /^layers\[0\]\.kind: expected one of 'dense', 'dropout', 'batchNorm', 'layerNorm', got 'densee'. Did you mean 'dense'\?$/],
    ["seed -1", create({ inputs: 1, layers, seed: -1 }), RangeError, /^seed: expected an integer from 0 to 9007199254740991, got -1/],
    ["seed 1.5", create({ inputs: 1, layers, seed: 1.5 }), RangeError, /^seed: .*got 1\.5/],
    ["seed 2^53", create({ inputs: 1, layers, seed: 2 ** 53 }), RangeError, /^seed: .*got 9007199254740992/],
    ["a seed as text", create({ inputs: 1, layers, seed: "7" }), TypeError, /^seed: .*got '7'/],
    ["a wrong simd", create({ inputs: 1, layers, simd: "fast" }), RangeError, /^simd: expected one of 'deterministic', 'relaxed', got 'fast'/],
    ["units 0", () => dense(0), RangeError, /^dense: units: expected an integer from 1 to 16777216, got 0/],
    ["units -1", () => dense(-1), RangeError, /^dense: units: .*got -1/],
    ["units 1.5", () => dense(1.5), RangeError, /^dense: units: .*got 1\.5/],
    ["units as text", () => dense("8" as Any), TypeError, /^dense: units: .*got '8'/],
    ["an unknown activation", () => dense(1, "rleu" as Any), RangeError, /^dense: activation: expected one of 'linear', .*, got 'rleu'\. Did you mean 'relu'\?/],
    ["an activation in another case", () => dense(1, "ReLU" as Any), RangeError, /Did you mean 'relu'\?/],
    ["an activation that was not called", () => dense(1, relu as Any), TypeError, /^dense: activation: .*Call it: relu\(\)/],
    ["a record for an activation", () => dense(1, activations.relu as Any), TypeError, /^dense: activation: expected no options, got 'formula'/],
    ["an unknown option of dense", () => dense(1, { activations: "relu" } as Any), TypeError, /^dense: .*got 'activations'\. Did you mean 'activation'\?/],
    ["an unknown initialiser", () => dense(1, { weightInit: "heUnifrom" as Any }), RangeError, /^dense: weightInit: .*Did you mean 'heUniform'\?/],
    ["orthogonal biases", () => dense(1, { biasInit: "orthogonal" }), RangeError, /orthogonal is for weights only/],
    ["a penalty below 0", () => dense(1, { l2: -1 }), RangeError, /^dense: l2: expected a finite number from 0 up, got -1/],
    ["bias as a number", () => dense(1, { bias: 0 as Any }), TypeError, /^dense: bias: expected true or false, got 0/],
    ["a slope of NaN", () => leakyRelu({ slope: NaN }), RangeError, /^leakyRelu: slope: expected a finite number, got NaN/],
    ["a slope as a number alone", () => prelu(0.1 as Any), TypeError, /^prelu: expected an object of options, got 0\.1/],
    ["an unknown parameter", () => elu({ alhpa: 1 } as Any), TypeError, /^elu: expected no options but 'alpha', got 'alhpa'\. Did you mean 'alpha'\?/],
    ["an unknown approximation", () => gelu({ approximate: "erf" as Any }), RangeError, /^gelu: approximate: expected one of 'none', 'tanh', got 'erf'/],
    ["bounds in the wrong order", () => uniform(1, 0), RangeError, /^uniform: high: .*got 0/],
    ["a delta of 0", () => huber({ delta: 0 }), RangeError, /^huber: delta: expected a finite number above 0, got 0/],
    ["a learning rate of NaN", () => adam({ learningRate: NaN }), RangeError, /^adam: learningRate: expected a finite number above 0, got NaN/],
    ["a learning rate of 0", () => sgd({ learningRate: 0 }), RangeError, /^sgd: learningRate: .*got 0/],
    ["a learning rate of -1", () => sgd({ learningRate: -1 }), RangeError, /^sgd: learningRate: .*got -1/],
    ["a learning rate that is 0 in f32", () => sgd({ learningRate: 1e-60 }), RangeError, /^sgd: learningRate: .*\(in f32 too\), got 1e-60/],
    ["a learning rate as text", () => sgd({ learningRate: "0.1" as Any }), TypeError, /^sgd: learningRate: expected a number above 0 or a schedule/],
    ["beta1 1", () => adam({ beta1: 1 }), RangeError, /^adam: beta1: expected a finite number from 0 and below 1, got 1/],
    ["beta2 that is 1 in f32", () => adam({ beta2: 1 - 1e-12 }), RangeError, /^adam: beta2: .*\(in f32 too\)/],
    ["an unknown number of adam", () => adam({ lr: 0.1 } as Any), TypeError, /^adam: .*got 'lr'/],
    ["nesterov without momentum", () => sgd({ nesterov: true }), RangeError, /^sgd: momentum: .*Give momentum, such as 0\.9/],
    ["a schedule without its start", () => stepDecay({ every: 3 } as Any), TypeError, /^stepDecay: initial: .*got undefined/],
    ["a schedule of 0 steps", () => cosineDecay({ initial: 1, steps: 0 }), RangeError, /^cosineDecay: steps: .*got 0/],
    ["warm-up of a oneCycle", () => oneCycle({ max: 1, steps: 5, warmupSteps: 3 } as Any), TypeError, /^oneCycle: .*got 'warmupSteps'/],
    ["a minimum above the start", () => reduceOnPlateau({ initial: 0.1, minimum: 1 }), RangeError, /^reduceOnPlateau: minimum: .*got 1/],
    ["classes that are none", () => confusionMatrix([0, 3], [0, 1], 2), RangeError, /^confusionMatrix: predictedClasses\[1\]: expected an integer from 0 to 1, got 3/],
    ["labels that are none", () => rocCurve([0.5], [2]), RangeError, /^rocCurve: labels\[0\]: expected 0 or 1, got 2/],
  ];
  test.each(cases)("%s", (_, call, kind, message) => expectRefused(() => call(undefined, good), kind, message));
});

describe("a plan of more than 4 GB", () => {
  test.each([
    [{ inputs: 2 ** 24, layers: [dense(2 ** 10)] }, /^create: expected a plan of at most 4 GB, got 129 GB\. Use fewer units/],
    [{ inputs: 2 ** 24, layers: [dense(2 ** 24), dense(2 ** 24)] }, /^create: expected a plan of at most 4 GB, got 4\.00 PB/],
    [{ inputs: 30_000, layers: [dense(30_000, "relu")] }, /^create: expected a plan of at most 4 GB, got 6\.7\d GB/],
  ])("is refused with the figure, quickly and before anything is allocated", async (options, message) => {
    const [started, resident] = [performance.now(), process.memoryUsage.rss()];
    await expectRefused(() => Network.create(options), RangeError, message);
    expect(performance.now() - started).toBeLessThan(500);
    expect(process.memoryUsage.rss() - resident).toBeLessThan(64 * 2 ** 20);
  });

  test("for a batch is refused by fit and trainBatch, and changes nothing", async () => {
    const network = await Network.create({ inputs: 1, layers: [dense(2 ** 16, "softmax")] });
    network.trainBatch([1, 2], [3, 4]);
    const before = network.save();
    const [inputs, targets] = [new Float32Array(20_000), new Uint16Array(20_000)];
    await expectRefused(() => network.fit(inputs, targets, { batchSize: 20_000 }), RangeError, /^fit: expected a plan of at most 4 GB, got [\d.]+ GB\. Use fewer units or a smaller batchSize/);
    await expectRefused(() => network.trainBatch(inputs, targets), RangeError, /^trainBatch: expected a plan of at most 4 GB, got [\d.]+ GB/);
    expect(Buffer.compare(network.save(), before)).toBe(0);
    expect(network.trainBatch([1, 2], [3, 4])).toBeGreaterThan(0);
  });
});

describe("after dispose", () => {
  test("every method and getter throws, of the network, its layers and its neurons", async () => {
    const network: Any = await Network.create({ inputs: 3, layers: [dense(4, prelu()), dense(2)] });
    const [layer] = network.layers;
    const neuron = layer.neuron(1);
    expect(layer.weights.length + neuron.weights.length).toBe(15);
    network.dispose();

    const calls: Record<string, () => unknown> = {
      fit: () => network.fit(good.inputs, good.rows), trainBatch: () => network.trainBatch(good.inputs, good.rows),
      diagnose: () => network.diagnose(good.inputs, good.rows), evaluate: () => network.evaluate(good.inputs, good.rows), predict: () => network.predict(good.inputs), classify: () => network.classify(good.inputs),
      trace: () => network.trace(good.inputs), gradients: () => network.gradients(good.inputs, good.rows), save: () => network.save(), clone: () => network.clone(),
      resetOptimizer: () => network.resetOptimizer(), summary: () => network.summary(), toModule: () => network.toModule(),
      "set tabular": () => { network.tabular = "{}"; },
    };
    for (const [name, call] of Object.entries(calls)) await expectRefused(call, Error, /: the network was disposed\. Create a new one or load a saved one/).catch((cause) => { throw new Error(name, { cause }); });
    const own = Object.entries(Object.getOwnPropertyDescriptors(Network.prototype));
    const getters = own.filter(([, { get }]) => get !== undefined).map(([name]) => name);
    expect(getters).toEqual(expect.arrayContaining(["inputs", "outputs", "seed", "parameterCount", "layers", "simd", "threads", "tabular"]));
    for (const name of getters) await expectRefused(() => network[name], Error, /the network was disposed/);
    // Every public method has been called: what is left are the constructor, dispose, and what TypeScript calls private.
    const methods = own.filter(([name, { value }]) => typeof value === "function" && !Object.hasOwn(calls, name)).map(([name]) => name);
    expect(methods.sort()).toEqual(["constructor", "dispose", "idle", "lossFor", "model", "still"]);

    for (const name of ["inputs", "units", "activation", "weights", "biases", "slopes"]) await expectRefused(() => layer[name], Error, /the network was disposed/);
    await expectRefused(() => layer.neuron(0), Error, /the network was disposed/);
    for (const name of ["weights", "bias"]) await expectRefused(() => neuron[name], Error, /the network was disposed/);
    await expectRefused(() => neuron.explain([1, 2, 3]), Error, /the network was disposed/);
    // Once more does no harm.
    network.dispose();
    network[Symbol.dispose]();
  });
});

describe("whatever is given", () => {
  const MARK = "mine: a trap of the argument";
  const trap = (): never => {
    throw new Error(MARK);
  };
  const traps = Object.fromEntries(Reflect.ownKeys(Reflect).filter((key) => typeof key === "string").map((key) => [key, trap]));
  const { proxy: revoked, revoke } = Proxy.revocable([], {});
  revoke();
  const gone = new Float32Array(6);
  structuredClone(gone, { transfer: [gone.buffer] });
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const odd: unknown[] = [
    undefined, null, 0, -1, 1.5, NaN, Infinity, 1e39, 2 ** 53, "", "x", "relu", "adam", Symbol("s"), 10n, true, false, [], [[]], [null], [[null]], [[1, 2, 3], [1]], {}, Object.create(null),
    () => 1, class Layer {}, new Date(0), new Date(NaN), new Map(), new Set([1]), new WeakMap(), /x/, new Error("e"), Promise.resolve(1), (function* () { yield 1; })(),
    new Proxy({}, traps), new Proxy([], traps), new Proxy(() => 1, traps), cyclic, { length: 2 ** 53 }, { length: 3, 0: 1, 1: 2, 2: 3 }, new Array(3), Object.assign([1, 2, 3], { [1]: undefined }),
    new Float32Array(0), new Float32Array([1, 2, NaN]), new Float64Array([1e39, 0, 0]), new BigInt64Array(3), new Uint8Array(new SharedArrayBuffer(3)), new DataView(new ArrayBuffer(12)), new ArrayBuffer(12),
    Object("x"), Object(3), Object(false), Object.freeze([1, 2, 3]), new (class extends Array {})(3), new (class extends Float32Array {})(3), Object.defineProperty([1, 2], 2, { get: trap, enumerable: true }),
    { get epochs() { return trap(); } }, { name: "adam" }, { name: "prelu", shared: 1 }, { kind: "dense" }, { kind: "dense", units: 3 }, { then: 1 }, globalThis, Math, JSON, Reflect, new AbortController(), import.meta, revoked, gone,
  ];

  test("an error is the library's, one line, and never the engine's; nothing changes", async () => {
    const network: Any = regression;
    const options = ["epochs", "batchSize", "optimizer", "loss", "shuffle", "validationSplit", "validationData", "metrics", "earlyStopping", "classWeights", "sampleWeights", "gradientClip", "threads", "resume", "onEpoch", "onBatch", "signal"];
    // Aborted beforehand: arguments that happen to be right train nothing.
    const signal = AbortSignal.abort("aborted");
    const calls: [string, (value: unknown) => unknown][] = [
      ["predict", (value) => network.predict(value)], ["predict into", (value) => network.predict(good.inputs, value)], ["classify", (value) => network.classify(value)], ["trace", (value) => network.trace(value)],
      ["diagnose", (value) => network.diagnose(value)], ["diagnose against", (value) => network.diagnose(good.inputs, value)], ["diagnose with", (value) => network.diagnose(good.inputs, good.rows, value)],
      ["evaluate", (value) => network.evaluate(value, good.rows)], ["evaluate against", (value) => network.evaluate(good.inputs, value)], ["evaluate with", (value) => network.evaluate(good.inputs, good.rows, value)],
      ...["loss", "metrics", "batchSize"].map((key): [string, (value: unknown) => unknown] => [`evaluate by ${key}`, (value) => network.evaluate(good.inputs, good.rows, { [key]: value })]),
      ["gradients", (value) => network.gradients(value, good.rows)], ["gradients against", (value) => network.gradients(good.inputs, value)], ["gradients with", (value) => network.gradients(good.inputs, good.rows, value)],
      ["fit", (value) => network.fit(value, good.rows, { signal })], ["fit to", (value) => network.fit(good.inputs, value, { signal })],
      ...options.filter((key) => key !== "signal").map((key): [string, (value: unknown) => unknown] => [`fit by ${key}`, (value) => network.fit(good.inputs, good.rows, { [key]: value, signal })]),
      ["save", (value) => network.save(value)], ["save by", (value) => network.save({ optimizer: value })], ["neuron", (value) => network.layers[0].neuron(value)], ["explain", (value) => network.layers[0].neuron(0).explain(value)],
      ["load", (value) => Network.load(value as Any)], ["load with", (value) => Network.load(network.save(), value as Any)],
      ["create", (value) => Network.create(value as Any)], ...["inputs", "layers", "seed", "simd"].map((key): [string, (value: unknown) => unknown] => [`create by ${key}`, (value) => Network.create({ inputs: 3, layers: [dense(1)], [key]: value } as Any)]),
      ["a layer", (value) => Network.create({ inputs: 3, layers: [value as Any] })], ["dense", (value) => dense(value as Any)], ["dense with", (value) => dense(1, value as Any)],
      ...["activation", "bias", "weightInit", "biasInit", "l1", "l2", "trainable"].map((key): [string, (value: unknown) => unknown] => [`dense by ${key}`, (value) => dense(1, { [key]: value } as Any)]),
      ["prelu", (value) => prelu(value as Any)], ["adam", (value) => adam(value as Any)], ["adam by learningRate", (value) => adam({ learningRate: value as Any })], ["oneCycle", (value) => oneCycle(value as Any)],
      ["confusionMatrix", (value) => confusionMatrix(value as Any, value as Any, 2)], ["rocCurve", (value) => rocCurve(value as Any, value as Any)], ["new", (value) => new (Network as Any)(value)],
    ];
    const before = network.save();
    let refused = 0;
    for (const [name, call] of calls) {
      for (const [i, value] of odd.entries()) {
        const error = await thrownBy(() => call(value));
        if (error === undefined || error === "aborted") continue;
        refused++;
        const { message, stack } = error as Error;
        if (message === MARK) continue;
        expect(message, `${name} of odd[${i}]: ${stack}`).toMatch(/expected |softmax is|averageWeights|Write `await/);
        expect(message).not.toContain("\n");
      }
    }
    expect(refused).toBeGreaterThan(2500);
    expect(network.save()).toEqual(before);
  });

  test("data whose proxy was revoked or whose buffer was transferred is refused so too", async () => {
    for (const value of [revoked, gone]) {
      for (const call of [
        () => regression.predict(value), () => regression.trace([value] as Any), () => regression.evaluate(value, good.rows), () => regression.evaluate(good.inputs, value), () => regression.fit(value, good.rows),
        () => regression.fit(good.inputs, value), () => regression.fit(good.inputs, good.rows, { sampleWeights: value as Any }), () => regression.trainBatch(good.inputs, value),
      ]) {
        const error = await thrownBy(call);
        expect((error as Error).message).toMatch(/^(inputs|targets|fit: sampleWeights)(\[0\])?: expected .*, got /);
      }
    }
  });
});
