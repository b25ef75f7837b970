// Sizes of what a page downloads, held to a checked-in snapshot.
//   node tests/sizes.mjs            compares with tests/sizes.snap
//   node tests/sizes.mjs --update   writes it
// A module that was not built is reported and left out; `npm run build` builds both.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { root, workDir } from "./lib/paths.mjs";

const dist = join(root, "dist");
const snapshot = join(root, "tests/sizes.snap");
/** Compilers of the same version still differ by some bytes between hosts; more than this is a change. */
const TOLERANCE = 0.02;
/** What the compact module shall cost on the wire; the snapshot holds what it does cost. */
const COMPACT_BROTLI_TARGET = 100 * 1024;

/** A script with every script that it imports when it is loaded; what it may load later is not its cost. */
function withImports(name, seen = new Set()) {
  const path = join(dist, name);
  if (seen.has(name) || !existsSync(path)) return seen;
  seen.add(name);
  const text = readFileSync(path, "utf8");
  for (const [, imported] of text.matchAll(/^(?:import|export)[^;]*?["']\.\/([\w-]+\.js)["'];/gm)) withImports(imported, seen);
  return seen;
}
const script = (name) => (existsSync(join(dist, name)) ? [...withImports(name)] : []);

/** What each entry costs on the wire; budgets in bytes by brotli, of what the snapshot holds the size of. */
const entries = {
  "compact wasm": { paths: ["compact/upnext_bg.wasm"] },
  "compact glue": { paths: ["compact/upnext.js"] },
  "onnx wasm": { paths: ["onnx/upnext_bg.wasm"] },
  "onnx glue": { paths: ["onnx/upnext.js"] },
  "page script": { paths: script("browser.js"), budget: 14 << 10 },
  "worker script": { paths: script("worker.js"), budget: 3 << 10 },
  "inline, whole": { paths: [...script("inline.js"), "compact/upnext.js"], budget: 180 << 10 },
  "node script": { paths: script("node.js"), budget: 14 << 10 },
  "workerd script": { paths: script("workerd.js"), budget: 14 << 10 },
  "outbox script": { paths: existsSync(join(dist, "outbox.js")) ? ["outbox.js"] : [], budget: 4 << 10 },
  "reporter script": { paths: existsSync(join(dist, "reporter.js")) ? ["reporter.js"] : [], budget: 2 << 10 },
  "elements script": { paths: script("elements.js"), budget: 5 << 10 },
  "players script": { paths: script("players.js"), budget: 1 << 10 },
  "edge, whole": { paths: [...script("edge.js"), "compact/upnext.js", "compact/upnext_bg.wasm"], budget: 120 << 10 },
  "edge script": { paths: script("edge.js"), budget: 6 << 10 },
};

function measure(paths) {
  const bytes = Buffer.concat(paths.map((path) => readFileSync(join(dist, path))));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
  return { raw: bytes.length, gzip: gzipSync(bytes, { level: 9 }).length, brotli: brotliCompressSync(bytes, { params }).length };
}

function parseSnapshot() {
  const sizes = new Map();
  for (const line of existsSync(snapshot) ? readFileSync(snapshot, "utf8").split("\n") : []) {
    const [name, ...numbers] = line.split(/\s*\|\s*/);
    const [raw, gzip, brotli] = numbers.map(Number);
    if (Number.isFinite(brotli)) sizes.set(name, { raw, gzip, brotli });
  }
  return sizes;
}

/** All scripts of a page of the demo, the package's facade and glue among them, by gzip; the module is not a script. */
const PAGE_GZIP_BUDGET = 60 << 10;

/** What the demo's pages are over their budget by; they are built by `npm start` and by the end-to-end tests. */
function pageProblems() {
  const site = join(workDir, "site/dist");
  const assets = join(site, "assets");
  if (!existsSync(assets)) {
    console.log("skipped: the demo's pages, which are not built here");
    return [];
  }
  const scripts = readdirSync(assets).filter((name) => name.endsWith(".js"));
  return readdirSync(site).filter((name) => name.endsWith(".html")).flatMap((page) => {
    // What the page names, and what that names: workers and what is loaded later too.
    const reached = new Set();
    const follow = (text) => {
      for (const name of scripts) if (!reached.has(name) && text.includes(name)) {
        reached.add(name);
        follow(readFileSync(join(assets, name), "utf8"));
      }
    };
    follow(readFileSync(join(site, page), "utf8"));
    const gzip = [...reached].reduce((sum, name) => sum + gzipSync(readFileSync(join(assets, name)), { level: 9 }).length, 0);
    console.log(`${page.padEnd(16)}${String(gzip).padStart(17)} gzip in ${reached.size} scripts`);
    return gzip > PAGE_GZIP_BUDGET ? [`${page}: ${gzip} bytes by gzip, over its budget of ${PAGE_GZIP_BUDGET}`] : [];
  });
}

const update = process.argv.includes("--update");
const before = parseSnapshot();
// What was not built keeps its line; what is no entry any more loses it.
const after = new Map(update ? [...before].filter(([name]) => name in entries) : []);
const problems = [];
for (const [name, { paths, budget }] of Object.entries(entries)) {
  if (paths.length === 0 || !paths.every((path) => existsSync(join(dist, path)))) {
    problems.push(`${name}: not built; run \`npm run build\``);
    continue;
  }
  const size = measure(paths);
  after.set(name, size);
  console.log(`${name.padEnd(13)} ${String(size.raw).padStart(9)} raw ${String(size.gzip).padStart(8)} gzip ${String(size.brotli).padStart(8)} brotli`);
  if (name === "compact wasm" && size.brotli > COMPACT_BROTLI_TARGET) {
    console.log(`  over its target of ${COMPACT_BROTLI_TARGET} bytes by brotli, see docs/figures.md`);
  }
  if (size.brotli > budget) problems.push(`${name}: ${size.brotli} bytes by brotli, over its budget of ${budget}`);
  if (update) continue;
  const old = before.get(name);
  if (!old) problems.push(`${name}: not in the snapshot; run with --update`);
  for (const kind of old ? Object.keys(size) : []) {
    const change = size[kind] / old[kind] - 1;
    if (Math.abs(change) > TOLERANCE) {
      problems.push(`${name}: ${kind} ${old[kind]} → ${size[kind]} (${(100 * change).toFixed(1)} %); if meant, run with --update`);
    }
  }
}
problems.push(...pageProblems());
if (update) {
  const lines = [...after].map(([name, { raw, gzip, brotli }]) => `${name} | ${raw} | ${gzip} | ${brotli}`);
  writeFileSync(snapshot, `what | raw | gzip | brotli\n${lines.join("\n")}\n`);
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 && !update ? 1 : 0;
