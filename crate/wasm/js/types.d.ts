// The types that cross between Rust and JavaScript. This file is the source: the Rust crate includes it into
// the module's own declarations, the facade imports it, and a Rust test holds `ErrorCode` to `Code::ALL`.

/** A stable error code; the same list serves the command line, HTTP and this package. */
export type ErrorCode =
  | "bundle-missing"
  | "bundle-unreadable"
  | "bundle-version"
  | "bundle-corrupt"
  | "bundle-incomplete"
  | "bundle-inconsistent"
  | "bundle-mismatch"
  | "block-unreadable"
  | "block-invalid"
  | "block-expired"
  | "not-finite"
  | "id-out-of-range"
  | "program-invalid"
  | "op-unsupported"
  | "onnx-invalid"
  | "request-invalid"
  | "profile-invalid"
  | "server-unreachable"
  | "server-error"
  | "storage-unavailable"
  | "not-ready"
  | "account-unknown"
  | "token-invalid"
  | "overloaded"
  | "not-found"
  | "file-unreadable"
  | "table-empty"
  | "column-missing"
  | "rows-malformed"
  | "user-without-events"
  | "split-empty"
  | "training-diverged"
  | "config-invalid"
  | "text-model-unsupported"
  | "text-model-invalid"
  | "receipt-mismatch";

