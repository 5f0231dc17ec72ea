// The output of a network as one picture: a surface over the plane, a curve, or where there are more than two inputs the test samples' confusion
// matrix or their predictions against the truth. The picture is a canvas of the grid's size that the browser stretches; points lie on another.

import { binaryCss, blended, classCss, diverging, divergingCss, paint, sharp, styleColour } from "./colors.js";
import { CURVE } from "./protocol.js";
import type { DataView, Frame } from "./protocol.js";
import { figure, say } from "./texts.js";

export class Surface {
  readonly element = document.createElement("figure");
  private readonly caption = document.createElement("figcaption");
  private readonly plot = document.createElement("div");
  private readonly field = document.createElement("canvas");
  private readonly points = document.createElement("canvas");
  private readonly table = document.createElement("table");
  private key = "";

  constructor() {
    this.element.className = "surface";
    this.plot.className = "plot";
    this.plot.setAttribute("role", "img");
    this.plot.append(this.field, this.points);
    this.table.className = "matrix";
    this.element.append(this.caption, this.plot, this.table);
  }

  title(text: string): void {
    this.caption.textContent = text;
  }

  /** Points change with the data, the theme and the size; the field with every frame. */
  drawPoints(data: DataView, showTest: boolean): void {
    this.plot.hidden = data.inputs > 2 && data.task !== "regression";
    this.table.hidden = !this.plot.hidden;
    this.plot.setAttribute("aria-label", say(data.inputs === 1 ? "curveOf" : data.inputs === 2 ? "surfaceOf" : "scatterOf"));
    const size = this.plot.clientWidth;
    if (size === 0 || data.inputs !== 2) return;
    const context = sharp(this.points, size, size);
    const [x0, x1, y0, y1] = data.domain;
    const range = rangeOf(data);
    const dots = (list: Float32Array, hollow: boolean): void => {
      for (let i = 0; i < list.length; i += 3) {
        const colour = data.task === "regression" ? divergingCss(list[i + 2] / range) : data.task === "binary" ? binaryCss(list[i + 2]) : classCss(list[i + 2]);
        context.beginPath();
        context.arc(((list[i] - x0) / (x1 - x0)) * size, (1 - (list[i + 1] - y0) / (y1 - y0)) * size, 2.6, 0, 2 * Math.PI);
        context.fillStyle = hollow ? "#ffffff" : colour;
        context.strokeStyle = hollow ? colour : data.task === "regression" ? "#5b6470" : "#ffffff";
        context.lineWidth = hollow ? 1.6 : 0.8;
        context.fill();
        context.stroke();
      }
    };
    dots(data.trainingPoints, false);
    if (showTest) dots(data.testPoints, true);
  }

  draw(frame: Frame, data: DataView, showTest: boolean): void {
    if (data.inputs === 2) this.drawField(frame.outputs, data);
    else if (data.inputs === 1) this.drawCurve(frame.outputs, data, showTest);
    else if (frame.confusion !== undefined) this.drawConfusion(frame.confusion, data);
    else if (frame.scatter !== undefined) this.drawScatter(frame.scatter);
  }

  private drawField(outputs: Float32Array, data: DataView): void {
    const side = Math.sqrt(outputs.length / data.outputs);
    if (side < 2 || !Number.isInteger(side)) return;
    if (data.task === "classes") paint(this.field, side, (place) => blended(outputs, place * data.outputs, data.outputs));
    else if (data.task === "binary") paint(this.field, side, (place) => diverging(outputs[place] * 2 - 1));
    else {
      const range = rangeOf(data);
      paint(this.field, side, (place) => diverging(outputs[place] / range));
    }
  }

