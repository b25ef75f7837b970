// The real server, small bundles for it, and tokens of its accounts.
import { execFileSync, spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { binary, root, workDir } from "./paths.mjs";

export const SECRET = "a secret of the tests, 32 bytes+";
export const ADMIN_KEY = "the admin key of the tests, 32 b+";
const environment = { ...process.env, UPNEXT_TOKEN_SECRET: SECRET, UPNEXT_ADMIN_KEY: ADMIN_KEY };

/** Compiles both programs where they are not. */
export function buildPrograms() {
  execFileSync("cargo", ["build", "--release", "--locked", "--workspace", "--bins"], { cwd: root, stdio: ["ignore", "pipe", "pipe"] });
}

/** Starts the server on `bundle` on a free port; resolves with its origin and process. */
export function startServer(bundle, ...more) {
  const server = spawn(binary("upnext-server"), ["--bundle", bundle, "--listen", "127.0.0.1:0", "--log-json", ...more], { stdio: ["ignore", "ignore", "pipe"], env: environment });
  return new Promise((found, failed) => {
    let log = "";
    server.on("exit", () => failed(new Error(log)));
    server.stderr.on("data", (chunk) => {
      if (log.length < 4096) log += chunk;
      const origin = /serving on (http:\/\/[\d.:]+)/.exec(log)?.[1];
      if (origin) found({ origin, server });
    });
  });
}

const base64url = (value) => Buffer.from(value).toString("base64url");

/** A token of an account, good for a day. */
export function tokenOf(account) {
  const head = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify({ sub: account, exp: Math.floor(Date.now() / 1000) + 86_400 }))}`;
  return `${head}.${createHmac("sha256", SECRET).update(head).digest("base64url")}`;
}

/**
 * Two small bundles of one data set, made anew when the program that makes them is another: `{ ids: [first, second], root }`. Test
 * files run side by side: what is made is put in place when it is whole.
 */
export function smallBundles() {
  const exporter = binary("upnext-export");
  const stamp = String(Math.floor(statSync(exporter).mtimeMs));
  const folder = join(workDir, "bundles", stamp);
  if (!existsSync(folder)) {
    const all = join(workDir, "bundles");
    mkdirSync(all, { recursive: true });
    for (const old of readdirSync(all)) if (/^\d+$/.test(old)) rmSync(join(all, old), { recursive: true, force: true });
    const made = mkdtempSync(join(all, "made-"));
    const at = (name) => join(made, name);
    const run = (...args) => execFileSync(exporter, args, { stdio: ["ignore", "pipe", "pipe"] });
    run("simulate", "--users", "60", "--videos", "80", "--out", at("tables"));
    const ids = ["1", "2"].map((epochs) => {
      run("train", "--data", at("tables"), "--out", at("bundle"), "--epochs", epochs);
      return JSON.parse(readFileSync(at("bundle/current.json"), "utf8")).bundle;
    });
    writeFileSync(at("ids.json"), JSON.stringify(ids));
    try {
      renameSync(made, folder);
    } catch {
      // Another test file was faster.
      rmSync(made, { recursive: true, force: true });
    }
  }
  return { ids: JSON.parse(readFileSync(join(folder, "ids.json"), "utf8")), root: join(folder, "bundle") };
}
