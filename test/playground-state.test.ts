// What the playground decides without a browser: the state in a URL, what an advice changes, the pace of drawing, and the port it is served on.

import { spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { afterEach, describe, expect, test, vi } from "vitest";
import { columnsOf } from "../examples/playground/files.js";
import { follow, sayChange } from "../examples/playground/findings.js";
import { lossOf, outputOf } from "../examples/playground/names.js";
import { Pace } from "../examples/playground/pace.js";
import { dataNames, defaults, formatState, hiddenActivations, outputActivations, parseState } from "../examples/playground/state.js";
import { texts } from "../examples/playground/texts.js";
import { constant, dense, Network } from "../src/index.js";
import type { DenseOptions } from "../src/index.js";

describe("the URL", () => {
  test("holds every state, and gives it back", () => {
    for (const state of [
      defaults, { ...defaults, data: "hills" as const, layers: [] }, { ...defaults, compare: "mish" as const, scale: false, rate: 1e-5, l1: 0.125, speed: "10" as const },
      ...outputActivations.map((output) => ({ ...defaults, output })), ...dataNames.map((data, i) => ({ ...defaults, data, noise: i / 20, layers: hiddenActivations.slice(i, i + 3).map((activation, k) => ({ units: k + 1, activation })) })),
    ]) expect(parseState(formatState(state, "zh", "dark"))).toEqual({ state, language: "zh", theme: "dark" });
  });

  test.each([
    "data=constructor", "layers=999999999-relu", "layers=8-<img src=x onerror=alert(1)>", "layers=8-__proto__", "layers=8-softmax", `layers=${"8-relu.".repeat(200)}8-relu`, "rate=NaN", "rate=-1", "rate=1e999", "rate=0x10",
    "batch=1.5", "samples=1e9", "samples=", "noise=Infinity", "compare=toString", "__proto__[x]=1", "optimizer=%00", "lang=fr", "theme=javascript:alert(1)", "%E0%A4%A", "a".repeat(100_000), "output=none", "output=hasOwnProperty",
  ])("takes nothing from %j", (hash) => {
    expect(parseState(`#${hash}`)).toEqual({ state: defaults, language: undefined, theme: undefined });
  });

});

test.each(["en", "zh"] as const)("no text is missing in %s", (language) => {
  expect(Object.keys(texts[language])).toEqual(Object.keys(texts.en));
  for (const [key, value] of Object.entries(texts[language])) expect(value.trim(), key).not.toBe("");
});

test("the output's activation is one that the task can have, with the loss that goes with it", () => {
  expect(outputOf("auto", "binary")).toBe("sigmoid");
  expect(outputOf("softmax", "binary")).toBe("sigmoid");
  expect(outputOf("softmax", "classes")).toBe("softmax");
  expect(outputOf("tanh", "regression")).toBe("tanh");
  expect([lossOf("sigmoid", "binary"), lossOf("sigmoid", "regression"), lossOf("softmax", "classes"), lossOf("relu", "classes")])
    .toEqual(["binaryCrossEntropy", "meanSquaredError", "crossEntropy", "meanSquaredError"]);
});

test("a CSV's columns are offered as its header names them", () => {
  expect(columnsOf('a,b,c\n1,2,3')).toEqual(["a", "b", "c"]);
  expect(columnsOf('\uFEFF"a, b","say ""so""", c \r\n1,2,3')).toEqual(["a, b", 'say "so"', "c"]);
  expect(columnsOf("x;y, z;t\n")).toEqual(["x", "y, z", "t"]);
  expect(columnsOf("x\ty\n")).toEqual(["x", "y"]);
  expect(columnsOf("only\n1")).toEqual(["only"]);
});

test("a page in another language says what the button of an advice changes", () => {
  const state = { ...defaults, layers: [{ units: 8, activation: "tanh" as const }, { units: 6, activation: "tanh" as const }] };
  const relu = state.layers.map((layer) => ({ ...layer, activation: "relu" as const }));
  expect([
    { scale: true }, { init: "auto" as const }, { seed: 7 }, { rate: 0.01 / 3 }, { output: "relu" as const }, { layers: [state.layers[0]] }, { layers: relu }, { layers: [state.layers[0], relu[1]] },
    { layers: [state.layers[0], { units: 2, activation: "tanh" as const }] },
  ].map((change) => sayChange(change, state))).toEqual([
    "Advice: standardise the inputs.", "Advice: initialise by the activation.", "Advice: draw the weights anew, by seed 7.", "Advice: learning rate 0.00333333.", "Advice: relu as the output's activation.",
    "Advice: one hidden layer less.", "Advice: relu in layer 1. Advice: relu in layer 2.", "Advice: relu in layer 2.", "Advice: 2 units in layer 2.",
  ]);
  const figures = (text: string): string[] => (text.match(/\{\d\}/g) ?? []).sort();
  for (const [key, text] of Object.entries(texts.en)) expect(figures(texts.zh[key as keyof typeof texts.zh])).toEqual(figures(text));
});

describe("what takes long", () => {
  afterEach(() => void vi.useRealTimers());

  test("comes less often, and the rest keeps its pace", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const pace = new Pace(0.25, 10);
    expect(pace.due).toBe(true);
    expect(pace.run(() => (vi.advanceTimersByTime(20), "drawn"))).toBe("drawn");
    vi.advanceTimersByTime(59);
    expect(pace.due).toBe(false);
    vi.advanceTimersByTime(1);
    expect(pace.due).toBe(true);
    pace.charge(10);
    pace.charge(-5);
    vi.advanceTimersByTime(29);
    expect(pace.due).toBe(false);
    vi.advanceTimersByTime(1);
    expect(pace.due).toBe(true);
    pace.run(() => undefined);
    vi.advanceTimersByTime(9);
    expect(pace.due).toBe(false);
    pace.hurry();
    expect(pace.due).toBe(true);
  });
});

