// A small loop, run twice: `npm run test:full`.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { buildPrograms } from "../lib/server.mjs";
import { DEFAULTS, loop } from "./loop.mjs";

const folder = mkdtempSync(join(tmpdir(), "upnext-closed-loop-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const options = { ...DEFAULTS, weeks: 2, viewers: 90, videos: 160, candidates: 60, seed: 3, epochs: 1, arms: ["popularity", "server", "device"] };

test("the loop closes, loses nothing, and says the same twice", { timeout: 900_000 }, async () => {
  buildPrograms();
  const report = await loop(join(folder, "a"), options);
  const { popularity, server, device } = report.arms;
  for (const { weeks, figures } of [popularity, server, device]) {
    assert.equal(weeks.length, 2);
    // The judge was told all that was shown, and lost nothing of it. Each week has a bundle of its own.
    const impressions = weeks.reduce((sum, week) => sum + week.impressions, 0);
    assert.equal(figures.click_through.of, impressions);
    assert.equal(weeks.reduce((sum, week) => sum + week.figures.click_through.of, 0), impressions);
    assert.notEqual(weeks[0].bundle, weeks[1].bundle);
    assert.ok(weeks.every(({ gini, videosShown, trueChance }) => gini > 0 && gini < 1 && videosShown > 0 && trueChance > 0.05 && trueChance < 0.95));
    // What came true is within chance of what is true.
    const truth = weeks.reduce((sum, week) => sum + week.trueChance * week.impressions, 0) / impressions;
    assert.ok(Math.abs(figures.relevant.value - truth) < 4 * Math.sqrt((truth * (1 - truth)) / impressions), `${figures.relevant.value}, ${truth}`);
  }
  assert.equal(popularity.weeks[0].bundle, device.weeks[0].bundle, "all begin with one bundle");
  assert.notEqual(popularity.weeks[1].bundle, device.weeks[1].bundle, "each goes on with what it collected");
  assert.equal(popularity.weeks[0].visits, device.weeks[0].visits);
  assert.ok(device.weeks[1].ofNewVideos > 0, "new videos come through");
  assert.ok(report.groups.newcomers.arms.device.click_through.of > 0 && report.groups.drifted.arms.device.click_through.of > 0);

  await loop(join(folder, "b"), { ...options, jobs: 1 });
  const text = (name) => readFileSync(join(folder, name), "utf8");
  assert.equal(text("a/report.json"), text("b/report.json"), "everything follows from the seed, whatever runs beside what");
  assert.equal(text("a/report.html"), text("b/report.html"));
});
