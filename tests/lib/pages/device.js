// What pages that test a device do, by `?do=`: each leaves `{ … }` or `{ error }` as JSON on the page.
import { createRecommender, indexedDbStorage, memoryStorage } from "/dist/browser.js";
import { later } from "/lib/block.mjs";
import { ORIGIN, replay } from "/lib/replay.mjs";

const set = "/golden/tiny";
const query = new URLSearchParams(location.search);
const rows = await (await fetch(`${set}/rows.json`)).json();
const { nowMs } = rows[0].context;
const violations = [];
addEventListener("securitypolicyviolation", (event) => violations.push(`${event.effectiveDirective} ${event.blockedURI}`));

const served = (url) => fetch(set + url.slice(ORIGIN.length).replace(/^\/bundle/, "").replace(/^\/v1\/candidates.*/, "/block.pb"));
const down = async () => {
  throw new TypeError("no network");
};
const create = (more = {}) => createRecommender({ origin: ORIGIN, languages: ["en"], storage: memoryStorage(), fetch: served, now: () => nowMs, refreshMs: 0, ...more });
const ids = (slate) => slate.items.map((item) => item.id);
const codeOf = (promise) => promise.then(() => "no error", (error) => error.code ?? String(error));
const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** What a recommender that is created so gives, and whether Cache Storage was asked first by another one. */
const kept = async () => {
  const first = await create();
  const slate = await first.recommend();
  first.close();
  for (const end = performance.now() + 10_000; !(await caches.match(`${ORIGIN}/kept/pointer.json`)); await wait(20)) if (performance.now() > end) throw new Error("nothing is kept");
  return slate;
};

