// From the chain of atoms that an ONNX graph (or the layers of a Keras model) comes to, input first, to the layers of a network.
//
//   … scale·a + offset …   into the weights before it, else into gain and shift of a normalisation, else into the weights behind it
//   activation             of the dense layer before it; of one that is made of the identity where there is none
//   batchNorm, activation  behind weights without an activation: into the weights, since a dense layer is activation(W·x + b)

import { ModelFormatError } from "../check.js";
import type { ActivationSpec } from "../describe/activations.js";
import type { LayerSpec } from "../describe/layers.js";
import { batchNorm, dense, dropout, elu, gelu, hardSigmoid, hardTanh, layerNorm, leakyRelu, Network, prelu, relu, relu6 } from "../index.js";
import { affineOf, all, combine, isBare, near, widthOf } from "./values.js";
import type { Atom, Batch, Coefficient } from "./values.js";

/** The widest layer of the identity that is put behind a normalisation for an activation: 64 MB of weights. */
const WIDEST_IDENTITY = 4096;
const MOST_LAYERS = 1000;

interface DenseDraft {
  readonly kind: "dense";
  readonly place: string;
  readonly inputs: number;
  units: number;
  weights: Float64Array;
  biases: Float64Array | undefined;
  activation: ActivationSpec | undefined;
  activationPlace: string;
  slopes: Float64Array | undefined;
}

interface NormDraft {
  readonly kind: "batchNorm" | "layerNorm";
  readonly place: string;
  readonly units: number;
  readonly epsilon: number;
  readonly momentum: number;
  gain: Float64Array;
  shift: Float64Array;
  readonly mean: Float64Array | undefined;
  readonly variance: Float64Array | undefined;
}

interface DropoutDraft {
  readonly kind: "dropout";
  readonly place: string;
  readonly rate: number;
}

type Draft = DenseDraft | NormDraft | DropoutDraft;

/** The error for a place, whose name begins with the call. */
export function refuse(place: string, expected: string, got: string, code = "unsupportedGraph"): ModelFormatError {
  return new ModelFormatError(code, `${place}: expected ${expected}, got ${got}`);
}

const at = (c: Coefficient, i: number): number => (typeof c === "number" ? c : c[i]);
const expand = (c: Coefficient, length: number): Float64Array => (typeof c === "number" ? new Float64Array(length).fill(c) : c);

/** The drafts of the layers, made one after the other. */
class Assembly {
  readonly drafts: Draft[] = [];
  /** offset + scale·x that waits for weights to come. */
  private pending: { scale: Coefficient; offset: Coefficient } | undefined;

  constructor(private width: number, private readonly spend: (count: number) => void) {}

  private get last(): Draft | undefined {
    return this.drafts[this.drafts.length - 1];
  }

  /** The dense layer before, past dropouts, that has no activation yet. */
  private bareDense(): DenseDraft | undefined {
    let i = this.drafts.length - 1;
    while (i >= 0 && this.drafts[i].kind === "dropout") i--;
    const draft = this.drafts[i];
    return draft?.kind === "dense" && draft.activation === undefined ? draft : undefined;
  }

  affine(scale: Coefficient, offset: Coefficient): void {
    const changes = !all(scale, offset, (s, o) => s === 1 && o === 0);
    if (!changes) return;
    if (this.pending !== undefined) {
      this.pending = { scale: combine(this.pending.scale, scale, (a, b) => a * b), offset: combine(combine(this.pending.offset, scale, (a, b) => a * b), offset, (a, b) => a + b) };
      return;
    }
    const { last } = this;
    if (last?.kind === "dense" && last.activation === undefined) scaleDense(last, scale, offset);
    else if (last?.kind === "batchNorm" || last?.kind === "layerNorm") {
      last.gain = last.gain.map((value, i) => value * at(scale, i));
      last.shift = last.shift.map((value, i) => value * at(scale, i) + at(offset, i));
    } else this.pending = { scale, offset };
  }

  dense(place: string, units: number, weightOf: (j: number, k: number) => number, bias: Coefficient | undefined): void {
    const inputs = this.width;
    this.spend(units * inputs);
    if (this.drafts.length >= MOST_LAYERS) throw refuse(place, `at most ${MOST_LAYERS} layers`, "one more");
    const weights = new Float64Array(units * inputs);
    const biases = bias === undefined && this.pending === undefined ? undefined : expand(bias ?? 0, units).slice();
    for (let j = 0, i = 0; j < units; j++) {
      for (let k = 0; k < inputs; k++, i++) {
        const weight = weightOf(j, k);
        if (this.pending === undefined) weights[i] = weight;
        else {
          weights[i] = weight * at(this.pending.scale, k);
          biases![j] += weight * at(this.pending.offset, k);
        }
      }
    }
    this.pending = undefined;
    this.drafts.push({ kind: "dense", place, inputs, units, weights, biases, activation: undefined, activationPlace: "", slopes: undefined });
    this.width = units;
  }

