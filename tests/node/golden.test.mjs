// The packed package gives the golden slates, with either engine.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { assertGolden, engines, goldenSet, goldenSets, runs, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";
import { replay } from "../lib/replay.mjs";

const packed = installPacked();
after(packed.remove);

for (const [engine, { specifier }] of Object.entries(engines)) {
  for (const name of goldenSets) {
    const set = goldenSet(name);
    if (!runs(engine, set)) continue;
    test(`${specifier} gives the golden slates of ${name}`, async () => {
      const { createRecommender } = await packed.load(specifier);
      assert.ok(set.rows.length > 0);
      for (const row of set.rows) assertGolden(engine, row, await replay(createRecommender, row, serveGolden(set).fetch));
    });
  }
}

test("the tarball holds the entries, both modules, types, and nothing else", () => {
  const kinds = [/^package\.json$/, /^README\.md$/, /^LICENSE/, /^dist\/[\w-]+\.js$/, /^dist\/(compact|onnx)\/upnext(_bg)?\.(js|wasm|d\.ts|wasm\.d\.ts)$/, /^dist\/types\/[\w-]+\.d\.ts$/];
  assert.deepEqual(packed.files.filter((file) => !kinds.some((kind) => kind.test(file))), []);
  for (const needed of ["dist/browser.js", "dist/node.js", "dist/onnx-browser.js", "dist/onnx-node.js", "dist/edge.js", "dist/types/public.d.ts", "dist/types/edge-public.d.ts", "dist/compact/upnext_bg.wasm"]) {
    assert.ok(packed.files.includes(needed), needed);
  }
});
