import { UpnextError } from "../errors.js";
import type { RecommendOptions, Upnext } from "../recommender.js";
import { ENGLISH, type Words } from "./words.js";

/** What the elements need of a recommender. */
export type Ranker = Pick<Upnext, "recommend" | "block"> & Partial<Pick<Upnext, "watchBlock">>;

/** What both elements have. */
export interface UpnextElement extends HTMLElement {
  /** The recommender; without one nothing is shown. */
  upnext: Ranker | undefined;
  /** Options of every `recommend`, beside what the element says itself. */
  options: RecommendOptions;
  /** Texts in another language than English. */
  words: Partial<Words>;
}

/** An element with its part name, its text and its attributes. */
export function part<K extends keyof HTMLElementTagNameMap>(tag: K, name: string, more: Record<string, string> = {}, ...children: (Node | string)[]): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.setAttribute("part", name);
  for (const [key, value] of Object.entries(more)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** What the elements themselves have of their class. */
interface ElementBase extends HTMLElement {
  upnext: Ranker | undefined;
  options: RecommendOptions;
  readonly root: ShadowRoot;
  get words(): Words;
  set words(words: Partial<Words>);
  /** A property that was set before the element was defined hides the setter: it is set again. */
  connectedCallback(): void;
  /** Called after the words have changed. */
  reworded(): void;
  /** Title of a video of the loaded block, or what it is called without one. */
  titleOf(video: { id: string; title?: string }): string;
  /** The recommender; `not-ready` without one. */
  ranker(): Ranker;
  tell(name: string, detail: unknown): boolean;
}

/** The class that both elements extend, made when it is defined: where there is no page there is no `HTMLElement`. */
export function elementClass(css: string): new () => ElementBase {
  const sheet = new CSSStyleSheet();
  // A sheet of its own and no <style>: no policy has to allow it.
  sheet.replaceSync(css);
  return class extends HTMLElement implements ElementBase {
    upnext: Ranker | undefined;
    options: RecommendOptions = {};
    readonly root: ShadowRoot;
    #words: Words = ENGLISH;

    constructor() {
      super();
      this.root = this.attachShadow({ mode: "open" });
      this.root.adoptedStyleSheets = [sheet];
    }

    get words(): Words {
      return this.#words;
    }

    set words(words: Partial<Words>) {
      this.#words = { ...ENGLISH, ...words };
      this.reworded();
    }

    reworded(): void {}

    connectedCallback(): void {
      if (!Object.hasOwn(this, "words")) return;
      const { words } = this;
      Reflect.deleteProperty(this, "words");
      this.words = words;
    }

    titleOf({ id, title }: { id: string; title?: string }): string {
      const block = this.upnext?.block;
      return title || block?.titles[block.ids.indexOf(id)] || id;
    }

    ranker(): Ranker {
      if (!this.upnext) throw new UpnextError("not-ready", `<${this.localName}> has no recommender: set its property upnext`);
      return this.upnext;
    }

    tell(name: string, detail: unknown): boolean {
      return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
    }
  };
}

/** What both look like until a page says otherwise by `::part()`: the page's own colours, logical sides, large targets. */
export const BASE_CSS = `
  :host { display: block; font: inherit; color: inherit; }
  :host([hidden]), [hidden] { display: none !important; }
  button { font: inherit; color: inherit; background: transparent; border: 1px solid currentColor; border-radius: .4em; min-block-size: 2.75em; padding-inline: .8em; cursor: pointer; text-align: start; }
  button:focus-visible { outline: .2em solid Highlight; outline-offset: .15em; }
`;
