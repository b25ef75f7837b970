// Events that the viewer lets go: what is sent, when, what waits, and that nothing is where they don't. The real server
// answers in tests/e2e/events.test.mjs; here it is one that says what it is told to.
import assert from "node:assert/strict";
import { before, beforeEach, describe, mock, test } from "node:test";
import { FIELDS, withTexts } from "../lib/block.mjs";
import { goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";

const packed = installPacked();
const set = goldenSet("tiny");
const { nowMs } = set.rows[0].context;
const tokenOf = (account, more = "") => `head.${Buffer.from(JSON.stringify({ sub: account, more })).toString("base64url")}.signature`;
const good = (sent, refused = []) => Response.json({ stored: sent.length - refused.length, known: 0, refused });

let api;
before(async () => (api = await packed.load("upnext")));
beforeEach(() => mock.timers.reset());

/** A recommender before a server that answers for events as `answer(events)` says; `posts` are the requests that it got. */
async function start({ storage = api.memoryStorage(), answer = (sent) => good(sent), events = { improve: true }, block = set.block, ...more } = {}) {
  // `null`: not a word of events.
  const { fetch: golden } = serveGolden(set, (path, bytes) => (path === "/v1/candidates" ? block : bytes));
  const posts = [];
  const errors = [];
  let at = nowMs - 3_600_000;
  const fetch = async (url, init = {}) => {
    if (new URL(url).pathname !== "/v1/events") {
      assert.equal(init.body, undefined);
      return golden(url, init);
    }
    const post = { url, ...init, events: JSON.parse(init.body).events };
    posts.push(post);
    return answer(post.events, post);
  };
  const upnext = await api.createRecommender({ origin: ORIGIN, languages: ["en"], token: tokenOf("ann"), storage, fetch, now: () => (at += 1000), refreshMs: 0, ...(events && { events }), onError: (error) => errors.push(error), ...more });
  return { upnext, posts, errors, storage, codes: () => errors.map(({ code }) => code) };
}
/** Lets everything happen that was begun. */
const settled = async () => {
  for (let i = 0; i < 20; i++) await new Promise((done) => setImmediate(done));
};
const minutes = async (count) => {
  for (let i = 0; i < count; i++) {
    mock.timers.tick(60_000);
    await settled();
  }
};
const down = async () => {
  throw new TypeError("no network");
};

/** Everything that a viewer can do. */
async function doAll(upnext) {
  const [one, two, three] = upnext.block.ids;
  await upnext.recommend({ size: 5 });
  await upnext.like(one);
  await upnext.watched(two, 31.5);
  await upnext.record({ kind: "impression", video: three, surface: "home" });
  await upnext.searched("猫");
  await upnext.dislike(three);
  await upnext.notInterested(two);
  await upnext.profile.set({ age: 40 });
}

test("without the viewer's leave nothing is sent and nothing waits, whatever is done", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  for (const events of [null, {}, { improve: false }, { metrics: false }, { sendMs: 1, arm: "b" }]) {
    const { upnext, posts, storage, errors } = await start({ events });
    await doAll(upnext);
    await upnext.events.send();
    await minutes(3);
    upnext.close();
    await settled();
    assert.deepEqual([posts, errors, upnext.events.allowed], [[], [], { improve: false, metrics: false }]);
    assert.equal(await upnext.events.waiting(), 0);
    assert.equal(await storage.get("events"), undefined);
  }
});

