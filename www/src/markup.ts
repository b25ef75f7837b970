// Elements of this page: found by selector, or made with their text.

/** The element of the page that the selector names. */
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
export const save = (name: string, text: string): void => saveFile(new File([text], name, { type: "application/json" }));

/** Hands a file over to the viewer. */
export function saveFile(file: File): void {
  const url = URL.createObjectURL(file);
  make("a", { href: url, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
