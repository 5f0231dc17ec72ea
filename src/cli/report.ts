// What the report of `train` says: gathers it from the training, and writes the page whole or not at all.

import { writeFileAtomic } from "../files/atomic.js";
import type { Finding } from "../index.js";
import { renderReport } from "../report/page.js";
import { importanceOf, importanceRows } from "../report/importance.js";
import { numberOf, readCell, transformRows } from "../tabular/columns.js";
import type { Place, Row } from "../tabular/columns.js";
import { evaluateRows, predictionsOf } from "../tabular/predict.js";
import type { TabularEvaluation } from "../tabular/predict.js";
import type { EpochFigures, RunOptions } from "../tabular/run.js";
import type { Tabular } from "../tabular/tabular.js";
import { labelIndex } from "../tabular/target.js";
import { duration, figure } from "./terminal.js";

export interface ReportedTraining {
  readonly model: Tabular;
  /** The name of the table. */
  readonly data: string;
  readonly rows: readonly Row[];
  readonly place: Place;
  /** Indices of rows. */
  readonly test: Uint32Array;
  readonly validation: Uint32Array;
  readonly counts: { readonly train: number; readonly validation: number; readonly test: number };
  /** On the test part, if there is one. */
  readonly evaluation: TabularEvaluation | undefined;
  readonly history: readonly EpochFigures[];
  readonly run: RunOptions;
  readonly seconds: number;
  readonly command: string;
  readonly version: string;
}

/** Points of the scatter plot and rows of the diagnosis, at most. */
const MOST_POINTS = 1000;

/** Writes the report. @throws {Error} if the path cannot be written */
export async function writeReport(path: string, training: ReportedTraining): Promise<void> {
  const { model, data, rows, place, test, validation, counts, history, run, seconds, command, version } = training;
  const { preparation, network, target } = model;
  const part = test.length > 0 ? { name: "test", indices: test } : validation.length > 0 ? { name: "validation", indices: validation } : undefined;
  const placeIn = (indices: Uint32Array): Place => (row, column) => place(indices[row], column);
  const judged = part && (training.evaluation ?? evaluateRows(model, Array.from(part.indices, (i) => rows[i]), "train", placeIn(part.indices)));
  const epochs = history.at(-1)?.[0] ?? 0;
  const bestEpoch = model.history?.bestEpoch ?? 0;
  const importance = part === undefined ? undefined : await importanceOn(training, evenly(part.indices, importanceRows(preparation.columns.length, part.indices.length)));
  const page = renderReport({
    title: `${target} from ${data}`,
    subtitle: `${model.task === "classification" ? `Classification into ${model.classes!.length} classes` : "Regression"} from ${preparation.columns.length} ${
      preparation.columns.length === 1 ? "column" : "columns"
    }: ${counts.train} rows to train, ${counts.validation} to validate, ${counts.test} to test. ${epochs} of ${run.epochs} epochs in ${duration(seconds)}.`,
    figures: part === undefined ? [] : figuresOf(part.name, judged!),
    history, bestEpoch,
    measure: model.task === "classification" ? "accuracy" : "root mean squared error",
    judgedOn: part && { name: part.name, rows: part.indices.length },
    ...(preparation.task === "classification"
      ? judged && { confusion: { matrix: judged.confusionMatrix!, classes: preparation.classes.map(String) } }
      : part && { scatter: { target, points: pointsOf(training, evenly(part.indices, MOST_POINTS)) } }),
    importance: importance?.columns ?? [],
    importanceMeasure: model.task === "classification" ? "the accuracy" : "R²",
    importanceRows: importance?.rows ?? 0,
    columns: preparation.columns,
    notes: preparation.notes,
    summary: network.summary(),
    findings: findingsOf(training, part?.name, judged, epochs, bestEpoch),
    command, version,
  });
  await writeFileAtomic(path, new TextEncoder().encode(page));
}

function figuresOf(part: string, { loss, metrics }: TabularEvaluation): [string, string][] {
  const names: Record<string, string> = {
    accuracy: "accuracy", f1: "macro f1", precision: "macro precision", recall: "macro recall", auc: "macro auc",
    r2: "R²", meanAbsoluteError: "mean absolute error", rootMeanSquaredError: "root mean squared error",
  };
  const shown = Object.entries(metrics).filter(([name]) => name in names);
  return [...shown.map(([name, value]): [string, string] => [`${part}: ${names[name]}`, name === "accuracy" ? `${(100 * value).toFixed(1)} %` : figure(value)]), [`${part}: loss`, figure(loss)]];
}

/** At most so many of the indices, evenly spread. */
function evenly(indices: Uint32Array, most: number): Uint32Array {
  const spacing = Math.ceil(indices.length / most);
  return indices.filter((_, i) => i % spacing === 0);
}

