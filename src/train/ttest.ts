// Whether two networks differ by more than the luck of the folds: the corrected resampled t-test of Nadeau and Bengio 2003 (Inference for the Generalization
// Error, https://doi.org/10.1023/A:1024068626366). The training parts of folds overlap, so the plain paired test finds differences that are none; its
// variance is too small by the factor (1/k + test/train) / (1/k).
//
//   t = mean(d) / √((1/k + test/train)·Σ(d − mean)²/(k − 1)),  k − 1 degrees of freedom,  p = I_{ν/(ν + t²)}(ν/2, 1/2)
//
// I is the regularised incomplete beta function, by its continued fraction (Lentz's method; DLMF 8.17.22), good to 1e-13 here. The host's functions serve:
// no weight depends on them.

/** The p-value, two-sided, that paired figures of k folds differ by chance; 1 for fewer than two pairs or no difference, 0 where all differ by the same. */
export function pairedTest(a: readonly number[], b: readonly number[], testShare: number): number {
  const k = a.length;
  const differences = a.map((value, i) => value - b[i]);
  const mean = differences.reduce((sum, d) => sum + d, 0) / k;
  if (k < 2 || !Number.isFinite(mean) || mean === 0) return 1;
  const variance = differences.reduce((sum, d) => sum + (d - mean) * (d - mean), 0) / (k - 1);
  if (variance === 0) return 0;
  const t = mean / Math.sqrt((1 / k + testShare) * variance);
  return studentTail(t, k - 1);
}

/** The probability that |T| is at least |t|, T of Student's distribution with so many degrees of freedom. */
export function studentTail(t: number, degrees: number): number {
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
}

/** I_x(a, b), 0 ≤ x ≤ 1, a and b > 0. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // the fraction converges fast below (a + 1)/(a + b + 2)
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const front = Math.exp(a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b)) / a;
  const least = 1e-300;
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1), least);
  let fraction = d;
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / nonZero(1 + even * d, least);
    c = nonZero(1 + even / c, least);
    fraction *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / nonZero(1 + odd * d, least);
    c = nonZero(1 + odd / c, least);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return front * fraction;
}

function nonZero(value: number, least: number): number {
  return Math.abs(value) < least ? least : value;
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** ln Γ(x), x > 0: Lanczos' approximation with g = 7 and nine coefficients (Godfrey 2001), good to 1e-15. */
function logGamma(x: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  if (x < 0.5) return Math.log(Math.PI / Math.sin(Math.PI * x)) - logGamma(1 - x);
  const z = x - 1;
  const t = z + 7.5;
  const sum = coefficients.reduce((total, coefficient, i) => total + coefficient / (z + i + 1), 0.99999999999980993);
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** Which of several p-values are below `level` when all are looked at together: Holm's method (1979, https://www.jstor.org/stable/4615733). */
export function holm(values: readonly number[], level = 0.05): boolean[] {
  const order = values.map((_, i) => i).sort((i, j) => values[i] - values[j]);
  const results = values.map(() => false);
  for (const [rank, i] of order.entries()) {
    if (!(values[i] <= level / (values.length - rank))) break;
    results[i] = true;
  }
  return results;
}
