import type { Slate, SlateItem } from "../slate.js";
import { BASE_CSS, elementClass, part, type Ranker, type UpnextElement } from "./base.js";
import { loadPictures, type Pictures } from "./pictures.js";

/** `<upnext-rail>`: the slate as a list of cards. */
export interface UpnextRailElement extends UpnextElement {
  /**
   * Ranks again and shows it. Attributes: `watching`, `surface`, `size`; with `thumbnails` every thumbnail of the block
   * is loaded, in the block's order and, from the first ranking on, as soon as a block comes: what is loaded, and when,
   * says nothing of the slate. A card that is chosen fires `upnext-choose` with `detail: SlateItem`.
   */
  rank(): Promise<Slate>;
  /** What is shown. */
  readonly slate: Slate | undefined;
}

const CSS = `${BASE_CSS}
  ol { list-style: none; margin: 0; padding: 0; display: grid; gap: .5em; }
  h2 { font-size: 1.1em; margin-block: 0 .5em; margin-inline: 0; }
  li button { display: flex; gap: .8em; align-items: center; inline-size: 100%; border-color: transparent; padding: .4em; }
  li button:hover { border-color: currentColor; }
  img { inline-size: 7.5em; aspect-ratio: 16 / 9; object-fit: cover; border-radius: .3em; }
  [part~="text"] { display: grid; gap: .15em; min-inline-size: 0; }
  [part~="title"] { font-weight: 600; overflow-wrap: anywhere; }
  [part~="why"] { font-size: .85em; }
`;

export function railElement(): CustomElementConstructor {
  return class extends elementClass(CSS) implements UpnextRailElement {
    slate: Slate | undefined;
    readonly #heading = part("h2", "heading", { id: "heading" });
    readonly #list = part("ol", "list");
    #asked = 0;
    /** Thumbnails that are loaded or under way, of which block. */
    #loading: { block: unknown; pictures: Promise<Pictures> } | undefined;
    /** Those that the slate's cards show. */
    #pictures: Pictures = new Map();
    #watched: { ranker: Ranker; stop: (() => void) | undefined } | undefined;

    override connectedCallback(): void {
      super.connectedCallback();
      if (this.root.childElementCount === 0) this.root.append(part("section", "rail", { "aria-labelledby": "heading" }, this.#heading, this.#list));
      this.reworded();
    }

    override reworded(): void {
      this.#heading.textContent = this.words.upNext;
      if (this.slate) this.#show(this.slate);
    }

    async rank(): Promise<Slate> {
      const asked = ++this.#asked;
      const [watching, surface, size] = ["watching", "surface", "size"].map((name) => this.getAttribute(name));
      const slate = await this.ranker().recommend({ ...this.options, ...(watching && { watching }), ...(surface && { surface }), ...(size && { size: Number(size) }) });
      const pictures: Pictures = this.hasAttribute("thumbnails") ? await this.#load() : new Map();
      // A later question may have been answered first.
      if (asked !== this.#asked) return slate;
      this.#pictures = pictures;
      this.#show(slate);
      return slate;
    }

    disconnectedCallback(): void {
      this.#watched?.stop?.();
      this.#watched = undefined;
    }

    /** Thumbnails of the block that is loaded, and from now on of every block when it comes. */
    #load(): Promise<Pictures> {
      const ranker = this.ranker();
      if (this.#watched?.ranker !== ranker) {
        this.#watched?.stop?.();
        this.#watched = { ranker, stop: ranker.watchBlock?.(() => void (this.hasAttribute("thumbnails") && this.#load())) };
      }
      const { block } = ranker;
      if (this.#loading?.block !== block) this.#loading = { block, pictures: loadPictures(block) };
      return this.#loading.pictures;
    }

    #show(slate: Slate): void {
      this.slate = slate;
      const focused = (this.root.activeElement as HTMLElement | null)?.dataset.id;
      this.#list.replaceChildren(...slate.items.map((item) => this.#card(item)));
      // The list was made anew under the viewer's finger: what had the focus has it where it is now.
      if (focused !== undefined) this.#list.querySelector<HTMLElement>(`[data-id="${CSS_ESCAPE(focused)}"]`)?.focus();
    }

    #card(item: SlateItem): HTMLLIElement {
      const other = item.reason.video ? this.titleOf({ id: item.reason.video }) : "";
      const title = part("span", "title", { dir: "auto" }, this.titleOf(item));
      const why = part("span", "why", { dir: "auto" }, this.words.reason(item.reason, other));
      const card = part("button", "card", { type: "button", "data-id": item.id });
      const picture = this.#pictures.get(item.id);
      if (picture) card.append(picture);
      card.append(part("span", "text", {}, title, why));
      card.addEventListener("click", () => this.tell("upnext-choose", item));
      return part("li", "item", {}, card);
    }
  };
}

const CSS_ESCAPE = (text: string) => globalThis.CSS.escape(text);
