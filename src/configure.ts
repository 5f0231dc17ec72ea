// What a user sets for the whole process: how workers start.

import { checkKeys, wrongKind } from "./check.js";
import type { WorkerLike } from "./engine/platform.js";
import { setWorkerFactory } from "./engine/pool.js";

export interface Configuration {
  /**
   * Starts a worker, Node's or the web's, that runs `rosenblatt/worker`, for hosts that forbid workers made from text:
   * `() => new Worker(new URL("rosenblatt/worker", import.meta.url), { type: "module" })` as the bundler has it.
   */
  worker?: () => WorkerLike;
}

/**
 * Overrides how the library starts its workers, from the next `fit` on; without `worker` they start as the host has it again.
 * @throws {TypeError} for options that are not allowed
 */
export function configure(options: Configuration): void {
  const { worker } = checkKeys("configure", options, ["worker"]);
  if (worker !== undefined && typeof worker !== "function") throw wrongKind("configure: worker", "a function that returns a Worker", worker);
  setWorkerFactory(worker as Configuration["worker"]);
}