describe("an advice", () => {
  /** The first finding of a kind in a network made so. */
  async function found(kind: string, layers: ReturnType<typeof dense>[], scale = 1, bias = 0) {
    const network = await Network.create({ inputs: 2, layers, seed: 1 });
    for (const layer of network.layers) layer.biases.fill(bias);
    const inputs = Array.from({ length: 60 }, (_, i) => [Math.sin(i) * scale, Math.cos(i * 1.7) * scale]);
    const finding = network.diagnose(inputs, inputs.map(([x]) => Number(x > 0))).findings.find((some) => some.kind === kind);
    expect(finding, kind).toBeDefined();
    return { ...finding!, hidden: finding!.layer };
  }
  const hidden = (count: number, options: DenseOptions, out: DenseOptions = {}) => [...Array.from({ length: count }, () => dense(8, options)), dense(1, { activation: "sigmoid", ...out })];
  const stateOf = (count: number, activation: (typeof hiddenActivations)[number]) => ({ ...defaults, layers: Array.from({ length: count }, () => ({ units: 8, activation })) });

  test("on dead units takes leakyRelu", async () => {
    const state = stateOf(2, "relu");
    const finding = await found("deadUnits", hidden(2, { activation: "relu" }), 1, -50);
    expect(follow(finding, state)).toEqual({ layers: [{ units: 8, activation: "leakyRelu" }, { units: 8, activation: "relu" }] });
  });

  test("on a dead output takes leakyRelu there", async () => {
    const finding = await found("deadUnits", hidden(1, { activation: "tanh" }, { activation: "relu" }), 1, -50);
    expect(follow(finding, { ...stateOf(1, "tanh"), output: "relu" })).toEqual({ output: "leakyRelu" });
  });

  test("on units that start alike takes the start back", async () => {
    const finding = await found("unusedCapacity", hidden(1, { activation: "tanh", weightInit: "ones" }));
    expect(follow(finding, { ...stateOf(1, "tanh"), init: "ones" })).toEqual({ init: "auto" });
  });

  test("on large weights draws them anew", async () => {
    const finding = await found("saturation", hidden(1, { activation: "tanh", weightInit: constant(90) }));
    expect(follow(finding, stateOf(1, "tanh"))).toEqual({ seed: defaults.seed + 1 });
    expect(follow(finding, { ...stateOf(1, "tanh"), init: "ones" })).toEqual({ init: "auto" });
  });

  test("on a vanishing gradient takes relu", async () => {
    const finding = await found("vanishingGradient", hidden(8, { activation: "sigmoid" }));
    expect(follow(finding, stateOf(8, "sigmoid"))).toEqual({ layers: stateOf(8, "relu").layers });
  });

  test("on large inputs standardises them, where they are not", async () => {
    const finding = await found("unscaledInputs", hidden(1, { activation: "tanh" }), 1000);
    expect(follow(finding, { ...stateOf(1, "tanh"), scale: false })).toEqual({ scale: true });
    expect(follow(finding, stateOf(1, "tanh"))).toBeUndefined();
  });
});

describe("npm run playground", () => {
  const serve = (port: string) => spawnSync(process.execPath, ["examples/playground/serve.mjs"], {
    cwd: fileURLToPath(new URL("..", import.meta.url)), env: { ...process.env, PORT: port }, encoding: "utf8", timeout: 30_000,
  });

  test("says that a port is taken, and how to give another", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as AddressInfo;
    const { status, stdout, stderr } = serve(String(port));
    other.close();
    expect({ status, stdout, stderr: stderr.trim() }).toEqual({ status: 1, stdout: "", stderr: `playground: port ${port} is in use. Give another one: PORT=8090 npm run playground` });
  });

  test.each(["abc", "65536", "-1", "80.5"])("refuses the port %s", (port) => {
    const { status, stderr } = serve(port);
    expect({ status, stderr: stderr.trim() }).toEqual({ status: 2, stderr: `playground: PORT: expected an integer from 0 to 65535, got ${port}` });
  });
});
