// Changes of a file: of its bytes without knowing what they are, of the header's text, and of what header and description say, after which the file is
// put together again so that it fails, if it does, deeper than at its length.
const encoder = new TextEncoder();
const decoder = new TextDecoder();

const BYTES = [0, 1, 0x20, 0x22, 0x2c, 0x2d, 0x2e, 0x30, 0x39, 0x3a, 0x5b, 0x5c, 0x5d, 0x65, 0x7b, 0x7d, 0x7f, 0x80, 0xc0, 0xed, 0xff];
const TOKENS = [
  "{", "}", "[", "]", ",", ":", '"', "\\", "\\u0000", "\\ud800", "\\ude00", "\\u005f", "null", "true", "false", "0", "-0", "-1", "1.0", "1e0", "1e400", "4", "8", "1001",
  "4294967296", "9007199254740991", "9007199254740992", "18446744073709551616", '"F32"', '"F64"', '"shape"', '"data_offsets"', '"__proto__"', '"__metadata__"', '"constructor"', "{}", "[]", "  ",
];
const VALUES = [
  null, true, false, 0, -0, 1, -1, 2, 3, 4, 8, 0.5, 1e-320, 1e38, 1e39, 1e308, 1000, 1001, 2 ** 24, 2 ** 24 + 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, "", "0", "x", "\u001b[2J", "\u202e", "__proto__", [], {}, [0],
  [0, 0], "0123456789abcdef",
];
/** Names of the contract: what a value or a `name` may be. */
const NAMES = (
  "dense dropout batchNorm layerNorm linear sigmoid tanh relu leakyRelu prelu softmax elu selu gelu silu mish softplus softsign relu6 hardSigmoid hardTanh exponential zeros ones constant " +
  "uniform normal glorotUniform heNormal lecunNormal orthogonal meanSquaredError meanAbsoluteError huber logCosh binaryCrossEntropy crossEntropy hinge poisson klDivergence sgd rmsprop adagrad " +
  "adam adamw nadam lion stepDecay exponentialDecay cosineDecay oneCycle reduceOnPlateau classification regression numeric text"
).split(" ");
/** Parameters of what has a name. */
const KEYS = (
  "name kind units activation bias weightInit biasInit l1 l2 trainable slope initialSlope shared alpha approximate value low high mean deviation delta labelSmoothing learningRate momentum nesterov " +
  "decay epsilon beta1 beta2 weightDecay momentumDecay initial factor every rate steps final max warmupShare divide finalDivide patience minDelta minimum warmupSteps loss optimizer progress unfinished"
).split(" ");
const FLOATS = [NaN, Infinity, -Infinity, -0, 0, 1e-45, 3.4028234663852886e38, -1];

/** The parts of a file, or undefined where it has none that can be told apart. */
function split(bytes) {
  if (bytes.length < 10) return undefined;
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  if (length > bytes.length - 8) return undefined;
  return { header: decoder.decode(bytes.subarray(8, 8 + length)), data: bytes.subarray(8 + length) };
}

function join(header, data) {
  const text = encoder.encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

function splice(bytes, at, most, inserted) {
  const removed = Math.min(most, bytes.length - at);
  const changed = new Uint8Array(bytes.length - removed + inserted.length);
  changed.set(bytes.subarray(0, at));
  changed.set(inserted, at);
  changed.set(bytes.subarray(at + removed), at + inserted.length);
  return changed;
}

const parse = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Every place of a JSON value that can be replaced: its holder and key. */
function places(value, found = []) {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push([value, key]);
    places(value[key], found);
  }
  return found;
}

/** One change of a JSON value in place. */
function changeValue(value, { below, pick }) {
  const all = places(value);
  if (all.length === 0) return;
  const [holder, key] = pick(all);
  const set = (name, item) => Object.defineProperty(holder, name, { value: item, enumerable: true, configurable: true, writable: true });
  switch (below(9)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 1: {
      const [other, name] = pick(all);
      set(key, structuredClone(other[name]));
      break;
    }
    case 2:
      if (typeof holder[key] === "number") holder[key] += pick([1, -1, 4, -4, 0.5, 2 ** 32]);
      else set(key, structuredClone(pick(VALUES)));
      break;
    case 3: {
      const [, name] = pick(all);
      if (!Array.isArray(holder)) set(name, structuredClone(holder[key]));
      else holder.push(structuredClone(holder[key]));
      break;
    }
    case 4:
      if (Array.isArray(holder)) for (let i = below(1100); i > 0; i--) holder.push(holder[key]);
      else set(pick(["__proto__", "x", "", "layers.0.weight", "toString"]), structuredClone(pick(VALUES)));
      break;
    case 5:
      set(key, below(2) ? pick(NAMES) : { name: pick(NAMES) });
      break;
    case 6:
      if (!Array.isArray(holder)) set(pick(KEYS), structuredClone(pick(VALUES)));
      break;
    default:
      set(key, structuredClone(pick(VALUES)));
  }
}

