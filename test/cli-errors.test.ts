// Wrong use and wrong input of the command: each ends with code 2 (wrong use) or 1 (anything else), one line on stderr that says
// what is wrong and what to do, nothing on stdout, no stack, and no file written or changed.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dense, Network } from "../src/index.js";
import { saveFile } from "../src/node.js";
import { Tabular } from "../src/tabular/index.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = join(root, "dist", "cli.js");

const files: Record<string, string | Uint8Array> = {
  "empty.csv": "",
  "blank.csv": "\n\n \n",
  "head.csv": "a,b\n",
  "dup.csv": "a,b,a\n1,2,3\n",
  "noname.csv": "a,,t\n1,2,x\n",
  "binary.csv": Uint8Array.of(0, 1, 2, 3, 4, 5),
  "latin.csv": Uint8Array.from([..."a,t\n1,"].map((c) => c.charCodeAt(0)).concat(0xe9, 0x0a)),
  "const.csv": "a,t\n1,x\n1,y\n1,x\n1,y\n",
  "oneclass.csv": "a,t\n1,x\n2,x\n3,x\n",
  "onerow.csv": "a,t\n1,x\n",
  "same.csv": "a,t\n1,5.5\n2,5.5\n3,5.5\n",
  "notarget.csv": "a,t\n1,\n2,?\n",
  "onlytarget.csv": "t\nx\ny\nx\ny\n",
  "ids.csv": `id,t\n${Array.from({ length: 60 }, (_, i) => `n${i},${i % 2}`).join("\n")}\n`,
  "ragged.csv": "a,b,t\n1,2,x\n1,2\n",
  "long.csv": "a,t\n1,x\n2,y,3\n",
  "open.csv": 'a,t\n1,x\n"2,y\n3,x\n',
  "stray.csv": 'a,t\n1,x\n2,5" disk\n',
  "after.csv": 'a,t\n1,x\n"2"3,y\n',
  "lines.csv": 'a,t\n"1\n\n",x\n2\n',
  "words.csv": "a,t\n1,1.5\n2,2.5\nx,3.5\n4,4.5\n",
  "far.csv": "sepal_length,sepal_width,petal_length,petal_width,species\n1e300,3.5,1.4,0.2,setosa\n",
  "text.csv": "sepal_length,sepal_width,petal_length,petal_width,species\n5.1,3.5,1.4,0.2,setosa\n5.1,wide,1.4,0.2,setosa\n",
  "class.csv": "sepal_length,sepal_width,petal_length,petal_width,species\n5.1,3.5,1.4,0.2,rose\n",
  "nosepal.csv": "sepal_width,petal_length,petal_width,species\n3.5,1.4,0.2,setosa\n",
  "unlabelled.csv": "sepal_length,sepal_width,petal_length,petal_width,species\n5.1,3.5,1.4,0.2,\n",
  "bare.csv": "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n",
  "bad.jsonl": '{"a":1,"t":"x"}\n{"a":2,"t":"y"\n',
  "nested.jsonl": '{"a":1,"t":"x"}\n{"a":{"b":1},"t":"y"}\n',
  "infinite.jsonl": '{"a":1,"t":"x"}\n{"a":1e999,"t":"y"}\n',
  "array.json": "[[1,2],[3,4]]",
  "none.json": "[]",
  "cut.parquet": new TextEncoder().encode("PAR1 and no more"),
  "cut.csv.gz": Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1),
  "book.xlsx": new TextEncoder().encode("PK\u0003\u0004 a workbook"),
};

let folder: string;
let before: string;

/** Names and contents of all files. */
async function contents(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of (await readdir(folder)).sort()) hash.update(name).update(name === "folder" ? "" : await readFile(join(folder, name)));
  return hash.digest("hex");
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rosenblatt-errors-"));
  await mkdir(join(folder, "folder"));
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  const iris = await readFile(join(root, "examples", "data", "iris.csv"));
  await writeFile(join(folder, "iris.csv"), iris);
  const rows = (["setosa", "versicolor", "virginica"] as const).flatMap((species, k) =>
    Array.from({ length: 10 }, (_, i) => ({ sepal_length: k + i / 10, sepal_width: (i * 7) % 5, petal_length: k, petal_width: k - i / 20, species })));
  await saveFile(await Tabular.train(rows, { target: "species", epochs: 1 }), join(folder, "model"));
  await saveFile(await Tabular.train(rows.map((row) => ({ ...row, species: row.sepal_length + 0.123 })), { target: "species", epochs: 1 }), join(folder, "numbers"));
  await saveFile(await Network.create({ inputs: 2, layers: [dense(1)] }), join(folder, "network"));
  await writeFile(join(folder, "cut"), (await readFile(join(folder, "model"))).subarray(0, 200));
  before = await contents();
}, 60_000);
afterAll(() => rm(folder, { recursive: true }));

