// Model files by the contract's section 9: what save writes, that load takes it back to the same bytes, and that it takes
// nothing else. What holds for any safetensors file is tested in safetensors.test.ts.

import { describe, expect, test } from "vitest";
import {
  constant, crossEntropy, dense, elu, gelu, huber, leakyRelu, ModelFormatError, Network, normal, oneCycle, prelu, reduceOnPlateau, rmsprop, sgd, uniform,
} from "../src/index.js";
import type { ActivationName, ActivationSpec, FitOptions, LayerSpec } from "../src/index.js";
import { readSafetensors, writeSafetensors } from "../src/files/safetensors.js";
import type { NamedTensor } from "../src/files/safetensors.js";

const inputs = [[0.1, -0.4, 0.7], [0.9, 0.2, -0.3], [-0.6, 0.5, 0.4], [0.3, -0.8, -0.1]];
const classes = [0, 1, 1, 0];

const create = (): Promise<Network> => Network.create({ inputs: 3, layers: [dense(4, prelu()), dense(5, prelu({ shared: true })), dense(2, "softmax")], seed: 11 });

/** A network in the midst of a fit with everything that a file may hold. */
async function unfinished(): Promise<Uint8Array> {
  const network = await create();
  const controller = new AbortController();
  let steps = 0;
  const options: FitOptions = {
    epochs: 9, batchSize: 2, optimizer: "adam", metrics: ["f1"], earlyStopping: { patience: 9 }, signal: controller.signal,
    onBatch: () => void (++steps === 5 && controller.abort()),
  };
  await expect(network.fit(inputs, classes, options)).rejects.toThrow();
  return network.save();
}

const KEY = "rosenblatt";
type Description = Record<string, any>;

const describeFile = (bytes: Uint8Array): Description => JSON.parse(readSafetensors(bytes).metadata.get(KEY)!);
const shapesOf = (bytes: Uint8Array): Record<string, readonly number[]> => Object.fromEntries([...readSafetensors(bytes).tensors].map(([name, { shape }]) => [name, shape]));

/** The file with another description, or with other tensors or metadata. */
function rewrite(bytes: Uint8Array, change: { description?: (text: Description) => void; tensors?: (all: NamedTensor[]) => NamedTensor[]; metadata?: Record<string, string>; raw?: string }): Uint8Array {
  const { tensors, metadata } = readSafetensors(bytes);
  const description = JSON.parse(metadata.get(KEY)!);
  change.description?.(description);
  const all = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  return writeSafetensors(change.tensors?.(all) ?? all, { ...Object.fromEntries(metadata), [KEY]: change.raw ?? JSON.stringify(description), ...change.metadata });
}

async function refusal(bytes: unknown): Promise<ModelFormatError> {
  const error = await Network.load(bytes as Uint8Array).then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(ModelFormatError);
  expect((error as Error).name).toBe("ModelFormatError");
  expect((error as Error).message).toMatch(/^load: /);
  return error as ModelFormatError;
}

async function expectRoundTrip(network: Network): Promise<void> {
  const bytes = network.save();
  const loaded = await Network.load(bytes);
  expect(loaded.save()).toEqual(bytes);
  expect(loaded.predict(inputs)).toEqual(network.predict(inputs));
  expect(loaded.evaluate(inputs, [...network.predict(inputs)].map(Math.abs).map((x) => Math.min(x, 1)), { loss: "meanSquaredError" }).loss).toBeGreaterThanOrEqual(0);
  expect([loaded.seed, loaded.inputs, loaded.outputs, loaded.parameterCount]).toEqual([network.seed, network.inputs, network.outputs, network.parameterCount]);
  expect(loaded.summary()).toBe(network.summary());
}

