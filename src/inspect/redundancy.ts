// Units that add nothing to their layer: those that say the same on every sample, and those that are another unit's copy up to a factor and an offset, which
// the next layer's weights and biases could make of it. Two units are copies where their activations correlate by more than COPY over the kept samples.
//
// To find them, each unit's activations are brought to mean 0 and norm 1 and projected on one fixed direction: copies have neighbouring projections (or
// opposite ones), so after sorting only neighbours are compared. |p_i − p_j| ≤ ‖u_i − u_j‖ = √(2 − 2·correlation).

import type { LayerFigures } from "./diagnosis.js";

/** Squared distance of unit vectors up to which two units are copies: a correlation of 0.99999, 45 times nearer than the rounding of f32 makes true copies differ. */
const COPY_SQUARES = 2e-5;
/** A deviation below this share of the largest activation's magnitude is rounding: 16 ulp of f32. */
const ROUNDING = 16 * 2 ** -24;
/** Neighbours looked at for each unit, so that a layer without copies costs little. */
const MOST_NEIGHBOURS = 64;

/** Which units of a layer could be left out. Dead units are not among them. */
export interface Redundancy {
  /** Units that do not change over the samples. */
  readonly constant: readonly number[];
  /** Pairs of a unit and the one that it is a copy of. */
  readonly copies: readonly (readonly [unit: number, original: number])[];
}

export function redundantUnits({ shape: { units }, activations, zeros, kept }: LayerFigures, count: number): Redundancy {
  const samples = kept.length / units;
  const constant: number[] = [];
  const vectors: { readonly unit: number; readonly values: Float64Array; readonly projection: number }[] = [];
  for (let unit = 0; unit < units; unit++) {
    if (zeros[unit] === count) continue;
    const largest = Math.max(Math.abs(activations.min[unit]), Math.abs(activations.max[unit]));
    if (activations.deviation[unit] <= ROUNDING * largest) {
      if (count > 1) constant.push(unit);
      continue;
    }
    const values = unitVector(kept, unit, units, samples, ROUNDING * largest);
    if (values !== undefined) vectors.push({ unit, values, projection: Math.abs(values.reduce((sum, value, i) => sum + direction(i) * value, 0)) });
  }
  vectors.sort((a, b) => a.projection - b.projection || a.unit - b.unit);
  const copyOf = new Map<number, number>();
  const reach = Math.sqrt(COPY_SQUARES * samples);
  for (let i = 0; i < vectors.length; i++) {
    for (let j = i - 1; j >= Math.max(0, i - MOST_NEIGHBOURS) && vectors[i].projection - vectors[j].projection <= reach; j--) {
      if (!areCopies(vectors[i].values, vectors[j].values)) continue;
      const original = copyOf.get(vectors[j].unit) ?? vectors[j].unit;
      copyOf.set(vectors[i].unit, original);
      break;
    }
  }
  return { constant, copies: [...copyOf].sort(([a], [b]) => a - b) };
}

/** Activations of one unit over the kept samples less their mean, with norm 1; undefined where they are all the same up to rounding. */
function unitVector(kept: Float32Array, unit: number, units: number, samples: number, rounding: number): Float64Array | undefined {
  const values = new Float64Array(samples);
  let mean = 0;
  for (let s = 0; s < samples; s++) mean += values[s] = kept[s * units + unit];
  mean /= samples;
  let squares = 0;
  for (let s = 0; s < samples; s++) {
    values[s] -= mean;
    squares += values[s] * values[s];
  }
  const norm = Math.sqrt(squares);
  if (!(norm > rounding * Math.sqrt(samples))) return undefined;
  for (let s = 0; s < samples; s++) values[s] /= norm;
  return values;
}

/** Entries of a direction that no data has a reason to share: the fractional parts of multiples of the golden ratio, less a half. */
function direction(i: number): number {
  const turned = (i + 1) * 0.6180339887498949;
  return 2 * (turned - Math.floor(turned)) - 1;
}

function areCopies(a: Float64Array, b: Float64Array): boolean {
  let same = 0;
  let opposite = 0;
  for (let s = 0; s < a.length; s++) {
    same += (a[s] - b[s]) * (a[s] - b[s]);
    opposite += (a[s] + b[s]) * (a[s] + b[s]);
    if (same > COPY_SQUARES && opposite > COPY_SQUARES) return false;
  }
  return true;
}
