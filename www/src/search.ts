// Search over the titles of the loaded block: here, since the server is not asked.
import { find, on } from "./markup.js";

const plain = (text: string) => text.normalize("NFKC").toLowerCase();

/** Rows of the titles that hold every word of the query, best first in `order`, the others behind. */
export function matches(query: string, ids: readonly string[], titles: readonly string[], order: readonly string[]): string[] {
  const words = plain(query).split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found = new Set(ids.filter((_, row) => words.every((word) => plain(titles[row] ?? "").includes(word))));
  const ranked = order.filter((id) => found.delete(id));
  return [...ranked, ...found];
}

/** Connects the form; `search` is called with what was asked, `close` when its results are put away. */
export function connectSearch(search: (query: string) => void, close: () => void): void {
  on("#search", "submit", (event) => {
    event.preventDefault();
    const query = find<HTMLInputElement>("#query").value.trim();
    if (query !== "") search(query);
  });
  on("#results-close", "click", close);
}
