// Binaries as text, which bundlers carry with the code: LZMA in base 91 (scripts/build.mjs). A module of 1.1 kB, assembly/lzma.ts,
// decompresses them, in 2 ms for the core, at once and without a function of the host.
//
// Base 91: 13 bits, the lowest first, are two digits, the lower first. Digits are the printable characters from the space on but " ' \ and `.
// gzip makes 3 % less of it than of base64, and leaves 2 % more than the bytes are.

import { decompressor } from "../../build/core-facts.js";

/** A binary in the bundle. */
export interface Embedded {
  /** Bytes of the binary. */
  readonly length: number;
  /** LZMA without a header, in base 91. */
  readonly compressed: string;
}

/** A core as a user may give it. */
export type Given = Uint8Array | ArrayBuffer | Response | URL | WebAssembly.Module;

/** Where assembly/lzma.ts reads. */
const DATA = 16384;

function decode(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Math.floor((text.length * 13) / 16));
  const digit = (at: number): number => {
    const code = text.charCodeAt(at);
    return code - 32 - +(code > 34) - +(code > 39) - +(code > 92) - +(code > 96);
  };
  for (let i = 0, at = 0, bits = 0, count = 0; i < text.length; i += 2) {
    bits |= (digit(i) + 91 * digit(i + 1)) << count;
    for (count += 13; count >= 8; count -= 8, bits >>= 8) bytes[at++] = bits;
  }
  return bytes;
}

/** The bytes of an embedded binary. @throws what the engine does where it may not compile */
export function unpack({ length, compressed }: Embedded): Uint8Array<ArrayBuffer> {
  const data = decode(compressed);
  const { memory, decompress } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(atob(decompressor), (character) => character.charCodeAt(0)))).exports as {
    memory: WebAssembly.Memory; decompress(to: number, end: number): void;
  };
  const begin = DATA + data.length;
  memory.grow(Math.ceil((begin + length) / 65536));
  new Uint8Array(memory.buffer).set(data, DATA);
  decompress(begin, begin + length);
  return new Uint8Array(memory.buffer.slice(begin, begin + length));
}
