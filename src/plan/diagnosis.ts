// A diagnosis as instructions: the forwards with the figures of every column (assembly/statistics.ts), and the gradient where there is a loss.

import { ColumnFigures, FIGURE_WORDS, Histogram, Op } from "../../assembly/codes.js";
import { activationOf } from "../describe/layers.js";
import { flatBelow } from "../describe/saturation.js";
import type { SaturationBounds } from "../describe/saturation.js";
import { addForward } from "./forward.js";
import { addBackward, addFinish, addLoss } from "./gradient.js";
import type { LossPlan } from "./gradient.js";
import { outputOf } from "./layout.js";
import type { LayerShape, Layout, Topology } from "./layout.js";
import { Tape } from "./tape.js";

/** Whether a layer has weighted sums beside its activations. */
export function hasSums(shape: LayerShape): boolean {
  return activationOf(shape.spec).name !== "linear";
}

/** Where a diagnosis has a layer's weighted sums: a layer that keeps one matrix writes them to the first gradient's, which is free until the loss. */
function diagnosedSums(shape: LayerShape, { layers, gradients }: Layout): number {
  const { sums, activations } = layers[shape.index];
  return hasSums(shape) && sums === activations ? gradients[0] : sums;
}

/** What the columns of a layer do, and the spread of its sums and activations. */
function addFigures(tape: Tape, topology: Topology, layout: Layout, shape: LayerShape, { low, innerLow, innerHigh, high }: SaturationBounds, every: number): void {
  const { units, index } = shape;
  const activation = activationOf(shape.spec);
  const { at: activations, stride } = outputOf(topology, layout, index, false);
  const { figures, sumsHistogram, activationsHistogram } = layout.figures[index];
  const sums = hasSums(shape) ? diagnosedSums(shape, layout) : activations;
  const slopes = "slopes" in shape ? layout.parameters + 4 * shape.slopes.begin : 0;
  tape.add(Op.columnFigures, [
    [ColumnFigures.sums, sums],
    [ColumnFigures.activations, activations],
    [ColumnFigures.measured, activation.name === "softmax" ? activations : sums],
    [ColumnFigures.stride, 4 * stride],
    [ColumnFigures.units, units],
    [ColumnFigures.figures, figures],
    [ColumnFigures.slopes, activation.name === "prelu" ? slopes : 0],
    [ColumnFigures.sharedSlope, activation.name === "prelu" && activation.shared ? 1 : 0],
    [ColumnFigures.every, 1],
  ]);
  tape.float([[ColumnFigures.low, low], [ColumnFigures.innerLow, innerLow], [ColumnFigures.innerHigh, innerHigh], [ColumnFigures.high, high], [ColumnFigures.flatBelow, flatBelow(activation)]]);
  const word = 16 * Math.ceil(units / 4);
  const addSpread = (values: number, first: number, histogram: number): void => tape.add(Op.histogram, [
    [Histogram.values, values], [Histogram.stride, 4 * stride], [Histogram.units, units],
    [Histogram.least, figures + first * word], [Histogram.greatest, figures + (first + 1) * word], [Histogram.histogram, histogram],
    [Histogram.every, every],
  ]);
  addSpread(activations, 0, activationsHistogram);
  if (hasSums(shape)) addSpread(sums, FIGURE_WORDS, sumsHistogram);
}

/**
 * Forwards with the figures of the samples and of every layer, carried on from chunk to chunk; with a loss its gradient of all layers too.
 * @param bounds where each layer saturates
 * @param every the samples' own figures and the histograms are those of the first of so many parts of a chunk's rows
 */
export function diagnosisTape(topology: Topology, layout: Layout, bounds: readonly SaturationBounds[], plan: LossPlan | undefined, every: number): Tape {
  const tape = new Tape();
  tape.add(Op.columnFigures, [
    [ColumnFigures.sums, layout.samples], [ColumnFigures.activations, layout.samples], [ColumnFigures.measured, layout.samples],
    [ColumnFigures.stride, 4 * layout.sampleStride], [ColumnFigures.units, topology.inputs], [ColumnFigures.figures, layout.sampleFigures],
    [ColumnFigures.every, every],
  ]);
  tape.float([[ColumnFigures.low, -Infinity], [ColumnFigures.innerLow, Infinity], [ColumnFigures.innerHigh, -Infinity], [ColumnFigures.high, Infinity], [ColumnFigures.flatBelow, -Infinity]]);
  for (const shape of topology.layers) {
    addForward(tape, topology, layout, shape.index, undefined, diagnosedSums(shape, layout));
    addFigures(tape, topology, layout, shape, bounds[shape.index], every);
  }
  if (plan === undefined) return tape;
  const fused = addLoss(tape, topology, layout, plan, true, false);
  addBackward(tape, topology, layout, fused, false, ({ kind }) => kind !== "dropout");
  addFinish(tape, topology, layout, plan, 0);
  return tape;
}
