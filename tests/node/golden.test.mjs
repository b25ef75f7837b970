// The packed package gives the golden slates, with either engine.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { goldenSet, goldenSets, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";

const packed = installPacked();
after(packed.remove);

/** A recommender that stands where a golden row stands. */
async function standIn(createRecommender, set, row) {
  const stored = new Map([["history", JSON.stringify(row.history)]]);
  const storage = {
    get: async (key) => stored.get(key),
    set: async (key, value) => void stored.set(key, value),
    remove: async (key) => void stored.delete(key),
  };
  const { fetch } = serveGolden(set);
  const { profile, context, options } = row;
  const now = () => context.nowMs;
  return createRecommender({ origin: ORIGIN, languages: ["en"], profile, storage, fetch, now, seed: options.seed, refreshMs: 0 });
}

/** The compact engine is exact; tract sums in another order. */
const engines = [
  { specifier: "upnext", engine: "compact", tolerance: 0 },
  { specifier: "upnext/onnx", engine: "onnx", tolerance: 1e-5 },
];

for (const { specifier, engine, tolerance } of engines) {
  for (const name of goldenSets) {
    const set = goldenSet(name);
    const hasGraphs = engine === "compact" || set.manifest.files.some((file) => file.role === "user-tower-onnx");
    if (!hasGraphs) continue;
    test(`${specifier} gives the golden slates of ${name}`, async () => {
      const { createRecommender } = await packed.load(specifier);
      assert.ok(set.rows.length > 0);
      for (const row of set.rows) {
        const upnext = await standIn(createRecommender, set, row);
        assert.equal(upnext.engine, engine);
        const { nowMs: _now, ...moment } = row.context;
        const { seed: _seed, watching, ...options } = row.options;
        const slate = await upnext.recommend({ ...moment, ...options, ...(watching ? { watching } : {}) });
        assert.deepEqual(slate.items.map((item) => item.id), row.expected.ids, row.name);
        assert.equal(slate.receipt, row.expected.receipt, row.name);
        slate.items.forEach(({ score }, i) => {
          const difference = Math.abs(score - Math.fround(row.expected.scores[i]));
          assert.ok(difference <= tolerance, `${row.name}: score ${i} differs by ${difference}`);
        });
        assert.deepEqual(slate.dropped, row.expected.dropped, row.name);
        upnext.close();
      }
    });
  }
}

test("the tarball holds the entries, both modules, types, and nothing else", () => {
  const kinds = [/^package\.json$/, /^README\.md$/, /^LICENSE/, /^dist\/[\w-]+\.js$/, /^dist\/(compact|onnx)\/upnext(_bg)?\.(js|wasm|d\.ts|wasm\.d\.ts)$/, /^dist\/types\/[\w-]+\.d\.ts$/];
  assert.deepEqual(packed.files.filter((file) => !kinds.some((kind) => kind.test(file))), []);
  for (const needed of ["dist/browser.js", "dist/node.js", "dist/onnx-browser.js", "dist/onnx-node.js", "dist/types/public.d.ts", "dist/compact/upnext_bg.wasm"]) {
    assert.ok(packed.files.includes(needed), needed);
  }
});
