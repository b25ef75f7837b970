// What it proves: see ann.py. This makes what that needs: release builds, a bundle, and a virtual environment of its own with
// `faiss-cpu`, which nothing but this benchmark and bench:load depends on.
//   npm run bench:ann -- [--bundle DIR] [--sets factors vectors clustered-200k isotropic-200k] [--json FILE] [--help]
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { binary, root } from "../lib/paths.mjs";
import { step } from "../lib/step.mjs";
import { benchBundle, benchPython } from "./prepare.mjs";

const words = process.argv.slice(2);
const wantsHelp = words.includes("--help") || words.includes("-h");
if (!wantsHelp) {
  await step("upnext-export", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
  await step("index_speed", "cargo", ["build", "--release", "--locked", "--workspace", "--example", "index_speed"]);
}
const python = wantsHelp ? "python3" : await benchPython();
const bundle = wantsHelp || words.includes("--bundle") ? [] : ["--bundle", await benchBundle()];
const programs = ["--runner", binary("examples/index_speed"), "--export", binary("upnext-export")];
const { status } = spawnSync(python, [join(root, "tests/bench/ann.py"), ...programs, ...bundle, ...words], { stdio: "inherit" });
process.exitCode = status ?? 1;
