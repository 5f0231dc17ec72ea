// The report of a training: one page that needs nothing beside itself. No script, no network, a style sheet in the page whose
// hash the page's own policy names; light or dark as the reader's system is; charts.ts draws.

import { createHash } from "node:crypto";
import type { Finding } from "../index.js";
import { escape } from "../markup.js";
import type { Column } from "../tabular/columns.js";
import type { EpochFigures } from "../tabular/run.js";
import { barChart, lineChart, scatterChart } from "./charts.js";
import type { Series } from "./charts.js";
import { cutText, details, figure, table } from "./html.js";
import type { Importance } from "./importance.js";

export interface Report {
  readonly title: string;
  /** What was trained on what, in a sentence. */
  readonly subtitle: string;
  /** Name and value of each figure at the top. */
  readonly figures: readonly (readonly [name: string, value: string])[];
  readonly history: readonly EpochFigures[];
  readonly bestEpoch: number;
  /** Of the measure in `history`: accuracy, or root mean squared error with the target's name. */
  readonly measure: string;
  /** The rows on which the model is judged: "test", "validation" or undefined where all were trained on. */
  readonly judgedOn: { readonly name: string; readonly rows: number } | undefined;
  readonly confusion?: { readonly matrix: readonly (readonly number[])[]; readonly classes: readonly string[] };
  readonly scatter?: { readonly target: string; readonly points: readonly (readonly [truth: number, prediction: number])[] };
  readonly importance: readonly Importance[];
  /** What falls where a column is shuffled: accuracy or R². */
  readonly importanceMeasure: string;
  readonly importanceRows: number;
  readonly columns: readonly Column[];
  readonly notes: readonly string[];
  readonly summary: string;
  readonly findings: readonly Pick<Finding, "message" | "advice">[];
  readonly command: string;
  readonly version: string;
}

const STYLE = `
:root { color-scheme: light dark; --page: #f5f6f8; --card: #fff; --text: #1c2330; --soft: #5b6475; --rule: #d9dee7; --a: #1f5fbf; --b: #c2410c; --heat: 31 95 191; --wrong: 194 65 12; }
@media (prefers-color-scheme: dark) { :root { --page: #12151b; --card: #1b2029; --text: #e7eaf0; --soft: #a2abba; --rule: #343c4a; --a: #7db0ff; --b: #ff9d66; --heat: 105 160 255; --wrong: 255 140 80; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 0 0 .75rem; }
h3 { font-size: .95rem; font-weight: 600; margin: 0 0 .25rem; }
p { margin: 0 0 .75rem; }
.soft { color: var(--soft); overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem; padding: 1rem; margin-top: 1rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; margin: 1rem 0 0; }
.figures div { background: var(--card); border: 1px solid var(--rule); border-radius: .6rem; padding: .6rem .8rem; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 20rem), 1fr)); gap: 1.25rem; }
figure { margin: 0; min-width: 0; }
svg { display: block; width: 100%; height: auto; max-width: 34rem; overflow: visible; }
.legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: .25rem 0 .5rem; padding: 0; color: var(--soft); font-size: .85rem; }
.legend li::before { content: ""; display: inline-block; width: 1.4em; border-top: .18em solid; vertical-align: middle; margin-right: .4em; }
.legend .a::before { border-color: var(--a); } .legend .b::before { border-color: var(--b); border-top-style: dashed; } .legend .best::before { border-color: var(--soft); border-top-style: dotted; }
.grid { stroke: var(--rule); } .axis { stroke: var(--soft); } .best { stroke: var(--soft); stroke-dasharray: 2 4; }
.tick, .label, .name { fill: var(--soft); font-size: 12px; } .name { fill: var(--text); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; } .line.a { stroke: var(--a); } .line.b { stroke: var(--b); stroke-dasharray: 6 3; }
.dot { fill-opacity: .55; } .dot.a { fill: var(--a); } .dot.b { fill: var(--b); }
.bar { fill: var(--a); fill-opacity: .8; } .error { stroke: var(--text); stroke-width: 1.5; }
.scroll { overflow-x: auto; max-width: 100%; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--rule); vertical-align: top; font-weight: 400; }
thead th { color: var(--soft); white-space: nowrap; }
.n { text-align: right; }
td:last-child:not(.n) { min-width: 13rem; }
.tall > .scroll { max-height: 26rem; overflow: auto; }
* + h3 { margin-top: 1rem; } figure > h3 { margin-top: 0; }
tbody th { min-width: 7rem; max-width: 18rem; overflow-wrap: anywhere; }
.confusion td, .confusion td:last-child, .confusion thead th { text-align: center; min-width: 3rem; }
.confusion thead th:first-child { text-align: left; } .confusion tbody th { min-width: 0; }
${Array.from({ length: 10 }, (_, i) => `.h${i + 1} { background: rgb(var(--heat) / ${(i + 1) * 7}%); } .w${i + 1} { background: rgb(var(--wrong) / ${(i + 1) * 7}%); }`).join("\n")}
details { margin-top: .5rem; } summary { cursor: pointer; color: var(--soft); font-size: .9rem; }
details > .scroll { max-height: 24rem; overflow: auto; margin-top: .5rem; }
pre { margin: 0; padding: .75rem; background: var(--page); border-radius: .4rem; overflow-x: auto; font: .85rem/1.45 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }
ul.notes { margin: 0; padding-left: 1.2rem; overflow-wrap: anywhere; } ul.notes li { margin-bottom: .4rem; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
footer { margin-top: 1.5rem; color: var(--soft); font-size: .85rem; }
:focus-visible { outline: 2px solid var(--a); outline-offset: 2px; }
@media print { section { break-inside: avoid; } details { display: none; } }
`;

