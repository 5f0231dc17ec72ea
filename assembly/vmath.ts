// Elementary functions on four f32 lanes: exp, log, log1p, expm1, tanh, sigmoid, erf and the smooth activations with their derivatives.
//
// Plain Wasm SIMD without fused multiply-add, tables, branches or state: + − × ÷, compares and integer operations alone, so that every engine gives
// the same bits and a lane's result depends on that lane alone. Subnormal inputs and results are computed, not flushed; f(NaN) is NaN, f(±∞) the limit.
// Above each function stands its greatest error in ulp of the exact result: over all 2³² floats for exp, log, log1p, expm1, tanh and sigmoid (promised:
// 1.5 ulp), over every 11th for the others (3 ulp, derivatives 4, or 1e-7). node scripts/ulp/sweep.mjs [--stride 11] measures it.
// The polynomials are minimax fits of this project (scripts/ulp/coefficients.py). The argument reduction x = n·ln 2 + r with ln 2 in two parts is Cody
// and Waite's (Software Manual for the Elementary Functions, 1980); sums that keep their rounding error are Dekker's (Numerische Mathematik 18, 1971).
// In a loop take two vectors a turn: V8 makes each constant anew there, and two vectors share them (20 to 25 % faster than one, measured on Node 20).

/** log2(e), ln 2 in two parts: the upper has 15 bits, so that n·LN2_HIGH is exact for |n| < 512; together 2⁻⁴⁴ off ln 2. */
@inline const LOG2E: f32 = 1.4426950408889634;
@inline const LN2_HIGH: f32 = 0.693145751953125;
@inline const LN2_LOW: f32 = 1.4286068203094172e-6;

/** Adding 1.5·2²³ rounds to an integer in the low bits; 127 and 254 more put the exponent bias of 2ⁿ there, once or twice. */
@inline const ROUND_127: f32 = 12583039.0;
@inline const ROUND_254: f32 = 12583166.0;

/** A factor that keeps small products out of the subnormal range until the last one, and its inverse. */
@inline const TWO_30: f32 = 1073741824;
@inline const TWO_MINUS_30: f32 = 9.313225746154785e-10;

@inline const SIGN: i32 = -0x80000000;
/** Keeps the upper 12 bits of a significand: the product of two such numbers is exact. */
@inline const UPPER: i32 = -0x1000;

/** a·b + c with two roundings. */
@inline
function madd(a: v128, b: v128, c: f32): v128 {
  return f32x4.add(f32x4.mul(a, b), f32x4.splat(c));
}

/** x/ln 2 rounded to an integer n, as the float n + bias. */
@inline
function steps(x: v128, bias: f32): v128 {
  return f32x4.add(f32x4.mul(x, f32x4.splat(LOG2E)), f32x4.splat(bias));
}

/** r = x − n·ln 2, |r| ≤ 0.3468. */
@inline
function remainder(x: v128, n: v128): v128 {
  return f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HIGH))), f32x4.mul(n, f32x4.splat(LN2_LOW)));
}

/** What rounding r lost: x − n·ln 2 − r. */
@inline
function remainderError(x: v128, n: v128, r: v128): v128 {
  return f32x4.sub(f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32x4.splat(LN2_HIGH))), r), f32x4.mul(n, f32x4.splat(LN2_LOW)));
}

/** e^r − 1 − r for |r| ≤ 0.3468: r² times a minimax polynomial of degree 4; within 3.2e-9 of e^r relative to e^r, before rounding. */
@inline
function expTail(r: v128): v128 {
  const square = f32x4.mul(r, r);
  const low = madd(f32x4.splat(0.1666652113199234), r, 0.4999999403953552);
  const high = f32x4.add(madd(f32x4.splat(0.008368680253624916), r, 0.04166826978325844), f32x4.mul(f32x4.splat(0.0013820419553667307), square));
  return f32x4.mul(square, f32x4.add(low, f32x4.mul(square, high)));
}

