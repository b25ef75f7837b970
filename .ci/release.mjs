// What a release is made of: package, programs, crates, lists of what is in them, checksums.
//   npm run release [-- --out DIR] [--dirty]
//   npm run release -- --check    makes all of it twice, in two folders, and holds the bytes to each other
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensurePackages } from "../tests/lib/packages.mjs";
import { binary, root, workDir } from "../tests/lib/paths.mjs";
import { step } from "../tests/lib/step.mjs";
import { ensureBuildTools } from "../tests/tools.mjs";
import { archivePrograms, packCrates, triple } from "./archive.mjs";
import { cratesBom, npmBom } from "./sbom.mjs";

const { values } = parseArgs({ options: { out: { type: "string" }, dirty: { type: "boolean", default: false }, check: { type: "boolean", default: false } } });
const out = resolve(values.out ?? join(workDir, "release"));
const run = (command, args) => execFileSync(command, args, { cwd: root, encoding: "utf8", maxBuffer: 1 << 28 });

const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const crates = /\[workspace\.package\]\s+version = "([^"]+)"/.exec(readFileSync(join(root, "Cargo.toml"), "utf8"))?.[1];
if (crates !== version) throw new Error(`package.json says ${version}, Cargo.toml ${crates}: one release, one version`);
if (!values.dirty && !values.check && run("git", ["status", "--porcelain"]).trim() !== "") throw new Error("the checkout holds changes; commit them, or try with --dirty");

/** When the release was made, as far as its bytes say. */
const epoch = process.env.SOURCE_DATE_EPOCH ?? run("git", ["log", "-1", "--format=%ct"]).trim();

await ensureBuildTools();
ensurePackages();
await step("package", "npm", ["run", "--silent", "build"], { show: true });
await step("upnext-export and upnext-server", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
if (values.check) process.exit(spawnSync("node", [join(root, "tests/release.mjs"), "--modules", "--programs"], { cwd: root, stdio: "inherit" }).status ?? 1);

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
run("npm", ["pack", "--ignore-scripts", "--loglevel=error", "--pack-destination", out]);
packCrates({ sources: root, out });
archivePrograms({ built: dirname(binary("upnext-server")), sources: root, name: `upnext-${version}-${triple(root)}`, epoch, out });

const write = (name, bom) => writeFileSync(join(out, name), `${JSON.stringify(bom, null, 1)}\n`);
write(`upnext-${version}-npm.cdx.json`, npmBom(epoch));
write(`upnext-${version}-crates.cdx.json`, cratesBom(version, epoch));

const sums = readdirSync(out)
  .sort()
  .map((name) => `${createHash("sha256").update(readFileSync(join(out, name))).digest("hex")}  ${name}\n`);
writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
process.stdout.write(`${sums.join("")}in ${out}\n`);
