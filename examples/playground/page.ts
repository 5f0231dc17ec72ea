// The page: holds the state, tells the workers, and draws what they post. It computes nothing of a network itself.

import { codeOf } from "./code.js";
import { setGround } from "./colors.js";
import { Controls } from "./controls.js";
import { Curves } from "./curves.js";
import { Digit } from "./digit.js";
import { drawDigit, drawFigures, drawSlopes } from "./figures.js";
import { columnsOf, download } from "./files.js";
import { Findings } from "./findings.js";
import { Graph } from "./graph.js";
import { NeuronPage } from "./neuron.js";
import { fail, showRunning, tell } from "./notices.js";
import { Pace } from "./pace.js";
import { Player } from "./player.js";
import type { Report, Selection } from "./protocol.js";
import { dataKeys, formatState, networkKeys, parseState, secondState } from "./state.js";
import type { Language, State, Theme } from "./state.js";
import { language, say, speak } from "./texts.js";
import type { Text } from "./texts.js";

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;

const read = parseState(location.hash);
let state: State = read.state;
let chosenLanguage: Language | undefined = read.language;
let theme: Theme = read.theme ?? "auto";
let running = false;
let { selection, shown }: { selection?: Selection; shown: number } = read.view;
let digitsText: string | undefined;
let table: { name: string; text: string; target: string } | undefined;
let players: Player[] = [];
/** Whether something waits for the training to end to be drawn. */
let unfinished = false;
let drawnAt = 0;
/** Sixty pictures of the surface a second, ten of the curves. */
const calm = new Pace(0.2, 90);

const curves = new Curves(element("curves"));
const graph = new Graph(element("graph"), (layer, unit) => select(selection?.layer === layer && selection.unit === unit ? undefined : { layer, unit, sample: selection?.sample ?? 0 }), () => redraw());
const neuronPage = new NeuronPage(element("neuron"), () => select(undefined), (sample) => selection !== undefined && select({ ...selection, sample }));
const findings = new Findings(element("findings"), (patch, words, anew) => {
  change(patch);
  if (anew) restart();
  tell("applied", words);
});
const controls = new Controls(change, fail);
const digit = new Digit(element<HTMLCanvasElement>("digit"), sendDigit);

const first = (): Player => players[0];
const viewed = (): Player => players[shown] ?? players[0];

/** Without data there is nothing to train, to save or to show. */
function barren(without: boolean): void {
  for (const id of ["run", "step", "reset", "save", "load", "onnx", "module", "copy"]) element<HTMLButtonElement>(id).disabled = without;
  for (const id of ["surfaces", "graph"]) element(id).hidden = without;
  if (!without) return;
  select(undefined);
  if (running) toggle();
  for (const player of players) player.forget();
  drawFigures(element("figures"), players);
}

const stateOf = (player: number): State => (player === 0 ? state : secondState(state));
const showTest = (): boolean => element<HTMLInputElement>("show-test").checked;

function sources(): { digits?: string; table?: { text: string; target: string } } {
  return { ...(state.data === "digits" && digitsText !== undefined ? { digits: digitsText } : {}), ...(state.data === "table" && table !== undefined ? { table } : {}) };
}

async function configure(what: "data" | "network" | "options", only?: number): Promise<void> {
  fail("");
  if (state.data === "digits" && digitsText === undefined) {
    try {
      digitsText = await (await fetch("digits.csv")).text();
    } catch (error) {
      fail(`digits.csv: ${(error as Error).message}`);
      barren(true);
      return;
    }
  }
  if (state.data === "table" && table === undefined) {
    barren(true);
    fail(say("csvEmpty"), "note");
    return;
  }
  players.forEach((player, i) => {
    if (only === undefined || only === i) player.tell({ type: "configure", state: stateOf(i), what, ...(what === "data" ? sources() : {}) });
  });
}

function setRunning(next: boolean): void {
  running = next;
  showRunning(running);
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
  titles();
}

function keepURL(): void {
  history.replaceState(null, "", formatState(state, chosenLanguage, theme, { showTest: showTest(), shown: shown === 1 ? 1 : 0, selection }));
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
  keepURL();
  titles();
  drawPoints();
}

function titles(): void {
  players.forEach((player, i) => player.surface.title(players.length === 1 ? "" : `${say(i === 0 ? "networkA" : "networkB")} · ${i === 0 ? [...new Set(state.layers.map(({ activation }) => activation))].join(", ") : state.compare}`));
}

function add(place: number): Player {
  const player = new Player((report) => hear(report, player));
  player.tell({ type: "select", selection });
  element("surfaces").append(player.surface.element);
  if (place > 0) player.surface.title(say("networkB"));
  return player;
}