const acts = {
  /** Where it runs, what it says, what the policy said to it. */
  async thread() {
    const errors = [];
    const thread = query.get("thread") ?? undefined;
    const upnext = await create({ ...(thread && { thread }), onError: (error) => errors.push(error.code) });
    const ran = upnext.thread;
    upnext.close();
    const slates = [];
    for (const row of rows) slates.push(await replay((options) => createRecommender({ ...options, ...(thread && { thread }) }), row, served));
    return { ran, errors, slates, violations };
  },
  /** Errors keep their class and code on their way from the worker. */
  async errors() {
    const upnext = await create();
    const codes = [await codeOf(upnext.recommend({ size: 0 })), await codeOf(upnext.record({ kind: "stare" })), await codeOf(upnext.profile.set({ age: "old" })), await codeOf(upnext.record({ kind: "like", video: () => {} }))];
    return { codes };
  },
  /** Two pages of one browser that share a database, as two tabs do. */
  async tabs() {
    const storage = () => indexedDbStorage("two-tabs");
    const [a, b] = [await create({ storage: storage() }), await create({ storage: storage() })];
    await a.profile.wipe();
    const events = async (upnext) => JSON.parse(await upnext.profile.export()).history.events.map((event) => event.video).sort();
    const [one, two, three, four] = a.block.ids;
    await Promise.all([a.like(one), b.like(two), a.like(three), b.profile.set({ age: 33 })]);
    await wait(300);
    const union = { a: await events(a), b: await events(b), age: (await a.profile.inspect()).age };
    await a.notInterested(four);
    await wait(300);
    const hidden = !ids(await b.recommend({ size: 200 })).includes(four);
    await a.profile.wipe();
    await b.like(four);
    await wait(300);
    const afterWipe = { a: await events(a), b: await events(b), age: (await b.profile.inspect()).age ?? null };
    a.close();
    b.close();
    const next = await create({ storage: storage() });
    const stored = await events(next);
    await next.profile.wipe();
    next.close();
    return { names: [one, two, three, four], union, hidden, afterWipe, stored };
  },
  /** A start without a network. */
  async offline() {
    const good = await kept();
    const errors = [];
    const upnext = await create({ fetch: down, onError: (error) => errors.push(error.code) });
    const same = JSON.stringify(await upnext.recommend()) === JSON.stringify(good);
    const refreshError = upnext.refreshError?.code;
    upnext.close();
    const late = await create({ fetch: down, now: () => nowMs + 1e12 });
    const expired = await codeOf(late.recommend());
    late.close();
    const otherInputs = await codeOf(create({ fetch: down, languages: ["de"] }));
    const account = await codeOf(create({ fetch: down, token: "a.b.c" }));
    const unwanted = await codeOf(create({ fetch: down, offline: false }));
    const cache = await caches.open(`upnext ${ORIGIN}`);
    const entries = (await cache.keys()).length;
    const block = (await cache.keys()).find(({ url }) => url.includes("/kept/block/"));
    const bytes = new Uint8Array(await (await cache.match(block)).arrayBuffer());
    bytes[bytes.length >> 1] ^= 1;
    await cache.put(block, new Response(bytes));
    const tampered = await codeOf(create({ fetch: down }));
    await caches.delete(`upnext ${ORIGIN}`);
    return { same, errors, refreshError, expired, otherInputs, account, unwanted, entries, tampered, nothing: await codeOf(create({ fetch: down })) };
  },
  /** A video that was taken down, in starts without a network: the block that says so was kept, or only heard of. */
  async tombstones() {
    const pointer = async () => (await caches.match(`${ORIGIN}/kept/pointer.json`))?.text();
    const [gone] = ids(await kept());
    const before = await pointer();
    const all = async (more) => {
      const upnext = await create({ fetch: down, ...more });
      const shown = ids(await upnext.recommend({ size: 200 }));
      upnext.close();
      return shown.includes(gone);
    };
    const shownBefore = await all();
    const block = new Uint8Array(await (await served(`${ORIGIN}/v1/candidates`)).arrayBuffer());
    const told = async (url) => (url.includes("/v1/candidates") ? new Response(later(block, { expiresAtMs: nowMs + 7 * 86_400_000, removed: [gone] })) : served(url));
    const storage = indexedDbStorage("tombstones");
    // The disk was full, say: the older block is the one that is kept.
    const hears = await create({ storage, fetch: told, offline: false });
    hears.close();
    const shownFromOlder = await all({ storage });
    const keeps = await create({ fetch: told });
    keeps.close();
    for (const end = performance.now() + 10_000; (await pointer()) === before; await wait(20)) if (performance.now() > end) throw new Error("the later block is not kept");
    const shownFromLater = await all();
    await caches.delete(`upnext ${ORIGIN}`);
    return { shownBefore, shownFromOlder, shownFromLater };
  },
  /** A text of many parts, and a shorter one over it; a write that expects something else. */
  async long() {
    const [a, b] = [indexedDbStorage("long"), indexedDbStorage("long")];
    const long = Array.from({ length: 40_000 }, (_, i) => `${i} ✓`).join(",");
    await a.set("text", long);
    const same = (await b.get("text")) === long;
    const stale = await a.replace("text", "something else", "lost");
    const first = await a.replace("text", long, `${long}!`);
    const second = await b.replace("text", long, "lost");
    const after = (await b.get("text")) === `${long}!`;
    const shorter = await b.replace("text", `${long}!`, "short");
    const raced = await Promise.all([a.get("text").then((text) => a.replace("text", text, "a")), b.get("text").then((text) => b.replace("text", text, "b"))]);
    const database = await new Promise((done) => (indexedDB.open("long").onsuccess = ({ target }) => done(target.result)));
    const keys = await new Promise((done) => (database.transaction("values").objectStore("values").getAllKeys().onsuccess = ({ target }) => done(target.result)));
    database.close();
    const kept = await a.get("text");
    await a.replace("text", kept, undefined);
    return { same, stale, first, second, after, shorter, winners: raced.filter(Boolean).length, keys: keys.length, oneOfThem: ["a", "b"].includes(kept), gone: (await b.get("text")) === undefined };
  },
  /** Data that a later version of the package has written is left alone. */
  async later() {
    const storage = indexedDbStorage("later");
    await storage.set("viewer", "99\n{}\n{}\nwho knows");
    const errors = [];
    const upnext = await create({ storage, onError: (error) => errors.push(error.code) });
    await upnext.like(upnext.block.ids[0]);
    upnext.close();
    return { errors, stored: await storage.get("viewer") };
  },
  /** The layout of before there was a version. */
  async migration() {
    const storage = indexedDbStorage("old");
    for (const [key, value] of [["profile", '{"age":40}'], ["history", JSON.stringify(rows.at(-1).history)]]) await storage.set(key, value);
    const upnext = await create({ storage });
    const { profile, history } = JSON.parse(await upnext.profile.export());
    upnext.close();
    const left = [await storage.get("profile"), await storage.get("history")];
    const again = await create({ storage: indexedDbStorage("old") });
    const { age } = await again.profile.inspect();
    await again.profile.wipe();
    again.close();
    return { age: profile.age, events: history.events.length, expected: rows.at(-1).history.events.length, left: left.filter(Boolean), again: age };
  },
  /** Storage that the browser denies, or that is full: the page goes on in memory. */
  async denied() {
    const reports = {};
    for (const [name, act] of [["denied", () => Promise.reject(new DOMException("denied", "SecurityError"))], ["full", () => Promise.reject(new DOMException("full", "QuotaExceededError"))]]) {
      const real = indexedDbStorage(`broken-${name}`);
      const errors = [];
      const storage = name === "denied" ? { get: act, set: act, remove: act, replace: act } : { ...real, set: act, replace: act };
      const upnext = await create({ storage, onError: (error) => errors.push(error.code) });
      await upnext.like(upnext.block.ids[0]);
      await upnext.profile.set({ age: 50 });
      const { events } = JSON.parse(await upnext.profile.export()).history;
      reports[name] = { errors, events: events.length, age: (await upnext.profile.inspect()).age };
      upnext.close();
    }
    return reports;
  },
  /** The recipe of docs/examples: a page that its service worker serves, and a candidate server of another origin. */
  async serviceWorker() {
    await navigator.serviceWorker.register("/examples/service-worker.js", { scope: "/" });
    await navigator.serviceWorker.ready;
    for (const end = performance.now() + 10_000; !navigator.serviceWorker.controller; await wait(20)) if (performance.now() > end) throw new Error("nobody controls the page");
    const origin = query.get("origin");
    const upnext = await createRecommender({ origin, languages: ["en"], storage: memoryStorage(), now: () => nowMs, refreshMs: 0 });
    const { items, receipt } = await upnext.recommend();
    const { thread, refreshError } = upnext;
    for (const end = performance.now() + 10_000; !(await caches.match(`${origin}/kept/pointer.json`)); await wait(20)) if (performance.now() > end) throw new Error("nothing is kept");
    upnext.close();
    return { ids: items.map((item) => item.id), receipt, thread, refreshError: refreshError?.code ?? null };
  },
};

try {
  document.body.dataset.result = JSON.stringify(await acts[query.get("do")]());
} catch (error) {
  document.body.dataset.result = JSON.stringify({ error: `${error} ${error.stack}` });
}
