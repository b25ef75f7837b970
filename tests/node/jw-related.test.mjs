// JW Player's `related` options, and what they come to with the elements.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { installPacked } from "../lib/packed.mjs";

let fromJwRelated;
before(async () => ({ fromJwRelated } = await installPacked().load("upnext/elements")));

test("nothing said is JW Player's default", () => {
  assert.deepEqual(fromJwRelated({}), { next: { autoplay: false, seconds: 10, words: {} }, rail: { hidden: false, words: {} }, announce: true, overlay: false, onclick: "play" });
});

test("each option acts on its own part and on no other", () => {
  const none = fromJwRelated({});
  for (const [related, changed] of [
    [{ file: "https://feed.example/list" }, {}],
    [{ selector: "#more" }, {}],
    [{ autoplaytimer: 3 }, { next: { ...none.next, seconds: 3 } }],
    [{ autoplaytimer: 0 }, { next: { ...none.next, seconds: 0 } }],
    [{ autoplaytimer: -1 }, {}],
    [{ autoplaytimer: Number.NaN }, {}],
    [{ oncomplete: "autoplay" }, { next: { ...none.next, autoplay: true } }],
    [{ oncomplete: "show" }, {}],
    [{ oncomplete: "hide" }, { announce: false }],
    [{ oncomplete: "none" }, { announce: false }],
    [{ displayMode: "overlay" }, { overlay: true }],
    [{ displayMode: "shelf" }, {}],
    [{ displayMode: "shelfWidget" }, {}],
    [{ displayMode: "none" }, { rail: { ...none.rail, hidden: true } }],
    [{ onclick: "play" }, {}],
    [{ onclick: "link" }, { onclick: "link" }],
    [{ heading: "More Videos" }, { rail: { ...none.rail, words: { upNext: "More Videos" } } }],
  ]) assert.deepEqual(fromJwRelated(related), { ...none, ...changed }, JSON.stringify(related));
});

test("a message's macros are replaced once, whatever the title holds", () => {
  const { startsIn, announced } = fromJwRelated({ autoplaymessage: "__title__ will play in xx seconds" }).next.words;
  assert.equal(startsIn(7, "xx & __title__ $&"), "xx & __title__ $& will play in 7 seconds");
  assert.equal(announced("One", 7), "One will play in 7 seconds");
  assert.equal(announced("One", undefined), "Up next: One");
});
