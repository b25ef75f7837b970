// The documentation holds: links lead somewhere, code compiles, what is named exists.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { anchors, blocks, commands, links, pages } from "../lib/handbook.mjs";
import { root, workDir } from "../lib/paths.mjs";

const { scripts, exports, version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const text = (path) => readFileSync(join(root, path), "utf8");

test("every link leads to a file, and every anchor to a heading", () => {
  const broken = [];
  let count = 0;
  for (const page of pages) {
    for (const link of links(page).filter((link) => !/^[a-z]+:/.test(link))) {
      count++;
      const [file, anchor] = link.split("#");
      const path = file === "" ? page.path : normalize(join(dirname(page.path), file));
      if (path.startsWith("..") || !existsSync(join(root, path))) broken.push(`${page.path}: ${link}`);
      else if (anchor && path.endsWith(".md") && !anchors(text(path)).has(anchor)) broken.push(`${page.path}: ${link}: no such heading`);
    }
  }
  assert.deepEqual(broken, []);
  assert.ok(count > 50, `${count} links`);
});

test("every page of the handbook can be reached from the README", () => {
  const reached = new Set(["README.md"]);
  for (const path of reached) for (const link of links(pages.find((page) => page.path === path) ?? { text: "" })) {
    const to = normalize(join(dirname(path), link.split("#")[0]));
    if (pages.some((page) => page.path === to)) reached.add(to);
  }
  // Decisions are reached by their folder.
  assert.deepEqual(pages.map(({ path }) => path).filter((path) => !reached.has(path) && !path.startsWith("docs/adr/")), []);
});

test("every block of JavaScript compiles against the package's types, JSON is JSON", { timeout: 120_000 }, () => {
  const folder = join(workDir, "docs-blocks");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const types = Object.fromEntries(Object.keys(exports).filter((path) => !path.endsWith(".json")).map((path) => [`upnext${path.slice(1)}`, [join(root, "dist", { "./onnx": "onnx.d.ts", "./edge": "edge.d.ts", "./elements": "elements.d.ts", "./players": "players.d.ts" }[path] ?? "upnext.d.ts")]]));
  // What a page of documentation takes for granted: a recommender, and elements that are what their names say.
  writeFileSync(join(folder, "given.d.ts"), 'declare var upnext: import("upnext").Upnext;\ninterface Document { querySelector(selector: string): any }\n');
  let count = 0;
  for (const page of pages) {
    blocks(page).forEach(({ language, code }, i) => {
      if (language === "json") JSON.parse(code);
      const script = language === "html" ? /<script type="module">([\s\S]*?)<\/script>/.exec(code)?.[1] : ["js", "ts"].includes(language) ? code : undefined;
      if (script === undefined) return;
      count++;
      writeFileSync(join(folder, `${page.path.replace(/\W/g, "-")}-${i}.${language === "ts" ? "ts" : "js"}`), `${script}\nexport {};\n`);
    });
  }
  const compilerOptions = { target: "es2022", module: "esnext", moduleResolution: "bundler", lib: ["es2022", "dom", "dom.iterable"], types: [], allowJs: true, checkJs: true, noEmit: true, strict: true, noImplicitAny: false, paths: types };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*"] }));
  execFileSync("npx", ["--no-install", "tsc", "-p", folder], { cwd: root, stdio: "pipe", encoding: "utf8" });
  assert.ok(count >= 8, `${count} blocks`);
});

test("every script, suite and file that a command names is there", () => {
  const suites = execFileSync("node", ["tests/run.mjs", "--list"], { cwd: root, encoding: "utf8" }).trim().split("\n");
  const missing = [];
  let count = 0;
  for (const page of pages) {
    for (const [program, ...words] of commands(page)) {
      const say = (what) => missing.push(`${page.path}: ${[program, ...words].join(" ")}: ${what}`);
      if (program === "npm") {
        const [verb, name] = words;
        const script = verb === "run" ? words.find((word, i) => i > 0 && !word.startsWith("-")) : ["start", "test"].includes(verb) ? verb : undefined;
        if (script === undefined) continue;
        count++;
        if (!(script in scripts)) say("no such script");
        if (verb === "test" && name === "--") for (const suite of words.slice(2)) if (!suite.startsWith("-") && !suites.some((one) => one.startsWith(suite))) say(`no suite ${suite}`);
      } else if (program === "node" || program === "python3") {
        for (const path of words.filter((word) => /^(tests|www|crate|\.ci|model-export)\/\S+\.(mjs|py)$/.test(word))) {
          count++;
          if (!existsSync(join(root, path))) say(`no file ${path}`);
        }
      }
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(count > 20, `${count} commands`);
});

test("the container file runs what npm start runs, copies what is there, and compose names its images", () => {
  const file = text("Containerfile");
  const flat = (source) => source.replace(/[",[\]`]/g, " ").replace(/\s+/g, " ");
  const known = ["www/start.mjs", "tests/lib/packages.mjs", "tests/tools.mjs"].map((path) => flat(text(path))).join(" ");
  const ran = [...file.matchAll(/^RUN (.+)$/gm)].map(([, line]) => line).filter((line) => !line.startsWith("ln "));
  for (const line of ran) {
    const plain = line.replace(/ --origin \$\{\w+\}.*/, " --origin").replace(/ --features "\$\{\w+\}"$/, "");
    assert.ok(known.includes(plain), `npm start does not run ${plain}`);
  }
  assert.ok(ran.length >= 5);
  for (const [, from] of file.matchAll(/^COPY --from=build \/upnext\/(\S+)/gm)) if (!/^(target|\.upnext|node_modules)\b/.test(from)) assert.ok(existsSync(join(root, from)), from);
  const stages = [...file.matchAll(/^FROM \S+ AS (\w+)$/gm)].map(([, name]) => name);
  const compose = text("compose.yaml");
  for (const [, target] of compose.matchAll(/target: (\w+)/g)) assert.ok(stages.includes(target), target);
  for (const [, argument] of compose.matchAll(/^ {8}(\w+): http/gm)) assert.match(file, new RegExp(`ARG ${argument}=`));
  for (const [, flag] of file.match(/^CMD \["--host.*$/m)[0].matchAll(/"--(\w+)"/g)) assert.match(text("www/serve.mjs"), new RegExp(`${flag}: \\{ type`));
});

test("the alerts name what the server counts, and nothing else", () => {
  const source = text("crate/server/src/metrics.rs");
  const counted = new Set([...source.matchAll(/registry\.register\(\s*"(\w+)"/g)].map(([, name]) => name));
  const labels = new Set(["job", "le", ...[...source.matchAll(/^ {4}(\w+): (?:String|u16|&'static str),$/gm)].map(([, name]) => name)]);
  const rules = text("docs/examples/prometheus/alerts.yaml");
  const named = [...rules.matchAll(/\bupnext_(\w+?)(_total|_bucket)?\b(?=[{[\s)])/g)].filter(([, name]) => !name.startsWith("stage_seconds"));
  assert.ok(named.length >= 8, `${named.length} names`);
  for (const [whole, name] of named) assert.ok(counted.has(name), whole);
  for (const [, inside] of rules.matchAll(/upnext_\w+\{([^}]*)\}/g)) for (const [, label] of inside.matchAll(/(\w+)=/g)) assert.ok(labels.has(label), label);
  for (const [, result] of rules.matchAll(/result="(\w+)"/g)) assert.ok(source.includes(`"${result}"`), result);
  // What operations tells of is what wakes somebody.
  for (const [, metric] of text("docs/operations.md").split("## What to watch")[1].split("\n## ")[0].matchAll(/`(upnext_\w+)`/g)) assert.ok(rules.includes(metric), metric);
});

test("one version, one licence, one oldest Rust", () => {
  const cargo = text("Cargo.toml");
  assert.match(cargo, new RegExp(`version = "${version}"`));
  for (const [, own] of cargo.matchAll(/^upnext-\w+ = \{ path = .*version = "([^"]+)"/gm)) assert.equal(own, version, "crates name each other by this version");
  const [, msrv] = /rust-version = "([^"]+)"/.exec(cargo);
  assert.match(text("CONTRIBUTING.md"), new RegExp(`\\(${msrv.replace(".", "\\.")}\\)`));
  assert.ok(text("rust-toolchain.toml").includes(`channel = "${msrv}`), "what is built with is the oldest that is promised");
  assert.ok(text("Containerfile").includes(`rust:${msrv}-`));
  assert.match(text("LICENSE-APACHE"), /Apache License\s+Version 2\.0/);
  assert.match(text("LICENSE-MIT"), /Permission is hereby granted/);
  assert.match(text("CHANGELOG.md"), new RegExp(version.replaceAll(".", "\\.")));
});