function targetsOf({ model, rows, place }: ReportedTraining, indices: Uint32Array): number[] {
  const { preparation, target } = model;
  const indexOf = preparation.task === "classification" ? labelIndex(preparation.classes) : undefined;
  return Array.from(indices, (i) => {
    const cell = readCell(rows, i, target, place);
    return indexOf === undefined ? numberOf(cell) : indexOf(cell!);
  });
}

function pointsOf(training: ReportedTraining, indices: Uint32Array): [number, number][] {
  const { model: { preparation, network }, rows, place } = training;
  const predictions = predictionsOf(preparation, network.predict(transformRows(preparation.columns, rows, indices, place)));
  return targetsOf(training, indices).map((truth, i) => [truth, Number(predictions[i])]);
}

async function importanceOn(training: ReportedTraining, indices: Uint32Array) {
  const { model: { preparation, network }, rows, place, run } = training;
  const targets = targetsOf(training, indices);
  const inputs = transformRows(preparation.columns, rows, indices, place);
  const score = preparation.task === "classification"
    ? (outputs: Float32Array) => accuracyOf(outputs, targets, preparation.classes.length)
    : (outputs: Float32Array) => r2Of(outputs, targets.map((truth) => (truth - preparation.mean) / preparation.deviation));
  return { rows: indices.length, columns: await importanceOf(network, preparation, inputs, { seed: run.seed, score }) };
}

function accuracyOf(outputs: Float32Array, targets: readonly number[], classes: number): number {
  let right = 0;
  for (let row = 0; row < targets.length; row++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (outputs[row * classes + k] > outputs[row * classes + best]) best = k;
    if (best === targets[row]) right++;
  }
  return right / targets.length;
}

function r2Of(outputs: Float32Array, targets: readonly number[]): number {
  const mean = targets.reduce((sum, value) => sum + value, 0) / targets.length;
  let residual = 0;
  let total = 0;
  targets.forEach((value, i) => {
    residual += (value - outputs[i]) ** 2;
    total += (value - mean) ** 2;
  });
  return total === 0 ? 0 : 1 - residual / total;
}

/** What stands out: of the training, of the result beside the plainest guess, and of the layers. */
function findingsOf({ model, rows, place, test, validation, history, run }: ReportedTraining, part: string | undefined, judged: TabularEvaluation | undefined, epochs: number, bestEpoch: number) {
  const found: Pick<Finding, "message" | "advice">[] = [];
  if (epochs === run.epochs && bestEpoch >= epochs - 1 && epochs > 1) {
    found.push({ message: `The best epoch is the last but ${epochs - bestEpoch} of ${epochs}: it was still getting better.`, advice: "More --epochs may help." });
  }
  const best = history.find(([epoch]) => epoch === bestEpoch);
  if (best !== undefined && best[3] !== null && best[3] > 2 * best[1] && best[3] - best[1] > 0.1) {
    found.push({
      message: `At the best epoch the loss is ${figure(best[1])} in training and ${figure(best[3])} in validation: the network knows its rows better than others.`,
      advice: "More rows, a larger --l2, --dropout or fewer units may help.",
    });
  }
  if (judged?.confusionMatrix !== undefined) {
    const sums = judged.confusionMatrix.map((row) => row.reduce((sum, count) => sum + count, 0));
    const all = sums.reduce((sum, count) => sum + count, 0);
    const guess = Math.max(...sums) / all;
    if (judged.metrics.accuracy <= guess) {
      found.push({ message: `To answer the most frequent class always is right in ${(100 * guess).toFixed(1)} % of the ${part} rows, the model in ${(100 * judged.metrics.accuracy).toFixed(1)} %.`, advice: "The columns may say little of the target." });
    }
    const never = model.classes!.filter((_, k) => sums[k] > 0 && judged.confusionMatrix!.every((row) => row[k] === 0));
    if (never.length > 0) {
      found.push({ message: `${never.length === 1 ? "One class is" : `${never.length} classes are`} never answered: ${never.slice(0, 5).join(", ")}${never.length > 5 ? ", …" : ""}.`, advice: "There may be too few rows of it." });
    }
  } else if (judged !== undefined && judged.metrics.r2 <= 0) {
    found.push({ message: `R² is ${figure(judged.metrics.r2)} on the ${part} rows: to answer the mean always is as good.`, advice: "The columns may say little of the target." });
  }
  const held = new Set([...test, ...validation]);
  const training = evenly(Uint32Array.from(rows.keys()).filter((i) => !held.has(i) && readCell(rows, i, model.target, place) !== undefined), MOST_POINTS);
  return [...found, ...diagnose(model, transformRows(model.preparation.columns, rows, training, place))];
}

/** What the network's own diagnosis finds on inputs of the training part. */
function diagnose({ network }: Tabular, inputs: Float32Array): readonly Pick<Finding, "message" | "advice">[] {
  const { diagnose } = network as unknown as { diagnose?(inputs: Float32Array): { findings: readonly Finding[] } };
  return diagnose?.call(network, inputs).findings ?? [];
}
