// Timing: warm-up, repeats long enough for the clock, and what a reader needs of them: least, median, spread.

/** Calls `work` for about `milliseconds` and returns the time of one call in ms. */
export function timeOnce(work, milliseconds = 20) {
  const started = performance.now();
  let calls = 0;
  let elapsed = 0;
  do {
    work();
    calls++;
    elapsed = performance.now() - started;
  } while (elapsed < milliseconds);
  return elapsed / calls;
}

/** Runs every contender in turn, `repeats` times round, so that a machine that slows down slows them all: ms a call, by name. */
export function interleave(contenders, repeats = 10, milliseconds = 20) {
  const times = new Map(Object.keys(contenders).map((name) => [name, []]));
  for (const work of Object.values(contenders)) timeOnce(work, milliseconds);
  for (let i = 0; i < repeats; i++) {
    for (const [name, work] of Object.entries(contenders)) times.get(name).push(timeOnce(work, milliseconds));
  }
  return times;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Half the range over the median, in percent. */
export function spread(values) {
  return (50 * (Math.max(...values) - Math.min(...values))) / median(values);
}

/** A seeded generator for data (mulberry32, Tommy Ettinger 2017): the same numbers in every run. */
export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Rows of cells as a Markdown table; all columns but the first to the right. */
export function table(rows) {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  const line = (row) => `| ${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i === 0 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(rows[0]), rule, ...rows.slice(1).map(line)].join("\n");
}

/** The value below which a share of the values lies. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export function geometricMean(values) {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

/** At least three digits, with separators of thousands: 1,024,000 as 1,020,000; 0.314; 12.1. */
export function three(value) {
  if (!Number.isFinite(value) || value === 0) return String(value);
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value))));
  const format = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return Number(value.toPrecision(3)).toLocaleString("en", format);
}
