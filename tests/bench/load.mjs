// What it proves: what a server takes with as many videos as a large site has. Requests per second and latencies of account
// candidates under a steady rate from a second process, memory, time until it is ready, durable events per second, size of
// a block; beside a rival in the same run: FAISS (IVF) behind Python's own HTTP server, which answers with ids and scores alone.
//
//   npm run bench:load -- [--videos 1000000] [--rate 500] [--seconds 20] [--bundle DIR] [--json FILE] [--no-rival]
//
// The bundle is that of a simulated world (or --bundle), enlarged by `upnext-export enlarge`: near copies of its videos. The
// load generator is autocannon, of npm, which nothing but this depends on; load-client.mjs keeps its rate. Server, generator and
// rival share the machine's cores, one server at a time. Fails where the 99th percentile at that rate is above 20 ms, or something
// else than 200 comes.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { binary, cacheDir, root, workDir } from "../lib/paths.mjs";
import { ADMIN_KEY, SECRET, tokenOf } from "../lib/server.mjs";
import { step } from "../lib/step.mjs";
import { benchBundle, benchPython } from "./prepare.mjs";
import { keepRecord } from "./record.mjs";
import { loadTables } from "./tables.mjs";

const AUTOCANNON = "8.0.0";
const WANTED_P99_MS = 20;
const ACCOUNTS = 500;

const { values: options } = parseArgs({
  options: {
    videos: { type: "string", default: "1000000" },
    rate: { type: "string", default: "500" },
    seconds: { type: "string", default: "20" },
    index: { type: "string", default: "auto" },
    bundle: { type: "string" },
    json: { type: "string" },
    "no-rival": { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});
if (options.help) {
  console.log(`npm run bench:load -- [options]

  --videos N      videos of the bundle (default: 1000000)
  --rate N        requests per second that are asked for (default: 500)
  --seconds N     of each measurement (default: 20)
  --index KIND    exact, cells or auto, for the server (default: auto)
  --bundle DIR    bundle root to enlarge (default: of a simulated world, trained once)
  --json FILE     file to write the record to
  --no-rival      leave FAISS out

Takes about five minutes with a million videos once programs and packages are there.`);
  process.exit(0);
}
const videos = Number(options.videos);
const seconds = Number(options.seconds);
const rate = Number(options.rate);

await step("programs", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
const packages = join(cacheDir, `bench-load-${AUTOCANNON}`);
if (!existsSync(join(packages, "node_modules", "autocannon"))) {
  mkdirSync(packages, { recursive: true });
  writeFileSync(join(packages, "package.json"), '{"private": true}\n');
  await step("autocannon", "npm", ["install", "--prefix", packages, "--no-audit", "--no-fund", "--silent", `autocannon@${AUTOCANNON}`]);
}
const python = options["no-rival"] ? undefined : await benchPython();
const small = options.bundle ?? (await benchBundle());
const large = join(workDir, "bench-large");
const stamp = join(large, "stamp");
const wanted = `${readFileSync(join(small, "current.json"), "utf8").trim()} ${videos}`;
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
  rmSync(large, { recursive: true, force: true });
  await step("enlarge", binary("upnext-export"), ["enlarge", small, "--videos", String(videos), "--out", large]);
  writeFileSync(stamp, wanted);
}
const scratch = mkdtempSync(join(tmpdir(), "upnext-load-"));
const at = (name) => join(scratch, name);
const exported = (...words) => execFileSync(binary("upnext-export"), ["vectors", large, ...words], { stdio: ["ignore", "ignore", "inherit"] });
exported("--side", "user-factors", "--npy", at("users.npy"), "--ids", at("accounts"));
exported("--side", "items", "--ids", at("videos"));
const lines = (name) => readFileSync(at(name), "utf8").trim().split("\n");
const accounts = lines("accounts").slice(0, ACCOUNTS);
const ids = lines("videos");

/** What a process holds, in bytes: all of it, and what is its own. The rest are pages of files, which the system may take back. */
function resident({ pid }) {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const [memory, own_memory] = ["VmRSS", "RssAnon"].map((name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)[1]) * 1024);
  return { memory, own_memory };
}

/** Bytes of an answer's body as they are sent. */
const bytesOnTheWire = (url, headers) =>
  new Promise((found, failed) => {
    get(url, { headers }, (answer) => {
      let bytes = 0;
      answer.on("data", (chunk) => (bytes += chunk.length)).on("end", () => found(bytes));
    }).on("error", failed);
  });

const freePort = () =>
  new Promise((found) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });

