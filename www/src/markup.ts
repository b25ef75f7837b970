// Elements of this page: found by selector, or made with their text.

/** The element of `index.html` that the selector names. */
export const find = <T extends HTMLElement = HTMLElement>(selector: string): T => document.querySelector<T>(selector)!;

/** A new element with its attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Calls `act` when the element fires any of the events. */
export function on(selector: string, names: string, act: (event: Event) => void): void {
  for (const name of names.split(" ")) find(selector).addEventListener(name, act);
}

/** Hands a text over to the viewer, as a file of theirs. */
export function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
