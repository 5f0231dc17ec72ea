// What a worker of a comparison in Node runs: it is given the task once, then one job after the other.

import { parentPort, workerData } from "node:worker_threads";
import type { ActivationName, ActivationSpec } from "../describe/activations.js";
import { foldsOf, runJob } from "./job.js";
import type { CompareTask } from "./job.js";

const task = workerData as CompareTask;
const folds = foldsOf(task);

parentPort!.on("message", ({ activation, fold }: { activation: ActivationName | ActivationSpec; fold: number }) => {
  folds.then((dealt) => runJob(task, activation, fold, dealt)).then(
    (result) => parentPort!.postMessage({ result }),
    (error: unknown) => parentPort!.postMessage({ error }),
  );
});
