// The tests run in Node, one process a file; scripts/test.mjs builds first. Two files at a time: several of them train
// networks or start a browser, and time limits should hold on two cores.

import { defineConfig } from "vitest/config";
import { patchedModules, patchedNames } from "./scripts/patches.mjs";

export default defineConfig({
  plugins: [patchedModules()],
  test: {
    server: { deps: { inline: patchedNames } },
    environment: "node",
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    setupFiles: process.env["ROSENBLATT_SETUP"] ?? [],                  // of scripts/coverage.mjs and scripts/mutate.mjs
    experimental: { fsModuleCache: process.env["ROSENBLATT_MUTANT"] !== undefined },
    watch: false,
    allowOnly: false,
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
