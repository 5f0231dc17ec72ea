// What a network is to its user: its properties, live views, neurons, predictions, classes, traces and gradients, copies, and
// what may be called while it is being trained.

import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { activate, constant, crossEntropy, dense, Network, normal, prelu, sgd, uniform } from "../src/index.js";
import type { ActivationName, BatchReport, FitOptions, LayerSpec, Metric } from "../src/index.js";

/** Numbers that look random and are the same everywhere: Park and Miller's generator, in (−1, 1). */
function numbers(count: number, seed: number): Float32Array {
  let state = seed + 1;
  return Float32Array.from({ length: count }, () => {
    state = (state * 48271) % 2147483647;
    return (2 * state) / 2147483647 - 1;
  });
}

const SAMPLES = 21;
const inputs = numbers(SAMPLES * 3, 1);
const rows = numbers(SAMPLES * 2, 2);
const create = (layers: LayerSpec[] = [dense(5, "tanh"), dense(4, prelu()), dense(2)], seed = 7): Promise<Network> => Network.create({ inputs: 3, layers, seed });
const sum = (values: Iterable<number>): number => [...values].reduce((total, value) => total + value, 0);

describe("a network", () => {
  test("has the properties of its description", async () => {
    const network = await create([dense(5, "tanh"), dense(4, { activation: prelu(), bias: false }), dense(3, { activation: prelu({ shared: true }), trainable: false }), dense(2)], 2 ** 53 - 1);
    expect([network.inputs, network.outputs, network.seed]).toEqual([3, 2, 2 ** 53 - 1]);
    expect(network.parameterCount).toBe((15 + 5) + (20 + 4) + (6 + 2));
    expect(network.simd).toBe("deterministic");
    expect(network.threads.available).toBe(availableParallelism());
    if (availableParallelism() > 1) expect(network.threads).toEqual({ available: availableParallelism() });
    else expect(network.threads.reason).toMatch(/./);
    expect(network.layers.map(({ kind, inputs: width, units, activation }) => [kind, width, units, activation])).toEqual([
      ["dense", 3, 5, "tanh"], ["dense", 5, 4, "prelu"], ["dense", 4, 3, "prelu"], ["dense", 3, 2, "linear"],
    ]);
    expect(network.layers.map(({ weights, biases, slopes }) => [weights.length, biases.length, slopes?.length])).toEqual([
      [15, 5, undefined], [20, 0, 4], [12, 3, 1], [6, 2, undefined],
    ]);
    expect((await create([dense(1)], undefined)).seed).toBe(0 + 7);
    expect((await Network.create({ inputs: 1, layers: [dense(1)] })).seed).toBe(0);
    expect(Object.isFrozen(network.layers)).toBe(true);
  });

  test("starts from its initialisers", async () => {
    const start = async (weightInit: Parameters<typeof dense>[1] & object) => (await Network.create({ inputs: 40, layers: [dense(50, weightInit)], seed: 1 })).layers[0];
    const moments = (values: Float32Array): [number, number] => {
      const mean = sum(values) / values.length;
      return [mean, Math.sqrt(sum(values.map((x) => (x - mean) ** 2)) / values.length)];
    };
    expect((await start({ weightInit: "zeros", biasInit: "ones" })).biases.every((b) => b === 1)).toBe(true);
    expect((await start({ weightInit: constant(0.1) })).weights.every((w) => w === Math.fround(0.1))).toBe(true);
    expect((await start({})).biases.every((b) => b === 0)).toBe(true);
    const bounds: [Parameters<typeof start>[0], number][] = [
      [{ weightInit: uniform(-0.5, 0.5) }, 0.5], [{ weightInit: "glorotUniform" }, Math.sqrt(6 / 90)], [{ weightInit: "heUniform" }, Math.sqrt(6 / 40)],
      [{ weightInit: "lecunUniform" }, Math.sqrt(3 / 40)], [{ activation: "tanh" }, Math.sqrt(6 / 90)],
    ];
    for (const [options, bound] of bounds) {
      const { weights } = await start(options);
      expect(Math.max(...weights.map(Math.abs))).toBeLessThanOrEqual(bound);
      // 2,000 draws: mean and deviation within four of their standard errors.
      const [mean, deviation] = moments(weights);
      expect(Math.abs(mean)).toBeLessThan(4 * bound / Math.sqrt(3 * 2000));
      expect(Math.abs(deviation / (bound / Math.sqrt(3)) - 1)).toBeLessThan(0.04);
    }
    const deviations: [Parameters<typeof start>[0], number, number][] = [
      [{ weightInit: normal(2, 0.5) }, 2, 0.5], [{ weightInit: "glorotNormal" }, 0, Math.sqrt(2 / 90)], [{ weightInit: "heNormal" }, 0, Math.sqrt(2 / 40)],
      [{ weightInit: "lecunNormal" }, 0, Math.sqrt(1 / 40)], [{ activation: "relu" }, 0, Math.sqrt(2 / 40)], [{ activation: "selu" }, 0, Math.sqrt(1 / 40)],
    ];
    for (const [options, center, spread] of deviations) {
      const { weights } = await start(options);
      const [mean, deviation] = moments(weights);
      expect(Math.abs(mean - center)).toBeLessThan(4 * spread / Math.sqrt(2000));
      expect(Math.abs(deviation / spread - 1)).toBeLessThan(4 / Math.sqrt(4000));
      // Not truncated: of 2,000 normal numbers some lie beyond 2.5 deviations.
      expect(weights.filter((w) => Math.abs(w - center) > 2.5 * spread).length).toBeGreaterThan(5);
    }
  });

  test.each([[8, 8], [12, 5], [5, 12]])("starts orthogonal with %i inputs and %i units", async (width, units) => {
    const { weights } = (await Network.create({ inputs: width, layers: [dense(units, { weightInit: "orthogonal" })] })).layers[0];
    const at = (j: number, i: number): number => weights[j * width + i];
    const short = Math.min(width, units);
    for (let a = 0; a < short; a++) {
      for (let b = 0; b < short; b++) {
        const product = units <= width
          ? sum(Array.from({ length: width }, (_, i) => at(a, i) * at(b, i)))
          : sum(Array.from({ length: units }, (_, j) => at(j, a) * at(j, b)));
        expect(product).toBeCloseTo(a === b ? 1 : 0, 5);
      }
    }
  });

  test("is summed up as a table with a line a layer", async () => {
    const network = await create([dense(5, { activation: "tanh", trainable: false }), dense(4, prelu()), dense(2, "softmax")]);
    const lines = network.summary().split("\n");
    expect(lines[0].trim().split(/\s{2,}/)).toEqual(["layer", "kind", "inputs", "units", "activation", "parameters"]);
    expect(lines.slice(2, 5).map((line) => line.trim().split(/\s{2,}/))).toEqual([
      ["0", "dense", "3", "5", "tanh", "20 (frozen)"], ["1", "dense", "5", "4", "prelu", "28"], ["2", "dense", "4", "2", "softmax", "10"],
    ]);
    expect(lines.at(-1)).toBe("58 parameters (232 bytes), 20 of them frozen, seed 7");
  });

  test("may be used with `using`", async () => {
    const network = await create();
    network[Symbol.dispose]();
    expect(() => network.predict(inputs)).toThrow(/disposed/);
  });
});

