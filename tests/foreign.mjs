// Graphs that were not made here, exported by PyTorch, Keras and scikit-learn: each compiles to a program that equals
// onnxruntime within 1e-5 in f32, and in f16 and int8 has the cosine stated below; what is outside the compact set is
// refused by name. The packages go into a virtual environment in the cache (PyTorch for Linux is some gigabytes); a
// family that cannot be installed is said to be skipped.
//   node tests/foreign.mjs                  what `npm run test:full` runs
//   node tests/foreign.mjs scikit           one family: scikit, torch, keras
//   node tests/foreign.mjs --write          also renews the small graphs in tests/foreign, which the Rust tests read
//   node tests/foreign.mjs --python PYTHON  with an environment that is there
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { binary, cacheDir, root } from "./lib/paths.mjs";
import { step } from "./lib/step.mjs";

// Ranges, not pins: each Python version has wheels of some releases only.
const COMMON = ["numpy>=1.26,<3", "onnx>=1.17,<2", "onnxruntime>=1.19,<2"];
const FAMILIES = {
  scikit: ["scikit-learn>=1.5,<2", "skl2onnx>=1.18,<2"],
  torch: ["torch>=2.6,<3", "onnxscript>=0.3,<1"],
  keras: ["tensorflow-cpu>=2.17,<3", "tf2onnx>=1.16,<2"],
};
/** Least cosine of the outputs of narrow weights and of onnxruntime's. */
const LEAST_COSINE = { f16: 0.999_999, int8: 0.999 };
/** Larger graphs are exported anew each time. */
const MOST_BYTES = 16_384;
const kept = join(root, "tests/foreign");

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { write: { type: "boolean" }, python: { type: "string" } },
});
const unknown = positionals.find((name) => !(name in FAMILIES));
if (unknown) throw new Error(`no family is called ${unknown}; there are ${Object.keys(FAMILIES).join(", ")}`);

const venv = join(cacheDir, "venv-foreign");
const python = flags.python ?? join(venv, "bin", "python");

/** Installs packages once. */
async function install(name, packages) {
  const stamp = join(venv, `${name}.txt`);
  const wanted = `${packages.join("\n")}\n`;
  if (flags.python || (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted)) return;
  if (!existsSync(python)) await step("virtual environment", "python3", ["-m", "venv", venv]);
  await step(`install ${name}`, python, ["-m", "pip", "install", "-q", "--disable-pip-version-check", ...packages]);
  // Last, so that an interrupted installation is made again.
  writeFileSync(stamp, wanted);
}

/** What `compile` says about a case: a line, and whether it is right. */
function judge(name, folder, document) {
  const onnx = join(folder, `${name}.onnx`);
  const compile = (weights) => {
    const out = join(folder, `${name}.${weights}`);
    const expect = document.refused ? [] : ["--expect", join(folder, `${name}.json`)];
    const output = document.output ? ["--output", document.output] : [];
    const args = ["compile", onnx, "--out", out, "--weights", weights, ...expect, ...output];
    return spawnSync(binary("upnext-export"), args, { encoding: "utf8" });
  };
  if (document.refused) {
    const { status, stderr } = compile("f32");
    const right = status !== 0 && stderr.includes("error[op-unsupported]") && stderr.includes(document.refused);
    return { right, line: right ? `refused: ${document.refused}` : `not refused as ${document.refused}: ${stderr.trim()}` };
  }
  const found = {};
  for (const weights of ["f32", "f16", "int8"]) {
    const { status, stdout, stderr } = compile(weights);
    if (status !== 0) return { right: false, line: stderr.trim() };
    // The program in f32 is held to 1e-5 by the verb itself.
    const said = /against .*json, \d+ rows: largest difference (\S+), cosine (\S+)/.exec(stdout);
    if (!said) return { right: false, line: `no comparison in: ${stdout}` };
    found[weights] = { largest: Number(said[1]), cosine: Number(said[2]) };
  }
  const right = found.f32.largest <= 1e-5 && Object.entries(LEAST_COSINE).every(([weights, least]) => found[weights].cosine >= least);
  const cosine = (weights) => `${weights} cosine ${found[weights].cosine.toFixed(7)}`;
  return { right, line: `f32 ${found.f32.largest.toExponential(1)}, ${cosine("f16")}, ${cosine("int8")}` };
}

const work = mkdtempSync(join(tmpdir(), "upnext-foreign-"));
let [passed, failed] = [0, 0];
try {
  await step("export", "cargo", ["build", "--release", "--locked", "--workspace", "--bins"]);
  for (const family of positionals.length > 0 ? positionals : Object.keys(FAMILIES)) {
    try {
      await install("common", COMMON);
      await install(family, FAMILIES[family]);
    } catch (error) {
      console.log(`skipped: ${family}: its packages cannot be installed: ${error.message.split("\n").at(-1)}`);
      continue;
    }
    const folder = join(work, family);
    mkdirSync(folder);
    const { code, output } = await step(`graphs of ${family}`, python, [join(kept, "generate.py"), folder, family], { allowFailure: true });
    if (code !== 0) {
      failed += 1;
      console.log(`${family}: the exporter failed:\n${output.split("\n").slice(-20).join("\n")}`);
    }
    for (const file of readdirSync(folder).filter((file) => file.endsWith(".json")).sort()) {
      const name = file.slice(0, -".json".length);
      const { right, line } = judge(name, folder, JSON.parse(readFileSync(join(folder, file), "utf8")));
      console.log(`${right ? "✓" : "✗"} ${name}: ${line}`);
      if (right) passed += 1;
      else failed += 1;
      const small = statSync(join(folder, `${name}.onnx`)).size <= MOST_BYTES;
      if (flags.write && small) for (const end of ["onnx", "json"]) copyFileSync(join(folder, `${name}.${end}`), join(kept, `${name}.${end}`));
    }
  }
  const versions = "import importlib.metadata as m; print(', '.join(f'{d} {m.version(d)}' for d in ['onnxruntime', 'torch', 'tensorflow-cpu', 'tf2onnx', 'scikit-learn', 'skl2onnx'] if any(True for _ in m.distributions(name=d))))";
  if (passed > 0) console.log(execFileSync(python, ["-c", versions], { encoding: "utf8" }).trim());
} catch (error) {
  console.error(error.message);
  failed += 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
// Nothing that could be installed is nothing tested.
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
