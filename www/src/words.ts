// How the page says what the recommender says by codes.
import type { DropReason, EventKind, Reason } from "upnext";

const PLAIN = {
  "similar-to-watched": "Like what you watched",
  "similar-to-liked": "Like what you liked",
  taste: "Viewers with your taste finish it",
  popular: "Many finish it",
  new: "New",
  "for-this-moment": "Fits this moment",
  explore: "Something different",
} as const satisfies Record<Reason["code"], string>;

/** Why a video stands in the slate; `other` is the title of the video that it resembles. */
export function reasonWords({ code }: Reason, other: string): string {
  if (other && code === "similar-to-watched") return `Because you watched “${other}”`;
  if (other && code === "similar-to-liked") return `Because you liked “${other}”`;
  return PLAIN[code];
}

/** Why a candidate is not in the slate. */
export const DROPPED: Record<DropReason, string> = {
  removed: "taken down",
  watching: "plays now",
  "not-interested": "not interested",
  disliked: "disliked",
  "blocked-channel": "channel you don't want",
  "blocked-tag": "tag you don't want",
  "excluded-language": "language you don't want",
  region: "not for your region",
  rating: "rating",
  seen: "seen of late",
  duplicate: "the same to look at as another",
  "channel-cap": "enough of its channel",
  "tag-cap": "enough with its tag",
  outranked: "others stand before it",
};

/** What the viewer did. */
export const DID: Record<EventKind, string> = {
  impression: "was shown",
  watch: "watched",
  like: "liked",
  dislike: "disliked",
  comment: "commented on",
  search: "searched for",
  share: "shared",
  not_interested: "not interested in",
};

/** `75` → `1:15`. */
export function clock(seconds: number): string {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), String(whole % 60).padStart(2, "0")];
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** An estimated probability. */
export const percent = (score: number): string => `${(score * 100).toFixed(0)} %`;

/** What a block says of a video, what it doesn't say as unknown. */
export function facts(channel: string | undefined, lengthSeconds: number | undefined): string {
  return `${channel || "channel unknown"} · ${lengthSeconds !== undefined && lengthSeconds > 0 ? clock(lengthSeconds) : "length unknown"}`;
}
