// Each runtime that has no page: a mini-project with the packed package installed, and the golden slates it gives.
// And what the tools of the trade say about the tarball.
import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { Miniflare, Response as EdgeResponse } from "miniflare";
import { assertGolden, goldenSet, goldenSets, serveGolden } from "../lib/golden.mjs";
import { root } from "../lib/paths.mjs";
import { copyProjects, ensureProjectTools, program } from "../lib/projects.mjs";

ensureProjectTools();
const { projects, dist, tarball } = copyProjects();
const run = promisify(execFile);
const MINUTE_MS = 60_000;

/** Holds `{ slates }` to the rows of a set. */
function assertSlates(set, slates) {
  const { rows } = goldenSet(set);
  assert.equal(slates.length, rows.length);
  rows.forEach((row, i) => assertGolden("compact", row, slates[i]));
}

const programs = {
  "node-esm": [process.execPath, ["main.mjs"]],
  "node-cjs": [process.execPath, ["main.cjs"]],
  deno: [program("deno"), ["run", "--no-config", "--no-lock", "--node-modules-dir=manual", "--cached-only", `--allow-read=${root}`, "main.mjs"]],
  bun: [program("bun"), ["run", "main.mjs"]],
};

/** Why a runtime can't be tested here, or undefined. Node itself is always there. */
function lacks(command) {
  try {
    execFileSync(command, ["--version"], { stdio: "ignore" });
    return undefined;
  } catch (error) {
    return `${command} does not start here: ${error.message}`;
  }
}

describe("programs", () => {
  for (const [name, [command, args]] of Object.entries(programs)) {
    const skip = lacks(command) ?? false;
    if (skip) console.log(`skipped: ${name}: ${skip}`);
    for (const set of goldenSets) {
      test(`${name} gives the golden slates of ${set}`, { skip, timeout: 2 * MINUTE_MS }, async () => {
        const { stdout, stderr } = await run(command, [...args, join(root, "tests/golden", set)], { cwd: join(projects, name), maxBuffer: 1 << 26, env: { ...process.env, NO_COLOR: "1" } });
        assert.equal(stderr, "");
        assertSlates(set, JSON.parse(stdout).slates);
      });
    }
  }
});

describe("upnext/edge without an edge", () => {
  for (const name of ["node-esm", "deno", "bun"]) {
    const [command, args] = programs[name];
    for (const set of goldenSets) {
      test(`${name} answers the golden slates of ${set}`, { skip: lacks(command) ?? false, timeout: 2 * MINUTE_MS }, async () => {
        const { rows } = goldenSet(set);
        const { stdout } = await run(command, [...args.slice(0, -1), "edge.mjs", join(root, "tests/golden", set)], { cwd: projects, maxBuffer: 1 << 26, env: { ...process.env, NO_COLOR: "1" } });
        const { answers } = JSON.parse(stdout);
        assert.equal(answers.length, rows.length);
        rows.forEach((row, i) => {
          assert.equal(answers[i].status, 200, JSON.stringify(answers[i].body));
          assert.deepEqual(answers[i].body.items.map((item) => item.id), row.expected.ids, row.name);
          assert.equal(answers[i].body.receipt, row.expected.receipt, row.name);
        });
      });
    }
  }
});

describe("edge runtimes", () => {
  /** `?module` is how the edge runtimes of Vercel and Next.js ask for what workerd gives without. */
  const wasm = { name: "wasm", setup: ({ onResolve }) => onResolve({ filter: /\.wasm(\?module)?$/ }, ({ path }) => ((seen = path), { path: "./upnext_bg.wasm", external: true })) };
  let seen;
  for (const [name, conditions] of [["workerd", ["workerd", "worker", "browser"]], ["edge-light", ["edge-light", "worker", "browser"]]]) {
    test(`the entry for ${name} gives the golden slates in workerd`, { timeout: 2 * MINUTE_MS }, async () => {
      const { outputFiles } = await build({ entryPoints: [join(projects, "workerd/main.mjs")], bundle: true, format: "esm", target: "es2022", conditions, plugins: [wasm], write: false });
      assert.match(seen, name === "workerd" ? /upnext_bg\.wasm$/ : /upnext_bg\.wasm\?module$/);
      for (const set of goldenSets) {
        const { fetch } = serveGolden(goldenSet(set));
        const worker = new Miniflare({
          modules: [
            { type: "ESModule", path: "main.mjs", contents: outputFiles[0].text },
            { type: "CompiledWasm", path: "upnext_bg.wasm", contents: readFileSync(join(dist, "compact/upnext_bg.wasm")) },
          ],
          compatibilityDate: "2026-04-01",
          async outboundService(request) {
            const answer = await fetch(request.url);
            return new EdgeResponse(await answer.arrayBuffer(), { status: answer.status });
          },
        });
        const slates = [];
        for (const row of goldenSet(set).rows) {
          const answer = await worker.dispatchFetch("https://edge.example/", { method: "POST", body: JSON.stringify(row) });
          assert.equal(answer.status, 200, await answer.clone().text());
          slates.push(await answer.json());
        }
        await worker.dispose();
        assertSlates(set, slates);
      }
    });
  }
});

describe("the tarball", () => {
  test("publint has nothing to say", { timeout: MINUTE_MS }, async () => {
    await run(program("publint"), ["run", tarball, "--strict"]);
  });
  // Node 10 knows no exports map, and a package for Node 20 owes it nothing. What is for pages alone is not for `require`.
  for (const [profile, entries] of [["node16", [".", "onnx", "edge"]], ["esm-only", ["inline", "elements", "players"]]]) {
    test(`are the types wrong: no, of ${entries.join(", ")}`, { timeout: MINUTE_MS }, async () => {
      await run(program("attw"), [tarball, "--profile", profile, "--format", "ascii", "--no-emoji", "--no-definitely-typed", "--entrypoints", ...entries]);
    });
  }
});

test("an import touches nothing of a page: it may happen on a server", { timeout: MINUTE_MS }, async () => {
  const browserEntries = ["browser.js", "inline.js", "onnx-browser.js", "elements.js", "players.js"].map((name) => pathToFileURL(join(dist, name)).href);
  const script = `
    const forbidden = ["window", "document", "navigator", "localStorage", "indexedDB", "caches", "Worker", "SharedWorker", "BroadcastChannel", "HTMLElement", "customElements", "fetch", "setTimeout", "setInterval"];
    const touched = [];
    for (const name of forbidden) Object.defineProperty(globalThis, name, { configurable: true, get: () => void touched.push(name) });
    for (const name of ["compile", "instantiate", "compileStreaming", "instantiateStreaming", "Module", "Instance"]) Object.defineProperty(WebAssembly, name, { configurable: true, get: () => void touched.push(name) });
    const before = Object.getOwnPropertyNames(globalThis).length;
    for (const entry of ${JSON.stringify(browserEntries)}) await import(entry);
    console.log(JSON.stringify({ touched, added: Object.getOwnPropertyNames(globalThis).length - before }));`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", script]);
  assert.deepEqual(JSON.parse(stdout), { touched: [], added: 0 });
});
