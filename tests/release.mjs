// Two builds of the npm package, in two folders, are the same bytes; so are two bills of materials.
//   node tests/release.mjs            scripts and declarations twice, over the modules that are built
//   node tests/release.mjs --modules  the compact module twice too, each with a target directory of its own (minutes)
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cratesBom, npmBom } from "../.ci/sbom.mjs";
import { root } from "./lib/paths.mjs";

const modules = process.argv.includes("--modules");
const tracked = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" }).split("\0").filter((path) => path !== "" && existsSync(join(root, path)));

/** Builds and packs in a copy of the checkout; resolves with the tarball's bytes and what they hold. */
function buildIn(folder) {
  for (const path of tracked) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  for (const module of modules ? ["onnx"] : ["compact", "onnx"]) if (existsSync(join(root, "dist", module))) cpSync(join(root, "dist", module), join(folder, "dist", module), { recursive: true });
  const run = (command, args, env = {}) => execFileSync(command, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
  if (modules) run("node", ["crate/wasm/build.mjs", "compact"], { CARGO_TARGET_DIR: join(folder, "target") });
  run("node", ["crate/wasm/build.mjs", "facade"]);
  const out = join(folder, "packed");
  mkdirSync(out);
  const [{ files }] = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", out]));
  const [name] = readdirSync(out);
  return { bytes: readFileSync(join(out, name)), parts: new Map(files.map(({ path }) => [path, createHash("sha256").update(readFileSync(join(folder, path))).digest("hex")])) };
}

const folders = ["one", "another-of-a-longer-name"].map((name) => mkdtempSync(join(tmpdir(), `upnext-${name}-`)));
try {
  const [one, other] = folders.map(buildIn);
  assert.deepEqual([...other.parts.keys()], [...one.parts.keys()]);
  assert.deepEqual([...one.parts].filter(([path, hash]) => other.parts.get(path) !== hash).map(([path]) => path), [], "files that differ");
  assert.ok(one.bytes.equals(other.bytes), "the files are the same, and the tarballs are not");
  for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) assert.ok(one.parts.has(licence), licence);
  const boms = [0, 1].map(() => [npmBom("1"), cratesBom("0", "1")]);
  assert.deepEqual(boms[0], boms[1]);
  assert.ok(boms[0][1].components.every(({ licenses }) => licenses), "every crate says its licence");
  console.log(`${one.parts.size} files, ${one.bytes.length} bytes, twice the same; ${boms[0][1].components.length} crates in the programs`);
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