describe("the arrays of a layer", () => {
  test("are views: what is written into them counts at once, in every call", async () => {
    const network = await create([dense(2)]);
    const { weights, biases } = network.layers[0];
    expect(network.layers[0].weights).toBe(weights);
    weights.set([1, 2, 3, -1, 0, 1]);
    biases.set([10, 20]);
    expect([...network.predict([1, 1, 1])]).toEqual([16, 20]);
    expect([...network.predict([1, 1, 1, 0, 0, 2])]).toEqual([16, 20, 16, 22]);
    expect([...network.trace([1, 1, 1])[0].weightedSums!]).toEqual([16, 20]);
    expect(network.evaluate([1, 1, 1], [16, 20]).loss).toBe(0);
    expect(network.trainBatch([1, 1, 1], [16, 20])).toBe(0);
    network.layers[0].weights[0] = 2;
    expect([...network.predict([1, 1, 1])]).toEqual([17, 20]);
  });

  test("stay the same over predictions, evaluations, traces, gradients and saves", async () => {
    const network = await create();
    const before = network.layers.map(({ weights, biases, slopes }) => [weights, biases, slopes]);
    const many = numbers(3 * 5000, 3);
    network.predict(many);
    network.classify(many);
    network.evaluate(many, numbers(2 * 5000, 4));
    network.trace(many);
    network.gradients(many, numbers(2 * 5000, 4));
    await Network.load(network.save());
    await network.clone();
    network.layers.forEach(({ weights, biases, slopes }, l) => {
      expect(weights).toBe(before[l][0]);
      expect(biases).toBe(before[l][1]);
      expect(slopes).toBe(before[l][2]);
      expect(weights.length).toBeGreaterThan(0);
    });
  });

  test("taken again after a fit show its result", async () => {
    const network = await create();
    const before = network.layers[0].weights.slice();
    await network.fit(numbers(3 * 50_000, 3), numbers(2 * 50_000, 4), { batchSize: 10_000 });
    const { weights } = network.layers[0];
    expect(weights.length).toBe(15);
    expect(weights).not.toEqual(before);
    weights.fill(0);
    network.layers[0].biases.fill(0);
    expect(network.trace(inputs)[0].weightedSums!.every((z) => z === 0)).toBe(true);
  });
});

