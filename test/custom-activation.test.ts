// customActivation: the same numbers as an activation of the library that computes the same function, everywhere a network is used; and
// what the user's functions do wrong comes out in words and leaves the network whole.

import { describe, expect, test } from "vitest";
import {
  DivergenceError, ModelFormatError, Network, activate, activationDerivative, adam, customActivation, dense, ready,
} from "../src/index.js";
import type { ActivationName, CustomActivation, FitOptions, LayerSpec } from "../src/index.js";

/** relu in the library's own numbers, so that everything can be compared bit for bit. */
const mine = customActivation({
  name: "my relu",
  forward(z, a) {
    for (let i = 0; i < z.length; i++) a[i] = z[i] > 0 ? z[i] : 0;
  },
  derivative(z, _, d) {
    for (let i = 0; i < z.length; i++) d[i] = z[i] > 0 ? 1 : 0;
  },
});

function numbers(count: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  });
}

const inputs = numbers(37 * 5, 1);
const targets = numbers(37 * 3, 2);
// 7 and 3 units have padded rows, 8 has none, 67 takes the large kernels
const layersOf = (activation: ActivationName | CustomActivation): LayerSpec[] => [7, 8, 67, 3].map((units) => dense(units, { activation, weightInit: "heNormal" }));
const create = (activation: ActivationName | CustomActivation = mine): Promise<Network> => Network.create({ inputs: 5, layers: layersOf(activation), seed: 4 });
const parameters = ({ layers }: Network): Float32Array[] => layers.flatMap(({ weights, biases }) => [weights.slice(), biases.slice()]);

/** What a call rejects or throws with. */
async function thrownBy(call: () => unknown): Promise<Error> {
  try {
    await call();
  } catch (error) {
    return error as Error;
  }
  throw new Error("expected an error");
}

describe("a custom activation gives what the library's own gives", () => {
  test("in predictions, one and many, traces, gradients, evaluation", async () => {
    const [custom, built] = [await create(), await create("relu")];
    for (const count of [1, 2, 37]) expect(custom.predict(inputs.subarray(0, 5 * count))).toEqual(built.predict(inputs.subarray(0, 5 * count)));
    const many = numbers(5 * 700, 3);
    expect(custom.predict(many)).toEqual(built.predict(many));
    expect(custom.trace(inputs)).toEqual(built.trace(inputs));
    expect(custom.gradients(inputs, targets)).toEqual(built.gradients(inputs, targets));
    expect(custom.evaluate(inputs, targets, { metrics: ["r2"] })).toEqual(built.evaluate(inputs, targets, { metrics: ["r2"] }));
    expect(custom.layers.map(({ activation }) => activation)).toEqual(["my relu", "my relu", "my relu", "my relu"]);
    expect(custom.summary()).toContain("my relu");
    expect(custom.layers[0].neuron(1).explain(inputs.subarray(0, 5)).text).toContain("and my relu makes");
  });

  test.each<[string, FitOptions]>([
    ["plain", { epochs: 3, batchSize: 8 }],
    ["with validation, early stopping, metrics, clipping", { epochs: 6, batchSize: 9, validationSplit: 0.2, earlyStopping: { patience: 1 }, metrics: ["r2"], gradientClip: { norm: 0.5 } }],
    ["with averages, threads asked for", { epochs: 3, batchSize: 8, averageWeights: { decay: 0.9 }, threads: 4 }],
  ])("in fit, %s", async (_, options) => {
    const runs = await Promise.all(([mine, "relu"] as const).map(async (activation) => {
      const network = await create(activation);
      const { epochs, ...history } = await network.fit(inputs, targets, { ...options, optimizer: adam({ learningRate: 0.01 }) });
      return { parameters: parameters(network), history, epochs: epochs.map(({ samplesPerSecond, ...report }) => report) };
    }));
    expect(runs[0]).toEqual(runs[1]);
  });

  test("in trainBatch", async () => {
    const [custom, built] = [await create(), await create("relu")];
    for (let i = 0; i < 5; i++) expect(custom.trainBatch(inputs, targets)).toBe(built.trainBatch(inputs, targets));
    expect(parameters(custom)).toEqual(parameters(built));
  });

  test("in activate and activationDerivative, whose array stays as it is", async () => {
    await ready();
    const z = Float32Array.of(-1, 0, 2);
    expect([...activate(mine, z)]).toEqual([0, 0, 2]);
    expect([...activationDerivative(mine, z)]).toEqual([0, 0, 1]);
    expect(activate(mine, new Float32Array(0)).length).toBe(0);
    const writes = customActivation({ name: "writes", forward: (given, a) => a.set(given.fill(7)), derivative: () => undefined });
    expect([...activate(writes, z)]).toEqual([7, 7, 7]);
    expect([...z]).toEqual([-1, 0, 2]);
    expect([...activationDerivative(writes, z)]).toEqual([NaN, NaN, NaN]);
    expect(() => activate(mine, [1] as unknown as Float32Array)).toThrow(/^activate: z: expected a Float32Array/);
  });

  test("in one layer of several, after the library's own", async () => {
    const of = (activation: ActivationName | CustomActivation) => Network.create({ inputs: 5, layers: [dense(6, "tanh"), dense(5, { activation, weightInit: "heNormal" }), dense(3, "softmax")], seed: 2 });
    const labels = Array.from({ length: 37 }, (_, i) => i % 3);
    const [custom, built] = [await of(mine), await of("relu")];
    for (const network of [custom, built]) await network.fit(inputs, labels, { epochs: 4 });
    expect(parameters(custom)).toEqual(parameters(built));
  });
});

