// The arrows of the layout: core knows nobody, and wasm, server and export know core alone.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { root } from "../lib/paths.mjs";

const { packages } = JSON.parse(
  execFileSync("cargo", ["metadata", "--format-version", "1", "--no-deps", "--locked"], { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 }),
);
const dependenciesOf = (name) => packages.find((one) => one.name === name).dependencies;
const ours = packages.map((one) => one.name).sort();

test("the workspace has four crates and two binaries", () => {
  assert.deepEqual(ours, ["upnext-core", "upnext-export", "upnext-server", "upnext-wasm"]);
  const binaries = packages.flatMap((one) => one.targets.filter((target) => target.kind.includes("bin")).map((target) => target.name));
  assert.deepEqual(binaries.sort(), ["upnext-export", "upnext-server"]);
});

test("core depends on none of the others, the others on core alone", () => {
  for (const name of ours) {
    const known = dependenciesOf(name).map((one) => one.name).filter((one) => ours.includes(one));
    assert.deepEqual([...new Set(known)], name === "upnext-core" ? [] : ["upnext-core"], name);
  }
});

test("tract, twelve CPU-minutes of compiling, is known to export, server and the onnx module alone", () => {
  const known = ours.filter((name) => dependenciesOf(name).some((one) => one.name.startsWith("tract")));
  assert.deepEqual(known, ["upnext-export", "upnext-server", "upnext-wasm"]);
  assert.ok(dependenciesOf("upnext-wasm").find((one) => one.name === "tract-onnx").optional);
});
