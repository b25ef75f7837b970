// The devices of one arm. The package runs as a viewer's page has it, but one engine serves all viewers of a language in
// turn: each brings the text that their own device keeps, and takes it away again.
import { installPacked } from "../lib/packed.mjs";

/** Most candidates of a block: all of a small catalogue. */
const WHOLE = 4096;

const nothing = (profile) => JSON.stringify({ version: 1, profile, history: { version: 1, events: [] } });
/** What a page would record: unknown fields are absent. */
const feedbackOf = ({ kind, atMs, video, seconds, text, surface }) =>
  Object.fromEntries(Object.entries({ kind, atMs, video, seconds, text, surface }).filter(([, value]) => value !== null && value !== undefined));

export class Device {
  #seats = new Map();
  #files = new Map();
  #package = installPacked();

  constructor(site, { candidates, seed }, { explore = 0, reread = false }) {
    Object.assign(this, { site, candidates, seed, explore, reread });
  }

  /** The viewers' devices have been there before: what they did then is recorded with the first bundle. */
  async prepare(viewers) {
    for (const viewer of viewers.values()) viewer.text = await this.#record(nothing(viewer.profile), viewer.past);
  }

  async slate(viewer, visit) {
    const seat = await this.#seat(viewer.languages, viewer.known);
    Object.assign(seat, { viewer, atMs: visit.at });
    const { upnext } = seat;
    await upnext.profile.import(viewer.text);
    await upnext.refresh();
    const { surface, device, utc_offset_minutes: utcOffsetMinutes, shows: size } = visit;
    // What was searched for a moment ago counts already.
    if (visit.search) await upnext.record({ kind: "search", text: visit.search, atMs: visit.at - 1, surface });
    const slate = await upnext.recommend({ surface, device, utcOffsetMinutes, size, explore: this.explore, seed: visit.visit });
    this.#sound();
    viewer.seat = seat;
    return { videos: slate.items.map(({ id }) => id), bundle: upnext.block.bundleId };
  }

  /** What the viewer did with the slate, on their own device. */
  async saw(viewer, events) {
    const { upnext } = viewer.seat;
    await Promise.all(events.filter(({ kind }) => kind !== "search").map((event) => upnext.record(feedbackOf(event))));
    viewer.text = await upnext.profile.export();
    viewer.seat = undefined;
    this.#sound();
  }

  /** There is another bundle. */
  async changed(viewers) {
    this.#files.clear();
    if (!this.reread) return;
    for (const viewer of viewers.values()) {
      const { profile, history } = JSON.parse(viewer.text);
      viewer.text = await this.#record(nothing(profile), history.events);
    }
  }

  close() {
    for (const seat of this.#seats.values()) void seat.then(({ upnext }) => upnext.close());
  }

  /** A viewer's text with events on top, and what the whole catalogue's block knows of their videos. */
  async #record(text, events) {
    const seat = await this.#seat(["en"], false, WHOLE);
    seat.atMs = this.site.nowMs;
    if (seat.bundle !== this.#bundleNow) await seat.upnext.refresh();
    seat.bundle = this.#bundleNow;
    await seat.upnext.profile.import(text);
    await Promise.all(events.map((event) => seat.upnext.record(feedbackOf(event))));
    return seat.upnext.profile.export();
  }

  get #bundleNow() {
    return this.site.bundleId;
  }

  /** The engine for viewers of these languages, known to the server or not. */
  #seat(languages, known, candidates = this.candidates) {
    const key = JSON.stringify([languages, known, candidates]);
    if (!this.#seats.has(key)) this.#seats.set(key, this.#start(languages, known, candidates));
    return this.#seats.get(key);
  }

  async #start(languages, known, candidates) {
    const { createRecommender } = await this.#package.load("upnext");
    const seat = { atMs: this.site.nowMs, viewer: undefined, bundle: this.#bundleNow };
    const options = { origin: this.site.origin, languages, candidates, seed: this.seed, refreshMs: 0, now: () => seat.atMs };
    seat.upnext = await createRecommender({ ...options, ...(known && { token: "seat" }), fetch: (url, init) => this.#fetch(seat, url, init), onError: (error) => (this.error ??= error) });
    return seat;
  }

  /** The network: files of a bundle never change and are kept; a request for an account bears the token of who sits there. */
  async #fetch(seat, url, init) {
    if (/\/bundle\/[0-9a-f]{64}\//.test(url)) {
      if (!this.#files.has(url)) this.#files.set(url, fetch(url, init).then(async (answer) => [await answer.arrayBuffer(), answer.status]));
      const [body, status] = await this.#files.get(url);
      return new Response(body, { status });
    }
    const headers = new Headers(init.headers);
    const asks = headers.has("authorization");
    headers.delete("authorization");
    if (asks && seat.viewer) headers.set("authorization", `Bearer ${this.site.tokenOf(seat.viewer.id)}`);
    return fetch(url, { ...init, headers });
  }

  #sound() {
    if (this.error) throw this.error;
  }
}
