// The edge examples of the docs, each started as its own runtime starts it, before an origin that serves a golden set.
import { spawn } from "node:child_process";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createServer as createProbe } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { Miniflare, Response as EdgeResponse } from "miniflare";
import { later } from "./block.mjs";
import { goldenSet, ORIGIN, serveGolden } from "./golden.mjs";
import { root } from "./paths.mjs";
import { program } from "./projects.mjs";

const HOUR_MS = 3_600_000;

/** Copies the examples beside the installed package, as after `npm install upnext`. */
export function copyExamples(project) {
  const folder = join(project, "edge");
  cpSync(join(root, "docs/examples/edge"), folder, { recursive: true });
  return folder;
}

/** A golden set behind a port, its block made to live now; `seen` is what was asked. */
export async function serveOrigin(name) {
  const set = goldenSet(name);
  const { fetch } = serveGolden(set, (path, bytes) => (path === "/v1/candidates" ? Buffer.from(later(bytes, { expiresAtMs: Date.now() + HOUR_MS })) : bytes));
  const seen = [];
  const server = createServer(async (request, response) => {
    let bytes = 0;
    for await (const chunk of request) bytes += chunk.length;
    seen.push({ method: request.method, path: request.url, bytes });
    const answer = await fetch(ORIGIN + request.url);
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return { set, origin: `http://127.0.0.1:${server.address().port}`, seen, close };
}

const freePort = () =>
  new Promise((found) => {
    const probe = createProbe().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => found(port));
    });
  });

/** Starts a program and waits until it answers. */
async function served(command, args, folder, origin, port) {
  let said = "";
  const child = spawn(command, args, { cwd: folder, env: { ...process.env, ORIGIN: origin, PORT: String(port), HOST: "127.0.0.1", NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" }, stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const close = () => new Promise((done) => (child.exitCode === null && child.signalCode === null ? child.once("exit", done).kill("SIGKILL") : done()));
  const address = `http://127.0.0.1:${port}/`;
  for (const end = Date.now() + 30_000; ; await new Promise((done) => setTimeout(done, 50))) {
    if (child.exitCode !== null || Date.now() > end) {
      await close();
      throw new Error(`${command} ${args.join(" ")}: ${said}`);
    }
    // Another method than POST is answered before anything is loaded.
    if (await fetch(address).then((answer) => answer.status === 405, () => false)) break;
  }
  return { pids: () => [child.pid], ask: (body) => fetch(address, { method: "POST", body: JSON.stringify(body) }), close };
}

/** The worker as wrangler would deploy it, by what wrangler.json says: its modules, and the rest of the settings. */
export async function bundledWorker(folder) {
  const { main, compatibility_date: compatibilityDate, vars } = JSON.parse(readFileSync(join(folder, "wrangler.json"), "utf8"));
  let wasmPath;
  const wasm = { name: "wasm", setup: ({ onResolve }) => onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => ((wasmPath = join(resolveDir, path)), { path: "./module.wasm", external: true })) };
  const { outputFiles } = await build({ entryPoints: [join(folder, main)], bundle: true, format: "esm", target: "es2022", conditions: ["workerd", "worker", "browser"], plugins: [wasm], write: false, minify: true });
  const modules = [
    { type: "ESModule", path: "worker.mjs", contents: outputFiles[0].text },
    { type: "CompiledWasm", path: "module.wasm", contents: readFileSync(wasmPath) },
  ];
  return { modules, compatibilityDate, bindings: vars };
}

/** Processes whose parent this process is, by the name of their program; where /proc is. */
const childrenNamed = (name) =>
  readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        const [, comm, rest] = /^\d+ \((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8"));
        return comm === name && Number(rest) === process.pid;
      } catch {
        return false;
      }
    })
    .map(Number);

async function inWorkerd(folder, origin) {
  const { modules, compatibilityDate, bindings } = await bundledWorker(folder);
  const workerd = new Miniflare({
    modules,
    compatibilityDate,
    bindings,
    // The address that wrangler.json names is this one, here.
    async outboundService(request) {
      const url = new URL(request.url);
      if (url.origin !== bindings.ORIGIN) return new EdgeResponse(null, { status: 404 });
      const answer = await fetch(origin + url.pathname + url.search, { method: request.method });
      return new EdgeResponse(await answer.arrayBuffer(), { status: answer.status });
    },
  });
  await workerd.ready;
  return { pids: () => childrenNamed("workerd"), ask: (body) => workerd.dispatchFetch("https://edge.example/", { method: "POST", body: JSON.stringify(body) }), close: () => workerd.dispose() };
}

/**
 * By runtime, what starts its example: `start(folder, origin)` resolves with `{ ask(body), pids(), close() }`; `command` is
 * undefined where the runtime is a package of these tests.
 */
export const edges = {
  workerd: { start: inWorkerd },
  deno: {
    command: program("deno"),
    start: async (folder, origin) => {
      const port = await freePort();
      const args = ["serve", "--no-config", "--no-lock", "--node-modules-dir=manual", "--cached-only", "--allow-env=ORIGIN", "--allow-net", `--allow-read=${folder},${join(folder, "..")}`, "--host=127.0.0.1", `--port=${port}`, "deno.js"];
      return served(program("deno"), args, folder, origin, port);
    },
  },
  bun: { command: program("bun"), start: async (folder, origin) => served(program("bun"), ["bun.js"], folder, origin, await freePort()) },
  node: { start: async (folder, origin) => served(process.execPath, ["node.js"], folder, origin, await freePort()) },
};
