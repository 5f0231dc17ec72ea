// RELIABILITY.md is the table of the figures that are kept in reliability/, and a short run does not take the place of a long one.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { documentOf, duration, rowOf, ROWS } from "../scripts/reliability.mjs";
import { tellsMore } from "../scripts/reproduce.mjs";
import { folder, keptResult, replaces, writeResult } from "../scripts/results.mjs";

test("the document is made of what is kept", () => {
  expect(readFileSync(new URL("../RELIABILITY.md", import.meta.url), "utf8"), "run node scripts/reliability.mjs").toBe(documentOf(keptResult));
  for (const name of readdirSync(folder)) expect(ROWS.map(([row]) => `${row}.json`), name).toContain(name);
});

test("each command of the table is one", () => {
  const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { scripts: Record<string, string> };
  for (const [, , command] of ROWS) {
    const [, name] = /^npm run ([a-z:]+)/.exec(command) ?? [];
    if (name !== undefined) expect(scripts).toHaveProperty([name]);
    else expect(readFileSync(new URL(`../${command.replace("node ", "")}`, import.meta.url), "utf8")).not.toBe("");
  }
});

test("a figure is kept until a run does as much, or of another thing", () => {
  const base = mkdtempSync(join(tmpdir(), "reliability-"));
  const [last, kept] = [join(base, "last/"), join(base, "kept/")];
  const write = (figure: string, size: number, of = "a", passed = true): void => writeResult("row", { figure, passed, size, of }, [last, kept]);
  const figures = (): unknown[] => [last, kept].map((place) => keptResult("row", place)?.figure);
  try {
    expect(keptResult("row", kept)).toBeUndefined();
    write("long", 1000);
    write("short", 25);
    expect(figures()).toEqual(["short", "long"]);
    write("short and failed", 25, "a", false);
    expect(figures()).toEqual(["short and failed", "long"]);
    write("long and failed", 1000, "a", false);
    expect(figures()).toEqual(["long and failed", "long and failed"]);
    write("short, of another binary", 25, "b");
    expect(figures()).toEqual(["short, of another binary", "short, of another binary"]);
    const { date, node, seconds } = keptResult("row", kept)!;
    expect([date, node]).toEqual([new Date().toISOString().slice(0, 10), process.version]);
    expect(seconds).toBeGreaterThanOrEqual(0);
    expect(replaces({ figure: "", passed: true, size: 3 }, undefined)).toBe(true);
  } finally {
    rmSync(base, { recursive: true });
  }
});

test("so is the row of a place where hashes are compared, but for a failure, which stands until the place passes", () => {
  const row = (runs: number, outcome = "same bytes") => ({ place: "load", runs, outcome });
  expect(tellsMore(row(10), undefined)).toBe(true);
  expect(tellsMore(row(10), row(500))).toBe(false);
  expect(tellsMore(row(0, "not run: no such engine"), row(13))).toBe(false);
  expect(tellsMore(row(500), row(500))).toBe(true);
  expect(tellsMore(row(3, "FAILED: tiles"), row(500))).toBe(true);
  expect(tellsMore(row(10), row(500, "FAILED: tiles"))).toBe(true);
});

test("a row tells a failure, a time and what was never run", () => {
  const row = ["a", "what holds", "npm run a"] as const;
  expect(rowOf(row, undefined)).toBe("| what holds | not measured | `npm run a` | |");
  expect(rowOf(row, { figure: "3 | 4", passed: false, date: "2026-01-02", node: "v20.1.0", seconds: 600 })).toBe("| what holds | **FAILED** 3 \\| 4 | `npm run a` | 2026-01-02, Node 20.1.0, 10 min |");
  expect([3, 119, 120, 5400, 7200, 9000].map(duration)).toEqual(["3 s", "119 s", "2 min", "90 min", "2.0 h", "2.5 h"]);
});
