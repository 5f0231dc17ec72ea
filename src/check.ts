// The argument checks and the one form of every error message:
//
//   <subject>: expected <constraint>, got <value>. <what to do>
//
// A TypeError says that a value is of the wrong kind, a RangeError that it is of the right kind with a wrong value or shape,
// an Error that the state is wrong. Checks read each property of what they are given once and hand back what they read, so
// that what was checked is what is used. Nothing here knows a layer or a loss.

/** A model file that is refused: `code` names the rule that it breaks, `message` says what is wrong with it. */
export class ModelFormatError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }

  static {
    Object.defineProperty(this.prototype, "name", { value: "ModelFormatError", configurable: true, writable: true });
  }
}

/** Where training left the finite numbers, and what to do. `epoch` and `step` count from 1, `layer` from 0; undefined where it is not known. */
export interface Divergence {
  readonly epoch: number;
  readonly step?: number;
  readonly layer?: number;
  readonly advice: string;
}

/** Training that left the finite numbers: `epoch` is the first that is not finite; `message` ends in `advice`. */
export class DivergenceError extends Error {
  readonly epoch: number;
  readonly step: number | undefined;
  readonly layer: number | undefined;
  readonly advice: string;

  constructor(what: string, { epoch, step, layer, advice }: Divergence) {
    super(`${what}. ${advice}`);
    this.epoch = epoch;
    this.step = step;
    this.layer = layer;
    this.advice = advice;
  }

  static {
    Object.defineProperty(this.prototype, "name", { value: "DivergenceError", configurable: true, writable: true });
  }
}

/** Magnitudes from here on round to infinity in f32: 2^128 − 2^103, half a step above the largest finite f32. */
export const F32_OVERFLOW = 2 ** 128 - 2 ** 103;

/** The longest piece of a user's string that a message repeats, in UTF-16 units. */
const LONGEST_QUOTE = 40;

/** The name of a key below a subject: `layers[2]` and `units` give `layers[2].units`, the bare name of a call gives `dense: units`. */
export function at(subject: string, key: string): string {
  return /[.[\]:]/.test(subject) ? `${subject}.${key}` : `${subject}: ${key}`;
}

/** The message of a refusal; `got` stands in it as it is. */
export function refusal(subject: string, expected: string, got: string, advice = ""): string {
  return `${subject}: expected ${expected}, got ${got}${advice === "" ? "" : `. ${advice}`}`;
}

/** The TypeError for a value of the wrong kind. */
export function wrongKind(subject: string, expected: string, value: unknown, advice = ""): TypeError {
  return new TypeError(refusal(subject, expected, describeValue(value), advice));
}

/** The RangeError for a value of the right kind that is not allowed. */
export function wrongValue(subject: string, expected: string, value: unknown, advice = ""): RangeError {
  return new RangeError(refusal(subject, expected, describeValue(value), advice));
}

/** What a message says of any value: short, on one line, without a control character. Never throws and runs no `toString` of the value. */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "bigint":
      return value > -(10n ** 20n) && value < 10n ** 20n ? `${value}n` : "a BigInt of more than 20 digits";
    case "symbol":
      return "a symbol";
    case "function":
      return "a function";
    case "object":
      return value === null ? "null" : describeObject(value);
    default:
      return String(value);
  }
}

function describeObject(value: object): string {
  try {
    if (Array.isArray(value)) return `an array of ${value.length}`;
    const typed = typedArrayName(value);
    if (typed !== undefined) return `${typed.startsWith("Int") ? "an" : "a"} ${typed} of ${(value as Uint8Array).length}`;
    const tag = Object.prototype.toString.call(value).slice(8, -1);
    if (/^(ArrayBuffer|AsyncGenerator|Error)$/.test(tag)) return `an ${tag}`;
    if (/^(Date|DataView|Generator|Map|Promise|RegExp|Set|SharedArrayBuffer)$/.test(tag)) return `a ${tag}`;
  } catch {
    // A revoked proxy or a throwing getter: an object is all that can be said of it.
  }
  return "an object";
}

