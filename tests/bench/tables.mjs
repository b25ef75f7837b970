// What a record shows of what two benchmarks measure in detail.
import { rounded } from "./record.mjs";

/** Of ann.py's JSON: for each set of rows our settings, and of each kind of FAISS the fastest that reaches the recall. */
export const annTables = ({ faiss, sets }) =>
  Object.entries(sets).map(([name, { rows, dim, k, best }]) => ({
    caption: `${name}: ${rows.toLocaleString("en")} rows of ${dim} values, ${k} neighbours, one thread; FAISS ${faiss}.`,
    columns: ["index", `recall@${k}`, "queries/s", "times as long as cells"],
    rows: best.map(({ setting, recall, queries_per_second: rate, ratio }) => [setting, rounded(recall, 3), Math.round(rate), rounded(ratio)]),
  }));

/** Queries a second that cells are to answer of 200,000 rows. */
const WANTED_RATE = 1500;

/** By set of rows: FAISS settings that were faster than ours, and a rate below the wanted one. */
export const annMissed = ({ sets }) =>
  Object.entries(sets).flatMap(([name, { best }]) => {
    const faster = best.filter(({ setting, ratio }) => setting.startsWith("FAISS") && ratio < 1).map(({ setting, ratio }) => `${name}: ${setting} takes ${ratio.toFixed(2)} times as long as cells`);
    const rate = best[0].queries_per_second;
    return [...faster, ...(name.endsWith("-200k") && rate < WANTED_RATE ? [`${name}: ${Math.round(rate)} queries/s, wanted are ${WANTED_RATE}`] : [])];
  });

/** Of towers.py's JSON. */
export const towersTables = ({ examples, videos, batch, inputs: [user, item], table_rows: rows, jax, rows: measured }) => [
  {
    caption: `${examples.toLocaleString("en")} examples, ${videos.toLocaleString("en")} videos, ${batch} examples a step; ${user} and ${item} dense inputs, ${rows.toLocaleString("en")} rows of tables; one core, JAX ${jax}.`,
    columns: ["", "examples a second of processor time", "loss of the last pass", "upnext, times as many"],
    rows: measured.map(({ kind, rate, loss, ratio }) => [kind === "upnext" ? kind : `JAX, ${kind}`, Math.round(rate), rounded(loss, 4), rounded(ratio)]),
  },
];

export const towersMissed = ({ rows, fastest }) =>
  rows.filter(({ kind, ratio }) => kind === fastest && ratio < 1).map(({ kind, ratio }) => `${ratio.toFixed(2)} times as many examples as JAX (${kind}), wanted is once as many`);

/** Of load.mjs's measures: the server, and beside it the rival if there was one. */
export function loadTables({ videos, rate, upnext, faiss }) {
  const both = (name, of) => [name, ...[upnext, faiss].filter(Boolean).map(of)];
  return [
    {
      caption: `${videos.toLocaleString("en")} videos, 500 candidates an answer; server and load share the machine's cores.`,
      columns: ["", "upnext", ...(faiss ? [`FAISS ${faiss.index}, Python's HTTP server`] : [])],
      rows: [
        both(`p50 at ${rate} requests/s, ms`, ({ steady }) => rounded(steady.p50)),
        both("p99, ms", ({ steady }) => rounded(steady.p99)),
        both("p99.9, ms", ({ steady }) => rounded(steady.p999)),
        both("processor time of a request, ms", ({ steady }) => rounded(steady.processor_ms)),
        both("processor time of the load generator for it, ms", ({ steady }) => rounded(steady.generator_ms)),
        both("answered at that rate, /s", ({ steady }) => Math.round(steady.requests_per_second)),
        both("most over four connections, /s", ({ most }) => Math.round(most.requests_per_second)),
        both("bytes of an answer", ({ most }) => Math.round(most.bytes)),
        both("seconds until it is ready", ({ ready_seconds: ready }) => rounded(ready, 1)),
        both("memory per million videos, GB", ({ memory }) => rounded(memory / videos / 1000)),
        both("its own of that, not pages of files, GB", ({ own_memory }) => rounded(own_memory / videos / 1000)),
      ],
    },
    {
      caption: "Bytes of a block of 500 candidates:",
      columns: ["whole", "of them titles and addresses of thumbnails", "with gzip"],
      rows: [[upnext.block_bytes, upnext.shown_bytes, upnext.gzip_bytes]],
    },
    {
      caption: "Durable events, 64 connections:",
      columns: ["events a request", "events/s", "p99, ms"],
      rows: [1, 100].map((count) => [count, Math.round(upnext[`events_of_${count}`].events_per_second), rounded(upnext[`events_of_${count}`].p99, 1)]),
    },
  ];
}
