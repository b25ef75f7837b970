// The loop: train, serve, take events and a new video, export, train again on top; twice round, with the server
// running all the time.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { binary } from "../lib/paths.mjs";
import { ADMIN_KEY, buildPrograms, startServer, tokenOf } from "../lib/server.mjs";

const folder = mkdtempSync(join(tmpdir(), "upnext-loop-"));
const at = (name) => join(folder, name);
let server;
after(() => {
  server?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const run = (name, ...args) => execFileSync(binary(name), args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
const train = (data) => run("upnext-export", "train", "--data", data, "--out", at("bundle"), "--epochs", "1");

test("what the server is told, the next training starts from, twice round", { timeout: 900_000 }, async () => {
  buildPrograms();
  run("upnext-export", "simulate", "--users", "60", "--videos", "80", "--out", at("tables-0"));
  train(at("tables-0"));
  const { origin, server: started } = await startServer(at("bundle"), "--data", at("live"));
  server = started;
  const json = async (path, init) => {
    const answer = await fetch(origin + path, init);
    assert.ok(answer.ok, `${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  const block = (account) => json("/v1/candidates", { headers: { accept: "application/json", ...(account && { authorization: `Bearer ${tokenOf(account)}` }) } });
  const counts = (text) => text.match(/(\d+) interactions of (\d+) users with (\d+) videos/).slice(1).map(Number);

  let before = await json("/healthz");
  let interactions = 0;
  for (const round of [1, 2]) {
    const video = `new-${round}`;
    const account = `newcomer-${round}`;
    await json(`/v1/videos/${video}`, { method: "PUT", headers: { "x-upnext-admin-key": ADMIN_KEY }, body: JSON.stringify({ title: `A new video ${round}`, tags: ["music"], length_seconds: 60 }) });
    const rows = (await block()).rows;
    assert.ok(rows.some((row) => row.id === video), "a candidate at once");
    const watched = rows.filter((row) => row.length_seconds !== null).slice(0, 20);
    const events = watched.map((row, index) => ({ id: `e${index}`, type: "watch", video_id: row.id, seconds: row.length_seconds, timestamp: Date.now(), device: "phone", surface: "up-next", position: index }));
    events.push({ id: "search", type: "search", text: "猫 music", timestamp: Date.now() });
    const init = { method: "POST", headers: { authorization: `Bearer ${tokenOf(account)}` }, body: JSON.stringify({ events }) };
    assert.deepEqual(await json("/v1/events", init), { stored: events.length, known: 0, refused: [] });
    assert.deepEqual(await json("/v1/events", init), { stored: 0, known: events.length, refused: [] });
    const offered = (await block(account)).rows.map((row) => row.id);
    assert.ok(watched.every((row) => !offered.includes(row.id)), "what was finished is not offered again");

    // The base is always the first data set: the store holds everything since.
    const tables = at(`tables-${round}`);
    const exported = counts(run("upnext-server", "export-events", "--data", at("live"), "--bundle", at("bundle"), "--base", at("tables-0"), "--out", tables));
    assert.ok(exported[0] >= interactions + events.length, `${exported}`);
    interactions = exported[0];
    // The trainer's own reader takes every row: not one may be malformed.
    run("upnext-export", "check", "--data", tables, "--max-malformed", "0");
    train(tables);

    const until = Date.now() + 30_000;
    let now = await json("/healthz");
    while (now.bundle === before.bundle && Date.now() < until) {
      await new Promise((done) => setTimeout(done, 100));
      now = await json("/healthz");
    }
    assert.notEqual(now.bundle, before.bundle, "the running server follows the pointer");
    assert.equal(now.accounts, before.accounts + 1, "the newcomer is in the bundle");
    assert.equal(now.videos, before.videos + 1, "and so is the new video");
    before = now;
  }
  // Back by one command, without a restart.
  const id = /current bundle: ([0-9a-f]{64})/.exec(run("upnext-server", "rollback", "--bundle", at("bundle")))[1];
  assert.notEqual(id, before.bundle);
  const until = Date.now() + 30_000;
  while ((await json("/healthz")).bundle !== id && Date.now() < until) await new Promise((done) => setTimeout(done, 100));
  assert.equal((await json("/healthz")).bundle, id);
});
