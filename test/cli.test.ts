// The command, run as users run it: results on stdout, all else on stderr, exit codes, one line for an error, no half file.

import { spawn } from "node:child_process";
import { existsSync, openSync, closeSync } from "node:fs";
import { link, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { lossCurve } from "../src/cli/curve.js";
import { Progress } from "../src/cli/terminal.js";
import { dense, ModelFormatError, Network } from "../src/index.js";
import { loadFile, saveFile } from "../src/node.js";
import { readCSV, Tabular } from "../src/tabular/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = join(root, "dist", "cli.js");
const data = (name: string): string => join(root, "examples", "data", `${name}.csv`);

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface RunOptions {
  input?: string;
  /** Called with what stderr has so far; what it returns is sent as a signal, once. */
  signalOn?(stderr: string): NodeJS.Signals | undefined;
  /** Close the reading end of stdout at once. */
  deaf?: boolean;
  /** Files that stdout and stderr are redirected to, or the flags too: "a" goes on at the end. */
  to?: { stdout?: string; stderr?: string; flags?: string };
}

let folder: string;

function run(parameters: string[], { input, signalOn, deaf = false, to = {} }: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const [out, err] = [to.stdout, to.stderr].map((path) => (path === undefined ? "pipe" : openSync(path, to.flags ?? "w")));
    const child = spawn(process.execPath, [command, ...parameters], { cwd: folder, stdio: ["pipe", out, err] });
    for (const file of [out, err]) if (typeof file === "number") closeSync(file);
    const outcome: Outcome = { code: null, stdout: "", stderr: "" };
    let signalled = false;
    child.stdout?.on("data", (chunk) => void (outcome.stdout += chunk));
    if (deaf) child.stdout?.destroy();
    child.stderr?.on("data", (chunk) => {
      outcome.stderr += chunk;
      const signal = signalled ? undefined : signalOn?.(outcome.stderr);
      if (signal === undefined) return;
      signalled = true;
      child.kill(signal);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...outcome, code }));
    child.stdin!.on("error", () => undefined);                        // a command that fails early does not read it
    child.stdin!.end(input ?? "");
  });
}

/** The single line of an error, with nothing on stdout. */
async function failure(parameters: string[], options?: RunOptions): Promise<{ code: number | null; line: string }> {
  const { code, stdout, stderr } = await run(parameters, options);
  expect(stdout).toBe("");
  expect(stderr.endsWith("\n")).toBe(true);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stderr).not.toMatch(/\bat .*:\d+:\d+/);
  return { code, line: stderr.trimEnd() };
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rosenblatt-cli-"));
  const { code, stderr } = await run(["train", data("iris"), "--target", "species", "--out", "iris.safetensors", "--quiet"]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect((await run(["train", data("diabetes"), "--target", "progression", "--out", "diabetes.safetensors", "--quiet"])).code).toBe(0);
});
afterAll(() => rm(folder, { recursive: true }));

describe("compare", () => {
  it("prints a table, and writes a page that stands alone", async () => {
    const { code, stdout, stderr } = await run(["compare", data("iris"), "--target", "species", "--activations", "linear,relu", "--folds", "3", "--epochs", "5", "--report", "compared.html"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^species: classification from 4 columns, 150 rows, hidden layers 16, 16, 3 folds/);
    expect(stdout).toMatch(/^linear +\d/m);
    expect(stdout).toMatch(/^relu .*(best|yes|no), p|best$/m);
    const page = await readFile(join(folder, "compared.html"), "utf8");
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)|NaN|undefined/);
    expect(page.match(/<svg/g)!.length).toBeGreaterThanOrEqual(6);
  });

  it("prints one object with --json, the same for any number of threads", async () => {
    const compared = async (threads: string) => JSON.parse((await run(["compare", data("diabetes"), "--target", "progression", "--activations", "tanh,relu", "--folds", "2", "--epochs", "3", "--threads", threads, "--json"])).stdout) as
      { task: string; seconds: number; activations: { activation: string; seconds: number; metrics: Record<string, unknown> }[] };
    const plain = ({ seconds: _, ...rest }: Awaited<ReturnType<typeof compared>>) => ({ ...rest, activations: rest.activations.map(({ seconds: __, ...row }) => row) });
    const one = plain(await compared("1"));
    expect(one.task).toBe("regression");
    expect(one.activations.map(({ activation, metrics }) => [activation, Object.keys(metrics)])).toEqual([["tanh", ["r2", "rootMeanSquaredError"]], ["relu", ["r2", "rootMeanSquaredError"]]]);
    expect(plain(await compared("3"))).toEqual(one);
  });

  it("refuses what it cannot compare in one line", async () => {
    expect(await failure(["compare", data("iris")])).toEqual({ code: 2, line: "compare: required option '--target <column>' not specified" });
    expect(await failure(["compare", data("iris"), "--target", "specie"])).toEqual({ code: 1, line: "compare: no column 'specie' in iris.csv. Did you mean 'species'?" });
    expect((await failure(["compare", data("iris"), "--target", "species", "--activations", "relu,rleu"])).line).toContain("Did you mean 'relu'?");
    expect((await failure(["compare", data("iris"), "--target", "species", "--hidden", "none"])).code).toBe(2);
  });
});

