// What the core has gathered of a network on samples, as diagnosis.ts reads it and findings.ts judges it.

import type { Histogram } from "../describe/diagnosis.js";
import type { LayerShape, Run } from "../plan/layout.js";

/** Figures of a matrix's columns: mean and deviation in f64. */
export interface Columns {
  readonly min: readonly number[];
  readonly max: readonly number[];
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** What the core has gathered of one layer. */
export interface LayerFigures {
  readonly shape: LayerShape;
  readonly sums: Columns;
  readonly activations: Columns;
  /** Samples on which each unit is 0 with zero derivative, and on which it is saturated. */
  readonly zeros: Uint32Array;
  readonly saturated: Uint32Array;
  readonly sumsHistogram: Histogram;
  readonly activationsHistogram: Histogram;
  /** Activations of the kept samples, samples × units; nothing where they were not asked for. */
  readonly kept: Float32Array;
  /** The whole gradient, where there is one. */
  readonly gradient: Float64Array | undefined;
}

/** What the core has gathered of a network. */
export interface NetworkFigures {
  readonly count: number;
  /** Those of them that the gradient is of. */
  readonly gradientSamples: number;
  readonly samples: Columns;
  readonly layers: readonly LayerFigures[];
}

/** The runs of a layer's parameters, of whatever kind it is. */
export function runsOf(shape: LayerShape): readonly Run[] {
  const { weights, biases, slopes, gain, shift } = shape as Partial<Record<"weights" | "biases" | "slopes" | "gain" | "shift", Run>>;
  return [weights, biases, slopes, gain, shift].filter((run) => run !== undefined);
}

/** The run that counts as a layer's weights: the gain of a normalisation, none of a layer without parameters. */
export function weightsOf(shape: LayerShape): Run {
  return runsOf(shape)[0] ?? { begin: 0, length: 0 };
}
