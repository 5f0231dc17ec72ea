// Networks of all kinds of layers in f64 loops, in training and outside of it: forward, loss (half the squared error, summed) and
// backpropagation, written from the formulas and from nothing of the library; and dropout's masks by Philox in integers.
//
//   batchNorm   x̂ = (x − mean)/√(variance + epsilon) over the rows; of one row, and outside training, by the running statistics
//   layerNorm   the same over a row's columns        y = gain·x̂ + shift

export interface DenseOracle {
  kind: "dense";
  inputs: number;
  units: number;
  activation: "linear" | "tanh";
  /** units × inputs */
  weights: Float64Array;
  biases: Float64Array;
}

export interface DropoutOracle {
  kind: "dropout";
  rate: number;
  /** rows × units: 0 or 1 / (1 − rate) */
  mask: Float64Array;
}

export interface NormOracle {
  kind: "batchNorm" | "layerNorm";
  epsilon: number;
  gain: Float64Array;
  shift: Float64Array;
  runningMean: Float64Array;
  runningVariance: Float64Array;
}

export type LayerOracle = DenseOracle | DropoutOracle | NormOracle;

/** Ten rounds of Philox 4×32 on a counter of four words, as Salmon et al. 2011 print them. */
export function philoxWords(counter: readonly number[], key: readonly number[]): number[] {
  const word = (x: bigint): bigint => x & 0xffff_ffffn;
  let [c0, c1, c2, c3] = counter.map(BigInt);
  let [k0, k1] = key.map(BigInt);
  for (let round = 0; round < 10; round++) {
    const p0 = 0xd2511f53n * c0;
    const p1 = 0xcd9e8d57n * c2;
    [c0, c1, c2, c3] = [(p1 >> 32n) ^ c1 ^ k0, word(p1), (p0 >> 32n) ^ c3 ^ k1, word(p0)];
    k0 = word(k0 + 0x9e3779b9n);
    k1 = word(k1 + 0xbb67ae85n);
  }
  return [c0, c1, c2, c3].map(Number);
}

export interface MaskPlace {
  seed: number;
  epoch: number;
  step: number;
  layer: number;
}

/** What a dropout multiplies its inputs by, rows × units. */
export function dropoutMask({ seed, epoch, step, layer }: MaskPlace, rows: number, units: number, rate: number): Float64Array {
  const panels = Math.ceil(units / 8);
  const key = [seed % 2 ** 32, Math.floor(seed / 2 ** 32)];
  return Float64Array.from({ length: rows * units }, (_, i) => {
    const row = Math.floor(i / units);
    const column = i % units;
    const block = (Math.floor(row / 2) * panels + Math.floor(column / 8)) * 4 + (column % 4);
    const word = philoxWords([block, step, epoch, 5 + layer * 256], key)[2 * (row % 2) + (Math.floor(column / 4) % 2)];
    return word < Math.round(rate * 2 ** 32) ? 0 : 1 / (1 - rate);
  });
}

/** How far apart the numbers lie that are normalised together: over the rows, or over the columns of a row. */
export function groupsOf(kind: NormOracle["kind"], rows: number, units: number): number[][] {
  return kind === "batchNorm"
    ? Array.from({ length: units }, (_, j) => Array.from({ length: rows }, (_, r) => r * units + j))
    : Array.from({ length: rows }, (_, r) => Array.from({ length: units }, (_, j) => r * units + j));
}

export function usesRunning(layer: NormOracle, rows: number, training: boolean): boolean {
  return layer.kind === "batchNorm" && (!training || rows === 1);
}

export interface Normalised {
  /** x̂ and 1/√(variance + epsilon), rows × units */
  normal: Float64Array;
  inverse: Float64Array;
}

export function normalise(layer: NormOracle, x: Float64Array, rows: number, training: boolean): Normalised {
  const units = x.length / rows;
  const normal = new Float64Array(x.length);
  const inverse = new Float64Array(x.length);
  groupsOf(layer.kind, rows, units).forEach((group, j) => {
    const running = usesRunning(layer, rows, training);
    const mean = running ? layer.runningMean[j] : group.reduce((sum, i) => sum + x[i], 0) / group.length;
    const variance = running ? layer.runningVariance[j] : group.reduce((sum, i) => sum + (x[i] - mean) ** 2, 0) / group.length;
    for (const i of group) {
      inverse[i] = 1 / Math.sqrt(variance + layer.epsilon);
      normal[i] = (x[i] - mean) * inverse[i];
    }
  });
  return { normal, inverse };
}

