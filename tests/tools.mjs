// Installs what building and testing need, where it is missing: wasm32 target, wasm-bindgen and wasm-pack
// of the versions this repository is pinned to, and (for tests) browsers with their drivers.
//   node tests/tools.mjs            what `npm run build` needs
//   node tests/tools.mjs --browsers and what `npm test` needs beyond that
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { cacheDir, root } from "./lib/paths.mjs";
import { step } from "./lib/step.mjs";

const toolsDir = join(cacheDir, "tools");
const WASM_PACK = "0.15.1";
const GECKODRIVER = "0.37.1";
const CARGO_FUZZ = "0.13.2";
const CARGO_DENY = "0.20.2";
const CARGO_AUDIT = "0.22.2";

// These tools run for seconds: compile them quickly rather than well.
const quick = {
  CARGO_PROFILE_RELEASE_OPT_LEVEL: "1",
  CARGO_PROFILE_RELEASE_LTO: "off",
  CARGO_PROFILE_RELEASE_CODEGEN_UNITS: "16",
  CARGO_PROFILE_RELEASE_DEBUG: "0",
  CARGO_TARGET_DIR: join(cacheDir, "tools-target"),
};

/** Version of a package in Cargo.lock. */
export function lockedVersion(name) {
  const lock = readFileSync(join(root, "Cargo.lock"), "utf8");
  const found = new RegExp(`name = "${name}"\\nversion = "([^"]+)"`).exec(lock);
  if (!found) throw new Error(`${name} is not in Cargo.lock`);
  return found[1];
}

/** Output of `command --version`, or undefined where it is missing. */
function versionOf(command) {
  try {
    return execFileSync(command, ["--version"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined;
  }
}

/** Puts the tools' folder in front of PATH for this process and its children. */
export function useTools() {
  const bin = join(toolsDir, "bin");
  if (!process.env.PATH.split(delimiter).includes(bin)) process.env.PATH = `${bin}${delimiter}${process.env.PATH}`;
}

/** `work: false` for a program that only starts others: it need not be quick at anything. */
async function cargoInstall(crate, program, version, { work = true } = {}) {
  const present = versionOf(program);
  if (present?.includes(version)) return;
  await step(`install ${crate} ${version}`, "cargo", ["install", crate, "--version", version, "--root", toolsDir, "--force"], { env: work ? quick : { ...quick, CARGO_PROFILE_RELEASE_OPT_LEVEL: "0" } });
}

async function aptInstall(packages) {
  if (packages.length === 0) return;
  if (!versionOf("apt-get")) throw new Error(`please install ${packages.join(", ")} by your system's package manager`);
  const sudo = process.getuid?.() === 0 ? [] : ["sudo"];
  const [command, ...rest] = [...sudo, "apt-get"];
  await step("package lists", command, [...rest, "update", "-qq"]);
  await step(`install ${packages.join(", ")}`, command, [...rest, "install", "-y", "-qq", "--no-install-recommends", ...packages], {
    env: { DEBIAN_FRONTEND: "noninteractive" },
  });
}

/** Everything that `npm run build` and `npm start` need. */
export async function ensureBuildTools() {
  useTools();
  if (!versionOf("cargo")) throw new Error("Rust is missing: install it from https://rustup.rs, then start again");
  const targets = execFileSync("rustup", ["target", "list", "--installed"], { cwd: root, encoding: "utf8" });
  if (!targets.includes("wasm32-unknown-unknown")) await step("wasm32 target", "rustup", ["target", "add", "wasm32-unknown-unknown"]);
  // Only newer versions of rustup add what `rust-toolchain.toml` has gained since the toolchain was installed.
  const components = execFileSync("rustup", ["component", "list", "--installed"], { cwd: root, encoding: "utf8" });
  if (!components.includes("rust-src")) await step("sources of std", "rustup", ["component", "add", "rust-src"]);
  await cargoInstall("wasm-bindgen-cli", "wasm-bindgen", lockedVersion("wasm-bindgen"));
  await cargoInstall("wasm-pack", "wasm-pack", WASM_PACK, { work: false });
}

/** What `npm run fuzz` needs. */
export async function ensureFuzzer() {
  useTools();
  await cargoInstall("cargo-fuzz", "cargo-fuzz", CARGO_FUZZ);
  if (!versionOf("c++")) await aptInstall(["g++"]);
}

/** What `npm run audit` needs. */
export async function ensureAuditors() {
  useTools();
  await cargoInstall("cargo-deny", "cargo-deny", CARGO_DENY, { work: false });
  await cargoInstall("cargo-audit", "cargo-audit", CARGO_AUDIT, { work: false });
}

/** A balancer, for tests of several servers. */
export async function ensureBalancer() {
  if (!existsSync("/usr/sbin/haproxy")) await aptInstall(["haproxy"]);
}

/** Browsers and their drivers. */
export async function ensureBrowsers() {
  useTools();
  const missing = [];
  if (!existsSync("/usr/bin/chromium")) missing.push("chromium");
  if (!versionOf("chromedriver")) missing.push("chromium-driver");
  if (!versionOf("firefox-esr") && !versionOf("firefox")) missing.push("firefox-esr");
  await aptInstall(missing);
  await cargoInstall("geckodriver", "geckodriver", GECKODRIVER, { work: false });
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    await ensureBuildTools();
    if (process.argv.includes("--browsers")) await ensureBrowsers();
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
}
