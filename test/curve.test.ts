// The picture of a training: which epochs it shows, where losses lie in it, and what it says of them.

import { expect, test } from "vitest";
import { lossCurve } from "../src/cli/curve.js";

type History = Parameters<typeof lossCurve>[0];

const history = (losses: readonly number[], validation?: readonly (number | null)[], first = 1): History =>
  losses.map((loss, i) => [first + i, loss, {}, validation?.[i] ?? null]) as unknown as History;

/** The row of the topmost mark of each column behind the labels, 0 the highest. */
function tops(picture: string, marks = /[─╭╮╰╯│┼·]/): number[] {
  const rows = picture.split("\n").slice(0, -1).map((line) => line.slice(11));
  const width = Math.max(...rows.map((row) => row.length));
  return Array.from({ length: width }, (_, x) => rows.findIndex((row) => marks.test(row[x] ?? " ")));
}

test("there is none of fewer than two epochs", () => {
  expect(lossCurve([], 80)).toBe("");
  expect(lossCurve(history([1]), 80)).toBe("");
  expect(lossCurve(history([1, 0]), 80)).not.toBe("");
});

test("it goes from the highest loss at the top to the lowest at the bottom, with the losses beside", () => {
  const lines = lossCurve(history([8, 7, 6, 5, 4, 3, 2, 1, 0]), 80).split("\n");
  expect(lines).toHaveLength(10);
  expect(lines.slice(0, 9).map((line) => Number(line.slice(0, 9)))).toEqual([8, 7, 6, 5, 4, 3, 2, 1, 0]);
  expect(lines[9]).toBe(`${" ".repeat(10)}loss of epochs 1 to 9: ─ training`);
  expect(lines.every((line) => line === line.trimEnd())).toBe(true);
  const rows = tops(lines.join("\n"));
  expect(rows).toEqual([...rows].sort((a, b) => a - b));
  expect(rows.at(-1)).toBe(7);                                         // the step into the last epoch begins a row above it
});

test("long trainings are shown by epochs at even distances, the first and the last among them, in the width that there is", () => {
  const losses = Array.from({ length: 1000 }, (_, i) => 1000 - i);
  losses[0] = 2000;
  losses[999] = -2000;
  for (const [columns, width] of [[200, 60], [72, 60], [71, 59], [40, 28]]) {
    const picture = lossCurve(history(losses, undefined, 5), columns);
    const lines = picture.split("\n");
    expect(Number(lines[0].slice(0, 9))).toBe(2000);
    expect(Number(lines[8].slice(0, 9))).toBe(-2000);
    expect(lines[9]).toContain("loss of epochs 5 to 1004: ─ training");
    expect(tops(picture)).toHaveLength(width - 1);
    expect(Math.max(...lines.slice(0, 9).map((line) => line.length))).toBeLessThanOrEqual(columns);
  }
  expect(tops(lossCurve(history([3, 2, 1]), 80))).toHaveLength(2);
  expect(tops(lossCurve(history([3, 2, 1]), 1))).toHaveLength(1);      // two points at least
});

test("validation is drawn by dots where all epochs have it, behind the line, on one scale with it", () => {
  const picture = lossCurve(history([4, 3, 2, 1], [8, 8, 8, 8]), 80);
  const lines = picture.split("\n");
  expect(lines[9]).toBe(`${" ".repeat(10)}loss of epochs 1 to 4: ─ training, · validation`);
  expect(Number(lines[0].slice(0, 9))).toBe(8);
  expect(Number(lines[8].slice(0, 9))).toBe(1);
  expect(tops(picture, /·/)).toEqual([0, 0, 0]);
  expect(tops(picture, /[─╭╮╰╯│]/).every((row) => row >= 4)).toBe(true);
  expect(lossCurve(history([4, 3, 2, 1], [4, 3, 2, 1]), 80)).not.toMatch(/·[^·]*\n/);   // the line covers them
  const partly = lossCurve(history([4, 3, 2, 1], [8, null, 8, 8]), 80).split("\n");
  expect(partly[9]).toBe(`${" ".repeat(10)}loss of epochs 1 to 4: ─ training`);
  expect(Number(partly[0].slice(0, 9))).toBe(4);
});

test("losses that do not change are a line", () => {
  const picture = lossCurve(history([2, 2, 2]), 80);
  expect(picture).not.toContain("NaN");
  expect(tops(picture)).toEqual([8, 8]);
});