describe("a neuron", () => {
  test("has its row of weights and its bias, live", async () => {
    const network = await create();
    const layer = network.layers[1];
    const neuron = layer.neuron(2);
    layer.biases[2] = 0.5;
    expect(neuron.weights).toEqual(layer.weights.subarray(10, 15));
    expect(neuron.bias).toBe(0.5);
    neuron.weights[1] = 9;
    expect(layer.weights[11]).toBe(9);
    expect((await create([dense(2, { bias: false })])).layers[0].neuron(0).bias).toBe(0);
  });

  test("explains a sample: products by magnitude, bias, weighted sum, activation, in numbers and words", async () => {
    const network = await create();
    const sample = [0.5, -1, 2];
    const trace = network.trace(sample);
    for (const l of [0, 1, 2]) {
      const { weights, biases, units, inputs: width } = network.layers[l];
      for (let j = 0; j < units; j++) {
        const { products, bias, weightedSum, activation, text } = network.layers[l].neuron(j).explain(sample);
        const values = l === 0 ? sample : [...trace[l - 1].activations];
        expect(products.map(({ input }) => input).sort()).toEqual(values.map((_, i) => i));
        for (const { input, value, weight, product } of products) {
          expect([value, weight, product]).toEqual([values[input], weights[j * width + input], Math.fround(weights[j * width + input] * values[input])]);
        }
        const magnitudes = products.map(({ product }) => Math.abs(product));
        expect(magnitudes).toEqual([...magnitudes].sort((a, b) => b - a));
        expect([bias, weightedSum, activation]).toEqual([biases[j], trace[l].weightedSums![j], trace[l].activations[j]]);
        expect(sum(products.map(({ product }) => product)) + bias).toBeCloseTo(weightedSum, 5);
        expect(text).toContain(`Neuron ${j} of layer ${l}.`);
        expect(text).toContain(String(Number(activation.toPrecision(4))));
      }
    }
  });
});

