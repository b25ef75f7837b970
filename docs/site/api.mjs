// What each entry of the package exports, with what its declarations say: pages of the site, and the options among them for the
// page of configuration. Read from the doc models that API Extractor writes while the package is built (crate/wasm/facade.mjs).
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../tests/lib/paths.mjs";
import { anchorOf } from "./markdown.mjs";

const modelOf = (entry) => join(root, "dist/.facade", `${entry}.api.json`);

/** Exports of an entry, `upnext` or `edge` say, by name; nothing where the package is not built. */
function exportsOf(entry) {
  if (!existsSync(modelOf(entry))) return undefined;
  // `Storage_2` is what the declarations call `Storage` inside, where the browser has one of that name.
  const model = readFileSync(modelOf(entry), "utf8").replace(/\b([A-Z]\w*?)_\d+\b/g, "$1");
  return JSON.parse(model).members[0].members.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Text of a declaration's comment: Markdown as it stands, but for what would be a tag. */
const said = ({ docComment = "" }) =>
  docComment
    .replace(/^\/\*\*\s?|\s*\*\/\s*$/g, "")
    .replace(/^\s*\* ?/gm, "")
    .trim()
    .split(/(`[^`]*`)/)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(/</g, "&lt;")))
    .join("");
const signature = ({ excerptTokens }) => excerptTokens.map(({ text }) => text).join("").trim();
/** A member of an interface or class as it is written, on one line, without what every one of them has. */
const short = (member) => signature(member).replace(/\s+/g, " ").replace(/^readonly /, "").replace(/;$/, "");
const inTable = (text) => text.replace(/\s+/g, " ").replace(/\|/g, "\\|");
const codeInTable = (text) => `\`${inTable(text)}\``;

/** Rows for the members of an interface or class: how each is written, and what is said of it. */
const memberTable = ({ members }) =>
  `| member | what it is |\n|---|---|\n${members.map((member) => `| ${codeInTable(short(member))} | ${inTable(said(member)) || "–"} |`).join("\n")}`;

/** Exported names that a declaration or its members refer to. */
function uses(one, names) {
  const tokens = [one, ...(one.members ?? [])].flatMap(({ excerptTokens }) => excerptTokens);
  const found = new Set(tokens.filter(({ kind, text }) => kind === "Reference" && text !== one.name && names.has(text)).map(({ text }) => text));
  return found.size === 0 ? "" : `Uses ${[...found].sort().map((name) => `[${name}](#${anchorOf(name)})`).join(", ")}.\n\n`;
}

function section(one, names) {
  const declared = signature(one).replace(/^export declare /, "");
  const members = one.members?.length > 0 ? `${memberTable(one)}\n\n` : "";
  return `## ${one.name}\n\n${said(one) ? `${said(one)}\n\n` : ""}\`\`\`ts\n${declared}\n\`\`\`\n\n${members}${uses(one, names)}`;
}

/**
 * The page of an entry, `specifier` as it is imported, with its `report` at the end: the Markdown that the API is held to. The report
 * alone where the package is not built.
 */
export function apiPage(entry, specifier, report) {
  const all = exportsOf(entry);
  if (!all) return report;
  const names = new Set(all.map(({ name }) => name));
  const parts = all.map((one) => section(one, names)).join("");
  return `# Entry \`${specifier}\`\n\nWhat \`import … from "${specifier}"\` has: ${all.length} names, with what their declarations say.\n\n${parts}## The report\n\n${report.replace(/^#.*\n/, "").trim()}\n`;
}

/** Every interface of options of every entry: `{ entry, specifier }`; nothing where the package is not built. */
export function optionTables(entries) {
  const parts = entries.flatMap(({ entry, specifier }) =>
    (exportsOf(entry) ?? [])
      .filter(({ name, kind }) => kind === "Interface" && name.endsWith("Options"))
      .map((one) => ({ name: one.name, text: `### \`${one.name}\` of \`${specifier}\`\n\n${said(one)}\n\n${memberTable(one)}\n` })),
  );
  // An entry that exports another's options has the same table.
  return parts.filter(({ name }, at) => parts.findIndex((one) => one.name === name) === at).map(({ text }) => text).join("\n");
}
