// Lesson 4: twenty layers, and what is left of the gradient in the first, for three activations and two ways of starting the weights.

import { Network, activationDerivative, adam, dense, ready } from "rosenblatt";
import { chart } from "./shared/chart.mjs";
import { accuracy, bellRows } from "./shared/data.mjs";
import { digits, fixed, notebook, percent, runIfMain, table } from "./shared/lesson.mjs";

const DEPTH = 20;

export async function lesson() {
  const { figures, figure, print, output } = notebook();

  await ready();
  const [steepest] = activationDerivative("sigmoid", Float32Array.of(0));
  print(`the sigmoid's steepest derivative: ${figure("steepest", fixed(steepest, 2))}`, "");

  // [measure]
  const inputs = bellRows(21, 256, 16);
  const labels = inputs.map((row) => (row[0] + row[1] > 0 ? 1 : 0));
  const deep = (activation, weightInit) => Network.create({
    inputs: 16,
    layers: [...Array.from({ length: DEPTH }, () => dense(32, { activation, weightInit })), dense(2, "softmax")],
    seed: 4,
  });
  const network = await deep("sigmoid", "glorotNormal");
  const { layers, findings } = network.diagnose(inputs, labels);
  // [end]
  const starts = { Glorot: "glorotNormal", He: "heNormal" };
  const norms = {};
  for (const activation of ["sigmoid", "tanh", "relu"]) {
    for (const [start, weightInit] of Object.entries(starts)) {
      const { layers: all } = (await deep(activation, weightInit)).diagnose(inputs, labels);
      norms[`${activation} ${start}`] = all.map(({ gradientNorm }) => gradientNorm);
    }
  }
  const rows = Object.entries(norms).map(([name, all]) => {
    const [activation, start] = name.split(" ");
    return [name, ...[0, 9, 19].map((i) => digits(all[i])), digits(all[DEPTH]), figure(`${activation}${start}`, digits(all[0] / all[DEPTH]))];
  });
  print("norm of the gradient before training", ...table([["", "layer 1", "layer 10", "layer 20", "output", "first / output"], ...rows]), "",
    `${findings.find(({ kind }) => kind === "vanishingGradient").message}`, "");
  // over the 16 layers from the third to the nineteenth, the mean factor of one: the 16th root
  const lost = norms["relu Glorot"];
  const factor = figure("perLayer", fixed(Math.sqrt(Math.sqrt(Math.sqrt(Math.sqrt(lost[2] / lost[18])))), 2));
  print(`relu with Glorot loses a factor ${factor} at each layer; the square root of 1/2 is ${figure("root", fixed(Math.sqrt(0.5), 2))}`);

  // [train]
  const trained = {};
  for (const activation of ["sigmoid", "relu"]) {
    const learner = await deep(activation, activation === "relu" ? "heNormal" : "glorotNormal");
    await learner.fit(inputs, labels, { epochs: 20, batchSize: 32, optimizer: adam({ learningRate: 0.001 }) });
    trained[activation] = accuracy(learner, inputs, labels);
  }
  // [end]
  const majority = Math.max(labels.filter((label) => label === 1).length, labels.filter((label) => label === 0).length) / labels.length;
  print(`right after 20 epochs: sigmoid with Glorot ${figure("sigmoidRight", percent(trained.sigmoid, 1))}, relu with He ${figure("reluRight", percent(trained.relu, 1))}; always saying the larger class: ${figure("majority", percent(majority, 1))}`);

  const styles = { sigmoid: 1, tanh: 3, relu: 0 };
  const series = Object.entries(norms).map(([name, all]) => ({ name, all, colour: styles[name.split(" ")[0]], dash: name.endsWith("He") ? "solid" : "dashed" }));
  const picture = (labels) => chart({
    title: labels.title, height: 330,
    legend: series.map(({ name, colour, dash }) => ({ label: name, colour, dash })),
    panels: [{
      x: { label: labels.layer, min: 1, max: 21, ticks: [1, 5, 10, 15, 20] }, y: { label: labels.norm, min: 1e-16, max: 100, log: true },
      marks: series.map(({ all, colour, dash }) => ({ kind: "line", colour, dash, points: all.map((norm, i) => [i + 1, norm]) })),
    }],
  });
  return { figures, output: output(), picture, layers };
}

export const words = {
  en: { title: "The gradient's norm at each of 21 layers", layer: "layer (21 is the output)", norm: "norm of the gradient" },
  zh: { title: "21 层中每一层的梯度范数", layer: "层（第 21 层为输出层）", norm: "梯度范数" },
};

await runIfMain(import.meta.url, lesson);
