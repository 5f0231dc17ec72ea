import type { Plugin } from "vite";

export function patchedModules(): Plugin;
export const patchedNames: string[];
