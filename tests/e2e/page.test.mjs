// `npm start`, as a newcomer runs it, on a small world; then the page in a real Chromium.
//   UPNEXT_SITE="http://127.0.0.1:5173 http://127.0.0.1:8787"   a page and its server that are up already
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { buildSite } from "../../docs/site/build.mjs";
import { root, workDir } from "../lib/paths.mjs";
import { testPlayground } from "../lib/playground.mjs";

const MINUTES = 60_000;
let starter;
let site;
let browser;
/** What `npm start` has printed. */
let printed = "";

/** Starts `npm start` and resolves with the addresses that it prints. */
function start() {
  return new Promise((resolve, reject) => {
    starter = spawn("node", ["www/start.mjs", "--users", "400", "--videos", "500"], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    const read = (chunk) => {
      printed += chunk;
      const found = /page\s+(http:\S+)\s+server\s+(http:\S+?)\/healthz/.exec(printed);
      if (found) resolve({ page: found[1], server: found[2] });
    };
    starter.stdout.on("data", read);
    starter.stderr.on("data", read);
    starter.on("exit", (code) => reject(new Error(`npm start ended with ${code}:\n${printed.slice(-4000)}`)));
  });
}

before(async () => {
  const [page, server] = process.env.UPNEXT_SITE?.split(" ") ?? [];
  site = page && server ? { page, server } : await start();
  browser = await chromium.launch({
    executablePath: process.env.UPNEXT_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}, { timeout: 20 * MINUTES });

after(async () => {
  await browser?.close();
  if (starter && starter.exitCode === null) {
    starter.kill("SIGTERM");
    await new Promise((done) => starter.once("exit", done));
  }
});

/** A page of a viewer of their own, ready, with every request it makes. */
async function openPage(prepare = async () => {}, screen = {}, query = "") {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", timezoneId: "Europe/Berlin", ...screen });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  // The console of a page that works is empty.
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(`console: ${message.text()}`));
  const requests = [];
  page.on("request", (request) => {
    if (request.url().startsWith(site.server)) requests.push({ method: request.method(), url: request.url(), headers: declared(request.headers()), body: request.postData() });
  });
  await prepare(page);
  await page.goto(`${site.page}${query}`);
  await page.waitForSelector("body[data-ready]", { timeout: MINUTES });
  return { page, requests, problems, close: () => context.close() };
}

/** Headers that the page, not the browser's version, chose. */
const declared = (headers) => Object.fromEntries(Object.entries(headers).filter(([name]) => ["accept", "authorization", "content-type", "accept-language", "cookie"].includes(name)));

const rail = (page) => page.$$eval("#rail li", (items) => items.map((item) => item.dataset.id));
const receipt = (page) => page.evaluate(() => document.body.dataset.receipt);

/** Does something to the page and waits until the rail was ranked again. */
async function rankedAfter(page, act) {
  const before = await receipt(page);
  await act();
  await page.waitForFunction((old) => document.body.dataset.receipt !== old, before, { timeout: 10_000 });
}

/** Asks for new candidates, and waits until that is over. */
async function refresh(page) {
  const before = await page.evaluate(() => document.body.dataset.refreshed);
  await page.click("#tab-network");
  await page.click("#refresh");
  await page.waitForFunction((old) => document.body.dataset.refreshed !== old, before, { timeout: 10_000 });
}

async function setRange(page, selector, value) {
  await page.$eval(selector, (input, wanted) => {
    input.value = wanted;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }, String(value));
}

test("npm start warns of nothing, and says where the playground is", { skip: process.env.UPNEXT_SITE !== undefined }, () => {
  assert.doesNotMatch(printed, /warn|deprecated/i);
  assert.match(printed, /playground +(http:\S+\/playground\.html|without its module yet: npm start -- --playground)/);
});

test("the rail is filled, every card says why, and something plays", async () => {
  const { page, problems, close } = await openPage();
  const ids = await rail(page);
  assert.equal(ids.length, 12);
  assert.equal(new Set(ids).size, 12);
  for (const why of await page.$$eval("#rail .why", (all) => all.map((one) => one.textContent))) assert.match(why, /^\d+ % · \S+/);
  const picture = () => page.$eval("#clip", (canvas) => canvas.toDataURL());
  const first = await picture();
  await page.waitForTimeout(600);
  assert.notEqual(await picture(), first, "the clip moves");
  const cards = await page.$$eval("#rail canvas", (all) => all.map((canvas) => canvas.toDataURL()));
  assert.equal(new Set(cards).size, cards.length, "no two pictures are the same");
  const home = await page.$$eval("#home .card:not(.empty)", (all) => all.map((one) => one.dataset.id));
  assert.equal(home.length, 12, "the shelf is filled");
  assert.deepEqual(home.filter((id) => ids.includes(id)), [], "and shows nothing that the rail has");
  for (const about of await page.$$eval(".rail .about", (all) => all.map((one) => one.textContent))) assert.match(about, /^(\S.* )· (\d+:\d\d(:\d\d)?|length unknown)$/);
  assert.deepEqual(problems, []);
  await close();
});

test("another moment makes another rail, and the network stays silent", async () => {
  const { page, requests, close } = await openPage();
  await page.click("#play"); // paused: the clip must not end in between
  const loaded = requests.length;
  await rankedAfter(page, () => page.selectOption("#device", "phone"));
  await rankedAfter(page, () => setRange(page, "#hour", 23));
  const night = await rail(page);
  await rankedAfter(page, () => page.selectOption("#device", "tv"));
  await rankedAfter(page, () => setRange(page, "#hour", 15));
  if ((await page.$eval("#weekday", (select) => select.value)) !== "6") await rankedAfter(page, () => page.selectOption("#weekday", "6"));
  const sunday = await rail(page);
  assert.notDeepEqual(sunday, night);
  // A moment of the list is the same as its hour, day and device set by hand.
  await rankedAfter(page, () => page.selectOption("#device", "tablet"));
  const byHand = await rail(page);
  await rankedAfter(page, () => page.click('#moments [data-moment="4 22 tv"]'));
  assert.deepEqual(await page.$$eval("#hour, #weekday, #device", (all) => all.map((one) => one.value)), ["22", "4", "tv"]);
  await rankedAfter(page, () => page.click('#moments [data-moment="6 15 tablet"]'));
  assert.deepEqual(await rail(page), byHand);
  await page.waitForTimeout(300);
  assert.equal(requests.length, loaded, "no request to the server");
  assert.equal(await page.evaluate(() => document.body.dataset.requests ?? "0"), "0", "no request at all");
  await close();
});

test("a like and a watch change the rail at once, are kept over a reload, and send nothing", async () => {
  const { page, requests, close } = await openPage();
  await page.selectOption("#speed", "60");
  await page.waitForTimeout(1500);
  const loaded = requests.length;
  await rankedAfter(page, () => page.click("#like"));
  const watched = await page.$eval("#title", (title) => title.textContent);
  await rankedAfter(page, () => page.click("#skip"));
  assert.equal(requests.length, loaded);
  // What is known comes from the worker: it is there a moment after the click.
  const inspected = async () => {
    await page.click("#tab-you");
    await page.waitForFunction(() => document.querySelector("#known").textContent !== "");
    return page.$eval("#known", (known) => known.textContent);
  };
  assert.match(await inspected(), /liked[\s\S]*watched|watched[\s\S]*liked/);
  await page.reload();
  await page.waitForSelector("body[data-ready]");
  const known = await inspected();
  assert.match(known, /liked/);
  assert.ok(known.includes(watched), "the liked video is in the history after a reload");
  // One event is forgotten by itself.
  const events = () => page.$$eval("#known button", (all) => all.length);
  const before = await events();
  await rankedAfter(page, () => page.click("#known button"));
  await page.waitForFunction((count) => document.querySelectorAll("#known button").length < count, before);
  // Taken along, forgotten, brought back.
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#export")]);
  const exported = readFileSync(await download.path());
  assert.equal(JSON.parse(exported).version, 1);
  await page.click("#wipe");
  await rankedAfter(page, () => page.click("#wipe"));
  await page.waitForFunction(() => document.querySelector("#known").textContent.includes("no events"));
  await rankedAfter(page, () => page.setInputFiles("#import-file", { name: "mine.json", mimeType: "application/json", buffer: exported }));
  await page.waitForFunction((count) => document.querySelectorAll("#known button").length === count, before - 1);
  await close();
});

test("requests are the same bytes in the same order for every viewer and moment", async () => {
  const seen = [];
  for (const viewer of [{ device: "phone", hour: 2, age: "", language: "" }, { device: "tv", hour: 20, age: "71", language: "hi" }]) {
    const { page, requests, close } = await openPage();
    await page.selectOption("#device", viewer.device);
    await setRange(page, "#hour", viewer.hour);
    await page.click("#tab-you");
    await page.fill("#age", viewer.age);
    await page.fill("#language", viewer.language);
    await page.click("#like");
    await refresh(page);
    seen.push(requests);
    await close();
  }
  assert.ok(seen[0].length >= 4, "bundle, manifest, files and block were fetched");
  assert.deepEqual(seen[1], seen[0]);
});

test("with the server down the page keeps its last good slate and names the error", async () => {
  const { page, problems, close } = await openPage();
  await page.click("#play");
  const before = await rail(page);
  await page.route(`${site.server}/**`, (route) => route.abort());
  await refresh(page);
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await page.$eval("#notice", (notice) => notice.textContent), /server-unreachable/);
  assert.deepEqual(await rail(page), before);
  await page.unroute(`${site.server}/**`);
  await page.route(`${site.server}/v1/**`, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.body()).subarray(0, 999) });
  });
  await refresh(page);
  await page.waitForFunction(() => document.querySelector("#notice").textContent.includes("block-"));
  assert.deepEqual(await rail(page), before);
  // Of what was cut off the browser itself tells.
  assert.deepEqual(problems.filter((one) => !one.startsWith("console: Failed to load resource")), [], "nothing trapped");
  await close();
});

