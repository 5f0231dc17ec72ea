// The stated results at ±0, ±∞, NaN and the edges of the domain, compared with Object.is: the sign of a zero counts.
import { BLOCK } from "./compile.mjs";

const inf = Infinity;

/** [x, f(x)] of each function. */
export const specials = {
  exp: [[0, 1], [-0, 1], [inf, inf], [-inf, 0]],
  log: [[0, -inf], [-0, -inf], [1, 0], [-1, NaN], [-1e-45, NaN], [inf, inf], [-inf, NaN]],
  log1p: [[0, 0], [-0, -0], [-1, -inf], [-1.0000001, NaN], [-inf, NaN], [inf, inf]],
  expm1: [[0, 0], [-0, -0], [inf, inf], [-inf, -1]],
  tanh: [[0, 0], [-0, -0], [inf, 1], [-inf, -1]],
  sigmoid: [[0, 0.5], [-0, 0.5], [inf, 1], [-inf, 0]],
  erf: [[0, 0], [-0, -0], [inf, 1], [-inf, -1]],
  softplus: [[inf, inf], [-inf, 0], [0, Math.fround(Math.LN2)], [-0, Math.fround(Math.LN2)]],
  gelu: [[0, 0], [-0, -0], [inf, inf], [-inf, -0]],
  geluTanh: [[0, 0], [-0, -0], [inf, inf], [-inf, -0]],
  silu: [[0, 0], [-0, -0], [inf, inf], [-inf, -0]],
  mish: [[0, 0], [-0, -0], [inf, inf], [-inf, -0]],
  softsign: [[0, 0], [-0, -0], [inf, 1], [-inf, -1]],
  geluDerivative: [[0, 0.5], [-0, 0.5], [inf, 1], [-inf, -0]],
  geluTanhDerivative: [[0, 0.5], [-0, 0.5], [inf, 1], [-inf, -0]],
  siluDerivative: [[0, 0.5], [-0, 0.5], [inf, 1], [-inf, -0]],
  mishDerivative: [[0, Math.fround(0.6)], [-0, Math.fround(0.6)], [inf, 1], [-inf, 0]],
  sigmoidDerivative: [[0, 0.25], [-0, 0.25], [inf, 0], [-inf, 0]],
  tanhDerivative: [[0, 1], [-0, 1], [inf, 0], [-inf, 0]],
  softplusDerivative: [[0, 0.5], [-0, 0.5], [inf, 1], [-inf, 0]],
  softsignDerivative: [[0, 1], [-0, 1], [inf, 0], [-inf, 0]],
};
/** @returns {string[]} what is wrong: a special result, or a NaN input (every stride-th of the 2²⁴ − 2) whose result is not NaN */
export function wrongSpecials(core, name, stride = 1) {
  const wrong = [];
  const pairs = specials[name];
  core.inputs.fill(0.5);
  for (let i = 0; i < pairs.length; i++) core.inputs[i] = pairs[i][0];
  core.run(name);
  const show = (x) => (Object.is(x, -0) ? "-0" : String(x));
  for (let i = 0; i < pairs.length; i++) {
    const [x, expected] = pairs[i], got = core.results[i];
    if (!Object.is(got, expected)) wrong.push(`${name}(${show(x)}): expected ${show(expected)}, got ${show(got)}`);
  }
  for (let payload = 1; payload < 0x1000000; ) {
    let count = 0;
    for (; count < BLOCK && payload < 0x1000000; count++, payload += stride) {
      core.bits[count] = ((payload & 0x800000) << 8) | 0x7f800000 | (payload & 0x7fffff || 1);
    }
    core.bits.fill(0x7fc00000, count);
    core.run(name);
    for (let i = 0; i < count; i++) {
      if (core.results[i] === core.results[i]) wrong.push(`${name}(NaN ${core.bits[i].toString(16)}): expected NaN, got ${core.results[i]}`);
    }
  }
  return wrong;
}
