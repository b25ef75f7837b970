// Two builds, in two folders of which one has a longer name, are the same bytes: npm package, crates, bills of materials, programs.
//   node tests/release.mjs              scripts, declarations, crates and lists twice, over the modules that are built
//   node tests/release.mjs --modules    the compact module twice too, each with a target directory of its own (minutes)
//   node tests/release.mjs --programs   the programs twice too: the crates of this project, over the dependencies that are built
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { archivePrograms, CRATES, packCrates, PROGRAMS } from "../.ci/archive.mjs";
import { cratesBom, npmBom } from "../.ci/sbom.mjs";
import { root, targetDir } from "./lib/paths.mjs";
import { step } from "./lib/step.mjs";

const { values: flags } = parseArgs({ options: { modules: { type: "boolean", default: false }, programs: { type: "boolean", default: false } } });
const tracked = execFileSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: root, encoding: "utf8" }).split("\0").filter((path) => path !== "" && existsSync(join(root, path)));
const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");
const filesOf = (folder) => new Map(readdirSync(folder).sort().map((name) => [name, readFileSync(join(folder, name))]));

/** The sources in a folder of their own, with the tools of npm. */
function copySources(folder) {
  for (const path of tracked) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    cpSync(join(root, path), join(folder, path));
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
}

/** Builds and packs the npm package there; the tarball's bytes and what they hold. */
function packageOf(folder) {
  for (const module of flags.modules ? ["onnx"] : ["compact", "onnx"]) if (existsSync(join(root, "dist", module))) cpSync(join(root, "dist", module), join(folder, "dist", module), { recursive: true });
  const run = (command, args, env = {}) => execFileSync(command, args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, ...env } });
  if (flags.modules) run("node", ["crate/wasm/build.mjs", "compact"], { CARGO_TARGET_DIR: join(folder, "target") });
  run("node", ["crate/wasm/build.mjs", "facade"]);
  const out = join(folder, "packed");
  mkdirSync(out);
  const [{ files }] = JSON.parse(run("npm", ["pack", "--json", "--ignore-scripts", "--loglevel=error", "--pack-destination", out]));
  const [name] = readdirSync(out);
  return { bytes: readFileSync(join(out, name)), parts: new Map(files.map(({ path }) => [path, sha256(readFileSync(join(folder, path)))])) };
}

/** The crates of a release, packed there, by file. */
function cratesOf(folder) {
  const out = join(folder, "crates");
  mkdirSync(out);
  packCrates({ sources: folder, out });
  return filesOf(out);
}

/**
 * A target directory with what is built of the dependencies and nothing of ours: names of files are links to the same files, which
 * cargo replaces and never writes into.
 */
function targetOfDependencies() {
  const target = mkdtempSync(join(targetDir(), "check-"));
  execFileSync("cp", ["-al", join(targetDir(), "release"), join(target, "release")]);
  for (const path of readdirSync(join(target, "release"), { recursive: true, withFileTypes: true })) {
    if (/^(lib)?upnext[-_]/.test(path.name) || path.name === "incremental") rmSync(join(path.parentPath, path.name), { recursive: true, force: true });
  }
  return target;
}

/** The programs, compiled in this folder, in the archive that a release has of them. */
async function programsOf(folder, target) {
  await step(`programs in ${folder}`, "cargo", ["build", "--release", "--locked", "--workspace", "--bins"], { cwd: folder, env: { CARGO_TARGET_DIR: target } });
  const built = join(target, "release");
  const out = join(folder, "programs");
  mkdirSync(out);
  archivePrograms({ built, sources: folder, name: "upnext", epoch: "1", out });
  const bytes = Object.fromEntries(PROGRAMS.map((name) => [name, readFileSync(join(built, name))]));
  for (const [name, program] of Object.entries(bytes)) assert.ok(!program.includes(folder), `${name} names the folder that it was built in`);
  return filesOf(out);
}

/** Holds files to each other by name and bytes. */
function assertSame(what, [one, other]) {
  assert.ok(one.size > 0, what);
  assert.deepEqual([...other.keys()], [...one.keys()], what);
  for (const [name, bytes] of one) assert.ok(bytes.equals(other.get(name)), `${what}: ${name} is not the same twice`);
  for (const [name, bytes] of one) console.log(`${what}: ${name}, ${bytes.length} bytes, sha256 ${sha256(bytes).slice(0, 16)}…, twice the same`);
}

const folders = ["one", "another-of-a-longer-name"].map((name) => mkdtempSync(join(tmpdir(), `upnext-${name}-`)));
const targets = [];
try {
  for (const folder of folders) copySources(folder);
  const [one, other] = folders.map(packageOf);
  assert.deepEqual([...other.parts.keys()], [...one.parts.keys()]);
  assert.deepEqual([...one.parts].filter(([path, hash]) => other.parts.get(path) !== hash).map(([path]) => path), [], "files that differ");
  assert.ok(one.bytes.equals(other.bytes), "the files are the same, and the tarballs are not");
  for (const licence of ["LICENSE-MIT", "LICENSE-APACHE"]) assert.ok(one.parts.has(licence), licence);
  console.log(`package: ${one.parts.size} files, ${one.bytes.length} bytes, twice the same${flags.modules ? "; the module with tract was not compiled again" : "; the modules were not compiled again"}`);

  const crates = folders.map(cratesOf);
  assertSame("crate", crates);
  assert.equal(crates[0].size, CRATES.length);

  const boms = [0, 1].map(() => [npmBom("1"), cratesBom("0", "1")]);
  assert.deepEqual(boms[0], boms[1]);
  assert.ok(boms[0][1].components.every(({ licenses }) => licenses), "every crate says its licence");
  console.log(`bills of materials: twice the same; ${boms[0][1].components.length} crates in the programs`);

  if (flags.programs) {
    const archives = [];
    for (const folder of folders) {
      targets.push(targetOfDependencies());
      archives.push(await programsOf(folder, targets.at(-1)));
    }
    assertSame("programs", archives);
  }
} finally {
  for (const folder of [...folders, ...targets]) rmSync(folder, { recursive: true, force: true });
}
