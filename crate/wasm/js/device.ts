import { unlessAborted } from "./abort.js";
import { Disclosure } from "./anonymous-metrics.js";
import { attach, type AttachOptions } from "./attach.js";
import type { Loaders } from "./engine.js";
import { asUpnextError, UpnextError } from "./errors.js";
import { Events, type Leave, type Ranked } from "./events.js";
import { Kept } from "./kept.js";
import type { RecommenderOptions, RecommendOptions, Upnext } from "./recommender.js";
import type { Change, Moment } from "./seat.js";
import type { Slate } from "./slate.js";
import { Source, type BundleBytes } from "./source.js";
import { indexedDbStorage } from "./indexed-db.js";
import type { LastWord } from "./last-words.js";
import { memoryStorage, withMemoryFallback } from "./storage.js";
import { Stored } from "./stored.js";
import { Tombstones } from "./tombstones.js";
import { startEngine, type Engine, type Started } from "./thread.js";
import { viewerProfile, type ViewerProfile } from "./viewer.js";
import type { BlockInfo, DeclaredInputs, EventKind, FeedbackEvent } from "./types.js";

const MINUTE_MS = 60_000;
const QUARTER_HOUR_MS = 15 * MINUTE_MS;
/** Most videos that a request names (`core::request::MAX_RECENT`). */
const MOST_RECENT = 50;

/** The recommender of one viewer: an engine, a source, a storage, and nothing that two instances share. */
export class Device implements Upnext {
  readonly profile: ViewerProfile;
  readonly events: Events;
  readonly anonymousMetrics: Disclosure;
  slate: Slate | undefined;
  refreshError: UpnextError | undefined;

