// A slate that a browser made, made again by the native program from the receipt that the browser wrote.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { goldenSet } from "../lib/golden.mjs";
import { binary, root } from "../lib/paths.mjs";
import { noIcon, serveStatic } from "../lib/static.mjs";
import { browserNames, openBrowser } from "../lib/webdriver.mjs";

const set = goldenSet("trained");

/** A viewer who is told, likes, watches and searches; then a slate, and its receipt. */
const page = `<!doctype html><title>replay</title>${noIcon}<script type="module">
  import { ORIGIN } from "/lib/replay.mjs";
  const served = (url) => fetch("/golden" + url.slice(ORIGIN.length).replace(/^\\/bundle/, "").replace(/^\\/v1\\/candidates.*/, "/block.pb"));
  try {
    const { createRecommender, memoryStorage } = await import("/dist/browser.js");
    const [row] = await (await fetch("/golden/rows.json")).json();
    let at = row.context.nowMs - 3_600_000;
    const upnext = await createRecommender({ origin: ORIGIN, languages: [], profile: row.profile, storage: memoryStorage(), fetch: served, now: () => (at += 60_000), seed: 9, refreshMs: 0 });
    const early = await upnext.receipt().catch((error) => error.code);
    await upnext.like(upnext.block.ids[3]);
    await upnext.watched(upnext.block.ids[5], 1000.25);
    await upnext.searched("Gl\\u00fcck \\u5bff\\u53f8 \\ud83c\\udf63");
    const slate = await upnext.recommend({ size: 10, explore: 1, watching: upnext.block.ids[0] });
    const receipt = await upnext.receipt();
    await upnext.like(upnext.block.ids[7]);
    const late = await upnext.receipt().catch((error) => error.code);
    document.body.dataset.result = JSON.stringify({ ids: slate.items.map((item) => item.id), receipt, early, late });
  } catch (error) {
    document.body.dataset.result = JSON.stringify({ error: String(error) + error.stack });
  }
</script><body></body>`;

const folder = mkdtempSync(join(tmpdir(), "upnext-replay-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** The native program's answer to a receipt. */
function replay(name, text) {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, text);
  const { status, stdout, stderr } = spawnSync(binary("upnext-export"), ["replay", file, "--bundle", set.dir], { encoding: "utf8" });
  return { status, stderr, ids: [...stdout.matchAll(/^ +\d+ {2}(\S+)/gm)].map(([, id]) => id) };
}

before(() => void execFileSync("cargo", ["build", "--release", "--locked", "--workspace", "--bins"], { cwd: root, stdio: ["ignore", "pipe", "pipe"] }), { timeout: 900_000 });

for (const name of browserNames) {
  describe(name, () => {
    let site;
    let browser;
    before(async () => {
      site = await serveStatic({ "/dist/": join(root, "dist"), "/golden/": set.dir, "/lib/": join(root, "tests/lib") }, page);
      browser = await openBrowser(name);
    });
    after(async () => {
      await browser?.close();
      await site?.close();
    });
    test("the native program gives the slate of the browser", { timeout: 60_000 }, async () => {
      const { ids, receipt, early, late } = await browser.answer(`${site.origin}/`);
      assert.equal(early, "receipt-mismatch");
      assert.equal(late, "receipt-mismatch");
      assert.equal(ids.length, 10);
      const replayed = replay(name, receipt);
      assert.equal(replayed.status, 0, replayed.stderr);
      assert.deepEqual(replayed.ids, ids);
      // One thing less done, and it's another viewer.
      const edited = JSON.parse(receipt);
      edited.history.events = edited.history.events.filter(({ kind }) => kind !== "search");
      const refused = replay(`${name}-edited`, JSON.stringify(edited));
      assert.equal(refused.status, 1);
      assert.match(refused.stderr, /error\[receipt-mismatch\]/);
    });
  });
}
