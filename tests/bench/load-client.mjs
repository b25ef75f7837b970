// The load generator of load.mjs, in a process of its own: a job as JSON on standard input, figures as JSON on standard output.
// Latencies are collected one by one, since the histogram of autocannon has whole milliseconds.
import { createRequire } from "node:module";
import { join } from "node:path";

const autocannon = createRequire(join(process.argv[2], "package.json"))("autocannon");
let text = "";
for await (const chunk of process.stdin) text += chunk;
const { origin, requests, connections, rate, seconds, ids } = JSON.parse(text);

const latencies = [];
let bytes = 0;
let failed = 0;
let sent = 0;
// What is told twice is kept once: each request has ids of its own.
const unique = (request) => ({ ...request, body: request.body.replaceAll("[<id>]", `${process.pid}-${sent++}`) });
const list = ids ? requests.map((request) => ({ ...request, setupRequest: unique })) : requests;
const instance = autocannon({
  url: origin,
  connections,
  duration: seconds,
  // Each connection begins elsewhere in the list.
  setupClient: (client) => client.setRequests(rotated(list, Math.floor(Math.random() * list.length))),
  ...(rate ? { overallRate: rate } : {}),
});
instance.on("response", (_client, status, size, milliseconds) => {
  latencies.push(milliseconds);
  bytes += size;
  if (status !== 200) failed++;
});
const result = await instance;
latencies.sort((a, b) => a - b);
if (latencies.length === 0) throw new Error(`no answer at all: ${result.errors} errors, ${result.timeouts} timeouts`);
const quantile = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
console.log(
  JSON.stringify({
    requests: latencies.length,
    requests_per_second: latencies.length / result.duration,
    p50: quantile(0.5),
    p99: quantile(0.99),
    p999: quantile(0.999),
    most: latencies.at(-1),
    bytes: bytes / latencies.length,
    failed: failed + result.errors + result.timeouts,
  }),
);

function rotated(list, first) {
  return [...list.slice(first), ...list.slice(0, first)];
}
