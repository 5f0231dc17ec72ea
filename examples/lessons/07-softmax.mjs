// Lesson 7: scores into probabilities, what temperature does to them, and whether 90 % means right nine times in ten.

import { Network, activate, adam, dense, ready } from "rosenblatt";
import { chart } from "./shared/chart.mjs";
import { accuracy, clouds } from "./shared/data.mjs";
import { fixed, notebook, percent, runIfMain, table } from "./shared/lesson.mjs";

const BINS = 10;

// [calibration]
/** Samples by how sure the network is of its answer, in ten bins: how many, how sure on average, how often right. */
function reliability(network, inputs, labels) {
  const probabilities = network.predict(inputs);
  const bins = Array.from({ length: BINS }, () => ({ count: 0, sure: 0, right: 0 }));
  labels.forEach((label, i) => {
    const sample = probabilities.subarray(3 * i, 3 * i + 3);
    const confidence = Math.max(...sample);
    const bin = bins[Math.min(BINS - 1, Math.floor(BINS * confidence))];
    bin.count++;
    bin.sure += confidence;
    if (sample.indexOf(confidence) === label) bin.right++;
  });
  // the expected calibration error: by how much "sure" and "right" differ, averaged over the samples
  const error = bins.reduce((sum, { sure, right }) => sum + Math.abs(sure - right), 0) / labels.length;
  return { bins, error, sure: bins.reduce((sum, bin) => sum + bin.sure, 0) / labels.length };
}
// [end]

// [temperature]
/** The same network at another temperature: softmax(z / T) is the output layer with weights and biases divided by T. */
async function atTemperature(network, temperature) {
  const other = await network.clone();
  const { weights, biases } = other.layers.at(-1);
  weights.forEach((weight, i) => (weights[i] = weight / temperature));
  biases.forEach((bias, i) => (biases[i] = bias / temperature));
  return other;
}
// [end]

export async function lesson() {
  const { figures, figure, print, output } = notebook();

  await ready();
  // [scores]
  const scores = [2, 1, -1];
  const softmax = (temperature, shift = 0) => Array.from(activate("softmax", Float32Array.from(scores, (z) => (z + shift) / temperature)));
  // [end]
  const temperatures = [0.5, 1, 2, 10];
  print(`softmax of ${scores.join(", ")} at four temperatures`,
    ...table([["T", "p0", "p1", "p2", "sum"], ...temperatures.map((t, i) => {
      const p = softmax(t);
      return [String(t), figure(`top${i}`, fixed(p[0], 3)), fixed(p[1], 3), figure(`last${i}`, fixed(p[2], 3)), figure(`sum${i}`, fixed(p[0] + p[1] + p[2], 3))];
    })]), `with 100 added to every score, p0 at T = 1: ${figure("shifted", fixed(softmax(1, 100)[0], 3))}`, "");

  // [train]
  const centres = [[0, 1], [0.9, -0.5], [-0.9, -0.5]]; // three clouds that overlap
  const train = clouds(51, 240, centres, 0.8);
  const held = clouds(52, 600, centres, 0.8); // to choose the temperature
  const test = clouds(53, 3000, centres, 0.8);
  const network = await Network.create({ inputs: 2, layers: [dense(64, "relu"), dense(64, "relu"), dense(3, "softmax")], seed: 7 });
  await network.fit(train.inputs, train.labels, { epochs: 150, batchSize: 16, optimizer: adam({ learningRate: 0.005 }) }); // far too long
  // [end]
  // [choose]
  let best = { temperature: 1, loss: network.evaluate(held.inputs, held.labels).loss };
  for (let temperature = 0.5; temperature <= 12; temperature += 0.1) {
    const { loss } = (await atTemperature(network, temperature)).evaluate(held.inputs, held.labels);
    if (loss < best.loss) best = { temperature, loss };
  }
  const calibrated = await atTemperature(network, best.temperature);
  // [end]
  const [raw, mended] = [network, calibrated].map((each) => reliability(each, test.inputs, test.labels));
  const [right, rightAfter] = [network, calibrated].map((each) => accuracy(each, test.inputs, test.labels));
  print(`on ${figure("samples", String(test.labels.length))} new samples`, ...table([
    ["", "right", "sure on average", "calibration error", "loss"],
    ["T = 1", figure("right", percent(right, 1)), figure("sure", percent(raw.sure, 1)), figure("error", percent(raw.error, 1)), figure("loss", fixed(network.evaluate(test.inputs, test.labels).loss, 3))],
    [`T = ${figure("temperature", fixed(best.temperature, 1))}`, figure("rightAfter", percent(rightAfter, 1)), figure("sureAfter", percent(mended.sure, 1)), figure("errorAfter", percent(mended.error, 1)),
      figure("lossAfter", fixed(calibrated.evaluate(test.inputs, test.labels).loss, 3))],
  ]));
  const top = raw.bins.at(-1);
  print(`at T = 1 the network is more than 90 % sure of ${figure("topCount", String(top.count))} samples, and right in ${figure("topRight", percent(top.right / top.count, 1))} of them`);

  const points = ({ bins }) => bins.filter(({ count }) => count >= 20).map(({ count, sure, right: hits }) => [sure / count, hits / count]);
  const picture = (labels) => chart({
    title: labels.title, height: 340,
    legend: [{ label: labels.honest, colour: 4, dash: "dashed" }, { label: "T = 1", colour: 1 }, { label: `T = ${figures.temperature}`, colour: 2 }],
    panels: [{
      x: { label: labels.sure, min: 0.3, max: 1, ticks: [0.4, 0.6, 0.8, 1], names: ["40 %", "60 %", "80 %", "100 %"] },
      y: { label: labels.right, min: 0.3, max: 1, ticks: [0.4, 0.6, 0.8, 1], names: ["40 %", "60 %", "80 %", "100 %"] },
      marks: [
        { kind: "line", colour: 4, dash: "dashed", points: [[0.3, 0.3], [1, 1]] },
        ...[[raw, 1, "square"], [mended, 2, "dot"]].flatMap(([which, colour, shape]) => [{ kind: "line", colour, points: points(which) }, { kind: "points", colour, shape, size: 4, points: points(which) }]),
      ],
    }],
  });
  return { figures, output: output(), picture };
}

export const words = {
  en: { title: "How sure, and how often right", honest: "honest", sure: "how sure the network is", right: "how often it is right" },
  zh: { title: "有多确信，又有多常答对", honest: "完全校准", sure: "网络的置信度", right: "实际正确率" },
};

await runIfMain(import.meta.url, lesson);
