// The list of planted faults (scripts/faults/list.mjs) fits the sources as they are: `npm run faults` takes half an hour, and would find it late.

import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { faults } from "../scripts/faults/list.mjs";

const read = (file: string): string => readFileSync(new URL(`../${file}`, import.meta.url), "utf8");

test.each(faults.map((fault) => [fault.name, fault] as const))("%s: its pattern occurs once, what is put is another, and its tests are there", (_, { file, find, put, tests, only }) => {
  expect(read(file).split(find).length - 1).toBe(1);
  expect(put).not.toBe(find);
  for (const each of tests) expect(existsSync(new URL(`../${each}`, import.meta.url)), each).toBe(true);
  if (only !== undefined) expect(() => new RegExp(only)).not.toThrow();
});

test("there are at least 40 in the core, and no two of one name", () => {
  expect(faults.filter(({ file }) => file.startsWith("assembly/")).length).toBeGreaterThanOrEqual(40);
  expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
});
