// Scalar f64 functions for initialisers and schedules: exp, log, cos, pow and the quantile of the normal distribution.
//
// The host's Math differs between engines in the last bit, and AssemblyScript's own brings tables that become data segments; these use + − × ÷, sqrt
// and integer operations alone. Argument reductions after Cody and Waite (1980); the polynomials are Taylor series, their terms written as in the
// formula. The errors are the greatest of 6,000 samples a function against mpmath with 40 digits.

const LN2_HIGH: f64 = 0.6931471803691238; // the upper 32 bits: exact times |k| ≤ 1100
const LN2_LOW: f64 = 1.9082149292705877e-10;
const HALF_PI_1: f64 = 1.5707963267341256; // π/2 in pieces of 33, 33 and 53 bits: exact times |n| < 2²⁰
const HALF_PI_2: f64 = 6.077100506303966e-11;
const HALF_PI_3: f64 = 2.0222662487959506e-21;

@inline
function powerOfTwo(k: i64): f64 {
  return reinterpret<f64>((k + 1023) << 52);
}

/** e^x: x = k·ln 2 + r, |r| ≤ 0.3466, Taylor to r¹³/13! (remainder 5e-18). Below 0.8 ulp; subnormal results are rounded once more. */
export function exp64(x: f64): f64 {
  if (x > 709.782712893384) return Infinity;
  if (x < -745.1332191019412) return 0;
  if (x != x) return x;
  const k = nearest(x * 1.4426950408889634);
  const high = x - k * LN2_HIGH;
  const low = k * LN2_LOW;
  const r = high - low;
  const lost = high - r - low;
  let p: f64 = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  const n = <i64>k;
  const half = n >> 1;
  return (1.0 + (r + (r * r * p + lost))) * powerOfTwo(half) * powerOfTwo(n - half);
}

/** The k for which x/2ᵏ is in [√½, √2), of the bits of a positive normal x. */
@inline
function exponentOf(bits: i64): i64 {
  return (bits - 0x3fe6a09e667f3bcd) >> 52;
}

/**
 * f − ln(1 + f) for √½ ≤ 1 + f < √2. With s = f/(2 + f): ln(1 + f) = 2s + 2s³/3 + 2s⁵/5 + … to s²³ (remainder 1e-20) and 2s = f − s·f,
 * s·f = f²/2 − s·f²/2, so that only small terms are rounded.
 */
@inline
function logTail(f: f64): f64 {
  const s = f / (2.0 + f);
  const z = s * s;
  let p: f64 = 2.0 / 23.0;
  p = p * z + 2.0 / 21.0;
  p = p * z + 2.0 / 19.0;
  p = p * z + 2.0 / 17.0;
  p = p * z + 2.0 / 15.0;
  p = p * z + 2.0 / 13.0;
  p = p * z + 2.0 / 11.0;
  p = p * z + 2.0 / 9.0;
  p = p * z + 2.0 / 7.0;
  p = p * z + 2.0 / 5.0;
  p = p * z + 2.0 / 3.0;
  const half = 0.5 * f * f;
  return half - s * (half + z * p);
}

/** ln x = k·ln 2 + ln(1 + f). −∞ at 0, NaN below. Below 0.8 ulp. */
export function log64(x: f64): f64 {
  if (!(x > 0)) return x == 0 ? -Infinity : NaN;
  if (x == Infinity) return x;
  const tiny = x < 2.2250738585072014e-308;
  const bits = reinterpret<i64>(tiny ? x * 18014398509481984.0 : x);
  const exponent = exponentOf(bits);
  const f = reinterpret<f64>(bits - (exponent << 52)) - 1.0;
  const k = <f64>(tiny ? exponent - 54 : exponent);
  return k * LN2_HIGH + (f - (logTail(f) - k * LN2_LOW));
}

/** cos x for |x| ≤ 10⁶ (n·π/2 is exact to 2⁻⁸⁰ there); Taylor to r¹⁷/17! and r¹⁸/18! (remainders 1e-19). Absolute error below 1.2e-16. */
export function cos64(x: f64): f64 {
  const n = nearest(x * 0.6366197723675814);
  const first = x - n * HALF_PI_1;
  const second = n * HALF_PI_2;
  const third = n * HALF_PI_3;
  const rough = first - second;
  const r = rough - third;
  const lost = first - rough - second + (rough - r - third);
  const z = r * r;
  const quadrant = <i64>n & 3;
  let value: f64;
  if (quadrant & 1) {
    let p: f64 = 1.0 / 355687428096000.0;
    p = p * z - 1.0 / 1307674368000.0;
    p = p * z + 1.0 / 6227020800.0;
    p = p * z - 1.0 / 39916800.0;
    p = p * z + 1.0 / 362880.0;
    p = p * z - 1.0 / 5040.0;
    p = p * z + 1.0 / 120.0;
    p = p * z - 1.0 / 6.0;
    value = r + (r * z * p + lost * (1.0 - 0.5 * z));
  } else {
    let p: f64 = -1.0 / 6402373705728000.0;
    p = p * z + 1.0 / 20922789888000.0;
    p = p * z - 1.0 / 87178291200.0;
    p = p * z + 1.0 / 479001600.0;
    p = p * z - 1.0 / 3628800.0;
    p = p * z + 1.0 / 40320.0;
    p = p * z - 1.0 / 720.0;
    p = p * z + 1.0 / 24.0;
    const half = 0.5 * z;
    const w = 1.0 - half;
    value = w + (1.0 - w - half + (z * z * p - r * lost));
  }
  return quadrant == 1 || quadrant == 2 ? -value : value;
}

