// The wire of one browser context: a forward proxy that all of its requests have to pass, to whatever host, and that
// writes each of them down, byte for byte.
import { createServer, request as ask } from "node:http";

/** Milliseconds without a request under way after which a context counts as silent. */
const QUIET_MS = 40;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** The bytes of a request as they came: line, headers in their order and case, body. */
function bytesOf(request, body) {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
  return `${lines.join("\r\n")}\r\n\r\n${body.toString("latin1")}`;
}

/**
 * `issued()` is the number of requests that the browser has under way, as far as it says; `hosts`: `{ "site.localhost": (request, response, body) => … }`; whoever is not in it can't be reached, and the try is
 * written down all the same. Resolves with `{ proxy, begin, quiet, traffic, close }`.
 */
export async function openWire(hosts, issued = () => 0) {
  let bucket = "";
  let underWay = 0;
  let last = Date.now();
  let traffic = [];
  const note = (entry) => {
    last = Date.now();
    traffic.push({ bucket, ...entry });
  };
  const server = createServer((request, response) => {
    underWay++;
    const chunks = [];
    const here = bucket;
    const done = () => {
      underWay--;
      last = Date.now();
    };
    response.on("close", done);
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks);
      note({ bucket: here, url: request.url, bytes: bytesOf(request, body) });
      const host = URL.canParse(request.url) ? new URL(request.url).hostname : "";
      if (Object.hasOwn(hosts, host)) hosts[host](request, response, body);
      else response.writeHead(502).end();
    });
  });
  // TLS and web sockets ask for a tunnel: the address is what leaves.
  server.on("connect", (request, socket) => {
    note({ url: `CONNECT ${request.url}`, bytes: bytesOf(request, Buffer.alloc(0)) });
    socket.end("HTTP/1.1 502 No tunnels here\r\n\r\n");
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    proxy: `http://127.0.0.1:${server.address().port}`,
    /** What comes from now on belongs to this bucket of time. */
    begin: (name) => (bucket = name),
    /** Resolves when nothing is under way and nothing has come for a while. */
    async quiet() {
      last = Date.now();
      for (const end = Date.now() + 60_000; underWay > 0 || issued() > 0 || Date.now() - last < QUIET_MS; await wait(15)) if (Date.now() > end) throw new Error(`${underWay} requests are never answered, ${issued()} never end`);
    },
    /** Everything since the last call. */
    traffic() {
      const seen = traffic;
      traffic = [];
      return seen;
    },
    close() {
      server.closeAllConnections();
      return new Promise((closed) => server.close(closed));
    },
  };
}

/** A host that hands requests on to a server of this machine; `change(request, { status, headers, body })` says what comes back. */
export function passTo(port, change) {
  return (request, response, body) => {
    const { pathname, search } = new URL(request.url);
    const headers = { ...request.headers, host: `127.0.0.1:${port}`, "accept-encoding": "identity" };
    delete headers["proxy-connection"];
    const onwards = ask({ host: "127.0.0.1", port, method: request.method, path: pathname + search, headers }, async (answer) => {
      const chunks = [];
      for await (const chunk of answer) chunks.push(chunk);
      const changed = change(request, { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) });
      const { "content-length": _, "transfer-encoding": __, ...rest } = changed.headers;
      response.writeHead(changed.status, rest).end(changed.body);
    });
    onwards.on("error", () => response.destroy());
    onwards.end(body);
  };
}