test("what is sent is what was declared, of every viewer the same bytes; the schedule alone says when", async () => {
  mock.timers.enable({ apis: ["setInterval"] });
  const bodies = [];
  let ids;
  for (const [profile, context, seed] of [[{}, {}, 1], [{ age: 71, gender: "f", language: "ja", latitude: 35, longitude: 139, username: "ann" }, { device: "tv", utcOffsetMinutes: 540, surface: "home" }, 2]]) {
    const { upnext, posts } = await start({ profile, seed });
    ids = upnext.block.ids;
    await upnext.recommend(context);
    await doAll(upnext);
    await settled();
    assert.deepEqual(posts, []);
    await minutes(1);
    await minutes(3);
    assert.equal(posts.length, 1, "one request, and none where nothing waits");
    bodies.push(posts[0].body);
    const { method, url, headers, keepalive, credentials, referrerPolicy } = posts[0];
    assert.deepEqual([method, url, keepalive, credentials, referrerPolicy], ["POST", `${ORIGIN}/v1/events`, true, "omit", "no-referrer"]);
    assert.deepEqual(headers, [["authorization", `Bearer ${tokenOf("ann")}`], ["content-type", "application/json"]]);
    assert.equal(await upnext.events.waiting(), 0);
    upnext.close();
  }
  assert.equal(bodies[1], bodies[0]);
  const events = JSON.parse(bodies[0]).events.map(({ id, timestamp, ...event }) => (assert.match(id, /^[!-~]{1,64}$/), assert.ok(Number.isInteger(timestamp)), event));
  assert.deepEqual(events, [
    { type: "like", video_id: ids[0], purposes: ["improve"] },
    { type: "watch", video_id: ids[1], seconds: 31.5, purposes: ["improve"] },
    { type: "impression", video_id: ids[2], surface: "home", purposes: ["improve"] },
    { type: "search", text: "猫", purposes: ["improve"] },
    { type: "dislike", video_id: ids[2], purposes: ["improve"] },
    { type: "not_interested", video_id: ids[1], purposes: ["improve"] },
  ]);
});

describe("purposes", () => {
  const told = ({ posts }) => posts.flatMap(({ events }) => events.map(({ id, timestamp, ...event }) => event));
  const written = async (upnext) => {
    await upnext.like("v1");
    await upnext.searched("猫");
    await upnext.record({ kind: "comment", video: "v2", text: "mine" });
  };

  test("metrics alone: no search and nothing written; arm and bundle of the latest slate, of every viewer the same bytes", async () => {
    const bodies = [];
    for (const [profile, context] of [[{}, {}], [{ age: 71, language: "ja", username: "ann" }, { device: "tv", surface: "home" }]]) {
      const { upnext, posts } = await start({ events: { metrics: true, arm: "b" }, profile });
      await upnext.like("v0");
      const { bundleId } = await upnext.recommend(context);
      await written(upnext);
      await upnext.events.send();
      const where = { purposes: ["metrics"], arm: "b" };
      assert.deepEqual(told({ posts }), [
        { type: "like", video_id: "v0", ...where },
        { type: "like", video_id: "v1", ...where, bundle: bundleId },
        { type: "comment", video_id: "v2", ...where, bundle: bundleId },
      ]);
      assert.ok(!posts[0].body.includes("mine"));
      bodies.push(posts[0].body);
      upnext.close();
    }
    assert.equal(bodies[1], bodies[0]);
  });

  test("the arm that the block names is the one that is told", async () => {
    for (const arm of [undefined, "mine"]) {
      const { upnext, posts } = await start({ events: { metrics: true, ...(arm && { arm }) }, block: withTexts(set.block, FIELDS.arm, ["theirs"]) });
      await upnext.like("v1");
      await upnext.events.send();
      assert.deepEqual(told({ posts }), [{ type: "like", video_id: "v1", purposes: ["metrics"], arm: "theirs" }]);
      upnext.close();
    }
  });

  test("an id of an event that is only counted is not made of what was written", async () => {
    const ids = [];
    for (const text of ["one", "other"]) {
      const { upnext, posts } = await start({ events: { metrics: true } });
      await upnext.record({ kind: "comment", video: "v2", text, atMs: nowMs });
      await upnext.events.send();
      ids.push(posts[0].events[0].id);
      upnext.close();
    }
    assert.equal(ids[1], ids[0]);
  });

  test("both: each event once, for both; its id is the one that it has for one of them", async () => {
    const { upnext, posts } = await start({ events: { improve: true, metrics: true } });
    await upnext.record({ kind: "like", video: "v1", atMs: nowMs });
    await upnext.searched("猫");
    await upnext.events.send();
    assert.deepEqual(told({ posts }), [{ type: "like", video_id: "v1", purposes: ["improve", "metrics"] }, { type: "search", text: "猫", purposes: ["improve", "metrics"] }]);
    upnext.close();
    for (const purpose of ["improve", "metrics"]) {
      const { upnext: one, posts: its } = await start({ events: { [purpose]: true } });
      await one.record({ kind: "like", video: "v1", atMs: nowMs });
      await one.events.send();
      assert.equal(its[0].events[0].id, posts[0].events[0].id);
      one.close();
    }
  });

  test("one is switched off: what waits goes on to wait for the other alone, without what only the first may have; what is under way is given up", async () => {
    for (const [off, left] of [
      ["improve", [{ type: "like", video_id: "v1", purposes: ["metrics"], arm: "b" }]],
      ["metrics", [{ type: "like", video_id: "v1", purposes: ["improve"] }, { type: "search", text: "猫", purposes: ["improve"] }, { type: "comment", video_id: "v2", text: "mine", purposes: ["improve"] }]],
    ]) {
      let answer = (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject(new DOMException("", "AbortError"))));
      const { upnext, posts, errors } = await start({ events: { improve: true, metrics: true, arm: "b" }, answer: (...args) => answer(...args) });
      await written(upnext);
      void upnext.events.send().catch(() => {});
      await settled();
      const ids = posts[0].events.map(({ id }) => id);
      answer = (sent) => good(sent);
      await upnext.events.allow({ [off]: false });
      await settled();
      assert.deepEqual(upnext.events.allowed, { improve: off !== "improve", metrics: off !== "metrics" });
      assert.equal(await upnext.events.waiting(), left.length);
      posts.length = 0;
      await upnext.events.send();
      assert.deepEqual(told({ posts }), left);
      assert.ok(posts[0].events.every(({ id }) => ids.includes(id)), "the server knows those that it has got already");
      assert.deepEqual(errors, []);
      upnext.close();
    }
  });

  test("a start with fewer purposes forgets what waits for the others, and what was stored before there were any is for improving", async () => {
    const storage = api.memoryStorage();
    const first = await start({ storage, answer: down });
    await written(first.upnext);
    first.upnext.close();
    await settled();
    const [head, ...lines] = (await storage.get("events")).split("\n");
    const old = lines.map((line) => JSON.stringify({ ...JSON.parse(line), purposes: undefined }));
    await storage.set("events", [head, ...old, "{"].join("\n"));
    const improving = await start({ storage, answer: down });
    assert.equal(await improving.upnext.events.waiting(), 3);
    assert.equal((await storage.get("events")).split("\n")[1], lines[0]);
    improving.upnext.close();
    const counting = await start({ storage, events: { metrics: true } });
    assert.equal(await counting.upnext.events.waiting(), 0);
    assert.deepEqual(counting.posts, []);
    counting.upnext.close();
  });
});

