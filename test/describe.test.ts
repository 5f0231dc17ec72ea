// What a user may say and what it means: defaults equal the contract's, names and specs are worth the same, and what is not
// allowed is refused with the class and the words that were promised.

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ActivationCode } from "../assembly/codes.js";
import {
  DivergenceError, ModelFormatError, at, checkFinite, checkFunction, checkInteger, checkKeys, checkName, describeValue, nearestName,
} from "../src/check.js";
import * as activationModule from "../src/describe/activations.js";
import {
  activationCode, activationNames, activationParameter, activations, formatActivation, gelu, leakyRelu, prelu, relu, resolveActivation, elu,
} from "../src/describe/activations.js";
import type { ActivationName } from "../src/describe/activations.js";
import { checkFitOptions, fitOptionNames } from "../src/describe/fit.js";
import * as initializerModule from "../src/describe/initializers.js";
import { constant, defaultWeightInit, initializerNames, normal, resolveInitializer, uniform } from "../src/describe/initializers.js";
import { batchNorm, checkNetwork, dense, dropout, layerNorm } from "../src/describe/layers.js";
import type { DenseSpec } from "../src/describe/layers.js";
import * as lossModule from "../src/describe/losses.js";
import { checkLossFits, crossEntropy, defaultLoss, huber, isClassifierLoss, lossNames, resolveLoss } from "../src/describe/losses.js";
import { higherIsBetter, metricNames, resolveMetrics } from "../src/describe/metrics.js";
import * as optimizerModule from "../src/describe/optimizers.js";
import { adam, adamw, lion, nadam, optimizerNames, resolveOptimizer, rmsprop, sgd, slotNames } from "../src/describe/optimizers.js";
import { cosineDecay, exponentialDecay, oneCycle, reduceOnPlateau, resolveLearningRate, scheduledRate, stepDecay } from "../src/describe/schedules.js";
import type { Schedule } from "../src/describe/schedules.js";
import { ELEMENTWISE_NAMES, elementwise } from "./oracle/activations.js";
import type { ElementwiseName } from "./oracle/activations.js";

type ErrorClass = new (message: string) => Error;
type Refusal = readonly [call: () => unknown, kind: ErrorClass, message: string | RegExp];

/** For tests of what types forbid. */
const untyped = (value: unknown): never => value as never;

function expectError(call: () => unknown, kind: ErrorClass, message: string | RegExp): void {
  let error: unknown;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(Error);
  if (typeof message === "string") expect((error as Error).message).toBe(message);
  else expect((error as Error).message).toMatch(message);
  expect((error as Error).constructor).toBe(kind);
}

/** One test for each refusal, named by its message. */
function testRefusals(refusals: readonly Refusal[]): void {
  test.each(refusals.map(([call, kind, message]) => [String(message), call, kind, message] as const))("%s", (_, call, kind, message) => {
    expectError(call, kind, message);
  });
}

const allActivations = activationNames.map((name) => `'${name}'`).join(", ");

describe("the description of a value", () => {
  const revoked = Proxy.revocable({}, {});
  revoked.revoke();
  const hostile = { get [Symbol.toStringTag](): string { throw new Error("no"); }, toString() { throw new Error("no"); }, toJSON: null };
  const described: [unknown, string][] = [
    ["relu", "'relu'"],
    ["it's", "'it\\'s'"],
    ["a\nb\u0000\u202e\ud800", "'a\\u{a}b\\u{0}\\u{202e}\\u{d800}'"],
    ["x".repeat(100), `'${"x".repeat(40)}…' (100 characters)`],
    [NaN, "NaN"],
    [-0, "-0"],
    [1e39, "1e+39"],
    [5n, "5n"],
    [10n ** 400n, "a BigInt of more than 20 digits"],
    [Symbol("x"), "a symbol"],
    [() => 0, "a function"],
    [undefined, "undefined"],
    [null, "null"],
    [[1, 2], "an array of 2"],
    [new Int8Array(3), "an Int8Array of 3"],
    [new Uint8Array(3), "a Uint8Array of 3"],
    [new Date(0), "a Date"],
    [{ toString: () => "x" }, "an object"],
    [Object.create(null), "an object"],
    [hostile, "an object"],
    [revoked.proxy, "an object"],
  ];
  test("says its kind or shows it, and never throws", () => {
    for (const [value, expected] of described) expect(describeValue(value)).toBe(expected);
  });

  test("is one short line without control characters, whatever the value", () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withTypedArray: true, withNullPrototype: true, withSparseArray: true }), (value) => {
        const text = describeValue(value);
        expect(text).not.toMatch(/[\p{Cc}\p{Cs}]/u);
        expect(text.length).toBeLessThan(450);
      }),
    );
  });
});

describe("the nearest name", () => {
  test.each([
    ["rleu", "relu"], ["ReLU", "relu"], ["leaky_relu", "leakyRelu"], ["tahn", "tanh"], ["sigmiod", "sigmoid"], ["soft-max", "softmax"], ["gelu ", "gelu"],
    ["hardsigmoid", "hardSigmoid"],
  ])("of %s is %s", (wrong, right) => {
    expect(nearestName(wrong, activationNames)).toBe(right);
  });

  test.each(["perceptron", "", "x", "__proto__", "r".repeat(100)])("of '%s' there is none", (wrong) => {
    expect(nearestName(wrong, activationNames)).toBeUndefined();
  });

  test("of a name with one letter swapped, dropped or doubled is that name", () => {
    fc.assert(
      fc.property(fc.constantFrom(...fitOptionNames), fc.nat(), fc.constantFrom("swap", "drop", "double"), (name, seed, change) => {
        const i = seed % (name.length - 1);
        const wrong =
          change === "swap" ? name.slice(0, i) + name[i + 1] + name[i] + name.slice(i + 2)
          : change === "drop" ? name.slice(0, i) + name.slice(i + 1)
          : name.slice(0, i) + name[i] + name.slice(i);
        expect(nearestName(wrong, fitOptionNames)).toBe(name);
      }),
    );
  });
});

