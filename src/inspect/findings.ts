// What is wrong with a network, from the figures of its layers: each finding names the layer and the figures, and gives one advice that mends the case.
//
// The thresholds lie where healthy networks do not come: of 160 that a seed chose (test/healthy.ts: 14 activations, 1 to 3 hidden layers, 5 kinds of data),
// each constant tells the worst. Findings about a layer are not repeated for what merely follows from it: behind a dead layer nothing varies and no
// gradient passes.

import { activationOf } from "../describe/layers.js";
import type { Finding, LayerDiagnosis } from "../describe/diagnosis.js";
import type { ActivationSpec } from "../describe/activations.js";
import { formatActivation } from "../describe/activations.js";
import { defaultWeightInit } from "../describe/initializers.js";
import { resolveOptimizer } from "../describe/optimizers.js";
import type { Model } from "../model.js";
import type { LayerShape } from "../plan/layout.js";
import { weightsOf } from "./figures.js";
import type { NetworkFigures } from "./figures.js";
import type { Redundancy } from "./redundancy.js";

/** From this share of dead units on; at worst 0.40 in a healthy network (25 relu units behind one input). */
export const DEAD_SHARE = 0.5;
/** Gradient norm of a layer as a share of the output layer's, below this; at worst 0.07. A sigmoid passes on at most 1/4, so five in a row are enough. */
export const VANISHING_RATIO = 1e-3;
/** Gradient norm of a layer as a multiple of its weights' norm, above this: a step at rate 0.01 would replace them; at worst 1.2. */
export const EXPLODING_STEP = 100;
/** The same beside a gradient that is so many times the output layer's, at worst 43. */
export const EXPLODING_RATIO = 1000;
export const EXPLODING_RATIO_STEP = 2;
/**
 * From this share of saturated activations on, of sigmoid, tanh and softsign; at worst 0.09. Those that classify small tables without an error go up to 0.71,
 * with weights up to 3.1 times their start.
 */
export const SATURATED_SHARE = 0.8;
/** The same of hardTanh and hardSigmoid, which work at their bounds; at worst 0.91. */
export const HARD_SATURATED_SHARE = 0.98;
/** From these shares on where there is a cause: inputs that are not scaled, or weights more than so many times their start. */
export const CAUSED_SATURATED_SHARE = 0.5;
export const CAUSING_WEIGHTS = 4;
export const HARD_CAUSED_SATURATED_SHARE = 0.6;
export const HARD_CAUSING_WEIGHTS = 8;
/**
 * From this share of units on that are constant or copies of others, two at least; at worst 0.02 (but for hardTanh behind
 * one input: 0.2). */
export const UNUSED_SHARE = 0.25;
/** Inputs whose root mean square is above this in a column, or below the second in every column: the start of weights is made for 1. */
export const LARGE_INPUTS = 20;
export const SMALL_INPUTS = 0.01;
/** The largest deviation of a column as a multiple of the least, above this. */
export const UNEVEN_INPUTS = 1000;
/** Weights whose root mean square is so many times that of their start, or so small a share of it, are blamed for what they do. */
const LARGE_WEIGHTS = 2;
const SMALL_WEIGHTS = 0.4;
/** Weights that multiply what passes through all layers by so much, its square being EXPLODING_STEP, are blamed where none is large alone. */
const LARGE_PRODUCT = 10;
const LARGISH_WEIGHTS = 1.1;
/** Behind activations that keep the gradient's size a share below this is enough: 0.7 of each of 20 layers are 0.001. */
const SMALLISH_WEIGHTS = 0.9;
/** Activations through which the start of the weights keeps the gradient's size. */
const KEEPING: readonly string[] = ["linear", "relu", "leakyRelu", "prelu"];

/** What the findings are made from. */
export interface Findable {
  readonly model: Model;
  readonly figures: NetworkFigures;
  readonly layers: readonly LayerDiagnosis[];
  readonly redundant: readonly Redundancy[];
}

export function findings(all: Findable): Finding[] {
  const inputs = unscaledInputs(all);
  const faint = vanishingGradient(all, inputs.length > 0);
  const hidden = all.layers.slice(0, -1).flatMap((_, index) => {
    const saturated = saturation(all, index, inputs.length > 0);
    return [...saturated, ...unusedCapacity(all, index, saturated.length + faint.length > 0)];
  });
  return [...inputs, ...all.layers.flatMap((_, index) => deadUnits(all, index)), ...hidden, ...explodingGradient(all, inputs.length > 0), ...faint];
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}

