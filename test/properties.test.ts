// Properties of the whole public API: what holds for any network, data and options. Each is tried 25 times, or as often as
// ROSENBLATT_PROPERTIES says (`npm run properties`: 1,000); fast-check prints the seed of a failure.

import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import * as rosenblatt from "../src/index.js";
import {
  activate, activationDerivative, activations, adam, batchNorm, confusionMatrix, dense, dropout, layerNorm, ModelFormatError, Network, prelu, ready, rocCurve, sgd,
} from "../src/index.js";
import type { ActivationName, LayerSpec, LossName, Metric, OptimizerName } from "../src/index.js";
import { coreMath } from "../src/train/step.js";
import { readSafetensors, writeSafetensors } from "../src/files/safetensors.js";
import { writeResult } from "../scripts/results.mjs";
import { resolveSchedule, scheduledRate } from "../src/describe/schedules.js";

const RUNS = Number(process.env.ROSENBLATT_PROPERTIES ?? 25);
const LIMIT_MS = 30_000 + 200 * RUNS;
let properties = 0;
let tried = 0;
let held = 0;

/** A property of values of `arbitrary`. */
function holds<T>(title: string, arbitrary: fc.Arbitrary<T>, check: (value: T) => void | Promise<void>): void {
  properties++;
  test(title, async () => {
    tried++;
    await ready();
    await fc.assert(fc.asyncProperty(arbitrary, async (value) => void (await check(value))), { numRuns: RUNS });
    held++;
  }, LIMIT_MS);
}

const HIDDEN = ["linear", "sigmoid", "tanh", "relu", "leakyRelu", "prelu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "relu6", "hardSigmoid", "hardTanh"] as const;
const OPTIMIZERS: readonly OptimizerName[] = ["sgd", "rmsprop", "adagrad", "adam", "adamw", "nadam", "lion"];

const hidden = fc.oneof(
  { weight: 4, arbitrary: fc.record({ units: fc.integer({ min: 1, max: 19 }), activation: fc.constantFrom(...HIDDEN), bias: fc.boolean() }).map(({ units, activation, bias }) => dense(units, { activation, bias })) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 9 }).map((units): LayerSpec => dense(units, prelu({ shared: true }))) },
  { weight: 1, arbitrary: fc.constantFrom<LayerSpec>(dropout(0), dropout(0.4), batchNorm(), layerNorm()) },
);

/** A network with data: `rows` samples, targets that suit its output. */
interface Setting {
  readonly inputs: number;
  readonly layers: readonly LayerSpec[];
  readonly outputs: number;
  readonly softmax: boolean;
  readonly seed: number;
  readonly rows: number;
  readonly batchSize: number;
  readonly optimizer: OptimizerName;
}

const settings = fc.record({
  inputs: fc.integer({ min: 1, max: 11 }), stack: fc.array(hidden, { maxLength: 3 }), outputs: fc.integer({ min: 1, max: 6 }), softmax: fc.boolean(),
  seed: fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER })), rows: fc.integer({ min: 1, max: 40 }),
  batchSize: fc.integer({ min: 1, max: 45 }), optimizer: fc.constantFrom(...OPTIMIZERS),
}).map(({ stack, ...rest }): Setting => {
  const softmax = rest.softmax && rest.outputs > 1;
  // a batch of one sample has no variance to train a batchNorm by
  const layers = stack.filter((layer) => layer.kind !== "batchNorm" || (rest.rows > 1 && rest.batchSize > 1 && rest.rows % rest.batchSize !== 1));
  return { ...rest, softmax, layers: [...layers, dense(rest.outputs, softmax ? "softmax" : "linear")] };
});

/** Numbers in [−1, 1) by a small generator, of a seed. */
function numbers(count: number, seed: number): Float32Array {
  let state = (seed % 2147483645) + 1;
  return Float32Array.from({ length: count }, () => ((state = (state * 16807) % 2147483647) / 2147483647) * 2 - 1);
}

const create = ({ inputs, layers, seed }: Setting): Promise<Network> => Network.create({ inputs, layers: [...layers], seed });
const samplesOf = ({ rows, inputs, seed }: Setting): Float32Array => numbers(rows * inputs, seed + 1);
const targetsOf = ({ rows, outputs, softmax, seed }: Setting): number[] | Float32Array =>
  softmax ? Array.from(numbers(rows, seed + 2), (x) => Math.floor((x + 1) / 2 * outputs)) : numbers(rows * outputs, seed + 2);
