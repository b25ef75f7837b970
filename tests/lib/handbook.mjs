// The documentation as data: pages, links, headings, blocks of code and the commands in them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./paths.mjs";

/** Pages by path from the root; the reports of the API are written by a program. */
export const pages = [
  ...["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"].filter((name) => existsSync(join(root, name))),
  ...readdirSync(join(root, "docs"), { recursive: true }).filter((name) => name.endsWith(".md") && !name.startsWith("api")).map((name) => `docs/${name}`).sort(),
].map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

/** Blocks between fences: language, further words of the fence, text. */
export const blocks = ({ text }) => [...text.matchAll(/^```(\w+)([^\n]*)\n([\s\S]*?)^```$/gm)].map(([, language, words, code]) => ({ language, words: words.trim().split(/\s+/), code }));

/** The page without its blocks and code spans: where links are links. */
const prose = (text) => text.replace(/^```[\s\S]*?^```$/gm, "").replace(/`[^`\n]*`/g, "``");

/** Addresses of links and pictures. */
export const links = ({ text }) => [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to]) => to);

/** Anchors of a page's headings, as hosts of Markdown make them. */
export const anchors = (text) => new Set([...text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.+)$/gm)].map(([, heading]) => heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-")));

/** Commands of a page, each as its words: those of shell blocks, and code spans that begin like one. */
export function commands(page) {
  const shell = blocks(page).filter(({ language }) => language === "sh").map(({ code }) => code.replace(/\\\n/g, " "));
  const spans = [...page.text.replace(/^```[\s\S]*?^```$/gm, "").matchAll(/`((?:upnext-|npm |node |python3 )[^`]*)`/g)].map(([, span]) => span.replace(/\s+/g, " "));
  return [...shell, ...spans]
    .flatMap((text) => text.split(/\n|&&|;|\|(?!')/))
    .map((line) => line.replace(/(^|\s)#.*$/, "").trim().split(/\s+/))
    .filter(([first]) => first);
}