/** Whether a layer is one of neurons, not of a normalisation or a dropout. */
function isDense({ kind }: { readonly kind: string }): boolean {
  return kind === "dense";
}

/** Layer 2 (relu, 16 units). */
function layerName(shape: LayerShape): string {
  const { index, units, kind } = shape;
  return `Layer ${index} (${isDense(shape) ? formatActivation(activationOf(shape.spec)) : kind}, ${units} ${units === 1 ? "unit" : "units"})`;
}

/** The default start of weights before an activation, and its deviation. */
function startOf(shape: LayerShape): { readonly name: string; readonly deviation: number } {
  const { inputs, units } = shape;
  if (!isDense(shape)) return { name: "ones", deviation: 1 };
  const { name } = defaultWeightInit(activationOf(shape.spec));
  const variance = name === "heNormal" ? 2 / inputs : name === "lecunNormal" ? 1 / inputs : 2 / (inputs + units);
  return { name, deviation: Math.sqrt(variance) };
}

/** So many weights of the default start have about its deviation; fewer may have another by chance, which is nothing to blame. */
const TELLING_WEIGHTS = 32;

/** Root mean square of a layer's weights as a multiple of that of its default start; 1 where it tells nothing. */
function weightScale({ model, figures, layers }: Findable, index: number): number {
  const { shape } = figures.layers[index];
  const { spec } = shape;
  if (model.progress.steps === 0 && weightsOf(shape).length < TELLING_WEIGHTS && "weightInit" in spec && spec.weightInit.name === startOf(shape).name) return 1;
  return isDense(shape) ? layers[index].weightNorm / Math.sqrt(weightsOf(shape).length) / startOf(shape).deviation : 1;
}

/** Starts whose size does not follow the layer's. */
const UNSCALED_STARTS: readonly string[] = ["zeros", "ones", "constant", "uniform", "normal"];

/** Whether a layer had a start of the right size and training has made its weights what they are. */
function trainedFromScaled({ model, figures }: Findable, index: number): boolean {
  const { spec } = figures.layers[index].shape;
  return model.progress.steps > 0 && "weightInit" in spec && !UNSCALED_STARTS.includes(spec.weightInit.name);
}

/** What to do about weights that training has made large: a lower rate than the last fit's, if that was above what the optimizer begins with. */
function rateAdvice(all: Findable, index: number): string | undefined {
  const { optimizer } = all.model;
  if (!trainedFromScaled(all, index) || optimizer === undefined) return undefined;
  const usual = (resolveOptimizer(optimizer.name, "optimizer") as { learningRate: number }).learningRate;
  const { learningRate } = optimizer;
  const rate = typeof learningRate === "number" ? learningRate : "max" in learningRate ? learningRate.max : learningRate.initial;
  if (!(rate > usual)) return undefined;
  return `Train anew with a lower learningRate, such as ${optimizer.name}'s usual ${usual} in place of ${short(rate)}: it has made the weights of layer ${index} ${
    short(weightScale(all, index))} times as large as they start.`;
}

/** What to do about weights that a penalty or a decay has made small. */
function penaltyAdvice(all: Findable, index: number): string | undefined {
  const { spec } = all.figures.layers[index].shape;
  if (!trainedFromScaled(all, index) || !("l2" in spec)) return undefined;
  const { optimizer } = all.model;
  const decay = optimizer !== undefined && "weightDecay" in optimizer ? optimizer.weightDecay : 0;
  const name = spec.l2 > 0 ? `l2 (${short(spec.l2)})` : spec.l1 > 0 ? `l1 (${short(spec.l1)})` : decay > 0 ? `weightDecay (${short(decay)})` : undefined;
  return name && `Train anew without ${name}: it has made the weights of layer ${index} ${short(weightScale(all, index))} times as large as they start.`;
}

/** Layers 0 to 3 and 7. */
function layerList(indices: readonly number[]): string {
  const runs: number[][] = [];
  for (const index of indices) {
    const run = runs.at(-1);
    if (run?.at(-1) === index - 1) run.push(index);
    else runs.push([index]);
  }
  const parts = runs.flatMap((run) => (run.length < 3 ? run.map(String) : [`${run[0]} to ${run[run.length - 1]}`]));
  return `layer${indices.length === 1 ? "" : "s"} ${parts.length === 1 ? parts[0] : `${parts.slice(0, -1).join(", ")} and ${parts[parts.length - 1]}`}`;
}

