// What the real server makes of modes and arms, by the package as it is built, in Node: an account gets the bundle and the
// block of its arm, nobody else does; videos that somebody names change their block, and are kept by nobody.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { installPacked } from "../lib/packed.mjs";
import { buildPrograms, smallBundles, startServer, tokenOf } from "../lib/server.mjs";

let api;
let served;
let first;
let second;
before(async () => {
  buildPrograms();
  api = await installPacked().load("upnext");
  const { ids, root } = smallBundles();
  [first, second] = ids;
  served = await startServer(root, "--account-rate", "1000", "--account-burst", "1000", "--experiment", "may", "--arm", "control=1", "--arm", `before=1,bundle=${first}`);
}, { timeout: 300_000 });
after(() => served?.server.kill("SIGTERM"));

const start = (more) => api.createRecommender({ origin: served.origin, languages: ["en"], candidates: 60, storage: api.memoryStorage(), refreshMs: 0, ...more });

test("each account is in one arm and gets its bundle; whoever has none gets the current one and no arm", async () => {
  const anonymous = await start();
  assert.deepEqual([anonymous.block.bundleId, anonymous.block.arm], [second, undefined]);
  anonymous.close();
  const seen = new Set();
  for (const account of ["u000001", "u000002", "u000003", "u000004", "u000005", "u000006", "u000007", "u000008"]) {
    const got = [];
    for (let again = 0; again < 2; again++) {
      const upnext = await start({ token: tokenOf(account) });
      await upnext.refresh();
      assert.ok((await upnext.recommend({ size: 5 })).items.length > 0);
      got.push([upnext.block.arm, upnext.block.bundleId]);
      upnext.close();
    }
    assert.deepEqual(got[0], got[1], account);
    assert.deepEqual(got[0][1], { control: second, before: first }[got[0][0]], account);
    seen.add(got[0][0]);
  }
  assert.equal(seen.size, 2, "both arms have somebody");
});

test("videos that are named change the block, are not offered again, and nothing of them stays", async () => {
  const asks = async (name) => {
    const text = await (await fetch(`${served.origin}/metrics`)).text();
    return Number(new RegExp(`^upnext_recent_videos_total\\{result="${name}"\\} (\\d+)`, "m").exec(text)?.[1] ?? 0);
  };
  const upnext = await start({ recent: 2, candidates: 80 });
  const cold = upnext.block.ids;
  assert.equal(upnext.block.arm, undefined);
  const liked = cold.slice(3, 6);
  for (const id of liked) await upnext.like(id);
  await upnext.like("a video that nobody knows");
  await upnext.refresh();
  // The latest two: one that is there and one that is not.
  assert.deepEqual([await asks("known"), await asks("unknown")], [1, 1]);
  assert.ok(!upnext.block.ids.includes(liked[2]) && upnext.block.ids.includes(liked[0]));
  assert.notDeepEqual(upnext.block.ids, cold);
  await upnext.profile.wipe();
  await upnext.refresh();
  assert.deepEqual([...upnext.block.ids].sort(), [...cold].sort());
  upnext.close();
});