describe("checks", () => {
  test("subjects join by a dot below a path and by a colon below a call", () => {
    expect([at("layers[2]", "units"), at("fit: optimizer", "momentum"), at("dense", "units")]).toEqual([
      "layers[2].units", "fit: optimizer.momentum", "dense: units",
    ]);
  });

  test("own values are read once, nothing is inherited, and -0 is 0 as an integer", () => {
    let reads = 0;
    const values = checkKeys("x", { get a() { return ++reads; } }, ["a", "b"]);
    expect([values.a, values.a, reads, values.toString, values.b]).toEqual([1, 1, 1, undefined, undefined]);
    expect(Object.is(checkInteger("x", -0, 0, 5), 0)).toBe(true);
    expect(checkKeys("x", Object.create(null), [])).toEqual(Object.create(null));
  });

  class Options { a = 1; }
  testRefusals([
    [() => checkKeys("x", undefined, []), TypeError, "x: expected an object of options, got undefined"],
    [() => checkKeys("x", null, []), TypeError, "x: expected an object of options, got null"],
    [() => checkKeys("x", [], []), TypeError, "x: expected an object of options, got an array of 0"],
    [() => checkKeys("x", new Map(), []), TypeError, "x: expected an object of options, got a Map"],
    [() => checkKeys("x", new Options(), ["a"]), TypeError, "x: expected an object of options, got an object"],
    [() => checkKeys("x", { b: 1 }, []), TypeError, "x: expected no options, got 'b'"],
    [() => checkKeys("x", { unit: 1 }, ["units", "bias"]), TypeError, "x: expected no options but 'units', 'bias', got 'unit'. Did you mean 'units'?"],
    [() => checkKeys("x", { unit: undefined }, ["units"]), TypeError, "x: expected no options but 'units', got 'unit'. Did you mean 'units'?"],
    [() => checkKeys("x", JSON.parse('{"__proto__": {"units": 5}}'), ["units"]), TypeError, "x: expected no options but 'units', got '__proto__'"],
    [() => checkKeys("x", { [Symbol("units")]: 1 }, ["units"]), TypeError, "x: expected no options but 'units', got a symbol"],
    [() => checkKeys("x", Object.defineProperty({}, "hidden", { value: 1 }), ["units"]), TypeError, "x: expected no options but 'units', got 'hidden'"],
    [() => checkInteger("x", 1.5, 1, 3), RangeError, "x: expected an integer from 1 to 3, got 1.5"],
    [() => checkInteger("x", 4, 1, 3), RangeError, "x: expected an integer from 1 to 3, got 4"],
    [() => checkInteger("x", NaN, 1, 3), RangeError, "x: expected an integer from 1 to 3, got NaN"],
    [() => checkInteger("x", "2", 1, 3), TypeError, "x: expected an integer from 1 to 3, got '2'"],
    [() => checkInteger("x", 2n, 1, 3), TypeError, "x: expected an integer from 1 to 3, got 2n"],
    [() => checkFinite("x", Infinity), RangeError, "x: expected a finite number, got Infinity"],
    [() => checkFinite("x", 1e39), RangeError, "x: expected a finite number (finite in f32), got 1e+39"],
    [() => checkFinite("x", 0, { above: 0 }), RangeError, "x: expected a finite number above 0, got 0"],
    [() => checkFinite("x", 1e-50, { above: 0 }), RangeError, "x: expected a finite number above 0 (in f32 too), got 1e-50"],
    [() => checkFinite("x", 1, { min: 0, below: 1 }), RangeError, "x: expected a finite number from 0 and below 1, got 1"],
    [() => checkFinite("x", 1 - 1e-12, { min: 0, below: 1 }), RangeError, /below 1 \(in f32 too\), got 0.999999999999/],
    [() => checkFinite("x", -1, { min: 0 }), RangeError, "x: expected a finite number from 0 up, got -1"],
    [() => checkFinite("x", 2, { min: 0, max: 1 }), RangeError, "x: expected a finite number from 0 to 1, got 2"],
    [() => checkFinite("x", null), TypeError, "x: expected a finite number, got null"],
    [() => checkFunction("x", {}), TypeError, "x: expected a function, got an object"],
    [() => checkName("layers[2].activation", "rleu", activationNames), RangeError,
      `layers[2].activation: expected one of ${allActivations}, got 'rleu'. Did you mean 'relu'?`],
    [() => checkName("x", 1, ["a", "b"]), TypeError, "x: expected one of 'a', 'b', got 1"],
  ]);

  test("the error classes have their names and fields", () => {
    const format = new ModelFormatError("shape", "load: too short");
    expect([format.name, format.code, format.message, format instanceof Error, String(format)]).toEqual([
      "ModelFormatError", "shape", "load: too short", true, "ModelFormatError: load: too short",
    ]);
    const details = { epoch: 3, step: 41, layer: 2, advice: "Lower learningRate (0.5)" };
    const divergence = new DivergenceError("fit: the loss became NaN at epoch 3, step 41", details);
    expect([divergence.name, divergence.epoch, divergence.step, divergence.layer, divergence.advice, divergence instanceof Error]).toEqual([
      "DivergenceError", 3, 41, 2, "Lower learningRate (0.5)", true,
    ]);
    expect(divergence.message).toBe("fit: the loss became NaN at epoch 3, step 41. Lower learningRate (0.5)");
    expect(Object.keys(divergence)).toEqual(["epoch", "step", "layer", "advice"]);
  });
});

