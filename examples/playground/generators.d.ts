// Types of generators.js.

export type Pair = [inputs: number[], target: number];
export type Random = () => number;
type Generator = (count: number, noise: number, random: Random, classes: number) => Pair[];

export interface Part {
  inputs: number[][];
  targets: number[];
}

export function randomFrom(seed: number): Random;
export function gaussian(random: Random): number;
export const xor: Generator;
export const circles: Generator;
export const moons: Generator;
export const spiral: Generator;
export const blobs: Generator;
export const wave: Generator;
export const hills: Generator;
export function shuffled<T>(list: readonly T[], random: Random): T[];
export function split(pairs: readonly Pair[], trainingShare: number, standardise: boolean): { training: Part; test: Part; means: number[]; deviations: number[] };
