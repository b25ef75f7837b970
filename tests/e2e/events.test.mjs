// Events that the viewer lets go, from real pages to the real server: without a network and with it again, killed between
// sending and the answer, by two tabs at once, and from a page that goes. What the server holds in the end is each event once.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, request as ask } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../lib/paths.mjs";
import { ADMIN_KEY, buildPrograms, smallBundles, startServer, tokenOf } from "../lib/server.mjs";
import { noIcon, serveStatic } from "../lib/static.mjs";
import { browserNames, openBrowser } from "../lib/webdriver.mjs";

const page = `<!doctype html><title>events</title>${noIcon}<body><script type="module" src="/lib/pages/events.js"></script></body>`;
const folders = { "/dist/": join(root, "dist"), "/golden/": join(root, "tests/golden"), "/lib/": join(root, "tests/lib") };

/** A network before a server: `mode` is `on`, `down` (nobody is there) or `deaf` (what is sent arrives, and no answer does). */
function network(origin) {
  const told = { mode: "on", batches: [], reports: [] };
  const { hostname, port } = new URL(origin);
  const server = createServer(async (request, response) => {
    if (told.mode === "down") return void request.destroy();
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    if (request.url === "/v1/metrics/reports" && request.method === "POST") told.reports.push({ body: String(body), headers: request.headers });
    else if (request.method === "POST") told.batches.push(JSON.parse(body).events);
    const onwards = ask({ hostname, port, method: request.method, path: request.url, headers: request.headers }, (answer) => {
      if (told.mode === "deaf" && request.method === "POST") return void response.destroy();
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onwards.on("error", () => response.destroy());
    onwards.end(body);
  });
  const close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(Object.assign(told, { origin: `http://127.0.0.1:${server.address().port}`, close }))));
}

const folder = mkdtempSync(join(tmpdir(), "upnext-events-"));
let site;
let server;
let origin;
before(async () => {
  buildPrograms();
  site = await serveStatic(folders, page);
  ({ origin, server } = await startServer(smallBundles().root, "--data", folder, "--cors-origin", site.origin, "--account-rate", "1000", "--account-burst", "1000"));
}, { timeout: 300_000 });
after(async () => {
  server?.kill("SIGKILL");
  await site?.close();
  rmSync(folder, { recursive: true, force: true });
});

for (const name of browserNames) {
  describe(name, { timeout: 180_000 }, () => {
    let browser;
    let net;
    before(async () => {
      net = await network(origin);
      browser = await openBrowser(name);
    });
    after(async () => {
      await browser?.close();
      await net?.close();
    });
    const token = tokenOf(`by ${name}`);
    const result = (act) => browser.answer(`${site.origin}/?do=${act}&server=${net.origin}&token=${token}`);
    /** What the server holds of the account, the oldest first: `type video`. */
    async function kept() {
      const answer = await fetch(`${origin}/v1/accounts/${encodeURIComponent(`by ${name}`)}`, { headers: { authorization: `Bearer ${token}` } });
      if (answer.status === 404) return [];
      const { events } = await answer.json();
      return events.map(({ type, video_id: video }) => `${type} ${video}`).sort();
    }
    const sentIds = () => net.batches.flat().map(({ id }) => id);

    test("offline they wait in the browser; sent and not answered for they are sent again, and count once", async () => {
      net.mode = "down";
      assert.deepEqual(await result("do"), { sent: "server-unreachable", waiting: 2, errors: ["server-unreachable"] });
      assert.deepEqual(await kept(), []);
      net.mode = "deaf";
      assert.deepEqual(await result("again"), { sent: "server-unreachable", waiting: 2, errors: ["server-unreachable"] });
      assert.deepEqual(await kept(), ["like v1", "watch v2"]);
      net.mode = "on";
      assert.deepEqual(await result("again"), { sent: "no error", waiting: 0, errors: [] });
      assert.deepEqual(await kept(), ["like v1", "watch v2"]);
      assert.ok(net.batches.length >= 2 && net.batches.every((batch) => JSON.stringify(batch) === JSON.stringify(net.batches[0])));
      assert.deepEqual(await result("again"), { sent: "no error", waiting: 0, errors: [] });
      assert.equal(new Set(sentIds()).size, 2);
    });
    test("two tabs: each event leaves the browser once; a wipe in one is a wipe in both", async () => {
      net.batches.length = 0;
      const { sent, waiting, afterWipe, errors } = await result("tabs");
      assert.deepEqual([sent, waiting, afterWipe, errors], [Array(4).fill("no error"), [0, 0], [0, "no error"], []]);
      assert.deepEqual(net.batches.flat().map((event) => event.video_id).sort(), ["a0", "a1", "a2", "b0", "b1", "b2"]);
    });
    test("a page that goes sends what waits, the view it ends too; the next one tells nothing twice; without leave nothing is sent", async () => {
      const before = await kept();
      net.batches.length = 0;
      assert.deepEqual(await result("leave"), { waiting: 1, errors: [] });
      assert.deepEqual(net.batches, []);
      await browser.open("about:blank");
      const expected = [...before, "like before", "watch playing"].sort();
      for (const end = Date.now() + 5_000; (await kept()).length < expected.length && Date.now() < end; ) await new Promise((done) => setTimeout(done, 50));
      assert.deepEqual(await kept(), expected);
      assert.deepEqual(await result("comeBack"), { sent: "no error", waiting: 0, watched: ["playing"], errors: [] });
      assert.deepEqual(await kept(), expected);
      net.batches.length = 0;
      assert.deepEqual(await result("off"), { waiting: 0, errors: [] });
      assert.deepEqual([net.batches, net.reports], [[], []]);
    });
    test("anonymous metrics: one report of the week that is due, of nobody; the ledger outlives the page", async () => {
      const counted = async () => {
        const { anonymous } = await (await fetch(`${origin}/v1/metrics/online?days=60`, { headers: { "x-upnext-admin-key": ADMIN_KEY } })).json();
        return anonymous.all.reports;
      };
      const countedBefore = await counted();
      const { before, first, second, errors } = await result("report");
      assert.deepEqual(errors, []);
      assert.equal(net.reports.length, 1);
      const [{ body, headers }] = net.reports;
      assert.deepEqual([before.last, first.last, second.last], [undefined, JSON.parse(body), JSON.parse(body)]);
      assert.deepEqual([before, first, second].map(({ metrics }) => metrics.map(({ spent, left }) => [spent, left])), [0, 1, 1].map((spent) => Array(4).fill([spent, 8 - spent])));
      assert.deepEqual([headers.authorization, headers.cookie, headers.referer], [undefined, undefined, undefined]);
      assert.equal((await counted()) - countedBefore, 1);
    });
  });
}
