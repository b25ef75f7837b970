// Fuzzes everything that arrives from outside, on the golden files as seeds.
//   npm run fuzz                        ten minutes for each target
//   npm run fuzz -- --seconds 60 block  one minute, one target
// What is found stays in <cache>/fuzz/<target>; an input that crashes is written to tests/fuzz/crashes/<target>,
// where `crate/core/tests/crashes.rs` runs it from then on.
import { copyFileSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cacheDir, root } from "./lib/paths.mjs";
import { step } from "./lib/step.mjs";
import { ensureFuzzer } from "./tools.mjs";

const TARGETS = ["program", "block", "spec", "manifest", "tensors", "profile", "ledger", "history"];
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: "string", default: "600" }, help: { type: "boolean" } },
});
if (flags.help) {
  console.log(`npm run fuzz -- [--seconds 600] [target...]\ntargets: ${TARGETS.join(", ")}`);
  process.exit(0);
}
const unknown = positionals.find((name) => !TARGETS.includes(name));
if (unknown) throw new Error(`no target is called ${unknown}; there are ${TARGETS.join(", ")}`);
if (!(Number(flags.seconds) > 0)) throw new Error(`--seconds ${flags.seconds} is not a number above 0`);

/** Golden files that are a target's own, as seeds. */
function seeds(target) {
  const golden = join(root, "tests/golden/tiny");
  const bundle = readdirSync(golden, { withFileTypes: true }).find((entry) => entry.isDirectory()).name;
  const client = readdirSync(join(golden, bundle, "client")).map((name) => join(golden, bundle, "client", name));
  const named = (word) => client.filter((path) => path.includes(word));
  const own = {
    program: client.filter((path) => /tower|ranker/.test(path) && !path.endsWith(".onnx")),
    block: [join(golden, "block.pb")],
    spec: named("spec"),
    manifest: [join(golden, bundle, "manifest.json"), join(golden, "current.json")],
    tensors: named("gram"),
  };
  return own[target] ?? [];
}

await ensureFuzzer();
// The pinned toolchain has the sanitizer; cargo-fuzz asks for it by unstable options.
const env = { RUSTC_BOOTSTRAP: "1", CARGO_TARGET_DIR: join(cacheDir, "fuzz-target") };
let failed = 0;
for (const target of positionals.length > 0 ? positionals : TARGETS) {
  const corpus = join(cacheDir, "fuzz", target);
  const crashes = join(root, "tests/fuzz/crashes", target);
  mkdirSync(corpus, { recursive: true });
  seeds(target).forEach((path, i) => copyFileSync(path, join(corpus, `seed-${i}`)));
  await step(`fuzz build ${target}`, "cargo", ["fuzz", "build", "--fuzz-dir", "tests/fuzz", target], { env });
  mkdirSync(crashes, { recursive: true });
  const limits = [`-max_total_time=${flags.seconds}`, `-artifact_prefix=${crashes}/`, "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"];
  const args = ["fuzz", "run", "--fuzz-dir", "tests/fuzz", target, corpus, "--", ...limits];
  const { code, output } = await step(`fuzz ${target}`, "cargo", args, { env, allowFailure: true });
  const runs = /number_of_executed_units: (\d+)/.exec(output)?.[1] ?? "?";
  const paths = [...output.matchAll(/cov: (\d+)/g)].at(-1)?.[1] ?? "?";
  console.log(`${target}: ${runs} runs, ${paths} edges covered, ${code === 0 ? "no finding" : "A FINDING"}`);
  if (code !== 0) failed += 1;
}
process.exitCode = failed > 0 ? 1 : 0;
