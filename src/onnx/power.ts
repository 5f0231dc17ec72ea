// x^y of constants in a model that comes in, such as (variance + ε)^(−1/2), which ends in weights: by the core's own power, so that every engine
// makes the same weights of a file. The squares, roots and reciprocals that exporters write are exactly rounded operations.

import { scratchCore } from "../engine/core.js";

/** x^y as IEEE 754 has it for numbers of either sign; after ready(). The error is below 4e-14 of the result. */
export function power(x: number, y: number): number {
  if (y === 0) return 1;
  if (y === 1) return x;
  if (y === 2) return x * x;
  if (y === -1) return 1 / x;
  if (y === 0.5 && x >= 0) return Math.sqrt(x);
  if (y === -0.5 && x > 0) return 1 / Math.sqrt(x);
  const whole = Math.floor(y) === y;
  if (x < 0 && !whole) return NaN;
  const size = scratchCore(0).exports.pow64(Math.abs(x), y);
  // beyond 2^53 every number is even
  const odd = whole && Math.abs(y) < 2 ** 53 && Math.abs(y) % 2 === 1;
  return odd && (x < 0 || Object.is(x, -0)) ? -size : size;
}
