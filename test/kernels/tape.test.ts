// The player: an instruction dealt in any number of shares, in any order of them, on either build, gives the bytes of `play` on
// one thread; and a step allocates nothing.
//
// The tapes are those of real networks (src/plan/forward.ts), of sizes that no share divides evenly. All memory is compared but
// the panel, which is a thread's own scratch.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import {
  BLOCK, ClipNorm, FORWARD_KC, Finish, GradientSquares, INSTRUCTION_WORDS, KC, MR, NR, Op, PACKED_FLOATS, PANEL_FLOATS, RELAXED_MR, STEP_WORDS, Step, SumSlopes,
} from "../../assembly/codes.js";
import { checkNetwork } from "../../src/describe/layers.js";
import { slotNames } from "../../src/describe/optimizers.js";
import { adam, adamw, batchNorm, crossEntropy, dense, dropout, gelu, huber, layerNorm, leakyRelu, lion, nadam, Network, prelu, ready, rmsprop, sgd } from "../../src/index.js";
import type { LayerSpec, Loss, Optimizer } from "../../src/index.js";
import { initialise } from "../../src/initialise.js";
import { Model } from "../../src/model.js";
import { LONE_STEP, forwardScratch, planTopology, productScratch } from "../../src/plan/layout.js";
import { singleTape } from "../../src/plan/forward.js";
import { freshProgress } from "../../src/progress.js";
import { writeRates } from "../../src/train/rates.js";
import { coreMath, placeTraining } from "../../src/train/step.js";
import { instantiateBuild, randomFloats, randomNumbers, Stage, type Build, type Output } from "./stage.js";

const THREADS = [1, 2, 3, 4, 7, 8];
const STEPS = 3;
const WINDOW = 101;

interface Trained {
  readonly title: string;
  readonly inputs: number;
  readonly layers: LayerSpec[];
  readonly loss: Loss;
  readonly optimizer: Optimizer;
  readonly rows: number;
  readonly classes?: boolean;
  readonly weighted?: boolean;
  readonly gradientClip?: { readonly norm: number } | { readonly value: number };
  readonly average?: boolean;
}

const networks: readonly Trained[] = [
  {
    title: "classes, label smoothing, weights, clipping by norm, penalties, more than a block of weights",
    inputs: 13,
    layers: [dense(67, { activation: prelu(), l2: 0.01 }), dense(71, { activation: "tanh", l1: 0.001 }), dense(7, "softmax")],
    loss: crossEntropy({ labelSmoothing: 0.1 }), optimizer: adam({ learningRate: 0.01 }), rows: 19, classes: true, weighted: true, gradientClip: { norm: 0.05 }, average: true,
  },
  {
    title: "one slope, frozen layer, clipping by value, softmax before a squared error",
    inputs: 5,
    layers: [
      dense(33, { activation: gelu({ approximate: "tanh" }), l2: 0.1 }), dense(9, { activation: prelu({ shared: true }) }), dense(10, { activation: "mish", trainable: false, l1: 0.1 }),
      dense(4, "softmax"),
    ],
    loss: { name: "meanSquaredError" }, optimizer: nadam(), rows: 23, gradientClip: { value: 0.01 }, average: true,
  },
  {
    title: "more inputs than a block of the product, sigmoids",
    inputs: 517, layers: [dense(20, "relu"), dense(11, { activation: "sigmoid", bias: false })], loss: { name: "binaryCrossEntropy" }, optimizer: rmsprop({ momentum: 0.9 }), rows: 6,
  },
  {
    title: "one of everything",
    inputs: 1, layers: [dense(1, "tanh"), dense(1)], loss: huber({ delta: 0.1 }), optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }), rows: 1,
  },
  {
    title: "a lone unit whose activation lies over its sums",
    inputs: 3, layers: [dense(5, "relu"), dense(1, leakyRelu({ slope: 0.3 }))], loss: { name: "meanSquaredError" }, optimizer: adam(), rows: 13,
  },
  {
    title: "a negative slope, lion",
    inputs: 8, layers: [dense(16, leakyRelu({ slope: -0.2 })), dense(40, "selu"), dense(3, "hardSigmoid")], loss: { name: "meanAbsoluteError" }, optimizer: lion({ weightDecay: 0.1 }), rows: 33,
  },
  {
    title: "adamw before a softmax with binary losses",
    inputs: 12, layers: [dense(18, "silu"), dense(6, "softmax")], loss: { name: "binaryCrossEntropy" }, optimizer: adamw(), rows: 17, weighted: true,
  },
  {
    title: "dropout and normalisations before, between, behind and next to each other",
    inputs: 13,
    layers: [
      dropout(0.25), batchNorm(), dense(67, "relu"), batchNorm({ momentum: 0.5 }), dropout(0.5), dense(29, "tanh"), layerNorm(), layerNorm(), dropout(0), batchNorm(),
      dense(12, { activation: prelu(), trainable: false }), dropout(0.125), layerNorm(),
    ],
    loss: { name: "meanSquaredError" }, optimizer: adamw(), rows: 19, weighted: true, gradientClip: { norm: 0.05 },
  },
  {
    title: "normalisations first and last, of one unit, and a last batch of one row",
    inputs: 9, layers: [layerNorm(), batchNorm(), dense(5, "gelu"), layerNorm(), dense(1), batchNorm()], loss: huber(), optimizer: adam(), rows: 3,
  },
  {
    title: "dropout last",
    inputs: 9, layers: [dense(65, "relu"), dropout(0.5), dropout(0.75)], loss: { name: "meanSquaredError" }, optimizer: sgd({ learningRate: 0.01 }), rows: 10,
  },
];

