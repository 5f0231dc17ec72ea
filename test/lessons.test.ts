// The lessons in examples/lessons: their pages and pictures are what the scripts make, every figure in a text is one that the script prints, and every claim in
// a text, marked there by <!-- claim name -->, holds as an inequality here.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

interface Made {
  readonly figures: Record<string, string>;
  readonly output: string;
  readonly files: Record<string, string>;
}
interface Maker {
  lessonNames(): Promise<string[]>;
  textOf(name: string, language: string): Promise<string>;
  made(name: string, names: string[]): Promise<Made>;
  index(names: string[]): Promise<Record<string, string>>;
}
/** A figure by its name, as a number; `text` gives it as it is printed. */
interface Figures {
  (name: string): number;
  text(name: string): string;
}

const folder = fileURLToPath(new URL("../examples/lessons/", import.meta.url));

const claims: Record<string, Record<string, (f: Figures) => boolean>> = {
  "01-the-neuron": {
    sumOfProducts: (f) => f("product0") + f("product1") + f("bias") === f("sum"),
    belowHalf: (f) => f("sum") < 0 && f("activation") < 0.5,
    learned: (f) => f("after") >= 190 && f("after") > f("before") + 20 && f("after") < 200,
    border: (f) => f("agree") === 200,
  },
  "02-linear-and-nonlinear": {
    noBetterThanLine: (f) => f("linearTrain") >= f("line"),
    straight: (f) => f("bend") <= 0.00001,
    curvedFits: (f) => f("linear") > 5 * f("tanh") && Math.abs(f("times") - f("linear") / f("tanh")) < 0.1,
    noiseFloor: (f) => f("noise") < f("tanh") && f("noise") < f("linear"),
  },
  "03-depth-needs-nonlinearity": {
    linearNearChance: (f) => [1, 2, 4, 8].every((depth) => f(`linear${depth}`) < 65),
    reluLearns: (f) => [1, 2, 4, 8].every((depth) => f(`relu${depth}`) > 98),
    collapses: (f) => f("parameters") > 1000 && f("collapsed") === 6 && f("agree") <= 0.00001,
  },
  "04-vanishing-gradient": {
    steepest: (f) => f("steepest") === 0.25,
    sigmoidVanishes: (f) => f("sigmoidGlorot") < 1e-10 && f("sigmoidHe") < 1e-9,
    tanhPasses: (f) => f("tanhGlorot") > 0.3 && f("tanhHe") > 0.3,
    reluNeedsHe: (f) => f("reluGlorot") < 0.01 && f("reluHe") > 0.3,
    perLayer: (f) => Math.abs(f("perLayer") - f("root")) < 0.05,
    sigmoidStuck: (f) => f("sigmoidRight") === f("majority"),
    reluTrains: (f) => f("reluRight") > 95,
  },
  "05-dying-relu": {
    deadRise: (f) => f("reluLow") < f("reluMiddle") && f("reluMiddle") < f("reluHigh") && f("reluHigh") > 90,
    errorRises: (f) => f("reluLowLoss") < f("reluMiddleLoss") && f("reluMiddleLoss") < f("reluHighLoss"),
    noneDie: (f) => ["leakyRelu", "prelu"].every((name) => ["Low", "Middle", "High"].every((rate) => f(`${name}${rate}`) === 0)),
    repairsLearn: (f) => f("leakyReluHighLoss") < f("reluHighLoss") / 4 && f("preluHighLoss") < f("reluHighLoss") / 4,
    slopesMove: (f) => f("least") < 0 && f("largest") > 0.25 && f("least") < f("median") && f("median") < f("largest") && f("negative") > 0,
    someDeadHarmless: (f) => f("reluLow") > 10 && f("reluLowLoss") <= f("leakyReluLowLoss"),
  },
  "06-divergence": {
    reluDiverges: (f) => f("reluLargest") > 1e10 && f("reluSteps") < 10,
    stateKept: (f) => f.text("finite") === "yes",
    tanhBounded: (f) => f("tanhLargest") < 10 && f("tanhSteps") === 192,
    tanhSaturated: (f) => f("saturated") > 90,
    curesHold: (f) => f("clipSteps") === 192 && f("rateSteps") === 192 && f("clipFinal") > 1 && f("rateFinal") > 1,
    scalingBest: (f) => ["tanh", "clip", "rate"].every((name) => f("scaledFinal") < f(`${name}Final`) / 5),
  },
  "07-softmax": {
    sumsToOne: (f) => [0, 1, 2, 3].every((i) => f(`sum${i}`) === 1),
    shiftInvariant: (f) => f("shifted") === f("top1"),
    temperatureFlattens: (f) => f("top0") > f("top1") && f("top1") > f("top2") && f("top2") > f("top3") && f("top3") > f("last3"),
    overconfident: (f) => f("sure") > f("right") + 5,
    topBin: (f) => f("topCount") > 500 && f("topRight") < 90,
    calibrated: (f) => f("temperature") > 1 && f("errorAfter") < f("error") / 2 && f("lossAfter") < f("loss"),
    sameAnswers: (f) => f("rightAfter") === f("right"),
  },
  "08-choosing": {
    planeLinear: (f) => f.text("planeBest") === "linear" && f("plane-linear") < f("plane-relu") && f.text("planeWorse").includes("relu"),
    curveRelu: (f) => f.text("curveBest") === "relu" && f("curve-linear") > 5 * f("curve-relu") && f.text("curveWorse").includes("linear"),
    irisOpen: (f) => f.text("irisBest") === "sigmoid" && f.text("irisWorse") === "none",
    sigmoidShallow: (f) => ["linear", "tanh", "relu", "leakyRelu", "prelu"].every((name) => f("iris-sigmoid") <= f(`iris-${name}`)),
  },
};

