// The page: holds the state, tells the workers, and draws what they post. It computes nothing of a network itself.

import { codeOf } from "./code.js";
import { setGround } from "./colors.js";
import { Controls } from "./controls.js";
import { Curves } from "./curves.js";
import { Digit } from "./digit.js";
import { Findings } from "./findings.js";
import { Graph } from "./graph.js";
import { NeuronPage } from "./neuron.js";
import { Player } from "./player.js";
import type { Report, Selection } from "./protocol.js";
import { dataKeys, formatState, networkKeys, parseState } from "./state.js";
import type { Language, State, Theme } from "./state.js";
import { figure, language, many, percent, say, speak } from "./texts.js";
import type { Text } from "./texts.js";

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

const read = parseState(location.hash);
let state: State = read.state;
let chosenLanguage: Language | undefined = read.language;
let theme: Theme = read.theme ?? "auto";
let running = false;
let selection: Selection | undefined;
let digitsText: string | undefined;
let table: { text: string; target: string } | undefined;
let shown = 0;
let players: Player[] = [];
let curvesDrawn = 0;

const curves = new Curves(element("curves"));
const graph = new Graph(element("graph"), (layer, unit) => select(selection?.layer === layer && selection.unit === unit ? undefined : { layer, unit, sample: selection?.sample ?? 0 }));
const neuronPage = new NeuronPage(element("neuron"), () => select(undefined), (sample) => selection !== undefined && select({ ...selection, sample }));
const findings = new Findings(element("findings"), (patch) => {
  change(patch);
  tell("applied");
});
const controls = new Controls(change);
const digit = new Digit(element<HTMLCanvasElement>("digit"), sendDigit);

const first = (): Player => players[0];
const viewed = (): Player => players[shown] ?? players[0];

/** For a screen reader: only what a user has brought about. */
function tell(key: Text, ...figures: (string | number)[]): void {
  element("status").textContent = say(key, ...figures);
}

function fail(message: string): void {
  const box = element("error");
  box.textContent = message === "" ? "" : `${say("error")}: ${message}`;
  box.hidden = message === "";
}

/** The state of a player: the second one has another activation in all hidden layers. */
function stateOf(player: number): State {
  const { compare } = state;
  return player === 0 || compare === "" ? state : { ...state, layers: state.layers.map(({ units }) => ({ units, activation: compare })) };
}

function sources(): { digits?: string; table?: { text: string; target: string } } {
  return { ...(state.data === "digits" && digitsText !== undefined ? { digits: digitsText } : {}), ...(state.data === "table" && table !== undefined ? { table } : {}) };
}

async function configure(what: "data" | "network" | "options", only?: number): Promise<void> {
  if (state.data === "digits" && digitsText === undefined) digitsText = await (await fetch("digits.csv")).text();
  if (state.data === "table" && table === undefined) {
    fail(say("csvEmpty"));
    return;
  }
  fail("");
  players.forEach((player, i) => {
    if (only === undefined || only === i) player.tell({ type: "configure", state: stateOf(i), what, ...(what === "data" ? sources() : {}) });
  });
}

function setRunning(next: boolean): void {
  running = next;
  const button = element("run");
  button.querySelector("span")!.textContent = say(running ? "pause" : "start");
  button.querySelector("path")!.setAttribute("d", running ? "M3.5 2.5h3.2v11H3.5zM9.3 2.5h3.2v11H9.3z" : "M4 2.5v11l9-5.5z");
}

/** Applies a change, and asks of the workers no more than it needs. */
function change(patch: Partial<State>): void {
  const before = state;
  state = { ...state, ...patch };
  const changed = (Object.keys(patch) as (keyof State)[]).filter((key) => before[key] !== state[key]);
  if (changed.length === 0) return;
  keepURL();
  if (changed.includes("data") || changed.includes("layers")) select(undefined);
  const what = changed.some((key) => dataKeys.includes(key)) ? "data" : changed.some((key) => networkKeys.includes(key)) ? "network" : "options";
  if (what === "data" && changed.includes("data") && running) toggle();
  if (changed.includes("compare")) second();
  if (changed.some((key) => key !== "compare")) {
    if (what !== "options") players.forEach(({ record }) => record.clear());
    void configure(what);
  }
  controls.show(state, first().data?.task ?? "binary");
}