describe("activations", () => {
  const defaults: Record<ActivationName, object> = {
    linear: {}, sigmoid: {}, tanh: {}, relu: {}, leakyRelu: { slope: 0.01 }, prelu: { initialSlope: 0.25, shared: false }, softmax: {}, elu: { alpha: 1 },
    selu: {}, gelu: { approximate: "none" }, silu: {}, mish: {}, softplus: {}, softsign: {}, relu6: {}, hardSigmoid: {}, hardTanh: {}, exponential: {},
  };

  test("are the eighteen of the contract, each by name and by call, with its defaults, frozen", () => {
    expect(activationNames).toEqual(Object.keys(defaults));
    expect(activationNames).toHaveLength(18);
    for (const name of activationNames) {
      const spec = activationModule[name]();
      expect(spec).toEqual({ name, ...defaults[name] });
      expect(Object.isFrozen(spec)).toBe(true);
      expect(resolveActivation(name, "activation")).toEqual(spec);
      expect(resolveActivation({ ...spec }, "activation")).toEqual(spec);
      expect(formatActivation(spec)).toBe(name);
      expect(activationCode(spec)).toBe(ActivationCode[name]);
    }
  });

  test("have their core code and its one parameter", () => {
    expect(activationCode(gelu({ approximate: "tanh" }))).toBe(ActivationCode.geluTanh);
    expect([leakyRelu({ slope: 0.2 }), prelu({ initialSlope: -1 }), elu({ alpha: 2 }), relu()].map(activationParameter)).toEqual([0.2, -1, 2, 0]);
    expect(prelu({ shared: true })).toEqual({ name: "prelu", initialSlope: 0.25, shared: true });
    expect(resolveActivation({ name: "leakyRelu" }, "activation")).toEqual(leakyRelu());
  });

  testRefusals([
    [() => leakyRelu({ slope: NaN }), RangeError, "leakyRelu: slope: expected a finite number, got NaN"],
    [() => leakyRelu({ slope: 1e39 }), RangeError, /^leakyRelu: slope: .* got 1e\+39$/],
    [() => leakyRelu(untyped({ slop: 1 })), TypeError, "leakyRelu: expected no options but 'slope', got 'slop'. Did you mean 'slope'?"],
    [() => leakyRelu(untyped(0.1)), TypeError, "leakyRelu: expected an object of options, got 0.1"],
    [() => relu(untyped({ slope: 1 })), TypeError, "relu: expected no options, got 'slope'"],
    [() => prelu({ shared: untyped(1) }), TypeError, "prelu: shared: expected true or false, got 1"],
    [() => gelu({ approximate: untyped("tan") }), RangeError, "gelu: approximate: expected one of 'none', 'tanh', got 'tan'. Did you mean 'tanh'?"],
    [() => resolveActivation("Relu", "layers[0].activation"), RangeError,
      `layers[0].activation: expected one of ${allActivations}, got 'Relu'. Did you mean 'relu'?`],
    [() => resolveActivation(relu, "layers[0].activation"), TypeError, /got a function. Call it: relu\(\)$/],
    [() => resolveActivation(null, "layers[0].activation"), TypeError, /^layers\[0\]\.activation: expected one of .*, got null$/],
    [() => resolveActivation({ name: "elu", alpha: "1" }, "layers[0].activation"), TypeError,
      "layers[0].activation.alpha: expected a finite number, got '1'"],
    [() => resolveActivation({ name: "elu", beta: 1 }, "layers[0].activation"), TypeError, /no options but 'alpha', got 'beta'/],
    [() => resolveActivation({ slope: 1 }, "layers[0].activation"), TypeError, /^layers\[0\]\.activation\.name: expected one of .*, got undefined$/],
    [() => resolveActivation("toString", "activation"), RangeError, /got 'toString'$/],
    [() => resolveActivation({ name: "__proto__" }, "activation"), RangeError, /got '__proto__'$/],
  ]);

  /** f of the oracle, with the contract's defaults. */
  function valueOf(name: ElementwiseName): (z: number) => number {
    const { value } = elementwise({ name });
    return (z) => value(z, 0.25);
  }

  test("the record says of each what its function does: range, bounds, symmetry, monotony", () => {
    expect(ELEMENTWISE_NAMES).toHaveLength(17);
    for (const name of ELEMENTWISE_NAMES) {
      const f = valueOf(name);
      const { range: [min, max], bounded, zeroCentered, monotonic } = activations[name];
      const z = Array.from({ length: 8001 }, (_, i) => i / 100 - 40);
      const values = z.map(f);
      const [lowest, highest] = [Math.min(...values), Math.max(...values)];
      expect(lowest, name).toBeGreaterThanOrEqual(min - 1e-15);
      expect(highest, name).toBeLessThanOrEqual(max + 1e-15);
      if (Number.isFinite(min)) expect(lowest - min, name).toBeLessThan(0.03);
      else expect(f(-1e8), name).toBeLessThan(-1e5);
      if (Number.isFinite(max)) expect(max - highest, name).toBeLessThan(0.03);
      else expect(f(1e6), name).toBeGreaterThan(1e5);
      expect(bounded, name).toBe(Number.isFinite(min) && Number.isFinite(max));
      expect(zeroCentered, name).toBe(values.every((value, i) => Math.abs(value + values[values.length - 1 - i]) < 1e-12));
      expect(monotonic, name).toBe(values.every((value, i) => i === 0 || value >= values[i - 1] - 1e-12));
    }
  });

  test.each([
    ["silu", -1.2784645427610738], ["gelu", -0.7517915246935645], ["mish", -1.1924312145154952],
  ] as const)("the lowest value of %s is that at its minimum, to the last digits", (name, z) => {
    expect(Math.abs(valueOf(name)(z) - activations[name].range[0])).toBeLessThan(4 * 2 ** -54);
    expect(valueOf(name)(z + 1e-4)).toBeGreaterThan(activations[name].range[0]);
    expect(valueOf(name)(z - 1e-4)).toBeGreaterThan(activations[name].range[0]);
  });

  test("the record is read-only to its leaves, and lists every risk's activations", () => {
    expect(Object.keys(activations)).toEqual(activationNames);
    expect(Object.isFrozen(activations)).toBe(true);
    for (const name of activationNames) {
      const record = activations[name];
      expect(record.name).toBe(name);
      expect([record, record.range, record.risks].every(Object.isFrozen)).toBe(true);
      expect(record.outputOnly).toBe(name === "softmax");
      expect(record.risks.includes("unboundedOutput"), name).toBe(!record.bounded);
    }
    const withRisk = (risk: never) => activationNames.filter((name) => activations[name].risks.includes(risk));
    expect(withRisk(untyped("deadUnits"))).toEqual(["relu", "relu6", "hardSigmoid"]);
    expect(withRisk(untyped("vanishingGradient"))).toEqual(["sigmoid", "tanh", "softmax", "softsign", "relu6", "hardSigmoid", "hardTanh"]);
  });
});

