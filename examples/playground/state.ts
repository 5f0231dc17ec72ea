// What a user has chosen: the whole of it is one flat record, kept in the URL's hash. What is read from there is never trusted: every value is
// checked against the list or the range that its control has, and what does not fit is left at its default.
//
//   #data=spiral&noise=0.1&layers=16-tanh.16-prelu&optimizer=adam&rate=0.01

import type { Selection } from "./protocol.js";

export const dataNames = ["xor", "circles", "moons", "spiral", "blobs", "wave", "hills", "digits", "table"] as const;
export type DataName = (typeof dataNames)[number];

/** What may stand in a hidden layer, in the library's order. */
export const hiddenActivations = [
  "linear", "sigmoid", "tanh", "relu", "leakyRelu", "prelu", "elu", "selu", "gelu", "silu", "mish", "softplus", "softsign", "relu6", "hardSigmoid", "hardTanh",
  "exponential",
] as const;
export type HiddenActivation = (typeof hiddenActivations)[number];

export const outputActivations = ["auto", ...hiddenActivations, "softmax"] as const;
export const initializers = ["auto", "glorotUniform", "glorotNormal", "heUniform", "heNormal", "lecunUniform", "lecunNormal", "orthogonal", "zeros", "ones"] as const;
export const optimizers = ["sgd", "momentum", "rmsprop", "adagrad", "adam", "adamw", "nadam", "lion"] as const;
export const schedules = ["constant", "stepDecay", "exponentialDecay", "cosineDecay", "oneCycle", "reduceOnPlateau"] as const;
export const norms = ["none", "batchNorm", "layerNorm"] as const;
export const speeds = ["max", "60", "10", "1"] as const;
export const languages = ["en", "zh"] as const;
export const themes = ["auto", "light", "dark"] as const;

export type Language = (typeof languages)[number];
export type Theme = (typeof themes)[number];

export interface HiddenLayer {
  readonly units: number;
  readonly activation: HiddenActivation;
}

export interface State {
  readonly data: DataName;
  readonly classes: number;
  readonly samples: number;
  readonly noise: number;
  /** Per cent of the samples that train. */
  readonly split: number;
  readonly dataSeed: number;
  readonly scale: boolean;
  readonly layers: readonly HiddenLayer[];
  /** The output layer's activation; auto: the usual one of the task. */
  readonly output: (typeof outputActivations)[number];
  readonly init: (typeof initializers)[number];
  readonly norm: (typeof norms)[number];
  readonly dropout: number;
  readonly seed: number;
  readonly optimizer: (typeof optimizers)[number];
  readonly rate: number;
  readonly schedule: (typeof schedules)[number];
  /** Steps of the schedule. */
  readonly steps: number;
  readonly batch: number;
  readonly l1: number;
  readonly l2: number;
  readonly speed: (typeof speeds)[number];
  /** The hidden activation of the second network, or "" for none. */
  readonly compare: HiddenActivation | "";
}

export const defaults: State = {
  data: "spiral", classes: 3, samples: 500, noise: 0.1, split: 70, dataSeed: 1, scale: true,
  layers: [{ units: 10, activation: "tanh" }, { units: 8, activation: "tanh" }],
  output: "auto", init: "auto", norm: "none", dropout: 0, seed: 1,
  optimizer: "adam", rate: 0.01, schedule: "constant", steps: 2000, batch: 32, l1: 0, l2: 0, speed: "max", compare: "",
};

/** Least, greatest and step of what is a number. */
export const ranges = {
  classes: [2, 5, 1], samples: [50, 2000, 50], noise: [0, 0.5, 0.01], split: [10, 90, 5], dataSeed: [0, 999999, 1], dropout: [0, 0.8, 0.05], seed: [0, 999999, 1],
  rate: [1e-6, 10, "any"], steps: [10, 1000000, "any"], batch: [1, 512, 1], l1: [0, 1, "any"], l2: [0, 1, "any"],
} as const satisfies Partial<Record<keyof State, readonly [number, number, number | "any"]>>;
export type NumberKey = keyof typeof ranges;

const lists = { data: dataNames, output: outputActivations, init: initializers, norm: norms, optimizer: optimizers, schedule: schedules, speed: speeds, compare: ["", ...hiddenActivations] } as const;
const whole: ReadonlySet<string> = new Set(["classes", "samples", "split", "dataSeed", "seed", "steps", "batch"]);

export const MOST_LAYERS = 8;
export const MOST_UNITS = 128;
/** A hash longer than this is not ours. */
const LONGEST_HASH = 2000;

