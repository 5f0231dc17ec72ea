// The short form of `npm run reproduce`: the eight networks give the hashes of test/golden-reproduce in this Node, on several threads, in the debug build
// and in Chromium; and the run that has a hash is right: every one of its steps lies within a bound of the f64 oracle, as do the losses of its epochs.
//
// The bound, 5e-6 of the largest number of a tensor and of a loss: a step rounds a parameter once (6e-8) and moves it by a gradient that is off by some
// 1e-6 of its size; the largest distance of these runs is 2.4e-6.

import { fileURLToPath } from "node:url";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fault, golden, inPage, inProcess, serve } from "../scripts/reproduce.mjs";
import { launchers } from "../scripts/tabs.mjs";
import * as library from "../src/index.js";
import { Follower } from "./oracle/training.js";
import { names, networks, train } from "./reproduce/networks.mjs";

const BOUND = 5e-6;
const builds = fileURLToPath(new URL("../build", import.meta.url));

describe("is right as well as the same", () => {
  test.each(names)("%s", async (name) => {
    let follower: Follower | undefined;
    const { network, history, digest } = await train(library, name, {
      threads: 1,
      create: async (options) => {
        const created = await library.Network.create(options);
        follower = new Follower(networks[name], created);
        return created;
      },
      onBatch: (report, running) => follower!.step(report, running),
      onEpoch: (report) => follower!.epoch(report),
    });
    expect(digest).toBe((await golden())[name]);
    expect(history.epochs.length).toBe(50);
    follower!.end(network, networks[name].options.earlyStopping === undefined ? 50 : history.bestEpoch);
    const { steps, entries, undecided, ...distances } = follower!.distance;
    expect(steps).toBeGreaterThanOrEqual(200);
    expect(entries).toBeGreaterThan(50_000);
    expect(undecided).toBeLessThanOrEqual(entries / 10_000);
    for (const [what, distance] of Object.entries(distances)) expect(distance, what).toBeLessThanOrEqual(BOUND);
  });
});

describe("the golden hashes", () => {
  let folder = "";
  let bundle = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "rosenblatt-reproduce-"));
    bundle = join(folder, "index.mjs");
    await build({ entryPoints: [fileURLToPath(new URL("../src/index.ts", import.meta.url))], outfile: bundle, bundle: true, format: "esm", platform: "neutral", logLevel: "silent" });
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test("are those of every network, and all differ", async () => {
    const hashes = await golden();
    expect(Object.keys(hashes)).toEqual([...names]);
    expect(names.length).toBeGreaterThanOrEqual(6);
    expect(new Set(Object.values(hashes)).size).toBe(names.length);
  });

  test.each([
    ["1, 2 and 3 threads", { threads: [1, 2, 3] }],
    ["the shared release build", { core: "release", memory: "shared", threads: [1, 2] }],
    ["the unshared release build", { core: "release", memory: "unshared" }],
    ["the shared debug build", { core: "debug", memory: "shared", threads: [1, 2] }],
    ["the unshared debug build", { core: "debug", memory: "unshared" }],
  ])("come out of %s", async (_, job) => {
    expect(fault(await inProcess(process.execPath, [], bundle, builds, job), await golden())).toBeUndefined();
  }, 60_000);

  test("come out of Chromium, on 1 and 2 threads", async () => {
    const browser = await launchers.Chromium();
    const server = await serve({ "/dist/index.js": bundle });
    try {
      expect(fault(await inPage(browser, server.url, { threads: [1, 2] }), await golden())).toBeUndefined();
    } finally {
      await browser.close();
      await server.close();
    }
  }, 60_000);

  test("are missed by one wrong digit, by two hashes of one network, by a network that did not train, and without shared memory", async () => {
    const hashes = await golden();
    const digests = Object.fromEntries(names.map((name) => [name, [hashes[name]]]));
    const flipped = hashes.tiles.replace(/^./, (digit) => (digit === "0" ? "1" : "0"));
    expect(fault({ digests, shared: true }, hashes)).toBeUndefined();
    expect(fault({ digests: { ...digests, tiles: [flipped] }, shared: true }, hashes)).toMatch(/^tiles: expected/);
    expect(fault({ digests: { ...digests, tiles: [hashes.tiles, flipped] }, shared: true }, hashes)).toMatch(/^tiles: expected/);
    expect(fault({ digests: { ...digests, tiles: [] }, shared: true }, hashes)).toMatch(/got nothing/);
    expect(fault({ digests, shared: false }, hashes)).toBe("no shared memory");
  });
});