describe("a server that can't take them", () => {
  test("they wait; the pauses are turns of the schedule that are left out, and one report stands for a row of failures", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    let answer = down;
    const { upnext, posts, codes } = await start({ answer: (...args) => answer(...args) });
    await upnext.like("v1");
    const tried = [];
    for (let minute = 1; minute <= 16; minute++) {
      const before = posts.length;
      await minutes(1);
      if (posts.length > before) tried.push(minute);
    }
    assert.deepEqual(tried, [1, 2, 4, 8, 16]);
    assert.deepEqual(codes(), ["server-unreachable"]);
    assert.equal(new Set(posts.map(({ body }) => body)).size, 1);
    answer = (sent) => good(sent);
    await minutes(16);
    assert.equal(await upnext.events.waiting(), 0);
    await upnext.like("v2");
    await minutes(1);
    assert.equal(posts.length, 7, "after a success no turn is left out");
    upnext.close();
  });
  test("Retry-After is waited for", async () => {
    mock.timers.enable({ apis: ["setInterval"] });
    let answer = async () => Response.json({ code: "overloaded", message: "later" }, { status: 429, headers: { "retry-after": "150" } });
    const { upnext, posts, codes } = await start({ answer: (...args) => answer(...args) });
    await upnext.like("v1");
    await minutes(1);
    answer = (sent) => good(sent);
    await minutes(3);
    assert.equal(posts.length, 1, "150 seconds are not over");
    await minutes(1);
    assert.equal(posts.length, 2);
    assert.deepEqual(codes(), ["overloaded"]);
    upnext.close();
  });
  for (const [name, answer, code] of [
    ["a token that is over", async () => Response.json({ code: "token-invalid", message: "expired" }, { status: 401 }), "token-invalid"],
    ["a server that keeps no events", async () => Response.json({ code: "not-found", message: "none" }, { status: 404 }), "not-found"],
    ["a page that a network shows first", async () => new Response("<!doctype html>"), "server-error"],
    ["an answer for other events", async () => Response.json({ stored: 7, known: 0, refused: [] }), "server-error"],
  ])
    test(`${name}: they wait, ${code}`, async () => {
      const { upnext, codes } = await start({ answer });
      await upnext.like("v1");
      await assert.rejects(upnext.events.send(), { code });
      assert.equal(await upnext.events.waiting(), 1);
      assert.deepEqual(codes(), [code]);
      upnext.close();
    });
  test("bad events are let go and named, the good ones count; a batch of another shape is let go whole", async () => {
    const { upnext, posts, errors } = await start({ answer: (sent) => good(sent, [{ index: 1, code: "request-invalid", message: "timestamp: is not" }]) });
    for (const video of ["v1", "v2", "v3"]) await upnext.like(video);
    await upnext.events.send();
    assert.equal(await upnext.events.waiting(), 0);
    assert.deepEqual(errors.map(({ code, message }) => [code, message]), [["request-invalid", "event 1 of 3 was refused and is let go: timestamp: is not"]]);
    await upnext.events.send();
    assert.equal(posts.length, 1);
    upnext.close();
    const whole = await start({ answer: async () => Response.json({ code: "request-invalid", message: "body" }, { status: 400 }) });
    await whole.upnext.like("v1");
    await whole.upnext.events.send();
    assert.equal(await whole.upnext.events.waiting(), 0);
    assert.deepEqual(whole.codes(), ["request-invalid"]);
    whole.upnext.close();
  });
});

