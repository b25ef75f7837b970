// A bundle trained from scratch, its three graphs: clean for Python's checker, and equal in onnxruntime, tract and the
// compact programs. The Python packages live in a virtual environment that the check makes.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { binary, root } from "../lib/paths.mjs";

const work = mkdtempSync(join(tmpdir(), "upnext-onnx-"));
after(() => rmSync(work, { recursive: true, force: true }));
const run = (command, args) => execFileSync(command, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });

test("onnxruntime, tract and the compact programs agree on a trained bundle", { timeout: 900_000 }, () => {
  run("cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
  const [data, bundle] = [join(work, "data"), join(work, "bundle")];
  run(binary("upnext-export"), ["simulate", "--users", "120", "--videos", "150", "--out", data]);
  run(binary("upnext-export"), ["train", "--data", data, "--out", bundle]);
  assert.match(run("python3", ["tests/onnx_check.py", "--bundle", bundle]), /^3 passed, 0 failed$/m);
});