/** The upper 26 bits of a significand. */
@inline
function upper(x: f64): f64 {
  return reinterpret<f64>(reinterpret<i64>(x) & -0x8000000);
}

/**
 * x^y for x > 0 as e^(y·ln x), logarithm and product in two floats, since an absolute error of the product is a relative one of the result:
 * below 2.5e-16 + 6e-17·|y·ln x|, so 4e-14 at the ends of the range (for normal x and results). x^0 is 1, 0^y is 0 for y > 0; NaN for x < 0.
 */
export function pow64(x: f64, y: f64): f64 {
  if (y == 0) return 1.0;
  if (!(x >= 2.2250738585072014e-308 && x < Infinity)) return exp64(y * log64(x));
  const bits = reinterpret<i64>(x);
  const exponent = exponentOf(bits);
  const f = reinterpret<f64>(bits - (exponent << 52)) - 1.0;
  const k = <f64>exponent;
  const high = k * LN2_HIGH;
  const sum = high + f;
  const rest = f - (sum - high) + (k * LN2_LOW - logTail(f));
  const log = sum + rest;
  const low = rest - (log - sum);
  const product = y * log;
  const value = exp64(product);
  if (!(abs(product) < 745) || value == Infinity) return value;
  const yHigh = upper(y), yLow = y - yHigh;
  const logHigh = upper(log), logLow = log - logHigh;
  const error = yHigh * logHigh - product + yHigh * logLow + yLow * logHigh + yLow * logLow + y * low;
  return value + value * error;
}

/**
 * The x for which the standard normal distribution function is p: −∞ at 0, ∞ at 1, NaN outside. Relative error about 1e-15.
 * Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37 (1988) 477-484, PPND16: rational
 * approximations of degree 7 in three ranges of p.
 */
export function normalQuantile64(p: f64): f64 {
  if (!(p >= 0 && p <= 1)) return NaN;
  const q = p - 0.5;
  if (abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    let a: f64 = 2.5090809287301226727e3;
    a = a * r + 3.3430575583588128105e4;
    a = a * r + 6.7265770927008700853e4;
    a = a * r + 4.5921953931549871457e4;
    a = a * r + 1.3731693765509461125e4;
    a = a * r + 1.9715909503065514427e3;
    a = a * r + 1.3314166789178437745e2;
    a = a * r + 3.387132872796366608;
    let b: f64 = 5.226495278852854561e3;
    b = b * r + 2.8729085735721942674e4;
    b = b * r + 3.930789580009271061e4;
    b = b * r + 2.1213794301586595867e4;
    b = b * r + 5.3941960214247511077e3;
    b = b * r + 6.8718700749205790830e2;
    b = b * r + 4.2313330701600911252e1;
    b = b * r + 1.0;
    return (q * a) / b;
  }
  const tail = q < 0 ? p : 1.0 - p;
  if (tail == 0) return q < 0 ? -Infinity : Infinity;
  let r = sqrt(-log64(tail));
  let a: f64, b: f64;
  if (r <= 5) {
    r -= 1.6;
    a = 7.7454501427834140764e-4;
    a = a * r + 2.27238449892691845833e-2;
    a = a * r + 2.41780725177450611770e-1;
    a = a * r + 1.27045825245236838258;
    a = a * r + 3.64784832476320460504;
    a = a * r + 5.76949722146069140550;
    a = a * r + 4.63033784615654529590;
    a = a * r + 1.42343711074968357734;
    b = 1.05075007164441684324e-9;
    b = b * r + 5.475938084995344946e-4;
    b = b * r + 1.51986665636164571966e-2;
    b = b * r + 1.48103976427480074590e-1;
    b = b * r + 6.89767334985100004550e-1;
    b = b * r + 1.67638483018380384940;
    b = b * r + 2.05319162663775882187;
    b = b * r + 1.0;
  } else {
    r -= 5;
    a = 2.01033439929228813265e-7;
    a = a * r + 2.71155556874348757815e-5;
    a = a * r + 1.24266094738807843860e-3;
    a = a * r + 2.65321895265761230930e-2;
    a = a * r + 2.96560571828504891230e-1;
    a = a * r + 1.78482653991729133580;
    a = a * r + 5.46378491116411436990;
    a = a * r + 6.65790464350110377720;
    b = 2.04426310338993978564e-15;
    b = b * r + 1.42151175831644588870e-7;
    b = b * r + 1.84631831751005468180e-5;
    b = b * r + 7.86869131145613259100e-4;
    b = b * r + 1.48753612908506148525e-2;
    b = b * r + 1.36929880922735805310e-1;
    b = b * r + 5.99832206555887937690e-1;
    b = b * r + 1.0;
  }
  return q < 0 ? -a / b : a / b;
}
