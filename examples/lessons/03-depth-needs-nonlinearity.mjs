// Lesson 3: layers without a curve between them collapse into one, so depth alone brings nothing.

import { Network, adam, dense } from "rosenblatt";
import { chart } from "./shared/chart.mjs";
import { accuracy, chessboard } from "./shared/data.mjs";
import { notebook, percent, runIfMain, table } from "./shared/lesson.mjs";

const CELLS = 32;

/** The one matrix and the one vector of biases that a chain of linear layers amounts to: W = W2·W1, b = W2·b1 + b2, and so on. */
function collapse(layers, inputs) {
  let matrix = Array.from({ length: inputs }, (_, i) => Array.from({ length: inputs }, (_, j) => (i === j ? 1 : 0)));
  let biases = new Array(inputs).fill(0);
  for (const { weights, biases: added, units, inputs: width } of layers) {
    const row = (j) => Array.from(weights.subarray(j * width, (j + 1) * width));
    const times = (j, column) => row(j).reduce((sum, weight, i) => sum + weight * column(i), 0);
    [matrix, biases] = [
      Array.from({ length: units }, (_, j) => Array.from({ length: inputs }, (_, c) => times(j, (i) => matrix[i][c]))),
      Array.from({ length: units }, (_, j) => times(j, (i) => biases[i]) + added[j]),
    ];
  }
  return { matrix, biases };
}

export async function lesson() {
  const { figures, figure, print, output } = notebook();

  // [train]
  const train = chessboard(5, 400); // two classes on four squares, like XOR
  const test = chessboard(6, 400);
  const trained = async (activation, depth) => {
    const hidden = Array.from({ length: depth }, () => dense(12, activation));
    const network = await Network.create({ inputs: 2, layers: [...hidden, dense(2, "softmax")], seed: 3 });
    await network.fit(train.inputs, train.labels, { epochs: 40, batchSize: 20, optimizer: adam({ learningRate: 0.01 }) });
    return network;
  };
  // [end]
  const depths = [1, 2, 4, 8];
  const networks = { linear: [], relu: [] };
  for (const name of ["linear", "relu"]) for (const depth of depths) networks[name].push(await trained(name, depth));
  const right = Object.fromEntries(Object.entries(networks).map(([name, all]) => [name, all.map((network) => accuracy(network, test.inputs, test.labels))]));
  print("right on new points, by the number of hidden layers",
    ...table([["", ...depths.map(String)], ...Object.entries(right).map(([name, shares]) => [name, ...shares.map((share, i) => figure(`${name}${depths[i]}`, percent(share, 1)))])]), "");

  // [collapse]
  const deep = networks.linear[3]; // 8 hidden layers of 12 units and an output layer
  const { matrix, biases } = collapse(deep.layers, 2); // multiplied out: 2 × 2 weights and 2 biases
  const sums = deep.trace(test.inputs).at(-1).weightedSums;
  // [end]
  const difference = Math.max(...test.inputs.flatMap(([x, y], s) => matrix.map(([u, v], j) => Math.abs(u * x + v * y + biases[j] - sums[2 * s + j]))));
  const largest = Math.max(...Array.from(sums, Math.abs));
  print(`numbers in the network of 8 hidden linear layers: ${figure("parameters", String(deep.parameterCount))}, in what they amount to: ${figure("collapsed", String(matrix.flat().length + biases.length))}`,
    `their outputs agree to ${figure("agree", difference < 1e-5 * largest ? "0.00001" : "less")} of the largest`);

  const grid = Array.from({ length: CELLS * CELLS }, (_, i) => [-1 + (2 * (i % CELLS)) / CELLS, -1 + (2 * Math.floor(i / CELLS)) / CELLS]);
  const half = 1 / CELLS;
  const panel = (title, network) => ({
    title, x: { min: -1, max: 1, ticks: [-1, 0, 1] }, y: { min: -1, max: 1, ticks: [-1, 0, 1] },
    marks: [
      { kind: "cells", width: 2 * half, height: 2 * half, points: Array.from(network.classify(grid.map(([x, y]) => [x + half, y + half])), (index, i) => [...grid[i], index]) },
      { kind: "points", colour: 0, size: 2, points: test.inputs.filter((_, i) => test.labels[i] === 0 && i < 200) },
      { kind: "points", colour: 1, size: 2.5, shape: "cross", points: test.inputs.filter((_, i) => test.labels[i] === 1 && i < 200) },
    ],
  });
  const panels = ["linear", "relu"].flatMap((name) => [0, 2].map((i) => ({ name, depth: depths[i], network: networks[name][i] })));
  const picture = (labels) => chart({
    title: labels.title, columns: 2, height: 230,
    legend: [{ label: labels.zero, colour: 0, shape: "dot" }, { label: labels.one, colour: 1, shape: "cross" }],
    panels: panels.map(({ name, depth, network }) => panel(labels.panel(name, depth), network)),
  });
  return { figures, output: output(), picture };
}

export const words = {
  en: { title: "What each network says of every place", zero: "class 0", one: "class 1", panel: (name, depth) => `${name}, ${depth} hidden` },
  zh: { title: "各个网络对平面上每一处的判断", zero: "类别 0", one: "类别 1", panel: (name, depth) => `${name}，${depth} 个隐藏层` },
};

await runIfMain(import.meta.url, lesson);
