// Markdown as the handbook uses it: headings with anchors, and links from file to file that hold in the site too.
import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { root } from "../../tests/lib/paths.mjs";

/** As hosts of Markdown make anchors; tests/lib/handbook.mjs holds links to the same rule. */
export const anchorOf = (heading) => heading.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-");

/** A link from one page of the site to another. */
export function relative(from, to) {
  const [address, anchor] = to.split("#");
  const path = posix.relative(posix.dirname(from), address) || posix.basename(address);
  return anchor === undefined ? path : `${path}#${anchor}`;
}

const textOf = (inline) => inline.children.filter(({ type }) => type === "text" || type === "code_inline").map(({ content }) => content).join("");

/**
 * Teaches markdown-it where things lie. `resolve(path)` gives the address in the site of a file or folder of the
 * repository.
 */
export function handbookMarkdown(md, resolve) {
  md.set({ html: true, linkify: false });
  md.core.ruler.push("handbook", ({ tokens, env }) => {
    const { path, address } = env.of;
    const follow = (link) => {
      if (/^([a-z]+:|#)/.test(link)) return link;
      const [file, anchor] = link.split("#");
      const target = resolve(posix.normalize(posix.join(posix.dirname(path), file)));
      return relative(address, anchor === undefined ? target : `${target}#${anchor}`);
    };
    const seen = new Map();
    tokens.forEach((token, i) => {
      if (token.type === "heading_open") {
        const text = textOf(tokens[i + 1]);
        const plain = anchorOf(text);
        const before = seen.get(plain) ?? 0;
        seen.set(plain, before + 1);
        token.attrSet("id", before === 0 ? plain : `${plain}-${before}`);
      }
      for (const child of token.children ?? []) {
        const name = child.type === "link_open" ? "href" : child.type === "image" ? "src" : undefined;
        if (name) child.attrSet(name, follow(child.attrGet(name)));
      }
    });
  });
  // Wide tables scroll by themselves.
  md.renderer.rules.table_open = () => '<div class="scroll" tabindex="0" role="region" aria-label="Table"><table>';
  md.renderer.rules.table_close = () => "</table></div>";
  const fence = md.renderer.rules.fence;
  md.renderer.rules.fence = (tokens, i, options, env, self) => {
    // The README's diagram, which hosts draw of its text: here it is the same one, drawn.
    if (tokens[i].info.trim() === "mermaid") return `<figure class="diagram" tabindex="0" role="img" aria-label="How the data flows">${readFileSync(join(root, "docs/data-flow.svg"), "utf8")}</figure>`;
    return fence(tokens, i, options, env, self).replace("<pre>", '<pre tabindex="0">');
  };
}
