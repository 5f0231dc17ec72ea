// rosenblatt export: the model with its preparation predicts outside what the command predicts; the file is written whole or not at all.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as runtime from "onnxruntime-web";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dense, Network } from "../src/index.js";
import { saveFile } from "../src/node.js";
import { readModel } from "../src/onnx/proto.js";
import { Tabular } from "../src/tabular/index.js";

const command = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
let folder: string;

const run = (...parameters: string[]) => spawnSync(process.execPath, [command, ...parameters], { cwd: folder, encoding: "utf8" });
const rows = Array.from({ length: 60 }, (_, i) => ({ size: i % 7 === 3 ? "" : `${1e6 + ((i * 13) % 29)}`, colour: ["red", "green", "blue"][i % 3], weight: `${((i * 5) % 11) / 4 - 1}` }));
const price = (row: (typeof rows)[number]): number => 3000 + (row.size === "" ? 5 : Number(row.size) - 1e6) * 12 + Number(row.weight) * 40 + (row.colour === "red" ? 90 : 0);

/** The inputs of the exported model, by what its metadata says of them. */
function fill(row: Record<string, string>, inputs: readonly { column: string; missing?: true; category?: string | null; other?: true }[]): number[] {
  return inputs.map(({ column, missing, category, other }) => {
    const cell = row[column];
    if (missing) return cell === "" ? 1 : 0;
    if (category !== undefined) return cell === category ? 1 : 0;
    if (other) return 0;
    return cell === "" ? NaN : Number(cell);
  });
}

beforeAll(async () => {
  runtime.env.wasm.numThreads = 1;
  folder = await mkdtemp(join(tmpdir(), "rosenblatt-export-"));
  const options = { hidden: [8], epochs: 30, seed: 3 };
  await saveFile(await Tabular.train(rows.map((row) => ({ ...row, price: price(row) })), { target: "price", task: "regression", ...options }), join(folder, "price.safetensors"));
  await saveFile(await Tabular.train(rows.map((row) => ({ ...row, dear: price(row) > 3200 ? "yes" : "no" })), { target: "dear", ...options }), join(folder, "dear.safetensors"));
  await saveFile(await Network.create({ inputs: 2, layers: [dense(3, "relu"), dense(1)], seed: 1 }), join(folder, "network.safetensors"));
});
afterAll(() => rm(folder, { recursive: true }));

test.each(["price", "dear"])("a module of a table's model predicts what the model does: %s", async (name) => {
  const { status, stdout, stderr } = run("export", `${name}.safetensors`, "--to", "module", "--out", `${name}.mjs`);
  expect([status, stdout, stderr]).toEqual([0, "", `module written to ${name}.mjs\n`]);
  const module = (await import(pathToFileURL(join(folder, `${name}.mjs`)).href)) as { predict(input: number[]): Float64Array; inputs: Parameters<typeof fill>[1]; target: string; task: string; classes?: string[] };
  const model = await Tabular.load(readFileSync(join(folder, `${name}.safetensors`)));
  expect([module.target, module.task, module.classes]).toEqual([name, model.task, model.classes]);
  const outputs = module.predict(rows.flatMap((row) => fill(row, module.inputs)));
  const wanted = model.task === "regression" ? (model.predict(rows) as number[]) : model.probabilities(rows).flatMap((each) => Object.values(each));
  expect(outputs.length).toBe(wanted.length);
  wanted.forEach((value, i) => expect(Math.abs(outputs[i] - value) / Math.max(1, Math.abs(value))).toBeLessThanOrEqual(1e-6));
});

test.each(["price", "dear"])("an ONNX model of a table's model predicts what the model does: %s", async (name) => {
  expect(run("export", `${name}.safetensors`, "--to", "onnx", "--out", `${name}.onnx`).status).toBe(0);
  const bytes = new Uint8Array(readFileSync(join(folder, `${name}.onnx`)));
  const { metadata, graph } = readModel(bytes);
  expect(graph!.node!.slice(0, 2).map(({ opType }) => opType)).toEqual(["Sub", "Sub"]);
  const inputs = JSON.parse(metadata!.find(({ key }) => key === "inputs")!.value!) as Parameters<typeof fill>[1];
  const session = await runtime.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  const data = Float32Array.from(rows.flatMap((row) => fill(row, inputs)));
  const { output } = await session.run({ input: new runtime.Tensor("float32", data, [rows.length, inputs.length]) });
  const model = await Tabular.load(readFileSync(join(folder, `${name}.safetensors`)));
  const wanted = model.task === "regression" ? (model.predict(rows) as number[]) : model.probabilities(rows).flatMap((each) => Object.values(each));
  wanted.forEach((value, i) => expect(Math.abs((output.data[i] as number) - value) / Math.max(1, Math.abs(value))).toBeLessThanOrEqual(1e-5));
});

test("a network that no table made goes as it is", async () => {
  expect(run("export", "network.safetensors", "--to", "module", "--out", "network.mjs").status).toBe(0);
  const network = await Network.load(readFileSync(join(folder, "network.safetensors")));
  expect(readFileSync(join(folder, "network.mjs"), "utf8")).toBe(network.toModule());
});

test("wrong use says what is wrong, in one line, and leaves no file", async () => {
  await writeFile(join(folder, "notes.txt"), "no model");
  for (const [parameters, code, message] of [
    [["export", "price.safetensors", "--out", "x.onnx"], 2, "export: required option '--to <format>' not specified"],
    [["export", "price.safetensors", "--to", "onnx"], 2, "export: required option '--out <file>' not specified"],
    [["export", "price.safetensors", "--to", "onxx", "--out", "x.onnx"], 2, "Did you mean 'onnx'?"],
    [["export", "price.safetensors", "--to", "onnx", "--out", "-"], 2, "export: --out: expected the path of a file, got '-'"],
    [["export", "price.safetensors", "--to", "onnx", "--out", "./price.safetensors"], 2, "export: --out: expected another file than the model"],
    [["export", "price.safetensors", "--to", "onnx", "--out", "none/x.onnx"], 1, "Make its folder first."],
    [["export", "price.safetensors", "--to", "onnx", "--out", "."], 1, "got a folder"],
    [["export", "nothing.safetensors", "--to", "onnx", "--out", "x.onnx"], 1, "expected a file that can be read, got no such file"],
    [["export", "notes.txt", "--to", "module", "--out", "x.mjs"], 1, "notes.txt"],
  ] as const) {
    const { status, stdout, stderr } = run(...parameters);
    expect([status, stdout], stderr).toEqual([code, ""]);
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n").length, stderr).toBe(1);
  }
  expect(existsSync(join(folder, "x.onnx")) || existsSync(join(folder, "x.mjs"))).toBe(false);
  expect(readdirSync(folder).filter((name) => name.includes(".tmp"))).toEqual([]);
});
