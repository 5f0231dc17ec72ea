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
  const penalty = /^Train anew without (l1|l2|weightDecay) /.exec(advice)?.[1];
  if (penalty !== undefined) return penalty === "weightDecay" ? { optimizer: "adam" } : { [penalty]: 0 };
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

/** What a change means for the page's state where it is the second network's, whose activation is one for all layers. */
function forSecond(patch: Partial<State>, state: State): Partial<State> {
  const { layers } = patch;
  const other = layers?.find(({ activation }) => activation !== state.compare);
  if (other !== undefined) return { compare: other.activation };
  return layers === undefined ? patch : { layers: layers.map(({ units }, i) => ({ ...state.layers[i], units })) };
}

/** A change in the words of the controls that it changes. */
export function deed(patch: Partial<State>, state: State): string {
  const { layers, scale, init, compare, ...others } = patch;
  const texts = Object.entries(others).map(([key, value]) => `${say((key === "output" ? "outputActivation" : key) as Text)}: ${typeof value === "number" ? Number(value.toPrecision(6)) : value}`);
  if (scale !== undefined) texts.push(say("scale"));
  if (init !== undefined) texts.push(`${say("init")}: ${say("init.auto")}`);
  if (compare !== undefined) texts.push(`${say("compareWith")}: ${compare}`);
  layers?.forEach(({ units, activation }, k) => {
    if (units !== state.layers[k].units) texts.push(`${say("units", k + 1)}: ${units}`);
    if (activation !== state.layers[k].activation) texts.push(`${say("activation", k + 1)}: ${activation}`);
  });
  if (layers !== undefined && layers.length < state.layers.length) texts.push(say("removeLayer", state.layers.length));
  return texts.join(", ");
}

export class Findings {
  private signature = "";

  /** @param apply is told of the change, of its words, and whether the training starts anew */
  constructor(private readonly element: HTMLElement, private readonly apply: (patch: Partial<State>, words: string, anew: boolean) => void) {}

  /** @param seen the network's state, which of the second network is not the page's own */
  draw(findings: readonly Found[], seen: State, state: State): void {
    const patches = findings.map((found) => {
      const patch = follow(found, seen);
      return patch === undefined || seen === state ? patch : forSecond(patch, state);
    });
    // figures in the sentences change with every diagnosis: the list stays as it is while the same things are found
    const signature = JSON.stringify([language(), findings.map((found, i) => [found.kind, found.layer, found.advice.replace(/[\d.]+/g, ""), patches[i]])]);
    if (signature !== this.signature) {
      this.signature = signature;
      const items = findings.map((found, i) => this.item(found, patches[i], seen, state));
      const none = document.createElement("li");
      none.className = "note";
      none.textContent = say("noFindings");
      this.element.replaceChildren(...(items.length === 0 ? [none] : items));
    }
    findings.forEach((found, i) => {
      const { kind, value, message, advice } = found;
      const item = this.element.children[i];
      const put = (name: string, text: string): void => item.querySelectorAll(name).forEach((place) => place.textContent !== text && (place.textContent = text));
      put(".meaning", say(`meaning.${kind}` as Text, percent(value), String(+value.toPrecision(3))));
      put(".message", `${message} ${advice}`);
    });
  }

  /** The library's sentences are English. In another language the page says what is found, and by its controls what to do. */
  private item(found: Found, patch: Partial<State> | undefined, seen: State, state: State): HTMLElement {
    const { hidden, kind, advice } = found;
    const item = document.createElement("li");
    item.className = "found";
    const add = (name: string, kindOf: string, text = ""): HTMLElement => {
      const made = document.createElement(name);
      made.className = kindOf;
      made.textContent = text;
      item.append(made);
      return made;
    };
    const title = `${say(`finding.${kind}` as Text)}${hidden >= 0 && kind !== "unscaledInputs" ? ` · ${hidden < seen.layers.length ? say("layerShort", hidden + 1) : say("output")}` : ""}`;
    add("strong", "", title);
    if (language() !== "en") add("p", "meaning");
    if (language() === "en" || patch === undefined) add("p", "message").lang = "en";
    if (patch === undefined) return item;
    const words = deed(patch, state);
    const button = add("button", "", say("apply")) as HTMLButtonElement;
    button.type = "button";
    button.setAttribute("aria-label", `${say("apply")}: ${title}`);
    button.addEventListener("click", () => this.apply(patch, words, advice.startsWith("Train anew")));
    add("span", "note", words);
    return item;
  }
}