const train = (data: string, ...more: string[]): string[] => ["train", data, "--target", "t", ...more];
const iris = (...more: string[]): string[] => ["train", "iris.csv", "--target", "species", ...more];
const invalid = (option: string, got: string, expected: string): string => `train: option '${option}' argument '${got}' is invalid. Expected ${expected}`;
const activations = "one of 'linear', 'sigmoid', 'tanh', 'relu', 'leakyRelu', 'prelu', 'elu', 'selu', 'gelu', 'silu', 'mish', 'softplus', 'softsign', 'relu6', 'hardSigmoid', 'hardTanh', 'exponential'.";
const noTable = "expected a table as CSV, JSON or Parquet, got";
const nothing = "expected a header line and rows, got nothing but blank lines";
const quoting = "Put the whole field in quotes and double the quotes in it";

const cases: [code: 1 | 2, parameters: string[], line: string][] = [
  // the table
  [1, train("no-such.csv"), "train: 'no-such.csv': expected a file that can be read, got no such file"],
  [1, train("iris.csv/below"), "train: 'iris.csv/below': expected a file that can be read, got ENOTDIR"],
  [1, train(""), "train: '': expected a file that can be read, got no such file"],
  [1, train("folder"), "train: folder: expected a file, got a folder"],
  [1, train("empty.csv"), `train: empty.csv: ${nothing}`],
  [1, train("blank.csv"), `train: blank.csv: ${nothing}`],
  [1, train("head.csv"), "train: head.csv: expected rows below the header, got none"],
  [1, train("dup.csv"), "dup.csv line 1: expected a name of its own for every column, got 'a' twice"],
  [1, train("noname.csv"), "noname.csv line 1: expected a name for every column, got none for column 2. Name it or remove the column"],
  [1, train("binary.csv"), `train: binary.csv: ${noTable} a binary file`],
  [1, train("model"), `train: model: ${noTable} a binary file`],
  [1, train("book.xlsx"), `train: book.xlsx: ${noTable} a zip file or an Excel workbook. Save the table as CSV`],
  [1, train("latin.csv"), "train: latin.csv: expected UTF-8, got bytes that are none. Save the file as UTF-8"],
  [1, train("ragged.csv"), "ragged.csv line 3: expected 3 fields, got 2"],
  [1, train("long.csv"), "long.csv line 3: expected 2 fields, got 3"],
  [1, train("lines.csv"), "lines.csv line 5: expected 2 fields, got 1"],
  [1, train("open.csv"), "open.csv line 3: expected a closing quote, got the end of the file"],
  [1, train("stray.csv"), `stray.csv line 3: expected a field that is quoted as a whole or not at all, got a quote within a field. ${quoting}`],
  [1, train("after.csv"), `after.csv line 3: expected a separator or the end of the line after a closing quote, got more text. ${quoting}`],
  [1, train("bad.jsonl"), "bad.jsonl line 2: expected a closing brace, got the end of the file"],
  [1, train("nested.jsonl"), "nested.jsonl line 2: column 'a': expected a text, a finite number, true, false or nothing, got an object"],
  [1, train("infinite.jsonl"), "infinite.jsonl line 2: column 'a': expected a text, a finite number, true, false or nothing, got Infinity"],
  [1, train("array.json"), "array.json line 1: expected an object with the cells by the names of their columns, got '[1,2],[3,4]]'"],
  [1, train("none.json"), "train: none.json: expected rows, got none"],
  [1, train("cut.parquet"), "train: cut.parquet: expected a Parquet file that can be read, got one that cannot (parquet file invalid (footer != PAR1))"],
  [1, train("cut.csv.gz"), "train: cut.csv.gz: expected a whole gzip file, got one that is cut off or damaged"],
  // what can be learnt of it
  [1, ["train", "iris.csv", "--target", "specie"], "train: no column 'specie' in iris.csv. Did you mean 'species'?"],
  [1, ["train", "iris.csv", "--target", "weight"], "train: no column 'weight' in iris.csv"],
  [1, train("const.csv"), "train: rows: expected a column to learn from, got none of use (column 'a' left out: it is always 1)"],
  [1, train("ids.csv"), "train: rows: expected a column to learn from, got none of use (column 'id' left out: it is text with 43 different values in 43 rows)"],
  [1, train("onlytarget.csv"), "train: rows: expected a column to learn from, got none beside the target"],
  [1, train("oneclass.csv"), "train: target 't': expected two classes at least, got 'x' alone"],
  [1, train("onerow.csv"), "train: target 't': expected two classes at least, got 'x' alone"],
  [1, train("same.csv"), "train: target 't': expected numbers that differ, got '5.5' alone"],
  [1, train("notarget.csv"), "train: target 't': expected a row with a value at least, got none"],
  [1, iris("--task", "regression"), "iris.csv line 2: column 'species': expected a number, since the task is regression, got 'setosa'. Leave the task out, or set it to classification"],
  [1, ["train", "words.csv", "--target", "a", "--task", "regression"], "words.csv line 4: column 'a': expected a number, since the task is regression, got 'x'. Leave the task out, or set it to classification"],
  [1, iris("--test", "0.999"), "train: split: expected a sample for training at least, got 150 of 150 held out. Lower the fraction (0.999) or add samples."],
  [1, iris("--learning-rate", "1e30", "--quiet"), "train: fit: the loss became NaN at epoch 1, step 2, first in layer 1 (relu). Lower learningRate (1e+30 of adam), scale the targets or clip the gradient"],
  // options of train
  [2, ["train"], "train: missing required argument 'data.csv'"],
  [2, ["train", "iris.csv"], "train: required option '--target <column>' not specified"],
  [2, ["train", "iris.csv", "--target"], "train: option '--target <column>' argument missing"],
  [2, ["train", "iris.csv", "more.csv", "--target", "t"], "train: too many arguments for 'train'. Expected 1 argument but got 2."],
  [2, iris("--hiden", "5"), "train: unknown option '--hiden' (Did you mean --hidden?)"],
  [2, iris("--json=5"), "train: unknown option '--json=5' (Did you mean --json?)"],
  [2, iris("--hidden", "0"), invalid("--hidden <units>", "0", "the units of each layer, such as 64,32, or none.")],
  [2, iris("--hidden", "5,x"), invalid("--hidden <units>", "5,x", "the units of each layer, such as 64,32, or none.")],
  [2, iris("--hidden", Array(21).fill("2").join(",")), "train: train: hidden: expected at most 20 layers, got 21".replace("train: train:", "train:")],
  [2, iris("--activation", "rleu"), `${invalid("--activation <name>", "rleu", activations)} Did you mean 'relu'?`],
  [2, iris("--activation", "softmax"), invalid("--activation <name>", "softmax", activations)],
  [2, iris("--optimizer", "adamm"), `${invalid("--optimizer <name>", "adamm", "one of 'sgd', 'rmsprop', 'adagrad', 'adam', 'adamw', 'nadam', 'lion'.")} Did you mean 'adam'?`],
  [2, iris("--task", "regresion"), `${invalid("--task <task>", "regresion", "one of 'classification', 'regression'.")} Did you mean 'regression'?`],
  [2, iris("--learning-rate", "0"), invalid("--learning-rate <rate>", "0", "a number above 0.")],
  [2, iris("--learning-rate", "fast"), invalid("--learning-rate <rate>", "fast", "a number above 0.")],
  [2, iris("--learning-rate", "Infinity"), invalid("--learning-rate <rate>", "Infinity", "a number above 0.")],
  [2, iris("--epochs", "0"), invalid("--epochs <count>", "0", "an integer from 1 to 2147483647.")],
  [2, iris("--epochs", "1.5"), invalid("--epochs <count>", "1.5", "an integer from 1 to 2147483647.")],
  [2, iris("--batch-size", "0x10"), invalid("--batch-size <rows>", "0x10", "an integer from 1 to 2147483647.")],
  [2, iris("--dropout", "1"), invalid("--dropout <share>", "1", "a number from 0 to below 1.")],
  [2, iris("--l2", "-1"), invalid("--l2 <penalty>", "-1", "a number from 0 up.")],
  [2, iris("--test", "1"), invalid("--test <share>", "1", "a number from 0 to below 1.")],
  [2, iris("--validation", "-0.1"), invalid("--validation <share>", "-0.1", "a number from 0 to below 1.")],
  [2, iris("--patience", "-1"), invalid("--patience <epochs>", "-1", "an integer from 0 to 2147483647.")],
  [2, iris("--seed", "1e20"), invalid("--seed <integer>", "1e20", "an integer from 0 to 9007199254740991.")],
  [2, iris("--threads", "0"), invalid("--threads <count>", "0", "'auto' or an integer from 1 to 256.")],
  [2, iris("--every", "5"), "train: --every: expected --checkpoint FILE beside it, got none. Say where the checkpoints go"],
  [2, iris("--checkpoint", "c", "--every", "0"), invalid("--every <seconds>", "0", "a number of seconds above 0.")],
  // where results go
  [1, iris("--out", "no-folder/m"), "train: write 'no-folder/m': expected a path that can be written, got ENOENT. Make its folder first."],
  [1, iris("--out", "folder"), "train: write 'folder': expected the path of a file, got a folder"],
  [1, iris("--out", ""), "train: write '': expected the path of a file, got none"],
  [2, iris("--out", "iris.csv"), "train: --out: expected another file than the data, got iris.csv"],
  [2, iris("--out", "-"), "train: --out: expected the path of a file, got '-'. A model is a file: name one, such as model.safetensors"],
  [2, iris("--report", "iris.csv"), "train: --report: expected another file than the data, got iris.csv"],
  [2, iris("--report", "model", "--out", "model"), "train: --report: expected another file than --out, got model"],
  [2, iris("--report", "-"), "train: --report: expected the path of a file, got '-'. Name one, such as report.html"],
  [1, iris("--report", "no-folder/r.html"), "train: write 'no-folder/r.html': expected a path that can be written, got ENOENT. Make its folder first."],
  [2, iris("--checkpoint", "iris.csv"), "train: --checkpoint: expected another file than the data, got iris.csv"],
  [1, iris("--checkpoint", "folder"), "train: write 'folder': expected the path of a file, got a folder"],
  [2, iris("--checkpoint", "r.html", "--report", "r.html"), "train: --report: expected another file than --checkpoint, got r.html"],
  [1, iris("--resume", "no-such"), "train: 'no-such': expected a file that can be read, got no such file"],
  [1, iris("--resume", "model"), "train: model: expected a checkpoint of 'rosenblatt train', got a model whose training has ended"],
  [1, iris("--resume", "network"), "train: network: expected a checkpoint of 'rosenblatt train', got a network without columns"],
  // predict, evaluate, inspect
  [2, ["predict", "model"], "predict: missing required argument 'data.csv'"],
  [2, ["predict", "model", "iris.csv", "--probabilites"], "predict: unknown option '--probabilites' (Did you mean --probabilities?)"],
  [2, ["predict", "numbers", "iris.csv", "--probabilities"], "predict: --probabilities: expected a model for classification, got one for regression"],
  [1, ["predict", "no-such", "iris.csv"], "predict: 'no-such': expected a file that can be read, got no such file"],
  [1, ["predict", "network", "iris.csv"], "predict: network: expected a model that 'rosenblatt train' wrote, got a network without columns"],
  [1, ["predict", "model", "nosepal.csv"], "predict: no column 'sepal_length' in nosepal.csv. Did you mean 'petal_length'?"],
  [1, ["predict", "model", "text.csv"], "text.csv line 3: column 'sepal_width': expected a number or nothing, as in the training data, got 'wide'"],
  [1, ["predict", "model", "empty.csv"], `predict: empty.csv: ${nothing}`],
  [2, ["predict", "model", "iris.csv", "--out", "iris.csv"], "predict: --out: expected another file than those that are read, got iris.csv"],
  [2, ["predict", "model", "iris.csv", "--out", "model"], "predict: --out: expected another file than those that are read, got model"],
  [1, ["predict", "model", "iris.csv", "--out", "no-folder/p.csv"], "predict: write 'no-folder/p.csv': expected a path that can be written, got ENOENT. Make its folder first."],
  [1, ["predict", "model", "iris.csv", "--out", "/dev/full"], "predict: write '/dev/full': expected a path that can be written, got ENOSPC. The disk is full."],
  [1, ["predict", "model", "text.csv", "--out", "p.csv"], "text.csv line 3: column 'sepal_width': expected a number or nothing, as in the training data, got 'wide'"],
  [1, ["evaluate", "model", "class.csv"], "class.csv line 2: column 'species': expected one of the classes 'setosa', 'versicolor', 'virginica', got 'rose'"],
  [1, ["evaluate", "model", "bare.csv"], "evaluate: no column 'species' in bare.csv"],
  [1, ["evaluate", "model", "unlabelled.csv"], "evaluate: evaluate: rows: expected a row with a value in 'species', got none".replace("evaluate: evaluate:", "evaluate:")],
  [1, ["evaluate", "numbers", "iris.csv"], "iris.csv line 2: column 'species': expected a number, as in the training data, got 'setosa'"],
  [1, ["inspect", "folder"], "inspect: 'folder': expected a file that can be read, got a folder"],
  [1, ["inspect", "iris.csv"], "inspect: load 'iris.csv': the header: expected at most 1000000 bytes, got 7308321214411335027. Is this a safetensors file?"],
  [2, ["inspect", "model", "more"], "inspect: too many arguments for 'inspect'. Expected 1 argument but got 2."],
  // export, compare
  [2, ["export", "model", "--to", "keras", "--out", "x"], "export: option '--to <format>' argument 'keras' is invalid. Expected one of 'onnx', 'module'."],
  [2, ["export", "model", "--out", "x"], "export: required option '--to <format>' not specified"],
  [2, ["export", "model", "--to", "onnx"], "export: required option '--out <file>' not specified"],
  [2, ["compare", "iris.csv"], "compare: required option '--target <column>' not specified"],
  [2, ["compare", "iris.csv", "--target", "species", "--activations", "relu, tanh,relu"], "compare: --activations: expected each activation once, got 'relu' twice"],
  [2, ["compare", "iris.csv", "--target", "species", "--hidden", "none"], "compare: --hidden: expected a hidden layer at least, whose activation is compared, got none"],
  [2, ["compare", "iris.csv", "--target", "species", "--folds", "1"], "compare: option '--folds <count>' argument '1' is invalid. Expected an integer from 2 to 2147483647."],
  [1, ["compare", "iris.csv", "--target", "specie"], "compare: no column 'specie' in iris.csv. Did you mean 'species'?"],
  [2, ["tarin", "iris.csv"], "rosenblatt: unknown command 'tarin' (Did you mean train?)"],
  [2, ["tarin", "--help"], "rosenblatt: unknown command 'tarin' (Did you mean train?)"],
];

describe("the command refuses", () => {
  it("more than 60 kinds of wrong use and input", () => expect(cases.length).toBeGreaterThan(90));

  it.concurrent.each(cases)("with code %i: %j", async (code, parameters, line) => {
    const outcome = await new Promise((resolve) => {
      execFile(process.execPath, [command, ...parameters], { cwd: folder }, (error, stdout, stderr) => resolve({ code: error?.code ?? 0, stdout, stderr }));
    });
    expect(outcome).toEqual({ code, stdout: "", stderr: `${line}\n` });
  }, 60_000);

  it("and leaves every file as it was, and no other", async () => expect(await contents()).toBe(before));

  it.each([["predict", "model", "far.csv"], ["inspect", "cut"], ["predict", "cut", "iris.csv"]])("%s %s in one line", async (...parameters) => {
    const { code, stdout, stderr } = await new Promise<{ code: unknown; stdout: string; stderr: string }>((resolve) => {
      execFile(process.execPath, [command, ...parameters], { cwd: folder }, (error, stdout, stderr) => resolve({ code: error?.code, stdout, stderr }));
    });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^[^\n]+: expected [^\n]+\n$/);
  });
});
