// rosenblatt train: a table → a model file, and how well it does on rows that it has not seen.

import { checkWritable } from "../files/atomic.js";
import type { ActivationName, OptimizerName } from "../index.js";
import { saveFile } from "../node.js";
import { checkTabularOptions } from "../tabular/options.js";
import type { TabularOptions } from "../tabular/options.js";
import { trainTable } from "../tabular/tabular.js";
import type { Task } from "../tabular/target.js";
import { evaluateRows } from "../tabular/predict.js";
import type { TabularEvaluation } from "../tabular/predict.js";
import { cellPlace, isSameFile, readTable, requireColumns, standardStream, UsageError } from "./input.js";
import { duration, escapeControls, figure, formatConfusion, Progress, styled } from "./terminal.js";

export interface TrainOptions {
  target?: string;
  task?: Task;
  hidden: number[];
  activation: ActivationName;
  optimizer: OptimizerName;
  learningRate?: number;
  epochs: number;
  batchSize: number;
  l2?: number;
  test: number;
  validation: number;
  patience: number;
  seed: number;
  threads: number | "auto";
  out: string;
  json?: boolean;
  quiet?: boolean;
}

/** Trains, writes the model, and returns what goes to stdout. */
export async function train(path: string, options: TrainOptions, signal: AbortSignal): Promise<string> {
  const { target, task, hidden, activation, optimizer, learningRate, epochs, batchSize, l2, patience, seed, threads, out } = options;
  if (target === undefined) throw new UsageError("required option '--target <column>' not specified");
  const described = {
    target, task, hidden, activation, optimizer, learningRate, epochs, batchSize, l2, patience, seed, threads, validationSplit: options.validation,
  };
  checkUsage(described);
  if (out === "-" || (await standardStream(out)) !== undefined) {
    const got = out === "-" ? "'-'" : `${out}, where this command prints`;
    throw new UsageError(`--out: expected the path of a file, got ${got}. A model is a file: name one, such as model.safetensors`);
  }
  if (path !== "-" && (await isSameFile(path, out))) throw new UsageError(`--out: expected another file than the data, got ${path}`);
  await checkWritable(out);
  const data = await readTable(path, signal);
  const { rows } = data;
  requireColumns([target], data.names, path);
  const progress = options.quiet ? undefined : new Progress(process.stderr, epochs);
  const started = performance.now();
  try {
    const place = cellPlace(path, data);
    const { model, test, counts } = await trainTable(rows, {
      ...described,
      signal,
      onEpoch: progress && (({ epoch, loss, validation, samplesPerSecond }) => progress.update({ epoch, loss, validationLoss: validation?.loss, samplesPerSecond })),
    }, options.test, place, options.quiet ? undefined : ({ notes }) => writeNotes(notes));
    const seconds = (performance.now() - started) / 1000;
    progress?.end("done");
    signal.throwIfAborted();
    const testRows = Array.from(test, (row) => rows[row]);
    const evaluation = testRows.length === 0 ? undefined : evaluateRows(model, testRows, "train", (row, column) => place(test[row], column));
    await saveFile(model, out);

    const { epochs: reports, bestEpoch } = model.history!;
    if (options.json) {
      return json({
        task: model.task, target, classes: model.classes, columns: model.columns, rows: counts, epochs: reports.length, seconds,
        test: evaluation ?? null, model: out, bestEpoch, seed, notes: model.notes,
      });
    }
    const kind = model.classes === undefined ? "regression" : `classification into ${model.classes.length} classes`;
    return [
      `${bold(escapeControls(target))}: ${kind} from ${model.columns.length} columns; ${counts.train} rows to train, ${counts.validation} to validate, ${counts.test} to test`,
      `${reports.length} of ${epochs} epochs in ${duration(seconds)}, the best was epoch ${bestEpoch}`,
      evaluation === undefined ? "no rows held out for a test" : formatEvaluation("test", evaluation, model.classes),
      `model written to ${escapeControls(out)}`,
    ].join("\n") + "\n";
  } catch (error) {
    progress?.end("stopped");
    throw error;
  }
}

/** @throws {UsageError} for an option that the library refuses, before the data is read */
function checkUsage(options: TabularOptions): void {
  try {
    checkTabularOptions(options);
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error });
  }
}

/** One object, keys that are undefined left out. */
export function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Loss and metrics in a line, and below it the confusion matrix. */
export function formatEvaluation(title: string, { loss, metrics, confusionMatrix }: TabularEvaluation, classes: readonly unknown[] | undefined): string {
  if (confusionMatrix === undefined) {
    const { r2, meanAbsoluteError, rootMeanSquaredError } = metrics;
    return `${title}: R2 ${bold(figure(r2))}, mean absolute error ${bold(figure(meanAbsoluteError))}, root mean squared error ${figure(rootMeanSquaredError)}`;
  }
  const right = confusionMatrix.reduce((sum, row, i) => sum + row[i], 0);
  const all = confusionMatrix.flat().reduce((sum, count) => sum + count, 0);
  const accuracy = `accuracy ${bold(`${(100 * metrics.accuracy).toFixed(2)} %`)} (${right} of ${all})`;
  return `${title}: ${accuracy}, macro f1 ${bold(figure(metrics.f1))}, loss ${figure(loss)}\n\n${formatConfusion(confusionMatrix, classes!)}\n`;
}

function bold(text: string): string {
  return styled(process.stdout, "bold", text);
}

function writeNotes(notes: readonly string[]): void {
  for (const note of notes) process.stderr.write(`${styled(process.stderr, "dim", `note: ${escapeControls(note)}`)}\n`);
}