/** Starts a server; resolves when it answers `path`, with the seconds that it took. */
async function start(command, words, env, port, path) {
  const started = performance.now();
  const child = spawn(command, words, { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, ...env } });
  let ended;
  child.on("exit", (code) => (ended = code ?? "a signal"));
  const origin = `http://127.0.0.1:${port}`;
  for (;;) {
    if (await fetch(`${origin}${path}`).then(({ ok }) => ok, () => false)) break;
    if (ended !== undefined) throw new Error(`${command} ended with ${ended}`);
    if (performance.now() - started > 300_000) throw new Error(`${command} does not answer`);
    await new Promise((done) => setTimeout(done, 20));
  }
  return { child, origin, ready: (performance.now() - started) / 1000 };
}

async function stop({ child }) {
  const ended = new Promise((done) => child.on("exit", done));
  child.kill("SIGTERM");
  await ended;
}

/** Runs the load generator in a process of its own. */
function load(name, job) {
  process.stderr.write(`  ${name}: ${job.seconds} s\n`);
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [join(root, "tests/bench/load-client.mjs"), packages], { stdio: ["pipe", "pipe", "inherit"] });
    let text = "";
    child.stdout.on("data", (chunk) => (text += chunk));
    child.on("exit", (code) => (code === 0 ? done(JSON.parse(text)) : failed(new Error(`${name}: the load generator failed`))));
    child.stdin.end(JSON.stringify(job));
  });
}

