// What pages that test the elements do, by `?do=`: each leaves what it saw as JSON on the page.
import { createRecommender, memoryStorage } from "/dist/browser.js";
import { defineElements, fromJwRelated } from "/dist/elements.js";
import { attachHls, attachInside, attachVideojs } from "/dist/players.js";
import { clipBytes, clipUrl } from "/lib/clip.mjs";
import { playlistUrl } from "/lib/hls.mjs";
import { ORIGIN } from "/lib/replay.mjs";
import { watches } from "/lib/viewings.mjs";

const set = "/golden/trained";
const query = new URLSearchParams(location.search);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const served = (url) => fetch(set + url.slice(ORIGIN.length).replace(/^\/bundle/, "").replace(/^\/v1\/candidates.*/, "/block.pb"));
const { nowMs } = (await (await fetch(`${set}/rows.json`)).json())[0].context;
const create = () => createRecommender({ origin: ORIGIN, languages: ["en"], storage: memoryStorage(), fetch: served, now: () => nowMs, refreshMs: 0, offline: false });

/** A recommender that always says the same, and whose thumbnails are `/1.png` and so on. */
const stubborn = (...ids) => ({
  block: { ids, titles: ids.map((id) => `Title of ${id}`), thumbnails: ids.map((id) => `/${id}.png`) },
  recommend: async ({ size }) => ({ items: ids.slice(0, size).map((id) => ({ id, score: 0.5, reason: { code: "popular" }, thumbnail: `/${id}.png` })), dropped: [], receipt: "", bundleId: "", madeAtMs: 0 }),
});

function add(name, upnext, attributes = {}) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.upnext = upnext;
  document.querySelector("main").append(element);
  return element;
}
const inside = (element, name) => [...element.root.querySelectorAll(`[part~="${name}"]`)];
const texts = (element, name) => inside(element, name).map((one) => one.textContent);
/** Every event of an element, in order. */
function listen(element) {
  const events = [];
  for (const name of ["announce", "play", "cancel", "autoplay", "choose"]) element.addEventListener(`upnext-${name}`, ({ detail }) => events.push([name, detail?.item?.id ?? detail?.id ?? detail, ...(name === "play" ? [detail.autoplay] : [])]));
  return events;
}

