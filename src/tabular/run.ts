// The record of a training that has not ended, which a checkpoint of the command holds beside the preparation: the options that
// shape the result, a hash of the rows, and the figures of the epochs so far. The network's own file holds the unfinished fit;
// this says with which data and options to finish it.
//
//   "run": { "data": "9f86…", "options": { "hidden": [64, 32], … }, "history": [[1, 0.93, 0.6, 0.88, 0.65], …] }

import { activationNames } from "../describe/activations.js";
import type { ActivationName } from "../describe/activations.js";
import { optimizerNames } from "../describe/optimizers.js";
import type { OptimizerName } from "../describe/optimizers.js";
import type { JSONValue } from "../files/json.js";
import type { Entry } from "./preparation.js";
import type { Task } from "./target.js";

/** The options of a training that decide on its result, beside the target; null where the choice was left to the library. */
export interface RunOptions {
  readonly task: Task | null;
  readonly hidden: readonly number[];
  readonly activation: ActivationName;
  readonly optimizer: OptimizerName;
  readonly learningRate: number | null;
  readonly epochs: number;
  readonly batchSize: number;
  readonly dropout: number;
  readonly l2: number | null;
  readonly test: number;
  readonly validation: number;
  readonly patience: number;
  readonly seed: number;
}

/** Epoch, loss, measure, validation loss, validation measure (accuracy, or root mean squared error); null where there is none. */
export type EpochFigures = readonly [epoch: number, loss: number, measure: number | null, validationLoss: number | null, validationMeasure: number | null];

export interface Run {
  /** SHA-256 of the rows, 64 hexadecimal digits. */
  readonly data: string;
  readonly options: RunOptions;
  readonly history: readonly EpochFigures[];
}

/** Epochs that the record keeps: of more, every second, fourth, … one. */
const MOST_EPOCHS = 500;

/** Adds an epoch; once there are too many, every second is dropped, and from then on every second one added, so that they stay evenly spaced. */
export class EpochList {
  private spacing = 1;
  private last: EpochFigures | undefined;
  private kept: EpochFigures[] = [];

  constructor(earlier: readonly EpochFigures[] = []) {
    for (const figures of earlier) this.add(figures);
  }

  add(figures: EpochFigures): void {
    this.last = figures;
    if ((figures[0] - 1) % this.spacing !== 0) return;
    this.kept.push(figures);
    if (this.kept.length <= MOST_EPOCHS) return;
    this.spacing *= 2;
    this.kept = this.kept.filter(([epoch]) => (epoch - 1) % this.spacing === 0);
  }

  /** The epochs kept, and the last one in any case. */
  get all(): readonly EpochFigures[] {
    return this.last === undefined || this.last === this.kept.at(-1) ? this.kept : [...this.kept, this.last];
  }
}

/** The record in a preparation. @throws {ModelFormatError} for one that this library would not have written */
export function readRun(file: Entry): Run {
  const data = file.string("data");
  if (!/^[0-9a-f]{64}$/.test(data)) file.refuse("data", "64 hexadecimal digits", data);
  const options = readOptions(file.entry("options"));
  const history = file.list("history").map((figures, i) => {
    const sound = Array.isArray(figures) && figures.length === 5 && figures.every((figure, k) => isFigure(figure, k < 2));
    return sound ? (figures as unknown as EpochFigures) : file.refuse(`history[${i}]`, "five numbers, the last three of which may be null", figures);
  });
  if (history.length > MOST_EPOCHS + 1) file.refuse("history", `at most ${MOST_EPOCHS + 1} epochs`, history.length);
  file.end();
  return { data, options, history };
}

function isFigure(figure: JSONValue, needed: boolean): boolean {
  return typeof figure === "number" || (!needed && figure === null);
}

function readOptions(file: Entry): RunOptions {
  const optional = (key: string): number | null => {
    const value = file.take(key);
    return value === null || typeof value === "number" ? value : file.refuse(key, "a number or null", value);
  };
  const hidden = file.list("hidden").map((units, i) => (typeof units === "number" ? units : file.refuse(`hidden[${i}]`, "a number", units)));
  const task = file.take("task");
  if (task !== null && task !== "classification" && task !== "regression") file.refuse("task", "'classification', 'regression' or null", task);
  const options: RunOptions = {
    task: task as Task | null, hidden,
    activation: file.oneOf("activation", activationNames), optimizer: file.oneOf("optimizer", optimizerNames), learningRate: optional("learningRate"),
    epochs: file.number("epochs"), batchSize: file.number("batchSize"), dropout: file.number("dropout"), l2: optional("l2"),
    test: file.number("test"), validation: file.number("validation"), patience: file.number("patience"), seed: file.number("seed"),
  };
  file.end();
  return options;
}
