// rosenblatt evaluate: a model and a table with known targets → loss, metrics and confusion matrix.

import { escapeControls } from "./terminal.js";
import { evaluateRows } from "../tabular/predict.js";
import { cellPlace, loadTabular, readTable, requireColumns, tableName } from "./input.js";
import { formatEvaluation, json } from "./train.js";

/** Evaluates, and returns what goes to stdout. */
export async function evaluate(modelPath: string, path: string, options: { json?: boolean }, signal: AbortSignal): Promise<string> {
  const model = await loadTabular(modelPath);
  const { names, rows, lines } = await readTable(path, signal);
  requireColumns([model.target, ...model.columns], names, path);
  const evaluation = evaluateRows(model, rows, "evaluate", cellPlace(path, lines));
  if (!options.json) return `${formatEvaluation(escapeControls(tableName(path)), evaluation, model.classes)}\n`;
  const { task, target, classes } = model;
  return json({ task, target, classes, rows: rows.length, ...evaluation, model: modelPath });
}
