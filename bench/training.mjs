// Training, one prediction and batches of predictions of each network, in turn with the probe.

import { timeCalls } from "./latency.mjs";
import { createPrediction, createTraining } from "./library.mjs";
import { predictionOperations, shapeOf, trainingOperations } from "./networks.mjs";
import { interleave, median, spread } from "./stats.mjs";

/**
 * Samples a second with Adam for each number of threads, medians over `rounds`, with GFLOP/s and the share of the peak.
 * Where the library has one thread only, `threads` has that alone and `reason` says why.
 */
export async function measureTraining(library, network, probe, probes, { rounds, milliseconds }) {
  const { model, block } = await createTraining(library, network, 3 * milliseconds);
  const { available, reason } = model.threads;
  const counts = available > 1 ? [1, 2, 4] : [1];
  for (const threads of counts.slice(1)) await block(4 * milliseconds, threads);
  const rates = new Map(counts.map((threads) => [threads, []]));
  const peaks = [];
  for (let round = 0; round < rounds; round++) {
    peaks.push(probe.measure());
    for (const threads of counts) rates.get(threads).push((await block(milliseconds, threads)).samplesPerSecond);
  }
  probes.push(...peaks);
  const peak = median(peaks);
  const operations = trainingOperations(network);
  const threads = counts.map((count) => {
    const values = rates.get(count);
    // each round against the probe and the single thread of the same round
    const shares = values.map((rate, i) => (rate * operations) / 1e9 / peaks[i]);
    const gains = values.map((rate, i) => rate / rates.get(1)[i]);
    const samplesPerSecond = median(values);
    return { threads: count, samplesPerSecond, spread: spread(values), gflops: (samplesPerSecond * operations) / 1e9, share: median(shares), gain: median(gains) };
  });
  model.dispose();
  return { key: network.key, shape: shapeOf(network), batch: network.batch, peak, threads, ...(counts.length === 1 ? { reason } : {}) };
}

/** { key, p50, p99 } of one prediction in µs, medians over `rounds` blocks; and batches of 1,024 in samples a second. */
export async function measurePrediction(library, network, probe, probes, { rounds, milliseconds }) {
  const { model, single, batch } = await createPrediction(library, network);
  await timeCalls(single, 2 * milliseconds);
  const blocks = [];
  for (let round = 0; round < rounds; round++) blocks.push(await timeCalls(single, milliseconds));
  const times = interleave({ peak: probe.work, batch }, rounds, milliseconds);
  const peak = probe.gflops(median(times.get("peak")));
  probes.push(peak);
  const samplesPerSecond = (1024 * 1000) / median(times.get("batch"));
  const gflops = (samplesPerSecond * predictionOperations(network)) / 1e9;
  model.dispose();
  return {
    key: network.key, shape: shapeOf(network), p50: median(blocks.map(({ p50 }) => p50)), p99: median(blocks.map(({ p99 }) => p99)),
    batch: { samplesPerSecond, spread: spread(times.get("batch")), gflops, share: gflops / peak },
  };
}