test("many events: several requests in order, each within what outlives a page; beyond a thousand the oldest are let go", async () => {
  const { upnext, posts, codes } = await start();
  await Promise.all(Array.from({ length: 1003 }, (_, i) => upnext.watched(`video-${i}`, i)));
  assert.equal(await upnext.events.waiting(), 1000);
  assert.deepEqual(codes(), Array(3).fill("overloaded"));
  await upnext.events.send();
  assert.ok(posts.length >= 5 && posts.length <= 12, `${posts.length} requests`);
  for (const { body, events } of posts) assert.ok(body.length < 32_768 && events.length <= 200);
  const sent = posts.flatMap(({ events }) => events);
  assert.deepEqual(sent.map((event) => event.video_id), Array.from({ length: 1000 }, (_, i) => `video-${i + 3}`));
  assert.equal(new Set(sent.map(({ id }) => id)).size, 1000);
  upnext.close();
});

test("an event that was sent and not answered for is sent again under the same id, by the next start", async () => {
  const storage = api.memoryStorage();
  const dying = await start({ storage, answer: () => new Promise(() => {}) });
  await dying.upnext.like("v1");
  await dying.upnext.watched("v2", 12);
  void dying.upnext.events.send();
  await settled();
  const again = await start({ storage });
  await settled();
  assert.equal(dying.posts.length, 1);
  assert.deepEqual(again.posts.map(({ body }) => body), [dying.posts[0].body]);
  assert.equal(await again.upnext.events.waiting(), 0);
  again.upnext.close();
});

test("an event that is told twice is one", async () => {
  const { upnext, posts } = await start();
  for (let i = 0; i < 2; i++) await upnext.record({ kind: "like", video: "v1", atMs: nowMs });
  await upnext.record({ kind: "like", video: "v2", atMs: nowMs });
  await upnext.events.send();
  assert.deepEqual(posts[0].events.map((event) => event.video_id), ["v1", "v2"]);
  upnext.close();
});

