// Non-interference, shown: whoever watches, whenever and whatever they do, the same bytes leave the browser.
//   node --test tests/e2e/privacy.test.mjs                        a few viewers per setting, a third of the planted leaks
//   UPNEXT_PRIVACY=full node --test tests/e2e/privacy.test.mjs    every pair of two private inputs, every setting
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { chromium } from "playwright-core";
import { root, workDir } from "../lib/paths.mjs";
import { check, difference } from "../lib/privacy/compare.mjs";
import { cells, combinations, LOUD } from "../lib/privacy/matrix.mjs";
import { asBuilt, FAST_MUTANTS, MUTANTS, mutated } from "../lib/privacy/mutants.mjs";
import { settings, visit, visitDemo } from "../lib/privacy/visit.mjs";
import { CANDIDATES, makeWorld } from "../lib/privacy/world.mjs";

const full = process.env.UPNEXT_PRIVACY === "full";
/** Browser contexts at once: they mostly wait. */
const LANES = 4;
const TIMEOUT = { timeout: full ? 3_600_000 : 300_000 };
const [quiet, ...others] = cells(full ? 2 : 1);
const names = ["anonymous", "account", "recent", "anonymous, own origin, service worker", "account, own origin, service worker", ...(full ? ["anonymous, languages of the browser", "anonymous, a phone's browser"] : [])];
/** Everybody, or a few: then each setting has others of them, and every value comes up in one. */
const viewersOf = (setting) => [quiet, LOUD, ...(full ? others : others.filter((_, i) => i % names.length === names.indexOf(setting)))];

let world;
let browser;
let all;
before(async () => {
  world = await makeWorld();
  all = settings(world);
  browser = await chromium.launch({
    executablePath: process.env.UPNEXT_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}, { timeout: 300_000 });
after(async () => {
  await browser?.close();
  await world?.close();
});

let free = LANES;
const waiting = [];
/** Does it when a lane is free. */
async function inLane(act) {
  if (free === 0) await new Promise((done) => waiting.push(done));
  else free--;
  try {
    return await act();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else free++;
  }
}
const visits = (by, viewers, job) => Promise.all(viewers.map((cell) => inLane(() => by({ browser, world, cell, ...job }))));

/** What was looked at and what differs, on one line; the test fails where anything does. */
function hold(t, name, visits) {
  const { cells, requests, bytes, different, where } = check(visits.map(({ traffic }) => traffic));
  const slates = new Set(visits.flatMap(({ seen }) => seen.map(({ slate }) => slate.join()))).size;
  t.diagnostic(`${name}: ${cells} viewers of ${combinations} combinations, ${requests} requests of ${bytes} bytes, ${slates} different slates: ${different} bytes differ`);
  assert.equal(different, 0, where.slice(0, 5).join("\n"));
  assert.ok(requests >= 10 * cells, "pointer, manifest, files and block were asked for");
  // Where all are shown the same there is nothing that could leak.
  assert.ok(slates > cells, `${slates} slates of ${cells} viewers`);
}

describe("the same bytes, whoever watches", { concurrency: full ? 1 : names.length }, () => {
  const traffics = {};
  for (const name of names)
    test(name, TIMEOUT, async (t) => {
      const overlay = await asBuilt();
      const seenBy = await visits(visit, viewersOf(name), { setting: all[name], overlay });
      traffics[name] = seenBy[0].traffic;
      for (const { ready, seen } of seenBy) {
        assert.equal(ready.thread, "worker");
        assert.deepEqual(seen.map((one) => one.errors), [[], [], []]);
        assert.deepEqual(seen.map((one) => one.bundle), [world.bundles[0], world.bundles[1], world.bundles[1]]);
      }
      hold(t, name, seenBy);
    });
  test("what another browser changes is what the browser says of itself, and its languages where none are declared", { ...TIMEOUT, skip: full ? false : "skipped: by npm run privacy" }, () => {
    const plain = (traffic) =>
      traffic.map(({ name, order, sent }) => {
        const without = (text) => text.replace(/^(user-agent|sec-ch-ua[a-z-]*|accept-language): .*\r\n/gim, "").replace(/languages=[a-z,-]+&/, "languages=…&");
        return { name, order: order.map(without), sent: sent.map(without).sort() };
      });
    for (const name of ["anonymous, languages of the browser", "anonymous, a phone's browser"]) {
      assert.notEqual(difference(traffics.anonymous, traffics[name]).bytes, 0);
      if (name.endsWith("browser") && !name.includes("languages")) assert.deepEqual(difference(plain(traffics.anonymous), plain(traffics[name])).where, [], name);
    }
  });
  test("the demo page, by its own controls", { ...TIMEOUT, skip: full ? false : "skipped: by npm run privacy; page.test.mjs looks at two viewers" }, async (t) => {
    const site = join(workDir, "privacy-site");
    execFileSync("node", ["www/build.mjs", "--origin", CANDIDATES, "--name", "privacy", "--out", site], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    hold(t, "demo page", await visits(visitDemo, viewersOf("anonymous"), { setting: all.anonymous, demo: join(site, "dist") }));
  });
});

test("every leak that is planted is found", TIMEOUT, async (t) => {
  const apart = async (name, overlay) => {
    const [one, two] = await visits(visit, [quiet, LOUD], { setting: all[name], overlay, brief: true });
    return difference(one.traffic, two.traffic);
  };
  const planted = Object.entries(MUTANTS).filter(([name]) => full || FAST_MUTANTS.has(name));
  const unplanted = [...new Set(planted.map(([, [setting]]) => setting))];
  const clean = Promise.all(unplanted.map(async (setting) => assert.deepEqual((await apart(setting, await mutated())).where, [], `${setting}: nothing is planted, nothing is found`)));
  const found = await Promise.all(planted.map(async ([name, [setting, ...changes]]) => ({ name, ...(await apart(setting, await mutated(changes))) })));
  await clean;
  for (const { name, bytes, where } of found) t.diagnostic(`${bytes > 0 ? "found" : "MISSED"}: ${name}: ${bytes} bytes differ, first ${where[0]?.slice(0, 160) ?? "nowhere"}`);
  t.diagnostic(`${found.filter(({ bytes }) => bytes > 0).length} of ${found.length} planted leaks found`);
  assert.deepEqual(found.filter(({ bytes }) => bytes === 0).map(({ name }) => name), []);
});
