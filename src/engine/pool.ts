// The workers of the process: started when a fit asks for them, kept for the next one, unref'ed, so that a script that has
// finished exits. A worker is free or engaged by one fit; messages to it queue, so it may be engaged again as soon as it
// has been told to leave. One that fails is never used again.

import { workerScript } from "../../build/core-facts.js";
import { wrongKind } from "../check.js";
import { coreRefusal } from "./core.js";
import { hardwareThreads, listen, sharingRefusal, workerStarters } from "./platform.js";
import type { WorkerLike } from "./platform.js";

/** The message that engages a worker. */
export interface Engaged {
  readonly id: number;
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Byte offset of the control block, and the word of members under which the worker joins; see assembly/barrier.ts. */
  readonly control: number;
  readonly engagement: number;
}

/** What a worker answers: that it plays, or what went wrong. */
export interface FromWorker {
  readonly id: number;
  readonly error?: { readonly name: string; readonly message: string; readonly stack: string | undefined };
}

/** Who engages workers, and hears of them. */
export interface Employer {
  answer(worker: PooledWorker): void;
  failed(worker: PooledWorker, cause: unknown): void;
  /** It never played, and none may be started here: there are fewer threads. */
  refused(worker: PooledWorker): void;
}

/** A user's way to start a worker that runs rosenblatt/worker. */
export type WorkerFactory = () => WorkerLike;

const pool = new Set<PooledWorker>();
let factory: WorkerFactory | undefined;
let unavailable: string | undefined;
let lastId = 0;
/** The way to start a worker that has worked, or the first to try. */
let firstWay = 0;

/** How long a free worker is kept beyond those that the machine has threads for: each holds some 8 MB. */
const SURPLUS_MS = 10_000;

/** How workers start from now on: by the user's factory, or as the host has it. Those there are end when they are free. */
export function setWorkerFactory(given: WorkerFactory | undefined): void {
  if (given === factory) return;
  factory = given;
  unavailable = undefined;
  for (const worker of pool) worker.retire();
}

/** How many threads may play together, and why only one. */
export function availableThreads(): { readonly available: number; readonly reason?: string } {
  const reason = sharingRefusal() ?? coreRefusal() ?? unavailable ?? (factory === undefined && workerStarters("").length === 0 ? "this host starts no workers" : undefined);
  if (reason !== undefined) return { available: 1, reason };
  const available = hardwareThreads();
  return available > 1 ? { available } : { available, reason: "this machine has one hardware thread" };
}

/** Whether workers can be had, whatever the machine's number of threads. */
export function workersAvailable(): boolean {
  return (sharingRefusal() ?? coreRefusal() ?? unavailable) === undefined && (factory !== undefined || workerStarters("").length > 0);
}

/** Whether workers have been started. */
export function poolStarted(): boolean {
  return pool.size > 0;
}

/** What a user's factory gave, if it is a worker that is not in use. */
function requireWorker(given: unknown): WorkerLike {
  const worker = given as Partial<WorkerLike> | null | undefined;
  const listens = typeof worker?.on === "function" || typeof worker?.addEventListener === "function";
  if (!listens || typeof worker?.postMessage !== "function" || typeof worker.terminate !== "function") {
    if (typeof (given as Partial<Promise<unknown>> | undefined)?.then === "function") (given as Promise<unknown>).then(undefined, () => undefined);
    throw wrongKind("configure: worker", "a function that returns a Worker", given, "The function given to configure returned that");
  }
  for (const other of pool) if (other.runs(worker as WorkerLike)) throw new Error("configure: worker: expected a new Worker of each call, got one that is in use. Write `() => new Worker(…)`");
  return worker as WorkerLike;
}

export class PooledWorker {
  private worker!: WorkerLike;
  private employer: Employer | undefined;
  private message: Engaged | undefined;
  private answered = false;
  private ended = false;
  private retired = false;
  private way = firstWay;
  private surplus: ReturnType<typeof setTimeout> | undefined;

