// The mini-projects of `tests/projects`, copied beside the installed package, and what builds them.
import { cpSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { ensurePackages } from "./packages.mjs";
import { root } from "./paths.mjs";
import { installPacked } from "./packed.mjs";

const here = join(root, "tests/projects");

/** Installs the tools of the mini-projects where they are missing. */
export const ensureProjectTools = () => ensurePackages(here);

/** A tool of `tests/projects/package.json`. */
export const tool = createRequire(join(here, "package.json"));
/** Path of a program that one of the tools brings. */
export const program = (name) => join(here, "node_modules/.bin", name);

/** Copies the projects beside the installed package; resolves what each of them imports as a user's project would. */
export function copyProjects() {
  const packed = installPacked();
  const folder = join(packed.project, "projects");
  cpSync(here, folder, { recursive: true, filter: (path) => !path.includes("node_modules") && !/package(-lock)?\.json$/.test(path) });
  cpSync(join(root, "tests/lib/replay.mjs"), join(folder, "replay.mjs"));
  return { ...packed, projects: folder, dist: join(packed.project, "node_modules/upnext/dist") };
}
