// The built ES module, served plainly, learns in Chromium and in Firefox the very bytes that it learns in Node: on the main thread of
// a page and in a worker, with and without cross-origin isolation.

import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchers } from "../../scripts/tabs.mjs";
import type { Browser, Tab } from "../../scripts/tabs.mjs";
import { runAll } from "./experiments.js";
import type { Outcome } from "./experiments.js";
import { serve } from "./serve.js";

const library = new URL("../../dist/index.js", import.meta.url).href;
const iris = new URL("../../examples/data/iris.csv", import.meta.url);

let inNode: Outcome[];

beforeAll(async () => {
  inNode = await runAll(await import(/* @vite-ignore */ library), await readFile(iris, "utf8"), 1);
});

test("in Node each network learns, each ends elsewhere, and two threads end where one does", async () => {
  expect(inNode.length).toBeGreaterThanOrEqual(6);
  for (const { name, losses, accuracy } of inNode) {
    expect(losses.at(-1), name).toBeLessThan(losses[0] / 2);
    expect(accuracy, name).toBeGreaterThan(0.9);
  }
  expect(new Set(inNode.map(({ parameters }) => parameters)).size).toBe(inNode.length);
  expect(new Set(inNode.map(({ predictions }) => predictions)).size).toBe(inNode.length);
  expect(await runAll(await import(/* @vite-ignore */ library), await readFile(iris, "utf8"))).toEqual(inNode);
});

describe.each(Object.entries(launchers))("%s", (name, launch) => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
  });

  async function inPage(path: string, isolated: boolean, look: (tab: Tab) => Promise<void>): Promise<void> {
    const server = await serve({ isolated });
    const tab = await browser.open(`${server.url}/test/browser/${path}`);
    try {
      await look(tab);
      expect(tab.problems).toEqual([]);
    } finally {
      await tab.close();
      await server.close();
    }
  }

  test.each([[false, "a plain page"], [true, "a cross-origin isolated page"]])("isolated %s: %s and a worker of it learn the bytes of Node", { timeout: 60_000, retry: name === "Firefox" ? 3 : 0 }, async (isolated) => {
    await inPage("page.html", isolated, async (tab) => {
      expect(await tab.evaluate("actions.place()")).toMatchObject({ isolated, page: true });
      expect(await tab.evaluate("actions.bytes()")).toEqual(inNode);
      expect(await tab.evaluate('actions.inWorker("place")')).toMatchObject({ isolated, page: false });
      // (Firefox: see threads.test.ts)
      expect(await tab.evaluate('actions.inWorker("bytes")')).toEqual(inNode);
    });
  });

  test(`a page that imports rosenblatt/relaxed runs it, which ${name} has; a network that does not ask for it learns the bytes of Node`, async () => {
    await inPage("relaxed.html", false, async (tab) => {
      const { simd, losses, outcomes } = await tab.evaluate("globalThis.results") as { simd: string[]; losses: number[]; outcomes: Outcome[] };
      expect(simd).toEqual(["deterministic", "relaxed"]);
      expect(losses[1]).toBeCloseTo(losses[0], 3);
      expect(outcomes).toEqual(inNode);
    });
  }, 60_000);
});
