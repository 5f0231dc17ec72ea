// What the page calls the output layer: its activation and the loss that goes with it.

import type { Task } from "./data.js";

const names: Record<Task, string> = { binary: "sigmoid, binaryCrossEntropy", classes: "softmax, crossEntropy", regression: "linear, meanSquaredError" };

export function outputName(task: Task): string {
  return names[task];
}