/** e^r, the rounding error of 1 + r being kept for the sum. */
@inline
function expReduced(r: v128): v128 {
  const a = f32x4.add(f32x4.splat(1), r);
  return f32x4.add(a, f32x4.add(f32x4.sub(r, f32x4.sub(a, f32x4.splat(1))), expTail(r)));
}

/** 2ⁿ from the float n + 127 (|n| ≤ 126). */
@inline
function power(t: v128): v128 {
  return i32x4.shl(t, 23);
}

/** 2^⌊n/2⌋ and 2^⌈n/2⌉ from the float n + 254 (|n| ≤ 252): two factors, so that 2ⁿ itself may be subnormal or too large. */
@inline
function powerFloor(t: v128): v128 {
  return i32x4.shl(i32x4.shr_u(t, 1), 23);
}

@inline
function powerCeil(t: v128): v128 {
  return i32x4.shl(i32x4.sub(t, i32x4.shr_u(t, 1)), 23);
}

/** a·2ⁿ with one rounding, from the float n + 254. */
@inline
function scale(a: v128, t: v128): v128 {
  return f32x4.mul(f32x4.mul(a, powerFloor(t)), powerCeil(t));
}

/** e^x for −174 < x < 175. */
@inline
function expIn(x: v128): v128 {
  const t = steps(x, ROUND_254);
  return scale(expReduced(remainder(x, f32x4.sub(t, f32x4.splat(ROUND_254)))), t);
}

/** −|x|. */
@inline
function minusAbs(x: v128): v128 {
  return v128.or(x, i32x4.splat(SIGN));
}

/** The magnitude of a with the sign of x. */
@inline
function withSign(a: v128, x: v128): v128 {
  return v128.bitselect(x, a, i32x4.splat(SIGN));
}

/** All ones in lanes whose sign bit is set. */
@inline
function negative(x: v128): v128 {
  return i32x4.shr_s(x, 31);
}

/** e^x. 0.81 ulp, monotonic; ∞ after the greatest float. */
@inline
export function exp4(x: v128): v128 {
  return expIn(f32x4.pmin(f32x4.pmax(x, f32x4.splat(-104)), f32x4.splat(89)));
}

/**
 * ln(1 + f) − f for f in [√½ − 1, √2 − 1]. With s = f/(2 + f): ln(1 + f) = 2s + s³·P(s²) and 2s = f − s·f, s·f = f²/2 − s·f²/2, so that only
 * small terms are rounded; P is a minimax polynomial of degree 2, within 8.1e-10 of ln(1 + f), relative.
 */
@inline
function logTail(f: v128): v128 {
  const s = f32x4.div(f, f32x4.add(f, f32x4.splat(2)));
  const square = f32x4.mul(s, s);
  let p = madd(f32x4.splat(0.29870954155921936), square, 0.39977580308914185);
  p = f32x4.mul(square, madd(p, square, 0.6666677594184875));
  const half = f32x4.mul(f32x4.mul(f, f), f32x4.splat(0.5));
  return f32x4.sub(f32x4.mul(s, f32x4.add(half, p)), half);
}

/** k·ln 2 + ln(1 + f), `low` being the lower part of k·ln 2 and what f lacks. */
@inline
function logSum(k: v128, f: v128, low: v128): v128 {
  const high = f32x4.mul(k, f32x4.splat(LN2_HIGH));
  const sum = f32x4.add(high, f);
  return f32x4.add(sum, f32x4.add(f32x4.add(f32x4.sub(f, f32x4.sub(sum, high)), low), logTail(f)));
}

/** The logarithm of u where the formula does not give it: −∞ at u = 0, NaN below, ∞ and NaN as they are. */
@inline
function logEdges(result: v128, u: v128): v128 {
  result = f32x4.pmax(f32x4.sub(u, f32x4.splat(f32.MAX_VALUE)), result);
  result = f32x4.sub(result, v128.and(f32x4.eq(u, f32x4.splat(0)), f32x4.splat(Infinity)));
  return v128.or(result, f32x4.lt(u, f32x4.splat(0)));
}

