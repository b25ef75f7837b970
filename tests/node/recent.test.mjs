// Mode `recent`: the videos that the viewer found relevant of late, and nothing else, are named in a body; without it
// nothing is. The real server answers in tests/e2e/modes.test.mjs.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";

const set = goldenSet("tiny");
const { nowMs } = set.rows[0].context;
let api;
before(async () => (api = await installPacked().load("upnext")));

async function start(more = {}) {
  const server = serveGolden(set);
  let at = nowMs - 3_600_000;
  const upnext = await api.createRecommender({ origin: ORIGIN, languages: ["en"], storage: api.memoryStorage(), fetch: server.fetch, now: () => (at += 1000), refreshMs: 0, ...more });
  const asked = () => server.requests.filter(({ path }) => path.startsWith("/v1/"));
  /** What the next request names. */
  const named = async () => {
    await upnext.refresh();
    return JSON.parse(asked().at(-1).body).recent;
  };
  return { upnext, asked, named, requests: server.requests };
}

test("off unless it is asked for: a request without a body, whatever was done", async () => {
  for (const recent of [undefined, 0]) {
    const { upnext, asked } = await start({ recent });
    await upnext.like(upnext.block.ids[0]);
    await upnext.refresh();
    for (const { method, body } of asked()) assert.deepEqual([method, body], ["GET", undefined]);
    upnext.close();
  }
});

test("the latest that were liked or watched for half, the latest first, each once, as many as were chosen", async () => {
  const { upnext, asked, named } = await start({ recent: 3 });
  const [a, b, c, d, e] = upnext.block.ids;
  const first = asked()[0];
  assert.deepEqual([first.method, first.body], ["POST", '{"recent":[]}'], "nothing is known yet");
  assert.deepEqual(first.headers.map(([name]) => name), ["accept", "content-type"]);
  await upnext.like(a);
  await upnext.watched(b, 100_000);
  await upnext.searched("猫");
  await upnext.record({ kind: "impression", video: e });
  await upnext.dislike(e);
  assert.deepEqual(await named(), [b, a]);
  await upnext.like(c);
  await upnext.like(d);
  assert.deepEqual(await named(), [d, c, b]);
  await upnext.like(b);
  assert.deepEqual(await named(), [b, d, c], "again is later");
  await upnext.notInterested(d);
  assert.deepEqual(await named(), [b, c, a], "sent away");
  await upnext.profile.wipe();
  assert.deepEqual(await named(), []);
  upnext.close();
});

test("two viewers who found the same relevant send the same bytes, whoever they are and whatever else they did", async () => {
  const sent = [];
  for (const [shift, profile, more] of [[0, {}, []], [-7_000_000, { age: 70, gender: "f", language: "ja" }, ["search", "dislike", "impression", "watch"]]]) {
    let at = nowMs - 3_600_000 + shift;
    const { upnext, requests } = await start({ recent: 2, profile, now: () => (at += 1000) });
    const { ids } = upnext.block;
    if (more.length > 0) await upnext.like(ids[7]);
    for (const kind of more) await upnext.record({ kind, ...(kind === "search" ? { text: "猫" } : { video: ids[9] }), ...(kind === "watch" && { seconds: 1 }) });
    await upnext.recommend({ device: more.length > 0 ? "tv" : "phone", surface: "home", explore: 1 });
    await upnext.like(ids[0]);
    await upnext.like(ids[1]);
    await upnext.refresh();
    upnext.close();
    sent.push(requests);
  }
  assert.deepEqual(sent[0], sent[1]);
});

test("the ids are written so that any reader finds them", async () => {
  const { upnext, named } = await start({ recent: 2 });
  const odd = ['"\\/\n\u0001', "猫 🐈"];
  for (const id of odd) await upnext.like(id);
  assert.deepEqual(await named(), odd.reverse());
  upnext.close();
});

test("a number that is none, too many, or a token beside it is refused at the start", async () => {
  for (const more of [{ recent: -1 }, { recent: 51 }, { recent: 1.5 }, { recent: "all" }, { recent: 3, token: "t.o.k" }]) {
    await assert.rejects(start(more), (error) => error.code === "request-invalid" && /recent/.test(error.message), JSON.stringify(more));
  }
});

test("the pointer is asked for with the token of an account, and without one by nobody in particular", async () => {
  for (const [more, expected] of [[{}, undefined], [{ recent: 3 }, undefined], [{ token: "t.o.k" }, "Bearer t.o.k"]]) {
    const { upnext, requests } = await start(more);
    const pointer = requests.find(({ path }) => path === "/bundle/current.json");
    assert.equal(pointer.headers.authorization, expected);
    assert.ok(requests.filter(({ path }) => path.startsWith("/bundle/") && path !== "/bundle/current.json").every(({ headers }) => Object.keys(headers).length === 0));
    upnext.close();
  }
});
