// The first values of all parameters, drawn from the seed: a stream for weights and one for biases, indexed by layer, so that no
// layer's values depend on another's. The core draws; orthogonal matrices are finished here with + − × ÷ and √ alone, so that
// the bits are the same everywhere. Sources: Glorot and Bengio 2010; He et al. 2015; LeCun et al. 1998; Saxe et al. 2013
// (arXiv:1312.6120).

import { InitCode, Stream } from "../assembly/codes.js";
import type { Initializer } from "./describe/initializers.js";
import type { Model } from "./model.js";
import { RANDOM_SCRATCH } from "./plan/layout.js";
import type { DenseShape, Run } from "./plan/layout.js";
import { seedWords } from "./random.js";

/** Draws all parameters of a network: a normalisation's gain is 1 and its running variance too, shift and running mean are 0 as the memory is. */
export function initialise(model: Model): void {
  for (const shape of model.topology.layers) {
    if (shape.kind === "batchNorm" || shape.kind === "layerNorm") model.floats(shape.gain).fill(1);
    if (shape.kind === "batchNorm") model.floats(shape.runningVariance).fill(1);
    if (shape.kind !== "dense") continue;
    const { spec, index } = shape;
    initialiseRun(model, shape, shape.weights, spec.weightInit, Stream.weights);
    initialiseRun(model, shape, shape.biases, spec.biasInit, Stream.biases);
    if (spec.activation.name === "prelu") fill(model, shape.slopes, InitCode.constant, spec.activation.initialSlope, 0, index, Stream.weights);
  }
}

function initialiseRun(model: Model, { index, inputs, units }: DenseShape, run: Run, init: Initializer, stream: Stream): void {
  const both = inputs + units;
  const constant = (value: number): void => fill(model, run, InitCode.constant, value, 0, index, stream);
  const uniform = (low: number, high: number): void => fill(model, run, InitCode.uniform, low, high, index, stream);
  const within = (bound: number): void => uniform(-bound, bound);
  const normal = (mean: number, deviation: number): void => fill(model, run, InitCode.normal, mean, deviation, index, stream);
  switch (init.name) {
    case "zeros": return constant(0);
    case "ones": return constant(1);
    case "constant": return constant(init.value);
    case "uniform": return uniform(init.low, init.high);
    case "normal": return normal(init.mean, init.deviation);
    case "glorotUniform": return within(Math.sqrt(6 / both));
    case "glorotNormal": return normal(0, Math.sqrt(2 / both));
    case "heUniform": return within(Math.sqrt(6 / inputs));
    case "heNormal": return normal(0, Math.sqrt(2 / inputs));
    case "lecunUniform": return within(Math.sqrt(3 / inputs));
    case "lecunNormal": return normal(0, Math.sqrt(1 / inputs));
    case "orthogonal":
      normal(0, 1);
      return orthogonalise(model.floats(run), units, inputs);
  }
}

function fill(model: Model, run: Run, code: InitCode, x: number, y: number, index: number, stream: Stream): void {
  const at = model.layout.parameters + 4 * run.begin;
  model.core.exports.fillRandom(code, at, run.length, x, y, ...seedWords(model.description.seed), index, stream, RANDOM_SCRATCH);
}

/**
 * Makes a matrix of normal draws [rows × columns], row-major, orthogonal in place: its rows where it is wide, its columns
 * where it is tall, so that W·Wᵀ or Wᵀ·W is the identity. Gram-Schmidt in f64 done twice ("twice is enough", Kahan and
 * Parlett). What it leaves is distributed as the Q of a QR decomposition with positive diagonal (Mezzadri 2007).
 */
function orthogonalise(matrix: Float32Array, rows: number, columns: number): void {
  const wide = columns >= rows;
  const count = wide ? rows : columns;
  const length = wide ? columns : rows;
  const vectors = Array.from({ length: count }, (_, i) =>
    Float64Array.from({ length }, (_, k) => (wide ? matrix[i * columns + k] : matrix[k * columns + i])));
  for (let i = 0; i < count; i++) {
    const vector = vectors[i];
    for (let pass = 0; pass < 2; pass++) {
      for (let j = 0; j < i; j++) subtractProjection(vector, vectors[j]);
      const norm = Math.sqrt(dot(vector, vector));
      for (let k = 0; k < length; k++) vector[k] /= norm;
    }
  }
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < length; k++) matrix[wide ? i * columns + k : k * columns + i] = vectors[i][k];
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}

/** vector ← vector − ⟨vector, unit⟩·unit. */
function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  const share = dot(vector, unit);
  for (let k = 0; k < vector.length; k++) vector[k] -= share * unit[k];
}