function hear(report: Report, player: Player): void {
  switch (report.type) {
    case "data":
      barren(false);
      if (player === first()) {
        if (report.data.cut !== undefined) fail(say("csvCut", ...report.data.cut), "note");
        controls.show(state, report.data.task);
        element("digit-card").hidden = state.data !== "digits";
        element("show-test-field").hidden = report.data.inputs > 2;
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
      state = { ...state, ...report.state };
      keepURL();
      select(undefined);
      setRunning(false);
      players[1]?.tell({ type: "pause" });
      if (players.length > 1) void configure("network", 1);
      titles();
      controls.show(state, first().data!.task);
      player.record.clear();
      tell("loadedModel");
      return;
    case "stopped":
      if (running) toggle();
      return;
    case "error":
      if (report.barren) barren(true);
      fail(`${players.length > 1 && !report.barren ? `${say(player === first() ? "networkA" : "networkB")}: ` : ""}${report.message}${report.diverged ? `. ${say("diverged")}` : ""}`);
  }
}

function select(next: Selection | undefined): void {
  selection = next;
  keepURL();
  for (const player of players) player.tell({ type: "select", selection });
  if (next === undefined) neuronPage.hide();
}

function sendDigit(): void {
  const scaled = digit.cells.map((value) => value / (state.scale ? 16 : 1));
  viewed()?.tell({ type: "draw", digit: digit.cells.some((value) => value > 0) ? scaled : undefined });
}

function drawPoints(): void {
  for (const { data, surface } of players) if (data !== undefined) surface.drawPoints(data, showTest());
}

function toggle(): void {
  setRunning(!running);
  for (const player of players) player.tell({ type: running ? "run" : "pause" });
  if (running) tell("started");
  else tell("paused", first().frame?.epochs ?? 0);
}

/** Draws what is new, once a display frame; what takes long comes less often, and the last frame is drawn whole. */
function draw(now: number): void {
  requestAnimationFrame(draw);
  // a tab that comes to the fore is no late frame
  graph.late(Math.min(200, now - drawnAt - 1000 / 60));
  drawnAt = now;
  const final = !players.some(({ frame }) => frame?.running);
  if (!players.some(({ fresh }) => fresh) && !(final && unfinished)) return;
  for (const player of players) {
    if (!player.fresh || player.frame === undefined || player.data === undefined) continue;
    player.fresh = false;
    player.surface.draw(player.frame, player.data, showTest());
    player.answer();
  }
  drawFigures(element("figures"), players);
  const { frame, data } = viewed();
  if (frame !== undefined && data !== undefined) {
    graph.draw(frame.layers, data, selection, final);
    const { neuron } = frame;
    if (selection !== undefined && neuron !== undefined && neuron.selection.layer === selection.layer && neuron.selection.unit === selection.unit) {
      const { layer } = selection;
      neuronPage.draw(neuron, data, layer === 0 ? data.names : Array.from({ length: frame.layers[layer - 1]?.units ?? 0 }, (_, j) => say("neuron", layer, j + 1)), layer === frame.layers.length - 1);
    }
    findings.draw(frame.findings, stateOf(shown), state);
    if (state.data === "digits") drawDigit(element("probabilities"), frame.drawn);
  }
  unfinished = !final;
  if (!final && !calm.due) return;
  calm.run(() => {
    drawSlopes(element("slopes"), frame);
    curves.draw(players.map(({ record }) => record), first().data?.task === "regression");
    if (element("code").parentElement!.hasAttribute("open")) showCode();
  });
}

/** The networks as they start; what trains goes on from there. */
function restart(): void {
  for (const player of players) {
    player.record.clear();
    player.tell({ type: "reset" });
    if (running) player.tell({ type: "run" });
  }
}

function showCode(): string {
  const code = codeOf(state, first().frame?.epochs ?? 0, table, first().data);
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
  graph.forget();
  drawPoints();
  redraw();
}

function redraw(): void {
  for (const player of players) player.fresh = player.frame !== undefined;
  calm.hurry();
  neuronPage.forget();
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
async function readTable(file: File): Promise<void> {
  const text = await file.text();
  const names = columnsOf(text);
  const target = element<HTMLSelectElement>("target");
  target.replaceChildren(...names.map((name) => new Option(name, name)));
  target.value = names[names.length - 1];
  table = { name: file.name, text, target: target.value };
  element("csv-name").textContent = file.name;
  select(undefined);
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
    restart();
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
    keepURL();
    drawPoints();
    redraw();
  });
  element("shown").addEventListener("change", () => {
    shown = Number(element<HTMLSelectElement>("shown").value);
    keepURL();
    graph.forget();
    redraw();
  });
  element("csv").addEventListener("change", async () => {
    const file = element<HTMLInputElement>("csv").files?.[0];
    if (file !== undefined) await readTable(file);
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
    graph.forget();
    drawPoints();
    redraw();
  });
}

players = [add(0)];
controls.show(state, "binary");
talk(chosenLanguage ?? (navigator.language.toLowerCase().startsWith("zh") ? "zh" : language()));
element<HTMLSelectElement>("theme").value = theme;
element<HTMLInputElement>("show-test").checked = read.view.showTest;
dress();
listen();
new ResizeObserver(([{ target }]) => (document.documentElement.style.scrollPadding = `${target.clientHeight + 8}px 0 8px`)).observe(document.querySelector(".bar")!);
drawFigures(element("figures"), players);
if (state.compare !== "") second();
void configure("data", 0);
requestAnimationFrame(draw);
