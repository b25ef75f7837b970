// What it proves: how much processor time one slate costs at the edge, in each of the runtimes of docs/examples/edge, and how large
// the worker is that is deployed. Cloudflare's free plan gives a call 10 ms and a worker 3 MB, gzipped.
//   npm run bench:edge -- [--set trained] [--calls 300] [--json FILE]
// A call is all of it: HTTP, JSON, the viewer's history of 100 events, ranking the set's block. Processor time is that of the
// runtime's process, from /proc, over all calls that follow the first; the first loads bundle and block.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import { bundledWorker, copyExamples, edges, serveOrigin } from "../lib/edges.mjs";
import { installPacked } from "../lib/packed.mjs";
import { ensureProjectTools } from "../lib/projects.mjs";
import { keepRecord, recordFlag, rounded } from "./record.mjs";

/** Milliseconds of processor time, and bytes of a worker, that a free plan gives. */
const MOST_MS = 10;
const MOST_BYTES = 3e6;
const { values: flags } = parseArgs({ options: { set: { type: "string", default: "trained" }, calls: { type: "string", default: "300" }, ...recordFlag } });
ensureProjectTools();
const folder = copyExamples(installPacked().project);
const { set, origin, close } = await serveOrigin(flags.set);
const ticksPerSecond = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));

/** Processor time of processes so far, user and system, milliseconds. */
const cpuMs = (pids) =>
  pids.reduce((sum, pid) => {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [user, system] = stat.slice(stat.lastIndexOf(")")).split(" ").slice(12, 14).map(Number);
    return sum + ((user + system) * 1000) / ticksPerSecond;
  }, 0);

const videos = set.rows.at(-1).expected.ids;
const events = Array.from({ length: 100 }, (_, i) => ({ kind: i % 3 === 0 ? "like" : "watch", video: videos[i % Math.min(6, videos.length)], atMs: Date.now() - (100 - i) * 3_600_000, ...(i % 3 !== 0 && { seconds: 20 + i }) }));
const body = { context: { utcOffsetMinutes: 60, device: "tv", surface: "home" }, profile: { age: 30, language: "en" }, options: { size: 12 }, events };

console.log(`golden set ${flags.set}, ${flags.calls} calls one after the other`);
let worst = 0;
const rows = [];
for (const [name, { start }] of Object.entries(edges)) {
  const { ask, pids, close: stop } = await start(folder, origin);
  const call = async () => {
    const answer = await ask(body);
    const said = await answer.json();
    if (answer.status !== 200 || said.items.length !== 12) throw new Error(`${name}: ${answer.status} ${JSON.stringify(said).slice(0, 200)}`);
  };
  const before = cpuMs(pids());
  await call();
  const first = cpuMs(pids()) - before;
  const from = cpuMs(pids());
  for (let i = 0; i < Number(flags.calls); i++) await call();
  const each = (cpuMs(pids()) - from) / Number(flags.calls);
  worst = Math.max(worst, each);
  rows.push([name, rounded(each), Math.round(first)]);
  console.log(`${name.padEnd(8)} ${each.toFixed(2)} ms of processor time a call; the first, which loads bundle and block, ${first.toFixed(0)} ms`);
  await stop();
}
const { modules } = await bundledWorker(folder);
const bytes = modules.map(({ contents }) => gzipSync(contents, { level: 9 }).length);
console.log(`worker   ${bytes[0]} bytes of script and ${bytes[1]} of module, gzipped: ${bytes[0] + bytes[1]} of ${MOST_BYTES}`);
await close();
keepRecord(flags.json, {
  script: "bench:edge",
  tables: [{ caption: `Golden set ${flags.set}, ${flags.calls} calls one after the other, 100 events of history. The worker is ${bytes[0]} bytes of script and ${bytes[1]} of module, gzipped.`, columns: ["runtime", "a call, ms of processor time", "the first, which loads, ms"], rows }],
  missed: worst <= MOST_MS ? [] : [`a call takes up to ${worst.toFixed(2)} ms`],
});
if (!(worst <= MOST_MS) || bytes[0] + bytes[1] > MOST_BYTES) {
  console.error(`at most ${MOST_MS} ms a call and ${MOST_BYTES} bytes are wanted`);
  process.exitCode = 1;
}
