// What a viewer does changes the next slate, stays on the device, and can be taken along and wiped.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";

const packed = installPacked();
let api;
before(async () => (api = await packed.load("upnext")));

const set = goldenSet("tiny");
const create = ({ fetch }, more = {}) => {
  const now = () => set.rows[0].context.nowMs;
  return api.createRecommender({ origin: ORIGIN, languages: ["en"], storage: api.memoryStorage(), fetch, now, refreshMs: 0, ...more });
};
const ids = (slate) => slate.items.map((item) => item.id);

test("feedback acts on the next slate without a request", async () => {
  const server = serveGolden(set);
  let at = set.rows[0].context.nowMs - 3_600_000;
  const upnext = await create(server, { now: () => (at += 60_000) });
  const quiet = server.requests.length;
  const first = await upnext.recommend({ size: 5 });
  const [disliked, seen] = ids(first);
  await upnext.notInterested(disliked);
  await upnext.watched(seen, 100_000);
  const second = await upnext.recommend({ size: 5 });
  assert.ok(!ids(second).includes(disliked));
  assert.ok(!ids(second).includes(seen));
  assert.notEqual(second.receipt, first.receipt);
  assert.ok(second.dropped.some((item) => item.id === disliked));
  assert.equal(server.requests.length, quiet);
  upnext.close();
});

test("requests are the same whoever watches, whenever and on whatever", async () => {
  const traffic = [];
  for (const [profile, device, shift] of [[{}, "phone", 0], [{ age: 70, gender: "f", language: "ja", blockedTags: ["x"] }, "tv", -7_000_000]]) {
    const server = serveGolden(set);
    const upnext = await create(server, { profile, now: () => set.rows[0].context.nowMs + shift });
    const slate = await upnext.recommend({ device, surface: "home", watching: upnext.block.ids[3] });
    if (device === "tv") await upnext.like(ids(slate)[0]);
    await upnext.refresh();
    upnext.close();
    traffic.push(server.requests);
  }
  assert.deepEqual(traffic[0], traffic[1]);
});

test("profile and history come back from storage, an export, and not after a wipe", async () => {
  const storage = api.memoryStorage();
  const first = await create(serveGolden(set), { storage });
  const fresh = await first.recommend();
  await first.profile.set({ age: 33, blockedChannels: ["none"] });
  await first.like(first.block.ids[2]);
  const slate = await first.recommend();
  const text = await first.profile.export();
  first.close();

  const again = await create(serveGolden(set), { storage });
  assert.equal((await again.profile.inspect()).age, 33);
  assert.deepEqual(await again.recommend(), slate);

  const elsewhere = await create(serveGolden(set));
  await elsewhere.profile.import(text);
  assert.deepEqual(await elsewhere.recommend(), slate);

  await again.profile.wipe();
  assert.deepEqual(await again.recommend(), fresh);
  again.close();
  const after = await create(serveGolden(set), { storage });
  assert.deepEqual(await after.recommend(), fresh);
  after.close();
  elsewhere.close();
});

test("several recommenders don't share anything", async () => {
  const one = await create(serveGolden(set), { profile: { age: 20 } });
  const two = await create(serveGolden(set), { profile: { age: 60 } });
  const before = await two.recommend();
  await one.like(one.block.ids[0]);
  assert.equal((await two.profile.inspect()).age, 60);
  assert.deepEqual(await two.recommend(), before);
  one.close();
  assert.deepEqual(await two.recommend(), before);
  two.close();
});

test("what a page kept while it went is taken over once, and forgotten by a wipe", async () => {
  const event = { kind: "watch", video: "v-left", seconds: 42, atMs: set.rows[0].context.nowMs - 5000 };
  let word = JSON.stringify([event]);
  const keepNow = (text) => void (word = text);
  const storage = { ...api.memoryStorage(), keepNow, kept: () => word };
  const events = async (upnext) => JSON.parse(await upnext.profile.export()).history.events.map(({ kind, video, seconds, atMs }) => ({ kind, video, seconds, atMs }));
  const first = await create(serveGolden(set), { storage });
  assert.deepEqual(await events(first), [event]);
  assert.equal(word, null);
  first.close();

  // Its write got through after all, and the word was not dropped in time.
  word = JSON.stringify([event]);
  const again = await create(serveGolden(set), { storage });
  assert.deepEqual(await events(again), [event]);
  word = JSON.stringify([event]);
  await again.profile.wipe();
  assert.equal(word, null);
  again.close();

  const errors = [];
  for (const broken of ["{", "7", '[{"kind":"stare"}]', "[null]"]) {
    word = broken;
    const upnext = await create(serveGolden(set), { storage, onError: (error) => errors.push(error.code) });
    assert.deepEqual(await events(upnext), []);
    upnext.close();
  }
  assert.deepEqual(errors, ["request-invalid"]);
});
