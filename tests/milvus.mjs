// Several servers over one Milvus, for real: Milvus (PyPI `milvus`, standalone: proxy, coordinators, nodes, embedded etcd), two
// `upnext-server`s over it behind HAProxy, and a client that counts every answer. All of it runs in a network namespace of its
// own, since Milvus listens on all interfaces.
//
//   npm run milvus                        what `npm run test:full` runs: recall, filters, one server killed, Milvus killed
//   npm run milvus -- --videos 20000      videos of the enlarged bundle (default: 20000)
//   npm run milvus -- --serve DIR         Milvus and a server over the bundle root DIR, until ctrl-c: to look at
//
// Fails where candidates find less than 97 % of what the embedded exact index finds, a block is not full, a request fails while
// one of the servers is killed, or what Milvus held is not there after it was killed.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benchBundle } from "./bench/prepare.mjs";
import { binary, cacheDir, root, workDir } from "./lib/paths.mjs";
import { ADMIN_KEY, SECRET, tokenOf } from "./lib/server.mjs";
import { step } from "./lib/step.mjs";
import { ensureBalancer } from "./tools.mjs";

const MILVUS = "2.3.5";
const WANTED_RECALL = 0.97;
const SIZE = 500;
const LIMITS = ["--account-rate", "1000000", "--account-burst", "1000000", "--max-in-flight", "1024"];
const URL = "http://127.0.0.1:19530";
/** Ports inside the namespace: two servers over Milvus, one exact, the balancer, a server to whose audience little may be shown, one with a graph. */
const PORT = { a: 8801, b: 8802, exact: 8803, balancer: 8800, few: 8804, fewExact: 8805, graph: 8806 };

const { values: flags } = parseArgs({
  options: { videos: { type: "string", default: "20000" }, serve: { type: "string" }, json: { type: "string" }, inside: { type: "string" } },
});
const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];

if (flags.inside === undefined) await outside();
else await inside(JSON.parse(flags.inside));

/** Programs, packages and bundles; then the same file again, in a namespace without a network. */
async function outside() {
  if (process.platform !== "linux") throw new Error("a network namespace needs Linux; elsewhere use `podman compose --profile distributed up`");
  const venv = join(cacheDir, `milvus-${MILVUS}`);
  const milvus = join(venv, "bin", "milvus-server");
  if (!existsSync(milvus)) {
    await step("virtual environment", "python3", ["-m", "venv", "--clear", venv]);
    await step(`Milvus ${MILVUS}`, join(venv, "bin", "pip"), ["install", "-q", "--disable-pip-version-check", `milvus==${MILVUS}`]);
  }
  if (!flags.serve) await ensureBalancer();
  const scratch = mkdtempSync(join(tmpdir(), "upnext-milvus-"));
  let code = 1;
  try {
    const features = ["--features", "upnext-server/milvus"];
    const cargo = ["--release", "--locked", "--workspace"];
    await step("programs, with Milvus", "cargo", ["build", ...cargo, "--bins", ...features]);
    // The next build without the feature puts its own in this place.
    const server = join(scratch, "upnext-server");
    copyFileSync(binary("upnext-server"), server);
    const job = { milvus, server, scratch, serve: flags.serve, json: flags.json };
    if (!flags.serve) {
      const { output } = await step("tests against Milvus, compiled", "cargo", ["test", ...cargo, ...features, "--no-run", "--test", "spec", "--message-format=json-render-diagnostics"]);
      // Progress and messages share the output, so the path is looked for and no line is parsed.
      job.tests = /"executable":"([^"]+\/spec-[0-9a-f]+)"/.exec(output)?.[1];
      if (!job.tests) throw new Error("cargo names no program with the tests");
      job.bundle = await enlarged(await benchBundle());
    }
    const again = [fileURLToPath(import.meta.url), "--inside", JSON.stringify(job)];
    // Processes in a namespace of their own too: whatever is started in there ends with the first of them.
    const child = spawn("unshare", [...(process.getuid() === 0 ? [] : ["--map-root-user"]), "--net", "--pid", "--mount-proc", "--kill-child", process.execPath, ...again], { stdio: "inherit" });
    process.on("SIGINT", () => {});
    if (flags.serve) console.log(`a network namespace of its own: enter it with nsenter --net=/proc/${child.pid}/ns/net`);
    code = await new Promise((done) => child.on("exit", (code) => done(code ?? 1)));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  process.exitCode = code;
}