describe("save, load, save", () => {
  const activations: (ActivationName | ActivationSpec)[] = [
    "linear", "sigmoid", "tanh", "relu", leakyRelu({ slope: -0.3 }), leakyRelu(), prelu({ initialSlope: 0.1 }), prelu({ shared: true }), elu({ alpha: 0.7 }), elu(), "selu",
    gelu(), gelu({ approximate: "tanh" }), "silu", "mish", "softplus", "softsign", "relu6", "hardSigmoid", "hardTanh", "exponential",
  ];
  test.each(activations.map((activation) => [JSON.stringify(activation), activation] as const))("gives the same bytes: %s", async (_, activation) => {
    await expectRoundTrip(await Network.create({ inputs: 3, layers: [dense(4, { activation }), dense(2, { activation })], seed: 2 ** 53 - 1 }));
  });

  const layers: [string, LayerSpec][] = [
    ["initialisers", dense(4, { weightInit: normal(0.5, 0.25), biasInit: uniform(-1, 1) })], ["constants", dense(4, { weightInit: constant(1 / 3), biasInit: "ones" })],
    ["orthogonal", dense(4, { activation: "relu", weightInit: "orthogonal" })], ["no bias", dense(4, { bias: false, activation: prelu() })],
    ["penalties", dense(4, { l1: 1e-3, l2: 0.1 })], ["frozen", dense(4, { trainable: false })],
  ];
  test.each(layers)("gives the same bytes: a layer with %s", async (_, layer) => {
    const network = await Network.create({ inputs: 3, layers: [layer, dense(2, "softmax")] });
    await expectRoundTrip(network);
    network.trainBatch(inputs, classes);
    await expectRoundTrip(network);
    // The options are those of before: training goes on alike.
    const loaded = await Network.load(network.save());
    for (const each of [network, loaded]) each.trainBatch(inputs, classes);
    expect(loaded.save()).toEqual(network.save());
  });

  const optimizers: NonNullable<FitOptions["optimizer"]>[] = [
    "sgd", sgd({ momentum: 0.9, nesterov: true }), "rmsprop", rmsprop({ momentum: 0.3 }), "adagrad", "adam", "adamw", "nadam", "lion",
    sgd({ learningRate: oneCycle({ max: 0.1, steps: 10 }) }), sgd({ learningRate: reduceOnPlateau({ initial: 1 / 3, patience: 0 }) }),
  ];
  test.each(optimizers.map((optimizer) => [JSON.stringify(optimizer), optimizer] as const))("gives the same bytes, and goes on to the same: %s", async (_, optimizer) => {
    const network = await create();
    await network.fit(inputs, classes, { epochs: 3, batchSize: 2, optimizer, loss: crossEntropy({ labelSmoothing: 0.1 }) });
    await expectRoundTrip(network);
    const loaded = await Network.load(network.save());
    for (const each of [network, loaded]) await each.fit(inputs, classes, { epochs: 2, batchSize: 3 });
    expect(loaded.save()).toEqual(network.save());
  });

  test("gives the same bytes: an unfinished fit", async () => {
    const bytes = await unfinished();
    expect((await Network.load(bytes)).save()).toEqual(bytes);
  });

  test("gives the same bytes of -0, subnormals and the largest numbers, and of a network of one number", async () => {
    const network = await Network.create({ inputs: 1, layers: [dense(1, { bias: false })] });
    for (const value of [-0, 1e-45, -1.1754942106924411e-38, 3.4028234663852886e38]) {
      network.layers[0].weights[0] = value;
      const loaded = await Network.load(network.save());
      expect(Object.is(loaded.layers[0].weights[0], network.layers[0].weights[0])).toBe(true);
      expect(loaded.save()).toEqual(network.save());
    }
  });

  test("of 1,000 layers, the most there may be", async () => {
    const network = await Network.create({ inputs: 3, layers: Array.from({ length: 1000 }, (_, i) => dense(3, i < 999 ? "tanh" : "softmax")) });
    const bytes: Uint8Array[] = [];
    const onEpoch = (): void => void bytes.push(network.save());
    await network.fit(inputs, [0, 1, 2, 0], { optimizer: rmsprop({ momentum: 0.5 }), earlyStopping: { patience: 1 }, onEpoch });
    expect(bytes.length).toBe(1);
    for (const each of [...bytes, network.save()]) expect((await Network.load(each)).save()).toEqual(each);
  });
});

