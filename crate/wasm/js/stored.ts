import type { WasmRecommender } from "./engine.js";
import { asUpnextError, type UpnextError } from "./errors.js";
import type { Storage } from "./storage.js";
import type { FeedbackEvent } from "./types.js";

const PROFILE = "profile";
const HISTORY = "history";
/** A page has few players; more than this is no page of ours. */
const MOST_LAST_WORDS = 16;

/** Keeps profile and history of one recommender in a storage. */
export class Stored {
  #writing: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  constructor(private readonly storage: Storage) {}

  /**
   * Puts what is stored into `wasm`. A text that can't be read is set aside under a key of its own, so that
   * the next save doesn't overwrite it, and its error is returned.
   */
  async restore(wasm: WasmRecommender, nowMs: number): Promise<UpnextError[]> {
    const errors: UpnextError[] = [];
    const readers: [string, (text: string) => void][] = [
      [PROFILE, (text) => wasm.setProfile(text)],
      [HISTORY, (text) => wasm.importHistory(text)],
    ];
    for (const [key, read] of readers) {
      const text = await this.storage.get(key);
      if (text === undefined) continue;
      try {
        read(text);
      } catch (thrown) {
        await this.storage.set(`${key}-unreadable-${nowMs}`, text);
        errors.push(asUpnextError(thrown, "profile-invalid"));
      }
    }
    return errors;
  }

  saveProfile(json: string): Promise<void> {
    return this.storage.set(PROFILE, json);
  }

  /** Writes one after the other. Saves that come while one is under way share the next write. */
  saveHistory(current: () => string): Promise<void> {
    this.#waiting ??= this.#writing.then(() => {
      this.#waiting = undefined;
      this.#writing = this.storage.set(HISTORY, current());
      return this.#writing;
    });
    return this.#waiting;
  }

  /** Events that a page kept while it went, and that may not be in the history. */
  lastWords(): FeedbackEvent[] {
    try {
      const words: unknown = JSON.parse(this.storage.kept?.() ?? "[]");
      return Array.isArray(words) ? words.filter((word): word is FeedbackEvent => typeof word === "object" && word !== null) : [];
    } catch {
      return [];
    }
  }

  /** Keeps an event before it returns. */
  keepLastWord(event: FeedbackEvent): void {
    this.storage.keepNow?.(JSON.stringify([...this.lastWords(), event].slice(-MOST_LAST_WORDS)));
  }

  /** The event is in the history, or nobody wants it. */
  dropLastWord({ atMs, video }: FeedbackEvent): void {
    const left = this.lastWords().filter((word) => word.atMs !== atMs || word.video !== video);
    this.storage.keepNow?.(left.length === 0 ? null : JSON.stringify(left));
  }

  /** Resolves when every history that was to be saved is saved, or has failed. */
  async written(): Promise<void> {
    await (this.#waiting ?? this.#writing).catch(() => {});
  }

  async wipe(): Promise<void> {
    this.storage.keepNow?.(null);
    await this.#writing;
    await this.storage.remove(PROFILE);
    await this.storage.remove(HISTORY);
  }
}
