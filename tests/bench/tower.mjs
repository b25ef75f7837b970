// What it proves: how long one user-tower call takes in Chromium with the compact engine, with tract and with
// onnxruntime-web, on the same bundle, in the same page, on the same inputs, with equal outputs. Two inputs: a viewer
// of the golden rows, some of whose pools are empty (the compact engine skips those), and the same with every empty
// place filled, where nothing can be skipped. The target holds for both. And likewise the ranker, of 500 candidates at once.
//   npm run bench -- [--set trained] [--rounds 60] [--block-ms 10] [--json FILE]
// Every round runs one block of calls per engine in a new random order, so that a slow moment of the machine hits
// all of them; blocks last equally long, since a longer one is interrupted more often. A ratio is the median over
// rounds of the ratio within a round.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { goldenSet } from "../lib/golden.mjs";
import { root } from "../lib/paths.mjs";
import { serveStatic } from "../lib/static.mjs";
import { keepRecord, recordFlag, rounded } from "./record.mjs";

/** How many times as long onnxruntime-web is to take, and how far outputs may be apart: logits are no unit vectors. */
const WANTED = { tower: { ratio: 5, apart: 1e-5 }, ranker: { ratio: 2, apart: 1e-4 } };
const CANDIDATES = 500;
const { values: flags } = parseArgs({
  options: {
    set: { type: "string", default: "trained" },
    rounds: { type: "string", default: "60" },
    "block-ms": { type: "string", default: "10" },
    ...recordFlag,
  },
});
const set = goldenSet(flags.set);
const onnx = Object.fromEntries(["user-tower", "ranker"].map((graph) => [graph, set.manifest.files.find((file) => file.role === `${graph}-onnx`)?.path]));
if (!onnx["user-tower"] || !onnx.ranker) throw new Error(`the golden set ${flags.set} has no ONNX graphs`);
for (const name of ["compact", "onnx"]) {
  if (!existsSync(join(root, "dist", name, "upnext_bg.wasm"))) throw new Error("both modules are needed: npm run build");
}

const site = await serveStatic({
  "/dist/": join(root, "dist"),
  "/ort/": join(root, "node_modules/onnxruntime-web/dist"),
  "/set/": set.dir,
});
const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await browser.newPage();
page.on("console", (message) => message.type() === "error" && console.error(message.text()));
await page.goto(site.origin);

/** Runs in the page. */
async function measure({ id, onnx, row, candidates, rounds, blockMs }) {
  const bytes = async (path) => new Uint8Array(await (await fetch(`/set/${path}`)).arrayBuffer());
  const manifest = await bytes(`${id}/manifest.json`);
  const block = await bytes("block.pb");

  async function upnext(name) {
    const module = await import(`/dist/${name}/upnext.js`);
    await module.default({ module_or_path: fetch(`/dist/${name}/upnext_bg.wasm`) });
    const paths = module.bundlePlan(id, manifest).files.map((file) => file.path);
    const files = await Promise.all(paths.map((path) => bytes(`${id}/${path}`)));
    const recommender = new module.Recommender();
    recommender.load(id, manifest, paths, files, block);
    recommender.setProfile(JSON.stringify(row.profile));
    recommender.importHistory(JSON.stringify(row.history));
    return recommender;
  }
  const compact = await upnext("compact");
  const tract = await upnext("onnx");
  const { categorical, dense } = compact.encode(row.context);
  const inputs = { "tower, a viewer": dense, "tower, no zeros": dense.map((value, i) => value || Math.sin(i) / 8) };

  const ort = await import("/ort/ort.wasm.min.mjs");
  ort.env.wasm.wasmPaths = "/ort/";
  ort.env.wasm.numThreads = 1;
  const session = async (graph) => ort.InferenceSession.create(await bytes(`${id}/${onnx[graph]}`), { executionProviders: ["wasm"] });
  const [tower, ranker] = [await session("user-tower"), await session("ranker")];

  function ofTower(dense) {
    const feeds = {
      categorical: new ort.Tensor("int64", BigInt64Array.from(categorical, BigInt), [1, categorical.length]),
      dense: new ort.Tensor("float32", dense, [1, dense.length]),
    };
    return {
      compact: () => compact.tower(categorical, dense),
      tract: () => tract.tower(categorical, dense),
      "onnxruntime-web": async () => (await tower.run(feeds)).vector.data,
    };
  }

  function ofRanker(signals) {
    const feeds = { signals: new ort.Tensor("float32", signals, [candidates, signals.length / candidates]) };
    return {
      compact: () => compact.rank(signals),
      tract: () => tract.rank(signals),
      "onnxruntime-web": async () => (await ranker.run(feeds)).logits.data,
    };
  }

  async function blocks(inputs, runs) {
    const names = Object.keys(runs);
    const outputs = {};
    for (const name of names) outputs[name] = Array.from(await runs[name]());
    const differences = names.flatMap((name) => outputs[name].map((value, i) => Math.abs(value - outputs.compact[i])));

    /** Microseconds per call of one block. */
    async function block(name, calls) {
      const run = runs[name];
      const start = performance.now();
      if (name === "onnxruntime-web") for (let call = 0; call < calls; call++) await run();
      else for (let call = 0; call < calls; call++) run();
      return ((performance.now() - start) * 1000) / calls;
    }
    const calls = {};
    for (const name of names) {
      const warm = [];
      for (let i = 0; i < 10; i++) warm.push(await block(name, 200));
      calls[name] = Math.ceil((blockMs * 1000) / Math.min(...warm));
    }
    const micros = Object.fromEntries(names.map((name) => [name, []]));
    for (let round = 0; round < rounds; round++) {
      const order = names.map((name) => [Math.random(), name]).sort();
      for (const [, name] of order) micros[name].push(await block(name, calls[name]));
    }
    const zeros = inputs.filter((value) => value === 0).length;
    return { zeros, of: inputs.length, furthest: Math.max(...differences), micros, width: outputs.compact.length };
  }
  const measured = {};
  for (const [name, dense] of Object.entries(inputs)) measured[name] = await blocks(dense, ofTower(dense));
  // Signals are standardised: most are within two deviations.
  const signals = Float32Array.from({ length: candidates * 15 }, (_, i) => 2 * Math.sin(i * i + 1));
  measured[`ranker, ${candidates} candidates`] = await blocks(signals, ofRanker(signals));
  return { measured, agent: navigator.userAgent };
}

