// Types of serve.mjs, for the tests.

import type { Server } from "node:http";

/** `size` is the gzipped size of the page without data. */
export function servePlayground(port: number): Promise<{ server: Server; size: number; url: string }>;
