// The threads of one fit: the workers that play with the caller on one memory, from their engagement to the end of the fit.
// The control block through which they meet is that of assembly/barrier.ts.

import { Control, JOB_SHARES, Played, TeamState } from "../../assembly/codes.js";
import type { Core } from "./core.js";
import { hardwareThreads, mayBlock, nextTurn } from "./platform.js";
import { PooledWorker } from "./pool.js";
import type { Employer } from "./pool.js";

/** Rounds of spinning before a thread sleeps: about 0.1 ms, longer than the pause between two calls of a fit; where there are more threads than the machine runs, little more than the difference of two equal shares. */
const SPIN = 40_000;
const SPIN_CROWDED = 4_000;
/** Microseconds that a thread naps which finds all work done by others, where there are more threads than the machine runs. */
const NAP = 4_000;
/**
 * How long a worker may take to answer. Counted, as GIVE_UP_MS is, in slices of which each counts a second at most: while a machine
 * sleeps or a page is frozen, the clock goes on and the workers do not.
 */
const READY_MS = 10_000;
const SLICE_MS = 1_000;
/** How long the caller waits in one go for a share that another thread has, and altogether; longer where a step is. */
const PATIENCE_MS = 250;
const GIVE_UP_MS = 60_000;
/** How long it waits between two turns of the event loop, once it has waited in vain. */
const GLANCE_MS = 1;
/** How long a member may take to leave at the end of a fit before it is left behind. */
const LEAVE_MS = 1_000;

/** What the team plays: byte offsets in the memory. */
export interface Part {
  readonly control: number;
  readonly tape: number;
  /** Instructions. */
  readonly count: number;
  readonly steps: number;
  readonly shares: number;
  readonly panel: number;
  readonly panelBytes: number;
}

export class Team implements Employer {
  /** Why the fit must end, once a worker has failed. */
  failure: Error | undefined;
  private readonly workers = new Set<PooledWorker>();
  private readonly answered = new Set<PooledWorker>();
  private heard: (() => void) | undefined;
  private readonly words: number;

  private constructor(private readonly core: Core, private readonly part: Part, threads: number) {
    this.words = part.control / 4;
    const { i32, words } = this;
    const crowded = threads > hardwareThreads();
    for (const word of [Control.sleepers, Control.idlers, Control.left, Control.state]) Atomics.store(i32, words + word / 4, 0);
    // a job that failed was never closed
    Atomics.store(i32, words + Control.job / 4, (Atomics.load(i32, words + Control.job / 4) & ~JOB_SHARES) + JOB_SHARES + 1);
    i32[words + Control.tape / 4] = part.tape;
    i32[words + Control.count / 4] = part.count;
    i32[words + Control.steps / 4] = part.steps;
    i32[words + Control.shares / 4] = part.shares;
    i32[words + Control.panel / 4] = part.panel;
    i32[words + Control.panelBytes / 4] = part.panelBytes;
    i32[words + Control.spin / 4] = crowded ? SPIN_CROWDED : SPIN;
    i32[words + Control.nap / 4] = crowded ? NAP : 0;
  }

  /**
   * Engages workers for `threads` threads, the caller among them, or as many as there are.
   * @param most workers that the process may have
   */
  static async engage(core: Core, module: WebAssembly.Module, part: Part, threads: number, most: number): Promise<Team> {
    const team = new Team(core, part, threads);
    const engagement = Atomics.load(team.i32, team.words + Control.members / 4);
    let turned = performance.now();
    for (let i = 1; i < threads && team.failure === undefined; i++) {
      try {
        const worker = PooledWorker.hire(most);
        if (worker === undefined) break;
        team.workers.add(worker);
        worker.engage(team, { module, memory: core.memory, control: part.control, engagement });
      } catch (cause) {
        team.fail("could not be started", cause);
      }
      // starting a worker takes the caller about a millisecond
      if (performance.now() - turned < 8) continue;
      await nextTurn();
      turned = performance.now();
    }
    return team;
  }

  private get i32(): Int32Array {
    return this.core.i32;
  }

  /** Members that play, beside the caller. */
  get members(): number {
    return Atomics.load(this.i32, this.words + Control.members / 4) & JOB_SHARES;
  }

