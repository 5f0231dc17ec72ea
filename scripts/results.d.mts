/** Writes build/reliability/<name>.json; scripts/results.mjs. */
export function writeResult(name: string, result: { readonly figure: string; readonly passed: boolean; readonly [more: string]: unknown }): void;
