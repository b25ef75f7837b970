// What pages that test events do, by `?do=`: bundle and block are the golden ones, events go to the server of `?server=`.
import { createRecommender, indexedDbStorage } from "/dist/browser.js";
import { clipUrl } from "/lib/clip.mjs";
import { ORIGIN } from "/lib/replay.mjs";

const set = "/golden/tiny";
const query = new URLSearchParams(location.search);
const [origin, token] = [query.get("server"), query.get("token")];
const { nowMs } = (await (await fetch(`${set}/rows.json`)).json())[0].context;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const errors = [];
let ticks = 0;

/** The candidates' clock stands; that of events and reports is the real one, which the server holds them to. */
const served = (url, init) => ([`${origin}/v1/events`, `${origin}/v1/metrics/reports`].includes(url) ? fetch(url, init) : fetch(set + url.slice(origin.length).replace(/^\/bundle/, "").replace(/^\/v1\/candidates.*/, "/block.pb")));
const create = (storage = indexedDbStorage("events"), events = { improve: true, sendMs: 0 }) =>
  createRecommender({ origin, token, languages: ["en"], storage, fetch: served, now: () => nowMs + ticks++, refreshMs: 0, offline: false, events, onError: (error) => errors.push(error.code) });
const codeOf = (promise) => promise.then(() => "no error", (error) => error.code ?? String(error));
/** The sending that a start begins is over, however it ended. */
const tried = (upnext) => codeOf(upnext.events.send());

const acts = {
  /** Two things are done, and nobody can be told. */
  async do() {
    const upnext = await create();
    await upnext.like("v1");
    await upnext.watched("v2", 12.5);
    const sent = await tried(upnext);
    const waiting = await upnext.events.waiting();
    upnext.close();
    return { sent, waiting };
  },
  /** A later start tries again. */
  async again() {
    const upnext = await create();
    const sent = await tried(upnext);
    const waiting = await upnext.events.waiting();
    upnext.close();
    return { sent, waiting };
  },
  /** Two tabs over one database, of whom both want to send at once. */
  async tabs() {
    const [a, b] = [await create(), await create()];
    await Promise.all([0, 1, 2].flatMap((i) => [a.like(`a${i}`), b.like(`b${i}`)]));
    const sent = await Promise.all([tried(a), tried(b), tried(a), tried(b)]);
    const waiting = [await a.events.waiting(), await b.events.waiting()];
    await a.like("forgotten");
    await b.profile.wipe();
    const afterWipe = [await a.events.waiting(), await tried(a)];
    a.close();
    b.close();
    return { sent, waiting, afterWipe };
  },
  /** A page that goes while something plays: nobody asked it to send. */
  async leave() {
    const upnext = await create(indexedDbStorage("leaving"));
    await upnext.like("before");
    const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, src: await clipUrl(20) });
    document.body.append(video);
    upnext.attach(video, { id: "playing", surface: "home" });
    await video.play();
    for (const end = performance.now() + 15_000; video.currentTime < 0.7; await wait(20)) if (performance.now() > end) throw new Error(`the player stands at ${video.currentTime}`);
    return { waiting: await upnext.events.waiting() };
  },
  /** The next visit. */
  async comeBack() {
    const upnext = await create(indexedDbStorage("leaving"));
    const sent = await tried(upnext);
    const { events } = JSON.parse(await upnext.profile.export()).history;
    const waiting = await upnext.events.waiting();
    upnext.close();
    return { sent, waiting, watched: events.filter(({ kind }) => kind === "watch").map(({ video }) => video) };
  },
  /** A device whose viewer allows anonymous metrics: a page eight weeks ago, and two now. */
  async report() {
    const storage = indexedDbStorage("reporting");
    const visit = async (weeksAgo, done) => {
      const upnext = await createRecommender({ origin, token, languages: ["en"], storage, fetch: served, now: () => Date.now() - weeksAgo * 7 * 86_400_000, refreshMs: 0, offline: false, anonymousMetrics: true, onError: (error) => errors.push(error.code) });
      for (const end = performance.now() + 5_000; !done(await storage.get("metrics")) && performance.now() < end; ) await wait(20);
      const told = await upnext.anonymousMetrics.disclosed();
      upnext.close();
      return told;
    };
    const before = await visit(8, (kept) => kept !== undefined);
    const sent = (kept) => /^\d+\n/.test(kept);
    const [first, second] = [await visit(0, sent), await visit(0, sent)];
    return { before, first, second };
  },
  /** Without the viewer's leave. */
  async off() {
    const upnext = await create(indexedDbStorage("leaving"), {});
    await upnext.like("quiet");
    const waiting = await upnext.events.waiting();
    upnext.close();
    return { waiting };
  },
};

try {
  document.body.dataset.result = JSON.stringify({ ...(await acts[query.get("do")]()), errors });
} catch (error) {
  document.body.dataset.result = JSON.stringify({ error: `${error} ${error.stack}` });
}