const optionsOf = ({ batchSize, optimizer }: Setting) => ({ batchSize, optimizer });
const rowsOf = (flat: Float32Array, width: number): number[][] => Array.from({ length: flat.length / width }, (_, i) => Array.from(flat.subarray(i * width, (i + 1) * width)));

async function trained(setting: Setting, more: rosenblatt.FitOptions = {}): Promise<Network> {
  const network = await create(setting);
  await network.fit(samplesOf(setting), targetsOf(setting), { ...optionsOf(setting), threads: 1, ...more });
  return network;
}

async function refuses(network: Network, call: () => unknown): Promise<void> {
  const before = network.save();
  let error: unknown;
  try {
    await call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error instanceof TypeError || error instanceof RangeError).toBe(true);
  expect(network.save()).toEqual(before);
}

describe("files and copies", () => {
  holds("save, load and save give the same bytes", settings, async (s) => {
    const bytes = (await trained(s)).save();
    expect((await Network.load(bytes)).save()).toEqual(bytes);
  });
  holds("a file without the optimizer predicts as the network", settings, async (s) => {
    const network = await trained(s);
    expect((await Network.load(network.save({ optimizer: false }))).predict(samplesOf(s))).toEqual(network.predict(samplesOf(s)));
  });
  holds("a clone saves the bytes of its original", settings, async (s) => {
    const network = await trained(s);
    expect((await network.clone()).save()).toEqual(network.save());
  });
  holds("a clone that trains leaves its original alone", settings, async (s) => {
    const network = await trained(s);
    const before = network.save();
    await (await network.clone()).fit(samplesOf(s), targetsOf(s));
    expect(network.save()).toEqual(before);
  });
  holds("a clone and a loaded file train on to the bytes of the original", settings, async (s) => {
    const network = await trained(s);
    const others = [await network.clone(), await Network.load(network.save())];
    for (const each of [network, ...others]) await each.fit(samplesOf(s), targetsOf(s), { epochs: 2 });
    for (const each of others) expect(each.save()).toEqual(network.save());
  });
  holds("a file with one byte less or one more is refused as a model file", fc.tuple(settings, fc.boolean()), async ([s, more]) => {
    const bytes = (await create(s)).save();
    const changed = more ? Uint8Array.from([...bytes, 0]) : bytes.slice(0, -1);
    await expect(Network.load(changed)).rejects.toThrow(ModelFormatError);
  });
  holds("a file is one that the safetensors reader takes, and writes again with the same bytes", settings, async (s) => {
    const bytes = (await trained(s)).save();
    const { tensors, metadata } = readSafetensors(bytes);
    expect(writeSafetensors([...tensors].map(([name, tensor]) => ({ name, ...tensor })), metadata)).toEqual(bytes);
  });
});

