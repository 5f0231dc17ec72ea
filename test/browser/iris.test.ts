// The built ES module, imported by a plain page in headless Chromium, learns the very bytes that it learns in Node.

import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { browserArguments, browserPath } from "../../scripts/browser.mjs";
import { runAll } from "./experiments.js";
import type { Outcome } from "./experiments.js";
import { serve } from "./serve.js";

const library = new URL("../../dist/index.js", import.meta.url).href;
const iris = new URL("../../examples/data/iris.csv", import.meta.url);

let browser: Browser;
let inNode: Outcome[];

/** Whatever a user would see as an error in the console. */
function watch(page: Page): string[] {
  const errors: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") errors.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => errors.push(`uncaught: ${error.message}`));
  page.on("requestfailed", (request) => errors.push(`failed: ${request.url()}`));
  return errors;
}

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: browserPath(), args: browserArguments });
  inNode = await runAll(await import(/* @vite-ignore */ library), await readFile(iris, "utf8"));
});

afterAll(async () => {
  await browser?.close();
});

test("in Node each network learns iris, and each ends elsewhere", () => {
  expect(inNode.length).toBeGreaterThanOrEqual(4);
  for (const { name, losses, accuracy } of inNode) {
    expect(losses.at(-1), name).toBeLessThan(losses[0] / 2);
    expect(accuracy, name).toBeGreaterThan(0.9);
  }
  expect(new Set(inNode.map(({ parameters }) => parameters)).size).toBe(inNode.length);
  expect(new Set(inNode.map(({ predictions }) => predictions)).size).toBe(inNode.length);
});

test("a page that imports rosenblatt/relaxed runs it: Chromium has relaxed SIMD; a network that does not ask for it learns the bytes of Node", async () => {
  const server = await serve();
  const page = await browser.newPage();
  try {
    const errors = watch(page);
    await page.goto(`${server.url}/test/browser/relaxed.html`);
    await page.waitForFunction("globalThis.results !== undefined", undefined, { timeout: 20_000 });
    const { simd, losses, outcomes } = await page.evaluate("globalThis.results") as { simd: string[]; losses: number[]; outcomes: Outcome[] };
    expect(errors).toEqual([]);
    expect(simd).toEqual(["deterministic", "relaxed"]);
    expect(losses[1]).toBeCloseTo(losses[0], 3);
    expect(outcomes).toEqual(inNode);
  } finally {
    await page.close();
    await server.close();
  }
});

describe.each([[false, "a plain page"], [true, "a cross-origin isolated page"]])("isolated: %s", (isolated, kind) => {
  test(`${kind} learns the same bytes as Node, without an error in the console`, async () => {
    const server = await serve({ isolated });
    const page = await browser.newPage();
    try {
      const errors = watch(page);
      const failed = new Promise((resolve) => page.once("pageerror", resolve));
      await page.goto(`${server.url}/test/browser/page.html`);
      const finished = page.waitForFunction("globalThis.results !== undefined", undefined, { timeout: 20_000 });
      await Promise.race([finished.catch((error: Error) => errors.push(error.message)), failed]);
      expect(errors).toEqual([]);
      expect(await page.evaluate("crossOriginIsolated")).toBe(isolated);
      expect(await page.evaluate("globalThis.results")).toEqual(inNode);
    } finally {
      await page.close();
      await server.close();
    }
  });
});