describe("train", () => {
  it("shows accuracy and confusion matrix on stdout, a few lines of progress on stderr, and writes the model", async () => {
    const { code, stdout, stderr } = await run(["train", data("iris"), "--target", "species", "--seed", "2", "--out", "second.safetensors"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^species: classification into 3 classes from 4 columns; 108 rows to train, 12 to validate, 30 to test\n/);
    expect(stdout).toMatch(/\ntest: accuracy \d+\.\d\d % \(\d+ of 30\), macro f1 [\d.]+, loss [\d.]+\n/);
    expect(stdout).toMatch(/\ntrue \\ predicted {2}setosa {2}versicolor {2}virginica\nsetosa +10 +· +·\n/);
    expect(stdout).toMatch(/\nmodel written to second\.safetensors\n$/);
    const lines = stderr.trimEnd().split("\n");
    const picture = lines.findIndex((line) => !line.startsWith("epoch"));
    expect(picture).toBeLessThanOrEqual(20);
    for (const line of lines.slice(0, picture)) expect(line).toMatch(/^epoch \d+\/200, loss [\d.e-]+, validation [\d.e-]+, [\d.]+( [kM])? samples\/s$/);
    expect(lines.slice(picture)).toHaveLength(10);
    expect(lines[picture]).toMatch(/^ +[\d.e-]+ +┼╮$/);
    expect(lines.at(-1)).toMatch(/^ +loss of epochs 1 to \d+: ─ training, · validation$/);
    expect((await Tabular.load(await readFile(join(folder, "second.safetensors")))).classes).toEqual(["setosa", "versicolor", "virginica"]);
  });

  it("prints one object with --json", async () => {
    const { stdout } = await run(["train", data("penguins"), "--target", "Species", "--out", "penguins.safetensors", "--json"]);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      task: "classification", target: "Species", classes: ["Adelie", "Chinstrap", "Gentoo"], rows: { train: 247, validation: 28, test: 69 }, model: "penguins.safetensors",
      columns: ["Island", "Beak Length (mm)", "Beak Depth (mm)", "Flipper Length (mm)", "Body Mass (g)", "Sex"],
    });
    expect(result.epochs).toBeLessThanOrEqual(200);
    expect(result.seconds).toBeGreaterThan(0);
    expect(result.test.metrics.accuracy).toBeGreaterThan(0.9);
    expect(result.test.loss).toBeGreaterThan(0);
    expect(result.test.confusionMatrix.flat().reduce((a: number, b: number) => a + b)).toBe(69);
  });

  it("shows R2 and mean absolute error of a regression", async () => {
    const { stdout } = await run(["train", data("diabetes"), "--target", "progression", "--out", "again.safetensors", "--quiet"]);
    expect(stdout).toMatch(/^progression: regression from 10 columns; 319 rows to train, 35 to validate, 88 to test\n/);
    expect(stdout).toMatch(/\ntest: R2 0\.[3-6]\d*, mean absolute error \d\d[\d.]*, root mean squared error \d\d[\d.]*\nmodel written/);
    expect(await readFile(join(folder, "again.safetensors"))).toEqual(await readFile(join(folder, "diabetes.safetensors")));
  });

  it("obeys its options", async () => {
    const parameters = "--hidden 5,4 --activation prelu --optimizer sgd --learning-rate 0.1 --epochs 3 --batch-size 10 --l2 0.01 --test 0.5 --validation 0.2 --patience 7 --seed 9 --threads 1";
    const { stdout, code } = await run(["train", data("iris"), "--target", "species", ...parameters.split(" "), "--out", "options.safetensors", "--json", "--quiet"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ epochs: 3, rows: { train: 60, validation: 15, test: 75 } });
    const { network } = await Tabular.load(await readFile(join(folder, "options.safetensors")));
    expect(network.seed).toBe(9);
    expect(network.layers.map(({ units }) => units)).toEqual([5, 4, 3]);
    expect(network.layers[0].slopes).toHaveLength(5);
  });

  it("trains on the task that it is told, without hidden layers and without a test part", async () => {
    const { stdout } = await run(["train", data("digits"), "--target", "digit", "--task", "regression", "--hidden", "none", "--epochs", "2", "--test", "0", "--out", "line.safetensors", "--quiet"]);
    expect(stdout).toMatch(/^digit: regression from 61 columns; 1617 rows to train, 180 to validate, 0 to test\n2 of 2 epochs in .*\nno rows held out for a test\nmodel written/);
  });

  it("reads stdin, any separator, and names lines of the file in errors", async () => {
    const input = (await readFile(data("iris"), "utf8")).replaceAll(",", ";");
    const { code, stdout } = await run(["train", "-", "--target", "species", "--out", "stdin.safetensors", "--json", "--quiet"], { input });
    expect(code).toBe(0);
    expect(await readFile(join(folder, "stdin.safetensors"))).toEqual(await readFile(join(folder, "iris.safetensors")));
    expect(JSON.parse(stdout).rows.test).toBe(30);
    expect(await failure(["train", "-", "--target", "a"], { input: "a,b\n1,2\n3\n" })).toEqual({ code: 1, line: "stdin line 3: expected 2 fields, got 1" });
  });

  it("fails with one line that says what to do, and leaves no file", async () => {
    await writeFile(join(folder, "ragged.csv"), (await readFile(data("iris"), "utf8")).split("\n").map((line, i) => (i === 16 ? line.replace(/,[^,]*$/, "") : line)).join("\n"));
    await writeFile(join(folder, "empty.csv"), "");
    await writeFile(join(folder, "header.csv"), "a,b\n");
    await writeFile(join(folder, "text.csv"), "a,b\n1,x\n2,y\n");
    const before = await readdir(folder);
    const cases: [string[], string][] = [
      [[data("iris"), "--target", "specie"], "train: no column 'specie' in iris.csv. Did you mean 'species'?"],
      [[data("iris"), "--target", "price"], "train: no column 'price' in iris.csv"],
      [["ragged.csv", "--target", "species"], "ragged.csv line 17: expected 5 fields, got 4"],
      [["empty.csv", "--target", "a"], "train: empty.csv: expected a header line and rows, got nothing but blank lines"],
      [["header.csv", "--target", "a"], "train: header.csv: expected rows below the header, got none"],
      [["absent.csv", "--target", "a"], "train: 'absent.csv': expected a file that can be read, got no such file"],
      [["text.csv", "--target", "b", "--task", "regression"], "text.csv line 2: column 'b': expected a number, since the task is regression, got 'x'. Leave the task out, or set it to classification"],
      [[data("iris"), "--target", "species", "--out", "no/such/folder/model.safetensors", "--quiet"], "train: write 'no/such/folder/model.safetensors': expected a path that can be written, got ENOENT. Make its folder first."],
    ];
    for (const [parameters, line] of cases) expect(await failure(["train", ...parameters])).toEqual({ code: 1, line });
    expect(await readdir(folder)).toEqual(before);
  });

  it("says with --json that no rows were held out for a test", async () => {
    const { stdout } = await run(["train", data("iris"), "--target", "species", "--epochs", "1", "--test", "0", "--out", "untested.safetensors", "--json", "--quiet"]);
    expect(JSON.parse(stdout)).toMatchObject({ test: null, rows: { test: 0 } });
  });

  it("finds before training that it may not write to --out", async () => {
    const before = await readdir(folder);
    await writeFile(join(folder, "file"), "");
    const cases: [string, RegExp][] = [
      [folder, /^train: write '.*expected the path of a file, got a folder$/],
      ["new/", /^train: write 'new\/': expected the path of a file, got that of a folder$/],
      ["no/such.safetensors", /^train: write 'no\/such\.safetensors': expected a path that can be written, got ENOENT\. Make its folder first\.$/],
      ["file/model.safetensors", /^train: write .* got ENOTDIR\. A part of the path is a file, not a folder\.$/],
      ["/dev/null", /^train: write '\/dev\/null': expected the path of a file, got a device$/],
    ];
    for (const [out, line] of cases) {
      const found = await failure(["train", data("iris"), "--target", "species", "--epochs", "1000000000", "--patience", "1000000000", "--out", out]);
      expect(found.code).toBe(1);
      expect(found.line).toMatch(line);
    }
    await rm(join(folder, "file"));
    expect(await readdir(folder)).toEqual(before);
  });

  it("never replaces its data by the model, by whatever name, nor what it prints to", async () => {
    const iris = await readFile(data("iris"));
    await writeFile(join(folder, "iris.csv"), iris);
    await symlink("iris.csv", join(folder, "link.csv"));
    await link(join(folder, "iris.csv"), join(folder, "hard.csv"));
    for (const [input, out] of [["iris.csv", "link.csv"], ["link.csv", "iris.csv"], ["iris.csv", "hard.csv"]]) {
      expect(await failure(["train", input, "--target", "species", "--out", out])).toEqual({
        code: 2, line: `train: --out: expected another file than the data, got ${input}`,
      });
    }
    expect(await readFile(join(folder, "iris.csv"))).toEqual(iris);
    expect(await failure(["train", "iris.csv", "--target", "species", "--out", "-"])).toEqual({
      code: 2, line: "train: --out: expected the path of a file, got '-'. A model is a file: name one, such as model.safetensors",
    });
    const printed = join(folder, "printed");
    for (const out of ["/dev/stdout", printed]) {
      await writeFile(printed, "before\n");
      const { code, stderr } = await run(["train", "iris.csv", "--target", "species", "--out", out, "--quiet"], { to: { stdout: printed, flags: "a" } });
      expect(code).toBe(2);
      expect(stderr).toMatch(/^train: --out: expected the path of a file, got .*, where this command prints\. .*\n$/);
      expect(await readFile(printed, "utf8")).toBe("before\n");
    }
    for (const name of ["iris.csv", "link.csv", "hard.csv", "printed"]) await rm(join(folder, name));
  });

  it("names the line whose cell makes text of numbers", async () => {
    const input = `a,b\n${Array.from({ length: 40 }, (_, i) => `${i === 20 ? "12 cm" : i % 10},${i % 2}\n`).join("")}`;
    const { stderr } = await run(["train", "-", "--target", "b", "--epochs", "1", "--out", "text.safetensors"], { input });
    expect(stderr).toMatch(/^note: stdin line 22: column 'a': '12 cm' is no number, as 39 of 40 values are, so the column is taken as text\n/);
  });

  it("escapes what a terminal would obey", async () => {
    const input = "a,\u001b]0;owned\u0007b\n" + Array.from({ length: 30 }, (_, i) => `${i},\u001b[31m${i % 2}\n`).join("");
    const { code, stdout, stderr } = await run(["train", "-", "--target", "\u001b]0;owned\u0007b", "--epochs", "1", "--out", "escape.safetensors"], { input });
    expect(code).toBe(0);
    expect(stdout).toContain("\\u{1b}]0;owned\\u{7}b: classification");
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    const { line } = await failure(["train", "-", "--target", "x"], { input: 'a,b\n1,2\n"\u001b[2J\n3' });
    expect(line).not.toMatch(/[\u0000-\u001f]/);
  });

});