describe("save writes", () => {
  test("tensors by the names and shapes of the contract", async () => {
    const network = await create();
    const parameters = {
      "layers.0.weight": [4, 3], "layers.0.bias": [4], "layers.0.slope": [4],
      "layers.1.weight": [5, 4], "layers.1.bias": [5], "layers.1.slope": [1], "layers.2.weight": [2, 5], "layers.2.bias": [2],
    };
    const under = (prefix: string) => Object.fromEntries(Object.entries(parameters).map(([name, shape]) => [`${prefix}${name}`, shape]));
    expect(shapesOf(network.save())).toEqual(parameters);
    network.trainBatch(inputs, classes);
    expect(shapesOf(network.save())).toEqual({ ...parameters, ...under("optimizer.m."), ...under("optimizer.v.") });
    network.trainBatch(inputs, classes, { optimizer: rmsprop({ momentum: 0.1 }) });
    expect(shapesOf(network.save())).toEqual({ ...parameters, ...under("optimizer.squares."), ...under("optimizer.velocity.") });
    network.trainBatch(inputs, classes, { optimizer: sgd() });
    expect(shapesOf(network.save())).toEqual(parameters);
    expect(shapesOf(await unfinished())).toEqual({
      ...parameters, ...under("optimizer.m."), ...under("optimizer.v."), ...under("best."), "unfinished.outputs": [4, 2],
    });
    expect(shapesOf((await Network.create({ inputs: 3, layers: [dense(2, { bias: false })] })).save())).toEqual({ "layers.0.weight": [2, 3] });
  });

  test("the numbers of the views", async () => {
    const network = await create();
    const { tensors } = readSafetensors(network.save());
    network.layers.forEach(({ weights, biases, slopes }, l) => {
      expect(tensors.get(`layers.${l}.weight`)!.data).toEqual(weights);
      expect(tensors.get(`layers.${l}.bias`)!.data).toEqual(biases);
      if (slopes) expect(tensors.get(`layers.${l}.slope`)!.data).toEqual(slopes);
    });
  });

  test("the description as one string of JSON", async () => {
    const bytes = await unfinished();
    expect([...readSafetensors(bytes).metadata.keys()]).toEqual([KEY]);
    expect(describeFile(bytes)).toMatchObject({ version: 1, seed: 11, inputs: 3, layers: [{ kind: "dense", units: 4 }, { units: 5 }, { units: 2, activation: "softmax" }] });
  });

  test("no optimizer and no unfinished fit where that is asked", async () => {
    const network = await Network.load(await unfinished());
    const bytes = network.save({ optimizer: false });
    expect(Object.keys(shapesOf(bytes)).every((name) => name.startsWith("layers."))).toBe(true);
    expect(Object.keys(describeFile(bytes))).not.toContain("optimizer");
    const loaded = await Network.load(bytes);
    expect(loaded.save()).toEqual(bytes);
    expect(loaded.predict(inputs)).toEqual(network.predict(inputs));
    expect(network.save({ optimizer: true })).toEqual(network.save());
    expect(Object.keys(shapesOf(network.save())).length).toBeGreaterThan(Object.keys(shapesOf(bytes)).length);
  });

  test("bytes of its own, on no network's memory", async () => {
    const network = await create();
    const bytes = network.save();
    expect([bytes.constructor, bytes.byteOffset, bytes.buffer.byteLength]).toEqual([Uint8Array, 0, bytes.length]);
    const copy = bytes.slice();
    network.trainBatch(inputs, classes);
    expect(bytes).toEqual(copy);
  });

  test("the loss of the last fit, which evaluate then uses", async () => {
    const network = await Network.create({ inputs: 3, layers: [dense(1)] });
    network.trainBatch(inputs, classes, { loss: huber({ delta: 0.5 }) });
    const loaded = await Network.load(network.save({ optimizer: false }));
    expect(loaded.evaluate(inputs, classes)).toEqual(network.evaluate(inputs, classes, { loss: huber({ delta: 0.5 }) }));
  });

  test("a table's preparation as it was given", async () => {
    const network = await create();
    expect(network.tabular).toBeUndefined();
    network.tabular = '{"ä":"\\u0001 \\" 😀"}';
    const loaded = await Network.load(network.save());
    expect(loaded.tabular).toBe(network.tabular);
    expect(loaded.save()).toEqual(network.save());
    expect(readSafetensors(network.save()).metadata.get("rosenblatt.tabular")).toBe(network.tabular);
    expect((await loaded.clone()).tabular).toBe(network.tabular);
    expect(() => { network.tabular = 5 as unknown as string; }).toThrow(TypeError);
    network.tabular = undefined;
    expect((await Network.load(network.save())).tabular).toBeUndefined();
  });

  test.each([
    ["layers.0.weight", (network: Network) => (network.layers[0].weights[7] = NaN), "NaN at index 7"],
    ["layers.1.slope", (network: Network) => (network.layers[1].slopes![0] = -Infinity), "-Infinity at index 0"],
    ["layers.2.bias", (network: Network) => (network.layers[2].biases[1] = Infinity), "Infinity at index 1"],
  ])("nothing where a value is not finite: an Error names %s", async (name, spoil, what) => {
    const network = await create();
    spoil(network);
    expect(() => network.save()).toThrow(`save: tensor '${name}': expected finite values, got ${what}`);
    expect(() => network.save({ optimizer: false })).toThrow(Error);
  });
});

