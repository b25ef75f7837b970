// Where things lie: one place, read by start, test and build alike.
import { execFileSync } from "node:child_process";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root. */
export const root = resolve(fileURLToPath(new URL("../..", import.meta.url)));

/** Tools and virtual environments that outlive a clone. `UPNEXT_CACHE` moves it. */
export const cacheDir = resolve(process.env.UPNEXT_CACHE ?? join(homedir(), ".cache", "upnext"));

/** Data sets, bundles and the built page of this clone. */
export const workDir = join(root, ".upnext");

/** Cargo's target directory, `CARGO_TARGET_DIR` respected. */
export function targetDir() {
  const text = execFileSync("cargo", ["metadata", "--format-version", "1", "--no-deps", "--offline"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  return JSON.parse(text).target_directory;
}

/** Path of a native release binary. */
export const binary = (name) => join(targetDir(), "release", name);
