// rosenblatt evaluate: a model and a table with known targets → loss, metrics and confusion matrix.

import { escapeControls } from "./terminal.js";
import { readCell } from "../tabular/columns.js";
import { evaluateRows } from "../tabular/predict.js";
import { cellPlace, loadTabular, readTable, requireColumns, tableName } from "./input.js";
import { formatEvaluation, json } from "./train.js";

/** Evaluates, and returns what goes to stdout. */
export async function evaluate(modelPath: string, path: string, options: { json?: boolean }, signal: AbortSignal): Promise<string> {
  const model = await loadTabular(modelPath);
  const data = await readTable(path, signal);
  const { rows } = data;
  requireColumns([model.target, ...model.columns], data.names, path);
  const place = cellPlace(path, data);
  const evaluation = evaluateRows(model, rows, "evaluate", place);
  if (!options.json) return `${formatEvaluation(escapeControls(tableName(path)), evaluation, model.classes)}\n`;
  const { task, target, classes } = model;
  const evaluated = rows.filter((_, i) => readCell(rows, i, target, place) !== undefined).length;
  return json({ task, target, classes, rows: evaluated, ...evaluation, model: modelPath });
}
