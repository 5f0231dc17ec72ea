// The playground in Chromium: it learns, every control does what its label says, nothing is logged as an error, axe finds nothing serious, what
// is copied runs in Node, and no URL can put it into a state that its controls could not.

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import type { Browser, BrowserContext, Download, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { defaults, formatState, hiddenActivations, initializers, norms, optimizers, outputActivations, parseState, schedules } from "../examples/playground/state.js";
import { servePlayground } from "../examples/playground/serve.mjs";
import { texts } from "../examples/playground/texts.js";
import { browserArguments, browserPath } from "../scripts/browser.mjs";
import { Network } from "../src/index.js";
import { fromONNX } from "../src/onnx/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let playground: Awaited<ReturnType<typeof servePlayground>>;
let browser: Browser;
let context: BrowserContext;
let page: Page;
let problems: string[];

beforeAll(async () => {
  playground = await servePlayground(0);
  browser = await chromium.launch({ executablePath: browserPath(), args: browserArguments });
});

afterAll(async () => {
  await browser?.close();
  playground?.server.close();
});

beforeEach(async () => {
  context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-US", permissions: ["clipboard-read", "clipboard-write"], bypassCSP: true });
  page = await context.newPage();
  problems = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(String(error)));
});

afterEach(async () => {
  await context.close();
  expect(problems).toEqual([]);
});

/** Opens the page and waits for its first figures. */
async function open(hash = ""): Promise<void> {
  await page.goto(`${playground.url}${hash}`);
  await figureOf("trainingLoss");
}

const text = (key: string): Promise<string> => page.locator(`[data-figure-of="${key}"] dd`).first().innerText();

async function figureOf(key: string): Promise<number> {
  await page.waitForFunction((name) => /\d/.test(document.querySelector(`[data-figure-of="${name}"] dd`)?.textContent ?? ""), key);
  const value = await text(key);
  return parseFloat(value) * (value.includes("k") ? 1e3 : value.includes("M") ? 1e6 : 1);
}

const button = (name: string) => page.getByRole("button", { name, exact: true });
const control = (name: string) => page.getByLabel(name, { exact: true });

/** Trains until the condition holds, and stops; the training time in ms. */
async function trainUntil(condition: () => Promise<boolean>): Promise<number> {
  await button("Start").click();
  while (!(await condition())) await page.waitForTimeout(50);
  await button("Pause").click();
  await page.waitForSelector('#figures[data-running="false"]');
  return Number(await page.locator("#figures").getAttribute("data-training-ms"));
}

test("the page is under 150 kB without data, and is painted within a second", async () => {
  expect(playground.size).toBeLessThan(150_000);
  await open();
  const paints: number[] = [];
  for (let i = 0; i < 5; i++) {
    await open();
    paints.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
  }
  expect(Math.min(...paints)).toBeLessThan(1000);
}, 60_000);

test("the spiral is learned within 10 s of training", async () => {
  await open();
  expect(await figureOf("testAccuracy")).toBeLessThan(80);
  expect(await trainUntil(async () => (await figureOf("testAccuracy")) >= 95)).toBeLessThan(10_000);
  expect(await page.locator("#figures").innerText()).toMatch(/Training loss\s+0\.\d{4}\s+Test loss\s+0\.\d{4}/);
}, 60_000);

test.each([["xor", 90], ["circles", 90], ["moons", 90], ["blobs", 85], ["wave", 0.7], ["hills", 0.7], ["digits", 90]])("%s is learned", async (data, least) => {
  await open(`#data=${data}&noise=0.05`);
  const key = "testAccuracy";
  const reached = await trainUntil(async () => (await figureOf(key)) >= least);
  expect(reached).toBeLessThan(20_000);
}, 60_000);

test("one step is one step, Start goes on from it, Reset is the network's start again", async () => {
  await open();
  const start = await text("trainingLoss");
  for (let step = 1; step <= 3; step++) {
    await button("One step").click();
    await expect.poll(() => text("steps")).toBe(String(step));
  }
  expect(await text("epochs")).toBe("0");
  expect(await text("trainingLoss")).not.toBe(start);
  // 350 samples in batches of 32 are 11 steps an epoch: an interrupted epoch is finished, not begun anew
  await trainUntil(async () => (await figureOf("epochs")) >= 5);
  await button("Reset").click();
  await expect.poll(() => text("steps")).toBe("0");
  expect(await text("trainingLoss")).toBe(start);
}, 60_000);

