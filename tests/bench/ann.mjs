// What it proves: see ann.py. This makes what that needs: release builds, a bundle, and a virtual environment of its own with
// `faiss-cpu`, which nothing but this benchmark and bench:load depends on.
//   npm run bench:ann -- [--bundle DIR] [--sets factors vectors clustered-200k isotropic-200k] [--json FILE] [--help]
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary, root } from "../lib/paths.mjs";
import { step } from "../lib/step.mjs";
import { benchBundle, benchPython } from "./prepare.mjs";
import { keepRecord } from "./record.mjs";
import { annMissed, annTables } from "./tables.mjs";

const words = process.argv.slice(2);
/** Where the record goes, if it is wanted; ann.py writes all that it measured. */
const at = words.indexOf("--json");
const record = at < 0 ? undefined : words.splice(at, 2)[1];
const scratch = mkdtempSync(join(tmpdir(), "upnext-ann-"));
const measured = join(scratch, "measured.json");
const wantsHelp = words.includes("--help") || words.includes("-h");
if (!wantsHelp) {
  await step("upnext-export", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
  await step("index_speed", "cargo", ["build", "--release", "--locked", "--workspace", "--example", "index_speed"]);
}
const python = wantsHelp ? "python3" : await benchPython();
const bundle = wantsHelp || words.includes("--bundle") ? [] : ["--bundle", await benchBundle()];
const programs = ["--runner", binary("examples/index_speed"), "--export", binary("upnext-export")];
const { status } = spawnSync(python, [join(root, "tests/bench/ann.py"), ...programs, ...bundle, ...words, "--json", measured], { stdio: "inherit" });
if (existsSync(measured)) {
  const read = JSON.parse(readFileSync(measured, "utf8"));
  keepRecord(record, { script: "bench:ann", tables: annTables(read), missed: annMissed(read) });
}
rmSync(scratch, { recursive: true, force: true });
process.exitCode = status ?? 1;
