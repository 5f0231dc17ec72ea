export interface Core {
  exports: Record<string, (...numbers: number[]) => number>;
  bits: Uint32Array;
  inputs: Float32Array;
  results: Float32Array;
  resultBits: Uint32Array;
  run(name: string): void;
}
export interface Promised {
  ulp: number;
  absolute?: number;
  odd?: boolean;
  monotonic?: boolean;
}
export interface Measured {
  name: string;
  tried: number;
  worst: number;
  at: number;
  worstAbsolute: number;
  absoluteAt: number;
  worstOutside: number;
  outsideAt: number;
  beyond: number;
  firstBeyond: number;
  descents: number;
  firstDescent: number;
  asymmetries: number;
  firstAsymmetry: number;
}
export const BLOCK: number;
export const PLACES: number;
export function compile(): Uint8Array<ArrayBuffer>;
export function instantiate(): Core;
export function bitsAt(place: number): number;
export function placeOf(x: number): number;
export function ulpOf(value: number): number;
export function errorInUlp(got: number, exact: number): number;
export function measure(core: Core, name: string, stride?: number, from?: number, to?: number): Measured;
export const promises: Record<string, Promised>;
export const references: Record<string, (x: number) => number>;
export function erf(x: number): number;
export function erfc(x: number): number;
export const specials: Record<string, [number, number][]>;
export function wrongSpecials(core: Core, name: string, stride?: number): string[];
