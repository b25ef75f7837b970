// A video that was taken down is never shown: by a block that says so, by an older block after one that said so, in the next
// start, and no longer than it should be.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { FIELDS, later, without } from "../lib/block.mjs";
import { goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";

const set = goldenSet("tiny");
const { nowMs } = set.rows[0].context;
/** The set's block, of which nothing was taken down. */
const whole = without(set.block, FIELDS.removed);
let api;
before(async () => (api = await installPacked().load("upnext")));

/** A recommender whose server answers with `served.block`. */
async function start(served, storage = api.memoryStorage(), more = {}) {
  const { fetch } = serveGolden(set, (path, bytes) => (path === "/v1/candidates" ? served.block : bytes));
  const upnext = await api.createRecommender({ origin: ORIGIN, languages: ["en"], storage, fetch, now: () => nowMs, refreshMs: 0, ...more });
  const all = async () => {
    const { items, dropped } = await upnext.recommend({ size: 200, explore: 1 });
    return { shown: items.map(({ id }) => id), why: (id) => dropped.find((one) => one.id === id)?.reason };
  };
  return { upnext, all };
}

test("a video that the block names as removed is not shown, in an older block neither, and in a later one that knows better it is", async () => {
  const served = { block: whole };
  const storage = api.memoryStorage();
  const { upnext, all } = await start(served, storage);
  const { expiresAtMs, ids } = upnext.block;
  const [gone, other] = (await all()).shown;
  const step = async (block) => {
    served.block = block;
    await upnext.refresh();
    const { shown, why } = await all();
    return [shown.includes(gone), shown.includes(other), why(gone)];
  };
  assert.deepEqual(await step(later(whole, { expiresAtMs: expiresAtMs + 1000, removed: [gone, "不明", "\u{1f408}"] })), [false, true, "removed"]);
  // A cache that has an old answer.
  assert.deepEqual(await step(whole), [false, true, "removed"]);
  assert.deepEqual(await step(later(whole, { expiresAtMs: expiresAtMs + 500, removed: [other] })), [false, false, "removed"]);
  // Receipts hold what the block has become.
  const { shown, why } = await all();
  const receipt = JSON.parse(await upnext.receipt());
  assert.deepEqual(receipt.ids, shown);
  assert.equal(why(other), "removed");
  assert.ok(Buffer.from(receipt.block, "hex").includes(gone));
  // Made after it, and it has the video again.
  assert.deepEqual(await step(later(whole, { expiresAtMs: expiresAtMs + 1001 })), [true, true, undefined]);
  upnext.close();

  // The next start, from the old block.
  const next = await start({ block: whole }, storage);
  assert.ok(!(await next.all()).shown.includes(gone));
  assert.equal(next.upnext.block.ids.length, ids.length);
  next.upnext.close();
  // A wipe forgets the viewer, not what was taken down.
  const wiped = await start({ block: whole }, storage);
  await wiped.upnext.profile.wipe();
  wiped.upnext.close();
  const after = await start({ block: whole }, storage);
  assert.ok(!(await after.all()).shown.includes(gone));
  after.upnext.close();
});

test("what is known of removed videos ends with the blocks that it is about, and what can't be read is nothing", async () => {
  const storage = api.memoryStorage();
  const { upnext, all } = await start({ block: whole }, storage);
  const [gone] = (await all()).shown;
  const { expiresAtMs } = upnext.block;
  upnext.close();
  const told = await start({ block: later(whole, { expiresAtMs: expiresAtMs + 1000, removed: [gone] }) }, storage);
  told.upnext.close();
  assert.deepEqual(JSON.parse(await storage.get("removed")), [[gone, expiresAtMs + 1000]]);
  const late = await start({ block: later(whole, { expiresAtMs: expiresAtMs + 9000, removed: ["z"] }) }, storage, { now: () => expiresAtMs + 2000 });
  assert.ok((await late.all()).shown.includes(gone));
  assert.deepEqual(JSON.parse(await storage.get("removed")), [["z", expiresAtMs + 9000]]);
  late.upnext.close();
  for (const text of ["{", "7", "null", '[["a"],[7,8]]']) {
    await storage.set("removed", text);
    const start2 = await start({ block: whole }, storage);
    assert.ok((await start2.all()).shown.includes(gone), text);
    start2.upnext.close();
  }
});

test("a block that is none is refused as before, and nothing is learnt from it", async () => {
  const served = { block: whole };
  const storage = api.memoryStorage();
  const { upnext, all } = await start(served, storage);
  const [gone] = (await all()).shown;
  const bad = later(whole, { expiresAtMs: upnext.block.expiresAtMs, removed: [gone] });
  for (const [block, code] of [[bad.subarray(0, bad.length - 1), "block-unreadable"], [later(bad, { expiresAtMs: nowMs + 1, removed: ["a", "a"] }), "block-invalid"], [new TextEncoder().encode("<!doctype html>"), "block-unreadable"]]) {
    served.block = block;
    await assert.rejects(upnext.refresh(), { code });
  }
  assert.equal(await storage.get("removed"), undefined);
  assert.ok((await all()).shown.includes(gone));
  upnext.close();
});
