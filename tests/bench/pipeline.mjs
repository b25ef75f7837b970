// What it proves: how long the device takes for a whole slate of a thousand candidates, with ranker, diversity by a
// determinantal point process (20 videos) and a reason for each, in Chromium, on one thread, and where the time goes; beside
// the same pipeline in plain JavaScript (rival.js), on the same bundle, block, viewer and moments, with equal slates.
//   npm run bench:pipeline -- [--calls 1500] [--candidates 1000] [--json FILE]
// Calls of the two alternate, so that a slow moment of the machine hits both; the ratio is the median of those of pairs.
// The rival is given the viewer's inputs encoded already, and makes no receipt.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { encoded } from "../lib/block.mjs";
import { goldenSet } from "../lib/golden.mjs";
import { root } from "../lib/paths.mjs";
import { serveStatic } from "../lib/static.mjs";
import { keepRecord, recordFlag, rounded } from "./record.mjs";

/** Milliseconds that a slate may take, and how much faster than the rival it is to be. */
const [MOST_P99_MS, WANTED_RATIO] = [5, 5];
const { values: flags } = parseArgs({ options: { calls: { type: "string", default: "1500" }, candidates: { type: "string", default: "1000" }, set: { type: "string", default: "trained" }, ...recordFlag } });
const set = goldenSet(flags.set);
if (!existsSync(join(root, "dist/compact/upnext_bg.wasm"))) throw new Error("the module is needed: npm run build:compact");

const file = (role) => set.manifest.files.find((entry) => entry.role === role).path;
const spec = JSON.parse(readFileSync(join(set.dir, set.bundleId, file("feature-spec")), "utf8"));
const row = set.rows.find(({ history }) => history.events.length > 0);
const { nowMs } = row.context;
const columns = candidates(Number(flags.candidates));

/** Candidates about twelve topics, unlike enough that no two have the same score. */
function candidates(n) {
  let state = 7;
  const uniform = () => ((state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32);
  const normal = () => Math.sqrt(-2 * Math.log(uniform() + 1e-12)) * Math.cos(2 * Math.PI * uniform());
  const [v, f] = [spec.vector_dim, spec.factor_dim];
  const topics = Array.from({ length: 12 }, () => Array.from({ length: v }, normal));
  const levels = (width, of) => {
    const all = new Int8Array(n * width);
    const scales = new Float32Array(n);
    for (let i = 0; i < n; i++) {
      const values = of(i);
      const peak = Math.max(...values.map(Math.abs));
      const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
      values.forEach((value, k) => (all[i * width + k] = Math.round((value / peak) * 127)));
      scales[i] = peak / 127 / norm;
    }
    return [all, scales];
  };
  const [vectors, vectorScales] = levels(v, (i) => topics[i % 12].map((value) => value + 0.8 * normal()));
  const [factors, factorScales] = levels(f, () => Array.from({ length: f }, normal));
  const column = (of) => Float32Array.from({ length: n }, (_, i) => of(i));
  const day = 86_400_000;
  return {
    bundleId: set.bundleId,
    expiresAtMs: nowMs + 30 * day,
    ids: Array.from({ length: n }, (_, i) => `c${String(i).padStart(4, "0")}`),
    vectorDim: v,
    vectors,
    vectorScales,
    factorDim: f,
    factors,
    factorScales,
    priors: column(() => 0.5 * normal()),
    trends: column(() => 3 * uniform()),
    effects: column(() => 0.3 * normal()),
    serverScores: column(() => uniform()),
    lengthSeconds: column(() => 30 + 600 * uniform()),
    publishedAtMs: Array.from({ length: n }, () => nowMs - Math.floor(60 * day * uniform())),
    channels: Array.from({ length: n }, (_, i) => `channel ${i % 97}`),
  };
}

const site = await serveStatic({ "/dist/": join(root, "dist"), "/set/": set.dir, "/bench/": join(root, "tests/bench") }, undefined, {
  // Only such a page has a clock of five microseconds.
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
});
const browser = await chromium.launch({ executablePath: process.env.UPNEXT_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage();
page.on("console", (message) => message.type() === "error" && console.error(message.text()));
await page.goto(site.origin);

/** Runs in the page. */
async function measure({ id, spec, row, columns, block, tower, ranker, calls }) {
  const bytes = async (path) => new Uint8Array(await (await fetch(`/set/${path}`)).arrayBuffer());
  const module = await import("/dist/compact/upnext.js");
  const { memory } = await module.default({ module_or_path: fetch("/dist/compact/upnext_bg.wasm") });
  const manifest = await bytes(`${id}/manifest.json`);
  const paths = module.bundlePlan(id, manifest).files.map((file) => file.path);
  const device = new module.Recommender();
  const files = await Promise.all(paths.map((path) => bytes(`${id}/${path}`)));
  try {
    device.load(id, manifest, paths, files, Uint8Array.from(block));
  } catch ({ code, message }) {
    // The module throws an object, of which a test page tells nothing.
    throw new Error(`${code}: ${message}`);
  }
  device.setProfile(JSON.stringify(row.profile));
  device.importHistory(JSON.stringify(row.history));

  const { Program, past, pipeline } = await import("/bench/rival.js");
  const programs = { tower: new Program(await bytes(`${id}/${tower}`)), ranker: new Program(await bytes(`${id}/${ranker}`)) };
  const typed = { ...columns, vectors: Int8Array.from(columns.vectors), factors: Int8Array.from(columns.factors) };
  for (const name of ["vectorScales", "factorScales", "priors", "trends", "effects", "lengthSeconds"]) typed[name] = Float32Array.from(columns[name]);
  typed.publishedAtMs = Float64Array.from(columns.publishedAtMs);
  const rival = pipeline({ spec, ...programs, block: typed });
  const events = past(row.history);

  const context = (call) => ({ ...row.context, nowMs: row.context.nowMs + call, localTime: { hour: 20.5, weekday: 4 } });
  const options = { size: 20, diversity: 0.5, method: "dpp", seed: 0 };
  const { categorical, dense } = device.encode(context(0));
  // The factor stands before the cold flag, at the end of the dense input.
  const viewer = { events, profile: { blockedChannels: [], ...row.profile }, categorical, dense, factor: dense.slice(dense.length - 1 - spec.factor_dim, dense.length - 1) };
  const ways = {
    upnext: (call) => device.recommend(context(call), options),
    rival: (call) => rival(viewer, context(call), options),
    encode: (call) => device.encode(context(call)),
    tower: () => device.tower(categorical, dense),
    "without diversity": (call) => device.recommend(context(call), { ...options, diversity: 0 }),
  };
  let differing = 0;
  const slates = 50;
  for (let call = 0; call < slates; call++) {
    const [ours, theirs] = [ways.upnext(call * 3_600_000), ways.rival(call * 3_600_000)];
    const same = ours.rows.length === theirs.length && theirs.every(({ row, reason }, at) => row === ours.rows[at] && reason === ours.reasons[at].code);
    if (!same) differing += 1;
  }
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, new Float64Array(calls)]));
  const high = [];
  for (let call = -100; call < calls; call++) {
    for (const [name, run] of Object.entries(ways)) {
      const start = performance.now();
      run(Math.max(call, 0));
      if (call >= 0) times[name][call] = performance.now() - start;
    }
    // Pages paint between slates; a collection of the rival's garbage falls where it falls.
    if (call % 50 === 0) {
      high.push(memory.buffer.byteLength);
      await new Promise((done) => setTimeout(done));
    }
  }
  return { differing, slates, times: Object.fromEntries(Object.entries(times).map(([name, values]) => [name, [...values]])), high: [high[0], high.at(-1)], agent: navigator.userAgent, isolated: crossOriginIsolated };
}

