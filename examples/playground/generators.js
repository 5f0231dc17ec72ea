// The data sets that are made by formula, in plain JavaScript: the worker runs these functions, and the code that the page lets one copy
// holds their text, so that what is pasted trains on the same numbers. Every function returns [inputs, target] pairs; `random` gives numbers
// from 0 to below 1. What stands between two marks is copied as a piece.

// <random>
/** mulberry32 (Tommy Ettinger, public domain): numbers from 0 to below 1, the same for the same seed. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** A number from the standard normal distribution (Box and Muller 1958). */
export function gaussian(random) {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
// </random>

// <xor>
/** Four squares, of which those across from each other belong together. */
export function xor(count, noise, random) {
  return Array.from({ length: count }, () => {
    const [u, v] = [random() * 2 - 1, random() * 2 - 1];
    const [x, y] = [u + Math.sign(u) * 0.06, v + Math.sign(v) * 0.06];
    return [[x + gaussian(random) * noise * 0.4, y + gaussian(random) * noise * 0.4], x * y > 0 ? 0 : 1];
  });
}
// </xor>

// <circles>
/** A disc within a ring. */
export function circles(count, noise, random) {
  return Array.from({ length: count }, (_, i) => {
    const inner = i % 2;
    const radius = inner ? 0.42 * Math.sqrt(random()) : 0.68 + 0.3 * random();
    const angle = random() * 2 * Math.PI;
    return [[radius * Math.cos(angle) + gaussian(random) * noise * 0.4, radius * Math.sin(angle) + gaussian(random) * noise * 0.4], inner];
  });
}
// </circles>

// <moons>
/** Two half circles that reach into each other. */
export function moons(count, noise, random) {
  return Array.from({ length: count }, (_, i) => {
    const lower = i % 2;
    const angle = random() * Math.PI;
    const x = lower ? 0.3 - 0.6 * Math.cos(angle) : -0.3 + 0.6 * Math.cos(angle);
    const y = lower ? 0.18 - 0.62 * Math.sin(angle) : -0.18 + 0.62 * Math.sin(angle);
    return [[x + gaussian(random) * noise * 0.4, y + gaussian(random) * noise * 0.4], lower];
  });
}
// </moons>

// <spiral>
/** Two arms that wind about each other one and a half times. */
export function spiral(count, noise, random) {
  return Array.from({ length: count }, (_, i) => {
    const arm = i % 2;
    const along = 0.06 + 0.94 * random();
    const angle = 3 * Math.PI * along + arm * Math.PI;
    return [[along * Math.sin(angle) * 0.95 + gaussian(random) * noise * 0.2, along * Math.cos(angle) * 0.95 + gaussian(random) * noise * 0.2], arm];
  });
}
// </spiral>

// <blobs>
/** `classes` clouds round a circle. */
export function blobs(count, noise, random, classes) {
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * (i % classes)) / classes + 0.5;
    const spread = 0.12 + noise * 0.5;
    return [[0.6 * Math.cos(angle) + gaussian(random) * spread, 0.6 * Math.sin(angle) + gaussian(random) * spread], i % classes];
  });
}
// </blobs>

// <wave>
/** One input: a wave that grows quicker. */
export function wave(count, noise, random) {
  return Array.from({ length: count }, () => {
    const x = random() * 2 - 1;
    return [[x], 0.8 * Math.sin(4 * x + 3 * x * x) + gaussian(random) * noise * 0.6];
  });
}
// </wave>

// <hills>
/** Two inputs: a hill, a hollow and a slope. */
export function hills(count, noise, random) {
  return Array.from({ length: count }, () => {
    const [x, y] = [random() * 2 - 1, random() * 2 - 1];
    const hill = Math.exp(-6 * ((x - 0.4) ** 2 + (y - 0.4) ** 2)) - Math.exp(-6 * ((x + 0.4) ** 2 + (y + 0.3) ** 2));
    return [[x, y], hill + 0.25 * (x - y) + gaussian(random) * noise * 0.4];
  });
}
// </hills>

// <shuffled>
/** The list in another order (Fisher and Yates). */
export function shuffled(list, random) {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}
// </shuffled>

// <split>
/** Standardises the columns by the training part's mean and deviation; returns what `fit` takes. The first `trainingShare` trains, the rest tests. */
export function split(pairs, trainingShare, standardise) {
  const boundary = Math.max(1, Math.min(pairs.length - 1, Math.round(pairs.length * trainingShare)));
  const width = pairs[0][0].length;
  const training = pairs.slice(0, boundary);
  const means = Array.from({ length: width }, (_, j) => training.reduce((sum, [x]) => sum + x[j], 0) / boundary);
  const deviations = means.map((mean, j) => Math.sqrt(training.reduce((sum, [x]) => sum + (x[j] - mean) ** 2, 0) / boundary) || 1);
  const scale = ([x]) => (standardise ? x.map((value, j) => (value - means[j]) / deviations[j]) : x);
  const part = (some) => ({ inputs: some.map(scale), targets: some.map(([, target]) => target) });
  return { training: part(training), test: part(pairs.slice(boundary)), means, deviations };
}
// </split>
