// The fuzz loop's numbers: xorshift32 (Marsaglia 2003), so that a run is repeated by its seed.

/** @returns {{ below: (n: number) => number, pick: <T>(list: readonly T[]) => T }} integers from 0 to n − 1, and one of a list */
export function randomSource(seed) {
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
  for (let i = 0; i < 16; i++) next();
  const below = (n) => (n <= 1 ? 0 : next() % n);
  return { below, pick: (list) => list[below(list.length)] };
}
