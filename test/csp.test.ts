// Pages under a content security policy, in headless Chromium: training works where workers made from text are refused, by a
// worker of the page's own origin or by one thread with the reason in network.threads; where WebAssembly is refused, one clear error.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { chromium } from "playwright-core";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browserArguments, browserPath } from "../scripts/browser.mjs";

const main = `
  import { Network, dense } from "/dist/index.js";
  try {
    const network = await Network.create({ inputs: 16, layers: [dense(64, "tanh"), dense(4, "softmax")], seed: 5 });
    const inputs = Float32Array.from({ length: 16 * 64 }, (_, i) => ((i * 7919) % 201) / 100 - 1);
    await network.fit(inputs, Array.from({ length: 64 }, (_, i) => i % 4), { epochs: 3, batchSize: 16, threads: 2 });
    globalThis.result = { weights: Array.from(network.layers.flatMap(({ weights, biases }) => [...weights, ...biases])), threads: network.threads };
  } catch (error) {
    globalThis.result = { error: String(error) };
  }`;

interface Result {
  readonly weights?: number[];
  readonly threads?: { available: number; reason?: string };
  readonly error?: string;
}

let browser: Browser;
let server: Server;
let policy: string;
/** Scripts of dist that were fetched. */
let fetched: string[];

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: browserPath(), args: browserArguments });
  server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const headers = { "Content-Security-Policy": policy, "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
    const send = (type: string, content: string | Uint8Array) => response.writeHead(200, { ...headers, "Content-Type": type }).end(content);
    if (pathname === "/") send("text/html", '<!doctype html><html lang="en"><title>policy</title><script type="module" src="/main.js"></script>');
    else if (pathname === "/main.js") send("text/javascript", main);
    else {
      fetched.push(pathname);
      readFile(new URL(`..${pathname}`, import.meta.url)).then((content) => send("text/javascript", content), () => response.writeHead(404).end());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  await browser?.close();
  await new Promise((resolve) => server.close(resolve));
});

async function visit(given: string): Promise<Result> {
  policy = given;
  fetched = [];
  const page = await browser.newPage();
  try {
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    expect(await page.evaluate("crossOriginIsolated")).toBe(true);
    // waitForFunction evaluates text in the page, which the policy forbids
    for (const until = Date.now() + 25_000; Date.now() < until; await page.waitForTimeout(50)) {
      const result = await page.evaluate("globalThis.result");
      if (result !== undefined) return result as Result;
    }
    throw new Error("the page did not finish");
  } finally {
    await page.close();
  }
}

const STRICT = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

test("without blob: the worker is a file of the page's origin; without any worker there is one thread and the reason; the bytes are the same", async () => {
  const free = await visit("");
  expect(free.error).toBeUndefined();
  expect(fetched).not.toContain("/dist/worker.js");
  const own = await visit(STRICT);
  expect(own.error).toBeUndefined();
  expect(own.weights).toEqual(free.weights);
  expect(own.threads).toEqual(free.threads);
  expect(fetched).toContain("/dist/worker.js");
  const none = await visit(`${STRICT}; worker-src 'none'`);
  expect(none.error).toBeUndefined();
  expect(none.weights).toEqual(free.weights);
  expect(none.threads).toEqual({ available: 1, reason: expect.stringMatching(/^no worker can be started \(.+\)$/) });
}, 90_000);

test("without 'wasm-unsafe-eval' there is one clear error", async () => {
  const { error } = await visit("default-src 'self'; script-src 'self'");
  expect(error).toMatch(/^Error: rosenblatt: the WebAssembly core could not be compiled \(.+\)\. A host with WebAssembly SIMD is needed, and under a content security policy 'wasm-unsafe-eval' in script-src$/);
}, 60_000);
