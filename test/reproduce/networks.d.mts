// Types of networks.mjs, for the tests.

import type * as Library from "../../src/index.js";
import type { BatchReport, EpochReport, FitOptions, History, Network } from "../../src/index.js";
import type { OracleLoss } from "../oracle/losses.js";
import type { LayerDescription } from "../oracle/training.js";
import type { OracleOptimizer } from "../oracle/optimizers.js";

export interface Described {
  readonly says: string;
  readonly inputs: number;
  readonly seed: number;
  readonly layers: readonly LayerDescription[];
  readonly options: Pick<FitOptions, "batchSize" | "shuffle" | "validationSplit" | "classWeights" | "gradientClip" | "averageWeights" | "earlyStopping"> & {
    readonly optimizer: Omit<OracleOptimizer, "learningRate">;
    readonly loss?: OracleLoss;
  };
  data(): { inputs: Float32Array; targets: number[] | Float32Array; sampleWeights?: Float32Array };
}

export type Name = "tiles" | "ragged" | "norms" | "averages" | "lion" | "in order" | "wide" | "plateau";

export const TENSORS: readonly ["weights", "biases", "slopes", "gain", "shift", "runningMean", "runningVariance"];
export const EPOCHS: number;
export const networks: Readonly<Record<Name, Described>>;
export const names: readonly Name[];

export interface Training {
  epochs?: number;
  threads?: number;
  create?(options: Parameters<typeof Library.Network.create>[0]): Promise<Network>;
  onBatch?(report: BatchReport, network: Network): void;
  onEpoch?(report: EpochReport, network: Network): void;
}

export function train(library: typeof Library, name: Name, options?: Training): Promise<{ network: Network; history: History; digest: string; shared: boolean }>;
export function digests(library: typeof Library, options?: Training & { only?: readonly Name[] }): Promise<{ digests: Record<Name, string>; shared: boolean }>;
