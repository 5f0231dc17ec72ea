// A saved model as a state of the page: its layers and the options it was trained with, read from the description in the file (README, "Model files").

import type { Network } from "../../src/index.js";
import type { Data } from "./data.js";
import { layersOf } from "./describe.js";
import { usualOutput } from "./names.js";
import { hiddenActivations, initializers, MOST_LAYERS, MOST_UNITS, norms, optimizers, outputActivations, readNumber, schedules } from "./state.js";
import type { HiddenLayer, NumberKey, State } from "./state.js";

type Described = Record<string, unknown>;

const among = <T extends string>(list: readonly T[], value: unknown): T | undefined => list.find((name) => name === value);
const nameOf = (value: unknown): unknown => (typeof value === "object" && value !== null ? (value as Described).name : value);

/** The description in a file that Network.load has taken. */
function describe(bytes: ArrayBuffer): Described & { layers: Described[] } {
  const length = Number(new DataView(bytes).getBigUint64(0, true));
  return JSON.parse(JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 8, length))).__metadata__.rosenblatt);
}

/** What differs in kind, size, activation or rate. Other numbers, such as a normalisation's epsilon, have no control. */
const shapeOf = (layer: Described): string => JSON.stringify([layer.kind, layer.units, nameOf(layer.activation ?? "linear"), layer.rate]);

/**
 * The part of the state that a model brings with it, and the places of its dense layers.
 * @throws {RangeError} for a model of other inputs or outputs than the data have, and for one that the controls cannot describe
 */
export function readModel(bytes: ArrayBuffer, network: Network, shown: State, { inputs, outputs, task }: Data): { state: Partial<State>; dense: number[] } {
  if (network.inputs !== inputs || network.outputs !== outputs) {
    throw new RangeError(`load: expected a model of ${inputs} inputs and ${outputs} outputs as the data shown have, got ${network.inputs} and ${network.outputs}`);
  }
  const { layers: described, seed, optimizer } = describe(bytes);
  const neurons = described.filter(({ kind }) => kind === "dense");
  const last = neurons[neurons.length - 1];
  const layers = neurons.slice(0, -1).map(({ units, activation }) => ({ units, activation: among(hiddenActivations, nameOf(activation)) }));
  const first = neurons[0];
  const state: Record<string, unknown> = {
    layers, output: among(outputActivations, nameOf(last.activation ?? "linear")), init: among(initializers, first.weightInit) ?? "auto",
    norm: among(norms, described[1]?.kind) ?? "none", dropout: described.find(({ kind }) => kind === "dropout")?.rate ?? 0, l1: first.l1 ?? 0, l2: first.l2 ?? 0,
  };
  if (state.output === usualOutput[task]) state.output = "auto";
  const put = (key: NumberKey, value: unknown): void => {
    const allowed = readNumber(key, String(value));
    if (allowed !== undefined) state[key] = allowed;
  };
  put("seed", seed);
  if (optimizer !== undefined) {
    const { name, momentum, learningRate } = optimizer as Described;
    state.optimizer = among(optimizers, name === "sgd" && momentum === 0.9 ? "momentum" : name) ?? shown.optimizer;
    if (typeof learningRate === "object" && learningRate !== null) {
      const { name: schedule, initial, max, steps, every } = learningRate as Described;
      state.schedule = among(schedules, schedule) ?? shown.schedule;
      put("rate", initial ?? max);
      put("steps", steps ?? every);
    } else {
      state.schedule = "constant";
      put("rate", learningRate);
    }
  }
  const whole = { ...shown, ...state } as State;
  const fits = layers.length <= MOST_LAYERS && layers.every(({ units, activation }) => activation !== undefined && (units as number) <= MOST_UNITS) && state.output !== undefined;
  const made = fits ? layersOf(whole, task, outputs) : undefined;
  if (made === undefined || described.map(shapeOf).join() !== made.layers.map((layer) => shapeOf(layer as never)).join()) {
    throw new RangeError(`load: expected at most ${MOST_LAYERS} hidden layers of at most ${MOST_UNITS} units, each with the same normalisation and dropout, as the controls have them, got another network`);
  }
  return { state: { ...(state as Partial<State>), layers: layers as HiddenLayer[] }, dense: made.dense };
}
