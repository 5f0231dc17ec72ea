// rosenblatt/relaxed: what runs with the import and without it, on engines that have relaxed SIMD and on those that do not. Where it
// runs, it repeats PyTorch and the oracle within the bounds that hold the deterministic build, which allow for a product that is
// rounded and for one that is not.
//
// Node 20 has relaxed SIMD behind a flag: this process sets it, so that the tests run both ways there; processes of their own
// run the built package with the flag and without.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { embeddedRelaxed, relaxedMemoryFlag } from "../build/embedded-relaxed.js";
import { adam, dense, Network } from "../src/index.js";
import type { FitOptions } from "../src/index.js";
import { behindFlag, enableRelaxed, fuses, hasRelaxed, RELAXED_FLAG } from "./engine.js";
import { gradientBounds, worstShare } from "./oracle/bounds.js";
import { buildPair } from "./oracle/cases.js";
import { GOLDEN_CASE_COUNT, goldenCases, relativeDifference } from "./oracle/golden.js";
import { libraryLoss, libraryNetwork, libraryOptimizer } from "./oracle/library.js";
import { gradients } from "./oracle/network.js";
import { randomFloats } from "./kernels/stage.js";

const execute = promisify(execFile);
const dist = (name: string): string => new URL(`../dist/${name}.js`, import.meta.url).href;
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

const withoutFlag = hasRelaxed();
const runs = enableRelaxed() ? "relaxed" : "deterministic";

const INPUTS = 40;
const samples = randomFloats(7, 120 * INPUTS);
const classes = Array.from({ length: 120 }, (_, i) => (i * 7) % 5);
const options: FitOptions = { epochs: 3, batchSize: 24, optimizer: adam({ learningRate: 0.01 }) };

function create(simd?: Network["simd"]): Promise<Network> {
  return Network.create({ inputs: INPUTS, layers: [dense(70, "relu"), dense(33, "tanh"), dense(5, "softmax")], seed: 3, simd });
}

async function trained(simd?: Network["simd"], threads = 1): Promise<Network> {
  const network = await create(simd);
  await network.fit(samples, classes, { ...options, threads });
  return network;
}

/** The largest difference of two lists, as a share of the largest number. */
function difference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return relativeDifference(a, Array.from(b));
}