/** The offsets and shapes of all tensors after each other, as their shapes have it; the data as long as they say, if that is not much. */
function layOut(header, data) {
  let at = 0;
  for (const [name, entry] of Object.entries(header)) {
    if (name === "__metadata__" || !Array.isArray(entry?.shape) || !entry.shape.every(Number.isFinite)) continue;
    const size = entry.shape.reduce((a, b) => a * b, 4);
    entry.data_offsets = [at, at + size];
    at += size;
  }
  if (!(at >= 0 && at < 65536 && Number.isInteger(at))) return data;
  const fitted = new Uint8Array(at);
  fitted.set(data.subarray(0, at));
  return fitted;
}

const byBytes = [
  (bytes, { below }) => { const copy = bytes.slice(); if (copy.length) copy[below(copy.length)] ^= 1 << below(8); return copy; },
  (bytes, { below, pick }) => { const copy = bytes.slice(); if (copy.length) copy[below(copy.length)] = pick(BYTES); return copy; },
  (bytes, { below }) => splice(bytes, below(bytes.length), 0, bytes.subarray(below(bytes.length)).subarray(0, 1 + below(16))),
  (bytes, { below }) => { const at = below(bytes.length); return splice(bytes, at, 1 + below(16), []); },
  (bytes, { below }) => bytes.slice(0, below(bytes.length)),
  (bytes, { below }) => splice(bytes, bytes.length, 0, new Uint8Array(1 + below(9))),
];

const byHeader = [
  ({ header, data }, { below, pick }) => {
    const at = below(header.length);
    return join(header.slice(0, at) + pick(TOKENS) + header.slice(at + below(4)), data);
  },
  ({ header, data }, { pick, below }) => {
    const numbers = [...header.matchAll(/-?\d+(\.\d+)?/g)];
    if (numbers.length === 0) return join(header, data);
    const { index, 0: text } = pick(numbers);
    return join(header.slice(0, index) + (below(2) ? pick(TOKENS) : String(Number(text) + pick([1, -1, 4, -4]))) + header.slice(index + text.length), data);
  },
  ({ header, data }, { below }) => { const from = below(header.length), to = below(header.length); return join(header.slice(0, from) + header.slice(to, to + 1 + below(60)) + header.slice(from), data); },
];

const byValue = [
  (header, data, random) => { changeValue(header, random); return data; },
  (header, data, random) => {
    const metadata = header.__metadata__;
    const key = random.pick(["rosenblatt", "rosenblatt", "rosenblatt.tabular"]);
    const value = parse(metadata?.[key]);
    if (value === undefined) return data;
    for (let i = random.below(3); i >= 0; i--) changeValue(value, random);
    metadata[key] = JSON.stringify(value);
    return data;
  },
  (header, data, random) => { changeValue(header, random); return layOut(header, data); },
  (header, data, { below, pick }) => {
    const copy = data.slice();
    if (copy.length >= 4) new DataView(copy.buffer).setFloat32(4 * below(copy.length >> 2), pick(FLOATS), true);
    return copy;
  },
];

/**
 * A changed copy.
 * @param {Uint8Array} bytes
 * @param {Uint8Array} other another file, to take a piece of
 */
export function mutate(bytes, other, random) {
  const { below, pick } = random;
  const parts = split(bytes);
  const way = below(8);
  if (way === 0 && other.length > 0) return splice(bytes, below(bytes.length), below(40), other.subarray(below(other.length)).subarray(0, 1 + below(40)));
  if (way <= 2 || parts === undefined) return pick(byBytes)(bytes, random);
  if (way === 3) return pick(byHeader)(parts, random);
  const header = parse(parts.header);
  if (typeof header !== "object" || header === null) return pick(byHeader)(parts, random);
  const data = pick(byValue)(header, parts.data, random);
  return join(JSON.stringify(header), data);
}
