// What the page says in sentences: to a screen reader what a user has brought about, to everyone what is wrong or worth knowing, and on the button
// that starts and pauses which of the two it does.

import { say } from "./texts.js";
import type { Text } from "./texts.js";

const element = (id: string): HTMLElement => document.getElementById(id)!;

/** For a screen reader: only what a user has brought about. */
export function tell(key: Text, ...figures: (string | number)[]): void {
  element("status").textContent = say(key, ...figures);
}

/** What is wrong, or with the class "note" what is worth knowing; nothing hides it. */
export function fail(message: string, kind: "error" | "note" = "error"): void {
  const box = element("error");
  box.textContent = message === "" || kind === "note" ? message : `${say("error")}: ${message}`;
  box.className = `notice ${kind}`;
  box.hidden = message === "";
}

export function showRunning(running: boolean): void {
  const button = element("run");
  button.querySelector("span")!.textContent = say(running ? "pause" : "start");
  button.querySelector("path")!.setAttribute("d", running ? "M3.5 2.5h3.2v11H3.5zM9.3 2.5h3.2v11H9.3z" : "M4 2.5v11l9-5.5z");
}
