// Pictures of the demo page, to look at: widths, colours, directions, panels.
//   npm run screenshots [-- --page URL] [--out .upnext/screenshots] [--only 1280] [--demo]
// Without an address `npm start` is run for it. --demo writes docs/demo.png too, the README's picture.
import { spawn } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { root, workDir } from "../tests/lib/paths.mjs";

const { values } = parseArgs({ options: { page: { type: "string" }, out: { type: "string" }, only: { type: "string", default: "" }, demo: { type: "boolean", default: false } } });
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
  ["2560-light", 2560, 1440, "light", "ltr", "inspector"],
  ["3840-dark", 3840, 2160, "dark", "ltr", "moment"],
];

mkdirSync(out, { recursive: true });
const address = values.page ?? (await start());
const browser = await chromium.launch({ executablePath: process.env.UPNEXT_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
try {
  for (const [name, width, height, colorScheme, dir, opened] of VIEWS.filter(([name]) => name.startsWith(values.only))) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme, locale: "en-GB", timezoneId: "Europe/Berlin", reducedMotion: "reduce" });
    const page = await context.newPage();
    await page.goto(`${address}?dir=${dir}`);
    await page.waitForSelector("body[data-ready]", { timeout: 60_000 });
    await page.click("#like");
    await page.click("#rail .choose");
    if (opened === "why") {
      await page.click("#rail .explain");
      await page.waitForFunction(() => document.querySelectorAll("#why-day .estimate").length === 8);
    } else await page.click(`#tab-${opened}`);
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