describe("predict", () => {
  it("writes a prediction for each row in order, with columns in any order, extra ones, empty cells, and no target", async () => {
    const input = "colour,petal_width,petal_length,sepal_width,sepal_length\nblue,0.2,1.4,3.5,5.1\nred,2.5,5.7,3.3,6.7\n,,,,\n";
    const { code, stdout, stderr } = await run(["predict", "iris.safetensors", "-"], { input });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^prediction\nsetosa\nvirginica\n(setosa|versicolor|virginica)\n$/);
  });

  it("adds the probabilities that the library gives", async () => {
    const { stdout } = await run(["predict", "iris.safetensors", data("iris"), "--probabilities"]);
    const predicted = await readCSV(stdout);
    expect(Object.keys(predicted[0])).toEqual(["prediction", "p_setosa", "p_versicolor", "p_virginica"]);
    const model = await Tabular.load(await readFile(join(folder, "iris.safetensors")));
    const rows = await readCSV(data("iris"));
    expect(predicted.map(({ prediction }) => prediction)).toEqual(model.predict(rows));
    expect(predicted.map(({ p_setosa }) => Math.fround(Number(p_setosa)))).toEqual(model.probabilities(rows).map(({ setosa }) => setosa));
  });

  it("predicts numbers in the target's unit, to a file", async () => {
    const { code, stdout, stderr } = await run(["predict", "diabetes.safetensors", data("diabetes"), "--out", "predictions.csv"]);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "", stderr: "442 predictions written to predictions.csv\n" });
    const model = await Tabular.load(await readFile(join(folder, "diabetes.safetensors")));
    const expected = model.predict(await readCSV(data("diabetes"))) as number[];
    const predicted = (await readCSV(join(folder, "predictions.csv"))).map(({ prediction }) => Number(prediction));
    expect(predicted).toHaveLength(442);
    expect(predicted).toEqual(expected);
  });

  it("predicts numbers that read back as those of the library where the target's mean is large", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({ x: i, y: 1e9 + ((i * 7919) % 97) / 97 }));
    const csv = `x,y\n${rows.map(({ x, y }) => `${x},${y}`).join("\n")}\n`;
    await run(["train", "-", "--target", "y", "--epochs", "5", "--out", "large.safetensors", "--quiet"], { input: csv });
    const { stdout } = await run(["predict", "large.safetensors", "-"], { input: csv });
    const model = await Tabular.load(await readFile(join(folder, "large.safetensors")));
    const expected = model.predict(rows) as number[];
    expect(new Set(expected).size).toBeGreaterThan(10);
    expect(stdout).toBe(`prediction\n${expected.join("\n")}\n`);
  });

  it("writes a line for each row of a single column, blank ones too", async () => {
    const input = `v,t\n${Array.from({ length: 60 }, (_, i) => `${i % 2},${i % 2 === 0 ? "even" : "odd"}`).join("\n")}\n`;
    await run(["train", "-", "--target", "t", "--out", "single.safetensors", "--learning-rate", "0.01", "--quiet"], { input });
    const { stdout } = await run(["predict", "single.safetensors", "-"], { input: 'v\n0\n\n1\n""\n0\n\n' });
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(6);
    expect([lines[1], lines[3], lines[5]]).toEqual(["even", "odd", "even"]);
  });

  it("writes to stdout or stderr where --out leads there, and goes on in the file that it is redirected to", async () => {
    const csv = "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n";
    const predictions = "prediction\nsetosa\n";
    expect(await run(["predict", "iris.safetensors", "-", "--out", "/dev/stdout"], { input: csv })).toEqual({ code: 0, stdout: predictions, stderr: "" });
    const printed = join(folder, "printed");
    for (const stream of ["stdout", "stderr"] as const) {
      await writeFile(printed, "before\n");
      const { code } = await run(["predict", "iris.safetensors", "-", "--out", `/dev/${stream}`], { input: csv, to: { [stream]: printed, flags: "a" } });
      expect(code).toBe(0);
      expect(await readFile(printed, "utf8")).toBe(`before\n${predictions}`);
    }
    await symlink("iris.safetensors", join(folder, "link"));
    expect((await failure(["predict", "iris.safetensors", "-", "--out", "link"], { input: csv })).code).toBe(2);
    expect(await run(["predict", "iris.safetensors", "-", "--out", "/dev/null"], { input: csv })).toMatchObject({ code: 0, stdout: "" });
    for (const name of ["printed", "link"]) await rm(join(folder, name));
  });

  it("quotes labels that need it", async () => {
    const label = (i: number): string => (i % 2 === 0 ? '"a, ""b"""' : '"x\ny"');
    const input = `v,t\n${Array.from({ length: 60 }, (_, i) => `${i % 2},${label(i)}`).join("\n")}\n`;
    await run(["train", "-", "--target", "t", "--out", "quotes.safetensors", "--quiet"], { input });
    const { stdout } = await run(["predict", "quotes.safetensors", "-", "--probabilities"], { input: "v\n0\n1\n" });
    const rows = await readCSV(stdout);
    expect(rows.map(({ prediction }) => prediction)).toEqual(['a, "b"', "x\ny"]);
    expect(Object.keys(rows[0])).toEqual(["prediction", 'p_a, "b"', "p_x\ny"]);
  });

  it("gives the header alone for a table without rows", async () => {
    expect((await run(["predict", "iris.safetensors", "-"], { input: "sepal_length,sepal_width,petal_length,petal_width\n" })).stdout).toBe("prediction\n");
  });

  it("fails with one line, and leaves no file", async () => {
    const header = "sepal_length,sepal_width,petal_length,petal_width\n";
    await saveFile(await Network.create({ inputs: 1, layers: [dense(1)] }), join(folder, "plain.safetensors"));
    const before = await readdir(folder);
    const cases: [string[], string, number, string][] = [
      [["iris.safetensors", "-"], "sepal_length,sepal_width,petal_length,petal_widht\n1,2,3,4\n", 1, "predict: no column 'petal_width' in stdin. Did you mean 'petal_widht'?"],
      [["iris.safetensors", "-", "--out", "half.csv"], `${header}1,2,3,4\n1,2,x,4\n`, 1, "stdin line 3: column 'petal_length': expected a number or nothing, as in the training data, got 'x'"],
      [["iris.safetensors", "-", "--out", "half.csv"], `${header}1,2,3,4\n1,2\n`, 1, "stdin line 3: expected 4 fields, got 2"],
      [["absent.safetensors", "-"], header, 1, "predict: 'absent.safetensors': expected a file that can be read, got no such file"],
      [["plain.safetensors", "-"], header, 1, "predict: plain.safetensors: expected a model that 'rosenblatt train' wrote, got a network without columns"],
      [["diabetes.safetensors", "-", "--probabilities"], header, 2, "predict: --probabilities: expected a model for classification, got one for regression"],
      [["iris.safetensors", "-", "--out", "./iris.safetensors"], header, 2, "predict: --out: expected another file than those that are read, got ./iris.safetensors"],
    ];
    for (const [parameters, input, code, line] of cases) expect(await failure(["predict", ...parameters], { input })).toEqual({ code, line });
    for (const parameters of [["predict", data("iris"), "-"], ["evaluate", data("iris"), "-"], ["inspect", data("iris")]]) {
      const { code, line } = await failure(parameters, { input: header });
      expect(code).toBe(1);
      expect(line).toMatch(/^[a-z]+: load 'iris\.csv': .*safetensors file\?$/);
    }
    expect(await readdir(folder)).toEqual(before);
  });

  it("says in one line that its output cannot be written, and fails", async () => {
    const refused = (name: string): string => `${name}: stdout: expected output that can be written, got ENOSPC\n`;
    const full = { to: { stdout: "/dev/full" } };
    expect(await run(["predict", "iris.safetensors", data("iris")], full)).toEqual({ code: 1, stdout: "", stderr: refused("predict") });
    expect(await run(["--help"], full)).toEqual({ code: 1, stdout: "", stderr: refused("rosenblatt") });
    expect(await run(["evaluate", "iris.safetensors", data("diabetes")], { to: { stderr: "/dev/full" } })).toMatchObject({ code: 1, stdout: "" });
    const parameters = ["train", data("iris"), "--target", "species", "--epochs", "30", "--out", "full.safetensors"];
    expect((await run(parameters, { to: { stdout: "/dev/full", stderr: "/dev/full" } })).code).toBe(1);
  });

  it("ends quietly when no one reads its output", async () => {
    const rows = "5.1,3.5,1.4,0.2\n".repeat(50_000);
    const { code, stderr } = await run(["predict", "iris.safetensors", "-"], { input: `sepal_length,sepal_width,petal_length,petal_width\n${rows}`, deaf: true });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });
});