/** What the WebAssembly module throws: never a trap, always a code. */
export interface WasmError {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Demographics and wishes of the viewer: all optional, kept on the device, sent nowhere. */
export interface Profile {
  /** Age in years, 0 to 130. */
  age?: number | null;
  /** Gender as the site's users table names it. */
  gender?: string | null;
  /** Degrees north, −90 to 90. */
  latitude?: number | null;
  /** Degrees east, −180 to 180. */
  longitude?: number | null;
  /** User name; read only where the bundle turns that feature on. */
  username?: string | null;
  /** BCP 47 tag of the viewer's language. */
  language?: string | null;
  /** IANA name of the viewer's time zone. */
  timeZone?: string | null;
  /** Channels that must not be shown. */
  blockedChannels?: string[];
  /** Tags that must not be shown. */
  blockedTags?: string[];
  /** BCP 47 tags of languages whose videos must not be shown; `zh` stands for `zh-Hant` too. */
  excludedLanguages?: string[];
  /** ISO 3166 code of the viewer's region, for example `AT`: videos that may not be shown there aren't. */
  region?: string | null;
}

/** Kinds of feedback. */
export type EventKind =
  | "impression"
  | "watch"
  | "like"
  | "dislike"
  | "comment"
  | "search"
  | "share"
  | "not_interested";

/** One thing the viewer did. Kept on the device. */
export interface FeedbackEvent {
  kind: EventKind;
  /** Unix milliseconds. */
  atMs: number;
  /** Id of the video; absent for a search only. */
  video?: string;
  /** Seconds watched, for `watch`; loops count once. */
  seconds?: number;
  /** The query of a search, or the comment. */
  text?: string;
  /** Where the video was shown, for example `up-next`. */
  surface?: string;
}

/** What metrics tell of one week: all that a report holds, and the number of a bucket, noised, for each metric. */
export interface MetricsReport {
  /** Number of the terms: buckets, ε and budget. */
  form: number;
  /** Weeks since Monday, 29 December 1969, UTC. */
  week: number;
  /** Id of the bundle that was loaded. */
  bundle: string;
  /** Whether anything was played: no, yes. */
  clicked: number;
  /** Videos that were completed: 0, 1, 2 to 4, 5 to 9, 10 or more. */
  completed: number;
  /** Time watched: none, below 10 minutes, 30 minutes, 2 hours, 10 hours, more. */
  watched: number;
  /** Explicit feedback: none, likes, dislikes or "not interested", both. */
  feedback: number;
}

/** What metrics have told of this device, and may tell. */
export interface Disclosed {
  /** ε that each metric has spent, and what its lifetime budget leaves. */
  metrics: { metric: "clicked" | "completed" | "watched" | "feedback"; spent: number; left: number }[];
  /** The latest report as it left or will leave; absent where there is none, or where it was forgotten. */
  last?: MetricsReport;
}

/** The moment of a recommendation. Read on the device and never sent. `null` or absent: unknown. */
export interface Context {
  /** Now, Unix milliseconds. */
  nowMs: number;
  /** Minutes east of UTC at that instant. */
  utcOffsetMinutes?: number | null;
  /** `phone`, `tablet`, `desktop`, `tv`. */
  device?: string | null;
  /** Where the slate is shown, for example `up-next`, `home`. */
  surface?: string | null;
  /** A what-if: this local time instead of the clock's. The history keeps its dates. */
  localTime?: LocalTime | null;
}

/** A time of the week on the viewer's clock. */
export interface LocalTime {
  /** Hours since midnight, 0 up to 24. */
  hour: number;
  /** 0 is Monday, 6 is Sunday. */
  weekday: number;
}

/** How a slate is made. */
export interface SlateOptions {
  /** Videos in the slate, 1 to 200. */
  size?: number;
  /** 0: order of relevance alone; 1: the most different slate. */
  diversity?: number;
  /** What counts as different; default `mmr`. */
  method?: DiversityMethod;
  /** How much the slate's mix of channels follows that of what the viewer found relevant, 0 (default) to 1. */
  calibration?: number;
  /** Most videos of one channel, 1 to 200; default: any number. */
  perChannel?: number | null;
  /** Most videos with one tag, 1 to 200; default: any number. */
  perTag?: number | null;
  /** What each further video of a channel or tag loses of its relevance, 0 (default) to 1. */
  decay?: number;
  /** From familiar, 0, to exploring, 1: a fifth of the places. */
  explore?: number;
  /** How the videos are drawn that exploring shows: `uniform` (default), or `thompson`, by what the personal head holds possible. */
  exploration?: "uniform" | "thompson";
  /** What the personal head may do, 0 to 1. Default 0. */
  personal?: number;
  /** What fatigue may take from a video that was shown and not played, 0 to 1. Default 0. */
  fatigue?: number;
  /** How much each of the ranker's heads counts in the order; default: as the bundle weighs them. */
  headWeights?: HeadWeights | null;
  /** Id of the video that plays now; it isn't recommended. */
  watching?: string | null;
  /** Seed of everything random, an integer from 0. The same seed and inputs give the same slate. */
  seed?: number;
}

/**
 * What a slate is ordered for, 0 to 1 each, of which only ratios matter; what is left out has the bundle's weight. A head
 * that the bundle doesn't have counts as `relevant`.
 */
export interface HeadWeights {
  /** Liked, or watched for half of its length. */
  relevant?: number | null;
  /** Liked. */
  liked?: number | null;
  /** Watched for 0.9 of its length. */
  finished?: number | null;
  /** Fraction of its length that is watched. */
  watched?: number | null;
}

/**
 * How likeness inside a slate is measured: by the most similar video before it (`mmr`, maximal marginal relevance), by the
 * logarithm of the volume that a window of them spans (`dpp`, determinantal point process), or by that volume (`ssd`,
 * sliding spectrum decomposition).
 */
export type DiversityMethod = "mmr" | "dpp" | "ssd";

/** Why a candidate isn't in the slate. */
export type DropReason =
  | "removed"
  | "watching"
  | "not-interested"
  | "disliked"
  | "blocked-channel"
  | "blocked-tag"
  | "excluded-language"
  | "region"
  | "rating"
  | "seen"
  | "duplicate"
  | "channel-cap"
  | "tag-cap"
  | "outranked";

/** Why a video stands in the slate. */
export interface Reason {
  code: ReasonCode;
  /** The video it resembles, for the two `similar-to-…` codes. */
  video?: string;
}
export type ReasonCode =
  | "similar-to-watched"
  | "similar-to-liked"
  | "taste"
  | "popular"
  | "new"
  | "for-this-moment"
  | "explore";

/** How the personal head stands against the ranker alone. */
export interface PersonalStanding {
  /** Whether it may act: it has learnt from enough, and foretold it better. */
  acts: boolean;
  /** Encounters that it learnt from. */
  evidence: number;
  /** By how much it foretold them better, in nats, old ones fading; negative: worse. */
  gain: number;
}

/** What the module learnt, by row of the block. */
export interface RawLearnt extends PersonalStanding {
  /** What the personal head would add to the logit of the order. */
  shifts: Float32Array;
}

/** Public inputs of the candidate request, and the only ones. */
export interface DeclaredInputs {
  /** Origin of the server, for example `https://video.example`. */
  origin: string;
  /** Id of the loaded bundle. */
  bundleId: string;
  /** BCP 47 tags. */
  languages: string[];
  /** Candidates asked for. */
  size: number;
  /** Account token; without it the request is anonymous. */
  token?: string | null;
  /** Mode `recent`: ids of the latest videos that the viewer found relevant, the latest first; never with a token. */
  recent?: string[] | null;
}

/** A request as the facade must send it, unchanged: GET, or POST where it has a body. */
export interface RequestParts {
  url: string;
  headers: [name: string, value: string][];
  body?: string;
}

/** Files of a bundle that this module needs. */
export interface BundlePlan {
  /** The bundle needs the module `upnext/onnx`. */
  needsOnnx: boolean;
  files: { path: string; bytes: number }[];
}

/** What a page may show of the loaded block; row `i` of each column is candidate `i`. */
export interface BlockInfo {
  bundleId: string;
  expiresAtMs: number;
  /** Arm of the server's experiment that the block was made by; absent where the account is in none, and without a token. */
  arm?: string;
  ids: string[];
  /** Empty where the server sent none. */
  titles: string[];
  /** Empty where the server sent none. */
  thumbnails: string[];
  /** Empty text: unknown. */
  channels: string[];
  /** Seconds; negative: unknown. */
  lengthSeconds: Float32Array;
  /** Videos that were taken down; no slate shows them. */
  removed: string[];
  /** With a new bundle: events of the history whose vectors were carried over from the bundle before. */
  carried?: number;
}

/** A slate as the module returns it: columns, rows of the block. */
export interface RawSlate {
  rows: Uint32Array;
  /** Estimated probability that the viewer finds the video relevant. */
  scores: Float32Array;
  /** Chance, over seeds, that the video stands at its place. */
  propensities: Float32Array;
  /** What the personal head added to the logit of the order. */
  personalShifts: Float32Array;
  /** What fatigue took from the logit of the order. */
  fatigueTolls: Float32Array;
  personal: PersonalStanding;
  reasons: Reason[];
  droppedRows: Uint32Array;
  /** Row of `dropReasons()` for each dropped row. */
  droppedReasons: Uint8Array;
  /** SHA-256 of the inputs, 64 hex digits. */
  receipt: string;
  userVector: Float32Array;
}

/** An input of a graph: so many values a row, ids or floats. */
export interface GraphInput {
  name: string;
  /** Values per row. */
  width: number;
  /** Whether the values are ids, whole numbers from 0, or floats. */
  ids: boolean;
}

/** Inputs of the user tower. */
export interface EncodedUser {
  categorical: Uint32Array;
  dense: Float32Array;
}
