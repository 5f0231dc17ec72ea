// How many threads help: the operations of a training step against the cost of its barriers. Pure.
//
//   time of a step on n threads = operations / (rate · n) + barriers · (first + more · n)

import type { Topology } from "./layout.js";

/** Operations a nanosecond of one core, below what kernels reach, since small layers reach less. */
const RATE = 40;
/** Operations that an element of a dropout or a normalisation takes the time of, forward and backward. */
const OTHER = 150;
/** Nanoseconds of a barrier of two threads with the uneven ends of their shares, and of each thread more. */
const BARRIER_NS = 300;
const MORE_NS = 100;
/** Barriers of a step: for each layer one forward and two backward, and the ends of batch, loss and update. Dropout and batchNorm need none of their own. */
const barriers = ({ layers }: Topology): number => 3 * layers.filter(({ kind }) => kind === "dense" || kind === "layerNorm").length + 3;
/** Milliseconds of work on one thread below which a fit does not engage workers, and below which it does not start them. */
const LEAST_MS = 3;
const LEAST_START_MS = 40;
/** The gain from which on several threads are used. */
const LEAST_GAIN = 1.15;

/** Operations of a training step, multiplications and additions: products with the input, for the weights and, but for the first layer, for the input. */
export function stepOperations({ layers }: Topology, batch: number): number {
  return layers.reduce((sum, { kind, inputs, units, index }) => sum + (kind === "dense" ? 2 * batch * inputs * units * (index === 0 ? 2 : 3) : OTHER * batch * units), 0);
}

/** Threads, from 1 to `available`, with which that many steps end soonest. */
export function threadsThatHelp(topology: Topology, batch: number, steps: number, available: number, started: boolean): number {
  const alone = stepOperations(topology, batch) / RATE;
  if ((alone * steps) / 1e6 < (started ? LEAST_MS : LEAST_START_MS)) return 1;
  const time = (threads: number): number => alone / threads + barriers(topology) * (BARRIER_NS + MORE_NS * (threads - 2));
  let best = 1;
  let least = alone / LEAST_GAIN;
  for (let threads = 2; threads <= available; threads++) {
    if (time(threads) >= least) continue;
    best = threads;
    least = time(threads);
  }
  return best;
}