  /** A dense layer that leaves its inputs as they are, but for what is pending. */
  private identity(place: string): DenseDraft {
    if (this.width > WIDEST_IDENTITY) throw refuse(place, `weights before it, or at most ${WIDEST_IDENTITY} units`, `${this.width} units`);
    this.dense(place, this.width, (j, k) => (j === k ? 1 : 0), undefined);
    return this.last as DenseDraft;
  }

  /** Lets what is pending be done before something that cannot take it in. */
  settle(place: string): void {
    if (this.pending !== undefined) this.identity(place);
  }

  activation(place: string, spec: ActivationSpec, slopes?: Coefficient): void {
    this.settle(place);
    const [before, norm] = this.drafts.slice(-2);
    if (norm?.kind === "batchNorm" && before.kind === "dense" && before.activation === undefined) {
      this.drafts.pop();
      const scale = norm.gain.map((gain, i) => gain / Math.sqrt(norm.variance![i] + norm.epsilon));
      scaleDense(before, scale, norm.shift.map((shift, i) => shift - norm.mean![i] * scale[i]));
    }
    const layer = this.bareDense() ?? this.identity(place);
    layer.activation = spec;
    layer.activationPlace = place;
    if (slopes !== undefined) layer.slopes = spec.name === "prelu" && spec.shared ? Float64Array.of(at(slopes, 0)) : expand(slopes, this.width);
  }

  norm(draft: NormDraft): void {
    this.settle(draft.place);
    this.drafts.push(draft);
  }

  dropout(draft: DropoutDraft): void {
    this.settle(draft.place);
    this.drafts.push(draft);
  }

  /** [0, x] in place of x. */
  pair(place: string): void {
    this.settle(place);
    const { last } = this;
    if (last?.kind !== "dense" || last.activation !== undefined) return this.dense(place, 2, (j) => j, undefined);
    last.weights = Float64Array.from([...new Float64Array(last.inputs), ...last.weights]);
    last.biases = last.biases && Float64Array.of(0, last.biases[0]);
    last.units = this.width = 2;
  }
}

function scaleDense(layer: DenseDraft, scale: Coefficient, offset: Coefficient): void {
  const { inputs, units, weights } = layer;
  for (let j = 0; j < units; j++) {
    for (let k = 0; k < inputs; k++) weights[j * inputs + k] *= at(scale, j);
  }
  const biases = layer.biases ?? new Float64Array(units);
  if (layer.biases !== undefined || !all(offset, 0, (o) => o === 0)) layer.biases = biases.map((bias, j) => bias * at(scale, j) + at(offset, j));
}

/** clamp(x, low, high) as an activation between scalings: f = outScale·activation(inScale·x + inOffset) + outOffset. */
function clampForm(of: Batch, low: number, high: number): { spec: ActivationSpec; inScale: number; inOffset: number; outScale: number; outOffset: number } {
  const plain = { inScale: 1, inOffset: 0, outScale: 1, outOffset: 0 };
  if (high === Infinity) return { ...plain, spec: relu(), inOffset: -low, outOffset: low };
  if (low === -Infinity) return { spec: relu(), inScale: -1, inOffset: high, outScale: -1, outOffset: high };
  if (low === 0 && all(of.terms[0], high / 2, near)) return { ...plain, spec: hardSigmoid(), inScale: 6 / high, inOffset: -3, outScale: high };
  if (low === 0 && high === 6) return { ...plain, spec: relu6() };
  const middle = (low + high) / 2;
  const half = (high - low) / 2;
  return { spec: hardTanh(), inScale: 1 / half, inOffset: -middle / half, outScale: half, outOffset: middle };
}

/** The chain of atoms from the input to the value. */
function chainOf(output: Batch): Batch[] {
  const chain: Batch[] = [];
  for (let value: Batch | undefined = output; value !== undefined; ) {
    chain.push(value);
    const atom: Atom = value.atom;
    value = atom.kind === "input" ? undefined : atom.of;
  }
  return chain.reverse();
}

const names = { erf: "Erf", abs: "Abs", mean: "ReduceMean", centred: "Sub", variance: "ReduceMean", deviation: "Sqrt" } as const;

