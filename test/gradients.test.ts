// The library's forward and backward pass agree with the f64 oracle: weighted sums, activations, loss and the gradient of every
// parameter, for every pair of activation and loss that the contract allows.
//
// The tolerance of each single number is derived, not chosen: test/oracle/bounds.ts carries a running error bound through the
// same network (γ_n Σ|a||b| for every sum of n products, what each function makes of the error of its argument, and the
// accuracy that the library's kernels promise). A number passes if its error is at most its own bound; the tests also hold
// that no bound is so wide that it could hide an error.

import { describe, expect, it } from "vitest";
import { gradientBounds, traceBounds, worstShare } from "./oracle/bounds.js";
import { buildPair, HIDDEN_PAIR_COUNT, HIDDEN_PAIRS, OUTPUT_PAIR_COUNT, OUTPUT_PAIRS, type PairCase } from "./oracle/cases.js";
import { libraryLoss, libraryNetwork } from "./oracle/library.js";
import { forward, gradients } from "./oracle/network.js";

/** Inputs, hidden units, outputs: odd sizes; multiples of 8; a multiple of 4 with one output (4 where softmax needs several). */
const SIZES: readonly (readonly [number, number, number])[] = [[5, 7, 3], [8, 16, 8], [12, 9, 1]];
const BATCHES = [1, 3, 4, 5, 8, 17];
const LARGEST_BATCH = 17;
/** Errors of weighted sums are some 1e-6: none reaches a kink, where a bound has to grow by the whole jump. */
const KINK_MARGIN = 1e-3;
/** No bound may be wider than this share of the largest number of its kind. */
const WIDEST_BOUND = 0.01;
/** Where all gradients are 0, the bounds are of the size of f32's subnormals. */
const SMALLEST_NORMAL = 2 ** -126;

const PARAMETERS = ["weights", "biases", "slopes"] as const;

function largest(values: ArrayLike<number>): number {
  let result = 0;
  for (let k = 0; k < values.length; k++) result = Math.max(result, Math.abs(values[k]));
  return result;
}

let comparisons = 0;

/** One network, in batches of every size. */
async function checkPair(pair: PairCase, sizes: readonly [number, number, number]): Promise<void> {
  const outputs = pair.output.name === "softmax" ? Math.max(sizes[2], 4) : sizes[2];
  const data = buildPair(pair, [sizes[0], sizes[1], outputs], LARGEST_BATCH, KINK_MARGIN);
  const { network: oracle } = data;
  const library = await libraryNetwork(oracle.inputs, oracle.layers.map(({ units, activation }) => ({ units, activation })), oracle.layers);
  const loss = libraryLoss(pair.loss);
  const wholeTrace = library.trace(Float32Array.from(data.inputs));

  for (const batch of BATCHES) {
    const at = `${sizes.join("-")}, batch of ${batch}`;
    const inputs = data.inputs.slice(0, batch * oracle.inputs);
    const targets = data.targets.slice(0, batch * outputs);

    const exactTrace = forward(oracle, inputs);
    const boundsOfTrace = traceBounds(oracle, inputs);
    const trace = library.trace(Float32Array.from(inputs));
    expect(trace.length).toBe(oracle.layers.length);
    exactTrace.forEach((exact, l) => {
      for (const key of ["weightedSums", "activations"] as const) {
        const computed = trace[l][key] as Float32Array;
        const place = `${key} of layer ${l}, ${at}`;
        expect(worstShare(computed, exact[key], boundsOfTrace[l][key]), place).toBeLessThanOrEqual(1);
        expect(largest(boundsOfTrace[l][key]), `bound of ${place}`).toBeLessThanOrEqual(WIDEST_BOUND * Math.max(1, largest(exact[key])));
        // Within batches a sample's result depends on neither the size of the batch nor its place.
        if (batch > 1) expect(computed, place).toEqual((wholeTrace[l][key] as Float32Array).slice(0, computed.length));
      }
    });

    const exact = gradients(oracle, inputs, targets, pair.loss);
    const bounds = gradientBounds(oracle, inputs, targets, pair.loss);
    const computed = library.gradients(Float32Array.from(inputs), Float32Array.from(targets), { loss });
    expect(Math.abs(computed.loss - exact.loss), `loss, ${at}`).toBeLessThanOrEqual(bounds.loss);
    expect(bounds.loss, `bound of the loss, ${at}`).toBeLessThanOrEqual(WIDEST_BOUND * Math.max(1, Math.abs(exact.loss)));
    const magnitude = Math.max(...exact.layers.flatMap((layer) => PARAMETERS.map((key) => largest(layer[key] ?? []))));
    exact.layers.forEach((layer, l) => {
      const ofLibrary = computed.layers[l] as { [key in (typeof PARAMETERS)[number]]?: Float32Array };
      for (const key of PARAMETERS) {
        const values = layer[key];
        if (values === null) continue;
        const bound = bounds.layers[l][key] as Float64Array;
        expect(worstShare(ofLibrary[key] as Float32Array, values, bound), `gradient of ${key} of layer ${l}, ${at}`).toBeLessThanOrEqual(1);
        expect(largest(bound), `bound of ${key} of layer ${l}, ${at}`).toBeLessThanOrEqual(WIDEST_BOUND * Math.max(magnitude, SMALLEST_NORMAL));
      }
    });
    comparisons++;
  }
  library.dispose();
}

async function check(pair: PairCase): Promise<void> {
  for (const sizes of SIZES) await checkPair(pair, sizes);
}

describe("trace, loss and gradients agree with the oracle", () => {
  it.each(OUTPUT_PAIRS)("$title", check);
  it.each(HIDDEN_PAIRS)("$title", check);

  it("for every pair, size and batch", () => {
    expect([OUTPUT_PAIRS.length, HIDDEN_PAIRS.length]).toEqual([OUTPUT_PAIR_COUNT, HIDDEN_PAIR_COUNT]);
    expect(comparisons).toBe((200 + 231) * SIZES.length * BATCHES.length);
  });
});
