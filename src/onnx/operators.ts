// Operators on values of the batch: each takes values to a value (values.ts) or refuses, by the node's name. The pieces in which exporters write GELU,
// SiLU, Mish and layer normalisation are put together here. onnx/onnx, docs/Operators.md.

import { describeValue } from "../check.js";
import { elu, exponential, gelu, hardSigmoid, leakyRelu, mish, prelu, selu, sigmoid, silu, softmax, softplus, softsign, tanh } from "../index.js";
import type { ActivationSpec } from "../index.js";
import { refuse, shortest } from "./assemble.js";
import { MOST_DIMENSIONS, squeezed, unsqueezed } from "./constants.js";
import type { Spend } from "./constants.js";
import { axesOf, unknown } from "./node.js";
import type { Node } from "./node.js";
import { DataType } from "./proto.js";
import { addTerms, affineOf, all, combine, isBare, multiplyTerms, near, ofAtom, proportion, widthOf, withTerms } from "./values.js";
import type { Atom, Batch, Coefficient, Constant, Value } from "./values.js";

/** The constants of Klambauer et al. 2017 as ONNX gives them. */
const SELU_ALPHA = 1.67326319217681884765625;
const SELU_GAMMA = 1.05070102214813232421875;

export class Operators {
  /** Numbers of a sample; 0 while they are not known. */
  inputWidth = 0;

  constructor(private readonly spend: Spend) {}

  /** skl2onnx: the scaler of a pipeline, the probabilities as a map, and what makes labels of them. */
  learned(node: Node, inputs: readonly (Value | undefined)[]): Value {
    const [x] = inputs;
    switch (node.opType) {
      case "ZipMap":
        return x ?? { kind: "label" };
      case "ArrayFeatureExtractor":
      case "Binarizer":
      case "LabelEncoder":
        return { kind: "label" };
      case "Scaler": {
        if (x?.kind !== "batch") break;
        const coefficient = (values: Float64Array): Coefficient => (values.length === 1 ? values[0] : this.perUnit(x, values, node.place));
        const offset = coefficient(node.floats("offset") ?? Float64Array.of(0));
        const scale = coefficient(node.floats("scale") ?? Float64Array.of(1));
        return this.scaled(this.shifted(x, offset, -1), scale);
      }
    }
    throw unknown(node);
  }

  /** An operator on a value of the batch. */
  compute(node: Node, inputs: readonly (Constant | Batch | undefined)[]): Value {
    const { opType } = node;
    const [x, y] = inputs as readonly [Constant | Batch, Constant | Batch | undefined];
    switch (opType) {
      case "Gemm":
      case "MatMul":
        return this.product(node, inputs);
      case "Add":
      case "Sub":
        if (y !== undefined) return this.sum(node, x, y, opType === "Add" ? 1 : -1);
        break;
      case "Mul":
      case "Div":
        if (y !== undefined) return opType === "Mul" ? this.times(node, x, y) : this.quotient(node, x, y);
        break;
      case "Sum":
        if (y !== undefined && inputs.length === 2) return this.sum(node, x, y, 1);
        break;
      case "Max":
      case "Min":
        if (y !== undefined && inputs.length === 2) return this.extremum(node, x, y);
        break;
      case "Concat":
        return this.pair(node, inputs);
    }
    if (x.kind !== "batch") throw unknown(node, `${describeValue(opType).slice(1, -1)} of a constant and the batch`);
    return this.unary(node, x, inputs.slice(1));
  }

