// A network as the source of one ES module that needs nothing: its weights as base64 of little-endian f32, and plain loops for exactly this
// network, which export predict(input): one sample or several, flat. Only the activations and kinds of layers that it has are written.
//
// The sums are the core's own, in f32 and in its order, which costs nothing beside f64: for several samples one ascending chain of multiply
// and add for each unit (four units side by side hide its latency); for one sample the lanes of assembly/small.ts or assembly/dense.ts. So
// predictions differ from predict's by the last bit of an activation at most, which here is computed in f64 by the engine's Math.

import { refusal } from "../check.js";
import type { ActivationSpec, Portable, PortableLayer } from "./portable.js";

/** The numbers around the network that a table's columns call for; see tabular/export.ts. */
export interface ModulePreparation {
  /** For each input (x − mean) / deviation, in f64; undefined where it stays as it is. A value that is NaN is missing: the mean. */
  readonly columns: readonly ({ readonly mean: number; readonly deviation: number } | undefined)[];
  /** output · deviation + mean, in f64. */
  readonly scale: { readonly mean: number; readonly deviation: number } | undefined;
  /** Further constants that the module exports, by name. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** The most floats of weights: their base64 must fit a string of the engine (2^29 − 24 characters in V8). */
const MOST_FLOATS = 96_000_000;

/** z·Φ(z), Φ by its series of positive terms, 1/2 + φ(z) Σ z^(2n + 1) / (1·3·5 … (2n + 1)); beyond 9 it is 0 or 1 in f64. */
const EXACT_GELU = `{
if (z*z > 81) return M.max(0, z);
let t = z, s = z;
for (let n = 3; t*t > 1e-34; n += 2) s += t *= z*z/n;
return z*(0.5 + s*M.exp(-z*z/2)/M.sqrt(2*M.PI));
}`;

/** f(z) as an expression in z; w[p + j] is the slope of unit j. The constants of selu are those of Klambauer et al. 2017 in f64. */
function expressionOf(spec: ActivationSpec): string {
  switch (spec.name) {
    case "linear":
    case "softmax":
      return "";
    case "sigmoid":
      return "1 / (1 + M.exp(-z))";
    case "tanh":
      return "M.tanh(z)";
    case "relu":
      return "M.max(0, z)";
    case "leakyRelu":
      return `z > 0 ? z : z * ${Math.fround(spec.slope)}`;
    case "prelu":
      return `z > 0 ? z : z * w[p${spec.shared ? "" : " + j"}]`;
    case "elu":
      return `z > 0 ? z : M.expm1(z) * ${Math.fround(spec.alpha)}`;
    case "selu":
      return "1.0507009873554805 * (z > 0 ? z : 1.6732632423543772 * M.expm1(z))";
    case "gelu":
      return spec.approximate === "tanh" ? "z / 2 * (1 + M.tanh(M.sqrt(2 / M.PI) * (z + 0.044715 * z ** 3)))" : EXACT_GELU;
    case "silu":
      return "z / (1 + M.exp(-z))";
    case "mish":
      // tanh(ln(1 + t)) = 1 − 2 / ((1 + t)² + 1)
      return "z * (1 - 2 / ((1 + M.exp(z)) ** 2 + 1))";
    case "softplus":
      return "M.max(z, 0) + M.log1p(M.exp(-M.abs(z)))";
    case "softsign":
      return "z / (1 + M.abs(z))";
    case "relu6":
      return "M.min(M.max(0, z), 6)";
    case "hardSigmoid":
      return "M.min(M.max(0, z / 6 + 0.5), 1)";
    case "hardTanh":
      return "M.min(M.max(-1, z), 1)";
    case "exponential":
      return "M.exp(z)";
  }
}

/** For several samples: four units side by side, each an ascending chain from its bias, which y holds. Those beyond the last are for nothing. */
const MANY = `many = (x, y, k, u, p) => {
for (let j = 0; j < u; j += 4) {
let o = p + j*k, l = o + k, m = l + k, n = m + k, a = y[j], b = y[j+1], c = y[j+2], d = y[j+3];
for (let i = 0; i < k; i++) {
let v = x[i];
a = f(a + f(w[o+i]*v)); b = f(b + f(w[l+i]*v)); c = f(c + f(w[m+i]*v)); d = f(d + f(w[n+i]*v));
}
y[j] = a; y[j+1] = b; y[j+2] = c; y[j+3] = d;
}
},
`;

/**
 * For one sample: each unit by lanes, four in a small layer (smallSingle) and eight in a large one (dotThree), the bias last. Of eight lanes
 * the second four are those that the loop has put aside; what is left behind whole eights goes to them where it is less than four. It reads
 * up to three numbers beyond x, which are 0, and beyond w.
 */
const ONE = `one = (x, y, k, u, p) => {
for (let h = k > 512 || k*u > 4096, j = 0; j < u; j++) {
let a = 0, b = 0, c = 0, d = 0, e = 0, l = 0, m = 0, n = 0, i = 0, t;
while (i < k) {
a = f(a + f(w[p++]*x[i++])); b = f(b + f(w[p++]*x[i++])); c = f(c + f(w[p++]*x[i++])); d = f(d + f(w[p++]*x[i++]));
if (h && (i & 4 || k-i > 3)) { t = a; a = e; e = t; t = b; b = l; l = t; t = c; c = m; m = t; t = d; d = n; n = t; }
}
p += k-i;
a = f(a+e); b = f(b+l); c = f(c+m); d = f(d+n);
y[j] += h ? f(a+c) + f(b+d) : f(a+b) + f(c+d);
}
},
`;

/** Over the outputs, which x holds. */
const SOFTMAX = `let m = x.reduce((a, b) => M.max(a, b)), t = 0;
x = x.map(e => (t += e = M.exp(f(e - m)), e)).map(e => e/t);`;

/** y of a layer, whose arrays begin at p. */
const BATCH_NORM = `(x, y, u, p) => {
for (let j = 0; j < u; j++, p++) y[j] = f(f(x[j] - w[p])*w[p+u]) + w[p+2*u];
}`;

const layerNormSource = (epsilon: number): string =>
  `(x, y, u, p) => {
let m = 0, v = 0;
for (let j = 0; j < u; j++) m += x[j] / u;
for (let j = 0; j < u; j++) v += (x[j] - m)**2 / u;
for (let j = 0; j < u; j++, p++) y[j] = (x[j] - m) / M.sqrt(v + ${epsilon.toExponential()})*w[p] + w[p+u];
}`;

/** The source that is needed for the layers: declarations of what they do, and one row of the table each: units, activation, biases, slopes. */
function describeLayers(layers: readonly PortableLayer[], hasSlopes: boolean): { declarations: string; rows: string[] } {
  const names = new Map<string, string>();
  let declarations = "";
  const nameOf = (source: string, name: string): string => {
    const known = names.get(source);
    if (known !== undefined) return known;
    const used = [...names.values()];
    const fresh = used.includes(name) ? `${name}${used.length}` : name;
    names.set(source, fresh);
    declarations += `${fresh} = ${source},\n`;
    return fresh;
  };
  const row = (units: number, ...cells: (string | number)[]): string => `[${[units, ...cells].slice(0, hasSlopes ? 4 : 3).join(", ")}]`;
  const rows = layers.flatMap((layer) => {
    switch (layer.kind) {
      case "dense": {
        const expression = expressionOf(layer.activation);
        const parameters = layer.slopes === undefined ? "z" : "(z, j, p)";
        const name = expression === "" ? 0 : nameOf(`${parameters} => ${expression}`, layer.activation.name);
        return [row(layer.units, name, layer.biases.length > 0 ? 1 : 0, layer.slopes?.length ?? 0)];
      }
      case "dropout":
        return [];
      default:
        return [row(layer.units, nameOf(layer.kind === "batchNorm" ? BATCH_NORM : layerNormSource(layer.epsilon), layer.kind), arraysOf(layer).length, 0)];
    }
  });
  return { declarations, rows };
}

/** gain/√(variance + epsilon), rounded as batchNormForward does. */
function factorsOf({ gain, runningVariance, epsilon }: PortableLayer & { kind: "batchNorm" }): Float32Array {
  return gain.map((value, j) => value * Math.fround(1 / Math.sqrt(runningVariance[j] + Math.fround(epsilon))));
}

/** The numbers of a layer in the order in which the module reads them. */
function arraysOf(layer: PortableLayer): readonly Float32Array[] {
  switch (layer.kind) {
    case "dense":
      return [layer.biases, layer.weights, ...(layer.slopes === undefined ? [] : [layer.slopes])];
    case "dropout":
      return [];
    case "batchNorm":
      return [layer.runningMean, factorsOf(layer), layer.shift];
    case "layerNorm":
      return [layer.gain, layer.shift];
  }
}

/** Floats that become one piece of base64: a multiple of 3 bytes, so that the pieces join. */
const PIECE_FLOATS = 6144;

/** Little-endian f32 as base64. */
function encodeFloats(arrays: readonly Float32Array[]): string {
  const length = arrays.reduce((total, { length }) => total + length, 0);
  const view = new DataView(new ArrayBuffer(4 * length));
  let at = 0;
  for (const array of arrays) for (const value of array) view.setFloat32(4 * at++, value, true);
  const pieces: string[] = [];
  for (let begin = 0; begin < length; begin += PIECE_FLOATS) {
    const bytes = new Uint8Array(view.buffer, 4 * begin, 4 * Math.min(PIECE_FLOATS, length - begin));
    pieces.push(btoa(String.fromCharCode(...bytes)));
  }
  return pieces.join("");
}

/**
 * The source of the module. The same network gives the same text.
 * @throws {RangeError} if the weights are too many for a text
 */
export function moduleSource({ inputs, outputs, layers }: Portable, subject: string, preparation?: ModulePreparation): string {
  const arrays = layers.flatMap(arraysOf);
  const floats = arrays.reduce((total, { length }) => total + length, 0);
  if (floats > MOST_FLOATS) throw new RangeError(refusal(subject, `at most ${MOST_FLOATS} parameters for one text`, `${floats}`, "Use save"));
  const hasNorms = layers.some(({ kind }) => kind === "batchNorm" || kind === "layerNorm");
  const hasSlopes = layers.some((layer) => layer.kind === "dense" && layer.slopes !== undefined);
  const { declarations, rows } = describeLayers(layers, hasSlopes);
  const last = layers[layers.length - 1];
  const softmax = last.kind === "dense" && last.activation.name === "softmax";
  const prepared = preparation !== undefined;
  const padding = 12 * layers.reduce((most, { units }) => Math.max(most, units), inputs) + 16; // three more units, and four numbers
  const scale = preparation?.scale;
  return [
    `// predict(input): one sample or several of ${inputs} numbers, flat, to ${outputs} each.`,
    `const F=Float32Array,s=atob("${encodeFloats(arrays)}"),b=new Uint8Array(s.length+${padding}),w=new F(b.buffer),M=Math,f=M.fround;`,
    "for(let i=0;i<s.length;i++)b[i]=s.charCodeAt(i);",
    ...(prepared ? [preparationSource(preparation)] : []),
    squeeze(`const ${ONE}${MANY}${declarations}layers = [${rows.join(", ")}];
export function predict(input) {
const l = input?.length, n = l/${inputs};`),
    `if(!(n>0)||n%1)throw RangeError("predict: expected a multiple of ${inputs} numbers, got "+l);`,
    `let o=new ${scale === undefined ? "F" : "Float64Array"}(n*${outputs});`,
    `for(let i=0;i<n;i++){let p=0,k=${inputs},x=new F(k+3);`,
    prepared ? "x.set(F.from(input.slice(i*k,i*k+k),prepare));" : "x.set(input.slice(i*k,i*k+k));",
    `if(!x.every(isFinite))throw TypeError("predict: expected finite numbers${prepared ? ", or NaN where a value is missing" : ""}");`,
    squeeze([
      "for (const r of layers) {",
      `let [u, g, q${hasSlopes ? ", h" : ""}] = r, y = (r[4] ??= new F(u + 3)).fill(0);`,
      ...(hasNorms ? ["if (q > 1) { g(x, y, u, p); p += q*u; } else {"] : []),
      "for (let j = 0; j < u*q;) y[j++] = w[p++];",
      "(n > 1 ? many : one)(x, y, k, u, p);",
      "p += k*u;",
      "if (g) for (let j = 0; j < u; j++) y[j] = g(y[j], j, p);",
      ...(hasSlopes ? ["p += h;"] : []),
      ...(hasNorms ? ["}"] : []),
      "x = y;\nk = u;\n}",
      "x = x.subarray(0, k);",
      ...(softmax ? [SOFTMAX] : []),
      "o.set(x, i*k);\n}",
    ].join("\n")),
    scale === undefined ? "return o;" : `return o.map((y) => y*${scale.deviation} + ${scale.mean});`,
    "}",
    "",
  ].join("\n");
}

/** Code without the spaces that it does not need. It holds no text and no minus before another. */
function squeeze(code: string): string {
  return code.replace(/ *([^\w\s$]) */g, "$1").replace(/(?<=[{;])\n|;?\n?(?=\})/g, "");
}

/** What stands in front of the network: the figures of the columns, and the constants that the module exports. */
function preparationSource({ columns, metadata }: ModulePreparation): string {
  const rows = columns.map((column) => (column === undefined ? "0" : `[${column.mean}, ${column.deviation === 0 ? "Infinity" : column.deviation}]`));
  const constants = Object.entries(metadata).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`);
  return `${constants.join("")}const columns = [${rows.join(", ")}];
const prepare = (x, i) => (columns[i] ? (x !== x ? 0 : (x - columns[i][0]) / columns[i][1]) : x);`;
}
