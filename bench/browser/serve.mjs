// A static server on loopback for the bench page: what the page loads and nothing else, cross-origin isolated unless told otherwise.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";

const root = new URL("../../", import.meta.url);
/** Paths that are served, and where they lie. */
const folders = { "/dist/": "dist/", "/bench/": "bench/", "/build/": "build/", "/tfjs/": "bench/peers/node_modules/@tensorflow/tfjs-backend-wasm/dist/" };
const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".wasm": "application/wasm" };

/** Serves until it is closed: { url, close }. Port 0 is a free one. */
export async function serve({ isolated = true, port = 0 } = {}) {
  const isolation = isolated ? { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" } : {};
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/") {
      response.writeHead(302, { Location: "/bench/browser/index.html" }).end();
      return;
    }
    const prefix = Object.keys(folders).find((folder) => pathname.startsWith(folder));
    const type = types[extname(pathname)];
    try {
      if (prefix === undefined || type === undefined || pathname.includes("node_modules")) throw new Error("not served");
      const content = await readFile(fileURLToPath(new URL(folders[prefix] + pathname.slice(prefix.length), root)));
      response.writeHead(200, { "Content-Type": type, "Cache-Control": "no-store", ...isolation }).end(content);
    } catch {
      response.writeHead(pathname === "/favicon.ico" ? 204 : 404, isolation).end();
    }
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}
