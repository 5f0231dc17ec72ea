// A strict JSON reader (RFC 8259) for text that comes out of a model file, where JSON.parse would be too trusting.
//
// It differs from JSON.parse in what an attacker could use: objects come back as Maps, so that no key of the file (`__proto__`, `constructor`) ever
// becomes a property of an ordinary object; a key that occurs twice in one object is an error, where JSON.parse silently keeps the last; nesting and
// the number of values are bounded, and keys may be held to a closed list; a number too large for f64 is an error, not Infinity. An escaped surrogate without its partner ("\ud800") is refused unless it is asked
// for, as the safetensors reference does: such a string has no UTF-8 form, so two readers could disagree about it.
//
// One pass over the text, linear in its length for every input. What the values mean is for the caller to check.

import { describeValue, didYouMean, ModelFormatError, refusal } from "../check.js";

export type JSONValue = null | boolean | number | string | readonly JSONValue[] | ReadonlyMap<string, JSONValue>;

export interface JSONOptions {
  /** What the text is, as the first words of every error: `load: the header`. */
  readonly subject: string;
  /** The error code for text that is not JSON, and for a key that is none of `keys`; a repeated key is always `duplicateKey`, too much nesting `tooDeep`, too many values `tooLarge`. */
  readonly invalidCode: string;
  /** Arrays and objects inside each other at most; default 32. */
  readonly maxDepth?: number;
  /**
   * Values of any kind at most, and objects among them, which take the most time and memory; default 250,000 and 20,000. A sound tensor's entry has
   * 50 characters at least, a sound column of a table 60: no sound text of 1 MB comes near.
   */
  readonly maxValues?: number;
  readonly maxObjects?: number;
  /** All keys that objects may have; any by default. */
  readonly keys?: ReadonlySet<string>;
  /** Accept `"\ud800"`, which JSON.stringify writes for a string that is not well-formed UTF-16; default false. */
  readonly loneSurrogates?: boolean;
  /** Only digits that make a safe integer count as a number, all other numbers (1.0, 1e2, -0 too, which other readers refuse) become NaN; default false. */
  readonly countsOnly?: boolean;
}

/**
 * Parses one JSON value that takes up the whole text.
 * @throws {ModelFormatError} with the place and the offending character.
 */
export function parseJSON(text: string, options: JSONOptions): JSONValue {
  const reader = new Reader(text, options);
  reader.skipSpace();
  const value = reader.value(0);
  reader.skipSpace();
  if (reader.at < text.length) reader.refuse("the end of the text");
  return value;
}

const MOST_VALUES = 250_000;
const MOST_OBJECTS = 20_000;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const HEX4 = /^[0-9a-fA-F]{4}$/;
const ESCAPES = '"\\/bfnrtu';
const WORDS = [["true", true], ["false", false], ["null", null]] as const;
const NO_ENTRIES: ReadonlyMap<string, JSONValue> = new Map();
const NO_ITEMS: readonly JSONValue[] = Object.freeze([]);

class Reader {
  at = 0;
  private readonly maxDepth: number;
  /** How many more may come. */
  private values: number;
  private objects: number;

  constructor(private readonly text: string, private readonly options: JSONOptions) {
    this.maxDepth = options.maxDepth ?? 32;
    this.values = options.maxValues ?? MOST_VALUES;
    this.objects = options.maxObjects ?? MOST_OBJECTS;
  }

  /** Any value; `depth` counts the arrays and objects round it. */
  value(depth: number): JSONValue {
    const c = this.text[this.at];
    if (--this.values < 0) this.refuseMore(`${this.options.maxValues ?? MOST_VALUES} values`);
    if (c === '"') return this.string();
    if (c === "{" || c === "[") {
      if (c === "{" && --this.objects < 0) this.refuseMore(`${this.options.maxObjects ?? MOST_OBJECTS} objects`);
      if (depth >= this.maxDepth) {
        throw new ModelFormatError("tooDeep", refusal(this.options.subject, `at most ${this.maxDepth} levels of nesting`, `more at character ${this.at}`));
      }
      return c === "{" ? this.object(depth + 1) : this.array(depth + 1);
    }
    if (c === "-" || (c >= "0" && c <= "9")) return this.number();
    for (const [word, value] of WORDS) {
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    }
    return this.refuse("a JSON value");
  }

  skipSpace(): void {
    for (let c = this.text.charCodeAt(this.at); c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09; ) c = this.text.charCodeAt(++this.at);
  }

  refuse(expected: string, at = this.at): never {
    const got = at < this.text.length ? describeValue(String.fromCodePoint(this.text.codePointAt(at)!)) : "its end";
    throw new ModelFormatError(this.options.invalidCode, refusal(this.options.subject, `${expected} at character ${at}`, got));
  }

