// The site of one arm: the real server on a clock of its own, its events, its bundles.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { binary } from "../lib/paths.mjs";
import { ADMIN_KEY, startServer, tokenOf } from "../lib/server.mjs";
import { DAY_MS } from "./world.mjs";

const execute = promisify(execFile);

/** Runs one of the two programs; what it says is in the error where it fails. */
export async function run(program, ...args) {
  try {
    return (await execute(binary(program), args, { maxBuffer: 1 << 26 })).stdout;
  } catch (error) {
    throw new Error(`${program} ${args[0]}: ${String(error.stderr).slice(-2000) || error.message}`, { cause: error });
  }
}

/** Id of the bundle that a root names. */
export const currentBundle = (root) => JSON.parse(readFileSync(join(root, "current.json"), "utf8")).bundle;

/**
 * Trains on tables as they are at `nowMs`: three fifths of their time teach the factors, the rest up to the last day towers and
 * ranker. The last day is left for the test window, which may not be empty. Where the root has a bundle, devices get what
 * carries their history over to the new one.
 */
export async function train({ tables, bundle, fromMs, nowMs, seed, epochs }) {
  const path = join(tables, "dataset.json");
  const split = { factors_until_ms: Math.round(fromMs + 0.6 * (nowMs - fromMs)), train_until_ms: nowMs - DAY_MS };
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), split }));
  const more = [...(existsSync(join(bundle, "current.json")) ? ["--previous", bundle] : []), ...(epochs ? ["--epochs", String(epochs)] : [])];
  await run("upnext-export", "train", "--data", tables, "--out", bundle, "--seed", String(seed), ...more);
  return currentBundle(bundle);
}

/** A running server with a folder and a bundle root, `bundleId` being what it serves. It knows what time it is by `setTime` alone. */
export class Site {
  #clock;
  #server;
  #tokens = new Map();

  constructor(folder, bundle) {
    Object.assign(this, { folder, bundle, bundleId: currentBundle(bundle), nowMs: 0, origin: "" });
    this.#clock = join(folder, "clock");
  }

  /** Starts the server of a bundle root at an instant; events go into `folder`. */
  static async open(folder, bundle, nowMs, ...more) {
    mkdirSync(folder, { recursive: true });
    const site = new Site(folder, bundle);
    site.setTime(nowMs);
    const flags = ["--data", join(folder, "live"), "--clock-file", site.#clock, "--account-burst", "1000000", "--recall-every", "0"];
    const { origin, server } = await startServer(bundle, ...flags, ...more);
    site.origin = origin;
    site.#server = server;
    return site;
  }

  setTime(nowMs) {
    this.nowMs = nowMs;
    // In one step: the server never reads half a time.
    writeFileSync(`${this.#clock}.next`, String(Math.round(nowMs)));
    renameSync(`${this.#clock}.next`, this.#clock);
  }

  tokenOf(account) {
    if (!this.#tokens.has(account)) this.#tokens.set(account, tokenOf(account));
    return this.#tokens.get(account);
  }

  async request(path, init = {}) {
    const answer = await fetch(this.origin + path, init);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text.slice(0, 500)}`);
    return text === "" ? undefined : JSON.parse(text);
  }

  /** A block as JSON: of an account, or the public one. */
  block({ account, languages, size }) {
    const headers = { accept: "application/json", ...(account && { authorization: `Bearer ${this.tokenOf(account)}` }) };
    return this.request(`/v1/candidates?languages=${languages.join()}&size=${size}`, { headers });
  }

  /** A video arrives. */
  put({ id, video }) {
    return this.request(`/v1/videos/${encodeURIComponent(id)}`, { method: "PUT", headers: { "x-upnext-admin-key": ADMIN_KEY }, body: JSON.stringify(video) });
  }

  /** Tells events: an account's own, or with the admin key everybody's. None may be refused. */
  async tell(events, account) {
    const headers = account === undefined ? { "x-upnext-admin-key": ADMIN_KEY } : { authorization: `Bearer ${this.tokenOf(account)}` };
    const { refused } = await this.request("/v1/events", { method: "POST", headers, body: JSON.stringify({ events }) });
    if (refused.length > 0) throw new Error(`${refused.length} events were refused: ${refused[0].message}`);
  }

  /** The online metrics of the days before now, as the server counts them. */
  online(days) {
    return this.request(`/v1/metrics/online?days=${days}`, { headers: { "x-upnext-admin-key": ADMIN_KEY } });
  }

  /** Exports what was told, on top of the base, trains, and waits until the running server has changed to the new bundle. */
  async retrain({ base, fromMs, seed, epochs }) {
    const tables = join(this.folder, "tables");
    rmSync(tables, { recursive: true, force: true });
    await run("upnext-server", "export-events", "--data", join(this.folder, "live"), "--bundle", this.bundle, "--base", base, "--out", tables);
    const id = await train({ tables, bundle: this.bundle, fromMs, nowMs: this.nowMs, seed, epochs });
    rmSync(tables, { recursive: true, force: true });
    for (const until = Date.now() + 60_000; (await this.request("/healthz")).bundle !== id; ) {
      if (Date.now() > until) throw new Error(`the server has not changed to bundle ${id}`);
      await new Promise((done) => setTimeout(done, 100));
    }
    this.bundleId = id;
  }

  /** Ends the server; resolves when it has ended. */
  close() {
    const ended = new Promise((done) => this.#server.once("exit", done));
    this.#server.kill("SIGTERM");
    return ended;
  }
}
