// The handbook as a site, by Eleventy: README, docs and the reports of the API, with all links between them and into the
// sources.
//   npm run docs [-- --out .upnext/docs] [--no-rustdoc]
// Every file of the repository that a page links is in the site too, so that a copy of the folder is whole.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative as between, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import Eleventy from "@11ty/eleventy";
import { root, targetDir, workDir } from "../../tests/lib/paths.mjs";
import { apiPage, optionTables } from "./api.mjs";
import { escape, layout } from "./layout.mjs";
import { anchorOf, handbookMarkdown, relative } from "./markdown.mjs";
import { siteMap } from "./pages.mjs";
import { helpOfPrograms } from "./reference.mjs";

/** Crates with pages of rustdoc: what others build on. */
const CRATES = ["upnext-core", "upnext-compile"];
const PICTURES = /\.(png|svg|webp)$/;

/** A file or folder of the sources, to look at; what of a folder is a page is linked. */
function sourceOf(path, from, byPath) {
  const at = join(root, path);
  const entry = ({ name, isFolder }) => {
    const address = byPath.get(`${path}/${name}`);
    const shown = `<code>${escape(name)}${isFolder ? "/" : ""}</code>`;
    return `<li>${address ? `<a href="${relative(from, address)}">${shown}</a>` : shown}</li>`;
  };
  const content = statSync(at).isDirectory()
    ? `<ul>${readdirSync(at, { withFileTypes: true }).map((one) => entry({ name: one.name, isFolder: one.isDirectory() })).join("")}</ul>`
    : `<pre tabindex="0"><code>${escape(readFileSync(at, "utf8"))}</code></pre>`;
  return `<h1><code>${escape(path)}</code></h1>\n${content}`;
}

/** Parts of a page that a search can find: the text below each heading. */
function searchParts({ title, address, text }) {
  const parts = [{ page: title, heading: title, address, text: "" }];
  const fenced = text.split(/^```.*$/m);
  fenced.forEach((piece, i) => {
    // What stands between fences is code: found, and no heading.
    if (i % 2 === 1) return void (parts.at(-1).text += ` ${piece}`);
    for (const line of piece.split("\n")) {
      const heading = /^#{2,3} (.+)$/.exec(line)?.[1];
      if (heading) parts.push({ page: title, heading: heading.replace(/`/g, ""), address: `${address}#${anchorOf(heading.replace(/`/g, ""))}`, text: "" });
      else if (!/^# /.test(line)) parts.at(-1).text += ` ${line.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/[`*|]/g, "")}`;
    }
  });
  return parts.map((part) => ({ ...part, text: part.text.replace(/\s+/g, " ").trim() }));
}

/** Writes the site into `out`; `rustdoc` is a folder that `cargo doc` wrote, if there is one. */
export async function buildSite(out, rustdoc) {
  const groups = siteMap();
  const pages = groups.flatMap(({ pages }) => pages);
  // Of programs that are not built nothing is printed.
  const configuration = pages.find(({ path }) => path === "docs/configuration.md");
  const reports = pages.filter(({ path }) => path.startsWith("docs/api/"));
  const entries = reports.map(({ path, title }) => ({ entry: path.slice("docs/api/".length).replace(".api.md", ""), specifier: title }));
  reports.forEach((page, at) => (page.text = apiPage(entries[at].entry, page.title, page.text)));
  configuration.text += `\n## Options of the package\n\n${optionTables(entries) || "The package is not built here: `npm run build`."}\n`;
  configuration.text += `\n${helpOfPrograms() ?? "The programs are not built here: `cargo build --release --workspace --bins`."}\n`;
  const byPath = new Map(pages.map((page) => [page.path, page.address]));
  const sources = new Map();
  const pictures = new Set();
  const find = (path) => {
    const known = byPath.get(path);
    if (known) return known;
    const at = join(root, path);
    if (path.startsWith("..") || !existsSync(at)) throw new Error(`no such file: ${path}`);
    if (PICTURES.test(path)) {
      pictures.add(path);
      return path;
    }
    const plain = path.replace(/\/$/, "");
    const address = statSync(at).isDirectory() ? `source/${plain}/index.html` : `source/${plain}.html`;
    sources.set(plain, address);
    return address;
  };
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const crates = rustdoc ? CRATES.map((name) => name.replaceAll("-", "_")).filter((name) => existsSync(join(rustdoc, name, "index.html"))) : [];
  const more = { API: crates.map((name) => ({ title: `crate ${name}`, address: `rust/${name}/index.html` })) };

  // Eleventy lies below the root, and so does what it reads.
  process.chdir(root);
  const site = new Eleventy("docs/site", between(root, out), {
    quietMode: true,
    configPath: false,
    config(eleventy) {
      eleventy.setTemplateFormats(["md"]);
      eleventy.amendLibrary("md", (md) => handbookMarkdown(md, find));
      pages.forEach((page, i) => eleventy.addTemplate(`page-${i}.md`, page.text, { permalink: page.address, of: page, templateEngineOverride: "md" }));
      eleventy.addTransform("frame", function (content) {
        const address = between(out, resolve(this.page.outputPath));
        return layout({ page: pages.find((page) => page.address === address), content, headings: headingsOf(content), groups, more });
      });
    },
  });
  await site.write();

  for (const [path, address] of sources) {
    const page = { address, title: path };
    mkdirSync(dirname(join(out, address)), { recursive: true });
    writeFileSync(join(out, address), layout({ page, content: sourceOf(path, address, byPath), headings: [], groups, more }));
  }
  for (const path of pictures) cpSync(join(root, path), join(out, path));
  cpSync(join(root, "docs/site/site.css"), join(out, "site.css"));
  // No module and no fetch: both want a server, and a copy of the folder is to be whole. A block keeps its names to itself.
  writeFileSync(join(out, "search.js"), `{\n${readFileSync(join(root, "docs/site/search.js"), "utf8")}}\n`);
  writeFileSync(join(out, "search-index.js"), `globalThis.handbook = ${JSON.stringify(pages.flatMap(searchParts))};\n`);
  if (crates.length > 0) cpSync(rustdoc, join(out, "rust"), { recursive: true });
  return { pages: pages.length, sources: sources.size, crates: crates.length };
}

/** Headings of rendered text. */
function headingsOf(html) {
  const plain = (text) => text.replace(/<[^>]+>/g, "").replace(/&(lt|gt|amp|quot);/g, (_, name) => ({ lt: "<", gt: ">", amp: "&", quot: '"' })[name]);
  return [...html.matchAll(/<h([1-6]) id="([^"]*)">([\s\S]*?)<\/h\1>/g)].map(([, level, anchor, text]) => ({ level: Number(level), anchor, text: plain(text) }));
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({ options: { out: { type: "string" }, "no-rustdoc": { type: "boolean", default: false } } });
  const out = resolve(values.out ?? join(workDir, "docs"));
  let rustdoc;
  if (!values["no-rustdoc"]) {
    execFileSync("cargo", ["doc", "--no-deps", "--locked", ...CRATES.flatMap((name) => ["-p", name])], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
    rustdoc = join(targetDir(), "doc");
  }
  const { pages, sources, crates } = await buildSite(out, rustdoc);
  console.log(`${pages} pages, ${sources} files of the sources, rustdoc of ${crates} crates\n${join(out, "index.html")}`);
}