describe("load takes", () => {
  test("an ArrayBuffer, a Buffer, part of a larger array at any offset, shared memory", async () => {
    const bytes = await unfinished();
    const odd = new Uint8Array(bytes.length + 20).fill(0xff);
    odd.set(bytes, 7);
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    for (const form of [bytes.slice().buffer, Buffer.from(bytes), odd.subarray(7, 7 + bytes.length), shared]) {
      expect((await Network.load(form)).save()).toEqual(bytes);
    }
  });

  test("its argument without keeping or changing it", async () => {
    const bytes = await unfinished();
    const given = bytes.slice();
    const network = await Network.load(given);
    expect(given).toEqual(bytes);
    given.fill(0);
    expect(network.save()).toEqual(bytes);
  });

  test("tensors in any order, and a header padded by spaces", async () => {
    const bytes = await unfinished();
    const reversed = rewrite(bytes, { tensors: (all) => all.reverse() });
    expect(reversed).not.toEqual(bytes);
    expect((await Network.load(reversed)).save()).toEqual(bytes);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const padded = Buffer.concat([bytes.subarray(0, 8 + length), Buffer.alloc(24, " "), bytes.subarray(8 + length)]);
    padded.writeBigUInt64LE(BigInt(length + 24));
    expect((await Network.load(padded)).save()).toEqual(bytes);
  });

  test("format: pt, which is dropped", async () => {
    const bytes = await unfinished();
    expect((await Network.load(rewrite(bytes, { metadata: { format: "pt" } }))).save()).toEqual(bytes);
    expect((await refusal(rewrite(bytes, { metadata: { format: "tf" } }))).code).toBe("unknownMetadata");
  });
});

describe("load refuses what is not bytes, with a TypeError", () => {
  const strange = { [Symbol.toStringTag]: "ArrayBuffer", length: 3 };
  test.each([["nothing", undefined], ["null", null], ["a string", "bytes"], ["an array", [1, 2]], ["a Float32Array", new Float32Array(9)], ["a DataView", new DataView(new ArrayBuffer(9))], ["an object with an ArrayBuffer's name", strange], ["a promise", Promise.resolve()]])("%s", async (_, value) => {
    await expect(Network.load(value as Uint8Array)).rejects.toThrow(TypeError);
    await expect(Network.load(value as Uint8Array)).rejects.toThrow(/^load: bytes: expected a Uint8Array or an ArrayBuffer, got /);
  });

  test("but of nothing, or a buffer that was transferred, that it is cut short", async () => {
    const gone = new Uint8Array(100);
    structuredClone(gone, { transfer: [gone.buffer] });
    for (const empty of [new Uint8Array(0), new ArrayBuffer(0), gone, gone.buffer]) expect((await refusal(empty)).code).toBe("truncated");
  });
});

