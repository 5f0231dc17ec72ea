// Lesson 1: what one neuron computes, and how it learns to draw a line between two clouds of points.

import { Network, adam, dense } from "rosenblatt";
import { chart } from "./shared/chart.mjs";
import { accuracy, clouds } from "./shared/data.mjs";
import { fixed, notebook, runIfMain } from "./shared/lesson.mjs";

export async function lesson() {
  const { figures, figure, print, output } = notebook();

  // [by hand]
  const network = await Network.create({ inputs: 2, layers: [dense(1, "sigmoid")], seed: 1 });
  network.layers[0].weights.set([2, -1]); // a live view: what is written into it is the network
  network.layers[0].biases[0] = 0.5;
  const { products, bias, weightedSum, activation, text } = network.layers[0].neuron(0).explain([1, 3]);
  // [end]
  const [first, second] = [0, 1].map((i) => products.find(({ input }) => input === i).product);
  print(text, `product 0: ${figure("product0", fixed(first, 1))}, product 1: ${figure("product1", fixed(second, 1))}, bias: ${figure("bias", fixed(bias, 1))}`,
    `weighted sum: ${figure("sum", fixed(weightedSum, 1))}, activation: ${figure("activation", fixed(activation, 4))}`, "");

  // [learn]
  const { inputs, labels } = clouds(3, 200, [[-1, -0.6], [1, 0.9]], 0.6);
  const before = accuracy(network, inputs, labels);
  await network.fit(inputs, labels, { epochs: 40, batchSize: 20, optimizer: adam({ learningRate: 0.1 }) });
  const after = accuracy(network, inputs, labels);
  // [end]
  const [w0, w1] = network.layers[0].weights;
  const b = network.layers[0].biases[0];
  const [{ weightedSums, activations }] = network.trace(inputs);
  const agree = weightedSums.filter((sum, i) => sum > 0 === activations[i] > 0.5).length;
  print(`right before training: ${figure("before", fixed(200 * before, 0))} of 200, after: ${figure("after", fixed(200 * after, 0))} of 200`,
    `learned: ${figure("w0", fixed(w0))} · x0 + ${figure("w1", fixed(w1))} · x1 + ${figure("b", fixed(b))}`,
    `sum above 0 exactly where the activation is above 0.5: ${figure("agree", String(agree))} of 200 points`);

  const picture = (words) => chart({
    title: words.title, height: 330,
    legend: [{ label: words.zero, colour: 0, shape: "dot" }, { label: words.one, colour: 1, shape: "cross" }, { label: words.line, colour: 2 }],
    panels: [{
      x: { label: "x0", min: -3, max: 3 }, y: { label: "x1", min: -3, max: 3 },
      marks: [
        { kind: "points", colour: 0, points: inputs.filter((_, i) => labels[i] === 0) },
        { kind: "points", colour: 1, shape: "cross", points: inputs.filter((_, i) => labels[i] === 1) },
        { kind: "line", colour: 2, points: [-3, 3].map((x) => [x, -(w0 * x + b) / w1]) },
      ],
    }],
  });
  return { figures, output: output(), picture };
}

export const words = {
  en: { title: "One neuron draws one straight line", zero: "class 0", one: "class 1", line: "weighted sum = 0" },
  zh: { title: "一个神经元画出一条直线", zero: "类别 0", one: "类别 1", line: "加权和 = 0" },
};

await runIfMain(import.meta.url, lesson);
