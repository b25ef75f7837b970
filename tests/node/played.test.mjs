// Honest watch time without a player: scripted samples with the right answer, and an oracle that counts by hundredths.
import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { build } from "esbuild";
import { root } from "../lib/paths.mjs";

let Played;
before(async () => {
  const { outputFiles } = await build({ entryPoints: [join(root, "crate/wasm/js/played.ts")], bundle: true, format: "esm", write: false });
  ({ Played } = await import(`data:text/javascript,${encodeURIComponent(outputFiles[0].text)}`));
});

/** A sample: at clock second `at` the position is `position`; it counts from here unless said otherwise. */
const s = (at, position, more = {}) => ({ atMs: at * 1000, positionSeconds: position, counts: true, rate: 1, ...more });
const off = { counts: false };
const jumped = { jumped: true };

const table = [
  ["nothing", [], 0],
  ["loaded and never played", [s(0, 0, off), s(60, 0, off)], 0],
  ["ten seconds", [s(0, 0), s(4, 4), s(10, 10, off)], 10],
  ["a long silence between samples, as a background timer makes, in which it played", [s(0, 0), s(60, 60)], 60],
  ["a pause: the clock alone counts nothing", [s(0, 0), s(3, 3, off), s(500, 3), s(502, 5)], 5],
  ["a stall: playing, and no second passes", [s(0, 0), s(2, 2), s(30, 2), s(31, 3)], 3],
  ["a seek forward", [s(0, 0), s(2, 2), s(2.1, 50, { ...jumped, ...off }), s(2.2, 50), s(4.2, 52)], 4],
  ["a seek forward that nobody announced", [s(0, 0), s(2, 2), s(2.2, 50), s(4.2, 52)], 4],
  ["a seek that is announced, however small", [s(0, 0), s(2, 2), s(2.1, 2.2, jumped), s(3.1, 3.2)], 3],
  ["a seek back: what is seen again counts once", [s(0, 0), s(5, 5), s(5, 1, jumped), s(8, 4)], 5],
  ["a seek back, and on beyond the old place", [s(0, 0), s(5, 5), s(5, 3, jumped), s(10, 8)], 8],
  ["watched from both ends to the middle", [s(0, 6), s(4, 10), s(4, 0, jumped), s(10, 6)], 10],
  ["hidden for a while", [s(0, 0), s(3, 3, off), s(9, 9), s(12, 12)], 6],
  ["hidden, then the same part again and seen", [s(0, 0, off), s(5, 5, off), s(5, 0, { ...jumped }), s(5.1, 0), s(10.1, 5)], 5],
  ["double speed", [s(0, 0, { rate: 2 }), s(5, 10, { rate: 2 })], 10],
  ["half speed", [s(0, 0, { rate: 0.5 }), s(10, 5, { rate: 0.5 })], 5],
  ["a change of rate between two samples", [s(0, 0), s(2, 4, { rate: 2 }), s(4, 8, { rate: 2 })], 8],
  ["sixteen times", [s(0, 0, { rate: 16 }), s(10, 160, { rate: 16 })], 160],
  ["a loop: the way over the end, once", [s(0, 0), s(3, 3), s(4.5, 0.5, { loopSeconds: 4 }), s(8.5, 0.6, { loopSeconds: 4 })], 4],
  ["a loop announced as a seek", [s(0, 0), s(3.8, 3.8), s(4, 0, { ...jumped, loopSeconds: 4 }), s(6, 2, { loopSeconds: 4 })], 4],
  ["a seek to the start of a looping video counts no end", [s(0, 0), s(3, 3), s(3.1, 0, { ...jumped, loopSeconds: 60 }), s(4.1, 1, { loopSeconds: 60 })], 3],
  ["three loops", [s(0, 0), s(2, 2), s(4, 0, { loopSeconds: 4 }), s(6, 2), s(8, 0, { loopSeconds: 4 }), s(12, 0, { loopSeconds: 4 })], 4],
  ["beyond the stated length", [s(0, 0), s(20, 20)], 12, 12],
  ["a clock that goes back counts what the slack allows and no more", [s(10, 0), s(5, 5), s(6, 6)], 1],
  ["a position that is no number", [s(0, 0), s(1, Number.NaN), s(2, 2), s(3, 3)], 1],
  ["a live stream's clock", [s(0, 1e9), s(2, 1e9 + 2)], 2],
];

for (const [name, samples, expected, length] of table) {
  test(`${name}: ${expected} s`, () => {
    const played = new Played(length);
    for (const sample of samples) played.sample(sample);
    assert.ok(Math.abs(played.seconds - expected) < 1e-6, `${played.seconds}`);
  });
}

test("any order of plays, seeks and pauses agrees with counting every hundredth of a second", () => {
  let state = 7;
  const random = (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 300; round++) {
    const played = new Played();
    const seen = new Set();
    let [at, position] = [0, random(500)];
    let counts = random(3) > 0;
    played.sample(s(0, position / 100, { counts }));
    for (let act = 0; act < 60; act++) {
      const advance = random(80);
      if (random(4) === 0) {
        position = random(3000);
        played.sample(s(at / 100, position / 100, { counts, jumped: true }));
      } else if (counts) {
        for (let hundredth = 0; hundredth < advance; hundredth++) seen.add(position + hundredth);
        position += advance;
        at += advance;
        counts = random(5) > 0;
        played.sample(s(at / 100, position / 100, { counts }));
      } else {
        at += advance;
        counts = random(2) > 0;
        played.sample(s(at / 100, position / 100, { counts }));
      }
    }
    // Stretches closer than a hundredth can't be, so every seam is exact.
    assert.ok(Math.abs(played.seconds - seen.size / 100) < 1e-6, `round ${round}: ${played.seconds} and ${seen.size / 100}`);
  }
});