describe("predict", () => {
  test("fills an output of exactly the right length and hands it out", async () => {
    const network = await create();
    const output = new Float32Array(2 * SAMPLES);
    expect(network.predict(inputs, output)).toBe(output);
    expect(output).toEqual(network.predict(inputs));
    const single = new Float32Array(2);
    network.predict(inputs.subarray(0, 3), single);
    expect(single).toEqual(network.predict([inputs.subarray(0, 3)]));
  });

  test.each([3, 16, 33, 80])("gives the same for rows, numbers and typed arrays of %i inputs, and refuses a number that is not finite before it writes", async (width) => {
    const network = await Network.create({ inputs: width, layers: [dense(5, "tanh"), dense(2)], seed: 3 });
    const count = 700; // more than a chunk
    const flat = Float32Array.from({ length: count * width }, (_, i) => Math.fround(((i * 7919) % 1000) / 500 - 1));
    const expected = network.predict(flat);
    expect(network.predict([...flat])).toEqual(expected);
    expect(network.predict(Float64Array.from(flat))).toEqual(expected);
    expect(network.predict(Array.from({ length: count }, (_, row) => flat.subarray(row * width, (row + 1) * width)))).toEqual(expected);
    for (const samples of [1, 2, count]) {
      for (const [place, value] of [[0, NaN], [samples * width - 1, Infinity], [(samples >> 1) * width, -Infinity]]) {
        const bad = flat.slice(0, samples * width);
        bad[place] = value;
        const output = new Float32Array(2 * samples).fill(7);
        expect(() => network.predict(bad, output)).toThrow(`inputs[${place}]: expected a finite number, got ${value}`);
        expect(output.every((number) => number === 7)).toBe(true);
      }
    }
  });

  test("changes nothing that can be seen", async () => {
    const network = await create();
    network.trainBatch(inputs, rows);
    const before = network.save();
    const copy = inputs.slice();
    network.predict(inputs);
    network.predict(inputs.subarray(0, 3));
    network.evaluate(inputs, rows);
    network.gradients(inputs, rows);
    network.trace(inputs);
    expect(network.save()).toEqual(before);
    expect(inputs).toEqual(copy);
  });
});

describe("classify", () => {
  /** One sample, whose outputs are the numbers given. */
  const classOf = async (outputs: number[], activation: ActivationName = "linear"): Promise<number> => {
    const network = await Network.create({ inputs: 1, layers: [dense(outputs.length, activation)] });
    network.layers[0].weights.set(outputs);
    return network.classify([1])[0];
  };

  test("is the greatest output, the first of equals", async () => {
    expect(await classOf([1, 3, 2], "softmax")).toBe(1);
    expect(await classOf([-3, -1, -1])).toBe(1);
    expect(await classOf([0.5, 0.5, 0.5], "sigmoid")).toBe(0);
  });

  test("with one output is 1 above 0.5, without a sigmoid above 0", async () => {
    expect(await Promise.all([-0.1, 0, 0.1].map((z) => classOf([z], "sigmoid")))).toEqual([0, 0, 1]);
    expect(await Promise.all([-0.1, 0, 0.1].map((z) => classOf([z], "tanh")))).toEqual([0, 0, 1]);
    expect(await Promise.all([-0.1, 0, 0.1].map((z) => classOf([z])))).toEqual([0, 0, 1]);
  });

  test("is a Uint32Array with a class for each sample, that of predict", async () => {
    const network = await create([dense(5, "tanh"), dense(4, "softmax")]);
    const classes = network.classify(inputs);
    expect(classes).toBeInstanceOf(Uint32Array);
    const p = network.predict(inputs);
    expect([...classes]).toEqual(Array.from({ length: SAMPLES }, (_, i) => p.subarray(4 * i, 4 * i + 4).indexOf(Math.max(...p.subarray(4 * i, 4 * i + 4)))));
  });
});

describe("trace", () => {
  test("has the weighted sums and activations of every layer, the last being the predictions", async () => {
    const network = await create([dense(5, "gelu"), dense(4, "relu"), dense(6, "linear"), dense(3, "softmax")]);
    for (const count of [2, 21, 600]) {
      const many = numbers(3 * count, 5);
      const traces = network.trace(many);
      expect(traces.map(({ activations, weightedSums }) => [activations.length, weightedSums!.length])).toEqual([5, 4, 6, 3].map((units) => [units * count, units * count]));
      expect(traces[3].activations).toEqual(network.predict(many));
      expect(traces[0].activations).toEqual(activate("gelu", traces[0].weightedSums!));
      expect(traces[1].activations).toEqual(activate("relu", traces[1].weightedSums!));
      expect(traces[2].activations).toEqual(traces[2].weightedSums);
      expect(traces[3].activations.subarray(3, 6)).toEqual(activate("softmax", traces[3].weightedSums!.slice(3, 6)));
      const { weights, biases } = network.layers[1];
      const z = sum(Array.from({ length: 5 }, (_, i) => weights[5 + i] * traces[0].activations[5 + i])) + biases[1];
      expect(traces[1].weightedSums![5]).toBeCloseTo(z, 5);
    }
  });
});