const { differing, slates, times, high, agent, isolated } = await page.evaluate(measure, {
  id: set.bundleId,
  spec,
  row,
  columns: { ...columns, ...Object.fromEntries(Object.entries(columns).map(([name, value]) => [name, ArrayBuffer.isView(value) ? [...value] : value])) },
  block: [...encoded(columns)],
  tower: file("user-tower"),
  ranker: file("ranker"),
  calls: Number(flags.calls),
});
await browser.close();
await site.close();

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))];
const median = (name) => quantile(times[name], 0.5);
console.log(`${/Chrome\/[\d.]+/.exec(agent)?.[0]}, ${flags.candidates} candidates of ${spec.vector_dim} + ${spec.factor_dim} values, ${row.history.events.length} events, 20 videos by dpp, ${flags.calls} calls of each in turn${isolated ? "" : "; coarse clock"}`);
for (const name of ["upnext", "rival"]) console.log(`  ${name.padEnd(8)} lowest ${quantile(times[name], 0).toFixed(2)} ms   median ${median(name).toFixed(2)} ms   p90 ${quantile(times[name], 0.9).toFixed(2)}   p99 ${quantile(times[name], 0.99).toFixed(2)} ms`);
const ratio = quantile(times.rival.map((value, call) => value / times.upnext[call]), 0.5);
const whole = median("upnext");
const share = (ms) => `${ms.toFixed(3)} ms, ${((100 * ms) / whole).toFixed(0)} %`;
console.log(`  plain JavaScript takes ${ratio.toFixed(2)}× as long; ${slates - differing} of ${slates} slates equal, videos and reasons`);
const parts = { "encode the viewer": median("encode"), "user tower, twice": 2 * median("tower"), "diversity (dpp)": whole - median("without diversity") };
parts["filter, signals, ranker, reasons, receipt, columns out"] = whole - Object.values(parts).reduce((sum, ms) => sum + ms, 0);
for (const [name, ms] of Object.entries(parts)) console.log(`    ${name}: ${share(ms)}`);
console.log(`  memory of the module: ${high[0] / 2 ** 20} MiB at first, ${high[1] / 2 ** 20} MiB at the end`);
const missed = [];
if (differing > 0) missed.push(`${differing} slates differ`);
if (!(quantile(times.upnext, 0.99) <= MOST_P99_MS)) missed.push(`p99 is ${quantile(times.upnext, 0.99).toFixed(2)} ms, wanted is ${MOST_P99_MS}`);
if (!(ratio >= WANTED_RATIO)) missed.push(`plain JavaScript takes ${ratio.toFixed(2)}× as long, wanted is ${WANTED_RATIO}×`);
if (high[0] !== high[1]) missed.push("memory grew");
const times3 = (name) => [0.5, 0.9, 0.99].map((q) => rounded(quantile(times[name], q), 3));
keepRecord(flags.json, {
  script: "bench:pipeline",
  tables: [
    { caption: `${/Chrome\/\d+/.exec(agent)?.[0]}, ${flags.candidates} candidates, ${row.history.events.length} events, 20 videos by dpp, ${flags.calls} calls of each in turn; ${slates - differing} of ${slates} slates equal. JavaScript takes ${ratio.toFixed(2)} times as long (median over pairs of calls).`, columns: ["by", "median, ms", "p90, ms", "p99, ms"], rows: [["upnext", ...times3("upnext")], ["plain JavaScript", ...times3("rival")]] },
    { caption: "Where the time goes:", columns: ["stage", "ms", "of the whole, %"], rows: Object.entries(parts).map(([name, ms]) => [name, rounded(ms, 3), Math.round((100 * ms) / whole)]) },
  ],
  missed,
});
if (missed.length > 0) throw new Error(missed.join("; "));
