// What `upnext/edge` sends to its origin, over a matrix of viewers: the same bytes, in the same order, at the same times of
// the edge's clock. The package's entry for Node runs here, where thousands of requests cost little; edge.test.mjs looks at
// workerd's own bytes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { before, test } from "node:test";
import { build } from "esbuild";
import { goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";
import { root } from "../lib/paths.mjs";

const set = goldenSet("tiny");
const { nowMs } = set.rows[0].context;
const MINUTE_MS = 60_000;
const events = (kinds, count) => Array.from({ length: count }, (_, i) => ({ kind: kinds[i % kinds.length], video: `v${String((i * 7) % 60).padStart(2, "0")}`, atMs: nowMs - (count - i) * 1000, ...(kinds[i % kinds.length] === "watch" && { seconds: i }) }));

/** Values of what a viewer says and of what their client sends along; the first of each is the quiet one. */
const PRIVATE = {
  context: [{}, { device: "tv", utcOffsetMinutes: 540, surface: "home" }, { device: "phone", utcOffsetMinutes: -300, localTime: { hour: 3, weekday: 6 } }],
  profile: [undefined, { age: 19, gender: "f", language: "ja", latitude: 35, longitude: 139 }, { age: 71, language: "de", blockedChannels: ["c1"], blockedTags: ["music"] }],
  past: [{}, { events: events(["like", "watch", "dislike"], 12) }, { events: events(["watch", "not_interested", "impression"], 200) }, { history: set.rows.at(-1).history }],
  options: [{}, { size: 50, explore: 1, diversity: 1 }, { watching: "v17", size: 1, seed: 9 }],
  client: [
    {},
    { "accept-language": "ja", "user-agent": "thin/1", cookie: "viewer=1", authorization: "Bearer viewer" },
    { "accept-language": "de", "user-agent": "thin/2", "x-forwarded-for": "192.0.2.1", referer: "https://site.example/watch/v17", "sec-ch-ua-mobile": "?1", "if-none-match": '"x"' },
  ],
};
const full = process.env.UPNEXT_PRIVACY === "full";
const combinations = Object.entries(PRIVATE).reduce((rows, [name, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))), [{}]);
/** All of them by `npm run privacy`; else some, the quiet one and the loudest among them. */
const matrix = combinations.filter((_, i) => full || i % 17 === 0);

/** Leaks of one bit, by name: `[file, anchor, replacement]` in the package's source. */
const MUTANTS = {
  "the viewer's languages passed on": ["edge.ts", "await prepare(context);", `if (asked.profile?.language) options.languages = [asked.profile.language]; await prepare(context);`],
  "the hour of the viewer in a header": ["edge.ts", "await prepare(context);", `(globalThis as { hour?: number }).hour = asked.context?.utcOffsetMinutes ?? 0; await prepare(context);`, ["edge-cache.ts", "const sent = { headers, signal };", `const sent = { headers: [...(headers as [string, string][]), ["x-hour", String((globalThis as { hour?: number }).hour)]] as [string, string][], signal };`]],
  "a refresh that comes earlier by history": ["edge.ts", "if (now() - ready.loadedAtMs < refreshMs) return;", "if (now() - ready.loadedAtMs < refreshMs / ((globalThis as { many?: boolean }).many ? 2 : 1)) return;", ["edge.ts", "await prepare(context);", "(globalThis as { many?: boolean }).many = (asked.events?.length ?? 0) > 100; await prepare(context);"]],
  "a request for what stands first": ["edge.ts", "return answer(200, rank(", "const slate = rank(module!, ready!, asked, now(), options.seed ?? 0); await options.fetch?.(`${options.origin}/bundle/${slate.items[0]?.id}`, {}); return answer(200, rank("],
  "the client's cookie passed on": ["edge.ts", "await prepare(context);", `(globalThis as { cookie?: string | null }).cookie = request.headers.get("cookie"); await prepare(context);`, ["edge-cache.ts", "const sent = { headers, signal };", `const { cookie } = globalThis as { cookie?: string }; const sent = { headers: cookie ? [...(headers as [string, string][]), ["cookie", cookie] as [string, string]] : headers, signal };`]],
};

