// What stands at the network's end: the output layer's activation and the loss that goes with it.

import type { Task } from "./data.js";
import type { State } from "./state.js";

export type OutputName = Exclude<State["output"], "auto">;
export type LossName = "binaryCrossEntropy" | "crossEntropy" | "meanSquaredError";

export const usualOutput = { binary: "sigmoid", classes: "softmax", regression: "linear" } as const satisfies Record<Task, OutputName>;

/** softmax weighs classes against each other: with one output there is nothing to weigh. */
export function outputOf(output: State["output"], task: Task): OutputName {
  return output === "auto" || (output === "softmax" && task !== "classes") ? usualOutput[task] : output;
}

/** The library's default, but for a regression, whose targets are no probabilities. */
export function lossOf(output: OutputName, task: Task): LossName {
  if (task === "regression") return "meanSquaredError";
  return output === "softmax" ? "crossEntropy" : output === "sigmoid" ? "binaryCrossEntropy" : "meanSquaredError";
}