  /** Resolves when all workers have answered, one has failed, or the signal is aborted. */
  async ready(signal: AbortSignal | undefined): Promise<void> {
    for (const worker of this.workers) worker.hold(true);
    let timer: ReturnType<typeof setInterval> | undefined;
    const late = new Promise<void>((resolve) => {
      let slices = 0;
      timer = setInterval(() => {
        if (++slices < READY_MS / SLICE_MS) return;
        clearInterval(timer);
        const advice = "Correct the factory given to configure, whose worker must run rosenblatt/worker, or use threads: 1";
        this.failure ??= new Error(`fit: expected an answer of each worker within ${READY_MS / 1000} seconds, got none. ${advice}`);
        // of those that answered nobody knows which has not joined
        for (const worker of this.workers) if (!this.answered.has(worker) || this.answered.size >= this.workers.size) worker.end();
        resolve();
      }, SLICE_MS);
    });
    const all = new Promise<void>((resolve) => {
      this.heard = () => {
        if (this.failure !== undefined || this.answered.size >= this.workers.size) resolve();
      };
      this.heard();
    });
    let abort: (() => void) | undefined;
    const aborted = new Promise<void>((resolve) => {
      abort = resolve;
      if (signal?.aborted) resolve();
      signal?.addEventListener("abort", abort);
    });
    await Promise.race([all, late, aborted]);
    // the answer comes an instant before the worker joins
    while (this.failure === undefined && !signal?.aborted && this.members < this.workers.size) await nextTurn();
    clearInterval(timer);
    signal?.removeEventListener("abort", abort!);
    // one that has not answered may never do so: the next fit shall not wait for it
    if (signal?.aborted) for (const worker of this.workers) if (!this.answered.has(worker)) worker.end();
    for (const worker of this.workers) worker.hold(false);
  }

  /**
   * Plays the first `count` step records. Returns how many were finished, or Played.
   * @param stepMs how long a step takes, as far as it is known
   */
  play(count: number, stepMs: number): number {
    const patience = mayBlock() ? Math.min(2 ** 30, Math.ceil(PATIENCE_MS + 4 * stepMs)) : -1;
    return this.core.exports.playTogether(this.part.control, 0, count, 0, patience);
  }

  /**
   * Goes on where `play` returned a member of Played: lets the event loop turn, and waits again.
   * @param stepMs how long a step takes, as far as it is known
   * @returns the steps finished, or Played.broken when `failure` is set
   */
  async resume(played: number, stepMs: number): Promise<number> {
    let waited = 0;
    let last = performance.now();
    while (played < 0) {
      await nextTurn();
      const now = performance.now();
      waited += Math.min(now - last, SLICE_MS);
      last = now;
      if (this.failure === undefined && waited > GIVE_UP_MS + 100 * stepMs) {
        this.fail("made no progress", new Error(`no news for ${Math.round(waited / 1000)} seconds`));
        this.endWorkers();
      }
      if (this.failure !== undefined) return Played.broken;
      // no more than a glance: the event loop goes on meanwhile, and tells of a worker that has failed
      if (played === Played.stalled) played = this.core.exports.playTogether(this.part.control, 0, 0, 1, mayBlock() ? GLANCE_MS : -1);
    }
    return played;
  }

  /** The end of the fit: members leave. Resolves when nobody else plays on the memory; the network may be on another one then. */
  async dismiss(): Promise<void> {
    const { core, words } = this;
    const { i32 } = this;
    const members = Atomics.load(i32, words + Control.members / 4);
    // who comes later finds the engagement over
    const joined = Atomics.exchange(i32, words + Control.members / 4, (members & ~JOB_SHARES) + JOB_SHARES + 1) & JOB_SHARES;
    core.exports.endTeam(this.part.control, this.failure === undefined ? TeamState.dismissed : TeamState.broken);
    if (this.failure === undefined) await this.departure(joined);
    else await this.withdraw();
    for (const worker of this.workers) worker.release();
  }

  /** Waits until that many members have left, or nobody is left who would. */
  private async departure(joined: number): Promise<void> {
    const { i32 } = this;
    const left = this.words + Control.left / 4;
    const started = performance.now();
    for (let count = Atomics.load(i32, left); count < joined; count = Atomics.load(i32, left)) {
      const late = performance.now() - started > LEAVE_MS;
      if (late) this.endWorkers();
      if (late || this.failure !== undefined) {
        await this.withdraw();
        return;
      }
      if (mayBlock() && performance.now() - started < 2) Atomics.wait(i32, left, count, 1);
      else await nextTurn();
    }
  }

  /** Takes the network to a memory of its own: whoever is in the middle of a share goes on writing into the old one. */
  private async withdraw(): Promise<void> {
    try {
      this.core.separate();
    } catch {
      // no room for both: then nobody may be left to write
      this.endWorkers();
      await new Promise((resolve) => setTimeout(resolve, LEAVE_MS));
    }
  }

  private endWorkers(): void {
    for (const worker of this.workers) worker.end();
  }

  answer(worker: PooledWorker): void {
    this.answered.add(worker);
    this.heard?.();
  }

  failed(worker: PooledWorker, cause: unknown): void {
    this.workers.delete(worker);
    this.fail("failed", cause);
  }

  refused(worker: PooledWorker): void {
    this.workers.delete(worker);
    this.heard?.();
  }

  private fail(what: string, cause: unknown): void {
    const text = cause instanceof Error ? cause.message : String(cause);
    this.failure ??= new Error(`fit: a worker ${what} (${text}). The network is as it was at the last good epoch; threads: 1 needs no worker`, { cause });
    this.heard?.();
  }
}
