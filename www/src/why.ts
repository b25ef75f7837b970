// Why this? One card explained, with what could be otherwise.
import type { SlateItem } from "upnext";
import { find, make, on } from "./markup.js";
import { clock, percent, reasonWords } from "./words.js";

const HOURS = [0, 3, 6, 9, 12, 15, 18, 21];

/** What the dialog needs of the page. */
export interface WhyPage {
  title(id: string): string;
  play(id: string): Promise<void>;
  notInterested(id: string, scope: "video" | "channel"): Promise<void>;
  /** Estimate of a video at that hour; nothing where it would not be among the first of the block. */
  estimateAt(id: string, hour: number): Promise<number | undefined>;
}

/** Explains items of the rail. */
export class Why {
  readonly #dialog = find<HTMLDialogElement>("#why");
  #item: SlateItem | undefined;

  constructor(private readonly page: WhyPage) {
    const act = (what: (item: SlateItem) => Promise<void>) => () => {
      const item = this.#item;
      this.#dialog.close();
      if (item) void what(item);
    };
    on("#why-close", "click", () => this.#dialog.close());
    on("#why-play", "click", act(({ id }) => page.play(id)));
    on("#why-less", "click", act(({ id }) => page.notInterested(id, "video")));
    on("#why-channel", "click", act(({ id }) => page.notInterested(id, "channel")));
    // The backdrop is the dialog's own.
    this.#dialog.addEventListener("click", ({ target }) => void (target === this.#dialog && this.#dialog.close()));
  }

  /** Opens with what is known, and adds what has to be ranked for. */
  async explain(item: SlateItem, place: number): Promise<void> {
    this.#item = item;
    const { id, reason, score, channel, lengthSeconds } = item;
    find("#why-title").textContent = this.page.title(id);
    find("#why-reason").textContent = reasonWords(reason, reason.video ? this.page.title(reason.video) : "");
    const facts: [string, string][] = [
      ["place", String(place + 1)],
      ["chance that you like or finish it", percent(score)],
      ["channel", channel ?? "unknown"],
      ["length", lengthSeconds === undefined ? "unknown" : clock(lengthSeconds)],
    ];
    find("#why-facts").replaceChildren(...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", { dir: "auto" }, value)]));
    find<HTMLButtonElement>("#why-channel").disabled = channel === undefined;
    const columns = HOURS.map((hour) => make("li", {}, make("span", { class: "column" }), make("span", { class: "hour" }, `${hour} h`)));
    find("#why-day").replaceChildren(...columns);
    this.#dialog.showModal();
    const estimates: (number | undefined)[] = [];
    for (const hour of HOURS) estimates.push(await this.page.estimateAt(id, hour));
    if (this.#item !== item) return;
    const most = Math.max(...estimates.map((estimate) => estimate ?? 0));
    columns.forEach((column, i) => {
      const estimate = estimates[i];
      const fill = column.firstElementChild as HTMLElement;
      fill.style.blockSize = `${most > 0 ? ((estimate ?? 0) / most) * 100 : 0}%`;
      column.prepend(make("span", { class: "estimate" }, estimate === undefined ? "–" : percent(estimate)));
    });
  }
}