/** What to do about the start of weights: of a layer, whose figures are told, and of others that are as wrong. */
function weightsAdvice(all: Findable, index: number, others: readonly number[] = []): string {
  const { shape } = all.figures.layers[index];
  const { name, deviation } = startOf(shape);
  const size = short(all.layers[index].weightNorm / Math.sqrt(weightsOf(shape).length));
  const blamed = [...new Set([index, ...others])].sort((a, b) => a - b);
  const nameOf = (layer: number): string => startOf(all.figures.layers[layer].shape).name;
  const starts = [...new Set([name, ...blamed.map(nameOf)])].map((each) => `of ${layerList(blamed.filter((layer) => nameOf(layer) === each))} by weightInit: "${each}"`);
  return `Start the weights ${starts.join(" and ")}: ${
    blamed.length === 1 ? `their root mean square is ${size}, that start has ${short(deviation)}` : `in layer ${index} their root mean square is ${size} in place of ${short(deviation)}`}.`;
}

/** The layers whose weights did not start at the right size, nor were trained from there. */
function startedWrong(all: Findable, wrong: (scale: number) => boolean): number[] {
  return all.figures.layers.flatMap(({ shape }, index) => (isDense(shape) && !trainedFromScaled(all, index) && wrong(weightScale(all, index)) ? [index] : []));
}

function unscaledInputs({ figures: { samples, count } }: Findable): Finding[] {
  let largest = 0;
  let size = -1;
  let [narrow, wide] = [-1, -1];
  for (let column = 0; column < samples.mean.length; column++) {
    const square = samples.mean[column] ** 2 + samples.deviation[column] ** 2;
    if (square > size) [largest, size] = [column, square];
    const deviation = samples.deviation[column];
    if (deviation === 0) continue;
    if (narrow < 0 || deviation < samples.deviation[narrow]) narrow = column;
    if (wide < 0 || deviation > samples.deviation[wide]) wide = column;
  }
  size = Math.sqrt(size);
  const figuresOf = (column: number): string => `column ${column} has mean ${short(samples.mean[column])} and deviation ${short(samples.deviation[column])}`;
  const finding = (value: number, what: string): Finding[] => [{
    layer: 0, kind: "unscaledInputs", value, message: `The inputs are not scaled: ${what}.`,
    advice: "Standardise each column of the inputs, (x − mean) / deviation, with the mean and deviation of the training data.",
  }];
  if (size > LARGE_INPUTS) return finding(size, `${figuresOf(largest)}, where a network is made for values around 1`);
  if (size > 0 && size < SMALL_INPUTS && count > 1) return finding(size, `${figuresOf(largest)}, more than any other, where a network is made for values around 1`);
  if (narrow < 0 || samples.deviation[wide] <= UNEVEN_INPUTS * samples.deviation[narrow]) return [];
  return finding(samples.deviation[wide] / samples.deviation[narrow], `${figuresOf(wide)}, ${figuresOf(narrow)}`);
}

function deadUnits({ figures, layers }: Findable, index: number): Finding[] {
  const { shape } = figures.layers[index];
  const { deadFraction } = layers[index];
  if (deadFraction < DEAD_SHARE || !isDense(shape)) return [];
  const dead = Math.round(deadFraction * shape.units);
  return [{
    layer: index, kind: "deadUnits", value: deadFraction,
    message: `${layerName(shape)}: ${dead} of ${shape.units} units (${percent(deadFraction)}) are 0 on all ${figures.count} samples and get no gradient, so they cannot learn.`,
    advice: `Make the layer anew with leakyRelu, dense(${shape.units}, "leakyRelu"), whose units have a gradient everywhere${
      activationOf(shape.spec).name === "leakyRelu" ? ' (give it a slope above 0)' : ""}; a lower learningRate keeps them from falling so far.`,
  }];
}

/** Activations that are flat beyond bounds on both sides, and the share of saturated ones from which they are stuck. */
function saturationLimit({ name }: ActivationSpec): number {
  switch (name) {
    case "sigmoid": case "tanh": case "softsign": return SATURATED_SHARE;
    case "hardSigmoid": case "hardTanh": return HARD_SATURATED_SHARE;
    default: return Infinity;
  }
}