  /** An operator on one value of the batch, with constants behind it. */
  private unary(node: Node, x: Batch, rest: readonly (Constant | Batch | undefined)[]): Value {
    const { opType, place } = node;
    const constants = rest.map((value) => (value?.kind === "constant" ? value : undefined));
    const act = (spec: ActivationSpec, of = x): Batch => ofAtom(of, { kind: "activation", place, of, spec });
    switch (opType) {
      case "Identity":
        return x;
      case "Cast": {
        const to = node.int("to", 0);
        if (to !== DataType.float && to !== DataType.double) throw refuse(place, "a cast to f32 or f64", `data type ${to}`);
        return x;
      }
      case "Dropout": {
        const training = constants[1]?.data[0] ?? 0;
        if (training !== 0) throw refuse(place, "inference", "training_mode");
        const rate = constants[0]?.data[0] ?? node.float("ratio", 0.5);
        if (!(rate >= 0 && rate < 1)) throw refuse(place, "a ratio from 0 to below 1", `${rate}`);
        return isBare(x) && x.atom.kind === "input" && x.shape.length > 1 ? x : ofAtom(x, { kind: "dropout", place, of: x, rate });
      }
      case "Flatten":
        if (node.int("axis", 1) !== 1) throw refuse(place, "axis 1, which keeps the batch", `${node.int("axis", 1)}`);
        return { ...x, shape: [widthOf(x)] };
      case "Reshape":
      case "Squeeze":
      case "Unsqueeze":
        return this.reshaped(node, x, constants[0]);
      case "Transpose":
        if (x.shape.length !== 1 || (node.ints("perm") ?? [1, 0]).join() !== "1,0") throw refuse(place, "two dimensions that change places", "others");
        return { ...x, transposed: !x.transposed };
      case "ArgMax":
      case "TopK":
        return { kind: "label" };
      case "Neg":
        return this.scaled(x, -1);
      case "Pow": {
        const exponent = constants[0]?.data.length === 1 ? constants[0].data[0] : NaN;
        const square = exponent === 2 || exponent === 3 ? multiplyTerms(x, x) : undefined;
        const power = exponent === 3 && square !== undefined ? multiplyTerms(square, x) : square;
        if (exponent === 0.5) return this.root(node, x);
        if (power === undefined) throw refuse(place, "a square or cube as a part of GELU or LayerNormalization", `the power ${exponent}`, "unsupportedOperator");
        return power;
      }
      case "Sqrt":
        return this.root(node, x);
      case "ReduceMean":
        return this.mean(node, x, constants[0]);
      case "Sigmoid":
        return act(sigmoid());
      case "Tanh":
        return act(tanh());
      case "Softplus":
        return act(softplus());
      case "Softsign":
        return act(softsign());
      case "Exp":
        return act(exponential());
      case "Mish":
        return act(mish());
      case "LeakyRelu":
        return act(leakyRelu({ slope: node.float("alpha", 0.01) }));
      case "Elu":
        return act(elu({ alpha: node.float("alpha", 1) }));
      case "Celu": {
        const alpha = node.float("alpha", 1);
        return this.scaled(act(elu(), this.scaled(x, 1 / alpha)), alpha);
      }
      case "Selu": {
        const alpha = node.float("alpha", SELU_ALPHA);
        const gamma = node.float("gamma", SELU_GAMMA);
        return near(alpha, SELU_ALPHA) && near(gamma, SELU_GAMMA) ? act(selu()) : this.scaled(act(elu({ alpha: shortest(alpha) })), gamma);
      }
      case "Gelu":
        return act(gelu({ approximate: node.text("approximate", "none") === "tanh" ? "tanh" : "none" }));
      case "Swish": {
        const alpha = node.float("alpha", 1);
        return this.scaled(act(silu(), this.scaled(x, alpha)), 1 / alpha);
      }
      case "HardSigmoid": {
        const alpha = node.float("alpha", 0.2);
        const beta = node.float("beta", 0.5);
        const exact = near(alpha, 1 / 6) && beta === 0.5;
        return act(hardSigmoid(), exact ? x : this.shifted(this.scaled(x, 6 * shortest(alpha)), 6 * (beta - 0.5), 1));
      }
      case "Softmax": {
        const axis = node.int("axis", -1);
        if ((axis !== -1 && axis !== 1) || x.shape.length !== 1 || x.transposed) throw refuse(place, "the softmax of a row", `axis ${axis}`);
        return act(softmax());
      }
      case "PRelu": {
        const slopes = this.coefficient(x, constants[0], place);
        return ofAtom(x, { kind: "activation", place, of: x, spec: prelu({ shared: typeof slopes === "number" }), slopes });
      }
      case "Relu":
        return clamped(x, 0, Infinity, place);
      case "Clip": {
        const bound = (i: number, name: string, otherwise: number): number => (rest[i] === undefined ? node.float(name, otherwise) : (constants[i]?.data[0] ?? NaN));
        return clamped(x, limited(bound(0, "min", -Infinity)), limited(bound(1, "max", Infinity)), place);
      }
      case "Erf":
        return ofAtom(x, { kind: "erf", place, of: x });
      case "Abs":
        return ofAtom(x, { kind: "abs", place, of: x });
      case "BatchNormalization": {
        if (node.int("training_mode", 0) !== 0) throw refuse(place, "inference", "training_mode");
        const [gain, shift, mean, variance] = [0, 1, 2, 3].map((i) => this.perUnit(x, this.listOf(constants[i], place), place));
        const epsilon = node.float("epsilon", 1e-5);
        if (variance.some((value) => !(value + epsilon > 0))) throw refuse(place, "variances from 0 up", "a negative one", "notFinite");
        const momentum = Math.min(1, Math.max(0, shortest(1 - node.float("momentum", 0.9))));
        return ofAtom(x, { kind: "batchNorm", place, of: x, epsilon, momentum, gain, shift, mean, variance });
      }
      case "LayerNormalization": {
        const axis = node.int("axis", -1);
        if ((axis !== -1 && axis !== 1) || x.shape.length !== 1 || x.transposed) throw refuse(place, "the last of two axes", `axis ${axis}`);
        const gain = constants[0] === undefined ? undefined : this.perUnit(x, this.listOf(constants[0], place), place);
        const shift = constants[1] === undefined ? undefined : this.perUnit(x, this.listOf(constants[1], place), place);
        return ofAtom(x, { kind: "layerNorm", place, of: x, epsilon: node.float("epsilon", 1e-5), gain, shift });
      }
      default:
        throw unknown(node);
    }
  }

