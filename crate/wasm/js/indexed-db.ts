import { createStore, promisifyRequest, type UseStore } from "idb-keyval";
import type { Storage } from "./storage.js";

/** A text as this page last saw it, and the stamp that it had: the stamps tell whether it is still that one. */
interface Seen {
  text: string | undefined;
  stamp: unknown;
}

/** Beside each text lies a stamp that every write changes: a long text need not be read to be compared. */
const stampOf = (key: string) => `${key} stamp`;

/**
 * Letters of a text that are written in one task of the page: a browser copies and packs a value on the page's own
 * thread, and a whole history of a thousand events would hold it up for some milliseconds.
 */
const PART_LETTERS = 64 << 10;
const partsOf = (key: string) => IDBKeyRange.bound([key, 0], [key, Number.POSITIVE_INFINITY]);

/** A short text lies under its key; of a long one the number of its parts does, and each part under its own. */
function put(values: IDBObjectStore, key: string, text: string | undefined): void {
  values.delete(partsOf(key));
  const parts = text === undefined ? 0 : Math.ceil(text.length / PART_LETTERS);
  if (text === undefined) values.delete(key);
  else values.put(parts <= 1 ? text : parts, key);
  const next = (part: number) => {
    if (parts <= 1 || part === parts) return;
    values.put(text!.slice(part * PART_LETTERS, (part + 1) * PART_LETTERS), [key, part]).onsuccess = () => next(part + 1);
  };
  next(0);
}

async function get(values: IDBObjectStore, key: string): Promise<string | undefined> {
  const found = await promisifyRequest<unknown>(values.get(key));
  if (typeof found !== "number") return typeof found === "string" ? found : undefined;
  const parts = await Promise.all(Array.from({ length: found }, (_, part) => promisifyRequest<unknown>(values.get([key, part]))));
  return parts.join("");
}

/**
 * IndexedDB, in a database of this name; a page that goes writes its last events to localStorage, since Firefox drops
 * a transaction that is begun then. Rejects where the browser has none or denies it.
 */
export function indexedDbStorage(database = "upnext"): Storage {
  let store: UseStore | undefined;
  let channel: BroadcastChannel | undefined;
  const seen = new Map<string, Seen>();
  // Opened at the first use: an import must not touch the host.
  const opened = () => (store ??= createStore(database, "values"));
  const tabs = () => (typeof BroadcastChannel === "undefined" ? undefined : (channel ??= new BroadcastChannel(`${database}-changed`)));

  /** One transaction: nobody writes between the look and the put. */
  const write = async (key: string, text: string | undefined, expected?: Seen): Promise<boolean> => {
    const stamp = crypto.randomUUID?.() ?? `${Date.now()} ${Math.random()}`;
    let fits = true;
    await opened()("readwrite", (values) => {
      const putBoth = () => {
        values.put(stamp, stampOf(key));
        put(values, key, text);
      };
      if (!expected) putBoth();
      else {
        const looked = values.get(stampOf(key));
        looked.onsuccess = () => {
          fits = looked.result === expected.stamp;
          if (fits) putBoth();
        };
      }
      return promisifyRequest(values.transaction);
    });
    if (!fits) return false;
    seen.set(key, { text, stamp });
    tabs()?.postMessage(null);
    return true;
  };
  const read = (key: string): Promise<Seen> =>
    opened()("readonly", async (values) => {
      const [text, stamp] = await Promise.all([get(values, key), promisifyRequest<unknown>(values.get(stampOf(key)))]);
      const now = { text, stamp };
      seen.set(key, now);
      return now;
    });

  return {
    get: async (key) => (await read(key)).text,
    set: async (key, value) => void (await write(key, value)),
    remove: async (key) => void (await write(key, undefined)),
    async replace(key, expected, value) {
      const last = seen.get(key);
      const now = last && last.text === expected ? last : await read(key);
      return now.text === expected && write(key, value, now);
    },
    watch(changed) {
      const listening = new AbortController();
      tabs()?.addEventListener("message", changed, { signal: listening.signal });
      return () => {
        listening.abort();
        channel?.close();
        channel = undefined;
      };
    },
    keepNow: (text) => {
      if (text === null) localStorage.removeItem(`${database}-last`);
      else localStorage.setItem(`${database}-last`, text);
    },
    kept: () => localStorage.getItem(`${database}-last`),
  };
}