/** What each layer hands on, the samples first. */
export function forwardLayers(layers: readonly LayerOracle[], inputs: Float64Array, rows: number, training: boolean): Float64Array[] {
  const values = [inputs];
  for (const layer of layers) {
    const x = values[values.length - 1];
    const units = x.length / rows;
    if (layer.kind === "dense") {
      values.push(Float64Array.from({ length: rows * layer.units }, (_, i) => {
        const row = Math.floor(i / layer.units);
        const j = i % layer.units;
        let z = layer.biases[j];
        for (let k = 0; k < layer.inputs; k++) z += layer.weights[j * layer.inputs + k] * x[row * units + k];
        return layer.activation === "tanh" ? Math.tanh(z) : z;
      }));
    } else if (layer.kind === "dropout") values.push(training ? x.map((value, i) => value * layer.mask[i]) : x);
    else values.push(normalise(layer, x, rows, training).normal.map((value, i) => layer.gain[i % units] * value + layer.shift[i % units]));
  }
  return values;
}

/** The mean over all outputs of the squared error. */
export function squaredError(layers: readonly LayerOracle[], inputs: Float64Array, targets: Float64Array, rows: number, training: boolean): number {
  const outputs = forwardLayers(layers, inputs, rows, training)[layers.length];
  return outputs.reduce((sum, p, i) => sum + (p - targets[i]) ** 2, 0) / outputs.length;
}

export type TensorGradients = Record<string, Float64Array>;

/** The gradients of `squaredError` by every tensor of each layer. */
export function backwardLayers(layers: readonly LayerOracle[], inputs: Float64Array, targets: Float64Array, rows: number, training: boolean): TensorGradients[] {
  const values = forwardLayers(layers, inputs, rows, training);
  const outputs = values[layers.length];
  let d = outputs.map((p, i) => (2 * (p - targets[i])) / outputs.length);
  const gradients: TensorGradients[] = [];
  for (let l = layers.length - 1; l >= 0; l--) {
    const layer = layers[l];
    const x = values[l];
    const units = d.length / rows;
    if (layer.kind === "dense") {
      const dz = layer.activation === "tanh" ? d.map((g, i) => g * (1 - values[l + 1][i] ** 2)) : d;
      const weights = new Float64Array(layer.weights.length);
      const biases = new Float64Array(units);
      const dx = new Float64Array(x.length);
      dz.forEach((g, i) => {
        const row = Math.floor(i / units);
        const j = i % units;
        biases[j] += g;
        for (let k = 0; k < layer.inputs; k++) {
          weights[j * layer.inputs + k] += g * x[row * layer.inputs + k];
          dx[row * layer.inputs + k] += g * layer.weights[j * layer.inputs + k];
        }
      });
      gradients.unshift({ weights, biases });
      d = dx;
    } else if (layer.kind === "dropout") {
      gradients.unshift({});
      if (training) d = d.map((g, i) => g * layer.mask[i]);
    } else {
      const { normal, inverse } = normalise(layer, x, rows, training);
      const gain = new Float64Array(units);
      const shift = new Float64Array(units);
      d.forEach((g, i) => {
        gain[i % units] += g * normal[i];
        shift[i % units] += g;
      });
      gradients.unshift({ gain, shift });
      const h = d.map((g, i) => g * layer.gain[i % units]);
      const dx = new Float64Array(d.length);
      for (const group of groupsOf(layer.kind, rows, units)) {
        const batch = usesRunning(layer, rows, training) ? 0 : 1 / group.length;
        const mean = batch * group.reduce((sum, i) => sum + h[i], 0);
        const along = batch * group.reduce((sum, i) => sum + h[i] * normal[i], 0);
        for (const i of group) dx[i] = (h[i] - mean - normal[i] * along) * inverse[i];
      }
      d = dx;
    }
  }
  return gradients;
}