describe("simd: 'relaxed'", () => {
  it("runs deterministic before rosenblatt/relaxed is imported, and says so", async () => {
    const network = await trained("relaxed");
    expect(network.simd).toBe("deterministic");
    expect(hash(network.save())).toBe(hash((await trained()).save()));
  });

  it("runs what the engine has from the import on, and a second one changes nothing; networks that exist stay as they are", async () => {
    const early = await create("relaxed");
    const bytes = early.save();
    await import("../src/relaxed.js");
    expect(early.simd).toBe("deterministic");
    expect((await create("relaxed")).simd).toBe(runs);
    const { addRelaxed } = await import("../src/engine/core.js");
    addRelaxed(embeddedRelaxed, relaxedMemoryFlag);
    expect((await create("relaxed")).simd).toBe(runs);
    expect((await create()).simd).toBe("deterministic");
    expect((await create("deterministic")).simd).toBe("deterministic");
    // the weights that training starts from are the same
    expect((await create("relaxed")).save()).toEqual(bytes);
  });

  it("ends near what deterministic training ends in, elsewhere where the engine's multiply-add rounds once", async () => {
    const network = await trained("relaxed");
    const plain = await trained();
    expect(network.simd).toBe(runs);
    const [computed, expected] = [network, plain].map((each) => each.predict(samples));
    expect(difference(computed, expected)).toBeLessThan(1e-3);
    expect(hash(network.save()) === hash(plain.save())).toBe(runs === "deterministic" || !fuses());
    expect(network.evaluate(samples, classes).loss).toBeCloseTo(plain.evaluate(samples, classes).loss, 4);
  });

  it("is computed by several threads, to the bytes of one on this machine", async () => {
    const one = hash((await trained("relaxed")).save());
    for (const threads of [2, 3, 5]) {
      const network = await trained("relaxed", threads);
      expect(network.layers[0].weights.buffer).toBeInstanceOf(SharedArrayBuffer);
      expect(network.simd).toBe(runs);
      expect(hash(network.save()), `${threads} threads`).toBe(one);
    }
  });

  it("stays with a clone, and is not kept in a file", async () => {
    const network = await trained("relaxed", 2);
    const clone = await network.clone();
    expect(clone.simd).toBe(runs);
    expect(clone.predict(samples)).toEqual(network.predict(samples));
    await Promise.all([network, clone].map((each) => each.fit(samples, classes, options)));
    expect(hash(clone.save())).toBe(hash(network.save()));
    const loaded = await Network.load(network.save());
    expect(loaded.simd).toBe("deterministic");
    expect(loaded.save()).toEqual(network.save());
    expect(difference(loaded.predict(samples), network.predict(samples))).toBeLessThan(1e-4);
  });

  it("learns to the same bytes step by step and by fit", async () => {
    const [stepwise, whole] = [await create("relaxed"), await create("relaxed")];
    for (let at = 0; at < 120; at += 24) stepwise.trainBatch(samples.subarray(at * INPUTS, (at + 24) * INPUTS), classes.slice(at, at + 24), { optimizer: options.optimizer });
    await whole.fit(samples, classes, { ...options, epochs: 1, shuffle: false });
    stepwise.layers.forEach(({ weights }, l) => expect(weights).toEqual(whole.layers[l].weights));
  });

  it("of another value is an error that names both", async () => {
    // @ts-expect-error: nor does it compile
    const wrong = create("fast");
    await expect(wrong).rejects.toThrow(RangeError);
    await expect(wrong).rejects.toThrow("simd: expected one of 'deterministic', 'relaxed', got 'fast'");
    await expect(create(1 as unknown as "relaxed")).rejects.toThrow(TypeError);
  });
});

describe("the relaxed build", () => {
  it("repeats PyTorch's trajectories", { timeout: 120_000 }, async () => {
    let ran = 0;
    for (const golden of goldenCases()) {
      const network = await libraryNetwork(golden.inputCount, golden.layers, golden.initial, "relaxed");
      expect(network.simd).toBe(runs);
      const losses: number[] = [];
      await network.fit(golden.inputs, golden.targets, {
        epochs: golden.epochs, batchSize: golden.batchSize, shuffle: false, optimizer: libraryOptimizer(golden.optimizer), loss: libraryLoss(golden.loss),
        sampleWeights: golden.sampleWeights, gradientClip: golden.gradientClip, onBatch: ({ loss }) => void losses.push(loss),
      });
      // the tolerance of test/trajectories.test.ts
      expect(relativeDifference(losses, golden.losses), golden.name).toBeLessThanOrEqual(2e-5);
      golden.final.forEach(({ weights }, l) => expect(relativeDifference(network.layers[l].weights, weights), golden.name).toBeLessThanOrEqual(2e-5));
      network.dispose();
      ran++;
    }
    expect(ran).toBe(GOLDEN_CASE_COUNT);
  });

  it("gives every gradient within the bound that the oracle carries along, for networks that are packed and for small ones", async () => {
    const pair = { title: "", hidden: { name: "tanh" }, output: { name: "softmax" }, loss: { name: "crossEntropy" } } as const;
    let compared = 0;
    for (const [inputs, hidden, outputs, batch] of [[5, 7, 3, 4], [12, 9, 8, 17], [61, 70, 13, 33], [96, 130, 24, 66]]) {
      const { network: oracle, inputs: data, targets } = buildPair(pair, [inputs, hidden, outputs], batch, 1e-3);
      const library = await libraryNetwork(inputs, oracle.layers.map(({ units, activation }) => ({ units, activation })), oracle.layers, "relaxed");
      const computed = library.gradients(Float32Array.from(data), Float32Array.from(targets), { loss: libraryLoss(pair.loss) });
      const bounds = gradientBounds(oracle, data, targets, pair.loss);
      gradients(oracle, data, targets, pair.loss).layers.forEach(({ weights, biases }, l) => {
        expect(worstShare(computed.layers[l].weights!, weights!, bounds.layers[l].weights!)).toBeLessThanOrEqual(1);
        expect(worstShare(computed.layers[l].biases!, biases!, bounds.layers[l].biases!)).toBeLessThanOrEqual(1);
        compared++;
      });
    }
    expect(compared).toBe(8);
  });
});

