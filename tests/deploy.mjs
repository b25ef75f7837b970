// A deployment of docs/examples/edge up to its last step, which needs an account: what the platform's own tool makes of the
// folder, and that the outcome ranks.
//   node tests/deploy.mjs             what `npm run test:full` runs
// Cloudflare: `wrangler deploy --dry-run`, its output run in workerd. Deno: types and the whole graph of modules, with nothing
// fetched, as Deno Deploy resolves them.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Miniflare, Response as EdgeResponse } from "miniflare";
import { copyExamples, serveOrigin } from "./lib/edges.mjs";
import { ensurePackages } from "./lib/packages.mjs";
import { installPacked } from "./lib/packed.mjs";
import { root } from "./lib/paths.mjs";
import { ensureProjectTools, program } from "./lib/projects.mjs";

/** What Cloudflare's free plan takes, in bytes by gzip. */
const MOST_BYTES = 3e6;

ensureProjectTools();
ensurePackages(join(root, "tests/deploy"));
const { project } = installPacked();
const folder = copyExamples(project);
const home = join(project, "home");
mkdirSync(home, { recursive: true });
const env = { ...process.env, HOME: home, XDG_CONFIG_HOME: home, CI: "1", NO_COLOR: "1", WRANGLER_SEND_METRICS: "false", DENO_NO_UPDATE_CHECK: "1", DENO_DIR: join(home, "deno") };
const run = (command, args) => execFileSync(command, args, { cwd: folder, encoding: "utf8", env, stdio: ["ignore", "pipe", "inherit"], timeout: 120_000 });

// Cloudflare.
const out = join(folder, "out");
const said = run(join(root, "tests/deploy/node_modules/.bin/wrangler"), ["deploy", "--dry-run", "--outdir", out]);
assert.match(said, /--dry-run: exiting now/);
assert.match(said, /ORIGIN/, "the binding is told");
const built = readdirSync(out);
const [script, wasm] = [/^worker\.js$/, /\.wasm$/].map((wanted) => built.filter((name) => wanted.test(name)));
assert.deepEqual([script.length, wasm.length], [1, 1], `one script and one module: ${built}`);
const contents = [script[0], wasm[0]].map((name) => readFileSync(join(out, name)));
const bytes = contents.reduce((sum, content) => sum + gzipSync(content, { level: 9 }).length, 0);
assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
const { origin, close } = await serveOrigin("trained");
const { compatibility_date: compatibilityDate, vars } = JSON.parse(readFileSync(join(folder, "wrangler.json"), "utf8"));
const workerd = new Miniflare({
  modules: [{ type: "ESModule", path: "worker.js", contents: contents[0].toString() }, { type: "CompiledWasm", path: wasm[0], contents: contents[1] }],
  compatibilityDate,
  bindings: vars,
  async outboundService(request) {
    const { pathname, search } = new URL(request.url);
    const answer = await fetch(origin + pathname + search, { method: request.method });
    return new EdgeResponse(await answer.arrayBuffer(), { status: answer.status });
  },
});
try {
  const answer = await workerd.dispatchFetch("https://edge.example/", { method: "POST", body: "{}" });
  const { items } = await answer.json();
  assert.equal(new Set(items.map(({ id }) => id)).size, 12);
} finally {
  await workerd.dispose();
  await close();
}
console.log(`Cloudflare: wrangler deploy --dry-run makes a worker of ${bytes} bytes by gzip, and it ranks`);

// Deno.
const offline = ["--no-config", "--no-lock", "--node-modules-dir=manual", "--cached-only"];
run(program("deno"), ["check", ...offline, "deno.js"]);
const { modules } = JSON.parse(run(program("deno"), ["info", "--json", "--no-config", "--no-lock", "--node-modules-dir=manual", "deno.js"]));
assert.deepEqual(modules.filter(({ error }) => error !== undefined), []);
assert.ok(modules.some(({ specifier }) => specifier.endsWith("edge-node.js") || specifier.includes("upnext")), "the package is in the graph");
assert.ok(modules.every(({ specifier }) => /^(file|npm|node):/.test(specifier)), "nothing is fetched by URL");
console.log(`Deno: deno check and deno info resolve all ${modules.length} modules from disk`);
