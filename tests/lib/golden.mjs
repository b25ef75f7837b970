// Golden sets: a bundle's client half, a candidate block, and rows with what must come out.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./paths.mjs";
import { ORIGIN } from "./replay.mjs";

export { ORIGIN };

const golden = join(root, "tests/golden");

/** Names of the golden sets. */
export const goldenSets = readdirSync(golden).filter((name) => existsSync(join(golden, name, "rows.json")));

/** Bytes and rows of one set. */
export function goldenSet(name) {
  const dir = join(golden, name);
  const { bundle } = JSON.parse(readFileSync(join(dir, "current.json"), "utf8"));
  const manifest = JSON.parse(readFileSync(join(dir, bundle, "manifest.json"), "utf8"));
  return {
    dir,
    bundleId: bundle,
    manifest,
    block: readFileSync(join(dir, "block.pb")),
    rows: JSON.parse(readFileSync(join(dir, "rows.json"), "utf8")),
  };
}

/** The compact engine is exact; tract sums in another order. */
export const engines = {
  compact: { specifier: "upnext", entry: "browser.js", tolerance: 0 },
  onnx: { specifier: "upnext/onnx", entry: "onnx-browser.js", tolerance: 1e-5 },
};

/** Whether the set holds the graphs of that engine. */
export const runs = (engine, set) => engine === "compact" || set.manifest.files.some((file) => file.role === "user-tower-onnx");

/** Holds what `replay` returned to its row. */
export function assertGolden(engine, row, slate) {
  assert.equal(slate.engine, engine);
  assert.deepEqual(slate.ids, row.expected.ids, row.name);
  assert.equal(slate.receipt, row.expected.receipt, row.name);
  slate.scores.forEach((score, i) => {
    const difference = Math.abs(score - Math.fround(row.expected.scores[i]));
    assert.ok(difference <= engines[engine].tolerance, `${row.name}: score ${i} differs by ${difference}`);
  });
  assert.deepEqual(slate.dropped, row.expected.dropped, row.name);
}

/**
 * A `fetch` that serves a golden set the way the server does, and remembers every request.
 * `tamper(path, bytes)` may return other bytes, a `Response`, or throw as a broken network does.
 */
export function serveGolden(set, tamper = (_path, bytes) => bytes) {
  const requests = [];
  const fetch = async (url, init = {}) => {
    const { origin, pathname, search } = new URL(url);
    requests.push({ path: pathname + search, headers: init.headers ?? [], method: init.method ?? "GET", body: init.body });
    let bytes;
    if (origin !== ORIGIN) throw new TypeError(`no such host: ${origin}`);
    if (pathname === "/v1/candidates") bytes = set.block;
    else if (pathname.startsWith("/bundle/")) {
      const path = join(set.dir, pathname.slice("/bundle/".length));
      bytes = existsSync(path) ? readFileSync(path) : undefined;
    }
    const answer = tamper(pathname, bytes);
    if (answer instanceof Response) return answer;
    if (answer === undefined) {
      return Response.json({ code: "not-found", message: `no file ${pathname}` }, { status: 404 });
    }
    return new Response(answer);
  };
  return { fetch, requests };
}
