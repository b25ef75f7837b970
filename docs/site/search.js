// Search in the handbook: the words are looked for here, in an index that is loaded when the field is first used.
const [form, query, found] = ["search", "query", "found"].map((id) => document.getElementById(id));
const article = document.querySelector("article");
const { root } = form.dataset;
const MOST = 20;
let parts;

const plain = (text) => text.normalize("NFKC").toLowerCase();
const load = () =>
  (parts ??= new Promise((loaded, failed) => {
    const index = document.createElement("script");
    index.src = `${root}search-index.js`;
    index.onload = () => loaded(globalThis.handbook.map((part) => ({ ...part, title: plain(part.heading), body: plain(part.text) })));
    index.onerror = failed;
    document.head.append(index);
  }));

/** Parts that hold every word, those first whose heading does; then by how often. */
function matches(all, words) {
  const rank = ({ title, body }) => words.reduce((sum, word) => sum + (title.includes(word) ? 100 : 0) + Math.min(10, body.split(word).length - 1), 0);
  return all.filter(({ title, body }) => words.every((word) => title.includes(word) || body.includes(word))).map((part) => ({ part, rank: rank(part) })).sort((one, other) => other.rank - one.rank).slice(0, MOST).map(({ part }) => part);
}

/** The text round the first word. */
function around({ text, body }, words) {
  const at = Math.max(0, Math.min(...words.map((word) => body.indexOf(word)).filter((at) => at >= 0), body.length) - 60);
  return `${at > 0 ? "…" : ""}${text.slice(at, at + 180).trim()}…`;
}

async function show() {
  const words = plain(query.value).split(/\s+/).filter(Boolean);
  found.hidden = words.length === 0;
  article.hidden = words.length > 0;
  if (words.length === 0) return;
  const hits = matches(await load(), words);
  found.replaceChildren(...hits.map((part) => {
    const [item, link, text] = ["li", "a", "p"].map((tag) => document.createElement(tag));
    link.href = `${root}${part.address}`;
    link.textContent = part.heading === part.page ? part.page : `${part.page}: ${part.heading}`;
    text.textContent = around(part, words);
    item.append(link, text);
    return item;
  }));
  if (hits.length === 0) found.textContent = `No page holds “${query.value}”.`;
}

query.addEventListener("focus", load, { once: true });
query.addEventListener("input", show);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  found.querySelector("a")?.click();
});
found.addEventListener("click", ({ target }) => {
  // A part of this very page: it has to be there before one can go to it.
  if (target.closest("a")?.pathname !== location.pathname) return;
  query.value = "";
  void show();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && query.value !== "") {
    query.value = "";
    void show();
  } else if (event.key === "/" && !/^(INPUT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    event.preventDefault();
    query.focus();
  }
});
// Wide screens have room for all pages.
const all = document.querySelector(".pages details");
const wide = matchMedia("(min-width: 60rem)");
const open = () => (all.open = wide.matches);
wide.addEventListener("change", open);
open();
document.querySelector('.pages [aria-current="page"]')?.scrollIntoView({ block: "nearest" });