  private constructor() {
    this.start();
    pool.add(this);
  }

  /**
   * A free worker, or a new one if there may be so many.
   * @throws what a user's factory throws
   */
  static hire(most: number): PooledWorker | undefined {
    for (const worker of pool) if (worker.employer === undefined && !worker.retired) return worker;
    if (pool.size >= most || !workersAvailable()) return undefined;
    try {
      return new PooledWorker();
    } catch (cause) {
      if (factory !== undefined) throw cause;
      unavailable = `no worker can be started (${cause instanceof Error ? cause.message : String(cause)})`;
      return undefined;
    }
  }

  /** Whether that is its worker. */
  runs(worker: WorkerLike): boolean {
    return worker === this.worker;
  }

  /** Sends it to play. */
  engage(employer: Employer, message: Omit<Engaged, "id">): void {
    clearTimeout(this.surplus);
    this.employer = employer;
    this.message = { ...message, id: ++lastId };
    this.worker.postMessage(this.message);
  }

  /** Whether the process stays alive for it. */
  hold(held: boolean): void {
    if (held) this.worker.ref?.();
    else this.worker.unref?.();
  }

  /** It has been told to leave and may be engaged again. */
  release(): void {
    this.hold(false);
    this.employer = this.message = undefined;
    if (this.retired) this.end();
    else if (pool.size >= Math.max(2, hardwareThreads())) {
      this.surplus = setTimeout(() => this.end(), SURPLUS_MS);
      (this.surplus as { unref?(): void }).unref?.();
    }
  }

  /** Ends it once it is free. */
  retire(): void {
    this.retired = true;
    if (this.employer === undefined) this.end();
  }

  /** Ends it, whatever it does. */
  end(): void {
    this.ended = true;
    clearTimeout(this.surplus);
    pool.delete(this);
    this.hold(false);
    void this.worker.terminate();
  }

  private start(): void {
    if (factory !== undefined) this.worker = requireWorker(factory());
    else {
      const starters = workerStarters(workerScript);
      for (;; this.way++) {
        try {
          this.worker = starters[this.way]();
          break;
        } catch (error) {
          if (this.way + 1 >= starters.length) throw error;
        }
      }
    }
    const { worker } = this;
    listen(worker, {
      message: (message) => this.hear(message as FromWorker),
      failed: (cause) => {
        if (worker === this.worker) this.fail(cause);
      },
    });
    this.hold(false);
  }

  private hear(message: FromWorker): void {
    if (typeof message?.id !== "number" || (message.error !== undefined && typeof message.error?.message !== "string")) {
      this.fail(new Error("it sent a message that is not of rosenblatt/worker"));
      return;
    }
    const { id, error } = message;
    if (!this.answered) firstWay = this.way;
    this.answered = true;
    if (this.employer === undefined || id !== this.message?.id) return;
    if (error === undefined) {
      this.employer.answer(this);
      return;
    }
    const cause = new Error(error.message);
    cause.name = error.name;
    cause.stack = error.stack;
    this.fail(cause);
  }

  private fail(cause: unknown): void {
    if (this.ended) return;
    const { employer } = this;
    const started = this.answered || factory !== undefined;
    if (!started && this.restarted(cause)) return;
    this.end();
    if (!started && unavailable !== undefined) employer?.refused(this);
    else employer?.failed(this, cause);
  }

  /** Whether it has been started in the next way: the first may be forbidden, which shows only when it does not start. */
  private restarted(cause: unknown): boolean {
    const starters = workerStarters(workerScript).length;
    if (starters < 2) return false;
    if (++this.way < starters) {
      try {
        this.start();
        if (this.message !== undefined) this.worker.postMessage(this.message);
        return true;
      } catch {
        // then there is none
      }
    }
    unavailable = `no worker can be started (${cause instanceof Error ? cause.message : String(cause)})`;
    return false;
  }
}
