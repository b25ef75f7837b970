// Each kind of bad input has its own code, what was loaded stays in use, and nothing traps.
import assert from "node:assert/strict";
import { before, test } from "node:test";
import { goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";

const packed = installPacked();
let api;
before(async () => (api = await packed.load("upnext")));

const set = goldenSet("tiny");
const now = () => set.rows[0].context.nowMs;
const flipped = (bytes, at = bytes.length >> 1) => {
  const copy = Uint8Array.from(bytes);
  copy[at] ^= 1;
  return copy;
};
const json = (value) => new TextEncoder().encode(JSON.stringify(value));
const create = (fetch, more = {}) =>
  api.createRecommender({ origin: ORIGIN, languages: [], storage: api.memoryStorage(), fetch, now, refreshMs: 0, ...more });
const withCode = (code) => (error) => {
  assert.ok(error instanceof api.UpnextError, `${error}`);
  assert.equal(error.code, code, error.message);
  assert.ok(error.message.length > 0);
  return true;
};

const isFile = (role) => {
  const { path } = set.manifest.files.find((file) => file.role === role);
  return (pathname) => pathname.endsWith(path);
};
const isBlock = (pathname) => pathname === "/v1/candidates";
const isManifest = (pathname) => pathname.endsWith("/manifest.json");
const isPointer = (pathname) => pathname.endsWith("/current.json");

/** Rewrites the block's first occurrence of some bytes: the bundle id stands in it as text. */
function otherBundleId(bytes) {
  const at = Buffer.from(bytes).indexOf(set.bundleId);
  const copy = Uint8Array.from(bytes);
  copy[at] = copy[at] === 0x30 ? 0x31 : 0x30;
  return copy;
}

/** The block with a NaN as its first vector scale (field 7, packed floats). */
function withNaN(bytes) {
  const copy = Buffer.from(bytes);
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = copy[at++];
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < copy.length) {
    const key = varint();
    if ((key & 7) === 0) varint();
    else if ((key & 7) === 5) at += 4;
    else {
      const length = varint();
      if (key >> 3 === 7) {
        copy.writeFloatLE(Number.NaN, at);
        return copy;
      }
      at += length;
    }
  }
  throw new Error("the block has no vector scales");
}

const cases = [
  ["a server that is down", () => true, () => { throw new TypeError("connection refused"); }, "server-unreachable"],
  ["a pointer that is no JSON", isPointer, () => Buffer.from("<html>"), "bundle-unreadable"],
  ["a pointer of the wrong shape", isPointer, () => json({ bundle: 7 }), "bundle-unreadable"],
  ["a pointer to a bundle that is not there", isPointer, () => json({ bundle: "0".repeat(64) }), "not-found"],
  ["a manifest with a flipped byte", isManifest, (b) => flipped(b), "bundle-corrupt"],
  ["a feature spec with a flipped byte", isFile("feature-spec"), (b) => flipped(b), "bundle-corrupt"],
  ["a user tower with a flipped byte", isFile("user-tower"), (b) => flipped(b), "bundle-corrupt"],
  ["a ranker that is cut off", isFile("ranker"), (b) => b.subarray(0, 10), "bundle-corrupt"],
  ["a Gram matrix that is not there", isFile("gram"), () => undefined, "not-found"],
  ["an empty file", isFile("user-tower"), () => new Uint8Array(), "bundle-corrupt"],
  ["a block of another bundle", isBlock, otherBundleId, "bundle-mismatch"],
  ["a block that is cut off", isBlock, (b) => b.subarray(0, b.length - 3), "block-unreadable"],
  ["a block that is no protobuf", isBlock, () => Buffer.from("<html>no</html>"), "block-unreadable"],
  ["a block with NaN", isBlock, withNaN, "not-finite"],
  ["a server's own error", isBlock, () => Response.json({ code: "token-invalid", message: "expired" }, { status: 401 }), "token-invalid"],
  ["a proxy's error", isBlock, () => new Response("bad gateway", { status: 502 }), "server-error"],
];

for (const [name, matches, tamper, code] of cases) {
  test(`${name}: ${code}, at the start`, async () => {
    const { fetch } = serveGolden(set, (path, bytes) => (matches(path) ? tamper(bytes) : bytes));
    await assert.rejects(create(fetch), withCode(code));
  });
}

