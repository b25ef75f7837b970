// The page of the closed loop, without the loop.
import assert from "node:assert/strict";
import { test } from "node:test";
import { escape, lines, METRICS, page } from "../loop/report.mjs";

const figure = (value) => ({ value, interval: [value - 0.01, value + 0.01], of: 100, accounts: 9, total: 100 * value });
const figures = (value) => Object.fromEntries(Object.keys(METRICS).map((metric) => [metric, figure(value)]));
const arm = (value) => ({
  what: "what <it> shows",
  figures: figures(value),
  weeks: [0, 1, 2].map((week) => ({ bundle: "0123abcd", visits: 9, impressions: 50, trueChance: value, ofNewVideos: 0.1 * week, videosShown: 0.5, gini: 0.4, figures: figures(value + 0.01 * week) })),
});
const report = {
  version: 1,
  options: { weeks: 3, seed: 7, drifting: 0.3, candidates: 50 },
  world: { from: 0, until: 21 * 86_400_000, visits: 30, viewers: 9, newcomers: 2, drifting: 3, newVideos: 5 },
  arms: { popularity: arm(0.2), device: arm(0.3) },
  against: { popularity: [{ arm: "device", metric: "completed", difference: 0.1, interval: [0.05, 0.15], sequential: [-0.1, 0.3] }] },
  groups: { newcomers: { who: "those who are new", arms: { popularity: figures(0.2), device: figures(0.25) } } },
};

test("the page is whole in itself, and says what the report says", () => {
  const html = page(report);
  assert.doesNotMatch(html, /<script|<link|<img|src=|href=|url\(|NaN|undefined|Infinity/);
  for (const said of ["0.2000 ± 0.0100", "+0.1000 [+0.0500, +0.1500]", 'class="more"', "what &lt;it> shows", "1970-01-22", "Newcomers"]) assert.ok(html.includes(said), said);
  assert.equal(html, page(structuredClone(report)));
});

test("lines stay on their paper, one value or many, alike or not", () => {
  for (const values of [[0.5], [0.5, 0.5], [0, 1e-9, 0], [-3, 1000, 2]]) {
    const svg = lines([{ name: "a", values, intervals: values.map((v) => [v - 1, v + 1]) }, { name: "b", values }]);
    assert.doesNotMatch(svg, /NaN|Infinity/);
    const ys = [...svg.matchAll(/ (?:cy|y1|y)=([-\d.]+)/g)].map((found) => Number(found[1]));
    assert.ok(ys.length > 5 && ys.every((y) => y >= 0 && y <= 240), svg);
  }
});

test("names are text", () => assert.equal(escape('<a b="c">&'), "&lt;a b=&quot;c&quot;>&amp;"));
