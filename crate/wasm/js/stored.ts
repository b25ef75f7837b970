import type { WasmRecommender } from "./engine.js";
import { asUpnextError, type UpnextError } from "./errors.js";
import type { Storage } from "./storage.js";

const PROFILE = "profile";
const HISTORY = "history";

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

  async wipe(): Promise<void> {
    await this.#writing;
    await this.storage.remove(PROFILE);
    await this.storage.remove(HISTORY);
  }
}
