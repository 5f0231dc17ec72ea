// One neuron's page: what it makes of a sample, product by product, and its activation curve with the derivative, on which the weighted sums of
// the data lie as a histogram.

import { signCss, sharp, styleColour } from "./colors.js";
import type { DataView, NeuronView } from "./protocol.js";
import { figure, percent, say, translate } from "./texts.js";

/** Products that are listed; the others are summed up. */
const NAMED = 8;
/** The share of flat samples from which a neuron is called saturated. */
const SATURATED = 0.5;

export class NeuronPage {
  private key = "";
  private shown: NeuronView | undefined;

  constructor(
    private readonly element: HTMLElement, private readonly close: () => void, private readonly choose: (sample: number) => void,
  ) {
    element.setAttribute("aria-live", "off");
  }

  hide(): void {
    this.element.hidden = true;
    this.key = "";
  }

  /** What is drawn next is drawn, the same or not. */
  forget(): void {
    this.shown = undefined;
  }

  draw(neuron: NeuronView, data: DataView, names: readonly string[], last: boolean): void {
    const { layer, unit, sample } = neuron.selection;
    const key = `${document.documentElement.lang} ${layer} ${unit} ${neuron.activation} ${data.trainingCount}`;
    if (key !== this.key || this.element.hidden) {
      this.key = key;
      this.build(last ? say("outputNeuron", unit + 1) : say("neuron", layer + 1, unit + 1), sample, data.trainingCount);
    } else if (this.shown === neuron) return;
    this.shown = neuron;
    const find = <T extends Element>(selector: string): T => this.element.querySelector<T>(selector)!;
    const body = find<HTMLTableSectionElement>("tbody");
    const rows: [string, string, string][] = neuron.products.slice(0, NAMED).map(({ input, weight, value, product }) => [names[input] ?? String(input + 1), `${figure(weight, 3)} · ${figure(value, 3)}`, figure(product, 3)]);
    const others = neuron.products.slice(NAMED);
    if (others.length > 0) rows.push([say("others", others.length), "", figure(others.reduce((sum, { product }) => sum + product, 0), 3)]);
    rows.push([say("bias"), "", figure(neuron.bias, 3)], [say("weightedSum"), "", figure(neuron.weightedSum, 3)], [`${say("activationOutput")} (${neuron.activation})`, "", figure(neuron.output, 3)]);
    body.replaceChildren(...rows.map((texts, i) => {
      const row = document.createElement("tr");
      texts.forEach((text, j) => {
        const cell = document.createElement(j === 0 ? "th" : "td");
        if (j === 0) cell.setAttribute("scope", "row");
        cell.textContent = text;
        row.append(cell);
      });
      if (i >= rows.length - 2) row.className = "sum";
      return row;
    }));
    const state = find<HTMLElement>(".state");
    const bad = neuron.dead || neuron.saturated > SATURATED;
    state.textContent = neuron.f.length === 0 ? say("softmaxNote") : neuron.dead ? say("dead") : bad ? say("saturated", percent(neuron.saturated)) : say("alive");
    state.classList.toggle("bad", bad);
    find<HTMLElement>(".learned").textContent = neuron.learnedSlope === undefined ? "" : `${say("slope")}: ${figure(neuron.learnedSlope, 3)}`;
    find<HTMLElement>(".curve").hidden = neuron.f.length === 0;
    if (neuron.f.length > 0) drawCurve(find<HTMLCanvasElement>("canvas"), neuron);
  }

  private build(title: string, sample: number, count: number): void {
    this.element.hidden = false;
    this.element.innerHTML = `
      <div class="head"><h2></h2><button type="button" data-text="close"></button></div>
      <div class="neuron"><div><div class="field"><label for="sample" data-text="sample"></label><input id="sample" type="number" min="1" max="${count}" step="1"></div>
      <table><thead><tr><th scope="col" data-text="input"></th><td data-text="product"></td><td></td></tr></thead><tbody></tbody></table></div>
      <div><p class="state"></p> <span class="learned"></span>
      <ul class="legend"><li><i style="border-color:${signCss(1)}"></i><span data-text="functionCurve"></span></li><li><i class="dashed" style="border-color:${signCss(-1)}"></i><span data-text="derivative"></span></li><li><i class="block"></i><span data-text="histogram"></span></li></ul>
      <div class="curve"><canvas role="img" data-label="functionCurve"></canvas></div></div></div>`;
    this.element.querySelector("h2")!.textContent = `${say("neuronPage")}: ${title}`;
    this.element.querySelector("button")!.addEventListener("click", this.close);
    const input = this.element.querySelector("input")!;
    input.value = String(sample + 1);
    input.addEventListener("change", () => {
      const value = Math.max(1, Math.min(count, Math.round(Number(input.value)) || 1));
      input.value = String(value);
      this.choose(value - 1);
    });
    translate(this.element);
  }
}

function drawCurve(canvas: HTMLCanvasElement, { z, f, slope, histogram, weightedSum, output }: NeuronView): void {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight];
  if (width === 0) return;
  const context = sharp(canvas, width, height);
  const reach = z[z.length - 1];
  let [low, high] = [0, 0];
  for (const list of [f, slope]) for (const value of list) if (Number.isFinite(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
  [low, high] = [Math.max(low, -8), Math.min(high, 8)];
  const margin = (high - low || 1) * 0.1;
  const x = (value: number): number => ((value + reach) / (2 * reach)) * width;
  const y = (value: number): number => (1 - (value - low + margin) / (high - low + 2 * margin)) * (height - 16);
  const most = Math.max(1, ...histogram);
  context.fillStyle = styleColour("--line");
  histogram.forEach((count, i) => {
    const tall = (count / most) * (height - 16) * 0.8;
    context.fillRect((i / histogram.length) * width + 0.5, height - 16 - tall, width / histogram.length - 1, tall);
  });
  context.strokeStyle = styleColour("--strong");
  context.lineWidth = 0.6;
  context.beginPath();
  context.moveTo(0, y(0));
  context.lineTo(width, y(0));
  context.moveTo(x(0), 0);
  context.lineTo(x(0), height - 16);
  context.stroke();
  const line = (values: Float32Array, colour: string, dash: number[]): void => {
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.setLineDash(dash);
    context.beginPath();
    values.forEach((value, i) => context.lineTo(x(z[i]), y(Math.max(low - margin, Math.min(high + margin, value)))));
    context.stroke();
    context.setLineDash([]);
  };
  line(f, signCss(1), []);
  line(slope, signCss(-1), [5, 4]);
  context.fillStyle = styleColour("--ink");
  context.beginPath();
  context.arc(x(weightedSum), y(Math.max(low, Math.min(high, output))), 4, 0, 2 * Math.PI);
  context.fill();
  context.font = "11px system-ui, sans-serif";
  context.textAlign = "center";
  for (const at of [-reach, -reach / 2, 0, reach / 2, reach]) context.fillText(String(+at.toFixed(1)), Math.max(10, Math.min(width - 10, x(at))), height - 3);
}