describe("initialisers", () => {
  test("are those of the contract, by name where they have no parameter, and by call", () => {
    const parametrised = { constant: constant(2), uniform: uniform(-1, 1), normal: normal(0, 0.5) };
    expect(initializerNames).toHaveLength(12);
    for (const name of initializerNames) {
      const spec = name in parametrised ? parametrised[name as "normal"] : (initializerModule[name] as () => object)();
      expect(spec).toMatchObject({ name });
      expect(Object.isFrozen(spec)).toBe(true);
      expect(resolveInitializer({ ...spec }, "init")).toEqual(spec);
      if (!(name in parametrised)) expect(resolveInitializer(name, "init")).toEqual({ name });
    }
    expect(Object.values(parametrised)).toEqual([
      { name: "constant", value: 2 }, { name: "uniform", low: -1, high: 1 }, { name: "normal", mean: 0, deviation: 0.5 },
    ]);
  });

  test("the default suits the activation", () => {
    const he = ["relu", "leakyRelu", "prelu", "relu6", "elu", "gelu", "silu", "mish"];
    for (const name of activationNames) {
      const expected = he.includes(name) ? "heNormal" : name === "selu" ? "lecunNormal" : "glorotUniform";
      expect(defaultWeightInit(resolveActivation(name, "activation")).name).toBe(expected);
    }
  });

  testRefusals([
    [() => constant(untyped(undefined)), TypeError, "constant: value: expected a finite number, got undefined"],
    [() => constant(Infinity), RangeError, "constant: value: expected a finite number, got Infinity"],
    [() => uniform(1, 0), RangeError, "uniform: high: expected a finite number from 1 up, got 0"],
    [() => uniform(-3e38, 3e38), RangeError, /^uniform: high − low: .* got 6e\+38$/],
    [() => normal(0, -1), RangeError, "normal: deviation: expected a finite number from 0 up, got -1"],
    [() => resolveInitializer("constant", "dense: weightInit"), RangeError, /got 'constant'. 'constant' has parameters: call constant\(value\)$/],
    [() => resolveInitializer("heNorm", "dense: weightInit"), RangeError, /got 'heNorm'. Did you mean 'heNormal'\?$/],
    [() => resolveInitializer({ name: "zeros", value: 1 }, "dense: weightInit"), TypeError, "dense: weightInit: expected no options, got 'value'"],
    [() => resolveInitializer({ name: "normal", mean: 0 }, "dense: weightInit"), TypeError,
      "dense: weightInit.deviation: expected a finite number from 0 up, got undefined"],
    [() => resolveInitializer(0, "dense: weightInit"), TypeError, /^dense: weightInit: expected one of .*, got 0$/],
  ]);
});

describe("layers beside dense", () => {
  test.each<[string, () => unknown, string]>([
    ["dropout", () => (dropout as (...values: unknown[]) => unknown)(0.5, 1), "dropout: expected a rate alone, got 1. Write dropout(rate)"],
    ["batchNorm", () => (batchNorm as (...values: unknown[]) => unknown)({}, 0.1), "batchNorm: expected options alone, got 0.1. Write batchNorm({ momentum, epsilon })"],
    ["layerNorm", () => (layerNorm as (...values: unknown[]) => unknown)({}, 1e-5), "layerNorm: expected options alone, got 0.00001. Write layerNorm({ epsilon })"],
  ])("%s takes one argument", (_, make, message) => {
    expect(make).toThrow(TypeError);
    expect(make).toThrow(message);
  });
});

describe("dense", () => {
  const plain = {
    kind: "dense", units: 8, activation: { name: "linear" }, bias: true, weightInit: { name: "glorotUniform" }, biasInit: { name: "zeros" }, l1: 0, l2: 0,
    trainable: true,
  };

  test("has the contract's defaults, whichever way its activation is given", () => {
    expect(dense(8)).toEqual(plain);
    expect(dense(8, {})).toEqual(plain);
    expect(dense(8, { activation: undefined })).toEqual(plain);
    const expected = { ...plain, activation: prelu(), weightInit: { name: "heNormal" } };
    for (const spec of [dense(8, "prelu"), dense(8, prelu()), dense(8, { activation: "prelu" }), dense(8, { activation: prelu() })]) {
      expect(spec).toEqual(expected);
      expect(Object.isFrozen(spec)).toBe(true);
    }
    expect(dense(1, { bias: false, weightInit: "ones", biasInit: constant(0.1), l1: 1e-4, l2: 1e-3, trainable: false })).toEqual({
      ...plain, units: 1, bias: false, weightInit: { name: "ones" }, biasInit: { name: "constant", value: 0.1 }, l1: 1e-4, l2: 1e-3, trainable: false,
    });
    expect(dense(2 ** 24).units).toBe(16777216);
  });

  test("a wrong name or option does not compile", () => {
    // @ts-expect-error no such activation
    expect(() => dense(8, "rleu")).toThrow(RangeError);
    // @ts-expect-error no such option
    expect(() => dense(8, { unit: 3 })).toThrow(TypeError);
    // @ts-expect-error constant has a parameter
    expect(() => dense(8, { weightInit: "constant" })).toThrow(RangeError);
    // @ts-expect-error no such option
    expect(() => adam({ momentum: 0.9 })).toThrow(TypeError);
    // @ts-expect-error every has no default
    expect(() => stepDecay({ initial: 0.1 })).toThrow(TypeError);
  });

  testRefusals([
    [() => dense(0), RangeError, "dense: units: expected an integer from 1 to 16777216, got 0"],
    [() => dense(2.5), RangeError, "dense: units: expected an integer from 1 to 16777216, got 2.5"],
    [() => dense(2 ** 24 + 1), RangeError, "dense: units: expected an integer from 1 to 16777216, got 16777217"],
    [() => dense(untyped("8")), TypeError, "dense: units: expected an integer from 1 to 16777216, got '8'"],
    [() => dense(8, untyped("rleu")), RangeError, /^dense: activation: .* got 'rleu'. Did you mean 'relu'\?$/],
    [() => dense(8, untyped(null)), TypeError, /^dense: activation: .* got null$/],
    [() => dense(8, untyped({ l3: 1 })), TypeError, /^dense: expected no options but .* got 'l3'. Did you mean 'l1'\?$/],
    [() => dense(8, { l1: -1 }), RangeError, "dense: l1: expected a finite number from 0 up, got -1"],
    [() => dense(8, { l2: NaN }), RangeError, "dense: l2: expected a finite number from 0 up, got NaN"],
    [() => dense(8, { bias: untyped(0) }), TypeError, "dense: bias: expected true or false, got 0"],
    [() => dense(8, { biasInit: "orthogonal" }), RangeError,
      "dense: biasInit: expected an initialiser for a list of biases, got 'orthogonal'. orthogonal is for weights only"],
  ]);
});

