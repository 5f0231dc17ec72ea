// Types of wasm.mjs, for the tests.

export interface Section {
  id: number;
  start: number;
  end: number;
}

export interface Import {
  module: string;
  name: string;
  kind: "function" | "table" | "memory" | "global";
  flagOffset?: number;
  shared?: boolean;
  minimum?: number;
  maximum?: number;
  mutable?: boolean;
}

export function sections(bytes: Uint8Array): Section[];
export function imports(bytes: Uint8Array): Import[];
export function globals(bytes: Uint8Array): { mutable: boolean }[];
export function hasData(bytes: Uint8Array): boolean;
export function opcodes(bytes: Uint8Array): Map<string, number>;
export function relaxedOpcodes(bytes: Uint8Array): string[];
export function vectorOpcodes(bytes: Uint8Array): string[];
export function memoryFlagOffset(bytes: Uint8Array): number;
export function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
