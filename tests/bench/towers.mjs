// What it proves: see towers.py. This makes what that needs: release builds, a simulated log, and a virtual environment of its own with
// JAX, which nothing but this benchmark depends on.
//   npm run bench:towers -- [--data DIR] [--batch 512] [--epochs 4] [--rounds 3] [--json FILE] [--help]
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, cacheDir, root } from "../lib/paths.mjs";
import { step } from "../lib/step.mjs";
import { venvOf } from "./prepare.mjs";
import { keepRecord } from "./record.mjs";
import { towersMissed, towersTables } from "./tables.mjs";

const REQUIREMENTS = ["jax>=0.10,<0.11", "optax>=0.2.8,<0.3", "safetensors>=0.5,<1"];

const words = process.argv.slice(2);
const at = words.indexOf("--json");
const record = at < 0 ? undefined : words.splice(at, 2)[1];
const scratch = mkdtempSync(join(tmpdir(), "upnext-towers-"));
const measured = join(scratch, "measured.json");
const wantsHelp = words.includes("--help") || words.includes("-h");
const python = wantsHelp ? "python3" : await venvOf(join(cacheDir, "bench-jax"), REQUIREMENTS);
const given = [];
if (!wantsHelp) {
  await step("upnext-export", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
  await step("tower_speed", "cargo", ["build", "--release", "--locked", "--workspace", "--example", "tower_speed"]);
  if (!words.includes("--data")) {
    const tables = join(scratch, "tables");
    await step("simulate", binary("upnext-export"), ["simulate", "--users", "6000", "--videos", "6000", "--out", tables]);
    given.push("--data", tables);
  }
}
const script = [join(root, "tests/bench/towers.py"), "--runner", binary("examples/tower_speed")];
const { status } = spawnSync(python, [...script, ...given, ...words, "--json", measured], { stdio: "inherit" });
if (existsSync(measured)) {
  const read = JSON.parse(readFileSync(measured, "utf8"));
  keepRecord(record, { script: "bench:towers", tables: towersTables(read), missed: towersMissed(read) });
}
rmSync(scratch, { recursive: true, force: true });
process.exitCode = status ?? 1;
