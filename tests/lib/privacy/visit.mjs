// What one viewer does in one browser context, and everything that leaves it meanwhile. The page's clock is the driver's:
// a refresh that comes every quarter of an hour is waited for by jumping there.
import { UNASKED } from "./compare.mjs";
import { openedAt, pastOf } from "./matrix.mjs";
import { openWire } from "./wire.mjs";
import { CANDIDATES, SITE, WATCH } from "./world.mjs";

const MINUTE_MS = 60_000;

/**
 * Settings are what is declared: who asks, in which languages, by which browser, from a page of which origin. Within one of
 * them not a byte may differ.
 */
export function settings(world) {
  const anonymous = { declared: { origin: CANDIDATES, languages: ["en"], candidates: 60 }, locale: "en-GB" };
  const account = { ...anonymous, declared: { ...anonymous.declared, token: world.token, events: { improve: false, metrics: false } } };
  const own = (setting) => ({ ...setting, serviceWorker: true, declared: { ...setting.declared, origin: SITE } });
  const { languages: _, ...browserSays } = anonymous.declared;
  const phone = { userAgent: "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36", isMobile: true };
  return {
    anonymous,
    account,
    // What is declared then are the last three videos that the viewer liked: the same three, which everybody likes last.
    recent: { ...anonymous, declared: { ...anonymous.declared, recent: 3 }, lastLiked: world.videos.slice(0, 3) },
    "anonymous, own origin, service worker": own(anonymous),
    "account, own origin, service worker": own(account),
    "anonymous, languages of the browser": { declared: browserSays, locale: "de-CH" },
    "anonymous, a phone's browser": { ...anonymous, browser: phone },
  };
}

/** Runs `act` with a page whose every request is written down; resolves with the traffic and what `act` returned. */
async function visited({ browser, world, setting, cell, overlay, demo }, act) {
  let bundle = world.bundles[0];
  // What a page has issued may not be on the wire yet, where the machine is busy.
  const underWay = new Map();
  // A beacon never ends, as far as the browser says.
  const young = () => [...underWay.values()].filter((since) => Date.now() - since < 5_000).length;
  const wire = await openWire(world.hosts({ current: () => bundle, overlay, demo }), young);
  const { viewport, ...screen } = cell.screen;
  const context = await browser.newContext({ proxy: { server: wire.proxy }, locale: setting.locale, timezoneId: cell.timeZone, ...screen, viewport, ...setting.browser });
  let bucket = "";
  const issued = [];
  const workers = new Set();
  context.on("request", (request) => {
    underWay.set(request, Date.now());
    // A service worker's own, and the script of a worker, are in no order with the page's: another process issues them, so that
    // one may be told of before the script of the page that asked for it.
    if (!request.serviceWorker()) issued.push({ bucket, url: request.url(), key: `${request.method()} ${request.url()}` });
  });
  for (const end of ["requestfinished", "requestfailed"]) context.on(end, (request) => underWay.delete(request));
  try {
    const page = await context.newPage();
    const problems = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("worker", (worker) => workers.add(worker.url()));
    await page.clock.install({ time: openedAt(cell) });
    const during = async (name, what, idle = async () => {}) => {
      wire.begin((bucket = name));
      await what();
      await wire.quiet();
      // What the last answer has set going, and what that asks for.
      await idle();
      await wire.quiet();
    };
    const result = await act({ page, during, nextBundle: () => (bundle = world.bundles[1]) });
    if (problems.length > 0) throw new Error(`the page: ${problems.join("\n")}`);
    return { ...result, traffic: inOrder(wire.traffic(), issued.filter(({ url }) => !workers.has(url))) };
  } finally {
    await context.close();
    await wire.close();
  }
}

/**
 * Requests by bucket: first the order in which the page and its workers issued them, then the bytes that came. Requests
 * that are issued together travel on several connections and overtake each other, so the bytes are sorted.
 */
function inOrder(wire, issued) {
  const buckets = new Map();
  const at = (name) => buckets.get(name) ?? buckets.set(name, { order: [], sent: [] }).get(name);
  // A browser asks for a newer service worker, and its maker about form fields, when it has the time: what it says is
  // compared, not when or how often.
  const newerWorker = (bytes) => /^referer: \S+\/service-worker\.js\r$/im.test(bytes) && /^service-worker: script\r$/im.test(bytes);
  const formFields = (bytes) => bytes.startsWith("CONNECT content-autofill.googleapis.com:443 ");
  const unasked = new Set(wire.map(({ bytes }) => bytes).filter((bytes) => newerWorker(bytes) || formFields(bytes)));
  for (const { bucket, bytes } of wire) if (!unasked.has(bytes)) at(bucket).sent.push(bytes);
  for (const { bucket, key } of issued) if (wire.some((one) => one.bucket === bucket && one.bytes.startsWith(`${key} `) && !unasked.has(one.bytes))) at(bucket).order.push(key);
  if (unasked.size > 0) at(UNASKED).sent.push(...unasked);
  return [...buckets].map(([name, { order, sent }]) => ({ name, order, sent: sent.sort() }));
}

