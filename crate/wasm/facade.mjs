// The JavaScript side of the package: entries, their declarations, and a report of the public API.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Extractor, ExtractorConfig } from "@microsoft/api-extractor";
import { build } from "esbuild";
import { root, workDir } from "../../tests/lib/paths.mjs";
import { step } from "../../tests/lib/step.mjs";
import { unlessUnchanged } from "./unchanged.mjs";

const dist = join(root, "dist");
const js = join(root, "crate/wasm/js");
const entry = (name) => join(js, "entry", `${name}.ts`);
const compactWasm = join(dist, "compact/upnext_bg.wasm");

/** Declarations that users see: one file per public surface, by the file that says what belongs to it. */
const surfaces = { upnext: "public", onnx: "onnx-public", edge: "edge-public", elements: "elements-public", players: "players-public" };
/** Scripts of workers: each is one file, so that a bundler that copies them copies all of it. */
const workers = ["worker", "onnx-worker"];
/** Entries that can also be had by `require`. */
const required = ["node", "onnx-node", "edge-node"];
/** What says that the module with tract was built; `npm start` does without it. */
const onnxStamp = "dist/onnx/.stamp";
const hasOnnx = () => existsSync(join(root, onnxStamp));

/** Entries import the modules as `#compact` and `#onnx`, some the bytes too; in the package they lie beside the entries. */
const besideEntries = {
  name: "beside-entries",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^#(compact|onnx)$/ }, ({ path }) => ({ path: `./${path.slice(1)}/upnext.js`, external: true }));
    onResolve({ filter: /^#compact-wasm/ }, ({ path }) => ({ path: path.replace("#compact-wasm", "./compact/upnext_bg.wasm"), external: true }));
    // A path of its own: the script names it in a comment, and must be the same bytes wherever it is built.
    onResolve({ filter: /^#compact-base64$/ }, () => ({ path: "compact/upnext_bg.wasm", namespace: "base64" }));
    onLoad({ filter: /.*/, namespace: "base64" }, () => ({ contents: readFileSync(compactWasm).toString("base64"), loader: "text" }));
    // Engines that are loaded when they are needed: entries of their own, not packed twice.
    onResolve({ filter: /^\.\/(compact|onnx)-(main|node)\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

/** A script that is required can't require the module's glue, which is an ES module: it holds a copy, and its own address. */
const withGlue = {
  name: "with-glue",
  setup({ onResolve }) {
    onResolve({ filter: /^#(compact|onnx)$/ }, ({ path }) => ({ path: join(dist, path.slice(1), "upnext.js") }));
    onResolve({ filter: /^\.\/onnx-node\.js$/ }, ({ path }) => ({ path, external: true }));
  },
};

const common = { outdir: dist, bundle: true, target: "es2022", external: ["node:*"], logLevel: "warning" };

async function scripts() {
  for (const name of readdirSync(dist)) if (/\.(js|cjs|d\.ts|d\.cts)$/.test(name)) rmSync(join(dist, name));
  const entries = readdirSync(join(js, "entry")).map((file) => file.replace(/\.ts$/, ""));
  const esm = { ...common, format: "esm", plugins: [besideEntries] };
  await build({ ...esm, entryPoints: entries.filter((name) => !workers.includes(name)).map(entry), splitting: true });
  await build({ ...esm, entryPoints: workers.map(entry) });
  await build({
    ...common,
    // A copy of the glue of a module that isn't there can't be packed.
    entryPoints: required.filter((name) => name !== "onnx-node" || hasOnnx()).map(entry),
    format: "cjs",
    platform: "node",
    outExtension: { ".js": ".cjs" },
    plugins: [withGlue],
    define: { "import.meta.url": "moduleUrl" },
    banner: { js: 'const moduleUrl = require("node:url").pathToFileURL(__filename).href;' },
  });
}

/** One file of declarations per surface, the same for `import` and `require`, and its report beside the stamp. */
async function declarations() {
  const types = join(workDir, "types");
  rmSync(types, { recursive: true, force: true });
  await step("facade types", "npx", ["--no-install", "tsc", "-p", join(js, "tsconfig.types.json"), "--outDir", types]);
  // The wire types are declarations already; tsc leaves those where they are.
  writeFileSync(join(types, "types.d.ts"), readFileSync(join(js, "types.d.ts")));
  const reports = join(dist, ".facade");
  mkdirSync(reports, { recursive: true });
  for (const [name, source] of Object.entries(surfaces)) {
    const rolled = join(dist, `${name}.d.ts`);
    const configObject = {
      projectFolder: root,
      mainEntryPointFilePath: join(types, `${source}.d.ts`),
      compiler: { overrideTsconfig: { compilerOptions: { target: "es2022", module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom", "dom.iterable"], strict: true, types: [] }, files: [join(types, `${source}.d.ts`)] } },
      newlineKind: "lf",
      apiReport: { enabled: true, reportFolder: reports, reportTempFolder: join(workDir, "api"), reportFileName: `${name}.api.md` },
      // What docs/site/api.mjs makes pages of.
      docModel: { enabled: true, apiJsonFilePath: join(reports, `${name}.api.json`) },
      dtsRollup: { enabled: true, untrimmedFilePath: rolled },
      tsdocMetadata: { enabled: false },
      messages: { extractorMessageReporting: { "ae-missing-release-tag": { logLevel: "none" } }, tsdocMessageReporting: { default: { logLevel: "none" } } },
    };
    const config = ExtractorConfig.prepare({ configObject, configObjectFullPath: undefined, packageJsonFullPath: join(root, "package.json") });
    const problems = [];
    const messageCallback = (message) => {
      message.handled = true;
      if (message.category !== "console" && (message.logLevel === "error" || message.logLevel === "warning")) problems.push(message.formatMessageWithLocation(root));
    };
    const { succeeded } = Extractor.invoke(config, { localBuild: true, messageCallback });
    if (!succeeded || problems.length > 0) throw new Error(`declarations of ${name}:\n${problems.join("\n")}`);
    writeFileSync(join(dist, `${name}.d.cts`), readFileSync(rolled));
  }
}

/** Builds it; the compact module must be there, for one entry holds its bytes. */
export function facade() {
  if (!existsSync(compactWasm)) throw new Error("build the compact module first: npm run build:compact");
  const inputs = ["crate/wasm/js", "crate/wasm/build.mjs", "crate/wasm/facade.mjs", "package-lock.json", "dist/compact/.stamp", ...(hasOnnx() ? [onnxStamp] : [])];
  return unlessUnchanged("facade", join(dist, ".facade"), inputs, async () => {
    await scripts();
    await declarations();
  });
}
