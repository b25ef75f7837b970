// The packed package gives the golden slates, with either engine.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { assertGolden, engines, goldenSet, goldenSets, runs, serveGolden } from "../lib/golden.mjs";
import { root } from "../lib/paths.mjs";
import { installPacked } from "../lib/packed.mjs";
import { replay } from "../lib/replay.mjs";

const packed = installPacked();

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

test("the tarball holds what its exports name, both modules, and nothing else", () => {
  const kinds = [/^package\.json$/, /^README\.md$/, /^LICENSE/, /^dist\/[\w-]+\.(js|cjs|d\.ts|d\.cts)$/, /^dist\/(compact|onnx)\/upnext(_bg)?\.(js|wasm|d\.ts|wasm\.d\.ts)$/];
  assert.deepEqual(packed.files.filter((file) => !kinds.some((kind) => kind.test(file))), []);
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const named = (value) => (typeof value === "string" ? [value.replace("./", "")] : Object.values(value ?? {}).flatMap(named));
  for (const needed of [...named(exports), "dist/worker.js", "dist/onnx-worker.js", "dist/compact/upnext_bg.wasm", "dist/onnx/upnext_bg.wasm"]) assert.ok(packed.files.includes(needed), needed);
});
