// The adapters: networks of brain.js 1 and 2 and layers models of TensorFlow.js give here what they gave there, and train alike.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { NeuralNetwork } from "../src/compat/brain.js";
import type { BrainActivation, TrainingDatum, Values } from "../src/compat/brain.js";
import { layers, loadLayersModel, sequential, train } from "../src/compat/tfjs.js";
import { ModelFormatError, adagrad, adam, rmsprop, sgd } from "../src/index.js";

type Outputs = number[] | Record<string, number>;
interface Golden {
  readonly brain: readonly { version: number; activation: string; name: string; network: object; inputs: Values[]; outputs: Outputs[] }[];
  readonly trained: readonly { activation: BrainActivation; data: TrainingDatum[]; before: object; learningRate: number; momentum: number; steps: { iterations: number; error: number; outputs: number[][] }[] }[];
  readonly tfjs: readonly { name: string; model: Record<string, unknown>; shards: string[]; inputs: unknown[]; outputs: number[][] }[];
}
const golden = JSON.parse(readFileSync(new URL("golden-compat/networks.json", import.meta.url), "utf8")) as Golden;

function expectNear(actual: ArrayLike<number> | Record<string, number>, wanted: ArrayLike<number> | Record<string, number>, tolerance = 1e-5): void {
  expect(Object.keys(actual)).toEqual(Object.keys(wanted));
  for (const [key, value] of Object.entries(wanted)) expect(Math.abs((actual as Record<string, number>)[key] - value), key).toBeLessThanOrEqual(tolerance);
}

