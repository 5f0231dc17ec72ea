// Trainings that do not end at once: Ctrl-C, checkpoints, kill -9, and going on in the bytes of the uninterrupted training.

import { execFile, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EpochList, readRun } from "../src/tabular/run.js";
import type { EpochFigures } from "../src/tabular/run.js";
import { Entry } from "../src/tabular/preparation.js";
import { parseJSON } from "../src/files/json.js";
import { Tabular } from "../src/tabular/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = join(root, "dist", "cli.js");
const data = (name: string): string => join(root, "examples", "data", `${name}.csv`);
const digits = [data("digits"), "--target", "digit", "--epochs", "120", "--patience", "120", "--seed", "5"];

interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), "rosenblatt-resume-"))));
afterAll(() => rm(folder, { recursive: true }));

/** Runs the command; `until` is asked now and then whether the signals are to be sent. */
function run(parameters: string[], until?: (stderr: string) => boolean, signals: NodeJS.Signals[] = ["SIGINT"]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...parameters], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    const timer = until && setInterval(() => {
      if (!until(stderr)) return;
      clearInterval(timer);
      for (const signal of signals) child.kill(signal);
    }, 5);
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearInterval(timer);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

const read = (name: string): Buffer => readFileSync(join(folder, name));
const started = (stderr: string): boolean => /^epoch /m.test(stderr);
const lastLine = ({ stderr }: Outcome): string => stderr.trimEnd().split("\n").at(-1)!;

