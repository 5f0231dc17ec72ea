// What the page and a worker say to each other. A worker trains one network; it answers every order that needs an answer, and otherwise posts
// frames: one at a time, the next when the page has drawn the last, so that nothing queues up.

import type { Finding } from "../../src/index.js";
import type { Task, Table } from "./data.js";
import type { State } from "./state.js";

/** Samples on a side of the plane's picture, of which a large network fills a coarser one while it trains, of a neuron's, and along a curve. */
export const PLANES = [80, 56, 40, 28, 20] as const;
export const SMALL = 20;
export const CURVE = 201;

export interface Selection {
  /** Hidden layers count from 0, the output layer comes last. */
  readonly layer: number;
  readonly unit: number;
  /** Of the training samples. */
  readonly sample: number;
}

export type Order =
  | { readonly type: "configure"; readonly state: State; readonly what: "data" | "network" | "options"; readonly digits?: string; readonly table?: Table }
  | { readonly type: "run" } | { readonly type: "pause" } | { readonly type: "step" } | { readonly type: "reset" } | { readonly type: "drawn" }
  | { readonly type: "select"; readonly selection: Selection | undefined }
  | { readonly type: "draw"; readonly digit: Float32Array | undefined }
  | { readonly type: "save" | "onnx" | "module" }
  | { readonly type: "load"; readonly bytes: ArrayBuffer };

/** What the page knows of the data: enough to draw it. */
export interface DataView {
  readonly task: Task;
  readonly inputs: number;
  readonly outputs: number;
  readonly names: readonly string[];
  readonly labels: readonly string[];
  /** Of a table that is too long: rows used and all. */
  readonly cut?: readonly [number, number];
  readonly trainingCount: number;
  readonly testCount: number;
  /** x, y (or 0) and target of each sample, unscaled; nothing where there are more than two inputs. */
  readonly trainingPoints: Float32Array;
  readonly testPoints: Float32Array;
  /** Of the plane's picture, or of the curve's: least and greatest x, least and greatest y. */
  readonly domain: readonly [number, number, number, number];
}

export interface NeuronView {
  readonly selection: Selection;
  readonly activation: string;
  readonly products: readonly { readonly input: number; readonly value: number; readonly weight: number; readonly product: number }[];
  readonly bias: number;
  readonly weightedSum: number;
  readonly output: number;
  /** z, f(z) and f′(z) along the curve; none for softmax, whose outputs hang on each other. */
  readonly z: Float32Array;
  readonly f: Float32Array;
  readonly slope: Float32Array;
  /** How many training samples have a weighted sum in each part of z. */
  readonly histogram: Uint32Array;
  /** Shares of the training samples. */
  readonly dead: boolean;
  readonly saturated: number;
  readonly learnedSlope?: number;
}

export interface LayerView {
  readonly units: number;
  readonly activation: string;
  /** units × inputs. */
  readonly weights: Float32Array;
  readonly biases: Float32Array;
  readonly slopes?: Float32Array;
  /** SMALL² × units over the plane, SMALL × units along a line; empty between pictures. */
  readonly pictures: Float32Array;
}

export interface Measures {
  readonly loss: { readonly training: number; readonly test: number };
  /** Accuracy, or R² of a regression. */
  readonly metric: { readonly training: number; readonly test: number };
  /** Of the test samples where there are more than two inputs: classes × classes by true class, or pairs of true and predicted. */
  readonly confusion?: Uint32Array;
  readonly scatter?: Float32Array;
}

/** What comes with some frames only: the page keeps the last. */
export interface Rare extends Measures {
  readonly neuron?: NeuronView;
  readonly findings: readonly (Finding & { readonly hidden: number })[];
}

export interface Frame extends Partial<Rare> {
  readonly running: boolean;
  readonly epochs: number;
  readonly steps: number;
  readonly samplesPerSecond: number;
  readonly stepsPerSecond: number;
  /** Time spent in fit since the reset. */
  readonly trainingMs: number;
  readonly learningRate: number;
  /** The side of the plane's picture squared × outputs, or CURVE × outputs, row 0 at the least y; empty where there are more than two inputs. */
  readonly outputs: Float32Array;
  readonly layers: readonly LayerView[];
  /** What the network makes of the drawn digit. */
  readonly drawn?: Float32Array;
}

export type Report =
  | { readonly type: "data"; readonly data: DataView }
  | { readonly type: "frame"; readonly frame: Frame }
  | { readonly type: "file"; readonly kind: "save" | "onnx" | "module"; readonly bytes: Uint8Array | string }
  | { readonly type: "loaded"; readonly state: Partial<State> }
  | { readonly type: "stopped" }
  /** barren: there are no data to train on; diverged: the training ended at a loss or weights that are not finite. */
  | { readonly type: "error"; readonly message: string; readonly barren?: boolean; readonly diverged?: boolean };
