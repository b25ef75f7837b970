import { BASE_CSS, elementClass, part, type UpnextElement } from "./base.js";
import { nextItem, type NextItem } from "./choice.js";

/** `<upnext-next>`: says what comes next, and starts it by itself where the viewer lets it. */
export interface UpnextNextElement extends UpnextElement {
  /** Videos that come before any recommendation, in their order. */
  playlist: readonly NextItem[];
  /** Whether the next one starts by itself; the attribute `autoplay`, and the viewer's own switch. */
  autoplay: boolean;
  /** Seconds of the countdown; the attribute `seconds`, default 8. */
  seconds: number;
  /**
   * The video `watching` is over: chooses what comes, shows it, and counts down where
   * autoplay is on. Fires `upnext-announce`; then `upnext-play` with `detail: { item, autoplay }`, the item that was
   * announced and no other, or `upnext-cancel`. Resolves with the item, or nothing where nothing is left.
   */
  announce(watching: string): Promise<NextItem | undefined>;
  /** Plays what is announced, now. */
  play(): void;
  /** Takes it back: nothing starts by itself. */
  cancel(): void;
  /** What is announced. */
  readonly announced: NextItem | undefined;
}

const DEFAULT_SECONDS = 8;
const TICK_MS = 250;
const CSS = `${BASE_CSS}
  section { display: grid; gap: .5em; }
  p { margin: 0; }
  [part~="title"] { font-weight: 600; overflow-wrap: anywhere; }
  [part~="buttons"] { display: flex; flex-wrap: wrap; gap: .5em; }
  [part~="bar"] { block-size: .25em; background: currentColor; inline-size: calc(100% * var(--left, 1)); transition: inline-size ${TICK_MS}ms linear; }
  [part~="autoplay"]::before { content: "☐ "; }
  [part~="autoplay"][aria-checked="true"]::before { content: "☑ "; }
  .said { position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
  @media (prefers-reduced-motion: reduce) { [part~="bar"] { transition: none; display: none; } }
`;

export function nextElement(): CustomElementConstructor {
  return class extends elementClass(CSS) implements UpnextNextElement {
    static observedAttributes = ["autoplay"];
    playlist: readonly NextItem[] = [];
    announced: NextItem | undefined;
    readonly #seen = new Set<string>();
    readonly #said = part("p", "said", { role: "status", class: "said" });
    readonly #title = part("p", "title", { dir: "auto" });
    readonly #countdown = part("p", "countdown", { role: "timer", "aria-live": "off" });
    readonly #bar = part("div", "bar", { "aria-hidden": "true" });
    readonly #play = part("button", "play", { type: "button" });
    readonly #cancel = part("button", "cancel", { type: "button" });
    readonly #switch = part("button", "autoplay", { type: "button", role: "switch" });
    readonly #offer = part("div", "offer", { hidden: "" }, this.#title, this.#countdown, this.#bar, part("div", "buttons", {}, this.#play, this.#cancel));
    readonly #group = part("section", "next", { role: "group" }, this.#said, this.#offer, this.#switch);
    #asked = 0;
    #timer: ReturnType<typeof setInterval> | undefined;

    constructor() {
      super();
      this.#play.addEventListener("click", () => this.play());
      this.#cancel.addEventListener("click", () => this.cancel());
      this.#switch.addEventListener("click", () => {
        this.autoplay = !this.autoplay;
        this.tell("upnext-autoplay", this.autoplay);
      });
      this.#group.addEventListener("keydown", ({ key }) => {
        if (key === "Escape" && this.announced) this.cancel();
      });
    }

    override connectedCallback(): void {
      super.connectedCallback();
      if (this.root.childElementCount === 0) this.root.append(this.#group);
      this.reworded();
    }

    disconnectedCallback(): void {
      this.#stop();
    }

    attributeChangedCallback(): void {
      this.#switch.setAttribute("aria-checked", String(this.autoplay));
      if (!this.autoplay) this.#stop();
    }

    override reworded(): void {
      this.#group.setAttribute("aria-label", this.words.upNext);
      this.#play.textContent = this.words.playNow;
      this.#cancel.textContent = this.words.cancel;
      this.#switch.textContent = this.words.autoplay;
      this.#switch.setAttribute("aria-checked", String(this.autoplay));
    }

    get autoplay(): boolean {
      return this.hasAttribute("autoplay");
    }

    set autoplay(on: boolean) {
      this.toggleAttribute("autoplay", on);
    }

    get seconds(): number {
      const seconds = Number(this.getAttribute("seconds") ?? Number.NaN);
      return seconds >= 0 ? seconds : DEFAULT_SECONDS;
    }

    set seconds(seconds: number) {
      this.setAttribute("seconds", String(seconds));
    }

    async announce(watching: string): Promise<NextItem | undefined> {
      const asked = ++this.#asked;
      this.#seen.add(watching);
      let item = nextItem(watching, this.playlist, [], this.#seen);
      // As many as may have been seen, and one: the viewer's own history has dropped most of them before.
      if (!item) item = nextItem(watching, [], (await this.ranker().recommend({ ...this.options, watching, size: Math.min(200, this.#seen.size + 1) })).items, this.#seen);
      if (asked !== this.#asked) return this.announced;
      this.#stop();
      this.announced = item;
      this.#offer.hidden = !item;
      if (!item) return undefined;
      const seconds = this.autoplay ? this.seconds : undefined;
      const title = this.titleOf(item);
      this.#title.textContent = title;
      this.#said.textContent = this.words.announced(title, seconds);
      this.#countdown.hidden = this.#bar.hidden = seconds === undefined;
      this.tell("upnext-announce", { item, seconds });
      // Whoever heard of it may have cancelled it.
      if (seconds !== undefined && this.announced === item) this.#count(seconds * 1000, title);
      return item;
    }

    play(): void {
      this.#start(false);
    }

    cancel(): void {
      this.#asked++;
      const item = this.announced;
      this.#close();
      if (item) this.tell("upnext-cancel", { item });
    }

    #start(autoplay: boolean): void {
      const item = this.announced;
      this.#close();
      if (item) this.tell("upnext-play", { item, autoplay });
    }

    /** Counts while the page is seen: nothing starts in a tab that nobody looks at. */
    #count(wholeMs: number, title: string): void {
      let leftMs = wholeMs;
      let last = performance.now();
      const tick = () => {
        const now = performance.now();
        if (document.visibilityState !== "hidden") leftMs -= now - last;
        last = now;
        this.#countdown.textContent = this.words.startsIn(Math.max(0, Math.ceil(leftMs / 1000)), title);
        this.#bar.style.setProperty("--left", String(Math.max(0, leftMs / wholeMs)));
        if (leftMs <= 0) this.#start(true);
      };
      this.#timer = setInterval(tick, TICK_MS);
      tick();
    }

    #stop(): void {
      clearInterval(this.#timer);
      this.#countdown.hidden = this.#bar.hidden = true;
    }

    #close(): void {
      this.#stop();
      this.announced = undefined;
      this.#offer.hidden = true;
      this.#said.textContent = "";
    }
  };
}