  private listOf(constant: Constant | undefined, place: string): Float64Array {
    if (constant === undefined) throw refuse(place, "constants behind its input", "none");
    return constant.data;
  }

  /** Numbers of which there is one for each unit. */
  private perUnit(x: Batch, values: Float64Array, place: string): Float64Array {
    this.know(x, values.length);
    const width = this.width(x);
    if (values.length !== width) throw refuse(place, `${width} numbers, one for each unit`, `${values.length}`, "wrongShape");
    this.spend(width);
    return values;
  }

  /** Learns the width of the input from the first constant that goes with it. */
  private know(x: Batch, width: number): void {
    if (this.inputWidth === 0 && this.width(x) === 0) this.inputWidth = width;
  }

  private width(x: Batch): number {
    const width = widthOf(x);
    return width === 0 ? this.inputWidth : width;
  }

  /** A constant beside a value of the batch: one number, or one for each unit. */
  private coefficient(x: Batch, constant: Constant | undefined, place: string): Coefficient {
    if (constant === undefined) throw refuse(place, "a constant", "none");
    const { dims, data } = constant;
    if (data.length === 1) return data[0];
    const lead = x.transposed ? dims.slice(-1) : dims.slice(0, -1);
    const row = lead.every((size) => size === 1) && (!x.transposed || dims.length === 2);
    if (!row || x.shape.length !== 1) throw refuse(place, "a constant for each unit, or one number", `[${dims.join(", ")}]`, "wrongShape");
    return this.perUnit(x, data, place);
  }

  private scaled(x: Batch, scale: Coefficient): Batch {
    return withTerms(x, x.terms.map((term) => combine(term, scale, (a, b) => a * b)));
  }