describe("compat/brain", () => {
  test("the networks are of both versions", () => {
    expect(golden.brain.filter(({ version }) => version === 1).length).toBe(16);
    expect(golden.brain.filter(({ version }) => version === 2).length).toBe(16);
  });

  test.each(golden.brain.map((entry) => [`brain.js ${entry.version}: ${entry.activation}, ${entry.name}`, entry] as const))("%s", async (_, { network, inputs, outputs }) => {
    const net = await new NeuralNetwork({ leakyReluAlpha: 0.05 }).fromJSON(network);
    inputs.forEach((input, i) => expectNear(net.run(input), outputs[i]));
    const again = await new NeuralNetwork().fromJSON(JSON.parse(JSON.stringify(net.toJSON())) as object);
    expect(again.run(inputs[0])).toEqual(net.run(inputs[0]));
    expect(again.toJSON().layers).toEqual(net.toJSON().layers);
  });

  test.each(golden.trained.map((entry) => [entry.activation, entry] as const))("training goes the way of brain.js: %s", async (activation, { data, before, learningRate, momentum, steps }) => {
    for (const { iterations, error, outputs } of steps) {
      const net = await new NeuralNetwork({ activation, leakyReluAlpha: 0.05 }).fromJSON(before);
      const status = await net.train(data, { iterations, errorThresh: 1e-9, learningRate, momentum });
      expect(status.iterations).toBe(iterations);
      expect(Math.abs(status.error - error)).toBeLessThan(1e-4);
      data.forEach(({ input }, i) => expectNear(net.run(input), outputs[i], iterations < 100 ? 1e-5 : 1e-3));
    }
  });

  test("learns by place and by name, and stops when the error is small", async () => {
    const net = new NeuralNetwork({ hiddenLayers: [4], seed: 3 });
    const seen: number[] = [];
    const { error, iterations } = await net.train(
      [{ input: [0, 0], output: [0] }, { input: [0, 1], output: [1] }, { input: [1, 0], output: [1] }, { input: [1, 1], output: [0] }],
      { iterations: 20000, errorThresh: 0.01, callback: ({ iterations: now }) => seen.push(now), callbackPeriod: 100 },
    );
    expect(error).toBeLessThanOrEqual(0.01);
    expect(iterations).toBeLessThan(20000);
    expect(seen.slice(0, 2)).toEqual([100, 200]);
    expect((net.run([1, 0]) as Float32Array)[0]).toBeGreaterThan(0.5);
    const named = new NeuralNetwork({ seed: 1 });
    await named.trainAsync([{ input: { r: 1 }, output: { red: 1 } }, { input: { b: 1, g: 0.2 }, output: { blue: 1 } }], { iterations: 2000 });
    const { red, blue } = named.run({ r: 0.9, unknown: 4 }) as Record<string, number>;
    expect(red).toBeGreaterThan(blue);
    expect(Object.keys(named.run({}))).toEqual(["red", "blue"]);
  });

  test("writes options of training that brain.js' fromJSON takes", async () => {
    const trainOpts = async (options: object) => {
      const net = new NeuralNetwork(options);
      await net.train([{ input: [0, 1], output: [1] }], { iterations: 1 });
      return (JSON.parse(JSON.stringify(net.toJSON())) as { trainOpts: object }).trainOpts;
    };
    // its validateTrainingOptions: rates, thresholds and slopes above 0 and below 1, a timeout that is a number once "Infinity" is, no function
    expect(await trainOpts({})).toEqual({ activation: "sigmoid", leakyReluAlpha: 0.01, timeout: "Infinity" });
    expect(await trainOpts({ momentum: 0, errorThresh: 0, learningRate: 2, leakyReluAlpha: 1.5, log: () => undefined, callback: () => undefined })).toEqual({ activation: "sigmoid", timeout: "Infinity" });
    expect(await trainOpts({ momentum: 0.2, errorThresh: 0.1, learningRate: 0.4, iterations: 7, timeout: 1000, logPeriod: 3, log: true, activation: "leaky-relu", leakyReluAlpha: 0.2 })).toEqual({
      momentum: 0.2, errorThresh: 0.1, learningRate: 0.4, iterations: 7, timeout: 1000, logPeriod: 3, log: true, activation: "leaky-relu", leakyReluAlpha: 0.2,
    });
  });

  test("log: true prints the error every logPeriod iterations, a function is called with it, false does neither", async () => {
    const printed = vi.spyOn(console, "log").mockReturnValue();
    try {
      const data = [{ input: [0, 1], output: [1] }, { input: [1, 0], output: [0] }];
      const options = { iterations: 7, errorThresh: 0, logPeriod: 3 };
      await new NeuralNetwork({ seed: 2 }).train(data, { ...options, log: false });
      expect(printed).not.toHaveBeenCalled();
      const told: number[][] = [];
      await new NeuralNetwork({ seed: 2 }).train(data, { ...options, log: ({ iterations, error }) => told.push([iterations, error]) });
      expect(printed).not.toHaveBeenCalled();
      expect(told.map(([iterations]) => iterations)).toEqual([3, 6]);
      await new NeuralNetwork({ seed: 2 }).train(data, { ...options, log: true });
      expect(printed.mock.calls).toEqual(told.map(([iterations, error]) => [`iterations: ${iterations}, training error: ${error}`]));
      await expect(new NeuralNetwork().train(data, { log: 1 as never })).rejects.toThrow("train: log: expected true, false or a function, got 1");
    } finally {
      printed.mockRestore();
    }
  });

  test("wrong use is refused in words", async () => {
    const net = new NeuralNetwork();
    expect(() => net.run([1])).toThrow("run: expected a trained network");
    expect(() => net.toJSON()).toThrow("toJSON: expected a trained network");
    expect(() => new NeuralNetwork({ activation: "gelu" as never })).toThrow("NeuralNetwork: activation: expected one of 'sigmoid', 'relu', 'leaky-relu', 'tanh', got 'gelu'");
    expect(() => new NeuralNetwork({ hiddenLayers: [0] })).toThrow("NeuralNetwork: hiddenLayers[0]: expected an integer from 1");
    expect(() => new NeuralNetwork({ hidden: [1] } as never)).toThrow("got 'hidden'");
    expect(() => new NeuralNetwork({ momentum: 2 })).toThrow("NeuralNetwork: momentum");
    const one = { input: [1, 2], output: [1] };
    await expect(net.train([])).rejects.toThrow("train: data: expected a sample at least, got none");
    await expect(net.train([[1, 2]] as never)).rejects.toThrow("train: data[0]: expected { input, output }, got an array of 2");
    await expect(net.train([one, { input: [1], output: [1] }])).rejects.toThrow("train: data[1].input: expected 2 numbers, got 1");
    await expect(net.train([{ input: [1, NaN], output: [1] }])).rejects.toThrow("train: data[0].input[1]: expected a finite number, got NaN");
    await expect(net.train([one], { iterations: 0 })).rejects.toThrow("train: iterations: expected an integer from 1");
    await expect(net.train([one], { rate: 1 } as never)).rejects.toThrow("got 'rate'");
    await expect(net.train([{ input: { a: 1 }, output: [1] }, one])).rejects.toThrow("train: data[1].input: expected an object of numbers by name");
    expect(net.network).toBeUndefined();
    const good = golden.brain[0].network as Record<string, unknown>;
    const second = golden.brain[16].network as { layers: { weights: number[][]; biases: number[] }[] };
    for (const [json, message] of [
      [null, "fromJSON: the network: expected an object, got null"],
      [{}, "fromJSON: sizes: expected the units of each layer, input first, got undefined"],
      [{ ...good, type: "LSTM" }, "fromJSON: type: expected 'NeuralNetwork', got 'LSTM'"],
      [{ ...good, sizes: [2, 9, 1] }, "fromJSON: layers[1]: expected 9 units"],
      [{ ...good, trainOpts: { activation: "sine" } }, "fromJSON: activation: expected sigmoid, relu, leaky-relu or tanh, got 'sine'"],
      [{ ...second, layers: [second.layers[0], { weights: [[1]], biases: [1] }, second.layers[2]] }, "fromJSON: layers[1].weights: expected 3 rows, got an array of 1"],
      [{ ...second, layers: [second.layers[0], { ...second.layers[1], biases: ["a", 1, 2] }, second.layers[2]] }, "fromJSON: layers[1].biases[0]: expected a number that is finite in f32, got 'a'"],
      [{ ...second, inputLookup: { a: 0 } }, "fromJSON: inputLookup: expected 2 names with places of their own"],
    ] as const) {
      await expect(net.fromJSON(json as object)).rejects.toThrow(ModelFormatError);
      await expect(net.fromJSON(json as object)).rejects.toThrow(message);
    }
  });
});

