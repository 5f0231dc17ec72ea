// Finds a Chromium for the browser tests: CHROME_BIN, else the usual names on PATH and the usual place on macOS; and, where
// root may use apt-get, installs Debian's. Nothing else is downloaded: the tests drive what the machine has.

import { spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
const PLACES = ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome", "/Applications/Chromium.app/Contents/MacOS/Chromium"];

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

/**
 * The path of the browser's executable.
 * @throws {Error} with advice, where there is none
 */
export function browserPath() {
  const chosen = process.env.CHROME_BIN;
  if (chosen) {
    if (!isExecutable(chosen)) throw new Error(`CHROME_BIN: expected an executable file, got ${chosen}. Correct it or unset it`);
    return chosen;
  }
  const found = find(NAMES) ?? PLACES.find(isExecutable);
  if (found !== undefined) return found;
  throw new Error("browser: expected Chromium or Chrome on PATH, got none. Install the package chromium, or set CHROME_BIN to the executable");
}

/**
 * The path of the browser's executable, after installing Debian's package if need be and possible.
 * @throws {Error} with advice, where there is none and none can be installed
 */
export function ensureBrowser() {
  try {
    return browserPath();
  } catch (error) {
    const aptGet = find(["apt-get"]);
    if (process.env.CHROME_BIN || aptGet === undefined || process.getuid?.() !== 0) throw error;
    console.error("browser: none found, installing the package chromium");
    const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
    for (const parameters of [["update"], ["install", "--yes", "--no-install-recommends", "chromium"]]) {
      const { status } = spawnSync(aptGet, ["--quiet", ...parameters], { env, stdio: ["ignore", 2, 2] });
      if (status === 0) continue;
      const advice = "Install Chromium by hand, or set CHROME_BIN to the executable";
      throw new Error(`browser: apt-get ${parameters.join(" ")} failed with exit code ${status}. ${advice}`);
    }
    return browserPath();
  }
}
