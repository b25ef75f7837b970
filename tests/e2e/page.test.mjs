// `npm start`, as a newcomer runs it, on a small world; then the page in a real Chromium.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";
import { root } from "../lib/paths.mjs";

const MINUTES = 60_000;
let starter;
let site;
let browser;

/** Starts `npm start` and resolves with the addresses that it prints. */
function start() {
  return new Promise((resolve, reject) => {
    starter = spawn("node", ["www/start.mjs", "--users", "400", "--videos", "500"], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
    let text = "";
    const read = (chunk) => {
      text += chunk;
      const found = /page\s+(http:\S+)\s+server\s+(http:\S+?)\/healthz/.exec(text);
      if (found) resolve({ page: found[1], server: found[2] });
    };
    starter.stdout.on("data", read);
    starter.stderr.on("data", read);
    starter.on("exit", (code) => reject(new Error(`npm start ended with ${code}:\n${text.slice(-4000)}`)));
  });
}

before(async () => {
  site = await start();
  browser = await chromium.launch({
    executablePath: process.env.UPNEXT_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
}, { timeout: 20 * MINUTES });

after(async () => {
  await browser?.close();
  if (starter?.exitCode === null) {
    starter.kill("SIGTERM");
    await new Promise((done) => starter.once("exit", done));
  }
});

/** A page of a viewer of their own, ready, with every request it makes. */
async function openPage(prepare = async () => {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: "en-GB", timezoneId: "Europe/Berlin" });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  const requests = [];
  page.on("request", (request) => {
    if (request.url().startsWith(site.server)) requests.push({ method: request.method(), url: request.url(), headers: declared(request.headers()), body: request.postData() });
  });
  await prepare(page);
  await page.goto(site.page);
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

async function setRange(page, selector, value) {
  await page.$eval(selector, (input, wanted) => {
    input.value = wanted;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }, String(value));
}

test("the rail is filled, every card says why, and something plays", async () => {
  const { page, problems, close } = await openPage();
  const ids = await rail(page);
  assert.equal(ids.length, 12);
  assert.equal(new Set(ids).size, 12);
  for (const why of await page.$$eval("#rail .why", (all) => all.map((one) => one.textContent))) assert.match(why, /\S+ · \d+ %/);
  const picture = () => page.$eval("#clip", (canvas) => canvas.toDataURL());
  const first = await picture();
  await page.waitForTimeout(600);
  assert.notEqual(await picture(), first, "the clip moves");
  assert.deepEqual(problems, []);
  if (process.env.UPNEXT_SCREENSHOT) await page.screenshot({ path: process.env.UPNEXT_SCREENSHOT });
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
    await page.click("#inspect");
    await page.waitForFunction(() => document.querySelector("#known").textContent !== "");
    return page.$eval("#known", (known) => known.textContent);
  };
  assert.match(await inspected(), /like[\s\S]*watch|watch[\s\S]*like/);
  await page.reload();
  await page.waitForSelector("body[data-ready]");
  const known = await inspected();
  assert.match(known, /like/);
  assert.ok(known.includes(watched), "the liked video is in the history after a reload");
  await rankedAfter(page, () => page.click("#wipe"));
  await page.waitForFunction(() => document.querySelector("#known").textContent.includes("no events"));
  await close();
});

test("requests are the same bytes in the same order for every viewer and moment", async () => {
  const seen = [];
  for (const viewer of [{ device: "phone", hour: 2, age: "", language: "" }, { device: "tv", hour: 20, age: "71", language: "hi" }]) {
    const { page, requests, close } = await openPage();
    await page.selectOption("#device", viewer.device);
    await setRange(page, "#hour", viewer.hour);
    await page.fill("#age", viewer.age);
    await page.fill("#language", viewer.language);
    await page.click("#like");
    await page.click("#refresh");
    await page.waitForTimeout(700);
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
  await page.click("#refresh");
  await page.waitForSelector("#notice:not([hidden])");
  assert.match(await page.$eval("#notice", (notice) => notice.textContent), /server-unreachable/);
  assert.deepEqual(await rail(page), before);
  await page.unroute(`${site.server}/**`);
  await page.route(`${site.server}/v1/**`, async (route) => {
    const answer = await route.fetch();
    await route.fulfill({ response: answer, body: (await answer.body()).subarray(0, 999) });
  });
  await page.click("#refresh");
  await page.waitForFunction(() => document.querySelector("#notice").textContent.includes("block-"));
  assert.deepEqual(await rail(page), before);
  assert.deepEqual(problems, [], "nothing trapped");
  await close();
});
