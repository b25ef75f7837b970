// Leaks of one bit, planted on purpose: a check that lets one of them through is worth nothing. Each is a change of the
// package's own source, built as the package is, or of the service worker of the docs.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { root } from "../paths.mjs";

const js = join(root, "crate/wasm/js");
const worker = join(root, "docs/examples/service-worker.js");

/** Whether the viewer has done anything yet, for those mutants that tell it. */
const LIKED = `globalThis.liked = (globalThis.liked ?? 0) + 1;`;
const ON_RECORD = ["device.ts", "record(event: Omit<FeedbackEvent, \"atMs\"> & { atMs?: number }): Promise<void> {", (all) => `${all} ${LIKED}`];

/**
 * By name: the setting in which the leak is looked for, and the changes, `[file, anchor, replacement]`. An anchor has to be
 * in its file once.
 */
export const MUTANTS = {
  "the hour in a header": ["anonymous", ["source.ts", "return this.bytes(url, { headers });", () => `return this.bytes(url, { headers: headers.map(([name, value]) => [name, name === "accept" ? value + ";h=" + new Date().getHours() : value]) as [string, string][] });`]],
  "the time zone in an address": ["anonymous", ["source.ts", "${this.origin}/bundle/current.json", (all) => `${all}?z=\${new Date().getTimezoneOffset()}`]],
  "a prefetch of what stands first": ["anonymous", ["device.ts", "return this.slate;", (all) => "void fetch(`${this.#origin}/bundle/prefetch-${this.slate.items[0]?.id}`).catch(() => {}); " + all]],
  "a conditional request, or not, by history": ["anonymous", ON_RECORD, ["source.ts", `{ cache: "no-cache" }`, () => `{ cache: (globalThis as { liked?: number }).liked ? "reload" : "no-cache" }`]],
  "one request more after a like": ["anonymous", ["device.ts", `return this.#did("like", video);`, () => `return this.#did("like", video).then(() => void this.#source.currentBundle());`]],
  "a refresh that waits, by history": ["anonymous", ON_RECORD, ["device.ts", "setInterval(() => this.refresh().catch(this.#report), refreshMs)", () => "setInterval(() => setTimeout(() => this.refresh().catch(this.#report), (globalThis as { liked?: number }).liked ? 130_000 : 0), refreshMs)"]],
  "a schedule that begins with the last action": ["anonymous", ["device.ts", "  async #change(change: Change, leave = this.events.leave()): Promise<void> {", (all) => `${all} if (this.#timer !== undefined) { clearInterval(this.#timer); this.#timer = setInterval(() => this.refresh().catch(this.#report), QUARTER_HOUR_MS); }`]],
  "a block of another size, by history": ["anonymous", ON_RECORD, ["device.ts", "candidates = 500 } = this.options;", (all) => `${all.replace("candidates = 500", "candidates: asked = 500")} const candidates = asked - ((globalThis as { liked?: number }).liked ? 1 : 0);`]],
  "the profile's language among the languages": ["anonymous", ["device.ts", "languages: named, size: candidates", () => `languages: this.options.profile?.language ? [...named, this.options.profile.language] : named, size: candidates`]],
  "thumbnails in the order of the slate": ["anonymous", ["elements/rail.ts", "const slate = await this.ranker().recommend(", () => "const slate = (globalThis as { first?: Slate }).first = await this.ranker().recommend("], ["elements/pictures.ts", "await Promise.all(thumbnails.map((src, row) => (src ? load(ids[row]!, src) : undefined)));", () => "const top = ((globalThis as unknown as { first: { items: { id: string }[] } }).first.items ?? []).map((item) => ids.indexOf(item.id)); await Promise.all([...new Set([...top, ...thumbnails.keys()])].map((row) => load(ids[row]!, thumbnails[row]!)));"]],
  "cards that ask for their thumbnails themselves": ["anonymous", ["elements/rail.ts", "if (picture) card.append(picture);", () => `if (item.thumbnail && this.hasAttribute("thumbnails")) card.append(part("img", "thumbnail", { src: item.thumbnail, alt: "" }));`]],
  "thumbnails of a new block at the next ranking": ["anonymous", ["elements/rail.ts", "ranker.watchBlock?.(", () => "((_: () => void) => () => {})("]],
  "the page's address as `Referer`": ["anonymous, own origin, service worker", ["source.ts", `, referrerPolicy: "no-referrer"`, () => ""]],
  "a cookie": ["anonymous, own origin, service worker", ["source.ts", `credentials: "omit"`, () => `credentials: "include"`], ["device.ts", "  async #change(change: Change, leave = this.events.leave()): Promise<void> {", (all) => `${all} document.cookie = "did=" + change.kind + "; path=/";`]],
  "a beacon to somebody else": ["anonymous", ["device.ts", `return this.#did("dislike", video);`, () => `navigator.sendBeacon("http://elsewhere.localhost/", "1"); return this.#did("dislike", video);`]],
  "events of a viewer who does not let them go": ["account", ["events.ts", "if (!improve && !metrics) return this.#forgetFor(this.close());", () => "improve = true;"]],
  "one video more than was let go": ["recent", ["device.ts", "engine.recent(recent, this.#now())", () => "engine.recent(recent + 1, this.#now())"]],
  "how often a video was liked, among those that were let go": ["recent", ON_RECORD, ["source.ts", "headers, body, cache: \"no-store\"", () => "headers, body: body + \" \".repeat((globalThis as { liked?: number }).liked ?? 0), cache: \"no-store\""]],
  "a service worker that fetches the pages of what was watched": ["anonymous, own origin, service worker", ["device.ts", "watched(video: string, seconds: number): Promise<void> {", (all) => `${all} navigator.serviceWorker?.controller?.postMessage(video);`], [worker, 'addEventListener("install"', (all) => `addEventListener("message", ({ data }) => fetch("/watch/" + data));\n${all}`]],
};