describe("evaluate", () => {
  test("depends on neither batchSize nor the order of metrics", async () => {
    const network = await create();
    const [many, targets] = [numbers(3 * 700, 5), numbers(2 * 700, 6)];
    const metrics: Metric[] = ["r2", "meanAbsoluteError", "rootMeanSquaredError"];
    const whole = network.evaluate(many, targets, { metrics });
    for (const batchSize of [1, 7, 100, 5000]) expect(network.evaluate(many, targets, { metrics, batchSize })).toEqual(whole);
    expect(network.evaluate(many, targets, { metrics: [...metrics].reverse() })).toEqual(whole);
    const p = network.predict(many);
    expect(whole.loss).toBeCloseTo(sum([...p].map((x, i) => (x - targets[i]) ** 2)) / p.length, 6);
    expect(whole.metrics.rootMeanSquaredError ** 2).toBeCloseTo(whole.loss, 6);
  });

  test("has no penalties, and the accuracy of classifiers by default", async () => {
    const network = await create([dense(4, { activation: "tanh", l2: 10 }), dense(3, "softmax")]);
    const classes = Array.from({ length: SAMPLES }, (_, i) => i % 3);
    const p = network.predict(inputs);
    const { loss, metrics } = network.evaluate(inputs, classes);
    expect(loss).toBeCloseTo(-sum(classes.map((k, i) => Math.log(p[3 * i + k]))) / SAMPLES, 6);
    const guessed = network.classify(inputs);
    expect(metrics).toEqual({ accuracy: classes.filter((k, i) => guessed[i] === k).length / SAMPLES });
    expect(network.evaluate(inputs, classes, { metrics: [] })).toEqual({ loss, metrics: {} });
    const smoothed = network.evaluate(inputs, classes, { loss: crossEntropy({ labelSmoothing: 0.3 }) }).loss;
    const exact = -sum(classes.map((k, i) => sum([0, 1, 2].map((j) => (0.1 + (j === k ? 0.7 : 0)) * Math.log(p[3 * i + j]))))) / SAMPLES;
    expect(smoothed).toBeCloseTo(exact, 6);
  });
});

describe("gradients", () => {
  test("are those of the mean loss by every parameter, frozen or not, without penalties", async () => {
    const network = await create([dense(4, { activation: prelu(), l2: 3 }), dense(3, { activation: "tanh", trainable: false, bias: false }), dense(2)]);
    const { loss, layers } = network.gradients(inputs, rows);
    expect(loss).toBeCloseTo(network.evaluate(inputs, rows).loss, 6);
    expect(layers.map(({ weights, biases, slopes }) => [weights!.length, biases!.length, slopes?.length])).toEqual([[12, 4, 4], [12, 0, undefined], [6, 2, undefined]]);
    const step = 1 / 64;
    let compared = 0;
    for (const [l, layer] of network.layers.entries()) {
      for (const key of ["weights", "biases", "slopes"] as const) {
        const view = layer[key];
        view?.forEach((value, k) => {
          const at = (x: number): number => {
            view[k] = x;
            return network.evaluate(inputs, rows).loss;
          };
          const difference = (at(value + step) - at(value - step)) / (2 * step);
          view[k] = value;
          // The difference quotient is off by some h² and by a rounding over h.
          expect(Math.abs(layers[l][key]![k] - difference)).toBeLessThan(2e-3);
          compared++;
        });
      }
    }
    expect(compared).toBe(20 + 12 + 8);
  });

  test("of many samples are the means of those of parts", async () => {
    const network = await create();
    const [many, targets] = [numbers(3 * 1200, 5), numbers(2 * 1200, 6)];
    const whole = network.gradients(many, targets);
    const halves = [0, 600].map((first) => network.gradients(many.subarray(3 * first, 3 * first + 1800), targets.subarray(2 * first, 2 * first + 1200)));
    expect(whole.loss).toBeCloseTo((halves[0].loss + halves[1].loss) / 2, 9);
    whole.layers.forEach(({ weights }, l) => weights!.forEach((g, k) => expect(g).toBeCloseTo((halves[0].layers[l].weights![k] + halves[1].layers[l].weights![k]) / 2, 6)));
  });

  test("take another loss", async () => {
    const network = await create();
    const { loss, layers } = network.gradients(inputs, rows, { loss: "meanAbsoluteError" });
    expect(loss).toBeCloseTo(network.evaluate(inputs, rows, { loss: "meanAbsoluteError" }).loss, 6);
    expect(layers[0].weights).not.toEqual(network.gradients(inputs, rows).layers[0].weights);
  });
});

