// rosenblatt compare: the activations of the hidden layers, tried on a table: the same network with each on the same folds, as a table and as a page.

import { compareInDetail } from "../compare/compare.js";
import type { DetailedComparison } from "../compare/compare.js";
import type { ActivationName } from "../describe/activations.js";
import { checkWritable, writeFileAtomic } from "../files/atomic.js";
import { adam } from "../index.js";
import { columnNames, fitColumns, inputCount, transformRows } from "../tabular/columns.js";
import { fitScale, readTarget } from "../tabular/target.js";
import type { Task } from "../tabular/target.js";
import { comparisonPage } from "./comparison-page.js";
import { tableOf } from "./comparison-table.js";
import { cellPlace, readTable, requireColumns, UsageError } from "./input.js";
import { duration, escapeControls, table } from "./terminal.js";
import { json } from "./train.js";

export interface CompareCommandOptions {
  target?: string;
  task?: Task;
  activations: ActivationName[];
  hidden: number[];
  folds: number;
  epochs: number;
  batchSize: number;
  learningRate: number;
  seed: number;
  threads: number | "auto";
  report?: string;
  json?: boolean;
}

/** Compares, writes the page, and returns what goes to stdout. */
export async function compare(path: string, options: CompareCommandOptions, signal: AbortSignal): Promise<string> {
  const { target: name, task, activations, hidden, folds, epochs, batchSize, learningRate, seed, threads, report } = options;
  if (name === undefined) throw new UsageError("required option '--target <column>' not specified");
  if (hidden.length === 0) throw new UsageError("--hidden: expected a hidden layer at least, whose activation is compared, got none");
  const twice = activations.find((activation, i) => activations.indexOf(activation) !== i);
  if (twice !== undefined) throw new UsageError(`--activations: expected each activation once, got '${twice}' twice`);
  if (report !== undefined) await checkWritable(report);
  const batch = await readTable(path, signal);
  const { names, rows } = batch;
  requireColumns([name], names, path);
  const place = cellPlace(path, batch);
  const target = readTarget(rows, name, task, place);
  const kept = Uint32Array.from(target.kept);
  const { columns, notes } = fitColumns(rows, kept, columnNames(rows).filter((column) => column !== name), place);
  if (columns.length === 0) throw new Error(`expected a column to learn from, got none of use (${notes.join("; ")})`);
  const width = inputCount(columns);
  const flat = transformRows(columns, rows, kept, place);
  const inputs = Array.from({ length: kept.length }, (_, r) => flat.subarray(r * width, (r + 1) * width));
  const classification = target.task === "classification";
  const { mean, deviation } = classification ? { mean: 0, deviation: 1 } : fitScale(Float64Array.from(target.values));
  const targets = Float32Array.from(target.values, (value) => (value - mean) / deviation);
  const started = performance.now();
  const comparison = await compareInDetail({
    inputs, targets, hidden, activations, folds, seed, epochs, batchSize, threads, signal, optimizer: adam({ learningRate }),
    loss: classification ? "crossEntropy" : "meanSquaredError", metrics: classification ? ["accuracy", "f1"] : ["r2", "rootMeanSquaredError"],
  });
  const seconds = (performance.now() - started) / 1000;
  const shown = scaled(comparison, deviation, classification);
  if (report !== undefined) {
    const title = { target: name, task: target.task, rows: kept.length, columns: columns.length, hidden, folds, epochs, seed, columnNames: columns.map((column) => column.name) };
    await writeFileAtomic(report, new TextEncoder().encode(comparisonPage(title, shown, { classification })));
  }
  if (options.json) {
    return json({ task: target.task, target: name, rows: kept.length, columns: columns.map((column) => column.name), hidden, folds, epochs, seed, seconds, activations: shown.rows, report });
  }
  const told = shown.rows.flatMap(({ activation, findings }) => findings.map(({ message, advice }) => `${activation}: ${message} ${advice}`));
  return [
    `${escapeControls(name)}: ${target.task} from ${columns.length} columns, ${kept.length} rows, hidden layers ${hidden.join(", ")}, ${folds} folds, ${duration(seconds)}`,
    table(tableOf(shown)),
    "differs: from the best by more than chance, at the level 0.05 (corrected resampled t-test of the losses, Holm)",
    ...(told.length > 0 ? ["", ...told] : []),
    ...(report === undefined ? [] : [`report written to ${escapeControls(report)}`]),
    "",
  ].join("\n");
}

/** Root mean squared errors in the target's unit. */
function scaled(comparison: DetailedComparison, deviation: number, classification: boolean): DetailedComparison {
  if (classification) return comparison;
  const rows = comparison.rows.map((row) => ({
    ...row,
    metrics: Object.fromEntries(Object.entries(row.metrics).map(([name, spread]) => {
      const unit = name === "rootMeanSquaredError" ? deviation : 1;
      return [name, { mean: spread.mean * unit, deviation: spread.deviation * unit }];
    })),
    folds: row.folds.map(({ loss, metrics }) => ({
      loss, metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, name === "rootMeanSquaredError" ? value * deviation : value])),
    })),
  }));
  return { ...comparison, rows };
}
