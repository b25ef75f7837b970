// A static server for test pages: some URL prefixes, each a folder. Loopback only, a free port.
import { createReadStream, existsSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };

/** In a page's head, or the browser asks for an icon that is not there. */
export const noIcon = '<link rel="icon" href="data:,">';

/** `folders`: `{ "/dist/": "/path/to/dist" }`; `headers` go with every answer. Resolves with `{ origin, close }`. */
export function serveStatic(folders, page = `<!doctype html><title>upnext</title>${noIcon}`, headers = {}) {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, "http://localhost");
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    if (pathname === "/") return void response.setHeader("content-type", types[".html"]).end(page);
    const prefix = Object.keys(folders).find((start) => pathname.startsWith(start));
    const path = prefix && join(folders[prefix], normalize(`/${decodeURIComponent(pathname.slice(prefix.length))}`));
    if (!path || !existsSync(path) || !statSync(path).isFile()) return void response.writeHead(404).end();
    response.setHeader("content-type", types[extname(path)] ?? "application/octet-stream");
    createReadStream(path).pipe(response);
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const close = () => {
        server.closeAllConnections();
        return new Promise((done) => server.close(done));
      };
      resolve({ origin: `http://127.0.0.1:${server.address().port}`, close });
    });
  });
}
