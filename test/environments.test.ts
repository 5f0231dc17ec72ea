// The short form of `npm run environments`: the packed package, installed with scripts disabled into empty projects, trains iris to the
// golden bytes in Node, by import and require, compiled by TypeScript, bundled by esbuild, and in pages, under a content security policy too.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { golden, pack, runIn, short } from "../scripts/environments.mjs";

let folder: string;
let tarball: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rosenblatt-environments-"));
  tarball = await pack(folder);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

test.each(short)("%s", async (name) => {
  expect(await runIn(name, tarball, true)).toBe(await golden());
}, 120_000);