test("a search, a dial and a wish shape the rail here; the inspector accounts for every candidate", async () => {
  const { page, requests, problems, close } = await openPage();
  await page.click("#play");
  const loaded = requests.length;
  const [word] = await page.$$eval("#rail .name", (all) => all.map((one) => one.textContent.split(/\s+/)[0]));
  await page.fill("#query", word);
  await rankedAfter(page, () => page.press("#query", "Enter"));
  await page.waitForSelector("#results:not([hidden])");
  assert.ok((await page.$$eval("#found .name", (all, word) => all.filter((one) => one.textContent.includes(word)).length, word)) > 0);
  await page.click("#tab-dials");
  const before = await rail(page);
  await rankedAfter(page, () => setRange(page, "#explore", 1));
  assert.notDeepEqual(await rail(page), before);
  await rankedAfter(page, () => page.selectOption("#per-channel", "1"));
  const channels = await page.$$eval("#rail .about", (all) => all.map((one) => one.textContent.split(" · ")[0]).filter((name) => name !== "channel unknown"));
  assert.equal(new Set(channels).size, channels.length, "one of each channel");
  await page.click("#rail .explain");
  const title = await page.$eval("#why-title", (one) => one.textContent);
  await page.waitForFunction(() => document.querySelectorAll("#why-day .estimate").length === 8);
  await rankedAfter(page, () => page.click("#why-less"));
  assert.ok(!(await page.$$eval("#rail .name", (all) => all.map((one) => one.textContent))).includes(title) || (await rail(page)).length === 12);
  await page.click("#tab-inspector");
  const stages = await page.$eval("#stages", (one) => one.innerText);
  const [whole] = /(\d+) candidates from the server/.exec(stages).slice(1).map(Number);
  const slate = Number(/(\d+) in the slate/.exec(stages)[1]);
  const dropped = await page.$$eval("#stages .dropped li", (all) => all.reduce((sum, one) => sum + parseInt(one.textContent, 10), 0));
  assert.equal(slate + dropped, whole, "every candidate is in the slate or has a reason");
  assert.match(stages, /1 not interested/);
  const [receipt] = await Promise.all([page.waitForEvent("download"), page.click("#receipt")]);
  assert.equal(JSON.parse(readFileSync(await receipt.path(), "utf8")).receipt, await page.evaluate(() => document.body.dataset.receipt));
  await page.click("#tab-network");
  const told = await page.$eval("#requests", (one) => one.innerText);
  for (const what of ["which bundle", "manifest.json", "candidate block"]) assert.match(told, new RegExp(`${what}.*\\d`), what);
  assert.match(await page.$eval("#silence", (one) => one.textContent), /^No request since the page was ready; \d+ slates were made/);
  assert.equal(requests.length, loaded, "nobody was asked");
  assert.deepEqual(problems, []);
  await close();
});

