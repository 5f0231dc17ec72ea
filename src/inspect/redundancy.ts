// Units that add nothing to their layer: those that say the same on every sample, and those that say what another unit says. Such units could be one, and
// if their weights are the same as well, they get the same gradients and stay the same for ever.
//
// To find copies, each unit's activations over the kept samples are projected on one fixed direction: copies have neighbouring projections, so after
// sorting only neighbours are compared. |p_i − p_j| ≤ ‖direction‖·‖a_i − a_j‖.

import type { LayerFigures } from "./diagnosis.js";

/** Two units are copies where they differ by less than this share of what they vary themselves. */
const COPY = 0.001;
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

interface Kept {
  readonly unit: number;
  /** Where its values begin, one sample after another. */
  readonly at: number;
  /** Σ(a − mean)². */
  readonly squares: number;
  readonly projection: number;
}

export function redundantUnits({ shape: { units }, activations, zeros, kept }: LayerFigures, count: number): Redundancy {
  const samples = kept.length / units;
  const constant: number[] = [];
  const varied: Kept[] = [];
  const values = new Float64Array(kept.length);
  for (let unit = 0; unit < units; unit++) {
    if (zeros[unit] === count || count < 2) continue;
    const largest = Math.max(Math.abs(activations.min[unit]), Math.abs(activations.max[unit]));
    if (activations.deviation[unit] <= ROUNDING * largest) constant.push(unit);
    else varied.push(keptOf(kept, unit, units, values));
  }
  varied.sort((a, b) => a.projection - b.projection || a.unit - b.unit);
  let length = 0;
  for (let s = 0; s < samples; s++) length += direction(s) * direction(s);
  length = Math.sqrt(length);
  const copyOf = new Map<number, number>();
  for (let i = 0; i < varied.length; i++) {
    const reach = COPY * length * Math.sqrt(varied[i].squares);
    for (let j = i - 1; j >= Math.max(0, i - MOST_NEIGHBOURS) && varied[i].projection - varied[j].projection <= reach; j--) {
      if (!areCopies(values, samples, varied[i], varied[j])) continue;
      copyOf.set(varied[i].unit, copyOf.get(varied[j].unit) ?? varied[j].unit);
      break;
    }
  }
  return { constant, copies: [...copyOf].sort(([a], [b]) => a - b) };
}

/** Copies the unit's column of the kept activations to a row of `values`. */
function keptOf(kept: Float32Array, unit: number, units: number, values: Float64Array): Kept {
  const samples = values.length / units;
  const at = unit * samples;
  let mean = 0;
  let projection = 0;
  for (let s = 0; s < samples; s++) {
    const value = kept[s * units + unit];
    values[at + s] = value;
    mean += value;
    projection += direction(s) * value;
  }
  mean /= samples;
  let squares = 0;
  for (let i = at; i < at + samples; i++) squares += (values[i] - mean) * (values[i] - mean);
  return { unit, at, squares, projection };
}

/** Entries of a direction that no data has a reason to share: the fractional parts of multiples of the golden ratio, less a half. */
function direction(s: number): number {
  const turned = (s + 1) * 0.6180339887498949;
  return 2 * (turned - Math.floor(turned)) - 1;
}

function areCopies(values: Float64Array, samples: number, a: Kept, b: Kept): boolean {
  const most = COPY * COPY * Math.min(a.squares, b.squares);
  let squares = 0;
  for (let s = 0; s < samples && squares <= most; s++) squares += (values[a.at + s] - values[b.at + s]) * (values[a.at + s] - values[b.at + s]);
  // what does not vary over the kept samples alone says nothing
  return most > 0 && squares <= most;
}