/** The number within its range, or undefined where it is none. */
export function readNumber(key: NumberKey, text: string): number | undefined {
  if (!/^-?\d{0,9}\.?\d{0,12}(e-?\d{1,2})?$/i.test(text) || text === "") return undefined;
  const value = Number(text);
  const [low, high] = ranges[key];
  if (!Number.isFinite(value) || value < low || value > high) return undefined;
  return whole.has(key) && !Number.isInteger(value) ? undefined : value;
}

function readLayers(text: string): HiddenLayer[] | undefined {
  if (text === "none") return [];
  const layers: HiddenLayer[] = [];
  for (const part of text.split(".")) {
    const match = /^(\d{1,3})-([A-Za-z0-9]{1,20})$/.exec(part);
    const activation = match === null ? undefined : hiddenActivations.find((name) => name === match[2]);
    const units = match === null ? 0 : Number(match[1]);
    if (activation === undefined || units < 1 || units > MOST_UNITS || layers.length === MOST_LAYERS) return undefined;
    layers.push({ units, activation });
  }
  return layers;
}

/** What is looked at: it changes nothing of the training. */
export interface View {
  readonly showTest: boolean;
  /** The network that the graph shows. */
  readonly shown: 0 | 1;
  readonly selection?: Selection;
}
export const plainView: View = { showTest: false, shown: 0 };

function readView(given: URLSearchParams, { layers, compare }: State): View {
  const [layer, unit, sample] = (/^\d{1,2}\.\d{1,3}\.\d{1,5}$/.test(given.get("neuron") ?? "") ? given.get("neuron")! : "0.0.0").split(".").map((place) => Number(place) - 1);
  const chosen = layer >= 0 && layer <= layers.length && unit >= 0 && unit < (layers[layer]?.units ?? Infinity) && sample >= 0;
  return { showTest: given.get("test") === "1", shown: given.get("shown") === "1" && compare !== "" ? 1 : 0, ...(chosen ? { selection: { layer, unit, sample } } : {}) };
}

/** The state that a hash holds; what is missing or not allowed is the default. Never throws. */
export function parseState(hash: string): { state: State; language?: Language; theme?: Theme; view: View } {
  const text = hash.replace(/^#/, "");
  const given = new URLSearchParams(text.length > LONGEST_HASH ? "" : text);
  const state: Record<string, unknown> = { ...defaults };
  for (const key of Object.keys(ranges) as NumberKey[]) {
    const value = readNumber(key, given.get(key) ?? "");
    if (value !== undefined) state[key] = value;
  }
  for (const [key, list] of Object.entries(lists)) {
    const value = given.get(key);
    if (value !== null && (list as readonly string[]).includes(value)) state[key] = value;
  }
  const layers = readLayers(given.get("layers") ?? "");
  if (layers !== undefined) state.layers = layers;
  const scale = given.get("scale");
  if (scale === "0" || scale === "1") state.scale = scale === "1";
  return {
    state: state as unknown as State,
    language: languages.find((name) => name === given.get("lang")),
    theme: themes.find((name) => name === given.get("theme")),
    view: readView(given, state as unknown as State),
  };
}

/** The hash of a state: only what differs from the defaults. */
export function formatState(state: State, language?: Language, theme?: Theme, view: View = plainView): string {
  const given = new URLSearchParams();
  for (const key of [...Object.keys(lists), ...Object.keys(ranges)] as (keyof State)[]) {
    if (state[key] !== defaults[key]) given.set(key, String(state[key]));
  }
  const layers = formatLayers(state.layers);
  if (layers !== formatLayers(defaults.layers)) given.set("layers", layers);
  if (!state.scale) given.set("scale", "0");
  if (language !== undefined) given.set("lang", language);
  if (theme !== undefined && theme !== "auto") given.set("theme", theme);
  if (view.showTest) given.set("test", "1");
  if (view.shown === 1) given.set("shown", "1");
  if (view.selection !== undefined) given.set("neuron", [view.selection.layer, view.selection.unit, view.selection.sample].map((place) => place + 1).join("."));
  return `#${given}`;
}

function formatLayers(layers: readonly HiddenLayer[]): string {
  return layers.length === 0 ? "none" : layers.map(({ units, activation }) => `${units}-${activation}`).join(".");
}

/** The state of the second network: it has another activation in all hidden layers. */
export function secondState(state: State): State {
  const { compare } = state;
  return compare === "" ? state : { ...state, layers: state.layers.map(({ units }) => ({ units, activation: compare })) };
}

/** What a change of these asks for: new data and a new network, a new network, or a new network where layers differ; all else is applied while training. */
export const dataKeys: readonly (keyof State)[] = ["data", "classes", "samples", "noise", "split", "dataSeed", "scale"];
export const networkKeys: readonly (keyof State)[] = ["layers", "output", "init", "norm", "dropout", "seed", "l1", "l2"];
