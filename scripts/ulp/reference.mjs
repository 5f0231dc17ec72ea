// References in f64 for the functions of assembly/vmath.ts, good to about 1e-13 relative: far below an f32 ulp of 6e-8 to 1.2e-7.
// Math.exp, log, log1p, expm1 and tanh of the host are good to about 1 ulp of f64. erf and erfc are this file's own: below 2.2 a series of erf
// (Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.6), above the continued fraction of erfc (7.1.14) from a fixed term backwards;
// test/vmath.test.ts holds them against mpmath.
const { abs, exp, expm1, log, log1p, tanh, sqrt, PI } = Math;

/** erf x for |x| ≤ 2.2: 2/√π · e^(−x²) · Σ 2ⁿ x^(2n+1)/(1·3·5···(2n+1)), all terms of one sign. */
function erfSeries(x) {
  let term = x, sum = x;
  const square = x * x;
  for (let n = 1; term > sum * 1e-17; n++) sum += term *= (2 * square) / (2 * n + 1);
  return (2 / sqrt(PI)) * exp(-square) * sum;
}

/** e^(x²)·erfc x for x ≥ 2: 1/√π · 1/(x + (1/2)/(x + (2/2)/(x + (3/2)/(x + …)))), evaluated from its n-th term. */
function erfcxFraction(x) {
  let value = x;
  for (let n = x > 6 ? 30 : x > 3 ? 60 : 120; n > 0; n--) value = x + n / 2 / value;
  return 1 / (sqrt(PI) * value);
}

export function erf(x) {
  const a = abs(x);
  if (a === 0 || a !== a) return x;
  const value = a < 2.2 ? erfSeries(a) : a > 6 ? 1 : 1 - exp(-a * a) * erfcxFraction(a);
  return x < 0 ? -value : value;
}

export function erfc(x) {
  if (x !== x) return x;
  if (x < 0.5) return 1 - erf(x);
  if (x < 2.2) return x < 1 ? 1 - erfSeries(x) : erfcMiddle(x);
  return x > 27.5 ? 0 : exp(-x * x) * erfcxFraction(x);
}

/** 1 ≤ x < 2.2, where 1 − erf loses up to 3 digits: the same continued fraction with more terms. */
function erfcMiddle(x) {
  let value = x;
  for (let n = 400; n > 0; n--) value = x + n / 2 / value;
  return exp(-x * x) / (sqrt(PI) * value);
}

const sigmoid = (x) => (x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x)));
const normal = (z) => 0.5 * erfc(-z * Math.SQRT1_2);
const density = (z) => exp(-0.5 * z * z) / sqrt(2 * PI);
const softplus = (x) => (x > 0 ? x + log1p(exp(-x)) : log1p(exp(x)));
const geluArgument = (z) => 2 * sqrt(2 / PI) * (z + 0.044715 * z * z * z);
const tanhSoftplus = (z) => {
  const w = exp(-abs(z));
  return z < 0 ? (w * (w + 2)) / (w * (w + 2) + 2) : (1 + 2 * w) / (1 + 2 * w + 2 * w * w);
};
const sigmoidSlope = (z) => {
  const e = exp(-abs(z));
  return e / (1 + e) / (1 + e);
};

/** A product in which 0 wins over ∞: limits such as z·Φ(z) at −∞. */
const times = (a, b) => (a === 0 || b === 0 ? 0 : a * b);

export const references = {
  exp, log, log1p, expm1, tanh, sigmoid, erf, softplus,
  gelu: (z) => times(z, normal(z)),
  geluTanh: (z) => times(z, sigmoid(geluArgument(z))),
  silu: (z) => times(z, sigmoid(z)),
  mish: (z) => times(z, tanhSoftplus(z)),
  softsign: (z) => (abs(z) === Infinity ? Math.sign(z) : z / (1 + abs(z))),
  geluDerivative: (z) => normal(z) + times(z, density(z)),
  geluTanhDerivative: (z) => sigmoid(geluArgument(z)) + times(times(z, sigmoidSlope(geluArgument(z))), 2 * sqrt(2 / PI) * (1 + 3 * 0.044715 * z * z)),
  siluDerivative: (z) => sigmoid(z) + times(z, sigmoidSlope(z)),
  mishDerivative: (z) => tanhSoftplus(z) + times(z, mishSlope(z)),
  sigmoidDerivative: sigmoidSlope,
  tanhDerivative: (z) => 4 * sigmoidSlope(2 * z),
  softplusDerivative: sigmoid,
  softsignDerivative: (z) => 1 / (1 + abs(z)) / (1 + abs(z)),
};

/** (1 − tanh²(softplus z))·sigmoid z. */
function mishSlope(z) {
  const w = exp(-abs(z));
  const d = z < 0 ? w * (w + 2) + 2 : 1 + 2 * w + 2 * w * w;
  return (4 * w * (1 + w) * (z < 0 ? 1 : w)) / d / d;
}
