// The controls: every one a label and a native input, made from the state's lists and ranges, and told of what the state holds. A change is
// checked as what a URL holds is; what is not allowed leaves the state and puts the old value back.

import { lossOf, outputOf, usualOutput } from "./names.js";
import { defaults, hiddenActivations, initializers, dataNames, MOST_LAYERS, MOST_UNITS, norms, optimizers, outputActivations, ranges, readNumber, schedules, speeds, themes } from "./state.js";
import type { HiddenActivation, NumberKey, State } from "./state.js";
import type { Task } from "./data.js";
import { say, translate } from "./texts.js";
import type { Text } from "./texts.js";

export type Change = (patch: Partial<State>) => void;

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

const labels: Record<NumberKey, Text> = {
  classes: "classes", samples: "samples", noise: "noise", split: "split", dataSeed: "dataSeed", dropout: "dropout", seed: "seed", rate: "rate", steps: "scheduleSteps", batch: "batch", l1: "l1", l2: "l2",
};
type ListKey = "data" | "init" | "norm" | "optimizer" | "schedule";
const listed: Record<ListKey, { label: Text; names: readonly string[]; prefix?: string }> = {
  data: { label: "dataSet", names: dataNames, prefix: "data." }, init: { label: "init", names: initializers }, norm: { label: "norm", names: norms },
  optimizer: { label: "optimizer", names: optimizers }, schedule: { label: "schedule", names: schedules },
};

function options(select: HTMLSelectElement, names: readonly string[], keyOf: (name: string) => Text | undefined): void {
  for (const name of names) {
    const option = document.createElement("option");
    option.value = name;
    const key = keyOf(name);
    if (key === undefined) option.textContent = name;
    else option.dataset.text = key;
    select.append(option);
  }
}

/** A label beside its control, not round it: a label's text would hold that of a list's options. */
function field(label: Text, control: HTMLElement, wide = false): HTMLElement {
  const box = document.createElement("div");
  box.className = wide ? "field wide" : "field";
  const text = document.createElement("label");
  control.id = `control-${label}`;
  text.htmlFor = control.id;
  text.dataset.text = label;
  box.append(text, control);
  return box;
}

export class Controls {
  private readonly numbers = new Map<NumberKey, HTMLInputElement>();
  private readonly lists = new Map<ListKey, HTMLSelectElement>();
  private readonly scale = document.createElement("input");
  private task: Task = "binary";
  private state: State = defaults;

  /** @param refuse says what a value is not allowed for */
  constructor(private readonly change: Change, private readonly refuse: (message: string) => void) {
    const [data, network, training] = ["data-fields", "network-fields", "training-fields"].map((id) => element(id));
    this.addList(data, "data", true);
    for (const key of ["classes", "samples", "noise", "split", "dataSeed"] as const) this.addNumber(data, key);
    this.scale.type = "checkbox";
    this.scale.addEventListener("change", () => this.change({ scale: this.scale.checked }));
    const check = field("scale", this.scale, true);
    check.className = "check wide";
    check.prepend(this.scale);
    data.append(check);
    this.addList(network, "init", true);
    this.addList(network, "norm");
    for (const key of ["dropout", "seed"] as const) this.addNumber(network, key);
    this.addList(training, "optimizer");
    this.addNumber(training, "rate");
    this.addList(training, "schedule");
    for (const key of ["steps", "batch", "l1", "l2"] as const) this.addNumber(training, key);
    options(element("speed"), speeds, (name) => `speed.${name}` as Text);
    options(element("theme"), themes, (name) => `theme.${name}` as Text);
    const compare = element<HTMLSelectElement>("compare");
    options(compare, ["", ...hiddenActivations], (name) => (name === "" ? "compare.none" : undefined));
    compare.addEventListener("change", () => this.change({ compare: compare.value as HiddenActivation | "" }));
    element("speed").addEventListener("change", () => this.change({ speed: element<HTMLSelectElement>("speed").value as State["speed"] }));
    element("add-layer").addEventListener("click", () => {
      const last = this.state.layers[this.state.layers.length - 1] ?? { units: 8, activation: "tanh" };
      if (this.state.layers.length < MOST_LAYERS) this.change({ layers: [...this.state.layers, last] });
    });
  }

  private addNumber(place: HTMLElement, key: NumberKey): void {
    const [least, most, step] = ranges[key];
    const input = document.createElement("input");
    Object.assign(input, { type: "number", min: String(least), max: String(most), step: String(step) });
    input.addEventListener("change", () => {
      const value = readNumber(key, input.value);
      if (value !== undefined) {
        this.refuse("");
        this.change({ [key]: value });
        return;
      }
      this.refuse(say("range", say(labels[key]), least, most, input.value === "" ? "–" : input.value));
      input.value = String(this.state[key]);
    });
    this.numbers.set(key, input);
    place.append(field(labels[key], input));
  }