/** Those that are planted at every `npm test`. */
export const FAST_MUTANTS = new Set(["the hour in a header", "a prefetch of what stands first", "a conditional request, or not, by history", "one request more after a like", "thumbnails in the order of the slate"]);

/** Replaces anchors; one that is not there exactly once is an error, or the mutant would be the package itself. */
function changed(text, changes, file) {
  for (const [, anchor, replacement] of changes) {
    if (text.split(anchor).length !== 2) throw new Error(`${file} holds ${text.split(anchor).length - 1} times: ${anchor}`);
    text = text.replace(anchor, () => replacement(anchor));
  }
  return text;
}

/** The page's script in one file, so that no request depends on which of its modules came first; `/dist/…` is `from(name)`. */
function pageScript(from, plugins) {
  const plan = {
    name: "page",
    setup({ onResolve }) {
      onResolve({ filter: /^\/dist\// }, ({ path }) => ({ path: from(basename(path, ".js")) }));
      onResolve({ filter: /^#(compact|onnx)$/ }, ({ path }) => ({ path: `./${path.slice(1)}/upnext.js`, external: true }));
      onResolve({ filter: /^\.\/(compact|onnx)-main\.js$/ }, ({ path }) => ({ path, external: true }));
    },
  };
  return { bundle: true, format: "esm", target: "es2022", write: false, logLevel: "error", plugins: [plan, ...plugins], entryPoints: [{ in: join(root, "tests/lib/pages/privacy.js"), out: "page" }], outdir: "/dist" };
}
const filesOf = ({ outputFiles }) => Object.fromEntries(outputFiles.map(({ path, text }) => [path, text]));

/** The page over the package as it is built. */
export const asBuilt = async () => filesOf(await build(pageScript((name) => join(root, "dist", `${name}.js`), [])));

/** The page over the package's source with these changes, by the address at which the site serves each file; none: the source itself. */
export async function mutated(changes = []) {
  const of = (path) => changes.filter(([file]) => path === file || path === join(js, file));
  const done = new Set();
  const plant = {
    name: "plant",
    setup({ onLoad }) {
      onLoad({ filter: /crate\/wasm\/js\/.*\.ts$/ }, ({ path }) => {
        const mine = of(path);
        mine.forEach((change) => done.add(change));
        return { contents: changed(readFileSync(path, "utf8"), mine, basename(path)), loader: "ts" };
      });
    },
  };
  const entry = (name) => join(js, "entry", `${name}.ts`);
  const options = pageScript(entry, [plant]);
  const files = filesOf(await build({ ...options, entryPoints: [...options.entryPoints, { in: entry("worker"), out: "worker" }] }));
  const ofWorker = of(worker);
  ofWorker.forEach((change) => done.add(change));
  if (ofWorker.length > 0) files["/service-worker.js"] = changed(readFileSync(worker, "utf8"), ofWorker, "service-worker.js");
  if (done.size !== changes.length) throw new Error("a change was planted nowhere");
  return files;
}