function saturation(all: Findable, index: number, unscaled: boolean): Finding[] {
  const { shape, sums } = all.figures.layers[index];
  const { saturatedFraction, weightedSumDeviation } = all.layers[index];
  const limit = saturationLimit(activationOf(shape.spec));
  if (!isDense(shape) || limit === Infinity) return [];
  const [causing, share] = limit === SATURATED_SHARE ? [CAUSING_WEIGHTS, CAUSED_SATURATED_SHARE] : [HARD_CAUSING_WEIGHTS, HARD_CAUSED_SATURATED_SHARE];
  const caused = (unscaled && index === 0) || weightScale(all, index) > causing;
  if (saturatedFraction < (caused ? share : limit)) return [];
  const large = weightScale(all, index) > LARGE_WEIGHTS;
  const rate = large ? rateAdvice(all, index) : undefined;
  const shown = sums.max.reduce((most, value, i) => Math.max(most, Math.abs(value), Math.abs(sums.min[i])), 0);
  return [{
    layer: index, kind: "saturation", value: saturatedFraction,
    message: `${layerName(shape)}: ${percent(saturatedFraction)} of the activations lie where the derivative is below 1 % of its maximum; the weighted sums reach ${
      short(shown)} and deviate by ${short(weightedSumDeviation)}.`,
    advice: unscaled && index === 0
      ? "Standardise the inputs, (x − mean) / deviation for each column: the weighted sums are as large as they are."
      : rate !== undefined
        ? rate
        : large && !trainedFromScaled(all, index)
          ? weightsAdvice(all, index)
          : `Use an activation that does not saturate for large sums, dense(${shape.units}, "relu").`,
  }];
}

/** Whether anything that reaches the layer varies over the samples. */
function inputsVary({ figures }: Findable, index: number): boolean {
  const { deviation } = index === 0 ? figures.samples : figures.layers[index - 1].activations;
  return deviation.some((value) => value > 0);
}

/** @param explained whether a finding tells already why units say the same on every sample */
function unusedCapacity(all: Findable, index: number, explained: boolean): Finding[] {
  const { shape } = all.figures.layers[index];
  const { copies } = all.redundant[index];
  const constant = explained && !startedAlike(all, index) ? [] : all.redundant[index].constant;
  const unused = constant.length + copies.length;
  if (!isDense(shape) || unused < 2 || unused < UNUSED_SHARE * shape.units || !inputsVary(all, index)) return [];
  const parts = [
    ...(copies.length > 0 ? [`${copies.length} of ${shape.units} units are copies of others (unit ${copies[0][0]} of unit ${copies[0][1]})`] : []),
    ...(constant.length > 0 ? [`${constant.length} of ${shape.units} units say the same on every sample (unit ${constant[0]})`] : []),
  ];
  const fewer = Math.max(1, shape.units - unused);
  return [{
    layer: index, kind: "unusedCapacity", value: unused / shape.units,
    message: `${layerName(shape)}: ${parts.join(" and ")}.`,
    advice: startedAlike(all, index)
      ? `Start the weights from random numbers, weightInit: "${startOf(shape).name}": units that start alike get the same gradient and stay alike.`
      : `Use dense(${fewer}) in place of dense(${shape.units}).`,
  }];
}

/** Starts that give all units the same weights. */
const EQUAL_STARTS: readonly string[] = ["zeros", "ones", "constant"];

/** Whether the layer's units had the same start, or those that are copies have the same weights, and those that are constant none. */
function startedAlike({ model, figures, redundant }: Findable, index: number): boolean {
  const { shape } = figures.layers[index];
  const { inputs, spec } = shape;
  if ("weightInit" in spec && EQUAL_STARTS.includes(spec.weightInit.name)) return true;
  const rows = model.floats(weightsOf(shape));
  const same = (unit: number, other: (i: number) => number): boolean => {
    for (let i = 0; i < inputs; i++) if (rows[unit * inputs + i] !== other(i)) return false;
    return true;
  };
  const { constant, copies } = redundant[index];
  const alike = copies.filter(([unit, original]) => same(unit, (i) => rows[original * inputs + i])).length + constant.filter((unit) => same(unit, () => 0)).length;
  return 2 * alike >= constant.length + copies.length;
}

