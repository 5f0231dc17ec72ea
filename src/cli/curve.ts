// The course of a training as a picture of characters: the loss of the training part as a line, that of the validation part as
// dots, by asciichart.

import * as asciichart from "asciichart/asciichart.js";
import type { EpochFigures } from "../tabular/run.js";
import { figure, USUAL_WIDTH } from "./terminal.js";

const HEIGHT = 8;
const MOST_POINTS = 60;
const LABEL_WIDTH = 9;
/** In place of asciichart's line: what a second curve looks like without colour. */
const DOTS = ["┼", "┤", "·", "·", "·", "·", "·", "·", "·", "·"];

/** The picture, its last line the legend; nothing where there are fewer than two epochs. A terminal of 0 columns does not know its width. */
export function lossCurve(history: readonly EpochFigures[], columns: number): string {
  if (history.length < 2) return "";
  const points = Math.max(2, Math.min(MOST_POINTS, (columns || USUAL_WIDTH) - LABEL_WIDTH - 3, history.length));
  const chosen = Array.from({ length: points }, (_, i) => history[Math.round((i * (history.length - 1)) / (points - 1))]);
  const training = chosen.map(([, loss]) => loss);
  const validation = chosen.map(([, , , loss]) => loss).filter((loss): loss is number => loss !== null);
  const whole = validation.length === training.length;
  const all = whole ? [...training, ...validation] : training;
  const low = Math.min(...all);
  const high = Math.max(...all);
  const span = high - low || 1;
  const draw = (series: readonly number[], symbols?: readonly string[]): string[][] => {
    const scaled = series.map((value) => ((value - low) / span) * HEIGHT);
    const format = (_: number, row: number): string => `${figure(high - (row * span) / HEIGHT).padStart(LABEL_WIDTH)} `;
    return asciichart.plot([scaled], { min: 0, max: HEIGHT, height: HEIGHT, offset: 2, format, symbols }).split("\n").map((line) => [...line]);
  };
  const lines = draw(training);
  if (whole) {
    draw(validation, DOTS).forEach((line, y) => line.forEach((character, x) => {
      if ((lines[y][x] ?? " ") === " ") lines[y][x] = character;
    }));
  }
  const [first, last] = [history[0][0], history[history.length - 1][0]];
  const legend = `loss of epochs ${first} to ${last}: ─ training${whole ? ", · validation" : ""}`;
  return `${lines.map((line) => Array.from(line, (character) => character ?? " ").join("").trimEnd()).join("\n")}\n${" ".repeat(LABEL_WIDTH + 1)}${legend}`;
}
