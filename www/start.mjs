// `npm start`: from a fresh clone to a personal Up Next rail in the browser.
import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensurePackages } from "../tests/lib/packages.mjs";
import { binary, cacheDir, root, workDir } from "../tests/lib/paths.mjs";
import { span, step } from "../tests/lib/step.mjs";
import { ensureBuildTools } from "../tests/tools.mjs";

const help = `npm start -- [options]

Builds the package, makes or imports a data set, trains, writes a bundle, starts the
candidate server and the demo page, and prints the address. What is unchanged is reused.

  --data DIR      a raw log to import (KuaiRand, MovieLens), or a directory of upnext tables;
                  without it a seeded world is simulated
  --port N        port of the page (default 5173, or a free one)
  --server-port N port of the candidate server (default 8787, or a free one)
  --users N --videos N   size of the simulated world
  --playground    build what the playground needs too, the module with tract: some
                  minutes, once; with it built before it is there without this
  --check         stop after everything is up (exit code 0)
  --help

Examples:
  npm start
  npm start -- --data ../shared/data/kuairand-pure
  npm start -- --users 500 --videos 800 --port 8080`;

let options;
try {
  options = parseArgs({
    options: {
      data: { type: "string" },
      port: { type: "string" },
      "server-port": { type: "string" },
      users: { type: "string" },
      videos: { type: "string" },
      playground: { type: "boolean" },
      check: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  }).values;
} catch (error) {
  console.error(`${error.message}\n\n${help}`);
  process.exit(2);
}
if (options.help) {
  console.log(help);
  process.exit(0);
}

/** Which importer reads this directory; undefined for a directory of upnext tables. */
function importerFor(dir) {
  const has = (...names) => names.some((name) => existsSync(join(dir, name)));
  if (has("dataset.json", "videos.csv", "videos.csv.zst", "videos.parquet")) return undefined;
  if (has("derived", "log_standard_4_22_to_5_08_pure.csv")) return "kuairand";
  if (has("ratings.csv", "ratings.dat", "u.data")) return "movielens";
  throw new Error(`${dir} holds neither upnext tables (videos, users, interactions) nor a KuaiRand or MovieLens log; see upnext-export import --help`);
}

/** Name, size and time of every file below a directory: enough to see that a raw log changed. */
function fingerprint(dir) {
  const hash = createHash("sha256");
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (!entry.isFile()) continue;
    const stat = statSync(join(entry.parentPath, entry.name));
    hash.update(`${entry.parentPath}/${entry.name} ${stat.size} ${Math.floor(stat.mtimeMs)}\n`);
  }
  return hash.digest("hex");
}

/** Runs `work` unless the stamp file already holds `key`. */
async function unlessUnchanged(stamp, key, work) {
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === key) return;
  await work();
  writeFileSync(stamp, key);
}

const portIsFree = (port) =>
  new Promise((done) => {
    const probe = createServer().once("error", () => done(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => done(true)));
  });

/** The wanted port; where none was asked for, the first free one from the default on. */
async function choosePort(asked, preferred, name) {
  if (asked !== undefined) {
    if (!(await portIsFree(Number(asked)))) throw new Error(`--${name} ${asked} is in use; choose another`);
    return Number(asked);
  }
  for (let port = preferred; port < preferred + 100; port++) if (await portIsFree(port)) return port;
  throw new Error(`no free port from ${preferred} on; give one with --${name}`);
}

const children = [];
function startChild(name, command, args, env = {}) {
  const child = spawn(command, args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  let tail = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (tail = (tail + chunk).slice(-4000)));
  child.on("exit", (code) => {
    if (stopping) return;
    console.error(`${name} ended with code ${code}\n${tail}`);
    void stop(1);
  });
  children.push(child);
  return child;
}

let stopping = false;
async function stop(code) {
  stopping = true;
  for (const child of children) child.kill("SIGTERM");
  await Promise.all(children.map((child) => child.exitCode ?? new Promise((done) => child.once("exit", done))));
  process.exit(code);
}
process.on("SIGINT", () => void stop(0));
process.on("SIGTERM", () => void stop(0));

async function waitFor(url, seconds) {
  const until = Date.now() + seconds * 1000;
  while (Date.now() < until) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not up yet.
    }
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`${url} did not answer within ${seconds} s`);
}

async function main() {
  const started = Date.now();
  await ensureBuildTools();
  ensurePackages();
  mkdirSync(workDir, { recursive: true });
  await step("package", "npm", ["run", "--silent", "build:compact"], { show: true });
  if (options.playground) await step("module of the playground", "npm", ["run", "--silent", "build:onnx"], { show: true });
  // The whole workspace: one choice of dependency features, so that start and test share what they compile.
  await step("upnext-export and upnext-server", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
  const exporter = binary("upnext-export");

  // Data.
  let data;
  let name;
  if (options.data === undefined) {
    const size = [];
    if (options.users) size.push("--users", options.users);
    if (options.videos) size.push("--videos", options.videos);
    name = ["simulated", ...size.filter((word) => !word.startsWith("--"))].join("-");
    data = join(workDir, name, "data");
    mkdirSync(join(workDir, name), { recursive: true });
    await unlessUnchanged(join(workDir, name, "data.stamp"), `simulate ${size.join(" ")} ${statSync(exporter).mtimeMs}`, () =>
      step("simulated world", exporter, ["simulate", "--out", data, ...size], { show: true }),
    );
  } else {
    const raw = resolve(options.data);
    if (!existsSync(raw)) throw new Error(`--data ${options.data}: no such directory`);
    const importer = importerFor(raw);
    name = basename(raw);
    mkdirSync(join(workDir, name), { recursive: true });
    data = importer === undefined ? raw : join(workDir, name, "data");
    if (importer !== undefined)
      await unlessUnchanged(join(workDir, name, "data.stamp"), `${importer} ${fingerprint(raw)} ${statSync(exporter).mtimeMs}`, () =>
        step(`import of ${name}`, exporter, ["import", importer, raw, "--out", data], { show: true }),
      );
  }

  // Model. `train` reuses every step whose inputs are unchanged.
  const bundle = join(workDir, name, "bundle");
  await step(`training on ${name}`, exporter, ["train", "--data", data, "--out", bundle], { show: true });

  // Page and server.
  const serverPort = await choosePort(options["server-port"], 8787, "server-port");
  const pagePort = await choosePort(options.port, 5173, "port");
  const origin = `http://127.0.0.1:${serverPort}`;
  const page = `http://127.0.0.1:${pagePort}`;
  await step("demo page", "node", ["www/build.mjs", "--origin", origin, "--name", name]);
  startChild("upnext-server", binary("upnext-server"), ["--bundle", bundle, "--listen", `127.0.0.1:${serverPort}`, "--cors-origin", page]);
  startChild("page", "node", ["www/serve.mjs", "--port", String(pagePort)]);
  await waitFor(`${origin}/healthz`, 30);
  await waitFor(page, 30);
  const playground = existsSync(join(root, "dist/onnx/upnext.js")) ? `${page}/playground.html` : "without its module yet: npm start -- --playground builds it, some minutes, once";
  console.log(`\n  upnext is up after ${span((Date.now() - started) / 1000)}\n  page        ${page}\n  server      ${origin}/healthz\n  playground  ${playground}\n  logs        ${join(cacheDir, "logs")}\n  Ctrl-C stops both.`);
  if (options.check) await stop(0);
}

main().catch((error) => {
  console.error(error.message);
  void stop(1);
});
