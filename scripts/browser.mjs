// Finds the browsers of the browser tests: Chromium by CHROME_BIN and Firefox by FIREFOX_BIN, else by the usual names on PATH and the
// usual places on macOS; and, where root may use apt-get, installs Debian's. Nothing else is downloaded: the tests drive what the
// machine has.

import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

const CHROMIUM = {
  title: "Chromium or Chrome", variable: "CHROME_BIN", debian: "chromium",
  names: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"],
  places: ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"],
};
const FIREFOX = {
  title: "Firefox", variable: "FIREFOX_BIN", debian: "firefox-esr",
  names: ["firefox-esr", "firefox"],
  places: ["/Applications/Firefox.app/Contents/MacOS/firefox"],
};

/** What a headless test needs and nothing that talks to the network by itself. */
export const browserArguments = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function find(names) {
  const folders = (process.env.PATH ?? "").split(delimiter).filter(Boolean);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

/** The executable's path. @throws {Error} with advice, where there is none */
function pathOf({ title, variable, debian, names, places }) {
  const chosen = process.env[variable];
  if (chosen) {
    if (!isExecutable(chosen)) throw new Error(`${variable}: expected an executable file, got ${chosen}. Correct it or unset it`);
    return chosen;
  }
  const found = find(names) ?? places.find(isExecutable);
  if (found !== undefined) return found;
  throw new Error(`browser: expected ${title} on PATH, got none. Install the package ${debian}, or set ${variable} to the executable`);
}

/**
 * The path of Chromium's executable.
 * @throws {Error} with advice, where there is none
 */
export function browserPath() {
  return pathOf(CHROMIUM);
}

/**
 * The path of Firefox's executable.
 * @throws {Error} with advice, where there is none
 */
export function firefoxPath() {
  return pathOf(FIREFOX);
}

/**
 * Installs Debian's packages of the browsers that are missing, if need be and possible.
 * @throws {Error} with advice, where one is missing and cannot be installed
 */
export function ensureBrowsers() {
  for (const browser of [CHROMIUM, FIREFOX]) {
    try {
      pathOf(browser);
    } catch (error) {
      const aptGet = find(["apt-get"]);
      if (process.env[browser.variable] || aptGet === undefined || process.getuid?.() !== 0) throw error;
      console.error(`browser: no ${browser.title} found, installing the package ${browser.debian}`);
      const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
      for (const parameters of [["update"], ["install", "--yes", "--no-install-recommends", browser.debian]]) {
        const { status } = spawnSync(aptGet, ["--quiet", ...parameters], { env, stdio: ["ignore", 2, 2] });
        if (status === 0) continue;
        const advice = `Install ${browser.title} by hand, or set ${browser.variable} to the executable`;
        throw new Error(`browser: apt-get ${parameters.join(" ")} failed with exit code ${status}. ${advice}`);
      }
      pathOf(browser);
    }
  }
}