describe("evaluate", () => {
  it("measures a model on rows with targets", async () => {
    const { code, stdout } = await run(["evaluate", "iris.safetensors", data("iris")]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^iris\.csv: accuracy 9\d\.\d\d % \(1\d\d of 150\), macro f1 0\.9\d*, loss 0\.\d+\n\ntrue \\ predicted/);
  });

  it("prints one object with --json that the library agrees with", async () => {
    for (const [name, task] of [["iris", "classification"], ["diabetes", "regression"]]) {
      const { stdout } = await run(["evaluate", `${name}.safetensors`, data(name), "--json"]);
      const model = await Tabular.load(await readFile(join(folder, `${name}.safetensors`)));
      const expected = model.evaluate(await readCSV(data(name)));
      expect(JSON.parse(stdout)).toMatchObject({ task, target: model.target, model: `${name}.safetensors`, ...expected });
    }
  });

  it("counts the rows that it evaluates with --json", async () => {
    const input = (await readFile(data("iris"), "utf8")).split("\n").map((line, i) => (i > 0 && i % 10 === 0 ? line.replace(/[^,]*$/, "?") : line)).join("\n");
    const { rows, confusionMatrix } = JSON.parse((await run(["evaluate", "iris.safetensors", "-", "--json"], { input })).stdout);
    expect(rows).toBe(135);
    expect(confusionMatrix.flat().reduce((a: number, b: number) => a + b)).toBe(135);
  });

  it("fails with one line for a class that it does not know, and without the target", async () => {
    const columns = "sepal_length,sepal_width,petal_length,petal_width";
    expect(await failure(["evaluate", "iris.safetensors", "-"], { input: `${columns},species\n1,2,3,4,rose\n` })).toEqual({
      code: 1, line: "stdin line 2: column 'species': expected one of the classes 'setosa', 'versicolor', 'virginica', got 'rose'",
    });
    expect(await failure(["evaluate", "iris.safetensors", "-"], { input: `${columns}\n1,2,3,4\n` })).toEqual({ code: 1, line: "evaluate: no column 'species' in stdin" });
  });
});

