// The child's side of a contender: one library on one network in a process of its own, which times one block on request.
//
//   node serve.mjs <contender> <network> <folder> <variant>
//
// A line of JSON in, one out: { task: "train" | "single" | "batch", prepare: true } checks the answer and warms up;
// { task, ms } times one block; { end: true } ends. Each answer has the seconds of processor used so far.

import { createInterface } from "node:readline";
import { chosen } from "../networks.mjs";

const [, , name, key, folder, variant] = process.argv;
const modules = {
  rosenblatt: () => import("./rosenblatt.mjs"),
  "tfjs-wasm": () => import("../../build/peers-tfjs.cjs"),
  "brain.js": () => import("./brainjs.mjs"),
  synaptic: () => import("./synaptic.mjs"),
  convnetjs: () => import("./convnetjs.mjs"),
  "onnxruntime-node": () => import("./onnxruntime.mjs"),
  "onnxruntime-web": () => import("./onnxruntime.mjs"),
};

const answer = (message) => process.stdout.write(`${JSON.stringify({ ...message, cpu: process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6 })}\n`);

const [network] = chosen(key);
const module = await modules[name]();
const tasks = await module.create({ name, network, folder, variant });
answer({ tasks: Object.keys(tasks) });
for await (const line of createInterface({ input: process.stdin })) {
  const { task, prepare, ms, end } = JSON.parse(line);
  if (end) break;
  try {
    answer(prepare ? { note: await tasks[task].prepare() } : await tasks[task].time(ms));
  } catch (error) {
    answer({ error: error.message });
  }
}
process.exit(0);