/** What a script prints that imports the built package, with or without the relaxed entry, in a process of its own. */
async function inProcess(flags: readonly string[], imported: "before" | "after" | "never"): Promise<{ simd: string[]; bytes: string[]; compiled: number }> {
  const script = `
    const { createHash } = await import("node:crypto");
    let compiled = 0;
    const { compile } = WebAssembly;
    WebAssembly.compile = async (bytes) => {
      const module = await compile(bytes);
      if (WebAssembly.Module.imports(module).some(({ name }) => name === "memory")) compiled++;   // the host may compile some of its own
      return module;
    };
    const imported = ${JSON.stringify(imported)};
    if (imported === "before") await import("${dist("relaxed")}");
    const { Network, dense } = await import("${dist("index")}");
    if (imported === "after") await import("${dist("relaxed")}");
    const simd = [], bytes = [];
    for (const [kind, threads] of [["deterministic", 1], ["relaxed", 1], ["relaxed", 2]]) {
      const network = await Network.create({ inputs: 40, layers: [dense(70, "relu"), dense(5, "softmax")], seed: 1, simd: kind });
      const inputs = Float32Array.from({ length: 4000 }, (_, i) => Math.fround(((i * 7919) % 1009) / 1009 - 0.5));
      await network.fit(inputs, Array.from({ length: 100 }, (_, i) => i % 5), { epochs: 2, threads });
      simd.push(network.simd);
      bytes.push(createHash("sha256").update(network.save()).digest("hex"));
    }
    console.log(JSON.stringify({ simd, bytes, compiled }));`;
  const { stdout } = await execute(process.execPath, [...flags, "--input-type=module", "--eval", script]);
  return JSON.parse(stdout);
}

describe("the built package, in a process of its own", () => {
  const engines = [{ kind: "as it is", flags: [] as string[], has: withoutFlag }, ...(behindFlag ? [{ kind: "with the flag", flags: [RELAXED_FLAG], has: true }] : [])];
  const cases = engines.flatMap((engine) => (["before", "after", "never"] as const).map((imported) => ({ ...engine, imported })));

  it.each(cases)("Node $kind, rosenblatt/relaxed imported $imported", async ({ flags, has, imported }) => {
    const { simd, bytes, compiled } = await inProcess(flags, imported);
    const relaxed = has && imported !== "never";
    const second = relaxed ? "relaxed" : "deterministic";
    expect(simd).toEqual(["deterministic", second, second]);
    expect(bytes[2]).toBe(bytes[1]);
    expect(bytes[1] === bytes[0]).toBe(!relaxed || !fuses());
    // the unshared form of each, and the shared one of what threads have played
    expect(compiled).toBe(relaxed ? 3 : 2);
  });

  it("has the relaxed binary in the relaxed entry alone", () => {
    const start = embeddedRelaxed.compressed.slice(0, 300);
    expect(readFileSync(new URL(dist("relaxed")), "utf8")).toContain(start);
    const reached = new Set([dist("index"), dist("tabular"), dist("node"), dist("cli")]);
    for (const file of reached) {
      const content = readFileSync(new URL(file), "utf8");
      expect(content.includes(start), file).toBe(false);
      for (const [, path] of content.matchAll(/(?:from|import)\s*\(?"(\.\/[^"]+\.js)"/g)) reached.add(new URL(path, file).href);
    }
    expect(reached.size).toBeGreaterThan(4);
  });
});