interface Prepared {
  readonly image: Uint8Array;
  readonly tape: number;
  readonly count: number;
  readonly steps: number;
  readonly panel: number;
  readonly scratchEnd: number;
}

/** The memory of a network at the start of a fit: data, order, records of three steps of which the last has fewer rows, and the tape. */
async function prepare({ inputs, layers, loss, optimizer, rows, classes = false, weighted = false, gradientClip, average = false }: Trained): Promise<Prepared> {
  await ready();
  const outputs = planTopology(inputs, layers).outputs;
  const model = new Model(checkNetwork({ inputs, layers, seed: 5 }), "test", {
    slots: slotNames(optimizer).length, snapshot: false, best: false, average, batch: rows, windowRows: WINDOW, orderLength: WINDOW,
    targetWidth: classes ? 1 : outputs, weighted,
  });
  initialise(model);
  const { layout, core: { f32, f64, u32, u8 } } = model;
  const next = randomNumbers(71);
  for (let i = 0; i < WINDOW * inputs; i++) f32[layout.window / 4 + i] = 2 * next() - 1;
  for (let i = 0; i < WINDOW * (classes ? 1 : outputs); i++) f32[layout.targetWindow / 4 + i] = classes ? Math.floor(outputs * next()) : next();
  for (let i = 0; weighted && i < WINDOW; i++) f32[layout.weightWindow / 4 + i] = i % 7 === 0 ? 0 : 0.5 + next();
  for (let i = 0; i < WINDOW; i++) u32[layout.order / 4 + i] = (i * 17) % WINDOW;
  const count = placeTraining(model, { loss, optimizer, gradientClip, hits: true, weighted, classes, average });
  const progress = freshProgress();
  for (let step = 0; step < STEPS; step++) {
    const record = layout.steps / 8 + step * STEP_WORDS;
    f64[record + Step.first] = step * rows;
    f64[record + Step.rows] = step === STEPS - 1 ? Math.ceil(rows / 3) : rows;
    f64[record + Step.inverseWeight] = 1 / f64[record + Step.rows];
    f64[record + Step.epoch] = 3;
    f64[record + Step.step] = step;
    f64[record + Step.averageTake] = step === 0 ? 1 : 0.25;
    f64[record + Step.averageKeep] = 1 - f64[record + Step.averageTake];
    writeRates(f64, record, optimizer, progress, coreMath);
  }
  return { image: u8.slice(), tape: layout.tapes.training, count, steps: layout.steps, panel: layout.panel, scratchEnd: layout.steps };
}