let maker: Maker;
let names: string[];

beforeAll(async () => {
  maker = (await import(/* @vite-ignore */ pathToFileURL(join(folder, "make.mjs")).href)) as Maker;
  names = await maker.lessonNames();
});

/** The names in a text's placeholders or claims, in order of the alphabet. */
function named(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();
}

test("there are eight lessons, each with claims", () => {
  expect(names).toEqual(Object.keys(claims));
  expect(names.length).toBe(8);
});

describe.each(Object.keys(claims))("%s", (name) => {
  let result: Made;
  beforeAll(async () => {
    result = await maker.made(name, names);
  });

  test("the pages and pictures are those that the script makes", () => {
    expect(Object.keys(result.files).length).toBe(4);
    for (const [path, text] of Object.entries(result.files)) expect(text, path).toBe(readFileSync(join(folder, path), "utf8"));
  });

  test("run by itself, it prints what the page shows", () => {
    const printed = execFileSync(process.execPath, [join(folder, `${name}.mjs`)], { encoding: "utf8" });
    expect(printed).toBe(`${result.output}\n`);
    expect(readFileSync(join(folder, `${name}.md`), "utf8")).toContain(`\n${printed}\`\`\``);
  });

  test("every figure of the texts is printed, no other figure stands there, and both languages have the same", async () => {
    const [english, chinese] = await Promise.all(["en", "zh"].map((language) => maker.textOf(name, language)));
    const pattern = /\{\{([^}]+)\}\}/g;
    expect(named(chinese, pattern)).toEqual(named(english, pattern));
    const used = named(english, pattern).filter((what) => what in result.figures);
    expect(used.length).toBeGreaterThan(4);
    for (const figure of used) expect(result.output).toContain(result.figures[figure]);
    // but for PReLU's start, which is an option's default
    for (const text of [english, chinese]) expect(text.replace(pattern, "").match(/\d+\.\d+|\d ?%/g)?.filter((figure) => figure !== "0.25") ?? []).toEqual([]);
  });

  test("every claim of the texts holds", async () => {
    const figures: Figures = Object.assign((figure: string) => {
      const value = parseFloat(result.figures[figure]);
      if (Number.isNaN(value)) throw new Error(`figure '${figure}': expected a number, got ${result.figures[figure]}`);
      return value;
    }, { text: (figure: string) => result.figures[figure] });
    for (const language of ["en", "zh"]) expect(named(await maker.textOf(name, language), /<!-- claim (\w+) -->/g), language).toEqual(Object.keys(claims[name]).sort());
    for (const [claim, holds] of Object.entries(claims[name])) expect(holds(figures), claim).toBe(true);
  });
});

test("the index names every lesson, and its links and those of the pages lead somewhere", async () => {
  const index = await maker.index(names);
  expect(Object.keys(index)).toEqual(["README.md", "README.zh.md"]);
  for (const [path, text] of Object.entries(index)) expect(text).toBe(readFileSync(join(folder, path), "utf8"));
  const pages = [...Object.keys(index), ...names.flatMap((name) => [`${name}.md`, `${name}.zh.md`])];
  for (const page of pages) {
    const links = [...readFileSync(join(folder, page), "utf8").matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) expect(existsSync(join(folder, link)), `${page}: ${link}`).toBe(true);
  }
});
