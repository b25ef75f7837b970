// Builds the npm package into dist/: `node crate/wasm/build.mjs [compact] [onnx] [facade]`.
// A part whose inputs are unchanged since its last build is left as it is.
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { root } from "../../tests/lib/paths.mjs";
import { step } from "../../tests/lib/step.mjs";
import { useTools } from "../../tests/tools.mjs";

const dist = join(root, "dist");
const js = join(root, "crate/wasm/js");
const rust = [
  "Cargo.toml",
  "Cargo.lock",
  "rust-toolchain.toml",
  ".cargo/config.toml",
  "crate/core/Cargo.toml",
  "crate/core/src",
  "crate/wasm/Cargo.toml",
  "crate/wasm/src",
  "crate/wasm/js/types.d.ts",
  "crate/wasm/build.mjs",
];

// The compact module brings a standard library whose panics are traps without a text: nothing here panics on input,
// and the texts, with the places in the sources that they name, were a fifth of the module. See docs/adr/0003.
const smallStd = {
  args: ["-Zbuild-std=std,panic_abort", "-Zbuild-std-features=optimize_for_size", "-Zpanic-immediate-abort"],
  config: ["--config", 'profile.wasm.panic="immediate-abort"'],
  env: {
    // The toolchain is pinned, so what is unstable in it stays as it is.
    RUSTC_BOOTSTRAP: "1",
    CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS:
      "-Ctarget-feature=+simd128 -Zunstable-options -Cpanic=immediate-abort -Zlocation-detail=none -Zfmt-debug=none",
  },
};

const modules = {
  compact: { profile: "wasm", cargo: [...smallStd.args, ...smallStd.config], env: smallStd.env },
  onnx: { profile: "wasm-onnx", cargo: ["--features", "onnx"], env: {} },
};

function filesBelow(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}

/** Hash over names and bytes of the inputs. */
function hashOf(inputs) {
  const hash = createHash("sha256");
  for (const path of inputs.flatMap((input) => filesBelow(join(root, input)))) {
    hash.update(path.slice(root.length)).update("\0").update(readFileSync(path)).update("\0");
  }
  return hash.digest("hex");
}

/** Runs `work` unless `folder` was last built from these inputs. */
async function unlessUnchanged(name, folder, inputs, work) {
  const stamp = join(folder, ".stamp");
  const hash = hashOf(inputs);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === hash) {
    console.error(`✓ ${name}: unchanged`);
    return;
  }
  await work();
  mkdirSync(folder, { recursive: true });
  writeFileSync(stamp, hash);
}

function wasmModule(name) {
  const { profile, cargo, env } = modules[name];
  const out = join(dist, name);
  return unlessUnchanged(`${name} module`, out, rust, async () => {
    rmSync(out, { recursive: true, force: true });
    const args = ["build", join(root, "crate/wasm"), "--mode", "no-install", "--target", "web", "--no-pack"];
    args.push("--profile", profile, "--out-dir", out, "--out-name", "upnext", "--", "--locked", ...cargo);
    await step(`${name} module`, "wasm-pack", args, { env });
    // wasm-pack ignores its own output, and npm would then leave it out of the package.
    rmSync(join(out, ".gitignore"), { force: true });
  });
}

/** Entries import the modules as `#compact` and `#onnx`, an edge worker the bytes too; in the package they lie beside the entries. */
const besideEntries = {
  name: "beside-entries",
  setup({ onResolve }) {
    onResolve({ filter: /^#(compact|onnx)$/ }, ({ path }) => ({ path: `./${path.slice(1)}/upnext.js`, external: true }));
    onResolve({ filter: /^#compact-wasm$/ }, () => ({ path: "./compact/upnext_bg.wasm", external: true }));
    // The engine of a bundle with unusual ops is loaded by the other entry, not packed twice.
    onResolve({ filter: /^\.\/onnx-(browser|node)\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

function facade() {
  const inputs = ["crate/wasm/js", "crate/wasm/build.mjs", "package-lock.json"];
  return unlessUnchanged("facade", join(dist, "types"), inputs, async () => {
    mkdirSync(dist, { recursive: true });
    for (const name of readdirSync(dist)) if (name.endsWith(".js") || name === "types") rmSync(join(dist, name), { recursive: true });
    const entryPoints = readdirSync(join(js, "entry")).map((name) => join(js, "entry", name));
    await build({
      entryPoints,
      outdir: dist,
      bundle: true,
      splitting: true,
      format: "esm",
      target: "es2022",
      external: ["node:*"],
      plugins: [besideEntries],
      logLevel: "warning",
    });
    await step("facade types", "npx", ["--no-install", "tsc", "-p", join(js, "tsconfig.types.json")]);
    // The wire types are declarations already; tsc leaves those where they are.
    writeFileSync(join(dist, "types/types.d.ts"), readFileSync(join(js, "types.d.ts")));
  });
}

useTools();
const wanted = process.argv.slice(2);
for (const part of wanted) {
  if (part in modules) await wasmModule(part);
  else if (part === "facade") await facade();
  else throw new Error(`no part is called ${part}; there are compact, onnx, facade`);
}
