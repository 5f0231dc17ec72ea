// The shown network as code that runs when pasted into a file beside an installed rosenblatt: the same data, the same layers, the same options.

import generators from "./generators.js?text";
import type { State } from "./state.js";

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

function dataText(state: State, target: string): string[] {
  const { data, samples, noise, classes, dataSeed, split, scale } = state;
  if (data === "digits" || data === "table") {
    const file = data === "digits" ? "digits.csv" : "data.csv";
    const last = data === "digits" ? "digit" : target;
    return [
      `// the table lies beside this file; run it with another one as its argument`,
      `const rows = await readCSV(process.argv[2] ?? ${JSON.stringify(file)});`,
      `const model = await Tabular.train(rows, { target: ${JSON.stringify(last)}, hidden: [${state.layers.map(({ units }) => units)}], activation: ${JSON.stringify(state.layers[0]?.activation ?? "relu")}, `
        + `epochs: 100, batchSize: ${state.batch}, dropout: ${state.dropout}, l2: ${state.l2}, optimizer: ${optimizerText(state)}, seed: ${state.seed} });`,
      `console.log(model.evaluate(rows));`,
    ];
  }
  return [
    piece("random"), "", piece(data), "", piece("split"), "",
    `const pairs = ${data}(${samples}, ${noise}, randomFrom(${dataSeed})${data === "blobs" ? `, ${classes}` : ""});`,
    `const { training, test } = split(pairs, ${split / 100}, ${scale});`,
  ];
}

function optimizerText(state: State): string {
  return state.optimizer === "momentum" ? `sgd({ learningRate: ${scheduleText(state)}, momentum: 0.9 })` : `${state.optimizer}({ learningRate: ${scheduleText(state)} })`;
}

/** @param epochs as many as the network has behind it, so that the code ends where the page stands */
export function codeOf(state: State, epochs: number, target: string): string {
  const names = new Set([state.optimizer === "momentum" ? "sgd" : state.optimizer]);
  if (state.schedule !== "constant") names.add(state.schedule as never);
  if (state.data === "digits" || state.data === "table") {
    return [`import { ${[...names].join(", ")} } from "rosenblatt";`, `import { readCSV, Tabular } from "rosenblatt/tabular";`, "", ...dataText(state, target), ""].join("\n");
  }
  const regression = state.data === "wave" || state.data === "hills";
  const many = state.data === "blobs" && state.classes > 2;
  const inputs = state.data === "wave" ? 1 : 2;
  const options = [
    ...(state.l1 > 0 ? [`l1: ${state.l1}`] : []), ...(state.l2 > 0 ? [`l2: ${state.l2}`] : []), ...(state.init === "auto" ? [] : [`weightInit: "${state.init}"`]),
  ];
  const dense = (units: number, activation: string): string => {
    return `    dense(${units}, ${options.length === 0 ? `"${activation}"` : `{ ${[`activation: "${activation}"`, ...options].join(", ")} }`}),`;
  };
  const layers = state.layers.flatMap(({ units, activation }) => [
    dense(units, activation), ...(state.norm === "none" ? [] : [`    ${state.norm}(),`]), ...(state.dropout > 0 ? [`    dropout(${state.dropout}),`] : []),
  ]);
  const library = ["Network", "dense", ...(state.norm === "none" || state.layers.length === 0 ? [] : [state.norm]), ...(state.dropout > 0 && state.layers.length > 0 ? ["dropout"] : []), ...names];
  return [
    `import { ${library.join(", ")} } from "rosenblatt";`, "", ...dataText(state, target), "",
    "const network = await Network.create({", `  inputs: ${inputs},`, "  layers: [", ...layers, dense(many ? state.classes : 1, many ? "softmax" : regression ? "linear" : "sigmoid"), "  ],", `  seed: ${state.seed},`, "});",
    "await network.fit(training.inputs, training.targets, {", `  epochs: ${Math.max(1, epochs || 300)},`, `  batchSize: ${state.batch},`, `  optimizer: ${optimizerText(state)},`, "});",
    `console.log(network.evaluate(test.inputs, test.targets, { metrics: ["${regression ? "r2" : "accuracy"}"] }));`, "",
  ].join("\n");
}