/** The exponent k for which a/2ᵏ is in [√½, √2), shifted to its place in a float, for the bits of a positive normal a. */
@inline
function exponentBits(a: v128): v128 {
  return v128.and(i32x4.sub(a, i32x4.splat(0x3f3504f3)), i32x4.splat(-0x800000));
}

/** ln x; −∞ at ±0, NaN below. 0.91 ulp. */
@inline
export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, f32x4.splat(1.1754943508222875e-38));
  const a = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, tiny);
  const e = exponentBits(a);
  const f = f32x4.sub(i32x4.sub(a, e), f32x4.splat(1));
  const k = f32x4.convert_i32x4_s(i32x4.sub(i32x4.shr_s(e, 23), v128.and(tiny, i32x4.splat(23))));
  return logEdges(logSum(k, f, f32x4.mul(k, f32x4.splat(LN2_LOW))), x);
}

/** ln(1 + x); −∞ at −1, NaN below, ±0 at ±0. 0.93 ulp. */
@inline
export function log1p4(x: v128): v128 {
  const one = f32x4.splat(1);
  const u = f32x4.add(x, one);
  const part = f32x4.sub(u, one);
  const error = f32x4.add(f32x4.sub(x, part), f32x4.sub(one, f32x4.sub(u, part)));
  const e = exponentBits(u);
  const k = f32x4.convert_i32x4_s(i32x4.shr_s(e, 23));
  const m = f32x4.sub(i32x4.sub(u, e), one);
  const low = f32x4.mul(error, i32x4.sub(one, i32x4.min_s(e, i32x4.splat(0x3f000000))));
  const f = f32x4.add(m, low);
  const lost = f32x4.sub(low, f32x4.sub(f, m));
  const result = logSum(k, f, f32x4.add(f32x4.mul(k, f32x4.splat(LN2_LOW)), lost));
  return v128.or(logEdges(result, u), v128.and(x, i32x4.splat(SIGN)));
}

/** e^x − 1. 1.21 ulp, ±0 at ±0. */
@inline
export function expm14(x: v128): v128 {
  const y = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-20)), f32x4.splat(89));
  const t = steps(y, ROUND_127);
  const n = f32x4.sub(t, f32x4.splat(ROUND_127));
  const r = remainder(y, n);
  const half = i32x4.sub(power(t), i32x4.splat(0x800000));
  const c = f32x4.sub(half, f32x4.splat(0.5));
  const a = f32x4.mul(half, r);
  const sum = f32x4.add(c, a);
  const rest = f32x4.add(f32x4.sub(a, f32x4.sub(sum, c)), f32x4.mul(half, f32x4.add(expTail(r), remainderError(y, n, r))));
  const half1 = f32x4.add(sum, rest);
  return v128.bitselect(x, f32x4.add(half1, half1), f32x4.lt(f32x4.abs(x), f32x4.splat(2.9802322387695312e-8)));
}

/**
 * −m/(2 + m) with the sign of x, from m = e^(−2|x|) − 1 in two floats. The quotient q gets one correction by its remainder; q and the upper part of the
 * denominator have 12 bits each, so that their product is exact. (With a product that is rounded tanh is not monotonic.) n is held above −25 so that
 * 2ⁿ − 1 is exact; r then grows to 1.6, where e^r is 0.4 % off and tanh is 1.
 * 0.92 ulp, odd and monotonic.
 */
@inline
export function tanh4(x: v128): v128 {
  const y = f32x4.pmax(f32x4.mul(minusAbs(x), f32x4.splat(2)), f32x4.splat(-18.2));
  const t = f32x4.pmax(steps(y, ROUND_127), f32x4.splat(ROUND_127 - 24));
  const r = remainder(y, f32x4.sub(t, f32x4.splat(ROUND_127)));
  const s = power(t);
  const c = f32x4.sub(s, f32x4.splat(1));
  const a = f32x4.mul(s, r);
  const sum = f32x4.add(c, a);
  const rest = f32x4.add(f32x4.sub(a, f32x4.sub(sum, c)), f32x4.mul(s, expTail(r)));
  const m = f32x4.add(sum, rest);
  const mLow = f32x4.sub(rest, f32x4.sub(m, sum));
  const d = f32x4.add(f32x4.splat(2), m);
  const dHigh = v128.and(d, i32x4.splat(UPPER));
  const dLow = f32x4.add(f32x4.sub(m, f32x4.sub(dHigh, f32x4.splat(2))), mLow);
  const inverse = f32x4.div(f32x4.splat(1), d);
  const q = v128.and(f32x4.mul(m, inverse), i32x4.splat(UPPER));
  const left = f32x4.add(f32x4.sub(m, f32x4.mul(q, dHigh)), f32x4.sub(mLow, f32x4.mul(q, dLow)));
  return withSign(f32x4.add(q, f32x4.mul(left, inverse)), x);
}

