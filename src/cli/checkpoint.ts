// Checkpoints of a training: files from which `train --resume` goes on. One is a model file whose network holds its unfinished
// fit and whose preparation holds the record of the training (tabular/run.ts). Each replaces the one before it whole.

import { createHash } from "node:crypto";
import { describeValue, refusal } from "../check.js";
import { namingFile } from "../files/named.js";
import { writeFileAtomic } from "../files/atomic.js";
import type { EpochReport, Network } from "../index.js";
import { loadFile } from "../node.js";
import type { Row } from "../tabular/columns.js";
import { baseName } from "../tabular/csv.js";
import { writePreparation } from "../tabular/preparation.js";
import type { Preparation } from "../tabular/preparation.js";
import { EpochList } from "../tabular/run.js";
import type { Run, RunOptions } from "../tabular/run.js";
import { tabularOf } from "../tabular/tabular.js";
import { UsageError } from "./input.js";
import { optionNames } from "./options.js";

/** A training that was interrupted: the network, and what its file says of the training. */
export interface Interruption {
  readonly network: Network;
  readonly target: string;
  readonly run: Run;
}

/** Reads what a checkpoint holds. @throws {Error} for a model whose training has ended, and for any other file */
export async function readCheckpoint(path: string): Promise<Interruption> {
  const network = await loadFile(path);
  const model = network.tabular === undefined ? undefined : await namingFile(path, () => tabularOf(network));
  const run = model?.preparation.run;
  if (model === undefined || run === undefined || !network.interrupted) {
    const got = model === undefined ? "a network without columns" : "a model whose training has ended";
    throw new Error(refusal(baseName(path), "a checkpoint of 'rosenblatt train'", got));
  }
  return { network, target: model.target, run };
}

/** SHA-256 of all cells with the names of their columns, in order. */
export function hashRows(rows: readonly Row[]): string {
  const hash = createHash("sha256");
  for (const row of rows) hash.update(JSON.stringify(row)).update("\n");
  return hash.digest("hex");
}

/** @throws {UsageError} naming the first option that was given and differs from that of the interrupted training */
export function checkSameOptions(given: Partial<RunOptions> & { target?: string }, { run, target }: Interruption, path: string): void {
  const refuse = (option: string, was: unknown, is: unknown): never => {
    throw new UsageError(refusal(option, `${shown(was)}, as in ${baseName(path)}`, shown(is), "Leave it out, or leave --resume out to start anew"));
  };
  if (given.target !== undefined && given.target !== target) refuse("--target", target, given.target);
  for (const key of Object.keys(optionNames) as (keyof RunOptions)[]) {
    const value = given[key];
    if (value !== undefined && String(value) !== String(run.options[key])) refuse(optionNames[key], run.options[key], value);
  }
}

function shown(value: unknown): string {
  return value === null ? "none" : Array.isArray(value) ? value.join(",") || "none" : describeValue(value);
}

/** The checkpoints of one training. */
export class Checkpoints {
  private readonly epochs: EpochList;
  private network: Network | undefined;
  private preparation: Preparation | undefined;
  private data: string | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private writing: Promise<void> = Promise.resolve();
  private busy = false;

  /** @param path where they go */
  constructor(private readonly path: string, private readonly rows: readonly Row[], private readonly options: RunOptions, resumed: Run | undefined) {
    this.data = resumed?.data;
    this.epochs = new EpochList(resumed?.history);
  }

  /** The network is about to be trained; from here on it can be written. */
  begin(network: Network, preparation: Preparation): void {
    this.network = network;
    this.preparation = preparation;
  }

  /** The epochs so far, of the training before it was resumed too. */
  get history(): Run["history"] {
    return this.epochs.all;
  }

  note({ epoch, loss, metrics, validation }: EpochReport, measure: number | null, validationMeasure: number | null): void {
    this.epochs.add([epoch, loss, measure ?? metrics.accuracy ?? null, validation?.loss ?? null, validationMeasure ?? validation?.metrics.accuracy ?? null]);
  }

  /** Writes one every so many seconds; what keeps one from being written is told and does not end the training. */
  start(seconds: number, tell: (message: string) => void): void {
    this.timer = setInterval(() => {
      if (this.busy) return;
      this.busy = true;
      this.writing = this.write()
        .catch((error: Error) => tell(`no checkpoint written: ${error.message}`))
        .then(() => void (this.busy = false));
    }, seconds * 1000);
  }

  /** Writes no more of them. Settles when none is being written. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.writing;
  }

  /** Whether there is a training that could be resumed. */
  get possible(): boolean {
    return this.network?.interrupted === true;
  }

  /** Writes one now. @throws {Error} if it cannot be written */
  async write(): Promise<void> {
    const { network, preparation } = this;
    if (network === undefined || preparation === undefined || !network.interrupted) return;
    const run: Run = { data: (this.data ??= hashRows(this.rows)), options: this.options, history: this.history };
    const plain = network.tabular;
    let bytes: Uint8Array;
    try {
      network.tabular = writePreparation(preparation, run);
      bytes = network.save();
    } finally {
      network.tabular = plain;
    }
    await writeFileAtomic(this.path, bytes);
  }
}