describe("a clone", () => {
  test("is the same and goes its own way", async () => {
    const network = await create();
    await network.fit(inputs, rows, { epochs: 2, optimizer: "nadam", loss: "logCosh" });
    const copy = await network.clone();
    const before = network.save();
    expect(copy.save()).toEqual(before);
    await copy.fit(inputs, rows, { epochs: 2 });
    copy.layers[0].weights[0] = 99;
    expect(network.save()).toEqual(before);
    await network.fit(inputs, rows, { epochs: 2 });
    network.layers[0].weights[0] = 99;
    expect(copy.save()).toEqual(network.save());
    network.dispose();
    expect(copy.predict(inputs).length).toBe(2 * SAMPLES);
  });

  test("made in the midst of a fit is not touched by the rest of it", async () => {
    const network = await create();
    let copy: Promise<Network> | undefined;
    let saved: Uint8Array | undefined;
    const onBatch = ({ epoch, step }: BatchReport): void => {
      if (epoch !== 2 || step !== 2) return;
      saved = network.save();
      copy = network.clone();
    };
    const options: FitOptions = { epochs: 3, batchSize: 6, metrics: ["r2"], earlyStopping: { patience: 5 } };
    await network.fit(inputs, rows, { ...options, onBatch });
    expect((await copy!).save()).toEqual(saved);
    await (await copy!).fit(inputs, rows, { ...options, resume: true });
    expect((await copy!).save()).toEqual(network.save());
  });
});