test("a network with one runs on one thread and says why", async () => {
  const network = await create();
  expect(network.threads).toEqual({ available: 1, reason: "layer 0 has a custom activation, which is computed by the caller's thread" });
  expect((await network.clone()).threads.available).toBe(1);
});

describe("the file has the name", () => {
  test("and load takes the functions again, to the same bytes", async () => {
    const network = await create();
    await network.fit(inputs, targets, { epochs: 2 });
    const bytes = network.save();
    const loaded = await Network.load(bytes, { activations: [mine] });
    expect(loaded.save()).toEqual(bytes);
    expect(loaded.predict(inputs)).toEqual(network.predict(inputs));
    expect((await loaded.clone()).predict(inputs)).toEqual(network.predict(inputs));
    await loaded.fit(inputs, targets, { epochs: 1 });
    await network.fit(inputs, targets, { epochs: 1 });
    expect(loaded.save()).toEqual(network.save());
    // one more in the list than the file has does no harm
    const other = customActivation({ ...mine, name: "other" });
    expect((await Network.load((await create("relu")).save(), { activations: [other] })).layers[0].activation).toBe("relu");
  });

  test("and without them it is a ModelFormatError that says so", async () => {
    const bytes = (await create()).save();
    for (const options of [{}, { activations: [] }, { activations: [customActivation({ ...mine, name: "your relu" })] }]) {
      const error = await thrownBy(() => Network.load(bytes, options));
      expect(error).toBeInstanceOf(ModelFormatError);
      expect((error as ModelFormatError).code).toBe("missingActivation");
      expect(error.message).toBe("load: layers[0].activation: expected the custom activation 'my relu' in the option activations, got none of that name. Write Network.load(bytes, { activations: [it] })");
    }
  });

  test("and nothing of a file is called", async () => {
    const bytes = (await create()).save();
    const text = Buffer.from(bytes).toString("latin1");
    const name = '{\\"custom\\":\\"my relu\\"}';
    expect(text.split(name).length).toBe(5);
    for (const put of ['{\\"name\\":\\"custom\\"}   ', '{\\"forward\\":\\"my r\\"}  ', '{\\"custom\\":123456789}', '{\\"custom\\":\\"my relu\\",', '{\\"custom\\":[\\"my re\\"]}']) {
      const changed = Buffer.from(text.replace(name, put.padEnd(name.length).slice(0, name.length)), "latin1");
      const error = await thrownBy(() => Network.load(changed, { activations: [mine] }));
      expect(error, put).toBeInstanceOf(ModelFormatError);
    }
  });

  test.each<[unknown, RegExp]>([
    [{ activations: mine }, /^load: activations: expected an array of custom activations, got an object/],
    [{ activations: ["my relu"] }, /^load: activations\[0\]: expected an object of options, got 'my relu'/],
    [{ activations: [mine, mine] }, /^load: activations\[1\]\.name: expected a name of its own for each, got 'my relu'/],
    [{ activation: [mine] }, /Did you mean 'activations'/],
  ])("and %j is refused", async (options, message) => {
    const bytes = (await create()).save();
    expect((await thrownBy(() => Network.load(bytes, options as never))).message).toMatch(message);
  });
});

describe("customActivation refuses", () => {
  const { forward, derivative } = mine;
  test.each<[string, unknown, typeof Error, RegExp]>([
    ["the name of one of the library", { name: "relu", forward, derivative }, RangeError, /^customActivation: name: expected a name that no activation of the library has, got 'relu'/],
    ["the name custom", { name: "custom", forward, derivative }, RangeError, /got 'custom'/],
    ["no name", { forward, derivative }, TypeError, /^customActivation: name: .*got undefined/],
    ["an empty name", { name: "", forward, derivative }, RangeError, /^customActivation: name: .*got ''/],
    ["a name with an escape", { name: "\u001b[31m", forward, derivative }, RangeError, /got '\\u\{1b\}\[31m'/],
    ["a long name", { name: "x".repeat(65), forward, derivative }, RangeError, /1 to 64/],
    ["no derivative", { name: "x", forward }, TypeError, /^customActivation: derivative: expected a function, got undefined/],
    ["a forward that is none", { name: "x", forward: 1, derivative }, TypeError, /^customActivation: forward: expected a function, got 1/],
    ["one more", { name: "x", forward, derivative, range: [0, 1] }, TypeError, /got 'range'/],
    ["a name alone", "x", TypeError, /^customActivation: expected an object of options, got 'x'/],
  ])("%s", (_, options, kind, message) => {
    const call = (): unknown => customActivation(options as CustomActivation);
    expect(call).toThrow(kind);
    expect(call).toThrow(message);
  });

  test("two of one name in a network", async () => {
    const other = customActivation({ ...mine, forward: (z, a) => a.set(z) });
    await expect(Network.create({ inputs: 2, layers: [dense(3, mine), dense(3, other)] })).rejects.toThrow(/^layers\[1\]\.activation\.name: expected a name for each custom activation, got 'my relu'/);
  });
});