// A refresh of a loaded bundle asks for the pointer and the block only.
for (const [name, matches, tamper, code] of cases.filter(([, matches]) => matches("/v1/candidates") || matches === isPointer)) {
  test(`${name}: ${code}, at a refresh; the last good slate can still be made`, async () => {
    let broken = false;
    const { fetch } = serveGolden(set, (path, bytes) => (broken && matches(path) ? tamper(bytes) : bytes));
    const upnext = await create(fetch);
    const good = await upnext.recommend();
    broken = true;
    await assert.rejects(upnext.refresh(), withCode(code));
    assert.equal(upnext.refreshError.code, code);
    assert.deepEqual(upnext.slate, good);
    assert.deepEqual(await upnext.recommend(), good);
    broken = false;
    await upnext.refresh();
    assert.equal(upnext.refreshError, undefined);
    assert.deepEqual(await upnext.recommend(), good);
    upnext.close();
  });
}

test("an expired block is refused, and the last slate is kept", async () => {
  let later = 0;
  const upnext = await create(serveGolden(set).fetch, { now: () => now() + later });
  const good = await upnext.recommend();
  later = upnext.block.expiresAtMs - now();
  await assert.rejects(upnext.recommend(), withCode("block-expired"));
  assert.deepEqual(upnext.slate, good);
  upnext.close();
});

test("options, events and profiles of the wrong shape are refused one by one, and change nothing", async () => {
  const upnext = await create(serveGolden(set).fetch);
  const good = await upnext.recommend();
  const id = upnext.block.ids[0];
  const wrong = [
    () => upnext.recommend({ size: 0 }),
    () => upnext.recommend({ size: 201 }),
    () => upnext.recommend({ size: 1.5 }),
    () => upnext.recommend({ size: "many" }),
    () => upnext.recommend({ diversity: Number.NaN }),
    () => upnext.recommend({ diversity: 2 }),
    () => upnext.recommend({ device: 7 }),
    () => upnext.recommend({ localTime: { hour: "late" } }),
    () => upnext.record({ kind: "stare", video: id }),
    () => upnext.record({ kind: "watch", video: id, seconds: Number.NaN }),
    () => upnext.record({ kind: "watch", video: id, seconds: -1 }),
    () => upnext.record({ kind: "like" }),
    () => upnext.record({ kind: "search" }),
    () => upnext.record(null),
    () => upnext.watched(id, "a minute"),
  ];
  for (const call of wrong) await assert.rejects(async () => call(), withCode("request-invalid"), String(call));
  for (const profile of [{ age: "old" }, { age: 1000 }, { latitude: Number.NaN }, { blockedChannels: "one" }, { shoeSize: 46 }]) {
    await assert.rejects(upnext.profile.set(profile), withCode("profile-invalid"), JSON.stringify(profile));
  }
  for (const text of ["", "{", "null", "[]", "{}", '{"version":1,"profile":{},"history":[]}', '{"version":9,"profile":{},"history":{}}']) {
    await assert.rejects(upnext.profile.import(text), withCode("profile-invalid"), text);
  }
  assert.deepEqual(await upnext.recommend(), good);
  upnext.close();
});

test("stored texts that can't be read are set aside, reported, and not lost", async () => {
  const stored = new Map([["history", '{"version":1,"events":[{"brok'], ["profile", '{"age":"old"}']]);
  const storage = {
    get: async (key) => stored.get(key),
    set: async (key, value) => void stored.set(key, value),
    remove: async (key) => void stored.delete(key),
  };
  const before = new Map(stored);
  const errors = [];
  const upnext = await create(serveGolden(set).fetch, { storage, onError: (error) => errors.push(error.code) });
  assert.deepEqual(errors, ["profile-invalid", "profile-invalid"]);
  await upnext.like(upnext.block.ids[0]);
  await upnext.profile.set({ age: 40 });
  for (const [key, text] of before) assert.equal(stored.get(`${key}-unreadable-${now()}`), text);
  assert.notEqual(stored.get("history"), before.get("history"));
  upnext.close();
});

test("storage that fails is replaced by memory, with one report", async () => {
  const denied = async () => { throw new DOMException("denied", "SecurityError"); };
  const errors = [];
  const upnext = await create(serveGolden(set).fetch, { storage: { get: denied, set: denied, remove: denied }, onError: (e) => errors.push(e.code) });
  await upnext.like(upnext.block.ids[0]);
  await upnext.profile.set({ age: 30 });
  assert.deepEqual(errors, ["storage-unavailable"]);
  assert.equal((await upnext.profile.inspect()).age, 30);
  upnext.close();
});