  private shifted(x: Batch, offset: Coefficient, sign: number): Batch {
    return withTerms(x, [combine(x.terms[0], offset, (a, b) => a + sign * b), ...x.terms.slice(1)]);
  }

  private reshaped(node: Node, x: Batch, constant: Constant | undefined): Batch {
    const { opType, place } = node;
    const old = [NaN, ...x.shape];
    const wanted = opType === "Reshape" ? (constant === undefined ? node.ints("shape") : Array.from(constant.data))
      : opType === "Squeeze" ? squeezed(old, axesOf(node, constant)) : unsqueezed(old, axesOf(node, constant) ?? []);
    if (wanted === undefined || x.transposed || wanted.length > MOST_DIMENSIONS) throw refuse(place, "a constant shape", "none");
    const width = this.width(x);
    const sizes = wanted.map((size, i) => (size === 0 ? (i === 0 ? NaN : (x.shape[i - 1] ?? 0)) : size));
    const [batch, ...others] = sizes;
    const known = others.reduce((product, size) => (size === -1 ? product : product * size), 1);
    const shape = others.map((size) => (size === -1 ? width / known : size));
    // a batch of a fixed size is that of the example that was traced; -1 is the batch where the others make up a sample
    const keeps = shape.reduce((a, b) => a * b, 1) === width && shape.every((size) => Number.isInteger(size)) && (batch === -1 || !(batch < 1)) && !(batch === -1 && others.includes(-1));
    if (!keeps) throw refuse(place, `a shape that keeps the batch and ${width} numbers a sample`, `[${wanted.map((size) => (size !== size ? "batch" : size)).join(", ")}]`);
    return { ...x, shape };
  }

  /** X·W + b, or W·Xᵀ + b of a transposed value. */
  private product(node: Node, [a, b, c]: readonly (Constant | Batch | undefined)[]): Batch {
    const { place, opType } = node;
    const gemm = opType === "Gemm";
    const flipA = gemm && node.int("transA", 0) !== 0;
    const flipB = gemm && node.int("transB", 0) !== 0;
    if (a === undefined || b === undefined || a.kind === b.kind) throw refuse(place, "one constant matrix and one value of the batch", "two values of the batch", "unsupportedOperator");
    const left = a.kind === "batch";
    const of = (left ? a : b) as Batch;
    const matrix = (left ? b : a) as Constant;
    const upright = of.transposed !== (left ? flipA : flipB);
    if (left ? upright : !upright) throw refuse(place, "rows of the batch, or columns of it on the right", "others");
    if (of.shape.length !== 1 || matrix.dims.length !== 2) throw refuse(place, "two dimensions", `${of.shape.length + 1} and ${matrix.dims.length}`, "wrongShape");
    const [rows, columns] = matrix.dims;
    // the matrix as it lies is inputs × units on the right, units × inputs on the left
    const unitsFirst = left ? flipB : !flipA;
    const [units, inputs] = unitsFirst ? [rows, columns] : [columns, rows];
    this.know(of, inputs);
    if (inputs !== this.width(of)) throw refuse(place, `weights for ${this.width(of)} inputs`, `[${matrix.dims.join(", ")}]`, "wrongShape");
    if (units < 1) throw refuse(place, "a unit at least", "none", "wrongShape");
    const [rowStride, columnStride] = unitsFirst ? [columns, 1] : [1, columns];
    const result = { shape: [units], transposed: !left };
    const alpha = gemm ? node.float("alpha", 1) : 1;
    const value = ofAtom(result, { kind: "dense", place, of, inputs, units, data: matrix.data, rowStride, columnStride, alpha, bias: undefined });
    const beta = node.float("beta", 1);
    if (!gemm || c === undefined || beta === 0) return value;
    if (c.kind !== "constant") throw refuse(place, "a constant C", "a value of the batch", "unsupportedOperator");
    return this.biased(value, combine(this.coefficient(value, c, place), beta, (x, y) => x * y));
  }