/** A string in single quotes, cut where it is long; quotes, control and formatting characters and lone surrogates are escaped. */
function quote(text: string): string {
  const cut = text.length > LONGEST_QUOTE;
  const shown = cut ? text.slice(0, LONGEST_QUOTE) : text;
  const safe = shown.replace(/['\\]|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) =>
    character === "'" || character === "\\" ? `\\${character}` : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  );
  return cut ? `'${safe}…' (${text.length} characters)` : `'${safe}'`;
}

const typedArrayTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)!.get!;

/** "Float32Array" and the like for a typed array of any realm, undefined for anything else, a DataView included. */
export function typedArrayName(value: unknown): string | undefined {
  return typedArrayTag.call(value);
}

/** The one of `names` that `name` most likely stands for, or undefined if none is close. Case, spaces, `-` and `_` do not count. */
export function nearestName(name: string, names: readonly string[]): string | undefined {
  const wanted = plainLetters(name);
  if (wanted === "" || name.length > 64) return undefined;
  let nearest: string | undefined;
  let best = Infinity;
  for (const candidate of names) {
    const letters = plainLetters(candidate);
    const distance = editDistance(wanted, letters);
    const close = Math.max(1, Math.floor(Math.max(wanted.length, letters.length) / 3));
    if (distance <= close && distance < best && distance < letters.length) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

function plainLetters(name: string): string {
  return name.toLowerCase().replace(/[\s_-]/g, "");
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b` (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) row[j] = Math.min(row[j], beforeLast[j - 2] + 1);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}

/** `Did you mean 'relu'?`, or nothing if no name is close. */
export function didYouMean(name: string, names: readonly string[]): string {
  const nearest = nearestName(name, names);
  return nearest === undefined ? "" : `Did you mean '${nearest}'?`;
}

/** `'a', 'b', 'c'`. */
export function listNames(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(", ");
}

/**
 * Checks that `object` is a plain object without other own keys than `allowed`, and hands back its own values in an object
 * without a prototype: each is read once, and nothing is inherited.
 * @throws {TypeError} if it is no plain object, or has an unknown own key (`__proto__` and symbols among them)
 */
export function checkKeys(subject: string, object: unknown, allowed: readonly string[]): Record<string, unknown> {
  const values = ownValues(subject, object, "an object of options");
  for (const key of Reflect.ownKeys(values)) {
    if (typeof key === "string" && allowed.includes(key)) continue;
    const expected = allowed.length === 0 ? "no options" : `no options but ${listNames(allowed)}`;
    throw wrongKind(subject, expected, key, typeof key === "string" ? didYouMean(key, allowed) : "");
  }
  return values;
}

/** The own values of a plain object, each read once, in an object without a prototype. @throws {TypeError} if it is no plain object */
function ownValues(subject: string, object: unknown, expected: string): Record<string, unknown> {
  if (!isPlainObject(object)) throw wrongKind(subject, expected, object);
  const values: Record<PropertyKey, unknown> = Object.create(null);
  for (const key of Reflect.ownKeys(object)) values[key] = object[key];
  return values;
}

/** Array.isArray, for which a revoked proxy is none. */
export function isArray(data: unknown): data is readonly unknown[] {
  try {
    return Array.isArray(data);
  } catch {
    return false;
  }
}

/** Whether the value is an object literal of any realm, or an object without a prototype: no array, no instance of a class. */
export function isPlainObject(value: unknown): value is Record<PropertyKey, unknown> {
  if (typeof value !== "object" || value === null) return false;
  try {
    if (Array.isArray(value)) return false;
    const prototype: object | null = Object.getPrototypeOf(value);
    return prototype === null || (Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, "isPrototypeOf"));
  } catch {
    return false;
  }
}

/**
 * Takes apart what stands for one of several named things: its name alone, or an object with `name` and parameters.
 * @throws {TypeError} if it is neither
 * @throws {RangeError} if the name is not one of `names`
 */
export function splitSpec<N extends string>(subject: string, value: unknown, names: readonly N[]): { name: N; options: Record<string, unknown> } {
  if (typeof value === "string") return { name: checkName(subject, value, names), options: Object.create(null) };
  if (typeof value === "function" && names.includes(value.name as N)) {
    throw wrongKind(subject, `one of ${listNames(names)}`, value, `Call it: ${value.name}()`);
  }
  const options = ownValues(subject, value, `one of ${listNames(names)}, or what a function of that name returns`);
  const name = checkName(at(subject, "name"), options.name, names);
  delete options.name;
  return { name, options };
}

/** Checks that the value is an integer from `min` to `max`. @throws {TypeError} if it is no number @throws {RangeError} otherwise */
export function checkInteger(subject: string, value: unknown, min: number, max: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return value + 0;
  const expected = `an integer from ${min} to ${max}`;
  throw typeof value === "number" ? wrongValue(subject, expected, value) : wrongKind(subject, expected, value);
}

/** Bounds of a number: `min` and `max` are allowed values, `above` and `below` are not. */
export interface Limits {
  readonly min?: number;
  readonly max?: number;
  readonly above?: number;
  readonly below?: number;
}

/**
 * Checks that the value is a number within the limits and that it is finite in f32. The strict limits hold for its f32
 * rounding too, since that is what the core sees: 1 − 1e-12 is not below 1.
 * @throws {TypeError} if it is no number
 * @throws {RangeError} if it is not finite, overflows f32 or is outside the limits
 */
export function checkFinite(subject: string, value: unknown, limits: Limits = {}): number {
  const { min = -Infinity, max = Infinity, above = -Infinity, below = Infinity } = limits;
  if (typeof value !== "number") throw wrongKind(subject, describeLimits(limits), value);
  if (Number.isFinite(value) && Math.abs(value) >= F32_OVERFLOW) throw wrongValue(subject, `${describeLimits(limits)} (finite in f32)`, value);
  const inside = value >= min && value <= max && value > above && value < below;
  if (!Number.isFinite(value) || !inside) throw wrongValue(subject, describeLimits(limits), value);
  const rounded = Math.fround(value);
  if (!(rounded > above && rounded < below)) throw wrongValue(subject, `${describeLimits(limits)} (in f32 too)`, value);
  return value;
}

function describeLimits({ min, max, above, below }: Limits): string {
  const lower = min !== undefined ? ` from ${min}` : above !== undefined ? ` above ${above}` : "";
  const upper = max !== undefined ? ` to ${max}` : below !== undefined ? `${lower === "" ? "" : " and"} below ${below}` : "";
  return `a finite number${lower}${upper === "" && min !== undefined ? " up" : upper}`;
}

/** Checks that the value is true or false. @throws {TypeError} */
export function checkBoolean(subject: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw wrongKind(subject, "true or false", value);
  return value;
}

/** Checks that the value is a function. @throws {TypeError} */
export function checkFunction<F extends (...values: never[]) => unknown>(subject: string, value: unknown): F {
  if (typeof value !== "function") throw wrongKind(subject, "a function", value);
  return value as F;
}

/** Checks that the value is one of the names. @throws {TypeError} if it is no string @throws {RangeError} with the nearest name otherwise */
export function checkName<N extends string>(subject: string, value: unknown, names: readonly N[]): N {
  const expected = names.length === 1 ? `'${names[0]}'` : `one of ${listNames(names)}`;
  if (typeof value !== "string") throw wrongKind(subject, expected, value);
  if (!names.includes(value as N)) throw wrongValue(subject, expected, value, didYouMean(value, names));
  return value as N;
}

/** Index of the first value that is not finite, or −1. */
export function firstNonFinite(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (values[i] - values[i] !== 0) return i;
  return -1;
}
