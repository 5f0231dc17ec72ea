// A worker: takes orders, trains in slices, and between them posts frames that the page only has to draw.

import { Network } from "../../src/index.js";
import { toONNX } from "../../src/onnx/index.js";
import { makeData } from "./data.js";
import type { Data } from "./data.js";
import type { DataView, Frame, Order, Report, Selection } from "./protocol.js";
import { SMALL } from "./protocol.js";
import { hiddenActivations, MOST_LAYERS, MOST_UNITS } from "./state.js";
import type { HiddenLayer } from "./state.js";
import { Trainer } from "./trainer.js";
import { gridOf, judge, measure, sideOf, viewData, viewLayers, viewNeuron } from "./views.js";

const FRAME_MS = 1000 / 60;
/** Pictures of neurons, the neuron's page and the diagnosis come less often than frames. */
const PICTURE_MS = 90;
const DIAGNOSIS_MS = 600;
/** Frames take at most this share of the time while training at full speed. */
const FRAME_SHARE = 0.35;

const post = (report: Report, transfer: Transferable[] = []): void => self.postMessage(report, { transfer });

let trainer: Trainer | undefined;
let data: Data;
let view: DataView;
let plane: Float32Array = new Float32Array(0);
let small: Float32Array = new Float32Array(0);
let selection: Selection | undefined;
let digit: Float32Array | undefined;
let drawn = true;
let owed = false;
let looping = false;
let lastFrame = 0;
let frameCost = 0;
let lastPictures = 0;
let lastDiagnosis = 0;
let findings: Frame["findings"] = [];
let rates = { at: 0, steps: 0, perSecond: 0 };

function speed(steps: number): number {
  const now = performance.now();
  if (now - rates.at > 400) rates = { at: now, steps, perSecond: rates.at === 0 ? 0 : Math.max(0, ((steps - rates.steps) * 1000) / (now - rates.at)) };
  return rates.perSecond;
}

/** Posts the network as it is now; when the page has not drawn the last frame, as soon as it has. */
function frame(pictures = false): void {
  if (trainer === undefined) return;
  if (!drawn) {
    owed = true;
    return;
  }
  const began = performance.now();
  const { network, dense, running, epochs, steps, trainingMs, learningRate, state } = trainer;
  const detailed = pictures || began - lastPictures > PICTURE_MS;
  if (detailed) lastPictures = began;
  if (pictures || began - lastDiagnosis > DIAGNOSIS_MS) {
    lastDiagnosis = began;
    const diagnosis = network.diagnose(data.training.inputs.slice(0, 500), data.training.targets.slice(0, 500));
    findings = diagnosis.findings.map((finding) => ({ ...finding, hidden: dense.findIndex((place) => place >= finding.layer) }));
  }
  const stepsPerSecond = running ? speed(steps) : 0;
  const neuron = selection === undefined || !detailed ? undefined : viewNeuron(network, data, dense, selection);
  const shown: Frame = {
    running, epochs, steps, trainingMs, learningRate, stepsPerSecond, samplesPerSecond: stepsPerSecond * Math.min(state.batch, data.training.targets.length),
    ...measure(network, data), outputs: plane.length === 0 ? new Float32Array(0) : network.predict(plane), ...(plane.length === 0 ? judge(network, data) : {}),
    layers: viewLayers(network, dense, detailed && small.length > 0 ? small : undefined), findings,
    ...(neuron === undefined ? {} : { neuron }),
    ...(digit === undefined || digit.length !== network.inputs ? {} : { drawn: network.predict(digit) }),
  };
  drawn = false;
  owed = false;
  post({ type: "frame", frame: shown }, [shown.outputs.buffer as ArrayBuffer, ...shown.layers.flatMap(({ weights, pictures }) => [weights.buffer as ArrayBuffer, pictures.buffer as ArrayBuffer])]);
  lastFrame = performance.now();
  frameCost = lastFrame - began;
}

/** While a fit runs, frames come between its steps: it lets the event loop run every few milliseconds. */
function tick(): void {
  if (trainer?.running !== true) return;
  frame();
  setTimeout(tick, Math.max(FRAME_MS - frameCost, frameCost / FRAME_SHARE));
}

