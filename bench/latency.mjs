// The time of one short call: median and 99th percentile. A clock costs 30 to 50 ns, so calls below 2 µs are timed in groups of 16,
// whose p99 is that of the group's mean.

import { quantile } from "./stats.mjs";

const GROUP = 16;
const SHORTEST_MS = 0.002;
const MOST = 200_000;

/** Times of `call` over about `milliseconds`: { p50, p99, calls } in µs. `call` may return a promise if `asynchronous`. */
export async function timeCalls(call, milliseconds, asynchronous = false) {
  const started = performance.now();
  let first = started;
  for (let i = 0; i < GROUP; i++) {
    if (asynchronous) await call();
    else call();
    first = performance.now();
  }
  const group = (first - started) / GROUP < SHORTEST_MS ? GROUP : 1;
  const times = [];
  let now = first;
  do {
    const before = performance.now();
    if (asynchronous) await call();
    else for (let i = 0; i < group; i++) call();
    now = performance.now();
    times.push((now - before) / group);
  } while (now - first < milliseconds && times.length < MOST);
  return { p50: quantile(times, 0.5) * 1000, p99: quantile(times, 0.99) * 1000, calls: times.length * group };
}