function keepURL(): void {
  history.replaceState(null, "", formatState(state, chosenLanguage, theme));
}

/** The second network comes, goes, or changes its activation. */
function second(): void {
  if (state.compare === "") {
    for (const player of players.splice(1)) player.end();
    shown = 0;
  } else if (players.length === 1) {
    players.push(add(1));
    void configure("data", 1).then(() => running && players[1]?.tell({ type: "run" }));
  } else void configure("network", 1);
  element("shown-field").hidden = players.length === 1;
  element<HTMLSelectElement>("shown").value = String(shown);
  titles();
  drawPoints();
}

function titles(): void {
  players.forEach((player, i) => player.surface.title(players.length === 1 ? "" : `${say(i === 0 ? "networkA" : "networkB")} · ${i === 0 ? [...new Set(state.layers.map(({ activation }) => activation))].join(", ") : state.compare}`));
}

function add(place: number): Player {
  const player = new Player((report) => hear(report, player));
  element("surfaces").append(player.surface.element);
  if (place > 0) player.surface.title(say("networkB"));
  return player;
}

function hear(report: Report, player: Player): void {
  switch (report.type) {
    case "data":
      if (player === first()) {
        controls.show(state, report.data.task);
        element("digit-card").hidden = state.data !== "digits";
      }
      drawPoints();
      return;
    case "frame":
      return;
    case "file": {
      const names = { save: "network.safetensors", onnx: "network.onnx", module: "network.mjs" };
      download(names[report.kind], report.bytes);
      return;
    }
    case "loaded":
      state = { ...state, layers: report.layers, norm: "none", dropout: 0 };
      keepURL();
      setRunning(false);
      players[1]?.tell({ type: "pause" });
      controls.show(state, first().data!.task);
      player.record.clear();
      tell("loadedModel");
      return;
    case "stopped":
      if (running) toggle();
      return;
    case "error":
      fail(report.message);
  }
}

function download(name: string, bytes: Uint8Array | string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes as BlobPart]));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function select(next: Selection | undefined): void {
  selection = next;
  for (const player of players) player.tell({ type: "select", selection });
  if (next === undefined) neuronPage.hide();
}

function sendDigit(): void {
  const scaled = digit.cells.map((value) => value / (state.scale ? 16 : 1));
  viewed()?.tell({ type: "draw", digit: digit.cells.some((value) => value > 0) ? scaled : undefined });
}

function drawPoints(): void {
  const showTest = element<HTMLInputElement>("show-test").checked;
  for (const { data, surface } of players) if (data !== undefined) surface.drawPoints(data, showTest);
}

function toggle(): void {
  setRunning(!running);
  for (const player of players) player.tell({ type: running ? "run" : "pause" });
  if (running) tell("started");
  else tell("paused", first().frame?.epochs ?? 0);
}

const shownFigures: [Text, Text | undefined, boolean][] = [["trainingLoss", undefined, false], ["testLoss", undefined, false], ["trainingAccuracy", "trainingR2", true], ["testAccuracy", "testR2", false], ["epochs", undefined, false], ["steps", undefined, true], ["stepsPerSecond", undefined, true], ["samplesPerSecond", undefined, false], ["rateNow", undefined, true], ["trainingTime", undefined, true]];

