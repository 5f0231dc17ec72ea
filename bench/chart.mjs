// Horizontal bars in groups as SVG: no script, no font to load, its own light and dark background, and narrow enough that the
// text stays legible when a telephone shows it at 340 pixels.

const WIDTH = 480;
const MARGIN = 14;
const LABEL = 158;
const ROW = 19;
const BAR = 13;
const GROUP = 28;
/** Room to the right of the longest bar for its figure. */
const FIGURE = 84;

const STYLE = `
text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328 }
.title { font-size: 17px; font-weight: 600 } .group { font-weight: 600 } .faint { fill: #59636e; font-size: 12px }
.group, .faint { paint-order: stroke; stroke: #ffffff; stroke-width: 5px; stroke-linejoin: round }
.back { fill: #ffffff; stroke: #d1d9e0 } .grid { stroke: #d1d9e0 } .mark { stroke: #1f2328; stroke-width: 2 }
.ours { fill: #1a7f37 } .one { fill: #8c959f } .other { fill: #6e9bd8 } .native { fill: #c9803a }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .faint { fill: #9198a1 } .group, .faint { stroke: #0d1117 }
  .back { fill: #0d1117; stroke: #3d444d } .grid { stroke: #3d444d } .mark { stroke: #f0f6fc }
  .ours { fill: #3fb950 } .one { fill: #6e7681 } .other { fill: #4078c0 } .native { fill: #b0692a }
}`.trim();

const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
/** A line of text at its baseline; `kind`: a class of the style above. */
function text(x, y, content, kind = "", anchor = "start") {
  const attributes = `${kind === "" ? "" : ` class="${kind}"`}${anchor === "start" ? "" : ` text-anchor="${anchor}"`}`;
  return `<text x="${x}" y="${y}"${attributes}>${escape(content)}</text>`;
}
const round = (value) => Math.round(value * 10) / 10;

/** 0.1, 1, 10, 1k, 10k, 1M */
function tick(value) {
  if (value >= 1e6) return `${value / 1e6}M`;
  if (value >= 1e3) return `${value / 1e3}k`;
  return String(value);
}

/** Where a value ends and the ticks that lie between the least and the most: powers of ten, or whole numbers from 0. */
function scaleOf(groups, logarithmic, most, width) {
  const values = groups.flatMap(({ bars }) => bars.map(({ value }) => value));
  if (!logarithmic) {
    const top = Math.max(most ?? 0, ...values);
    return { x: (value) => (value / top) * width, ticks: Array.from({ length: Math.floor(top) + 1 }, (_, i) => i) };
  }
  // a decade below the least, so that its bar has a length
  const low = Math.floor(Math.log10(Math.min(...values))) - (Math.log10(Math.min(...values)) % 1 === 0 ? 1 : 0);
  const high = Math.log10(Math.max(...values));
  const ticks = Array.from({ length: Math.floor(high) - low + 1 }, (_, i) => 10 ** (low + i)).map((value) => Number(value.toPrecision(1)));
  return { x: (value) => ((Math.log10(value) - low) / (high - low)) * width, ticks };
}

/**
 * { title, unit, groups: [{ title, bars: [{ label, value, text, colour, mark? }] }], legend: [[colour, label]], logarithmic, most?, notes }
 * colour: "ours", "one", "other" or "native"; mark: a value at which the bar has a goal; most: the least that a linear scale reaches.
 */
export function barChart({ title, unit, groups, legend, logarithmic, most, notes }) {
  const left = MARGIN + LABEL;
  const full = WIDTH - left - FIGURE - MARGIN;
  const { x, ticks } = scaleOf(groups, logarithmic, most, full);
  const parts = [text(MARGIN, 28, title, "title"), text(MARGIN, 48, unit, "faint")];
  let across = MARGIN;
  for (const [colour, label] of legend) {
    parts.push(`<rect class="${colour}" x="${across}" y="57" width="11" height="11" rx="2"/>`, text(across + 16, 67, label, "faint"));
    across += 36 + 7 * label.length;
  }
  const top = 92;
  let y = top;
  const bars = [];
  for (const group of groups) {
    y += GROUP;
    bars.push(text(MARGIN, y - 9, group.title, "group"));
    for (const { label, value, text: figure, colour, mark } of group.bars) {
      const length = Math.max(1, round(x(value)));
      bars.push(text(left - 8, y + BAR - 2, label, "", "end"), `<rect class="${colour}" x="${left}" y="${y}" width="${length}" height="${BAR}" rx="2"/>`);
      if (mark !== undefined) bars.push(`<path class="mark" d="M${round(left + x(mark))} ${y - 2}V${y + BAR + 2}"/>`);
      const end = Math.max(length, mark === undefined ? 0 : x(mark));
      bars.push(text(round(left + end + 6), y + BAR - 2, figure, "faint"));
      y += ROW;
    }
  }
  const bottom = y + 4;
  for (const value of ticks) {
    const at = round(left + x(value));
    parts.push(`<path class="grid" d="M${at} ${top}V${bottom}"/>`, text(at, top - 5, tick(value), "faint", "middle"));
  }
  notes.forEach((note, i) => bars.push(text(MARGIN, bottom + 20 + 17 * i, note, "faint")));
  const height = bottom + 20 + 17 * notes.length;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}</style>`, `<rect class="back" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`, ...parts, ...bars, "</svg>", "",
  ].join("\n");
}