describe("load refuses", () => {
  type Change = Parameters<typeof rewrite>[1];
  const tensor = (name: string, shape: number[]): NamedTensor => ({ name, shape, data: new Float32Array(shape.reduce((a, b) => a * b, 1)) });
  const without = (name: string): Change => ({ tensors: (all) => all.filter((each) => each.name !== name) });
  const reshaped = (name: string, shape: number[]): Change => ({ tensors: (all) => all.map((each) => (each.name === name ? tensor(name, shape) : each)) });
  const extra = (name: string): Change => ({ tensors: (all) => [...all, tensor(name, [1])] });
  const described = (description: (text: Description) => void): Change => ({ description });

  const cases: [string, string, Change, RegExp?][] = [
    ["a file of another program", "noDescription", { metadata: { [KEY]: "" }, raw: undefined }],
    ["no weight", "missingTensor", without("layers.1.weight"), /'layers\.1\.weight': expected shape \[5, 4\], the file has no such tensor/],
    ["no slope", "missingTensor", without("layers.1.slope")],
    ["no moment", "missingTensor", without("optimizer.v.layers.2.bias")],
    ["no best weight", "missingTensor", without("best.layers.0.bias")],
    ["no outputs of the unfinished fit", "missingTensor", without("unfinished.outputs")],
    ["one more layer", "unknownTensor", extra("layers.3.weight")],
    ["one more moment", "unknownTensor", extra("optimizer.velocity.layers.0.weight"), /got one more|expected only tensors/],
    ["a tensor of no meaning", "unknownTensor", extra("hello")],
    ["a tensor without numbers", "unknownTensor", { tensors: (all) => [...all, tensor("empty", [0])] }],
    ["a transposed weight", "wrongShape", reshaped("layers.0.weight", [3, 4]), /'layers\.0\.weight': expected shape \[4, 3\], the file has \[3, 4\]/],
    ["a flat weight", "wrongShape", reshaped("layers.0.weight", [12])],
    ["a weight of rank 3", "wrongShape", reshaped("layers.0.weight", [4, 3, 1])],
    ["a wider bias", "wrongShape", reshaped("layers.0.bias", [5])],
    ["a slope for each unit where it is shared", "wrongShape", reshaped("layers.1.slope", [5])],
    ["a moment of another shape", "wrongShape", reshaped("optimizer.m.layers.2.weight", [5, 2])],
    ["more outputs than it says", "wrongShape", reshaped("unfinished.outputs", [5, 2])],
    ["another metadata key", "unknownMetadata", { metadata: { author: "me" } }, /expected 'rosenblatt' and 'rosenblatt\.tabular' alone, got 'author'/],
    ["a metadata key that objects have", "unknownMetadata", { metadata: { constructor: "x" } }],
    ["a description that is no JSON", "badDescription", { raw: "{" }],
    ["a description with a comment", "badDescription", { raw: "{} // network" }],
    ["a description with a key twice", "duplicateKey", { raw: '{"version":1,"version":1}' }],
    ["a description that is an array", "badDescription", { raw: "[]" }],
    ["a description that is null", "badDescription", { raw: "null" }],
    ["an own __proto__", "badDescription", { raw: '{"__proto__":{},"version":1,"seed":0,"inputs":3,"layers":[]}' }],
    ["another version", "badDescription", described((d) => { d.version = 2; }), /version: expected 1, got 2\. The file was written by another version/],
    ["no version", "badDescription", described((d) => { delete d.version; })],
    ["no seed", "badDescription", described((d) => { delete d.seed; })],
    ["a seed below 0", "badDescription", described((d) => { d.seed = -1; })],
    ["a seed of 2^53", "badDescription", described((d) => { d.seed = 2 ** 53; })],
    ["no inputs", "badDescription", described((d) => { delete d.inputs; })],
    ["inputs as a string", "badDescription", described((d) => { d.inputs = "3"; })],
    ["no layers", "badDescription", described((d) => { d.layers = []; })],
    ["layers that are an object", "badDescription", described((d) => { d.layers = {}; })],
    ["1,001 layers", "badDescription", described((d) => { d.layers = new Array(1001).fill(d.layers[0]); })],
    ["an unknown key", "badDescription", described((d) => { d.simd = "relaxed"; }), /'simd'/],
    ["an unknown kind of layer", "badDescription", described((d) => { d.layers[0].kind = "conv"; })],
    ["an unknown key of a layer", "badDescription", described((d) => { d.layers[1].rate = 0.5; }), /layers\[1\]/],
    ["a layer that is null", "badDescription", described((d) => { d.layers[1] = null; })],
    ["half a unit", "badDescription", described((d) => { d.layers[1].units = 1.5; }), /layers\[1\]\.units/],
    ["an unknown activation", "badDescription", described((d) => { d.layers[1].activation = "swish"; })],
    ["an unknown parameter of an activation", "badDescription", described((d) => { d.layers[0].activation.alpha = 1; })],
    ["softmax in a hidden layer", "badDescription", described((d) => { d.layers[0].activation = "softmax"; })],
    ["a slope that is a string", "badDescription", described((d) => { d.layers[0].activation.initialSlope = "0.25"; })],
    ["an unknown initialiser", "badDescription", described((d) => { d.layers[0].weightInit = "xavier"; })],
    ["a penalty below 0", "badDescription", described((d) => { d.layers[0].l2 = -1; })],
    ["trainable as a number", "badDescription", described((d) => { d.layers[0].trainable = 0; })],
    ["more units than weights", "wrongShape", described((d) => { d.layers[0].units = 2 ** 24; })],
    ["an unknown loss", "badDescription", described((d) => { d.loss = "crossentropy"; })],
    ["a loss that does not fit", "badDescription", described((d) => { d.layers[2].activation = "linear"; })],
    ["a loss with another's parameter", "badDescription", described((d) => { d.loss = { name: "crossEntropy", delta: 1 }; })],
    ["epochs below 0", "badDescription", described((d) => { d.epochs = -1; })],
    ["an unknown optimizer", "badDescription", described((d) => { d.optimizer.name = "adamax"; })],
    ["an unknown number of the optimizer", "badDescription", described((d) => { d.optimizer.momentum = 0; })],
    ["a learning rate of 0", "badDescription", described((d) => { d.optimizer.learningRate = 0; })],
    ["a schedule without its numbers", "badDescription", described((d) => { d.optimizer.learningRate = { name: "oneCycle" }; })],
    ["an optimizer without progress", "badDescription", described((d) => { delete d.progress; })],
    ["progress without an optimizer", "badDescription", described((d) => { delete d.optimizer; delete d.unfinished; })],
    ["an unknown key of progress", "badDescription", described((d) => { d.progress.t = 1; })],
    ["steps below 0", "badDescription", described((d) => { d.progress.steps = -1; })],
    ["a missing counter", "badDescription", described((d) => { delete d.progress.muProduct; })],
    ["an unfinished fit without an optimizer", "badDescription", described((d) => { delete d.optimizer; delete d.progress; })],
    ["an unfinished fit without a loss", "badDescription", described((d) => { delete d.loss; })],
    ["an unknown key of the unfinished fit", "badDescription", described((d) => { d.unfinished.code = ""; })],
    ["no hash", "badDescription", described((d) => { delete d.unfinished.hash; })],
    ["a hash of another kind", "badDescription", described((d) => { d.unfinished.hash = "0123"; })],
    ["epoch 0", "badDescription", described((d) => { d.unfinished.epoch = 0; })],
    ["an order that was not drawn", "badDescription", described((d) => { d.unfinished.order = 99; })],
    ["a loss sum that is none", "badDescription", described((d) => { d.unfinished.lossSum = null; })],
    ["a weight sum that is text", "badDescription", described((d) => { d.unfinished.weightSum = "1"; })],
    ["hits in halves", "badDescription", described((d) => { d.unfinished.hits = 0.5; })],
    ["a best epoch to come", "badDescription", described((d) => { d.unfinished.best.epoch = 99; })],
    ["an unknown key of the best", "badDescription", described((d) => { d.unfinished.best.when = 1; })],
    ["a best that is missing", "badDescription", described((d) => { delete d.unfinished.best; })],
    ["ended as a number", "badDescription", described((d) => { d.unfinished.ended = 1; })],
  ];

  test.each(cases)("%s, with the code %s", async (title, code, change, message = /./) => {
    const bytes = await unfinished();
    const file = title === "a file of another program" ? writeSafetensors([tensor("layers.0.weight", [4, 3])], { format: "pt" }) : rewrite(bytes, change);
    const error = await refusal(file);
    expect([error.code, error.message]).toEqual([code, expect.stringMatching(message)]);
  });

  test("NaN and infinity in any tensor", async () => {
    const bytes = await unfinished();
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const words = (bytes.length - 8 - length) / 4;
    expect(words).toBeGreaterThan(200);
    for (let word = 0; word < words; word += 7) {
      for (const value of [NaN, Infinity, -Infinity]) {
        const spoiled = bytes.slice();
        new DataView(spoiled.buffer).setFloat32(8 + length + 4 * word, value, true);
        expect((await refusal(spoiled)).code).toBe("nonFinite");
      }
    }
  });

  test("every file that is cut short or has bytes to spare", async () => {
    const bytes = await unfinished();
    for (let length = 0; length < bytes.length; length += 97) await refusal(bytes.subarray(0, length));
    await refusal(bytes.subarray(0, bytes.length - 1));
    expect((await refusal(Buffer.concat([bytes, Buffer.alloc(4)]))).code).toBe("trailingBytes");
  });

  test("options that do not exist", async () => {
    const bytes = await unfinished();
    await expect(Network.load(bytes, { activation: [] } as never)).rejects.toThrow(TypeError);
  });

  test("no file with any byte of its header changed without saying so, or else loads a network that saves and loads", async () => {
    const bytes = await unfinished();
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    let [refused, taken] = [0, 0];
    for (let at = 0; at < 8 + length; at += 3) {
      for (const value of [0, 0x22, 0x30 + (at % 10), 0x7b, 0xff]) {
        if (bytes[at] === value) continue;
        const changed = bytes.slice();
        changed[at] = value;
        const network = await Network.load(changed).catch((error: unknown) => {
          expect(error).toBeInstanceOf(ModelFormatError);
          return undefined;
        });
        if (network === undefined) refused++;
        else {
          taken++;
          const again = network.save();
          expect((await Network.load(again)).save()).toEqual(again);
        }
      }
    }
    // Digits of counters and of numbers such as the learning rate may well be others.
    expect(refused).toBeGreaterThan(2000);
    expect(taken).toBeLessThan(refused / 5);
  });
});

