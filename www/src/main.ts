// The demo: plays a clip, keeps what was watched on this device, and ranks the rail again at once, without a request.
import { createRecommender, UpnextError, type Reason, type Slate, type Upnext } from "upnext";
import { ClipPlayer } from "./clip.js";
import { Moment } from "./moment.js";
import { watchNetwork } from "./network.js";
import { showRail } from "./rail.js";

const find = <T extends HTMLElement = HTMLElement>(selector: string) => document.querySelector<T>(selector)!;

/** Shown where a video's length is unknown, so that the clip has an end. */
const UNKNOWN_LENGTH_SECONDS = 30;

const notice = find("#notice");
/** Says what went wrong, with its code; the page goes on with what it has. */
function tell(error: unknown): void {
  notice.hidden = false;
  notice.textContent = error instanceof UpnextError ? `${error.message} (${error.code})` : String(error);
}

class Page {
  #slate: Slate | undefined;
  #current: { id: string; title: string; length: number; liked: boolean } | undefined;
  readonly #titles = new Map<string, string>();
  readonly #moment = new Moment(() => void this.rank());
  readonly #player = new ClipPlayer(find<HTMLCanvasElement>("#clip"), {
    onProgress: (seconds, length) => {
      find<HTMLProgressElement>("#position").value = seconds / length;
      find<HTMLOutputElement>("#clock").value = `${Math.floor(seconds)} / ${Math.round(length)} s`;
    },
    onEnd: () => void this.playNext(),
  });

  constructor(private readonly upnext: Upnext) {
    this.#learnTitles();
    find("#play").addEventListener("click", () => this.#toggle());
    find("#clip").addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      this.#toggle();
    });
    const speed = find<HTMLSelectElement>("#speed");
    const setSpeed = () => (this.#player.speed = Number(speed.value));
    speed.addEventListener("change", setSpeed);
    setSpeed();
    find("#like").addEventListener("click", () => void this.#feedback("like"));
    find("#dislike").addEventListener("click", () => void this.#feedback("dislike"));
    find("#not-interested").addEventListener("click", () => void this.#feedback("notInterested"));
    find("#skip").addEventListener("click", () => void this.playNext());
    find("#diversity").addEventListener("input", () => void this.rank());
    find("#refresh").addEventListener("click", () => void this.#refresh());
    find("#inspect").addEventListener("click", () => void this.#inspect());
    find("#wipe").addEventListener("click", () => void this.#wipe());
    const ageField = find<HTMLInputElement>("#age");
    const languageField = find<HTMLInputElement>("#language");
    void upnext.profile.inspect().then(({ age, language }) => {
      ageField.value = age?.toString() ?? "";
      languageField.value = language ?? "";
    }, tell);
    ageField.addEventListener("change", () => void this.#setProfile({ age: ageField.value === "" ? null : Number(ageField.value) }));
    languageField.addEventListener("change", () => void this.#setProfile({ language: languageField.value || null }));
  }

  /** Ranks the block for the chosen moment and shows the rail. No request is made. */
  async rank(): Promise<void> {
    try {
      const started = performance.now();
      this.#slate = await this.upnext.recommend({
        device: this.#moment.device,
        localTime: this.#moment.localTime,
        diversity: Number(find<HTMLInputElement>("#diversity").value),
        ...(this.#current ? { watching: this.#current.id } : {}),
      });
      find("#timing").textContent = `ranked ${this.upnext.block.ids.length} candidates here in ${(performance.now() - started).toFixed(1)} ms`;
      document.body.dataset.receipt = this.#slate.receipt;
    } catch (error) {
      // The last good slate stays where it is.
      tell(error);
      return;
    }
    const cards = this.#slate.items.map(({ id, title, score, reason }) => ({ id, title: title ?? this.#title(id), why: this.#words(reason), score }));
    showRail(find<HTMLOListElement>("#rail"), cards, (id) => void this.play(id));
  }

  /** Plays a video of the block; what was watched of the one before is recorded. */
  async play(id: string): Promise<void> {
    await this.#recordWatch();
    const row = this.upnext.block.ids.indexOf(id);
    const known = this.upnext.block.lengthSeconds[row] ?? -1;
    this.#current = { id, title: this.#title(id), length: known > 0 ? known : UNKNOWN_LENGTH_SECONDS, liked: false };
    this.#player.load(id, this.#current.length);
    find("#title").textContent = this.#current.title;
    const channel = this.upnext.block.channels[row];
    find("#about").textContent = [channel, `${Math.round(this.#current.length)} s`].filter(Boolean).join(" · ");
    find("#like").ariaPressed = "false";
    find("#play").textContent = "Pause";
    await this.rank();
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

  #toggle(): void {
    this.#player.toggle();
    find("#play").textContent = this.#player.playing ? "Pause" : "Play";
  }

  async #recordWatch(): Promise<void> {
    const seconds = this.#player.seconds;
    if (this.#current && seconds > 0) await this.upnext.watched(this.#current.id, seconds).catch(tell);
  }

  async #feedback(kind: "like" | "dislike" | "notInterested"): Promise<void> {
    if (!this.#current) return;
    await this.upnext[kind](this.#current.id).catch(tell);
    if (kind === "like") find("#like").ariaPressed = "true";
    if (kind === "notInterested") await this.playNext();
    else await this.rank();
  }

  /** Asks for the current bundle and a new block; where that fails the page goes on with what it has. */
  async #refresh(): Promise<void> {
    try {
      await this.upnext.refresh();
      this.#learnTitles();
      notice.hidden = true;
    } catch (error) {
      tell(error);
    }
    await this.rank();
  }

  #learnTitles(): void {
    const { ids, titles } = this.upnext.block;
    ids.forEach((id, row) => this.#titles.set(id, titles[row] || `Video ${id}`));
  }

  async #setProfile(changes: { age?: number | null; language?: string | null }): Promise<void> {
    await this.upnext.profile.set(changes).catch(tell);
    await this.rank();
  }

  async #wipe(): Promise<void> {
    await this.upnext.profile.wipe().catch(tell);
    find<HTMLInputElement>("#age").value = "";
    find<HTMLInputElement>("#language").value = "";
    if (!find("#known").hidden) await this.#inspect(true);
    await this.rank();
  }

  async #inspect(stay = false): Promise<void> {
    const known = find("#known");
    const { profile, history } = JSON.parse(await this.upnext.profile.export()) as { profile: unknown; history: { events: { kind: string; video?: string; seconds?: number; atMs: number }[] } };
    const events = (history.events ?? []).map((event) => `${new Date(event.atMs).toLocaleString()}  ${event.kind}  ${event.video ? this.#title(event.video) : ""}  ${event.seconds ? `${Math.round(event.seconds)} s` : ""}`);
    known.textContent = `${JSON.stringify(profile, null, 1)}\n\n${events.length === 0 ? "no events" : events.reverse().join("\n")}`;
    known.hidden = stay ? false : !known.hidden;
  }

  #title(id: string): string {
    return this.#titles.get(id) ?? `Video ${id}`;
  }

  #words(reason: Reason): string {
    const other = reason.video ? this.#title(reason.video) : "";
    const words: Record<Reason["code"], string> = {
      "similar-to-watched": `Because you watched “${other}”`,
      "similar-to-liked": `Because you liked “${other}”`,
      taste: "Viewers with your taste finish it",
      popular: "Many finish it",
      new: "New",
      "for-this-moment": "Fits this moment",
      explore: "Something different",
    };
    return words[reason.code];
  }
}

async function start(): Promise<void> {
  const site = (await (await fetch("./site.json")).json()) as { origin: string; name: string };
  find("#dataset").textContent = site.name;
  const upnext = await createRecommender({ origin: site.origin, refreshMs: 0, onError: tell });
  const page = new Page(upnext);
  await page.rank();
  await page.playNext();
  addEventListener("pagehide", () => void page.leave());
  document.body.dataset.ready = upnext.engine;
  watchNetwork((count, latest) => {
    find("#network").textContent = count === 0 ? "no request since it was ready" : `${count} requests since it was ready, last ${latest}`;
    document.body.dataset.requests = String(count);
  });
}

start().catch(tell);
