// Types of browser.mjs, for the tests.

export const browserArguments: string[];
export function browserPath(): string;
export function firefoxPath(): string;
export function ensureBrowsers(): void;