/** A build on a copy of an image, and its bytes without the panel. */
function copyOf({ image, panel, scratchEnd }: Prepared, build: Build) {
  const { kernels, memory } = instantiateBuild(build, image.length);
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(image);
  return {
    kernels,
    bytes: (): Buffer => {
      const copy = Buffer.from(bytes.slice());
      copy.fill(0, panel, scratchEnd);
      return copy;
    },
  };
}

describe.each(networks)("$title", (network) => {
  it("gives the bytes of one thread for 1, 2, 3, 4, 7 and 8 shares in any order, in both builds", async () => {
    const prepared = await prepare(network);
    const { tape, count, steps, panel } = prepared;
    const whole = copyOf(prepared, "release");
    expect(whole.kernels.play(tape, count, steps, 0, STEPS, panel)).toBe(STEPS);
    const expected = whole.bytes();
    const start = copyOf(prepared, "release").bytes();
    expect(expected.compare(start)).not.toBe(0);
    const losses = new Float64Array(expected.buffer, expected.byteOffset + steps, STEPS * STEP_WORDS);
    for (let step = 0; step < STEPS; step++) expect(losses[step * STEP_WORDS + Step.loss]).toBeGreaterThan(0);

    let played = 0;
    for (const build of ["release", "debug"] as const) {
      for (const threads of THREADS) {
        for (const backwards of [false, true]) {
          const { kernels, bytes } = copyOf(prepared, build);
          for (let step = 0; step < STEPS; step++) {
            for (let instruction = 0; instruction < count; instruction++) {
              for (let i = 0; i < threads; i++) {
                const thread = backwards ? threads - 1 - i : i;
                kernels.execute(tape + 4 * INSTRUCTION_WORDS * instruction, steps + 8 * STEP_WORDS * step, thread, threads, panel);
              }
            }
          }
          expect(bytes().equals(expected), `${build}, ${threads} shares${backwards ? ", last first" : ""}`).toBe(true);
          played++;
        }
      }
    }
    expect(played).toBe(2 * 6 * 2);
  });

  it("gives the bytes of one thread when the shares of what needs no barrier between are at different instructions", async () => {
    const prepared = await prepare(network);
    const { tape, count, steps, panel } = prepared;
    const whole = copyOf(prepared, "release");
    expect(whole.kernels.play(tape, count, steps, 0, STEPS, panel)).toBe(STEPS);
    const expected = whole.bytes();
    const words = new Int32Array(prepared.image.buffer, prepared.image.byteOffset);
    const op = (index: number): number => words[tape / 4 + (index % count) * INSTRUCTION_WORDS];
    const next = randomNumbers(3);
    let longest = 0;
    let barriers = 0;
    for (const threads of [2, 3, 8]) {
      // drawn at random, each share ahead of all others in turn
      for (let trial = 0; trial < threads + 4; trial++) {
        const { kernels, bytes } = copyOf(prepared, "release");
        for (let begin = 0, end = 0; begin < STEPS * count; begin = end) {
          end = begin + 1;
          while (end < STEPS * count && kernels.follows(op(end), op(end - 1)) !== 0) end++;
          longest = Math.max(longest, end - begin);
          barriers++;
          const at = new Array<number>(threads).fill(begin);
          for (let left = threads * (end - begin); left > 0; left--) {
            let share = trial < threads ? trial : Math.floor(next() * threads);
            while (at[share] === end) share = (share + 1) % threads;
            const index = at[share]++;
            kernels.execute(tape + 4 * INSTRUCTION_WORDS * (index % count), steps + 8 * STEP_WORDS * Math.floor(index / count), share, threads, panel);
          }
        }
        expect(bytes().equals(expected), `${threads} shares, trial ${trial}`).toBe(true);
      }
    }
    expect(longest).toBeGreaterThan(1);
    expect(barriers).toBeGreaterThan(STEPS * 5);
  });
});

it("the networks have every instruction of a training step among them", async () => {
  const seen = new Set<number>();
  for (const network of networks) {
    const { image, tape, count } = await prepare(network);
    const words = new Int32Array(image.buffer);
    for (let i = 0; i < count; i++) seen.add(words[tape / 4 + INSTRUCTION_WORDS * i]);
  }
  const all = Object.values(Op).filter((op) => typeof op === "number" && ![Op.denseSingle, Op.columnFigures, Op.histogram].includes(op as Op));
  expect([...seen].sort((a, b) => a - b)).toEqual(all);
});