const acts = {
  async rail() {
    const upnext = await create();
    const rail = add("upnext-rail", upnext, { size: "6" });
    rail.words = { upNext: "Als Nächstes" };
    const events = listen(rail);
    const slate = await rail.rank();
    const shown = inside(rail, "card").map((card) => card.dataset.id);
    inside(rail, "card")[2].focus();
    const focused = shown[2];
    inside(rail, "card")[2].click();
    rail.setAttribute("watching", shown[0]);
    await rail.rank();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync("upnext-rail::part(card) { color: rgb(1, 2, 3); }");
    document.adoptedStyleSheets = [sheet];
    const themed = getComputedStyle(inside(rail, "card")[0]).color;
    rail.dir = "rtl";
    const [card, title] = [inside(rail, "card")[0].getBoundingClientRect(), inside(rail, "text")[0].getBoundingClientRect()];
    const expected = slate.items.map((item) => item.id);
    return { same: JSON.stringify(shown) === JSON.stringify(expected), count: shown.length, chosen: events, focused, stillFocused: rail.root.activeElement?.dataset.id ?? null, watchingGone: !inside(rail, "card").some((one) => one.dataset.id === shown[0]), heading: texts(rail, "heading")[0], why: texts(rail, "why").every((text) => text.length > 2), themed, fromTheRight: card.right - title.right < title.left - card.left + 40 && Math.abs(card.right - title.right) < 40 };
  },
  async thumbnails() {
    const asked = [];
    HTMLImageElement.prototype.decode = async function () {
      asked.push(this.getAttribute("src"));
      if (this.getAttribute("src") === "/2.png") throw new DOMException("not there", "EncodingError");
    };
    const without = add("upnext-rail", stubborn("1", "2", "3", "4", "5"), { size: "3" });
    await without.rank();
    const none = [...asked];
    let changed;
    const ranker = { ...stubborn("1", "2", "3", "4", "5"), watchBlock: (call) => ((changed = call), () => (changed = undefined)) };
    const rail = add("upnext-rail", ranker, { size: "3", thumbnails: "" });
    await rail.rank();
    const shown = inside(rail, "thumbnail");
    await rail.rank();
    const again = inside(rail, "thumbnail");
    const first = asked.splice(0);
    // A new block: its thumbnails come with it, not when somebody ranks.
    ranker.block = stubborn("6", "7").block;
    changed();
    const later = [...asked];
    rail.remove();
    return { none, first, later, images: inside(without, "thumbnail").length, cards: shown.map((one) => one.getAttribute("src")), sameElements: shown.every((one, i) => one === again[i]), watchedStill: changed !== undefined };
  },
  async next() {
    const upnext = await create();
    const seen = {};
    const quiet = add("upnext-next", upnext);
    const heard = listen(quiet);
    const { ids } = upnext.block;
    const item = await quiet.announce(ids[0]);
    await wait(700);
    quiet.play();
    seen.byHand = { heard, item: item.id, notWatching: item.id !== ids[0] };

    const auto = add("upnext-next", upnext, { autoplay: "", seconds: "0.6" });
    const autoHeard = listen(auto);
    const announced = await auto.announce(ids[1]);
    await wait(1500);
    seen.auto = { heard: autoHeard, item: announced.id };

    const cancelled = add("upnext-next", upnext, { autoplay: "", seconds: "0.6" });
    const cancelledHeard = listen(cancelled);
    await cancelled.announce(ids[2]);
    inside(cancelled, "cancel")[0].dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, composed: true }));
    await wait(1200);
    seen.cancelled = cancelledHeard.map(([name]) => name);

    const switched = add("upnext-next", upnext, { autoplay: "", seconds: "0.6" });
    const switchedHeard = listen(switched);
    await switched.announce(ids[3]);
    inside(switched, "autoplay")[0].click();
    await wait(1200);
    seen.switched = { heard: switchedHeard.map(([name]) => name), checked: inside(switched, "autoplay")[0].getAttribute("aria-checked") };

    const hidden = add("upnext-next", upnext, { autoplay: "", seconds: "0.6" });
    const hiddenHeard = listen(hidden);
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
    await hidden.announce(ids[4]);
    await wait(1200);
    const whileHidden = hiddenHeard.map(([name]) => name);
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "visible" });
    await wait(1500);
    seen.hidden = { whileHidden, after: hiddenHeard.map(([name]) => name) };

    const twice = add("upnext-next", upnext);
    const twiceHeard = listen(twice);
    const both = await Promise.all([twice.announce(ids[5]), twice.announce(ids[6])]);
    seen.twice = { announcements: twiceHeard.length, plays: twice.announced?.id === twiceHeard[0]?.[1], last: both[1]?.id === twice.announced?.id };
    return seen;
  },
  async order() {
    const next = add("upnext-next", stubborn("a", "b", "c", "d"));
    next.playlist = [{ id: "p1" }, { id: "p2", title: "Second" }];
    const order = [];
    for (let watching = "a"; watching; ) {
      const item = await next.announce(watching);
      order.push(item?.id ?? null);
      if (item) next.play();
      watching = item?.id;
    }
    return { order };
  },
  /** Elements set up by JW Player's options. */
  async jw() {
    const { next: its, rail: listed } = fromJwRelated({ oncomplete: "autoplay", autoplaytimer: 0, autoplaymessage: "__title__, xx s", heading: "More", displayMode: "shelf" });
    const next = Object.assign(add("upnext-next", stubborn("xx", "b")), its);
    const rail = Object.assign(add("upnext-rail", stubborn("xx", "b")), listed);
    await rail.rank();
    const heard = listen(next);
    const countdowns = [];
    next.addEventListener("upnext-play", () => countdowns.push(inside(next, "countdown")[0].textContent));
    await next.announce("b");
    const hidden = Object.assign(add("upnext-rail", stubborn("a")), fromJwRelated({ displayMode: "none" }).rail);
    return { heard, countdowns, heading: texts(rail, "heading")[0], attribute: next.getAttribute("seconds"), shown: [rail, hidden].map((one) => getComputedStyle(one).display !== "none") };
  },
  async accessible() {
    await new Promise((done, failed) => document.head.append(Object.assign(document.createElement("script"), { src: "/axe/axe.min.js", onload: done, onerror: failed })));
    const upnext = await create();
    const rail = add("upnext-rail", upnext, { size: "4" });
    await rail.rank();
    const next = add("upnext-next", upnext, { autoplay: "", seconds: "600" });
    await next.announce(upnext.block.ids[0]);
    const { violations, passes } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    const focusable = [...inside(rail, "card"), ...["play", "cancel", "autoplay"].flatMap((name) => inside(next, name))];
    return { violations: violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => `${id}: ${nodes[0].html}`), passes: passes.length, buttons: focusable.every((one) => one.localName === "button" && one.tabIndex === 0), said: texts(next, "said")[0], timer: inside(next, "countdown")[0].textContent };
  },
  /** A player of `?player=`, its own script and all, plays for a second: how it is attached is what docs/players.md says. */
  async player() {
    const upnext = await create();
    const main = document.querySelector("main");
    const seconds = 30;
    const played = async (element) => {
      for (const end = performance.now() + 15_000; !(element()?.currentTime >= 1); await wait(10)) if (performance.now() > end) throw new Error(`the player stands at ${element()?.currentTime}`);
    };
    const make = (tag, properties = {}, ...children) => {
      const element = Object.assign(document.createElement(tag), properties);
      element.append(...children);
      return element;
    };
    const quiet = { muted: true, playsInline: true };
    const players = {
      /** As hls.js, Shaka and dash.js play: pieces of a stream, handed to a Media Source. */
      async mse() {
        const video = make("video", quiet);
        main.append(video);
        const source = new MediaSource();
        video.src = URL.createObjectURL(source);
        const stop = upnext.attach(video, { id: "v1" });
        await new Promise((done) => source.addEventListener("sourceopen", done, { once: true }));
        const buffer = source.addSourceBuffer('video/webm; codecs="vp8"');
        const bytes = await clipBytes(seconds);
        for (let at = 0; at < bytes.length; at += bytes.length / 3) {
          buffer.appendBuffer(bytes.subarray(at, at + bytes.length / 3));
          await new Promise((done) => buffer.addEventListener("updateend", done, { once: true }));
        }
        await video.play();
        await played(() => video);
        return stop;
      },
      async plyr() {
        const { default: Plyr } = await import("/players/plyr.js");
        const video = make("video", { ...quiet, src: await clipUrl(seconds) });
        main.append(video);
        const player = new Plyr(video, { muted: true, loadSprite: false, blankVideo: "" });
        const stop = upnext.attach(player.media, { id: "v1" });
        await player.play();
        await played(() => player.media);
        return stop;
      },
      async "media-chrome"() {
        await import("/players/media-chrome.js");
        const video = make("video", { ...quiet, slot: "media", src: await clipUrl(seconds) });
        main.append(make("media-controller", {}, video, make("media-control-bar", {}, make("media-play-button"))));
        const stop = upnext.attach(video, { id: "v1" });
        const button = document.querySelector("media-play-button");
        // The controller tells its buttons what they can do when the media is there.
        for (const end = performance.now() + 5_000; !button.hasAttribute("mediapaused") && performance.now() < end; ) await wait(20);
        button.click();
        await played(() => video);
        return stop;
      },
      async vidstack() {
        await import("/players/vidstack.js");
        const player = make("media-player", {}, make("media-provider"));
        for (const name of ["muted", "playsinline"]) player.setAttribute(name, "");
        const elementAtFirst = player.querySelector("video");
        main.append(player);
        const stop = attachInside(upnext, player, { id: "v1" });
        if (elementAtFirst) throw new Error("the element is there before the player is");
        player.src = { src: await clipUrl(seconds), type: "video/webm" };
        await new Promise((done) => player.addEventListener("can-play", done, { once: true }));
        player.querySelector("video").muted = true;
        await player.play();
        await played(() => player.querySelector("video"));
        return stop;
      },
    };
    const stop = await players[query.get("player")]();
    stop();
    await wait(100);
    return { watches: await watches(upnext) };
  },
  /** hls.js plays one stream, loses its element and takes it back, says that an interstitial is on, and plays another; `?by=attach`: without the adapter. */
  async hls() {
    const { default: Hls } = await import("/players/hls.js");
    const upnext = await create();
    const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    document.querySelector("main").append(video);
    const hls = new Hls({ enableWorker: false });
    const errors = [];
    hls.on(Hls.Events.ERROR, (_, { details, fatal }) => fatal && errors.push(details));
    const adapter = query.get("by") !== "attach";
    const attach = (id) => (adapter ? attachHls(upnext, hls, { id }) : upnext.attach(video, { id }));
    const at = async (second) => {
      for (const end = performance.now() + 15_000; !(video.currentTime >= second); await wait(10)) if (performance.now() > end) throw new Error(`hls.js stands at ${video.currentTime}: ${errors}`);
    };
    hls.attachMedia(video);
    // Before there is an address.
    if (adapter) attach("v1");
    hls.loadSource(playlistUrl(30));
    if (!adapter) attach("v1");
    await video.play();
    await at(1);
    if (adapter) {
      hls.recoverMediaError();
      await video.play();
      await at(2);
      hls.trigger(Hls.Events.INTERSTITIAL_STARTED, {});
      await at(3);
      hls.trigger(Hls.Events.INTERSTITIALS_PRIMARY_RESUMED, {});
      await at(4);
    }
    hls.loadSource(playlistUrl(20));
    const stop = attach("v2");
    await video.play();
    await at(1);
    if (adapter) hls.destroy();
    else stop();
    await wait(100);
    return { watches: await watches(upnext), errors };
  },
  async videojs() {
    await new Promise((done, failed) => document.head.append(Object.assign(document.createElement("script"), { src: "/videojs/video.min.js", onload: done, onerror: failed })));
    const upnext = await create();
    const video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
    document.querySelector("main").append(video);
    const player = globalThis.videojs(video, { muted: true });
    const stop = attachVideojs(upnext, player, { id: "v1", surface: "home", autoplay: query.has("autoplay") });
    player.src({ src: await clipUrl(30), type: "video/webm" });
    await player.play();
    const at = async (second) => {
      for (const end = performance.now() + 15_000; player.currentTime() < second; await wait(10)) if (performance.now() > end) throw new Error(`the player stands at ${player.currentTime()}`);
    };
    await at(1);
    player.trigger("adstart");
    await at(2.5);
    player.trigger("adend");
    await at(3.5);
    stop();
    await wait(100);
    const { events } = JSON.parse(await upnext.profile.export()).history;
    player.dispose();
    return { watches: await watches(upnext), surfaces: events.map((event) => event.surface) };
  },
};

try {
  defineElements();
  defineElements();
  document.body.dataset.result = JSON.stringify(await acts[query.get("do")]());
} catch (error) {
  document.body.dataset.result = JSON.stringify({ error: `${error} ${error.stack}` });
}
