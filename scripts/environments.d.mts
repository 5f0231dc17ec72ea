// Types of environments.mjs, for the tests.

export const short: readonly string[];
export function golden(): Promise<string>;
export function pack(folder: string): Promise<string>;
export function runIn(name: string, tarball: string, ownTools?: boolean): Promise<string>;
