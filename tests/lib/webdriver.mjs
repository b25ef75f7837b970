// A browser behind its own driver, for browsers that playwright-core cannot start (Debian's Firefox), by the three
// WebDriver calls that a test page needs.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { useTools } from "../tools.mjs";
import { root } from "./paths.mjs";

const capabilities = JSON.parse(readFileSync(join(root, "crate/wasm/webdriver.json"), "utf8"));
const drivers = {
  chromium: { command: "chromedriver", args: ["--port=0"], listens: /started successfully on port (\d+)/, options: "goog:chromeOptions" },
  firefox: { command: "geckodriver", args: ["--port", "0"], listens: /Listening on [\d.]+:(\d+)/, options: "moz:firefoxOptions" },
};

/** Names of the browsers. */
export const browserNames = Object.keys(drivers);

/** Starts a driver and resolves with its process and port. */
function start({ command, args, listens }) {
  const driver = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let text = "";
    const read = (chunk) => {
      text += chunk;
      const port = listens.exec(text)?.[1];
      if (port) resolve({ driver, port });
    };
    driver.stdout.on("data", read);
    driver.stderr.on("data", read);
    driver.on("error", reject);
    driver.on("exit", (code) => reject(new Error(`${command} ended with ${code}:\n${text}`)));
  });
}

/**
 * A headless browser: `open(url)`, `until(script, ms)` resolves with the first result that is not null, `answer(url, ms)` with
 * what a page of tests/lib/pages has to say, or is rejected with its error, `close()`.
 */
export async function openBrowser(name) {
  useTools();
  const { driver, port } = await start(drivers[name]);
  const headers = { "content-type": "application/json" };
  const call = async (method, path, body) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body: body && JSON.stringify(body) });
    const { value } = await answer.json();
    if (!answer.ok) throw new Error(`${name}: ${value.error}: ${value.message}`);
    return value;
  };
  const { options } = drivers[name];
  let session;
  try {
    session = (await call("POST", "/session", { capabilities: { alwaysMatch: { [options]: capabilities[options] } } })).sessionId;
  } catch (error) {
    driver.kill();
    throw error;
  }
  return {
    open: (url) => call("POST", `/session/${session}/url`, { url }),
    async answer(url, ms = 60_000) {
      await this.open(url);
      const { error, ...answer } = JSON.parse(await this.until("return document.body?.dataset.result ?? null", ms));
      if (error !== undefined) throw new Error(`${name}, ${url}: ${error}`);
      return answer;
    },
    async until(script, ms) {
      for (const end = Date.now() + ms; Date.now() < end; await new Promise((done) => setTimeout(done, 100))) {
        const value = await call("POST", `/session/${session}/execute/sync`, { script, args: [] });
        if (value !== null) return value;
      }
      throw new Error(`${name}: nothing after ${ms} ms of \`${script}\``);
    },
    async close() {
      await call("DELETE", `/session/${session}`).finally(() => driver.kill());
    },
  };
}
