// What a release is made of: package, programs, lists of what is in them, checksums.
//   npm run release [-- --out DIR] [--dirty]
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensurePackages } from "../tests/lib/packages.mjs";
import { binary, root, workDir } from "../tests/lib/paths.mjs";
import { step } from "../tests/lib/step.mjs";
import { ensureBuildTools } from "../tests/tools.mjs";
import { cratesBom, npmBom } from "./sbom.mjs";

const { values } = parseArgs({ options: { out: { type: "string" }, dirty: { type: "boolean", default: false } } });
const out = resolve(values.out ?? join(workDir, "release"));
const run = (command, args, options = {}) => execFileSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28, ...options });

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const crates = /\[workspace\.package\]\s+version = "([^"]+)"/.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))?.[1];
if (crates !== version) throw new Error(`package.json says ${version}, Cargo.toml ${crates}: one release, one version`);
if (!values.dirty && run("git", ["status", "--porcelain"]).trim() !== "") throw new Error("the checkout holds changes; commit them, or try with --dirty");

/** When the release was made, as far as its bytes say. */
const epoch = process.env.SOURCE_DATE_EPOCH ?? run("git", ["log", "-1", "--format=%ct"]).trim();
const triple = /host: (\S+)/.exec(run("rustc", ["-vV"]))[1];

await ensureBuildTools();
ensurePackages();
await step("package", "npm", ["run", "--silent", "build"], { show: true });
await step("upnext-export and upnext-server", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
run("npm", ["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", out]);

const folder = mkdtempSync(join(tmpdir(), "upnext-release-"));
try {
  const name = `upnext-${version}-${triple}`;
  mkdirSync(join(folder, name));
  for (const program of ["upnext-export", "upnext-server"]) {
    copyFileSync(binary(program), join(folder, name, program));
    run("strip", ["--strip-all", join(folder, name, program)]);
  }
  for (const text of ["LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md"]) copyFileSync(join(root, text), join(folder, name, text));
  const tar = ["--create", "--sort=name", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner", "--mode=u+rw,go=rX", "--directory", folder, "--file", join(folder, "programs.tar"), name];
  run("tar", tar);
  // Without the name and time that gzip would write.
  writeFileSync(join(out, `${name}.tar.gz`), execFileSync("gzip", ["-9", "-n", "-c", join(folder, "programs.tar")], { maxBuffer: 1 << 30 }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}

const write = (name, bom) => writeFileSync(join(out, name), `${JSON.stringify(bom, null, 1)}\n`);
write(`upnext-${version}-npm.cdx.json`, npmBom(epoch));
write(`upnext-${version}-crates.cdx.json`, cratesBom(version, epoch));

const sums = readdirSync(out)
  .sort()
  .map((name) => `${createHash("sha256").update(readFileSync(join(out, name))).digest("hex")}  ${name}\n`);
writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
process.stdout.write(`${sums.join("")}in ${out}\n`);
