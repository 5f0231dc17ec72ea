// The findings of network.diagnose, and what its advice makes of the state: the advice names what to change in the library's words, which are the
// state's words too.

import type { Rare } from "./protocol.js";
import type { State } from "./state.js";
import { language, percent, say } from "./texts.js";
import type { Text } from "./texts.js";

type Found = Rare["findings"][number];

/** The change that follows an advice; undefined where the page has no control for it. Weights that started well and grew are drawn anew from the next seed. */
export function follow(finding: Found, state: State): Partial<State> | undefined {
  const { advice, hidden, kind } = finding;
  const at = hidden < 0 ? -1 : Math.min(hidden, state.layers.length - 1);
  const replaced = (patch: Partial<State["layers"][number]>): Partial<State> => ({ layers: state.layers.map((layer, i) => (i === at ? { ...layer, ...patch } : layer)) });
  if (kind === "unscaledInputs" || /^Standardise (the|each column of the) inputs/.test(advice)) return state.scale ? undefined : { scale: true };
  if (/weightInit/.test(advice)) return state.init === "auto" ? { seed: state.seed + 1 } : { init: "auto" };
  const rate = /^Train anew with a lower learningRate, such as \w+'s usual (\S+) /.exec(advice)?.[1];
  if (rate !== undefined) return { rate: Number(rate) };
  if (/^Standardise the targets/.test(advice)) return { rate: state.rate / 10 };
  const wanted = /dense\(\d+, "(\w+)"\)/.exec(advice)?.[1];
  if (wanted === "leakyRelu" || wanted === "relu") {
    if (hidden >= state.layers.length) return state.output === wanted ? undefined : { output: wanted };
    return at >= 0 && state.layers[at].activation !== wanted ? replaced({ activation: wanted }) : undefined;
  }
  if (at < 0) return undefined;
  const fewer = /^Use dense\((\d+)\) in place/.exec(advice)?.[1];
  if (fewer !== undefined) return hidden < state.layers.length ? replaced({ units: Math.max(1, Number(fewer)) }) : undefined;
  if (/^Use relu in the hidden layers/.test(advice)) return { layers: state.layers.map((layer) => ({ ...layer, activation: "relu" })) };
  if (/^Use fewer hidden layers/.test(advice)) return { layers: state.layers.slice(0, -1) };
  return undefined;
}

/** What the button of an advice changes, in the language of the page. */
export function sayChange(change: Partial<State>, state: State): string {
  if (change.scale) return say("change.scale");
  if (change.init !== undefined) return say("change.init");
  if (change.seed !== undefined) return say("change.seed", change.seed);
  if (change.rate !== undefined) return say("change.rate", Number(change.rate.toPrecision(6)));
  if (change.output !== undefined) return say("change.output", change.output);
  const layers = change.layers ?? state.layers;
  if (layers.length < state.layers.length) return say("change.fewerLayers");
  return layers.flatMap(({ units, activation }, i) => {
    if (units !== state.layers[i].units) return [say("change.units", units, i + 1)];
    return activation === state.layers[i].activation ? [] : [say("change.activation", activation, i + 1)];
  }).join(" ");
}

export class Findings {
  private signature = "";

  constructor(private readonly element: HTMLElement, private readonly apply: (patch: Partial<State>) => void) {}

  draw(findings: readonly Found[], state: State): void {
    // figures in the sentences change with every diagnosis: the list stays as it is while the same things are found
    const signature = JSON.stringify([document.documentElement.lang, findings.map((found) => [found.kind, found.layer, found.advice.replace(/[\d.]+/g, ""), follow(found, state)])]);
    if (signature !== this.signature) {
      this.signature = signature;
      this.build(findings, state);
    }
    this.element.querySelectorAll(".message").forEach((place, i) => {
      const text = `${findings[i].message} ${findings[i].advice}`;
      if (place.textContent !== text) place.textContent = text;
    });
  }

  private build(findings: readonly Found[], state: State): void {
    const items = findings.map((found) => {
      const item = document.createElement("li");
      item.className = "found";
      const head = document.createElement("strong");
      head.textContent = `${say(`finding.${found.kind}` as Text)}${found.hidden >= 0 && found.kind !== "unscaledInputs" ? ` · ${found.hidden < state.layers.length ? say("layerShort", found.hidden + 1) : say("output")}` : ""}`;
      const message = document.createElement("p");
      message.className = "message";
      message.lang = "en";
      item.append(head);
      const patch = follow(found, state);
      if (language() !== "en") {
        const meaning = document.createElement("p");
        meaning.textContent = [say(`meaning.${found.kind}` as Text, percent(found.value)), patch === undefined ? "" : sayChange(patch, state)].join("");
        item.append(meaning);
      }
      item.append(message);
      if (patch !== undefined) {
        const button = document.createElement("button");
        Object.assign(button, { type: "button", textContent: say("apply") });
        button.setAttribute("aria-label", `${say("apply")}: ${head.textContent}`);
        button.addEventListener("click", () => this.apply(patch));
        item.append(button);
      }
      return item;
    });
    const none = document.createElement("li");
    none.className = "note";
    none.textContent = say("noFindings");
    this.element.replaceChildren(...(items.length === 0 ? [none] : items));
  }
}
