// Wrong input of the whole toolbox: streams, cross-validation, custom activations, metrics, tables, ONNX, brain.js' networks, files, schedules, layers and
// the options of fit. Each call is refused with the class of error and the message that are stated, thrown by the library and not by the engine, on one line.
// What is tried of the network itself is in errors.test.ts, of the command in cli-errors.test.ts.

import { describe, expect, it } from "vitest";
import * as brain from "../src/compat/brain.js";
import * as rosenblatt from "../src/index.js";
import * as node from "../src/node.js";
import * as onnx from "../src/onnx/index.js";
import * as tabular from "../src/tabular/index.js";

/** Anything: what is tried here is what the types forbid. */
type Any = any;
type Case = [title: string, call: () => unknown, kind: new (...given: Any[]) => Error, message: string];

const {
  adam, batchNorm, compareActivations, confusionMatrix, cosineDecay, crossEntropy, crossValidate, customActivation, dense, dropout, exponentialDecay, layerNorm, leakyRelu, Network, oneCycle,
  reduceOnPlateau, rocCurve, stepDecay, Tabular, readCSV, toONNX, fromONNX, NeuralNetwork, saveFile, loadFile, ModelFormatError, DivergenceError,
} = { ...rosenblatt, ...node, ...onnx, ...tabular, ...brain } as Any;

const X = [[0, 1], [1, 0], [1, 1], [0, 0]];
const Y = [0, 1, 1, 0];
const good = { inputs: X, targets: Y };
const rows = Array.from({ length: 30 }, (_, i) => ({ a: i, b: i % 3 ? "u" : "v", t: i % 2 ? "x" : "y" }));
const net = (): Promise<Any> => Network.create({ inputs: 2, layers: [dense(3, "tanh"), dense(2, "softmax")] });
const reg = (): Promise<Any> => Network.create({ inputs: 2, layers: [dense(1)] });
const custom = (): Promise<Any> => Network.create({ inputs: 1, layers: [dense(1, customActivation({ name: "c", forward: (z: Any, a: Any) => a.set(z), derivative: (_: Any, __: Any, d: Any) => d.fill(1) }))] });
async function* gen(...chunks: Any[]): AsyncGenerator {
  yield* chunks;
}

