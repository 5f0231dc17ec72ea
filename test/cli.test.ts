// The command, run as users run it: results on stdout, all else on stderr, exit codes, one line for an error, no half file.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dense, Network } from "../src/index.js";
import { saveFile } from "../src/node.js";
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
}

let folder: string;

function run(parameters: string[], { input, signalOn, deaf = false }: RunOptions = {}): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [command, ...parameters], { cwd: folder });
    const outcome: Outcome = { code: null, stdout: "", stderr: "" };
    let signalled = false;
    child.stdout.on("data", (chunk) => void (outcome.stdout += chunk));
    if (deaf) child.stdout.destroy();
    child.stderr.on("data", (chunk) => {
      outcome.stderr += chunk;
      const signal = signalled ? undefined : signalOn?.(outcome.stderr);
      if (signal === undefined) return;
      signalled = true;
      child.kill(signal);
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...outcome, code }));
    child.stdin.on("error", () => undefined);                         // a command that fails early does not read it
    child.stdin.end(input ?? "");
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

describe("train", () => {
  it("shows accuracy and confusion matrix on stdout, a few lines of progress on stderr, and writes the model", async () => {
    const { code, stdout, stderr } = await run(["train", data("iris"), "--target", "species", "--seed", "2", "--out", "second.safetensors"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^species: classification into 3 classes from 4 columns; 108 rows to train, 12 to validate, 30 to test\n/);
    expect(stdout).toMatch(/\ntest: accuracy \d+\.\d\d % \(\d+ of 30\), macro f1 [\d.]+, loss [\d.]+\n/);
    expect(stdout).toMatch(/\ntrue \\ predicted {2}setosa {2}versicolor {2}virginica\nsetosa +10 +· +·\n/);
    expect(stdout).toMatch(/\nmodel written to second\.safetensors\n$/);
    const lines = stderr.trimEnd().split("\n");
    expect(lines.length).toBeLessThanOrEqual(20);
    for (const line of lines) expect(line).toMatch(/^epoch \d+\/200, loss [\d.e-]+, validation [\d.e-]+, [\d.]+( [kM])? samples\/s$/);
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

  it("escapes what a terminal would obey", async () => {
    const input = "a,\u001b]0;owned\u0007b\n" + Array.from({ length: 30 }, (_, i) => `${i},\u001b[31m${i % 2}\n`).join("");
    const { code, stdout, stderr } = await run(["train", "-", "--target", "\u001b]0;owned\u0007b", "--epochs", "1", "--out", "escape.safetensors"], { input });
    expect(code).toBe(0);
    expect(stdout).toContain("\\u{1b}]0;owned\\u{7}b: classification");
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
    const { line } = await failure(["train", "-", "--target", "x"], { input: 'a,b\n1,2\n"\u001b[2J\n3' });
    expect(line).not.toMatch(/[\u0000-\u001f]/);
  });

  it("ends on Ctrl-C with code 130 and leaves no file", async () => {
    const before = await readdir(folder);
    const parameters = ["train", data("digits"), "--target", "digit", "--epochs", "100000", "--patience", "100000", "--out", "never.safetensors"];
    const { code, stdout, stderr } = await run(parameters, { signalOn: (text) => (text.includes("note:") ? "SIGINT" : undefined) });
    expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
    expect(stderr).toMatch(/\ntrain: interrupted\n$/);
    expect(await readdir(folder)).toEqual(before);
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
    predicted.forEach((value, i) => expect(Math.abs(value - expected[i])).toBeLessThan(1e-8 * Math.abs(expected[i])));
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
    const { code, line } = await failure(["predict", data("iris"), "-"], { input: header });
    expect(code).toBe(1);
    expect(line).toMatch(/^predict: .*safetensors file\?$/);
    expect(await readdir(folder)).toEqual(before);
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
