// What a release holds of Rust: the two programs in one archive, and the crates that others can build on. Whoever makes them
// from the same sources gets the same bytes: names are sorted, owners nobody, times the release's.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The programs of a release. */
export const PROGRAMS = ["upnext-export", "upnext-server"];
/** The crates of a release, each after those that it needs; the others are programs, or the module inside the npm package. */
export const CRATES = ["upnext-core", "upnext-compile"];

const run = (command, args, options = {}) => execFileSync(command, args, { encoding: "utf8", maxBuffer: 1 << 30, ...options });

/** This machine, as Rust names it. */
export const triple = (sources) => /host: (\S+)/.exec(run("rustc", ["-vV"], { cwd: sources }))[1];

/**
 * Writes `name.tar.gz` into `out`: the programs that lie in `built`, stripped, with the texts of `sources`. `epoch`: seconds since
 * 1970 that every entry has as its time.
 */
export function archivePrograms({ built, sources, name, epoch, out }) {
  const folder = mkdtempSync(join(tmpdir(), "upnext-release-"));
  try {
    mkdirSync(join(folder, name));
    for (const program of PROGRAMS) {
      copyFileSync(join(built, program), join(folder, name, program));
      run("strip", ["--strip-all", join(folder, name, program)]);
    }
    for (const text of ["LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md"]) copyFileSync(join(sources, text), join(folder, name, text));
    run("tar", ["--create", "--sort=name", `--mtime=@${epoch}`, "--owner=0", "--group=0", "--numeric-owner", "--mode=u+rw,go=rX", "--directory", folder, "--file", join(folder, "programs.tar"), name]);
    // Without the name and time that gzip would write.
    writeFileSync(join(out, `${name}.tar.gz`), execFileSync("gzip", ["-9", "-n", "-c", join(folder, "programs.tar")], { maxBuffer: 1 << 30 }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes `CRATE-VERSION.crate` of each crate into `out`, as `cargo publish` would send it; nothing is compiled or sent. */
export function packCrates({ sources, out }) {
  const target = mkdtempSync(join(tmpdir(), "upnext-crates-"));
  try {
    const named = CRATES.flatMap((name) => ["--package", name]);
    run("cargo", ["package", "--quiet", "--locked", "--offline", "--no-verify", "--allow-dirty", "--target-dir", target, ...named], { cwd: sources, stdio: ["ignore", "pipe", "pipe"] });
    for (const file of readdirSync(join(target, "package")).filter((one) => one.endsWith(".crate"))) copyFileSync(join(target, "package", file), join(out, file));
  } finally {
    rmSync(target, { recursive: true, force: true });
  }
}