it("a lone prediction is the same in any number of shares", async () => {
  await ready();
  const model = new Model(checkNetwork({ inputs: 37, layers: [dense(29, prelu()), dense(18, prelu({ shared: true })), dense(11, "softmax")], seed: 2 }), "test");
  initialise(model);
  const { layout, core, topology } = model;
  const next = randomNumbers(3);
  for (let i = 0; i < 37; i++) core.f32[layout.samples / 4 + i] = next();
  core.f64[LONE_STEP / 8 + Step.rows] = 1;
  const count = model.place("single", "", () => singleTape(topology, layout));
  const prepared = { image: core.u8.slice(), tape: layout.tapes.single, count, steps: LONE_STEP, panel: layout.panel, scratchEnd: layout.steps };
  const whole = copyOf(prepared, "release");
  whole.kernels.play(prepared.tape, count, LONE_STEP, 0, 1, layout.panel);
  const expected = whole.bytes();
  for (const build of ["release", "debug"] as const) {
    for (const threads of THREADS) {
      const { kernels, bytes } = copyOf(prepared, build);
      for (let i = 0; i < count; i++) {
        for (let thread = threads - 1; thread >= 0; thread--) kernels.execute(prepared.tape + 4 * INSTRUCTION_WORDS * i, LONE_STEP, thread, threads, layout.panel);
      }
      expect(bytes().equals(expected), `${build}, ${threads} shares`).toBe(true);
    }
  }
});

it("play stops at a step whose loss is not finite, before anything of it is applied", async () => {
  const prepared = await prepare(networks[0]);
  const { kernels, memory } = instantiateBuild("release", prepared.image.length);
  const bytes = new Uint8Array(memory.buffer);
  bytes.set(prepared.image);
  const { tape, count, steps, panel } = prepared;
  expect(kernels.play(tape, count, steps, 0, 1, panel)).toBe(1);
  const parameters = new Float32Array(memory.buffer, 1024, 13 * 67);
  const afterOne = parameters.slice();
  // the second step's weights sum to nothing finite
  new Float64Array(memory.buffer)[steps / 8 + STEP_WORDS + Step.inverseWeight] = Infinity;
  expect(kernels.play(tape, count, steps, 1, STEPS, panel)).toBe(0);
  expect(parameters.slice()).toEqual(afterOne);
  expect(Number.isFinite(new Float64Array(memory.buffer)[steps / 8 + STEP_WORDS + Step.loss])).toBe(false);
});

it("nor do running statistics follow it", async () => {
  const network = networks.find(({ title }) => title.startsWith("dropout and normalisations"))!;
  const prepared = await prepare(network);
  const { length, statistics } = planTopology(network.inputs, network.layers);
  expect(statistics).toBe(2 * (13 + 67 + 29));
  const { kernels, memory } = instantiateBuild("release", prepared.image.length);
  new Uint8Array(memory.buffer).set(prepared.image);
  const { tape, count, steps, panel } = prepared;
  const parameters = new Float32Array(memory.buffer, 1024, length);
  const before = parameters.slice();
  new Float64Array(memory.buffer)[steps / 8 + Step.inverseWeight] = Infinity;
  expect(kernels.play(tape, count, steps, 0, 1, panel)).toBe(0);
  expect(parameters.slice()).toEqual(before);
  new Float64Array(memory.buffer)[steps / 8 + Step.inverseWeight] = 1;
  expect(kernels.play(tape, count, steps, 0, 1, panel)).toBe(1);
  expect(parameters.slice(length - statistics)).not.toEqual(before.slice(length - statistics));
});