/** Near copies of a bundle's videos, made once for each build of the exporter. */
async function enlarged(small) {
  const large = join(workDir, "milvus");
  const stamp = join(large, "stamp");
  const wanted = `${readFileSync(join(small, "current.json"), "utf8").trim()} ${flags.videos} ${statSync(binary("upnext-export")).mtimeMs}`;
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== wanted) {
    rmSync(large, { recursive: true, force: true });
    mkdirSync(large, { recursive: true });
    await step("enlarge", binary("upnext-export"), ["enlarge", small, "--videos", flags.videos, "--out", join(large, "bundle")]);
    execFileSync(binary("upnext-export"), ["vectors", join(large, "bundle"), "--side", "user-factors", "--npy", join(large, "users.npy"), "--ids", join(large, "accounts")]);
    writeFileSync(stamp, wanted);
  }
  return large;
}

async function inside({ milvus, server, scratch, serve, json, tests, bundle }) {
  execFileSync("ip", ["link", "set", "lo", "up"]);
  const at = (name) => join(scratch, name);
  let started = 0;

  /** Starts a program whose output goes to a file. */
  function start(name, command, args, env = {}, cwd = scratch) {
    const log = at(`${name}-${started++}.log`);
    const child = spawn("sh", ["-c", 'log=$1; shift; exec "$@" >>"$log" 2>&1', "sh", log, command, ...args], { stdio: "ignore", env: { ...process.env, ...env }, cwd });
    child.ended = new Promise((done) => child.on("exit", (code, signal) => ((child.is = code ?? signal), done())));
    child.log = () => readFileSync(log, "utf8");
    return child;
  }

  async function until(what, is, seconds, child) {
    const started = performance.now();
    while (!(await is())) {
      if (child?.is !== undefined) throw new Error(`${what}: ended with ${child.is}\n${child.log().slice(-3000)}`);
      if (performance.now() - started > seconds * 1000) throw new Error(`${what}: not within ${seconds} s\n${child?.log().slice(-3000) ?? ""}`);
      await pause(50);
    }
    return (performance.now() - started) / 1000;
  }

  // `milvus-server` writes a configuration and starts Milvus with it. Ports that are still waiting after a kill look taken to it,
  // and it would take others: from the second time on Milvus itself is started, with what it was started with.
  function startMilvus() {
    const data = at("milvus");
    const program = join(data, "bin", "milvus");
    if (!existsSync(program)) return start("milvus", milvus, ["--data", data]);
    const env = { DEPLOY_MODE: "STANDALONE", METRICS_PORT: "9091", MILVUS_RUN_DIR: join(data, "run"), LD_LIBRARY_PATH: join(data, "bin") };
    return start("milvus-again", program, ["run", "standalone"], env, data);
  }
  const environment = { UPNEXT_TOKEN_SECRET: SECRET, UPNEXT_ADMIN_KEY: ADMIN_KEY, RUST_LOG: "info" };
  const startServer = (name, folder, ...more) => start(name, server, ["--bundle", folder, "--listen", `127.0.0.1:${PORT[name]}`, "--log-json", ...LIMITS, ...more], environment);
  const overMilvus = ["--index", "milvus", "--milvus-url", URL];
  const say = (...words) => console.log(words.join(" "));

  // The first process of a namespace hears no signal that it does not ask for.
  process.on("SIGTERM", () => process.exit(143));
  process.on("SIGINT", () => process.exit(serve ? 0 : 130));

  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  /** One request; a failure of the connection is an answer too. */
  function get(port, path, account, accept = "application/json") {
    const headers = { accept, ...(account ? { authorization: `Bearer ${tokenOf(account)}` } : {}) };
    const started = performance.now();
    return new Promise((done) => {
      const sent = request({ host: "127.0.0.1", port, path, headers, agent, timeout: 20_000 }, (answer) => {
        const parts = [];
        answer.on("data", (part) => parts.push(part));
        answer.on("error", (error) => done({ status: 0, error: error.message }));
        answer.on("aborted", () => done({ status: 0, error: "cut off" }));
        answer.on("end", () => done({ status: answer.statusCode, missing: answer.headers["x-upnext-missing"], headers: answer.headers, text: Buffer.concat(parts).toString(), ms: performance.now() - started }));
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer")));
      sent.on("error", (error) => done({ status: 0, error: error.message }));
      sent.end();
    });
  }
  const ready = (port) => get(port, "/readyz").then(({ status, text }) => (status === 200 && text === "ready\n" ? true : false));
  const candidates = (port, account, size = SIZE) => get(port, `/v1/candidates?size=${size}`, account);

  const process1 = startMilvus();
  if (serve) {
    const one = startServer("a", serve, ...overMilvus);
    await until("server", () => ready(PORT.a), 600, one);
    say(`in there: Milvus at ${URL}, a server over it at http://127.0.0.1:${PORT.a}; logs in ${scratch}; ctrl-c ends both`);
    await new Promise(() => {});
  }

  const record = { videos: Number(flags.videos), cores: cpus().length, milvus: MILVUS };
  const failures = [];
  const check = (is, what) => {
    say(is ? "✓" : "✗", what);
    if (!is) failures.push(what);
  };
  try {
    // The questions that the embedded indices are asked too.
    await until("Milvus", () => get(9091, "/healthz").then(({ status }) => status === 200), 180, process1);
    const grid = start("tests", tests, ["index::milvus", "--include-ignored", "--test-threads", "1"], { UPNEXT_MILVUS_URL: URL });
    await grid.ended;
    const [passed] = /\d+ passed/.exec(grid.log()) ?? [];
    check(grid.is === 0 && passed && passed !== "0 passed", `tests of the index against Milvus: ${passed}`);
    if (grid.is !== 0) say(grid.log().slice(-3000));

    // Two servers at once: one fills, the other waits.
    const folder = join(bundle, "bundle");
    const a = startServer("a", folder, ...overMilvus);
    const b = startServer("b", folder, ...overMilvus);
    const exact = startServer("exact", folder, "--index", "exact");
    await until("exact server", () => ready(PORT.exact), 120, exact);
    record.filled_seconds = Math.max(...(await Promise.all([until("server a", () => ready(PORT.a), 600, a), until("server b", () => ready(PORT.b), 600, b)])));
    const filling = (child) => (child.log().match(/"filling Milvus"/g) ?? []).length > 0;
    const filledBy = [a, b].map((child) => (child.log().match(/Milvus is filled/g) ?? []).length);
    check(filledBy[0] + filledBy[1] === 2 && (filling(a) || filling(b)), `both sides filled once, by one of the servers each, in ${record.filled_seconds.toFixed(0)} s`);

    // Recall and latency beside the embedded exact index.
    const accounts = readFileSync(join(bundle, "accounts"), "utf8").trim().split("\n").slice(0, 60);
    const rowsOf = ({ text }) => JSON.parse(text).rows;
    const ofCf = (answer) => new Set(rowsOf(answer).filter(({ sources }) => sources.includes("cf")).map(({ id }) => id));
    async function compare(port, truthPort, asked) {
      let [found, all, short, asks] = [0, 0, 0, 0];
      for (const account of asked) {
        const [answer, truth] = [await candidates(port, account), await candidates(truthPort, account)];
        if (answer.status !== 200 || answer.missing) throw new Error(`${account}: ${answer.status} ${answer.missing ?? answer.error}`);
        const [mine, true_] = [ofCf(answer), ofCf(truth)];
        if (rowsOf(answer).length !== rowsOf(truth).length) short++;
        for (const id of true_) if (mine.has(id)) found++;
        all += true_.size;
        asks++;
      }
      return { recall: found / all, short, asks, hits: all / asks };
    }
    record.recall = await compare(PORT.a, PORT.exact, accounts);
    // Who did nothing has no factor, and misses nothing.
    const warm = [];
    for (const account of accounts) if (ofCf(await candidates(PORT.exact, account, 50)).size > 0) warm.push(account);
    check(record.recall.recall >= WANTED_RECALL, `candidates of ${record.recall.asks} accounts: recall ${record.recall.recall.toFixed(4)} of ${record.recall.hits.toFixed(0)} by factor`);
    check(record.recall.short === 0, "every block is as full as that of the exact index");

    // A filter that leaves little: what an audience of three years may see.
    const few = startServer("few", folder, ...overMilvus, "--audience-age", "3");
    const fewExact = startServer("fewExact", folder, "--index", "exact", "--audience-age", "3");
    await Promise.all([until("filtered server", () => ready(PORT.few), 120, few), until("filtered exact server", () => ready(PORT.fewExact), 120, fewExact)]);
    record.filtered = await compare(PORT.few, PORT.fewExact, accounts);
    check(record.filtered.recall >= WANTED_RECALL && record.filtered.short === 0, `filtered by rating: recall ${record.filtered.recall.toFixed(4)}, ${record.filtered.short} short blocks`);
    few.kill("SIGKILL");
    fewExact.kill("SIGKILL");

    // What a graph finds of it, in collections of its own: stated, not asked for.
    const graph = startServer("graph", folder, ...overMilvus, "--milvus-exact-rows", "1000");
    record.graph_seconds = await until("server with a graph", () => ready(PORT.graph), 900, graph);
    record.graph = await compare(PORT.graph, PORT.exact, accounts);
    check(record.graph.short === 0, `an HNSW graph instead, made in ${record.graph_seconds.toFixed(0)} s: recall ${record.graph.recall.toFixed(4)}, every block full`);
    graph.kill("SIGKILL");

    async function latencies(port, count) {
      const times = [];
      for (let i = 0; i < count; i++) times.push((await get(port, `/v1/candidates?size=${SIZE}`, accounts[i % accounts.length], "application/x-protobuf")).ms);
      times.sort((x, y) => x - y);
      return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
    }
    await latencies(PORT.a, 30);
    record.latency = { milvus: await latencies(PORT.a, 300), exact: await latencies(PORT.exact, 300), load: loadavg()[0] };
    for (const name of ["milvus", "exact"]) say(`  blocks of ${SIZE}, one after another, ${name}: p50 ${record.latency[name].p50.toFixed(1)} ms, p99 ${record.latency[name].p99.toFixed(1)} ms (load ${record.latency.load.toFixed(1)})`);
    exact.kill("SIGKILL");

    // One of two servers is killed while a client asks both through a balancer.
    writeFileSync(at("haproxy.cfg"), haproxy());
    const balancer = start("haproxy", "/usr/sbin/haproxy", ["-db", "-f", at("haproxy.cfg")]);
    await until("balancer", () => ready(PORT.balancer), 30, balancer);
    const answers = [];
    let asking = true;
    const askers = Array.from({ length: 8 }, async (_, place) => {
      for (let i = place; asking; i++) answers.push(await candidates(PORT.balancer, accounts[i % accounts.length], 50));
    });
    await pause(3000);
    a.kill("SIGKILL");
    await a.ended;
    const before = answers.length;
    await pause(5000);
    const back = startServer("a", folder, ...overMilvus);
    record.back_seconds = await until("the server that was killed", () => ready(PORT.a), 120, back);
    await pause(2000);
    asking = false;
    await Promise.all(askers);
    const bad = answers.filter(({ status }) => status !== 200);
    const without = answers.filter(({ missing }) => missing).length;
    record.killed_server = { answers: answers.length, after: answers.length - before, failed: bad.length, without };
    check(bad.length === 0 && without === 0 && answers.length > before + 10, `one of two servers killed under load: ${answers.length} answers, ${before} before, ${bad.length} failed, ${without} without a source${bad[0] ? ` (${bad[0].status} ${bad[0].error ?? bad[0].text.slice(0, 200)})` : ""}`);
    check(!back.log().includes("filling Milvus") && back.log().includes("Milvus is ready"), `the new one finds what is there, ready in ${record.back_seconds.toFixed(1)} s`);

    // Milvus is killed: answers go on without what it finds, say so, and are whole again when it is back.
    const whole = new Map();
    for (const account of warm.slice(0, 10)) whole.set(account, [...ofCf(await candidates(PORT.balancer, account))].join());
    const pids = execFileSync("pgrep", ["-P", String(process1.pid)], { encoding: "utf8" }).split("\n").filter(Boolean).map(Number);
    for (const pid of [process1.pid, ...pids]) process.kill(pid, "SIGKILL");
    await process1.ended;
    const away = [];
    const killed = performance.now();
    while (performance.now() - killed < 5000) away.push(await candidates(PORT.balancer, warm[away.length % warm.length]));
    const times = away.map(({ ms }) => ms).sort((x, y) => x - y);
    record.milvus_away = { answers: away.length, p99: quantile(times, 0.99), missing: away.filter(({ missing }) => missing?.includes("cf")).length };
    check(away.every(({ status, text }) => status === 200 && JSON.parse(text).rows.length === SIZE), `without Milvus: ${away.length} answers, all full`);
    check(away.every(({ missing, headers }) => missing?.includes("cf") && headers["cache-control"] === "no-store"), `they say what is missing (${away.at(-1).missing}) and are not to be kept; p99 ${record.milvus_away.p99.toFixed(1)} ms`);
    const probe = await get(PORT.b, "/readyz");
    check(probe.status === 200 && probe.text.startsWith("ready, without cf and near: Milvus"), `/readyz: ${probe.text.trim()}`);
    const metrics = (await get(PORT.b, "/metrics")).text;
    check(/^upnext_searchable 0$/m.test(metrics) && /^upnext_missing_sources_total\{source="cf"\} [1-9]/m.test(metrics), "/metrics counts it");
    const next = startMilvus();
    record.milvus_back_seconds = Math.max(...(await Promise.all(["a", "b"].map((name) => until(`server ${name}`, () => ready(PORT[name]), 300, next)))));
    let same = 0;
    for (const [account, ids] of whole) {
      const answer = await candidates(PORT.balancer, account);
      if (!answer.missing && [...ofCf(answer)].join() === ids) same++;
    }
    const refilled = [back, b].some((child) => child.log().split("Milvus does not answer").at(-1).includes("filling Milvus"));
    check(same === whole.size && !refilled, `Milvus killed and started again: nothing lost, nothing filled again, ${same} of ${whole.size} answers as before, ready after ${record.milvus_back_seconds.toFixed(0)} s`);
    agent.destroy();
  } catch (error) {
    failures.push(error.message);
    console.error(error);
  }
  if (json) writeFileSync(json, `${JSON.stringify(record, null, 1)}\n`);
  say(JSON.stringify(record));
  say(failures.length === 0 ? "Milvus holds" : `Milvus does not hold: ${failures.length} of what was checked`);
  process.exit(failures.length === 0 ? 0 : 1);
}

/** Round robin over both servers; a request that fails on one is asked of the other. */
function haproxy() {
  return `defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 20s
  retries 3
  retry-on all-retryable-errors
  option redispatch 1
frontend site
  bind 127.0.0.1:${PORT.balancer}
  default_backend servers
backend servers
  balance roundrobin
  option httpchk GET /readyz
  default-server check inter 500ms fall 1 rise 1
  server a 127.0.0.1:${PORT.a}
  server b 127.0.0.1:${PORT.b}
`;
}