test("everything works by keyboard, read from either side", async () => {
  for (const dir of ["ltr", "rtl"]) {
    const { page, close } = await openPage(undefined, {}, `?dir=${dir}`);
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
    await page.keyboard.press("Tab");
    assert.equal(await focused(), "jump");
    await page.keyboard.press("Enter");
    assert.equal(await focused(), "stage");
    await page.keyboard.press("Space");
    assert.equal(await page.$eval("#play", (button) => button.textContent), "Play");
    await page.focus("#tab-moment");
    await page.keyboard.press(dir === "rtl" ? "ArrowLeft" : "ArrowRight");
    assert.equal(await focused(), "tab-dials");
    assert.ok(await page.isVisible("#panel-dials"));
    await page.keyboard.press("End");
    assert.ok(await page.isVisible("#panel-inspector"));
    await page.focus("#rail .explain");
    const asked = await page.evaluate(() => document.activeElement.ariaLabel);
    await page.keyboard.press("Enter");
    assert.ok(await page.isVisible("#why"));
    await page.keyboard.press("Escape");
    assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), asked, "the focus is where it was");
    await page.focus("#rail .choose");
    const title = await page.$eval("#rail .name", (one) => one.textContent);
    await rankedAfter(page, () => page.keyboard.press("Enter"));
    assert.equal(await page.$eval("#title", (one) => one.textContent), title);
    await close();
  }
});

