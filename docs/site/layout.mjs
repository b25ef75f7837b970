// The frame of every page: navigation, what is on the page, neighbours.
import { relative } from "./markdown.mjs";

export const escape = (text) => text.replace(/[&<>"]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[char]);

/** A whole page. `page`: `{ address, title }`; `more`: links that are not Markdown's, by group. */
export function layout({ page, content, headings, groups, more }) {
  const to = (address) => relative(page.address, address);
  const link = ({ address, title }) => `<li><a href="${to(address)}"${address === page.address ? ' aria-current="page"' : ""}>${escape(title)}</a></li>`;
  const all = groups.flatMap(({ pages }) => pages);
  const place = all.findIndex(({ address }) => address === page.address);
  const beside = (at, rel, sign) => (place >= 0 && all[at] ? `<a rel="${rel}" href="${to(all[at].address)}">${sign(escape(all[at].title))}</a>` : "<span></span>");
  const parts = headings.filter(({ level }) => level === 2 || level === 3);
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${escape(page.title)} · upnext</title>
    <link rel="icon" href="data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><path d='M3 2l8 6-8 6zM12 2h2v12h-2z' fill='%23d0384a'/></svg>">
    <link rel="stylesheet" href="${to("site.css")}">
  </head>
  <body>
    <a class="jump" href="#content">Skip to the text</a>
    <header>
      <a class="brand" href="${to("index.html")}">upnext</a>
      <form id="search" role="search" data-root="${to("index.html").replace(/index\.html$/, "")}">
        <label class="unseen" for="query">Search the documentation</label>
        <input id="query" type="search" placeholder="Search" autocomplete="off" aria-controls="found">
      </form>
    </header>
    <div class="frame">
      <nav class="pages" aria-label="Pages">
        <details>
          <summary>All pages</summary>
          ${groups.map(({ group, pages }) => `<h2>${escape(group)}</h2><ul>${pages.map(link).join("")}${(more[group] ?? []).map(link).join("")}</ul>`).join("\n          ")}
        </details>
      </nav>
      <main id="content" tabindex="-1">
        <ol id="found" hidden></ol>
        <article>
${content}
        </article>
        <nav class="beside" aria-label="Neighbours">${beside(place - 1, "prev", (title) => `← ${title}`)}${beside(place + 1, "next", (title) => `${title} →`)}</nav>
      </main>
      ${parts.length > 1 ? `<nav class="parts" aria-label="On this page"><h2>On this page</h2><ul>${parts.map(({ level, text, anchor }) => `<li class="level-${level}"><a href="#${anchor}">${escape(text)}</a></li>`).join("")}</ul></nav>` : ""}
    </div>
    <script defer src="${to("search.js")}"></script>
  </body>
</html>
`;
}