describe("what the functions do wrong", () => {
  test("comes out of every call as it was thrown, and leaves the last finished step", async () => {
    const thrown = new Error("mine");
    for (const method of ["forward", "derivative"] as const) {
      let left = Infinity;
      const fails = customActivation({ ...mine, [method]: (z: Float32Array, a: Float32Array, d: Float32Array) => {
        if (--left < 0) throw thrown;
        mine[method](z, a, d);
      } });
      const network = await create(fails);
      await network.fit(inputs, targets, { epochs: 1 });
      const before = network.save();
      left = 0;
      const calls = [
        () => network.trainBatch(inputs, targets), () => network.gradients(inputs, targets), () => network.fit(inputs, targets),
        ...(method === "forward" ? [() => network.predict(inputs), () => network.evaluate(inputs, targets), () => network.trace(inputs)] : []),
      ];
      for (const call of calls) expect(await thrownBy(call)).toBe(thrown);
      left = Infinity;
      expect(network.save({ optimizer: false }).length).toBeGreaterThan(0);
      const clean = await Network.load(before, { activations: [fails] });
      await clean.fit(inputs, targets, { epochs: 2, batchSize: 8, optimizer: "nadam" });

      // in the middle of a fit: what was finished stays, and resume ends in the bytes of the whole
      const options: FitOptions = { epochs: 3, batchSize: 8, optimizer: "nadam" };
      const whole = await create(fails);
      let calls1 = 0;
      await whole.fit(inputs, targets, { ...options, onBatch: () => void calls1++ });
      const network2 = await create(fails);
      let steps = 0;
      await expect(network2.fit(inputs, targets, { ...options, onBatch: () => { if (++steps === 7) left = method === "forward" ? 2 : 1; } })).rejects.toBe(thrown);
      expect(steps).toBe(7);
      left = Infinity;
      const resumed = await Network.load(network2.save(), { activations: [fails] });
      await resumed.fit(inputs, targets, { ...options, resume: true });
      expect(resumed.save()).toEqual(whole.save());
      expect(calls1).toBe(15);
    }
  });

  test("a NaN, or nothing written, is a divergence in that layer", async () => {
    for (const [name, forward, derivative] of [
      ["nan", (_: Float32Array, a: Float32Array) => void a.fill(NaN), mine.derivative],
      ["silent", () => undefined, mine.derivative],
    ] as const) {
      const network = await Network.create({ inputs: 5, layers: [dense(4, "tanh"), dense(7, customActivation({ name, forward, derivative })), dense(3)] });
      const before = parameters(network);
      const error = await thrownBy(() => network.fit(inputs, targets));
      expect(error).toBeInstanceOf(DivergenceError);
      expect((error as DivergenceError).layer).toBe(1);
      expect(error.message).toContain(`first in layer 1 (${name})`);
      expect(parameters(network)).toEqual(before);
    }
    const silent = customActivation({ name: "silent", forward: mine.forward, derivative: () => undefined });
    const network = await Network.create({ inputs: 5, layers: [dense(7, { activation: silent, weightInit: "ones" }), dense(3)] });
    expect(await thrownBy(() => network.fit(inputs.map(Math.abs), targets))).toBeInstanceOf(DivergenceError);
  });

  test("calling the network from within is refused", async () => {
    let network: Network | undefined;
    const messages: string[] = [];
    const nosy = customActivation({ ...mine, name: "nosy", forward(z, a) {
      mine.forward(z, a);
      for (const call of [() => network!.predict(inputs), () => network!.trainBatch(inputs, targets), () => network!.layers[0].weights, () => network!.dispose(), () => network!.save()]) {
        try {
          call();
        } catch (error) {
          messages.push((error as Error).message);
        }
      }
    } });
    network = await Network.create({ inputs: 5, layers: [dense(8, nosy), dense(3)] });
    network.predict(inputs.subarray(0, 5));
    expect(messages.length).toBe(5);
    for (const message of messages) expect(message).toMatch(/^[^:]+: expected a network at the end of a step, got one that computes its custom activation 'nosy'\. Call it elsewhere$/);
  });
});
