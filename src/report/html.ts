// HTML as text. All that comes from data goes through `escape`.

import { escape } from "../markup.js";

/** A text cut to so many characters, escaped; the whole of it as the tooltip where it was cut. */
export function cutText(text: string, width: number): string {
  const characters = [...text];
  if (characters.length <= width) return escape(text);
  return `<span title="${escape(text)}">${escape(characters.slice(0, width - 1).join(""))}…</span>`;
}

/** A figure with four significant digits. */
export function figure(value: number): string {
  const short = value.toPrecision(4);
  return (Number.isFinite(Number(short)) ? String(Number(short)) : short).replace("-", "−");
}

/** A table whose first row is the head and whose cells are HTML; the columns in `numeric` stand to the right. */
export function table(rows: readonly (readonly string[])[], numeric: readonly number[] = [], caption = ""): string {
  const kind = (column: number): string => (numeric.includes(column) ? ' class="n"' : "");
  const [head, ...body] = rows;
  const cells = (row: readonly string[]): string => row.map((cell, i) => (i === 0 ? `<th scope="row">${cell}</th>` : `<td${kind(i)}>${cell}</td>`)).join("");
  return `<div class="scroll" tabindex="0"${caption === "" ? "" : ` role="region" aria-label="${escape(caption)}"`}><table>${
    caption === "" ? "" : `<caption class="hidden">${escape(caption)}</caption>`
  }<thead><tr>${head.map((cell, i) => `<th scope="col"${kind(i)}>${cell}</th>`).join("")}</tr></thead><tbody>${
    body.map((row) => `<tr>${cells(row)}</tr>`).join("")
  }</tbody></table></div>`;
}

/** What a reader may unfold. */
export function details(summary: string, content: string): string {
  return `<details><summary>${escape(summary)}</summary>${content}</details>`;
}
