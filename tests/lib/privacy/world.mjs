// What the pages of the privacy check talk to: a real server over two small bundles, thumbnails, and the site itself.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { FIELDS, withTexts } from "../block.mjs";
import { root } from "../paths.mjs";
import { smallBundles, startServer, tokenOf } from "../server.mjs";
import { passTo } from "./wire.mjs";

export const SITE = "http://site.localhost";
export const CANDIDATES = "http://candidates.localhost";
const THUMBNAILS = "http://thumbnails.localhost";
/** An address of the site that names a video: pages that change it by `pushState` are common. */
export const WATCH = "/watch/";

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css", ".wasm": "application/wasm", ".json": "application/json" };
const PICTURE = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=", "base64");
const page = (script) => `<!doctype html><html lang="en"><title>privacy</title><link rel="icon" href="data:,"><body><script type="module" src="${script}"></script></body></html>`;

/** A block with thumbnails, which no exporter writes yet: the column of a protobuf message may stand at its end. */
function withThumbnails(block) {
  const ids = [];
  for (let at = 0; at < block.length; ) {
    const read = () => {
      for (let value = 0, shift = 0; ; shift += 7) {
        const byte = block[at++];
        value += (byte & 127) * 2 ** shift;
        if (byte < 128) return value;
      }
    };
    const tag = read();
    const kind = tag & 7;
    if (kind === 0) read();
    else if (kind === 1 || kind === 5) at += kind === 1 ? 8 : 4;
    else {
      const length = read();
      if (tag >>> 3 === FIELDS.ids) ids.push(block.toString("utf8", at, at + length));
      at += length;
    }
  }
  return Buffer.from(withTexts(block, FIELDS.thumbnails, ids.map((id) => `${THUMBNAILS}/${id}.png`)));
}

/** Serves two bundles, one after the other: `{ bundles, token, videos, hosts(…), close }`. */
export async function makeWorld() {
  const { ids: bundles, root: trained } = smallBundles();
  const [first, second] = bundles;
  const folder = mkdtempSync(join(tmpdir(), "upnext-privacy-"));
  const at = (...names) => join(folder, ...names);
  mkdirSync(at("bundle"));
  for (const id of bundles) symlinkSync(join(trained, id), at("bundle", id));
  const point = (bundle) => writeFileSync(at("bundle/current.json"), JSON.stringify({ bundle }));
  point(first);
  // A block lives for the longest time: whether it is over is none of the differences that are looked for.
  const { origin, server } = await startServer(at("bundle"), "--cors-origin", SITE, "--block-seconds", String(7 * 86_400), "--account-rate", "100000", "--account-burst", "100000");
  const json = async (path, init) => {
    const answer = await fetch(origin + path, init);
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.json();
  };
  const { rows } = await json("/v1/candidates", { headers: { accept: "application/json" } });
  // The server follows the pointer, and goes on to serve the bundle before: devices see the one first, then the other.
  point(second);
  for (const end = Date.now() + 30_000; (await json("/healthz")).bundle !== second; await new Promise((done) => setTimeout(done, 50))) if (Date.now() > end) throw new Error("the server does not follow");
  const token = tokenOf("u000001");

  /** Thumbnails as they come: one in four is not there, one in four may not be kept. */
  const thumbnails = (request, response) => {
    const kind = [...new URL(request.url).pathname].reduce((sum, char) => sum + char.charCodeAt(0), 0) % 4;
    if (kind === 0) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": "image/png", "cache-control": kind === 1 ? "no-store" : "max-age=3600" }).end(PICTURE);
  };
  /** The site: `overlay` are files, by path, that stand before those of the disk; the demo lies under its own folder. */
  const site = (overlay, demo, server) => (request, response, body) => {
    const { pathname } = new URL(request.url);
    if (/^\/(v1|bundle)\//.test(pathname)) return server(request, response, body);
    const send = (path, text) => response.writeHead(200, { "content-type": types[extname(path)] ?? types[".html"], "service-worker-allowed": "/" }).end(text);
    if (pathname === "/" || pathname.startsWith(WATCH)) return send(".html", page("/dist/page.js"));
    const made = overlay[pathname];
    if (made !== undefined) return send(pathname, made);
    const folders = { "/dist/": join(root, "dist"), "/service-worker.js": join(root, "docs/examples/service-worker.js"), ...(demo && { "/demo/": demo }) };
    const prefix = Object.keys(folders).find((start) => pathname.startsWith(start));
    const path = prefix && join(folders[prefix], normalize(`/${pathname.slice(prefix.length) || (prefix.endsWith("/") ? "index.html" : "")}`)).replace(/\/$/, "");
    if (!path || !existsSync(path) || !statSync(path).isFile()) return void response.writeHead(404).end();
    send(path, readFileSync(path));
  };
  return {
    bundles,
    token,
    videos: rows.map((row) => row.id),
    /** Hosts for one wire; `current()` is the bundle that its pointer names. */
    hosts({ current, overlay = {}, demo }) {
      const asked = passTo(new URL(origin).port, (request, { status, headers, body }) => {
        if (!["GET", "POST"].includes(request.method) || new URL(request.url).pathname !== "/v1/candidates" || status >= 400) return { status, headers, body };
        // Asked for again at every refresh, so that there is something to compare.
        return { status, headers: { ...headers, ...(request.method === "GET" && { "cache-control": "no-cache" }) }, body: status === 200 ? withThumbnails(body) : body };
      });
      const server = (request, response, body) => {
        if (new URL(request.url).pathname !== "/bundle/current.json" || request.method !== "GET") return asked(request, response, body);
        const bundle = current();
        const tag = `W/"${bundle.slice(0, 32)}"`;
        const headers = { etag: tag, "cache-control": "no-cache", "access-control-allow-origin": SITE, vary: "origin" };
        if (request.headers["if-none-match"] === tag) return void response.writeHead(304, headers).end();
        response.writeHead(200, { ...headers, "content-type": "application/json" }).end(JSON.stringify({ bundle }));
      };
      const named = (url) => new URL(url).hostname;
      return { [named(SITE)]: site(overlay, demo, server), [named(CANDIDATES)]: server, [named(THUMBNAILS)]: thumbnails };
    },
    async close() {
      server.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