function drawFigures(): void {
  const place = element("figures");
  const regression = first().data?.task === "regression";
  const values = players.map(({ frame }) => {
    if (frame === undefined) return shownFigures.map(() => "–");
    const metric = (value: number): string => (regression ? figure(value, 3) : percent(value));
    return [
      figure(frame.loss.training), figure(frame.loss.test), metric(frame.metric.training), metric(frame.metric.test), many(frame.epochs), many(frame.steps),
      many(frame.stepsPerSecond), many(frame.samplesPerSecond), String(+frame.learningRate.toPrecision(3)), `${(frame.trainingMs / 1000).toFixed(1)} s`,
    ];
  });
  if (place.childElementCount === 0) {
    place.append(...shownFigures.map(([, , minor], i) => {
      const box = document.createElement("div");
      if (minor) box.className = "minor";
      box.append(document.createElement("dt"), document.createElement("dd"));
      box.dataset.figureOf = shownFigures[i][0];
      return box;
    }));
  }
  shownFigures.forEach(([key, instead], i) => {
    const [name, value] = place.children[i].children;
    const label = say(regression && instead !== undefined ? instead : key);
    if (name.textContent !== label) name.textContent = label;
    const text = values.length === 1 ? values[0][i] : values.map((list, n) => `${"AB"[n]} ${list[i]}`).join("\n");
    if (value.textContent !== text) value.textContent = text;
  });
  if (first().frame !== undefined) {
    place.dataset.trainingMs = String(Math.round(first().frame!.trainingMs));
    place.dataset.running = String(players.some(({ frame }) => frame?.running));
    place.dataset.epochs = String(first().frame!.epochs);
  }
}

function drawSlopes(): void {
  const layers = viewed().frame?.layers.flatMap(({ slopes }, k) => (slopes === undefined ? [] : [[k, slopes] as const])) ?? [];
  element("slopes-card").hidden = layers.length === 0;
  element("slopes").replaceChildren(...layers.map(([k, slopes]) => {
    const row = document.createElement("div");
    const name = document.createElement("b");
    name.textContent = say("layerShort", k + 1);
    row.append(name, ...Array.from(slopes, (slope) => {
      const value = document.createElement("span");
      value.textContent = figure(slope, 3);
      return value;
    }));
    return row;
  }));
}

function drawDigit(outputs: Float32Array | undefined): void {
  const list = element("probabilities");
  if (list.childElementCount === 0) for (let k = 0; k < 10; k++) list.insertAdjacentHTML("beforeend", `<li><span>${k}</span><i></i><b></b></li>`);
  Array.from(list.children).forEach((item, k) => {
    const value = outputs?.[k] ?? 0;
    (item.children[1] as HTMLElement).style.width = `${value * 100}%`;
    item.children[2].textContent = outputs === undefined ? "–" : percent(value);
  });
}

/** Draws what is new, once a display frame. */
function draw(now: number): void {
  requestAnimationFrame(draw);
  if (!players.some(({ fresh }) => fresh)) return;
  const showTest = element<HTMLInputElement>("show-test").checked;
  for (const player of players) {
    if (!player.fresh || player.frame === undefined || player.data === undefined) continue;
    player.fresh = false;
    player.surface.draw(player.frame, player.data, showTest);
    player.tell({ type: "drawn" });
  }
  drawFigures();
  const { frame, data } = viewed();
  if (frame !== undefined && data !== undefined) {
    graph.draw(frame.layers, data, selection);
    if (selection !== undefined && frame.neuron !== undefined && frame.neuron.selection.layer === selection.layer && frame.neuron.selection.unit === selection.unit) {
      const { layer } = selection;
      const names = layer === 0 ? data.names : Array.from({ length: frame.layers[layer - 1].units }, (_, j) => say("neuron", layer, j + 1));
      neuronPage.draw(frame.neuron, data, names, layer === frame.layers.length - 1);
    }
    findings.draw(frame.findings, stateOf(shown));
    drawSlopes();
    if (state.data === "digits") drawDigit(frame.drawn);
  }
  // sixty pictures of the surface a second, ten of the curves
  if (now - curvesDrawn > 100 || !running) {
    curvesDrawn = now;
    curves.draw(players.map(({ record }) => record), first().data?.task === "regression");
    if (element("code").parentElement!.hasAttribute("open")) showCode();
  }
}

function showCode(): string {
  const code = codeOf(state, first().frame?.epochs ?? 0, table?.target ?? "target");
  if (element("code").textContent !== code) element("code").textContent = code;
  return code;
}

