// Mini-projects with a page: the packed package by Vite, webpack, Rollup, esbuild and no bundler at all, and the golden
// slates that each gives in Chromium and Firefox.
import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import { assertGolden, goldenSet, goldenSets } from "../lib/golden.mjs";
import { root } from "../lib/paths.mjs";
import { copyProjects, ensureProjectTools, tool } from "../lib/projects.mjs";
import { serveStatic } from "../lib/static.mjs";
import { browserNames, openBrowser } from "../lib/webdriver.mjs";

ensureProjectTools();
const { project, projects, dist } = copyProjects();

/** How each project is built, and the address of its page. */
const builders = {
  async vite(folder) {
    await vite({ root: folder, base: "./", configFile: false, logLevel: "error", build: { outDir: "out", target: "es2022" } });
    return "out/index.html";
  },
  async webpack(folder) {
    const stats = await new Promise((done, failed) => {
      tool("webpack")({ mode: "production", context: folder, entry: "./main.js", output: { path: folder, filename: "out.js", publicPath: "auto" }, devtool: false }, (error, result) => (error ? failed(error) : done(result)));
    });
    assert.deepEqual(stats.toJson({ all: false, errors: true, warnings: true }).errors, []);
    return "index.html";
  },
  async rollup(folder) {
    const { rollup } = tool("rollup");
    const { nodeResolve } = tool("@rollup/plugin-node-resolve");
    const bundle = await rollup({ input: join(folder, "main.js"), plugins: [nodeResolve({ browser: true })] });
    await bundle.write({ dir: folder, format: "es", entryFileNames: "out.js" });
    // Rollup leaves addresses as they are: docs/packaging.md says what is copied.
    for (const part of ["worker.js", "compact"]) cpSync(join(dist, part), join(folder, part), { recursive: true });
    return "index.html";
  },
  async esbuild(folder) {
    await esbuild({ entryPoints: [join(folder, "main.js")], outfile: join(folder, "out.js"), bundle: true, format: "esm", target: "es2022" });
    return "index.html";
  },
  async plain() {
    return "index.html";
  },
};

const pages = {};
before(async () => {
  for (const [name, build] of Object.entries(builders)) pages[name] = `/projects/${name}/${await build(join(projects, name))}`;
}, { timeout: 300_000 });

for (const browserName of browserNames) {
  describe(browserName, () => {
    let site;
    let browser;
    before(async () => {
      site = await serveStatic({ "/projects/": projects, "/node_modules/": join(project, "node_modules"), "/golden/": join(root, "tests/golden") });
      browser = await openBrowser(browserName);
    });
    after(async () => {
      await browser?.close();
      await site?.close();
    });
    for (const name of Object.keys(builders)) {
      test(`${name} gives the golden slates`, { timeout: 180_000 }, async () => {
        for (const set of goldenSets) {
          const { slates } = await browser.answer(`${site.origin}${pages[name]}?set=${set}`);
          const { rows } = goldenSet(set);
          assert.equal(slates.length, rows.length);
          // The entry with everything in one file has no file to make a worker of.
          assert.equal(slates[0].thread, name === "esbuild" ? "main" : "worker");
          rows.forEach((row, i) => assertGolden("compact", row, slates[i]));
        }
      });
    }
  });
}
