// rosenblatt train: a table → a model file, and how well it does on rows that it has not seen.

import { checkWritable } from "../files/atomic.js";
import type { ActivationName, EpochReport, Network, OptimizerName } from "../index.js";
import { saveFile } from "../node.js";
import { checkTabularOptions } from "../tabular/options.js";
import type { TabularOptions } from "../tabular/options.js";
import type { Preparation } from "../tabular/preparation.js";
import type { RunOptions } from "../tabular/run.js";
import { trainTable } from "../tabular/tabular.js";
import type { Task } from "../tabular/target.js";
import { evaluateRows } from "../tabular/predict.js";
import type { TabularEvaluation } from "../tabular/predict.js";
import { Checkpoints, checkSameOptions, hashRows, readCheckpoint } from "./checkpoint.js";
import { lossCurve } from "./curve.js";
import { cellPlace, Interrupted, isSameFile, readTable, requireColumns, standardStream, tableName, UsageError } from "./input.js";
import { version } from "./version.js";
import { optionNames, usualOptions } from "./options.js";
import { duration, escapeControls, figure, formatConfusion, Progress, shellWord, styled } from "./terminal.js";

export interface TrainOptions {
  target?: string;
  task?: Task;
  hidden: number[];
  activation: ActivationName;
  optimizer: OptimizerName;
  learningRate?: number;
  epochs: number;
  batchSize: number;
  dropout: number;
  l2?: number;
  test: number;
  validation: number;
  patience: number;
  seed: number;
  threads: number | "auto";
  out: string;
  checkpoint?: string;
  every?: number;
  resume?: string;
  report?: string;
  json?: boolean;
  quiet?: boolean;
}

/** Seconds between two checkpoints where --every does not say. */
const USUAL_INTERVAL = 60;
/** Rows of the training part that its measure in the report is taken on, at most. */
const MEASURED_ROWS = 2000;

