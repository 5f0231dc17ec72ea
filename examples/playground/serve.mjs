// npm run playground: builds the page and serves it on PORT (8080) of this machine, packed by gzip.

import { existsSync } from "node:fs";
import { createServer } from "node:http";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const DEFAULT_PORT = 8080;
/** Shorter blocks than zlib's usual ones, each with codes of its own: measured, 500 bytes less of 150,000. */
const PACKING = { level: 9, memLevel: 6 };
const root = fileURLToPath(new URL("../..", import.meta.url));

/** Nothing but the page's own files may run, and nothing is sent anywhere. */
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/** A server of the page on a port of the loopback; 0 for a free one. */
export async function servePlayground(port) {
  if (!existsSync(`${root}/build/embedded.ts`)) spawnSync(process.execPath, ["scripts/build.mjs", "--wasm-only"], { cwd: root, stdio: ["ignore", 2, 2] });
  const { buildPlayground } = await import("./build.mjs");
  const { files, data } = await buildPlayground();
  const packed = new Map(Object.entries({ ...files, ...data }).map(([path, { type, content }]) => [path, { type, bytes: gzipSync(content, PACKING) }]));
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const file = packed.get(pathname === "/index.html" ? "/" : pathname);
    if (file === undefined) {
      response.writeHead(pathname === "/favicon.ico" ? 204 : 404, { "Content-Type": "text/plain" }).end();
      return;
    }
    response.writeHead(200, { "Content-Type": file.type, "Content-Encoding": "gzip", "Cache-Control": "no-cache", "Content-Security-Policy": policy });
    response.end(file.bytes);
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const size = Object.keys(files).reduce((sum, path) => sum + packed.get(path).bytes.length, 0);
  return { server, size, url: `http://127.0.0.1:${server.address().port}/` };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = Number(process.env.PORT || DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > 65535) {
    console.error(`playground: PORT: expected an integer from 0 to 65535, got ${process.env.PORT}`);
    process.exitCode = 2;
  } else {
    servePlayground(port).then(
      ({ url }) => console.log(`The playground is at ${url}`),
      (error) => {
        console.error(error.code === "EADDRINUSE" ? `playground: port ${port} is in use. Give another one: PORT=8090 npm run playground` : error.message);
        process.exitCode = 1;
      },
    );
  }
}
