// The rail: one card a video, drawn again only where the order changed, with a word on who moved.
import { drawClip } from "./clip.js";

/** What a card shows. */
export interface Card {
  id: string;
  title: string;
  /** Why it stands here, in words. */
  why: string;
  /** Estimated probability of relevance, 0..1. */
  score: number;
}

/** Shows `cards` in `list`; `choose` is called with the id of the card that is pressed. */
export function showRail(list: HTMLOListElement, cards: Card[], choose: (id: string) => void): void {
  const before = new Map([...list.children].map((item, place) => [(item as HTMLElement).dataset.id!, place]));
  list.replaceChildren(
    ...cards.map((card, place) => {
      const was = before.get(card.id);
      const item = document.createElement("li");
      item.dataset.id = card.id;
      const button = document.createElement("button");
      button.type = "button";
      button.addEventListener("click", () => choose(card.id));
      const picture = document.createElement("canvas");
      picture.width = 240;
      picture.height = 135;
      drawClip(picture, card.id, 3);
      const text = document.createElement("span");
      const name = document.createElement("span");
      name.className = "name";
      name.dir = "auto";
      name.textContent = card.title;
      const why = document.createElement("span");
      why.className = "why";
      why.textContent = `${card.why} · ${(card.score * 100).toFixed(0)} %`;
      if (before.size > 0 && was !== place) {
        const moved = document.createElement("span");
        moved.className = "moved";
        moved.textContent = was === undefined ? " new" : was > place ? ` ▲${was - place}` : ` ▼${place - was}`;
        why.append(moved);
      }
      text.append(name, why);
      button.append(picture, text);
      item.append(button);
      return item;
    }),
  );
}
