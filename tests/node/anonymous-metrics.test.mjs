// Anonymous metrics: what leaves, when, and that it depends on nothing that the viewer did. What an answer may say, and that
// the budget holds, is shown in the core (crate/core/src/disclosure/tests.rs); the real server counts in its own tests.
import assert from "node:assert/strict";
import { before, beforeEach, mock, test } from "node:test";
import { goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";

const packed = installPacked();
const set = goldenSet("tiny");
const HOUR = 3_600_000;
const WEEK = 7 * 24 * HOUR;
/** A Monday, 00:00 UTC, and its number. */
const MONDAY = Date.UTC(2026, 8, 21);
const NUMBER = (MONDAY + 3 * 24 * HOUR) / WEEK;
/** A week of the first turn is over then, and the leave of `MONDAY` is older than it. */
const DUE = MONDAY + 5 * WEEK + 12 * HOUR;
const fine = async () => Response.json({ counted: true });

let api;
before(async () => (api = await packed.load("upnext")));
beforeEach(() => {
  mock.timers.reset();
  mock.restoreAll();
});

/** Random bytes are these: 0 makes each answer the first bucket and each turn the first, 255 each answer the truth. */
const pinned = (byte) => mock.method(globalThis.crypto, "getRandomValues", (bytes) => bytes.fill(byte));
/** Lets everything happen that was begun. */
const settled = async () => {
  for (let i = 0; i < 20; i++) await new Promise((done) => setImmediate(done));
};

/** A page that is open from `at` on; `reports` are the requests that hold one, `all` every request. */
async function open({ at, storage, answer = fine, on = true, ...more }) {
  const { fetch: golden } = serveGolden(set);
  const reports = [];
  const all = [];
  const errors = [];
  const clock = { at };
  const fetch = async (url, init = {}) => {
    all.push([init.method ?? "GET", url, init.headers ?? [], init.body]);
    if (!new URL(url).pathname.startsWith("/v1/metrics")) return golden(url, init);
    reports.push({ url, ...init });
    return answer(init);
  };
  const upnext = await api.createRecommender({ origin: ORIGIN, languages: ["en"], storage, fetch, now: () => clock.at, refreshMs: 0, anonymousMetrics: on, onError: (error) => errors.push(error), ...more });
  await settled();
  return { upnext, reports, all, errors, clock, codes: () => errors.map(({ code }) => code) };
}
/** The same device through the weeks, a visit in the middle of each; `act` is what the viewer does then. */
async function weeks(count, storage, act = async () => {}, more = {}) {
  const visits = [];
  for (let week = 0; week < count; week++) {
    const visit = await open({ at: MONDAY + week * WEEK + 50 * HOUR, storage, ...more });
    await act(visit.upnext, week);
    await settled();
    visits.push({ reports: visit.reports, all: visit.all, disclosed: await visit.upnext.anonymousMetrics.disclosed(), codes: visit.codes() });
    visit.upnext.close();
  }
  return visits;
}
/** Does everything. */
async function busy(upnext) {
  const [one, two, three] = upnext.block.ids;
  await upnext.watched(one, 5000);
  await upnext.watched(two, 30);
  await upnext.like(one);
  await upnext.dislike(three);
  await upnext.searched("猫");
}

test("without the viewer's leave nothing is sent, nothing is kept, whatever is done", async () => {
  const storage = api.memoryStorage();
  for (const { reports, all, disclosed } of await weeks(9, storage, busy, { on: false })) {
    assert.deepEqual(reports, []);
    assert.ok(all.every(([method]) => method === "GET"));
    assert.ok(disclosed.metrics.every(({ spent, left }) => spent === 0 && left === 8));
  }
  assert.equal(await storage.get("metrics"), undefined);
});

test("one week in four is told of, eight times, and never one that began before the leave; the viewer sees what is spent", async () => {
  const visits = await weeks(60, api.memoryStorage(), (upnext, week) => (week % 2 ? busy(upnext) : undefined), { token: "a.b.c" });
  const sent = visits.flatMap(({ reports }) => reports);
  const told = sent.map(({ body }) => JSON.parse(body));
  assert.equal(told.length, 8);
  for (const [i, { week }] of told.entries()) {
    assert.ok(week > NUMBER);
    if (i > 0) assert.equal(week - told[i - 1].week, 4);
  }
  for (const { url, method, headers, body, credentials, referrerPolicy } of sent) {
    assert.deepEqual([url, method, headers, credentials, referrerPolicy], [`${ORIGIN}/v1/metrics/reports`, "POST", [["content-type", "application/json"]], "omit", "no-referrer"]);
    assert.deepEqual(Object.keys(JSON.parse(body)), ["form", "week", "bundle", "clicked", "completed", "watched", "feedback"]);
    assert.equal(JSON.parse(body).bundle, set.bundleId);
  }
  assert.equal(new Set(sent.map(({ body }) => body.length)).size, 1);
  visits.forEach(({ disclosed }, week) => {
    const spent = visits.slice(0, week + 1).flatMap(({ reports }) => reports).length;
    assert.ok(disclosed.metrics.every((metric) => metric.spent === spent && metric.left === 8 - spent));
  });
  assert.deepEqual(visits.at(-1).disclosed.last, told.at(-1));
  assert.deepEqual(visits.flatMap(({ codes }) => codes), []);
});

test("whoever the viewer is and whatever they do, the same requests at the same times; only the truth, unnoised, would differ", async () => {
  const quiet = async () => {};
  const viewers = [[quiet, {}], [busy, { profile: { age: 71, language: "ja" } }], [async (upnext, week) => (week % 3 ? busy(upnext) : upnext.profile.wipe()), {}]];
  for (const [byte, differ] of [[0, false], [255, true]]) {
    pinned(byte);
    const traffics = [];
    for (const [act, more] of viewers) traffics.push((await weeks(12, api.memoryStorage(), act, more)).map(({ all }) => all));
    const texts = traffics.map((traffic) => JSON.stringify(traffic));
    assert.equal(texts[1] !== texts[0], differ);
    // The lengths are the same either way.
    assert.deepEqual(texts.map((text) => text.length), [texts[0].length, texts[0].length, texts[0].length]);
    assert.ok(texts[0].includes("clicked"));
    mock.restoreAll();
  }
});

test("a wipe forgets what was told, not what was spent, and makes nothing be told twice", async () => {
  const storage = api.memoryStorage();
  const visits = await weeks(40, storage, async (upnext) => {
    await busy(upnext);
    const before = await upnext.anonymousMetrics.disclosed();
    await upnext.profile.wipe();
    const { metrics, last } = await upnext.anonymousMetrics.disclosed();
    assert.deepEqual([metrics, last], [before.metrics, undefined]);
    assert.equal((await storage.get("metrics")).includes("answers"), false);
  });
  const told = visits.flatMap(({ reports }) => reports).map(({ body }) => JSON.parse(body).week);
  assert.equal(new Set(told).size, told.length);
  assert.equal(told.length, 8);
});

test("without a server the same answer waits, for the next turn or the next start; one report of it to the page", async () => {
  pinned(0);
  mock.timers.enable({ apis: ["setInterval"] });
  const storage = api.memoryStorage();
  (await open({ at: MONDAY, storage })).upnext.close();
  const down = async () => {
    throw new TypeError("no network");
  };
  let answer = down;
  const at = DUE;
  const page = await open({ at, storage, answer: (...args) => answer(...args) });
  const hour = async () => {
    page.clock.at += HOUR;
    mock.timers.tick(HOUR);
    await settled();
  };
  await hour();
  await busy(page.upnext);
  assert.deepEqual([page.reports.length, page.codes()], [2, ["server-unreachable"]]);
  page.upnext.close();
  mock.restoreAll();
  const next = await open({ at: at + HOUR, storage, answer: fine });
  assert.deepEqual(new Set([...page.reports, ...next.reports].map(({ body }) => body)).size, 1, "other random numbers, and the same answer");
  next.upnext.close();
  const after = await open({ at: at + 2 * HOUR, storage });
  assert.deepEqual(after.reports, [], "the server has it");
  after.upnext.close();
});

test("what the server refuses is let go; switching off forgets what waits, at once", async () => {
  pinned(0);
  const refusal = async () => Response.json({ code: "request-invalid", message: "report" }, { status: 400 });
  for (const [answer, sent] of [[refusal, 1], [async () => new Response(null, { status: 503 }), 2]]) {
    const storage = api.memoryStorage();
    (await open({ at: MONDAY, storage })).upnext.close();
    const first = await open({ at: DUE, storage, answer });
    first.upnext.close();
    const second = await open({ at: DUE, storage, answer });
    assert.equal(first.reports.length + second.reports.length, sent);
    await second.upnext.anonymousMetrics.allow(false);
    assert.deepEqual([second.upnext.anonymousMetrics.allowed, (await storage.get("metrics")).includes("answers")], [false, false]);
    second.upnext.close();
    const third = await open({ at: DUE, storage });
    assert.deepEqual(third.reports, []);
    third.upnext.close();
  }
});

test("a ledger that can't be read or stored tells nothing, and is no new one", async () => {
  for (const text of ["", "2950\n", "\n{\"version\":2}", "nonsense"]) {
    const storage = api.memoryStorage();
    await storage.set("metrics", text);
    const { upnext, reports, codes } = await open({ at: DUE, storage });
    assert.deepEqual([reports, codes()], [[], ["profile-invalid"]], text);
    assert.equal(await storage.get("metrics"), text);
    upnext.close();
  }
  const full = { ...api.memoryStorage(), replace: async () => Promise.reject(new Error("full")) };
  const { upnext, reports } = await open({ at: MONDAY, storage: full });
  assert.deepEqual(reports, []);
  upnext.close();
  const { replace: _, ...simple } = api.memoryStorage();
  for (const storage of [undefined, simple]) await assert.rejects(open({ at: MONDAY, storage }), { code: "storage-unavailable" });
});

test("two pages at once say the same", async () => {
  const storage = api.memoryStorage();
  (await open({ at: MONDAY, storage })).upnext.close();
  const pages = await Promise.all([0, 1].map(() => open({ at: MONDAY + 6 * WEEK, storage })));
  const bodies = pages.flatMap(({ reports }) => reports).map(({ body }) => body);
  assert.ok(bodies.length >= 1);
  assert.equal(new Set(bodies).size, 1);
  const { metrics } = await pages[0].upnext.anonymousMetrics.disclosed();
  assert.ok(metrics.every(({ spent }) => spent === 1));
  for (const { upnext } of pages) upnext.close();
});
