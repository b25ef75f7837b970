// The golden slates in real browsers, by both entries of the built package: the compact engine and tract.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { assertGolden, engines, goldenSet, goldenSets, runs } from "../lib/golden.mjs";
import { root } from "../lib/paths.mjs";
import { noIcon, serveStatic } from "../lib/static.mjs";
import { browserNames, openBrowser } from "../lib/webdriver.mjs";

/** Replays the set `?set=` with the entry `?entry=` and leaves what came out as JSON on the page. */
const page = `<!doctype html><title>golden</title>${noIcon}<script type="module">
  import { ORIGIN, replay } from "/lib/replay.mjs";
  const query = new URLSearchParams(location.search);
  const set = "/golden/" + query.get("set");
  const served = (url) => fetch(set + url.slice(ORIGIN.length).replace(/^\\/bundle/, "").replace(/^\\/v1\\/candidates.*/, "/block.pb"));
  try {
    const { createRecommender } = await import("/dist/" + query.get("entry"));
    const slates = [];
    for (const row of await (await fetch(set + "/rows.json")).json()) slates.push(await replay(createRecommender, row, served));
    document.body.dataset.result = JSON.stringify({ slates });
  } catch (error) {
    document.body.dataset.result = JSON.stringify({ error: String(error) + error.stack });
  }
</script><body></body>`;

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
    for (const [engine, { specifier, entry }] of Object.entries(engines)) {
      for (const set of goldenSets.filter((set) => runs(engine, goldenSet(set)))) {
        test(`${specifier} gives the golden slates of ${set}`, { timeout: 180_000 }, async () => {
          const { slates } = await browser.answer(`${site.origin}/?set=${set}&entry=${entry}`, 120_000);
          const { rows } = goldenSet(set);
          assert.equal(slates.length, rows.length);
          rows.forEach((row, i) => assertGolden(engine, row, slates[i]));
        });
      }
    }
  });
}
