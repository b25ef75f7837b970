import type { Leave } from "./events.js";
import type { Storage } from "./storage.js";
import type { FeedbackEvent } from "./types.js";

/** A page has few players; more than this is no page of ours. */
const MOST = 16;

/** An event, and for what the viewer let it go to the server when it happened. */
export type LastWord = FeedbackEvent & Partial<Leave>;

/** Events that a page keeps while it goes, and that may not get into the history any more. */
export class LastWords {
  constructor(private readonly storage: Storage) {}

  /** What is kept; what can't be read is nothing. */
  all(): LastWord[] {
    try {
      const words: unknown = JSON.parse(this.storage.kept?.() ?? "[]");
      return Array.isArray(words) ? words.filter((word): word is LastWord => typeof word === "object" && word !== null) : [];
    } catch {
      return [];
    }
  }

  /** Keeps an event before it returns. */
  keep(event: LastWord): void {
    this.storage.keepNow?.(JSON.stringify([...this.all(), event].slice(-MOST)));
  }

  /** The event is in the history, or nobody wants it. */
  drop({ atMs, video }: FeedbackEvent): void {
    const left = this.all().filter((word) => word.atMs !== atMs || word.video !== video);
    this.storage.keepNow?.(left.length === 0 ? null : JSON.stringify(left));
  }

  forget(): void {
    this.storage.keepNow?.(null);
  }
}
