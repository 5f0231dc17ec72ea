// Builds the page: the document, two bundles (the page, and the worker with the package in it) and the digits, all in memory.
// A module asked for with ?text is its source, which the page shows to be copied.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const inFolder = (name) => fileURLToPath(new URL(name, import.meta.url));

const asText = {
  name: "as-text",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\?text$/ }, ({ path }) => ({ path: inFolder(path.replace(/\?text$/, "")), namespace: "text" }));
    onLoad({ filter: /.*/, namespace: "text" }, async ({ path }) => ({ contents: await readFile(path, "utf8"), loader: "text" }));
  },
};

/**
 * What uPlot offers and the page's two curves do without, and what stands in its place: nothing else names it, so that the bundle leaves out what it
 * hangs on. Paths other than lines, and all that has to do with time.
 */
const unused = [
  ..."(paths.stepped = stepped);|(paths.bars    = bars);|(paths.spline  = monotoneCubic);|uPlot.join = join;|uPlot.addGap = addGap;|uPlot.clipGaps = clipGaps;|uPlot.orient   = orient;".split("|").map((text) => [text, ""]),
  ["uPlot.fmtDate = fmtDate;", ""], ["uPlot.tzDate  = tzDate;", ""], ["= genTimeStuffs(1);", "= [];"], ["= genTimeStuffs(1e-3);", "= [];"], ["= new Intl.DateTimeFormat()", "= /* @__PURE__ */ new Intl.DateTimeFormat()"],
  ["days.map(slice3)", "/* @__PURE__ */ days.map(slice3)"], ["months.map(slice3)", "/* @__PURE__ */ months.map(slice3)"],
  ["(opts.tzDate || (ts => new Date(round(ts / ms))))", "0"], ["(opts.fmtDate || fmtDate)", "0"],
  ["(ms == 1 ? timeAxisSplitsMs(_tzDate) : timeAxisSplitsS(_tzDate))", "0"], ["timeAxisVals(_tzDate, timeAxisStamps((ms == 1 ? _timeAxisStampsMs : _timeAxisStampsS), _fmtDate))", "0"],
  ["timeSeriesVal(_tzDate, timeSeriesStamp(_timeSeriesStamp, _fmtDate))", "0"], ["isTime ? (isStr(sv)", "false ? (isStr(sv)"], ["isTime ? (\n", "false ? (\n"],
];

const slender = {
  name: "slender",
  setup({ onLoad }) {
    onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const [text, instead] of unused) {
        if (!contents.includes(text)) throw new Error(`playground: uplot: expected '${text}', found none. Bring the list in build.mjs up to this version`);
        contents = contents.replace(text, instead);
      }
      return { contents, loader: "js" };
    });
  },
};

/** The files of the page by their paths. `data` are those that hold no program. */
export async function buildPlayground() {
  const { outputFiles } = await build({
    entryPoints: { page: inFolder("page.ts"), worker: inFolder("worker.ts"), style: inFolder("style.css") },
    outdir: inFolder("."), bundle: true, format: "esm", target: "es2022", minify: true, charset: "utf8", legalComments: "none", write: false,
    logLevel: "warning", plugins: [asText, slender],
  });
  const content = (name) => outputFiles.find(({ path }) => path === inFolder(name)).text;
  // the style stands in the document, so that the first paint waits for one answer
  const html = (await readFile(inFolder("index.html"), "utf8")).replace("/* style */", () => content("style.css").trim());
  return {
    files: {
      "/": { type: "text/html; charset=utf-8", content: html },
      "/page.js": { type: "text/javascript; charset=utf-8", content: content("page.js") },
      "/worker.js": { type: "text/javascript; charset=utf-8", content: content("worker.js") },
    },
    data: { "/digits.csv": { type: "text/csv; charset=utf-8", content: await readFile(inFolder("../data/digits.csv"), "utf8") } },
  };
}
