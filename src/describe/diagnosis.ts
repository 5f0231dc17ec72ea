// The shape of what a diagnosis says. Types alone, here because an EpochReport holds one; what computes it is in src/inspect.

/** How values spread: `counts[i]` of them lie from `edges[i]` to below `edges[i + 1]`, the last bin includes its upper edge. */
export interface Histogram {
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

/** What each unit of a layer does on the samples given; every array has an entry for each unit. */
export interface UnitDiagnosis {
  /** The share of samples on which the unit is 0 with zero derivative; a unit is dead at 1. */
  readonly deadFraction: readonly number[];
  /** The share of samples on which its derivative is below 1 % of its maximum. */
  readonly saturatedFraction: readonly number[];
  readonly minWeightedSum: readonly number[];
  readonly maxWeightedSum: readonly number[];
  readonly meanWeightedSum: readonly number[];
  readonly weightedSumDeviation: readonly number[];
  readonly minActivation: readonly number[];
  readonly maxActivation: readonly number[];
  readonly meanActivation: readonly number[];
  readonly activationDeviation: readonly number[];
  /** Of its own weights, bias and slope. Only where targets were given. */
  readonly gradientNorm?: readonly number[];
  /** Of its own weights. */
  readonly weightNorm: readonly number[];
}

/** What one layer does on the samples given. Deviations are those of a population. */
export interface LayerDiagnosis {
  /** The share of units that are 0 with zero derivative on every sample. */
  readonly deadFraction: number;
  /** The share of activations whose derivative is below 1 % of its maximum. */
  readonly saturatedFraction: number;
  readonly meanWeightedSum: number;
  readonly weightedSumDeviation: number;
  readonly meanActivation: number;
  readonly activationDeviation: number;
  /** At most 64 bins; their width is the least power of two for which that is enough. From 512 samples on, a quarter of them is counted. */
  readonly weightedSumHistogram: Histogram;
  readonly activationHistogram: Histogram;
  /** The norm of the mean loss's gradient by all parameters of the layer, over `gradientSamples` of the samples. Only where targets were given. */
  readonly gradientNorm?: number;
  /** `gradientNorm` as a multiple of the output layer's; absent where that is 0. */
  readonly gradientRatio?: number;
  /** The norm of the weights, without biases. */
  readonly weightNorm: number;
  /** While training: how far the epoch's last step moved the weights, as a share of their norm. */
  readonly updateRatio?: number;
  /** Not in the reports of a fit. */
  readonly units?: UnitDiagnosis;
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
  /** How many of the samples the gradients are of: all below 512; of more a part, spread over all, so that a diagnosis costs few forward passes. */
  readonly gradientSamples?: number;
}
