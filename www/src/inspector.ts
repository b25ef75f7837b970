// The inspector: which stage kept how many candidates, what each dropped and why, and how long it took as the page sees it.
import type { DropReason, Slate, Upnext } from "upnext";
import { find, make, on, save } from "./markup.js";
import { DROPPED } from "./words.js";

/** Reasons of the last stage; all others are the filter's, which comes before anything is scored. */
const COMPOSED: ReadonlySet<DropReason> = new Set<DropReason>(["outranked", "channel-cap", "tag-cap"]);
const FRAME_MS = 1000 / 60;
/** Runs of which the median is shown. */
const REMEMBERED = 30;

/** What a run took, in milliseconds. */
export interface Took {
  "rank: asked, answered": number;
  "rail: drawn": number;
}

const median = (all: number[]) => [...all].sort((a, b) => a - b)[Math.floor((all.length - 1) / 2)] ?? 0;

function bar(name: string, share: number, said: string, more: Node[] = []): HTMLLIElement {
  const fill = make("span", { class: "fill", "aria-hidden": "true" });
  fill.style.inlineSize = `${Math.min(100, Math.max(0, share * 100))}%`;
  return make("li", {}, make("span", { class: "stage-name" }, name), make("span", { class: "stage-said" }, said), make("span", { class: "track", "aria-hidden": "true" }, fill), ...more);
}

/** Looks into the rail's slate. */
export class Inspector {
  readonly #runs: Took[] = [];
  #slate: Slate | undefined;
  #open = false;

  constructor(
    private readonly upnext: Upnext,
    receipt: () => Promise<string>,
    tell: (error: unknown) => void,
  ) {
    on("#receipt", "click", () => void receipt().then((text) => save("upnext-receipt.json", text), tell));
  }

  open(open: boolean): void {
    this.#open = open;
    this.show();
  }

  take(slate: Slate, took: Took): void {
    this.#slate = slate;
    this.#runs.push(took);
    if (this.#runs.length > REMEMBERED) this.#runs.shift();
    this.show();
  }

  show(): void {
    const slate = this.#slate;
    if (!this.#open || !slate) return;
    const { block, engine, thread } = this.upnext;
    const whole = block.ids.length;
    const counts = new Map<DropReason, number>();
    for (const { reason } of slate.dropped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
    const told = (composed: boolean) => [...counts].filter(([reason]) => COMPOSED.has(reason) === composed).sort(([, a], [, b]) => b - a);
    const list = (dropped: [DropReason, number][]) => {
      if (dropped.length === 0) return [make("p", { class: "dropped" }, "nothing dropped")];
      return [make("ul", { class: "dropped" }, ...dropped.map(([reason, count]) => make("li", {}, `${count} ${DROPPED[reason]}`)))];
    };
    const filtered = told(false);
    const left = whole - filtered.reduce((sum, [, count]) => sum + count, 0);
    const drawn = slate.items.filter(({ reason }) => reason.code === "explore").length;
    find("#stages").replaceChildren(
      bar("block", 1, `${whole} candidates from the server`),
      bar("filter", left / whole, `${left} kept`, list(filtered)),
      bar("score", left / whole, `${left} scored by tower and ranker`),
      bar("diversify, explore", slate.items.length / whole, `${slate.items.length} in the slate${drawn > 0 ? `, ${drawn} of them drawn to explore` : ""}`, list(told(true))),
    );
    const names = Object.keys(this.#runs[0] ?? {}) as (keyof Took)[];
    find("#times").replaceChildren(
      ...names.map((name) => {
        const all = this.#runs.map((run) => run[name]);
        return bar(name, all.at(-1)! / FRAME_MS, `${all.at(-1)!.toFixed(1)} ms, median of ${all.length}: ${median(all).toFixed(1)} ms`);
      }),
    );
    const made: [string, string][] = [
      ["bundle", slate.bundleId],
      ["receipt", slate.receipt],
      ["block holds until", new Date(block.expiresAtMs).toLocaleString()],
      ["engine", `${engine}, ${thread === "worker" ? "in a worker" : "in the page's thread"}`],
    ];
    find("#made-of").replaceChildren(...made.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, make("code", {}, value))]));
  }
}