describe("compat/tfjs", () => {
  const bytesOf = ({ model, shards }: Golden["tfjs"][number]) => {
    const [{ paths }] = model.weightsManifest as { paths: string[] }[];
    return (path: string) => new Uint8Array(Buffer.from(shards[paths.indexOf(path)], "base64"));
  };

  test.each(golden.tfjs.map((entry) => [entry.name, entry] as const))("loads a layers model: %s", async (_, entry) => {
    const model = await loadLayersModel(entry.model, bytesOf(entry));
    const rows = entry.inputs.map((row) => (row as unknown[]).flat() as number[]);
    const output = model.predict(rows);
    expect(output.shape).toEqual([rows.length, entry.outputs[0].length]);
    output.arraySync().forEach((row, i) => row.forEach((value, j) => expect(Math.abs(value - entry.outputs[i][j])).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(value)))));
  });

  test("takes a handler of TensorFlow.js, and tensors", async () => {
    const entry = golden.tfjs[0];
    const [{ weights, paths }] = entry.model.weightsManifest as { weights: object[]; paths: string[] }[];
    const weightData = Uint8Array.from(paths.flatMap((path) => [...bytesOf(entry)(path)])).buffer;
    const model = await loadLayersModel({ load: async () => ({ modelTopology: entry.model.modelTopology, weightSpecs: weights, weightData }) });
    const x = Float32Array.from(entry.inputs.flat() as number[]);
    const tensor = { shape: [entry.inputs.length, 4], dataSync: () => x };
    expect((await model.predict(tensor).array()).flat()).toEqual([...model.predict([...x]).dataSync()]);
  });

  test("an address is fetched, its shards beside it; what does not answer is told", async () => {
    const entry = golden.tfjs[0];
    const server = createServer((request, response) => {
      const path = decodeURIComponent(request.url!);
      if (path === "/models/model.json") response.end(JSON.stringify(entry.model));
      else if (path.startsWith("/models/")) response.end(bytesOf(entry)(path.slice("/models/".length)));
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/models/model.json`;
      const rows = entry.inputs.map((row) => (row as unknown[]).flat() as number[]);
      const wanted = (await loadLayersModel(entry.model, bytesOf(entry))).predict(rows).dataSync();
      for (const source of [address, new URL(address)]) expect((await loadLayersModel(source)).predict(rows).dataSync()).toEqual(wanted);
      const nowhere = address.replace("models", "nowhere");
      await expect(loadLayersModel(nowhere)).rejects.toThrow(`loadLayersModel: ${nowhere}: expected an answer, got 404`);
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });

  test("outputs are as tensors are, summary prints the layers", async () => {
    const model = sequential();
    model.add(layers.dense({ units: 2, inputShape: [3] }));
    await model.build();
    const output = model.predict([[1, 2, 3], [4, 5, 6], [7, 8, 9]]);
    expect(output.shape).toEqual([3, 2]);
    expect(await output.data()).toBe(output.dataSync());
    const rows = [0, 1, 2].map((row) => [output.dataSync()[2 * row], output.dataSync()[2 * row + 1]]);
    expect(output.arraySync()).toEqual(rows);
    expect(await output.array()).toEqual(rows);
    const printed = vi.spyOn(console, "log").mockReturnValue();
    model.summary();
    expect(printed.mock.calls).toEqual([[model.network!.summary()]]);
    printed.mockRestore();
  });

  test("optimizers have the defaults of TensorFlow.js, and its order of parameters", () => {
    expect(train.sgd()).toEqual(sgd({ learningRate: 0.01 }));
    expect(train.sgd(0.5)).toEqual(sgd({ learningRate: 0.5 }));
    expect(train.momentum()).toEqual(sgd({ learningRate: 0.01, momentum: 0.9 }));
    expect(train.momentum(0.1, 0.5, true)).toEqual(sgd({ learningRate: 0.1, momentum: 0.5, nesterov: true }));
    expect(train.adam()).toEqual(adam({ learningRate: 0.001, epsilon: 1e-7 }));
    expect(train.adam(0.1, 0.8, 0.9, 1e-3)).toEqual(adam({ learningRate: 0.1, beta1: 0.8, beta2: 0.9, epsilon: 1e-3 }));
    expect(train.rmsprop()).toEqual(rmsprop({ learningRate: 0.001, decay: 0.9, epsilon: 1e-7 }));
    expect(train.rmsprop(0.1, 0.8, 0.5, 1e-3)).toEqual(rmsprop({ learningRate: 0.1, decay: 0.8, momentum: 0.5, epsilon: 1e-3 }));
    expect(train.adagrad(0.5)).toEqual(adagrad({ learningRate: 0.5 }));
  });

  test("sequential, compile, fit, evaluate, predict", async () => {
    const model = sequential({ seed: 5 });
    model.add(layers.dense({ units: 16, activation: "relu", inputShape: [2] }));
    model.add(layers.batchNormalization());
    model.add(layers.dropout({ rate: 0.1 }));
    model.add(layers.dense({ units: 2, activation: "softmax" }));
    model.compile({ optimizer: train.adam(0.02), loss: "categoricalCrossentropy", metrics: ["accuracy"] });
    const xs = Array.from({ length: 80 }, (_, i) => [((i * 7) % 16) / 8 - 1, ((i * 5) % 11) / 5 - 1]);
    const ys = xs.map(([a, b]) => (a * b > 0 ? [1, 0] : [0, 1]));
    const ended: number[] = [];
    const { epoch, history } = await model.fit(xs, ys, { epochs: 40, batchSize: 16, validationSplit: 0.2, callbacks: { onEpochEnd: (index) => void ended.push(index) }, verbose: 0 });
    expect(ended).toEqual(epoch);
    expect([epoch[0], epoch.length]).toEqual([0, 40]);
    expect(Object.keys(history).sort()).toEqual(["acc", "loss", "val_acc", "val_loss"]);
    expect(history.loss.at(-1)).toBeLessThan(history.loss[0]);
    const [loss, accuracy] = model.evaluate(xs, ys) as number[];
    expect(loss).toBeLessThan(0.5);
    expect(accuracy).toBeGreaterThan(0.8);
    expect(model.predict(xs).shape).toEqual([80, 2]);
    expect(model.network!.layers.map(({ kind }) => kind)).toEqual(["dense", "batchNorm", "dropout", "dense"]);
  });

  test("wrong use is refused in words", async () => {
    const model = sequential();
    expect(() => model.add({} as never)).toThrow("add: layer: expected a layer made by layers.dense");
    expect(() => model.add(layers.dense({ units: 2 }))).toThrow("add: layer: expected inputShape in the first layer, got none");
    expect(() => layers.dense({ units: 2, inputShape: [2, 3] })).toThrow("layers.dense.inputShape: expected [inputs], got an array of 2");
    expect(() => layers.dense({ units: 2, activation: "rleu" })).toThrow("Did you mean 'relu'?");
    expect(() => layers.dense({ units: 0 })).toThrow(RangeError);
    expect(() => layers.dense({ unit: 2 } as never)).toThrow("Did you mean 'units'?");
    expect(() => layers.dropout({ rate: 1 })).toThrow(RangeError);
    expect(() => train.adagrad(0.01, 0.1 as never)).toThrow(new RangeError("train.adagrad: initialAccumulatorValue: expected 0, got 0.1. Sums of squares start at 0 here"));
    expect(train.adagrad(0.02, 0)).toMatchObject({ name: "adagrad", learningRate: 0.02 });
    expect(() => layers.batchNormalization({ momentum: 2 })).toThrow("layers.batchNormalization: momentum");
    model.add(layers.dense({ units: 1, inputShape: [2] }));
    expect(() => model.predict([[1, 2]])).toThrow("predict: expected a model with weights, got one that is not built. Await model.build() or model.fit(…) first");
    await expect(model.fit([[1, 2]], [1])).rejects.toThrow("fit: expected a compiled model. Call model.compile({ optimizer, loss }) first");
    expect(() => model.compile({ optimizer: "adamm" as never, loss: "mse" })).toThrow("Did you mean 'adam'?");
    expect(() => model.compile({ optimizer: "adam", loss: "mean" as never })).toThrow("compile: loss: expected one of");
    expect(() => model.compile({ optimizer: "adam", loss: "mse", metrics: ["auc" as never] })).toThrow("compile: metrics[0]");
    model.compile({ optimizer: "adam", loss: "mse" });
    await expect(model.fit({} as never, [1])).rejects.toThrow("fit: x: expected rows of numbers, or a tensor, got an object");
    await expect(model.fit([[1, 2]], [1], { epoch: 2 } as never)).rejects.toThrow("Did you mean 'epochs'?");
    await model.build();
    expect(() => model.add(layers.dense({ units: 1 }))).toThrow("add: expected a model that is not built yet");
  });

  test("ReLU and LeakyReLU with the options that Keras has and TensorFlow.js has not", async () => {
    const load = (class_name: string, config: object) => loadLayersModel({
      modelTopology: { class_name: "Sequential", config: { layers: [
        { class_name: "Dense", config: { name: "d", units: 3, use_bias: false, batch_input_shape: [null, 3] } }, { class_name, config: { name: "a", ...config } },
      ] } },
      weightsManifest: [{ paths: ["w"], weights: [{ name: "d/kernel", shape: [3, 3], dtype: "float32" }] }],
    }, () => new Uint8Array(Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1).buffer));
    const run = async (kind: string, config: object) => [...(await load(kind, config)).predict([[-2, 1, 9]]).dataSync()];
    expect(await run("ReLU", {})).toEqual([0, 1, 9]);
    expect(await run("ReLU", { max_value: 6, negative_slope: 0, threshold: 0 })).toEqual([0, 1, 6]);
    expect(await run("ReLU", { max_value: null, negative_slope: 0.25 })).toEqual([-0.5, 1, 9]);
    expect(await run("LeakyReLU", { alpha: 0.5 })).toEqual([-1, 1, 9]);
    expect(await run("LeakyReLU", { negative_slope: 0.125 })).toEqual([-0.25, 1, 9]);
    await expect(load("ReLU", { threshold: 1 })).rejects.toThrow("layer 'a' (ReLU): expected a threshold of 0, got 1");
    await expect(load("ReLU", { max_value: 6, negative_slope: 0.1 })).rejects.toThrow("expected max_value or negative_slope, got both");
  });

  test("wrong layers models are refused in words", async () => {
    const entry = golden.tfjs.find(({ name }) => name === "batchNormalization")!;
    const shard = bytesOf(entry);
    const text = JSON.stringify(entry.model);
    const changed = (from: string, to: string) => JSON.parse(text.replace(from, to)) as object;
    for (const [json, message] of [
      [changed('"layers-model"', '"graph-model"'), "loadLayersModel: format: expected 'layers-model', got 'graph-model'"],
      [changed('"Sequential"', '"Functional"'), "loadLayersModel: modelTopology: expected a Sequential model, got 'Functional'"],
      [changed('"class_name":"Dense"', '"class_name":"Conv2D"'), "(Conv2D): expected Dense, Dropout, BatchNormalization"],
      [changed('"activation":"tanh"', '"activation":"sine"'), "got 'sine'"],
      [changed('6],"dtype":"float32"', '6],"dtype":"int32"'), "expected float32 without quantization, got 'int32'"],
      [changed('"shape":[6]', '"shape":[7]'), "expected"],
      [changed('/kernel"', '/kernels"'), "expected a weight 'kernel', got none"],
      [changed('"units":6', '"units":5'), "expected 'kernel' of [4, 5], got [4, 6]"],
      [changed("[null,4]", "[null,null]"), "loadLayersModel: layers[0].config.batch_input_shape: expected fixed sizes behind the batch"],
    ] as const) {
      await expect(loadLayersModel(json, shard), message).rejects.toThrow(ModelFormatError);
      await expect(loadLayersModel(json, shard)).rejects.toThrow(message);
    }
    await expect(loadLayersModel(entry.model)).rejects.toThrow("loadLayersModel: shard: expected a function that gives the bytes of a shard, got none");
    await expect(loadLayersModel(entry.model, () => new Uint8Array(3))).rejects.toThrow("bytes in the shards");
    await expect(loadLayersModel(entry.model, () => "x" as never)).rejects.toThrow("expected a Uint8Array or an ArrayBuffer, got 'x'");
    await expect(loadLayersModel("model.json")).rejects.toThrow("loadLayersModel: source: expected an address, got 'model.json'. Of a file give");
    await expect(loadLayersModel("data:application/json,{")).rejects.toThrow("loadLayersModel: data:application/json,{: expected JSON, got '{'");
    await expect(loadLayersModel("unheard-of://x/model.json")).rejects.toThrow("loadLayersModel: unheard-of://x/model.json: expected an answer, got none");
    await expect(loadLayersModel(7 as never)).rejects.toThrow("loadLayersModel: source: expected an address");
  });
});