/**
 * 1/(1 + e^(−x)): u = e/(1 + e) with e = e^(−|x|) in two floats; u for x < 0, else 1 − u. The quotient q gets one correction by its remainder
 * (e − q) − q·e: e − q is exact, and q·e is taken in four exact products of 12 bits. (With the shorter remainder of tanh, good to 2⁻¹¹ ulp, sigmoid
 * came down again by an ulp at 1,443 floats next to 0, where it is flat.)
 * 0.83 ulp, monotonic.
 */
@inline
export function sigmoid4(x: v128): v128 {
  const one = f32x4.splat(1);
  const y = f32x4.pmax(minusAbs(x), f32x4.splat(-104));
  const t = steps(y, ROUND_254);
  const r = remainder(y, f32x4.sub(t, f32x4.splat(ROUND_254)));
  const a = f32x4.add(one, r);
  const b = f32x4.add(f32x4.sub(r, f32x4.sub(a, one)), expTail(r));
  const p = f32x4.add(a, b);
  const e = scale(p, t);
  const low = scale(f32x4.sub(b, f32x4.sub(p, a)), t);
  const inverse = f32x4.div(one, f32x4.add(one, e));
  const q = f32x4.mul(e, inverse);
  const eHigh = v128.and(e, i32x4.splat(UPPER));
  const eLow = f32x4.sub(e, eHigh);
  const qHigh = v128.and(q, i32x4.splat(UPPER));
  const qLow = f32x4.sub(q, qHigh);
  let left = f32x4.sub(f32x4.sub(e, q), f32x4.mul(qHigh, eHigh));
  left = f32x4.sub(f32x4.sub(left, f32x4.mul(qHigh, eLow)), f32x4.mul(qLow, eHigh));
  left = f32x4.add(f32x4.sub(left, f32x4.mul(qLow, eLow)), f32x4.mul(low, inverse));
  const u = f32x4.add(q, f32x4.mul(left, inverse));
  return v128.bitselect(u, f32x4.sub(one, u), negative(x));
}

/** The error function. |x| < 0.925: x + x·P(x²); beyond: 1 − e^(−|x|·Q(|x|)). 1.24 ulp, odd. */
@inline
export function erf4(x: v128): v128 {
  const square = f32x4.mul(x, x);
  let p = madd(f32x4.splat(-0.0005981807480566204), square, 0.004991641268134117);
  p = madd(p, square, -0.02676580473780632);
  p = madd(p, square, 0.11281804740428925);
  p = madd(p, square, -0.37612494826316833);
  p = madd(p, square, 0.12837915122509003);
  const small = f32x4.add(x, f32x4.mul(x, p));
  const a = f32x4.pmin(f32x4.abs(x), f32x4.splat(4));
  let q = madd(f32x4.splat(4.940955477650277e-6), a, -4.561119567370042e-5);
  q = madd(q, a, -4.9451682571088895e-5);
  q = madd(q, a, 0.0029298339504748583);
  q = madd(q, a, -0.02267369255423546);
  q = madd(q, a, 0.10526234656572342);
  q = madd(q, a, 0.635625422000885);
  q = madd(q, a, 1.128551721572876);
  const y = f32x4.neg(f32x4.mul(a, q));
  const t = steps(y, ROUND_127);
  const r = remainder(y, f32x4.sub(t, f32x4.splat(ROUND_127)));
  const complement = f32x4.mul(f32x4.add(f32x4.splat(1), f32x4.add(r, expTail(r))), power(t));
  const large = withSign(f32x4.sub(f32x4.splat(1), complement), x);
  return v128.bitselect(small, large, f32x4.lt(a, f32x4.splat(0.925)));
}

