// The bench in a page: this library beside TensorFlow.js and the limit of the machine's SIMD units, in turn on the page's main thread.
// Everything that is compared takes turns, answers are checked before they are timed, and figures are medians over rounds, ratios of
// the same round; see bench/README.md. A page's clock is coarse (5 µs in an isolated Chromium, 20 in Firefox), so that short calls are
// timed in groups of a millisecond.

import * as library from "../../dist/index.js";
import { createPrediction, createTraining } from "../library.mjs";
import { predictionOperations, shapeOf, shapesOf, trainingOperations } from "../networks.mjs";
import { median, spread, timeOnce } from "../stats.mjs";

export const FULL = { rounds: 5, milliseconds: 200 };
export const QUICK = { rounds: 2, milliseconds: 60 };

/** As in bench/probe.mjs: a round is 64 operations. */
const ROUNDS = 20_000;
const GROUP_MS = 1;
/** Largest difference of predictions from ours, of 1 or of the value if that is larger: WebGL computes functions more coarsely. */
const TOLERANCE = { wasm: 1e-5, webgl: 1e-3 };
/** Steps before a backend's loss must have fallen, and how long it goes on beyond them; if they take longer than that, it is left out. */
const STEPS = 8;
const WARM_MS = 2_000;
const LONGEST_MS = 60_000;

/** The rate of multiply and add now, in GFLOP/s. */
export async function createProbe() {
  const memory = new WebAssembly.Memory({ initial: 64, maximum: 65536, shared: true });
  const { instance } = await WebAssembly.instantiate(await (await fetch("/build/peak.wasm")).arrayBuffer(), { env: { memory } });
  new Float32Array(memory.buffer).fill(1e-3, 256, 2048);
  const work = () => {
    if (!Number.isFinite(instance.exports.peak(1024, ROUNDS))) throw new Error("the peak probe lost its sum");
  };
  timeOnce(work, 100);
  return () => (ROUNDS * 64) / Math.min(timeOnce(work, 5), timeOnce(work, 5), timeOnce(work, 5)) / 1e6;
}

/** Calls for about `milliseconds`: the median time of one, in ms, of groups that the clock can tell. */
function timeGroups(call, milliseconds) {
  const once = timeOnce(call, GROUP_MS);
  const group = Math.max(1, Math.ceil(GROUP_MS / once));
  const times = [];
  const started = performance.now();
  do {
    const before = performance.now();
    for (let i = 0; i < group; i++) call();
    times.push((performance.now() - before) / group);
  } while (performance.now() - started < milliseconds);
  return median(times);
}

const breath = () => new Promise((resolve) => setTimeout(resolve, 0));

/** Our tasks of a network: for each a function of the milliseconds that resolves to samples a second, or ms a prediction. */
async function ours(network, milliseconds) {
  const { model, block } = await createTraining(library, network, 2 * milliseconds);
  const { model: fixed, single, batch, samples, outputs } = await createPrediction(library, network);
  batch();
  const { available } = model.threads;
  const contender = (threads) => ({
    name: threads === 1 ? "rosenblatt" : `rosenblatt, ${threads} threads`,
    threads,
    train: async (ms) => (await block(ms, threads)).samplesPerSecond,
    ...(threads > 1 ? {} : { single: (ms) => timeGroups(single, ms), batch: (ms) => 1024 / (timeGroups(batch, ms) / 1000) }),
  });
  const contenders = [contender(1)];
  if (available > 1) {
    await block(2 * milliseconds, available);
    contenders.push(contender(available));
  }
  const weights = fixed.layers.map((layer, i) => {
    const [inputs, units] = shapesOf(network)[i];
    return { inputs, units, weights: layer.weights.slice(), biases: layer.biases.slice() };
  });
  return { contenders, weights, samples, expected: outputs.slice(), reason: model.threads.reason, end: () => [model, fixed].forEach((one) => one.dispose()) };
}

/** A backend's tasks, checked against our predictions, its training warm. @throws {Error} where an answer is wrong or takes too long */
async function theirs(tfjs, backend, network, { weights, samples, expected }) {
  const { use, training: { unit, samples: size, loss, units }, sync, predict } = tfjs.create(backend, network, weights);
  await use();
  const one = samples.slice(0, network.inputs);
  const outputs = predict(samples, 1024);
  const wrong = expected.findIndex((value, i) => !(Math.abs(outputs[i] - value) <= TOLERANCE[backend] * Math.max(1, Math.abs(value))));
  if (wrong >= 0) throw new Error(`prediction ${wrong}: expected ${expected[wrong]}, got ${outputs[wrong]}`);
  const before = loss();
  const started = performance.now();
  for (let i = 0; i < 2 * units; i++) {
    unit();
    sync();
    const elapsed = performance.now() - started;
    if (i >= STEPS && elapsed > WARM_MS) break;
    if (elapsed > LONGEST_MS) throw new Error(`${i + 1} steps took ${Math.round(elapsed / 1000)} s`);
  }
  const after = loss();
  if (!(after < before)) throw new Error(`expected the loss to fall from ${before}, got ${after}`);
  return {
    name: `tfjs-${backend}`,
    shares: backend === "webgl" || tfjs.getThreadsCount() > 1,
    train: async (ms) => {
      await use();
      sync();
      const begun = performance.now();
      let count = 0;
      do {
        unit();
        // the graphics processor works behind a queue
        if (backend === "webgl" && ++count % 4 === 0) sync();
        else if (backend !== "webgl") count++;
      } while (performance.now() - begun < ms);
      sync();
      return (count * size * 1000) / (performance.now() - begun);
    },
    single: async (ms) => {
      await use();
      return timeGroups(() => predict(one, 1), ms);
    },
    batch: async (ms) => {
      await use();
      return 1024 / (timeGroups(() => predict(samples, 1024), ms) / 1000);
    },
  };
}

