// A list of cards: shown in one go, each picture drawn once, and a word on who moved.
import { make } from "./markup.js";
import { sceneOf, type Scene } from "./scene.js";

/** What a card shows. */
export interface Card {
  id: string;
  title: string;
  /** What is known of the video. */
  about: string;
  /** Why it stands here, in words. */
  why: string;
}

/** A card that was chosen, or asked about. */
export interface CardEvents {
  choose(id: string): void;
  /** Absent: the cards have no such button. */
  explain?(id: string): void;
}

const [WIDTH, HEIGHT] = [320, 180];
/** Pictures that are kept for cards that come again. */
const KEPT = 160;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** Cards in one list of the page. */
export class Cards {
  readonly #pictures = new Map<string, { canvas: HTMLCanvasElement; scene: Scene }>();
  #places = new Map<string, number>();

  constructor(
    private readonly list: HTMLOListElement,
    private readonly events: CardEvents,
  ) {}

  /** Shows `cards` in this order; says how many stand elsewhere than before. */
  show(cards: Card[]): { moved: number; came: number } {
    const focused = document.activeElement instanceof HTMLElement && this.list.contains(document.activeElement) ? document.activeElement : undefined;
    const [focusedId, focusedPart] = [focused?.closest("li")?.dataset.id, focused?.className];
    const before = this.#places;
    const tops = new Map([...this.list.children].map((item) => [(item as HTMLElement).dataset.id, item.getBoundingClientRect()]));
    this.#places = new Map(cards.map(({ id }, place) => [id, place]));
    const items = cards.map((card, place) => this.#item(card, before.size > 0 ? (before.get(card.id) ?? -1) - place : 0, before.size > 0 && !before.has(card.id)));
    this.list.replaceChildren(...items);
    // The list was made anew under the viewer's finger: what had the focus has it where it is now.
    if (focusedId !== undefined) [...(items.find((item) => item.dataset.id === focusedId)?.querySelectorAll("button") ?? [])].find((button) => button.className === focusedPart)?.focus({ preventScroll: true });
    if (before.size > 0 && !still.matches) this.#glide(items, tops);
    const known = cards.filter(({ id }) => before.has(id));
    return { moved: known.filter(({ id }) => before.get(id) !== this.#places.get(id)).length, came: before.size > 0 ? cards.length - known.length : 0 };
  }

  #item(card: Card, rise: number, came: boolean): HTMLLIElement {
    const { id, title, about, why } = card;
    const picture = this.#picture(id, title);
    const name = make("span", { class: "name", dir: "auto" }, title);
    const play = make("button", { type: "button", class: "choose" }, picture, make("span", { class: "text" }, name, make("span", { class: "about", dir: "auto" }, about), make("span", { class: "why", dir: "auto" }, why)));
    play.addEventListener("click", () => this.events.choose(id));
    const item = make("li", { class: "card", "data-id": id }, play);
    if (came || rise !== 0) picture.after(make("span", { class: "moved", "aria-hidden": "true" }, came ? "new" : rise > 0 ? `▲ ${rise}` : `▼ ${-rise}`));
    const { explain } = this.events;
    if (explain) {
      const ask = make("button", { type: "button", class: "explain", "aria-label": `Why “${title}”?`, title: "Why this?" }, "?");
      ask.addEventListener("click", () => explain(id));
      item.append(ask);
    }
    return item;
  }

  #picture(id: string, title: string): HTMLCanvasElement {
    const kept = this.#pictures.get(id);
    if (kept) {
      this.#pictures.delete(id);
      this.#pictures.set(id, kept);
      return kept.canvas;
    }
    const canvas = make("canvas", { class: "picture", width: String(WIDTH), height: String(HEIGHT), "aria-hidden": "true" });
    const scene = sceneOf(id, title);
    scene.card(canvas, 3);
    // It moves under the pointer, as previews do.
    canvas.addEventListener("pointerenter", () => this.#preview(canvas, scene));
    this.#pictures.set(id, { canvas, scene });
    const [oldest] = this.#pictures.keys();
    if (this.#pictures.size > KEPT && oldest !== undefined) this.#pictures.delete(oldest);
    return canvas;
  }

  #preview(canvas: HTMLCanvasElement, scene: Scene): void {
    if (still.matches) return;
    const began = performance.now();
    const frame = (now: number) => {
      if (!canvas.matches(":hover")) return;
      scene.card(canvas, 3 + (now - began) / 500);
      requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }

  /** Cards go from where they stood to where they stand. */
  #glide(items: HTMLLIElement[], before: Map<string | undefined, DOMRect>): void {
    const moves = items.map((item) => {
      const [was, is] = [before.get(item.dataset.id), item.getBoundingClientRect()];
      return { item, was, x: was ? was.x - is.x : 0, y: was ? was.y - is.y : 0 };
    });
    for (const { item, was, x, y } of moves) {
      if (!was) item.animate({ opacity: [0, 1] }, { duration: 180, easing: "ease-out" });
      else if (x !== 0 || y !== 0) item.animate({ transform: [`translate(${x}px, ${y}px)`, "none"] }, { duration: 220, easing: "cubic-bezier(.2, .8, .2, 1)" });
    }
  }
}
