// The page of benchmarks, written from their records: docs/benchmarks/NAME.json, as `npm run bench:NAME -- --json FILE` writes them.
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { root } from "../../tests/lib/paths.mjs";

/** Every benchmark of speed: its script in package.json, what it proves, and which target it is held to. */
const BENCHMARKS = [
  { name: "tower", script: "bench", title: "The user tower", proves: "How long one call of the user tower takes in a page, with the compact engine, with tract and with onnxruntime-web, on the same inputs, with equal outputs.", wanted: "five times as fast as onnxruntime-web" },
  { name: "pipeline", script: "bench:pipeline", title: "A whole slate", proves: "How long a slate of a thousand candidates takes in a page, with ranker, diversity and reasons, beside the same pipeline in plain JavaScript, with equal slates.", wanted: "5 ms at the 99th percentile, and five times as fast as JavaScript" },
  { name: "start", script: "bench:start", title: "The start of a page", proves: "How soon a page has its first slate, from a cold and a warm cache, and for how long the engine holds the page up.", wanted: "no task of the page's main thread above 4 ms with the engine in its worker" },
  { name: "edge", script: "bench:edge", title: "A slate at the edge", proves: "Processor time of one slate in each runtime of an edge, HTTP and JSON included.", wanted: "10 ms a call, and a worker of 3 MB at most" },
  { name: "ann", script: "bench:ann", title: "Nearest vectors", proves: "Queries a second of the server's index beside every index of FAISS that reaches the same recall, one thread, 500 neighbours.", wanted: "1,500 queries a second at a recall of 0.97, ahead of FAISS" },
  { name: "ann-million", script: "bench:ann", title: "Nearest vectors, a million rows", proves: "The same with a million rows.", wanted: "ahead of FAISS at a recall of 0.97" },
  { name: "towers", script: "bench:towers", title: "Training of the towers", proves: "Examples that a second of one core's time trains the two towers on, beside the same model in JAX, on the same encoded moments.", wanted: "as many as JAX" },
  { name: "load", script: "bench:load", title: "The server under load", proves: "Latencies, throughput and memory of a server with a million videos, beside FAISS behind Python's HTTP server; durable events a second.", wanted: "20 ms at the 99th percentile of 500 requests a second" },
];
const FOLDER = "docs/benchmarks";

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 4 });
const cell = (value) => (typeof value === "number" ? number.format(value) : String(value ?? "").replace(/\|/g, "\\|"));
const row = (cells) => `| ${cells.join(" | ")} |`;

/** One table of a record; columns whose cells are numbers stand to the right. */
function table({ caption, columns, rows }) {
  const right = columns.map((_, at) => rows.every((cells) => typeof cells[at] !== "string"));
  return `${caption}\n\n${[row(columns), row(right.map((number) => (number ? "---:" : "---"))), ...rows.map((cells) => row(cells.map(cell)))].join("\n")}`;
}

function measured({ command, date, commit, machine, load_before: load, tables, missed }) {
  const place = [machine.processor, machine.cores && `${machine.cores} cores`, machine.memory_gb && `${machine.memory_gb} GiB`, machine.node && `Node ${machine.node}`].filter(Boolean).join(", ");
  const quiet = load === null || load === undefined ? "" : ` Load before it began: ${number.format(load)}${load > 0.5 ? ", so other programs were running" : ""}.`;
  const lines = [`\`${command}\`, ${date}${commit ? `, at \`${commit}\`` : ""}; ${place}.${quiet}`, ...tables.map(table)];
  lines.push(missed.length > 0 ? `Missed: ${missed.map((one) => one.trim()).join("; ")}.` : "Every target was met.");
  return lines.join("\n\n");
}

/** docs/benchmarks.md */
export function benchmarksPage() {
  const records = new Map(readdirSync(join(root, FOLDER)).filter((name) => name.endsWith(".json")).map((name) => [basename(name, ".json"), JSON.parse(readFileSync(join(root, FOLDER, name), "utf8"))]));
  const unknown = [...records.keys()].filter((name) => !BENCHMARKS.some((one) => one.name === name));
  if (unknown.length > 0) throw new Error(`docs/site/benchmarks.mjs says nothing of ${unknown.join(", ")}`);
  const sections = BENCHMARKS.map(({ name, script, title, proves, wanted }) => {
    const record = records.get(name);
    if (record && record.script !== script) throw new Error(`${FOLDER}/${name}.json is a record of ${record.script}, not of ${script}`);
    return `## ${title}\n\n${proves} Wanted: ${wanted}.\n\n${record ? measured(record) : `No record yet; \`npm run ${script}\` writes one with \`--json\`. What earlier runs gave, if there were any, is in [figures](figures.md).`}`;
  });
  return `<!-- Written by \`npm run docs:reference\` from the records in \`${FOLDER}\`; what is wrong is mended there. -->

# Benchmarks of speed

Each section is one record: what a benchmark measured, when, where, by which command, and what it missed. A run writes its own with
\`--json\`; \`npm run docs:reference\` makes this page of them, and a test fails where the page says something else. Processors that are shared give
other times from day to day: ratios to a rival, which ran in turns with ours, hold longer than milliseconds do.

What models reach is in [figures](figures.md), and on published splits in [benchmarks on published splits](benchmark.md).

${sections.join("\n\n")}
`;
}