describe("training", () => {
  holds("the same seed, data and options give the same bytes", settings, async (s) => expect((await trained(s)).save()).toEqual((await trained(s)).save()));
  holds("two fits of two epochs are one of four, in the order given", settings, async (s) => {
    const network = await trained(s, { epochs: 2, shuffle: false });
    await network.fit(samplesOf(s), targetsOf(s), { ...optionsOf(s), epochs: 2, shuffle: false });
    expect(network.save()).toEqual((await trained(s, { epochs: 4, shuffle: false })).save());
  });
  holds("and shuffled", settings, async (s) => {
    const network = await trained(s, { epochs: 2 });
    await network.fit(samplesOf(s), targetsOf(s), { ...optionsOf(s), epochs: 2 });
    expect(network.save()).toEqual((await trained(s, { epochs: 4 })).save());
  });
  holds("trainBatch is a fit of one batch", settings, async (s) => {
    const whole = { ...s, batchSize: s.rows, layers: s.layers.filter(({ kind }) => kind !== "batchNorm" || s.rows > 1) };
    const network = await create(whole);
    network.trainBatch(samplesOf(s), targetsOf(s), { optimizer: s.optimizer });
    expect(network.save()).toEqual((await trained(whole, { shuffle: false })).save());
  });
  holds("rows, typed rows and one flat array are the same samples", settings, async (s) => {
    const networks = [await create(s), await create(s), await create(s)];
    const rows = rowsOf(samplesOf(s), s.inputs);
    const samples = [samplesOf(s), rows, rows.map((row) => Float64Array.from(row))];
    for (const [i, network] of networks.entries()) await network.fit(samples[i], targetsOf(s), optionsOf(s));
    for (const network of networks) expect(network.save()).toEqual(networks[0].save());
  });
  holds("a weight of 1 for each sample is none", settings, async (s) => {
    const plain = await trained(s), weighted = await trained(s, { sampleWeights: new Float32Array(s.rows).fill(1) });
    expect(weighted.predict(samplesOf(s))).toEqual(plain.predict(samplesOf(s)));
  });
  holds("an epoch's report has the rate, the loss and as many epochs as were asked for", fc.tuple(settings, fc.integer({ min: 1, max: 4 })), async ([s, epochs]) => {
    const history = await (await create(s)).fit(samplesOf(s), targetsOf(s), { ...optionsOf(s), epochs, optimizer: sgd({ learningRate: 0.001 }) });
    expect(history.epochs.map(({ epoch }) => epoch)).toEqual(Array.from({ length: epochs }, (_, i) => i + 1));
    for (const { loss, learningRate } of history.epochs) expect(Number.isFinite(loss) && learningRate === 0.001).toBe(true);
    expect(history.stopped).toBe("completed");
  });
  holds("a frozen layer keeps its bytes", settings, async (s) => {
    const network = await create({ ...s, layers: [dense(5, { activation: "tanh", trainable: false }), ...s.layers] });
    const before = [network.layers[0].weights.slice(), network.layers[0].biases.slice()];
    await network.fit(samplesOf(s), targetsOf(s), optionsOf(s));
    expect([network.layers[0].weights, network.layers[0].biases]).toEqual(before);
  });
  holds("a dropout is none outside training, whatever its rate", settings, async (s) => {
    const network = await create({ ...s, layers: [dropout(0.7), ...s.layers] });
    expect(network.predict(samplesOf(s))).toEqual((await create({ ...s, layers: [dropout(0), ...s.layers] })).predict(samplesOf(s)));
  });
  holds("batches whose weights are all 0 make no step", settings, async (s) => {
    const network = await create(s);
    const before = network.layers.map(({ weights }) => weights.slice());
    await network.fit(samplesOf(s), targetsOf(s), { ...optionsOf(s), sampleWeights: new Float32Array(s.rows) });
    expect(network.layers.map(({ weights }) => weights)).toEqual(before);
  });
  holds("a callback that returns false stops after that epoch", fc.tuple(settings, fc.integer({ min: 1, max: 3 })), async ([s, last]) => {
    const { stopped, epochs } = await (await create(s)).fit(samplesOf(s), targetsOf(s), { ...optionsOf(s), epochs: 5, onEpoch: ({ epoch }) => (epoch === last ? false : undefined) });
    expect([stopped, epochs.length]).toEqual(["callback", last]);
  });
});

