import type { AnonymousMetrics } from "./anonymous-metrics.js";
import type { AttachOptions } from "./attach.js";
import { Device } from "./device.js";
import type { Loaders } from "./engine.js";
import type { UpnextError } from "./errors.js";
import type { EventOptions, ViewerEvents } from "./events.js";
import type { Slate } from "./slate.js";
import type { Fetch } from "./source.js";
import type { Storage } from "./storage.js";
import type { ViewerProfile } from "./viewer.js";
import type { BlockInfo, DiversityMethod, FeedbackEvent, HeadWeights, LocalTime, Profile } from "./types.js";

/**
 * What `createRecommender` takes. `origin`, `languages`, `candidates` and `token` are all that a request can hold, the
 * events of a purpose that `events` switches on, and the videos that `recent` lets go.
 */
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
  /** What slates are ordered for, by the ranker's heads; default: as the bundle weighs them, which is relevance unless its training says otherwise. */
  headWeights?: HeadWeights;
  /** Milliseconds between refreshes, a fixed schedule; default 15 minutes, 0: only when `refresh` is called. */
  refreshMs?: number;
  /**
   * Where the engine runs. Default: `worker` in a page, so that ranking never holds the page up, and `main`, the calling
   * thread, elsewhere and by `upnext/inline`. Where no worker can be had, `onError` hears of it and it is `main`.
   */
  thread?: "worker" | "main";
  /**
   * Mode `recent`, by the viewer's choice: each request for candidates names so many of the latest videos that they found
   * relevant, 1 to 50; the server folds them in for that answer and keeps nothing. Default 0: none is named. Not with a `token`.
   */
  recent?: number;
  /** What the viewer lets go to the server, by purpose; default: nothing. Each needs a `token`. */
  events?: EventOptions;
  /**
   * Whether the viewer allows anonymous metrics; default false. Once in four weeks, eight times at most, four noised
   * answers about a week that is over go to the server, without the `token`.
   */
  anonymousMetrics?: boolean;
  /** Keep the last good bundle and block in Cache Storage and start from them without a network; default: in a page. */
  offline?: boolean;
  /** Gives the creation up; it then rejects with the signal's reason. */
  signal?: AbortSignal;
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
  /** What counts as different: `mmr` (default), `dpp` or `ssd`. */
  method?: DiversityMethod;
  /** How much the slate's mix of channels follows that of what the viewer found relevant, 0 to 1; default 0. */
  calibration?: number;
  /** Most videos of one channel, 1 to 200; default: any number. */
  perChannel?: number | null;
  /** Most videos with one tag, 1 to 200; default: any number. */
  perTag?: number | null;
  /** What each further video of a channel or tag loses of its relevance, 0 to 1; default 0. */
  decay?: number;
  /** From familiar, 0, to exploring, 1: up to a fifth of the places; default 0. */
  explore?: number;
  /** How the videos are drawn that exploring shows: `uniform` (default), or `thompson`, by what the personal head holds possible. */
  exploration?: "uniform" | "thompson";
  /** Seed of this slate; default: the recommender's. Propensities are chances over seeds: who logs them gives each slate another one. */
  seed?: number;
  /** What the personal head may do, 0 to 1; default 0. */
  personal?: number;
  /** What fatigue may take from a video that was shown and not played, 0 to 1; default 0. */
  fatigue?: number;
  /** What this slate is ordered for; default: the recommender's `headWeights`. */
  headWeights?: HeadWeights | null;
}

/** A recommender for one viewer on one device. */
export interface Upnext {
  /** Ranks the candidates for this moment. No request is made. On an error `slate` stays as it was. */
  recommend(options?: RecommendOptions): Promise<Slate>;
  /** The last slate that could be made. */
  readonly slate: Slate | undefined;
  /**
   * Everything that the last slate was made of, as one JSON text: bundle id, block, profile, history, moment, options.
   * `upnext-export replay` makes the same slate of it. It is the viewer's to hand over; nothing here sends it.
   * `receipt-mismatch` where the viewer did something, or a block came, since that slate.
   */
  receipt(): Promise<string>;
  /**
   * Fetches the current bundle and a new block, and changes to them in one step. On an error everything loaded before
   * stays in use. `signal` ends the wait, with its reason; what other callers wait for goes on.
   */
  refresh(options?: { signal?: AbortSignal }): Promise<void>;
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
  /**
   * Acts on the next slate. With `scope: "channel"` no video of its channel is shown any more, until `profile.set`
   * changes `blockedChannels`; `request-invalid` where the loaded block doesn't know the channel.
   */
  notInterested(video: string, options?: { scope?: "video" | "channel" }): Promise<void>;
  searched(query: string): Promise<void>;
  /** The viewer's own data. */
  readonly profile: ViewerProfile;
  /** What goes to the server by the viewer's leave; nothing by default. */
  readonly events: ViewerEvents;
  /** Noised answers about the viewer's weeks; none by default. */
  readonly anonymousMetrics: AnonymousMetrics;
  /** Which engine runs: `compact` or `onnx`. */
  readonly engine: string;
  /** Where it runs. */
  readonly thread: "worker" | "main";
  /** What the loaded block holds. */
  readonly block: BlockInfo;
  /**
   * Calls `changed` when another block is loaded; the function that it returns ends that. What is fetched for a block,
   * its thumbnails for one, is fetched then: fetched at the next ranking it would tell when the viewer did something.
   */
  watchBlock(changed: () => void): () => void;
  /** Records what attached players have shown, stops the schedule, aborts requests, frees the module's memory. */
  close(): void;
}

/** `createRecommender` over the ways that one environment has to load the modules. */
export function factory(loaders: Loaders): (options: RecommenderOptions) => Promise<Upnext> {
  return async (options) => {
    const upnext = new Device(loaders, options);
    try {
      await upnext.start();
    } catch (thrown) {
      upnext.close();
      throw thrown;
    }
    return upnext;
  };
}