const cases: Record<string, Case[]> = {
  "streams": [
    ["validationSplit", async () => (await net()).fit(() => gen(good), { validationSplit: 0.2 }), RangeError, "fit: validationSplit: expected samples that lie in memory, got a source of chunks. Give validationData"],
    ["one that can be read once, for two epochs", async () => (await net()).fit(gen(good), { epochs: 2 }), RangeError, "fit: source: expected a function that gives the chunks of each of 2 epochs, got an AsyncGenerator that can be read once. Write fit(() => …, options), or epochs: 1"],
    ["sample weights of fit", async () => (await net()).fit(() => gen(good), { sampleWeights: [1] }), RangeError, "fit: sampleWeights: expected samples that lie in memory, got a source of chunks. Give each chunk its sampleWeights"],
    ["balanced class weights", async () => (await net()).fit(() => gen(good), { classWeights: "balanced" }), RangeError, "fit: classWeights: expected a weight for each class, got a source of chunks. 'balanced' needs all samples at once; give the weights as an array"],
    ["empty", async () => (await net()).fit(() => gen(), {}), RangeError, "fit: source: expected at least one sample, got none"],
    ["empty chunk", async () => (await net()).fit(() => gen({ inputs: [], targets: [] }), {}), RangeError, "fit: source: expected at least one sample, got none"],
    ["a chunk with another key", async () => (await net()).fit(() => gen({ input: X, targets: Y }), {}), TypeError, "got 'input'. Did you mean 'inputs'?"],
    ["NaN in the second chunk", async () => (await net()).fit(() => gen(good, { inputs: [[NaN, 1]], targets: [0] }), {}), RangeError, "chunks[1].inputs[0][0]: expected a finite number, got NaN"],
    ["a chunk that is a list", async () => (await net()).fit(() => gen([X, Y]), {}), TypeError, "chunks[0]: expected { inputs, targets }, got an array of 2"],
    ["no chunk", async () => (await net()).fit(() => gen(undefined), {}), TypeError, "chunks[0]: expected { inputs, targets }, got null"],
    ["a function that returns nothing", async () => (await net()).fit(() => undefined, {}), TypeError, "fit: source(): the value returned: expected an async iterable of { inputs, targets }, got undefined"],
    ["one source for three epochs", async () => { const g = gen(good); return (await net()).fit(() => g, { epochs: 3 }); }, RangeError, "fit: source: expected at least one sample in each epoch, got none. Give a function that opens the data anew for each epoch"],
    ["targets beside a source", async () => (await net()).fit(() => gen(good), Y), TypeError, "fit: expected an object of options, got an array of 4"],
    ["too few weights", async () => (await net()).fit(() => gen({ ...good, sampleWeights: [1] }), {}), RangeError, "chunks[0].sampleWeights: expected 4 weights, got 1"],
    ["a negative weight", async () => (await net()).fit(() => gen({ ...good, sampleWeights: [1, -1, 1, 1] }), {}), RangeError, "chunks[0].sampleWeights[1]: expected a finite number from 0 up, got -1"],
    ["width", async () => (await net()).fit(() => gen({ inputs: [[1]], targets: [0] }), {}), RangeError, "chunks[0].inputs[0]: expected 2 numbers, got 1"],
    ["class out of range", async () => (await net()).fit(() => gen({ inputs: X, targets: [0, 1, 2, 0] }), {}), RangeError, "chunks[0].targets[2]: expected a class index from 0 to 1, got 2"],
  ],
  "crossValidate": [
    ["no create", () => crossValidate({ inputs: X, targets: Y }), TypeError, "crossValidate: create: expected a function, got undefined"],
    ["create sync obj", () => crossValidate({ create: () => 3, inputs: X, targets: Y, folds: 2 }), TypeError, "crossValidate: create(): expected a Network, got 3. Write create: () => Network.create({ … })"],
    ["same network", async () => { const n = await net(); return crossValidate({ create: async () => n, inputs: X, targets: Y, folds: 2 }); }, Error, "crossValidate: create(): expected a new network of each call, got one that another fold has trained. Write create: () => Network.create({ … })"],
    ["folds 5 of 4", () => crossValidate({ create: net, inputs: X, targets: Y }), RangeError, "crossValidate: folds: expected an integer from 2 to 4, got 5"],
    ["folds 1", () => crossValidate({ create: net, inputs: X, targets: Y, folds: 1 }), RangeError, "crossValidate: folds: expected an integer from 2 to 4, got 1"],
    ["folds 2.5", () => crossValidate({ create: net, inputs: X, targets: Y, folds: 2.5 }), RangeError, "crossValidate: folds: expected an integer from 2 to 4, got 2.5"],
    ["stratified string", () => crossValidate({ create: net, inputs: X, targets: Y, folds: 2, stratified: "yes" }), TypeError, "crossValidate: stratified: expected true or false, got 'yes'"],
    ["resume", () => crossValidate({ create: net, inputs: X, targets: Y, folds: 2, resume: true }), TypeError, "got 'resume'"],
    ["typo", () => crossValidate({ create: net, inputs: X, targets: Y, fold: 2 }), TypeError, "got 'fold'. Did you mean 'folds'?"],
    ["null", () => crossValidate(null), TypeError, "crossValidate: expected an object of options, got null"],
    ["sampleWeights len", () => crossValidate({ create: net, inputs: X, targets: Y, folds: 2, sampleWeights: [1, 1] }), RangeError, "crossValidate: sampleWeights: expected 4 weights, got 2"],
  ],
  "custom activations": [
    ["no name", () => customActivation({ forward() {}, derivative() {} }), TypeError, "customActivation: name: expected a name of 1 to 64 letters, digits, spaces, - and _, got undefined"],
    ["name relu", () => customActivation({ name: "relu", forward() {}, derivative() {} }), RangeError, "customActivation: name: expected a name that no activation of the library has, got 'relu'. Choose another"],
    ["empty name", () => customActivation({ name: "", forward() {}, derivative() {} }), RangeError, "customActivation: name: expected a name of 1 to 64 letters, digits, spaces, - and _, got ''"],
    ["derivative missing", () => customActivation({ name: "x", forward() {} }), TypeError, "customActivation: derivative: expected a function, got undefined"],
    ["arrow string", () => customActivation({ name: "x", forward: "z", derivative() {} }), TypeError, "customActivation: forward: expected a function, got 'z'"],
    ["NaN", async () => { const n = await Network.create({ inputs: 1, layers: [dense(1, customActivation({ name: "nan", forward: (_: Any, a: Any) => a.fill(NaN), derivative: (_: Any, __: Any, d: Any) => d.fill(1) }))] }); return n.fit([[1], [2]], [1, 2]); }, DivergenceError, "fit: the loss became NaN at epoch 1, step 1, first in layer 0 (nan). Lower learningRate (0.001 of adam), scale the targets or clip the gradient"],
    ["toModule", async () => (await custom()).toModule(), Error, "toModule: layers[0].activation: expected one of the library's own, got the custom activation 'c'. It has no form outside of this program"],
    ["toONNX", async () => toONNX(await custom()), Error, "toONNX: layers[0].activation: expected one of the library's own, got the custom activation 'c'. It has no form outside of this program"],
    ["load without", async () => Network.load((await custom()).save()), ModelFormatError, "load: layers[0].activation: expected the custom activation 'c' in the option activations, got none of that name. Write Network.load(bytes, { activations: [it] })"],
    ["load other", async () => Network.load((await custom()).save(), { activations: [customActivation({ name: "d", forward() {}, derivative() {} })] }), ModelFormatError, "load: layers[0].activation: expected the custom activation 'c' in the option activations, got none of that name. Write Network.load(bytes, { activations: [it] })"],
  ],
  "confusionMatrix": [
    ["length", () => confusionMatrix([0, 1], [0], 2), RangeError, "confusionMatrix: predictedClasses: expected 1 class indices, as many as classes, got 2"],
    ["class", () => confusionMatrix([0, 2], [0, 1], 2), RangeError, "confusionMatrix: predictedClasses[1]: expected an integer from 0 to 1, got 2"],
    ["count", () => confusionMatrix([0], [0], 0), RangeError, "confusionMatrix: count: expected an integer from 1 to 10000, got 0"],
    ["frac", () => confusionMatrix([0.5], [0], 2), RangeError, "confusionMatrix: predictedClasses[0]: expected an integer from 0 to 1, got 0.5"],
    ["null", () => confusionMatrix(null, [0], 2), TypeError, "confusionMatrix: predictedClasses: expected an array of numbers, got null"],
  ],
  "rocCurve": [
    ["len", () => rocCurve([1], [1, 0]), RangeError, "rocCurve: labels: expected 1 labels, as many as scores, got 2"],
    ["NaN", () => rocCurve([NaN, 1], [1, 0]), RangeError, "rocCurve: scores[0]: expected a finite number, got NaN"],
    ["labels", () => rocCurve([1, 2], [1, 2]), RangeError, "rocCurve: labels[1]: expected 0 or 1, got 2"],
    ["empty", () => rocCurve([], []), RangeError, "rocCurve: scores: expected one score at least, got none"],
    ["inf", () => JSON.stringify(rocCurve([Infinity, 1], [1, 0])), RangeError, "rocCurve: scores[0]: expected a finite number, got Infinity"],
  ],
  "Tabular": [
    ["no target", () => Tabular.train(rows, {}), TypeError, "train: target: expected the name of a column, got undefined"],
    ["unknown target", () => Tabular.train(rows, { target: "tt" }), RangeError, "target: expected the name of a column, got 'tt'"],
    ["rows str", () => Tabular.train("a,b", { target: "a" }), TypeError, "train: rows: expected an array or an async iterable of objects, got 'a,b'. readCSV makes one of a CSV file"],
    ["rows of arrays", () => Tabular.train([[1, 2]], { target: "a" }), TypeError, "train: rows[0]: expected an object with the cells by the names of their columns, got an array of 2"],
    ["null row", () => Tabular.train([null], { target: "a" }), TypeError, "train: rows[0]: expected an object with the cells by the names of their columns, got null"],
    ["date", () => Tabular.train([{ a: new Date(0), t: 1 }], { target: "t" }), RangeError, "target 't': expected two classes at least, got 1 alone"],
    ["inf", () => Tabular.train([{ a: Infinity, t: 1 }], { target: "t" }), RangeError, "target 't': expected two classes at least, got 1 alone"],
    ["bigint", () => Tabular.train([{ a: 1n, t: 1 }], { target: "t" }), RangeError, "target 't': expected two classes at least, got 1 alone"],
    ["typo", () => Tabular.train(rows, { target: "t", epoch: 2 }), TypeError, "got 'epoch'. Did you mean 'epochs'?"],
    ["task", () => Tabular.train(rows, { target: "t", task: "regress" }), RangeError, "train: task: expected one of 'classification', 'regression', got 'regress'. Did you mean 'regression'?"],
    ["task reg of text", () => Tabular.train(rows, { target: "t", task: "regression" }), TypeError, "train: rows[0]['t']: expected a number, since the task is regression, got 'y'. Leave the task out, or set it to classification"],
    ["hidden", () => Tabular.train(rows, { target: "t", hidden: 5 }), TypeError, "train: hidden: expected an array with the units of each hidden layer, got 5"],
    ["empty", () => Tabular.train([], { target: "t" }), RangeError, "train: rows: expected a row at least, got none"],
    ["loss", () => Tabular.train(rows, { target: "t", loss: "hinge" }), RangeError, "train: loss: expected 'crossEntropy' for a classification, got 'hinge'"],
    ["weights", () => Tabular.train(rows, { target: "t", sampleWeights: [1] }), RangeError, "train: sampleWeights: expected 30 weights, one for each row, got 1"],
    ["metrics", () => Tabular.train(rows, { target: "t", metrics: ["r22"] }), RangeError, "train: metrics[0]: expected one of 'accuracy', 'precision', 'recall', 'f1', 'auc', 'meanAbsoluteError', 'meanSquaredError', 'rootMeanSquaredError', 'r2', got 'r22'. Did you mean 'r2'?"],
    ["load", () => Tabular.load(new Uint8Array(3)), ModelFormatError, "load: expected at least 8 bytes, got 3"],
    ["load str", () => Tabular.load("x"), TypeError, "load: bytes: expected a Uint8Array or an ArrayBuffer, got 'x'. Give the bytes of a file that save() wrote"],
    ["load net", async () => Tabular.load((await net()).save()), ModelFormatError, "load: expected a model of a table, got a network alone. Use Network.load"],
    ["predict text in num", async () => (await Tabular.train(rows, { target: "t", epochs: 1 })).predict([{ a: "many", b: "u" }]), TypeError, "predict: rows[0]['a']: expected a number or nothing, as in the training data, got 'many'"],
    ["predict obj", async () => (await Tabular.train(rows, { target: "t", epochs: 1 })).predict({ a: 1 }), TypeError, "predict: rows: expected an array of objects, got an object"],
    ["evaluate no target", async () => (await Tabular.train(rows, { target: "t", epochs: 1 })).evaluate([{ a: 1 }]), RangeError, "evaluate: rows: expected a row with a value in 't', got none"],
    ["evaluate unknown class", async () => (await Tabular.train(rows, { target: "t", epochs: 1 })).evaluate([{ a: 1, t: "zz" }]), RangeError, "evaluate: rows[0]['t']: expected one of the classes 'x', 'y', got 'zz'"],
    ["prob regression", async () => (await Tabular.train(rows.map((r: Any) => ({ ...r, y: r.a * 1.5 })), { target: "y", epochs: 1 })).probabilities([{ a: 1 }]), Error, "probabilities: expected a model for classification, got one for regression. Use predict"],
    ["new", () => new Tabular(), TypeError, "new Tabular: expected a call of Tabular.train or Tabular.load, got new. Write await Tabular.train(rows, { target })"],
  ],
  "readCSV": [
    ["none", () => readCSV(), TypeError, "readCSV: expected a text, the path of a file, or a stream, got undefined"],
    ["num", () => readCSV(5), TypeError, "readCSV: expected a text, the path of a file, or a stream, got 5"],
    ["nofile", () => readCSV("nofile.csv"), Error, "'nofile.csv': expected a file that can be read, got no such file"],
    ["ragged", () => readCSV("a,b\n1\n"), Error, "CSV line 2: expected 2 fields, got 1"],
    ["dup", () => readCSV("a,a\n1,2\n"), Error, "CSV line 1: expected a name of its own for every column, got 'a' twice"],
    ["blank", () => readCSV("\n"), Error, "CSV: expected a header line and rows, got nothing but blank lines"],
    ["bytes", () => readCSV(Uint8Array.of(97, 10, 49)), TypeError, "readCSV: expected a text, the path of a file, or a stream, got a Uint8Array of 3"],
  ],
  "ONNX": [
    ["onnx str", () => fromONNX("x"), TypeError, "fromONNX: bytes: expected a Uint8Array or an ArrayBuffer, got 'x'. Give the bytes of an ONNX file"],
    ["onnx empty", () => fromONNX(new Uint8Array()), ModelFormatError, "fromONNX: expected an ONNX model, got bytes without a graph"],
    ["onnx junk", () => fromONNX(new Uint8Array([1, 2, 3, 4, 5])), ModelFormatError, "fromONNX: expected an ONNX model, got bytes that are none (illegal tag: field no 0 wire type 1)"],
    ["toonnx null", () => toONNX(null), TypeError, "toONNX: network: expected a Network, got null. Make one with Network.create or Network.load"],
    ["toonnx disposed", async () => { const n = await net(); n.dispose(); return toONNX(n); }, Error, "toONNX: the network was disposed. Create a new one or load a saved one"],
  ],
  "brain.js' networks": [
    ["opt", () => new NeuralNetwork({ hiddenLayer: [3] }), TypeError, "got 'hiddenLayer'. Did you mean 'hiddenLayers'?"],
    ["act", () => new NeuralNetwork({ activation: "gelu" }), RangeError, "NeuralNetwork: activation: expected one of 'sigmoid', 'relu', 'leaky-relu', 'tanh', got 'gelu'. Did you mean 'relu'?"],
    ["run", () => new NeuralNetwork().run([1]), Error, "run: expected a trained network, got one without weights. Await train or fromJSON first"],
    ["train empty", () => new NeuralNetwork().train([]), RangeError, "train: data: expected a sample at least, got none"],
    ["train bad", () => new NeuralNetwork().train([{ input: [1] }]), TypeError, "train: data[0]: expected { input, output }, got an object"],
    ["mixed", () => new NeuralNetwork().train([{ input: [1], output: [1] }, { input: { a: 1 }, output: [1] }]), TypeError, "train: data[0].input: expected an object of numbers by name, as in the training data, got an array of 1"],
    ["NaN", () => new NeuralNetwork().train([{ input: [NaN], output: [1] }]), RangeError, "train: data[0].input[0]: expected a finite number, got NaN"],
    ["len", () => new NeuralNetwork().train([{ input: [1, 2], output: [1] }, { input: [1], output: [1] }]), RangeError, "train: data[1].input: expected 2 numbers, got 1"],
    ["json", () => new NeuralNetwork().fromJSON({}), ModelFormatError, "fromJSON: sizes: expected the units of each layer, input first, got undefined"],
    ["json null", () => new NeuralNetwork().fromJSON(null), ModelFormatError, "fromJSON: the network: expected an object, got null"],
    ["string", () => new NeuralNetwork().train("x"), TypeError, "train: data[0]: expected { input, output }, got 'x'"],
    ["iter", () => new NeuralNetwork().train([{ input: [1], output: [1] }], { iterations: 0 }), RangeError, "train: iterations: expected an integer from 1 to 2147483647, got 0"],
  ],
  "files": [
    ["save", () => saveFile(null, "x"), TypeError, "saveFile: expected a Network or a Tabular, got null"],
    ["path", async () => saveFile(await net(), 5), TypeError, "saveFile: path: expected the path of a file, got 5"],
    ["folder", async () => saveFile(await net(), "/nonexistent/x"), Error, "write '/nonexistent/x': expected a path that can be written, got ENOENT. Make its folder first."],
    ["load", () => loadFile("/nonexistent"), Error, "'/nonexistent': expected a file that can be read, got no such file"],
    ["load dir", () => loadFile("/"), Error, "'/': expected a file that can be read, got a folder"],
  ],
  "schedules, layers and options of fit": [
    ["lr schedule 0", () => adam({ learningRate: cosineDecay({ initial: 0, steps: 3 }) }), RangeError, "cosineDecay: initial: expected a finite number above 0, got 0"],
    ["cos steps", () => cosineDecay({ initial: 1 }), TypeError, "cosineDecay: steps: expected an integer from 1 to 9007199254740991, got undefined"],
    ["onecycle warm", () => oneCycle({ max: 1, steps: 10, warmupSteps: 3 }), TypeError, "got 'warmupSteps'"],
    ["onecycle share", () => oneCycle({ max: 1, steps: 10, warmupShare: 2 }), RangeError, "oneCycle: warmupShare: expected a finite number from 0 to 1, got 2"],
    ["step every 0", () => stepDecay({ initial: 1, every: 0 }), RangeError, "stepDecay: every: expected an integer from 1 to 9007199254740991, got 0"],
    ["exp rate", () => exponentialDecay({ initial: 1, rate: -1 }), RangeError, "exponentialDecay: rate: expected a finite number from 0 and below 1, got -1"],
    ["plateau", () => reduceOnPlateau({ initial: 0.1, factor: 2 }), RangeError, "reduceOnPlateau: factor: expected a finite number from 0 and below 1, got 2"],
    ["plateau patience", () => reduceOnPlateau({ initial: 0.1, patience: -1 }), RangeError, "reduceOnPlateau: patience: expected an integer from 0 to 9007199254740991, got -1"],
    ["warmup", () => cosineDecay({ initial: 0.1, steps: 10, warmupSteps: -1 }), RangeError, "cosineDecay: warmupSteps: expected an integer from 0 to 9007199254740991, got -1"],
    ["sched string", () => adam({ learningRate: "cosine" }), TypeError, "adam: learningRate: expected a number above 0 or a schedule (stepDecay, exponentialDecay, cosineDecay, oneCycle, reduceOnPlateau), got 'cosine'"],
    ["avg decay 1", async () => (await net()).fit(X, Y, { averageWeights: { decay: 1 } }), RangeError, "fit: averageWeights.decay: expected a finite number from 0 and below 1, got 1"],
    ["avg none", async () => (await net()).fit(X, Y, { averageWeights: {} }), TypeError, "fit: averageWeights.decay: expected a finite number from 0 and below 1, got undefined"],
    ["avg num", async () => (await net()).fit(X, Y, { averageWeights: 0.9 }), TypeError, "fit: averageWeights: expected an object of options, got 0.9"],
    ["clip both", async () => (await net()).fit(X, Y, { gradientClip: { norm: 1, value: 1 } }), RangeError, "fit: gradientClip: expected either norm or value, got both"],
    ["clip 0", async () => (await net()).fit(X, Y, { gradientClip: { norm: 0 } }), RangeError, "fit: gradientClip.norm: expected a finite number above 0, got 0"],
    ["clip num", async () => (await net()).fit(X, Y, { gradientClip: 1 }), TypeError, "fit: gradientClip: expected an object of options, got 1"],
    ["classWeights len", async () => (await net()).fit(X, Y, { classWeights: [1] }), RangeError, "fit: classWeights: expected 2 weights, got 1"],
    ["classWeights name", async () => (await net()).fit(X, Y, { classWeights: "balance" }), RangeError, "fit: classWeights: expected 'balanced' or an array with a weight for each class, got 'balance'"],
    ["classWeights reg", async () => (await reg()).fit(X, [1, 2, 3, 4], { classWeights: [1] }), Error, "fit: classWeights: expected targets that are classes (a loss crossEntropy, binaryCrossEntropy with one output, or hinge), got another loss. Use sampleWeights"],
    ["balanced reg", async () => (await reg()).fit(X, [1.5, 2, 3, 4], { classWeights: "balanced" }), Error, "fit: classWeights: expected targets that are classes (a loss crossEntropy, binaryCrossEntropy with one output, or hinge), got another loss. Use sampleWeights"],
    ["smooth", () => crossEntropy({ labelSmoothing: 1 }), RangeError, "crossEntropy: labelSmoothing: expected a finite number from 0 and below 1, got 1"],
    ["dropout 1", () => dropout(1), RangeError, "dropout: rate: expected a finite number from 0 and below 1, got 1"],
    ["dropout none", () => dropout(), TypeError, "dropout: rate: expected a finite number from 0 and below 1, got undefined"],
    ["bn -", () => batchNorm({ momentum: -0.1 }), RangeError, "batchNorm: momentum: expected a finite number from 0 to 1, got -0.1"],
    ["ln", () => layerNorm({ momentum: 0.1 }), TypeError, "got 'momentum'"],
    ["early none", async () => (await net()).fit(X, Y, { earlyStopping: {} }), TypeError, "fit: earlyStopping.patience: expected an integer from 0 to 2147483647, got undefined"],
    ["early mon", async () => (await net()).fit(X, Y, { earlyStopping: { patience: 1, monitor: "acc" } }), RangeError, "fit: earlyStopping.monitor: expected one of 'loss', 'accuracy', 'precision', 'recall', 'f1', 'auc', 'meanAbsoluteError', 'meanSquaredError', 'rootMeanSquaredError', 'r2', got 'acc'. Did you mean 'auc'?"],
  ],
  "compareActivations": [
    ["the same activation twice", () => compareActivations({ ...good, activations: ["relu", "tanh", "relu"] }), RangeError, "compareActivations: activations[2]: expected each activation once, got 'relu'. It is activations[0] too"],
    ["the default parameter written out", () => compareActivations({ ...good, activations: ["leakyRelu", leakyRelu({ slope: 0.01 })] }), RangeError, "activations[1]: expected each activation once, got 'leakyRelu'"],
    ["softmax", () => compareActivations({ ...good, activations: ["softmax"] }), RangeError, "activations[0]: expected an activation for hidden layers, got 'softmax'"],
    ["a name for a list", () => compareActivations({ ...good, activations: "relu" }), TypeError, "compareActivations: activations: expected an array of activations, got 'relu'"],
    ["half a unit", () => compareActivations({ ...good, hidden: [1.5] }), RangeError, "compareActivations: hidden[0]: expected an integer from 1 to 16777216, got 1.5"],
    ["no inputs", () => compareActivations({ targets: Y }), TypeError, "inputs: expected an array of rows or a flat array of numbers, got undefined"],
    ["no targets", () => compareActivations({ inputs: X, targets: [] }), RangeError, "targets: expected at least one sample, got 0 samples"],
  ],
};

it("more than a hundred cases", () => expect(Object.values(cases).flat().length).toBeGreaterThan(125));

describe.each(Object.entries(cases))("%s", (_, list) => {
  it.each(list)("%s", async (_, call, kind, message) => {
    let error: Any;
    try {
      await call();
    } catch (thrown) {
      error = thrown;
    }
    expect(error?.constructor, String(error)).toBe(kind);
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("\n");
  });
});