  readonly #origin: string;
  readonly #now: () => number;
  readonly #report: (error: UpnextError) => void;
  readonly #source: Source;
  readonly #stored: Stored;
  readonly #kept: Kept | undefined;
  readonly #tombstones: Tombstones;
  readonly #abort = new AbortController();
  readonly #attached = new Set<() => void>();
  readonly #blockWatchers = new Set<() => void>();
  readonly #unwatch: () => void;
  #started: Started | undefined;
  #bundleId: string | undefined;
  #block: BlockInfo | undefined;
  #refreshing: Promise<void> | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly loaders: Loaders,
    private readonly options: RecommenderOptions,
  ) {
    this.#origin = options.origin.replace(/\/+$/, "");
    this.#now = options.now ?? Date.now;
    this.#report = options.onError ?? (() => {});
    const ask = options.fetch ?? ((url, init) => fetch(url, init));
    this.#source = new Source(this.#origin, ask, this.#abort.signal);
    const lasting = options.storage ?? (typeof indexedDB === "undefined" ? undefined : indexedDbStorage());
    const storage = withMemoryFallback(lasting ?? memoryStorage(), this.#report);
    this.#stored = new Stored(storage, (act) => this.#inTurn(act));
    this.#tombstones = new Tombstones(storage, this.#now, (block, known) => this.#ready().engine.withRemoved(block, known));
    this.events = new Events(storage, { origin: this.#origin, token: options.token, fetch: ask, sendMs: options.events?.sendMs ?? MINUTE_MS, report: this.#report, ranked: () => this.#ranked() });
    this.anonymousMetrics = new Disclosure(lasting, (act) => this.#inTurn(act), { origin: this.#origin, fetch: ask, now: this.#now, report: this.#report });
    this.#unwatch = storage.watch(() => void Promise.all([this.#stored.follow(), this.events.follow()]).catch((thrown: unknown) => this.#report(asUpnextError(thrown))));
    const offline = options.offline ?? loaders.worker !== undefined;
    this.#kept = offline && typeof caches !== "undefined" ? new Kept(caches, this.#origin) : undefined;
    const learnt = () => this.#inTurn((engine) => engine.learnt(this.#now()));
    this.profile = viewerProfile(() => this.#inTurn((engine) => engine.viewer()), learnt, (change) => this.#change(change));
  }

  async start(): Promise<void> {
    const { signal, profile, refreshMs = QUARTER_HOUR_MS, recent = 0, token } = this.options;
    signal?.throwIfAborted();
    if (!Number.isInteger(recent) || recent < 0 || recent > MOST_RECENT) throw new UpnextError("request-invalid", `recent must be a whole number from 0 to ${MOST_RECENT}`);
    if (recent > 0 && token !== undefined) throw new UpnextError("request-invalid", "recent goes with no token: an account's videos are known by its events");
    signal?.addEventListener("abort", () => this.#abort.abort(signal.reason), { signal: this.#abort.signal });
    try {
      this.#started = await startEngine("compact", this.loaders, this.options.thread, this.#report);
      for (const unreadable of await this.#stored.restore(this.#now())) this.#report(unreadable);
      if (profile) await this.profile.set(profile);
      await Promise.all([this.events.allow(this.options.events ?? {}), this.refresh().catch((thrown: unknown) => this.#fromKept(thrown))]);
      for (const word of this.#stored.lastWords.all()) await this.#catchUp(word).catch((thrown: unknown) => this.#report(asUpnextError(thrown)));
      // A report names the loaded bundle.
      if (this.options.anonymousMetrics) await this.anonymousMetrics.allow(true);
    } catch (thrown) {
      signal?.throwIfAborted();
      throw thrown;
    }
    signal?.throwIfAborted();
    if (refreshMs > 0) {
      this.#timer = setInterval(() => this.refresh().catch(this.#report), refreshMs);
      // Node keeps a process alive for a timer; a page's timers are numbers.
      if (typeof this.#timer === "object") this.#timer.unref();
    }
  }

  get engine(): string {
    return this.#ready().kind;
  }

  get thread(): "worker" | "main" {
    return this.#ready().thread;
  }

  get block(): BlockInfo {
    if (!this.#block) throw new UpnextError("not-ready", "no block is loaded");
    return this.#block;
  }

  async recommend(options: RecommendOptions = {}): Promise<Slate> {
    const { surface = "up-next", device, utcOffsetMinutes, localTime = null } = options;
    const { size = 12, diversity = 0.3, explore = 0, watching = null } = options;
    const { method = "mmr", calibration = 0, perChannel = null, perTag = null, decay = 0 } = options;
    const { exploration = "uniform", personal = 0, fatigue = 0, headWeights = this.options.headWeights ?? null } = options;
    const moment: Moment = { nowMs: this.#now(), surface, localTime };
    // What is left out is the host's to say.
    if (device !== undefined) moment.device = device;
    if (utcOffsetMinutes !== undefined) moment.utcOffsetMinutes = utcOffsetMinutes;
    const seed = options.seed ?? this.options.seed ?? 0;
    const wishes = { size, diversity, method, calibration, perChannel, perTag, decay, explore, exploration, personal, fatigue, headWeights, watching, seed };
    this.slate = await this.#inTurn((engine) => engine.recommend(moment, wishes));
    return this.slate;
  }

  receipt(): Promise<string> {
    return this.#inTurn((engine) => engine.receipt());
  }

  refresh({ signal }: { signal?: AbortSignal } = {}): Promise<void> {
    // One at a time: a second caller waits for the first one's answer.
    this.#refreshing ??= this.#fetchAll()
      .then(() => void (this.refreshError = undefined))
      .catch((thrown: unknown) => {
        this.refreshError = asUpnextError(thrown);
        throw this.refreshError;
      })
      .finally(() => void (this.#refreshing = undefined));
    return unlessAborted(this.#refreshing, signal);
  }

  async #fetchAll(): Promise<void> {
    const id = await this.#source.currentBundle(this.options.token);
    const { engine } = this.#ready();
    if (id === this.#bundleId) {
      const block = await this.#blockOf(id);
      this.#changeBlock(await this.#inTurn((engine) => engine.setBlock(block)));
      return this.#keep(undefined, block);
    }
    const manifest = await this.#source.manifest(id);
    const bundle = await this.#source.bundle(id, manifest, await engine.plan(id, manifest));
    const block = await this.#blockOf(id);
    await this.#load(bundle, block);
    return this.#keep(bundle, block);
  }

  /** A block as the server has it now, under every tombstone that holds for it. */
  async #blockOf(bundleId: string): Promise<Uint8Array> {
    const inputs = this.#inputs(bundleId);
    // By the viewer's choice, and no others than these.
    const { recent = 0 } = this.options;
    if (recent > 0) inputs.recent = await this.#inTurn((engine) => engine.recent(recent, this.#now()));
    return this.#tombstones.over(await this.#source.block(this.#ready().engine, inputs));
  }

  /** Changes to a bundle with a block of it: all of it or nothing, and no event falls between. */
  async #load(bundle: BundleBytes, block: Uint8Array): Promise<void> {
    const before = this.#ready();
    if (!bundle.plan.needsOnnx || before.kind === "onnx") {
      this.#changeBlock(await this.#inTurn((engine) => engine.load(bundle, block)));
    } else {
      const next = await startEngine("onnx", this.loaders, before.thread, this.#report);
      try {
        await this.#inTurn(async (engine) => {
          await next.engine.rebase(await engine.viewer(), []);
          const loaded = await next.engine.load(bundle, block);
          this.#started = next;
          this.#changeBlock(loaded);
        });
      } catch (thrown) {
        next.engine.close();
        throw thrown;
      }
      before.engine.close();
    }
    this.#bundleId = bundle.id;
    // The bundle after the next one knows nothing of these any more.
    if (this.block.carried) await this.#stored.save().catch((thrown: unknown) => this.#report(asUpnextError(thrown)));
  }

  watchBlock(changed: () => void): () => void {
    // One of its own: the same function may watch twice.
    const watcher = () => changed();
    this.#blockWatchers.add(watcher);
    return () => void this.#blockWatchers.delete(watcher);
  }

  #changeBlock(block: BlockInfo): void {
    this.#block = block;
    for (const changed of this.#blockWatchers) {
      try {
        changed();
      } catch (thrown) {
        this.#report(asUpnextError(thrown));
      }
    }
  }

  /** Tombstones at once, the rest in the background: nobody waits for what is kept for later. */
  async #keep(bundle: BundleBytes | undefined, block: Uint8Array): Promise<void> {
    await this.#tombstones.learn(this.block);
    this.#kept?.save(this.#inputs(this.#bundleId!), bundle, block).catch((cause: unknown) => {
      this.#report(new UpnextError("storage-unavailable", "the bundle can't be kept for a start without a network", { cause }));
    });
  }

  /** Starts from the last good bundle and block where there are such; otherwise the failure stands. */
  async #fromKept(failure: unknown): Promise<void> {
    if (this.#abort.signal.aborted) throw failure;
    const kept = await this.#kept?.load(this.#inputs("")).catch(() => undefined);
    if (!kept) throw failure;
    try {
      const plan = await this.#ready().engine.plan(kept.bundle.id, kept.bundle.manifest);
      await this.#load({ ...kept.bundle, plan }, await this.#tombstones.over(kept.block));
    } catch {
      throw failure;
    }
    this.#report(asUpnextError(failure));
  }

  #inputs(bundleId: string): DeclaredInputs {
    const { languages, token = null, candidates = 500 } = this.options;
    const named = languages ?? (typeof navigator === "undefined" ? [] : [...(navigator.languages ?? [])].slice(0, 8));
    return { origin: this.#origin, bundleId, languages: named, size: candidates, token };
  }

  #ready(): Started {
    if (!this.#started) throw new UpnextError("not-ready", "the engine is not started");
    return this.#started;
  }

  /** Calls of the engine that belong together, while nobody else calls it. */
  #inTurn<T>(act: (engine: Engine) => Promise<T>): Promise<T> {
    const done = this.#turn.then(() => act(this.#ready().engine));
    this.#turn = done.catch(() => {});
    return done;
  }

  /** What ranked the latest slate. The server knows best which arm of its own experiment it has put the account in. */
  #ranked(): Ranked {
    const [arm, bundle] = [this.#block?.arm ?? this.options.events?.arm, this.slate?.bundleId];
    return { ...(arm !== undefined && { arm }), ...(bundle !== undefined && { bundle }) };
  }

  /** `leave`: for what an event may leave the device. */
  async #change(change: Change, leave = this.events.leave()): Promise<void> {
    let told: Promise<void> | undefined;
    await this.#inTurn(async (engine) => {
      await engine.change(change);
      this.#stored.note(change);
      if (change.kind === "record") told = this.events.add(change.event, leave);
    });
    if (change.kind === "wipe") {
      this.#stored.lastWords.forget();
      await Promise.all([this.events.forget(), this.anonymousMetrics.forget()]);
      // A block that was made for somebody says something of them.
      if (this.options.token !== undefined || this.options.recent) await this.#kept?.forget().catch(() => {});
    }
    await Promise.all([this.#stored.save(), told]);
  }

  record(event: Omit<FeedbackEvent, "atMs"> & { atMs?: number }): Promise<void> {
    return this.#change({ kind: "record", event: { ...event, atMs: event?.atMs ?? this.#now() } });
  }

  /** Records what a page that went could only just keep, unless its write got through after all. */
  async #catchUp({ improve = false, metrics = false, arm, bundle, ...event }: LastWord): Promise<void> {
    const leave: Leave = { improve, metrics, ...(arm !== undefined && { arm }), ...(bundle !== undefined && { bundle }) };
    try {
      const { history } = await this.#inTurn((engine) => engine.viewer());
      const { events } = JSON.parse(history) as { events: FeedbackEvent[] };
      if (!events.some(({ atMs, video }) => atMs === event.atMs && video === event.video)) await this.#change({ kind: "record", event }, leave);
      else await this.events.add(event, leave);
    } finally {
      this.#stored.lastWords.drop(event);
    }
  }

  async #watchedByPlayer(watch: Omit<FeedbackEvent, "atMs">, pageGoes: boolean): Promise<void> {
    const event = { ...watch, atMs: this.#now() };
    if (pageGoes) {
      const leave = this.events.leave();
      this.#stored.lastWords.keep({ ...event, ...leave });
      this.events.addNow(event, leave);
    }
    await this.record(event);
    if (pageGoes) this.#stored.lastWords.drop(event);
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
    options.signal?.addEventListener("abort", stopOnce, { once: true });
    return stopOnce;
  }

  like(video: string): Promise<void> {
    return this.#did("like", video);
  }

  dislike(video: string): Promise<void> {
    return this.#did("dislike", video);
  }

  async notInterested(video: string, { scope = "video" }: { scope?: "video" | "channel" } = {}): Promise<void> {
    if (scope === "channel") {
      const channel = this.block.channels[this.block.ids.indexOf(video)];
      if (!channel) throw new UpnextError("request-invalid", "the loaded block does not know the channel of that video");
      await this.#change({ kind: "block-channel", channel });
    } else if (scope !== "video") throw new UpnextError("request-invalid", "scope must be video or channel");
    await this.#did("not_interested", video);
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
    this.anonymousMetrics.close();
    this.#blockWatchers.clear();
    this.#unwatch();
    this.#abort.abort();
    // What was recorded just now is written from the engine's memory; a record in its turn has not asked to be saved yet.
    void this.#turn.then(() => (this.events.close(), this.#stored.written())).finally(() => this.#started?.engine.close());
  }
}
