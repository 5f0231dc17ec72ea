// Pictures of the lessons as SVG: panels with axes, and lines, points, cells, bars and notes in them. No script, no font to load, light or dark as the reader
// has it, and narrow enough (480 units) that the text stays legible at the width of a telephone. Colours go with dashes and shapes, so that none is needed.

const WIDTH = 480;
const MARGIN = { left: 56, right: 14, top: 24, bottom: 42 };
const GAP = 14;
const ROW = 20;

const STYLE = `
text { font: 13px system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", "Noto Sans SC", "PingFang SC", "Microsoft YaHei", "WenQuanYi Micro Hei", sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .panel { font-weight: 600 } .tick { font-size: 12px; fill: #59636e } .note { font-size: 12px; paint-order: stroke; stroke: #fff; stroke-width: 4px; stroke-linejoin: round }
.back { fill: #fff; stroke: #d1d9e0 } .grid { stroke: #d1d9e0; stroke-opacity: .7 } .axis { stroke: #818b98 }
.line { fill: none; stroke-width: 2.2; stroke-linejoin: round; stroke-linecap: round } .ring { fill: #fff; stroke-width: 1.6 }
.s0 { stroke: #0b62c4 } .s1 { stroke: #c2410c } .s2 { stroke: #1a7f37 } .s3 { stroke: #8250df } .s4 { stroke: #59636e } .s5 { stroke: #b5147a }
.f0 { fill: #0b62c4 } .f1 { fill: #c2410c } .f2 { fill: #1a7f37 } .f3 { fill: #8250df } .f4 { fill: #59636e } .f5 { fill: #b5147a }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc } .tick { fill: #9198a1 } .back { fill: #0d1117; stroke: #3d444d } .grid { stroke: #3d444d } .axis { stroke: #848d97 } .ring { fill: #0d1117 } .note { stroke: #0d1117 }
  .s0 { stroke: #6cb2ff } .s1 { stroke: #ffa05c } .s2 { stroke: #56d364 } .s3 { stroke: #bc8cff } .s4 { stroke: #9198a1 } .s5 { stroke: #ff7bc5 }
  .f0 { fill: #6cb2ff } .f1 { fill: #ffa05c } .f2 { fill: #56d364 } .f3 { fill: #bc8cff } .f4 { fill: #9198a1 } .f5 { fill: #ff7bc5 }
}`.trim();

const DASHES = { solid: "", dashed: "7 4", dotted: "1.5 4.5" };
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
const pixel = (value) => String(Math.round(value * 10) / 10);
const attributesOf = (all) => Object.entries(all).filter(([, value]) => value !== undefined && value !== "").map(([name, value]) => ` ${name}="${escape(String(value))}"`).join("");
const element = (name, all) => `<${name}${attributesOf(all)}/>`;
const text = (x, y, content, all = {}) => `<text${attributesOf({ x: pixel(x), y: pixel(y), ...all })}>${escape(content)}</text>`;

/** About how wide a text of 13 units is: Chinese signs are as wide as high. */
function widthOf(content) {
  return Array.from(content).reduce((sum, sign) => sum + (sign.codePointAt(0) > 0x2e80 ? 13.5 : 7.3), 0);
}

/** 10⁻³, 0.5, 1000 */
function tickText(value, logarithmic) {
  if (!logarithmic) return String(Number(value.toPrecision(6))).replace("-", "−");
  const exponent = Math.round(Math.log10(value));
  return exponent >= -2 && exponent <= 3 ? String(Number((10 ** exponent).toPrecision(1))) : `10${String(exponent).replace(/./g, (sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)])}`;
}

/** Where a value lies from 0 to 1, and the values at which the grid has lines: { min, max, log?, ticks?, count? } */
function scaleOf({ min, max, log = false, ticks, count = 6 }) {
  const at = log ? (value) => (Math.log10(value) - Math.log10(min)) / (Math.log10(max) - Math.log10(min)) : (value) => (value - min) / (max - min);
  if (ticks !== undefined) return { at, ticks };
  if (log) {
    const [low, high] = [Math.ceil(Math.log10(min) - 1e-9), Math.floor(Math.log10(max) + 1e-9)];
    const step = Math.max(1, Math.ceil((high - low) / count));
    return { at, ticks: Array.from({ length: Math.floor((high - low) / step) + 1 }, (_, i) => 10 ** (high - i * step)) };
  }
  const size = 10 ** Math.floor(Math.log10((max - min) / count));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * size).find((wide) => (max - min) / wide <= count);
  const first = Math.ceil(min / step - 1e-9);
  return { at, ticks: Array.from({ length: Math.floor(max / step + 1e-9) - first + 1 }, (_, i) => (first + i) * step) };
}

/** A point as a shape of its own: dot, ring, square, cross. */
function shape(kind, x, y, colour, size = 3) {
  switch (kind) {
    case "ring": return element("circle", { class: `ring s${colour}`, cx: pixel(x), cy: pixel(y), r: size });
    case "square": return element("rect", { class: `f${colour}`, x: pixel(x - size), y: pixel(y - size), width: 2 * size, height: 2 * size });
    case "cross": return element("path", { class: `line s${colour}`, d: `M${pixel(x - size)} ${pixel(y - size)}l${2 * size} ${2 * size}m0 ${-2 * size}l${-2 * size} ${2 * size}` });
    default: return element("circle", { class: `f${colour}`, cx: pixel(x), cy: pixel(y), r: size });
  }
}

