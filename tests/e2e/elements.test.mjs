// `upnext/elements` and the video.js adapter in real browsers, under a policy that allows no style of theirs.
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import { after, before, describe, test } from "node:test";
import { root, workDir } from "../lib/paths.mjs";
import { ensureProjectTools, tool } from "../lib/projects.mjs";
import { noIcon, serveStatic } from "../lib/static.mjs";
import { browserNames, openBrowser } from "../lib/webdriver.mjs";

ensureProjectTools();
/** Players from npm, each in one file as a site would bundle it. */
const players = join(workDir, "players");
await build({
  entryPoints: { hls: "hls.js", plyr: "plyr", "media-chrome": "media-chrome", vidstack: "vidstack/player" },
  absWorkingDir: dirname(tool.resolve("video.js/package.json")),
  outdir: players,
  bundle: true,
  format: "esm",
  target: "es2022",
  logLevel: "error",
});
const page = `<!doctype html><html lang="en"><title>elements</title>${noIcon}<body><main><h1>Elements</h1></main><script type="module" src="/lib/pages/elements.js"></script></body></html>`;
const strict = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:; style-src 'none'";
const folders = {
  "/dist/": join(root, "dist"),
  "/golden/": join(root, "tests/golden"),
  "/lib/": join(root, "tests/lib"),
  "/axe/": join(root, "node_modules/axe-core"),
  "/players/": players,
  "/videojs/": join(dirname(tool.resolve("video.js/package.json")), "dist"),
};

for (const name of browserNames) {
  describe(name, () => {
    let site;
    let open;
    let browser;
    before(async () => {
      site = await serveStatic(folders, page, { "content-security-policy": strict });
      open = await serveStatic(folders, page);
      browser = await openBrowser(name);
    });
    after(async () => {
      await browser?.close();
      await site?.close();
      await open?.close();
    });
    const result = (query, { origin } = site) => browser.answer(`${origin}/?do=${query}`);

    test("the rail shows the slate, keeps the focus, speaks another language, is themed by parts and read from the right", { timeout: 60_000 }, async () => {
      const { chosen, focused, stillFocused, themed, heading, ...said } = await result("rail");
      assert.deepEqual(said, { same: true, count: 6, watchingGone: true, why: true, fromTheRight: true });
      assert.deepEqual(chosen, [["choose", focused]]);
      assert.equal(stillFocused, focused);
      assert.equal(themed, "rgb(1, 2, 3)");
      assert.equal(heading, "Als Nächstes");
    });
    test("all thumbnails of a block in its order when it comes, or none; cards show what was loaded, and ask for nothing", { timeout: 60_000 }, async () => {
      const first = ["/1.png", "/2.png", "/3.png", "/4.png", "/5.png"];
      assert.deepEqual(await result("thumbnails"), { none: [], first, later: ["/6.png", "/7.png"], images: 0, cards: ["/1.png", "/3.png"], sameElements: true, watchedStill: false });
    });
    test("what is announced is what plays: by hand, by itself, not when cancelled, switched off or unseen", { timeout: 60_000 }, async () => {
      const { byHand, auto, cancelled, switched, hidden, twice } = await result("next");
      assert.deepEqual(byHand, { heard: [["announce", byHand.item], ["play", byHand.item, false]], item: byHand.item, notWatching: true });
      assert.deepEqual(auto.heard, [["announce", auto.item], ["play", auto.item, true]]);
      assert.deepEqual(cancelled, ["announce", "cancel"]);
      assert.deepEqual(switched, { heard: ["announce", "autoplay"], checked: "false" });
      assert.deepEqual(hidden, { whileHidden: ["announce"], after: ["announce", "play"] });
      assert.deepEqual(twice, { announcements: 1, plays: true, last: true });
    });
    test("the playlist before recommendations, nothing twice, and an end", { timeout: 60_000 }, async () => {
      assert.deepEqual(await result("order"), { order: ["p1", "p2", "b", "c", "d", null] });
    });
    test("by JW Player's options: at once where its timer says so, in its words, not shown where it shows none", { timeout: 60_000 }, async () => {
      assert.deepEqual(await result("jw"), { heard: [["announce", "xx"], ["play", "xx", true]], countdowns: ["Title of xx, 0 s"], heading: "More", attribute: "0", shown: [true, false] });
    });
    test("axe finds nothing serious; every control is a button; the countdown is said once", { timeout: 60_000 }, async () => {
      const { violations, passes, buttons, said, timer } = await result("accessible");
      assert.deepEqual(violations, []);
      assert.ok(passes > 5, `${passes} rules were checked`);
      assert.ok(buttons);
      assert.match(said, /^Up next: .+, in 600 seconds$/);
      assert.match(timer, /^Starts in \d+ s$/);
    });
    for (const player of ["mse", "plyr", "media-chrome", "vidstack"]) {
      test(`${player}: what is played counts`, { timeout: 60_000 }, async () => {
        const { watches } = await result(`player&player=${player}`, open);
        assert.deepEqual(watches.map(([id]) => id), ["v1"]);
        assert.ok(Math.abs(watches[0][1] - 1) <= 0.35, `${watches[0][1]} s`);
      });
    }
    for (const [by, wanted] of [["attachHls", [["v1", 1], ["v1", 1], ["v1", 1], ["v2", 1]]], ["attach", [["v1", 1], ["v2", 1]]]]) {
      test(`hls.js by ${by}: what is played counts, another address ends the view${by === "attachHls" ? ", a recovery does not; an interstitial is left out" : ""}`, { timeout: 60_000 }, async () => {
        const { watches, errors } = await result(`hls&by=${by}`, open);
        assert.deepEqual(errors, []);
        assert.deepEqual(watches.map(([id]) => id), wanted.map(([id]) => id), JSON.stringify(watches));
        watches.forEach(([, seconds], i) => assert.ok(Math.abs(seconds - wanted[i][1]) <= 0.6, JSON.stringify(watches)));
      });
    }
    for (const autoplay of [false, true]) {
      test(`video.js: what is played counts, an advertisement does not${autoplay ? "; autoplay is marked" : ""}`, { timeout: 60_000 }, async () => {
        const { watches, surfaces } = await result(`videojs${autoplay ? "&autoplay" : ""}`, open);
        assert.deepEqual(watches.map(([id]) => id), ["v1", "v1"]);
        for (const [, seconds] of watches) assert.ok(Math.abs(seconds - 1) <= 0.35, `${seconds} s`);
        assert.deepEqual(surfaces, Array(2).fill(autoplay ? "autoplay" : "home"));
      });
    }
  });
}
