// The demo: plays clips, keeps what was watched on this device, and ranks the rail again at once, without a request.
import { createRecommender, UpnextError, type RecommendOptions, type Slate, type SlateItem, type Upnext } from "upnext";
import { Cards, type Card } from "./cards.js";
import { ClipPlayer } from "./clip.js";
import { connectDials, dials } from "./dials.js";
import { Inspector } from "./inspector.js";
import { connectLooks } from "./looks.js";
import { find, on } from "./markup.js";
import { Moment } from "./moment.js";
import { Network } from "./network.js";
import { learnWords } from "./scene.js";
import { connectSearch, matches } from "./search.js";
import { connectTabs } from "./tabs.js";
import { ViewerPanel } from "./viewer.js";
import { Why } from "./why.js";
import { clock, facts, percent, reasonWords } from "./words.js";

/** Shown where a video's length is unknown, so that the clip has an end. */
const UNKNOWN_LENGTH_SECONDS = 30;
const [RAIL, SHELF, MOST] = [12, 12, 200];

/** Says what went wrong, with its code; the page goes on with what it has. */
function tell(error: unknown): void {
  find("#notice").hidden = false;
  find("#notice-text").textContent = error instanceof UpnextError ? `${error.message} (${error.code})` : String(error);
}

class Page {
  #slate: Slate | undefined;
  #current: { id: string; length: number } | undefined;
  /** The ranking under way, and the one that comes after it: what changes meanwhile is in that one. */
  #ranking: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  readonly #rail = this.#cards("#rail", true);
  readonly #home = this.#cards("#home", false);
  readonly #found = this.#cards("#found", false);
  readonly #titles = new Map<string, string>();
  readonly #moment = new Moment(() => void this.rank("the moment"));
  readonly #inspector: Inspector;
  readonly #viewer: ViewerPanel;
  readonly #why: Why;
  readonly #player = new ClipPlayer(find<HTMLCanvasElement>("#clip"), {
    onProgress: (seconds, length) => {
      find<HTMLInputElement>("#position").value = String(seconds / length);
      find("#position").ariaValueText = `${clock(seconds)} of ${clock(length)}`;
      find<HTMLOutputElement>("#clock").value = `${clock(seconds)} / ${clock(length)}`;
    },
    onEnd: () => (find<HTMLInputElement>("#autoplay").checked ? void this.playNext() : this.#showPlaying()),
  });

  constructor(
    private readonly upnext: Upnext,
    private readonly network: Network,
  ) {
    this.#inspector = new Inspector(upnext, () => this.#receipt(), tell);
    this.#viewer = new ViewerPanel({ profile: upnext.profile, title: (id) => this.#title(id), changed: () => this.rank("your profile"), tell });
    this.#why = new Why({
      title: (id) => this.#title(id),
      play: (id) => this.play(id),
      notInterested: (id, scope) => this.#notInterested(id, scope),
      estimateAt: (id, hour) => this.#estimateAt(id, hour),
    });
    this.#learnTitles();
    this.#connectPlayer();
    on("#like", "click", () => void this.#feedback("like"));
    on("#dislike", "click", () => void this.#feedback("dislike"));
    on("#not-interested", "click", () => void (this.#current && this.#notInterested(this.#current.id, "video")));
    on("#refresh", "click", () => void this.#refresh());
    on("#notice-close", "click", () => (find("#notice").hidden = true));
    connectDials(() => void this.rank("a dial"));
    connectSearch((query) => void this.#search(query), () => (find("#results").hidden = true));
    connectTabs(find(".tabs"), (panel) => {
      void this.#viewer.open(panel === "panel-you");
      network.open(panel === "panel-network");
      this.#inspector.open(panel === "panel-inspector");
    });
  }

  /** Ranks the block for the chosen moment and shows it. No request is made. */
  rank(because = ""): Promise<void> {
    this.#next ??= this.#ranking.then(() => {
      this.#ranking = this.#next!;
      this.#next = undefined;
      return this.#rank(because);
    });
    return this.#next;
  }

  async #rank(because: string): Promise<void> {
    try {
      await this.#rankRail(because);
      const shelf = await this.upnext.recommend({ ...this.#wishes(), surface: "home", size: SHELF + RAIL });
      this.network.ranked();
      // What stands in the rail is not shown twice.
      const beside = new Set(this.#slate?.items.map(({ id }) => id));
      this.#home.show(shelf.items.filter(({ id }) => !beside.has(id)).slice(0, SHELF).map((item) => this.#card(item)));
    } catch (error) {
      // The last good slate stays where it is.
      tell(error);
    }
  }

  async #rankRail(because: string): Promise<void> {
    const asked = performance.now();
    const slate = (this.#slate = await this.upnext.recommend({ ...this.#wishes(), size: RAIL }));
    const answered = performance.now();
    const { moved, came } = this.#rail.show(slate.items.map((item) => this.#card(item)));
    const drawn = performance.now();
    this.network.ranked();
    find("#timing").textContent = `${this.upnext.block.ids.length} candidates ranked here in ${(answered - asked).toFixed(1)} ms`;
    if (because) find("#moved").textContent = `${moved} of ${slate.items.length} moved, ${came} came in, by ${because}; ranked and drawn in ${(drawn - asked).toFixed(1)} ms.`;
    this.#inspector.take(slate, { "rank: asked, answered": answered - asked, "rail: drawn": drawn - answered });
    document.body.dataset.receipt = slate.receipt;
  }

  /** All that the rail is made of: the shelf's slate was the last, so the rail's is made anew. */
  async #receipt(): Promise<string> {
    await this.#ranking;
    await this.#rankRail("");
    return this.upnext.receipt();
  }

  #cards(list: string, explained: boolean): Cards {
    return new Cards(find<HTMLOListElement>(list), { choose: (id) => void this.play(id), ...(explained && { explain: (id: string) => this.#explain(id) }) });
  }

  /** Plays a video of the block; what was watched of the one before is recorded. */
  async play(id: string): Promise<void> {
    await this.#recordWatch();
    const { ids, lengthSeconds, channels } = this.upnext.block;
    const row = ids.indexOf(id);
    const known = lengthSeconds[row] ?? -1;
    const title = this.#title(id);
    this.#current = { id, length: known > 0 ? known : UNKNOWN_LENGTH_SECONDS };
    this.#player.load(id, title, this.#current.length);
    find("#title").textContent = title;
    find("#clip").ariaLabel = `Generated clip: ${title}`;
    find("#about").textContent = facts(channels[row], known);
    for (const button of ["#like", "#dislike"]) find(button).ariaPressed = "false";
    this.#showPlaying();
    await this.rank("what plays");
    await this.#viewer.show();
  }

  /** The page as it is opened: what plays first is the first of a slate that nobody sees. */
  async open(): Promise<void> {
    const { items } = await this.upnext.recommend({ ...this.#wishes(), size: 1 });
    await (items[0] ? this.play(items[0].id) : this.rank());
  }

  /** The first of the rail is the one that plays next. */
  async playNext(): Promise<void> {
    const next = this.#slate?.items[0];
    if (next) await this.play(next.id);
  }

  /** Called when the page goes: what was watched until now is kept. */
  async leave(): Promise<void> {
    await this.#recordWatch();
  }

  #connectPlayer(): void {
    const toggle = () => {
      this.#player.toggle();
      this.#showPlaying();
    };
    on("#play", "click", toggle);
    on("#clip", "click", toggle);
    on("#skip", "click", () => void this.playNext());
    on("#position", "input", () => this.#player.seek(Number(find<HTMLInputElement>("#position").value) * (this.#current?.length ?? 0)));
    on("#speed", "change", () => (this.#player.speed = Number(find<HTMLSelectElement>("#speed").value)));
    on("#whole-screen", "click", () => void (document.fullscreenElement ? document.exitFullscreen() : find(".player").requestFullscreen()).catch(tell));
    // As players have it: where nothing else has the key.
    find("#stage").addEventListener("keydown", (event) => {
      const { key, target } = event;
      if (target instanceof HTMLElement && /^(INPUT|SELECT|BUTTON)$/.test(target.tagName)) return;
      const side = document.documentElement.dir === "rtl" ? -5 : 5;
      if (key === " " || key === "k") toggle();
      else if (key === "ArrowRight" || key === "ArrowLeft") this.#player.seek(this.#player.position + (key === "ArrowRight" ? side : -side));
      else return;
      event.preventDefault();
    });
  }

  #showPlaying(): void {
    find("#play").textContent = this.#player.playing ? "Pause" : "Play";
  }

  /** What every slate of this page is asked for by. */
  #wishes(): RecommendOptions {
    const { device, localTime } = this.#moment;
    return { device, localTime, ...dials(), ...(this.#current ? { watching: this.#current.id } : {}) };
  }

  #card({ id, channel, lengthSeconds, reason, score }: SlateItem): Card {
    return { id, title: this.#title(id), about: facts(channel, lengthSeconds), why: `${percent(score)} · ${reasonWords(reason, reason.video ? this.#title(reason.video) : "")}` };
  }

  async #recordWatch(): Promise<void> {
    const seconds = this.#player.seconds;
    if (this.#current && seconds > 0) await this.upnext.watched(this.#current.id, seconds).catch(tell);
  }

  async #feedback(kind: "like" | "dislike"): Promise<void> {
    if (!this.#current) return;
    await this.upnext[kind](this.#current.id).catch(tell);
    find("#like").ariaPressed = String(kind === "like");
    find("#dislike").ariaPressed = String(kind === "dislike");
    await this.rank(`a ${kind}`);
    await this.#viewer.show();
  }

  async #notInterested(id: string, scope: "video" | "channel"): Promise<void> {
    await this.upnext.notInterested(id, { scope }).catch(tell);
    if (id === this.#current?.id) await this.playNext();
    else await this.rank("a wish");
    await this.#viewer.show();
  }

  /** The query goes into the history, where it shapes every slate from now on, and finds titles of the block. */
  async #search(query: string): Promise<void> {
    await this.upnext.searched(query).catch(tell);
    await this.rank("a search");
    try {
      const { block } = this.upnext;
      const byRelevance = await this.upnext.recommend({ ...this.#wishes(), size: MOST, diversity: 0, explore: 0 });
      const items = new Map(byRelevance.items.map((item) => [item.id, item]));
      const found = matches(query, block.ids, block.titles, [...items.keys()]);
      find("#results-heading").textContent = `“${query}”`;
      find("#results-note").textContent = `${found.length} of ${block.ids.length} titles on this device. The rail follows the search too, and nobody was asked.`;
      this.#found.show(found.slice(0, SHELF).map((id) => this.#foundCard(id, items.get(id))));
      find("#results").hidden = false;
    } catch (error) {
      tell(error);
    }
    await this.#viewer.show();
  }

  #foundCard(id: string, item: SlateItem | undefined): Card {
    if (item) return this.#card(item);
    const { ids, channels, lengthSeconds } = this.upnext.block;
    const row = ids.indexOf(id);
    return { id, title: this.#title(id), about: facts(channels[row], lengthSeconds[row]), why: "Not among the first for you" };
  }

  #explain(id: string): void {
    const place = this.#slate?.items.findIndex((item) => item.id === id) ?? -1;
    const item = this.#slate?.items[place];
    if (item) void this.#why.explain(item, place).catch(tell);
  }

  async #estimateAt(id: string, hour: number): Promise<number | undefined> {
    const { weekday } = this.#moment.localTime;
    const slate = await this.upnext.recommend({ ...this.#wishes(), localTime: { hour, weekday }, size: MOST, diversity: 0, explore: 0 });
    this.network.ranked();
    return slate.items.find((item) => item.id === id)?.score;
  }

  /** Asks for the current bundle and a new block; where that fails the page goes on with what it has. */
  async #refresh(): Promise<void> {
    try {
      await this.upnext.refresh();
      this.#learnTitles();
      find("#notice").hidden = true;
    } catch (error) {
      tell(error);
    }
    await this.rank("new candidates");
    // For tests: this one is over, whatever came of it.
    document.body.dataset.refreshed = String(Number(document.body.dataset.refreshed ?? 0) + 1);
  }

  #learnTitles(): void {
    const { ids, titles } = this.upnext.block;
    ids.forEach((id, row) => this.#titles.set(id, titles[row] || `Video ${id}`));
    // Those that are shown: where no video has a title it is the number that tells them apart.
    learnWords(ids.map((id) => this.#title(id)));
  }

  #title(id: string): string {
    return this.#titles.get(id) ?? `Video ${id}`;
  }
}

async function start(): Promise<void> {
  connectLooks();
  const network = new Network();
  const site = (await (await fetch("./site.json")).json()) as { origin: string; name: string };
  find("#dataset").textContent = `Data: ${site.name}`;
  const upnext = await createRecommender({ origin: site.origin, refreshMs: 0, onError: tell, fetch: network.fetch });
  const page = new Page(upnext, network);
  await page.open();
  addEventListener("pagehide", () => void page.leave());
  network.begin(site.origin);
  document.body.dataset.ready = upnext.engine;
}

start().catch(tell);