/** One mark of a panel; `x` and `y` turn values into places. Values outside of the panel are cut by its clip path. */
function drawn(mark, x, y) {
  const { kind, colour = 0, points = [] } = mark;
  switch (kind) {
    case "line": return element("path", {
      class: `line s${colour}`, "stroke-dasharray": DASHES[mark.dash ?? "solid"], "stroke-width": mark.width,
      d: points.map(([px, py], i) => `${i === 0 ? "M" : "L"}${pixel(x(px))} ${pixel(y(py))}`).join(""),
    });
    case "points": return points.map(([px, py]) => shape(mark.shape, x(px), y(py), colour, mark.size)).join("");
    case "interval": return points.map(([px, low, high]) => element("path", { class: `line s${colour}`, d: `M${pixel(x(px))} ${pixel(y(low))}V${pixel(y(high))}` })).join("");
    case "bars": return points.map(([from, to, value]) => {
      const [top, base] = [y(value), y(mark.base ?? 0)];
      return element("rect", { class: `f${colour}`, "fill-opacity": mark.opacity ?? 0.75, x: pixel(x(from)), y: pixel(Math.min(top, base)), width: pixel(x(to) - x(from)), height: pixel(Math.abs(base - top)) });
    }).join("");
    // squares of a grid, each of the colour of its class
    case "cells": return points.map(([px, py, index]) => element("rect", {
      class: `f${index}`, "fill-opacity": 0.22, x: pixel(x(px)), y: pixel(y(py + mark.height)), width: pixel(x(px + mark.width) - x(px)), height: pixel(y(py) - y(py + mark.height)),
    })).join("");
    case "note": return text(x(mark.x), y(mark.y), mark.text, { class: "note", "text-anchor": mark.anchor });
    default: throw new Error(`mark: expected a known kind, got '${kind}'`);
  }
}

/** A panel at its place, as wide and high as given, the axes' labels included. */
function panelOf({ title, x: across, y: up, marks }, left, top, width, height, id) {
  const box = { left: left + MARGIN.left, right: left + width - MARGIN.right, top: top + MARGIN.top, bottom: top + height - MARGIN.bottom };
  const [horizontal, vertical] = [scaleOf(across), scaleOf(up)];
  const x = (value) => box.left + horizontal.at(value) * (box.right - box.left);
  const y = (value) => box.bottom - vertical.at(value) * (box.bottom - box.top);
  const label = (scale, value, i) => scale.names?.[i] ?? tickText(value, scale.log);
  const middle = (box.top + box.bottom) / 2;
  return [
    text(box.left, top + 15, title ?? "", { class: "panel" }),
    ...horizontal.ticks.map((value, i) => element("path", { class: "grid", d: `M${pixel(x(value))} ${box.top}V${box.bottom}` }) + text(x(value), box.bottom + 16, label(across, value, i), { class: "tick", "text-anchor": "middle" })),
    ...vertical.ticks.map((value, i) => element("path", { class: "grid", d: `M${box.left} ${pixel(y(value))}H${box.right}` }) + text(box.left - 6, y(value) + 4, label(up, value, i), { class: "tick", "text-anchor": "end" })),
    text((box.left + box.right) / 2, box.bottom + 34, across.label ?? "", { "text-anchor": "middle" }),
    up.label === undefined ? "" : text(left + 13, middle, up.label, { "text-anchor": "middle", transform: `rotate(-90 ${left + 13} ${middle})` }),
    `<clipPath id="${id}"><rect x="${box.left}" y="${box.top}" width="${box.right - box.left}" height="${box.bottom - box.top}"/></clipPath>`,
    `<g clip-path="url(#${id})">`, ...marks.map((mark) => drawn(mark, x, y)), "</g>",
    element("path", { class: "axis", fill: "none", d: `M${box.left} ${box.top}V${box.bottom}H${box.right}` }),
  ].filter((line) => line !== "" && !line.endsWith("></text>"));
}

/**
 * { title, legend: [{ label, colour, dash?, shape? }], panels: [{ title?, x: axis, y: axis, marks }], columns = 1, height = 230 (of a panel) }
 * An axis is { label?, min, max, log?, ticks?, names? }, a mark { kind: "line" | "points" | "interval" | "bars" | "cells" | "note", points, colour, … }.
 */
export function chart({ title, legend = [], panels, columns = 1, height = 230 }) {
  const key = [];
  let [across, down] = [16, 46];
  for (const { label, colour, dash, shape: kind } of legend) {
    const wide = 34 + widthOf(label) + 14;
    if (across + wide > WIDTH && across > 16) [across, down] = [16, down + ROW];
    key.push(kind === undefined ? element("path", { class: `line s${colour}`, "stroke-dasharray": DASHES[dash ?? "solid"], d: `M${across} ${down}h26` }) : shape(kind, across + 16, down, colour, 4), text(across + 33, down + 4, label));
    across += wide;
  }
  const top = legend.length === 0 ? 36 : down + 14;
  const width = (WIDTH - 8) / columns;
  const rows = Math.ceil(panels.length / columns);
  const full = top + rows * height + (rows - 1) * GAP + 6;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${full}" viewBox="0 0 ${WIDTH} ${full}" role="img" aria-label="${escape(title)}">`,
    `<style>${STYLE}</style>`,
    `<rect class="back" x="0.5" y="0.5" width="${WIDTH - 1}" height="${full - 1}" rx="8"/>`,
    text(16, 26, title, { class: "title" }),
    ...key,
    ...panels.flatMap((panel, i) => panelOf(panel, 2 + (i % columns) * width, top + Math.floor(i / columns) * (height + GAP), width, height, `panel${i}`)),
    "</svg>", "",
  ].join("\n");
}
