// The network as a graph: a column of neurons for each layer, weights as lines between them, and in every neuron a picture of its output over the
// plane. Neurons are buttons over one canvas of lines, so that the keyboard and a screen reader find them.

import { diverging, divergingCss, paint, sharp, signCss } from "./colors.js";
import { Pace } from "./pace.js";
import { SMALL } from "./protocol.js";
import type { DataView, LayerView } from "./protocol.js";
import { say } from "./texts.js";

const SIZE = 38;
const GAP = 8;
const TOP = 44;
/** From one column to the next: as the width allows. */
const NARROWEST = 80;
const WIDEST = 122;
const LEFT = 56;
const HEAD = 80;
/** Neurons of a layer, and inputs, that are drawn at first, and when all are asked for; the others are counted. */
const FEW_DRAWN = 10;
const MOST_DRAWN = 128;
/** Lines into a layer, as many as ten by ten: where there are more weights, the weakest have none. With all of 128 by 128 a frame takes a second. */
const MOST_LINES = 100;
/** Pictures of neurons from which on a frame draws no more of them. */
const MOST_PICTURES = 16;

interface Column {
  readonly drawn: number;
  readonly buttons: HTMLButtonElement[];
  readonly pictures: HTMLCanvasElement[];
  /** What the pictures are drawn from, and how many of them are. */
  shown?: Float32Array;
  done: number;
}

export class Graph {
  private readonly inner = document.createElement("div");
  private readonly lines = document.createElement("canvas");
  private columns: Column[] = [];
  private signature = "";
  private pressed = "";
  private pitch = WIDEST;
  private readonly pace = new Pace(0.25);
  private drew = false;
  private turn = 0;
  private most = FEW_DRAWN;
  /** The column whose button for more was pressed and is to have the focus again. */
  private turned: number | undefined;

  /** @param choose is told of the neuron that was pressed @param redraw draws the last frame once more */
  constructor(private readonly element: HTMLElement, private readonly choose: (layer: number, unit: number) => void, private readonly redraw: () => void) {
    this.inner.className = "graph-inner";
    this.lines.setAttribute("aria-hidden", "true");
    this.inner.append(this.lines);
    element.append(this.inner);
  }

  forget(): void {
    this.signature = "";
  }

