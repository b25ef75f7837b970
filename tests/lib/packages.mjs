// npm packages of a folder, installed once per lock file.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./paths.mjs";

/**
 * Runs `npm ci` in `folder` unless what lies there came from the very same lock file. `npm ci` empties
 * `node_modules` first, so that a needless one breaks whatever is running from it: the stamp lies inside,
 * goes when the folder goes, and is one for `npm start`, `npm test` and the mini-projects.
 */
export function ensurePackages(folder = root) {
  const lock = readFileSync(join(folder, "package-lock.json"), "utf8");
  const stamp = join(folder, "node_modules/.installed");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  execFileSync("npm", ["ci", "--no-audit", "--no-fund", "--loglevel=error"], { cwd: folder, stdio: ["ignore", process.stderr, "inherit"] });
  writeFileSync(stamp, lock);
}