describe("inference", () => {
  holds("a sample's prediction depends on neither the size of the batch nor its place", fc.tuple(settings, fc.nat(1000)), async ([s, turn]) => {
    const network = await create(s), all = rowsOf(numbers(s.inputs * (s.rows + 1), s.seed), s.inputs);
    const by = turn % all.length, turned = [...all.slice(by), ...all.slice(0, by)];
    const straight = rowsOf(network.predict(all), s.outputs);
    expect(rowsOf(network.predict(turned), s.outputs)).toEqual([...straight.slice(by), ...straight.slice(0, by)]);
  });
  holds("softmax gives rows that sum to 1 within 4·ε·n, of numbers in [0, 1]", settings, async (s) => {
    const network = await create({ ...s, layers: [...s.layers.slice(0, -1), dense(s.outputs + 1, "softmax")] });
    for (const row of rowsOf(network.predict(samplesOf(s)), s.outputs + 1)) {
      expect(Math.abs(row.reduce((a, b) => a + b, 0) - 1)).toBeLessThanOrEqual(4 * 2 ** -23 * row.length);
      for (const p of row) expect(p >= 0 && p <= 1).toBe(true);
    }
  });
  holds("classify is the place of the first greatest output", settings, async (s) => {
    fc.pre(s.outputs > 1);
    const network = await create(s);
    const rows = rowsOf(network.predict(samplesOf(s)), s.outputs);
    expect(Array.from(network.classify(samplesOf(s)))).toEqual(rows.map((row) => row.indexOf(Math.max(...row))));
  });
  holds("the last trace is the prediction, of more than one sample", settings, async (s) => {
    fc.pre(s.rows > 1);
    const network = await create(s);
    expect(network.trace(samplesOf(s)).at(-1)!.activations).toEqual(network.predict(samplesOf(s)));
  });
  holds("a prediction fills the array that is given", settings, async (s) => {
    const network = await create(s), output = new Float32Array(s.rows * s.outputs).fill(NaN);
    expect(network.predict(samplesOf(s), output)).toBe(output);
    expect(output).toEqual(network.predict(samplesOf(s)));
  });
  holds("evaluate does not depend on the order of samples, but for rounding", settings, async (s) => {
    const network = await create(s), x = rowsOf(samplesOf(s), s.inputs), t = s.softmax ? [...targetsOf(s)] : rowsOf(targetsOf(s) as Float32Array, s.outputs);
    const one = network.evaluate(x, t as never).loss, other = network.evaluate(x.reverse(), t.reverse() as never).loss;
    expect(Math.abs(one - other)).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(one)));
  });
  holds("evaluate does not depend on the batch size", settings, async (s) => {
    const network = await create(s);
    expect(network.evaluate(samplesOf(s), targetsOf(s), { batchSize: s.batchSize })).toEqual(network.evaluate(samplesOf(s), targetsOf(s)));
  });
  holds("what only looks changes no byte", settings, async (s) => {
    const network = await trained(s), before = network.save();
    network.predict(samplesOf(s)); network.classify(samplesOf(s)); network.trace(samplesOf(s)); network.summary();
    network.evaluate(samplesOf(s), targetsOf(s)); network.gradients(samplesOf(s), targetsOf(s));
    expect(network.save()).toEqual(before);
  });
  holds("gradients are those of the loss: a small step against them lowers it", settings, async (s) => {
    const network = await create({ ...s, layers: [dense(7, "tanh"), dense(s.outputs, s.softmax ? "softmax" : "linear")] });
    const { loss, layers } = network.gradients(samplesOf(s), targetsOf(s));
    expect(loss).toBeCloseTo(network.evaluate(samplesOf(s), targetsOf(s)).loss, 5);
    const square = layers.reduce((sum, { weights }) => sum + weights!.reduce((a, g) => a + g * g, 0), 0);
    fc.pre(square > 1e-4);
    layers.forEach(({ weights }, i) => weights!.forEach((g, k) => void (network.layers[i].weights[k] -= 1e-3 * g)));
    expect(network.evaluate(samplesOf(s), targetsOf(s)).loss).toBeLessThan(loss);
  });
  holds("a write into a view counts", settings, async (s) => {
    const network = await create(s), last = network.layers.at(-1)!;
    last.weights.fill(0);
    last.biases.fill(0);
    for (const value of network.predict(samplesOf(s))) expect(value).toBeCloseTo(s.softmax ? 1 / s.outputs : 0, 6);
  });
});