describe("the options of create", () => {
  test("have their defaults, and layers are checked anew", () => {
    const layers = [dense(16, "relu"), dense(3, "softmax")];
    expect(checkNetwork({ inputs: 4, layers })).toEqual({ inputs: 4, layers, seed: 0, simd: "deterministic" });
    const foreign = JSON.parse(JSON.stringify(layers));
    const checked = checkNetwork({ inputs: 4, layers: foreign, seed: 2 ** 53 - 1, simd: "relaxed" });
    expect(checked).toEqual({ inputs: 4, layers, seed: 2 ** 53 - 1, simd: "relaxed" });
    foreign[0].units = -1;
    expect((checked.layers[0] as DenseSpec).units).toBe(16);
    expect(Object.isFrozen(checked.layers)).toBe(true);
    expect(checkNetwork({ inputs: 1, layers: [dense(1, "softmax")] }).layers).toHaveLength(1);
    expect(checkNetwork({ inputs: 1, layers: new Array(1000).fill(dense(1)) }).layers).toHaveLength(1000);
  });

  const create = (change: object) => () => checkNetwork({ inputs: 4, layers: [dense(3)], ...change });
  testRefusals([
    [() => checkNetwork(undefined), TypeError, "create: expected an object of options, got undefined"],
    [create({ layer: [] }), TypeError, "create: expected no options but 'inputs', 'layers', 'seed', 'simd', got 'layer'. Did you mean 'layers'?"],
    [create({ inputs: 0 }), RangeError, "inputs: expected an integer from 1 to 16777216, got 0"],
    [create({ inputs: undefined }), TypeError, "inputs: expected an integer from 1 to 16777216, got undefined"],
    [create({ layers: undefined }), TypeError, "layers: expected an array of layers, got undefined"],
    [create({ layers: [] }), RangeError, "layers: expected 1 to 1000 layers, got 0"],
    [create({ layers: new Array(1001).fill(dense(1)) }), RangeError, "layers: expected 1 to 1000 layers, got 1001"],
    [create({ layers: [dense(3), 16] }), TypeError, "layers[1]: expected a layer made by dense(), dropout(), batchNorm() or layerNorm(), got 16"],
    [create({ layers: new Array(2) }), TypeError, "layers[0]: expected a layer made by dense(), dropout(), batchNorm() or layerNorm(), got undefined"],
    [create({ layers: [dense(3), dense(3), { ...dense(3), units: -1 }] }), RangeError, "layers[2].units: expected an integer from 1 to 16777216, got -1"],
    [create({ layers: [{ ...dense(3), activation: "rleu" }] }), RangeError, /^layers\[0\]\.activation: .* got 'rleu'. Did you mean 'relu'\?$/],
    [create({ layers: [{ ...dense(3), activation: { name: "elu", alpha: NaN } }] }), RangeError,
      "layers[0].activation.alpha: expected a finite number, got NaN"],
    [create({ layers: [{ ...dense(3), extra: 1 }] }), TypeError, /^layers\[0\]: expected no options but .* got 'extra'$/],
    [create({ layers: [{ units: 3 }] }), TypeError, "layers[0].kind: expected one of 'dense', 'dropout', 'batchNorm', 'layerNorm', got undefined"],
    [create({ layers: [dense(3, "softmax"), dense(3)] }), RangeError,
      "layers[0].activation: expected an activation for a hidden layer, got 'softmax'. softmax is for the output layer only, here layers[1]"],
    [create({ seed: -1 }), RangeError, "seed: expected an integer from 0 to 9007199254740991, got -1"],
    [create({ seed: 2 ** 53 }), RangeError, "seed: expected an integer from 0 to 9007199254740991, got 9007199254740992"],
    [create({ seed: "1" }), TypeError, "seed: expected an integer from 0 to 9007199254740991, got '1'"],
    [create({ simd: "fast" }), RangeError, "simd: expected one of 'deterministic', 'relaxed', got 'fast'"],
  ]);
});

describe("losses", () => {
  test("are those of the contract, by name and by call, with its defaults", () => {
    expect(lossNames).toEqual([
      "meanSquaredError", "meanAbsoluteError", "huber", "logCosh", "binaryCrossEntropy", "crossEntropy", "hinge", "poisson", "klDivergence",
    ]);
    for (const name of lossNames) {
      const spec = lossModule[name]();
      expect(spec).toEqual({ name, ...(name === "huber" ? { delta: 1 } : name === "crossEntropy" ? { labelSmoothing: 0 } : {}) });
      expect(Object.isFrozen(spec)).toBe(true);
      expect(resolveLoss(name, "loss")).toEqual(spec);
      expect(resolveLoss({ ...spec }, "loss")).toEqual(spec);
      expect(isClassifierLoss(spec)).toBe(["binaryCrossEntropy", "crossEntropy", "hinge"].includes(name));
    }
  });

  test("the default is the output's, and fits it", () => {
    for (const name of activationNames) {
      const activation = resolveActivation(name, "activation");
      const loss = defaultLoss(activation);
      expect(loss.name).toBe(name === "softmax" ? "crossEntropy" : name === "sigmoid" ? "binaryCrossEntropy" : "meanSquaredError");
      checkLossFits(loss, activation, "fit: loss");
    }
  });

  testRefusals([
    [() => checkLossFits(crossEntropy(), resolveActivation("sigmoid", "a"), "fit: loss"), RangeError,
      "fit: loss: expected a loss that fits the output activation 'sigmoid', got 'crossEntropy'. crossEntropy needs a softmax output; " +
        "'binaryCrossEntropy' is for sigmoid outputs"],
    [() => huber({ delta: 0 }), RangeError, "huber: delta: expected a finite number above 0, got 0"],
    [() => crossEntropy({ labelSmoothing: 1 }), RangeError, "crossEntropy: labelSmoothing: expected a finite number from 0 and below 1, got 1"],
    [() => lossModule.hinge(untyped({ delta: 1 })), TypeError, "hinge: expected no options, got 'delta'"],
    [() => resolveLoss("crossentropi", "fit: loss"), RangeError, /got 'crossentropi'. Did you mean 'crossEntropy'\?$/],
    [() => resolveLoss({ name: "poisson", x: 1 }, "fit: loss"), TypeError, "fit: loss: expected no options, got 'x'"],
    [() => resolveLoss(1, "fit: loss"), TypeError, /^fit: loss: expected one of .* got 1$/],
  ]);
});

describe("metrics", () => {
  test("are those of the contract; of errors the lower is better", () => {
    expect(resolveMetrics([...metricNames, "auc"], "metrics")).toEqual([
      "accuracy", "precision", "recall", "f1", "auc", "meanAbsoluteError", "meanSquaredError", "rootMeanSquaredError", "r2",
    ]);
    expect(metricNames.filter((name) => !higherIsBetter(name))).toEqual(["meanAbsoluteError", "meanSquaredError", "rootMeanSquaredError"]);
    expect(resolveMetrics([], "metrics")).toEqual([]);
  });

  testRefusals([
    [() => resolveMetrics("accuracy", "fit: metrics"), TypeError, "fit: metrics: expected an array of names of metrics, got 'accuracy'"],
    [() => resolveMetrics(["auc", "acuracy"], "fit: metrics"), RangeError, /^fit: metrics\[1\]: .* got 'acuracy'. Did you mean 'accuracy'\?$/],
    [() => resolveMetrics([, "auc"], "fit: metrics"), TypeError, /^fit: metrics\[0\]: .* got undefined$/],
  ]);
});

