// Threads in Chromium and in Firefox: where the page is cross-origin isolated a fit shares its work with web workers and learns the
// bytes of one thread, however those may be started there; where it is not, or none may be started, it runs on one thread and says why.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchers } from "../../scripts/tabs.mjs";
import type { Browser, Tab } from "../../scripts/tabs.mjs";
import type { Shared } from "./actions.js";
import { serve } from "./serve.js";
import type { Server } from "./serve.js";

/** Compilation is allowed, text as a worker is not: worker-src falls back to script-src. */
const POLICY = "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'";

describe.each(Object.entries(launchers))("%s", (name, launch) => {
  // Firefox under a remote protocol may hold a worker for good as it starts another (ARCHITECTURE.md): a new page is tried then
  const nested = { timeout: 30_000, retry: name === "Firefox" ? 3 : 0 };

  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
  });

  async function inPage(options: Parameters<typeof serve>[0], look: (tab: Tab, server: Server) => Promise<void>): Promise<void> {
    const server = await serve(options);
    const tab = await browser.open(`${server.url}/test/browser/page.html`);
    try {
      await look(tab, server);
    } finally {
      await tab.close();
      await server.close();
    }
  }

  const share = (tab: Tab, threads: number | "auto"): Promise<Shared> => tab.evaluate(`actions.share(${JSON.stringify(threads)})`);

  test("an isolated page trains by web workers from text, as many as it asks for, to the bytes of one thread", async () => {
    await inPage({ isolated: true }, async (tab, { asked }) => {
      const { hardware } = await tab.evaluate("actions.place()");
      const fits = [await share(tab, 1), await share(tab, 2), await share(tab, 4), await share(tab, "auto")];
      expect(fits[0].threads).toEqual(hardware > 1 ? { available: hardware } : { available: 1, reason: "this machine has one hardware thread" });
      expect(new Set(fits.map(({ bytes }) => bytes)).size).toBe(1);
      expect(fits.map(({ shared }) => shared)).toEqual([false, true, true, false]);
      expect(fits.map(({ started }) => started)).toEqual([[], ["blob"], ["blob", "blob"], []]);
      expect(asked).not.toContain("/dist/worker.js");
      expect(tab.problems).toEqual([]);
    });
  }, 60_000);

  test("so does a worker of an isolated page, by workers of its own", nested, async () => {
    await inPage({ isolated: true }, async (tab) => {
      const [alone, shared]: Shared[] = [await tab.evaluate('actions.inWorker("share", 1)'), await tab.evaluate('actions.inWorker("share", 3)')];
      expect(shared).toMatchObject({ bytes: alone.bytes, shared: true, started: ["blob", "blob"] });
      expect(tab.problems).toEqual([]);
    });
  });

  test("an isolated page trains by a user's factory, and hears of one that gives nothing useful", async () => {
    await inPage({ isolated: true }, async (tab) => {
      const { bytes } = await share(tab, 1);
      const { made, outcome } = await tab.evaluate('actions.byFactory("/dist/worker.js", 3)');
      expect(made).toBe(2);
      expect(outcome).toMatchObject({ bytes, shared: true, started: ["/dist/worker.js", "/dist/worker.js"] });
      expect((await tab.evaluate('actions.byFactory("/dist/absent.js", 2)')).outcome).toMatch(/^fit: a worker failed \(/);
      expect((await share(tab, 2)).bytes).toBe(bytes);
    });
  }, 60_000);

  test("a page that is not isolated trains on one thread, whatever number is asked for, and says why", async () => {
    await inPage({ isolated: false }, async (tab) => {
      const fits = [await share(tab, 1), await share(tab, 2), await share(tab, "auto"), (await tab.evaluate('actions.byFactory("/dist/worker.js", 2)')).outcome];
      for (const { threads, shared, started } of fits) {
        expect(threads.available).toBe(1);
        expect(threads.reason).toMatch(/not cross-origin isolated/);
        expect(shared).toBe(false);
        expect(started).toEqual([]);
      }
      expect(new Set(fits.map(({ bytes }) => bytes)).size).toBe(1);
      expect((await tab.evaluate('actions.inWorker("share", 2)')).threads.reason).toMatch(/not cross-origin isolated/);
      expect(tab.problems).toEqual([]);
    });
  }, 60_000);

  test("where a policy forbids workers from text, they start from the file beside the library; only the first has to find out", async () => {
    await inPage({ isolated: true, policy: POLICY }, async (tab, { asked }) => {
      const { bytes } = await share(tab, 1);
      expect(tab.problems).toEqual([]);
      const first = await share(tab, 2);
      expect(first).toMatchObject({ bytes, shared: true });
      expect(first.started.at(-1)).toBe("/dist/worker.js");
      expect(first.threads).not.toHaveProperty("reason");
      const more = await share(tab, 4);
      expect(more).toMatchObject({ bytes, shared: true, started: ["/dist/worker.js", "/dist/worker.js"] });
      expect(asked).toContain("/dist/worker.js");
    });
  }, 60_000);

  test("under that policy a user's factory starts them without a word in the console", async () => {
    await inPage({ isolated: true, policy: POLICY }, async (tab) => {
      const { bytes } = await share(tab, 1);
      expect((await tab.evaluate('actions.byFactory("/dist/worker.js", 2)')).outcome).toMatchObject({ bytes, shared: true });
      expect(tab.problems).toEqual([]);
    });
  }, 60_000);

  test("where a policy forbids all workers, the first fit that asks for them goes on with one thread, and the reason is told", async () => {
    await inPage({ isolated: true, policy: `${POLICY}; worker-src 'none'` }, async (tab) => {
      const { bytes } = await share(tab, 1);
      for (const threads of [3, 2, "auto"] as const) {
        const fit = await share(tab, threads);
        expect(fit.bytes).toBe(bytes);
        expect(fit.threads.available).toBe(1);
        expect(fit.threads.reason).toMatch(/^no worker can be started \(/);
      }
    });
  }, 60_000);
});
