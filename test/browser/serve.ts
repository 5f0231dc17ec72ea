// A static server on a free loopback port, for the browser tests: dist/, the examples' data, and the TypeScript of this folder
// with its types stripped. It serves nothing else. With `isolated` the page is cross-origin isolated and so may share memory; with
// `policy` it has that content security policy.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";

const root = new URL("../../", import.meta.url);
const folders = ["/dist/", "/examples/data/", "/test/browser/"];

const types: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".csv": "text/csv; charset=utf-8",
  ".wasm": "application/wasm",
};

/** A running server, until it is closed. */
export interface Server {
  /** Without a slash at the end. */
  readonly url: string;
  /** Paths that were asked for, in their order. */
  readonly asked: string[];
  close(): Promise<void>;
}

/** The content of a path, or undefined where there is nothing to serve. A .js of this folder is made from its .ts. */
async function contentOf(path: string): Promise<Uint8Array | string | undefined> {
  if (!folders.some((folder) => path.startsWith(folder)) || types[extname(path)] === undefined) return undefined;
  const file = fileURLToPath(new URL(`.${path}`, root));
  try {
    if (!path.startsWith("/test/") || !path.endsWith(".js")) return await readFile(file);
    return (await transform(await readFile(file.replace(/\.js$/, ".ts"), "utf8"), { loader: "ts", target: "es2022" })).code;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

export async function serve({ isolated = false, policy }: { isolated?: boolean; policy?: string } = {}): Promise<Server> {
  const asked: string[] = [];
  const security: Record<string, string> = policy === undefined ? {} : { "Content-Security-Policy": policy };
  const isolation = isolated ? { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" } : {};
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    // browsers ask for it by themselves
    if (pathname === "/favicon.ico") {
      response.writeHead(204).end();
      return;
    }
    asked.push(pathname);
    contentOf(pathname).then(
      (content) => {
        const type = content === undefined ? "text/plain" : types[extname(pathname)];
        response.writeHead(content === undefined ? 404 : 200, { "Content-Type": type, "Cache-Control": "no-store", ...isolation, ...security });
        response.end(content ?? `${pathname}: not found`);
      },
      (error: unknown) => {
        response.writeHead(500, { "Content-Type": "text/plain" });
        response.end(String(error));
      },
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
        server.closeAllConnections();
      }),
  };
}
