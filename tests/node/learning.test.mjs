// What the device learns of its viewer, as a page has it: told, kept with what it is learnt from, and forgotten.
import assert from "node:assert/strict";
import { test } from "node:test";
import { goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";

const packed = installPacked();
const set = goldenSet("tiny");
const row = set.rows.find(({ name }) => name === "a personal head that has learnt a taste");

async function start() {
  const { createRecommender } = await packed.load("upnext");
  return createRecommender({ origin: ORIGIN, languages: ["en"], fetch: serveGolden(set).fetch, now: () => row.context.nowMs, refreshMs: 0 });
}
const taught = ({ profile, history }) => JSON.stringify({ version: 1, profile, history });

test("what was learnt is told by channel, moves the slate, and is wiped with the history", async () => {
  const upnext = await start();
  const nothing = await upnext.profile.learnt();
  assert.deepEqual([nothing.acts, nothing.evidence, nothing.gain], [false, 0, 0]);
  await upnext.profile.import(taught(row));
  const learnt = await upnext.profile.learnt();
  assert.ok(learnt.acts && learnt.evidence > 12 && learnt.gain > 0, JSON.stringify(learnt));
  const shifts = learnt.channels.map(({ shift }) => shift);
  assert.ok(shifts.length > 1 && shifts[0] > 0);
  assert.deepEqual(shifts, shifts.toSorted((a, b) => b - a));
  assert.equal(new Set(learnt.channels.map(({ channel }) => channel)).size, shifts.length);

  const { localTime, surface, device, utcOffsetMinutes } = row.context;
  const options = { localTime, surface, device, utcOffsetMinutes, size: 20 };
  const without = await upnext.recommend(options);
  const slate = await upnext.recommend({ ...options, personal: 1 });
  assert.ok(without.items.every(({ learnt }) => learnt.personal === 0));
  assert.ok(slate.items.some(({ learnt }) => learnt.personal > 0));
  assert.notDeepEqual(slate.items.map(({ id }) => id), without.items.map(({ id }) => id));
  assert.deepEqual([slate.personal.acts, slate.personal.evidence, slate.personal.gain], [true, learnt.evidence, learnt.gain]);
  assert.equal(JSON.parse(await upnext.receipt()).options.personal, 1);
  assert.ok((await upnext.recommend({ ...options, fatigue: 1 })).items.some(({ learnt }) => learnt.fatigue > 0));

  await upnext.profile.wipe();
  const wiped = await upnext.profile.learnt();
  assert.deepEqual([wiped.acts, wiped.evidence], [false, 0]);
  assert.ok(wiped.channels.every(({ shift }) => shift === 0));
  upnext.close();
});

test("a page weighs the heads of the ranker, for all slates or for one, and within bounds", async () => {
  const { createRecommender } = await packed.load("upnext");
  const headWeights = { liked: 1, finished: 0.5 };
  const golden = set.rows.find(({ options }) => options.headWeights);
  const create = (more) => createRecommender({ origin: ORIGIN, languages: ["en"], fetch: serveGolden(set).fetch, now: () => golden.context.nowMs, refreshMs: 0, ...more });
  const ids = ({ items }) => items.map(({ id }) => id);
  const [plain, leaning] = [await create(), await create({ headWeights })];
  for (const upnext of [plain, leaning]) await upnext.profile.import(taught(golden));
  const { localTime, surface, device, utcOffsetMinutes } = golden.context;
  const options = { localTime, surface: surface ?? null, device: device ?? null, utcOffsetMinutes: utcOffsetMinutes ?? null };
  const weighed = ids(await plain.recommend({ ...options, headWeights }));
  assert.deepEqual(weighed, golden.expected.ids);
  assert.deepEqual(ids(await leaning.recommend(options)), weighed);
  assert.notDeepEqual(ids(await plain.recommend(options)), weighed);
  assert.deepEqual(ids(await leaning.recommend({ ...options, headWeights: { liked: 0, finished: 0 } })), ids(await plain.recommend(options)));
  for (const wrong of [{ liked: 2 }, { relevant: 0 }, { clicked: 1 }, "liked"]) {
    await assert.rejects(plain.recommend({ headWeights: wrong }), { code: "request-invalid" }, JSON.stringify(wrong));
  }
  plain.close();
  leaning.close();
});

test("an impression of what was recommended keeps what the ranker expected of it", async () => {
  const upnext = await start();
  const events = async () => JSON.parse(await upnext.profile.export()).history.events;
  const { items } = await upnext.recommend();
  await upnext.record({ kind: "impression", video: items[0].id });
  await upnext.record({ kind: "watch", video: items[0].id, seconds: 3 });
  const kept = (await events()).map(({ kind, expected }) => [kind, typeof expected]);
  assert.deepEqual(kept, [["impression", "number"], ["watch", "undefined"]]);
  upnext.close();
});

test("what exploring shows says with what chance, and the seed decides what it is", async () => {
  const upnext = await start();
  const explored = async (options) => {
    const { items } = await upnext.recommend({ size: 10, explore: 1, ...options });
    return items.filter(({ propensity }) => propensity < 1).map(({ id, propensity }) => ({ id, propensity }));
  };
  const first = await explored({ seed: 1 });
  assert.equal(first.length, 2);
  assert.ok(first.every(({ propensity }) => propensity > 0));
  assert.deepEqual(await explored({ seed: 1 }), first);
  assert.notDeepEqual((await explored({ seed: 2 })).map(({ id }) => id), first.map(({ id }) => id));
  assert.deepEqual(await explored({ seed: 1, exploration: "thompson" }), first, "a head that does not act explores uniformly");
  await assert.rejects(upnext.recommend({ exploration: "dice" }), { code: "request-invalid" });
  await assert.rejects(upnext.recommend({ personal: 2 }), { code: "request-invalid" });
  upnext.close();
});