/** Trains, writes the model, and returns what goes to stdout. `given` are the names of the options that the user gave. */
export async function train(path: string, options: TrainOptions, given: ReadonlySet<string>, signal: AbortSignal): Promise<string> {
  if (options.target === undefined && options.resume === undefined) throw new UsageError("required option '--target <column>' not specified");
  if (options.every !== undefined && options.checkpoint === undefined && options.resume === undefined) {
    throw new UsageError("--every: expected --checkpoint FILE beside it, got none. Say where the checkpoints go");
  }
  const { target: givenTarget, threads, out, resume, report } = options;
  if (givenTarget !== undefined) checkUsage({ ...describeTraining(runOptionsOf(options)), target: givenTarget, threads });
  const checkpoint = options.checkpoint ?? resume;
  await checkOutputs(path, { "--out": out, "--checkpoint": options.checkpoint, "--report": report });

  const interruption = resume === undefined ? undefined : await readCheckpoint(resume);
  if (interruption !== undefined) {
    const chosen = Object.fromEntries(Object.entries(runOptionsOf(options)).filter(([name]) => given.has(name)));
    checkSameOptions({ ...chosen, target: givenTarget }, interruption, resume!);
  }
  const run = interruption?.run.options ?? runOptionsOf(options);
  const target = interruption?.target ?? givenTarget!;
  const described = { ...describeTraining(run), target, threads };

  const data = await readTable(path, signal);
  const { rows } = data;
  if (interruption !== undefined && hashRows(rows) !== interruption.run.data) {
    throw new Error(`${tableName(path)}: expected the rows that the training in ${shellWord(resume!)} began with, got others. Give the same file, or leave --resume out`);
  }
  requireColumns([target], data.names, path);
  const progress = options.quiet ? undefined : new Progress(process.stderr, run.epochs);
  const tell = (message: string): void => void process.stderr.write(`${styled(process.stderr, "yellow", escapeControls(message))}\n`);
  const checkpoints = new Checkpoints(checkpoint ?? out, rows, run, interruption?.run);
  const started = performance.now();
  let measure: ((report: EpochReport) => [number | null, number | null]) | undefined;
  try {
    const place = cellPlace(path, data);
    const { model, test, validation, counts } = await trainTable(rows, {
      ...described,
      signal,
      onEpoch: (epochReport) => {
        const { epoch, loss, validation, samplesPerSecond } = epochReport;
        checkpoints.note(epochReport, ...(measure?.(epochReport) ?? [null, null]));
        progress?.update({ epoch, loss, validationLoss: validation?.loss, samplesPerSecond });
      },
    }, run.test, place, {
      interrupted: interruption?.network,
      onPrepared: options.quiet ? undefined : ({ notes }) => writeNotes(notes),
      onStart(network, preparation, inputs, targets) {
        checkpoints.begin(network, preparation);
        measure = measureOf(network, preparation, report === undefined ? undefined : { inputs, targets });
        if (checkpoint !== undefined) checkpoints.start(options.every ?? USUAL_INTERVAL, tell);
      },
    });
    await checkpoints.stop();
    const seconds = (performance.now() - started) / 1000;
    progress?.end("done");
    const { history } = checkpoints;
    const epochs = history.at(-1)?.[0] ?? 0;
    const testRows = Array.from(test, (row) => rows[row]);
    const evaluation = testRows.length === 0 ? undefined : evaluateRows(model, testRows, "train", (row, column) => place(test[row], column));
    await saveFile(model, out);
    if (report !== undefined) {
      const { writeReport } = await import("./report.js");
      const command = commandLine(path, target, run);
      await writeReport(report, { model, data: tableName(path), rows, place, test, validation, counts, evaluation, history, run, seconds, command, version: version() });
    }
    if (!options.quiet && !options.json) {
      const curve = lossCurve(history, process.stderr.isTTY ? process.stderr.columns : Infinity);
      if (curve !== "") process.stderr.write(`${curve}\n`);
    }

    const { bestEpoch } = model.history!;
    if (options.json) {
      return json({
        task: model.task, target, classes: model.classes, columns: model.columns, rows: counts, epochs, seconds,
        test: evaluation ?? null, model: out, bestEpoch, seed: run.seed, notes: model.notes, report,
      });
    }
    const kind = model.classes === undefined ? "regression" : `classification into ${model.classes.length} classes`;
    const columns = `${model.columns.length} ${model.columns.length === 1 ? "column" : "columns"}`;
    return [
      `${bold(escapeControls(target))}: ${kind} from ${columns}; ${counts.train} rows to train, ${counts.validation} to validate, ${counts.test} to test`,
      `${epochs} of ${run.epochs} epochs in ${duration(seconds)}, the best was epoch ${bestEpoch}`,
      evaluation === undefined ? "no rows held out for a test" : formatEvaluation("test", evaluation, model.classes),
      `model written to ${escapeControls(out)}`,
      ...(report === undefined ? [] : [`report written to ${escapeControls(report)}`]),
    ].join("\n") + "\n";
  } catch (error) {
    await checkpoints.stop();
    progress?.end("stopped");
    if (error instanceof Interrupted && checkpoints.possible) {
      throw await savedInterruption(error, checkpoints, checkpoint ?? out, ["rosenblatt train", shellWord(path), ...words({ "--out": out, "--report": report })].join(" "));
    }
    throw error;
  }
}

/** Saves what there is of a training that a signal has ended, and says how to go on. */
async function savedInterruption(error: Interrupted, checkpoints: Checkpoints, path: string, command: string): Promise<Interrupted> {
  await checkpoints.write();
  const epoch = checkpoints.history.at(-1)?.[0] ?? 0;
  return new Interrupted(error.exitCode, `interrupted after ${epoch === 1 ? "1 epoch" : `${epoch} epochs`}, saved in ${path}. Go on with: ${command} --resume ${shellWord(path)}`);
}

