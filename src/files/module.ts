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
      return spec.approximate === "tanh" ? "z / 2 * (1 + M.tanh(M.sqrt(2 / M.PI) * (z + 0.044715 * z ** 3)))" : "z / 2 * (1 + erf(z * M.SQRT1_2))";
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

/** erf by its series of positive terms, 2/√π e^(−x²) Σ x (2x²)^n / (1·3·5 … (2n + 1)); beyond 6 it is ±1 in f64. */
const ERF = `const erf = (x) => {
if (M.abs(x) > 6) return M.sign(x);
let t = x, s = x;
for (let n = 3; M.abs(t) > 1e-17; n += 2) s += t *= 2*x*x/n;
return 2*s*M.exp(-x*x)/M.sqrt(M.PI);
};
`;

/** For several samples: four units side by side, each an ascending chain from its bias, which y holds. */
const MANY = `const many = (x, y, k, u, p) => {
for (let e = p + (u-1)*k, j = 0; j < u; j += 4) {
let o = p + j*k, l = M.min(o + k, e), m = M.min(l + k, e), n = M.min(m + k, e), a = y[j], b = y[j+1], c = y[j+2], d = y[j+3];
for (let i = 0; i < k; i++) {
const v = x[i];
a = f(a + f(w[o+i]*v)); b = f(b + f(w[l+i]*v)); c = f(c + f(w[m+i]*v)); d = f(d + f(w[n+i]*v));
}
y[j] = a; y[j+1] = b; y[j+2] = c; y[j+3] = d;
}
};
`;

/** For one sample: each unit by lanes, four in a small layer (smallSingle) and eight in a large one (dotThree), the bias last. */
const ONE = `const one = (x, y, k, u, p) => {
const h = k > 512 || k*u > 4096, t = k & -8, r = k-t < 4 ? 4 : 0, s = new Float32Array(8);
for (let j = 0; j < u; j++, p += k) {
s.fill(0);
for (let i = 0; i < k; i++) s[h ? i & 7 | (i < t ? 0 : r) : i & 3] += f(w[p+i]*x[i]);
for (let i = 0; i < 4; i++) s[i] += s[i+4];
const [a, b, c, d] = s;
y[j] += h ? f(a+c) + f(b+d) : f(a+b) + f(c+d);
}
};
`;

/** Over the outputs, which x holds. */
const SOFTMAX = `let m = x.reduce((a, b) => M.max(a, b)), t = 0;
for (let j = 0; j < k; j++) t += x[j] = M.exp(f(x[j] - m));
x.forEach((e, j) => x[j] = e / t);`;

/** y of a layer, and where the numbers behind it begin. */
const batchNormSource = (epsilon: number): string =>
  `(x, y, u, p) => {
for (let j = 0; j < u; j++, p++) y[j] = (x[j] - w[p+2*u]) / M.sqrt(w[p+3*u] + ${epsilon})*w[p] + w[p+u];
return p + 3*u;
}`;

const layerNormSource = (epsilon: number): string =>
  `(x, y, u, p) => {
let m = 0, v = 0;
for (let j = 0; j < u; j++) m += x[j] / u;
for (let j = 0; j < u; j++) v += (x[j] - m)**2 / u;
for (let j = 0; j < u; j++, p++) y[j] = (x[j] - m) / M.sqrt(v + ${epsilon})*w[p] + w[p+u];
return p + u;
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
    declarations += `const ${fresh} = ${source};\n`;
    return fresh;
  };
  const row = (units: number, ...cells: (string | number)[]): string => `[${[units, ...cells].slice(0, hasSlopes ? 4 : 3).join(", ")}]`;
  const rows = layers.flatMap((layer) => {
    switch (layer.kind) {
      case "dense": {
        const expression = expressionOf(layer.activation);
        const parameters = layer.slopes === undefined ? "(z)" : "(z, j, p)";
        const name = expression === "" ? 0 : nameOf(`${parameters} => ${expression}`, layer.activation.name);
        return [row(layer.units, name, layer.biases.length > 0 ? 1 : 0, layer.slopes?.length ?? 0)];
      }
      case "dropout":
        return [];
      default:
        return [row(layer.units, nameOf(layer.kind === "batchNorm" ? batchNormSource(layer.epsilon) : layerNormSource(layer.epsilon), layer.kind), 2, 0)];
    }
  });
  if (declarations.includes("erf(")) declarations = ERF + declarations;
  return { declarations, rows };
}

/** The numbers of a layer in the order in which the module reads them. */
function arraysOf(layer: PortableLayer): readonly Float32Array[] {
  switch (layer.kind) {
    case "dense":
      return [layer.biases, layer.weights, ...(layer.slopes === undefined ? [] : [layer.slopes])];
    case "dropout":
      return [];
    case "batchNorm":
      return [layer.gain, layer.shift, layer.runningMean, layer.runningVariance];
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
  const scale = preparation?.scale;
  return [
    `// predict(input): one sample or several of ${inputs} numbers, flat, to ${outputs} each.`,
    `const s=atob("${encodeFloats(arrays)}"),b=new Uint8Array(s.length),w=new Float32Array(b.buffer),M=Math,f=M.fround;`,
    "for(let i=0;i<b.length;i++)b[i]=s.charCodeAt(i);",
    ...(prepared ? [preparationSource(preparation)] : []),
    squeeze(`${ONE}${MANY}${declarations}const layers = [${rows.join(", ")}];
for (const r of layers) r.push(new Float32Array(r[0] + 3));
export function predict(input) {
const n = input?.length / ${inputs};`),
    `if(!(n>0&&n%1==0))throw RangeError("predict: expected a multiple of ${inputs} numbers, got "+input?.length);`,
    `const o=new Float${scale === undefined ? 32 : 64}Array(n*${outputs});`,
    `for(let i=0;i<n;i++){let p=0,k=${inputs},x=Float32Array.from(input.slice(i*k,i*k+k)${prepared ? ",prepare" : ""});`,
    `if(!x.every(Number.isFinite))throw TypeError("predict: expected finite numbers${prepared ? ", or NaN where a value is missing" : ""}");`,
    squeeze([
      `for (const [u, g, q, ${hasSlopes ? "h, " : ""}y] of layers) {`,
      ...(hasNorms ? ["if (q > 1) p = g(x, y, u, p); else {"] : []),
      "for (let j = 0; j < u; j++) y[j] = q ? w[p++] : 0;",
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
  return code.replace(/ *([^\w\s$]) */g, "$1");
}

/** What stands in front of the network: the figures of the columns, and the constants that the module exports. */
function preparationSource({ columns, metadata }: ModulePreparation): string {
  const rows = columns.map((column) => (column === undefined ? "0" : `[${column.mean}, ${column.deviation === 0 ? "Infinity" : column.deviation}]`));
  const constants = Object.entries(metadata).map(([name, value]) => `export const ${name} = ${JSON.stringify(value)};\n`);
  return `${constants.join("")}const columns = [${rows.join(", ")}];
const prepare = (x, i) => (columns[i] ? (x !== x ? 0 : (x - columns[i][0]) / columns[i][1]) : x);`;
}
