// What of the handbook is written by the code: the page of features by the sources of their spec, that of benchmarks by their
// records; the help of both programs, which the site's page of configuration ends with.
//   npm run docs:reference            writes docs/features.md and docs/benchmarks.md
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { binary, root } from "../../tests/lib/paths.mjs";
import { benchmarksPage } from "./benchmarks.mjs";

const read = (path) => readFileSync(join(root, path), "utf8");

/** Structs and enums of a Rust file, with what is said of them and of their fields. */
function items(source) {
  const said = (comment) => comment.replace(/^\s*\/\/\/ ?/gm, "").trim();
  return new Map([...source.matchAll(/((?:^\/\/\/.*\n)+)(?:^#\[.*\]\n)*^pub (?:struct|enum) (\w+) \{\n([\s\S]*?)^\}/gm)].map(([, comment, name, body]) => {
    const fields = [...body.matchAll(/((?:^ {4}\/\/\/.*\n)+)(?:^ {4}#\[.*\]\n)*^ {4}(?:pub )?(\w+)(?:: ([^,\n]+))?,$/gm)].map(([, comment, name, type]) => ({ name, type, said: said(comment) }));
    return [name, { said: said(comment), fields }];
  }));
}

/** One line of a table: no line ends, no bars, and of a link of rustdoc its words. */
const cell = (text) => text.replace(/\n\n[\s\S]*/, "").replace(/\s+/g, " ").replace(/\[(`[^`]+`)\](\([^)]*\))?/g, "$1").replace(/\|/g, "\\|");
const code = (name) => `\`${name}\``;
const head = (path) => `<!-- Written by \`npm run docs:reference\` from ${path}; what is wrong is mended there. -->\n\n`;

/** docs/features.md */
export function featuresPage() {
  const path = "crate/core/src/feature/spec.rs";
  const spec = items(read(path));
  const encoders = ["Vocabulary", "Buckets", "Standardise", "Centroids", "TextSpec", "HistorySpec", "FoldInSpec"];
  const encoderOf = (type) => (encoders.includes(type) ? code(type) : type === "bool" ? "off unless switched on" : `a setting, ${code(type)}`);
  const table = (name) => `| feature | encoder | what it is |\n|---|---|---|\n${spec.get(name).fields.map(({ name, type, said }) => `| ${code(name)} | ${encoderOf(type)} | ${cell(said)} |`).join("\n")}`;
  const signals = read("crate/core/src/signal/mod.rs");
  const names = [.../pub const SIGNALS: \[&str; \d+\] = \[([\s\S]*?)\];/.exec(signals)[1].matchAll(/"(\w+)"/g)].map(([, name]) => name);
  const bullets = [.../in \[`SIGNALS`\] order:\n((?:\/\/\/.*\n)+)/.exec(signals)[1].matchAll(/^\/\/\/ - (.*(?:\n\/\/\/ {3}.*)*)/gm)].map(([, text]) => text.replace(/\n\/\/\/ +/g, " "));
  const listed = bullets.flatMap((text) => [...text.matchAll(/`(\w+)`/g)].map(([, name]) => name)).filter((name) => names.includes(name));
  const unsaid = names.filter((name) => !listed.includes(name));
  if (unsaid.length > 0) throw new Error(`crate/core/src/signal/mod.rs says nothing of ${unsaid.join(", ")}`);
  const pools = items(read("crate/core/src/feature/history.rs")).get("Pool");
  return `${head(`\`${path}\``)}# Features

What the model knows of a video and of a viewer, with the function that encodes it. The spec is data: vocabularies, edges and
statistics of the train split, made by \`upnext-export train\`, hashed in the manifest, and read by training, server and device
alike ([bundle](bundle.md)). Which tables the columns come from: [tables](tables.md).

## Of a video

Encoded where the catalogue is, in the server's item tower. Public: a candidate block holds the vectors that come of it.

${table("ItemSpec")}

Title and comments are texts ([text](text.md)).

## Of a viewer

Encoded on the device, and never in a request ([privacy](privacy.md)). All may be missing: unknown is a value of its own.

${table("UserSpec")}

The history is pooled by kind:

| pool | what is in it |
|---|---|
${pools.fields.map(({ name, said }) => `| ${code(name.toLowerCase())} | ${cell(said)} |`).join("\n")}

## Encoders

| encoder | what it does |
|---|---|
${encoders.map((name) => `| ${code(name)} | ${cell(spec.get(name).said)} |`).join("\n")}

## Signals of the ranker

What viewer and candidate have to do with each other, on the device, ${names.length} numbers for each candidate:

${bullets.map((text) => `* ${text}`).join("\n")}
`;
}

/** What a program says of itself; its width is the same wherever it is asked. */
function help(program, verbs = []) {
  return execFileSync(binary(program), [...verbs, "--help"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, COLUMNS: "100", NO_COLOR: "1" } }).replace(/[ \t]+$/gm, "").trimEnd();
}
/** Verbs that a help names. */
const verbsOf = (text) => [...(/^Commands:\n((?: {2}.*\n?)+)/m.exec(text)?.[1] ?? "").matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, verb]) => verb).filter((verb) => verb !== "help");

/** The help of both programs and of all their verbs, as Markdown; nothing where the programs are not built. */
export function helpOfPrograms() {
  const programs = ["upnext-server", "upnext-export"];
  if (!programs.every((program) => existsSync(binary(program)))) return undefined;
  const part = (program, verbs) => {
    const text = help(program, verbs);
    const own = `## ${code([program, ...verbs].join(" "))}\n\n\`\`\`text\n${text}\n\`\`\`\n`;
    return [own, ...verbsOf(text).flatMap((verb) => part(program, [...verbs, verb]))];
  };
  return programs.flatMap((program) => part(program, [])).join("\n");
}

/** Pages by path, with what writes them. */
export const references = { "docs/features.md": featuresPage, "docs/benchmarks.md": benchmarksPage };

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [path, page] of Object.entries(references)) {
    writeFileSync(join(root, path), page());
    console.log(path);
  }
}
