// A core that the user gives to `configure`: what may be one, its bytes, and whether it is the core of this version. A binary says
// so by its custom section `rosenblatt`, which the build writes: a hash of the sources that it was compiled from.

import { coreSignature } from "../../build/core-facts.js";
import { describeValue, refusal, typedArrayName, wrongKind } from "../check.js";
import type { Given } from "./embedded.js";
import { readFileURL } from "./platform.js";

const SECTION = "rosenblatt";
const SUBJECT = "configure: wasm";
const ADVICE = "Give rosenblatt/core.wasm of this version of the package";

/** What was given is not the core: told as it is, without advice about the host. */
export class GivenCoreError extends Error {
  static {
    Object.defineProperty(this.prototype, "name", { value: "Error", configurable: true, writable: true });
  }
}

/** By the tag, since test runners have realms of their own. */
const hasTag = (value: unknown, tag: string): boolean => Object.prototype.toString.call(value) === `[object ${tag}]`;

/** No type guard: WebAssembly.Module is an empty interface, which every object is. */
export function isModule(value: unknown): boolean {
  return hasTag(value, "WebAssembly.Module");
}

const isResponse = (value: unknown): boolean => hasTag(value, "Response");
const isURL = (value: unknown): boolean => hasTag(value, "URL");

/**
 * Checks what can be checked at once.
 * @throws {TypeError} for what is none of the five kinds
 * @throws {Error} for a response without the binary
 */
export function checkGiven(value: unknown): Given {
  if (isModule(value)) return value as WebAssembly.Module;
  if (isURL(value)) return value as URL;
  if (isResponse(value)) {
    const response = value as Response;
    checkResponse(response);
    if (response.bodyUsed) throw new Error(refusal(SUBJECT, "a response whose body has not been read", "one that has been", "Give it before anything reads it"));
    return response;
  }
  if (hasTag(value, "ArrayBuffer")) return checkBytes(new Uint8Array(value as ArrayBuffer));
  if (typedArrayName(value) === "Uint8Array") return checkBytes(value as Uint8Array);
  const advice = typeof value === "string" ? "Write new URL(address, import.meta.url)" : hasTag(value, "Promise") ? "Await it first" : "";
  throw wrongKind(SUBJECT, "the bytes of rosenblatt/core.wasm, a Response, a URL or a WebAssembly.Module", value, advice);
}

function checkResponse({ ok, status, url }: Response): void {
  if (ok) return;
  throw new GivenCoreError(refusal(SUBJECT, "a response with the binary", `status ${status}${url ? ` of ${url}` : ""}`, "Serve rosenblatt/core.wasm there"));
}

/** A copy of the bytes, if they may be a binary. */
function checkBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (bytes.length < 8 || bytes[0] !== 0 || bytes[1] !== 0x61 || bytes[2] !== 0x73 || bytes[3] !== 0x6d) {
    throw new GivenCoreError(refusal(SUBJECT, "a WebAssembly binary", `${bytes.length} bytes of something else`, ADVICE));
  }
  return new Uint8Array(bytes);
}

/** The bytes of what was given. @throws {GivenCoreError} if they cannot be had, or are no binary that the engine compiles */
export async function readGiven(given: Exclude<Given, WebAssembly.Module>): Promise<Uint8Array<ArrayBuffer>> {
  let bytes: Uint8Array;
  if (isURL(given) || isResponse(given)) {
    const place = given as URL | Response;
    try {
      bytes = await download(place);
    } catch (cause) {
      if (cause instanceof GivenCoreError) throw cause;
      const address = "href" in place ? place.href : place.url || "the response";
      const got = cause instanceof Error ? cause.message : describeValue(cause);
      throw new GivenCoreError(refusal(SUBJECT, "a binary that can be read", `${got} (${address})`, ADVICE), { cause });
    }
  } else bytes = given as Uint8Array;
  const binary = checkBytes(bytes);
  checkSignature(signatureOf(binary));
  return binary;
}

/** The text of the last section, if it is ours. */
function signatureOf(binary: Uint8Array): string | undefined {
  const { length } = coreSignature;
  const text = String.fromCharCode(...binary.subarray(-SECTION.length - length));
  return text.startsWith(SECTION) ? text.slice(SECTION.length) : undefined;
}

async function download(given: URL | Response): Promise<Uint8Array> {
  if ("href" in given) {
    const read = given.protocol === "file:" ? await readFileURL(given) : undefined;
    if (read !== undefined) return read;
  }
  const response = "href" in given ? await fetch(given) : given;
  checkResponse(response);
  return new Uint8Array(await response.arrayBuffer());
}

/** @throws {GivenCoreError} unless the module is the core of this version */
export function checkModule(module: WebAssembly.Module): void {
  const [section] = WebAssembly.Module.customSections(module, SECTION);
  checkSignature(section && String.fromCharCode(...new Uint8Array(section)));
}

function checkSignature(signature: string | undefined): void {
  if (signature === coreSignature) return;
  const got = signature === undefined ? "another WebAssembly module" : `that of another version (${describeValue(signature)})`;
  throw new GivenCoreError(refusal(SUBJECT, `the core of this version of rosenblatt (${coreSignature})`, got, ADVICE));
}