/** The most classes whose confusion matrix is shown whole. */
const MOST_CLASSES = 25;
/** Lines of a table in the page; charts show more. */
const MOST_LINES = 200;
const MOST_BARS = 20;
const NAME_LENGTH = 60;

/** The page. */
export function renderReport(report: Report): string {
  const hash = createHash("sha256").update(STYLE).digest("base64");
  const sections = [curves(report), errors(report), importance(report), columns(report), findings(report), network(report), reproduce(report)];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="rosenblatt ${escape(report.version)}">
<title>${escape(report.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>${escape(report.title)}</h1>
<p class="soft">${escape(report.subtitle)}</p>
<dl class="figures">${report.figures.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join("")}</dl>
</header>
${sections.filter((each) => each !== "").join("\n")}
<footer>Written by rosenblatt ${escape(report.version)}. This page loads nothing and sends nothing.</footer>
</main>
</body>
</html>
`;
}

function section(id: string, heading: string, content: string): string {
  return `<section aria-labelledby="${id}"><h2 id="${id}">${escape(heading)}</h2>${content}</section>`;
}

function curves({ history, bestEpoch, measure }: Report): string {
  if (history.length === 0) return "";
  const series = (column: 1 | 2 | 3 | 4, name: string, style: "a" | "b"): Series => ({
    name, style, points: history.filter((row) => row[column] !== null).map((row) => [row[0], row[column]!]),
  });
  const chart = (id: string, heading: string, label: string, all: Series[]): string => {
    const shown = all.filter(({ points }) => points.length > 0);
    if (shown.length === 0) return "";
    const legend = [...shown.map(({ name, style }) => `<li class="${style}">${escape(name)}</li>`), ...(bestEpoch > 0 ? [`<li class="best">best epoch, ${bestEpoch}</li>`] : [])];
    return `<figure><h3>${escape(heading)}</h3><ul class="legend">${legend.join("")}</ul>${lineChart(id, heading, label, shown, bestEpoch)}</figure>`;
  };
  const loss = chart("loss", "Loss", "loss", [series(1, "training", "a"), series(3, "validation", "b")]);
  const other = chart("measure", capital(measure), measure.length > 24 ? "error" : measure, [series(2, "training", "a"), series(4, "validation", "b")]);
  const spacing = Math.ceil(history.length / MOST_LINES);
  const rows = history.filter((_, i) => i % spacing === 0 || i === history.length - 1).map((row) => row.map((value) => (value === null ? "" : figure(value))));
  const head = ["epoch", "loss", escape(measure), "validation loss", `validation ${escape(measure)}`];
  return section("curves", "Training", `<div class="pair">${loss}${other}</div>${details("The figures as a table", table([head, ...rows], [1, 2, 3, 4], "Losses and measures by epoch"))}`);
}

function errors({ confusion, scatter, judgedOn }: Report): string {
  if (judgedOn === undefined) return section("errors", "Errors", "<p>No rows were held out, so there is nothing to judge the model by.</p>");
  const on = `${judgedOn.rows} ${judgedOn.name} ${judgedOn.rows === 1 ? "row" : "rows"}`;
  if (confusion !== undefined) return section("errors", `Confusion matrix of ${on}`, confusionTable(confusion));
  if (scatter === undefined) return "";
  const worst = [...scatter.points].sort((a, b) => Math.abs(b[1] - b[0]) - Math.abs(a[1] - a[0])).slice(0, 20);
  const rows = worst.map(([truth, prediction]) => [figure(truth), figure(prediction), figure(prediction - truth)]);
  const content = `<figure>${scatterChart("scatter", `Predicted against true ${scatter.target}`, scatter.target, scatter.points)}</figure>` +
    details("The largest errors as a table", table([["true", "predicted", "error"], ...rows], [1, 2], "The largest errors"));
  return section("errors", `Predicted against true values of ${on}`, content);
}

function confusionTable({ matrix, classes }: NonNullable<Report["confusion"]>): string {
  if (classes.length > MOST_CLASSES) {
    const mistakes = matrix.flatMap((row, i) => row.map((count, k) => ({ count, i, k }))).filter(({ count, i, k }) => count > 0 && i !== k);
    mistakes.sort((a, b) => b.count - a.count || a.i - b.i || a.k - b.k);
    const rows = mistakes.slice(0, MOST_CLASSES).map(({ count, i, k }) => [cutText(classes[i], NAME_LENGTH), cutText(classes[k], NAME_LENGTH), String(count)]);
    return `<p class="soft">Of ${classes.length} classes, the most frequent mistakes.</p>${table([["true", "predicted", "rows"], ...rows], [2], "The most frequent mistakes")}`;
  }
  const head = `<tr><th scope="col">true ╲ predicted</th>${classes.map((name) => `<th scope="col">${cutText(name, 16)}</th>`).join("")}<th scope="col">right</th></tr>`;
  const body = matrix.map((row, i) => {
    const sum = row.reduce((all, count) => all + count, 0);
    const cells = row.map((count, k) => {
      const shade = sum === 0 || count === 0 ? "" : ` class="${i === k ? "h" : "w"}${Math.max(1, Math.round((10 * count) / sum))}"`;
      return `<td${shade}>${count === 0 ? '<span class="soft">·</span>' : count}</td>`;
    });
    return `<tr><th scope="row">${cutText(classes[i], 24)}</th>${cells.join("")}<td class="soft">${sum === 0 ? "" : `${Math.round((100 * row[i]) / sum)} %`}</td></tr>`;
  });
  return `<div class="scroll confusion" tabindex="0" role="region" aria-label="Confusion matrix"><table><caption class="hidden">Rows are the true classes, columns the predicted ones</caption>` +
    `<thead>${head}</thead><tbody>${body.join("")}</tbody></table></div>`;
}

function importance({ importance, importanceMeasure, importanceRows, judgedOn }: Report): string {
  if (importance.length === 0 || judgedOn === undefined) return "";
  const bars = importance.slice(0, MOST_BARS);
  const more = importance.length > bars.length ? ` The first ${bars.length} of ${importance.length}.` : "";
  const text = `<p class="soft">By how much ${escape(importanceMeasure)} falls on ${importanceRows} ${escape(judgedOn.name)} rows when the cells of one column change places with each other, ` +
    `in the mean of 5 times; the line is their deviation. Columns that say the same share their importance.${more}</p>`;
  const rows = importance.slice(0, MOST_LINES).map(({ name, value, deviation }) => [cutText(name, NAME_LENGTH), figure(value), figure(deviation)]);
  const heading = "What the model goes by";
  return section("importance", heading, `${text}<figure>${barChart("bars", heading, bars)}</figure>${details("The figures as a table", table([["column", "fall", "deviation"], ...rows], [1, 2], heading))}`);
}

function columns({ columns, notes }: Report): string {
  const rows = columns.slice(0, MOST_LINES).map((column) => [cutText(column.name, NAME_LENGTH), column.kind, ...understood(column)]);
  const more = columns.length > MOST_LINES ? `<p class="soft">The first ${MOST_LINES} of ${columns.length}.</p>` : "";
  const left = notes.length === 0 ? "" : `<h3>Left out or changed</h3><ul class="notes">${notes.map((note) => `<li>${escape(note)}</li>`).join("")}</ul>`;
  return section("columns", "Columns as they were understood", `<div class="tall">${table([["column", "kind", "inputs", "becomes"], ...rows], [2], "Columns")}</div>${more}${left}`);
}

function understood(column: Column): [inputs: string, becomes: string] {
  if (column.kind === "numeric") {
    const standard = `(x − ${figure(column.mean)}) / ${figure(column.deviation)}`;
    return column.indicator ? ["2", `${standard}; missing ones the mean, and marked`] : ["1", standard];
  }
  const names = column.categories.map((category) => category ?? "missing");
  return [String(names.length + 1), `one of ${cutText(names.join(", "), 120)}, or other`];
}

function findings({ findings }: Report): string {
  const list = findings.map(({ message, advice }) => `<li>${escape(message)} <span class="soft">${escape(advice)}</span></li>`);
  return section("findings", "Findings", list.length === 0 ? "<p>Nothing that stands out.</p>" : `<ul class="notes">${list.join("")}</ul>`);
}

function network({ summary }: Report): string {
  return section("network", "Network", `<pre tabindex="0">${escapeLines(summary)}</pre>`);
}

function reproduce({ command }: Report): string {
  return section("reproduce", "Again", `<p class="soft">The same data and this command give the same model, byte for byte.</p><pre class="wrap">${escape(command)}</pre>`);
}

function escapeLines(text: string): string {
  return text.split("\n").map(escape).join("\n");
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
