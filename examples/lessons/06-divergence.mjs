// Lesson 6: outputs without a bound can feed on themselves until training falls over; what the library says then, and three cures.

import { DivergenceError, Network, dense, sgd } from "rosenblatt";
import { chart } from "./shared/chart.mjs";
import { bellRows } from "./shared/data.mjs";
import { digits, fixed, notebook, percent, runIfMain, table } from "./shared/lesson.mjs";

const EPOCHS = 12;

export async function lesson() {
  const { figures, figure, print, output } = notebook();
  const inputs = bellRows(41, 256, 4);
  const targets = inputs.map(([a, b, c, d]) => a * b + c - 0.5 * d);
  const unscaled = inputs.map((row) => row.map((value) => 100 * value)); // the same data in other units, centimetres for metres

  // [run]
  const run = async (activation, data, learningRate, more = {}) => {
    const network = await Network.create({ inputs: 4, layers: [dense(32, activation), dense(32, activation), dense(1)], seed: 6 });
    const losses = [];
    let failure;
    try {
      await network.fit(data, targets, { epochs: EPOCHS, batchSize: 16, optimizer: sgd({ learningRate }), onBatch: ({ loss }) => losses.push(loss), ...more });
    } catch (error) {
      if (!(error instanceof DivergenceError)) throw error;
      failure = error;
    }
    return { losses, failure, network, final: network.evaluate(data, targets).loss };
  };
  // [end]
  const runs = {
    "relu": await run("relu", unscaled, 0.03),
    "tanh": await run("tanh", unscaled, 0.03),
    "relu, clipped": await run("relu", unscaled, 0.03, { gradientClip: { norm: 0.1 } }),
    "relu, smaller rate": await run("relu", unscaled, 1e-6),
    "relu, scaled inputs": await run("relu", inputs, 0.03),
  };
  const names = { "relu": "relu", "tanh": "tanh", "relu, clipped": "clip", "relu, smaller rate": "rate", "relu, scaled inputs": "scaled" };
  print(...table([["", "steps", "largest loss", "loss in the end"], ...Object.entries(runs).map(([name, { losses, failure, final }]) => [
    name, figure(`${names[name]}Steps`, String(losses.length)), figure(`${names[name]}Largest`, digits(Math.max(...losses))), failure === undefined ? figure(`${names[name]}Final`, fixed(final, 3)) : "diverged",
  ])]), "", runs.relu.failure.message, "");
  const finite = runs.relu.network.layers.every(({ weights }) => weights.every(Number.isFinite));
  print(`after the failure every weight is finite: ${figure("finite", finite ? "yes" : "no")}`,
    ...runs.relu.network.diagnose(unscaled, targets).findings.slice(0, 1).flatMap(({ message, advice }) => [message, advice]));

  // [saturated]
  const { layers } = runs.tanh.network.diagnose(unscaled, targets);
  // [end]
  print("", `tanh: ${figure("saturated", percent(layers[0].saturatedFraction, 1))} of the first layer's activations are saturated`);

  const styles = [[1, "solid"], [3, "dotted"], [0, "dashed"], [4, "solid"], [2, "solid"]];
  const shown = Object.entries(runs).map(([name, { losses }], i) => {
    // the mean of 8 steps at a time, for the eye; all of them where there are few
    const size = losses.length < 40 ? 1 : 8;
    const points = Array.from({ length: Math.floor(losses.length / size) }, (_, s) => [s * size + size, losses.slice(s * size, (s + 1) * size).reduce((sum, loss) => sum + loss, 0) / size]);
    return { name, colour: styles[i][0], dash: styles[i][1], points };
  });
  const picture = (labels) => chart({
    title: labels.title, height: 330,
    legend: shown.map(({ name, colour, dash }) => ({ label: labels.runs[names[name]], colour, dash })),
    panels: [{
      x: { label: labels.step, min: 1, max: 200, log: true, ticks: [1, 10, 100] }, y: { label: labels.loss, min: 1e-2, max: 1e20, log: true },
      marks: shown.map(({ colour, dash, points }) => ({ kind: "line", colour, dash, points })),
    }],
  });
  return { figures, output: output(), picture };
}

export const words = {
  en: {
    title: "The loss, step by step", step: "step of training", loss: "loss",
    runs: { relu: "relu: diverges", tanh: "tanh", clip: "relu, clipped", rate: "relu, smaller rate", scaled: "relu, scaled inputs" },
  },
  zh: {
    title: "每一步训练的损失", step: "训练步数", loss: "损失",
    runs: { relu: "relu：发散", tanh: "tanh", clip: "relu，梯度裁剪", rate: "relu，较小的学习率", scaled: "relu，输入已缩放" },
  },
};

await runIfMain(import.meta.url, lesson);
