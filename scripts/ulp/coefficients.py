"""Prints the polynomial coefficients of assembly/vmath.ts: python3 scripts/ulp/coefficients.py [name ...]

Each polynomial is a weighted minimax fit on its interval, found by Lawson's iteration (least squares on Chebyshev nodes, reweighted by the error;
Lawson 1961) over values that mpmath computes with 50 digits. The coefficients are then rounded to f32 one after the other, lowest order
first, and the rest is fitted again after each, so that later ones absorb the rounding of earlier ones.

Needs numpy and mpmath; run by hand, no part of the build.
"""
import sys

import mpmath as mp
import numpy as np

mp.mp.dps = 50
SQRT2 = mp.sqrt(2)


def lawson(target, weight, x, powers, rounds=300):
    """Coefficients of x^p, p in powers, with the least greatest |weight (fit - target)|, and that error."""
    basis = np.array([x**p for p in powers]).T
    scale = np.abs(basis * weight[:, None]).max(axis=0)
    basis = basis / scale
    w = np.ones(len(x))
    best, best_error = None, np.inf
    for _ in range(rounds):
        s = np.sqrt(w) * weight
        c, *_ = np.linalg.lstsq(basis * s[:, None], target * s, rcond=None)
        error = np.abs((basis @ c - target) * weight)
        if error.max() < best_error:
            best, best_error = c, error.max()
        w = w * error
        w /= w.sum()
    return best / scale, best_error


def nodes(low, high, points):
    return [mp.mpf(float((low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (2 * i + 1) / (2 * points)))) for i in range(points)]


def fit(name, function, weight, low, high, degree, points=1200):
    """A polynomial with f32 coefficients for function on [low, high]; the greatest weight times error is printed."""
    at = nodes(low, high, points)
    x = np.array([float(v) for v in at])
    rest = [function(v) for v in at]
    weights = np.array([float(weight(v)) for v in at])
    print(name)
    for power in range(degree + 1):
        c, error = lawson(np.array([float(t) for t in rest]), weights, x, range(power, degree + 1))
        if power == 0:
            print(f"  error {error:.2e} before rounding")
        coefficient = float(np.float32(c[0]))
        rest = [t - mp.mpf(coefficient) * v**power for t, v in zip(rest, at)]
        print(f"  x^{power}: {coefficient!r}")
    print(f"  error {max(abs(float(t) * w) for t, w in zip(rest, weights)):.2e} after rounding")


def denominator(function, low, high, degree, below, points=1500, rounds=400):
    """
    The f32 coefficients of Q, Q(0) = 1, in the relative minimax fit P/Q with degrees (degree, below), linearised to P - f (Q - 1) = f and divided by
    the Q of the round before.
    """
    x = np.array([float(v) for v in nodes(low, high, points)])
    f = np.array([float(function(mp.mpf(v))) for v in x])
    w, q = np.ones(points), np.ones(points)
    best, best_error = None, np.inf
    for _ in range(rounds):
        basis = np.concatenate([[(x / high) ** i / (f * q) for i in range(degree + 1)], [-((x / high) ** i) / q for i in range(1, below + 1)]]).T
        r = np.sqrt(w)
        c, *_ = np.linalg.lstsq(basis * r[:, None], r / q, rcond=None)
        p = np.polyval((c[: degree + 1] / high ** np.arange(degree + 1))[::-1], x)
        coefficients = np.concatenate([[1.0], c[degree + 1 :] / high ** np.arange(1, below + 1)])
        q = np.polyval(coefficients[::-1], x)
        error = np.abs(p / q / f - 1)
        if error.max() < best_error and (q > 0).all():
            best, best_error = coefficients, error.max()
        w = w * error
        w /= w.sum()
    return [float(np.float32(v)) for v in best]


def log_series(z):
    """(ln((1 + s)/(1 - s)) - 2s)/s^3 with s^2 = z: 2/3 + 2z/5 + 2z^2/7 + ..."""
    s = mp.sqrt(z)
    return (2 * mp.atanh(s) - 2 * s) / (s * z)


def mills(a):
    """Phi(-a) e^(a^2/2)"""
    return mp.erfc(a / SQRT2) * mp.exp(a * a / 2) / 2


def fit_mills():
    high = 14.7
    q = denominator(mills, 0, high, 4, 5)
    print("mills, denominator")
    for power, coefficient in enumerate(q):
        print(f"  x^{power}: {coefficient!r}")
    below = lambda a: mp.polyval(q[::-1], a)
    fit("mills, numerator, relative to the quotient", lambda a: mills(a) * below(a), lambda a: 1 / (mills(a) * below(a)), 0, high, 4)


def fit_exp():
    fit("exp: (e^r - 1 - r)/r^2, relative to e^r", lambda r: (mp.expm1(r) - r) / r**2, lambda r: r * r / mp.exp(r), -0.3468, 0.3468, 4)


def fit_log():
    fit("log: P(s^2), relative to ln((1 + s)/(1 - s))", log_series, lambda z: z * mp.sqrt(z) / (2 * mp.atanh(mp.sqrt(z))), 0, 0.02945, 2)


def fit_erf_small():
    ratio = lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z)
    fit("erf: erf(x)/x - 1 in x^2, relative to erf(x)/x", lambda z: ratio(z) - 1, lambda z: 1 / ratio(z), 0, 0.925**2, 5)


def fit_erf_large():
    weight = lambda x: x * mp.erfc(x) / mp.erf(x)
    fit("erf: -ln(erfc(x))/x, weighted to the error of erf relative to erf", lambda x: -mp.log(mp.erfc(x)) / x, weight, 0.92, 4.0, 7)


FITS = {"exp": fit_exp, "log": fit_log, "erfSmall": fit_erf_small, "erfLarge": fit_erf_large, "mills": fit_mills}

if __name__ == "__main__":
    for chosen in sys.argv[1:] or FITS:
        FITS[chosen]()
