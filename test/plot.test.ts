// What the record tells of each activation, and its picture.

import { describe, expect, it } from "vitest";
import { activations, activate, activationDerivative, leakyRelu, plotActivation, ready } from "../src/index.js";
import type { ActivationName } from "../src/index.js";

const names = Object.keys(activations) as ActivationName[];

describe("the record of activations", () => {
  it.each(names)("%s has formulas, a source, strengths and dangers", (name) => {
    const { formula, latex, derivative, derivativeLatex, source, strengths, dangers } = activations[name];
    for (const text of [formula, latex, derivative, derivativeLatex, source.authors, source.title, ...strengths, ...dangers]) expect(text.length).toBeGreaterThan(0);
    expect(source.url).toMatch(/^https:\/\//);
    expect(source.year).toBeGreaterThan(1950);
    expect(strengths.length * dangers.length).toBeGreaterThan(0);
    // braces of LaTeX match
    for (const text of [latex, derivativeLatex]) expect(text.split("{").length).toBe(text.split("}").length);
    expect(Object.isFrozen(source) && Object.isFrozen(strengths) && Object.isFrozen(dangers)).toBe(true);
  });

  it("tells the bounds of saturation that the functions have", async () => {
    await ready();
    for (const [name, at, most] of [["sigmoid", 5.99, 0.25], ["tanh", 2.99, 1], ["softsign", 9, 1]] as const) {
      const [before, beyond] = activationDerivative(name, Float32Array.of(at - 0.02, at + 0.02));
      expect(before).toBeGreaterThan(0.01 * most);
      expect(beyond).toBeLessThan(0.01 * most);
      expect(activations[name].dangers.join(" ")).toContain(String(at));
    }
  });
});

describe("plotActivation", () => {
  it.each(names)("draws %s and its derivative within the picture", async (name) => {
    await ready();
    const svg = plotActivation(name);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" viewBox="0 0 480 320"/);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    const curves = [...svg.matchAll(/<path class="[fd]" d="(M[^"]*L[^"]*)"/g)].map(([, path]) => path);
    expect(curves.length).toBe(2);
    for (const path of curves) {
      for (const [, x, y] of path.matchAll(/([\d.]+) ([\d.]+)/g)) {
        expect(Number(x)).toBeGreaterThanOrEqual(48);
        expect(Number(x)).toBeLessThanOrEqual(464);
        expect(Number(y)).toBeGreaterThanOrEqual(47.99);
        expect(Number(y)).toBeLessThanOrEqual(280.01);
      }
    }
  });

  it("shows a jump of the derivative as two dots, the full one on the value that holds", async () => {
    await ready();
    const dots = (svg: string): string[] => [...svg.matchAll(/<circle class="(full|open)"/g)].map(([, kind]) => kind);
    expect(dots(plotActivation("relu"))).toEqual(["full", "open"]);
    expect(dots(plotActivation("hardTanh"))).toEqual(["full", "open", "open", "full"]);
    expect(dots(plotActivation("elu"))).toEqual([]);
    expect(dots(plotActivation(leakyRelu({ slope: 1 })))).toEqual([]);
    expect(activate("relu", Float32Array.of(0))[0]).toBe(0);
  });

  it("refuses what is none", async () => {
    await ready();
    expect(() => plotActivation("rleu" as never)).toThrow("Did you mean 'relu'?");
  });
});
