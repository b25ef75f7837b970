import { attach, type AttachOptions } from "./attach.js";
import type { Loaders, WasmModule, WasmRecommender } from "./engine.js";
import { asUpnextError, typed, UpnextError } from "./errors.js";
import { Stored } from "./stored.js";
import { slateOf, type Slate } from "./slate.js";
import { Source, type Fetch } from "./source.js";
import { indexedDbStorage, memoryStorage, withMemoryFallback, type Storage } from "./storage.js";
import { ViewerProfile } from "./viewer.js";
import type { BlockInfo, Context, EventKind, FeedbackEvent, LocalTime, Profile } from "./types.js";

/** What `createRecommender` takes. `origin`, `languages`, `candidates` and `token` are all that a request can hold. */
export interface RecommenderOptions {
  /** Origin of the candidate server, for example `https://video.example`. */
  origin: string;
  /** Account token. Without one every request is anonymous. */
  token?: string;
  /** BCP 47 tags for the content shelves; default: the languages the browser names in every request anyway. */
  languages?: string[];
  /** Candidates per block; default 500. */
  candidates?: number;
  /** What is known of the viewer. Merged over the stored profile; kept on the device. */
  profile?: Profile;
  /** Where profile and history are kept; default IndexedDB, and memory where there is none. */
  storage?: Storage;
  /** The host's fetch; default the global one. */
  fetch?: Fetch;
  /** The clock, Unix milliseconds; default `Date.now`. */
  now?: () => number;
  /** Seed of everything random; default 0. */
  seed?: number;
  /** Milliseconds between refreshes, a fixed schedule; default 15 minutes, 0: only when `refresh` is called. */
  refreshMs?: number;
  /** Hears of failures that no call of yours waits for: the scheduled refresh, storage, unreadable stored data. */
  onError?: (error: UpnextError) => void;
}

/** What `recommend` takes; none of it leaves the device. */
export interface RecommendOptions {
  /** Where the slate is shown; default `up-next`. */
  surface?: string | null;
  /** Kind of device, `phone`, `tablet`, `desktop`, `tv`; default: what the browser says; `null`: unknown. */
  device?: string | null;
  /** Minutes east of UTC; default: the host's clock; `null`: unknown, and so is the time of day. */
  utcOffsetMinutes?: number | null;
  /** A what-if: rank for this time of the week instead of now. */
  localTime?: LocalTime | null;
  /** The video that plays now. */
  watching?: string;
  /** Videos in the slate, 1 to 200; default 12. */
  size?: number;
  /** 0: order of relevance alone; 1: the most different slate; default 0.3. */
  diversity?: number;
  /** From familiar, 0, to exploring, 1: up to a fifth of the places; default 0. */
  explore?: number;
}

/** A recommender for one viewer on one device. */
export interface Upnext {
  /** Ranks the candidates for this moment. No request is made. On an error `slate` stays as it was. */
  recommend(options?: RecommendOptions): Promise<Slate>;
  /** The last slate that could be made. */
  readonly slate: Slate | undefined;
  /** Fetches the current bundle and a new block. On an error everything loaded before stays in use. */
  refresh(): Promise<void>;
  /** Error of the last refresh; `undefined` after a good one. */
  readonly refreshError: UpnextError | undefined;
  /** Records what the viewer did; `atMs` defaults to now. Resolves when it is stored. */
  record(event: Omit<FeedbackEvent, "atMs"> & { atMs?: number }): Promise<void>;
  /** Seconds of `video` that were watched; loops count once. */
  watched(video: string, seconds: number): Promise<void>;
  /**
   * Records what is really watched of the video that `element` plays: one `watch` per view, when it ends, its source
   * changes, the page goes, or the returned function is called. Only what plays and is seen counts, each second of the
   * video once. Failures go to `onError`.
   */
  attach(element: HTMLMediaElement, options: AttachOptions): () => void;
  like(video: string): Promise<void>;
  dislike(video: string): Promise<void>;
  /** Acts on the next slate. */
  notInterested(video: string): Promise<void>;
  searched(query: string): Promise<void>;
  /** The viewer's own data. */
  readonly profile: ViewerProfile;
  /** Which engine runs: `compact` or `onnx`. */
  readonly engine: string;
  /** What the loaded block holds. */
  readonly block: BlockInfo;
  /** Records what attached players have shown, stops the schedule, aborts requests, frees the module's memory. */
  close(): void;
}

