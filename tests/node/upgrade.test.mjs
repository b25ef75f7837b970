// A history outlives an upgrade: the new bundle says how the old one's vectors are turned, and nothing is asked of the
// server for it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { goldenSet, ORIGIN, serveGolden } from "../lib/golden.mjs";
import { installPacked } from "../lib/packed.mjs";

const packed = installPacked();
const set = goldenSet("tiny");
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Safetensors with two matrices: vectors are turned by one place, factors stay. */
function alignment(previous) {
  const matrix = (width, of) => Buffer.from(Float32Array.from({ length: width * width }, (_, at) => Number(of(Math.floor(at / width)) === at % width)).buffer);
  const [v, f] = [set.manifest.vector_dim, set.manifest.factor_dim];
  const [vectors, factors] = [matrix(v, (row) => (row + 1) % v), matrix(f, (row) => row)];
  const tensor = (width, from) => ({ dtype: "F32", shape: [width, width], data_offsets: [from, from + 4 * width * width] });
  const header = Buffer.from(JSON.stringify({ __metadata__: { previous }, vectors: tensor(v, 0), factors: tensor(f, vectors.length) }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, vectors, factors]);
}

/** The set's bundle again under another id, with that file, and its block. */
function next() {
  const bytes = alignment(set.bundleId);
  const path = `client/alignment.${sha256(bytes).slice(0, 8)}.safetensors`;
  const manifest = Buffer.from(JSON.stringify({ ...set.manifest, files: [...set.manifest.files, { role: "alignment", path, bytes: bytes.length, sha256: sha256(bytes) }] }));
  const id = sha256(manifest);
  const block = Buffer.from(set.block.toString("latin1").replaceAll(set.bundleId, id), "latin1");
  return { id, path, bytes, manifest, block };
}

test("a history outlives a new bundle, and is stored as it is then", async () => {
  const { createRecommender, memoryStorage } = await packed.load("upnext");
  const newer = next();
  let upgraded = false;
  const { fetch, requests } = serveGolden(set, (pathname, bytes) => {
    if (!upgraded) return bytes;
    if (pathname.endsWith("/current.json")) return Buffer.from(JSON.stringify({ bundle: newer.id }));
    if (pathname.endsWith(`${newer.id}/manifest.json`)) return newer.manifest;
    if (pathname.endsWith(newer.path)) return newer.bytes;
    if (pathname === "/v1/candidates") return newer.block;
    if (!pathname.includes(newer.id)) return bytes;
    return readFileSync(join(set.dir, pathname.slice("/bundle/".length).replace(newer.id, set.bundleId)));
  });
  const storage = memoryStorage();
  const start = () => createRecommender({ origin: ORIGIN, languages: [], storage, fetch, now: () => set.rows[0].context.nowMs, refreshMs: 0 });
  const upnext = await start();
  assert.ok(!upnext.block.carried);
  const { items } = await upnext.recommend({ size: 5 });
  for (const { id } of items.slice(1)) await upnext.watched(id, 400);
  await upnext.like(items[0].id);
  const rows = async (of) => JSON.parse(await of.profile.export()).history.events.map(({ model }) => model);
  const before = await rows(upnext);
  upgraded = true;
  await upnext.refresh();
  assert.equal(upnext.block.bundleId, newer.id);
  assert.equal(upnext.block.carried, 5);
  const after = await rows(upnext);
  const values = ({ scale, levels }) => levels.match(/../g).map((hex) => ((parseInt(hex, 16) << 24) >> 24) * scale);
  for (const [at, { bundleId, vector, factor }] of after.entries()) {
    assert.equal(bundleId, newer.id);
    const old = values(before[at].vector);
    values(vector).forEach((value, i) => assert.ok(Math.abs(value - old.at(i - 1)) <= vector.scale, `event ${at}, value ${i}`));
    const same = values(before[at].factor);
    values(factor).forEach((value, i) => assert.ok(Math.abs(value - same[i]) <= factor.scale));
  }
  assert.ok((await upnext.recommend()).items.length > 0);
  const stored = await storage.get("viewer");
  assert.ok(stored.includes(newer.id) && !stored.includes(set.bundleId), "it is stored as it is now");
  upnext.close();
  // What is fetched is the bundle's list of files, whoever asks.
  const asked = requests.filter(({ path }) => path.includes(newer.id) && path.includes("/client/")).map(({ path }) => path);
  const told = requests.length;
  const again = await createRecommender({ origin: ORIGIN, languages: [], storage: memoryStorage(), fetch, now: () => set.rows[0].context.nowMs, refreshMs: 0 });
  const others = requests.slice(told).filter(({ path }) => path.includes("/client/")).map(({ path }) => path);
  assert.deepEqual(others.sort(), asked.sort());
  assert.ok(asked.some((path) => path.endsWith(newer.path)));
  again.close();
});
