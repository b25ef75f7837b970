// What it proves: see factorisation.py. This makes what that needs: a release build, and a virtual environment of its own with
// `implicit`, which nothing but this benchmark depends on.
//   npm run bench:factorisation -- [--factors 64 128 256] [--threads 2] [--sweeps 5] [--rounds 3] [--steps 1] [--train FILE]
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { binary, cacheDir, root } from "../lib/paths.mjs";
import { step } from "../lib/step.mjs";

const IMPLICIT = "0.7.3";

await step("upnext-export", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
const venv = join(cacheDir, "bench-venv");
const python = join(venv, "bin", "python");
if (!existsSync(python)) await step("virtual environment", "python3", ["-m", "venv", venv]);
await step("implicit", python, ["-m", "pip", "install", "-q", `implicit==${IMPLICIT}`]);
const script = [join(root, "tests/bench/factorisation.py"), "--binary", binary("upnext-export")];
const { status } = spawnSync(python, [...script, ...process.argv.slice(2)], { stdio: "inherit" });
process.exitCode = status ?? 1;
