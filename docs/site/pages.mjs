// What the site holds, in the order of its navigation. A page that is in no group is an error: it would not be found.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pages as handbook } from "../../tests/lib/handbook.mjs";
import { root } from "../../tests/lib/paths.mjs";

/** Groups of pages, by paths from the root. */
const GROUPS = [
  ["Start", ["README.md", "docs/tutorial.md", "docs/architecture.md", "docs/glossary.md"]],
  ["On the device", ["docs/packaging.md", "docs/players.md", "docs/privacy.md", "docs/diversity.md", "docs/learning.md", "docs/replay.md"]],
  ["Models", ["docs/tables.md", "docs/features.md", "docs/training.md", "docs/spark.md", "docs/text.md", "docs/compile.md", "docs/evaluation.md", "docs/benchmark.md", "docs/benchmarks.md", "docs/figures.md"]],
  ["Running it", ["docs/server.md", "docs/configuration.md", "docs/operations.md", "docs/scale.md", "docs/online.md", "docs/closed-loop.md", "docs/edge.md", "docs/releases.md"]],
  ["Formats", ["docs/bundle.md", "docs/candidate-block.md", "docs/errors.md"]],
  ["Project", ["CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]],
];

/** Where a page lies in the site. */
function addressOf(path) {
  if (path === "README.md") return "index.html";
  if (path.startsWith("docs/api/")) return `api/${path.slice("docs/api/".length).replace(".api.md", ".html")}`;
  return path.replace(/^docs\//, "").replace(/\.md$/, ".html").toLowerCase();
}

const titleOf = (text, path) => (path === "README.md" ? "Overview" : (/^# (.+)$/m.exec(text)?.[1] ?? path).replace(/`/g, ""));

/** Groups with their pages: `{ group, pages: [{ path, address, title, text }] }`. */
export function siteMap() {
  const texts = new Map(handbook.map(({ path, text }) => [path, text]));
  const page = (path, text, title = titleOf(text, path)) => ({ path, address: addressOf(path), title, text });
  const groups = GROUPS.map(([group, paths]) => ({ group, pages: paths.filter((path) => texts.has(path)).map((path) => page(path, texts.get(path))) }));
  // What a branch adds and nobody has sorted in stands last, and is found.
  const sorted = new Set(GROUPS.flatMap(([, paths]) => paths));
  const more = [...texts.keys()].filter((path) => !sorted.has(path) && !path.startsWith("docs/adr/"));
  if (more.length > 0) groups.push({ group: "More", pages: more.map((path) => page(path, texts.get(path))) });
  groups.push({ group: "Decisions", pages: [...texts.keys()].filter((path) => path.startsWith("docs/adr/")).map((path) => page(path, texts.get(path))) });
  const entry = (name) => (name === "upnext.api.md" ? "upnext" : `upnext/${name.replace(".api.md", "")}`);
  const reports = readdirSync(join(root, "docs/api")).filter((name) => name.endsWith(".api.md")).sort((a, b) => (entry(a) < entry(b) ? -1 : 1));
  groups.push({ group: "API", pages: reports.map((name) => page(`docs/api/${name}`, readFileSync(join(root, "docs/api", name), "utf8"), entry(name))) });
  return groups;
}

/** Whether a path of the repository is there to be shown. */
export const isFile = (path) => existsSync(join(root, path));