/** The entry for Node from the source with these changes. */
async function planted([file, anchor, replacement, ...more]) {
  const changes = [[file, anchor, replacement], ...more];
  const done = new Set();
  const plugin = {
    name: "plant",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^#compact$/ }, () => ({ path: pathToFileURL(join(root, "dist/compact/upnext.js")).href, external: true }));
      onResolve({ filter: /^#compact-wasm/ }, () => ({ path: join(root, "dist/compact/upnext_bg.wasm"), external: true }));
      onLoad({ filter: /crate\/wasm\/js\/.*\.ts$/ }, ({ path }) => {
        let text = readFileSync(path, "utf8");
        for (const change of changes.filter(([file]) => file === basename(path))) {
          assert.equal(text.split(change[1]).length, 2, change[1]);
          text = text.replace(change[1], () => change[2]);
          done.add(change);
        }
        return { contents: text, loader: "ts" };
      });
    },
  };
  const { outputFiles } = await build({ entryPoints: [join(root, "crate/wasm/js/entry/edge-node.ts")], bundle: true, format: "esm", platform: "node", target: "es2022", write: false, plugins: [plugin], define: { "import.meta.url": JSON.stringify(pathToFileURL(join(root, "dist/edge-node.js")).href) }, logLevel: "error" });
  assert.equal(done.size, changes.length);
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);
}

/** What the origin sees of an edge that this viewer asks at these minutes, and how many slates came of it. */
async function seenOf({ createEdgeHandler }, { client, ...asked }) {
  const { fetch } = serveGolden(set);
  let at = 0;
  const seen = [];
  const slates = new Set();
  const handler = createEdgeHandler({
    origin: ORIGIN,
    languages: ["en"],
    now: () => nowMs + at * MINUTE_MS,
    fetch: (url, init = {}) => {
      const { signal: _, ...sent } = init;
      seen.push(JSON.stringify({ minute: at, url, sent: { ...sent, headers: [...new Headers(sent.headers)] } }));
      return fetch(url, init);
    },
  });
  const { past, ...rest } = asked;
  const body = JSON.stringify({ ...rest, ...past });
  // At once, within the five minutes, just before their end, after it, and again.
  for (at of [0, 2, 4.9, 5.1, 9, 11]) {
    const answer = await handler(new Request("https://edge.example/", { method: "POST", body, headers: client }));
    assert.equal(answer.status, 200, await answer.clone().text());
    slates.add((await answer.json()).items.map((item) => item.id).join());
  }
  return { seen, slates };
}

let api;
before(async () => (api = await installPacked().load("upnext/edge")));

test("the origin sees the same bytes of every viewer", async (t) => {
  let reference;
  const slates = new Set();
  let [requests, bytes] = [0, 0];
  for (const viewer of matrix) {
    const { seen, slates: shown } = await seenOf(api, viewer);
    reference ??= seen;
    assert.deepEqual(seen, reference);
    requests += seen.length;
    bytes += seen.join().length;
    for (const slate of shown) slates.add(slate);
  }
  assert.ok(reference.length >= 8, "pointer, manifest, files and block, and pointer and block again");
  assert.ok(slates.size > 10, `${slates.size} slates`);
  t.diagnostic(`edge: ${matrix.length} viewers of ${combinations.length} combinations, ${requests} requests of ${bytes} bytes, ${slates.size} different slates: 0 bytes differ`);
});

for (const [name, changes] of Object.entries(MUTANTS))
  test(`a planted leak is found: ${name}`, async () => {
    const mutant = await planted(changes);
    const traffics = [];
    for (const viewer of [matrix[0], matrix.at(-1), { context: PRIVATE.context[1], profile: PRIVATE.profile[1], past: PRIVATE.past[2], options: {}, client: PRIVATE.client[1] }]) traffics.push((await seenOf(mutant, viewer)).seen.join("\n"));
    assert.ok(new Set(traffics).size > 1);
  });

test("the same build without a leak has none", async () => {
  const same = await planted(["edge.ts", "await prepare(context);", "await prepare(context);"]);
  for (const viewer of [matrix[0], matrix.at(-1)]) assert.deepEqual((await seenOf(same, viewer)).seen, (await seenOf(api, matrix[0])).seen);
});
