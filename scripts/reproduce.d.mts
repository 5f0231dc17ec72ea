// Types of reproduce.mjs, for the tests.

import type { Browser } from "./tabs.mjs";
import type { Name } from "../test/reproduce/networks.mjs";

export interface Job {
  core?: string;
  memory?: string;
  seed?: number;
  threads?: number | readonly number[];
  epochs?: number;
  repeats?: number;
}

/** The distinct digests of each network, and whether all runs of several threads had shared memory. */
export interface Result {
  digests: Partial<Record<Name, string[]>>;
  shared: boolean;
}

/** What one place came to. */
export interface Row {
  readonly place: string;
  readonly runs: number;
  readonly outcome: string;
}

export function tellsMore(row: Row, kept: Row | undefined): boolean;
export function golden(): Promise<Record<Name, string>>;
export function inProcess(program: string, parameters: readonly string[], library: string, builds: string, job: Job): Promise<Result>;
export function inPage(browser: Browser, url: string, job: Job): Promise<Result>;
export function serve(files?: Record<string, string>): Promise<{ url: string; close(): Promise<void> }>;
export function underLoad(repeats: number, run?: (job: Job) => Promise<Result>): Promise<Result>;
export function fault(result: Result, expected: Record<Name, string>, sharing?: boolean): string | undefined;
