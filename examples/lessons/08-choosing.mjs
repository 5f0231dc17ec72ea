// Lesson 8: which activation for your data? The same network with six of them, on the same folds, for three kinds of data.

import { readFileSync } from "node:fs";
import { adam, compareActivations } from "rosenblatt";
import { chart } from "./shared/chart.mjs";
import { bell, bellRows, curve, mean } from "./shared/data.mjs";
import { fixed, notebook, runIfMain, table } from "./shared/lesson.mjs";

const ACTIVATIONS = ["linear", "sigmoid", "tanh", "relu", "leakyRelu", "prelu"];

/** The measurements of the flowers, each column standardised, and the species as 0, 1, 2. */
function iris() {
  const rows = readFileSync(new URL("../data/iris.csv", import.meta.url), "utf8").trim().split("\n").slice(1).map((line) => line.trim().split(","));
  const species = [...new Set(rows.map((row) => row[4]))];
  const columns = [0, 1, 2, 3].map((column) => rows.map((row) => Number(row[column])));
  const scales = columns.map((values) => {
    const middle = mean(values);
    return { middle, deviation: Math.sqrt(mean(values.map((value) => (value - middle) * (value - middle)))) };
  });
  return { inputs: rows.map((row) => scales.map(({ middle, deviation }, c) => (Number(row[c]) - middle) / deviation)), targets: rows.map((row) => species.indexOf(row[4])) };
}

/** A plane in five dimensions, with noise. */
function plane() {
  const inputs = bellRows(61, 200, 5);
  const noise = bell(62);
  return { inputs, targets: inputs.map(([a, b, c, d, e]) => a - 0.5 * b + 0.3 * c - 0.8 * d + 0.2 * e + 0.5 * noise()) };
}

export async function lesson() {
  const { figures, figure, print, output } = notebook();
  const data = { plane: plane(), curve: curve(63, 200, 0.3), iris: iris() };

  const results = {};
  for (const [name, { inputs, targets }] of Object.entries(data)) {
    // [compare]
    const { rows } = await compareActivations({
      inputs, targets, hidden: [16, 16], activations: ["linear", "sigmoid", "tanh", "relu", "leakyRelu", "prelu"],
      folds: 5, seed: 8, epochs: 80, batchSize: 16, optimizer: adam({ learningRate: 0.01 }),
    });
    // [end]
    results[name] = rows;
  }
  for (const [name, rows] of Object.entries(results)) {
    const best = rows.find(({ versusBest }) => versusBest === undefined);
    print(`${name}: loss of the held-out folds, mean ± deviation`, ...table(rows.map((row) => [
      row.activation, `${figure(`${name}-${row.activation}`, fixed(row.loss.mean, 3))} ± ${fixed(row.loss.deviation, 3)}`,
      row === best ? "best" : row.versusBest.differs ? "worse" : "no certain difference",
      ...(name === "iris" ? [`accuracy ${figure(`accuracy-${row.activation}`, fixed(row.metrics.accuracy.mean, 3))}`] : []),
    ])));
    const worse = rows.filter(({ versusBest }) => versusBest?.differs).map(({ activation }) => activation);
    print(`best: ${figure(`${name}Best`, best.activation)}; certainly worse: ${figure(`${name}Worse`, worse.length === 0 ? "none" : worse.join(", "))}`, "");
  }

  const picture = (labels) => chart({
    title: labels.title, height: 205,
    legend: [{ label: labels.mean, colour: 0, shape: "dot" }, { label: labels.worse, colour: 1, shape: "cross" }],
    panels: Object.entries(results).map(([name, rows]) => {
      const most = Math.max(...rows.map(({ loss }) => loss.mean + loss.deviation));
      const points = (differs) => rows.flatMap(({ loss, versusBest }, i) => ((versusBest?.differs ?? false) === differs ? [[i, loss.mean]] : []));
      return {
        title: labels[name], x: { min: -0.5, max: 5.5, ticks: [0, 1, 2, 3, 4, 5], names: ACTIVATIONS }, y: { label: labels.loss, min: 0, max: 1.1 * most, count: 4 },
        marks: [
          { kind: "interval", colour: 4, points: rows.map(({ loss }, i) => [i, loss.mean - loss.deviation, loss.mean + loss.deviation]) },
          { kind: "points", colour: 0, size: 5, points: points(false) }, { kind: "points", colour: 1, shape: "cross", size: 5, points: points(true) },
        ],
      };
    }),
  });
  return { figures, output: output(), picture };
}

export const words = {
  en: {
    title: "Six activations on three kinds of data", mean: "mean of the folds", worse: "certainly worse than the best", loss: "loss",
    plane: "plane: the truth is straight", curve: "curve: a hill and a valley", iris: "iris: three species",
  },
  zh: {
    title: "六种激活函数在三类数据上的表现", mean: "各折平均", worse: "显著差于最好者", loss: "损失",
    plane: "plane：真实关系是线性的", curve: "curve：一峰一谷的曲线", iris: "iris：三种鸢尾花",
  },
};

await runIfMain(import.meta.url, lesson);