describe("a record of an unfinished fit that another program made", () => {
  test.each<[string, (d: Description) => void, string[]]>([
    ["without its best weights", (d) => { d.unfinished.best.saved = false; }, ["best."]],
    ["without its outputs", (d) => { d.unfinished.outputs = null; }, ["unfinished.outputs"]],
  ])("%s is loaded, and not resumed", async (_, description, gone) => {
    const bytes = rewrite(await unfinished(), { description, tensors: (all) => all.filter(({ name }) => !gone.some((prefix) => name.startsWith(prefix))) });
    const network = await Network.load(bytes);
    const call = network.fit(inputs, classes, { epochs: 9, batchSize: 2, optimizer: "adam", metrics: ["f1"], earlyStopping: { patience: 9 }, resume: true });
    await expect(call).rejects.toThrow(/^fit: resume: expected the whole record/);
    expect(network.save()).toEqual(bytes);
  });
});

describe("a network whose header would pass 1 MB", () => {
  test("is refused when it is made", async () => {
    const layers = Array.from({ length: 1000 }, () => dense(3, { activation: prelu(), weightInit: uniform(-0.123456789, 0.123456789), biasInit: normal(0.1, 0.2) }));
    await expect(Network.create({ inputs: 3, layers })).rejects.toThrow(RangeError);
    await expect(Network.create({ inputs: 3, layers })).rejects.toThrow(/^layers: expected a network whose description fits the 1 MB header of a model file, got 1000 layers with more\. Use fewer layers/);
  });
});
