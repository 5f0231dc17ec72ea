// Long work in pieces: a generator that yields where the event loop may have its turn, and returns the result. Whoever may not
// wait finishes it in one go; fit runs it in slices of time (train/slices.ts).

/** Work that yields between pieces of at most about a millisecond. */
export type Pieces<T> = Generator<undefined, T, undefined>;

/** Values that are looked at between two yields. */
export const PIECE = 2 ** 16;

/** Does all of the work now. */
export function finish<T>(work: Pieces<T>): T {
  for (;;) {
    const { done, value } = work.next();
    if (done) return value;
  }
}

/** Calls `piece(begin, end)` over 0 … count, `size` at a time, with a yield between. */
export function* inPieces(count: number, size: number, piece: (begin: number, end: number) => void): Pieces<void> {
  for (let begin = 0; begin < count; begin += size) {
    if (begin > 0) yield;
    piece(begin, Math.min(begin + size, count));
  }
}
