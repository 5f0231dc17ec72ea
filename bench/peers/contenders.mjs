// Who takes part: each library with its setting, the networks that it is tried on, and how its process is started.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const PYTHON = "/usr/bin/python3";

/** Versions as installed. */
export function versionOf(name) {
  return JSON.parse(readFileSync(at(`node_modules/${name}/package.json`), "utf8")).version;
}

function pytorchVersion() {
  if (!existsSync(PYTHON)) return undefined;
  const { status, stdout } = spawnSync(PYTHON, ["-c", "import torch, numpy; print(torch.__version__)"], { encoding: "utf8" });
  return status === 0 ? stdout.trim() : undefined;
}

/** Environments of PyTorch: without a processor type set for OpenBLAS; with two threads OpenBLAS alone has them: OpenMP's beside them slow both. */
function pytorchEnvironment(threads) {
  const { OPENBLAS_CORETYPE: dropped, OPENBLAS_L2_SIZE: droppedToo, ...environment } = process.env;
  return { ...environment, OMP_NUM_THREADS: "1", OMP_WAIT_POLICY: "PASSIVE", OPENBLAS_NUM_THREADS: String(threads) };
}

const node = (name, variant) => (network, folder) => ({
  command: process.execPath,
  parameters: [at("serve.mjs"), name, network.key, folder, variant],
  environment: { ...process.env, TFJS_WASM_FOLDER: at("node_modules/@tensorflow/tfjs-backend-wasm/dist") },
});

const python = (threads) => (network, folder) => ({
  command: PYTHON, parameters: [at("pytorch.py"), JSON.stringify(network), folder], environment: pytorchEnvironment(threads),
});

/** { name, version, networks?, tasks?, start }; `version` undefined: absent, `absent` says why. Ours first. */
export function contenders(ours) {
  const torch = pytorchVersion();
  const absent = torch === undefined ? `${PYTHON} with torch and numpy is not here` : undefined;
  return [
    { name: "rosenblatt", version: ours, start: node("rosenblatt", "1") },
    { name: "rosenblatt, 2 threads", version: ours, tasks: ["train"], start: node("rosenblatt", "2") },
    { name: "tfjs-wasm", version: versionOf("@tensorflow/tfjs-backend-wasm"), start: node("tfjs-wasm", "1") },
    { name: "brain.js", version: versionOf("brain.js"), start: node("brain.js", "adam") },
    { name: "brain.js, plain descent", version: versionOf("brain.js"), networks: ["T1", "T2"], tasks: ["train"], start: node("brain.js", "descent") },
    { name: "synaptic", version: versionOf("synaptic"), networks: ["T1", "T2", "T3"], start: node("synaptic", "1") },
    { name: "convnetjs", version: versionOf("convnetjs"), start: node("convnetjs", "1") },
    { name: "onnxruntime-node", version: versionOf("onnxruntime-node"), tasks: ["single", "batch"], start: node("onnxruntime-node", "1") },
    { name: "onnxruntime-web", version: versionOf("onnxruntime-web"), tasks: ["single", "batch"], start: node("onnxruntime-web", "1") },
    { name: "pytorch", version: torch, absent, start: python(1) },
    { name: "pytorch, 2 threads", version: torch, absent, networks: ["T3", "T4", "T5", "T6"], tasks: ["train"], start: python(2) },
  ];
}
