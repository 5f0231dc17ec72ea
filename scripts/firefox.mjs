// Drives the machine's Firefox by WebDriver BiDi (https://w3c.github.io/webdriver-bidi/), which it speaks by itself: playwright's
// Firefox is a patched one that Debian does not have. A session is one browser with a fresh profile that asks nobody for anything.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { firefoxPath } from "./browser.mjs";

/** How long it may take to start, and to leave. */
const START_MS = 60_000;
const LEAVE_MS = 5_000;

/** Nothing that talks to the network by itself, asks a question, or rounds the clock more coarsely than a figure needs. */
const PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.aboutwelcome.enabled": false,
  "browser.newtabpage.enabled": false,
  "browser.safebrowsing.downloads.enabled": false,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "browser.shell.checkDefaultBrowser": false,
  "browser.startup.page": 0,
  "browser.tabs.warnOnClose": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "extensions.systemAddon.update.enabled": false,
  "extensions.update.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "privacy.reduceTimerPrecision": false,
  "remote.active-protocols": 1,
  "services.settings.server": "data:,#remote-settings-dummy/v1",
  "toolkit.telemetry.enabled": false,
  "toolkit.telemetry.server": "data:,",
};

/** Resolves with the address that the browser says it listens at. */
function address(child) {
  return new Promise((resolve, reject) => {
    let told = "";
    const timer = setTimeout(() => reject(new Error(`firefox: expected it to start within ${START_MS / 1000} s, got only:\n${told}`)), START_MS);
    child.stderr.setEncoding("utf8").on("data", (text) => {
      told += text;
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(told);
      if (found === null) return;
      clearTimeout(timer);
      child.stderr.removeAllListeners("data").resume();
      resolve(found[1]);
    });
    child.once("error", reject);
    child.once("exit", (code) => {
      clearTimeout(timer);
      reject(new Error(`firefox: expected it to start, got exit code ${code}:\n${told}`));
    });
  });
}

/** A connection that answers commands and hands out events. */
class Connection {
  #socket;
  #lastId = 0;
  #waiting = new Map();
  #listeners = new Set();

  static async open(url) {
    const connection = new Connection();
    connection.#socket = new WebSocket(`${url}/session`, { perMessageDeflate: false });
    await new Promise((resolve, reject) => connection.#socket.once("open", resolve).once("error", reject));
    connection.#socket.on("message", (data) => connection.#hear(JSON.parse(String(data))));
    connection.#socket.on("close", () => connection.#end());
    connection.#socket.on("error", () => connection.#end());
    return connection;
  }

  #hear({ type, id, method, params, result, error, message }) {
    if (type === "event") {
      for (const listener of this.#listeners) listener(method, params);
      return;
    }
    const { resolve, reject } = this.#waiting.get(id) ?? {};
    this.#waiting.delete(id);
    if (type === "success") resolve?.(result);
    else reject?.(new Error(`firefox: ${error}: ${message}`));
  }

  #end() {
    for (const { reject } of this.#waiting.values()) reject(new Error("firefox: the browser has closed"));
    this.#waiting.clear();
  }

  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  send(method, params = {}) {
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params }), (error) => error && reject(error));
    });
  }

  close() {
    this.#socket.terminate();
  }
}

/** A tab, as scripts/tabs.mjs describes it. */
class FirefoxTab {
  problems = [];
  #connection;
  #context;
  #deaf;

  constructor(connection, context) {
    this.#connection = connection;
    this.#context = context;
    this.#deaf = connection.listen((method, params) => {
      if ((params.source?.context ?? params.context) !== context) return;
      if (method === "log.entryAdded" && ["error", "warn"].includes(params.level)) {
        this.problems.push(params.type === "javascript" ? `uncaught: ${params.text}` : `${params.level === "warn" ? "warning" : "error"}: ${params.text}`);
      }
      if (method === "network.fetchError" && params.errorText !== "NS_BINDING_ABORTED") this.problems.push(`failed: ${params.request.url}`);
    });
  }

  async goto(url) {
    await this.#connection.send("browsingContext.navigate", { context: this.#context, url, wait: "complete" });
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.#connection.send("script.evaluate", {
      expression: `(async () => JSON.stringify(await (${expression})))()`, target: { context: this.#context }, awaitPromise: true,
    });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.text);
    return result.value === undefined ? undefined : JSON.parse(result.value);
  }

  async show() {
    await this.#connection.send("browsingContext.activate", { context: this.#context });
  }

  async screenshot({ width, height }) {
    await this.#connection.send("browsingContext.setViewport", { context: this.#context, viewport: { width, height } });
    const { data } = await this.#connection.send("browsingContext.captureScreenshot", { context: this.#context });
    return Buffer.from(data, "base64");
  }

  async close() {
    this.#deaf();
    await this.#connection.send("browsingContext.close", { context: this.#context });
  }
}

/** Starts Firefox without a window. @throws {Error} with advice, where there is none */
export async function launchFirefox() {
  const profile = mkdtempSync(join(tmpdir(), "rosenblatt-firefox-"));
  writeFileSync(join(profile, "user.js"), Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`).join(""));
  const parameters = ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port=0", "about:blank"];
  const child = spawn(firefoxPath(), parameters, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, MOZ_CRASHREPORTER_DISABLE: "1" } });
  const gone = new Promise((resolve) => child.once("exit", resolve).once("error", resolve));
  const end = async () => {
    const timer = setTimeout(() => child.kill("SIGKILL"), LEAVE_MS);
    await gone;
    clearTimeout(timer);
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  try {
    const connection = await Connection.open(await address(child));
    const { capabilities } = await connection.send("session.new", { capabilities: {} });
    await connection.send("session.subscribe", { events: ["log.entryAdded", "network.fetchError"] });
    return {
      name: "Firefox",
      version: capabilities.browserVersion,
      async open(url) {
        const { context } = await connection.send("browsingContext.create", { type: "tab" });
        const tab = new FirefoxTab(connection, context);
        if (url !== undefined) await tab.goto(url);
        return tab;
      },
      async close() {
        await connection.send("browser.close").catch(() => child.kill());
        connection.close();
        await end();
      },
    };
  } catch (error) {
    child.kill();
    await end();
    throw error;
  }
}
