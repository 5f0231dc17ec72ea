// Lesson 2: the same network with a linear and with a curved activation, fitted to a curve.

import { Network, adam, dense } from "rosenblatt";
import { chart } from "./shared/chart.mjs";
import { curve, mean } from "./shared/data.mjs";
import { fixed, notebook, runIfMain } from "./shared/lesson.mjs";

/** The straight line of least squares, y = slope · x + offset, by the formula that every statistics book has. */
function leastSquares(inputs, targets) {
  const [x, y] = [mean(inputs.map(([value]) => value)), mean(targets)];
  const slope = inputs.reduce((sum, [value], i) => sum + (value - x) * (targets[i] - y), 0) / inputs.reduce((sum, [value]) => sum + (value - x) * (value - x), 0);
  return { slope, offset: y - slope * x };
}

export async function lesson() {
  const { figures, figure, print, output } = notebook();

  // [fit]
  const train = curve(11, 120, 0.3); // y = x³ − 2x, with noise of deviation 0.3
  const test = curve(77, 500, 0.3);
  const networks = {};
  for (const activation of ["linear", "tanh"]) {
    networks[activation] = await Network.create({ inputs: 1, layers: [dense(16, activation), dense(16, activation), dense(1)], seed: 2 });
    await networks[activation].fit(train.inputs, train.targets, { epochs: 300, batchSize: 20, optimizer: adam({ learningRate: 0.01 }) });
  }
  // [end]
  const loss = (name, data) => networks[name].evaluate(data.inputs, data.targets).loss;
  const line = leastSquares(train.inputs, train.targets);
  const lineLoss = mean(train.inputs.map(([x], i) => (line.slope * x + line.offset - train.targets[i]) ** 2));
  const [linear, tanh] = [loss("linear", test), loss("tanh", test)];
  print(`trainable numbers in each network: ${figure("parameters", String(networks.tanh.parameterCount))}`,
    `on the training points, mean squared error: best straight line ${figure("line", fixed(lineLoss, 3))}, linear ${figure("linearTrain", fixed(loss("linear", train), 3))}, tanh ${figure("tanhTrain", fixed(loss("tanh", train), 3))}`,
    `on new points: linear ${figure("linear", fixed(linear, 3))}, tanh ${figure("tanh", fixed(tanh, 3))}, noise ${figure("noise", fixed(0.3 * 0.3, 3))}`,
    `linear is wrong by ${figure("times", fixed(linear / tanh, 1))} times as much`);

  const places = Array.from({ length: 121 }, (_, i) => -2 + i / 30);
  const drawn = (name) => Array.from(networks[name].predict(places), (y, i) => [places[i], y]);
  const [straight, curved] = [drawn("linear"), drawn("tanh")];
  // how far the linear network's answers are from a line through its first and last
  const bend = Math.max(...straight.map(([, y], i) => Math.abs(y - (straight[0][1] + ((straight[120][1] - straight[0][1]) * i) / 120))));
  print(`the linear network's answers leave a straight line by at most ${figure("bend", bend < 1e-5 ? "0.00001" : fixed(bend, 5))}`);

  const picture = (labels) => chart({
    title: labels.title, height: 330,
    legend: [{ label: labels.points, colour: 4, shape: "ring" }, { label: "linear", colour: 1, dash: "dashed" }, { label: "tanh", colour: 0 }],
    panels: [{
      x: { label: "x", min: -2, max: 2 }, y: { label: "y", min: -5, max: 5 },
      marks: [
        { kind: "points", colour: 4, shape: "ring", points: train.inputs.map(([x], i) => [x, train.targets[i]]) },
        { kind: "line", colour: 1, dash: "dashed", points: straight }, { kind: "line", colour: 0, points: curved },
      ],
    }],
  });
  return { figures, output: output(), picture };
}

export const words = {
  en: { title: "The same network, straight and curved", points: "training points" },
  zh: { title: "同一个网络：线性与非线性", points: "训练点" },
};

await runIfMain(import.meta.url, lesson);
