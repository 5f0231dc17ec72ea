// Types of reliability.mjs, for the tests.

import type { Result } from "./results.mjs";

export const ROWS: readonly (readonly [name: string, claim: string, command: string])[];
export function duration(seconds: number): string;
export function rowOf(row: readonly [name: string, claim: string, command: string], result: Result | undefined): string;
export function documentOf(results: (name: string) => Result | undefined): string;
