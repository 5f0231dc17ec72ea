// What the page says in figures: losses, metrics and speeds at the top, PReLU's slopes, and what a drawn digit is taken for.

import type { Player, Whole } from "./player.js";
import { figure, many, percent, say } from "./texts.js";
import type { Text } from "./texts.js";

/** The name, the name where targets are numbers, and whether a narrow screen does without. */
const shownFigures: [Text, Text | undefined, boolean][] = [
  ["trainingLoss", undefined, false], ["testLoss", undefined, false], ["trainingAccuracy", "trainingR2", true], ["testAccuracy", "testR2", false], ["epochs", undefined, false],
  ["steps", undefined, true], ["stepsPerSecond", undefined, true], ["samplesPerSecond", undefined, false], ["rateNow", undefined, true], ["trainingTime", undefined, true],
];

function put(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

function textsOf({ loss, metric, epochs, steps, stepsPerSecond, samplesPerSecond, learningRate, trainingMs }: Whole, regression: boolean): string[] {
  const shown = (value: number): string => (regression ? figure(value, 3) : percent(value));
  return [
    figure(loss.training), figure(loss.test), shown(metric.training), shown(metric.test), many(epochs), many(steps), many(stepsPerSecond), many(samplesPerSecond),
    String(+learningRate.toPrecision(3)), `${(trainingMs / 1000).toFixed(1)} s`,
  ];
}

export function drawFigures(place: HTMLElement, players: readonly Player[]): void {
  const [{ data, frame }] = players;
  const regression = data?.task === "regression";
  const values = players.map((player) => (player.frame === undefined ? shownFigures.map(() => "–") : textsOf(player.frame, regression)));
  if (place.childElementCount === 0) {
    place.append(...shownFigures.map(([name, , minor]) => {
      const box = document.createElement("div");
      if (minor) box.className = "minor";
      box.append(document.createElement("dt"), document.createElement("dd"));
      box.dataset.figureOf = name;
      return box;
    }));
  }
  shownFigures.forEach(([key, instead], i) => {
    const [name, value] = place.children[i].children;
    put(name, say(regression && instead !== undefined ? instead : key));
    put(value, values.length === 1 ? values[0][i] : values.map((list, n) => `${"AB"[n]} ${list[i]}`).join("\n"));
  });
  if (frame === undefined) return;
  place.dataset.trainingMs = String(Math.round(frame.trainingMs));
  place.dataset.running = String(players.some((player) => player.frame?.running));
  place.dataset.epochs = String(frame.epochs);
}

export function drawSlopes(place: HTMLElement, frame: Whole | undefined): void {
  const layers = frame?.layers.flatMap(({ slopes }, k) => (slopes === undefined ? [] : [[say("layerShort", k + 1), ...Array.from(slopes, (slope) => figure(slope, 3))]])) ?? [];
  place.parentElement!.hidden = layers.length === 0;
  while (place.childElementCount > layers.length) place.lastElementChild!.remove();
  layers.forEach((texts, k) => {
    const row = place.children[k] ?? place.appendChild(document.createElement("div"));
    while (row.childElementCount > texts.length) row.lastElementChild!.remove();
    texts.forEach((text, i) => put(row.children[i] ?? row.appendChild(document.createElement(i === 0 ? "b" : "span")), text));
  });
}

export function drawDigit(list: HTMLElement, outputs: Float32Array | undefined): void {
  if (list.childElementCount === 0) for (let k = 0; k < 10; k++) list.insertAdjacentHTML("beforeend", `<li><span>${k}</span><i></i><b></b></li>`);
  Array.from(list.children).forEach((item, k) => {
    const value = outputs?.[k] ?? 0;
    (item.children[1] as HTMLElement).style.width = `${Math.max(0, Math.min(1, value)) * 100}%`;
    put(item.children[2], outputs === undefined ? "–" : percent(value));
  });
}