test("nothing shifts while it loads or ranks by itself, and nothing is wider than the screen", async () => {
  const watchShifts = (page) =>
    page.addInitScript(() => {
      globalThis.shifts = [];
      new PerformanceObserver((list) => {
        for (const shift of list.getEntries()) if (!shift.hadRecentInput) shifts.push({ value: shift.value, of: shift.sources.map(({ node }) => node?.id || node?.className || node?.nodeName) });
      }).observe({ type: "layout-shift", buffered: true });
    });
  for (const [width, dir] of [[360, "ltr"], [360, "rtl"], [1280, "ltr"], [3840, "rtl"]]) {
    const { page, close } = await openPage(watchShifts, { viewport: { width, height: 900 } }, `?dir=${dir}`);
    await page.evaluate(() => document.querySelector("#skip").click());
    await page.waitForTimeout(400);
    const shifts = await page.evaluate(() => globalThis.shifts);
    const sum = shifts.reduce((total, { value }) => total + value, 0);
    assert.ok(sum < 0.01, `${width} ${dir}: ${JSON.stringify(shifts)}`);
    for (const tab of ["moment", "dials", "you", "network", "inspector"]) {
      await page.click(`#tab-${tab}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${width} ${dir}: ${tab} is wider than the screen`);
    }
    await close();
  }
});

test("axe finds nothing serious, by day and by night", { timeout: 120_000 }, async () => {
  const axe = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
  for (const colorScheme of ["light", "dark"]) {
    const { page, close } = await openPage(undefined, { colorScheme, viewport: colorScheme === "light" ? { width: 1280, height: 900 } : { width: 390, height: 844 } });
    await page.evaluate(axe);
    const look = async (where) => {
      const { violations, passes } = await page.evaluate((where) => globalThis.axe.run(where, { resultTypes: ["violations"] }), where);
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.slice(0, 3).map(({ html, failureSummary }) => `${html} ${failureSummary}`)]), [], `${colorScheme}, ${where}`);
      return passes.length;
    };
    await page.click("#play");
    await rankedAfter(page, () => page.click("#like"));
    for (const tab of ["moment", "dials", "you", "network", "inspector"]) {
      await page.click(`#tab-${tab}`);
      await page.waitForTimeout(50);
      await look(`#panel-${tab}`);
    }
    const checked = await look("html");
    assert.ok(checked > 20, `${checked} rules were checked`);
    await page.click("#rail .explain");
    await page.waitForFunction(() => document.querySelectorAll("#why-day .estimate").length === 8);
    await look("#why");
    await close();
  }
});

test("the handbook works from its folder: axe finds nothing serious, nothing is wider than the screen, the search finds", { timeout: 120_000 }, async () => {
  mkdirSync(workDir, { recursive: true });
  const folder = mkdtempSync(join(workDir, "handbook-"));
  await buildSite(folder);
  const axe = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");
  for (const [width, colorScheme] of [[390, "dark"], [1280, "light"]]) {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    const problems = [];
    page.on("console", (message) => ["error", "warning"].includes(message.type()) && problems.push(message.text()));
    for (const address of ["index.html", "benchmarks.html", "api/upnext.html"]) {
      await page.goto(pathToFileURL(join(folder, address)).href);
      await page.evaluate(axe);
      // It would fetch the style sheet, which a file may not.
      const { violations } = await page.evaluate(() => globalThis.axe.run("html", { resultTypes: ["violations"], preload: false }));
      assert.deepEqual(violations.filter(({ impact }) => impact === "serious" || impact === "critical").map(({ id, nodes }) => [id, nodes[0].html]), [], `${address} ${width}`);
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${address} is wider than ${width}`);
    }
    assert.equal(await page.isVisible('.pages [aria-current="page"]'), width > 960, "all pages are listed where there is room");
    await page.fill("#query", "RecommenderOptions origin");
    await page.waitForSelector("#found a");
    await page.click("#found a");
    assert.match(page.url(), /recommenderoptions/);
    assert.deepEqual(problems, []);
    await page.close();
  }
  rmSync(folder, { recursive: true, force: true });
});

testPlayground(() => ({ browser, site }));