describe("optimizers", () => {
  test("are those of the contract, by name and by call, with its defaults", () => {
    const defaults = {
      sgd: { learningRate: 0.01, momentum: 0, nesterov: false },
      rmsprop: { learningRate: 0.001, decay: 0.99, epsilon: 1e-8, momentum: 0 },
      adagrad: { learningRate: 0.01, epsilon: 1e-10 },
      adam: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
      adamw: { learningRate: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
      nadam: { learningRate: 0.002, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentumDecay: 0.004 },
      lion: { learningRate: 1e-4, beta1: 0.9, beta2: 0.99, weightDecay: 0 },
    };
    expect(optimizerNames).toEqual(Object.keys(defaults));
    for (const name of optimizerNames) {
      const spec = optimizerModule[name]();
      expect(spec).toEqual({ name, ...defaults[name] });
      expect(Object.isFrozen(spec)).toBe(true);
      expect(resolveOptimizer(name, "optimizer")).toEqual(spec);
      expect(resolveOptimizer(JSON.parse(JSON.stringify(spec)), "optimizer")).toEqual(spec);
    }
  });

  test("keep the slots that their rules need", () => {
    const specs = [sgd(), sgd({ momentum: 0.9 }), rmsprop(), rmsprop({ momentum: 0.5 }), optimizerModule.adagrad(), adam(), adamw(), nadam(), lion()];
    expect(specs.map(slotNames)).toEqual([[], ["velocity"], ["squares"], ["squares", "velocity"], ["squares"], ["m", "v"], ["m", "v"], ["m", "v"], ["m"]]);
  });

  test("take a schedule for the learning rate, checked anew", () => {
    const learningRate = cosineDecay({ initial: 0.1, steps: 100 });
    expect(adam({ learningRate }).learningRate).toEqual(learningRate);
    expect(resolveOptimizer({ name: "lion", learningRate: { ...learningRate } }, "o")).toEqual(lion({ learningRate }));
  });

  testRefusals([
    [() => sgd({ nesterov: true }), RangeError, "sgd: momentum: expected a momentum above 0 where nesterov is true, got 0. Give momentum, such as 0.9"],
    [() => sgd({ momentum: 1 }), RangeError, "sgd: momentum: expected a finite number from 0 and below 1, got 1"],
    [() => adam({ learningRate: 0 }), RangeError, "adam: learningRate: expected a finite number above 0, got 0"],
    [() => adam({ learningRate: -0.1 }), RangeError, "adam: learningRate: expected a finite number above 0, got -0.1"],
    [() => adam({ learningRate: untyped("fast") }), TypeError,
      "adam: learningRate: expected a number above 0 or a schedule (stepDecay, exponentialDecay, cosineDecay, oneCycle, reduceOnPlateau), got 'fast'"],
    [() => adam(untyped({ learningrate: 1 })), TypeError, /^adam: expected no options but .* got 'learningrate'. Did you mean 'learningRate'\?$/],
    [() => adam({ beta1: 1 }), RangeError, "adam: beta1: expected a finite number from 0 and below 1, got 1"],
    [() => adam({ beta2: 0.99999999999 }), RangeError, /^adam: beta2: .*\(in f32 too\)/],
    [() => adam({ epsilon: -1e-8 }), RangeError, "adam: epsilon: expected a finite number from 0 up, got -1e-8"],
    [() => adamw({ weightDecay: -1 }), RangeError, "adamw: weightDecay: expected a finite number from 0 up, got -1"],
    [() => nadam({ momentumDecay: 1 }), RangeError, "nadam: momentumDecay: expected a finite number from 0 and below 1, got 1"],
    [() => rmsprop({ decay: -0.1 }), RangeError, "rmsprop: decay: expected a finite number from 0 and below 1, got -0.1"],
    [() => resolveOptimizer("adm", "fit: optimizer"), RangeError, /^fit: optimizer: .* got 'adm'. Did you mean 'adam'\?$/],
    [() => resolveOptimizer({ name: "adam", learningRate: { name: "stepDecay", initial: 1 } }, "fit: optimizer"), TypeError,
      "fit: optimizer.learningRate.every: expected an integer from 1 to 9007199254740991, got undefined"],
    [() => resolveOptimizer(adam, "fit: optimizer"), TypeError, /got a function. Call it: adam\(\)$/],
  ]);
});

describe("schedules", () => {
  const rates = (schedule: number | Schedule, steps: number[], plateauScale = 1) => steps.map((t) => scheduledRate(schedule, t, plateauScale, Math));

  function expectClose(actual: number[], expected: number[]): void {
    expect(actual.length).toBe(expected.length);
    actual.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(1e-14 * Math.abs(expected[i])));
  }

  test("have the contract's defaults", () => {
    expect(stepDecay({ initial: 0.1, every: 5 })).toEqual({ name: "stepDecay", initial: 0.1, factor: 0.1, every: 5, warmupSteps: 0 });
    expect(exponentialDecay({ initial: 0.1, rate: 0.9 })).toEqual({ name: "exponentialDecay", initial: 0.1, rate: 0.9, every: 1, warmupSteps: 0 });
    expect(cosineDecay({ initial: 0.1, steps: 9 })).toEqual({ name: "cosineDecay", initial: 0.1, steps: 9, final: 0, warmupSteps: 0 });
    expect(oneCycle({ max: 0.1, steps: 9 })).toEqual({ name: "oneCycle", max: 0.1, steps: 9, warmupShare: 0.3, divide: 25, finalDivide: 1e4 });
    expect(reduceOnPlateau({ initial: 0.1 })).toEqual({
      name: "reduceOnPlateau", initial: 0.1, factor: 0.1, patience: 10, minDelta: 0, minimum: 0, warmupSteps: 0,
    });
    expect(resolveLearningRate(0.5, "x")).toBe(0.5);
    for (const schedule of [stepDecay({ initial: 1, every: 2 }), oneCycle({ max: 1, steps: 3 }), reduceOnPlateau({ initial: 1 })]) {
      expect(Object.isFrozen(schedule)).toBe(true);
      expect(resolveLearningRate({ ...schedule }, "x")).toEqual(schedule);
    }
  });

  test("follow their formulas", () => {
    expect(rates(0.3, [0, 7])).toEqual([0.3, 0.3]);
    expectClose(rates(stepDecay({ initial: 0.5, factor: 0.5, every: 10 }), [0, 9, 10, 19, 20, 35]), [0.5, 0.5, 0.25, 0.25, 0.125, 0.0625]);
    expectClose(rates(exponentialDecay({ initial: 0.5, rate: 0.81, every: 2 }), [0, 1, 2, 4]), [0.5, 0.45, 0.405, 0.32805]);
    expectClose(rates(cosineDecay({ initial: 1, steps: 6, final: 0.2 }), [0, 2, 3, 4, 6, 60]), [1, 0.8, 0.6, 0.4, 0.2, 0.2]);
    expectClose(rates(reduceOnPlateau({ initial: 0.5, minimum: 0.01 }), [0, 5], 0.1), [0.05, 0.05]);
    expectClose(rates(reduceOnPlateau({ initial: 0.5, minimum: 0.01 }), [0], 0.001), [0.01]);
  });

  test("a factor or rate of 0 ends at 0, without a NaN", () => {
    expect(rates(stepDecay({ initial: 0.5, factor: 0, every: 2 }), [0, 1, 2, 9])).toEqual([0.5, 0.5, 0, 0]);
    expect(rates(exponentialDecay({ initial: 0.5, rate: 0 }), [0, 1])).toEqual([0.5, 0]);
  });

  test("warm up by (t + 1)/warmupSteps", () => {
    for (const schedule of [
      stepDecay({ initial: 1, every: 100, warmupSteps: 4 }),
      reduceOnPlateau({ initial: 1, warmupSteps: 4 }),
    ]) {
      expect(rates(schedule, [0, 1, 2, 3, 4, 5])).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
    }
    const bare = cosineDecay({ initial: 1, steps: 10 });
    const warmed = cosineDecay({ initial: 1, steps: 10, warmupSteps: 5 });
    expectClose(rates(warmed, [0, 2, 4, 7]), rates(bare, [0, 2, 4, 7]).map((rate, i) => rate * [0.2, 0.6, 1, 1][i]));
    const decay = exponentialDecay({ initial: 1, rate: 0.5, warmupSteps: 2 });
    expectClose(rates(decay, [0, 1, 2]), [0.5, 0.5, 0.25]);
  });

  test("one cycle turns where PyTorch's OneCycleLR does", () => {
    // torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10, pct_start=0.3): the peak at step 2, the end at step 9.
    const schedule = oneCycle({ max: 1, steps: 10 });
    const down = (progress: number) => 4e-6 + ((1 - 4e-6) * (1 + Math.cos(Math.PI * progress))) / 2;
    expectClose(rates(schedule, [0, 1, 2, 3, 6, 9, 10, 1000]), [0.04, 0.52, 1, down(1 / 7), down(4 / 7), 4e-6, 4e-6, 4e-6]);
  });

  test("one cycle is between its ends and finite, whatever its shape", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(60), (steps, warmupShare, t) => {
        const rate = scheduledRate(oneCycle({ max: 2, steps, warmupShare }), t, 1, Math);
        expect(rate).toBeGreaterThanOrEqual(2 / 25 / 1e4);
        expect(rate).toBeLessThanOrEqual(2);
      }),
    );
  });

  testRefusals([
    [() => stepDecay(untyped({ initial: 0.1 })), TypeError, "stepDecay: every: expected an integer from 1 to 9007199254740991, got undefined"],
    [() => stepDecay({ initial: 0, every: 1 }), RangeError, "stepDecay: initial: expected a finite number above 0, got 0"],
    [() => stepDecay({ initial: 1, every: 1, factor: 1 }), RangeError, "stepDecay: factor: expected a finite number from 0 and below 1, got 1"],
    [() => exponentialDecay({ initial: 1, rate: 1.1 }), RangeError, "exponentialDecay: rate: expected a finite number from 0 and below 1, got 1.1"],
    [() => cosineDecay({ initial: 1, steps: 0 }), RangeError, "cosineDecay: steps: expected an integer from 1 to 9007199254740991, got 0"],
    [() => cosineDecay({ initial: 1, steps: 5, warmupSteps: -1 }), RangeError, /^cosineDecay: warmupSteps: .* got -1$/],
    [() => oneCycle(untyped({ max: 1, steps: 5, warmupSteps: 1 })), TypeError,
      "oneCycle: expected no options but 'max', 'steps', 'warmupShare', 'divide', 'finalDivide', got 'warmupSteps'"],
    [() => oneCycle({ max: 1, steps: 5, warmupShare: 1.5 }), RangeError, "oneCycle: warmupShare: expected a finite number from 0 to 1, got 1.5"],
    [() => reduceOnPlateau({ initial: 0.1, minimum: 0.2 }), RangeError, "reduceOnPlateau: minimum: expected a finite number from 0 to 0.1, got 0.2"],
    [() => resolveLearningRate({ name: "linear" }, "adam: learningRate"), RangeError, /^adam: learningRate\.name: .* got 'linear'$/],
    [() => resolveLearningRate([0.1], "adam: learningRate"), TypeError, /got an array of 1$/],
  ]);
});