async function loop(): Promise<void> {
  if (looping || trainer === undefined) return;
  looping = true;
  setTimeout(tick, 0);
  try {
    while (trainer.running) {
      const { speed: chosen } = trainer.state;
      await trainer.slice(chosen === "max" ? undefined : 1);
      await new Promise((resolve) => setTimeout(resolve, chosen === "max" ? 0 : 1000 / Number(chosen)));
    }
  } catch (error) {
    trainer.running = false;
    post({ type: "error", message: (error as Error).message });
    post({ type: "stopped" });
  } finally {
    looping = false;
    frame(true);
  }
}

async function obey(order: Order): Promise<void> {
  switch (order.type) {
    case "configure": {
      const { state, what } = order;
      if (what === "options" && trainer !== undefined) return trainer.change(state);
      const running = trainer?.running === true;
      await trainer?.pause();
      while (looping) await new Promise((resolve) => setTimeout(resolve, 0));
      if (what === "data" || trainer === undefined) {
        data = await makeData(state, order);
        view = viewData(data);
        plane = data.inputs <= 2 ? gridOf(data, view, sideOf(data)) : new Float32Array(0);
        small = data.inputs <= 2 ? gridOf(data, view, SMALL) : new Float32Array(0);
        post({ type: "data", data: view });
      }
      trainer = new Trainer(state, data);
      await trainer.reset();
      rates = { at: 0, steps: 0, perSecond: 0 };
      frame(true);
      if (running) await obey({ type: "run" });
      return;
    }
    case "run":
      if (trainer === undefined) return;
      trainer.running = true;
      void loop();
      return;
    case "pause":
      await trainer?.pause();
      frame(true);
      return;
    case "step":
      await trainer?.pause();
      while (looping) await new Promise((resolve) => setTimeout(resolve, 0));
      await trainer?.slice(1);
      frame(true);
      return;
    case "reset":
      await trainer?.pause();
      while (looping) await new Promise((resolve) => setTimeout(resolve, 0));
      await trainer?.reset();
      frame(true);
      return;
    case "drawn":
      drawn = true;
      if (owed) frame(trainer?.running !== true);
      return;
    case "select":
      selection = order.selection;
      frame(true);
      return;
    case "draw":
      digit = order.digit;
      if (trainer?.running !== true) frame();
      return;
    case "save":
      post({ type: "file", kind: "save", bytes: trainer!.network.save() });
      return;
    case "onnx":
      post({ type: "file", kind: "onnx", bytes: toONNX(trainer!.network) });
      return;
    case "module":
      post({ type: "file", kind: "module", bytes: trainer!.network.toModule() });
      return;
    case "load":
      return load(order.bytes);
  }
}

/** Takes a model over if it fits the data shown, and if the page can show its layers. */
async function load(bytes: ArrayBuffer): Promise<void> {
  const network = await Network.load(bytes);
  if (network.inputs !== data.inputs || network.outputs !== data.outputs) {
    throw new RangeError(`load: expected a model of ${data.inputs} inputs and ${data.outputs} outputs as the data shown have, got ${network.inputs} and ${network.outputs}`);
  }
  const dense = network.layers.flatMap(({ kind }, i) => (kind === "dense" ? [i] : []));
  const hidden = dense.slice(0, -1).map((place) => network.layers[place]);
  const unknown = hidden.find(({ activation, units }) => units > MOST_UNITS || !hiddenActivations.some((name) => name === activation));
  if (unknown !== undefined || hidden.length > MOST_LAYERS || dense[dense.length - 1] !== network.layers.length - 1) {
    throw new RangeError(`load: expected at most ${MOST_LAYERS} hidden layers of at most ${MOST_UNITS} units and a dense layer at the end, got another network`);
  }
  await trainer!.pause();
  while (looping) await new Promise((resolve) => setTimeout(resolve, 0));
  trainer!.adopt(network, dense);
  post({ type: "loaded", layers: hidden.map(({ units, activation }) => ({ units, activation }) as HiddenLayer) });
  frame(true);
}

/** One order after the other, but for those that only say something. */
let last: Promise<void> = Promise.resolve();
self.onmessage = ({ data: order }: MessageEvent<Order>) => {
  const act = (): Promise<void> => obey(order).catch((error: Error) => post({ type: "error", message: error.message }));
  if (order.type === "drawn" || order.type === "draw" || order.type === "select") void act();
  else last = last.then(act);
};
