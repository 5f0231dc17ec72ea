/** What so many runs with failing workers came to; scripts/worker-kills.mjs. */
export function measureKills(runs: number, seed?: number): Promise<{
  readonly runs: number;
  readonly longestMs: number;
  readonly counts: Readonly<Record<string, { readonly rejected: number; readonly completed: number }>>;
  /** A sentence for each thing that was not as promised. */
  readonly wrong: readonly string[];
}>;
