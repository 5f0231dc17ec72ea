// Types of tabs.mjs, for the tests.

export interface Tab {
  /** What went wrong so far: errors and warnings in the console, uncaught errors, requests that failed. */
  readonly problems: string[];
  goto(url: string): Promise<void>;
  /** The value of an expression, awaited, as JSON carries it. @throws what the page throws */
  evaluate(expression: string): Promise<any>;
  /** Brings the tab to the front. */
  show(): Promise<void>;
  /** A PNG. */
  screenshot(options: { width: number; height: number; scheme?: "light" | "dark" }): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface Browser {
  readonly name: string;
  readonly version: string;
  open(url?: string): Promise<Tab>;
  close(): Promise<void>;
}

export function launchChromium(parameters?: string[]): Promise<Browser>;
export function launchFirefox(): Promise<Browser>;
export const launchers: Readonly<Record<"Chromium" | "Firefox", () => Promise<Browser>>>;
