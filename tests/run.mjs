// `npm test`: everything CI runs, in order of cost, ended by one line of counts.
//   npm test                     all of it
//   npm test -- rust wasm        only suites whose name starts so
//   npm test -- --list           names of the suites
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ensurePackages } from "./lib/packages.mjs";
import { cacheDir, root } from "./lib/paths.mjs";
import { span, step } from "./lib/step.mjs";
import { ensureBrowsers, ensureBuildTools, useTools } from "./tools.mjs";

const sum = (text, pattern) => [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);

/** Counts of libtest and of wasm-bindgen-test, which print the same line. */
const cargoCounts = (text) => ({ passed: sum(text, /(\d+) passed; \d+ failed/g), failed: sum(text, /\d+ passed; (\d+) failed/g) });
/** Counts of `node --test`, whose spec reporter ends with `ℹ pass N`. */
const nodeCounts = (text) => ({ passed: sum(text, /^(?:ℹ|#) pass (\d+)/gm), failed: sum(text, /^(?:ℹ|#) fail (\d+)/gm) });
/** A suite that passes or fails as one. */
const single = undefined;

const wasmPackTest = (browser) => ["wasm-pack", ["test", "--headless", `--${browser}`, "--mode", "no-install", join(root, "crate/wasm")]];

const suites = [
  { name: "format", run: ["cargo", ["fmt", "--all", "--check"]], counts: single },
  { name: "lint-rust", run: ["cargo", ["clippy", "--release", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]], counts: single },
  { name: "rust", run: ["cargo", ["test", "--release", "--locked", "--workspace", "--no-fail-fast"]], counts: cargoCounts },
  { name: "rust-docs-links", run: ["cargo", ["doc", "--no-deps", "--locked", "-p", "upnext-core"]], env: { RUSTDOCFLAGS: "-D warnings" }, counts: single },
  // On a fresh clone this is what `npm start` finds: no module with tract yet.
  { name: "package-compact", run: ["npm", ["run", "build:compact"]], counts: single },
  { name: "package", run: ["npm", ["run", "build"]], counts: single },
  { name: "lint-js", run: ["npm", ["run", "lint"]], counts: single },
  { name: "wasm-chromium", run: wasmPackTest("chrome"), counts: cargoCounts, browsers: true },
  { name: "wasm-firefox", run: wasmPackTest("firefox"), counts: cargoCounts, browsers: true, env: firefoxEnv() },
  { name: "node", run: ["node", ["--test", "--test-reporter=spec", "tests/node/"]], counts: nodeCounts, projects: true },
  // What counts played seconds wants the machine for itself; the others mostly wait, two at a time.
  { name: "playback", run: ["node", ["--test", "--test-reporter=spec", "tests/playback/"]], counts: nodeCounts, browsers: true },
  { name: "end-to-end", run: ["node", ["--test", "--test-concurrency=2", "--test-reporter=spec", "tests/e2e/"]], counts: nodeCounts, browsers: true, projects: true },
  { name: "sizes", run: ["node", ["tests/sizes.mjs"]], counts: single },
];

/** Debian names Firefox `firefox-esr`; the driver looks for `firefox`. */
function firefoxEnv() {
  return existsSync("/usr/bin/firefox-esr") ? { MOZ_HEADLESS: "1" } : {};
}

const words = process.argv.slice(2);
if (words.includes("--list")) {
  for (const suite of suites) console.log(suite.name);
  process.exit(0);
}
const wanted = suites.filter((suite) => words.length === 0 || words.some((word) => suite.name.startsWith(word)));
if (wanted.length === 0) {
  console.error(`no suite starts with ${words.join(" or ")}; names: ${suites.map((suite) => suite.name).join(", ")}`);
  process.exit(2);
}

const started = Date.now();
let passed = 0;
let failed = 0;
try {
  useTools();
  await ensureBuildTools();
  if (wanted.some((suite) => suite.browsers)) await ensureBrowsers();
  ensurePackages();
  // Test files run side by side, and two installations at once would take each other's files away.
  if (wanted.some((suite) => suite.projects)) ensurePackages(join(root, "tests/projects"));
} catch (error) {
  console.error(error.message);
  console.log("0 passed, 1 failed");
  process.exit(1);
}
for (const { name, run, counts, env } of wanted) {
  const [command, args] = run;
  const { code, output } = await step(name, command, args, { env, allowFailure: true });
  const count = counts?.(output) ?? { passed: code === 0 ? 1 : 0, failed: 0 };
  // A suite that ends badly without a failed test (it did not compile, say) is a failure of its own.
  if (code !== 0 && count.failed === 0) count.failed = 1;
  // A suite that ran nothing has tested nothing.
  if (code === 0 && count.passed === 0) count.failed = 1;
  if (count.failed > 0) console.error(`${output.replace(/\r/g, "\n").split("\n").slice(-120).join("\n")}\n`);
  for (const line of output.match(/^.*skipped: .*$/gm) ?? []) console.log(`    ${line.trim()}`);
  console.log(`    ${name}: ${count.passed} passed, ${count.failed} failed`);
  passed += count.passed;
  failed += count.failed;
}
console.log(`${span((Date.now() - started) / 1000)}; logs in ${join(cacheDir, "logs")}`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
