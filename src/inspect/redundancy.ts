// Units that add nothing to their layer: those that say the same on every sample, and those that say what another unit says. Such units could be one, and
// if their weights are the same as well, they get the same gradients and stay the same for ever.
//
// To find copies, each unit's activations over the kept samples are projected on one fixed direction: copies have neighbouring projections, so after
// sorting only neighbours are compared. |p_i − p_j| ≤ ‖direction‖·‖a_i − a_j‖.

import type { LayerFigures } from "./figures.js";

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
  /** Σ(a − mean)² over the kept samples. */
  readonly squares: number;
  readonly projection: number;
}

export function redundantUnits({ shape: { units }, activations, zeros, kept }: LayerFigures, count: number): Redundancy {
  const samples = kept.length / units;
  const constant: number[] = [];
  const varied: Kept[] = [];
  const sums = columnSums(kept, units);
  for (let unit = 0; unit < units; unit++) {
    if (zeros[unit] === count || count < 2) continue;
    const largest = Math.max(Math.abs(activations.min[unit]), Math.abs(activations.max[unit]));
    if (activations.deviation[unit] <= ROUNDING * largest) constant.push(unit);
    else varied.push({ unit, squares: sums.squares[unit] - (sums.sum[unit] * sums.sum[unit]) / samples, projection: sums.projection[unit] });
  }
  varied.sort((a, b) => a.projection - b.projection || a.unit - b.unit);
  let length = 0;
  for (let s = 0; s < samples; s++) length += direction(s) * direction(s);
  length = Math.sqrt(length);
  const copyOf = new Map<number, number>();
  for (let i = 0; i < varied.length; i++) {
    const reach = COPY * length * Math.sqrt(varied[i].squares);
    for (let j = i - 1; j >= Math.max(0, i - MOST_NEIGHBOURS) && varied[i].projection - varied[j].projection <= reach; j--) {
      if (!areCopies(kept, units, varied[i], varied[j])) continue;
      copyOf.set(varied[i].unit, copyOf.get(varied[j].unit) ?? varied[j].unit);
      break;
    }
  }
  return { constant, copies: [...copyOf].sort(([a], [b]) => a - b) };
}

/** Σ(a − first), Σ(a − first)² and the projection of each unit's kept activations, row by row as they lie. */
function columnSums(kept: Float32Array, units: number): { readonly sum: Float64Array; readonly squares: Float64Array; readonly projection: Float64Array } {
  const [sum, squares, projection] = [new Float64Array(units), new Float64Array(units), new Float64Array(units)];
  for (let at = 0, s = 0; at < kept.length; at += units, s++) {
    const turned = direction(s);
    for (let unit = 0; unit < units; unit++) {
      const value = kept[at + unit];
      const from = value - kept[unit];
      sum[unit] += from;
      squares[unit] += from * from;
      projection[unit] += turned * value;
    }
  }
  return { sum, squares, projection };
}

/** Entries of a direction that no data has a reason to share: the fractional parts of multiples of the golden ratio, less a half. */
function direction(s: number): number {
  const turned = (s + 1) * 0.6180339887498949;
  return 2 * (turned - Math.floor(turned)) - 1;
}

function areCopies(kept: Float32Array, units: number, a: Kept, b: Kept): boolean {
  const most = COPY * COPY * Math.min(a.squares, b.squares);
  let squares = 0;
  for (let at = 0; at < kept.length && squares <= most; at += units) squares += (kept[at + a.unit] - kept[at + b.unit]) * (kept[at + a.unit] - kept[at + b.unit]);
  // what does not vary over the kept samples alone says nothing
  return most > 0 && squares <= most;
}