describe("inspect", () => {
  it("shows layers, target and columns", async () => {
    const { code, stdout } = await run(["inspect", "iris.safetensors"]);
    expect(code).toBe(0);
    expect(stdout).toContain("target species: classification into setosa, versicolor, virginica");
    expect(stdout).toMatch(/\n0 +dense +4 +64 +relu\n1 +dense +64 +32 +relu\n2 +dense +32 +3 +softmax\n/);
    expect(stdout).toMatch(/\nsepal_length +numeric +1 +\(x − [\d.]+\) \/ [\d.]+\n/);
  });

  it("prints one object with --json, for a network without columns too", async () => {
    const result = JSON.parse((await run(["inspect", "iris.safetensors", "--json"])).stdout);
    expect(result).toMatchObject({ inputs: 4, outputs: 3, parameters: 4 * 64 + 64 + 64 * 32 + 32 + 32 * 3 + 3, seed: 1, target: "species", task: "classification" });
    expect(result.layers.map(({ activation }: { activation: string }) => activation)).toEqual(["relu", "relu", "softmax"]);
    expect(result.columns).toEqual(["sepal_length", "sepal_width", "petal_length", "petal_width"]);
    await saveFile(await Network.create({ inputs: 1, layers: [dense(2, "tanh")] }), join(folder, "bare.safetensors"));
    expect(JSON.parse((await run(["inspect", "bare.safetensors", "--json"])).stdout)).toMatchObject({ target: null, columns: null, layers: [{ kind: "dense", inputs: 1, units: 2, activation: "tanh" }] });
    expect((await run(["inspect", "bare.safetensors"])).stdout).toMatch(/^1 inputs?, 2 outputs, 4 parameters/);
  });
});