describe("the options of fit", () => {
  test("have the contract's defaults; what depends on the network stays undefined", () => {
    const expected = {
      epochs: 1, batchSize: 32, optimizer: undefined, loss: undefined, shuffle: true, validationSplit: 0, validationData: undefined, metrics: undefined,
      earlyStopping: undefined, classWeights: undefined, sampleWeights: undefined, gradientClip: undefined, averageWeights: undefined, threads: "auto",
      monitor: false, resume: false, onEpoch: undefined, onBatch: undefined, signal: undefined,
    };
    expect(checkFitOptions(undefined)).toEqual(expected);
    expect(checkFitOptions({})).toEqual(expected);
    expect(checkFitOptions(Object.fromEntries(fitOptionNames.map((name) => [name, undefined])))).toEqual(expected);
    expect(Object.keys(checkFitOptions({}))).toEqual(fitOptionNames);
  });

  test("are taken in all their forms", () => {
    const { signal } = new AbortController();
    const onEpoch = () => false as const;
    const sampleWeights = new Float32Array([1, 2]);
    const checked = checkFitOptions({
      epochs: 3, batchSize: 7, optimizer: "sgd", loss: huber(), shuffle: false, validationSplit: 0.5, metrics: ["r2"], earlyStopping: { patience: 0 },
      classWeights: [1, 0], sampleWeights, gradientClip: { norm: 1 }, averageWeights: { decay: 0.99 }, threads: 256, monitor: true, resume: true,
      onEpoch, signal,
    });
    expect(checked).toMatchObject({
      epochs: 3, batchSize: 7, optimizer: sgd(), loss: huber(), shuffle: false, validationSplit: 0.5, metrics: ["r2"],
      earlyStopping: { patience: 0, minDelta: 0, monitor: "loss", restoreBest: true }, classWeights: [1, 0], gradientClip: { norm: 1 },
      averageWeights: { decay: 0.99 }, threads: 256, monitor: true, resume: true,
    });
    expect([checked.onEpoch, checked.signal, checked.sampleWeights]).toEqual([onEpoch, signal, sampleWeights]);
    expect(checkFitOptions({ gradientClip: { value: 0.5 }, classWeights: "balanced", validationData: [[1], [2]] })).toMatchObject({
      gradientClip: { value: 0.5 }, classWeights: "balanced", validationData: [[1], [2]],
    });
  });

  const fit = (options: unknown) => () => checkFitOptions(options);
  testRefusals([
    [fit(5), TypeError, "fit: expected an object of options, got 5"],
    [fit({ epoch: 5 }), TypeError, /^fit: expected no options but 'epochs', .*, got 'epoch'. Did you mean 'epochs'\?$/],
    [fit({ batchsize: 5 }), TypeError, /got 'batchsize'. Did you mean 'batchSize'\?$/],
    [fit(JSON.parse('{"__proto__": {"epochs": 5}}')), TypeError, /got '__proto__'$/],
    [fit({ epochs: 0 }), RangeError, "fit: epochs: expected an integer from 1 to 2147483647, got 0"],
    [fit({ epochs: "5" }), TypeError, "fit: epochs: expected an integer from 1 to 2147483647, got '5'"],
    [fit({ epochs: null }), TypeError, "fit: epochs: expected an integer from 1 to 2147483647, got null"],
    [fit({ batchSize: 1.5 }), RangeError, "fit: batchSize: expected an integer from 1 to 2147483647, got 1.5"],
    [fit({ optimizer: "adma" }), RangeError, /^fit: optimizer: .* got 'adma'. Did you mean 'adam'\?$/],
    [fit({ loss: "mse" }), RangeError, /^fit: loss: .* got 'mse'$/],
    [fit({ shuffle: 1 }), TypeError, "fit: shuffle: expected true or false, got 1"],
    [fit({ validationSplit: 1 }), RangeError, "fit: validationSplit: expected a finite number from 0 and below 1, got 1"],
    [fit({ validationSplit: -0.1 }), RangeError, "fit: validationSplit: expected a finite number from 0 and below 1, got -0.1"],
    [fit({ validationSplit: 0.1, validationData: [[1], [1]] }), RangeError,
      "fit: expected validationSplit or validationData, got both. Leave one of them out"],
    [fit({ validationData: { inputs: [] } }), TypeError, "fit: validationData: expected [inputs, targets], got an object"],
    [fit({ validationData: [[1]] }), RangeError, "fit: validationData: expected [inputs, targets], got an array of 1"],
    [fit({ metrics: ["acc"] }), RangeError, /^fit: metrics\[0\]: .* got 'acc'/],
    [fit({ earlyStopping: {} }), TypeError, "fit: earlyStopping.patience: expected an integer from 0 to 2147483647, got undefined"],
    [fit({ earlyStopping: 5 }), TypeError, "fit: earlyStopping: expected an object of options, got 5"],
    [fit({ earlyStopping: { patience: -1 } }), RangeError, "fit: earlyStopping.patience: expected an integer from 0 to 2147483647, got -1"],
    [fit({ earlyStopping: { patience: 1, minDelta: -1 } }), RangeError, "fit: earlyStopping.minDelta: expected a finite number from 0 up, got -1"],
    [fit({ earlyStopping: { patience: 1, monitor: "los" } }), RangeError, /^fit: earlyStopping\.monitor: .* got 'los'. Did you mean 'loss'\?$/],
    [fit({ earlyStopping: { patience: 1, restorebest: true } }), TypeError, /got 'restorebest'. Did you mean 'restoreBest'\?$/],
    [fit({ classWeights: "balance" }), RangeError, "fit: classWeights: expected 'balanced' or an array with a weight for each class, got 'balance'"],
    [fit({ classWeights: { 0: 1 } }), TypeError, "fit: classWeights: expected an array of numbers, got an object"],
    [fit({ classWeights: [1, -1] }), RangeError, "fit: classWeights[1]: expected a finite number from 0 up, got -1"],
    [fit({ sampleWeights: [1, NaN] }), RangeError, "fit: sampleWeights[1]: expected a finite number, got NaN"],
    [fit({ sampleWeights: "balanced" }), TypeError, "fit: sampleWeights: expected an array of numbers, got 'balanced'"],
    [fit({ gradientClip: {} }), RangeError, "fit: gradientClip: expected either norm or value, got neither"],
    [fit({ gradientClip: { norm: 1, value: 1 } }), RangeError, "fit: gradientClip: expected either norm or value, got both"],
    [fit({ gradientClip: { norm: 0 } }), RangeError, "fit: gradientClip.norm: expected a finite number above 0, got 0"],
    [fit({ gradientClip: 1 }), TypeError, "fit: gradientClip: expected an object of options, got 1"],
    [fit({ averageWeights: { decay: 1 } }), RangeError, "fit: averageWeights.decay: expected a finite number from 0 and below 1, got 1"],
    [fit({ averageWeights: {} }), TypeError, "fit: averageWeights.decay: expected a finite number from 0 and below 1, got undefined"],
    [fit({ threads: 0 }), RangeError, "fit: threads: expected 'auto' or an integer from 1 to 256, got 0"],
    [fit({ threads: "all" }), RangeError, "fit: threads: expected 'auto' or an integer from 1 to 256, got 'all'"],
    [fit({ threads: true }), TypeError, "fit: threads: expected 'auto' or an integer from 1 to 256, got true"],
    [fit({ monitor: "loss" }), TypeError, "fit: monitor: expected true or false, got 'loss'"],
    [fit({ resume: 1 }), TypeError, "fit: resume: expected true or false, got 1"],
    [fit({ onEpoch: "log" }), TypeError, "fit: onEpoch: expected a function, got 'log'"],
    [fit({ onBatch: {} }), TypeError, "fit: onBatch: expected a function, got an object"],
    [fit({ signal: new AbortController() }), TypeError, /^fit: signal: expected an AbortSignal, got an? \w+. Give the signal of an AbortController$/],
    [() => checkFitOptions({ epochs: 0 }, "compareActivations"), RangeError, /^compareActivations: epochs: /],
  ]);
});
