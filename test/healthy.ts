// Networks that nothing is wrong with, chosen by a seed and no hand: data set, depth, widths, activation, optimizer and rate are drawn, the inputs are
// standardised or within [−1, 1], and training is by the library's defaults otherwise.

import { dense, Network } from "../src/index.js";
import type { ActivationName } from "../src/index.js";
import { randomNumbers } from "./kernels/stage.js";

const activations: readonly ActivationName[] = [
  "relu", "leakyRelu", "prelu", "elu", "selu", "gelu", "silu", "mish", "tanh", "softplus", "softsign", "relu6", "sigmoid", "hardTanh",
];

export interface Healthy {
  readonly title: string;
  readonly inputs: number;
  readonly classes: number;
  readonly data: Float32Array;
  readonly targets: Float32Array;
  readonly network: Network;
  readonly epochs: number;
}

/** Sums of twelve are near enough to normal. */
function normalOf(next: () => number): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += next();
  return sum;
}

interface Task {
  readonly name: string;
  readonly inputs: number;
  /** 0 for numbers. */
  readonly classes: number;
  readonly sample: (row: number) => { readonly x: number[]; readonly y: number };
}

function tasks(next: () => number): readonly Task[] {
  const inputs = 2 + Math.floor(next() * 12);
  const classes = 2 + Math.floor(next() * 4);
  const centres = Array.from({ length: classes }, () => Array.from({ length: inputs }, () => 1.5 * normalOf(next)));
  const teacher = Array.from({ length: 6 }, () => Array.from({ length: inputs }, () => normalOf(next) / Math.sqrt(inputs)));
  return [
    { name: "sine", inputs: 1, classes: 0, sample: () => { const x = 2 * next() - 1; return { x: [x], y: Math.sin(4 * x) + 0.05 * normalOf(next) }; } },
    {
      name: "moons", inputs: 2, classes: 2, sample: (row) => {
        const angle = Math.PI * next();
        const [x, y] = row % 2 === 0 ? [Math.cos(angle), Math.sin(angle)] : [1 - Math.cos(angle), 0.5 - Math.sin(angle)];
        return { x: [x - 0.5 + 0.1 * normalOf(next), y - 0.25 + 0.1 * normalOf(next)], y: row % 2 };
      },
    },
    { name: "blobs", inputs, classes, sample: (row) => ({ x: centres[row % classes].map((c) => (c + normalOf(next)) / 1.8), y: row % classes }) },
    { name: "quadrants", inputs: 2, classes: 2, sample: () => { const x = [normalOf(next), normalOf(next)]; return { x, y: x[0] * x[1] > 0 ? 1 : 0 }; } },
    {
      name: "teacher", inputs, classes: 0, sample: () => {
        const x = Array.from({ length: inputs }, () => normalOf(next));
        return { x, y: teacher.reduce((sum, w, k) => sum + (k % 2 === 0 ? 1 : -1) * Math.tanh(w.reduce((s, v, i) => s + v * x[i], 0)), 0) / 1.5 };
      },
    },
  ];
}

/** The network of that seed, trained. */
export async function healthy(seed: number): Promise<Healthy> {
  const next = randomNumbers(seed * 31 + 7);
  const choose = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)];
  const task = choose(tasks(next));
  const rows = 200 + Math.floor(next() * 600);
  const drawn = Array.from({ length: rows }, (_, row) => task.sample(row));
  const activation = choose(activations);
  const depth = 1 + Math.floor(next() * 3);
  const hidden = Array.from({ length: depth }, () => 8 + Math.floor(next() * 56));
  const output = task.classes === 0 ? dense(1) : task.classes === 2 && next() < 0.5 ? dense(1, "sigmoid") : dense(task.classes, "softmax");
  const network = await Network.create({ inputs: task.inputs, layers: [...hidden.map((units) => dense(units, activation)), output], seed });
  const data = Float32Array.from(drawn.flatMap(({ x }) => x));
  const targets = Float32Array.from(drawn, ({ y }) => y);
  const epochs = 60;
  const rate = choose([0.001, 0.003, 0.01]);
  await network.fit(data, targets, { epochs, optimizer: { name: "adam", learningRate: rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }, threads: 1 });
  return { title: `${task.name}, ${rows} rows, ${task.inputs}-${hidden.join("-")} ${activation}, rate ${rate}`, inputs: task.inputs, classes: task.classes, data, targets, network, epochs };
}
