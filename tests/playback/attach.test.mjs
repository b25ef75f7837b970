// `upnext.attach` on a real <video> in real browsers: scripted viewings of a generated clip, and the seconds they are worth.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { root } from "../lib/paths.mjs";
import { noIcon, serveStatic } from "../lib/static.mjs";
import { browserNames, openBrowser } from "../lib/webdriver.mjs";

/** A page with a muted <video>, a recommender on the tiny golden set, and one script of `viewings.mjs` by `?viewing=`. */
const page = `<!doctype html><title>attach</title>${noIcon}<body><video muted playsinline width="64" height="48"></video><script type="module">
  import { viewings, watches } from "/lib/viewings.mjs";
  const { createRecommender, indexedDbStorage, memoryStorage } = await import("/dist/browser.js");
  const set = "/golden/tiny";
  const origin = "https://golden.example";
  const served = (url) => fetch(set + url.slice(origin.length).replace(/^\\/bundle/, "").replace(/^\\/v1\\/candidates.*/, "/block.pb"));
  const query = new URLSearchParams(location.search);
  try {
    const rows = await (await fetch(set + "/rows.json")).json();
    const errors = [];
    const storage = query.has("kept") ? indexedDbStorage() : memoryStorage();
    const upnext = await createRecommender({ origin, languages: [], storage, fetch: served, now: () => rows[0].context.nowMs, refreshMs: 0, onError: (error) => errors.push(error.code) });
    const video = document.querySelector("video");
    await viewings[query.get("viewing")]?.({ upnext, video });
    await new Promise((done) => setTimeout(done, 50));
    document.body.dataset.result = JSON.stringify({ watches: await watches(upnext), errors });
  } catch (error) {
    document.body.dataset.result = JSON.stringify({ error: String(error) + error.stack });
  }
</script></body>`;

/** Viewing, and the `[id, seconds]` that it is worth, one per view. */
const expected = [
  ["toTheEnd", [["v1", 3]]],
  ["pausedAndStopped", [["v1", 1]]],
  ["seekForward", [["v1", 2]]],
  ["seekBack", [["v1", 2]]],
  ["doubleSpeed", [["v1", 4]]],
  ["loops", [["v1", 2]]],
  ["stalls", [["v1", 3]]],
  ["hidden", [["v1", 1]]],
  ["hiddenInPictureInPicture", [["v1", 2]]],
  ["sourceChange", [["v1", 1], ["v2", 1]]],
  ["sourceChangeAfterTheEnd", [["v1", 1]]],
  ["twoViews", [["v1", 1], ["v1", 1]]],
  ["neverPlayed", []],
  ["closed", [["v1", 1]]],
];

/**
 * What a seek may lose: up to a quarter of a second before it, since `timeupdate` comes four times a second, and as much
 * after it, until the player says that it plays. What a mistake would cost in these viewings is a second or more.
 */
const TOLERANCE_SECONDS = 0.5;

for (const name of browserNames) {
  describe(name, () => {
    let site;
    let browser;
    before(async () => {
      site = await serveStatic({ "/dist/": join(root, "dist"), "/golden/": join(root, "tests/golden"), "/lib/": join(root, "tests/lib") }, page);
      browser = await openBrowser(name);
    });
    after(async () => {
      await browser?.close();
      await site?.close();
    });
    const result = (query) => browser.answer(`${site.origin}/?${query}`, 30_000);
    const assertWatches = (watches, wanted, what) => {
      assert.deepEqual(watches.map(([id]) => id), wanted.map(([id]) => id), `${what}: ${JSON.stringify(watches)}`);
      watches.forEach(([, seconds], i) => assert.ok(Math.abs(seconds - wanted[i][1]) <= TOLERANCE_SECONDS, `${what}: ${seconds} s, not ${wanted[i][1]}`));
    };
    for (const [viewing, wanted] of expected) {
      test(`${viewing}: ${wanted.map(([id, seconds]) => `${seconds} s of ${id}`).join(", ") || "nothing"}`, { timeout: 60_000 }, async () => {
        const { watches, errors } = await result(`viewing=${viewing}`);
        assert.deepEqual(errors, []);
        assertWatches(watches, wanted, viewing);
      });
    }
    test("errors stay away from the player", { timeout: 60_000 }, async () => {
      const { watches, errors } = await result("viewing=failing");
      assert.deepEqual(errors, ["request-invalid"]);
      assert.deepEqual(watches, []);
    });
    test("a view that ends with its page is kept", { timeout: 60_000 }, async () => {
      await result("viewing=leftPlaying&kept");
      const { watches } = await result("viewing=none&kept");
      assert.deepEqual(watches.map(([id]) => id), ["v1"]);
      assert.ok(watches[0][1] >= 1 - TOLERANCE_SECONDS, `${watches[0][1]} s`);
    });
  });
}
