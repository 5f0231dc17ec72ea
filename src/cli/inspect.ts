// rosenblatt inspect: what is in a model file: layers, target, columns. It also reads networks that no table made.

import { namingFile } from "../files/named.js";
import type { Network } from "../index.js";
import { loadFile } from "../node.js";
import type { Column } from "../tabular/columns.js";
import { tabularOf } from "../tabular/tabular.js";
import { cut, escapeControls, figure, shellWord, table } from "./terminal.js";
import { json } from "./train.js";

/** Describes a model file, and returns what goes to stdout. */
export async function inspect(path: string, options: { json?: boolean }): Promise<string> {
  const network = await loadFile(path);
  const model = network.tabular === undefined ? undefined : await namingFile(path, () => tabularOf(network));
  const { inputs, outputs, parameterCount, seed } = network;
  const layers = network.layers.map(({ kind, inputs, units, activation }) => ({ kind, inputs, units, activation }));
  const run = model?.preparation.run;
  const unfinished = run && { epochs: run.history.at(-1)?.[0] ?? 0, of: run.options.epochs };
  if (options.json) {
    return json({
      model: path, inputs, outputs, parameters: parameterCount, seed, layers, task: model?.task ?? null, target: model?.target ?? null,
      classes: model?.classes, columns: model?.columns ?? null, preparation: model?.preparation.columns, notes: model?.notes,
      unfinished: unfinished && { epochs: unfinished.epochs, of: unfinished.of },
    });
  }
  const parts = [`${inputs} inputs, ${outputs} ${outputs === 1 ? "output" : "outputs"}, ${parameterCount} parameters, seed ${seed}`, describeLayers(network)];
  if (model !== undefined) {
    const classes = model.classes?.map((label) => escapeControls(String(label))).join(", ");
    parts.push(`target ${escapeControls(model.target)}: ${model.task}${classes === undefined ? "" : ` into ${cut(classes, 400)}`}`);
    parts.push(table([["column", "kind", "inputs", "becomes"], ...model.preparation.columns.map(describeColumn)]));
    if (unfinished !== undefined) {
      parts.push(`an unfinished training: ${unfinished.epochs} of ${unfinished.of} epochs. Go on with: rosenblatt train DATA --resume ${shellWord(path)}`);
    }
    if (model.notes.length > 0) parts.push(model.notes.map((note) => `note: ${escapeControls(note)}`).join("\n"));
  }
  return `${parts.join("\n\n")}\n`;
}

function describeLayers({ layers }: Network): string {
  return table([["layer", "kind", "inputs", "units", "activation"], ...layers.map(({ kind, inputs, units, activation }, i) => [`${i}`, kind, `${inputs}`, `${units}`, activation])]);
}

const CATEGORIES_WIDTH = 60;
const NAME_WIDTH = 40;

function describeColumn(column: Column): string[] {
  const name = cut(escapeControls(column.name), NAME_WIDTH);
  if (column.kind === "numeric") {
    const becomes = `(x − ${figure(column.mean)}) / ${figure(column.deviation)}${column.indicator ? ", missing" : ""}`;
    return [name, column.kind, column.indicator ? "2" : "1", becomes];
  }
  const categories = column.categories.map((category) => escapeControls(category ?? "missing"));
  return [name, column.kind, `${column.categories.length + 1}`, cut(`one of ${[...categories, "other"].join(", ")}`, CATEGORIES_WIDTH)];
}
