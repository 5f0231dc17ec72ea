// A worker: takes orders, trains in slices, and between them posts frames that the page only has to draw.

import { DivergenceError, Network } from "../../src/index.js";
import { toONNX } from "../../src/onnx/index.js";
import { makeData } from "./data.js";
import type { Data } from "./data.js";
import { Pace } from "./pace.js";
import { CURVE, PLANES, SMALL } from "./protocol.js";
import type { DataView, Frame, Order, Rare, Report, Selection } from "./protocol.js";
import { readModel } from "./model.js";
import { Trainer } from "./trainer.js";
import { gridOf, viewData, viewLayers } from "./views.js";

const FRAME_MS = 1000 / 60;
/** What the picture of the plane may take of a frame while training: where it takes longer it gets coarser. */
const PLANE_MS = 3.5;

const post = (report: Report, transfer: Transferable[] = []): void => self.postMessage(report, { transfer });

let trainer: Trainer | undefined;
let data: Data;
let view: DataView;
/** The plane's inputs by the number of samples on a side. */
let grids: Map<number, Float32Array>;
let selection: Selection | undefined;
let digit: Float32Array | undefined;
let drawn = true;
/** A frame that the page could not take yet; true: a whole one. */
let owed: boolean | undefined;
let looping = false;
let wake = (): void => undefined;
let nextFrame = 0;
/** ms that a sample of the plane takes. */
let sampleMs = 0;
const measures = new Pace(0.1);
const pictures = new Pace(0.1, 90);
const diagnosis = new Pace(0.05, 600);
let rates = { at: 0, steps: 0, perSecond: 0 };

function speed(steps: number): number {
  const now = performance.now();
  // an epoch may be longer than that: its steps are counted at its end
  if (now - rates.at > 400 && steps !== rates.steps) rates = { at: now, steps, perSecond: rates.at === 0 ? 0 : Math.max(0, ((steps - rates.steps) * 1000) / (now - rates.at)) };
  return rates.perSecond;
}

/** The layer of neurons that a layer of the library is or belongs to, from 0. */
const placeOf = (layer: number): number => trainer!.dense.findIndex((place) => place >= layer);

/** A sentence of the library, with layers as the page counts them: those of neurons, from 1. */
const named = (text: string): string => text.replace(/\b(layer )(\d+)/gi, (_, word, layer) => `${word}${placeOf(Number(layer)) + 1}`);

function grid(side: number): Float32Array {
  let inputs = grids.get(side);
  if (inputs === undefined) grids.set(side, (inputs = gridOf(data, view, side)));
  return inputs;
}

/** Outputs over the plane, as fine as the time allows, or along the line. */
function outputsOver(network: Network, whole: boolean): Float32Array {
  if (data.inputs > 2) return new Float32Array(0);
  if (data.inputs === 1) return network.predict(grid(CURVE));
  const side = (whole ? undefined : PLANES.find((some) => some * some * sampleMs <= PLANE_MS)) ?? (whole ? PLANES[0] : PLANES[PLANES.length - 1]);
  const began = performance.now();
  const outputs = network.predict(grid(side));
  const now = (performance.now() - began) / (side * side);
  sampleMs = sampleMs === 0 ? now : sampleMs * 0.8 + now * 0.2;
  return outputs;
}

/** Posts the network as it is now; when the page has not had the last frame, as soon as it has. */
function frame(whole = false): void {
  if (trainer === undefined) return;
  if (!drawn) {
    owed = owed === true || whole;
    return;
  }
  const { network, dense, running, epochs, steps, trainingMs, learningRate, looks, state } = trainer;
  let rare: Partial<Rare> = {};
  let detailed = false;
  if (whole || measures.due) rare = measures.run(() => looks.measure(network));
  if (whole || diagnosis.due) {
    const findings = diagnosis.run(() => network.diagnose(looks.diagnosed.inputs, looks.diagnosed.targets, { loss: looks.loss }).findings);
    rare = { ...rare, findings: findings.map((finding) => ({ ...finding, message: named(finding.message), advice: named(finding.advice), hidden: placeOf(finding.layer) })) };
  }
  const layers = (): Frame["layers"] => viewLayers(network, dense, detailed && data.inputs <= 2 ? grid(SMALL) : undefined);
  let shownLayers: Frame["layers"];
  if (whole || pictures.due) {
    detailed = true;
    shownLayers = pictures.run(() => {
      const neuron = selection === undefined ? undefined : looks.neuron(network, dense, selection);
      if (neuron !== undefined) rare = { ...rare, neuron };
      return layers();
    });
  } else shownLayers = layers();
  const stepsPerSecond = running ? speed(steps) : 0;
  const shown: Frame = {
    running, epochs, steps, trainingMs, learningRate, stepsPerSecond, samplesPerSecond: stepsPerSecond * Math.min(state.batch, looks.training.count), ...rare,
    outputs: outputsOver(network, whole), layers: shownLayers, ...(digit === undefined || digit.length !== network.inputs ? {} : { drawn: network.predict(digit) }),
  };
  drawn = false;
  owed = undefined;
  post({ type: "frame", frame: shown }, [shown.outputs.buffer as ArrayBuffer, ...shown.layers.flatMap(({ weights, pictures: small }) => [weights.buffer as ArrayBuffer, small.buffer as ArrayBuffer])]);
}