describe("every control", () => {
  test("numbers, lists, layers and speeds are found by their labels, and the URL holds what they say", async () => {
    await open();
    const fill = async (label: string, value: string): Promise<void> => {
      await control(label).fill(value);
      await control(label).press("Enter");
    };
    for (const name of Object.keys(texts.en).filter((key) => key.startsWith("data.")) as (keyof typeof texts.en)[]) {
      if (name !== "data.table") await control("Data set").selectOption({ label: texts.en[name] });
      await figureOf("trainingLoss");
    }
    await control("Data set").selectOption("blobs");
    for (const [label, value] of [["Classes", "4"], ["Samples", "300"], ["Noise", "0.2"], ["Training share (%)", "60"], ["Data seed", "7"], ["Dropout", "0.1"], ["Weights seed", "5"],
      ["Learning rate", "0.02"], ["Batch size", "16"], ["L1 penalty", "0.0001"], ["L2 penalty", "0.001"]]) await fill(label, value);
    await control("Standardise inputs").uncheck();
    for (const name of initializers) await control("Initialiser").selectOption(name);
    for (const name of norms) await control("Normalisation").selectOption(name);
    for (const name of optimizers) await control("Optimizer").selectOption(name);
    for (const name of schedules) await control("Schedule").selectOption(name);
    await control("Schedule").selectOption("cosineDecay");
    await fill("Schedule steps", "500");
    await button("Add layer").click();
    await button("One unit more in layer 3").click();
    await button("One unit fewer in layer 1").click();
    await fill("Units of layer 2", "6");
    for (const name of hiddenActivations) await control("Activation of layer 1").selectOption(name);
    await button("Remove layer 2").click();
    await control("Test samples").check();
    await control("Theme").selectOption("Dark");
    const { state, theme } = parseState(new URL(page.url()).hash);
    expect(state).toEqual({
      ...defaults, data: "blobs", classes: 4, samples: 300, noise: 0.2, split: 60, dataSeed: 7, dropout: 0.1, seed: 5, rate: 0.02, batch: 16, l1: 0.0001, l2: 0.001, scale: false,
      init: "ones", norm: "layerNorm", optimizer: "lion", schedule: "cosineDecay", steps: 500, layers: [{ units: 9, activation: "exponential" }, { units: 9, activation: "tanh" }],
    });
    expect(theme).toBe("dark");
    await page.reload();
    await figureOf("trainingLoss");
    expect(await control("Units of layer 1").inputValue()).toBe("9");
    expect(await page.locator("#error").isVisible()).toBe(false);
  }, 90_000);

  test("with every activation and optimizer it trains", async () => {
    for (const [i, activation] of hiddenActivations.entries()) {
      await open(`#layers=6-${activation}.4-${activation}&optimizer=${optimizers[i % optimizers.length]}&rate=0.003&schedule=${schedules[i % schedules.length]}&norm=${norms[i % 3]}&lang=en&compare=`);
      await page.reload();
      await trainUntil(async () => (await figureOf("epochs")) >= 20);
      expect(await page.locator("#error").isVisible(), activation).toBe(false);
    }
  }, 120_000);

  test("a neuron shows the sum of its products, and its activation", async () => {
    await open("#layers=4-tanh");
    await button("Layer 1, neuron 2").click();
    const cells = page.locator("#neuron tbody tr");
    await expect.poll(() => cells.count()).toBe(5);
    const values = (await cells.locator("td:last-child").allInnerTexts()).map(Number);
    expect(values[0] + values[1] + values[2]).toBeCloseTo(values[3], 2);
    expect(Math.tanh(values[3])).toBeCloseTo(values[4], 2);
    const before = values[3];
    await control("Training sample").fill("9");
    await control("Training sample").press("Enter");
    await expect.poll(async () => Number(await cells.nth(3).locator("td:last-child").innerText())).not.toBe(before);
    await button("Close").click();
    expect(await page.locator("#neuron").isVisible()).toBe(false);
  });

  test("what is dead is marked, diagnosed, and mended by the advice", async () => {
    await open("#init=zeros&layers=8-relu");
    await expect.poll(() => page.locator("#findings .found").count(), { timeout: 10_000 }).toBeGreaterThan(0);
    await page.locator("#findings button").first().click();
    const { state } = parseState(new URL(page.url()).hash);
    expect(state).not.toEqual({ ...defaults, init: "zeros", layers: [{ units: 8, activation: "relu" }] });
    await button("Layer 1, neuron 1").click();
    expect(await page.locator("#neuron .state").innerText()).toMatch(/Dead|Alive|Saturated/);
  });

  test("PReLU's slopes are shown and learned", async () => {
    await open("#layers=4-prelu");
    const slopes = page.locator("#slopes");
    await expect.poll(() => slopes.innerText()).toContain("0.250");
    await trainUntil(async () => (await figureOf("epochs")) >= 20);
    await expect.poll(() => slopes.innerText()).not.toContain("0.250 0.250");
  });

  test("a second network trains on the same data with another activation", async () => {
    await open();
    await control("Second network's activation").selectOption("relu");
    await expect.poll(() => page.locator(".surface").count()).toBe(2);
    await trainUntil(async () => (await text("epochs")).split("\n").every((count) => parseFloat(count.slice(2)) > 5));
    await control("Graph shows").selectOption("Network B");
    await expect.poll(() => page.locator("#graph .column-head").first().innerText()).toContain("relu");
    expect((await text("trainingLoss")).split("\n")).toHaveLength(2);
    await control("Second network's activation").selectOption("No second network");
    await expect.poll(() => page.locator(".surface").count()).toBe(1);
  }, 60_000);

  test("models are saved, loaded, and exported", async () => {
    await open("#layers=5-tanh");
    await trainUntil(async () => (await figureOf("epochs")) >= 20);
    const loss = await text("testLoss");
    const bytesOf = async (name: string): Promise<Buffer> => {
      const [download] = await Promise.all([page.waitForEvent("download"), button(name).click()]) as [Download, unknown];
      return readFile(await download.path());
    };
    const model = await bytesOf("Save model");
    const network = await Network.load(model);
    const prediction = network.predict([0.3, -0.4])[0];
    expect((await fromONNX(await bytesOf("Export ONNX"))).predict([0.3, -0.4])[0]).toBeCloseTo(prediction, 5);
    const source = (await bytesOf("Export module")).toString("utf8");
    const { predict } = await import(/* @vite-ignore */ `data:text/javascript,${encodeURIComponent(source)}`);
    expect(predict([0.3, -0.4])[0]).toBeCloseTo(prediction, 5);
    await button("Reset").click();
    await expect.poll(() => text("testLoss")).not.toBe(loss);
    await page.locator("#model-file").setInputFiles({ name: "network.safetensors", mimeType: "application/octet-stream", buffer: model });
    await expect.poll(() => text("testLoss")).toBe(loss);
    await page.locator("#model-file").setInputFiles({ name: "bad.safetensors", mimeType: "application/octet-stream", buffer: Buffer.from("no model") });
    await expect.poll(() => page.locator("#error").innerText()).toMatch(/^Error: /);
  }, 60_000);

  test("a digit is drawn by mouse and by keyboard, and recognised", async () => {
    await open("#data=digits");
    await trainUntil(async () => (await figureOf("testAccuracy")) >= 90);
    const box = (await page.locator("#digit").boundingBox())!;
    await page.mouse.move(box.x + 82, box.y + 10);
    await page.mouse.down();
    await page.mouse.move(box.x + 80, box.y + 150, { steps: 12 });
    await page.mouse.up();
    const shares = page.locator("#probabilities b");
    await expect.poll(async () => (await shares.allInnerTexts()).reduce((sum, value) => sum + (parseFloat(value) || 0), 0)).toBeGreaterThan(98);
    await button("Clear drawing").click();
    await expect.poll(() => shares.first().innerText()).toBe("–");
    await page.locator("#digit").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Space");
    await expect.poll(() => shares.first().innerText()).toMatch(/%/);
  }, 60_000);

  test("a CSV of one's own is learned and goes nowhere", async () => {
    const sent: string[] = [];
    page.on("request", (request) => request.method() !== "GET" && sent.push(request.url()));
    await page.goto(`${playground.url}#data=table`);
    await control("CSV file").setInputFiles(join(root, "examples/data/iris.csv"));
    await figureOf("trainingLoss");
    expect(await control("Target column").inputValue()).toBe("species");
    await trainUntil(async () => (await figureOf("testAccuracy")) >= 90);
    expect(await page.locator(".matrix").innerText()).toContain("setosa");
    await control("Target column").selectOption({ index: 0 });
    await expect.poll(() => page.locator("#figures").innerText()).toContain("Test R²");
    await control("CSV file").setInputFiles({ name: "bad.csv", mimeType: "text/csv", buffer: Buffer.from("a,b\n1,2\n3\n") });
    await expect.poll(() => page.locator("#error").innerText()).toContain("expected 2 fields, got 1");
    expect(sent).toEqual([]);
  }, 60_000);
});