/** The command that trains anew with the same result: options at their defaults are left out. */
function commandLine(path: string, target: string, run: RunOptions): string {
  const parts = ["rosenblatt train", shellWord(path), ...words({ "--target": target })];
  for (const [key, option] of Object.entries(optionNames) as [keyof RunOptions, string][]) {
    const value = run[key];
    if (value !== null && (key === "seed" || String(value) !== String(usualOptions[key]))) parts.push(option, String(value) || "none");
  }
  return parts.join(" ");
}

function words(options: Record<string, string | undefined>): string[] {
  return Object.entries(options).flatMap(([option, value]) => (value === undefined ? [] : [option, shellWord(value)]));
}

/** @throws {Error} unless every one of the files can be written and is neither the data nor where the command prints */
async function checkOutputs(path: string, outputs: Record<string, string | undefined>): Promise<void> {
  const files = Object.entries(outputs).filter((entry): entry is [string, string] => entry[1] !== undefined);
  for (const [option, file] of files) {
    if (file === "-" || (await standardStream(file)) !== undefined) {
      const got = file === "-" ? "'-'" : `${file}, where this command prints`;
      const advice = option === "--report" ? "Name one, such as report.html" : "A model is a file: name one, such as model.safetensors";
      throw new UsageError(`${option}: expected the path of a file, got ${got}. ${advice}`);
    }
    if (path !== "-" && (await isSameFile(path, file))) throw new UsageError(`${option}: expected another file than the data, got ${path}`);
    await checkWritable(file);
  }
  const report = outputs["--report"];
  for (const [option, file] of files) {
    if (report !== undefined && option !== "--report" && (await isSameFile(report, file))) throw new UsageError(`--report: expected another file than ${option}, got ${report}`);
  }
}

function runOptionsOf({ task, hidden, activation, optimizer, learningRate, epochs, batchSize, dropout, l2, test, validation, patience, seed }: TrainOptions): RunOptions {
  return {
    task: task ?? null, hidden, activation, optimizer, learningRate: learningRate ?? null, epochs, batchSize, dropout, l2: l2 ?? null, test, validation, patience, seed,
  };
}

/** What the library takes. */
function describeTraining({ task, learningRate, l2, validation, test: _, ...rest }: RunOptions): Omit<TabularOptions, "target"> {
  return { ...rest, task: task ?? undefined, learningRate: learningRate ?? undefined, l2: l2 ?? undefined, validationSplit: validation };
}

/** What is measured of an epoch beside its losses: of a regression the root mean squared errors in the target's unit, of the training part only with `part`. */
function measureOf(network: Network, preparation: Preparation, part: { inputs: Float32Array; targets: Float32Array } | undefined) {
  if (preparation.task === "classification") return undefined;
  const { deviation } = preparation;
  const inUnit = (loss: number): number => Math.sqrt(loss) * deviation;
  const measured = part === undefined ? undefined : everyFew(part.inputs, part.targets, network.inputs);
  return ({ validation }: EpochReport): [number | null, number | null] => [
    measured === undefined ? null : inUnit(network.evaluate(measured.inputs, measured.targets).loss),
    validation === undefined ? null : inUnit(validation.loss),
  ];
}

/** At most MEASURED_ROWS rows, evenly spread. */
function everyFew(inputs: Float32Array, targets: Float32Array, width: number): { inputs: Float32Array; targets: Float32Array } {
  const spacing = Math.ceil(targets.length / MEASURED_ROWS);
  if (spacing === 1) return { inputs, targets };
  const count = Math.ceil(targets.length / spacing);
  const few = new Float32Array(count * width);
  for (let i = 0; i < count; i++) few.set(inputs.subarray(i * spacing * width, (i * spacing + 1) * width), i * width);
  return { inputs: few, targets: targets.filter((_, i) => i % spacing === 0) };
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
