// The public API: the checked-in report is what the build says, and every name that the issue tracker promises is there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";
import { root } from "../lib/paths.mjs";

const packed = installPacked();
const built = join(root, "dist/.facade");

for (const report of readdirSync(built).filter((name) => name.endsWith(".api.md"))) {
  test(`docs/api/${report} is the API that is built; if the change is meant, run npm run api`, () => {
    assert.equal(readFileSync(join(root, "docs/api", report), "utf8"), readFileSync(join(built, report), "utf8"));
  });
}

test("the types hold what they say, and refuse what they should", { timeout: 120_000 }, () => {
  execFileSync("npx", ["--no-install", "tsc", "-p", "tests/types"], { cwd: root, stdio: "pipe" });
});

test("an entry is a file of fewer than ten lines over the one facade", () => {
  const folder = join(root, "crate/wasm/js/entry");
  const long = readdirSync(folder).filter((name) => readFileSync(join(folder, name), "utf8").trimEnd().split("\n").length >= 10);
  assert.deepEqual(long, []);
});

test("an instance has the calls of the API by their names", async () => {
  const { createRecommender } = await packed.load("upnext");
  const set = goldenSet("tiny");
  const upnext = await createRecommender({ origin: ORIGIN, languages: ["en"], fetch: serveGolden(set).fetch, now: () => set.rows[0].context.nowMs, refreshMs: 0 });
  for (const name of ["recommend", "refresh", "record", "watched", "attach", "like", "dislike", "notInterested", "searched", "close"]) assert.equal(typeof upnext[name], "function", name);
  for (const name of ["inspect", "learnt", "set", "export", "import", "wipe"]) assert.equal(typeof upnext.profile[name], "function", name);
  assert.equal(upnext.thread, "main");
  upnext.close();
});

test("notInterested with scope channel hides the channel, with the video alone it does not", async () => {
  const { createRecommender } = await packed.load("upnext");
  const set = goldenSet("tiny");
  const upnext = await createRecommender({ origin: ORIGIN, languages: ["en"], fetch: serveGolden(set).fetch, now: () => set.rows[0].context.nowMs, refreshMs: 0 });
  const all = async () => (await upnext.recommend({ size: 200 })).items;
  const { id, channel } = (await all()).find((item) => item.channel);
  await upnext.notInterested(id);
  assert.ok(!(await all()).some((item) => item.id === id));
  const others = (await all()).filter((item) => item.channel === channel).length;
  await upnext.notInterested(id, { scope: "channel" });
  assert.equal((await all()).filter((item) => item.channel === channel).length, 0);
  assert.deepEqual((await upnext.profile.inspect()).blockedChannels, [channel]);
  await upnext.notInterested(id, { scope: "channel" });
  assert.deepEqual((await upnext.profile.inspect()).blockedChannels, [channel]);
  await upnext.profile.set({ blockedChannels: [] });
  assert.equal((await all()).filter((item) => item.channel === channel).length, others);
  await assert.rejects(upnext.notInterested("nobody", { scope: "channel" }), { code: "request-invalid" });
  await assert.rejects(upnext.notInterested(id, { scope: "world" }), { code: "request-invalid" });
  upnext.close();
});

test("a signal ends the creation and the wait for a refresh, with its reason", async () => {
  const { createRecommender } = await packed.load("upnext");
  const set = goldenSet("tiny");
  const { fetch } = serveGolden(set);
  const never = (_url, { signal }) => new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  const options = { origin: ORIGIN, languages: ["en"], now: () => set.rows[0].context.nowMs, refreshMs: 0 };
  const late = new Error("too late");
  const stopped = new AbortController();
  const creating = createRecommender({ ...options, fetch: never, signal: stopped.signal });
  stopped.abort(late);
  await assert.rejects(creating, late);
  await assert.rejects(createRecommender({ ...options, fetch, signal: AbortSignal.abort(late) }), late);

  let hangs = false;
  const upnext = await createRecommender({ ...options, fetch: (url, init) => (hangs ? never(url, init) : fetch(url, init)) });
  hangs = true;
  const waiting = new AbortController();
  const refreshing = upnext.refresh({ signal: waiting.signal });
  waiting.abort(late);
  await assert.rejects(refreshing, late);
  assert.ok((await upnext.recommend()).items.length > 0);
  upnext.close();
});
