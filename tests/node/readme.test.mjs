// From install to slate: the first lines of the README's example, counted and run as they stand there.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { serveOrigin } from "../lib/edges.mjs";
import { installPacked } from "../lib/packed.mjs";
import { root } from "../lib/paths.mjs";

/** What issue and README promise: working in ten lines. docs/figures.md says how many it takes. */
const MOST_LINES = 10;
const ORIGIN = "https://candidates.example";
const served = await serveOrigin("trained");
after(() => served.close());

/** The lines of code up to the first slate. */
function linesToSlate(markdown) {
  const [, code] = /```js\n(import \{ createRecommender \}[\s\S]*?)```/.exec(markdown);
  const lines = code.split("\n").map((line) => line.replace(/\s+\/\/.*$/, "")).filter((line) => line.trim() !== "");
  return lines.slice(0, lines.findIndex((line) => line.includes(".recommend(")) + 1);
}

for (const path of ["README.md", "docs/packaging.md"]) {
  test(`${path}: its first lines make a slate, and are few`, async () => {
    const lines = linesToSlate(readFileSync(join(root, path), "utf8"));
    assert.ok(lines.length >= 3 && lines.length <= MOST_LINES, `${lines.length} lines`);
    const figures = readFileSync(join(root, "docs/figures.md"), "utf8");
    assert.match(figures, new RegExp(`From install to slate: .*\\b${{ 3: "three" }[lines.length] ?? lines.length} lines`));
    const [, name] = /^const (\S+|\{.*?\}) = await upnext\.recommend/.exec(lines.at(-1));
    const source = lines.join("\n");
    assert.equal(source.split(ORIGIN).length, 2);
    const program = join(installPacked().project, `${path.replaceAll(/\W/g, "-")}.mjs`);
    // The origin is another, and something looks at what came of it.
    writeFileSync(program, `${source.replace(ORIGIN, served.origin)}\nexport const made = ${name.startsWith("{") ? "items" : `${name}.items`};\nupnext.close();\n`);
    const { made } = await import(pathToFileURL(program).href);
    assert.equal(made.length, 12);
    assert.equal(new Set(made.map((item) => item.id)).size, 12);
  });
}