/** ln(1 + e^x) = max(x, 0) + ln(1 + e), e = e^(−|x|) in (0, 1]. 1.73 ulp; 0 at −∞. */
@inline
export function softplus4(x: v128): v128 {
  const e = expIn(f32x4.pmax(minusAbs(x), f32x4.splat(-104)));
  const upper = f32x4.gt(e, f32x4.splat(0.41421356));
  const f = v128.bitselect(f32x4.sub(f32x4.mul(e, f32x4.splat(0.5)), f32x4.splat(0.5)), e, upper);
  const k = v128.and(f32x4.splat(1), upper);
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), logSum(k, f, f32x4.mul(k, f32x4.splat(LN2_LOW))));
}

/**
 * Φ(−a)·e^(a²/2) for 0 ≤ a ≤ 14.7 (Mills' ratio over √(2π)): a rational minimax fit of degrees 4 and 5 with positive coefficients, so that nothing
 * cancels; within 1.8e-8 relative.
 */
@inline
function mills(a: v128): v128 {
  let p = madd(f32x4.splat(0.004131273832172155), a, 0.04073381423950195);
  p = madd(p, a, 0.18353313207626343);
  p = madd(p, a, 0.43869662284851074);
  p = madd(p, a, 0.5);
  let q = madd(f32x4.splat(0.01035545114427805), a, 0.1021108403801918);
  q = madd(q, a, 0.4702574610710144);
  q = madd(q, a, 1.2037400007247925);
  q = madd(q, a, 1.6752781867980957);
  q = madd(q, a, 1);
  return f32x4.div(p, q);
}

/** 2³⁰·b·e^(−a²/2) for 0 ≤ a ≤ 14.7. a² is taken in two floats, for e^y multiplies an error of y by |y|. */
@inline
function gaussTimes(a: v128, b: v128): v128 {
  const high = v128.and(a, i32x4.splat(UPPER));
  const y = f32x4.mul(f32x4.mul(high, high), f32x4.splat(-0.5));
  const yLow = f32x4.mul(f32x4.mul(f32x4.sub(a, high), f32x4.add(a, high)), f32x4.splat(-0.5));
  const t = steps(y, ROUND_254);
  const r = f32x4.add(remainder(y, f32x4.sub(t, f32x4.splat(ROUND_254))), yLow);
  return scale(f32x4.mul(f32x4.mul(expReduced(r), b), f32x4.splat(TWO_30)), t);
}

/** z·Φ(z). −0 at −∞. 1.71 ulp where the error is above 1e-7, 7.3 ulp below 0 (−6.4, where z·Φ(z) is −5e-10). */
@inline
export function gelu4(z: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(z), f32x4.splat(14.7));
  const tail = gaussTimes(a, mills(a));
  return gate(z, tail);
}

/** z·u for z < 0, z·(1 − u) for z ≥ 0, from u·2³⁰; lanes below −120, where u is 0, give −0. */
@inline
function gate(z: v128, u: v128): v128 {
  const below = negative(z);
  const factor = v128.bitselect(u, f32x4.sub(f32x4.splat(1), f32x4.mul(u, f32x4.splat(TWO_MINUS_30))), below);
  return f32x4.mul(f32x4.mul(f32x4.pmax(z, f32x4.splat(-120)), factor), v128.bitselect(f32x4.splat(TWO_MINUS_30), f32x4.splat(1), below));
}

/** e^y·2³⁰ for −140 ≤ y ≤ 0, so that it is never subnormal. */
@inline
function expScaled(y: v128): v128 {
  const t = steps(y, ROUND_254);
  const p = expReduced(remainder(y, f32x4.sub(t, f32x4.splat(ROUND_254))));
  return scale(f32x4.mul(p, f32x4.splat(TWO_30)), t);
}