describe("calls that are refused change nothing", () => {
  const refusals: Record<string, (network: Network, s: Setting) => unknown> = {
    "a NaN among the inputs": (network, s) => network.fit(samplesOf(s).fill(NaN, s.rows * s.inputs - 1), targetsOf(s)),
    "an infinite target": (network, s) => network.fit(samplesOf(s), new Float32Array(s.rows * s.outputs).fill(Infinity)),
    "one input too many": (network, s) => network.predict(new Float32Array(s.inputs * s.rows + (s.inputs > 1 ? 1 : 0)).fill(s.inputs > 1 ? 0 : NaN)),
    "one target too many": (network, s) => network.fit(samplesOf(s), new Float32Array(s.rows * s.outputs + 1)),
    "a batch size of 0": (network, s) => network.fit(samplesOf(s), targetsOf(s), { batchSize: 0 }),
    "an unknown option": (network, s) => network.fit(samplesOf(s), targetsOf(s), { epoch: 3 } as never),
    "an unknown loss": (network, s) => network.evaluate(samplesOf(s), targetsOf(s), { loss: "loss" as LossName }),
    "an unknown metric": (network, s) => network.evaluate(samplesOf(s), targetsOf(s), { metrics: ["acuracy" as Metric] }),
    "no samples": (network) => network.fit([], []),
    "negative weights of samples": (network, s) => network.fit(samplesOf(s), targetsOf(s), { sampleWeights: new Float32Array(s.rows).fill(-1) }),
    "an output that is too short": (network, s) => network.predict(samplesOf(s), new Float32Array(s.rows * s.outputs - 1)),
    "a string for a number": (network, s) => network.trainBatch(Array.from(samplesOf(s), String) as never, targetsOf(s)),
  };
  for (const [title, call] of Object.entries(refusals)) holds(title, settings, async (s) => {
    const network = await trained(s);
    await refuses(network, () => call(network, s));
  });
});

describe("activations", () => {
  const values = fc.array(fc.float({ min: Math.fround(-80), max: 80, noNaN: true }), { minLength: 1, maxLength: 50 }).map((some) => Float32Array.from(some).sort());
  for (const name of Object.keys(activations) as ActivationName[]) {
    if (name === "softmax") continue;
    const { range: [low, high], monotonic } = activations[name];
    holds(`${name} stays in its range${monotonic ? " and never falls" : ""}`, values, (z) => {
      const a = activate(name, z);
      a.forEach((value, i) => {
        expect(value >= low - 1e-6 && value <= high + 1e-6).toBe(true);
        if (monotonic && i > 0) expect(value).toBeGreaterThanOrEqual(a[i - 1]);
      });
      if (monotonic) for (const slope of activationDerivative(name, z)) expect(slope).toBeGreaterThanOrEqual(0);
    });
  }
  holds("tanh is odd", values, (z) => expect(activate("tanh", z.map((x) => -x)).map((x) => -x)).toEqual(activate("tanh", z)));
});

describe("schedules are their closed forms", () => {
  const step = fc.integer({ min: 0, max: 5000 }), rate = fc.double({ min: 1e-6, max: 10, noNaN: true }), share = fc.double({ min: 0.1, max: 0.99, noNaN: true });
  const close = (got: number, wanted: number): void => expect(Math.abs(got - wanted)).toBeLessThanOrEqual(1e-9 * Math.abs(wanted) + 1e-300);
  const at = (schedule: rosenblatt.Schedule, t: number): number => scheduledRate(resolveSchedule(schedule, "schedule"), t, 1, coreMath);
  holds("stepDecay", fc.tuple(rate, share, fc.integer({ min: 1, max: 900 }), step), ([initial, factor, every, t]) => close(at(rosenblatt.stepDecay({ initial, factor, every }), t), initial * factor ** Math.floor(t / every)));
  holds("exponentialDecay", fc.tuple(rate, share, fc.integer({ min: 1, max: 900 }), step), ([initial, decay, every, t]) => close(at(rosenblatt.exponentialDecay({ initial, rate: decay, every }), t), initial * decay ** (t / every)));
  holds("cosineDecay", fc.tuple(rate, fc.integer({ min: 1, max: 4000 }), step), ([initial, steps, t]) => {
    expect(Math.abs(at(rosenblatt.cosineDecay({ initial, steps }), t) - initial * (1 + Math.cos(Math.PI * Math.min(1, t / steps))) / 2)).toBeLessThanOrEqual(1e-12 * initial);
  });
  holds("a warm-up is (t + 1)/warmupSteps of it", fc.tuple(rate, fc.integer({ min: 1, max: 400 }), step), ([initial, warmupSteps, t]) => {
    close(at(rosenblatt.stepDecay({ initial, factor: 1 - 2 ** -20, every: 1e6, warmupSteps }), t), initial * Math.min(1, (t + 1) / warmupSteps));
  });
  holds("oneCycle stays between its ends and its greatest", fc.tuple(rate, fc.integer({ min: 2, max: 4000 }), step), ([max, steps, t]) => {
    const got = at(rosenblatt.oneCycle({ max, steps }), t);
    expect(got > 0 && got <= max * (1 + 1e-12)).toBe(true);
  });
});