  private refuseMore(most: string): never {
    throw new ModelFormatError("tooLarge", refusal(this.options.subject, `at most ${most}`, `more at character ${this.at}`));
  }

  private object(depth: number): ReadonlyMap<string, JSONValue> {
    const { subject, invalidCode, keys } = this.options;
    this.at++;
    this.skipSpace();
    if (this.take("}")) return NO_ENTRIES;
    const entries = new Map<string, JSONValue>();
    for (;;) {
      const keyAt = this.at;
      if (this.text[keyAt] !== '"') this.refuse("a key in double quotes");
      const key = this.string();
      if (keys !== undefined && !keys.has(key)) {
        throw new ModelFormatError(invalidCode, refusal(subject, `a known key at character ${keyAt}`, describeValue(key), didYouMean(key, [...keys])));
      }
      this.skipSpace();
      if (!this.take(":")) this.refuse("':'");
      this.skipSpace();
      const before = entries.size;                    // one look-up instead of two
      entries.set(key, this.value(depth));
      if (entries.size === before) {
        const again = `${describeValue(key)} again at character ${keyAt}`;
        throw new ModelFormatError("duplicateKey", refusal(subject, "each key once in an object", again));
      }
      this.skipSpace();
      if (this.take("}")) return entries;
      if (!this.take(",")) this.refuse("',' or '}'");
      this.skipSpace();
    }
  }

  private array(depth: number): readonly JSONValue[] {
    this.at++;
    this.skipSpace();
    if (this.take("]")) return NO_ITEMS;
    const items: JSONValue[] = [];
    for (;;) {
      items.push(this.value(depth));
      this.skipSpace();
      if (this.take("]")) return items;
      if (!this.take(",")) this.refuse("',' or ']'");
      this.skipSpace();
    }
  }

  private string(): string {
    const start = this.at;
    let end = start + 1;
    let escaped = false;
    let c = this.text.charCodeAt(end);
    for (; c >= 0x20 && c !== 0x22; c = this.text.charCodeAt(end)) {
      if (c === 0x5c) escaped = true;
      end += c === 0x5c ? 2 : 1;
    }
    if (c !== 0x22) this.refuseString(start);
    this.at = end + 1;
    return escaped ? this.unescape(start) : this.text.slice(start + 1, end);
  }

  /** A string with escapes, from `start` up to here. The engine's own reader takes the same ones, 5 times as fast as one in this language. */
  private unescape(start: number): string {
    let text: string;
    try {
      text = JSON.parse(this.text.slice(start, this.at)) as string;
    } catch {
      return this.refuseString(start);
    }
    if (!this.options.loneSurrogates && /\p{Cs}/u.test(text)) this.refuse("a string whose surrogates come in pairs", start);
    return text;
  }

  /** Names what is wrong with the string that begins at `start`, and where. */
  private refuseString(start: number): never {
    for (let at = start + 1; at < this.text.length; at++) {
      const c = this.text[at];
      if (c < " ") this.refuse("an escaped control character", at);
      if (c !== "\\") continue;
      const letter = this.text[at + 1];
      if (letter === "u" && !HEX4.test(this.text.slice(at + 2, at + 6))) this.refuse("'\\u' and four hexadecimal digits", at);
      if (letter !== undefined && !ESCAPES.includes(letter)) this.refuse("one of JSON's escapes", at);
      at++;
    }
    return this.refuse(`the end of the string that began at character ${start}`, this.text.length);
  }

  private number(): number {
    const start = this.at;
    // Up to 15 digits are exact as they are summed up, and what follows decides whether they are all of the number: 3 times as fast as the pattern.
    let end = start;
    let count = 0;
    for (let c = this.text.charCodeAt(end); c >= 0x30 && c <= 0x39; c = this.text.charCodeAt(++end)) count = count * 10 + (c - 0x30);
    const digits = end - start;
    const next = this.text.charCodeAt(end) | 0x20;
    if ((digits === 1 || (digits > 1 && digits <= 15 && this.text[start] !== "0")) && next !== 0x2e && next !== 0x65) {
      this.at = end;
      return count;
    }
    NUMBER.lastIndex = start;
    if (!NUMBER.test(this.text)) this.refuse("a JSON number");
    this.at = NUMBER.lastIndex;
    const value = Number(this.text.slice(start, this.at));
    if (this.options.countsOnly) return this.at === end && digits <= 16 && Number.isSafeInteger(value) ? value : NaN;
    if (value === Infinity || value === -Infinity) this.refuse("a number within the f64 range", start);
    return value;
  }

  private take(c: string): boolean {
    if (this.text[this.at] !== c) return false;
    this.at++;
    return true;
  }
}