describe("while a fit runs", () => {
  const options: FitOptions = { epochs: 3, batchSize: 5, shuffle: false, optimizer: "adam", metrics: ["r2"], validationData: [inputs, rows] };

  test("the network is at the end of a step whenever user code runs, and looking at it changes nothing", async () => {
    const [plain, watched, stepped] = [await create(), await create(), await create()];
    const { epochs } = await plain.fit(inputs, rows, options);
    let looks = 0;
    const later: Promise<Network>[] = [];
    const expected: Float32Array[] = [];
    const look = (): void => {
      expect(watched.predict(inputs)).toEqual(stepped.predict(inputs));
      expect(watched.evaluate(inputs, rows, { loss: "logCosh", metrics: ["meanAbsoluteError"] })).toEqual(stepped.evaluate(inputs, rows, { loss: "logCosh", metrics: ["meanAbsoluteError"] }));
      expect(watched.trace(inputs)).toEqual(stepped.trace(inputs));
      expect(watched.gradients(inputs, rows)).toEqual(stepped.gradients(inputs, rows));
      expect(watched.predict(inputs.subarray(0, 3))).toEqual(stepped.predict(inputs.subarray(0, 3)));
      expect(watched.layers[1].neuron(1).explain([1, 2, 3])).toEqual(stepped.layers[1].neuron(1).explain([1, 2, 3]));
      later.push(Network.load(watched.save()), watched.clone());
      expected.push(stepped.predict(inputs), stepped.predict(inputs));
      expect(watched.summary()).toBe(stepped.summary());
      looks++;
    };
    const onBatch = ({ step }: BatchReport): void => {
      const [a, b] = [5 * (step - 1), Math.min(5 * step, SAMPLES)];
      stepped.trainBatch(inputs.subarray(3 * a, 3 * b), rows.subarray(2 * a, 2 * b), { optimizer: "adam" });
      look();
    };
    const { epochs: reports } = await watched.fit(inputs, rows, { ...options, onBatch, onEpoch: look });
    expect(looks).toBe(15 + 3);
    expect((await Promise.all(later)).map((network) => network.predict(inputs))).toEqual(expected);
    expect(watched.save()).toEqual(plain.save());
    expect(reports.map(({ samplesPerSecond, ...report }) => report)).toEqual(epochs.map(({ samplesPerSecond, ...report }) => report));
  });

  test("turns of the event loop may look at it too, in the midst of a validation", async () => {
    const [plain, watched] = [await create(), await create()];
    const large: FitOptions = { ...options, epochs: 2, validationData: [numbers(3 * 150_000, 3), numbers(2 * 150_000, 4)] };
    const { epochs } = await plain.fit(inputs, rows, large);
    let [running, looks] = [true, 0];
    const turn = (): void => {
      if (!running) return;
      watched.evaluate(inputs, rows, { loss: "huber" });
      watched.gradients(inputs, rows);
      watched.predict(inputs);
      looks++;
      setImmediate(turn);
    };
    const fitting = watched.fit(inputs, rows, large);
    setImmediate(turn);
    const { epochs: reports } = await fitting;
    running = false;
    expect(looks).toBeGreaterThan(1);
    expect(watched.save()).toEqual(plain.save());
    expect(reports.map(({ loss, validation }) => [loss, validation])).toEqual(epochs.map(({ loss, validation }) => [loss, validation]));
  });

  test("what a callback writes into the views counts from the next step on", async () => {
    const [written, stepped] = [await create([dense(2)]), await create([dense(2)])];
    const write = (network: Network, step: number): void => {
      network.layers[0].weights.fill(step / 4);
      network.layers[0].biases[1] = -step;
    };
    const losses: number[] = [];
    const onBatch = ({ step, loss }: BatchReport): void => {
      losses.push(loss);
      write(written, step);
    };
    await written.fit(inputs, rows, { batchSize: 7, shuffle: false, optimizer: sgd({ momentum: 0.9 }), onBatch });
    for (const step of [1, 2, 3]) {
      const [a, b] = [7 * (step - 1), 7 * step];
      expect(stepped.trainBatch(inputs.subarray(3 * a, 3 * b), rows.subarray(2 * a, 2 * b), { optimizer: sgd({ momentum: 0.9 }) })).toBe(losses[step - 1]);
      write(stepped, step);
    }
    expect(written.layers[0].weights).toEqual(stepped.layers[0].weights);
    expect([...written.layers[0].weights]).toEqual(new Array(6).fill(0.75));
  });

  test("another fit, trainBatch, resetOptimizer and dispose are Errors that say so and disturb nothing", async () => {
    const [plain, disturbed] = [await create(), await create()];
    await plain.fit(inputs, rows, options);
    const refused = /^(fit|trainBatch|resetOptimizer|dispose): a fit of this network is running\. Await it first, or stop it by its signal$/;
    let tried = 0;
    const rejections: Promise<unknown>[] = [];
    const disturb = (): void => {
      for (const call of [() => disturbed.trainBatch(inputs, rows), () => disturbed.resetOptimizer(), () => disturbed.dispose(), () => disturbed[Symbol.dispose]()]) {
        expect(call).toThrow(refused);
        tried++;
      }
      rejections.push(disturbed.fit(inputs, rows).then(() => "resolved", (error: unknown) => error));
    };
    const fitting = disturbed.fit(inputs, rows, { ...options, onBatch: disturb, onEpoch: disturb });
    disturb();
    await fitting;
    expect(tried).toBe(4 * (1 + 15 + 3));
    for (const error of await Promise.all(rejections)) {
      expect((error as Error).constructor).toBe(Error);
      expect((error as Error).message).toMatch(refused);
    }
    expect(rejections.length).toBe(19);
    expect(disturbed.save()).toEqual(plain.save());
    // Afterwards they are allowed again, after an error as well.
    await expect(disturbed.fit(inputs, rows, { onBatch: () => { throw new Error("mine"); } })).rejects.toThrow("mine");
    disturbed.trainBatch(inputs, rows);
    disturbed.resetOptimizer();
    await disturbed.fit(inputs, rows);
    disturbed.dispose();
  });

  test("fits of other networks run beside it to the bytes that each has alone", async () => {
    const alone: Uint8Array[] = [];
    for (const seed of [1, 2, 3]) {
      const network = await create(undefined, seed);
      await network.fit(inputs, rows, { ...options, epochs: 400 });
      alone.push(network.save());
    }
    const together = await Promise.all([1, 2, 3].map((seed) => create(undefined, seed)));
    await Promise.all(together.map((network) => network.fit(inputs, rows, { ...options, epochs: 400 })));
    together.forEach((network, i) => expect(network.save()).toEqual(alone[i]));
  });
});
