// The bench page: starts a measurement, shows its tables as they come, and gives them as Markdown. run.mjs drives it by `bench.run`.

import { chosen } from "../networks.mjs";
import { table } from "../stats.mjs";
import { FULL, QUICK, measureAll } from "./measure.mjs";
import { notes, tables } from "./report.mjs";

const status = document.getElementById("status");
const output = document.getElementById("results");
const buttons = [...document.querySelectorAll("button[data-extent]")];
const copy = document.getElementById("copy");
let last;

function element(name, text, ...children) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

function rowElement(cells, head) {
  const row = element("tr");
  cells.forEach((cell, i) => {
    const made = element(head || i === 0 ? "th" : "td", cell);
    // "T1 2-8-1 tanh sigmoid": the shape below its name, or a phone would show nothing else
    if (!head && i === 0) made.replaceChildren(element("b", cell.slice(0, cell.indexOf(" "))), element("small", cell.slice(cell.indexOf(" ") + 1)));
    if (head || i === 0) made.scope = head ? "col" : "row";
    row.append(made);
  });
  return row;
}

function show(results, text) {
  status.textContent = text || `measured ${results.networks.length} networks in ${results.seconds} s`;
  if (results.networks.length === 0) return;
  const parts = tables(results).map(({ title, rows: [head, ...rows] }) => {
    const made = element("table", undefined, element("thead", undefined, rowElement(head, true)), element("tbody", undefined, ...rows.map((row) => rowElement(row))));
    const frame = element("div", undefined, made);
    frame.className = "scroll";
    frame.tabIndex = 0;
    frame.setAttribute("role", "region");
    frame.setAttribute("aria-label", title);
    return element("section", undefined, element("h2", title), frame);
  });
  output.replaceChildren(...parts, element("ul", undefined, ...notes(results).map((note) => element("li", note))));
}

const markdown = (results) => [
  results.browser, "", ...tables(results).flatMap(({ title, rows }) => [`## ${title}`, "", table(rows), ""]), ...notes(results).map((note) => `- ${note}`), "",
].join("\n");

async function run({ quick = false, networks } = {}) {
  for (const button of buttons) button.disabled = true;
  copy.hidden = true;
  try {
    last = await measureAll(chosen(networks), quick ? QUICK : FULL, show);
    copy.hidden = false;
    return last;
  } catch (error) {
    status.textContent = `It failed: ${error.message}`;
    throw error;
  } finally {
    for (const button of buttons) button.disabled = false;
  }
}

for (const button of buttons) button.addEventListener("click", () => void run({ quick: button.dataset.extent === "quick" }));
copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(markdown(last));
  status.textContent = "copied";
});
globalThis.bench = { run };