  private addList(place: HTMLElement, key: ListKey, wide = false): void {
    const select = document.createElement("select");
    const { label, names, prefix } = listed[key];
    options(select, names, (name) => (prefix !== undefined ? (`${prefix}${name}` as Text) : name === "auto" ? "init.auto" : name === "none" ? "norm.none" : undefined));
    select.addEventListener("change", () => this.change({ [key]: select.value }));
    this.lists.set(key, select);
    place.append(field(label, select, wide));
  }

  /** Shows a state: values, which controls belong to the data, and the list of layers. */
  show(state: State, task: Task): void {
    const rebuild = this.state.layers !== state.layers || this.state.output !== state.output || this.task !== task || element("layers").childElementCount === 0;
    this.state = state;
    this.task = task;
    for (const [key, input] of this.numbers) if (document.activeElement !== input || input.value === "") input.value = String(state[key]);
    for (const [key, select] of this.lists) select.value = state[key];
    this.scale.checked = state.scale;
    element<HTMLSelectElement>("speed").value = state.speed;
    element<HTMLSelectElement>("compare").value = state.compare;
    const table = state.data === "digits" || state.data === "table";
    const visible = (key: NumberKey, shown: boolean): void => void (this.numbers.get(key)!.parentElement!.hidden = !shown);
    visible("classes", state.data === "blobs");
    visible("samples", !table);
    visible("noise", !table);
    visible("steps", state.schedule !== "constant" && state.schedule !== "reduceOnPlateau");
    element("csv-fields").hidden = state.data !== "table";
    element<HTMLButtonElement>("add-layer").disabled = state.layers.length >= MOST_LAYERS;
    if (rebuild) this.showLayers();
  }

  showLayers(): void {
    const { layers } = this.state;
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.place : undefined;
    const list = element("layers");
    list.replaceChildren(...layers.map(({ units, activation }, k) => {
      const row = document.createElement("li");
      const replace = (patch: { units?: number; activation?: HiddenActivation }): void => this.change({ layers: layers.map((layer, i) => (i === k ? { ...layer, ...patch } : layer)) });
      const resize = (value: number): void => {
        const allowed = Number.isInteger(value) && value >= 1 && value <= MOST_UNITS;
        this.refuse(allowed ? "" : say("range", say("units", k + 1), 1, MOST_UNITS, Number.isNaN(value) ? "–" : value));
        if (allowed) replace({ units: value });
        else input.value = String(units);
      };
      const button = (text: string, label: Text, act: () => void): HTMLButtonElement => {
        const made = document.createElement("button");
        Object.assign(made, { type: "button", textContent: text });
        made.dataset.label = label;
        made.dataset.figure = String(k + 1);
        made.dataset.place = `${label}.${k}`;
        made.addEventListener("click", act);
        return made;
      };
      const input = document.createElement("input");
      Object.assign(input, { type: "number", min: "1", max: String(MOST_UNITS), value: String(units) });
      Object.assign(input.dataset, { label: "units", figure: String(k + 1), place: `units.${k}` });
      input.addEventListener("change", () => resize(input.valueAsNumber));
      const select = document.createElement("select");
      options(select, hiddenActivations, () => undefined);
      select.value = activation;
      Object.assign(select.dataset, { label: "activation", figure: String(k + 1), place: `activation.${k}` });
      select.addEventListener("change", () => replace({ activation: select.value as HiddenActivation }));
      row.append(
        button("−", "fewer", () => resize(units - 1)), input, button("+", "more", () => resize(units + 1)), select,
        button("×", "removeLayer", () => this.change({ layers: layers.filter((_, i) => i !== k) })),
      );
      return row;
    }));
    const out = document.createElement("li");
    out.className = "out";
    out.innerHTML = `<div><span data-text="output"></span><select data-label="outputActivation" data-place="output"></select></div><p class="note"></p>`;
    const usual = usualOutput[this.task];
    const select = out.querySelector("select")!;
    options(select, outputActivations.filter((name) => name !== usual && (name !== "softmax" || this.task === "classes")), () => undefined);
    select.options[0].textContent = usual;
    const activation = outputOf(this.state.output, this.task);
    select.value = activation === usual ? "auto" : activation;
    select.addEventListener("change", () => this.change({ output: select.value as State["output"] }));
    out.querySelector("p")!.textContent = `${say("lossName")}: ${lossOf(activation, this.task)}`;
    list.append(out);
    translate(list);
    if (focused !== undefined) list.querySelector<HTMLElement>(`[data-place="${focused}"]`)?.focus();
  }
}