describe("measures", () => {
  const classes = fc.integer({ min: 2, max: 5 }).chain((count) => fc.record({
    count: fc.constant(count), pairs: fc.array(fc.tuple(fc.integer({ min: 0, max: count - 1 }), fc.integer({ min: 0, max: count - 1 })), { minLength: 1, maxLength: 60 }),
  }));
  holds("a confusion matrix counts every sample once, at its classes", classes, ({ count, pairs }) => {
    const matrix = confusionMatrix(pairs.map(([p]) => p), pairs.map(([, c]) => c), count);
    const naive = Array.from({ length: count }, (_, c) => Array.from({ length: count }, (_, p) => pairs.filter(([a, b]) => a === p && b === c).length));
    expect(matrix).toEqual(naive);
  });
  const scored = fc.array(fc.tuple(fc.double({ min: -5, max: 5, noNaN: true }), fc.integer({ min: 0, max: 1 })), { minLength: 1, maxLength: 50 });
  holds("an ROC curve rises from 0 to 1", scored, (pairs) => {
    const curve = rocCurve(pairs.map(([x]) => x), pairs.map(([, l]) => l));
    for (const rates of [curve.falsePositiveRates, curve.truePositiveRates]) rates.forEach((value, i) => expect(value >= (rates[i - 1] ?? 0) && value <= 1).toBe(true));
  });
  holds("accuracy is the share of hits, and errors are at least 0", settings, async (s) => {
    fc.pre(s.softmax);
    const network = await create(s), labels = targetsOf(s) as number[], hits = Array.from(network.classify(samplesOf(s))).filter((c, i) => c === labels[i]).length;
    expect(network.evaluate(samplesOf(s), labels, { metrics: ["accuracy"] }).metrics.accuracy).toBe(hits / s.rows);
  });
});

describe("layers", () => {
  holds("there are as many weights and biases as the shapes say, and parameterCount is their sum", settings, async (s) => {
    const network = await create({ ...s, layers: s.layers.filter(({ kind }) => kind === "dense") });
    let [width, sum] = [s.inputs, 0];
    for (const { inputs, units, weights, biases, slopes } of network.layers) {
      expect([inputs, weights.length]).toEqual([width, inputs * units]);
      expect([0, units]).toContain(biases.length);
      [width, sum] = [units, sum + weights.length + biases.length + (slopes?.length ?? 0)];
    }
    expect(network.parameterCount).toBe(sum);
  });
  holds("other seeds draw other weights", settings, async (s) => {
    const [one, other] = [await create({ ...s, layers: [dense(9, "tanh"), ...s.layers] }), await create({ ...s, seed: s.seed === 0 ? 1 : s.seed - 1, layers: [dense(9, "tanh"), ...s.layers] })];
    expect(one.layers[0].weights).not.toEqual(other.layers[0].weights);
  });
  holds("layerNorm gives rows of mean 0", fc.tuple(settings, fc.integer({ min: 2, max: 20 })), async ([s, units]) => {
    const network = await create({ ...s, layers: [dense(units, "tanh"), layerNorm(), dense(1)] });
    for (const row of rowsOf(network.trace(samplesOf(s))[1].activations, units)) expect(Math.abs(row.reduce((a, b) => a + b, 0) / units)).toBeLessThan(1e-3);
  });
  holds("resetOptimizer lets training start as by a new optimizer", settings, async (s) => {
    const network = await trained(s, { optimizer: adam() });
    network.resetOptimizer();
    const fresh = await Network.load(network.save({ optimizer: false }));
    for (const each of [network, fresh]) each.trainBatch(samplesOf({ ...s, rows: 4 }), targetsOf({ ...s, rows: 4 }), { optimizer: adam() });
    expect(network.predict(samplesOf(s))).toEqual(fresh.predict(samplesOf(s)));
  });
});

afterAll(() => {
  expect(properties).toBeGreaterThanOrEqual(60);
  if (tried === properties) writeResult("properties", { figure: `${held} of ${properties} hold, ${RUNS.toLocaleString("en")} runs each`, passed: held === properties, size: RUNS });
});
