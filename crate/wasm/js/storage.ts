import { createStore, get, set, del } from "idb-keyval";
import { UpnextError } from "./errors.js";

/** Where profile and history live. Values are JSON texts; any key-value store will do. */
export interface Storage {
  get(key: string): Promise<string | undefined>;
  set(key: string, value: string): Promise<void>;
  remove(key: string): Promise<void>;
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
  };
}

/**
 * IndexedDB, in a database of this name; a page that goes writes its last events to localStorage, since Firefox drops
 * a transaction that is begun then. Rejects where the browser has none or denies it. */
export function indexedDbStorage(database = "upnext"): Storage {
  let store: ReturnType<typeof createStore> | undefined;
  // Opened at the first use: an import must not touch the host.
  const opened = () => (store ??= createStore(database, "values"));
  return {
    get: async (key) => {
      const value: unknown = await get(key, opened());
      return typeof value === "string" ? value : undefined;
    },
    set: async (key, value) => set(key, value, opened()),
    remove: async (key) => del(key, opened()),
    keepNow: (text) => {
      if (text === null) localStorage.removeItem(`${database}-last`);
      else localStorage.setItem(`${database}-last`, text);
    },
    kept: () => localStorage.getItem(`${database}-last`),
  };
}

/**
 * `storage`, until it fails once: then memory, and `onFailure` hears of it with `storage-unavailable`.
 * What was written through this object is still there after the change.
 */
export function withMemoryFallback(storage: Storage, onFailure: (error: UpnextError) => void): Storage {
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
    keepNow: (text) => attemptNow(() => storage.keepNow?.(text)),
    kept: () => attemptNow(() => storage.kept?.()) ?? null,
  };
}