describe("instructions that sum over all of a tensor", () => {
  const stage = new Stage();

  /** Runs an instruction in three shares: its words, its fields that hold an f32, and the rows and 1/W of its step. Returns the step's record. */
  function execute(op: Op, words: readonly (readonly [number, number])[], floats: readonly (readonly [number, number])[], outputs: readonly Output[], record: readonly [number, number] = [0, 0]): number {
    const at = stage.reserve(4 * INSTRUCTION_WORDS);
    stage.u32.fill(0, at / 4, at / 4 + INSTRUCTION_WORDS);
    stage.u32[at / 4] = op;
    for (const [field, word] of words) stage.u32[at / 4 + field] = word;
    for (const [field, value] of floats) stage.f32[at / 4 + field] = value;
    const step = stage.reserve(8 * STEP_WORDS);
    stage.f64.fill(0, step / 8, step / 8 + STEP_WORDS);
    stage.f64[step / 8 + Step.rows] = record[0];
    stage.f64[step / 8 + Step.inverseWeight] = record[1];
    const written = op === Op.finish ? [{ at: step + 8 * Step.loss, bytes: 8 }, { at: step + 8 * Step.hits, bytes: 8 }] : outputs;
    for (let thread = 0; thread < 3; thread++) stage.run((kernels) => kernels.execute(at, step, thread, 3, 0), written);
    return step;
  }

  it.each([1, 5, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 7])("clip %i floats by their norm, 1e-6 being added to it, in three shares", (length) => {
    for (const [size, norm] of [[1, 0.5], [1e-6, 1e-7], [1e-5, 2e-5], [1, 1e6], [0, 1]]) {
      stage.clear();
      const gradient = randomFloats(length, length, -size, size);
      const at = stage.place(gradient);
      const count = Math.ceil(length / BLOCK);
      const partials = stage.reserve(8 * count);
      execute(Op.gradientSquares, [[GradientSquares.gradient, at], [GradientSquares.length, length], [GradientSquares.partials, partials]], [], [{ at: partials, bytes: 8 * count }]);
      execute(
        Op.clipNorm, [[ClipNorm.gradient, at], [ClipNorm.length, length], [ClipNorm.partials, partials], [ClipNorm.partialCount, count]], [[ClipNorm.norm, norm]],
        [{ at, bytes: 4 * length }],
      );
      const total = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
      const scale = Math.min(1, Math.fround(norm) / (total + 1e-6));
      gradient.forEach((g, i) => {
        const got = stage.f32[at / 4 + i];
        // the scale and the product are rounded; without a need to clip nothing is
        if (!(Math.abs(got - g * scale) <= (scale === 1 ? 0 : 2.01 * 2 ** -24 * Math.abs(g * scale) + 2 ** -149))) throw new Error(`element ${i}: ${got}, exact ${g * scale}`);
      });
    }
  });

  it("add the slopes' gradients of all units", () => {
    for (const units of [1, 3, 8, 67]) {
      stage.clear();
      const gradients = randomFloats(units, units);
      const at = stage.place(gradients);
      const sum = stage.unwritten(1);
      execute(Op.sumSlopes, [[SumSlopes.unitSlopes, at], [SumSlopes.units, units], [SumSlopes.dSlope, sum]], [], [{ at: sum, bytes: 4 }]);
      expect(stage.f32[sum / 4]).toBe(Math.fround(gradients.reduce((total, g) => total + g, 0)));
    }
  });

  it("finish: the mean of the rows' losses, the penalties, and all hits", () => {
    let ran = 0;
    for (const rows of [0, 1, 2, 9, 67]) {
      for (const partialCount of [0, 1, 5]) {
        for (const withHits of [true, false]) {
          stage.clear();
          const values = stage.reserve(8 * rows);
          const partials = stage.reserve(8 * partialCount);
          const hits = stage.reserve(4 * rows);
          for (let i = 0; i < rows; i++) {
            stage.f64[values / 8 + i] = 0.1 * (i + 1);
            stage.u32[hits / 4 + i] = i % 4;
          }
          for (let i = 0; i < partialCount; i++) stage.f64[partials / 8 + i] = 0.01 * (i + 1);
          const step = execute(
            Op.finish, [[Finish.values, values], [Finish.hits, withHits ? hits : 0], [Finish.partials, partials], [Finish.partialCount, partialCount], [Finish.divisor, 4]], [], [],
            [rows, 0.3],
          );
          const loss = (0.1 * rows * (rows + 1) / 2) * 0.3 / 4 + (0.01 * partialCount * (partialCount + 1)) / 2;
          expect(Math.abs(stage.f64[step / 8 + Step.loss] - loss)).toBeLessThanOrEqual(1e-13 * loss);
          expect(stage.f64[step / 8 + Step.hits]).toBe(withHits ? Array.from({ length: rows }, (_, i) => i % 4).reduce((sum, h) => sum + h, 0) : 0);
          ran++;
        }
      }
    }
    expect(ran).toBe(5 * 3 * 2);
  });
});