  private build(layers: readonly LayerView[], data: DataView): void {
    this.inner.replaceChildren(this.lines);
    const inputs = Math.min(data.inputs, this.most);
    const rows = Math.max(inputs, ...layers.map(({ units }) => Math.min(units, this.most)));
    const more = data.inputs > FEW_DRAWN || layers.some(({ units }) => units > FEW_DRAWN);
    const height = TOP + rows * (SIZE + GAP) + (more ? 24 : 0);
    this.pitch = Math.max(NARROWEST, Math.min(WIDEST, Math.floor((this.element.clientWidth - LEFT - 28) / layers.length)));
    const width = this.x(layers.length - 1) + SIZE + 24;
    Object.assign(this.inner.style, { width: `${width}px`, height: `${height}px` });
    Object.assign(this.lines.style, { width: `${width}px`, height: `${height}px` });
    const place = (element: HTMLElement, left: number, top: number): void => {
      Object.assign(element.style, { left: `${left}px`, top: `${top}px` });
      this.inner.append(element);
    };
    for (let i = 0; i < inputs; i++) place(label("in", data.names[i] ?? ""), 0, this.y(i) - 9);
    const others = (column: number, count: number, left: number, top: number): void => {
      const all = this.most === MOST_DRAWN;
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "more", textContent: all ? say("fewNeurons") : `+ ${say("moreNeurons", count)}` });
      button.setAttribute("aria-expanded", String(all));
      button.addEventListener("click", () => {
        this.most = all ? FEW_DRAWN : MOST_DRAWN;
        this.turned = column;
        this.forget();
        this.redraw();
      });
      place(button, left, top);
      if (column === this.turned) button.focus();
    };
    if (data.inputs > FEW_DRAWN) others(-1, data.inputs - this.most, 0, this.y(inputs) - 18);
    this.columns = layers.map(({ units, activation }, k) => {
      const left = this.x(k);
      const last = k === layers.length - 1;
      const head = label("column-head", "");
      const name = document.createElement("strong");
      name.textContent = last ? say("output") : say("layer", k + 1);
      head.append(name, document.createElement("br"), activation);
      place(head, left + (SIZE - HEAD) / 2, 0);
      const column: Column = { drawn: Math.min(units, this.most), buttons: [], pictures: [], done: 0 };
      for (let j = 0; j < column.drawn; j++) {
        const button = document.createElement("button");
        button.type = "button";
        button.setAttribute("aria-label", last ? say("outputNeuron", j + 1) : say("neuron", k + 1, j + 1));
        button.setAttribute("aria-pressed", "false");
        button.dataset.neuron = `${k}.${j}`;
        const picture = document.createElement("canvas");
        picture.width = picture.height = 1;
        button.append(picture);
        button.addEventListener("click", () => this.choose(k, j));
        column.buttons.push(button);
        column.pictures.push(picture);
        place(button, left, TOP + j * (SIZE + GAP));
      }
      if (units > FEW_DRAWN) others(k, units - this.most, left + (SIZE - HEAD) / 2, this.y(column.drawn) - 18);
      return column;
    });
    this.turned = undefined;
  }

  /** The left edge of a column's neurons. */
  private x(column: number): number {
    return LEFT + column * this.pitch + Math.max(34, this.pitch - 60);
  }

  private y(row: number): number {
    return TOP + row * (SIZE + GAP) + SIZE / 2;
  }

  /** The browser fills the lines in after the drawing: what made the frame late, in ms, is counted to it. */
  late(ms: number): void {
    if (this.drew) this.pace.charge(ms);
    this.drew = false;
  }

  /** @param final whether no other frame follows soon: then it is drawn whatever it takes */
  draw(layers: readonly LayerView[], data: DataView, selected: { layer: number; unit: number } | undefined, final: boolean): void {
    const signature = JSON.stringify([document.documentElement.lang, data.inputs, data.names.slice(0, this.most), layers.map(({ units, activation }) => [units, activation])]);
    const built = signature === this.signature;
    if (!built) {
      this.signature = signature;
      this.pressed = "";
      this.build(layers, data);
    }
    const pressed = selected === undefined ? "" : `${selected.layer}.${selected.unit}`;
    if (pressed !== this.pressed) {
      this.pressed = pressed;
      for (const { buttons } of this.columns) for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.neuron === pressed));
    }
    const due = !built || final || this.pace.due;
    if (due) this.pace.run(() => this.drawLines(layers, data));
    this.drew = due;
    this.drawPictures(layers, data, due, !built || final ? Infinity : MOST_PICTURES);
  }

  /** One column after the other, so that no frame has many to draw. Where there is no plane, pictures are of weights, as the lines are. */
  private drawPictures(layers: readonly LayerView[], { inputs }: DataView, due: boolean, most: number): void {
    let left = most;
    for (let turn = 0; turn < layers.length && left > 0; turn++) {
      const k = this.turn % layers.length;
      this.turn = k + 1;
      const [layer, column] = [layers[k], this.columns[k]];
      const source = inputs > 2 ? layer.weights : layer.pictures;
      if (source.length === 0 || (source === column.shown && column.done === column.drawn) || (inputs > 2 && !due)) continue;
      // a picture that was begun is ended with what came since
      if (column.done === column.drawn || column.shown === undefined) column.done = 0;
      column.shown = source;
      const from = k === 0 ? inputs : layers[k - 1].units;
      for (; column.done < column.drawn && left > 0; column.done++, left--) {
        const picture = column.pictures[column.done];
        if (inputs > 2) drawWeights(picture, layer, column.done, from);
        else drawPicture(picture, layer, column.done, inputs);
      }
      if (column.done < column.drawn) this.turn = k;
    }
  }

  private drawLines(layers: readonly LayerView[], data: DataView): void {
    const context = sharp(this.lines, parseFloat(this.inner.style.width), parseFloat(this.inner.style.height));
    layers.forEach(({ units, weights }, k) => {
      const inputs = weights.length / units;
      const from = Math.min(k === 0 ? data.inputs : layers[k - 1].units, this.most, inputs);
      const x0 = k === 0 ? LEFT : this.x(k - 1) + SIZE;
      const x1 = this.x(k);
      let largest = 1e-9;
      for (const weight of weights) largest = Math.max(largest, Math.abs(weight));
      const { drawn } = this.columns[k];
      let least = 0;
      if (drawn * from > MOST_LINES) {
        const sizes = new Float32Array(drawn * from);
        for (let j = 0; j < drawn; j++) for (let i = 0; i < from; i++) sizes[j * from + i] = Math.abs(weights[j * inputs + i] / largest);
        least = sizes.sort()[sizes.length - MOST_LINES];
      }
      for (let j = 0; j < drawn; j++) {
        for (let i = 0; i < from; i++) {
          const share = weights[j * inputs + i] / largest;
          if (Math.abs(share) < least) continue;
          context.globalAlpha = 0.12 + 0.75 * Math.abs(share);
          context.strokeStyle = signCss(share);
          context.lineWidth = 0.4 + 3 * Math.abs(share);
          context.beginPath();
          context.moveTo(x0, this.y(i));
          context.bezierCurveTo((x0 + x1) / 2, this.y(i), (x0 + x1) / 2, this.y(j), x1, this.y(j));
          context.stroke();
        }
      }
    });
    context.globalAlpha = 1;
  }
}

function label(name: string, text: string): HTMLElement {
  const element = document.createElement("div");
  element.className = name;
  element.textContent = text;
  element.title = text;
  return element;
}

/** A neuron's output over the plane, or along the line, its least orange and its greatest blue, 0 between where it has both signs. */
function drawPicture(canvas: HTMLCanvasElement, { pictures, units }: LayerView, unit: number, inputs: number): void {
  let [low, high] = [Infinity, -Infinity];
  for (let i = unit; i < pictures.length; i += units) [low, high] = [Math.min(low, pictures[i]), Math.max(high, pictures[i])];
  const middle = low < 0 && high > 0 ? 0 : (low + high) / 2;
  const reach = Math.max(high - middle, middle - low, 1e-6);
  const shade = (i: number): number => (pictures[i * units + unit] - middle) / reach;
  if (inputs === 2) {
    paint(canvas, SMALL, (place) => diverging(shade(place)));
    return;
  }
  const context = sharp(canvas, SIZE, SIZE);
  context.strokeStyle = divergingCss(1);
  context.lineWidth = 2;
  context.beginPath();
  for (let i = 0; i < SMALL; i++) context.lineTo((i / (SMALL - 1)) * SIZE, SIZE / 2 - shade(i) * SIZE * 0.4);
  context.stroke();
}

/** Where there is no plane: the weights of a neuron as a picture, eight by eight for the digits. */
function drawWeights(canvas: HTMLCanvasElement, { weights }: LayerView, unit: number, inputs: number): void {
  const side = Math.ceil(Math.sqrt(inputs));
  const row = weights.subarray(unit * inputs, (unit + 1) * inputs);
  let largest = 1e-9;
  for (const weight of row) largest = Math.max(largest, Math.abs(weight));
  paint(canvas, side, (place) => diverging((row[(side - 1 - Math.floor(place / side)) * side + (place % side)] ?? 0) / largest));
}
