// The arrows of the layout: core knows nobody, the compiler and the server know core alone, wasm and export those two;
// inside core the request builder knows nobody either.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { root } from "../lib/paths.mjs";

const { packages } = JSON.parse(
  execFileSync("cargo", ["metadata", "--format-version", "1", "--no-deps", "--locked"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 }),
);
const dependenciesOf = (name) => packages.find((one) => one.name === name).dependencies;
const ours = packages.map((one) => one.name).sort();

test("the workspace has five crates and two binaries", () => {
  assert.deepEqual(ours, ["upnext-compile", "upnext-core", "upnext-export", "upnext-server", "upnext-wasm"]);
  const binaries = packages.flatMap((one) => one.targets.filter((target) => target.kind.includes("bin")).map((target) => target.name));
  assert.deepEqual(binaries.sort(), ["upnext-export", "upnext-server"]);
});

test("core depends on none of the others, compiler and server on core alone, export and the onnx module on the compiler too", () => {
  const allowed = { "upnext-core": [], "upnext-compile": ["upnext-core"], "upnext-server": ["upnext-core"], "upnext-export": ["upnext-compile", "upnext-core"], "upnext-wasm": ["upnext-compile", "upnext-core"] };
  for (const name of ours) {
    const known = dependenciesOf(name).map((one) => one.name).filter((one) => ours.includes(one));
    assert.deepEqual([...new Set(known)].sort(), allowed[name], name);
  }
  assert.ok(dependenciesOf("upnext-wasm").find((one) => one.name === "upnext-compile").optional);
});

test("tract, twelve CPU-minutes of compiling, is known to compiler, export, server and the onnx module alone", () => {
  const known = ours.filter((name) => dependenciesOf(name).some((one) => one.name.startsWith("tract")));
  assert.deepEqual(known, ["upnext-compile", "upnext-export", "upnext-server", "upnext-wasm"]);
  assert.ok(dependenciesOf("upnext-wasm").find((one) => one.name === "tract-onnx").optional);
});

const folder = mkdtempSync(join(tmpdir(), "upnext-layers-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const builder = readFileSync(join(root, "crate/core/src/request.rs"), "utf8").split("#[cfg(test)]")[0];
/** A crate of all that the request builder may know: an error, and a number and a check that say nothing of a viewer. */
const world = `
  #[derive(Debug)] pub struct Error;
  pub enum ErrorKind { RequestInvalid { what: String, reason: String } }
  impl From<ErrorKind> for Error { fn from(_: ErrorKind) -> Error { Error } }
  pub mod block { pub const MAX_CANDIDATES: usize = 1; pub const MAX_ID_BYTES: usize = 1; }
  pub mod bundle { pub fn is_sha256_hex(_: &str) -> bool { true } }
  #[path = "request.rs"] pub mod request;`;

/** Codes of the errors that the compiler finds in the builder, alone in that crate. */
function compile(source) {
  writeFileSync(join(folder, "lib.rs"), world);
  writeFileSync(join(folder, "request.rs"), source);
  const { status, stderr } = spawnSync("rustc", ["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--error-format", "json", "-A", "warnings", "--out-dir", folder, join(folder, "lib.rs")], { cwd: root, encoding: "utf8" });
  const codes = stderr.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line)).filter(({ level, code }) => level === "error" && code).map(({ code }) => code.code);
  return { status, codes: [...new Set(codes)] };
}

test("the request builder compiles where there is no profile, context, history or slate", () => {
  assert.deepEqual(compile(builder), { status: 0, codes: [] });
});

for (const name of ["Profile", "Context", "history::History", "pipeline::Slate"]) {
  test(`the request builder with crate::${name} in its hands does not`, () => {
    const { status, codes } = compile(`${builder}\npub fn leak(_: &crate::${name}) {}`);
    assert.notEqual(status, 0);
    assert.ok(codes.length === 1 && ["E0412", "E0425", "E0432", "E0433"].includes(codes[0]), `${codes}`);
  });
}