it("the scratch of a product is no larger than the sizes say", () => {
  for (const [m, k] of [[0, 0], [1, 1], [5, 8], [6, KC], [64, 784], [1024, 256], [100_000, 10], [100_000, 1024], [100_000, 3000]]) {
    const samples = 4 * Math.min(PACKED_FLOATS, NR * Math.ceil(m / NR) * Math.min(k, FORWARD_KC));
    expect(forwardScratch(m, k)).toBeGreaterThanOrEqual((samples * 9) / 10);
    expect(forwardScratch(m, k)).toBeLessThan(samples + 1024);
    const packed = 4 * Math.max(...[MR, RELAXED_MR].map((height) => Math.min(PACKED_FLOATS, height * Math.ceil(m / height) * Math.min(k, KC))));
    expect(productScratch(m, k)).toBeGreaterThanOrEqual(4 * PANEL_FLOATS + (packed * 9) / 10);
    expect(productScratch(m, k)).toBeLessThan(4 * PANEL_FLOATS + packed + 1024);
  }
});

describe("a step allocates nothing", () => {
  const collect = (): number => {
    setFlagsFromString("--expose-gc");
    (runInNewContext("gc") as () => void)();
    return process.memoryUsage().heapUsed;
  };

  it("trainBatch: memory has the same length and the heap the same size after thousands of steps", async () => {
    const network = await Network.create({ inputs: 9, layers: [dense(15, "relu"), dense(4, "softmax")], seed: 1 });
    const next = randomNumbers(1);
    const inputs = Float32Array.from({ length: 16 * 9 }, next);
    const labels = Uint8Array.from({ length: 16 }, () => Math.floor(4 * next()));
    const train = (steps: number): void => {
      for (let i = 0; i < steps; i++) network.trainBatch(inputs, labels, { optimizer: "adam" });
    };
    train(10_000);
    const bytes = network.layers[0].weights.buffer.byteLength;
    // the engine's own bookkeeping comes and goes; what every step left behind would show in two of three
    const growths = [0, 1, 2].map(() => {
      const before = collect();
      train(10_000);
      return collect() - before;
    });
    expect(network.layers[0].weights.buffer.byteLength).toBe(bytes);
    // 8 bytes a step: no object is smaller
    expect(growths.sort((a, b) => a - b)[1]).toBeLessThan(80_000);
    // and what they make meanwhile is bounded by the collector
    const started = process.memoryUsage().heapUsed;
    train(1000);
    expect(process.memoryUsage().heapUsed - started).toBeLessThan(32 * 2 ** 20);
  });

  it("fit and predict: memory keeps its length over many epochs", async () => {
    const network = await Network.create({ inputs: 9, layers: [dense(15, "relu"), dense(2)], seed: 1 });
    const next = randomNumbers(2);
    const inputs = Float32Array.from({ length: 50 * 9 }, next);
    const targets = Float32Array.from({ length: 50 * 2 }, next);
    const lengths = new Set<number>();
    const output = new Float32Array(2);
    await network.fit(inputs, targets, {
      epochs: 150, batchSize: 7,
      onEpoch: () => {
        network.predict(inputs.subarray(0, 9), output);
        lengths.add(network.layers[0].weights.buffer.byteLength);
      },
    });
    expect(lengths.size).toBe(1);
    const before = network.layers[0].weights.buffer.byteLength;
    await network.fit(inputs, targets, { epochs: 2, batchSize: 7 });
    expect(network.layers[0].weights.buffer.byteLength).toBe(before);
  });
});