  private drawCurve(outputs: Float32Array, data: DataView, showTest: boolean): void {
    const size = this.plot.clientWidth;
    if (size === 0 || outputs.length !== CURVE * data.outputs) return;
    const context = sharp(this.points, size, size);
    this.field.width = 1;
    const [x0, x1] = data.domain;
    let [low, high] = [data.task === "regression" ? Infinity : 0, data.task === "regression" ? -Infinity : Math.max(1, data.outputs - 1)];
    for (let i = 2; i < data.trainingPoints.length; i += 3) [low, high] = [Math.min(low, data.trainingPoints[i]), Math.max(high, data.trainingPoints[i])];
    const margin = (high - low || 1) * 0.15;
    const y = (value: number): number => (1 - (value - low + margin) / (high - low + 2 * margin)) * size;
    const dots = (list: Float32Array, colour: string): void => {
      context.fillStyle = colour;
      for (let i = 0; i < list.length; i += 3) {
        context.beginPath();
        context.arc(((list[i] - x0) / (x1 - x0)) * size, y(list[i + 2]), 2.2, 0, 2 * Math.PI);
        context.fill();
      }
    };
    dots(data.trainingPoints, binaryCss(0));
    if (showTest) dots(data.testPoints, styleColour("--soft"));
    for (let k = 0; k < data.outputs; k++) {
      context.strokeStyle = data.outputs === 1 ? binaryCss(1) : classCss(k);
      context.lineWidth = 2.5;
      context.beginPath();
      for (let i = 0; i < CURVE; i++) context.lineTo((i / (CURVE - 1)) * size, y(outputs[i * data.outputs + k]));
      context.stroke();
    }
  }

  private drawConfusion(confusion: Uint32Array, { labels }: DataView): void {
    const count = labels.length;
    if (confusion.length !== count * count) return;
    const key = `${document.documentElement.lang} ${labels.join()}`;
    if (this.key !== key) {
      this.key = key;
      this.table.innerHTML = `<caption class="note">${say("confusionOf")}</caption><tr><td></td></tr>`;
      for (const label of labels) this.table.rows[0].append(cell("th", label));
      for (const label of labels) {
        const row = this.table.insertRow();
        row.append(cell("th", label), ...labels.map(() => cell("td", "")));
      }
    }
    for (let i = 0; i < count; i++) {
      const sum = confusion.subarray(i * count, (i + 1) * count).reduce((total, value) => total + value, 0) || 1;
      for (let j = 0; j < count; j++) {
        const value = confusion[i * count + j];
        const place = this.table.rows[i + 1].cells[j + 1];
        const text = value === 0 ? "·" : String(value);
        if (place.textContent !== text) place.textContent = text;
        place.style.background = `color-mix(in srgb, ${i === j ? "#5b9bd8" : "#e58a3a"} ${Math.round((55 * value) / sum)}%, transparent)`;
      }
    }
  }

  private drawScatter(scatter: Float32Array): void {
    const size = this.plot.clientWidth;
    const context = sharp(this.points, size, size);
    this.field.width = 1;
    let [low, high] = [Infinity, -Infinity];
    for (let i = 0; i < scatter.length; i += 2) [low, high] = [Math.min(low, scatter[i]), Math.max(high, scatter[i])];
    const at = (value: number): number => (((value - low) / (high - low || 1)) * 0.86 + 0.07) * size;
    context.strokeStyle = styleColour("--strong");
    context.beginPath();
    context.moveTo(0, size);
    context.lineTo(size, 0);
    context.stroke();
    context.fillStyle = binaryCss(1);
    for (let i = 0; i < scatter.length; i += 2) {
      context.beginPath();
      context.arc(at(scatter[i]), size - at(scatter[i + 1]), 2.2, 0, 2 * Math.PI);
      context.fill();
    }
    this.plot.setAttribute("aria-label", `${say("scatterOf")}: ${figure(low, 2)} … ${figure(high, 2)}`);
  }
}

function cell(kind: "th" | "td", text: string): HTMLTableCellElement {
  const element = document.createElement(kind);
  element.textContent = text;
  element.title = text;
  return element;
}

/** The greatest size of a target, from which colours are full. */
function rangeOf({ trainingPoints }: DataView): number {
  let most = 1e-6;
  for (let i = 2; i < trainingPoints.length; i += 3) most = Math.max(most, Math.abs(trainingPoints[i]));
  return most;
}
