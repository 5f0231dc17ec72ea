/** What a command found; scripts/results.mjs. */
export interface Result {
  readonly figure: string;
  readonly passed: boolean;
  readonly size?: number;
  readonly of?: string;
  readonly seconds?: number;
  readonly [more: string]: unknown;
}

export const folder: string;
export const lastFolder: string;
export function replaces(fresh: Result, kept: Result | undefined): boolean;
export function keptResult(name: string, from?: string): Result | undefined;
/** Writes build/reliability/<name>.json, and reliability/<name>.json unless a longer run is kept there. */
export function writeResult(name: string, result: Result, places?: readonly string[]): void;
