// A page, in Chromium and in Firefox, that goes on living while a network trains on its main thread: its frames come, steps that hold
// them up are told of, and a fit is aborted, left behind, handed to a worker and run beside another one.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchers } from "../../scripts/tabs.mjs";
import type { Browser, Tab } from "../../scripts/tabs.mjs";
import type { Animation } from "./actions.js";
import { serve } from "./serve.js";
import type { Server } from "./serve.js";

/** Between two frames, in ms. */
const LARGEST_GAP = 50;
/**
 * A gap that the machine's other work makes comes and goes, one that the library makes comes in every try. Where none of so many is
 * free of them, the page's own work must have had such gaps in every try too; the library's best may be larger than its best by this factor.
 */
const TRIES = 10;
const LARGER = 1.25;

describe.each(Object.entries(launchers))("%s", (name, launch) => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launch();
  });

  afterAll(async () => {
    await browser?.close();
  });

  async function inPage(isolated: boolean, look: (tab: Tab, server: Server) => Promise<void>): Promise<void> {
    const server = await serve({ isolated });
    const tab = await browser.open(`${server.url}/test/browser/page.html`);
    try {
      await look(tab, server);
    } finally {
      await tab.close();
      await server.close();
    }
  }

  /** Until it resolves to true; the test's own limit ends it. */
  async function until(condition: () => Promise<boolean>): Promise<void> {
    while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50));
  }

  describe("frames", () => {
    /** The first try without a large gap, else the one whose largest is the smallest; and how large that may be. */
    async function smoothest(tab: Tab, expression: string): Promise<{ animation: Animation; allowed: number }> {
      const least = (some: Animation[]): Animation => some.reduce((a, b) => (b.largestGap < a.largestGap ? b : a));
      const tries: Animation[] = [];
      const own: Animation[] = [];
      for (;;) {
        tries.push(await tab.evaluate(expression));
        const animation = least(tries);
        if (animation.largestGap <= LARGEST_GAP) return { animation, allowed: LARGEST_GAP };
        own.push(await tab.evaluate("actions.behave(500)"));
        if (tries.length === TRIES) return { animation, allowed: Math.max(LARGEST_GAP, LARGER * least(own).largestGap) };
      }
    }

    test("a gap is seen when something else holds up the page", async () => {
      await inPage(false, async (tab) => {
        for (let i = 0; i < 3; i++) expect((await tab.evaluate("actions.idle(200, 60)")).largestGap).toBeGreaterThan(LARGEST_GAP);
        const { allowed, animation } = await smoothest(tab, "actions.idle(200)");
        expect(animation.largestGap).toBeLessThanOrEqual(allowed);
      });
    }, 60_000);

    test.each([
      ["short steps", false, "actions.train([4, 16, 16], { batchSize: 16, threads: 1 }, 500)"],
      ["steps of about a millisecond", false, "actions.train([784, 128], { batchSize: 64, threads: 1 }, 500)"],
      ["steps of several milliseconds", false, "actions.train([784, 256, 256], { batchSize: 128, threads: 1 }, 500, 1024)"],
      ["much data in rows, a validation part and metrics over all outputs", false,
        'actions.train([50, 32], { batchSize: 64, threads: 1, validationSplit: 0.2, metrics: ["auc", "f1"] }, 500, 20_000, true)'],
      ["two threads, the page's own among them", true, "actions.train([784, 128], { batchSize: 64, threads: 2 }, 500)"],
    ])("come at most 50 ms apart: %s", async (_, isolated, expression) => {
      await inPage(isolated, async (tab) => {
        // compiled, and the worker started
        await tab.evaluate(expression);
        const { allowed, animation: { frames, largestGap, milliseconds, steps } } = await smoothest(tab, expression);
        expect(largestGap).toBeLessThanOrEqual(allowed);
        expect(frames).toBeGreaterThan(milliseconds / allowed);
        expect(steps).toBeGreaterThan(10);
      });
    }, 60_000);

    test("steps that hold them up are told of once a network, with the time and what to do; not in a worker", async () => {
      await inPage(false, async (tab) => {
        const expression = "1024, 128, 16";
        await tab.evaluate(`actions.inWorker("longSteps", ${expression})`);
        expect(tab.problems).toEqual([]);
        await tab.evaluate(`actions.longSteps(${expression})`);
        await until(async () => tab.problems.length > 0);
        expect(tab.problems).toEqual([expect.stringMatching(
          /^warning: rosenblatt: fit: expected steps of at most 16 ms on a page's main thread, got [\d.]+ ms a step\. The page .*: call fit in a Worker, or use a smaller batchSize \(128\)$/,
        )]);
        expect(Number(/got ([\d.]+) ms/.exec(tab.problems[0])?.[1])).toBeGreaterThan(16);
      });
    }, 60_000);
  });

  test.each([[false, 1], [true, 2]])("isolated %s, threads %i: a fit is aborted, goes on, and ends with the network's disposal", async (isolated, threads) => {
    await inPage(isolated, async (tab) => {
      const { during, aborted, predictions, again, after } = await tab.evaluate(`actions.abort(${threads})`);
      expect(during).toMatch(/fit/);
      expect(aborted).toBe("enough of it");
      expect(predictions).toBe(400 * 5);
      expect(again).toBe(2);
      expect(after).toMatch(/dispose/);
      expect(tab.problems).toEqual([]);
    });
  }, 60_000);

  test.each([[false, 1], [true, 2]])("isolated %s, threads %i: two networks train at once to the bytes of one alone; one network does not", async (isolated, threads) => {
    await inPage(isolated, async (tab) => {
      const { alone, both, refused } = await tab.evaluate(`actions.together(${threads})`);
      expect(both).toEqual([alone, alone]);
      expect(refused).toMatch(/fit/);
      expect(tab.problems).toEqual([]);
    });
  }, 60_000);

  test("a fit that is interrupted goes to a worker as a file, is finished there, and comes back as the bytes of the whole one", async () => {
    await inPage(false, async (tab) => {
      const { whole, handed, epochs, emptied, reason } = await tab.evaluate("actions.handOver()");
      expect(reason).toBe("handed over");
      expect(emptied).toBe(true);
      expect(epochs).toBe(4);
      expect(handed).toBe(whole);
      expect(tab.problems).toEqual([]);
    });
  }, 60_000);

  test.each([[false, 1], [true, 2]])("isolated %s, threads %i: a page that is left or loaded again while it trains leaves nothing behind", async (isolated, threads) => {
    await inPage(isolated, async (tab, { url }) => {
      const { bytes } = await tab.evaluate("actions.share(1)");
      for (const next of ["?again", "?once-more"]) {
        await tab.evaluate(`actions.begin(${threads})`);
        await until(async () => (await tab.evaluate("actions.progress()")).epochs > 3);
        await tab.goto(`${url}/test/browser/page.html${next}`);
        expect(await tab.evaluate("actions.progress()")).toMatchObject({ epochs: 0 });
        expect((await tab.evaluate(`actions.share(${threads})`)).bytes).toBe(bytes);
      }
      expect(tab.problems).toEqual([]);
    });
  }, 60_000);

  test(`a page behind another tab${name === "Firefox" ? ", which gets no frames," : ""} goes on training`, async () => {
    await inPage(false, async (tab, { url }) => {
      await tab.evaluate("actions.begin(1)");
      const other = await browser.open(`${url}/test/browser/page.html`);
      try {
        await other.show();
        // headless Chromium says of every tab that it is seen
        if (name === "Firefox") await until(async () => (await tab.evaluate("actions.progress()")).visibility === "hidden");
        const { epochs } = await tab.evaluate("actions.progress()");
        await until(async () => (await tab.evaluate("actions.progress()")).epochs > epochs + 1000);
      } finally {
        await other.close();
      }
      await tab.show();
      expect(await tab.evaluate("actions.stop()")).toBe("stopped");
      expect(tab.problems).toEqual([]);
    });
  }, 60_000);
});