describe("usage", () => {
  const names = ["train", "predict", "evaluate", "inspect"];

  it("prints help and version for the command and each subcommand", async () => {
    const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    for (const parameters of [[], ...names.map((name) => [name])]) {
      expect(await run([...parameters, "--version"])).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
      const help = await run([...parameters, "--help"]);
      expect(help).toMatchObject({ code: 0, stderr: "" });
      expect(help.stdout).toMatch(/^Usage: rosenblatt/);
    }
    const { stdout } = await run(["--help"]);
    for (const name of names) expect(stdout).toMatch(new RegExp(`\n  ${name} `));
  });

  it("exits with 2 and one line for wrong use, and writes nothing", async () => {
    const iris = data("iris");
    const cases: [string[], RegExp][] = [
      [["tarin"], /^rosenblatt: unknown command 'tarin' \(Did you mean train\?\)$/],
      [["train", iris], /^train: required option '--target <column>' not specified$/],
      [["train", iris, "--taget", "species"], /^train: unknown option '--taget' \(Did you mean --target\?\)$/],
      [["train", iris, "--target", "species", "--hidden", "1,".repeat(20) + "1"], /^train: hidden: expected at most 20 layers, got 21$/],
      [["train", iris, "--target", "species", "--learning-rate", "1e-60"], /^train: learningRate: expected a finite number above 0 .* got 1e-60$/],
      [["train", iris, "--target", "species", "--test", "0.99999999999"], /Expected a number from 0 to below 1\.$/],
      [["train", "--target", "species"], /^train: missing required argument 'data\.csv'$/],
      [["train", iris, "more", "--target", "species"], /^train: too many arguments/],
      [["train", iris, "--target", "species", "--epoch", "3"], /^train: unknown option '--epoch' \(Did you mean --epochs\?\)$/],
      [["train", iris, "--target", "species", "--epochs", "three"], /^train: option '--epochs <count>' argument 'three' is invalid\. Expected an integer from 1 to 2147483647\.$/],
      [["train", iris, "--target", "species", "--epochs", "0"], /Expected an integer from 1/],
      [["train", iris, "--target", "species", "--hidden", "8,x"], /Expected the units of each layer, such as 64,32, or none\.$/],
      [["train", iris, "--target", "species", "--activation", "rleu"], /argument 'rleu' is invalid\. Expected one of 'linear', .*\. Did you mean 'relu'\?$/],
      [["train", iris, "--target", "species", "--activation", "softmax"], /argument 'softmax' is invalid/],
      [["train", iris, "--target", "species", "--optimizer", "adm"], /Did you mean 'adam'\?$/],
      [["train", iris, "--target", "species", "--learning-rate", "0"], /Expected a number above 0\.$/],
      [["train", iris, "--target", "species", "--test", "1"], /Expected a number from 0 to below 1\.$/],
      [["train", iris, "--target", "species", "--task", "ranking"], /Expected one of 'classification', 'regression'\.$/],
      [["train", iris, "--target", "species", "--seed", "-1"], /Expected an integer from 0 to 9007199254740991\.$/],
      [["train", iris, "--target", "species", "--threads", "many"], /Expected 'auto' or an integer from 1 to 256\.$/],
      [["train", iris, "--target", "species", "--out", iris], /^train: --out: expected another file than the data, got /],
      [["predict", "iris.safetensors"], /^predict: missing required argument 'data\.csv'$/],
    ];
    const before = await readdir(folder);
    for (const [parameters, line] of cases) {
      const found = await failure(parameters);
      expect(found.line).toMatch(line);
      expect(found.code).toBe(2);
    }
    expect(await readdir(folder)).toEqual(before);
    const { code, stdout, stderr } = await run([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^Usage: rosenblatt/);
  });

  it("writes model.safetensors where no --out says otherwise", async () => {
    expect((await run(["train", data("iris"), "--target", "species", "--epochs", "1", "--quiet"])).code).toBe(0);
    expect(existsSync(join(folder, "model.safetensors"))).toBe(true);
  });
});

describe("progress on a terminal", () => {
  const report = { epoch: 84, loss: 0.012345, validationLoss: 0.0006789, samplesPerSecond: 31_234 };
  /** The last state of the line after an epoch and, if there is an outcome, the end. */
  function draw(columns: number | undefined, outcome?: "done" | "stopped", epochs = 200): string {
    let written = "";
    const stream = { isTTY: true as const, columns: columns!, write: (text: string) => ((written += text), true) };
    const progress = new Progress(stream, epochs);
    progress.update(report);
    if (outcome !== undefined) progress.end(outcome);
    return written.replaceAll(/\u001b\[3\dm/g, "").split("\r\u001b[2K").at(-1)!;
  }

  it("has loss and time left in a line of any width", () => {
    for (const columns of [300, 120, 100, 80, 60, 50, 40, 32]) {
      const line = draw(columns);
      expect([...line].length, `${columns}`).toBeLessThan(columns);
      expect(line, `${columns}`).toMatch(/loss 0\.01235, (.*, )?[\d.]+ (s|min|h).* left/);
    }
    expect([...draw(10)].length).toBeLessThan(10);
  });

  it("has a bar in 80 columns, which is what a width of 0 or none stands for, and all figures in 100", () => {
    for (const columns of [80, 0, undefined]) expect(draw(columns)).toMatch(/^█+░+ epoch 84\/200, loss 0\.01235, validation 0\.0006789, [\d.]+ s left$/);
    expect(draw(100)).toMatch(/^█{8}░{12} epoch 84\/200, loss 0\.01235, validation 0\.0006789, [\d.]+ s left, 31\.2 k samples\/s$/);
  });

  it("ends in a full bar when training is done before its last epoch, and where it was when it is interrupted", () => {
    expect(draw(120, "done")).toMatch(/^█{20} epoch 84\/200, .* done in [\d.]+ s, .*\n$/);
    expect(draw(120, "stopped")).toMatch(/^█{8}░{12} epoch 84\/200, .* stopped in [\d.]+ s, .*\n$/);
    expect(draw(50, "done")).toMatch(/^epoch 84\/200, loss 0\.01235, done in [\d.]+ s\n$/);
  });
});

describe("files of models", () => {
  it("are refused where network or path are none", async () => {
    const network = await Network.create({ inputs: 1, layers: [dense(1)] });
    const save = saveFile as (...values: unknown[]) => Promise<void>;
    await expect(save(5, "x")).rejects.toThrow(new TypeError("saveFile: expected a Network or a Tabular, got 5"));
    await expect(save(undefined, "x")).rejects.toThrow(new TypeError("saveFile: expected a Network or a Tabular, got undefined"));
    await expect(save(network)).rejects.toThrow(new TypeError("saveFile: path: expected the path of a file, got undefined"));
    await expect(save(network, "")).rejects.toThrow(new TypeError("saveFile: path: expected the path of a file, got ''"));
    await expect(loadFile(5 as never)).rejects.toThrow(new TypeError("loadFile: path: expected the path of a file, got 5"));
    await expect(loadFile("a\0b")).rejects.toThrow(TypeError);
    await expect(loadFile(new URL("file:///model") as never)).rejects.toThrow(/Use fileURLToPath of node:url$/);
  });

  it("are named where they are none", async () => {
    await writeFile(join(folder, "short.safetensors"), "abc");
    const error = await loadFile(join(folder, "short.safetensors")).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ModelFormatError);
    expect((error as Error).message).toMatch(/^load 'short\.safetensors': /);
    expect((error as ModelFormatError).code).toMatch(/./);
    await rm(join(folder, "short.safetensors"));
  });
});

describe("the picture of the loss", () => {
  const history = Array.from({ length: 100 }, (_, i) => [i + 1, 2 - i / 100, 0.5, 1.5 - i / 100, 0.5] as const);
  const widthOf = (columns: number): number => Math.max(...lossCurve(history, columns).split("\n").slice(0, -1).map((line) => [...line].length));

  it("fits the terminal, and has the usual width where the terminal does not tell its own", () => {
    expect(widthOf(40)).toBeLessThanOrEqual(40);
    expect(widthOf(80)).toBeGreaterThan(65);
    expect(widthOf(80)).toBeLessThanOrEqual(80);
    expect(lossCurve(history, 0)).toBe(lossCurve(history, 80));
    expect(lossCurve(history, Infinity)).toBe(lossCurve(history, 300));
    expect(lossCurve(history.slice(0, 1), 80)).toBe("");
  });
});
