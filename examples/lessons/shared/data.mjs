// Seeded numbers for the lessons. Only + - * / and integer operations are used, none of Math.sin, exp or log: the data, like everything that the library
// computes from them, are the same bytes on every machine, so the figures in the texts are the ones that you will see.

/** Numbers from 0 to below 1, the same for the same seed: a 32-bit counter, mixed by multiplications and shifts until its bits look unrelated. */
export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let bits = state;
    bits = Math.imul(bits ^ (bits >>> 16), 0x21f0aaad);
    bits = Math.imul(bits ^ (bits >>> 15), 0x735a2d97);
    return ((bits ^ (bits >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Bell-shaped numbers of mean 0 and deviation 1: the sum of twelve uniform ones, less 6. */
export function bell(seed) {
  const next = random(seed);
  return () => {
    let sum = -6;
    for (let i = 0; i < 12; i++) sum += next();
    return sum;
  };
}

/** `count` rows of `width` bell-shaped numbers. */
export function bellRows(seed, count, width) {
  const next = bell(seed);
  return Array.from({ length: count }, () => Array.from({ length: width }, next));
}

/** A curve with a hill and a valley, y = x³ − 2x on −2 … 2, and noise of deviation `noise` on it. */
export function curve(seed, count, noise) {
  const place = random(seed);
  const error = bell(seed + 1);
  const inputs = Array.from({ length: count }, () => [4 * place() - 2]);
  return { inputs, targets: inputs.map(([x]) => x * x * x - 2 * x + noise * error()) };
}

/** Points of the square −1 … 1; class 1 where the coordinates have different signs: XOR. A strip round the border is left free. */
export function chessboard(seed, count) {
  const next = random(seed);
  const inputs = [];
  while (inputs.length < count) {
    const point = [2 * next() - 1, 2 * next() - 1];
    if (Math.abs(point[0]) > 0.08 && Math.abs(point[1]) > 0.08) inputs.push(point);
  }
  return { inputs, labels: inputs.map(([x, y]) => (x > 0 === y > 0 ? 0 : 1)) };
}

/** `classes` clouds of `deviation` round the given centres, one sample of each in turn. */
export function clouds(seed, count, centres, deviation) {
  const next = bell(seed);
  const labels = Array.from({ length: count }, (_, i) => i % centres.length);
  return { inputs: labels.map((label) => centres[label].map((value) => value + deviation * next())), labels };
}

export function mean(values) {
  return Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;
}

/** The share of samples that are classified rightly. */
export function accuracy(network, inputs, labels) {
  const classes = network.classify(inputs);
  return mean(labels.map((label, i) => (classes[i] === label ? 1 : 0)));
}