describe("a training that Ctrl-C ends", () => {
  let whole: Buffer;
  beforeAll(async () => {
    expect((await run(["train", ...digits, "--out", "whole.safetensors", "--quiet"])).code).toBe(0);
    whole = read("whole.safetensors");
  }, 60_000);

  it("saves what there is to --out, says how to go on, and goes on to the bytes of the uninterrupted training", async () => {
    const outcome = await run(["train", ...digits, "--out", "part.safetensors"], started);
    expect(outcome).toMatchObject({ code: 130, stdout: "" });
    const line = lastLine(outcome);
    expect(line).toMatch(/^train: interrupted after \d+ epochs?, saved in part\.safetensors\. Go on with: rosenblatt train \S+digits\.csv --out part\.safetensors --resume part\.safetensors$/);
    expect((await readdir(folder)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    const next = line.replace(/^.*Go on with: rosenblatt /, "").split(" ");
    const { code, stdout } = await run([...next, "--json", "--quiet"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).epochs).toBe(120);
    expect(read("part.safetensors").equals(whole)).toBe(true);
  }, 60_000);

  it("goes on alike with dropout, and a report that begins at the first epoch", async () => {
    const parameters = [...digits, "--dropout", "0.2", "--hidden", "20"];
    expect((await run(["train", ...parameters, "--out", "dropped.safetensors", "--quiet"])).code).toBe(0);
    expect((await run(["train", ...parameters, "--out", "dropping.safetensors"], started)).code).toBe(130);
    expect((await run(["train", data("digits"), "--resume", "dropping.safetensors", "--out", "dropping.safetensors", "--report", "dropping.html"])).code).toBe(0);
    expect(read("dropping.safetensors").equals(read("dropped.safetensors"))).toBe(true);
    expect(read("dropping.html").toString()).toContain('<th scope="row">1</th>');
    expect(read("dropping.html").toString()).toContain("--hidden 20 --epochs 120 --dropout 0.2 --patience 120 --seed 5");
  }, 60_000);

  it("saves to the checkpoint where there is one, and can be interrupted again and again", async () => {
    const files = ["--out", "again.safetensors", "--checkpoint", "check.safetensors", "--every", "1000"];
    let outcome = await run(["train", ...digits, ...files], started, ["SIGTERM"]);
    expect(outcome.code).toBe(143);
    let times = 1;
    for (; outcome.code !== 0 && times < 20; times++) {
      const before = read("check.safetensors");
      expect(existsSync(join(folder, "again.safetensors"))).toBe(false);
      outcome = await run(["train", data("digits"), "--resume", "check.safetensors", ...files], times < 3 ? started : undefined);
      if (outcome.code !== 0) expect(read("check.safetensors").equals(before)).toBe(false);
    }
    expect(times).toBeGreaterThan(2);
    expect(read("again.safetensors").equals(whole)).toBe(true);
  }, 60_000);

  it("ends at once the second time", async () => {
    const { code, stdout } = await run(["train", ...digits, "--epochs", "2000", "--patience", "2000", "--out", "second.safetensors"], started, ["SIGINT", "SIGINT"]);
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
  }, 60_000);

  it("leaves nothing where it had not begun", async () => {
    const child = spawn(process.execPath, [command, "train", "-", "--target", "x", "--out", "none.safetensors"], { cwd: folder, stdio: ["pipe", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.stdin.write("x,y\n1,2\n");
    const ended = new Promise((resolve) => child.on("close", resolve));
    await new Promise((resolve) => setTimeout(resolve, 1500));
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(stderr).toBe("train: interrupted\n");
    expect(existsSync(join(folder, "none.safetensors"))).toBe(false);
  }, 60_000);

  it("leaves a model that predicts, evaluates and is inspected, and that saves and loads as the same bytes", async () => {
    await run(["train", ...digits, "--epochs", "2000", "--patience", "2000", "--out", "usable.safetensors"], started);
    const { code, stdout } = await run(["evaluate", "usable.safetensors", data("digits"), "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).metrics.accuracy).toBeGreaterThan(0.5);
    expect((await run(["inspect", "usable.safetensors"])).stdout).toMatch(/\nan unfinished training: \d+ of 2000 epochs\. Go on with: rosenblatt train DATA --resume usable\.safetensors\n/);
    const bytes = read("usable.safetensors");
    expect(Buffer.from((await Tabular.load(bytes)).save()).equals(bytes)).toBe(true);
  }, 60_000);
});

describe("a training that is killed", () => {
  it("goes on from its last checkpoint, whenever it was killed, to the bytes of the uninterrupted one", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [join(root, "scripts", "kills.mjs"), "10"]);
    expect(stdout).toMatch(/^10 kills, \d+ of them during a save; [1-9]\d* trainings finished, all in the bytes [0-9a-f]{16}… of the uninterrupted one\n$/);
  }, 180_000);
});

describe("--resume", () => {
  beforeAll(async () => {
    await run(["train", ...digits, "--epochs", "2000", "--patience", "2000", "--dropout", "0", "--out", "open.safetensors"], started);
    await run(["train", data("iris"), "--target", "species", "--epochs", "2", "--out", "done.safetensors"]);
    await copyFile(data("digits"), join(folder, "other.csv"));
    await writeFile(join(folder, "other.csv"), `${readFileSync(data("digits"), "utf8").trimEnd().split("\n").slice(0, -1).join("\n")}\n`);
  }, 60_000);

  const other = "Leave it out, or leave --resume out to start anew";
  it.each<[string, string[], number, string]>([
    ["other epochs", [data("digits"), "--epochs", "5"], 2, `--epochs: expected 2000, as in open.safetensors, got 5. ${other}`],
    ["other layers", [data("digits"), "--hidden", "5"], 2, `--hidden: expected 64,32, as in open.safetensors, got 5. ${other}`],
    ["no layers", [data("digits"), "--hidden", "none"], 2, `--hidden: expected 64,32, as in open.safetensors, got none. ${other}`],
    ["another activation", [data("digits"), "--activation", "tanh"], 2, `--activation: expected 'relu', as in open.safetensors, got 'tanh'. ${other}`],
    ["another rate", [data("digits"), "--learning-rate", "0.5"], 2, `--learning-rate: expected none, as in open.safetensors, got 0.5. ${other}`],
    ["another seed", [data("digits"), "--seed", "6"], 2, `--seed: expected 5, as in open.safetensors, got 6. ${other}`],
    ["another test part", [data("digits"), "--test", "0.3"], 2, `--test: expected 0.2, as in open.safetensors, got 0.3. ${other}`],
    ["another target", [data("digits"), "--target", "p01"], 2, `--target: expected 'digit', as in open.safetensors, got 'p01'. ${other}`],
    ["other data", [data("iris")], 1, "iris.csv: expected the rows that the training in open.safetensors began with, got others. Give the same file, or leave --resume out"],
    ["a row less", ["other.csv"], 1, "other.csv: expected the rows that the training in open.safetensors began with, got others. Give the same file, or leave --resume out"],
  ])("refuses %s", async (_, parameters, code, message) => {
    const outcome = await run(["train", ...parameters, "--resume", "open.safetensors", "--out", "never.safetensors"]);
    expect({ code: outcome.code, stdout: outcome.stdout, stderr: outcome.stderr }).toEqual({ code, stdout: "", stderr: `train: ${message}\n` });
    expect(existsSync(join(folder, "never.safetensors"))).toBe(false);
  }, 30_000);

  it.each<[string, string, number, string]>([
    ["a finished model", "done.safetensors", 1, "train: done.safetensors: expected a checkpoint of 'rosenblatt train', got a model whose training has ended"],
    ["no file", "no-such", 1, "train: 'no-such': expected a file that can be read, got no such file"],
    ["a table", "other.csv", 1, "train: load 'other.csv': "],
  ])("refuses %s", async (_, file, code, message) => {
    const outcome = await run(["train", data("digits"), "--resume", file]);
    expect(outcome.code).toBe(code);
    expect(outcome.stderr.startsWith(message)).toBe(true);
    expect(outcome.stderr.trimEnd().split("\n")).toHaveLength(1);
  });

  it("is needed, or --checkpoint, for --every", async () => {
    const { code, stderr } = await run(["train", data("iris"), "--target", "species", "--every", "5"]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "train: --every: expected --checkpoint FILE beside it, got none. Say where the checkpoints go\n" });
  });
});

describe("the epochs that a checkpoint keeps", () => {
  const figures = (epoch: number): EpochFigures => [epoch, 1 / epoch, null, null, null];

  it("are evenly spaced, at most 500 and the last", () => {
    const list = new EpochList();
    for (let epoch = 1; epoch <= 12345; epoch++) {
      list.add(figures(epoch));
      expect(list.all.length).toBeLessThanOrEqual(501);
      expect(list.all.at(-1)![0]).toBe(epoch);
    }
    const spacings = new Set(list.all.slice(1, -1).map(([epoch], i) => epoch - list.all[i][0]));
    expect([...spacings]).toEqual([32]);
    expect(list.all.length).toBeGreaterThan(250);
  });

  it("are refused where they are none that were written", () => {
    const sound = { data: "0".repeat(64), options: { task: null, hidden: [4], activation: "relu", optimizer: "adam", learningRate: null, epochs: 5, batchSize: 32, dropout: 0, l2: null, test: 0.2, validation: 0.1, patience: 20, seed: 1 }, history: [[1, 0.5, null, null, null]] };
    const entry = (value: object): Entry => new Entry(parseJSON(JSON.stringify(value), { subject: "t", invalidCode: "x", maxDepth: 4, loneSurrogates: true }), "run.");
    expect(readRun(entry(sound))).toEqual(sound);
    const wrong: [object, RegExp][] = [
      [{ ...sound, data: "00" }, /run\.data: expected 64 hexadecimal digits/],
      [{ ...sound, more: 1 }, /run\.'more': expected no such key/],
      [{ data: sound.data, options: sound.options }, /run\.history: expected a value, got none/],
      [{ ...sound, history: [[1, null, null, null, null]] }, /run\.history\[0\]: expected five numbers/],
      [{ ...sound, history: [[1, 2, 3, 4]] }, /run\.history\[0\]: expected five numbers/],
      [{ ...sound, history: Array(502).fill([1, 1, 1, 1, 1]) }, /run\.history: expected at most 501 epochs/],
      [{ ...sound, options: { ...sound.options, activation: "rleu" } }, /run\.options\.activation/],
      [{ ...sound, options: { ...sound.options, task: "both" } }, /run\.options\.task/],
      [{ ...sound, options: { ...sound.options, hidden: ["4"] } }, /run\.options\.hidden\[0\]/],
      [{ ...sound, options: { ...sound.options, seed: "1" } }, /run\.options\.seed/],
      [{ ...sound, options: [] }, /run\.options: expected an object/],
    ];
    for (const [value, message] of wrong) expect(() => readRun(entry(value))).toThrow(message);
  });
});