const row = set.rows.find(({ history }) => history.events.length > 0) ?? set.rows[0];
const input = { id: set.bundleId, onnx, row, candidates: CANDIDATES, rounds: Number(flags.rounds), blockMs: Number(flags["block-ms"]) };
const { measured, agent } = await page.evaluate(measure, input);
await browser.close();
await site.close();

const quantile = (values, q) => [...values].sort((a, b) => a - b)[Math.floor(q * (values.length - 1))];
console.log(`${/Chrome\/[\d.]+/.exec(agent)?.[0]}, graphs of ${flags.set}, ${flags.rounds} rounds of ${flags["block-ms"]} ms for each engine`);
const missed = [];
const tables = [];
for (const [name, { zeros, of, furthest, micros, width }] of Object.entries(measured)) {
  const timesCompact = (engine) => quantile(micros[engine].map((value, round) => value / micros.compact[round]), 0.5);
  console.log(`${name}: ${zeros} of ${of} inputs are 0; largest difference of the ${width} outputs ${furthest.toExponential(1)}`);
  const rows = [];
  for (const engine of Object.keys(micros)) {
    const [p10, median] = [0.1, 0.5].map((q) => quantile(micros[engine], q));
    rows.push([engine, rounded(p10, 1), rounded(median, 1), rounded(timesCompact(engine))]);
    console.log(`  ${engine.padEnd(16)} p10 ${p10.toFixed(1).padStart(7)} µs   median ${median.toFixed(1).padStart(7)} µs   ${timesCompact(engine).toFixed(2)}× compact`);
  }
  tables.push({ caption: `${/Chrome\/\d+/.exec(agent)?.[0]}, ${name}: ${zeros} of ${of} inputs are 0; outputs differ by ${furthest.toExponential(1)} at most. Ratios are medians over ${flags.rounds} rounds.`, columns: ["engine", "p10, µs", "median, µs", "times compact"], rows });
  const wanted = WANTED[name.split(",")[0]];
  if (!(furthest <= wanted.apart)) missed.push(`${name}: the engines don't agree`);
  const ratio = timesCompact("onnxruntime-web");
  if (!(ratio >= wanted.ratio)) missed.push(`${name}: compact is ${ratio.toFixed(2)}× as fast as onnxruntime-web, wanted is ${wanted.ratio}×`);
}
keepRecord(flags.json, { script: "bench", tables, missed });
if (missed.length > 0) throw new Error(missed.join("; "));
