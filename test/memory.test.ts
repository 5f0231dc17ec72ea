// Memory: that of dropped networks comes back without dispose, and looking at a network takes none.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { measureMemory, MOST_MB, NETWORKS } from "../scripts/memory.mjs";
import { dense, Network, prelu } from "../src/index.js";

const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i));
const create = (): Promise<Network> => Network.create({ inputs: 6, layers: [dense(40, "tanh"), dense(30, prelu()), dense(3, "softmax")] });

describe("dropped networks", () => {
  test.each([[1, "one thread"], [2, "two threads, on shared memories"]])("leave at most 400 MB resident, of 3,000 made and trained in one process by %s (%s)", async (threads) => {
    const { networks, linear, peak } = await measureMemory(threads);
    expect(networks).toBe(NETWORKS);
    expect(networks).toBe(3000);
    // Were none collected, they would take more than three times the bound.
    expect(networks * linear).toBeGreaterThan(1200 * 2 ** 20);
    expect(MOST_MB).toBe(400);
    expect(peak / 2 ** 20).toBeLessThan(MOST_MB);
  }, 120_000);
});

describe("dispose", () => {
  test("lets go of the memory, whoever still holds the network and its layers", async () => {
    setFlagsFromString("--expose-gc");
    const collect: () => void = runInNewContext("gc");
    const network = await create();
    const { layers } = network;
    const [disposed, kept] = [new WeakRef(layers[0].weights.buffer), new WeakRef((await create()).layers[0].weights)];
    const other = await create();
    const held = new WeakRef(other.layers[0].weights.buffer);
    network.dispose();
    // A WeakRef keeps its target to the end of the turn in which it was made.
    for (let turn = 0; turn < 20 && (disposed.deref() ?? kept.deref()) !== undefined; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      collect();
    }
    expect(disposed.deref()).toBeUndefined();
    expect(kept.deref()).toBeUndefined();
    expect(held.deref()).toBe(other.layers[0].weights.buffer);
    expect(layers.length).toBe(3);
  });
});

describe("linear memory", () => {
  test("is not taken by predictions of one sample, before or after training", async () => {
    const network = await create();
    const [sample, output] = [numbers(6), new Float32Array(3)];
    for (const train of [false, true]) {
      if (train) network.trainBatch(numbers(60), new Array(10).fill(1));
      const { buffer } = network.layers[0].weights;
      const { byteLength } = buffer;
      for (let i = 0; i < 20_000; i++) network.predict(sample, output);
      // A memory that has grown has another buffer, and the old one none.
      expect(network.layers[0].weights.buffer).toBe(buffer);
      expect(buffer.byteLength).toBe(byteLength);
      expect(byteLength).toBeGreaterThan(0);
    }
  });

  test("is not taken by anything that only looks, so that views held over it stay live", async () => {
    const network = await create();
    const held = network.layers.map(({ weights, biases, slopes }) => [weights, biases, slopes].filter((view) => view !== undefined)).flat();
    const row = network.layers[1].neuron(3).weights;
    const { buffer } = held[0];
    const [many, classes] = [numbers(6 * 20_000), Array.from({ length: 20_000 }, (_, i) => i % 3)];
    const looks: (() => unknown)[] = [
      () => network.predict(many), () => network.predict(many.subarray(0, 6)), () => network.classify(many), () => network.trace(many),
      () => network.evaluate(many, classes, { metrics: ["f1", "auc"] }), () => network.gradients(many, classes), () => network.save(), () => network.clone(),
      () => network.summary(), () => network.layers[2].neuron(0).explain(many.subarray(0, 6)),
    ];
    for (const look of looks) {
      await look();
      expect(network.layers[0].weights.buffer).toBe(buffer);
    }
    for (const view of held) expect(view.length).toBeGreaterThan(0);
    row[0] = 5;
    expect(network.layers[1].weights[3 * 40]).toBe(5);
    held[0].fill(0);
    expect(network.trace([1, 2, 3, 4, 5, 6])[0].weightedSums!.every((z) => z === 0)).toBe(true);
  });

  test("grows no more once a fit has had its place, however often it is repeated", async () => {
    const network = await create();
    const [inputs, classes] = [numbers(6 * 500), Array.from({ length: 500 }, (_, i) => i % 3)];
    const lengths = new Set<number>();
    for (let i = 0; i < 30; i++) {
      await network.fit(inputs, classes, { batchSize: 50, validationSplit: 0.1, earlyStopping: { patience: 1 } });
      network.trainBatch(inputs.subarray(0, 6 * 50), classes.slice(0, 50));
      lengths.add(network.layers[0].weights.buffer.byteLength);
    }
    expect(lengths.size).toBe(1);
  });
});
