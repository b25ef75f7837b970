// The handbook as a site: it builds, every link in it leads somewhere, and what the code writes of it is not stale.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { after, test } from "node:test";
import { buildSite } from "../../docs/site/build.mjs";
import { references } from "../../docs/site/reference.mjs";
import { anchorOf } from "../../docs/site/markdown.mjs";
import { pages } from "../lib/handbook.mjs";
import { root, targetDir, workDir } from "../lib/paths.mjs";

mkdirSync(workDir, { recursive: true });
const out = mkdtempSync(join(workDir, "site-"));
after(() => rmSync(out, { recursive: true, force: true }));
// Where a suite before this one has written it.
const rustdoc = join(targetDir(), "doc");
const built = await buildSite(out, existsSync(join(rustdoc, "upnext_core/index.html")) ? rustdoc : undefined);
const read = new Map();
const html = (path) => {
  if (!read.has(path)) read.set(path, readFileSync(join(out, path), "utf8"));
  return read.get(path);
};
const all = readdirSync(out, { recursive: true }).filter((path) => path.endsWith(".html") && !path.startsWith("rust/"));

test("every page of the handbook is there, in the navigation, and named once", () => {
  assert.ok(built.pages >= pages.length + 4, `${built.pages} pages of ${pages.length}`);
  const index = html("index.html");
  const linked = [...index.matchAll(/<li><a href="([^"]+)"/g)].map(([, to]) => to);
  assert.equal(new Set(linked).size, linked.length, "no page is listed twice");
  assert.ok(!/<h2>More<\/h2>/.test(index), "a page is in no group of docs/site/pages.mjs");
  for (const address of ["index.html", "compile.html", "api/onnx.html", "changelog.html"]) assert.ok(linked.includes(address), address);
});

test("every link and picture leads to a file of the site, every anchor to a heading", () => {
  const broken = [];
  let count = 0;
  for (const path of all) {
    for (const [, to] of html(path).replace(/<pre[\s\S]*?<\/pre>/g, "").matchAll(/(?:href|src)="([^"]+)"/g)) {
      if (/^[a-z]+:/.test(to)) continue;
      count++;
      const [file, anchor] = to.split("#");
      const target = file === "" ? path : normalize(join(dirname(path), file));
      if (!existsSync(join(out, target))) broken.push(`${path}: ${to}`);
      else if (anchor && target.endsWith(".html") && !target.startsWith("rust/") && !html(target).includes(`id="${anchor}"`)) broken.push(`${path}: ${to}: no such heading`);
    }
  }
  assert.deepEqual(broken, []);
  assert.ok(count > 1000, `${count} links`);
});

test("the search finds parts of pages, and each of its addresses is one", () => {
  const parts = JSON.parse(/^globalThis\.handbook = (.*);$/m.exec(html("search-index.js"))[1]);
  assert.ok(parts.length > 100);
  for (const { address } of parts) {
    const [file, anchor] = address.split("#");
    assert.ok(existsSync(join(out, file)), address);
    if (anchor) assert.ok(html(file).includes(`id="${anchor}"`), address);
  }
  assert.ok(parts.some(({ address, text }) => address.startsWith("errors.html") && text.includes("op-unsupported")));
});

test("the README's diagram is drawn with the same words", () => {
  const [, mermaid] = /```mermaid\n([\s\S]*?)```/.exec(readFileSync(join(root, "README.md"), "utf8"));
  const drawn = readFileSync(join(root, "docs/data-flow.svg"), "utf8");
  const rooms = [...mermaid.matchAll(/\w+(?:\["|\[\(")([^"<]+)/g)].map(([, name]) => name.trim().replace(/,$/, ""));
  assert.ok(rooms.length >= 6, `${rooms}`);
  for (const room of rooms) assert.ok(drawn.includes(room), room);
  assert.match(html("index.html"), /<figure class="diagram"[^>]*><svg/);
});

test("every export of every entry has its place, with what its declaration says, and every option stands in configuration", () => {
  const configuration = html("configuration.html");
  for (const entry of ["upnext", "onnx", "edge", "elements", "players"]) {
    const declared = readFileSync(join(root, `dist/${entry}.d.ts`), "utf8");
    const page = html(`api/${entry}.html`);
    const exported = [...declared.matchAll(/^export declare (?:interface|function|type|class|const) (\w+)/gm)].map(([, name]) => name);
    assert.ok(exported.length > 0, entry);
    for (const name of exported) assert.ok(page.includes(`<h2 id="${anchorOf(name)}`), `${entry}: ${name}`);
    for (const [, name, body] of declared.matchAll(/^export declare interface (\w+Options)[^{]*\{\n([\s\S]*?)^\}/gm)) {
      assert.ok(configuration.includes(`id="${name.toLowerCase()}-of-`), name);
      for (const [, option] of body.matchAll(/^ {4}(\w+)\??[:(]/gm)) assert.ok(configuration.includes(`<code>${option}`), `${name}.${option}`);
    }
  }
  assert.match(html("api/upnext.html"), /A recommender for one viewer\./);
});

for (const [path, page] of Object.entries(references))
  test(`${path} is what sources and records say; if the change is meant, run npm run docs:reference`, () => {
    assert.equal(readFileSync(join(root, path), "utf8"), page());
  });