  /** Weights with a bias are one atom, so that what is computed from their sum is seen to be. */
  private biased(value: Batch, bias: Coefficient): Batch {
    return { ...value, atom: { ...value.atom, bias } as Atom };
  }

  private sum(node: Node, x: Constant | Batch, y: Constant | Batch, sign: number): Batch {
    const { place } = node;
    if (y.kind === "constant") {
      const batch = x as Batch;
      const offset = this.coefficient(batch, y, place);
      const bare = isBare(batch) && batch.atom.kind === "dense" && batch.atom.bias === undefined && y.data.length > 1;
      return bare ? this.biased(batch, combine(offset, sign, (a, b) => a * b)) : this.shifted(batch, offset, sign);
    }
    if (x.kind === "constant") return sign > 0 ? this.sum(node, y, x, 1) : this.shifted(this.scaled(y, -1), this.coefficient(y, x, place), 1);
    if (x.atom === y.atom) return addTerms(x, y, sign);
    const scale = affineOf(y);
    if (sign < 0 && y.atom.kind === "mean" && isBare(y) && sameValue(y.atom.of, x)) return ofAtom(x, { kind: "centred", place, of: x });
    if (scale !== undefined) {
      const split = this.splitRelu(node, x, this.scaled(y, sign));
      if (split !== undefined) return split;
    }
    throw refuse(place, "a sum with a constant", "one of two values of the batch", "unsupportedOperator");
  }

  /** s·relu(z) − t·relu(−z) is s·prelu(z) with the slope t / s: as Keras writes PReLU. */
  private splitRelu({ place }: Node, a: Batch, b: Batch): Batch | undefined {
    const [first, second] = [a, b].map(({ atom }) => atom);
    if (first.kind !== "clamp" || second.kind !== "clamp") return undefined;
    const plain = [a, b].every(({ terms: [offset] }) => all(offset, 0, (o) => o === 0)) && [first, second].every(({ low, high }) => low === 0 && high === Infinity);
    const k = proportion(second.of, first.of);
    if (!plain || k === undefined || !all(k, 0, (value) => value < 0)) return undefined;
    const slopes = combine(combine(b.terms[1], k, (s, factor) => s * factor), a.terms[1], (s, t) => s / t);
    if (!all(slopes, slopes, Number.isFinite)) return undefined;
    const atom: Atom = typeof slopes === "number"
      ? { kind: "activation", place, of: first.of, spec: leakyRelu({ slope: slopes }) }
      : { kind: "activation", place, of: first.of, spec: prelu(), slopes };
    return this.scaled(ofAtom(a, atom), a.terms[1]);
  }

  private times(node: Node, x: Constant | Batch, y: Constant | Batch): Batch {
    if (y.kind === "constant") return this.scaled(x as Batch, this.coefficient(x as Batch, y, node.place));
    if (x.kind === "constant") return this.times(node, y, x);
    const product = x.atom === y.atom ? multiplyTerms(x, y) : (this.gated(node, x, y) ?? this.gated(node, y, x));
    if (product === undefined) throw refuse(node.place, "a product with a constant, or that of GELU, SiLU or Mish", "another of two values of the batch", "unsupportedOperator");
    return product;
  }

