// The package as a user gets it: packed by npm, installed into an empty project, resolved through its exports.
// Test files share one installation per state of dist/; it stays until dist/ changes.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, workDir } from "./paths.mjs";

/** What the tarball is made of, by name, size and time. */
function state() {
  const hash = createHash("sha256").update(readFileSync(join(root, "package.json"))).update(readFileSync(join(root, "README.md")));
  const dist = join(root, "dist");
  for (const name of readdirSync(dist, { recursive: true }).sort()) {
    const { size, mtimeMs } = statSync(join(dist, name));
    hash.update(`${name} ${size} ${mtimeMs}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

/** A module of the project that exports what one path of the package does. */
const entryOf = (project, path) => join(project, `${path.replaceAll(/[./]/g, "-")}.mjs`);

/** Packs and installs into a folder that is put in place when it is whole: test files run side by side. */
function install(folder) {
  const all = dirname(folder);
  for (const old of readdirSync(all)) if (/^[0-9a-f]{16}$/.test(old) && old !== basename(folder)) rmSync(join(all, old), { recursive: true, force: true });
  const project = mkdtempSync(`${folder}-`);
  const npm = (args, cwd) => execFileSync("npm", [...args, "--loglevel=error"], { cwd, encoding: "utf8" });
  const [{ filename, files }] = JSON.parse(npm(["pack", "--json", "--ignore-scripts", "--pack-destination", project], root));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  npm(["install", "--offline", "--no-audit", "--no-fund", join(project, filename)], project);
  const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const path of Object.keys(exports)) writeFileSync(entryOf(project, path), `export * from "upnext${path.slice(1)}";\n`);
  writeFileSync(join(project, "packed.json"), JSON.stringify({ tarball: filename, files: files.map((file) => file.path) }));
  try {
    renameSync(project, folder);
  } catch {
    // Another test file was faster.
    rmSync(project, { recursive: true, force: true });
  }
}

/** The installed package; `load("upnext/onnx")` imports as that project would. */
export function installPacked() {
  const all = join(workDir, "packed");
  mkdirSync(all, { recursive: true });
  const project = join(all, state());
  if (!existsSync(project)) install(project);
  const { tarball, files } = JSON.parse(readFileSync(join(project, "packed.json"), "utf8"));
  return {
    project,
    tarball: join(project, tarball),
    /** Paths inside the tarball. */
    files,
    load: (specifier) => import(pathToFileURL(entryOf(project, specifier.replace("upnext", "."))).href),
  };
}