/** 2³⁰·e/(1 + e), e = e^y, −140 ≤ y ≤ 0. */
@inline
function sigmoidTail(y: v128): v128 {
  const e = expScaled(y);
  return f32x4.div(e, madd(e, f32x4.splat(TWO_MINUS_30), 1));
}

/**
 * 0.5·z·(1 + tanh(√(2/π)(z + 0.044715 z³))) = z·sigmoid(2√(2/π)(z + 0.044715 z³)). −0 at −∞.
 * 1.11 ulp where the error is above 1e-7; relative to the small results below −2 up to 207 ulp (at −10), from the rounding of the argument.
 */
@inline
export function geluTanh4(z: v128): v128 {
  const y = f32x4.mul(minusAbs(z), madd(f32x4.mul(z, z), f32x4.splat(0.07135481627159914), 1.5957691216057308));
  return gate(z, sigmoidTail(f32x4.pmax(y, f32x4.splat(-130))));
}

/** z·sigmoid(z). −0 at −∞. 1.23 ulp where the error is above 1e-7, 3.2 ulp below 0. */
@inline
export function silu4(z: v128): v128 {
  return gate(z, sigmoidTail(f32x4.pmax(minusAbs(z), f32x4.splat(-130))));
}

/**
 * z·tanh(softplus z). With w = e^(−|z|): z·w(w + 2)/(w(w + 2) + 2) for z < 0, z·(1 + 2w)/(1 + 2w + 2w²) for z ≥ 0. −0 at −∞.
 * 2.02 ulp where the error is above 1e-7, 4.4 ulp below 0.
 */
@inline
export function mish4(z: v128): v128 {
  const below = negative(z);
  const y = f32x4.pmax(minusAbs(z), f32x4.splat(-130));
  const scaled = expScaled(y);
  const w = f32x4.mul(scaled, f32x4.splat(TWO_MINUS_30));
  const plusTwo = f32x4.add(w, f32x4.splat(2));
  const twice = f32x4.add(w, w);
  const numerator = v128.bitselect(f32x4.mul(scaled, plusTwo), f32x4.add(f32x4.splat(1), twice), below);
  const denominator = v128.bitselect(madd(w, plusTwo, 2), f32x4.add(f32x4.add(f32x4.splat(1), twice), f32x4.mul(twice, w)), below);
  const factor = f32x4.div(numerator, denominator);
  return f32x4.mul(f32x4.mul(f32x4.pmax(z, f32x4.splat(-130)), factor), v128.bitselect(f32x4.splat(TWO_MINUS_30), f32x4.splat(1), below));
}

/** z/(1 + |z|). 1.50 ulp, odd; ±1 at ±∞. */
@inline
export function softsign4(z: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(z), f32x4.splat(f32.MAX_VALUE));
  return withSign(f32x4.div(a, f32x4.add(a, f32x4.splat(1))), z);
}

/**
 * Φ(z) + z·φ(z): u = e^(−a²/2)·(mills(a) − a/√(2π)), a = |z|; u for z < 0, else 1 − u.
 * Absolute error 1.4e-7, 3.8 ulp where it is above 1e-7. −0 at −∞.
 */
@inline
export function geluDerivative4(z: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(z), f32x4.splat(14.7));
  const u = gaussTimes(a, f32x4.sub(mills(a), f32x4.mul(a, f32x4.splat(0.3989422804014327))));
  const tail = f32x4.mul(u, f32x4.splat(TWO_MINUS_30));
  return v128.bitselect(tail, f32x4.sub(f32x4.splat(1), tail), negative(z));
}