/** One cell on the test page: two visits, three refreshes, a change of bundle between two of them; `brief` leaves the second visit out. */
export function visit(job) {
  const { setting, cell, world } = job;
  return visited(job, async ({ page, during, nextBundle }) => {
    const given = { declared: setting.declared, serviceWorker: setting.serviceWorker, watch: WATCH, lastLiked: setting.lastLiked, options: cell.options, profile: cell.profile, past: pastOf(cell.past, world.videos, openedAt(cell)) };
    await page.addInitScript((cell) => (globalThis.cell = cell), given);
    const act = (names) => page.evaluate((names) => globalThis.act(names), names);
    const idle = () => page.evaluate(() => globalThis.idle());
    let minute = 0;
    /** Lets the page's clock run to each of these minutes: what comes between two of them counts as having come at once. */
    const pass = async (...minutes) => {
      for (const until of minutes) {
        // The page's clock runs by itself too: on a slow machine jumps of a fixed length would add up to another span.
        const passedMs = await page.evaluate((start) => Date.now() - start, openedAt(cell));
        await during(`minutes ${minute} to ${until}`, () => page.clock.fastForward(Math.max(0, until * MINUTE_MS - passedMs)), idle);
        minute = until;
      }
    };
    const open = async () => {
      await page.goto(`${SITE}/`);
      return page.evaluate(() => globalThis.ready);
    };
    let ready;
    await during("first visit", async () => (ready = await open()), idle);
    await during("actions", () => act(cell.before), idle);
    await pass(8);
    await during("actions at minute 8", () => act(cell.between), idle);
    // The quarter of an hour: the same bundle, and its block again.
    await pass(14, 16, 18);
    const first = await page.evaluate(() => globalThis.seen());
    // The next one: another bundle.
    nextBundle();
    // A jump ends the wait of whatever it passes, so the next is a quarter of an hour after minute 16.
    await pass(30, 32, 34);
    await during("actions at minute 34", () => act(cell.after), idle);
    await pass(40);
    const last = await page.evaluate(() => globalThis.seen());
    if (job.brief) return { ready, seen: [first, last] };
    await during("the page goes", () => page.goto("about:blank"));
    await during("second visit", open, idle);
    await during("actions of the second visit", () => act(cell.between), idle);
    await pass(54, 56);
    return { ready, seen: [first, last, await page.evaluate(() => globalThis.seen())] };
  });
}

/** One cell on the demo page, by its own controls. */
export function visitDemo(job) {
  const { cell } = job;
  return visited(job, async ({ page, during }) => {
    const setRange = (selector, value) =>
      page.$eval(selector, (input, value) => {
        input.value = value;
        input.dispatchEvent(new Event("input", { bubbles: true }));
      }, String(value));
    const clicks = { like: ["#like"], dislike: ["#dislike"], notInterested: ["#not-interested"], watch: ["#skip"], wipe: ["#tab-you", "#wipe", "#wipe"], profile: ["#tab-you"], whatIf: ["#rail .explain", "#why-close"] };
    const act = async (names) => {
      // A card may move under a pointer that waits for it to rest, where the machine is slow: the press itself is what counts.
      for (const name of names) for (const selector of clicks[name] ?? []) await page.$eval(selector, (pressed) => pressed.click());
      if (names.includes("search")) {
        await page.fill("#query", "何か面白い music");
        await page.press("#query", "Enter");
      }
    };
    const open = async () => {
      await page.goto(`${SITE}/demo/`);
      await page.waitForSelector("body[data-ready]");
    };
    await during("first visit", open);
    await during("actions", async () => {
      await page.selectOption("#speed", "60");
      await setRange("#hour", cell.hour);
      await page.selectOption("#weekday", String(cell.weekday));
      await page.selectOption("#device", cell.options.device ?? "desktop");
      await page.click("#tab-dials");
      await setRange("#diversity", cell.options.diversity ?? 0.3);
      await setRange("#explore", cell.options.explore ?? 0);
      await page.click("#tab-you");
      await page.fill("#age", String(cell.profile?.age ?? ""));
      await page.fill("#language", cell.profile?.language ?? "");
      await act([...cell.before, ...cell.between]);
    });
    // A refresh is what the viewer asks for here: its time is theirs, and its bytes are not.
    await during("new candidates", async () => {
      await page.click("#tab-network");
      await page.click("#refresh");
      // The page's own word: a ranking that was under way before would end sooner than the requests do.
      await page.waitForFunction(() => document.body.dataset.refreshed === "1");
    });
    await during("more actions", () => act(cell.after));
    const ids = () => page.$$eval("#rail li", (items) => items.map((item) => item.dataset.id));
    const first = { slate: await ids() };
    await during("second visit", open);
    return { seen: [first, { slate: await ids() }] };
  });
}
