// The fuzz loop (scripts/fuzz/loop.mjs) in its short form: so many files, each refused by a ModelFormatError or sound; and the loop's own sense of danger.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

interface Report {
  tried: number; sound: number; refused: number; loaded: number; seeds: number; corpus: number; broken: boolean;
  branches: { taken: number; all: number };
  codes: Record<string, number>;
}

test("60,000 changed model files are refused or sound, by most branches of the reader", { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "fuzz-"));
  const json = join(folder, "report.json");
  try {
    execFileSync(process.execPath, ["scripts/fuzz/loop.mjs", "--files", "60000", "--seed", "1", "--json", json], { stdio: "pipe" });
    const report = JSON.parse(readFileSync(json, "utf8")) as Report;
    expect(report.broken).toBe(false);
    expect(report.tried).toBe(60_000);
    expect(report.sound).toBeGreaterThan(1000);
    expect(report.loaded).toBeGreaterThan(100);
    expect(report.refused).toBeGreaterThan(30_000);
    // guided: what took a new way was kept and changed again
    expect(report.corpus).toBeGreaterThan(report.seeds + 100);
    // the rest writes files or is reached by calls that no file makes
    expect(report.branches.taken / report.branches.all).toBeGreaterThan(0.6);
    expect(Object.keys(report.codes).length).toBeGreaterThanOrEqual(20);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("an option that the loop does not have is an error", () => {
  const { status, stderr } = spawnSync(process.execPath, ["scripts/fuzz/loop.mjs", "--file", "5"], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toMatch(/fuzz: expected --seconds/);
});
