// How many threads a fit uses, and a memory on which they can play.

import { sharedModule } from "../engine/core.js";
import { availableThreads, poolStarted, workersAvailable } from "../engine/pool.js";
import type { Model } from "../model.js";
import { threadsThatHelp } from "../plan/threads.js";
import type { PreparedFit } from "./prepare.js";

/** Threads of a fit, the caller among them. */
export interface Crew {
  readonly threads: number;
  /** Workers that the process may have for it. */
  readonly most: number;
  /** What the workers instantiate. */
  readonly module: WebAssembly.Module;
  /** Whether the fit starts when all are there: their number was asked for. */
  readonly awaited: boolean;
}

/** More than one thread for that fit, with the network on a shared memory; or undefined, where one does as well or is all that can be had. */
export async function assemble(model: Model, { options, batch, stepsPerEpoch }: PreparedFit): Promise<Crew | undefined> {
  if (!workersAvailable() || model.custom) return undefined;
  const { available } = availableThreads();
  const awaited = options.threads !== "auto";
  const threads = options.threads === "auto"
    ? threadsThatHelp(model.topology, batch, options.epochs * stepsPerEpoch, available, poolStarted())
    : options.threads;
  if (threads < 2) return undefined;
  const module = await sharedModule(model.description.simd);
  if (!model.core.shared && !model.core.share(module)) {
    model.refusal = "the engine gives no shared memory of that size; dispose of networks that are no longer used";
    return undefined;
  }
  return { threads, most: awaited ? Infinity : available - 1, module, awaited };
}
