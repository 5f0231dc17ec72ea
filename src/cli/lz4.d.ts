// The one file of hyparquet-compressors that is bundled: its index brings a brotli dictionary, which Node has.

declare module "hyparquet-compressors/src/lz4.js" {
  export function decompressLz4(input: Uint8Array, length: number): Uint8Array;
  export function decompressLz4Raw(input: Uint8Array, length: number): Uint8Array;
}