const QUARTER_HOUR_MS = 15 * 60_000;

/** `createRecommender` over the ways that one environment has to load the modules. */
export function factory(loaders: Loaders): (options: RecommenderOptions) => Promise<Upnext> {
  return async (options) => {
    const module = await loaders.compact().catch((thrown: unknown) => {
      throw asUpnextError(thrown, "server-unreachable");
    });
    const upnext = new Device(loaders, module, options);
    try {
      await upnext.start();
    } catch (thrown) {
      upnext.close();
      throw thrown;
    }
    return upnext;
  };
}

class Device implements Upnext {
  readonly profile: ViewerProfile;
  slate: Slate | undefined;
  refreshError: UpnextError | undefined;

  readonly #now: () => number;
  readonly #report: (error: UpnextError) => void;
  readonly #source: Source;
  readonly #stored: Stored;
  readonly #abort = new AbortController();
  readonly #attached = new Set<() => void>();
  #wasm: WasmRecommender;
  #bundleId: string | undefined;
  #block: BlockInfo | undefined;
  #refreshing: Promise<void> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(
    private readonly loaders: Loaders,
    private module: WasmModule,
    private readonly options: RecommenderOptions,
  ) {
    const origin = options.origin.replace(/\/+$/, "");
    this.#now = options.now ?? Date.now;
    this.#report = options.onError ?? (() => {});
    this.#source = new Source(origin, options.fetch ?? ((url, init) => fetch(url, init)), this.#abort.signal);
    const storage = options.storage ?? (typeof indexedDB === "undefined" ? memoryStorage() : indexedDbStorage());
    this.#stored = new Stored(withMemoryFallback(storage, this.#report));
    this.#wasm = new module.Recommender();
    this.profile = new ViewerProfile(() => this.#wasm, this.#stored);
  }

  async start(): Promise<void> {
    for (const error of await this.#stored.restore(this.#wasm, this.#now())) this.#report(error);
    if (this.options.profile) await this.profile.set(this.options.profile);
    await this.refresh();
    for (const event of this.#stored.lastWords()) await this.#catchUp(event).catch((thrown: unknown) => this.#report(asUpnextError(thrown)));
    const every = this.options.refreshMs ?? QUARTER_HOUR_MS;
    if (every > 0) {
      this.#timer = setInterval(() => this.refresh().catch(this.#report), every);
      // Node keeps a process alive for a timer; a page's timers are numbers.
      if (typeof this.#timer === "object") this.#timer.unref();
    }
  }

  get engine(): string {
    return this.module.engine();
  }

  get block(): BlockInfo {
    if (!this.#block) throw new UpnextError("not-ready", "no block is loaded");
    return this.#block;
  }

  async recommend(options: RecommendOptions = {}): Promise<Slate> {
    const nowMs = this.#now();
    const host = this.module.hostContext(nowMs);
    const { surface = "up-next", device = host.device ?? null, localTime = null } = options;
    const { utcOffsetMinutes = host.utcOffsetMinutes ?? null } = options;
    const { size = 12, diversity = 0.3, explore = 0, watching = null } = options;
    const context: Context = { nowMs, utcOffsetMinutes, device, surface, localTime };
    const seed = this.options.seed ?? 0;
    const raw = typed(() => this.#wasm.recommend(context, { size, diversity, explore, watching, seed }));
    this.slate = slateOf(raw, this.block, this.module.dropReasons(), nowMs);
    return this.slate;
  }

  refresh(): Promise<void> {
    // One at a time: a second caller waits for the first one's answer.
    this.#refreshing ??= this.#fetchAll()
      .then(() => void (this.refreshError = undefined))
      .catch((thrown: unknown) => {
        this.refreshError = asUpnextError(thrown);
        throw this.refreshError;
      })
      .finally(() => void (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #fetchAll(): Promise<void> {
    const id = await this.#source.currentBundle();
    if (id === this.#bundleId) {
      const block = await this.#source.block(this.module, this.#inputs(id));
      this.#block = typed(() => this.#wasm.setBlock(block));
      return;
    }
    const manifest = await this.#source.manifest(id);
    let module = this.module;
    let plan = typed(() => module.bundlePlan(id, manifest));
    if (plan.needsOnnx && module.engine() !== "onnx") {
      module = await this.loaders.onnx();
      plan = typed(() => module.bundlePlan(id, manifest));
    }
    const bundle = await this.#source.bundle(id, manifest, plan);
    const block = await this.#source.block(module, this.#inputs(id));
    // From here to the end nothing waits: the swap is whole or doesn't happen, and no event falls between.
    const next = new module.Recommender();
    try {
      next.setProfile(this.#wasm.exportProfile());
      next.importHistory(this.#wasm.exportHistory());
      this.#block = next.load(id, manifest, bundle.paths, bundle.files, block);
    } catch (thrown) {
      next.free();
      throw asUpnextError(thrown);
    }
    this.#wasm.free();
    this.#wasm = next;
    this.module = module;
    this.#bundleId = id;
  }

  #inputs(bundleId: string) {
    const { languages, token = null, candidates = 500, origin } = this.options;
    const named = languages ?? (typeof navigator === "undefined" ? [] : [...(navigator.languages ?? [])].slice(0, 8));
    return { origin: origin.replace(/\/+$/, ""), bundleId, languages: named, size: candidates, token };
  }

  async record(event: Omit<FeedbackEvent, "atMs"> & { atMs?: number }): Promise<void> {
    typed(() => this.#wasm.record({ ...event, atMs: event.atMs ?? this.#now() }));
    await this.#stored.saveHistory(() => this.#wasm.exportHistory());
  }

  /** Records what a page that went could only just keep, unless its write got through after all. */
  async #catchUp(event: FeedbackEvent): Promise<void> {
    try {
      const { events } = JSON.parse(typed(() => this.#wasm.exportHistory())) as { events: FeedbackEvent[] };
      if (!events.some(({ atMs, video }) => atMs === event.atMs && video === event.video)) await this.record(event);
    } finally {
      this.#stored.dropLastWord(event);
    }
  }

  async #watchedByPlayer(watch: Omit<FeedbackEvent, "atMs">, pageGoes: boolean): Promise<void> {
    const event = { ...watch, atMs: this.#now() };
    if (pageGoes) this.#stored.keepLastWord(event);
    await this.record(event);
    if (pageGoes) this.#stored.dropLastWord(event);
  }

  watched(video: string, seconds: number): Promise<void> {
    return this.record({ kind: "watch", video, seconds });
  }

  attach(element: HTMLMediaElement, options: AttachOptions): () => void {
    const stop = attach(element, options, (watch, pageGoes) => this.#watchedByPlayer(watch, pageGoes), this.#report);
    const stopOnce = () => {
      this.#attached.delete(stopOnce);
      stop();
    };
    this.#attached.add(stopOnce);
    return stopOnce;
  }

  like(video: string): Promise<void> {
    return this.#did("like", video);
  }

  dislike(video: string): Promise<void> {
    return this.#did("dislike", video);
  }

  notInterested(video: string): Promise<void> {
    return this.#did("not_interested", video);
  }

  searched(query: string): Promise<void> {
    return this.record({ kind: "search", text: query });
  }

  #did(kind: EventKind, video: string): Promise<void> {
    return this.record({ kind, video });
  }

  close(): void {
    for (const stop of this.#attached) stop();
    clearInterval(this.#timer);
    this.#abort.abort();
    // What was recorded just now is written from the module's memory.
    void this.#stored.written().finally(() => this.#wasm.free());
  }
}