/** s + z·s(1 − s)·y′ with s = sigmoid(y), y = 2√(2/π)(z + 0.044715 z³). Absolute error 1.3e-7, 2.0 ulp where it is above 1e-7. −0 at −∞. */
@inline
export function geluTanhDerivative4(z: v128): v128 {
  const one = f32x4.splat(1);
  const a = f32x4.pmin(f32x4.abs(z), f32x4.splat(12));
  const square = f32x4.mul(a, a);
  const e = expIn(f32x4.neg(f32x4.mul(a, madd(square, f32x4.splat(0.07135481627159914), 1.5957691216057308))));
  const slope = f32x4.mul(a, madd(square, f32x4.splat(0.21406444881479742), 1.5957691216057308));
  const inverse = f32x4.div(one, f32x4.add(one, e));
  const u = f32x4.mul(f32x4.mul(e, inverse), f32x4.sub(one, f32x4.mul(slope, inverse)));
  return v128.bitselect(u, f32x4.sub(one, u), negative(z));
}

/**
 * s + z·s(1 − s), s = sigmoid(z): with e = e^(−|z|), u = e/(1 + e)·(1 − |z|/(1 + e)); u for z < 0, else 1 − u.
 * Absolute error 1.2e-7, 2.0 ulp where it is above 1e-7. −0 at −∞.
 */
@inline
export function siluDerivative4(z: v128): v128 {
  const one = f32x4.splat(1);
  const y = f32x4.pmax(minusAbs(z), f32x4.splat(-120));
  const e = expIn(y);
  const inverse = f32x4.div(one, f32x4.add(one, e));
  const u = f32x4.mul(f32x4.mul(e, inverse), f32x4.add(one, f32x4.mul(y, inverse)));
  return v128.bitselect(u, f32x4.sub(one, u), negative(z));
}

/**
 * With w = e^(−|z|), D the denominator of mish: q + z·q′, q = mish/z, q′ = 4w(1 + w)·(1 for z < 0, w for z ≥ 0)/D².
 * Absolute error 2.2e-7, 3.8 ulp where it is above 1e-7. 0 at −∞.
 */
@inline
export function mishDerivative4(z: v128): v128 {
  const one = f32x4.splat(1);
  const below = negative(z);
  const y = f32x4.pmax(minusAbs(z), f32x4.splat(-120));
  const w = expIn(y);
  const twice = f32x4.add(w, w);
  const product = f32x4.mul(w, f32x4.add(w, f32x4.splat(2)));
  const numerator = v128.bitselect(product, f32x4.add(one, twice), below);
  const denominator = v128.bitselect(f32x4.add(product, f32x4.splat(2)), f32x4.add(numerator, f32x4.mul(twice, w)), below);
  const inverse = f32x4.div(one, denominator);
  const factor = f32x4.mul(f32x4.mul(f32x4.mul(w, f32x4.splat(4)), f32x4.add(one, w)), v128.bitselect(one, w, below));
  const slope = f32x4.mul(f32x4.mul(factor, inverse), inverse);
  return f32x4.add(f32x4.mul(numerator, inverse), f32x4.mul(withSign(y, z), slope));
}

/** e/(1 + e)², e = e^(−|z|). 4.2 ulp in the tails too; absolute error 4e-8. */
@inline
export function sigmoidDerivative4(z: v128): v128 {
  const e = expIn(f32x4.pmax(minusAbs(z), f32x4.splat(-104)));
  const d = f32x4.add(f32x4.splat(1), e);
  return f32x4.div(f32x4.div(e, d), d);
}

/** 1/cosh² z = 4e/(1 + e)², e = e^(−2|z|). 4.1 ulp in the tails too, 3.5 ulp where the error is above 1e-7. */
@inline
export function tanhDerivative4(z: v128): v128 {
  const e = expIn(f32x4.pmax(f32x4.mul(minusAbs(z), f32x4.splat(2)), f32x4.splat(-120)));
  const d = f32x4.add(f32x4.splat(1), e);
  return f32x4.div(f32x4.mul(f32x4.div(e, d), f32x4.splat(4)), d);
}

/** sigmoid(z). */
@inline
export function softplusDerivative4(z: v128): v128 {
  return sigmoid4(z);
}

/** 1/(1 + |z|)². 3.0 ulp. */
@inline
export function softsignDerivative4(z: v128): v128 {
  const d = f32x4.add(f32x4.splat(1), f32x4.abs(z));
  return f32x4.div(f32x4.div(f32x4.splat(1), d), d);
}
