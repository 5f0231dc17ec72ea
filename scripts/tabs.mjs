// The two browsers behind one face, for the tests and the bench page: Chromium by playwright-core, Firefox by its own protocol. A tab
// evaluates expressions in its page, whatever content security policy that has, and collects what a user would see as a problem.

import { chromium } from "playwright-core";
import { browserArguments, browserPath } from "./browser.mjs";
import { launchFirefox } from "./firefox.mjs";

class ChromiumTab {
  problems = [];
  #page;
  #session;

  constructor(page, session) {
    this.#page = page;
    this.#session = session;
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.problems.push(`${message.type()}: ${message.text()}`);
    });
    page.on("pageerror", (error) => this.problems.push(`uncaught: ${error.message}`));
    page.on("requestfailed", (request) => {
      if (request.failure()?.errorText !== "net::ERR_ABORTED") this.problems.push(`failed: ${request.url()}`);
    });
  }

  async goto(url) {
    await this.#page.goto(url);
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.#session.send("Runtime.evaluate", {
      expression: `(async () => JSON.stringify(await (${expression})))()`, awaitPromise: true, returnByValue: true,
    });
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value === undefined ? undefined : JSON.parse(result.value);
  }

  async show() {
    await this.#page.bringToFront();
  }

  async screenshot({ width, height, scheme = "light" }) {
    await this.#page.emulateMedia({ colorScheme: scheme });
    await this.#page.setViewportSize({ width, height });
    return this.#page.screenshot({ fullPage: true });
  }

  async close() {
    await this.#page.close();
  }
}

/** Starts Chromium without a window. @throws {Error} with advice, where there is none */
export async function launchChromium(parameters = browserArguments) {
  const browser = await chromium.launch({ executablePath: browserPath(), args: parameters });
  return {
    name: "Chromium",
    version: browser.version(),
    async open(url) {
      const page = await browser.newPage();
      const tab = new ChromiumTab(page, await page.context().newCDPSession(page));
      if (url !== undefined) await tab.goto(url);
      return tab;
    },
    close: () => browser.close(),
  };
}

export { launchFirefox };

/** How each is started, by its name. */
export const launchers = { Chromium: launchChromium, Firefox: launchFirefox };
