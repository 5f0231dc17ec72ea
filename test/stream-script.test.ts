// scripts/stream.mjs in its short form: a CSV through the parser into fit, under the limit of memory. The long form has 5 million rows.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("../scripts/stream.mjs", import.meta.url));

test("100,000 rows of a CSV train in bounded memory, at a rate that the parser limits", () => {
  const result = JSON.parse(execFileSync(process.execPath, [script, "--rows", "100000", "--json"], { encoding: "utf8", env: { ...process.env, NODE_OPTIONS: "" } })) as Record<string, number>;
  expect(result.rows).toBe(100_000);
  expect(result.residentBytes).toBeLessThan(result.residentLimit);
  expect(result.residentLimit).toBe(400 * 2 ** 20);
  expect(result.accuracy).toBeGreaterThan(0.9);
  expect(result.trainingWithoutParserRowsPerSecond).toBeGreaterThan(result.trainingRowsPerSecond);
}, 120_000);
