// What a user sets for the whole process: what computes, and how workers start.

import { checkKeys, wrongKind } from "./check.js";
import { replaceCore } from "./engine/core.js";
import type { Given } from "./engine/embedded.js";
import { checkGiven } from "./engine/given.js";
import type { WorkerLike } from "./engine/platform.js";
import { setWorkerFactory } from "./engine/pool.js";

export interface Configuration {
  /**
   * The core, in place of the embedded one, from which nothing is resolved or fetched then: the bytes of `rosenblatt/core.wasm`, a Response
   * with them, their URL (http:, https:, data:, in Node file: too), or the compiled module, where the host compiles no bytes. Before the first
   * network. `rosenblatt/slim` has no other. A module that came compiled is for shared memory (core.wasm) or for unshared
   * (core.unshared.wasm, on which one thread plays); bytes make both.
   */
  wasm?: Given;
  /**
   * Starts a worker, Node's or the web's, that runs `rosenblatt/worker`, for hosts that forbid workers made from text:
   * `() => new Worker(new URL("rosenblatt/worker", import.meta.url), { type: "module" })` as the bundler has it.
   */
  worker?: () => WorkerLike;
}

/**
 * Overrides what computes, and how the library starts its workers, from the next `fit` on. Without both, workers start as the host has it again.
 * What a URL or a Response turns out to be is told by the first `create`, `load` or `ready`.
 * @throws {TypeError} for options that are not allowed
 * @throws {Error} for `wasm` after the first network, or a response without the binary
 */
export function configure(options: Configuration): void {
  const given = checkKeys("configure", options, ["wasm", "worker"]);
  const { wasm, worker } = given;
  if (worker !== undefined && typeof worker !== "function") throw wrongKind("configure: worker", "a function that returns a Worker", worker);
  if (wasm !== undefined) replaceCore(checkGiven(wasm));
  if (wasm === undefined || "worker" in given) setWorkerFactory(worker as Configuration["worker"]);
}