/** Seconds of processors that a process has used. */
function processorSeconds({ pid }) {
  // After the name, which may hold anything: the fields from the third on; the 14th and 15th are hundredths of a second.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** What the same requests take at a steady rate, and as many as four connections get through. */
async function candidates(name, { child, origin }, requests) {
  await load(`${name}, warming up`, { origin, requests, connections: 4, seconds: 3 });
  const before = processorSeconds(child);
  const steady = await load(`${name}, ${rate}/s`, { origin, requests, connections: 64, rate, seconds });
  steady.processor_ms = ((processorSeconds(child) - before) / steady.requests) * 1000;
  const most = await load(`${name}, as fast as four connections are answered`, { origin, requests, connections: 4, seconds: seconds / 2 });
  return { steady, most };
}

const event = (id, place) => ({ id, type: "watch", video_id: ids[(place * 7919) % ids.length], seconds: 31.5, timestamp: Date.now(), surface: "up-next" });
const bodies = (account, count, first) => ({
  method: "POST",
  path: "/v1/events",
  headers: { authorization: `Bearer ${tokenOf(account)}`, "content-type": "application/json" },
  body: JSON.stringify({ events: Array.from({ length: count }, (_, place) => event(`[<id>]-${place}`, first + place)) }),
});

const record = { videos, rate, seconds, cores: cpus().length, index: options.index };
let failure;
try {
  const port = await freePort();
  const server = await start(
    binary("upnext-server"),
    ["--bundle", large, "--listen", `127.0.0.1:${port}`, "--data", at("data"), "--index", options.index, "--account-rate", "1000000", "--account-burst", "1000000", "--max-in-flight", "1024"],
    { UPNEXT_TOKEN_SECRET: SECRET, UPNEXT_ADMIN_KEY: ADMIN_KEY, RUST_LOG: "warn" },
    port,
    "/readyz",
  );
  record.upnext = { ready_seconds: server.ready, ...resident(server.child), is_exact: (await (await fetch(`${server.origin}/healthz`)).json()).index_is_exact };
  // Accounts that have done something: neighbours and what is near have to be looked for too.
  for (const [place, account] of accounts.entries()) {
    const { path, headers, body } = bodies(account, 10, place * 10);
    const answer = await fetch(`${server.origin}${path}`, { method: "POST", headers, body: body.replaceAll("[<id>]", `past-${place}`) });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  }
  const requests = accounts.map((account) => ({ path: "/v1/candidates?size=500", headers: { authorization: `Bearer ${tokenOf(account)}` } }));
  const block = await fetch(`${server.origin}${requests[0].path}`, { headers: { ...requests[0].headers, "accept-encoding": "identity" } });
  record.upnext.block_bytes = (await block.arrayBuffer()).byteLength;
  const { rows } = await (await fetch(`${server.origin}${requests[0].path}`, { headers: { ...requests[0].headers, accept: "application/json" } })).json();
  const shown = rows.flatMap(({ title, thumbnail }) => [title, thumbnail]).filter((text) => text !== null);
  record.upnext.shown_bytes = shown.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  record.upnext.gzip_bytes = await bytesOnTheWire(`${server.origin}${requests[0].path}`, { ...requests[0].headers, "accept-encoding": "gzip" });
  Object.assign(record.upnext, await candidates("upnext", server, requests));
  record.upnext.memory_after = resident(server.child).memory;
  for (const count of [1, 100]) {
    const job = { origin: server.origin, requests: accounts.map((account, place) => bodies(account, count, place)), connections: 64, seconds: seconds / 2, ids: true };
    const { requests_per_second, p99, failed } = await load(`upnext, ${count === 1 ? "one event" : `${count} events`} a request`, job);
    record.upnext[`events_of_${count}`] = { events_per_second: requests_per_second * count, p99, failed };
  }
  await stop(server);

  if (python !== undefined) {
    exported("--side", "item-factors", "--npy", at("factors.npy"));
    const port = await freePort();
    const words = [join(root, "tests/bench/faiss_server.py"), "--port", String(port), "--factors", at("factors.npy"), "--users", at("users.npy"), "--report", at("faiss.json")];
    const rival = await start(python, words, {}, port, "/ready");
    const asked = accounts.map((_, row) => ({ path: `/candidates?account=${row}&size=500`, headers: {} }));
    record.faiss = { ready_seconds: rival.ready, ...resident(rival.child), ...JSON.parse(readFileSync(at("faiss.json"), "utf8")), ...(await candidates("FAISS", rival, asked)) };
    await stop(rival);
  }

  const number = (value, digits = 1) => value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: digits });
  const row = (name, of) => [name, ...[record.upnext, record.faiss].filter(Boolean).map(of)];
  const table = [
    ["", "upnext", ...(record.faiss ? [`FAISS ${record.faiss.index}, Python`] : [])],
    row(`p50 at ${rate}/s`, ({ steady }) => `${number(steady.p50, 2)} ms`),
    row("p99", ({ steady }) => `${number(steady.p99, 2)} ms`),
    row("p99.9", ({ steady }) => `${number(steady.p999, 2)} ms`),
    row("processor time of a request", ({ steady }) => `${number(steady.processor_ms, 2)} ms`),
    row("of the load generator for it", ({ steady }) => `${number(steady.generator_ms, 2)} ms`),
    row("answered at that rate", ({ steady }) => `${number(steady.requests_per_second, 0)}/s`),
    row("most over four connections", ({ most }) => `${number(most.requests_per_second, 0)}/s`),
    row("bytes of an answer", ({ most }) => number(most.bytes, 0)),
    row("time until it is ready", ({ ready_seconds }) => `${number(ready_seconds)} s`),
    row("memory per million videos", ({ memory }) => `${number(((memory / videos) * 1e6) / 1e9, 2)} GB`),
    row("its own, not pages of files", ({ own_memory }) => `${number(((own_memory / videos) * 1e6) / 1e9, 2)} GB`),
  ];
  for (const line of table) console.log(line.map((cell, at) => (at === 0 ? cell.padEnd(30) : cell.padStart(38))).join(""));
  if (record.faiss) {
    record.ratio = { most: record.upnext.most.requests_per_second / record.faiss.most.requests_per_second, p99: record.faiss.steady.p99 / record.upnext.steady.p99 };
    console.log(`upnext against it: ${number(record.ratio.most, 2)}x the requests, its p99 is ${number(record.ratio.p99, 2)}x ours`);
  }
  for (const count of [1, 100]) {
    const { events_per_second, p99 } = record.upnext[`events_of_${count}`];
    console.log(`${count} a request: ${number(events_per_second, 0)} durable events/s, p99 ${number(p99)} ms`);
  }
  const { block_bytes, shown_bytes, gzip_bytes } = record.upnext;
  console.log(`block of 500: ${number(block_bytes, 0)} bytes, ${number(shown_bytes, 0)} of them titles and thumbnails' addresses; ${number(gzip_bytes, 0)} with gzip`);
  console.log(`memory after the load ${number(record.upnext.memory_after / 1e9, 2)} GB`);
  const failed = record.upnext.steady.failed + record.upnext.most.failed + record.upnext.events_of_1.failed + record.upnext.events_of_100.failed;
  if (failed > 0) failure = `${failed} requests were not answered with 200`;
  else if (record.upnext.steady.p99 > WANTED_P99_MS) failure = `p99 is ${number(record.upnext.steady.p99)} ms, wanted: ${WANTED_P99_MS} ms`;
  else if (record.upnext.steady.requests_per_second < 0.98 * rate) failure = `${number(record.upnext.steady.requests_per_second)} requests/s were answered, wanted: ${rate}`;
  keepRecord(options.json, { script: "bench:load", tables: loadTables(record), missed: failure ? [failure] : [] });
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (failure) {
  console.error(failure);
  process.exitCode = 1;
}
