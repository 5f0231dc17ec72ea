// Workers that are killed, throw, exit or hang at random moments: the short form of `npm run kills:workers`.

import { expect, test } from "vitest";
import { measureKills } from "../scripts/worker-kills.mjs";

test("of 40 fits whose workers fail in eight ways at random moments none hangs, none ends in other bytes, and each error has its cause", async () => {
  const { runs, counts, wrong } = await measureKills(40, 5);
  expect(wrong).toEqual([]);
  expect(runs).toBe(40);
  expect(Object.keys(counts).length).toBe(8);
  // a fit that fails is no rare case here: most ways leave no other end
  expect(Object.values(counts).reduce((sum, { rejected }) => sum + rejected, 0)).toBeGreaterThan(20);
}, 120_000);