test("the copied code runs in Node and ends where the page stands", async () => {
  const folder = await mkdtemp(join(root, "build", "pasted-"));
  try {
    for (const hash of ["#layers=6-tanh", "#data=blobs&classes=4&norm=batchNorm&dropout=0.1&optimizer=momentum&schedule=cosineDecay", "#data=wave&l2=0.0001&init=orthogonal&layers=8-prelu"]) {
      await page.goto("about:blank");
      await open(hash);
      await trainUntil(async () => (await figureOf("epochs")) >= 10);
      const epochs = await page.locator("#figures").getAttribute("data-epochs");
      const loss = await text("testLoss");
      await button("Copy code").click();
      const code = await page.evaluate(() => navigator.clipboard.readText());
      expect(code).toContain(`epochs: ${epochs}`);
      const file = join(folder, "pasted.mjs");
      await writeFile(file, code.replaceAll('"rosenblatt"', JSON.stringify(new URL("../dist/index.js", import.meta.url).href)));
      const { stdout, stderr, status } = spawnSync(process.execPath, [file], { encoding: "utf8" });
      expect(stderr).toBe("");
      expect(status).toBe(0);
      expect(Number(/loss: ([\d.e-]+)/.exec(stdout)![1]).toFixed(4), hash).toBe(loss);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}, 90_000);

test("a hostile URL shows the page as it is without", async () => {
  await open("#data=%3Cscript%3E&layers=8-%22onload=alert(1)&rate=1e999&noise=NaN&lang=xx");
  expect(await control("Data set").inputValue()).toBe("spiral");
  expect(await control("Units of layer 1").inputValue()).toBe("10");
});

describe.each(["en", "zh"] as const)("in %s", (language) => {
  test.each(["light", "dark"])("axe finds nothing serious in the %s theme", async (theme) => {
    await open(`#lang=${language}&theme=${theme}&compare=prelu&layers=12-relu.4-prelu&init=zeros`);
    expect(await page.locator("html").getAttribute("data-theme")).toBe(theme);
    await page.locator('[data-neuron="0.0"]').click();
    await page.locator("#neuron tbody tr").first().waitFor();
    await page.evaluate(axe);
    const violations = await page.evaluate(async () => {
      const { axe: checker } = window as unknown as { axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> } };
      return (await checker.run()).violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => html.slice(0, 120) + failureSummary).join(" ")}`);
    });
    expect(violations).toEqual([]);
  }, 60_000);

  test("a phone 360 wide shows all of it without scrolling sideways", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    for (const hash of ["compare=relu", "data=digits", "data=blobs&classes=5&layers=16-prelu.16-prelu.8-prelu"]) {
      await page.goto("about:blank");
      await open(`#lang=${language}&${hash}`);
      await page.locator('[data-neuron="0.0"]').click();
      await page.locator("#neuron tbody tr").first().waitFor();
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(360);
    }
  }, 60_000);
});

test("the language is the browser's until one is chosen, and the word for loss stands before its figure", async () => {
  const chinese = await browser.newContext({ locale: "zh-CN" });
  const tab = await chinese.newPage();
  await tab.goto(playground.url);
  await expect.poll(() => tab.locator("#figures").innerText()).toMatch(/训练损失\s+0\.\d+/);
  expect(await tab.getByRole("button", { name: "开始", exact: true }).count()).toBe(1);
  expect(await tab.locator("html").getAttribute("lang")).toBe("zh-CN");
  await chinese.close();
});