function draftLayers(output: Batch, inputs: number, spend: (count: number) => void, subject: string): Draft[] {
  const assembly = new Assembly(inputs, spend);
  for (const value of chainOf(output)) {
    const { atom } = value;
    const affine = affineOf(value);
    const place = atom.kind === "input" ? `${subject}: the input` : atom.place;
    if (affine === undefined) throw refuse(place, "powers as a part of GELU or LayerNormalization alone", "others");
    switch (atom.kind) {
      case "input":
        break;
      case "dense":
        assembly.dense(place, atom.units, (j, k) => atom.alpha * atom.data[j * atom.rowStride + k * atom.columnStride], atom.bias);
        break;
      case "activation":
        assembly.activation(place, atom.spec, atom.slopes);
        break;
      case "clamp": {
        const { spec, inScale, inOffset, outScale, outOffset } = clampForm(atom.of, atom.low, atom.high);
        assembly.affine(inScale, inOffset);
        assembly.activation(place, spec);
        assembly.affine(outScale, outOffset);
        break;
      }
      case "batchNorm": {
        const { epsilon, momentum, gain, shift, mean, variance } = atom;
        assembly.norm({ kind: "batchNorm", place, units: gain.length, epsilon, momentum, gain, shift, mean, variance });
        break;
      }
      case "layerNorm": {
        const units = widthOf(value);
        const { epsilon, gain = new Float64Array(units).fill(1), shift = new Float64Array(units) } = atom;
        assembly.norm({ kind: "layerNorm", place, units, epsilon, momentum: 0, gain, shift, mean: undefined, variance: undefined });
        break;
      }
      case "dropout":
        assembly.dropout({ kind: "dropout", place, rate: atom.rate });
        break;
      case "pair":
        assembly.pair(place);
        break;
      default:
        throw refuse(place, "a sub-graph of an activation or a normalisation", `${names[atom.kind]} by itself`, "unsupportedOperator");
    }
    if (!isBare(value)) assembly.affine(affine.scale, affine.offset);
  }
  assembly.settle(`${subject}: the output`);
  return assembly.drafts;
}

/** The shortest decimal that rounds to the same f32, so that 0.01 comes back as 0.01. */
export function shortest(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const rounded = Number(value.toPrecision(digits));
    if (Math.fround(rounded) === Math.fround(value)) return rounded;
  }
  return value;
}

function specOf(draft: Draft): LayerSpec {
  switch (draft.kind) {
    case "dense":
      return dense(draft.units, { activation: draft.activation === undefined ? "linear" : tidy(draft.activation), bias: draft.biases !== undefined });
    case "batchNorm":
      return batchNorm({ epsilon: shortest(draft.epsilon), momentum: shortest(draft.momentum) });
    case "layerNorm":
      return layerNorm({ epsilon: shortest(draft.epsilon) });
    case "dropout":
      return dropout(shortest(draft.rate));
  }
}

function tidy(spec: ActivationSpec): ActivationSpec {
  switch (spec.name) {
    case "leakyRelu":
      return leakyRelu({ slope: shortest(spec.slope) });
    case "elu":
      return elu({ alpha: shortest(spec.alpha) });
    case "prelu":
      return prelu({ shared: spec.shared });
    case "gelu":
      return gelu({ approximate: spec.approximate });
    default:
      return spec;
  }
}

/**
 * The network whose output the value is.
 * @throws {ModelFormatError} naming the node, if it is none
 */
export async function assemble(output: Batch, inputs: number, spend: (count: number) => void, subject: string): Promise<Network> {
  const drafts = draftLayers(output, inputs, spend, subject);
  const softmax = drafts.findIndex((draft) => draft.kind === "dense" && draft.activation?.name === "softmax");
  if (softmax >= 0 && softmax < drafts.length - 1) throw refuse((drafts[softmax] as DenseDraft).activationPlace, "softmax as the last layer", "one before others");
  if (!drafts.some(({ kind }) => kind === "dense")) throw new ModelFormatError("unsupportedGraph", `${subject}: the graph: expected a dense layer (Gemm, MatMul) at least, got none`);
  let network: Network;
  try {
    network = await Network.create({ inputs, layers: drafts.map(specOf) });
  } catch (cause) {
    if (!(cause instanceof TypeError || cause instanceof RangeError)) throw cause;
    throw new ModelFormatError("unsupportedGraph", `${subject}: the graph: ${cause.message}`);
  }
  drafts.forEach((draft, i) => {
    const layer = network.layers[i];
    if (draft.kind === "dense") {
      fill(draft.place, "weights", layer.weights, draft.weights);
      if (draft.biases !== undefined) fill(draft.place, "biases", layer.biases, draft.biases);
      if (draft.slopes !== undefined) fill(draft.place, "slopes", layer.slopes!, draft.slopes);
    } else if (draft.kind !== "dropout") {
      fill(draft.place, "scale", layer.gain!, draft.gain);
      fill(draft.place, "B", layer.shift!, draft.shift);
      if (draft.kind === "batchNorm") {
        fill(draft.place, "mean", layer.runningMean!, draft.mean!);
        fill(draft.place, "var", layer.runningVariance!, draft.variance!);
      }
    }
  });
  return network;
}

function fill(place: string, what: string, view: Float32Array, values: Float64Array): void {
  view.set(values);
  const bad = view.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) throw refuse(`${place}, ${what}`, "numbers that are finite in f32", `${values[bad]}`, "notFinite");
}
