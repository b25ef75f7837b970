// The device as a page has it: the engine in a worker under a strict policy, what is kept, and two tabs at once.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { assertGolden, goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { root } from "../lib/paths.mjs";
import { serveStatic } from "../lib/static.mjs";
import { browserNames, openBrowser } from "../lib/webdriver.mjs";

const page = '<!doctype html><title>device</title><link rel="icon" href="data:,"><body><script type="module" src="/lib/pages/device.js"></script></body>';
/** What docs/packaging.md asks for, and nothing beyond it. */
const policy = (worker) => `default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src ${worker}; connect-src 'self'; img-src data:`;
const folders = { "/dist/": join(root, "dist"), "/golden/": join(root, "tests/golden"), "/lib/": join(root, "tests/lib") };
const { rows } = goldenSet("tiny");

for (const name of browserNames) {
  describe(name, () => {
    let site;
    let workerless;
    let browser;
    before(async () => {
      site = await serveStatic(folders, page, { "content-security-policy": policy("'self'") });
      workerless = await serveStatic(folders, page, { "content-security-policy": policy("'none'") });
      browser = await openBrowser(name);
    });
    after(async () => {
      await browser?.close();
      await site?.close();
      await workerless?.close();
    });
    const result = (query, { origin } = site) => browser.answer(`${origin}/?do=${query}`);

    for (const thread of [undefined, "main"]) {
      test(`thread ${thread ?? "by default"}: the golden slates under a policy without unsafe-eval`, { timeout: 120_000 }, async () => {
        const { ran, errors, slates, violations } = await result(`thread${thread ? `&thread=${thread}` : ""}`);
        assert.equal(ran, thread ?? "worker");
        assert.deepEqual(errors, []);
        assert.deepEqual(violations, []);
        assert.equal(slates.length, rows.length);
        rows.forEach((row, i) => assertGolden("compact", row, slates[i]));
      });
    }
    test("where the policy forbids workers the engine runs in the page, and onError hears of it", { timeout: 120_000 }, async () => {
      const { ran, errors, slates } = await result("thread", workerless);
      assert.equal(ran, "main");
      assert.deepEqual(errors, ["not-found"]);
      rows.forEach((row, i) => assertGolden("compact", row, slates[i]));
    });
    test("errors keep their code on their way from the worker", { timeout: 60_000 }, async () => {
      assert.deepEqual(await result("errors"), { codes: ["request-invalid", "request-invalid", "profile-invalid", "request-invalid"] });
    });
    test("two tabs: neither overwrites the other, feedback acts in both, a wipe is a wipe in both", { timeout: 60_000 }, async () => {
      const { names: [one, two, three, four], union, hidden, afterWipe, stored } = await result("tabs");
      assert.deepEqual(union, { a: [one, two, three].sort(), b: [one, two, three].sort(), age: 33 });
      assert.ok(hidden);
      assert.deepEqual(afterWipe, { a: [four], b: [four], age: null });
      assert.deepEqual(stored, [four]);
    });
    test("a long text is stored in parts, and replaced only where it is the expected one", { timeout: 60_000 }, async () => {
      const yes = { same: true, first: true, after: true, shorter: true, oneOfThem: true, gone: true };
      assert.deepEqual(await result("long"), { ...yes, stale: false, second: false, winners: 1, keys: 2 });
    });
    test("a start without a network: the last good bundle and block, whole, in time and of the same inputs, or the failure", { timeout: 60_000 }, async () => {
      const { entries, ...said } = await result("offline");
      const files = goldenSet("tiny").manifest.files.length;
      assert.ok(entries >= 4 && entries <= files + 3, `${entries} entries`);
      assert.deepEqual(said, {
        same: true,
        errors: ["server-unreachable"],
        refreshError: "server-unreachable",
        expired: "block-expired",
        otherInputs: "server-unreachable",
        account: "server-unreachable",
        unwanted: "server-unreachable",
        tampered: "server-unreachable",
        nothing: "server-unreachable",
      });
    });
    test("a video that was taken down is not shown without a network, from an older block neither", { timeout: 60_000 }, async () => {
      assert.deepEqual(await result("tombstones"), { shownBefore: true, shownFromOlder: false, shownFromLater: false });
    });
    test("stored data of before there was a version is taken over, that of a later version left alone", { timeout: 60_000 }, async () => {
      const { events, expected, ...said } = await result("migration");
      assert.ok(expected > 0);
      assert.equal(events, expected);
      assert.deepEqual(said, { age: 40, left: [], again: 40 });
      assert.deepEqual(await result("later"), { errors: ["storage-unavailable"], stored: "99\n{}\n{}\nwho knows" });
    });
    test("storage that is denied or full: memory, and one report", { timeout: 60_000 }, async () => {
      const expected = { errors: ["storage-unavailable"], events: 1, age: 50 };
      assert.deepEqual(await result("denied"), { denied: expected, full: expected });
    });
  });
}

/** The golden set behind a port of its own, as a candidate server is. */
function serveCandidates() {
  const { fetch } = serveGolden(goldenSet("tiny"));
  const server = createServer(async (request, response) => {
    const answer = await fetch(ORIGIN + request.url);
    response.writeHead(answer.status, { "access-control-allow-origin": "*", "access-control-allow-headers": "*" }).end(Buffer.from(await answer.arrayBuffer()));
  });
  const close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve({ origin: `http://127.0.0.1:${server.address().port}`, close })));
}

test("chromium: with the service worker of the docs a page ranks while every server is down", { timeout: 120_000 }, async () => {
  const candidates = await serveCandidates();
  const csp = policy("'self'").replace("connect-src 'self'", `connect-src 'self' ${candidates.origin}`);
  const site = await serveStatic({ ...folders, "/examples/": join(root, "docs/examples") }, page, { "content-security-policy": csp, "service-worker-allowed": "/" });
  const browser = await openBrowser("chromium");
  const visit = async () => {
    await browser.open(`${site.origin}/?do=serviceWorker&origin=${candidates.origin}`);
    return JSON.parse(await browser.until("return document.body?.dataset.result ?? null", 60_000));
  };
  try {
    const first = await visit();
    assert.equal(first.error, undefined);
    assert.equal(first.thread, "worker");
    assert.equal(first.refreshError, null);
    assert.deepEqual(await visit(), first);
    await Promise.all([site.close(), candidates.close()]);
    assert.deepEqual(await visit(), { ...first, refreshError: "server-unreachable" });
  } finally {
    await browser.close();
    await Promise.all([site.close(), candidates.close()]);
  }
});
