import { UpnextError } from "./errors.js";

/** Where profile and history live. Values are JSON texts; any key-value store will do. */
export interface Storage {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
  remove(key: string): Promise<void>;
  /**
   * Writes `value` (`undefined` removes) if what is stored is `expected`, in one step, and says whether it did. What
   * several tabs share needs it; where it is absent the last one that writes wins.
   */
  replace?(key: string, expected: string | undefined, value: string | undefined): Promise<boolean>;
  /** Calls `changed` after another tab has written; the function that it returns ends that. May be absent. */
  watch?(changed: () => void): () => void;
  /** Keeps one short text before it returns, for what happens while the page goes; `null` forgets it. May be absent. */
  keepNow?(text: string | null): void;
  /** The text that `keepNow` kept. */
  kept?(): string | null;
}

/** Keeps everything until the page closes. */
export function memoryStorage(): Storage {
  const values = new Map<string, string>();
  return {
    get: async (key) => values.get(key),
    set: async (key, value) => void values.set(key, value),
    remove: async (key) => void values.delete(key),
    async replace(key, expected, value) {
      if (values.get(key) !== expected) return false;
      if (value === undefined) values.delete(key);
      else values.set(key, value);
      return true;
    },
  };
}

/**
 * `storage`, until it fails once: then memory, and `onFailure` hears of it with `storage-unavailable`.
 * What was written through this object is still there after the change.
 */
export function withMemoryFallback(storage: Storage, onFailure: (error: UpnextError) => void): Required<Storage> {
  const memory = memoryStorage();
  let failed = false;
  async function attempt<T>(real: () => Promise<T>, spare: () => Promise<T>): Promise<T> {
    if (failed) return spare();
    try {
      return await real();
    } catch (cause) {
      // A second call may have been under way: one report is enough.
      if (!failed) {
        failed = true;
        onFailure(
          new UpnextError("storage-unavailable", "storage can't be used; this page keeps profile and history in memory", {
            cause,
          }),
        );
      }
      return spare();
    }
  }
  /** The last resort has none of its own. */
  function attemptNow<T>(real: () => T): T | undefined {
    try {
      return real();
    } catch {
      return undefined;
    }
  }
  const put = (key: string, value: string | undefined) => (value === undefined ? memory.remove(key) : memory.set(key, value));
  const { replace } = storage;
  return {
    get: (key) => attempt(() => storage.get(key), () => memory.get(key)),
    set: async (key, value) => {
      await memory.set(key, value);
      await attempt(() => storage.set(key, value), async () => {});
    },
    remove: async (key) => {
      await memory.remove(key);
      await attempt(() => storage.remove(key), async () => {});
    },
    async replace(key, expected, value) {
      const written = async () => {
        await put(key, value);
        return true;
      };
      // Memory is nobody else's: there what is expected is what is there.
      const done = await attempt(async () => {
        if (replace) return replace.call(storage, key, expected, value);
        await (value === undefined ? storage.remove(key) : storage.set(key, value));
        return true;
      }, written);
      return done && written();
    },
    watch: (changed) => attemptNow(() => storage.watch?.(changed)) ?? (() => {}),
    keepNow: (text) => attemptNow(() => storage.keepNow?.(text)),
    kept: () => attemptNow(() => storage.kept?.()) ?? null,
  };
}