test("a wipe, and switching off, forget what waits and give up what is under way; from then on nothing is told", async () => {
  for (const forget of [(upnext) => upnext.profile.wipe(), (upnext) => upnext.events.allow({ improve: false })]) {
    let given;
    const { upnext, posts, storage, errors } = await start({ answer: (_, { signal }) => new Promise((_, reject) => signal.addEventListener("abort", () => reject((given = true)))) });
    await upnext.like("v1");
    void upnext.events.send().catch(() => {});
    await settled();
    await forget(upnext);
    await settled();
    assert.ok(given);
    assert.equal(await storage.get("events"), undefined);
    assert.deepEqual([posts.length, errors], [1, []]);
    upnext.close();
  }
  const { upnext, posts, storage } = await start({ answer: down });
  await upnext.like("v1");
  await upnext.events.allow({ improve: false });
  await upnext.like("v2");
  await upnext.events.allow({ improve: true });
  await upnext.like("v3");
  await assert.rejects(upnext.events.send());
  assert.deepEqual(posts.at(-1).events.map((event) => event.video_id), ["v3"]);
  upnext.close();
  // A start without the leave forgets what one with it has left.
  const off = await start({ storage, events: {} });
  assert.equal(await storage.get("events"), undefined);
  off.upnext.close();
});

test("events wait for their own account, whatever its token; another account's start forgets them", async () => {
  const storage = api.memoryStorage();
  const ann = await start({ storage, answer: down });
  await ann.upnext.like("v1");
  await ann.upnext.events.send().catch(() => {});
  ann.upnext.close();
  const newToken = await start({ storage, answer: down, token: tokenOf("ann", "later") });
  assert.equal(await newToken.upnext.events.waiting(), 1);
  newToken.upnext.close();
  const bob = await start({ storage, token: tokenOf("bob") });
  await bob.upnext.events.send();
  assert.deepEqual(bob.posts, []);
  bob.upnext.close();
});

test("what a later version has stored is left alone, and events wait in memory; what nobody can read is let go", async () => {
  for (const [stored, left, codes] of [['[99,"who"]\nknows', '[99,"who"]\nknows', ["storage-unavailable"]], ["{", undefined, []]]) {
    const storage = api.memoryStorage();
    await storage.set("events", stored);
    const { upnext, posts, codes: heard } = await start({ storage });
    await upnext.like("v1");
    await upnext.events.send();
    assert.deepEqual(posts.map(({ events }) => events.length), [1]);
    assert.deepEqual([await storage.get("events"), heard()], [left, codes]);
    await upnext.profile.wipe();
    upnext.close();
  }
});

test("what a page could only just keep is told where the viewer had let it go then, and only there", async () => {
  const event = { kind: "watch", video: "v-left", seconds: 42, atMs: nowMs - 5000 };
  for (const [word, told] of [[{ ...event, improve: true }, ["v-left"]], [event, []], [{ ...event, improve: false, metrics: true, arm: "b" }, []]]) {
    let kept = JSON.stringify([word]);
    const storage = { ...api.memoryStorage(), keepNow: (text) => void (kept = text), kept: () => kept };
    const { upnext, posts } = await start({ storage });
    await upnext.events.send();
    assert.deepEqual(posts.flatMap(({ events }) => events.map((one) => one.video_id)), told);
    const { history } = JSON.parse(await upnext.profile.export());
    assert.deepEqual(history.events.map(({ kind, video }) => [kind, video]), [["watch", "v-left"]]);
    upnext.close();
  }
});

test("a signal ends the wait for a sending, with its reason; what is sent goes on", async () => {
  let arrived;
  const { upnext, posts } = await start({ answer: (sent) => new Promise((done) => (arrived = () => done(good(sent)))) });
  await upnext.like("v1");
  const late = new Error("too late");
  await assert.rejects(upnext.events.send({ signal: AbortSignal.abort(late) }), late);
  const waiting = new AbortController();
  const sending = upnext.events.send({ signal: waiting.signal });
  await settled();
  waiting.abort(late);
  await assert.rejects(sending, late);
  arrived();
  await settled();
  assert.deepEqual([posts.length, await upnext.events.waiting()], [1, 0]);
  upnext.close();
});

test("events without an account are refused", async () => {
  await assert.rejects(start({ token: undefined }), { code: "request-invalid" });
  const { upnext } = await start({ token: undefined, events: {} });
  await assert.rejects(upnext.events.allow({ improve: true }), { code: "request-invalid" });
  upnext.close();
});