/** One network: { key, shape, batch, peak, rows: [{ name, train, single, batch }], problems }; each figure { value, spread, ratio, share }. */
async function measureNetwork(network, probe, tfjs, backends, { rounds, milliseconds }) {
  const own = await ours(network, milliseconds);
  const contenders = [...own.contenders];
  const problems = {};
  for (const backend of backends) {
    await breath();
    try {
      contenders.push(await theirs(tfjs, backend, network, own));
    } catch (error) {
      problems[`tfjs-${backend}`] = error.message;
    }
  }
  const figures = new Map();
  const peaks = [];
  for (let round = 0; round < rounds; round++) {
    peaks.push(probe());
    for (const task of ["train", "single", "batch"]) {
      for (const contender of contenders) {
        if (contender[task] === undefined) continue;
        await breath();
        const label = `${contender.name}/${task}`;
        figures.set(label, [...(figures.get(label) ?? []), await contender[task](milliseconds)]);
      }
    }
  }
  const operations = { train: trainingOperations(network), batch: predictionOperations(network) };
  const rows = contenders.map(({ name, threads, shares }) => {
    const row = { name, ...(threads === undefined ? {} : { threads }) };
    for (const task of ["train", "single", "batch"]) {
      const values = figures.get(`${name}/${task}`);
      if (values === undefined) continue;
      const one = figures.get(`rosenblatt/${task}`);
      // the better of our thread counts against what has threads or a graphics processor, one thread against one
      const reference = task === "train" && shares ? values.map((_, i) => Math.max(...own.contenders.map((mine) => figures.get(`${mine.name}/train`)[i]))) : one;
      const ratios = values.map((value, i) => (task === "single" ? value / reference[i] : reference[i] / value));
      const gains = values.map((value, i) => value / one[i]);
      row[task] = {
        value: median(values), spread: spread(values), ratio: median(ratios), gain: median(gains),
        ...(task === "single" ? {} : { share: median(values.map((value, i) => (value * operations[task]) / 1e9 / peaks[i])) }),
      };
    }
    return row;
  });
  own.end();
  tfjs?.clear();
  return { key: network.key, shape: shapeOf(network), batch: network.batch, peak: median(peaks), rows, problems, ...(own.reason === undefined ? {} : { reason: own.reason }) };
}

/** What WebGL computes with here, or undefined. */
function renderer() {
  const gl = document.createElement("canvas").getContext("webgl2");
  const extension = gl?.getExtension("WEBGL_debug_renderer_info");
  return gl && (extension ? gl.getParameter(extension.UNMASKED_RENDERER_WEBGL) : gl.getParameter(gl.RENDERER));
}

/**
 * Measures the networks one after the other. `told(results, text)` hears of each as it is done, and of what is measured next.
 * @returns what report.mjs writes
 */
export async function measureAll(networks, extent, told) {
  const probe = await createProbe();
  const results = {
    browser: navigator.userAgent, isolated: crossOriginIsolated, hardware: navigator.hardwareConcurrency, renderer: renderer() ?? null,
    rounds: extent.rounds, milliseconds: extent.milliseconds, backends: {}, absent: {}, networks: [],
  };
  let tfjs;
  const backends = [];
  try {
    tfjs = await import("../../build/bench-tfjs.js");
    for (const backend of ["wasm", "webgl"]) {
      try {
        if (backend === "webgl" && results.renderer === null) throw new Error("no WebGL 2 here");
        await tfjs.start(backend, "/tfjs/");
        backends.push(backend);
        results.backends[`tfjs-${backend}`] = backend === "wasm" ? `${tfjs.version}, ${tfjs.getThreadsCount() === 1 ? "one thread" : `${tfjs.getThreadsCount()} threads`} by its own choice` : `${tfjs.version} on ${results.renderer}`;
      } catch (error) {
        results.absent[`tfjs-${backend}`] = error.message;
      }
    }
  } catch {
    results.absent["tfjs-wasm and tfjs-webgl"] = "not served here";
  }
  for (const network of networks) {
    told(results, `measuring ${network.key} ${shapeOf(network)} …`);
    await breath();
    results.networks.push(await measureNetwork(network, probe, tfjs, backends, extent));
    results.seconds = Math.round(performance.now() / 1000);
    told(results, "");
  }
  return results;
}
