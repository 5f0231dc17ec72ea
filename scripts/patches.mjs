// Edits of installed packages, made as they are bundled or tested, where a package lets a file do harm that it could not be told to refuse.
// Each finds its text exactly once, or the build fails: then the package has changed, and the edit is to be looked at again.

import { readFileSync } from "node:fs";

/** @type {{ file: string, why: string, find: string, put: string }[]} */
const patches = [{
  file: "hyparquet/src/encoding.js",
  why: "a run of a damaged file that is longer than its page grows the array until V8 ends the process (Fatal JavaScript invalid size error)",
  find: "  for (let i = 0; i < count; i++) {\n    output[seen + i] = value\n  }",
  put: "  for (let i = 0, most = Math.min(count, output.length - seen); i < most; i++) {\n    output[seen + i] = value\n  }",
}];

const patchOf = (file) => patches.find((patch) => file.replaceAll("\\", "/").endsWith(`/node_modules/${patch.file}`));

function patched(text, { file, find, put }) {
  if (text.split(find).length !== 2) throw new Error(`scripts/patches.mjs: expected ${file} to hold once what is edited. See whether the edit is still needed`);
  return text.replace(find, () => put);
}

/** For esbuild. */
export const patchedPackages = {
  name: "patched-packages",
  setup({ onLoad }) {
    const filter = new RegExp(`node_modules[\\\\/](${patches.map(({ file }) => file.replaceAll(".", "\\.").replaceAll("/", "[\\\\/]")).join("|")})$`);
    onLoad({ filter }, ({ path }) => ({ contents: patched(readFileSync(path, "utf8"), patchOf(path)), loader: "js" }));
  },
};

/** For Vite, and so for the tests. */
export function patchedModules() {
  return {
    name: "patched-packages",
    enforce: "pre",
    transform(text, id) {
      const patch = patchOf(id.split("?")[0]);
      return patch && { code: patched(text, patch), map: null };
    },
  };
}

/** The packages that a test runner must load by way of its plugins. */
export const patchedNames = patches.map(({ file }) => file.split("/")[0]);
