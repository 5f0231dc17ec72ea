// Installs the packages of this folder, unless they are there: no install scripts, for what onnxruntime-node runs fetches libraries for
// graphics cards only.

import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

export function install() {
  const done = at("node_modules/.package-lock.json");
  if (existsSync(done) && statSync(done).mtimeMs >= statSync(at("package-lock.json")).mtimeMs) return;
  const parameters = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
  const npm = process.env.npm_execpath;
  const [command, first] = npm ? [process.execPath, [npm]] : ["npm", []];
  execFileSync(command, [...first, ...parameters], { cwd: at("."), stdio: ["ignore", "inherit", "inherit"] });
}
