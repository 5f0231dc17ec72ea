// From the state to the library's words: the layers and the optimizer of a network. code.ts writes the same as text.

import {
  adagrad, adam, adamw, batchNorm, cosineDecay, dense, dropout, exponentialDecay, layerNorm, lion, nadam, oneCycle, reduceOnPlateau, rmsprop, sgd, stepDecay,
} from "../../src/index.js";
import type { DenseOptions, LayerSpec, Optimizer, Schedule } from "../../src/index.js";
import type { Task } from "./data.js";
import { outputOf } from "./names.js";
import type { State } from "./state.js";

/** Hidden layer k is layers[dense[k]]; the output layer is the last. */
export function layersOf(state: State, task: Task, outputs: number): { layers: LayerSpec[]; dense: number[] } {
  const start: DenseOptions = { l1: state.l1, l2: state.l2, ...(state.init === "auto" ? {} : { weightInit: state.init }) };
  const layers: LayerSpec[] = [];
  const places: number[] = [];
  for (const { units, activation } of state.layers) {
    places.push(layers.length);
    layers.push(dense(units, { ...start, activation }));
    if (state.norm === "batchNorm") layers.push(batchNorm());
    if (state.norm === "layerNorm") layers.push(layerNorm());
    if (state.dropout > 0) layers.push(dropout(state.dropout));
  }
  places.push(layers.length);
  layers.push(dense(outputs, { ...start, activation: outputOf(state.output, task) }));
  return { layers, dense: places };
}

export function scheduleOf({ schedule, rate, steps }: State): number | Schedule {
  switch (schedule) {
    case "constant": return rate;
    case "stepDecay": return stepDecay({ initial: rate, factor: 0.5, every: steps });
    case "exponentialDecay": return exponentialDecay({ initial: rate, rate: 0.5, every: steps });
    case "cosineDecay": return cosineDecay({ initial: rate, steps });
    case "oneCycle": return oneCycle({ max: rate, steps });
    case "reduceOnPlateau": return reduceOnPlateau({ initial: rate, factor: 0.5, patience: 20 });
  }
}

export function optimizerOf(state: State): Optimizer {
  const learningRate = scheduleOf(state);
  switch (state.optimizer) {
    case "sgd": return sgd({ learningRate });
    case "momentum": return sgd({ learningRate, momentum: 0.9 });
    case "rmsprop": return rmsprop({ learningRate });
    case "adagrad": return adagrad({ learningRate });
    case "adam": return adam({ learningRate });
    case "adamw": return adamw({ learningRate });
    case "nadam": return nadam({ learningRate });
    case "lion": return lion({ learningRate });
  }
}
