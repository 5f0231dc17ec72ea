// How often something is drawn or computed while training goes on: no more than every so many milliseconds, and never for more than its share of
// the time, so that what takes long on a large network comes less often and leaves the others their pace.

export class Pace {
  private until = 0;

  /** @param share of the time, in (0, 1] @param least ms from one end to the next begin */
  constructor(private readonly share: number, private readonly least = 0) {}

  get due(): boolean {
    return performance.now() >= this.until;
  }

  run<T>(act: () => T): T {
    const began = performance.now();
    const result = act();
    const now = performance.now();
    this.until = now + Math.max(this.least, (now - began) * (1 / this.share - 1));
    return result;
  }

  /** What it took beside. */
  charge(ms: number): void {
    if (ms > 0) this.until += ms * (1 / this.share - 1);
  }

  /** What comes next is due at once. */
  hurry(): void {
    this.until = 0;
  }
}
