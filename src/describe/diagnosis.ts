// The shape of what a diagnosis says. Types alone, here because an EpochReport holds one; what computes it is in src/inspect.

/** How values spread: `counts[i]` of them lie from `edges[i]` to below `edges[i + 1]`, the last bin includes its upper edge. */
export interface Histogram {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/** What one layer does on the samples given. */
export interface LayerDiagnosis {
  /** The share of units that are 0 with zero derivative on every sample. */
  readonly deadFraction: number;
  /** The share of activations whose derivative is below 1 % of its maximum. */
  readonly saturatedFraction: number;
  readonly meanActivation: number;
  readonly activationDeviation: number;
  readonly weightedSumHistogram: Histogram;
  readonly activationHistogram: Histogram;
  /** Only where targets were given. */
  readonly gradientNorm?: number;
  readonly weightNorm: number;
}

/** One thing that hinders training; `message` and `advice` are sentences with the figures in them. */
export interface Finding {
  readonly layer: number;
  readonly kind: "deadUnits" | "vanishingGradient" | "explodingGradient" | "saturation" | "unusedCapacity" | "unscaledInputs";
  readonly value: number;
  readonly message: string;
  readonly advice: string;
}

/** What a network does on the samples given, layer by layer, and what is wrong with it. */
export interface Diagnosis {
  readonly layers: readonly LayerDiagnosis[];
  readonly findings: readonly Finding[];
}