async function copy(text: string, done: Text): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    tell(done);
  } catch {
    element("code").textContent = text;
    element("code").parentElement!.setAttribute("open", "");
    tell("copyFailed");
  }
}

function dress(): void {
  const dark = theme === "dark" || (theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  setGround(dark);
  drawPoints();
  redraw();
}

function redraw(): void {
  for (const player of players) player.fresh = player.frame !== undefined;
  curvesDrawn = 0;
}

function talk(next: Language): void {
  speak(next);
  element<HTMLSelectElement>("language").value = next;
  setRunning(running);
  if (players.length === 0) return;
  controls.showLayers();
  titles();
  graph.forget();
  drawPoints();
  redraw();
}

/** A new CSV: its header gives the columns to choose the target from, the last one first. */
async function readTable(text: string): Promise<void> {
  const line = text.replace(/^\uFEFF/, "").split(/\r?\n|\r/, 1)[0];
  const separator = [",", ";", "\t", "|"].reduce((best, mark) => (line.split(mark).length > line.split(best).length ? mark : best));
  const names = line.split(separator).map((name) => name.trim().replace(/^"(.*)"$/, "$1"));
  const target = element<HTMLSelectElement>("target");
  target.replaceChildren(...names.map((name) => new Option(name, name)));
  target.value = names[names.length - 1];
  table = { text, target: target.value };
  await configure("data");
}

function listen(): void {
  element("run").addEventListener("click", toggle);
  element("step").addEventListener("click", () => {
    if (running) toggle();
    for (const player of players) player.tell({ type: "step" });
  });
  element("reset").addEventListener("click", () => {
    if (running) toggle();
    fail("");
    for (const player of players) {
      player.record.clear();
      player.tell({ type: "reset" });
    }
    tell("resetDone");
  });
  element("language").addEventListener("change", () => {
    chosenLanguage = element<HTMLSelectElement>("language").value as Language;
    talk(chosenLanguage);
    keepURL();
  });
  element("theme").addEventListener("change", () => {
    theme = element<HTMLSelectElement>("theme").value as Theme;
    dress();
    keepURL();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", dress);
  element("show-test").addEventListener("change", () => {
    drawPoints();
    redraw();
  });
  element("shown").addEventListener("change", () => {
    shown = Number(element<HTMLSelectElement>("shown").value);
    graph.forget();
    redraw();
  });
  element("csv").addEventListener("change", async () => {
    const file = element<HTMLInputElement>("csv").files?.[0];
    if (file !== undefined) await readTable(await file.text());
  });
  element("target").addEventListener("change", () => {
    if (table === undefined) return;
    table = { ...table, target: element<HTMLSelectElement>("target").value };
    void configure("data");
  });
  element("clear").addEventListener("click", () => digit.clear());
  for (const kind of ["save", "onnx", "module"] as const) element(kind).addEventListener("click", () => viewed().tell({ type: kind }));
  element("load").addEventListener("click", () => element("model-file").click());
  element("model-file").addEventListener("change", async () => {
    const input = element<HTMLInputElement>("model-file");
    const file = input.files?.[0];
    input.value = "";
    if (file === undefined) return;
    fail("");
    const bytes = await file.arrayBuffer();
    first().tell({ type: "load", bytes }, [bytes]);
  });
  element("copy").addEventListener("click", () => void copy(showCode(), "copied"));
  element("link").addEventListener("click", () => {
    keepURL();
    void copy(location.href, "linkCopied");
  });
  element("code").parentElement!.addEventListener("toggle", showCode);
  addEventListener("hashchange", () => location.reload());
  addEventListener("resize", () => {
    drawPoints();
    redraw();
  });
}

players = [add(0)];
controls.show(state, "binary");
talk(chosenLanguage ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : language()));
element<HTMLSelectElement>("theme").value = theme;
dress();
listen();
drawFigures();
if (state.compare !== "") second();
void configure("data", 0);
requestAnimationFrame(draw);