  /** z·gate(z): SiLU, Mish and both forms of GELU, wherever their factors stand. */
  private gated({ place }: Node, z: Batch, gate: Batch): Batch | undefined {
    const form = affineOf(gate);
    const { atom } = gate;
    if (form === undefined) return undefined;
    const { scale, offset } = form;
    const act = (spec: ActivationSpec, of: Batch, factor: Coefficient): Batch => this.scaled(ofAtom(z, { kind: "activation", place, of, spec }), combine(factor, scale, (a, b) => a * b));
    const alone = all(offset, 0, (o) => o === 0);
    const halved = all(offset, scale, near);
    if (atom.kind === "activation" && atom.spec.name === "sigmoid" && alone) {
      const k = proportion(z, atom.of);
      return k === undefined ? undefined : act(silu(), atom.of, k);
    }
    if (atom.kind === "activation" && atom.spec.name === "tanh") {
      const inner = atom.of.atom;
      if (alone && isBare(atom.of) && inner.kind === "activation" && inner.spec.name === "softplus") {
        const k = proportion(z, inner.of);
        return k === undefined ? undefined : act(mish(), inner.of, k);
      }
      return halved ? this.tanhGelu(z, atom.of, (of, k) => act(gelu({ approximate: "tanh" }), of, k)) : undefined;
    }
    if (atom.kind === "erf" && halved) {
      const rounded = this.scaled(atom.of, Math.SQRT2);
      // √2 of the file is rounded: z itself, or twice the half of it, is what was meant
      for (const factor of [1, 2]) {
        const of = this.scaled(z, factor);
        const k = proportion(of, rounded);
        if (k !== undefined && all(k, 1, near)) return act(gelu(), of, 2 / factor);
      }
      const k = proportion(z, rounded);
      return k === undefined ? undefined : act(gelu(), rounded, combine(k, 2, (a, b) => a * b));
    }
    return undefined;
  }

