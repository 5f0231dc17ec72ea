// Measures a function of assembly/vmath.ts against its f64 reference over the floats, in their numeric order.
import { BLOCK } from "./compile.mjs";
import { references } from "./reference.mjs";

/** What is promised: error in ulp, or an absolute error that also suffices; odd and monotonic where the function is. */
export const promises = {
  exp: { ulp: 1.5, monotonic: true },
  log: { ulp: 1.5 },
  log1p: { ulp: 1.5 },
  expm1: { ulp: 1.5 },
  tanh: { ulp: 1.5, odd: true, monotonic: true },
  sigmoid: { ulp: 1.5, monotonic: true },
  erf: { ulp: 3, absolute: 1e-7, odd: true },
  softplus: { ulp: 3, absolute: 1e-7 },
  gelu: { ulp: 3, absolute: 1e-7 },
  geluTanh: { ulp: 3, absolute: 1e-7 },
  silu: { ulp: 3, absolute: 1e-7 },
  mish: { ulp: 3, absolute: 1e-7 },
  softsign: { ulp: 3, odd: true },
  geluDerivative: { ulp: 4, absolute: 1e-7 },
  geluTanhDerivative: { ulp: 4, absolute: 1e-7 },
  siluDerivative: { ulp: 4, absolute: 1e-7 },
  mishDerivative: { ulp: 4, absolute: 1e-7 },
  sigmoidDerivative: { ulp: 4, absolute: 1e-7 },
  tanhDerivative: { ulp: 4, absolute: 1e-7 },
  softplusDerivative: { ulp: 1.5, monotonic: true },
  softsignDerivative: { ulp: 4 },
};

const MAX = 3.4028234663852886e38;
const scratch = new Float64Array(1);
const words = new Uint32Array(scratch.buffer);
const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/** The distance of neighbouring floats at an exact value: 2^(exponent − 23), 2⁻¹⁴⁹ in the subnormal range, as if without bound above. */
export function ulpOf(value) {
  scratch[0] = value;
  const exponent = ((words[1] >>> 20) & 2047) - 1023;
  if (exponent < -126) return 1.401298464324817e-45;
  words[1] = (exponent - 23 + 1023) << 20;
  words[0] = 0;
  return scratch[0];
}

/** The error of a float against the exact value, in ulp. ∞ counts as 2¹²⁸, the number after the greatest float, and so does what is beyond. */
export function errorInUlp(got, exact) {
  if (got === exact) return 0;
  if (got !== got || exact !== exact) return got !== got && exact !== exact ? 0 : Infinity;
  const top = 2 ** 128;
  const g = got === Infinity ? top : got === -Infinity ? -top : got;
  const e = exact > top ? top : exact < -top ? -top : exact;
  return Math.abs(g - e) / ulpOf(Math.min(Math.abs(e), MAX) * (e < 0 ? -1 : 1));
}

/** The float of a place in numeric order: 0 is −∞, 2·(2²³·255) is +∞, −0 before +0. */
export function bitsAt(place) {
  const half = 0x7f800001;
  return place < half ? (0xff800000 - place) >>> 0 : place - half;
}

/** The place of a float in numeric order. */
export function placeOf(x) {
  single[0] = x;
  const bits = singleBits[0];
  return bits >= 0x80000000 ? 0xff800000 - bits : bits + 0x7f800001;
}
export const PLACES = 2 * 0x7f800001;

/**
 * @param core what instantiate() gives
 * @param name a function of assembly/vmath.ts
 * @param stride every stride-th float in numeric order, from −∞ to +∞; NaN inputs are tried apart
 * @param from, to places in numeric order
 */
export function measure(core, name, stride = 1, from = 0, to = PLACES) {
  const reference = references[name];
  const { absolute = 0, ulp, odd = false, monotonic = false } = promises[name];
  const { bits, inputs, results, resultBits } = core;
  const found = {
    name, tried: 0, worst: 0, at: NaN, worstAbsolute: 0, absoluteAt: NaN, worstOutside: 0, outsideAt: NaN,
    beyond: 0, firstBeyond: NaN, descents: 0, firstDescent: NaN, asymmetries: 0, firstAsymmetry: NaN,
  };
  let previous = -Infinity;
  const forward = odd ? new Uint32Array(BLOCK) : null;
  for (let place = from; place < to; ) {
    let count = 0;
    for (; count < BLOCK && place < to; count++, place += stride) bits[count] = bitsAt(place);
    bits.fill(0, count);
    if (odd) {
      for (let i = 0; i < count; i++) bits[i] ^= 0x80000000;
      core.run(name);
      forward.set(resultBits);
      for (let i = 0; i < count; i++) bits[i] ^= 0x80000000;
    }
    core.run(name);
    found.tried += count;
    for (let i = 0; i < count; i++) {
      const x = inputs[i], got = results[i];
      if (monotonic) {
        if (!(got >= previous)) if (found.descents++ === 0) found.firstDescent = x;
        previous = got;
      }
      if (odd && (forward[i] ^ 0x80000000) >>> 0 !== resultBits[i]) if (found.asymmetries++ === 0) found.firstAsymmetry = x;
      const exact = reference(x);
      if (got === exact) continue;
      const error = errorInUlp(got, exact);
      const difference = Math.abs(got - exact);
      if (error > found.worst) {
        found.worst = error;
        found.at = x;
      }
      if (difference > found.worstAbsolute) {
        found.worstAbsolute = difference;
        found.absoluteAt = x;
      }
      if (!(difference <= absolute) && error > found.worstOutside) {
        found.worstOutside = error;
        found.outsideAt = x;
      }
      if (!(error <= ulp || difference <= absolute)) if (found.beyond++ === 0) found.firstBeyond = x;
    }
  }
  return found;
}
