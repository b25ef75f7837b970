// What ten thousand slates leave behind: nothing. The module's memory is as large after them as after the first ten.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { goldenSet } from "../lib/golden.mjs";
import { root } from "../lib/paths.mjs";

const CALLS = 10_000;

test(`the module needs as much memory after ${CALLS} slates as after ten`, async () => {
  const dist = join(root, "dist/compact");
  const module = await import(pathToFileURL(join(dist, "upnext.js")));
  const { memory } = module.initSync({ module: readFileSync(join(dist, "upnext_bg.wasm")) });
  const set = goldenSet("tiny");
  const manifest = readFileSync(join(set.dir, set.bundleId, "manifest.json"));
  const paths = module.bundlePlan(set.bundleId, manifest).files.map((file) => file.path);
  const recommender = new module.Recommender();
  recommender.load(set.bundleId, manifest, paths, paths.map((path) => readFileSync(join(set.dir, set.bundleId, path))), set.block);
  // The row with the most to do: a personal head and Thompson sampling over a history with what was expected.
  const row = set.rows.find(({ options }) => options.exploration === "thompson");
  recommender.importHistory(JSON.stringify(row.history));
  const ways = [{ method: "mmr" }, { method: "dpp", size: 24 }, { method: "ssd", size: 24 }, { exploration: "thompson", explore: 1, personal: 1, fatigue: 1 }, { perChannel: 3, calibration: 0.5 }];
  const run = (call) => recommender.recommend({ ...row.context, nowMs: row.context.nowMs - (call % 1000) }, { diversity: 0.5, seed: call, ...ways[call % ways.length] });
  for (let call = 0; call < 10; call++) run(call);
  const first = memory.buffer.byteLength;
  for (let call = 10; call < CALLS; call++) assert.ok(run(call).rows.length > 0);
  assert.equal(memory.buffer.byteLength, first);
  recommender.free();
});
