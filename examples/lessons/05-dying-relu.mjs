// Lesson 5: units that fall silent for ever at large learning rates, and activations that repair them.

import { Network, adam, dense } from "rosenblatt";
import { chart } from "./shared/chart.mjs";
import { curve, mean } from "./shared/data.mjs";
import { fixed, notebook, percent, runIfMain, table } from "./shared/lesson.mjs";

const RATES = [0.01, 0.1, 0.3];
const SEEDS = [0, 1, 2, 3];
const EPOCHS = 40;
const ACTIVATIONS = ["relu", "leakyRelu", "prelu"];

export async function lesson() {
  const { figures, figure, print, output } = notebook();
  const { inputs, targets } = curve(31, 200, 0.1);

  // [watch]
  const watch = async (activation, learningRate, seed) => {
    const network = await Network.create({ inputs: 1, layers: [dense(32, activation), dense(32, activation), dense(1)], seed });
    const { epochs } = await network.fit(inputs, targets, { epochs: EPOCHS, batchSize: 20, optimizer: adam({ learningRate }), monitor: true });
    const dead = epochs.map(({ diagnosis }) => diagnosis.layers[1].deadFraction); // of the second hidden layer, epoch by epoch
    return { network, dead, loss: network.evaluate(inputs, targets).loss };
  };
  // [end]
  const dead = {};
  const losses = {};
  const learned = [];
  for (const activation of ACTIVATIONS) {
    for (const rate of RATES) {
      const runs = [];
      for (const seed of SEEDS) runs.push(await watch(activation, rate, seed));
      dead[`${activation} ${rate}`] = Array.from({ length: EPOCHS }, (_, epoch) => mean(runs.map((run) => run.dead[epoch])));
      losses[`${activation} ${rate}`] = mean(runs.map(({ loss }) => loss));
      if (activation === "prelu" && rate === RATES[1]) learned.push(...runs[0].network.layers[1].slopes);
    }
  }
  const key = (name, i) => `${name}${["Low", "Middle", "High"][i]}`;
  print(`dead units of the second hidden layer after ${EPOCHS} epochs, by learning rate; means of ${SEEDS.length} seeds`,
    ...table([["", ...RATES.map(String)], ...ACTIVATIONS.map((name) => [name, ...RATES.map((rate, i) => figure(key(name, i), percent(dead[`${name} ${rate}`].at(-1), 1)))])]),
    "", "mean squared error in the end",
    ...table([["", ...RATES.map(String)], ...ACTIVATIONS.map((name) => [name, ...RATES.map((rate, i) => figure(`${key(name, i)}Loss`, fixed(losses[`${name} ${rate}`], 3)))])]), "");

  const slopes = [...learned].sort((a, b) => a - b);
  print(`prelu's slopes at rate ${RATES[1]}, seed 0, all started at 0.25: least ${figure("least", fixed(slopes[0]))}, median ${figure("median", fixed((slopes[15] + slopes[16]) / 2))}, largest ${figure("largest", fixed(slopes.at(-1)))}; ${
    figure("negative", String(slopes.filter((slope) => slope < 0).length))} of 32 are below 0`);

  const bins = Array.from({ length: 16 }, (_, i) => -0.8 + 0.125 * i);
  const picture = (labels) => chart({
    title: labels.title, columns: 2, height: 215,
    legend: ACTIVATIONS.map((label, i) => ({ label, colour: [1, 0, 2][i], dash: ["solid", "dashed", "dotted"][i] })),
    panels: [
      ...RATES.map((rate) => ({
        title: labels.rate(rate), x: { label: labels.epoch, min: 0, max: EPOCHS, ticks: [0, 20, 40] },
        y: { min: -0.04, max: 1.04, ticks: [0, 0.5, 1], names: ["0 %", "50 %", "100 %"] },
        marks: ACTIVATIONS.map((name, i) => ({ kind: "line", colour: [1, 0, 2][i], dash: ["solid", "dashed", "dotted"][i], points: dead[`${name} ${rate}`].map((share, e) => [e + 1, share]) })),
      })),
      {
        title: labels.slopes, x: { label: labels.slope, min: -0.8, max: 1.2, ticks: [-0.5, 0, 0.5, 1] }, y: { min: 0, max: 12, ticks: [0, 4, 8, 12] },
        marks: [{ kind: "bars", colour: 2, points: bins.map((low) => [low, low + 0.125, slopes.filter((slope) => slope >= low && slope < low + 0.125).length]) },
          { kind: "line", colour: 4, dash: "dashed", points: [[0.25, 0], [0.25, 12]] }],
      },
    ],
  });
  return { figures, output: output(), picture };
}

export const words = {
  en: { title: "Dead units at rising learning rates", epoch: "epoch", rate: (rate) => `rate ${rate}: dead`, slopes: "PReLU's slopes", slope: "slope (dashed: start)" },
  zh: { title: "学习率升高时的死亡神经元", epoch: "训练轮次", rate: (rate) => `学习率 ${rate}：死亡比例`, slopes: "PReLU 学到的斜率", slope: "斜率（虚线：初始值）" },
};

await runIfMain(import.meta.url, lesson);
