// The page of the privacy check. Its address says nothing: whatever differs between two viewers comes as `globalThis.cell`,
// which the driver puts there before any script runs. `act` does what that viewer does.
import { createRecommender } from "/dist/browser.js";
import { defineElements } from "/dist/elements.js";

const { declared, profile, past, options, serviceWorker, watch, lastLiked = [] } = globalThis.cell;
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const add = (name, upnext, attributes) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.upnext = upnext;
  element.options = options;
  document.body.append(element);
  return element;
};

async function start() {
  if (serviceWorker) {
    await navigator.serviceWorker.register("/service-worker.js", { scope: "/" });
    await navigator.serviceWorker.ready;
    for (let left = 500; !navigator.serviceWorker.controller; left--) {
      if (left === 0) throw new Error("nobody controls the page");
      await wait(20);
    }
  }
  const errors = [];
  const upnext = await createRecommender({ ...declared, profile, onError: (error) => errors.push(error.code) });
  // The schedule calls the same method.
  const refresh = upnext.refresh.bind(upnext);
  upnext.refresh = (options) => (refreshing = refresh(options).catch(() => {}));
  if (past) await upnext.profile.import(JSON.stringify({ version: 1, profile: await upnext.profile.inspect(), history: { version: 1, events: past } }));
  defineElements();
  const rail = add("upnext-rail", upnext, { size: "12", thumbnails: "" });
  const next = add("upnext-next", upnext, {});
  await rail.rank();
  return { upnext, rail, next, errors };
}

let refreshing;
const started = start();

/** One thing that a viewer does; the rail is ranked again after each. */
const acts = {
  async like({ upnext, rail }) {
    for (const item of rail.slate.items.slice(0, 3)) await upnext.like(item.id);
  },
  async dislike({ upnext, rail }) {
    await upnext.dislike(rail.slate.items[0].id);
  },
  /** Goes to a video of the rail without a navigation, as single-page sites do, and watches it. */
  async watch({ upnext, rail }) {
    const { id } = rail.slate.items[2];
    history.pushState(null, "", `${watch}${id}`);
    rail.setAttribute("watching", id);
    await rail.rank();
    await upnext.watched(id, 500);
  },
  async search({ upnext }) {
    await upnext.searched("何か面白い music");
  },
  async notInterested({ upnext, rail }) {
    await upnext.notInterested(rail.slate.items[0].id);
    await upnext.notInterested(rail.slate.items[1].id, { scope: "channel" }).catch(() => {});
  },
  async wipe({ upnext }) {
    await upnext.profile.wipe();
  },
  async profile({ upnext }) {
    await upnext.profile.set({ age: 64, language: "sw", blockedTags: ["music"] });
  },
  async whatIf({ upnext }) {
    for (const hour of [2, 9, 21]) for (const device of ["phone", "tv"]) await upnext.recommend({ localTime: { hour, weekday: hour % 7 }, device, explore: 1, size: 40 });
  },
  async announce({ rail, next }) {
    await next.announce(rail.slate.items[0].id);
    next.play();
  },
};

globalThis.ready = started.then(({ upnext }) => ({ bundle: upnext.block.bundleId, candidates: upnext.block.ids.length, thread: upnext.thread }));
globalThis.act = async (names) => {
  const page = await started;
  for (const name of names) {
    await acts[name](page);
    await page.rail.rank();
  }
  for (const id of lastLiked) await page.upnext.like(id);
};
/** Resolves when the refresh that is under way is done, and what it brought is loaded. */
globalThis.idle = async () => {
  await (await started).upnext.profile.inspect();
  await refreshing;
};
/** What came of it: the check is worth nothing where every viewer is shown the same. */
globalThis.seen = async () => {
  const { upnext, rail, errors } = await started;
  const { history } = JSON.parse(await upnext.profile.export());
  return { slate: rail.slate.items.map((item) => item.id), events: history.events.length, errors, bundle: upnext.block.bundleId };
};
