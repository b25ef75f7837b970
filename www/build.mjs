// Builds the demo page and the playground against the *packed* npm package, as a site would install it.
//   node www/build.mjs --origin http://127.0.0.1:8787 [--name simulated] [--out .upnext/site]
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "vite";
import { root, workDir } from "../tests/lib/paths.mjs";

const { values } = parseArgs({ options: { origin: { type: "string" }, name: { type: "string", default: "upnext" }, out: { type: "string" } } });
if (!values.origin) {
  console.error("usage: node www/build.mjs --origin URL [--name TEXT] [--out DIR]");
  process.exit(2);
}
const stage = resolve(values.out ?? join(workDir, "site"));
const npm = (args, cwd) => execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

// The package as it would be published.
const packDir = join(stage, "pack");
rmSync(packDir, { recursive: true, force: true });
mkdirSync(packDir, { recursive: true });
npm(["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", packDir], root);
const tarball = join(packDir, readdirSync(packDir).find((file) => file.endsWith(".tgz")));
const hash = createHash("sha256").update(readFileSync(tarball)).digest("hex");

// A site that depends on it.
for (const part of ["style.css", "src"]) cpSync(join(root, "www", part), join(stage, part), { recursive: true });
/** A part that several pages have, with the indentation of the line that names it. */
const partOf = (_, indentation, name) => readFileSync(join(root, "www/parts", `${name}.html`), "utf8").trimEnd().replace(/^(?=.)/gm, indentation);
const pages = ["index.html", "playground.html"];
for (const page of pages) writeFileSync(join(stage, page), readFileSync(join(root, "www", page), "utf8").replace(/^( *)<!-- part: (\w+) -->$/gm, partOf));
const stamp = join(stage, "installed.stamp");
if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== hash) {
  writeFileSync(join(stage, "package.json"), JSON.stringify({ name: "upnext-demo", private: true, type: "module" }, null, 2));
  rmSync(join(stage, "node_modules", "upnext"), { recursive: true, force: true });
  npm(["install", "--no-save", "--no-audit", "--no-fund", "--loglevel=error", tarball], stage);
  writeFileSync(stamp, hash);
}
// `npm start` builds the compact module alone; a bundle that needs the other one then says so when it is loaded, and so
// does the playground.
const withOnnx = existsSync(join(stage, "node_modules", "upnext", "dist", "onnx", "upnext.js"));
mkdirSync(join(stage, "public"), { recursive: true });
writeFileSync(join(stage, "public", "site.json"), JSON.stringify({ origin: values.origin, name: values.name, onnx: withOnnx }));
const withoutIt = { external: withOnnx ? [] : [/\/onnx\/upnext\.js$/] };
await build({
  root: stage,
  base: "./",
  logLevel: "error",
  configFile: false,
  build: { outDir: "dist", emptyOutDir: true, target: "es2022", rolldownOptions: { ...withoutIt, input: pages.map((page) => join(stage, page)) } },
  worker: { format: "es", rolldownOptions: withoutIt },
});
