// Binaries as text, which bundlers carry with the code: LZMA in base64 (scripts/build.mjs). A module of 1.2 kB, assembly/lzma.ts,
// decompresses them, in 2 ms for the core, at once and without a function of the host.

import { decompressor } from "../../build/core-facts.js";

/** A binary in the bundle. */
export interface Embedded {
  /** Bytes of the binary. */
  readonly length: number;
  /** LZMA without a header, in base64. */
  readonly compressed: string;
}

/** A core as a user may give it. */
export type Given = Uint8Array | ArrayBuffer | Response | URL | WebAssembly.Module;

/** Where assembly/lzma.ts reads. */
const DATA = 16384;

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

/** The bytes of an embedded binary. @throws what the engine does where it may not compile */
export function unpack({ length, compressed }: Embedded): Uint8Array<ArrayBuffer> {
  const data = decodeBase64(compressed);
  const { memory, decompress } = new WebAssembly.Instance(new WebAssembly.Module(decodeBase64(decompressor))).exports as {
    memory: WebAssembly.Memory; decompress(to: number, end: number): void;
  };
  const begin = DATA + data.length;
  memory.grow(Math.ceil((begin + length) / 65536));
  new Uint8Array(memory.buffer).set(data, DATA);
  decompress(begin, begin + length);
  return new Uint8Array(memory.buffer.slice(begin, begin + length));
}
