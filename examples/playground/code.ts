// The shown network as code that runs when pasted into a file beside an installed rosenblatt: the same data, the same layers, the same options.

import generators from "./generators.js?text";
import { lossOf, outputOf, usualOutput } from "./names.js";
import type { DataView } from "./protocol.js";
import type { State } from "./state.js";
import tablePiece from "./table.js?text";

/** The user's CSV: the file's name and the column that is predicted. */
export interface TableFile {
  readonly name: string;
  readonly target: string;
}

/** What stands between two marks of generators.js. */
function piece(name: string): string {
  const begin = generators.indexOf(`// <${name}>\n`) + name.length + 6;
  return generators.slice(begin, generators.indexOf(`// </${name}>`)).replace(/^export /gm, "").trim();
}

function scheduleText({ schedule, rate, steps }: State): string {
  switch (schedule) {
    case "constant": return String(rate);
    case "stepDecay": return `stepDecay({ initial: ${rate}, factor: 0.5, every: ${steps} })`;
    case "exponentialDecay": return `exponentialDecay({ initial: ${rate}, rate: 0.5, every: ${steps} })`;
    case "cosineDecay": return `cosineDecay({ initial: ${rate}, steps: ${steps} })`;
    case "oneCycle": return `oneCycle({ max: ${rate}, steps: ${steps} })`;
    case "reduceOnPlateau": return `reduceOnPlateau({ initial: ${rate}, factor: 0.5, patience: 20 })`;
  }
}

/** Lines that make `pairs`, and from them `training` and `test`. */
function dataText(state: State, { task, labels }: DataView, table: TableFile | undefined): string[] {
  const { data, samples, noise, classes, dataSeed, split, scale } = state;
  const share = split / 100;
  if (data === "digits") {
    return [
      piece("random"), "", piece("shuffled"), "", piece("split"), "",
      "// from the running playground, or a path as this program's argument",
      `const rows = await readCSV(process.argv[2] ?? (await (await fetch(${JSON.stringify(new URL("digits.csv", location.href).href)})).text()));`,
      `const pairs = rows.map((row) => Object.values(row).map(Number)).map((values) => [values.slice(0, 64).map((value) => value / ${scale ? 16 : 1}), values[64]]);`,
      `const { training, test } = split(shuffled(pairs, randomFrom(${dataSeed})), ${share}, false);`,
    ];
  }
  if (data === "table") {
    return [
      piece("random"), "", piece("shuffled"), "", piece("split"), "", tablePiece.trim(), "",
      "// the table lies beside this file, or is this program's argument",
      `const rows = await readCSV(process.argv[2] ?? ${JSON.stringify(table?.name ?? "data.csv")});`,
      `const pairs = pairsOf(rows, ${JSON.stringify(table?.target ?? "target")}${task === "regression" ? "" : `, ${JSON.stringify(labels)}`});`,
      `const { training, test } = split(shuffled(pairs, randomFrom(${dataSeed})), ${share}, ${scale});`,
      ...(task === "regression" ? ["standardiseTargets(training.targets, test.targets);"] : []),
    ];
  }
  return [
    piece("random"), "", piece(data), "", piece("split"), "",
    `const pairs = ${data}(${samples}, ${noise}, randomFrom(${dataSeed})${data === "blobs" ? `, ${classes}` : ""});`,
    `const { training, test } = split(pairs, ${share}, ${scale});`,
  ];
}

function optimizerText(state: State): string {
  return state.optimizer === "momentum" ? `sgd({ learningRate: ${scheduleText(state)}, momentum: 0.9 })` : `${state.optimizer}({ learningRate: ${scheduleText(state)} })`;
}

/** @param epochs as many as the network has behind it, so that the code ends where the page stands */
export function codeOf(state: State, epochs: number, table: TableFile | undefined, view: DataView | undefined): string {
  if (view === undefined) return "";
  const { task, outputs } = view;
  const activation = outputOf(state.output, task);
  const rows = task === "classes" && activation !== "softmax";
  const hidden = state.layers.length > 0;
  const names = [
    "Network", "dense", ...(state.norm !== "none" && hidden ? [state.norm] : []), ...(state.dropout > 0 && hidden ? ["dropout"] : []), state.optimizer === "momentum" ? "sgd" : state.optimizer,
    ...(state.schedule === "constant" ? [] : [state.schedule]),
  ];
  const options = [
    ...(state.l1 > 0 ? [`l1: ${state.l1}`] : []), ...(state.l2 > 0 ? [`l2: ${state.l2}`] : []), ...(state.init === "auto" ? [] : [`weightInit: "${state.init}"`]),
  ];
  const dense = (units: number, name: string): string => `    dense(${units}, ${options.length === 0 ? `"${name}"` : `{ ${[`activation: "${name}"`, ...options].join(", ")} }`}),`;
  const layers = state.layers.flatMap(({ units, activation: name }) => [
    dense(units, name), ...(state.norm === "none" ? [] : [`    ${state.norm}(),`]), ...(state.dropout > 0 ? [`    dropout(${state.dropout}),`] : []),
  ]);
  // the library tells classes apart at 0 where one output is no sigmoid
  const metric = task === "regression" ? `"r2"` : activation === usualOutput[task] ? `"accuracy"` : "";
  const targets = (part: string): string => (rows ? `oneHot(${part}.targets)` : `${part}.targets`);
  const loss = lossOf(activation, task);
  return [
    `import { ${names.join(", ")} } from "rosenblatt";`, ...(state.data === "digits" || state.data === "table" ? [`import { readCSV } from "rosenblatt/tabular";`] : []), "",
    ...dataText(state, view, table), ...(rows ? [`const oneHot = (targets) => targets.map((target) => Array.from({ length: ${outputs} }, (_, k) => Number(k === target)));`] : []), "",
    "const network = await Network.create({", "  inputs: training.inputs[0].length,", "  layers: [", ...layers, dense(outputs, activation), "  ],", `  seed: ${state.seed},`, "});",
    `await network.fit(training.inputs, ${targets("training")}, {`, `  epochs: ${Math.max(1, epochs || 300)},`, `  batchSize: ${state.batch},`, `  optimizer: ${optimizerText(state)},`, `  loss: "${loss}",`, "});",
    `console.log(network.evaluate(test.inputs, ${targets("test")}, { metrics: [${metric}] }));`, "",
  ].join("\n");
}
