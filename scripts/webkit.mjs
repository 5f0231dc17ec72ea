// Drives WebKitGTK's MiniBrowser by WebDriver (https://www.w3.org/TR/webdriver2/) on a display of its own, where Debian's packages
// webkit2gtk-driver and xvfb are installed. A tab evaluates expressions in its page, as those of tabs.mjs do.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";

const START_MS = 60_000;
/** Longest that an expression may take. */
const SCRIPT_MS = 120_000;

const has = (name) => spawnSync("which", [name]).status === 0;

/** Whether the programs are there. */
export const webkitIsHere = () => has("WebKitWebDriver") && has("Xvfb");

/** Starts a program, and ends it. */
function start(program, parameters, options) {
  const child = spawn(program, parameters, options);
  const gone = once(child, "exit");
  return { child, end: async () => { child.kill(); await gone; } };
}

/** Starts WebKitGTK on a virtual display. */
export async function launchWebKit() {
  const display = start("Xvfb", ["-displayfd", "3", "-screen", "0", "800x600x24", "-nolisten", "tcp"], { stdio: ["ignore", "ignore", "ignore", "pipe"] });
  const [number] = await once(display.child.stdio[3].setEncoding("utf8"), "data");
  const port = 20000 + (process.pid % 20000);
  const env = { ...process.env, DISPLAY: `:${number.trim()}`, LIBGL_ALWAYS_SOFTWARE: "1", WEBKIT_DISABLE_COMPOSITING_MODE: "1", WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS: "1", NO_AT_BRIDGE: "1" };
  const driver = start("WebKitWebDriver", [`--port=${port}`], { stdio: "ignore", env });
  const close = async () => { await driver.end(); await display.end(); };

  async function send(method, path, body) {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }) });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`webkit: ${value.error}: ${value.message}`);
    return value;
  }

  try {
    for (const until = Date.now() + START_MS; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
      if (await send("GET", "/status").then(() => true, () => false)) break;
      if (Date.now() > until) throw new Error("webkit: expected the driver to start, got no answer");
    }
    const { sessionId, capabilities } = await send("POST", "/session", { capabilities: { alwaysMatch: { timeouts: { script: SCRIPT_MS } } } });
    return {
      name: "WebKitGTK",
      version: capabilities.browserVersion,
      async open(url) {
        await send("POST", `/session/${sessionId}/url`, { url });
        return {
          problems: [],
          async evaluate(expression) {
            const script = `const done = arguments[arguments.length - 1]; (async () => JSON.stringify(await (${expression})))().then((value) => done({ value }), (error) => done({ error: String(error) }));`;
            const { value, error } = await send("POST", `/session/${sessionId}/execute/async`, { script, args: [] });
            if (error !== undefined) throw new Error(error);
            return value === undefined ? undefined : JSON.parse(value);
          },
          close: async () => {},
        };
      },
      async close() {
        await send("DELETE", `/session/${sessionId}`).catch(() => undefined);
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