/** While a fit runs, frames come between its steps: it lets the event loop run every few milliseconds. A late one does not delay the next. */
function tick(): void {
  if (!looping) return;
  if (trainer?.running === true) frame();
  const now = performance.now();
  nextFrame = Math.max(nextFrame + FRAME_MS, now + 1);
  setTimeout(tick, nextFrame - now);
}

async function loop(): Promise<void> {
  if (looping || trainer === undefined) return;
  looping = true;
  rates = { at: 0, steps: 0, perSecond: 0 };
  setTimeout(tick, 0);
  try {
    while (trainer.running) {
      const { speed: chosen } = trainer.state;
      await trainer.slice(chosen === "max" ? undefined : 1);
      await new Promise<void>((resolve) => {
        wake = resolve;
        setTimeout(resolve, chosen === "max" ? 0 : 1000 / Number(chosen));
      });
    }
  } catch (error) {
    trainer.running = false;
    post({ type: "error", message: named((error as Error).message), diverged: error instanceof DivergenceError });
    post({ type: "stopped" });
  } finally {
    looping = false;
    frame(true);
  }
}

/** Resolves when no step runs and the loop has ended. */
async function rest(): Promise<void> {
  await trainer?.pause();
  wake();
  while (looping) await new Promise((resolve) => setTimeout(resolve, 0));
}

async function obey(order: Order): Promise<void> {
  if (trainer === undefined && order.type !== "configure" && order.type !== "drawn" && order.type !== "select" && order.type !== "draw") return;
  switch (order.type) {
    case "configure": {
      const { state, what } = order;
      if (what === "options" && trainer !== undefined) return trainer.change(state);
      const running = trainer?.running === true;
      await rest();
      if (what === "data" || trainer === undefined) {
        trainer = undefined;
        try {
          data = await makeData(state, order);
        } catch (error) {
          post({ type: "error", message: (error as Error).message, barren: true });
          return;
        }
        view = viewData(data);
        grids = new Map();
        post({ type: "data", data: view });
      }
      sampleMs = 0;
      trainer = new Trainer(state, data);
      await trainer.reset();
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
      await rest();
      await trainer?.slice(1);
      frame(true);
      return;
    case "reset":
      await rest();
      await trainer?.reset();
      frame(true);
      return;
    case "drawn":
      drawn = true;
      if (owed !== undefined) frame(owed);
      return;
    case "select":
      selection = order.selection;
      pictures.hurry();
      frame(trainer?.running !== true);
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

/** Takes a model over if it fits the data shown, and if the page's controls can hold what it is. */
async function load(bytes: ArrayBuffer): Promise<void> {
  const network = await Network.load(bytes);
  const { state, dense } = readModel(bytes, network, trainer!.state, data);
  await rest();
  trainer = new Trainer({ ...trainer!.state, ...state }, data);
  trainer.adopt(network, dense);
  post({ type: "loaded", state });
  frame(true);
}

/** One order after the other, but for those that only say something. */
let last: Promise<void> = Promise.resolve();
self.onmessage = ({ data: order }: MessageEvent<Order>) => {
  const act = (): Promise<void> => obey(order).catch((error: Error) => post({ type: "error", message: error.message }));
  if (order.type === "drawn" || order.type === "draw" || order.type === "select") void act();
  else last = last.then(act);
};
