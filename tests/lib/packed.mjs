// The package as a user gets it: packed by npm, installed into an empty project, resolved through its exports.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "./paths.mjs";

/** Packs and installs; `load("upnext/onnx")` imports as that project would. Call `remove` at the end. */
export function installPacked() {
  const project = mkdtempSync(join(tmpdir(), "upnext-packed-"));
  const npm = (args, cwd) => execFileSync("npm", [...args, "--loglevel=error"], { cwd, encoding: "utf8" });
  const [{ filename, files }] = JSON.parse(npm(["pack", "--json", "--pack-destination", project], root));
  writeFileSync(join(project, "package.json"), JSON.stringify({ name: "user", private: true, type: "module" }));
  npm(["install", "--offline", "--no-audit", "--no-fund", join(project, filename)], project);
  return {
    project,
    /** Paths inside the tarball. */
    files: files.map((file) => file.path),
    async load(specifier) {
      const entry = join(project, `${specifier.replaceAll("/", "-")}.mjs`);
      writeFileSync(entry, `export * from ${JSON.stringify(specifier)};\n`);
      return import(pathToFileURL(entry).href);
    },
    remove: () => rmSync(project, { recursive: true, force: true }),
  };
}