  /** Whether `inner` is √(2/π)·(z + 0.044715·z³) of a z to which the factor is proportional. */
  private tanhGelu(factor: Batch, inner: Batch, make: (of: Batch, k: Coefficient) => Batch): Batch | undefined {
    if (inner.atom !== factor.atom || inner.terms.length !== 4 || affineOf(factor) === undefined) return undefined;
    for (const of of [factor, this.scaled(factor, 2)]) {
      const cube = multiplyTerms(multiplyTerms(of, of)!, of)!;
      const wanted = this.scaled(addTerms(of, this.scaled(cube, 0.044715), 1), Math.sqrt(2 / Math.PI));
      const fits = wanted.terms.every((term, i) => all(term, inner.terms[i], (a, b) => Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(a), Math.abs(b))));
      if (!fits) continue;
      const k = proportion(factor, of);
      if (k !== undefined) return make(of, combine(k, 2, (a, b) => a * b));
    }
    return undefined;
  }

  private quotient(node: Node, x: Constant | Batch, y: Constant | Batch): Batch {
    const { place } = node;
    if (y.kind === "constant") return this.scaled(x as Batch, combine(1, this.coefficient(x as Batch, y, place), (a, b) => a / b));
    if (x.kind === "batch" && y.atom.kind === "deviation" && x.atom.kind === "centred" && isBare(y)) {
      const { of, epsilon = 0 } = y.atom;
      if (of === x.atom.of || sameValue(of, x.atom.of)) return withTerms({ ...x, atom: { kind: "layerNorm", place, of, epsilon: shortest(epsilon), gain: undefined, shift: undefined } }, x.terms);
    }
    const form = affineOf(y);
    if (x.kind === "batch" && y.atom.kind === "abs" && form !== undefined && all(form.offset, form.scale, near)) {
      const k = proportion(x, y.atom.of);
      if (k !== undefined) return this.scaled(ofAtom(x, { kind: "activation", place, of: y.atom.of, spec: softsign() }), combine(k, form.scale, (a, b) => a / b));
    }
    throw refuse(place, "a quotient with a constant below, or that of Softsign or LayerNormalization", "another", "unsupportedOperator");
  }

  /** max or min with a constant, or max(z, slope·z). */
  private extremum(node: Node, x: Constant | Batch, y: Constant | Batch): Batch {
    const { place, opType } = node;
    if (x.kind === "constant") return this.extremum(node, y, x);
    if (y.kind === "constant") {
      if (y.data.length !== 1) throw refuse(place, "one number beside the batch", `[${y.dims.join(", ")}]`);
      return opType === "Max" ? clamped(x, limited(y.data[0]), Infinity, place) : clamped(x, -Infinity, limited(y.data[0]), place);
    }
    for (const [z, other] of [[x, y], [y, x]] as const) {
      const slope = proportion(other, z);
      if (opType === "Max" && typeof slope === "number" && slope > 0 && slope < 1) return ofAtom(z, { kind: "activation", place, of: z, spec: leakyRelu({ slope }) });
    }
    throw refuse(place, "a constant beside the batch, or z and slope·z", "two values of the batch", "unsupportedOperator");
  }

  /** [1 − p, p] of p = sigmoid(z), the probabilities of skl2onnx for two classes: a softmax of [0, z]. */
  private pair({ place }: Node, inputs: readonly (Constant | Batch | undefined)[]): Batch {
    const [no, yes] = inputs;
    if (inputs.length === 2 && no?.kind === "batch" && yes?.kind === "batch" && no.atom === yes.atom && isBare(yes) && no.terms.length === 2 && no.terms[0] === 1 && no.terms[1] === -1) {
      const { atom } = yes;
      if (atom.kind === "activation" && atom.spec.name === "sigmoid" && widthOf(yes) === 1) {
        const two = { shape: [2], transposed: false };
        const logits = ofAtom(two, { kind: "pair", place, of: atom.of });
        return ofAtom(two, { kind: "activation", place, of: logits, spec: softmax() });
      }
    }
    throw refuse(place, "1 − p and p of a sigmoid", "others", "unsupportedOperator");
  }

  private mean(node: Node, x: Batch, constant: Constant | undefined): Batch {
    const { place } = node;
    const axes = axesOf(node, constant) ?? [];
    if (axes.length !== 1 || (axes[0] !== -1 && axes[0] !== 1) || node.int("keepdims", 1) !== 1 || x.shape.length !== 1 || x.transposed) {
      throw refuse(place, "the mean of a row as a part of LayerNormalization", "another", "unsupportedOperator");
    }
    const [zero, one, square] = x.terms;
    const squared = x.atom.kind === "centred" && x.terms.length === 3 && zero === 0 && one === 0 && square === 1;
    const atom: Atom = squared ? { kind: "variance", place, of: x.atom.of } : { kind: "mean", place, of: x };
    return ofAtom({ shape: [1], transposed: false }, atom);
  }

  private root({ place }: Node, x: Batch): Batch {
    const form = affineOf(x);
    if (x.atom.kind !== "variance" || form?.scale !== 1 || typeof form.offset !== "number") throw refuse(place, "the root of a variance as a part of LayerNormalization", "another", "unsupportedOperator");
    return ofAtom(x, { kind: "deviation", place, of: x.atom.of, epsilon: form.offset });
  }
}

function sameValue(a: Batch, b: Batch): boolean {
  return a.atom === b.atom && a.terms.length === b.terms.length && a.terms.every((term, i) => term === b.terms[i] || all(term, b.terms[i], (x, y) => x === y));
}

/** Bounds of a Clip that are f32's largest numbers are none. */
function limited(bound: number): number {
  return Math.abs(bound) >= 3.4028234e38 ? Math.sign(bound) * Infinity : bound;
}

/** min(max(low, x), high); two on end are one. */
function clamped(x: Batch, low: number, high: number, place: string): Batch {
  if (!(low < high)) throw refuse(place, "bounds of which the first is below the second", `${low} and ${high}`);
  const { atom } = x;
  if (atom.kind === "clamp" && isBare(x)) {
    const inner = (bound: number): number => Math.min(Math.max(low, bound), high);
    if (inner(atom.low) < inner(atom.high)) return ofAtom(x, { kind: "clamp", place, of: atom.of, low: inner(atom.low), high: inner(atom.high) });
  }
  return low === -Infinity && high === Infinity ? x : ofAtom(x, { kind: "clamp", place, of: x, low, high });
}
