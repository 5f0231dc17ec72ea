// Threads in headless Chromium: where the page is cross-origin isolated a fit shares its work with web workers and learns the bytes
// of one thread; where it is not, it runs on one thread and says why.

import { chromium } from "playwright-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { browserArguments, browserPath } from "../../scripts/browser.mjs";
import type * as Library from "../../src/index.js";
import { serve } from "./serve.js";

let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: browserPath(), args: browserArguments });
});

afterAll(async () => {
  await browser?.close();
});

interface Told {
  readonly threads: { readonly available: number; readonly reason?: string };
  readonly fits: readonly { readonly bytes: string; readonly shared: boolean; readonly members: number }[];
  readonly made: number;
  readonly failure: string;
  readonly afterwards: string;
}

/** Runs in the page. */
async function experiment(): Promise<Told> {
  const { configure, dense, Network } = (await import(/* @vite-ignore */ "/dist/index.js" as string)) as typeof Library;
  const inputs = Float32Array.from({ length: 200 * 20 }, (_, i) => Math.fround(((i * 7919) % 2001) / 1000 - 1));
  const classes = Array.from({ length: 200 }, (_, i) => i % 5);
  let started = 0;
  const whole = globalThis.Worker;
  globalThis.Worker = class extends whole {
    constructor(...parameters: ConstructorParameters<typeof Worker>) {
      super(...parameters);
      started++;
    }
  };
  let threads: Told["threads"] = { available: 0 };
  const fit = async (count: number | "auto", epochs = 20): Promise<Told["fits"][number]> => {
    const network = await Network.create({ inputs: 20, layers: [dense(67, "tanh"), dense(33, "relu"), dense(5, "softmax")], seed: 1 });
    ({ threads } = network);
    await network.fit(inputs, classes, { epochs, batchSize: 16, threads: count });
    const digest = await crypto.subtle.digest("SHA-256", network.save() as Uint8Array<ArrayBuffer>);
    return { bytes: Array.from(new Uint8Array(digest)).join(" "), shared: !(network.layers[0].weights.buffer instanceof ArrayBuffer), members: started };
  };
  const fits = [await fit(1), await fit(2), await fit(4), await fit("auto")];
  let made = 0;
  configure({
    worker: () => {
      made++;
      return new Worker("/dist/worker.js", { type: "module" });
    },
  });
  fits.push(await fit(3));
  configure({ worker: () => new Worker("/dist/absent.js") });
  const failure = await fit(2).then(() => "none", (error: Error) => error.message);
  configure({});
  const afterwards = (await fit(2)).bytes;
  return { threads, fits, made, failure, afterwards };
}

async function inPage(isolated: boolean, look: (page: Page) => Promise<void>): Promise<void> {
  const server = await serve({ isolated });
  const page = await browser.newPage();
  try {
    await page.goto(`${server.url}/test/browser/page.html`);
    expect(await page.evaluate("crossOriginIsolated")).toBe(isolated);
    await look(page);
  } finally {
    await page.close();
    await server.close();
  }
}

/** The function's source alone reaches the page: what a transformer adds to it must be known there. */
const source = `(() => { const __vite_ssr_dynamic_import__ = (url) => import(url); return (${experiment.toString()})(); })()`;

test("an isolated page trains by web workers, from text or by a factory, to the bytes of one thread", async () => {
  await inPage(true, async (page) => {
    const { threads, fits, made, failure, afterwards } = (await page.evaluate(source)) as Told;
    expect(threads.available).toBe(await page.evaluate("navigator.hardwareConcurrency"));
    expect(new Set(fits.map(({ bytes }) => bytes)).size).toBe(1);
    expect(fits.map(({ shared }) => shared)).toEqual([false, true, true, false, true]);
    expect(fits.slice(0, 3).map(({ members }) => members)).toEqual([0, 1, 3]);
    expect(made).toBe(2);
    expect(failure).toMatch(/^fit: a worker failed \(/);
    expect(afterwards).toBe(fits[0].bytes);
  });
}, 60_000);

test("a page that is not isolated trains on one thread, whatever number is asked for, and says why", async () => {
  await inPage(false, async (page) => {
    const { threads, fits, made, failure } = (await page.evaluate(source)) as Told;
    expect(threads.available).toBe(1);
    expect(threads.reason).toMatch(/not cross-origin isolated/);
    expect(new Set(fits.map(({ bytes }) => bytes)).size).toBe(1);
    expect(fits.every(({ shared, members }) => !shared && members === 0)).toBe(true);
    expect(made).toBe(0);
    expect(failure).toBe("none");
  });
}, 60_000);
