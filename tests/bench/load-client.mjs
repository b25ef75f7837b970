// The load generator of load.mjs, in a process of its own: a job as JSON on standard input, figures as JSON on standard output.
// Latencies are collected one by one, since the histogram of autocannon has whole milliseconds.
//
// A rate is kept here and not by autocannon, each of whose connections sends its share of a second's requests one after the other
// as fast as they are answered and then waits for the next second: what is measured then is the server under as many requests at
// once as there are connections. Requests leave here at even distances, whatever was answered of those before, and the latency of
// one that has to wait for a connection counts from when it was due (as wrk2 and k6 have it).
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
const pace = rate ? paced(rate, connections) : undefined;
const list = ids ? requests.map((request) => ({ ...request, setupRequest: unique })) : requests;
const before = process.cpuUsage();
const instance = autocannon({
  url: origin,
  connections,
  duration: seconds,
  // Each connection begins elsewhere in the list.
  setupClient: (client) => {
    client.setRequests(rotated(list, Math.floor(Math.random() * list.length)));
    // Nobody looks at an answer's body, and to decode a block as text would take as long as the server takes to make it.
    client.pipelinedRequests.addBody = () => {};
    pace?.take(client);
  },
});
instance.on("response", (client, status, size, milliseconds) => {
  latencies.push(milliseconds + (pace?.late(client) ?? 0));
  bytes += size;
  if (status !== 200) failed++;
});
const result = await instance;
pace?.stop();
latencies.sort((a, b) => a - b);
if (latencies.length === 0) throw new Error(`no answer at all: ${result.errors} errors, ${result.timeouts} timeouts`);
const quantile = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
const { user, system } = process.cpuUsage(before);
console.log(
  JSON.stringify({
    requests: latencies.length,
    requests_per_second: latencies.length / (pace?.seconds() ?? result.duration),
    p50: quantile(0.5),
    p99: quantile(0.99),
    p999: quantile(0.999),
    most: latencies.at(-1),
    bytes: bytes / latencies.length,
    generator_ms: (user + system) / 1000 / latencies.length,
    failed: failed + result.errors + result.timeouts,
  }),
);

function rotated(list, first) {
  return [...list.slice(first), ...list.slice(0, first)];
}

/** Sends requests at even distances over whatever connection has been idle for longest, from when all connections are there. */
function paced(rate, connections) {
  const idle = [];
  const due = [];
  const lateness = new Map();
  const send = (client, at) => {
    lateness.set(client, performance.now() - at);
    // What autocannon calls when a connection may send its next request; each client has it from its prototype.
    Object.getPrototypeOf(client)._doRequest.call(client);
  };
  let began;
  let ended;
  let next;
  let timer;
  const tick = () => {
    next ??= began = performance.now();
    for (; next <= performance.now(); next += 1000 / rate) {
      if (idle.length > 0) send(idle.shift(), next);
      else due.push(next);
    }
    timer = setTimeout(tick, next - performance.now());
  };
  return {
    take(client) {
      client._doRequest = () => {
        if (due.length > 0) send(client, due.shift());
        else idle.push(client);
        if (timer === undefined && idle.length === connections) timer = setTimeout(tick, 0);
      };
    },
    late: (client) => lateness.get(client) ?? 0,
    stop() {
      clearTimeout(timer);
      ended = performance.now();
    },
    /** From the first request until it was stopped. */
    seconds: () => (ended - began) / 1000,
  };
}
