// Pictures of the demo page and the playground, to look at: widths, colours, directions, panels.
//   npm run screenshots [-- --page URL] [--out .upnext/screenshots] [--only 1280] [--demo]
//   npm run screenshots -- --html report.html --html .upnext/docs/index.html
// Without an address `npm start` is run for it. --demo writes docs/demo.png too, the README's picture. --html takes files instead: reports,
// the page of online metrics, the handbook.
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { root, workDir } from "../tests/lib/paths.mjs";

const { values } = parseArgs({ options: { page: { type: "string" }, out: { type: "string" }, only: { type: "string", default: "" }, demo: { type: "boolean", default: false }, html: { type: "string", multiple: true, default: [] } } });
const out = resolve(values.out ?? join(workDir, "screenshots"));

let starter;
/** The address of a page that is up. */
function start() {
  return new Promise((found, failed) => {
    starter = spawn("node", ["www/start.mjs"], { cwd: root, stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    starter.stdout.on("data", (chunk) => {
      text += chunk;
      const page = /page\s+(http:\S+)/.exec(text)?.[1];
      if (page) found(page);
    });
    starter.on("exit", (code) => failed(new Error(`npm start ended with ${code}`)));
  });
}

/** What is looked at: name, width, height, colours, direction, and what is opened. */
const VIEWS = [
  ["360-light", 360, 780, "light", "ltr", "moment"],
  ["360-dark-rtl", 360, 780, "dark", "rtl", "you"],
  ["768-dark", 768, 1024, "dark", "ltr", "network"],
  ["1280-light", 1280, 900, "light", "ltr", "moment"],
  ["1280-dark", 1280, 900, "dark", "ltr", "inspector"],
  ["1280-light-rtl", 1280, 900, "light", "rtl", "dials"],
  ["1280-light-you", 1280, 900, "light", "ltr", "you"],
  ["1280-dark-why", 1280, 900, "dark", "ltr", "why"],
  ["1920-dark", 1920, 1080, "dark", "ltr", "moment"],
  ["1920-light-rtl", 1920, 1080, "light", "rtl", "network"],
  ["2560-light", 2560, 1440, "light", "ltr", "inspector"],
  ["3840-dark", 3840, 2160, "dark", "ltr", "moment"],
  ["3840-light-rtl", 3840, 2160, "light", "rtl", "you"],
  ["playground-360-dark", 360, 780, "dark", "ltr", "sample"],
  ["playground-360-light-rtl", 360, 780, "light", "rtl", "sample"],
  ["playground-768-light", 768, 1024, "light", "ltr", "refused"],
  ["playground-1280-light", 1280, 900, "light", "ltr", "sample"],
  ["playground-1280-dark-rtl", 1280, 900, "dark", "rtl", "bad"],
  ["playground-1920-dark", 1920, 1080, "dark", "ltr", "sample"],
  ["playground-3840-light", 3840, 2160, "light", "ltr", "sample"],
];

/** The playground with the sample in it, with a tower that does not compile, or with a file that is none. */
async function openPlayground(page, opened) {
  await page.click("#sample");
  await page.waitForSelector("body[data-timed]:not([data-busy])", { timeout: 60_000 });
  if (opened === "refused") await page.setInputFiles("#file-tower", join(root, "tests/foreign/torch-recurrent.onnx"));
  if (opened === "bad") await page.setInputFiles("#file-candidates", { name: "mine.csv", mimeType: "text/csv", buffer: Buffer.from("id,title,v0,v1\na,Fog,0.5,one\n") });
}

/** The demo page with one of its panels open. */
async function openDemo(page, opened) {
  await page.click("#like");
  await page.click("#rail .choose");
  if (opened !== "why") return page.click(`#tab-${opened}`);
  await page.click("#rail .explain");
  await page.waitForFunction(() => document.querySelectorAll("#why-day .estimate").length === 8);
}

/** A file, narrow and dark, as wide as a laptop, and on a large screen; says where it is wider than the screen. */
async function pictureFile(browser, path) {
  const name = `${basename(dirname(resolve(path)))}-${basename(path, ".html")}`;
  for (const [width, colorScheme] of [[360, "dark"], [1280, "light"], [1280, "dark"], [3840, "light"]]) {
    const page = await browser.newPage({ viewport: { width, height: Math.round(width * 0.6) }, colorScheme });
    await page.goto(pathToFileURL(resolve(path)).href);
    const file = join(out, `${name}-${width}-${colorScheme}.png`);
    await page.screenshot({ path: file, fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    console.log(`${file}${wide > 0 ? `: ${wide} px wider than the screen` : ""}`);
    await page.close();
  }
}

mkdirSync(out, { recursive: true });
const address = values.page ?? (values.html.length > 0 ? undefined : await start());
const browser = await chromium.launch({ executablePath: process.env.UPNEXT_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
try {
  for (const path of values.html) await pictureFile(browser, path);
  for (const [name, width, height, colorScheme, dir, opened] of address === undefined ? [] : VIEWS.filter(([name]) => name.startsWith(values.only))) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce" });
    const page = await context.newPage();
    const playground = name.startsWith("playground");
    await page.goto(`${address}${playground ? "/playground.html" : ""}?dir=${dir}`);
    await page.waitForSelector("body[data-ready]", { timeout: 60_000 });
    if (playground && (await page.isVisible("#without"))) {
      console.log(`${name}: left out, the module with tract is not built: npm start -- --playground`);
      await context.close();
      continue;
    }
    await (playground ? openPlayground : openDemo)(page, opened);
    await page.waitForTimeout(1500);
    await page.evaluate(() => scrollTo(0, 0));
    const path = join(out, `${name}.png`);
    await page.screenshot({ path, fullPage: opened !== "why" });
    if (name === "1280-light" && values.demo) {
      await page.screenshot({ path });
      copyFileSync(path, join(root, "docs/demo.png"));
    }
    console.log(path);
    await context.close();
  }
} finally {
  await browser.close();
  starter?.removeAllListeners("exit");
  starter?.kill("SIGTERM");
}
