// rosenblatt predict: a model and a table → a CSV with one prediction a row, in the rows' order. The table is read and
// predicted piece by piece; the predictions are written when all rows have been read, so that an error leaves no half file.

import { appendFile, stat } from "node:fs/promises";
import { checkWritable, isDescriptor, naming, writeFileAtomic } from "../files/atomic.js";
import { outputsOf, predictionsOf } from "../tabular/predict.js";
import { cellPlace, isSameFile, loadTabular, openTable, requireColumns, standardStream, UsageError } from "./input.js";
import { escapeControls } from "./terminal.js";

export interface PredictOptions {
  out?: string;
  probabilities?: boolean;
}

/** Predicts, and returns what goes to stdout: the CSV, or nothing if it went to a file. */
export async function predict(modelPath: string, path: string, { out, probabilities = false }: PredictOptions, signal: AbortSignal): Promise<string> {
  const stream = out === undefined || out === "-" ? process.stdout : await standardStream(out);
  const toFile = out !== undefined && stream === undefined;
  const inPlace = toFile && !(await isStream(out));
  if (toFile) {
    for (const input of [modelPath, path]) {
      if (input !== "-" && (await isSameFile(input, out))) throw new UsageError(`--out: expected another file than those that are read, got ${out}`);
    }
    if (inPlace) await checkWritable(out);
  }
  const model = await loadTabular(modelPath);
  const { preparation, classes } = model;
  if (probabilities && classes === undefined) throw new UsageError("--probabilities: expected a model for classification, got one for regression");
  const width = classes?.length ?? 1;
  const header = ["prediction", ...(probabilities ? classes!.map((label) => `p_${label}`) : [])];
  const parts = [line(header)];
  let count = 0;
  let seen: readonly string[] = [];
  for await (const batch of openTable(path, signal)) {
    seen = batch.names;
    if (batch.final) requireColumns(model.columns, seen, path);
    const outputs = outputsOf(model, batch.rows, "predict", cellPlace(path, batch));
    const predictions = predictionsOf(preparation, outputs);
    count += batch.rows.length;
    parts.push(predictions.map((prediction, i) => line([
      String(prediction),
      ...(probabilities ? Array.from(outputs.subarray(i * width, (i + 1) * width), probability) : []),
    ])).join(""));
  }
  if (count > 0) requireColumns(model.columns, seen, path);
  signal.throwIfAborted();
  if (stream === process.stdout) return parts.join("");
  if (!toFile) {
    process.stderr.write(parts.join(""));
    return "";
  }
  if (inPlace) await writeFileAtomic(out, new TextEncoder().encode(parts.join("")));
  else await naming(out, () => appendFile(out, parts.join("")));
  process.stderr.write(`${count} ${count === 1 ? "prediction" : "predictions"} written to ${escapeControls(out)}\n`);
  return "";
}

/** Whether a path is that of a device, a pipe or an open file of a process, which is written to and never replaced. */
async function isStream(path: string): Promise<boolean> {
  if (await isDescriptor(path)) return true;
  const stats = await stat(path).catch(() => undefined);
  return stats !== undefined && !stats.isFile() && !stats.isDirectory();
}

/** Nine digits, which is what it takes to tell two f32 apart. */
function probability(value: number): string {
  return String(Number(value.toPrecision(9)));
}

function line(fields: readonly string[]): string {
  return `${fields.map((field) => (/[",;\t|\n\r]|^\s|\s$/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(",")}\n`;
}
