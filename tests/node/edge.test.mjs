// `upnext/edge` in real workerd, from the packed package, bundled as wrangler does: the golden slates come out, and
// the origin sees the same bytes whoever asks.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { Miniflare, Response as EdgeResponse } from "miniflare";
import { goldenSet, goldenSets, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";

const packed = installPacked();

/** The clock stands in a golden row; `x-fresh` asks for a handler that has nothing loaded yet, `x-offline` for one without a network. */
const worker = `
  import { createEdgeHandler } from "upnext/edge";
  let nowMs = 0;
  let handler;
  const offline = async () => { throw new TypeError("no network"); };
  export default {
    async fetch(request, env, context) {
      nowMs = Number(request.headers.get("x-now"));
      if (!handler || request.headers.has("x-fresh")) handler = createEdgeHandler({ origin: ${JSON.stringify(ORIGIN)}, languages: ["en"], now: () => nowMs, refreshMs: 60000, ...(request.headers.has("x-offline") ? { fetch: offline } : {}) });
      return handler(request, env, context);
    },
  };`;

/** Modules of the worker: the script, and the `.wasm` that it imports, as they would be deployed. */
let modules;
before(async () => {
  const wasm = { name: "wasm", setup: ({ onResolve }) => onResolve({ filter: /\.wasm$/ }, () => ({ path: "./upnext_bg.wasm", external: true })) };
  const { outputFiles } = await build({ stdin: { contents: worker, resolveDir: packed.project }, bundle: true, format: "esm", target: "es2022", conditions: ["workerd", "worker", "browser"], plugins: [wasm], write: false });
  modules = [
    { type: "ESModule", path: "worker.mjs", contents: outputFiles[0].text },
    { type: "CompiledWasm", path: "upnext_bg.wasm", contents: readFileSync(join(packed.project, "node_modules/upnext/dist/compact/upnext_bg.wasm")) },
  ];
});

/** A worker before a golden set; `seen` is what its origin was asked, `ask` sends a body to it. */
async function edge(set, tamper) {
  const { fetch } = serveGolden(set, tamper);
  const seen = [];
  const workerd = new Miniflare({
    modules,
    compatibilityDate: "2026-04-01",
    async outboundService(request) {
      seen.push({ method: request.method, url: request.url, headers: [...request.headers].sort(), body: Buffer.from(await request.arrayBuffer()).toString("hex") });
      const answer = await fetch(request.url);
      return new EdgeResponse(await answer.arrayBuffer(), { status: answer.status, headers: [...answer.headers] });
    },
  });
  await workerd.ready;
  const ask = async (body, { nowMs = set.rows[0].context.nowMs, method = "POST", headers = {} } = {}) => {
    const answer = await workerd.dispatchFetch("https://edge.example/up-next", { method, headers: { "x-now": String(nowMs), ...headers }, body: typeof body === "string" || body === undefined ? body : JSON.stringify(body) });
    assert.equal(answer.headers.get("cache-control"), "no-store");
    return { status: answer.status, body: await answer.json() };
  };
  return { ask, seen, close: () => workerd.dispose() };
}

/** A golden row as a thin client would ask it. */
function askedBy({ context: { nowMs: _, ...context }, options, profile, history }) {
  return { context, options, profile, history };
}

test("the worker is within the 3 MB that a free plan takes, gzipped", () => {
  const bytes = modules.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
  assert.ok(bytes <= 3e6, `${bytes} bytes`);
});

for (const name of goldenSets) {
  test(`upnext/edge gives the golden slates of ${name} in workerd`, async () => {
    const set = goldenSet(name);
    const { ask, close } = await edge(set);
    for (const row of set.rows) {
      const { status, body } = await ask(askedBy(row), { nowMs: row.context.nowMs });
      assert.equal(status, 200, JSON.stringify(body));
      assert.deepEqual(body.items.map((item) => item.id), row.expected.ids, row.name);
      assert.deepEqual(body.items.map((item) => item.score), row.expected.scores.map(Math.fround), row.name);
      assert.equal(body.receipt, row.expected.receipt, row.name);
      assert.ok(body.items.every((item) => typeof item.reason.code === "string"));
    }
    await close();
  });
}

describe("on the tiny set", () => {
  const set = goldenSet("tiny");
  const viewers = set.rows.filter((row) => row.context.nowMs === set.rows[0].context.nowMs).map(askedBy);

  test("the origin sees the same bytes whoever asks, and nothing at all of the second viewer", async () => {
    const traffic = [];
    for (const viewer of [{}, viewers.at(-1), { context: { device: "tv", utcOffsetMinutes: 540, surface: "home" }, profile: { age: 71, gender: "f", language: "ja", latitude: 35, longitude: 139 } }]) {
      const { ask, seen, close } = await edge(set);
      const headers = { "accept-language": "ja", "user-agent": `thin/${traffic.length}`, cookie: "viewer=1", authorization: "Bearer viewer", "x-forwarded-for": "192.0.2.1" };
      assert.equal((await ask(viewer, { headers })).status, 200);
      const first = seen.length;
      for (const other of viewers) assert.equal((await ask(other)).status, 200);
      assert.equal(seen.length, first);
      traffic.push(seen);
      await close();
    }
    assert.ok(traffic[0].length >= 4, "pointer, manifest, files and block were fetched");
    assert.ok(traffic[0].every(({ method, body }) => method === "GET" && body === ""));
    assert.deepEqual(traffic[1], traffic[0]);
    assert.deepEqual(traffic[2], traffic[0]);
  });

  test("a worker that starts anew finds everything in the platform's cache", async () => {
    const { ask, seen, close } = await edge(set);
    const first = await ask({});
    const asked = seen.length;
    assert.deepEqual(await ask({}, { headers: { "x-fresh": "1" } }), first);
    assert.equal(seen.length, asked);
    await close();
  });

  test("nothing of a viewer is left for the next one", async () => {
    const { ask, close } = await edge(set);
    const nobody = await ask({});
    const [liked] = nobody.body.items;
    const fan = await ask({ profile: { age: 30 }, events: [{ kind: "not_interested", video: liked.id, atMs: set.rows[0].context.nowMs - 1000 }] });
    assert.equal(fan.status, 200);
    assert.ok(!fan.body.items.some((item) => item.id === liked.id), "the events of the request count");
    assert.equal((await ask({ profile: { age: 30 }, events: [{ kind: "stare" }] })).status, 400);
    assert.deepEqual(await ask({}), nobody);
    await close();
  });

  test("viewers who come at once, before anything is loaded, get each their own slate", async () => {
    const { ask, close } = await edge(set);
    const together = await Promise.all([...viewers, ...viewers].map((viewer) => ask(viewer)));
    for (const [i, answer] of together.entries()) {
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      assert.deepEqual(answer, await ask(viewers[i % viewers.length]));
    }
    await close();
  });

  test("wrong requests are refused with a code, and the next one is answered", async () => {
    const { ask, close } = await edge(set);
    const wrong = [
      [undefined, 405, "request-invalid", { method: "GET" }],
      ["{", 400, "request-invalid"],
      ["[]", 400, "request-invalid"],
      ["null", 400, "request-invalid"],
      [{ token: "x" }, 400, "request-invalid"],
      [{ context: [] }, 400, "request-invalid"],
      [{ context: { nowMs: 5 } }, 400, "request-invalid"],
      [{ context: { device: 7 } }, 400, "request-invalid"],
      [{ options: { size: 0 } }, 400, "request-invalid"],
      [{ options: { size: "many" } }, 400, "request-invalid"],
      [{ profile: { age: "old" } }, 400, "profile-invalid"],
      [{ history: { version: 99 } }, 400, "profile-invalid"],
      [{ events: {} }, 400, "request-invalid"],
      [{ events: Array.from({ length: 1001 }, () => ({})) }, 400, "request-invalid"],
      [{ events: [null] }, 400, "request-invalid"],
      [JSON.stringify({ context: { surface: "x".repeat(300_000) } }), 413, "request-invalid"],
    ];
    for (const [body, status, code, more] of wrong) {
      const answer = await ask(body, more);
      const what = JSON.stringify(body)?.slice(0, 80);
      assert.equal(answer.status, status, `${what}: ${JSON.stringify(answer.body)}`);
      assert.equal(answer.body.code, code, what);
      assert.ok(answer.body.message.length > 0);
    }
    assert.equal((await ask("")).status, 200);
    await close();
  });

  const broken = [
    ["an origin that is down", () => true, () => new Response("down", { status: 503 }), 502, "server-error"],
    ["a bundle with a flipped byte", (path) => path.includes("/user-tower"), (bytes) => Uint8Array.from(bytes, (byte, i) => (i === 9 ? byte ^ 1 : byte)), 502, "bundle-corrupt"],
    ["a block that is cut off", (path) => path === "/v1/candidates", (bytes) => bytes.subarray(0, bytes.length - 3), 502, "block-unreadable"],
  ];
  for (const [name, matches, tamper, status, code] of broken) {
    test(`${name}: ${status} ${code}`, async () => {
      const { ask, close } = await edge(set, (path, bytes) => (matches(path) ? tamper(bytes) : bytes));
      const answer = await ask({});
      assert.equal(answer.status, status, JSON.stringify(answer.body));
      assert.equal(answer.body.code, code);
      await close();
    });
  }

  test("an origin that does not answer: 504 server-unreachable", async () => {
    const { ask, close } = await edge(set);
    const answer = await ask({}, { headers: { "x-offline": "1" } });
    assert.equal(answer.status, 504);
    assert.equal(answer.body.code, "server-unreachable");
    await close();
  });

  test("an expired block is fetched again, past the cache; the last good one serves while the origin is down", async () => {
    let down = false;
    const { ask, seen, close } = await edge(set, (_path, bytes) => (down ? new Response("", { status: 500 }) : bytes));
    const { nowMs } = set.rows[0].context;
    assert.equal((await ask({})).status, 200);
    down = true;
    assert.equal((await ask({}, { nowMs: nowMs + 61_000 })).status, 200);
    const before = seen.length;
    const late = await ask({}, { nowMs: nowMs + 1e12 });
    assert.equal(late.status, 502);
    assert.ok(seen.length > before);
    down = false;
    assert.equal((await ask({}, { nowMs: nowMs + 1e12 })).body.code, "block-expired");
    await close();
  });
});
