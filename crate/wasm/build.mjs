// Builds the npm package into dist/: `node crate/wasm/build.mjs [compact] [onnx] [facade]`.
// A part whose inputs are unchanged since its last build is left as it is.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../tests/lib/paths.mjs";
import { step } from "../../tests/lib/step.mjs";
import { useTools } from "../../tests/tools.mjs";
import { facade } from "./facade.mjs";
import { unlessUnchanged } from "./unchanged.mjs";

const dist = join(root, "dist");
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
/** What the compact module is not made of. */
const compiler = ["crate/compile/Cargo.toml", "crate/compile/src"];

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
  compact: { profile: "wasm", inputs: rust, cargo: [...smallStd.args, ...smallStd.config], env: smallStd.env },
  onnx: { profile: "wasm-onnx", inputs: [...rust, ...compiler], cargo: ["--features", "onnx"], env: {} },
};

function wasmModule(name) {
  const { profile, inputs, cargo, env } = modules[name];
  const out = join(dist, name);
  return unlessUnchanged(`${name} module`, out, inputs, async () => {
    rmSync(out, { recursive: true, force: true });
    const args = ["build", join(root, "crate/wasm"), "--mode", "no-install", "--target", "web", "--no-pack"];
    args.push("--profile", profile, "--out-dir", out, "--out-name", "upnext", "--", "--locked", ...cargo);
    await step(`${name} module`, "wasm-pack", args, { env });
    // wasm-pack ignores its own output, and npm would then leave it out of the package.
    rmSync(join(out, ".gitignore"), { force: true });
  });
}

useTools();
const wanted = process.argv.slice(2);
for (const part of wanted) {
  if (part in modules) await wasmModule(part);
  else if (part === "facade") await facade();
  else throw new Error(`no part is called ${part}; there are compact, onnx, facade`);
}
