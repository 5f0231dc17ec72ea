// Where an activation saturates: the weighted sums at which the magnitude of its derivative is below 1 % of its greatest. Each set is two half-lines and
// at most one interval between (gelu, silu and mish turn there), so the core compares and computes no derivative.
//
// The bounds are roots of |f'(z)| = max |f'| / 100, found in 40 digits (mpmath) and rounded to f64; the core compares in f32.

import { ActivationCode } from "../../assembly/codes.js";
import { activationCode } from "./activations.js";
import type { ActivationSpec } from "./activations.js";

/** v is saturated where v ≤ low, innerLow ≤ v ≤ innerHigh or v ≥ high; v is the weighted sum, or softmax's activation. */
export interface SaturationBounds {
  readonly low: number;
  readonly innerLow: number;
  readonly innerHigh: number;
  readonly high: number;
}

/** The share of the greatest derivative below which a unit is saturated. */
export const SATURATED = 0.01;

/** The least positive f32: v ≥ it where v > 0. */
const F32_LEAST = 2 ** -149;

function bounds(low: number, high = Infinity, innerLow = Infinity, innerHigh = -Infinity): SaturationBounds {
  return { low, innerLow, innerHigh, high };
}

/** @param log the natural logarithm: the core's, so that the bound of elu is the same everywhere */
export function saturationBounds(spec: ActivationSpec, log: (x: number) => number): SaturationBounds {
  switch (activationCode(spec)) {
    case ActivationCode.sigmoid: return bounds(-5.9864456922527618, 5.9864456922527618);
    case ActivationCode.tanh: return bounds(-2.9932228461263808, 2.9932228461263808);
    case ActivationCode.softsign: return bounds(-9, 9);                             // (1 + |z|)^−2
    case ActivationCode.softplus: return bounds(-4.5951198501345899);               // ln(1/99)
    case ActivationCode.selu: return bounds(-4.6051701859880914);                   // ln(1/100); the greatest derivative is scale·alpha, at 0 from below
    case ActivationCode.gelu: return bounds(-3.0216626340984039, Infinity, -0.77860169396235935, -0.72621659938342304);
    case ActivationCode.geluTanh: return bounds(-3.0093577396311303, Infinity, -0.77934391006100255, -0.72682135662617376);
    case ActivationCode.silu: return bounds(-6.1429157001956168, Infinity, -1.3307899905006247, -1.2295877279676961);
    case ActivationCode.mish: return bounds(-6.1587413096322093, Infinity, -1.2345558349446681, -1.1528656535120149);
    case ActivationCode.relu: return bounds(0);
    case ActivationCode.relu6: return bounds(0, 6);
    case ActivationCode.hardSigmoid: return bounds(-3, 3);
    case ActivationCode.hardTanh: return bounds(-1, 1);
    // of p its derivative by its own weighted sum, p·(1 − p), at most 1/4: the roots of p·(1 − p) = 1/400
    case ActivationCode.softmax: return bounds(0.0025062814466900174, 0.99749371855331);
    case ActivationCode.leakyRelu: return sloped((spec as { slope: number }).slope);
    case ActivationCode.elu: {
      const alpha = Math.abs((spec as { alpha: number }).alpha);
      const most = SATURATED * Math.max(1, alpha);
      // alpha·e^z on the left, 1 on the right
      return { ...bounds(alpha === 0 ? 0 : Math.min(0, log(most / alpha))), high: 1 < most ? F32_LEAST : Infinity };
    }
    // linear never; the derivative of the exponential has no greatest; PReLU's slopes are the core's to look at
    default: return bounds(-Infinity);
  }
}

/** Slope on the left, 1 on the right. */
function sloped(slope: number): SaturationBounds {
  const most = SATURATED * Math.max(1, Math.abs(slope));
  return bounds(Math.abs(slope) < most ? 0 : -Infinity, 1 < most ? F32_LEAST : Infinity);
}

/**
 * An activation of 0 has derivative 0 too where its weighted sum is below this: always where all zeros are flat (relu), never where the only zero is
 * a crossing (tanh).
 */
export function flatBelow(spec: ActivationSpec): number {
  switch (activationCode(spec)) {
    case ActivationCode.relu:
    case ActivationCode.relu6:
    case ActivationCode.hardSigmoid:
    case ActivationCode.sigmoid:
    case ActivationCode.softplus:
    case ActivationCode.exponential:
      return Infinity;
    case ActivationCode.leakyRelu: return (spec as { slope: number }).slope === 0 ? Infinity : -Infinity;
    case ActivationCode.elu: return (spec as { alpha: number }).alpha === 0 ? 0 : -Infinity;
    // 0 at 0, where they rise, and where they underflow; gelu's derivative does so last, at −14.54 in the core (every f32 tried)
    case ActivationCode.gelu: return -14.541348457336426;
    case ActivationCode.geluTanh:
    case ActivationCode.silu:
    case ActivationCode.mish:
      return 0;
    default: return -Infinity;
  }
}
