// Your profile: what the device knows of the viewer, to look at, change, take along and delete.
import type { FeedbackEvent, Profile, ViewerProfile } from "upnext";
import { find, make, on, save } from "./markup.js";
import { clock, DID } from "./words.js";

/** Events that are listed; the export has all of them. */
const LISTED = 100;
/** For how long a second press of "Forget me" means it. */
const MEANT_MS = 5000;

/** Profile and history, as `export` writes them. */
interface Whole {
  version: 1;
  profile: Profile;
  history: { events?: FeedbackEvent[] };
}
type Wish = "blockedChannels" | "blockedTags" | "excludedLanguages";
const WISHES: Record<Wish, string> = { blockedChannels: "channel", blockedTags: "tag", excludedLanguages: "language" };
const TEXTS = { "#gender": "gender", "#language": "language", "#time-zone": "timeZone" } as const;

/** What the panel needs of the page. */
export interface ViewerPage {
  profile: ViewerProfile;
  title(id: string): string;
  /** What is known has changed: the rail is another. */
  changed(): Promise<void>;
  tell(error: unknown): void;
}

/** The panel with the viewer's own data. */
export class ViewerPanel {
  #open = false;

  constructor(private readonly page: ViewerPage) {
    const { profile } = page;
    on("#age", "change", () => void this.#set({ age: find<HTMLInputElement>("#age").value === "" ? null : Number(find<HTMLInputElement>("#age").value) }));
    for (const [selector, name] of Object.entries(TEXTS)) on(selector, "change", () => void this.#set({ [name]: find<HTMLInputElement>(selector).value.trim() || null }));
    on("#blocked-tag", "change", () => void this.#wish("blockedTags", "#blocked-tag"));
    on("#excluded-language", "change", () => void this.#wish("excludedLanguages", "#excluded-language"));
    on("#export", "click", () => void profile.export().then((text) => save("upnext-profile.json", text), page.tell));
    const file = find<HTMLInputElement>("#import-file");
    on("#import", "click", () => file.click());
    file.addEventListener("change", () => void this.#import(file));
    const wipe = find<HTMLButtonElement>("#wipe");
    let meant: ReturnType<typeof setTimeout> | undefined;
    const rest = () => {
      clearTimeout(meant);
      meant = undefined;
      wipe.textContent = "Forget me";
    };
    wipe.addEventListener("click", () => {
      if (meant !== undefined) {
        rest();
        void this.#do(() => profile.wipe());
        return;
      }
      wipe.textContent = "Really? Everything goes";
      meant = setTimeout(rest, MEANT_MS);
    });
  }

  /** Shown or not: what is not looked at is not read. */
  async open(open: boolean): Promise<void> {
    this.#open = open;
    await this.show();
  }

  /** Shows what is known now, where somebody looks. */
  async show(): Promise<void> {
    if (!this.#open) return;
    try {
      const whole = JSON.parse(await this.page.profile.export()) as Whole;
      this.#fill(whole.profile);
      this.#list(whole);
    } catch (error) {
      this.page.tell(error);
    }
  }

  #fill(profile: Profile): void {
    const write = (selector: string, value: string) => {
      const field = find<HTMLInputElement>(selector);
      // Not under the viewer's hands.
      if (document.activeElement !== field) field.value = value;
    };
    write("#age", profile.age?.toString() ?? "");
    for (const [selector, name] of Object.entries(TEXTS)) write(selector, profile[name] ?? "");
    const chips = (Object.keys(WISHES) as Wish[]).flatMap((wish) =>
      (profile[wish] ?? []).map((value) => {
        const drop = make("button", { type: "button", "aria-label": `Allow the ${WISHES[wish]} ${value} again` }, "✕");
        drop.addEventListener("click", () => void this.#set({ [wish]: (profile[wish] ?? []).filter((one) => one !== value) }));
        return make("li", {}, make("span", { dir: "auto" }, `never ${WISHES[wish]} ${value}`), drop);
      }),
    );
    find("#wishes").replaceChildren(...chips);
  }

  #list(whole: Whole): void {
    const events = whole.history.events ?? [];
    const items = events.slice(-LISTED).map((event) => {
      const about = event.video !== undefined ? this.page.title(event.video) : (event.text ?? "");
      const seconds = event.seconds ? `, ${clock(event.seconds)}` : "";
      const forget = make("button", { type: "button", "aria-label": `Forget: ${DID[event.kind]} ${about}` }, "✕");
      forget.addEventListener("click", () => void this.#do(() => this.page.profile.import(JSON.stringify({ ...whole, history: { ...whole.history, events: events.filter((one) => one !== event) } }))));
      return make("li", {}, make("time", { datetime: new Date(event.atMs).toISOString() }, new Date(event.atMs).toLocaleString(undefined, { dateStyle: "short", timeStyle: "short" })), make("span", { class: "did" }, DID[event.kind]), make("bdi", {}, `${about}${seconds}`), forget);
    });
    items.reverse();
    if (events.length === 0) items.push(make("li", { class: "none" }, "no events"));
    if (events.length > LISTED) items.push(make("li", { class: "none" }, `and ${events.length - LISTED} before`));
    find("#known").replaceChildren(...items);
  }

  #set(changes: Profile): Promise<void> {
    return this.#do(() => this.page.profile.set(changes));
  }

  async #wish(wish: Wish, selector: string): Promise<void> {
    const field = find<HTMLInputElement>(selector);
    const value = field.value.trim();
    field.value = "";
    if (value === "") return;
    await this.#do(async () => {
      const before = (await this.page.profile.inspect())[wish] ?? [];
      await this.page.profile.set({ [wish]: [...new Set([...before, value])] });
    });
  }

  async #import(file: HTMLInputElement): Promise<void> {
    const [chosen] = file.files ?? [];
    if (chosen) await this.#do(async () => this.page.profile.import(await chosen.text()));
    file.value = "";
  }

  async #do(act: () => Promise<void>): Promise<void> {
    await act().catch((error: unknown) => this.page.tell(error));
    await this.page.changed();
    await this.show();
  }
}