function explodingGradient(all: Findable, unscaled: boolean): Finding[] {
  const { figures, layers } = all;
  let worst = -1;
  let value = 0;
  layers.forEach(({ gradientNorm, gradientRatio = 1, weightNorm }, index) => {
    if (gradientNorm === undefined) return;
    const { shape } = figures.layers[index];
    const step = gradientNorm / Math.max(weightNorm, SMALL_WEIGHTS * startOf(shape).deviation * Math.sqrt(weightsOf(shape).length));
    const explodes = !Number.isFinite(gradientNorm) || step > EXPLODING_STEP || (gradientRatio > EXPLODING_RATIO && step > EXPLODING_RATIO_STEP);
    if (!explodes || (worst >= 0 && !(step > value))) return;
    [worst, value] = [index, step];
  });
  if (worst < 0) return [];
  const { gradientNorm, weightNorm } = layers[worst];
  const largest = (indices: readonly number[]): number => indices.reduce((most, index) => (weightScale(all, index) > weightScale(all, most) ? index : most), indices[0]);
  const large = largest([...layers.keys()]);
  let blamed = startedWrong(all, (scale) => scale > LARGE_WEIGHTS);
  if (blamed.length === 0) {
    const largish = startedWrong(all, (scale) => scale > LARGISH_WEIGHTS);
    if (largish.reduce((product, index) => product * weightScale(all, index), 1) > LARGE_PRODUCT) blamed = largish;
  }
  const advice = unscaled
    ? "Standardise the inputs, (x − mean) / deviation for each column."
    : ((weightScale(all, large) > LARGE_WEIGHTS ? rateAdvice(all, large) : undefined) ?? (blamed.length > 0
      ? weightsAdvice(all, largest(blamed), blamed)
      : "Standardise the targets, (y − mean) / deviation for each column: the errors are large beside what the network was made for."));
  return [{
    layer: worst, kind: "explodingGradient", value,
    message: `${layerName(figures.layers[worst].shape)}: the gradient's norm is ${short(gradientNorm!)}, ${short(value)} times that of the weights (${
      short(weightNorm)}); the output layer's is ${short(layers[layers.length - 1].gradientNorm!)}.`,
    advice,
  }];
}

function vanishingGradient(all: Findable, unscaled: boolean): Finding[] {
  const { figures, layers } = all;
  // what passes no gradient at all has a finding of its own
  if (layers.some(({ deadFraction }) => deadFraction === 1)) return [];
  const faint = layers.flatMap(({ gradientRatio }, index) => (gradientRatio !== undefined && gradientRatio < VANISHING_RATIO ? [index] : []));
  if (faint.length === 0) return [];
  const least = faint.reduce((best, index) => (layers[index].gradientRatio! < layers[best].gradientRatio! ? index : best), faint[0]);
  const behind = figures.layers.slice(least, -1).map(({ shape }) => shape);
  const bounded = behind.find((shape) => saturationLimit(activationOf(shape.spec)) < Infinity);
  const small = figures.layers.slice(least).reduce((best, { shape }) => (weightScale(all, shape.index) < weightScale(all, best) ? shape.index : best), least);
  const { gradientNorm, gradientRatio } = layers[least];
  // fewer layers: half of those that get it, since another draw of the weights may pass on less
  const curved = behind.find(({ spec, kind }) => kind === "dense" && !KEEPING.includes(activationOf(spec).name));
  const scale = weightScale(all, small);
  const limit = bounded === undefined ? SMALLISH_WEIGHTS : SMALL_WEIGHTS;
  const advice = unscaled && faint.length === 1 && least === 0 && layers[0].saturatedFraction >= CAUSED_SATURATED_SHARE
    ? "Standardise the inputs, (x − mean) / deviation for each column: where the weighted sums are so large, the derivative is next to 0."
    : scale < limit
      ? (penaltyAdvice(all, small) ?? weightsAdvice(all, small, startedWrong(all, (each) => each < limit)))
      : curved !== undefined
        ? `Use relu in the hidden layers in place of ${formatActivation(activationOf(curved.spec))}: its derivative is 1 where it is active, and its start, heNormal, keeps the gradient's size.`
        : `Use fewer hidden layers, such as ${Math.max(1, Math.floor((layers.length - faint.length - 1) / 2))}: ${layers.length - 1} are more than the gradient passes.`;
  return [{
    layer: least, kind: "vanishingGradient", value: gradientRatio!,
    message: `${layerName(figures.layers[least].shape)}: the gradient's norm is ${short(gradientNorm!)}, ${short(gradientRatio!)} of the output layer's (${
      short(layers[layers.length - 1].gradientNorm!)}); ${faint.length} of ${layers.length} layers get less than ${VANISHING_RATIO} of it and hardly learn.`,
    advice,
  }];
}
